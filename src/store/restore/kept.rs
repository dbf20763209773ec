//! Checkpoints, counters and standings after a restore: nothing is counted less, finished less or held less than in the
//! backup or in the present state, and no cursor is trusted.

use jiff::Timestamp;

use super::merge;
use crate::domain::activation::AccountHold;
use crate::store::mirror::Snapshot;
use crate::store::state::{Checkpoint, Credentials, Running, Standing, Untold};

/// Key of the event that tells of a restore, until the journal has it.
const EVENT: &str = "restored";

/// What the restored state is put together from.
pub(super) struct Sides {
    /// What the backup has.
    pub(super) backup: Snapshot,
    /// What the present state has; none where it cannot be read, or where there is none.
    pub(super) present: Option<Snapshot>,
    /// Whether the restored ledger is the backup's own: then so is how far it has read.
    pub(super) by_backup: bool,
    /// Whether something of the present state cannot be read: then every sync is inactive until a person activates it.
    pub(super) in_doubt: bool,
}

/// Puts both together; `event` is what the journal is to be told of it.
pub(super) fn merged(sides: Sides, now: Timestamp, event: String) -> Snapshot {
    let Sides {
        backup,
        present,
        by_backup,
        in_doubt,
    } = sides;
    let is_known = present.is_some();
    let present = present.unwrap_or_default();
    let mut kept = match is_known {
        // What it waits to tell, and what it has handled, is the newer.
        true => present.clone(),
        // The journal has what was waiting then, or it is about a state that is no more.
        false => Snapshot {
            untold: Default::default(),
            ..backup.clone()
        },
    };
    for (sync, then) in &backup.checkpoints {
        let now = present.checkpoints.get(sync);
        let merged = checkpoint(then, now, by_backup);
        kept.checkpoints.insert(sync.clone(), merged);
    }
    for checkpoint in kept.checkpoints.values_mut() {
        distrust(checkpoint);
    }
    for (sync, then) in &backup.schedule {
        let row = kept.schedule.entry(sync.clone()).or_insert(*then);
        row.last = row.last.max(then.last);
    }
    for (key, then) in &backup.counters {
        let count = kept.counters.entry(key.clone()).or_default();
        count.0 = count.0.max(then.0);
    }
    for (sync, then) in &backup.standings {
        let standing = kept.standings.entry(sync.clone()).or_insert(then.clone());
        standing.held = merge::holds(then.held, standing.held);
        standing.first_seen = standing.first_seen.min(then.first_seen);
    }
    for (account, then) in &backup.credentials {
        let known = kept.credentials.entry(account.clone());
        known.or_insert(then.clone());
    }
    for known in kept.credentials.values_mut() {
        // Whose organisation it is, is asked before anything else.
        *known = Credentials {
            asked_at: None,
            ..known.clone()
        };
    }
    if in_doubt {
        hold_all(&mut kept);
    }
    let at = now.as_millisecond();
    kept.untold.insert(EVENT.to_owned(), Untold { at, event });
    kept
}

/// What is kept of a sync. How far it has read belongs to the ledger that is kept.
fn checkpoint(then: &Checkpoint, now: Option<&Checkpoint>, by_backup: bool) -> Checkpoint {
    let Some(now) = now else {
        return then.clone();
    };
    let (of_ledger, other) = match by_backup {
        true => (then, now),
        false => (now, then),
    };
    let earlier = |cursor: i64| other.cursor.map_or(cursor, |other| cursor.min(other));
    Checkpoint {
        cursor: of_ledger.cursor.map(earlier),
        first_seen: then.first_seen.min(now.first_seen),
        completed: then.completed.max(now.completed),
        // The present state knows whether a run has ended.
        running: now.running.clone(),
        last: now.last.clone().or(then.last.clone()),
        ..of_ledger.clone()
    }
}

/// Makes the next run read everything. The cursor says no more than from when on deletions, and changes of other modules'
/// opt-outs, are read once more. A run that was under way is given up.
fn distrust(checkpoint: &mut Checkpoint) {
    checkpoint.definition = [0; 16];
    checkpoint.last_full = None;
    if let Some(running) = &mut checkpoint.running {
        running.definition = Running::RESTORED;
    }
}

/// Holds every sync until a person activates it.
fn hold_all(kept: &mut Snapshot) {
    let known = kept.standings.values().map(|standing| &standing.account);
    let account = known.chain(kept.credentials.keys()).next().cloned();
    for (sync, checkpoint) in &kept.checkpoints {
        let running = checkpoint.running.as_ref().map(|it| it.account.clone());
        let Some(account) = running.or(account.clone()) else {
            continue;
        };
        // Its file says which account it is of, when it is settled next.
        let unsettled = Standing {
            account,
            first_seen: checkpoint.first_seen,
            held: Default::default(),
            inactive: None,
        };
        kept.standings.entry(sync.clone()).or_insert(unsettled);
    }
    for standing in kept.standings.values_mut() {
        standing.held.by_account = Some(AccountHold::StateLost);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::activation::{Holds, Inactivity};
    use crate::store::state::{Counter, Handled, LastRun};

    fn at() -> Timestamp {
        "2026-11-22T02:30:00Z".parse().unwrap()
    }

    fn standing(by_person: bool) -> Standing {
        Standing {
            account: "main".parse().unwrap(),
            first_seen: 7,
            held: Holds {
                by_person,
                by_account: None,
            },
            inactive: by_person.then_some(Inactivity::Operator),
        }
    }

    fn running() -> Running {
        Running {
            run: "01JD9Z6M3N2E8QW5RTYVB7K4XC".parse().unwrap(),
            account: "main".parse().unwrap(),
            definition: [9; 16],
            trigger: crate::domain::limits::Trigger::Scheduled,
            full: false,
            started: 5,
        }
    }

    /// A state with one sync that has completed so many runs.
    fn state(completed: u64, cursor: i64, by_person: bool) -> Snapshot {
        let mut kept = Snapshot::default();
        let sync: crate::domain::ids::SyncId = "newsletter".parse().unwrap();
        let checkpoint = Checkpoint {
            first_seen: cursor,
            definition: [3; 16],
            cursor: Some(cursor),
            last_full: Some(cursor),
            completed,
            settled_by: u32::try_from(completed).unwrap(),
            ..Checkpoint::default()
        };
        kept.checkpoints.insert(sync.clone(), checkpoint);
        kept.standings.insert(sync.clone(), standing(by_person));
        let handled = Handled {
            last: Some(cursor),
            ..Handled::default()
        };
        kept.schedule.insert(sync, handled);
        let used = Counter(completed);
        kept.counters.insert("main/runs_per_day".to_owned(), used);
        kept
    }

    fn put_together(backup: Snapshot, present: Option<Snapshot>, in_doubt: bool) -> Snapshot {
        let sides = Sides {
            backup,
            by_backup: present.is_none(),
            present,
            in_doubt,
        };
        merged(sides, at(), "{}".to_owned())
    }

    #[test]
    fn nothing_is_counted_finished_or_held_less_and_no_cursor_is_trusted() {
        for (backup, present, completed, cursor, by_person) in [
            (state(1, 10, false), state(3, 30, true), 3, 10, true),
            (state(5, 10, true), state(3, 30, false), 5, 10, true),
            (state(1, 10, false), state(1, 30, false), 1, 10, false),
        ] {
            let kept = put_together(backup, Some(present), false);
            let [checkpoint] = &kept.checkpoints.values().collect::<Vec<_>>()[..] else {
                panic!("{kept:?}")
            };
            assert_eq!(
                (checkpoint.completed, checkpoint.first_seen),
                (completed, 10)
            );
            assert_eq!(checkpoint.cursor, Some(cursor));
            assert_eq!(
                (checkpoint.definition, checkpoint.last_full),
                ([0; 16], None)
            );
            assert!(kept.counters.values().all(|count| count.0 == completed));
            assert!(kept.schedule.values().all(|row| row.last == Some(30)));
            assert!(
                kept.standings
                    .values()
                    .all(|it| it.held.by_person == by_person)
            );
            assert_eq!(kept.untold.len(), 1);
        }
    }

    #[test]
    fn what_has_ended_by_the_present_state_has_ended_and_what_has_not_is_given_up() {
        let mut under_way = state(1, 10, false);
        let ended = state(2, 30, false);
        for checkpoint in under_way.checkpoints.values_mut() {
            checkpoint.running = Some(running());
        }
        let of = |kept: &Snapshot| kept.checkpoints.values().next().unwrap().running.clone();
        assert_eq!(
            of(&put_together(under_way.clone(), Some(ended.clone()), false)),
            None
        );
        for kept in [
            put_together(ended, Some(under_way.clone()), false),
            put_together(under_way, None, true),
        ] {
            assert_eq!(of(&kept).unwrap().definition, Running::RESTORED);
        }
    }

    #[test]
    fn without_the_present_state_every_sync_waits_for_a_person() {
        let mut backup = state(1, 10, false);
        for checkpoint in backup.checkpoints.values_mut() {
            checkpoint.last = None::<LastRun>;
        }
        backup.untold.insert(
            "000000".to_owned(),
            Untold {
                at: 1,
                event: "{}".to_owned(),
            },
        );
        let kept = put_together(backup, None, true);
        let hold = Some(AccountHold::StateLost);
        assert!(kept.standings.values().all(|it| it.held.by_account == hold));
        assert_eq!(kept.untold.keys().collect::<Vec<_>>(), [EVENT]);
    }
}
