//! The opt-out notice and its phone number.

use core::{fmt, iter::zip};

use crate::{
    failure::{Failure, FailureKind},
    redact::Redacted,
};

/// Where each sentence comes from: Mobivate's [sample of a 403], its [table of codes] without and
/// with the row's heading, and, inferred, the last two (a code such as `RECIPIENT_OPTED_OUT`).
///
/// [sample of a 403]: https://wiki.mobivatebulksms.com/use-cases/send-single-sms-message/understanding-sms-response-codes
/// [table of codes]: https://wiki.mobivatebulksms.com/authentication-and-integration/understanding-response-codes
const SENTENCES: [&[&str]; 5] = [
    &["recipient", "is", "opted", "out"],
    &["message", "blocked", "because", "recipient", "is", "opted", "out"],
    &["opted", "out", "message", "blocked", "because", "recipient", "is", "opted", "out"],
    &["recipient", "has", "opted", "out"],
    &["recipient", "opted", "out"],
];

impl Failure<'_> {
    /// Returns the phone number in the opt-out notice, if the failure is one and has a number.
    ///
    /// After a single send, suppress the recipient of the message. If the number doesn't
    /// [match](OptedOutNumber::matches) it, find out why. After a batch, suppress only the recipient
    /// that it matches.
    ///
    /// ```
    /// # use mobivate_response::SendOutcome;
    /// let body = br#"{"code":403,"message":"Recipient is opted out: 447700900123"}"#;
    /// let outcome = SendOutcome::decode(403, body);
    /// let failure = outcome.failure().ok_or("accepted")?;
    /// let number = failure.opted_out_number().ok_or("no number")?;
    /// assert_eq!(number.as_str(), "447700900123");
    /// # Ok::<(), &str>(())
    /// ```
    #[must_use]
    pub fn opted_out_number(&self) -> Option<OptedOutNumber<'_>> {
        match self.kind {
            FailureKind::OptedOut | FailureKind::BatchOptedOut => number_in_notice(&self.detail)
                .filter(|number| !number.is_empty())
                .map(OptedOutNumber),
            _ => None,
        }
    }
}

/// The phone number in an opt-out notice.
///
/// It has 7 to 15 digits ([ITU-T E.164]), of which all but the first may be masked.
///
/// # The opt-out notice
///
/// An error message is an opt-out notice if it consists of one of these sentences alone:
///
/// | sentence | source |
/// |---|---|
/// | recipient is opted out | documented, in the sample of a 403 |
/// | message blocked because recipient is opted out | documented, in the table of codes |
/// | opted out - message blocked because recipient is opted out | documented, the same with its heading |
/// | recipient has opted out | inferred |
/// | recipient opted out | inferred, from the code `RECIPIENT_OPTED_OUT` |
///
/// The case doesn't matter. Whitespace, `_`, or `-` separate the words and may surround the sentence.
/// It may end with one `.` or `!`, or with a `:`, which a phone number and one `.` or `!` may follow.
///
/// Any other error message is not a notice, however similar it looks. "Recipient is opted out or the
/// API key is invalid" isn't one. A notice that's missed is a
/// [`Forbidden`](FailureKind::Forbidden), which you read in your log. A message that's wrongly taken
/// for a notice would suppress a customer for good.
///
/// [ITU-T E.164]: https://www.itu.int/rec/T-REC-E.164
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct OptedOutNumber<'a>(&'a str);

impl<'a> OptedOutNumber<'a> {
    /// Returns the number as it stands in the notice, without a leading `+`.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        self.0
    }

    /// Returns whether some digits are masked with `X`, `x`, or `*`.
    ///
    /// Mobivate's published sample is masked: `44XXXXXXXX`.
    #[must_use]
    pub fn is_masked(self) -> bool {
        !self.0.bytes().all(|c| c.is_ascii_digit())
    }

    /// Returns whether this is the recipient's phone number.
    ///
    /// Compares all digits, without a leading `00` and whatever stands between them. A masked number
    /// matches no recipient. A national number doesn't match an international one.
    ///
    /// ```
    /// # use mobivate_response::SendOutcome;
    /// # let outcome = SendOutcome::decode(403, br#"{"message":"recipient opted out: 447700900123"}"#);
    /// # let failure = outcome.failure().ok_or("accepted")?;
    /// let number = failure.opted_out_number().ok_or("no number")?;
    /// assert!(number.matches("+44 7700-900123"));
    /// assert!(number.matches("00447700900123"));
    /// assert!(!number.matches("07700 900123"));
    /// # Ok::<(), &str>(())
    /// ```
    #[must_use]
    pub fn matches(self, recipient: &str) -> bool {
        let digits = recipient.chars().filter(|c| c.is_numeric());
        let has_prefix = digits.clone().take(2).eq("00".chars());
        // No digit equals a mask character.
        let number = self.0.strip_prefix("00").unwrap_or(self.0);
        number.chars().eq(digits.skip(if has_prefix { 2 } else { 0 }))
    }
}

impl fmt::Debug for OptedOutNumber<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OptedOutNumber").field(&Redacted::prose(self.0)).finish()
    }
}

/// The number in an opt-out notice, or an empty text if it has no number.
pub(crate) fn number_in_notice(text: &str) -> Option<&str> {
    let text = after_gap(text);
    // Most error messages begin with another letter than the sentences.
    if !matches!(text.bytes().next()?, b'R' | b'r' | b'M' | b'm' | b'O' | b'o') {
        return None;
    }
    let number = match SENTENCES.iter().find_map(|sentence| after(sentence, text))? {
        "" | "." | "!" => return Some(""),
        end => end.strip_prefix(':')?.trim_ascii(),
    };
    let number = number.strip_suffix(['.', '!']).unwrap_or(number).trim_ascii_end();
    let digits = number.strip_prefix('+').unwrap_or(number);
    (number.is_empty() || is_phone_number(digits)).then_some(digits)
}

/// The text behind this sentence, if it begins with it. Any gaps may separate the words.
fn after<'a>(sentence: &[&str], text: &'a str) -> Option<&'a str> {
    let mut rest = text;
    let mut is_separate = true;
    for word in sentence {
        let (start, end) = rest.split_at_checked(word.len())?;
        let mut letters = zip(start.bytes(), word.bytes());
        if !is_separate || !letters.all(|(c, letter)| c.to_ascii_lowercase() == letter) {
            return None;
        }
        rest = after_gap(end);
        is_separate = rest.len() < end.len();
    }
    Some(rest)
}

fn is_phone_number(text: &str) -> bool {
    let is_mask = |c| matches!(c, b'X' | b'x' | b'*');
    matches!(text.len(), 7..=15)
        && text.starts_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|c| c.is_ascii_digit() || is_mask(c))
}

/// The text without the whitespace, `_`, and `-` at its start.
fn after_gap(text: &str) -> &str {
    let is_gap = |c: &u8| c.is_ascii_whitespace() || matches!(c, b'_' | b'-');
    text.split_at(text.bytes().take_while(is_gap).count()).1
}
