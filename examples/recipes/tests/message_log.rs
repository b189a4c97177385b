//! What a page of the message log says, and what it does not say.

use mobivate_response::{DeliveryStatus, FailureKind};
use recipes::{
    message_log::{
        Page,
        PageError::{self, Incomplete, Malformed, OtherPage, UnknownShape},
        current_page, legacy_page, legacy_record,
    },
    receipts::StatusUpdate,
};

use DeliveryStatus::{Delivered, Failed, Pending, Unknown};

const UNDELIVERED: DeliveryStatus = Failed(FailureKind::Undelivered);
const OPTED_OUT: DeliveryStatus = Failed(FailureKind::OptedOut);

/// The shape that was observed.
const CURRENT: &str = r#"{"type":"SingleSMS","scanned":3,"matches":3,"offset":0,"limit":5000,
"results":[
{"id":"m-0","reference":null,"status":"DELIVERED","price":0.05,"currency":"EUR","parts":1,
 "created_at":"2026-06-18T11:00:15.915Z","updated_at":"2026-06-18T11:00:21.100Z"},
{"id":"m-1","reference":"r-1","status":"DELIVERED","price":0.1,"currency":"EUR","parts":2,
 "created_at":"2026-06-18T11:00:15.915Z","updated_at":"2026-06-18T11:00:21.100Z"},
{"id":"m-9","reference":"r-9","status":"OPTED_OUT","price":0,"currency":"EUR","parts":1,
 "created_at":"2026-06-18T11:00:15.915Z","updated_at":"2026-06-18T11:00:21.100Z"}]}"#;

/// The shape that is documented.
const LEGACY: &str = r#"[
{"id":"m-1","status":"DELIVERED","direction":"MT","senderReference":"r-1"},
{"id":"m-2","status":"DELIVERED","direction":"MO","senderReference":"r-2"},
{"id":"m-3","status":"EXPIRED","direction":"MT","senderReference":null}]"#;

const RECORD: &str = r#"{"id":"m-1","status":"EXPIRED","direction":"MT","senderReference":"r-1"}"#;

fn update(reference: &str, id: &str, parts: Option<u8>, status: DeliveryStatus) -> StatusUpdate {
    StatusUpdate { reference: reference.into(), id: Some(id.into()), part: None, parts, status }
}

#[test]
fn a_page_of_each_api() {
    let current = Page {
        records: 3,
        updates: vec![
            update("r-1", "m-1", Some(2), Delivered),
            update("r-9", "m-9", Some(1), OPTED_OUT),
        ],
        next: Some(3),
    };
    for body in [CURRENT.into(), format!("\u{feff}{CURRENT}"), format!(" \r\n{CURRENT}\n")] {
        assert_eq!(current_page(0, body.as_bytes()), Ok(current.clone()));
    }
    let legacy =
        Page { records: 3, updates: vec![update("r-1", "m-1", None, Delivered)], next: Some(2) };
    for body in [LEGACY.into(), format!("\u{feff}{LEGACY}"), format!("\n{LEGACY}\n")] {
        assert_eq!(legacy_page(1, body.as_bytes()), Ok(legacy.clone()));
    }
    let record = update("r-1", "m-1", None, UNDELIVERED);
    assert_eq!(legacy_record(RECORD.as_bytes()), Ok(Some(record)));
    // Not ours: sent without a reference, or incoming.
    for record in [r#"{"id":"m-3","senderReference":null}"#, r#"{"id":7}"#] {
        assert_eq!(legacy_record(record.as_bytes()), Ok(None));
    }
    assert_eq!(legacy_record(RECORD.replace("MT", "MO").as_bytes()), Ok(None));
}

#[test]
fn each_api_has_a_reference_of_its_own() {
    let record = r#"{"id":"m-1","reference":"current","senderReference":"legacy"}"#;
    let current = current_page(0, format!(r#"{{"results":[{record}]}}"#).as_bytes()).unwrap();
    assert_eq!(current.updates, [update("current", "m-1", None, Unknown)]);
    let legacy = legacy_page(0, format!("[{record}]").as_bytes()).unwrap();
    assert_eq!(legacy.updates, [update("legacy", "m-1", None, Unknown)]);
    let record = legacy_record(record.as_bytes()).unwrap();
    assert_eq!(record, Some(update("legacy", "m-1", None, Unknown)));
}

#[test]
fn where_the_next_page_begins() {
    let of_current = |offset: u64, records: usize| {
        let records = vec!["{}"; records].join(",");
        let body = format!(r#"{{"offset":{offset},"limit":2,"matches":5,"results":[{records}]}}"#);
        current_page(offset, body.as_bytes()).map(|page| (page.records, page.next))
    };
    assert_eq!(of_current(0, 2), Ok((2, Some(2))));
    assert_eq!(of_current(2, 2), Ok((2, Some(4))));
    assert_eq!(of_current(4, 1), Ok((1, Some(5))));
    assert_eq!(of_current(5, 0), Ok((0, None)));
    // Where there should be more.
    assert_eq!(of_current(4, 0), Err(Incomplete));
    assert_eq!(of_current(0, 0), Err(Incomplete));
    // A page that is not full may not be the last: it is unknown what the limit counts.
    assert_eq!(of_current(3, 1), Ok((1, Some(4))));
    // It does not say where it begins.
    assert_eq!(current_page(7, br#"{"results":[{}]}"#).unwrap().next, Some(8));
    assert_eq!(current_page(7, br#"{"results":[]}"#).unwrap().next, None);
    assert_eq!(current_page(u64::MAX, br#"{"results":[{}]}"#).unwrap().next, None);

    assert_eq!(legacy_page(0, b"[{}]").unwrap().next, Some(1));
    assert_eq!(legacy_page(1, b"[{}]").unwrap().next, Some(2));
    assert_eq!(legacy_page(2, b"[]").unwrap().next, None);
}

#[test]
fn a_page_that_was_not_requested_is_an_error() {
    assert_eq!(current_page(3, CURRENT.as_bytes()), Err(OtherPage));
    let next = CURRENT.replace("\"offset\":0", "\"offset\":5000");
    assert_eq!(current_page(0, next.as_bytes()), Err(OtherPage));
    assert_eq!(current_page(5000, next.as_bytes()).unwrap().next, Some(5003));
}

#[test]
fn an_unreadable_record_costs_itself_alone() {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let unreadable = [
        "null",
        "7",
        r#""r-1""#,
        r#"["r-1","r-1","r-1","DELIVERED",1,"MT"]"#,
        "{}",
        r#"{"KEY":{"KEY":"r-1"}}"#,
        r#"{"KEY":["r-1"]}"#,
        r#"{"KEY":""}"#,
        r#"{"KEY":"r-1","KEY":"r-1"}"#,
        r#"{"KEY":"\ud83d"}"#,
        &format!(r#"{{"KEY":{deep}}}"#),
        &deep,
    ];
    let readable = [
        r#"{"KEY":"r-2","status":"DELIVERED"}"#.to_owned(),
        r#"{"KEY":"r-2","status":"DELIVERED","text":"half \ud83d"}"#.to_owned(),
        r#"{"KEY":"r-2","status":"DELIVERED","id":7,"parts":"1","direction":1}"#.to_owned(),
        r#"{"KEY":"r-2","status":"DELIVERED","parts":0}"#.to_owned(),
        r#"{"KEY":"r-2","status":"DELIVERED","direction":"mt","parts":-1}"#.to_owned(),
        r#"{"KEY":"r-2","status":"DELIVERED","parts":256}"#.to_owned(),
        format!(r#"{{"KEY":"r-2","status":"DELIVERED","hlr":{deep}}}"#),
    ];
    let expected = [StatusUpdate {
        reference: "r-2".into(),
        id: None,
        part: None,
        parts: None,
        status: Delivered,
    }];
    for unreadable in unreadable {
        for readable in &readable {
            let list = format!("[{unreadable},{readable},{unreadable}]");
            let current = format!(r#"{{"results":{}}}"#, list.replace("KEY", "reference"));
            let legacy = list.replace("KEY", "senderReference");
            for page in [current_page(0, current.as_bytes()), legacy_page(0, legacy.as_bytes())] {
                let page = page.unwrap();
                assert_eq!(page.records, 3, "{list:.300}");
                assert_eq!(page.updates, expected, "{list:.300}");
            }
        }
    }
    // Invalid UTF-8 in a text.
    let latin1 = b"[{\"senderReference\":\"r-2\",\"text\":\"caf\xe9\"}]";
    assert_eq!(legacy_page(0, latin1).unwrap().updates.len(), 1);
}

#[test]
fn a_record_is_one_of_an_accepted_message_whatever_its_status() {
    for (status, expected) in [
        ("null", Unknown),
        (r#""NOVEL""#, Unknown),
        (r#""""#, Unknown),
        ("1", Unknown),
        (r#"{"status":"OPTED_OUT"}"#, Unknown),
        (r#""Delivered""#, Delivered),
        (r#""SENT""#, Pending),
        (r#""UNDELIVERABLE""#, UNDELIVERED),
        (r#""OPTED_OUT""#, OPTED_OUT),
    ] {
        let body = format!(r#"{{"results":[{{"id":"m-1","reference":"r-1","status":{status}}}]}}"#);
        let updates = current_page(0, body.as_bytes()).unwrap().updates;
        assert_eq!(updates, [update("r-1", "m-1", None, expected)], "{status}");
    }
}

#[test]
fn what_is_truncated_is_no_page() {
    for at in 0..CURRENT.len() {
        assert_eq!(current_page(0, &CURRENT.as_bytes()[..at]), Err(Malformed));
    }
    for at in 0..LEGACY.len() {
        assert_eq!(legacy_page(0, &LEGACY.as_bytes()[..at]), Err(Malformed));
    }
    for at in 0..RECORD.len() {
        assert_eq!(legacy_record(&RECORD.as_bytes()[..at]), Err(Malformed));
    }
}

#[test]
fn what_is_another_thing_is_no_page() {
    let of_records =
        |body: &str| [current_page(0, body.as_bytes()), legacy_page(0, body.as_bytes())];
    for (body, current, legacy) in [
        ("null", UnknownShape, UnknownShape),
        ("7", UnknownShape, UnknownShape),
        ("{}", UnknownShape, UnknownShape),
        (r#"{"results":null}"#, UnknownShape, UnknownShape),
        (r#"{"results":{}}"#, UnknownShape, UnknownShape),
        (r#"{"results":[],"results":[]}"#, UnknownShape, UnknownShape),
        (r#"{"results":[],"offset":"0"}"#, UnknownShape, UnknownShape),
        (r#"{"results":[],"success":false}"#, UnknownShape, UnknownShape),
        (r#"{"success":true,"records":[],"offset":0,"total":0}"#, UnknownShape, UnknownShape),
        (r#"{"code":401,"message":"Unauthorized"}"#, UnknownShape, UnknownShape),
        ("<html>502</html>", Malformed, Malformed),
        ("{}{}", Malformed, Malformed),
        ("[][]", Malformed, Malformed),
        ("", Malformed, Malformed),
    ] {
        assert_eq!(of_records(body), [Err(current), Err(legacy)], "{body}");
    }
    for body in ["[]", "[[]]", LEGACY] {
        assert_eq!(current_page(0, body.as_bytes()), Err(UnknownShape), "{body}");
    }
    assert_eq!(legacy_page(0, RECORD.as_bytes()), Err(UnknownShape));
    for body in ["[]", LEGACY, "{}", r#"{"code":404,"message":"Not Found"}"#] {
        assert_eq!(legacy_record(body.as_bytes()), Err(UnknownShape), "{body}");
    }
    let empty = Page { records: 0, updates: vec![], next: None };
    assert_eq!(legacy_page(0, b"[]"), Ok(empty.clone()));
    assert_eq!(current_page(0, br#" {"results":[],"type":"SingleSMS"} "#), Ok(empty));
    let texts =
        [Malformed, UnknownShape, OtherPage, Incomplete].map(|error: PageError| error.to_string());
    assert!(texts.iter().all(|text| !text.is_empty()));
}
