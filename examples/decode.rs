//! Shows one response of each kind with its outcome, or decodes a response of your own.

#[path = "../tests/support/corpus.rs"]
mod corpus;

use std::io::{self, Write};
use std::{borrow::Cow, env, error::Error, process::ExitCode};

use mobivate_response::{
    Action, BatchOutcome, CircuitBreaker, Failure, FailureKind, Retry, SendOutcome,
};

const USAGE: &str = "\
usage: decode                            show one response of each kind, by what to do next
       decode -- --all                   show every response that the tests cover
       decode -- [--batch] STATUS BODY   decode a response of your own";

const YOUR_OWN: &str = r#"Decode a response of your own, or show every response that the tests cover:
  cargo run --example decode -- 403 '{"message":"Recipient is opted out"}'
  cargo run --example decode -- --all"#;

/// What to do next.
const ADVICE: [(Option<Retry>, &str); 5] = [
    (None, "ACCEPTED    store the id (accepted is not delivered)"),
    (Some(Retry::Later), "NOT SENT    wait, then send it again"),
    (Some(Retry::AfterFix), "NOT SENT    fix the request or the account first"),
    (Some(Retry::MayDuplicate), "MAYBE SENT  look it up before you send it again"),
    (Some(Retry::Never), "NOT SENT    suppress this recipient"),
];

/// One response of each kind, Mobivate's own samples among them.
const SAMPLES: &str = "documented/200-single-pretty inferred/429-slow-down \
    documented/400-invalid-format documented/401-unauthorized inferred/402-out-of-credit \
    observed/403-permission-read documented/404-not-found inferred/403-batch-one-opted-out \
    inferred/502-html-page inferred/200-vortex-truncated documented/403-opted-out-masked";

/// The HTTP status, and the id of what was accepted or the failure.
type Row = (u16, Result<String, Failure<'static>>);

type Done = Result<(), Box<dyn Error>>;

fn main() -> ExitCode {
    // Invalid UTF-8 becomes U+FFFD, as in a body.
    let arguments = env::args_os().skip(1).map(|it| it.to_string_lossy().into_owned());
    let arguments: Vec<String> = arguments.collect();
    let out = &mut io::stdout().lock();
    let done = match &*arguments.iter().map(String::as_str).collect::<Vec<_>>() {
        [] => samples(out),
        ["--all"] => show(out, &corpus::RESPONSES.iter().map(of_file).collect::<Vec<_>>()),
        ["--batch", status, body] => own(out, true, status, body),
        [status, body] => own(out, false, status, body),
        _ => Err("unknown arguments".into()),
    };
    let is_closed_pipe = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    match done {
        Err(error) if !error.downcast_ref().is_some_and(is_closed_pipe) => {
            eprintln!("decode: {error}\n{USAGE}");
            ExitCode::from(2)
        }
        _ => ExitCode::SUCCESS,
    }
}

fn row(is_batch: bool, status: u16, body: &[u8]) -> Row {
    let id = if is_batch {
        BatchOutcome::decode(status, body).into_result().map(|batch| batch.id)
    } else {
        SendOutcome::decode(status, body).into_result().map(|message| message.id)
    };
    (status, id.map(Cow::into_owned))
}

/// The name of a response file tells whether it responds to a batch.
fn of_file((name, status, body): &(String, u16, Vec<u8>)) -> Row {
    row(name.contains("-batch"), *status, body)
}

fn own(out: &mut impl Write, is_batch: bool, status: &str, body: &str) -> Done {
    let status = status.parse().map_err(|error| format!("status {status:?}: {error}"))?;
    let json = if is_batch {
        serde_json::to_string_pretty(&BatchOutcome::decode(status, body.as_bytes()))
    } else {
        serde_json::to_string_pretty(&SendOutcome::decode(status, body.as_bytes()))
    };
    writeln!(out, "{}\n", json?)?;
    show(out, &[row(is_batch, status, body.as_bytes())])
}

fn samples(out: &mut impl Write) -> Done {
    let is_sample = |name: &str| SAMPLES.split(' ').any(|sample| sample == name);
    let responses = corpus::RESPONSES.iter().filter(|(name, ..)| is_sample(name)).map(of_file);
    let not_sent = Err(Failure::new(FailureKind::NotSent, "connection refused"));
    let no_response = Err(Failure::new(FailureKind::NoResponse, "operation timed out"));
    writeln!(out, "One response of each kind, grouped by what to do next. Each line shows the")?;
    writeln!(out, "HTTP status, the decoded kind, and the id, phone number, or error message.\n")?;
    show(out, &responses.chain([(0, not_sent), (0, no_response)]).collect::<Vec<_>>())?;
    circuit_breaker(out)?;
    Ok(writeln!(out, "{YOUR_OWN}")?)
}

/// Shows the responses, grouped by what to do next.
fn show(out: &mut impl Write, rows: &[Row]) -> Done {
    for (retry, advice) in ADVICE {
        let is_here = |row: &&Row| row.1.as_ref().err().map(Failure::retry) == retry;
        let lines: Vec<_> = rows.iter().filter(is_here).map(line).collect();
        if !lines.is_empty() {
            let name = retry.map_or("Success".into(), |retry| format!("Retry::{retry:?}"));
            writeln!(out, "{advice:<58}{name:>21}\n{}\n", lines.join("\n"))?;
        }
    }
    Ok(())
}

fn line((status, decoded): &Row) -> String {
    let status = Some(status).filter(|status| **status != 0).map_or("-".into(), u16::to_string);
    let (kind, text) = match decoded {
        Ok(id) => ("accepted".into(), format!("id {}", id.escape_debug())),
        Err(failure) => {
            let number = failure.opted_out_number().map(|number| {
                let masked = if number.is_masked() { ", masked by Mobivate" } else { "" };
                format!("number {}{masked}", number.as_str())
            });
            // `Display` shows the kind, the code, and the redacted detail.
            let detail = || failure.to_string().split(": ").skip(1).collect::<Vec<_>>().join(": ");
            (failure.kind.to_string(), number.unwrap_or_else(detail))
        }
    };
    format!("{status:>5}  {kind:<17}{text:.76}")
}

/// Shows what the circuit breaker does if the same failure keeps coming.
fn circuit_breaker(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "If the same failure keeps coming, CircuitBreaker::record returns")?;
    for kind in FailureKind::ALL.iter().filter(|kind| **kind != FailureKind::Undelivered) {
        let outcome = SendOutcome::from(Failure::new(*kind, "again"));
        let mut circuit_breaker = CircuitBreaker::new();
        let first = circuit_breaker.record(&outcome);
        let next = (2..).map(|count| (count, circuit_breaker.record(&outcome)));
        let stop = next.take(100).find(|(_, action)| matches!(action, Action::Stop(_)));
        let stop = stop.map(|(count, stop)| format!("{stop}, after {count}")).unwrap_or_default();
        writeln!(out, "         {kind:<17}{first:<16}{stop}")?;
    }
    writeln!(out)
}
