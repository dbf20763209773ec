//! Why there is no answer, and what that means.

use crate::domain::failure::Failure;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// Nothing came in time.
    #[error("no answer from {host} within {seconds} s")]
    Silent {
        /// Host that was called.
        host: String,
        /// Longest silence allowed.
        seconds: u64,
    },
    /// No connection.
    #[error("cannot connect to {host}; check the network, the proxy and the system's certificates")]
    Connect {
        /// Host that was called.
        host: String,
        /// What the client says.
        source: reqwest::Error,
    },
    /// The connection ended early or carried something that is not HTTP.
    #[error("the connection to {host} broke")]
    Broken {
        /// Host that was called.
        host: String,
        /// What the client says.
        source: reqwest::Error,
    },
    /// The answer is larger than anything the service should send.
    #[error("the answer of {host} is larger than {mib_max} MiB")]
    TooLarge {
        /// Host that was called.
        host: String,
        /// Largest answer accepted.
        mib_max: u64,
    },
    /// The answer has more in it than anything the service should send.
    #[error("the answer of {host} has more than {values_max} values in it")]
    Crowded {
        /// Host that was called.
        host: String,
        /// Most values accepted.
        values_max: usize,
    },
    /// "Nothing has changed" in answer to a call that did not ask for changes, which would pass for "nothing there".
    #[error("{host} says that nothing has changed, and was not asked for changes")]
    Unchanged {
        /// Host that was called.
        host: String,
    },
    /// The answer could not be written to its file.
    #[error(
        "cannot keep the answer of {host} in a temporary file; check the space of the state folder"
    )]
    File {
        /// Host that was called.
        host: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// Plain HTTP to another machine would show the token to the network.
    #[error("refused to call {host} over plain http; give its address as https://")]
    Plain {
        /// Host that was to be called.
        host: String,
    },
    /// A configured host does not make a URL.
    #[error(
        "the host of the call is not a URL; correct `accounts_url`, `crm_url` or `campaigns_url` of the account"
    )]
    Url,
}

impl TransportError {
    /// What it means for the call.
    #[must_use]
    pub fn failure(&self) -> Failure {
        match self {
            Self::Silent { .. }
            | Self::Connect { .. }
            | Self::Broken { .. }
            | Self::Unchanged { .. } => Failure::Unreachable,
            Self::TooLarge { .. } | Self::Crowded { .. } | Self::File { .. } => Failure::Refused,
            Self::Plain { .. } | Self::Url => Failure::Configuration,
        }
    }
}
