//! The stores to be looked at: nothing is made, moved or mended, and nothing is kept of what is put while looking.

use std::fs::File;
use std::path::Path;

use super::ledger::{self, Ledger};
use super::mirror::{self, Snapshot};
use super::restore::place;
use super::{LEDGER_FILE, MIRROR_FILE, StoreError, lock};

/// The stores of one rosterd, as they were when it last wrote to them.
pub(crate) struct Look {
    /// What is known of records, addresses and lists; to be asked by [`Ledger::look`].
    pub(crate) ledger: Ledger,
    /// How far each sync has come, and how it stands.
    pub(crate) kept: Snapshot,
    _lock: Option<File>,
}

impl Look {
    /// Takes hold of the stores in `folder`. Where there are none yet, they are empty, and nothing is made there.
    ///
    /// # Errors
    /// [`StoreError`]: held by another process, not readable, damaged.
    pub(crate) fn open(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(LEDGER_FILE);
        if place::is_made(folder) {
            let _lock = lock(folder)?;
            place::settle(folder)?;
        }
        if !ledger::is_there(&path)? {
            return Ok(Self {
                ledger: Ledger::empty()?,
                kept: Snapshot::default(),
                _lock: None,
            });
        }
        let lock = lock(folder)?;
        let ledger = Ledger::open(&path)?;
        let kept = mirror::read(&folder.join(MIRROR_FILE))?.unwrap_or_default();
        Ok(Self {
            ledger,
            kept,
            _lock: Some(lock),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    #[test]
    fn looking_makes_nothing_and_keeps_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let number = |look: &Look| {
            look.ledger
                .look(|step| step.number('s', "newsletter"))
                .unwrap()
        };
        assert_eq!(number(&Look::open(&state).unwrap()), 1);
        assert!(!state.exists());

        let now = "2026-11-22T02:30:00Z".parse().unwrap();
        let store = Store::open(&state, now).unwrap();
        assert!(matches!(Look::open(&state), Err(StoreError::Held(_))));
        let other = store.ledger.step(|step| step.number('s', "other"));
        assert_eq!(other.unwrap(), 1);
        drop(store);
        for _ in 0..2 {
            assert_eq!(number(&Look::open(&state).unwrap()), 2);
        }
        let ledger = Look::open(&state).unwrap().ledger;
        let named = ledger.look(|step| step.named('s', "")).unwrap();
        assert_eq!(named, [("other".to_owned(), 1)]);
    }
}
