//! The baseline: whatever hands out text must at least see that it is UTF-8.

use crate::Answer;

/// Sees that the body is UTF-8.
pub fn answer(status: u16, body: &[u8], show: &mut dyn FnMut(Answer<'_>)) {
    let text = str::from_utf8(body).unwrap_or_default();
    show(Answer::Error { code: status, text });
}
