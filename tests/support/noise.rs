//! What any bytes are as a response.

#[path = "response_file.rs"]
mod response_file;

/// A response file is read as one; else the first two bytes are the status.
pub(crate) fn response(input: &[u8]) -> (u16, &[u8]) {
    match (response_file::parse(input), input) {
        (Some(response), _) => response,
        (None, [high, low, body @ ..]) => (u16::from_be_bytes([*high, *low]), body),
        (None, body) => (200, body),
    }
}
