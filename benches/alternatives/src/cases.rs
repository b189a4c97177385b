//! The responses that are measured.

#[path = "../../../tests/support/corpus.rs"]
mod corpus;

use std::fmt;

use corpus::RESPONSES;

use crate::{ALTERNATIVES, Alternative, BATCH_ALTERNATIVES};

/// A response to measure.
pub struct Case {
    /// Its row in the table.
    pub name: String,
    /// Who reads it.
    pub readers: Readers,
    response: Box<dyn Fn() -> (u16, Vec<u8>)>,
}

/// Who reads a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// All alternatives, as the response to a single send.
    Alternatives,
    /// Those who read batches.
    BatchAlternatives,
    /// This crate alone, to see how the cost grows.
    ThisCrate,
}

impl Readers {
    /// Their names and functions.
    #[must_use]
    pub fn alternatives(self) -> &'static [(&'static str, Alternative)] {
        match self {
            Self::Alternatives => ALTERNATIVES,
            Self::BatchAlternatives => BATCH_ALTERNATIVES,
            Self::ThisCrate => &ALTERNATIVES[..1],
        }
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Case").field(&self.name).finish()
    }
}

impl Case {
    fn new(name: impl Into<String>, response: impl Fn() -> (u16, Vec<u8>) + 'static) -> Self {
        Self { name: name.into(), readers: Readers::Alternatives, response: Box::new(response) }
    }

    fn this_crate(
        name: impl Into<String>,
        response: impl Fn() -> (u16, Vec<u8>) + 'static,
    ) -> Self {
        Self { readers: Readers::ThisCrate, ..Self::new(name, response) }
    }

    /// Builds the HTTP status and the body.
    #[must_use]
    pub fn response(&self) -> (u16, Vec<u8>) {
        (self.response)()
    }
}

/// Every case, in the table's order; no body is built yet.
#[must_use]
pub fn all() -> Vec<Case> {
    let mut cases = vec![
        file("success, compact", "documented/200-single-compact"),
        file("success, pretty", "documented/200-single-pretty"),
        file("success, Vortex", "observed/200-vortex-single"),
        file("401", "documented/401-unauthorized"),
        file("403 opted out", "documented/403-opted-out-masked"),
        file("403 permission", "observed/403-permission-read"),
        Case::new("success, text of 1,600 bytes, escapes", || {
            success(&r#"It is \"done\":\nsee you\/me. "#.repeat(54)[..1600])
        }),
        Case::new("success, text of 1,600 bytes, escaped emoji", || {
            success(&r"\ud83c\udf89 Yes!".repeat(94))
        }),
        Case::new("success, text of 1,600 bytes, emoji", || success(&"🎉".repeat(400))),
        Case::new("success, proxied echo, text of 160", || {
            let text = "Your table is booked. ".repeat(8);
            (200, PROXIED_ECHO.replace("TEXT", &text[..160]).into_bytes())
        }),
    ];
    for count in [1, 100, 1000] {
        let case = Case::new(format!("batch of {count}"), move || (200, batch(count)));
        cases.push(Case { readers: Readers::BatchAlternatives, ..case });
    }
    for len in [600, MIB] {
        cases.push(Case::this_crate(format!("502 HTML page, {}", size(len)), move || {
            (502, page(len))
        }));
    }
    for (name, shape) in GROWING {
        for len in [KIB, 32 * KIB, MIB] {
            cases.push(Case::this_crate(format!("{name}, {}", size(len)), move || {
                (200, shape(len))
            }));
        }
    }
    cases
}

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

const PROXIED_ECHO: &str = r#"{"text":"TEXT","originator":"Bistro","recipient":"447700900123","reference":"0b5c9f6e-3a57-4c1d-9a53-7f6f3f1f2a10","shortenUrls":true,"excludeOptouts":true,"id":"proxied_2026-04-14T08:15:30.123Z"}"#;

/// A shape of body, filled to a length: what grows must be all but nothing else.
type Shape = fn(usize) -> Vec<u8>;

const GROWING: &[(&str, Shape)] = &[
    ("one long text", |len| fill(r#"{"id":"m-1","body":""#, "a", r#""}"#, len)),
    ("many unknown keys", |len| fill(r#"{"id":"m-1""#, r#","key":"value""#, "}", len)),
    ("deep nesting", |len| {
        let depth = (len - 18) / 2;
        format!(r#"{{"id":"m-1","deep":{}{}}}"#, "[".repeat(depth), "]".repeat(depth)).into()
    }),
    ("all escapes", |len| fill(r#"{"id":"m-1","body":""#, r"\n", r#""}"#, len)),
    ("lone surrogates", |len| fill(r#"{"id":"m-1","body":""#, r"\ud83d", r#""}"#, len)),
    ("nearly opted out", |len| fill(r#"{"message":""#, "if a recipient opted out, ", r#""}"#, len)),
];

fn fill(before: &str, unit: &str, after: &str, len: usize) -> Vec<u8> {
    let count = (len - before.len() - after.len()) / unit.len();
    format!("{before}{}{after}", unit.repeat(count)).into_bytes()
}

fn file(case: &str, name: &'static str) -> Case {
    Case::new(case, move || {
        let response = RESPONSES.iter().find(|(other, ..)| other == name);
        let (_, status, body) = response.expect("a response file of that name");
        (*status, body.clone())
    })
}

/// The documented success with this text, which stands as it is in the JSON.
fn success(text: &str) -> (u16, Vec<u8>) {
    let (status, body) = file("", "documented/200-single-compact").response();
    let body = String::from_utf8(body).expect("the documented response is UTF-8");
    (status, body.replace("This is a test message", text).into_bytes())
}

/// The documented batch, with so many entries.
fn batch(count: usize) -> Vec<u8> {
    let entries: Vec<_> = (0..count)
        .map(|at| {
            format!(
                r#"{{"originator":"Brand","recipient":"44770090{at:04}","text":"Test Message","reference":"ref-{at:04}","routeId":null}}"#
            )
        })
        .collect();
    let entries = entries.join(",");
    format!(
        r#"{{"id":"fd9157b74bd3475d8716a69683066f0f","name":null,"routeId":"mglobal","shortenUrls":false,"spreadHours":0,"excludeOptouts":true,"excludeDuplicates":false,"scheduleDateTime":null,"recipients":[{entries}]}}"#
    )
    .into()
}

fn page(len: usize) -> Vec<u8> {
    fill("<!DOCTYPE html><html><body>", "x", "</body></html>", len)
}

fn size(len: usize) -> String {
    match len {
        MIB.. => format!("{} MiB", len / MIB),
        KIB.. => format!("{} KiB", len / KIB),
        _ => format!("{len} bytes"),
    }
}
