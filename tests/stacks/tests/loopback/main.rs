//! The recipes behind real clients, over real sockets, on the loopback address alone.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod decisions;
mod every_response;
mod mobivate;
mod stacks;
mod transport;
mod traps;

#[path = "../../../support/corpus.rs"]
mod corpus;
