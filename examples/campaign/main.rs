//! A campaign against a provider that fails in every known way: `cargo run --example campaign`.
//!
//! `sender.rs` is the part to copy; `run` shows how to use it.

mod provider;
mod script;
pub mod sender;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use mobivate_response::Action;

use provider::{Fault, Provider};
use sender::{Outbox, State};

fn main() -> io::Result<ExitCode> {
    match play(&mut io::stdout().lock()) {
        Ok(false) => Ok(ExitCode::SUCCESS),
        Ok(true) => Ok(ExitCode::FAILURE),
        // Nobody reads on, as with `| head`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        Err(error) => Err(error),
    }
}

/// Whether any harm was done.
fn play(out: &mut impl Write) -> io::Result<bool> {
    let mut provider = script::provider();
    let outbox = run(script::outbox(), &mut provider, out)?;
    report(&outbox, &provider, out)?;
    Ok(provider.harm(&outbox).iter().any(|(_, count)| *count > 0))
}

/// Sends everything. The provider plays the operator, too.
fn run(mut outbox: Outbox, provider: &mut Provider, out: &mut impl Write) -> io::Result<Outbox> {
    let (mut last_success, mut twice) = (0, None);
    for now in 0.. {
        let request = usize::try_from(now).unwrap_or(usize::MAX);
        // With nothing left to send, an operator goes through what needs a fix.
        let claim = outbox.claim(script::most(request)).or_else(|| {
            provider.operate(&mut outbox, None, last_success);
            outbox.claim(script::most(request))
        });
        let Some(claim) = claim else { break };
        let fault = script::fault(request);
        if let Some(Fault::Killed { sent }) = fault {
            if sent {
                let _ = provider.send(&claim, Some(Fault::Lost { arrived: true }));
            }
            writeln!(out, "request {now:>3}  killed; starts again from the outbox")?;
            continue;
        }
        // A queue that hands an outcome on a second time changes nothing.
        if let Some((claim, attempt)) = twice.take() {
            let _ = outbox.record(&claim, &attempt, now);
        }
        let (attempt, ..) = provider.send(&claim, fault);
        let mut action = outbox.record(&claim, &attempt, now).unwrap_or(Action::Continue);
        while let Some((reference, status)) = provider.receipts.pop_front() {
            match outbox.apply(&reference, status, now) {
                Some(stop @ Action::Stop(_)) => action = stop,
                _ => last_success = now,
            }
        }
        if fault == Some(Fault::RecordedTwice) {
            twice = Some((claim.clone(), attempt));
        }
        match action {
            // In earnest, sleep on `BackOff(n)`: exponentially longer with n.
            Action::Continue | Action::BackOff(_) => {}
            // In earnest, alert an operator, and sleep.
            Action::Stop(reason) => {
                let messages = claim.messages.len();
                let what = if messages == 1 { "a single send" } else { "a batch" };
                writeln!(out, "request {now:>3}  {action}, after {what}; an operator looks")?;
                provider.operate(&mut outbox, Some(reason), last_success);
            }
        }
    }
    provider.look_up(&mut outbox);
    Ok(outbox)
}

/// What became of whom, and what the provider knows.
fn report(outbox: &Outbox, provider: &Provider, out: &mut impl Write) -> io::Result<()> {
    let count = |is: fn(&State) -> bool| {
        outbox.messages.values().filter(|message| is(&message.state)).count()
    };
    let rows = [
        ("accepted", count(|state| matches!(state, State::Accepted(_)))),
        ("suppressed", count(|state| matches!(state, State::Suppressed))),
        ("needs a fix", count(|state| matches!(state, State::NeedsFix(_)))),
        ("needs a lookup", count(|state| matches!(state, State::NeedsLookup(_)))),
        ("retried later", count(|state| matches!(state, State::RetryLater))),
        ("queued", count(|state| matches!(state, State::Queued))),
    ];
    let (messages, requests) = (outbox.messages.len(), provider.requests);
    writeln!(
        out,
        "\n{messages} messages to {} recipients, {requests} requests\n",
        script::RECIPIENTS
    )?;
    writeln!(out, "{:<28}what the provider knows", "the outbox")?;
    let mut harm = provider.harm(outbox).into_iter();
    for (state, messages) in rows {
        write!(out, "{state:<18}{messages:>4}")?;
        match harm.next() {
            Some((what, count)) => writeln!(out, "      {what:<28}{count:>4}")?,
            None => writeln!(out)?,
        }
    }
    Ok(())
}
