//! When a campaign stops: failures consecutive, counted.

use crate::failure::{Failure, Retry, Scope};

/// Says after each send whether to go on, to wait or to stop.
///
/// One failure alone stops nothing: a 403 whose text was cut off on the way reads as
/// [`Forbidden`](crate::FailureKind::Forbidden), too. So failures are counted:
///
/// | what came | the count | what to do |
/// |---|---|---|
/// | a success, or a failure of [`Scope::Recipient`] | starts anew | go on |
/// | a failure of [`Scope::Request`] | stays | go on |
/// | a failure of [`Scope::Account`] but a 429 | one more | go on; from the third consecutive on, stop |
/// | a failure of [`Scope::Service`], or an error that not sent | one more | wait; from the third consecutive on, stop |
/// | [`Retry::Later`] (429) | stays | wait, longer each time; from the tenth consecutive on, stop |
///
/// The 429s have a count of their own, which starts anew with the other.
///
/// After a stop, the last failure says what comes next:
///
/// - [`Scope::Account`]: call a person. After a row of 429s, that one asks Mobivate for a higher
///   limit.
/// - [`Scope::Service`], or an error that not sent: wait, then try one message that was certainly
///   not sent. Try seldom: each try may end as one more to look up.
///
/// Keep the breaker: the count stands after a stop, so another failure that counts stops again, and
/// a success goes on as usual. Senders that work side by side share one.
///
/// It keeps no time: how long to wait is the caller's choice. No response with a `Retry-After` was ever
/// seen; honour one that comes. And it does not stop for bad requests: a row of them, of a wrong
/// originator, say, is for the caller to notice.
///
/// ```
/// use mobivate_response::{CircuitBreaker, Action, SendOutcome};
///
/// let mut circuit_breaker = CircuitBreaker::default();
/// let outage = SendOutcome::decode(503, b"");
/// assert_eq!(circuit_breaker.note(outage.failure()), Action::BackOff);
/// assert_eq!(circuit_breaker.note(outage.failure()), Action::BackOff);
/// assert_eq!(circuit_breaker.note(outage.failure()), Action::Stop);
///
/// let accepted = SendOutcome::decode(200, br#"{"id":"m-1"}"#);
/// assert_eq!(circuit_breaker.note(accepted.failure()), Action::Continue);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct CircuitBreaker {
    /// Failures of the account or the service, and errors that not sent.
    failures: u32,
    /// Responses of `Retry::Later`.
    rate_limits: u32,
}

/// From so many failures consecutive on, it stops.
const FAILURES: u32 = 3;

/// From so many responses of `Retry::Later` consecutive on, it stops.
const RATE_LIMITS: u32 = 10;

impl CircuitBreaker {
    /// Notes what became of a send: its failure, or `None` for a success.
    ///
    /// ```
    /// # use mobivate_response::{CircuitBreaker, Failure, Action};
    /// let mut circuit_breaker = CircuitBreaker::default();
    /// assert_eq!(circuit_breaker.note(Some(&Failure::new(429, "Slow down"))), Action::BackOff);
    /// assert_eq!(circuit_breaker.note(None), Action::Continue);
    /// ```
    pub fn note(&mut self, failure: Option<&Failure<'_>>) -> Action {
        match failure.map(|failure| (failure.kind.retry(), failure.kind.scope())) {
            None | Some((_, Scope::Recipient)) => {
                *self = Self::default();
                Action::Continue
            }
            Some((Retry::Later, _)) => {
                self.rate_limits = self.rate_limits.saturating_add(1);
                if self.rate_limits < RATE_LIMITS { Action::BackOff } else { Action::Stop }
            }
            Some((_, Scope::Request)) => Action::Continue,
            Some((_, Scope::Account)) => self.count(Action::Continue),
            Some((_, Scope::Service)) => self.count(Action::BackOff),
        }
    }

    /// Notes a send that failed with the client's own error before anything left: no address, a
    /// refused connection.
    ///
    /// ```
    /// # use mobivate_response::{CircuitBreaker, Action};
    /// let mut circuit_breaker = CircuitBreaker::default();
    /// assert_eq!(circuit_breaker.record_not_sent(), Action::BackOff);
    /// ```
    pub fn record_not_sent(&mut self) -> Action {
        self.count(Action::BackOff)
    }

    fn count(&mut self, before_the_stop: Action) -> Action {
        self.failures = self.failures.saturating_add(1);
        if self.failures < FAILURES { before_the_stop } else { Action::Stop }
    }
}

/// What a campaign does next: see [`CircuitBreaker`].
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Send the next message.
    Continue,
    /// Send the next message after a wait, longer each time consecutive.
    BackOff,
    /// Send nothing more for now: [`CircuitBreaker`] says what comes next.
    Stop,
}
