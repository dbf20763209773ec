//! May this run start: counted with its checkpoint in one write, before its first call for records.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use super::ask::{FoundView, find_view};
use super::error::RunError;
use super::organisation::admit;
use super::resolve::{definition_digest, kept, resolve, uses_formulas};
use super::usage::Counters;
use super::{Base, Clients, Progress, Run, Ticket};
use crate::config::settings::Config;
use crate::domain::activation::{Activation, Inactivity};
use crate::domain::definition::SyncDefinition;
use crate::domain::ids::{ListKey, RunId};
use crate::domain::limits::{Trigger, counted, may_start};
use crate::domain::outcome::Counts;
use crate::domain::schedule::settled;
use crate::domain::suppression::Gate;
use crate::journal::event::{Event, RunResumed, RunStarted};
use crate::store::ledger::rows::{CostRow, ExpectedRow, Phase, RunRow};
use crate::store::ledger::{Step, SyncNumbers, keys};
use crate::store::state::{Changes, Checkpoint, Handled, Running};
use crate::store::{Store, StoreError};
use crate::zoho::meter::Meter;

/// Deleted records can be asked for this far back; a sync that slept longer reads everything.
/// Source: CRM, deleted records: recycle bin 60 days, read November 2026.
const DELETED_HORIZON: SignedDuration = SignedDuration::from_hours(60 * 24);

/// Who or what wants a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// A person; `full` re-imports everything.
    Person {
        /// Whether everything is read again.
        full: bool,
    },
    /// The schedule.
    Schedule {
        /// The occurrence.
        at: Timestamp,
        /// Whether it was missed and is made up for.
        missed: bool,
    },
    /// Nobody: an interrupted run goes on.
    Resume,
}

/// Starts a run, or takes up the interrupted one if there is one.
pub(super) async fn start<'a>(
    base: &'a Base,
    clients: &Clients,
    definition: &'a SyncDefinition,
    (wish, ticket): (Wish, &'a Ticket),
    meter: &Arc<Meter>,
    progress: &'a watch::Sender<Progress>,
) -> Result<Run<'a>, RunError> {
    let clients = Clients {
        crm: clients.crm.metered(meter.clone()),
        campaigns: clients.campaigns.metered(meter.clone()),
    };
    base.clock.check()?;
    let now = base.clock.now();
    let checkpoint = base.store.state.checkpoint(&definition.id)?;
    let checkpoint = checkpoint.unwrap_or_else(|| Checkpoint {
        first_seen: now.as_millisecond(),
        ..Checkpoint::default()
    });
    let interrupted = checkpoint.running.clone();
    check_active(base, definition, interrupted.is_some())?;
    if interrupted.is_none() {
        // Before any call; counted once the names are resolved, just before the first call for records.
        weigh(base, definition, &checkpoint, wish, now)?;
    }
    base.store.check_room().map_err(|error| match error {
        error @ StoreError::NoRoom { .. } => RunError::NoRoom(error),
        error => error.into(),
    })?;
    admit(base, &clients, &definition.account).await?;
    let view = find_view(&base.sources, &clients, definition).await?;
    let full = match &interrupted {
        Some(running) => running.full,
        None => reads_everything(base, definition, &checkpoint, wish, &view, now)?,
    };
    let resolved = resolve(base, &clients, definition, Some(view), full);
    let (plan, numbers) = resolved.await?;
    let is_interrupted = interrupted.is_some();
    let running = match interrupted {
        Some(running) => running,
        None => count(base, definition, &checkpoint, wish, full)?,
    };
    let imports = running.trigger == Trigger::Resync
        || checkpoint.completed == 0
        || checkpoint.definition != running.definition;
    let (row, resumed) = create_row(&base.store, numbers, &checkpoint, &running)?;
    base.store.note_age()?;
    announce(base, definition, &running, is_interrupted)?;
    let Neighbours {
        lists,
        orphans,
        rivals,
        peers,
    } = neighbours(base, definition)?;
    let account = base.config.accounts.get(&definition.account);
    let expected = base.store.ledger.step(|step| {
        let row = step.expected.get(&keys::number(numbers.sync))?;
        Ok::<_, StoreError>(row.map(|ExpectedRow(rows)| rows))
    })?;
    Ok(Run {
        config: &base.config,
        sources: &base.sources,
        definition,
        store: &base.store,
        clock: &base.clock,
        stop: &base.stop,
        base,
        ticket,
        crm: clients.crm,
        campaigns: clients.campaigns,
        meter: meter.clone(),
        concurrency: account.map_or(1, |account| account.campaigns_concurrency),
        progress,
        gate: Gate::closed(plan.list.clone()),
        suppressed_rows: [0; 2],
        gate_rehearsed: Duration::ZERO,
        plan,
        numbers,
        lists,
        orphans,
        rivals,
        peers,
        topics: account.is_some_and(|account| account.topics),
        // What the process read that was interrupted is not known.
        unknown_opt_outs: AtomicBool::new(resumed),
        untagged: AtomicBool::new(false),
        list_checked: full,
        cursor: checkpoint
            .cursor
            .and_then(|at| Timestamp::from_millisecond(at).ok()),
        expected,
        probed: AtomicBool::new(false),
        unpushed: AtomicBool::new(false),
        listed_only: AtomicBool::new(false),
        way: Mutex::default(),
        converted_told: false,
        met_converted: AtomicBool::new(false),
        bulk_refused: AtomicBool::new(false),
        id: running.run,
        running,
        imports,
        cost_before: row.cost,
        row,
        resumed,
        asks_again: BTreeSet::new(),
        suppressions_unread: None,
    })
}

/// Makes sure that the sync is active; what was interrupted may go on to its end, but for what is not the same any more.
pub(super) fn check_active(
    base: &Base,
    definition: &SyncDefinition,
    is_interrupted: bool,
) -> Result<(), RunError> {
    let now = base.standings.now();
    let (sync, account) = (definition.id.clone(), definition.account.clone());
    match now.why_not(&sync) {
        None => Ok(()),
        Some(_) if now.admits(&sync) => Ok(()),
        Some(_) if is_interrupted && !now.stops_interrupted(&sync) => Ok(()),
        Some(Inactivity::Limit) => Ok(now.has_room(&account)?),
        Some(why) => Err(RunError::Inactive { sync, account, why }),
    }
}

/// Whether the next run reads everything: the first, a resync, the first after the selection or mapping changed, one
/// whose last full read is too long ago, and every one of a view whose members can only be listed.
fn reads_everything(
    base: &Base,
    definition: &SyncDefinition,
    checkpoint: &Checkpoint,
    wish: Wish,
    view: &FoundView,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let age = |at: Option<i64>| {
        let at = at.and_then(|at| Timestamp::from_millisecond(at).ok());
        at.map_or(SignedDuration::MAX, |at| now.duration_since(at))
    };
    let kept = kept(base, definition)?;
    let formulas = kept
        .as_ref()
        .is_some_and(|row| uses_formulas(row, definition));
    let reconcile_every = SignedDuration::try_from(definition.reconcile_every(formulas));
    let view_changed = view.as_ref().is_some_and(|found| {
        let before = kept.as_ref().and_then(|row| row.view.as_ref());
        match (found, before) {
            (Ok(now), Some(before)) => {
                before.listed_only
                    || !before.read
                    || (now.id, now.modified_at) != (before.id, before.modified_at)
            }
            (Ok(_) | Err(_), _) => true,
        }
    });
    Ok(wish == Wish::Person { full: true }
        || checkpoint.completed == 0
        || checkpoint.definition != definition_digest(&base.config, definition)
        || age(checkpoint.last_full) >= reconcile_every.unwrap_or(SignedDuration::MAX)
        || age(checkpoint.cursor) >= DELETED_HORIZON
        || view_changed)
}

/// Weighs the limits; the run's trigger, and whether it is a first run, decide which of them count.
fn weigh(
    base: &Base,
    definition: &SyncDefinition,
    checkpoint: &Checkpoint,
    wish: Wish,
    now: Timestamp,
) -> Result<(Trigger, bool), RunError> {
    let first = checkpoint.completed == 0;
    let trigger = match wish {
        Wish::Person { full: true } => Trigger::Resync,
        Wish::Person { full: false } => Trigger::Operator,
        Wish::Schedule { .. } | Wish::Resume if first => Trigger::Initial,
        Wish::Schedule { missed: true, .. } => Trigger::CatchUp,
        Wish::Schedule { missed: false, .. } | Wish::Resume => Trigger::Scheduled,
    };
    let zone = &base.config.timezone;
    let counters = Counters::of(&definition.account, now, zone);
    let usage = counters.usage(|key| base.store.state.counter(key))?;
    may_start(&base.config.limits, &usage, trigger, first, now, zone)?;
    Ok((trigger, first))
}

/// Weighs the limits, counts the run and notes it as running, in one write.
fn count(
    base: &Base,
    definition: &SyncDefinition,
    checkpoint: &Checkpoint,
    wish: Wish,
    full: bool,
) -> Result<Running, RunError> {
    // A day may have ended while the services were asked what names stand for.
    let now = base.clock.now();
    let (trigger, first) = weigh(base, definition, checkpoint, wish, now)?;
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|_| StoreError::Random)?;
    let millis = u64::try_from(now.as_millisecond()).unwrap_or_default();
    let run = RunId::new(millis, u128::from_be_bytes(random) >> 48);
    let digest = definition_digest(&base.config, definition);
    let running = Running {
        run,
        account: definition.account.clone(),
        definition: digest,
        trigger,
        full,
        started: now.as_millisecond(),
    };
    let handled = handled(base, definition, wish)?;
    base.store.state.commit(&Changes {
        checkpoints: vec![(
            definition.id.clone(),
            Checkpoint {
                running: Some(running.clone()),
                // Until a run of the new definition completes, what is staged may be of either.
                definition: if checkpoint.definition == digest {
                    digest
                } else {
                    [0; 16]
                },
                ..checkpoint.clone()
            },
        )],
        handled: handled.into_iter().collect(),
        counters: Counters::of(&definition.account, now, &base.config.timezone)
            .raised(&base.store, &counted(trigger, first))?,
        ..Changes::default()
    })?;
    Ok(running)
}

/// The schedule's row once this occurrence is handled.
fn handled(
    base: &Base,
    definition: &SyncDefinition,
    wish: Wish,
) -> Result<Option<(crate::domain::ids::SyncId, Handled)>, StoreError> {
    let Wish::Schedule { at, .. } = wish else {
        return Ok(None);
    };
    let before = base
        .store
        .state
        .handled(&definition.id)?
        .unwrap_or_default();
    let last = before.last.map(Timestamp::from_millisecond);
    let upto = settled(at, last.and_then(Result::ok), base.clock.now());
    let handled = Handled {
        last: Some(upto.as_millisecond()),
        ..before
    };
    Ok(Some((definition.id.clone(), handled)))
}

/// The run's row in the ledger, made if the process died before it could be; says whether it was there.
pub(super) fn create_row(
    store: &Store,
    numbers: SyncNumbers,
    checkpoint: &Checkpoint,
    running: &Running,
) -> Result<(RunRow, bool), StoreError> {
    store.ledger.step(|step| {
        if let Some(row) = step.runs.get(&keys::run(running.run.to_u128()))? {
            return Ok((row, true));
        }
        let number = step.next_number()?;
        let row = at_its_beginning(running, numbers, number, checkpoint);
        step.save_run(&row)?;
        Ok((row, false))
    })
}

/// The row of a run that has done nothing yet.
pub(super) fn at_its_beginning(
    running: &Running,
    numbers: SyncNumbers,
    number: u32,
    checkpoint: &Checkpoint,
) -> RunRow {
    RunRow {
        run: running.run.to_u128(),
        sync: numbers.sync,
        list: numbers.list,
        number,
        settled_by: checkpoint.settled_by,
        trigger: running.trigger,
        full: running.full,
        from: checkpoint.cursor.filter(|_| !running.full),
        to: None,
        started: running.started,
        phase: Phase::CarryOver,
        counts: Counts::default(),
        cost: CostRow::default(),
        ignored_rows: 0,
        arrivals: None,
        held: None,
        not_taken_off: None,
        finished: None,
    }
}

fn announce(
    base: &Base,
    definition: &SyncDefinition,
    running: &Running,
    is_interrupted: bool,
) -> Result<(), RunError> {
    let (run, trigger, full) = (running.run, running.trigger, running.full);
    let (sync, account) = (definition.id.clone(), definition.account.clone());
    // Its row may have been made and nobody told, or be lost and somebody told.
    let resumed = is_interrupted && base.journal().contains_started(run)?;
    let event = if resumed {
        Event::RunResumed(RunResumed { run, sync, account })
    } else {
        Event::RunStarted(RunStarted {
            run,
            sync,
            account,
            trigger,
            full,
        })
    };
    base.append(&event)?;
    tracing::info!(
        sync = %definition.id,
        run = %running.run,
        full = running.full,
        resumed,
        "run {}",
        if resumed { "resumed" } else { "started" }
    );
    Ok(())
}

/// What else there is in a sync's account.
pub(super) struct Neighbours {
    /// Numbers of the lists that rosterd has written to.
    pub(super) lists: Vec<u32>,
    /// Those of them that no active sync looks after.
    pub(super) orphans: Vec<(u32, ListKey)>,
    /// Numbers of the active syncs with the sync's own list, as far as they have looked it up.
    pub(super) rivals: BTreeSet<u32>,
    /// Numbers of the account's other syncs and of their lists, as far as they have looked them up.
    pub(super) peers: Vec<(u32, u32)>,
}

/// The other lists and syncs of a sync's account.
pub(super) fn neighbours(
    base: &Base,
    definition: &SyncDefinition,
) -> Result<Neighbours, StoreError> {
    let ledger = &base.store.ledger;
    let activation = base.standings.now();
    ledger.step(|step| neighbours_in(step, (&base.config, &activation), definition))
}

/// The same within a step.
pub(super) fn neighbours_in(
    step: &mut Step<'_>,
    (config, activation): (&Config, &Activation),
    definition: &SyncDefinition,
) -> Result<Neighbours, StoreError> {
    let own = step.number('s', definition.id.as_str())?;
    let own = step.resolved.get(&keys::number(own))?;
    let own = own.map(|resolved| resolved.list);
    let named = step.named('l', &format!("{}/", definition.account))?;
    let (mut rivals, mut served, mut peers) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    let all = config.syncs.values();
    for sync in all.filter(|sync| sync.account == definition.account) {
        let number = step.number('s', sync.id.as_str())?;
        let resolved = step.resolved.get(&keys::number(number))?;
        let list = resolved.map(|resolved| resolved.list);
        let known = named.iter().find(|(name, _)| Some(name) == list.as_ref());
        if let Some((_, list)) = known.filter(|_| sync.id != definition.id) {
            peers.push((number, *list));
        }
        if !activation.admits(&sync.id) {
            continue;
        }
        if list == own {
            rivals.insert(number);
        }
        served.extend(list);
    }
    let lists = named.iter().map(|(_, number)| *number).collect();
    let orphans = named
        .into_iter()
        .filter(|(list, _)| !served.contains(list))
        .filter_map(|(list, number)| Some((number, list.parse().ok()?)))
        .collect();
    Ok(Neighbours {
        lists,
        orphans,
        rivals,
        peers,
    })
}
