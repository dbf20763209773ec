//! A backup's file, taken apart and looked through before anything is done with it.

use std::fs::{self, OpenOptions};
use std::io::{self, BufReader, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use zip::ZipArchive;

use crate::regular;
use crate::store::backup::{ABOUT, About, FORMAT, checksum};
use crate::store::ledger::Ledger;
use crate::store::mirror::{self, MIRROR_BYTES_MAX, Snapshot};
use crate::store::{LEDGER_FILE, MIRROR_FILE, StoreError, check_room, room_wanted};

/// What a backup says of itself is not longer.
const ABOUT_BYTES_MAX: u64 = 1 << 16;

/// Puts the ledger of a backup into the folder `to`; answers what the backup says of itself, and the checkpoints in it.
///
/// # Errors
/// [`StoreError::Backup`] where the file cannot be read, [`StoreError::BackupDamaged`] where it is no backup or not as it
/// was made, [`StoreError::Newer`].
pub(super) fn unpack(file: &Path, to: &Path) -> Result<(About, Snapshot), StoreError> {
    let damaged = |why: &str| StoreError::BackupDamaged {
        path: file.to_owned(),
        why: why.to_owned(),
    };
    let opened = regular::open(file).map_err(|source| StoreError::Backup {
        attempt: "read",
        path: file.to_owned(),
        source,
    })?;
    let zip = ZipArchive::new(BufReader::new(opened));
    let mut zip = zip.map_err(|_| damaged("it is no backup, or its end is missing"))?;
    let about = about(&mut zip).ok_or_else(|| damaged("it is no backup"))?;
    if about.format > FORMAT {
        return Err(StoreError::Newer {
            path: file.to_owned(),
            what: format!("format {}", about.format),
        });
    }
    for (name, wanted) in [(MIRROR_FILE, &about.kept), (LEDGER_FILE, &about.ledger)] {
        let path = to.join(name);
        let bytes = zip.by_name(name).map_or(0, |entry| entry.size());
        if name == MIRROR_FILE && bytes > MIRROR_BYTES_MAX {
            return Err(damaged("its checkpoints are larger than any are"));
        }
        check_room(to, room_wanted(0).saturating_add(bytes))?;
        extract(&mut zip, name, &path).map_err(|error| {
            // What the system says is about the disk, and not about the backup.
            let is_written_short = error.kind() == io::ErrorKind::WriteZero;
            if is_written_short || error.raw_os_error().is_some() {
                StoreError::file("unpack the backup to", &path, error)
            } else {
                damaged("it is cut short or damaged")
            }
        })?;
        if checksum(&path)? != *wanted {
            return Err(damaged("a checksum does not match"));
        }
    }
    let mirror = to.join(MIRROR_FILE);
    let kept = mirror::read(&mirror)?.unwrap_or_default();
    let removed = fs::remove_file(&mirror);
    removed.map_err(|source| StoreError::file("delete", &mirror, source))?;
    let ledger = to.join(LEDGER_FILE);
    drop(Ledger::open(&ledger)?);
    match Ledger::read_all(&ledger)?.faults.first() {
        Some(fault) => Err(damaged(fault)),
        None => Ok((about, kept)),
    }
}

fn about(zip: &mut ZipArchive<impl Read + Seek>) -> Option<About> {
    let entry = zip.by_name(ABOUT).ok()?;
    serde_json::from_reader(entry.take(ABOUT_BYTES_MAX)).ok()
}

fn extract(zip: &mut ZipArchive<impl Read + Seek>, name: &str, to: &Path) -> io::Result<()> {
    let entry = zip.by_name(name).map_err(io::Error::other)?;
    // What there is beyond it was never made by a rosterd, and the checksum says so.
    let bytes = entry.size();
    let mut entry = entry.take(bytes);
    let mut file = OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(to)?;
    io::copy(&mut entry, &mut file)?;
    file.flush()?;
    file.sync_all()
}
