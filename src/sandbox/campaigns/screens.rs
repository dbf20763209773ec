//! What people do in the service's own screens.
//!
//! No method of the API is needed for any of it: somebody clicks "unsubscribe", mail bounces, a colleague deletes a contact.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::contact::Registry;
use super::list::Standing;
use super::{Campaigns, answer::Problem};

/// One thing somebody does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// A colleague moves an address to the do-not-mail registry, or its person reports a mail as spam: nobody has told what
    /// else a complaint does.
    #[serde(alias = "complaint")]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Place {
    pub(crate) list: String,
    pub(crate) address: String,
}

/// An address, a list, and field values by label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Joining {
    pub(crate) list: String,
    pub(crate) address: String,
    #[serde(default)]
    pub(crate) fields: BTreeMap<String, String>,
}

/// A list to be made; its key derives from its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewList {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) is_public: bool,
}

/// What changes about a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListChange {
    pub(crate) list: String,
    pub(crate) name: Option<String>,
    pub(crate) is_public: Option<bool>,
    pub(crate) locked: Option<bool>,
    pub(crate) owner: Option<String>,
}

/// A text field to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewField {
    pub(crate) label: String,
    pub(crate) length_max: usize,
}

/// Why something cannot be done; never names the address, which whoever asked knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ScreenError {
    #[error("no list has the key `{0}`; GET /sandbox/lists shows those that exist")]
    UnknownList(String),
    #[error("no contact has this address")]
    UnknownContact,
    #[error("this address was never on list `{0}`, so it cannot leave it")]
    NotAMember(String),
    #[error("this address bounced or is blocked; lift it before it joins a list")]
    Unreachable,
    #[error("Campaigns would refuse this contact with code {0}")]
    Refused(u32),
    #[error("a field with the label `{0}` exists already")]
    DuplicateField(String),
    #[error("the policy cannot be changed so: {0}")]
    Policy(String),
}

impl Campaigns {
    /// Does it.
    ///
    /// # Errors
    /// When it is about a list or contact that does not exist, or about an address that nobody could put on a list.
    pub(crate) fn act(&mut self, action: Action, now: Timestamp) -> Result<(), ScreenError> {
        match action {
            Action::Unsubscribe(place) => self.leave(place, now)?,
            Action::Subscribe(joining) => self.join(&joining, now)?,
            Action::Bounce(address) => self.register(Registry::Bounced, &address, now),
            Action::Block(address) => self.register(Registry::Blocked, &address, now),
            Action::DoNotMail(address) => self.register(Registry::DoNotMail, &address, now),
            Action::Lift(address) => self.lift(&address, now),
            Action::DeleteContact(address) => {
                if !self.delete_contact(&address) {
                    return Err(ScreenError::UnknownContact);
                }
            }
            Action::CreateList(list) => {
                self.create_list(&list.name, list.is_public, now);
            }
            Action::ChangeList(change) => self.change_list(change)?,
            Action::DeleteList(key) => {
                let number = self.list(&key).map(|list| list.number);
                let number = number.ok_or(ScreenError::UnknownList(key))?;
                self.lists.remove(&number);
            }
            Action::CreateField(field) => {
                if !self.fields.create(&field.label, "Text", field.length_max) {
                    return Err(ScreenError::DuplicateField(field.label));
                }
            }
            Action::Policy(changes) => {
                let policy = self.policy.with(changes);
                self.policy = policy.map_err(|error| ScreenError::Policy(error.to_string()))?;
            }
        }
        Ok(())
    }

    fn leave(&mut self, place: Place, now: Timestamp) -> Result<(), ScreenError> {
        if self.list(&place.list).is_none() {
            return Err(ScreenError::UnknownList(place.list));
        }
        if self.standing(&place.list, &place.address).is_none() {
            return Err(ScreenError::NotAMember(place.list));
        }
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
            return Err(ScreenError::Unreachable);
        }
        let values: Vec<_> = joining.fields.clone().into_iter().collect();
        let made = self
            .check_address(address)
            .and_then(|()| self.accepted_values(&values))
            .and_then(|values| Ok((self.contact_of(address, now)?, values)));
        let (id, values) = made.map_err(refused)?;
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

fn refused(problem: Problem) -> ScreenError {
    ScreenError::Refused(problem.code)
}
