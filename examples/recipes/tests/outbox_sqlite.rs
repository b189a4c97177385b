//! The outbox in a database: killed at every point, and nobody is texted twice.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use mobivate_response::SendOutcome;
use recipes::outbox_sqlite::{Outbox, State, Text};

/// A file for the outbox of one test, with nothing in it.
fn file(test: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}.sqlite"));
    let _ = fs::remove_file(&path);
    path
}

const TEXTS: [(&str, &str); 8] = [
    ("accepted", "447700900100"),
    ("opted-out", "447700900101"),
    ("too-fast", "447700900102"),
    ("no-answer", "447700900103"),
    ("no-number", "44770090"),
    ("never-left", "447700900105"),
    ("bad-key", "447700900106"),
    ("opted-out-too", "+44 7700 900101"),
];

/// What there is outside of the outbox, which no crash of the sender undoes.
#[derive(Default)]
struct World {
    /// How often each text reached the provider, by its reference.
    requests: BTreeMap<String, usize>,
    /// How often each was accepted.
    accepted: BTreeMap<String, usize>,
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

    /// Sends a text; `None` if it not sent.
    fn send(&mut self, text: &Text) -> Option<SendOutcome<'static>> {
        let requests = self.requests.entry(text.reference.clone()).or_default();
        *requests += 1;
        assert!(*requests < 10, "{text:?} is sent again and again");
        let (status, body) = match (text.reference.as_str(), *requests) {
            ("never-left", 1) => return None,
            ("too-fast", 1) => (429, r#"{"code":429,"message":"Slow down"}"#),
            ("bad-key", 1) => (401, r#"{"code":401,"message":"Unauthorized"}"#),
            ("no-number", _) => (400, r#"{"code":400,"message":"Invalid mobile number"}"#),
            ("opted-out" | "opted-out-too", _) => {
                (403, r#"{"code":403,"message":"Recipient is opted out: 447700900101"}"#)
            }
            (reference, _) => {
                *self.accepted.entry(reference.to_owned()).or_default() += 1;
                if reference == "no-answer" {
                    return Some(SendOutcome::no_response("time limit"));
                }
                (200, r#"{"id":"m-1"}"#)
            }
        };
        Some(SendOutcome::decode(status, body.as_bytes()).into_owned())
    }

    /// Runs the campaign from what the file holds, until nothing is left to send.
    fn campaign(&mut self, path: &Path) -> Result<(), Killed> {
        let mut outbox = Outbox::open(path).unwrap();
        // What a killed process wrote outlives it so, too, and the test is done in seconds.
        outbox.connection.execute_batch("PRAGMA synchronous = OFF").unwrap();
        for (reference, recipient) in TEXTS {
            outbox.add(reference, recipient).unwrap();
            self.point()?;
        }
        loop {
            let mut text = outbox.take().unwrap();
            if text.is_none() {
                outbox.mended("bad-key").unwrap(); // the key is mended by now
                self.point()?;
                text = outbox.take().unwrap();
            }
            let Some(text) = text else { return Ok(()) };
            self.point()?;
            let outcome = self.send(&text);
            self.point()?;
            match outcome {
                Some(outcome) => outbox.settle(&text, &outcome).map(drop).unwrap(),
                None => outbox.not_sent(&text).unwrap(),
            }
            self.point()?;
        }
    }
}

#[test]
fn killed_at_every_point_it_texts_nobody_twice() {
    let path = file("killed");
    let mut unharmed = World::default();
    unharmed.campaign(&path).unwrap();
    assert_eq!(unharmed.points, 40);
    for first in 1..=unharmed.points {
        for second in (first..=unharmed.points).step_by(3) {
            fs::remove_file(&path).unwrap();
            let mut world = World { killed_at: vec![first, second], ..World::default() };
            while world.campaign(&path).is_err() {}
            world.is_in_order(&Outbox::open(&path).unwrap());
        }
    }
}

impl World {
    fn is_in_order(&self, outbox: &Outbox) {
        let at = &self.killed_at;
        assert!(self.accepted.values().all(|times| *times == 1), "{at:?}: {:?}", self.accepted);
        let in_books = State::ALL.map(|state| (state, outbox.texts(state).unwrap()));
        assert_eq!(in_books.iter().map(|(_, texts)| texts.len()).sum::<usize>(), TEXTS.len());
        for (state, texts) in in_books {
            for Text { reference, .. } in texts {
                let last = outbox.outcome(&reference).unwrap();
                // In doubt only what was killed on the way, or got no answer.
                let right = match reference.as_str() {
                    _ if state == State::NeedsLookup && last.is_none() => !at.is_empty(),
                    "no-answer" => state == State::NeedsLookup,
                    "opted-out" | "opted-out-too" => state == State::Suppressed,
                    "no-number" => state == State::NeedsFix,
                    // Its first outcome stands, and it was killed when it was sent again.
                    "too-fast" | "bad-key" if state == State::NeedsLookup => !at.is_empty(),
                    _ => state == State::Accepted && last.unwrap().is_success(),
                };
                assert!(right, "{at:?}: {reference} in {state:?}");
            }
        }
    }
}

#[test]
fn nobody_is_in_doubt_who_was_not_killed() {
    let path = file("unharmed");
    let mut world = World::default();
    world.campaign(&path).unwrap();
    let mut outbox = Outbox::open(&path).unwrap();
    world.is_in_order(&outbox);
    assert_eq!(world.requests.get("opted-out-too"), None, "it was the same recipient");
    assert_eq!(world.requests["never-left"], 2);

    outbox.mended("no-answer").unwrap();
    assert_eq!(outbox.take().unwrap(), None, "it was not refused");
    outbox.found("no-answer", "m-2").unwrap();
    assert_eq!(outbox.texts(State::NeedsLookup).unwrap(), []);
    let found = outbox.outcome("no-answer").unwrap().unwrap();
    assert_eq!(found.success().unwrap().id, "m-2");
    outbox.add("accepted", "447700900100").unwrap();
    outbox.mended("accepted").unwrap();
    outbox.allow_duplicate("accepted").unwrap();
    assert_eq!(outbox.take().unwrap(), None, "a known text is not sent anew");
}

#[test]
fn a_write_that_fails_midway_changes_nothing() {
    let mut outbox = Outbox::open(file("midway")).unwrap();
    outbox.add("r", "447700900101").unwrap();
    let text = outbox.take().unwrap().unwrap();
    let full = "CREATE TEMP TRIGGER full BEFORE UPDATE OF state ON intents
                BEGIN SELECT RAISE(FAIL, 'disk full'); END";
    outbox.connection.execute_batch(full).unwrap();
    let outcome = SendOutcome::decode(200, br#"{"id":"m-1"}"#);
    outbox.settle(&text, &outcome).unwrap_err();
    outbox.found("r", "m-1").unwrap_err();
    assert_eq!(outbox.texts(State::NeedsLookup).unwrap(), [text]);
    assert_eq!(outbox.outcome("r").unwrap(), None);
}

#[test]
fn a_refusal_with_an_id_is_looked_up_and_another_number_shown_to_a_person() {
    let mut outbox = Outbox::open(file("odd")).unwrap();
    for (status, body, state, another) in [
        (429, r#"{"id":"m-1"}"#, State::NeedsLookup, false),
        (403, r#"{"id":"m-1"}"#, State::NeedsLookup, false),
        (403, r#"{"message":"Recipient is opted out: 447700900999"}"#, State::Suppressed, true),
        (403, r#"{"message":"Recipient is opted out: 44XXXXXXXX"}"#, State::Suppressed, false),
    ] {
        let recipient = format!("4477009001{}", if another { "01" } else { "02" });
        outbox.add(body, &recipient).unwrap();
        let text = Text { reference: body.into(), recipient };
        let outcome = SendOutcome::decode(status, body.as_bytes());
        assert_eq!(outbox.settle(&text, &outcome).unwrap(), state);
        let sql = "SELECT named_another FROM outcomes WHERE reference = ?1";
        let shown: bool = outbox.connection.query_row(sql, [body], |row| row.get(0)).unwrap();
        assert_eq!(shown, another, "{body}");
        assert_eq!(outbox.outcome(body).unwrap(), Some(outcome));
    }
}
