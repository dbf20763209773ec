//! What the CRM has now, staged as the next run would stage it: in a step of which nothing is kept.

use std::collections::{BTreeMap, BTreeSet};

use super::known::Facts;
use super::reading::Live;
use super::story::may_hide;
use crate::domain::changes::Departed;
use crate::domain::definition::SyncDefinition;
use crate::domain::ids::{RecordId, RunId};
use crate::domain::limits::Trigger;
use crate::domain::outcome::Outcome;
use crate::domain::record::Record;
use crate::run::claims;
use crate::run::deals;
use crate::run::plan::{Plan, Source};
use crate::run::stage::{Met, Staging, fingerprint, passed_over};
use crate::run::start::at_its_beginning;
use crate::store::StoreError;
use crate::store::format::FormatError;
use crate::store::ledger::rows::{Place, RunRow};
use crate::store::ledger::{Step, SyncNumbers, keys};
use crate::store::state::{Checkpoint, Running};

/// What came of staging the records of a sync.
pub(super) struct Staged<'a> {
    pub(super) plan: &'a Plan,
    /// The records that the CRM has, with the sync's own columns.
    pub(super) records: BTreeMap<RecordId, Record>,
    /// Those that are selected, with the deal beside them that selects them.
    pub(super) selected: BTreeMap<RecordId, Record>,
    /// Those in the view, as far as that could be asked; else as they were when it was last read.
    pub(super) members: BTreeSet<RecordId>,
    /// Those that are not even looked at further: selected, but not taken up.
    pub(super) passed: BTreeSet<RecordId>,
    /// Those that only a run sees which reads everything: nothing about them has changed since the last one.
    pub(super) stale: BTreeSet<RecordId>,
    /// Whether records may be left out of all answers because they are converted leads.
    pub(super) hides: bool,
    /// Those that their own fields have settled, and why in words.
    pub(super) settled: BTreeMap<RecordId, (Outcome, String)>,
}

impl<'a> Staged<'a> {
    /// Stages the records of a sync, its deals, and the opt-outs of other modules.
    pub(super) fn of(
        step: &mut Step<'_>,
        staging: &Staging<'a>,
        live: &'a Live,
        mut run: RunRow,
        (definition, facts): (&SyncDefinition, &Facts),
    ) -> Result<Self, StoreError> {
        let (module, sync) = (&definition.module, staging.numbers.sync);
        let plan = staging.plan;
        let records = live.modules.get(module).into_iter().flatten();
        let records: BTreeMap<RecordId, Record> = records
            .map(|(id, record)| (*id, own(plan, record)))
            .collect();
        // Of a converted lead that queries leave out, nothing is known.
        let hides = plan.hides_converted != Some(false) && may_hide(module);
        let known = facts.records();
        let gone = known
            .iter()
            .filter(|id| !hides && !records.contains_key(id));
        for id in gone {
            for address in claims::take_kept(step, staging.numbers, *id, |_| true)? {
                step.touch(sync, &address, Some(Departed::Deleted))?;
            }
            if let Some(row) = step.records.get(&keys::record(sync, id.0))? {
                staging.gone(step, *id, &row, Departed::Deleted)?;
            }
        }
        if let Some(deals) = live.deals.get(&definition.id) {
            put_deals(step, &run, &records, deals)?;
        }
        let mut members = BTreeSet::new();
        for record in records.values() {
            let is_member = match live.members.get(&definition.id) {
                Some(members) => members.contains(&record.id),
                None => is_under(step, sync, record.id)?,
            };
            members.extend(is_member.then_some(record.id));
        }
        let (mut selected, mut passed) = (BTreeMap::new(), BTreeSet::new());
        let mut stale = BTreeSet::new();
        for record in records.values() {
            let is_stale = staging.window.is_some_and(|window| {
                let old = |at| at < window.since;
                record.modified_at.is_some_and(old)
            });
            if (is_stale || is_passed_over(step, &run, record)?)
                && !is_revisited(step, sync, record.id)?
            {
                stale.insert(record.id);
            }
            let before = run.counts;
            staging.record(step, &mut run, &met(record, &members))?;
            let converted = plan.is_converted(record);
            if let Some(joined) = staging.selected(step, &met(record, &members), converted)? {
                selected.insert(record.id, joined);
                let is_passed = run.counts.not_selected > before.not_selected;
                passed.extend(is_passed.then_some(record.id));
            }
        }
        // Other modules are seen by their own syncs.
        let consenting = plan.sources.iter().filter_map(|source| match source {
            Source::Consent(columns) if columns.module != *module => Some(&columns.module),
            _ => None,
        });
        for other in consenting {
            let module = step.number('m', other.as_str())?;
            let staging = Staging { module, ..*staging };
            for record in live.modules.get(other).into_iter().flatten() {
                staging.opt_outs(step, record.1, &plan.consent_fields)?;
            }
        }
        let rows = step.ignored.under(&keys::run(run.run), None, usize::MAX)?;
        let settled = rows.into_iter().map(|(_, row)| {
            let outcome = Outcome::Ignored(row.reason);
            (RecordId(row.record), (outcome, row.detail))
        });
        let settled = settled.collect();
        Ok(Self {
            plan,
            records,
            selected,
            members,
            passed,
            stale,
            settled,
            hides,
        })
    }
}

/// A record as the run meets it, so that it is looked at whether it has changed or not.
fn met<'r>(record: &'r Record, members: &BTreeSet<RecordId>) -> Met<'r> {
    Met {
        record,
        member: members.contains(&record.id),
        again: true,
    }
}

/// The record without what other syncs asked for beside it.
fn own(plan: &Plan, record: &Record) -> Record {
    let mut own = record.clone();
    own.values.retain(|path, _| {
        let mut fields = plan.columns.fields.iter();
        fields.any(|field| field.api_name == path.as_str())
    });
    own
}

/// Whether the next run passes over a record as one that it knows already.
fn is_passed_over(step: &Step<'_>, run: &RunRow, record: &Record) -> Result<bool, StoreError> {
    let row = step.records.get(&keys::record(run.sync, record.id.0))?;
    let met = Met {
        record,
        member: false,
        again: false,
    };
    Ok(row.is_some_and(|row| passed_over(run, &row, &met, fingerprint(record))))
}

/// Whether the next run looks at a record for the sake of its deals.
fn is_revisited(step: &Step<'_>, sync: u32, record: RecordId) -> Result<bool, StoreError> {
    step.revisits.any(&keys::record(sync, record.0))
}

/// The deals of some contacts as they are now, in place of those that the ledger has.
fn put_deals(
    step: &mut Step<'_>,
    run: &RunRow,
    contacts: &BTreeMap<RecordId, Record>,
    deals: &[Record],
) -> Result<(), StoreError> {
    for contact in contacts.keys() {
        let theirs = keys::record(run.sync, contact.0);
        for (key, _) in step.deals.under(&theirs, None, usize::MAX)? {
            step.deals.remove(&key)?;
        }
    }
    for deal in deals {
        deals::keep(step, run, deal)?;
    }
    Ok(())
}

/// Whether a record was selected when it was last read.
fn is_under(step: &Step<'_>, sync: u32, record: RecordId) -> Result<bool, StoreError> {
    let row = step.records.get(&keys::record(sync, record.0))?;
    Ok(row.is_some_and(|row| matches!(row.place, Place::Under(_))))
}

/// The row of a run that does not take place, numbered as the next one would be.
pub(super) fn no_run(
    step: &Step<'_>,
    numbers: SyncNumbers,
    definition: &SyncDefinition,
    checkpoint: &Checkpoint,
) -> Result<RunRow, StoreError> {
    let missing = || StoreError::value("ledger", b"", FormatError::Short);
    let ledger = step.ledger.get(b"")?.ok_or_else(missing)?;
    let running = Running {
        run: RunId::from_u128(0),
        account: definition.account.clone(),
        definition: [0; 16],
        trigger: Trigger::Operator,
        full: false,
        started: 0,
    };
    let number = ledger.last_run.saturating_add(1);
    Ok(at_its_beginning(&running, numbers, number, checkpoint))
}
