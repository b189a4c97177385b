//! This project.

use mobivate_response::{BatchOutcome, FailureKind, OptedOutNumber, SendOutcome};

use crate::Answer;

/// Decodes the response, and asks for the number.
pub fn answer(status: u16, body: &[u8], show: &mut dyn FnMut(Answer<'_>)) {
    match SendOutcome::decode(status, body) {
        SendOutcome::Success(message) => show(Answer::Accepted { id: &message.id }),
        SendOutcome::Failure(failure) if failure.kind == FailureKind::OptedOut => {
            let number = failure.opted_out_number().map(OptedOutNumber::as_str);
            show(Answer::OptedOut { code: failure.code, number });
        }
        SendOutcome::Failure(failure) => {
            show(Answer::Error { code: failure.code, text: &failure.detail });
        }
    }
}

/// Decodes the response as one to a batch.
pub fn batch_answer(status: u16, body: &[u8], show: &mut dyn FnMut(Answer<'_>)) {
    match BatchOutcome::decode(status, body) {
        BatchOutcome::Success(batch) => show(Answer::Batch {
            id: &batch.id,
            recipients: batch.recipients.len(),
            last: batch.recipients.last().and_then(|entry| entry.reference.as_deref()),
        }),
        BatchOutcome::Failure(failure) => {
            show(Answer::Error { code: failure.code, text: &failure.detail });
        }
    }
}
