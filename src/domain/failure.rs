//! What a failed call means: try again, give up, or ask a person.

use std::time::Duration;

/// The meaning of a failure, whatever service it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// No answer, or one that is not the service's: a broken connection, a time-out, a 5xx, HTML instead of JSON.
    Unreachable,
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

/// The wait before another attempt; `None` means that another attempt is pointless.
#[must_use]
pub fn retry_after(failure: &Failure) -> Option<Duration> {
    match failure {
        Failure::Unreachable => Some(Duration::from_millis(500)),
        Failure::Throttled { wait } => Some(wait.unwrap_or(Duration::from_secs(2))),
        Failure::TokenExpired
        | Failure::CredentialsRefused
        | Failure::Configuration
        | Failure::AccountClosed
        | Failure::Refused => None,
    }
}
