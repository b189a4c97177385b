//! Keeps phone numbers and texts out of `Debug` and `Display`.

use alloc::string::ToString;
use core::fmt::{self, Write as _};

/// At most so many characters of a text are shown.
const MAX_CHARS: usize = 256;

/// So many digits of one number may be a phone number.
const MIN_DIGITS: usize = 7;

/// At most so many separators stand between two digits of one number.
const MAX_GAP: usize = 4;

/// A text that can be logged: long runs of digits are redacted, what could forge a line or change
/// its direction is escaped, and the length is bounded.
pub(crate) struct Redacted<'a> {
    text: &'a str,
    /// Whether it may stand between the digits of one number.
    is_separator: fn(char) -> bool,
    /// From so many digits on they are redacted.
    min_digits: usize,
}

impl<'a> Redacted<'a> {
    /// For free text, where a phone number may be written in groups.
    pub(crate) fn prose(text: &'a str) -> Self {
        let is_separator = |c| matches!(c, ',' | '_') || is_digit_separator(c);
        Self { text, is_separator, min_digits: MIN_DIGITS }
    }

    /// For a timestamp or a route, whose groups are no phone number.
    pub(crate) fn token(text: &'a str) -> Self {
        Self { text, is_separator: |_| false, min_digits: MIN_DIGITS }
    }

    /// For Mobivate's id, whose digits are shown: it is what one correlates by.
    pub(crate) fn id(text: &'a str) -> Self {
        Self { text, is_separator: |_| false, min_digits: usize::MAX }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, is_quoted: bool) -> fmt::Result {
        let mut redacted = 0;
        for (shown, (at, c)) in self.text.char_indices().enumerate() {
            if shown == MAX_CHARS {
                return f.write_char('…');
            }
            if at >= redacted {
                redacted = at + self.number_len(at);
            }
            match c {
                _ if at < redacted && c.is_numeric() => f.write_char('*')?,
                '"' | '\\' if is_quoted => write!(f, "\\{c}")?,
                _ if is_unsafe_in_a_line(c) => write!(f, "{}", c.escape_unicode())?,
                _ => f.write_char(c)?,
            }
        }
        Ok(())
    }

    /// How many bytes from `start` on belong to one number; 0 if there are too few digits for one.
    fn number_len(&self, start: usize) -> usize {
        let (mut digits, mut gap, mut end) = (0, 0, 0);
        for (at, c) in self.text.get(start..).unwrap_or_default().char_indices().take(MAX_CHARS) {
            if c.is_numeric() {
                (digits, gap, end) = (digits + 1, 0, at + c.len_utf8());
            } else {
                gap += 1;
                // As in `+49 (0) 170 / 123456`.
                if digits == 0 || gap > MAX_GAP || !(self.is_separator)(c) {
                    break;
                }
            }
        }
        if digits < self.min_digits { 0 } else { end }
    }
}

impl fmt::Display for Redacted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, false)
    }
}

impl fmt::Debug for Redacted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        self.write(f, true)?;
        f.write_char('"')
    }
}

/// What people write between the digits of a phone number: whitespace, hyphens and dashes, dots,
/// slashes and brackets; beyond ASCII, whatever is neither letter nor digit.
///
/// It decides what is redacted, and where the number of an opt-out notice ends.
pub(crate) fn is_digit_separator(c: char) -> bool {
    match c {
        '-' | '.' | '/' | '(' | ')' | '[' | ']' | '{' | '}' => true,
        '\0'..='\x7F' => c.is_whitespace(),
        _ => !c.is_alphanumeric(),
    }
}

/// Control characters, Unicode's line and paragraph separators, and its bidirectional controls.
fn is_unsafe_in_a_line(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// A number that the response states: one that is long enough may be a phone number, too.
pub(crate) struct Count(pub(crate) u64);

impl fmt::Debug for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Redacted::token(&self.0.to_string()).write(f, false)
    }
}

/// Stands for a value that is not shown: `Some(_)` or `None`.
pub(crate) struct Presence(pub(crate) bool);

impl fmt::Debug for Presence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0 { "Some(_)" } else { "None" })
    }
}
