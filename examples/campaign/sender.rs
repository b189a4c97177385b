//! A campaign's sender, to copy: its outbox knows what became of every message, and nobody is texted
//! twice.
//!
//! The outbox is a map here; in production it is tables of a database, and each method that changes
//! it is one transaction, as in `examples/recipes/src/outbox_sqlite.rs`.

#![expect(missing_docs, clippy::missing_errors_doc, reason = "the names say it")]

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::SystemTime;

use mobivate_response::{
    Action, Batch, BatchOutcome, CircuitBreaker, DeliveryStatus, FailureKind, Outcome, Retry,
    SendOutcome, StopReason,
};

/// What the HTTP client says of a send.
#[derive(Clone, Debug)]
pub enum Attempt {
    /// A response came, with this HTTP status and this body, complete or not.
    Response { status: u16, body: Vec<u8> },
    /// It was sent, or may have been, and no response came: why.
    NoResponse(String),
    /// It certainly was not sent: why.
    NotSent(String),
}

/// What is about to be sent: one message as a single send, more as a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    pub attempt: u64,
    pub messages: Vec<OutgoingMessage>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct OutgoingMessage {
    /// The client reference, unique, sent along.
    pub reference: String,
    /// In international form: a national one is never recognized.
    pub recipient: String,
}

/// A delivery receipt, or a record of the message log.
#[derive(Clone, Debug, PartialEq)]
pub struct StatusUpdate {
    pub reference: String,
    /// Of the receipt or the record: it tells two attempts apart.
    pub id: String,
    pub part: u32,
    pub parts: u32,
    pub status: DeliveryStatus,
}

#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// Certainly not sent.
    Queued,
    /// Accepted, under the message's id or its batch's. It stays here if it failed later and may have
    /// arrived all the same.
    Accepted { id: String, status: DeliveryStatus },
    /// Not sent: the recipient opted out.
    Suppressed,
    /// Not sent: sent again after a wait.
    RetryLater,
    /// Not sent: sent again once an operator has fixed this.
    NeedsFix(String),
    /// May have been sent: looked up by the reference, or by the id if there is one. What is not found
    /// may have been accepted all the same: an operator decides, after a day.
    NeedsLookup(Option<String>),
}

#[derive(Clone, Debug)]
pub struct Entry {
    pub recipient: String,
    pub state: State,
    /// When it came into this state.
    pub changed: SystemTime,
    /// The status of each part since the last attempt.
    pub parts: BTreeMap<u32, DeliveryStatus>,
    /// The last attempt, and whether its outcome is still to come. 0: never claimed.
    attempt: (u64, bool),
    /// The largest batch that it may be part of.
    most: usize,
    /// More than one attempt of it may have been accepted, so a failed status speaks for one alone.
    may_duplicate: bool,
    /// The ids of status updates, and those that an earlier attempt's failure was read from.
    ids: BTreeSet<String>,
    settled: BTreeSet<String>,
}

/// Where a suppression came from; an imported one has no reference.
#[derive(Clone, Debug, PartialEq)]
pub struct Suppression {
    pub at: SystemTime,
    pub reference: Option<String>,
}

/// Why nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OutboxError {
    UnknownReference,
    OtherRecipient,
    NeverClaimed,
    /// The outcome was recorded before, or belongs to an earlier attempt.
    AttemptNotOpen,
}

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
}

impl Outbox {
    /// Queues a message. A known reference stays as it is: its message may have been sent.
    pub fn queue(&mut self, reference: &str, to: &str, now: SystemTime) -> Result<(), OutboxError> {
        if let Some(known) = self.messages.get(reference) {
            let same = number(&known.recipient) == number(to);
            return if same { Ok(()) } else { Err(OutboxError::OtherRecipient) };
        }
        let entry = Entry {
            recipient: to.to_owned(),
            state: State::Queued,
            changed: now,
            parts: BTreeMap::new(),
            attempt: (0, false),
            most: usize::MAX,
            may_duplicate: false,
            ids: BTreeSet::new(),
            settled: BTreeSet::new(),
        };
        self.messages.insert(reference.to_owned(), entry);
        self.queue.push_back(reference.to_owned());
        Ok(())
    }

    /// Claims up to `most` messages. Only the outcome or a lookup takes them out of `NeedsLookup`:
    /// after a crash nobody knows whether they were sent. A probe was certainly not sent before.
    pub fn claim(&mut self, mut most: usize, is_probe: bool, now: SystemTime) -> Option<Claim> {
        let (mut messages, mut put_back) = (Vec::new(), Vec::new());
        while messages.len() < most {
            let Some(reference) = self.queue.pop_front() else { break };
            let Some(entry) = self.messages.get_mut(&reference) else { continue };
            if !matches!(entry.state, State::Queued | State::RetryLater) {
                continue;
            }
            if self.suppressed.contains_key(&number(&entry.recipient)) {
                self.transition(&reference, State::Suppressed, now);
            } else if is_probe && entry.may_duplicate || entry.most <= messages.len() {
                put_back.push(reference);
            } else {
                most = most.min(entry.most);
                entry.parts.clear();
                entry.attempt = (self.attempts + 1, true);
                let recipient = entry.recipient.clone();
                messages.push(OutgoingMessage { reference: reference.clone(), recipient });
                self.transition(&reference, State::NeedsLookup(None), now);
            }
        }
        put_back.into_iter().rev().for_each(|reference| self.queue.push_front(reference));
        self.attempts += u64::from(!messages.is_empty());
        (!messages.is_empty()).then_some(Claim { attempt: self.attempts, messages })
    }

    /// Records what became of a claim: `retry` alone decides in which state.
    pub fn record_outcome(
        &mut self,
        claim: &Claim,
        outcome: &BatchOutcome<'_>,
        now: SystemTime,
    ) -> Result<(), OutboxError> {
        let (open, sent) = (self.close(claim)?, claim.messages.len());
        let failure = match outcome {
            Outcome::Success(batch) => {
                let (id, echoed) = (batch.id.to_string(), batch.recipients.len());
                let count = batch.recipient_count.or((echoed > 0).then_some(echoed as u64));
                let state = match count {
                    // Which of them were accepted, only the message log tells.
                    Some(count) if count != sent as u64 => State::NeedsLookup(Some(id)),
                    _ => State::Accepted { id, status: DeliveryStatus::Pending },
                };
                for to in open {
                    self.transition(&to.reference, state.clone(), now);
                }
                return Ok(());
            }
            Outcome::Failure(failure) => failure,
        };
        let named = failure.opted_out_number().filter(|named| !named.is_masked());
        let is_named =
            |to: &OutgoingMessage| named.is_some_and(|named| named.matches(&to.recipient));
        let names_one = claim.messages.iter().any(is_named);
        let is_batch_opt_out = sent > 1 && failure.kind == FailureKind::BatchOptedOut;
        let is_halved = sent > 1 && (is_batch_opt_out || failure.kind == FailureKind::BadRequest);
        for to in open {
            if named.is_some() && !names_one {
                self.named_another.insert(to.reference.clone());
            }
            let state = match failure.retry() {
                _ if is_batch_opt_out && is_named(to) => self.suppress(to, now),
                // Whatever number the notice names: it is about the one that was sent to.
                Retry::Never => self.suppress(to, now),
                Retry::MayDuplicate => State::NeedsLookup(failure.id.as_deref().map(str::to_owned)),
                Retry::Later => State::RetryLater,
                Retry::AfterFix if is_batch_opt_out && names_one => State::Queued,
                Retry::AfterFix if is_halved => {
                    self.messages.entry(to.reference.clone()).and_modify(|m| m.most = sent / 2);
                    State::Queued
                }
                Retry::AfterFix => State::NeedsFix(failure.to_string()),
            };
            self.transition(&to.reference, state, now);
        }
        Ok(())
    }

    /// Records that a claim certainly was not sent.
    pub fn record_not_sent(&mut self, claim: &Claim, now: SystemTime) -> Result<(), OutboxError> {
        for to in self.close(claim)? {
            self.transition(&to.reference, State::RetryLater, now);
        }
        Ok(())
    }

    /// Closes the attempt, once, and returns the messages that waited for its outcome.
    fn close<'a>(&mut self, claim: &'a Claim) -> Result<Vec<&'a OutgoingMessage>, OutboxError> {
        let entries = claim.messages.iter().map(|to| self.messages.get(&to.reference));
        for entry in entries {
            if entry.ok_or(OutboxError::UnknownReference)?.attempt.0 == 0 {
                return Err(OutboxError::NeverClaimed);
            }
        }
        let is_open = |to: &&OutgoingMessage| {
            self.messages.get(&to.reference).is_some_and(|m| m.attempt == (claim.attempt, true))
        };
        let open: Vec<_> = claim.messages.iter().filter(is_open).collect();
        for to in &open {
            self.messages.entry(to.reference.clone()).and_modify(|m| m.attempt.1 = false);
        }
        if open.is_empty() { Err(OutboxError::AttemptNotOpen) } else { Ok(open) }
    }

    /// Applies a delivery receipt or a record of the message log, and returns whether it was new.
    pub fn apply(&mut self, update: &StatusUpdate, now: SystemTime) -> Result<bool, OutboxError> {
        let entry = self.messages.get_mut(&update.reference);
        let entry = entry.ok_or(OutboxError::UnknownReference)?;
        if entry.attempt.0 == 0 {
            return Err(OutboxError::NeverClaimed);
        }
        let known = entry.parts.get(&update.part).copied();
        let merged = known.map_or(update.status, |known| known.merge(update.status));
        let is_settled = entry.settled.contains(&update.id);
        let retry = |status: &DeliveryStatus| status.failure_kind().map(FailureKind::retry);
        // Before it is merged: an opt-out must not be lost behind another status.
        if known != Some(update.status)
            && !is_settled
            && retry(&update.status) == Some(Retry::Never)
        {
            let suppression = Suppression { at: now, reference: Some(update.reference.clone()) };
            self.suppressed.entry(number(&entry.recipient)).or_insert(suppression);
        }
        if known == Some(merged) || is_settled && update.status != DeliveryStatus::Delivered {
            return Ok(false);
        }
        entry.parts.insert(update.part, merged);
        entry.ids.insert(update.id.clone());
        let is_missing = usize::try_from(update.parts).is_ok_and(|parts| parts > entry.parts.len());
        let is_unsent =
            |part: &DeliveryStatus| matches!(retry(part), Some(Retry::Later | Retry::AfterFix));
        let may_resend = !is_missing && !entry.may_duplicate && entry.parts.values().all(is_unsent);
        let missing = is_missing.then_some(DeliveryStatus::Pending);
        let status = DeliveryStatus::of_parts(entry.parts.values().copied().chain(missing));
        let id = match &entry.state {
            State::Accepted { id, .. } | State::NeedsLookup(Some(id)) => id,
            _ => &update.id,
        };
        let accepted = State::Accepted { id: id.clone(), status };
        let state = match retry(&status) {
            Some(Retry::Never) => State::Suppressed,
            Some(Retry::Later) if may_resend => State::RetryLater,
            Some(Retry::AfterFix) if may_resend => State::NeedsFix(status.to_string()),
            _ => accepted,
        };
        if let (State::RetryLater | State::NeedsFix(_), Some(entry)) =
            (&state, self.messages.get_mut(&update.reference))
        {
            entry.settled.append(&mut entry.ids);
            entry.parts.clear();
        }
        self.transition(&update.reference, state, now);
        Ok(true)
    }

    /// Sends a message again: an operator has fixed what it was rejected for.
    pub fn mark_fixed(&mut self, reference: &str, now: SystemTime) {
        let is_rejected = |m: &Entry| matches!(m.state, State::NeedsFix(_));
        if self.messages.get(reference).is_some_and(is_rejected) {
            self.transition(reference, State::RetryLater, now);
        }
    }

    /// Sends a message again that may have been sent: an operator tolerates a duplicate.
    pub fn allow_duplicate(&mut self, reference: &str, now: SystemTime) {
        let is_in_doubt = |m: &&mut Entry| matches!(m.state, State::NeedsLookup(_));
        if let Some(entry) = self.messages.get_mut(reference).filter(is_in_doubt) {
            entry.may_duplicate = true;
            self.transition(reference, State::RetryLater, now);
        }
    }

    /// A lookup found the message, under this id.
    pub fn mark_found(&mut self, reference: &str, id: &str, now: SystemTime) {
        let is_in_doubt = |m: &Entry| match m.state {
            State::NeedsLookup(_) => true,
            State::RetryLater => m.may_duplicate,
            _ => false,
        };
        if self.messages.get(reference).is_some_and(is_in_doubt) {
            let (id, status) = (id.to_owned(), DeliveryStatus::Pending);
            self.transition(reference, State::Accepted { id, status }, now);
        }
    }

    /// Takes a recipient off the suppression list, who opted in again. What was not sent stays so.
    pub fn opted_in(&mut self, recipient: &str) {
        self.suppressed.remove(&number(recipient));
    }

    /// Adds phone numbers to the suppression list.
    pub fn import_suppressed<'a>(
        &mut self,
        recipients: impl IntoIterator<Item = &'a str>,
        at: SystemTime,
    ) {
        for recipient in recipients {
            let imported = Suppression { at, reference: None };
            self.suppressed.entry(number(recipient)).or_insert(imported);
        }
    }

    /// Undoes what responses and receipts have suppressed since then, as after a broken opt-out list.
    pub fn undo_suppressions(&mut self, since: SystemTime, now: SystemTime) {
        let is_undone = |entry: &Suppression| entry.at >= since && entry.reference.is_some();
        let undone = self.suppressed.iter().filter(|(_, entry)| is_undone(entry));
        let undone: BTreeSet<_> = undone.map(|(number, _)| number.clone()).collect();
        self.suppressed.retain(|number, _| !undone.contains(number));
        let is_back = |m: &Entry| m.state == State::Suppressed && m.changed >= since;
        let back = self.messages.iter().filter(|(_, m)| is_back(m));
        let back = back.filter(|(_, m)| undone.contains(&number(&m.recipient)));
        for reference in back.map(|(reference, _)| reference.clone()).collect::<Vec<_>>() {
            self.transition(&reference, State::RetryLater, now);
        }
    }

    fn suppress(&mut self, to: &OutgoingMessage, at: SystemTime) -> State {
        let suppression = Suppression { at, reference: Some(to.reference.clone()) };
        self.suppressed.entry(number(&to.recipient)).or_insert(suppression);
        State::Suppressed
    }

    fn transition(&mut self, reference: &str, state: State, now: SystemTime) {
        if matches!(state, State::Queued | State::RetryLater) {
            self.queue.push_back(reference.to_owned());
        }
        if let Some(entry) = self.messages.get_mut(reference) {
            entry.attempt.1 &= matches!(state, State::NeedsLookup(_));
            (entry.state, entry.changed) = (state, now);
        }
    }
}

/// Decodes the response to a claim: a message alone was a single send, and is a batch of one here.
/// Nothing, if it was not sent.
#[must_use]
pub fn decode<'a>(claim: &Claim, attempt: &'a Attempt) -> Option<BatchOutcome<'a>> {
    Some(match attempt {
        Attempt::Response { status, body } if claim.messages.len() == 1 => {
            match SendOutcome::decode(*status, body) {
                Outcome::Success(message) => Batch::new(message.id).into(),
                Outcome::Failure(failure) => failure.into(),
            }
        }
        Attempt::Response { status, body } => BatchOutcome::decode(*status, body),
        Attempt::NoResponse(why) => BatchOutcome::no_response(why),
        Attempt::NotSent(_) => return None,
    })
}

/// Sends what the outbox holds, one claim after the other.
#[derive(Clone, Debug, Default)]
pub struct Sender {
    pub outbox: Outbox,
    /// It outlives a crash, too.
    pub circuit_breaker: CircuitBreaker,
    pub stopped: Option<StopReason>,
}

impl Sender {
    /// Claims what is sent next: a probe after `Stop(Service)`; nothing after another stop, until
    /// [`reset`](Self::reset).
    pub fn claim(&mut self, most: usize, now: SystemTime) -> Option<Claim> {
        match self.stopped {
            None => self.outbox.claim(most, false, now),
            Some(StopReason::Service) => self.outbox.claim(1, true, now),
            Some(_) => None,
        }
    }

    /// Records what became of a claim, and returns what to do next.
    pub fn record(
        &mut self,
        claim: &Claim,
        attempt: &Attempt,
        now: SystemTime,
    ) -> Result<Action, OutboxError> {
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
    pub fn apply(&mut self, update: &StatusUpdate, now: SystemTime) -> Result<Action, OutboxError> {
        if !self.outbox.apply(update, now)? {
            return Ok(Action::Continue);
        }
        let action = self.circuit_breaker.record_delivery(update.status);
        // A receipt that has nothing against it ends no stop.
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

/// One phone number, however it is written: `00` and `+` are one.
fn number(recipient: &str) -> String {
    let digits: String = recipient.chars().filter(char::is_ascii_digit).collect();
    digits.strip_prefix("00").map_or(digits.clone(), str::to_owned)
}
