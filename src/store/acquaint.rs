//! Whether ledger and checkpoints belong together, and what is done where they do not.

use super::ledger::Ledger;
use super::mirror::Snapshot;
use super::state::{Changes, Checkpoint, Counter, Running, State};
use super::{Store, StoreError};
use crate::domain::activation::AccountHold;

/// Among the counters: the number that the ledger had given last, and whether nobody has looked yet if there were stores
/// before these. No account has a name without a slash behind it.
pub(super) const LEDGER_AGE: &str = "ledger";
pub(super) const UNCHECKED: &str = "unchecked";

impl Store {
    /// Notes which number the ledger has given last, so that an older one in its place is known as such.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn note_age(&self) -> Result<(), StoreError> {
        let runs = u64::from(self.ledger.last_run()?);
        if self.state.counter(LEDGER_AGE)? == runs {
            return Ok(());
        }
        self.put_counter(LEDGER_AGE, runs)
    }

    /// Whether the stores were begun anew, and nobody has looked yet whether there were some before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn is_unchecked(&self) -> Result<bool, StoreError> {
        Ok(self.state.counter(UNCHECKED)? > 0)
    }

    /// Notes that somebody has looked.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn note_checked(&self) -> Result<(), StoreError> {
        self.put_counter(UNCHECKED, 0)
    }

    fn put_counter(&self, key: &str, count: u64) -> Result<(), StoreError> {
        self.state.commit(&Changes {
            counters: vec![(key.to_owned(), Counter(count))],
            ..Changes::default()
        })
    }
}

/// Sees to it that the checkpoints belong to the ledger. Beside another one than they know (the old one was lost, or
/// moved away) nothing is known of those who opted out under records that are gone, who left, or who were erased: every
/// sync is inactive until a person activates it, and reads everything then before it decides anything.
pub(super) fn acquaint(state: &State, ledger: &Ledger) -> Result<(), StoreError> {
    let mark = ledger.mark();
    let kept = state.snapshot()?;
    let strange = strange_ledger(&kept, ledger)?;
    if kept.ledger == Some(mark) && strange.is_none() {
        return Ok(());
    }
    let is_new = kept.ledger.is_none();
    let Snapshot {
        checkpoints,
        mut standings,
        ..
    } = kept;
    if let Some(strange) = strange.filter(|_| !standings.is_empty()) {
        tracing::error!(
            syncs = standings.len(),
            "{strange}, so every sync is inactive: `rosterd state restore` a backup; without one, opt-outs of records that are gone from the CRM, and who was erased, are forgotten: look at `rosterd plan` of each sync before you activate it, and it reads everything then"
        );
        for standing in standings.values_mut() {
            standing.held.by_account = Some(AccountHold::StateLost);
        }
    }
    let runs = ledger.last_run()?;
    let anew = |checkpoint: Checkpoint| Checkpoint {
        definition: [0; 16],
        cursor: None,
        last_full: None,
        settled_by: checkpoint.settled_by.min(runs),
        running: checkpoint.running.map(|running| Running {
            full: true,
            ..running
        }),
        ..checkpoint
    };
    state.commit(&Changes {
        checkpoints: checkpoints
            .into_iter()
            .map(|(sync, checkpoint)| (sync, anew(checkpoint)))
            .collect(),
        standings: standings.into_iter().collect(),
        counters: vec![
            (LEDGER_AGE.to_owned(), Counter(runs.into())),
            (UNCHECKED.to_owned(), Counter(is_new.into())),
        ],
        ledger: Some(mark),
        ..Changes::default()
    })
}

/// What is wrong with a ledger beside these checkpoints; none where they belong together, or where both are new.
pub(super) fn strange_ledger(
    kept: &Snapshot,
    ledger: &Ledger,
) -> Result<Option<&'static str>, StoreError> {
    let runs = ledger.last_run()?;
    let is_behind = |it: &Checkpoint| it.settled_by > runs;
    let age = kept.counters.get(LEDGER_AGE).map_or(0, |age| age.0);
    let is_older = age > u64::from(runs) || kept.checkpoints.values().any(is_behind);
    Ok(match kept.ledger {
        None => None,
        Some(known) if known != ledger.mark() => {
            Some("the ledger is not the one that the checkpoints belong to")
        }
        Some(_) if is_older => Some("the ledger is older than the checkpoints"),
        Some(_) => None,
    })
}
