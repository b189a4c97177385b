//! Decodes what Mobivate's bulk-SMS API responds to a send, and says what became of the message.
//!
//! HTTP status and body go in, a [`SendOutcome`] comes out: either `Success` with the [`Message`], or
//! a [`Failure`] with a code, a kind and a detail. The crate opens no socket and reads no clock, so it
//! works behind any HTTP client, and without `std`. Unofficial; not affiliated with Mobivate.
//!
//! ```
//! use mobivate_response::{Retry, SendOutcome};
//!
//! fn advice(status: u16, body: &[u8]) -> String {
//!     let failure = match SendOutcome::decode(status, body) {
//!         SendOutcome::Success(message) => return format!("accepted as {}", message.id),
//!         SendOutcome::Failure(failure) => failure,
//!     };
//!     match failure.retry() {
//!         Retry::Later => "not sent: send it again after a wait".into(),
//!         Retry::AfterFix => format!("not sent: an operator fixes {failure}"),
//!         Retry::MayDuplicate => "may have been sent: look it up".into(),
//!         Retry::Never => "not sent: suppress the recipient".into(),
//!     }
//! }
//!
//! let notice = br#"{"code":403,"message":"Recipient is opted out: 447700900123"}"#;
//! assert_eq!(advice(403, notice), "not sent: suppress the recipient");
//! assert_eq!(advice(502, b"<html>"), "may have been sent: look it up");
//! ```
//!
//! | question | see |
//! |---|---|
//! | Was it accepted? | [`SendOutcome::decode`]; of a batch, [`BatchOutcome`] |
//! | May it be sent again? | [`Failure::retry`] |
//! | Who is affected, whom to suppress? | [`Failure::scope`], [`Failure::opted_out_number`] |
//! | When to stop? | [`CircuitBreaker`] |
//! | What became of it later? | [`DeliveryStatus`] |
//!
//! # Sending
//!
//! Mobivate has two APIs, and this crate reads both: the *legacy API* at
//! `https://api.mobivatebulksms.com`, and the *current API* ("Vortex") on a domain that Mobivate gives
//! you. Both have the same paths, and take a `POST` with the headers `Content-Type: application/json`
//! and `Authorization: Bearer <API key>`.
//!
//! `POST /send/single`; `routeId`, `reference` and `campaignId` are optional:
//!
//! ```json
//! {"originator":"Brand","recipient":"447700900123","body":"Your code is 1234",
//!  "routeId":"mglobal","reference":"order-1234"}
//! ```
//!
//! `POST /send/batch`, up to 1,000 messages, each with a `text`, not a `body`; one page of Mobivate's
//! names the list `messages`, an older one `recipients`:
//!
//! ```json
//! {"routeId":"mglobal","messages":[
//!   {"originator":"Brand","recipient":"447700900123","text":"Hello","reference":"hello-1"}]}
//! ```
//!
//! Unless it says `"excludeOptouts":false`, recipients who opted out are left out of a batch
//! (documented). With `"excludeDuplicates":true`, a recipient who is in it twice gets one message.
//!
//! - `originator` is the sender ID. If it is not approved for a country, there is no error: the carrier
//!   replaces it (observed).
//! - Write phone numbers in international form (E.164), without `+` as Mobivate's samples do.
//! - Give every message a unique `reference`: delivery receipts and lookups are matched by it.
//! - Write down that a message is about to be sent, and then send it: after a crash it is looked up, not
//!   sent again.
//! - The daily limit, the allowed IPs, the permissions and the webhook URL belong to the API key.
//!   `POST /auth/createkey` revokes the existing key: a job that calls it stops a running campaign.
//! - Mobivate documents no `Retry-After`, no rate-limit header and no idempotency key, and no response
//!   with one was observed.
//!
//! # Using it with an HTTP client
//!
//! Any client will do that gives the status and the body's bytes. The repository's `examples/recipes`
//! holds tested recipes to copy, for ureq, reqwest, hyper and libcurl; other recipes read delivery
//! receipts, the message log and the opt-out list, and keep an outbox in a database.
//!
//! - Not sent: an error that certainly came before the sending: an unresolved name, a refused
//!   connection, a timeout of connecting alone. Send the same request again after a wait, and call
//!   [`CircuitBreaker::record_not_sent`]. In doubt, it is the next case: so are an unreachable host, a
//!   reset, a broken pipe, a TLS error, and a timeout that does not tell its phase.
//! - No response: the request was sent, or may have been, but no status came, or the client lost it:
//!   [`Outcome::no_response`]. Do not pass on a status that the client or a proxy made up, as minreq
//!   2.14 does with a 503 where no status line came. Where the `curl` command says `000`, the request
//!   may have been sent, unless `%{size_request}` is 0, too.
//! - A response: decode it. If its body is truncated, decode what arrived. Read the body piece by piece:
//!   a call that reads all of it may drop what it had.
//! - Switch off what turns a 4xx into an error: it drops the body, and an opt-out reads as
//!   [`Forbidden`](FailureKind::Forbidden).
//! - Switch off redirects: a client that follows one sends the message again, or takes another page's
//!   response for Mobivate's.
//! - Switch off retries. libcurl has no switch for them: it sends a `POST` again by itself where a kept
//!   connection closes without a response, so forbid it to reuse connections. HTTP/2 clients may resend
//!   a stream that the server refused.
//! - Keep no idle connection longer than the provider does: two seconds at most.
//! - Ask for no compression, unless the client decompresses.
//! - Limit the time, and the body: the recipes stop at 4 MiB.
//!
//! # Logs
//!
//! Phone numbers and message texts are personal data.
//!
//! - `Display` and `Debug` of a failure replace every digit by `*` in a run of seven or more, also where
//!   up to four spaces, hyphens, dots, slashes, commas, underscores or brackets separate two digits.
//! - `Debug` of an accepted message shows no text, recipient, sender ID or reference of it, and replaces
//!   seven or more consecutive digits in the rest.
//! - All of these escape what could forge a line. `Debug` shows the id with its digits, to correlate by.
//!
//! This is a net, not a guarantee: an error response that quotes the message's text shows it, and other
//! spellings of a phone number may pass. The fields and the serialized form hold everything unredacted:
//! do not log what you serialize.
//!
//! # Terms
//!
//! - *Accepted*: Mobivate took the message and gave it an id. *Delivered*: it arrived on the handset.
//! - *Client reference*: your own key of a message, unique, sent as `reference`.
//! - *Delivery receipt*: Mobivate's report on an accepted message, posted to your *webhook*.
//! - *Message log*: the list of what was sent, which Mobivate hands out page by page.
//! - *Opt-out notice*: an error text that says the recipient is opted out.
//! - *Suppress*: not to send to somebody any more; whoever you suppress is on your *suppression list*.
//! - *Documented*, *observed*, *inferred*: how well a fact is known; Mobivate publishes it, a client got
//!   it in production, or neither.
//!
//! # Sources
//!
//! What the API responds is taken from [Mobivate's pages] and from responses that its clients got in
//! production. What they leave open is taken from [RFC 9110] (status codes), [RFC 9457] (problem
//! details) and [ITU-T E.164] (phone numbers).
//!
//! [Mobivate's pages]: https://wiki.mobivatebulksms.com/use-cases/send-single-sms-message/understanding-sms-response-codes
//! [RFC 9110]: https://www.rfc-editor.org/rfc/rfc9110#name-status-codes
//! [RFC 9457]: https://www.rfc-editor.org/rfc/rfc9457
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
