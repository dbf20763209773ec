//! Files that a person names: opened where they are regular ones, and refused as what they are otherwise.
//!
//! A pipe would be waited for until somebody writes to it, and a device may never end.

use std::fs::{self, File, FileType};
use std::io;
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
