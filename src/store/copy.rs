//! A copy of the stores: for what must be free to change them and leave no trace.
//!
//! The original is only read, and locked against every other process while it is: a copy is of one moment. Where there is
//! nothing yet, nothing is made there, and the copy is as empty.

use std::fs::{self, DirEntry, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;

use super::mirror::MIRROR_BYTES_MAX;
use super::{LEDGER_FILE, LOCK_FILE, MIRROR_FILE, STATE_FOLDER, StoreError};
use super::{check_room, lock as lock_alone, restore::place, room_wanted, state};
use crate::regular;

/// Bytes that are copied between two looks at whether to stop.
const CHUNK_BYTES: usize = 1 << 20;

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
        copy_file(file, from, to, stop)?;
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
/// [`StoreError::File`].
pub(super) fn copy_held(from: &Path, to: &Path) -> Result<(), StoreError> {
    let made = fs::DirBuilder::new().mode(0o700).create(to);
    made.map_err(|source| StoreError::file("make", to, source))?;
    let stop = CancellationToken::new();
    for file in files(from)? {
        copy_file(&file, from, to, &stop).map_err(|error| match error {
            // This copy is in the folder of the state, and not in the one for temporary files.
            StoreError::Copy {
                attempt,
                path,
                source,
            } => StoreError::File {
                attempt,
                path,
                source,
            },
            error => error,
        })?;
    }
    Ok(())
}

/// The lock of the stores, held with others that only read; none where the stores have never been opened.
fn lock_shared(folder: &Path) -> Result<Option<File>, StoreError> {
    let path = lock_file(folder);
    let file = match regular::open(&path) {
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
    /// How many of its bytes are copied.
    bytes: u64,
}

fn files(folder: &Path) -> Result<Vec<Piece>, StoreError> {
    let mut pieces = Vec::new();
    let ledger = PathBuf::from(LEDGER_FILE);
    pieces.extend(piece(folder, ledger, u64::MAX)?);
    // A longer one is damaged, and the byte too many says so of the copy.
    let mirror = PathBuf::from(MIRROR_FILE);
    pieces.extend(piece(folder, mirror, MIRROR_BYTES_MAX + 1)?);
    state::check_files(&folder.join(STATE_FOLDER))?;
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
            let name = within.join(entry.file_name());
            match entry.file_type().map_err(failed)?.is_dir() {
                true => folders.push(name),
                false => pieces.extend(piece(folder, name, u64::MAX)?),
            }
        }
    }
    Ok(pieces)
}

/// The file of this name, of which no more than so many bytes are copied; none where there is none.
fn piece(folder: &Path, name: PathBuf, bytes_max: u64) -> Result<Option<Piece>, StoreError> {
    let path = folder.join(&name);
    let failed = |source| StoreError::file("read", &path, source);
    if !regular::is_there(&path).map_err(failed)? {
        return Ok(None);
    }
    let bytes = fs::metadata(&path).map_err(failed)?.len().min(bytes_max);
    Ok(Some(Piece { name, bytes }))
}

/// Copies as many bytes as the room was looked at for: a file that grows meanwhile does not fill the disk.
fn copy_file(
    piece: &Piece,
    from: &Path,
    to: &Path,
    stop: &CancellationToken,
) -> Result<(), StoreError> {
    let (from, to) = (from.join(&piece.name), to.join(&piece.name));
    let failed = |attempt, path: &Path| {
        let path = path.to_owned();
        move |source| StoreError::Copy {
            attempt,
            path,
            source,
        }
    };
    let not_read = |source| StoreError::file("read", &from, source);
    let mut original = regular::open(&from).map_err(not_read)?.take(piece.bytes);
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
        .open(&to);
    let mut copy = made.map_err(failed("make", &to))?;
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        if stop.is_cancelled() {
            let stopped = io::Error::from(io::ErrorKind::Interrupted);
            return Err(failed("go on writing", &to)(stopped));
        }
        // By two calls, for whoever is told has to know which of the two disks it was.
        match original.read(&mut chunk).map_err(not_read)? {
            0 => return Ok(()),
            bytes => copy
                .write_all(&chunk[..bytes])
                .map_err(failed("write", &to))?,
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
