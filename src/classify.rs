//! Code to kind; kind to retry and scope.

use crate::failure::{FailureKind, Retry, Scope};

/// The kind of a failure by its code alone.
///
/// Mobivate publishes: "2xx indicate success, 4xx an error … given the information provided, 5xx
/// errors with our servers". Where its table is silent, RFC 9110 speaks.
#[expect(clippy::match_same_arms, reason = "each rule stands under its own source")]
pub(crate) const fn kind(code: u16) -> FailureKind {
    match code {
        // curl's `000`: no response.
        0 => FailureKind::NoResponse,

        // > 400 bad request
        // 413 and 422 (RFC 9110) are about this one request too: too long, or not to be processed.
        400 | 413 | 422 => FailureKind::BadRequest,

        // > 401 unauthorized
        401 => FailureKind::Unauthorized,

        // > 402 out of credit
        402 => FailureKind::OutOfCredit,

        // > 403 opted out
        // Only if the text says so, which is not judged here: a missing permission, an invalid key
        // and a firewall answer 403 as well.
        403 => FailureKind::Forbidden,

        // > 429 slow down
        429 => FailureKind::RateLimited,

        // The answer is elsewhere, came too late, met the same request before, or the client had
        // left (nginx's 499): the message may have been accepted.
        303 | 408 | 409 | 499 => FailureKind::Unconfirmed,

        // A wrong address or method.
        300..=499 => FailureKind::Misconfigured,

        // > 500 internal error
        // Nobody says at which point it failed: after acceptance, perhaps.
        500..=599 => FailureKind::ServerError,

        // A 2xx without what makes a success, an interim 1xx, or no HTTP status at all.
        1..=299 | 600.. => FailureKind::Unconfirmed,
    }
}

impl FailureKind {
    /// Whether the message may be sent again after a failure of this kind.
    pub const fn retry(self) -> Retry {
        match self {
            Self::OptedOut => Retry::Never,
            Self::RateLimited => Retry::Later,
            Self::BadRequest
            | Self::Unauthorized
            | Self::OutOfCredit
            | Self::Forbidden
            | Self::Misconfigured => Retry::AfterFix,
            Self::ServerError | Self::Unconfirmed | Self::NoResponse => Retry::MayDuplicate,
        }
    }

    /// Who or what a failure of this kind is about.
    pub const fn scope(self) -> Scope {
        match self {
            Self::OptedOut => Scope::Recipient,
            Self::BadRequest => Scope::Request,
            Self::Unauthorized
            | Self::OutOfCredit
            | Self::Forbidden
            | Self::RateLimited
            | Self::Misconfigured => Scope::Account,
            Self::ServerError | Self::Unconfirmed | Self::NoResponse => Scope::Service,
        }
    }
}
