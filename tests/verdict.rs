//! The verdict, on every combination of what it is reached by.

mod support;

use mobivate_response::{
    BatchOutcome, DeliveryStatus, Failure, FailureKind, Retry, Scope, SendOutcome,
};
use support::{
    assert_invariants,
    reference::{Response, kind},
};

/// Each status that the table names, its neighbors, and the edges of each class.
const STATUSES: [u16; 49] = [
    0, 1, 99, 100, 101, 199, 200, 201, 204, 299, 300, 301, 302, 303, 304, 307, 308, 399, 400, 401,
    402, 403, 404, 405, 406, 407, 408, 409, 410, 412, 413, 414, 421, 422, 423, 428, 429, 430, 451,
    460, 498, 499, 500, 503, 599, 600, 601, 999, 65535,
];

const SUCCESSES: [&str; 10] =
    ["", "null", "true", "false", "1", "0", r#""tRuE""#, r#""FALSE""#, r#"" true""#, "[]"];

const IDS: [&str; 5] = ["", r#""id":"m""#, r#""record":{"id":"m"}"#, r#""id":"""#, r#""id":7"#];

const CODES: [&str; 26] = [
    "", "null", "0", "1", "200", "299", "300", "303", "399", "400", "401", "402", "403", "403.0",
    "404", "409", "429", "499", "500", "599", "600", "-1", "99999", r#""403""#, r#""200""#,
    r#""none""#,
];

const ERRORS: [&str; 5] =
    ["", "null", r#""""#, r#""Recipient has opted out: 447700900123""#, "{\"a\":1}"];

const MESSAGES: [&str; 4] = [
    "",
    r#""Recipient is opted out: 447700900123""#,
    r#""Recipient has not opted out""#,
    r#""Message submitted""#,
];

#[test]
fn every_combination() {
    let field = |key: &str, value: &str| match value {
        "" => String::new(),
        value => format!(r#","{key}":{value}"#),
    };
    for success in SUCCESSES {
        for id in IDS {
            for code in CODES {
                for error in ERRORS {
                    for message in MESSAGES {
                        let id = if id.is_empty() { String::new() } else { format!(",{id}") };
                        let body = format!(
                            r#"{{"type":"response"{}{id}{}{}{}}}"#,
                            field("success", success),
                            field("code", code),
                            field("error", error),
                            field("message", message),
                        );
                        let response = Response::read(body.as_bytes()).unwrap();
                        for status in STATUSES {
                            let outcome = SendOutcome::decode(status, body.as_bytes());
                            assert_eq!(outcome, response.outcome(status), "{status} {body}");
                            let outcome = BatchOutcome::decode(status, body.as_bytes());
                            let expected = response.batch_outcome(status);
                            assert_eq!(outcome, expected, "a batch: {status} {body}");
                        }
                    }
                }
            }
        }
    }
}

/// What else names a code, denies or is a text: with an HTTP status of each class.
#[test]
fn every_combination_of_the_rest() {
    const STATUS_FIELDS: [&str; 8] =
        ["", "null", "200", "403", "503", r#""429""#, r#""FAILED""#, r#""SENT""#];
    const RECORDS: [&str; 5] = [
        "",
        "null",
        r#"{"id":"r"}"#,
        r#"{"id":"r","status":"expired"}"#,
        r#"{"status":"DELIVERED"}"#,
    ];
    const VALUES: [&str; 7] = [
        "",
        "0",
        "[]",
        r#"["x"]"#,
        r#"{"title":"y"}"#,
        r#"[[{"detail":"RECIPIENT_OPTED_OUT"}]]"#,
        r#"[[["0 recipients opted out"]]]"#,
    ];
    let field = |key: &str, value: &str| match value {
        "" => String::new(),
        value => format!(r#","{key}":{value}"#),
    };
    for status_field in STATUS_FIELDS {
        for record in RECORDS {
            for [error, errors, detail] in triples(VALUES) {
                let body = format!(
                    r#"{{"id":"m"{}{}{}{}{}}}"#,
                    field("status", status_field),
                    field("record", record),
                    field("error", error),
                    field("errors", errors),
                    field("detail", detail),
                );
                let response = Response::read(body.as_bytes()).unwrap();
                for status in [0, 200, 302, 403, 429, 502, 600] {
                    let outcome = SendOutcome::decode(status, body.as_bytes());
                    assert_eq!(outcome, response.outcome(status), "{status} {body}");
                    let outcome = BatchOutcome::decode(status, body.as_bytes());
                    assert_eq!(outcome, response.batch_outcome(status), "a batch: {status} {body}");
                }
            }
        }
    }
}

fn triples<const N: usize>(values: [&'static str; N]) -> impl Iterator<Item = [&'static str; 3]> {
    let pairs = move |a| values.into_iter().map(move |b| [a, b]);
    let pairs = values.into_iter().flat_map(pairs);
    pairs.flat_map(move |[a, b]| values.into_iter().map(move |c| [a, b, c]))
}

#[test]
fn every_status_with_a_silent_body() {
    for status in 0..=u16::MAX {
        let outcome = SendOutcome::decode(status, b"");
        assert_invariants(status, b"");
        let failure = outcome.failure().unwrap();
        assert_eq!((failure.status, failure.code), (status, status));
        assert_eq!((failure.kind, &*failure.detail), (kind(status), "empty body"));
    }
}

#[test]
fn every_kind_has_its_retry_and_scope() {
    use FailureKind::{
        BadRequest, BatchOptedOut, Forbidden, Misconfigured, NoResponse, NotSent, OptedOut,
        OutOfCredit, RateLimited, ServerError, Unauthorized, Unconfirmed, Undelivered,
    };
    use Retry::{AfterFix, Later, MayDuplicate, Never};
    use Scope::{Account, Recipient, Request, Service};
    let table = [
        (BadRequest, AfterFix, Request),
        (Unauthorized, AfterFix, Account),
        (OutOfCredit, AfterFix, Account),
        (OptedOut, Never, Recipient),
        (BatchOptedOut, AfterFix, Request),
        (Forbidden, AfterFix, Account),
        (RateLimited, Later, Account),
        (ServerError, MayDuplicate, Service),
        (Misconfigured, AfterFix, Account),
        (Undelivered, MayDuplicate, Request),
        (NoResponse, MayDuplicate, Service),
        (NotSent, Later, Service),
        (Unconfirmed, MayDuplicate, Service),
    ];
    assert!(table.iter().map(|row| row.0).eq(FailureKind::ALL.iter().copied()));
    for (kind, retry, scope) in table {
        let mut failure = Failure::new(kind, "no");
        assert_eq!((failure.retry(), failure.scope()), (retry, scope), "{kind}");
        assert_eq!(DeliveryStatus::Failed(kind).retry(), Some(retry), "{kind}");
        // An id contradicts "not sent", but an opt-out stays one.
        failure.id = Some("m-1".into());
        let expected = if retry == Never { Never } else { MayDuplicate };
        assert_eq!(failure.retry(), expected, "{kind} with an id");
    }
}
