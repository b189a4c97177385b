//! The webhook over real sockets: each row of its table of responses.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::{
    io::{ErrorKind, Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use axum::{Router, routing::MethodRouter};
use form_urlencoded::byte_serialize;
use mobivate_response::DeliveryStatus;
use recipes::{
    receipts::{Received, read},
    webhook_axum::{BODY_LIMIT, webhook},
};
use tokio::{
    net::TcpListener,
    runtime::Runtime,
    sync::{mpsc, oneshot},
    task::spawn_blocking,
};

/// Captured on the current API.
const CAPTURED: &str = "<deliveryreceipt><created>2026-06-18T11:00:15.915Z</created><deliveryMessageId>133e4f21-ff94-49d7-9167-77c9bc94cb99</deliveryMessageId><clientReference>f1c2a2bd-bb90-4776-989e-f653fea1fa3a</clientReference><status>DELIVERED</status><statusCode>1</statusCode><part>1</part><parts>1</parts></deliveryreceipt>";

const RECEIPT: &str = r#"{"clientReference":"r-1","status":"OPTED_OUT","parts":1}"#;

const STOP: &str = r#"{"originator":"447700900101","body":"stop","id":"in-1"}"#;

const PATIENT: Duration = Duration::from_secs(60);

fn form(xml: &str) -> Vec<u8> {
    let encoded: String = byte_serialize(xml.as_bytes()).collect();
    format!("xml={encoded}").into_bytes()
}

/// The webhook at work, with what it has stored.
struct Server {
    address: SocketAddr,
    stored: Arc<Mutex<Vec<Received>>>,
    _runtime: Runtime,
}

impl Server {
    /// Stores as a database does that blocks.
    fn new(upload: Duration) -> Self {
        let stored = Arc::new(Mutex::new(vec![]));
        let store = Arc::clone(&stored);
        let webhook = webhook(upload, move |received| {
            let store = Arc::clone(&store);
            async {
                let stored = spawn_blocking(move || store.lock().unwrap().push(received));
                stored.await.map_err(|error| error.to_string())
            }
        });
        Self { stored, ..Self::serve(webhook) }
    }

    fn serve(webhook: MethodRouter) -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let address = listener.local_addr().unwrap();
        let app = Router::new().route("/webhook", webhook);
        runtime.spawn(async { axum::serve(listener, app).await });
        Self { address, stored: Arc::default(), _runtime: runtime }
    }

    /// A connection on which a request was begun.
    fn begin(&self, method: &str, length: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENT)).unwrap();
        let head = format!(
            "{method} /webhook HTTP/1.1\r\nhost: here\r\nconnection: close\r\n{length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream
    }

    fn post(&self, body: &[u8]) -> (u16, String) {
        let mut stream = self.begin("POST", &format!("content-length: {}", body.len()));
        stream.write_all(body).unwrap();
        response(&mut stream).unwrap()
    }

    /// Takes what was stored since.
    fn stored(&self) -> Vec<Received> {
        std::mem::take(&mut *self.stored.lock().unwrap())
    }
}

/// `None`: the connection was closed without one.
fn response(stream: &mut TcpStream) -> Option<(u16, String)> {
    let mut received = Vec::new();
    if let Err(error) = stream.read_to_end(&mut received) {
        assert_eq!(error.kind(), ErrorKind::ConnectionReset, "the server hangs");
    }
    let received = String::from_utf8(received).unwrap();
    let (head, body) = received.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().unwrap(), body.to_owned()))
}

#[test]
fn whatever_can_be_read_is_stored_as_it_was_read() {
    let server = Server::new(PATIENT);
    for body in [form(CAPTURED), CAPTURED.into(), RECEIPT.into(), STOP.into(), b"{}".to_vec()] {
        assert_eq!(server.post(&body), (200, "stored".into()));
        assert_eq!(server.stored(), [read(&body).unwrap()]);
    }
    server.post(STOP.as_bytes());
    let [Received::Incoming(message)] = &*server.stored() else { panic!() };
    assert!(message.is_stop());
    server.post(&form(CAPTURED));
    let [Received::Status(update)] = &*server.stored() else { panic!() };
    assert_eq!(update.status, DeliveryStatus::Delivered);
}

#[test]
fn what_cannot_be_read_is_not_stored() {
    let server = Server::new(PATIENT);
    let repeated = RECEIPT.replace("\"parts\"", r#""status":"DELIVERED","parts""#);
    for (body, text) in [
        (&b""[..], "truncated or malformed"),
        (b"a=b", "truncated or malformed"),
        (b"<deliveryreceipt>", "truncated or malformed"),
        (repeated.as_bytes(), "ambiguous"),
    ] {
        assert_eq!(server.post(body), (400, text.into()));
    }
    let mut stream = server.begin("GET", "content-length: 0");
    assert_eq!(response(&mut stream).unwrap().0, 405);
    assert_eq!(server.stored(), []);
}

#[test]
fn what_is_truncated_is_not_stored() {
    let server = Server::new(PATIENT);
    for body in [form(CAPTURED), RECEIPT.into(), STOP.into()] {
        for at in 0..body.len() {
            // By whoever posts it, and by the connection.
            assert_eq!(server.post(&body[..at]).0, 400);
            let mut stream = server.begin("POST", &format!("content-length: {}", body.len()));
            stream.write_all(&body[..at]).unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
            let status = response(&mut stream).map(|(status, _)| status);
            assert!(matches!(status, None | Some(400)), "{status:?}");
        }
        // Nothing is missing, but the connection closed before the announced end.
        let mut stream = server.begin("POST", &format!("content-length: {}", body.len() + 1));
        stream.write_all(&body).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let status = response(&mut stream).map(|(status, _)| status);
        assert!(matches!(status, None | Some(400)), "{status:?}");
    }
    assert_eq!(server.stored(), []);
}

#[test]
fn a_body_above_the_limit() {
    let server = Server::new(PATIENT);
    let padded = |length| {
        let mut body = RECEIPT.as_bytes().to_vec();
        body.resize(length, b' ');
        body
    };
    assert_eq!(server.post(&padded(BODY_LIMIT + 1)).0, 413);
    let mut stream = server.begin("POST", "transfer-encoding: chunked");
    write!(stream, "{:x}\r\n", BODY_LIMIT + 1).unwrap();
    stream.write_all(&padded(BODY_LIMIT + 1)).unwrap();
    assert_eq!(response(&mut stream).unwrap().0, 413);
    assert_eq!(server.stored(), []);
    assert_eq!(server.post(&padded(BODY_LIMIT)), (200, "stored".into()));
    assert_eq!(server.stored(), [read(RECEIPT.as_bytes()).unwrap()]);
}

#[test]
fn a_slow_upload_ends_at_the_timeout_and_holds_up_nobody() {
    let server = Server::new(Duration::from_millis(300));
    let mut stalled = server.begin("POST", &format!("content-length: {}", RECEIPT.len()));
    let mut dripping = server.begin("POST", "content-length: 100000");
    stalled.write_all(&RECEIPT.as_bytes()[1..]).unwrap();
    let mut drip = dripping.try_clone().unwrap();
    let drops = thread::spawn(move || {
        while drip.write_all(b" ").is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
    });
    assert_eq!(response(&mut stalled).unwrap().0, 408);
    // Its next drop resets the connection, perhaps before the response is read.
    let status = response(&mut dripping).map(|(status, _)| status);
    assert!(matches!(status, None | Some(408)), "{status:?}");
    drops.join().unwrap();
    assert_eq!(server.stored(), []);

    let server = Server::new(PATIENT);
    let mut waiting = server.begin("POST", &format!("content-length: {}", RECEIPT.len()));
    assert_eq!(server.post(STOP.as_bytes()).0, 200);
    waiting.write_all(RECEIPT.as_bytes()).unwrap();
    assert_eq!(response(&mut waiting).unwrap(), (200, "stored".into()));
    let both = [STOP, RECEIPT].map(|body| read(body.as_bytes()).unwrap());
    assert_eq!(server.stored(), both);
}

#[test]
fn what_could_not_be_stored_may_come_again() {
    let is_full = Arc::new(AtomicBool::new(true));
    let full = Arc::clone(&is_full);
    let store = move |received: Received| {
        assert!(!matches!(received, Received::Neither), "before the future, as it should");
        let full = Arc::clone(&full);
        async move {
            assert!(!matches!(received, Received::Incoming(_)), "within the future, as it should");
            if full.load(Ordering::SeqCst) { Err("disk full") } else { Ok(()) }
        }
    };
    let server = Server::serve(webhook(PATIENT, store));
    for body in [RECEIPT, STOP, "{}"] {
        assert_eq!(server.post(body.as_bytes()), (500, "not stored".into()));
    }
    is_full.store(false, Ordering::SeqCst);
    assert_eq!(server.post(RECEIPT.as_bytes()), (200, "stored".into()));
}

#[test]
fn the_response_comes_once_it_is_stored() {
    let (done, is_done) = oneshot::channel::<()>();
    let is_done = Arc::new(Mutex::new(Some(is_done)));
    let store = move |_| {
        let is_done = is_done.lock().unwrap().take().unwrap();
        async { is_done.await.map_err(|error| error.to_string()) }
    };
    let server = Server::serve(webhook(PATIENT, store));
    let mut stream = server.begin("POST", &format!("content-length: {}", RECEIPT.len()));
    stream.write_all(RECEIPT.as_bytes()).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let error = stream.read(&mut [0]).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
    stream.set_read_timeout(Some(PATIENT)).unwrap();
    done.send(()).unwrap();
    assert_eq!(response(&mut stream), Some((200, "stored".into())));
}

#[test]
fn what_was_begun_is_finished_even_if_the_client_hangs_up() {
    let (begun, mut is_begun) = mpsc::unbounded_channel();
    let (finished, mut is_finished) = mpsc::unbounded_channel();
    let store = move |received| {
        let (begun, finished) = (begun.clone(), finished.clone());
        async move {
            begun.send(()).unwrap();
            tokio::time::sleep(Duration::from_millis(300)).await;
            finished.send(received).map_err(|error| error.to_string())
        }
    };
    let server = Server::serve(webhook(PATIENT, store));
    let mut stream = server.begin("POST", &format!("content-length: {}", RECEIPT.len()));
    stream.write_all(RECEIPT.as_bytes()).unwrap();
    is_begun.blocking_recv().unwrap();
    drop(stream);
    let patient = Instant::now();
    let received = loop {
        match is_finished.try_recv() {
            Ok(received) => break received,
            Err(error) => assert!(patient.elapsed() < Duration::from_secs(10), "{error}"),
        }
        thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(received, read(RECEIPT.as_bytes()).unwrap());
}
