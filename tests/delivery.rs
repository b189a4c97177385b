//! What receipts and look-ups say, word by word.

#![expect(clippy::panic, reason = "a test fails by a panic")]

use mobivate_response::{DeliveryStatus, FailureKind, Retry, Scope, SendOutcome};
use proptest::prelude::*;

use DeliveryStatus::{Delivered, Failed, Pending, Unknown};

/// The table in the docs of `DeliveryStatus`: code, word and status.
fn table() -> Vec<(Option<u16>, String, DeliveryStatus)> {
    let rows = include_str!("../src/delivery.rs").lines().filter_map(|line| {
        let cells: Vec<_> = line.strip_prefix("/// |")?.split('|').map(str::trim).collect();
        let [code, word, status, _how_sure, ""] = cells[..] else { panic!("{line}") };
        let word = word.strip_prefix('`')?.strip_suffix('`')?.to_owned();
        let status = match status.trim_matches('`') {
            "Delivered" => Delivered,
            "Pending" => Pending,
            "Unknown" => Unknown,
            "Failed(Undelivered)" => Failed(FailureKind::Undelivered),
            "Failed(OutOfCredit)" => Failed(FailureKind::OutOfCredit),
            "Failed(BadRequest)" => Failed(FailureKind::BadRequest),
            "Failed(OptedOut)" => Failed(FailureKind::OptedOut),
            "Failed(RateLimited)" => Failed(FailureKind::RateLimited),
            other => panic!("{other}"),
        };
        Some((code.parse().ok(), word, status))
    });
    rows.collect()
}

#[test]
fn the_table_in_the_docs_is_the_one_in_the_code() {
    let table = table();
    assert_eq!(table.len(), 32);
    for (code, word, status) in &table {
        assert_eq!(DeliveryStatus::from_name(word), *status, "{word}");
        if let Some(code) = code {
            assert_eq!(DeliveryStatus::from_code(*code), *status, "{code}");
        }
    }
    for code in 0..=u16::MAX {
        let known = table.iter().find(|(known, ..)| *known == Some(code));
        let status = known.map_or(Unknown, |(_, _, status)| *status);
        assert_eq!(DeliveryStatus::from_code(code), status, "{code}");
    }
}

#[test]
fn the_words_and_codes_that_mobivate_publishes() {
    for (code, word, status) in [
        (1, "DELIVERED", Delivered),
        (2, "ACCEPTED", Pending),
        (3, "EXPIRED", Failed(FailureKind::Undelivered)),
        (4, "DELETED", Failed(FailureKind::Undelivered)),
        (5, "UNDELIVERABLE", Failed(FailureKind::Undelivered)),
        (6, "UNKNOWN", Unknown),
        (7, "REJECTED", Failed(FailureKind::Undelivered)),
        (8, "INTERIM_QUEUED", Pending),
        (9, "INTERIM_ACKNOWLEDGED", Pending),
        (10, "RETRY", Pending),
        (11, "FAILED_NACK", Failed(FailureKind::Undelivered)),
        (12, "FAILED_NOROUTE", Failed(FailureKind::Undelivered)),
        (17, "FAILED_INSUFFICIENT_CREDIT", Failed(FailureKind::OutOfCredit)),
        (18, "FAILED_ORIGINATOR_RECIPIENT_EQUAL", Failed(FailureKind::BadRequest)),
        (19, "FAILED_RECIPIENT_BLACKLISTED", Failed(FailureKind::OptedOut)),
        (20, "FAILED_ORIGINATOR_REJECTED", Failed(FailureKind::BadRequest)),
        (21, "FAILED_ROUTE_INVALID", Failed(FailureKind::BadRequest)),
        (22, "FAILED_LIMITS_EXCEEDED", Failed(FailureKind::RateLimited)),
        (24, "FAILED_EXHAUSTED", Failed(FailureKind::Undelivered)),
        (28, "FAILED_INTERNAL_ERROR", Failed(FailureKind::Undelivered)),
        (29, "FAILED_UNKNOWN", Failed(FailureKind::Undelivered)),
    ] {
        assert_eq!(DeliveryStatus::from_name(word), status, "{word}");
        assert_eq!(DeliveryStatus::from_code(code), status, "{code}");
    }
}

#[test]
fn words_without_a_code() {
    for (words, status) in [
        (&["OPTED_OUT"][..], Failed(FailureKind::OptedOut)),
        (&["LIMITS_EXCEEDED"], Failed(FailureKind::RateLimited)),
        (
            &["UNDELIVERED", "FAILED", "INVALID_RECIPIENT", "NETWORK_NOT_COVERED", "SUBMIT_FAIL"],
            Failed(FailureKind::Undelivered),
        ),
        (&["SENT", "CREATED", "SCHEDULED", "ENROUTE"], Pending),
        (
            &["NOT_DELIVERED", "DELIVERED_NOT", "DELIVERED LATER", "OPTED OUT", "1", "", " "],
            Unknown,
        ),
        (&["Delivered", "delivered", "\u{a0}DELIVERED\n"], Delivered),
    ] {
        for word in words {
            assert_eq!(DeliveryStatus::from_name(word), status, "{word:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn case_and_outer_white_space_do_not_matter(
        row in 0..32_usize,
        upper: [bool; 40],
        (before, after) in ("[ \t\n\u{2003}]{0,3}", "[ \t\n\u{2003}]{0,3}"),
    ) {
        let (_, word, status) = &table()[row];
        let case = |(c, upper): (char, &bool)| if *upper { c } else { c.to_ascii_lowercase() };
        let word: String = word.chars().zip(&upper).map(case).collect();
        prop_assert_eq!(DeliveryStatus::from_name(&format!("{before}{word}{after}")), *status);
    }

    #[test]
    fn nothing_else_is_a_word(
        row in 0..32_usize,
        text: String,
        (before, after) in ("[A-Z_. -]{0,3}", "[A-Z_. -]{0,3}"),
    ) {
        let table = table();
        let is_known = |text: &str| {
            table.iter().any(|(_, word, _)| *word == text.trim().to_ascii_uppercase())
        };
        for text in [text, format!("{before}{}{after}", table[row].1)] {
            let status = DeliveryStatus::from_name(&text);
            prop_assert!(is_known(&text) || status == Unknown, "{:?}", text);
        }
    }

    #[test]
    fn the_order_of_receipts_does_not_matter(rows in prop::collection::vec(0..32_usize, 1..9)) {
        let table = table();
        let of = |row: &usize| table[*row].2;
        let merged = rows.iter().map(of).max();
        prop_assert_eq!(rows.iter().rev().map(of).fold(Unknown, Ord::max), merged.unwrap());
        prop_assert_eq!(merged.unwrap().is_final(), rows.iter().map(of).any(DeliveryStatus::is_final));
    }
}

#[test]
fn statuses_are_ordered_named_and_final() {
    let failed = Failed(FailureKind::OptedOut);
    assert!(Unknown < Pending && Pending < failed && failed < Delivered);
    for (status, word, shown, form, is_final) in [
        (Unknown, "unknown", "unknown", r#""unknown""#, false),
        (Pending, "pending", "pending", r#""pending""#, false),
        (failed, "failed", "failed: opted out", r#"{"failed":"opted_out"}"#, true),
        (Delivered, "delivered", "delivered", r#""delivered""#, true),
    ] {
        assert_eq!((status.as_str(), &*status.to_string()), (word, shown));
        assert_eq!(status.is_final(), is_final, "{status}");
        assert_eq!(serde_json::to_string(&status).unwrap(), form);
        assert_eq!(serde_json::from_str::<DeliveryStatus>(form).unwrap(), status);
    }
    for form in [r#""DELIVERED""#, r#""novel""#, r#""failed""#, "1"] {
        assert!(serde_json::from_str::<DeliveryStatus>(form).is_err(), "{form}");
    }
    let novel = serde_json::from_str::<DeliveryStatus>(r#"{"failed":"novel"}"#).unwrap();
    assert_eq!(novel, Failed(FailureKind::Unconfirmed));
}

/// A failed delivery answers "what next" as a failed send does, and two words alone suppress.
#[test]
fn what_to_do_next() {
    let kind = FailureKind::Undelivered;
    assert_eq!((kind.retry(), kind.scope()), (Retry::MayDuplicate, Scope::Request));
    let suppress: Vec<_> = table()
        .into_iter()
        .filter(|(_, _, status)| matches!(status, Failed(kind) if kind.scope() == Scope::Recipient))
        .map(|(_, word, _)| word)
        .collect();
    assert_eq!(suppress, ["FAILED_RECIPIENT_BLACKLISTED", "OPTED_OUT"]);
    for status in 0..=u16::MAX {
        let outcome = SendOutcome::decode(status, b"{}");
        assert_ne!(outcome.failure().unwrap().kind, FailureKind::Undelivered);
    }
}
