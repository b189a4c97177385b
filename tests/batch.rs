//! Batches as callers meet them: accessors, forms, words.

use std::{fmt::Debug, hash::Hash};

use mobivate_response::{
    Batch, BatchOutcome, BatchRecipient, Failure, FailureKind, Message, Retry, Scope, SendOutcome,
};
use serde::{Serialize, de::DeserializeOwned};

const BATCH: &[u8] = br#"{"id":"b-1","name":"Autumn","routeId":"mglobal","shortenUrls":true,
    "spreadHours":4,"excludeOptouts":true,"excludeDuplicates":false,"recipientCount":2,
    "scheduleDateTime":"2026-12-01T09:00:00.000Z","recipients":[
    {"originator":"Brand","recipient":"447700900001","text":"Hi","reference":"r-1","routeId":"x"},
    "no object",{"recipient":447700900002}]}"#;

#[test]
fn traits() {
    fn data<T: Clone + Eq + Hash + Send + Sync + Unpin + Debug + Serialize + DeserializeOwned>() {}
    data::<BatchOutcome<'static>>();
    data::<Batch<'static>>();
    data::<BatchRecipient<'static>>();
}

#[test]
fn accessors_agree() {
    let success = BatchOutcome::decode(200, BATCH);
    assert!(success.is_success() && success.success().is_some() && success.failure().is_none());
    assert_eq!(success.clone().into_result().unwrap(), *success.success().unwrap());
    let failure = BatchOutcome::decode(401, br#"{"code":401,"message":"Unauthorized"}"#);
    assert!(!failure.is_success() && failure.success().is_none() && failure.failure().is_some());
    assert_eq!(failure.into_result().unwrap_err(), Failure::new(401, "Unauthorized"));
    let outcome = BatchOutcome::no_response("reset");
    assert_eq!(outcome.failure().unwrap().kind.retry(), Retry::MayDuplicate);
    assert_eq!(outcome.failure().unwrap().to_string(), "no response: reset");
    assert_eq!(BatchOutcome::decode(200, br#"{"id":"b"}"#).success(), Some(&Batch::new("b")));
}

#[test]
fn debug_counts_people_and_hides_them() {
    let outcome = BatchOutcome::decode(200, BATCH);
    let batch = outcome.success().unwrap();
    assert_eq!(
        format!("{batch:?}"),
        r#"Batch { id: "b-1", name: Some(_), route_id: Some("mglobal"), scheduled: Some("2026-12-01T09:00:00.000Z"), recipient_count: Some(2), shorten_urls: Some(true), exclude_optouts: Some(true), exclude_duplicates: Some(false), spread_hours: Some(4), recipients: 2 }"#
    );
    assert_eq!(
        format!("{:?}", batch.recipients),
        r#"[BatchRecipient { originator: Some(_), recipient: Some(_), text: Some(_), reference: Some(_), route_id: Some("x") }, BatchRecipient { originator: None, recipient: Some(_), text: None, reference: None, route_id: None }]"#
    );
    let body = br#"{"id":"b","routeId":447700900123,"recipients":[{"routeId":"447700900123"}],
        "recipientCount":447700900123,"spreadHours":999999}"#;
    let outcome = BatchOutcome::decode(200, body);
    let batch = outcome.success().unwrap();
    assert_eq!(
        format!("{batch:?}"),
        r#"Batch { id: "b", name: None, route_id: Some("************"), scheduled: None, recipient_count: Some(************), shorten_urls: None, exclude_optouts: None, exclude_duplicates: None, spread_hours: Some(999999), recipients: 1 }"#
    );
    let entry = format!("{:?}", batch.recipients);
    assert!(entry.contains(r#"route_id: Some("************")"#), "{entry}");
}

#[test]
fn serialized_form() {
    let outcome = BatchOutcome::decode(200, BATCH);
    let form = serde_json::to_string(&outcome).unwrap();
    assert_eq!(
        form,
        r#"{"success":{"id":"b-1","name":"Autumn","route_id":"mglobal","scheduled":"2026-12-01T09:00:00.000Z","recipient_count":2,"shorten_urls":true,"exclude_optouts":true,"exclude_duplicates":false,"spread_hours":4,"recipients":[{"originator":"Brand","recipient":"447700900001","text":"Hi","reference":"r-1","route_id":"x"},{"recipient":"447700900002"}]}}"#
    );
    let rejected = BatchOutcome::decode(502, b"<html>");
    let silent = BatchOutcome::decode(200, br#"{"id":"b"}"#);
    assert_eq!(serde_json::to_string(&silent).unwrap(), r#"{"success":{"id":"b"}}"#);
    for outcome in [outcome, rejected, silent] {
        let cbor = cbor4ii::serde::to_vec(Vec::new(), &outcome).unwrap();
        assert_eq!(cbor4ii::serde::from_slice::<BatchOutcome<'_>>(&cbor).unwrap(), outcome);
    }
    for (form, wrong) in [
        (r#"{"success":{"recipients":[]}}"#, "missing field `id`"),
        (r#"{"failure":{"id":"b"}}"#, "missing field `status`"),
    ] {
        let error = serde_json::from_str::<BatchOutcome<'_>>(form).unwrap_err().to_string();
        assert!(error.contains(wrong), "{form}: {error}");
    }
}

/// Each decoder reads the other's responses: the same verdict, the same id.
#[test]
fn a_response_to_the_other_kind_of_send() {
    let as_single = SendOutcome::decode(200, BATCH);
    let mut message = Message::new("b-1");
    message.route_id = Some("mglobal".into());
    message.recipient_count = Some(2);
    assert_eq!(as_single.success(), Some(&message), "the id is the batch's");

    let single =
        br#"{"success":true,"record":{"id":"m-1","recipient":"447700900001","text":"Hi"}}"#;
    assert_eq!(BatchOutcome::decode(200, single).success(), Some(&Batch::new("m-1")));
}

#[test]
fn an_opt_out_names_one_of_the_batch() {
    let sent_to = ["447700900001", "+44 7700 900002", "07700 900003"];
    let found = |status, body| {
        let outcome = BatchOutcome::decode(status, body);
        let failure = outcome.failure().unwrap();
        assert_eq!((failure.kind, failure.scope()), (FailureKind::BatchOptedOut, Scope::Request));
        let named = failure.opted_out_number();
        let found = named.and_then(|named| sent_to.iter().position(|to| named.matches(to)));
        (failure.retry(), found)
    };
    let second = br#"{"code":403,"message":"Recipient is opted out: 447700900002"}"#;
    assert_eq!(found(403, second), (Retry::AfterFix, Some(1)));
    let third = br#"{"code":403,"message":"Recipient is opted out: 447700900003"}"#;
    assert_eq!(found(403, third), (Retry::AfterFix, None), "written as a national number");
    let masked = br#"{"code":403,"message":"Recipient is opted out: 44XXXXXXXX"}"#;
    assert_eq!(found(403, masked), (Retry::AfterFix, None));
    let with_id =
        br#"{"id":"b-1","success":false,"message":"1 recipient opted out: 447700900002"}"#;
    assert_eq!(found(200, with_id), (Retry::MayDuplicate, Some(1)), "to be looked up");

    let accepted = br#"{"success":true,"record":{"id":"b-1"},"message":"1 recipient opted out"}"#;
    let outcome = BatchOutcome::decode(200, accepted);
    assert_eq!(outcome.failure().unwrap().kind, FailureKind::Unconfirmed, "it contradicts itself");
}

#[test]
fn the_list_has_two_names() {
    let recipients = |body: &str| {
        let batch = BatchOutcome::decode(200, body.as_bytes()).into_result().unwrap();
        let texts = batch.recipients.into_iter().map(|one| one.text.unwrap().into_owned());
        (texts.collect::<Vec<_>>().concat(), batch.exclude_optouts, batch.spread_hours)
    };
    let (a, b) = (r#"[{"text":"a"},{}]"#, r#"[{"text":"b"}]"#);
    let body = |fields: &str| format!(r#"{{"id":"b-1",{fields}}}"#);
    assert_eq!(recipients(&body(&format!(r#""messages":{a}"#))).0, "a");
    assert_eq!(recipients(&body(&format!(r#""messages":{a},"recipients":{b}"#))).0, "b");
    assert_eq!(recipients(&body(&format!(r#""messages":{a},"recipients":[1,{{}}]"#))).0, "a");
    assert_eq!(recipients(&body(&format!(r#""messages":{a},"messages":7"#))).0, "");
    let record = format!(r#"{{"messages":{b},"record":{{"id":"b-1","messages":{a}}}}}"#);
    assert_eq!(recipients(&record).0, "a", "of the record, if there is one");
    let flags = body(r#""excludeOptOuts":true,"spreadHours":"007""#);
    assert_eq!(recipients(&flags), (String::new(), Some(true), Some(7)));
    let flags = body(r#""excludeOptouts":true,"excludeOptOuts":false,"spreadHours":"7h""#);
    assert_eq!(recipients(&flags), (String::new(), Some(false), None), "the last one counts");
    for unexpected in ["1", "0", r#""true""#, "null", "[]"] {
        for key in ["shortenUrls", "excludeOptouts", "excludeDuplicates"] {
            let flags = format!(r#"{{"id":"b-1","{key}":true,"{key}":{unexpected}}}"#);
            let batch = BatchOutcome::decode(200, flags.as_bytes());
            assert_eq!(batch.success(), Some(&Batch::new("b-1")), "{key}: {unexpected} overrides");
        }
    }
    for unexpected in ["1.5", "-1", r#""-1""#, r#""""#, r#""18446744073709551616""#, "null", "[]"] {
        let counts = body(&format!(r#""spreadHours":3,"spreadHours":{unexpected}"#));
        assert_eq!(recipients(&counts).2, None, "{unexpected} overrides");
        let counts = body(&format!(r#""recipientCount":3,"recipientCount":{unexpected}"#));
        let message = SendOutcome::decode(200, counts.as_bytes()).into_result().unwrap();
        assert_eq!(message.recipient_count, None, "{unexpected} overrides");
    }
}
