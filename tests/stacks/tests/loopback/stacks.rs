//! The four clients, each behind its recipe, under one roof.

use std::{error::Error, sync::Arc, time::Duration};

use ::hyper::{
    Request, Uri,
    body::Bytes,
    client::conn::{http1, http2},
};
use http_body_util::Full;
use hyper_util::rt::{TokioExecutor, TokioIo};
use mobivate_response::SendOutcome;
use stacks::{hyper, reqwest_async, reqwest_blocking, ureq};
use tokio::{
    net::TcpStream,
    runtime::{self, Runtime},
};

/// Long enough never to matter, on however slow a machine.
pub(crate) const PATIENT: Duration = Duration::from_secs(60);

/// The request: the server sees to it that it arrives.
pub(crate) const JSON: &str = r#"{"originator":"Brand","recipient":"447700900123","body":"Hi"}"#;

pub(crate) type Sent = Result<SendOutcome<'static>, Box<dyn Error + Send + Sync>>;

/// A client that keeps its connections, with its recipe.
pub(crate) struct Stack {
    pub(crate) name: &'static str,
    send: Box<dyn FnMut(&str) -> Sent>,
}

impl Stack {
    fn new(name: &'static str, send: impl FnMut(&str) -> Sent + 'static) -> Self {
        Self { name, send: Box::new(send) }
    }

    /// Sends the request to a URL.
    pub(crate) fn send(&mut self, url: &str) -> Sent {
        (self.send)(url)
    }
}

/// Every client over HTTP/1, with this time limit for the whole send.
pub(crate) fn http1(limit: Duration) -> [Stack; 4] {
    let runtime = runtime();
    let (hyper_runtime, mut connection) = (Arc::clone(&runtime), None);
    let client = reqwest_async::client(limit).unwrap();
    let blocking = reqwest_blocking::client(limit).unwrap();
    let agent = ureq::agent(limit);
    [
        Stack::new("reqwest, async", move |url| {
            Ok(runtime.block_on(reqwest_async::send(client.post(url).body(JSON)))?)
        }),
        Stack::new("reqwest, blocking", move |url| {
            Ok(reqwest_blocking::send(blocking.post(url).body(JSON))?)
        }),
        Stack::new("ureq", move |url| Ok(ureq::send(agent.post(url), JSON)?)),
        Stack::new("hyper", move |url| {
            hyper_runtime.block_on(async {
                let request = request(url);
                let mut requests = kept(limit, connection.take(), request.uri()).await?;
                let outcome = hyper::send(limit, requests.try_send_request(request)).await?;
                connection = Some(requests);
                Ok(outcome)
            })
        }),
    ]
}

/// Every client that speaks HTTP/2, over HTTP/2.
pub(crate) fn http2(limit: Duration) -> [Stack; 3] {
    let runtime = runtime();
    let (hyper_runtime, mut connection) = (Arc::clone(&runtime), None);
    let client = reqwest::Client::builder().http2_prior_knowledge().no_proxy().build().unwrap();
    let blocking = reqwest::blocking::Client::builder().http2_prior_knowledge().no_proxy();
    let blocking = blocking.build().unwrap();
    [
        Stack::new("reqwest, async, HTTP/2", move |url| {
            let request = client.post(url).timeout(limit).body(JSON);
            Ok(runtime.block_on(reqwest_async::send(request))?)
        }),
        Stack::new("reqwest, blocking, HTTP/2", move |url| {
            Ok(reqwest_blocking::send(blocking.post(url).timeout(limit).body(JSON))?)
        }),
        Stack::new("hyper, HTTP/2", move |url| {
            hyper_runtime.block_on(async {
                let request = request(url);
                let mut requests = match connection.take() {
                    Some(requests) => requests,
                    None => connect_http2(request.uri()).await?,
                };
                let outcome = hyper::send(limit, requests.try_send_request(request)).await?;
                connection = Some(requests);
                Ok(outcome)
            })
        }),
    ]
}

/// One worker thread, so that connections live on between the sends.
fn runtime() -> Arc<Runtime> {
    Arc::new(runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap())
}

/// `hyper::connect` for HTTP/2.
async fn connect_http2(
    url: &Uri,
) -> Result<http2::SendRequest<Full<Bytes>>, Box<dyn Error + Send + Sync>> {
    let stream = TcpStream::connect(url.authority().unwrap().as_str()).await?;
    stream.set_nodelay(true)?;
    let (requests, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
    tokio::spawn(async move { connection.await.ok() });
    Ok(requests)
}

/// The connection of the last send if it takes another request, else a new one.
async fn kept(
    limit: Duration,
    last: Option<http1::SendRequest<Full<Bytes>>>,
    url: &Uri,
) -> std::io::Result<http1::SendRequest<Full<Bytes>>> {
    if let Some(mut requests) = last {
        if requests.ready().await.is_ok() {
            return Ok(requests);
        }
    }
    hyper::connect(limit, url.authority().unwrap().as_str()).await
}

pub(crate) fn request(url: &str) -> Request<Full<Bytes>> {
    let host = url.parse::<Uri>().unwrap().authority().unwrap().to_string();
    Request::post(url).header("host", host).body(Full::from(JSON)).unwrap()
}
