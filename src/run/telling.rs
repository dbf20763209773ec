//! Events that are told together with what they tell of.
//!
//! The step of the ledger that makes an event true stores it, too; the journal gets it next, and then the ledger lets go
//! of it. What a process that died has left is looked for in the journal before it is told, so that a crash between the
//! two neither loses nor doubles an event. `standings` does the same for what is kept in the other store.

use jiff::Timestamp;

use super::Base;
use super::error::RunError;
use crate::journal::event::Event;
use crate::journal::{Journal, JournalError};
use crate::store::ledger::rows::UntoldRow;
use crate::store::ledger::{Step, keys};
use crate::store::{StoreError, format::FormatError};

/// An event that a step of this process stored, and that no process has told yet.
pub(super) struct Untold(Vec<u8>);

impl Base {
    /// Stores an event with the rest of a step; [`Self::tell`] is to follow.
    ///
    /// # Errors
    /// [`RunError::Store`] or [`RunError::Journal`].
    pub(super) fn note(&self, step: &mut Step<'_>, event: &Event) -> Result<Untold, RunError> {
        let event = serde_json::to_string(event).map_err(JournalError::Render)?;
        let last = step.untold.under(b"", None, usize::MAX)?.pop();
        let last = last.map(|(key, _)| keys::untold_place(&key)).transpose()?;
        let key = keys::untold(last.unwrap_or_default() + 1);
        let at = self.clock.now().as_millisecond();
        step.untold.put(&key, &UntoldRow { at, event })?;
        Ok(Untold(key))
    }

    /// Tells the journal an event that was noted, and what an earlier step has left.
    ///
    /// # Errors
    /// [`RunError::Store`] or [`RunError::Journal`]; then the next start tells it.
    pub(super) fn tell(&self, noted: Untold) -> Result<(), RunError> {
        self.tell_all(Some(&noted))
    }

    /// Tells the journal what an earlier process stored and may not have told.
    ///
    /// # Errors
    /// [`RunError::Store`] or [`RunError::Journal`].
    pub(super) fn tell_what_was_noted(&self) -> Result<(), RunError> {
        self.tell_all(None)
    }

    fn tell_all(&self, fresh: Option<&Untold>) -> Result<(), RunError> {
        // Held until the ledger has let go of them, so that nobody else tells them as well.
        let mut journal = self.journal();
        let ledger = &self.store.ledger;
        let rows = ledger.step(|step| step.untold.under(b"", None, usize::MAX))?;
        if rows.is_empty() {
            return Ok(());
        }
        for (key, row) in &rows {
            let is_fresh = fresh.is_some_and(|Untold(own)| own == key);
            append(&mut journal, key, row, is_fresh)?;
        }
        journal.sync()?;
        Ok(ledger.step(|step| {
            for (key, _) in &rows {
                step.untold.remove(key)?;
            }
            Ok::<_, StoreError>(())
        })?)
    }
}

/// Appends an event, unless it is there; one that `is_fresh` cannot be.
fn append(
    journal: &mut Journal,
    key: &[u8],
    row: &UntoldRow,
    is_fresh: bool,
) -> Result<(), RunError> {
    let damaged = || StoreError::value("untold", key, FormatError::Payload);
    let event: Event = serde_json::from_str(&row.event).map_err(|_| damaged())?;
    let at = Timestamp::from_millisecond(row.at).map_err(|_| damaged())?;
    if is_fresh || !journal.contains_event(at, &event)? {
        journal.append(at, &event)?;
    }
    Ok(())
}
