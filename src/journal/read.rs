//! Reading the journal beside whoever writes it: every line once, oldest first, over rotated and current files.
//!
//! A line that cannot be read is reported with its file and number, and reading goes on behind it. A last line without
//! its newline is still being written, so it is left for later. A [`Reader`] that came to the end can be asked again:
//! it then finds what was appended since, also if the journal was rotated meanwhile.

use std::collections::{BTreeSet, VecDeque};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::line::{Line, parse};
use super::{JournalError, bounded, files};

/// How often the folder is listed again because a rotation came in between.
const LISTINGS_MAX: usize = 10;

/// Lines of the journal, oldest first. See [`read`].
pub struct Reader {
    dir: PathBuf,
    open: Option<Open>,
    waiting: VecDeque<u64>,
    /// What to read after the rotated files.
    current: Option<File>,
    /// The highest number that is read, or waits.
    seen: u64,
    /// A read of the current file failed, so where it would go on is not known.
    broken: bool,
}

/// The file that is being read.
struct Open {
    path: PathBuf,
    input: Box<dyn BufRead + Send>,
    line: u64,
    partial: Vec<u8>,
    /// Whether it was told that `partial` is too long.
    is_told: bool,
    /// Device and inode of the current file; none once nothing more can be appended to this one.
    growing: Option<(u64, u64)>,
}

/// Reads the journal in `dir`; a folder that does not exist holds no lines.
///
/// # Errors
/// When the folder or the current file cannot be read.
pub fn read(dir: &Path) -> Result<Reader, JournalError> {
    let mut reader = Reader {
        dir: dir.to_owned(),
        open: None,
        waiting: VecDeque::new(),
        current: None,
        seen: 0,
        broken: false,
    };
    reader.look_again()?;
    Ok(reader)
}

impl Reader {
    /// Takes up the rotated files above `seen` and the current one, as they stood at one moment.
    fn look_again(&mut self) -> Result<(), JournalError> {
        let path = files::current(&self.dir);
        let mut before = files::rotated(&self.dir)?;
        for _ in 0..LISTINGS_MAX {
            self.current = files::open_existing(&path)?;
            let after = files::rotated(&self.dir)?;
            if before == after {
                break;
            }
            before = after;
        }
        self.take_up(&before);
        Ok(())
    }

    fn take_up(&mut self, numbers: &BTreeSet<u64>) {
        self.waiting.extend(numbers.range(self.seen + 1..));
        self.seen = numbers
            .last()
            .map_or(self.seen, |last| self.seen.max(*last));
    }

    /// Opens what comes next; false at the end.
    fn advance(&mut self) -> Result<bool, JournalError> {
        while let Some(number) = self.waiting.pop_front() {
            if let Some((path, input)) = files::open_rotated(&self.dir, number)? {
                self.open = Some(Open::new(path, input, None));
                return Ok(true);
            }
        }
        if self.current.is_none() {
            self.look_again()?;
            if !self.waiting.is_empty() {
                return self.advance();
            }
        }
        let Some(file) = self.current.take() else {
            return Ok(false);
        };
        let path = files::current(&self.dir);
        let growing = identity(&file, &path)?;
        self.open = Some(Open::new(
            path,
            Box::new(BufReader::new(file)),
            Some(growing),
        ));
        Ok(true)
    }

    fn step(&mut self) -> Result<Option<Line>, JournalError> {
        loop {
            let Some(open) = &mut self.open else {
                match self.advance()? {
                    true => continue,
                    false => return Ok(None),
                }
            };
            match open.next_line() {
                Ok(Some(line)) => return Ok(Some(line)),
                Ok(None) => {}
                Err(error @ JournalError::BadLine { .. }) => return Err(error),
                Err(error) => {
                    self.broken = open.growing.is_some();
                    self.open = None;
                    return Err(error);
                }
            }
            let growing = open.growing;
            match growing {
                None => self.open = None,
                Some(growing) if self.rotated_away(growing)? => self.outgrow(),
                Some(_) => return Ok(None),
            }
        }
    }

    /// Whether the file that was the current one no longer is.
    fn rotated_away(&self, growing: (u64, u64)) -> Result<bool, JournalError> {
        let path = files::current(&self.dir);
        match files::open_existing(&path)? {
            Some(file) => Ok(identity(&file, &path)? != growing),
            None => Ok(true),
        }
    }

    /// The current file was rotated: what is left in it comes first, then what is newer than its number.
    fn outgrow(&mut self) {
        self.seen += 1;
        if let Some(open) = &mut self.open {
            open.growing = None;
        }
    }
}

fn identity(file: &File, path: &Path) -> Result<(u64, u64), JournalError> {
    let metadata = file
        .metadata()
        .map_err(|source| JournalError::io("read", path, source))?;
    Ok((metadata.dev(), metadata.ino()))
}

impl Open {
    fn new(path: PathBuf, input: Box<dyn BufRead + Send>, growing: Option<(u64, u64)>) -> Self {
        Self {
            path,
            input,
            line: 0,
            partial: Vec::new(),
            is_told: false,
            growing,
        }
    }

    /// The next whole line; none where the file ends for now.
    fn next_line(&mut self) -> Result<Option<Line>, JournalError> {
        loop {
            let is_whole = bounded::read_on(&mut self.input, &mut self.partial)
                .map_err(|source| JournalError::io("read", &self.path, source))?;
            // One that is too long is told of as soon as that is known: its end may never come.
            let was_told = self.is_told;
            self.is_told = !is_whole && bounded::is_too_long(&self.partial);
            if !is_whole && (was_told || !self.is_told) {
                return Ok(None);
            }
            let line = parse(&self.partial).map_err(|source| JournalError::BadLine {
                path: self.path.clone(),
                line: self.line + 1,
                source,
            });
            if is_whole {
                self.line += 1;
                self.partial.clear();
            }
            if !was_told {
                return line.map(Some);
            }
        }
    }
}

impl Iterator for Reader {
    type Item = Result<Line, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.broken {
            return None;
        }
        self.step().transpose()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use super::*;
    use crate::journal::{Journal, samples};

    fn texts(reader: &mut Reader) -> Vec<String> {
        reader.map(|line| line.unwrap().text).collect()
    }

    #[test]
    fn no_folder_is_an_empty_journal() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(&dir.path().join("none")).unwrap().count(), 0);
    }

    #[test]
    fn a_bad_line_is_named_and_passed_and_a_torn_one_is_left_for_later() {
        let dir = tempfile::tempdir().unwrap();
        let good = samples::line(1);
        let path = dir.path().join("history.jsonl");
        fs::write(&path, format!("{good}\n\0\0\n{good}\n{}", &good[..20])).unwrap();
        let mut reader = read(dir.path()).unwrap();
        assert_eq!(reader.next().unwrap().unwrap().text, good);
        let error = reader.next().unwrap().unwrap_err();
        assert!(
            matches!(&error, JournalError::BadLine { line: 2, path: named, .. } if *named == path)
        );
        assert_eq!(reader.next().unwrap().unwrap().text, good);
        assert!(reader.next().is_none());
        let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
        writeln!(file, "{}", &good[20..]).unwrap();
        assert_eq!(texts(&mut reader), [good]);
    }

    #[test]
    fn a_line_without_an_end_is_told_of_once_and_what_comes_behind_it_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let good = samples::line(1);
        let path = dir.path().join("history.jsonl");
        fs::write(&path, format!("{good}\n")).unwrap();
        let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
        let endless = vec![b' '; bounded::LINE_BYTES_MAX + 1];
        let mut reader = read(dir.path()).unwrap();
        let mut met = || reader.by_ref().collect::<Vec<_>>();
        assert_eq!(met().len(), 1);
        file.write_all(&endless).unwrap();
        assert!(matches!(
            met()[..],
            [Err(JournalError::BadLine { line: 2, .. })]
        ));
        assert_eq!(met().len(), 0);
        // The start of the writer ends it.
        drop(Journal::open(dir.path(), &samples::small()).unwrap());
        writeln!(file, "{good}\nno line").unwrap();
        let behind = met();
        assert!(matches!(&behind[0], Ok(line) if line.text == good));
        assert!(matches!(
            behind[1..],
            [Err(JournalError::BadLine { line: 4, .. })]
        ));
        let whole: Vec<_> = read(dir.path()).unwrap().map(|line| line.is_ok()).collect();
        assert_eq!(whole, [true, false, true, false]);
    }

    #[test]
    fn a_reader_that_is_asked_again_goes_on_over_rotations() {
        let dir = tempfile::tempdir().unwrap();
        let mut reader = read(dir.path()).unwrap();
        assert!(reader.next().is_none());
        let mut journal = Journal::open(dir.path(), &samples::small()).unwrap();
        let (mut written, mut met) = (Vec::new(), Vec::new());
        for round in 0..40_u32 {
            for _ in 0..round % 4 {
                let number = u32::try_from(written.len()).unwrap();
                journal
                    .append(samples::at(number), &samples::big(number))
                    .unwrap();
                written.push(number);
            }
            met.extend(texts(&mut reader));
        }
        assert!(files::rotated(dir.path()).unwrap().len() > 2);
        assert_eq!(met.len(), written.len());
        assert_eq!(met, texts(&mut read(dir.path()).unwrap()));
        let times: Vec<_> = met
            .iter()
            .map(|text| parse(text.as_bytes()).unwrap().at)
            .collect();
        assert!(times.is_sorted());
    }

    #[test]
    fn a_damaged_rotated_file_does_not_hide_the_others() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("history.jsonl.1.gz"), b"no gzip").unwrap();
        fs::write(dir.path().join("history.jsonl.2"), samples::line(2) + "\n").unwrap();
        let mut reader = read(dir.path()).unwrap();
        assert!(matches!(reader.next(), Some(Err(JournalError::Io { .. }))));
        assert_eq!(texts(&mut reader), [samples::line(2)]);
    }
}
