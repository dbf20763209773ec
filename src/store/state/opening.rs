//! Opening sled's files, and telling damage from what the system does not allow.

use std::fs::{self, DirEntry};
use std::io;
use std::path::Path;
use std::thread;
use std::time::Duration;

use jiff::Timestamp;

use crate::regular;
use crate::store::StoreError;
use crate::store::quiet::caught;

/// Pages of memory for sled; it holds a few kilobytes a sync.
const CACHE_BYTES: u64 = 4 << 20;

/// The folder in which sled keeps what is too large for its log.
const BLOBS: &str = "blobs";

/// How often, and how many times, a locked file is looked at again.
const LOCK_LOOK_EVERY: Duration = Duration::from_millis(10);
const LOCK_LOOKS_MAX: u32 = 1000;

/// What had to be done to a store so that it could be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mended {
    /// Sled's snapshots, which only speed up its opening, were damaged and are deleted.
    Snapshots,
    /// It was damaged: it is moved aside, and made anew from the mirror.
    Anew,
    /// It was missing: it is made anew from the mirror.
    Missing,
}

/// Why a store does not open.
enum Unopened {
    /// Its files are damaged, in these words.
    Damaged(String),
    /// The system does not allow it now; the files may be as good as ever.
    Refused(sled::Error),
}

/// Opens the store at `path`. One that is damaged beyond what sled mends by itself is moved aside, and an empty one
/// takes its place, if that can be filled again.
pub(super) fn open(
    path: &Path,
    now: Timestamp,
    can_mend: bool,
) -> Result<(sled::Db, Option<Mended>), StoreError> {
    sweep(path, "snap.", ".generating")?;
    check_files(path)?;
    let problem = match try_open(path) {
        Ok(db) => return Ok((db, None)),
        Err(Unopened::Refused(source)) => return Err(source.into()),
        Err(Unopened::Damaged(problem)) => problem,
    };
    tracing::warn!(
        problem,
        "the checkpoints do not open: trying without sled's snapshots, which only speed that up"
    );
    sweep(path, "snap.", "")?;
    let problem = match try_open(path) {
        Ok(db) => return Ok((db, Some(Mended::Snapshots))),
        Err(Unopened::Refused(source)) => return Err(source.into()),
        Err(Unopened::Damaged(problem)) => problem,
    };
    if !can_mend {
        return Err(StoreError::Checkpoints {
            path: path.to_owned(),
            why: problem,
        });
    }
    move_aside(path, now, &problem)?;
    match try_open(path) {
        Ok(db) => Ok((db, Some(Mended::Anew))),
        Err(Unopened::Refused(source)) => Err(source.into()),
        Err(Unopened::Damaged(problem)) => Err(sled::Error::Unsupported(problem).into()),
    }
}

/// Moves a damaged store aside.
pub(super) fn move_aside(path: &Path, now: Timestamp, problem: &str) -> Result<(), StoreError> {
    let aside = path.with_file_name(format!("state.damaged-{}", now.as_millisecond()));
    fs::rename(path, &aside).map_err(|source| StoreError::file("move aside", path, source))?;
    tracing::error!(
        aside = %aside.display(),
        problem,
        "the checkpoints are damaged: they are moved aside, and made anew from their mirror, or empty where nothing was ever kept in them"
    );
    Ok(())
}

/// Makes sure that sled meets folders and regular files and nothing else, as it would wait for what a pipe brings.
///
/// # Errors
/// [`StoreError::File`] names what else is there.
pub(in crate::store) fn check_files(folder: &Path) -> Result<(), StoreError> {
    for entry in entries(folder)? {
        let kind = entry.file_type();
        let checked = kind.and_then(|kind| match kind.is_dir() && entry.file_name() == BLOBS {
            true => Ok(()),
            false => regular::check(&entry.path()),
        });
        checked.map_err(|source| StoreError::file("open", &entry.path(), source))?;
    }
    Ok(())
}

/// Deletes the files of `folder` that begin and end so.
fn sweep(folder: &Path, begins: &str, ends: &str) -> Result<(), StoreError> {
    for entry in entries(folder)? {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(begins) && name.ends_with(ends) {
            let swept = fs::remove_file(entry.path());
            swept.map_err(|source| StoreError::file("delete", &entry.path(), source))?;
        }
    }
    Ok(())
}

/// What is in a folder; nothing where there is none.
fn entries(folder: &Path) -> Result<Vec<DirEntry>, StoreError> {
    let failed = |source| StoreError::file("list", folder, source);
    match fs::read_dir(folder) {
        Ok(entries) => entries.collect::<io::Result<_>>().map_err(failed),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => Err(failed(source)),
    }
}

/// Opens the store, waiting for a handle of this process that was just dropped: sled's own threads let go of the file a
/// moment later. Other processes are kept out by our own lock.
fn try_open(path: &Path) -> Result<sled::Db, Unopened> {
    for _ in 0..LOCK_LOOKS_MAX {
        match open_once(path) {
            Err(Unopened::Refused(error)) if is_locked(&error) => thread::sleep(LOCK_LOOK_EVERY),
            opened => return opened,
        }
    }
    open_once(path)
}

fn open_once(path: &Path) -> Result<sled::Db, Unopened> {
    let open = || {
        sled::Config::new()
            .path(path)
            .cache_capacity(CACHE_BYTES)
            .open()
    };
    match caught(open) {
        Some(Ok(db)) => Ok(db),
        Some(Err(error)) if !is_locked(&error) && is_damage(&error) => {
            Err(Unopened::Damaged(error.to_string()))
        }
        Some(Err(error)) => Err(Unopened::Refused(error)),
        None => Err(Unopened::Damaged("opening them panicked".to_owned())),
    }
}

/// Whether the file is locked, which sled tells by its words alone.
fn is_locked(error: &sled::Error) -> bool {
    matches!(error, sled::Error::Io(error) if error.to_string().contains("could not acquire lock"))
}

/// Whether an error says that the files are wrong. A full disk or a missing permission says nothing about them, and
/// moving them aside would only lose sight of them.
fn is_damage(error: &sled::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, Other, UnexpectedEof};
    match error {
        sled::Error::Io(error) => {
            matches!(
                error.kind(),
                UnexpectedEof | InvalidData | InvalidInput | Other
            )
        }
        sled::Error::Corruption { .. }
        | sled::Error::ReportableBug(_)
        | sled::Error::Unsupported(_)
        | sled::Error::CollectionNotFound(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_still_held_is_not_taken_for_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let held = open_once(folder.path());
        assert!(held.is_ok());
        let second = open_once(folder.path());
        assert!(matches!(second, Err(Unopened::Refused(error)) if is_locked(&error)));
    }
}
