//! What the example plays: who is texted, and what goes wrong when.

use crate::{
    provider::{Account, Fault, Provider},
    sender::Outbox,
};

/// The recipients.
pub(crate) const RECIPIENTS: usize = 600;

/// A message to each recipient, and later a second one to every fifth.
pub(crate) fn outbox() -> Outbox {
    let mut outbox = Outbox::default();
    for n in 0..RECIPIENTS {
        // Some numbers were noted down without their last digits.
        let prefix = if n % 97 == 7 { "4477009" } else { "447700900" };
        let _ = outbox.queue(&format!("first-{n:03}"), &format!("{prefix}{n:03}"));
        if n % 5 == 0 {
            let _ = outbox.queue(&format!("second-{n:03}"), &format!("00 44 7700 900{n:03}"));
        }
    }
    outbox
}

/// How many messages the next request takes: singles, then batches, in turn.
pub(crate) fn most(request: usize) -> usize {
    if request % 80 < 50 { 1 } else { 16 }
}

/// A provider that some of the recipients opted out with.
pub(crate) fn provider() -> Provider {
    let opted_out = (0..RECIPIENTS).filter(|n| n % 41 == 12 || (60..63).contains(n));
    Provider::new(opted_out.map(|n| format!("447700900{n:03}")).collect())
}

/// What goes wrong with the requests, counted from 0.
pub(crate) fn fault(request: usize) -> Option<Fault> {
    let (_, fault) = FAULTS.iter().find(|(at, _)| *at == request)?;
    Some(*fault)
}

const FAULTS: &[(usize, Fault)] = &[
    (3, Fault::Lost { arrived: true }),
    (5, Fault::Lost { arrived: false }),
    (9, Fault::NotSent),
    (11, Fault::Truncated(20)),
    (14, Fault::ServerError { accepted: true, body: 0 }),
    (16, Fault::ServerError { accepted: false, body: 1 }),
    (18, Fault::ServerError { accepted: true, body: 2 }),
    (20, Fault::ServerError { accepted: false, body: 3 }),
    (22, Fault::Unclear { accepted: true, status: 408 }),
    (24, Fault::Unclear { accepted: false, status: 302 }),
    (26, Fault::ErrorWithId { status: 429 }),
    (28, Fault::ErrorWithId { status: 403 }),
    (29, Fault::ErrorWithId { status: 400 }),
    (30, Fault::Page { status: 200 }),
    (32, Fault::Page { status: 403 }),
    (34, Fault::OddCount),
    (36, Fault::Killed { sent: false }),
    (38, Fault::Killed { sent: true }),
    (40, Fault::SlowDown(5)),
    (47, Fault::RecordedTwice),
    (52, Fault::OddCount),
    (55, Fault::ServerError { accepted: true, body: 2 }),
    (58, Fault::Lost { arrived: true }),
    (62, Fault::Killed { sent: true }),
    (66, Fault::SlowDown(2)),
    (67, Fault::RecordedTwice),
    (84, Fault::Broken(Account::Key)),
    (92, Fault::Broken(Account::Credit)),
    (100, Fault::Broken(Account::Permission)),
    (108, Fault::Broken(Account::Url)),
    (116, Fault::Broken(Account::SenderId)),
    (135, Fault::Broken(Account::SenderIdUnsuccessful)),
    (160, Fault::Outage(9)),
    (172, Fault::OptOutStoreDown(4)),
    (180, Fault::SlowDown(12)),
    (200, Fault::OptOutListBroken),
    (220, Fault::NoCreditLater(4)),
    (230, Fault::OptsOut),
    (232, Fault::Truncated(62)),
    (240, Fault::DropsSilently),
    (290, Fault::OptOutListBroken),
];
