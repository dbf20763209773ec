//! Backups: the stores as one file; and whether all of them can be read.
//!
//! A backup holds the ledger, and the checkpoints as their mirror has them, with a checksum of each. Both are done on a
//! copy, so that the stores themselves are only read.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::ledger::Ledger;
use super::mirror;
use super::state::State;
use super::{LEDGER_FILE, MIRROR_FILE, StoreError};

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

/// Reads all of the stores whose copy is in `folder`; the copy is opened, and mended where it can be.
///
/// # Errors
/// [`StoreError`]: the copy cannot be read at all, but not for damage of the stores, which is a fault.
pub(crate) fn verify(folder: &Path, now: Timestamp) -> Result<Verified, StoreError> {
    let mut verified = Verified::default();
    let mirrored = mirror::read(&folder.join(MIRROR_FILE));
    match &mirrored {
        Ok(Some(_)) => {}
        Ok(None) => {
            verified.fault("the mirror of the checkpoints is missing: the next start makes it anew")
        }
        Err(_) => verified
            .fault("the mirror of the checkpoints cannot be read: the next start makes it anew"),
    }
    match State::open(folder, now).and_then(|state| state.snapshot()) {
        Ok(kept) => {
            verified.syncs = u64::try_from(kept.checkpoints.len()).unwrap_or(u64::MAX);
            let moved = fs::read_dir(folder).into_iter().flatten().flatten();
            let is_damaged = |entry: fs::DirEntry| {
                entry
                    .file_name()
                    .to_string_lossy()
                    .starts_with("state.damaged-")
            };
            if moved.into_iter().any(is_damaged) {
                verified.fault(
                    "the checkpoints are damaged: the next start makes them anew from their mirror",
                );
            }
        }
        Err(error) => verified.fault(&format!(
            "the checkpoints cannot be opened: {}",
            error.whole()
        )),
    }
    let path = folder.join(LEDGER_FILE);
    if !path.exists() {
        verified.fault("the ledger is missing: `rosterd state restore` a backup, or the next run of every sync reads everything, and opt-outs of records that are gone are forgotten");
        return Ok(verified);
    }
    let opened = Ledger::open(&path).map(drop);
    if let Err(error) = &opened {
        verified.fault(&format!("the ledger's file is damaged: {}", error.whole()));
    }
    match Ledger::read_all(&path) {
        Ok(checked) => {
            verified.rows = checked.rows;
            verified.bad_rows = checked.bad;
            verified.faults.extend(checked.faults);
        }
        Err(error) if opened.is_ok() => {
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

/// Packs the stores whose copy is in `folder` into `file`, which is empty, at `path`.
///
/// # Errors
/// [`StoreError`]: the copy cannot be read, or the file not be written.
pub(crate) fn pack(
    folder: &Path,
    (file, path): (File, &Path),
    now: Timestamp,
) -> Result<About, StoreError> {
    // Between the checkpoints and their mirror the process may have died.
    drop(State::open(folder, now)?);
    drop(Ledger::open(&folder.join(LEDGER_FILE))?);
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
