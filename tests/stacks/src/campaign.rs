//! A campaign's whole decision: what becomes of each message, and of the queue behind it.

use std::collections::{BTreeMap, BTreeSet};

use mobivate_response::{Failure, Retry, Scope, SendOutcome};

/// One cut or emptied 403 reads as `Forbidden` too: only a few in a row speak for the account.
const FAILURES_IN_A_ROW: u32 = 3;

/// What was sent: the reference is the caller's own, unique to the message.
#[derive(Clone, Copy, Debug)]
pub struct Sent<'a> {
    /// By this the message is looked up, with an id or without.
    pub reference: &'a str,
    /// The number as it was given to Mobivate.
    pub recipient: &'a str,
}

/// What the sender does next.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Send the next message.
    GoOn,
    /// Wait a while, longer each time, then send the next message.
    Pause,
    /// Send nothing more, and call a person.
    Stop,
}

/// The campaign's books; in earnest, tables of a database. Messages go by their reference.
#[derive(Debug, Default)]
pub struct Campaign {
    /// Accepted, with Mobivate's id: receipts and the message history say whether it was delivered.
    pub accepted: BTreeMap<String, String>,
    /// Recipients that no message may go to again.
    pub suppressed: BTreeSet<String>,
    /// Messages whose refusal named another number than the one sent to: a person looks at these.
    pub named_another: BTreeSet<String>,
    /// Not accepted: sent again after a wait.
    pub later: BTreeSet<String>,
    /// Not accepted: sent again once mended, with what is wrong with the request or the account.
    pub to_mend: BTreeMap<String, String>,
    /// Unknown: looked up by reference, or by the id if there is one, before anything is sent again.
    pub unknown: BTreeMap<String, Option<String>>,
    account_failures: u32,
}

impl Campaign {
    /// Books the outcome of one message and says what the sender does next.
    pub fn settle(&mut self, sent: Sent<'_>, outcome: &SendOutcome<'_>) -> Next {
        match outcome {
            SendOutcome::Success(message) => {
                self.account_failures = 0;
                self.accepted.insert(sent.reference.into(), message.id.clone().into());
                Next::GoOn
            }
            SendOutcome::Failure(failure) => {
                self.book(sent, failure);
                self.next(failure)
            }
        }
    }

    /// What becomes of the message: `retry` decides.
    fn book(&mut self, sent: Sent<'_>, failure: &Failure<'_>) {
        let reference = sent.reference.to_owned();
        match failure.kind.retry() {
            Retry::Later => {
                self.later.insert(reference);
            }
            Retry::AfterFix => {
                self.to_mend.insert(reference, failure.to_string());
            }
            Retry::MayDuplicate => {
                self.unknown.insert(reference, failure.id.as_deref().map(str::to_owned));
            }
            Retry::Never => {
                // The recipient sent to, whatever number the reply names: that may be masked.
                self.suppressed.insert(sent.recipient.into());
                let number = failure.opted_out_number().filter(|number| !number.is_masked());
                if number.is_some_and(|number| !number.matches(sent.recipient)) {
                    self.named_another.insert(reference);
                }
            }
        }
    }

    /// What becomes of the queue: `scope` decides.
    fn next(&mut self, failure: &Failure<'_>) -> Next {
        match failure.kind.scope() {
            Scope::Recipient | Scope::Request => {
                self.account_failures = 0;
                Next::GoOn
            }
            Scope::Account => {
                self.account_failures += 1;
                if self.account_failures >= FAILURES_IN_A_ROW {
                    return Next::Stop;
                }
                match failure.kind.retry() {
                    Retry::Later => Next::Pause,
                    Retry::AfterFix | Retry::MayDuplicate | Retry::Never => Next::GoOn,
                }
            }
            Scope::Service => Next::Pause,
        }
    }
}
