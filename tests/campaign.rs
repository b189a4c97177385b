//! An outbox that follows the crate's advice texts nobody twice, whatever the provider does; and one
//! that follows other advice is found out.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by a panic")]

#[path = "../examples/campaign/provider.rs"]
mod provider;
#[path = "../examples/campaign/script.rs"]
mod script;
#[path = "../examples/campaign/sender.rs"]
pub mod sender;

use std::collections::{BTreeMap, BTreeSet};

use mobivate_response::{
    Action, DeliveryStatus, Failure, FailureKind, Outcome, Retry, Scope, StopReason,
};
use proptest::prelude::*;

use provider::{Account, Fault, Met, Provider, exists};
use sender::{Accepted, Attempt, Claim, Outbox, ReferenceTaken, Stale, State, number};

/// Other advice than the crate's, on trial.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mutation {
    /// None: the crate's own.
    None,
    /// Another answer of `retry`, or of `scope`, for one kind.
    Retry(FailureKind, Retry),
    Scope(FailureKind, Scope),
    /// A batch's opt-out is taken for a single send's.
    BatchOptedOutAsOptedOut,
    NeverStops,
    /// Each threshold one later.
    FourthTroubleStops,
    EleventhFailureStops,
    FourthFailedDeliveryStops,
    /// An opt-out resets the counts.
    OptOutResets,
    /// What fails after acceptance stops nothing.
    DeliveriesAreNotRecorded,
    /// The last status counts, whatever came before it.
    LastStatusCounts,
}

type Kept = Result<(), String>;

fn invariant(holds: bool, what: impl FnOnce() -> String) -> Kept {
    if holds { Ok(()) } else { Err(what()) }
}

struct Run {
    outbox: Outbox,
    provider: Provider,
    mutation: Mutation,
    now: u64,
    last_success: u64,
    /// Since the last success, or since an operator looked.
    trouble: u32,
    failures: u32,
    failed_deliveries: u32,
    by_mistake: usize,
    twice: Option<(Claim, Attempt)>,
    kinds: BTreeSet<FailureKind>,
    /// What the crate would have said of what became of each message.
    statuses: BTreeMap<String, DeliveryStatus>,
}

impl Run {
    fn new(outbox: Outbox, provider: Provider, mutation: Mutation) -> Self {
        Self {
            outbox,
            provider,
            mutation,
            now: 0,
            last_success: 0,
            trouble: 0,
            failures: 0,
            failed_deliveries: 0,
            by_mistake: 0,
            twice: None,
            kinds: BTreeSet::new(),
            statuses: BTreeMap::new(),
        }
    }

    /// Plays until nothing is left to send.
    fn play(&mut self, most: fn(usize) -> usize, fault: impl Fn(usize) -> Option<Fault>) -> Kept {
        for request in 0.. {
            invariant(request < 5000, || "it never ends".into())?;
            let claim = self.outbox.claim(most(request)).or_else(|| {
                self.provider.operate(&mut self.outbox, None, self.last_success);
                (self.trouble, self.failures, self.failed_deliveries) = (0, 0, 0);
                self.outbox.claim(most(request))
            });
            let Some(claim) = claim else { break };
            self.now += 1;
            self.step(&claim, fault(request))?;
        }
        self.provider.look_up(&mut self.outbox);
        self.end()
    }

    fn step(&mut self, claim: &Claim, fault: Option<Fault>) -> Kept {
        if let Some(Fault::Killed { sent }) = fault {
            if sent {
                let _ = self.provider.send(claim, Some(Fault::Lost { arrived: true }));
            }
            return self.apply_receipts();
        }
        if let Some((claim, attempt)) = self.twice.take() {
            let before = format!("{:?}", self.outbox);
            let again = self.outbox.record(&claim, &attempt, self.now);
            invariant(again == Err(Stale) && format!("{:?}", self.outbox) == before, || {
                "an outcome was recorded twice".into()
            })?;
        }
        let (attempt, met, is_clear) = self.provider.send(claim, fault);
        let action = self.record(claim, &attempt)?;
        for (reference, _) in &claim.messages {
            self.is_in_the_right_state(claim, reference, &attempt, met, is_clear)?;
        }
        invariant(met != Met::Trouble || self.trouble < 3 || stops(action), || {
            format!("{} messages spent on trouble, and no stop", self.trouble)
        })?;
        invariant(self.failures < 10 || stops(action), || {
            format!("{} messages spent, and no stop", self.failures)
        })?;
        let is_caused = self.trouble >= 3 || self.failures >= 10;
        invariant(is_caused || !stops(action), || "it stops without a cause".into())?;
        let asks_for_a_wait = matches!(attempt, Attempt::NoResponse(_) | Attempt::NotSent(_))
            || matches!(attempt, Attempt::Response { status: 429 | 500.., .. });
        let asks = asks_for_a_wait && action == Action::Continue;
        invariant(!asks, || "it does not back off".into())?;
        let new = self.provider.by_mistake.iter();
        let new = new.filter(|number| self.outbox.suppressed.contains_key(*number)).count();
        invariant(new - self.by_mistake.min(new) <= 10, || {
            format!("{new} suppressed by mistake, and no stop")
        })?;
        if fault == Some(Fault::RecordedTwice) {
            self.twice = Some((claim.clone(), attempt));
        }
        if let Action::Stop(reason) = action {
            self.stop(reason);
        }
        self.apply_receipts()
    }

    fn stop(&mut self, reason: StopReason) {
        self.provider.operate(&mut self.outbox, Some(reason), self.last_success);
        if reason != StopReason::Service {
            (self.trouble, self.failures, self.failed_deliveries) = (0, 0, 0);
        }
        let suppressed = &self.outbox.suppressed;
        let is_on = |number: &&String| suppressed.contains_key(*number);
        self.by_mistake = self.provider.by_mistake.iter().filter(is_on).count();
    }

    /// As `Outbox::record` does, by the mutated advice.
    fn record(&mut self, claim: &Claim, attempt: &Attempt) -> Result<Action, String> {
        let Some(outcome) = sender::outcome(claim, attempt) else {
            self.outbox.record_not_sent(claim).unwrap();
            (self.trouble, self.failures) = (self.trouble + 1, self.failures + 1);
            let action = self.outbox.circuit_breaker.record_not_sent();
            return Ok(self.mutated(action));
        };
        let (for_outbox, for_breaker) = match &outcome {
            Outcome::Success(_) => {
                (self.trouble, self.failures, self.last_success) = (0, 0, self.now);
                (outcome.clone(), outcome.clone())
            }
            Outcome::Failure(failure) => {
                self.kinds.insert(failure.kind);
                self.failures += 1;
                let rate_limited = failure.kind == FailureKind::RateLimited;
                let is_trouble = matches!(failure.scope(), Scope::Account | Scope::Service);
                self.trouble += u32::from(is_trouble && !rate_limited);
                match self.mutation {
                    Mutation::Retry(kind, retry) if kind == failure.kind => {
                        (with_kind(failure, of_retry(retry)), outcome.clone())
                    }
                    Mutation::Scope(kind, scope) if kind == failure.kind => {
                        (outcome.clone(), with_kind(failure, of_scope(scope)))
                    }
                    Mutation::BatchOptedOutAsOptedOut
                        if failure.kind == FailureKind::BatchOptedOut =>
                    {
                        (with_kind(failure, FailureKind::OptedOut), outcome.clone())
                    }
                    _ => (outcome.clone(), outcome.clone()),
                }
            }
        };
        let recorded = self.outbox.record_outcome(claim, &for_outbox, self.now);
        invariant(recorded == Ok(()), || "the open attempt is not the claim's".into())?;
        let action = self.outbox.circuit_breaker.record(&for_breaker);
        let is_opt_out = outcome.failure().is_some_and(|failure| {
            matches!(failure.kind, FailureKind::OptedOut | FailureKind::BatchOptedOut)
        });
        if self.mutation == Mutation::OptOutResets && is_opt_out {
            self.outbox.circuit_breaker.reset();
        }
        Ok(self.mutated(action))
    }

    fn mutated(&self, action: Action) -> Action {
        match self.mutation {
            Mutation::NeverStops if stops(action) => Action::BackOff(1),
            Mutation::FourthTroubleStops if self.trouble == 3 && self.failures < 10 => {
                Action::BackOff(1)
            }
            Mutation::EleventhFailureStops if self.failures == 10 && self.trouble < 3 => {
                Action::BackOff(1)
            }
            _ => action,
        }
    }

    fn apply_receipts(&mut self) -> Kept {
        while let Some((reference, status)) = self.provider.receipts.pop_front() {
            let known = self.statuses.entry(reference.clone()).or_insert(status);
            *known = known.merge(status);
            let expected = *known;
            let mut action = self.outbox.apply(&reference, status, self.now).unwrap();
            if self.mutation == Mutation::LastStatusCounts {
                self.outbox.messages.get_mut(&reference).unwrap().status = status;
            }
            let is_status = self.outbox.messages[&reference].status == expected;
            invariant(is_status, || format!("{reference} is {expected}"))?;
            match status.failure_kind() {
                Some(kind) if kind.scope() == Scope::Account => self.failed_deliveries += 1,
                None if status == DeliveryStatus::Delivered => self.failed_deliveries = 0,
                _ => {}
            }
            if self.mutation == Mutation::DeliveriesAreNotRecorded
                || self.mutation == Mutation::FourthFailedDeliveryStops
                    && self.failed_deliveries == 3
            {
                action = Action::Continue;
            }
            invariant(self.failed_deliveries < 3 || stops(action), || {
                format!("{} failed after acceptance, and no stop", self.failed_deliveries)
            })?;
            invariant(self.failed_deliveries >= 3 || !stops(action), || {
                "it stops without a cause".into()
            })?;
            if let Action::Stop(reason) = action {
                self.stop(reason);
            }
        }
        Ok(())
    }

    /// By what the provider knows, and by what the client can know.
    #[expect(clippy::match_same_arms, reason = "a row for each state")]
    fn is_in_the_right_state(
        &self,
        claim: &Claim,
        reference: &str,
        attempt: &Attempt,
        met: Met,
        is_clear: bool,
    ) -> Kept {
        let message = &self.outbox.messages[reference];
        let number = number(&message.recipient);
        let is_out =
            self.provider.opted_out.contains(&number) || self.provider.by_mistake.contains(&number);
        let is_alone = claim.messages.len() == 1;
        let is_too_fast = matches!(attempt, Attempt::Response { status: 429, .. });
        let is_right = match (&message.state, met) {
            (State::Accepted(_), Met::Accepted) => is_clear,
            (State::NeedsLookup(_), Met::Accepted) => !is_clear,
            (_, Met::Accepted) | (State::Accepted(_), _) => false,
            (State::Suppressed, _) => met == Met::OptedOut && is_out,
            (State::NeedsLookup(_), _) => !is_clear,
            (State::RetryLater, _) => is_too_fast || matches!(attempt, Attempt::NotSent(_)),
            (State::NeedsFix(_), Met::Rejected) => is_alone && !is_too_fast,
            (State::NeedsFix(_), Met::OptedOut) => !is_clear,
            (State::NeedsFix(_), _) => matches!(attempt, Attempt::Response { .. }),
            (State::Queued, _) => !is_alone,
        };
        invariant(is_right, || format!("{reference} met {met:?} by {attempt:?}: {message:?}"))
    }

    /// At the end nothing waits, and nobody was harmed.
    fn end(&mut self) -> Kept {
        for (reference, message) in &self.outbox.messages {
            let is_right = match message.state {
                State::Queued | State::RetryLater => false,
                State::NeedsFix(_) => !exists(&number(&message.recipient)),
                State::Suppressed => {
                    let number = number(&message.recipient);
                    let by_mistake = self.provider.by_mistake.contains(&number);
                    self.provider.opted_out.contains(&number) || by_mistake
                }
                State::Accepted(_) | State::NeedsLookup(_) => true,
            };
            invariant(is_right, || format!("at the end, {reference}: {message:?}"))?;
        }
        for (what, count) in self.provider.harm(&self.outbox) {
            invariant(count == 0, || format!("{count} {what}"))?;
        }
        Ok(())
    }
}

fn stops(action: Action) -> bool {
    matches!(action, Action::Stop(_))
}

fn with_kind(failure: &Failure<'static>, kind: FailureKind) -> Outcome<'static, Accepted> {
    let mut failure = failure.clone();
    failure.kind = kind;
    failure.into()
}

/// A kind that stands for an answer, and asks for nothing else of the outbox.
fn of_retry(retry: Retry) -> FailureKind {
    match retry {
        Retry::Later => FailureKind::RateLimited,
        Retry::AfterFix => FailureKind::Unauthorized,
        Retry::MayDuplicate => FailureKind::Unconfirmed,
        Retry::Never => FailureKind::OptedOut,
    }
}

fn of_scope(scope: Scope) -> FailureKind {
    match scope {
        Scope::Recipient => FailureKind::OptedOut,
        Scope::Request => FailureKind::BadRequest,
        Scope::Account => FailureKind::Unauthorized,
        Scope::Service => FailureKind::ServerError,
    }
}

/// The kinds that came, or the invariant that was broken.
fn play_the_script(mutation: Mutation) -> Result<BTreeSet<FailureKind>, String> {
    let mut run = Run::new(script::outbox(), script::provider(), mutation);
    run.play(script::most, script::fault)?;
    Ok(run.kinds)
}

#[test]
fn the_example_comes_out_right() {
    let kinds = play_the_script(Mutation::None).unwrap();
    // `Undelivered` is said of an accepted message, later.
    let of_a_send = FailureKind::ALL.iter().filter(|kind| **kind != FailureKind::Undelivered);
    assert!(kinds.iter().eq(of_a_send), "the script provokes every kind: {kinds:?}");
}

#[test]
fn the_stand_ins_say_what_they_stand_for() {
    for retry in [Retry::Later, Retry::AfterFix, Retry::MayDuplicate, Retry::Never] {
        assert_eq!(of_retry(retry).retry(), retry);
    }
    for scope in [Scope::Recipient, Scope::Request, Scope::Account, Scope::Service] {
        assert_eq!(of_scope(scope).scope(), scope);
    }
}

/// What may be told otherwise without harm, and why.
fn harmless(mutation: Mutation) -> Option<&'static str> {
    use FailureKind::{
        BadRequest, BatchOptedOut, Forbidden, Misconfigured, OptedOut, OutOfCredit, Unauthorized,
        Unconfirmed,
    };
    match mutation {
        Mutation::Scope(
            OptedOut | BatchOptedOut | BadRequest,
            Scope::Recipient | Scope::Request,
        ) => Some("either counts as a failure; the reason of the stop alone is another"),
        Mutation::Scope(Unauthorized | OutOfCredit | Forbidden | Misconfigured, Scope::Service) => {
            Some("it backs off where no wait helps, and stops all the same")
        }
        Mutation::Scope(Unconfirmed, Scope::Account) => {
            Some("it does not back off before the stop, and stops all the same")
        }
        _ => None,
    }
}

#[test]
fn every_harmful_mutation_is_noticed() {
    let kinds = play_the_script(Mutation::None).unwrap();
    let mut mutations = vec![
        Mutation::BatchOptedOutAsOptedOut,
        Mutation::NeverStops,
        Mutation::FourthTroubleStops,
        Mutation::EleventhFailureStops,
        Mutation::FourthFailedDeliveryStops,
        Mutation::OptOutResets,
        Mutation::DeliveriesAreNotRecorded,
        Mutation::LastStatusCounts,
    ];
    for kind in kinds {
        for retry in [Retry::Later, Retry::AfterFix, Retry::MayDuplicate, Retry::Never] {
            if kind.retry() != retry {
                mutations.push(Mutation::Retry(kind, retry));
            }
        }
        for scope in [Scope::Recipient, Scope::Request, Scope::Account, Scope::Service] {
            if kind.scope() != scope {
                mutations.push(Mutation::Scope(kind, scope));
            }
        }
    }
    assert_eq!(mutations.len(), 8 + 11 * 6);
    let mut wrong = Vec::new();
    for mutation in mutations {
        let noticed = play_the_script(mutation).err();
        if noticed.is_none() != harmless(mutation).is_some() {
            wrong.push(format!("{mutation:?}: {noticed:?}, {:?}", harmless(mutation)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A small campaign: eight recipients get two messages each; one opted out, one's number is none.
fn small() -> (Outbox, Provider) {
    let mut outbox = Outbox::default();
    for n in 0..8 {
        let prefix = if n == 5 { "4477009" } else { "447700900" };
        outbox.queue(&format!("first-{n}"), &format!("{prefix}10{n}")).unwrap();
        outbox.queue(&format!("second-{n}"), &format!("+{prefix}10{n}")).unwrap();
    }
    (outbox, Provider::new(["447700900103".into()].into()))
}

#[test]
fn a_response_is_truncated_at_every_byte() {
    for met in [
        None,
        Some(Fault::Broken(Account::Key)),
        Some(Fault::Broken(Account::Permission)),
        Some(Fault::Broken(Account::SenderIdUnsuccessful)),
        Some(Fault::SlowDown(3)),
        Some(Fault::OptOutStoreDown(3)),
        Some(Fault::OptOutListBroken),
    ] {
        for most in [|_| 1, |_| 8] {
            for request in 1..10 {
                for at in 0..180 {
                    let (outbox, provider) = small();
                    let fault = |now| match now {
                        0 => met,
                        now if now == request => Some(Fault::Truncated(at)),
                        _ => None,
                    };
                    let kept = Run::new(outbox, provider, Mutation::None).play(most, fault);
                    assert_eq!(kept, Ok(()), "{met:?}, request {request} truncated at {at}");
                }
            }
        }
    }
}

#[test]
fn it_is_killed_at_every_point() {
    for (first, second) in (0..40).flat_map(|first| (first..40).map(move |second| (first, second)))
    {
        for most in [|_| 1, |_| 3] {
            let (outbox, provider) = small();
            let fault = |now| {
                let killed = now == first / 2 || now == second / 2;
                let sent = if now == first / 2 { first % 2 == 0 } else { second % 2 == 0 };
                killed.then_some(Fault::Killed { sent })
            };
            let kept = Run::new(outbox, provider, Mutation::None).play(most, fault);
            assert_eq!(kept, Ok(()), "killed at {first} and {second}");
        }
    }
}

const OK: &[u8] = br#"{"id":"m-1"}"#;

fn response(status: u16, body: &[u8]) -> Attempt {
    Attempt::Response { status, body: body.into() }
}

fn of_one() -> Outbox {
    let mut outbox = Outbox::default();
    outbox.queue("r", "447700900123").unwrap();
    outbox
}

#[test]
fn an_outcome_counts_once() {
    let mut outbox = of_one();
    let first = outbox.claim(1).unwrap();
    let slow_down = response(429, b"");
    assert!(outbox.record(&first, &slow_down, 1).is_ok());
    let second = outbox.claim(1).unwrap();
    assert_ne!(first.attempt, second.attempt);
    assert_eq!(outbox.record(&first, &slow_down, 2), Err(Stale), "the second try is under way");
    assert_eq!(outbox.claim(1), None, "so no third one goes out");
    assert!(outbox.record(&second, &response(200, OK), 3).is_ok());
    assert_eq!(outbox.record(&second, &response(200, OK), 3), Err(Stale));
    assert_eq!(outbox.record_not_sent(&second), Err(Stale));
    assert_eq!(outbox.messages["r"].state, State::Accepted(Some("m-1".into())));
}

#[test]
fn a_reference_is_of_one_recipient() {
    let mut outbox = of_one();
    assert_eq!(outbox.queue("r", "+44 7700 900123"), Ok(()));
    assert_eq!(outbox.queue("r", "00447700900123"), Ok(()));
    assert_eq!(outbox.queue("r", "447700900124"), Err(ReferenceTaken));
    assert_eq!(outbox.claim(9).unwrap().messages.len(), 1);
}

#[test]
fn what_is_rejected_after_acceptance_goes_where_its_status_says() {
    for (name, state) in [
        ("LIMITS_EXCEEDED", State::RetryLater),
        ("FAILED_INSUFFICIENT_CREDIT", State::NeedsFix("failed: out of credit".into())),
        ("OPTED_OUT", State::Suppressed),
        ("EXPIRED", State::Accepted(Some("m-1".into()))),
        ("SENT", State::Accepted(Some("m-1".into()))),
    ] {
        let status = DeliveryStatus::from_name(name);
        let mut outbox = of_one();
        assert_eq!(outbox.apply("r", status, 1), None, "it was not claimed");
        let claim = outbox.claim(1).unwrap();
        assert!(outbox.record(&claim, &response(200, OK), 1).is_ok());
        assert!(outbox.apply("r", status, 2).is_some());
        assert_eq!(outbox.messages["r"].state, state, "{name}");
        assert_eq!(outbox.apply("another", status, 2), None);
        // A late receipt overrides it, and nothing is sent again.
        assert!(outbox.apply("r", DeliveryStatus::Delivered, 3).is_some());
        if name != "OPTED_OUT" {
            assert!(matches!(outbox.messages["r"].state, State::Accepted(_)), "{name}");
        }
        assert_eq!(outbox.claim(1), None);
    }
}

#[test]
fn a_receipt_of_an_earlier_attempt_sends_nothing_again() {
    let limits = DeliveryStatus::from_name("LIMITS_EXCEEDED");
    let mut outbox = of_one();
    for _ in 0..2 {
        let claim = outbox.claim(1).unwrap();
        assert!(outbox.record(&claim, &response(200, OK), 1).is_ok());
        let _ = outbox.apply("r", limits, 2);
    }
    assert_eq!(outbox.messages["r"].state, State::NeedsLookup(None), "which attempt is it about?");
    assert_eq!(outbox.claim(1), None);
}

#[test]
fn whom_a_batchs_notice_names() {
    let batch = |named: &str, id: &str| {
        let mut outbox = Outbox::default();
        for n in 0..5 {
            outbox.queue(&format!("r-{n}"), &format!("+44 7700 90012{n}")).unwrap();
        }
        let claim = outbox.claim(9).unwrap();
        let body = format!(r#"{{{id}"code":403,"message":"Recipient is opted out{named}"}}"#);
        assert!(outbox.record(&claim, &response(403, body.as_bytes()), 7).is_ok());
        outbox
    };
    let outbox = batch(": 447700900123", "");
    assert_eq!(outbox.suppressed.keys().collect::<Vec<_>>(), ["447700900123"]);
    assert_eq!(outbox.suppressed["447700900123"].reference.as_deref(), Some("r-3"));
    assert_eq!(outbox.suppressed["447700900123"].since, 7);
    assert_eq!(outbox.clone().claim(9).unwrap().messages.len(), 4, "the others, together");

    let mut outbox = batch(": 447700900123", r#""id":"b-1","#);
    assert_eq!(outbox.messages["r-3"].state, State::Suppressed);
    assert_eq!(outbox.messages["r-0"].state, State::NeedsLookup(Some("b-1".into())));
    assert_eq!(outbox.claim(9), None);

    for nobody in ["", ": 44XXXXXXXX", ": 447700900999"] {
        let mut outbox = batch(nobody, "");
        assert!(outbox.suppressed.is_empty());
        let halves = std::iter::from_fn(|| outbox.claim(9).map(|claim| claim.messages.len()));
        assert_eq!(halves.collect::<Vec<_>>(), [3, 2], "{nobody}");
    }
}

#[test]
fn another_count_is_looked_up() {
    for (body, state) in [
        (r#"{"id":"b","recipientCount":2}"#, State::Accepted(Some("b".into()))),
        (r#"{"id":"b"}"#, State::Accepted(Some("b".into()))),
        (r#"{"id":"b","recipientCount":1}"#, State::NeedsLookup(Some("b".into()))),
        (r#"{"id":"b","recipients":[{"text":"Hi"}]}"#, State::NeedsLookup(Some("b".into()))),
    ] {
        let mut outbox = of_one();
        outbox.queue("s", "447700900124").unwrap();
        let claim = outbox.claim(2).unwrap();
        assert!(outbox.record(&claim, &response(200, body.as_bytes()), 1).is_ok());
        assert_eq!(outbox.messages["s"].state, state, "{body}");
    }
}

#[test]
fn opting_in_again_and_a_bad_hour() {
    let notice = response(403, br#"{"message":"Recipient is opted out"}"#);
    let mut outbox = of_one();
    outbox.import_suppressed(["00 44 7700 900124"], 3);
    outbox.queue("s", "447700900124").unwrap();
    let claim = outbox.claim(1).unwrap();
    assert!(outbox.record(&claim, &notice, 5).is_ok());
    assert_eq!(outbox.claim(1), None, "both are suppressed");
    assert_eq!(outbox.messages["s"].state, State::Suppressed);

    outbox.undo_suppressions(6);
    assert_eq!(outbox.claim(1), None);
    outbox.undo_suppressions(4);
    assert_eq!(outbox.claim(1).unwrap().messages[0].0, "r");
    assert_eq!(outbox.suppressed.keys().collect::<Vec<_>>(), ["447700900124"], "imported");

    outbox.opted_in("+447700900124");
    outbox.queue("t", "447700900124").unwrap();
    assert_eq!(outbox.claim(9).unwrap().messages, [("t".into(), "447700900124".into())]);
}

#[test]
fn an_operator_decides_once() {
    let mut outbox = of_one();
    let claim = outbox.claim(1).unwrap();
    outbox.mark_fixed("r");
    assert!(outbox.record(&claim, &Attempt::NoResponse("timeout".into()), 1).is_ok());
    outbox.mark_fixed("r");
    assert_eq!(outbox.claim(1), None, "what is in doubt is not sent again as fixed");
    outbox.allow_duplicate("r");
    outbox.allow_duplicate("r");
    let claim = outbox.claim(9).unwrap();
    assert_eq!((claim.messages.len(), outbox.claim(9)), (1, None));
    outbox.mark_found("r", "m-1");
    assert_eq!(outbox.messages["r"].state, State::Accepted(Some("m-1".into())));
    assert_eq!(outbox.record(&claim, &response(429, b""), 2), Err(Stale), "it was found");
    for status in [429, 403, 400] {
        let mut outbox = of_one();
        let claim = outbox.claim(1).unwrap();
        assert!(outbox.record(&claim, &response(status, OK), 1).is_ok());
        let state = State::NeedsLookup(Some("m-1".into()));
        assert_eq!(outbox.messages["r"].state, state, "an id beside {status}");
    }
}

#[test]
fn a_notice_that_names_another_is_shown() {
    for (named, another) in
        [("", false), (": 447700900123", false), (": 44XXXXXXXX", false), (": 447700900999", true)]
    {
        let mut outbox = of_one();
        let claim = outbox.claim(1).unwrap();
        let body = format!(r#"{{"code":403,"message":"Recipient is opted out{named}"}}"#);
        assert!(outbox.record(&claim, &response(403, body.as_bytes()), 1).is_ok());
        assert!(outbox.suppressed.contains_key("447700900123"), "whom it was sent to");
        assert_eq!(outbox.named_another.contains("r"), another, "{named}");
    }
}

fn faults() -> impl Strategy<Value = Fault> {
    let accounts = [
        Account::Key,
        Account::Permission,
        Account::Credit,
        Account::Url,
        Account::SenderId,
        Account::SenderIdUnsuccessful,
    ];
    prop_oneof![
        3 => any::<bool>().prop_map(|sent| Fault::Killed { sent }),
        3 => any::<bool>().prop_map(|arrived| Fault::Lost { arrived }),
        2 => Just(Fault::NotSent),
        4 => (0..250_usize).prop_map(Fault::Truncated),
        4 => (any::<bool>(), 0..4_usize)
            .prop_map(|(accepted, body)| Fault::ServerError { accepted, body }),
        2 => (any::<bool>(), prop::sample::select(vec![100, 302, 303, 406, 408, 409, 460, 499, 999]))
            .prop_map(|(accepted, status)| Fault::Unclear { accepted, status }),
        2 => prop::sample::select(vec![305, 400, 401, 402, 403, 404, 429])
            .prop_map(|status| Fault::ErrorWithId { status }),
        2 => prop::sample::select(vec![200, 302, 400, 401, 403, 404, 407, 413, 502])
            .prop_map(|status| Fault::Page { status }),
        2 => (1..14_u32).prop_map(Fault::SlowDown),
        2 => (1..14_u32).prop_map(Fault::Outage),
        2 => (1..6_u32).prop_map(Fault::OptOutStoreDown),
        1 => Just(Fault::OptOutListBroken),
        1 => (1..9_u32).prop_map(Fault::NoCreditLater),
        3 => prop::sample::select(accounts.to_vec()).prop_map(Fault::Broken),
        2 => Just(Fault::OptsOut),
        1 => Just(Fault::DropsSilently),
        1 => Just(Fault::OddCount),
        2 => Just(Fault::RecordedTwice),
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
        recipients in prop::collection::vec((1..=2_usize, 0..10_u32), 1..24),
        most in prop::sample::select(vec![|_| 1, |_| 2, |_| 7, |request| 1 + request % 5]),
    ) {
        let (mut outbox, mut opted_out) = (Outbox::default(), BTreeSet::new());
        for (n, (messages, fate)) in recipients.into_iter().enumerate() {
            let prefix = if fate == 0 { "4477009" } else { "447700900" };
            for (message, plus) in ["", "+"].into_iter().enumerate().take(messages) {
                let reference = format!("{message}-{n:02}");
                outbox.queue(&reference, &format!("{plus}{prefix}2{n:02}")).unwrap();
            }
            if fate == 1 {
                opted_out.insert(format!("{prefix}2{n:02}"));
            }
        }
        let mut run = Run::new(outbox, Provider::new(opted_out), Mutation::None);
        let kept = run.play(most, |request| schedule.get(request).copied().flatten());
        prop_assert_eq!(kept, Ok(()));
    }
}
