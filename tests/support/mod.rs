//! The invariants that every outcome keeps.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by a panic")]

use mobivate_response::{
    Batch, BatchOutcome, DeliveryStatus, Failure, FailureKind, Message, OptedOutNumber, Retry,
    SendOutcome,
};
use serde::de::IgnoredAny;

pub(crate) mod reference;

/// Asserts every invariant on the outcomes of one response.
pub(crate) fn assert_invariants(status: u16, body: &[u8]) {
    let outcome = SendOutcome::decode(status, body);
    let batch = BatchOutcome::decode(status, body);
    assert_as_the_reference(status, body);
    assert_name_invariants(&String::from_utf8_lossy(body));

    match &outcome {
        SendOutcome::Success(message) => {
            assert_success(status, body, &message.id);
            assert_message_is_private(message);
        }
        SendOutcome::Failure(failure) => assert_failure(status, failure, FailureKind::OptedOut),
    }
    match &batch {
        BatchOutcome::Success(batch) => {
            assert_success(status, body, &batch.id);
            assert_batch_is_private(batch);
        }
        BatchOutcome::Failure(failure) => {
            assert_failure(status, failure, FailureKind::BatchOptedOut);
        }
    }
    assert_one_verdict(&outcome, &batch, body);
    if outcome.is_success() || batch.is_success() {
        assert_nothing_truncated_is_a_success(status, body);
    }

    assert_eq!(batch.clone().into_owned(), batch, "the owned copy is the borrowed one");
    let form = serde_json::to_string(&batch).unwrap();
    assert_eq!(serde_json::from_str::<BatchOutcome<'_>>(&form).unwrap(), batch, "serde keeps all");
    assert_eq!(outcome.clone().into_owned(), outcome, "the owned copy is the borrowed one");
    let form = serde_json::to_string(&outcome).unwrap();
    assert_eq!(serde_json::from_str::<SendOutcome<'_>>(&form).unwrap(), outcome, "serde keeps all");
}

fn assert_success(status: u16, body: &[u8], id: &str) {
    assert!((200..=299).contains(&status), "success needs a 2xx");
    assert!(!id.trim().is_empty() && id != "0", "success needs an id");
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    let text = String::from_utf8_lossy(body);
    let read = serde_json::from_str::<IgnoredAny>(&text);
    assert!(read.is_ok(), "success needs a complete response: {text:?}");
}

/// The opt-out's kind is that of a single send, or that of a batch.
fn assert_failure(status: u16, failure: &Failure<'_>, opted_out: FailureKind) {
    assert_eq!(failure.status, status);
    assert!(failure.code == status || (400..=599).contains(&failure.code));
    assert!(!failure.detail.is_empty(), "there is always a detail");
    assert!(failure.id.as_deref().is_none_or(|id| !id.trim().is_empty() && id != "0"));

    let is_opt_out = matches!(failure.kind, FailureKind::OptedOut | FailureKind::BatchOptedOut);
    assert!(!is_opt_out || failure.kind == opted_out, "the kind of the other send: {failure:?}");
    let is_unknown = failure.code == 0 || (500..=599).contains(&failure.code);
    let is_notice = !is_unknown && reference::is_notice(&failure.detail);
    // Beside an acceptance, a notice contradicts itself.
    let is_contradiction = failure.kind == FailureKind::Unconfirmed
        && failure.id.is_some()
        && (200..=299).contains(&failure.code);
    assert!(!is_notice || is_opt_out || is_contradiction, "a notice is one: {failure:?}");
    assert!(is_notice || !is_opt_out, "a notice alone suppresses: {failure:?}");

    let says_not_sent = matches!(failure.retry(), Retry::Later | Retry::AfterFix);
    assert!(failure.id.is_none() || !says_not_sent, "an id leaves it open");
    assert_ne!(failure.kind, FailureKind::Undelivered, "that is known only later");
    assert_number(failure);
    assert_failure_is_private(failure);
}

/// A single send and a batch get the same verdict, the opt-out's two kinds and a syntax error within the
/// recipients aside.
fn assert_one_verdict(outcome: &SendOutcome<'_>, batch: &BatchOutcome<'_>, body: &[u8]) {
    let verdict = |failure: &Failure<'_>| {
        let mut failure = failure.clone().into_owned();
        if failure.kind == FailureKind::BatchOptedOut {
            failure.kind = FailureKind::OptedOut;
        }
        failure
    };
    let single = match outcome {
        SendOutcome::Success(message) => Ok(&*message.id),
        SendOutcome::Failure(failure) => Err(verdict(failure)),
    };
    let batch = match batch {
        BatchOutcome::Success(batch) => Ok(&*batch.id),
        BatchOutcome::Failure(failure) => Err(verdict(failure)),
    };
    // A single send skips the recipients. A number that the reference does not decide may be in them.
    let is_error_within = || match reference::Response::read(body, true) {
        Some(response) => {
            let text = String::from_utf8_lossy(body);
            let has_list = ["recipients", "messages", r"\u"].iter().any(|key| text.contains(key));
            !response.is_complete && has_list
        }
        None => true,
    };
    assert!(single == batch || is_error_within(), "{single:?} {batch:?} {}", body.escape_ascii());
}

/// Case and outer whitespace do not matter to a status name; anything before or behind it does.
fn assert_name_invariants(name: &str) {
    let status = DeliveryStatus::from_name(name);
    let upper = name.to_ascii_uppercase();
    assert_eq!(DeliveryStatus::from_name(&format!("\t{upper}\n")), status, "{name:?}");
    for longer in [format!("NOT_{}", upper.trim()), format!("{}_NOT", upper.trim())] {
        assert_eq!(DeliveryStatus::from_name(&longer), DeliveryStatus::Unknown, "{longer:?}");
    }
}

/// The reference implementation comes to the same outcome, also on the same response written in another way.
fn assert_as_the_reference(status: u16, body: &[u8]) {
    if let Some(response) = reference::Response::read(body, false) {
        let expected = response.outcome(status);
        for body in [body.to_vec()].into_iter().chain(response.rewritten()) {
            let outcome = SendOutcome::decode(status, &body);
            assert_same_failure(outcome.failure(), expected.failure(), &body);
            assert_eq!(outcome.success(), expected.success(), "{}", body.escape_ascii());
        }
    }
    if let Some(response) = reference::Response::read(body, true) {
        let expected = response.batch_outcome(status);
        for body in [body.to_vec()].into_iter().chain(response.rewritten()) {
            let outcome = BatchOutcome::decode(status, &body);
            assert_same_failure(outcome.failure(), expected.failure(), &body);
            assert_eq!(outcome.success(), expected.success(), "{}", body.escape_ascii());
        }
    }
}

fn assert_same_failure(failure: Option<&Failure<'_>>, expected: Option<&Failure<'_>>, body: &[u8]) {
    let known = |failure: &Failure<'_>| {
        let mut failure = failure.clone().into_owned();
        if matches!(&*failure.detail, "truncated JSON" | "malformed JSON") {
            failure.detail = reference::SYNTAX_ERROR.into();
        }
        failure
    };
    assert_eq!(failure.map(known), expected.map(known), "{}", body.escape_ascii());
}

fn assert_nothing_truncated_is_a_success(status: u16, body: &[u8]) {
    let end = body.trim_ascii_end().len();
    for length in (0..end).step_by(1 + end / 32).chain(end.saturating_sub(8)..end) {
        let truncated = &body[..length];
        let single = SendOutcome::decode(status, truncated);
        let batch = BatchOutcome::decode(status, truncated);
        assert!(!single.is_success() && !batch.is_success(), "{}", truncated.escape_ascii());
        let is_malformed = single.failure().is_some_and(|it| it.detail == "malformed JSON");
        assert!(!is_malformed, "{}", truncated.escape_ascii());
    }
}

fn assert_number(failure: &Failure<'_>) {
    let number = failure.opted_out_number();
    let is_opted_out = matches!(failure.kind, FailureKind::OptedOut | FailureKind::BatchOptedOut);
    let expected = reference::number(&failure.detail).filter(|_| is_opted_out);
    assert_eq!(number.map(OptedOutNumber::as_str), expected.as_deref(), "{:?}", failure.detail);
    let Some(number) = number else { return };
    let digits = number.as_str();
    assert!(failure.detail.contains(digits), "the number is a part of the detail");
    assert!((7..=15).contains(&digits.len()), "E.164");
    assert_eq!(number.is_masked(), digits.contains(['X', 'x', '*']));
    assert_eq!(number.matches(&format!("+{digits}")), !number.is_masked());
    let (area, rest) = digits.split_at(3);
    for recipient in [
        format!("00{digits}"),
        format!("00 {area} - {rest}"),
        format!("({area}) {rest}"),
        format!("0{digits}"),
        format!("{digits}0"),
        rest.to_owned(),
        failure.detail.to_string(),
    ] {
        let expected = reference::matches(digits, &recipient);
        assert_eq!(number.matches(&recipient), expected, "{digits:?} {recipient:?}");
    }
    assert_loggable(&format!("{number:?}"), SEPARATORS);
}

/// What may stand between the digits of a number in a failure's detail.
const SEPARATORS: &str =
    " \u{a0}\u{2009}-\u{2010}\u{2011}\u{2012}\u{2013}\u{2014}\u{2015}\u{2212}.,/_()[]{}";

fn assert_failure_is_private(failure: &Failure<'_>) {
    let display = failure.to_string();
    assert!(display.starts_with(&failure.kind.to_string()));
    // Each of the 256 characters may be escaped, as `\u{10ffff}`.
    assert!(display.chars().count() < 256 * 10 + 64, "Display is bounded");
    assert_loggable(&display, SEPARATORS);
    let mut anonymous = failure.clone();
    let id = anonymous.id.take();
    let with_id = format!("{failure:?}").len();
    assert!(id.is_none_or(|_| with_id < 1 << 13), "an id is bounded");
    let debug = format!("{anonymous:?}");
    assert!(debug.chars().count() < 256 * 10 + 128, "Debug is bounded");
    assert_loggable(&debug, SEPARATORS);
    assert_loggable(&format!("{anonymous:#?}").replace('\n', " "), "");
}

fn assert_message_is_private(message: &Message<'_>) {
    let mut anonymous = message.clone();
    for field in [
        &mut anonymous.originator,
        &mut anonymous.recipient,
        &mut anonymous.body,
        &mut anonymous.reference,
    ] {
        *field = field.take().map(|_| "somebody".into());
    }
    assert_eq!(format!("{message:?}"), format!("{anonymous:?}"), "Debug shows presence alone");
    assert_eq!(format!("{message:#?}"), format!("{anonymous:#?}"), "and so when pretty");
    anonymous.id = "m".into();
    assert_loggable(&format!("{anonymous:?}"), "");
}

fn assert_batch_is_private(batch: &Batch<'_>) {
    let mut anonymous = batch.clone();
    anonymous.name = anonymous.name.map(|_| "somebody".into());
    for entry in &mut anonymous.recipients {
        let before = format!("{entry:?}{entry:#?}");
        for field in
            [&mut entry.originator, &mut entry.recipient, &mut entry.text, &mut entry.reference]
        {
            *field = field.take().map(|_| "somebody".into());
        }
        assert_eq!(format!("{entry:?}{entry:#?}"), before, "Debug shows presence alone");
        assert_loggable(&format!("{entry:?}"), "");
    }
    assert_eq!(format!("{batch:?}{batch:#?}"), format!("{anonymous:?}{anonymous:#?}"));
    anonymous.id = "b".into();
    assert_loggable(&format!("{anonymous:?}"), "");
}

/// No number, and nothing that forges or turns a line.
fn assert_loggable(text: &str, separators: &str) {
    let line_or_direction = |c| matches!(c, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    assert!(!text.contains(char::is_control), "control character in {text:?}");
    assert!(!text.contains(line_or_direction), "a line or bidirectional control in {text:?}");
    // The digits of an escape are nobody's.
    let mut pieces = text.split(r"\u{");
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        text.push('|');
        text += piece.split_once('}').map_or("", |(_, rest)| rest);
    }
    let (mut digits, mut gap) = (0, 0);
    for c in text.chars() {
        if c.is_numeric() {
            (digits, gap) = (digits + 1, 0);
        } else if gap < 4 && separators.contains(c) {
            gap += 1;
        } else {
            digits = 0;
        }
        assert!(digits < 7, "a number in {text:?}");
    }
}
