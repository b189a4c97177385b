//! What a page of the opt-out list says: never fewer numbers than are on it.

#![expect(clippy::indexing_slicing, reason = "a test fails by a panic")]

use recipes::opt_out_list::{
    ListError::{Entry, Incomplete, Malformed, OtherPage, UnknownShape},
    Page, current_page, legacy_list,
};

/// Captured on the current API, with other numbers; the second entry has no note.
const OBSERVED: &str = r#"{"type":"Optouts","results":[{"id":"o1","userID":"u1","msisdn":"447700900123","note":"MO","created_at":"2026-06-18T11:00:15.915Z","updated_at":"2026-06-18T11:00:15.915Z"},{"id":"o2","userID":"u1","msisdn":"447700900124","created_at":"2026-06-18T11:00:15.915Z","updated_at":"2026-06-18T11:00:15.915Z"}],"scanned":2,"matches":2,"offset":0,"limit":5000}"#;

/// Documented by the current API.
const DOCUMENTED: &str = r#"{"success":true,"records":[{"msisdn":"447700900123","created_on":"2026-06-18T11:00:15.915Z"},{"msisdn":"447700900124","created_on":"2026-06-18T11:00:15.915Z"}],"offset":0,"limit":10,"total":2}"#;

/// Documented by the legacy API.
const LEGACY: &str = r#"[{"id":1354505990,"mobile":"447700900123","note":"MO","created":1672704203000},{"id":1354505991,"mobile":"447700900124","note":"3x UNDELIVERABLE","created":1672704203000}]"#;

const NUMBERS: [&str; 2] = ["447700900123", "447700900124"];

/// Both shapes of the current API, with these entries, from this offset, of so many.
fn current(entries: &str, offset: u64, total: u64) -> [String; 2] {
    [
        format!(
            r#"{{"type":"Optouts","results":[{entries}],"scanned":9,"matches":{total},"offset":{offset},"limit":5000}}"#
        ),
        format!(
            r#"{{"success":true,"records":[{entries}],"offset":{offset},"limit":10,"total":{total}}}"#
        ),
    ]
}

#[test]
fn a_page_of_each_shape() {
    let page = Page { phone_numbers: NUMBERS.map(str::to_owned).to_vec(), next: Some(2) };
    for body in [OBSERVED, DOCUMENTED] {
        for body in [body.to_owned(), format!("\u{feff}{body}"), format!("\r\n {body}\n")] {
            assert_eq!(current_page(0, body.as_bytes()), Ok(page.clone()));
        }
    }
    for body in [LEGACY.to_owned(), format!("\u{feff}{LEGACY}"), format!("\n{LEGACY}\n")] {
        assert_eq!(legacy_list(body.as_bytes()).unwrap(), NUMBERS);
    }
}

#[test]
fn where_the_next_page_begins() {
    let entry = r#"{"msisdn":"447700900123"}"#;
    let two = format!("{entry},{entry}");
    for shape in 0..2 {
        let next = |entries: &str, offset, total| {
            let body = &current(entries, offset, total)[shape];
            current_page(offset, body.as_bytes()).map(|page| page.next)
        };
        assert_eq!(next(&two, 0, 3), Ok(Some(2)));
        assert_eq!(next(entry, 2, 3), Ok(Some(3)));
        assert_eq!(next("", 3, 3), Ok(None));
        assert_eq!(next("", 0, 0), Ok(None));
        // It is unknown whether `matches` counts the page or the list: only an empty page is the last.
        assert_eq!(next(&two, 0, 2), Ok(Some(2)));
        // Where there should be more.
        assert_eq!(next("", 2, 3), Err(Incomplete));
        assert_eq!(next("", 0, 1), Err(Incomplete));
        // Another page than was requested.
        let first = &current(entry, 0, 3)[shape];
        assert_eq!(current_page(1, first.as_bytes()), Err(OtherPage));
        let empty = &current("", 3, 3)[shape];
        assert_eq!(current_page(0, empty.as_bytes()), Err(OtherPage));
    }
}

/// Reads an entry with this value in all three shapes, behind one that is good.
fn read(value: &str) -> Result<String, ()> {
    let list = |key: &str| format!(r#"{{"{key}":"447700900199"}},{{"{key}":{value},"note":null}}"#);
    let pages = current(&list("msisdn"), 0, 2)
        .map(|body| current_page(0, body.as_bytes()).map(|page| page.phone_numbers));
    let [observed, documented] = pages;
    let legacy = legacy_list(format!("[{}]", list("mobile")).as_bytes());
    assert_eq!(observed, documented);
    assert_eq!(observed, legacy);
    match legacy {
        Ok(numbers) => {
            assert_eq!((numbers.len(), &*numbers[0]), (2, "447700900199"));
            Ok(numbers[1].clone())
        }
        Err(error) => {
            assert_eq!(error, Entry(1));
            assert!(error.to_string().contains("entry 1"));
            Err(())
        }
    }
}

#[test]
fn numbers_however_they_are_written() {
    for value in [
        r#""447700900123""#,
        r#""+447700900123""#,
        r#""00447700900123""#,
        r#"" +44 7700-900123 ""#,
        r#""+44 (7700) 900.123""#,
        "447700900123",
        r#""44770090012\u0033""#,
    ] {
        assert_eq!(read(value).as_deref(), Ok("447700900123"), "{value}");
    }
    assert_eq!(read(r#""1234567""#).as_deref(), Ok("1234567"));
    assert_eq!(read(r#""123456789012345""#).as_deref(), Ok("123456789012345"));
}

#[test]
fn an_entry_without_a_number_is_an_error() {
    for value in [
        "null",
        "true",
        "[]",
        "{}",
        r#"["447700900123"]"#,
        r#"{"msisdn":"447700900123"}"#,
        r#""""#,
        r#""+""#,
        r#"" ""#,
        // Masked, truncated, national, two at once, or none at all: they would match nobody.
        r#""44XXXXXXXX""#,
        r#""44770090****""#,
        r#""447700""#,
        r#""1234567890123456""#,
        r#""07700900123""#,
        r#""0000447700900123""#,
        r#""++447700900123""#,
        r#""447700900123,447700900124""#,
        r#""447700900123/447700900124""#,
        r#""1234567,7654321""#,
        r#""1234567/7654321""#,
        r#""Brand""#,
        r#""٤٤٧٧٠٠٩٠٠١٢٣""#,
        r#""447700900123\ud83d""#,
        "447700900123.0",
        "4.47700900123e11",
        "-447700900123",
        "7700900123000000000000",
    ] {
        assert_eq!(read(value), Err(()), "{value}");
    }
    for (index, entries) in [
        (0, "null"),
        (0, "{}"),
        (0, r#""447700900123""#),
        (0, r#"["447700900123","447700900123"]"#),
        (0, r#"{"msisdn":"447700900123","msisdn":"447700900124"}"#),
        (1, r#"{"msisdn":"447700900123"},{"mobile":"447700900124"}"#),
        (2, r#"{"msisdn":"447700900123"},{"msisdn":"447700900124"},{"phone":"447700900125"}"#),
    ] {
        for body in current(entries, 0, 9) {
            assert_eq!(current_page(0, body.as_bytes()), Err(Entry(index)), "{entries}");
        }
    }
    // The other API's key.
    assert_eq!(legacy_list(br#"[{"msisdn":"447700900123"}]"#), Err(Entry(0)));
    // What is not read may be anything.
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    for other in [r#""half \ud83d""#, "1e999", &deep] {
        let body = LEGACY.replace(r#""MO""#, other);
        assert_eq!(legacy_list(body.as_bytes()).unwrap(), NUMBERS, "{other:.20}");
    }
    let latin1 = b"[{\"mobile\":\"447700900123\",\"note\":\"caf\xe9\"}]";
    assert_eq!(legacy_list(latin1).unwrap(), ["447700900123"]);
}

#[test]
fn what_is_truncated_is_no_page() {
    for body in [OBSERVED, DOCUMENTED] {
        for at in 0..body.len() {
            assert_eq!(current_page(0, &body.as_bytes()[..at]), Err(Malformed));
        }
    }
    for at in 0..LEGACY.len() {
        assert_eq!(legacy_list(&LEGACY.as_bytes()[..at]), Err(Malformed));
    }
}

#[test]
fn what_is_unknown_is_never_an_empty_list() {
    for body in [
        "{}",
        "null",
        "[]",
        "[[],null,null,null,null,null,0]",
        LEGACY,
        r#"{"code":401,"message":"Unauthorized"}"#,
        r#"{"error":"API Key is not permitted to perform this action. (read:Optouts)"}"#,
        // The shapes of the lists, but not what they say.
        r#"{"offset":0,"limit":10,"total":0}"#,
        r#"{"results":null,"offset":0}"#,
        r#"{"results":{},"offset":0}"#,
        r#"{"results":[],"records":[],"offset":0}"#,
        r#"{"results":[],"results":[],"offset":0}"#,
        r#"{"results":[]}"#,
        r#"{"results":[],"offset":null}"#,
        r#"{"results":[],"offset":"0"}"#,
        r#"{"results":[],"offset":0,"matches":"0"}"#,
        r#"{"optouts":[],"offset":0}"#,
        r#"{"success":false,"records":[],"offset":0,"limit":10,"total":0}"#,
        r#"{"success":"no","records":[],"offset":0,"limit":10,"total":0}"#,
        // The message log's page.
        r#"{"type":"SingleSMS","scanned":0,"matches":0,"offset":0,"limit":5000,"results":[]}"#,
    ] {
        assert_eq!(current_page(0, body.as_bytes()), Err(UnknownShape), "{body}");
    }
    for body in ["{}", "null", OBSERVED, DOCUMENTED, r#"{"code":404,"message":"Not Found"}"#] {
        assert_eq!(legacy_list(body.as_bytes()), Err(UnknownShape), "{body}");
    }
    for body in ["", " ", "<html>502</html>", "[][]", "{}{}", "[],", "\u{feff}"] {
        assert_eq!(current_page(0, body.as_bytes()), Err(Malformed), "{body}");
        assert_eq!(legacy_list(body.as_bytes()), Err(Malformed), "{body}");
    }
    assert_eq!(legacy_list(b"[]").unwrap(), [""; 0], "nobody opted out");
    for error in [Malformed, UnknownShape, OtherPage, Incomplete] {
        assert!(!error.to_string().is_empty());
    }
}
