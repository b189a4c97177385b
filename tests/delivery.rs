//! Delivery statuses: names, codes, and merging.

use mobivate_response::{DeliveryStatus, FailureKind, Retry};
use proptest::prelude::*;

use DeliveryStatus::{Delivered, Failed, Pending, Unknown};
use FailureKind::{BadRequest, OptedOut, OutOfCredit, RateLimited, Undelivered};

/// Code, name, and status of each row that Mobivate publishes, then those without a code.
const TABLE: [(Option<u16>, &str, DeliveryStatus); 32] = [
    (Some(1), "DELIVERED", Delivered),
    (Some(2), "ACCEPTED", Pending),
    (Some(3), "EXPIRED", Failed(Undelivered)),
    (Some(4), "DELETED", Failed(Undelivered)),
    (Some(5), "UNDELIVERABLE", Failed(Undelivered)),
    (Some(6), "UNKNOWN", Unknown),
    (Some(7), "REJECTED", Failed(Undelivered)),
    (Some(8), "INTERIM_QUEUED", Pending),
    (Some(9), "INTERIM_ACKNOWLEDGED", Pending),
    (Some(10), "RETRY", Pending),
    (Some(11), "FAILED_NACK", Failed(Undelivered)),
    (Some(12), "FAILED_NOROUTE", Failed(Undelivered)),
    (Some(17), "FAILED_INSUFFICIENT_CREDIT", Failed(OutOfCredit)),
    (Some(18), "FAILED_ORIGINATOR_RECIPIENT_EQUAL", Failed(BadRequest)),
    (Some(19), "FAILED_RECIPIENT_BLACKLISTED", Failed(OptedOut)),
    (Some(20), "FAILED_ORIGINATOR_REJECTED", Failed(BadRequest)),
    (Some(21), "FAILED_ROUTE_INVALID", Failed(BadRequest)),
    (Some(22), "FAILED_LIMITS_EXCEEDED", Failed(RateLimited)),
    (Some(24), "FAILED_EXHAUSTED", Failed(Undelivered)),
    (Some(28), "FAILED_INTERNAL_ERROR", Failed(Undelivered)),
    (Some(29), "FAILED_UNKNOWN", Failed(Undelivered)),
    (None, "OPTED_OUT", Failed(OptedOut)),
    (None, "LIMITS_EXCEEDED", Failed(RateLimited)),
    (None, "UNDELIVERED", Failed(Undelivered)),
    (None, "FAILED", Failed(Undelivered)),
    (None, "INVALID_RECIPIENT", Failed(Undelivered)),
    (None, "NETWORK_NOT_COVERED", Failed(Undelivered)),
    (None, "SUBMIT_FAIL", Failed(Undelivered)),
    (None, "SENT", Pending),
    (None, "CREATED", Pending),
    (None, "SCHEDULED", Pending),
    (None, "ENROUTE", Pending),
];

#[test]
fn names_and_codes() {
    for (_, name, status) in TABLE {
        assert_eq!(DeliveryStatus::from_name(name), status, "{name}");
    }
    for code in 0..=u16::MAX {
        let known = TABLE.iter().find(|(known, ..)| *known == Some(code));
        let status = known.map_or(Unknown, |(_, _, status)| *status);
        assert_eq!(DeliveryStatus::from_code(code), status, "{code}");
    }
    for name in ["NOT_DELIVERED", "DELIVERED_NOT", "DELIVERED LATER", "OPTED OUT", "1", "", " "] {
        assert_eq!(DeliveryStatus::from_name(name), Unknown, "{name:?}");
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
        let (_, name, status) = TABLE[row];
        let case = |(c, upper): (char, &bool)| if *upper { c } else { c.to_ascii_lowercase() };
        let name: String = name.chars().zip(&upper).map(case).collect();
        prop_assert_eq!(DeliveryStatus::from_name(&format!("{before}{name}{after}")), status);
    }

    #[test]
    fn nothing_else_is_a_name(
        row in 0..32_usize,
        text: String,
        (before, after) in ("[A-Z_. -]{0,3}", "[A-Z_. -]{0,3}"),
    ) {
        let is_known = |text: &str| {
            TABLE.iter().any(|(_, name, _)| *name == text.trim().to_ascii_uppercase())
        };
        for text in [text, format!("{before}{}{after}", TABLE[row].1)] {
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
        prop_assert!([a, b].contains(&a.merge(b)), "the result is one of them");
        // An opt-out is never lost behind another failure.
        let suppresses = |status: DeliveryStatus| status.retry() == Some(Retry::Never);
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
    for (at, a) in FailureKind::ALL.iter().enumerate() {
        for b in &FailureKind::ALL[at..] {
            let [first, second] = [Failed(*a), Failed(*b)];
            // Of two alike, the one that's declared first.
            let expected = if second.retry() > first.retry() { second } else { first };
            assert_eq!(first.merge(second), expected, "{a} and {b}");
            assert_eq!(second.merge(first), expected, "{b} and {a}");
        }
    }
    let order = [Retry::Later, Retry::AfterFix, Retry::MayDuplicate, Retry::Never];
    assert!(order.is_sorted());
    assert_eq!(Failed(OptedOut).merge(Delivered), Delivered, "a late receipt");
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
    assert_eq!(of(Some(""), Some(19)), Failed(OptedOut));
    assert_eq!(of(Some("NOVEL"), Some(99)), Unknown);
    assert_eq!(of(Some("NOVEL"), None), Unknown);
    assert_eq!(of(None, Some(0)), Unknown);
}

#[test]
fn statuses_are_named_and_final() {
    let failed = Failed(OptedOut);
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

#[test]
fn failed_statuses_say_what_to_do() {
    assert_eq!((Delivered.retry(), Delivered.failure_kind()), (None, None));
    assert_eq!((Pending.retry(), Unknown.retry()), (None, None));
    assert_eq!(Failed(Undelivered).failure_kind(), Some(Undelivered));
    let names = TABLE.iter().filter(|(_, _, status)| status.retry() == Some(Retry::Never));
    let names: Vec<_> = names.map(|(_, name, _)| *name).collect();
    assert_eq!(names, ["FAILED_RECIPIENT_BLACKLISTED", "OPTED_OUT"], "they alone suppress");
}
