//! What happens in the account when somebody is subscribed, unsubscribed, bounces or goes away.
//!
//! No wire words here: methods of the API and people acting in the service's own screens end in the same few steps.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::Campaigns;
use super::address;
use super::answer::Problem;
use super::contact::{ContactId, Registry};
use super::list::{List, Members, Standing};
use super::policy::{
    EmptyValue, ExistingActive, NonMember, RoleAddresses, Shows, Suppressed, TooLong, UnknownLabel,
};

/// What became of an address that was to be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It is on the list now and was never in the account, or not on this list.
    Added,
    /// It was deleted earlier, or reinstated against its will.
    ReAdded,
    /// It was on the list, and its fields are as sent.
    Updated,
    /// The list has a sign-up form: a mail asks the person first.
    AwaitsConfirmation,
    /// It must not get mail, and nothing changed.
    Ignored,
}

impl Campaigns {
    /// The list with this key.
    pub(crate) fn list(&self, key: &str) -> Option<&List> {
        self.lists.values().find(|list| list.key == key)
    }

    /// The list with this key, to be changed.
    pub(crate) fn list_mut(&mut self, key: &str) -> Option<&mut List> {
        self.lists.values_mut().find(|list| list.key == key)
    }

    /// Makes a list and answers its key, which derives from the name.
    pub(crate) fn create_list(&mut self, name: &str, is_public: bool, now: Timestamp) -> String {
        let number = self.lists.keys().next_back().map_or(101, |last| last + 1);
        let stem: String = name
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .collect::<String>()
            .to_lowercase();
        let mut key = format!("3z{stem}");
        if stem.is_empty() || self.list(&key).is_some() {
            key = format!("{key}{number}");
        }
        let list = List {
            key: key.clone(),
            name: name.to_owned(),
            description: String::new(),
            number,
            is_public,
            owner: "Sandbox".to_owned(),
            locked: false,
            created_at: now,
            confirmation_mails: 0,
            members: Members::default(),
        };
        self.lists.insert(number, list);
        key
    }

    /// Subscribes an address through the API.
    ///
    /// # Errors
    /// The refusals of `listsubscribe`, under the account's policy.
    pub(crate) fn subscribe(
        &mut self,
        list_key: &str,
        address: &str,
        values: &[(String, String)],
        now: Timestamp,
    ) -> Result<Taken, Problem> {
        let list = self.list(list_key).ok_or(Problem::LIST_KEY)?;
        if list.locked {
            return Err(Problem::LIST_DENIED);
        }
        let is_public = list.is_public;
        self.check_address(address)?;
        let values = self.accepted_values(values)?;
        let reinstated = match self.suppression(list_key, address) {
            None => false,
            Some(Suppressed::Silent) => return Ok(Taken::Ignored),
            Some(Suppressed::Refuse(code)) if self.is_blocked(address) => {
                return Err(Problem::blocked(code));
            }
            Some(Suppressed::Refuse(code)) => return Err(Problem::suppressed(code)),
            Some(Suppressed::Reinstate) => true,
        };
        let is_active = self.standing(list_key, address) == Some(Standing::Active);
        if is_active && self.policy.existing_active == ExistingActive::AlreadyThere {
            return Err(Problem::ALREADY_THERE);
        }
        if is_public && !is_active {
            if let Some(list) = self.list_mut(list_key) {
                list.confirmation_mails += 1;
            }
            return Ok(Taken::AwaitsConfirmation);
        }
        let was_deleted = self.contacts.was_deleted(address);
        let id = self.contact_of(address, now)?;
        if reinstated {
            self.lift_registries(address);
        }
        self.write_values(id, &values);
        if let Some(list) = self.list_mut(list_key) {
            list.members.put(id, Standing::Active, now);
        }
        Ok(match (is_active, was_deleted || reinstated) {
            (true, _) => Taken::Updated,
            (false, true) => Taken::ReAdded,
            (false, false) => Taken::Added,
        })
    }

    /// Unsubscribes a contact from a list; in the topic model, from all of them.
    ///
    /// # Errors
    /// 2102 for an unknown list, 2103 for an address that is no contact or, under the policy, not on the list.
    pub(crate) fn unsubscribe(
        &mut self,
        list_key: &str,
        address: &str,
        now: Timestamp,
    ) -> Result<(), Problem> {
        let list = self.list(list_key).ok_or(Problem::UNSUBSCRIBE_LIST)?;
        let id = self
            .contacts
            .id_of(address)
            .ok_or(Problem::UNSUBSCRIBE_STRANGER)?;
        if list.members.get(id).is_none() {
            return match self.policy.unsubscribe_of_non_member {
                NonMember::Refuse => Err(Problem::UNSUBSCRIBE_STRANGER),
                NonMember::Accept => Ok(()),
            };
        }
        if self.policy.topic_model {
            self.move_active(id, Standing::Unsubscribed, now);
        }
        if let Some(list) = self.list_mut(list_key) {
            list.members.put(id, Standing::Unsubscribed, now);
        }
        Ok(())
    }

    /// Enters an address in a registry of the organisation, and takes its contact out of the active members everywhere.
    pub(crate) fn register(&mut self, registry: Registry, address: &str, now: Timestamp) {
        self.registries.enter(registry, address, now);
        let standing = match (registry, self.policy.do_not_mail_shows) {
            (Registry::Bounced, _) => Standing::Bounced,
            (Registry::DoNotMail, Shows::Unsubscribed) => Standing::Unsubscribed,
            (Registry::DoNotMail, Shows::Nowhere) | (Registry::Blocked, _) => Standing::Suppressed,
        };
        if let Some(id) = self.contacts.id_of(address) {
            self.move_active(id, standing, now);
        }
    }

    /// Takes an address out of all registries, and makes its contact active again where only they kept it from being so.
    pub(crate) fn lift(&mut self, address: &str, now: Timestamp) {
        self.lift_registries(address);
        let Some(id) = self.contacts.id_of(address) else {
            return;
        };
        for list in self.lists.values_mut() {
            match list.members.get(id).map(|member| member.standing) {
                Some(Standing::Bounced | Standing::Suppressed) => {
                    list.members.put(id, Standing::Active, now);
                }
                Some(Standing::Active | Standing::Unsubscribed) | None => {}
            }
        }
    }

    fn lift_registries(&mut self, address: &str) {
        for (registry, _) in self.registries.of(address) {
            self.registries.lift(registry, address);
        }
    }

    /// Deletes a contact from the account and every list; the registries keep the address. False if there is none.
    pub(crate) fn delete_contact(&mut self, address: &str) -> bool {
        let Some(id) = self.contacts.id_of(address) else {
            return false;
        };
        for list in self.lists.values_mut() {
            list.members.take(id);
        }
        self.contacts.delete(id);
        true
    }

    /// How the address stands on a list, if it is or was a member.
    pub(crate) fn standing(&self, list_key: &str, address: &str) -> Option<Standing> {
        let id = self.contacts.id_of(address)?;
        Some(self.list(list_key)?.members.get(id)?.standing)
    }

    /// The contact of an address, made if there is none yet.
    pub(crate) fn contact_of(
        &mut self,
        address: &str,
        now: Timestamp,
    ) -> Result<ContactId, Problem> {
        if let Some(id) = self.contacts.id_of(address) {
            return Ok(id);
        }
        match self.policy.contacts_max {
            Some(max) if self.contacts.len() >= max => Err(Problem::CONTACTS_MAX),
            Some(_) | None => Ok(self.contacts.create(address, now)),
        }
    }

    /// Refuses what is no address of a person.
    pub(crate) fn check_address(&self, address: &str) -> Result<(), Problem> {
        if !address::is_valid(address) {
            return Err(Problem::INVALID_ADDRESS);
        }
        match self.policy.role_addresses {
            RoleAddresses::Refuse if address::is_role(address) => Err(Problem::ROLE_ADDRESS),
            RoleAddresses::Refuse | RoleAddresses::Accept => Ok(()),
        }
    }

    /// Writes values that were accepted into a contact.
    pub(crate) fn write_values(&mut self, id: ContactId, values: &BTreeMap<Arc<str>, String>) {
        let Some(contact) = self.contacts.get_mut(id) else {
            return;
        };
        for (label, value) in values {
            if value.is_empty() {
                contact.fields.remove(label);
            } else {
                contact.fields.insert(label.clone(), value.clone());
            }
        }
    }

    /// The values as they would be stored, by label.
    pub(crate) fn accepted_values(
        &self,
        values: &[(String, String)],
    ) -> Result<BTreeMap<Arc<str>, String>, Problem> {
        let mut accepted = BTreeMap::new();
        for (label, value) in values {
            let Some(field) = self.fields.get(label) else {
                match self.policy.unknown_label {
                    UnknownLabel::Drop => continue,
                    UnknownLabel::Refuse => return Err(Problem::MALFORMED),
                }
            };
            if value.is_empty() && self.policy.empty_value == EmptyValue::Keep {
                continue;
            }
            let is_long = value.chars().count() > field.length_max;
            if is_long && self.policy.too_long == TooLong::Refuse {
                return Err(Problem::MALFORMED);
            }
            let value = value.chars().take(field.length_max).collect();
            accepted.insert(field.label.clone(), value);
        }
        Ok(accepted)
    }

    /// What the policy says about adding an address that must not get mail; `None` if nothing speaks against it.
    fn suppression(&self, list_key: &str, address: &str) -> Option<Suppressed> {
        if let Some((registry, _)) = self.registries.of(address).first() {
            return Some(match registry {
                Registry::Blocked => self.policy.blocked,
                Registry::Bounced => self.policy.bounced,
                Registry::DoNotMail => self.policy.do_not_mail,
            });
        }
        if self.standing(list_key, address) == Some(Standing::Active) {
            return None;
        }
        let id = self.contacts.id_of(address)?;
        let left = |list: &List| {
            let counts = self.policy.topic_model || list.key == list_key;
            let member = list.members.get(id);
            counts && member.is_some_and(|member| member.standing == Standing::Unsubscribed)
        };
        self.lists
            .values()
            .any(left)
            .then_some(self.policy.unsubscribed)
    }

    fn is_blocked(&self, address: &str) -> bool {
        let held = self.registries.of(address);
        held.iter()
            .any(|(registry, _)| *registry == Registry::Blocked)
    }

    fn move_active(&mut self, id: ContactId, standing: Standing, now: Timestamp) {
        for list in self.lists.values_mut() {
            let member = list.members.get(id);
            if member.is_some_and(|member| member.standing == Standing::Active) {
                list.members.put(id, standing, now);
            }
        }
    }
}
