//! What libcurl does if left alone, and that its recipe leaves it none of it.

use std::time::Duration;

use ::curl::easy::Easy;
use recipes::curl;

use crate::{
    clients::{Attempt, JSON, KEY, PATIENT},
    mobivate::{Act, Server},
};

/// The connection is kept after the first response, and closes on its second request without one.
const CLOSES: &[Act] = &[Act::CloseTheKept, Act::Write(ACCEPTED)];
const ACCEPTED: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n{\"id\":\"m-1\"}";

/// A POST as in libcurl's manual.
fn plain(url: &str) -> Easy {
    let mut easy = Easy::new();
    easy.proxy("").unwrap();
    easy.timeout(PATIENT).unwrap();
    easy.url(url).unwrap();
    easy.post(true).unwrap();
    easy.post_fields_copy(JSON.as_bytes()).unwrap();
    easy.write_function(|piece| Ok(piece.len())).unwrap();
    easy
}

fn accepted(attempt: curl::Attempt) -> bool {
    Attempt::from(attempt).outcome().is_success()
}

/// Two sends, three requests at the server, each of which may be a message to the recipient, and 200
/// twice.
#[test]
fn a_kept_connection_that_closes_makes_libcurl_resend() {
    for max_age in [None, Some(Duration::from_secs(1))] {
        let server = Server::raw(CLOSES);
        let mut easy = plain(&server.url("", ""));
        if let Some(max_age) = max_age {
            easy.maxage_conn(max_age).unwrap();
        }
        for _ in 0..2 {
            easy.perform().unwrap();
            assert_eq!(easy.response_code().unwrap(), 200);
        }
        assert_eq!((server.requests().len(), server.connections()), (3, 2), "{max_age:?}");
    }
}

#[test]
fn the_recipe_sends_once() {
    let server = Server::raw(CLOSES);
    let mut easy = Easy::new();
    for _ in 0..2 {
        assert!(accepted(curl::send(&mut easy, PATIENT, &server.url("", ""), KEY, JSON)));
    }
    assert_eq!((server.requests().len(), server.connections()), (2, 2));
}

/// `fresh_connect`: what the handle kept from another use is not used.
#[test]
fn the_recipe_uses_no_connection_that_was_kept_before() {
    let server = Server::raw(CLOSES);
    let mut easy = plain(&server.url("", ""));
    easy.perform().unwrap();
    assert!(accepted(curl::send(&mut easy, PATIENT, &server.url("", ""), KEY, JSON)));
    assert_eq!((server.requests().len(), server.connections()), (2, 2));
}

/// `forbid_reuse`: it leaves no idle connection behind, which another use of the handle would meet.
#[test]
fn the_recipe_keeps_no_connection() {
    let server = Server::raw(CLOSES);
    let mut easy = Easy::new();
    assert!(accepted(curl::send(&mut easy, PATIENT, &server.url("", ""), KEY, JSON)));
    easy.fresh_connect(false).unwrap();
    easy.write_function(|piece| Ok(piece.len())).unwrap();
    easy.perform().unwrap();
    assert_eq!((server.requests().len(), server.connections()), (2, 2));
}

/// The error alone does not tell whether anything was sent; the size of the request does.
#[test]
fn one_error_before_and_after_the_sending() {
    let silent = Server::raw(&[Act::Silence]);
    let mut easy = plain(&silent.url("", ""));
    easy.timeout(Duration::from_millis(300)).unwrap();
    assert!(easy.perform().unwrap_err().is_operation_timedout());
    assert!(easy.request_size().unwrap() > 0);

    let http_0_9 = Server::raw(&[Act::Write(b"{\"id\":\"m-1\"}"), Act::Close]);
    let easy = plain(&http_0_9.url("", ""));
    assert!(easy.perform().unwrap_err().is_unsupported_protocol());
    assert!(easy.request_size().unwrap() > 0);

    let easy = plain("gopher://127.0.0.1/send/single");
    assert!(easy.perform().unwrap_err().is_unsupported_protocol());
    assert_eq!(easy.request_size().unwrap(), 0);
}

#[test]
fn what_libcurl_cannot_send_to_was_not_sent() {
    let mut easy = Easy::new();
    for url in ["gopher://127.0.0.1/", "http://", "http://127.0.0.1:x/", "", "http://\0"] {
        let sent = curl::send(&mut easy, PATIENT, url, KEY, JSON);
        assert!(matches!(sent, curl::Attempt::NotSent(_)), "{url:?}: {sent:?}");
    }
}

/// An interim response does not count, and its header fields are not those of the response.
#[test]
fn an_interim_response_precedes_the_response() {
    let server = Server::raw(&[
        Act::Write(b"HTTP/1.1 103 Early Hints\r\nretry-after: 7\r\n\r\n"),
        Act::Write(ACCEPTED),
    ]);
    let sent = curl::send(&mut Easy::new(), PATIENT, &server.url("", ""), KEY, JSON);
    let curl::Attempt::Response { status: 200, retry_after: None, .. } = sent else {
        panic!("{sent:?}")
    };
}

/// Neither the status nor the size of an earlier request stands for this one's.
#[test]
fn an_earlier_send_leaves_nothing_behind() {
    let server = Server::raw(CLOSES);
    let silent = Server::raw(&[Act::Silence]);
    let mut easy = plain(&server.url("", ""));
    let mut attempt = |url: &str, timeout| curl::send(&mut easy, timeout, url, KEY, JSON);
    assert!(accepted(attempt(&server.url("", ""), PATIENT)));
    let sent = attempt(&silent.url("", ""), Duration::from_millis(300));
    assert!(matches!(sent, curl::Attempt::NoResponse(_)), "{sent:?}");
    let sent = attempt("http://", PATIENT);
    assert!(matches!(sent, curl::Attempt::NotSent(_)), "{sent:?}");
}

/// Settings of another use are reset: a handle that fails on an error response loses its body.
#[test]
fn earlier_settings_are_reset() {
    let server = Server::mobivate();
    let mut easy = Easy::new();
    easy.fail_on_error(true).unwrap();
    easy.follow_location(true).unwrap();
    let url = server.url("inferred/403-opted-out", "content-length");
    let sent = Attempt::from(curl::send(&mut easy, PATIENT, &url, KEY, JSON));
    assert!(sent.outcome().failure().unwrap().kind == mobivate_response::FailureKind::OptedOut);
}

/// The documented request; no `Expect`, which libcurl adds to a large body, and no compression.
#[test]
fn the_request() {
    let server = Server::raw(&[Act::Write(ACCEPTED)]);
    let json = format!(r#"{{"messages":[{{"text":"{}"}}]}}"#, "x".repeat(2 << 20));
    for json in [JSON, &json] {
        let mut easy = Easy::new();
        assert!(accepted(curl::send(&mut easy, PATIENT, &server.url("", ""), KEY, json)));
    }
    for (head, length) in server.heads().iter().zip([JSON.len(), json.len()]) {
        let mut lines: Vec<_> = head.lines().filter(|line| !line.starts_with("host:")).collect();
        assert!(lines.remove(0).ends_with(" http/1.1"), "{head}");
        lines.sort_unstable();
        let expected = [
            "accept: */*",
            "authorization: bearer key",
            &format!("content-length: {length}"),
            "content-type: application/json",
        ];
        assert_eq!(lines, expected);
    }
    assert_eq!(server.heads().len(), 2);
}
