//! A server that plays Mobivate, and one that plays the network's worst days.

use std::{
    convert::Infallible,
    error::Error,
    io::Write as _,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use flate2::{Compression, write::GzEncoder};
use futures_util::stream;
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::{
    Method, Request, Response,
    body::{Bytes, Frame, Incoming},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime,
};

use crate::{clients::BODY_LIMIT, corpus::RESPONSES, retry_after::CASES};

/// A server on a free port of the loopback address, until the process ends.
pub(crate) struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<Method>>>,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Plays Mobivate: `POST /send/single?<response>&<manner>` responds with that file of
    /// `tests/responses`, in that manner.
    pub(crate) fn mobivate() -> Self {
        Self::start(|stream, requests| async move {
            let service = service_fn(move |request: Request<Incoming>| {
                requests.lock().unwrap().push(request.method().clone());
                response(request)
            });
            let stream = TokioIo::new(stream);
            auto::Builder::new(TokioExecutor::new()).serve_connection(stream, service).await.ok();
        })
    }

    /// Reads each complete request, then does what `script` says: hyper cannot be made to.
    pub(crate) fn raw(script: &'static [Act]) -> Self {
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&heads);
        let server = Self::start(move |mut stream, requests| {
            let seen = Arc::clone(&seen);
            async move {
                let mut read = 0;
                while let Some(head) = read_request(&mut stream).await {
                    read += 1;
                    requests.lock().unwrap().push(Method::POST);
                    seen.lock().unwrap().push(head);
                    for act in script {
                        match *act {
                            Act::Write(bytes) => stream.write_all(bytes).await.unwrap(),
                            Act::WriteAtFirst(bytes) => {
                                if requests.lock().unwrap().len() == 1 {
                                    stream.write_all(bytes).await.unwrap();
                                    break;
                                }
                            }
                            Act::Drip(bytes) => {
                                for byte in bytes.chunks(1) {
                                    stream.write_all(byte).await.unwrap();
                                    tokio::time::sleep(Duration::from_millis(1)).await;
                                }
                            }
                            Act::DripForEver(bytes) => {
                                for _ in 0..FOR_EVER {
                                    if stream.write_all(bytes).await.is_err() {
                                        return;
                                    }
                                    tokio::time::sleep(Duration::from_millis(1)).await;
                                }
                                return;
                            }
                            Act::Wait => tokio::time::sleep(Duration::from_millis(200)).await,
                            Act::WaitLong => tokio::time::sleep(Duration::from_millis(1500)).await,
                            Act::Close => return,
                            Act::Reset => return stream.set_zero_linger().unwrap(),
                            Act::ResetTheSecond if requests.lock().unwrap().len() == 2 => {
                                return stream.set_zero_linger().unwrap();
                            }
                            Act::ResetTheKept if read == 2 => {
                                return stream.set_zero_linger().unwrap();
                            }
                            Act::CloseTheKept if read == 2 => return,
                            Act::ResetTheSecond | Act::ResetTheKept | Act::CloseTheKept => {}
                            Act::Silence => {
                                tokio::time::sleep(SILENCE).await;
                                return;
                            }
                        }
                    }
                }
            }
        });
        Self { heads, ..server }
    }

    /// Hangs up while a large request is still being sent: the client meets a broken pipe or a reset.
    pub(crate) fn hanging_up() -> Self {
        Self::start(|mut stream, requests| async move {
            if matches!(stream.read(&mut [0]).await, Ok(1..)) {
                requests.lock().unwrap().push(Method::POST);
                stream.shutdown().await.unwrap();
                stream.set_zero_linger().unwrap();
            }
        })
    }

    fn start<F, S>(serve: S) -> Self
    where
        S: Fn(TcpStream, Arc<Mutex<Vec<Method>>>) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let (connections, requests) = (Arc::<AtomicUsize>::default(), Arc::<Mutex<_>>::default());
        let (accepted, seen) = (Arc::clone(&connections), Arc::clone(&requests));
        let (ready, address) = mpsc::channel();
        thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                ready.send(listener.local_addr().unwrap()).unwrap();
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    stream.set_nodelay(true).unwrap();
                    accepted.fetch_add(1, Ordering::SeqCst);
                    tokio::spawn(serve(stream, Arc::clone(&seen)));
                }
            });
        });
        Self { address: address.recv().unwrap(), connections, requests, heads: Arc::default() }
    }

    /// The address to send to, for this response in this manner.
    pub(crate) fn url(&self, response: &str, manner: &str) -> String {
        format!("http://{}/send/single?{response}&{manner}", self.address)
    }

    /// How many connections it has accepted.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// The heads of the requests that a raw server has read, in lower case.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    /// The methods of the requests it has read.
    pub(crate) fn requests(&self) -> Vec<Method> {
        self.requests.lock().unwrap().clone()
    }
}

/// A step of what a raw server does with a request.
#[derive(Clone, Copy)]
pub(crate) enum Act {
    Write(&'static [u8]),
    /// This and no more, at the server's first request alone.
    WriteAtFirst(&'static [u8]),
    /// One byte at a time.
    Drip(&'static [u8]),
    /// The same again and again, [`FOR_EVER`] unless the client hangs up, and no more.
    DripForEver(&'static [u8]),
    Close,
    Reset,
    /// Lets what was written arrive: a reset may overtake it.
    Wait,
    /// Long enough that a timeout of seconds that starts again after it is noticed.
    WaitLong,
    /// Resets the connection at the server's second request.
    ResetTheSecond,
    /// Resets the connection at its own second request.
    ResetTheKept,
    /// Closes the connection at its own second request.
    CloseTheKept,
    /// Nothing for [`SILENCE`], and then closes.
    Silence,
}

/// Far longer than the timeout of a client that meets it: one without a timeout fails its test rather
/// than hang.
pub(crate) const SILENCE: Duration = Duration::from_secs(10);

/// So many milliseconds at least, and far more than the timeout of a client that sees a drip: one
/// that reads on fails its test rather than hang.
pub(crate) const FOR_EVER: usize = 4_000;

/// The file of this name.
pub(crate) fn file(name: &str) -> (u16, &'static [u8]) {
    let (_, status, body) = RESPONSES.iter().find(|(known, ..)| known == name).unwrap();
    (*status, body)
}

type Body = BoxBody<Bytes, Infallible>;

async fn response(
    request: Request<Incoming>,
) -> Result<Response<Body>, Box<dyn Error + Send + Sync>> {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let (path, method) = (request.uri().path().to_owned(), request.method().clone());
    let sent = request.into_body().collect().await?;
    if path != "/send/single" {
        // What a page that a redirect leads to says has nothing to do with the message.
        return Ok(Response::new(full(br#"{"message":"API Key is valid"}"#)));
    }
    assert!(method == Method::POST && !sent.to_bytes().is_empty(), "a send is a POST with a body");

    let (name, manner) = query.split_once('&').unwrap();
    let (status, body) = file(name);
    let response = Response::builder().status(status);
    let response = match manner {
        "content-length" => response.body(full(body)),
        "chunked" => response.body(chunked(body)),
        "gzip" => response.header("content-encoding", "gzip").body(full(&gzip(body))),
        "unnamed-gzip" => response.body(full(&gzip(body))),
        "misnamed-gzip" => response.header("content-encoding", "gzip").body(full(body)),
        "gzip-bomb" => {
            let page = gzip(&vec![b' '; 4 * BODY_LIMIT]);
            assert!(page.len() < BODY_LIMIT, "only what is decompressed is too long");
            response.header("content-encoding", "gzip").body(full(&page))
        }
        "moved" => response.status(301).header("location", "/moved").body(full(body)),
        "1-mib-page" => response.body(full(&[b"<html>".to_vec(), vec![b' '; 1 << 20]].concat())),
        "endless" => response.body(endless()),
        "failing" => return Err("hyper closes the connection, or resets the HTTP/2 stream".into()),
        "refused" => return Err(Box::new(h2::Error::from(h2::Reason::REFUSED_STREAM))),
        retry_after if retry_after.starts_with("retry-after-") => {
            let case: usize = retry_after.trim_start_matches("retry-after-").parse().unwrap();
            let add = |response: hyper::http::response::Builder, value: &Vec<u8>| {
                response.header("retry-after", value.as_slice())
            };
            CASES.get(case).unwrap().values.iter().fold(response, add).body(full(body))
        }
        unknown => panic!("unknown manner {unknown}"),
    };
    Ok(response.unwrap())
}

fn full(body: &[u8]) -> Body {
    Full::new(Bytes::copy_from_slice(body)).boxed()
}

fn chunked(body: &'static [u8]) -> Body {
    let frames: Vec<_> = body.chunks(7).map(|chunk| Ok(Frame::data(chunk.into()))).collect();
    StreamBody::new(stream::iter(frames)).boxed()
}

fn endless() -> Body {
    let page = Bytes::from_static(&[b' '; 10_000]);
    StreamBody::new(stream::repeat_with(move || Ok(Frame::data(page.clone())))).boxed()
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

/// Reads a request of HTTP/1 to the end of its body, and returns its head in lower case; `None` if the
/// connection ends instead.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut read = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&read).to_ascii_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.unwrap().trim().parse().unwrap() {
                return Some(head.to_owned());
            }
        }
        match stream.read_buf(&mut read).await {
            Ok(1..) => {}
            Ok(0) | Err(_) => return None,
        }
    }
}
