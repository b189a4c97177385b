//! The baseline: nobody hands out text for less than it costs to see that it is text.

use crate::Answer;

/// Sees that the body is UTF-8.
pub fn answer(status: u16, body: &[u8], show: &mut dyn FnMut(Answer<'_>)) {
    let text = str::from_utf8(body).unwrap_or_default();
    show(Answer::Error { code: status, text });
}
