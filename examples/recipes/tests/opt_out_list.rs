//! Pages of the opt-out list, which never have fewer numbers than are on them.

use recipes::opt_out_list::{
    Page,
    PageError::{self, Malformed, NoNumber, OtherPage, UnknownShape},
    current_page, international, legacy_list,
};

/// Captured on the current API, with other numbers. The second entry has no note.
const OBSERVED: &str = r#"{"type":"Optouts","results":[{"id":"o1","userID":"u1","msisdn":"447700900123","note":"MO","created_at":"2026-06-18T11:00:15.915Z","updated_at":"2026-06-18T11:00:15.915Z"},{"id":"o2","userID":"u1","msisdn":"447700900124","created_at":"2026-06-18T11:00:15.915Z","updated_at":"2026-06-18T11:00:15.915Z"}],"scanned":2,"matches":2,"offset":0,"limit":5000}"#;

/// Documented by the current API.
const DOCUMENTED: &str = r#"{"success":true,"records":[{"msisdn":"447700900123","created_on":"2026-06-18T11:00:15.915Z"},{"msisdn":"447700900124","created_on":"2026-06-18T11:00:15.915Z"}],"offset":0,"limit":10,"total":2}"#;

/// Documented by the legacy API.
const LEGACY: &str = r#"[{"id":1354505990,"mobile":"447700900123","note":"MO","created":1672704203000},{"id":1354505991,"mobile":"447700900124","note":"3x UNDELIVERABLE","created":1672704203000}]"#;

const NUMBERS: [&str; 2] = ["447700900123", "447700900124"];

/// The numbers of the page that begins at 0.
fn read(body: &str) -> Result<Vec<String>, PageError> {
    current_page(0, body.as_bytes()).map(|page| page.entries)
}

#[test]
fn pages_of_every_shape() {
    for body in [OBSERVED, DOCUMENTED] {
        let page = Page { entries: NUMBERS.map(str::to_owned).to_vec(), next: Some(2) };
        assert_eq!(current_page(0, body.as_bytes()), Ok(page));
        assert_eq!(current_page(1, body.as_bytes()), Err(OtherPage));
    }
    assert_eq!(legacy_list(LEGACY.as_bytes()).unwrap(), NUMBERS);
    assert_eq!(legacy_list(b"[]").unwrap(), [""; 0]);
    for complete in [OBSERVED, DOCUMENTED, LEGACY] {
        for at in 0..complete.len() {
            let body = &complete[..at];
            assert!(read(body).is_err() && legacy_list(body.as_bytes()).is_err(), "{body}");
        }
    }
    // A note may be anything.
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    for note in [r#""half \ud83d""#, "\"caf\u{e9}\"", &deep] {
        for body in [OBSERVED, LEGACY].map(|body| body.replace(r#""MO""#, note)) {
            let latin1: Vec<u8> = body.chars().map(|it| it as u8).collect();
            let numbers = current_page(0, &latin1).map(|page| page.entries);
            assert_eq!(numbers.or(legacy_list(&latin1)).unwrap(), NUMBERS, "{note:.20}");
        }
    }
}

#[test]
fn the_last_page_is_empty() {
    for (list, total) in [("results", "matches"), ("records", "total")] {
        let next = |entries: &str, offset: u64, of: u64| {
            let body = format!(r#"{{"{list}":[{entries}],"{total}":{of},"offset":{offset}}}"#);
            current_page(offset, body.as_bytes()).map(|page| page.next)
        };
        let entry = r#"{"msisdn":"447700900123"}"#;
        assert_eq!(next(entry, 0, 3), Ok(Some(1)));
        // It's unknown whether the total is that of the page or of the list.
        assert_eq!(next(entry, 1, 1), Ok(Some(2)));
        assert_eq!(next("", 3, 3), Ok(None));
        assert_eq!(next("", 2, 3), Err(OtherPage));
    }
}

#[test]
fn phone_numbers() {
    let number = |value: &str| {
        let of = |key: &str| format!(r#"[{{"{key}":"447700900199"}},{{"{key}":{value}}}]"#);
        let legacy = legacy_list(of("mobile").as_bytes());
        for list in ["results", "records"] {
            assert_eq!(read(&format!(r#"{{"{list}":{},"offset":0}}"#, of("msisdn"))), legacy);
        }
        legacy.map(|mut numbers| numbers.remove(1))
    };
    for value in [
        "447700900123",
        r#""+447700900123""#,
        r#""00447700900123""#,
        r#"" +44 (7700) 900-123 ""#,
        r#""44770090012\u0033""#,
    ] {
        assert_eq!(number(value).as_deref(), Ok("447700900123"), "{value}");
    }
    for value in [r#""1234567""#, r#""123456789012345""#] {
        assert!(number(value).is_ok(), "{value}");
    }
    // Of another type, or a number that is a fraction, or too large.
    let others =
        "null true [447700900123] {} 447700900123.0 4.47700900123e11 7700900123000000000000";
    for value in others.split(' ') {
        assert_eq!(number(value), Err(NoNumber), "{value}");
    }
    // Masked, truncated, too long, national, two numbers, or none.
    let texts = "44XXXXXXXX 44770090**** 123456 1234567890123456 07700900123 0007700900123 \
                 1234567,7654321 1234567/7654321 Brand ٤٤٧٧٠٠٩٠٠١٢٣";
    for text in texts.split(' ').chain([""]) {
        assert_eq!(number(&format!("\"{text}\"")), Err(NoNumber), "{text}");
    }
    for written in ["+44 (7700) 900-123", "0044 7700 900123"] {
        assert_eq!(international(written).as_deref(), Some("447700900123"));
    }
    for written in ["07700 900123", "+44 (0)7700 900123", "447700900123,447700900124", ""] {
        assert_eq!(international(written), None, "{written}");
    }
}

#[test]
fn other_bodies_are_errors_and_not_empty_lists() {
    let bodies = r#"{}|null|[]|[[],"Optouts",true,0,0]|{"results":[]}|{"offset":0,"limit":10,"total":0}
{"code":401,"message":"Unauthorized"}
{"error":"API Key is not permitted to perform this action. (read:Optouts)"}
{"results":null,"offset":0}|{"results":[],"records":[],"offset":0}
{"results":[],"offset":"0"}|{"results":[],"offset":0,"matches":"0"}
{"results":[{"phone":"447700900123"}],"offset":0}|{"results":["447700900123"],"offset":0}
{"results":[{"msisdn":"447700900123","msisdn":"447700900124"}],"offset":0}
{"success":false,"records":[],"offset":0,"limit":10,"total":0}
{"type":"SingleSMS","matches":0,"offset":0,"limit":5000,"results":[]}"#;
    for body in bodies.split(['|', '\n']).chain([LEGACY]) {
        assert_eq!(read(body), Err(UnknownShape), "{body}");
    }
    for body in ["{}", "null", OBSERVED, DOCUMENTED, r#"[{"phone":"447700900123"}]"#] {
        assert_eq!(legacy_list(body.as_bytes()), Err(UnknownShape), "{body}");
    }
    assert_eq!(read("<html>502</html>"), Err(Malformed));
    assert_eq!(read(&OBSERVED.repeat(2)), Err(Malformed));
    assert_eq!(legacy_list(LEGACY.repeat(2).as_bytes()), Err(Malformed));
}
