//! What is due: each sync's schedule against what was handled, and the journal's word on what does not run.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::domain::definition::SyncDefinition;
use crate::domain::ids::SyncId;
use crate::journal::event::{Event, RunSkipped, SkipReason};
use crate::run::{Base, RunError, Wish};
use crate::store::StoreError;
use crate::store::state::{Changes, Handled};

/// How long a sync that runs once waits after a failed run before it tries again.
const ONCE_AGAIN_AFTER: SignedDuration = SignedDuration::from_mins(15);

/// Notes when each schedule came to be as it is: occurrences before that are nobody's.
pub(super) fn note_schedules(base: &Base) -> Result<(), StoreError> {
    let now = base.clock.now().as_millisecond();
    let mut changes = Changes::default();
    for definition in base.config.syncs.values() {
        let schedule = digest(definition);
        let before = base.store.state.handled(&definition.id)?;
        if before.is_some_and(|before| before.schedule == schedule) {
            continue;
        }
        let last = before.and_then(|before| before.last);
        changes.handled.push((
            definition.id.clone(),
            Handled {
                last,
                since: now,
                schedule,
            },
        ));
    }
    if changes.handled.is_empty() {
        Ok(())
    } else {
        base.store.state.commit(&changes)
    }
}

/// The runs that are due now. Occurrences that get none are journalled and handled; `busy` syncs are under way.
pub(super) fn due(base: &Base, busy: &BTreeSet<SyncId>) -> Result<Vec<(SyncId, Wish)>, RunError> {
    let now = base.clock.now();
    let mut runs = Vec::new();
    for definition in base
        .config
        .syncs
        .values()
        .filter(|definition| definition.active)
    {
        let handled = base
            .store
            .state
            .handled(&definition.id)?
            .unwrap_or_default();
        let wish = if definition.schedule.is_once() {
            once(base, definition, now)?
        } else {
            occurrence(base, definition, handled, busy, now)?
        };
        if let Some(wish) = wish.filter(|_| !busy.contains(&definition.id)) {
            runs.push((definition.id.clone(), wish));
        }
    }
    Ok(runs)
}

/// A sync that runs once is due until a run has completed.
fn once(
    base: &Base,
    definition: &SyncDefinition,
    now: Timestamp,
) -> Result<Option<Wish>, StoreError> {
    let checkpoint = base
        .store
        .state
        .checkpoint(&definition.id)?
        .unwrap_or_default();
    let failed_lately = checkpoint.last.is_some_and(|last| {
        Timestamp::from_millisecond(last.at)
            .is_ok_and(|at| now.duration_since(at) < ONCE_AGAIN_AFTER)
    });
    let due = checkpoint.completed == 0 && !failed_lately;
    Ok(due.then_some(Wish::Schedule {
        at: now,
        missed: false,
    }))
}

fn occurrence(
    base: &Base,
    definition: &SyncDefinition,
    handled: Handled,
    busy: &BTreeSet<SyncId>,
    now: Timestamp,
) -> Result<Option<Wish>, RunError> {
    let instant = |millis: i64| Timestamp::from_millisecond(millis).ok();
    let since = instant(handled.since).unwrap_or(now);
    let due = definition
        .schedule
        .due(handled.last.and_then(instant), since, now);
    let Some(upto) = due.handled else {
        return Ok(None);
    };
    let is_busy = busy.contains(&definition.id);
    if !due.missed.is_empty() {
        skip(base, definition, SkipReason::Missed)?;
    }
    match due.run {
        Some(at) if !is_busy => {
            return Ok(Some(Wish::Schedule {
                at,
                missed: due.late,
            }));
        }
        Some(_) => skip(base, definition, SkipReason::Running)?,
        None => {}
    }
    note_handled(base, &definition.id, upto)?;
    Ok(None)
}

/// Notes that occurrences up to this one are handled, whether they ran or not.
pub(super) fn note_handled(base: &Base, sync: &SyncId, upto: Timestamp) -> Result<(), StoreError> {
    let before = base.store.state.handled(sync)?.unwrap_or_default();
    let after = Handled {
        last: Some(upto.as_millisecond()),
        ..before
    };
    let handled = vec![(sync.clone(), after)];
    base.store.state.commit(&Changes {
        handled,
        ..Changes::default()
    })
}

fn skip(base: &Base, definition: &SyncDefinition, reason: SkipReason) -> Result<(), RunError> {
    let next = definition.schedule.next_after(base.clock.now());
    tracing::warn!(sync = %definition.id, reason = reason.name(), "an occurrence does not run");
    let (sync, account) = (definition.id.clone(), definition.account.clone());
    base.append(&Event::RunSkipped(RunSkipped {
        sync,
        account,
        reason,
        next,
    }))?;
    Ok(())
}

fn digest(definition: &SyncDefinition) -> [u8; 16] {
    let schedule = &definition.schedule;
    let zone = schedule.zone.iana_name();
    let hash = blake3::hash(format!("{:?} {zone:?}", schedule.every).as_bytes());
    let mut digest = [0; 16];
    digest.copy_from_slice(&hash.as_bytes()[..16]);
    digest
}
