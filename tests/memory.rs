//! Counts what a decode allocates. A time that isn't linear in the body would show as well,
//! because these tests wouldn't end.
//!
//! In a body, `«…»` is repeated until the body has its length, and `ÿ` is the byte 0xFF, which isn't
//! UTF-8.

use std::hint::black_box;

use allocation_counter::{AllocationInfo, measure};
use mobivate_response::{BatchOutcome, Failure, FailureKind, Outcome, SendOutcome};

const MIB: usize = 1 << 20;

#[test]
fn a_well_formed_response_to_a_single_send_allocates_nothing() {
    for (status, body) in [
        (200, r#"{"id":"m-1","originator":"Test","body":"Hi","reference":null,"campaignId":null}"#),
        (200, r#"{"success":true,"record":{"id":"m-1","scheduled":"now","recipientCount":1}}"#),
        (200, r#"{"text":"Hi","recipient":"61400000000","excludeOptouts":true,"id":"proxied_1"}"#),
        (200, r#"{"id":"m-1","text":"Grüße 👋🏽 аж до завтра"}"#),
        (401, r#"{"code":401,"message":"Unauthorized"}"#),
        (403, r#"{"code":403,"message":"Recipient is opted out: 44XXXXXXXX"}"#),
        (403, r#"{"error":"API Key is not permitted to perform this action. (read:SingleSMS)"}"#),
        (400, r#"{"errors":[{"message":"Invalid mobile number"}]}"#),
        (400, r#"{"message":[[["Invalid mobile number"]]]}"#),
        (403, r#"{"type":"about:blank","title":"Forbidden","status":403,"detail":"No"}"#),
        (500, r#"{"timestamp":"2026-09-04","status":500,"error":"Internal Server Error"}"#),
    ] {
        assert_eq!(heap(SendOutcome::decode, status, body.as_bytes()).count_total, 0, "{body}");
    }
}

#[test]
fn a_body_that_is_no_object_allocates_nothing() {
    let bodies = r#"

null
1e999
["x",{}]
"\ud83d"
ÿþ{}
Bad Gateway
Recipient is opted out: 447700900123
Recipient is opted outÿ
<?xml version="1.0"?>
<html>ÿ«x»
<title>403 Forbidden</title>«ж»
<title>«t»
«<»
«a»
«[»
«7»
« »"#;
    for body in bodies.lines() {
        for status in [0, 200, 403, 502] {
            let bytes = filled(MIB, body);
            assert_eq!(heap(SendOutcome::decode, status, &bytes).count_total, 0, "{body}");
            assert_eq!(heap(BatchOutcome::decode, status, &bytes).count_total, 0, "{body}");
        }
    }
}

/// One allocation for each text that isn't a part of the body, and one scratch that all share. A body
/// that isn't valid is copied first.
#[test]
fn a_text_that_is_no_part_of_the_body_is_allocated_once() {
    for (value, shared) in [("7", 0), (r#""\n""#, 1), (r#""\udc00""#, 3), (r#""ÿ""#, 3)] {
        let mut body = r#"{"success":true"#.to_owned();
        for (at, key) in ["id", "originator", "body", "routeId", "reference"].iter().enumerate() {
            body = format!(r#"{body},"{key}":{value}"#);
            let heap = heap(SendOutcome::decode, 200, &filled(0, &format!("{body}}}")));
            assert_eq!(heap.count_total, at as u64 + 1 + shared, "{body}");
        }
    }
}

#[test]
fn a_batch_allocates_its_list() {
    let body = filled(MIB, r#"{"id":"b-1","recipients":[«{"recipient":"447700900123"},»0]}"#);
    let outcome = BatchOutcome::decode(200, &body);
    assert_eq!(outcome.success().unwrap().recipients.len(), 36_155);
    // Room for 4 recipients at first, then twice as much each time.
    assert_eq!(heap(BatchOutcome::decode, 200, &body).count_total, 15);
}

#[test]
fn an_opt_out_notice_allocates_nothing_however_long_it_is() {
    for (kind, body) in [
        (FailureKind::OptedOut, r#"{"error":"« »recipient opted out"}"#),
        (FailureKind::OptedOut, r#"{"error":"recipient«_»opted out"}"#),
        (FailureKind::OptedOut, r#"{"error":"message blocked because« -»recipient is opted out"}"#),
        (FailureKind::OptedOut, r#"{"error":"recipient is opted out« »: 447700900123"}"#),
        (FailureKind::OptedOut, r#"{"error":"recipient is opted out:« »+447700900123."}"#),
        (FailureKind::OptedOut, r#"{"error":"recipient is opted out: 447700900123« »!"}"#),
        (FailureKind::Forbidden, r#"{"error":"recipient is opted out: 447700900123« »1"}"#),
        (FailureKind::Forbidden, r#"{"error":"recipient is opted out:«7»"}"#),
        (FailureKind::Forbidden, r#"{"error":"recipient is«-»not opted out"}"#),
        (FailureKind::Forbidden, r#"{"error":"«recipient is opted out »"}"#),
        (FailureKind::Forbidden, r#"{"errors":[{"message":["«recipient_opted_out_»"]}]}"#),
    ] {
        let json = filled(MIB, body);
        assert_eq!(SendOutcome::decode(403, &json).failure().unwrap().kind, kind, "{body}");
        assert_eq!(heap(SendOutcome::decode, 403, &json).count_total, 0, "{body}");
    }
    let failure = Failure::new(FailureKind::OptedOut, "Recipient is opted out: 447700900123");
    let number = failure.opted_out_number().unwrap();
    let heap = measure(|| assert!(number.matches(black_box("+44 (7700) 900-123"))));
    assert_eq!(heap.count_total, 0);
}

#[test]
fn hostile_bodies_stay_within_the_bounds() {
    let bodies = HOSTILE.lines().map(|line| (line, filled(2 * MIB, line)));
    // A lone surrogate at the end, when the list has just grown.
    let recipients = r#"{"text":7},"#.repeat((1 << 17) + 1);
    let grown = format!(r#"{{"id":"b","recipients":[{recipients}{{"text":"\ud800"}}]}}"#);
    for (line, body) in bodies.chain([("a list that has just grown", grown.into())]) {
        for status in [200, 403] {
            let peak = heap(SendOutcome::decode, status, &body).bytes_max;
            assert!(peak <= 16 * body.len() as u64 + (64 << 10), "{status} {line}: {peak}");
        }
        let peak = heap(BatchOutcome::decode, 200, &body).bytes_max;
        assert!(peak <= 40 * body.len() as u64 + (64 << 10), "batch {line}: {peak}");
    }
}

const HOSTILE: &str = r#"{"message":"«\n»"}
{"message":"«\ud800»"}
{"message":"«\ud83d\ude00»"}
{"message":"«ÿ»"}
{"message":"«ÿ»\n"}
{"message":"\n«ÿ»"}
{"message":"«\nÿ»"}
{"message":"«\ud800ÿ»"}
{"message":"«\n»«ÿ»"}
{"message":"«ÿ»«\n»"}
{"a":"«ÿ»","message":"\n"}
{"message":"ÿ«👋»"}
{"message":"«\\»"}
{"message":"«\\»\
{"id":"m","message":"«a»
{"«\n»":0}
{"«ÿ»":0}
{"message":"«\nÿ»","error":"«\nÿ»"}
{"message":"«\n»","error":"«\n»","errors":"«\n»","detail":"«\n»","title":"«\n»","id":"m-1"}
{"id":"m-1"«,"":0»}
{"a":«[»
{"a":«{"":»
{"message":«[»
{"id":«{"id":»
{"errors":«[»«]»}
{"errors":«[{"errors":»
{"errors":[«{"message":"a"},»{}]}
{"errors":[«{"message":"\n"},»{}]}
{"errors":[«{"message":"\ud800"},»{}]}
{"errors":[«{"message":"ÿ"},»{}]}
{"errors":[«{"title":7},»{}]}
{"message":[«"\n",»0]}
{"message":[«[[]],»0]}
{"error":{«"message":"\n",»"id":0}}
{"errors":[{"detail":["«\n»"]}]}
{"errors":[{"detail":["«\ud800»"]}]}
{"errors":[{"detail":["«\n»
{"record":«{"record":»
{"error":[«0,»0]}
{«"message":"\n",»"id":"m-1"}
{«"record":{"id":"1"},»"id":"m-1"}
{«"id":7,»"id":"m-1"}
{«"message":"\nÿ",»"id":"m-1"}
{"id":«9»}
{"id":«9»
{"id":0.«9»}
{"id":"m-1"« »}
{"id":"m-1"}« »
{"id":"b","recipients":[«0,»0]}
{"id":"b","recipients":[«{"text":7},»0]}
{"id":"b","recipients":[«{"text":""},»0]}
{"id":"b","recipients":[«{"text":"\n"},»0]}
{"id":"b","recipients":[«{"text":"\ud800"},»0]}
{"id":"b","recipients":[«{"text":"ÿ"},»0]}
{"id":"b","messages":[«{"text":""},»0]}
{"id":"b","recipients":[«{"text":""},»0],"messages":[«{"text":""},»0]}
{"id":"b","recipients":[«{"text":""},»0],"messages":[«{"text":""},»0],"reference":"\ud800"}
{"id":"b","recipients":[«{"text":""},»
{"record":{"id":"b","recipients":[«{"text":""},»0]}}
{"id":"b"«,"recipients":[{"text":""}]»}
{"id":"b","recipients":[«[»"#;

/// The body that a line stands for. Everything that is repeated gets the same share of the length.
fn filled(len: usize, line: &str) -> Vec<u8> {
    let share = len.saturating_sub(line.len()) / line.matches('«').count().max(1);
    let part = |(at, part): (usize, &str)| {
        let part = part.split('ÿ').map(str::as_bytes).collect::<Vec<_>>().join(&0xFF);
        part.repeat(if at % 2 == 0 { 1 } else { share / part.len() })
    };
    line.split(['«', '»']).enumerate().flat_map(part).collect()
}

fn heap<'a, T>(
    decode: fn(u16, &'a [u8]) -> Outcome<'a, T>,
    status: u16,
    body: &'a [u8],
) -> AllocationInfo {
    measure(|| {
        let outcome = decode(status, black_box(body));
        black_box(outcome.failure().and_then(Failure::opted_out_number));
    })
}
