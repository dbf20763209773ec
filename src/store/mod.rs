//! Two stores, one truth: what is open at once, and how it is opened.
//!
//! - `state/` (sled): what the owner asked to be kept of runs: counters of the limits, checkpoints, schedules. Written
//!   when a run starts, before its first call for records, and when it ends.
//! - `ledger.redb` (redb): what rosterd knows of records, addresses and lists. One step of a run is one transaction.
//!
//! Between the two writes that belong together the process may die; `run::recovery` holds the rule that brings them
//! together again. Both are locked to one process by a lock file of their own, so that a second daemon gets a sentence
//! and not a damaged store. What is kept here never holds a secret of the services.

mod acquaint;
pub(crate) mod backup;
pub(crate) mod copy;
pub(crate) mod format;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
pub(crate) mod ledger;
pub(crate) mod look;
pub(crate) mod mirror;
#[cfg(test)]
mod pinned;
mod quiet;
pub(crate) mod restore;
pub(crate) mod state;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::regular;
use acquaint::{LEDGER_AGE, UNCHECKED, acquaint, strange_ledger};
use format::FormatError;
use jiff::Timestamp;
use ledger::Ledger;
use state::State;

/// The files and the folder that the stores are.
const LOCK_FILE: &str = "lock";
const LEDGER_FILE: &str = "ledger.redb";
const STATE_FOLDER: &str = "state";
const MIRROR_FILE: &str = "state.json";

/// Free space below which no run is started.
const FREE_BYTES_MIN: u64 = 256 << 20;

/// Why the stores cannot be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has them open.
    #[error(
        "the state in {} is held by another rosterd: stop that one first (`status` and `history` work beside it)", .0.display()
    )]
    Held(PathBuf),
    /// A file or folder cannot be used.
    #[error("cannot {attempt} {}: check `state_dir`, its owner and the free space", path.display())]
    File {
        /// What was attempted.
        attempt: &'static str,
        /// On which path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The ledger's file cannot be opened.
    #[error("cannot open the ledger {}: `rosterd state restore` a backup; without one, move it away: every sync is inactive then until a person activates it, and reads everything, but opt-outs of records that are gone from the CRM, and who was erased, are forgotten", path.display())]
    Opening {
        /// The file.
        path: PathBuf,
        /// What the ledger said.
        source: Box<redb::DatabaseError>,
    },
    /// The mirror of the checkpoints is damaged.
    #[error("the mirror {} of the checkpoints cannot be read: {why}; the next start makes it anew, if the checkpoints are sound; if they are not, `rosterd state restore` a backup", path.display())]
    Mirror {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The checkpoints are damaged, and nothing is there to make them from.
    #[error("the checkpoints in {} are damaged ({why}), and so is their mirror, or it is missing: `rosterd state restore` a backup; nothing was changed", path.display())]
    Checkpoints {
        /// The folder.
        path: PathBuf,
        /// What is wrong with them.
        why: String,
    },
    /// A newer rosterd wrote what is there.
    #[error("{} has {what}, which a newer rosterd wrote: install that version again; nothing was changed", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// What of it is newer.
        what: String,
    },
    /// The ledger cannot be read or written.
    #[error(
        "the ledger cannot be read or written: check `{LEDGER_FILE}` in `state_dir`, its owner and the free space"
    )]
    Ledger(#[source] Box<redb::Error>),
    /// The checkpoints cannot be read or written.
    #[error(
        "the checkpoints cannot be read or written: check `{STATE_FOLDER}` in `state_dir`, its owner and the free space"
    )]
    State(#[source] Box<sled::Error>),
    /// A stored value does not decode.
    #[error("table {table}, key {key}")]
    Value {
        /// Its table.
        table: &'static str,
        /// Its key, in hexadecimal.
        key: String,
        /// What is wrong with it.
        source: FormatError,
    },
    /// The stores cannot be copied.
    #[error("cannot {attempt} {}: check the room and rights of the folder for temporary files, which `TMPDIR` names", path.display())]
    Copy {
        /// What was attempted.
        attempt: &'static str,
        /// On which path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A backup cannot be written or read.
    #[error("cannot {attempt} the backup {}", path.display())]
    Backup {
        /// What was attempted.
        attempt: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file is no backup that can be used.
    #[error("{} cannot be restored: {why}; nothing was changed", path.display())]
    BackupDamaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The state holds people, and is not of the installation that the backup is of.
    #[error(
        "the backup is of another rosterd than the state that is there, or of this one before its ledger was lost: who was erased or opted out in the present state would be forgotten; to use it all the same, move the state folder away first; nothing was changed"
    )]
    Stranger,
    /// The ledger does not belong to the checkpoints.
    #[error("{0}: `rosterd state restore` the last backup; nothing was backed up")]
    Strange(&'static str),
    /// Too little room on the disk to start a run.
    #[error("{} has {free_mib} MiB free and a run wants {wanted_mib}: make room", path.display())]
    NoRoom {
        /// The folder of the state, or of its copy.
        path: PathBuf,
        /// What is free.
        free_mib: u64,
        /// What is wanted.
        wanted_mib: u64,
    },
    /// The system gave no random bytes.
    #[error("the system gave no random bytes")]
    Random,
}

impl StoreError {
    fn ledger(source: impl Into<redb::Error>) -> Self {
        Self::Ledger(Box::new(source.into()))
    }

    fn opening(path: &Path, source: redb::DatabaseError) -> Self {
        match source {
            redb::DatabaseError::DatabaseAlreadyOpen => Self::Held(path.to_owned()),
            // A full or failing disk says nothing about the file, and moving that away would lose it.
            redb::DatabaseError::Storage(redb::StorageError::Io(source))
                if source.raw_os_error().is_some() =>
            {
                Self::file("open the ledger", path, source)
            }
            source => Self::Opening {
                path: path.to_owned(),
                source: Box::new(source),
            },
        }
    }

    /// The file or folder of the stores that this is about.
    fn path_mut(&mut self) -> Option<&mut PathBuf> {
        match self {
            Self::Held(path)
            | Self::File { path, .. }
            | Self::Opening { path, .. }
            | Self::Mirror { path, .. }
            | Self::Checkpoints { path, .. }
            | Self::Newer { path, .. } => Some(path),
            _ => None,
        }
    }

    /// Whether the system has no room for what was to be written.
    fn is_want_of_room(&self) -> bool {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        let source = match self {
            Self::File { source, .. } | Self::Copy { source, .. } => source,
            Self::State(source) => match &**source {
                sled::Error::Io(source) => source,
                _ => return false,
            },
            _ => return false,
        };
        matches!(source.kind(), FileTooLarge | QuotaExceeded | StorageFull)
    }

    /// Whether a newer rosterd wrote what is there.
    pub(crate) fn is_newer(&self) -> bool {
        match self {
            Self::Newer { .. } => true,
            Self::Value { source, .. } => matches!(source, FormatError::FromTheFuture(_)),
            _ => false,
        }
    }

    /// The error with its causes, on one line.
    pub(crate) fn whole(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text.push_str(&format!(": {error}"));
            cause = error.source();
        }
        text
    }

    pub(crate) fn value(table: &'static str, key: &[u8], source: FormatError) -> Self {
        let key = key.iter().map(|byte| format!("{byte:02x}")).collect();
        Self::Value { table, key, source }
    }

    fn file(attempt: &'static str, path: &Path, source: io::Error) -> Self {
        Self::File {
            attempt,
            path: path.to_owned(),
            source,
        }
    }
}

impl From<sled::Error> for StoreError {
    fn from(source: sled::Error) -> Self {
        Self::State(Box::new(source))
    }
}

/// The open stores of one rosterd.
pub(crate) struct Store {
    /// Counters, checkpoints, schedules.
    pub(crate) state: State,
    /// Records, addresses, lists.
    pub(crate) ledger: Ledger,
    folder: PathBuf,
    lock: File,
}

/// What the lock file says while a daemon holds it.
pub(crate) const DAEMON_MARK: &str = "daemon";

impl Store {
    /// The folder they are in.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Opens the stores in `folder`, making it (mode 0700) if it is not there. `now` names what has to be moved aside.
    ///
    /// # Errors
    /// [`StoreError`]: held by another process, not writable, damaged beyond what the mirror can mend.
    pub(crate) fn open(folder: &Path, now: Timestamp) -> Result<Self, StoreError> {
        make_folder(folder)?;
        let lock = lock(folder)?;
        restore::place::settle(folder)?;
        let state = State::open(folder, now)?;
        let ledger = Ledger::open_wiped(&folder.join(LEDGER_FILE))?;
        acquaint(&state, &ledger)?;
        Ok(Self {
            state,
            ledger,
            folder: folder.to_owned(),
            lock,
        })
    }

    /// Copies everything to `folder`, which is empty, while it goes on being used. Between the two stores a moment may
    /// pass, as it may before a crash.
    ///
    /// # Errors
    /// [`StoreError`]: there is no room, or the disk fails.
    pub(crate) fn copy_to(&self, folder: &Path, now: Timestamp) -> Result<(), StoreError> {
        let path = self.folder.join(LEDGER_FILE);
        let ledger = fs::metadata(&path)
            .map_err(|source| StoreError::file("look at the room of", &self.folder, source))?;
        check_room(
            folder,
            ledger.len().saturating_add(room_wanted(ledger.len())),
        )?;
        let kept = self.state.snapshot()?;
        self.ledger.copy_to(&folder.join(LEDGER_FILE))?;
        State::create(folder, kept, now)
    }

    /// Tells those who find the state held that it is a daemon that holds it.
    ///
    /// # Errors
    /// [`StoreError::File`]: the lock file cannot be written.
    pub(crate) fn mark_daemon(&self) -> Result<(), StoreError> {
        let written = (&self.lock).write_all(DAEMON_MARK.as_bytes());
        written.map_err(|source| StoreError::file("write to the lock of", &self.folder, source))
    }

    /// Whether there is room enough to start a run: 256 MiB, or three times the ledger.
    ///
    /// # Errors
    /// [`StoreError::NoRoom`], or [`StoreError::File`] where the system does not say.
    pub(crate) fn check_room(&self) -> Result<(), StoreError> {
        let ledger = fs::metadata(self.folder.join(LEDGER_FILE))
            .map_err(|source| StoreError::file("look at the room of", &self.folder, source))?;
        check_room(&self.folder, room_wanted(ledger.len()))
    }
}

/// Whether the folder of the stores has a ledger.
pub(crate) fn ledger_is_there(folder: &Path) -> bool {
    folder.join(LEDGER_FILE).exists()
}

fn make_folder(folder: &Path) -> Result<(), StoreError> {
    if folder.is_dir() {
        return Ok(());
    }
    let made = fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder);
    // What is put into it lasts only if it does itself.
    let above = folder.parent().unwrap_or(Path::new("."));
    made.and_then(|()| sync_folder(above))
        .map_err(|source| StoreError::file("make the state folder", folder, source))
}

/// Makes names that were added, changed or removed in a folder last.
fn sync_folder(folder: &Path) -> io::Result<()> {
    // That of a name alone is the one that the process is in.
    let here = folder.as_os_str().is_empty();
    let folder = if here { Path::new(".") } else { folder };
    File::open(folder)?.sync_all()
}

/// What a run beside a ledger of so many bytes wants to have free.
fn room_wanted(ledger: u64) -> u64 {
    FREE_BYTES_MIN.max(ledger.saturating_mul(3))
}

/// Whether so many bytes are free where `folder` is.
fn check_room(folder: &Path, wanted: u64) -> Result<(), StoreError> {
    let failed = |source| StoreError::file("look at the room of", folder, source);
    let room = rustix::fs::statvfs(folder).map_err(|errno| failed(errno.into()))?;
    let free = room.f_bavail.saturating_mul(room.f_frsize);
    if free < wanted {
        return Err(StoreError::NoRoom {
            path: folder.to_owned(),
            free_mib: free >> 20,
            wanted_mib: wanted >> 20,
        });
    }
    Ok(())
}

fn lock(folder: &Path) -> Result<File, StoreError> {
    let path = folder.join(LOCK_FILE);
    let opened = regular::check(&path).and_then(|()| {
        OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
    });
    let file = opened.map_err(|source| StoreError::file("open the lock", &path, source))?;
    match file.try_lock() {
        Ok(()) => {
            let emptied = file.set_len(0);
            emptied.map_err(|source| StoreError::file("empty the lock", &path, source))?;
            Ok(file)
        }
        Err(TryLockError::WouldBlock) => Err(StoreError::Held(folder.to_owned())),
        Err(TryLockError::Error(source)) => Err(StoreError::file("lock", &path, source)),
    }
}
