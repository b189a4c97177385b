//! A campaign's outbox, to copy: it keeps what became of every message, and texts nobody twice.
//!
//! It is a map here; in production it is a table of a database, and each method that changes it is one
//! transaction, as in `examples/recipes/src/outbox_sqlite.rs`. The time comes from outside: seconds, say.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use mobivate_response::{
    Action, BatchOutcome, CircuitBreaker, DeliveryStatus, Failure, FailureKind, Outcome, Retry,
    SendOutcome,
};

/// What the HTTP client says of a request.
#[derive(Clone, Debug)]
pub enum Attempt {
    /// A response came.
    Response {
        /// HTTP's.
        status: u16,
        /// What arrived, complete or not.
        body: Vec<u8>,
    },
    /// It was sent, or may have been, and no response came: why.
    NoResponse(String),
    /// It certainly was not sent: why.
    NotSent(String),
}

/// A message to one recipient, and what became of it.
#[derive(Clone, Debug)]
pub struct Message {
    /// The phone number, in international form.
    pub recipient: String,
    /// What is to be done about it.
    pub state: State,
    /// What was said of it after acceptance.
    pub status: DeliveryStatus,
    /// How often it was claimed.
    attempts: u32,
    /// The attempt that has no outcome yet.
    open: Option<u64>,
    /// With how many others it may be sent at most, itself included.
    at_most: usize,
}

/// What became of a message, and what is to be done about it.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// Not sent yet.
    Queued,
    /// Accepted, under this id of Mobivate's, which of a batch is the batch's.
    Accepted(Option<String>),
    /// Not sent: the recipient opted out.
    Suppressed,
    /// Not sent: it is sent again after a wait.
    RetryLater,
    /// Not sent: it is sent again once an operator has fixed this.
    NeedsFix(String),
    /// It may have been sent: look it up by its reference, or by this id. What is not found may have
    /// been accepted all the same; after a day, an operator decides.
    NeedsLookup(Option<String>),
}

/// Messages that are sent in one request, a batch if there are several.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// The number of this attempt: an outcome counts for it alone.
    pub attempt: u64,
    /// References and recipients.
    pub messages: Vec<(String, String)>,
}

/// What was accepted, single or batch.
#[derive(Clone, Debug)]
pub struct Accepted {
    id: String,
    /// How many recipients the response states or echoes.
    count: Option<u64>,
}

/// An outcome that is not the open attempt's: nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stale;

/// A known reference, for another recipient: nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReferenceTaken;

/// Since when a recipient is suppressed, and by which message's outcome; imported ones by none.
#[derive(Clone, Debug, PartialEq)]
pub struct Suppression {
    /// The time.
    pub since: u64,
    /// The client reference.
    pub reference: Option<String>,
}

/// What outlives a crash.
#[derive(Clone, Debug, Default)]
pub struct Outbox {
    /// The messages by their client references: no two share one.
    pub messages: BTreeMap<String, Message>,
    /// The suppression list, by the digits of the phone numbers.
    pub suppressed: BTreeMap<String, Suppression>,
    /// References whose opt-out notice named another number, for an operator to look into.
    pub named_another: BTreeSet<String>,
    /// When to stop.
    pub circuit_breaker: CircuitBreaker,
    queue: VecDeque<String>,
    attempts: u64,
}

impl Outbox {
    /// Queues a message. A known reference stays as it is, since its message may be out already.
    ///
    /// # Errors
    ///
    /// If the reference is of another recipient.
    pub fn queue(&mut self, reference: &str, recipient: &str) -> Result<(), ReferenceTaken> {
        if let Some(known) = self.messages.get(reference) {
            let is_same = number(&known.recipient) == number(recipient);
            return if is_same { Ok(()) } else { Err(ReferenceTaken) };
        }
        let message = Message {
            recipient: recipient.to_owned(),
            state: State::Queued,
            status: DeliveryStatus::Unknown,
            attempts: 0,
            open: None,
            at_most: usize::MAX,
        };
        self.messages.insert(reference.to_owned(), message);
        self.queue.push_back(reference.to_owned());
        Ok(())
    }

    /// Claims the next messages to send, and writes down that they are about to be sent.
    ///
    /// From here on they are to be looked up, and nothing but their outcome changes that: after a crash
    /// nobody knows whether they were sent, so they are not sent again.
    pub fn claim(&mut self, most: usize) -> Option<Claim> {
        let mut claim = Claim { attempt: self.attempts + 1, messages: Vec::new() };
        let mut most = most;
        while let Some(reference) = self.queue.front() {
            let Some(message) = self.messages.get_mut(reference) else { break };
            let is_waiting = matches!(message.state, State::Queued | State::RetryLater);
            if is_waiting && self.suppressed.contains_key(&number(&message.recipient)) {
                message.state = State::Suppressed;
            } else if is_waiting {
                most = most.min(message.at_most);
                if claim.messages.len() >= most {
                    break;
                }
                message.state = State::NeedsLookup(None);
                message.attempts += 1;
                message.open = Some(claim.attempt);
                claim.messages.push((reference.clone(), message.recipient.clone()));
            }
            self.queue.pop_front();
        }
        self.attempts = claim.attempt;
        (!claim.messages.is_empty()).then_some(claim)
    }

    /// Records what became of a claim, and says what to do next.
    ///
    /// # Errors
    ///
    /// If the attempt is not the open one: then nothing was changed.
    pub fn record(&mut self, claim: &Claim, attempt: &Attempt, now: u64) -> Result<Action, Stale> {
        let Some(outcome) = outcome(claim, attempt) else {
            self.record_not_sent(claim)?;
            return Ok(self.circuit_breaker.record_not_sent());
        };
        self.record_outcome(claim, &outcome, now)?;
        Ok(self.circuit_breaker.record(&outcome))
    }

    /// Records that a claim certainly was not sent.
    ///
    /// # Errors
    ///
    /// If the attempt is not the open one.
    pub fn record_not_sent(&mut self, claim: &Claim) -> Result<(), Stale> {
        for reference in self.close(claim)? {
            self.transition(&reference, State::RetryLater);
        }
        Ok(())
    }

    /// Records the outcome of a claim.
    ///
    /// # Errors
    ///
    /// If the attempt is not the open one.
    pub fn record_outcome(
        &mut self,
        claim: &Claim,
        outcome: &Outcome<'_, Accepted>,
        now: u64,
    ) -> Result<(), Stale> {
        let sent = claim.messages.len() as u64;
        for reference in self.close(claim)? {
            match outcome {
                // Another count: accepted, but who is among them?
                Outcome::Success(Accepted { id, count }) if count.is_some_and(|it| it != sent) => {
                    self.transition(&reference, State::NeedsLookup(Some(id.clone())));
                }
                Outcome::Success(Accepted { id, .. }) => {
                    self.transition(&reference, State::Accepted(Some(id.clone())));
                }
                Outcome::Failure(failure) => self.record_failure(claim, &reference, failure, now),
            }
        }
        Ok(())
    }

    /// `retry` alone decides; of a batch, whom the notice names, and what is not told of whom.
    fn record_failure(&mut self, claim: &Claim, reference: &str, failure: &Failure<'_>, now: u64) {
        let sent = claim.messages.len();
        let number = failure.opted_out_number();
        let is_named = |recipient: &str| number.is_some_and(|number| number.matches(recipient));
        let names_one = claim.messages.iter().any(|(_, recipient)| is_named(recipient));
        let is_this = self.messages.get(reference).is_some_and(|one| is_named(&one.recipient));
        let is_notice_of_batch = failure.kind == FailureKind::BatchOptedOut;
        match failure.retry() {
            Retry::Never => {
                if number.is_some_and(|number| !number.is_masked()) && !is_this {
                    self.named_another.insert(reference.to_owned());
                }
                self.suppress(reference, now);
            }
            _ if is_notice_of_batch && is_this => self.suppress(reference, now),
            Retry::MayDuplicate => {
                let id = failure.id.as_deref().map(str::to_owned);
                self.transition(reference, State::NeedsLookup(id));
            }
            Retry::AfterFix if is_notice_of_batch && names_one => {
                self.transition(reference, State::Queued);
            }
            // It is not told of whom it speaks: sent in halves, until the one is alone.
            Retry::AfterFix
                if is_notice_of_batch || failure.kind == FailureKind::BadRequest && sent > 1 =>
            {
                if let Some(message) = self.messages.get_mut(reference) {
                    message.at_most = sent.div_ceil(2);
                }
                self.transition(reference, State::Queued);
            }
            Retry::AfterFix => self.transition(reference, State::NeedsFix(failure.to_string())),
            Retry::Later => self.transition(reference, State::RetryLater),
        }
    }

    /// Applies what a delivery receipt, or the message log, says of a message that was claimed.
    /// Returns whether it is one, and what to do next.
    pub fn apply(&mut self, reference: &str, status: DeliveryStatus, now: u64) -> Option<Action> {
        let message = self.messages.get_mut(reference).filter(|message| message.attempts > 0)?;
        message.status = message.status.merge(status);
        let is_first = message.attempts == 1;
        let is_sent = matches!(message.state, State::Accepted(_) | State::NeedsLookup(_));
        let kind = status.failure_kind();
        let retry = kind.map(FailureKind::retry);
        match (retry, status) {
            (Some(Retry::Never), _) => self.suppress(reference, now),
            (_, DeliveryStatus::Delivered) => self.transition(reference, State::Accepted(None)),
            // Whatever is said of it, it was accepted; but a receipt of an earlier attempt may come
            // again while a later one is under way.
            (Some(Retry::Later | Retry::AfterFix), _) if is_sent && !is_first => {
                self.transition(reference, State::NeedsLookup(None));
            }
            (Some(Retry::Later), _) if is_sent => self.transition(reference, State::RetryLater),
            (Some(Retry::AfterFix), _) if is_sent => {
                self.transition(reference, State::NeedsFix(status.to_string()));
            }
            (_, DeliveryStatus::Unknown) => {}
            _ if is_first && matches!(message.state, State::NeedsLookup(_)) => {
                self.transition(reference, State::Accepted(None));
            }
            _ => {}
        }
        Some(self.circuit_breaker.record_delivery(status))
    }

    /// Notes that a lookup found the message, under this id.
    pub fn mark_found(&mut self, reference: &str, id: &str) {
        if self.is_in(reference, |state| matches!(state, State::NeedsLookup(_))) {
            self.transition(reference, State::Accepted(Some(id.to_owned())));
        }
    }

    /// Sends a message again whose cause an operator has fixed.
    pub fn mark_fixed(&mut self, reference: &str) {
        if self.is_in(reference, |state| matches!(state, State::NeedsFix(_))) {
            self.transition(reference, State::Queued);
        }
    }

    /// Sends a message again that may have been sent: an operator tolerates a duplicate.
    pub fn allow_duplicate(&mut self, reference: &str) {
        if self.is_in(reference, |state| matches!(state, State::NeedsLookup(_))) {
            self.transition(reference, State::Queued);
        }
    }

    /// Brings a recipient back who opted in again: for messages that are queued from here on.
    pub fn opted_in(&mut self, recipient: &str) {
        self.suppressed.remove(&number(recipient));
    }

    /// Adds recipients that are suppressed elsewhere.
    pub fn import_suppressed<'a>(
        &mut self,
        recipients: impl IntoIterator<Item = &'a str>,
        now: u64,
    ) {
        for recipient in recipients {
            let imported = Suppression { since: now, reference: None };
            self.suppressed.entry(number(recipient)).or_insert(imported);
        }
    }

    /// Undoes what outcomes suppressed since then, and queues those messages: the opt-out store was
    /// broken.
    pub fn undo_suppressions(&mut self, since: u64) {
        let mut undone = BTreeSet::new();
        self.suppressed.retain(|number, one| {
            let stays = one.since < since || one.reference.is_none();
            stays || !undone.insert(number.clone())
        });
        let messages = self.messages.iter().filter(|(_, message)| {
            message.state == State::Suppressed && undone.contains(&number(&message.recipient))
        });
        for reference in messages.map(|(reference, _)| reference.clone()).collect::<Vec<_>>() {
            self.transition(&reference, State::Queued);
        }
    }

    /// Suppresses the recipient that was sent to, whatever number the notice names.
    fn suppress(&mut self, reference: &str, now: u64) {
        let Some(message) = self.messages.get(reference) else { return };
        let new = Suppression { since: now, reference: Some(reference.to_owned()) };
        self.suppressed.entry(number(&message.recipient)).or_insert(new);
        self.transition(reference, State::Suppressed);
    }

    /// The messages of a claim whose attempt is open, which it is no more.
    fn close(&mut self, claim: &Claim) -> Result<Vec<String>, Stale> {
        let mut closed = Vec::new();
        for (reference, _) in &claim.messages {
            let message = self.messages.get_mut(reference);
            if message.is_some_and(|one| one.open.take_if(|it| *it == claim.attempt).is_some()) {
                closed.push(reference.clone());
            }
        }
        if closed.is_empty() { Err(Stale) } else { Ok(closed) }
    }

    fn is_in(&self, reference: &str, is_it: fn(&State) -> bool) -> bool {
        self.messages.get(reference).is_some_and(|message| is_it(&message.state))
    }

    /// The one place where a state changes. What waits is queued; whatever was under way is over.
    fn transition(&mut self, reference: &str, state: State) {
        let Some(message) = self.messages.get_mut(reference) else { return };
        message.open = None;
        if matches!(state, State::Queued | State::RetryLater) && message.state != state {
            self.queue.push_back(reference.to_owned());
        }
        message.state = state;
    }
}

/// The outcome of a claim, unless it was not sent.
#[must_use]
pub fn outcome(claim: &Claim, attempt: &Attempt) -> Option<Outcome<'static, Accepted>> {
    let (status, body) = match attempt {
        Attempt::Response { status, body } => (*status, body),
        Attempt::NoResponse(why) => return Some(Outcome::no_response(why)),
        Attempt::NotSent(_) => return None,
    };
    let accepted = if claim.messages.len() == 1 {
        let message = SendOutcome::decode(status, body).into_result();
        message.map(|message| (message.id.into_owned(), message.recipient_count))
    } else {
        let batch = BatchOutcome::decode(status, body).into_result();
        batch.map(|batch| {
            let echoed = Some(batch.recipients.len() as u64).filter(|count| *count > 0);
            (batch.id.into_owned(), batch.recipient_count.or(echoed))
        })
    };
    Some(match accepted {
        Ok((id, count)) => Outcome::Success(Accepted { id, count }),
        Err(failure) => failure.into(),
    })
}

/// One number, however it is written: its digits, without a leading `00`.
#[must_use]
pub fn number(recipient: &str) -> String {
    let digits: String = recipient.chars().filter(char::is_ascii_digit).collect();
    digits.strip_prefix("00").map_or(digits.clone(), str::to_owned)
}
