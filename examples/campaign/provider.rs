//! A provider to try the sender on: it answers as Mobivate does, fails in every known way, and
//! knows what is true.

use std::collections::{BTreeMap, BTreeSet};

use crate::sender::{Attempt, Outbox, Sender, State, Text};

/// What goes wrong with a request, or from it on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    /// The sender is killed before it sends this one, or after it; then it starts again.
    Killed {
        /// Whether the request went out before.
        sent: bool,
    },
    /// The request arrives, or does not; no response comes.
    Lost {
        /// Whether it arrived.
        arrived: bool,
    },
    /// The client finds out before it sends: no address, a refused or stale connection.
    NotSent,
    /// The response breaks off after so many bytes of it, counted round and round.
    Cut(usize),
    /// A server error with one of the known bodies, before or after the message was accepted.
    ServerError {
        /// Whether the message was accepted.
        accepted: bool,
        /// Which of the bodies.
        body: usize,
    },
    /// Instead of the response a status that neither accepts nor refuses, with an empty body.
    Unclear {
        /// Whether the message was accepted.
        accepted: bool,
        /// Such as 408.
        status: u16,
    },
    /// The message is accepted, and the response has its id under a status that refuses.
    RefusedWithId {
        /// Such as 429.
        status: u16,
    },
    /// A proxy or a firewall answers with a page of its own; nothing arrives.
    Page {
        /// Such as 403.
        status: u16,
    },
    /// From here on so many requests are too fast.
    SlowDown(u32),
    /// From here on so many requests meet an outage.
    Outage(u32),
    /// So many requests are answered by a server error that says of everybody that they opted out.
    OptOutStoreDown(u32),
    /// Every request is refused from here on, until a person mends this.
    Broken(Account),
    /// The recipient of this request opts out just before.
    OptsOut,
    /// If the recipient opted out, the text is accepted like any other and dropped without a word.
    DropsQuietly,
}

/// What a person must mend.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Account {
    /// The key was revoked.
    Key,
    /// The key lost the permission to send.
    Permission,
    /// There is no credit left.
    Credit,
    /// The address of the API is wrong.
    Address,
}

impl Account {
    fn refusal(self) -> (u16, &'static str) {
        match self {
            Self::Key => (401, r#"{"code":401,"message":"Unauthorized"}"#),
            Self::Permission => (403, NO_PERMISSION),
            Self::Credit => (402, r#"{"code":402,"message":"Out of Credit - Insufficient funds"}"#),
            Self::Address => (404, r#"{"code":404,"message":"Not Found"}"#),
        }
    }
}

const NO_PERMISSION: &str =
    r#"{"error":"API Key is not permitted to perform this action. (create:SingleSMS)"}"#;

/// What the provider knows of a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Truth {
    /// What the request met.
    pub(crate) met: Met,
    /// Whether the sender could know: by an unbroken response that does not contradict itself and is
    /// no server error, or since nothing left.
    pub(crate) clear: bool,
}

/// What a request met.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Met {
    /// The message was accepted.
    Accepted,
    /// The recipient had opted out.
    OptedOut,
    /// There is no such number.
    NoSuchNumber,
    /// It was too fast.
    TooFast,
    /// An outage, or an account that a person must mend: every request fares alike.
    Trouble,
    /// Something on the way, and no more than that.
    Nothing,
}

/// The provider and its true state.
#[derive(Clone, Debug, Default)]
pub(crate) struct Provider {
    /// Numbers that opted out.
    pub(crate) opted_out: BTreeSet<String>,
    /// The ids under which each text was accepted, by its reference.
    pub(crate) accepted: BTreeMap<String, Vec<String>>,
    /// The requests that there were.
    pub(crate) requests: usize,
    /// The requests for numbers of which an unbroken response had said that they opted out.
    pub(crate) after_opt_out: usize,
    /// Numbers of which an unbroken response said that they opted out.
    named: BTreeSet<String>,
    broken: Option<Account>,
    too_fast: u32,
    outage: u32,
    store_down: u32,
}

impl Provider {
    /// A provider in good order, with which these numbers have opted out.
    pub(crate) fn new(opted_out: BTreeSet<String>) -> Self {
        Self { opted_out, ..Self::default() }
    }

    /// Takes a request, and says what the client gets of the response and what is true.
    pub(crate) fn send(&mut self, text: &Text, fault: Option<Fault>) -> (Attempt, Truth) {
        self.requests += 1;
        self.after_opt_out += usize::from(self.named.contains(&digits(&text.recipient)));
        match fault {
            Some(Fault::Broken(account)) => self.broken = Some(account),
            Some(Fault::SlowDown(requests)) => self.too_fast = requests,
            Some(Fault::Outage(requests)) => self.outage = requests,
            Some(Fault::OptOutStoreDown(requests)) => self.store_down = requests,
            Some(Fault::OptsOut) => {
                self.opted_out.insert(digits(&text.recipient));
            }
            _ => {}
        }
        let (met, on_the_way) = if self.outage > 0 {
            self.outage -= 1;
            (Met::Trouble, Some(self.outage_response()))
        } else {
            let sent = match fault {
                Some(Fault::NotSent) => Some(Attempt::NotSent("connection refused".into())),
                Some(Fault::Lost { arrived: false }) => Some(Attempt::NoResponse("reset".into())),
                Some(Fault::Page { status }) => Some(answered(status, PAGE)),
                Some(Fault::ServerError { accepted: false, body }) => {
                    Some(server_error(body, None))
                }
                Some(Fault::Unclear { accepted: false, status }) => Some(answered(status, "")),
                _ => None,
            };
            (Met::Nothing, sent)
        };
        if let Some(sent) = on_the_way {
            let clear = matches!(sent, Attempt::NotSent(_));
            return (sent, Truth { met, clear });
        }
        let (status, body, met) = self.response(text, fault == Some(Fault::DropsQuietly));
        let id = self.accepted.get(&text.reference).and_then(|ids| ids.last());
        let damaged = match (fault, id) {
            (Some(Fault::Lost { .. }), _) => Some(Attempt::NoResponse("time limit".into())),
            (Some(Fault::Cut(at)), _) => {
                let cut = body.as_bytes().get(..at % body.len()).unwrap_or_default();
                Some(Attempt::Response { status, body: cut.into() })
            }
            (Some(Fault::ServerError { body, .. }), Some(id)) => Some(server_error(body, Some(id))),
            (Some(Fault::Unclear { status, .. }), Some(_)) => Some(answered(status, "")),
            (Some(Fault::RefusedWithId { status }), Some(id)) => {
                Some(answered(status, &format!(r#"{{"message":"Slow down","id":"{id}"}}"#)))
            }
            _ => None,
        };
        let clear = damaged.is_none() && status < 500;
        if clear && met == Met::OptedOut {
            self.named.insert(digits(&text.recipient));
        }
        (damaged.unwrap_or_else(|| answered(status, &body)), Truth { met, clear })
    }

    /// What the provider answers, before anything happens to it on the way.
    fn response(&mut self, text: &Text, drops_quietly: bool) -> (u16, String, Met) {
        let (number, n) = (digits(&text.recipient), self.requests);
        if self.broken == Some(Account::Address) {
            let (status, body) = Account::Address.refusal();
            return (status, body.into(), Met::Trouble);
        }
        if self.too_fast > 0 {
            self.too_fast -= 1;
            let body = r#"{"code":429,"message":"Slow down - Rate limit exceeded."}"#;
            return (429, body.into(), Met::TooFast);
        }
        if !exists(&number) {
            let body = r#"{"code":400,"message":"Invalid mobile number"}"#;
            return (400, body.into(), Met::NoSuchNumber);
        }
        if let Some(account) = self.broken {
            let (status, body) = account.refusal();
            return (status, body.into(), Met::Trouble);
        }
        if self.store_down > 0 {
            self.store_down -= 1;
            let body = format!(r#"{{"code":500,"message":"Recipient is opted out: {number}"}}"#);
            return (500, body, Met::Trouble);
        }
        if self.opted_out.contains(&number) && !drops_quietly {
            let named = match n % 4 {
                0 => format!(": +{number}"),
                1 => ": 44XXXXXXXX".into(),
                2 => ": 447700900999".into(),
                _ => String::new(),
            };
            let body = format!(r#"{{"code":403,"message":"Recipient is opted out{named}"}}"#);
            return (403, body, Met::OptedOut);
        }
        let id = format!("{n:032x}");
        self.accepted.entry(text.reference.clone()).or_default().push(id.clone());
        let reference = &text.reference;
        // The echo of our own text says that somebody opted out, and ends in half an emoji.
        let echo = r"If the recipient is opted out: STOP \ud83d";
        let body = match n % 3 {
            0 => format!(r#"{{"success":true,"record":{{"id":"{id}","type":"SingleSMS"}}}}"#),
            1 => format!(
                r#"{{"id":"{id}","originator":"Bistro","recipient":"{number}","body":"{echo}","routeId":"mglobal","reference":"{reference}","campaignId":null}}"#
            ),
            _ => format!(
                r#"{{"text":"{echo}","recipient":"{number}","reference":"{reference}","shortenUrls":true,"id":"{id}"}}"#
            ),
        };
        (200, body, Met::Accepted)
    }

    fn outage_response(&self) -> Attempt {
        match self.requests % 4 {
            0 => Attempt::NoResponse("time limit".into()),
            1 => answered(502, PAGE),
            2 => answered(200, PAGE),
            _ => Attempt::NotSent("connection refused".into()),
        }
    }

    /// Plays the person: mends the account, has sent again what waited for it, and says what was
    /// broken. A text that was refused because its number does not exist stays where it is.
    pub(crate) fn mend(&mut self, sender: &mut Sender) -> Option<Account> {
        let mended = sender.outbox.texts.values().filter(|text| match &text.state {
            State::NeedsFix(why) => exists(&text.recipient) || !why.starts_with("bad request"),
            _ => false,
        });
        for reference in mended.map(|text| text.reference.clone()).collect::<Vec<_>>() {
            sender.mended(&reference);
        }
        self.broken.take()
    }

    /// Plays the look-up in the message history. What it does not find may be accepted all the
    /// same, as some are here.
    pub(crate) fn look_up(&self, sender: &mut Sender) {
        for (reference, ids) in &self.accepted {
            let found = ids.last().filter(|id| !id.ends_with(['0', '5', 'a', 'f']));
            let text = sender.outbox.texts.get(reference);
            let asked = text.is_some_and(|text| matches!(text.state, State::NeedsLookup(_)));
            if let (true, Some(id)) = (asked, found) {
                sender.found(reference, id.clone());
            }
        }
    }

    /// What must not happen, and how often it did, by what the provider knows and the outbox say.
    pub(crate) fn harm(&self, outbox: &Outbox) -> [(&'static str, usize); 4] {
        let lost = |text: &&Text| {
            let ids = self.accepted.get(&text.reference);
            match &text.state {
                State::Accepted(id) => ids.is_none_or(|ids| !ids.contains(id)),
                State::NeedsLookup(_) => false,
                State::Queued | State::Suppressed | State::RetryLater | State::NeedsFix(_) => {
                    ids.is_some()
                }
            }
        };
        [
            ("texted twice", self.accepted.values().filter(|ids| ids.len() > 1).count()),
            ("texted after an opt-out", self.after_opt_out),
            ("suppressed without one", outbox.suppressed.difference(&self.opted_out).count()),
            ("lost", outbox.texts.values().filter(lost).count()),
        ]
    }
}

const PAGE: &str = "<html><head><title>502 Bad Gateway</title></head><body></body></html>";

fn server_error(body: usize, id: Option<&String>) -> Attempt {
    let with_id = id.map(|id| format!(r#"{{"success":true,"record":{{"id":"{id}"}}}}"#));
    match body % 4 {
        0 => answered(502, PAGE),
        1 => {
            answered(500, r#"{"status":500,"error":"Internal Server Error","path":"/send/single"}"#)
        }
        2 => answered(503, &with_id.unwrap_or_default()),
        _ => answered(500, r#"{"code":500,"message":"Recipient is opted out"}"#),
    }
}

fn answered(status: u16, body: &str) -> Attempt {
    Attempt::Response { status, body: body.into() }
}

/// Whether there is such a number: the range is reserved for drama.
pub(crate) fn exists(recipient: &str) -> bool {
    let number = digits(recipient);
    number.starts_with("447700900") && number.len() == 12
}

/// One number, however it is written.
pub(crate) fn digits(number: &str) -> String {
    number.chars().filter(char::is_ascii_digit).collect()
}
