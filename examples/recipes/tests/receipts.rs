//! Bodies that are posted to the webhook, form by form, and the status of a message from its parts.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

use form_urlencoded::byte_serialize;
use mobivate_response::DeliveryStatus;
use proptest::{collection::vec, prelude::*, sample::select};
use recipes::receipts::{
    IncomingMessage, Parts,
    ReadError::{Ambiguous, Malformed},
    Received::{Incoming, Neither, Status},
    StatusUpdate, read,
};

/// Captured on the current API.
const CAPTURED: &str = "<deliveryreceipt><created>2026-06-18T11:00:15.915Z</created><deliveryMessageId>133e4f21-ff94-49d7-9167-77c9bc94cb99</deliveryMessageId><clientReference>f1c2a2bd-bb90-4776-989e-f653fea1fa3a</clientReference><status>DELIVERED</status><statusCode>1</statusCode><part>1</part><parts>1</parts></deliveryreceipt>";

/// Documented by the legacy API, but with a reference.
const DOCUMENTED: &str = r#"{"deliveryMessageId":"9A85B95E0A000A9D2FBD46710388AD54","batchId":"9A85B9110A000A9D2FBD4671D691C328","clientReference":"r-1","created":"2023-07-28T03:23:22.000+00:00","status":"ACCEPTED","statusCode":2,"parts":1,"hlr":null}"#;

/// The fields that the legacy API documents.
const INCOMING_JSON: &str = r#"{"id":"in-1","originator":"447700900101","recipient":"447700900199","body":"Stop","created":"2023-07-28T03:23:22.000+00:00","inReplyTo":"out-1","logicalMessageId":"log-1","ownerUserId":"u-1"}"#;

/// The elements that the oldest form has.
const INCOMING_XML: &str = "<deliverymessage><created>2023-07-28T03:23:22.000+00:00</created><id>in-1</id><body>Stop</body><inReplyTo>out-1</inReplyTo><originator>447700900101</originator><recipient>447700900199</recipient><logicalMessageId>log-1</logicalMessageId></deliverymessage>";

fn form(xml: &str) -> String {
    format!("xml={}", byte_serialize(xml.as_bytes()).collect::<String>())
}

/// A receipt with the reference `r` in XML, and with these elements.
fn xml(elements: &str) -> String {
    form(&format!(
        "<deliveryreceipt><clientReference>r</clientReference>{elements}</deliveryreceipt>"
    ))
}

/// A receipt with the reference `r` in JSON, and with these fields.
fn json(fields: &str) -> String {
    format!(r#"{{"clientReference":"r",{fields}}}"#)
}

/// The result in a few words, such as `r 1 delivered` for part 1 of an unknown number.
fn summary(body: impl AsRef<[u8]>) -> String {
    match read(body.as_ref()) {
        Ok(Status(StatusUpdate { reference, part, parts, status, .. })) => {
            let of = parts.map(|parts| format!("/{parts}")).unwrap_or_default();
            format!("{reference} {}{of} {status}", part.unwrap())
        }
        Ok(Incoming(message)) => {
            let body = if message.body.is_empty() { "no text" } else { &message.body };
            format!("{}: {body}", message.originator)
        }
        Ok(Neither) => "neither".into(),
        Err(Malformed) => "malformed".into(),
        Err(Ambiguous) => "ambiguous".into(),
    }
}

#[track_caller]
fn check<B: AsRef<[u8]>>(rows: impl IntoIterator<Item = (B, &'static str)>) {
    for (body, expected) in rows {
        let body = body.as_ref();
        assert_eq!(summary(body), expected, "{:.300}", String::from_utf8_lossy(body));
    }
}

/// Checks rows of the form `body | body => summary`, each body within what `around` adds.
#[track_caller]
fn check_table(table: &'static str, around: impl Fn(&str) -> String) {
    for row in table.lines().filter(|row| !row.is_empty()) {
        let (bodies, expected) = row.rsplit_once(" => ").unwrap();
        check(bodies.split(" | ").map(|body| (around(body), expected)));
    }
}

#[test]
fn every_field() {
    let update = |reference: &str, id: &str, name: &str| {
        let (reference, id) = (reference.into(), Some(id.into()));
        Ok(Status(StatusUpdate { reference, id, ..update(Some(1), Some(1), name) }))
    };
    let id = "133e4f21-ff94-49d7-9167-77c9bc94cb99";
    let captured = update("f1c2a2bd-bb90-4776-989e-f653fea1fa3a", id, "DELIVERED");
    let documented = update("r-1", "9A85B95E0A000A9D2FBD46710388AD54", "ACCEPTED");
    let incoming = Ok(Incoming(IncomingMessage {
        id: Some("in-1".into()),
        originator: "447700900101".into(),
        recipient: Some("447700900199".into()),
        body: "Stop".into(),
    }));
    let oldest = CAPTURED.replace("<statusCode>1</statusCode>", "");
    for (document, expected) in
        [(CAPTURED, captured.clone()), (&oldest, captured), (INCOMING_XML, incoming.clone())]
    {
        for body in [
            form(document),
            format!("a=b&{}&c=d\r\n", form(document)),
            format!("\u{feff}{}", form(document)),
            form(&format!("\u{feff}{document}\n")),
            form(&format!("\n<?xml version='1.0' encoding='UTF-8'?>\n{document}<!-- end -->")),
            document.into(),
            format!("\u{feff}\r\n {document} \r\n"),
        ] {
            assert_eq!(read(body.as_bytes()), expected, "{body}");
        }
    }
    for (document, expected) in [(DOCUMENTED, documented), (INCOMING_JSON, incoming)] {
        for body in [document.into(), format!("\u{feff}\r\n {document}\n")] {
            assert_eq!(read(body.as_bytes()), expected, "{body}");
        }
    }
}

#[test]
fn a_truncated_body_is_malformed() {
    for document in [CAPTURED, INCOMING_XML, DOCUMENTED, INCOMING_JSON] {
        for at in 0..document.len() {
            check([(&document[..at], "malformed")]);
        }
    }
    for document in [CAPTURED, INCOMING_XML] {
        let body = form(document);
        for at in 0..body.len() {
            assert!(read(&body.as_bytes()[..at]).is_err(), "{}", &body[..at]);
        }
    }
}

#[test]
fn incoming_messages() {
    for (json, xml, expected) in [
        (r#""""#, "", "447700900101: no text"),
        (r#"" yes\n""#, " yes\n", "447700900101: yes"),
        (r#""a & b <c>""#, "a &amp; <![CDATA[b <c>]]>", "447700900101: a & b <c>"),
        (r#""caf\u00e9""#, "caf&#xe9;", "447700900101: café"),
        (r#""a\u0000b""#, "a\0b", "447700900101: a\u{fffd}b"),
    ] {
        check([
            (INCOMING_JSON.replace(r#""Stop""#, json), expected),
            (form(&INCOMING_XML.replace("Stop", xml)), expected),
        ]);
    }
    check([(&b"{\"originator\":\"4477\",\"body\":\"caf\xe9\"}"[..], "4477: caf\u{fffd}")]);
    check_table(
        r#"
"originator":"4477","body":null,"recipient":"7" => 4477: no text
"originator":"4477","body":"Stop","status":"RECEIVED" => 4477: Stop
"originator":"4477","body":"Stop","clientReference":"r" => 4477: Stop
"body":"Stop" | "body":"Stop","originator":" " => ambiguous
"body":"Stop","originator":"4477","clientReference":"r","status":"OPTED_OUT" => ambiguous
"body":"Stop","originator":"4477","deliveryMessageId":"m","statusCode":19 => ambiguous
"body":" ","originator":"Brand","clientReference":"r","status":"OPTED_OUT" => r 1 failed: opted out
"originator":"Brand","recipient":"4477","status":"DELIVERED" => neither
"originator":"Brand","deliveryMessageId":"m","status":"DELIVERED" => neither
"#,
        |fields| format!("{{{fields}}}"),
    );
    let shown = format!("{:?}", read(INCOMING_JSON.as_bytes()));
    assert!(
        shown.contains("in-1") && !shown.contains("4477") && !shown.contains("Stop"),
        "{shown}"
    );
}

#[test]
fn stop_is_the_only_word() {
    let is_stop = |body: &str| {
        let body = serde_json::json!({"originator": "4477", "body": body}).to_string();
        matches!(read(body.as_bytes()), Ok(Incoming(message)) if message.is_stop())
    };
    for body in ["STOP", "stop", "sToP", " stop\r\n", "STOP.", "'Stop'!", "\u{feff}STOP", "Stop 👍"]
    {
        assert!(is_stop(body), "{body}");
    }
    for body in ["", " ", "STOPP", "STOP IT", "don't stop", "S T O P", "ST.OP", "unstop", "stop1"] {
        assert!(!is_stop(body), "{body}");
    }
}

/// Each row has the name, the code, the part, and the number of parts.
#[test]
fn status_and_part_in_every_form() {
    check_table(
        r"
DELIVERED,5,, |  delivered ,,, | NOVEL,1,, => r 1 delivered
OPTED_OUT,1,1,2 => r 1/2 failed: opted out
NOVEL,one,, | NOT_DELIVERED,,, | UNKNOWN,1,, | ,99999,, | ,-1,, => r 1 unknown
, 5 ,, => r 1 failed: undelivered
 ,2,, => r 1 pending
,,1,1 => neither
SENT,,255,255 => r 255/255 pending
SENT,,2, => r 2 pending
SENT,,,3 => r 1/3 pending
SENT,,3,2 | SENT,,0, | SENT,,1,0 | SENT,,1,256 | SENT,,-1, | SENT,,1,1.5 => ambiguous
",
        |row| {
            let [name, code, part, parts] = row.split(',').collect::<Vec<_>>()[..] else {
                panic!()
            };
            let fields = [("status", name), ("statusCode", code), ("part", part), ("parts", parts)];
            let join = |field: fn((&str, &str)) -> String, by| fields.map(field).join(by);
            let text = json(&join(|(key, value)| format!("{key:?}:{value:?}"), ","));
            let numbers = json(&join(
                |(key, value)| match value.parse::<f64>() {
                    Ok(_) => format!("{key:?}:{value}"),
                    Err(_) => format!("{key:?}:{value:?}"),
                },
                ",",
            ));
            let xml = xml(&join(|(key, value)| format!("<{key}>{value}</{key}>"), ""));
            assert_eq!([summary(text), summary(numbers)], [summary(&xml), summary(&xml)], "{row}");
            xml
        },
    );
}

#[test]
fn xml_that_is_unusual_or_hostile() {
    check_table(
        r"
<status>DELI&#86;&#x45;RED</status> | <status><![CDATA[DELI]]>VERED</status> => r 1 delivered
<status>EXPIRED</status> | <statusCode>5</statusCode> => r 1 failed: undelivered
<status>DELI<!-- a comment -->VE<?a b?>RED</status><!-- another --> => r 1 delivered
<status > DELIVERED </status > | OPTED_OUT<status>DELIVERED</status>OPTED_OUT => r 1 delivered
<hlr><status>OPTED_OUT</status><part>9</part></hlr><status>DELIVERED</status> => r 1 delivered
<status>DELIVERED</status><hlr><hlr><status>OPTED_OUT</status></hlr></hlr> => r 1 delivered
<hlr status='a'/><status status='OPTED_OUT'>DELIVERED</status> => r 1 delivered
<hlr><status>OPTED_OUT</status></hlr> |  => neither
<status><status>OPTED_OUT</status></status><statusCode>2</statusCode> => malformed
<status>OPTED<b/>_OUT</status><statusCode>2</statusCode> => malformed
<status>SENT&unknown;</status> | <status>SENT&#0;</status> | <status>SENT&</status> => malformed
<status>SENT<!DOCTYPE r></status> | <status>SENT</Status> => malformed
</clientReference><status>SENT</status> | <status>SENT</status><a><b></a></b> => malformed
<status>OPTED_OUT</status><status>DELIVERED</status> => ambiguous
<status>DELIVERED</status><part>1</part><status>DELIVERED</status> => ambiguous
<clientReference>other</clientReference><status>DELIVERED</status> => ambiguous
<status>SENT</status></deliveryreceipt><deliveryreceipt><status>DELIVERED</status> => ambiguous
<status>SENT</status></deliveryreceipt>x<deliveryreceipt> => ambiguous
",
        xml,
    );
    check_table(
        r#"
<a><clientReference>&lt;"r\1"&gt; &#x1F600;</clientReference><status>SENT</status></a> => <"r\1"> 😀 1 pending
<a status='OPTED_OUT'><clientReference>r</clientReference><statusCode>1</statusCode></a> => r 1 delivered
<html><a><clientReference>r</clientReference><status>DELIVERED</status></a></html> => neither
<deliverymessage/> => neither
<!DOCTYPE a [<!ENTITY e 'SENT'>]><a><clientReference>r</clientReference><status>&e;</status></a> => malformed
<!doctype a><a><clientReference>r</clientReference><status>SENT</status></a> => malformed
<!-- <a><clientReference>r</clientReference><status>SENT</status></a> --> => malformed
x<a><clientReference>r</clientReference><status>SENT</status></a> => ambiguous
<a><clientReference>r</clientReference><status>SENT</status></a>x => ambiguous
{"clientReference":"r","status":"SENT"} => ambiguous
"#,
        form,
    );
    check([(format!("{}&{}", form(CAPTURED), form(CAPTURED)), "ambiguous")]);
}

#[test]
fn json_and_other_bodies() {
    check_table(
        r#"
"hlr":{"status":"OPTED_OUT","part":9},"status":"DELIVERED" => r 1 delivered
"hlr":{"body":"Stop","originator":"1"},"status":"DELIVERED" => r 1 delivered
"status":null,"statusCode":19,"part":null => r 1 failed: opted out
"status":7,"statusCode":1.0,"parts":{} => r 1 unknown
"hlr":"half \ud83d","status":"DELIVERED" => r 1 delivered
"status":{"status":"OPTED_OUT"},"statusCode":2 => r 1 pending
"status":"OPTED_OUT","status":"DELIVERED" | "status":null,"status":"DELIVERED" => ambiguous
"clientReference":"other","status":"DELIVERED" => ambiguous
"status":"DELIVERED"}{"clientReference":"r" | "status":"DELIVERED"}x{ => malformed
"#,
        json,
    );
    check([
        (DOCUMENTED.replace("\"r-1\"", "null"), "neither"),
        (DOCUMENTED.replace("r-1", " "), "neither"),
        (DOCUMENTED.replace("r-1", "r\\u0000"), "ambiguous"),
        (CAPTURED.replace("f1c2", "f1c2\0"), "ambiguous"),
        (format!("[{DOCUMENTED}]"), "malformed"),
        (form(""), "malformed"),
        ("body=STOP".into(), "malformed"),
        (" \r\n".into(), "malformed"),
    ]);
    check([
        (&[0xff; 100][..], "malformed"),
        (b"{\"clientReference\":\"r\xff\",\"status\":\"DELIVERED\"}", "ambiguous"),
    ]);
}

#[test]
fn ten_thousand_elements_deep() {
    let deep = format!("{}{}", "<a>".repeat(10_000), "</a>".repeat(10_000));
    let deep_json = format!("{}1{}", r#"{"a":"#.repeat(10_000), "}".repeat(10_000));
    check([
        (deep.clone(), "neither"),
        (xml(&format!("{deep}<status>DELIVERED</status>{deep}")), "r 1 delivered"),
        (xml(&format!("<status>{deep}</status>")), "malformed"),
        (xml(&"<status>".repeat(10_000)), "malformed"),
        (json(&format!(r#""hlr":{deep_json},"status":"DELIVERED""#)), "r 1 delivered"),
        (json(&format!(r#""status":{deep_json},"statusCode":1"#)), "malformed"),
    ]);
}

fn update(part: Option<u8>, parts: Option<u8>, name: &str) -> StatusUpdate {
    let status = DeliveryStatus::from_name(name);
    StatusUpdate { reference: "r".into(), id: None, part, parts, status }
}

/// Each line is one message. Each update is followed by the status of the message.
#[test]
fn messages_of_many_parts() {
    let table = "
1/3 DELIVERED unknown, 3/3 DELIVERED unknown, 2/3 ACCEPTED pending, 2/3 DELIVERED delivered
2/2 EXPIRED failed: undelivered, 2/2 ACCEPTED failed: undelivered, 1/2 SENT failed: undelivered
2/2 EXPIRED failed: undelivered, 2/2 OPTED_OUT failed: opted out, 2/2 EXPIRED failed: opted out
1/1 OPTED_OUT failed: opted out, 1/1 DELIVERED delivered, 1/1 OPTED_OUT delivered
2/- LIMITS_EXCEEDED failed: rate limited, 1/- DELIVERED failed: rate limited
1/- DELIVERED unknown, 2/- DELIVERED unknown, 2/2 DELIVERED delivered
1/1 DELIVERED delivered, 2/2 ACCEPTED pending, 2/1 DELIVERED delivered, 3/1 EXPIRED failed: undelivered
1/1 DELIVERED delivered, 1/255 DELIVERED unknown, 255/- EXPIRED failed: undelivered
255/- DELIVERED unknown, 1/- ACCEPTED unknown
-/2 ACCEPTED pending, -/- DELIVERED delivered, 2/2 EXPIRED delivered
-/- EXPIRED failed: undelivered, 1/2 DELIVERED failed: undelivered, 2/2 DELIVERED delivered";
    assert_eq!(Parts::default().status(), DeliveryStatus::Unknown);
    for case in table.trim().lines() {
        let mut message = Parts::default();
        for row in case.split(", ") {
            let (numbers, row) = row.split_once(' ').unwrap();
            let (name, expected) = row.split_once(' ').unwrap();
            let (part, parts) = numbers.split_once('/').unwrap();
            message.record(&update(part.parse().ok(), parts.parse().ok(), name));
            assert_eq!(message.status().to_string(), expected, "{numbers} {row} of {case}");
        }
    }
}

const NAMES: [&str; 7] =
    ["DELIVERED", "ACCEPTED", "NOVEL", "UNDELIVERABLE", "OPTED_OUT", "LIMITS_EXCEEDED", "SENT"];

/// Updates of a message, with parts beyond the count and counts that disagree.
fn updates() -> impl Strategy<Value = Vec<StatusUpdate>> {
    let number = || select(vec![None, Some(1), Some(2), Some(3)]);
    let fields = (number(), number(), select(&NAMES[..]));
    vec(fields.prop_map(|(part, parts, name)| update(part, parts, name)), 0..8)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn order_repetition_and_storage_change_nothing(
        (updates, shuffled) in updates().prop_flat_map(|updates| {
            let twice = Just([updates.clone(), updates.clone()].concat());
            (Just(updates), twice.prop_shuffle())
        }),
    ) {
        let (mut once, mut again) = (Parts::default(), Parts::default());
        for update in &updates {
            let before = once.clone();
            prop_assert_eq!(once.record(update), once != before);
        }
        let stored = serde_json::to_string(&shuffled).unwrap();
        for update in serde_json::from_str::<Vec<StatusUpdate>>(&stored).unwrap() {
            again.record(&update);
            again = serde_json::from_str(&serde_json::to_string(&again).unwrap()).unwrap();
        }
        prop_assert_eq!(&once, &again);
    }

    #[test]
    fn no_body_panics(
        bytes in vec(any::<u8>(), 0..200),
        markup in "[<>/a-c&;!\\[\\]?='\" {}:-]{0,20}(<status>|</status>|<!DOCTYPE a>|<!\\[CDATA\\[|\\]\\]>|<!--|-->|&amp;|&#1;|\"status\":){0,8}[<>/a-c&;!]{0,20}",
    ) {
        for body in [form(&markup), xml(&markup), json(&markup), markup] {
            let _ = read(body.as_bytes());
        }
        let _ = read(&bytes);
    }
}
