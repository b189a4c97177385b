//! A provider that fails in every known way, and knows what's true.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by a panic")]

use std::collections::{BTreeMap, BTreeSet};

use mobivate_response::{DeliveryStatus, Failure, FailureKind};
use recipes::{
    opt_out_list::international,
    outbox::{self, Outbox, State, Which},
    receipts::StatusUpdate,
    response::Response,
};
use serde_json::Value;

/// A sequence that's the same for the same seed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// The next number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    /// One of these.
    pub(crate) fn of<T: Copy>(&mut self, all: &[T]) -> T {
        let index = usize::try_from(self.below(all.len() as u64)).unwrap();
        all[index]
    }

    /// Whether something with these odds in 100 happens.
    pub(crate) fn is(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// What's wrong with every request until it ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Trouble {
    Outage,
    OptOutStoreFails,
    TooFast,
    Key,
    Permission,
    Credit,
    Url,
    SenderId,
    Balance,
    /// Everybody "opted out".
    OptOutList,
    /// Messages are accepted, and fail later.
    FailsLater(&'static str),
}

use Trouble::{FailsLater, OptOutList, OptOutStoreFails, Outage, TooFast};

impl Trouble {
    /// Each with the response to all requests. `None`: it has no response of its own.
    pub(crate) const ALL: [(Self, Option<(u16, &str)>); 12] = [
        (Outage, None),
        (OptOutList, None),
        (FailsLater("FAILED_INSUFFICIENT_CREDIT"), None),
        (FailsLater("LIMITS_EXCEEDED"), None),
        (OptOutStoreFails, Some((500, r#"{"code":500,"message":"Recipient is opted out"}"#))),
        (TooFast, Some((429, r#"{"code":429,"message":"Slow down - Rate limit exceeded."}"#))),
        (Self::Key, Some((401, r#"{"code":401,"message":"Unauthorized"}"#))),
        (Self::Permission, Some((403, r#"{"error":"API Key is not permitted. (create:SMS)"}"#))),
        (Self::Credit, Some((402, r#"{"code":402,"message":"Out of Credit"}"#))),
        (Self::Url, Some((404, r#"{"code":404,"message":"Not Found"}"#))),
        (Self::SenderId, Some((400, r#"{"code":400,"message":"Originator not allowed"}"#))),
        (Self::Balance, Some((200, r#"{"success":false,"message":"Insufficient balance"}"#))),
    ];

    /// Whether time ends it, and not an operator.
    pub(crate) fn passes(self) -> bool {
        matches!(self, Outage | OptOutStoreFails | TooFast)
    }

    /// The operator fixes it, and has sent again what waits for it. Returns the recipients who aren't
    /// suppressed any more, since the opt-out list was broken.
    pub(crate) async fn fix(
        trouble: Option<Self>,
        outbox: &Outbox,
        since: i64,
        now: i64,
    ) -> outbox::Result<Vec<String>> {
        let mut undone = outbox.suppressions().await?;
        if trouble == Some(OptOutList) {
            let (count, _) = outbox.undo_suppressions(since, now).await?;
            let left = outbox.suppressions().await?;
            undone.retain(|entry| !left.contains(entry));
            assert_eq!(undone.len() as u64, count);
        } else {
            undone.clear();
        }
        outbox.reset(now).await?;
        for message in outbox.list(State::NeedsFix, i64::MAX, i64::MAX).await? {
            if exists(&message.recipient) {
                assert_eq!(outbox.fixed(Which::One(&message.reference), now).await?, 1);
            }
        }
        Ok(undone.into_iter().map(|(recipient, ..)| recipient).collect())
    }
}

/// What goes wrong with one request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    NotSent,
    Lost {
        arrived: bool,
    },
    Truncated,
    ServerError {
        arrived: bool,
    },
    Unclear(u16, bool),
    RejectedWithId(u16),
    /// A gateway's response. Nothing arrives.
    Gateway(u16, &'static str),
    /// The recipient is opted out, and the message accepted and dropped without a word.
    Dropped,
}

const PAGE: &str = "<html><head><title>502 Bad Gateway</title></head><body></body></html>";

/// The faults. Responses of gateways look like opt-outs, and aren't.
pub(crate) const FAULTS: [Fault; 23] = [
    Fault::NotSent,
    Fault::NotSent,
    Fault::Lost { arrived: true },
    Fault::Lost { arrived: false },
    Fault::Truncated,
    Fault::Truncated,
    Fault::ServerError { arrived: true },
    Fault::ServerError { arrived: false },
    Fault::Unclear(408, true),
    Fault::Unclear(409, false),
    Fault::Unclear(302, true),
    Fault::Unclear(200, true),
    Fault::RejectedWithId(429),
    Fault::RejectedWithId(403),
    Fault::RejectedWithId(400),
    Fault::Gateway(429, "Too many requests"),
    Fault::Gateway(400, r#"{"message":["originator must be shorter"]}"#),
    Fault::Gateway(413, ""),
    Fault::Gateway(403, "error code: 1020"),
    Fault::Gateway(403, "<html><title>Attention</title>Recipient is opted out</html>"),
    Fault::Gateway(403, r#"{"message":"The API key is invalid or the recipient is opted out"}"#),
    Fault::Gateway(403, r#"{"error":"RECIPIENT_OPTED_OUT_CHECK_FAILED"}"#),
    Fault::Dropped,
];

/// What's true of a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Truth {
    Accepted,
    /// The response says clearly that it wasn't sent.
    Rejected,
    /// Rejected clearly, and the same request may pass after a wait.
    Wait,
    OptedOut,
    /// Nobody can tell from the response whether it was accepted.
    Unclear,
}

/// The provider.
#[derive(Debug, Default)]
pub(crate) struct Provider {
    pub(crate) random: Random,
    pub(crate) trouble: Option<Trouble>,
    pub(crate) opted_out: BTreeSet<String>,
    /// How often each message was accepted, and its latest final status.
    pub(crate) accepted: BTreeMap<String, (usize, Option<FailureKind>, bool)>,
    /// The receipts that are still to come, with their times.
    pub(crate) receipts: Vec<(i64, StatusUpdate)>,
    pub(crate) requests: usize,
    /// How many attempts of each message may have been accepted, as far as a sender can know.
    pub(crate) maybe: BTreeMap<String, usize>,
    /// The duplicates that an operator has allowed.
    pub(crate) allowed: BTreeMap<String, usize>,
    /// When each message was last claimed, and when a recipient opted in again.
    pub(crate) claimed: BTreeMap<String, (i64, String)>,
    pub(crate) opted_in: BTreeMap<String, i64>,
    /// The time of the last undone suppressions.
    pub(crate) undone_at: i64,
    /// Messages that were rejected clearly, and whether it was by trouble that nobody has fixed.
    pub(crate) rejected: BTreeMap<String, bool>,
    /// Recipients of whom the outbox knows that they opted out.
    pub(crate) told: BTreeSet<String>,
    /// Messages that were sent again without an operator's permission, or after an opt-out.
    pub(crate) harm: (usize, usize),
}

/// The reference and the recipient of a request.
pub(crate) fn parse(request: &str) -> (String, String) {
    let json: Value = serde_json::from_str(request).unwrap_or_default();
    let text = |key| json.get(key).and_then(Value::as_str).unwrap_or_default();
    (text("reference").to_owned(), international(text("recipient")).unwrap())
}

/// The JSON of a send.
pub(crate) fn request(reference: &str, recipient: &str) -> String {
    format!(
        r#"{{"originator":"Bistro","recipient":"{recipient}","body":"Hello","reference":"{reference}"}}"#
    )
}

fn exists(recipient: &str) -> bool {
    recipient.len() == 12
}

#[expect(clippy::unnecessary_wraps, reason = "as a client returns it")]
fn response(status: u16, body: impl Into<String>) -> Result<Response, Failure<'static>> {
    Ok(Response { status, body: body.into().into_bytes(), retry_after: None })
}

impl Provider {
    pub(crate) fn new(seed: u64) -> Self {
        Self { random: Random(seed), ..Self::default() }
    }

    /// A worker has claimed this, and may send it from here on.
    pub(crate) fn begins(&mut self, request: &str, now: i64) {
        let (reference, recipient) = parse(request);
        assert_ne!(self.rejected.get(&reference), Some(&true), "sent again, and not fixed");
        let maybe = self.maybe.entry(reference.clone()).or_default();
        let allowed = self.allowed.entry(reference.clone()).or_default();
        self.harm.0 += usize::from(*maybe > 0 && *allowed == 0);
        *allowed = allowed.saturating_sub(usize::from(*maybe > 0));
        *maybe += 1;
        self.harm.1 += usize::from(self.told.contains(&recipient));
        self.claimed.insert(reference, (now, recipient));
    }

    /// The outbox has recorded the outcome.
    pub(crate) fn recorded(&mut self, request: &str, truth: Truth) {
        let (reference, _) = parse(request);
        let is_void = self.is_void(&reference, self.undone_at);
        let maybe = self.maybe.entry(reference.clone()).or_default();
        if matches!(truth, Truth::Rejected | Truth::Wait | Truth::OptedOut) {
            *maybe = maybe.saturating_sub(1);
        }
        // An allowed duplicate that wasn't sent is still allowed.
        let is_open = truth == Truth::Wait || truth == Truth::OptedOut && is_void;
        if is_open && *maybe > 0 {
            *self.allowed.entry(reference.clone()).or_default() += 1;
        }
        if truth == Truth::OptedOut && !is_void {
            self.tells(&reference);
        }
        let row = Trouble::ALL.iter().find(|(trouble, _)| Some(*trouble) == self.trouble);
        if truth == Truth::Rejected {
            self.rejected.insert(reference, row.is_some_and(|(_, response)| response.is_some()));
        }
    }

    /// The outbox was told that the recipient of this message opted out.
    pub(crate) fn tells(&mut self, reference: &str) {
        if !self.is_void(reference, 0) {
            self.told.insert(self.claimed[reference].1.clone());
        }
    }

    /// Whether what's reported of the recipient is out of date.
    fn is_void(&self, reference: &str, undone_at: i64) -> bool {
        let (claimed, recipient) = &self.claimed[reference];
        *claimed <= undone_at || self.opted_in.get(recipient).is_some_and(|at| claimed <= at)
    }

    /// The operator fixes what's wrong with the account.
    pub(crate) fn fixes(&mut self) {
        self.rejected.values_mut().for_each(|is_open| *is_open = false);
    }

    /// Somebody opts in again, or an operator says so.
    pub(crate) fn opts_in(&mut self, recipient: &str, now: i64) {
        self.told.remove(recipient);
        self.opted_in.insert(recipient.to_owned(), now);
    }

    /// Takes a request, and returns what the client gets and what's true.
    pub(crate) fn send(
        &mut self,
        request: &str,
        fault: Option<Fault>,
        now: i64,
    ) -> (Result<Response, Failure<'static>>, Truth) {
        self.requests += 1;
        let (reference, recipient) = parse(request);
        let no_response = || Err(Failure::new(FailureKind::NoResponse, "timeout"));
        let not_sent = Err(Failure::new(FailureKind::NotSent, "connection refused"));
        if self.trouble == Some(Outage) {
            return match self.random.below(4) {
                0 => (no_response(), Truth::Unclear),
                1 => (response(502, PAGE), Truth::Unclear),
                2 => (response(200, PAGE), Truth::Unclear),
                _ => (not_sent, Truth::Wait),
            };
        }
        match fault {
            Some(Fault::NotSent) => return (not_sent, Truth::Wait),
            Some(Fault::Lost { arrived: false }) => return (no_response(), Truth::Unclear),
            Some(Fault::ServerError { arrived: false }) => {
                return (response(500, r#"{"error":"Internal Server Error"}"#), Truth::Unclear);
            }
            Some(Fault::Unclear(status, false)) => return (response(status, ""), Truth::Unclear),
            Some(Fault::Gateway(429, body)) => return (response(429, body), Truth::Wait),
            Some(Fault::Gateway(status, body)) => return (response(status, body), Truth::Rejected),
            _ => {}
        }
        let is_out = self.opted_out.contains(&recipient) && fault != Some(Fault::Dropped);
        let rejection = Trouble::ALL.iter().find(|(it, _)| Some(*it) == self.trouble);
        let (status, body, truth) = if let Some((trouble, Some((status, body)))) = rejection {
            let truth = match trouble {
                TooFast => Truth::Wait,
                OptOutStoreFails => Truth::Unclear,
                _ => Truth::Rejected,
            };
            (*status, (*body).to_owned(), truth)
        } else if !exists(&recipient) {
            (400, r#"{"code":400,"message":"Invalid mobile number"}"#.into(), Truth::Rejected)
        } else if is_out || self.trouble == Some(OptOutList) {
            let truth = if is_out { Truth::OptedOut } else { Truth::Rejected };
            (403, self.notice(&recipient), truth)
        } else {
            (200, self.accept(&reference, &recipient, now), Truth::Accepted)
        };
        let id = format!("m-{}", self.requests);
        match fault {
            Some(Fault::Lost { .. }) => (no_response(), Truth::Unclear),
            Some(Fault::Truncated) => {
                let cut = self.random.below(body.len() as u64);
                let cut = usize::try_from(cut).unwrap_or(0);
                // A complete status without a body still says that it was rejected.
                let truth = if status == 200 || status >= 500 { Truth::Unclear } else { truth };
                let truth = if truth == Truth::OptedOut { Truth::Rejected } else { truth };
                (response(status, body.get(..cut).unwrap_or_default()), truth)
            }
            Some(Fault::ServerError { .. }) => (response(502, PAGE), Truth::Unclear),
            Some(Fault::Unclear(status, _)) => (response(status, ""), Truth::Unclear),
            Some(Fault::RejectedWithId(status)) if truth == Truth::Accepted => {
                let body = format!(r#"{{"message":"Recipient ok","id":"{id}"}}"#);
                (response(status, body), Truth::Unclear)
            }
            _ => (response(status, body), truth),
        }
    }

    /// An opt-out notice, where frameworks put it, with the number, without, or with another one.
    fn notice(&mut self, recipient: &str) -> String {
        let number = match self.random.below(4) {
            0 => format!(": +{recipient}"),
            1 => ": 44XXXXXXXX".into(),
            2 => ": 447700900999".into(),
            _ => String::new(),
        };
        match self.random.below(3) {
            0 => format!(r#"{{"code":403,"message":"Recipient is opted out{number}"}}"#),
            1 => format!(r#"{{"errors":[{{"message":"Recipient is opted out{number}"}}]}}"#),
            _ => format!(r#"{{"title":"Forbidden","detail":"Recipient is opted out{number}"}}"#),
        }
    }

    /// Accepts a message. Its receipts come in any order, repeated, in parts, and not always.
    fn accept(&mut self, reference: &str, recipient: &str, now: i64) -> String {
        let parts = 1 + u8::try_from(self.random.below(2)).unwrap_or(0);
        let (statuses, kind): (&[&str], _) = match (self.trouble, self.random.below(10)) {
            _ if self.opted_out.contains(recipient) => (&[], None),
            (Some(FailsLater(status)), _) => match status {
                "LIMITS_EXCEEDED" => (&["LIMITS_EXCEEDED"], Some(FailureKind::RateLimited)),
                _ => (&["FAILED_INSUFFICIENT_CREDIT"], Some(FailureKind::OutOfCredit)),
            },
            (_, 0) => (&[], None),
            (_, 1) => (&["EXPIRED", "REJECTED"], Some(FailureKind::Undelivered)),
            (_, 2) => (&["EXPIRED", "LIMITS_EXCEEDED"], Some(FailureKind::Undelivered)),
            (_, 3) => (&["UNDELIVERABLE", "OPTED_OUT"], Some(FailureKind::OptedOut)),
            (_, 4) => (&["EXPIRED", "DELIVERED"], None),
            _ => (&["ACCEPTED", "DELIVERED"], None),
        };
        if statuses.contains(&"OPTED_OUT") {
            self.opted_out.insert(recipient.into());
        }
        let fate = self.accepted.entry(reference.into()).or_default();
        *fate = (fate.0 + 1, kind, statuses.contains(&"DELIVERED"));
        let is_each = self.random.is(50);
        for (name, part) in
            statuses.iter().flat_map(|name| (1..=parts).map(move |part| (name, part)))
        {
            for _ in 0..=self.random.below(2) {
                let update = StatusUpdate {
                    reference: reference.into(),
                    id: Some(format!("d-{}", self.requests)),
                    part: is_each.then_some(part),
                    parts: Some(parts),
                    status: DeliveryStatus::from_name(name),
                };
                let due = now + i64::try_from(self.random.below(40_000)).unwrap_or(0);
                self.receipts.push((due, update));
            }
        }
        let id = format!("m-{}", self.requests);
        // The echo of our own text says that somebody opted out, and ends in half an emoji.
        match self.random.below(3) {
            0 => format!(r#"{{"success":true,"record":{{"id":"{id}","type":"SingleSMS"}}}}"#),
            1 => format!(r#"{{"id":"{id}","body":"Recipient is opted out \ud83d"}}"#),
            _ => format!(r#"{{"text":"Recipient is opted out","id":"{id}","reference":null}}"#),
        }
    }

    /// The receipts that arrive by now.
    pub(crate) fn due(&mut self, now: i64) -> Vec<StatusUpdate> {
        let (due, rest) = self.receipts.drain(..).partition(|(due, _)| *due <= now);
        self.receipts = rest;
        let mut due: Vec<_> = due;
        due.sort_by_key(|(due, _)| *due);
        due.into_iter().map(|(_, update)| update).collect()
    }

    /// What must not happen, and how often it did.
    pub(crate) async fn harm(&self, outbox: &Outbox) -> outbox::Result<[(&'static str, usize); 4]> {
        let mut forgotten = 0;
        for state in State::ALL {
            for message in outbox.list(state, i64::MAX, i64::MAX).await? {
                let is_accepted = self.accepted.contains_key(&message.reference);
                let is_right = match state {
                    State::Queued => false,
                    State::InDoubt => self.maybe.get(&message.reference) > Some(&0),
                    State::Accepted | State::Delivered | State::Failed => is_accepted,
                    State::Suppressed => !is_accepted,
                    State::NeedsFix => !is_accepted && !exists(&message.recipient),
                };
                forgotten += usize::from(!is_right);
            }
        }
        let suppressions = outbox.suppressions().await?;
        let is_wrong = |(recipient, _, reference): &&(String, i64, String)| {
            let is_told = self.told.contains(recipient) || self.opted_out.contains(recipient);
            !is_told && !reference.is_empty()
        };
        let wrongly = suppressions.iter().filter(is_wrong).count();
        Ok([
            ("texted twice", self.harm.0),
            ("suppressed wrongly", wrongly),
            ("sent after an opt-out", self.harm.1),
            ("forgotten", forgotten),
        ])
    }
}
