//! How leniently a response is read: a row for each case, with the status, the body and the outcome.
//!
//! In a body, `\xff` stands for that byte, which JSON has no escape for.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

mod support;

use std::{borrow::Cow, fmt::Write as _};

use mobivate_response::{BatchOutcome, BatchRecipient, Failure, OptedOutNumber, SendOutcome};
use support::assert_invariants;

macro_rules! reads {
    ($($status:literal $body:literal => $outcome:literal)*) => {
        $(reads($status, $body, $outcome);)*
    };
}

macro_rules! reads_batch {
    ($($status:literal $body:literal => $outcome:literal)*) => {
        $(reads_batch($status, $body, $outcome);)*
    };
}

/// The response to a single send has this outcome, as [`in_words`] tells it.
#[track_caller]
fn reads(status: u16, body: &str, outcome: &str) {
    let response = bytes(body);
    assert_eq!(in_words(&SendOutcome::decode(status, &response)), outcome, "{status} {body}");
    assert_invariants(status, &response);
}

/// The response to a batch has this outcome, as [`batch_in_words`] tells it.
#[track_caller]
fn reads_batch(status: u16, body: &str, outcome: &str) {
    let response = bytes(body);
    assert_eq!(
        batch_in_words(&BatchOutcome::decode(status, &response)),
        outcome,
        "{status} {body}"
    );
    assert_invariants(status, &response);
}

fn bytes(body: &str) -> Vec<u8> {
    let mut parts = body.split(r"\x");
    let mut bytes = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        let (hex, rest) = part.split_at(2);
        bytes.push(u8::from_str_radix(hex, 16).unwrap());
        bytes.extend(rest.as_bytes());
    }
    bytes
}

/// `accepted m-1 | body: Hi`: the id and the fields that are there; or [`failure_in_words`].
fn in_words(outcome: &SendOutcome<'_>) -> String {
    match outcome {
        SendOutcome::Success(message) => {
            let id = &message.id;
            let fields = [
                ("originator", &message.originator),
                ("recipient", &message.recipient),
                ("body", &message.body),
                ("route", &message.route_id),
                ("reference", &message.reference),
                ("campaign", &message.campaign_id),
                ("scheduled", &message.scheduled),
            ];
            format!("accepted {id}{}", in_bars(fields))
        }
        SendOutcome::Failure(failure) => failure_in_words(failure),
    }
}

/// `opted_out 403 | the detail | id: m-1 | number: 447700900123`
fn failure_in_words(failure: &Failure<'_>) -> String {
    let number = failure.opted_out_number().map(OptedOutNumber::as_str);
    let more = in_bars([("id", &failure.id), ("number", &number.map(Cow::Borrowed))]);
    format!("{} {} | {}{more}", failure.kind.as_str(), failure.code, failure.detail)
}

/// `accepted b-1`, the batch's fields, then each entry's in square brackets.
fn batch_in_words(outcome: &BatchOutcome<'_>) -> String {
    let batch = match outcome {
        BatchOutcome::Success(batch) => batch,
        BatchOutcome::Failure(failure) => return failure_in_words(failure),
    };
    let shown = |value: Option<String>| value.map(Cow::Owned);
    let mut words = format!("accepted {}", batch.id);
    words += &in_bars([
        ("name", &batch.name),
        ("route", &batch.route_id),
        ("scheduled", &batch.scheduled),
        ("count", &shown(batch.recipient_count.map(|count| count.to_string()))),
        ("shorten", &shown(batch.shorten_urls.map(|value| value.to_string()))),
        ("no opt-outs", &shown(batch.exclude_optouts.map(|value| value.to_string()))),
        ("no duplicates", &shown(batch.exclude_duplicates.map(|value| value.to_string()))),
        ("hours", &shown(batch.spread_hours.map(|hours| hours.to_string()))),
    ]);
    for BatchRecipient { originator, recipient, text, reference, route_id, .. } in &batch.recipients
    {
        let fields = [
            ("originator", originator),
            ("recipient", recipient),
            ("text", text),
            ("reference", reference),
            ("route", route_id),
        ];
        write!(words, " [{}]", in_bars(fields).trim_start_matches(" | ")).unwrap();
    }
    words
}

/// ` | name: value` for each field that is there.
fn in_bars<const N: usize>(fields: [(&str, &Option<Cow<'_, str>>); N]) -> String {
    let there = fields.iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
    there.map(|(name, value)| format!(" | {name}: {value}")).collect::<Vec<_>>().concat()
}

#[test]
fn truncated_responses() {
    reads! {
        200 r"{" => "unconfirmed 200 | truncated JSON"
        200 r#"{"id":"m-1","# => "unconfirmed 200 | truncated JSON | id: m-1"
        200 r#"{"id":"m-1","bod"# => "unconfirmed 200 | truncated JSON | id: m-1"
        200 r#"{"id":"m-1","body":"Your tab"# => "unconfirmed 200 | truncated JSON | id: m-1"
        200 r#"{"id":"m-1","body":"Your \"# => "unconfirmed 200 | truncated JSON | id: m-1"
        200 r#"{"id":"m-1","body":"Your \ud83"# => "unconfirmed 200 | truncated JSON | id: m-1"
        200 r#"{"id":"m-1"# => "unconfirmed 200 | truncated JSON"
        200 r#"{"id":"m-1""# => "unconfirmed 200 | truncated JSON | id: m-1"
        200 r#"{"id":"m-1","message":"Message subm"# => "unconfirmed 200 | truncated JSON | id: m-1"
        200 r#"{"success":true,"record":{"id":"m-1"}"# => "unconfirmed 200 | truncated JSON | id: m-1"
        200 r#"{"success":true,"record":{"id":"m-1","ty"# => "unconfirmed 200 | truncated JSON | id: m-1"
        200 r#"{"success":false"# => "unconfirmed 200 | truncated JSON"
        200 r#"{"success":false,"message":"No credit","# => "unconfirmed 200 | No credit"
        // A literal counts once it is complete.
        429 r#"{"success":true"# => "unconfirmed 429 | truncated JSON"
        429 r#"{"success":tru"# => "rate_limited 429 | truncated JSON"
        // A complete message is an opt-out notice, a truncated one nothing.
        403 r#"{"message":"Recipient is opted out: 447700900123","co"# => "opted_out 403 | Recipient is opted out: 447700900123 | number: 447700900123"
        403 r#"{"code":403,"message":"Recipient is opted out: 4477009"# => "forbidden 403 | truncated JSON"
        // A repeated record replaces the earlier one, even unfinished.
        200 r#"{"record":{"id":"rec-1"},"record":{"id":"rec-2"# => "unconfirmed 200 | truncated JSON"
        200 r#"{"record":{"id":"rec-1"},"record":{"id":"rec-2""# => "unconfirmed 200 | truncated JSON | id: rec-2"
        200 r#"{"id":"top-1","record":{"id":"rec-1"},"record":{"type":"Sing"# => "unconfirmed 200 | truncated JSON | id: top-1"
    }
}

#[test]
fn a_number_at_the_very_end_may_be_truncated() {
    reads! {
        200 r#"{"code":403"# => "unconfirmed 200 | truncated JSON"
        200 r#"{"code":403,"# => "forbidden 403 | truncated JSON"
        200 r#"{"code":403 "# => "forbidden 403 | truncated JSON"
        200 r#"{"id":"m-1","cost":0.05"# => "unconfirmed 200 | truncated JSON | id: m-1"
        200 r#"{"id":"m-1","cost":0."# => "unconfirmed 200 | truncated JSON | id: m-1"
        200 r#"{"id":"m-1","balance":-1"# => "unconfirmed 200 | truncated JSON | id: m-1"
        200 r#"{"id":"m-1","cost":1e"# => "unconfirmed 200 | truncated JSON | id: m-1"
        200 r#"{"id":"m-1","cost":1.5E-3"# => "unconfirmed 200 | truncated JSON | id: m-1"
        200 r#"{"id":"m-1","code":-"# => "unconfirmed 200 | truncated JSON | id: m-1"
        200 r#"{"id":"m-1","reference":["a",1."# => "unconfirmed 200 | truncated JSON | id: m-1"
        200 r#"{"id":"m-1"}-"# => "unconfirmed 200 | malformed JSON | id: m-1"
        200 r#"{"id":7"# => "unconfirmed 200 | truncated JSON"
        200 r#"{"id":7,"# => "unconfirmed 200 | truncated JSON | id: 7"
        429 r#"{"success":1"# => "rate_limited 429 | truncated JSON"
        200 r#"{"id":"m-1"}5"# => "unconfirmed 200 | malformed JSON | id: m-1"
    }
}

#[test]
fn syntax_errors() {
    reads! {
        // What stood before the syntax error counts.
        200 r#"{"id":"m-1"/* queued */}"# => "unconfirmed 200 | malformed JSON | id: m-1"
        200 r#"{"id":"m-1","price":NaN}"# => "unconfirmed 200 | malformed JSON | id: m-1"
        200 r#"{"id":"m-1",}"# => "unconfirmed 200 | malformed JSON | id: m-1"
        200 r#"{"id":"m-1"},"# => "unconfirmed 200 | malformed JSON | id: m-1"
        200 r#"{"id":"m-1"}}"# => "unconfirmed 200 | malformed JSON | id: m-1"
        200 r#"{"id":"m-1"}OK"# => "unconfirmed 200 | malformed JSON | id: m-1"
        200 r#"{"id":"m-1"}\x00"# => "unconfirmed 200 | malformed JSON | id: m-1"
        200 r#"{"id":"m-1"}{"id":"m-2"}"# => "unconfirmed 200 | malformed JSON | id: m-1"
        200 r#"{"id":"m-1"}\x0a{"id":"m-2"}\x0a"# => "unconfirmed 200 | malformed JSON | id: m-1"
        403 r#"{"code":403,"message":"Recipient is opted out: 447700900123"}<br>"# => "opted_out 403 | Recipient is opted out: 447700900123 | number: 447700900123"
        200 r#"{"success":false}<br>"# => "unconfirmed 200 | malformed JSON"
        // Nothing stood before it.
        200 r"{'id':'m-1'}" => "unconfirmed 200 | malformed JSON"
        200 r#"{id:"m-1"}"# => "unconfirmed 200 | malformed JSON"
        200 r#"{"id":07}"# => "unconfirmed 200 | malformed JSON"
        200 r#"{"text":"not an escape: \q","id":"m-1"}"# => "unconfirmed 200 | malformed JSON"
        200 r#"{"text":"cut \u00e","id":"m-1"}"# => "unconfirmed 200 | malformed JSON"
        // A control character within a string.
        200 r#"{"id":"m\x01-1"}"# => "unconfirmed 200 | malformed JSON"
        200 r#"{"a\x09b":1,"id":"m-1"}"# => "unconfirmed 200 | malformed JSON"
        200 r#"{"text":"two\x0alines","id":"m-1"}"# => "unconfirmed 200 | malformed JSON"
        200 r#"{"preview":"two\x0alines","id":"m-1"}"# => "unconfirmed 200 | malformed JSON"
        403 r#"{"message":"Recipient is opted out:\x0a447700900123"}"# => "forbidden 403 | malformed JSON"
        200 r#"{"text":"a\x7fb","id":"m-1"}"# => "accepted m-1 | body: a\x7fb"
    }
}

#[test]
fn what_is_no_object() {
    reads! {
        200 r"null" => "unconfirmed 200 | not a JSON object"
        200 r"true" => "unconfirmed 200 | not a JSON object"
        200 r"42" => "unconfirmed 200 | not a JSON object"
        200 r#""m-1""# => "unconfirmed 200 | not a JSON object"
        200 r#""{\"id\":\"m-1\"}""# => "unconfirmed 200 | not a JSON object"
        200 r#"["x"]"# => "unconfirmed 200 | not a JSON object"
        200 r#"[{"id":"m-1"}]"# => "unconfirmed 200 | not a JSON object"
        200 r#"["m-1","Bistro","447700900123","Your table is booked.","mglobal",null,null]"# => "unconfirmed 200 | not a JSON object"
        200 r"OK m-1" => "unconfirmed 200 | OK m-1"
        200 r#"callback({"id":"m-1"});"# => r#"unconfirmed 200 | callback({"id":"m-1"});"#
        200 r#")]}',\x0a{"id":"m-1"}"# => "unconfirmed 200 | not a JSON object"
        403 r#""Recipient is opted out: 447700900123""# => "forbidden 403 | not a JSON object"
        403 r#"[{"message":"Recipient is opted out: 447700900123"}]"# => "forbidden 403 | not a JSON object"
        418 r"short and stout" => "misconfigured 418 | short and stout"
        502 r"502 Bad Gateway" => "server_error 502 | not a JSON object"
        200 r"\x00\x00\x00\x00" => "unconfirmed 200 | not a JSON object"
        // UTF-16, big endian, and little endian with its byte order mark.
        200 r#"\x00{\x00"\x00i\x00d\x00"\x00:\x00"\x00m\x00"\x00}"# => "unconfirmed 200 | not a JSON object"
        200 r#"\xff\xfe{\x00"\x00i\x00d\x00"\x00:\x00"\x00m\x00"\x00}\x00"# => "unconfirmed 200 | not a JSON object"
        200 r"\x1f\x8b\x08\x00" => "unconfirmed 200 | gzip data"
        200 r"\x1f" => "unconfirmed 200 | not a JSON object"
        // Markup, told apart by its first characters.
        200 r#"<html><body><pre>{"id":"m-1"}</pre></body></html>"# => "unconfirmed 200 | HTML page"
        200 r"\x0d\x0a\x09 <div>Sign in</div>" => "unconfirmed 200 | HTML page"
        503 r"<HTML><HEAD><TITLE>Service Unavailable</TITLE></HEAD></HTML>" => "server_error 503 | Service Unavailable"
        200 r"<?php echo 1;" => "unconfirmed 200 | HTML page"
        200 r#"<?xml version="1.0"?><message><id>m-1</id></message>"# => "unconfirmed 200 | XML document"
        500 r#"\x0a<?xml version="1.0"?><faultstring>Recipient is opted out: 447700900123</faultstring>"# => "server_error 500 | XML document"
    }
}

#[test]
fn whitespace_and_byte_order_marks() {
    reads! {
        200 r" \x0d\x0a\x09 " => "unconfirmed 200 | empty body"
        200 r#" \x09\x0d\x0a{"id":"m-1"} \x09\x0d\x0a"# => "accepted m-1"
        200 r#"{ \x09"id"\x0d\x0a : "m-1" ,\x0a "record" : { \x0d\x0a } \x09}"# => "accepted m-1"
        200 r#"\x0c{"id":"m-1"}"# => "unconfirmed 200 | malformed JSON"
        200 r#"{"id":"m-1"}\xc2\xa0"# => "unconfirmed 200 | malformed JSON | id: m-1"
        200 r#"\xef\xbb\xbf{"id":"m-1"}"# => "accepted m-1"
        200 r#"\xef\xbb\xbf\x0d\x0a {"id":"m-1"}"# => "accepted m-1"
        200 r"\xef\xbb\xbf" => "unconfirmed 200 | empty body"
        200 r"\xef\xbb" => "unconfirmed 200 | not a JSON object"
        200 r#"\x0a\xef\xbb\xbf{"id":"m-1"}"# => "unconfirmed 200 | not a JSON object"
        200 r#"\xef\xbb\xbf\xef\xbb\xbf{"id":"m-1"}"# => "unconfirmed 200 | not a JSON object"
        403 r#"\xef\xbb\xbf{"message":"Recipient is opted out: 447700900123"}"# => "opted_out 403 | Recipient is opted out: 447700900123 | number: 447700900123"
    }
}

#[test]
fn invalid_utf8() {
    reads! {
        200 r#"{"id":"m-\xff1"}"# => "accepted m-�1"
        200 r#"{"text":"caf\xe9 \xa35","id":"m-1"}"# => "accepted m-1 | body: caf� �5"
        200 r#"{"text":"cut \xf0\x9f\x98","id":"m-1"}"# => "accepted m-1 | body: cut �"
        200 r#"{"text":"over\xc0\xa2long","id":"m-1"}"# => "accepted m-1 | body: over��long"
        200 r#"{"text":"\xed\xa0\xbd\xed\xb8\x80","id":"m-1"}"# => "accepted m-1 | body: ������"
        200 r#"{"preview":"\xff\xfe","id":"m-1"}"# => "accepted m-1"
        200 r#"{"id\xff":"m-0","id":"m-1"}"# => "accepted m-1"
        200 r#"{"id":"m-1","code":"4\xff03"}"# => "accepted m-1"
        400 r#"{"message":"Empf\xe4nger unbekannt"}"# => "bad_request 400 | Empf�nger unbekannt"
        403 r#"{"message":"Recipient is opt\xffed out: 447700900123"}"# => "forbidden 403 | Recipient is opt�ed out: 447700900123"
        403 r#"{"message":"Recipient is opted out: 447700900123\xff"}"# => "forbidden 403 | Recipient is opted out: 447700900123�"
        // Outside a string it is a syntax error, and in a malformed response still U+FFFD.
        200 r#"{"id":"m-1",\xff"code":0}"# => "unconfirmed 200 | malformed JSON | id: m-1"
        200 r#"{"id":"m-1","text":"caf\xe9"# => "unconfirmed 200 | truncated JSON | id: m-1"
        403 r#"{"title":"caf\xe9","message":"Recipient is opted out","# => "opted_out 403 | Recipient is opted out"
    }
}

#[test]
fn lone_surrogates() {
    reads! {
        200 r#"{"id":"m-1\ud83d"}"# => "accepted m-1�"
        200 r#"{"text":"\ude00 at the start","id":"m-1"}"# => "accepted m-1 | body: � at the start"
        200 r#"{"text":"reversed \ude00\ud83d","id":"m-1"}"# => "accepted m-1 | body: reversed ��"
        200 r#"{"text":"cut \ud83d\u0041","id":"m-1"}"# => "accepted m-1 | body: cut �A"
        200 r#"{"text":"cut \ud83d\n","id":"m-1"}"# => "accepted m-1 | body: cut �\n"
        200 r#"{"text":"cut \ud83d\ud83d\ude00","id":"m-1"}"# => "accepted m-1 | body: cut �😀"
        200 r#"{"text":"\uD83D\uDE00\uDBFF\uDFFF\uD800\uDC00","id":"m-1"}"# => "accepted m-1 | body: 😀\u{10ffff}\u{10000}"
        200 r#"{"text":"no escape: \\ud83d, one: \ud83d","id":"m-1"}"# => "accepted m-1 | body: no escape: \\ud83d, one: �"
        200 r#"{\x0a "id":"m-1",\x0a "body":"cut \ud83d\n"\x0a}\x0a"# => "accepted m-1 | body: cut �\n"
        200 r#"{"success":true,"record":{"text":"cut \ud83d","id":"m-1"}}"# => "accepted m-1 | body: cut �"
        200 r#"{"preview":"cut \ud83d","id":"m-1"}"# => "accepted m-1"
        200 r#"{"id\ud83d":"m-0","id":"m-1"}"# => "accepted m-1"
        403 r#"{"message":"Not allowed: cut \ud83d"}"# => "forbidden 403 | Not allowed: cut �"
        403 r#"{"message":"Recipient is opted out: 447700900123\ud83d"}"# => "forbidden 403 | Recipient is opted out: 447700900123�"
        403 r#"{"title":"cut \ud83d","message":"Recipient is opted out: 447700900123"}"# => "opted_out 403 | Recipient is opted out: 447700900123 | number: 447700900123"
        // With a syntax error in the same response.
        200 r#"{"text":"cut \ud83d\u00g0","id":"m-1"}"# => "unconfirmed 200 | malformed JSON"
        200 r#"{"id":"m-1","body":"cut \ud83d\x13 here"}"# => "unconfirmed 200 | malformed JSON | id: m-1"
        200 r#"{"text":"cut \ud83d","id":"m-1","code":"# => "unconfirmed 200 | truncated JSON | id: m-1"
    }
}

#[test]
fn escapes() {
    reads! {
        200 r#"{"text":"He said \"hi\" \\o\/ \b\f\n\r\t\u00e9","id":"m-1"}"# => "accepted m-1 | body: He said \"hi\" \\o/ \u{8}\u{c}\n\r\té"
        200 r#"{"text":"\ud83d\ude00 see you \ud83c\udf7d\ufe0f","id":"m-1"}"# => "accepted m-1 | body: 😀 see you 🍽\u{fe0f}"
        200 r#"{"id":"a\/b\"c\\d"}"# => r#"accepted a/b"c\d"#
        200 r#"{"id":"m-\ud83d\ude00"}"# => "accepted m-😀"
        200 r#"{"id":"m-\u0000-1"}"# => "accepted m-\0-1"
        400 r#"{"message":"recipient: \"07700\/900123\" \u2260 E.164\t\\o\/"}"# => "bad_request 400 | recipient: \"07700/900123\" ≠ E.164\t\\o/"
        400 r#"{"message":"first line\r\nsecond line\u001b[31m\u202ered"}"# => "bad_request 400 | first line\r\nsecond line\u{1b}[31m\u{202e}red"
        403 r#"{"message":"\u0052ecipient\u0020is\topted\u002dout\u003a\u00204\u0034\u0037700900123"}"# => "opted_out 403 | Recipient is\topted-out: 447700900123 | number: 447700900123"
    }
}

#[test]
fn keys() {
    reads! {
        // They compare after unescaping.
        200 r#"{"\u0069d":"m-1"}"# => "accepted m-1"
        200 r#"{"\u0072ecord":{"i\u0064":"rec-1"}}"# => "accepted rec-1"
        200 r#"{"id":"m-1","\u006friginator":"Bistro","route\u0049d":"mglobal","t\u0065xt":"Hi"}"# => "accepted m-1 | originator: Bistro | body: Hi | route: mglobal"
        403 r#"{"\u006dessage":"Recipient is opted out: 447700900123"}"# => "opted_out 403 | Recipient is opted out: 447700900123 | number: 447700900123"
        // Others that look alike.
        200 r#"{"\"id":"m-0","id":"m-1"}"# => "accepted m-1"
        200 r#"{"":"m-0","id":"m-1"}"# => "accepted m-1"
        200 r#"{"id\u0000":"m-0"}"# => "unconfirmed 200 | JSON without a text"
        200 r#"{"ID":"m-1"}"# => "unconfirmed 200 | JSON without a text"
        200 r#"{"messageId":"m-1"}"# => "unconfirmed 200 | JSON without a text"
        200 r#"{"id":"m-1","route_id":"mglobal","campaign_id":"c-9"}"# => "accepted m-1"
        200 r#"{"success":true,"records":[{"id":"rec-1"}]}"# => "unconfirmed 200 | JSON without a text"
        200 r#"{"id":"m-1","errors":["x"]}"# => "unconfirmed 200 | x | id: m-1"
        200 r#"{"id":"m-1","status":"rejected"}"# => "unconfirmed 200 | JSON without a text | id: m-1"
        200 r#"{"id":"m-1","status":403}"# => "forbidden 403 | JSON without a text | id: m-1"
        403 r#"{"status":200,"message":"Forbidden"}"# => "forbidden 403 | Forbidden"
        // Unknown ones, with whatever they hold.
        200 r#"{"parts":2,"price":0.0421,"queued":true,"id":"m-1","tags":["a",null,1e9],"links":{"self":"\/m-1"}}"# => "accepted m-1"
        200 r#"{"meta":{"id":"m-0","record":{"id":"m-00","error":[{"code":403}]}},"id":"m-1"}"# => "accepted m-1"
        200 r#"{"balance":1e400,"total":-123456789012345678901234567890.5,"id":"m-1"}"# => "accepted m-1"
    }
}

#[test]
fn repeated_keys() {
    reads! {
        200 r#"{"id":"m-1","id":"m-2"}"# => "accepted m-2"
        200 r#"{"id":["m-1"],"id":"m-2"}"# => "accepted m-2"
        200 r#"{"id":"m-1","id":null}"# => "unconfirmed 200 | JSON without a text"
        200 r#"{"id":"m-1","\u0069\u0064":"m-2"}"# => "accepted m-2"
        200 r#"{"record":{"id":"rec-1","id":"rec-2"}}"# => "accepted rec-2"
        200 r#"{"record":{"id":"rec-1"},"record":null}"# => "unconfirmed 200 | JSON without a text"
        200 r#"{"record":{"id":"rec-1"},"record":7}"# => "unconfirmed 200 | JSON without a text"
        200 r#"{"record":null,"record":{"id":"rec-1"}}"# => "accepted rec-1"
        200 r#"{"record":{"id":"rec-1","originator":"First"},"record":{"id":"rec-2","reference":"second"}}"# => "accepted rec-2 | reference: second"
        200 r#"{"id":"m-1","error":"x","error":null}"# => "accepted m-1"
        200 r#"{"success":false,"success":true,"id":"m-1"}"# => "accepted m-1"
        200 r#"{"success":true,"success":false,"id":"m-1"}"# => "unconfirmed 200 | JSON without a text | id: m-1"
        200 r#"{"id":"m-1","text":"From text.","body":"From body.","body":null}"# => "accepted m-1 | body: From text."
        403 r#"{"code":{},"code":400,"message":"Which code?"}"# => "bad_request 400 | Which code?"
        403 r#"{"code":400,"code":"none","message":"Which code?"}"# => "forbidden 403 | Which code?"
        403 r#"{"message":"Recipient is opted out: 447700900123","message":"Forbidden"}"# => "forbidden 403 | Forbidden"
        403 r#"{"message":"Forbidden","message":"Recipient is opted out: 447700900123"}"# => "opted_out 403 | Recipient is opted out: 447700900123 | number: 447700900123"
    }
}

#[test]
fn ids() {
    for (id, shown) in [
        (r#""nachricht-ü-1""#, "nachricht-ü-1"),
        ("7", "7"),
        ("18446744073709551615", "18446744073709551615"),
        (r#""00""#, "00"),
        (r#"" m-1 ""#, " m-1 "),
        // A zero-width space is no whitespace in Unicode.
        (r#""\u200b""#, "\u{200b}"),
        (r#""\ufeff""#, "\u{feff}"),
    ] {
        reads(200, &format!(r#"{{"id":{id}}}"#), &format!("accepted {shown}"));
        reads(200, &format!(r#"{{"record":{{"id":{id}}}}}"#), &format!("accepted {shown}"));
    }
    let long = "0123456789abcdef".repeat(32);
    reads(200, &format!(r#"{{"id":"{long}"}}"#), &format!("accepted {long}"));
    let none = "unconfirmed 200 | JSON without a text";
    reads(200, "{}", none);
    reads(200, r#"{"originator":"Bistro","recipient":"447700900123","body":"Hi"}"#, none);
    for id in [
        "0",
        r#""0""#,
        r#""""#,
        r#"" ""#,
        "\"\u{a0}\u{2003}\u{3000}\u{85}\u{2028}\"",
        r#""\t\n""#,
        "null",
        "true",
        "-1",
        "-0",
        "1.5",
        "7.0",
        "1e3",
        "18446744073709551616",
        r#"["m-1"]"#,
        r#"{"id":"m-1"}"#,
    ] {
        reads(200, &format!(r#"{{"id":{id},"recipient":"447700900123"}}"#), none);
        reads(200, &format!(r#"{{"id":"top-1","record":{{"id":{id}}}}}"#), "accepted top-1");
    }
}

#[test]
fn records() {
    reads! {
        200 r#"{"record":{"scheduled":null,"id":"rec-1"},"success":true}"# => "accepted rec-1"
        200 r#"{"id":"top-1","record":{"id":"rec-1"}}"# => "accepted rec-1"
        200 r#"{"id":"top-1","record":{"type":"SingleSMS"}}"# => "accepted top-1"
        200 r#"{"id":"top-1","record":{"id":"rec-1"},"record":{"# => "unconfirmed 200 | truncated JSON | id: top-1"
        200 r#"{"id":"top-1","record":{"id":"rec-1"},"record":nul"# => "unconfirmed 200 | truncated JSON | id: rec-1"
        200 r#"{"id":"top-1","record":{}}"# => "accepted top-1"
        200 r#"{"success":true,"record":{}}"# => "unconfirmed 200 | JSON without a text"
        200 r#"{"success":true,"record":{"type":"SingleSMS"}}"# => "unconfirmed 200 | JSON without a text"
        200 r#"{"record":{"record":{"id":"deep-1"}}}"# => "unconfirmed 200 | JSON without a text"
        // With one, the fields are read from it alone.
        200 r#"{"originator":"Top","reference":"top","routeId":"top","record":{"id":"rec-1","originator":"Record"}}"# => "accepted rec-1 | originator: Record"
        200 r#"{"text":"Top.","record":{"id":"m-1"}}"# => "accepted m-1"
        200 r#"{"success":true,"record":{"id":"m-1","text":"From text."}}"# => "accepted m-1 | body: From text."
        200 r#"{"id":"top-1","originator":"Top","record":{}}"# => "accepted top-1"
        200 r#"{"id":"top-1","originator":"Top","record":null}"# => "accepted top-1 | originator: Top"
        // What else it says counts for nothing.
        200 r#"{"record":{"id":"rec-1","code":403,"message":"Recipient is opted out: 447700900123"}}"# => "accepted rec-1"
        200 r#"{"success":true,"record":{"id":"m-1","error":"x"}}"# => "accepted m-1"
        200 r#"{"record":{"id":"m-1","success":false}}"# => "accepted m-1"
    }
    for no_record in ["null", r#""rec-1""#, r#"[{"id":"rec-1"}]"#, r#"["rec-1","Bistro"]"#, "1.5"] {
        let body = format!(r#"{{"success":true,"record":{no_record}}}"#);
        reads(200, &body, "unconfirmed 200 | JSON without a text");
        reads(200, &format!(r#"{{"id":"top-1","record":{no_record}}}"#), "accepted top-1");
    }
}

#[test]
fn message_fields() {
    const KEYS: [&str; 6] =
        ["originator", "recipient", "routeId", "reference", "campaignId", "scheduled"];
    const SHOWN: [&str; 6] =
        ["originator", "recipient", "route", "reference", "campaign", "scheduled"];
    for (value, shown) in [
        (r#""Bistro""#, "Bistro"),
        (r#""""#, ""),
        ("447700900123", "447700900123"),
        ("0", "0"),
        ("18446744073709551615", "18446744073709551615"),
    ] {
        for (key, name) in KEYS.into_iter().zip(SHOWN).chain([("body", "body"), ("text", "body")]) {
            let body = format!(r#"{{"id":"m-1","{key}":{value}}}"#);
            reads(200, &body, &format!("accepted m-1 | {name}: {shown}"));
        }
    }
    for unexpected in [
        "null",
        "true",
        "[]",
        r#"["447700900123"]"#,
        "{}",
        r#"{"number":"447700900123"}"#,
        "-1",
        "-0",
        "-0.0",
        "1.5",
        "4.47700900123e11",
        "18446744073709551616",
        "123456789012345678901234567890",
    ] {
        for key in KEYS.into_iter().chain(["body", "text"]) {
            reads(200, &format!(r#"{{"id":"m-1","{key}":{unexpected}}}"#), "accepted m-1");
        }
        let body = format!(r#"{{"id":"m-1","body":{unexpected},"text":"From text."}}"#);
        reads(200, &body, "accepted m-1 | body: From text.");
    }
    reads! {
        200 r#"{"scheduled":"2026-09-04T09:00:00.000Z","campaignId":"c-9","reference":"r-1","routeId":"x","body":"Hi","recipient":"447700900123","originator":"Bistro","id":"m-1"}"# => "accepted m-1 | originator: Bistro | recipient: 447700900123 | body: Hi | route: x | reference: r-1 | campaign: c-9 | scheduled: 2026-09-04T09:00:00.000Z"
        200 r#"{"id":"m-1","text":"From text.","body":"From body."}"# => "accepted m-1 | body: From body."
        200 r#"{"id":"m-1","body":"","text":"From text."}"# => "accepted m-1 | body: "
    }
}

#[test]
fn numbers_too_large_for_a_float() {
    reads! {
        200 r#"{"id":"m-1","reference":1e400}"# => "unconfirmed 200 | malformed JSON | id: m-1"
        200 r#"{"id":"m-1","code":1e400}"# => "unconfirmed 200 | malformed JSON | id: m-1"
        200 r#"{"id":"m-1","other":1e400}"# => "accepted m-1"
    }
    reads_batch! {
        200 r#"{"id":"b-1","recipients":[{"recipient":1e400,"reference":"a"}]}"# => "unconfirmed 200 | malformed JSON | id: b-1"
    }
}

/// The private key under which `serde_json` hands on a number, where another crate of the build
/// switches on its `arbitrary_precision`.
#[test]
fn numbers_as_objects() {
    reads! {
        200 r#"{"id":"m-1","code":{"$serde_json::private::Number":"403.0"}}"# => "forbidden 403 | JSON without a text | id: m-1"
        200 r#"{"id":"m-1","record":{"$serde_json::private::Number":"1.5"}}"# => "accepted m-1"
        200 r#"{"id":"m-1","record":1.5,"recipient":"447700900123"}"# => "accepted m-1 | recipient: 447700900123"
        200 r#"{"id":"m-1","record":1.5,"status":"FAILED"}"# => "unconfirmed 200 | JSON without a text | id: m-1"
        200 r#"{"id":"m-1","record":{"id":"m-2"},"record":18446744073709551616}"# => "accepted m-1"
        200 r#"{"id":"m-1","code":{"$serde_json::private::Number":"none"}}"# => "unconfirmed 200 | malformed JSON | id: m-1"
        200 r#"{"id":"m-1","code":{"$serde_json::private::Number":7}}"# => "unconfirmed 200 | malformed JSON | id: m-1"
    }
}

/// The outcome of a response with this field beside an id, and without one.
#[track_caller]
fn field_reads(field: &str, beside_id: &str, without_id: &str) {
    reads(200, &format!(r#"{{"id":"m-1",{field}}}"#), beside_id);
    reads(200, &format!(r#"{{{field},"record":{{"id":"m-1"}}}}"#), beside_id);
    reads(200, &format!("{{{field}}}"), without_id);
}

const ACCEPTED: &str = "accepted m-1";
const DENIED: &str = "unconfirmed 200 | JSON without a text | id: m-1";
const SILENT: &str = "unconfirmed 200 | JSON without a text";

#[test]
fn success() {
    for truth in ["true", "1", r#""true""#, r#""TRUE""#, r#""tRuE""#, r#""\u0054rue""#, "null"] {
        field_reads(&format!(r#""success":{truth}"#), ACCEPTED, SILENT);
    }
    for lie in ["false", "0", r#""false""#, r#""FALSE""#, r#""fAlsE""#] {
        let rejected = "bad_request 200 | JSON without a text";
        field_reads(&format!(r#""success":{lie}"#), DENIED, rejected);
    }
    for neither in [
        r#"" true""#,
        r#""true ""#,
        r#""false ""#,
        r#""yes""#,
        r#""1""#,
        r#""0""#,
        r#""""#,
        "2",
        "-1",
        "-0",
        "0.0",
        "1.0",
        "0.5",
        "[]",
        "{}",
        "[true]",
    ] {
        field_reads(&format!(r#""success":{neither}"#), DENIED, SILENT);
    }
    reads! {
        200 r#"{"success":false,"error":"No route to this country."}"# => "bad_request 200 | No route to this country."
        500 r#"{"success":false,"message":"Could not be queued."}"# => "server_error 500 | Could not be queued."
        // An error response that says success contradicts itself; any other value does not.
        404 r#"{"success":"TRUE"}"# => "unconfirmed 404 | JSON without a text"
        404 r#"{"success":1}"# => "unconfirmed 404 | JSON without a text"
        404 r#"{"success":1.0}"# => "misconfigured 404 | JSON without a text"
        404 r#"{"success":" true"}"# => "misconfigured 404 | JSON without a text"
        404 r#"{"success":false,"record":{"id":"m-1"}}"# => "misconfigured 404 | JSON without a text | id: m-1"
    }
}

#[test]
fn error() {
    for placeholder in ["null", "false", "0", r#""""#, "[]", "[ ]", "{}", "{\n}"] {
        field_reads(&format!(r#""error":{placeholder}"#), ACCEPTED, SILENT);
    }
    for placeholder in ["null", "false", "0", r#""""#, "[]", "[ ]", "{}", "{\n}"] {
        field_reads(&format!(r#""errors":{placeholder}"#), ACCEPTED, SILENT);
    }
    for error in ["true", "1", "-1", "-0", "0.0", "0.5", "[null]", "[[]]", r#"{"a":1}"#, "[[[[]]]]"]
    {
        field_reads(&format!(r#""error":{error}"#), DENIED, SILENT);
        field_reads(&format!(r#""errors":{error}"#), DENIED, SILENT);
    }
    for (error, text) in [
        (r#""x""#, "x"),
        (r#"" ""#, " "),
        (r#""false""#, "false"),
        (r#""0""#, "0"),
        (r#"["x"]"#, "x"),
        (r#"{"code":7,"message":"x"}"#, "x"),
    ] {
        let words = format!("unconfirmed 200 | {text}");
        for key in ["error", "errors"] {
            field_reads(&format!(r#""{key}":{error}"#), &format!("{words} | id: m-1"), &words);
        }
    }
}

#[test]
fn code() {
    for code in ["0", "200", "299", "200.0", "0.0", "-0", r#""200""#, r#""00000""#] {
        field_reads(&format!(r#""code":{code}"#), ACCEPTED, SILENT);
    }
    for unreadable in [
        "null",
        "true",
        "[403]",
        "{}",
        "403.5",
        "0.5",
        r#""""#,
        r#""403.0""#,
        r#""000403""#,
        r#""+403""#,
        r#""-1""#,
        r#"" 403""#,
        r#""٤٠٣""#,
        r#""none""#,
    ] {
        field_reads(&format!(r#""code":{unreadable}"#), ACCEPTED, SILENT);
    }
    for code in
        ["403", "403.0", "4.03e2", "40300e-2", r#""403""#, r#""00403""#, r#""\u0034\u00303""#]
    {
        let forbidden = "forbidden 403 | JSON without a text";
        field_reads(&format!(r#""code":{code}"#), &format!("{forbidden} | id: m-1"), forbidden);
    }
    // They deny a success, but are no code of an error response.
    for code in [
        "1",
        "-1",
        "100",
        "199",
        "300",
        "302",
        "600",
        "65736",
        "65939",
        "4294967699",
        "18446744073709551615",
        "18446744073709552019",
        "1e300",
        "-1e300",
        r#""1""#,
        r#""99999""#,
    ] {
        field_reads(&format!(r#""code":{code}"#), DENIED, SILENT);
    }
    reads! {
        200 r#"{"id":"m-1","code":200,"message":"OK"}"# => "accepted m-1"
        200 r#"{"code":200,"message":"message submitted"}"# => "unconfirmed 200 | message submitted"
        200 r#"{"code":404,"message":""}"# => "misconfigured 404 | JSON without a text"
        200 r#"{"code":409,"message":"Sent already","id":"m-1"}"# => "unconfirmed 409 | Sent already | id: m-1"
        200 r#"{"code":500,"message":"Internal error"}"# => "server_error 500 | Internal error"
        // From 400 to 599 it overrides the status, but for one of 0 or 5xx.
        403 r#"{"code":399,"message":"x"}"# => "forbidden 403 | x"
        403 r#"{"code":400,"message":"x"}"# => "bad_request 400 | x"
        403 r#"{"code":"400","message":"x"}"# => "bad_request 400 | x"
        403 r#"{"code":599,"message":"x"}"# => "server_error 599 | x"
        403 r#"{"code":600,"message":"x"}"# => "forbidden 403 | x"
        403 r#"{"code":200,"message":"OK"}"# => "forbidden 403 | OK"
        403 r#"{"code":65936,"message":"65536 + 400"}"# => "forbidden 403 | 65536 + 400"
        403 r#"{"code":4294967696,"message":"2^32 + 400"}"# => "forbidden 403 | 2^32 + 400"
        403 r#"{"code":"bad_request","message":"x"}"# => "forbidden 403 | x"
        403 r#"{"error":{"code":400,"message":"x"}}"# => "forbidden 403 | x"
        429 r#"{"code":503,"message":"Try again later."}"# => "server_error 503 | Try again later."
        500 r#"{"code":429,"message":"Slow down"}"# => "server_error 500 | Slow down"
        0 r#"{"code":401,"message":"Unauthorized"}"# => "no_response 0 | Unauthorized"
    }
}

#[test]
fn statuses() {
    reads! {
        0 r#"{"id":"m-1"}"# => "no_response 0 | JSON without a text | id: m-1"
        0 r#"{"message":"Recipient is opted out: 447700900123"}"# => "no_response 0 | Recipient is opted out: 447700900123"
        199 r#"{"id":"m-1"}"# => "unconfirmed 199 | JSON without a text | id: m-1"
        201 r#"{"id":"m-1"}"# => "accepted m-1"
        201 r#"{"message":"Created"}"# => "unconfirmed 201 | Created"
        206 r#"{"id":"m-1"}"# => "accepted m-1"
        299 r#"{"id":"m-1"}"# => "accepted m-1"
        300 r"{}" => "misconfigured 300 | JSON without a text"
        302 r#"{"id":"m-1"}"# => "unconfirmed 302 | JSON without a text | id: m-1"
        308 r#"{"message":"Permanent Redirect"}"# => "misconfigured 308 | Permanent Redirect"
        399 r#"{"message":"Not a registered status"}"# => "misconfigured 399 | Not a registered status"
        400 r#"{"code":400,"message":"body: too long","id":"m-1"}"# => "bad_request 400 | body: too long | id: m-1"
        429 r#"{"message":"Too many recipients opted out"}"# => "rate_limited 429 | Too many recipients opted out"
        401 r#"{"code":401,"message":"Recipient is opted out: 447700900123"}"# => "opted_out 401 | Recipient is opted out: 447700900123 | number: 447700900123"
        405 r#"{"code":405,"message":"Method Not Allowed"}"# => "misconfigured 405 | Method Not Allowed"
        409 r#"{"code":409,"message":"Sent already","id":"m-1"}"# => "unconfirmed 409 | Sent already | id: m-1"
        415 r#"{"status":415,"error":"Unsupported Media Type"}"# => "misconfigured 415 | Unsupported Media Type"
        451 r#"{"message":"Sending to this country is not allowed."}"# => "misconfigured 451 | Sending to this country is not allowed."
        503 r#"{"message":"Down for maintenance"}"# => "server_error 503 | Down for maintenance"
        599 r#"{"message":"Network connect timeout"}"# => "server_error 599 | Network connect timeout"
        600 r#"{"id":"m-1"}"# => "unconfirmed 600 | JSON without a text | id: m-1"
        999 r#"{"message":"Request denied"}"# => "unconfirmed 999 | Request denied"
    }
}

#[test]
fn texts() {
    reads! {
        // The first that is a string with anything in it.
        200 r#"{"id":"m-1","message":"Message submitted"}"# => "accepted m-1"
        403 r#"{"message":"Forbidden","error":"No permission."}"# => "forbidden 403 | Forbidden"
        403 r#"{"message":"","error":"No permission."}"# => "forbidden 403 | No permission."
        403 r#"{"message":"  ","error":"No permission."}"# => "forbidden 403 |   "
        403 r#"{"message":null,"error":"No permission."}"# => "forbidden 403 | No permission."
        403 r#"{"message":403,"error":"No permission."}"# => "forbidden 403 | No permission."
        403 r#"{"message":{"en":"Forbidden"},"error":"No permission."}"# => "forbidden 403 | No permission."
        400 r#"{"message":"recipient: +44 7700 900123 is not reachable, call 447700900124"}"# => "bad_request 400 | recipient: +44 7700 900123 is not reachable, call 447700900124"
        // Each key may begin with a capital letter, and is the same key.
        403 r#"{"Message":"User is not authorized"}"# => "forbidden 403 | User is not authorized"
        400 r#"{"Detail":"4","Title":"5"}"# => "bad_request 400 | 4"
        403 r#"{"message":"a","Message":"b"}"# => "forbidden 403 | b"
        403 r#"{"Message":"a","message":null}"# => "forbidden 403 | JSON without a text"
        403 r#"{"MESSAGE":"a","mESSAGE":"b"}"# => "forbidden 403 | JSON without a text"
        200 r#"{"id":"m-1","Error":"x"}"# => "unconfirmed 200 | x | id: m-1"
        200 r#"{"id":"m-1","Errors":[0]}"# => "unconfirmed 200 | JSON without a text | id: m-1"
        200 r#"{"id":"m-1","error":"x","Error":null}"# => "accepted m-1"
        403 r#"{"Errors":[{"Message":"Recipient is opted out"}]}"# => "opted_out 403 | Recipient is opted out"
        // The first opt-out notice goes before the others.
        403 r#"{"message":"Forbidden","error":"Recipient is opted out: 447700900123"}"# => "opted_out 403 | Recipient is opted out: 447700900123 | number: 447700900123"
        403 r#"{"error":"Forbidden","message":"Recipient is opted out: 447700900123"}"# => "opted_out 403 | Recipient is opted out: 447700900123 | number: 447700900123"
        403 r#"{"error":"Recipient is opted out: 447700900002","message":"Recipient is opted out: 447700900001"}"# => "opted_out 403 | Recipient is opted out: 447700900001 | number: 447700900001"
        403 r#"{"message":"Recipient is opted out","error":"Recipient is opted out: 447700900123"}"# => "opted_out 403 | Recipient is opted out"
        403 r#"{"message":447700900123,"error":"recipient opted out"}"# => "opted_out 403 | recipient opted out"
        403 r#"{"message":"Recipient is","error":"opted out: 447700900123"}"# => "forbidden 403 | Recipient is"
        // Whatever else there is.
        200 r#"{"id":"m-1","message":"Recipient is opted out: 447700900123"}"# => "unconfirmed 200 | Recipient is opted out: 447700900123 | id: m-1"
        200 r#"{"success":true,"message":"Recipient is opted out: 447700900123","record":{"id":"m-1"}}"# => "unconfirmed 200 | Recipient is opted out: 447700900123 | id: m-1"
    }
    let long = "All work and no play makes a long response. ".repeat(20);
    let body = format!(r#"{{"message":"{long}"}}"#);
    reads(400, &body, &format!("bad_request 400 | {long}"));
}

/// Frameworks and proxies put the reason into objects and lists.
#[test]
fn nested_texts() {
    reads! {
        403 r#"{"error":{"message":"No permission."}}"# => "forbidden 403 | No permission."
        403 r#"{"errors":[{"message":"No permission."}]}"# => "forbidden 403 | No permission."
        403 r#"{"message":["No permission."]}"# => "forbidden 403 | No permission."
        403 r#"{"type":"about:blank","title":"Forbidden","status":403,"detail":"No permission."}"# => "forbidden 403 | No permission."
        403 r#"{"type":"about:blank","title":"Forbidden"}"# => "forbidden 403 | Forbidden"
        403 r#"{"error":{"error":{"error":{"title":"deep"}}}}"# => "forbidden 403 | deep"
        // Three lists or objects, counted from the value of the key; of a fourth nothing is read.
        403 r#"{"message":[[["x"]]]}"# => "forbidden 403 | x"
        403 r#"{"message":[[[["x"]]]]}"# => "forbidden 403 | JSON without a text"
        403 r#"{"message":[[[["x"],"y"]]]}"# => "forbidden 403 | y"
        403 r#"{"errors":[{"errors":[{"message":"x"}]}]}"# => "forbidden 403 | JSON without a text"
        403 r#"{"message":{"message":{"message":{"message":"x"}}}}"# => "forbidden 403 | x"
        403 r#"{"message":{"message":{"message":{"message":{"message":"x"}}}}}"# => "forbidden 403 | JSON without a text"
        // The five keys in their order, whatever the order in the body.
        403 r#"{"title":"5","detail":"4","errors":"3","error":"2","message":"1"}"# => "forbidden 403 | 1"
        403 r#"{"title":"5","detail":"4","errors":"3","error":"2"}"# => "forbidden 403 | 2"
        403 r#"{"title":"5","detail":"4","errors":"3"}"# => "forbidden 403 | 3"
        403 r#"{"title":"5","detail":"4"}"# => "forbidden 403 | 4"
        403 r#"{"error":{"title":"5","detail":"4","errors":"3","error":"2","message":"1"}}"# => "forbidden 403 | 1"
        403 r#"{"error":[7,null,"",{"code":1},["x"],"y"]}"# => "forbidden 403 | x"
        // Within a value order alone decides; between values a notice goes first.
        403 r#"{"message":["Forbidden","Recipient is opted out"]}"# => "forbidden 403 | Forbidden"
        403 r#"{"message":"Forbidden","errors":[{"title":"Recipient is opted out: 447700900123"}]}"# => "opted_out 403 | Recipient is opted out: 447700900123 | number: 447700900123"
        403 r#"{"title":"Recipient is opted out","detail":"RECIPIENT_OPTED_OUT"}"# => "opted_out 403 | RECIPIENT_OPTED_OUT"
        // Only complete values have a text, and the last complete one counts.
        403 r#"{"message":"a","message":["b""# => "forbidden 403 | a"
        403 r#"{"message":"a","message":{"message":"b""# => "forbidden 403 | a"
        403 r#"{"message":["a"],"message":[]}"# => "forbidden 403 | JSON without a text"
        403 r#"{"error":{"message":"a","message":7}}"# => "forbidden 403 | JSON without a text"
        403 r#"{"error":{"message":"a"},"x":["# => "forbidden 403 | a"
        403 r#"{"message":["a",1e400]}"# => "forbidden 403 | malformed JSON"
        403 r#"{"message":[[[[1e400]]],"a"]}"# => "forbidden 403 | a"
        403 r#"{"message":["a",]}"# => "forbidden 403 | malformed JSON"
        403 r#"{"message":["\ud83d"],"error":"\xff"}"# => "forbidden 403 | \u{fffd}"
        // None of them is searched within the record or elsewhere.
        403 r#"{"record":{"message":"x","error":"y"}}"# => "forbidden 403 | JSON without a text"
    }
    let deep = format!(r#"{{"errors":{}"x"{}}}"#, "[".repeat(200), "]".repeat(200));
    reads(403, &deep, "forbidden 403 | JSON without a text");
    let deep = format!(r#"{{"errors":{}"#, r#"{"errors":"#.repeat(2000));
    reads(403, &deep, "forbidden 403 | truncated JSON");
}

/// The title of a page and a short plain text are shown, but never an opt-out notice.
#[test]
fn pages_and_plain_text() {
    reads! {
        403 "<!DOCTYPE html><html><head><title>\n Access denied </title>" => "forbidden 403 | Access denied"
        403 r"<title>Recipient is opted out: 447700900123</title>" => "forbidden 403 | Recipient is opted out: 447700900123"
        200 r"<title>Recipient is opted out</title>" => "unconfirmed 200 | Recipient is opted out"
        502 r"<html><title>502 Bad Gateway</title></html>" => "server_error 502 | 502 Bad Gateway"
        500 r#"<?xml version="1.0"?><title>Fault</title>"# => "server_error 500 | Fault"
        403 r"<HTML><TITLE>ERROR: The request could not be satisfied</TITLE>" => "forbidden 403 | ERROR: The request could not be satisfied"
        403 r#"<html><tItLe lang="en">Access denied</title>"# => "forbidden 403 | Access denied"
        403 r#"<html><title lang="<">Access denied</title>"# => "forbidden 403 | Access denied"
        403 r"<html><title>Access denied" => "forbidden 403 | HTML page"
        403 r"<html><title Access denied</title" => "forbidden 403 | HTML page"
        403 r"<html><title> </title>" => "forbidden 403 | HTML page"
        403 r"<html><tit>Access denied</tit>" => "forbidden 403 | HTML page"
        403 "<title>\u{a0}\u{2003}Access denied\u{3000}\u{85}</title>" => "forbidden 403 | Access denied"
        403 "<title>\u{a0}\u{3000}</title>" => "forbidden 403 | HTML page"
        403 "<title>\u{200b}</title>" => "forbidden 403 | \u{200b}"
        403 r"</title><title>Access</title> denied</title>" => "forbidden 403 | Access"
        403 r"<title>Access<title>denied</title>" => "forbidden 403 | Access"
        403 r"-<title>Access denied</title>" => "forbidden 403 | not a JSON object"
        403 r"<html><title></title><title>Access denied</title>" => "forbidden 403 | HTML page"
        403 r"<html>\xff<title>Access denied</title>" => "forbidden 403 | HTML page"
        403 r"<html><title>Access denied</title>\xc3" => "forbidden 403 | Access denied"
        403 r"<html><title>Access denied</title>\xff" => "forbidden 403 | HTML page"
        403 r"\xef\xbb\xbf\x0a<title>Access denied</title>" => "forbidden 403 | Access denied"
        403 r"error code: 1020" => "forbidden 403 | error code: 1020"
        403 "\r\n Forbidden\r\n" => "forbidden 403 | Forbidden"
        403 r"\xef\xbb\xbfForbidden" => "forbidden 403 | Forbidden"
        403 "Forbidden\u{a0}\u{2003}" => "forbidden 403 | Forbidden"
        403 "\u{a0}Forbidden" => "forbidden 403 | not a JSON object"
        403 r"1020 Forbidden" => "forbidden 403 | not a JSON object"
        403 r"NULL" => "forbidden 403 | NULL"
        403 r"Forbidden \xff" => "forbidden 403 | not a JSON object"
        403 r"\xc3\xa9t\xc3\xa9" => "forbidden 403 | not a JSON object"
        403 r"- Forbidden" => "forbidden 403 | not a JSON object"
        200 "true\n" => "unconfirmed 200 | not a JSON object"
        200 r"false" => "unconfirmed 200 | not a JSON object"
        200 r"null" => "unconfirmed 200 | not a JSON object"
        200 r"nullable" => "unconfirmed 200 | nullable"
        403 r"Recipient is opted out: 447700900123" => "forbidden 403 | Recipient is opted out: 447700900123"
        200 r"RECIPIENT_OPTED_OUT" => "unconfirmed 200 | RECIPIENT_OPTED_OUT"
    }
    reads(403, &"x".repeat(1024), &format!("forbidden 403 | {}", "x".repeat(1024)));
    reads(403, &"x".repeat(1025), "forbidden 403 | not a JSON object");
    // The `<` behind the title is the last character of the first KiB.
    let page = |fill: usize| format!("<html>{}<title>T</title>", "-".repeat(fill));
    reads(403, &page(1024 - 15), "forbidden 403 | T");
    reads(403, &page(1024 - 14), "forbidden 403 | HTML page");
    // The first KiB ends within a character.
    let page = format!("<title>T</title>{}é", "-".repeat(1023 - 16));
    reads(403, &page, "forbidden 403 | T");
}

/// A code may be named by `status`, and a status name may say that it failed.
#[test]
fn status_fields() {
    reads! {
        200 r#"{"id":"m-1","status":403}"# => "forbidden 403 | JSON without a text | id: m-1"
        200 r#"{"id":"m-1","status":"429"}"# => "rate_limited 429 | JSON without a text | id: m-1"
        200 r#"{"id":"m-1","code":200,"status":403}"# => "forbidden 403 | JSON without a text | id: m-1"
        403 r#"{"code":401,"status":429}"# => "unauthorized 401 | JSON without a text"
        200 r#"{"id":"m-1","status":200}"# => "accepted m-1"
        200 r#"{"id":"m-1","status":302}"# => "accepted m-1"
        500 r#"{"status":403}"# => "server_error 500 | JSON without a text"
        200 r#"{"status":500,"error":"Internal Server Error","path":"/send/single"}"# => "server_error 500 | Internal Server Error"
        200 r#"{"id":"m-1","status":"failed"}"# => "unconfirmed 200 | JSON without a text | id: m-1"
        200 r#"{"id":"m-1","status":" Opted_Out "}"# => "unconfirmed 200 | JSON without a text | id: m-1"
        200 r#"{"id":"m-1","status":"DELIVERED"}"# => "accepted m-1"
        200 r#"{"id":"m-1","status":"SENT"}"# => "accepted m-1"
        200 r#"{"id":"m-1","status":"error"}"# => "accepted m-1"
        200 r#"{"id":"m-1","status":["failed"]}"# => "accepted m-1"
        200 r#"{"id":"m-1","status":5}"# => "accepted m-1"
        200 r#"{"id":"m-1","status":"failed","status":null}"# => "accepted m-1"
        200 r#"{"id":"m-1","code":"none","status":403.0}"# => "forbidden 403 | JSON without a text | id: m-1"
        0 r#"{"id":"m-1","status":403}"# => "no_response 0 | JSON without a text | id: m-1"
        200 r#"{"record":{"id":"m-1","status":"failed"}}"# => "unconfirmed 200 | JSON without a text | id: m-1"
        200 r#"{"record":{"id":"m-1","status":403}}"# => "accepted m-1"
        // With a record, its status alone counts as a name.
        200 r#"{"status":"failed","record":{"id":"m-1"}}"# => "accepted m-1"
        200 r#"{"status":"failed","record":{"id":"m-1","status":"SENT"}}"# => "accepted m-1"
        200 r#"{"status":"failed","record":null,"id":"m-1"}"# => "unconfirmed 200 | JSON without a text | id: m-1"
        200 r#"{"record":{"id":"inner"},"record":[],"id":"m-1"}"# => "accepted m-1"
    }
}

/// What stood before a syntax error counts.
#[test]
fn before_a_syntax_error() {
    reads! {
        200 r#"{"id":"m-2","id":04:1"# => "unconfirmed 200 | malformed JSON | id: m-2"
        200 r#"{"record":{"id":"m-1"},"record":{"x":"# => "unconfirmed 200 | truncated JSON"
        403 r#"{"message":"Recipient is opted out: 447700900123","x":NaN}"# => "opted_out 403 | Recipient is opted out: 447700900123 | number: 447700900123"
    }
}

#[test]
fn a_notice_elsewhere_says_nothing() {
    for body in [
        r#"{"message":{"text":"Recipient is opted out: 447700900123"}}"#,
        r#"{"text":"Recipient is opted out: 447700900123"}"#,
        r#"{"success":false,"record":{"message":"Recipient is opted out: 447700900123"}}"#,
    ] {
        reads(403, body, "forbidden 403 | JSON without a text");
    }
    reads! {
        200 r#"{"id":"m-1","body":"Recipient is opted out: 447700900123"}"# => "accepted m-1 | body: Recipient is opted out: 447700900123"
        200 r#"{"success":true,"record":{"id":"m-1","body":"Recipient is opted out: 447700900123"}}"# => "accepted m-1 | body: Recipient is opted out: 447700900123"
        200 r#"{"id":"m-1","reference":"Recipient is opted out: 447700900123","originator":"opted out"}"# => "accepted m-1 | originator: opted out | reference: Recipient is opted out: 447700900123"
        200 r#"{"text":"{\"code\":403,\"message\":\"Recipient is opted out: 447700900123\"}","id":"m-1"}"# => r#"accepted m-1 | body: {"code":403,"message":"Recipient is opted out: 447700900123"}"#
    }
}

#[test]
fn deep_nesting() {
    let lists = "[".repeat(10_000) + &"]".repeat(10_000);
    let one_short = &lists[..lists.len() - 1];
    let objects = r#"{"a":"#.repeat(10_000) + "1" + &"}".repeat(10_000);
    let records = r#"{"record":"#.repeat(10_000) + "{}" + &"}".repeat(10_000);
    reads(200, &lists, "unconfirmed 200 | not a JSON object");
    reads(200, &objects, SILENT);
    reads(200, &records, SILENT);
    for nested in [&lists, &objects, &records] {
        reads(200, &format!(r#"{{"x":{nested},"id":"m-1"}}"#), "accepted m-1");
        reads(200, &format!(r#"{{"text":{nested},"id":"m-1"}}"#), "accepted m-1");
        reads(200, &format!(r#"{{"record":{{"x":{nested},"id":"m-1"}}}}"#), "accepted m-1");
        reads(200, &format!(r#"{{"id":{nested}}}"#), SILENT);
        reads(200, &format!(r#"{{"id":"m-1","error":{nested}}}"#), DENIED);
        reads_batch(200, &format!(r#"{{"id":"b-1","recipients":[{nested}]}}"#), "accepted b-1");
        let body = format!(r#"{{"id":"b-1","recipients":[{{"text":{nested},"reference":"a"}}]}}"#);
        reads_batch(200, &body, "accepted b-1 [reference: a]");
        let body = format!(r#"{{"code":{nested},"message":"Recipient is opted out"}}"#);
        reads(403, &body, "opted_out 403 | Recipient is opted out");
    }
    let body = format!(r#"{{"id":"m-1","x":{one_short}"#);
    reads(200, &body, "unconfirmed 200 | truncated JSON | id: m-1");
    reads(200, &format!("{body}}}"), "unconfirmed 200 | malformed JSON | id: m-1");
    reads(200, &body[..10_000], "unconfirmed 200 | truncated JSON | id: m-1");
}

#[test]
fn batches() {
    reads_batch! {
        200 r#"{"id":"b-1","recipientCount":"3","spreadHours":1.5,"shortenUrls":"true","excludeOptouts":1,"excludeDuplicates":null,"name":7}"# => "accepted b-1 | name: 7 | count: 3"
        200 r#"{"id":"b-1","recipientCount":18446744073709551615,"spreadHours":-1}"# => "accepted b-1 | count: 18446744073709551615"
        200 r#"{"id":"b-1","recipientCount":"+3","spreadHours":"4 "}"# => "accepted b-1"
        200 r#"{"id":"b-1","recipientCount":2.0,"spreadHours":4,"shortenUrls":false,"excludeOptouts":true,"excludeDuplicates":false}"# => "accepted b-1 | shorten: false | no opt-outs: true | no duplicates: false | hours: 4"
        200 r#"{"id":"b-1","scheduleDateTime":"2026-12-01T09:00:00.000Z","scheduled":"2026-12-02T09:00:00.000Z"}"# => "accepted b-1 | scheduled: 2026-12-01T09:00:00.000Z"
        200 r#"{"id":"b-1","scheduleDateTime":null,"scheduled":"2026-12-02T09:00:00.000Z"}"# => "accepted b-1 | scheduled: 2026-12-02T09:00:00.000Z"
        // It may have been accepted in part.
        200 r#"{"success":false,"message":"Some are invalid"}"# => "unconfirmed 200 | Some are invalid"
        200 r#"{"success":true,"recipients":[{"id":"e-1","reference":"a"}]}"# => "unconfirmed 200 | JSON without a text"
        200 r#"{"id":"b-1","success":false,"message":"No credit","recipients":[{"reference":"a"}]}"# => "unconfirmed 200 | No credit | id: b-1"
        // The list.
        200 r#"{"id":"b-1","recipients":[ ]}"# => "accepted b-1"
        200 r#"{"id":"b-1","recipients":null,"recipientCount":2}"# => "accepted b-1 | count: 2"
        200 r#"{"id":"b-1","recipients":{"recipient":"447700900001"}}"# => "accepted b-1"
        200 r#"{"id":"b-1","recipients":"447700900001"}"# => "accepted b-1"
        200 r#"{"id":"b-1","recipients":[{"reference":"a"}],"recipients":[{"reference":"b"},{"reference":"c"}]}"# => "accepted b-1 [reference: b] [reference: c]"
        200 r#"{"id":"b-1","recipients":[{"reference":"a"}],"recipients":7}"# => "accepted b-1"
        200 r#"{"success":true,"record":{"id":"b-1","recipientCount":1,"recipients":[{"reference":"a"}]},"recipients":[{"reference":"top"}]}"# => "accepted b-1 | count: 1 [reference: a]"
        // Under its other name, which counts where no recipient was read from the first.
        200 r#"{"id":"b-1","messages":[{"text":"a"},{}]}"# => "accepted b-1 [text: a]"
        200 r#"{"id":"b-1","messages":[{"text":"a"}],"recipients":[{"text":"b"}]}"# => "accepted b-1 [text: b]"
        200 r#"{"id":"b-1","messages":[{"text":"a"}],"recipients":[1,{}]}"# => "accepted b-1 [text: a]"
        200 r#"{"id":"b-1","messages":[{"text":"a"}],"messages":7}"# => "accepted b-1"
        200 r#"{"messages":[{"text":"b"}],"record":{"id":"b-1","messages":[{"text":"a"}]}}"# => "accepted b-1 [text: a]"
        // The last complete value counts.
        200 r#"{"id":"b-1","excludeOptouts":true,"excludeOptOuts":false,"spreadHours":"007"}"# => "accepted b-1 | no opt-outs: false | hours: 7"
        200 r#"{"id":"b-1","excludeOptOuts":true,"excludeOptOuts":1,"shortenUrls":true,"shortenUrls":"true","excludeDuplicates":true,"excludeDuplicates":null}"# => "accepted b-1"
        200 r#"{"id":"b-1","spreadHours":3,"spreadHours":1.5,"recipientCount":3,"recipientCount":""}"# => "accepted b-1"
        200 r#"{"id":"b-1","spreadHours":3,"spreadHours":"7h","recipientCount":3,"recipientCount":"18446744073709551616"}"# => "accepted b-1"
        // Its entries.
        200 r#"{"id":"b-1","recipients":[{"originator":"Brand","recipient":"447700900001","text":"Hi","reference":"r-1","routeId":"x"}]}"# => "accepted b-1 [originator: Brand | recipient: 447700900001 | text: Hi | reference: r-1 | route: x]"
        200 r#"{"id":"b-1","recipients":[{"recipient":447700900001,"text":null,"reference":["r"]},null,"447700900002",["x"],{},7,{"recipient":"447700900003","text":{"a":1},"routeId":false,"other":[[1]]}]}"# => "accepted b-1 [recipient: 447700900001] [recipient: 447700900003]"
        200 r#"{"id":"b-1","recipients":[{"id":"e-1","recipient":"447700900001","record":{"recipient":"447700900002"}}]}"# => "accepted b-1 [recipient: 447700900001]"
        200 r#"{"id":"b-1","recipients":[{"text":"first","\u0074ext":"last","recipient":1,"recipient":"447700900001"}]}"# => "accepted b-1 [recipient: 447700900001 | text: last]"
        200 r#"{"id":"b-1","recipients":[{"text":"Recipient is opted out: 447700900001","message":"Recipient is opted out: 447700900001","error":"x","success":false}]}"# => "accepted b-1 [text: Recipient is opted out: 447700900001]"
        // Invalid UTF-8 and lone surrogates, as in the response to a single send.
        200 r#"{"id":"b-1","recipients":[{"text":"cut \ud83d"},{"text":"whole \ud83d\ude00"}]}"# => "accepted b-1 [text: cut �] [text: whole 😀]"
        200 r#"{"id":"b-1","recipients":[{"text":"caf\xe9"},{"text":"caf\xc3\xa9","reference":"r\xff"}]}"# => "accepted b-1 [text: caf�] [text: café | reference: r�]"
        200 r#"{"name":"cut \ud83d","id":"b-1"}"# => "accepted b-1 | name: cut �"
        // Truncated or malformed.
        200 r#"{"id":"b-1","recipients":[{"reference":"a"},{"refe"# => "unconfirmed 200 | truncated JSON | id: b-1"
        200 r#"{"success":true,"record":{"id":"b-1","recipientCount":1"# => "unconfirmed 200 | truncated JSON | id: b-1"
        200 r#"{"id":"b-1","recipients":[{"text":"cut \ud83d"},]}"# => "unconfirmed 200 | malformed JSON | id: b-1"
        429 r#"{"success":true"# => "unconfirmed 429 | truncated JSON"
        403 r#"{"message":"Recipient is opted out: 447700900002","recipients":["# => "batch_opted_out 403 | Recipient is opted out: 447700900002 | number: 447700900002"
    }
    // To a single send there are none: not even a number too large for a float matters.
    reads! {
        200 r#"{"id":"b-1","recipients":[{"recipient":1e400}]}"# => "accepted b-1"
    }
}
