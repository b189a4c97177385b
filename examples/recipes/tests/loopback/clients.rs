//! The clients, each behind its recipe, under one roof.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use ::curl::easy::Easy;
use ::hyper::{Request, body::Bytes};
use http_body_util::Full;
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::TokioExecutor,
};
use mobivate_response::SendOutcome;
use recipes::{curl, hyper, reqwest_async, reqwest_blocking, ureq};
use tokio::runtime::{self, Runtime};

use crate::mobivate::SILENCE;

/// Long enough never to matter, on however slow a machine.
pub(crate) const PATIENT: Duration = Duration::from_secs(60);

/// The request: the server sees to it that it arrives.
pub(crate) const JSON: &str = r#"{"originator":"Brand","recipient":"447700900123","body":"Hi"}"#;

pub(crate) const KEY: &str = "Bearer key";

pub(crate) const BODY_LIMIT: usize = ureq::BODY_LIMIT;
pub(crate) const IDLE_LIMIT: Duration = ureq::IDLE_LIMIT;

/// The recipes' `Attempt` are alike, each with its own client's error.
#[derive(Debug, PartialEq)]
pub(crate) enum Attempt {
    Response { status: u16, body: Vec<u8>, retry_after: Option<Duration> },
    NoResponse(String),
    NotSent,
}

macro_rules! from {
    ($($recipe:ident)*) => {$(
        impl From<$recipe::Attempt> for Attempt {
            fn from(sent: $recipe::Attempt) -> Self {
                match sent {
                    $recipe::Attempt::Response { status, body, retry_after } => {
                        Self::Response { status, body, retry_after }
                    }
                    $recipe::Attempt::NoResponse(reason) => Self::NoResponse(reason),
                    $recipe::Attempt::NotSent(_) => Self::NotSent,
                }
            }
        }
    )*};
}
from!(reqwest_async reqwest_blocking ureq hyper curl);

impl Attempt {
    /// What the recipes' docs say to make of it.
    pub(crate) fn outcome(self) -> SendOutcome<'static> {
        match self {
            Self::Response { status, body, .. } => SendOutcome::decode(status, &body).into_owned(),
            Self::NoResponse(reason) => SendOutcome::no_response(reason),
            Self::NotSent => panic!("it was not sent"),
        }
    }
}

/// A client that keeps its connections, with its recipe.
pub(crate) struct Client {
    pub(crate) name: &'static str,
    send: Box<dyn FnMut(&str) -> Attempt + Send>,
}

impl Client {
    fn new(name: &'static str, send: impl FnMut(&str) -> Attempt + Send + 'static) -> Self {
        Self { name, send: Box::new(send) }
    }

    /// Sends the request to a URL.
    pub(crate) fn send(&mut self, url: &str) -> Attempt {
        (self.send)(url)
    }

    /// Sends it, and takes the outcome.
    pub(crate) fn outcome(&mut self, url: &str) -> SendOutcome<'static> {
        self.send(url).outcome()
    }
}

/// Runs a test with every client at once, so that it waits for the timeout once: no client waits for
/// [`SILENCE`] to end.
pub(crate) fn at_once(timeout: Duration, test: impl Fn(Client) + Sync) {
    thread::scope(|scope| {
        for client in http1(timeout) {
            scope.spawn(|| {
                let (name, start) = (client.name, Instant::now());
                test(client);
                assert!(start.elapsed() < SILENCE, "{name} has no timeout");
            });
        }
    });
}

/// Every client over HTTP/1, with this timeout for all of a send.
pub(crate) fn http1(timeout: Duration) -> [Client; 5] {
    http1_sending(timeout, JSON)
}

/// The same with another body.
pub(crate) fn http1_sending(timeout: Duration, json: &'static str) -> [Client; 5] {
    let runtime = runtime();
    let hyper_runtime = Arc::clone(&runtime);
    let client = reqwest_async::client(timeout).build().unwrap();
    let blocking = reqwest_blocking::client(timeout).build().unwrap();
    let agent = ureq::agent(timeout);
    let hyper_client = hyper::client(hyper::connector(timeout));
    let mut easy = Easy::new();
    [
        Client::new("reqwest, async", move |url| {
            runtime.block_on(reqwest_async::send(client.post(url).body(json))).into()
        }),
        Client::new("reqwest, blocking", move |url| {
            reqwest_blocking::send(timeout, blocking.post(url).body(json)).into()
        }),
        Client::new("ureq", move |url| ureq::send(agent.post(url), json).into()),
        Client::new("hyper", move |url| {
            let response = hyper_client.request(request(url, json));
            hyper_runtime.block_on(hyper::send(timeout, response)).into()
        }),
        Client::new("curl", move |url| curl::send(&mut easy, timeout, url, KEY, json).into()),
    ]
}

/// Every client that speaks HTTP/2, over HTTP/2.
pub(crate) fn http2(timeout: Duration) -> [Client; 3] {
    let runtime = runtime();
    let hyper_runtime = Arc::clone(&runtime);
    let client = reqwest_async::client(timeout).http2_prior_knowledge().build().unwrap();
    let blocking = reqwest_blocking::client(timeout).http2_prior_knowledge().build().unwrap();
    let hyper_client: legacy::Client<HttpConnector, _> =
        legacy::Client::builder(TokioExecutor::new())
            .http2_only(true)
            .build(hyper::connector(timeout));
    [
        Client::new("reqwest, async, HTTP/2", move |url| {
            runtime.block_on(reqwest_async::send(client.post(url).body(JSON))).into()
        }),
        Client::new("reqwest, blocking, HTTP/2", move |url| {
            reqwest_blocking::send(timeout, blocking.post(url).body(JSON)).into()
        }),
        Client::new("hyper, HTTP/2", move |url| {
            let response = hyper_client.request(request(url, JSON));
            hyper_runtime.block_on(hyper::send(timeout, response)).into()
        }),
    ]
}

/// One worker thread, so that connections live on between the sends.
fn runtime() -> Arc<Runtime> {
    Arc::new(runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap())
}

fn request(url: &str, json: &'static str) -> Request<Full<Bytes>> {
    Request::post(url).body(Full::from(json)).unwrap()
}
