//! Every response file has a reviewed outcome.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

#[path = "support/corpus.rs"]
mod corpus;
mod support;

use std::{collections::BTreeSet, fmt::Write as _, fs};

use corpus::RESPONSES;
use mobivate_response::{Batch, BatchOutcome, SendOutcome};
use support::assert_invariants;

#[test]
fn every_response_has_its_outcome() {
    for (name, status, body) in RESPONSES.iter() {
        insta::with_settings!({
            omit_expression => true,
            snapshot_suffix => format!("{}.http", name.replace('/', "__")),
        }, {
            insta::assert_snapshot!("every_response_has_its_outcome", describe(*status, body));
        });
    }
}

/// The response, then its outcome.
fn describe(status: u16, body: &[u8]) -> String {
    let shown = String::from_utf8_lossy(body);
    let mut text = format!("{status} ({} bytes)\n", body.len());
    for c in shown.chars().take(1200) {
        match c {
            '\n' => text.push(c),
            c if c.is_control() => write!(text, "{}", c.escape_default()).unwrap(),
            c => text.push(c),
        }
    }
    let outcome = SendOutcome::decode(status, body);
    write!(text, "\n\n=> {}\n", serde_json::to_string_pretty(&outcome).unwrap()).unwrap();
    let batch = BatchOutcome::decode(status, body);
    if let (Some(batch_read), Some(message)) = (batch.success(), outcome.success()) {
        // Shown where it says more than the message does.
        let mut same = Batch::new(message.id.clone());
        same.route_id.clone_from(&message.route_id);
        same.scheduled.clone_from(&message.scheduled);
        same.recipient_count = message.recipient_count;
        if *batch_read != same {
            let form = serde_json::to_string_pretty(&batch).unwrap();
            writeln!(text, "as a batch => {form}").unwrap();
        }
    }
    if let Some(failure) = batch.failure().filter(|failure| failure.kind.as_str().contains("batch"))
    {
        writeln!(text, "as a batch => {failure}").unwrap();
    }
    if let Some(failure) = outcome.failure() {
        let (retry, scope) = (failure.retry().as_str(), failure.scope().as_str());
        write!(text, "{failure}\nretry: {retry}, scope: {scope}").unwrap();
        if let Some(number) = failure.opted_out_number() {
            let masked = if number.is_masked() { ", masked" } else { "" };
            write!(text, ", number: {}{masked}", number.as_str()).unwrap();
        }
    }
    text
}

#[test]
fn every_response_keeps_the_invariants() {
    for (_, status, body) in RESPONSES.iter() {
        assert_invariants(*status, body);
    }
}

#[test]
fn names_say_the_status() {
    for (name, status, _) in RESPONSES.iter() {
        let (_, name) = name.split_once('/').unwrap();
        assert!(name.starts_with(&format!("{status:03}-")), "{name} is {status}");
    }
}

#[test]
fn no_snapshot_is_orphaned() {
    let snapshot = |name: &str| {
        format!("responses__every_response_has_its_outcome@{}.http.snap", name.replace('/', "__"))
    };
    let of_responses: BTreeSet<_> = RESPONSES.iter().map(|(name, ..)| snapshot(name)).collect();
    for file in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let pending = name.trim_end_matches(".new");
        assert!(of_responses.contains(pending), "{name} is of no response");
    }
}
