//! The rules of the outbox, on `SQLite`, and on the `PostgreSQL` that `DATABASE_URL` names.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by a panic"
)]

use std::{
    fs,
    future::poll_fn,
    io::Write,
    path::{Path, PathBuf},
    pin::pin,
    process::{Child, Command},
    task::Poll,
    time::Duration,
};

use mobivate_response::{Action, DeliveryStatus, FailureKind, SendOutcome, StopReason};
use recipes::{
    outbox::{Claim, Entry, Error, Next, Outbox, State, Which},
    receipts::StatusUpdate,
    response::Response,
    sender,
};
use sqlx::raw_sql;

use State::{Accepted, Delivered, Failed, InDoubt, NeedsFix, Queued, Suppressed};

const MINUTE: i64 = 60_000;
const NOTICE: &str = r#"{"code":403,"message":"Recipient is opted out: 44XXXXXXXX"}"#;

/// Not captured, unlike `eprintln`.
fn say(text: &str) {
    std::io::stderr().write_all(format!("{text}\n").as_bytes()).unwrap();
}

/// A schema of its own on `PostgreSQL`, if there is one.
async fn postgres(test: &str) -> Option<String> {
    let Ok(url) = std::env::var("DATABASE_URL") else {
        say(&format!("{test}: SKIPPED on PostgreSQL, DATABASE_URL is not set"));
        return None;
    };
    let schema = format!("{test}_{}", std::process::id());
    let outbox = Outbox::open(&url).await.unwrap();
    let create = sqlx::AssertSqlSafe(format!("CREATE SCHEMA {schema}"));
    raw_sql(create).execute(&outbox.pool).await.unwrap();
    Some(format!("{url}&options=-c%20search_path%3D{schema}"))
}

fn file(test: &str) -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}.sqlite"));
    for suffix in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{suffix}", path.display()));
    }
    format!("sqlite:{}?mode=rwc", path.display())
}

/// An empty outbox in each database.
async fn outboxes(test: &str) -> Vec<Outbox> {
    let mut outboxes = vec![Outbox::open("sqlite::memory:").await.unwrap()];
    if let Some(url) = postgres(test).await {
        outboxes.push(Outbox::open(&url).await.unwrap());
    }
    outboxes
}

fn request(reference: &str, recipient: &str) -> String {
    format!(r#"{{"reference":"{reference}","recipient":"{recipient}","body":"Hello"}}"#)
}

/// What the tests do with an outbox, at a time in minutes.
struct Test<'a>(&'a Outbox);

impl Test<'_> {
    async fn queue(&self, reference: &str, recipient: &str, minute: i64) -> u64 {
        self.0.queue(&[request(reference, recipient)], minute * MINUTE).await.unwrap()
    }

    async fn claim(&self, minute: i64) -> Claim {
        match self.0.claim(minute * MINUTE).await.unwrap() {
            Next::Send(claim) => claim,
            next => panic!("{next:?}"),
        }
    }

    async fn record(&self, claim: &Claim, status: u16, body: &str, minute: i64) -> Action {
        let outcome = SendOutcome::decode(status, body.as_bytes());
        self.0.record(claim, &outcome, None, minute * MINUTE).await.unwrap()
    }

    /// Queues, claims, and records.
    async fn send(&self, reference: &str, status: u16, body: &str, minute: i64) -> Claim {
        self.queue(reference, "447700900100", minute).await;
        let claim = self.claim(minute).await;
        let _ = self.record(&claim, status, body, minute).await;
        claim
    }

    async fn apply(
        &self,
        reference: &str,
        status: &str,
        part: Option<(u8, u8)>,
        minute: i64,
    ) -> bool {
        let update = StatusUpdate {
            reference: reference.into(),
            id: None,
            part: part.map(|(part, _)| part),
            parts: part.map(|(_, parts)| parts).filter(|parts| *parts > 0),
            status: DeliveryStatus::from_name(status),
        };
        self.0.apply(&update, minute * MINUTE).await.unwrap()
    }

    async fn allow(&self, which: Which<'_>, minute: i64) -> u64 {
        self.0.allow_duplicate(which, minute * MINUTE).await.unwrap()
    }

    async fn entry(&self, reference: &str) -> Entry {
        self.0.message(reference).await.unwrap().unwrap()
    }

    async fn state(&self, reference: &str) -> State {
        self.entry(reference).await.state
    }

    async fn suppressed(&self) -> Vec<String> {
        self.0.suppressions().await.unwrap().into_iter().map(|(recipient, ..)| recipient).collect()
    }
}

const OK: &str = r#"{"id":"m-1"}"#;

#[tokio::test]
async fn an_outcome_moves_a_message_to_where_its_retry_says() {
    for outbox in outboxes("outcomes").await {
        let test = Test(&outbox);
        for (index, (status, body, first, second)) in [
            (200, OK, Accepted, Accepted),
            (200, r#"{"id":"m\u0000-1"}"#, Accepted, Accepted),
            (429, "", Queued, Queued),
            (400, r#"{"message":"reference exists"}"#, NeedsFix, InDoubt),
            (401, "", NeedsFix, InDoubt),
            (402, "", NeedsFix, InDoubt),
            (403, "", NeedsFix, InDoubt),
            (404, "", NeedsFix, InDoubt),
            (503, "", InDoubt, InDoubt),
            (400, OK, InDoubt, InDoubt),
            (429, OK, InDoubt, InDoubt),
            (403, NOTICE, Suppressed, InDoubt),
        ]
        .into_iter()
        .enumerate()
        {
            let reference = format!("r{index}");
            let minute = 100 * i64::try_from(index).unwrap();
            test.send(&reference, status, body, minute).await;
            let entry = test.entry(&reference).await;
            assert_eq!((entry.state, entry.attempts), (first, 1), "{status} {body}");
            assert_eq!(entry.id, if body.contains("id") { "m-1" } else { "" });
            assert_eq!(entry.kind.is_empty(), first == Accepted);
            assert_eq!(test.suppressed().await.len(), usize::from(body == NOTICE));
            outbox.opted_in("+44 7700 900100", (minute + 1) * MINUTE).await.unwrap();
            raw_sql("DELETE FROM messages").execute(&outbox.pool).await.unwrap();
            // A second attempt doesn't settle the first.
            let reference = format!("again{index}");
            test.send(&reference, 0, "", minute + 20).await;
            assert_eq!(test.allow(Which::One(&reference), minute + 30).await, 1);
            while test.entry(&reference).await.attempts < 2 {
                let claim = test.claim(minute + 50).await;
                let _ = test.record(&claim, status, body, minute + 50).await;
            }
            assert_eq!(test.state(&reference).await, second, "{status} {body}, the second time");
            outbox.opted_in("447700900100", (minute + 60) * MINUTE).await.unwrap();
            outbox.reset((minute + 60) * MINUTE).await.unwrap();
            raw_sql("DELETE FROM messages").execute(&outbox.pool).await.unwrap();
        }
    }
}

#[tokio::test]
async fn only_the_last_attempt_says_that_it_was_not_sent() {
    for outbox in outboxes("attempts").await {
        let test = Test(&outbox);
        let first = test.send("a", 0, "", 0).await;
        test.allow(Which::One("a"), 10).await;
        // The first attempt's outcome comes late.
        for (status, body) in [(429, ""), (400, ""), (503, "")] {
            let _ = test.record(&first, status, body, 10).await;
            assert_eq!(test.state("a").await, Queued);
        }
        let second = test.claim(10).await;
        assert_eq!((first.attempt, second.attempt), (1, 2));
        let _ = test.record(&first, 429, "", 10).await;
        assert_eq!(test.state("a").await, InDoubt, "the second may have been accepted");
        let _ = test.record(&second, 429, "", 10).await;
        assert_eq!(test.state("a").await, Queued);
        let _ = test.record(&first, 200, OK, 10).await;
        assert_eq!(test.state("a").await, Accepted, "off the queue");
        // What isn't in doubt stays.
        for (status, body) in [(429, ""), (400, ""), (503, "")] {
            let _ = test.record(&second, status, body, 10).await;
            assert_eq!(test.state("a").await, Accepted);
        }
    }
}

#[tokio::test]
async fn statuses_come_in_any_order_and_send_nothing_again() {
    const ONE: Option<(u8, u8)> = Some((1, 1));
    const NO_COUNT: Option<(u8, u8)> = Some((2, 0));
    for outbox in outboxes("statuses").await {
        let test = Test(&outbox);
        let mut minute = 0;
        for (updates, state, kind) in [
            (vec![("ACCEPTED", ONE)], Accepted, ""),
            (vec![("NOVEL", ONE)], InDoubt, ""),
            (vec![("LIMITS_EXCEEDED", NO_COUNT)], Failed, "rate_limited"),
            (vec![("FAILED_INSUFFICIENT_CREDIT", ONE)], Failed, "out_of_credit"),
            (vec![("EXPIRED", ONE), ("OPTED_OUT", ONE)], Failed, "opted_out"),
            (vec![("EXPIRED", ONE), ("ACCEPTED", ONE)], Failed, "undelivered"),
            (vec![("EXPIRED", ONE), ("DELIVERED", ONE), ("SENT", ONE)], Delivered, ""),
            (vec![("DELIVERED", Some((1, 2)))], Accepted, ""),
            (vec![("DELIVERED", Some((1, 2))), ("DELIVERED", Some((2, 2)))], Delivered, ""),
            (vec![("DELIVERED", Some((1, 2))), ("EXPIRED", Some((2, 2)))], Failed, "undelivered"),
            (vec![("DELIVERED", None)], Delivered, ""),
        ] {
            for is_reversed in [false, true] {
                for outcome in ["before", "after", "never"] {
                    minute += 20;
                    let reference = format!("r{minute}");
                    test.queue(&reference, "447700900100", minute).await;
                    let claim = test.claim(minute).await;
                    if outcome == "before" {
                        let _ = test.record(&claim, 200, OK, minute).await;
                    }
                    let mut updates = updates.clone();
                    if is_reversed {
                        updates.reverse();
                    }
                    for (status, part) in &updates {
                        test.apply(&reference, status, *part, minute).await;
                        // Repeated, it's no news.
                        let is_lookup = test.state(&reference).await == InDoubt;
                        assert!(is_lookup || !test.apply(&reference, status, *part, minute).await);
                    }
                    if outcome == "after" {
                        let _ = test.record(&claim, 200, OK, minute).await;
                    }
                    let entry = test.entry(&reference).await;
                    let state = match (state, outcome) {
                        (InDoubt, "before" | "after") => Accepted,
                        _ => state,
                    };
                    assert_eq!((entry.state, kind), (state, kind), "{updates:?} {outcome}");
                    assert!(state != Failed || entry.kind == kind, "{entry:?}");
                    let is_opt_out = updates.iter().any(|(status, _)| *status == "OPTED_OUT");
                    assert_eq!(test.suppressed().await.len(), usize::from(is_opt_out));
                    outbox.opted_in("447700900100", minute * MINUTE + 1).await.unwrap();
                    outbox.reset(minute * MINUTE + 1).await.unwrap();
                    assert_eq!(outbox.claim(minute * MINUTE + 9).await.unwrap(), Next::Empty);
                }
            }
        }
    }
}

#[tokio::test]
async fn a_status_moves_only_what_was_claimed_and_settles_every_doubt() {
    for outbox in outboxes("claimed").await {
        let test = Test(&outbox);
        test.queue("a", "447700900100", 0).await;
        assert!(!test.apply("a", "OPTED_OUT", None, 0).await);
        assert!(!test.apply("forged", "OPTED_OUT", None, 0).await);
        assert_eq!((test.state("a").await, test.suppressed().await.len()), (Queued, 0));
        // A rejected message that was accepted all the same isn't sent again.
        let claim = test.claim(0).await;
        let _ = test.record(&claim, 429, "", 0).await;
        assert!(test.apply("a", "SENT", None, 0).await);
        assert_eq!(test.state("a").await, Accepted);
        // An allowed duplicate that's found again, after a second doubt.
        assert_eq!(test.allow(Which::One("a"), 10).await, 1);
        assert!(!test.apply("a", "SENT", None, 10).await);
        assert_eq!(test.state("a").await, Queued);
        let claim = test.claim(10).await;
        let _ = test.record(&claim, 400, "", 10).await;
        assert_eq!(test.state("a").await, InDoubt);
        assert!(test.apply("a", "SENT", None, 11).await);
        assert_eq!(test.state("a").await, Accepted);
        // A failure doesn't take an allowed duplicate off the queue, and a delivery does.
        assert_eq!(test.allow(Which::One("a"), 20).await, 1);
        assert!(test.apply("a", "EXPIRED", None, 20).await);
        assert_eq!(test.state("a").await, Queued);
        assert!(test.apply("a", "DELIVERED", None, 20).await);
        assert_eq!(test.state("a").await, Delivered);
        test.send("b", 400, "", 21).await;
        assert!(test.apply("b", "EXPIRED", None, 21).await);
        assert_eq!(outbox.fixed(Which::One("b"), 21 * MINUTE).await.unwrap(), 0);
        // A higher count of parts comes late, and what's delivered stays so.
        test.send("c", 200, OK, 22).await;
        assert!(test.apply("c", "DELIVERED", Some((1, 1)), 22).await);
        assert!(test.apply("c", "SENT", Some((1, 2)), 22).await);
        assert_eq!(test.state("c").await, Delivered);
        // An opt-out takes an allowed duplicate off the queue, and confirms what wasn't sent.
        let claim = test.send("d", 0, "", 23).await;
        test.queue("e", "447700900100", 23).await;
        assert_eq!(test.allow(Which::One("d"), 33).await, 1);
        assert!(test.apply("d", "OPTED_OUT", None, 33).await);
        assert_eq!([test.state("d").await, test.state("e").await], [Failed, Suppressed]);
        let _ = test.record(&claim, 429, "", 33).await;
        assert_eq!(test.state("d").await, Failed);
    }
}

#[tokio::test]
async fn an_operator_allows_duplicates_of_what_no_worker_still_sends() {
    for outbox in outboxes("operators").await {
        let test = Test(&outbox);
        for (reference, status, body) in
            [("accepted", 200, OK), ("fix", 400, ""), ("other", 401, ""), ("doubt", 0, "")]
        {
            test.send(reference, status, body, 0).await;
        }
        test.queue("queued", "447700900101", 0).await;
        assert!(test.apply("accepted", "EXPIRED", None, 0).await);
        for reference in ["accepted", "doubt"] {
            let claimed = test.entry(reference).await.claimed_at;
            let early = outbox.allow_duplicate(Which::One(reference), claimed + 10 * MINUTE - 1);
            assert_eq!(early.await.unwrap(), 0);
            assert_eq!(outbox.fixed(Which::One(reference), claimed).await.unwrap(), 0);
        }
        for reference in ["fix", "other", "queued", "unknown"] {
            assert_eq!(test.allow(Which::One(reference), 10).await, 0);
        }
        assert_eq!(test.allow(Which::Kind(FailureKind::NoResponse), 10).await, 1);
        assert_eq!(test.allow(Which::All(InDoubt), 10).await, 0, "it's queued");
        assert_eq!(test.allow(Which::All(Failed), 10).await, 1);
        for reference in ["accepted", "doubt", "queued"] {
            assert_eq!(outbox.fixed(Which::One(reference), 10 * MINUTE).await.unwrap(), 0);
        }
        let kind = Which::Kind(FailureKind::BadRequest);
        assert_eq!(outbox.fixed(kind, 10 * MINUTE).await.unwrap(), 1);
        assert_eq!(outbox.fixed(Which::All(NeedsFix), 10 * MINUTE).await.unwrap(), 1);
        assert_eq!(outbox.count(Queued).await.unwrap(), (5, 0));
        // Allowed duplicates come last, also as a probe.
        let mut order = Vec::new();
        for _ in 0..5 {
            order.push(test.claim(10).await.reference);
        }
        assert_eq!(order, ["queued", "fix", "other", "accepted", "doubt"]);
        assert_eq!(outbox.list(InDoubt, 10 * MINUTE - 1, 9).await.unwrap(), []);
        assert_eq!(outbox.list(InDoubt, 10 * MINUTE, 2).await.unwrap().len(), 2);
    }
}

#[tokio::test]
async fn nothing_is_sent_to_who_is_suppressed_until_they_opt_in() {
    for outbox in outboxes("suppressed").await {
        let test = Test(&outbox);
        test.send("doubt", 0, "", 0).await;
        test.send("fix", 400, "", 1).await;
        let claim = test.send("notice", 0, "", 2).await;
        test.queue("queued", "+44 7700 900100", 3).await;
        assert_eq!(test.allow(Which::One("doubt"), 10).await, 1);
        let _ = test.record(&claim, 403, NOTICE, 20).await;
        test.queue("later", "0044 7700-900100", 20).await;
        for (reference, state) in [
            ("doubt", InDoubt),
            ("fix", Suppressed),
            ("notice", Suppressed),
            ("queued", Suppressed),
            ("later", Suppressed),
        ] {
            assert_eq!(test.state(reference).await, state, "{reference}");
        }
        assert_eq!(test.allow(Which::One("doubt"), 20).await, 0);
        let opted_in = outbox.opted_in("00447700900100", 30 * MINUTE).await.unwrap();
        assert!(opted_in && !outbox.opted_in("447700900100", 30 * MINUTE).await.unwrap());
        assert_eq!(test.state("queued").await, Suppressed, "what was, stays");
        // What was claimed before doesn't suppress again, and isn't lost.
        assert!(test.apply("doubt", "OPTED_OUT", None, 31).await);
        test.queue("new", "447700900100", 29).await;
        let claim = test.claim(29).await;
        let _ = test.record(&claim, 403, NOTICE, 31).await;
        assert_eq!((test.state("new").await, test.suppressed().await.len()), (Queued, 0));
        let claim = test.claim(32).await;
        let _ = test.record(&claim, 403, NOTICE, 32).await;
        assert_eq!((test.state("new").await, test.suppressed().await.len()), (Suppressed, 1));
        // Suppressed while it was on its way. A receipt that says so as well changes nothing.
        for (status, minute) in [(429, 40), (400, 50), (403, 60)] {
            let (reference, recipient) = (format!("way{minute}"), format!("4477009003{minute}"));
            test.queue(&reference, &recipient, minute).await;
            let claim = test.claim(minute).await;
            outbox.import_suppressions(&[recipient], minute * MINUTE).await.unwrap();
            let body = if status == 403 { NOTICE } else { "" };
            let _ = test.record(&claim, status, body, minute).await;
            test.apply(&reference, "OPTED_OUT", None, minute).await;
            assert_eq!(test.state(&reference).await, Suppressed, "{status}");
        }
        // A row that somebody else wrote counts as well.
        test.queue("row", "447700900109", 70).await;
        let row = "INSERT INTO recipients VALUES ('447700900109', 1, '', 0)";
        raw_sql(row).execute(&outbox.pool).await.unwrap();
        assert_eq!(outbox.claim(70 * MINUTE).await.unwrap(), Next::Empty);
    }
}

#[tokio::test]
async fn a_bad_hour_is_undone() {
    for outbox in outboxes("undone").await {
        let test = Test(&outbox);
        for (minute, index) in [(9, 0), (10, 1), (11, 2), (12, 3)] {
            let (reference, recipient) = (format!("r{index}"), format!("44770090020{index}"));
            test.queue(&reference, &recipient, 0).await;
            let claim = test.claim(minute).await;
            test.queue(&format!("{reference}-2"), &recipient, 0).await;
            let _ = test.record(&claim, 403, NOTICE, minute).await;
        }
        test.queue("r4", "447700900204", 13).await;
        // One is known already, and now it's Mobivate's list that says it.
        let list = ["+447700900203", "447700900204"];
        assert_eq!(outbox.import_suppressions(&list, 13 * MINUTE).await.unwrap(), 1);
        test.queue("flight", "447700900205", 15).await;
        let flight = test.claim(15).await;
        let undone = outbox.undo_suppressions(10 * MINUTE, 20 * MINUTE).await.unwrap();
        // What was on its way comes too late.
        let _ = test.record(&flight, 403, NOTICE, 20).await;
        assert_eq!(test.state("flight").await, Queued);
        assert_eq!(undone, (2, 4));
        assert_eq!(test.suppressed().await, [200, 203, 204].map(|n| format!("447700900{n}")));
        for (index, state) in
            [Suppressed, Queued, Queued, Suppressed, Suppressed].iter().enumerate()
        {
            assert_eq!(test.state(&format!("r{index}")).await, *state, "{index}");
        }
        // A receipt of that hour doesn't suppress again.
        assert!(test.apply("r1", "OPTED_OUT", None, 21).await);
        assert_eq!((test.suppressed().await.len(), test.state("r1-2").await), (3, Queued));
        let again = outbox.undo_suppressions(10 * MINUTE, 21 * MINUTE).await.unwrap();
        assert_eq!(again, (0, 0));
    }
}

#[tokio::test]
async fn the_circuit_breaker_pauses_stops_and_probes() {
    for outbox in outboxes("breaker").await {
        let test = Test(&outbox);
        for reference in ["r00", "r01"] {
            test.queue(reference, "447700900100", 0).await;
        }
        // Sends side by side cause one pause, and `Retry-After` makes it longer.
        let [first, second] = [test.claim(0).await, test.claim(0).await];
        let (slow_down, lost) = (SendOutcome::decode(429, b""), SendOutcome::no_response(""));
        let wait = Some(Duration::from_secs(90));
        let _ = outbox.record(&first, &slow_down, wait, 0).await.unwrap();
        assert_eq!(outbox.claim(90_000 - 1).await.unwrap(), Next::WaitUntil(90_000));
        let action = outbox.record(&second, &slow_down, wait, 100_000).await.unwrap();
        assert_eq!(action, Action::Continue);
        assert_eq!([90_000, 102_000], [test.entry("r00").await.due, test.entry("r01").await.due]);
        assert!(matches!(outbox.claim(100_000).await.unwrap(), Next::Send(_)));
        assert_eq!(outbox.claim(102_000 - 1).await.unwrap(), Next::Empty, "it isn't due");
        for index in 2..30 {
            test.queue(&format!("r{index:02}"), "447700900100", 0).await;
        }
        let mut now = 100_000;
        let send =
            async |outcome: &SendOutcome<'_>, now: i64| match outbox.claim(now).await.unwrap() {
                Next::Send(claim) => outbox.record(&claim, outcome, None, now).await.unwrap(),
                next => panic!("{next:?}"),
            };
        // Two more pauses, a stop, and probes.
        let minutes = [1, 1, 2, 4, 8, 15, 15].map(|pause| pause * MINUTE);
        for pause in [4_000, 8_000].into_iter().chain(minutes) {
            let _ = send(&lost, now).await;
            assert_eq!(outbox.claim(now + pause - 1).await.unwrap(), Next::WaitUntil(now + pause));
            now += pause;
        }
        // One success, and everybody goes on at once.
        assert_eq!(send(&SendOutcome::decode(200, OK.as_bytes()), now).await, Action::Continue);
        for _ in 0..3 {
            let _ = send(&SendOutcome::decode(401, b""), now).await;
        }
        let stopped = Next::Stopped(StopReason::Account);
        assert_eq!(outbox.claim(now + 1_000 * MINUTE).await.unwrap(), stopped);
        assert_eq!(outbox.reset(now).await.unwrap(), Some(StopReason::Account));
        assert!(matches!(outbox.claim(now).await.unwrap(), Next::Send(_)));
    }
}

#[tokio::test]
async fn failed_deliveries_count_once_and_since_the_last_reset() {
    for outbox in outboxes("deliveries").await {
        let test = Test(&outbox);
        for index in 0..4 {
            test.send(&format!("old{index}"), 200, OK, 1).await;
        }
        let no_credit = "FAILED_INSUFFICIENT_CREDIT";
        for part in 1..=3 {
            assert!(test.apply("old0", no_credit, Some((part, 3)), 1).await);
        }
        assert_eq!(outbox.reset(2 * MINUTE).await.unwrap(), None, "one message isn't three");
        for index in 1..4 {
            assert!(test.apply(&format!("old{index}"), no_credit, None, 3).await);
        }
        assert_eq!(
            outbox.control().await.unwrap().breaker.stopped(),
            None,
            "they were sent before"
        );
        for index in 0..3 {
            test.send(&format!("new{index}"), 200, OK, 3).await;
            assert!(test.apply(&format!("new{index}"), no_credit, None, 3).await);
        }
        assert_eq!(outbox.claim(3 * MINUTE).await.unwrap(), Next::Stopped(StopReason::Account));
    }
}

/// A person who opted in again gets a new message, so the old one stays suppressed.
#[tokio::test]
async fn an_undo_queues_only_what_it_undoes() {
    for outbox in outboxes("undo").await {
        let test = Test(&outbox);
        test.send("old", 403, NOTICE, 10).await;
        assert!(outbox.opted_in("+44 7700 900100", 12 * MINUTE).await.unwrap());
        test.send("new", 200, OK, 13).await;
        assert_eq!(outbox.undo_suppressions(5 * MINUTE, 20 * MINUTE).await.unwrap(), (0, 0));
        assert_eq!(test.state("old").await, Suppressed);
        // A late notice of a send before the undo doesn't suppress, even after another claim.
        test.queue("late", "447700900101", 21).await;
        let claim = test.claim(21).await;
        let _ = test.record(&claim, 429, "", 21).await;
        outbox.undo_suppressions(5 * MINUTE, 22 * MINUTE).await.unwrap();
        let _ = test.claim(23).await;
        let _ = test.record(&claim, 403, NOTICE, 24).await;
        assert_eq!(test.suppressed().await, [""; 0]);
    }
}

/// What a lookup found isn't among those that had no response.
#[tokio::test]
async fn duplicates_of_a_kind_are_those_that_were_not_found() {
    for outbox in outboxes("found").await {
        let test = Test(&outbox);
        test.send("found", 0, "", 0).await;
        test.send("lost", 0, "", 1).await;
        assert!(test.apply("found", "SENT", None, 2).await);
        assert_eq!(test.allow(Which::Kind(FailureKind::NoResponse), 20).await, 1);
        assert_eq!((test.state("found").await, test.state("lost").await), (Accepted, Queued));
        assert_eq!(outbox.import_suppressions(&["447700900100"], 0).await.unwrap(), 1);
        assert_eq!(test.suppressed().await, ["447700900100"], "0 is a time like any other");
        outbox.import_suppressions(&["07700 900100"], 0).await.unwrap_err();
    }
}

#[tokio::test]
async fn requests_are_queued_all_or_none_and_once() {
    for outbox in outboxes("queued").await {
        let test = Test(&outbox);
        assert_eq!(test.queue("a", "+44 7700 900100", 0).await, 1);
        assert_eq!(test.queue("a", "00447700900100", 1).await, 0);
        let error =
            outbox.queue(&[request("b", "447700900101"), request("a", "447700900109")], 1).await;
        assert!(matches!(error, Err(Error::OtherRecipient(reference)) if reference == "a"));
        let unusable = [("b", "07700900101"), ("b", "+44 (0)7700"), ("b ", "447700900101")];
        let unusable = unusable.map(|(reference, recipient)| request(reference, recipient));
        for bad in ["", "[]", "{}", r#"{"reference":"b"}"#]
            .into_iter()
            .chain(unusable.iter().map(|it| &**it))
        {
            let error = outbox.queue(&[request("b", "447700900101").as_str(), bad], 1).await;
            assert!(matches!(error, Err(Error::Json(_) | Error::Incomplete)), "{bad}");
        }
        assert_eq!(outbox.message("b").await.unwrap(), None);
        assert_eq!(test.claim(1).await.request, request("a", "+44 7700 900100"));
        assert_eq!(test.queue("a", "447700900100", 2).await, 0, "it may have been sent");
        assert_eq!(outbox.claim(2 * MINUTE).await.unwrap(), Next::Empty);
    }
}

#[tokio::test]
async fn a_write_that_fails_midway_changes_nothing() {
    for outbox in outboxes("midway").await {
        let test = Test(&outbox);
        let claim = test.send("a", 429, "", 0).await;
        let claim = if test.state("a").await == Queued { test.claim(1).await } else { claim };
        test.queue("b", "447700900101", 1).await;
        let (before, control) = (test.entry("a").await, outbox.control().await.unwrap());
        for (broken, fixed) in [
            ("ALTER TABLE recipients RENAME TO r", "ALTER TABLE r RENAME TO recipients"),
            ("ALTER TABLE messages RENAME TO m", "ALTER TABLE m RENAME TO messages"),
        ] {
            raw_sql(broken).execute(&outbox.pool).await.unwrap();
            outbox.claim(2 * MINUTE).await.unwrap_err();
            let notice = SendOutcome::decode(403, NOTICE.as_bytes());
            outbox.record(&claim, &notice, None, 2 * MINUTE).await.unwrap_err();
            outbox.import_suppressions(&["447700900100"], 2 * MINUTE).await.unwrap_err();
            outbox.undo_suppressions(0, 2 * MINUTE).await.unwrap_err();
            outbox.queue(&[request("c", "447700900102")], 2 * MINUTE).await.unwrap_err();
            raw_sql(fixed).execute(&outbox.pool).await.unwrap();
            assert_eq!(test.entry("a").await, before);
            assert_eq!(outbox.control().await.unwrap(), control);
            assert_eq!((test.state("b").await, test.suppressed().await.len()), (Queued, 0));
        }
    }
}

#[tokio::test]
async fn a_cancelled_call_leaves_nothing_half_done() {
    for outbox in outboxes("cancelled").await {
        let test = Test(&outbox);
        for polls in 1..40 {
            let mut clear = outbox.pool.begin().await.unwrap();
            raw_sql("DELETE FROM messages").execute(&mut *clear).await.unwrap();
            clear.commit().await.unwrap();
            test.queue("a", "447700900100", 0).await;
            {
                let mut claim = pin!(outbox.claim(0));
                let mut left = polls;
                poll_fn(|cx| {
                    left -= 1;
                    if left == 0 || claim.as_mut().poll(cx).is_ready() {
                        return Poll::Ready(());
                    }
                    Poll::Pending
                })
                .await;
            }
            let entry = test.entry("a").await;
            assert_eq!(
                (entry.state == InDoubt, entry.state == Queued),
                (entry.attempts == 1, entry.attempts == 0)
            );
            assert_eq!(test.queue("b", "447700900100", 0).await, 1, "the lock is free");
        }
    }
}

#[tokio::test]
async fn a_lock_that_is_held_for_long_is_an_error() {
    let urls = [Some(file("locked")), postgres("locked").await];
    for url in urls.into_iter().flatten() {
        let [outbox, other] =
            [Outbox::open(&url).await.unwrap(), Outbox::open(&url).await.unwrap()];
        let mut lock = other.pool.begin().await.unwrap();
        raw_sql("UPDATE control SET one = 1").execute(&mut *lock).await.unwrap();
        let error = outbox.claim(0).await.unwrap_err();
        assert!(error.to_string().contains("lock"), "{error}");
        lock.rollback().await.unwrap();
        assert_eq!(outbox.claim(0).await.unwrap(), Next::Empty);
    }
}

#[tokio::test]
async fn processes_that_create_the_tables_at_once_wait_for_each_other() {
    for url in [Some(file("tables")), postgres("tables").await].into_iter().flatten() {
        let opens: Vec<_> = (0..6)
            .map(|_| {
                let url = url.clone();
                tokio::spawn(async move { Outbox::open(&url).await })
            })
            .collect();
        for open in opens {
            open.await.unwrap().unwrap();
        }
    }
}

#[tokio::test]
async fn the_sender_polls_until_it_is_told_to_stop() {
    let outbox = Outbox::open("sqlite::memory:").await.unwrap();
    let (tell, told) = tokio::sync::oneshot::channel::<()>();
    let (worker, sends) = (outbox.clone(), std::sync::Arc::new(std::sync::Mutex::new(Vec::new())));
    let log = sends.clone();
    let handle = tokio::spawn(async move {
        let send = |request: String| {
            log.lock().unwrap().push(request);
            std::future::ready(Ok(Response { status: 200, body: OK.into(), retry_after: None }))
        };
        let stop = async { told.await.unwrap_or_default() };
        sender::run(&worker, send, stop, |_| {}).await
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!handle.is_finished(), "an empty outbox isn't the end");
    let message = request("a", "447700900100");
    outbox.queue(&[&message], sender::now()).await.unwrap();
    while outbox.count(Accepted).await.unwrap().0 == 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(*sends.lock().unwrap(), [message]);
    tell.send(()).unwrap();
    handle.await.unwrap().unwrap();
}

/// A worker in a process of its own. Its provider is a file that it appends each reference to.
#[tokio::test]
async fn a_worker() {
    let Ok(url) = std::env::var("WORKER_URL") else { return };
    let log = std::env::var("WORKER_LOG").unwrap();
    let delay = std::env::var("WORKER_DELAY").map_or(1, |delay| delay.parse().unwrap());
    let outbox = Outbox::open(&url).await.unwrap();
    let log = &log;
    let send = |request: String| async move {
        let json: serde_json::Value = serde_json::from_str(&request).unwrap();
        tokio::time::sleep(Duration::from_millis(delay)).await;
        let mut log = fs::OpenOptions::new().append(true).create(true).open(log).unwrap();
        log.write_all(format!("{}\n", json["reference"].as_str().unwrap()).as_bytes()).unwrap();
        tokio::time::sleep(Duration::from_millis(delay)).await;
        Ok(Response { status: 200, body: OK.into(), retry_after: None })
    };
    sender::run(&outbox, send, std::future::pending(), |_| {}).await.unwrap();
}

fn worker(url: &str, log: &Path, delay: u64) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "a_worker"]).env("WORKER_URL", url).env("WORKER_LOG", log);
    command.env("WORKER_DELAY", delay.to_string());
    command.stdout(std::process::Stdio::null()).spawn().unwrap()
}

/// Plays it in processes, kills them now and then, and returns the kills, and who is in doubt.
async fn processes(url: &str, log: &Path, workers: usize, is_killed: bool) -> (usize, i64, u128) {
    let count: usize = std::env::var("MESSAGES").map_or(150, |count| count.parse().unwrap());
    let _ = fs::remove_file(log);
    let outbox = Outbox::open(url).await.unwrap();
    let messages: Vec<_> =
        (0..count).map(|n| request(&format!("r{n}"), &format!("4477009{n:05}"))).collect();
    outbox.queue(&messages, sender::now()).await.unwrap();
    let start = std::time::Instant::now();
    let mut all: Vec<_> = (0..workers).map(|_| worker(url, log, u64::from(is_killed))).collect();
    let mut kills = 0;
    while outbox.count(Queued).await.unwrap().0 > 0 {
        let pause = if is_killed { 150 + 37 * (kills as u64 % 7) } else { 20 };
        tokio::time::sleep(Duration::from_millis(pause)).await;
        if is_killed {
            let index = kills % workers;
            all[index].kill().unwrap();
            all[index].wait().unwrap();
            all[index] = worker(url, log, 1);
            kills += 1;
        }
    }
    let took = start.elapsed().as_millis();
    tokio::time::sleep(Duration::from_millis(500)).await;
    for mut worker in all {
        worker.kill().unwrap();
        worker.wait().unwrap();
    }
    let sent = fs::read_to_string(log).unwrap();
    let mut sent: Vec<_> = sent.lines().collect();
    sent.sort_unstable();
    let all = sent.len();
    sent.dedup();
    assert_eq!(all, sent.len(), "texted twice");
    let (in_doubt, _) = outbox.count(InDoubt).await.unwrap();
    let (accepted, _) = outbox.count(Accepted).await.unwrap();
    assert_eq!(usize::try_from(in_doubt + accepted).unwrap(), count, "forgotten");
    assert!(usize::try_from(in_doubt).unwrap() <= kills, "{in_doubt} in doubt, {kills} kills");
    (kills, in_doubt, count as u128 * 1_000 / took)
}

#[tokio::test]
async fn processes_that_are_killed_text_nobody_twice() {
    let log = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("killed.log");
    for url in [Some(file("killed")), postgres("killed").await].into_iter().flatten() {
        let (kills, in_doubt, _) = processes(&url, &log, 3, true).await;
        let kind = url.split(':').next().unwrap();
        say(&format!("{kind}: {kills} kills, {in_doubt} in doubt, 0 twice, 0 forgotten"));
    }
}

#[tokio::test]
#[ignore = "measures the throughput"]
async fn throughput() {
    let log = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("throughput.log");
    for workers in [1, 3] {
        let name = format!("throughput{workers}");
        for url in [Some(file(&name)), postgres(&name).await].into_iter().flatten() {
            let (_, _, rate) = processes(&url, &log, workers, false).await;
            let kind = url.split(':').next().unwrap();
            println!("{kind}, {workers} workers: {rate} a second");
        }
    }
}
