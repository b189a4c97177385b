//! Decodes responses from Mobivate's bulk-SMS API.
//!
//! Pass in the HTTP status and the body of a response, and you get a [`SendOutcome`]. It tells you
//! whether the message was accepted, rejected, or possibly sent, and what to do next. The crate does
//! no I/O, so it works with any HTTP client, blocking or async, and without `std`. It's unofficial and
//! not affiliated with Mobivate.
//!
//! ```
//! use mobivate_response::{Retry, SendOutcome};
//!
//! fn advice(status: u16, body: &[u8]) -> String {
//!     match SendOutcome::decode(status, body) {
//!         SendOutcome::Success(message) => format!("accepted, id {}", message.id),
//!         SendOutcome::Failure(failure) => match failure.retry() {
//!             Retry::Later => "not sent, try again later".into(),
//!             Retry::AfterFix => format!("not sent, fix this first: {failure}"),
//!             Retry::MayDuplicate => format!("may have been sent, look it up: {failure}"),
//!             Retry::Never => "not sent, suppress this recipient".into(),
//!         },
//!     }
//! }
//!
//! let body = br#"{"code":403,"message":"Recipient is opted out: 447700900123"}"#;
//! assert_eq!(advice(403, body), "not sent, suppress this recipient");
//! ```
//!
//! | question | see |
//! |---|---|
//! | Was the message accepted? | [`SendOutcome`], which also has the rules; for a batch, [`BatchOutcome`] |
//! | Should I send it again? | [`Failure::retry`] |
//! | Is it the recipient, the request, the account, or the service? | [`Failure::scope`]; for the exact cause, [`FailureKind`] |
//! | Which recipient do I suppress? | the message's on [`Retry::Never`]; after a batch, see [`Failure::opted_out_number`] |
//! | When do I pause or stop sending? | [`CircuitBreaker`] |
//! | Was it delivered? | [`DeliveryStatus`] |
//! | How do I send, log, and look up messages? | [the guide](guide) |

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
pub use failure::{Failure, FailureKind, Retry, Scope};
pub use message::{Message, SendOutcome};
pub use opt_out::OptedOutNumber;
pub use outcome::Outcome;

#[cfg(any(doc, doctest))]
#[doc = include_str!("../docs/guide.md")]
pub mod guide {}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
