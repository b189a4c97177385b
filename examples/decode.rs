//! Decodes responses: one of each kind, all that the tests know, one from the command line, or a log of them.

#[path = "../tests/support/corpus.rs"]
mod corpus;

use std::{
    env,
    error::Error,
    ffi::OsString,
    io::{self, BufRead, IsTerminal, Read, Write},
    process::ExitCode,
};

use mobivate_response::{
    BatchOutcome, CircuitBreaker, Failure, FailureKind, Outcome, Retry, SendOutcome,
};
use serde::{Deserialize, Serialize};

const USAGE: &str = "\
usage: decode                   show one response of each kind, with its outcome and what to do next
       decode -- --all          show every response in tests/responses
       decode -- STATUS BODY    decode one response; a BODY of - is read from standard input
       decode -- --jsonl        decode a log: a line of {\"status\":…,\"body\":\"…\"} for each response
       decode -- --batch …      the same two, for responses to a batch";

const YOUR_OWN: &str = r#"
Try one of your own, or see all that the tests know:
  cargo run --example decode -- 403 '{"message":"Recipient is opted out: 447700900123"}'
  cargo run --example decode -- --all"#;

fn main() -> ExitCode {
    let arguments: Result<Vec<String>, _> =
        env::args_os().skip(1).map(OsString::into_string).collect();
    let Ok(arguments) = arguments else { return usage("an argument is not UTF-8") };
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut out = io::stdout().lock();
    let (kind, rest) = match arguments[..] {
        ["--batch", ref rest @ ..] => (Kind::Batch, rest),
        ref rest => (Kind::Single, rest),
    };
    let done = match (kind, rest) {
        (Kind::Single, []) => show_kinds(&mut out),
        (Kind::Single, ["--all"]) => show_all(&mut out),
        (_, ["--jsonl"]) => replay(kind, io::stdin().lock(), &mut out),
        (_, [status, body]) if !status.starts_with('-') => match status.parse() {
            Ok(status) => one(kind, status, body, &mut out),
            Err(error) => return usage(&format!("status {status:?}: {error}")),
        },
        _ => return usage("unknown arguments"),
    };
    match done.and_then(|code| out.flush().map(|()| code).map_err(Into::into)) {
        Ok(code) => code,
        Err(error) if is_closed_pipe(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("decode: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What was sent.
#[derive(Clone, Copy)]
enum Kind {
    Single,
    Batch,
}

impl Kind {
    /// Returns what a response file is a response to: its name tells.
    fn of(name: &str) -> Self {
        if name.contains("-batch") { Self::Batch } else { Self::Single }
    }

    fn decode(self, status: u16, body: &[u8], pretty: bool) -> serde_json::Result<String> {
        match self {
            Self::Single => json(&SendOutcome::decode(status, body), pretty),
            Self::Batch => json(&BatchOutcome::decode(status, body), pretty),
        }
    }
}

fn json(outcome: &impl Serialize, pretty: bool) -> serde_json::Result<String> {
    if pretty { serde_json::to_string_pretty(outcome) } else { serde_json::to_string(outcome) }
}

type Done = Result<ExitCode, Box<dyn Error>>;

fn usage(wrong: &str) -> ExitCode {
    eprintln!("decode: {wrong}\n{USAGE}");
    ExitCode::from(2)
}

fn is_closed_pipe(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// One response of each kind, with the best evidence; for `NoResponse`, a timeout.
fn show_kinds(out: &mut impl Write) -> Done {
    let evidence = ["documented", "observed", "inferred"];
    let by_evidence = evidence.iter().flat_map(|evidence| {
        corpus::RESPONSES.iter().filter(move |(name, ..)| name.starts_with(evidence))
    });
    let by_evidence: Vec<_> = by_evidence.collect();
    let kinds = FailureKind::ALL.iter().map(|kind| Some(*kind));
    for kind in [None].into_iter().chain(kinds) {
        let is_one = |name: &str, status, body: &[u8]| match Kind::of(name) {
            Kind::Single => SendOutcome::decode(status, body).failure().map(|it| it.kind) == kind,
            Kind::Batch => BatchOutcome::decode(status, body).failure().map(|it| it.kind) == kind,
        };
        let one = by_evidence.iter().find(|(name, status, body)| is_one(name, *status, body));
        match one {
            Some((name, status, body)) => show(out, Kind::of(name), *status, body)?,
            None if kind == Some(FailureKind::NoResponse) => {
                let timeout = "operation timed out";
                show_outcome(out, "none", timeout, &SendOutcome::no_response(timeout))?;
            }
            // The response to a send never says `Undelivered`: that is known only later.
            None => {}
        }
    }
    writeln!(out, "{YOUR_OWN}")?;
    Ok(ExitCode::SUCCESS)
}

fn show_all(out: &mut impl Write) -> Done {
    for (name, status, body) in corpus::RESPONSES.iter() {
        show(out, Kind::of(name), *status, body)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn show(out: &mut impl Write, kind: Kind, status: u16, body: &[u8]) -> io::Result<()> {
    let (code, text) = (format!("{status:03}"), String::from_utf8_lossy(body));
    match kind {
        Kind::Single => show_outcome(out, &code, &text, &SendOutcome::decode(status, body)),
        Kind::Batch => show_outcome(out, &code, &text, &BatchOutcome::decode(status, body)),
    }
}

/// Status and beginning of a response, then the outcome, and what to do next.
fn show_outcome<T>(
    out: &mut impl Write,
    status: &str,
    body: &str,
    outcome: &Outcome<'_, T>,
) -> io::Result<()> {
    let in_color =
        io::stdout().is_terminal() && env::var_os("NO_COLOR").is_none_or(|no| no.is_empty());
    let (color, plain) = match (in_color, outcome.is_success()) {
        (false, _) => ("", ""),
        (true, true) => ("\x1b[32m", "\x1b[0m"),
        (true, false) => ("\x1b[31m", "\x1b[0m"),
    };
    writeln!(out, "{status:<4} {}", shortened(body, 95))?;
    let (words, advice) = match outcome {
        Outcome::Success(_) => ("accepted".into(), "store the id"),
        Outcome::Failure(failure) => (failure.kind.to_string(), advice(failure)),
    };
    let action = CircuitBreaker::new().record(outcome);
    writeln!(out, "     {color}{words}{plain}: {advice}; circuit breaker: {action}")
}

fn advice(failure: &Failure<'_>) -> &'static str {
    match failure.retry() {
        Retry::Later => "send it again after a wait",
        Retry::AfterFix if failure.kind == FailureKind::BatchOptedOut => {
            "suppress whom it names, and send to the others"
        }
        Retry::AfterFix => "send it again once an operator has fixed the cause",
        Retry::MayDuplicate => "look it up before sending it again",
        Retry::Never => "suppress the recipient",
    }
}

/// At most so many characters, on one line.
fn shortened(text: &str, width: usize) -> String {
    let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut chars = text.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c });
    let head: String = chars.by_ref().take(width - 1).collect();
    let rest: String = chars.collect();
    head + if rest.chars().count() > 1 { "…" } else { &rest }
}

/// One response from the command line.
fn one(kind: Kind, status: u16, body: &str, out: &mut impl Write) -> Done {
    let mut bytes = body.as_bytes().to_vec();
    if body == "-" {
        bytes.clear();
        io::stdin().read_to_end(&mut bytes)?;
    }
    writeln!(out, "{}", kind.decode(status, &bytes, true)?)?;
    Ok(ExitCode::SUCCESS)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Logged {
    status: u16,
    body: String,
}

/// Decodes a log of responses: a line in, a line out.
fn replay(kind: Kind, mut log: impl BufRead, out: &mut impl Write) -> Done {
    let mut code = ExitCode::SUCCESS;
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        if log.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        match serde_json::from_slice::<Logged>(&line) {
            Ok(Logged { status, body }) => {
                writeln!(out, "{}", kind.decode(status, body.as_bytes(), false)?)?;
                out.flush()?;
            }
            Err(error) => {
                eprintln!("decode: line {number}: {error}");
                code = ExitCode::FAILURE;
            }
        }
    }
    Ok(code)
}
