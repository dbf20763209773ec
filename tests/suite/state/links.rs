//! Files of the state that are links: what they lead to counts, and where it is away, nothing takes its place.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::json;

use super::{imported, newsletter};
use crate::rig::child::used;
use crate::rig::{NEWSLETTER, Rig};

/// Moves a file to a place that stands for another disk, and leaves a link to it.
fn elsewhere(rig: &Rig, name: &str) {
    let there = rig.path("disk").join(name.rsplit('/').next().unwrap());
    fs::create_dir_all(rig.path("disk")).unwrap();
    fs::rename(rig.path(name), &there).unwrap();
    symlink(&there, rig.path(name)).unwrap();
}

#[test]
fn a_ledger_on_a_disk_that_is_not_mounted_is_not_made_anew_and_nothing_else_is() {
    let rig = imported();
    let out = json!({"Last_Name": "Out", "Email": "out@example.com", "Email_Opt_Out": true});
    let out = rig.create("Contacts", &out);
    rig.pass(60);
    rig.import("newsletter");
    rig.delete("Contacts", &out);
    rig.pass(60);
    rig.import("newsletter");
    rig.create(
        "Contacts",
        &json!({"Last_Name": "Out", "Email": "out@example.com"}),
    );
    let backup = rig.path("backup").display().to_string();
    rig.done(&format!("state backup {backup}"));
    elsewhere(&rig, "state/ledger.redb");
    assert!(rig.done("state verify").starts_with("sound"));
    // The mirror as well: then nothing is here that tells of the ledger but the link.
    elsewhere(&rig, "state/state.json");
    fs::rename(rig.path("disk"), rig.path("away")).unwrap();
    for line in [
        "sync newsletter",
        "plan newsletter",
        "why out@example.com",
        "forget out@example.com",
        "activate newsletter",
        "deactivate newsletter",
        "state verify",
        "state backup never",
        &format!("state restore {backup}"),
        "daemon",
    ] {
        let ran = rig.run(line);
        assert_eq!(ran.code, Some(1), "{line}: {}", ran.stderr);
        let path = rig.path("state/ledger.redb").display().to_string();
        assert!(ran.stderr.contains(&path), "{line}: {}", ran.stderr);
        let said = "it is a link that leads nowhere: is the disk mounted";
        assert!(ran.stderr.contains(said), "{line}: {}", ran.stderr);
        for name in ["state/ledger.redb", "state/state.json"] {
            let link = rig.path(name);
            assert!(link.is_symlink() && !link.exists(), "{line}: {name}");
        }
    }
    fs::rename(rig.path("away"), rig.path("disk")).unwrap();
    rig.pass(60);
    assert_eq!(rig.import("newsletter")["full"], false);
    assert!(
        !rig.members(NEWSLETTER, "active")
            .contains_key("out@example.com")
    );
}

#[test]
fn a_history_on_a_disk_that_is_not_mounted_is_not_begun_anew() {
    let rig = imported();
    let lines = rig.journal().len();
    elsewhere(&rig, "history/history.jsonl");
    let whole = fs::read(rig.path("disk/history.jsonl")).unwrap();
    fs::rename(rig.path("disk"), rig.path("away")).unwrap();
    // As where it would be mounted.
    fs::create_dir(rig.path("disk")).unwrap();
    for line in ["sync newsletter", "history", "state verify"] {
        let ran = rig.run(line);
        assert_eq!(ran.code, Some(1), "{line}: {}", ran.stderr);
        assert!(
            ran.stderr.contains("leads nowhere"),
            "{line}: {}",
            ran.stderr
        );
    }
    assert_eq!(fs::read_dir(rig.path("disk")).unwrap().count(), 0);
    fs::remove_dir(rig.path("disk")).unwrap();
    fs::rename(rig.path("away"), rig.path("disk")).unwrap();
    assert_eq!(fs::read(rig.path("disk/history.jsonl")).unwrap(), whole);
    rig.pass(60);
    rig.import("newsletter");
    assert!(rig.journal().len() > lines);
}

/// Damages the ledger, so that it does not open.
fn spoil(rig: &Rig) {
    fs::write(rig.path("state/ledger.redb"), b"no such file as before").unwrap();
}

#[test]
fn a_restore_names_the_files_of_the_state_and_does_not_advise_a_restore() {
    let rig = imported();
    let backup = rig.path("backup").display().to_string();
    rig.done(&format!("state backup {backup}"));
    spoil(&rig);
    let ran = rig.run(&format!("state restore {backup}"));
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    let ledger = rig.path("state/ledger.redb").display().to_string();
    let named = format!("not carried over: the ledger is damaged: {ledger}: ");
    assert!(ran.stderr.contains(&named), "{}", ran.stderr);
    for wrong in [
        "restoring",
        "state restore",
        "move it away",
        "state.damaged",
    ] {
        assert!(!ran.stderr.contains(wrong), "{wrong}: {}", ran.stderr);
    }
    rig.done("activate newsletter");
    rig.import("newsletter");

    fs::write(rig.path("state/state.json"), b"no mirror").unwrap();
    fs::write(rig.path("state/state/conf"), b"no checkpoints").unwrap();
    let ran = rig.run(&format!("state restore {backup}"));
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    let state = rig.path("state/state").display().to_string();
    let named = format!("not carried over: the checkpoints cannot be read: {state}: ");
    assert!(ran.stderr.contains(&named), "{}", ran.stderr);
    assert!(!ran.stderr.contains("restoring"), "{}", ran.stderr);
}

#[test]
fn a_backup_names_the_folder_that_is_not_there_and_commands_no_terminal() {
    let rig = imported();
    let folder = rig.path("nowhere").display().to_string();
    let ran = rig.run(&format!("state backup {folder}/backup"));
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    let said = format!("there is no folder {folder}");
    assert!(ran.stderr.contains(&said), "{}", ran.stderr);
    assert!(!ran.stderr.contains(".rosterd-backup"), "{}", ran.stderr);
    // With a name that would clear the screen, and has a line of its own.
    rig.sync("newsletter", &newsletter());
    let name = rig.path("a\u{1b}[2J\nb");
    for verb in ["backup", "restore"] {
        let mut command = rig.command("state");
        command.arg(verb).arg(&name);
        let ran = crate::rig::ran(command);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        let told = format!("{}{}", ran.stdout, ran.stderr);
        assert!(told.contains(r"a\u{1b}[2J\nb"), "{told}");
        assert!(!told.contains('\u{1b}'), "{told}");
    }
    used("rm", [&name]);
}
