//! The invariants that every outcome keeps.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by a panic")]

use std::fmt::Debug;

use mobivate_response::{
    Batch, BatchOutcome, Failure, FailureKind, Message, OptedOutNumber, Outcome, Retry, SendOutcome,
};
use serde::{
    Serialize,
    de::{DeserializeOwned, IgnoredAny},
};

pub(crate) mod reference;

/// Asserts every invariant on the outcomes of one response.
pub(crate) fn assert_invariants(status: u16, body: &[u8]) {
    let outcome = SendOutcome::decode(status, body);
    let batch = BatchOutcome::decode(status, body);
    if let Some(response) = reference::Response::read(body) {
        for body in response.rewritten().iter().map(Vec::as_slice).chain([body]) {
            let shown = body.escape_ascii();
            assert_eq!(SendOutcome::decode(status, body), response.outcome(status), "{shown}");
            assert_eq!(
                BatchOutcome::decode(status, body),
                response.batch_outcome(status),
                "{shown}"
            );
        }
    }
    match &outcome {
        SendOutcome::Success(message) => {
            assert_success(status, body, &message.id);
            assert_message_is_private(message);
        }
        SendOutcome::Failure(failure) => {
            assert_failure(status, body, failure, FailureKind::OptedOut);
        }
    }
    match &batch {
        BatchOutcome::Success(batch) => {
            assert_success(status, body, &batch.id);
            assert_batch_is_private(batch);
        }
        BatchOutcome::Failure(failure) => {
            assert_failure(status, body, failure, FailureKind::BatchOptedOut);
        }
    }
    assert_eq!(outcome.clone().into_owned(), outcome, "the owned copy equals the borrowed one");
    assert_eq!(batch.clone().into_owned(), batch, "the owned copy equals the borrowed one");
    assert_serde(&outcome.into_owned());
    assert_serde(&batch.into_owned());
}

fn assert_serde<T: Serialize + DeserializeOwned + PartialEq + Debug>(
    outcome: &Outcome<'static, T>,
) {
    let form = serde_json::to_string(outcome).unwrap();
    assert_eq!(serde_json::from_str::<Outcome<'static, T>>(&form).unwrap(), *outcome);
}

fn assert_success(status: u16, body: &[u8], id: &str) {
    assert!((200..=299).contains(&status), "a success needs a 2xx");
    assert!(!id.trim().is_empty() && id != "0", "a success needs an id");
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    let read = serde_json::from_str::<IgnoredAny>(&String::from_utf8_lossy(body));
    assert!(read.is_ok(), "a success needs a complete response: {}", body.escape_ascii());
    let is_single = SendOutcome::decode(status, body).is_success();
    let end = body.trim_ascii_end().len();
    for length in (0..end).step_by(1 + end / 32).chain(end.saturating_sub(8)..end) {
        let cut = &body[..length];
        let outcome = SendOutcome::decode(status, cut);
        let is_success = outcome.is_success() || BatchOutcome::decode(status, cut).is_success();
        assert!(!is_success, "a cut is no success: {}", cut.escape_ascii());
        // A field that a batch doesn't read may hold a number that no float can.
        let is_malformed = outcome.failure().is_some_and(|it| it.detail == "malformed JSON");
        assert!(!is_malformed || !is_single, "{}", cut.escape_ascii());
    }
}

/// The opt-out's kind is that of a single send, or that of a batch.
fn assert_failure(status: u16, body: &[u8], failure: &Failure<'_>, opted_out: FailureKind) {
    assert_eq!(failure.status, status);
    assert!(failure.code == status || (400..=599).contains(&failure.code));
    assert!(!failure.detail.is_empty(), "there is always a detail");
    assert!(failure.id.as_deref().is_none_or(|id| !id.trim().is_empty() && id != "0"));
    assert!(!matches!(failure.kind, FailureKind::Undelivered | FailureKind::NotSent));

    let is_opt_out = matches!(failure.kind, FailureKind::OptedOut | FailureKind::BatchOptedOut);
    if is_opt_out {
        assert_eq!(failure.kind, opted_out, "the kind of the other send");
        assert!(failure.code != 0 && failure.code / 100 != 5, "an outage suppresses nobody");
        let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
        assert!(body.trim_ascii_start().starts_with(b"{"), "only a JSON object is a notice");
        assert!(reference::notice(&failure.detail).is_some(), "only a notice suppresses");
    }
    let says_not_sent = matches!(failure.retry(), Retry::Later | Retry::AfterFix);
    assert!(failure.id.is_none() || !says_not_sent, "an id leaves the outcome open");

    let number = failure.opted_out_number();
    let expected = reference::notice(&failure.detail).filter(|number| !number.is_empty());
    let shown = number.map(OptedOutNumber::as_str);
    assert_eq!(shown, expected.as_deref().filter(|_| is_opt_out), "{:?}", failure.detail);
    if let Some(number) = number {
        assert_number(failure, number);
    }
    assert_failure_is_private(failure);
}

fn assert_number(failure: &Failure<'_>, number: OptedOutNumber<'_>) {
    let digits = number.as_str();
    assert!(failure.detail.contains(digits), "the number is a part of the detail");
    assert!((7..=15).contains(&digits.len()), "E.164");
    assert_eq!(number.is_masked(), digits.contains(['X', 'x', '*']));
    assert_eq!(number.matches(&format!("+{digits}")), !number.is_masked());
    let (area, rest) = digits.split_at(3);
    for recipient in [
        format!("00 {area} - {rest}"),
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

/// May stand between the digits of a phone number in prose.
const SEPARATORS: &str =
    " \u{a0}\u{2009}-\u{2010}\u{2011}\u{2012}\u{2013}\u{2014}\u{2015}\u{2212}.,/_()[]{}";

fn assert_failure_is_private(failure: &Failure<'_>) {
    let display = failure.to_string();
    assert!(display.starts_with(&failure.kind.to_string()));
    // Each of the 256 characters may be escaped, as `\u{10ffff}`.
    assert!(display.chars().count() < 256 * 10 + 64, "Display is limited");
    assert_loggable(&display, SEPARATORS);
    assert!(format!("{failure:?}").chars().count() < 2 * 256 * 10 + 128, "Debug is limited");
    let mut anonymous = failure.clone();
    anonymous.id = None;
    assert_loggable(&format!("{anonymous:?}"), SEPARATORS);
}

fn assert_message_is_private(message: &Message<'_>) {
    let mut anonymous = message.clone();
    let Message { originator, recipient, body, reference, .. } = &mut anonymous;
    for field in [originator, recipient, body, reference] {
        *field = field.take().map(|_| "somebody".into());
    }
    assert_eq!(format!("{message:?}"), format!("{anonymous:?}"), "Debug shows presence alone");
    (anonymous.id, anonymous.recipient_count) = ("m".into(), None);
    assert_loggable(&format!("{anonymous:?}"), "");
}

fn assert_batch_is_private(batch: &Batch<'_>) {
    let mut anonymous = batch.clone();
    anonymous.name = anonymous.name.map(|_| "somebody".into());
    for entry in &mut anonymous.recipients {
        let before = format!("{entry:?}");
        for field in
            [&mut entry.originator, &mut entry.recipient, &mut entry.text, &mut entry.reference]
        {
            *field = field.take().map(|_| "somebody".into());
        }
        assert_eq!(format!("{entry:?}"), before, "Debug shows presence alone");
        assert_loggable(&before, "");
    }
    assert_eq!(format!("{batch:?}"), format!("{anonymous:?}"));
    (anonymous.id, anonymous.recipient_count, anonymous.spread_hours) = ("b".into(), None, None);
    assert_loggable(&format!("{anonymous:?}"), "");
}

/// No phone number, and no character that forges a line or changes its direction.
fn assert_loggable(text: &str, separators: &str) {
    let line_or_direction = |c| matches!(c, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    assert!(!text.contains(char::is_control), "control character in {text:?}");
    assert!(!text.contains(line_or_direction), "a line or bidirectional control in {text:?}");
    // The digits of an escape are no phone number's.
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
        assert!(digits < 7, "a phone number in {text:?}");
    }
}
