//! The laws that every outcome keeps.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

use alike::assert_read_alike;
use mobivate_response::{Batch, BatchOutcome, Failure, FailureKind, Message, SendOutcome};

mod alike;
mod strict;

/// Asserts every law on the outcome of one reply.
pub(crate) fn assert_laws(status: u16, body: &[u8]) {
    let outcome = SendOutcome::decode(status, body);
    let batch = BatchOutcome::decode(status, body);
    assert_read_alike(status, body);

    match &outcome {
        SendOutcome::Success(message) => {
            assert!((200..=299).contains(&status), "success needs a 2xx");
            assert!(!message.id.is_empty(), "success needs an id");
            assert_message_is_private(message);
        }
        SendOutcome::Failure(failure) => {
            assert_eq!(failure.status, status);
            assert!(failure.code == status || (400..=599).contains(&failure.code));
            assert!(!failure.detail.is_empty(), "there is always a detail");
            assert_ne!(failure.id.as_deref(), Some(""), "an empty id is none");
            let opted_out = strict::says_opted_out(&failure.detail);
            assert_eq!(failure.kind == FailureKind::OptedOut, opted_out, "the text alone says so");
            assert_number(failure);
            assert_failure_is_private(failure);
        }
    }

    assert_eq!(batch.failure(), outcome.failure(), "the verdict on a batch is the same");
    if let (Some(batch), Some(message)) = (batch.success(), outcome.success()) {
        assert_eq!(batch.id, message.id);
        assert_batch_is_private(batch);
    }

    assert_eq!(batch.clone().into_owned(), batch, "the owned copy is the borrowed one");
    let form = serde_json::to_string(&batch).unwrap();
    assert_eq!(serde_json::from_str::<BatchOutcome<'_>>(&form).unwrap(), batch, "serde keeps all");
    assert_eq!(outcome.clone().into_owned(), outcome, "the owned copy is the borrowed one");
    let form = serde_json::to_string(&outcome).unwrap();
    assert_eq!(serde_json::from_str::<SendOutcome<'_>>(&form).unwrap(), outcome, "serde keeps all");
}

fn assert_number(failure: &Failure<'_>) {
    let Some(number) = failure.opted_out_number() else { return };
    assert_eq!(failure.kind, FailureKind::OptedOut);
    let digits = number.as_str();
    assert!(failure.detail.contains(digits), "the number is a part of the detail");
    assert!((7..=15).contains(&digits.len()), "E.164");
    assert_eq!(number.is_masked(), digits.contains(['X', 'x', '*']));
    assert_eq!(number.matches(&format!("+{digits}")), !number.is_masked());
    assert_loggable(&format!("{number:?}"), SEPARATORS);
}

/// What may stand between the digits of a number in a failure's detail.
const SEPARATORS: &[char] = &[' ', '-', '.', '(', ')', '[', ']'];

fn assert_failure_is_private(failure: &Failure<'_>) {
    let display = failure.to_string();
    assert!(display.starts_with(&failure.kind.to_string()));
    assert!(display.chars().count() < 4096, "Display is bounded");
    assert_loggable(&display, SEPARATORS);
    let mut anonymous = failure.clone();
    anonymous.id = None;
    assert_loggable(&format!("{anonymous:?}"), SEPARATORS);
    assert_loggable(&format!("{anonymous:#?}").replace('\n', " "), &[]);
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
    assert_loggable(&format!("{anonymous:?}"), &[]);
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
        assert_loggable(&format!("{entry:?}"), &[]);
    }
    assert_eq!(format!("{batch:?}{batch:#?}"), format!("{anonymous:?}{anonymous:#?}"));
    anonymous.id = "b".into();
    assert_loggable(&format!("{anonymous:?}"), &[]);
}

/// No number, and nothing that forges or turns a line.
fn assert_loggable(text: &str, separators: &[char]) {
    let bidirectional = |c| matches!(c, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    assert!(!text.contains(char::is_control), "control character in {text:?}");
    assert!(!text.contains(bidirectional), "bidirectional control in {text:?}");
    let (mut digits, mut gap) = (0, 0);
    for c in text.chars() {
        if c.is_numeric() {
            (digits, gap) = (digits + 1, 0);
        } else if gap == 0 && separators.contains(&c) {
            gap = 1;
        } else {
            digits = 0;
        }
        assert!(digits < 7, "a number in {text:?}");
    }
}
