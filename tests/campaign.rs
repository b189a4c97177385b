//! A sender that follows the crate's advice texts nobody twice, whatever the provider does; and one
//! that follows other advice is caught.

#[path = "../examples/campaign/entry.rs"]
pub mod entry;
#[expect(clippy::missing_errors_doc, reason = "`OutboxError` says it; nothing was changed then")]
#[path = "../examples/campaign/outbox.rs"]
pub mod outbox;
#[path = "../examples/campaign/provider.rs"]
pub mod provider;
#[path = "../examples/campaign/script.rs"]
mod script;
#[expect(clippy::missing_errors_doc, reason = "`OutboxError` says it; nothing was changed then")]
#[path = "../examples/campaign/sender.rs"]
pub mod sender;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use mobivate_response::{
    Action, BatchOutcome, DeliveryStatus, Failure, FailureKind, Message, Outcome, Retry, Scope,
    SendOutcome, StopReason,
};
use proptest::prelude::*;

use entry::{Claim, Entry, OutboxError, OutgoingMessage, State};
use outbox::Outbox;
use provider::{
    Account, Attempt, Fault, Met, Provider, SHAPES, StatusUpdate, Truth, digits, exists,
};
use sender::{Sender, decode};

/// What the sender goes by.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Advice {
    /// The crate's.
    Honest,
    /// The crate's, but for one kind.
    Retry(FailureKind, Retry),
    Scope(FailureKind, Scope),
    /// The crate's, but it never stops.
    NeverStop,
    /// A threshold of the circuit breaker is one higher, or half as high.
    Late(StopReason),
    Early(StopReason),
    /// The threshold of failed deliveries, alike.
    LateDelivery,
    EarlyDelivery,
    /// An opt-out resets the counts.
    OptOutResets,
    /// The opt-out notice of a batch is about all its recipients.
    BatchOptedOutIsOptedOut,
    /// Of two statuses the later one counts.
    LastStatusWins,
    /// Of two failures the one that may be sent again counts.
    LessCarefulStatusWins,
}

impl Advice {
    fn record(
        self,
        (sender, passed_over): (&mut Sender, &mut bool),
        claim: &Claim,
        attempt: &Attempt,
        now: SystemTime,
    ) -> Result<Action, OutboxError> {
        let before = sender.stopped;
        let decoded = (self != Self::Honest).then(|| decode(claim, attempt)).flatten();
        let action = match decoded {
            None => sender.record(claim, attempt, now)?,
            Some(outcome) => self.record_outcome((sender, passed_over), claim, &outcome, now)?,
        };
        Ok(match (self, action) {
            (Self::NeverStop, Action::Stop(_)) => {
                sender.stopped = before;
                Action::Continue
            }
            _ => action,
        })
    }

    fn record_outcome(
        self,
        (sender, passed_over): (&mut Sender, &mut bool),
        claim: &Claim,
        outcome: &BatchOutcome<'_>,
        now: SystemTime,
    ) -> Result<Action, OutboxError> {
        let Some(failure) = outcome.failure() else {
            sender.outbox.record_outcome(claim, outcome, now)?;
            let action = sender.circuit_breaker.record(outcome);
            return Ok(sender.follow(action));
        };
        let kind = failure.kind;
        let for_outbox = match self {
            Self::Retry(mutated, retry) if mutated == kind => of_retry(retry),
            Self::BatchOptedOutIsOptedOut if kind == FailureKind::BatchOptedOut => {
                FailureKind::OptedOut
            }
            _ => kind,
        };
        let for_breaker = match (self, kind) {
            // The circuit breaker asks for these kinds first.
            (_, FailureKind::RateLimited | FailureKind::OptedOut | FailureKind::BatchOptedOut) => {
                kind
            }
            (Self::Scope(mutated, scope), _) if mutated == kind => of_scope(scope),
            _ => kind,
        };
        let for_outbox: BatchOutcome<'_> = with_kind(failure, for_outbox).into();
        sender.outbox.record_outcome(claim, &for_outbox, now)?;
        let for_breaker: BatchOutcome<'_> = with_kind(failure, for_breaker).into();
        let fine: SendOutcome<'_> = Message::new("m-1").into();
        let breaker = &mut sender.circuit_breaker;
        let is_opt_out = matches!(kind, FailureKind::OptedOut | FailureKind::BatchOptedOut);
        if self == Self::OptOutResets && is_opt_out {
            let _ = breaker.record(&fine);
        }
        let is_early = |reason| match reason {
            StopReason::RateLimit => kind == FailureKind::RateLimited,
            StopReason::OptOuts => is_opt_out,
            StopReason::BadRequests => kind == FailureKind::BadRequest,
            StopReason::Account | StopReason::Service => {
                kind.scope().as_str() == reason.as_str() && kind != FailureKind::RateLimited
            }
        };
        if matches!(self, Self::Early(reason) if is_early(reason)) {
            let _ = breaker.record(&for_breaker);
        }
        // One higher: the failure counts only if it would not stop, the first time.
        let unstopped = breaker.clone();
        let action = breaker.record(&for_breaker);
        if matches!((self, action), (Self::Late(late), Action::Stop(reason)) if late == reason)
            && sender.stopped.is_none()
            && !std::mem::replace(passed_over, true)
        {
            sender.circuit_breaker = unstopped;
            return Ok(Action::Continue);
        }
        *passed_over = false;
        Ok(sender.follow(action))
    }

    fn apply(
        self,
        (sender, passed_over): (&mut Sender, &mut bool),
        update: &StatusUpdate,
        now: SystemTime,
    ) -> Result<Action, OutboxError> {
        let mut update = update.clone();
        if let Some(message) = sender.outbox.messages.get_mut(&update.reference) {
            let retry = |status: DeliveryStatus| status.failure_kind().map(FailureKind::retry);
            let is_about_it = |known: &StatusUpdate| known.part == update.part;
            let before = message.updates.iter().skip(message.updates_before);
            let known = before.filter(|known| is_about_it(known)).map(|known| known.status);
            let known = known.reduce(DeliveryStatus::merge).unwrap_or(DeliveryStatus::Unknown);
            let is_later = match self {
                Self::LastStatusWins => true,
                Self::LessCarefulStatusWins => {
                    retry(known) > retry(update.status) && retry(update.status).is_some()
                }
                _ => false,
            };
            if is_later && known != update.status {
                // What is known is forgotten, and the merge has nothing to weigh.
                message.updates.retain(|known| !is_about_it(known));
                message.updates_before = message.updates_before.min(message.updates.len());
            } else if self == Self::LessCarefulStatusWins {
                update.status = known.merge(update.status);
            }
        }
        let unstopped = (sender.circuit_breaker.clone(), sender.stopped);
        let is_failed = update.status.failure_kind().is_some();
        if self == Self::EarlyDelivery && is_failed {
            let _ = sender.circuit_breaker.record_delivery(update.status);
        }
        let action = sender.apply(&update, now)?;
        if let (Self::LateDelivery | Self::NeverStop, Action::Stop(_)) = (self, action) {
            if self == Self::NeverStop || !std::mem::replace(passed_over, true) {
                (sender.circuit_breaker, sender.stopped) = unstopped;
                return Ok(Action::Continue);
            }
            *passed_over = false;
        }
        Ok(action)
    }
}

/// The sender and the circuit breaker read the kind alone: another kind is other advice.
fn with_kind(failure: &Failure<'_>, kind: FailureKind) -> Failure<'static> {
    let mut failure = failure.clone().into_owned();
    failure.kind = kind;
    failure
}

/// A kind with this advice, which is not halved.
fn of_retry(retry: Retry) -> FailureKind {
    match retry {
        Retry::Later => FailureKind::RateLimited,
        Retry::AfterFix => FailureKind::Forbidden,
        Retry::MayDuplicate => FailureKind::ServerError,
        Retry::Never => FailureKind::OptedOut,
    }
}

/// A kind with this scope, that the circuit breaker asks for its scope.
fn of_scope(scope: Scope) -> FailureKind {
    match scope {
        Scope::Recipient => FailureKind::OptedOut,
        Scope::Request => FailureKind::BadRequest,
        Scope::Account => FailureKind::Unauthorized,
        Scope::Service => FailureKind::ServerError,
    }
}

/// A campaign under way, with what its invariants need to know.
struct Run {
    sender: Sender,
    provider: Provider,
    advice: Advice,
    /// Whether a mutation has passed over a stop.
    passed_over: bool,
    /// Messages rejected for what is wrong with the account, since the operator looked.
    rejected: BTreeSet<String>,
    /// What was true of each message's last request.
    last: BTreeMap<String, Truth>,
    /// Requests spent on an outage or a dead account since the last success, or since the operator's
    /// last fix.
    trouble: u32,
    /// Requests with which something was wrong that the response does not blame on them.
    wrong: u32,
    /// Requests that failed.
    failed: u32,
    /// How many were falsely suppressed at the last success, or at the operator's last fix.
    falsely_suppressed: usize,
    /// Receipts that say what is wrong with the account, since the last `DELIVERED`.
    failed_later: u32,
    /// The last outcome, to be recorded again.
    before: Option<(Claim, Attempt)>,
    /// The kinds that came.
    kinds: BTreeSet<FailureKind>,
}

type Invariant = Result<(), String>;

fn invariant(kept: bool, or: impl FnOnce() -> String) -> Invariant {
    if kept { Ok(()) } else { Err(or()) }
}

impl Run {
    fn new(outbox: Outbox, provider: Provider, advice: Advice) -> Self {
        Self {
            sender: Sender { outbox, ..Sender::default() },
            provider,
            advice,
            passed_over: false,
            rejected: BTreeSet::new(),
            last: BTreeMap::new(),
            trouble: 0,
            wrong: 0,
            failed: 0,
            falsely_suppressed: 0,
            failed_later: 0,
            before: None,
            kinds: BTreeSet::new(),
        }
    }

    /// Sends everything there is, and asserts the invariants on the way and at the end.
    fn play(
        &mut self,
        most: impl Fn(usize) -> usize,
        fault: impl Fn(usize) -> Option<Fault>,
    ) -> Invariant {
        let references: Vec<_> = self.sender.outbox.messages.keys().cloned().collect();
        self.send_all(most, fault)?;
        self.provider.look_up(&mut self.sender);
        let messages = &self.sender.outbox.messages;
        let kept = references.iter().all(|reference| messages.contains_key(reference));
        invariant(kept, || "a message is no longer in the outbox".into())?;
        for (what, count) in self.provider.harm(&self.sender.outbox) {
            invariant(count == 0, || format!("{what}: {count}"))?;
        }
        self.sender.outbox.messages.keys().try_for_each(|key| self.is_in_the_right_state(key))
    }

    fn send_all(
        &mut self,
        most: impl Fn(usize) -> usize,
        fault: impl Fn(usize) -> Option<Fault>,
    ) -> Invariant {
        let enough = 8 * self.sender.outbox.messages.len() + 300;
        for send in 0.. {
            invariant(send < enough, || "it never ends".into())?;
            self.hear(false)?;
            let mut claim = self.sender.claim(most(send), self.provider.now());
            if claim.is_none() {
                self.hear(true)?;
                self.fix();
                claim = self.sender.claim(most(send), self.provider.now());
            }
            let Some(claim) = claim else { break };
            self.send(claim, fault(send))?;
        }
        Ok(())
    }

    /// The operator looks.
    fn fix(&mut self) {
        self.provider.fix(&mut self.sender);
        self.rejected.clear();
        (self.trouble, self.wrong, self.failed, self.failed_later) = (0, 0, 0, 0);
        self.falsely_suppressed = self.count_falsely_suppressed();
    }

    fn count_falsely_suppressed(&self) -> usize {
        let falsely = self.sender.outbox.suppressed.iter().filter(|(number, entry)| {
            entry.reference.is_some() && !self.provider.opted_out.contains(*number)
        });
        falsely.count()
    }

    /// Receipts come in.
    fn hear(&mut self, all: bool) -> Invariant {
        for receipt in self.provider.receipts(all) {
            let now = self.provider.now();
            let delivery = |sender: &Sender| {
                sender.outbox.messages.get(&receipt.reference).and_then(Entry::delivery)
            };
            let before = delivery(&self.sender);
            let action =
                self.advice.apply((&mut self.sender, &mut self.passed_over), &receipt, now);
            let action = action.map_err(|error| format!("{receipt:?}: {error:?}"))?;
            // A message counts once, however many parts it has.
            let status = delivery(&self.sender).filter(|it| Some(*it) != before);
            let kind = status.and_then(DeliveryStatus::failure_kind);
            let is_accounts = kind.is_some_and(|kind| kind.scope() == Scope::Account);
            self.failed_later += u32::from(is_accounts);
            if status == Some(DeliveryStatus::Delivered) {
                self.failed_later = 0;
            }
            let stops = matches!(action, Action::Stop(_));
            let must_stop = is_accounts && self.failed_later >= 3;
            invariant(stops || !must_stop, || "three failed deliveries, and no stop".into())?;
            invariant(!stops || self.failed_later >= 3, || {
                "it stops for a failed delivery without a cause".into()
            })?;
            if stops {
                self.fix();
            }
        }
        Ok(())
    }

    fn send(&mut self, claim: Claim, fault: Option<Fault>) -> Invariant {
        if let Some(Fault::Killed { sent }) = fault {
            let met = if sent {
                self.provider.send(&claim, Some(Fault::Lost { arrived: true })).1.met
            } else {
                Met::Nothing
            };
            for to in &claim.messages {
                self.last.insert(to.reference.clone(), Truth { met, clear: false });
            }
            return Ok(());
        }
        if fault == Some(Fault::OptsIn) {
            self.provider.opt_in(&mut self.sender);
        }
        let (attempt, truth) = self.provider.send(&claim, fault);
        for to in &claim.messages {
            let is_new = !self.rejected.contains(&to.reference);
            invariant(is_new, || "sent again before an operator has looked".into())?;
            if let (Truth { met: Met::Trouble, clear: true }, Attempt::Response { .. }) =
                (truth, &attempt)
            {
                self.rejected.insert(to.reference.clone());
            }
            self.last.insert(to.reference.clone(), truth);
        }
        let failed = self.count(&claim, &attempt, truth);
        let now = self.provider.now();
        let action =
            self.advice.record((&mut self.sender, &mut self.passed_over), &claim, &attempt, now);
        let action = action.map_err(|error| format!("{claim:?}: {error:?}"))?;
        let stops = matches!(action, Action::Stop(_));
        let is_trouble = matches!(truth.met, Met::Trouble | Met::Outage);
        let must_stop = is_trouble && self.trouble >= 3 || self.failed >= 10;
        invariant(stops || !failed || !must_stop, || {
            format!("{} in trouble, {} failed, and no stop", self.trouble, self.failed)
        })?;
        let has_cause = self.wrong >= 3 || self.failed >= 10;
        invariant(!stops || has_cause, || "it stops without a cause".into())?;
        if let Action::Stop(reason) = action {
            let needs_operator = reason != StopReason::Service;
            invariant(truth.met != Met::Outage || !needs_operator, || {
                "an operator is called for an outage".into()
            })?;
            invariant(truth.met != Met::Trouble || !truth.clear || needs_operator, || {
                "no operator is called for a dead account".into()
            })?;
        }
        claim.messages.iter().try_for_each(|to| self.is_rightly_recorded(to, &attempt, truth))?;
        if !failed {
            self.falsely_suppressed = self.count_falsely_suppressed();
        }
        let is_bounded = self.count_falsely_suppressed() <= self.falsely_suppressed + 10;
        invariant(is_bounded, || "more than ten suppressed by a broken list".into())?;
        self.record_again()?;
        self.before = Some((claim, attempt));
        if matches!(action, Action::Stop(reason) if reason != StopReason::Service) {
            self.fix();
        }
        Ok(())
    }

    /// Whether the state says at once what the outcome tells.
    fn is_rightly_recorded(
        &self,
        to: &OutgoingMessage,
        attempt: &Attempt,
        truth: Truth,
    ) -> Invariant {
        let Some(message) = self.sender.outbox.messages.get(&to.reference) else { return Ok(()) };
        let (state, is_sent) = (&message.state, !matches!(attempt, Attempt::NotSent(_)));
        let is_right = match truth {
            _ if self.provider.accepted.contains_key(&to.reference) => {
                matches!(state, State::Accepted | State::NeedsLookup)
            }
            Truth { clear: false, .. } => true,
            Truth { .. } if !is_sent => *state == State::RetryLater,
            Truth { met: Met::TooFast, .. } => *state == State::RetryLater,
            Truth { met: Met::Trouble, .. } => matches!(state, State::NeedsFix(_)),
            Truth { met: Met::Blamed | Met::NoSuchNumber, .. } => {
                matches!(state, State::NeedsFix(_) | State::Queued)
            }
            Truth { met: Met::OptedOut, .. } => matches!(state, State::Suppressed | State::Queued),
            Truth { met: Met::Accepted | Met::Nothing | Met::Outage, .. } => true,
        };
        invariant(is_right, || format!("{truth:?} is recorded as {state:?}"))
    }

    /// A queue hands the outcome before the last on a second time.
    fn record_again(&mut self) -> Invariant {
        let Some((claim, attempt)) = self.before.take() else { return Ok(()) };
        let now = self.provider.now();
        let before = self.sender.circuit_breaker.clone();
        let again = self.sender.record(&claim, &attempt, now);
        let not_sent = self.sender.outbox.record_not_sent(&claim, now);
        let unchanged = self.sender.circuit_breaker == before;
        let is_stale = again == Err(OutboxError::AttemptNotOpen)
            && not_sent == Err(OutboxError::AttemptNotOpen);
        invariant(unchanged && is_stale, || "an outcome is recorded twice".into())
    }

    /// Whether the request failed.
    fn count(&mut self, claim: &Claim, attempt: &Attempt, truth: Truth) -> bool {
        let outcome = decode(claim, attempt);
        let kind = outcome.as_ref().and_then(Outcome::failure).map(|failure| failure.kind);
        self.kinds.extend(kind);
        if outcome.is_some_and(|outcome| outcome.is_success()) {
            (self.trouble, self.wrong, self.failed) = (0, 0, 0);
            return false;
        }
        self.failed += 1;
        self.trouble += u32::from(matches!(truth.met, Met::Trouble | Met::Outage));
        let is_blamed =
            matches!(truth.met, Met::OptedOut | Met::NoSuchNumber | Met::TooFast | Met::Blamed);
        self.wrong += u32::from(!(is_blamed && truth.clear));
        true
    }

    fn is_in_the_right_state(&self, reference: &str) -> Invariant {
        let Some(message) = self.sender.outbox.messages.get(reference) else { return Ok(()) };
        let number = digits(&message.recipient);
        let imported = self.sender.outbox.suppressed.get(&number);
        let is_imported = imported.is_some_and(|entry| entry.reference.is_none());
        let last = self.last.get(reference);
        let right = match (&message.state, last) {
            // After a rejection, a status under another id may be about the last attempt, and an
            // operator decides.
            (State::Accepted, _) if message.updates_before > 0 && message.has_failed() => true,
            (State::Accepted, Some(Truth { met, clear })) => *met == Met::Accepted || !clear,
            (State::Suppressed, _) => is_imported || self.provider.noticed.contains(&number),
            (State::NeedsFix(_), Some(Truth { met, clear })) => {
                !exists(&message.recipient) && (*met == Met::NoSuchNumber || !clear)
            }
            (State::NeedsLookup, Some(truth)) => !truth.clear,
            _ => false,
        };
        invariant(right, || format!("{reference}: {message:?}, and the truth is {last:?}"))
    }
}

#[test]
fn the_example_comes_out_right() {
    let run = play_the_script(Advice::Honest);
    assert!(run.is_ok(), "{run:?}");
}

/// The kinds that came, or the invariant that was broken.
fn play_the_script(advice: Advice) -> Result<BTreeSet<FailureKind>, String> {
    let mut run = Run::new(script::outbox(), script::provider(), advice);
    run.play(script::most, script::fault)?;
    // A message alone meets each trouble, with nothing else to send before an operator looks.
    for account in ACCOUNTS {
        let mut outbox = Outbox::default();
        outbox.queue("r", "447700900123", at(0)).map_err(|error| format!("{error:?}"))?;
        let fault = |send| (send == 0).then_some(Fault::Broken(account));
        Run::new(outbox, Provider::default(), advice).play(|_| 1, fault)?;
    }
    Ok(run.kinds)
}

const ACCOUNTS: [Account; 7] = [
    Account::Key,
    Account::Permission,
    Account::Credit,
    Account::Url,
    Account::SenderId,
    Account::Balance,
    Account::OptOutList,
];

/// What a sender may be told otherwise without harm, and why.
const HARMLESS: [(Advice, &str); 10] = {
    use FailureKind::{BadRequest, BatchOptedOut, OptedOut, RateLimited};
    const KIND_FIRST: &str =
        "the circuit breaker asks for this kind first, and the state does not ask for the scope";
    const OTHER_REASON: &str =
        "it stops after as many, with another reason for the operator to read";
    [
        (Advice::Scope(BadRequest, Scope::Recipient), OTHER_REASON),
        (Advice::Scope(OptedOut, Scope::Request), KIND_FIRST),
        (Advice::Scope(OptedOut, Scope::Account), KIND_FIRST),
        (Advice::Scope(OptedOut, Scope::Service), KIND_FIRST),
        (Advice::Scope(BatchOptedOut, Scope::Recipient), KIND_FIRST),
        (Advice::Scope(BatchOptedOut, Scope::Account), KIND_FIRST),
        (Advice::Scope(BatchOptedOut, Scope::Service), KIND_FIRST),
        (Advice::Scope(RateLimited, Scope::Recipient), KIND_FIRST),
        (Advice::Scope(RateLimited, Scope::Request), KIND_FIRST),
        (Advice::Scope(RateLimited, Scope::Service), KIND_FIRST),
    ]
};

#[test]
fn every_harmful_mutation_is_caught() {
    let kinds = play_the_script(Advice::Honest).unwrap();
    // `Undelivered` is said of an accepted message, later.
    let of_a_send = FailureKind::ALL.iter().filter(|kind| kind.as_str() != "undelivered");
    assert!(kinds.iter().eq(of_a_send), "the script provokes every kind: {kinds:?}");

    let retries = [Retry::Later, Retry::AfterFix, Retry::MayDuplicate, Retry::Never];
    let scopes = [Scope::Recipient, Scope::Request, Scope::Account, Scope::Service];
    let reasons = [
        StopReason::Account,
        StopReason::Service,
        StopReason::RateLimit,
        StopReason::BadRequests,
        StopReason::OptOuts,
    ];
    let mut mutations = vec![
        Advice::NeverStop,
        Advice::LateDelivery,
        Advice::EarlyDelivery,
        Advice::OptOutResets,
        Advice::BatchOptedOutIsOptedOut,
        Advice::LastStatusWins,
        Advice::LessCarefulStatusWins,
    ];
    mutations.extend(reasons.map(Advice::Late));
    mutations.extend(reasons.map(Advice::Early));
    for kind in kinds {
        mutations.extend(retries.map(|retry| Advice::Retry(kind, retry)));
        mutations.extend(scopes.map(|scope| Advice::Scope(kind, scope)));
        mutations.retain(|mutation| *mutation != Advice::Retry(kind, kind.retry()));
        mutations.retain(|mutation| *mutation != Advice::Scope(kind, kind.scope()));
    }
    assert_eq!(mutations.len(), 17 + 11 * 6);
    let mut wrong = Vec::new();
    for mutation in mutations {
        let caught = play_the_script(mutation).err();
        let harmless = HARMLESS.iter().any(|(advice, _)| *advice == mutation);
        if caught.is_some() == harmless {
            wrong.push(format!("{mutation:?}: {caught:?}"));
        }
    }
    assert!(wrong.is_empty(), "harmless or caught, against the table: {wrong:#?}");
}

#[test]
fn the_stand_ins_for_a_mutation_say_what_they_stand_for() {
    for retry in [Retry::Later, Retry::AfterFix, Retry::MayDuplicate, Retry::Never] {
        assert_eq!(of_retry(retry).retry(), retry);
    }
    for scope in [Scope::Recipient, Scope::Request, Scope::Account, Scope::Service] {
        assert_eq!(of_scope(scope).scope(), scope);
    }
}

/// A small campaign: eight people get two messages each; the third opted out, the fifth's number is
/// none.
#[expect(clippy::unwrap_used, reason = "a test fails by it")]
fn small() -> (Outbox, Provider) {
    let mut outbox = Outbox::default();
    for n in 0..8 {
        let prefix = if n == 5 { "4477009" } else { "447700900" };
        outbox.queue(&format!("first-{n}"), &format!("{prefix}10{n}"), at(0)).unwrap();
        outbox.queue(&format!("second-{n}"), &format!("+{prefix}10{n}"), at(0)).unwrap();
    }
    (outbox, Provider::new(["447700900103".into()].into()))
}

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

#[test]
fn a_response_is_truncated_at_every_byte() {
    let mut bytes = 0;
    for met in [
        None,
        Some(Fault::Broken(Account::Key)),
        Some(Fault::Broken(Account::Permission)),
        Some(Fault::Broken(Account::Credit)),
        Some(Fault::Broken(Account::Url)),
        Some(Fault::Broken(Account::SenderId)),
        Some(Fault::Broken(Account::Balance)),
        Some(Fault::SlowDown(3)),
        Some(Fault::OptOutStoreDown(3)),
    ] {
        for (send, most) in (1..16).map(|send| (send, 1)).chain((1..9).map(|send| (send, 4))) {
            let (mut length, mut body_len) = (0, 1);
            while length < body_len {
                let (outbox, provider) = small();
                let fault = |now| match now {
                    0 => met,
                    now if now == send => Some(Fault::Truncated(length)),
                    _ => None,
                };
                let mut run = Run::new(outbox, provider, Advice::Honest);
                let kept = run.play(|_| most, fault);
                assert_eq!(kept, Ok(()), "{met:?}, send {send} of {most} truncated at {length}");
                (length, body_len) = (length + 1, run.provider.truncated_len);
            }
            bytes += body_len;
        }
    }
    assert!(bytes > 10_000, "only {bytes} bytes of all bodies");
}

#[test]
fn the_sender_is_killed_at_every_point() {
    for (first, second) in (0..40).flat_map(|first| (first..40).map(move |second| (first, second)))
    {
        for most in [1, 3] {
            let (outbox, provider) = small();
            let fault = |now| {
                let killed = now == first / 2 || now == second / 2;
                let sent = if now == first / 2 { first % 2 == 0 } else { second % 2 == 0 };
                killed.then_some(Fault::Killed { sent })
            };
            let kept = Run::new(outbox, provider, Advice::Honest).play(|_| most, fault);
            assert_eq!(kept, Ok(()), "killed at {first} and {second}");
        }
    }
}

/// A sender of messages to these recipients, each under its place from 0.
#[expect(clippy::unwrap_used, reason = "a test fails by it")]
fn sender(recipients: &[&str]) -> Sender {
    let mut sender = Sender::default();
    for (n, recipient) in recipients.iter().enumerate() {
        sender.outbox.queue(&n.to_string(), recipient, at(0)).unwrap();
    }
    sender
}

fn response(status: u16, body: &str) -> Attempt {
    Attempt::Response { status, body: body.into() }
}

fn states(sender: &Sender) -> Vec<&State> {
    sender.outbox.messages.values().map(|message| &message.state).collect()
}

fn delivery(sender: &Sender) -> Option<DeliveryStatus> {
    sender.outbox.messages.values().next().and_then(Entry::delivery)
}

fn update(status: &str, id: &str, part: u8, parts: u8) -> StatusUpdate {
    let (reference, id, part, parts) = ("0".into(), Some(id.into()), Some(part), Some(parts));
    StatusUpdate { reference, id, part, parts, status: DeliveryStatus::from_name(status) }
}

/// One message, accepted.
fn accepted() -> Sender {
    let mut sender = sender(&["447700900123"]);
    accept(&mut sender);
    sender
}

#[expect(clippy::unwrap_used, reason = "a test fails by it")]
fn accept(sender: &mut Sender) {
    let claim = sender.claim(1, at(1)).unwrap();
    sender.record(&claim, &response(200, r#"{"id":"m-1"}"#), at(1)).map(drop).unwrap();
}

#[test]
fn what_an_operator_has_sent_again_may_come_twice_and_nothing_else() {
    let mut run = Run::new(script::outbox(), script::provider(), Advice::Honest);
    run.play(script::most, script::fault).unwrap();
    let messages = run.sender.outbox.messages.iter();
    let in_doubt: Vec<_> = messages
        .filter(|(_, message)| matches!(message.state, State::NeedsLookup))
        .map(|(reference, _)| reference.clone())
        .collect();
    for reference in &in_doubt {
        // Twice, as by a double click.
        assert_eq!(run.sender.outbox.allow_duplicate(reference, at(9999)), Ok(true));
        assert_eq!(run.sender.outbox.allow_duplicate(reference, at(9999)), Ok(false));
    }
    run.send_all(|_| 1, |_| None).unwrap();

    let twice = run.provider.accepted.iter().filter(|(_, ids)| ids.len() > 1);
    let twice: Vec<_> = twice.map(|(reference, ids)| (reference, ids.len())).collect();
    assert!(!twice.is_empty());
    assert!(twice.iter().all(|(reference, ids)| *ids == 2 && in_doubt.contains(reference)));
    assert_eq!(run.provider.after_opt_out, 0);
    assert!(!states(&run.sender).iter().any(|state| matches!(state, State::NeedsLookup)));
}

#[test]
fn the_recipient_that_was_sent_to_is_suppressed_whatever_number_is_named() {
    for (named, another) in
        [("", false), (": 447700900123", false), (": 44XXXXXXXX", false), (": 447700900999", true)]
    {
        let mut sender = sender(&["+44 7700 900123"]);
        let claim = sender.claim(1, at(1)).unwrap();
        let body = format!(r#"{{"code":403,"message":"Recipient is opted out{named}"}}"#);
        assert_eq!(sender.record(&claim, &response(403, &body), at(2)), Ok(Action::Continue));
        let entry = &sender.outbox.suppressed["447700900123"];
        assert_eq!((entry.at, entry.reference.as_deref()), (at(2), Some("0")));
        assert_eq!(sender.outbox.named_another.contains("0"), another, "{named}");
    }
}

#[test]
fn what_has_an_id_and_is_no_success_is_looked_up_by_it() {
    for status in [429, 403, 401, 400, 408, 503] {
        for recipients in [&["447700900123"][..], &["447700900123", "447700900124"]] {
            let mut sender = sender(recipients);
            let claim = sender.claim(2, at(1)).unwrap();
            let _ = sender.record(&claim, &response(status, r#"{"id":"m-1"}"#), at(1)).unwrap();
            for message in sender.outbox.messages.values() {
                assert_eq!(
                    (&message.state, message.id.as_deref()),
                    (&State::NeedsLookup, Some("m-1"))
                );
            }
            assert_eq!(sender.claim(2, at(2)), None);
        }
    }
}

#[test]
fn a_known_reference_stays_as_it_is_and_is_no_other_recipients() {
    let mut sender = accepted();
    for same in ["447700900123", "+44 7700 900123", "00447700900123"] {
        assert_eq!(sender.outbox.queue("0", same, at(2)), Ok(()));
    }
    let other = sender.outbox.queue("0", "447700900124", at(2));
    assert_eq!(other, Err(OutboxError::OtherRecipient));
    assert_eq!(sender.outbox.mark_fixed("0", at(2)), Ok(false));
    assert_eq!(sender.outbox.allow_duplicate("0", at(2)), Ok(false));
    assert_eq!(sender.outbox.mark_found("0", "m-2", at(2)), Ok(false));
    assert_eq!(sender.outbox.mark_found("1", "m-2", at(2)), Err(OutboxError::UnknownReference));
    assert_eq!(sender.claim(1, at(2)), None);
}

#[test]
fn an_outcome_that_is_not_the_open_attempts_changes_nothing() {
    let mut sender = sender(&["447700900123"]);
    let messages =
        vec![OutgoingMessage { reference: "0".into(), recipient: "447700900123".into() }];
    let made_up = Claim { attempt: 1, messages };
    let ok = response(200, r#"{"id":"m-1"}"#);
    assert_eq!(sender.record(&made_up, &ok, at(1)), Err(OutboxError::NeverClaimed));

    let first = sender.claim(1, at(1)).unwrap();
    let slow_down = response(429, "");
    assert_eq!(sender.record(&first, &slow_down, at(1)), Ok(Action::BackOff(1)));
    let second = sender.claim(1, at(2)).unwrap();
    assert_ne!(first.attempt, second.attempt);
    assert_eq!(sender.record(&first, &slow_down, at(2)), Err(OutboxError::AttemptNotOpen));
    let not_sent = sender.outbox.record_not_sent(&first, at(2));
    assert_eq!(not_sent, Err(OutboxError::AttemptNotOpen));
    assert_eq!(states(&sender), [&State::NeedsLookup]);
    assert_eq!(sender.claim(1, at(3)), None);
    assert_eq!(sender.record(&second, &ok, at(3)), Ok(Action::Continue));
}

#[test]
fn what_is_in_doubt_is_sent_again_neither_as_fixed_nor_once_it_is_found() {
    let mut sender = sender(&["447700900123"]);
    let claim = sender.claim(1, at(1)).unwrap();
    assert_eq!(sender.outbox.mark_fixed("0", at(1)), Ok(false));
    let _ = sender.record(&claim, &Attempt::NoResponse("timeout".into()), at(1)).unwrap();
    assert_eq!(sender.outbox.mark_fixed("0", at(2)), Ok(false));
    assert_eq!(sender.claim(1, at(2)), None);
    assert_eq!(sender.outbox.allow_duplicate("0", at(2)), Ok(true));
    assert_eq!(sender.outbox.mark_found("0", "m-1", at(2)), Ok(true));
    assert_eq!(sender.claim(1, at(2)), None);
    assert_eq!(states(&sender), [&State::Accepted]);
    assert_eq!(sender.outbox.messages["0"].id.as_deref(), Some("m-1"));
}

#[test]
fn a_message_that_fails_after_acceptance_goes_where_its_status_says() {
    for (name, state) in [
        ("LIMITS_EXCEEDED", State::RetryLater),
        ("FAILED_INSUFFICIENT_CREDIT", State::NeedsFix("failed: out of credit".into())),
        ("FAILED_ORIGINATOR_REJECTED", State::NeedsFix("failed: bad request".into())),
        ("OPTED_OUT", State::Suppressed),
    ] {
        let mut sender = accepted();
        assert_eq!(sender.apply(&update(name, "d-1", 1, 1), at(2)), Ok(Action::Continue));
        assert_eq!(states(&sender), [&state], "{name}");
        assert_eq!(sender.outbox.suppressed.len(), usize::from(state == State::Suppressed));
        // It arrived all the same.
        let _ = sender.apply(&update("DELIVERED", "d-1", 1, 1), at(3)).unwrap();
        assert_eq!(states(&sender), [&State::Accepted]);
        assert_eq!(delivery(&sender), Some(DeliveryStatus::Delivered));
        assert_eq!(sender.claim(1, at(4)), None);
    }
    let mut sender = accepted();
    let _ = sender.apply(&update("EXPIRED", "d-1", 1, 1), at(2)).unwrap();
    let expired = DeliveryStatus::from_name("EXPIRED");
    assert_eq!(states(&sender), [&State::Accepted]);
    assert_eq!(delivery(&sender), Some(expired));
}

#[test]
fn a_receipt_moves_only_messages_that_were_claimed() {
    let mut sender = sender(&["447700900123"]);
    let receipt = update("OPTED_OUT", "d-1", 1, 1);
    assert_eq!(sender.apply(&receipt, at(1)), Err(OutboxError::NeverClaimed));
    let foreign = StatusUpdate { reference: "another".into(), ..receipt };
    assert_eq!(sender.apply(&foreign, at(1)), Err(OutboxError::UnknownReference));
    assert!(sender.outbox.suppressed.is_empty());
}

#[test]
fn a_receipt_of_an_earlier_attempt_sends_nothing_a_third_time() {
    let mut sender = accepted();
    let limits = update("LIMITS_EXCEEDED", "d-1", 1, 1);
    let _ = sender.apply(&limits, at(2)).unwrap();
    let claim = sender.claim(1, at(3)).unwrap();
    let _ = sender.apply(&limits, at(3)).unwrap();
    let _ = sender.record(&claim, &response(200, r#"{"id":"m-2"}"#), at(3)).unwrap();
    let _ = sender.apply(&limits, at(4)).unwrap();
    assert_eq!(sender.claim(1, at(5)), None);
    // The second attempt's own has the id of its response.
    let _ = sender.apply(&update("LIMITS_EXCEEDED", "m-2", 1, 1), at(5)).unwrap();
    assert!(sender.claim(1, at(6)).is_some());
}

#[test]
fn a_message_is_sent_again_only_if_no_part_of_it_may_have_arrived() {
    let mut sender = accepted();
    let _ = sender.apply(&update("LIMITS_EXCEEDED", "d-1", 1, 2), at(2)).unwrap();
    assert_eq!(sender.claim(1, at(2)), None);
    let _ = sender.apply(&update("DELIVERED", "d-1", 2, 2), at(3)).unwrap();
    assert_eq!(sender.claim(1, at(3)), None);

    let mut sender = accepted();
    let _ = sender.apply(&update("LIMITS_EXCEEDED", "d-1", 1, 2), at(2)).unwrap();
    let _ = sender.apply(&update("LIMITS_EXCEEDED", "d-2", 2, 2), at(3)).unwrap();
    assert!(sender.claim(1, at(3)).is_some());
}

#[test]
fn a_message_of_many_parts_is_one_failed_delivery() {
    let mut sender = accepted();
    for part in 1..=3 {
        let no_credit = update("FAILED_INSUFFICIENT_CREDIT", "d-1", part, 3);
        assert_eq!(sender.apply(&no_credit, at(2)), Ok(Action::Continue), "part {part}");
    }
    assert_eq!(sender.stopped, None);
}

#[test]
fn an_opt_out_is_not_lost_behind_another_status() {
    for other in ["DELIVERED", "UNDELIVERABLE", "LIMITS_EXCEEDED"] {
        for order in [[other, "OPTED_OUT"], ["OPTED_OUT", other]] {
            let mut sender = accepted();
            for name in order {
                let _ = sender.apply(&update(name, "d-1", 1, 1), at(2)).unwrap();
            }
            assert_eq!(sender.outbox.suppressed.len(), 1, "{order:?}");
            assert_eq!(sender.claim(1, at(3)), None, "{order:?}");
            // A repeated receipt does not suppress who opted in since.
            assert!(sender.outbox.opted_in("+44 7700 900123"));
            for name in order {
                let _ = sender.apply(&update(name, "d-1", 1, 1), at(4)).unwrap();
            }
            assert!(sender.outbox.suppressed.is_empty(), "{order:?}");
        }
    }
}

#[test]
fn a_bad_hour_is_undone_and_who_opted_in_again_is_texted_again() {
    let mut sender = sender(&["447700900100", "447700900101", "447700900102", "447700900101"]);
    sender.outbox.import_suppressed(["00447700900102"], at(5));
    let notice = response(403, r#"{"message":"Recipient is opted out"}"#);
    for now in [1, 5] {
        let claim = sender.claim(1, at(now)).unwrap();
        let _ = sender.record(&claim, &notice, at(now)).unwrap();
    }
    assert_eq!(sender.claim(9, at(6)), None);
    assert!(states(&sender).iter().all(|state| **state == State::Suppressed));

    assert_eq!(sender.outbox.undo_suppressions(at(5), at(7)), 1);
    let left: Vec<_> = sender.outbox.suppressed.keys().collect();
    assert_eq!(left, ["447700900100", "447700900102"]);
    let claim = sender.claim(9, at(7)).unwrap();
    let references: Vec<_> = claim.messages.iter().map(|to| to.reference.as_str()).collect();
    assert_eq!(references, ["1", "3"]);

    assert!(sender.outbox.opted_in("+44 7700 900100"));
    assert!(!sender.outbox.opted_in("447700900100"));
    assert_eq!(sender.claim(9, at(8)), None, "what was not sent stays so");
    sender.outbox.queue("again", "447700900100", at(8)).unwrap();
    assert!(sender.claim(9, at(8)).is_some());
}

#[test]
fn a_failed_status_speaks_for_one_attempt_alone() {
    let mut sender = sender(&["447700900123"]);
    let claim = sender.claim(1, at(1)).unwrap();
    let _ = sender.record(&claim, &Attempt::NoResponse("timeout".into()), at(1)).unwrap();
    assert_eq!(sender.outbox.allow_duplicate("0", at(2)), Ok(true));
    accept(&mut sender);
    let _ = sender.apply(&update("LIMITS_EXCEEDED", "d-1", 1, 1), at(3)).unwrap();
    assert_eq!(sender.claim(1, at(3)), None, "the other attempt may have arrived");
}

#[test]
fn neither_a_success_on_its_way_nor_a_receipt_ends_a_stop() {
    let mut sender = sender(&["447700900100", "447700900101", "447700900102", "447700900103"]);
    let claims: Vec<_> = (0..4).map(|_| sender.claim(1, at(1)).unwrap()).collect();
    for claim in &claims[..3] {
        let _ = sender.record(claim, &response(401, ""), at(1)).unwrap();
    }
    let _ = sender.record(&claims[3], &response(200, r#"{"id":"m-1"}"#), at(2)).unwrap();
    assert_eq!(sender.stopped, Some(StopReason::Account));

    sender.stopped = Some(StopReason::Service);
    let pending = StatusUpdate { reference: "3".into(), ..update("ACCEPTED", "d-3", 1, 1) };
    assert_eq!(sender.apply(&pending, at(3)), Ok(Action::Continue));
    let delivered = StatusUpdate { reference: "3".into(), ..update("DELIVERED", "d-3", 1, 1) };
    assert_eq!(sender.apply(&delivered, at(3)), Ok(Action::Continue));
    assert_eq!(sender.stopped, Some(StopReason::Service));
}

#[test]
fn the_third_message_that_fails_later_stops_and_a_repeated_receipt_counts_once() {
    let mut sender = sender(&["447700900100", "447700900101", "447700900102", "447700900103"]);
    for _ in 0..3 {
        accept(&mut sender);
    }
    for n in 0..3 {
        assert_eq!(sender.stopped, None);
        let receipt = update("FAILED_INSUFFICIENT_CREDIT", &format!("d-{n}"), 1, 1);
        let receipt = StatusUpdate { reference: n.to_string(), ..receipt };
        for _ in 0..3 {
            let _ = sender.apply(&receipt, at(2)).unwrap();
        }
    }
    assert_eq!(sender.stopped, Some(StopReason::Account));
    assert_eq!(sender.claim(1, at(3)), None);
}

#[test]
fn what_an_earlier_opt_out_kept_back_stays_when_a_bad_hour_is_undone() {
    let mut sender = sender(&["447700900100"]);
    let notice = response(403, r#"{"message":"Recipient is opted out"}"#);
    let claim = sender.claim(1, at(1)).unwrap();
    let _ = sender.record(&claim, &notice, at(1)).unwrap();
    sender.outbox.opted_in("447700900100");
    sender.outbox.queue("again", "447700900100", at(2)).unwrap();
    let claim = sender.claim(1, at(5)).unwrap();
    let _ = sender.record(&claim, &notice, at(5)).unwrap();
    sender.outbox.undo_suppressions(at(5), at(6));
    let claim = sender.claim(9, at(6)).unwrap();
    assert_eq!(claim.messages.len(), 1);
    assert_eq!(claim.messages[0].reference, "again");
}

#[test]
fn what_expired_is_not_sent_again_for_a_second_status() {
    for order in [["EXPIRED", "LIMITS_EXCEEDED"], ["UNDELIVERABLE", "FAILED_INSUFFICIENT_CREDIT"]] {
        let mut sender = accepted();
        for name in order {
            let _ = sender.apply(&update(name, "d-1", 1, 1), at(2)).unwrap();
        }
        assert!(matches!(states(&sender)[..], [State::Accepted]), "{order:?}");
    }
}

#[test]
fn a_lookup_that_finds_what_was_rejected_later_loses_nothing() {
    let mut sender = accepted();
    let _ = sender.apply(&update("LIMITS_EXCEEDED", "d-1", 1, 1), at(2)).unwrap();
    assert_eq!(sender.outbox.mark_found("0", "m-1", at(3)), Ok(false));
    assert!(sender.claim(1, at(3)).is_some());
}

#[test]
fn what_was_found_stays_found_when_the_response_comes_late() {
    let mut sender = sender(&["447700900123"]);
    let claim = sender.claim(1, at(1)).unwrap();
    assert_eq!(sender.outbox.mark_found("0", "m-1", at(2)), Ok(true));
    assert_eq!(sender.record(&claim, &response(429, ""), at(3)), Ok(Action::BackOff(1)));
    let entry = &sender.outbox.messages["0"];
    assert_eq!((&entry.state, entry.id.as_deref()), (&State::Accepted, Some("m-1")));
}

#[test]
fn a_response_that_leaves_it_in_doubt_does_not_reset_its_time() {
    let mut sender = sender(&["447700900123"]);
    let claim = sender.claim(1, at(1)).unwrap();
    let _ = sender.record(&claim, &Attempt::NoResponse("timeout".into()), at(2)).unwrap();
    assert_eq!(sender.outbox.messages["0"].changed_at, at(1));
}

#[test]
fn an_imported_suppression_is_not_undone_by_a_notice_that_came_after() {
    let mut sender = sender(&["447700900123"]);
    let claim = sender.claim(1, at(1)).unwrap();
    sender.outbox.import_suppressed(["+44 7700 900123"], at(2));
    let notice = response(403, r#"{"message":"Recipient is opted out"}"#);
    let _ = sender.record(&claim, &notice, at(3)).unwrap();
    assert_eq!(sender.outbox.undo_suppressions(at(0), at(4)), 0);
    assert_eq!(sender.claim(1, at(5)), None);
}

const THREE: [&str; 3] = ["447700900100", "+447700900101", "00447700900102"];

#[test]
fn an_opt_out_notice_of_a_batch_is_about_whom_it_names() {
    let mut sender = sender(&THREE);
    let claim = sender.claim(9, at(1)).unwrap();
    let named = r#"{"message":"Recipient is opted out: 447700900101"}"#;
    let _ = sender.record(&claim, &response(403, named), at(1)).unwrap();
    assert_eq!(states(&sender), [&State::Queued, &State::Suppressed, &State::Queued]);
    assert_eq!(sender.claim(9, at(2)).unwrap().messages.len(), 2);

    let mut sender = self::sender(&THREE);
    let claim = sender.claim(9, at(1)).unwrap();
    let with_id =
        r#"{"id":"b-1","success":false,"message":"Recipient is opted out: 447700900101"}"#;
    let _ = sender.record(&claim, &response(403, with_id), at(1)).unwrap();
    let looked_up = &State::NeedsLookup;
    assert_eq!(states(&sender), [looked_up, &State::Suppressed, looked_up]);
    assert_eq!(sender.outbox.messages["0"].id.as_deref(), Some("b-1"));
}

#[test]
fn a_batch_is_halved_until_the_one_is_alone() {
    for (status, body, alone) in [
        (403, r#"{"message":"Recipient is opted out: 44XXXXXXXX"}"#, State::Suppressed),
        (403, r#"{"message":"Recipient is opted out: 447700900999"}"#, State::Suppressed),
        (400, "", State::NeedsFix("bad request (400): empty body".into())),
        (413, "", State::NeedsFix("bad request (413): empty body".into())),
    ] {
        let numbers: Vec<_> = (0..35).map(|n| format!("4477009001{n:02}")).collect();
        let recipients: Vec<_> = numbers.iter().map(String::as_str).collect();
        let mut sender = sender(&recipients);
        let mut requests = 0;
        while let Some(claim) = sender.claim(35, at(requests)) {
            requests += 1;
            let has_it = claim.messages.iter().any(|to| to.reference == "17");
            let attempt =
                if has_it { response(status, body) } else { response(200, r#"{"id":"b-1"}"#) };
            let _ = sender.record(&claim, &attempt, at(requests)).unwrap();
        }
        assert_eq!(sender.stopped, None);
        assert!(requests <= 13, "{requests}");
        for (reference, message) in &sender.outbox.messages {
            if reference == "17" {
                assert_eq!(message.state, alone);
            } else {
                assert!(matches!(message.state, State::Accepted), "{reference}");
            }
        }
        assert_eq!(sender.outbox.suppressed.len(), usize::from(alone == State::Suppressed));
    }
}

#[test]
fn a_half_stays_as_small_and_in_its_place() {
    let mut sender = sender(&THREE);
    let claim = sender.claim(3, at(1)).unwrap();
    for (n, reference) in ["3", "4", "5"].iter().enumerate() {
        sender.outbox.queue(reference, &format!("44770090020{n}"), at(1)).unwrap();
    }
    let _ = sender.record(&claim, &response(400, ""), at(2)).unwrap();
    for reference in ["6", "7"] {
        sender.outbox.queue(reference, &format!("44770090030{reference}"), at(3)).unwrap();
    }
    let claims = std::iter::from_fn(|| sender.claim(9, at(4)));
    let references = claims.map(|claim| {
        claim.messages.into_iter().map(|to| to.reference).collect::<Vec<_>>().concat()
    });
    assert_eq!(references.collect::<Vec<_>>(), ["345", "01", "26", "7"]);
}

#[test]
fn the_outcome_of_an_attempt_that_was_given_up_comes_late() {
    let ok = response(200, r#"{"id":"m-1"}"#);
    let notice = response(403, r#"{"message":"Recipient is opted out"}"#);
    for late in [response(429, ""), response(401, ""), notice, ok.clone()] {
        let mut sender = sender(&["447700900123"]);
        let first = sender.claim(1, at(1)).unwrap();
        assert_eq!(sender.outbox.allow_duplicate("0", at(2)), Ok(true));
        let second = sender.claim(1, at(3)).unwrap();
        assert_eq!(sender.record(&first, &late, at(4)), Err(OutboxError::AttemptNotOpen));
        assert_eq!(states(&sender), [&State::NeedsLookup], "{late:?}");
        assert!(sender.outbox.suppressed.is_empty());
        assert_eq!(sender.record(&second, &ok, at(5)), Ok(Action::Continue));
        assert_eq!(states(&sender), [&State::Accepted]);
    }
    // Before it is claimed again, it is not given up yet.
    let mut sender = sender(&["447700900123"]);
    let claim = sender.claim(1, at(1)).unwrap();
    assert_eq!(sender.outbox.allow_duplicate("0", at(2)), Ok(true));
    assert_eq!(sender.record(&claim, &ok, at(3)), Ok(Action::Continue));
    assert_eq!(sender.claim(1, at(4)), None);
}

#[test]
fn an_accepted_batch_is_looked_up_if_its_count_differs() {
    let (looked_up, pending) = (State::NeedsLookup, State::Accepted);
    for (body, state) in [
        (r#"{"id":"b-1"}"#, &pending),
        (r#"{"id":"b-1","recipientCount":3}"#, &pending),
        (r#"{"id":"b-1","recipientCount":2}"#, &looked_up),
        (r#"{"id":"b-1","recipients":[{"text":"a"},{"text":"a"},{"text":"a"}]}"#, &pending),
        (r#"{"id":"b-1","recipients":[{"text":"a"},{"text":"a"}]}"#, &looked_up),
    ] {
        let mut sender = sender(&THREE);
        let claim = sender.claim(3, at(1)).unwrap();
        let _ = sender.record(&claim, &response(200, body), at(1)).unwrap();
        assert_eq!(states(&sender), [state; 3], "{body}");
        let mut messages = sender.outbox.messages.values();
        assert!(messages.all(|message| message.id.as_deref() == Some("b-1")));
        assert_eq!(sender.claim(3, at(2)), None);
    }
}

#[test]
fn after_an_outage_a_probe_goes_first_and_after_any_other_stop_an_operator() {
    let mut sender =
        sender(&["447700900100", "447700900101", "447700900102", "447700900103", "447700900104"]);
    let outage = response(503, "");
    for _ in 0..3 {
        let claim = sender.claim(1, at(1)).unwrap();
        let _ = sender.record(&claim, &outage, at(1)).unwrap();
    }
    assert_eq!(sender.stopped, Some(StopReason::Service));
    // It may have been sent, so it is no probe, though it stands first.
    let queued = sender.outbox.claim(9, at(1)).unwrap();
    assert_eq!(sender.outbox.allow_duplicate("0", at(1)), Ok(true));
    sender.outbox.record_not_sent(&queued, at(1)).unwrap();
    let probe = sender.claim(9, at(2)).unwrap();
    assert_eq!(probe.messages.len(), 1);
    assert_eq!(probe.messages[0].reference, "3");
    assert_eq!(
        sender.record(&probe, &response(401, ""), at(2)),
        Ok(Action::Stop(StopReason::Account))
    );
    assert_eq!(sender.claim(9, at(3)), None);
    sender.reset();
    assert_eq!(sender.claim(9, at(3)).unwrap().messages.len(), 2);
}

#[test]
fn an_accepted_single_send_is_looked_up_if_its_count_is_not_one() {
    for (count, state) in [(0, State::NeedsLookup), (1, State::Accepted), (2, State::NeedsLookup)] {
        let mut sender = sender(&["447700900123"]);
        let claim = sender.claim(1, at(1)).unwrap();
        let body =
            format!(r#"{{"success":true,"record":{{"id":"m-1","recipientCount":{count}}}}}"#);
        let _ = sender.record(&claim, &response(200, &body), at(1)).unwrap();
        assert_eq!(states(&sender), [&state], "{body}");
        assert_eq!(sender.outbox.messages["0"].id.as_deref(), Some("m-1"));
        assert_eq!(sender.claim(1, at(2)), None);
    }
}

/// One message, whose first attempt was rejected after acceptance, and whose second is accepted.
#[expect(clippy::unwrap_used, reason = "a test fails by it")]
fn resent(second: &Attempt) -> Sender {
    let mut sender = accepted();
    let _ = sender.apply(&update("LIMITS_EXCEEDED", "d-1", 1, 1), at(2)).unwrap();
    let claim = sender.claim(1, at(3)).unwrap();
    let _ = sender.record(&claim, second, at(3)).unwrap();
    sender
}

#[test]
fn a_rejection_under_another_id_sends_nothing_a_third_time() {
    let limits = |id: &str| update("LIMITS_EXCEEDED", id, 1, 1);
    for status in ["LIMITS_EXCEEDED", "FAILED_INSUFFICIENT_CREDIT", "OPTED_OUT", "EXPIRED"] {
        for id in ["d-1", "m-1", "log-1", "d-2"] {
            let mut sender = resent(&response(200, r#"{"id":"m-2"}"#));
            let _ = sender.apply(&update(status, id, 1, 1), at(4)).unwrap();
            assert_eq!(states(&sender), [&State::Accepted], "{status} {id}");
            sender.outbox.undo_suppressions(at(4), at(5));
            assert_eq!(sender.claim(1, at(5)), None, "{status} {id}");
        }
    }
    // Without an id, too.
    let mut sender = resent(&response(200, r#"{"id":"m-2"}"#));
    let without = StatusUpdate { id: None, ..limits("") };
    let _ = sender.apply(&without, at(4)).unwrap();
    assert_eq!(sender.claim(1, at(5)), None);
    // Nor where the second attempt has no response, and no id.
    for id in [None, Some("m-1".into())] {
        let mut sender = resent(&Attempt::NoResponse("timeout".into()));
        let _ = sender.apply(&StatusUpdate { id, ..limits("") }, at(4)).unwrap();
        assert_eq!(states(&sender), [&State::NeedsLookup]);
        let _ = sender.apply(&update("DELIVERED", "d-1", 1, 1), at(5)).unwrap();
        assert_eq!(states(&sender), [&State::Accepted]);
    }
    // An operator sees that it failed, and may have it sent again.
    assert_eq!(delivery(&sender), Some(limits("").status));
    assert_eq!(sender.outbox.allow_duplicate("0", at(6)), Ok(true));
    accept(&mut sender);
    let _ = sender.apply(&limits("m-1"), at(7)).unwrap();
    assert_eq!(sender.claim(1, at(8)), None, "another attempt may have arrived");
    // One that arrived after all is believed.
    let _ = sender.apply(&update("DELIVERED", "d-1", 1, 1), at(9)).unwrap();
    assert_eq!(delivery(&sender), Some(DeliveryStatus::Delivered));
    assert_eq!(sender.outbox.allow_duplicate("0", at(10)), Ok(false));
}

#[test]
fn a_status_under_another_id_does_not_settle_the_attempt_under_way() {
    for name in ["SENT", "LIMITS_EXCEEDED", "EXPIRED"] {
        let mut sender = accepted();
        let _ = sender.apply(&update("LIMITS_EXCEEDED", "d-1", 1, 1), at(2)).unwrap();
        let claim = sender.claim(1, at(3)).unwrap();
        let _ = sender.apply(&update(name, "log-1", 1, 1), at(3)).unwrap();
        assert_eq!(states(&sender), [&State::NeedsLookup], "{name}");
        let _ = sender.record(&claim, &response(429, ""), at(4)).unwrap();
        assert_eq!(states(&sender), [&State::RetryLater], "{name}");
    }
}

#[test]
fn what_a_lookup_finds_of_a_resent_message_may_be_the_rejected_attempt() {
    let mut sender = resent(&Attempt::NoResponse("timeout".into()));
    assert_eq!(sender.outbox.mark_found("0", "log-1", at(4)), Ok(true));
    let _ = sender.apply(&update("LIMITS_EXCEEDED", "log-1", 1, 1), at(4)).unwrap();
    assert_eq!(sender.claim(1, at(5)), None);
}

#[test]
fn a_second_rejection_is_resent_unless_the_first_attempt_may_have_arrived() {
    for (late, is_resent) in [("SENT", true), ("DELIVERED", false), ("EXPIRED", false)] {
        let mut sender = resent(&response(200, r#"{"id":"m-2"}"#));
        let _ = sender.apply(&update(late, "d-1", 1, 1), at(4)).unwrap();
        let _ = sender.apply(&update("LIMITS_EXCEEDED", "m-2", 1, 1), at(5)).unwrap();
        assert_eq!(sender.claim(1, at(6)).is_some(), is_resent, "{late}");
    }
}

#[test]
fn a_receipt_that_comes_before_the_response_knows_more() {
    for (name, state) in [
        ("DELIVERED", State::Accepted),
        ("LIMITS_EXCEEDED", State::RetryLater),
        ("FAILED_INSUFFICIENT_CREDIT", State::NeedsFix("failed: out of credit".into())),
        ("OPTED_OUT", State::Suppressed),
    ] {
        for (status, body) in [(200, r#"{"id":"m-1"}"#), (503, "")] {
            let mut sender = sender(&["447700900123"]);
            let claim = sender.claim(1, at(1)).unwrap();
            let _ = sender.apply(&update(name, "d-1", 1, 1), at(2)).unwrap();
            // The circuit breaker hears of it all the same.
            let action = sender.record(&claim, &response(status, body), at(3)).unwrap();
            assert_eq!(matches!(action, Action::BackOff(_)), status == 503);
            assert_eq!(states(&sender), [&state], "{name} {status}");
        }
    }
}

#[test]
fn a_late_status_that_tells_nothing_new_does_not_undo_a_fix() {
    let mut sender = accepted();
    let failed = update("FAILED_INSUFFICIENT_CREDIT", "d-1", 1, 1);
    let _ = sender.apply(&failed, at(2)).unwrap();
    assert_eq!(sender.outbox.mark_fixed("0", at(3)), Ok(true));
    let _ = sender.apply(&update("ACCEPTED", "d-1", 1, 1), at(4)).unwrap();
    assert_eq!(states(&sender), [&State::RetryLater]);
    // What may have arrived is new.
    let _ = sender.apply(&update("EXPIRED", "d-1", 1, 1), at(5)).unwrap();
    assert_eq!(sender.claim(1, at(6)), None);
}

#[test]
fn a_bad_hour_that_is_undone_sends_nothing_again_that_may_have_arrived() {
    let mut sender = accepted();
    let _ = sender.apply(&update("DELIVERED", "d-1", 1, 2), at(2)).unwrap();
    let _ = sender.apply(&update("OPTED_OUT", "d-1", 2, 2), at(3)).unwrap();
    assert_eq!(states(&sender), [&State::Suppressed]);
    assert_eq!(sender.outbox.undo_suppressions(at(3), at(4)), 1);
    assert_eq!(states(&sender), [&State::Accepted]);
    assert_eq!(sender.claim(1, at(5)), None);

    let mut sender = resent(&response(200, r#"{"id":"m-2"}"#));
    for (name, id) in [("EXPIRED", "d-1"), ("OPTED_OUT", "m-2")] {
        let _ = sender.apply(&update(name, id, 1, 1), at(4)).unwrap();
    }
    assert_eq!(states(&sender), [&State::Suppressed]);
    sender.outbox.undo_suppressions(at(4), at(5));
    assert_eq!(sender.claim(1, at(6)), None, "the first attempt may have arrived");
}

#[test]
fn a_status_of_all_parts_is_about_each_of_them() {
    let all = |name: &str| StatusUpdate { part: None, parts: None, ..update(name, "log-1", 1, 1) };
    let mut sender = accepted();
    let _ = sender.apply(&update("SENT", "d-1", 1, 2), at(2)).unwrap();
    let _ = sender.apply(&all("LIMITS_EXCEEDED"), at(3)).unwrap();
    assert_eq!(states(&sender), [&State::RetryLater]);

    let mut sender = accepted();
    let second = StatusUpdate { parts: None, ..update("LIMITS_EXCEEDED", "d-1", 2, 2) };
    let _ = sender.apply(&second, at(2)).unwrap();
    assert_eq!(states(&sender), [&State::Accepted], "no status came of the first");
    let _ = sender.apply(&all("DELIVERED"), at(3)).unwrap();
    assert_eq!(delivery(&sender), Some(DeliveryStatus::Delivered));

    let mut sender = accepted();
    for (part, name) in [(2, "SENT"), (1, "LIMITS_EXCEEDED")] {
        let without = StatusUpdate { parts: None, ..update(name, "d-1", part, 2) };
        let _ = sender.apply(&without, at(2)).unwrap();
    }
    assert_eq!(states(&sender), [&State::Accepted], "the second may arrive");
}

fn faults() -> impl Strategy<Value = Fault> {
    prop_oneof![
        3 => any::<bool>().prop_map(|sent| Fault::Killed { sent }),
        3 => any::<bool>().prop_map(|arrived| Fault::Lost { arrived }),
        2 => Just(Fault::NotSent),
        4 => (0..250_usize).prop_map(Fault::Truncated),
        4 => (any::<bool>(), 0..4_usize)
            .prop_map(|(accepted, body)| Fault::ServerError { accepted, body }),
        2 => (any::<bool>(), prop::sample::select(vec![100, 303, 408, 409, 499, 999]))
            .prop_map(|(accepted, status)| Fault::Unclear { accepted, status }),
        2 => prop::sample::select(vec![302, 400, 401, 402, 403, 404, 429])
            .prop_map(|status| Fault::RejectedWithId { status }),
        2 => prop::sample::select(vec![200, 302, 400, 401, 403, 404, 407, 413, 429, 502])
            .prop_map(|status| Fault::Page { status }),
        2 => (1..14_u32).prop_map(Fault::SlowDown),
        2 => (1..14_u32).prop_map(Fault::Outage),
        2 => (1..6_u32).prop_map(Fault::OptOutStoreDown),
        3 => prop::sample::select(ACCOUNTS.to_vec()).prop_map(Fault::Broken),
        2 => Just(Fault::OptsOut),
        1 => Just(Fault::DropsSilently),
        1 => Just(Fault::OptsIn),
        1 => Just(Fault::Contradicts),
        3 => (0..SHAPES.len()).prop_map(Fault::Shape),
        3 => (
            prop::sample::select(vec!["LIMITS_EXCEEDED", "FAILED_INSUFFICIENT_CREDIT", "OPTED_OUT"]),
            1..14_u32,
        )
            .prop_map(|(status, messages)| Fault::FailsLater(status, messages)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_schedule_of_faults_keeps_the_invariants(
        schedule in prop::collection::vec(prop::option::of(faults()), 0..60),
        most in prop::collection::vec(1..8_usize, 1..8),
        people in prop::collection::vec((1..=2_usize, 0..10_u32), 1..24),
    ) {
        let (mut outbox, mut opted_out) = (Outbox::default(), BTreeSet::new());
        for (n, (texts, fate)) in people.into_iter().enumerate() {
            let prefix = if fate == 0 { "4477009" } else { "447700900" };
            for (text, plus) in ["", "+"].into_iter().enumerate().take(texts) {
                let to = format!("{plus}{prefix}2{n:02}");
                outbox.queue(&format!("{text}-{n:02}"), &to, at(0)).unwrap();
            }
            if fate == 1 {
                opted_out.insert(format!("{prefix}2{n:02}"));
            }
        }
        let mut run = Run::new(outbox, Provider::new(opted_out), Advice::Honest);
        let kept = run.play(|send| most[send % most.len()], |send| schedule.get(send).copied().flatten());
        prop_assert_eq!(kept, Ok(()));
    }
}
