//! Files to text, with a problem where that fails.

use std::io::{self, Read};
use std::path::Path;

use super::problem::Problem;
use crate::regular;

/// No file of ours is that long; a wrong name may lead to one that is.
const LONGEST: u64 = 4 * 1024 * 1024;

/// The text of the file at `path`.
pub(super) fn text(path: &Path) -> Result<String, Box<Problem>> {
    let shown = path.display().to_string();
    let problem = |message: String, help: Option<String>| {
        Box::new(Problem::without_place(&shown, message, help))
    };
    let bytes =
        bytes(path).map_err(|error| problem(format!("cannot read {shown}: {error}"), None))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > LONGEST) {
        return Err(problem(format!("{shown} is longer than 4 MiB"), None));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line_start = valid
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        let column = String::from_utf8_lossy(&valid[line_start..])
            .chars()
            .count()
            + 1;
        let mut problem = problem(
            "this file is not UTF-8 text".to_owned(),
            Some("save it as UTF-8".to_owned()),
        );
        problem.line = Some(valid.iter().filter(|byte| **byte == b'\n').count() + 1);
        problem.column = Some(column);
        problem
    })
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    regular::open(path)?
        .take(LONGEST + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}
