//! Putting restored stores in the place of those that are there, so that a process that is killed leaves the old ones or
//! the new ones.
//!
//! They are made in the folder `restoring`. When all of it is on disk that is renamed to `restored`, which is the one
//! moment that counts: what is found under the first name is swept away, and what is found under the second is put in
//! place, by whoever opens the state next.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::regular;
use crate::store::{LEDGER_FILE, MIRROR_FILE, STATE_FOLDER, StoreError};

/// Where restored stores are made.
const MAKING: &str = "restoring";
/// Where they wait to be put in place.
const MADE: &str = "restored";
/// A file among them: the name of the folder to which those that they replace are moved.
const ASIDE: &str = "aside";
/// How such a folder's name begins.
const ASIDE_BEGINS: &str = "replaced-";

/// What of restores is in a folder besides the stores.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Remains {
    /// What an interrupted restore left: the next start sees to it.
    pub(crate) interrupted: Vec<PathBuf>,
    /// What restores replaced and could not read.
    pub(crate) aside: Vec<PathBuf>,
}

/// What there is of restores in the folder of the stores; all of it names people.
pub(crate) fn remains(folder: &Path) -> Remains {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut remains = Remains::default();
    for entry in entries {
        match entry.file_name().to_str() {
            Some(MAKING | MADE) => remains.interrupted.push(entry.path()),
            Some(name) if name.starts_with(ASIDE_BEGINS) => remains.aside.push(entry.path()),
            Some(_) | None => {}
        }
    }
    remains.aside.sort();
    remains
}

/// Whether a restore is all but put in place.
pub(crate) fn is_made(folder: &Path) -> bool {
    folder.join(MADE).exists()
}

/// Makes the folder in which restored stores are made. The caller holds the lock.
pub(super) fn begin(folder: &Path) -> Result<PathBuf, StoreError> {
    let making = folder.join(MAKING);
    let made = fs::DirBuilder::new().mode(0o700).create(&making);
    made.map_err(|source| StoreError::file("make", &making, source))?;
    Ok(making)
}

/// Puts what was made in place. Those that it replaces are deleted, or moved to the folder that is answered, which has
/// `at` in its name.
pub(super) fn commit(folder: &Path, aside: Option<i64>) -> Result<Option<PathBuf>, StoreError> {
    let making = folder.join(MAKING);
    let aside = aside.map(|at| format!("{ASIDE_BEGINS}{at}"));
    if let Some(aside) = &aside {
        let path = making.join(ASIDE);
        let written = fs::write(&path, aside).and_then(|()| File::open(&path)?.sync_all());
        written.map_err(|source| StoreError::file("write", &path, source))?;
    }
    sync(&making)?;
    let made = folder.join(MADE);
    let renamed = fs::rename(&making, &made);
    renamed.map_err(|source| StoreError::file("rename", &making, source))?;
    sync(folder)?;
    finish(folder)?;
    Ok(aside.map(|name| folder.join(name)))
}

/// Sees to what an interrupted restore left: finishes it, or sweeps it away. The caller holds the lock.
///
/// # Errors
/// [`StoreError::File`].
pub(crate) fn settle(folder: &Path) -> Result<(), StoreError> {
    if folder.join(MAKING).exists() {
        tracing::warn!(
            "a restore was interrupted before anything was changed: what it left is deleted"
        );
        sweep(folder)?;
    }
    if is_made(folder) {
        tracing::warn!("a restore was interrupted: the rest of it is done now");
        finish(folder)?;
    }
    Ok(())
}

/// Deletes what a restore that came to nothing has made. The caller holds the lock.
///
/// # Errors
/// [`StoreError::File`].
pub(super) fn sweep(folder: &Path) -> Result<(), StoreError> {
    delete(&folder.join(MAKING))?;
    sync(folder)
}

fn finish(folder: &Path) -> Result<(), StoreError> {
    let made = folder.join(MADE);
    let aside = match regular::open(&made.join(ASIDE)).and_then(io::read_to_string) {
        Ok(name) => Some(folder.join(name)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(source) => return Err(StoreError::file("read", &made.join(ASIDE), source)),
    };
    if let Some(aside) = &aside {
        let made = fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(aside);
        made.map_err(|source| StoreError::file("make", aside, source))?;
    }
    for name in [LEDGER_FILE, STATE_FOLDER, MIRROR_FILE] {
        let (new, old) = (made.join(name), folder.join(name));
        if !new.exists() {
            continue;
        }
        if let Some(aside) = aside.as_ref().filter(|_| old.exists()) {
            let moved = fs::rename(&old, aside.join(name));
            moved.map_err(|source| StoreError::file("move aside", &old, source))?;
        } else if old.is_dir() {
            delete(&old)?;
        }
        let placed = fs::rename(&new, &old);
        placed.map_err(|source| StoreError::file("put in place", &old, source))?;
        sync(folder)?;
    }
    if let Some(aside) = &aside {
        sync(aside)?;
    }
    delete(&made)?;
    sync(folder)
}

fn delete(path: &Path) -> Result<(), StoreError> {
    let deleted = fs::remove_dir_all(path);
    deleted.map_err(|source| StoreError::file("delete", path, source))
}

fn sync(folder: &Path) -> Result<(), StoreError> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|source| StoreError::file("sync", folder, source))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 3] = [LEDGER_FILE, STATE_FOLDER, MIRROR_FILE];

    fn fill(folder: &Path, what: &str) {
        fs::create_dir_all(folder.join(STATE_FOLDER)).unwrap();
        for name in [LEDGER_FILE, MIRROR_FILE, "state/db"] {
            fs::write(folder.join(name), what).unwrap();
        }
    }

    fn content(folder: &Path) -> Vec<String> {
        let read = |name: &&str| fs::read_to_string(folder.join(name)).unwrap();
        [LEDGER_FILE, MIRROR_FILE, "state/db"]
            .iter()
            .map(read)
            .collect()
    }

    /// A folder in which a restore was made, and cut before it was put in place.
    fn made(aside: Option<&str>) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fill(folder.path(), "old");
        fs::create_dir(folder.path().join(MADE)).unwrap();
        fill(&folder.path().join(MADE), "new");
        if let Some(aside) = aside {
            fs::write(folder.path().join(MADE).join(ASIDE), aside).unwrap();
        }
        folder
    }

    #[test]
    fn what_was_not_made_to_its_end_is_swept_away_and_the_old_stores_stay() {
        let folder = tempfile::tempdir().unwrap();
        fill(folder.path(), "old");
        let making = begin(folder.path()).unwrap();
        fill(&making, "new");
        assert_eq!(remains(folder.path()).interrupted, [making]);
        settle(folder.path()).unwrap();
        assert_eq!(content(folder.path()), ["old"; 3]);
        assert_eq!(remains(folder.path()), Remains::default());
    }

    #[test]
    fn cut_after_any_step_a_restore_that_was_made_comes_to_the_same_end() {
        for aside in [None, Some("replaced-7")] {
            // Each name has two steps: the old one goes, the new one comes.
            for steps in 0..=NAMES.len() * 2 {
                let folder = made(aside);
                let path = |name: &str| folder.path().join(name);
                for step in 0..steps {
                    let name = NAMES[step / 2];
                    match (step % 2, aside) {
                        (0, Some(aside)) => {
                            fs::create_dir_all(path(aside)).unwrap();
                            fs::rename(path(name), path(aside).join(name)).unwrap();
                        }
                        (0, None) if path(name).is_dir() => fs::remove_dir_all(path(name)).unwrap(),
                        (0, None) => {}
                        _ => fs::rename(path(MADE).join(name), path(name)).unwrap(),
                    }
                }
                settle(folder.path()).unwrap();
                assert_eq!(content(folder.path()), ["new"; 3], "{aside:?} {steps}");
                if let Some(aside) = aside {
                    assert_eq!(content(&path(aside)), ["old"; 3], "{steps}");
                    assert_eq!(remains(folder.path()).aside, [path(aside)]);
                }
                assert!(remains(folder.path()).interrupted.is_empty());
            }
        }
    }
}
