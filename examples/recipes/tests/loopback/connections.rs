//! Kept connections. They're used again while that's safe, and no client resends when one dies.

use std::{io::Write as _, thread};

use http_body_util::BodyExt;
use mobivate_response::FailureKind;
use recipes::response::IDLE_LIMIT;

use crate::{
    clients::{PATIENT, POOLING, all, http1},
    responses::reply,
    server::{ACCEPTED, Server, Then},
};

/// curl's recipe keeps none, because libcurl resends on a kept connection that closes.
#[test]
fn kept_connections_are_used_again() {
    for mut client in http1(PATIENT) {
        let server = Server::raw(ACCEPTED, Then::Keep);
        for _ in 0..12 {
            assert!(client.response(&server.url("")).outcome().is_success());
            thread::sleep(POOLING);
        }
        let (connections, requests) = server.counts();
        assert_eq!(requests, 12);
        assert_eq!(connections < 12, client.name != "curl", "{}: {connections}", client.name);
    }
}

/// The connection dies at its second request.
#[test]
fn a_kept_connection_that_dies_is_no_reason_to_resend() {
    for then in [Then::Close, Then::Reset] {
        for mut client in http1(PATIENT) {
            let server = Server::acting(move |stream, nth| match nth {
                1 => stream.write_all(ACCEPTED).map(|()| Then::Keep),
                _ => Ok(then),
            });
            assert!(client.response(&server.url("")).outcome().is_success());
            thread::sleep(POOLING);
            if client.name == "curl" {
                assert!(client.response(&server.url("")).outcome().is_success());
            } else {
                client.fails(&server.url(""), FailureKind::NoResponse);
            }
            assert_eq!(server.requests(), 2, "{}", client.name);
        }
    }
}

/// The server closes the connection after each response, without saying so.
#[test]
fn a_connection_closed_while_idle_is_not_used_again() {
    for mut client in http1(PATIENT) {
        let server = Server::raw(ACCEPTED, Then::Close);
        for _ in 0..3 {
            assert!(client.response(&server.url("")).outcome().is_success(), "{}", client.name);
            thread::sleep(POOLING);
        }
        assert_eq!(server.requests(), 3, "{}", client.name);
    }
}

/// A server closes a connection that was idle for long, perhaps as the next request arrives.
#[test]
fn a_connection_idle_for_long_is_not_used_again() {
    let mut clients: Vec<_> = all(PATIENT)
        .into_iter()
        .filter(|client| client.name != "hyper, HTTP/2") // not built by the recipe
        .map(|client| (client, Server::http(|_| reply(200, &[], String::new().boxed()))))
        .collect();
    for _ in 0..2 {
        for (client, server) in &mut clients {
            client.rejected(&server.url(""), 200, FailureKind::Unconfirmed);
        }
        thread::sleep(IDLE_LIMIT + POOLING);
    }
    assert_eq!(IDLE_LIMIT.as_secs(), 2);
    for (client, server) in clients {
        assert_eq!(server.counts(), (2, 2), "{}", client.name);
    }
}

/// libcurl asks for a 100 before it sends a large body, and sends again without that after a 417.
#[test]
fn a_417_is_no_reason_to_resend() {
    let json = "x".repeat(2 << 20);
    for mut client in http1(PATIENT) {
        let server = Server::raw(b"HTTP/1.1 417 No\r\ncontent-length: 0\r\n\r\n", Then::Keep);
        assert_eq!(client.send(&server.url(""), &json).unwrap().status, 417);
        assert_eq!(server.requests(), 1, "{}", client.name);
    }
}
