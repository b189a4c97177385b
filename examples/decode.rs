//! Decodes responses: the known ones, one from the command line, or a log of them.

#[path = "../tests/support/corpus.rs"]
mod corpus;

use std::{
    env,
    error::Error,
    ffi::OsString,
    io::{self, BufRead, IsTerminal, Read, Write},
    process::ExitCode,
};

use mobivate_response::{BatchOutcome, Retry, Scope, SendOutcome};
use serde::{Deserialize, Serialize};

const USAGE: &str = "\
usage: decode                   show the documented and observed responses, each with its outcome
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
        (Kind::Single, []) => show(&mut out, |name| !name.starts_with("inferred"), YOUR_OWN),
        (Kind::Single, ["--all"]) => show(&mut out, |_| true, ""),
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

/// Responses by their names: status and beginning, then the outcome and what to do next.
fn show(out: &mut impl Write, shown: fn(&str) -> bool, end: &str) -> Done {
    let in_colour =
        io::stdout().is_terminal() && env::var_os("NO_COLOR").is_none_or(|no| no.is_empty());
    for (_, status, body) in corpus::RESPONSES.iter().filter(|(name, ..)| shown(name)) {
        let outcome = SendOutcome::decode(*status, body);
        let (colour, plain) = match (in_colour, outcome.is_success()) {
            (false, _) => ("", ""),
            (true, true) => ("\x1b[32m", "\x1b[0m"),
            (true, false) => ("\x1b[31m", "\x1b[0m"),
        };
        writeln!(out, "{status:03}  {}", shortened(&String::from_utf8_lossy(body), 95))?;
        let (words, next) = told(&outcome);
        writeln!(
            out,
            "     {colour}{words}{plain}: {}",
            shortened(&next, 93 - words.chars().count())
        )?;
    }
    if !end.is_empty() {
        writeln!(out, "{end}")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The outcome in words, and what to do next.
fn told(outcome: &SendOutcome<'_>) -> (String, String) {
    let failure = match outcome {
        SendOutcome::Success(message) => {
            return ("accepted".into(), format!("store the id {}", message.id));
        }
        SendOutcome::Failure(failure) => failure,
    };
    let message = match failure.kind.retry() {
        Retry::Later | Retry::AfterFix if failure.id.is_some() => "look it up first",
        Retry::Later => "send it again after a wait",
        Retry::AfterFix => "send it again once a person has mended the cause",
        Retry::MayDuplicate => "look it up before sending it again",
        Retry::Never => "suppress the recipient",
    };
    let campaign = match failure.kind.scope() {
        Scope::Recipient | Scope::Request => "go on with the next",
        Scope::Account => "the next will fare alike",
        Scope::Service => "the provider fails",
    };
    (failure.kind.to_string(), format!("{message}; {campaign}"))
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

/// A log of responses: a line in, a line out.
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
