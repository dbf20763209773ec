//! What the walk remembers of the past: who put whom on a list or took them off, which records block which address, and what
//! each sync has seen. From the specification alone.

use std::collections::{BTreeMap, BTreeSet};

use super::scene::Scene;
use super::syncs::{LISTS, Sync};

/// Who spoke last about an address on a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Last {
    /// Nobody ever did.
    #[default]
    Nobody,
    /// rosterd added it.
    Rosterd,
    /// Somebody else put it there, or the person joined.
    Others,
    /// rosterd took it off because its record had gone.
    Gone,
    /// rosterd took it off because it opted out in the CRM.
    OptedOut,
    /// The person left, complained, or a colleague put it on do-not-mail.
    Person,
    /// The contact was deleted in Campaigns.
    Lost,
}

/// Whether rosterd can know that others put a contact on a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Join {
    #[default]
    Known,
    /// Only reads in full show it.
    Unread,
    /// Nothing shows it: it left the list and came back between two looks, or came while as many others went.
    Unnoticed,
}

/// The past of an address on a list.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Place {
    pub(super) last: Last,
    /// A run has read that the person left, or, on any list, that mail bounced.
    pub(super) left_is_seen: bool,
    pub(super) bounce_is_seen: bool,
    /// The person came back after that.
    pub(super) came_back: bool,
    /// rosterd had put it there, and nothing has shown it yet that it left or was lost since.
    pub(super) seems_ours: bool,
    /// rosterd took it off once.
    pub(super) was_taken_off: bool,
    pub(super) join: Join,
    /// By sync: Campaigns took it and did not add it; it is sent again when its fields change.
    pub(super) is_refused: [bool; 3],
    /// rosterd cannot know, or is known to get wrong, who spoke last.
    pub(super) is_doubtful: bool,
}

/// How a record stands with a sync that has seen it under an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Link {
    /// It wants the address on the list.
    Wanted,
    /// It left, and the definition said `keep`.
    Kept,
    /// It went, and the address stayed for another reason, so that what a later rule makes of it is left open.
    Spared,
    /// Its removal is held.
    Held,
    /// Its removal was held and discarded, while the record was as it was at this time.
    Dropped(Option<String>),
}

/// What a sync knows.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    /// The records of its last run that read them to the end, with their times of change.
    pub(super) rows: BTreeMap<String, String>,
    /// By address and record.
    pub(super) links: BTreeMap<(String, String), Link>,
    /// The run that holds removals, and the definition of that time.
    pub(super) hold: Option<(String, Sync)>,
}

/// How sure it is that a record blocks an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Block {
    Sure,
    /// A run that failed has read that the record opted in again, and what it left of that is open.
    Doubtful,
}

/// All of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    pub(super) places: BTreeMap<(usize, String), Place>,
    pub(super) blocks: BTreeMap<(String, String), Block>,
    /// Bounced or do-not-mail, for the whole account: Campaigns lets nobody add them.
    pub(super) bounced: BTreeSet<String>,
    pub(super) do_not_mail: BTreeSet<String>,
    /// Those that the account never heard of are not here.
    pub(super) known: BTreeSet<String>,
    pub(super) seen: [Seen; 3],
}

impl Facts {
    pub(super) fn place(&self, list: usize, address: &str) -> Place {
        let key = (list, address.to_owned());
        self.places.get(&key).copied().unwrap_or_default()
    }

    pub(super) fn place_mut(&mut self, list: usize, address: &str) -> &mut Place {
        self.places.entry((list, address.to_owned())).or_default()
    }

    /// Whether a record that opted out blocks an address.
    pub(super) fn block(&self, address: &str) -> Option<Block> {
        let of = self
            .blocks
            .iter()
            .filter(|((_, blocked), _)| blocked == address);
        let sure = |(_, block): &(_, &Block)| **block == Block::Sure;
        let (sure, doubtful): (Vec<_>, Vec<_>) = of.partition(sure);
        match (sure.is_empty(), doubtful.is_empty()) {
            (false, _) => Some(Block::Sure),
            (true, false) => Some(Block::Doubtful),
            (true, true) => None,
        }
    }

    /// How many contacts of a list Campaigns has lost.
    pub(super) fn lost(&self, list: usize) -> usize {
        let of =
            |((on, _), place): &(&(usize, String), &Place)| *on == list && place.last == Last::Lost;
        self.places.iter().filter(of).count()
    }

    /// Whether Campaigns adds an address to no list.
    pub(super) fn is_held_back(&self, address: &str) -> bool {
        self.bounced.contains(address) || self.do_not_mail.contains(address)
    }

    /// Everybody whom this is about.
    pub(super) fn addresses(&self, scene: &Scene) -> BTreeSet<String> {
        let rows = scene.rows.iter().filter_map(|row| row.address.clone().ok());
        let listed = scene.standings.iter().flat_map(|list| list.keys().cloned());
        let met = self.places.keys().map(|(_, address)| address.clone());
        rows.chain(listed).chain(met).collect()
    }

    /// The person leaves a list, or is taken from it by a complaint.
    pub(super) fn leave(&mut self, list: usize, address: &str) {
        let place = self.place_mut(list, address);
        // rosterd took it off, and cannot tell whether it came back meanwhile, if that was a short while ago.
        place.is_doubtful |= place.was_taken_off && place.last == Last::Others;
        place.seems_ours |= place.last == Last::Rosterd;
        place.last = Last::Person;
        place.left_is_seen = false;
        place.came_back = false;
        place.is_refused = [false; 3];
    }

    /// Others put a contact on a list, or the person joins.
    pub(super) fn join(&mut self, list: usize, address: &str) {
        self.do_not_mail.remove(address);
        self.known.insert(address.to_owned());
        let place = self.place_mut(list, address);
        place.last = Last::Others;
        place.came_back = true;
        place.join = match place.seems_ours {
            true => Join::Unnoticed,
            false => Join::Unread,
        };
        place.is_refused = [false; 3];
    }

    /// Campaigns forgets a contact.
    pub(super) fn lose(&mut self, address: &str) {
        for list in 0..LISTS.len() {
            let place = self.place_mut(list, address);
            place.seems_ours |= place.last == Last::Rosterd;
            match place.last {
                Last::Rosterd | Last::Others => place.last = Last::Lost,
                Last::Person if !place.left_is_seen => place.last = Last::Lost,
                Last::Person | Last::Gone | Last::OptedOut | Last::Nobody | Last::Lost => {}
            }
        }
    }

    /// Support takes an address out of the registries.
    pub(super) fn lift(&mut self, address: &str) {
        self.bounced.remove(address);
        self.do_not_mail.remove(address);
    }

    /// A run begins and reads what records say of opting out: everything that changed, whatever its module.
    pub(super) fn read_opt_outs(&mut self, scene: &Scene, has_failed: bool) {
        for row in &scene.rows {
            let Ok(address) = &row.address else { continue };
            let key = (row.id.clone(), address.clone());
            match (row.is_opted_out, has_failed) {
                (true, _) => {
                    self.blocks.insert(key, Block::Sure);
                }
                (false, false) => {
                    self.blocks.remove(&key);
                }
                (false, true) => {
                    if let Some(block) = self.blocks.get_mut(&key) {
                        *block = Block::Doubtful;
                    }
                }
            }
        }
    }

    /// A run reads a list's suppressions.
    pub(super) fn read_suppressions(&mut self, list: usize, scene: &Scene) {
        for (address, standing) in &scene.standings[list] {
            let place = self.place_mut(list, address);
            if standing == "unsubscribed" && place.last == Last::Person {
                place.left_is_seen = true;
                place.seems_ours = false;
                place.came_back = false;
            }
            if standing == "bounced" {
                for list in 0..LISTS.len() {
                    let place = self.place_mut(list, address);
                    place.bounce_is_seen = true;
                    place.came_back = false;
                }
            }
        }
    }

    /// A run reads, or does not read, who is on a list.
    pub(super) fn read_members(&mut self, list: usize, is_full: bool, scene: &Scene) {
        for address in scene.standings[list].keys() {
            // Whose bounce support has lifted is seen to be there again, also by other runs that look at the list.
            for other in (0..LISTS.len()).filter(|_| scene.is_active(list, address)) {
                self.place_mut(other, address).came_back = true;
            }
        }
        let places = self.places.iter_mut();
        for (_, place) in places.filter(|((of, _), _)| *of == list && is_full) {
            place.seems_ours &= place.last != Last::Lost;
            if place.join == Join::Unread {
                place.join = Join::Known;
            }
        }
    }
}
