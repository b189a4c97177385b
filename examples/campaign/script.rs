//! What the example plays: who is texted, and what goes wrong when.

use crate::{
    provider::{Account, Fault, Provider},
    sender::Outbox,
};

/// The recipients.
pub(crate) const RECIPIENTS: usize = 300;

/// A text to each recipient, and later a second one to every fifth.
pub(crate) fn outbox() -> Outbox {
    let mut outbox = Outbox::default();
    for n in 0..RECIPIENTS {
        // Some numbers were noted down without their last digits.
        let no_such_number = matches!(n, 7 | 64..=66 | 82 | 250);
        let prefix = if no_such_number { "4477009" } else { "447700900" };
        outbox.add(&format!("first-{n:03}"), &format!("{prefix}{n:03}"));
        if n % 5 == 0 {
            outbox.add(&format!("second-{n:03}"), &format!("+44 7700 900{n:03}"));
        }
    }
    outbox
}

/// A provider that some of the recipients opted out with.
pub(crate) fn provider() -> Provider {
    let opted_out = [12, 60, 61, 62, 71, 73, 90, 165, 181, 205, 232, 270, 275, 299];
    let opted_out = opted_out.map(|n| format!("447700900{n:03}"));
    Provider::new(opted_out.into())
}

/// What goes wrong with the sends, counted from 0.
pub(crate) fn fault(send: usize) -> Option<Fault> {
    let (_, fault) = FAULTS.iter().find(|(at, _)| *at == send)?;
    Some(*fault)
}

const FAULTS: &[(usize, Fault)] = &[
    (3, Fault::Lost { arrived: true }),
    (5, Fault::Lost { arrived: false }),
    (9, Fault::NotSent),
    (11, Fault::Cut(20)),
    (12, Fault::Cut(50)),
    (14, Fault::ServerError { accepted: true, body: 0 }),
    (16, Fault::ServerError { accepted: false, body: 1 }),
    (18, Fault::ServerError { accepted: true, body: 2 }),
    (20, Fault::ServerError { accepted: false, body: 3 }),
    (22, Fault::Unclear { accepted: true, status: 408 }),
    (24, Fault::Unclear { accepted: false, status: 409 }),
    (26, Fault::RefusedWithId { status: 429 }),
    (28, Fault::RefusedWithId { status: 403 }),
    (30, Fault::Page { status: 200 }),
    (32, Fault::Page { status: 403 }),
    (36, Fault::Killed { sent: false }),
    (38, Fault::Killed { sent: true }),
    (40, Fault::SlowDown(5)),
    // Recipients 60 to 62 opted out, and 64 to 66 are no numbers.
    (70, Fault::ServerError { accepted: false, body: 0 }),
    (72, Fault::ServerError { accepted: true, body: 1 }),
    (74, Fault::ServerError { accepted: true, body: 2 }),
    (80, Fault::Broken(Account::Key)),
    (100, Fault::Broken(Account::Credit)),
    (120, Fault::Broken(Account::Permission)),
    (140, Fault::Broken(Account::Address)),
    (160, Fault::Outage(9)),
    (180, Fault::OptOutStoreDown(4)),
    (200, Fault::SlowDown(12)),
    (230, Fault::OptsOut),
    (232, Fault::Cut(62)),
    (240, Fault::Killed { sent: true }),
    (270, Fault::DropsQuietly),
    (305, Fault::OptsOut),
    (310, Fault::Broken(Account::Credit)),
];
