//! The loop that sends the queued messages and obeys the circuit breaker.
//!
//! You pass in your HTTP client, whose timeout must be shorter than the ten minutes after which the
//! outbox lets you allow a duplicate. Several senders, also in several processes, share one database.
//! Copy this file with `response.rs`, `outbox.rs`, and the files that `outbox.rs` uses.
//!
//! ```toml
//! mobivate-response = "0.1"
//! tokio = { version = "1.54.1", features = ["time"] }
//! ```

use std::{
    pin::pin,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use mobivate_response::{Action, Failure, SendOutcome, StopReason};
use tokio::time::{sleep, timeout};

use crate::{
    outbox::{Next, Outbox, Result},
    response::Response,
};

/// How long the sender waits before it asks the outbox again.
const POLL: Duration = Duration::from_secs(1);
/// How often it tries to record an outcome while the database fails.
const RECORD_TRIES: u32 = 30;

/// A step of the sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// It sent the message with this reference.
    Sent(String, Box<SendOutcome<'static>>, Action),
    /// It waits until this time.
    Waits(i64),
    /// It waits until you fix the cause and reset the circuit breaker.
    Stopped(StopReason),
    /// No message is due.
    Empty,
}

/// Sends messages until `stop` completes. A send that's under way is recorded first.
///
/// `report` is called after each step, for your log. An empty outbox doesn't end the loop.
///
/// # Errors
///
/// Fails if the database fails. Call it again once the database works.
pub async fn run<Sent>(
    outbox: &Outbox,
    send: impl Fn(String) -> Sent,
    stop: impl Future<Output = ()>,
    report: impl Fn(&Step),
) -> Result<()>
where
    Sent: Future<Output = std::result::Result<Response, Failure<'static>>>,
{
    let (mut stop, mut wait) = (pin!(stop), Duration::ZERO);
    while timeout(wait, stop.as_mut()).await.is_err() {
        let done = step(outbox, &send, now).await?;
        wait = match &done {
            Step::Sent(..) => Duration::ZERO,
            Step::Waits(until) => {
                Duration::from_millis(until.saturating_sub(now()).unsigned_abs()).min(POLL)
            }
            Step::Stopped(_) | Step::Empty => POLL,
        };
        report(&done);
    }
    Ok(())
}

/// Sends one message, if one is due and the circuit breaker allows it.
///
/// # Errors
///
/// Fails if the database fails.
pub async fn step<Sent>(
    outbox: &Outbox,
    send: impl Fn(String) -> Sent,
    now: impl Fn() -> i64,
) -> Result<Step>
where
    Sent: Future<Output = std::result::Result<Response, Failure<'static>>>,
{
    let claim = match outbox.claim(now()).await? {
        Next::Send(claim) => claim,
        Next::WaitUntil(until) => return Ok(Step::Waits(until)),
        Next::Stopped(reason) => return Ok(Step::Stopped(reason)),
        Next::Empty => return Ok(Step::Empty),
    };
    let (outcome, retry_after) = match send(claim.request.clone()).await {
        Ok(response) => (response.outcome().into_owned(), response.retry_after),
        Err(failure) => (failure.into(), None),
    };
    let mut tries = 0;
    let action = loop {
        match outbox.record(&claim, &outcome, retry_after, now()).await {
            Ok(action) => break action,
            Err(error) if tries == RECORD_TRIES => return Err(error),
            Err(_) => tries += 1,
        }
        sleep(POLL).await;
    };
    Ok(Step::Sent(claim.reference, Box::new(outcome), action))
}

/// Returns the time, in milliseconds since 1970.
#[must_use]
pub fn now() -> i64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX)
}
