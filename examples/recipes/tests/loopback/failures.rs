//! No status came. The failure says whether the message may have been sent.

use std::{
    env,
    io::Write as _,
    iter,
    net::{Ipv4Addr, TcpStream},
    process::Command,
    time::{Duration, Instant},
};

use mobivate_response::FailureKind;
use recipes::curl;
use socket2::{Domain, Socket, Type};

use crate::{
    clients::{JSON, PATIENT, all, at_once, http1},
    server::{ACCEPTED, Server, Then, drip},
};

#[test]
fn sent_and_no_response() {
    for (response, then) in [
        (&b""[..], Then::Close),
        (b"", Then::Reset),
        (b"HTTP/1.1 200 OK\r\ncontent-le", Then::Close), // half a head
        (b"HTTP/1.1 200 OK\r\n", Then::Reset),
        (b"HTTP/1.1 100 Continue\r\n\r\n", Then::Close), // interim
        (br#"{"id":"m-1"}"#, Then::Close),               // HTTP/0.9
    ] {
        for mut client in http1(PATIENT) {
            let server = Server::raw(response, then);
            client.fails(&server.url(""), FailureKind::NoResponse);
            assert_eq!(server.requests(), 1, "{} sends once", client.name);
        }
    }
}

/// The server may have read enough of a large batch.
#[test]
fn a_server_that_hangs_up_on_a_large_body() {
    let json = "x".repeat(8 << 20);
    for mut client in http1(PATIENT) {
        let server = Server::hanging_up();
        let failure = client.send(&server.url(""), &json).unwrap_err();
        assert_eq!(failure.kind, FailureKind::NoResponse, "{}: {failure}", client.name);
        assert_eq!(server.requests(), 1, "{} sends once", client.name);
    }
}

#[test]
fn the_reason_tells_a_reset_from_a_timeout() {
    for (then, words) in [
        (Then::Reset, &["reset"][..]),
        (Then::Silence, &["timeout", "timedout", "timed out", "elapsed"]),
    ] {
        let server = Server::raw(b"", then);
        at_once(Duration::from_secs(1), |mut client| {
            let reason = client.fails(&server.url(""), FailureKind::NoResponse).to_lowercase();
            assert!(words.iter().any(|word| reason.contains(word)), "{}: {reason}", client.name);
        });
    }
}

#[test]
fn an_endless_head_is_no_response() {
    const SLOW: &[u8] = b"x";
    const FAST: &[u8] = &[b'x'; 1 << 14];
    for piece in [SLOW, FAST] {
        let server = Server::acting(move |stream, _| {
            stream.write_all(b"HTTP/1.1 200 OK\r\nx: ")?;
            drip(stream, piece)?;
            stream.write_all(b"\r\ncontent-length: 0\r\n\r\n").map(|()| Then::Close)
        });
        at_once(Duration::from_secs(2), |mut client| {
            client.fails(&server.url(""), FailureKind::NoResponse);
        });
        assert_eq!(server.requests(), 4, "each sends once");
    }
}

/// A failing HTTP/2 server resets the stream, or says that it refused it.
#[test]
fn a_refused_stream_is_no_reason_to_resend() {
    let server = Server::http(|path| match path {
        "refused" => Err(Box::new(h2::Error::from(h2::Reason::REFUSED_STREAM))),
        _ => Err("fails".into()),
    });
    for path in ["failing", "refused"] {
        for mut client in all(PATIENT) {
            client.fails(&server.url(path), FailureKind::NoResponse);
        }
    }
    assert_eq!(server.requests(), 12, "each sends once");
}

/// Bound but not listening, so that it refuses and the port isn't reused meanwhile.
fn refusing() -> (Socket, String) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&std::net::SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    (socket, format!("http://{address}/?key=secret"))
}

/// A label of 64 characters has no address, which the resolver knows without a request.
#[test]
fn a_refused_connection_and_an_unknown_name_are_not_sent() {
    let (_socket, refusing) = refusing();
    let unknown = format!("http://{}.invalid/?key=secret", "a".repeat(64));
    for mut client in all(PATIENT) {
        client.fails(&refusing, FailureKind::NotSent);
        client.fails(&unknown, FailureKind::NotSent);
    }
}

/// A listener whose queue is full lets the next ones wait, as a firewall does that drops packets.
#[cfg(target_os = "linux")]
#[test]
fn a_timeout_of_connecting_is_not_sent() {
    let (socket, url) = refusing();
    socket.listen(1).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let connect = || TcpStream::connect_timeout(&address, Duration::from_millis(300)).ok();
    let _queue: Vec<_> = iter::from_fn(connect).collect();
    let timeout = Duration::from_secs(8);
    at_once(timeout, |mut client| {
        let start = Instant::now();
        client.fails(&url, FailureKind::NotSent);
        assert!(start.elapsed() < timeout, "{} leaves time for the response", client.name);
    });
}

#[test]
fn a_malformed_url_is_misconfigured() {
    for mut client in all(PATIENT) {
        for url in ["/send/single?key=secret", "ftp://127.0.0.1/?key=secret"] {
            client.fails(url, FailureKind::Misconfigured);
        }
        if !client.name.starts_with("hyper") {
            client.fails("http://?key=secret", FailureKind::Misconfigured); // no `Request` has it
        }
    }
}

/// A line break in the key would end the head. Each client's own header type rejects it.
#[test]
fn a_line_break_in_the_key_is_misconfigured() {
    let server = Server::raw(ACCEPTED, Then::Close);
    let url = server.url("");
    let ureq = recipes::ureq::agent(PATIENT).post(&url).header("authorization", "key\n");
    let reqwest = recipes::reqwest::client(PATIENT).build().unwrap().post(&url);
    let reqwest = recipes::reqwest::send(reqwest.header("authorization", "key\n"), JSON);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for sent in [
        recipes::ureq::send(ureq, JSON),
        runtime.block_on(reqwest),
        curl::send(&url, "key\n", JSON, PATIENT),
        curl::send(&url, "key\0", JSON, PATIENT),
    ] {
        assert_eq!(sent.unwrap_err().kind, FailureKind::Misconfigured);
    }
    assert_eq!(server.requests(), 0);
}

/// As they are built here, without TLS. hyper leaves TLS to the connector around its own.
#[test]
fn nothing_is_sent_without_the_tls_that_the_url_asks_for() {
    let server = Server::raw(ACCEPTED, Then::Close);
    let url = server.url("").replace("http:", "https:");
    for mut client in http1(PATIENT) {
        match client.name {
            "hyper" => assert!(client.response(&url).outcome().is_success()),
            "reqwest" => _ = client.fails(&url, FailureKind::NotSent),
            _ => _ = client.fails(&url, FailureKind::Misconfigured),
        }
    }
    assert_eq!(server.requests(), 1);
}

/// A test of all clients runs once more, in an environment whose proxies refuse connections.
#[test]
fn the_proxies_of_the_environment_are_not_used() {
    let (_socket, proxy) = refusing();
    let mut again = Command::new(env::current_exe().unwrap());
    again.args(["--exact", "responses::the_body_can_be_absent"]);
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        again.env(name, &proxy);
    }
    let output = again.env_remove("no_proxy").env_remove("NO_PROXY").output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && printed.contains("1 passed"), "{printed}");
}
