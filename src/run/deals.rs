//! Deals of contacts: kept in the ledger, because a contact holds no word of them, and joined to it for the judge.
//!
//! A deal that came, changed, moved to another contact or went makes its contacts be looked at again in the same run,
//! though nothing about them changed. One deal at a time is joined to its contact, so that all conditions on deals look
//! at the same one.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Run;
use crate::domain::ids::{FieldPath, RecordId};
use crate::domain::record::Record;
use crate::domain::schema::DEAL_CONTACT;
use crate::domain::value::Value;
use crate::store::StoreError;
use crate::store::format::FormatError;
use crate::store::ledger::rows::{DealContactRow, DealRow, RevisitRow, RunRow, StoredValue};
use crate::store::ledger::{Step, keys};

/// Rows looked at in one step.
const STEP_ROWS: usize = 1000;

/// Keeps a deal as it is now; its contact, and the one it had before, are looked at again if that is news to a run that
/// does not read all contacts anyway.
pub(super) fn keep(step: &mut Step<'_>, run: &RunRow, deal: &Record) -> Result<(), StoreError> {
    let key = keys::record(run.sync, deal.id.0);
    let before = step.deal_contacts.get(&key)?;
    let contact = contact_of(deal);
    if let Some(DealContactRow(before)) = before
        && Some(before) != contact
    {
        drop_row(step, run, before, deal.id)?;
    }
    let Some(contact) = contact else {
        return step.deal_contacts.remove(&key);
    };
    let row = DealRow {
        seen: run.number,
        modified_at: deal.modified_at.map_or(0, Timestamp::as_millisecond),
        values: deal
            .values
            .iter()
            .map(|(path, value)| (path.to_string(), StoredValue::from(value)))
            .collect(),
    };
    let deal_key = keys::deal(run.sync, contact, deal.id.0);
    let known = step.deals.get(&deal_key)?;
    let is_news = known.is_none_or(|known| {
        (known.values, known.modified_at) != (row.values.clone(), row.modified_at)
    });
    if is_news && !run.full {
        step.revisits
            .put(&keys::record(run.sync, contact), &RevisitRow(run.number))?;
    }
    step.deal_contacts.put(&key, &DealContactRow(contact))?;
    step.deals.put(&deal_key, &row)
}

/// Forgets a deal that was deleted.
pub(super) fn drop_deal(
    step: &mut Step<'_>,
    run: &RunRow,
    deal: RecordId,
) -> Result<(), StoreError> {
    let key = keys::record(run.sync, deal.0);
    if let Some(DealContactRow(contact)) = step.deal_contacts.get(&key)? {
        drop_row(step, run, contact, deal)?;
        step.deal_contacts.remove(&key)?;
    }
    Ok(())
}

fn drop_row(
    step: &mut Step<'_>,
    run: &RunRow,
    contact: u64,
    deal: RecordId,
) -> Result<(), StoreError> {
    step.deals.remove(&keys::deal(run.sync, contact, deal.0))?;
    step.revisits
        .put(&keys::record(run.sync, contact), &RevisitRow(run.number))
}

fn contact_of(deal: &Record) -> Option<u64> {
    let path: FieldPath = DEAL_CONTACT.parse().ok()?;
    match deal.get(&path) {
        Value::Lookup { id, .. } => Some(id.0),
        _ => None,
    }
}

/// The deals of a contact as last read.
pub(super) fn deals_of(
    step: &Step<'_>,
    sync: u32,
    contact: RecordId,
) -> Result<Vec<Record>, StoreError> {
    let rows = step
        .deals
        .under(&keys::record(sync, contact.0), None, usize::MAX)?;
    let deal = |(key, row): (Vec<u8>, DealRow)| {
        let damaged = || StoreError::value("deals", &key, FormatError::Payload);
        let mut values = BTreeMap::new();
        for (path, value) in row.values {
            let path = path.parse().map_err(|_| damaged())?;
            values.insert(path, Value::try_from(value).map_err(|_| damaged())?);
        }
        Ok(Record {
            id: RecordId(keys::last_record("deals", &key)?),
            modified_at: Timestamp::from_millisecond(row.modified_at).ok(),
            values,
        })
    };
    rows.into_iter().map(deal).collect()
}

impl Run<'_> {
    /// Forgets the deals that a read of all of them did not meet. Their contacts are read afterwards in any case.
    pub(super) fn drop_unmet_deals(&self) -> Result<(), StoreError> {
        let sync = keys::number(self.numbers.sync);
        let mut after: Option<Vec<u8>> = None;
        loop {
            let last = self.store.ledger.step(|step| {
                let rows = step.deals.under(&sync, after.as_deref(), STEP_ROWS)?;
                let last = rows.last().map(|(key, _)| key.clone());
                for (key, row) in rows {
                    if row.seen != self.row.number {
                        let deal = keys::last_record("deals", &key)?;
                        step.deals.remove(&key)?;
                        let deal = keys::record(self.numbers.sync, deal);
                        step.deal_contacts.remove(&deal)?;
                    }
                }
                Ok::<_, StoreError>(last)
            })?;
            match last {
                Some(last) => after = Some(last),
                None => return Ok(()),
            }
        }
    }
}
