//! `mobivate-response` behind real HTTP clients: the recipes, each a file to copy.
//!
//! A client's recipe has settings, a `send`, and `Attempt`, which tells three things apart:
//!
//! - a response came, with or without its whole body: `SendOutcome::decode`, or `BatchOutcome::decode`;
//! - the request was sent, or may have been, and no response came: `no_response`;
//! - the request certainly not sent: the client's own error; send it again after a wait.
//!
//! When a campaign stops, [`CircuitBreaker`](mobivate_response::CircuitBreaker) says.

pub mod errors;
pub mod hyper;
pub mod message_log;
pub mod outbox_sqlite;
pub mod queue;
pub mod receipts;
pub mod reqwest_async;
pub mod reqwest_blocking;
pub mod ureq;
