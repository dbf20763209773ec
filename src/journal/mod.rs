//! The import history: append-only, one JSON line per event, each exactly once.
//!
//! What is guaranteed: a line is in the file whole or not at all, [`Journal::sync`] returns after the lines are on
//! disk, and no rotation loses one. What a caller adds: it keeps a finished run's event until `sync` returned, and after
//! a crash asks [`Journal::contains_finished`] before it appends the event again. One process writes, which the lock on
//! the state sees to; any number may [`read()`] meanwhile.

mod bounded;
mod check;
pub mod event;
mod files;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
pub mod ignored;
pub mod line;
mod read;
#[cfg(test)]
pub(crate) mod samples;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::config::settings::History;
use crate::domain::ids::RunId;

pub use check::damage;
pub use event::Event;
pub use line::{Line, LineError};
pub use read::{Reader, read};

/// Why the history could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The system refused.
    #[error("cannot {doing} {path}: check `history_dir`, its owner and the free space", path = path.display())]
    Io {
        /// What was attempted.
        doing: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A newer rosterd wrote it.
    #[error("the last line of {path} has format {format}, which a newer rosterd wrote: install that version again; nothing was changed", path = path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The line's format.
        format: u32,
    },
    /// A line that is not one.
    #[error("cannot read line {line} of {path}, so it is passed over", path = path.display())]
    BadLine {
        /// The file.
        path: PathBuf,
        /// The first is 1.
        line: u64,
        /// What is wrong with it.
        source: LineError,
    },
    /// An event or ignored contact could not be put as JSON.
    #[error("cannot write an entry of the history as JSON")]
    Render(#[from] serde_json::Error),
}

impl JournalError {
    fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io {
            doing,
            path: path.to_owned(),
            source,
        }
    }

    /// Whether the bytes are wrong, not the reading of them.
    fn is_damage(&self) -> bool {
        use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
        match self {
            Self::Io { source, .. } => {
                matches!(source.kind(), InvalidData | InvalidInput | UnexpectedEof)
            }
            Self::BadLine { .. } => true,
            Self::Newer { .. } | Self::Render(_) => false,
        }
    }
}

/// The journal, open for appending.
#[derive(Debug)]
pub struct Journal {
    dir: PathBuf,
    file: File,
    /// Bytes of whole lines in the current file.
    bytes: u64,
    bytes_max: u64,
    keep_rotated: u32,
    /// An append failed half-way and its bytes are still there.
    torn: bool,
}

impl Journal {
    /// Opens the journal in `dir`, makes what is missing, and finishes what a crash cut short: a last line that is torn
    /// is cut off, one that only lacks its newline gets it.
    ///
    /// # Errors
    /// When folder or file cannot be made, read or written.
    pub fn open(dir: &Path, history: &History) -> Result<Self, JournalError> {
        files::create_folder(dir)?;
        let mut file = files::open_current(dir)?;
        refuse_newer(&mut file, &files::current(dir))?;
        files::tidy(dir, history.keep_rotated)?;
        let bytes = mend(&mut file)
            .map_err(|source| JournalError::io("mend", &files::current(dir), source))?;
        Ok(Self {
            dir: dir.to_owned(),
            file,
            bytes,
            bytes_max: history.rotate_mib.saturating_mul(1 << 20),
            keep_rotated: history.keep_rotated,
            torn: false,
        })
    }

    /// Appends one event as one line, with one write; rotates first if the line would not fit.
    ///
    /// # Errors
    /// When the line could not be written whole; then none of it is in the journal.
    pub fn append(&mut self, at: Timestamp, event: &Event) -> Result<(), JournalError> {
        let line = line::render(at, event)?;
        let length = u64::try_from(line.len()).unwrap_or(u64::MAX);
        if !files::is_current(&self.dir, &self.file)? {
            tracing::error!(path = %files::current(&self.dir).display(), "the history was taken away: it is begun anew");
            files::create_folder(&self.dir)?;
            self.file = files::open_current(&self.dir)?;
            self.bytes = mend(&mut self.file)
                .map_err(|source| JournalError::io("mend", &files::current(&self.dir), source))?;
            self.torn = false;
        }
        if self.torn {
            self.cut_back()?;
        }
        if self.bytes > 0 && self.bytes.saturating_add(length) > self.bytes_max {
            self.rotate()?;
        }
        if let Err(source) = write_once(&mut self.file, &line) {
            self.torn = true;
            let error = JournalError::io("append to", &files::current(&self.dir), source);
            // Tried again before the next line, or when the journal is opened; the failed write is what to report.
            if let Err(cut) = self.cut_back() {
                tracing::warn!(error = %cut, "half a line is left in the history until the next append");
            }
            return Err(error);
        }
        self.bytes += length;
        Ok(())
    }

    /// Returns once every appended line is on disk.
    ///
    /// # Errors
    /// When the system cannot promise that.
    pub fn sync(&self) -> Result<(), JournalError> {
        self.file
            .sync_data()
            .map_err(|source| JournalError::io("sync", &files::current(&self.dir), source))
    }

    /// Whether the journal tells that this run finished; the newest files are asked first.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn contains_finished(&self, run: RunId) -> Result<bool, JournalError> {
        self.contains(
            &run.to_string(),
            |line| matches!(&line.event, Some(Event::RunFinished(it)) if it.run == run),
        )
    }

    /// Whether the journal tells that this run started.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn contains_started(&self, run: RunId) -> Result<bool, JournalError> {
        self.contains(
            &run.to_string(),
            |line| matches!(&line.event, Some(Event::RunStarted(it)) if it.run == run),
        )
    }

    /// Whether the journal tells of any run that started.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn tells_of_runs(&self) -> Result<bool, JournalError> {
        let is_start = |line: &Line| matches!(&line.event, Some(Event::RunStarted(_)));
        self.contains("run.started", is_start)
    }

    /// Whether the journal tells that this run was parked.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn contains_parked(&self, run: RunId) -> Result<bool, JournalError> {
        self.contains(
            &run.to_string(),
            |line| matches!(&line.event, Some(Event::RunParked(it)) if it.run == run),
        )
    }

    /// Whether the journal tells that this run left removals for a person.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn contains_held(&self, run: RunId) -> Result<bool, JournalError> {
        self.contains(
            &run.to_string(),
            |line| matches!(&line.event, Some(Event::RunHeld(it)) if it.by() == run),
        )
    }

    /// Whether the journal tells that a person decided on the removals that were held under this run.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn contains_decided(&self, run: RunId) -> Result<bool, JournalError> {
        self.contains(&run.to_string(), |line| match &line.event {
            Some(Event::RunApproved(it)) => it.run == run,
            Some(Event::RunDiscarded(it)) => it.run == run,
            Some(_) | None => false,
        })
    }

    /// Whether the journal has exactly this event of this moment.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn contains_event(&self, at: Timestamp, event: &Event) -> Result<bool, JournalError> {
        let written = line::render(at, event)?;
        let written = String::from_utf8_lossy(written.trim_ascii_end()).into_owned();
        self.contains(&written, |line| line.text == written)
    }

    /// Whether a line is there that is wanted, and mentions this.
    fn contains(
        &self,
        mention: &str,
        is_wanted: impl Fn(&Line) -> bool,
    ) -> Result<bool, JournalError> {
        let path = files::current(&self.dir);
        if let Some(file) = files::open_existing(&path)?
            && is_in(BufReader::new(file), &path, mention, &is_wanted)?
        {
            return Ok(true);
        }
        for number in files::rotated(&self.dir)?.into_iter().rev() {
            let Some((path, input)) = files::open_rotated(&self.dir, number)? else {
                continue;
            };
            match is_in(input, &path, mention, &is_wanted) {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                // What cannot be read there, no reader meets either, so it may be told again.
                Err(error) if error.is_damage() => {
                    tracing::warn!(%error, "a rotated history is damaged, so it was not searched to its end");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    fn cut_back(&mut self) -> Result<(), JournalError> {
        self.file
            .set_len(self.bytes)
            .map_err(|source| JournalError::io("cut", &files::current(&self.dir), source))?;
        self.torn = false;
        Ok(())
    }

    fn rotate(&mut self) -> Result<(), JournalError> {
        self.sync()?;
        files::set_aside(&self.dir)?;
        self.file = files::open_current(&self.dir)?;
        self.bytes = 0;
        // The lines are safe either way, and the next rotation or start tries again.
        if let Err(error) = files::tidy(&self.dir, self.keep_rotated) {
            tracing::warn!(%error, "rotated history could not be compressed or pruned");
        }
        Ok(())
    }
}

/// One write, so that another process never sees half a line unless the disk is full.
fn write_once(file: &mut File, line: &[u8]) -> io::Result<()> {
    loop {
        match file.write(line) {
            Ok(written) if written == line.len() => return Ok(()),
            Ok(_) => return Err(io::ErrorKind::StorageFull.into()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Leaves a file alone whose last line a newer rosterd wrote: what that has told cannot be known, and might be told again.
fn refuse_newer(file: &mut File, path: &Path) -> Result<(), JournalError> {
    let mut last = || {
        let length = file.metadata()?.len();
        let tail = tail(file, length)?;
        match tail.is_empty() && length > 0 {
            true => self::tail(file, length - 1),
            false => Ok(tail),
        }
    };
    let last = last().map_err(|source| JournalError::io("read", path, source))?;
    match line::parse(
        &last[..last
            .len()
            .saturating_sub(usize::from(last.ends_with(b"\n")))],
    ) {
        Err(LineError::Newer(format)) => Err(JournalError::Newer {
            path: path.to_owned(),
            format,
        }),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Makes the file end with a whole line; returns its length.
fn mend(file: &mut File) -> io::Result<u64> {
    let length = file.metadata()?.len();
    let tail = tail(file, length)?;
    if tail.is_empty() {
        return Ok(length);
    }
    if bounded::is_too_long(&tail) {
        file.write_all(b"\n")?;
        file.sync_data()?;
        tracing::warn!(
            "the last line of the history is longer than any that rosterd writes: it is left as it is, and the next one begins behind it"
        );
        return Ok(length + 1);
    }
    let torn_bytes = u64::try_from(tail.len()).unwrap_or(u64::MAX);
    if line::parse(&tail).is_ok() {
        tracing::warn!(
            torn_bytes,
            "the last line of the history lacked its newline, and has it now"
        );
        file.write_all(b"\n")?;
        file.sync_data()?;
        return Ok(length + 1);
    }
    tracing::warn!(
        torn_bytes,
        "the last line of the history was torn, so {torn_bytes} bytes are cut off"
    );
    file.set_len(length - torn_bytes)?;
    file.sync_data()?;
    Ok(length - torn_bytes)
}

/// What stands behind the last newline; of a line that is too long, no more than shows that.
fn tail(file: &mut File, length: u64) -> io::Result<Vec<u8>> {
    const BLOCK: u64 = 64 * 1024;
    let mut blocks = Vec::new();
    let mut end = length;
    let too_long = u64::try_from(bounded::LINE_BYTES_MAX).unwrap_or(u64::MAX);
    while end > 0 && length - end <= too_long {
        let start = end.saturating_sub(BLOCK);
        let mut block = vec![0; usize::try_from(end - start).unwrap_or(0)];
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(&mut block)?;
        let newline = block.iter().rposition(|byte| *byte == b'\n');
        blocks.push(block.split_off(newline.map_or(0, |place| place + 1)));
        if newline.is_some() {
            break;
        }
        end = start;
    }
    blocks.reverse();
    Ok(blocks.concat())
}

fn is_in(
    input: impl BufRead,
    path: &Path,
    mention: &str,
    is_wanted: &impl Fn(&Line) -> bool,
) -> Result<bool, JournalError> {
    for bytes in bounded::lines(input) {
        let bytes = bytes.map_err(|source| JournalError::io("read", path, source))?;
        // Most lines are of something else, and looking for the text is much cheaper than parsing.
        let mentions = std::str::from_utf8(&bytes).is_ok_and(|text| text.contains(mention));
        if mentions
            && let Ok(line) = line::parse(bytes.trim_ascii_end())
            && is_wanted(&line)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests;
