//! Reading all of the history, to find what cannot be read.

use std::path::Path;

use super::{JournalError, ignored, read};

/// Faults beyond so many are counted and not named.
const NAMED_MAX: usize = 20;

/// What of the journal and of the files of ignored contacts cannot be read, in words.
///
/// # Errors
/// When a folder cannot be listed, or a file not be opened.
pub fn damage(dir: &Path) -> Result<Vec<String>, JournalError> {
    let lines = read(dir)?.filter_map(Result::err);
    let faults: Vec<JournalError> = lines.chain(ignored::damaged(dir)?).collect();
    let mut named: Vec<String> = faults
        .iter()
        .take(NAMED_MAX)
        .map(JournalError::whole)
        .collect();
    let more = faults.len().saturating_sub(NAMED_MAX);
    if more > 0 {
        named.push(format!("and {more} more lines of the history"));
    }
    Ok(named)
}

impl JournalError {
    /// The error with its cause, on one line.
    fn whole(&self) -> String {
        match std::error::Error::source(self) {
            Some(cause) => format!("{self}: {cause}"),
            None => self.to_string(),
        }
    }
}
