//! The recipes of the HTTP clients over real sockets, on the loopback address alone.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod clients;
mod connections;
mod failures;
mod responses;
mod server;
