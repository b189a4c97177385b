//! A campaign's sender, to copy with `outbox.rs` and `entry.rs`: it claims, decodes and records, and
//! stops in time.

use std::time::SystemTime;

use mobivate_response::{
    Action, Batch, BatchOutcome, CircuitBreaker, Outcome, SendOutcome, StopReason,
};

use crate::entry::{Claim, Result};
use crate::outbox::Outbox;
// In production, those of the recipes: of your HTTP client's, and of `receipts.rs`.
use crate::provider::{Attempt, StatusUpdate};

/// Decodes the response to a claim: a message alone was a single send, and is a batch of one here.
/// Nothing, if it was not sent.
#[must_use]
pub fn decode<'a>(claim: &Claim, attempt: &'a Attempt) -> Option<BatchOutcome<'a>> {
    Some(match attempt {
        Attempt::Response { status, body, .. } if claim.messages.len() == 1 => {
            match SendOutcome::decode(*status, body) {
                Outcome::Success(message) => {
                    let mut batch = Batch::new(message.id);
                    batch.recipient_count = message.recipient_count;
                    batch.into()
                }
                Outcome::Failure(failure) => failure.into(),
            }
        }
        Attempt::Response { status, body, .. } => BatchOutcome::decode(*status, body),
        Attempt::NoResponse(why) => BatchOutcome::no_response(why),
        Attempt::NotSent(_) => return None,
    })
}

/// Sends what the outbox holds, one claim after the other.
#[derive(Clone, Debug, Default)]
pub struct Sender {
    /// What became of every message.
    pub outbox: Outbox,
    /// It outlives a crash, too.
    pub circuit_breaker: CircuitBreaker,
    /// Why nothing more is sent, if the circuit breaker has said so.
    pub stopped: Option<StopReason>,
}

impl Sender {
    /// Claims what is sent next: a probe after `Stop(Service)`; nothing after another stop, until
    /// [`reset`](Self::reset).
    pub fn claim(&mut self, most: usize, now: SystemTime) -> Option<Claim> {
        match self.stopped {
            None => self.outbox.claim(most, now),
            Some(StopReason::Service) => self.outbox.claim_probe(now),
            Some(_) => None,
        }
    }

    /// Records what became of a claim, and returns what to do next.
    pub fn record(&mut self, claim: &Claim, attempt: &Attempt, now: SystemTime) -> Result<Action> {
        let Some(outcome) = decode(claim, attempt) else {
            self.outbox.record_not_sent(claim, now)?;
            let action = self.circuit_breaker.record_not_sent();
            return Ok(self.follow(action));
        };
        self.outbox.record_outcome(claim, &outcome, now)?;
        let action = self.circuit_breaker.record(&outcome);
        Ok(self.follow(action))
    }

    /// Applies a status update, and returns what to do next.
    pub fn apply(&mut self, update: &StatusUpdate, now: SystemTime) -> Result<Action> {
        let Some(status) = self.outbox.apply(update, now)? else {
            return Ok(Action::Continue);
        };
        let action = self.circuit_breaker.record_delivery(status);
        // A receipt may stop the campaign, but ends no stop.
        Ok(if let Action::Stop(_) = action { self.follow(action) } else { action })
    }

    /// Goes on after a stop: an operator has looked.
    pub fn reset(&mut self) {
        self.circuit_breaker.reset();
        self.stopped = None;
    }

    /// Only a service that responds again ends a stop by itself.
    pub fn follow(&mut self, action: Action) -> Action {
        match (self.stopped, action) {
            (None | Some(StopReason::Service), Action::Stop(reason)) => self.stopped = Some(reason),
            (Some(StopReason::Service), _) => self.stopped = None,
            _ => {}
        }
        action
    }
}
