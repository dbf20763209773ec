//! A bound to the size of a file (`ulimit -f`, `LimitFSIZE=`): the write fails in words instead of ending the process
//! without one, nothing half-made is left, and without the bound everything ends as it would have.

use super::*;
use crate::rig::child::bounded;
use crate::rig::{Ran, ran};

/// Bounds in KiB: of no file at all, and in the midst of the checkpoints, of the ledger and of what is made of them.
const BOUNDS: [u64; 4] = [0, 4, 100, 500];

/// So many more people let the ledger outgrow the half MiB that the checkpoints have from the beginning.
const GROWN: usize = 900;

fn run_within(rig: &Rig, line: &str, kib: u64) -> Ran {
    let mut command = rig.command(line);
    command.env("TMPDIR", rig.path("tmp"));
    let ran = ran(bounded(&command, kib));
    // A signal would leave none.
    assert!(matches!(ran.code, Some(0 | 1)), "{line} {kib}: {ran:?}");
    assert!(!ran.stderr.contains("panicked"), "{line} {kib}: {ran:?}");
    if ran.code == Some(1) {
        let told = format!("{}{}", ran.stdout, ran.stderr);
        assert!(told.contains("File too large"), "{line} {kib}: {told}");
        let remedies = ["`state_dir`", "`history_dir`", "`TMPDIR`"];
        assert!(
            remedies.iter().any(|text| told.contains(text)),
            "{line} {kib}: {told}"
        );
    }
    let left = |folder: &str| -> Vec<String> {
        let entries = fs::read_dir(rig.path(folder)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names
            .filter(|name| name.starts_with("rosterd-") || name.starts_with(".rosterd-"))
            .collect()
    };
    assert_eq!(left("tmp"), [""; 0], "{line} {kib}");
    assert_eq!(left("."), [""; 0], "{line} {kib}");
    ran
}

/// What commands do one after the other, each within a bound first.
fn story(rig: &Rig, bounds: &[u64]) {
    fs::create_dir(rig.path("tmp")).unwrap();
    for line in [
        "sync newsletter",
        "state verify",
        "state backup BACKUP",
        "plan newsletter",
        "state restore BACKUP",
        "deactivate newsletter",
        "activate newsletter",
        "sync newsletter",
        "forget nobody@example.com",
    ] {
        let line = line.replace("BACKUP", &rig.path("backup").display().to_string());
        let mut is_done = false;
        for kib in bounds {
            is_done = is_done || run_within(rig, &line, *kib).code == Some(0);
        }
        if !is_done {
            rig.done(&line);
        }
    }
}

#[test]
fn commands_that_may_not_write_large_files_say_so_and_nothing_is_lost_or_left() {
    let (left_alone, within) = (rig(24), rig(24));
    story(&left_alone, &[]);
    story(&within, &BOUNDS);
    assert_same(&end(&within), &end(&left_alone));
    assert!(within.done("state verify").starts_with("sound"));
}

#[test]
fn a_daemon_whose_ledger_outgrows_what_it_may_write_says_so_and_the_next_one_goes_on() {
    let rig = rig(24);
    rig.import("newsletter");
    let command = bounded(&rig.command("daemon"), 100);
    let early = rig.start_command("early", command).end();
    assert_eq!(early.code, Some(1), "{}", early.stderr);
    assert!(early.stderr.contains("File too large"), "{}", early.stderr);
    // Room for the checkpoints, whose files have half a MiB from the beginning.
    let daemon = rig.start_command("daemon", bounded(&rig.command("daemon"), 544));
    daemon.until_says("rosterd is running");
    for number in 0..GROWN {
        let record = json!({"Last_Name": "Grown", "Email": format!("grown.{number}@example.com")});
        rig.create("Contacts", &record);
    }
    rig.pass(60);
    let asked = rig.run("sync newsletter");
    assert_eq!(asked.code, Some(1), "{}", asked.stderr);
    let daemon = daemon.end();
    assert_eq!(daemon.code, Some(1), "{}", daemon.stderr);
    let last = daemon.stderr.lines().last().unwrap();
    assert!(
        last.contains("`state_dir`") && last.contains("File too large"),
        "{last}"
    );
    let daemon = rig.daemon();
    rig.done("sync newsletter");
    daemon.stop();
    let grown = rig.members(NEWSLETTER, "active").into_keys();
    assert_eq!(
        grown
            .filter(|address| address.starts_with("grown."))
            .count(),
        GROWN
    );
    assert!(rig.done("state verify").starts_with("sound"));
}
