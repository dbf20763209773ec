//! What a failed call means: try again, give up, or ask a person.
//!
//! Every error of the services is reduced to one [`Failure`] where it is read, so that the question of what to do next
//! is answered once, here, and not at every call. Which answer means what stands in one [`table`].

pub mod table;

use std::time::Duration;

pub use self::table::{Meaning, Service, Verdict, meaning};

/// The meaning of a failure, whatever service it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// No answer, or one that is not the service's: a broken connection, a time-out, a 5xx, HTML instead of JSON.
    Unreachable,
    /// The service itself asks to try later and does not say why: a passing fault, or a method that is locked. The call
    /// was not carried out.
    Busy,
    /// The service asks to slow down; `wait` is how long, where it says so.
    Throttled {
        /// How long the service asked to wait.
        wait: Option<Duration>,
    },
    /// The access token is dead; a new one may do.
    TokenExpired,
    /// Credentials or scopes are refused; a person has to change something (exit 77).
    CredentialsRefused,
    /// The request names something that does not exist or is not allowed; a person has to change a file (exit 78).
    Configuration,
    /// The account cannot take more, or is shut; a person has to act at the provider (exit 1).
    AccountClosed,
    /// This one contact or request is refused; others may be fine.
    Refused,
}

impl Failure {
    /// Whether the same call may succeed later without anybody doing anything (exit 75).
    #[must_use]
    pub fn is_passing(&self) -> bool {
        retry_after(self, Duration::ZERO).is_some()
    }
}

/// The wait before another attempt, `usual` being what the back-off proposes; `None` means that another attempt is
/// pointless. A service that asks to slow down or to try later without saying for how long gets four times the usual.
#[must_use]
pub fn retry_after(failure: &Failure, usual: Duration) -> Option<Duration> {
    match failure {
        Failure::Unreachable => Some(usual),
        Failure::Throttled { wait: Some(wait) } => Some(*wait),
        Failure::Throttled { wait: None } | Failure::Busy => Some(usual.saturating_mul(4)),
        Failure::TokenExpired
        | Failure::CredentialsRefused
        | Failure::Configuration
        | Failure::AccountClosed
        | Failure::Refused => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_passes_by_itself_is_tried_again() {
        let usual = Duration::from_secs(1);
        let asked = Failure::Throttled {
            wait: Some(Duration::from_secs(7)),
        };
        for (failure, want) in [
            (Failure::Unreachable, Some(1)),
            (asked, Some(7)),
            (Failure::Throttled { wait: None }, Some(4)),
            (Failure::Busy, Some(4)),
            (Failure::TokenExpired, None),
            (Failure::CredentialsRefused, None),
            (Failure::Configuration, None),
            (Failure::AccountClosed, None),
            (Failure::Refused, None),
        ] {
            let wait = retry_after(&failure, usual).map(|wait| wait.as_secs());
            assert_eq!(wait, want, "{failure:?}");
            assert_eq!(failure.is_passing(), want.is_some(), "{failure:?}");
        }
    }
}
