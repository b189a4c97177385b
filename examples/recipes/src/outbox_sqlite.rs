//! A campaign's outbox in a database: what `examples/campaign/sender.rs` does with a map.
//!
//! `intents` holds what is to be sent and the one state that it is in, `outcomes` the last that was
//! said of it, `receipts` what became of each part of an accepted text later. Each change is one
//! transaction, on the disk before the method returns: so a process that is killed between
//! [`Outbox::take`] and [`Outbox::settle`] leaves a text to be looked up, and never sends a second one.
//!
//! ```text
//! while let Some(text) = outbox.take()? {
//!     match … {                     // your HTTP client
//!         answered or no answer => { outbox.settle(&text, &outcome)?; circuit_breaker.note(…) }
//!         not sent => { outbox.not_sent(&text)?; circuit_breaker.record_not_sent() }
//!     }
//! }
//! ```
//!
//! The tables hold numbers and the responses' own words in full: keep them as you keep the texts.

use std::path::Path;

use mobivate_response::{DeliveryStatus, Message, Retry, SendOutcome};
use rusqlite::{
    Connection, OptionalExtension, Result, Row, ToSql, Transaction,
    TransactionBehavior::Immediate,
    params,
    types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef},
};
use serde::{Serialize, de::DeserializeOwned};

/// A text to one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The sender's own name for the text, sent along: no two texts share one.
    pub reference: String,
    /// The number in international form, digits alone.
    pub recipient: String,
}

/// What became of a text, and what is to be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Not sent yet.
    Queued,
    /// Accepted; the outcome has the id, unless a receipt without one told so.
    Accepted,
    /// The recipient opted out: not accepted, or accepted and never sent.
    Suppressed,
    /// Not accepted: sent again after a wait.
    RetryLater,
    /// Not accepted: sent again once a person has mended what the outcome tells.
    NeedsFix,
    /// Perhaps accepted: looked up by the reference, or by the id if the outcome has one.
    NeedsLookup,
}

/// What a receipt, or a look-up, says of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusUpdate {
    /// The sender's own name for the text.
    pub reference: String,
    /// Mobivate's id for the message.
    pub id: Option<String>,
    /// The part that it speaks of, from 1 to `parts`; of all of them if it names none.
    pub part: Option<u8>,
    /// How many parts the text has.
    pub parts: u8,
    /// What became of the part.
    pub status: DeliveryStatus,
}

/// The outbox, in one file.
#[derive(Debug)]
pub struct Outbox {
    /// For tables of your own beside these, and for reports.
    pub connection: Connection,
}

impl Outbox {
    /// Opens the outbox, and makes them where there are none.
    ///
    /// # Errors
    ///
    /// As for every method here: the file cannot be read or written. Then nothing was changed.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let connection = Connection::open(path)?;
        connection.execute_batch(
            "PRAGMA foreign_keys = ON;
             PRAGMA synchronous = FULL; -- an intent outlives a power cut, too
             BEGIN IMMEDIATE;
             CREATE TABLE IF NOT EXISTS intents (
                 reference TEXT PRIMARY KEY,
                 recipient TEXT NOT NULL,
                 state TEXT NOT NULL
             ) STRICT;
             CREATE INDEX IF NOT EXISTS by_state ON intents (state);
             CREATE INDEX IF NOT EXISTS by_recipient ON intents (recipient, state);
             CREATE TABLE IF NOT EXISTS outcomes (
                 reference TEXT PRIMARY KEY REFERENCES intents,
                 outcome TEXT NOT NULL, -- a SendOutcome as JSON
                 named_another INTEGER NOT NULL -- 1: a person looks into it
             ) STRICT;
             CREATE TABLE IF NOT EXISTS receipts (
                 reference TEXT REFERENCES intents,
                 part INTEGER,
                 parts INTEGER NOT NULL,
                 status TEXT NOT NULL, -- a DeliveryStatus as JSON
                 PRIMARY KEY (reference, part)
             ) STRICT;
             COMMIT;",
        )?;
        Ok(Self { connection })
    }

    /// Adds a text to be sent. A known reference stays as it is: its text may be out already.
    ///
    /// # Errors
    ///
    /// See [`open`](Self::open).
    pub fn add(&mut self, reference: &str, recipient: &str) -> Result<()> {
        let sql = "INSERT INTO intents VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
        let digits: String = recipient.chars().filter(char::is_ascii_digit).collect();
        self.connection.execute(sql, params![reference, digits, State::Queued])?;
        Ok(())
    }

    /// Takes the next text to send, and writes down that it is about to be sent.
    ///
    /// From here on it is to be looked up, and nothing but its outcome, a receipt or a look-up takes
    /// it out of that state.
    ///
    /// # Errors
    ///
    /// See [`open`](Self::open).
    pub fn take(&mut self) -> Result<Option<Text>> {
        let transaction = self.connection.transaction_with_behavior(Immediate)?;
        // Who opted out when another text was sent.
        transaction.execute(
            "UPDATE intents SET state = 'suppressed' WHERE state IN ('unsent', 'to_resend')
             AND recipient IN (SELECT recipient FROM intents WHERE state = 'suppressed')",
            [],
        )?;
        let text = transaction.query_row(
            "UPDATE intents SET state = 'to_look_up' WHERE reference = (
                 SELECT reference FROM intents WHERE state IN ('unsent', 'to_resend')
                 ORDER BY state = 'to_resend', rowid LIMIT 1
             ) RETURNING reference, recipient",
            [],
            |row| Ok(Text { reference: row.get(0)?, recipient: row.get(1)? }),
        );
        let text = text.optional()?;
        transaction.commit()?;
        Ok(text)
    }

    /// Writes down what became of a text that was taken: `retry` alone decides in which state, unless
    /// a receipt came first.
    ///
    /// # Errors
    ///
    /// See [`open`](Self::open).
    pub fn settle(&mut self, text: &Text, outcome: &SendOutcome<'_>) -> Result<State> {
        let mut named = None;
        let state = match outcome {
            SendOutcome::Success(_) => State::Accepted,
            SendOutcome::Failure(failure) => match failure.kind.retry() {
                // The recipient that was sent to, whatever number the response names.
                Retry::Never => {
                    named = failure.opted_out_number();
                    State::Suppressed
                }
                // "Not accepted", and yet an id: it may be a message after all.
                Retry::Later | Retry::AfterFix if failure.id.is_some() => State::NeedsLookup,
                Retry::Later => State::RetryLater,
                Retry::AfterFix => State::NeedsFix,
                Retry::MayDuplicate => State::NeedsLookup,
            },
        };
        let named_another =
            named.is_some_and(|named| !named.is_masked() && !named.matches(&text.recipient));
        let transaction = self.connection.transaction_with_behavior(Immediate)?;
        let now = file(&transaction, &text.reference, state)?;
        if now == state || outcome.is_success() {
            write_outcome(&transaction, &text.reference, outcome, named_another)?;
        }
        transaction.commit()?;
        Ok(now)
    }

    /// Writes down that a text that was taken not sent.
    ///
    /// # Errors
    ///
    /// See [`open`](Self::open).
    pub fn not_sent(&mut self, text: &Text) -> Result<()> {
        file(&self.connection, &text.reference, State::RetryLater).map(drop)
    }

    /// Writes down that a look-up found a text, under this id.
    ///
    /// # Errors
    ///
    /// See [`open`](Self::open).
    pub fn found(&mut self, reference: &str, id: &str) -> Result<()> {
        let transaction = self.connection.transaction_with_behavior(Immediate)?;
        accept(&transaction, reference, Some(id))?;
        transaction.commit()
    }

    /// Writes down what a receipt or a look-up says of a text; `false` if the reference is not one of
    /// these outbox, and nothing was written.
    ///
    /// Whatever it says, the text was accepted, and is not sent again. If it says that the recipient
    /// opted out, nothing more is sent to that number, whatever else is said of the text.
    ///
    /// # Errors
    ///
    /// See [`open`](Self::open).
    pub fn hear(&mut self, news: &StatusUpdate) -> Result<bool> {
        let transaction = self.connection.transaction_with_behavior(Immediate)?;
        if state(&transaction, &news.reference).optional()?.is_none() {
            return Ok(false);
        }
        let (first, last) = news.part.map_or((1, news.parts), |part| (part, part));
        for part in first..=last {
            write_status(&transaction, news, part)?;
        }
        accept(&transaction, &news.reference, news.id.as_deref())?;
        if matches!(news.status, DeliveryStatus::Failed(kind) if kind.retry() == Retry::Never) {
            file(&transaction, &news.reference, State::Suppressed)?;
        }
        transaction.commit()?;
        Ok(true)
    }

    /// What became of a text: the least of its parts, where one that nothing was heard of is
    /// `Unknown`; `None` if nothing was heard at all.
    ///
    /// # Errors
    ///
    /// See [`open`](Self::open).
    pub fn delivery(&self, reference: &str) -> Result<Option<DeliveryStatus>> {
        let sql = "SELECT parts, status FROM receipts WHERE reference = ?1";
        let mut select = self.connection.prepare(sql)?;
        let rows = select.query_map([reference], |row| Ok((row.get(0)?, from_json(row, 1)?)))?;
        let rows = rows.collect::<Result<Vec<(u8, DeliveryStatus)>>>()?;
        let all_heard = rows.iter().all(|(parts, _)| usize::from(*parts) <= rows.len());
        let heard = rows.iter().map(|(_, status)| *status);
        let unheard = (!all_heard).then_some(DeliveryStatus::Unknown);
        Ok((!rows.is_empty()).then(|| DeliveryStatus::of_parts(heard.chain(unheard))))
    }

    /// A person has mended what a text was refused for: it is sent again.
    ///
    /// # Errors
    ///
    /// See [`open`](Self::open).
    pub fn mended(&mut self, reference: &str) -> Result<()> {
        self.send_again(reference, State::NeedsFix)
    }

    /// A person says that a text to be looked up may come twice: it is sent again.
    ///
    /// # Errors
    ///
    /// See [`open`](Self::open).
    pub fn allow_duplicate(&mut self, reference: &str) -> Result<()> {
        self.send_again(reference, State::NeedsLookup)
    }

    fn send_again(&mut self, reference: &str, from: State) -> Result<()> {
        let sql = "UPDATE intents SET state = 'to_resend' WHERE reference = ?1 AND state = ?2";
        self.connection.execute(sql, params![reference, from])?;
        Ok(())
    }

    /// The texts in a state, in the order in which they were added.
    ///
    /// # Errors
    ///
    /// See [`open`](Self::open).
    pub fn texts(&self, state: State) -> Result<Vec<Text>> {
        let sql = "SELECT reference, recipient FROM intents WHERE state = ?1 ORDER BY rowid";
        let mut select = self.connection.prepare(sql)?;
        let texts = select.query_map([state], |row| {
            Ok(Text { reference: row.get(0)?, recipient: row.get(1)? })
        })?;
        texts.collect()
    }

    /// The last that was said of a text.
    ///
    /// # Errors
    ///
    /// See [`open`](Self::open).
    pub fn outcome(&self, reference: &str) -> Result<Option<SendOutcome<'static>>> {
        let sql = "SELECT outcome FROM outcomes WHERE reference = ?1";
        self.connection.query_row(sql, [reference], |row| from_json(row, 0)).optional()
    }
}

fn write_outcome(
    transaction: &Transaction<'_>,
    reference: &str,
    outcome: &SendOutcome<'_>,
    named_another: bool,
) -> Result<()> {
    let sql = "INSERT OR REPLACE INTO outcomes VALUES (?1, ?2, ?3)";
    transaction.execute(sql, params![reference, to_json(outcome)?, named_another])?;
    Ok(())
}

/// Receipts come in any order: of what is said of a part, the greatest stands.
fn write_status(transaction: &Transaction<'_>, news: &StatusUpdate, part: u8) -> Result<()> {
    let sql = "SELECT status FROM receipts WHERE reference = ?1 AND part = ?2";
    let key = params![news.reference, part];
    let before = transaction.query_row(sql, key, |row| from_json(row, 0)).optional()?;
    let status = before.unwrap_or(news.status).merge(news.status);
    transaction.execute(
        "INSERT INTO receipts VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE
         SET parts = max(parts, excluded.parts), status = excluded.status",
        params![news.reference, part, news.parts, to_json(&status)?],
    )?;
    Ok(())
}

fn accept(transaction: &Transaction<'_>, reference: &str, id: Option<&str>) -> Result<()> {
    let before = state(transaction, reference)?;
    let now = file(transaction, reference, State::Accepted)?;
    match id {
        // The response to the send, where one came, says more.
        Some(id) if now != before => {
            let accepted = SendOutcome::Success(Message::new(id));
            write_outcome(transaction, reference, &accepted, false)
        }
        _ => Ok(()),
    }
}

fn state(connection: &Connection, reference: &str) -> Result<State> {
    let sql = "SELECT state FROM intents WHERE reference = ?1";
    connection.query_row(sql, [reference], |row| row.get(0))
}

/// Moves a text to a state, and gives the one it is in now: what is suppressed stays so, and what is
/// accepted is at most suppressed. A receipt may come before the response to the send.
fn file(connection: &Connection, reference: &str, state: State) -> Result<State> {
    connection.query_row(
        "UPDATE intents SET state = CASE
             WHEN state IN ('accepted', 'suppressed') AND ?2 <> 'suppressed' THEN state ELSE ?2
         END WHERE reference = ?1 RETURNING state",
        params![reference, state],
        |row| row.get(0),
    )
}

fn to_json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

fn from_json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> Result<T> {
    let json: String = row.get(column)?;
    Ok(serde_json::from_str(&json).map_err(FromSqlError::other)?)
}

impl State {
    /// Every state.
    pub const ALL: [Self; 6] = [
        Self::Queued,
        Self::Accepted,
        Self::Suppressed,
        Self::RetryLater,
        Self::NeedsFix,
        Self::NeedsLookup,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "unsent",
            Self::Accepted => "accepted",
            Self::Suppressed => "suppressed",
            Self::RetryLater => "to_resend",
            Self::NeedsFix => "to_mend",
            Self::NeedsLookup => "to_look_up",
        }
    }
}

impl ToSql for State {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        Ok(self.as_str().into())
    }
}

impl FromSql for State {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let word = value.as_str()?;
        Self::ALL.into_iter().find(|state| state.as_str() == word).ok_or(FromSqlError::InvalidType)
    }
}
