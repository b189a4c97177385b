//! When a campaign stops: failures in a row, counted.

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
/// | a failure of [`Scope::Account`] but a 429 | one more | go on; from the third in a row on, stop |
/// | a failure of [`Scope::Service`], or an error that never left | one more | wait; from the third in a row on, stop |
/// | [`Retry::Later`] (429) | stays | wait, longer each time; from the tenth in a row on, stop |
///
/// The 429s have a count of their own, which starts anew with the other.
///
/// After a stop, the last failure says what comes next:
///
/// - [`Scope::Account`]: call a person. After a row of 429s, that one asks Mobivate for a higher
///   limit.
/// - [`Scope::Service`], or an error that never left: wait, then try one message that was certainly
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
/// use mobivate_response::{Breaker, Next, SendOutcome};
///
/// let mut breaker = Breaker::default();
/// let outage = SendOutcome::decode(503, b"");
/// assert_eq!(breaker.note(outage.failure()), Next::Wait);
/// assert_eq!(breaker.note(outage.failure()), Next::Wait);
/// assert_eq!(breaker.note(outage.failure()), Next::Stop);
///
/// let accepted = SendOutcome::decode(200, br#"{"id":"m-1"}"#);
/// assert_eq!(breaker.note(accepted.failure()), Next::GoOn);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Breaker {
    /// Failures of the account or the service, and errors that never left.
    failures: u32,
    /// Responses of `Retry::Later`.
    rate_limits: u32,
}

/// From so many failures in a row on, it stops.
const FAILURES: u32 = 3;

/// From so many responses of `Retry::Later` in a row on, it stops.
const RATE_LIMITS: u32 = 10;

impl Breaker {
    /// Notes what became of a send: its failure, or `None` for a success.
    ///
    /// ```
    /// # use mobivate_response::{Breaker, Failure, Next};
    /// let mut breaker = Breaker::default();
    /// assert_eq!(breaker.note(Some(&Failure::new(429, "Slow down"))), Next::Wait);
    /// assert_eq!(breaker.note(None), Next::GoOn);
    /// ```
    pub fn note(&mut self, failure: Option<&Failure<'_>>) -> Next {
        match failure.map(|failure| (failure.kind.retry(), failure.kind.scope())) {
            None | Some((_, Scope::Recipient)) => {
                *self = Self::default();
                Next::GoOn
            }
            Some((Retry::Later, _)) => {
                self.rate_limits = self.rate_limits.saturating_add(1);
                if self.rate_limits < RATE_LIMITS { Next::Wait } else { Next::Stop }
            }
            Some((_, Scope::Request)) => Next::GoOn,
            Some((_, Scope::Account)) => self.count(Next::GoOn),
            Some((_, Scope::Service)) => self.count(Next::Wait),
        }
    }

    /// Notes a send that failed with the client's own error before anything left: no address, a
    /// refused connection.
    ///
    /// ```
    /// # use mobivate_response::{Breaker, Next};
    /// let mut breaker = Breaker::default();
    /// assert_eq!(breaker.note_never_left(), Next::Wait);
    /// ```
    pub fn note_never_left(&mut self) -> Next {
        self.count(Next::Wait)
    }

    fn count(&mut self, before_the_stop: Next) -> Next {
        self.failures = self.failures.saturating_add(1);
        if self.failures < FAILURES { before_the_stop } else { Next::Stop }
    }
}

/// What a campaign does next: see [`Breaker`].
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Next {
    /// Send the next message.
    GoOn,
    /// Send the next message after a wait, longer each time in a row.
    Wait,
    /// Send nothing more for now: [`Breaker`] says what comes next.
    Stop,
}
