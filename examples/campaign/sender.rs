//! A campaign's sender, to copy: it books what became of every text, and texts nobody twice.
//!
//! The books are a map here; in production they are tables of a database, and each method that changes
//! them is one transaction, as in `examples/recipes/src/sqlite.rs`.

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
    /// The one book that the text is in.
    pub book: Book,
}

/// What became of a text, and what is to be done about it.
#[derive(Clone, Debug, PartialEq)]
pub enum Book {
    /// Not sent yet.
    Unsent,
    /// Accepted, under Mobivate's id; receipts and look-ups say whether it was delivered.
    Accepted(String),
    /// Not accepted: the recipient opted out.
    Suppressed,
    /// Not accepted: sent again after a wait.
    ToResend,
    /// Not accepted: sent again once a person has mended this.
    ToMend(String),
    /// Perhaps accepted: looked up by the reference, or by the id if the response had one. What is
    /// not found may be accepted all the same; a person decides, after a day.
    ToLookUp(Option<String>),
}

/// What outlives a crash.
#[derive(Clone, Debug, Default)]
pub struct Books {
    /// The texts by their references.
    pub texts: BTreeMap<String, Text>,
    /// Numbers, in digits alone, that nothing may be sent to.
    pub suppressed: BTreeSet<String>,
    /// References of texts whose refusal named another number, for a person to look into.
    pub named_another: BTreeSet<String>,
}

impl Books {
    /// Adds a text to be sent. A known reference stays as it is: its text may be out already.
    pub fn add(&mut self, reference: &str, recipient: &str) {
        let (reference, recipient) = (reference.to_owned(), recipient.to_owned());
        let text = Text { reference: reference.clone(), recipient, book: Book::Unsent };
        self.texts.entry(reference).or_insert(text);
    }
}

/// Sends what the books hold, one text after the other.
#[derive(Debug)]
pub struct Sender {
    /// Written before and after every send.
    pub books: Books,
    /// Says when to go on, to wait and to stop.
    pub circuit_breaker: CircuitBreaker,
    /// What is unsent, then what is to be resent.
    queue: VecDeque<String>,
}

impl Sender {
    /// Starts, or starts again after a crash.
    #[must_use]
    pub fn new(books: Books) -> Self {
        let all_in = |book| books.texts.values().filter(move |text| text.book == book);
        let queue = all_in(Book::Unsent).chain(all_in(Book::ToResend));
        let queue = queue.map(|text| text.reference.clone()).collect();
        Self { books, circuit_breaker: CircuitBreaker::default(), queue }
    }

    /// Takes the next text to send, and writes down that it is about to be sent.
    ///
    /// From here on it is to be looked up, and nothing but its outcome takes it out of that book:
    /// after a crash nobody knows whether it was sent, so it is not sent again.
    pub fn take(&mut self) -> Option<Text> {
        while let Some(text) = self.books.texts.get_mut(&self.queue.pop_front()?) {
            if !matches!(text.book, Book::Unsent | Book::ToResend) {
                continue;
            }
            if !self.books.suppressed.contains(&digits(&text.recipient)) {
                text.book = Book::ToLookUp(None);
                return Some(text.clone());
            }
            text.book = Book::Suppressed;
        }
        None
    }

    /// Writes down what became of a text that was taken, and says what to do next.
    pub fn settle(&mut self, text: Text, sent: &Attempt) -> Action {
        let outcome = match sent {
            Attempt::Response { status, body } => SendOutcome::decode(*status, body),
            Attempt::NoResponse(why) => SendOutcome::no_response(why),
            Attempt::NotSent(_) => {
                self.file(text, Book::ToResend);
                return self.circuit_breaker.record_not_sent();
            }
        };
        self.book(text, &outcome);
        self.circuit_breaker.note(outcome.failure())
    }

    /// Writes down the outcome of a text: `retry` alone decides in which book.
    pub fn book(&mut self, text: Text, outcome: &SendOutcome<'_>) {
        let failure = match outcome {
            SendOutcome::Success(message) => {
                return self.file(text, Book::Accepted(message.id.to_string()));
            }
            SendOutcome::Failure(failure) => failure,
        };
        let id = failure.id.as_deref().map(str::to_owned);
        let book = match failure.kind.retry() {
            Retry::Never => self.suppress(&text, failure),
            // "Not accepted", and yet an id: where Mobivate made a message of it after all, sending
            // again would text twice. A look-up costs less.
            Retry::Later | Retry::AfterFix if id.is_some() => Book::ToLookUp(id),
            Retry::Later => Book::ToResend,
            Retry::AfterFix => Book::ToMend(failure.to_string()),
            Retry::MayDuplicate => Book::ToLookUp(id),
        };
        self.file(text, book);
    }

    /// Suppresses the recipient that was sent to, whatever number the response names: that may be
    /// masked, or wrong. If it is another, a person looks into it.
    fn suppress(&mut self, text: &Text, failure: &Failure<'_>) -> Book {
        let named = failure.opted_out_number();
        if named.is_some_and(|named| !named.is_masked() && !named.matches(&text.recipient)) {
            self.books.named_another.insert(text.reference.clone());
        }
        self.books.suppressed.insert(digits(&text.recipient));
        Book::Suppressed
    }

    /// A look-up found the text, under this id.
    pub fn found(&mut self, reference: &str, id: String) {
        if let Some(text) = self.books.texts.get_mut(reference) {
            text.book = Book::Accepted(id);
        }
    }

    /// A person has mended what a text was refused for: it is sent again.
    pub fn mended(&mut self, reference: &str) {
        self.send_again(reference, |book| matches!(book, Book::ToMend(_)));
    }

    /// A person says that a text to be looked up may come twice: it is sent again.
    pub fn may_come_twice(&mut self, reference: &str) {
        self.send_again(reference, |book| matches!(book, Book::ToLookUp(_)));
    }

    fn send_again(&mut self, reference: &str, is_in: fn(&Book) -> bool) {
        if let Some(text) = self.books.texts.get_mut(reference).filter(|text| is_in(&text.book)) {
            text.book = Book::ToResend;
            self.queue.push_back(reference.to_owned());
        }
    }

    fn file(&mut self, text: Text, book: Book) {
        if book == Book::ToResend {
            self.queue.push_back(text.reference.clone());
        }
        self.books.texts.insert(text.reference.clone(), Text { book, ..text });
    }
}

/// One person, however the number is written.
fn digits(number: &str) -> String {
    number.chars().filter(char::is_ascii_digit).collect()
}
