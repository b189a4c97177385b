//! The recipes behind real clients, over real sockets, on the loopback address alone.

mod decisions;
mod every_reply;
mod mobivate;
mod stacks;
mod transport;
mod traps;

#[path = "../../../support/corpus.rs"]
mod corpus;
