//! What became of an accepted message later.

use alloc::format;
use core::{cmp::Reverse, fmt};

use serde::{Deserialize, Serialize};

use crate::failure::{
    FailureKind::{self, BadRequest, OptedOut, OutOfCredit, RateLimited, Undelivered},
    Retry, pad_words,
};

/// What a delivery receipt, or a record of the message log, says of an accepted message.
///
/// | code | name | status | how sure |
/// |---|---|---|---|
/// | 1 | `DELIVERED` | `Delivered` | firm |
/// | 2 | `ACCEPTED` | `Pending` | firm |
/// | 3 | `EXPIRED` | `Failed(Undelivered)` | firm |
/// | 4 | `DELETED` | `Failed(Undelivered)` | documented |
/// | 5 | `UNDELIVERABLE` | `Failed(Undelivered)` | firm |
/// | 6 | `UNKNOWN` | `Unknown` | final for some, not for others: the conservative choice |
/// | 7 | `REJECTED` | `Failed(Undelivered)` | firm |
/// | 8 | `INTERIM_QUEUED` | `Pending` | firm |
/// | 9 | `INTERIM_ACKNOWLEDGED` | `Pending` | firm |
/// | 10 | `RETRY` | `Pending` | firm |
/// | 11 | `FAILED_NACK` | `Failed(Undelivered)` | documented |
/// | 12 | `FAILED_NOROUTE` | `Failed(Undelivered)` | documented |
/// | 17 | `FAILED_INSUFFICIENT_CREDIT` | `Failed(OutOfCredit)` | documented |
/// | 18 | `FAILED_ORIGINATOR_RECIPIENT_EQUAL` | `Failed(BadRequest)` | documented |
/// | 19 | `FAILED_RECIPIENT_BLACKLISTED` | `Failed(OptedOut)` | documented |
/// | 20 | `FAILED_ORIGINATOR_REJECTED` | `Failed(BadRequest)` | documented |
/// | 21 | `FAILED_ROUTE_INVALID` | `Failed(BadRequest)` | firm |
/// | 22 | `FAILED_LIMITS_EXCEEDED` | `Failed(RateLimited)` | documented |
/// | 24 | `FAILED_EXHAUSTED` | `Failed(Undelivered)` | documented |
/// | 28 | `FAILED_INTERNAL_ERROR` | `Failed(Undelivered)` | documented |
/// | 29 | `FAILED_UNKNOWN` | `Failed(Undelivered)` | documented |
/// | - | `OPTED_OUT` | `Failed(OptedOut)` | observed |
/// | - | `LIMITS_EXCEEDED` | `Failed(RateLimited)` | the name observed, the meaning inferred |
/// | - | `UNDELIVERED` | `Failed(Undelivered)` | observed |
/// | - | `FAILED` | `Failed(Undelivered)` | observed |
/// | - | `INVALID_RECIPIENT` | `Failed(Undelivered)` | observed |
/// | - | `NETWORK_NOT_COVERED` | `Failed(Undelivered)` | observed |
/// | - | `SUBMIT_FAIL` | `Failed(Undelivered)` | observed |
/// | - | `SENT` | `Pending` | inferred |
/// | - | `CREATED` | `Pending` | inferred |
/// | - | `SCHEDULED` | `Pending` | inferred |
/// | - | `ENROUTE` | `Pending` | inferred |
/// | any other | any other | `Unknown` | nobody acts on it |
///
/// *Documented* is what [Mobivate publishes], *observed* what its clients got, *firm* what is both.
/// The codes are not SMPP's: there 2 is delivered, here it is accepted.
///
/// A failed status has a [`FailureKind`], whose `retry` and `scope` tell what to do next, by the rules
/// of [sending again](#sending-again). Only `OPTED_OUT` and `FAILED_RECIPIENT_BLACKLISTED` suppress the
/// recipient: they say that Mobivate will not send, and are no record of a withdrawn consent. One `UNDELIVERABLE` suppresses
/// nobody; Mobivate itself waits for three.
///
/// [Mobivate publishes]: https://wiki.mobivatebulksms.com/authentication-and-integration/understanding-response-codes
///
/// # Delivery receipts
///
/// Receipts come in any order, and more than once. A long message is sent in *parts* (segments), one
/// SMS each, and each part may have receipts of its own. So [`merge`](Self::merge) those of one part,
/// and take [`of_parts`](Self::of_parts) for the message: then a late receipt never turns a final
/// status back. Suppress as soon as one receipt for a message of your own says so, before you merge it.
///
/// The current API posts a form field `xml` (observed), the legacy API JSON (documented). Mobivate asks
/// for a 200 in response, and documents no second try.
///
/// ```xml
/// <deliveryreceipt><created>2026-06-18T11:00:15.915Z</created>
/// <deliveryMessageId>133e4f21-ff94-49d7-9167-77c9bc94cb99</deliveryMessageId>
/// <clientReference>order-1234</clientReference><status>DELIVERED</status>
/// <statusCode>1</statusCode><part>1</part><parts>1</parts></deliveryreceipt>
/// ```
///
/// ```json
/// {"deliveryMessageId":"9A85B95E0A000A9D2FBD46710388AD54","clientReference":"order-1234",
///  "created":"2023-07-28T03:23:22.000+00:00","status":"ACCEPTED","statusCode":2,"parts":1}
/// ```
///
/// Incoming messages come to the same webhook; whoever writes "STOP" expects it to work.
///
/// Receipts carry no signature: whoever knows the webhook URL can forge one. Match them by client
/// reference, and suppress nobody on a reference that is not your own. Do not match them by the id in
/// the response to the send: for a batch it is the batch's, and it may be a `proxied_…` timestamp.
///
/// A missing receipt proves nothing.
///
/// # Sending again
///
/// One failed receipt speaks of one part of one attempt. Send the message again only if every part says
/// `Later` or `AfterFix`, only on a receipt that is new, and not if another attempt may have been
/// accepted. Keep the statuses of each attempt apart: the reference is the same, so go by
/// `deliveryMessageId`. After a failed receipt, `MayDuplicate` needs no lookup: there is no more to know.
///
/// # Looking a message up
///
/// Mobivate documents no filter by reference: request the message log of a day or more, page by page
/// (`GET /messages/history?fromDate=2026-06-18&toDate=2026-06-20&limit=5000&offset=0` on the current
/// API, `GET /message?startDate=…&endDate=…` on the legacy API), and match the client reference
/// yourself. How soon a message is in the log, and in which time zone a day begins, is unknown. A match
/// tells that the message was accepted, and its status what became of it. *Not found proves nothing*: a
/// log that leaves the message out also responds with a well-formed page (observed). After a day, an
/// operator decides.
///
/// # Serde
///
/// The derived form: `"delivered"`, `{"failed":"opted_out"}`. Mobivate's status names are an error
/// there, so that a `"DELIVERED"` does not silently become `Unknown`.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// A status name or code that says nothing to act on.
    Unknown,
    /// It is on its way.
    Pending,
    /// It was not delivered. An expired message may still arrive.
    Failed(FailureKind),
    /// It arrived on the handset.
    Delivered,
}

use DeliveryStatus::{Delivered, Failed, Pending, Unknown};

impl DeliveryStatus {
    /// Reads a status name of the table, in any ASCII case, with or without whitespace around it. Any
    /// other text is [`Unknown`](Self::Unknown), also one that holds such a name.
    ///
    /// ```
    /// # use mobivate_response::{DeliveryStatus, FailureKind};
    /// assert_eq!(DeliveryStatus::from_name("Delivered"), DeliveryStatus::Delivered);
    /// assert_eq!(
    ///     DeliveryStatus::from_name("OPTED_OUT"),
    ///     DeliveryStatus::Failed(FailureKind::OptedOut),
    /// );
    /// assert_eq!(DeliveryStatus::from_name("NOT_DELIVERED"), DeliveryStatus::Unknown);
    /// ```
    pub fn from_name(name: &str) -> Self {
        named(name).unwrap_or(Unknown)
    }

    /// Reads a status code. One that Mobivate does not publish is [`Unknown`](Self::Unknown).
    ///
    /// ```
    /// # use mobivate_response::DeliveryStatus;
    /// assert_eq!(DeliveryStatus::from_code(1), DeliveryStatus::Delivered);
    /// assert_eq!(DeliveryStatus::from_code(2), DeliveryStatus::Pending);
    /// ```
    pub const fn from_code(code: u16) -> Self {
        let mut rows = TABLE;
        while let [(known, _, status), rest @ ..] = rows {
            // 0 stands for a name without a code.
            if *known == code && code != 0 {
                return *status;
            }
            rows = rest;
        }
        Unknown
    }

    /// Reads the status name and the status code of a receipt, or of a record of the message log.
    ///
    /// A name of the table decides. The code decides only if there is no name, or the table does not
    /// have it.
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

    /// Merges the statuses of two receipts for one part, in whatever order they came: `Delivered` over
    /// `Failed` over `Pending` over `Unknown`.
    ///
    /// Of two failures, it returns the one whose [`Retry`](crate::Retry) is the more conservative:
    /// `Never` over `MayDuplicate` over `AfterFix` over `Later`; if both are alike, the one whose kind
    /// is declared first. It is commutative, associative and idempotent.
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

    /// Returns the status of a message from those of all its parts: the merged failures if any part
    /// failed; else `Unknown` if any part is unknown, or if there is no part; else `Pending` if any part
    /// is pending; else `Delivered`.
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

    /// Returns whether no further receipt is expected: `Failed` or `Delivered`. A late `DELIVERED`
    /// still overrides a failure.
    ///
    /// ```
    /// # use mobivate_response::DeliveryStatus;
    /// assert!(DeliveryStatus::Delivered.is_final());
    /// assert!(!DeliveryStatus::Pending.is_final());
    /// ```
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            Unknown | Pending => false,
            Failed(_) | Delivered => true,
        }
    }

    /// Returns the kind of a failed status; `None` for any other.
    ///
    /// ```
    /// # use mobivate_response::{DeliveryStatus, FailureKind};
    /// let status = DeliveryStatus::from_name("EXPIRED");
    /// assert_eq!(status.failure_kind(), Some(FailureKind::Undelivered));
    /// ```
    #[must_use]
    pub const fn failure_kind(self) -> Option<FailureKind> {
        match self {
            Failed(kind) => Some(kind),
            Unknown | Pending | Delivered => None,
        }
    }

    /// Returns the status's stable name in snake case, without the kind: a metric label.
    ///
    /// ```
    /// # use mobivate_response::{DeliveryStatus, FailureKind};
    /// let status = DeliveryStatus::Failed(FailureKind::OptedOut);
    /// assert_eq!(status.as_str(), "failed");
    /// assert_eq!(status.to_string(), "failed: opted out");
    /// ```
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
            Unknown | Pending | Delivered => pad_words(f, self.as_str()),
        }
    }
}

fn named(name: &str) -> Option<DeliveryStatus> {
    let name = name.trim();
    let row = TABLE.iter().find(|(_, known, _)| known.eq_ignore_ascii_case(name));
    row.map(|(_, _, status)| *status)
}

/// Code (0: none), name and status, each row under Mobivate's own words.
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
    // Final for some clients, "buffered" for others.
    (6, "UNKNOWN", Unknown),
    // > The message was rejected.
    (7, "REJECTED", Failed(Undelivered)),
    // Queued, then acknowledged by the next tier provider; then delivery is tried again.
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
    (0, "OPTED_OUT", Failed(OptedOut)),
    (0, "LIMITS_EXCEEDED", Failed(RateLimited)),
    (0, "UNDELIVERED", Failed(Undelivered)),
    (0, "FAILED", Failed(Undelivered)),
    (0, "INVALID_RECIPIENT", Failed(Undelivered)),
    (0, "NETWORK_NOT_COVERED", Failed(Undelivered)),
    (0, "SUBMIT_FAIL", Failed(Undelivered)),
    // Never observed.
    (0, "SENT", Pending),
    (0, "CREATED", Pending),
    (0, "SCHEDULED", Pending),
    (0, "ENROUTE", Pending),
];
