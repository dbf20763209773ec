//! What the service's own screens show and the API keeps to itself: custom fields, tags, every standing.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::Campaigns;
use super::address;
use super::contact::{Contact, Registry};
use super::list::{List, Standing};

/// A contact on a list, with everything Campaigns knows.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct MemberView {
    pub(crate) address: String,
    pub(crate) standing: Standing,
    pub(crate) added_at: Timestamp,
    pub(crate) since: Timestamp,
    pub(crate) fields: BTreeMap<String, String>,
    pub(crate) tags: Vec<String>,
}

/// An address in the whole account.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ContactView {
    pub(crate) address: String,
    /// Registries that hold the address, and since when.
    pub(crate) registries: BTreeMap<Registry, Timestamp>,
    /// When the contact was made; `None` if there is only a registry entry.
    pub(crate) created_at: Option<Timestamp>,
    pub(crate) fields: BTreeMap<String, String>,
    pub(crate) tags: Vec<String>,
    /// Standing by list key.
    pub(crate) lists: BTreeMap<String, Standing>,
}

/// A list and its counts.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ListView {
    pub(crate) key: String,
    pub(crate) name: String,
    pub(crate) is_public: bool,
    pub(crate) locked: bool,
    pub(crate) owner: String,
    pub(crate) confirmation_mails: u64,
    pub(crate) active: usize,
    pub(crate) unsubscribed: usize,
    pub(crate) bounced: usize,
    pub(crate) suppressed: usize,
}

impl Campaigns {
    /// Everybody on a list under a standing, or under any, sorted by address.
    pub(crate) fn members_of(
        &self,
        list_key: &str,
        standing: Option<Standing>,
    ) -> Option<Vec<MemberView>> {
        let mut members: Vec<MemberView> = self
            .list(list_key)?
            .members
            .all()
            .filter(|(_, member)| standing.is_none_or(|standing| standing == member.standing))
            .filter_map(|(id, member)| {
                let contact = self.contacts.get(id)?;
                Some(MemberView {
                    address: contact.address.clone(),
                    standing: member.standing,
                    added_at: member.added_at,
                    since: member.since,
                    fields: contact.fields_by_label(),
                    tags: contact.tags.iter().cloned().collect(),
                })
            })
            .collect();
        members.sort_by(|a, b| a.address.cmp(&b.address));
        Some(members)
    }

    /// All that is known of an address; `None` for one never heard of.
    pub(crate) fn view_of(&self, address: &str) -> Option<ContactView> {
        let id = self.contacts.id_of(address);
        let registries: BTreeMap<_, _> = self.registries.of(address).into_iter().collect();
        let contact = id.and_then(|id| self.contacts.get(id));
        if contact.is_none() && registries.is_empty() {
            return None;
        }
        let standing = |list: &List| Some(list.members.get(id?)?.standing);
        Some(ContactView {
            address: contact
                .map_or_else(|| address::key_of(address), |known| known.address.clone()),
            registries,
            created_at: contact.map(|known| known.created_at),
            fields: contact.map(Contact::fields_by_label).unwrap_or_default(),
            tags: contact
                .map(|known| known.tags.iter().cloned().collect())
                .unwrap_or_default(),
            lists: self
                .lists
                .values()
                .filter_map(|list| Some((list.key.clone(), standing(list)?)))
                .collect(),
        })
    }

    /// Every list with its counts, oldest first.
    pub(crate) fn list_views(&self) -> Vec<ListView> {
        self.lists
            .values()
            .map(|list| ListView {
                key: list.key.clone(),
                name: list.name.clone(),
                is_public: list.is_public,
                locked: list.locked,
                owner: list.owner.clone(),
                confirmation_mails: list.confirmation_mails,
                active: list.members.count(Standing::Active),
                unsubscribed: list.members.count(Standing::Unsubscribed),
                bounced: list.members.count(Standing::Bounced),
                suppressed: list.members.count(Standing::Suppressed),
            })
            .collect()
    }
}
