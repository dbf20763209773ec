//! What people do on a day of a soak: drawn once, and done in both worlds.
//!
//! A run that fails leaves its work to the next one, and what happens between the two may then be seen at once where the
//! undisturbed world saw one after the other. So that both have to come to the same, one thing at most happens to a person
//! on a day, beginning with the day after the first imports, and on days with things that only a read in full can see, the
//! evening's runs read in full.

mod draw;

use std::collections::BTreeMap;

use super::people::People;
use super::syncs::{MOMENTS, Sync};
use crate::rig::Dice;
use draw::{Drawer, make};

/// Beyond so many removals of a run a person is asked.
pub(super) const REMOVALS_MAX: usize = 6;
/// Further people who are deleted at once, on a day of that kind.
const MASS: usize = 9;

/// One thing that somebody does. People are named by their number, records by their place.
#[derive(Debug, Clone)]
pub(super) enum Act {
    /// Records are made, and a deal, if there is one.
    Make {
        person: usize,
        address: String,
        records: Vec<usize>,
        opted_out: Option<usize>,
        is_gold: bool,
        industry: &'static str,
        account: Option<usize>,
        deal: Option<bool>,
    },
    /// All records of a person get this in a field.
    Edit {
        person: usize,
        records: Vec<usize>,
        field: &'static str,
        value: String,
    },
    OptOut {
        person: usize,
        record: usize,
        is_out: bool,
    },
    Delete {
        person: usize,
        records: Vec<usize>,
    },
    Restore {
        person: usize,
        record: usize,
    },
    Convert {
        person: usize,
    },
    Deal {
        person: usize,
        is_won: bool,
    },
    Industry {
        account: usize,
        is_hospitable: bool,
    },
    /// Something in Campaigns: its name there, the list, where there is one, and the address.
    Campaigns {
        what: &'static str,
        list: Option<&'static str>,
        address: String,
    },
}

/// What kind of day it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// What happens shows in changes.
    Plain,
    /// Some of it shows only in a read in full.
    Hidden,
    /// Many are deleted at once, and nobody goes away otherwise.
    Mass { is_approved: bool },
}

/// A day.
#[derive(Debug, Clone)]
pub(super) struct Day {
    pub(super) kind: Kind,
    /// A sync whose definition is edited in the morning, and how.
    pub(super) edit: Option<(usize, usize)>,
    /// What happens before each moment.
    pub(super) acts: Vec<Vec<Act>>,
}

/// How everybody stands in the morning: by list and address.
pub(super) type Standings = BTreeMap<&'static str, BTreeMap<String, String>>;

/// People who were not there before.
pub(super) fn newcomers(people: &mut People, dice: &mut Dice, count: usize) -> Vec<Act> {
    (0..count).map(|_| make(people, dice)).collect()
}

/// A day; `people` are afterwards as it leaves them.
pub(super) fn day(
    people: &mut People,
    dice: &mut Dice,
    number: usize,
    syncs: &[Sync],
    standings: &Standings,
) -> Day {
    let kind = match number % 3 {
        0 => Kind::Plain,
        1 => Kind::Hidden,
        _ => Kind::Mass {
            is_approved: number % 6 == 2,
        },
    };
    let recurring = syncs.iter().filter(|sync| !sync.runs_once()).count();
    let edit = (number > 0 && dice.roll(2) == 0).then(|| (dice.roll(recurring), dice.roll(4)));
    let mut drawer = Drawer::new(people, dice, kind, standings);
    let mut acts: Vec<Vec<Act>> = Vec::new();
    for moment in 0..MOMENTS.len() {
        let mut now = Vec::new();
        if moment == 1 && matches!(kind, Kind::Mass { .. }) {
            now.extend(drawer.mass());
        }
        for _ in 0..2 + drawer.roll(4) {
            now.extend(match number {
                0 => Some(drawer.make()),
                _ => drawer.draw(),
            });
        }
        acts.push(now);
    }
    drawer.end();
    Day { kind, edit, acts }
}
