//! Backups: the stores as one file; and whether all of them can be read.
//!
//! A backup holds the ledger, and the checkpoints as their mirror has them, with a checksum of each. Both are done on a
//! copy, so that the stores themselves are only read.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tracing::subscriber::{NoSubscriber, with_default};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::ledger::Ledger;
use super::mirror;
use super::state::{Mended, State};
use super::{LEDGER_FILE, MIRROR_FILE, STATE_FOLDER, StoreError, strange_ledger};

/// The layout of a backup.
pub(super) const FORMAT: u32 = 1;
/// What a backup says of itself.
pub(super) const ABOUT: &str = "about.json";
/// Bytes that are copied at a time.
const CHUNK_BYTES: usize = 1 << 20;

/// What a backup says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct About {
    pub(super) format: u32,
    /// The rosterd that made it.
    pub(crate) version: String,
    /// When it was made.
    pub(crate) at: Timestamp,
    /// Checksums of what is in it, in hexadecimal.
    pub(super) ledger: String,
    pub(super) kept: String,
}

/// What reading all of a copy of the stores has shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Verified {
    /// Rows of the ledger.
    pub(crate) rows: u64,
    /// Syncs that have a checkpoint.
    pub(crate) syncs: u64,
    /// What is wrong, as far as it is named.
    pub(crate) faults: Vec<String>,
    /// Rows of the ledger that do not decode.
    pub(crate) bad_rows: u64,
}

/// A copy of the stores, which may be opened and mended in their place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CopyOf<'p> {
    /// The folder it is in.
    pub(crate) folder: &'p Path,
    /// The folder of the stores themselves.
    pub(crate) original: &'p Path,
}

impl CopyOf<'_> {
    /// Opens its checkpoints. What would be logged of that is said in other words, as the files it names are the copy's.
    pub(super) fn state(&self, now: Timestamp) -> Result<State, StoreError> {
        with_default(NoSubscriber::default(), || State::open(self.folder, now))
            .map_err(|error| self.of_the_original(error))
    }

    fn ledger(&self) -> Result<Ledger, StoreError> {
        with_default(NoSubscriber::default(), || {
            Ledger::open(&self.folder.join(LEDGER_FILE))
        })
        .map_err(|error| self.of_the_original(error))
    }

    /// The error with the names that whoever asked knows.
    pub(super) fn of_the_original(&self, mut error: StoreError) -> StoreError {
        if let Some(path) = error.path_mut()
            && let Ok(name) = path.strip_prefix(self.folder)
        {
            *path = self.original.join(name);
        }
        error
    }
}

impl Mended {
    /// What is wrong with the stores that will be mended.
    fn fault(self) -> &'static str {
        match self {
            Self::Snapshots => {
                "snapshots of the checkpoints, which only speed up a start, are damaged: the next start does without them"
            }
            Self::Anew => {
                "the checkpoints are damaged: the next start makes them anew from their mirror"
            }
            Self::Missing => {
                "the checkpoints are missing: the next start makes them anew from their mirror"
            }
        }
    }
}

/// Reads all of the stores by a copy, which is opened, and mended where it can be.
///
/// # Errors
/// [`StoreError`]: the copy cannot be read at all, but not for damage of the stores, which is a fault.
pub(crate) fn verify(copy: CopyOf<'_>, now: Timestamp) -> Result<Verified, StoreError> {
    let folder = copy.folder;
    let mut verified = Verified::default();
    let is_there = |name| folder.join(name).exists();
    if ![LEDGER_FILE, MIRROR_FILE, STATE_FOLDER]
        .into_iter()
        .any(is_there)
    {
        // Nothing was ever kept.
        return Ok(verified);
    }
    let mirrored = mirror::read(&folder.join(MIRROR_FILE));
    match &mirrored {
        Ok(Some(_)) => {}
        Ok(None) => {
            verified.fault("the mirror of the checkpoints is missing: the next start makes it anew")
        }
        Err(_) => verified
            .fault("the mirror of the checkpoints cannot be read: the next start makes it anew"),
    }
    let opened = copy.state(now);
    let mut known = None;
    match opened.and_then(|state| Ok((state.snapshot()?, state.mended()))) {
        Ok((kept, mended)) => {
            verified.syncs = u64::try_from(kept.checkpoints.len()).unwrap_or(u64::MAX);
            if let Some(mended) = mended {
                verified.fault(mended.fault());
            } else if kept.ledger.is_none() && !folder.join(LEDGER_FILE).exists() {
                // The very first start was cut: nothing was ever kept.
                return Ok(Verified::default());
            }
            known = Some(kept);
        }
        // What the copy has no room for says nothing of the state.
        Err(error) if error.is_want_of_room() => return Err(error),
        Err(error) => verified.fault(&format!(
            "the checkpoints cannot be opened: {}",
            error.whole()
        )),
    }
    let path = folder.join(LEDGER_FILE);
    if !path.exists() {
        verified.fault("the ledger is missing: `rosterd state restore` a backup; without one every sync is inactive until a person activates it, and reads everything, and opt-outs of records that are gone, and who was erased, are forgotten");
        return Ok(verified);
    }
    let opened = copy.ledger().map(|ledger| {
        let strange = known.map(|kept| strange_ledger(&kept, &ledger));
        strange.transpose().map(Option::flatten)
    });
    match &opened {
        Err(error) => verified.fault(&format!("the ledger's file is damaged: {}", error.whole())),
        Ok(Ok(Some(strange))) => verified.fault(&format!(
            "{strange}: `rosterd state restore` a backup, or every sync is inactive until a person activates it"
        )),
        // What cannot be read is named below.
        Ok(Ok(None) | Err(_)) => {}
    }
    match Ledger::read_all(&path) {
        Ok(checked) => {
            verified.rows = checked.rows;
            verified.bad_rows = checked.bad;
            verified.faults.extend(checked.faults);
        }
        Err(error) if opened.is_ok() => {
            let error = copy.of_the_original(error);
            verified.fault(&format!("the ledger cannot be read: {}", error.whole()))
        }
        // That has been said.
        Err(_) => {}
    }
    Ok(verified)
}

impl Verified {
    fn fault(&mut self, text: &str) {
        self.faults.push(text.to_owned());
    }
}

/// Packs the stores by a copy into `file`, which is empty, at `path`.
///
/// # Errors
/// [`StoreError`]: the copy cannot be read, or the file not be written.
pub(crate) fn pack(
    copy: CopyOf<'_>,
    (file, path): (File, &Path),
    now: Timestamp,
) -> Result<About, StoreError> {
    let folder = copy.folder;
    // Between the checkpoints and their mirror the process may have died.
    let state = copy.state(now)?;
    if let Some(mended) = state.mended() {
        tracing::warn!("{}; so does this backup", mended.fault());
    }
    // One that knows less than the last would take its place.
    if let Some(why) = strange_ledger(&state.snapshot()?, &copy.ledger()?)? {
        return Err(StoreError::Strange(why));
    }
    drop(state);
    let failed = |source| backup("write", path, source);
    let about = About {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        at: now,
        ledger: checksum(&folder.join(LEDGER_FILE))?,
        kept: checksum(&folder.join(MIRROR_FILE))?,
    };
    let mut zip = ZipWriter::new(file);
    let packed = (|| {
        let options = SimpleFileOptions::default().large_file(true);
        zip.start_file(ABOUT, options)?;
        serde_json::to_writer_pretty(&mut zip, &about)?;
        for name in [MIRROR_FILE, LEDGER_FILE] {
            zip.start_file(name, options)?;
            io::copy(&mut File::open(folder.join(name))?, &mut zip)?;
        }
        zip.finish()?.sync_all()
    })();
    packed.map_err(failed)?;
    Ok(about)
}

/// The checksum of a file, in hexadecimal.
pub(super) fn checksum(path: &Path) -> Result<String, StoreError> {
    let failed = |source| StoreError::file("read", path, source);
    let mut file = File::open(path).map_err(failed)?;
    let mut hasher = blake3::Hasher::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        match file.read(&mut chunk).map_err(failed)? {
            0 => return Ok(hasher.finalize().to_hex().to_string()),
            bytes => hasher.update(&chunk[..bytes]),
        };
    }
}

fn backup(attempt: &'static str, path: &Path, source: io::Error) -> StoreError {
    StoreError::Backup {
        attempt,
        path: path.to_owned(),
        source,
    }
}
