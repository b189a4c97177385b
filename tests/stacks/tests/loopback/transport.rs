//! However the transport misbehaves, the outcome is the one that a caller needs.

use std::{iter, net::Ipv4Addr, thread, time::Duration};

use mobivate_response::{FailureKind, Retry, Scope, SendOutcome};
use stacks::hyper;
use tokio::{net::TcpSocket, runtime};

use crate::{
    mobivate::{Act, Server, file},
    stacks::{PATIENT, Stack, http1, http2, request},
};

const ACCEPTED: &str = "documented/200-single-compact";
const OPTED_OUT: &str = "inferred/403-opted-out";

#[test]
fn gzip() {
    let server = Server::mobivate();
    let [reqwest, blocking, ureq, _hyper_unpacks_nothing] = http1(PATIENT);
    for mut stack in [reqwest, blocking, ureq].into_iter().chain(reqwest_over_http2()) {
        for name in [ACCEPTED, OPTED_OUT] {
            let outcome = stack.send(&server.url(name, "gzip")).unwrap();
            assert_eq!(outcome, decoded(name), "{}", stack.name);
        }
    }
}

fn reqwest_over_http2() -> impl Iterator<Item = Stack> {
    http2(PATIENT).into_iter().take(2)
}

/// A client that is given gzip which it does not unpack still has the status: an unreadable 2xx is
/// unconfirmed, not refused.
#[test]
fn gzip_that_nobody_unpacks() {
    let server = Server::mobivate();
    let [.., mut hyper] = http1(PATIENT);
    let outcome = hyper.send(&server.url(ACCEPTED, "gzip")).unwrap();
    assert_failure(&outcome, 200, FailureKind::Unconfirmed);
}

#[test]
fn a_page_of_1_mib() {
    let server = Server::mobivate();
    for mut stack in all(PATIENT) {
        let outcome = stack.send(&server.url("inferred/502-html-page", "1-mib-page")).unwrap();
        assert_failure(&outcome, 502, FailureKind::ServerError);
        assert_eq!(outcome.failure().unwrap().detail, "HTML page", "{}", stack.name);
    }
}

#[test]
fn kept_connections_are_used_again() {
    const REPLIES: [&str; 4] = [ACCEPTED, OPTED_OUT, "inferred/500-empty", "inferred/204-empty"];

    for mut stack in http1(PATIENT) {
        let server = Server::mobivate();
        for name in REPLIES.iter().cycle().take(12) {
            let outcome = stack.send(&server.url(name, "content-length")).unwrap();
            assert_eq!(outcome, decoded(name), "{}", stack.name);
            thread::sleep(POOLING);
        }
        assert!(server.connections() < 12, "{}", stack.name);
    }
}

/// reqwest takes a connection back in the background: mostly, but not always, in this time.
const POOLING: Duration = Duration::from_millis(20);

#[test]
fn moved_to_another_path() {
    for mut stack in http1(PATIENT) {
        let server = Server::mobivate();
        let outcome = stack.send(&server.url(ACCEPTED, "moved")).unwrap();
        assert_failure(&outcome, 301, FailureKind::Misconfigured);
        assert_eq!(server.requests().len(), 1, "{} went no further", stack.name);
    }
}

const HEAD_200: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 17\r\n\r\n";
const HEAD_403: &[u8] = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 99\r\n\r\n";
const CHUNKED_403: &[u8] = b"HTTP/1.1 403 Forbidden\r\ntransfer-encoding: chunked\r\n\r\n\
    30\r\n{\"code\":403,\"message\":\"Recipient is opted out\"}\r\n";

#[test]
fn one_byte_at_a_time() {
    const REPLY: &[u8] =
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 12\r\n\r\n{\"id\":\"m-1\"}";
    let server = Server::raw(&[Act::Drip(REPLY)]);
    for mut stack in http1(PATIENT) {
        let outcome = stack.send(&server.url("", "")).unwrap();
        assert_eq!(outcome.success().unwrap().id, "m-1", "{}", stack.name);
    }
}

#[test]
fn sent_but_no_answer() {
    let half_a_head = &[Act::Write(b"HTTP/1.1 200 OK\r\ncontent-le"), Act::Close];
    for script in [&[Act::Reset] as &[_], &[Act::Close], half_a_head] {
        for mut stack in http1(PATIENT) {
            let server = Server::raw(script);
            let outcome = stack.send(&server.url("", "")).unwrap();
            assert_no_response(&outcome, stack.name);
            assert_eq!(server.requests().len(), 1, "{} sends once", stack.name);
        }
    }
}

#[test]
fn a_failing_server_resets_the_stream() {
    let server = Server::mobivate();
    for mut stack in http2(PATIENT) {
        let outcome = stack.send(&server.url(ACCEPTED, "failing")).unwrap();
        assert_no_response(&outcome, stack.name);
    }
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn silence_until_the_time_limit() {
    let server = Server::raw(&[Act::Silence]);
    for mut stack in http1(Duration::from_secs(1)) {
        assert_no_response(&stack.send(&server.url("", "")).unwrap(), stack.name);
    }
}

/// A client that sees a kept connection die may be tempted to send the request again.
#[test]
fn a_kept_connection_that_dies_is_no_reason_to_resend() {
    for mut stack in http1(PATIENT) {
        let server = Server::raw(&[Act::ResetTheSecond, Act::Write(HEAD_200), Act::Write(ID)]);
        assert!(stack.send(&server.url("", "")).unwrap().is_success());
        thread::sleep(POOLING);
        assert_no_response(&stack.send(&server.url("", "")).unwrap(), stack.name);
        assert_eq!(server.requests().len(), 2, "{}", stack.name);
    }
}

const ID: &[u8] = br#"{"id":"kept-one"}"#;

#[test]
fn a_body_cut_short_leaves_the_status() {
    let cut_200 = &[Act::Write(HEAD_200), Act::Write(br#"{"id":"ke"#), Act::Close];
    let none_200 = &[Act::Write(HEAD_200), Act::Close];
    let reset_200 = &[Act::Write(HEAD_200), Act::Wait, Act::Reset];
    let cut_403 =
        &[Act::Write(HEAD_403), Act::Write(br#"{"message":"Recipient is op"#), Act::Close];
    let cases: [(&[Act], _, _); 4] = [
        (cut_200, 200, FailureKind::Unconfirmed),
        (none_200, 200, FailureKind::Unconfirmed),
        (reset_200, 200, FailureKind::Unconfirmed),
        // Why a queue stops only after a few account failures in a row.
        (cut_403, 403, FailureKind::Forbidden),
    ];
    for (script, status, kind) in cases {
        let server = Server::raw(script);
        for mut stack in http1(PATIENT) {
            let outcome = stack.send(&server.url("", "")).unwrap();
            assert_failure(&outcome, status, kind);
        }
        assert_eq!(server.requests().len(), 4, "each sends once");
    }
}

/// The body breaks off after the last byte that matters: what arrived is enough.
#[test]
fn a_body_without_its_end_is_read_as_far_as_it_came() {
    for script in [&[Act::Write(CHUNKED_403), Act::Close], &[Act::Write(CHUNKED_403), Act::Silence]]
    {
        let server = Server::raw(script);
        for mut stack in http1(Duration::from_secs(2)) {
            let outcome = stack.send(&server.url("", "")).unwrap();
            assert_failure(&outcome, 403, FailureKind::OptedOut);
        }
    }
}

/// Bound but not listening: it refuses, and nobody else can take the port meanwhile.
fn refusing() -> (TcpSocket, String) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let url = format!("http://{}/send/single", socket.local_addr().unwrap());
    (socket, url)
}

#[test]
fn what_never_left_is_the_callers_own_error() {
    let (_socket, url) = refusing();
    for mut stack in all(PATIENT) {
        assert!(stack.send(&url).is_err(), "{}", stack.name);
    }
}

/// A listener whose queue is full lets the next ones wait, as a firewall does that drops packets.
#[cfg(target_os = "linux")]
#[test]
fn what_cannot_connect_in_time_never_left() {
    use std::net::TcpStream;

    let (socket, url) = refusing();
    let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let entered = runtime.enter();
    let address = socket.local_addr().unwrap();
    let _listener = socket.listen(1).unwrap();
    drop(entered);
    let connect = || TcpStream::connect_timeout(&address, Duration::from_millis(300)).ok();
    let _queue: Vec<_> = iter::from_fn(connect).collect();
    for mut stack in http1(Duration::from_secs(1)) {
        assert!(stack.send(&url).is_err(), "{}", stack.name);
    }
}

/// hyper's requests cannot be built without an address; the others find out on sending.
#[test]
fn what_has_no_address_never_left() {
    let [reqwest, blocking, ureq, _hyper] = http1(PATIENT);
    for mut stack in [reqwest, blocking, ureq] {
        assert!(stack.send("/send/single").is_err(), "{}", stack.name);
    }
}

/// hyper alone lets its caller hold a connection that is closed: it gives the request back.
#[test]
fn what_hyper_gives_back_never_left() {
    let server = Server::raw(&[Act::Write(HEAD_200), Act::Write(ID), Act::Close]);
    let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let request = || request(&server.url("", ""));
        let url = request();
        let address = url.uri().authority().unwrap().as_str();
        let mut connection = hyper::connect(PATIENT, address).await.unwrap();
        let outcome = hyper::send(PATIENT, connection.try_send_request(request())).await;
        assert!(outcome.unwrap().is_success());
        while !connection.is_closed() {
            tokio::task::yield_now().await;
        }
        let error = hyper::send(PATIENT, connection.try_send_request(request())).await.unwrap_err();
        assert!(error.is_canceled());
    });
    assert_eq!(server.requests().len(), 1);
}

fn all(limit: Duration) -> impl Iterator<Item = Stack> {
    http1(limit).into_iter().chain(http2(limit))
}

fn decoded(name: &str) -> SendOutcome<'static> {
    let (status, body) = file(name);
    SendOutcome::decode(status, body)
}

fn assert_no_response(outcome: &SendOutcome<'_>, stack: &str) {
    let failure = outcome.failure().unwrap();
    assert_eq!((failure.status, failure.kind), (0, FailureKind::NoResponse), "{stack}: {failure}");
    assert_eq!(failure.kind.retry(), Retry::MayDuplicate);
    assert_eq!(failure.kind.scope(), Scope::Service);
}

fn assert_failure(outcome: &SendOutcome<'_>, status: u16, kind: FailureKind) {
    let failure = outcome.failure().unwrap();
    assert_eq!((failure.status, failure.kind), (status, kind), "{failure}");
}
