//! Hands outcomes on as JSON, one on each line, to a queue or another process.
//!
//! The lines hold phone numbers and texts unredacted: do not log them, and protect them as you protect
//! the messages. In a log, write an outcome's `Debug`.
//!
//! ```toml
//! serde = { version = "1.0.229", features = ["derive"] }
//! serde_json = "1.0.154"
//! ```

use std::io::{BufRead, Write};

use mobivate_response::SendOutcome;
use serde::{Deserialize, Serialize};
use serde_json::{Error, Result};

/// What became of the message with this reference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settled {
    /// The client reference, unique.
    pub reference: String,
    /// What became of the message.
    pub outcome: SendOutcome<'static>,
}

/// Appends an outcome to the queue.
///
/// # Errors
///
/// Fails if the queue cannot be written.
pub fn push(queue: &mut impl Write, settled: &Settled) -> Result<()> {
    serde_json::to_writer(&mut *queue, settled)?;
    queue.write_all(b"\n").map_err(Error::io)
}

/// Reads the outcomes back, in order.
pub fn drain(queue: impl BufRead) -> impl Iterator<Item = Result<Settled>> {
    queue.lines().map(|line| serde_json::from_str(&line.map_err(Error::io)?))
}
