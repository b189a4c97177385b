//! The opted-out phrase, and the number that it names.

use core::fmt;

use crate::{
    failure::{Failure, FailureKind},
    redact::{Redacted, is_digit_separator},
};

impl Failure<'_> {
    /// The number that the text names as opted out, if the kind is [`FailureKind::OptedOut`] and
    /// the text names one.
    ///
    /// Suppress the recipient that you sent to, whether or not a number is named. Use
    /// [`matches`](OptedOutNumber::matches) to notice when the response names another: then still
    /// suppress the one that you sent to, and show the other to a person. Of a batch, it tells whom
    /// to take out.
    ///
    /// ```
    /// # use mobivate_response::Failure;
    /// let failure = Failure::new(403, "Recipient is opted out: 447700900123");
    /// let number = failure.opted_out_number().ok_or("no number")?;
    /// assert_eq!(number.as_str(), "447700900123");
    /// assert!(number.matches("+44 7700 900123"));
    /// # Ok::<(), &str>(())
    /// ```
    #[must_use]
    pub fn opted_out_number(&self) -> Option<OptedOutNumber<'_>> {
        if self.kind != FailureKind::OptedOut {
            return None;
        }
        after_phrases(&self.detail).find_map(number).map(OptedOutNumber)
    }
}

/// A number that a refusal names as opted out: 7 to 15 digits ([ITU-T E.164]), of which all but the
/// first may be masked.
///
/// A number that goes on, in another group or in letters, is none: half a number is somebody else's.
///
/// `Debug` stars it; [`as_str`](Self::as_str) does not.
///
/// [ITU-T E.164]: https://www.itu.int/rec/T-REC-E.164
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct OptedOutNumber<'a>(&'a str);

impl<'a> OptedOutNumber<'a> {
    /// The number as the text has it, without a leading `+`.
    ///
    /// ```
    /// # use mobivate_response::Failure;
    /// let failure = Failure::new(403, "Recipient is opted out: +447700900123");
    /// assert_eq!(failure.opted_out_number().map(|number| number.as_str()), Some("447700900123"));
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        self.0
    }

    /// Whether some of the digits are hidden behind `X`, `x` or `*`, as in the sample that Mobivate
    /// publishes, `44XXXXXXXX`.
    ///
    /// ```
    /// # use mobivate_response::Failure;
    /// let failure = Failure::new(403, "Recipient is opted out: 44XXXXXXXX");
    /// assert!(failure.opted_out_number().is_some_and(|number| number.is_masked()));
    /// ```
    #[must_use]
    pub fn is_masked(self) -> bool {
        !self.0.bytes().all(|c| c.is_ascii_digit())
    }

    /// Whether this is the recipient's number: all digits of `recipient`, whatever stands between
    /// them, are this number's.
    ///
    /// A masked number matches nobody. Send to international forms: a leading `00`, or the `0` of a
    /// national number, counts as a digit like any other, and so never matches.
    ///
    /// ```
    /// # use mobivate_response::Failure;
    /// let failure = Failure::new(403, "Recipient is opted out: 447700900123");
    /// let number = failure.opted_out_number().ok_or("no number")?;
    /// assert!(number.matches("+44 7700-900123"));
    /// assert!(!number.matches("07700 900123"));
    /// # Ok::<(), &str>(())
    /// ```
    #[must_use]
    pub fn matches(self, recipient: &str) -> bool {
        // A mask character equals no digit, so a masked number needs no case of its own.
        self.0.chars().eq(recipient.chars().filter(|c| c.is_numeric()))
    }
}

impl AsRef<str> for OptedOutNumber<'_> {
    fn as_ref(&self) -> &str {
        self.0
    }
}

impl fmt::Debug for OptedOutNumber<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OptedOutNumber").field(&Redacted::prose(self.0)).finish()
    }
}

/// Whether the text says in so many words that the recipient opted out.
pub(crate) fn is_opt_out_notice(text: &str) -> bool {
    after_phrases(text).next().is_some()
}

/// What follows each phrase that says opted out.
fn after_phrases(text: &str) -> impl Iterator<Item = &str> {
    text.bytes().enumerate().filter_map(|(start, c)| {
        if !matches!(c, b'r' | b'R') {
            return None;
        }
        let (before, phrase) = text.split_at_checked(start)?;
        after_phrase(phrase).filter(|_| !is_hedged(before))
    })
}

/// What follows the phrase that the text begins with: `Recipient is opted out`,
/// `RECIPIENT_OPTED_OUT`.
fn after_phrase(text: &str) -> Option<&str> {
    let rest = after_gap(after_word(text, "recipient")?)?;
    let verb = ["is", "has", "was"].iter().find_map(|verb| after_word(rest, verb));
    let rest = verb.and_then(after_gap).unwrap_or(rest);
    let rest = after_word(after_gap(after_word(rest, "opted")?)?, "out")?;
    (!rest.starts_with(char::is_alphanumeric)).then_some(rest)
}

/// Whether the words before the phrase leave it open: "unknown whether the recipient is opted out".
fn is_hedged(before: &str) -> bool {
    // `SmsRecipient`
    let before = before.trim_end_matches(char::is_alphanumeric);
    let (before, mut word) = last_word(before);
    if is_one_of(word, &["the", "this", "that", "a", "any"]) {
        (_, word) = last_word(before);
    }
    is_one_of(word, &["if", "whether", "unless", "no"])
}

fn is_one_of(word: &str, words: &[&str]) -> bool {
    words.iter().any(|other| word.eq_ignore_ascii_case(other))
}

/// The text before its last word, and that word; an empty one behind a full stop or the like.
fn last_word(text: &str) -> (&str, &str) {
    let text = text.trim_end_matches(|c: char| c.is_whitespace() || matches!(c, '_' | '-'));
    text.split_at(text.trim_end_matches(char::is_alphanumeric).len())
}

/// The number that a phrase's remainder begins with.
fn number(rest: &str) -> Option<&str> {
    let is_mask = |c| matches!(c, 'X' | 'x' | '*');
    let rest = rest.trim_start_matches(SPACE).strip_prefix(':')?.trim_start_matches(SPACE);
    let rest = rest.strip_prefix('+').unwrap_or(rest);
    let end = rest.find(|c: char| !c.is_ascii_digit() && !is_mask(c)).unwrap_or(rest.len());
    let (number, rest) = rest.split_at(end);
    let next_group = rest.trim_start_matches(is_digit_separator);
    let goes_on = rest.starts_with(char::is_alphanumeric)
        || next_group.starts_with(|c: char| c.is_numeric() || is_mask(c));
    let is_number = number.starts_with(|c: char| c.is_ascii_digit()) && (7..=15).contains(&end);
    (is_number && !goes_on).then_some(number)
}

/// What follows the word, in any ASCII case.
fn after_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(word.len())?;
    head.eq_ignore_ascii_case(word).then_some(rest)
}

/// What follows the white space, `_` and `-` between two words.
fn after_gap(text: &str) -> Option<&str> {
    let rest = text.trim_start_matches(|c| SPACE.contains(&c) || matches!(c, '_' | '-'));
    (rest.len() < text.len()).then_some(rest)
}

/// White space within the phrase, and before the number.
const SPACE: [char; 5] = [' ', '\t', '\n', '\x0C', '\r'];
