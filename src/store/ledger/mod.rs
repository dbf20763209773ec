//! The ledger: what rosterd knows and last sent, one step at a time.
//!
//! A step is one transaction, synced to disk before it counts as done. There is one writer at a time; the file is
//! locked to one process. Addresses are looked up by a keyed hash, so that keys are short and tell nobody anything.

pub(crate) mod check;
pub(crate) mod erase;
mod file;
pub(crate) mod keys;
mod old;
pub(crate) mod rows;
pub(crate) mod salvage;
mod step;
#[cfg(test)]
mod tests;
mod values;

use std::cell::Cell;
use std::fs;
use std::io;
use std::path::Path;

use redb::backends::InMemoryBackend;
use redb::{Database, Durability};
pub(crate) use rows::SyncNumbers;
use rows::{AddressKey, LedgerRow, PacingRow, RunRow};
pub(crate) use step::Step;

use super::quiet::caught;
use super::state::LedgerMark;
use super::{StoreError, sync_folder};
use crate::domain::address::EmailAddress;
use crate::domain::ids::RunId;
use crate::domain::pacing::PacingState;
use crate::domain::written::Written;
use crate::regular;

/// Memory the ledger may use for pages; what a run needs at once is a few steps' worth.
const CACHE_BYTES: usize = 16 << 20;

/// Whether there is a ledger at `path`: a link that leads nowhere is a ledger that cannot be opened.
///
/// # Errors
/// [`StoreError::File`]: what is there is none that can be opened.
pub(crate) fn is_there(path: &Path) -> Result<bool, StoreError> {
    regular::is_there(path).map_err(|source| StoreError::file("open the ledger", path, source))
}

/// The open ledger.
pub(crate) struct Ledger {
    db: Database,
    secret: [u8; 32],
}

impl Ledger {
    /// Opens the ledger at `path`, making it if it is not there.
    ///
    /// # Errors
    /// [`StoreError`]: held by another process, damaged, from a newer rosterd, or no room.
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        if !is_there(path)? {
            Self::make(path)?;
        }
        Self::open_at(path)
    }

    /// Makes a ledger under another name, and gives it its own once it is whole: a file that redb was making when the
    /// process died looks like a damaged one.
    fn make(path: &Path) -> Result<(), StoreError> {
        let unfinished = path.with_extension("redb.unfinished");
        match fs::remove_file(&unfinished) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(StoreError::file("remove", &unfinished, source));
            }
            Ok(()) | Err(_) => {}
        }
        drop(Self::open_at(&unfinished)?);
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::rename(&unfinished, path)
            .and_then(|()| sync_folder(folder))
            .map_err(|source| StoreError::file("make the ledger", path, source))
    }

    fn open_at(path: &Path) -> Result<Self, StoreError> {
        guarded(path, || {
            let db = file::open(path)?;
            Self::with(db)
        })
    }

    /// Opens what can still be read of a damaged ledger; `path` is that of a copy.
    ///
    /// # Errors
    /// [`StoreError`]: nothing can be read.
    pub(crate) fn open_damaged(path: &Path) -> Result<Self, StoreError> {
        guarded(path, || {
            let db = file::open_unchecked(path)?;
            Self::with(db)
        })
    }

    /// A ledger that knows nothing, and is gone with the process: what there is to be looked at before the first run.
    ///
    /// # Errors
    /// [`StoreError`]: no memory, or no random bytes.
    pub(crate) fn empty() -> Result<Self, StoreError> {
        let db = Database::builder()
            .create_with_backend(InMemoryBackend::new())
            .map_err(StoreError::ledger)?;
        Self::with(db)
    }

    fn with(db: Database) -> Result<Self, StoreError> {
        let mut ledger = Self {
            db,
            secret: [0; 32],
        };
        ledger.secret = ledger.step(|step| -> Result<_, StoreError> {
            if let Some(row) = step.ledger.get(b"")? {
                return Ok(row.secret);
            }
            let mut secret = [0; 32];
            getrandom::fill(&mut secret).map_err(|_| StoreError::Random)?;
            step.ledger.put(
                b"",
                &LedgerRow {
                    secret,
                    last_run: 0,
                },
            )?;
            Ok(secret)
        })?;
        Ok(ledger)
    }

    /// Opens the ledger, and writes its file anew before that if people were erased since that was done last. Where it
    /// cannot be written anew, that is told, and tried again the next time.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(crate) fn open_wiped(path: &Path) -> Result<Self, StoreError> {
        let ledger = Self::open(path)?;
        if !ledger.wants_wiping()? {
            return Ok(ledger);
        }
        drop(ledger);
        if let Err(error) = erase::wipe(path) {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the ledger cannot be written anew: people who were erased may be left in parts of its file"
            );
        }
        Self::open(path)
    }

    /// Reads every row of the ledger at `path`, whose file may be damaged; it is that of a copy.
    ///
    /// # Errors
    /// [`StoreError`]: it cannot be opened, or not be read to its end.
    pub(crate) fn read_all(path: &Path) -> Result<check::Checked, StoreError> {
        let ledger = Self::open_damaged(path)?;
        guarded(path, || ledger.look(|step| step.check()))
    }

    /// Does one step: what `change` puts is stored together when it returns `Ok`, and not at all otherwise.
    ///
    /// # Errors
    /// Whatever `change` returns, and [`StoreError`] where the disk fails.
    pub(crate) fn step<T, E: From<StoreError>>(
        &self,
        change: impl FnOnce(&mut Step<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        blocking(|| {
            let mut txn = self.db.begin_write().map_err(StoreError::ledger)?;
            txn.set_durability(Durability::Immediate)
                .map_err(StoreError::ledger)?;
            let wrote = Cell::new(false);
            let result = change(&mut Step::open(&txn, &wrote)?)?;
            if wrote.get() {
                txn.commit().map_err(StoreError::ledger)?;
            } else {
                // A commit waits for the disk even if there is nothing to keep.
                txn.abort().map_err(StoreError::ledger)?;
            }
            Ok(result)
        })
    }

    /// Looks at the ledger, as in a step of which nothing is kept: whatever `look` puts is there for `look` alone, so
    /// that it may ask what a step would come to.
    ///
    /// # Errors
    /// Whatever `look` returns, and [`StoreError`] where the disk fails.
    pub(crate) fn look<T, E: From<StoreError>>(
        &self,
        look: impl FnOnce(&mut Step<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        blocking(|| {
            let txn = self.db.begin_write().map_err(StoreError::ledger)?;
            let wrote = Cell::new(false);
            let result = look(&mut Step::open(&txn, &wrote)?)?;
            txn.abort().map_err(StoreError::ledger)?;
            Ok(result)
        })
    }

    /// Tells this ledger from any other, and nothing else.
    pub(crate) fn mark(&self) -> LedgerMark {
        let hash = blake3::keyed_hash(&self.secret, b"");
        let mut mark = [0; 16];
        mark.copy_from_slice(&hash.as_bytes()[..16]);
        LedgerMark(mark)
    }

    /// The number that it has given last: to a run that began, or to an erasure; 0 for a new one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn last_run(&self) -> Result<u32, StoreError> {
        let row = self.look(|step| step.ledger.get(b""))?;
        Ok(row.map_or(0, |row| row.last_run))
    }

    /// The key of an address in all tables.
    pub(crate) fn key(&self, address: &EmailAddress) -> AddressKey {
        self.hashed(address.normal())
    }

    fn hashed(&self, text: &str) -> AddressKey {
        let hash = blake3::keyed_hash(&self.secret, text.as_bytes());
        let mut key = AddressKey::default();
        key.copy_from_slice(&hash.as_bytes()[..16]);
        key
    }

    /// The key of an address, or of what is written in its place.
    pub(crate) fn key_of(&self, whom: &Written) -> AddressKey {
        match whom {
            Written::Address(address) => self.key(address),
            // No address has a space in it.
            Written::Other(text) => self.hashed(&format!("no address: {text}")),
        }
    }

    /// What is used of the call budgets that are kept in this row: an account's, or its with one service.
    pub(crate) fn pacing(&self, row: &str) -> Result<Option<PacingState>, StoreError> {
        let row = self.step(|step| step.pacing.get(row.as_bytes()))?;
        Ok(row.map(|PacingRow(state)| state))
    }

    /// The row of a run.
    pub(crate) fn run(&self, run: RunId) -> Result<Option<RunRow>, StoreError> {
        self.step(|step| step.runs.get(&keys::run(run.to_u128())))
    }
}

/// Does something with the file at `path`, whose damage may make redb panic.
fn guarded<T>(path: &Path, work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    caught(work).unwrap_or_else(|| {
        let damaged = redb::StorageError::Corrupted("reading it panicked".to_owned());
        Err(StoreError::opening(path, damaged.into()))
    })
}

/// Runs what waits for the disk without holding up the other tasks of a multi-threaded runtime.
fn blocking<T>(work: impl FnOnce() -> T) -> T {
    use tokio::runtime::{Handle, RuntimeFlavor};
    match Handle::try_current() {
        Ok(handle) if handle.runtime_flavor() == RuntimeFlavor::MultiThread => {
            tokio::task::block_in_place(work)
        }
        Ok(_) | Err(_) => work(),
    }
}
