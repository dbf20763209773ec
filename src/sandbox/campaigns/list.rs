//! A mailing list and its members.
//!
//! Members are kept in the order in which they came to their standing, so that a page of a reading is a slice: reading all of
//! 200,000 members page by page sorts nothing and skips nothing.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::contact::ContactId;

/// How a member stands on one list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Standing {
    /// Gets mail.
    Active,
    /// Left the list.
    Unsubscribed,
    /// Could not be reached.
    Bounced,
    /// Blocked or do-not-mail, and shown in no reading.
    Suppressed,
}

/// One contact's place on one list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) standing: Standing,
    pub(crate) added_at: Timestamp,
    /// When the member came to this standing.
    pub(crate) since: Timestamp,
    turn: u64,
}

/// Everybody who is or was on a list, each under one standing.
#[derive(Debug, Default)]
pub(crate) struct Members {
    by_contact: HashMap<ContactId, Member>,
    turns: u64,
    active: Vec<(u64, ContactId)>,
    unsubscribed: Vec<(u64, ContactId)>,
    bounced: Vec<(u64, ContactId)>,
    suppressed: Vec<(u64, ContactId)>,
}

/// A mailing list.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) key: String,
    pub(crate) name: String,
    pub(crate) description: String,
    /// The stable number that the service calls `listunino`.
    pub(crate) number: u64,
    /// Whether the sign-up form is on: whoever is added must confirm by mail first.
    pub(crate) is_public: bool,
    pub(crate) owner: String,
    pub(crate) locked: bool,
    pub(crate) created_at: Timestamp,
    /// How many confirmation mails adding people has caused.
    pub(crate) confirmation_mails: u64,
    pub(crate) members: Members,
}

impl Members {
    /// How the contact stands, if it is or was on the list.
    pub(crate) fn get(&self, contact: ContactId) -> Option<&Member> {
        self.by_contact.get(&contact)
    }

    /// Puts the contact under a standing; a contact that has it already keeps its place.
    pub(crate) fn put(&mut self, contact: ContactId, standing: Standing, now: Timestamp) {
        let before = self.by_contact.get(&contact).copied();
        if before.is_some_and(|member| member.standing == standing) {
            return;
        }
        self.take(contact);
        let turn = self.turns;
        self.turns += 1;
        let added_at = before.map_or(now, |member| member.added_at);
        self.by_contact.insert(
            contact,
            Member {
                standing,
                added_at,
                since: now,
                turn,
            },
        );
        // Turns only grow, so pushing keeps the order.
        self.order_mut(standing).push((turn, contact));
    }

    /// Forgets the contact.
    pub(crate) fn take(&mut self, contact: ContactId) {
        let Some(member) = self.by_contact.remove(&contact) else {
            return;
        };
        let order = self.order_mut(member.standing);
        if let Ok(place) = order.binary_search_by_key(&member.turn, |(turn, _)| *turn) {
            order.remove(place);
        }
    }

    /// The contacts under a standing, those who came to it first in front.
    pub(crate) fn order(&self, standing: Standing) -> &[(u64, ContactId)] {
        match standing {
            Standing::Active => &self.active,
            Standing::Unsubscribed => &self.unsubscribed,
            Standing::Bounced => &self.bounced,
            Standing::Suppressed => &self.suppressed,
        }
    }

    /// Everybody, in no order.
    pub(crate) fn all(&self) -> impl Iterator<Item = (ContactId, &Member)> {
        self.by_contact
            .iter()
            .map(|(contact, member)| (*contact, member))
    }

    /// How many have the standing.
    pub(crate) fn count(&self, standing: Standing) -> usize {
        self.order(standing).len()
    }

    fn order_mut(&mut self, standing: Standing) -> &mut Vec<(u64, ContactId)> {
        match standing {
            Standing::Active => &mut self.active,
            Standing::Unsubscribed => &mut self.unsubscribed,
            Standing::Bounced => &mut self.bounced,
            Standing::Suppressed => &mut self.suppressed,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STANDINGS: [Standing; 4] = [
        Standing::Active,
        Standing::Unsubscribed,
        Standing::Bounced,
        Standing::Suppressed,
    ];

    proptest! {
        #[test]
        fn every_member_is_in_exactly_one_order_and_orders_are_by_turn(
            steps in proptest::collection::vec((0_u32..20, 0_usize..5), 0..200)
        ) {
            let mut members = Members::default();
            for (contact, step) in steps {
                match STANDINGS.get(step) {
                    Some(standing) => members.put(ContactId(contact), *standing, Timestamp::UNIX_EPOCH),
                    None => members.take(ContactId(contact)),
                }
            }
            let mut seen = 0;
            for standing in STANDINGS {
                let order = members.order(standing);
                prop_assert!(order.is_sorted_by_key(|(turn, _)| *turn));
                for (_, contact) in order {
                    prop_assert_eq!(members.get(*contact).map(|member| member.standing), Some(standing));
                    seen += 1;
                }
            }
            prop_assert_eq!(seen, members.all().count());
        }
    }

    #[test]
    fn a_member_that_left_and_came_back_keeps_the_time_it_was_added() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut members = Members::default();
        members.put(ContactId(1), Standing::Active, at(1));
        members.put(ContactId(1), Standing::Unsubscribed, at(2));
        let member = members.get(ContactId(1)).unwrap();
        assert_eq!((member.added_at, member.since), (at(1), at(2)));
    }
}
