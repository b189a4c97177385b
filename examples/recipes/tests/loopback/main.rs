//! The recipes behind real clients, over real sockets, on the loopback address alone.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod clients;
mod decisions;
mod deliver;
mod every_response;
mod libcurl;
mod mobivate;
mod retry_after;
mod standalone;
mod transport;
mod traps;

#[path = "../../../../tests/support/corpus.rs"]
mod corpus;
