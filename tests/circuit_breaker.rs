//! When a campaign goes on, waits and stops.

use mobivate_response::{Action, CircuitBreaker, Failure};

use Action::{BackOff, Continue, Stop};

/// What the breaker answers to each of these in turn: a code, 200 for a success, or 1 for an error
/// that not sent.
fn answers(codes: &[u16]) -> Vec<Action> {
    let mut circuit_breaker = CircuitBreaker::default();
    let note = |code: &u16| match code {
        1 => circuit_breaker.record_not_sent(),
        200 => circuit_breaker.note(None),
        // Under 403, a text that says opted out.
        1403 => circuit_breaker.note(Some(&Failure::new(403, "Recipient is opted out"))),
        code => circuit_breaker.note(Some(&Failure::new(*code, "no"))),
    };
    codes.iter().map(note).collect()
}

#[test]
fn the_third_in_a_row_stops() {
    assert_eq!(answers(&[401, 403, 402, 404]), [Continue, Continue, Stop, Stop], "the account");
    assert_eq!(answers(&[503, 0, 408, 502]), [BackOff, BackOff, Stop, Stop], "the service");
    assert_eq!(answers(&[1, 1, 1, 1]), [BackOff, BackOff, Stop, Stop], "not sent");
    assert_eq!(answers(&[401, 502, 1]), [Continue, BackOff, Stop], "one count for all");
}

#[test]
fn a_success_or_a_recipient_starts_the_count_anew_and_a_request_does_not() {
    assert_eq!(
        answers(&[401, 401, 200, 401, 401, 401]),
        [Continue, Continue, Continue, Continue, Continue, Stop]
    );
    assert_eq!(
        answers(&[503, 503, 1403, 503, 503, 503]),
        [BackOff, BackOff, Continue, BackOff, BackOff, Stop]
    );
    assert_eq!(answers(&[401, 401, 400, 401]), [Continue, Continue, Continue, Stop]);
    assert_eq!(answers(&[400, 400, 400, 400]), [Continue; 4]);
}

#[test]
fn after_a_stop_another_failure_stops_again_and_a_success_goes_on() {
    assert_eq!(
        answers(&[503, 503, 503, 503, 200, 503]),
        [BackOff, BackOff, Stop, Stop, Continue, BackOff]
    );
}

#[test]
fn a_rate_limit_waits_and_does_not_count_but_the_tenth_stops() {
    assert_eq!(answers(&[401, 401, 429, 401]), [Continue, Continue, BackOff, Stop]);
    let mut ten = [429; 11];
    assert_eq!(answers(&ten)[8..], [BackOff, Stop, Stop]);
    ten[4] = 400;
    assert_eq!(answers(&ten)[8..], [BackOff, BackOff, Stop], "a request is no success");
    ten[4] = 200;
    assert_eq!(answers(&ten)[8..], [BackOff, BackOff, BackOff], "a success starts the count anew");
    ten[4] = 1403;
    assert_eq!(
        answers(&ten)[8..],
        [BackOff, BackOff, BackOff],
        "so does an answer about a recipient"
    );
}
