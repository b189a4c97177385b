//! When a campaign stops: consecutive failures, counted.

use alloc::format;
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    delivery::DeliveryStatus,
    failure::{FailureKind, Scope, pad_words},
    outcome::Outcome,
};

/// Says after each send whether to continue, to back off or to stop.
///
/// One failure alone stops nothing: a 403 whose text was lost on the way is
/// [`Forbidden`](FailureKind::Forbidden), too. So failures are counted since the last success (or
/// [`reset`](Self::reset)): all *failures*, and among them *trouble*.
///
/// | recorded | counts as | action | stop reason |
/// |---|---|---|---|
/// | a success | resets both counts | `Continue` | |
/// | `RateLimited` | failure | `BackOff` | `RateLimit` |
/// | `OptedOut`, `BatchOptedOut` | failure | `Continue` | `OptOuts` |
/// | other failures of `Scope::Request` | failure | `Continue` | `BadRequests` |
/// | other failures of `Scope::Account` | failure, trouble | `Continue` | `Account` |
/// | failures of `Scope::Service`, a request that was not sent | failure, trouble | `BackOff` | `Service` |
///
/// A failure that counts as trouble stops if it is the third trouble or a later one. Any failure stops
/// if it is the tenth failure or a later one. An opt-out resets nothing, since it tells nothing of the
/// credit. Consecutive opt-outs stop, too: a broken opt-out store must not suppress all recipients. So
/// import Mobivate's opt-out list first: then those who are on it stop nothing.
///
/// After a stop:
///
/// - [`StopReason::Service`]: wait, then send one message as a probe, one that was certainly not sent.
///   Send probes seldom: each may end as one more to look up. A success resets the counts; any action
///   but `Stop` ends the stop.
/// - Any other: alert an operator, who calls [`reset`](Self::reset) once it is fixed. After
///   `OptOuts`, look at what was suppressed since the last success; after `RateLimit`, ask Mobivate
///   for a higher limit.
///
/// Tasks that send side by side share one circuit breaker. If several of their sends meet the same rate
/// limit, record one 429. Store the circuit breaker (it is serializable), so that a restart does not
/// forget the counts.
///
/// Failures that take turns with successes never stop, as behind a load balancer with one bad node of
/// two (503, 200, 503, …). Watch how many messages are to be looked up.
///
/// ```
/// use mobivate_response::{Action, CircuitBreaker, SendOutcome, StopReason};
///
/// let mut circuit_breaker = CircuitBreaker::new();
/// let outage = SendOutcome::decode(503, b"");
/// assert_eq!(circuit_breaker.record(&outage), Action::BackOff(1));
/// assert_eq!(circuit_breaker.record(&outage), Action::BackOff(2));
/// assert_eq!(circuit_breaker.record(&outage), Action::Stop(StopReason::Service));
///
/// let accepted = SendOutcome::decode(200, br#"{"id":"m-1"}"#);
/// assert_eq!(circuit_breaker.record(&accepted), Action::Continue);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct CircuitBreaker {
    /// Failures of the account (except 429) or the service, and requests that were not sent.
    trouble: u32,
    /// Failures of any kind, and requests that were not sent.
    failures: u32,
    /// Failures that ask for a wait.
    back_offs: u32,
    /// Accepted messages that failed later for what is wrong with the account.
    failed_deliveries: u32,
}

/// The third trouble stops, and so does the third failed delivery.
const MAX_TROUBLE: u32 = 3;

/// The tenth failure stops.
const MAX_FAILURES: u32 = 10;

impl CircuitBreaker {
    /// Creates a circuit breaker that has counted nothing.
    ///
    /// ```
    /// # use mobivate_response::CircuitBreaker;
    /// assert_eq!(CircuitBreaker::new(), CircuitBreaker::default());
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self { trouble: 0, failures: 0, back_offs: 0, failed_deliveries: 0 }
    }

    /// Records the outcome of a send, single or batch.
    ///
    /// ```
    /// # use mobivate_response::{Action, CircuitBreaker, SendOutcome};
    /// let mut circuit_breaker = CircuitBreaker::new();
    /// let slow_down = SendOutcome::decode(429, b"");
    /// assert_eq!(circuit_breaker.record(&slow_down), Action::BackOff(1));
    /// ```
    pub fn record<T>(&mut self, outcome: &Outcome<'_, T>) -> Action {
        let kind = match outcome {
            Outcome::Success(_) => {
                // Every accepted send would reset the failed deliveries, too.
                *self = Self { failed_deliveries: self.failed_deliveries, ..Self::new() };
                return Action::Continue;
            }
            Outcome::Failure(failure) => failure.kind,
        };
        self.count(match (kind, kind.scope()) {
            (FailureKind::RateLimited, _) => StopReason::RateLimit,
            (FailureKind::OptedOut | FailureKind::BatchOptedOut, _) | (_, Scope::Recipient) => {
                StopReason::OptOuts
            }
            (_, Scope::Request) => StopReason::BadRequests,
            (_, Scope::Account) => StopReason::Account,
            (_, Scope::Service) => StopReason::Service,
        })
    }

    /// Records a request that was certainly not sent, because of the client's own error: an unresolved
    /// name, a refused connection.
    ///
    /// Send the same message again after a wait. In doubt, record
    /// [`no_response`](Outcome::no_response) instead.
    ///
    /// ```
    /// # use mobivate_response::{Action, CircuitBreaker};
    /// let mut circuit_breaker = CircuitBreaker::new();
    /// assert_eq!(circuit_breaker.record_not_sent(), Action::BackOff(1));
    /// ```
    pub fn record_not_sent(&mut self) -> Action {
        self.count(StopReason::Service)
    }

    fn count(&mut self, reason: StopReason) -> Action {
        let (is_trouble, backs_off) = match reason {
            StopReason::Service => (true, true),
            StopReason::Account => (true, false),
            StopReason::RateLimit => (false, true),
            StopReason::BadRequests | StopReason::OptOuts => (false, false),
        };
        self.failures = self.failures.saturating_add(1);
        self.trouble = self.trouble.saturating_add(is_trouble.into());
        self.back_offs = self.back_offs.saturating_add(backs_off.into());
        if is_trouble && self.trouble >= MAX_TROUBLE || self.failures >= MAX_FAILURES {
            Action::Stop(reason)
        } else if backs_off {
            Action::BackOff(self.back_offs)
        } else {
            Action::Continue
        }
    }

    /// Records what became of a message of your own that was accepted: credit may run out after
    /// acceptance, while sends still succeed. Record each message once, however many parts it has.
    ///
    /// The third failed status of [`Scope::Account`] since the last `Delivered`, and each later one,
    /// stops: with [`StopReason::RateLimit`] if its kind is `RateLimited`, else with
    /// [`StopReason::Account`]. An accepted send does not reset this count.
    ///
    /// ```
    /// # use mobivate_response::{Action, CircuitBreaker, DeliveryStatus, StopReason};
    /// let mut circuit_breaker = CircuitBreaker::new();
    /// let no_credit = DeliveryStatus::from_name("FAILED_INSUFFICIENT_CREDIT");
    /// assert_eq!(circuit_breaker.record_delivery(no_credit), Action::Continue);
    /// assert_eq!(circuit_breaker.record_delivery(no_credit), Action::Continue);
    /// assert_eq!(
    ///     circuit_breaker.record_delivery(no_credit),
    ///     Action::Stop(StopReason::Account),
    /// );
    /// ```
    pub fn record_delivery(&mut self, status: DeliveryStatus) -> Action {
        match status {
            DeliveryStatus::Delivered => self.failed_deliveries = 0,
            DeliveryStatus::Failed(kind) if kind.scope() == Scope::Account => {
                self.failed_deliveries = self.failed_deliveries.saturating_add(1);
                if self.failed_deliveries >= MAX_TROUBLE {
                    return Action::Stop(match kind {
                        FailureKind::RateLimited => StopReason::RateLimit,
                        _ => StopReason::Account,
                    });
                }
            }
            DeliveryStatus::Failed(_) | DeliveryStatus::Pending | DeliveryStatus::Unknown => {}
        }
        Action::Continue
    }

    /// Resets every count, once an operator has fixed the cause.
    ///
    /// ```
    /// # use mobivate_response::CircuitBreaker;
    /// let mut circuit_breaker = CircuitBreaker::new();
    /// let _ = circuit_breaker.record_not_sent();
    /// circuit_breaker.reset();
    /// assert_eq!(circuit_breaker, CircuitBreaker::new());
    /// ```
    pub fn reset(&mut self) {
        *self = Self::new();
    }
}

/// What a campaign does next: see [`CircuitBreaker`].
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Send the next message.
    Continue,
    /// Send the next message after a wait. The number counts the failures that asked for one since
    /// the last success, from 1, to feed exponential backoff; the recipes wait 2 seconds, then twice as
    /// long each time, up to 17 minutes.
    BackOff(u32),
    /// Send nothing more for now.
    Stop(StopReason),
}

impl Action {
    /// Returns the action's stable name in snake case, without its payload.
    ///
    /// ```
    /// # use mobivate_response::{Action, StopReason};
    /// assert_eq!(Action::BackOff(2).as_str(), "back_off");
    /// assert_eq!(Action::BackOff(2).to_string(), "back off (2)");
    /// assert_eq!(Action::Stop(StopReason::RateLimit).to_string(), "stop: rate limit");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Continue => "continue",
            Self::BackOff(_) => "back_off",
            Self::Stop(_) => "stop",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Continue => pad_words(f, self.as_str()),
            Self::BackOff(count) => f.pad(&format!("back off ({count})")),
            Self::Stop(reason) => f.pad(&format!("stop: {reason}")),
        }
    }
}

/// Why a campaign stops.
///
/// The order is that of declaration, and means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The account: every send will fail the same way.
    Account,
    /// The provider, or the network path to it, fails.
    Service,
    /// The rate limit stays exceeded.
    RateLimit,
    /// Consecutive requests were rejected: look for what they have in common, such as the sender ID.
    BadRequests,
    /// Consecutive recipients are said to have opted out: the opt-out store may be broken.
    OptOuts,
}

impl StopReason {
    /// Returns the reason's stable name in snake case.
    ///
    /// ```
    /// # use mobivate_response::StopReason;
    /// assert_eq!(StopReason::OptOuts.as_str(), "opt_outs");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Service => "service",
            Self::RateLimit => "rate_limit",
            Self::BadRequests => "bad_requests",
            Self::OptOuts => "opt_outs",
        }
    }
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        pad_words(f, self.as_str())
    }
}
