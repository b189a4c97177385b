//! `mobivate-response` behind real HTTP clients: the recipes, each a file to copy.
//!
//! A file compiles alone: its first lines name the crates that it needs beside `mobivate-response`.
//! Only the examples in its docs name this crate.
//!
//! An HTTP client's recipe has the settings, a `send`, how long to `wait`, and `Attempt`, which tells
//! three things apart:
//!
//! - a response came, perhaps with a truncated body: `SendOutcome::decode`, or `BatchOutcome::decode`;
//! - the request was sent, or may have been, and no response came: `no_response`;
//! - the request was certainly not sent: the client's own error; send it again after a wait.
//!
//! When a campaign stops, [`CircuitBreaker`](mobivate_response::CircuitBreaker) says.

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
