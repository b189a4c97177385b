//! Keeps phone numbers and message texts out of `Debug` and `Display`.

use core::fmt::{self, Write as _};

/// At most this many characters of a text are shown.
const MAX_CHARS: usize = 256;

/// A run of this many digits may be a phone number.
const MIN_DIGITS: usize = 7;

/// A phone number has at most this many separators between two digits, as in `+49 (0) 170 / 123456`.
const MAX_GAP: usize = 4;

/// A text made safe for a log. Long runs of digits are redacted, characters that could forge a line
/// or change its direction are escaped, and the length is limited.
pub(crate) struct Redacted<'a> {
    text: &'a str,
    is_separator: fn(char) -> bool,
    min_digits: usize,
}

impl<'a> Redacted<'a> {
    /// For prose, where a phone number may be written in groups.
    pub(crate) fn prose(text: &'a str) -> Self {
        Self { text, is_separator, min_digits: MIN_DIGITS }
    }

    /// For a timestamp or a route, whose groups are no phone number.
    pub(crate) fn token(text: &'a str) -> Self {
        Self { text, is_separator: |_| false, min_digits: MIN_DIGITS }
    }

    /// For an id, which keeps its digits because you correlate by it.
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

    /// The length of the number that starts here, or 0 if it has too few digits.
    fn number_len(&self, start: usize) -> usize {
        let (mut digits, mut gap, mut end) = (0, 0, 0);
        for (at, c) in self.text.get(start..).unwrap_or_default().char_indices().take(MAX_CHARS) {
            if c.is_numeric() {
                (digits, gap, end) = (digits + 1, 0, at + c.len_utf8());
            } else {
                gap += 1;
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

/// A character that people write between the digits of a phone number. Beyond ASCII that's any
/// character that isn't a letter or a digit.
fn is_separator(c: char) -> bool {
    c.is_whitespace() || "-./,_()[]{}".contains(c) || !c.is_ascii() && !c.is_alphanumeric()
}

/// Control characters, Unicode's line and paragraph separators, and its bidirectional controls.
fn is_unsafe_in_a_line(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Shows only whether there is a value: `Some(_)` or `None`.
pub(crate) fn presence(value: Option<&str>) -> Option<impl fmt::Debug> {
    value.map(|_| format_args!("_"))
}
