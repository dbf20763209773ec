//! The target of the journal: what reads as a line reads the same once written anew, and no line hides another.

use std::io::Write;

use super::line::{parse, render};
use super::read::read;

/// A `history.jsonl`.
pub(crate) fn journal(bytes: &[u8]) {
    let lines = bytes.split(|byte| *byte == b'\n');
    for line in lines {
        let Ok(line) = parse(line) else { continue };
        let Some(event) = &line.event else { continue };
        let written = render(line.at, event).expect("an event is JSON");
        let again = parse(&written[..written.len() - 1]).expect("what was written is read");
        assert_eq!(again.event.as_ref(), Some(event));
        assert_eq!(again.at.as_millisecond(), line.at.as_millisecond());
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("history.jsonl");
    let file = std::fs::File::create(path);
    file.and_then(|mut file| file.write_all(bytes))
        .expect("a temporary file");
    // The last one, which has no end, is still being written.
    let whole = bytes.iter().filter(|byte| **byte == b'\n').count();
    let met = read(folder.path()).expect("the folder is there").count();
    assert_eq!(met, whole);
}
