//! A campaign against a provider that fails in every known way: `cargo run --example campaign`.
//!
//! `sender.rs` is the part to copy; `run` shows how to use it.

mod provider;
mod script;
pub mod sender;

use std::{
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use mobivate_response::Action;

use provider::{Account, Fault, Provider};
use sender::{Outbox, Sender, State};

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
    let outbox = run(Sender::new(script::outbox()), &mut provider, out)?;
    report(&outbox, &provider, out)?;
    Ok(provider.harm(&outbox).iter().any(|(_, count)| *count > 0))
}

/// Sends everything. The provider plays the person, too.
fn run(mut sender: Sender, provider: &mut Provider, out: &mut impl Write) -> io::Result<Outbox> {
    for send in 0.. {
        // With nothing left to send, a person goes through what is to be mended.
        let text = sender.take().or_else(|| {
            provider.mend(&mut sender);
            sender.take()
        });
        let Some(text) = text else { break };
        if io::stdout().is_terminal() {
            write!(out, "send {send:>4}\r")?;
            out.flush()?;
        }
        let fault = script::fault(send);
        if let Some(Fault::Killed { sent }) = fault {
            let when = if sent { "after" } else { "before" };
            if sent {
                let _ = provider.send(&text, Some(Fault::Lost { arrived: true }));
            }
            say(out, send, &format!("killed {when} it was sent; starts again from the outbox"))?;
            sender = Sender::new(sender.outbox);
            continue;
        }
        let (sent, _) = provider.send(&text, fault);
        match sender.settle(text, &sent) {
            // In earnest, sleep on `Wait`: longer each time consecutive.
            Action::Continue | Action::BackOff(_) => {}
            // In earnest, call a person if something is to be mended, and sleep.
            Action::Stop(_) => match provider.mend(&mut sender) {
                Some(broken) => say(out, send, &format!("stop: a person mends {}", words(broken)))?,
                None => say(out, send, "stop: nothing to mend; waits a while")?,
            },
        }
    }
    provider.look_up(&mut sender);
    Ok(sender.outbox)
}

fn say(out: &mut impl Write, send: usize, what: &str) -> io::Result<()> {
    writeln!(out, "send {send:>4}  {what}")
}

fn words(broken: Account) -> &'static str {
    match broken {
        Account::Key => "the key",
        Account::Permission => "the key's permission",
        Account::Credit => "the credit",
        Account::Address => "the address",
    }
}

/// What became of whom, and what the provider knows.
fn report(outbox: &Outbox, provider: &Provider, out: &mut impl Write) -> io::Result<()> {
    let count =
        |is: fn(&State) -> bool| outbox.texts.values().filter(|text| is(&text.state)).count();
    let rows = [
        ("accepted", count(|state| matches!(state, State::Accepted(_)))),
        ("suppressed", count(|state| matches!(state, State::Suppressed))),
        ("to be mended", count(|state| matches!(state, State::NeedsFix(_)))),
        ("to be looked up", count(|state| matches!(state, State::NeedsLookup(_)))),
        ("to be resent", count(|state| matches!(state, State::RetryLater))),
        ("not sent yet", count(|state| matches!(state, State::Queued))),
    ];
    let (texts, requests) = (outbox.texts.len(), provider.requests);
    writeln!(out, "\n{texts} texts to {} recipients, {requests} requests\n", script::RECIPIENTS)?;
    writeln!(out, "{:<28}what the provider knows", "the outbox")?;
    let mut harm = provider.harm(outbox).into_iter();
    for (state, texts) in rows {
        write!(out, "{state:<18}{texts:>4}")?;
        match harm.next() {
            Some((what, count)) => writeln!(out, "      {what:<26}{count:>4}")?,
            None => writeln!(out)?,
        }
    }
    Ok(())
}
