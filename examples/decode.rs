//! Decodes replies: every known one, one from the command line, or a log of them.

#[path = "../tests/support/corpus.rs"]
mod corpus;

use std::{
    env,
    error::Error,
    ffi::OsString,
    io::{self, BufRead, Read, Write},
    process::ExitCode,
};

use mobivate_response::{BatchOutcome, OptedOutNumber, SendOutcome};
use serde::{Deserialize, Serialize};

const USAGE: &str = "\
usage: decode                   show every known reply with its outcome
       decode -- STATUS BODY    decode one reply; a BODY of - is read from standard input
       decode -- --jsonl        decode a log: a line of {\"status\":…,\"body\":\"…\"} for each reply
       decode -- --batch …      the same two, for replies to a batch";

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
        (Kind::Single, []) => table(&mut out),
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

/// Every known reply, one a line.
fn table(out: &mut impl Write) -> Done {
    let heads = ["reply", "outcome", "kind", "code", "retry", "scope", "id or number", "detail"];
    let mut rows = vec![heads.map(String::from)];
    for (name, status, body) in corpus::REPLIES.iter() {
        rows.push(row(name, &SendOutcome::decode(*status, body)));
    }
    let mut widths = [0; 8];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    for row in rows {
        let line: Vec<_> =
            row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        writeln!(out, "{}", line.join("  ").trim_end())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn row(name: &str, outcome: &SendOutcome<'_>) -> [String; 8] {
    let name = name.to_owned();
    match outcome {
        SendOutcome::Success(message) => {
            let blank = String::new;
            let id = shortened(&message.id);
            [name, "success".into(), blank(), blank(), blank(), blank(), id, blank()]
        }
        SendOutcome::Failure(failure) => {
            let kind = failure.kind;
            let number = failure.opted_out_number().map(OptedOutNumber::as_str);
            let handle = number.or(failure.id.as_deref()).unwrap_or_default();
            [
                name,
                "failure".into(),
                kind.as_str().into(),
                failure.code.to_string(),
                kind.retry().as_str().into(),
                kind.scope().as_str().into(),
                shortened(handle),
                shortened(&failure.detail),
            ]
        }
    }
}

/// At most 60 characters, on one line.
fn shortened(text: &str) -> String {
    let mut chars = text.chars();
    let head: String =
        chars.by_ref().take(60).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if chars.next().is_some() { head + "…" } else { head }
}

/// One reply from the command line.
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

/// A log of replies: a line in, a line out.
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
