//! What the outbox holds, to copy with `outbox.rs`: each message with the one state that it is in, and
//! what receipts and the message log said of it.

use std::time::SystemTime;

use mobivate_response::{DeliveryStatus, FailureKind, Retry};

// In production, that of `examples/recipes/src/receipts.rs`, which has the same fields.
use crate::provider::StatusUpdate;

/// What is about to be sent: one message as a single send, more as a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// Unique: it tells this try to send from an earlier one of the same message.
    pub attempt: u64,
    /// The messages that are sent together.
    pub messages: Vec<OutgoingMessage>,
}

/// A message to one recipient.
#[derive(Clone, Debug, PartialEq)]
pub struct OutgoingMessage {
    /// The client reference, unique, sent along.
    pub reference: String,
    /// The phone number, digits alone.
    pub recipient: String,
}

/// What became of a message, and what is to be done about it.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// Certainly not sent.
    Queued,
    /// Accepted; [`Entry::delivery`] tells what became of it. It stays here if it failed later and
    /// may have arrived all the same.
    Accepted,
    /// Not sent: the recipient opted out, or is on the suppression list.
    Suppressed,
    /// Not sent: sent again after a wait.
    RetryLater,
    /// Not sent: sent again once an operator has fixed this.
    NeedsFix(String),
    /// May have been sent: looked up by the reference, or by the id if there is one. What is not found
    /// may have been accepted all the same: an operator decides, after a day.
    NeedsLookup,
}

/// A message with all that the outbox knows of it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The phone number, digits alone.
    pub recipient: String,
    /// The one state that it is in.
    pub state: State,
    /// When it came into this state.
    pub changed_at: SystemTime,
    /// The last attempt; 0: never claimed.
    pub attempt: u64,
    /// The id that the response to that attempt gave: Mobivate's, of the message or of its batch.
    pub id: Option<String>,
    /// The largest batch that it may be part of.
    pub most: usize,
    /// More than one attempt may have been accepted, so a failed status speaks for one alone.
    pub may_duplicate: bool,
    /// What receipts and the message log said, once each.
    pub updates: Vec<StatusUpdate>,
    /// How many of them there were before the last attempt.
    pub updates_before: usize,
}

/// An entry of the suppression list.
#[derive(Clone, Debug, PartialEq)]
pub struct Suppression {
    /// Since when nothing is sent to the recipient.
    pub at: SystemTime,
    /// The message whose response or status said so; `None` if it was imported.
    pub reference: Option<String>,
}

/// Why nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OutboxError {
    /// No message has this reference.
    UnknownReference,
    /// The reference belongs to a message to another recipient.
    OtherRecipient,
    /// The message was never claimed, so it was never sent.
    NeverClaimed,
    /// The outcome was recorded before, or belongs to an earlier attempt.
    AttemptNotOpen,
}

/// The result of the outbox's methods.
pub type Result<T> = std::result::Result<T, OutboxError>;

impl Entry {
    /// A message that was never claimed.
    pub(crate) fn new(recipient: String, now: SystemTime) -> Self {
        Self {
            recipient,
            state: State::Queued,
            changed_at: now,
            attempt: 0,
            id: None,
            most: usize::MAX,
            may_duplicate: false,
            updates: Vec::new(),
            updates_before: 0,
        }
    }

    /// Returns what became of an accepted message; `None` if no status came since the last attempt.
    #[must_use]
    pub fn delivery(&self) -> Option<DeliveryStatus> {
        let parts = self.parts();
        (!parts.is_empty()).then(|| DeliveryStatus::of_parts(parts))
    }

    /// The statuses of all parts since the last attempt; that of a part without one is `Unknown`.
    fn parts(&self) -> Vec<DeliveryStatus> {
        let updates = self.updates.iter().skip(self.updates_before);
        let counts =
            updates.clone().map(|update| update.parts.max(update.part).unwrap_or(1).max(1));
        let of = |part| {
            let about_it = updates.clone().filter(|update| update.part.is_none_or(|n| n == part));
            about_it
                .map(|update| update.status)
                .fold(DeliveryStatus::Unknown, DeliveryStatus::merge)
        };
        (1..=counts.max().unwrap_or(0)).map(of).collect()
    }

    /// Whether it was accepted, and failed later.
    pub(crate) fn has_failed(&self) -> bool {
        let failure = self.delivery().and_then(DeliveryStatus::failure_kind);
        self.state == State::Accepted && failure.is_some()
    }

    /// Whether it is to be sent.
    pub(crate) fn is_to_send(&self) -> bool {
        matches!(self.state, State::Queued | State::RetryLater)
    }

    /// Whether an outcome or a lookup can still say something new of the message.
    pub(crate) fn is_in_doubt(&self) -> bool {
        self.state == State::NeedsLookup || self.state == State::RetryLater && self.may_duplicate
    }

    /// Whether all its statuses say that it was not sent.
    pub(crate) fn is_unsent(&self) -> bool {
        // Those of every attempt, and before they are merged.
        let may_have_arrived =
            |update: &StatusUpdate| retry(update.status) == Some(Retry::MayDuplicate);
        self.parts().into_iter().all(|part| retry(part).is_some())
            && !self.updates.iter().any(may_have_arrived)
    }

    /// Starts another attempt.
    pub(crate) fn start(&mut self, attempt: u64) {
        (self.attempt, self.id, self.updates_before) = (attempt, None, self.updates.len());
    }

    /// Keeps a status update, and returns the state that it moves the message to.
    ///
    /// Where it is uncertain which attempt the status is about, the message stays in its state: after
    /// a first rejection, only a `DELIVERED` and what has the id of the response move it.
    pub(crate) fn apply(&mut self, update: &StatusUpdate) -> State {
        let before = self.parts();
        self.updates.push(update.clone());
        let is_its_own = update.id.is_some() && update.id == self.id;
        let is_certain = is_its_own || self.updates_before == 0;
        let may_resend = self.is_unsent() && !self.may_duplicate;
        match self.delivery() {
            Some(DeliveryStatus::Delivered) => State::Accepted,
            Some(status) if is_certain && self.parts() != before => match retry(status) {
                Some(Retry::Never) => State::Suppressed,
                Some(Retry::Later) if may_resend => State::RetryLater,
                Some(Retry::AfterFix) if may_resend => State::NeedsFix(status.to_string()),
                _ => State::Accepted,
            },
            _ => self.state.clone(),
        }
    }
}

/// Returns what a failed status means for another attempt.
pub(crate) fn retry(status: DeliveryStatus) -> Option<Retry> {
    status.failure_kind().map(FailureKind::retry)
}

/// The digits of a phone number, however it is written: `00` and `+` mean the same.
pub(crate) fn number(recipient: &str) -> String {
    let digits: String = recipient.chars().filter(char::is_ascii_digit).collect();
    digits.strip_prefix("00").map_or(digits.clone(), str::to_owned)
}
