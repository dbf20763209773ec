//! Tags on contacts: one contact a call, and a tag is made when the first contact needs it.
//!
//! Source: "Tag management" of the Campaigns API guide, November 2026: 500 calls in five minutes for each method, under
//! the scopes that writing contacts needs anyway. The guide shows these calls with their parameters in the URL; they are
//! sent as forms all the same, as an address in a URL ends up in the logs of everything on the way.

use std::time::Duration;

use super::envelope::Envelope;
use super::{Campaigns, CampaignsError, Method, wire};
use crate::domain::address::EmailAddress;
use crate::domain::failure::{Meaning, Verdict};
use crate::zoho::retry::Retry;

/// How long a tag is tried to be set: nothing depends on it, and people wait for what does.
const PATIENCE: Duration = Duration::from_secs(10);

/// What became of a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tagged {
    /// The contact has it.
    Done,
    /// Campaigns knows no such contact.
    NotAContact,
}

/// The same while it is not sure that there is such a tag.
enum Associated {
    Settled(Tagged),
    NoSuchTag,
}

impl Campaigns {
    /// Puts a tag on a contact.
    ///
    /// # Errors
    /// What concerns the account or the connection; it is not tried for long.
    pub async fn tag(
        &self,
        tag: &'static str,
        address: &EmailAddress,
    ) -> Result<Tagged, CampaignsError> {
        let mut campaigns = self.clone();
        let give_up_after = campaigns.channel.retry.give_up_after.min(PATIENCE);
        campaigns.channel.retry = Retry {
            give_up_after,
            ..campaigns.channel.retry
        };
        if let Associated::Settled(tagged) = campaigns.associate(tag, address).await? {
            return Ok(tagged);
        }
        campaigns.make_tag(tag).await?;
        match campaigns.associate(tag, address).await? {
            Associated::Settled(tagged) => Ok(tagged),
            Associated::NoSuchTag => Err(CampaignsError::Unreadable {
                method: Method::Tag,
            }),
        }
    }

    async fn associate(
        &self,
        tag: &'static str,
        address: &EmailAddress,
    ) -> Result<Associated, CampaignsError> {
        let mut form = form(tag);
        form.push((wire::TAGGED, address.as_sent().to_owned()));
        let read = |envelope: Envelope| match envelope.meaning {
            Meaning::Done | Meaning::AlreadyThere => Ok(Associated::Settled(Tagged::Done)),
            Meaning::Contact(Verdict::NotAContact) => Ok(Associated::Settled(Tagged::NotAContact)),
            Meaning::Nothing => Ok(Associated::NoSuchTag),
            Meaning::Contact(_) | Meaning::RangeTooLarge | Meaning::Failed(_) => {
                Err(CampaignsError::Unreadable {
                    method: envelope.method,
                })
            }
        };
        let taken = Associated::Settled(Tagged::Done);
        let (associated, _) = self.post(Method::Tag, form, taken, read).await?;
        Ok(associated)
    }

    async fn make_tag(&self, tag: &'static str) -> Result<(), CampaignsError> {
        let read = |_| Ok(());
        let ((), _) = self.post(Method::MakeTag, form(tag), (), read).await?;
        Ok(())
    }
}

fn form(tag: &'static str) -> Vec<(&'static str, String)> {
    let (format, json) = wire::FORMAT;
    vec![(format, json.to_owned()), (wire::TAG, tag.to_owned())]
}
