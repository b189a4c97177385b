//! The example as a program: arguments, exit codes, and the width of its output.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::{
    env,
    process::{Command, Output, Stdio},
};

fn decode() -> Command {
    // Cargo builds the examples beside the tests.
    let tests = env::current_exe().unwrap();
    Command::new(tests.ancestors().nth(2).unwrap().join("examples/decode"))
}

fn output(arguments: &[&str]) -> Output {
    decode().args(arguments).output().unwrap()
}

#[test]
fn a_response_of_your_own() {
    let body = r#"{"message":"Recipient is opted out: 447700900123"}"#;
    for (arguments, expected) in [
        (&["403", body][..], ["opted_out", "suppress this recipient"]),
        (&["--batch", "403", body], ["batch_opted_out", "fix the request or the account first"]),
        (&["200", r#"{"id":"m-1"}"#], ["m-1", "store the id"]),
        (&["0", ""], ["no_response", "look it up"]),
    ] {
        let output = output(arguments);
        let shown = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && expected.iter().all(|it| shown.contains(it)), "{shown}");
    }
}

#[test]
fn unknown_arguments_get_the_usage() {
    for arguments in [
        &["403"][..],
        &["70000", "{}"],
        &["x", "{}"],
        &["-1", "{}"],
        &["403", "{}", "more"],
        &["--batch"],
    ] {
        let output = output(arguments);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{arguments:?}");
        assert!(String::from_utf8(output.stderr).unwrap().contains("\nusage: decode"));
    }
}

#[test]
fn the_output_fits() {
    let rows = |arguments: &[&str], most: usize| {
        let shown = String::from_utf8(output(arguments).stdout).unwrap();
        assert!(shown.lines().count() <= most && shown.lines().all(|it| it.chars().count() <= 100));
    };
    rows(&[], 45);
    rows(&["--all"], usize::MAX);
}

#[test]
fn a_closed_pipe_is_no_error() {
    let mut child =
        decode().arg("--all").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
}
