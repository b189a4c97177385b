//! What a decode takes from the heap: nothing where the response can be borrowed from, and never more
//! than the bound.

#![expect(unsafe_code, reason = "a global allocator is an unsafe trait")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    hint::black_box,
};

use mobivate_response::{BatchOutcome, Failure, SendOutcome};

const MIB: usize = 1 << 20;

/// At 16 MiB the ratio of peak to length is the same, within 0.02.
const LARGE: usize = 2 * MIB;

#[test]
fn a_well_formed_response_to_a_single_send_takes_nothing() {
    for (status, body) in [
        (
            200,
            r#"{"id":"m-1","originator":"Test","recipient":"44700011122","body":"This is a test message","routeId":"mglobal","reference":null,"campaignId":null}"#,
        ),
        (
            200,
            r#"{"success":true,"record":{"id":"m-1","type":"SingleSMS","scheduled":"2026-09-04T09:00:00.000Z"}}"#,
        ),
        (
            200,
            r#"{"text":"Hi","originator":"Brand","recipient":"61400000000","shortenUrls":true,"excludeOptouts":true,"id":"proxied_1"}"#,
        ),
        (200, r#"{"id":"m-1","text":"Grüße 👋🏽 аж до завтра"}"#),
        (401, r#"{"code":401,"message":"Unauthorized"}"#),
        (403, r#"{"code":403,"message":"Recipient is opted out: 44XXXXXXXX"}"#),
        (403, r#"{"error":"API Key is not permitted to perform this action. (read:SingleSMS)"}"#),
        (400, r#"{"error":{"message":"Invalid mobile number"}}"#),
        (400, r#"{"errors":[{"message":"Invalid mobile number"}]}"#),
        (400, r#"{"message":["Invalid mobile number"]}"#),
        (400, r#"{"message":[[["Invalid mobile number"]]]}"#),
        (403, r#"{"type":"about:blank","title":"Forbidden","status":403,"detail":"No"}"#),
        (
            500,
            r#"{"timestamp":"2026-09-04","status":500,"error":"Internal Server Error","path":"/send/single"}"#,
        ),
    ] {
        let heap = heap_of(|| single(status, body.as_bytes()));
        assert_eq!(heap.allocations, 0, "{status} {body}");
    }
}

#[test]
fn what_does_not_begin_as_an_object_takes_nothing() {
    let page = [&b"<html>\xFF"[..], &vec![b'x'; MIB]].concat();
    let endless_title = [&b"<title>"[..], &vec![b't'; MIB]].concat();
    let half_character = [&b"<title>403</title>"[..], "é".repeat(MIB / 2).as_bytes()].concat();
    let text = vec![b'a'; MIB];
    let longest_text = vec![b'a'; 1024];
    let lists = vec![b'['; MIB];
    let digits = vec![b'7'; MIB];
    for body in [
        &b""[..],
        b"\n ",
        b"<html>",
        b"<html><head><title> 403 Forbidden </title>",
        b"<?php",
        b"<?xml version=\"1.0\"?>",
        b"\x1F\x8B\x08\0",
        b"[1,{}]",
        br#"["x"]"#,
        br#""\ud83d""#,
        b"null",
        b"1e999",
        b"Bad Gateway",
        b"\xEF\xBB\xBF error code: 1020\r\n",
        b"Recipient is opted out: 447700900123",
        b"Recipient is opted out\xFF",
        b"\xFF\xFE{\0}\0",
        &page,
        &endless_title,
        &half_character,
        &text,
        &longest_text,
        &lists,
        &digits,
    ] {
        for status in [0, 200, 403, 502] {
            assert_eq!(heap_of(|| single(status, body)).allocations, 0, "{}", body.escape_ascii());
            assert_eq!(heap_of(|| batch(status, body)).allocations, 0, "{}", body.escape_ascii());
        }
    }
}

/// One allocation for each text that is no part of the body, and one scratch that all share; a body
/// that is not valid is copied first, and once more for each text that outlives the copy.
#[test]
fn texts_that_must_be_made_are_made_once() {
    const KEYS: [&str; 8] = [
        "id", "originator", "recipient", "body", "routeId", "reference", "campaignId", "scheduled",
    ];
    for (value, each, shared) in [
        (&b"7"[..], 1, 0),
        (br#""a\nb""#, 1, 1),
        (br#""a\ud83c\udf89b""#, 1, 1),
        (br#""\u0041\u002F""#, 1, 1),
        (br#""\ud83d""#, 1, 3),
        (br#""\udc00\ud83d""#, 1, 3),
        (b"\"a\xFFb\"", 1, 3),
    ] {
        for concerned in 1..=KEYS.len() {
            let mut body = br#"{"success":true"#.to_vec();
            for (at, key) in KEYS.iter().enumerate() {
                let value = if at < concerned { value } else { b"null" };
                body.extend([b",\"", key.as_bytes(), b"\":", value].concat());
            }
            body.push(b'}');
            let heap = heap_of(|| single(200, &body));
            let allowed = each * concerned + shared;
            assert_eq!(heap.allocations, allowed, "{concerned}: {}", body.escape_ascii());
        }
    }
}

#[test]
fn a_batch_takes_its_list() {
    let entry = r#"{"originator":"Brand","recipient":"447700900123","text":"Hi","reference":"r"}"#;
    let body = format!(r#"{{"id":"b-1","recipients":[{}]}}"#, vec![entry; 1000].join(","));
    assert_eq!(
        BatchOutcome::decode(200, body.as_bytes()).success().unwrap().recipients.len(),
        1000
    );
    // Room for 4 entries at first, then twice as much each time.
    assert_eq!(heap_of(|| batch(200, body.as_bytes())).allocations, 9);
}

#[test]
fn a_number_is_compared_without_a_copy() {
    let failure = Failure::new(403, "Recipient is opted out: 447700900123");
    let number = failure.opted_out_number().unwrap();
    let heap = heap_of(|| assert!(number.matches(black_box("+44 (7700) 900-123"))));
    assert_eq!(heap.allocations, 0);
}

#[test]
fn hostile_texts() {
    let filled = |before, unit, after| filled(LARGE, before, unit, after);
    let half = LARGE / 2;
    within_bounds([
        ("escapes in message", filled(br#"{"message":""#, br"\n", br#""}"#)),
        ("lone surrogates in message", filled(br#"{"message":""#, br"\ud800", br#""}"#)),
        ("pairs in message", filled(br#"{"message":""#, br"\ud83d\ude00", br#""}"#)),
        ("pairs and a lone half", filled(br#"{"message":"\udc00"#, br"\ud83d\ude00", br#""}"#)),
        ("0xFF in message", filled(br#"{"message":""#, b"\xFF", br#""}"#)),
        ("0xFF, then one escape", filled(br#"{"message":""#, b"\xFF", br#"\n"}"#)),
        ("one escape, then 0xFF", filled(br#"{"message":"\n"#, b"\xFF", br#""}"#)),
        ("escape and 0xFF by turns", filled(br#"{"message":""#, b"\\n\xFF", br#""}"#)),
        ("surrogate and 0xFF by turns", filled(br#"{"message":""#, b"\\ud800\xFF", br#""}"#)),
        ("0xFF in another key", filled(br#"{"a":""#, b"\xFF", br#"","message":"\n"}"#)),
        ("half escapes, half 0xFF", {
            let escapes = br"\n".repeat(half / 2 - 8);
            [br#"{"message":""#, &*escapes, &b"\xFF".repeat(half - 16), br#""}"#].concat()
        }),
        ("half 0xFF, half escapes", {
            let escapes = br"\n".repeat(half / 2 - 8);
            [br#"{"message":""#, &*b"\xFF".repeat(half - 16), &escapes, br#""}"#].concat()
        }),
        ("emoji in message", filled(br#"{"message":""#, "👋".as_bytes(), br#""}"#)),
        ("emoji and a control character", filled(b"{\"message\":\"\x01", "👋".as_bytes(), b"\"}")),
        ("backslashes", filled(br#"{"message":""#, br"\\", br#""}"#)),
        ("an unfinished escape", filled(br#"{"message":""#, br"\\", br"\")),
        ("a string without an end", filled(br#"{"id":"m","message":""#, b"a", b"")),
        ("an escaped key", filled(br#"{""#, br"\n", br#"":0}"#)),
        ("0xFF in a key", filled(br#"{""#, b"\xFF", br#"":0}"#)),
        ("a text in each of two fields", {
            let text = b"\\n\xFF".repeat(half / 3 - 16);
            [br#"{"message":""#, &*text, br#"","error":""#, &text, br#""}"#].concat()
        }),
    ]);
}

/// The search for a notice takes time linear in the text, and nothing from the heap: were it to
/// grow with the square, these would not end.
#[test]
fn hostile_notices() {
    let filled = |before, unit, after| filled(16 * MIB, before, unit, after);
    for (name, body) in [
        ("recipients", filled(br#"{"message":""#, b"recipient ", br#""}"#)),
        ("nearly a notice", filled(br#"{"message":""#, b"recipient is opted ", br#""}"#)),
        ("hedged notices", filled(br#"{"message":""#, b"if a recipient opted out, ", br#""}"#)),
        (
            "hedged notices in one clause",
            filled(br#"{"message":""#, b"if a recipient is opted out ", br#""}"#),
        ),
        ("names", filled(br#"{"message":""#, b"a recipient_opted_out ", br#""}"#)),
        ("joined names", filled(br#"{"message":"a "#, b"recipient_opted_out_", br#""}"#)),
        (
            "words before a notice",
            filled(br#"{"message":""#, b"the ", br#"recipient is opted out"}"#),
        ),
        ("nested notices", {
            let notice = b"recipient opted out? ".repeat(16 * MIB / 21 - 4);
            [br#"{"errors":[{"message":[""#, &*notice, br#""]}]}"#].concat()
        }),
        (
            "notices without a number",
            filled(br#"{"error":""#, b"recipient opted out: 12 ", br#""}"#),
        ),
        ("half numbers", filled(br#"{"error":""#, b"recipient opted out: 1234567-1 ", br#""}"#)),
        ("a gap before a notice", filled(br#"{"error":""#, b" ", br#"recipient opted out"}"#)),
        ("a gap within a notice", filled(br#"{"error":"recipient"#, b"_", br#"opted out"}"#)),
        ("a gap behind a number", {
            filled(br#"{"error":"recipient opted out: 1234567"#, b" ", br#"1"}"#)
        }),
        ("a word before a notice", filled(br#"{"error":""#, b"r", br#"recipient opted out"}"#)),
        ("digits", filled(br#"{"error":"recipient opted out:"#, b"7", br#""}"#)),
    ] {
        assert_eq!(heap_of(|| single(403, &body)).allocations, 0, "{name}");
    }
}

#[test]
fn hostile_shapes() {
    let filled = |before, unit, after| filled(LARGE, before, unit, after);
    let half = LARGE / 2 - 16;
    let closed = |open: &[u8], close: &[u8]| {
        [
            br#"{"id":"m-1","a":"#,
            &*open.repeat(half / open.len()),
            &close.repeat(half / open.len()),
            b"}",
        ]
        .concat()
    };
    within_bounds([
        ("tiny keys", filled(br#"{"id":"m-1""#, br#","":0"#, b"}")),
        ("lists in an unknown key", filled(br#"{"a":"#, b"[", b"")),
        ("lists in an unknown key, closed", closed(b"[", b"]")),
        ("objects in an unknown key", filled(br#"{"a":"#, br#"{"":"#, b"")),
        ("lists in a known key", filled(br#"{"message":"#, b"[", b"")),
        ("objects in a known key", filled(br#"{"id":"#, br#"{"id":"#, b"")),
        ("lists in errors, in an object", filled(br#"{"errors":"#, b"[", b"")),
        ("lists in errors, closed", {
            let open = b"[".repeat(half - 8);
            [br#"{"errors":"#, &*open, &b"]".repeat(half - 8), b"}"].concat()
        }),
        ("objects in error", filled(br#"{"error":"#, br#"{"error":"#, b"")),
        ("objects in lists in errors", filled(br#"{"errors":"#, br#"[{"errors":"#, b"")),
        ("many errors", filled(br#"{"errors":["#, br#"{"message":"a"},"#, b"{}]}")),
        ("many errors, escaped", filled(br#"{"errors":["#, br#"{"message":"\n"},"#, b"{}]}")),
        ("many errors, lone surrogates", {
            filled(br#"{"errors":["#, br#"{"message":"\ud800"},"#, b"{}]}")
        }),
        ("many errors, 0xFF", filled(br#"{"errors":["#, b"{\"message\":\"\xFF\"},", b"{}]}")),
        ("many titles", filled(br#"{"errors":["#, br#"{"title":7},"#, b"{}]}")),
        ("many messages", filled(br#"{"message":["#, br#""\n","#, b"0]}")),
        ("empty lists", filled(br#"{"message":["#, b"[[]],", b"0]}")),
        ("a repeated nested message", {
            filled(br#"{"error":{"#, br#""message":"\n","#, br#""id":0}}"#)
        }),
        ("a nested escape", filled(br#"{"errors":[{"detail":[""#, br"\n", br#""]}]}"#)),
        ("a nested lone surrogate", filled(br#"{"errors":[{"detail":[""#, br"\ud800", br#""]}]}"#)),
        ("a nested text without an end", filled(br#"{"errors":[{"detail":[""#, br"\n", b"")),
        ("five texts", {
            let text = br"\n".repeat(half / 5 - 16);
            let keys = ["message", "error", "errors", "detail", "title"];
            let fields = keys.map(|key| [b"\"", key.as_bytes(), b"\":\"", &text, b"\","].concat());
            [b"{", &*fields.concat(), br#""id":"m-1"}"#].concat()
        }),
        ("records in records", filled(br#"{"record":"#, br#"{"record":"#, b"")),
        ("a list of nothing", filled(br#"{"error":["#, b"0,", b"0]}")),
        ("an error of many keys", filled(br#"{"error":{"#, br#""":0,"#, br#""":0}}"#)),
        ("a repeated message", filled(b"{", br#""message":"\n","#, br#""id":"m-1"}"#)),
        ("a repeated record", filled(b"{", br#""record":{"id":"1"},"#, br#""id":"m-1"}"#)),
        ("a repeated number", filled(b"{", br#""id":7,"#, br#""id":"m-1"}"#)),
        ("a repeated message, 0xFF", filled(b"{", b"\"message\":\"\\n\xFF\",", br#""id":"m-1"}"#)),
        ("digits", filled(br#"{"id":"#, b"9", b"}")),
        ("digits without an end", filled(br#"{"id":"#, b"9", b"")),
        ("a fraction", filled(br#"{"id":0."#, b"9", b"}")),
        ("whitespace", filled(br#"{"id":"m-1""#, b" ", b"}")),
        ("whitespace behind", filled(br#"{"id":"m-1"}"#, b"\n", b"")),
    ]);
}

#[test]
fn hostile_lists_of_recipients() {
    let filled = |before, unit, after| filled(LARGE, before, unit, after);
    let half = LARGE / 2;
    within_bounds([
        ("empty objects", filled(br#"{"id":"b","recipients":["#, b"{},", b"{}]}")),
        ("zeroes", filled(br#"{"id":"b","recipients":["#, b"0,", b"0]}")),
        ("numbers as texts", filled(br#"{"id":"b","recipients":["#, br#"{"text":7},"#, b"0]}")),
        ("short texts", filled(br#"{"id":"b","recipients":["#, br#"{"text":""},"#, b"0]}")),
        ("nulls", filled(br#"{"id":"b","recipients":["#, br#"{"text":null},"#, b"0]}")),
        ("escapes", filled(br#"{"id":"b","recipients":["#, br#"{"text":"\n"},"#, b"0]}")),
        (
            "lone surrogates",
            filled(br#"{"id":"b","recipients":["#, br#"{"text":"\ud800"},"#, b"0]}"),
        ),
        ("0xFF", filled(br#"{"id":"b","recipients":["#, b"{\"text\":\"\xFF\"},", b"0]}")),
        ("one lone surrogate at the end, when the list has just grown", {
            let entries = br#"{"text":7},"#.repeat((1 << 17) + 1);
            [br#"{"id":"b","recipients":["#, &*entries, br#"{"text":"\ud800"}]}"#].concat()
        }),
        ("under messages", filled(br#"{"id":"b","messages":["#, br#"{"text":""},"#, b"0]}")),
        ("under both keys", {
            let entries = br#"{"text":""},"#.repeat(half / 12 - 4);
            let list = |key: &[u8]| [b"\"", key, b"\":[", &*entries, b"0]"].concat();
            [br#"{"id":"b","#, &*list(b"recipients"), b",", &list(b"messages"), b"}"].concat()
        }),
        ("under both keys, one lone surrogate at the end", {
            let entries = br#"{"text":""},"#.repeat(half / 12 - 8);
            let list = |key: &[u8]| [b"\"", key, b"\":[", &*entries, b"0]"].concat();
            let end = br#","reference":"\ud800"}"#;
            [br#"{"id":"b","#, &*list(b"recipients"), b",", &list(b"messages"), end].concat()
        }),
        ("no end", filled(br#"{"id":"b","recipients":["#, br#"{"text":""},"#, b"")),
        (
            "in a record",
            filled(br#"{"record":{"id":"b","recipients":["#, br#"{"text":""},"#, b"0]}}"),
        ),
        ("repeated", filled(br#"{"id":"b""#, br#","recipients":[{"text":""}]"#, b"}")),
        ("lists in lists", filled(br#"{"id":"b","recipients":["#, b"[", b"")),
    ]);
}

fn filled(len: usize, before: &[u8], unit: &[u8], after: &[u8]) -> Vec<u8> {
    let count = (len - before.len() - after.len()) / unit.len();
    [before, &unit.repeat(count), after].concat()
}

fn within_bounds<const N: usize>(bodies: [(&str, Vec<u8>); N]) {
    for (name, body) in bodies {
        for status in [200, 403] {
            let peak = heap_of(|| single(status, &body)).peak;
            assert!(peak <= 16 * body.len() + (64 << 10), "{name}, {status}: {peak}");
        }
        let peak = heap_of(|| batch(200, &body)).peak;
        assert!(peak <= 40 * body.len() + (64 << 10), "{name}, batch: {peak}");
    }
}

fn single(status: u16, body: &[u8]) {
    let outcome = SendOutcome::decode(status, black_box(body));
    black_box(outcome.failure().and_then(Failure::opted_out_number));
}

fn batch(status: u16, body: &[u8]) {
    let outcome = BatchOutcome::decode(status, black_box(body));
    black_box(outcome.failure().and_then(Failure::opted_out_number));
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
        heap.live = heap.live.saturating_add(size);
        heap.peak = heap.peak.max(heap.live);
        HEAP.set(heap);
    }

    fn remove(size: usize) {
        let mut heap = HEAP.get();
        // What was taken before the work began may be given back within it.
        heap.live = heap.live.saturating_sub(size);
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

    /// The conservative count: while it copies, both the old and the new memory are live.
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        Self::add(size);
        Self::remove(layout.size());
        // SAFETY: the caller's promise is `System`'s.
        unsafe { System.realloc(memory, layout, size) }
    }
}
