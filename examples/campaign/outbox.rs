//! A campaign's outbox, to copy: it knows what became of every message, and nobody is texted twice.
//!
//! It is a map here; in production it is tables of a database, and each method that changes it is one
//! transaction, as in `examples/recipes/src/outbox_sqlite.rs`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::SystemTime;

use mobivate_response::{BatchOutcome, DeliveryStatus, FailureKind, Outcome, Retry};

use crate::entry::{
    Claim, Entry, OutboxError, OutgoingMessage, Result, State, Suppression, number, retry,
};
use crate::provider::StatusUpdate;

/// What outlives a crash.
#[derive(Clone, Debug, Default)]
pub struct Outbox {
    /// The messages by their references.
    pub messages: BTreeMap<String, Entry>,
    /// The suppression list, by phone number in digits alone.
    pub suppressed: BTreeMap<String, Suppression>,
    /// References of messages whose opt-out notice named another number, for an operator.
    pub named_another: BTreeSet<String>,
    queue: VecDeque<String>,
    attempts: u64,
    /// The attempts whose outcome is still to come.
    open: BTreeSet<u64>,
}

impl Outbox {
    /// Queues a message. A known reference stays as it is: its message may have been sent.
    pub fn queue(&mut self, reference: &str, recipient: &str, now: SystemTime) -> Result<()> {
        let recipient = number(recipient);
        if let Some(known) = self.messages.get(reference) {
            let is_same = known.recipient == recipient;
            return if is_same { Ok(()) } else { Err(OutboxError::OtherRecipient) };
        }
        self.messages.insert(reference.to_owned(), Entry::new(recipient, now));
        self.queue.push_back(reference.to_owned());
        Ok(())
    }

    /// Claims up to `most` messages. Only the outcome, a status or an operator takes them out of
    /// `NeedsLookup`: after a crash nobody knows whether they were sent.
    pub fn claim(&mut self, most: usize, now: SystemTime) -> Option<Claim> {
        self.claim_next(most, false, now)
    }

    /// Claims a message that was certainly not sent before, to see whether the service is back.
    pub fn claim_probe(&mut self, now: SystemTime) -> Option<Claim> {
        self.claim_next(1, true, now)
    }

    /// Records what became of a claim: `retry` alone decides in which state.
    ///
    /// A batch that was rejected for one of its recipients is queued again without those that the
    /// response names, or, where it names none, in halves, until the one is alone.
    pub fn record_outcome(
        &mut self,
        claim: &Claim,
        outcome: &BatchOutcome<'_>,
        now: SystemTime,
    ) -> Result<()> {
        let (open, sent) = (self.close(claim)?, claim.messages.len());
        let failure = match outcome {
            Outcome::Success(batch) => {
                let echoed = Some(batch.recipients.len() as u64).filter(|echoed| *echoed > 0);
                let count = batch.recipient_count.or(echoed);
                // Of another count, only the message log tells which were accepted.
                let is_other = count.is_some_and(|count| count != sent as u64);
                let state = if is_other { State::NeedsLookup } else { State::Accepted };
                for to in open {
                    self.resolve(&to.reference, state.clone(), Some(&batch.id), now);
                }
                return Ok(());
            }
            Outcome::Failure(failure) => failure,
        };
        let named = failure.opted_out_number().filter(|named| !named.is_masked());
        let is_named =
            |to: &OutgoingMessage| named.is_some_and(|named| named.matches(&to.recipient));
        let names_one = claim.messages.iter().any(is_named);
        let is_batch_opt_out = failure.kind == FailureKind::BatchOptedOut;
        let is_halved = is_batch_opt_out || failure.kind == FailureKind::BadRequest;
        for to in open {
            if named.is_some() && !names_one {
                self.named_another.insert(to.reference.clone());
            }
            let state = match failure.retry() {
                _ if is_named(to) => State::Suppressed,
                // Whatever number the notice names, it is about the one that was sent to.
                Retry::Never => State::Suppressed,
                Retry::MayDuplicate => State::NeedsLookup,
                Retry::Later => State::RetryLater,
                Retry::AfterFix if is_batch_opt_out && names_one => State::Queued,
                Retry::AfterFix if is_halved && sent > 1 => {
                    self.load(&to.reference)?.most = sent.div_ceil(2);
                    State::Queued
                }
                Retry::AfterFix => State::NeedsFix(failure.to_string()),
            };
            if state == State::Suppressed {
                self.suppress(&to.recipient, Some(&to.reference), now);
            }
            self.resolve(&to.reference, state, failure.id.as_deref(), now);
        }
        Ok(())
    }

    /// Records that a claim certainly was not sent.
    pub fn record_not_sent(&mut self, claim: &Claim, now: SystemTime) -> Result<()> {
        for to in self.close(claim)? {
            self.resolve(&to.reference, State::RetryLater, None, now);
        }
        Ok(())
    }

    /// Applies a delivery receipt or a record of the message log, and returns the message's status if
    /// that changes it: then it is for `CircuitBreaker::record_delivery`, too.
    ///
    /// A message that was rejected after acceptance is sent again, later or once it is fixed, if its
    /// statuses say of every part and of every attempt that it was not sent.
    pub fn apply(
        &mut self,
        update: &StatusUpdate,
        now: SystemTime,
    ) -> Result<Option<DeliveryStatus>> {
        let entry = self.claimed(&update.reference)?;
        if entry.updates.contains(update) {
            return Ok(None);
        }
        let before = entry.delivery();
        let (state, recipient) = (entry.apply(update), entry.recipient.clone());
        let status = entry.delivery().filter(|status| before != Some(*status));
        // Whatever it is merged to: an opt-out must not be lost behind another status.
        if retry(update.status) == Some(Retry::Never) {
            self.suppress(&recipient, Some(&update.reference), now);
        }
        self.transition(&update.reference, state, now);
        Ok(status)
    }

    /// Queues a message again, since an operator has fixed the cause of its rejection. Returns whether
    /// it was `NeedsFix`.
    pub fn mark_fixed(&mut self, reference: &str, now: SystemTime) -> Result<bool> {
        let is_rejected = matches!(self.load(reference)?.state, State::NeedsFix(_));
        if is_rejected {
            self.transition(reference, State::RetryLater, now);
        }
        Ok(is_rejected)
    }

    /// Queues a message again that may have been sent, since an operator tolerates a duplicate. Returns
    /// whether it was `NeedsLookup`, or accepted and then failed.
    pub fn allow_duplicate(&mut self, reference: &str, now: SystemTime) -> Result<bool> {
        let entry = self.load(reference)?;
        let may_resend = entry.state == State::NeedsLookup || entry.has_failed();
        if may_resend {
            entry.may_duplicate = true;
            self.transition(reference, State::RetryLater, now);
        }
        Ok(may_resend)
    }

    /// Records that a lookup found a message, under this id. Returns whether the message was
    /// `NeedsLookup`, or queued again as an allowed duplicate.
    pub fn mark_found(&mut self, reference: &str, id: &str, now: SystemTime) -> Result<bool> {
        let entry = self.load(reference)?;
        let is_in_doubt = entry.is_in_doubt();
        if is_in_doubt {
            // It may be the rejected attempt that was found.
            entry.may_duplicate |= entry.updates_before > 0;
            self.resolve(reference, State::Accepted, Some(id), now);
        }
        Ok(is_in_doubt)
    }

    /// Takes a recipient who opted in again off the suppression list. Returns whether the recipient was
    /// on it. Messages that were suppressed meanwhile stay so: queue a new one.
    pub fn opted_in(&mut self, recipient: &str) -> bool {
        self.suppressed.remove(&number(recipient)).is_some()
    }

    /// Adds phone numbers to the suppression list.
    pub fn import_suppressed<'a>(
        &mut self,
        recipients: impl IntoIterator<Item = &'a str>,
        now: SystemTime,
    ) {
        for recipient in recipients {
            self.suppress(&number(recipient), None, now);
        }
    }

    /// Undoes what responses and statuses have suppressed since then, as after an hour with a broken
    /// opt-out list, and returns how many recipients. Their messages are sent again, but for those
    /// that may have been sent.
    pub fn undo_suppressions(&mut self, since: SystemTime, now: SystemTime) -> usize {
        let mut undone = self.suppressed.clone();
        undone.retain(|_, entry| entry.at >= since && entry.reference.is_some());
        self.suppressed.retain(|number, _| !undone.contains_key(number));
        let mut back = Vec::new();
        for (reference, entry) in &self.messages {
            let is_since = entry.state == State::Suppressed && entry.changed_at >= since;
            if is_since && undone.contains_key(&entry.recipient) {
                let state = if entry.is_unsent() { State::RetryLater } else { State::Accepted };
                back.push((reference.clone(), state));
            }
        }
        for (reference, state) in back {
            self.transition(&reference, state, now);
        }
        undone.len()
    }

    fn load(&mut self, reference: &str) -> Result<&mut Entry> {
        self.messages.get_mut(reference).ok_or(OutboxError::UnknownReference)
    }

    fn claimed(&mut self, reference: &str) -> Result<&mut Entry> {
        let entry = self.load(reference)?;
        if entry.attempt == 0 { Err(OutboxError::NeverClaimed) } else { Ok(entry) }
    }

    fn claim_next(&mut self, mut most: usize, is_probe: bool, now: SystemTime) -> Option<Claim> {
        let (attempt, mut messages) = (self.attempts + 1, Vec::new());
        while messages.len() < most {
            let is_in_doubt = |to| self.messages.get(to).is_some_and(|entry| entry.may_duplicate);
            let place = self.queue.iter().position(|to| !is_probe || !is_in_doubt(to));
            let Some(reference) = place.and_then(|place| self.queue.remove(place)) else { break };
            let entry = self.messages.get_mut(&reference).filter(|entry| entry.is_to_send());
            let Some(entry) = entry else { continue };
            if self.suppressed.contains_key(&entry.recipient) {
                self.transition(&reference, State::Suppressed, now);
            } else if messages.len() >= entry.most {
                self.queue.push_front(reference);
                break;
            } else {
                entry.start(attempt);
                most = most.min(entry.most);
                let recipient = entry.recipient.clone();
                self.transition(&reference, State::NeedsLookup, now);
                messages.push(OutgoingMessage { reference, recipient });
            }
        }
        if messages.is_empty() {
            return None;
        }
        self.attempts = attempt;
        self.open.insert(attempt);
        Some(Claim { attempt, messages })
    }

    /// Closes an attempt, once, and returns the messages whose last it is.
    fn close<'a>(&mut self, claim: &'a Claim) -> Result<Vec<&'a OutgoingMessage>> {
        let mut messages = Vec::new();
        for to in &claim.messages {
            if self.claimed(&to.reference)?.attempt == claim.attempt {
                messages.push(to);
            }
        }
        let is_open = !messages.is_empty() && self.open.remove(&claim.attempt);
        if is_open { Ok(messages) } else { Err(OutboxError::AttemptNotOpen) }
    }

    /// Moves a message that waits for its outcome. A status may have come before it, and knows more.
    fn resolve(&mut self, reference: &str, state: State, id: Option<&str>, now: SystemTime) {
        let Ok(entry) = self.load(reference) else { return };
        entry.id = id.map(str::to_owned).or(entry.id.take());
        if entry.is_in_doubt() {
            self.transition(reference, state, now);
        }
    }

    fn suppress(&mut self, recipient: &str, reference: Option<&str>, now: SystemTime) {
        let suppression = Suppression { at: now, reference: reference.map(str::to_owned) };
        self.suppressed.entry(recipient.to_owned()).or_insert(suppression);
    }

    /// Moves a message to a state; nothing else does. In the state that it is in it stays, with its
    /// time and its place in the queue.
    fn transition(&mut self, reference: &str, state: State, now: SystemTime) {
        let Ok(entry) = self.load(reference) else { return };
        if entry.state != state {
            (entry.state, entry.changed_at) = (state, now);
            if entry.is_to_send() {
                self.queue.push_back(reference.to_owned());
            }
        }
    }
}
