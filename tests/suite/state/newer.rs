//! What a newer rosterd wrote: named, and left alone.

use std::fs;

use super::{contents, imported};
use crate::rig::Rig;

/// Makes something newer, and says what of it is to be named.
fn refused(rig: &Rig, named: &str) {
    let (state, history) = (contents(&rig.path("state")), contents(&rig.path("history")));
    for line in ["sync newsletter", "daemon", "deactivate newsletter"] {
        let ran = rig.run(line);
        assert_eq!(ran.code, Some(1), "{line}: {}", ran.stderr);
        for told in [named, "newer rosterd", "install that version"] {
            assert!(ran.stderr.contains(told), "{line}, {told}: {}", ran.stderr);
        }
    }
    for (folder, before) in [("state", state), ("history", history)] {
        let after = contents(&rig.path(folder));
        let names = |files: &[(String, Vec<u8>)]| -> Vec<String> {
            let mut names: Vec<String> = files.iter().map(|(name, _)| name.clone()).collect();
            names.retain(|name| !name.contains("/snap."));
            names
        };
        assert_eq!(names(&after), names(&before));
    }
}

#[test]
fn a_newer_file_of_the_ledger_is_named_and_left_alone() {
    let rig = imported();
    let path = rig.path("state/ledger.redb");
    let mut bytes = fs::read(&path).unwrap();
    for slot in [64, 192] {
        bytes[slot] = 4;
    }
    fs::write(&path, &bytes).unwrap();
    refused(&rig, "file format 4");
    assert!(fs::read(&path).unwrap() == bytes);
    let restored = {
        fs::rename(&path, rig.path("ledger")).unwrap();
        rig.run("state verify")
    };
    assert_eq!(restored.code, Some(1));
}

#[test]
fn a_newer_mirror_is_named_and_left_alone() {
    let rig = imported();
    let path = rig.path("state/state.json");
    let whole = fs::read_to_string(&path).unwrap();
    for (newer, named) in [
        (whole.replacen('{', "{\"hats\":{},", 1), "`hats`"),
        (whole.replace("\"layout\":1", "\"layout\":2"), "layout 2"),
    ] {
        fs::write(&path, &newer).unwrap();
        refused(&rig, named);
        assert_eq!(fs::read_to_string(&path).unwrap(), newer);
        let status = rig.run("status");
        assert_eq!(status.code, Some(1), "{}", status.stderr);
        assert!(status.stderr.contains(named), "{}", status.stderr);
    }
}

#[test]
fn a_newer_journal_is_named_and_nothing_is_appended_to_it() {
    let rig = imported();
    let path = rig.path("history/history.jsonl");
    let whole = fs::read_to_string(&path).unwrap();
    let line =
        "{\"v\":2,\"at\":\"2026-11-22T02:30:08.412Z\",\"event\":\"run.finished\",\"shape\":[]}";
    // With its newline, and as a crash of the newer one leaves it.
    for end in ["", "\n"] {
        let newer = format!("{whole}{line}{end}");
        fs::write(&path, &newer).unwrap();
        refused(&rig, "format 2");
        assert_eq!(fs::read_to_string(&path).unwrap(), newer);
    }
    let history = rig.run("history");
    assert!(
        history.stderr.contains("needs a newer rosterd"),
        "{}",
        history.stderr
    );
}
