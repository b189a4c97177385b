//! What the clients do if left alone, and why the recipes tell them not to.

use hyper::Method;
use mobivate_response::{FailureKind, SendOutcome};
use recipes::{reqwest_blocking, ureq};

use crate::{
    clients::{Attempt, JSON, PATIENT},
    mobivate::Server,
};

const OPTED_OUT: &str = "inferred/403-opted-out";

/// ureq's default error holds the status alone, so the opt-out is lost.
#[test]
fn ureq_drops_the_body_of_an_error_response() {
    let server = Server::mobivate();
    let url = server.url(OPTED_OUT, "content-length");
    let config = ::ureq::Agent::config_builder().proxy(None).build();
    let error = config.new_agent().post(&url).send(JSON).unwrap_err();
    let ::ureq::Error::StatusCode(status) = error else { panic!("{error}") };
    assert_eq!(kind(&SendOutcome::decode(status, b"")), FailureKind::Forbidden);

    let outcome = Attempt::from(ureq::send(ureq::agent(PATIENT).post(&url), JSON)).outcome();
    assert_eq!(kind(&outcome), FailureKind::OptedOut);
}

/// `error_for_status` takes the response and gives back an error without its body.
#[test]
fn error_for_status_drops_the_body_of_an_error_response() {
    let server = Server::mobivate();
    let client = reqwest_blocking::client(PATIENT).build().unwrap();
    let request = || client.post(server.url(OPTED_OUT, "content-length")).body(JSON);
    let error = request().send().unwrap().error_for_status().unwrap_err();
    let status = error.status().unwrap().as_u16();
    assert_eq!(kind(&SendOutcome::decode(status, b"")), FailureKind::Forbidden);

    let outcome = Attempt::from(reqwest_blocking::send(PATIENT, request())).outcome();
    assert_eq!(kind(&outcome), FailureKind::OptedOut);
}

/// A 301 says that the message was not accepted. A client that follows it asks for the new address
/// without the message, and what responds there reads as "unknown".
#[test]
fn a_followed_redirect_is_a_get() {
    let client = reqwest::blocking::Client::builder().no_proxy().build().unwrap();
    let server = Server::mobivate();
    let request = client.post(server.url(OPTED_OUT, "moved")).body(JSON);
    let outcome = Attempt::from(reqwest_blocking::send(PATIENT, request)).outcome();
    assert_eq!(kind(&outcome), FailureKind::Unconfirmed);
    assert_eq!(server.requests(), [Method::POST, Method::GET]);

    let agent = ::ureq::Agent::config_builder().proxy(None).build().new_agent();
    let server = Server::mobivate();
    let request = agent.post(server.url(OPTED_OUT, "moved"));
    let outcome = Attempt::from(ureq::send(request, JSON)).outcome();
    assert_eq!(kind(&outcome), FailureKind::Unconfirmed);
    assert_eq!(server.requests(), [Method::POST, Method::GET]);
}

/// Over HTTP/2, reqwest sends again what a server says it refused. The recipes leave that to the
/// caller, who counts.
#[test]
fn reqwest_resends_a_refused_stream() {
    let server = Server::mobivate();
    let client = reqwest::blocking::Client::builder().no_proxy().http2_prior_knowledge();
    let request = client.build().unwrap().post(server.url(OPTED_OUT, "refused")).body(JSON);
    let sent = Attempt::from(reqwest_blocking::send(PATIENT, request));
    assert!(matches!(sent, Attempt::NoResponse(_)), "{sent:?}");
    assert!(server.requests().len() > 1);
}

fn kind(outcome: &SendOutcome<'_>) -> FailureKind {
    outcome.failure().unwrap().kind
}
