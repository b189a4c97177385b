//! The loop that each client's recipe shows, word for word, behind ureq.

use std::{fs, time::Duration};

use ::ureq::{Agent, Error};
use mobivate_response::{Action, CircuitBreaker, FailureKind, Retry, SendOutcome, StopReason};
use recipes::ureq::{self, Attempt, send, wait};

use crate::{
    clients::{JSON, PATIENT},
    mobivate::{Act, Server},
    transport::refusing,
};

fn deliver(
    agent: &Agent,
    url: &str,
    json: &str,
    circuit_breaker: &mut CircuitBreaker,
    mut sleep: impl FnMut(Duration),
) -> Result<(SendOutcome<'static>, Action), Error> {
    loop {
        let (outcome, retry_after) = match send(agent.post(url), json) {
            Attempt::Response { status, body, retry_after } => {
                (SendOutcome::decode(status, &body).into_owned(), retry_after) // a batch: `BatchOutcome`
            }
            Attempt::NoResponse(reason) => (SendOutcome::no_response(reason), None),
            Attempt::NotSent(error) => match circuit_breaker.record_not_sent() {
                Action::BackOff(n) => {
                    sleep(wait(n, None));
                    continue; // and send the same message again
                }
                Action::Continue | Action::Stop(_) => return Err(error),
            },
        };
        let action = circuit_breaker.record(&outcome);
        if let Action::BackOff(n) = action {
            sleep(wait(n, retry_after)); // before this message or the next
        }
        let later = outcome.failure().is_some_and(|failure| failure.retry() == Retry::Later);
        if !later || matches!(action, Action::Stop(_)) {
            return Ok((outcome, action));
        }
    }
}

/// The recipes' loops differ in how they send and in `await`.
#[test]
fn each_recipe_shows_this_loop() {
    let this = include_str!("deliver.rs");
    let (_, this) = this.split_once("\n    loop {\n").unwrap();
    let (this, _) = this.split_once("\n    }\n").unwrap();
    let this: Vec<_> = this.lines().map(|line| line.strip_prefix("    ").unwrap()).collect();
    let (sends, this) = this.split_first().unwrap();
    assert!(sends.contains(" = match send("));
    for recipe in ["curl", "hyper", "reqwest_async", "reqwest_blocking", "ureq"] {
        let path = format!("{}/src/{recipe}.rs", env!("CARGO_MANIFEST_DIR"));
        let text = fs::read_to_string(path).unwrap();
        let (_, shown) = text.split_once("\n//! loop {\n").unwrap();
        let (shown, _) = shown.split_once("\n//! }\n").unwrap();
        let shown = shown.replace(".await", "");
        let shown: Vec<_> = shown.lines().map(|line| line.strip_prefix("//! ").unwrap()).collect();
        let (sends, shown) = shown.split_first().unwrap();
        assert!(sends.contains(" = match send("), "{recipe}: {sends}");
        assert_eq!(shown, this, "{recipe}");
    }
}

/// What became of a message, how often it was sent, and the seconds between.
struct Delivery {
    result: Result<(SendOutcome<'static>, Action), Error>,
    requests: usize,
    waits: Vec<u64>,
}

fn deliver_to(timeout: Duration, script: &'static [Act]) -> Delivery {
    let server = Server::raw(script);
    let (agent, mut waits) = (ureq::agent(timeout), Vec::new());
    let url = server.url("", "");
    let sleep = |wait: Duration| waits.push(wait.as_secs());
    let result = deliver(&agent, &url, JSON, &mut CircuitBreaker::new(), sleep);
    Delivery { result, requests: server.requests().len(), waits }
}

const ACCEPTED: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n{\"id\":\"m-1\"}";
const SLOW_DOWN: &[u8] = b"HTTP/1.1 429 Slow Down\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n";
const OPTED_OUT: &[u8] = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 47\r\n\r\n\
    {\"code\":403,\"message\":\"Recipient is opted out\"}";

#[test]
fn what_is_to_be_sent_later_is_sent_again_after_a_wait() {
    let delivery = deliver_to(PATIENT, &[Act::WriteAtFirst(SLOW_DOWN), Act::Write(ACCEPTED)]);
    let (outcome, action) = delivery.result.unwrap();
    assert!(outcome.is_success());
    assert_eq!((action, delivery.requests, delivery.waits), (Action::Continue, 2, vec![7]));
}

#[test]
fn the_circuit_breaker_ends_it() {
    let delivery = deliver_to(PATIENT, &[Act::Write(SLOW_DOWN)]);
    let (outcome, action) = delivery.result.unwrap();
    assert_eq!(outcome.failure().unwrap().kind, FailureKind::RateLimited);
    assert_eq!(action, Action::Stop(StopReason::RateLimit));
    assert_eq!(delivery.requests, 10);
    assert_eq!(delivery.waits, [7, 7, 8, 16, 32, 64, 128, 256, 512]);
}

#[test]
fn what_is_not_to_be_sent_again_is_sent_once() {
    for (response, kind) in [(ACCEPTED, None), (OPTED_OUT, Some(FailureKind::OptedOut))] {
        let delivery = deliver_to(PATIENT, vec![Act::Write(response)].leak());
        let (outcome, action) = delivery.result.unwrap();
        assert_eq!(outcome.failure().map(|failure| failure.kind), kind);
        assert_eq!((action, delivery.requests, delivery.waits), (Action::Continue, 1, vec![]));
    }
}

/// The wait is one before the next message.
#[test]
fn what_may_have_been_sent_is_sent_once() {
    let delivery = deliver_to(PATIENT, &[Act::Close]);
    let (outcome, action) = delivery.result.unwrap();
    assert_eq!(outcome.failure().unwrap().kind, FailureKind::NoResponse);
    assert_eq!((action, delivery.requests, delivery.waits), (Action::BackOff(1), 1, vec![2]));
}

#[test]
fn what_was_not_sent_is_tried_again_until_the_circuit_breaker_stops() {
    let (_socket, url) = refusing();
    let mut waits = Vec::new();
    let mut circuit_breaker = CircuitBreaker::new();
    let sleep = |wait: Duration| waits.push(wait.as_secs());
    let result = deliver(&ureq::agent(PATIENT), &url, JSON, &mut circuit_breaker, sleep);
    assert!(result.is_err());
    assert_eq!(waits, [2, 4]);
}
