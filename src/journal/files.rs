//! The files of the journal: what they are called, how they are made, and how a full one makes room.
//!
//! `history.jsonl` is the current one. A full one is renamed to `history.jsonl.N` and then compressed to
//! `history.jsonl.N.gz`, where `N` grows by one each time: a rotated file never changes its number, so a reader that
//! lists them while one is added neither misses a line nor meets one twice. At every moment each line is in a file
//! that readers look at; where a crash leaves both forms of a number, either is complete.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;

use super::JournalError;
use crate::regular;

const CURRENT: &str = "history.jsonl";
const UNFINISHED: &str = "history.jsonl.gz.unfinished";
const FILE_MODE: u32 = 0o640;
const FOLDER_MODE: u32 = 0o750;

/// A file that is read, and its lines.
pub(super) type Opened = (PathBuf, Box<dyn BufRead + Send>);

/// The file that is appended to.
pub(super) fn current(dir: &Path) -> PathBuf {
    dir.join(CURRENT)
}

fn plain(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{CURRENT}.{number}"))
}

fn compressed(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{CURRENT}.{number}.gz"))
}

/// The numbers of the rotated files, oldest first; none where the folder does not exist.
pub(super) fn rotated(dir: &Path) -> Result<BTreeSet<u64>, JournalError> {
    let failed = |source| JournalError::io("list the folder", dir, source);
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut numbers = BTreeSet::new();
    for entry in entries {
        numbers.extend(entry.map_err(failed)?.file_name().to_str().and_then(number));
    }
    Ok(numbers)
}

/// The number in the name of a rotated file.
fn number(name: &str) -> Option<u64> {
    let rest = name.strip_prefix(CURRENT)?.strip_prefix('.')?;
    rest.strip_suffix(".gz").unwrap_or(rest).parse().ok()
}

/// Opens a rotated file for reading, in whichever form it is; none if it has been pruned meanwhile.
pub(super) fn open_rotated(dir: &Path, number: u64) -> Result<Option<Opened>, JournalError> {
    // The plain form goes away only after the compressed one is complete, so this order finds one of them.
    let path = plain(dir, number);
    if let Some(file) = open_existing(&path)? {
        return Ok(Some((path, Box::new(BufReader::new(file)))));
    }
    let path = compressed(dir, number);
    let file = open_existing(&path)?;
    Ok(file.map(|file| {
        let input: Box<dyn BufRead + Send> =
            Box::new(BufReader::new(GzDecoder::new(BufReader::new(file))));
        (path, input)
    }))
}

/// Opens a file for reading; none if it does not exist.
pub(super) fn open_existing(path: &Path) -> Result<Option<File>, JournalError> {
    match regular::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // Or it is a link that leads nowhere.
            let there = regular::is_there(path);
            there.map_err(|source| JournalError::io("read", path, source))?;
            Ok(None)
        }
        Err(error) => Err(JournalError::io("read", path, error)),
    }
}

/// Makes a folder for the service and its group, parents included, if it is not there.
pub(super) fn create_folder(dir: &Path) -> Result<(), JournalError> {
    if dir.is_dir() {
        return Ok(());
    }
    DirBuilder::new()
        .recursive(true)
        .mode(FOLDER_MODE)
        .create(dir)
        .and_then(|()| fs::set_permissions(dir, Permissions::from_mode(FOLDER_MODE)))
        .map_err(|source| JournalError::io("create the folder", dir, source))?;
    // What is put into it lasts only if it does itself.
    dir.parent().map_or(Ok(()), sync_folder)
}

/// Opens the current file to read and append, made for the service and its group if it is not there.
pub(super) fn open_current(dir: &Path) -> Result<File, JournalError> {
    let path = current(dir);
    let failed = |source| JournalError::io("open", &path, source);
    regular::is_there(&path).map_err(failed)?;
    let mut options = OpenOptions::new();
    options.read(true).append(true).mode(FILE_MODE);
    match options.open(&path) {
        Ok(file) => return Ok(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let file = options.create(true).open(&path).map_err(failed)?;
    restrict(&file).map_err(failed)?;
    sync_folder(dir)?;
    Ok(file)
}

/// Whether this open file is the one that the folder has; it is not when someone moved or deleted that.
pub(super) fn is_current(dir: &Path, file: &File) -> Result<bool, JournalError> {
    let path = current(dir);
    let failed = |source| JournalError::io("look at", &path, source);
    let open = file.metadata().map_err(failed)?;
    match fs::metadata(&path) {
        Ok(there) => Ok((there.dev(), there.ino()) == (open.dev(), open.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(failed(error)),
    }
}

/// Gives a file that was just made the mode of the history, whatever the umask.
pub(super) fn restrict(file: &File) -> io::Result<()> {
    file.set_permissions(Permissions::from_mode(FILE_MODE))
}

/// Makes names that were added, changed or removed in a folder last.
pub(super) fn sync_folder(dir: &Path) -> Result<(), JournalError> {
    // That of a name alone is the one that the process is in.
    let here = dir.as_os_str().is_empty();
    File::open(if here { Path::new(".") } else { dir })
        .and_then(|folder| folder.sync_all())
        .map_err(|source| JournalError::io("sync the folder", dir, source))
}

/// Renames the current file, whose lines must be on disk already, so that the next [`open_current`] makes a new one.
pub(super) fn set_aside(dir: &Path) -> Result<(), JournalError> {
    let next = rotated(dir)?.last().map_or(1, |last| last + 1);
    let path = current(dir);
    fs::rename(&path, plain(dir, next))
        .map_err(|source| JournalError::io("rotate", &path, source))?;
    sync_folder(dir)
}

/// Compresses rotated files that are not, and removes all but the newest `keep`; also finishes what a crash cut short.
pub(super) fn tidy(dir: &Path, keep: u32) -> Result<(), JournalError> {
    let numbers = rotated(dir)?;
    let keep = usize::try_from(keep).unwrap_or(usize::MAX);
    let surplus = numbers.len().saturating_sub(keep);
    for (place, number) in numbers.into_iter().enumerate() {
        if place < surplus {
            remove(&compressed(dir, number))?;
            remove(&plain(dir, number))?;
        } else {
            compress(dir, number)?;
        }
    }
    remove(&dir.join(UNFINISHED))
}

fn compress(dir: &Path, number: u64) -> Result<(), JournalError> {
    let from = plain(dir, number);
    let to = compressed(dir, number);
    let Some(file) = open_existing(&from)? else {
        return Ok(());
    };
    if !to.exists() {
        let unfinished = dir.join(UNFINISHED);
        let checked = regular::check(&unfinished);
        checked.map_err(|source| JournalError::io("write", &unfinished, source))?;
        write_compressed(file, &unfinished)
            .and_then(|()| fs::rename(&unfinished, &to))
            .map_err(|source| JournalError::io("compress", &from, source))?;
        sync_folder(dir)?;
    }
    remove(&from)
}

fn write_compressed(from: File, to: &Path) -> io::Result<()> {
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(FILE_MODE)
        .open(to)?;
    restrict(&file)?;
    let mut encoder = GzEncoder::new(file, Compression::default());
    io::copy(&mut BufReader::new(from), &mut encoder)?;
    encoder.flush()?;
    encoder.finish()?.sync_all()
}

/// Removes a file; that it is gone already is fine.
pub(super) fn remove(path: &Path) -> Result<(), JournalError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(JournalError::io("remove", path, error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rotated_file_has_a_number() {
        for (name, want) in [
            ("history.jsonl.1", Some(1)),
            ("history.jsonl.12.gz", Some(12)),
            ("history.jsonl", None),
            ("history.jsonl.gz", None),
            (UNFINISHED, None),
            ("other.jsonl.1", None),
        ] {
            assert_eq!(number(name), want, "{name}");
        }
    }

    #[test]
    fn tidying_finishes_what_a_crash_cut_short_at_any_point() {
        let whole = b"one\ntwo\n";
        // The files a crash may leave: the plain form, half a compression, the compressed form beside the plain one.
        for (half, done) in [(false, false), (true, false), (false, true), (true, true)] {
            let dir = tempfile::tempdir().unwrap();
            fs::write(plain(dir.path(), 3), whole).unwrap();
            if done {
                let file = File::open(plain(dir.path(), 3)).unwrap();
                write_compressed(file, &compressed(dir.path(), 3)).unwrap();
            }
            if half {
                fs::write(dir.path().join(UNFINISHED), b"\x1f\x8b").unwrap();
            }
            tidy(dir.path(), 2).unwrap();
            let names: Vec<_> = fs::read_dir(dir.path()).unwrap().collect();
            assert_eq!(names.len(), 1, "{half} {done}");
            let (_, mut input) = open_rotated(dir.path(), 3).unwrap().unwrap();
            let mut text = Vec::new();
            io::Read::read_to_end(&mut input, &mut text).unwrap();
            assert_eq!(text, whole);
        }
    }
}
