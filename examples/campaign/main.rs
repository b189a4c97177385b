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
use sender::{Book, Books, Sender};

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
    let books = run(Sender::new(script::books()), &mut provider, out)?;
    report(&books, &provider, out)?;
    Ok(provider.harm(&books).iter().any(|(_, count)| *count > 0))
}

/// Sends everything. The provider plays the person, too.
fn run(mut sender: Sender, provider: &mut Provider, out: &mut impl Write) -> io::Result<Books> {
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
            say(out, send, &format!("killed {when} it was sent; starts again from the books"))?;
            sender = Sender::new(sender.books);
            continue;
        }
        let (sent, _) = provider.send(&text, fault);
        match sender.settle(text, &sent) {
            // In earnest, sleep on `Wait`: longer each time consecutive.
            Action::Continue | Action::BackOff => {}
            // In earnest, call a person if something is to be mended, and sleep.
            Action::Stop => match provider.mend(&mut sender) {
                Some(broken) => say(out, send, &format!("stop: a person mends {}", words(broken)))?,
                None => say(out, send, "stop: nothing to mend; waits a while")?,
            },
        }
    }
    provider.look_up(&mut sender);
    Ok(sender.books)
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
fn report(books: &Books, provider: &Provider, out: &mut impl Write) -> io::Result<()> {
    let count = |is: fn(&Book) -> bool| books.texts.values().filter(|text| is(&text.book)).count();
    let rows = [
        ("accepted", count(|book| matches!(book, Book::Accepted(_)))),
        ("suppressed", count(|book| matches!(book, Book::Suppressed))),
        ("to be mended", count(|book| matches!(book, Book::ToMend(_)))),
        ("to be looked up", count(|book| matches!(book, Book::ToLookUp(_)))),
        ("to be resent", count(|book| matches!(book, Book::ToResend))),
        ("not sent yet", count(|book| matches!(book, Book::Unsent))),
    ];
    let (texts, requests) = (books.texts.len(), provider.requests);
    writeln!(out, "\n{texts} texts to {} recipients, {requests} requests\n", script::RECIPIENTS)?;
    writeln!(out, "{:<28}what the provider knows", "the books")?;
    let mut harm = provider.harm(books).into_iter();
    for (book, texts) in rows {
        write!(out, "{book:<18}{texts:>4}")?;
        match harm.next() {
            Some((what, count)) => writeln!(out, "      {what:<26}{count:>4}")?,
            None => writeln!(out)?,
        }
    }
    Ok(())
}
