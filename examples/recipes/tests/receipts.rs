//! What is posted to the webhook, form by form: never a wrong status, and no "STOP" is lost.

#![expect(clippy::panic, reason = "a test fails by a panic")]

use form_urlencoded::byte_serialize;
use mobivate_response::{DeliveryStatus, FailureKind};
use proptest::{collection::vec, prelude::*, sample::select};
use recipes::receipts::{
    IncomingMessage, Parts,
    ReadError::{self, Ambiguous, Malformed},
    Received::{self, Incoming, Neither, Status},
    StatusUpdate, read,
};

use DeliveryStatus::{Delivered, Failed, Pending, Unknown};

/// Captured on the current API.
const CAPTURED: &str = "<deliveryreceipt><created>2026-06-18T11:00:15.915Z</created><deliveryMessageId>133e4f21-ff94-49d7-9167-77c9bc94cb99</deliveryMessageId><clientReference>f1c2a2bd-bb90-4776-989e-f653fea1fa3a</clientReference><status>DELIVERED</status><statusCode>1</statusCode><part>1</part><parts>1</parts></deliveryreceipt>";

/// Documented by the legacy API.
const DOCUMENTED: &str = r#"{"deliveryMessageId":"9A85B95E0A000A9D2FBD46710388AD54","batchId":"9A85B9110A000A9D2FBD4671D691C328","clientReference":null,"created":"2023-07-28T03:23:22.000+00:00","status":"ACCEPTED","statusCode":2,"parts":1,"hlr":null}"#;

/// The fields that the legacy API documents.
const INCOMING_JSON: &str = r#"{"id":"in-1","originator":"447700900101","recipient":"447700900199","body":"Stop","created":"2023-07-28T03:23:22.000+00:00","inReplyTo":"out-1","logicalMessageId":"log-1","ownerUserId":"u-1"}"#;

/// The elements that the oldest form has.
const INCOMING_XML: &str = "<deliverymessage><created>2023-07-28T03:23:22.000+00:00</created><id>in-1</id><body>Stop</body><inReplyTo>out-1</inReplyTo><originator>447700900101</originator><recipient>447700900199</recipient><logicalMessageId>log-1</logicalMessageId></deliverymessage>";

/// The reference in the captured receipt.
const REFERENCE: &str = "f1c2a2bd-bb90-4776-989e-f653fea1fa3a";

const UNDELIVERED: DeliveryStatus = Failed(FailureKind::Undelivered);
const OPTED_OUT: DeliveryStatus = Failed(FailureKind::OptedOut);

fn form(xml: &str) -> Vec<u8> {
    let encoded: String = byte_serialize(xml.as_bytes()).collect();
    format!("xml={encoded}").into_bytes()
}

fn receipt(elements: &str) -> Vec<u8> {
    form(&format!(
        "<deliveryreceipt><clientReference>{REFERENCE}</clientReference>{elements}</deliveryreceipt>"
    ))
}

fn json(fields: &str) -> Vec<u8> {
    format!(r#"{{"clientReference":"{REFERENCE}",{fields}}}"#).into_bytes()
}

/// The documented receipt, with our reference.
fn documented() -> String {
    DOCUMENTED.replace("null,\"created", &format!("\"{REFERENCE}\",\"created"))
}

fn status_of(body: &[u8]) -> DeliveryStatus {
    match read(body) {
        Ok(Status(update)) => update.status,
        other => panic!("{other:?}: {:.300}", String::from_utf8_lossy(body)),
    }
}

fn assert_reads(body: &[u8], expected: &Result<Received, ReadError>) {
    assert_eq!(&read(body), expected, "{:.300}", String::from_utf8_lossy(body));
}

#[test]
fn every_form_of_a_receipt() {
    let captured = StatusUpdate {
        reference: REFERENCE.into(),
        id: Some("133e4f21-ff94-49d7-9167-77c9bc94cb99".into()),
        part: Some(1),
        parts: Some(1),
        status: Delivered,
    };
    let oldest = CAPTURED.replace("<statusCode>1</statusCode>", "");
    let marked = |text: &str| format!("\u{feff}{text}");
    let with_fields = [b"a=b&", &*form(CAPTURED), b"&c=d"].concat();
    for body in [
        form(CAPTURED),
        form(&oldest),
        with_fields,
        // Bare, behind a byte order mark, and with whitespace around it.
        CAPTURED.into(),
        oldest.into(),
        format!("<?xml version='1.0' encoding='UTF-8'?>\n{CAPTURED}\n").into(),
        marked(CAPTURED).into(),
        marked(&format!("\r\n {CAPTURED} \r\n")).into(),
        format!("\n{}", marked(CAPTURED)).into(),
        form(&marked(CAPTURED)),
        form(&format!("\n{}", marked(CAPTURED))),
        form(&format!("\n<?xml version='1.0'?>\n{CAPTURED}\n")),
        [&*form(CAPTURED), b"\r\n"].concat(),
        [&b"\xef\xbb\xbf"[..], &form(CAPTURED)].concat(),
    ] {
        assert_reads(&body, &Ok(Status(captured.clone())));
    }
    let of_json = StatusUpdate {
        reference: REFERENCE.into(),
        id: Some("9A85B95E0A000A9D2FBD46710388AD54".into()),
        part: Some(1),
        parts: Some(1),
        status: Pending,
    };
    let with_empty_body = documented().replace("\"hlr\":null", r#""hlr":null,"body":"""#);
    let with_null_body = documented().replace("\"hlr\":null", r#""body":null"#);
    let with_sender_id = documented().replace("\"hlr\":null", r#""originator":"Brand","body":" ""#);
    for body in [
        documented(),
        marked(&documented()),
        format!(" \r\n{}\n", documented()),
        with_empty_body,
        with_null_body,
        with_sender_id,
    ] {
        assert_reads(body.as_bytes(), &Ok(Status(of_json.clone())));
    }
    // XML says what it is.
    let with_body = CAPTURED.replace("<part>", "<body>STOP</body><part>");
    assert_reads(&form(&with_body), &Ok(Status(captured)));
}

#[test]
fn an_incoming_message_is_handed_on() {
    let message = IncomingMessage {
        id: Some("in-1".into()),
        originator: "447700900101".into(),
        recipient: Some("447700900199".into()),
        body: "Stop".into(),
        created: Some("2023-07-28T03:23:22.000+00:00".into()),
        in_reply_to: Some("out-1".into()),
        logical_message_id: Some("log-1".into()),
    };
    let with_status = INCOMING_JSON.replace("\"ownerUserId\"", "\"status\":\"RECEIVED\",\"x\"");
    let with_reference =
        INCOMING_JSON.replace("\"ownerUserId\"", "\"clientReference\":\"r\",\"x\"");
    let of_receipt =
        format!("<clientReference>{REFERENCE}</clientReference><status>OPTED_OUT</status>");
    let xml_with_status = INCOMING_XML.replace("<created>", &format!("{of_receipt}<created>"));
    for body in [
        INCOMING_JSON.into(),
        format!("\u{feff}{INCOMING_JSON}").into(),
        with_status.into(),
        with_reference.into(),
        form(INCOMING_XML),
        INCOMING_XML.into(),
        format!("\u{feff}{INCOMING_XML}").into(),
        form(&xml_with_status),
    ] {
        assert_reads(&body, &Ok(Incoming(message.clone())));
    }
    // As it was written, and even if it is empty.
    for (json, xml, body) in [
        (r#""""#, "", ""),
        (r#"" yes\n""#, " yes\n", " yes\n"),
        (r#""7""#, "7", "7"),
        ("7", "7", "7"),
        (r#""a & b <c>""#, "a &amp; b &lt;c&gt;", "a & b <c>"),
        (r#""caf\u00e9""#, "caf&#xe9;", "café"),
        (r#""half \ud83d""#, "half &#xfffd;&#xfffd;&#xfffd;", "half \u{fffd}\u{fffd}\u{fffd}"),
    ] {
        let json = INCOMING_JSON.replace(r#""Stop""#, json);
        let xml = INCOMING_XML.replace("Stop", xml);
        let message = IncomingMessage { body: body.into(), ..message.clone() };
        assert_reads(json.as_bytes(), &Ok(Incoming(message.clone())));
        assert_reads(&form(&xml), &Ok(Incoming(message)));
    }
    let latin1 = b"{\"originator\":\"447700900101\",\"body\":\"caf\xe9\"}";
    let Ok(Incoming(message)) = read(latin1) else { panic!() };
    assert_eq!(message.body, "caf\u{fffd}");
    // A message without a text.
    let Ok(Incoming(message)) = read(br#"{"originator":"447700900101","body":null}"#) else {
        panic!()
    };
    assert_eq!(message.body, "");
}

#[test]
fn stop_is_the_word_alone_in_any_case() {
    let is_stop = |body: &str| {
        let json = format!(r#"{{"originator":"447700900101","body":"{body}"}}"#);
        let Ok(Incoming(message)) = read(json.as_bytes()) else { panic!("{body}") };
        message.is_stop()
    };
    for body in
        ["STOP", "stop", "Stop", "sToP", " stop\\r\\n", "STOP.", "Stop!", "'stop'", "\u{feff}STOP"]
    {
        assert!(is_stop(body), "{body}");
    }
    for body in [
        "", " ", "STOPP", "STOP IT", "don't stop", "bus stop", "S T O P", "ST.OP", "unstop",
        "stop1",
    ] {
        assert!(!is_stop(body), "{body}");
    }
    let Ok(Incoming(message)) = read(&form(INCOMING_XML)) else { panic!() };
    assert!(message.is_stop());
}

#[test]
fn debug_and_errors_quote_neither_number_nor_text() {
    let message = read(INCOMING_JSON.replace("Stop", "my secret").as_bytes());
    let shown = format!("{message:?} {Malformed} {Ambiguous}");
    assert!(
        shown.contains("in-1") && shown.contains("truncated or malformed ambiguous"),
        "{shown}"
    );
    assert!(!shown.contains("4477009001") && !shown.contains("secret"), "{shown}");
}

#[test]
fn the_name_decides_and_the_code_only_where_there_is_none_of_the_table() {
    for (body, status) in [
        (receipt("<status>DELIVERED</status><statusCode>5</statusCode>"), Delivered),
        (receipt("<status>NOVEL</status><statusCode>1</statusCode>"), Delivered),
        (receipt("<status>NOVEL</status>"), Unknown),
        (receipt("<status>NOVEL</status><statusCode>one</statusCode>"), Unknown),
        (receipt("<status>NOT_DELIVERED</status>"), Unknown),
        (receipt("<status>UNKNOWN</status><statusCode>1</statusCode>"), Unknown),
        (receipt("<status> delivered\n</status>"), Delivered),
        (receipt("<status>OPTED_OUT</status>"), OPTED_OUT),
        (receipt("<statusCode> 5 </statusCode>"), UNDELIVERED),
        (receipt("<status/><statusCode>1</statusCode>"), Delivered),
        (receipt("<status> </status><statusCode>2</statusCode>"), Pending),
        (receipt("<statusCode>99999</statusCode>"), Unknown),
        (receipt("<statusCode>one</statusCode>"), Unknown),
        (json(r#""status":"DELIVERED","statusCode":5"#), Delivered),
        (json(r#""status":"NOVEL","statusCode":19"#), OPTED_OUT),
        (json(r#""statusCode":5"#), UNDELIVERED),
        (json(r#""status":null,"statusCode":"5""#), UNDELIVERED),
        (json(r#""status":" ","statusCode":1,"part":"1","parts":"1""#), Delivered),
        (json(r#""statusCode":1.0"#), Unknown),
        (json(r#""statusCode":-1"#), Unknown),
    ] {
        assert_eq!(status_of(&body), status, "{}", String::from_utf8_lossy(&body));
    }
}

#[test]
fn only_the_fields_of_the_receipt_itself_count() {
    let nested = "<hlr><status>OPTED_OUT</status><statusCode>19</statusCode><part>9</part></hlr>";
    for (body, status) in [
        (receipt(&format!("{nested}<status>DELIVERED</status>")), Delivered),
        (receipt(&format!("<status>DELIVERED</status>{nested}")), Delivered),
        (receipt(&format!("{nested}<statusCode>2</statusCode>")), Pending),
        (receipt("<status><status>OPTED_OUT</status></status><statusCode>2</statusCode>"), Pending),
        (receipt("<status>OPTED<b/>_OUT</status><statusCode>2</statusCode>"), Pending),
        (receipt("OPTED_OUT<status>DELIVERED</status>OPTED_OUT"), Delivered),
        (receipt("<hlr/><hlr/><status a='OPTED_OUT'>DELIVERED</status>"), Delivered),
        (json(r#""hlr":{"status":"OPTED_OUT","part":9},"status":"DELIVERED""#), Delivered),
        (json(r#""hlr":{"body":"STOP","originator":"1"},"status":"DELIVERED""#), Delivered),
        (json(r#""status":{"status":"OPTED_OUT"},"statusCode":2"#), Pending),
        (json(r#""hlr":{"status":"OPTED_OUT"},"statusCode":2"#), Pending),
    ] {
        assert_eq!(status_of(&body), status, "{}", String::from_utf8_lossy(&body));
    }
    for body in [receipt(nested), json(r#""hlr":{"status":"OPTED_OUT"}"#), receipt("")] {
        assert_reads(&body, &Ok(Neither));
    }
}

#[test]
fn xml_in_other_words() {
    for elements in [
        "<status>DELI&#86;&#x45;RED</status>",
        "<status><![CDATA[DELIVERED]]></status>",
        "<status>DELI<!-- a comment -->VERED</status><!-- another -->",
        "<created>&lt;&amp;&quot;</created><status\n>DELIVERED</status\n>",
    ] {
        assert_eq!(status_of(&receipt(elements)), Delivered, "{elements}");
    }
    // A reference is as it was sent along, whatever it holds.
    let body = CAPTURED.replace(REFERENCE, r#"&lt;"r\1"&gt; &#x1F600;"#);
    let Ok(Status(update)) = read(&form(&body)) else { panic!() };
    assert_eq!(update.reference, r#"<"r\1"> 😀"#);
}

#[test]
fn what_is_something_else_is_neither() {
    for body in [
        form("<html><deliveryreceipt/></html>"),
        form("<deliveryreceipts><deliveryreceipt/></deliveryreceipts>"),
        json(r#""created":"2026-06-18T11:00:15.915Z""#),
        "{}".into(),
        r#"{"status":"DELIVERED"}"#.into(),
        r#"{"status":"DELIVERED","originator":"Brand","recipient":"447700900101"}"#.into(),
        // A receipt, but nobody's.
        DOCUMENTED.into(),
        DOCUMENTED.replace("null,\"created", "\" \",\"created").into(),
        DOCUMENTED.replace("\"hlr\"", r#""originator":"Brand","hlr""#).into(),
        DOCUMENTED.replace("\"hlr\"", r#""originator":"Brand","body":"","hlr""#).into(),
        form(&CAPTURED.replace(REFERENCE, "")),
    ] {
        assert_reads(&body, &Ok(Neither));
    }
}

#[test]
fn what_is_truncated_is_nothing() {
    for complete in [
        form(CAPTURED),
        CAPTURED.into(),
        format!("\u{feff}{CAPTURED}").into(),
        documented().into(),
        form(INCOMING_XML),
        INCOMING_XML.into(),
        INCOMING_JSON.into(),
    ] {
        assert!(matches!(read(&complete), Ok(Status(_) | Incoming(_))));
        for at in 0..complete.len() {
            assert_reads(&complete[..at], &Err(Malformed));
        }
    }
    // Truncated before it was encoded.
    for at in 0..CAPTURED.len() {
        assert_reads(&form(&CAPTURED[..at]), &Err(Malformed));
    }
}

#[test]
fn what_cannot_be_read_for_certain_is_an_error() {
    let entity = |entity: &str| {
        let declared = format!("<!DOCTYPE deliveryreceipt [<!ENTITY e {entity}>]>{CAPTURED}");
        form(&declared.replace("DELIVERED", "&e;"))
    };
    for (body, error) in [
        (receipt("<status>DELIVERED&unknown;</status>"), Malformed),
        (receipt("<status>DELIVERED</status><created>&nbsp;</created>"), Malformed),
        (receipt("<status>DELIVERED&#0;</status>"), Malformed),
        (receipt("<status>DELIVERED&</status>"), Malformed),
        (form("<deliverymessage>AT&T"), Malformed),
        (entity("'DELIVERED'"), Malformed),
        (entity("SYSTEM 'secret.txt'"), Malformed),
        (form(&format!("<!DOCTYPE deliveryreceipt>{CAPTURED}")), Malformed),
        (form(&format!("x{CAPTURED}")), Malformed),
        (form(&format!("{CAPTURED}x")), Malformed),
        (format!("{CAPTURED}&amp;").into(), Malformed),
        (receipt("<status>DELIVERED</Status>"), Malformed),
        (receipt("</clientReference><status>DELIVERED</status>"), Malformed),
        ([json(r#""status":"DELIVERED""#), json(r#""status":"DELIVERED""#)].concat(), Malformed),
        (format!("[{DOCUMENTED}]").into(), Malformed),
        (form(&documented()), Malformed),
        (format!("<!-- {CAPTURED} -->").into(), Malformed),
        (b"body=STOP".to_vec(), Malformed),
        (b"".to_vec(), Malformed),
        (b" \r\n".to_vec(), Malformed),
        (vec![0xff; 100], Malformed),
        // Two at once.
        (receipt("<status>OPTED_OUT</status><status>DELIVERED</status>"), Ambiguous),
        (receipt("<status>DELIVERED</status><status>DELIVERED</status>"), Ambiguous),
        (receipt("<status><b/></status><status>DELIVERED</status>"), Ambiguous),
        (receipt("<clientReference>other</clientReference><status>DELIVERED</status>"), Ambiguous),
        (json(r#""status":"OPTED_OUT","status":"DELIVERED""#), Ambiguous),
        (json(r#""status":null,"status":"DELIVERED""#), Ambiguous),
        (json(r#""clientReference":"other","status":"DELIVERED""#), Ambiguous),
        (form(&format!("{CAPTURED}{CAPTURED}")), Ambiguous),
        (
            form(&CAPTURED.replace("<status>", "</deliveryreceipt><deliveryreceipt><status>")),
            Ambiguous,
        ),
        (form(&format!("{CAPTURED}<deliverymessage/>")), Ambiguous),
        ([&*form(CAPTURED), b"&", &*form(CAPTURED)].concat(), Ambiguous),
        (json(r#""originator":"447700900101","body":"STOP","status":"OPTED_OUT""#), Ambiguous),
        // A part that cannot be.
        (receipt("<status>DELIVERED</status><part>0</part><parts>1</parts>"), Ambiguous),
        (receipt("<status>DELIVERED</status><part>2</part><parts>1</parts>"), Ambiguous),
        (receipt("<status>DELIVERED</status><part>1</part><parts>256</parts>"), Ambiguous),
        (receipt("<status>DELIVERED</status><part>-1</part>"), Ambiguous),
        (receipt("<status>DELIVERED</status><part>x</part>"), Ambiguous),
        (json(r#""status":"DELIVERED","part":1,"parts":4000000000"#), Ambiguous),
        (json(r#""status":"DELIVERED","part":0,"parts":0"#), Ambiguous),
        (json(r#""status":"DELIVERED","parts":1.5"#), Ambiguous),
        // From nobody.
        (form("<deliverymessage/>"), Ambiguous),
        (br#"{"body":"STOP"}"#.to_vec(), Ambiguous),
        (br#"{"body":"STOP","originator":" "}"#.to_vec(), Ambiguous),
    ] {
        assert_reads(&body, &Err(error));
    }
}

#[test]
fn the_part_that_it_is_about() {
    let of = |fields: &str| match read(&json(&format!(r#""status":"DELIVERED"{fields}"#))) {
        Ok(Status(update)) => (update.part, update.parts),
        other => panic!("{other:?}"),
    };
    assert_eq!(of(r#","part":2,"parts":3"#), (Some(2), Some(3)));
    assert_eq!(of(r#","part":"2","parts":"3""#), (Some(2), Some(3)));
    assert_eq!(of(r#","part":255,"parts":255"#), (Some(255), Some(255)));
    assert_eq!(of(r#","part":2"#), (Some(2), None));
    // Not all of them: it may be about one.
    assert_eq!(of(r#","parts":3"#), (Some(1), Some(3)));
    assert_eq!(of(""), (Some(1), None));
}

#[test]
fn ten_thousand_elements_deep() {
    let deep = format!("{}{}", "<a>".repeat(10_000), "</a>".repeat(10_000));
    let deep_json = format!("{}1{}", r#"{"a":"#.repeat(10_000), "}".repeat(10_000));
    assert_reads(deep.as_bytes(), &Ok(Neither));
    assert_reads(&receipt(&deep), &Ok(Neither));
    assert_reads(&receipt(&format!("{deep}<status>{deep}</status>")), &Ok(Neither));
    assert_reads(&receipt(&"<status>".repeat(10_000)), &Err(Malformed));
    assert_reads("[".repeat(10_000).as_bytes(), &Err(Malformed));
    assert_eq!(status_of(&receipt(&format!("{deep}<status>DELIVERED</status>{deep}"))), Delivered);
    assert_eq!(status_of(&json(&format!(r#""hlr":{deep_json},"status":"DELIVERED""#))), Delivered);
    assert_eq!(status_of(&json(&format!(r#""status":{deep_json},"statusCode":1"#))), Delivered);
}

fn of_part(part: u8, parts: u8, name: &str) -> StatusUpdate {
    let status = DeliveryStatus::from_name(name);
    StatusUpdate { reference: "r-1".into(), id: None, part: Some(part), parts: Some(parts), status }
}

fn of_all(parts: Option<u8>, name: &str) -> StatusUpdate {
    StatusUpdate { part: None, parts, ..of_part(1, 1, name) }
}

/// Records updates one by one, each with whether it says anything new, and the status then.
fn assert_records(rows: &[(StatusUpdate, bool, DeliveryStatus)]) {
    let mut parts = Parts::default();
    for (row, (update, is_new, status)) in rows.iter().enumerate() {
        assert_eq!((parts.record(update), parts.status()), (*is_new, *status), "{row}: {update:?}");
    }
}

#[test]
fn a_message_of_many_parts() {
    assert_eq!(Parts::default().status(), Unknown);
    assert_records(&[
        (of_part(1, 3, "DELIVERED"), true, Unknown),
        (of_part(3, 3, "DELIVERED"), true, Unknown),
        (of_part(2, 3, "ACCEPTED"), true, Pending),
        (of_part(2, 3, "ACCEPTED"), false, Pending),
        (of_part(2, 3, "EXPIRED"), true, UNDELIVERED),
        // A late one turns no final status back.
        (of_part(2, 3, "ACCEPTED"), false, UNDELIVERED),
        (of_part(2, 3, "OPTED_OUT"), true, OPTED_OUT),
        (of_part(2, 3, "EXPIRED"), false, OPTED_OUT),
        (of_part(2, 3, "DELIVERED"), true, Delivered),
        (of_part(2, 3, "OPTED_OUT"), false, Delivered),
    ]);
}

#[test]
fn a_count_that_contradicts_an_earlier_one_leaves_what_was_known() {
    assert_records(&[
        (of_part(1, 2, "DELIVERED"), true, Unknown),
        (of_part(2, 2, "DELIVERED"), true, Delivered),
        (of_part(3, 3, "EXPIRED"), false, Delivered),
        (of_part(1, 255, "DELIVERED"), false, Delivered),
        (of_part(1, 1, "DELIVERED"), false, Delivered),
        (of_all(Some(9), "DELIVERED"), true, Delivered),
    ]);
    assert_records(&[
        (of_part(1, 1, "DELIVERED"), true, Delivered),
        (of_part(1, 2, "DELIVERED"), false, Delivered),
        (of_part(2, 2, "ACCEPTED"), false, Delivered),
    ]);
    // A part shows that there are as many.
    let uncounted = StatusUpdate { parts: None, ..of_part(3, 3, "DELIVERED") };
    assert_records(&[
        (uncounted, true, Unknown),
        (of_part(1, 2, "DELIVERED"), true, Unknown),
        (of_part(2, 2, "DELIVERED"), true, Delivered),
        (of_part(1, 4, "DELIVERED"), true, Unknown),
    ]);
    // What no receipt says.
    assert_records(&[(of_part(0, 0, "DELIVERED"), false, Unknown)]);
}

#[test]
fn a_record_of_the_message_log_is_about_all_parts() {
    assert_records(&[(of_all(None, "DELIVERED"), true, Delivered)]);
    assert_records(&[
        (of_part(1, 2, "DELIVERED"), true, Unknown),
        (of_all(Some(2), "ACCEPTED"), true, Pending),
        (of_all(None, "DELIVERED"), true, Delivered),
        (of_part(2, 2, "EXPIRED"), true, Delivered),
    ]);
    assert_records(&[
        (of_all(Some(2), "EXPIRED"), true, UNDELIVERED),
        (of_part(1, 2, "DELIVERED"), true, UNDELIVERED),
        (of_part(2, 2, "DELIVERED"), true, Delivered),
    ]);
}

const NAMES: [&str; 8] = [
    "DELIVERED",
    "ACCEPTED",
    "NOVEL",
    "UNDELIVERABLE",
    "OPTED_OUT",
    "FAILED_LIMITS_EXCEEDED",
    "FAILED_INSUFFICIENT_CREDIT",
    "SENT",
];

/// Receipts of one message of two parts, some of which do not say how many there are, and records of the
/// message log.
fn update() -> impl Strategy<Value = StatusUpdate> {
    (select(vec![None, Some(1), Some(2)]), any::<bool>(), select(&NAMES[..])).prop_map(
        |(part, is_counted, name)| {
            let parts = is_counted.then_some(2);
            StatusUpdate { part, parts, ..of_part(1, 2, name) }
        },
    )
}

/// Receipts and incoming messages in every form, with what else may stand in them.
fn posted() -> impl Strategy<Value = Vec<u8>> {
    let text = "[ a-zA-Z0-9<>&\"'\\\\é😀{}=%+]{0,20}";
    (0..6_u8, text, select(&NAMES[..]), 1..=3_u8, text).prop_map(
        |(kind, reference, name, part, other)| {
            let escape = |text: &str| quick_xml::escape::escape(text).into_owned();
            let (reference, other) = (format!("r{reference}"), other.as_str());
            let xml = if kind % 2 == 0 {
                format!(
                    "<deliveryreceipt><created>{}</created><clientReference>{}</clientReference>\
                     <status>{name}</status><part>{part}</part><parts>3</parts></deliveryreceipt>",
                    escape(other),
                    escape(&reference),
                )
            } else {
                format!(
                    "<deliverymessage><originator>{}</originator><body>{}</body></deliverymessage>",
                    escape(&reference),
                    escape(other),
                )
            };
            let json = if kind % 2 == 0 {
                serde_json::json!({"clientReference": reference, "status": name, "hlr": {"status": other}})
            } else {
                serde_json::json!({"originator": reference, "body": other})
            };
            match kind / 2 {
                0 => form(&xml),
                1 => xml.into_bytes(),
                _ => json.to_string().into_bytes(),
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_truncated_body_is_never_a_status_update(body in posted(), at: prop::sample::Index) {
        prop_assert!(matches!(read(&body), Ok(Status(_) | Incoming(_))));
        prop_assert_eq!(read(&body[..at.index(body.len())]), Err(Malformed));
    }

    #[test]
    fn whatever_the_order_and_however_often_the_status_is_the_same(
        (updates, shuffled) in vec((update(), 1..=3_usize), 0..8).prop_flat_map(|updates| {
            let repeated = updates.iter().flat_map(|(it, times)| vec![it.clone(); *times]);
            let shuffled = Just(repeated.collect::<Vec<_>>()).prop_shuffle();
            (Just(updates), shuffled)
        }),
    ) {
        let (mut once, mut again) = (Parts::default(), Parts::default());
        for (update, _) in &updates {
            once.record(update);
        }
        for update in &shuffled {
            again.record(update);
        }
        prop_assert_eq!(&once, &again);
        // By hand: each part is merged from what is about it, and the message from the parts.
        let status_of = |part| {
            let of_part = updates.iter().filter(|(it, _)| it.part.is_none_or(|of| of == part));
            of_part.fold(Unknown, |known, (it, _)| known.merge(it.status))
        };
        let is_two = updates.iter().any(|(it, _)| it.parts.is_some() || it.part == Some(2));
        let parts = if is_two { vec![status_of(1), status_of(2)] } else { vec![status_of(1)] };
        prop_assert_eq!(once.status(), DeliveryStatus::of_parts(parts));
        for (update, _) in &updates {
            prop_assert!(!again.record(update));
        }
    }

    #[test]
    fn nothing_makes_it_panic(
        bytes in vec(any::<u8>(), 0..200),
        xml in "[<>/a-c&;!\\[\\] deliveryreceipt]{0,80}",
    ) {
        for body in [bytes, form(&xml), receipt(&xml), format!("{{{xml}").into(), xml.into()] {
            let _ = read(&body);
        }
    }
}
