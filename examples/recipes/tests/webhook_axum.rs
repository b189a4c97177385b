//! The webhook over real sockets: each row of its table of responses.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, mpsc};
use std::{thread, time::Duration};

use axum::{BoxError, Router};
use recipes::receipts::{Received, read};
use recipes::webhook_axum::{BODY_LIMIT, webhook};
use tokio::{net::TcpListener, runtime::Runtime, sync::Semaphore};

const RECEIPT: &str = r#"{"clientReference":"r-1","status":"OPTED_OUT","parts":1}"#;

const STOP: &str = r#"{"originator":"447700900101","body":"stop","id":"in-1"}"#;

const PATIENT: Duration = Duration::from_secs(60);

struct Server {
    address: SocketAddr,
    stored: Arc<Mutex<Vec<Received>>>,
    _runtime: Runtime,
}

impl Server {
    /// Runs `before` and then stores what was received.
    fn new<S, F>(upload: Duration, before: S) -> Self
    where
        S: Fn(Received) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        let stored = Arc::new(Mutex::new(vec![]));
        let store = Arc::clone(&stored);
        let webhook = webhook(upload, move |received| {
            let (store, before) = (Arc::clone(&store), before(received.clone()));
            async move {
                before.await?;
                store.lock().unwrap().push(received);
                Ok(())
            }
        });
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let address = listener.local_addr().unwrap();
        let app = Router::new().route("/webhook", webhook);
        runtime.spawn(async { axum::serve(listener, app).await });
        Self { address, stored, _runtime: runtime }
    }

    /// Opens a connection and sends the head of a request and the beginning of its body.
    fn begin(&self, method: &str, length: &str, body: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENT)).unwrap();
        write!(stream, "{method} /webhook HTTP/1.1\r\nhost: here\r\nconnection: close\r\n")
            .unwrap();
        write!(stream, "{length}\r\n\r\n").unwrap();
        stream.write_all(body).unwrap();
        stream
    }

    fn post(&self, body: &[u8]) -> (u16, String) {
        let length = format!("content-length: {}", body.len());
        response(&mut self.begin("POST", &length, body)).unwrap()
    }

    /// Takes what was stored since the last call.
    fn stored(&self) -> Vec<Received> {
        std::mem::take(&mut *self.stored.lock().unwrap())
    }
}

async fn store(_: Received) -> Result<(), BoxError> {
    Ok(())
}

/// The status and the body, or `None` if the connection was closed without a response.
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
fn bodies_that_can_be_read_are_stored() {
    let server = Server::new(PATIENT, store);
    let form = "xml=<deliveryreceipt><clientReference>r</clientReference><status>SENT</status></deliveryreceipt>";
    for body in [form, RECEIPT, STOP, "{}"] {
        assert_eq!(server.post(body.as_bytes()), (200, "stored".into()));
        assert_eq!(server.stored(), [read(body.as_bytes()).unwrap()]);
    }
    let repeated = RECEIPT.replace("\"parts\"", r#""status":"DELIVERED","parts""#);
    for (body, text) in [
        ("", "truncated or malformed"),
        (&RECEIPT[1..], "truncated or malformed"),
        (&RECEIPT[..20], "truncated or malformed"),
        (&repeated, "ambiguous"),
    ] {
        assert_eq!(server.post(body.as_bytes()), (400, text.into()));
    }
    assert_eq!(response(&mut server.begin("GET", "content-length: 0", b"")).unwrap().0, 405);
    // The connection is closed before the announced end.
    for at in [0, 20, RECEIPT.len()] {
        let mut stream = server.begin("POST", "content-length: 99", &RECEIPT.as_bytes()[..at]);
        stream.shutdown(Shutdown::Write).unwrap();
        let status = response(&mut stream).map(|(status, _)| status);
        assert!(matches!(status, None | Some(400)), "{status:?}");
    }
    assert_eq!(server.stored(), []);
}

#[test]
fn a_body_above_the_limit() {
    let server = Server::new(PATIENT, store);
    let padded = |length| [RECEIPT.as_bytes(), &vec![b' '; length - RECEIPT.len()]].concat();
    assert_eq!(server.post(&padded(BODY_LIMIT + 1)).0, 413);
    let chunk = [format!("{:x}\r\n", BODY_LIMIT + 1).into(), padded(BODY_LIMIT + 1)].concat();
    let mut stream = server.begin("POST", "transfer-encoding: chunked", &chunk);
    assert_eq!(response(&mut stream).unwrap().0, 413);
    assert_eq!(server.stored(), []);
    assert_eq!(server.post(&padded(BODY_LIMIT)), (200, "stored".into()));
    assert_eq!(server.stored(), [read(RECEIPT.as_bytes()).unwrap()]);
}

#[test]
fn a_slow_upload_ends_at_the_timeout() {
    let server = Server::new(Duration::from_millis(300), store);
    let mut dripping = server.begin("POST", "content-length: 100000", b"");
    let mut drip = dripping.try_clone().unwrap();
    let drops = thread::spawn(move || {
        while drip.write_all(b" ").is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
    });
    let mut stalled = server.begin("POST", "content-length: 99", RECEIPT.as_bytes());
    assert_eq!(response(&mut stalled).unwrap().0, 408);
    // The next drop resets the connection, perhaps before the response is read.
    let status = response(&mut dripping).map(|(status, _)| status);
    assert!(matches!(status, None | Some(408)), "{status:?}");
    drops.join().unwrap();
    assert_eq!(server.stored(), []);
}

#[test]
fn a_store_that_fails_or_panics() {
    let server = Server::new(PATIENT, |received| {
        assert!(received != Received::Neither, "before the future, as it should");
        async move {
            assert!(!matches!(received, Received::Incoming(_)), "within the future, as it should");
            Err("disk full".into())
        }
    });
    for body in [RECEIPT, STOP, "{}"] {
        assert_eq!(server.post(body.as_bytes()), (500, "not stored".into()));
    }
}

#[test]
fn the_response_comes_after_storing_which_a_client_that_hangs_up_does_not_end() {
    static BEGUN: Mutex<Option<mpsc::Sender<()>>> = Mutex::new(None);
    static MAY_END: Semaphore = Semaphore::const_new(0);
    let (sender, begun) = mpsc::channel();
    *BEGUN.lock().unwrap() = Some(sender);
    let server = Server::new(PATIENT, |_| async {
        BEGUN.lock().unwrap().as_ref().unwrap().send(())?;
        MAY_END.acquire().await?.forget();
        Ok(())
    });
    let length = format!("content-length: {}", RECEIPT.len());
    let mut stream = server.begin("POST", &length, RECEIPT.as_bytes());
    begun.recv_timeout(PATIENT).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let error = stream.read(&mut [0]).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
    let hangs_up = server.begin("POST", &length, RECEIPT.as_bytes());
    begun.recv_timeout(PATIENT).unwrap();
    drop(hangs_up);
    // Long enough for the server to notice that the client is gone.
    thread::sleep(Duration::from_millis(300));
    MAY_END.add_permits(2);
    stream.set_read_timeout(Some(PATIENT)).unwrap();
    assert_eq!(response(&mut stream), Some((200, "stored".into())));
    for _ in 0..1000 {
        if server.stored.lock().unwrap().len() == 2 {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("{:?}", server.stored());
}
