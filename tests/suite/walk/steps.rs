//! The steps of a walk, drawn before it begins: what each comes to depends on what is there when its turn comes, so that any
//! of them can be left out and the others still mean the same.

use crate::rig::Dice;

/// Places for records: the first ones hold contacts, the rest leads.
pub(super) const CONTACTS: usize = 14;
pub(super) const SLOTS: usize = 24;

/// People that the walk is about; what else can stand in an e-mail field comes after them.
pub(super) const PEOPLE: usize = 14;
pub(super) const JUNK: [&str; 4] = ["", "jane@aol", "info@walk.example", "a..b@walk.example"];

/// One step.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// Somebody works on the record of a slot; where there is none, it is made or taken out of the recycle bin.
    Record {
        slot: usize,
        edit: Edit,
        with: usize,
    },
    /// Something happens to an address in Campaigns.
    Act {
        act: Act,
        person: usize,
        list: usize,
    },
    /// A definition is edited.
    Define {
        sync: usize,
        rule: usize,
        value: usize,
    },
    /// A person decides on what a sync holds.
    Decide { sync: usize, is_approved: bool },
    /// Somebody makes a sync's own whom others put on its list.
    Adopt { sync: usize },
    /// A sync runs, so many seconds after the step before.
    Run {
        sync: usize,
        is_full: bool,
        wait: i64,
        trouble: Trouble,
    },
}

/// What is done to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edit {
    Address,
    FirstName,
    LastName,
    OptOut,
    OptIn,
    Unmapped,
    Delete,
    Convert,
}

/// What happens in Campaigns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Unsubscribe,
    Subscribe,
    Bounce,
    /// A complaint comes to the same: the address goes to the do-not-mail registry.
    DoNotMail,
    Lift,
    DeleteContact,
}

/// What goes wrong while a sync runs.
#[derive(Debug, Clone)]
pub(super) enum Trouble {
    None,
    /// The suppressions cannot be read.
    GateClosed,
    /// It is killed while it waits for the call after so many, and these things happen before it is started again.
    Killed {
        after: usize,
        meanwhile: Vec<(Act, usize)>,
    },
}

const EDITS: [(usize, Edit); 8] = [
    (24, Edit::Address),
    (12, Edit::FirstName),
    (16, Edit::LastName),
    (10, Edit::OptOut),
    (10, Edit::OptIn),
    (6, Edit::Unmapped),
    (18, Edit::Delete),
    (4, Edit::Convert),
];

const ACTS: [(usize, Act); 6] = [
    (10, Act::Unsubscribe),
    (8, Act::Subscribe),
    (3, Act::Bounce),
    (3, Act::DoNotMail),
    (5, Act::Lift),
    (5, Act::DeleteContact),
];

fn one_of<T: Copy>(dice: &mut Dice, choices: &[(usize, T)]) -> T {
    let mut roll = dice.roll(choices.iter().map(|(weight, _)| weight).sum());
    for (weight, choice) in choices {
        match roll.checked_sub(*weight) {
            None => return *choice,
            Some(rest) => roll = rest,
        }
    }
    unreachable!("the roll is below the sum of the weights")
}

/// So many steps for a seed.
pub(super) fn drawn(seed: u64, count: usize) -> Vec<Step> {
    let mut dice = Dice::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let mut until_run = 0;
    (0..count)
        .map(|_| match until_run {
            0 => {
                until_run = 3 + dice.roll(9);
                run(&mut dice)
            }
            _ => {
                until_run -= 1;
                event(&mut dice)
            }
        })
        .collect()
}

fn event(dice: &mut Dice) -> Step {
    let (slot, with, sync) = (dice.roll(SLOTS), dice.roll(1000), dice.roll(3));
    match dice.roll(100) {
        0..60 => Step::Record {
            slot,
            edit: one_of(dice, &EDITS),
            with,
        },
        60..90 => Step::Act {
            act: one_of(dice, &ACTS),
            person: with % PEOPLE,
            list: dice.roll(2),
        },
        90..95 => Step::Define {
            sync,
            rule: dice.roll(6),
            value: with,
        },
        95..99 => Step::Decide {
            sync,
            is_approved: with % 2 == 0,
        },
        _ => Step::Adopt { sync },
    }
}

fn run(dice: &mut Dice) -> Step {
    let trouble = match dice.roll(100) {
        0..2 => Trouble::GateClosed,
        2..14 => Trouble::Killed {
            after: dice.roll(24),
            meanwhile: (0..dice.roll(3))
                .map(|_| (one_of(dice, &ACTS), dice.roll(PEOPLE)))
                .collect(),
        },
        _ => Trouble::None,
    };
    Step::Run {
        sync: dice.roll(3),
        is_full: dice.roll(5) == 0,
        wait: [5, 60, 600][dice.roll(3)],
        trouble,
    }
}
