//! Outcomes handed on as JSON, a line each: to a queue or another process.
//!
//! The lines hold numbers and texts in full: they are no log. Keep them as you keep the messages
//! themselves, and log an outcome's `Debug`.
//!
//! ```toml
//! serde = { version = "1.0.229", features = ["derive"] }
//! serde_json = "1.0.154"
//! ```

use std::io::{BufRead, Write};

use mobivate_response::SendOutcome;
use serde::{Deserialize, Serialize};
use serde_json::{Error, Result};

/// What became of the message of this reference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settled {
    /// The caller's own reference.
    pub reference: String,
    /// What became of it, from what a recipe's `send` gave.
    pub outcome: SendOutcome<'static>,
}

/// Appends an outcome to the queue.
///
/// # Errors
///
/// The queue takes no more.
pub fn push(queue: &mut impl Write, settled: &Settled) -> Result<()> {
    serde_json::to_writer(&mut *queue, settled)?;
    queue.write_all(b"\n").map_err(Error::io)
}

/// Reads the outcomes back, in order.
pub fn drain(queue: impl BufRead) -> impl Iterator<Item = Result<Settled>> {
    queue.lines().map(|line| serde_json::from_str(&line.map_err(Error::io)?))
}
