//! From a downloaded file to rows: one CSV in a ZIP, unpacked as it is read and never as a whole.
//!
//! A ZIP can say that it is small and be large, so what comes out of it is counted: against what it may unpack to, by
//! itself and by how much smaller it is packed, and against what one row may be.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::rc::Rc;

use csv::StringRecord;
use zip::ZipArchive;

use crate::domain::failure::Failure;

/// Most bytes of the unpacked file: 200,000 rows of 40 KiB.
const UNPACKED_MAX: u64 = 8 << 30;
/// A file may be so many times as large as it is packed, from this size on.
const RATIO_MAX: u64 = 250;
const RATIO_FROM: u64 = 64 << 20;
/// Most bytes of one row, with what is read ahead of it.
const ROW_BYTES_MAX: u64 = 16 << 20;

/// Most bytes that are read to find the one entry. The directory of an archive is built in memory before its entries can
/// be counted, and one of millions of names would need gigabytes.
const DIRECTORY_BYTES_MAX: u64 = 1 << 20;

/// What is wrong with a downloaded file.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// Cut off or changed on the way.
    #[error("the file is damaged")]
    Damaged,
    /// It holds something else than one file.
    #[error("the archive holds {entries} files instead of one")]
    Entries {
        /// Files in it.
        entries: usize,
    },
    /// It unpacks to more than it should.
    #[error("the file unpacks to more than {mib_max} MiB")]
    TooLarge {
        /// Most that is unpacked.
        mib_max: u64,
    },
    /// A row without end.
    #[error("a row of the file is larger than {mib_max} MiB")]
    Row {
        /// Largest row.
        mib_max: u64,
    },
    /// The system does not let us have it.
    #[error("cannot use a temporary file in the state folder; check its space and its rights")]
    File(#[source] io::Error),
}

/// Reads all of the file, so that a damaged one is known before its first row is given; the checksum stands at its end.
pub(super) fn verify(file: &File) -> Result<(), ArchiveError> {
    with_text(file, |text| {
        let read = io::copy(text, &mut io::sink());
        read.map(|_| ()).map_err(ArchiveError::of)
    })
}

/// Gives the header of the file to `header`, and each row of it to what that returns, until it says false; an empty
/// file has neither.
pub(super) fn rows<E: From<ArchiveError>, R: FnMut(&StringRecord) -> Result<bool, E>>(
    file: &File,
    header: impl FnOnce(&StringRecord) -> Result<R, E>,
) -> Result<(), E> {
    with_text(file, |text| {
        let budget = Rc::new(Cell::new(ROW_BYTES_MAX));
        let text = Budgeted {
            inner: text,
            budget: Rc::clone(&budget),
            beyond: || ArchiveError::Row {
                mib_max: ROW_BYTES_MAX >> 20,
            },
        };
        let mut csv = csv::Reader::from_reader(text);
        let names = csv.headers().map_err(csv_error)?;
        if names.is_empty() {
            return Ok(());
        }
        let mut each = header(names)?;
        let mut row = StringRecord::new();
        while csv.read_record(&mut row).map_err(csv_error)? && each(&row)? {
            budget.set(ROW_BYTES_MAX);
        }
        Ok(())
    })
}

fn with_text<T, E: From<ArchiveError>>(
    file: &File,
    read: impl FnOnce(&mut dyn Read) -> Result<T, E>,
) -> Result<T, E> {
    let packed = file.metadata().map_err(ArchiveError::File)?.len();
    let mut file = file;
    file.rewind().map_err(ArchiveError::File)?;
    let budget = Rc::new(Cell::new(DIRECTORY_BYTES_MAX));
    let packed_file = Budgeted {
        inner: file,
        budget: Rc::clone(&budget),
        beyond: || ArchiveError::Damaged,
    };
    let archive = ZipArchive::new(BufReader::new(packed_file));
    let mut archive = archive.map_err(|_| ArchiveError::Damaged)?;
    if archive.len() != 1 {
        let entries = archive.len();
        return Err(ArchiveError::Entries { entries }.into());
    }
    budget.set(u64::MAX);
    let entry = archive.by_index(0).map_err(|_| ArchiveError::Damaged)?;
    let bytes_max = unpacked_max(packed);
    read(&mut Capped {
        inner: BufReader::new(entry),
        left: bytes_max,
        bytes_max,
    })
}

fn unpacked_max(packed: u64) -> u64 {
    let by_ratio = packed.saturating_mul(RATIO_MAX).max(RATIO_FROM);
    by_ratio.min(UNPACKED_MAX)
}

/// Gives no more than it may.
struct Capped<R> {
    inner: R,
    left: u64,
    bytes_max: u64,
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.inner.read(buffer)?;
        let left = self.left.checked_sub(bytes as u64);
        let mib_max = self.bytes_max >> 20;
        self.left = left.ok_or_else(|| io::Error::other(ArchiveError::TooLarge { mib_max }))?;
        Ok(bytes)
    }
}

/// Gives no more than its budget, which may be set anew.
struct Budgeted<R> {
    inner: R,
    budget: Rc<Cell<u64>>,
    /// What is wrong when it asks for more.
    beyond: fn() -> ArchiveError,
}

impl<R: Read> Read for Budgeted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.inner.read(buffer)?;
        let left = self.budget.get().checked_sub(bytes as u64);
        let left = left.ok_or_else(|| io::Error::other((self.beyond)()))?;
        self.budget.set(left);
        Ok(bytes)
    }
}

impl<R: Seek> Seek for Budgeted<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

fn csv_error(error: csv::Error) -> ArchiveError {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => ArchiveError::of(error),
        // Not UTF-8, or rows of unequal length; what the error says may repeat the row.
        _ => ArchiveError::Damaged,
    }
}

impl ArchiveError {
    /// A damaged file is downloaded again; one that is wrong as a whole stays so.
    pub(in super::super) fn failure(&self) -> Failure {
        match self {
            Self::Damaged => Failure::Unreachable,
            Self::Entries { .. } | Self::TooLarge { .. } | Self::Row { .. } | Self::File(_) => {
                Failure::Refused
            }
        }
    }

    /// Our own, as it came through the reader; anything else is the archive's.
    fn of(error: io::Error) -> Self {
        error.downcast::<Self>().unwrap_or(Self::Damaged)
    }
}

#[cfg(test)]
mod tests;
