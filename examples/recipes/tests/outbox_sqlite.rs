//! The outbox in a database: killed at every point, and nobody is texted twice.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use mobivate_response::{
    Action, Batch, BatchOutcome, CircuitBreaker, DeliveryStatus, FailureKind, Message, SendOutcome,
    StopReason,
};
use recipes::outbox_sqlite::{
    Claim, Entry, NEXT, Outbox, OutboxError, OutgoingMessage, State, Suppression, TRANSITION,
};
use recipes::receipts::StatusUpdate;
use rusqlite::{Params, StatementStatus, params};

/// A file for the outbox of one test, with nothing in it.
fn file(test: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}.sqlite"));
    let _ = fs::remove_file(&path);
    path
}

/// A second of the test's own time.
fn at(second: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_800_000_000 + second)
}

/// An outbox in which these are queued, each for a recipient of its own: `…100`, `…101` and so on.
fn outbox(references: &[&str]) -> Outbox {
    let mut outbox = Outbox::open(":memory:").unwrap();
    for (index, reference) in references.iter().enumerate() {
        outbox.queue(reference, &recipient(index), at(0)).unwrap();
    }
    outbox
}

fn recipient(index: usize) -> String {
    format!("447700900{}", 100 + index)
}

fn claim(outbox: &mut Outbox, most: usize) -> Claim {
    outbox.claim(most, at(1)).unwrap().unwrap()
}

fn references(claim: &Claim) -> Vec<&str> {
    claim.messages.iter().map(|message| message.reference.as_str()).collect()
}

fn single(status: u16, body: &str) -> SendOutcome<'static> {
    SendOutcome::decode(status, body.as_bytes()).into_owned()
}

fn batch(status: u16, body: &str) -> BatchOutcome<'static> {
    BatchOutcome::decode(status, body.as_bytes()).into_owned()
}

fn accepted(id: &str) -> SendOutcome<'static> {
    Message::new(id.to_owned()).into()
}

fn update(reference: &str, id: &str, status: &str) -> StatusUpdate {
    StatusUpdate {
        reference: reference.into(),
        id: (!id.is_empty()).then(|| id.into()),
        part: Some(1),
        parts: Some(1),
        status: DeliveryStatus::from_name(status),
    }
}

fn state(outbox: &Outbox, reference: &str) -> State {
    outbox.message(reference).unwrap().state
}

fn states<const N: usize>(outbox: &Outbox, references: [&str; N]) -> [State; N] {
    references.map(|reference| state(outbox, reference))
}

fn suppressed(outbox: &Outbox) -> Vec<String> {
    outbox.suppressions().unwrap().into_iter().map(|entry| entry.recipient).collect()
}

const NOTICE: &str = r#"{"code":403,"message":"Recipient is opted out: 44XXXXXXXX"}"#;
const SLOW_DOWN: &str = r#"{"code":429,"message":"Slow down"}"#;

const MESSAGES: [(&str, &str); 10] = [
    ("accepted", "447700900100"),
    ("opted-out", "447700900101"),
    ("slow-down", "447700900102"),
    ("no-response", "447700900103"),
    ("no-number", "44770090"),
    ("not-sent", "447700900105"),
    ("bad-key", "447700900106"),
    ("opted-out-too", "+44 7700 900101"),
    ("masked", "00447700900108"),
    ("last", "447700900109"),
];

/// What there is outside of the outbox, which no crash of the sender undoes.
#[derive(Default)]
struct World {
    /// How large a claim may be.
    most: usize,
    /// How often a request with each message reached the provider.
    requests: BTreeMap<String, usize>,
    /// How often each message was accepted.
    accepted: BTreeMap<String, usize>,
    /// Those of a request that got no response, or whose sender was killed with it in hand.
    in_doubt: BTreeSet<String>,
    /// Points at which the sender may be killed that were passed.
    points: usize,
    /// Those at which it is.
    killed_at: Vec<usize>,
}

/// The sender was killed.
#[derive(Debug)]
struct Killed;

impl World {
    fn point(&mut self) -> Result<(), Killed> {
        self.points += 1;
        if self.killed_at.contains(&self.points) { Err(Killed) } else { Ok(()) }
    }

    /// Responds to a request: one bad message rejects all of it. `None`: it was not sent.
    fn respond(&mut self, claim: &Claim) -> Option<(u16, String)> {
        let mut first = |reference: &str| {
            let is_sent = references(claim).contains(&reference);
            is_sent && self.requests.insert(reference.to_owned(), 1).is_none()
        };
        if first("not-sent") {
            return None;
        }
        if first("slow-down") {
            return Some((429, SLOW_DOWN.into()));
        }
        if first("bad-key") {
            return Some((401, r#"{"code":401,"message":"Unauthorized"}"#.into()));
        }
        for message in &claim.messages {
            let rejected = match message.recipient.as_str() {
                "447700900101" => (403, r#"{"message":"Recipient is opted out: 447700900101"}"#),
                "447700900108" => (403, NOTICE),
                "44770090" => (400, r#"{"code":400,"message":"Invalid mobile number"}"#),
                _ => continue,
            };
            self.requests.entry(message.reference.clone()).and_modify(|n| *n += 1).or_insert(1);
            return Some((rejected.0, rejected.1.into()));
        }
        for reference in references(claim) {
            *self.accepted.entry(reference.to_owned()).or_default() += 1;
        }
        if references(claim).contains(&"no-response") {
            return Some((0, String::new()));
        }
        Some((200, format!(r#"{{"id":"m-{}"}}"#, claim.attempt)))
    }

    /// Sends a claim, and records what became of it.
    fn send(&mut self, outbox: &mut Outbox, claim: &Claim) -> Result<(), Killed> {
        let doubt = references(claim).into_iter().map(str::to_owned).collect::<Vec<_>>();
        self.in_doubt.extend(doubt.clone());
        self.point()?;
        let response = self.respond(claim);
        self.point()?;
        match response {
            None => outbox.record_not_sent(claim, at(2)).unwrap(),
            Some((0, _)) => {
                let outcome = BatchOutcome::no_response("timeout");
                outbox.record_outcome(claim, &outcome, at(2)).unwrap();
                return self.point();
            }
            Some((status, body)) if claim.messages.len() == 1 => {
                outbox.record_outcome(claim, &single(status, &body), at(2)).unwrap();
            }
            Some((status, body)) => {
                outbox.record_outcome(claim, &batch(status, &body), at(2)).unwrap();
            }
        }
        self.in_doubt.retain(|reference| !doubt.contains(reference));
        self.point()
    }

    /// Runs the campaign from what the file holds, until nothing is left to send.
    fn campaign(&mut self, path: &Path) -> Result<(), Killed> {
        let mut outbox = Outbox::open(path).unwrap();
        // What a killed process wrote outlives it so, too, and the test is done in seconds.
        outbox.connection.execute_batch("PRAGMA synchronous = OFF").unwrap();
        for (reference, recipient) in MESSAGES {
            outbox.queue(reference, recipient, at(0)).unwrap();
            self.point()?;
        }
        for claims in 0.. {
            assert!(claims < 100, "it is sent again and again");
            let mut claim = outbox.claim(self.most, at(1)).unwrap();
            if claim.is_none() {
                // The key is fixed by now; the number is not.
                for entry in outbox.messages(State::NeedsFix, at(9)).unwrap() {
                    if entry.reference != "no-number" {
                        outbox.mark_fixed(&entry.reference, at(3)).unwrap();
                    }
                }
                self.point()?;
                claim = outbox.claim(self.most, at(4)).unwrap();
            }
            let Some(claim) = claim else { break };
            self.send(&mut outbox, &claim)?;
        }
        Ok(())
    }

    fn is_in_order(&self, outbox: &Outbox) {
        let at_points = &self.killed_at;
        assert!(self.accepted.values().all(|n| *n == 1), "{at_points:?}: {:?}", self.accepted);
        for (reference, _) in MESSAGES {
            let found = state(outbox, reference);
            let is_right = match reference {
                _ if self.in_doubt.contains(reference) => found == State::NeedsLookup,
                "opted-out" | "opted-out-too" | "masked" => found == State::Suppressed,
                "no-number" => found == State::NeedsFix,
                _ => found == State::Accepted && self.accepted.contains_key(reference),
            };
            assert!(is_right, "{at_points:?}, {}: {reference} is {found:?}", self.most);
        }
        let mut list = suppressed(outbox);
        list.retain(|recipient| !["447700900101", "447700900108"].contains(&recipient.as_str()));
        assert_eq!(list, [""; 0], "without a notice of their own");
    }
}

#[test]
fn killed_at_every_point_it_texts_nobody_twice() {
    let path = file("killed");
    for most in [1, 3, 10] {
        let _ = fs::remove_file(&path);
        let mut unharmed = World { most, ..World::default() };
        unharmed.campaign(&path).unwrap();
        assert!(unharmed.points > 40, "{most}: {}", unharmed.points);
        for first in 1..=unharmed.points {
            for second in (first..=unharmed.points).step_by(13) {
                fs::remove_file(&path).unwrap();
                let mut world = World { most, killed_at: vec![first, second], ..World::default() };
                while world.campaign(&path).is_err() {}
                let mut outbox = Outbox::open(&path).unwrap();
                world.is_in_order(&outbox);
                world.look_up(&mut outbox);
            }
        }
    }
}

impl World {
    /// The message log has what was accepted, and nothing else.
    fn look_up(&self, outbox: &mut Outbox) {
        for reference in self.accepted.keys() {
            let record = update(reference, &format!("log-{reference}"), "SENT");
            assert!(outbox.apply(&record, at(5)).unwrap().is_some());
            assert_eq!(state(outbox, reference), State::Accepted);
        }
        for entry in outbox.messages(State::NeedsLookup, at(9)).unwrap() {
            assert!(!self.accepted.contains_key(&entry.reference), "{entry:?}");
        }
    }
}

#[test]
fn who_was_not_killed_is_in_doubt_for_a_missing_response_alone() {
    for (most, in_doubt) in [(1, 1), (3, 2)] {
        let path = file("unharmed");
        let mut world = World { most, ..World::default() };
        world.campaign(&path).unwrap();
        world.is_in_order(&Outbox::open(&path).unwrap());
        assert_eq!(world.in_doubt.len(), in_doubt, "{:?}", world.in_doubt);
        assert_eq!(world.requests.get("opted-out-too"), None, "it was the same recipient");
    }
}

#[test]
fn a_write_that_fails_midway_changes_nothing() {
    let mut outbox = outbox(&["a", "b"]);
    let midway = "CREATE TEMP TRIGGER full BEFORE UPDATE OF state ON messages
                  WHEN new.reference = 'b' BEGIN SELECT RAISE(FAIL, 'disk full'); END";
    outbox.connection.execute_batch(midway).unwrap();
    outbox.claim(2, at(1)).unwrap_err();
    assert_eq!(states(&outbox, ["a", "b"]), [State::Queued; 2]);
    outbox
        .import_suppressed([recipient(0), recipient(1)].each_ref().map(|r| &**r), at(1))
        .unwrap_err();
    assert_eq!(suppressed(&outbox), [""; 0]);

    outbox.connection.execute_batch("DROP TRIGGER full").unwrap();
    let claim = claim(&mut outbox, 2);
    outbox.connection.execute_batch(midway).unwrap();
    outbox.record_outcome(&claim, &batch(200, r#"{"id":"m-1"}"#), at(2)).unwrap_err();
    outbox.record_not_sent(&claim, at(2)).unwrap_err();
    outbox.apply(&update("b", "r", "OPTED_OUT"), at(2)).unwrap_err();
    outbox.mark_found("b", "m-1", at(2)).unwrap_err();
    outbox.allow_duplicate("b", at(2)).unwrap_err();
    assert_eq!(states(&outbox, ["a", "b"]), [State::NeedsLookup; 2]);
    let entry = outbox.message("b").unwrap();
    assert_eq!((entry.id, entry.may_duplicate), (None, false));
    assert_eq!(outbox.delivery("b").unwrap(), None);
    assert_eq!(suppressed(&outbox), [""; 0]);

    outbox.connection.execute_batch("DROP TRIGGER full").unwrap();
    outbox.record_outcome(&claim, &batch(200, r#"{"id":"m-1"}"#), at(2)).unwrap();
    assert_eq!(states(&outbox, ["a", "b"]), [State::Accepted; 2], "the attempt was still open");
}

#[test]
fn a_single_send_goes_where_retry_says() {
    let named_other = r#"{"message":"Recipient is opted out: 447700900999"}"#;
    for (status, body, expected, id, named_another) in [
        (200, r#"{"id":"m-1"}"#, State::Accepted, Some("m-1"), 0),
        (
            200,
            r#"{"success":true,"record":{"id":"m-1","recipientCount":1}}"#,
            State::Accepted,
            Some("m-1"),
            0,
        ),
        (
            200,
            r#"{"success":true,"record":{"id":"m-1","recipientCount":0}}"#,
            State::NeedsLookup,
            Some("m-1"),
            0,
        ),
        (429, SLOW_DOWN, State::RetryLater, None, 0),
        (429, r#"{"id":"m-1"}"#, State::NeedsLookup, Some("m-1"), 0),
        (403, r#"{"id":"m-1"}"#, State::NeedsLookup, Some("m-1"), 0),
        (400, "", State::NeedsFix, None, 0),
        (413, "", State::NeedsFix, None, 0),
        (503, "", State::NeedsLookup, None, 0),
        (403, NOTICE, State::Suppressed, None, 0),
        (403, named_other, State::Suppressed, None, 1),
    ] {
        let mut outbox = outbox(&["a"]);
        let claim = claim(&mut outbox, 9);
        let outcome = single(status, body);
        outbox.record_outcome(&claim, &outcome, at(2)).unwrap();
        let entry = outbox.message("a").unwrap();
        assert_eq!((entry.state, entry.id.as_deref()), (expected, id), "{status} {body}");
        assert_eq!(outbox.outcome(claim.attempt).unwrap(), Some(outcome));
        let list = suppressed(&outbox);
        assert_eq!(list.is_empty(), expected != State::Suppressed, "{status} {body}");
        assert!(list.iter().all(|one| *one == recipient(0)), "whatever number it names");
        let sql = "SELECT named_another FROM attempts";
        let shown: i64 = outbox.connection.query_row(sql, [], |row| row.get(0)).unwrap();
        assert_eq!(shown, named_another, "{body}");
    }
}

#[test]
fn an_outcome_counts_once_and_for_its_own_attempt() {
    let mut outbox = outbox(&["a", "b"]);
    let never = Claim {
        attempt: 1,
        messages: vec![OutgoingMessage { reference: "a".into(), recipient: recipient(0) }],
    };
    let rejected = single(429, SLOW_DOWN);
    let error = outbox.record_outcome(&never, &rejected, at(1)).unwrap_err();
    assert!(matches!(error, OutboxError::NeverClaimed), "{error:?}");
    let error = outbox.record_not_sent(&never, at(1)).unwrap_err();
    assert!(matches!(error, OutboxError::NeverClaimed), "{error:?}");
    assert_eq!(state(&outbox, "a"), State::Queued);

    let first = claim(&mut outbox, 1);
    assert_eq!(first.messages, never.messages);
    outbox.record_outcome(&first, &rejected, at(2)).unwrap();
    assert_eq!(claim(&mut outbox, 1).messages[0].reference, "b", "it waits behind the others");
    let second = claim(&mut outbox, 1);
    assert_eq!(second.messages, first.messages);
    // The queue hands the first one's outcome on a second time.
    for old in [rejected, accepted("m-0"), single(403, NOTICE), SendOutcome::no_response("reset")] {
        let error = outbox.record_outcome(&first, &old, at(3)).unwrap_err();
        assert!(matches!(error, OutboxError::AttemptNotOpen), "{error:?}");
    }
    let error = outbox.record_not_sent(&first, at(3)).unwrap_err();
    assert!(matches!(error, OutboxError::AttemptNotOpen), "{error:?}");
    assert_eq!(outbox.claim(9, at(3)).unwrap(), None, "a third try would go out");
    assert_eq!(suppressed(&outbox), [""; 0]);
    assert_eq!(outbox.outcome::<Message<'_>>(second.attempt).unwrap(), None);

    outbox.record_outcome(&second, &accepted("m-1"), at(4)).unwrap();
    let error = outbox.record_outcome(&second, &single(429, SLOW_DOWN), at(5)).unwrap_err();
    assert!(matches!(error, OutboxError::AttemptNotOpen), "{error:?}");
    let entry = outbox.message("a").unwrap();
    assert_eq!((entry.state, entry.id.as_deref()), (State::Accepted, Some("m-1")));

    let unknown = Claim { attempt: second.attempt, messages: vec![] };
    let error = outbox.record_not_sent(&unknown, at(5)).unwrap_err();
    assert!(matches!(error, OutboxError::AttemptNotOpen), "{error:?}");
    let error = outbox.mark_fixed("z", at(5)).unwrap_err();
    assert!(matches!(error, OutboxError::UnknownReference), "{error:?}");
}

#[test]
fn a_reference_is_one_message_to_one_number() {
    let mut outbox = outbox(&["a"]);
    for same in ["447700900100", "+44 7700 900100", "00447700900100", "+44-7700-900100"] {
        outbox.queue("a", same, at(1)).unwrap();
    }
    for other in ["447700900101", "07700900100", "4447700900100"] {
        let error = outbox.queue("a", other, at(1)).unwrap_err();
        assert!(matches!(error, OutboxError::OtherRecipient), "{other}: {error:?}");
    }
    let first = claim(&mut outbox, 9);
    assert_eq!(first.messages.len(), 1);
    assert_eq!(first.messages[0].recipient, recipient(0));
    outbox.queue("a", &recipient(0), at(2)).unwrap();
    outbox.record_outcome(&first, &accepted("m-1"), at(2)).unwrap();
    outbox.queue("a", &recipient(0), at(3)).unwrap();
    assert!(!outbox.mark_fixed("a", at(3)).unwrap());
    assert!(!outbox.allow_duplicate("a", at(3)).unwrap());
    assert!(!outbox.mark_found("a", "m-2", at(3)).unwrap());
    assert_eq!(outbox.claim(9, at(3)).unwrap(), None, "a known message is not sent again");
    assert_eq!(outbox.message("a").unwrap().id.as_deref(), Some("m-1"));
}

#[test]
fn what_an_operator_says_is_done() {
    let mut outbox = outbox(&["fixed", "twice", "found"]);
    let [fixed, twice, found] = [1, 1, 1].map(|most| claim(&mut outbox, most));
    outbox.record_outcome(&fixed, &single(401, ""), at(2)).unwrap();
    outbox.record_outcome(&twice, &SendOutcome::no_response("timeout"), at(2)).unwrap();
    assert!(!outbox.allow_duplicate("fixed", at(3)).unwrap());
    assert!(!outbox.mark_fixed("twice", at(3)).unwrap());
    assert_eq!(outbox.claim(9, at(3)).unwrap(), None);
    assert!(outbox.mark_fixed("fixed", at(3)).unwrap());
    assert!(outbox.allow_duplicate("twice", at(3)).unwrap());
    assert!(outbox.mark_found("found", "m-1", at(3)).unwrap());
    assert_eq!(outbox.message("found").unwrap().id.as_deref(), Some("m-1"));
    // Its response comes late: what was found stays.
    outbox.record_outcome(&found, &single(429, SLOW_DOWN), at(4)).unwrap();
    assert_eq!(
        states(&outbox, ["fixed", "twice", "found"]),
        [State::RetryLater, State::RetryLater, State::Accepted]
    );
    // It is found while it waits to be sent a second time.
    assert!(outbox.mark_found("twice", "m-2", at(4)).unwrap());
    assert!(!outbox.mark_found("fixed", "m-3", at(4)).unwrap());
    let fixed = claim(&mut outbox, 9);
    assert_eq!(references(&fixed), ["fixed"]);
    // What is found has an id of its own, whatever id the response had.
    outbox.record_outcome(&fixed, &single(503, r#"{"id":"b-1"}"#), at(5)).unwrap();
    assert!(outbox.mark_found("fixed", "m-4", at(6)).unwrap());
    assert_eq!(outbox.message("fixed").unwrap().id.as_deref(), Some("m-4"));
}

#[test]
fn a_probe_was_certainly_not_sent_before() {
    let mut outbox = outbox(&["twice", "once", "last"]);
    claim(&mut outbox, 1);
    assert_eq!(claim(&mut outbox, 9).messages.len(), 2);
    for reference in ["twice", "once"] {
        assert!(outbox.allow_duplicate(reference, at(2)).unwrap());
    }
    assert_eq!(outbox.claim_probe(at(3)).unwrap(), None);
    outbox.queue("new", &recipient(3), at(3)).unwrap();
    outbox.queue("newer", &recipient(4), at(3)).unwrap();
    let probe = outbox.claim_probe(at(4)).unwrap().unwrap();
    assert_eq!(references(&probe), ["new"]);
    assert_eq!(references(&claim(&mut outbox, 9)), ["twice", "once", "newer"]);
}

#[test]
fn times_tell_what_an_operator_decides_on_after_a_day() {
    let mut outbox = outbox(&["old", "new"]);
    let day = 24 * 60 * 60;
    outbox.claim(1, at(10)).unwrap();
    outbox.claim(1, at(day)).unwrap();
    let until = |second| -> Vec<_> {
        let entries = outbox.messages(State::NeedsLookup, at(second)).unwrap();
        entries
            .into_iter()
            .map(|Entry { reference, changed_at, .. }| (reference, changed_at))
            .collect()
    };
    assert_eq!(until(9), []);
    assert_eq!(until(10), [("old".to_owned(), at(10))]);
    assert_eq!(until(day), [("old".to_owned(), at(10)), ("new".to_owned(), at(day))]);
    let sql =
        "SELECT min(queued_at) / 1000, (SELECT max(claimed_at) / 1000 FROM attempts) FROM messages";
    let times: (i64, i64) =
        outbox.connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    assert_eq!(times, (1_800_000_000, 1_800_086_400));

    // A response that leaves it in doubt does not reset its time.
    let open = Claim {
        attempt: 1,
        messages: vec![OutgoingMessage { reference: "old".into(), recipient: recipient(0) }],
    };
    outbox.record_outcome(&open, &single(503, ""), at(day)).unwrap();
    assert_eq!(outbox.message("old").unwrap().changed_at, at(10));
}

/// A batch of these many was claimed, and this came back: the states, and the claims that follow.
fn batch_of(size: usize, status: u16, body: &str) -> (Outbox, Vec<State>, Vec<usize>) {
    let names: Vec<_> = (0..size).map(|index| format!("r-{index}")).collect();
    let mut outbox = outbox(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let first = claim(&mut outbox, 1000);
    assert_eq!(first.messages.len(), size);
    outbox.record_outcome(&first, &batch(status, body), at(2)).unwrap();
    let found = names.iter().map(|name| state(&outbox, name)).collect();
    let next = std::iter::from_fn(|| outbox.claim(1000, at(3)).unwrap());
    let sizes = next.map(|claim| claim.messages.len()).collect();
    (outbox, found, sizes)
}

#[test]
fn a_batch_is_recorded_together() {
    use State::{Accepted, NeedsFix, NeedsLookup, Queued, RetryLater, Suppressed};
    let names_second = r#"{"message":"Recipient is opted out: +447700900101"}"#;
    let names_second_with_id = r#"{"id":"b-1","message":"Recipient is opted out: 447700900101"}"#;
    let names_none = r#"{"message":"Recipient is opted out"}"#;
    let names_none_with_id = r#"{"id":"b-1","message":"Recipient is opted out"}"#;
    let names_another = r#"{"message":"Recipient is opted out: 447700900999"}"#;
    let echoed = r#"{"id":"b-1","recipients":[{"reference":"r-0"},{"reference":"r-1"},{"reference":"r-2"}]}"#;
    let echoed_less = r#"{"id":"b-1","recipients":[{"reference":"r-0"},{"reference":"r-2"}]}"#;
    let counted = r#"{"success":true,"record":{"id":"b-1","recipientCount":3}}"#;
    let counted_less = r#"{"success":true,"record":{"id":"b-1","recipientCount":2}}"#;
    for (status, body, expected, next) in [
        (200, r#"{"id":"b-1"}"#, [Accepted; 3], vec![]),
        (200, echoed, [Accepted; 3], vec![]),
        (200, counted, [Accepted; 3], vec![]),
        (200, echoed_less, [NeedsLookup; 3], vec![]),
        (200, counted_less, [NeedsLookup; 3], vec![]),
        (403, names_second, [Queued, Suppressed, Queued], vec![2]),
        (403, names_second_with_id, [NeedsLookup, Suppressed, NeedsLookup], vec![]),
        (403, names_none, [Queued; 3], vec![2, 1]),
        (403, NOTICE, [Queued; 3], vec![2, 1]),
        (403, names_another, [Queued; 3], vec![2, 1]),
        (403, names_none_with_id, [NeedsLookup; 3], vec![]),
        (400, r#"{"message":"Invalid mobile number"}"#, [Queued; 3], vec![2, 1]),
        (200, r#"{"success":false,"message":"no"}"#, [Queued; 3], vec![2, 1]),
        (413, "", [Queued; 3], vec![2, 1]),
        (413, r#"{"id":"b-1"}"#, [NeedsLookup; 3], vec![]),
        (401, "", [NeedsFix; 3], vec![]),
        (429, SLOW_DOWN, [RetryLater; 3], vec![3]),
        (503, "", [NeedsLookup; 3], vec![]),
    ] {
        let (outbox, states, sizes) = batch_of(3, status, body);
        assert_eq!(states, expected, "{status} {body}");
        assert_eq!(sizes, next, "{status} {body}");
        let list = if states.contains(&Suppressed) { vec![recipient(1)] } else { vec![] };
        assert_eq!(suppressed(&outbox), list, "{status} {body}");
        if body.contains("b-1") && next.is_empty() {
            assert_eq!(outbox.message("r-0").unwrap().id.as_deref(), Some("b-1"), "{body}");
        }
        let outcome = outbox.outcome::<Batch<'_>>(1).unwrap();
        assert_eq!(outcome, Some(batch(status, body)));
    }
}

#[test]
fn a_batch_is_halved_until_the_one_is_alone() {
    for (bad, end) in [("447700900104", State::NeedsFix), ("447700900105", State::Suppressed)] {
        let names = ["a", "b", "c", "d", "e", "f", "g"];
        let mut outbox = outbox(&names);
        let mut sizes = Vec::new();
        while let Some(claim) = outbox.claim(1000, at(1)).unwrap() {
            sizes.push(claim.messages.len());
            assert!(sizes.len() < 20, "{sizes:?}");
            let is_bad = claim.messages.iter().any(|message| message.recipient == bad);
            let (status, body) = match end {
                _ if !is_bad => (200, r#"{"id":"m-1"}"#),
                State::NeedsFix => (400, r#"{"message":"Invalid mobile number"}"#),
                _ => (403, NOTICE),
            };
            if claim.messages.len() == 1 {
                outbox.record_outcome(&claim, &single(status, body), at(2)).unwrap();
            } else {
                outbox.record_outcome(&claim, &batch(status, body), at(2)).unwrap();
            }
        }
        for (index, name) in names.iter().enumerate() {
            let expected = if recipient(index) == bad { end } else { State::Accepted };
            assert_eq!(state(&outbox, name), expected, "{sizes:?}");
        }
        assert_eq!(sizes, [7, 4, 3, 2, 1, 1, 1], "{bad}");
    }
}

#[test]
fn what_is_rejected_after_acceptance_goes_where_its_status_says() {
    for (status, expected) in [
        ("DELIVERED", State::Accepted),
        ("SENT", State::Accepted),
        ("UNKNOWN", State::Accepted),
        ("UNDELIVERABLE", State::Accepted),
        ("EXPIRED", State::Accepted),
        ("LIMITS_EXCEEDED", State::RetryLater),
        ("FAILED_INSUFFICIENT_CREDIT", State::NeedsFix),
        ("FAILED_ORIGINATOR_REJECTED", State::NeedsFix),
        ("OPTED_OUT", State::Suppressed),
    ] {
        // Before the response comes, after it, and where none came.
        for outcome in [None, Some(accepted("m-1")), Some(SendOutcome::no_response("timeout"))] {
            let mut outbox = outbox(&["a"]);
            let first = claim(&mut outbox, 1);
            let has_come = outcome.is_some();
            if let Some(outcome) = outcome {
                outbox.record_outcome(&first, &outcome, at(2)).unwrap();
            }
            assert!(outbox.apply(&update("a", "m-1", status), at(3)).unwrap().is_some());
            assert_eq!(state(&outbox, "a"), expected, "{status}");
            assert_eq!(outbox.messages(expected, at(9)).unwrap().len(), 1);
            let delivery = outbox.delivery("a").unwrap();
            assert_eq!(delivery, Some(DeliveryStatus::from_name(status)));
            let list = suppressed(&outbox);
            assert_eq!(list.is_empty(), expected != State::Suppressed, "{status}");
            if !has_come {
                outbox.record_outcome(&first, &accepted("m-1"), at(4)).unwrap();
                assert_eq!(state(&outbox, "a"), expected, "{status}: the response knows less");
            }
            // It is repeated, and a late DELIVERED overrides it.
            assert!(outbox.apply(&update("a", "m-1", status), at(5)).unwrap().is_none());
            assert_eq!(state(&outbox, "a"), expected, "{status}");
            let is_new = status != "DELIVERED";
            assert_eq!(
                outbox.apply(&update("a", "m-1", "DELIVERED"), at(6)).unwrap().is_some(),
                is_new
            );
            assert_eq!(state(&outbox, "a"), State::Accepted, "{status}");
            assert_eq!(outbox.claim(1, at(7)).unwrap(), None, "{status}");
            outbox.apply(&update("a", "m-1", "LIMITS_EXCEEDED"), at(8)).unwrap();
            assert_eq!(state(&outbox, "a"), State::Accepted, "{status}");
        }
    }
}

#[test]
fn a_status_moves_claimed_messages_alone() {
    let mut outbox = outbox(&["queued"]);
    for status in ["DELIVERED", "OPTED_OUT", "LIMITS_EXCEEDED"] {
        let error = outbox.apply(&update("queued", "m-1", status), at(1)).unwrap_err();
        assert!(matches!(error, OutboxError::NeverClaimed), "{error:?}");
        let error = outbox.apply(&update("z", "m-1", status), at(1)).unwrap_err();
        assert!(matches!(error, OutboxError::UnknownReference), "{error:?}");
    }
    assert_eq!(state(&outbox, "queued"), State::Queued);
    assert_eq!(outbox.delivery("queued").unwrap(), None);
    assert_eq!(suppressed(&outbox), [""; 0]);
    // A rejected message that a receipt comes for was accepted all the same.
    let first = claim(&mut outbox, 1);
    outbox.record_outcome(&first, &single(429, SLOW_DOWN), at(2)).unwrap();
    assert!(outbox.apply(&update("queued", "m-1", "SENT"), at(3)).unwrap().is_some());
    assert_eq!(outbox.claim(1, at(4)).unwrap(), None);
}

#[test]
fn a_rejection_is_resent_once_and_only_where_its_attempt_is_certain() {
    let limits = |id: &str| update("a", id, "LIMITS_EXCEEDED");
    let mut outbox = outbox(&["a"]);
    let first = claim(&mut outbox, 1);
    outbox.record_outcome(&first, &accepted("m-1"), at(2)).unwrap();
    assert!(outbox.apply(&limits("m-1"), at(3)).unwrap().is_some());
    let second = claim(&mut outbox, 1);
    assert_eq!(outbox.message("a").unwrap().id, None, "it has no response yet");
    // Under another id, as the message log may have it, it may be either's.
    assert!(outbox.apply(&update("a", "log-0", "SENT"), at(4)).unwrap().is_some());
    assert!(
        outbox.apply(&update("a", "log-0", "FAILED_INSUFFICIENT_CREDIT"), at(4)).unwrap().is_some()
    );
    // The first one's receipt comes again, and more of the first one's: the second try goes on.
    assert!(outbox.apply(&limits("m-1"), at(4)).unwrap().is_none());
    assert!(outbox.apply(&update("a", "m-1", "SENT"), at(4)).unwrap().is_none());
    assert_eq!(state(&outbox, "a"), State::NeedsLookup);
    outbox.record_outcome(&second, &accepted("m-2"), at(5)).unwrap();
    assert!(outbox.apply(&limits("log-1"), at(6)).unwrap().is_none());
    assert_eq!(state(&outbox, "a"), State::Accepted);
    assert_eq!(outbox.claim(1, at(6)).unwrap(), None);
    // An operator may resend what has failed so.
    assert!(outbox.allow_duplicate("a", at(7)).unwrap());
    let third = claim(&mut outbox, 1);
    outbox.record_outcome(&third, &accepted("m-3"), at(8)).unwrap();
    outbox.apply(&limits("m-3"), at(9)).unwrap();
    assert_eq!(state(&outbox, "a"), State::Accepted, "another attempt may have arrived");
    // The first one arrived after all.
    outbox.apply(&update("a", "m-1", "DELIVERED"), at(10)).unwrap();
    assert_eq!(outbox.delivery("a").unwrap(), Some(DeliveryStatus::Delivered));
    assert!(!outbox.allow_duplicate("a", at(11)).unwrap());
}

#[test]
fn a_second_rejection_under_its_own_id_is_resent_unless_the_first_arrived() {
    for late in ["SENT", "DELIVERED", "EXPIRED"] {
        let mut outbox = outbox(&["a"]);
        let first = claim(&mut outbox, 1);
        outbox.record_outcome(&first, &accepted("m-1"), at(2)).unwrap();
        outbox.apply(&update("a", "m-1", "LIMITS_EXCEEDED"), at(3)).unwrap();
        let second = claim(&mut outbox, 1);
        outbox.record_outcome(&second, &accepted("m-2"), at(4)).unwrap();
        outbox.apply(&update("a", "m-1", late), at(5)).unwrap();
        let delivered = (late == "DELIVERED").then_some(DeliveryStatus::Delivered);
        assert_eq!(outbox.delivery("a").unwrap(), delivered, "no status came of the second");
        outbox.apply(&update("a", "m-2", "LIMITS_EXCEEDED"), at(6)).unwrap();
        let is_resent = outbox.claim(1, at(7)).unwrap().is_some();
        assert_eq!(is_resent, late == "SENT", "{late}");
    }
}

#[test]
fn what_a_lookup_finds_of_a_resent_message_may_be_the_rejected_attempt() {
    let mut outbox = outbox(&["a"]);
    let first = claim(&mut outbox, 1);
    outbox.record_outcome(&first, &accepted("m-1"), at(2)).unwrap();
    outbox.apply(&update("a", "d-1", "LIMITS_EXCEEDED"), at(3)).unwrap();
    let second = claim(&mut outbox, 1);
    outbox.record_outcome(&second, &SendOutcome::no_response("timeout"), at(4)).unwrap();
    assert!(outbox.mark_found("a", "log-1", at(5)).unwrap());
    outbox.apply(&update("a", "log-1", "LIMITS_EXCEEDED"), at(5)).unwrap();
    assert_eq!(outbox.claim(1, at(6)).unwrap(), None, "the second may have arrived");
}

#[test]
fn what_may_have_arrived_is_not_sent_again_when_a_bad_hour_is_undone() {
    let mut outbox = outbox(&["a"]);
    claim(&mut outbox, 1);
    outbox.apply(&update("a", "m-1", "EXPIRED"), at(2)).unwrap();
    outbox.apply(&update("a", "m-1", "OPTED_OUT"), at(3)).unwrap();
    assert_eq!(state(&outbox, "a"), State::Suppressed);
    outbox.undo_suppressions(at(3), at(4)).unwrap();
    assert_eq!(state(&outbox, "a"), State::Accepted);
}

#[test]
fn a_delivered_of_whatever_attempt_is_believed() {
    let mut outbox = outbox(&["a"]);
    claim(&mut outbox, 1);
    outbox.apply(&update("a", "m-1", "LIMITS_EXCEEDED"), at(2)).unwrap();
    let second = claim(&mut outbox, 1);
    outbox.apply(&update("a", "log-1", "DELIVERED"), at(3)).unwrap();
    assert_eq!(state(&outbox, "a"), State::Accepted);
    outbox.record_outcome(&second, &single(429, SLOW_DOWN), at(4)).unwrap();
    assert_eq!(outbox.claim(1, at(5)).unwrap(), None);
}

#[test]
fn a_status_without_an_id_is_about_the_last_attempt() {
    let mut outbox = outbox(&["a"]);
    claim(&mut outbox, 1);
    outbox.apply(&update("a", "", "LIMITS_EXCEEDED"), at(2)).unwrap();
    let second = claim(&mut outbox, 1);
    assert!(outbox.apply(&update("a", "", "LIMITS_EXCEEDED"), at(3)).unwrap().is_none());
    outbox.record_outcome(&second, &accepted("m-2"), at(4)).unwrap();
    assert_eq!(outbox.delivery("a").unwrap(), None);
    assert!(outbox.apply(&update("a", "", "FAILED_INSUFFICIENT_CREDIT"), at(5)).unwrap().is_some());
    let delivery = DeliveryStatus::Failed(FailureKind::OutOfCredit);
    assert_eq!(outbox.delivery("a").unwrap(), Some(delivery));
    // Or it is about the first, and the second has arrived.
    assert_eq!(state(&outbox, "a"), State::Accepted);
}

#[test]
fn a_message_of_many_parts_is_one_failed_delivery() {
    let mut outbox = outbox(&["a"]);
    claim(&mut outbox, 1);
    let failed = Some(DeliveryStatus::Failed(FailureKind::OutOfCredit));
    for (part, changed) in [(1, failed), (2, None), (3, None)] {
        let no_credit = update("a", "m-1", "FAILED_INSUFFICIENT_CREDIT");
        let no_credit = StatusUpdate { part: Some(part), parts: Some(3), ..no_credit };
        assert_eq!(outbox.apply(&no_credit, at(2)).unwrap(), changed, "part {part}");
    }
    assert_eq!(state(&outbox, "a"), State::NeedsFix);
}

#[test]
fn a_late_status_that_tells_nothing_new_does_not_undo_a_fix() {
    let mut outbox = outbox(&["a"]);
    claim(&mut outbox, 1);
    outbox.apply(&update("a", "m-1", "FAILED_INSUFFICIENT_CREDIT"), at(2)).unwrap();
    assert!(outbox.mark_fixed("a", at(3)).unwrap());
    assert!(outbox.apply(&update("a", "m-1", "ACCEPTED"), at(4)).unwrap().is_none());
    assert_eq!(state(&outbox, "a"), State::RetryLater);
}

#[test]
fn an_opt_out_that_may_be_an_earlier_attempts_leaves_the_message() {
    let mut outbox = outbox(&["a"]);
    claim(&mut outbox, 1);
    outbox.apply(&update("a", "m-1", "LIMITS_EXCEEDED"), at(2)).unwrap();
    let second = claim(&mut outbox, 1);
    outbox.apply(&update("a", "log-1", "OPTED_OUT"), at(3)).unwrap();
    assert_eq!(suppressed(&outbox), [recipient(0)]);
    outbox.record_outcome(&second, &accepted("m-2"), at(4)).unwrap();
    // It was accepted: the end of a bad hour must not send it again.
    assert_eq!(outbox.undo_suppressions(at(3), at(5)).unwrap(), 1);
    assert_eq!(state(&outbox, "a"), State::Accepted);
    assert_eq!(outbox.claim(1, at(6)).unwrap(), None);
}

#[test]
fn the_outcome_of_an_attempt_that_was_given_up_comes_late() {
    for late in [single(429, SLOW_DOWN), single(401, ""), single(403, NOTICE), accepted("m-1")] {
        let mut outbox = outbox(&["a"]);
        let first = claim(&mut outbox, 1);
        assert!(outbox.allow_duplicate("a", at(2)).unwrap());
        let second = claim(&mut outbox, 1);
        let error = outbox.record_outcome(&first, &late, at(3)).unwrap_err();
        assert!(matches!(error, OutboxError::AttemptNotOpen), "{error:?}");
        assert_eq!(state(&outbox, "a"), State::NeedsLookup, "{late:?}");
        assert_eq!(suppressed(&outbox), [""; 0]);
        outbox.record_outcome(&second, &accepted("m-2"), at(4)).unwrap();
        assert_eq!(state(&outbox, "a"), State::Accepted);
    }
}

#[test]
fn two_senders_side_by_side_claim_nothing_twice() {
    let path = file("side-by-side");
    let mut outbox = Outbox::open(&path).unwrap();
    outbox.connection.execute_batch("PRAGMA synchronous = OFF").unwrap();
    for index in 0..30 {
        outbox.queue(&format!("r-{index}"), &recipient(index), at(0)).unwrap();
    }
    let sender = || {
        let mut outbox = Outbox::open(&path).unwrap();
        outbox.connection.execute_batch("PRAGMA synchronous = OFF").unwrap();
        outbox.connection.busy_timeout(Duration::from_secs(60)).unwrap();
        let claims = std::iter::from_fn(|| outbox.claim(3, at(1)).unwrap());
        claims.flat_map(|claim| claim.messages).collect::<Vec<_>>()
    };
    let claimed = thread::scope(|scope| {
        let senders = [scope.spawn(sender), scope.spawn(sender)];
        senders.map(|sender| sender.join().unwrap()).concat()
    });
    let once: BTreeSet<_> = claimed.iter().map(|message| &message.reference).collect();
    assert_eq!((claimed.len(), once.len()), (30, 30));
}

#[test]
fn a_claim_reads_the_queue_under_the_lock() {
    let path = file("locked");
    let mut outbox = Outbox::open(&path).unwrap();
    for (index, reference) in ["a", "b"].iter().enumerate() {
        outbox.queue(reference, &recipient(index), at(0)).unwrap();
    }
    let mut other = Outbox::open(&path).unwrap();
    let locked = outbox.connection.unchecked_transaction().unwrap();
    locked.execute("UPDATE messages SET place = NULL WHERE reference = 'a'", []).unwrap();
    let claimed = thread::scope(|scope| {
        let other = scope.spawn(|| claim(&mut other, 1));
        thread::sleep(Duration::from_millis(200)); // it waits by now, or else it has yet to begin
        locked.commit().unwrap();
        other.join().unwrap()
    });
    assert_eq!(references(&claimed), ["b"]);
}

#[test]
fn parts_are_merged_and_all_must_be_unsent() {
    let part = |part, status: &str| StatusUpdate {
        part: Some(part),
        parts: Some(2),
        ..update("a", &format!("p-{part}"), status)
    };
    let failed = DeliveryStatus::Failed;
    for (updates, expected, delivery) in [
        (vec![part(1, "DELIVERED")], State::Accepted, DeliveryStatus::Unknown),
        (
            vec![part(2, "DELIVERED"), part(1, "DELIVERED")],
            State::Accepted,
            DeliveryStatus::Delivered,
        ),
        (vec![part(1, "LIMITS_EXCEEDED")], State::Accepted, failed(FailureKind::RateLimited)),
        (
            vec![part(1, "LIMITS_EXCEEDED"), part(2, "DELIVERED")],
            State::Accepted,
            failed(FailureKind::RateLimited),
        ),
        (
            vec![part(1, "LIMITS_EXCEEDED"), part(2, "LIMITS_EXCEEDED")],
            State::RetryLater,
            failed(FailureKind::RateLimited),
        ),
        (
            vec![part(1, "LIMITS_EXCEEDED"), part(2, "FAILED_INSUFFICIENT_CREDIT")],
            State::NeedsFix,
            failed(FailureKind::OutOfCredit),
        ),
        (
            vec![part(1, "SENT"), part(1, "DELIVERED"), part(1, "SENT")],
            State::Accepted,
            DeliveryStatus::Unknown,
        ),
        (vec![part(2, "OPTED_OUT")], State::Suppressed, failed(FailureKind::OptedOut)),
        // The log speaks of all parts; a count that contradicts the first changes nothing.
        (
            vec![StatusUpdate { part: None, ..part(1, "DELIVERED") }],
            State::Accepted,
            DeliveryStatus::Delivered,
        ),
        (
            vec![StatusUpdate { part: None, ..part(1, "LIMITS_EXCEEDED") }],
            State::RetryLater,
            failed(FailureKind::RateLimited),
        ),
        (
            vec![part(1, "SENT"), StatusUpdate { parts: Some(1), ..part(1, "DELIVERED") }],
            State::Accepted,
            DeliveryStatus::Unknown,
        ),
        (
            vec![part(1, "DELIVERED"), StatusUpdate { parts: Some(1), ..part(1, "SENT") }],
            State::Accepted,
            DeliveryStatus::Unknown,
        ),
        (
            vec![
                part(1, "SENT"),
                StatusUpdate { parts: Some(3), ..part(2, "DELIVERED") },
                part(1, "DELIVERED"),
            ],
            State::Accepted,
            DeliveryStatus::Delivered,
        ),
        // Told later, the count counts.
        (
            vec![
                StatusUpdate { parts: None, ..part(1, "DELIVERED") },
                StatusUpdate { parts: Some(2), ..part(1, "SENT") },
            ],
            State::Accepted,
            DeliveryStatus::Unknown,
        ),
        (
            vec![StatusUpdate { part: None, parts: None, ..part(1, "DELIVERED") }],
            State::Accepted,
            DeliveryStatus::Delivered,
        ),
        (
            vec![StatusUpdate { part: None, parts: Some(0), ..part(1, "DELIVERED") }],
            State::Accepted,
            DeliveryStatus::Delivered,
        ),
    ] {
        let mut outbox = outbox(&["a"]);
        claim(&mut outbox, 1);
        for update in &updates {
            outbox.apply(update, at(2)).unwrap();
        }
        assert_eq!(state(&outbox, "a"), expected, "{updates:?}");
        assert_eq!(outbox.delivery("a").unwrap(), Some(delivery), "{updates:?}");
    }
}

#[test]
fn an_opt_out_is_not_lost_behind_another_status() {
    let mut outbox = outbox(&["a"]);
    claim(&mut outbox, 1);
    outbox.apply(&update("a", "m-1", "DELIVERED"), at(2)).unwrap();
    outbox.apply(&update("a", "m-1", "OPTED_OUT"), at(3)).unwrap();
    assert_eq!(suppressed(&outbox), [recipient(0)]);
    assert_eq!(state(&outbox, "a"), State::Accepted);
    // A repeated receipt does not suppress who opted in since.
    assert!(outbox.opted_in("+44 7700 900100").unwrap());
    assert!(outbox.apply(&update("a", "m-1", "OPTED_OUT"), at(4)).unwrap().is_none());
    assert_eq!(suppressed(&outbox), [""; 0]);
}

#[test]
fn nothing_is_sent_to_who_is_suppressed_until_they_opt_in() {
    let mut outbox = outbox(&["a", "b", "c"]);
    outbox.queue("a2", "+447700900100", at(0)).unwrap();
    let [a, _b] = [1, 1].map(|most| claim(&mut outbox, most));
    outbox.record_outcome(&a, &single(403, NOTICE), at(2)).unwrap();
    outbox.import_suppressed(["0044 7700 900102", "+447700900101"], at(3)).unwrap();
    outbox.queue("c2", "+44 7700 900102", at(4)).unwrap();
    assert_eq!(outbox.claim(9, at(4)).unwrap(), None);
    let expected = [
        State::Suppressed,
        State::Suppressed,
        State::NeedsLookup,
        State::Suppressed,
        State::Suppressed,
    ];
    assert_eq!(states(&outbox, ["a", "a2", "b", "c", "c2"]), expected);
    let entry = |index, second, reference: Option<&str>| Suppression {
        recipient: recipient(index),
        at: at(second),
        reference: reference.map(str::to_owned),
    };
    let list = [entry(0, 2, Some("a")), entry(1, 3, None), entry(2, 3, None)];
    assert_eq!(outbox.suppressions().unwrap(), list);
    // What is known stays as it is.
    outbox.import_suppressed(["447700900100"], at(5)).unwrap();
    assert_eq!(outbox.suppressions().unwrap(), list);
    // What was in doubt is not sent again, either.
    outbox.allow_duplicate("b", at(5)).unwrap();
    assert_eq!(state(&outbox, "b"), State::Suppressed);

    assert!(outbox.opted_in("00447700900100").unwrap());
    assert!(!outbox.opted_in("447700900100").unwrap());
    assert_eq!(states(&outbox, ["a", "a2"]), [State::Suppressed; 2], "what was, stays");
    outbox.queue("a3", "447700900100", at(6)).unwrap();
    assert_eq!(references(&claim(&mut outbox, 9)), ["a3"]);
}

#[test]
fn a_bad_hour_is_undone() {
    let mut outbox = outbox(&["before", "notice", "receipt", "partly", "imported"]);
    outbox.queue("waiting", &recipient(1), at(0)).unwrap();
    let notice = |outbox: &mut Outbox, second| {
        let claim = claim(outbox, 1);
        outbox.record_outcome(&claim, &single(403, NOTICE), at(second)).unwrap();
    };
    notice(&mut outbox, 9);
    notice(&mut outbox, 10);
    let _in_flight = [1, 1].map(|most| claim(&mut outbox, most));
    outbox.apply(&update("receipt", "m-1", "OPTED_OUT"), at(11)).unwrap();
    let part = |part, status: &str| StatusUpdate {
        part: Some(part),
        parts: Some(2),
        ..update("partly", "m-2", status)
    };
    outbox.apply(&part(1, "DELIVERED"), at(12)).unwrap();
    outbox.apply(&part(2, "OPTED_OUT"), at(12)).unwrap();
    outbox.import_suppressed([&*recipient(4)], at(13)).unwrap();
    let names = ["before", "notice", "waiting", "receipt", "partly", "imported"];
    assert_eq!(states(&outbox, names), [State::Suppressed; 6]);

    assert_eq!(outbox.undo_suppressions(at(10), at(20)).unwrap(), 3);
    assert_eq!(suppressed(&outbox), [recipient(0), recipient(4)]);
    let [before, imported] = [State::Suppressed; 2];
    let [notice, waiting, receipt] = [State::RetryLater; 3];
    // A part of it arrived.
    let partly = State::Accepted;
    assert_eq!(states(&outbox, names), [before, notice, waiting, receipt, partly, imported]);
    assert_eq!(outbox.message("notice").unwrap().changed_at, at(20));
    assert_eq!(outbox.undo_suppressions(at(10), at(21)).unwrap(), 0);
}

#[test]
fn a_restart_does_not_forget_the_circuit_breaker() {
    let path = file("restart");
    let mut circuit_breaker = Outbox::open(&path).unwrap().load_circuit_breaker().unwrap();
    assert_eq!(circuit_breaker, CircuitBreaker::new());
    let mut action = Action::Continue;
    for _ in 0..3 {
        let mut outbox = Outbox::open(&path).unwrap();
        circuit_breaker = outbox.load_circuit_breaker().unwrap();
        action = circuit_breaker.record(&single(401, ""));
        outbox.save_circuit_breaker(&circuit_breaker).unwrap();
    }
    assert_eq!(action, Action::Stop(StopReason::Account));
    assert_eq!(Outbox::open(&path).unwrap().load_circuit_breaker().unwrap(), circuit_breaker);
}

/// How many steps of `SQLite`'s virtual machine a statement takes.
fn vm_steps(outbox: &Outbox, sql: &str, key: impl Params) -> i32 {
    let mut statement = outbox.connection.prepare(sql).unwrap();
    let mut rows = statement.query(key).unwrap();
    while rows.next().unwrap().is_some() {}
    drop(rows);
    statement.get_status(StatementStatus::VmStep)
}

fn plan(outbox: &Outbox, sql: &str, key: impl Params) -> Vec<String> {
    let mut explain = outbox.connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let details = explain.query_map(key, |row| row.get("detail")).unwrap();
    details.collect::<rusqlite::Result<_>>().unwrap()
}

#[test]
fn a_claim_costs_the_same_however_many_are_queued() {
    let mut costs = Vec::new();
    for queued in [100, 100_000] {
        let mut outbox = outbox(&[]);
        let fill = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?1)
             INSERT INTO messages (reference, recipient, state, place, queued_at, changed_at)
             SELECT 'r-' || n, 447700900000 + n % 1000, 'queued', n, 0, 0 FROM n";
        outbox.connection.execute(fill, [queued]).unwrap();
        assert_eq!(
            plan(&outbox, NEXT, [10, 1]),
            ["SEARCH messages USING INDEX by_place (place>?)"]
        );
        let moved = params!["r-1", "retry_later", 0, true];
        assert_eq!(
            plan(&outbox, TRANSITION, moved),
            [
                "SEARCH messages USING INDEX sqlite_autoindex_messages_1 (reference=?)",
                "SCALAR SUBQUERY 1",
                "SEARCH messages USING COVERING INDEX by_place (place>?)",
            ]
        );
        let before = outbox.connection.total_changes();
        assert_eq!(claim(&mut outbox, 10).messages.len(), 10);
        let written = outbox.connection.total_changes() - before;
        let steps = [
            vm_steps(&outbox, NEXT, [10, 1]),
            vm_steps(&outbox, TRANSITION, params!["r-50", "needs_lookup", 0, false]),
            vm_steps(&outbox, TRANSITION, params!["r-51", "retry_later", 0, true]),
        ];
        assert!(steps.iter().all(|steps| *steps > 0));
        costs.push((steps, written));
    }
    assert_eq!(costs[0], costs[1]);
    // Ten messages, twice each, and the attempt.
    assert_eq!(costs[0].1, 21);
}
