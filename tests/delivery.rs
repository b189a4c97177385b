//! What delivery receipts and the message log say, name by name.

#![expect(clippy::panic, reason = "a test fails by a panic")]

use mobivate_response::{DeliveryStatus, FailureKind, Retry, Scope, SendOutcome};
use proptest::prelude::*;

use DeliveryStatus::{Delivered, Failed, Pending, Unknown};

/// The table in the docs of `DeliveryStatus`: code, name and status.
fn table() -> Vec<(Option<u16>, String, DeliveryStatus)> {
    let rows = include_str!("../src/delivery.rs").lines().filter_map(|line| {
        let cells: Vec<_> = line.strip_prefix("/// |")?.split('|').map(str::trim).collect();
        let [code, name, status, _how_sure, ""] = cells[..] else { panic!("{line}") };
        let name = name.strip_prefix('`')?.strip_suffix('`')?.to_owned();
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
        Some((code.parse().ok(), name, status))
    });
    rows.collect()
}

#[test]
fn the_table_in_the_docs_is_the_one_in_the_code() {
    let table = table();
    assert_eq!(table.len(), 32);
    for (code, name, status) in &table {
        assert_eq!(DeliveryStatus::from_name(name), *status, "{name}");
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
fn the_names_and_codes_that_mobivate_publishes() {
    for (code, name, status) in [
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
        assert_eq!(DeliveryStatus::from_name(name), status, "{name}");
        assert_eq!(DeliveryStatus::from_code(code), status, "{code}");
    }
}

#[test]
fn names_without_a_code() {
    for (names, status) in [
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
        for name in names {
            assert_eq!(DeliveryStatus::from_name(name), status, "{name:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn case_and_outer_whitespace_do_not_matter(
        row in 0..32_usize,
        upper: [bool; 40],
        (before, after) in ("[ \t\n\u{2003}]{0,3}", "[ \t\n\u{2003}]{0,3}"),
    ) {
        let (_, name, status) = &table()[row];
        let case = |(c, upper): (char, &bool)| if *upper { c } else { c.to_ascii_lowercase() };
        let name: String = name.chars().zip(&upper).map(case).collect();
        prop_assert_eq!(DeliveryStatus::from_name(&format!("{before}{name}{after}")), *status);
    }

    #[test]
    fn nothing_else_is_a_name(
        row in 0..32_usize,
        text: String,
        (before, after) in ("[A-Z_. -]{0,3}", "[A-Z_. -]{0,3}"),
    ) {
        let table = table();
        let is_known = |text: &str| {
            table.iter().any(|(_, name, _)| *name == text.trim().to_ascii_uppercase())
        };
        for text in [text, format!("{before}{}{after}", table[row].1)] {
            let status = DeliveryStatus::from_name(&text);
            prop_assert!(is_known(&text) || status == Unknown, "{:?}", text);
        }
    }

    #[test]
    fn merging(a in status(), b in status(), c in status()) {
        prop_assert_eq!(a.merge(b), b.merge(a), "commutative");
        prop_assert_eq!(a.merge(b).merge(c), a.merge(b.merge(c)), "associative");
        prop_assert_eq!(a.merge(a), a, "idempotent");
        prop_assert_eq!(a.merge(b).is_final(), a.is_final() || b.is_final());
        prop_assert!([a, b].contains(&a.merge(b)), "nothing is made up");
        // An opt-out is never lost behind another failure.
        let suppresses = |status: DeliveryStatus| {
            status.failure_kind().is_some_and(|kind| kind.retry() == Retry::Never)
        };
        let lost = [a, b].into_iter().any(suppresses) && !suppresses(a.merge(b));
        prop_assert!(!lost || a.merge(b) == Delivered);
    }

    #[test]
    fn parts(statuses in prop::collection::vec(status(), 0..6), seed: u64) {
        let message = DeliveryStatus::of_parts(statuses.iter().copied());
        let mut others = statuses.clone();
        others.rotate_left(usize::try_from(seed % 6).unwrap() % statuses.len().max(1));
        others.reverse();
        prop_assert_eq!(DeliveryStatus::of_parts(others), message, "in any order");
        let failures = statuses.iter().copied().filter(|status| matches!(status, Failed(_)));
        let expected = match failures.reduce(DeliveryStatus::merge) {
            Some(failed) => failed,
            None if statuses.is_empty() || statuses.contains(&Unknown) => Unknown,
            None if statuses.contains(&Pending) => Pending,
            None => Delivered,
        };
        prop_assert_eq!(message, expected);
    }
}

fn status() -> impl Strategy<Value = DeliveryStatus> {
    let kinds = prop::sample::select(FailureKind::ALL);
    prop_oneof![Just(Unknown), Just(Pending), Just(Delivered), kinds.prop_map(Failed)]
}

#[test]
fn the_more_conservative_failure_wins() {
    let care = [Retry::Later, Retry::AfterFix, Retry::MayDuplicate, Retry::Never];
    let care = |kind: FailureKind| care.iter().position(|retry| *retry == kind.retry());
    for (at, a) in FailureKind::ALL.iter().enumerate() {
        for b in &FailureKind::ALL[at..] {
            // Of two alike, the one that is declared first.
            let expected = if care(*b) > care(*a) { *b } else { *a };
            assert_eq!(Failed(*a).merge(Failed(*b)), Failed(expected), "{a} and {b}");
            assert_eq!(Failed(*b).merge(Failed(*a)), Failed(expected), "{b} and {a}");
        }
    }
    assert_eq!(Failed(FailureKind::OptedOut).merge(Delivered), Delivered, "a late receipt");
    assert_eq!(Pending.merge(Unknown), Pending);
}

#[test]
fn a_name_of_the_table_decides() {
    let of = DeliveryStatus::from_receipt;
    assert_eq!(of(None, None), Unknown);
    assert_eq!(of(None, Some(1)), Delivered);
    assert_eq!(of(Some("DELIVERED"), None), Delivered);
    assert_eq!(of(Some(" delivered\n"), Some(5)), Delivered, "fixtures pair them otherwise");
    assert_eq!(of(Some("UNKNOWN"), Some(1)), Unknown, "it is a name of the table");
    assert_eq!(of(Some("NOVEL"), Some(1)), Delivered);
    assert_eq!(of(Some(""), Some(19)), Failed(FailureKind::OptedOut));
    assert_eq!(of(Some("NOVEL"), Some(99)), Unknown);
    assert_eq!(of(Some("NOVEL"), None), Unknown);
    assert_eq!(of(None, Some(0)), Unknown);
}

#[test]
fn statuses_are_named_and_final() {
    let failed = Failed(FailureKind::OptedOut);
    for (status, name, shown, form, is_final) in [
        (Unknown, "unknown", "unknown", r#""unknown""#, false),
        (Pending, "pending", "pending", r#""pending""#, false),
        (failed, "failed", "failed: opted out", r#"{"failed":"opted_out"}"#, true),
        (Delivered, "delivered", "delivered", r#""delivered""#, true),
    ] {
        assert_eq!((status.as_str(), &*status.to_string()), (name, shown));
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

/// A failed delivery says what to do next as a failed send does, and two names alone suppress.
#[test]
fn what_to_do_next() {
    let kind = FailureKind::Undelivered;
    assert_eq!((kind.retry(), kind.scope()), (Retry::MayDuplicate, Scope::Request));
    let suppress: Vec<_> = table()
        .into_iter()
        .filter(|(_, _, status)| matches!(status, Failed(kind) if kind.scope() == Scope::Recipient))
        .map(|(_, name, _)| name)
        .collect();
    assert_eq!(suppress, ["FAILED_RECIPIENT_BLACKLISTED", "OPTED_OUT"]);
    for status in 0..=u16::MAX {
        let outcome = SendOutcome::decode(status, b"{}");
        assert_ne!(outcome.failure().unwrap().kind, FailureKind::Undelivered);
    }
}
