//! The usual ways to read a response, each doing the same task: HTTP status and body in; the id, or
//! that the recipient opted out and the number, or the error response's text out.

pub mod baseline;
pub mod cases;
pub mod hand_written;
pub mod same_job;
pub mod sonic;
pub mod this_crate;
pub mod typed;
pub mod value;

/// What an alternative read from a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer<'a> {
    /// The message was accepted.
    Accepted {
        /// The message's id.
        id: &'a str,
    },
    /// The recipient opted out.
    OptedOut {
        /// The response's code, else the HTTP status.
        code: u16,
        /// The number that the text names.
        number: Option<&'a str>,
    },
    /// The batch was accepted.
    Batch {
        /// The batch's id.
        id: &'a str,
        /// How many entries it echoes.
        recipients: usize,
        /// The reference of the last of them.
        last: Option<&'a str>,
    },
    /// Anything else.
    Error {
        /// The response's code, else the HTTP status.
        code: u16,
        /// The response's own words.
        text: &'a str,
    },
}

/// Reads the response and shows the answer. The answer is shown, not returned, so that no alternative has
/// to copy what it borrows from, and dropping that is part of the cost.
pub type Alternative = fn(status: u16, body: &[u8], show: &mut dyn FnMut(Answer<'_>));

/// All alternatives, in the table's order. The baseline gives no answer worth comparing.
pub const ALTERNATIVES: &[(&str, Alternative)] = &[
    ("this crate", this_crate::answer),
    ("typed", typed::answer),
    ("hand-written", hand_written::answer),
    ("same job", same_job::answer),
    ("sonic", sonic::answer),
    ("value", value::answer),
    ("baseline", baseline::answer),
];

/// Who reads batches, in the table's order.
pub const BATCH_ALTERNATIVES: &[(&str, Alternative)] = &[
    ("this crate, batch", this_crate::batch_answer),
    ("typed, batch", typed::batch_answer),
    ("hand-written, batch", hand_written::batch_answer),
    ("sonic, batch", sonic::batch_answer),
];
