//! What a run has to come to, by the specification: for every address whether it stays as it is on the run's list, comes onto
//! it, or goes. Where the specification leaves it open, several of these may be.
//!
//! Left open, each for its reason:
//! - What no change of a record shows: an incremental run reads changed records only, so that an address may come back with it
//!   or with the next run in full (a block that was lifted by another record, a contact that Campaigns lost).
//! - Contacts that others put on a list since the last full run: nothing but a full run reads who is on a list, so that an
//!   incremental one may miss that their address opted out. So with those whose bounce support has lifted.
//! - Contacts that left a list, or were lost there, and came back before any look at it, or came while as many others went:
//!   they may count as rosterd's own. Whom a run adds while others join without its noticing may count as theirs.
//! - People whom rosterd took off, and who joined and left since: "within an hour", as the README says, that cannot be told
//!   apart, and no hour of rosterd's own passes in a walk.
//! - Contacts whose bounce support lifted: whether they are still rosterd's own, for a record that goes, is not said.
//! - An unsubscribe that no run could see before Campaigns forgot the contact.
//! - People who came back to a list in person, or whose bounce was lifted, and who were lost there afterwards: whether
//!   "remembered even if Campaigns forgets it" outlasts their return is not said.
//! - An address that Campaigns took and did not add: it is sent again when its fields change, and which changes show is not
//!   followed here.
//! - Several records of a sync with one address that go in one run by rules that contradict each other, and rules for records
//!   that had gone before while the address stayed.

use super::facts::{Block, Facts, Join, Last, Link, Place};
use super::scene::{Row, Scene};
use super::syncs::Sync;

/// What may become of an address; one at least is true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fate {
    pub(super) stay: bool,
    pub(super) come: bool,
    pub(super) go: bool,
    /// It goes for a record that was deleted or left, so that it can be held.
    pub(super) is_holdable: bool,
}

const STAY: Fate = Fate {
    stay: true,
    come: false,
    go: false,
    is_holdable: false,
};

impl Fate {
    /// What is left of it where the suppressions cannot be read: only who opted out goes.
    pub(super) fn gated(self) -> Self {
        match self.is_holdable || self.come {
            true => STAY,
            false => self,
        }
    }

    fn coming(stay: bool) -> Self {
        let come = true;
        Self { stay, come, ..STAY }
    }

    fn opting_out(stay: bool) -> Self {
        let go = true;
        Self { stay, go, ..STAY }
    }

    fn going(stay: bool) -> Self {
        let (go, is_holdable) = (true, true);
        Self {
            stay,
            go,
            is_holdable,
            ..STAY
        }
    }
}

/// A run whose outcome is asked for.
pub(super) struct Asked<'w> {
    pub(super) facts: &'w Facts,
    pub(super) syncs: &'w [Sync],
    pub(super) number: usize,
    pub(super) scene: &'w Scene,
    pub(super) is_full: bool,
}

impl Asked<'_> {
    fn sync(&self) -> &Sync {
        &self.syncs[self.number]
    }

    /// Whether the sync's read shows that a record is new or changed.
    pub(super) fn shows(&self, row: &Row) -> bool {
        let seen = self.facts.seen[self.number].rows.get(&row.id);
        self.is_full || seen != Some(&row.modified)
    }

    /// What may become of an address.
    pub(super) fn fate(&self, address: &str) -> Fate {
        let list = self.sync().list;
        let place = self.facts.place(list, address);
        let block = self.facts.block(address);
        match (self.scene.is_active(list, address), block) {
            (true, Some(Block::Sure)) => Fate::opting_out(self.is_unknown_to_be_on(place)),
            (true, Some(Block::Doubtful)) => Fate::opting_out(true),
            (true, None) => self.removal(address, place),
            (false, Some(Block::Sure)) => STAY,
            (false, Some(Block::Doubtful)) => match self.addition(address, place) {
                Fate { come: true, .. } => Fate::coming(true),
                other => other,
            },
            (false, None) => self.addition(address, place),
        }
    }

    fn addition(&self, address: &str, place: Place) -> Fate {
        let wanted: Vec<&Row> = self.scene.wanted(self.sync(), address).collect();
        if wanted.is_empty() || self.facts.is_held_back(address) {
            return STAY;
        }
        let Some(is_sure) = self.may_come(address, place) else {
            return STAY;
        };
        let is_shown = wanted.iter().any(|row| self.shows(row));
        let is_missed = place.last == Last::Lost && !self.is_full;
        Fate::coming(!is_sure || !is_shown || is_missed || place.is_refused[self.number])
    }

    /// Whether an address that is not on the list may be put there, and whether that is sure.
    fn may_come(&self, address: &str, place: Place) -> Option<bool> {
        let list = self.sync().list;
        let adds_again = self.sync().opted_in_again == "add";
        if place.is_doubtful {
            return Some(false);
        }
        if place.bounce_is_seen {
            return place.came_back.then_some(false);
        }
        match (self.scene.standing(list, address), place.last) {
            ("unsubscribed", Last::Gone) => Some(true),
            ("unsubscribed", Last::OptedOut) => adds_again.then_some(true),
            ("", Last::OptedOut) => Some(adds_again),
            // Campaigns forgot it, and a run had seen it.
            ("", Last::Person) => None,
            ("", _) if place.left_is_seen => place.came_back.then_some(false),
            ("", Last::Lost) => Some(!place.came_back && !place.was_taken_off),
            ("", Last::Nobody | Last::Gone) => Some(true),
            _ => None,
        }
    }

    fn removal(&self, address: &str, place: Place) -> Fate {
        if self.scene.wanted(self.sync(), address).next().is_some() {
            return STAY;
        }
        let verdicts = self.verdicts(address);
        let (go, stay) = (
            verdicts.iter().any(|it| *it != Some(false)),
            verdicts.iter().any(|it| *it != Some(true)),
        );
        if !go || self.is_claimed_by_another(address) {
            return STAY;
        }
        match self.removal_is_ours(place) {
            false => STAY,
            true => Fate::going(
                stay || place.is_doubtful
                    || place.bounce_is_seen
                    || place.join == Join::Unnoticed
                    || self.is_unknown_to_be_on(place),
            ),
        }
    }

    /// Whether only a run in full shows that an address is on the list: others put it there, or support lifted a bounce that
    /// had been read.
    fn is_unknown_to_be_on(&self, place: Place) -> bool {
        !self.is_full && (place.last == Last::Others || place.bounce_is_seen)
    }

    /// Whether a contact may be taken off for a record that has gone: only whom rosterd put there.
    pub(super) fn removal_is_ours(&self, place: Place) -> bool {
        place.last != Last::Others || place.join == Join::Unnoticed
    }

    /// What each record that has gone says: `Some(true)` to take the address off, `None` where that is open.
    fn verdicts(&self, address: &str) -> Vec<Option<bool>> {
        let links = self.facts.seen[self.number].links.iter();
        let links = links.filter(|((of, _), _)| of == address);
        links
            .filter_map(|((_, record), link)| self.verdict(record, link))
            .collect()
    }

    pub(super) fn verdict(&self, record: &str, link: &Link) -> Option<Option<bool>> {
        let (deleted, left) = (self.sync().deleted != "keep", self.sync().left != "keep");
        let row = self.scene.rows.iter().find(|row| row.id == record);
        match (link, row) {
            (Link::Wanted, None) => Some(Some(deleted)),
            (Link::Wanted, Some(_)) => Some(Some(left)),
            (Link::Kept, None) => Some(Some(deleted)),
            (Link::Kept, Some(_)) => None,
            (Link::Held, None) => Some(match deleted || left {
                true => None,
                false => Some(false),
            }),
            // Held for leaving: it is made by the next run once nothing is held any more.
            (Link::Held, Some(_)) => Some(match left {
                true => None,
                false => Some(false),
            }),
            (Link::Spared, None) => deleted.then_some(None),
            (Link::Spared, Some(_)) => None,
            (Link::Dropped(None), _) => None,
            (Link::Dropped(Some(_)), None) => Some(Some(deleted)),
            (Link::Dropped(Some(at)), Some(row)) if *at != row.modified => Some(Some(left)),
            (Link::Dropped(Some(_)), Some(_)) => None,
        }
    }

    /// Whether another sync of the list has, as far as it has seen, a record that wants the address there.
    pub(super) fn is_claimed_by_another(&self, address: &str) -> bool {
        let list = self.sync().list;
        let others = (0..self.syncs.len())
            .filter(|other| *other != self.number && self.syncs[*other].list == list);
        others
            .flat_map(|other| &self.facts.seen[other].links)
            .any(|((of, _), link)| of == address && *link == Link::Wanted)
    }
}
