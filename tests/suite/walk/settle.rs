//! What a run, a decision or an adoption leaves behind in the walk's memory.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{Block, Facts, Join, Last, Link};
use super::model::Asked;
use super::scene::Scene;
use super::syncs::Sync;

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ended {
    Completed,
    /// Under the id of the run that holds.
    Held(String),
    /// Its gate was closed.
    Failed,
}

/// A run that is over: `scene` is what it found, `after` what its list shows now, `sent` whom it tried to add.
pub(super) struct Over<'w> {
    pub(super) syncs: &'w [Sync],
    pub(super) number: usize,
    pub(super) scene: &'w Scene,
    pub(super) after: &'w BTreeMap<String, String>,
    pub(super) sent: &'w BTreeSet<String>,
    pub(super) is_full: bool,
    pub(super) ended: Ended,
}

impl Facts {
    /// Remembers what a run did.
    pub(super) fn settle(&mut self, over: &Over<'_>) {
        let list = over.syncs[over.number].list;
        let have_others_come = !over.is_full
            && self
                .places
                .iter()
                .any(|((of, _), place)| *of == list && place.join == Join::Unread);
        if over.ended != Ended::Failed {
            self.settle_links(over);
            let rows = over.scene.rows.iter();
            self.seen[over.number].rows = rows
                .map(|row| (row.id.clone(), row.modified.clone()))
                .collect();
            self.read_members(list, over.is_full, over.scene);
        }
        for address in self.addresses(over.scene) {
            let standing = over.after.get(&address).map_or("", String::as_str);
            let is_sent = over.sent.contains(&address);
            let place = self.place(list, &address);
            self.settle_place(over.number, list, &address, standing, is_sent);
            if have_others_come && self.place(list, &address).last != place.last {
                self.place_mut(list, &address).join = Join::Unnoticed;
            }
        }
    }

    fn settle_place(
        &mut self,
        number: usize,
        list: usize,
        address: &str,
        standing: &str,
        is_sent: bool,
    ) {
        let is_blocked = self.block(address) == Some(Block::Sure);
        let place = self.place_mut(list, address);
        match (standing, place.last) {
            ("active", Last::Rosterd | Last::Others) => {}
            ("active", _) => {
                place.last = Last::Rosterd;
                (place.join, place.seems_ours) = (Join::Known, false);
                place.is_refused = [false; 3];
                place.is_doubtful = false;
                self.known.insert(address.to_owned());
            }
            ("unsubscribed", Last::Rosterd | Last::Others) => {
                let reason = match is_blocked {
                    true => Last::OptedOut,
                    false => Last::Gone,
                };
                place.last = reason;
                place.was_taken_off = true;
                place.is_refused = [false; 3];
            }
            _ => place.is_refused[number] |= is_sent,
        }
    }

    fn settle_links(&mut self, over: &Over<'_>) {
        let sync = &over.syncs[over.number];
        let mut links = BTreeMap::new();
        for row in over.scene.rows.iter().filter(|row| sync.wants(row)) {
            if let Ok(address) = &row.address {
                links.insert((address.clone(), row.id.clone()), Link::Wanted);
            }
        }
        let asked = Asked {
            facts: self,
            syncs: over.syncs,
            number: over.number,
            scene: over.scene,
            is_full: over.is_full,
        };
        let is_held = matches!(over.ended, Ended::Held(_));
        for (key, link) in &self.seen[over.number].links {
            if links.contains_key(key) {
                continue;
            }
            let (address, record) = key;
            let is_there = over.scene.has(record);
            let is_wanted = over.scene.wanted(sync, address).next().is_some();
            let is_active = over.after.get(address).is_some_and(|it| it == "active");
            let becomes = match asked.verdict(record, link) {
                None => Some(link.clone()),
                Some(_) if !is_active => None,
                Some(_) if is_wanted => Some(Link::Spared),
                Some(Some(false)) => is_there.then_some(Link::Kept),
                Some(_) if is_held && asked.fate(address).is_holdable => Some(Link::Held),
                Some(_) => is_there.then_some(Link::Spared),
            };
            if let Some(link) = becomes {
                links.insert(key.clone(), link);
            }
        }
        let seen = &mut self.seen[over.number];
        seen.links = links;
        seen.hold = match &over.ended {
            Ended::Held(run) => {
                let before = seen.hold.take();
                Some(before.unwrap_or_else(|| (run.clone(), sync.clone())))
            }
            Ended::Completed | Ended::Failed => None,
        };
    }

    /// Remembers what a person decided on a sync's hold.
    pub(super) fn decide(
        &mut self,
        syncs: &[Sync],
        number: usize,
        is_approved: bool,
        scene: &Scene,
        after: &BTreeMap<String, String>,
    ) {
        let seen = &mut self.seen[number];
        seen.hold = None;
        let mut gone = BTreeSet::new();
        let links = std::mem::take(&mut seen.links);
        for (key, link) in links {
            let (address, record) = &key;
            let is_active = after.get(address).is_some_and(|it| it == "active");
            let row = scene.rows.iter().find(|row| row.id == *record);
            let link = match (link, is_approved) {
                (Link::Held, true) if is_active => Link::Spared,
                (Link::Held, true) => {
                    gone.insert(address.clone());
                    continue;
                }
                (Link::Held, false) => Link::Dropped(row.map(|row| {
                    let read = seen.rows.get(record);
                    read.unwrap_or(&row.modified).clone()
                })),
                (link, _) => link,
            };
            seen.links.insert(key, link);
        }
        for address in gone {
            let place = self.place_mut(syncs[number].list, &address);
            if matches!(place.last, Last::Rosterd | Last::Others) {
                place.last = Last::Gone;
                place.was_taken_off = true;
            }
        }
    }

    /// Remembers that a sync made its own whom others put on its list.
    pub(super) fn adopt(&mut self, syncs: &[Sync], number: usize, scene: &Scene) {
        let list = syncs[number].list;
        let links = self.seen[number].links.iter();
        let wanted = links.filter(|(_, link)| **link == Link::Wanted);
        let wanted: BTreeSet<String> = wanted.map(|((address, _), _)| address.clone()).collect();
        for address in wanted {
            let is_blocked = self.block(&address).is_some();
            let is_active = scene.is_active(list, &address);
            let place = self.place_mut(list, &address);
            if is_active && !is_blocked && place.last == Last::Others {
                place.last = Last::Rosterd;
                place.is_doubtful = true;
            }
        }
    }
}
