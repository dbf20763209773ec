//! Erasing a person from the ledger: what stays is the keyed hash of the address, and since when.
//!
//! Rows that others need to go on (which record feeds an address, how it stands on a list) stay under the hash without
//! address and fields; the rest goes. What a row held may still be in parts of the file that are not used any more, so
//! the file is written anew the next time it is opened.

use std::fs;
use std::io;
use std::path::Path;

use redb::{Database, Durability, ReadableDatabase, ReadableTable, TableDefinition, TableHandle};

use super::rows::{
    AddedRow, AddressKey, CandidateRow, ErasedRow, IgnoredRow, IntentRow, MemberRow, StagedRow,
};
use super::{Ledger, Step, blocking, keys};
use crate::domain::address::without;
use crate::domain::screening::Screened;
use crate::domain::written::Written;
use crate::store::{StoreError, sync_folder};

impl Ledger {
    /// Whether somebody was erased since the file was last written anew.
    pub(super) fn wants_wiping(&self) -> Result<bool, StoreError> {
        let erased = self.step(|step| step.erased.under(b"", None, usize::MAX))?;
        Ok(erased.iter().any(|(_, row)| row.done && !row.wiped))
    }

    /// Notes that the file has been written anew.
    fn note_wiped(&self) -> Result<(), StoreError> {
        self.step(|step| {
            for (key, row) in step.erased.under(b"", None, usize::MAX)? {
                step.erased.put(
                    &key,
                    &ErasedRow {
                        wiped: row.done,
                        ..row
                    },
                )?;
            }
            Ok(())
        })
    }

    /// Blanks ignored records of runs that are not in the history yet.
    pub(crate) fn blank_ignored(&self, whom: &Written) -> Result<(), StoreError> {
        self.step(|step| {
            for (key, row) in step.ignored.under(b"", None, usize::MAX)? {
                if let Some(row) = blanked(&row, whom) {
                    step.ignored.put(&key, &row)?;
                }
            }
            Ok(())
        })
    }
}

impl Step<'_> {
    /// Erases an address from all rows, but not from the ignored records.
    pub(crate) fn erase(&mut self, address: &AddressKey) -> Result<(), StoreError> {
        for (_, sync) in self.named('s', "")? {
            self.erase_of_sync(sync, address)?;
        }
        for (_, list) in self.named('l', "")? {
            let key = keys::address(list, address);
            for (key, _) in self.claims.under(&key, None, usize::MAX)? {
                self.claims.remove(&key)?;
            }
            for (key, _) in self.replies.under(&key, None, usize::MAX)? {
                self.replies.remove(&key)?;
            }
            self.tried.remove(&key)?;
            if let Some(member) = self.members.get(&key)? {
                let address = String::new();
                self.members.put(&key, &MemberRow { address, ..member })?;
            }
        }
        Ok(())
    }

    /// Whether a sync or a list has the address, or had it.
    pub(crate) fn knows(&self, address: &AddressKey) -> Result<bool, StoreError> {
        for (_, sync) in self.named('s', "")? {
            if self.candidates.any(&keys::address(sync, address))? {
                return Ok(true);
            }
        }
        for (_, list) in self.named('l', "")? {
            if self.members.get(&keys::address(list, address))?.is_some() {
                return Ok(true);
            }
        }
        for (_, account) in self.named('a', "")? {
            if self.opt_outs.any(&keys::address(account, address))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn erase_of_sync(&mut self, sync: u32, address: &AddressKey) -> Result<(), StoreError> {
        let under = keys::address(sync, address);
        for (key, row) in self.candidates.under(&under, None, usize::MAX)? {
            let row = CandidateRow {
                address: String::new(),
                fields: Vec::new(),
                ..row
            };
            self.candidates.put(&key, &row)?;
        }
        for (key, row) in self.staged.under(&under, None, usize::MAX)? {
            if let StagedRow::Read { screened, .. } = row {
                let address = String::new();
                self.staged
                    .put(&key, &StagedRow::Read { screened, address })?;
            }
        }
        for (key, intent) in self.intents.under(&under, None, usize::MAX)? {
            self.intents.remove(&key)?;
            match intent {
                // Counted already, and in want of an outcome.
                IntentRow::Send { record, .. } => self.staged.put(
                    &keys::under_address(sync, address, record),
                    &StagedRow::Read {
                        screened: Screened::Passed,
                        address: String::new(),
                    },
                )?,
                IntentRow::TakeOff { .. } => self.touch(sync, address, None)?,
            }
        }
        for (key, _) in self.removals.under(&under, None, usize::MAX)? {
            self.removals.remove(&key)?;
        }
        for (key, _) in self.held.under(&under, None, usize::MAX)? {
            self.held.remove(&key)?;
        }
        for (key, row) in self.added.under(&under, None, usize::MAX)? {
            let address = String::new();
            self.added.put(&key, &AddedRow { address, ..row })?;
        }
        Ok(())
    }
}

/// The row without an address that is to be erased; `None` where it has another.
fn blanked(row: &IgnoredRow, whom: &Written) -> Option<IgnoredRow> {
    whom.is(&row.address).then(|| IgnoredRow {
        address: String::new(),
        detail: without(&row.detail, &row.address),
        ..row.clone()
    })
}

/// Writes the ledger's file anew, with its rows and nothing else, and puts it in the old one's place.
///
/// # Errors
/// [`StoreError`]; the old file is still there then.
pub(in crate::store) fn wipe(path: &Path) -> Result<(), StoreError> {
    let anew = path.with_extension("redb.anew");
    match fs::remove_file(&anew) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(source) => return Err(StoreError::file("remove", &anew, source)),
    }
    {
        let from = Database::open(path).map_err(|source| StoreError::opening(path, source))?;
        let to = Database::create(&anew).map_err(|source| StoreError::opening(&anew, source))?;
        copy_rows(&from, &to)?;
    }
    // Where the mark cannot be set, the file is written anew once more the next time.
    Ledger::open(&anew)?.note_wiped()?;
    let failed = |source| StoreError::file("replace", path, source);
    fs::rename(&anew, path).map_err(failed)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    sync_folder(folder).map_err(failed)
}

impl Ledger {
    /// Copies all rows, as they are at one moment, to a new ledger at `path`; steps go on meanwhile.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn copy_to(&self, path: &Path) -> Result<(), StoreError> {
        blocking(|| {
            let to = Database::create(path).map_err(|source| StoreError::opening(path, source))?;
            copy_rows(&self.db, &to)
        })
    }
}

fn copy_rows(from: &Database, to: &Database) -> Result<(), StoreError> {
    let read = from.begin_read().map_err(StoreError::ledger)?;
    let mut write = to.begin_write().map_err(StoreError::ledger)?;
    write
        .set_durability(Durability::Immediate)
        .map_err(StoreError::ledger)?;
    for table in read.list_tables().map_err(StoreError::ledger)? {
        let name = table.name().to_owned();
        let definition: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new(&name);
        let rows = read.open_table(definition).map_err(StoreError::ledger)?;
        let mut copy = write.open_table(definition).map_err(StoreError::ledger)?;
        for row in rows.iter().map_err(StoreError::ledger)? {
            let (key, value) = row.map_err(StoreError::ledger)?;
            copy.insert(key.value(), value.value())
                .map_err(StoreError::ledger)?;
        }
    }
    write.commit().map_err(StoreError::ledger)
}
