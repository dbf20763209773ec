//! A copy of the stores: for what must be free to change them and leave no trace.
//!
//! The original is only read, and locked against every other process while it is: a copy is of one moment. Where there is
//! nothing yet, nothing is made there, and the copy is as empty.

use std::fs::{self, DirEntry, File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;

use super::{LEDGER_FILE, LOCK_FILE, MIRROR_FILE, STATE_FOLDER, StoreError};
use super::{check_room, lock as lock_alone, restore::place, room_wanted};

/// Bytes that are copied between two looks at whether to stop.
const CHUNK_BYTES: u64 = 16 << 20;

/// Copies what is there of the stores in `from` to the folder `to`.
///
/// # Errors
/// [`StoreError::Held`] by another process, [`StoreError::NoRoom`] for the copy and a run in it, [`StoreError::File`]
/// where the original cannot be read, [`StoreError::Copy`] where the copy cannot be written or is to stop.
pub(crate) fn copy(from: &Path, to: &Path, stop: &CancellationToken) -> Result<(), StoreError> {
    if place::is_made(from) {
        let _lock = lock_alone(from)?;
        place::settle(from)?;
    }
    let lock = lock_shared(from)?;
    let files = files(from)?;
    let bytes: u64 = files.iter().map(|file| file.bytes).sum();
    let ledger = files
        .iter()
        .find(|file| file.name == Path::new(LEDGER_FILE));
    let ledger = ledger.map_or(0, |file| file.bytes);
    check_room(to, bytes.saturating_add(room_wanted(ledger)))?;
    for file in &files {
        copy_file(&from.join(&file.name), &to.join(&file.name), stop)?;
    }
    // A process that made the folder its own meanwhile may have changed what was being copied.
    if lock.is_none() && lock_file(from).exists() {
        return Err(StoreError::Held(from.to_owned()));
    }
    Ok(())
}

/// Copies what is there of the stores in `from` to the folder `to`, for whoever has the lock.
///
/// # Errors
/// [`StoreError::File`] or [`StoreError::Copy`].
pub(super) fn copy_held(from: &Path, to: &Path) -> Result<(), StoreError> {
    let made = fs::DirBuilder::new().mode(0o700).create(to);
    made.map_err(|source| StoreError::file("make", to, source))?;
    let stop = CancellationToken::new();
    for file in files(from)? {
        copy_file(&from.join(&file.name), &to.join(&file.name), &stop)?;
    }
    Ok(())
}

/// The lock of the stores, held with others that only read; none where the stores have never been opened.
fn lock_shared(folder: &Path) -> Result<Option<File>, StoreError> {
    let path = lock_file(folder);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(StoreError::file("open the lock", &path, source)),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(StoreError::Held(folder.to_owned())),
        Err(TryLockError::Error(source)) => Err(StoreError::file("lock", &path, source)),
    }
}

fn lock_file(folder: &Path) -> PathBuf {
    folder.join(LOCK_FILE)
}

/// A file of the stores.
struct Piece {
    /// Where, in the folder of the stores.
    name: PathBuf,
    bytes: u64,
}

fn files(folder: &Path) -> Result<Vec<Piece>, StoreError> {
    let mut pieces = Vec::new();
    for name in [LEDGER_FILE, MIRROR_FILE] {
        match fs::metadata(folder.join(name)) {
            Ok(found) => pieces.push(Piece {
                name: name.into(),
                bytes: found.len(),
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(StoreError::file("look at", &folder.join(name), source)),
        }
    }
    let mut folders = vec![PathBuf::from(STATE_FOLDER)];
    while let Some(within) = folders.pop() {
        let path = folder.join(&within);
        let failed = |source| StoreError::file("list", &path, source);
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(source) => return Err(failed(source)),
        };
        for entry in entries {
            let entry: DirEntry = entry.map_err(failed)?;
            let found = entry.metadata().map_err(failed)?;
            let name = within.join(entry.file_name());
            if found.is_dir() {
                folders.push(name);
            } else if found.is_file() {
                let bytes = found.len();
                pieces.push(Piece { name, bytes });
            }
        }
    }
    Ok(pieces)
}

fn copy_file(from: &Path, to: &Path, stop: &CancellationToken) -> Result<(), StoreError> {
    let failed = |attempt, path: &Path| {
        let path = path.to_owned();
        move |source| StoreError::Copy {
            attempt,
            path,
            source,
        }
    };
    let mut original = File::open(from).map_err(|source| StoreError::file("read", from, source))?;
    if let Some(folder) = to.parent() {
        let made = fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder);
        made.map_err(failed("make", folder))?;
    }
    let made = OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(to);
    let mut copy = made.map_err(failed("make", to))?;
    loop {
        if stop.is_cancelled() {
            let stopped = io::Error::from(io::ErrorKind::Interrupted);
            return Err(failed("go on writing", to)(stopped));
        }
        let mut chunk = (&mut original).take(CHUNK_BYTES);
        if io::copy(&mut chunk, &mut copy).map_err(failed("write", to))? == 0 {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{DAEMON_MARK, Store};

    fn folders() -> (tempfile::TempDir, tempfile::TempDir) {
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap())
    }

    fn copied(from: &Path, to: &Path) -> Result<(), StoreError> {
        copy(from, to, &CancellationToken::new())
    }

    fn open(folder: &Path) -> Store {
        Store::open(folder, "2026-11-22T02:30:00Z".parse().unwrap()).unwrap()
    }

    #[test]
    fn a_copy_opens_as_the_original_did_and_the_original_stays_as_it_was() {
        let (from, to) = folders();
        let store = open(from.path());
        store.mark_daemon().unwrap();
        let mark = store.ledger.mark();
        assert!(matches!(
            copied(from.path(), to.path()),
            Err(StoreError::Held(_))
        ));
        drop(store);
        // Sled's own threads let go of the file a moment later; it is only read here.
        copied(from.path(), to.path()).unwrap();
        assert_eq!(open(to.path()).ledger.mark(), mark);
        let lock = fs::read_to_string(from.path().join(LOCK_FILE)).unwrap();
        assert_eq!(lock, DAEMON_MARK, "not even the lock is written to");
        open(from.path());
    }

    #[test]
    fn of_nothing_there_is_an_empty_copy_and_nothing_is_made() {
        let (from, to) = folders();
        let missing = from.path().join("state");
        copied(&missing, to.path()).unwrap();
        assert!(!missing.exists());
        assert_eq!(fs::read_dir(to.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_copy_stops_when_it_is_told_to() {
        let (from, to) = folders();
        drop(open(from.path()));
        let stop = CancellationToken::new();
        stop.cancel();
        let stopped = copy(from.path(), to.path(), &stop);
        assert!(matches!(stopped, Err(StoreError::Copy { .. })));
    }
}
