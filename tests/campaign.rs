//! A sender that follows the crate's advice texts nobody twice, whatever the provider does; and one
//! that follows other advice is found out.

// Thousands of campaigns, and no unsafe code.
#![cfg(not(miri))]

#[path = "../examples/campaign/provider.rs"]
mod provider;
#[path = "../examples/campaign/script.rs"]
mod script;
#[path = "../examples/campaign/sender.rs"]
pub mod sender;

use std::collections::{BTreeMap, BTreeSet};

use mobivate_response::{Action, Failure, FailureKind, Retry, Scope, SendOutcome};
use proptest::prelude::*;

use provider::{Account, Fault, Met, Provider, Truth, digits, exists};
use sender::{Attempt, Outbox, Sender, State, Text};

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
}

impl Advice {
    fn settle(self, sender: &mut Sender, text: Text, sent: &Attempt) -> Action {
        match self {
            Self::Honest => sender.settle(text, sent),
            Self::NeverStop => match sender.settle(text, sent) {
                Action::Stop(_) => Action::Continue,
                next => next,
            },
            Self::Retry(..) | Self::Scope(..) => {
                let outcome = match sent {
                    Attempt::Response { status, body } => SendOutcome::decode(*status, body),
                    Attempt::NoResponse(why) => SendOutcome::no_response(why),
                    Attempt::NotSent(_) => return sender.settle(text, sent),
                };
                let Some(failure) = outcome.failure() else { return sender.settle(text, sent) };
                let (retry, scope) = self.on(failure.kind);
                sender.record(text, &SendOutcome::Failure(with_kind(failure, of_retry(retry))));
                let for_breaker =
                    if retry == Retry::Later { of_retry(retry) } else { of_scope(scope) };
                sender.circuit_breaker.note(Some(&with_kind(failure, for_breaker)))
            }
        }
    }

    fn on(self, kind: FailureKind) -> (Retry, Scope) {
        match self {
            Self::Retry(bent, retry) if bent == kind => (retry, kind.scope()),
            Self::Scope(bent, scope) if bent == kind => (kind.retry(), scope),
            _ => (kind.retry(), kind.scope()),
        }
    }
}

/// The sender and the circuit breaker read the kind alone: another kind is other advice.
fn with_kind<'a>(failure: &Failure<'a>, kind: FailureKind) -> Failure<'a> {
    let mut failure = failure.clone();
    failure.kind = kind;
    failure
}

/// A kind with this advice.
fn of_retry(retry: Retry) -> FailureKind {
    match retry {
        Retry::Later => FailureKind::RateLimited,
        Retry::AfterFix => FailureKind::BadRequest,
        Retry::MayDuplicate => FailureKind::ServerError,
        Retry::Never => FailureKind::OptedOut,
    }
}

/// A kind with this scope, and not to be sent `Later`.
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
    /// What was true of each text's last request.
    last: BTreeMap<String, Truth>,
    /// Requests spent consecutive on an outage or a dead account, as the sender living now saw them.
    spent: u32,
    /// Requests since the last clear response with which something was wrong.
    wrong: u32,
    /// Responses of 429 since the last clear response.
    too_fast: u32,
    /// The kinds that came.
    kinds: BTreeSet<FailureKind>,
}

type Lawful = Result<(), String>;

fn invariant(kept: bool, or: impl FnOnce() -> String) -> Lawful {
    if kept { Ok(()) } else { Err(or()) }
}

impl Run {
    fn new(outbox: Outbox, provider: Provider, advice: Advice) -> Self {
        Self {
            sender: Sender::new(outbox),
            provider,
            advice,
            last: BTreeMap::new(),
            spent: 0,
            wrong: 0,
            too_fast: 0,
            kinds: BTreeSet::new(),
        }
    }

    /// Sends everything there is, and asserts the invariants on the way and at the end.
    fn play(&mut self, fault: impl Fn(usize) -> Option<Fault>) -> Lawful {
        let references: Vec<_> = self.sender.outbox.texts.keys().cloned().collect();
        self.send_all(fault)?;
        self.provider.look_up(&mut self.sender);
        let kept = self.sender.outbox.texts.keys().cloned().collect::<Vec<_>>();
        invariant(kept == references, || "the outbox have other texts than before".into())?;
        for (what, count) in self.provider.harm(&self.sender.outbox) {
            invariant(count == 0, || format!("{what}: {count}"))?;
        }
        self.sender.outbox.texts.values().try_for_each(|text| self.is_in_the_right_book(text))
    }

    fn send_all(&mut self, fault: impl Fn(usize) -> Option<Fault>) -> Lawful {
        let enough = 5 * self.sender.outbox.texts.len() + 100;
        for send in 0.. {
            invariant(send < enough, || "it never ends".into())?;
            let text = self.sender.take().or_else(|| {
                self.provider.mend(&mut self.sender);
                self.sender.take()
            });
            let Some(text) = text else { break };
            self.send(text, fault(send))?;
        }
        Ok(())
    }

    fn send(&mut self, text: Text, fault: Option<Fault>) -> Lawful {
        let reference = text.reference.clone();
        if let Some(Fault::Killed { sent }) = fault {
            if sent {
                let (_, truth) = self.provider.send(&text, Some(Fault::Lost { arrived: true }));
                self.last.insert(reference, Truth { clear: false, ..truth });
            } else {
                self.last.entry(reference).and_modify(|truth| truth.clear = false);
            }
            self.sender = Sender::new(std::mem::take(&mut self.sender.outbox));
            (self.spent, self.wrong, self.too_fast) = (0, 0, 0);
            return Ok(());
        }
        let (sent, truth) = self.provider.send(&text, fault);
        self.last.insert(reference, truth);
        self.count(&sent, truth);
        let next = self.advice.settle(&mut self.sender, text, &sent);
        let stops = truth.met != Met::Trouble || self.spent < 3 || next == Action::Stop(_);
        invariant(stops, || format!("{} spent, and no stop", self.spent))?;
        if next == Action::Stop(_) {
            invariant(self.wrong >= 3 || self.too_fast >= 10, || {
                "it stops without a cause".into()
            })?;
            self.provider.mend(&mut self.sender);
        }
        Ok(())
    }

    fn count(&mut self, sent: &Attempt, truth: Truth) {
        let status = match sent {
            Attempt::Response { status, body } => {
                let outcome = SendOutcome::decode(*status, body);
                self.kinds.extend(outcome.failure().map(|failure| failure.kind));
                *status
            }
            Attempt::NoResponse(why) => {
                let outcome = SendOutcome::no_response(why);
                self.kinds.extend(outcome.failure().map(|failure| failure.kind));
                0
            }
            Attempt::NotSent(_) => 0,
        };
        match truth {
            Truth { met: Met::Accepted | Met::OptedOut, clear: true } => {
                (self.spent, self.wrong, self.too_fast) = (0, 0, 0);
            }
            // About this request alone, or about the pace.
            Truth { met: Met::NoSuchNumber | Met::TooFast, clear: true } => {}
            Truth { met: Met::Trouble, .. } => {
                self.spent += 1;
                self.wrong += 1;
            }
            _ => {
                self.spent = 0;
                self.wrong += 1;
            }
        }
        self.too_fast += u32::from(status == 429);
    }

    fn is_in_the_right_book(&self, text: &Text) -> Lawful {
        let may_not_be_sent = self.provider.opted_out.contains(&digits(&text.recipient));
        let last = self.last.get(&text.reference);
        let right = match (&text.state, last) {
            (State::Accepted(_), Some(Truth { met, clear })) => *met == Met::Accepted || !clear,
            (State::Suppressed, Some(Truth { met: Met::OptedOut, .. })) => true,
            // Not sent, or not again, after another text's refusal.
            (State::Suppressed, _) => may_not_be_sent,
            (State::NeedsFix(_), Some(Truth { met, clear })) => {
                !exists(&text.recipient) && (*met == Met::NoSuchNumber || !clear)
            }
            // Killed before it was sent, or no clear response.
            (State::NeedsLookup(_), last) => last.is_none_or(|truth| !truth.clear),
            (State::Queued | State::RetryLater, _)
            | (State::Accepted(_) | State::NeedsFix(_), None) => false,
        };
        invariant(right, || format!("{text:?}, and the truth is {last:?}"))
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
    run.play(script::fault)?;
    Ok(run.kinds)
}

/// What a sender may be told otherwise without harm, and why.
const HARMLESS: [(Advice, &str); 10] = {
    use FailureKind::{
        Forbidden, Misconfigured, NoResponse, OutOfCredit, RateLimited, ServerError, Unauthorized,
        Unconfirmed,
    };
    const LATER: &str =
        "the circuit breaker asks for `Later` first, and the state does not ask for the scope";
    const WAITS: &str = "it waits between failures that no wait mends, and stops all the same; that a \
        person is needed shows in the state";
    const HASTES: &str = "it does not wait between the failures, and stops all the same";
    [
        (Advice::Scope(RateLimited, Scope::Recipient), LATER),
        (Advice::Scope(RateLimited, Scope::Request), LATER),
        (Advice::Scope(RateLimited, Scope::Service), LATER),
        (Advice::Scope(Unauthorized, Scope::Service), WAITS),
        (Advice::Scope(OutOfCredit, Scope::Service), WAITS),
        (Advice::Scope(Forbidden, Scope::Service), WAITS),
        (Advice::Scope(Misconfigured, Scope::Service), WAITS),
        (Advice::Scope(ServerError, Scope::Account), HASTES),
        (Advice::Scope(Unconfirmed, Scope::Account), HASTES),
        (Advice::Scope(NoResponse, Scope::Account), HASTES),
    ]
};

#[test]
fn every_harmful_bend_is_noticed() {
    let kinds = play_the_script(Advice::Honest).unwrap();
    // `Undelivered` is said of an accepted message, later.
    let of_a_send = FailureKind::ALL.iter().filter(|kind| kind.as_str() != "undelivered");
    assert!(kinds.iter().eq(of_a_send), "the script provokes every kind: {kinds:?}");

    let retries = [Retry::Later, Retry::AfterFix, Retry::MayDuplicate, Retry::Never];
    let scopes = [Scope::Recipient, Scope::Request, Scope::Account, Scope::Service];
    let mut bends = vec![Advice::NeverStop];
    for kind in kinds {
        bends.extend(retries.map(|retry| Advice::Retry(kind, retry)));
        bends.extend(scopes.map(|scope| Advice::Scope(kind, scope)));
        bends.retain(|bend| *bend != Advice::Retry(kind, kind.retry()));
        bends.retain(|bend| *bend != Advice::Scope(kind, kind.scope()));
    }
    assert_eq!(bends.len(), 61);
    for bend in bends {
        let noticed = play_the_script(bend).err();
        let harmless = HARMLESS.iter().find(|(advice, _)| *advice == bend);
        assert_eq!(noticed.is_none(), harmless.is_some(), "{bend:?}: {noticed:?}, {harmless:?}");
    }
}

#[test]
fn the_stand_ins_for_a_bend_say_what_they_stand_for() {
    for retry in [Retry::Later, Retry::AfterFix, Retry::MayDuplicate, Retry::Never] {
        assert_eq!(of_retry(retry).retry(), retry);
    }
    for scope in [Scope::Recipient, Scope::Request, Scope::Account, Scope::Service] {
        assert_eq!(of_scope(scope).scope(), scope);
        assert_ne!(of_scope(scope).retry(), Retry::Later);
    }
}

/// A small campaign: eight people get two texts each; the third opted out, the fifth's number is
/// none.
fn small() -> (Outbox, Provider) {
    let mut outbox = Outbox::default();
    for n in 0..8 {
        let prefix = if n == 5 { "4477009" } else { "447700900" };
        outbox.add(&format!("first-{n}"), &format!("{prefix}10{n}"));
        outbox.add(&format!("second-{n}"), &format!("+{prefix}10{n}"));
    }
    (outbox, Provider::new(["447700900103".into()].into()))
}

#[test]
fn a_response_is_cut_at_every_byte() {
    for met in [
        None,
        Some(Fault::Broken(Account::Key)),
        Some(Fault::Broken(Account::Permission)),
        Some(Fault::Broken(Account::Credit)),
        Some(Fault::Broken(Account::Address)),
        Some(Fault::SlowDown(3)),
        Some(Fault::OptOutStoreDown(3)),
    ] {
        for send in 1..16 {
            for at in 0..250 {
                let (outbox, provider) = small();
                let fault = |now| match now {
                    0 => met,
                    now if now == send => Some(Fault::Cut(at)),
                    _ => None,
                };
                let kept = Run::new(outbox, provider, Advice::Honest).play(fault);
                assert_eq!(kept, Ok(()), "{met:?}, send {send} cut at {at}");
            }
        }
    }
}

#[test]
fn the_sender_is_killed_at_every_point() {
    for (first, second) in (0..40).flat_map(|first| (first..40).map(move |second| (first, second)))
    {
        let (outbox, provider) = small();
        let fault = |now| {
            let killed = now == first / 2 || now == second / 2;
            let sent = if now == first / 2 { first % 2 == 0 } else { second % 2 == 0 };
            killed.then_some(Fault::Killed { sent })
        };
        let kept = Run::new(outbox, provider, Advice::Honest).play(fault);
        assert_eq!(kept, Ok(()), "killed at {first} and {second}");
    }
}

#[test]
fn what_a_person_has_sent_again_may_come_twice_and_nothing_else() {
    let mut run = Run::new(script::outbox(), script::provider(), Advice::Honest);
    run.play(script::fault).unwrap();
    let texts = run.sender.outbox.texts.values();
    let in_doubt: Vec<_> = texts
        .filter(|text| matches!(text.state, State::NeedsLookup(_)))
        .map(|text| text.reference.clone())
        .collect();
    for reference in &in_doubt {
        // Twice, as by a double click.
        run.sender.allow_duplicate(reference);
        run.sender.allow_duplicate(reference);
    }
    run.send_all(|_| None).unwrap();

    let twice = run.provider.accepted.iter().filter(|(_, ids)| ids.len() > 1);
    let twice: Vec<_> = twice.map(|(reference, ids)| (reference, ids.len())).collect();
    assert!(!twice.is_empty());
    assert!(twice.iter().all(|(reference, ids)| *ids == 2 && in_doubt.contains(reference)));
    assert_eq!(run.provider.after_opt_out, 0);
    let texts = &run.sender.outbox.texts;
    assert!(texts.values().all(|text| !matches!(text.state, State::NeedsLookup(_))));
}

#[test]
fn the_recipient_that_was_sent_to_is_suppressed_whatever_number_is_named() {
    for (named, another) in
        [("", false), (": 447700900123", false), (": 44XXXXXXXX", false), (": 447700900999", true)]
    {
        let mut outbox = Outbox::default();
        outbox.add("r", "+44 7700 900123");
        let mut sender = Sender::new(outbox);
        let text = sender.take().unwrap();
        let body = format!(r#"{{"code":403,"message":"Recipient is opted out{named}"}}"#);
        let _ = sender.settle(text, &Attempt::Response { status: 403, body: body.into() });
        assert_eq!(sender.outbox.suppressed, ["447700900123".into()].into());
        assert_eq!(sender.outbox.named_another.contains("r"), another, "{named}");
    }
}

#[test]
fn what_has_an_id_and_is_no_success_is_looked_up_by_it() {
    for status in [429, 403, 401, 400, 408, 503] {
        let mut outbox = Outbox::default();
        outbox.add("r", "447700900123");
        let mut sender = Sender::new(outbox);
        let text = sender.take().unwrap();
        let _ = sender.settle(text, &Attempt::Response { status, body: br#"{"id":"m-1"}"#.into() });
        assert_eq!(sender.outbox.texts["r"].state, State::NeedsLookup(Some("m-1".into())));
        assert_eq!(sender.take(), None);
    }
}

#[test]
fn a_known_reference_is_not_sent_anew() {
    let mut outbox = Outbox::default();
    outbox.add("r", "447700900123");
    let mut sender = Sender::new(outbox);
    let text = sender.take().unwrap();
    let _ =
        sender.settle(text, &Attempt::Response { status: 200, body: br#"{"id":"m-1"}"#.into() });
    sender.outbox.add("r", "447700900123");
    sender.mended("r");
    sender.allow_duplicate("r");
    assert_eq!(sender.take(), None);
    assert_eq!(Sender::new(sender.outbox).take(), None);
}

#[test]
fn what_is_in_doubt_is_not_sent_again_as_mended() {
    let mut outbox = Outbox::default();
    outbox.add("r", "447700900123");
    let mut sender = Sender::new(outbox);
    let text = sender.take().unwrap();
    sender.mended("r");
    let _ = sender.settle(text, &Attempt::NoResponse("time limit".into()));
    sender.mended("r");
    assert_eq!(sender.take(), None);
}

#[test]
fn what_a_look_up_finds_in_the_meantime_is_not_sent_again() {
    let mut outbox = Outbox::default();
    outbox.add("r", "447700900123");
    let mut sender = Sender::new(outbox);
    let text = sender.take().unwrap();
    let _ = sender.settle(text, &Attempt::NoResponse("time limit".into()));
    sender.allow_duplicate("r");
    sender.found("r", "m-1".into());
    assert_eq!(sender.take(), None);
    assert_eq!(sender.outbox.texts["r"].state, State::Accepted("m-1".into()));
}

fn faults() -> impl Strategy<Value = Fault> {
    let accounts =
        [Account::Key, Account::Permission, Account::Credit, Account::Address].map(Fault::Broken);
    prop_oneof![
        3 => any::<bool>().prop_map(|sent| Fault::Killed { sent }),
        3 => any::<bool>().prop_map(|arrived| Fault::Lost { arrived }),
        2 => Just(Fault::NotSent),
        4 => (0..250_usize).prop_map(Fault::Cut),
        4 => (any::<bool>(), 0..4_usize)
            .prop_map(|(accepted, body)| Fault::ServerError { accepted, body }),
        2 => (any::<bool>(), prop::sample::select(vec![100, 303, 408, 409, 499, 999]))
            .prop_map(|(accepted, status)| Fault::Unclear { accepted, status }),
        2 => prop::sample::select(vec![302, 400, 401, 402, 403, 404, 429])
            .prop_map(|status| Fault::RefusedWithId { status }),
        2 => prop::sample::select(vec![200, 302, 400, 401, 403, 404, 407, 413, 429, 502])
            .prop_map(|status| Fault::Page { status }),
        2 => (1..14_u32).prop_map(Fault::SlowDown),
        2 => (1..14_u32).prop_map(Fault::Outage),
        2 => (1..6_u32).prop_map(Fault::OptOutStoreDown),
        3 => prop::sample::select(accounts.to_vec()),
        2 => Just(Fault::OptsOut),
        1 => Just(Fault::DropsQuietly),
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
        people in prop::collection::vec((1..=2_usize, 0..10_u32), 1..24),
    ) {
        let (mut outbox, mut opted_out) = (Outbox::default(), BTreeSet::new());
        for (n, (texts, fate)) in people.into_iter().enumerate() {
            let prefix = if fate == 0 { "4477009" } else { "447700900" };
            for (text, plus) in ["", "+"].into_iter().enumerate().take(texts) {
                outbox.add(&format!("{text}-{n:02}"), &format!("{plus}{prefix}2{n:02}"));
            }
            if fate == 1 {
                opted_out.insert(format!("{prefix}2{n:02}"));
            }
        }
        let mut run = Run::new(outbox, Provider::new(opted_out), Advice::Honest);
        let kept = run.play(|send| schedule.get(send).copied().flatten());
        prop_assert_eq!(kept, Ok(()));
    }
}
