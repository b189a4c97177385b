//! The opt-out notice, and the number that it names.

use core::{fmt, ops::Range};

use crate::{
    failure::{Failure, FailureKind},
    redact::{Redacted, is_digit_separator},
};

impl Failure<'_> {
    /// Returns the phone number that the opt-out notice names, if the kind is
    /// [`FailureKind::OptedOut`] or [`FailureKind::BatchOptedOut`] and the notice names one.
    ///
    /// After a single send, suppress the recipient that you sent to, whatever number is named. If the
    /// response names another ([`matches`](OptedOutNumber::matches) is false), alert an operator. After
    /// a batch, suppress the recipients that it matches, and nobody else.
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
        match self.kind {
            FailureKind::OptedOut | FailureKind::BatchOptedOut => {
                after_notices(&self.detail).find_map(number).map(OptedOutNumber)
            }
            _ => None,
        }
    }
}

/// The phone number that an opt-out notice names.
///
/// It has 7 to 15 digits ([ITU-T E.164]), of which all but the first may be masked. It follows the
/// notice directly, behind a `:` and an optional `+`, and ends at the end of the text, before
/// whitespace, or before one of ``. , ; : ! ? ) ] } " '``. If more digits follow, in another group
/// (`447700 900123`, `4477009,00123`), there is no number: half a number is somebody else's. What
/// follows a comma and a space is another recipient's, and is not read.
///
/// `Debug` is [redacted](crate#logs); [`as_str`](Self::as_str) is not.
///
/// # The opt-out notice
///
/// `recipient` or `recipients`, optionally a verb (`is`, `are`, `was`, `were`, `has`, `have`, and then
/// optionally `been` or `already`), `opted`, `out`: in any ASCII case, with whitespace, `_` or `-`
/// between the words. With a `_` between them it is a *name*, such as `RECIPIENT_OPTED_OUT`. It is not
/// a notice
///
/// 1. where the word goes on: a letter or digit follows directly, or behind `_` and `-`
///    (`recipient_opted_out_check`);
/// 2. where it is a question or a thing, not a statement: a `?` follows; or it has no verb, or is a
///    name, and another word follows ("recipient opted out list cannot be read"); or it is a name, and
///    not the first word of the text ("Unknown parameter `recipient_opted_out`");
/// 3. where a value denies it: the next word is `false`, `no`, `null`, `none`, `unknown` or `0`, behind
///    signs such as `:` and `=`;
/// 4. where it is in doubt: `if`, `whether`, `unless`, `until`, `when`, `where`, `once`, `assuming`,
///    `perhaps`, `doubt`, `determine`, `confirm`, `verify`, `neither` or `none` stands before it in the
///    same clause; or `no`, `not`, `or`, `nor`, `case` or `0` directly before it, or before `the`,
///    `this`, `that`, `a`, `any` and `all` in front of it. A clause begins behind any sign but
///    apostrophes and hyphens, and behind a hyphen with a space beside it.
///
/// So "Not sent because the recipient is opted out" and "No - recipient is opted out" are notices;
/// "Recipient has not opted out", "blocked when the recipient is opted out" and "the key is invalid or
/// the recipient is opted out" are not. The rules are the conservative choice: a notice that is missed
/// is a [`Forbidden`](FailureKind::Forbidden) that an operator reads; a false one suppresses a customer
/// for ever.
///
/// [ITU-T E.164]: https://www.itu.int/rec/T-REC-E.164
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct OptedOutNumber<'a>(&'a str);

impl<'a> OptedOutNumber<'a> {
    /// Returns the number as the text has it, without a leading `+`.
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

    /// Returns whether Mobivate masked some of the digits with `X`, `x` or `*`, as in the sample that
    /// it publishes, `44XXXXXXXX`.
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

    /// Returns whether this is the recipient's phone number: compares all digits of both, without a
    /// leading `00`, whatever stands between them.
    ///
    /// A masked number matches nobody. A national form does not match the international form.
    ///
    /// ```
    /// # use mobivate_response::Failure;
    /// let failure = Failure::new(403, "Recipient is opted out: 447700900123");
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
        // A mask character equals no digit, so a masked number needs no case of its own.
        let number = self.0.strip_prefix("00").unwrap_or(self.0);
        number.chars().eq(digits.skip(if has_prefix { 2 } else { 0 }))
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

/// Whether the text holds an opt-out notice.
pub(crate) fn is_opt_out_notice(text: &str) -> bool {
    // Most texts have no "opted" in them, and need no search.
    let pairs = text.bytes().zip(text.bytes().skip(1));
    let is_pt = |p, t| matches!((p | 0x20, t | 0x20), (b'p', b't'));
    pairs.fold(false, |has, (p, t)| has | is_pt(p, t)) && after_notices(text).next().is_some()
}

/// What follows each opt-out notice of the text.
fn after_notices(text: &str) -> impl Iterator<Item = &str> {
    let mut clause = Clause { seen: 0, is_hedged: false };
    let mut place = None;
    text.bytes().enumerate().filter_map(move |(start, c)| {
        if !matches!(c, b'r' | b'R') {
            return None;
        }
        let (before, phrase) = text.split_at_checked(start)?;
        let Phrase { is_statement, is_name, rest } = Phrase::read(phrase)?;
        let is_notice = !goes_on(rest)
            && !is_thing(rest, is_statement)
            && (!is_name || place.get_or_insert_with(|| place_of_names(text)).contains(&start))
            && !value_denies(rest)
            && !clause.hedges(before);
        is_notice.then_some(rest)
    })
}

/// The words of a notice; what stands around them may deny it.
struct Phrase<'a> {
    /// With a verb, and no name.
    is_statement: bool,
    /// With a `_` between the words: `RECIPIENT_OPTED_OUT`.
    is_name: bool,
    rest: &'a str,
}

impl<'a> Phrase<'a> {
    /// The phrase that the text begins with.
    fn read(text: &'a str) -> Option<Self> {
        let rest = after_word(text, "recipient")?;
        let rest = after_gap(after_word(rest, "s").unwrap_or(rest))?;
        let verb =
            after_any(rest, &["is", "are", "was", "were", "has", "have"]).and_then(after_gap);
        let adverb =
            verb.and_then(|rest| after_any(rest, &["been", "already"])).and_then(after_gap);
        let rest = adverb.or(verb).unwrap_or(rest);
        let rest = after_word(after_gap(after_word(rest, "opted")?)?, "out")?;
        let (phrase, _) = text.split_at(text.len() - rest.len());
        let is_name = phrase.contains('_');
        Some(Self { is_statement: verb.is_some() && !is_name, is_name, rest })
    }
}

/// Rule 1 of a notice: the last word goes on.
fn goes_on(rest: &str) -> bool {
    skip(rest, |c| matches!(c, b'_' | b'-')).starts_with(char::is_alphanumeric)
}

/// Rule 2 of a notice: a question, or the name of a thing.
fn is_thing(rest: &str, is_statement: bool) -> bool {
    let next = skip(rest, u8::is_ascii_whitespace).chars().next();
    next.is_some_and(|c| c == '?' || !is_statement && c.is_alphabetic())
}

/// Rule 2 of a notice: a name belongs to the first word, with what is joined to that, as in
/// `SMS_RECIPIENT_OPTED_OUT`.
fn place_of_names(text: &str) -> Range<usize> {
    let start = text.find(char::is_alphanumeric).unwrap_or(text.len());
    let (_, words) = text.split_at(start);
    let is_joined = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    start..words.find(|c| !is_joined(c)).map_or(text.len(), |len| start + len)
}

/// Rule 3 of a notice: a value denies it, as in `recipient_opted_out=false`.
fn value_denies(rest: &str) -> bool {
    let is_sign = |c| matches!(c, b':' | b'=' | b'>' | b'?' | b'(' | b'[' | b'"' | b'\'' | b'`');
    let value = skip(rest, |c| c.is_ascii_whitespace() || is_sign(*c));
    // The first that matches decides, so `none` comes before `no`.
    let after = after_any(value, &["false", "none", "no", "null", "unknown"]);
    let after = after.or_else(|| value.strip_prefix('0'));
    after.is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
}

/// Rule 4 of a notice: the clause that a phrase stands in. It is read on from phrase to phrase, so
/// that no word is read twice.
struct Clause {
    /// Where the last phrase began.
    seen: usize,
    /// Whether a word of doubt stands before that, in the same clause.
    is_hedged: bool,
}

impl Clause {
    /// Whether what stands before a phrase leaves it open.
    fn hedges(&mut self, before: &str) -> bool {
        let (_, unseen) = before.split_at(self.seen);
        self.seen = before.len();
        if unseen.is_empty() {
            return self.is_hedged;
        }
        // What is joined to the phrase is no word of its own: `SmsRecipient`.
        let unseen = unseen.trim_end_matches(char::is_alphanumeric);
        let start = clause_start(unseen);
        self.is_hedged &= start.is_none();
        let (_, words) = unseen.split_at(start.unwrap_or(0));
        let words = words.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        self.is_hedged = self.is_hedged || words.clone().any(|word| is_one_of(word, HEDGES));
        let mut last = words.rev().skip_while(|word| is_one_of(word, DETERMINERS));
        self.is_hedged || last.next().is_some_and(|word| is_one_of(word, DIRECT_HEDGES))
    }
}

const HEDGES: &[&str] = &[
    "if", "whether", "unless", "until", "when", "where", "once", "assuming", "perhaps", "doubt",
    "determine", "confirm", "verify", "neither", "none",
];
/// They leave a phrase open only where they stand directly before it, or before its determiners.
const DIRECT_HEDGES: &[&str] = &["no", "not", "or", "nor", "case", "0"];
const DETERMINERS: &[&str] = &["the", "this", "that", "a", "any", "all"];

/// Where the last clause begins, if it does so within the text.
fn clause_start(text: &str) -> Option<usize> {
    let is_blank = |c| matches!(c, ' ' | '\t');
    let mut before_blank = false;
    for (at, c) in text.char_indices().rev() {
        let begins = match c {
            ' ' | '\t' | '_' | '\'' | '’' => false,
            '-' => before_blank || text.split_at(at).0.ends_with(is_blank),
            c => !c.is_alphanumeric(),
        };
        if begins {
            return Some(at + c.len_utf8());
        }
        before_blank = is_blank(c);
    }
    None
}

fn is_one_of(word: &str, words: &[&str]) -> bool {
    words.iter().any(|other| is_word(word, other))
}

/// The number that a notice's remainder begins with.
fn number(rest: &str) -> Option<&str> {
    let is_mask = |c| matches!(c, 'X' | 'x' | '*');
    let rest =
        skip(skip(rest, u8::is_ascii_whitespace).strip_prefix(':')?, u8::is_ascii_whitespace);
    let start = rest.strip_prefix('+').unwrap_or(rest);
    let rest = skip(start, |c| matches!(c, b'0'..=b'9' | b'X' | b'x' | b'*'));
    let (number, _) = start.split_at(start.len() - rest.len());
    let is_number = (7..=15).contains(&number.len()) && !number.starts_with(is_mask);
    let ends = |c: char| c.is_ascii_whitespace() || ".,;:!?)]}\"'".contains(c);
    let is_end = rest.is_empty() || rest.starts_with(ends);
    // Another group of digits, behind a comma or behind what stands between groups.
    let group =
        rest.strip_prefix(',').unwrap_or_else(|| rest.trim_start_matches(is_digit_separator));
    let goes_on = group.starts_with(|c: char| c.is_numeric() || is_mask(c));
    (is_number && is_end && !goes_on).then_some(number)
}

/// Whether these are the letters of a lower-case word, in any ASCII case.
fn is_word(letters: &str, word: &str) -> bool {
    // One bit tells an ASCII letter's cases apart.
    let mut pairs = letters.bytes().zip(word.bytes());
    letters.len() == word.len() && pairs.all(|(c, lower)| c | 0x20 == lower)
}

/// What follows the word, in any ASCII case.
fn after_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(word.len())?;
    is_word(head, word).then_some(rest)
}

fn after_any<'a>(text: &'a str, words: &[&str]) -> Option<&'a str> {
    words.iter().find_map(|word| after_word(text, word))
}

/// What follows the whitespace, `_` and `-` between two words.
fn after_gap(text: &str) -> Option<&str> {
    let rest = skip(text, |c| c.is_ascii_whitespace() || matches!(c, b'_' | b'-'));
    (rest.len() < text.len()).then_some(rest)
}

/// What follows the ASCII characters that the text begins with.
fn skip(text: &str, is_skipped: impl Fn(&u8) -> bool) -> &str {
    let len = text.bytes().take_while(is_skipped).count();
    text.split_at(len).1
}
