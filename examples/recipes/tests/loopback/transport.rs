//! However the transport misbehaves, the outcome is the one that a caller needs.

use std::{
    collections::BTreeMap,
    env, iter,
    net::Ipv4Addr,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use mobivate_response::{FailureKind, Retry, Scope, SendOutcome};
use tokio::net::TcpSocket;

use crate::{
    clients::{
        Attempt, BODY_LIMIT, Client, IDLE_LIMIT, PATIENT, at_once, http1, http1_sending, http2,
    },
    mobivate::{Act, FOR_EVER, Server, file},
};

const ACCEPTED: &str = "documented/200-single-compact";
const OPTED_OUT: &str = "inferred/403-opted-out";
const PAGE: &str = "inferred/502-html-page";

#[test]
fn gzip() {
    let server = Server::mobivate();
    for mut client in decompressing() {
        for name in [ACCEPTED, OPTED_OUT] {
            let outcome = client.outcome(&server.url(name, "gzip"));
            assert_eq!(outcome, decoded(name), "{}", client.name);
        }
    }
}

/// All but hyper and curl.
fn decompressing() -> impl Iterator<Item = Client> {
    http1(PATIENT).into_iter().take(3).chain(http2(PATIENT).into_iter().take(2))
}

/// A client that is given gzip which it does not decompress still has the status: an unreadable 2xx is
/// unconfirmed, not rejected.
#[test]
fn gzip_that_nobody_decompresses() {
    let server = Server::mobivate();
    let [.., hyper, curl] = http1(PATIENT);
    for mut client in [hyper, curl] {
        let outcome = client.outcome(&server.url(ACCEPTED, "gzip"));
        assert_failure(&outcome, 200, FailureKind::Unconfirmed);
    }
}

/// Compressed without a header that tells, or with one that is wrong: the status still says the most.
#[test]
fn gzip_that_nobody_expects() {
    let server = Server::mobivate();
    let decompresses =
        |client: &Client| client.name.starts_with("reqwest") || client.name == "ureq";
    for mut client in all(PATIENT) {
        let mut kind = |name, manner| {
            let outcome = client.outcome(&server.url(name, manner));
            let failure = outcome.failure().unwrap();
            (failure.status, failure.kind)
        };
        assert_eq!(kind(ACCEPTED, "unnamed-gzip"), (200, FailureKind::Unconfirmed));
        assert_eq!(kind(OPTED_OUT, "unnamed-gzip"), (403, FailureKind::Forbidden));
        if decompresses(&client) {
            let mut kind = |name| {
                let outcome = client.outcome(&server.url(name, "misnamed-gzip"));
                let failure = outcome.failure().unwrap();
                (failure.status, failure.kind)
            };
            assert_eq!(kind(ACCEPTED), (200, FailureKind::Unconfirmed));
            assert_eq!(kind(OPTED_OUT), (403, FailureKind::Forbidden));
        }
    }
}

#[test]
fn an_endless_page_is_read_up_to_the_limit() {
    let server = Server::mobivate();
    let mut sends = 0;
    for mut client in all(PATIENT) {
        let start = Instant::now();
        assert_truncated(&client.send(&server.url(PAGE, "endless")), client.name);
        assert!(start.elapsed() < PATIENT / 2, "{} stops at the limit", client.name);
        // What is left of the page is not read as the next response.
        let outcome = client.outcome(&server.url(ACCEPTED, "content-length"));
        assert_eq!(outcome, decoded(ACCEPTED), "{}", client.name);
        sends += 2;
    }
    assert_eq!(server.requests().len(), sends);
}

#[test]
fn a_page_that_decompresses_to_more_is_read_up_to_the_limit() {
    let server = Server::mobivate();
    for mut client in decompressing() {
        assert_truncated(&client.send(&server.url(PAGE, "gzip-bomb")), client.name);
    }
}

fn assert_truncated(sent: &Attempt, client: &str) {
    let Attempt::Response { status: 502, body, .. } = sent else { panic!("{client}") };
    assert_eq!(body.len(), BODY_LIMIT, "{client}");
}

#[test]
fn a_page_of_1_mib() {
    let server = Server::mobivate();
    for mut client in all(PATIENT) {
        let outcome = client.outcome(&server.url(PAGE, "1-mib-page"));
        assert_failure(&outcome, 502, FailureKind::ServerError);
        assert_eq!(outcome.failure().unwrap().detail, "HTML page", "{}", client.name);
    }
}

#[test]
fn kept_connections_are_used_again() {
    const RESPONSES: [&str; 4] =
        [ACCEPTED, OPTED_OUT, "inferred/429-slow-down", "inferred/500-with-record-id"];

    for mut client in http1(PATIENT) {
        if client.name == "curl" {
            continue; // it keeps none
        }
        let server = Server::mobivate();
        for name in RESPONSES.iter().cycle().take(12) {
            let outcome = client.outcome(&server.url(name, "content-length"));
            assert_eq!(outcome, decoded(name), "{}", client.name);
            thread::sleep(POOLING);
        }
        assert!(server.connections() < 12, "{}", client.name);
    }
}

/// reqwest takes a connection back in the background: mostly, but not always, in this time.
const POOLING: Duration = Duration::from_millis(20);

#[test]
fn moved_to_another_path() {
    for mut client in http1(PATIENT) {
        let server = Server::mobivate();
        let outcome = client.outcome(&server.url(ACCEPTED, "moved"));
        assert_failure(&outcome, 301, FailureKind::Misconfigured);
        assert_eq!(server.requests().len(), 1, "{} went no further", client.name);
    }
}

/// ureq and curl name the type of the body, which the other recipes leave to the caller's request.
/// No client asks for compression that it does not undo, or waits for a 100 before it sends the body.
#[test]
fn the_header_fields_of_the_request() {
    let server = Server::raw(&[Act::Write(HEAD_200), Act::Write(ID), Act::Close]);
    for mut client in http1(PATIENT) {
        assert!(client.outcome(&server.url("", "")).is_success());
        let heads = server.heads();
        let lines = heads.last().unwrap().lines();
        let fields: BTreeMap<_, _> = lines.filter_map(|line| line.split_once(": ")).collect();
        let (content_type, compression) = match client.name {
            "ureq" => (Some("application/json"), Some("gzip")),
            "curl" => (Some("application/json"), None),
            "hyper" => (None, None),
            _ => (None, Some("gzip")),
        };
        let field = |name| fields.get(name).copied();
        assert_eq!(field("content-type"), content_type, "{}", client.name);
        assert_eq!(field("accept-encoding"), compression, "{}", client.name);
        assert_eq!(field("expect"), None, "{}", client.name);
    }
}

const HEAD_200: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 17\r\n\r\n";
const HEAD_403: &[u8] = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 99\r\n\r\n";
const CHUNKED_403: &[u8] = b"HTTP/1.1 403 Forbidden\r\ntransfer-encoding: chunked\r\n\r\n\
    2f\r\n{\"code\":403,\"message\":\"Recipient is opted out\"}\r\n";

#[test]
fn one_byte_at_a_time() {
    const RESPONSE: &[u8] =
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 12\r\n\r\n{\"id\":\"m-1\"}";
    let server = Server::raw(&[Act::Drip(RESPONSE)]);
    for mut client in http1(PATIENT) {
        let outcome = client.outcome(&server.url("", ""));
        assert_eq!(outcome.success().unwrap().id, "m-1", "{}", client.name);
    }
}

/// A status of three digits is handed on, whatever it means.
#[test]
fn a_status_that_nobody_knows() {
    const RESPONSE: &[u8] = b"HTTP/1.1 799 Odd\r\ncontent-length: 0\r\n\r\n";
    let server = Server::raw(&[Act::Write(RESPONSE)]);
    for mut client in http1(PATIENT) {
        let sent = client.send(&server.url("", ""));
        let expected = Attempt::Response { status: 799, body: Vec::new(), retry_after: None };
        assert_eq!(sent, expected, "{}", client.name);
    }
}

#[test]
fn sent_but_no_response() {
    let half_a_head = &[Act::Write(b"HTTP/1.1 200 OK\r\ncontent-le"), Act::Close];
    let interim = &[Act::Write(b"HTTP/1.1 100 Continue\r\n\r\n"), Act::Close];
    let http_0_9 = &[Act::Write(ID), Act::Close];
    for script in [&[Act::Reset] as &[_], &[Act::Close], half_a_head, interim, http_0_9] {
        for mut client in http1(PATIENT) {
            let server = Server::raw(script);
            assert_no_response(client.send(&server.url("", "")), client.name);
            assert_eq!(server.requests().len(), 1, "{} sends once", client.name);
        }
    }
}

/// A large batch takes a while to send, and the server may have read enough of it.
#[test]
fn a_server_that_hangs_up_on_a_large_body() {
    let json = &*Box::leak("x".repeat(8 << 20).into_boxed_str());
    for mut client in http1_sending(PATIENT, json) {
        let server = Server::hanging_up();
        assert_no_response(client.send(&server.url("", "")), client.name);
        assert_eq!(server.requests().len(), 1, "{} sends once", client.name);
    }
}

#[test]
fn the_reason_tells_a_reset_from_a_timeout() {
    for (script, words) in [
        (&[Act::Reset] as &[_], &["reset"] as &[_]),
        (&[Act::Silence], &["timeout", "timedout", "timed out", "elapsed"]),
    ] {
        let server = Server::raw(script);
        at_once(Duration::from_secs(1), |mut client| {
            let sent = client.send(&server.url("", ""));
            let Attempt::NoResponse(reason) = &sent else { panic!("{}: {sent:?}", client.name) };
            let reason = reason.to_lowercase();
            assert!(words.iter().any(|word| reason.contains(word)), "{}: {reason}", client.name);
        });
    }
}

#[test]
fn a_failing_server_resets_the_stream() {
    let server = Server::mobivate();
    for mut client in http2(PATIENT) {
        assert_no_response(client.send(&server.url(ACCEPTED, "failing")), client.name);
    }
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn a_refused_stream_is_no_reason_to_resend() {
    let server = Server::mobivate();
    for mut client in http2(PATIENT) {
        assert_no_response(client.send(&server.url(ACCEPTED, "refused")), client.name);
    }
    assert_eq!(server.requests().len(), 3, "each sends once");
}

#[test]
fn silence_until_the_timeout() {
    let server = Server::raw(&[Act::Silence]);
    at_once(Duration::from_secs(1), |mut client| {
        assert_no_response(client.send(&server.url("", "")), client.name);
    });
}

/// A client that sees a kept connection die may be tempted to send the request again.
#[test]
fn a_kept_connection_that_dies_is_no_reason_to_resend() {
    for mut client in http1(PATIENT) {
        let server = Server::raw(&[Act::ResetTheSecond, Act::Write(HEAD_200), Act::Write(ID)]);
        assert!(client.outcome(&server.url("", "")).is_success());
        thread::sleep(POOLING);
        assert_no_response(client.send(&server.url("", "")), client.name);
        assert_eq!(server.requests().len(), 2, "{}", client.name);
    }
}

/// A server drops what has been idle for long: whoever sends on it then would not know what became of
/// the message.
#[test]
fn a_connection_idle_for_long_is_not_used_again() {
    let script = &[Act::ResetTheKept, Act::Write(HEAD_200), Act::Write(ID)];
    let raw = http1(PATIENT).map(|client| (client, Server::raw(script)));
    let [reqwest, blocking, _hyper] = http2(PATIENT);
    let over_http2 = [reqwest, blocking].map(|client| (client, Server::mobivate()));
    let mut clients: Vec<_> = raw.into_iter().chain(over_http2).collect();
    for _ in 0..2 {
        for (client, server) in &mut clients {
            let outcome = client.outcome(&server.url(ACCEPTED, "content-length"));
            assert!(outcome.is_success(), "{}: {outcome:?}", client.name);
        }
        thread::sleep(IDLE_LIMIT + POOLING);
    }
    for (client, server) in clients {
        assert_eq!((server.requests().len(), server.connections()), (2, 2), "{}", client.name);
    }
}

/// The server closes the connection after each response, without saying so.
#[test]
fn a_connection_closed_while_idle_is_not_used_again() {
    for mut client in http1(PATIENT) {
        let server = Server::raw(&[Act::Write(HEAD_200), Act::Write(ID), Act::Close]);
        for _ in 0..3 {
            assert!(client.outcome(&server.url("", "")).is_success(), "{}", client.name);
            thread::sleep(POOLING);
        }
        assert_eq!(server.requests().len(), 3, "{}", client.name);
    }
}

const ID: &[u8] = br#"{"id":"kept-one"}"#;

#[test]
fn a_truncated_body_leaves_the_status() {
    let cut_200 = &[Act::Write(HEAD_200), Act::Write(br#"{"id":"ke"#), Act::Close];
    let none_200 = &[Act::Write(HEAD_200), Act::Close];
    let reset_200 = &[Act::Write(HEAD_200), Act::Wait, Act::Reset];
    let cut_403 =
        &[Act::Write(HEAD_403), Act::Write(br#"{"message":"Recipient is op"#), Act::Close];
    let cases: [(&[Act], _, _); 4] = [
        (cut_200, 200, FailureKind::Unconfirmed),
        (none_200, 200, FailureKind::Unconfirmed),
        (reset_200, 200, FailureKind::Unconfirmed),
        // Why a queue stops only after a few consecutive account failures.
        (cut_403, 403, FailureKind::Forbidden),
    ];
    for (script, status, kind) in cases {
        let server = Server::raw(script);
        for mut client in http1(PATIENT) {
            let outcome = client.outcome(&server.url("", ""));
            assert_failure(&outcome, status, kind);
        }
        assert_eq!(server.requests().len(), 5, "each sends once");
    }
}

/// The body is truncated after the last byte that matters: what arrived is enough.
#[test]
fn a_body_without_its_end_is_read_as_far_as_it_came() {
    for script in [&[Act::Write(CHUNKED_403), Act::Close], &[Act::Write(CHUNKED_403), Act::Silence]]
    {
        let server = Server::raw(script);
        at_once(Duration::from_secs(2), |mut client| {
            let outcome = client.outcome(&server.url("", ""));
            assert_failure(&outcome, 403, FailureKind::OptedOut);
        });
    }
}

#[test]
fn a_drip_runs_into_the_timeout_and_what_arrived_counts() {
    let server = Server::raw(&[Act::Write(CHUNKED_403), Act::DripForEver(b"1\r\n \r\n")]);
    at_once(Duration::from_secs(2), |mut client| {
        let sent = client.send(&server.url("", ""));
        let Attempt::Response { status: 403, body, .. } = &sent else {
            panic!("{}: {sent:?}", client.name)
        };
        assert!(body.len() < FOR_EVER, "{} hangs up first", client.name);
        assert_failure(&sent.outcome(), 403, FailureKind::OptedOut);
    });
    assert_eq!(server.requests().len(), 5, "each sends once");
}

#[test]
fn an_endless_head_is_no_response() {
    const HEAD: Act = Act::Write(b"HTTP/1.1 200 OK\r\nx: ");
    const SLOW: &[Act] = &[HEAD, Act::DripForEver(b"x")];
    const FAST: &[Act] = &[HEAD, Act::DripForEver(&[b'x'; 1 << 14])];
    for script in [SLOW, FAST] {
        let server = Server::raw(script);
        at_once(Duration::from_secs(2), |mut client| {
            assert_no_response(client.send(&server.url("", "")), client.name);
        });
        assert_eq!(server.requests().len(), 5, "each sends once");
    }
}

/// The timeout is for all of a send: the body has what the head has left of it.
#[test]
fn a_late_head_leaves_less_time_for_the_body() {
    let server = Server::raw(&[Act::WaitLong, Act::Write(CHUNKED_403), Act::Silence]);
    let timeout = Duration::from_secs(4);
    at_once(timeout, |mut client| {
        let start = Instant::now();
        let outcome = client.outcome(&server.url("", ""));
        assert_failure(&outcome, 403, FailureKind::OptedOut);
        assert!(start.elapsed() < timeout + Duration::from_secs(1), "{}", client.name);
    });
}

/// Bound but not listening: it refuses, and nobody else can take the port meanwhile.
pub(crate) fn refusing() -> (TcpSocket, String) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let url = format!("http://{}/send/single", socket.local_addr().unwrap());
    (socket, url)
}

#[test]
fn what_was_not_sent_is_the_clients_own_error() {
    let (_socket, url) = refusing();
    for mut client in all(PATIENT) {
        assert_eq!(client.send(&url), Attempt::NotSent, "{}", client.name);
    }
}

/// A label of 64 characters has no address, which the resolver knows without asking anybody.
#[test]
fn what_cannot_be_resolved_was_not_sent() {
    let url = format!("http://{}.invalid/send/single", "a".repeat(64));
    for mut client in all(PATIENT) {
        assert_eq!(client.send(&url), Attempt::NotSent, "{}", client.name);
    }
}

/// Whatever the environment says, the message goes to the URL's host: a test of all clients runs
/// once more, in an environment whose proxies refuse connections.
#[test]
fn the_proxies_of_the_environment_are_left_out() {
    let (_socket, proxy) = refusing();
    let mut again = Command::new(env::current_exe().unwrap());
    again.args(["--exact", "transport::moved_to_another_path"]);
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        again.env(name, &proxy);
    }
    let output = again.env_remove("no_proxy").env_remove("NO_PROXY").output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains("1 passed"), "{told}");
}

/// A listener whose queue is full lets the next ones wait, as a firewall does that drops packets.
#[cfg(target_os = "linux")]
#[test]
fn what_cannot_connect_in_time_was_not_sent() {
    use std::net::TcpStream;

    let (socket, url) = refusing();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let entered = runtime.enter();
    let address = socket.local_addr().unwrap();
    let _listener = socket.listen(1).unwrap();
    drop(entered);
    let connect = || TcpStream::connect_timeout(&address, Duration::from_millis(300)).ok();
    let _queue: Vec<_> = iter::from_fn(connect).collect();
    let timeout = Duration::from_secs(4);
    at_once(timeout, |mut client| {
        let start = Instant::now();
        assert_eq!(client.send(&url), Attempt::NotSent, "{}", client.name);
        assert!(start.elapsed() < timeout * 3 / 4, "{} leaves time for the response", client.name);
    });
}

/// hyper finds out on sending, too, but does not tell: the request may have been sent.
#[test]
fn what_has_no_address_was_not_sent() {
    let [reqwest, blocking, ureq, _hyper, curl] = http1(PATIENT);
    for mut client in [reqwest, blocking, ureq, curl] {
        assert_eq!(client.send("/send/single"), Attempt::NotSent, "{}", client.name);
    }
}

/// As they are built here, without TLS.
#[test]
fn what_needs_tls_is_not_sent_without_it() {
    let server = Server::raw(&[Act::Write(HEAD_200), Act::Write(ID)]);
    let url = server.url("", "").replace("http:", "https:");
    let [reqwest, blocking, ureq, mut hyper, curl] = http1(PATIENT);
    for mut client in [reqwest, blocking, ureq, curl] {
        assert_eq!(client.send(&url), Attempt::NotSent, "{}", client.name);
    }
    assert!(server.requests().is_empty());
    // hyper's connector leaves TLS to the one around it, which is missing here.
    assert!(hyper.outcome(&url).is_success());
}

fn all(limit: Duration) -> impl Iterator<Item = Client> {
    http1(limit).into_iter().chain(http2(limit))
}

fn decoded(name: &str) -> SendOutcome<'static> {
    let (status, body) = file(name);
    SendOutcome::decode(status, body)
}

fn assert_no_response(sent: Attempt, client: &str) {
    let Attempt::NoResponse(reason) = &sent else { panic!("{client}: {sent:?}") };
    assert!(!reason.contains("/send/single"), "{client} leaves out the URL: {reason}");
    let outcome = sent.outcome();
    let failure = outcome.failure().unwrap();
    assert_eq!((failure.status, failure.kind), (0, FailureKind::NoResponse), "{client}: {failure}");
    assert_eq!(failure.retry(), Retry::MayDuplicate);
    assert_eq!(failure.scope(), Scope::Service);
}

fn assert_failure(outcome: &SendOutcome<'_>, status: u16, kind: FailureKind) {
    let failure = outcome.failure().unwrap();
    assert_eq!((failure.status, failure.kind), (status, kind), "{failure}");
}
