//! A campaign against a provider that fails in every known way: `cargo run --example campaign`.
//!
//! `entry.rs`, `outbox.rs` and `sender.rs` are the part to copy; `run` shows how to use it.

pub mod entry;
#[expect(clippy::missing_errors_doc, reason = "`OutboxError` says it; nothing was changed then")]
pub mod outbox;
pub mod provider;
mod script;
#[expect(clippy::missing_errors_doc, reason = "`OutboxError` says it; nothing was changed then")]
pub mod sender;

use std::{
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use mobivate_response::{Action, StopReason};

use entry::State;
use outbox::Outbox;
use provider::{Account, Fault, Provider};
use sender::Sender;

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
    let sender = Sender { outbox: script::outbox(), ..Sender::default() };
    let outbox = run(sender, &mut provider, out)?;
    report(&outbox, &provider, out)?;
    Ok(provider.harm(&outbox).iter().any(|(_, count)| *count > 0))
}

/// Sends everything. The provider plays the operator, too.
fn run(mut sender: Sender, provider: &mut Provider, out: &mut impl Write) -> io::Result<Outbox> {
    for send in 0.. {
        for receipt in provider.receipts(false) {
            if let Ok(Action::Stop(reason)) = sender.apply(&receipt, provider.now()) {
                fix(out, send, reason, provider, &mut sender)?;
            }
        }
        let most = script::most(send);
        let claim = sender.claim(most, provider.now()).or_else(|| {
            // With nothing left to send, an operator goes through what is to be fixed.
            let receipts = provider.receipts(true);
            let applied = receipts.iter().map(|receipt| sender.apply(receipt, provider.now()));
            applied.for_each(|_| {});
            provider.fix(&mut sender);
            sender.claim(most, provider.now())
        });
        let Some(claim) = claim else { break };
        if io::stdout().is_terminal() {
            write!(out, "send {send:>4}\r")?;
            out.flush()?;
        }
        let fault = script::fault(send);
        if let Some(Fault::Killed { sent }) = fault {
            let when = if sent { "after" } else { "before" };
            if sent {
                let _ = provider.send(&claim, Some(Fault::Lost { arrived: true }));
            }
            say(out, send, &format!("killed {when} it was sent; starts again from the outbox"))?;
            continue;
        }
        if fault == Some(Fault::OptsIn) {
            provider.opt_in(&mut sender);
        }
        let was_stopped = sender.stopped;
        let (attempt, _) = provider.send(&claim, fault);
        match sender.record(&claim, &attempt, provider.now()) {
            // In production, sleep on `BackOff(n)`, exponentially.
            Ok(Action::Continue | Action::BackOff(_)) if was_stopped.is_some() => {
                say(out, send, "the probe got through: goes on")?;
            }
            // In production, wait before the probe.
            Ok(Action::Stop(reason @ StopReason::Service)) => {
                say(out, send, &format!("stop ({reason}): waits, then sends a probe"))?;
            }
            // In production, alert an operator.
            Ok(Action::Stop(reason)) => fix(out, send, reason, provider, &mut sender)?,
            Ok(Action::Continue | Action::BackOff(_)) | Err(_) => {}
        }
    }
    provider.look_up(&mut sender);
    Ok(sender.outbox)
}

fn fix(
    out: &mut impl Write,
    send: usize,
    reason: StopReason,
    provider: &mut Provider,
    sender: &mut Sender,
) -> io::Result<()> {
    let found = provider.fix(sender).map_or("nothing broken", words);
    say(out, send, &format!("stop ({reason}): an operator looks: {found}; reset"))
}

fn say(out: &mut impl Write, send: usize, what: &str) -> io::Result<()> {
    writeln!(out, "send {send:>4}  {what}")
}

fn words(broken: Account) -> &'static str {
    match broken {
        Account::Key => "the key",
        Account::SenderId => "the sender ID",
        Account::Balance => "the balance",
        Account::OptOutList => "the opt-out list, suppressions undone",
        Account::Permission => "the key's permission",
        Account::Credit => "the credit",
        Account::Url => "the URL",
    }
}

/// What became of whom, and what the provider knows.
fn report(outbox: &Outbox, provider: &Provider, out: &mut impl Write) -> io::Result<()> {
    let count = |is: fn(&State) -> bool| outbox.messages.values().filter(|m| is(&m.state)).count();
    let rows = [
        ("accepted", count(|state| matches!(state, State::Accepted))),
        ("suppressed", count(|state| matches!(state, State::Suppressed))),
        ("needs a fix", count(|state| matches!(state, State::NeedsFix(_)))),
        ("needs a lookup", count(|state| matches!(state, State::NeedsLookup))),
        ("retry later", count(|state| matches!(state, State::RetryLater))),
        ("queued", count(|state| matches!(state, State::Queued))),
    ];
    let (messages, requests, batches) =
        (outbox.messages.len(), provider.requests, provider.batches);
    let recipients = script::RECIPIENTS;
    writeln!(out, "\n{messages} messages to {recipients} recipients")?;
    writeln!(out, "{requests} requests, {batches} of them batches\n")?;
    writeln!(out, "{:<28}what the provider knows", "the outbox")?;
    let mut harm = provider.harm(outbox).into_iter();
    for (state, messages) in rows {
        write!(out, "{state:<18}{messages:>4}")?;
        match harm.next() {
            Some((what, count)) => writeln!(out, "      {what:<30}{count:>4}")?,
            None => writeln!(out)?,
        }
    }
    Ok(())
}
