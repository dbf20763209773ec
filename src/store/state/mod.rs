//! Counters, checkpoints, schedules and standings in sled, with the precautions that make an acknowledged write a durable one.
//!
//! A commit is one transaction over the trees, a flush, and a `sync_data` of sled's file through a descriptor of our
//! own; only then is it acknowledged. (As shipped, sled lost acknowledged commits in 12 of 70 simulated power cuts;
//! with the sync, in none of 120.) After each commit all of it is also written to a mirror file, from which a store
//! that cannot be opened, or is gone, is made anew. A store is whole once it has its version, which is put together with
//! what the mirror had. Any error is final for the handle: the caller stops, and opens anew.

mod opening;
mod rows;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use jiff::Timestamp;
pub(crate) use opening::Mended;
pub(super) use opening::check_files;
pub(crate) use rows::{
    Checkpoint, Counter, Credentials, Handled, LastRun, LedgerMark, Running, Standing, Untold,
    Version,
};
use sled::Transactional;

use super::format::{FormatError, Stored, decode, encode};
use super::ledger::{self, Ledger};
use super::mirror::{self, Snapshot};
use super::quiet::caught;
use super::{LEDGER_FILE, MIRROR_FILE, STATE_FOLDER};
use super::{StoreError, sync_folder};
use crate::domain::ids::{AccountName, SyncId};

/// The layout of the trees, and of their mirror.
pub(super) const LAYOUT: u32 = 1;
/// Key of the layout that a store has.
const VERSION: &str = "version";
/// Key of the ledger that the checkpoints belong to.
const LEDGER: &str = "ledger";
/// Key of the number of commits.
const COMMITS: &str = "commits";

/// What one commit changes.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// Checkpoints to put.
    pub(crate) checkpoints: Vec<(SyncId, Checkpoint)>,
    /// Schedules to put.
    pub(crate) handled: Vec<(SyncId, Handled)>,
    /// Counters to put, by the key that the limits give them.
    pub(crate) counters: Vec<(String, Counter)>,
    /// Standings of syncs to put.
    pub(crate) standings: Vec<(SyncId, Standing)>,
    /// What is known of accounts' credentials, to put.
    pub(crate) credentials: Vec<(AccountName, Credentials)>,
    /// Syncs whose next run is to read everything. What is kept of them otherwise stays as it is at that moment.
    pub(crate) reconcile: Vec<SyncId>,
    /// Events to keep until the journal has them.
    pub(crate) untold: Vec<(String, Untold)>,
    /// Keys of events that the journal has.
    pub(crate) told: Vec<String>,
    /// The ledger they belong to from now on.
    pub(crate) ledger: Option<LedgerMark>,
}

/// The open trees.
pub(crate) struct State {
    /// There until this is dropped.
    trees: Option<Mutex<Trees>>,
    mirror: PathBuf,
    mended: Option<Mended>,
}

struct Trees {
    db: sled::Db,
    meta: sled::Tree,
    counters: sled::Tree,
    checkpoints: sled::Tree,
    schedule: sled::Tree,
    standings: sled::Tree,
    credentials: sled::Tree,
    untold: sled::Tree,
    synced: File,
    mended: Option<Mended>,
}

impl State {
    /// Opens `folder/state`. What is damaged beyond mending is moved aside, and made anew from the mirror.
    ///
    /// # Errors
    /// [`StoreError`]: the system refuses, the mirror that is needed cannot be read, or a newer rosterd wrote it.
    pub(crate) fn open(folder: &Path, now: Timestamp) -> Result<Self, StoreError> {
        let mirror = folder.join(MIRROR_FILE);
        let mirrored = match mirror::read(&mirror) {
            Err(newer) if newer.is_newer() => return Err(newer),
            mirrored => mirrored,
        };
        // The ledger and the mirror come after the trees: without both of them, the very first start was cut, and nothing
        // was ever kept here.
        let has_ledger = ledger::is_there(&folder.join(LEDGER_FILE))?;
        let never_began = matches!(mirrored, Ok(None)) && !has_ledger;
        let can_mend = matches!(mirrored, Ok(Some(_))) || never_began;
        let trees = Trees::open(folder, now, can_mend)?;
        let wrong = match trees.read() {
            Ok(Some(kept)) if !is_behind(&kept, &mirrored) => None,
            // Of a log whose end is damaged sled gives that up, and says nothing.
            Ok(Some(_)) => Some(Wrong::Damaged("they lack what was written last".to_owned())),
            Ok(None) if matches!(mirrored, Ok(None)) && !never_began && has_seen_runs(folder) => {
                return Err(StoreError::Checkpoints {
                    path: folder.join(STATE_FOLDER),
                    why: "they are missing, and the ledger beside them has seen runs".to_owned(),
                });
            }
            Ok(None) => Some(Wrong::Missing),
            Err(StoreError::Value {
                table,
                source: FormatError::FromTheFuture(version),
                ..
            }) => {
                return Err(StoreError::Newer {
                    path: folder.join(STATE_FOLDER),
                    what: format!("version {version} of {table}"),
                });
            }
            Err(error) => Some(Wrong::Damaged(error.whole())),
        };
        let trees = match wrong {
            None => trees,
            Some(wrong) => {
                let trees = trees.made_anew(folder, now, (mirrored, can_mend), wrong)?;
                // Sled syncs what is in its files, and not that they are there.
                let made = folder.join(STATE_FOLDER);
                sync_folder(&made).map_err(|source| StoreError::file("sync", &made, source))?;
                trees
            }
        };
        let snapshot = trees.snapshot()?;
        // The last process may have died before it wrote the mirror, and one that does not read is of no use.
        match mirror::read(&mirror) {
            Ok(Some(mirrored)) if mirrored == snapshot => {}
            Ok(_) => mirror::write(&mirror, &snapshot)?,
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the mirror of the checkpoints is damaged: it is made anew"
                );
                mirror::write(&mirror, &snapshot)?;
            }
        }
        let mended = trees.mended;
        let trees = Some(Mutex::new(trees));
        Ok(Self {
            trees,
            mirror,
            mended,
        })
    }

    /// What had to be done to it when it was opened.
    pub(crate) fn mended(&self) -> Option<Mended> {
        self.mended
    }

    /// Makes a store in `folder` with this in it, and closes it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn create(folder: &Path, kept: Snapshot, now: Timestamp) -> Result<(), StoreError> {
        mirror::write(&folder.join(MIRROR_FILE), &kept)?;
        Trees::open(folder, now, false)?.fill(kept)
    }

    /// What is kept of a sync; `None` for one never seen.
    pub(crate) fn checkpoint(&self, sync: &SyncId) -> Result<Option<Checkpoint>, StoreError> {
        get(&self.lock().checkpoints, "checkpoints", sync.as_str())
    }

    /// What is kept of a sync's schedule.
    pub(crate) fn handled(&self, sync: &SyncId) -> Result<Option<Handled>, StoreError> {
        get(&self.lock().schedule, "schedule", sync.as_str())
    }

    /// What is known of an account's credentials.
    pub(crate) fn credentials(&self, account: &AccountName) -> Result<Credentials, StoreError> {
        let kept = get(&self.lock().credentials, "credentials", account.as_str())?;
        Ok(kept.unwrap_or_default())
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
        let trees = self.trees.as_ref().expect("they go when this goes");
        trees
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Sled syncs its file once more when the last handle goes, and panics where that fails. Nothing depends on it: what was
/// acknowledged is synced, and what was not, its caller knows of.
impl Drop for State {
    fn drop(&mut self) {
        let trees = self.trees.take();
        if caught(|| drop(trees)).is_none() {
            tracing::error!("the checkpoints' file could not be synced once more; nothing is lost");
        }
    }
}

impl Drop for Trees {
    fn drop(&mut self) {
        if self.synced.sync_data().is_err() {
            // On a disk that fails, a handle that never goes is one that never panics.
            std::mem::forget(self.db.clone());
        }
    }
}

/// What is wrong with trees that cannot be used as they are.
enum Wrong {
    /// Nothing was ever put there.
    Missing,
    /// They are not as they were written, in these words.
    Damaged(String),
}

/// Whether the ledger beside the trees has seen a run begin, or cannot say so.
fn has_seen_runs(folder: &Path) -> bool {
    let ledger = Ledger::open(&folder.join(LEDGER_FILE));
    let runs = ledger.and_then(|ledger| ledger.last_run());
    runs.map_or(true, |runs| runs > 0)
}

/// Whether a mirror has what trees should have and do not: it is written after them.
fn is_behind(kept: &Snapshot, mirrored: &Result<Option<Snapshot>, StoreError>) -> bool {
    matches!(mirrored, Ok(Some(mirrored)) if mirrored.commits > kept.commits)
}

impl Trees {
    /// Opens the trees in `folder`; what cannot be opened is moved aside if it can be made anew.
    fn open(folder: &Path, now: Timestamp, can_mend: bool) -> Result<Self, StoreError> {
        let path = folder.join(STATE_FOLDER);
        let (db, mended) = opening::open(&path, now, can_mend)?;
        caught(|| Self::of(db, folder, mended)).unwrap_or_else(|| {
            let why = "opening their trees panicked".to_owned();
            Err(StoreError::Checkpoints { path, why })
        })
    }

    /// All that the trees have; none where nothing was ever put there.
    fn read(&self) -> Result<Option<Snapshot>, StoreError> {
        let read = caught(|| match self.is_new()? {
            true => Ok(None),
            false => self.snapshot().map(Some),
        });
        let panicked = || sled::Error::Unsupported("reading them panicked".to_owned()).into();
        read.unwrap_or_else(|| Err(panicked()))
    }

    /// Trees with what the mirror has; those that are damaged are moved aside.
    fn made_anew(
        mut self,
        folder: &Path,
        now: Timestamp,
        (mirrored, can_mend): (Result<Option<Snapshot>, StoreError>, bool),
        wrong: Wrong,
    ) -> Result<Self, StoreError> {
        let path = folder.join(STATE_FOLDER);
        let trees = match (wrong, &mirrored) {
            (Wrong::Missing, Ok(None)) => self,
            (Wrong::Missing, Ok(Some(_))) => {
                tracing::error!(
                    "the checkpoints were missing: they are made anew from their mirror"
                );
                // They are new where they were just moved aside.
                self.mended.get_or_insert(Mended::Missing);
                self
            }
            (Wrong::Missing, Err(_)) => self,
            (Wrong::Damaged(why), _) if can_mend => {
                drop(self);
                opening::move_aside(&path, now, &why)?;
                let mut anew = Self::open(folder, now, false)?;
                anew.mended = Some(Mended::Anew);
                anew
            }
            (Wrong::Damaged(why), _) => {
                return Err(StoreError::Checkpoints { path, why });
            }
        };
        trees.fill(mirrored?.unwrap_or_default())?;
        Ok(trees)
    }

    fn of(db: sled::Db, folder: &Path, mended: Option<Mended>) -> Result<Self, StoreError> {
        let file = folder.join(STATE_FOLDER).join("db");
        let synced = File::open(&file)
            .map_err(|source| StoreError::file("open for syncing", &file, source))?;
        Ok(Self {
            meta: db.open_tree("meta")?,
            counters: db.open_tree("counters")?,
            checkpoints: db.open_tree("checkpoints")?,
            schedule: db.open_tree("schedule")?,
            standings: db.open_tree("standings")?,
            credentials: db.open_tree("credentials")?,
            untold: db.open_tree("untold")?,
            db,
            synced,
            mended,
        })
    }

    /// Whether nothing was ever put here.
    fn is_new(&self) -> Result<bool, StoreError> {
        match get::<Version>(&self.meta, "meta", VERSION)? {
            None => Ok(true),
            Some(Version(version)) if version > LAYOUT => {
                let version = u8::try_from(version).unwrap_or(u8::MAX);
                let source = FormatError::FromTheFuture(version);
                Err(StoreError::value("meta", VERSION.as_bytes(), source))
            }
            Some(Version(_)) => Ok(false),
        }
    }

    /// Puts what was kept elsewhere, and the version that makes the store whole.
    fn fill(&self, snapshot: Snapshot) -> Result<(), StoreError> {
        let commits = snapshot.commits;
        let changes = Changes {
            checkpoints: snapshot.checkpoints.into_iter().collect(),
            handled: snapshot.schedule.into_iter().collect(),
            counters: snapshot.counters.into_iter().collect(),
            standings: snapshot.standings.into_iter().collect(),
            credentials: snapshot.credentials.into_iter().collect(),
            untold: snapshot.untold.into_iter().collect(),
            reconcile: Vec::new(),
            told: Vec::new(),
            ledger: snapshot.ledger,
        };
        let mut meta = sled::Batch::default();
        meta.insert(VERSION, stored("meta", VERSION, &Version(LAYOUT))?);
        self.put(&changes, meta, commits)
    }

    fn commit(&self, changes: &Changes) -> Result<(), StoreError> {
        self.put(changes, sled::Batch::default(), self.commits()?)
    }

    fn commits(&self) -> Result<u64, StoreError> {
        let commits: Option<Counter> = get(&self.meta, "meta", COMMITS)?;
        Ok(commits.map_or(0, |Counter(commits)| commits))
    }

    /// Puts all of it together, as the commit after so many.
    fn put(
        &self,
        changes: &Changes,
        mut meta: sled::Batch,
        commits: u64,
    ) -> Result<(), StoreError> {
        meta.insert(COMMITS, stored("meta", COMMITS, &Counter(commits + 1))?);
        if let Some(ledger) = changes.ledger {
            meta.insert(LEDGER, stored("meta", LEDGER, &ledger)?);
        }
        let mut checkpoints = batch("checkpoints", &changes.checkpoints)?;
        for sync in &changes.reconcile {
            let kept: Option<Checkpoint> = get(&self.checkpoints, "checkpoints", sync.as_str())?;
            let is_put = changes.checkpoints.iter().any(|(put, _)| put == sync);
            if let Some(kept) = kept.filter(|_| !is_put) {
                let row = Checkpoint {
                    last_full: None,
                    ..kept
                };
                checkpoints.insert(sync.as_str(), stored("checkpoints", sync.as_str(), &row)?);
            }
        }
        let schedule = batch("schedule", &changes.handled)?;
        let counters = batch("counters", &changes.counters)?;
        let standings = batch("standings", &changes.standings)?;
        let credentials = batch("credentials", &changes.credentials)?;
        let mut untold = batch("untold", &changes.untold)?;
        for key in &changes.told {
            untold.remove(key.as_str());
        }
        let committed: sled::transaction::TransactionResult<(), ()> = (
            &self.meta,
            &self.checkpoints,
            &self.schedule,
            &self.counters,
            &self.standings,
            &self.credentials,
            &self.untold,
        )
            .transaction(|trees| {
                let (in_meta, in_checkpoints, in_schedule, in_counters, ..) = trees;
                let (.., in_standings, in_credentials, in_untold) = trees;
                in_meta.apply_batch(&meta)?;
                in_checkpoints.apply_batch(&checkpoints)?;
                in_schedule.apply_batch(&schedule)?;
                in_counters.apply_batch(&counters)?;
                in_standings.apply_batch(&standings)?;
                in_credentials.apply_batch(&credentials)?;
                in_untold.apply_batch(&untold)?;
                Ok(())
            });
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
            standings: all(&self.standings, "standings")?,
            credentials: all(&self.credentials, "credentials")?,
            untold: all(&self.untold, "untold")?,
            ledger: get(&self.meta, "meta", LEDGER)?,
            commits: self.commits()?,
        })
    }
}

/// What is to be put into a tree.
fn batch<K: fmt::Display, T: Stored>(
    table: &'static str,
    rows: &[(K, T)],
) -> Result<sled::Batch, StoreError> {
    let mut batch = sled::Batch::default();
    for (key, row) in rows {
        let key = key.to_string();
        batch.insert(key.as_str(), stored(table, &key, row)?);
    }
    Ok(batch)
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
    let damaged = |key: &[u8]| StoreError::value(table, key, FormatError::Payload);
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
