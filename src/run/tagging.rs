//! The tag of contacts that were removed: a help for people at work in Campaigns, on which nothing of rosterd depends.

use std::sync::atomic::Ordering;

use super::Run;
use crate::domain::address::EmailAddress;
use crate::zoho::campaigns::{Campaigns, CampaignsError, Tagged};

/// What rosterd tags the contacts with that it removes.
const REMOVED: &str = "Removed by CRM sync";

/// Why a contact has no tag.
#[derive(Debug, thiserror::Error)]
pub(super) enum Untagged {
    /// Campaigns does not know it.
    #[error("Campaigns knows no such contact")]
    NotAContact,
    /// The tag could not be set, nor could that of any other contact.
    #[error(transparent)]
    Failed(#[from] CampaignsError),
}

/// Tags a contact that was removed.
pub(super) async fn tag(campaigns: &Campaigns, address: &EmailAddress) -> Result<(), Untagged> {
    match campaigns.tag(REMOVED, address).await? {
        Tagged::Done => Ok(()),
        Tagged::NotAContact => Err(Untagged::NotAContact),
    }
}

impl Untagged {
    /// Tells it in the log; the contact is off the list all the same.
    pub(super) fn log(&self) {
        let error: &(dyn std::error::Error + 'static) = self;
        tracing::warn!(
            error,
            "a contact was unsubscribed and cannot be tagged `{REMOVED}`"
        );
    }
}

impl Run<'_> {
    /// Tags a contact that was removed. When tags cannot be set, that is told once, and the rest of the run goes without.
    pub(super) async fn tag(&self, address: &EmailAddress) {
        if self.untagged.load(Ordering::Relaxed) {
            return;
        }
        match tag(&self.campaigns, address).await {
            Ok(()) => {}
            Err(untagged @ Untagged::NotAContact) => untagged.log(),
            Err(untagged @ Untagged::Failed(_)) => {
                if !self.untagged.swap(true, Ordering::Relaxed) {
                    untagged.log();
                }
            }
        }
    }
}
