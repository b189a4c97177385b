//! The clients in one table, each behind its recipe.

use std::{sync::Arc, thread, time::Duration};

use ::hyper::Request;
use hyper_util::{client::legacy, rt::TokioExecutor};
use mobivate_response::{Failure, FailureKind};
use recipes::{curl, hyper, reqwest, response::Response, ureq};
use tokio::runtime;

/// Long enough never to matter, on however slow a machine.
pub(crate) const PATIENT: Duration = Duration::from_secs(60);

/// A pool takes a connection back in the background, mostly within this time.
pub(crate) const POOLING: Duration = Duration::from_millis(20);

pub(crate) const JSON: &str = r#"{"originator":"Brand","recipient":"447700900123","body":"Hi"}"#;

type Sent = Result<Response, Failure<'static>>;
type SendFn = Box<dyn FnMut(&str, &str) -> Sent + Send>;

/// A client that keeps its connections if its recipe lets it.
pub(crate) struct Client {
    pub(crate) name: &'static str,
    send: SendFn,
}

impl Client {
    pub(crate) fn decompresses(&self) -> bool {
        self.name == "ureq" || self.name.starts_with("reqwest")
    }

    pub(crate) fn send(&mut self, url: &str, json: &str) -> Sent {
        let sent = (self.send)(url, json);
        if let Err(failure) = &sent {
            assert!(!failure.detail.contains("secret"), "{}: {}", self.name, failure.detail);
        }
        sent
    }

    /// Sends the message, and expects a status.
    pub(crate) fn response(&mut self, url: &str) -> Response {
        self.send(url, JSON).unwrap_or_else(|failure| panic!("{}: {failure}", self.name))
    }

    /// Sends the message, and expects a status with this kind of failure.
    pub(crate) fn rejected(&mut self, url: &str, status: u16, kind: FailureKind) {
        let response = self.response(url);
        let outcome = response.outcome();
        let failure = outcome.failure().unwrap();
        assert_eq!((failure.status, failure.kind), (status, kind), "{}: {failure}", self.name);
    }

    /// Sends the message, and expects that no status comes.
    pub(crate) fn fails(&mut self, url: &str, kind: FailureKind) -> String {
        let Err(failure) = self.send(url, JSON) else { panic!("{}: a status came", self.name) };
        assert_eq!((failure.status, failure.kind), (0, kind), "{}: {failure}", self.name);
        failure.detail.into_owned()
    }
}

/// Every client, with this timeout for the whole send.
pub(crate) fn all(timeout: Duration) -> Vec<Client> {
    // A worker thread, so that connections live on between the sends.
    let runtime = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = Arc::new(runtime.unwrap());
    let reqwest = |client: ::reqwest::ClientBuilder| {
        let (client, runtime) = (client.build().unwrap(), Arc::clone(&runtime));
        boxed(move |url, json| runtime.block_on(reqwest::send(client.post(url), json)))
    };
    let hyper = |client: legacy::Client<_, _>| {
        let runtime = Arc::clone(&runtime);
        boxed(move |url, json| {
            let message = Request::post(url).body(json.to_owned().into()).unwrap();
            runtime.block_on(hyper::send(&client, message, timeout))
        })
    };
    let hyper_http2 = legacy::Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build(hyper::connector(timeout));
    let agent = ureq::agent(timeout);
    let clients = [
        ("ureq", boxed(move |url, json| ureq::send(agent.post(url), json))),
        ("reqwest", reqwest(reqwest::client(timeout))),
        ("hyper", hyper(hyper::client(hyper::connector(timeout)))),
        ("curl", boxed(move |url, json| curl::send(url, "key", json, timeout))),
        ("reqwest, HTTP/2", reqwest(reqwest::client(timeout).http2_prior_knowledge())),
        ("hyper, HTTP/2", hyper(hyper_http2)),
    ];
    clients.map(|(name, send)| Client { name, send }).into()
}

fn boxed(send: impl FnMut(&str, &str) -> Sent + Send + 'static) -> SendFn {
    Box::new(send)
}

/// The clients over HTTP/1.
pub(crate) fn http1(timeout: Duration) -> impl Iterator<Item = Client> {
    all(timeout).into_iter().filter(|client| !client.name.ends_with("HTTP/2"))
}

/// Runs a test with each client over HTTP/1 at once, so that it waits for the timeout once.
pub(crate) fn at_once(timeout: Duration, test: impl Fn(Client) + Sync) {
    thread::scope(|scope| {
        for client in http1(timeout) {
            scope.spawn(|| test(client));
        }
    });
}
