//! What `Debug` and `Display` show, and what they keep out of a log.

use std::fmt::{self, Write as _};

use mobivate_response::{Batch, BatchOutcome, Failure, FailureKind, Message, SendOutcome};

#[test]
fn words_of_a_failure() {
    fn display(detail: &str) -> String {
        Failure::new(FailureKind::BadRequest, detail).to_string()
    }

    let outcome =
        SendOutcome::decode(403, br#"{"message":"Recipient is opted out: 447700900123"}"#);
    assert_eq!(
        outcome.failure().unwrap().to_string(),
        "opted out (403): Recipient is opted out: ************"
    );
    assert_eq!(
        display("at\r\n\u{202e}\0\u{2028}end"),
        r"bad request: at\u{d}\u{a}\u{202e}\u{0}\u{2028}end"
    );
    let unsafe_in_a_line = "\u{7f}\u{85}\u{61c}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}";
    for c in unsafe_in_a_line.chars() {
        assert_eq!(display(&c.to_string()), format!("bad request: {}", c.escape_unicode()));
    }
    assert_eq!(display("+44 (0)7700-900.123"), "bad request: +** (*)****-***.***");
    assert_eq!(display("call [020] 79460123 now"), "bad request: call [***] ******** now");
    assert_eq!(
        display("{44}\u{a0}7700\u{2011}900\t123, (555) 555-0123"),
        "bad request: {**}\u{a0}****\u{2011}***\\u{9}***, (***) ***-****"
    );
    assert_eq!(display("٠١٢٣٤٥٦"), "bad request: *******");
    for between in [" ", "  ", "-", ".", "/", ",", ", ", ") ", "(", "[", "]", "{", "}", "\u{a0}"] {
        let detail = format!("1234{between}567");
        assert_eq!(display(&detail), format!("bad request: ****{between}***"));
    }
    for dash in
        "\u{2010}\u{2011}\u{2012}\u{2013}\u{2014}\u{2015}\u{2212}\u{ff0d}\u{b7}\u{ff0f}\u{200b}"
            .chars()
    {
        let detail = format!("1234{dash}567");
        assert_eq!(display(&detail), format!("bad request: ****{dash}***"));
    }
    for between in ["_", " - ", "    ", ")/ (", " / _"] {
        let detail = format!("1234{between}567");
        assert_eq!(display(&detail), format!("bad request: ****{between}***"));
    }
    assert_eq!(
        display("07700 - 900123, +49 (0) 170 / 123456 or 44_7700_900123"),
        "bad request: ***** - ******, +** (*) *** / ****** or **_****_******"
    );
    for apart in [":", "x", "     ", "+", "é", " -  - "] {
        let detail = format!("1234{apart}567");
        assert!(display(&detail).contains("1234"), "{apart:?}");
    }
    assert_eq!(display("123456 and 123456"), "bad request: 123456 and 123456");
    assert_eq!(display(r#"say "no\""#), r#"bad request: say "no\""#);
    assert_eq!(display(""), "bad request: no detail given");
    assert_eq!(
        SendOutcome::no_response("").failure().unwrap().to_string(),
        "no response: no detail given"
    );

    // What is left out still counts: a number is redacted though its end is not shown.
    let long = display(&("x".repeat(250) + "447700900123"));
    assert_eq!(long, format!("bad request: {}******…", "x".repeat(250)));
    assert_eq!(display(&"é".repeat(256)), format!("bad request: {}", "é".repeat(256)));
    let shown = format!("detail: \"{}…\"", "é".repeat(256));
    assert!(
        format!("{:?}", Failure::new(FailureKind::BadRequest, "é".repeat(257))).contains(&shown)
    );
}

/// A log that is full ends the line: no part of it is left out silently.
#[test]
fn a_writers_error_is_passed_on() {
    struct Room(usize);
    impl fmt::Write for Room {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0 = self.0.checked_sub(text.len()).ok_or(fmt::Error)?;
            Ok(())
        }
    }

    let failure = Failure::new(FailureKind::BadRequest, "\"447700900123\"\n");
    let shown = format!("{failure} {failure:?}");
    for room in 0..shown.len() {
        assert!(write!(Room(room), "{failure} {failure:?}").is_err(), "{room}");
    }
    assert!(write!(Room(shown.len()), "{failure} {failure:?}").is_ok());
}

#[test]
fn debug_hides_people() {
    let body = br#"{"id":"447700900123","originator":"Me","recipient":"447700900124","text":"Hi",
        "routeId":"mglobal","reference":"r","scheduled":"2026-09-04T09:00:00.000Z","campaignId":7}"#;
    let outcome = SendOutcome::decode(200, body);
    assert_eq!(
        format!("{:?}", outcome.success().unwrap()),
        r#"Message { id: "447700900123", originator: Some(_), recipient: Some(_), body: Some(_), route_id: Some("mglobal"), reference: Some(_), campaign_id: Some("7"), scheduled: Some("2026-09-04T09:00:00.000Z"), recipient_count: None }"#
    );
    let body = br#"{"id":"m","routeId":"447700900123","campaignId":447700900123}"#;
    assert_eq!(
        format!("{:?}", SendOutcome::decode(200, body).success().unwrap()),
        r#"Message { id: "m", originator: None, recipient: None, body: None, route_id: Some("************"), reference: None, campaign_id: Some("************"), scheduled: None, recipient_count: None }"#
    );
    let mut failure =
        Failure::new(FailureKind::OptedOut, r#"Recipient "is" opted\out: 447700900123"#);
    failure.id = Some("m\n1".into());
    assert_eq!(
        format!("{failure:?}"),
        r#"Failure { status: 0, code: 0, kind: OptedOut, detail: "Recipient \"is\" opted\\out: ************", id: Some("m\u{a}1") }"#
    );
    let long = "447700900123".repeat(1 << 17);
    failure.id = Some(long.as_str().into());
    assert!(format!("{failure:?}").ends_with(&format!("id: Some(\"{}…\") }}", &long[..256])));
    let shown = format!("{:?}", SendOutcome::from(Message::new(&*long)));
    assert!(shown.contains(&format!("id: \"{}…\"", &long[..256])) && shown.len() < 600);
    let shown = format!("{:?}", BatchOutcome::from(Batch::new(&*long)));
    assert!(shown.contains(&format!("id: \"{}…\"", &long[..256])) && shown.len() < 600);
    let failure = Failure::new(FailureKind::OptedOut, "Recipient is opted out: 447700900123");
    assert_eq!(
        format!("{:?}", failure.opted_out_number().unwrap()),
        r#"OptedOutNumber("************")"#
    );
}

/// Each field that is personal is told of by itself, and by its own name.
#[test]
fn debug_tells_which_fields_are_there() {
    for (key, name) in [
        ("originator", "originator"),
        ("recipient", "recipient"),
        ("body", "body"),
        ("text", "body"),
        ("reference", "reference"),
    ] {
        let body = format!(r#"{{"id":"m","{key}":"somebody"}}"#);
        let outcome = SendOutcome::decode(200, body.as_bytes());
        let shown = format!("{:?}", outcome.success().unwrap());
        let expected = format!("{name}: Some(_)");
        assert!(shown.contains(&expected) && shown.matches("Some").count() == 1, "{shown}");
    }
    for key in ["originator", "recipient", "text", "reference"] {
        let body = format!(r#"{{"id":"b","recipients":[{{"{key}":"somebody"}}]}}"#);
        let outcome = BatchOutcome::decode(200, body.as_bytes());
        let shown = format!("{:?}", outcome.success().unwrap().recipients);
        let expected = format!("{key}: Some(_)");
        assert!(shown.contains(&expected) && shown.matches("Some").count() == 1, "{shown}");
    }
    let body = br#"{"id":"b","spreadHours":447700900123,"recipientCount":"447700900123",
        "shortenUrls":"447700900123","name":"447700900123","scheduled":"at 447700900123"}"#;
    assert_eq!(
        format!("{:?}", BatchOutcome::decode(200, body).success().unwrap()),
        r#"Batch { id: "b", name: Some(_), route_id: None, scheduled: Some("at ************"), recipient_count: Some(447700900123), shorten_urls: None, exclude_optouts: None, exclude_duplicates: None, spread_hours: Some(447700900123), recipients: 0 }"#
    );
    let shown = format!("{:?}", SendOutcome::decode(200, body).success().unwrap());
    assert!(shown.ends_with("recipient_count: Some(447700900123) }"), "{shown}");
    let body =
        format!(r#"{{"id":"b","recipients":[{}]}}"#, vec![r#"{"text":"Hi"}"#; 1234].join(","));
    let shown = format!("{:?}", BatchOutcome::decode(200, body.as_bytes()));
    assert!(shown.ends_with("recipients: 1234 })"), "{shown}");
}

#[test]
fn a_reason_is_kept() {
    let reason = "timeout\nwhile reading\n447700900123";
    let outcome = SendOutcome::no_response(reason);
    assert_eq!(outcome.failure().unwrap().detail, reason);
    let shown = outcome.failure().unwrap().to_string();
    assert_eq!(shown, r"no response: timeout\u{a}while reading\u{a}************");
    assert_eq!(BatchOutcome::no_response(reason).failure(), outcome.failure());
}
