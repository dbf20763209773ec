//! What people do in the service's own screens, and what those screens show.
//!
//! No method of the API is needed for any of it: somebody clicks "unsubscribe", mail bounces, a colleague deletes a contact. The
//! views show what the API keeps to itself: custom fields, tags, every standing.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::address;
use super::contact::Registry;
use super::list::Standing;
use super::{Campaigns, answer::Problem};

/// One thing somebody does.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Action {
    /// A person leaves a list.
    Unsubscribe(Place),
    /// A person joins a list, by the form or with a colleague's help: also one who had left, and whatever the sign-up form says.
    Subscribe(Joining),
    /// Mail to an address bounces hard.
    Bounce(String),
    /// The service blocks an address.
    Block(String),
    /// A colleague moves an address to the do-not-mail registry.
    DoNotMail(String),
    /// Support takes an address out of all registries.
    Lift(String),
    /// A colleague deletes a contact, and Campaigns forgets that it ever unsubscribed.
    DeleteContact(String),
    /// A colleague makes a list.
    CreateList(NewList),
    /// A colleague locks a list or opens it again, turns its sign-up form on or off, renames it.
    ChangeList(ListChange),
    /// A colleague deletes a list, not the people on it.
    DeleteList(String),
    /// A colleague makes a contact field.
    CreateField(NewField),
    /// Turns switches of the policy.
    Policy(serde_json::Value),
}

/// An address and a list.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Place {
    pub(crate) list: String,
    pub(crate) address: String,
}

/// An address, a list, and field values by label.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Joining {
    pub(crate) list: String,
    pub(crate) address: String,
    #[serde(default)]
    pub(crate) fields: BTreeMap<String, String>,
}

/// A list to be made; its key derives from its name.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewList {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) is_public: bool,
}

/// What changes about a list.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListChange {
    pub(crate) list: String,
    pub(crate) name: Option<String>,
    pub(crate) is_public: Option<bool>,
    pub(crate) locked: Option<bool>,
    pub(crate) owner: Option<String>,
}

/// A text field to be made.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewField {
    pub(crate) label: String,
    pub(crate) length_max: usize,
}

/// Why something cannot be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ScreenError {
    #[error("no list has the key `{0}`; GET /sandbox/lists shows those that exist")]
    UnknownList(String),
    #[error("no contact has the address `{0}`")]
    UnknownContact(String),
    #[error("`{address}` was never on list `{list}`, so it cannot leave it")]
    NotAMember { list: String, address: String },
    #[error("`{0}` bounced or is blocked, and cannot join a list before it is lifted")]
    Unreachable(String),
    #[error("Campaigns would refuse `{address}` with code {code}")]
    Refused { address: String, code: u32 },
    #[error("a field with the label `{0}` exists already")]
    DuplicateField(String),
    #[error("the policy cannot be changed so: {0}")]
    Policy(String),
}

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
    /// Does it.
    ///
    /// # Errors
    /// When it is about a list or contact that does not exist, or about an address that nobody could put on a list.
    pub(crate) fn act(&mut self, action: Action, now: Timestamp) -> Result<(), ScreenError> {
        match action {
            Action::Unsubscribe(place) => self.leave(place, now),
            Action::Subscribe(joining) => self.join(&joining, now),
            Action::Bounce(address) => {
                self.register(Registry::Bounced, &address, now);
                Ok(())
            }
            Action::Block(address) => {
                self.register(Registry::Blocked, &address, now);
                Ok(())
            }
            Action::DoNotMail(address) => {
                self.register(Registry::DoNotMail, &address, now);
                Ok(())
            }
            Action::Lift(address) => {
                self.lift(&address, now);
                Ok(())
            }
            Action::DeleteContact(address) if self.delete_contact(&address) => Ok(()),
            Action::DeleteContact(address) => Err(ScreenError::UnknownContact(address)),
            Action::CreateList(list) => {
                self.create_list(&list.name, list.is_public, now);
                Ok(())
            }
            Action::ChangeList(change) => self.change_list(change),
            Action::DeleteList(key) => {
                let number = self.list(&key).map(|list| list.number);
                let number = number.ok_or(ScreenError::UnknownList(key))?;
                self.lists.remove(&number);
                Ok(())
            }
            Action::CreateField(field) => {
                let is_new = self.fields.create(&field.label, "Text", field.length_max);
                is_new
                    .then_some(())
                    .ok_or(ScreenError::DuplicateField(field.label))
            }
            Action::Policy(changes) => {
                let policy = self.policy.with(changes);
                self.policy = policy.map_err(|error| ScreenError::Policy(error.to_string()))?;
                Ok(())
            }
        }
    }

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
        let standing = |list: &super::list::List| Some(list.members.get(id?)?.standing);
        Some(ContactView {
            address: contact
                .map_or_else(|| address::key_of(address), |known| known.address.clone()),
            registries,
            created_at: contact.map(|known| known.created_at),
            fields: contact
                .map(super::contact::Contact::fields_by_label)
                .unwrap_or_default(),
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

    fn leave(&mut self, place: Place, now: Timestamp) -> Result<(), ScreenError> {
        if self.list(&place.list).is_none() {
            return Err(ScreenError::UnknownList(place.list));
        }
        if self.standing(&place.list, &place.address).is_none() {
            let Place { list, address } = place;
            return Err(ScreenError::NotAMember { list, address });
        }
        let refused = |problem: Problem| ScreenError::Refused {
            address: place.address.clone(),
            code: problem.code,
        };
        self.unsubscribe(&place.list, &place.address, now)
            .map_err(refused)
    }

    fn join(&mut self, joining: &Joining, now: Timestamp) -> Result<(), ScreenError> {
        let address = joining.address.as_str();
        if self.list(&joining.list).is_none() {
            return Err(ScreenError::UnknownList(joining.list.clone()));
        }
        let held = self.registries.of(address);
        if held
            .iter()
            .any(|(registry, _)| *registry != Registry::DoNotMail)
        {
            return Err(ScreenError::Unreachable(address.to_owned()));
        }
        let values: Vec<_> = joining.fields.clone().into_iter().collect();
        let made = self
            .check_address(address)
            .and_then(|()| self.accepted_values(&values))
            .and_then(|values| Ok((self.contact_of(address, now)?, values)));
        let (id, values) = made.map_err(|problem| ScreenError::Refused {
            address: address.to_owned(),
            code: problem.code,
        })?;
        self.registries.lift(Registry::DoNotMail, address);
        self.write_values(id, &values);
        if let Some(list) = self.list_mut(&joining.list) {
            list.members.put(id, Standing::Active, now);
        }
        Ok(())
    }

    fn change_list(&mut self, change: ListChange) -> Result<(), ScreenError> {
        let Some(list) = self.list_mut(&change.list) else {
            return Err(ScreenError::UnknownList(change.list));
        };
        list.name = change.name.unwrap_or_else(|| list.name.clone());
        list.owner = change.owner.unwrap_or_else(|| list.owner.clone());
        list.is_public = change.is_public.unwrap_or(list.is_public);
        list.locked = change.locked.unwrap_or(list.locked);
        Ok(())
    }
}
