//! The status of an accepted message.

use alloc::format;
use core::{cmp::Reverse, fmt};

use serde::{Deserialize, Serialize};

use crate::failure::{
    FailureKind::{self, BadRequest, OptedOut, OutOfCredit, RateLimited, Undelivered},
    Retry,
};

/// The status of an accepted message, from a delivery receipt or the message log.
///
/// | status | name, and code |
/// |---|---|
/// | `Delivered` | `DELIVERED` 1 |
/// | `Pending` | `ACCEPTED` 2, `INTERIM_QUEUED` 8, `INTERIM_ACKNOWLEDGED` 9, `RETRY` 10; inferred: `SENT`, `CREATED`, `SCHEDULED`, `ENROUTE` |
/// | `Failed(OptedOut)` | `FAILED_RECIPIENT_BLACKLISTED` 19; observed: `OPTED_OUT` |
/// | `Failed(OutOfCredit)` | `FAILED_INSUFFICIENT_CREDIT` 17 |
/// | `Failed(RateLimited)` | `FAILED_LIMITS_EXCEEDED` 22; observed, meaning inferred: `LIMITS_EXCEEDED` |
/// | `Failed(BadRequest)` | `FAILED_ORIGINATOR_RECIPIENT_EQUAL` 18, `FAILED_ORIGINATOR_REJECTED` 20, `FAILED_ROUTE_INVALID` 21 |
/// | `Failed(Undelivered)` | `EXPIRED` 3, `DELETED` 4, `UNDELIVERABLE` 5, `REJECTED` 7, `FAILED_NACK` 11, `FAILED_NOROUTE` 12, `FAILED_EXHAUSTED` 24, `FAILED_INTERNAL_ERROR` 28, `FAILED_UNKNOWN` 29; observed: `UNDELIVERED`, `FAILED`, `INVALID_RECIPIENT`, `NETWORK_NOT_COVERED`, `SUBMIT_FAIL` |
/// | `Unknown` | `UNKNOWN` 6, which is final for some clients and not for others, and any other name |
///
/// Names with a code are those that [Mobivate publishes]. The codes aren't those of SMPP, where 2
/// means delivered.
///
/// Suppress a recipient on `Failed(OptedOut)` alone, and only if the receipt's reference is one of
/// yours. It means that Mobivate won't send to the recipient, and isn't a record of a withdrawn
/// consent. One `UNDELIVERABLE` isn't a reason to suppress, because Mobivate itself waits for three.
/// After any other failed status, resend only if a duplicate is acceptable: the status is about one
/// part of one attempt, and an expired message may still arrive. [The guide] explains receipts and
/// lookups.
///
/// Serde uses the derived form, `"delivered"` or `{"failed":"opted_out"}`. Reading one of Mobivate's
/// names with serde is an error.
///
/// [Mobivate publishes]: https://wiki.mobivatebulksms.com/authentication-and-integration/understanding-response-codes
/// [The guide]: crate::guide#receipts-and-lookups
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// The name or code has no known meaning. Ignore it.
    Unknown,
    /// The message is on its way.
    Pending,
    /// The message wasn't delivered.
    Failed(FailureKind),
    /// The message arrived on the handset.
    Delivered,
}

use DeliveryStatus::{Delivered, Failed, Pending, Unknown};

impl DeliveryStatus {
    /// Reads a status name, in any case and with or without whitespace around it.
    ///
    /// ```
    /// # use mobivate_response::{DeliveryStatus, FailureKind};
    /// let opted_out = DeliveryStatus::Failed(FailureKind::OptedOut);
    /// assert_eq!(DeliveryStatus::from_name("Opted_out"), opted_out);
    /// assert_eq!(DeliveryStatus::from_name("NOT_DELIVERED"), DeliveryStatus::Unknown);
    /// ```
    pub fn from_name(name: &str) -> Self {
        named(name).unwrap_or(Unknown)
    }

    /// Reads a status code.
    pub const fn from_code(code: u16) -> Self {
        let mut rows = TABLE;
        while let [(known, _, status), rest @ ..] = rows {
            if *known == code && code != NO_CODE {
                return *status;
            }
            rows = rest;
        }
        Unknown
    }

    /// Reads the status name and code of a receipt or of a record in the message log.
    ///
    /// A known name decides. The code counts only if there's no name or an unknown one.
    ///
    /// ```
    /// # use mobivate_response::DeliveryStatus;
    /// let status = DeliveryStatus::from_receipt(Some("DELIVERED"), Some(2));
    /// assert_eq!(status, DeliveryStatus::Delivered);
    /// assert_eq!(DeliveryStatus::from_receipt(Some("NOVEL"), Some(2)), DeliveryStatus::Pending);
    /// ```
    pub fn from_receipt(name: Option<&str>, code: Option<u16>) -> Self {
        name.and_then(named).or_else(|| code.map(Self::from_code)).unwrap_or(Unknown)
    }

    /// Merges two statuses of one part, whatever order they came in.
    ///
    /// `Delivered` wins over `Failed`, then come `Pending` and `Unknown`. Of two failures, the one
    /// with the more conservative [`retry`](Self::retry) wins, and if they're equal, the kind that is
    /// declared first. It's commutative, associative, and idempotent.
    ///
    /// ```
    /// # use mobivate_response::DeliveryStatus;
    /// let [opted_out, expired] = ["OPTED_OUT", "EXPIRED"].map(DeliveryStatus::from_name);
    /// assert_eq!(expired.merge(opted_out), opted_out);
    /// assert_eq!(opted_out.merge(DeliveryStatus::Delivered), DeliveryStatus::Delivered);
    /// ```
    pub fn merge(self, other: Self) -> Self {
        if self.precedence() < other.precedence() { other } else { self }
    }

    fn precedence(self) -> (u8, Option<(Retry, Reverse<FailureKind>)>) {
        match self {
            Unknown => (0, None),
            Pending => (1, None),
            Failed(kind) => (2, Some((kind.retry(), Reverse(kind)))),
            Delivered => (3, None),
        }
    }

    /// Returns the status of a message from those of all its parts.
    ///
    /// If any part failed, it's the merged failures. Otherwise it's `Unknown` if any part is unknown
    /// or if there are no parts, `Pending` if any part is pending, and else `Delivered`.
    ///
    /// ```
    /// # use mobivate_response::DeliveryStatus;
    /// let parts = ["DELIVERED", "ACCEPTED"].map(DeliveryStatus::from_name);
    /// assert_eq!(DeliveryStatus::of_parts(parts), DeliveryStatus::Pending);
    /// ```
    pub fn of_parts(parts: impl IntoIterator<Item = Self>) -> Self {
        let message = parts.into_iter().reduce(|message, part| match (message, part) {
            (Failed(_), Failed(_)) => message.merge(part),
            (failed @ Failed(_), _) | (_, failed @ Failed(_)) => failed,
            (Unknown, _) | (_, Unknown) => Unknown,
            (Pending, _) | (_, Pending) => Pending,
            (Delivered, Delivered) => Delivered,
        });
        message.unwrap_or(Unknown)
    }

    /// Returns whether you can expect no further receipt.
    ///
    /// True for `Failed` and `Delivered`. A late `DELIVERED` still overrides a failure.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Failed(_) | Delivered)
    }

    /// Returns the retry of the failure's kind, if the status is a failed one.
    ///
    /// It's about the cause. Another part or attempt may have arrived, so a resend may be a duplicate.
    #[must_use]
    pub const fn retry(self) -> Option<Retry> {
        if let Failed(kind) = self { Some(kind.retry()) } else { None }
    }

    /// Returns the kind of the failure, if the status is a failed one.
    #[must_use]
    pub const fn failure_kind(self) -> Option<FailureKind> {
        if let Failed(kind) = self { Some(kind) } else { None }
    }

    /// Returns the status's name in snake case, without the kind.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Unknown => "unknown",
            Pending => "pending",
            Failed(_) => "failed",
            Delivered => "delivered",
        }
    }
}

impl fmt::Display for DeliveryStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failed(kind) => f.pad(&format!("failed: {kind}")),
            Unknown | Pending | Delivered => f.pad(self.as_str()),
        }
    }
}

fn named(name: &str) -> Option<DeliveryStatus> {
    let name = name.trim();
    let row = TABLE.iter().find(|(_, known, _)| known.eq_ignore_ascii_case(name));
    row.map(|(_, _, status)| *status)
}

const NO_CODE: u16 = 0;

/// Code, name, and status, each under Mobivate's own words.
const TABLE: &[(u16, &str, DeliveryStatus)] = &[
    // > Message successfully delivered to the handset.
    (1, "DELIVERED", Delivered),
    // > Message accepted by carrier.
    (2, "ACCEPTED", Pending),
    // > The SMSC was unable to deliver the message in a specified amount of time
    (3, "EXPIRED", Failed(Undelivered)),
    // > Message has been deleted.
    (4, "DELETED", Failed(Undelivered)),
    // > The SMS was unable to deliver the message (e.g. the number does not exist).
    (5, "UNDELIVERABLE", Failed(Undelivered)),
    // > Unknown error occurred.
    // It is final for some clients and "buffered" for others.
    (6, "UNKNOWN", Unknown),
    // > The message was rejected.
    (7, "REJECTED", Failed(Undelivered)),
    // Queued or acknowledged by the next provider, or delivery will be tried again.
    (8, "INTERIM_QUEUED", Pending),
    (9, "INTERIM_ACKNOWLEDGED", Pending),
    (10, "RETRY", Pending),
    // > Message accepted but not delivered to the handset.
    (11, "FAILED_NACK", Failed(Undelivered)),
    // > Provider could not route the message.
    (12, "FAILED_NOROUTE", Failed(Undelivered)),
    // > Your account does not have sufficient credit to send the message.
    (17, "FAILED_INSUFFICIENT_CREDIT", Failed(OutOfCredit)),
    // > Message originator and recipient are the same.
    (18, "FAILED_ORIGINATOR_RECIPIENT_EQUAL", Failed(BadRequest)),
    // > Recipient has been blacklisted.
    (19, "FAILED_RECIPIENT_BLACKLISTED", Failed(OptedOut)),
    // > Invalid message originator.
    (20, "FAILED_ORIGINATOR_REJECTED", Failed(BadRequest)),
    // > The selected Route ID cannot send messages to this recipient.
    (21, "FAILED_ROUTE_INVALID", Failed(BadRequest)),
    // > Your account has exceeded its allocated limits.
    (22, "FAILED_LIMITS_EXCEEDED", Failed(RateLimited)),
    // > Retries exhausted.
    (24, "FAILED_EXHAUSTED", Failed(Undelivered)),
    // > Message failed to process/send due to internal error.
    (28, "FAILED_INTERNAL_ERROR", Failed(Undelivered)),
    // Listed; the stored copy of the page ends here.
    (29, "FAILED_UNKNOWN", Failed(Undelivered)),
    // Observed, without a code.
    (NO_CODE, "OPTED_OUT", Failed(OptedOut)),
    (NO_CODE, "LIMITS_EXCEEDED", Failed(RateLimited)),
    (NO_CODE, "UNDELIVERED", Failed(Undelivered)),
    (NO_CODE, "FAILED", Failed(Undelivered)),
    (NO_CODE, "INVALID_RECIPIENT", Failed(Undelivered)),
    (NO_CODE, "NETWORK_NOT_COVERED", Failed(Undelivered)),
    (NO_CODE, "SUBMIT_FAIL", Failed(Undelivered)),
    // Never observed.
    (NO_CODE, "SENT", Pending),
    (NO_CODE, "CREATED", Pending),
    (NO_CODE, "SCHEDULED", Pending),
    (NO_CODE, "ENROUTE", Pending),
];
