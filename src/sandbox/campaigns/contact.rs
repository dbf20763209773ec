//! The account's contacts: one per address, whatever its case, and the registries of those who must not get mail.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::address;

/// A contact's number in the account; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ContactId(pub(crate) u32);

/// A person as Campaigns knows them.
#[derive(Debug, Clone)]
pub(crate) struct Contact {
    /// As it was spelled when the contact was made.
    pub(crate) address: String,
    /// Values by label; a cleared field is not there.
    pub(crate) fields: BTreeMap<Arc<str>, String>,
    pub(crate) created_at: Timestamp,
    pub(crate) tags: BTreeSet<String>,
}

/// All contacts, and the addresses of those that were deleted.
#[derive(Debug, Default)]
pub(crate) struct Contacts {
    by_id: HashMap<ContactId, Contact>,
    by_address: HashMap<String, ContactId>,
    deleted: HashSet<String>,
    made: u32,
}

/// Why an address must not get mail, for the whole organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Registry {
    /// Blocked by the service.
    Blocked,
    /// Hard-bounced.
    Bounced,
    /// Unsubscribed from everything, or moved there by a person.
    DoNotMail,
}

/// The organisation's registries, by address, with the time of the entry.
#[derive(Debug, Default)]
pub(crate) struct Registries {
    entries: BTreeMap<(String, Registry), Timestamp>,
}

impl Contact {
    /// The values by label, for showing.
    pub(crate) fn fields_by_label(&self) -> BTreeMap<String, String> {
        self.fields
            .iter()
            .map(|(label, value)| (label.to_string(), value.clone()))
            .collect()
    }
}

impl Contacts {
    /// The contact of an address.
    pub(crate) fn id_of(&self, address: &str) -> Option<ContactId> {
        self.by_address.get(&address::key_of(address)).copied()
    }

    /// A contact by its number.
    pub(crate) fn get(&self, id: ContactId) -> Option<&Contact> {
        self.by_id.get(&id)
    }

    /// A contact by its number, to be changed.
    pub(crate) fn get_mut(&mut self, id: ContactId) -> Option<&mut Contact> {
        self.by_id.get_mut(&id)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Makes the contact of an address that has none.
    pub(crate) fn create(&mut self, address: &str, now: Timestamp) -> ContactId {
        let id = ContactId(self.made);
        self.made += 1;
        let contact = Contact {
            address: address.to_owned(),
            fields: BTreeMap::new(),
            created_at: now,
            tags: BTreeSet::new(),
        };
        self.by_id.insert(id, contact);
        self.by_address.insert(address::key_of(address), id);
        self.deleted.remove(&address::key_of(address));
        id
    }

    /// Deletes a contact; its address is remembered as one that was there before.
    pub(crate) fn delete(&mut self, id: ContactId) {
        if let Some(contact) = self.by_id.remove(&id) {
            let key = address::key_of(&contact.address);
            self.by_address.remove(&key);
            self.deleted.insert(key);
        }
    }

    /// Takes a tag off everybody.
    pub(crate) fn forget_tag(&mut self, tag: &str) {
        for contact in self.by_id.values_mut() {
            contact.tags.remove(tag);
        }
    }

    /// Whether the address had a contact that was deleted.
    pub(crate) fn was_deleted(&self, address: &str) -> bool {
        self.deleted.contains(&address::key_of(address))
    }
}

impl Registries {
    /// Enters an address; an entry that is there keeps its time.
    pub(crate) fn enter(&mut self, registry: Registry, address: &str, now: Timestamp) {
        self.entries
            .entry((address::key_of(address), registry))
            .or_insert(now);
    }

    /// The registries that hold the address, with the time of each entry.
    pub(crate) fn of(&self, address: &str) -> Vec<(Registry, Timestamp)> {
        let key = address::key_of(address);
        [Registry::Blocked, Registry::Bounced, Registry::DoNotMail]
            .into_iter()
            .filter_map(|registry| {
                let since = self.entries.get(&(key.clone(), registry))?;
                Some((registry, *since))
            })
            .collect()
    }

    /// Takes an address out of one registry.
    pub(crate) fn lift(&mut self, registry: Registry, address: &str) {
        self.entries.remove(&(address::key_of(address), registry));
    }
}
