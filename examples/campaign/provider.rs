//! A provider to try the sender on: it responds as Mobivate does, fails in every known way, and knows
//! what is true.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use mobivate_response::DeliveryStatus;

use crate::entry::{Claim, Entry, State, Suppression};
use crate::outbox::Outbox;
use crate::sender::Sender;

/// What the HTTP client says of a send.
#[derive(Clone, Debug)]
pub enum Attempt {
    /// A response came.
    Response {
        /// The HTTP status.
        status: u16,
        /// As much of the body as arrived.
        body: Vec<u8>,
    },
    /// It was sent, or may have been, and no response came: why.
    NoResponse(String),
    /// It certainly was not sent: why.
    NotSent(String),
}

/// What a delivery receipt, or a record of the message log, says of a message.
#[derive(Clone, Debug, PartialEq)]
pub struct StatusUpdate {
    /// The client reference: the one thing to match by.
    pub reference: String,
    /// Mobivate's id for the message. For a batch it is not the id that the send got.
    pub id: Option<String>,
    /// The part of a long message that it is about, from 1; `None`: all of them.
    pub part: Option<u8>,
    /// How many parts the message has, as far as this says.
    pub parts: Option<u8>,
    /// What became of the part.
    pub status: DeliveryStatus,
}

/// What goes wrong with a request, or from it on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    /// The sender is killed before it sends this one, or after it; then it starts again.
    Killed { sent: bool },
    /// The request arrives, or does not; no response comes.
    Lost { arrived: bool },
    /// The client finds out before it sends: no address, a refused or stale connection.
    NotSent,
    /// The response is truncated after so many bytes of it, counted round and round.
    Truncated(usize),
    /// A server error with one of the known bodies, before or after the message was accepted.
    ServerError { accepted: bool, body: usize },
    /// Instead of the response a status that neither accepts nor rejects, with an empty body.
    Unclear { accepted: bool, status: u16 },
    /// The message is accepted, and the response has its id under a status that rejects.
    RejectedWithId { status: u16 },
    /// A proxy or a firewall responds with a page of its own; nothing arrives.
    Page { status: u16 },
    /// A gateway responds with one of the shapes that frameworks and proxies use; nothing arrives.
    Shape(usize),
    /// From here on so many requests are too fast.
    SlowDown(u32),
    /// From here on so many requests meet an outage.
    Outage(u32),
    /// So many requests get a server error that says of everybody that they opted out.
    OptOutStoreDown(u32),
    /// Every request is rejected from here on, until an operator fixes this.
    Broken(Account),
    /// So many messages from here on are accepted, and get a receipt of this failed status later.
    FailsLater(&'static str, u32),
    /// One message from here on expires, and a second receipt contradicts it; it had arrived.
    Contradicts,
    /// The first recipient of this request opts out just before.
    OptsOut,
    /// Somebody who opted out opts in again, and gets a message.
    OptsIn,
    /// Opted-out recipients of the request are accepted like any other and dropped silently.
    DropsSilently,
}

/// What an operator must fix.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Account {
    /// The key was revoked.
    Key,
    /// The key lost the permission to send.
    Permission,
    /// There is no credit left.
    Credit,
    /// The URL of the API is wrong.
    Url,
    /// The sender ID is not allowed, and a 400 says so.
    SenderId,
    /// There is no credit left, and `success: false` says so.
    Balance,
    /// The opt-out list is broken: everybody "opted out".
    OptOutList,
}

impl Account {
    fn rejection(self) -> (u16, &'static str) {
        match self {
            Self::Key => (401, r#"{"code":401,"message":"Unauthorized"}"#),
            Self::Permission => (403, NO_PERMISSION),
            Self::Credit => (402, r#"{"code":402,"message":"Out of Credit - Insufficient funds"}"#),
            Self::Url => (404, r#"{"code":404,"message":"Not Found"}"#),
            Self::SenderId => (400, r#"{"code":400,"message":"Originator not allowed"}"#),
            Self::Balance => (200, r#"{"success":false,"message":"Insufficient balance"}"#),
            Self::OptOutList => (403, ""),
        }
    }
}

const NO_PERMISSION: &str =
    r#"{"error":"API Key is not permitted to perform this action. (create:SingleSMS)"}"#;

/// What frameworks and proxies respond with; none of it is an opt-out notice.
pub(crate) const SHAPES: [(u16, &str); 12] = [
    (403, r#"{"error":{"code":"forbidden","message":"Not permitted"}}"#),
    (403, r#"{"errors":[{"message":"Not permitted"}]}"#),
    (400, r#"{"message":["originator must be shorter than or equal to 11 characters"]}"#),
    (403, r#"{"type":"about:blank","title":"Forbidden","status":403,"detail":"No access"}"#),
    (403, "error code: 1020"),
    (403, "RBAC: access denied"),
    (403, "<html><title>Attention Required!</title>Recipient is opted out</html>"),
    (403, r#"{"message":"Forbidden: the API key is invalid or the recipient is opted out"}"#),
    (403, r#"{"error":"RECIPIENT_OPTED_OUT_CHECK_FAILED"}"#),
    (406, ""),
    (460, ""),
    (429, "Too many requests"),
];

/// What the provider knows of a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Truth {
    /// What the request met.
    pub(crate) met: Met,
    /// Whether the sender could know: by a complete response that does not contradict itself and is
    /// no server error, or since nothing was sent.
    pub(crate) clear: bool,
}

/// What a request met.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Met {
    /// All of it was accepted.
    Accepted,
    /// A recipient had opted out, or so the opt-out list says.
    OptedOut,
    /// There is no such number.
    NoSuchNumber,
    /// It was too fast.
    TooFast,
    /// An outage: every request fails the same way, and time heals it.
    Outage,
    /// An account that an operator must fix: every request fails the same way.
    Trouble,
    /// The same, but the response blames the request.
    Blamed,
    /// Something on the way, and no more than that.
    Nothing,
}

/// The provider and its true state.
#[derive(Clone, Debug, Default)]
pub(crate) struct Provider {
    /// Numbers that opted out.
    pub(crate) opted_out: BTreeSet<String>,
    /// Numbers that ever had a notice of their own: a response to them alone, their number in a
    /// batch's, or a receipt.
    pub(crate) noticed: BTreeSet<String>,
    /// The ids under which each message was accepted and not rejected later, by its reference.
    pub(crate) accepted: BTreeMap<String, Vec<String>>,
    /// The requests that there were, and those of them that were batches.
    pub(crate) requests: usize,
    pub(crate) batches: usize,
    /// The messages sent to numbers of which a complete response had said that they opted out.
    pub(crate) after_opt_out: usize,
    /// Numbers of which a complete response said that they opted out.
    named: BTreeSet<String>,
    /// The number of which this response says so.
    told: Option<String>,
    receipts: Vec<(usize, StatusUpdate)>,
    broken: Option<Account>,
    broken_since: Option<SystemTime>,
    too_fast: u32,
    outage: u32,
    store_down: u32,
    fails_later: (&'static str, u32),
    contradicts: bool,
    ids: usize,
    acceptances: usize,
    /// How long the last body was that was truncated.
    pub(crate) truncated_len: usize,
}

impl Provider {
    /// A provider in good order, with which these numbers have opted out.
    pub(crate) fn new(opted_out: BTreeSet<String>) -> Self {
        Self { opted_out, ..Self::default() }
    }

    /// The time, one second for each request.
    pub(crate) fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(self.requests as u64)
    }

    /// Takes a request, and says what the client gets of the response and what is true.
    pub(crate) fn send(&mut self, claim: &Claim, fault: Option<Fault>) -> (Attempt, Truth) {
        self.requests += 1;
        self.batches += usize::from(claim.messages.len() > 1);
        let numbers: Vec<_> = claim.messages.iter().map(|to| digits(&to.recipient)).collect();
        self.after_opt_out += numbers.iter().filter(|to| self.named.contains(*to)).count();
        match fault {
            Some(Fault::Broken(account)) => {
                self.broken = Some(account);
                self.broken_since = Some(self.now());
            }
            Some(Fault::SlowDown(requests)) => self.too_fast = requests,
            Some(Fault::Outage(requests)) => self.outage = requests,
            Some(Fault::OptOutStoreDown(requests)) => self.store_down = requests,
            Some(Fault::FailsLater(status, messages)) => self.fails_later = (status, messages),
            Some(Fault::Contradicts) => self.contradicts = true,
            Some(Fault::OptsOut) => self.opted_out.extend(numbers.first().cloned()),
            _ => {}
        }
        let (met, on_the_way) = if self.outage > 0 {
            self.outage -= 1;
            (Met::Outage, Some(self.outage_response()))
        } else {
            let sent = match fault {
                Some(Fault::NotSent) => Some(Attempt::NotSent("connection refused".into())),
                Some(Fault::Lost { arrived: false }) => Some(Attempt::NoResponse("reset".into())),
                Some(Fault::Page { status }) => Some(responded(status, PAGE)),
                Some(Fault::Shape(shape)) => {
                    SHAPES.get(shape % SHAPES.len()).map(|(status, body)| responded(*status, body))
                }
                Some(Fault::ServerError { accepted: false, body }) => {
                    Some(server_error(body, None))
                }
                Some(Fault::Unclear { accepted: false, status }) => Some(responded(status, "")),
                _ => None,
            };
            (Met::Nothing, sent)
        };
        if let Some(sent) = on_the_way {
            let clear = matches!(sent, Attempt::NotSent(_));
            return (sent, Truth { met, clear });
        }
        let (status, body, met, id) = self.response(claim, fault == Some(Fault::DropsSilently));
        let damaged = match (fault, &id) {
            (Some(Fault::Lost { .. }), _) => Some(Attempt::NoResponse("timeout".into())),
            (Some(Fault::Truncated(at)), _) => {
                self.truncated_len = body.len();
                let rest = body.as_bytes().get(..at % body.len()).unwrap_or_default();
                Some(Attempt::Response { status, body: rest.into() })
            }
            (Some(Fault::ServerError { body, .. }), Some(id)) => Some(server_error(body, Some(id))),
            (Some(Fault::Unclear { status, .. }), Some(_)) => Some(responded(status, "")),
            (Some(Fault::RejectedWithId { status }), Some(id)) => {
                Some(responded(status, &format!(r#"{{"message":"Slow down","id":"{id}"}}"#)))
            }
            _ => None,
        };
        // `Nothing`: a batch that lost some.
        let clear = damaged.is_none() && status < 500 && met != Met::Nothing;
        self.named.extend(self.told.take().filter(|_| clear));
        (damaged.unwrap_or_else(|| responded(status, &body)), Truth { met, clear })
    }

    /// What the provider responds, before anything happens to it on the way, and the id.
    fn response(&mut self, claim: &Claim, drops: bool) -> (u16, String, Met, Option<String>) {
        let numbers: Vec<_> = claim.messages.iter().map(|to| digits(&to.recipient)).collect();
        let rejected = |(status, body): (u16, &str), met| (status, body.to_owned(), met, None);
        if self.broken == Some(Account::Url) {
            return rejected(Account::Url.rejection(), Met::Trouble);
        }
        if self.too_fast > 0 {
            self.too_fast -= 1;
            let slow_down = r#"{"code":429,"message":"Slow down - Rate limit exceeded."}"#;
            return rejected((429, slow_down), Met::TooFast);
        }
        if !numbers.iter().all(|number| exists(number)) {
            let invalid = r#"{"code":400,"message":"Invalid mobile number"}"#;
            return rejected((400, invalid), Met::NoSuchNumber);
        }
        match self.broken {
            Some(Account::OptOutList) | None => {}
            Some(account @ (Account::SenderId | Account::Balance)) => {
                return rejected(account.rejection(), Met::Blamed);
            }
            Some(account) => return rejected(account.rejection(), Met::Trouble),
        }
        if self.store_down > 0 {
            self.store_down -= 1;
            let everybody = r#"{"code":500,"message":"Recipient is opted out"}"#;
            return rejected((500, everybody), Met::Outage);
        }
        let list_is_broken = self.broken == Some(Account::OptOutList);
        let is_out = |number: &&String| list_is_broken || self.opted_out.contains(*number);
        if let Some(number) = numbers.iter().find(is_out).filter(|_| !drops).cloned() {
            return (403, self.notice(&number, numbers.len() == 1), Met::OptedOut, None);
        }
        self.ids += 1;
        let id = format!("{:032x}", self.ids);
        let mut count = 0;
        for (to, number) in claim.messages.iter().zip(&numbers) {
            if numbers.len() == 1 || !self.opted_out.contains(number) {
                count += 1;
                // For a batch a receipt does not have the id that the send got.
                let own = format!("{id}-{}", to.reference);
                let of_receipts = if numbers.len() == 1 { &id } else { &own };
                self.accept(&to.reference, number, &id, of_receipts);
            }
        }
        // A batch that lost some is told by its count alone.
        let (status, body) = (200, accepted(claim, &id, count, self.ids));
        let met = if count == numbers.len() { Met::Accepted } else { Met::Nothing };
        (status, body, met, Some(id))
    }

    /// An opt-out notice, where frameworks put it. It may name the number, or hide it, or name another.
    fn notice(&mut self, number: &str, is_single: bool) -> String {
        let n = self.requests;
        let named = match n % 4 {
            0 => format!(": +{number}"),
            1 => ": 44XXXXXXXX".into(),
            2 => ": 447700900999".into(),
            _ => String::new(),
        };
        if is_single || n % 4 == 0 {
            self.noticed.insert(number.into());
            self.told = Some(number.into());
        }
        let notice = format!("Recipient is opted out{named}");
        match n / 4 % 5 {
            0 => format!(r#"{{"code":403,"message":"{notice}"}}"#),
            1 => format!(r#"{{"error":{{"message":"{notice}"}}}}"#),
            2 => format!(r#"{{"errors":[{{"message":"{notice}"}}]}}"#),
            3 => format!(r#"{{"message":["{notice}"]}}"#),
            _ => format!(r#"{{"title":"Forbidden","status":403,"detail":"{notice}"}}"#),
        }
    }

    /// Accepts a message; its receipts come later, in any order, more than once or not at all.
    fn accept(&mut self, reference: &str, number: &str, id: &str, of_receipts: &str) {
        self.accepted.entry(reference.into()).or_default().push(id.into());
        self.acceptances += 1;
        let count = self.acceptances;
        let parts = if count % 5 == 0 { 2 } else { 1 };
        let mut update = |after: usize, name: &str, part: u8, id: String| {
            let (reference, status) = (reference.into(), DeliveryStatus::from_name(name));
            let (id, part, parts) = (Some(id), Some(part), Some(parts));
            let update = StatusUpdate { reference, id, part, parts, status };
            self.receipts.push((self.requests + after, update));
        };
        let mut receipt = |after, name: &str, part| update(after, name, part, of_receipts.into());
        let (failed, left) = self.fails_later;
        if self.contradicts {
            self.contradicts = false;
            for part in 1..=parts {
                receipt(1, "EXPIRED", part);
                receipt(2, "LIMITS_EXCEEDED", part);
            }
        } else if left > 0 {
            self.fails_later.1 -= 1;
            for part in 1..=parts {
                receipt(1, failed, part);
                receipt(4, failed, part);
                receipt(25, failed, part);
            }
            // The message log may have it under another id.
            for part in 1..=parts {
                update(30, failed, part, format!("log-{id}-{reference}"));
            }
            let ids = self.accepted.entry(reference.into()).or_default();
            ids.pop();
            if ids.is_empty() {
                self.accepted.remove(reference);
            }
            if DeliveryStatus::from_name(failed) == DeliveryStatus::from_name("OPTED_OUT") {
                self.opted_out.insert(number.into());
                self.noticed.insert(number.into());
            }
        } else if count % 7 != 0 {
            let last = if count % 11 == 0 { "UNDELIVERABLE" } else { "DELIVERED" };
            for part in 1..=parts {
                receipt(1 + count % 3, "ACCEPTED", part);
                receipt(2, last, part);
            }
        }
    }

    /// The receipts that arrive now, or all that are still to come.
    pub(crate) fn receipts(&mut self, all: bool) -> Vec<StatusUpdate> {
        let is_due = |(due, _): &(usize, StatusUpdate)| all || *due <= self.requests;
        let (due, rest) = self.receipts.drain(..).partition::<Vec<_>, _>(is_due);
        self.receipts = rest;
        due.into_iter().map(|(_, receipt)| receipt).collect()
    }

    fn outage_response(&self) -> Attempt {
        match self.requests % 4 {
            0 => Attempt::NoResponse("timeout".into()),
            1 => responded(502, PAGE),
            2 => responded(200, PAGE),
            _ => Attempt::NotSent("connection refused".into()),
        }
    }

    /// Plays the operator: fixes the account, undoes what a broken opt-out list suppressed, has sent
    /// again what waited for it, and says what was broken. A message that was rejected because its
    /// number does not exist stays where it is.
    pub(crate) fn fix(&mut self, sender: &mut Sender) -> Option<Account> {
        let now = self.now();
        if let (Some(Account::OptOutList), Some(since)) = (self.broken, self.broken_since) {
            sender.outbox.undo_suppressions(since, now);
            self.named.retain(|number| sender.outbox.suppressed.contains_key(number));
        }
        let fixed = sender.outbox.messages.iter().filter(|(_, message)| match &message.state {
            State::NeedsFix(why) => exists(&message.recipient) || !why.starts_with("bad request"),
            _ => false,
        });
        for reference in fixed.map(|(reference, _)| reference.clone()).collect::<Vec<_>>() {
            let _ = sender.outbox.mark_fixed(&reference, now);
        }
        sender.reset();
        self.fails_later.1 = 0;
        self.broken.take()
    }

    /// Somebody who opted out opts in again, and gets a message.
    pub(crate) fn opt_in(&mut self, sender: &mut Sender) {
        let now = self.now();
        let Some(number) = self.noticed.intersection(&self.opted_out).next().cloned() else {
            return;
        };
        self.opted_out.remove(&number);
        self.named.remove(&number);
        sender.outbox.opted_in(&number);
        let _ = sender.outbox.queue(&format!("again-{number}"), &format!("00{number}"), now);
    }

    /// Plays the lookup in the message log. What it does not find may be accepted all the same, as
    /// some are here.
    pub(crate) fn look_up(&self, sender: &mut Sender) {
        for (reference, ids) in &self.accepted {
            if let Some(id) = ids.last().filter(|id| !id.ends_with(['0', '5', 'a', 'f'])) {
                let _ = sender.outbox.mark_found(reference, id, self.now());
            }
        }
    }

    /// What must not happen, and how often it did, by what the provider knows and the outbox says.
    pub(crate) fn harm(&self, outbox: &Outbox) -> [(&'static str, usize); 4] {
        let lost = |(reference, message): &(&String, &Entry)| {
            let is_accepted = self.accepted.contains_key(*reference);
            match &message.state {
                // Rejected twice, and an operator decides.
                State::Accepted if message.updates_before > 0 && message.has_failed() => false,
                State::Accepted => !is_accepted,
                State::NeedsLookup => false,
                State::Queued | State::Suppressed | State::RetryLater | State::NeedsFix(_) => {
                    is_accepted
                }
            }
        };
        let unnoticed = |(number, entry): &(&String, &Suppression)| {
            entry.reference.is_some() && !self.noticed.contains(*number)
        };
        [
            ("texted twice", self.accepted.values().filter(|ids| ids.len() > 1).count()),
            ("texted after an opt-out", self.after_opt_out),
            ("suppressed without a notice", outbox.suppressed.iter().filter(unnoticed).count()),
            ("lost", outbox.messages.iter().filter(lost).count()),
        ]
    }
}

/// One of the documented or observed responses that accept.
fn accepted(claim: &Claim, id: &str, count: usize, n: usize) -> String {
    let [to, ..] = claim.messages.as_slice() else { return String::new() };
    let (number, reference) = (digits(&to.recipient), &to.reference);
    // The echo of our own text says that somebody opted out, and ends in half an emoji.
    let echo = r"If the recipient is opted out: STOP \ud83d";
    match (claim.messages.len(), n % 3) {
        (1, 0) => format!(r#"{{"success":true,"record":{{"id":"{id}","type":"SingleSMS"}}}}"#),
        (1, 1) => format!(
            r#"{{"id":"{id}","originator":"Bistro","recipient":"{number}","body":"{echo}","routeId":"mglobal","reference":"{reference}","campaignId":null}}"#
        ),
        (1, _) => format!(
            r#"{{"text":"{echo}","recipient":"{number}","reference":"{reference}","shortenUrls":true,"id":"{id}"}}"#
        ),
        // An empty list is read as none at all, so this form is not for a batch that lost everybody.
        (_, 0) if count > 0 => {
            let recipient = format!(r#"{{"originator":"Bistro","text":"{echo}","routeId":null}}"#);
            let recipients = vec![recipient; count].join(",");
            format!(r#"{{"id":"{id}","routeId":"mglobal","recipients":[{recipients}]}}"#)
        }
        _ => format!(r#"{{"success":true,"record":{{"id":"{id}","recipientCount":{count}}}}}"#),
    }
}

const PAGE: &str = "<html><head><title>502 Bad Gateway</title></head><body></body></html>";

fn server_error(body: usize, id: Option<&String>) -> Attempt {
    let with_id = id.map(|id| format!(r#"{{"success":true,"record":{{"id":"{id}"}}}}"#));
    match body % 4 {
        0 => responded(502, PAGE),
        1 => responded(
            500,
            r#"{"status":500,"error":"Internal Server Error","path":"/send/single"}"#,
        ),
        2 => responded(503, &with_id.unwrap_or_default()),
        _ => responded(500, r#"{"code":500,"message":"Recipient is opted out"}"#),
    }
}

fn responded(status: u16, body: &str) -> Attempt {
    Attempt::Response { status, body: body.into() }
}

/// Whether there is such a number: the range is reserved for drama.
pub(crate) fn exists(recipient: &str) -> bool {
    let number = digits(recipient);
    number.starts_with("447700900") && number.len() == 12
}

/// One number, however it is written.
pub(crate) fn digits(number: &str) -> String {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    digits.strip_prefix("00").unwrap_or(&digits).to_owned()
}
