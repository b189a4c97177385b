//! What became of an accepted message later.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::failure::FailureKind::{
    self, BadRequest, OptedOut, OutOfCredit, RateLimited, Undelivered,
};

/// What a receipt, or a look-up, says of a message that was accepted.
///
/// Accepted is not sent: an opted-out recipient's message may be accepted with an id, never sent
/// and never receipted. So no receipt is no verdict.
///
/// | code | word | status | how sure |
/// |---|---|---|---|
/// | 1 | `DELIVERED` | `Delivered` | firm |
/// | 2 | `ACCEPTED` | `Pending` | firm |
/// | 3 | `EXPIRED` | `Failed(Undelivered)` | firm |
/// | 4 | `DELETED` | `Failed(Undelivered)` | documented |
/// | 5 | `UNDELIVERABLE` | `Failed(Undelivered)` | firm |
/// | 6 | `UNKNOWN` | `Unknown` | final for some, not for others: the safe side |
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
/// | - | `LIMITS_EXCEEDED` | `Failed(RateLimited)` | the word observed, the meaning inferred |
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
/// *Documented* is what Mobivate publishes, *observed* what its clients got, *firm* what is both.
/// The codes are not SMPP's: there 2 is delivered, here it is accepted. Ask for the word; the code
/// speaks only where no word came.
///
/// For a failed delivery [`FailureKind::retry`] and [`FailureKind::scope`] answer "what next" as
/// they do for a failed send. Only `OPTED_OUT` and `FAILED_RECIPIENT_BLACKLISTED` suppress the
/// recipient; they say that Mobivate will not send, and are no record of a withdrawn consent.
///
/// Receipts come in any order, more than once, and one for each part of a long message: of one
/// part, keep the greatest status ([`Ord::max`]); of the message, the least of its parts. So a late
/// receipt never turns a final status back.
///
/// ```
/// use mobivate_response::DeliveryStatus;
///
/// let receipts = ["DELIVERED", "ACCEPTED", "novel"].map(DeliveryStatus::from_name);
/// assert_eq!(receipts.into_iter().max(), Some(DeliveryStatus::Delivered));
/// ```
///
/// # Receipts
///
/// Receipts carry no signature: whoever knows the address that they are posted to can forge one.
/// Match them by `reference`, and suppress nobody on a reference that is not your own. Not by the
/// id that the send answered: for a batch that is the batch's, and for a proxied response a time stamp.
///
/// # Looking a message up
///
/// No filter by reference was seen anywhere: ask for the records of a day or more, page by page,
/// and match the `reference` yourself. A match tells that the message was accepted, and its status
/// what became of it. *Not found proves nothing*: it never means "not accepted".
///
/// [`SendOutcome::decode`](crate::SendOutcome::decode) reads answers to sends only: a record of the
/// history that is given to it reads as a success.
///
/// # Serde
///
/// The derived form: `"delivered"`, `{"failed":"opted_out"}`. It does not read Mobivate's words:
/// an unknown one is an error, so that nobody's `"DELIVERED"` becomes `Unknown` without a word.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// A word or a code that says nothing to act on.
    Unknown,
    /// On its way.
    Pending,
    /// It was not delivered. With [`FailureKind::Undelivered`] it may still arrive.
    Failed(FailureKind),
    /// It arrived on the handset.
    Delivered,
}

use DeliveryStatus::{Delivered, Failed, Pending, Unknown};

impl DeliveryStatus {
    /// What a receipt's or a record's `status` says: a whole word, in any ASCII case, with or without
    /// white space around it. Any other word is [`Unknown`](Self::Unknown).
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
    pub fn from_name(word: &str) -> Self {
        let word = word.trim();
        let row = WORDS.iter().find(|(_, known, _)| known.eq_ignore_ascii_case(word));
        row.map_or(Unknown, |(_, _, status)| *status)
    }

    /// What a receipt's `statusCode` says, for a receipt without a word. Any code that Mobivate
    /// does not publish is [`Unknown`](Self::Unknown).
    ///
    /// ```
    /// # use mobivate_response::DeliveryStatus;
    /// assert_eq!(DeliveryStatus::from_code(1), DeliveryStatus::Delivered);
    /// assert_eq!(DeliveryStatus::from_code(2), DeliveryStatus::Pending);
    /// ```
    pub const fn from_code(code: u16) -> Self {
        let mut rows = WORDS;
        while let [(known, _, status), rest @ ..] = rows {
            // 0 stands for a word without a code.
            if *known == code && code != 0 {
                return *status;
            }
            rows = rest;
        }
        Unknown
    }

    /// Whether it stands: `Failed` or `Delivered`.
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

    /// The status as one word in lower case, without the kind: a metric label.
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
            Failed(kind) => write!(f, "failed: {kind}"),
            Unknown | Pending | Delivered => f.write_str(self.as_str()),
        }
    }
}

/// Code (0: none), word and status, each row under Mobivate's own words.
const WORDS: &[(u16, &str, DeliveryStatus)] = &[
    // > Message successfully delivered to the handset.
    (1, "DELIVERED", Delivered),
    // > Message accepted by carrier.
    (2, "ACCEPTED", Pending),
    // > The SMSC was unable to deliver the message in a specified amount of time
    (3, "EXPIRED", Failed(Undelivered)),
    // > Message has been deleted.
    (4, "DELETED", Failed(Undelivered)),
    // > The SMS was unable to deliver the message (e.g. the number does not exist).
    // One suppresses nobody: Mobivate itself waits for three.
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
    // Mobivate lists these three without a word of explanation.
    (24, "FAILED_EXHAUSTED", Failed(Undelivered)),
    (28, "FAILED_INTERNAL_ERROR", Failed(Undelivered)),
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
