//! The circuit breaker: a test for each sentence of its docs, then random calls beside a plain model.

use std::time::Duration;

use mobivate_response::{
    Action::{self, BackOff, Continue, Stop},
    BatchOutcome, CircuitBreaker, DeliveryStatus, Failure, FailureKind, Message, SendOutcome,
    StopReason::{self, Account, BadRequests, OptOuts, RateLimit, Service},
};
use proptest::{collection::vec, prelude::*, sample::select};

use FailureKind::{
    BadRequest, BatchOptedOut, Forbidden, Misconfigured, NoResponse, NotSent, OptedOut,
    OutOfCredit, RateLimited, ServerError, Unauthorized, Unconfirmed, Undelivered,
};

fn failed(kind: FailureKind) -> SendOutcome<'static> {
    Failure::new(kind, "no").into()
}

fn accepted() -> SendOutcome<'static> {
    Message::new("m-1").into()
}

fn back_off(seconds: u64) -> Action {
    BackOff(Duration::from_secs(seconds))
}

/// The actions after these failures; `None` is a success.
fn actions(kinds: &[Option<FailureKind>]) -> Vec<Action> {
    let mut circuit_breaker = CircuitBreaker::new();
    let outcomes = kinds.iter().map(|kind| kind.map_or_else(accepted, failed));
    outcomes.map(|outcome| circuit_breaker.record(&outcome)).collect()
}

fn after(kinds: &[FailureKind]) -> CircuitBreaker {
    let mut circuit_breaker = CircuitBreaker::new();
    for kind in kinds {
        let _ = circuit_breaker.record(&failed(*kind));
    }
    circuit_breaker
}

#[test]
fn the_third_failure_of_the_account_or_the_service_stops() {
    for kind in [Unauthorized, OutOfCredit, Forbidden, Misconfigured] {
        assert_eq!(actions(&[Some(kind); 3]), [Continue, Continue, Stop(Account)], "{kind}");
    }
    for kind in [ServerError, NoResponse, NotSent, Unconfirmed] {
        assert_eq!(actions(&[Some(kind); 3]), [back_off(2), back_off(4), Stop(Service)], "{kind}");
    }
    let mixed = [Some(Unauthorized), Some(ServerError), Some(Forbidden)];
    assert_eq!(actions(&mixed), [Continue, back_off(2), Stop(Account)], "they share a count");
    let others = [ServerError, ServerError, OptedOut, BadRequest, RateLimited];
    assert_eq!(after(&others).record(&failed(NotSent)), Stop(Service), "others don't reset it");
}

#[test]
fn the_tenth_failure_of_any_kind_stops() {
    for (kind, reason) in [
        (RateLimited, RateLimit),
        (OptedOut, OptOuts),
        (BatchOptedOut, OptOuts),
        (BadRequest, BadRequests),
        (Undelivered, BadRequests),
    ] {
        let mut circuit_breaker = after(&[kind; 8]);
        assert!(!matches!(circuit_breaker.record(&failed(kind)), Stop(_)), "{kind}");
        assert_eq!(circuit_breaker.record(&failed(kind)), Stop(reason), "{kind}");
    }
    let nine = [BadRequest, OptedOut, RateLimited].repeat(3);
    for (last, reason) in [(Unauthorized, Account), (NotSent, Service), (RateLimited, RateLimit)] {
        assert_eq!(after(&nine).record(&failed(last)), Stop(reason), "it's about the tenth");
    }
}

#[test]
fn a_pause_doubles_with_each_failure_that_asks_for_one() {
    let mut circuit_breaker = CircuitBreaker::new();
    for pause in [2, 4, 8, 16, 32, 64, 128, 256, 512] {
        assert_eq!(circuit_breaker.record(&failed(RateLimited)), back_off(pause));
    }
    let mut mixed = after(&[RateLimited, BadRequest, ServerError, OptedOut]);
    assert_eq!(mixed.record(&failed(RateLimited)), back_off(8));
}

#[test]
fn a_success_resets_the_counts() {
    let kinds = [Some(ServerError), Some(ServerError), None, Some(ServerError), Some(Unauthorized)];
    assert_eq!(actions(&kinds), [back_off(2), back_off(4), Continue, back_off(2), Continue]);
    let nine = [Some(BadRequest); 9];
    let all = actions(&[&nine[..], &[None], &nine[..]].concat());
    assert_eq!(all, [Continue; 19]);
}

#[test]
fn a_stop_lasts() {
    for (kinds, reason) in [
        (vec![Unauthorized; 3], Account),
        (vec![RateLimited; 10], RateLimit),
        (vec![BadRequest; 10], BadRequests),
        (vec![OptedOut; 10], OptOuts),
    ] {
        let mut circuit_breaker = after(&kinds);
        let stopped = circuit_breaker.clone();
        for outcome in [accepted(), failed(Unauthorized), failed(ServerError), failed(OptedOut)] {
            assert_eq!(circuit_breaker.record(&outcome), Stop(reason));
        }
        let delivered = circuit_breaker.record_delivery(DeliveryStatus::Delivered);
        assert_eq!(delivered, Stop(reason));
        assert_eq!(circuit_breaker, stopped, "nothing changes until the reset");
        circuit_breaker.reset();
        assert_eq!(circuit_breaker.stopped(), None);
        assert_eq!(circuit_breaker.record(&failed(Unauthorized)), Continue);
    }
}

#[test]
fn a_success_ends_a_stop_of_the_service() {
    let mut circuit_breaker = after(&[ServerError; 3]);
    assert_eq!(circuit_breaker.stopped(), Some(Service));
    for kind in [OptedOut, BadRequest, RateLimited, NoResponse, NotSent].repeat(4) {
        assert_eq!(circuit_breaker.record(&failed(kind)), Stop(Service), "{kind} counts nothing");
    }
    assert_eq!(circuit_breaker.record(&accepted()), Continue);
    assert_eq!(circuit_breaker.stopped(), None);
    assert_eq!(circuit_breaker.record(&failed(ServerError)), back_off(2));
    assert_eq!(circuit_breaker.record(&failed(Unauthorized)), Continue);
}

#[test]
fn a_failure_of_the_account_takes_over_a_stop_of_the_service() {
    let mut circuit_breaker = after(&[ServerError; 3]);
    assert_eq!(circuit_breaker.record(&failed(Unauthorized)), Stop(Account));
    assert_eq!(circuit_breaker.record(&accepted()), Stop(Account), "it ends with a reset alone");
}

#[test]
fn an_older_generation_changes_nothing() {
    let mut circuit_breaker = CircuitBreaker::new();
    let generation = circuit_breaker.generation();
    assert_eq!(circuit_breaker.record_from(generation, &failed(RateLimited)), back_off(2));
    let paused = circuit_breaker.clone();
    for _ in 1..30 {
        assert_eq!(circuit_breaker.record_from(generation, &failed(RateLimited)), Continue);
    }
    assert_eq!(circuit_breaker.record_from(generation, &accepted()), Continue);
    assert_eq!(circuit_breaker, paused);
    assert_eq!(circuit_breaker.record(&failed(RateLimited)), back_off(4));

    let mut circuit_breaker = after(&[ServerError, ServerError]);
    let generation = circuit_breaker.generation();
    let _ = circuit_breaker.record(&failed(ServerError));
    assert_eq!(circuit_breaker.record_from(generation, &accepted()), Stop(Service));
    assert_eq!(circuit_breaker.stopped(), Some(Service), "a late success ends no stop");
}

#[test]
fn the_generation_grows_with_each_pause_stop_and_reset() {
    let mut circuit_breaker = CircuitBreaker::new();
    let mut grows = |by: u64, step: &dyn Fn(&mut CircuitBreaker)| {
        let before = circuit_breaker.generation();
        step(&mut circuit_breaker);
        assert_eq!(circuit_breaker.generation(), before + by);
    };
    let record = |outcome: SendOutcome<'static>| {
        move |circuit_breaker: &mut CircuitBreaker| {
            let _ = circuit_breaker.record(&outcome);
        }
    };
    let delivery = |name: &'static str| {
        move |circuit_breaker: &mut CircuitBreaker| {
            let _ = circuit_breaker.record_delivery(DeliveryStatus::from_name(name));
        }
    };
    grows(0, &record(accepted()));
    grows(0, &record(failed(BadRequest)));
    grows(1, &record(failed(RateLimited))); // a pause
    grows(1, &record(failed(ServerError)));
    grows(1, &record(failed(ServerError)));
    grows(1, &record(failed(ServerError))); // a stop
    grows(1, &record(failed(OptedOut))); // a probe failed
    grows(0, &delivery("LIMITS_EXCEEDED"));
    grows(1, &record(failed(Unauthorized))); // the reason changes
    grows(0, &record(failed(Unauthorized)));
    grows(0, &record(accepted()));
    grows(1, &CircuitBreaker::reset);
    grows(0, &delivery("LIMITS_EXCEEDED"));
    grows(0, &delivery("LIMITS_EXCEEDED"));
    grows(1, &delivery("LIMITS_EXCEEDED"));
    grows(0, &delivery("LIMITS_EXCEEDED"));
}

#[test]
fn failed_deliveries_have_their_own_count() {
    let [no_credit, limits, expired, delivered] =
        ["FAILED_INSUFFICIENT_CREDIT", "LIMITS_EXCEEDED", "EXPIRED", "DELIVERED"]
            .map(DeliveryStatus::from_name);
    let mut circuit_breaker = CircuitBreaker::new();
    assert_eq!(circuit_breaker.record_delivery(limits), Continue);
    assert_eq!(circuit_breaker.record_delivery(no_credit), Continue);
    assert_eq!(circuit_breaker.record(&accepted()), Continue, "a success doesn't reset it");
    assert_eq!(circuit_breaker.record(&failed(Unauthorized)), Continue, "the counts don't mix");
    for other in [expired, DeliveryStatus::Pending, DeliveryStatus::Unknown] {
        assert_eq!(circuit_breaker.record_delivery(other), Continue);
    }
    let mut other = circuit_breaker.clone();
    assert_eq!(circuit_breaker.record_delivery(limits), Stop(RateLimit));
    assert_eq!(other.record_delivery(no_credit), Stop(Account));
    assert_eq!(other.record_delivery(delivered), Stop(Account), "a delivery ends no stop");

    let mut circuit_breaker = CircuitBreaker::new();
    let updates = [no_credit, no_credit, delivered, no_credit, no_credit];
    let actions = updates.map(|status| circuit_breaker.record_delivery(status));
    assert_eq!(actions, [Continue; 5], "a delivery resets the count");
}

#[test]
fn a_batch_counts_as_one() {
    let notice = br#"{"code":403,"message":"Recipient is opted out: 447700900123"}"#;
    let outcome = BatchOutcome::decode(403, notice);
    let mut circuit_breaker = CircuitBreaker::new();
    for _ in 0..9 {
        assert_eq!(circuit_breaker.record(&outcome), Continue);
    }
    assert_eq!(circuit_breaker.record(&outcome), Stop(OptOuts));
}

#[test]
fn a_stored_state_is_read_back() {
    let stored = serde_json::to_string(&after(&[ServerError; 3])).unwrap();
    let mut restarted: CircuitBreaker = serde_json::from_str(&stored).unwrap();
    assert_eq!(restarted, after(&[ServerError; 3]));
    assert_eq!(restarted.record(&failed(NotSent)), Stop(Service));
    let earlier: CircuitBreaker = serde_json::from_str(r#"{"failures":9,"new":1}"#).unwrap();
    assert_eq!(earlier.clone().record(&failed(BadRequest)), Stop(BadRequests));
    assert_eq!((earlier.generation(), earlier.stopped()), (0, None), "absent reads as the default");

    let full = r#"{"generation":18446744073709551615,"failures":4294967295,"severe_failures":4294967295,
        "back_offs":4294967295,"failed_deliveries":4294967295}"#;
    let full: CircuitBreaker = serde_json::from_str(full).unwrap();
    assert_eq!(full.clone().record(&failed(ServerError)), Stop(Service), "counts don't overflow");
    let limits = DeliveryStatus::from_name("LIMITS_EXCEEDED");
    assert_eq!(full.clone().record_delivery(limits), Stop(RateLimit));
    let mut paused: CircuitBreaker = serde_json::from_str(r#"{"back_offs":4294967295}"#).unwrap();
    assert_eq!(paused.record(&failed(RateLimited)), back_off(512), "the longest pause");
    full.clone().reset();
}

/// The rules in their plainest form.
#[derive(Default)]
struct Model {
    generation: u64,
    /// Since the last success.
    failures: Vec<FailureKind>,
    /// Since the last delivered message.
    deliveries: Vec<FailureKind>,
    stopped: Option<StopReason>,
}

fn is_account(kind: FailureKind) -> bool {
    [Unauthorized, OutOfCredit, Forbidden, Misconfigured].contains(&kind)
}

fn is_service(kind: FailureKind) -> bool {
    [ServerError, NoResponse, NotSent, Unconfirmed].contains(&kind)
}

fn reason(kind: FailureKind) -> StopReason {
    match kind {
        RateLimited => RateLimit,
        OptedOut | BatchOptedOut => OptOuts,
        kind if is_account(kind) => Account,
        kind if is_service(kind) => Service,
        _ => BadRequests,
    }
}

impl Model {
    fn current(&self) -> Action {
        self.stopped.map_or(Continue, Stop)
    }

    fn stop(&mut self, reason: StopReason) -> Action {
        self.generation += 1;
        self.stopped = Some(reason);
        Stop(reason)
    }

    fn record_from(&mut self, generation: u64, kind: Option<FailureKind>) -> Action {
        let is_latched = self.stopped.is_some_and(|reason| reason != Service);
        if generation < self.generation || is_latched {
            return self.current();
        }
        let Some(kind) = kind else {
            self.failures.clear();
            self.stopped = None;
            return Continue;
        };
        if self.stopped == Some(Service) {
            return self.stop(if is_account(kind) { Account } else { Service });
        }
        self.failures.push(kind);
        let count =
            |is: fn(FailureKind) -> bool| self.failures.iter().filter(|kind| is(**kind)).count();
        let is_severe = |kind| is_account(kind) || is_service(kind);
        let pauses = count(|kind| is_service(kind) || kind == RateLimited);
        if is_severe(kind) && count(is_severe) >= 3 || self.failures.len() >= 10 {
            self.stop(reason(kind))
        } else if is_service(kind) || kind == RateLimited {
            self.generation += 1;
            back_off(1 << pauses)
        } else {
            Continue
        }
    }

    fn record_delivery(&mut self, status: DeliveryStatus) -> Action {
        if self.stopped.is_some() {
            return self.current();
        }
        match status {
            DeliveryStatus::Delivered => self.deliveries.clear(),
            DeliveryStatus::Failed(kind) if is_account(kind) || kind == RateLimited => {
                self.deliveries.push(kind);
                if self.deliveries.len() >= 3 {
                    return self.stop(reason(kind));
                }
            }
            _ => {}
        }
        Continue
    }

    fn reset(&mut self) {
        *self = Self { generation: self.generation + 1, ..Self::default() };
    }
}

#[derive(Clone, Debug)]
enum Call {
    Record(Option<FailureKind>),
    /// Of the generation so many before the current one.
    RecordFrom(u64, Option<FailureKind>),
    Delivery(DeliveryStatus),
    Store,
    Reset,
}

fn call() -> impl Strategy<Value = Call> {
    let kind = || prop_oneof![4 => select(FailureKind::ALL).prop_map(Some), 1 => Just(None)];
    let failed = select(FailureKind::ALL).prop_map(DeliveryStatus::Failed);
    let credit = Just(DeliveryStatus::Failed(OutOfCredit));
    let others = vec![DeliveryStatus::Delivered, DeliveryStatus::Pending, DeliveryStatus::Unknown];
    prop_oneof![
        8 => kind().prop_map(Call::Record),
        4 => (0..3_u64, kind()).prop_map(|(back, kind)| Call::RecordFrom(back, kind)),
        3 => prop_oneof![failed, credit, select(others)].prop_map(Call::Delivery),
        1 => Just(Call::Store),
        1 => Just(Call::Reset),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2048, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn calls_in_any_order(calls in vec(call(), 1..60)) {
        let (mut circuit_breaker, mut model) = (CircuitBreaker::new(), Model::default());
        for call in calls {
            let outcome = |kind: Option<FailureKind>| kind.map_or_else(accepted, failed);
            let (action, expected) = match call {
                Call::Record(kind) => (
                    circuit_breaker.record(&outcome(kind)),
                    model.record_from(model.generation, kind),
                ),
                Call::RecordFrom(back, kind) => {
                    let generation = model.generation.saturating_sub(back);
                    let action = circuit_breaker.record_from(generation, &outcome(kind));
                    (action, model.record_from(generation, kind))
                }
                Call::Delivery(status) => {
                    (circuit_breaker.record_delivery(status), model.record_delivery(status))
                }
                Call::Store => {
                    let stored = serde_json::to_string(&circuit_breaker).unwrap();
                    circuit_breaker = serde_json::from_str(&stored).unwrap();
                    continue;
                }
                Call::Reset => {
                    circuit_breaker.reset();
                    model.reset();
                    continue;
                }
            };
            prop_assert_eq!(action, expected);
            prop_assert_eq!(circuit_breaker.stopped(), model.stopped);
            prop_assert_eq!(circuit_breaker.generation(), model.generation);
        }
    }
}
