//! Backups: the stores as one file, and back.
//!
//! A backup holds the ledger, and the checkpoints as their mirror has them, with a checksum of each. What comes back from
//! one is of another day: no cursor of it is trusted, so that the first run of every sync reads everything before it
//! decides anything. What the present stores know, as far as they can be read, and a person relies on is kept: who was
//! erased since, what was counted, and what holds a sync.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use super::ledger::rows::ErasedRow;
use super::ledger::{Ledger, guarded, keys};
use super::mirror::{self, Snapshot};
use super::state::{Checkpoint, Running, State};
use super::{LEDGER_FILE, MIRROR_FILE, RESTORING, STATE_FOLDER, StoreError, lock, make_folder};
use crate::domain::activation::Holds;

/// The layout of a backup.
const FORMAT: u32 = 1;
const ABOUT: &str = "about.json";
/// Bytes that are copied at a time.
const CHUNK_BYTES: usize = 1 << 20;

/// What a backup says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct About {
    format: u32,
    /// The rosterd that made it.
    pub(crate) version: String,
    /// When it was made.
    pub(crate) at: Timestamp,
    /// Checksums of what is in it, in hexadecimal.
    ledger: String,
    kept: String,
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
            whole(&error)
        )),
    }
    let path = folder.join(LEDGER_FILE);
    if !path.exists() {
        verified.fault("the ledger is missing: restore a backup, or the next run of every sync reads everything");
        return Ok(verified);
    }
    let read = Ledger::sound(&path).and_then(|is_sound| Ok((is_sound, Ledger::read_all(&path)?)));
    match read {
        Ok((is_sound, checked)) => {
            if !is_sound {
                verified.fault("the ledger's file is damaged: restore a backup");
            }
            verified.rows = checked.rows;
            verified.bad_rows = checked.bad;
            verified.faults.extend(checked.faults);
        }
        Err(error) => verified.fault(&format!("the ledger cannot be read: {}", whole(&error))),
    }
    Ok(verified)
}

impl Verified {
    fn fault(&mut self, text: &str) {
        self.faults.push(text.to_owned());
    }
}

fn whole(error: &StoreError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

/// What a restore has brought back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Restored {
    /// The backup.
    pub(crate) about: About,
    /// Syncs whose next run reads everything.
    pub(crate) syncs: usize,
    /// Where the stores are that it replaced; none where there were none.
    pub(crate) aside: Option<PathBuf>,
}

/// Packs the stores whose copy is in `folder` into `file`, which is new.
///
/// # Errors
/// [`StoreError`]: the copy cannot be read, or the file not be written.
pub(crate) fn pack(folder: &Path, file: &Path, now: Timestamp) -> Result<About, StoreError> {
    // Between the checkpoints and their mirror the process may have died.
    drop(State::open(folder, now)?);
    drop(Ledger::open(&folder.join(LEDGER_FILE))?);
    let failed = |source| backup("write", file, source);
    let about = About {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        at: now,
        ledger: checksum(&folder.join(LEDGER_FILE))?,
        kept: checksum(&folder.join(MIRROR_FILE))?,
    };
    let made = OpenOptions::new()
        .create_new(true)
        .read(true)
        .write(true)
        .mode(0o600)
        .open(file);
    let mut zip = ZipWriter::new(made.map_err(failed)?);
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

/// Puts a backup in the place of the stores in `folder`; those are moved aside.
///
/// # Errors
/// [`StoreError`]: another process holds the stores, the file is none or damaged, or the disk fails. Nothing has changed
/// then, or the next process says that a restore was interrupted.
pub(crate) fn restore(folder: &Path, file: &Path, now: Timestamp) -> Result<Restored, StoreError> {
    make_folder(folder)?;
    let _lock = lock(folder)?;
    let failed = |attempt, path: &Path| {
        let path = path.to_owned();
        move |source| StoreError::file(attempt, &path, source)
    };
    let anew = tempfile::Builder::new()
        .prefix("restore-")
        .tempdir_in(folder)
        .map_err(failed("make a folder in", folder))?;
    let about = unpack(file, anew.path())?;
    let mut kept = mirror::read(&anew.path().join(MIRROR_FILE))?.unwrap_or_default();
    let checked = Ledger::read_all(&anew.path().join(LEDGER_FILE))?;
    if let Some(fault) = checked.faults.first() {
        return Err(StoreError::BackupDamaged {
            path: file.to_owned(),
            why: fault.clone(),
        });
    }
    let ledger = Ledger::open(&anew.path().join(LEDGER_FILE))?;
    keep_what_people_rely_on(folder, &ledger, &mut kept)?;
    distrust(&mut kept);
    kept.ledger = Some(ledger.mark());
    drop(ledger);
    State::create(anew.path(), kept.clone(), now)?;
    // From here on the stores are neither the old ones nor the new ones until all is in place.
    let mark = folder.join(RESTORING);
    fs::write(&mark, file.display().to_string()).map_err(failed("write", &mark))?;
    sync_folder(folder)?;
    let aside = folder.join(format!("before-restore-{}", now.as_millisecond()));
    let mut moved = false;
    for name in [LEDGER_FILE, MIRROR_FILE, STATE_FOLDER] {
        let (old, new) = (folder.join(name), anew.path().join(name));
        if old.exists() {
            fs::create_dir_all(&aside).map_err(failed("make", &aside))?;
            fs::rename(&old, aside.join(name)).map_err(failed("move aside", &old))?;
            moved = true;
        }
        fs::rename(&new, &old).map_err(failed("put in place", &old))?;
    }
    sync_folder(folder)?;
    fs::remove_file(&mark).map_err(failed("delete", &mark))?;
    sync_folder(folder)?;
    Ok(Restored {
        about,
        syncs: kept.checkpoints.len(),
        aside: moved.then_some(aside),
    })
}

/// Takes over from the present stores what must not be undone, as far as they can be read.
fn keep_what_people_rely_on(
    folder: &Path,
    ledger: &Ledger,
    kept: &mut Snapshot,
) -> Result<(), StoreError> {
    if let Ok(Some(present)) = mirror::read(&folder.join(MIRROR_FILE)) {
        for (key, count) in present.counters {
            let restored = kept.counters.entry(key).or_default();
            restored.0 = restored.0.max(count.0);
        }
        for (sync, standing) in present.standings {
            let restored = kept.standings.entry(sync).or_insert(standing.clone());
            restored.held = Holds {
                by_person: restored.held.by_person || standing.held.by_person,
                by_account: standing.held.by_account.or(restored.held.by_account),
            };
        }
        kept.credentials.extend(present.credentials);
        kept.schedule.extend(present.schedule);
    }
    // Events that were waiting then have been told since.
    kept.untold.clear();
    let path = folder.join(LEDGER_FILE);
    if !path.exists() {
        return Ok(());
    }
    let erased = Ledger::open(&path).and_then(|present| {
        let is_same = present.mark() == ledger.mark();
        let erased = || present.look(|step| step.erased.under(b"", None, usize::MAX));
        let erased: Vec<(Vec<u8>, ErasedRow)> = guarded(&path, erased)?;
        Ok(erased.into_iter().filter(|_| is_same).collect::<Vec<_>>())
    });
    match erased {
        Ok(erased) => ledger.step(|step| {
            for (key, row) in &erased {
                let address = keys::address_of(key);
                if let Some(address) = address.filter(|_| row.done) {
                    step.erase(&address)?;
                }
                step.erased.put(key, row)?;
            }
            Ok(())
        }),
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the present ledger cannot be read: who was erased since the backup is not known any more"
            );
            Ok(())
        }
    }
}

/// No sync goes on from where it was: its next run reads everything.
fn distrust(kept: &mut Snapshot) {
    for checkpoint in kept.checkpoints.values_mut() {
        *checkpoint = Checkpoint {
            definition: [0; 16],
            cursor: None,
            last_full: None,
            // No definition has this digest: the run is given up.
            running: checkpoint.running.take().map(|running| Running {
                definition: [0; 16],
                ..running
            }),
            ..checkpoint.clone()
        };
    }
}

fn unpack(file: &Path, to: &Path) -> Result<About, StoreError> {
    let failed = |source| backup("read", file, source);
    let damaged = |why: &str| StoreError::BackupDamaged {
        path: file.to_owned(),
        why: why.to_owned(),
    };
    let opened = File::open(file).map_err(failed)?;
    let mut zip =
        ZipArchive::new(BufReader::new(opened)).map_err(|_| damaged("it is no backup"))?;
    let about = {
        let entry = zip.by_name(ABOUT).map_err(|_| damaged("it is no backup"))?;
        let about: About = serde_json::from_reader(entry.take(1 << 16))
            .map_err(|_| damaged("what it says of itself cannot be read"))?;
        if about.format > FORMAT {
            return Err(damaged("a newer rosterd made it: install that version"));
        }
        about
    };
    for (name, wanted) in [(MIRROR_FILE, &about.kept), (LEDGER_FILE, &about.ledger)] {
        let path = to.join(name);
        extract(&mut zip, name, &path).map_err(|_| damaged("it is cut short or damaged"))?;
        if checksum(&path)? != *wanted {
            return Err(damaged("a checksum does not match"));
        }
    }
    Ok(about)
}

fn extract(zip: &mut ZipArchive<impl Read + Seek>, name: &str, to: &Path) -> io::Result<()> {
    let mut entry = zip.by_name(name).map_err(io::Error::other)?;
    let mut file = OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(to)?;
    io::copy(&mut entry, &mut file)?;
    file.flush()?;
    file.sync_all()
}

fn checksum(path: &Path) -> Result<String, StoreError> {
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

fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|source| StoreError::file("sync", folder, source))
}

fn backup(attempt: &'static str, path: &Path, source: io::Error) -> StoreError {
    StoreError::Backup {
        attempt,
        path: path.to_owned(),
        source,
    }
}
