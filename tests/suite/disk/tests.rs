//! The disk does what it is told to, so that what passes on it means something.

use std::fs;
use std::process::Command;

use super::power::{Kept, Loss};
use super::{Strike, on_disk};
use crate::rig::{Dice, Ran, Rig, ran};

/// A rig whose state folder is there.
fn rig() -> Rig {
    let rig = Rig::new(0);
    fs::create_dir(rig.path("state")).unwrap();
    rig
}

/// Runs a line of the shell in the rig's folder.
fn shell(rig: &Rig, line: &str, strike: Strike, at: usize) -> Ran {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", line]).current_dir(rig.path(""));
    ran(on_disk(rig, command, strike, at))
}

fn done(rig: &Rig, line: &str) {
    let ran = shell(rig, line, Strike::KilledBefore, 0);
    assert_eq!(ran.code, Some(0), "{line}: {}", ran.stderr);
}

fn cut(rig: &Rig, kept: Kept, loss: Loss) {
    kept.cut(rig, loss, &mut Dice::new(1));
}

fn text(rig: &Rig, name: &str) -> Option<String> {
    fs::read_to_string(rig.path(name)).ok()
}

#[test]
fn what_was_not_synced_goes_with_the_power_and_what_was_stays() {
    let rig = rig();
    done(&rig, "echo before > state/old; echo before > state/gone");
    let kept = Kept::of(&rig);
    done(
        &rig,
        "echo 1 > state/synced; sync state/synced; rm state/gone; sync state; \
         echo 2 >> state/synced; echo new > state/old; echo 1 > state/unsynced; echo 1 > state/nameless; \
         sync state/nameless; mv state/old state/renamed",
    );
    cut(&rig, kept, Loss::All);
    assert_eq!(text(&rig, "state/synced").as_deref(), Some("1\n"));
    assert_eq!(text(&rig, "state/old").as_deref(), Some("before\n"));
    for name in ["gone", "unsynced", "nameless", "renamed"] {
        assert_eq!(text(&rig, &format!("state/{name}")), None, "{name}");
    }
}

#[test]
fn a_file_that_was_renamed_before_it_was_synced_may_be_there_and_empty() {
    let rig = rig();
    let kept = Kept::of(&rig);
    done(&rig, "echo 1 > state/a; mv state/a state/b; sync state");
    cut(&rig, kept, Loss::All);
    assert_eq!(text(&rig, "state/b").as_deref(), Some(""));
}

#[test]
fn a_torn_write_ends_at_a_sector() {
    let rig = rig();
    let kept = Kept::of(&rig);
    done(
        &rig,
        "dd if=/dev/zero of=state/a bs=5000 count=1 2> /dev/null; sync state",
    );
    cut(&rig, kept, Loss::Torn);
    let length = fs::metadata(rig.path("state/a")).unwrap().len();
    assert!(length < 5000 && length.is_multiple_of(512), "{length}");
}

#[test]
fn it_strikes_at_the_change_that_was_named() {
    let line = "echo one > state/a && echo two >> state/a && echo three >> state/a";
    // The first change makes the file.
    for (strike, at, code, left) in [
        (Strike::KilledBefore, 3, None, "one\n"),
        (Strike::KilledAmid, 3, None, "one\ntw"),
        (Strike::KilledAfter, 3, None, "one\ntwo\n"),
        (Strike::Broken, 3, Some(1), "one\n"),
        (Strike::KilledBefore, 5, Some(0), "one\ntwo\nthree\n"),
    ] {
        let rig = rig();
        let ran = shell(&rig, line, strike, at);
        assert_eq!(ran.code, code, "{strike:?} {}", ran.stderr);
        assert_eq!(text(&rig, "state/a").as_deref(), Some(left), "{strike:?}");
    }
}

#[test]
fn a_full_disk_has_room_for_half_a_write_and_then_for_nothing() {
    let rig = rig();
    let ran = shell(
        &rig,
        "echo longer > state/a; echo b > state/b",
        Strike::Full,
        2,
    );
    assert_ne!(ran.code, Some(0));
    assert!(ran.stderr.contains("No space left"), "{}", ran.stderr);
    assert_eq!(text(&rig, "state/a").as_deref(), Some("lon"));
    assert_eq!(text(&rig, "state/b"), None);
}
