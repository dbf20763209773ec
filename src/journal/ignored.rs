//! The ignored contacts of a run: one file per run, there whole or not at all.
//!
//! These files name addresses, so they are apart from the journal, readable by the service and its group only, and kept
//! for a limited time.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, DirEntry, File};
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::{JournalError, LineError, bounded, files};
use crate::domain::address::without;
use crate::domain::escape::escape_json;
use crate::domain::ids::{RecordId, RunId};
use crate::domain::outcome::Reason;
use crate::domain::written::Written;

/// Marks files that were not finished.
const UNFINISHED: &str = ".unfinished-";

/// A contact that a run did not send. Its `Debug` leaves out the address.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IgnoredRow {
    /// The record.
    #[serde(serialize_with = "write_id", deserialize_with = "read_id")]
    pub record: RecordId,
    /// The address as the CRM spells it; may be empty.
    pub address: String,
    /// Why.
    pub reason: Reason,
    /// More precisely; may be empty.
    pub detail: String,
}

impl fmt::Debug for IgnoredRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IgnoredRow")
            .field("record", &self.record)
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}

fn write_id<S: Serializer>(id: &RecordId, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(id)
}

fn read_id<'de, D: Deserializer<'de>>(from: D) -> Result<RecordId, D::Error> {
    let text = String::deserialize(from)?;
    text.parse().map_err(serde::de::Error::custom)
}

fn folder(dir: &Path) -> PathBuf {
    dir.join("ignored")
}

fn file(dir: &Path, run: RunId) -> PathBuf {
    folder(dir).join(format!("{run}.jsonl"))
}

/// Writes the ignored contacts of a run to `ignored/RUN.jsonl` under `dir`, in place of any file of that name, and
/// returns how many there were. The caller's error type takes in ours, so that its rows may fail on the way.
///
/// # Errors
/// When a row is an error, or the file could not be written whole; then it is as it was before.
pub fn write_ignored<E: From<JournalError>>(
    dir: &Path,
    run: RunId,
    rows: impl Iterator<Item = Result<IgnoredRow, E>>,
) -> Result<u64, E> {
    files::create_folder(dir)?;
    files::create_folder(&folder(dir))?;
    let lines = rows.map(|row| {
        let line = serde_json::to_string(&row?).map_err(JournalError::Render)?;
        // People look at these files with whatever shows text.
        Ok(escape_json(&line).into_owned())
    });
    write_lines(dir, run, lines)
}

/// Takes an address out of the files of all runs: its rows stay, without it. What a crash left unfinished goes. Returns
/// how many files had it.
///
/// # Errors
/// When the folder cannot be listed, or a file not read or written anew.
pub fn erase_ignored(dir: &Path, whom: &Written) -> Result<u64, JournalError> {
    let folder = folder(dir);
    let failed = |source| JournalError::io("list the folder", &folder, source);
    let mut changed = 0;
    if !folder.exists() {
        return Ok(0);
    }
    for entry in fs::read_dir(&folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let Some(run) = name.to_str().and_then(run_of) else {
            if name.to_string_lossy().starts_with(UNFINISHED) {
                files::remove(&entry.path())?;
            }
            continue;
        };
        // Twice, so that a file which has nothing of it is left as it is.
        if lines_without(dir, run, whom)?.any(|line| !matches!(line, Ok((_, false)))) {
            let lines = lines_without(dir, run, whom)?.map(|line| line.map(|(text, _)| text));
            write_lines(dir, run, lines)?;
            changed += 1;
        }
    }
    Ok(changed)
}

/// The lines of a file without an address, and which of them had it.
fn lines_without(
    dir: &Path,
    run: RunId,
    whom: &Written,
) -> Result<impl Iterator<Item = Result<(String, bool), JournalError>>, JournalError> {
    let path = file(dir, run);
    let opened = files::open_existing(&path)?;
    let lines = opened.into_iter().flat_map(texts);
    Ok(lines.map(move |line| {
        let line = line.map_err(|source| JournalError::io("read", &path, source))?;
        let Ok(row) = serde_json::from_str::<IgnoredRow>(&line) else {
            // Damaged, but it may name the person all the same.
            let text = without(&line, whom.as_text());
            let had_it = text != line;
            return Ok((text, had_it));
        };
        if whom.is(&row.address) {
            let row = IgnoredRow {
                address: String::new(),
                detail: without(&row.detail, &row.address),
                ..row
            };
            let text = serde_json::to_string(&row).map_err(JournalError::Render)?;
            return Ok((escape_json(&text).into_owned(), true));
        }
        Ok((line, false))
    }))
}

/// The lines of a file, also of one that is damaged and is not all text any more.
///
/// A line that is too long is an error: what stands in the rest of it is not known.
fn texts(file: File) -> impl Iterator<Item = io::Result<String>> {
    let lines = bounded::lines(BufReader::new(file));
    lines.map(|line| {
        let line = line?;
        match bounded::is_too_long(&line) {
            true => Err(io::Error::other(LineError::TooLong)),
            false => Ok(String::from_utf8_lossy(&line).into_owned()),
        }
    })
}

/// The runs that have a file.
fn runs_of(dir: &Path) -> Result<BTreeSet<RunId>, JournalError> {
    let folder = folder(dir);
    let failed = |source| JournalError::io("list the folder", &folder, source);
    let mut runs = BTreeSet::new();
    if folder.exists() {
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            runs.extend(name.to_str().and_then(run_of));
        }
    }
    Ok(runs)
}

/// What cannot be read of all files, a line each.
///
/// # Errors
/// When the folder cannot be listed, or a file not be opened.
pub(super) fn damaged(dir: &Path) -> Result<Vec<JournalError>, JournalError> {
    let mut damaged = Vec::new();
    for run in runs_of(dir)? {
        let rows = read_ignored(dir, run)?;
        damaged.extend(rows.into_iter().flatten().filter_map(Result::err));
    }
    Ok(damaged)
}

/// Writes a file whole or not at all; returns how many lines it has.
fn write_lines<E: From<JournalError>>(
    dir: &Path,
    run: RunId,
    lines: impl Iterator<Item = Result<String, E>>,
) -> Result<u64, E> {
    let (folder, path) = (folder(dir), file(dir, run));
    let failed = |source| JournalError::io("write", &path, source);
    let temporary = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .tempfile_in(&folder)
        .map_err(failed)?;
    files::restrict(temporary.as_file()).map_err(failed)?;
    let mut out = BufWriter::new(temporary);
    let mut count = 0;
    for line in lines {
        out.write_all(line?.as_bytes()).map_err(failed)?;
        out.write_all(b"\n").map_err(failed)?;
        count += 1;
    }
    let temporary = out
        .into_inner()
        .map_err(|error| failed(error.into_error()))?;
    temporary.as_file().sync_all().map_err(failed)?;
    temporary
        .persist(&path)
        .map_err(|error| failed(error.error))?;
    files::sync_folder(&folder)?;
    Ok(count)
}

/// The ignored contacts of a run, in the order they were written.
pub struct IgnoredRows {
    path: PathBuf,
    line: u64,
    lines: Box<dyn Iterator<Item = io::Result<Vec<u8>>>>,
}

/// Reads the ignored contacts of a run; none if there is no file of it, or no longer.
///
/// # Errors
/// When the file is there and cannot be opened.
pub fn read_ignored(dir: &Path, run: RunId) -> Result<Option<IgnoredRows>, JournalError> {
    let path = file(dir, run);
    let file = files::open_existing(&path)?;
    Ok(file.map(|file| IgnoredRows {
        path,
        line: 0,
        lines: Box::new(bounded::lines(BufReader::new(file))),
    }))
}

impl Iterator for IgnoredRows {
    type Item = Result<IgnoredRow, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.line += 1;
        let line = match self.lines.next()? {
            Ok(line) => line,
            Err(error) => return Some(Err(JournalError::io("read", &self.path, error))),
        };
        let row = match bounded::is_too_long(&line) {
            true => Err(LineError::TooLong),
            false => serde_json::from_slice(&line).map_err(LineError::Syntax),
        };
        Some(row.map_err(|source| JournalError::BadLine {
            path: self.path.clone(),
            line: self.line,
            source,
        }))
    }
}

/// The ignored contacts, of all files there are and the newest run first, that are `wanted` and hold `word`, letters
/// and digits alone, in any case: lines without it are not even parsed. Lines that cannot be read are left out.
///
/// # Errors
/// When the folder cannot be listed, or a file not read.
pub fn find_ignored(
    dir: &Path,
    word: &str,
    wanted: impl Fn(&IgnoredRow) -> bool,
) -> Result<Vec<(RunId, IgnoredRow)>, JournalError> {
    let word = word.to_ascii_lowercase();
    let mut found = Vec::new();
    for run in runs_of(dir)?.into_iter().rev() {
        let path = file(dir, run);
        let Some(file) = files::open_existing(&path)? else {
            continue;
        };
        for line in bounded::lines(BufReader::new(file)) {
            let line = line.map_err(|source| JournalError::io("read", &path, source))?;
            if bounded::is_too_long(&line) {
                continue;
            }
            let line = String::from_utf8_lossy(&line);
            if !line.to_ascii_lowercase().contains(&word) {
                continue;
            }
            if let Ok(row) = serde_json::from_str(&line)
                && wanted(&row)
            {
                found.push((run, row));
            }
        }
    }
    Ok(found)
}

/// Removes the files of runs that began more than `keep_days` days before `now`, and files that a crash left unfinished
/// more than a day ago; returns how many.
///
/// # Errors
/// When the folder cannot be listed or a file not removed.
pub fn prune_ignored(dir: &Path, keep_days: u32, now: Timestamp) -> Result<u64, JournalError> {
    let folder = folder(dir);
    let failed = |source| JournalError::io("list the folder", &folder, source);
    if !folder.exists() {
        return Ok(0);
    }
    let oldest = days_before(now, keep_days);
    let mut removed = 0;
    for entry in fs::read_dir(&folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let stale = match name.to_str().and_then(run_of) {
            Some(run) => began_at(run) < oldest,
            None => {
                name.to_string_lossy().starts_with(UNFINISHED)
                    && changed_at(&entry).map_err(failed)? < days_before(now, 1)
            }
        };
        if stale {
            files::remove(&entry.path())?;
            removed += 1;
        }
    }
    Ok(removed)
}

fn days_before(now: Timestamp, days: u32) -> Timestamp {
    let span = SignedDuration::from_secs(i64::from(days) * 86_400);
    now.checked_sub(span).unwrap_or(Timestamp::MIN)
}

fn run_of(name: &str) -> Option<RunId> {
    name.strip_suffix(".jsonl")?.parse().ok()
}

/// When a run began: a ULID begins with that.
pub(crate) fn began_at(run: RunId) -> Timestamp {
    i64::try_from(run.to_u128() >> 80)
        .ok()
        .and_then(|millis| Timestamp::from_millisecond(millis).ok())
        .unwrap_or(Timestamp::MAX)
}

fn changed_at(entry: &DirEntry) -> io::Result<Timestamp> {
    let changed = entry.metadata()?.modified()?;
    Ok(Timestamp::try_from(changed).unwrap_or(Timestamp::MAX))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::journal::samples;

    fn rows(count: u64) -> Vec<IgnoredRow> {
        let row = |number| IgnoredRow {
            record: RecordId(number),
            address: "jane@aol".to_owned(),
            reason: Reason::InvalidPattern,
            detail: "no dot in the domain".to_owned(),
        };
        (0..count).map(row).collect()
    }

    fn write(dir: &Path, number: u32, count: u64) {
        let rows = rows(count).into_iter().map(Ok::<_, JournalError>);
        assert_eq!(
            write_ignored(dir, samples::run(number), rows).unwrap(),
            count
        );
    }

    #[test]
    fn rows_are_written_as_promised_and_read_back() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), 1, 3);
        let path = file(dir.path(), samples::run(1));
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(
            text.lines().nth(1).unwrap(),
            r#"{"record":"1","address":"jane@aol","reason":"invalid_pattern","detail":"no dot in the domain"}"#
        );
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o640
        );
        let parent = path.parent().unwrap();
        assert_eq!(
            fs::metadata(parent).unwrap().permissions().mode() & 0o777,
            0o750
        );
        let read = read_ignored(dir.path(), samples::run(1)).unwrap().unwrap();
        assert_eq!(read.collect::<Result<Vec<_>, _>>().unwrap(), rows(3));
        assert!(read_ignored(dir.path(), samples::run(2)).unwrap().is_none());
    }

    #[test]
    fn a_row_that_fails_leaves_the_file_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), 1, 3);
        let failing = rows(5).into_iter().map(|row| match row.record {
            RecordId(4) => Err(JournalError::io(
                "test",
                dir.path(),
                io::ErrorKind::Other.into(),
            )),
            RecordId(_) => Ok(row),
        });
        assert!(write_ignored(dir.path(), samples::run(1), failing).is_err());
        let read = read_ignored(dir.path(), samples::run(1)).unwrap().unwrap();
        assert_eq!(read.count(), 3);
        assert_eq!(fs::read_dir(folder(dir.path())).unwrap().count(), 1);
    }

    #[test]
    fn only_files_past_their_days_are_pruned() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(prune_ignored(dir.path(), 90, samples::at(0)).unwrap(), 0);
        let day = 86_400;
        for number in [0, day * 1000 * 5] {
            write(dir.path(), number, 1);
        }
        fs::write(folder(dir.path()).join("notes.txt"), "mine").unwrap();
        fs::write(folder(dir.path()).join(".unfinished-1"), "").unwrap();
        for (days, removed, left) in [(89, 0, 4), (91, 1, 3), (94, 0, 3), (96, 1, 2)] {
            let now = samples::at(days * day);
            assert_eq!(
                prune_ignored(dir.path(), 90, now).unwrap(),
                removed,
                "{days}"
            );
            assert_eq!(fs::read_dir(folder(dir.path())).unwrap().count(), left);
        }
        let years_on = "2100-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(prune_ignored(dir.path(), 90, years_on).unwrap(), 1);
    }

    #[test]
    fn an_erased_address_is_in_no_file_and_everything_else_still_is() {
        let dir = tempfile::tempdir().unwrap();
        let row = |record, address: &str, detail: &str| IgnoredRow {
            record: RecordId(record),
            address: address.to_owned(),
            reason: Reason::Other,
            detail: detail.to_owned(),
        };
        let refused = "999 Ann@Example.com is refused";
        let rows = vec![
            row(1, " Ann@Example.COM", refused),
            row(2, "joann@example.com", ""),
        ];
        write_ignored(
            dir.path(),
            samples::run(1),
            rows.into_iter().map(Ok::<_, JournalError>),
        )
        .unwrap();
        write(dir.path(), 2, 1);
        let damaged = file(dir.path(), samples::run(3));
        fs::write(&damaged, "{\"address\":\"ann@example.com\",\n").unwrap();
        let ann = Written::of("ann@example.com").unwrap();
        assert_eq!(erase_ignored(dir.path(), &ann).unwrap(), 2);
        assert_eq!(erase_ignored(dir.path(), &ann).unwrap(), 0);
        let read = read_ignored(dir.path(), samples::run(1)).unwrap().unwrap();
        let read: Vec<_> = read.map(Result::unwrap).collect();
        let want = [
            row(1, "", "999 (an address) is refused"),
            row(2, "joann@example.com", ""),
        ];
        assert_eq!(read, want);
        assert_eq!(
            fs::read_to_string(&damaged).unwrap(),
            "{\"address\":\"(an address)\",\n"
        );
        let none = tempfile::tempdir().unwrap();
        assert_eq!(erase_ignored(none.path(), &ann).unwrap(), 0);
    }

    #[test]
    fn rows_are_found_in_all_files_the_newest_first() {
        let dir = tempfile::tempdir().unwrap();
        let found = |word, record| {
            let wanted = |row: &IgnoredRow| row.record == RecordId(record);
            let found = find_ignored(dir.path(), word, wanted).unwrap();
            found.into_iter().map(|(run, _)| run).collect::<Vec<_>>()
        };
        assert_eq!(found("jane", 1), []);
        write(dir.path(), 1, 2);
        write(dir.path(), 2, 3);
        fs::write(folder(dir.path()).join("notes.txt"), "jane").unwrap();
        let runs = [2, 1].map(samples::run);
        assert_eq!(found("Jane", 1), runs);
        assert_eq!(found("jane", 2), runs[..1]);
        assert_eq!(found("john", 1), []);
    }

    #[test]
    fn debug_shows_no_address() {
        assert!(!format!("{:?}", rows(1)).contains("jane"));
    }
}
