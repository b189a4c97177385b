//! What the heap sees of a decode: nothing, where the reply can be borrowed from; and never more
//! than the bound.

#![expect(unsafe_code, reason = "a global allocator is an unsafe trait")]

#[path = "../../../tests/support/corpus.rs"]
mod corpus;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    borrow::Cow,
    cell::Cell,
    fmt,
    hint::black_box,
};

use corpus::REPLIES;
use mobivate_response::{BatchOutcome, Failure, SendOutcome};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};

#[test]
fn decode_allocates_nothing_for_a_reply_of_known_shape() {
    let mut violations = Vec::new();
    for (name, status, body) in REPLIES.iter() {
        let allocations = heap_of(|| {
            let outcome = SendOutcome::decode(*status, black_box(body));
            let number = outcome.failure().and_then(Failure::opted_out_number);
            black_box(number);
        })
        .allocations;
        let bound = if name.starts_with("inferred") { bound(body) } else { scratch(body) };
        let bound = bound.map_or_else(|| "any".to_owned(), |bound| bound.to_string());
        println!("{allocations} (allowed: {bound}) {name}");
        if bound.parse().is_ok_and(|bound: usize| allocations > bound) {
            violations.push((name, allocations, bound));
        }
    }
    assert!(violations.is_empty(), "{violations:#?}");
}

#[test]
fn repair_allocates_for_the_fields_concerned() {
    const KEYS: [&str; 8] = [
        "id",
        "originator",
        "recipient",
        "body",
        "routeId",
        "reference",
        "campaignId",
        "scheduled",
    ];
    // So many for each field, and so many for a scratch buffer that all share: what has half a
    // surrogate pair is read field by field, each with a buffer of its own.
    let kinds: [(&[u8], usize, usize); 13] = [
        (b"7", 1, 0),
        (br#""a\nb""#, 1, 1),
        (br#""a\ud83c\udf89b""#, 1, 1),
        (br#""\ud800\udfff""#, 1, 1),
        (br#""\uDBFF\uDC00""#, 1, 1),
        (br#""\ud7ff\ue000""#, 1, 1),
        (br#""a\ud83db""#, 2, 0),
        (br#""\uD800\n""#, 2, 0),
        (br#""\udbff""#, 2, 0),
        (br#""\udc00""#, 2, 0),
        (br#""\uDFFFa""#, 2, 0),
        (br#""\udc00\ud83d""#, 2, 0),
        (b"\"a\xFFb\"", 1, 0),
    ];
    for (value, each, shared) in kinds {
        for concerned in 0..=KEYS.len() {
            let mut body = [br#"{"success":true,"code":200,"other":"#, value].concat();
            for (at, key) in KEYS.iter().enumerate() {
                let value = if at < concerned { value } else { b"null" };
                body.extend([b",\"", key.as_bytes(), b"\":", value].concat());
            }
            body.extend(b"\n}");
            let allocations =
                heap_of(|| drop(SendOutcome::decode(200, black_box(&body)))).allocations;
            let body = body.escape_ascii();
            let allowed = each * concerned + shared * concerned.min(1);
            assert_eq!(allocations, allowed, "{concerned} fields of {body}");
        }
    }
}

#[test]
fn a_batch_allocates_its_list() {
    let entry = r#"{"originator":"Brand","recipient":"447700900123","text":"Hi","reference":"r"}"#;
    let list = vec![entry; 1000].join(",");
    let body = format!(r#"{{"id":"b-1","recipients":[{list}]}}"#);
    let mut recipients = 0;
    let heap = heap_of(|| {
        let outcome = BatchOutcome::decode(200, black_box(body.as_bytes()));
        recipients = outcome.success().map_or(0, |batch| batch.recipients.len());
    });
    assert_eq!(recipients, 1000);
    // 4 entries at first, then twice as many each time.
    assert_eq!(heap.allocations, 9, "the list and its growth");
}

#[test]
fn into_owned_allocates_once_for_each_borrowed_text() {
    for (name, status, body) in REPLIES.iter() {
        let outcome = SendOutcome::decode(*status, body);
        let is_borrowed =
            |text: &Cow<'_, str>| matches!(text, Cow::Borrowed(text) if !text.is_empty());
        let expected = texts(&outcome).into_iter().filter(|text| is_borrowed(text)).count();
        let allocations = heap_of(|| drop(black_box(outcome.into_owned()))).allocations;
        assert_eq!(allocations, expected, "{name}");
    }
}

#[test]
fn a_hostile_body_takes_at_most_four_times_its_length() {
    const LEN: usize = 16 << 20;
    let filled = |before: &[u8], unit: &[u8], after: &[u8]| {
        let count = (LEN - before.len() - after.len()) / unit.len();
        [before, &unit.repeat(count), after].concat()
    };
    let half = LEN / 2;
    let bodies = [
        ("tiny keys", filled(br#"{"id":"m-1""#, br#","":0"#, b"}")),
        ("escapes in message", filled(br#"{"message":""#, br"\n", br#""}"#)),
        ("lone surrogates in message", filled(br#"{"message":""#, br"\ud800", br#""}"#)),
        ("lists in an unknown key", filled(br#"{"a":"#, b"[", b"")),
        (
            "lists in an unknown key, closed",
            [br#"{"id":"m-1","a":"#, &*b"[".repeat(half - 16), &b"]".repeat(half - 16), b"}"]
                .concat(),
        ),
        ("objects in an unknown key", filled(br#"{"a":"#, br#"{"":"#, b"")),
        ("lists in a known key", filled(br#"{"message":"#, b"[", b"")),
        ("lists alone", filled(b"", b"[", b"")),
        ("0xFF in message", filled(br#"{"message":""#, b"\xFF", br#""}"#)),
        ("0xFF alone", filled(b"", b"\xFF", b"")),
        ("0xFF in key", filled(br#"{""#, b"\xFF", br#"":0}"#)),
        ("escapes, then 0xFF, in message", {
            let escapes = br"\n".repeat(half / 2 - 8);
            [br#"{"message":""#, &*escapes, &b"\xFF".repeat(half - 16), br#""}"#].concat()
        }),
        ("0xFF, then escapes, in message", {
            let escapes = br"\n".repeat(half / 2 - 8);
            [br#"{"message":""#, &*b"\xFF".repeat(half - 16), &escapes, br#""}"#].concat()
        }),
        ("0xFF, then one escape, in message", filled(br#"{"message":""#, b"\xFF", br#"\n"}"#)),
        ("one escape, then 0xFF, in message", filled(br#"{"message":"\n"#, b"\xFF", br#""}"#)),
        ("escape and 0xFF by turns", filled(br#"{"message":""#, b"\\n\xFF", br#""}"#)),
        (
            "escapes in message, 0xFF in another key",
            filled(br#"{"a":""#, b"\xFF", br#"","message":"\n"}"#),
        ),
        ("repeated message", filled(b"{", br#""message":"\n","#, br#""id":"m-1"}"#)),
        ("repeated record", filled(b"{", br#""record":{"id":"1"},"#, br#""id":"m-1"}"#)),
        ("repeated message, 0xFF", filled(b"{", b"\"message\":\"\\n\xFF\",", br#""id":"m-1"}"#)),
        ("escaped key", filled(br#"{""#, br"\n", br#"":0}"#)),
        ("digits", filled(br#"{"id":"#, b"9", b"}")),
    ];
    let mut violations = Vec::new();
    for (name, body) in &bodies {
        for status in [200, 403] {
            let peak = heap_of(|| {
                let outcome = SendOutcome::decode(status, black_box(body));
                black_box(outcome.failure().and_then(Failure::opted_out_number));
            })
            .peak;
            println!("{peak} of {} bytes: {name}, {status}", body.len());
            if peak > 4 * body.len() + (64 << 10) {
                violations.push((name, status, body.len(), peak));
            }
        }
    }
    assert!(violations.is_empty(), "{violations:#?}");
}

/// The allocations that the reply's shape allows; `None` where it needs unescaping, repair or a
/// number as text, or holds what no known reply holds. (Other bodies that are no JSON cost
/// `serde_json`'s boxed error.)
fn bound(body: &[u8]) -> Option<usize> {
    let body = body.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(body);
    if str::from_utf8(body).is_err() || body.contains(&b'\\') {
        return None;
    }
    if body.trim_ascii_start().first().is_none_or(|first| *first == b'<') {
        return Some(0);
    }
    let Pairs(reply) = serde_json::from_slice(body).ok()?;
    let record_is_known = reply.iter().all(|(key, value)| match value {
        Value::Object(record) if key == "record" => record.iter().all(is_known),
        _ => key != "record",
    });
    let known = record_is_known && reply.iter().all(|(key, value)| is_known((key, value)));
    known.then(|| scratch(body)).flatten()
}

/// One allocation where an unknown value is nested: `serde_json` keeps the open brackets of a value
/// that it skips in its scratch buffer.
fn scratch(body: &[u8]) -> Option<usize> {
    let reply: Map<String, Value> = serde_json::from_slice(body).ok()?;
    let nested = reply.iter().any(|(key, value)| match value {
        Value::Object(record) if key == "record" => record.values().any(|value| depth(value) >= 2),
        value => depth(value) >= 2,
    });
    Some(nested.into())
}

/// An object's pairs, also where a key is repeated.
struct Pairs(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor;
        impl<'de> Visitor<'de> for PairsVisitor {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(PairsVisitor)
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(list) => 1 + list.iter().map(depth).max().unwrap_or(0),
        Value::Object(object) => 1 + object.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// Whether a pair is of a shape that some reply has; a number as text is none.
fn is_known((key, value): (&String, &Value)) -> bool {
    const VERDICT: &[&str] = &["success", "code", "message", "error"];
    const TEXTS: &[&str] = &[
        "id",
        "originator",
        "recipient",
        "body",
        "text",
        "routeId",
        "reference",
        "campaignId",
        "scheduled",
    ];
    let key = key.as_str();
    match value {
        Value::String(_) | Value::Null | Value::Bool(_) => true,
        Value::Number(number) if VERDICT.contains(&key) => number.is_u64(),
        _ => !VERDICT.contains(&key) && !TEXTS.contains(&key),
    }
}

fn texts<'a, 'b>(outcome: &'b SendOutcome<'a>) -> Vec<&'b Cow<'a, str>> {
    match outcome {
        SendOutcome::Success(message) => [
            &message.originator,
            &message.recipient,
            &message.body,
            &message.route_id,
            &message.reference,
            &message.campaign_id,
            &message.scheduled,
        ]
        .into_iter()
        .flatten()
        .chain([&message.id])
        .collect(),
        SendOutcome::Failure(failure) => failure.id.iter().chain([&failure.detail]).collect(),
    }
}

/// What a piece of work took from the heap.
#[derive(Clone, Copy)]
struct Heap {
    allocations: usize,
    live: usize,
    peak: usize,
}

impl Heap {
    const NEW: Self = Self { allocations: 0, live: 0, peak: 0 };
}

thread_local! {
    /// Of this thread, so that tests do not count each other's.
    static HEAP: Cell<Heap> = const { Cell::new(Heap::NEW) };
}

fn heap_of(work: impl FnOnce()) -> Heap {
    HEAP.set(Heap::NEW);
    work();
    HEAP.get()
}

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

impl Counting {
    fn add(size: usize) {
        let mut heap = HEAP.get();
        heap.allocations += 1;
        heap.live = heap.live.wrapping_add(size);
        // What was taken before the work began may be given back within it: below zero is no peak.
        if heap.live.cast_signed() > 0 {
            heap.peak = heap.peak.max(heap.live);
        }
        HEAP.set(heap);
    }

    fn remove(size: usize) {
        let mut heap = HEAP.get();
        heap.live = heap.live.wrapping_sub(size);
        HEAP.set(heap);
    }
}

// SAFETY: every call goes to `System` unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Self::add(layout.size());
        // SAFETY: the caller's promise is `System`'s.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        Self::remove(layout.size());
        // SAFETY: the caller's promise is `System`'s.
        unsafe { System.dealloc(memory, layout) }
    }

    /// The strict reading: while it copies, both the old and the new memory are live.
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        Self::add(size);
        Self::remove(layout.size());
        // SAFETY: the caller's promise is `System`'s.
        unsafe { System.realloc(memory, layout, size) }
    }
}
