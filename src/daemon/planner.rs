//! What is due: each sync's schedule against what was handled, and the journal's word on what does not run.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::domain::definition::SyncDefinition;
use crate::domain::ids::SyncId;
use crate::domain::limits::{Periods, Trigger, may_start};
use crate::domain::schedule::{believed, settled};
use crate::journal::event::{Event, RunError as Journalled, RunSkipped, SkipReason};
use crate::run::standings;
use crate::run::{Base, RunError, Wish, usage_of};
use crate::store::StoreError;
use crate::store::state::{Changes, Handled};

/// How long a sync that runs once waits after a failed run before it tries again.
const ONCE_AGAIN_AFTER: SignedDuration = SignedDuration::from_mins(15);

/// Notes when each schedule came to be as it is, and each sync active: occurrences before that are nobody's.
pub(super) fn note_schedules(base: &Base) -> Result<(), StoreError> {
    let now = base.clock.now().as_millisecond();
    let activation = base.standings.now();
    let mut changes = Changes::default();
    for definition in base.config.syncs.values() {
        // No schedule has this digest, so one that is active again is a new one.
        let schedule = if activation.why_not(&definition.id).is_none() {
            digest(definition)
        } else {
            [0; 16]
        };
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

/// The runs that are due now. Occurrences that get none are journalled and handled; `busy` syncs are under way, and for
/// what.
pub(super) fn due(
    base: &Base,
    busy: &BTreeMap<SyncId, Wish>,
) -> Result<Vec<(SyncId, Wish)>, RunError> {
    let now = base.clock.now();
    let mut runs = Vec::new();
    let activation = base.standings.now();
    let definitions = base.config.syncs.values();
    for definition in definitions.filter(|it| activation.why_not(&it.id).is_none()) {
        let handled = handled(base, definition, now)?;
        let wish = if definition.schedule.is_once() {
            once(base, definition, handled, now)?
        } else {
            occurrence(base, definition, handled, busy, now)?
        };
        if let Some(wish) = wish.filter(|_| !busy.contains_key(&definition.id)) {
            runs.push((definition.id.clone(), wish));
        }
    }
    Ok(runs)
}

/// What is kept of a sync's schedule, put right where a clock that was far ahead has noted it.
fn handled(
    base: &Base,
    definition: &SyncDefinition,
    now: Timestamp,
) -> Result<Handled, StoreError> {
    let kept = base.store.state.handled(&definition.id)?;
    let kept = kept.unwrap_or_default();
    let put_right = |millis: i64| {
        let noted = Timestamp::from_millisecond(millis);
        noted.map_or(millis, |noted| believed(noted, now).as_millisecond())
    };
    let right = Handled {
        last: kept.last.map(put_right),
        since: put_right(kept.since),
        ..kept
    };
    if right != kept {
        tracing::warn!(
            sync = %definition.id,
            "its schedule was noted by a clock that was more than a day ahead; it goes on from now"
        );
        put_handled(base, &definition.id, right)?;
    }
    Ok(right)
}

/// A sync that runs once is due until a run has completed; one that found no room, once a day.
fn once(
    base: &Base,
    definition: &SyncDefinition,
    handled: Handled,
    now: Timestamp,
) -> Result<Option<Wish>, StoreError> {
    let checkpoint = base
        .store
        .state
        .checkpoint(&definition.id)?
        .unwrap_or_default();
    if checkpoint.completed > 0 {
        return Ok(None);
    }
    let instant = |millis: i64| Timestamp::from_millisecond(millis).ok();
    // As it is now; what failed before it was edited says nothing.
    let handled_at = handled.last.filter(|last| *last >= handled.since);
    let handled_at = handled_at.and_then(instant);
    let ended_at = checkpoint.last.and_then(|last| instant(last.at));
    let mut tried_at = [ended_at, handled_at].into_iter().flatten();
    let is_recent = |age: SignedDuration| !age.is_negative() && age < ONCE_AGAIN_AFTER;
    if tried_at.any(|at| is_recent(now.duration_since(at))) {
        return Ok(None);
    }
    let config = &base.config;
    let day = |at| Periods::of(at, &config.timezone).day;
    if handled_at.is_some_and(|at| day(at) == day(now)) {
        let count = |key: &str| base.store.state.counter(key).unwrap_or_default();
        let usage = usage_of(&definition.account, now, &config.timezone, count);
        let (trigger, limits) = (Trigger::Initial, &config.limits);
        if may_start(limits, &usage, trigger, true, now, &config.timezone).is_err() {
            return Ok(None);
        }
    }
    Ok(Some(Wish::Schedule {
        at: now,
        missed: false,
    }))
}

fn occurrence(
    base: &Base,
    definition: &SyncDefinition,
    handled: Handled,
    busy: &BTreeMap<SyncId, Wish>,
    now: Timestamp,
) -> Result<Option<Wish>, RunError> {
    let instant = |millis: i64| Timestamp::from_millisecond(millis).ok();
    let since = instant(handled.since).unwrap_or(now);
    // That of a run under way is noted when the run counts, and is not due again before that.
    let running = busy.get(&definition.id);
    let under_way = match running {
        Some(Wish::Schedule { at, .. }) => Some(*at),
        Some(Wish::Person { .. } | Wish::Resume) | None => None,
    };
    let last = handled.last.and_then(instant).max(under_way);
    let due = definition.schedule.due(last, since, now);
    let Some(upto) = due.handled else {
        return Ok(None);
    };
    let mut events = Vec::new();
    if !due.missed.is_empty() {
        events.push(skipped(base, definition, SkipReason::Missed, None));
    }
    match due.run {
        Some(at) if running.is_none() => {
            // Its own occurrence is noted when the run counts.
            if let Some(missed) = due.missed.last() {
                note_handled(base, &definition.id, *missed, &events)?;
            }
            return Ok(Some(Wish::Schedule {
                at,
                missed: due.late,
            }));
        }
        Some(_) => events.push(skipped(base, definition, SkipReason::Running, None)),
        None => {}
    }
    note_handled(base, &definition.id, upto, &events)?;
    Ok(None)
}

/// Notes that occurrences up to this one are handled, whether they ran or not, and tells the journal what became of
/// them: after a crash they are neither handled nor told anew.
pub(super) fn note_handled(
    base: &Base,
    sync: &SyncId,
    upto: Timestamp,
    events: &[Event],
) -> Result<(), RunError> {
    let before = base.store.state.handled(sync)?.unwrap_or_default();
    let last = before.last.map(Timestamp::from_millisecond);
    let upto = settled(upto, last.and_then(Result::ok), base.clock.now());
    let after = Handled {
        last: Some(upto.as_millisecond()),
        ..before
    };
    let changes = Changes {
        handled: vec![(sync.clone(), after)],
        ..Changes::default()
    };
    standings::put_and_tell(base, changes, ("schedule ", events))
}

fn put_handled(base: &Base, sync: &SyncId, handled: Handled) -> Result<(), StoreError> {
    base.store.state.commit(&Changes {
        handled: vec![(sync.clone(), handled)],
        ..Changes::default()
    })
}

/// The event of an occurrence that does not run, which is logged.
pub(super) fn skipped(
    base: &Base,
    definition: &SyncDefinition,
    reason: SkipReason,
    error: Option<Journalled>,
) -> Event {
    let next = definition.schedule.next_after(base.clock.now());
    tracing::warn!(sync = %definition.id, reason = reason.name(), "an occurrence does not run");
    let (sync, account) = (definition.id.clone(), definition.account.clone());
    Event::RunSkipped(RunSkipped {
        sync,
        account,
        reason,
        next,
        error,
    })
}

pub(super) fn digest(definition: &SyncDefinition) -> [u8; 16] {
    let schedule = &definition.schedule;
    let zone = schedule.zone.iana_name();
    let hash = blake3::hash(format!("{:?} {zone:?}", schedule.every).as_bytes());
    let mut digest = [0; 16];
    digest.copy_from_slice(&hash.as_bytes()[..16]);
    digest
}
