//! A copy of counters, checkpoints and schedules in one JSON file: what `status` reads beside a running daemon, and
//! what a damaged store is made from.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::state::{Checkpoint, Counter, Credentials, Handled, LedgerMark, Standing, Untold};
use super::{StoreError, sync_folder};
use crate::domain::ids::{AccountName, SyncId};

/// All that the trees hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    /// Checkpoints by sync.
    pub(crate) checkpoints: BTreeMap<SyncId, Checkpoint>,
    /// Schedules by sync.
    pub(crate) schedule: BTreeMap<SyncId, Handled>,
    /// Counters by key.
    pub(crate) counters: BTreeMap<String, Counter>,
    /// Standings by sync. Earlier mirrors have none of this and of what follows.
    #[serde(default)]
    pub(crate) standings: BTreeMap<SyncId, Standing>,
    /// What is known of credentials, by account.
    #[serde(default)]
    pub(crate) credentials: BTreeMap<AccountName, Credentials>,
    /// Events that the journal may not have yet.
    #[serde(default)]
    pub(crate) untold: BTreeMap<String, Untold>,
    /// The ledger they belong to.
    pub(crate) ledger: Option<LedgerMark>,
}

/// Writes the mirror so that a reader, and a crash, meet the old one or the new one and nothing between.
pub(crate) fn write(path: &Path, snapshot: &Snapshot) -> Result<(), StoreError> {
    replace(path, snapshot).map_err(|source| StoreError::file("write the mirror", path, source))
}

fn replace(path: &Path, snapshot: &Snapshot) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    // Only the process that holds the stores writes here, so one name will do, and what a crash left of it is used again.
    let unfinished = path.with_extension("json.unfinished");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&unfinished)?;
    file.write_all(&serde_json::to_vec(snapshot)?)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    sync_folder(folder)
}

/// The mirror at `path`; `None` where there is none.
pub(crate) fn read(path: &Path) -> Result<Option<Snapshot>, StoreError> {
    let failed = |source| StoreError::file("read the mirror", path, source);
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(failed(source)),
    };
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|source| failed(source.into()))
}
