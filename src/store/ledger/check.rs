//! Reading every row, to find those that do not decode.

use redb::ReadableTable;

use super::Step;
use super::step::Rows;
use crate::store::StoreError;
use crate::store::format::Stored;

/// Faults beyond so many are counted and not named.
const FAULTS_MAX: usize = 20;

/// What reading every row has shown.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Checked {
    /// Rows that were read.
    pub(crate) rows: u64,
    /// Those that do not decode: the first of them by table and key, and why.
    pub(crate) faults: Vec<String>,
    /// How many they are.
    pub(crate) bad: u64,
}

impl Checked {
    fn table<T: Stored>(&mut self, rows: &Rows<'_, T>) -> Result<(), StoreError> {
        for entry in rows.table().iter().map_err(StoreError::ledger)? {
            let (key, bytes) = entry.map_err(StoreError::ledger)?;
            self.rows += 1;
            if let Err(error) = rows.decode(key.value(), bytes.value()) {
                self.bad += 1;
                if self.faults.len() < FAULTS_MAX {
                    let why = std::error::Error::source(&error).map(ToString::to_string);
                    self.faults
                        .push(format!("{error}: {}", why.unwrap_or_default()));
                }
            }
        }
        Ok(())
    }
}

impl Step<'_> {
    /// Reads every row of every table.
    ///
    /// # Errors
    /// [`StoreError::Ledger`]: the file cannot be read on.
    pub(crate) fn check(&self) -> Result<Checked, StoreError> {
        let mut checked = Checked::default();
        checked.table(&self.ledger)?;
        checked.table(&self.names)?;
        checked.table(&self.runs)?;
        checked.table(&self.records)?;
        checked.table(&self.candidates)?;
        checked.table(&self.opt_outs)?;
        checked.table(&self.claims)?;
        checked.table(&self.members)?;
        checked.table(&self.staged)?;
        checked.table(&self.deferred)?;
        checked.table(&self.intents)?;
        checked.table(&self.removals)?;
        checked.table(&self.added)?;
        checked.table(&self.ignored)?;
        checked.table(&self.held)?;
        checked.table(&self.resolved)?;
        checked.table(&self.pacing)?;
        checked.table(&self.deals)?;
        checked.table(&self.deal_contacts)?;
        checked.table(&self.revisits)?;
        checked.table(&self.expected)?;
        checked.table(&self.audits)?;
        checked.table(&self.kept)?;
        checked.table(&self.replies)?;
        checked.table(&self.tried)?;
        checked.table(&self.approved)?;
        checked.table(&self.erased)?;
        checked.table(&self.untold)?;
        Ok(checked)
    }
}
