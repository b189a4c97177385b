//! A status came. The response is passed on as it is, or as much of it as arrived.

use std::{
    collections::BTreeMap,
    io::Write as _,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use flate2::{Compression, write::GzEncoder};
use futures_util::stream;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame};
use mobivate_response::FailureKind;
use recipes::response::{BODY_LIMIT, RETRY_AFTER_LIMIT, Response, retry_after};

use crate::{
    clients::{JSON, PATIENT, all, at_once, http1},
    server::{ACCEPTED, Body, DRIPS, Reply, Server, Then, drip},
};

const OPTED_OUT: &[u8] = br#"{"code":403,"message":"Recipient is opted out"}"#;
const CHUNKED_403: &[u8] = b"HTTP/1.1 403 Forbidden\r\ntransfer-encoding: chunked\r\n\r\n\
    2f\r\n{\"code\":403,\"message\":\"Recipient is opted out\"}\r\n";

fn full(body: impl Into<Bytes>) -> Body {
    Full::new(body.into()).boxed()
}

pub(crate) fn reply(status: u16, fields: &[(&str, &str)], body: Body) -> Reply {
    let response = hyper::Response::builder().status(status);
    let response =
        fields.iter().fold(response, |response, (name, value)| response.header(*name, *value));
    Ok(response.body(body)?)
}

/// Redirects aren't followed, and no status makes a client send again, drop the body, or fail. The
/// body's bytes aren't taken for text.
#[test]
fn every_status_is_passed_on_once() {
    const STATUSES: [u16; 32] = [
        200, 201, 202, 206, 300, 301, 302, 303, 305, 307, 308, 400, 401, 402, 403, 404, 407, 408,
        409, 413, 417, 421, 425, 429, 499, 500, 502, 503, 504, 511, 599, 799,
    ];
    const BYTES: &[u8] = b"\xef\xbb\xbf{\"code\":403,\"message\":\"\xff\\ud83d\"}\0\r\n";
    let server = Server::http(|path| {
        let fields = [("location", "/200"), ("retry-after", "7"), ("retry-after", "8")];
        reply(path.parse()?, &fields, full(BYTES))
    });
    for mut client in all(PATIENT) {
        for status in STATUSES {
            let retry_after = Some(Duration::from_secs(7));
            let expected = Response { status, body: BYTES.into(), retry_after };
            let response = client.response(&server.url(&status.to_string()));
            assert!(response == expected, "{}: {response:?}", client.name);
        }
    }
    assert_eq!(server.requests(), 6 * STATUSES.len());
}

#[test]
fn the_body_can_be_absent() {
    let server = Server::http(|path| reply(path.parse()?, &[], full("")));
    for mut client in all(PATIENT) {
        for status in [200, 204, 304, 401] {
            let expected = Response { status, body: Vec::new(), retry_after: None };
            assert_eq!(client.response(&server.url(&status.to_string())), expected);
        }
    }
}

/// The fields of an interim response aren't those of the response, and trailers aren't, either.
#[test]
fn only_the_head_of_the_response_counts() {
    for (response, seconds) in [
        (&b"HTTP/1.1 429 Slow Down\r\nRETRY-AFTER:\t7 \r\ncontent-length: 0\r\n\r\n"[..], Some(7)),
        (b"HTTP/1.1 429 Slow Down\r\nx-retry-after: 7\r\ncontent-length: 0\r\n\r\n", None),
        (
            b"HTTP/1.1 429 Slow Down\r\ntransfer-encoding: chunked\r\ntrailer: retry-after\r\n\r\n\
           1\r\n{\r\n0\r\nretry-after: 7\r\n\r\n",
            None,
        ),
        (
            b"HTTP/1.1 103 Early Hints\r\nretry-after: 7\r\n\r\n\
           HTTP/1.1 429 Slow Down\r\ncontent-length: 0\r\n\r\n",
            None,
        ),
    ] {
        let server = Server::raw(response, Then::Close);
        for mut client in http1(PATIENT) {
            let response = client.response(&server.url(""));
            let seen = (response.status, response.retry_after);
            assert_eq!(seen, (429, seconds.map(Duration::from_secs)), "{}", client.name);
        }
    }
}

#[test]
fn retry_after_is_a_number_of_seconds() {
    let seconds = |value: &[u8]| retry_after(value).map(|wait| wait.as_secs());
    assert_eq!(
        ["0", "7", "3600", "3601"].map(|value| seconds(value.as_bytes())),
        [0, 7, 3600, 3600].map(Some)
    );
    for malformed in
        [&b""[..], b"soon", b"-7", b"7.5", b"7, 8", b"\xff", b"Fri, 31 Dec 2100 23:59:59 GMT"]
    {
        assert_eq!(seconds(malformed), None, "{}", malformed.escape_ascii());
    }
    assert_eq!(RETRY_AFTER_LIMIT, Duration::from_secs(3600));
}

/// A response is decoded as one to a message or as one to a batch, and isn't shown in a log.
#[test]
fn a_response_is_decoded() {
    let response = Response { status: 403, body: OPTED_OUT.into(), retry_after: None };
    assert_eq!(response.outcome().failure().unwrap().kind, FailureKind::OptedOut);
    assert_eq!(response.batch_outcome().failure().unwrap().kind, FailureKind::BatchOptedOut);
    assert_eq!(format!("{response:?}"), "Response { status: 403, retry_after: None, .. }");
}

/// No client asks for compression that it doesn't undo.
#[test]
fn the_request() {
    let server = Server::raw(ACCEPTED, Then::Close);
    for mut client in http1(PATIENT) {
        assert!(client.response(&server.url("")).outcome().is_success());
        let seen = server.seen();
        let (head, body) = seen.last().unwrap().split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("post /?key=secret http/1.1\r\n"), "{}: {head}", client.name);
        assert_eq!(body, JSON, "{}", client.name);
        let fields: BTreeMap<_, _> =
            head.lines().filter_map(|line| line.split_once(": ")).collect();
        let field = |name| fields.get(name).copied();
        let seen = ["content-type", "accept-encoding", "authorization"].map(field);
        let expected = [
            (client.name != "hyper").then_some("application/json"),
            client.decompresses().then_some("gzip"),
            (client.name == "curl").then_some("bearer key"),
        ];
        assert_eq!(seen, expected, "{}", client.name);
    }
}

/// Whether a client decompresses or not, the status stays, and an unreadable body isn't misread.
#[test]
fn compressed_bodies() {
    const GZIP: &[(&str, &str)] = &[("content-encoding", "gzip")];
    fn gzip(body: &[u8]) -> Body {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(body).unwrap();
        full(encoder.finish().unwrap())
    }
    let server = Server::http(|path| match path {
        "gzip" => reply(403, GZIP, gzip(OPTED_OUT)),
        "unnamed" => reply(403, &[], gzip(OPTED_OUT)),
        "misnamed" => reply(403, GZIP, full(OPTED_OUT)),
        _ => reply(403, GZIP, gzip(&vec![b' '; 4 * BODY_LIMIT])),
    });
    for mut client in all(PATIENT) {
        let [read, unread] = [FailureKind::OptedOut, FailureKind::Forbidden];
        let (gzip, misnamed) = if client.decompresses() { (read, unread) } else { (unread, read) };
        client.rejected(&server.url("gzip"), 403, gzip);
        client.rejected(&server.url("unnamed"), 403, unread);
        client.rejected(&server.url("misnamed"), 403, misnamed);
        let length = client.response(&server.url("bomb")).body.len();
        assert_eq!(length == BODY_LIMIT, client.decompresses(), "{}: {length}", client.name);
        assert!(length <= BODY_LIMIT, "{}", client.name);
    }
}

/// What is left of the page isn't read as the next response.
#[test]
fn a_huge_body_is_read_up_to_the_limit() {
    const PAGES: usize = 10_000;
    static SENT: AtomicUsize = AtomicUsize::new(0);
    let server = Server::http(|path| {
        let page = |_| {
            SENT.fetch_add(1, Ordering::SeqCst);
            Ok(Frame::data(Bytes::from_static(&[b' '; 10_000])))
        };
        match path {
            "huge" => reply(502, &[], StreamBody::new(stream::iter((0..PAGES).map(page))).boxed()),
            _ => reply(403, &[], full(OPTED_OUT)),
        }
    });
    for mut client in all(PATIENT) {
        let page = client.response(&server.url("huge"));
        assert_eq!((page.status, page.body.len()), (502, 4 << 20), "{}", client.name);
        client.rejected(&server.url(""), 403, FailureKind::OptedOut);
        assert!(SENT.swap(0, Ordering::SeqCst) < PAGES, "{} stops at the limit", client.name);
    }
    assert_eq!(server.requests(), 12);
}

#[test]
fn a_truncated_body_leaves_the_status() {
    const EMPTY: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 17\r\n\r\n";
    const CUT: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 17\r\n\r\n{\"id\":\"ke";
    const CUT_403: &[u8] =
        b"HTTP/1.1 403 No\r\ncontent-length: 99\r\n\r\n{\"message\":\"Recipient is op";
    for (response, then, status, kind) in [
        (EMPTY, Then::Close, 200, FailureKind::Unconfirmed),
        (EMPTY, Then::Reset, 200, FailureKind::Unconfirmed),
        (CUT, Then::Close, 200, FailureKind::Unconfirmed),
        (CUT_403, Then::Close, 403, FailureKind::Forbidden),
        // The cut is behind the last byte that matters.
        (CHUNKED_403, Then::Close, 403, FailureKind::OptedOut),
    ] {
        let server = Server::acting(move |stream, _| {
            stream.write_all(response)?;
            thread::sleep(Duration::from_millis(500)); // a reset may overtake what was written
            Ok(then)
        });
        at_once(PATIENT, |mut client| client.rejected(&server.url(""), status, kind));
        assert_eq!(server.requests(), 4, "each sends once");
    }
}

#[test]
fn one_byte_at_a_time() {
    let server = Server::acting(|stream, _| {
        for byte in ACCEPTED {
            stream.write_all(&[*byte])?;
            thread::sleep(Duration::from_millis(1));
        }
        Ok(Then::Keep)
    });
    at_once(PATIENT, |mut client| assert!(client.response(&server.url("")).outcome().is_success()));
}

/// The timeout is for the whole send, however late the head comes, and however the body drips. A
/// timeout that starts again with the body would see the opt-out.
#[test]
fn at_the_timeout_what_arrived_counts() {
    let late = Server::acting(|stream, _| {
        thread::sleep(Duration::from_millis(2500));
        stream.write_all(CHUNKED_403.split_at(60).0)?;
        thread::sleep(Duration::from_secs(3));
        stream.write_all(CHUNKED_403.split_at(60).1)?;
        Ok(Then::Close)
    });
    let dripping = Server::acting(|stream, _| {
        stream.write_all(CHUNKED_403)?;
        drip(stream, b"1\r\n \r\n").map(|()| Then::Close)
    });
    for (server, kind) in [(late, FailureKind::Forbidden), (dripping, FailureKind::OptedOut)] {
        at_once(Duration::from_secs(4), |mut client| {
            let response = client.response(&server.url(""));
            let outcome = response.outcome();
            assert_eq!(outcome.failure().unwrap().kind, kind, "{}", client.name);
            assert!(response.body.len() < DRIPS, "{} has a timeout", client.name);
        });
        assert_eq!(server.requests(), 4, "each sends once");
    }
}
