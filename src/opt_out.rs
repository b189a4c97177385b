//! The opted-out phrase, and the number that it names.

use core::fmt;

use crate::{
    failure::{Failure, FailureKind},
    redact::Redacted,
};

impl Failure<'_> {
    /// The number that the text names as opted out, if the kind is [`FailureKind::OptedOut`] and
    /// the text names one.
    ///
    /// Suppress the recipient that you sent to, whether or not a number is named; use
    /// [`matches`](OptedOutNumber::matches) to notice when the reply names another, or to find whom
    /// of a batch it names.
    ///
    /// ```
    /// # use mobivate_response::SendOutcome;
    /// let body = br#"{"code":403,"message":"Recipient is opted out: 447700900123"}"#;
    /// let outcome = SendOutcome::decode(403, body);
    /// let number = outcome.failure().unwrap().opted_out_number().unwrap();
    /// assert_eq!(number.as_str(), "447700900123");
    /// assert!(number.matches("+44 7700 900123"));
    /// ```
    #[must_use]
    pub fn opted_out_number(&self) -> Option<OptedOutNumber<'_>> {
        if self.kind != FailureKind::OptedOut {
            return None;
        }
        after_phrases(&self.detail).find_map(number).map(OptedOutNumber)
    }
}

/// A number that a refusal names as opted out: 7 to 15 digits (ITU-T E.164), of which all but the
/// first may be masked.
///
/// `Debug` stars it; [`as_str`](Self::as_str) does not.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct OptedOutNumber<'a>(&'a str);

impl<'a> OptedOutNumber<'a> {
    /// The number as the text has it, without a leading `+`.
    #[must_use]
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// Whether some of the digits are hidden behind `X`, `x` or `*`, as in the documentation's own
    /// sample, `44XXXXXXXX`.
    #[must_use]
    pub fn is_masked(self) -> bool {
        !self.0.bytes().all(|c| c.is_ascii_digit())
    }

    /// Whether this is the recipient's number: all digits of `recipient`, whatever stands between
    /// them, are this number's. A masked number matches nobody. Pass the international form: a
    /// leading `00`, or the `0` of a national number, counts as digits like any other.
    #[must_use]
    pub fn matches(self, recipient: &str) -> bool {
        // A mask character equals no digit, so a masked number needs no case of its own.
        self.0.bytes().eq(recipient.bytes().filter(u8::is_ascii_digit))
    }
}

impl fmt::Debug for OptedOutNumber<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OptedOutNumber").field(&Redacted::prose(self.0)).finish()
    }
}

/// Whether the text says in so many words that the recipient opted out.
///
/// "This account has opted out of …", "Recipient has not opted out" and the permission
/// `(read:Optouts)` do not.
pub(crate) fn says_opted_out(text: &str) -> bool {
    after_phrases(text).next().is_some()
}

/// What follows each opted-out phrase in the text.
fn after_phrases(text: &str) -> impl Iterator<Item = &str> {
    let starts = text.as_bytes().windows("recipient opted out".len()).enumerate();
    starts
        .filter(|(_, window)| matches!(window, [b'r' | b'R', ..]))
        .filter_map(|(at, _)| after_phrase(text.get(at..)?))
}

/// What follows the opted-out phrase that the text begins with.
fn after_phrase(text: &str) -> Option<&str> {
    let rest = after_space(after_word(text, b"recipient")?)?;
    let verb = after_word(rest, b"is").or_else(|| after_word(rest, b"has"));
    let verb = verb.or_else(|| after_word(rest, b"was"));
    let rest = verb.and_then(after_space).unwrap_or(rest);
    let opted = after_word(rest, b"opted")?.strip_prefix([' ', '-', '_'])?;
    let rest = after_word(opted, b"out")?;
    (!rest.starts_with(char::is_alphanumeric)).then_some(rest)
}

/// The number that a phrase's remainder begins with.
///
/// A number that goes on in another group is none: half a number is somebody else's.
fn number(rest: &str) -> Option<&str> {
    let rest = rest.trim_start_matches(is_space).strip_prefix(':')?;
    let rest = rest.trim_start_matches(is_space);
    let rest = rest.strip_prefix('+').unwrap_or(rest);
    let end = rest.find(|c| !matches!(c, '0'..='9' | 'X' | 'x' | '*')).unwrap_or(rest.len());
    let (number, rest) = rest.split_at(end);
    let mut rest = rest.chars();
    let goes_on = match rest.next() {
        Some(' ' | '-' | '.') => rest.next().is_some_and(char::is_numeric),
        Some(c) => c.is_alphanumeric(),
        None => false,
    };
    let is_number = number.starts_with(|c: char| c.is_ascii_digit()) && (7..=15).contains(&end);
    (is_number && !goes_on).then_some(number)
}

/// What follows the word, in any case.
fn after_word<'a, const N: usize>(text: &'a str, word: &[u8; N]) -> Option<&'a str> {
    let mut head = *text.as_bytes().first_chunk()?;
    head.make_ascii_lowercase();
    if head == *word { text.get(N..) } else { None }
}

fn after_space(text: &str) -> Option<&str> {
    let rest = text.trim_start_matches(is_space);
    (rest.len() < text.len()).then_some(rest)
}

fn is_space(c: char) -> bool {
    c.is_ascii_whitespace()
}
