//! What can go wrong with a call to Campaigns, and what a person can do about it.

use super::{BULK_CONTACTS_MAX, Method, words};
use crate::domain::failure::Failure;
use crate::domain::ids::ListKey;
use crate::zoho::channel::{CallError, Lost};
use crate::zoho::pacer::{Pause, Unkept};

/// A call to Campaigns that failed; never about one contact alone.
#[derive(Debug, thiserror::Error)]
pub enum CampaignsError {
    /// No answer, no token, or an answer that is not Campaigns'.
    #[error("cannot call {method} of Campaigns")]
    Lost {
        /// The call.
        method: Method,
        /// What became of it.
        source: Lost,
    },
    /// Campaigns refuses the call.
    #[error("Campaigns refuses {method}: {}", words::remedy(.failure, .code))]
    Refused {
        /// The call.
        method: Method,
        /// The service's code.
        code: String,
        /// Its words, without addresses; for people only.
        text: String,
        /// What it means.
        failure: Failure,
    },
    /// JSON, but not what is documented.
    #[error("the answer of Campaigns to {method} is not as documented")]
    Unreadable {
        /// The call.
        method: Method,
    },
    /// The end of a list came before its count; taken for the end, people who opted out would be missed.
    #[error("the contacts of list {list} ended at {read} although Campaigns counts {counted}")]
    Short {
        /// The list.
        list: ListKey,
        /// Rows read.
        read: u64,
        /// Rows counted.
        counted: u64,
    },
    /// The pages of a list do not fit together, however often they are read; taken as they are, people who opted out
    /// would be missed.
    #[error("list {list} changes faster than Campaigns lets it be read")]
    Restless {
        /// The list.
        list: ListKey,
    },
    /// The pages of lists do not come to an end.
    #[error("Campaigns goes on listing the same mailing lists")]
    Endless,
    /// Contacts that one bulk call cannot carry.
    #[error(
        "one bulk call takes at most {BULK_CONTACTS_MAX} contacts of one list, and addresses only"
    )]
    NotBulk,
}

impl CampaignsError {
    /// Why what is used of the budgets cannot be kept, where it is that which kept the call from being made.
    ///
    /// # Errors
    /// The same error, where it is another one.
    pub fn into_unkept(self) -> Result<Unkept, Self> {
        match self {
            Self::Lost { method, source } => {
                let unkept = source.into_unkept();
                unkept.map_err(|source| Self::Lost { method, source })
            }
            other => Err(other),
        }
    }

    /// The pause, where the call has to wait for its time.
    #[must_use]
    pub fn pause(&self) -> Option<&Pause> {
        if let Self::Lost { source, .. } = self {
            source.pause()
        } else {
            None
        }
    }

    /// Whether the call was not made, as it has to wait for its time.
    #[must_use]
    pub fn was_not_made(&self) -> bool {
        matches!(
            self,
            Self::Lost {
                source: Lost::Paused(Pause::Waits { .. }),
                ..
            }
        )
    }

    /// What it means for the run.
    #[must_use]
    pub fn failure(&self) -> Failure {
        match self {
            Self::Lost { source, .. } => source.failure(),
            Self::Refused { failure, .. } => failure.clone(),
            Self::Short { .. } | Self::Restless { .. } | Self::Endless => Failure::Unreachable,
            Self::Unreadable { .. } | Self::NotBulk => Failure::Refused,
        }
    }
}

impl CallError for CampaignsError {
    type Method = Method;

    fn lost(method: Method, source: Lost) -> Self {
        Self::Lost { method, source }
    }

    fn failure(&self) -> Failure {
        Self::failure(self)
    }

    fn unsure(mut self) -> Self {
        if let Self::Lost { method, source } = self {
            let source = source.unsure();
            self = Self::Lost { method, source };
        }
        self
    }

    fn for_good(mut self) -> Self {
        if let Self::Refused { failure, .. } = &mut self {
            *failure = Failure::CredentialsRefused;
        }
        self
    }
}
