//! What the example plays: who is texted, and what goes wrong when.

use crate::{
    outbox::Outbox,
    provider::{Account, Fault, Provider},
};

/// The recipients.
pub(crate) const RECIPIENTS: usize = 900;

/// A message to each recipient, and later a second one to every fifth.
pub(crate) fn outbox() -> Outbox {
    let (mut outbox, now) = (Outbox::default(), Provider::default().now());
    for n in 0..RECIPIENTS {
        // Some numbers were noted down without their last digits.
        let no_such_number = matches!(n, 7 | 64..=66 | 82 | 250 | 500 | 733);
        let prefix = if no_such_number { "4477009" } else { "447700900" };
        let number = format!("{prefix}{n:03}");
        outbox.queue(&format!("first-{n:03}"), &number, now).unwrap_or_default();
        if n % 5 == 0 {
            let second = format!("second-{n:03}");
            outbox.queue(&second, &format!("+{number}"), now).unwrap_or_default();
        }
    }
    outbox.import_suppressed(["00447700900033", "+44 7700 900034"], now);
    outbox
}

/// A provider that some of the recipients opted out with: some here and there, and a run of them.
pub(crate) fn provider() -> Provider {
    let opted_out = [12, 60, 61, 62, 71, 73, 90, 165, 181, 205, 232, 270, 275, 299, 410, 533, 710];
    let opted_out = opted_out.into_iter().chain(600..614);
    Provider::new(opted_out.map(|n| format!("447700900{n:03}")).collect())
}

/// How many messages a send claims at most, counted from 0: every fifth send is a batch.
pub(crate) fn most(send: usize) -> usize {
    if send % 5 == 4 { 12 } else { 1 }
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
    (11, Fault::Truncated(20)),
    (12, Fault::Truncated(50)),
    (14, Fault::ServerError { accepted: true, body: 0 }),
    (16, Fault::ServerError { accepted: false, body: 1 }),
    (18, Fault::ServerError { accepted: true, body: 2 }),
    (20, Fault::ServerError { accepted: false, body: 3 }),
    (22, Fault::Unclear { accepted: true, status: 408 }),
    (24, Fault::Unclear { accepted: false, status: 409 }),
    (26, Fault::RejectedWithId { status: 429 }),
    (28, Fault::RejectedWithId { status: 403 }),
    (30, Fault::Page { status: 200 }),
    (32, Fault::Page { status: 403 }),
    (36, Fault::Killed { sent: false }),
    (38, Fault::Killed { sent: true }),
    (40, Fault::SlowDown(5)),
    (70, Fault::ServerError { accepted: false, body: 0 }),
    (72, Fault::ServerError { accepted: true, body: 1 }),
    (74, Fault::ServerError { accepted: true, body: 2 }),
    (80, Fault::Broken(Account::Key)),
    (100, Fault::Broken(Account::Credit)),
    (120, Fault::Broken(Account::Permission)),
    (140, Fault::Broken(Account::Url)),
    (160, Fault::Outage(9)),
    (180, Fault::OptOutStoreDown(4)),
    (200, Fault::SlowDown(12)),
    (230, Fault::OptsOut),
    (232, Fault::Truncated(62)),
    (240, Fault::Killed { sent: true }),
    (270, Fault::DropsSilently),
    (305, Fault::OptsOut),
    (310, Fault::Broken(Account::Credit)),
    (320, Fault::Broken(Account::OptOutList)),
    (340, Fault::Broken(Account::SenderId)),
    (360, Fault::Broken(Account::Balance)),
    (380, Fault::FailsLater("LIMITS_EXCEEDED", 4)),
    (400, Fault::FailsLater("FAILED_INSUFFICIENT_CREDIT", 20)),
    (420, Fault::FailsLater("OPTED_OUT", 2)),
    (428, Fault::OptsIn),
    (430, Fault::Contradicts),
    (434, Fault::Killed { sent: true }),
    (439, Fault::Lost { arrived: true }),
    (444, Fault::Truncated(30)),
    (449, Fault::RejectedWithId { status: 403 }),
    (454, Fault::ServerError { accepted: false, body: 2 }),
    (460, Fault::Shape(0)),
    (462, Fault::Shape(1)),
    (464, Fault::Shape(2)),
    (466, Fault::Shape(3)),
    (468, Fault::Shape(7)),
    (470, Fault::Shape(8)),
    (472, Fault::Shape(9)),
    (474, Fault::Shape(4)),
    (479, Fault::DropsSilently),
];
