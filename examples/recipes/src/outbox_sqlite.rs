//! A campaign's outbox in an `SQLite` database: what `examples/campaign/outbox.rs` does with a map.
//!
//! ```toml
//! mobivate-response = "0.1"
//! rusqlite = { version = "0.40.2", default-features = false, features = ["bundled"] }
//! serde = "1.0.229"
//! serde_json = "1.0.154"
//! ```
//!
//! and `receipts.rs` beside it, or its `StatusUpdate`.
//!
//! `messages` holds what is to be sent and the one state that it is in, `attempts` each claim and its
//! outcome, `statuses` what delivery receipts and the message log said later, `suppressions` the
//! suppression list. Each change is one transaction, on the disk before the method returns: a process
//! that is killed between [`Outbox::claim`] and [`Outbox::record_outcome`] leaves messages to be looked
//! up, and nobody is texted twice.
//!
//! ```text
//! let mut circuit_breaker = outbox.load_circuit_breaker()?; // a restart does not forget it
//! while let Some(claim) = outbox.claim(100, now)? {         // one message: a single send; more: a batch
//!     let action = match … {                                // your HTTP client
//!         response or no response => {
//!             outbox.record_outcome(&claim, &outcome, now)?;
//!             circuit_breaker.record(&outcome)
//!         }
//!         not sent => {
//!             outbox.record_not_sent(&claim, now)?;
//!             circuit_breaker.record_not_sent()
//!         }
//!     };
//!     outbox.save_circuit_breaker(&circuit_breaker)?;
//!     …                                                     // continue, back off or stop; a stopped
//! }                                                         // service: outbox.claim_probe(now)
//! ```
//!
//! The caller passes the times. The tables hold phone numbers and the responses' own words unredacted:
//! protect them as you protect the messages.
//!
//! **`PostgreSQL`**: the columns of JSON are `text` or `json`, not `jsonb`, which rejects the NUL that
//! an id or a text may hold; [`NEXT`] ends with `FOR UPDATE SKIP LOCKED`, so that claims made side by
//! side do not wait for each other; `place` comes from a sequence; every other method first locks the
//! messages that it changes (`SELECT … FOR UPDATE`), since no transaction there has the database to
//! itself.

use std::{
    collections::BTreeMap,
    error::Error,
    fmt,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use mobivate_response::{
    Batch, CircuitBreaker, DeliveryStatus, FailureKind, Message, Outcome, Retry,
};
use rusqlite::{
    Connection, OptionalExtension, Row, ToSql, Transaction,
    TransactionBehavior::Immediate,
    params,
    types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::receipts::StatusUpdate;

/// What is about to be sent: one message as a single send, more as a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The number of this attempt, unique: an earlier attempt of the same message has another.
    pub attempt: u64,
    /// The messages to send, at least one.
    pub messages: Vec<OutgoingMessage>,
}

/// A message to one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingMessage {
    /// The client reference, unique, sent along.
    pub reference: String,
    /// The phone number in international form, digits alone.
    pub recipient: String,
}

/// What became of a message, and what is to be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Certainly not sent.
    Queued,
    /// Accepted; [`Outbox::delivery`] tells what became of it. A message that failed later, but may
    /// have arrived, stays in this state.
    Accepted,
    /// Not sent: the recipient opted out, or is on the suppression list.
    Suppressed,
    /// Not sent; it is sent again after a wait.
    RetryLater,
    /// Not sent; it is sent again once an operator has fixed the cause.
    NeedsFix,
    /// May have been sent: [look it up](DeliveryStatus#looking-a-message-up) by the reference, or by
    /// the id if there is one. If it is not found after a day, an operator decides.
    NeedsLookup,
}

/// A message with everything that the outbox knows of it, except its statuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The client reference.
    pub reference: String,
    /// The phone number, digits alone.
    pub recipient: String,
    /// The one state that it is in.
    pub state: State,
    /// Since when it is in this state.
    pub changed_at: SystemTime,
    /// The last attempt; 0 if it was never claimed.
    pub attempt: u64,
    /// Mobivate's id from the response to that attempt: of the message, or of its batch.
    pub id: Option<String>,
    /// More than one attempt may have been accepted, so a failed status speaks for one alone.
    pub may_duplicate: bool,
}

/// An entry of the suppression list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// The phone number, digits alone.
    pub recipient: String,
    /// Since when.
    pub at: SystemTime,
    /// The message whose response or status said so; `None` if it was imported.
    pub reference: Option<String>,
}

/// Why nothing was changed.
#[derive(Debug)]
pub enum OutboxError {
    /// No message has this reference.
    UnknownReference,
    /// The reference belongs to a message to another recipient.
    OtherRecipient,
    /// The message was never claimed, so it was never sent.
    NeverClaimed,
    /// The outcome was recorded before, or belongs to an earlier attempt.
    AttemptNotOpen,
    /// The database cannot be read or written.
    Database(rusqlite::Error),
}

/// The result of the outbox's methods.
pub type Result<T> = std::result::Result<T, OutboxError>;

/// What was accepted: a [`Message`] or a [`Batch`].
pub trait Accepted: Serialize {
    /// Returns Mobivate's id.
    fn id(&self) -> &str;
    /// Returns how many recipients were accepted, if the response says so.
    fn count(&self) -> Option<u64>;
}

impl Accepted for Message<'_> {
    fn id(&self) -> &str {
        &self.id
    }

    fn count(&self) -> Option<u64> {
        self.recipient_count
    }
}

impl Accepted for Batch<'_> {
    fn id(&self) -> &str {
        &self.id
    }

    fn count(&self) -> Option<u64> {
        let echoed = self.recipients.len() as u64;
        self.recipient_count.or((echoed > 0).then_some(echoed))
    }
}

/// Selects what is claimed next. However many messages are queued, it reads at most one row more than
/// it claims; a probe skips those that may have been sent.
pub const NEXT: &str = "SELECT reference, recipient, most FROM messages
    WHERE place IS NOT NULL AND may_duplicate <= ?2 ORDER BY place LIMIT ?1";

/// Moves a message to a state and, if it is to be sent, to the end of the queue.
pub const TRANSITION: &str = "UPDATE messages SET state = ?2, changed_at = ?3, place = CASE WHEN ?4
    THEN (SELECT coalesce(max(place), 0) + 1 FROM messages WHERE place IS NOT NULL) END
    WHERE reference = ?1 AND state <> ?2";

const ENTRY: &str =
    "SELECT reference, recipient, state, changed_at, attempt, id, may_duplicate FROM messages";

/// The outbox, in one file.
#[derive(Debug)]
pub struct Outbox {
    /// The database, for your own tables and reports.
    pub connection: Connection,
}

#[expect(clippy::missing_errors_doc, reason = "`OutboxError` says it; nothing was changed then")]
impl Outbox {
    /// Opens the outbox, and creates its tables where there are none.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let connection = Connection::open(path)?;
        connection.execute_batch(
            "PRAGMA foreign_keys = ON;
             PRAGMA synchronous = FULL; -- a claim outlives a power cut, too
             BEGIN IMMEDIATE;
             CREATE TABLE IF NOT EXISTS attempts (
                 attempt INTEGER PRIMARY KEY AUTOINCREMENT,
                 claimed_at INTEGER NOT NULL, -- milliseconds since 1970, as every time here
                 recorded_at INTEGER, -- NULL: its outcome is still to come
                 outcome TEXT, -- an Outcome as JSON; NULL: none yet, or not sent
                 named_another INTEGER NOT NULL DEFAULT 0 -- 1: an operator looks into it
             ) STRICT;
             CREATE TABLE IF NOT EXISTS messages (
                 reference TEXT NOT NULL PRIMARY KEY,
                 recipient TEXT NOT NULL,
                 state TEXT NOT NULL,
                 place INTEGER, -- in the queue; NULL: not to be sent
                 most INTEGER NOT NULL DEFAULT 1000, -- the largest batch that it may be part of
                 attempt INTEGER REFERENCES attempts, -- the last; NULL: never claimed
                 id TEXT,
                 may_duplicate INTEGER NOT NULL DEFAULT 0,
                 queued_at INTEGER NOT NULL,
                 changed_at INTEGER NOT NULL
             ) STRICT;
             CREATE INDEX IF NOT EXISTS by_place ON messages (place) WHERE place IS NOT NULL;
             CREATE INDEX IF NOT EXISTS by_state ON messages (state, changed_at);
             CREATE INDEX IF NOT EXISTS by_recipient ON messages (recipient);
             CREATE TABLE IF NOT EXISTS statuses (
                 reference TEXT NOT NULL REFERENCES messages,
                 id TEXT NOT NULL, -- of the receipt or the record; '': it had none
                 part INTEGER NOT NULL,
                 status TEXT NOT NULL, -- a DeliveryStatus as JSON
                 parts INTEGER, -- NULL: not said
                 attempt INTEGER NOT NULL REFERENCES attempts,
                 received_at INTEGER NOT NULL,
                 PRIMARY KEY (reference, id, part, status)
             ) STRICT;
             CREATE TABLE IF NOT EXISTS suppressions (
                 recipient TEXT NOT NULL PRIMARY KEY,
                 suppressed_at INTEGER NOT NULL,
                 reference TEXT -- NULL: imported
             ) STRICT;
             CREATE TABLE IF NOT EXISTS circuit_breaker (
                 one INTEGER PRIMARY KEY CHECK (one = 1),
                 counts TEXT NOT NULL -- a CircuitBreaker as JSON
             ) STRICT;
             COMMIT;",
        )?;
        Ok(Self { connection })
    }

    /// Queues a message. A known reference stays as it is, since its message may have been sent; for
    /// another recipient it is an error.
    pub fn queue(&mut self, reference: &str, recipient: &str, now: SystemTime) -> Result<()> {
        let (recipient, transaction) = (number(recipient), self.begin()?);
        match load(&transaction, reference) {
            Ok(known) if known.recipient == recipient => return Ok(()),
            Ok(_) => return Err(OutboxError::OtherRecipient),
            Err(OutboxError::UnknownReference) => {}
            Err(error) => return Err(error),
        }
        // Suppressed, unless `transition` finds that it is not.
        let sql = "INSERT INTO messages (reference, recipient, state, queued_at, changed_at)
                   VALUES (?1, ?2, ?3, ?4, ?4)";
        transaction.execute(sql, params![reference, recipient, State::Suppressed, millis(now)])?;
        transition(&transaction, reference, State::Queued, now)?;
        Ok(transaction.commit()?)
    }

    /// Claims up to `most` messages, in the order in which they were queued.
    ///
    /// From here on they are `NeedsLookup`, until an outcome, a status or an operator moves them: after
    /// a crash it is unknown whether they were sent.
    pub fn claim(&mut self, most: usize, now: SystemTime) -> Result<Option<Claim>> {
        self.claim_next(most, false, now)
    }

    /// Claims a message that was certainly not sent before, to see whether the service is back.
    pub fn claim_probe(&mut self, now: SystemTime) -> Result<Option<Claim>> {
        self.claim_next(1, true, now)
    }

    fn claim_next(
        &mut self,
        most: usize,
        is_probe: bool,
        now: SystemTime,
    ) -> Result<Option<Claim>> {
        let transaction = self.begin()?;
        let messages = next(&transaction, most, is_probe)?;
        if messages.is_empty() {
            return Ok(None);
        }
        let sql = "INSERT INTO attempts (claimed_at) VALUES (?1) RETURNING attempt";
        let attempt: i64 = transaction.query_row(sql, [millis(now)], |row| row.get(0))?;
        for OutgoingMessage { reference, .. } in &messages {
            transaction.execute(
                "UPDATE messages SET attempt = ?2, id = NULL WHERE reference = ?1",
                params![reference, attempt],
            )?;
            transition(&transaction, reference, State::NeedsLookup, now)?;
        }
        transaction.commit()?;
        Ok(Some(Claim { attempt: attempt.unsigned_abs(), messages }))
    }

    /// Records what became of a claim: [`retry`](mobivate_response::Failure::retry) decides on the
    /// state.
    ///
    /// A batch that was rejected because of some recipients is queued again without those that the
    /// response names. If it names nobody, the batch is queued again in halves, until one recipient is
    /// alone.
    pub fn record_outcome<T: Accepted>(
        &mut self,
        claim: &Claim,
        outcome: &Outcome<'_, T>,
        now: SystemTime,
    ) -> Result<()> {
        let transaction = self.begin()?;
        let entries = close(&transaction, claim, Some(&to_json(outcome)?), now)?;
        let sent = claim.messages.len();
        let failure = match outcome {
            Outcome::Success(accepted) => {
                // If the count differs, only the message log tells which were accepted.
                let is_other = accepted.count().is_some_and(|count| count != sent as u64);
                let state = if is_other { State::NeedsLookup } else { State::Accepted };
                for entry in entries {
                    resolve(&transaction, &entry, state, Some(accepted.id()), now)?;
                }
                return Ok(transaction.commit()?);
            }
            Outcome::Failure(failure) => failure,
        };
        let named = failure.opted_out_number().filter(|named| !named.is_masked());
        let is_named = |recipient: &str| named.is_some_and(|named| named.matches(recipient));
        let names_one = claim.messages.iter().any(|message| is_named(&message.recipient));
        if named.is_some() && !names_one {
            let sql = "UPDATE attempts SET named_another = 1 WHERE attempt = ?1";
            transaction.execute(sql, [integer(claim.attempt)])?;
        }
        let is_batch_opt_out = failure.kind == FailureKind::BatchOptedOut;
        let is_halved = is_batch_opt_out || failure.kind == FailureKind::BadRequest;
        for entry in entries {
            let state = match failure.retry() {
                _ if is_named(&entry.recipient) => State::Suppressed,
                // Whatever number the notice names, it is about the recipient that was sent to.
                Retry::Never => State::Suppressed,
                Retry::MayDuplicate => State::NeedsLookup,
                Retry::Later => State::RetryLater,
                Retry::AfterFix if is_batch_opt_out && names_one => State::Queued,
                Retry::AfterFix if is_halved && sent > 1 => {
                    let sql = "UPDATE messages SET most = ?2 WHERE reference = ?1";
                    let half = i64::try_from(sent.div_ceil(2)).unwrap_or(1);
                    transaction.execute(sql, params![entry.reference, half])?;
                    State::Queued
                }
                Retry::AfterFix => State::NeedsFix,
            };
            resolve(&transaction, &entry, state, failure.id.as_deref(), now)?;
            if state == State::Suppressed {
                suppress(&transaction, &entry.recipient, Some(&entry.reference), now)?;
            }
        }
        Ok(transaction.commit()?)
    }

    /// Records that a claim was certainly not sent.
    pub fn record_not_sent(&mut self, claim: &Claim, now: SystemTime) -> Result<()> {
        let transaction = self.begin()?;
        for entry in close(&transaction, claim, None, now)? {
            resolve(&transaction, &entry, State::RetryLater, None, now)?;
        }
        Ok(transaction.commit()?)
    }

    /// Applies a delivery receipt or a record of the message log, and returns the message's
    /// [`delivery`](Self::delivery) if that changes it: then pass it to
    /// [`CircuitBreaker::record_delivery`], too.
    ///
    /// A message that was rejected after acceptance is sent again, later or once it is fixed, if the
    /// statuses of all its parts and of all its attempts say "not sent". Once two attempts have
    /// statuses, only a `DELIVERED`, or a status with the id of the last response, moves the message.
    pub fn apply(
        &mut self,
        update: &StatusUpdate,
        now: SystemTime,
    ) -> Result<Option<DeliveryStatus>> {
        let transaction = self.begin()?;
        let entry = load(&transaction, &update.reference)?;
        if entry.attempt == 0 {
            return Err(OutboxError::NeverClaimed);
        }
        let before = statuses(&transaction, &entry.reference)?;
        if !insert_status(&transaction, &entry, update, now)? {
            return Ok(None);
        }
        // Before it is merged: an opt-out must not be lost behind another status.
        if retry(update.status) == Some(Retry::Never) {
            suppress(&transaction, &entry.recipient, Some(&entry.reference), now)?;
        }
        let attempts = statuses(&transaction, &entry.reference)?;
        let is_certain = attempts.len() == 1 || update.id.is_some() && update.id == entry.id;
        let may_resend =
            !entry.may_duplicate && attempts.values().flatten().all(|part| is_unsent(*part));
        if let Some(status) = delivery(&attempts, entry.attempt).filter(|_| attempts != before) {
            let state = match retry(status) {
                _ if !is_certain && status != DeliveryStatus::Delivered => entry.state,
                Some(Retry::Never) => State::Suppressed,
                Some(Retry::Later) if may_resend => State::RetryLater,
                Some(Retry::AfterFix) if may_resend => State::NeedsFix,
                _ => State::Accepted,
            };
            transition(&transaction, &entry.reference, state, now)?;
        }
        transaction.commit()?;
        let before = delivery(&before, entry.attempt);
        Ok(delivery(&attempts, entry.attempt).filter(|status| before != Some(*status)))
    }

    /// Queues a message again, since an operator has fixed the cause of its rejection. Returns whether
    /// it was `NeedsFix`.
    pub fn mark_fixed(&mut self, reference: &str, now: SystemTime) -> Result<bool> {
        let transaction = self.begin()?;
        let is_rejected = load(&transaction, reference)?.state == State::NeedsFix;
        if is_rejected {
            transition(&transaction, reference, State::RetryLater, now)?;
        }
        transaction.commit()?;
        Ok(is_rejected)
    }

    /// Queues a message again that may have been sent, since an operator tolerates a duplicate. Returns
    /// whether it was `NeedsLookup`, or accepted and then failed.
    pub fn allow_duplicate(&mut self, reference: &str, now: SystemTime) -> Result<bool> {
        let transaction = self.begin()?;
        let entry = load(&transaction, reference)?;
        let may_resend = match entry.state {
            State::NeedsLookup => true,
            State::Accepted => delivery(&statuses(&transaction, reference)?, entry.attempt)
                .is_some_and(|status| status.failure_kind().is_some()),
            _ => false,
        };
        if may_resend {
            note_duplicate(&transaction, reference)?;
            transition(&transaction, reference, State::RetryLater, now)?;
        }
        transaction.commit()?;
        Ok(may_resend)
    }

    /// Records that a lookup found a message, under this id. Returns whether the message was
    /// `NeedsLookup`, or queued again as an allowed duplicate.
    pub fn mark_found(&mut self, reference: &str, id: &str, now: SystemTime) -> Result<bool> {
        let transaction = self.begin()?;
        let entry = load(&transaction, reference)?;
        if entry.is_in_doubt() {
            let attempts = statuses(&transaction, reference)?;
            if attempts.keys().any(|attempt| *attempt != entry.attempt) {
                // It may be the rejected attempt that was found.
                note_duplicate(&transaction, reference)?;
            }
            resolve(&transaction, &entry, State::Accepted, Some(id), now)?;
        }
        transaction.commit()?;
        Ok(entry.is_in_doubt())
    }

    /// Takes a recipient who opted in again off the suppression list. Returns whether the recipient was
    /// on it.
    ///
    /// Messages that were suppressed meanwhile stay so: queue a new one.
    pub fn opted_in(&mut self, recipient: &str) -> Result<bool> {
        let sql = "DELETE FROM suppressions WHERE recipient = ?1";
        Ok(self.connection.execute(sql, [number(recipient)])? > 0)
    }

    /// Adds phone numbers to the suppression list, and suppresses what is queued for them.
    pub fn import_suppressed<'a>(
        &mut self,
        recipients: impl IntoIterator<Item = &'a str>,
        now: SystemTime,
    ) -> Result<()> {
        let transaction = self.begin()?;
        for recipient in recipients {
            suppress(&transaction, &number(recipient), None, now)?;
        }
        Ok(transaction.commit()?)
    }

    /// Undoes what responses and statuses have suppressed since a time, such as the start of an hour in
    /// which the opt-out list was broken. Returns how many recipients are no longer suppressed. Their
    /// messages are queued again, except those that may have been sent.
    pub fn undo_suppressions(&mut self, since: SystemTime, now: SystemTime) -> Result<usize> {
        let transaction = self.begin()?;
        let undone: Vec<String> = collect(
            &transaction,
            "DELETE FROM suppressions WHERE suppressed_at >= ?1 AND reference IS NOT NULL
             RETURNING recipient",
            [millis(since)],
            |row| row.get(0),
        )?;
        for recipient in &undone {
            let sql = "SELECT reference FROM messages
                       WHERE recipient = ?1 AND state = 'suppressed' AND changed_at >= ?2";
            let key = params![recipient, millis(since)];
            for reference in collect(&transaction, sql, key, |row| row.get::<_, String>(0))? {
                let attempts = statuses(&transaction, &reference)?;
                // Whatever a status is merged to: it may have arrived.
                let sql = "SELECT status FROM statuses WHERE reference = ?1";
                let all = collect(&transaction, sql, [&reference], |row| from_json(row, 0))?;
                let is_unsent = attempts.values().flatten().all(|part| is_unsent(*part))
                    && !all.into_iter().any(|status| retry(status) == Some(Retry::MayDuplicate));
                let state = if is_unsent { State::RetryLater } else { State::Accepted };
                transition(&transaction, &reference, state, now)?;
            }
        }
        transaction.commit()?;
        Ok(undone.len())
    }

    /// Returns the suppression list, the oldest first.
    pub fn suppressions(&self) -> Result<Vec<Suppression>> {
        let sql = "SELECT recipient, suppressed_at, reference FROM suppressions
                   ORDER BY suppressed_at, recipient";
        collect(&self.connection, sql, [], |row| {
            Ok(Suppression { recipient: row.get(0)?, at: time(row, 1)?, reference: row.get(2)? })
        })
    }

    /// Returns a message.
    pub fn message(&self, reference: &str) -> Result<Entry> {
        load(&self.connection, reference)
    }

    /// Returns the messages that are in a state since `until` or longer, the oldest first. With `now`,
    /// these are all; with a day ago, those of `NeedsLookup` that an operator decides on.
    pub fn messages(&self, state: State, until: SystemTime) -> Result<Vec<Entry>> {
        let sql = format!("{ENTRY} WHERE state = ?1 AND changed_at <= ?2 ORDER BY changed_at");
        collect(&self.connection, &sql, params![state, millis(until)], entry)
    }

    /// Returns what became of an accepted message: `Delivered` if an attempt was delivered, else the
    /// status of the last attempt; `None` if that has no status. A part without a status is `Unknown`.
    pub fn delivery(&self, reference: &str) -> Result<Option<DeliveryStatus>> {
        let attempt = self.message(reference)?.attempt;
        Ok(delivery(&statuses(&self.connection, reference)?, attempt))
    }

    /// Returns the outcome of an attempt, of a [`Message`] or a [`Batch`]; `None` if none was recorded,
    /// or if it was not sent.
    pub fn outcome<T: DeserializeOwned>(
        &self,
        attempt: u64,
    ) -> Result<Option<Outcome<'static, T>>> {
        let sql = "SELECT outcome FROM attempts WHERE attempt = ?1 AND outcome IS NOT NULL";
        let outcome = self.connection.query_row(sql, [integer(attempt)], |row| from_json(row, 0));
        Ok(outcome.optional()?)
    }

    /// Saves the circuit breaker.
    pub fn save_circuit_breaker(&mut self, circuit_breaker: &CircuitBreaker) -> Result<()> {
        let sql = "INSERT OR REPLACE INTO circuit_breaker VALUES (1, ?1)";
        self.connection.execute(sql, [to_json(circuit_breaker)?])?;
        Ok(())
    }

    /// Loads the saved circuit breaker, or a new one if none was saved.
    pub fn load_circuit_breaker(&self) -> Result<CircuitBreaker> {
        let sql = "SELECT counts FROM circuit_breaker";
        let saved = self.connection.query_row(sql, [], |row| from_json(row, 0)).optional()?;
        Ok(saved.unwrap_or_default())
    }

    /// Locks the database from the start, so that what is read has not changed when it is written.
    fn begin(&mut self) -> Result<Transaction<'_>> {
        Ok(self.connection.transaction_with_behavior(Immediate)?)
    }
}

/// The next messages of the queue that may be in one batch.
fn next(
    transaction: &Transaction<'_>,
    mut most: usize,
    is_probe: bool,
) -> Result<Vec<OutgoingMessage>> {
    let mut messages = Vec::new();
    let mut select = transaction.prepare(NEXT)?;
    let mut rows = select.query(params![i64::try_from(most).unwrap_or(i64::MAX), !is_probe])?;
    while let Some(row) = rows.next()? {
        most = most.min(usize::from(row.get::<_, u16>(2)?));
        if messages.len() >= most {
            break;
        }
        messages.push(OutgoingMessage { reference: row.get(0)?, recipient: row.get(1)? });
    }
    Ok(messages)
}

/// Closes an attempt, once, and returns the messages whose last it is.
fn close(
    transaction: &Transaction<'_>,
    claim: &Claim,
    outcome: Option<&str>,
    now: SystemTime,
) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for message in &claim.messages {
        let entry = load(transaction, &message.reference)?;
        if entry.attempt == 0 {
            return Err(OutboxError::NeverClaimed);
        }
        if entry.attempt == claim.attempt {
            entries.push(entry);
        }
    }
    let sql = "UPDATE attempts SET recorded_at = ?2, outcome = ?3
               WHERE attempt = ?1 AND recorded_at IS NULL";
    let key = params![integer(claim.attempt), millis(now), outcome];
    if entries.is_empty() || transaction.execute(sql, key)? == 0 {
        return Err(OutboxError::AttemptNotOpen);
    }
    Ok(entries)
}

/// Moves a message that waits for its outcome. A status that came before the outcome knows more.
fn resolve(
    transaction: &Transaction<'_>,
    entry: &Entry,
    state: State,
    id: Option<&str>,
    now: SystemTime,
) -> Result<()> {
    transaction.execute(
        "UPDATE messages SET id = coalesce(?2, id) WHERE reference = ?1",
        params![entry.reference, id],
    )?;
    if entry.is_in_doubt() {
        transition(transaction, &entry.reference, state, now)?;
    }
    Ok(())
}

/// Stores that more than one attempt may have been accepted.
fn note_duplicate(transaction: &Transaction<'_>, reference: &str) -> Result<()> {
    let sql = "UPDATE messages SET may_duplicate = 1 WHERE reference = ?1";
    transaction.execute(sql, [reference])?;
    Ok(())
}

/// Stores a status, and returns whether it is new. A repeated one changes nothing, whatever came in
/// between: it must not send again, or suppress somebody who opted in since. A known id stays with the
/// attempt that had it first, and a known count of parts stays.
fn insert_status(
    transaction: &Transaction<'_>,
    entry: &Entry,
    update: &StatusUpdate,
    now: SystemTime,
) -> Result<bool> {
    let id = update.id.as_deref().unwrap_or_default();
    let sql = "SELECT min(attempt) FROM statuses WHERE reference = ?1 AND id = ?2 AND id <> ''";
    let key = params![entry.reference, id];
    let attempt: Option<i64> = transaction.query_row(sql, key, |row| row.get(0))?;
    let attempt = attempt.unwrap_or(integer(entry.attempt));
    let sql = "SELECT max(parts) FROM statuses WHERE reference = ?1 AND attempt = ?2";
    let key = params![entry.reference, attempt];
    let known: Option<u8> = transaction.query_row(sql, key, |row| row.get(0))?;
    let parts = known.or(update.parts);
    let all = (1, parts.unwrap_or(1).max(1));
    let (first, last) = update.part.map_or(all, |part| (part, part));
    let (status, mut new) = (to_json(&update.status)?, 0);
    for part in first..=last {
        new += transaction.execute(
            "INSERT OR IGNORE INTO statuses VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![entry.reference, id, part, status, parts, attempt, millis(now)],
        )?;
    }
    Ok(new > 0)
}

/// The statuses of each part, by the attempt that they are about. A part without a status is `Unknown`.
fn statuses(
    connection: &Connection,
    reference: &str,
) -> Result<BTreeMap<u64, Vec<DeliveryStatus>>> {
    let sql = "SELECT attempt, part, parts, status FROM statuses WHERE reference = ?1";
    let rows = collect(connection, sql, [reference], |row| {
        Ok((
            row.get::<_, i64>(0)?,
            row.get::<_, u8>(1)?,
            row.get::<_, Option<u8>>(2)?,
            from_json(row, 3)?,
        ))
    })?;
    let mut attempts = BTreeMap::<u64, (Option<u8>, BTreeMap<u8, DeliveryStatus>)>::new();
    for (attempt, part, parts, status) in rows {
        let (count, known_parts) = attempts.entry(attempt.unsigned_abs()).or_default();
        *count = parts.max(*count);
        known_parts.entry(part).and_modify(|known| *known = known.merge(status)).or_insert(status);
    }
    let attempts = attempts.into_iter().map(|(attempt, (count, known_parts))| {
        let missing = usize::from(count.unwrap_or(1)).saturating_sub(known_parts.len()).min(1);
        let unknown = std::iter::repeat_n(DeliveryStatus::Unknown, missing);
        (attempt, known_parts.into_values().chain(unknown).collect())
    });
    Ok(attempts.collect())
}

fn delivery(attempts: &BTreeMap<u64, Vec<DeliveryStatus>>, last: u64) -> Option<DeliveryStatus> {
    let of = |parts: &Vec<DeliveryStatus>| DeliveryStatus::of_parts(parts.iter().copied());
    let delivered = Some(DeliveryStatus::Delivered);
    // A late `DELIVERED` overrides whatever became of another attempt.
    if attempts.values().any(|parts| Some(of(parts)) == delivered) {
        return delivered;
    }
    attempts.get(&last).map(of)
}

fn retry(status: DeliveryStatus) -> Option<Retry> {
    status.failure_kind().map(FailureKind::retry)
}

/// Whether the status says that the part was rejected before it was sent.
fn is_unsent(part: DeliveryStatus) -> bool {
    matches!(retry(part), Some(Retry::Later | Retry::AfterFix | Retry::Never))
}

/// Adds a recipient to the suppression list, and suppresses what is queued for it: so nothing in the
/// queue is for a suppressed recipient, and a claim need not look.
fn suppress(
    transaction: &Transaction<'_>,
    recipient: &str,
    reference: Option<&str>,
    now: SystemTime,
) -> Result<()> {
    transaction.execute(
        "INSERT OR IGNORE INTO suppressions VALUES (?1, ?2, ?3)",
        params![recipient, millis(now), reference],
    )?;
    let sql = "SELECT reference FROM messages WHERE recipient = ?1 AND place IS NOT NULL";
    for queued in collect(transaction, sql, [recipient], |row| row.get::<_, String>(0))? {
        transition(transaction, &queued, State::Suppressed, now)?;
    }
    Ok(())
}

/// Moves a message to a state; nothing else does. What would be sent to a suppressed recipient is
/// suppressed. If the message is in that state already, its time and its place do not change.
fn transition(
    transaction: &Transaction<'_>,
    reference: &str,
    mut state: State,
    now: SystemTime,
) -> Result<()> {
    let mut is_to_send = matches!(state, State::Queued | State::RetryLater);
    if is_to_send {
        let sql = "SELECT EXISTS (SELECT 1 FROM messages JOIN suppressions USING (recipient)
                   WHERE messages.reference = ?1)";
        if transaction.query_row(sql, [reference], |row| row.get(0))? {
            (state, is_to_send) = (State::Suppressed, false);
        }
    }
    transaction.execute(TRANSITION, params![reference, state, millis(now), is_to_send])?;
    Ok(())
}

fn load(connection: &Connection, reference: &str) -> Result<Entry> {
    let sql = format!("{ENTRY} WHERE reference = ?1");
    let found = connection.query_row(&sql, [reference], entry).optional()?;
    found.ok_or(OutboxError::UnknownReference)
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry {
        reference: row.get(0)?,
        recipient: row.get(1)?,
        state: row.get(2)?,
        changed_at: time(row, 3)?,
        attempt: row.get::<_, Option<i64>>(4)?.unwrap_or(0).unsigned_abs(),
        id: row.get(5)?,
        may_duplicate: row.get(6)?,
    })
}

fn collect<T>(
    connection: &Connection,
    sql: &str,
    key: impl rusqlite::Params,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>> {
    let mut select = connection.prepare(sql)?;
    let rows = select.query_map(key, read)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The digits of a phone number, however it is written: `00` and `+` mean the same.
fn number(recipient: &str) -> String {
    let digits: String = recipient.chars().filter(char::is_ascii_digit).collect();
    digits.strip_prefix("00").map_or(digits.clone(), str::to_owned)
}

fn integer(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn millis(time: SystemTime) -> i64 {
    let since_1970 = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX)
}

fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<SystemTime> {
    Ok(UNIX_EPOCH + Duration::from_millis(row.get::<_, i64>(column)?.unsigned_abs()))
}

fn to_json(value: &impl Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

fn from_json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let json: String = row.get(column)?;
    Ok(serde_json::from_str(&json).map_err(FromSqlError::other)?)
}

impl Entry {
    /// Whether an outcome or a lookup can still say something new of the message.
    const fn is_in_doubt(&self) -> bool {
        match self.state {
            State::NeedsLookup => true,
            State::RetryLater => self.may_duplicate,
            _ => false,
        }
    }
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
            Self::Queued => "queued",
            Self::Accepted => "accepted",
            Self::Suppressed => "suppressed",
            Self::RetryLater => "retry_later",
            Self::NeedsFix => "needs_fix",
            Self::NeedsLookup => "needs_lookup",
        }
    }
}

impl ToSql for State {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.as_str().into())
    }
}

impl FromSql for State {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let name = value.as_str()?;
        Self::ALL.into_iter().find(|state| state.as_str() == name).ok_or(FromSqlError::InvalidType)
    }
}

impl fmt::Display for OutboxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownReference => f.write_str("unknown reference"),
            Self::OtherRecipient => f.write_str("reference of a message to another recipient"),
            Self::NeverClaimed => f.write_str("message was never claimed"),
            Self::AttemptNotOpen => f.write_str("attempt is not open"),
            Self::Database(error) => error.fmt(f),
        }
    }
}

impl Error for OutboxError {}

impl From<rusqlite::Error> for OutboxError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}
