//! A server that speaks HTTP well, and one that plays the worst days of a network.

use std::{
    convert::Infallible,
    error::Error,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use http_body_util::{BodyExt, combinators::BoxBody};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use socket2::SockRef;
use tokio::runtime;

pub(crate) const ACCEPTED: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n{\"id\":\"m-1\"}";

/// Writes it so often, with pauses, that it takes far longer than the timeout of a client.
pub(crate) fn drip(stream: &mut TcpStream, piece: &[u8]) -> io::Result<()> {
    (0..DRIPS).try_for_each(|_| {
        thread::sleep(Duration::from_millis(1));
        stream.write_all(piece)
    })
}

pub(crate) const DRIPS: usize = 10_000;

pub(crate) type Body = BoxBody<Bytes, Infallible>;
pub(crate) type Reply = Result<Response<Body>, Box<dyn Error + Send + Sync>>;

/// How a connection goes on after a response.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Then {
    Keep,
    Close,
    Reset,
    /// Accepts, but long after the timeout of a client.
    Silence,
}

/// A server on a free port of the loopback address, until the process ends.
pub(crate) struct Server {
    address: SocketAddr,
    /// The number of connections, and the requests.
    seen: Arc<Mutex<(usize, Vec<String>)>>,
}

impl Server {
    /// Responds to each POST by HTTP/1 or HTTP/2. The reply gets the URL's path without the `/`.
    pub(crate) fn http(reply: impl Fn(&str) -> Reply + Copy + Send + 'static) -> Self {
        Self::start(move |stream, saw| {
            let service = service_fn(move |request: Request<Incoming>| {
                saw(format!("{request:?}"));
                let replied = reply(request.uri().path().trim_start_matches('/'));
                async {
                    request.into_body().collect().await?;
                    replied
                }
            });
            stream.set_nonblocking(true)?;
            let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let stream = TokioIo::new(tokio::net::TcpStream::from_std(stream)?);
                let server = auto::Builder::new(TokioExecutor::new());
                server.serve_connection(stream, service).await.map_err(io::Error::other)
            })
        })
    }

    /// Reads each complete request of HTTP/1, and writes this response.
    pub(crate) fn raw(response: &'static [u8], then: Then) -> Self {
        Self::acting(move |stream, _| stream.write_all(response).map(|()| then))
    }

    /// Reads each complete request of HTTP/1, and acts. The number is 1 at a connection's first one.
    pub(crate) fn acting(
        act: impl Fn(&mut TcpStream, usize) -> io::Result<Then> + Copy + Send + 'static,
    ) -> Self {
        Self::start(move |mut stream, saw| {
            for nth in 1.. {
                saw(read_request(&stream)?);
                match act(&mut stream, nth)? {
                    Then::Keep => {}
                    Then::Close => break,
                    Then::Reset => return reset(&stream),
                    Then::Silence => {
                        thread::sleep(Duration::from_secs(10));
                        stream.write_all(ACCEPTED)?;
                    }
                }
            }
            Ok(())
        })
    }

    /// Hangs up while a large request is still being sent.
    pub(crate) fn hanging_up() -> Self {
        Self::start(|mut stream, saw| {
            stream.read_exact(&mut [0])?;
            saw(String::new());
            reset(&stream)
        })
    }

    fn start<F>(serve: F) -> Self
    where
        F: Fn(TcpStream, Box<dyn Fn(String) + Send + Sync>) -> io::Result<()>,
        F: Copy + Send + 'static,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::<Mutex<(usize, Vec<String>)>>::default();
        let seeing = Arc::clone(&seen);
        thread::spawn(move || {
            for stream in listener.incoming() {
                seeing.lock().unwrap().0 += 1;
                let seeing = Arc::clone(&seeing);
                let saw = move |head| seeing.lock().unwrap().1.push(head);
                let stream = stream.unwrap();
                stream.set_nodelay(true).unwrap();
                // An error is a client that hangs up.
                thread::spawn(move || serve(stream, Box::new(saw)).ok());
            }
        });
        Self { address, seen }
    }

    /// The URL, with a key that no error may show.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}/{path}?key=secret", self.address)
    }

    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().1.clone()
    }

    /// The number of connections, and that of requests.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let seen = self.seen.lock().unwrap();
        (seen.0, seen.1.len())
    }

    pub(crate) fn requests(&self) -> usize {
        self.counts().1
    }
}

fn reset(stream: &TcpStream) -> io::Result<()> {
    SockRef::from(stream).set_linger(Some(Duration::ZERO))
}

/// Reads the head, which becomes lower case, and the body, unless the client waits for a 100.
fn read_request(stream: &TcpStream) -> io::Result<String> {
    let (mut reader, mut head) = (BufReader::new(stream), String::new());
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    head.make_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    if !head.contains("\r\nexpect: ") {
        reader.take(length.unwrap().parse().unwrap()).read_to_string(&mut head)?;
    }
    Ok(head)
}
