//! Files that a person names, or that are looked for in rosterd's own folders: opened where they are regular ones, and
//! refused as what they are otherwise.
//!
//! A pipe would be waited for until somebody writes to it, and a device may never end.

use std::fs::{self, File, FileType};
use std::io::{self, Read};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

/// Opens the file at `path` to be read.
///
/// # Errors
/// It cannot be opened, or is no regular file; the message says what it is.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    refuse_strange(fs::metadata(path)?.file_type())?;
    File::open(path)
}

/// Makes sure that nothing else than a regular file is at `path`, if anything is.
///
/// # Errors
/// The message says what is there.
pub(crate) fn check(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(found) => refuse_strange(found.file_type()),
        // Whoever goes on meets it.
        Err(_) => Ok(()),
    }
}

/// Whether a regular file is at `path`. A link that leads nowhere is not taken for nothing: what it leads to may be on a
/// disk that is not mounted, and a file made in its place would hide that.
///
/// # Errors
/// Something is there that cannot be used; the message says what it is.
pub(crate) fn is_there(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => {}
        Ok(found) => return refuse_strange(found.file_type()).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    }
    match fs::metadata(path) {
        Ok(found) => refuse_strange(found.file_type()).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let message = "it is a link that leads nowhere: is the disk mounted that it leads to?";
            Err(io::Error::new(io::ErrorKind::InvalidInput, message))
        }
        Err(error) => Err(error),
    }
}

/// Reads the file at `path`, of which no more than `bytes_max` are wanted: none where it is longer.
///
/// # Errors
/// It cannot be read, or is no regular file; the message says what it is.
pub(crate) fn read_at_most(path: &Path, bytes_max: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    open(path)?
        .take(bytes_max.saturating_add(1))
        .read_to_end(&mut bytes)?;
    let is_short = u64::try_from(bytes.len()).is_ok_and(|length| length <= bytes_max);
    Ok(Some(bytes).filter(|_| is_short))
}

fn refuse_strange(kind: FileType) -> io::Result<()> {
    let Some(kind) = strange(kind) else {
        return Ok(());
    };
    let message = format!("it is {kind}, and no regular file");
    Err(io::Error::new(io::ErrorKind::InvalidInput, message))
}

/// What something is that is no regular file.
fn strange(kind: FileType) -> Option<&'static str> {
    if kind.is_file() {
        None
    } else if kind.is_dir() {
        Some("a folder")
    } else if kind.is_fifo() {
        Some("a pipe")
    } else if kind.is_socket() {
        Some("a socket")
    } else {
        Some("a device")
    }
}
