//! Says what became of a message, from what Mobivate's bulk-SMS API answered to the send.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod classify;
mod decode;
mod opt_out;
mod outcome;
mod redact;
mod wire;

pub use opt_out::OptedOutNumber;
pub use outcome::{Failure, FailureKind, Message, Retry, Scope, SendOutcome};
