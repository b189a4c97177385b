//! The circuit breaker: when to back off, and when to stop.

use alloc::format;
use core::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    delivery::DeliveryStatus,
    failure::{FailureKind, Scope, display_name},
    outcome::Outcome,
};

/// Tells you after each send whether to continue, back off, or stop.
///
/// It counts the failures since the last success.
///
/// | failure | 1st | 3rd | 10th |
/// |---|---|---|---|
/// | `RateLimited` | `BackOff` | | `Stop(RateLimit)` |
/// | `OptedOut`, `BatchOptedOut` | `Continue` | | `Stop(OptOuts)` |
/// | other [`Scope::Request`] | `Continue` | | `Stop(BadRequests)` |
/// | other [`Scope::Account`] | `Continue` | `Stop(Account)` | `Stop(Account)` |
/// | [`Scope::Service`] | `BackOff` | `Stop(Service)` | `Stop(Service)` |
///
/// The last two rows share one count, and their third failure stops. The tenth failure of any kind stops
/// as well. The failure that stops gives the reason. The first pause is 2 seconds, and each further one
/// is twice as long, until a success.
///
/// # After a stop
///
/// A stop lasts, and each record returns it again.
///
/// - `Stop(Service)` ends with a success. Now and then, send one message that certainly wasn't sent
///   before. Until one is accepted, each failure returns `Stop(Service)`. A failure of
///   [`Scope::Account`] other than `RateLimited` changes the reason to [`StopReason::Account`], so that
///   you don't keep trying with a revoked key.
/// - Any other stop ends when you call [`reset`](Self::reset). Fix the cause first. After `OptOuts`,
///   also check the recipients suppressed since the last success, because Mobivate's opt-out store may be
///   broken. After `RateLimit`, ask Mobivate for a higher limit.
///
/// # Sends side by side
///
/// If several workers send at once, they share one circuit breaker. Read the
/// [`generation`](Self::generation) before each send and pass it to
/// [`record_from`](Self::record_from). Outcomes of sends that began before a pause or a stop don't
/// count, so thirty sends that hit one rate limit side by side cause one pause. Store the circuit
/// breaker with serde, so that it survives a restart.
///
/// Failures that alternate with successes never stop it. Watch how many messages are in doubt.
///
/// ```
/// use core::time::Duration;
/// use mobivate_response::{Action, CircuitBreaker, SendOutcome, StopReason};
///
/// let mut circuit_breaker = CircuitBreaker::new();
/// let outage = SendOutcome::decode(503, b"");
/// assert_eq!(circuit_breaker.record(&outage), Action::BackOff(Duration::from_secs(2)));
/// assert_eq!(circuit_breaker.record(&outage), Action::BackOff(Duration::from_secs(4)));
/// assert_eq!(circuit_breaker.record(&outage), Action::Stop(StopReason::Service));
///
/// let accepted = SendOutcome::decode(200, br#"{"id":"m-1"}"#);
/// assert_eq!(circuit_breaker.record(&accepted), Action::Continue);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct CircuitBreaker {
    generation: u64,
    stopped: Option<StopReason>,
    /// Failures since the last success.
    failures: u32,
    /// Those of scope `Account` (but `RateLimited`) and of scope `Service`.
    severe_failures: u32,
    /// Those that asked for a pause.
    back_offs: u32,
    /// Messages since the last delivered one that failed after acceptance because of the account.
    failed_deliveries: u32,
}

const MAX_SEVERE_FAILURES: u32 = 3;
const MAX_FAILURES: u32 = 10;
const MAX_FAILED_DELIVERIES: u32 = 3;

impl CircuitBreaker {
    /// Creates a circuit breaker with all counts at 0.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            generation: 0,
            stopped: None,
            failures: 0,
            severe_failures: 0,
            back_offs: 0,
            failed_deliveries: 0,
        }
    }

    /// Records the outcome of a send, if you send one message or batch at a time.
    pub fn record<T>(&mut self, outcome: &Outcome<'_, T>) -> Action {
        self.record_from(self.generation, outcome)
    }

    /// Returns the current generation. Read it before a send, and pass it to
    /// [`record_from`](Self::record_from).
    ///
    /// It grows with each pause, stop, reset, and failed try during `Stop(Service)`.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Records the outcome of a send that began in this generation.
    ///
    /// The outcome of a send that began in an older generation is ignored, and returns the current stop or
    /// `Continue`.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use mobivate_response::{Action, CircuitBreaker, SendOutcome};
    /// let mut circuit_breaker = CircuitBreaker::new();
    /// let [first, second] = [circuit_breaker.generation(); 2]; // two sends begin
    /// let slow_down = SendOutcome::decode(429, b"");
    /// let pause = Action::BackOff(Duration::from_secs(2));
    /// assert_eq!(circuit_breaker.record_from(first, &slow_down), pause);
    /// assert_eq!(circuit_breaker.record_from(second, &slow_down), Action::Continue);
    /// ```
    pub fn record_from<T>(&mut self, generation: u64, outcome: &Outcome<'_, T>) -> Action {
        let kind = outcome.failure().map(|failure| failure.kind);
        match (self.stopped, kind) {
            (Some(reason), _) if generation < self.generation => Action::Stop(reason),
            (None, _) if generation < self.generation => Action::Continue,
            (None | Some(StopReason::Service), None) => {
                *self = Self {
                    generation: self.generation,
                    failed_deliveries: self.failed_deliveries,
                    ..Self::new()
                };
                Action::Continue
            }
            (None, Some(kind)) => self.count(kind),
            (Some(StopReason::Service), Some(kind)) => match reason_of(kind) {
                StopReason::Account => self.stop(StopReason::Account),
                _ => self.stop(StopReason::Service),
            },
            (Some(reason), _) => Action::Stop(reason),
        }
    }

    fn count(&mut self, kind: FailureKind) -> Action {
        let reason = reason_of(kind);
        let is_severe = matches!(reason, StopReason::Account | StopReason::Service);
        self.failures = self.failures.saturating_add(1);
        self.severe_failures = self.severe_failures.saturating_add(is_severe.into());
        if is_severe && self.severe_failures >= MAX_SEVERE_FAILURES || self.failures >= MAX_FAILURES
        {
            return self.stop(reason);
        }
        match reason {
            StopReason::RateLimit | StopReason::Service => {
                self.back_offs = self.back_offs.saturating_add(1);
                self.generation = self.generation.saturating_add(1);
                // The tenth failure stops, so a stored state alone can have more than nine.
                Action::BackOff(Duration::from_secs(1 << self.back_offs.min(9)))
            }
            StopReason::Account | StopReason::BadRequests | StopReason::OptOuts => Action::Continue,
        }
    }

    fn stop(&mut self, reason: StopReason) -> Action {
        self.stopped = Some(reason);
        self.generation = self.generation.saturating_add(1);
        Action::Stop(reason)
    }

    /// Records the delivery status of one of your own messages, once for each message.
    ///
    /// Credit may run out after acceptance, while sends still succeed. The third failed status of
    /// [`Scope::Account`] since the last `Delivered` stops, with [`StopReason::RateLimit`] if its kind
    /// is `RateLimited` and else with [`StopReason::Account`]. An accepted send doesn't reset this
    /// count, and `Delivered` doesn't end a stop. During a stop, statuses are ignored.
    ///
    /// ```
    /// # use mobivate_response::{Action, CircuitBreaker, DeliveryStatus, StopReason};
    /// let mut circuit_breaker = CircuitBreaker::new();
    /// let no_credit = DeliveryStatus::from_name("FAILED_INSUFFICIENT_CREDIT");
    /// assert_eq!(circuit_breaker.record_delivery(no_credit), Action::Continue);
    /// assert_eq!(circuit_breaker.record_delivery(no_credit), Action::Continue);
    /// let stop = Action::Stop(StopReason::Account);
    /// assert_eq!(circuit_breaker.record_delivery(no_credit), stop);
    /// ```
    pub fn record_delivery(&mut self, status: DeliveryStatus) -> Action {
        match (self.stopped, status) {
            (Some(reason), _) => return Action::Stop(reason),
            (None, DeliveryStatus::Delivered) => self.failed_deliveries = 0,
            (None, DeliveryStatus::Failed(kind)) if kind.scope() == Scope::Account => {
                self.failed_deliveries = self.failed_deliveries.saturating_add(1);
                if self.failed_deliveries >= MAX_FAILED_DELIVERIES {
                    return self.stop(reason_of(kind));
                }
            }
            (None, _) => {}
        }
        Action::Continue
    }

    /// Returns the reason of the stop, while there is one.
    #[must_use]
    pub const fn stopped(&self) -> Option<StopReason> {
        self.stopped
    }

    /// Ends a stop and resets all counts. Call it once the cause is fixed.
    pub fn reset(&mut self) {
        *self = Self { generation: self.generation.saturating_add(1), ..Self::new() };
    }
}

const fn reason_of(kind: FailureKind) -> StopReason {
    match (kind, kind.scope()) {
        (FailureKind::RateLimited, _) => StopReason::RateLimit,
        (FailureKind::BatchOptedOut, _) | (_, Scope::Recipient) => StopReason::OptOuts,
        (_, Scope::Request) => StopReason::BadRequests,
        (_, Scope::Account) => StopReason::Account,
        (_, Scope::Service) => StopReason::Service,
    }
}

/// The next step after a send.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Send the next message.
    Continue,
    /// Send the next message after this wait. If the response had a `Retry-After`, use the longer one.
    BackOff(Duration),
    /// Stop sending. [`CircuitBreaker`] explains how a stop ends.
    Stop(StopReason),
}

impl Action {
    /// Returns the action's name in snake case, without its payload.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use mobivate_response::{Action, StopReason};
    /// let back_off = Action::BackOff(Duration::from_secs(4));
    /// assert_eq!(back_off.as_str(), "back_off");
    /// assert_eq!(back_off.to_string(), "back off (4s)");
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
            Self::Continue => f.pad("continue"),
            Self::BackOff(wait) => f.pad(&format!("back off ({wait:?})")),
            Self::Stop(reason) => f.pad(&format!("stop: {reason}")),
        }
    }
}

/// Why the circuit breaker stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The account. Every send will fail the same way.
    Account,
    /// Mobivate, or the network path to it.
    Service,
    /// The rate limit was exceeded again and again.
    RateLimit,
    /// Request after request was rejected. They may have something in common, such as the sender ID.
    BadRequests,
    /// Recipient after recipient has opted out, or the opt-out store is broken.
    OptOuts,
}

impl StopReason {
    /// Returns the reason's name in snake case.
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

display_name!(StopReason);
