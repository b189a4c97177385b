//! Says what became of a message, from what Mobivate's bulk-SMS API answered to the send.
//!
//! HTTP status and body go in, a [`SendOutcome`] comes out: either `Success` with the [`Message`],
//! or `Failure` with a code, a [`FailureKind`] and a detail. There is no I/O and no clock; it works
//! behind any HTTP client, and without `std`.
//!
//! ```
//! use mobivate_response::{Retry, Scope, SendOutcome};
//!
//! let body = br#"{"code":403,"message":"Recipient is opted out: 447700900123"}"#;
//! match SendOutcome::decode(403, body) {
//!     SendOutcome::Success(message) => println!("accepted as {}", message.id),
//!     SendOutcome::Failure(failure) => {
//!         assert_eq!(failure.kind.retry(), Retry::Never);
//!         assert_eq!(failure.kind.scope(), Scope::Recipient);
//!         assert_eq!(failure.opted_out_number().unwrap().as_str(), "447700900123");
//!     }
//! }
//! ```
//!
//! # What it answers
//!
//! - Was it accepted? [`SendOutcome::is_success`]. *Accepted is not sent*: see
//!   [`SendOutcome::Success`].
//! - May it be sent again? [`FailureKind::retry`].
//! - Who is affected, whom to suppress? [`FailureKind::scope`] and [`Failure::opted_out_number`].
//!
//! # The verdict
//!
//! The reply's *code* is its own `code` where that is in 400..=599, else the HTTP status. Its *text*
//! is the first of `message` and `error` that says opted out, else the first of them that is a
//! non-empty string. Then, in this order:
//!
//! 1. The text says opted out: [`OptedOut`](FailureKind::OptedOut), whatever the code.
//! 2. The code is not 2xx: a failure, of the kind that the code stands for.
//! 3. There is an id, and nothing denies it: success. What denies is a `success` that is not true,
//!    an `error` that is more than a placeholder, and a `code` that is neither 0 nor 2xx.
//! 4. `success` denies and there is no id: [`BadRequest`](FailureKind::BadRequest).
//! 5. Otherwise: [`Unconfirmed`](FailureKind::Unconfirmed).
//!
//! # How it reads
//!
//! A field that cannot be read costs only itself: unknown keys, odd types, invalid UTF-8 and lone
//! surrogates never cost the id. What is no JSON object at all (an HTML page, a cut body) is judged
//! by the status alone, and a page costs the same whatever its length. Only texts that need
//! unescaping or repair are copied.
//!
//! # Sources
//!
//! What the API answers is taken from Mobivate's published pages and from replies observed by
//! clients in production; what they leave open, from RFC 9110 (status codes) and ITU-T E.164
//! (telephone numbers).

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod batch;
mod breaker;
mod delivery;
mod failure;
mod opt_out;
mod outcome;
mod redact;
mod verdict;
mod wire;

pub use batch::{Batch, BatchOutcome, Entry};
pub use breaker::{Breaker, Next};
pub use delivery::DeliveryStatus;
pub use failure::{Failure, FailureKind, Retry, Scope, UnknownFailureKind};
pub use opt_out::OptedOutNumber;
pub use outcome::{Message, SendOutcome};

/// The README's code is compiled with the documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
