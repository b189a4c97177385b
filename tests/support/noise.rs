//! What any bytes are as a reply.

#[path = "reply_file.rs"]
mod reply_file;

/// A reply file is read as one; else the first two bytes are the status.
pub(crate) fn reply(input: &[u8]) -> (u16, &[u8]) {
    match (reply_file::parse(input), input) {
        (Some(reply), _) => reply,
        (None, [high, low, body @ ..]) => (u16::from_be_bytes([*high, *low]), body),
        (None, body) => (200, body),
    }
}
