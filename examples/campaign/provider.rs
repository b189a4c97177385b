//! A provider to try the outbox on: it responds as Mobivate does, fails in every known way, and knows
//! what is true.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use mobivate_response::{DeliveryStatus, StopReason};

use crate::sender::{Attempt, Claim, Outbox, State, number};

/// What goes wrong with a request, or from it on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    /// The sender is killed before it sends this one, or after it; then it starts again.
    Killed { sent: bool },
    /// The request arrives, or does not; no response comes.
    Lost { arrived: bool },
    /// The client finds out before it sends: no address, a refused connection.
    NotSent,
    /// The response is truncated after so many bytes of it, counted round and round.
    Truncated(usize),
    /// A server error, before or after the message was accepted, with one of the known bodies.
    ServerError { accepted: bool, body: usize },
    /// A status that leaves the outcome open, with an empty body.
    Unclear { accepted: bool, status: u16 },
    /// The message is accepted, and the response has its id under an error status.
    ErrorWithId { status: u16 },
    /// A proxy or a firewall responds with a page of its own; nothing arrives.
    Page { status: u16 },
    /// From here on so many requests are too fast.
    SlowDown(u32),
    /// From here on so many requests meet an outage.
    Outage(u32),
    /// So many requests get a server error that says of everybody that they opted out.
    OptOutStoreDown(u32),
    /// From here on everybody is opted out by mistake, until an operator fixes this.
    OptOutListBroken,
    /// From here on so many accepted messages are rejected later, for want of credit.
    NoCreditLater(u32),
    /// Every request is rejected from here on, until an operator fixes this.
    Broken(Account),
    /// The first recipient of this request opts out just before.
    OptsOut,
    /// Recipients who opted out are accepted like any other and dropped silently.
    DropsSilently,
    /// The response states another count than was sent.
    OddCount,
    /// The outcome is recorded a second time, after the next claim.
    RecordedTwice,
}

/// What an operator must fix.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Account {
    Key,
    Permission,
    Credit,
    Url,
    /// The sender ID is not allowed, and a 400 says so, or a `success` that is false.
    SenderId,
    SenderIdUnsuccessful,
}

impl Account {
    fn error(self) -> (u16, &'static str) {
        match self {
            Self::Key => (401, r#"{"code":401,"message":"Unauthorized"}"#),
            Self::Permission => (403, NO_PERMISSION),
            Self::Credit => (402, r#"{"code":402,"message":"Out of Credit - Insufficient funds"}"#),
            Self::Url => (404, r#"{"code":404,"message":"Not Found"}"#),
            Self::SenderId => (400, r#"{"errors":[{"message":"originator not allowed"}]}"#),
            Self::SenderIdUnsuccessful => {
                (200, r#"{"success":false,"message":"originator not allowed"}"#)
            }
        }
    }
}

const NO_PERMISSION: &str = r#"{"title":"Forbidden","status":403,"detail":"API Key is not permitted to perform this action. (create:SingleSMS)"}"#;

/// What a request met, in truth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Met {
    Accepted,
    /// Somebody had opted out, or counts as opted out by mistake.
    OptedOut,
    /// Something about this request: no such number, or too fast, or a sender ID that is not allowed.
    Rejected,
    /// An outage, or an account that an operator must fix: every request fails the same way.
    Trouble,
    /// Something on the way, and no more than that.
    Nothing,
}

/// The provider and its true state.
#[derive(Clone, Debug, Default)]
pub(crate) struct Provider {
    /// Numbers that opted out.
    pub(crate) opted_out: BTreeSet<String>,
    /// Numbers that counted as opted out by mistake, and were said to be.
    pub(crate) by_mistake: BTreeSet<String>,
    /// The ids under which each message was accepted and sent on, by its reference.
    pub(crate) texted: BTreeMap<String, Vec<String>>,
    /// Accepted, and then rejected or dropped.
    pub(crate) dropped: BTreeSet<String>,
    /// What it posts to the webhook next.
    pub(crate) receipts: VecDeque<(String, DeliveryStatus)>,
    /// The requests that there were.
    pub(crate) requests: usize,
    /// The requests for numbers that a complete response had said of that they opted out.
    pub(crate) after_opt_out: usize,
    named: BTreeSet<String>,
    pub(crate) broken: Option<Account>,
    pub(crate) list_broken: bool,
    too_fast: u32,
    outage: u32,
    store_down: u32,
    no_credit: u32,
}

impl Provider {
    /// A provider in good order, with which these numbers have opted out.
    pub(crate) fn new(opted_out: BTreeSet<String>) -> Self {
        Self { opted_out, ..Self::default() }
    }

    /// Takes a request, and says what the client gets of the response, what is true, and whether the
    /// client can know: by a complete response that does not contradict itself and is no server error,
    /// or since nothing was sent.
    pub(crate) fn send(&mut self, claim: &Claim, fault: Option<Fault>) -> (Attempt, Met, bool) {
        self.requests += 1;
        let numbers = claim.messages.iter().map(|(_, recipient)| number(recipient));
        self.after_opt_out += numbers.filter(|number| self.named.contains(number)).count();
        let first = claim.messages.first().map(|(_, recipient)| number(recipient));
        match fault {
            Some(Fault::Broken(account)) => self.broken = Some(account),
            Some(Fault::SlowDown(requests)) => self.too_fast = requests,
            Some(Fault::Outage(requests)) => self.outage = requests,
            Some(Fault::OptOutStoreDown(requests)) => self.store_down = requests,
            Some(Fault::NoCreditLater(messages)) => self.no_credit = messages,
            Some(Fault::OptOutListBroken) => self.list_broken = true,
            Some(Fault::OptsOut) => self.opted_out.extend(first.clone()),
            _ => {}
        }
        if self.outage > 0 {
            self.outage -= 1;
            let attempt = self.outage_response();
            let is_clear = matches!(attempt, Attempt::NotSent(_));
            return (attempt, Met::Trouble, is_clear);
        }
        let on_the_way = match fault {
            Some(Fault::NotSent) => Some(Attempt::NotSent("connection refused".into())),
            Some(Fault::Lost { arrived: false }) => Some(Attempt::NoResponse("reset".into())),
            Some(Fault::Page { status }) => Some(response(status, PAGE)),
            Some(Fault::ServerError { accepted: false, body }) => Some(server_error(body, None)),
            Some(Fault::Unclear { accepted: false, status }) => Some(response(status, "")),
            _ => None,
        };
        if let Some(attempt) = on_the_way {
            let is_clear = matches!(attempt, Attempt::NotSent(_));
            return (attempt, Met::Nothing, is_clear);
        }
        let (status, body, met) = self.respond(claim, fault);
        let id = format!("{:032x}", self.requests);
        let accepted = met == Met::Accepted;
        let is_clear = status < 500 && fault != Some(Fault::OddCount);
        let attempt = match fault {
            Some(Fault::Lost { .. }) => Attempt::NoResponse("timeout".into()),
            Some(Fault::Truncated(at)) => {
                let body = body.as_bytes().get(..at % body.len()).unwrap_or_default();
                Attempt::Response { status, body: body.into() }
            }
            Some(Fault::ServerError { body, .. }) if accepted => server_error(body, Some(&id)),
            Some(Fault::Unclear { status, .. }) if accepted => response(status, ""),
            Some(Fault::ErrorWithId { status }) if accepted => {
                response(status, &format!(r#"{{"message":"Slow down","id":"{id}"}}"#))
            }
            _ => {
                if met == Met::OptedOut && claim.messages.len() == 1 && status < 500 {
                    self.named.extend(first);
                }
                return (response(status, &body), met, is_clear);
            }
        };
        (attempt, met, false)
    }

    /// What the provider responds, before anything happens to it on the way.
    fn respond(&mut self, claim: &Claim, fault: Option<Fault>) -> (u16, String, Met) {
        let n = self.requests;
        let numbers: Vec<_> =
            claim.messages.iter().map(|(_, recipient)| number(recipient)).collect();
        if self.broken == Some(Account::Url) {
            let (status, body) = Account::Url.error();
            return (status, body.into(), Met::Trouble);
        }
        if self.too_fast > 0 {
            self.too_fast -= 1;
            let body = r#"{"code":429,"message":"Slow down - Rate limit exceeded."}"#;
            return (429, body.into(), Met::Rejected);
        }
        if !numbers.iter().all(|number| exists(number)) {
            let body = r#"{"success":false,"errors":[{"message":"Invalid mobile number"}]}"#;
            return (400, body.into(), Met::Rejected);
        }
        if let Some(account) = self.broken {
            let (status, body) = account.error();
            let is_request = matches!(status, 200 | 400);
            return (status, body.into(), if is_request { Met::Rejected } else { Met::Trouble });
        }
        if self.store_down > 0 {
            self.store_down -= 1;
            let body = format!(
                r#"{{"code":500,"message":"Recipient is opted out: {}"}}"#,
                numbers.concat()
            );
            return (500, body, Met::Trouble);
        }
        let drops = fault == Some(Fault::DropsSilently);
        let is_out = |number: &&String| self.list_broken || self.opted_out.contains(*number);
        if let Some(number) = numbers.iter().find(is_out).filter(|_| !drops).cloned() {
            if !self.opted_out.contains(&number) {
                self.by_mistake.extend(numbers);
            }
            return (403, notice(n, &number), Met::OptedOut);
        }
        let id = format!("{n:032x}");
        for ((reference, _), number) in claim.messages.iter().zip(&numbers) {
            let rejected = self.no_credit > 0;
            self.no_credit = self.no_credit.saturating_sub(1);
            if rejected || self.opted_out.contains(number) {
                self.dropped.insert(reference.clone());
            } else {
                self.texted.entry(reference.clone()).or_default().push(id.clone());
            }
            if rejected {
                let name =
                    if n % 2 == 0 { "LIMITS_EXCEEDED" } else { "FAILED_INSUFFICIENT_CREDIT" };
                self.receipts.push_back((reference.clone(), DeliveryStatus::from_name(name)));
            } else if !self.opted_out.contains(number) && n % 3 != 0 {
                // They come in any order.
                for status in [DeliveryStatus::Delivered, DeliveryStatus::Pending] {
                    self.receipts.push_back((reference.clone(), status));
                }
            }
        }
        let count = numbers.len() + usize::from(fault == Some(Fault::OddCount));
        (200, success(n, &id, claim, count), Met::Accepted)
    }

    fn outage_response(&self) -> Attempt {
        match self.requests % 4 {
            0 => Attempt::NoResponse("timeout".into()),
            1 => response(502, PAGE),
            2 => response(200, PAGE),
            _ => Attempt::NotSent("connection refused".into()),
        }
    }

    /// Plays the operator, whom a stop or an end of the queue alerts.
    pub(crate) fn operate(&mut self, outbox: &mut Outbox, stop: Option<StopReason>, since: u64) {
        if stop == Some(StopReason::OptOuts) && self.list_broken {
            self.list_broken = false;
            outbox.undo_suppressions(since);
            self.named.clear();
        }
        self.broken = None;
        self.no_credit = 0;
        let fixed = outbox.messages.iter().filter(|(_, message)| match &message.state {
            State::NeedsFix(_) => exists(&number(&message.recipient)),
            _ => false,
        });
        for reference in fixed.map(|(reference, _)| reference.clone()).collect::<Vec<_>>() {
            outbox.mark_fixed(&reference);
        }
        // After a stop for the service, a probe is sent instead.
        if stop != Some(StopReason::Service) {
            outbox.circuit_breaker.reset();
        }
    }

    /// Plays the lookup in the message log. It does not find all that it should.
    pub(crate) fn look_up(&self, outbox: &mut Outbox) {
        for (reference, ids) in &self.texted {
            if let Some(id) = ids.last().filter(|id| !id.ends_with(['0', '5', 'a', 'f'])) {
                outbox.mark_found(reference, id);
            }
        }
    }

    /// What must not happen, and how often it did, by what the provider knows and the outbox says.
    pub(crate) fn harm(&self, outbox: &Outbox) -> [(&'static str, usize); 4] {
        let is_lost = |(reference, state): (&String, &State)| match state {
            State::Accepted(_) => {
                !self.texted.contains_key(reference) && !self.dropped.contains(reference)
            }
            State::NeedsLookup(_) => false,
            State::Queued | State::Suppressed | State::RetryLater | State::NeedsFix(_) => {
                self.texted.contains_key(reference)
            }
        };
        let suppressed = outbox.suppressed.keys().filter(|number| {
            !self.opted_out.contains(*number) && !self.by_mistake.contains(*number)
        });
        let states = outbox.messages.iter().map(|(reference, message)| (reference, &message.state));
        [
            ("texted twice", self.texted.values().filter(|ids| ids.len() > 1).count()),
            ("texted after an opt-out", self.after_opt_out),
            ("suppressed without a notice", suppressed.count()),
            ("lost", states.filter(|one| is_lost(*one)).count()),
        ]
    }
}

const PAGE: &str = "<html><head><title>502 Bad Gateway</title></head><body></body></html>";

/// An opt-out notice, as Mobivate, a framework or a proxy puts it.
fn notice(n: usize, number: &str) -> String {
    let text = match n % 5 {
        0 => format!("Recipient is opted out: +{number}"),
        1 => "Recipient is opted out: 44XXXXXXXX".into(),
        2 => "No - recipients are opted out: 447700900999".into(),
        3 => "RECIPIENT_OPTED_OUT".into(),
        _ => format!("Recipient has been opted out: {number}"),
    };
    match n % 4 {
        0 => format!(r#"{{"code":403,"message":"{text}"}}"#),
        1 => format!(r#"{{"error":{{"code":403,"message":"{text}"}}}}"#),
        2 => format!(r#"{{"message":"Forbidden","errors":["{text}"]}}"#),
        _ => format!(r#"{{"title":"Forbidden","status":403,"detail":"{text}"}}"#),
    }
}

fn success(n: usize, id: &str, claim: &Claim, count: usize) -> String {
    // The echo of our own text says that somebody opted out, and ends in half an emoji.
    let echo = r"If the recipient is opted out: STOP \ud83d";
    if claim.messages.len() > 1 || n % 3 == 0 {
        return format!(r#"{{"success":true,"record":{{"id":"{id}","recipientCount":{count}}}}}"#);
    }
    let count = if count == 1 { String::new() } else { format!(r#""recipientCount":{count},"#) };
    format!(r#"{{{count}"id":"{id}","body":"{echo}","routeId":"mglobal","campaignId":null}}"#)
}

fn server_error(body: usize, id: Option<&str>) -> Attempt {
    let with_id = id.map(|id| format!(r#"{{"success":true,"record":{{"id":"{id}"}}}}"#));
    match body % 4 {
        0 => response(502, PAGE),
        1 => response(500, r#"{"status":500,"error":"Internal Server Error"}"#),
        2 => response(503, &with_id.unwrap_or_default()),
        _ => response(500, r#"{"code":500,"message":"Recipient is opted out"}"#),
    }
}

fn response(status: u16, body: &str) -> Attempt {
    Attempt::Response { status, body: body.into() }
}

/// Whether there is such a number: the range is reserved for drama.
pub(crate) fn exists(number: &str) -> bool {
    number.starts_with("447700900") && number.len() == 12
}
