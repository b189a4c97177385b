//! Plays a campaign against a provider that fails in every known way.
//!
//! `cargo run -p recipes --example campaign` plays it in memory. `--database URL` names an empty
//! database instead. It logs each cause with its reaction, and ends with what the provider knows. The
//! exit code is 1 if anybody was harmed.

#[path = "../tests/provider/mod.rs"]
mod provider;

use std::{
    cell::{Cell, RefCell},
    error::Error,
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use mobivate_response::{DeliveryStatus, FailureKind};
use provider::{FAULTS, Provider, Trouble, Truth, request};
use recipes::{
    outbox::{Outbox, State},
    sender::{Step, now, step},
};

const MESSAGES: usize = 600;
const MINUTE: i64 = 60_000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let url = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => "sqlite::memory:",
        ["--database", url] => url,
        _ => return usage("usage: campaign [--database URL]"),
    };
    let outbox = match Outbox::open(url).await {
        Ok(outbox) => outbox,
        Err(error) => return usage(&format!("cannot open {url}: {error}")),
    };
    match play(&outbox, &mut io::stdout()).await {
        Ok(None) => usage("the database has messages already, so name an empty one"),
        Ok(Some(0)) => ExitCode::SUCCESS,
        Ok(Some(_)) => ExitCode::FAILURE,
        Err(error) => match error.downcast_ref::<io::Error>().map(io::Error::kind) {
            // Such as `| head`.
            Some(io::ErrorKind::BrokenPipe) => ExitCode::SUCCESS,
            _ => usage(&error.to_string()),
        },
    }
}

fn usage(problem: &str) -> ExitCode {
    eprintln!("{problem}");
    ExitCode::from(2)
}

/// Sends everything, and returns how much harm was done, or `None` if the database isn't empty.
async fn play(outbox: &Outbox, out: &mut impl Write) -> Result<Option<usize>, Box<dyn Error>> {
    for state in State::ALL {
        if outbox.count(state).await?.0 > 0 {
            return Ok(None);
        }
    }
    let (provider, clock) = (RefCell::new(Provider::new(7)), Cell::new(now()));
    // Some opted out, and some numbers were noted down without their last digits.
    let opted_out = (0..100).step_by(9).map(|n| format!("447700900{n:03}"));
    provider.borrow_mut().opted_out.extend(opted_out);
    let messages: Vec<String> = (0..MESSAGES)
        .map(|n| {
            let prefix = if n % 83 == 5 { "4477009" } else { "447700900" };
            request(&format!("r-{n:03}"), &format!("{prefix}{:03}", n % 500))
        })
        .collect();
    outbox.queue(&messages, clock.get()).await?;
    outbox.import_suppressions(&["+44 7700 900033"], clock.get()).await?;

    let (sends, hand) = (RefCell::new(0_usize), RefCell::new((String::new(), Truth::Unclear)));
    let mut since = 0;
    loop {
        let time = clock.get();
        let due = provider.borrow_mut().due(time);
        for receipt in due {
            outbox.apply(&receipt, time).await?;
            if receipt.status == DeliveryStatus::Failed(FailureKind::OptedOut) {
                provider.borrow_mut().tells(&receipt.reference);
            }
        }
        let send = |request: String| {
            let (provider, sends) = (&mut *provider.borrow_mut(), &mut *sends.borrow_mut());
            let time = clock.get();
            provider.begins(&request, time);
            let is_faulty = *sends % 3 == 1 && *sends % 40 < 30 && provider.trouble.is_none();
            let fault = is_faulty.then(|| provider.random.of(&FAULTS));
            if *sends % 40 == 39 && provider.trouble.is_none() {
                provider.trouble = Trouble::ALL.get(*sends / 40 % 13).map(|(trouble, _)| *trouble);
            }
            *sends += 1;
            let (result, truth) = provider.send(&request, fault, time);
            hand.replace((request, truth));
            std::future::ready(result)
        };
        let done = step(outbox, send, || clock.get()).await?;
        let number = *sends.borrow();
        let mut log = |what: &str| writeln!(out, "send {number:>4}  {what}");
        match done {
            Step::Sent(_, outcome, action) => {
                let (request, truth) = hand.replace((String::new(), Truth::Unclear));
                provider.borrow_mut().recorded(&request, truth);
                if let Some(failure) = outcome.failure() {
                    log(&format!("{failure:.60}: {}, {action}", failure.retry()))?;
                }
                clock.set(time + 500);
            }
            Step::Waits(until) => {
                log(&format!("waits {} s", (until - time) / 1_000))?;
                clock.set(until);
                let provider = &mut *provider.borrow_mut();
                let is_over = until - time >= 2 * MINUTE || provider.random.is(20);
                provider.trouble = provider.trouble.filter(|it| !(it.passes() && is_over));
            }
            Step::Stopped(reason) => {
                let broken = fix(outbox, &provider, since, time).await?;
                log(&format!("stopped ({reason}), an operator fixes: {broken}"))?;
                since = time;
            }
            Step::Empty if outbox.count(State::Queued).await?.0 > 0 => {
                clock.set(time + 1_000);
            }
            Step::Empty => {
                let left = provider.borrow_mut().due(i64::MAX);
                for receipt in left {
                    outbox.apply(&receipt, time).await?;
                }
                fix(outbox, &provider, since, time).await?;
                if outbox.count(State::Queued).await?.0 == 0 {
                    break;
                }
            }
        }
        if io::stdout().is_terminal() {
            write!(out, "{number} sends of {MESSAGES} messages\r")?;
            out.flush()?;
        }
    }
    report(outbox, &provider.into_inner(), out).await
}

/// The operator fixes what's broken, and says what it was.
async fn fix(
    outbox: &Outbox,
    provider: &RefCell<Provider>,
    since: i64,
    time: i64,
) -> Result<String, Box<dyn Error>> {
    let trouble = provider.borrow_mut().trouble.take();
    if trouble == Some(Trouble::OptOutList) {
        provider.borrow_mut().undone_at = time;
    }
    let undone = Trouble::fix(trouble, outbox, since, time).await?;
    provider.borrow_mut().fixes();
    for recipient in &undone {
        provider.borrow_mut().opts_in(recipient, time);
    }
    let what = trouble.map_or("nothing".into(), |trouble| format!("{trouble:?}"));
    Ok(if undone.is_empty() {
        what
    } else {
        format!("{what}, {} suppressions undone", undone.len())
    })
}

async fn report(
    outbox: &Outbox,
    provider: &Provider,
    out: &mut impl Write,
) -> Result<Option<usize>, Box<dyn Error>> {
    writeln!(out, "\n{MESSAGES} messages, {} requests", provider.requests)?;
    for state in State::ALL {
        writeln!(out, "{:<24}{:>4}", state.as_str(), outbox.count(state).await?.0)?;
    }
    writeln!(out, "\nWhat the provider knows")?;
    let mut harm = 0;
    for (what, count) in provider.harm(outbox).await? {
        writeln!(out, "{what:<24}{count:>4}")?;
        harm += count;
    }
    Ok(Some(harm))
}
