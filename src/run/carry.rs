//! What an earlier run left undecided, and contacts that Campaigns lost: both make the sync decide their addresses.

use super::Run;
use crate::domain::changes::{Departed, Membership};
use crate::store::StoreError;
use crate::store::ledger::rows::{AddressKey, IntentRow, MemberRow, StagedRow};
use crate::store::ledger::{Step, keys};

/// Rows moved in one step.
const STEP_ROWS: usize = 500;

impl Run<'_> {
    /// Takes up what an earlier, failed run left: what it staged, what it decided and did not do, what it deferred.
    /// Their outcomes were not counted, or were counted as not cleared; they are decided anew.
    pub(super) fn carry_over(&self) -> Result<(), StoreError> {
        let sync = self.numbers.sync;
        while self.move_rows(|step| {
            let rows = step.intents.under(&keys::number(sync), None, STEP_ROWS)?;
            for (key, intent) in &rows {
                step.intents.remove(key)?;
                touch(step, sync, key, departed(intent))?;
            }
            Ok(rows.len())
        })? {}
        while self.move_rows(|step| {
            let rows = step.removals.under(&keys::number(sync), None, STEP_ROWS)?;
            for (key, intent) in &rows {
                step.removals.remove(key)?;
                touch(step, sync, key, departed(intent))?;
            }
            Ok(rows.len())
        })? {}
        while self.move_rows(|step| {
            let rows = step.deferred.under(&keys::number(sync), None, STEP_ROWS)?;
            for (key, row) in &rows {
                step.deferred.remove(key)?;
                if let StagedRow::Touched(departed) = row {
                    touch(step, sync, key, *departed)?;
                }
            }
            Ok(rows.len())
        })? {}
        let mut after: Option<Vec<u8>> = None;
        while self.move_rows(|step| {
            let rows = step
                .staged
                .under(&keys::number(sync), after.as_deref(), STEP_ROWS)?;
            for (key, row) in &rows {
                if let StagedRow::Read { .. } = row {
                    step.staged.remove(key)?;
                    touch(step, sync, key, None)?;
                }
            }
            after = rows.last().map(|(key, _)| key.clone());
            Ok(rows.len())
        })? {}
        Ok(())
    }

    /// Marks the contacts that the ledger has on the list and the list's active members do not; says whether there are
    /// any.
    pub(super) fn mark_lost(&self) -> Result<bool, StoreError> {
        let mut any = false;
        let (sync, number) = (self.numbers.sync, self.row.number);
        let list = keys::number(self.numbers.list);
        let mut after: Option<Vec<u8>> = None;
        while self.move_rows(|step| {
            let rows = step.members.under(&list, after.as_deref(), STEP_ROWS)?;
            after = rows.last().map(|(key, _)| key.clone());
            let count = rows.len();
            for (key, member) in rows {
                if member.state == Membership::Active && member.seen != number {
                    step.members.put(
                        &key,
                        &MemberRow {
                            state: Membership::Lost,
                            ..member
                        },
                    )?;
                    touch(step, sync, &key, None)?;
                    any = true;
                }
            }
            Ok(count)
        })? {}
        Ok(any)
    }

    /// Does one step; says whether it moved any rows, so that there may be more.
    fn move_rows(
        &self,
        change: impl FnOnce(&mut Step<'_>) -> Result<usize, StoreError>,
    ) -> Result<bool, StoreError> {
        Ok(self.store.ledger.step(change)? > 0)
    }
}

/// How the record departed because of which a contact was to be taken off.
fn departed(intent: &IntentRow) -> Option<Departed> {
    match intent {
        IntentRow::TakeOff { removal, .. } => Some(removal.departed()),
        IntentRow::Send { .. } => None,
    }
}

fn touch(
    step: &mut Step<'_>,
    sync: u32,
    key: &[u8],
    departed: Option<Departed>,
) -> Result<(), StoreError> {
    let address: Option<AddressKey> = keys::address_of(key);
    address.map_or(Ok(()), |address| step.touch(sync, &address, departed))
}
