//! When a campaign stops.

use mobivate_response::{
    Action::{self, BackOff, Continue, Stop},
    BatchOutcome, CircuitBreaker, DeliveryStatus, Failure, FailureKind, SendOutcome,
    StopReason::{Account, BadRequests, OptOuts, RateLimit, Service},
};

/// What is recorded: an HTTP status, or one of these.
const NOT_SENT: u16 = 0;
const OPTED_OUT: u16 = 1403;

fn record(circuit_breaker: &mut CircuitBreaker, event: u16) -> Action {
    match event {
        NOT_SENT => circuit_breaker.record_not_sent(),
        200 => circuit_breaker.record(&SendOutcome::decode(200, br#"{"id":"m-1"}"#)),
        OPTED_OUT => {
            circuit_breaker.record(&SendOutcome::from(Failure::new(403, "Recipient is opted out")))
        }
        code => circuit_breaker.record(&SendOutcome::from(Failure::new(code, "no"))),
    }
}

fn actions(events: &[u16]) -> Vec<Action> {
    let mut circuit_breaker = CircuitBreaker::new();
    events.iter().map(|event| record(&mut circuit_breaker, *event)).collect()
}

#[test]
fn the_third_trouble_stops() {
    assert_eq!(actions(&[401, 403, 402, 404]), [Continue, Continue, Stop(Account), Stop(Account)]);
    assert_eq!(actions(&[503, NOT_SENT, 200, 408]), [BackOff(1), BackOff(2), Continue, BackOff(1)]);
    assert_eq!(actions(&[503, 502, NOT_SENT]), [BackOff(1), BackOff(2), Stop(Service)]);
    assert_eq!(actions(&[401, 502, 401]), [Continue, BackOff(1), Stop(Account)], "one count");
    assert_eq!(actions(&[401, 401, 200, 401, 401]), [Continue; 5], "a success resets it");
}

#[test]
fn the_tenth_failure_stops() {
    let tenth = |event, times| actions(&vec![event; times]).pop().unwrap();
    assert_eq!((tenth(400, 9), tenth(400, 10)), (Continue, Stop(BadRequests)));
    assert_eq!((tenth(OPTED_OUT, 9), tenth(OPTED_OUT, 10)), (Continue, Stop(OptOuts)));
    assert_eq!((tenth(429, 9), tenth(429, 10)), (BackOff(9), Stop(RateLimit)));
    assert_eq!(tenth(OPTED_OUT, 11), Stop(OptOuts), "and each later one");

    let mut events = [400, OPTED_OUT, 429].repeat(3);
    for (last, reason) in [(401, Account), (503, Service), (429, RateLimit), (422, BadRequests)] {
        events.push(last);
        assert_eq!(actions(&events).pop(), Some(Stop(reason)), "of any kind, by the last");
        events.pop();
    }
}

#[test]
fn an_opt_out_resets_nothing() {
    let events = [503, 503, OPTED_OUT, 503];
    assert_eq!(actions(&events), [BackOff(1), BackOff(2), Continue, Stop(Service)]);
}

#[test]
fn back_off_counts_what_asks_for_a_wait() {
    let events = [429, 400, 503, OPTED_OUT, NOT_SENT, 429];
    let expected = [BackOff(1), Continue, BackOff(2), Continue, BackOff(3), BackOff(4)];
    assert_eq!(actions(&events), expected);
}

#[test]
fn a_batch_counts_as_one() {
    let notice = br#"{"code":403,"message":"Recipient is opted out: 447700900123"}"#;
    let mut circuit_breaker = CircuitBreaker::new();
    for _ in 0..9 {
        assert_eq!(circuit_breaker.record(&BatchOutcome::decode(403, notice)), Continue);
    }
    assert_eq!(circuit_breaker.record(&BatchOutcome::decode(403, notice)), Stop(OptOuts));
}

#[test]
fn failed_deliveries_have_a_count_of_their_own() {
    let [no_credit, limits, expired, delivered] =
        ["FAILED_INSUFFICIENT_CREDIT", "LIMITS_EXCEEDED", "EXPIRED", "DELIVERED"]
            .map(DeliveryStatus::from_name);
    let mut circuit_breaker = CircuitBreaker::new();
    assert_eq!(circuit_breaker.record_delivery(no_credit), Continue);
    assert_eq!(record(&mut circuit_breaker, 200), Continue, "an accepted send does not reset it");
    assert_eq!(circuit_breaker.record_delivery(no_credit), Continue);
    assert_eq!(record(&mut circuit_breaker, 401), Continue, "nor do the counts mix");
    for others in [expired, DeliveryStatus::Pending, DeliveryStatus::Unknown] {
        assert_eq!(circuit_breaker.record_delivery(others), Continue);
    }
    assert_eq!(circuit_breaker.record_delivery(limits), Stop(RateLimit));
    assert_eq!(circuit_breaker.record_delivery(no_credit), Stop(Account));
    assert_eq!(circuit_breaker.record_delivery(delivered), Continue);
    assert_eq!(circuit_breaker.record_delivery(no_credit), Continue, "a delivery resets it");
    let unauthorized = DeliveryStatus::Failed(FailureKind::Unauthorized);
    assert_eq!(circuit_breaker.record_delivery(unauthorized), Continue);
    assert_eq!(circuit_breaker.record_delivery(unauthorized), Stop(Account));
}

#[test]
fn an_operator_resets_every_count() {
    let mut circuit_breaker = CircuitBreaker::new();
    for event in [401, 401, 429] {
        let _ = record(&mut circuit_breaker, event);
    }
    let _ = circuit_breaker.record_delivery(DeliveryStatus::from_name("LIMITS_EXCEEDED"));
    circuit_breaker.reset();
    assert_eq!(circuit_breaker, CircuitBreaker::new());
}

#[test]
fn a_restart_does_not_forget() {
    let mut circuit_breaker = CircuitBreaker::new();
    let _ = (record(&mut circuit_breaker, 503), record(&mut circuit_breaker, 429));
    let _ = circuit_breaker.record_delivery(DeliveryStatus::from_name("LIMITS_EXCEEDED"));
    let stored = serde_json::to_string(&circuit_breaker).unwrap();
    let mut restarted: CircuitBreaker = serde_json::from_str(&stored).unwrap();
    assert_eq!(restarted, circuit_breaker);
    assert_eq!(record(&mut restarted, 503), BackOff(3));
    assert_eq!(record(&mut restarted, 503), Stop(Service));
    assert_eq!(serde_json::from_str::<CircuitBreaker>("{}").unwrap(), CircuitBreaker::new());
}

#[test]
fn counts_do_not_overflow() {
    let full = r#"{"trouble":4294967295,"failures":4294967295,"back_offs":4294967295,"failed_deliveries":4294967295}"#;
    let mut circuit_breaker: CircuitBreaker = serde_json::from_str(full).unwrap();
    assert_eq!(record(&mut circuit_breaker, 503), Stop(Service));
    let limits = DeliveryStatus::from_name("LIMITS_EXCEEDED");
    assert_eq!(circuit_breaker.record_delivery(limits), Stop(RateLimit));
}
