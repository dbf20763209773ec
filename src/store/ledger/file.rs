//! The ledger's file, opened only if all of it is as it was written.
//!
//! redb has a checksum of every page and, left to itself, looks at none of them in a file that was closed well: a bit that
//! flipped in a key would hide an opt-out. So all checksums are looked at whenever the file is opened. That takes a sixth of a second for 300,000 contacts (143 MB; 90 ms
//! without, on 2 cores, November 2026), and nothing is written before it has gone well.
//!
//! What cannot be told apart is a commit that a power cut tore and one that was damaged in a file that was never closed:
//! both are given up, as they were never acknowledged or belong to a step that is done again. Which of the header's two
//! slots counts says nothing of damage: of a file that was closed well both have the same rows, and of one that was killed
//! while redb opened it the newer one may be a commit that never counted.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use redb::{Database, DatabaseError, StorageError};

use super::CACHE_BYTES;
use crate::regular;
use crate::store::StoreError;

/// Opens the file at `path`, making it if it is not there.
///
/// # Errors
/// [`StoreError`]: held by another process, damaged, from a newer rosterd, or no room.
pub(super) fn open(path: &Path) -> Result<Database, StoreError> {
    let header = read_header(path).map_err(|source| StoreError::file("read", path, source))?;
    // redb would take a file without a byte for a new one; a ledger gets its name once it is whole.
    if fs::metadata(path).is_ok_and(|found| found.len() == 0) {
        return Err(damaged(path, "all of it is gone, and so it is"));
    }
    let mut builder = Database::builder();
    builder
        .set_cache_size(CACHE_BYTES)
        .set_check_integrity_on_open(true);
    match header.map(|header| header.says()) {
        Some(Says::Newer(version)) => {
            return Err(StoreError::Newer {
                path: path.to_owned(),
                what: format!("file format {version}"),
            });
        }
        Some(Says::Closed) => {
            // Between its first and its second pass redb gives the last commit up, as if that had been torn.
            builder.set_repair_callback(|pass| {
                if pass.progress() > 0.0 && pass.progress() < SECOND_PASS {
                    pass.abort();
                }
            });
        }
        Some(Says::Open) | None => {}
    }
    match builder.create(path) {
        Err(DatabaseError::RepairAborted) => Err(damaged(path, "the last commit is")),
        opened => opened.map_err(|source| StoreError::opening(path, source)),
    }
}

/// Opens the file without looking at its checksums: to see what can still be read of a copy.
///
/// # Errors
/// [`StoreError`].
pub(super) fn open_unchecked(path: &Path) -> Result<Database, StoreError> {
    regular::check(path).map_err(|source| StoreError::file("read", path, source))?;
    let mut builder = Database::builder();
    let opened = builder.set_cache_size(CACHE_BYTES).open(path);
    opened.map_err(|source| StoreError::opening(path, source))
}

fn damaged(path: &Path, what: &str) -> StoreError {
    let damaged = StorageError::Corrupted(format!("{what} damaged"));
    StoreError::opening(path, damaged.into())
}

/// How far redb says it is when it begins its second pass.
const SECOND_PASS: f64 = 0.6;

/// redb's header: 9 bytes of magic number, one of flags, and from byte 64 on two slots of 128 bytes, one of which has the
/// last commit and the other the one before or, while it is being written, the one after. Source: redb 4.6, `docs/design.md`, "Database header", read November 2026.
const HEADER_BYTES: usize = 320;
const MAGIC: &[u8; 9] = b"redb\x1a\x0a\xa9\x0d\x0a";
const SLOTS_AT: usize = 64;
const SLOT_BYTES: usize = 128;
/// Flags.
const SECOND_IS_LAST: u8 = 1;
const NOT_CLOSED: u8 = 2;
/// The newest format that is known, and one so far beyond that damage is likelier.
const FORMAT: u8 = 3;
const FORMAT_FAR: u8 = 16;

struct Header([u8; HEADER_BYTES]);

/// What a header says.
#[derive(Debug, PartialEq, Eq)]
enum Says {
    /// The file was closed well.
    Closed,
    /// It was not: the process was killed, or the power cut.
    Open,
    /// It has a format that is not known yet.
    Newer(u8),
}

impl Header {
    fn says(&self) -> Says {
        let flags = self.0[MAGIC.len()];
        let last = usize::from(flags & SECOND_IS_LAST);
        let version = self.0[SLOTS_AT + last * SLOT_BYTES];
        if version > FORMAT && version <= FORMAT_FAR {
            return Says::Newer(version);
        }
        match flags & NOT_CLOSED != 0 {
            true => Says::Open,
            false => Says::Closed,
        }
    }
}

/// The header of the file; none where there is no file, or one that is none of redb's, which redb says itself.
fn read_header(path: &Path) -> io::Result<Option<Header>> {
    let mut file = match regular::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut header = Header([0; HEADER_BYTES]);
    match file.read_exact(&mut header.0) {
        Ok(()) => Ok(Some(header).filter(|header| header.0.starts_with(MAGIC))),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use redb::{ReadableDatabase, ReadableTable, TableDefinition};

    use super::*;

    const TABLE: TableDefinition<'_, u64, u64> = TableDefinition::new("rows");

    /// A file with three commits, closed well.
    fn filled(path: &Path) {
        for value in 1..=3 {
            put(&open(path).unwrap(), value);
        }
    }

    fn put(db: &Database, value: u64) {
        let txn = db.begin_write().unwrap();
        {
            let mut table = txn.open_table(TABLE).unwrap();
            (0..500).for_each(|key| drop(table.insert(key, value).unwrap()));
        }
        txn.commit().unwrap();
    }

    fn value(db: &Database) -> u64 {
        let read = db.begin_read().unwrap();
        let table = read.open_table(TABLE).unwrap();
        let values: Vec<u64> = table
            .iter()
            .unwrap()
            .map(|row| row.unwrap().1.value())
            .collect();
        assert_eq!(values.len(), 500);
        assert!(values.iter().all(|value| *value == values[0]));
        values[0]
    }

    #[test]
    fn no_flipped_bit_of_a_closed_file_brings_back_what_was_before_or_anything_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.redb");
        filled(&path);
        assert_eq!(read_header(&path).unwrap().unwrap().says(), Says::Closed);
        let whole = fs::read(&path).unwrap();
        // Every flag, and a bit of every third byte of the header and of every 997th after it.
        let flags = (0..8).map(|bit| (MAGIC.len(), bit));
        let header = (0..HEADER_BYTES).step_by(3);
        let rest = (HEADER_BYTES..whole.len()).step_by(997);
        let others = header.chain(rest).map(|byte| (byte, byte % 8));
        let (mut refused, mut opened) = (0, 0);
        for (byte, bit) in flags.chain(others) {
            let mut bytes = whole.clone();
            bytes[byte] ^= 1 << bit;
            fs::write(&path, &bytes).unwrap();
            match crate::store::quiet::caught(|| open(&path)) {
                Some(Ok(db)) => {
                    assert_eq!(value(&db), 3, "byte {byte}, bit {bit}");
                    opened += 1;
                }
                Some(Err(_)) | None => {
                    assert!(fs::read(&path).unwrap() == bytes, "byte {byte}, bit {bit}");
                    refused += 1;
                }
            }
        }
        assert!(refused > 20 && opened > 20, "{refused} {opened}");
    }

    #[test]
    fn a_file_that_was_not_closed_opens_and_one_of_a_newer_format_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.redb");
        filled(&path);
        let db = open(&path).unwrap();
        put(&db, 4);
        let killed = fs::read(&path).unwrap();
        drop(db);
        fs::write(&path, &killed).unwrap();
        assert_eq!(read_header(&path).unwrap().unwrap().says(), Says::Open);
        assert_eq!(value(&open(&path).unwrap()), 4);
        // Killed while it was opened, after a commit that never counted: the slot that counts is the older one.
        let mut cut = fs::read(&path).unwrap();
        let last = usize::from(cut[MAGIC.len()] & SECOND_IS_LAST);
        let other = SLOTS_AT + (1 - last) * SLOT_BYTES;
        cut[other + 104..other + 112].copy_from_slice(&u64::MAX.to_le_bytes());
        fs::write(&path, &cut).unwrap();
        assert_eq!(value(&open(&path).unwrap()), 4);
        let mut newer = fs::read(&path).unwrap();
        newer[SLOTS_AT] = FORMAT + 1;
        newer[SLOTS_AT + SLOT_BYTES] = FORMAT + 1;
        fs::write(&path, &newer).unwrap();
        let error = open(&path).err().unwrap().to_string();
        assert!(error.contains("file format 4"), "{error}");
        assert!(error.contains("newer rosterd"), "{error}");
        assert!(fs::read(&path).unwrap() == newer);
    }
}
