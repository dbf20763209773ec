//! Writing: contacts onto a list and off it. Every call may be repeated; the second time it changes nothing.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::envelope::Envelope;
use super::{Campaigns, CampaignsError, Method, wire};
use crate::domain::address::EmailAddress;
use crate::domain::failure::{Meaning, Verdict};
use crate::domain::ids::ListKey;
use crate::domain::suppression::Cleared;
use crate::zoho::channel::CallError;

/// Most addresses in one bulk call. Source: "Add contacts to existing list", November 2026.
pub const BULK_CONTACTS_MAX: usize = 10;

/// What Campaigns says of one contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Taken: added or updated, or taken off.
    Accepted,
    /// It was on the list before. Where an answer was lost and the call repeated, that says nothing, and the contact
    /// counts as [`Reply::Accepted`].
    AlreadyThere,
    /// Not taken.
    Refused {
        /// Why, as far as it can be known.
        verdict: Verdict,
        /// The service's code.
        code: String,
        /// The service's words, without addresses.
        text: String,
    },
}

impl Reply {
    fn unless_repeated((reply, is_unsure): (Self, bool)) -> Self {
        match reply {
            Self::AlreadyThere if is_unsure => Self::Accepted,
            reply => reply,
        }
    }
}

impl Campaigns {
    /// Puts a cleared contact on its list, or updates its fields. On a list with a sign-up form the service would ask the
    /// person first; such lists are not to be written to.
    ///
    /// # Errors
    /// What concerns the account or the connection; what concerns the contact is in the reply.
    pub async fn subscribe(&self, contact: &Cleared) -> Result<Reply, CampaignsError> {
        let form = form(
            contact.list(),
            wire::CONTACT,
            contact_json(contact.address(), contact.fields()),
        );
        let replied = self
            .post(Method::Subscribe, form, Reply::Accepted, reply)
            .await?;
        self.judged(Method::Subscribe, replied)
    }

    /// Puts up to [`BULK_CONTACTS_MAX`] cleared contacts without fields on their one list; the replies are in their order.
    /// Where it refuses the call for one of them, each is sent by itself: one contact's fault is not the others'.
    ///
    /// # Errors
    /// As for [`Campaigns::subscribe`], and contacts that do not go together.
    pub async fn subscribe_bulk(&self, contacts: &[Cleared]) -> Result<Vec<Reply>, CampaignsError> {
        let Some(first) = contacts.first() else {
            return Ok(Vec::new());
        };
        let fits = |contact: &Cleared| {
            // A comma would split the address in two.
            contact.list() == first.list()
                && contact.fields().is_empty()
                && !contact.address().as_sent().contains(',')
        };
        if contacts.len() > BULK_CONTACTS_MAX || !contacts.iter().all(fits) {
            return Err(CampaignsError::NotBulk);
        }
        let sent: Vec<&str> = contacts.iter().map(|it| it.address().as_sent()).collect();
        let form = form(first.list(), wire::EMAILS, sent.join(","));
        let read = |envelope: Envelope| match envelope.meaning {
            Meaning::Done => Ok(Some(bulk_replies(contacts, &envelope.decode()?))),
            Meaning::AlreadyThere | Meaning::Contact(_) => Ok(None),
            Meaning::Nothing | Meaning::RangeTooLarge | Meaning::Failed(_) => {
                Err(CampaignsError::Unreadable {
                    method: envelope.method,
                })
            }
        };
        let taken = Some(vec![Reply::Accepted; contacts.len()]);
        let posted = self.post(Method::SubscribeBulk, form, taken, read).await?;
        let (replies, is_unsure) = posted;
        let replies = match replies {
            Some(replies) => replies,
            // It does not say whom it means.
            None => self.one_by_one(contacts).await?,
        };
        let replies = replies.into_iter();
        Ok(replies
            .map(|reply| Reply::unless_repeated((reply, is_unsure)))
            .collect())
    }

    /// What Campaigns says of each contact by itself.
    async fn one_by_one(&self, contacts: &[Cleared]) -> Result<Vec<Reply>, CampaignsError> {
        let mut replies = Vec::with_capacity(contacts.len());
        for contact in contacts {
            replies.push(self.subscribe(contact).await?);
        }
        Ok(replies)
    }

    /// Takes a contact off a list.
    ///
    /// # Errors
    /// As for [`Campaigns::subscribe`].
    pub async fn unsubscribe(
        &self,
        list: &ListKey,
        address: &EmailAddress,
    ) -> Result<Reply, CampaignsError> {
        let form = form(list, wire::CONTACT, contact_json(address, &[]));
        let replied = self
            .post(Method::Unsubscribe, form, Reply::Accepted, reply)
            .await?;
        self.judged(Method::Unsubscribe, replied)
    }

    /// The reply; many in a row that say nothing known may come from a method that is locked.
    fn judged(&self, method: Method, replied: (Reply, bool)) -> Result<Reply, CampaignsError> {
        let reply = Reply::unless_repeated(replied);
        let is_unexplained = matches!(
            reply,
            Reply::Refused {
                verdict: Verdict::Passing,
                ..
            }
        );
        let noted = self.channel.pacer.judged(method.name(), is_unexplained);
        noted.map_err(|pause| CampaignsError::lost(method, pause.into()))?;
        Ok(reply)
    }
}

fn form(list: &ListKey, key: &'static str, value: String) -> Vec<(&'static str, String)> {
    let (format, json) = wire::FORMAT;
    vec![
        (format, json.to_owned()),
        (wire::LIST_KEY, list.to_string()),
        (key, value),
    ]
}

/// Fields by their labels, the address under its own; the address cannot be overwritten by a field.
fn contact_json(address: &EmailAddress, fields: &[(String, String)]) -> String {
    let text = |value: &str| Value::String(value.to_owned());
    let labelled = fields
        .iter()
        .map(|(label, value)| (label.clone(), text(value)));
    let mut contact: Map<String, Value> = labelled.collect();
    contact.insert(wire::EMAIL_LABEL.to_owned(), text(address.as_sent()));
    Value::Object(contact).to_string()
}

fn reply(envelope: Envelope) -> Result<Reply, CampaignsError> {
    let method = envelope.method;
    match envelope.meaning {
        Meaning::Done => Ok(Reply::Accepted),
        Meaning::AlreadyThere => Ok(Reply::AlreadyThere),
        Meaning::Contact(verdict) => Ok(Reply::Refused {
            verdict,
            code: envelope.code,
            text: envelope.text,
        }),
        Meaning::Nothing | Meaning::RangeTooLarge | Meaning::Failed(_) => {
            Err(CampaignsError::Unreadable { method })
        }
    }
}

/// A bulk call succeeds as a whole and lists apart whom it ignored, without a reason, and whom it knew.
///
/// One that is ignored under a spelling we do not know counts as taken here; the run finds it missing at its end.
fn bulk_replies(contacts: &[Cleared], bulk: &wire::Bulk) -> Vec<Reply> {
    let ignored = normal(&bulk.ignored_contacts);
    let existing = normal(&bulk.existing_contacts);
    let reply = |contact: &Cleared| {
        let address = contact.address().normal();
        if ignored.contains(address) {
            Reply::Refused {
                verdict: Verdict::Other,
                code: "ignored".to_owned(),
                text: "ignored by the bulk call, which gives no reason".to_owned(),
            }
        } else if existing.contains(address) {
            Reply::AlreadyThere
        } else {
            Reply::Accepted
        }
    };
    contacts.iter().map(reply).collect()
}

fn normal(addresses: &[String]) -> HashSet<String> {
    let normal = |text: &String| match EmailAddress::parse(text) {
        Ok(address) => address.normal().to_owned(),
        Err(_) => text.clone(),
    };
    addresses.iter().map(normal).collect()
}
