//! Every reply of the corpus has a reviewed verdict.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

#[path = "support/corpus.rs"]
mod corpus;
mod support;

use std::{collections::BTreeSet, fmt::Write as _, fs, path::Path};

use corpus::{REPLIES, parse};
use mobivate_response::{Batch, BatchOutcome, SendOutcome};
use support::assert_laws;

#[test]
#[cfg_attr(miri, ignore = "reads files")]
fn every_reply_has_its_outcome() {
    insta::glob!("replies/*/*.http", |path| {
        let file = fs::read(path).unwrap();
        let (status, body) = parse(&file).unwrap();
        insta::with_settings!({ omit_expression => true }, {
            insta::assert_snapshot!(describe(status, body));
        });
    });
}

/// The reply, then its outcome.
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
        if *batch_read != same {
            let form = serde_json::to_string_pretty(&batch).unwrap();
            writeln!(text, "as a batch => {form}").unwrap();
        }
    }
    if let Some(failure) = outcome.failure() {
        let kind = failure.kind;
        let (retry, scope) = (kind.retry().as_str(), kind.scope().as_str());
        write!(text, "{failure}\nretry: {retry}, scope: {scope}").unwrap();
        if let Some(number) = failure.opted_out_number() {
            let masked = if number.is_masked() { ", masked" } else { "" };
            write!(text, ", number: {}{masked}", number.as_str()).unwrap();
        }
    }
    text
}

#[test]
fn every_reply_keeps_the_laws() {
    for (_, file) in REPLIES.iter().step_by(if cfg!(miri) { 64 } else { 1 }) {
        let (status, body) = parse(file).unwrap();
        assert_laws(status, body);
    }
}

#[test]
fn names_say_the_status() {
    for (name, file) in REPLIES {
        let (status, _) = parse(file).unwrap();
        let (_, name) = name.split_once('/').unwrap();
        assert!(name.starts_with(&format!("{status:03}-")), "{name} answers {status}");
    }
}

#[test]
#[cfg_attr(miri, ignore = "reads files")]
fn every_file_is_listed_and_no_snapshot_is_orphaned() {
    let listed: BTreeSet<_> = REPLIES.iter().map(|(name, _)| (*name).to_owned()).collect();
    let odd = |there: &BTreeSet<_>| listed.symmetric_difference(there).cloned().collect::<Vec<_>>();
    let none: [String; 0] = [];
    assert_eq!(odd(&files("replies", ".http")), none, "tests/support/corpus.rs lists other files");
    let reply = |name: &String| Some(name.split_once('@')?.1.replace("__", "/"));
    let reviewed = files("snapshots", ".http.snap").iter().filter_map(reply).collect();
    assert_eq!(odd(&reviewed), none, "tests/snapshots are of other replies");
}

/// The files under a folder of `tests`, as `folder/name` without their ending.
fn files(folder: &str, ending: &str) -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let mut names = BTreeSet::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap();
                names.insert(name.strip_suffix(ending).unwrap_or(name).replace('\\', "/"));
            }
        }
    }
    names
}
