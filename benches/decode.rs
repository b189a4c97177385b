//! Measures how long it takes to read a response, with this crate and with code written by hand.
//!
//! The hand-written code checks the status, reads derived structs with `serde_json` or `sonic-rs`,
//! and borrows the texts. It reads the fields that this crate reads, but it isn't lenient, it knows
//! one opt-out notice only, and it doesn't look for the title of a page.

use std::{borrow::Cow, hint::black_box};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mobivate_response::{BatchOutcome, Failure, FailureKind, OptedOutNumber, Outcome, SendOutcome};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

criterion_group!(benches, responses, growth);
criterion_main!(benches);

fn responses(c: &mut Criterion) {
    for (name, file) in [
        ("success-compact", include_str!("../tests/responses/documented/200-single-compact.http")),
        ("success-pretty", include_str!("../tests/responses/documented/200-single-pretty.http")),
        ("success-vortex", include_str!("../tests/responses/observed/200-vortex-single.http")),
        ("401", include_str!("../tests/responses/documented/401-unauthorized.http")),
        ("opted-out", include_str!("../tests/responses/inferred/403-opted-out.http")),
        ("permission", include_str!("../tests/responses/observed/403-permission-read.http")),
        ("502-page", include_str!("../tests/responses/inferred/502-html-page.http")),
    ] {
        let (head, body) = file.split_once("\n\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        compare::<_, Single<'_, Single<'_>>>(c, name, status, body.as_bytes(), SendOutcome::decode);
    }
    let file = include_str!("../tests/responses/documented/200-batch.http");
    let mut batch: Value = serde_json::from_str(file.split_once("\n\n").unwrap().1).unwrap();
    batch["recipients"] = vec![batch["recipients"][0].clone(); 100].into();
    let body = Vec::leak(batch.to_string().into());
    compare::<_, Batch<'_, Batch<'_>>>(c, "batch-of-100", 200, body, BatchOutcome::decode);
}

fn growth(c: &mut Criterion) {
    for (name, before, unit, after) in [
        ("long-text", r#"{"id":"m-1","body":""#, "a", r#""}"#),
        ("unknown-keys", r#"{"id":"m-1""#, r#","key":"value""#, "}"),
        ("nesting", r#"{"id":"m-1","deep":"#, "[", ""),
        ("escapes", r#"{"id":"m-1","body":""#, r"\n", r#""}"#),
        ("lone-surrogates", r#"{"id":"m-1","body":""#, r"\ud83d", r#""}"#),
    ] {
        let mut group = c.benchmark_group(format!("growth-{name}"));
        for (size, len) in [("1-KiB", 1 << 10), ("32-KiB", 1 << 15), ("1-MiB", 1 << 20)] {
            let count = (len - before.len() - after.len()) / unit.len();
            let body = [before, &unit.repeat(count), after].concat();
            group.throughput(Throughput::Bytes(body.len() as u64));
            let decode = || SendOutcome::decode(200, black_box(body.as_bytes()));
            group.bench_function(size, |b| b.iter(decode));
        }
    }
}

/// Asserts that all three read the same, then measures them.
fn compare<T: Serialize, A: Accepted + Deserialize<'static> + Serialize>(
    c: &mut Criterion,
    name: &str,
    status: u16,
    body: &'static [u8],
    decode: fn(u16, &'static [u8]) -> Outcome<'static, T>,
) {
    macro_rules! read_with {
        ($json:ident) => {
            |status, body| by_hand(status, || $json::from_slice(body), || $json::from_slice(body))
        };
    }
    let by_hand: [(_, ByHand<A>); 2] =
        [("serde_json", read_with!(serde_json)), ("sonic-rs", read_with!(sonic_rs))];
    let expected = match decode(status, body) {
        Outcome::Success(accepted) => json!(accepted),
        Outcome::Failure(failure) => {
            let number = failure.opted_out_number().map(OptedOutNumber::as_str);
            json!([failure.kind, (status != 502).then_some(&failure.detail), number, failure.id])
        }
    };
    for (reader, read) in by_hand {
        let read = match read(status, body) {
            Ok(accepted) => json!(accepted),
            Err(error) => json!([error.kind, error.detail, error.opted_out_number(), error.id]),
        };
        assert_eq!(read.get("record").unwrap_or(&read), &expected, "{name}, {reader}");
    }

    let mut group = c.benchmark_group(name);
    group.bench_function("this-crate", |b| {
        b.iter(|| {
            let outcome = decode(black_box(status), black_box(body));
            black_box(outcome.failure().and_then(Failure::opted_out_number));
            outcome
        });
    });
    for (reader, read) in by_hand {
        group.bench_function(reader, |b| {
            b.iter(|| {
                let outcome = read(black_box(status), black_box(body));
                black_box(outcome.as_ref().err().and_then(Error::opted_out_number));
                outcome
            });
        });
    }
}

type ByHand<A> = fn(u16, &'static [u8]) -> Result<A, Error<'static>>;

fn by_hand<'a, A: Accepted, E>(
    status: u16,
    accepted: impl FnOnce() -> Result<A, E>,
    error: impl FnOnce() -> Result<ErrorResponse<'a>, E>,
) -> Result<A, Error<'a>> {
    if matches!(status, 200..=299) {
        let accepted = accepted().ok().filter(A::is_accepted);
        return accepted.ok_or(Error { kind: FailureKind::Unconfirmed, detail: None, id: None });
    }
    let ErrorResponse { code, id, message, error, errors, detail, title } =
        error().unwrap_or_default();
    let detail = message.or(error).or_else(|| errors?.into_iter().next()).or(detail).or(title);
    let mut error = Error { kind: FailureKind::Unconfirmed, detail, id };
    error.kind = match code.unwrap_or(status) {
        500..=599 => FailureKind::ServerError,
        _ if error.opted_out_number().is_some() => FailureKind::OptedOut,
        400 => FailureKind::BadRequest,
        401 => FailureKind::Unauthorized,
        402 => FailureKind::OutOfCredit,
        403 => FailureKind::Forbidden,
        429 => FailureKind::RateLimited,
        300..=499 => FailureKind::Misconfigured,
        _ => FailureKind::Unconfirmed,
    };
    Err(error)
}

struct Error<'a> {
    kind: FailureKind,
    detail: Option<Text<'a>>,
    id: Option<Text<'a>>,
}

impl Error<'_> {
    fn opted_out_number(&self) -> Option<&str> {
        let number = self.detail.as_ref()?.0.strip_prefix("Recipient is opted out: ")?;
        let is_number = number.bytes().all(|c| matches!(c, b'0'..=b'9' | b'X'));
        (is_number && matches!(number.len(), 7..=15)).then_some(number)
    }
}

/// A text that serde borrows where it can. In an `Option<Cow<str>>` it doesn't.
#[derive(Deserialize, Serialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

trait Accepted {
    fn is_accepted(&self) -> bool;
}

/// A struct for both APIs. The fields are in a `record`, or at the top without one.
macro_rules! accepted {
    ($name:ident { $($(#[$alias:meta])? $field:ident: $type:ty,)* }) => {
        #[derive(Deserialize, Serialize)]
        #[serde(rename_all(deserialize = "camelCase"))]
        struct $name<'a, R = ()> {
            #[serde(skip_serializing)] success: Option<bool>,
            #[serde(skip_serializing)] code: Option<u16>,
            #[serde(skip_serializing, borrow)] error: Option<Text<'a>>,
            #[serde(skip_serializing_if = "Option::is_none")] record: Option<R>,
            id: Option<Text<'a>>,
            #[serde(skip_serializing_if = "Option::is_none")] route_id: Option<Text<'a>>,
            #[serde(skip_serializing_if = "Option::is_none", alias = "scheduleDateTime")]
            scheduled: Option<Text<'a>>,
            #[serde(skip_serializing_if = "Option::is_none")] recipient_count: Option<u64>,
            $(
                $(#[$alias])? #[serde(skip_serializing_if = "Option::is_none")] $field: Option<$type>,
            )*
        }

        impl Accepted for $name<'_, $name<'_>> {
            fn is_accepted(&self) -> bool {
                let record_id = self.record.as_ref().and_then(|record| record.id.as_ref());
                record_id.or(self.id.as_ref()).is_some() && self.error.is_none() && self.success != Some(false)
                    && matches!(self.code, None | Some(200..=299))
            }
        }
    };
}

accepted!(Single {
    originator: Text<'a>,
    recipient: Text<'a>,
    #[serde(alias = "text")] body: Text<'a>,
    reference: Text<'a>,
    campaign_id: Text<'a>,
});

accepted!(Batch {
    name: Text<'a>,
    shorten_urls: bool,
    #[serde(alias = "excludeOptOuts")] exclude_optouts: bool,
    exclude_duplicates: bool,
    spread_hours: u64,
    #[serde(alias = "messages")] recipients: Vec<Recipient<'a>>,
});

#[derive(Deserialize, Serialize)]
#[serde(rename_all(deserialize = "camelCase"))]
#[expect(clippy::struct_field_names, reason = "they are the names on the wire")]
struct Recipient<'a> {
    #[serde(borrow)]
    originator: Option<Text<'a>>,
    recipient: Option<Text<'a>>,
    text: Option<Text<'a>>,
    reference: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    route_id: Option<Text<'a>>,
}

#[derive(Default, Deserialize)]
struct ErrorResponse<'a> {
    code: Option<u16>,
    #[serde(borrow)]
    id: Option<Text<'a>>,
    message: Option<Text<'a>>,
    error: Option<Text<'a>>,
    errors: Option<Vec<Text<'a>>>,
    detail: Option<Text<'a>>,
    title: Option<Text<'a>>,
}
