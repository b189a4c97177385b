//! The invariants, on noise and on responses that nearly are what the API sends.

#[path = "support/corpus.rs"]
mod corpus;
#[path = "support/keys.rs"]
mod keys;
mod support;

use corpus::RESPONSES;
use keys::KEYS;
use mobivate_response::SendOutcome;
use proptest::{collection::vec, prelude::*, sample::select};
use support::{assert_invariants, reference::matches};

/// So many of each.
const CASES: u32 = 4096;

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn noise(status: u16, body: Vec<u8>) {
        assert_invariants(status, &body);
    }

    #[test]
    fn objects(status in status(), body in object()) {
        assert_invariants(status, body.as_bytes());
    }

    #[test]
    fn mutated_responses(status in status(), body in mutated()) {
        assert_invariants(status, &body);
    }

    #[test]
    fn error_texts(status in status(), text in error_text()) {
        let message = serde_json::Value::from(text);
        assert_invariants(status, format!(r#"{{"code":403,"message":{message}}}"#).as_bytes());
        assert_invariants(status, format!(r#"{{"id":"m","error":{message}}}"#).as_bytes());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn recipients_that_match((number, recipient) in number_and_recipient()) {
        let body = format!(r#"{{"message":"Recipient is opted out: {number}"}}"#);
        let outcome = SendOutcome::decode(403, body.as_bytes());
        let named = outcome.failure().unwrap().opted_out_number().unwrap();
        prop_assert_eq!(named.matches(&recipient), matches(&number, &recipient));
    }

    #[test]
    fn pages_and_plain_text(status in status(), body in page_or_text()) {
        assert_invariants(status, &body);
    }
}

/// A number, and one that is written in groups and may differ in a prefix or a digit.
fn number_and_recipient() -> impl Strategy<Value = (String, String)> {
    let number = prop_oneof![4 => "(00|0|)[0-9]{7,13}", 1 => "4[0-9Xx*]{7,12}"];
    let between = select(vec!["", "", "", " ", "-", " - ", "/", ")(", "\u{a0}", "٣", "½", "x"]);
    let prefix = select(vec!["", "", "+", "00", "00 ", "0-0", "0", "000", "0000", "+00"]);
    (number, prefix, vec(between, 15), 0..4usize).prop_map(|(number, prefix, between, left_out)| {
        let digits = number.strip_prefix("00").unwrap_or(&number);
        let digits = digits.chars().skip(left_out.saturating_sub(2));
        let mut recipient = prefix.to_owned();
        for (digit, gap) in digits.zip(between) {
            recipient.push(digit);
            recipient += gap;
        }
        (number, recipient)
    })
}

/// What proxies and firewalls send: a page with or without a title, plain text; truncated anywhere.
fn page_or_text() -> impl Strategy<Value = Vec<u8>> {
    let lead = select(vec!["", "\u{feff}", " \r\n", "\u{feff}\t", "\u{a0}"]);
    let tag = select(vec!["<title>", "<TITLE>", "<Title lang=\"en\">", "<title", "<t>"]);
    let page = (select(vec!["<html>", "<?xml?>", "< "]), 0..1100usize, tag, error_text()).prop_map(
        |(start, fill, tag, title)| {
            let fill = "é".repeat(if fill < 900 { fill % 8 } else { fill / 2 });
            format!("{start}{fill}{tag}{title}</title>{title}")
        },
    );
    let text = (error_text(), 0..1100usize)
        .prop_map(|(text, fill)| text + &" x".repeat(if fill < 900 { 0 } else { fill / 2 }));
    (lead, prop_oneof![page, text], any::<prop::sample::Index>(), 0..4u8).prop_map(
        |(lead, text, at, how)| {
            let mut body = format!("{lead}{text}").into_bytes();
            match how {
                0 => body.truncate(at.index(body.len() + 1)),
                1 => body.insert(at.index(body.len() + 1), 0xF0),
                _ => {}
            }
            body
        },
    )
}

fn status() -> impl Strategy<Value = u16> {
    prop_oneof![
        4 => select(vec![
            0, 200, 201, 302, 303, 400, 401, 402, 403, 404, 406, 408, 409, 413, 422, 429, 460, 499, 500,
        ]),
        1 => 0..700u16,
        1 => any::<u16>(),
    ]
}

/// An object of known and unknown keys, each with any value.
fn object() -> impl Strategy<Value = String> {
    let key = prop_oneof![20 => select(&KEYS[..]), 1 => Just(r"\u0069d")];
    let join = |fields: Vec<(&str, String)>| {
        let fields: Vec<_> =
            fields.iter().map(|(key, value)| format!(r#""{key}":{value}"#)).collect();
        format!("{{{}}}", fields.join(","))
    };
    let flat = vec((key.clone(), value()), 0..8).prop_map(join).boxed();
    let list = vec(prop_oneof![1 => value(), 3 => flat.clone()], 0..5)
        .prop_map(|entries| format!("[{}]", entries.join(" ,")));
    let value = prop_oneof![4 => value(), 1 => flat, 1 => list, 2 => nested_text()];
    vec((key, value), 0..8).prop_map(join)
}

/// A text in lists and objects, up to five of them, among other values.
fn nested_text() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        2 => error_text().prop_map(|text| serde_json::Value::from(text).to_string()),
        1 => value(),
    ];
    leaf.prop_recursive(5, 24, 4, |inner| {
        let key = select(vec!["message", "error", "errors", "detail", "title", "Detail", "other"]);
        let list = vec(inner.clone(), 0..4).prop_map(|values| format!("[{}]", values.join(", ")));
        let object = vec((key, inner), 0..4).prop_map(|fields| {
            let fields: Vec<_> =
                fields.iter().map(|(key, value)| format!(r#""{key}":{value}"#)).collect();
            format!("{{{}}}", fields.join(","))
        });
        prop_oneof![list, object]
    })
}

/// JSON values of any type, separated by `¦` and lines.
const UNEXPECTED: &str = r#"null¦true¦false¦0¦1¦-0¦0.0¦7¦200¦299¦401¦403¦403.0¦4.03e2¦403.5¦600¦-1
18446744073709551615¦18446744073709551616¦1e400¦""¦"0"¦"true"¦"TRUE"¦"false"¦"403"
"00403"¦"000403"¦"+403"¦"\ud83d"¦"\u0000"¦[]¦{}¦[ ]¦[[]]¦{"id":"inner"}¦"m-1"
"\u200b"¦"007"¦"failed"¦" Opted_Out\n"¦"EXPIRED"¦"SENT"¦"NOT_FAILED""#;

fn value() -> impl Strategy<Value = String> {
    let unexpected = UNEXPECTED.split(['¦', '\n']).collect::<Vec<_>>();
    prop_oneof![
        3 => select(unexpected).prop_map(String::from),
        1 => any::<String>().prop_map(|text| serde_json::Value::from(text).to_string()),
        1 => error_text().prop_map(|text| serde_json::Value::from(text).to_string()),
    ]
}

/// Pieces of an opt-out notice and of what may surround it, separated by `¦`.
const PIECES: &str = "Recipient¦RECIPIENT¦recipients¦recipient is opted out¦RECIPIENT_OPTED_OUT¦\
    Message blocked because ¦opted out - ¦has¦ is ¦ has ¦ was ¦ not ¦opted out¦\
    opted-out¦OPTED_OUT¦opted  out¦if ¦the ¦ or ¦ ¦\t\n¦\x0c¦\u{b}¦\u{a0}¦-¦_¦:¦ : ¦\
    +¦447700900123¦44XXXXXXXX¦4477009*****¦123456¦1234567¦123456789012345¦\
    1234567890123456¦7700 900123¦.¦!¦?¦,¦(¦)¦é¦٣¦\u{202e}¦\0¦x¦*¦<title>";

/// Pieces of an opt-out notice in about the right order.
fn error_text() -> impl Strategy<Value = String> {
    let piece = select(PIECES.split('¦').collect::<Vec<_>>());
    let usual = (
        "[ _-]{0,2}((M|m)essage blocked because )?(R|r)ecipient([ _-](is|has|was))?[ _-]opted( |-|_)out",
        "[: +0-9Xx*.!_-]{0,24}",
    );
    prop_oneof![
        vec(piece, 0..10).prop_map(|pieces| pieces.concat()),
        usual.prop_map(|(sentence, number)| sentence + &number),
        "(Recipient (is|has) opted out|RECIPIENT_OPTED_OUT): ?[+]?[0-9]{5,8}[0-9Xx*]{0,9}[.!]?",
    ]
}

/// A response file with a few bytes changed, truncated, doubled or put in.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let response = select(&**RESPONSES).prop_map(|(_, _, body)| body);
    let change = (any::<prop::sample::Index>(), 0..12u8, any::<u8>());
    (response, vec(change, 1..4)).prop_map(|(mut body, changes)| {
        body.truncate(4096);
        for (at, how, byte) in changes {
            let at = at.index(body.len() + 1);
            match how {
                0 => body.truncate(at),
                1 => body.extend_from_within(at..),
                2 => drop(body.drain(at..(at + usize::from(byte % 16)).min(body.len()))),
                3 => drop(body.splice(at..at, *br#","id":"m""#)),
                4 => drop(body.splice(at..at, *br"\ud83d")),
                5 => drop(body.splice(at..at, *b"447700900123")),
                6 => body.insert(at, byte),
                _ => {
                    if let Some(old) = body.get_mut(at) {
                        *old = byte;
                    }
                }
            }
        }
        body
    })
}
