//! The recipes: files to copy, for `mobivate-response` behind real HTTP clients and for what Mobivate
//! reports later.
//!
//! The first lines of a file name the crates that it needs beside `mobivate-response`.
//! `message_log.rs`, `outbox_sqlite.rs` and `webhook_axum.rs` also need `receipts.rs`; each other file
//! compiles alone. Only the examples in the docs name this crate, `recipes`.
//!
//! An HTTP client's recipe has the settings, a `send`, how long to `wait`, and `Attempt`, which tells
//! three things apart:
//!
//! - a response came, whose body may be truncated: `SendOutcome::decode`, or `BatchOutcome::decode`;
//! - the request was sent, or may have been, and no response came: `no_response`;
//! - the request was certainly not sent: the client's own error; send it again after a wait.
//!
//! [`CircuitBreaker`](mobivate_response::CircuitBreaker) says when a campaign stops.

pub mod curl;
pub mod errors;
pub mod hyper;
pub mod message_log;
pub mod opt_out_list;
pub mod outbox_sqlite;
pub mod queue;
pub mod receipts;
pub mod reqwest_async;
pub mod reqwest_blocking;
pub mod ureq;
pub mod webhook_axum;

/// The README's code is compiled with the documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
