//! An outbox in a database: it knows the state of every message, and doesn't text a person twice.
//!
//! A send is written down before it's made. If your process is killed at any moment, a message that
//! may have been sent is in the state [`State::InDoubt`], and isn't sent again by itself. The same
//! statements run on `SQLite` (one file, the default) and on `PostgreSQL` (several machines). The URL
//! decides. Copy this file with `receipts.rs` and `opt_out_list.rs`, and `sender.rs` for the loop that
//! uses it.
//!
//! ```toml
//! mobivate-response = "0.1"
//! serde_json = "1.0.154"
//! sqlx = { version = "0.9.0", default-features = false, features = ["any", "postgres", "runtime-tokio", "sqlite"] }
//! thiserror = "2.0.3"
//! ```
//!
//! Times are milliseconds since 1970 that you pass in. If several machines share the database, keep
//! their clocks in step. Each call that changes something is one transaction. After an error, call
//! again. The tables hold phone numbers and texts, so protect them as you protect your messages.

use std::time::Duration;

use mobivate_response::{
    Action, CircuitBreaker, DeliveryStatus, FailureKind, Outcome, Retry, SendOutcome, StopReason,
};
use serde_json::Value;
use sqlx::{
    Any, AnyConnection, AnyPool, AssertSqlSafe, Executor, Row, Transaction,
    any::{AnyPoolOptions, AnyRow},
    query_as, raw_sql,
};

use crate::{
    opt_out_list::international,
    receipts::{Parts, StatusUpdate},
};

const MINUTE: i64 = 60_000;

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS messages ( -- Entry explains the columns
        reference TEXT NOT NULL PRIMARY KEY, recipient TEXT NOT NULL, request TEXT NOT NULL,
        state TEXT NOT NULL, since BIGINT NOT NULL, due BIGINT NOT NULL,
        attempts BIGINT NOT NULL DEFAULT 0, claimed_at BIGINT NOT NULL DEFAULT 0,
        duplicate BIGINT NOT NULL DEFAULT 0, id TEXT NOT NULL DEFAULT '',
        kind TEXT NOT NULL DEFAULT '', detail TEXT NOT NULL DEFAULT '',
        parts TEXT NOT NULL DEFAULT '');
    CREATE INDEX IF NOT EXISTS by_state ON messages (state, duplicate, due, reference);
    CREATE INDEX IF NOT EXISTS by_recipient ON messages (recipient);
    CREATE TABLE IF NOT EXISTS recipients ( -- a time of 0: never; no reference: imported
        recipient TEXT NOT NULL PRIMARY KEY, suppressed_at BIGINT NOT NULL,
        reference TEXT NOT NULL, opted_in_at BIGINT NOT NULL);
    CREATE TABLE IF NOT EXISTS control ( -- one row, which Control explains
        one BIGINT NOT NULL PRIMARY KEY, breaker TEXT NOT NULL, wait_until BIGINT NOT NULL,
        pause BIGINT NOT NULL, reset_at BIGINT NOT NULL, undone_at BIGINT NOT NULL);
    INSERT INTO control VALUES (1, '{}', 0, 0, 0, 0) ON CONFLICT (one) DO NOTHING;";

/// The state of a message. Each message is in one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// To be sent.
    Queued,
    /// Claimed, and possibly sent. Look it up, or allow a duplicate.
    InDoubt,
    /// Accepted by Mobivate.
    Accepted,
    /// Delivered.
    Delivered,
    /// Accepted, but not delivered. Allow a duplicate, or leave it.
    Failed,
    /// Not sent, because the recipient is suppressed.
    Suppressed,
    /// Rejected. Fix the request or the account, and call [`Outbox::fixed`].
    NeedsFix,
}

use State::{Accepted, Delivered, Failed, InDoubt, NeedsFix, Queued, Suppressed};

impl State {
    /// All states.
    pub const ALL: [Self; 7] = [Queued, InDoubt, Accepted, Delivered, Failed, Suppressed, NeedsFix];

    /// Returns the state's name, as the table has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Queued => "queued",
            InDoubt => "in_doubt",
            Accepted => "accepted",
            Delivered => "delivered",
            Failed => "failed",
            Suppressed => "suppressed",
            NeedsFix => "needs_fix",
        }
    }
}

/// An error. The call hasn't changed anything, unless the connection broke during the commit.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database couldn't be read or written, or was locked for too long.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The request isn't JSON, or a stored value can't be read.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// A reference is missing or begins or ends with whitespace, or a phone number isn't international.
    #[error("no usable reference, or no phone number in international form")]
    Incomplete,
    /// The reference belongs to a message to another recipient.
    #[error("{0} is the reference of a message to another recipient")]
    OtherRecipient(String),
}

/// The result of the outbox's methods.
pub type Result<T> = std::result::Result<T, Error>;

/// A message that you're about to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The client reference.
    pub reference: String,
    /// The JSON to send.
    pub request: String,
    /// The number of this attempt, from 1.
    pub attempt: i64,
    /// When it was claimed.
    pub claimed_at: i64,
    /// The circuit breaker's generation when the message was claimed.
    pub generation: u64,
}

/// The next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Send this message, and record the outcome.
    Send(Claim),
    /// Claim again at this time. The circuit breaker asked for a pause, or a probe is due then.
    WaitUntil(i64),
    /// Wait until the cause is fixed and [`Outbox::reset`] is called.
    Stopped(StopReason),
    /// Claim again after a while, because no message is due.
    Empty,
}

/// Which messages to change at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which<'a> {
    /// The message with this reference.
    One(&'a str),
    /// Those whose last failure is of this kind, and that weren't found to be accepted since.
    Kind(FailureKind),
    /// Those in this state.
    All(State),
}

/// A message, with everything that's known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The client reference.
    pub reference: String,
    /// The phone number, digits alone.
    pub recipient: String,
    /// The JSON to send.
    pub request: String,
    /// The state.
    pub state: State,
    /// When it came into this state.
    pub since: i64,
    /// It isn't sent before this time.
    pub due: i64,
    /// How often it was claimed.
    pub attempts: i64,
    /// When it was last claimed.
    pub claimed_at: i64,
    /// Whether you allowed a duplicate.
    pub duplicate: bool,
    /// Mobivate's id, or an empty text.
    pub id: String,
    /// The kind of the last failure, or an empty text.
    pub kind: String,
    /// The last failure, redacted, or an empty text.
    pub detail: String,
    /// The statuses from receipts and the message log, with the merged `status`.
    pub parts: Parts,
}

/// The outbox.
#[derive(Clone, Debug)]
pub struct Outbox {
    /// The database, for your own tables and reports.
    ///
    /// On `PostgreSQL`, write in transactions alone. A call that's cancelled while it begins one leaves
    /// its connection inside, and a single statement of yours would then be undone.
    pub pool: AnyPool,
}

/// The row that every transaction locks first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    /// The circuit breaker that all workers share.
    pub breaker: CircuitBreaker,
    /// No worker sends before this time.
    pub wait_until: i64,
    /// The time of the last reset. Statuses of messages claimed before it don't count.
    pub reset_at: i64,
    undone_at: i64,
    pause: i64,
}

type Tx = Transaction<'static, Any>;

/// A statement with its values.
macro_rules! sql {
    ($text:expr $(, $value:expr)*) => { sqlx::query(AssertSqlSafe($text))$(.bind($value))* };
}

/// Whether the recipient of a message is suppressed.
const IS_SUPPRESSED: &str = "EXISTS (SELECT 1 FROM recipients
    WHERE recipients.recipient = messages.recipient AND suppressed_at > 0)";

#[expect(clippy::missing_errors_doc, reason = "`Error` explains them")]
impl Outbox {
    /// Opens the outbox and creates its tables if they're missing.
    ///
    /// The URL is `sqlite:outbox.db?mode=rwc`, `sqlite::memory:`, or `postgres://user@host/database`.
    pub async fn open(url: &str) -> Result<Self> {
        sqlx::any::install_default_drivers();
        let is_memory = url.contains(":memory:");
        let (settings, begin) = if url.starts_with("postgres") {
            // A machine that disappears in a transaction doesn't keep the lock.
            let settings =
                "SET lock_timeout = '5s'; SET idle_in_transaction_session_timeout = '9s'";
            (settings, "BEGIN; SELECT pg_advisory_xact_lock(7286)")
        } else {
            (
                "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL",
                "BEGIN IMMEDIATE",
            )
        };
        let pool = AnyPoolOptions::new().max_connections(if is_memory { 1 } else { 8 });
        let pool = pool.idle_timeout(None).max_lifetime(None).test_before_acquire(!is_memory);
        let pool = pool.after_connect(move |connection, _| {
            Box::pin(async move { connection.execute(raw_sql(settings)).await.map(drop) })
        });
        let pool = pool.connect(url).await?;
        // Processes that create the tables at the same time wait for each other.
        let tables = AssertSqlSafe(format!("{begin}; {TABLES} COMMIT"));
        pool.acquire().await?.execute(raw_sql(tables)).await?;
        Ok(Self { pool })
    }

    /// Queues all requests, or fails as a whole, and returns how many are new.
    ///
    /// A request is the JSON to send, with a unique `reference` and a `recipient`. A known reference
    /// stays as it is, because its message may have been sent.
    pub async fn queue(&self, requests: &[impl AsRef<str>], now: i64) -> Result<u64> {
        let (mut tx, _) = self.begin().await?;
        let mut new = 0;
        for request in requests.iter().map(AsRef::as_ref) {
            let json: Value = serde_json::from_str(request)?;
            let text = |key| json.get(key).and_then(Value::as_str).unwrap_or_default();
            let reference = text("reference");
            // A receipt of any other reference couldn't be matched.
            let is_usable = !reference.is_empty()
                && reference == reference.trim().replace(['\0', '\u{fffd}'], "");
            let recipient = international(text("recipient")).filter(|_| is_usable);
            let recipient = recipient.ok_or(Error::Incomplete)?;
            match load(&mut tx, reference).await? {
                Some(known) if known.recipient == recipient => continue,
                Some(_) => return Err(Error::OtherRecipient(reference.to_owned())),
                None => {}
            }
            let (suppressed_at, _) = recipient_row(&mut tx, &recipient).await?;
            let state = if suppressed_at > 0 { Suppressed } else { Queued };
            let insert = "INSERT INTO messages (reference, recipient, request, state, since, due)
                          VALUES ($1, $2, $3, $4, $5, $5)";
            let insert = sql!(insert, reference, recipient, request, state.as_str(), now);
            insert.execute(&mut *tx).await?;
            new += 1;
        }
        commit(tx, new).await
    }

    /// Claims the next message, unless the circuit breaker asks for a pause or has stopped.
    ///
    /// From here on the message is in doubt. While the service is stopped, this claims one message now
    /// and then, as a probe. Allowed duplicates come last, so a probe takes one only if no other message
    /// is queued.
    pub async fn claim(&self, now: i64) -> Result<Next> {
        let (mut tx, mut control) = self.begin().await?;
        match control.breaker.stopped() {
            Some(StopReason::Service) | None if now < control.wait_until => {
                return Ok(Next::WaitUntil(control.wait_until));
            }
            Some(StopReason::Service) => {
                control.pause = (2 * control.pause).clamp(MINUTE, 15 * MINUTE);
                control.wait_until = now + control.pause;
                control.save(&mut tx).await?;
            }
            Some(reason) => return Ok(Next::Stopped(reason)),
            None => {}
        }
        let claim = format!(
            "UPDATE messages SET state = 'in_doubt', since = $1, claimed_at = $1,
                attempts = attempts + 1, kind = '', detail = ''
             WHERE reference = (SELECT reference FROM messages
                WHERE state = 'queued' AND due <= $1 AND NOT {IS_SUPPRESSED}
                ORDER BY duplicate, due, reference LIMIT 1)
             RETURNING reference, request, attempts"
        );
        let claimed = query_as(AssertSqlSafe(claim)).bind(now).fetch_optional(&mut *tx).await?;
        let Some((reference, request, attempt)) = claimed else { return Ok(Next::Empty) };
        let generation = control.breaker.generation();
        commit(tx, Next::Send(Claim { reference, request, attempt, claimed_at: now, generation }))
            .await
    }

    /// Records the outcome of a claim, and returns the circuit breaker's action, which is obeyed here.
    ///
    /// An outcome moves only a message that's in doubt, and a failure only if it's about the last
    /// attempt. A late success also takes an allowed duplicate off the queue. If you allowed a
    /// duplicate, a rejection leaves the message in doubt, because an earlier attempt may have been
    /// accepted. A `Later` queues it again.
    pub async fn record(
        &self,
        claim: &Claim,
        outcome: &SendOutcome<'_>,
        retry_after: Option<Duration>,
        now: i64,
    ) -> Result<Action> {
        let (mut tx, mut control) = self.begin().await?;
        let was_stopped = control.breaker.stopped().is_some();
        let action = control.breaker.record_from(claim.generation, outcome);
        control.obey(action, was_stopped, retry_after.unwrap_or_default(), now);
        control.save(&mut tx).await?;
        let Some(mut entry) = load(&mut tx, &claim.reference).await? else {
            return commit(tx, action).await;
        };
        match outcome {
            Outcome::Success(message) => {
                // A NUL is an error on PostgreSQL.
                entry.id = message.id.replace('\0', "");
                if matches!(entry.state, InDoubt | Queued) {
                    entry.enter(Accepted, now);
                }
            }
            Outcome::Failure(failure) => {
                let mut retry = failure.retry();
                entry.claimed_at = claim.claimed_at;
                if retry == Retry::Never
                    && suppress(&mut tx, &entry, control.undone_at, now).await?.is_none()
                {
                    // The recipient opted in again after the claim, or suppressions were undone.
                    retry = Retry::Later;
                }
                if entry.state != InDoubt || entry.attempts != claim.attempt {
                    return commit(tx, action).await;
                }
                let (suppressed_at, _) = recipient_row(&mut tx, &entry.recipient).await?;
                failure.kind.as_str().clone_into(&mut entry.kind);
                entry.detail = failure.to_string();
                entry.id = failure.id.as_deref().unwrap_or_default().replace('\0', "");
                match retry {
                    Retry::MayDuplicate => {}
                    Retry::Later if suppressed_at == 0 => entry.enter(Queued, now),
                    // An earlier attempt may have been accepted.
                    _ if entry.duplicate => {}
                    Retry::AfterFix if suppressed_at == 0 => entry.enter(NeedsFix, now),
                    Retry::Later | Retry::AfterFix | Retry::Never => entry.enter(Suppressed, now),
                }
                entry.due = control.wait_until.max(now + 2_000);
            }
        }
        entry.save(&mut tx).await?;
        commit(tx, action).await
    }

    /// Applies a delivery receipt or a record of the message log, and returns whether it was news.
    ///
    /// A status of a message that was never claimed, or that isn't yours, is ignored. If the
    /// status suppresses, this suppresses at once, unless the recipient opted in again after the claim.
    pub async fn apply(&self, update: &StatusUpdate, now: i64) -> Result<bool> {
        let (mut tx, mut control) = self.begin().await?;
        let known = load(&mut tx, &update.reference).await?;
        let Some(mut entry) = known.filter(|entry| entry.attempts > 0) else { return Ok(false) };
        // An opt-out of an earlier attempt may be reported again.
        let is_known = entry.duplicate && entry.parts.status() == update.status;
        let suppresses = update.status.retry() == Some(Retry::Never) && !is_known;
        let mut is_news = suppresses && suppress(&mut tx, &entry, 0, now).await? == Some(true);
        if is_news && matches!(entry.state, Queued | NeedsFix) {
            entry.enter(if entry.duplicate { InDoubt } else { Suppressed }, now);
        }
        let before = entry.parts.status();
        if entry.parts.record(update) {
            is_news = true;
            let status = entry.parts.status();
            if status != before && entry.claimed_at > control.reset_at {
                let _stopped = control.breaker.record_delivery(status);
                control.save(&mut tx).await?;
            }
            entry.follow(status, update.status, now);
        } else if entry.state == InDoubt && update.status != DeliveryStatus::Unknown {
            // Known of an earlier attempt, and found again by a lookup.
            is_news = true;
            entry.enter(Accepted, now);
        }
        entry.save(&mut tx).await?;
        commit(tx, is_news).await
    }

    /// Queues messages again although they may have been sent, and returns how many.
    ///
    /// They're those in doubt, accepted, or failed that were claimed ten minutes ago or longer, because
    /// a worker may still be sending the others. Messages to suppressed recipients stay as they are.
    pub async fn allow_duplicate(&self, which: Which<'_>, now: i64) -> Result<u64> {
        let update = "UPDATE messages SET state = 'queued', since = $2, due = $2, duplicate = 1
            WHERE state IN ('in_doubt', 'accepted', 'failed') AND claimed_at <= $3";
        self.change(update, which, now, now - 10 * MINUTE).await
    }

    /// Queues messages again whose cause you've fixed, and returns how many.
    pub async fn fixed(&self, which: Which<'_>, now: i64) -> Result<u64> {
        let update = "UPDATE messages SET state = 'queued', since = $2, due = $3
            WHERE state = 'needs_fix'";
        self.change(update, which, now, now).await
    }

    async fn change(&self, update: &str, which: Which<'_>, now: i64, time: i64) -> Result<u64> {
        let (column, value) = match which {
            Which::One(reference) => ("reference", reference),
            // What was found meanwhile is no longer a failure.
            Which::Kind(kind) => ("state <> 'accepted' AND kind", kind.as_str()),
            Which::All(state) => ("state", state.as_str()),
        };
        let (mut tx, _) = self.begin().await?;
        let update = format!("{update} AND {column} = $1 AND NOT {IS_SUPPRESSED}");
        let changed = sql!(update, value, now, time).execute(&mut *tx).await?;
        commit(tx, changed.rows_affected()).await
    }

    /// Takes a recipient that opted in again off the suppression list, and returns whether it was on it.
    ///
    /// Messages that were suppressed meanwhile stay so. Queue new ones.
    pub async fn opted_in(&self, recipient: &str, now: i64) -> Result<bool> {
        let recipient = international(recipient).ok_or(Error::Incomplete)?;
        let (mut tx, _) = self.begin().await?;
        let (suppressed_at, _) = recipient_row(&mut tx, &recipient).await?;
        let upsert = "INSERT INTO recipients VALUES ($1, 0, '', $2)
            ON CONFLICT (recipient) DO UPDATE SET suppressed_at = 0, opted_in_at = $2";
        sql!(upsert, recipient, now).execute(&mut *tx).await?;
        commit(tx, suppressed_at > 0).await
    }

    /// Suppresses recipients, such as those of Mobivate's opt-out list or of "STOP" replies.
    ///
    /// Fails if a phone number isn't international, so that you don't miss one. Returns how many weren't
    /// suppressed before. [`undo_suppressions`](Self::undo_suppressions) doesn't undo these.
    pub async fn import_suppressions(&self, list: &[impl AsRef<str>], now: i64) -> Result<u64> {
        let (mut tx, _) = self.begin().await?;
        let mut new = 0;
        for number in list {
            let recipient = international(number.as_ref()).ok_or(Error::Incomplete)?;
            let (suppressed_at, _) = recipient_row(&mut tx, &recipient).await?;
            new += u64::from(suppressed_at == 0);
            insert(&mut tx, &recipient, "", now).await?;
        }
        commit(tx, new).await
    }

    /// Undoes the suppressions since a time, such as the start of an hour in which Mobivate's opt-out
    /// store was broken. Returns the number of recipients, and of messages that are queued again.
    ///
    /// Imported suppressions stay. What's reported later about messages that were claimed before this
    /// call doesn't suppress the recipients again. Late responses to other sends don't either.
    pub async fn undo_suppressions(&self, since: i64, now: i64) -> Result<(u64, u64)> {
        let (mut tx, mut control) = self.begin().await?;
        control.undone_at = now;
        control.save(&mut tx).await?;
        let undo = "UPDATE messages SET state = 'queued', since = $2, due = $2
            WHERE state = 'suppressed' AND EXISTS (SELECT 1 FROM recipients
                WHERE recipients.recipient = messages.recipient AND recipients.reference <> ''
                AND suppressed_at >= $1 AND messages.since >= suppressed_at)";
        let messages = sql!(undo, since.max(1), now).execute(&mut *tx).await?;
        let undo = "UPDATE recipients SET suppressed_at = 0, opted_in_at = $2
            WHERE suppressed_at >= $1 AND reference <> ''";
        let recipients = sql!(undo, since.max(1), now).execute(&mut *tx).await?;
        commit(tx, (recipients.rows_affected(), messages.rows_affected())).await
    }

    /// Ends a stop or a pause, once you've fixed the cause, and returns why it was stopped.
    pub async fn reset(&self, now: i64) -> Result<Option<StopReason>> {
        let (mut tx, mut control) = self.begin().await?;
        let reason = control.breaker.stopped();
        control.breaker.reset();
        (control.wait_until, control.pause, control.reset_at) = (0, 0, now);
        control.save(&mut tx).await?;
        commit(tx, reason).await
    }

    /// Returns the circuit breaker, the time until which no worker sends, and the last reset.
    pub async fn control(&self) -> Result<Control> {
        Ok(self.begin().await?.1)
    }

    /// Returns a message.
    pub async fn message(&self, reference: &str) -> Result<Option<Entry>> {
        load(&mut *self.pool.acquire().await?, reference).await
    }

    /// Returns at most `limit` messages that are in a state since `until` or longer, oldest first.
    pub async fn list(&self, state: State, until: i64, limit: i64) -> Result<Vec<Entry>> {
        let list = format!("{ENTRY} WHERE state = $1 AND since <= $2 ORDER BY since LIMIT $3");
        let rows = sql!(list, state.as_str(), until, limit).fetch_all(&self.pool).await?;
        rows.iter().map(entry).collect()
    }

    /// Returns how many messages are in a state, and since when the oldest one is.
    pub async fn count(&self, state: State) -> Result<(i64, i64)> {
        let count = "SELECT count(*), coalesce(min(since), 0) FROM messages WHERE state = $1";
        Ok(query_as(count).bind(state.as_str()).fetch_one(&self.pool).await?)
    }

    /// Returns the suppressed recipients, oldest first, each with the time and with the reference of
    /// the message that suppressed it, which is empty if it was imported.
    pub async fn suppressions(&self) -> Result<Vec<(String, i64, String)>> {
        let list = "SELECT recipient, suppressed_at, reference FROM recipients
            WHERE suppressed_at > 0 ORDER BY suppressed_at, recipient";
        Ok(query_as(list).fetch_all(&self.pool).await?)
    }

    /// Begins a transaction. The update locks the database on `SQLite`, as `BEGIN IMMEDIATE` would, and
    /// the row on `PostgreSQL`, so transactions run one after the other.
    async fn begin(&self) -> Result<(Tx, Control)> {
        let mut tx = self.pool.begin().await?;
        let lock = "UPDATE control SET one = 1
            RETURNING breaker, wait_until, pause, reset_at, undone_at";
        let (breaker, wait_until, pause, reset_at, undone_at): (String, i64, i64, i64, i64) =
            query_as(lock).fetch_one(&mut *tx).await?;
        let breaker = serde_json::from_str(&breaker)?;
        Ok((tx, Control { breaker, wait_until, reset_at, undone_at, pause }))
    }
}

impl Control {
    fn obey(&mut self, action: Action, was_stopped: bool, retry_after: Duration, now: i64) {
        let retry_after = retry_after.min(Duration::from_hours(24));
        let pause = match action {
            Action::BackOff(pause) => pause.max(retry_after),
            Action::Stop(StopReason::Service) if was_stopped => retry_after,
            Action::Stop(_) => retry_after.max(Duration::from_mins(1)),
            Action::Continue => Duration::ZERO,
        };
        if was_stopped && action == Action::Continue {
            (self.wait_until, self.pause) = (0, 0);
        }
        self.wait_until = self.wait_until.max(now + i64::try_from(pause.as_millis()).unwrap_or(0));
    }

    async fn save(&self, tx: &mut Tx) -> Result<()> {
        let update = "UPDATE control
            SET breaker = $1, wait_until = $2, pause = $3, reset_at = $4, undone_at = $5";
        let breaker = serde_json::to_string(&self.breaker)?;
        let update = sql!(update, breaker, self.wait_until, self.pause, self.reset_at);
        Ok(update.bind(self.undone_at).execute(&mut **tx).await.map(drop)?)
    }
}

impl Entry {
    fn enter(&mut self, state: State, now: i64) {
        if self.state != state {
            (self.state, self.since) = (state, now);
        }
    }

    /// Moves the message to where its merged status says. Mobivate has accepted it, in any case.
    fn follow(&mut self, status: DeliveryStatus, update: DeliveryStatus, now: i64) {
        match (status, self.state) {
            (DeliveryStatus::Delivered, _) => self.enter(Delivered, now),
            (DeliveryStatus::Failed(_), Queued) if self.duplicate => {}
            (DeliveryStatus::Failed(FailureKind::OptedOut), Suppressed) => {}
            (DeliveryStatus::Failed(kind), _) => {
                self.enter(Failed, now);
                (self.kind, self.detail) = (kind.as_str().to_owned(), status.to_string());
            }
            (_, Accepted | Delivered | Failed) => {}
            _ if update == DeliveryStatus::Unknown => {}
            _ => self.enter(Accepted, now),
        }
    }

    async fn save(&self, tx: &mut Tx) -> Result<()> {
        let update = "UPDATE messages SET state = $2, since = $3, due = $4, id = $5, kind = $6,
            detail = $7, parts = $8 WHERE reference = $1";
        let (state, parts) = (self.state.as_str(), serde_json::to_string(&self.parts)?);
        let update = sql!(update, &self.reference, state, self.since, self.due);
        let update = update.bind(&self.id).bind(&self.kind).bind(&self.detail).bind(parts);
        Ok(update.execute(&mut **tx).await.map(drop)?)
    }
}

const ENTRY: &str = "SELECT reference, recipient, request, state, since, due, attempts, claimed_at,
    duplicate, id, kind, detail, parts FROM messages";

async fn load(connection: &mut AnyConnection, reference: &str) -> Result<Option<Entry>> {
    let select = format!("{ENTRY} WHERE reference = $1");
    let row = sql!(select, reference).fetch_optional(connection).await?;
    row.as_ref().map(entry).transpose()
}

fn entry(row: &AnyRow) -> Result<Entry> {
    let (state, parts): (String, String) = (row.try_get(3)?, row.try_get(12)?);
    let state = State::ALL.into_iter().find(|known| known.as_str() == state);
    Ok(Entry {
        reference: row.try_get(0)?,
        recipient: row.try_get(1)?,
        request: row.try_get(2)?,
        state: state.ok_or_else(|| sqlx::Error::Decode("unknown state".into()))?,
        since: row.try_get(4)?,
        due: row.try_get(5)?,
        attempts: row.try_get(6)?,
        claimed_at: row.try_get(7)?,
        duplicate: row.try_get::<i64, _>(8)? != 0,
        id: row.try_get(9)?,
        kind: row.try_get(10)?,
        detail: row.try_get(11)?,
        parts: if parts.is_empty() { Parts::default() } else { serde_json::from_str(&parts)? },
    })
}

/// Since when the recipient is suppressed, and when it opted in again. 0 means never.
async fn recipient_row(tx: &mut Tx, recipient: &str) -> Result<(i64, i64)> {
    let select = "SELECT suppressed_at, opted_in_at FROM recipients WHERE recipient = $1";
    let row = query_as(select).bind(recipient).fetch_optional(&mut **tx).await?;
    Ok(row.unwrap_or_default())
}

/// Suppresses the recipient of a message, and returns whether that's new, or `None` if the message was
/// claimed before the recipient opted in again, or before `undone_at`.
async fn suppress(tx: &mut Tx, entry: &Entry, undone_at: i64, now: i64) -> Result<Option<bool>> {
    let (suppressed_at, opted_in_at) = recipient_row(tx, &entry.recipient).await?;
    if suppressed_at == 0 && entry.claimed_at <= opted_in_at.max(undone_at) {
        return Ok(None);
    }
    if suppressed_at == 0 {
        insert(tx, &entry.recipient, &entry.reference, now).await?;
    }
    Ok(Some(suppressed_at == 0))
}

/// Suppresses a recipient and what certainly wasn't sent to it. An allowed duplicate is in doubt again.
async fn insert(tx: &mut Tx, recipient: &str, reference: &str, now: i64) -> Result<()> {
    let upsert = "INSERT INTO recipients VALUES ($1, $2, $3, 0) ON CONFLICT (recipient) DO UPDATE
        SET reference = $3, suppressed_at = CASE WHEN recipients.suppressed_at > 0
            THEN recipients.suppressed_at ELSE $2 END";
    // 0 stands for never.
    sql!(upsert, recipient, now.max(1), reference).execute(&mut **tx).await?;
    let update = "UPDATE messages SET since = $2,
            state = CASE WHEN duplicate = 1 THEN 'in_doubt' ELSE 'suppressed' END
        WHERE recipient = $1 AND state IN ('queued', 'needs_fix')";
    Ok(sql!(update, recipient, now).execute(&mut **tx).await.map(drop)?)
}

async fn commit<T>(tx: Tx, result: T) -> Result<T> {
    tx.commit().await?;
    Ok(result)
}
