//! Pages of the message log, and the updates in them.

use mobivate_response::{DeliveryStatus, FailureKind};
use recipes::{
    message_log::{current_page, legacy_page, legacy_record},
    opt_out_list::{
        Page,
        PageError::{Malformed, OtherPage, UnknownShape},
    },
    receipts::StatusUpdate,
};

use DeliveryStatus::{Delivered, Failed, Pending};

/// Observed on the current API.
const CURRENT: &str = r#"{"type":"SingleSMS","scanned":4,"matches":4,"offset":0,"limit":5000,"results":[{"id":"m-0","reference":null,"status":"DELIVERED","price":0.05,"currency":"EUR","parts":1,"created_at":"2026-06-18T11:00:15.915Z","updated_at":"2026-06-18T11:00:21.100Z"},{"id":"m-1","reference":"r-1","status":"DELIVERED","price":0.1,"currency":"EUR","parts":2,"created_at":"2026-06-18T11:00:15.915Z","updated_at":"2026-06-18T11:00:21.100Z"},{"id":"m-2","reference":"r-2","status":"OPTED_OUT","price":0,"currency":"EUR","parts":1,"created_at":"2026-06-18T11:00:15.915Z","updated_at":"2026-06-18T11:00:21.100Z"},{"id":"m-9","reference":"not asked for","status":"SENT","parts":1}]}"#;

/// Documented by the legacy API.
const LEGACY: &str = r#"[{"id":"m-1","status":"DELIVERED","direction":"MT","senderReference":"r-1"},{"id":"m-2","status":"DELIVERED","direction":"MO","senderReference":"r-2"},{"id":"m-3","status":"EXPIRED","direction":"MT","senderReference":null}]"#;

const RECORD: &str = r#"{"id":"m-1","status":"EXPIRED","direction":"MT","senderReference":"r-1"}"#;

fn asked() -> [String; 2] {
    ["r-1", "r-2"].map(str::to_owned)
}

fn update(number: u8, parts: Option<u8>, status: DeliveryStatus) -> StatusUpdate {
    let (reference, id) = (format!("r-{number}"), Some(format!("m-{number}")));
    StatusUpdate { reference, id, part: None, parts, status }
}

#[test]
fn pages_and_records() {
    let opted_out = update(2, Some(1), Failed(FailureKind::OptedOut));
    let entries = vec![update(1, Some(2), Delivered), opted_out];
    assert_eq!(current_page(0, CURRENT.as_bytes(), &asked()), Ok(Page { entries, next: Some(4) }));
    let page = Page { entries: vec![update(1, None, Delivered)], next: Some(2) };
    assert_eq!(legacy_page(1, LEGACY.as_bytes(), &asked()), Ok(page));
    let record = |record: &str| legacy_record(record.as_bytes(), &asked());
    assert_eq!(record(RECORD), Ok(Some(update(1, None, Failed(FailureKind::Undelivered)))));
    for (from, to) in [("MT", "MO"), ("r-1", "r-3"), ("\"r-1\"", "null")] {
        assert_eq!(record(&RECORD.replace(from, to)), Ok(None), "{to}");
    }
    for at in 0..LEGACY.len() {
        assert_eq!(legacy_page(0, &LEGACY.as_bytes()[..at], &[]), Err(Malformed));
    }
    for at in 0..RECORD.len() {
        assert_eq!(legacy_record(&RECORD.as_bytes()[..at], &[]), Err(Malformed));
    }
}

#[test]
fn the_next_page() {
    let next = |offset, body: &str| current_page(offset, body.as_bytes(), &[]).map(|it| it.next);
    // A page that isn't full may not be the last, because it's unknown which records `limit` counts.
    assert_eq!(next(2, r#"{"offset":2,"limit":5,"matches":3,"results":[{}]}"#), Ok(Some(3)));
    assert_eq!(next(3, r#"{"offset":3,"matches":3,"results":[]}"#), Ok(None));
    assert_eq!(next(2, r#"{"offset":2,"matches":3,"results":[]}"#), Err(OtherPage));
    assert_eq!(next(3, CURRENT), Err(OtherPage));
    let last = format!(r#"{{"offset":{},"results":[{{}}]}}"#, u64::MAX);
    assert_eq!(next(u64::MAX, &last), Ok(None));
    assert_eq!(legacy_page(2, b"[{}]", &[]).unwrap().next, Some(3));
    assert_eq!(legacy_page(2, b"[]", &[]).unwrap().next, None);
}

#[test]
fn records() {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let read = [
        (r#""status":"Delivered""#, Some((None, Delivered))),
        (r#""status":"SENT","parts":"2","direction":"mt""#, Some((Some(2), Pending))),
        (r#""status":"DELIVERED","parts":0"#, Some((None, Delivered))),
        (r#""status":"DELIVERED","parts":256,"text":"half \ud83d""#, Some((None, Delivered))),
        (&format!(r#""status":"DELIVERED","hlr":{deep}"#), Some((None, Delivered))),
        // It was accepted, whatever its status.
        (r#""status":{"status":"OPTED_OUT"}"#, Some((None, Pending))),
        (r#""status":null"#, Some((None, Pending))),
        // A record that can't be read is left out, and no other.
        (r#""status":"DELIVERED","status":"DELIVERED""#, None),
        (&format!(r#""status":{deep}"#), None),
        (r#""status":"DELIVERED","direction":"MO""#, None),
    ];
    for (fields, expected) in read {
        for key in ["reference", "senderReference"] {
            let unreadable = format!(r#"null,7,"r-1",["r-1"],{{"id":1,"{key}":["r-2"]}},{deep}"#);
            let list = format!(r#"[{unreadable},{{"id":"m-1","{key}":"r-1",{fields}}},{{}}]"#);
            let body = format!(r#"{{"offset":0,"results":{list}}}"#);
            let expected: Vec<_> =
                expected.iter().map(|(parts, status)| update(1, *parts, *status)).collect();
            let current = current_page(0, body.as_bytes(), &asked()).unwrap();
            assert_eq!((current.entries, current.next), (expected.clone(), Some(8)), "{body:.300}");
            let legacy = legacy_page(0, list.as_bytes(), &asked()).unwrap();
            assert_eq!(legacy.entries, expected, "{list:.300}");
        }
    }
}

#[test]
fn other_bodies_are_errors() {
    let not_found = r#"{"code":404,"message":"Not Found"}"#;
    for body in [not_found, "{}", "null", r#"{"offset":0,"results":[],"type":"Optouts"}"#] {
        assert_eq!(current_page(0, body.as_bytes(), &[]), Err(UnknownShape), "{body}");
        assert_eq!(legacy_page(0, body.as_bytes(), &[]), Err(UnknownShape), "{body}");
        assert_eq!(legacy_record(body.as_bytes(), &[]), Err(UnknownShape), "{body}");
    }
    assert_eq!(current_page(0, LEGACY.as_bytes(), &[]), Err(UnknownShape));
    assert_eq!(legacy_record(LEGACY.as_bytes(), &[]), Err(UnknownShape));
    assert_eq!(legacy_page(0, RECORD.as_bytes(), &[]), Err(UnknownShape));
}
