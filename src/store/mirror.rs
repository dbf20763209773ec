//! A copy of counters, checkpoints and schedules in one JSON file: what `status` reads beside a running daemon, and
//! what a damaged store is made from. It has a checksum of its own, and says by which layout it was written.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::state::{
    Checkpoint, Counter, Credentials, Handled, LAYOUT, LedgerMark, Standing, Untold,
};
use super::{StoreError, sync_folder};
use crate::domain::ids::{AccountName, SyncId};
use crate::regular;

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
    /// How many commits there were, this one included: of two stores of one rosterd the one with more is the newer.
    #[serde(default)]
    pub(crate) commits: u64,
}

impl Snapshot {
    /// The latest moment of which something is kept, by this machine's clock.
    pub(crate) fn last_written(&self) -> Option<Timestamp> {
        let of = |checkpoint: &Checkpoint| {
            let running = checkpoint.running.as_ref().map(|running| running.started);
            checkpoint.last.as_ref().map(|last| last.at).max(running)
        };
        let runs = self.checkpoints.values().filter_map(of);
        let asked = self.credentials.values().filter_map(|known| known.asked_at);
        let told = self.untold.values().map(|untold| untold.at);
        let last = runs.chain(asked).chain(told).max()?;
        Timestamp::from_millisecond(last).ok()
    }
}

/// No mirror is longer: it has some kilobytes a sync.
pub(super) const MIRROR_BYTES_MAX: u64 = 64 << 20;

/// The keys of the file besides those of a [`Snapshot`].
const LAYOUT_KEY: &str = "layout";
const SUM_KEY: &str = "sum";

/// The keys of a [`Snapshot`]. Any other one was written by a newer rosterd.
const KEYS: [&str; 8] = [
    "checkpoints",
    "schedule",
    "counters",
    "standings",
    "credentials",
    "untold",
    "ledger",
    "commits",
];

/// Writes the mirror so that a reader, and a crash, meet the old one or the new one and nothing between.
pub(crate) fn write(path: &Path, snapshot: &Snapshot) -> Result<(), StoreError> {
    // Only the process that holds the stores writes here, so one name will do, and what a crash left of it is used again.
    let unfinished = path.with_extension("json.unfinished");
    regular::check(&unfinished).map_err(|source| StoreError::file("write", &unfinished, source))?;
    replace(path, &unfinished, snapshot)
        .map_err(|source| StoreError::file("write the mirror", path, source))
}

fn replace(path: &Path, unfinished: &Path, snapshot: &Snapshot) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(unfinished)?;
    file.write_all(&serde_json::to_vec(&rendered(snapshot)?)?)?;
    file.sync_all()?;
    fs::rename(unfinished, path)?;
    sync_folder(folder)
}

/// The file's one object.
fn rendered(snapshot: &Snapshot) -> serde_json::Result<Map<String, Value>> {
    let sum = sum(snapshot)?;
    let Value::Object(mut object) = serde_json::to_value(snapshot)? else {
        return Ok(Map::new());
    };
    object.insert(LAYOUT_KEY.to_owned(), LAYOUT.into());
    object.insert(SUM_KEY.to_owned(), sum.into());
    Ok(object)
}

/// A checksum of what a mirror says.
fn sum(snapshot: &Snapshot) -> serde_json::Result<u32> {
    Ok(crc32fast::hash(&serde_json::to_vec(snapshot)?))
}

/// The mirror at `path`; `None` where there is none.
///
/// # Errors
/// [`StoreError::Mirror`] where it is damaged, [`StoreError::Newer`], or [`StoreError::File`].
pub(crate) fn read(path: &Path) -> Result<Option<Snapshot>, StoreError> {
    let damaged = |why: String| StoreError::Mirror {
        path: path.to_owned(),
        why,
    };
    let newer = |what: String| StoreError::Newer {
        path: path.to_owned(),
        what,
    };
    let bytes = match regular::read_at_most(path, MIRROR_BYTES_MAX) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Err(damaged("it is longer than any is".to_owned())),
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(StoreError::file("read the mirror", path, source)),
    };
    let object = serde_json::from_slice(&bytes);
    let mut object: Map<String, Value> = object.map_err(|error| damaged(error.to_string()))?;
    let layout = object.remove(LAYOUT_KEY).and_then(|layout| layout.as_u64());
    if let Some(layout) = layout.filter(|layout| *layout > u64::from(LAYOUT)) {
        return Err(newer(format!("layout {layout}")));
    }
    let sum_there = object.remove(SUM_KEY);
    let strange = object.keys().find(|key| !KEYS.contains(&key.as_str()));
    if let Some(key) = strange {
        return Err(newer(format!("`{key}`")));
    }
    let snapshot = serde_json::from_value(Value::Object(object));
    let snapshot: Snapshot = snapshot.map_err(|error| damaged(error.to_string()))?;
    let sum_of = sum(&snapshot).map_err(|error| damaged(error.to_string()))?;
    // Earlier ones have none.
    if sum_there.is_some_and(|there| there.as_u64() != Some(u64::from(sum_of))) {
        return Err(damaged("its checksum does not match".to_owned()));
    }
    Ok(Some(snapshot))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled() -> Snapshot {
        let mut kept = Snapshot {
            commits: 7,
            ..Snapshot::default()
        };
        let sync: SyncId = "newsletter".parse().unwrap();
        kept.checkpoints.insert(sync, Checkpoint::default());
        let counter = "main/runs_per_day/2026-11-22".to_owned();
        kept.counters.insert(counter, Counter(3));
        kept
    }

    #[test]
    fn no_flipped_bit_changes_what_a_mirror_says() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        write(&path, &filled()).unwrap();
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[at / 8] ^= 1 << (at % 8);
            fs::write(&path, &bytes).unwrap();
            match read(&path) {
                Ok(read) => assert_eq!(read, Some(filled()), "bit {at}"),
                Err(StoreError::Mirror { .. } | StoreError::Newer { .. }) => {}
                Err(error) => panic!("bit {at}: {error}"),
            }
        }
    }

    #[test]
    fn an_earlier_mirror_reads_and_a_newer_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        let keys: Vec<String> = rendered(&filled()).unwrap().keys().cloned().collect();
        for key in &keys {
            assert!(KEYS.contains(&key.as_str()) || [LAYOUT_KEY, SUM_KEY].contains(&key.as_str()));
        }
        let earlier = r#"{"checkpoints":{},"schedule":{},"counters":{"a":3},"ledger":null}"#;
        fs::write(&path, earlier).unwrap();
        assert_eq!(read(&path).unwrap().unwrap().counters["a"], Counter(3));
        for (newer, named) in [
            (
                r#"{"checkpoints":{},"schedule":{},"counters":{},"ledger":null,"hats":{}}"#,
                "`hats`",
            ),
            (r#"{"checkpoints":{},"layout":2,"shapes":[]}"#, "layout 2"),
        ] {
            fs::write(&path, newer).unwrap();
            let error = read(&path).unwrap_err().to_string();
            assert!(
                error.contains(named) && error.contains("newer rosterd"),
                "{error}"
            );
        }
    }
}
