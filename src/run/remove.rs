//! Whoever goes, goes first: opt-outs, then removals, within the safety bound. Too many at once wait for a person.

use super::Run;
use super::claims::{self, fed_by, give_up};
use super::error::RunError;
use super::witness::{Leaves, why_off};
use super::write::Which;
use crate::config::settings::{RemovalBound, Safety};
use crate::domain::changes::{Membership, Removal};
use crate::domain::outcome::RunOutcome;
use crate::store::StoreError;
use crate::store::ledger::rows::{HeldRow, IntentRow, KeptRow};
use crate::store::ledger::{Ledger, Step, keys};

/// Rows moved in one step.
const STEP_ROWS: usize = 500;

impl Run<'_> {
    /// Takes off who opted out, then carries out the other removals, or holds them back when there are too many. While a
    /// hold is open, further ones join it.
    pub(super) async fn remove(&mut self) -> Result<RunOutcome, RunError> {
        self.carry_out_intents(Which::TakeOffs).await?;
        if self.row.held.is_none() {
            self.weigh_removals()?;
        }
        if self.row.held.is_some() {
            while self.hold_some()? {}
            return Ok(RunOutcome::Held);
        }
        while self.has_removals()? {
            self.refresh_gate_before_removals().await?;
            self.release_some()?;
            self.carry_out_intents(Which::TakeOffs).await?;
        }
        Ok(RunOutcome::Completed)
    }

    /// Decides whether the removals are too many to make without asking, and stores that before any is held back: a
    /// run that is resumed in the middle still knows what it held.
    fn weigh_removals(&mut self) -> Result<(), StoreError> {
        let removals = self.count_removals()?;
        let on_list = on_list(&self.store.ledger, self.numbers.list, self.numbers.sync)?;
        let bound = allowed(&self.config.safety, on_list);
        if removals > 0 && (removals > bound || self.has_held()?) {
            let mut row = self.row_with_cost();
            row.held = Some((removals, bound));
            self.store.ledger.step(|step| step.save_run(&row))?;
            self.row = row;
        }
        Ok(())
    }

    /// Whether removals of this sync wait for a person.
    pub(super) fn has_held(&self) -> Result<bool, StoreError> {
        self.store
            .ledger
            .step(|step| step.held.any(&keys::number(self.numbers.sync)))
    }

    fn has_removals(&self) -> Result<bool, StoreError> {
        let prefix = keys::number(self.numbers.sync);
        self.store.ledger.step(|step| step.removals.any(&prefix))
    }

    fn count_removals(&self) -> Result<u64, StoreError> {
        let prefix = keys::number(self.numbers.sync);
        let mut after: Option<Vec<u8>> = None;
        let mut count = 0;
        loop {
            let rows = self
                .store
                .ledger
                .step(|step| step.removals.under(&prefix, after.as_deref(), STEP_ROWS))?;
            count += u64::try_from(rows.len()).unwrap_or(u64::MAX);
            match rows.last() {
                Some((key, _)) => after = Some(key.clone()),
                None => return Ok(count),
            }
        }
    }

    fn hold_some(&self) -> Result<bool, StoreError> {
        let prefix = keys::number(self.numbers.sync);
        self.store.ledger.step(|step| {
            let run = step
                .held
                .under(&prefix, None, 1)?
                .first()
                .map(|(_, row)| row.run);
            let rows = step.removals.under(&prefix, None, STEP_ROWS)?;
            for (key, intent) in &rows {
                if let IntentRow::TakeOff { address, removal } = intent {
                    self.tell_held(step, key, address, *removal)?;
                    if let (Removal::Left, Some(address)) = (removal, keys::address_of(key)) {
                        // Until it is decided, its record may be deleted, or opt out under its other address.
                        let by = KeptRow(self.row.number);
                        claims::keep(step, self.numbers, &address, by)?;
                    }
                    let run = run.unwrap_or(self.row.run);
                    step.held.put(
                        key,
                        &HeldRow {
                            run,
                            address: address.clone(),
                            removal: *removal,
                        },
                    )?;
                }
                step.removals.remove(key)?;
            }
            Ok(!rows.is_empty())
        })
    }

    /// Tells of a removal that waits for a person from now on.
    fn tell_held(
        &self,
        step: &Step<'_>,
        key: &[u8],
        spelled: &str,
        removal: Removal,
    ) -> Result<(), StoreError> {
        let (Some(witness), Some(address)) = (self.witness(), keys::address_of(key)) else {
            return Ok(());
        };
        let record = fed_by(step, self.numbers, &address)?;
        let why = why_off(step, self.numbers.sync, (record, &address), removal)?;
        witness.leaves(record, spelled, (Leaves::Held, why))
    }

    /// Lets the next removals be carried out: those of contacts that are still on the list, as far as rosterd can know
    /// that. Without the suppressions they wait for the next run.
    fn release_some(&self) -> Result<(), StoreError> {
        let numbers = self.numbers;
        let prefix = keys::number(numbers.sync);
        self.store.ledger.step(|step| {
            let rows = step.removals.under(&prefix, None, STEP_ROWS)?;
            for (key, intent) in &rows {
                step.removals.remove(key)?;
                let (Some(address), IntentRow::TakeOff { removal, .. }) =
                    (keys::address_of(key), intent)
                else {
                    continue;
                };
                let on_list = keys::address(numbers.list, &address);
                let tried = step.tried.get(&on_list)?.is_some();
                let member = step.members.get(&on_list)?;
                if self.suppressions_unread.is_some() {
                    step.defer(numbers.sync, &address, Some(removal.departed()))?;
                } else if tried || member.is_some_and(|it| it.state == Membership::Active) {
                    step.intents.put(key, intent)?;
                } else {
                    give_up(step, numbers, &address)?;
                }
            }
            Ok(())
        })
    }
}

/// How many contacts a sync has on a list: those it claims that are active.
pub(super) fn on_list(ledger: &Ledger, list: u32, sync: u32) -> Result<u64, StoreError> {
    let prefix = keys::number(list);
    let mut after: Option<Vec<u8>> = None;
    let mut count = 0;
    loop {
        let (rows, active) = ledger.step(|step| {
            let rows = step.claims.under(&prefix, after.as_deref(), STEP_ROWS)?;
            let mut active = 0;
            for (key, _) in &rows {
                let own = keys::last_number(key) == Some(sync);
                if let (true, Some(address)) = (own, keys::address_of(key)) {
                    let member = step.members.get(&keys::address(list, &address))?;
                    let on_list = member.is_some_and(|it| it.state == Membership::Active);
                    active += u64::from(on_list);
                }
            }
            Ok::<_, StoreError>((rows, active))
        })?;
        count += active;
        match rows.last() {
            Some((key, _)) => after = Some(key.clone()),
            None => return Ok(count),
        }
    }
}

/// The most removals that a run with `on_list` contacts makes without asking.
fn allowed(safety: &Safety, on_list: u64) -> u64 {
    let most = match safety.max_removals {
        RemovalBound::Share(share) => on_list.saturating_mul(u64::from(share)) / 10_000,
        RemovalBound::Contacts(contacts) => contacts,
    };
    most.max(safety.min_removals)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_share_of_the_list_may_go_and_always_a_few() {
        let safety = |max_removals| Safety {
            max_removals,
            min_removals: 25,
            suppression_max_age: Duration::from_secs(3600),
        };
        for (bound, on_list, want) in [
            (RemovalBound::Share(1000), 1000, 100),
            (RemovalBound::Share(1000), 100, 25),
            (RemovalBound::Share(1000), 0, 25),
            (RemovalBound::Contacts(40), 1_000_000, 40),
            (RemovalBound::Contacts(3), 1_000_000, 25),
        ] {
            assert_eq!(
                allowed(&safety(bound), on_list),
                want,
                "{bound:?} of {on_list}"
            );
        }
    }
}
