//! Says what became of a text message, from what Mobivate's bulk-SMS API answered to the send.
//!
//! HTTP status and body go in, a [`SendOutcome`] comes out: either `Success` with the [`Message`],
//! or [`Failure`] with a code, a kind and a detail. It opens no socket and reads no clock, so it works
//! behind any HTTP client, and without `std`.
//!
//! ```
//! use mobivate_response::{Retry, SendOutcome};
//!
//! fn next(status: u16, body: &[u8]) -> String {
//!     let failure = match SendOutcome::decode(status, body) {
//!         SendOutcome::Success(message) => return format!("accepted: store the id {}", message.id),
//!         SendOutcome::Failure(failure) => failure,
//!     };
//!     match failure.kind.retry() {
//!         Retry::Later | Retry::AfterFix if failure.id.is_some() => "look it up first".into(),
//!         Retry::Later => "not sent: send it again after a wait".into(),
//!         Retry::AfterFix => format!("not sent: a person mends this first: {failure}"),
//!         Retry::MayDuplicate => "perhaps sent: look it up before sending it again".into(),
//!         Retry::Never => "not sent: suppress the recipient".into(),
//!     }
//! }
//!
//! let refusal = br#"{"code":403,"message":"Recipient is opted out: 447700900123"}"#;
//! assert_eq!(next(403, refusal), "not sent: suppress the recipient");
//! assert_eq!(next(502, b"<html>"), "perhaps sent: look it up before sending it again");
//! ```
//!
//! # What it answers
//!
//! | question | answer |
//! |---|---|
//! | Was it accepted? | [`SendOutcome::decode`], where the rules stand; [`BatchOutcome`] for a batch |
//! | May it be sent again? | [`FailureKind::retry`] |
//! | Who is affected, whom to suppress? | [`FailureKind::scope`], [`Failure::opted_out_number`] |
//! | When to stop? | [`CircuitBreaker`] |
//! | What became of it later? | [`DeliveryStatus`] |
//!
//! # Logs
//!
//! `Display` and `Debug` star every run of seven or more digits, escape what could forge a line, and
//! show no text, recipient, originator or reference of an accepted message; a refusal's own words
//! are shown, even where they quote the text. The id alone keeps its digits, to correlate by. The
//! fields and serde give the full truth: do not log what you serialise.
//!
//! # Sources
//!
//! What the API answers is taken from [Mobivate's pages] and from responses that its clients got in
//! production. What they leave open is taken from [RFC 9110] (status codes) and [ITU-T E.164]
//! (telephone numbers).
//!
//! [Mobivate's pages]: https://wiki.mobivatebulksms.com/use-cases/send-single-sms-message/understanding-sms-response-codes
//! [RFC 9110]: https://www.rfc-editor.org/rfc/rfc9110#name-status-codes
//! [ITU-T E.164]: https://www.itu.int/rec/T-REC-E.164

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod batch;
mod circuit_breaker;
mod delivery;
mod failure;
mod message;
mod opt_out;
mod outcome;
mod redact;
mod verdict;
mod wire;

pub use batch::{Batch, BatchOutcome, BatchRecipient};
pub use circuit_breaker::{Action, CircuitBreaker, StopReason};
pub use delivery::DeliveryStatus;
pub use failure::{Failure, FailureKind, ParseFailureKindError, Retry, Scope};
pub use message::{Message, SendOutcome};
pub use opt_out::OptedOutNumber;
pub use outcome::Outcome;

/// The README's code is compiled with the documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
