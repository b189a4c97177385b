//! A campaign's sender, to copy: it outbox what became of every text, and texts nobody twice.
//!
//! The outbox are a map here; in production they are tables of a database, and each method that changes
//! them is one transaction, as in `examples/recipes/src/outbox_sqlite.rs`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use mobivate_response::{Action, CircuitBreaker, Failure, Retry, SendOutcome};

/// What the HTTP client says of a send.
#[derive(Clone, Debug)]
pub enum Attempt {
    /// A response came.
    Response {
        /// HTTP's.
        status: u16,
        /// What arrived, whole or not.
        body: Vec<u8>,
    },
    /// It was sent, or may have been, and no response came: why.
    NoResponse(String),
    /// It certainly was not sent, because of this.
    NotSent(String),
}

/// A text to one recipient.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// The sender's own name for the text, sent along: no two texts share one.
    pub reference: String,
    /// The number in international form: a national one is never recognised.
    pub recipient: String,
    /// The one state that the text is in.
    pub state: State,
}

/// What became of a text, and what is to be done about it.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// Not sent yet.
    Queued,
    /// Accepted, under Mobivate's id; receipts and look-ups say whether it was delivered.
    Accepted(String),
    /// Not accepted: the recipient opted out.
    Suppressed,
    /// Not accepted: sent again after a wait.
    RetryLater,
    /// Not accepted: sent again once a person has mended this.
    NeedsFix(String),
    /// Perhaps accepted: looked up by the reference, or by the id if the response had one. What is
    /// not found may be accepted all the same; a person decides, after a day.
    NeedsLookup(Option<String>),
}

/// What outlives a crash.
#[derive(Clone, Debug, Default)]
pub struct Outbox {
    /// The texts by their references.
    pub texts: BTreeMap<String, Text>,
    /// Numbers, in digits alone, that nothing may be sent to.
    pub suppressed: BTreeSet<String>,
    /// References of texts whose refusal named another number, for a person to look into.
    pub named_another: BTreeSet<String>,
}

impl Outbox {
    /// Adds a text to be sent. A known reference stays as it is: its text may be out already.
    pub fn add(&mut self, reference: &str, recipient: &str) {
        let (reference, recipient) = (reference.to_owned(), recipient.to_owned());
        let text = Text { reference: reference.clone(), recipient, state: State::Queued };
        self.texts.entry(reference).or_insert(text);
    }
}

/// Sends what the outbox hold, one text after the other.
#[derive(Debug)]
pub struct Sender {
    /// Written before and after every send.
    pub outbox: Outbox,
    /// Says when to go on, to wait and to stop.
    pub circuit_breaker: CircuitBreaker,
    /// What is unsent, then what is to be resent.
    queue: VecDeque<String>,
}

impl Sender {
    /// Starts, or starts again after a crash.
    #[must_use]
    pub fn new(outbox: Outbox) -> Self {
        let all_in = |state| outbox.texts.values().filter(move |text| text.state == state);
        let queue = all_in(State::Queued).chain(all_in(State::RetryLater));
        let queue = queue.map(|text| text.reference.clone()).collect();
        Self { outbox, circuit_breaker: CircuitBreaker::default(), queue }
    }

    /// Takes the next text to send, and writes down that it is about to be sent.
    ///
    /// From here on it is to be looked up, and nothing but its outcome takes it out of that state:
    /// after a crash nobody knows whether it was sent, so it is not sent again.
    pub fn take(&mut self) -> Option<Text> {
        while let Some(text) = self.outbox.texts.get_mut(&self.queue.pop_front()?) {
            if !matches!(text.state, State::Queued | State::RetryLater) {
                continue;
            }
            if !self.outbox.suppressed.contains(&digits(&text.recipient)) {
                text.state = State::NeedsLookup(None);
                return Some(text.clone());
            }
            text.state = State::Suppressed;
        }
        None
    }

    /// Writes down what became of a text that was taken, and says what to do next.
    pub fn settle(&mut self, text: Text, sent: &Attempt) -> Action {
        let outcome = match sent {
            Attempt::Response { status, body } => SendOutcome::decode(*status, body),
            Attempt::NoResponse(why) => SendOutcome::no_response(why),
            Attempt::NotSent(_) => {
                self.file(text, State::RetryLater);
                return self.circuit_breaker.record_not_sent();
            }
        };
        self.record(text, &outcome);
        self.circuit_breaker.record(&outcome)
    }

    /// Writes down the outcome of a text: `retry` alone decides in which state.
    pub fn record(&mut self, text: Text, outcome: &SendOutcome<'_>) {
        let failure = match outcome {
            SendOutcome::Success(message) => {
                return self.file(text, State::Accepted(message.id.to_string()));
            }
            SendOutcome::Failure(failure) => failure,
        };
        let id = failure.id.as_deref().map(str::to_owned);
        let state = match failure.kind.retry() {
            Retry::Never => self.suppress(&text, failure),
            // "Not accepted", and yet an id: where Mobivate made a message of it after all, sending
            // again would text twice. A look-up costs less.
            Retry::Later | Retry::AfterFix if id.is_some() => State::NeedsLookup(id),
            Retry::Later => State::RetryLater,
            Retry::AfterFix => State::NeedsFix(failure.to_string()),
            Retry::MayDuplicate => State::NeedsLookup(id),
        };
        self.file(text, state);
    }

    /// Suppresses the recipient that was sent to, whatever number the response names: that may be
    /// masked, or wrong. If it is another, a person looks into it.
    fn suppress(&mut self, text: &Text, failure: &Failure<'_>) -> State {
        let named = failure.opted_out_number();
        if named.is_some_and(|named| !named.is_masked() && !named.matches(&text.recipient)) {
            self.outbox.named_another.insert(text.reference.clone());
        }
        self.outbox.suppressed.insert(digits(&text.recipient));
        State::Suppressed
    }

    /// A look-up found the text, under this id.
    pub fn found(&mut self, reference: &str, id: String) {
        if let Some(text) = self.outbox.texts.get_mut(reference) {
            text.state = State::Accepted(id);
        }
    }

    /// A person has mended what a text was refused for: it is sent again.
    pub fn mended(&mut self, reference: &str) {
        self.send_again(reference, |state| matches!(state, State::NeedsFix(_)));
    }

    /// A person says that a text to be looked up may come twice: it is sent again.
    pub fn allow_duplicate(&mut self, reference: &str) {
        self.send_again(reference, |state| matches!(state, State::NeedsLookup(_)));
    }

    fn send_again(&mut self, reference: &str, is_in: fn(&State) -> bool) {
        if let Some(text) = self.outbox.texts.get_mut(reference).filter(|text| is_in(&text.state)) {
            text.state = State::RetryLater;
            self.queue.push_back(reference.to_owned());
        }
    }

    fn file(&mut self, text: Text, state: State) {
        if state == State::RetryLater {
            self.queue.push_back(text.reference.clone());
        }
        self.outbox.texts.insert(text.reference.clone(), Text { state, ..text });
    }
}

/// One person, however the number is written.
fn digits(number: &str) -> String {
    number.chars().filter(char::is_ascii_digit).collect()
}
