//! Stores of which one is gone, emptied or put back alone: told by every command, and nobody is added by what is left.

use std::fs::{self, File};

use serde_json::{Value, json};

use crate::rig::{NEWSLETTER, Rig};

/// A rig with somebody who was erased and somebody who opted out under a record that is gone; the ledger from before
/// that is `old`, and so is the backup.
fn kept() -> Rig {
    let rig = Rig::new(20);
    rig.sync("newsletter", &super::newsletter());
    for name in ["never", "gone"] {
        let email = format!("{name}@example.com");
        rig.create("Contacts", &json!({"Last_Name": name, "Email": email}));
    }
    rig.import("newsletter");
    fs::copy(rig.path("state/ledger.redb"), rig.path("old")).unwrap();
    rig.done(&format!("state backup {}", rig.path("backup").display()));
    rig.pass(60);
    rig.done("forget never@example.com");
    let out = json!({"Last_Name": "Out", "Company": "C", "Email": "gone@example.com", "Email_Opt_Out": true});
    let out = rig.create("Leads", &out);
    rig.pass(60);
    rig.import("newsletter");
    rig.delete("Leads", &out);
    rig.pass(60);
    rig.import("newsletter");
    assert_nobody(&rig);
    rig
}

fn assert_nobody(rig: &Rig) {
    let members = rig.members(NEWSLETTER, "active");
    for name in ["never", "gone"] {
        assert!(
            !members.contains_key(&format!("{name}@example.com")),
            "{name}"
        );
    }
}

fn refused(rig: &Rig, line: &str, code: i32, told: &str) {
    let ran = rig.run(line);
    assert_eq!(ran.code, Some(code), "{line}: {}{}", ran.stdout, ran.stderr);
    let said = format!("{}{}", ran.stdout, ran.stderr);
    assert!(said.contains(told), "{line}: {said}");
    assert!(!said.contains("panicked"), "{line}: {said}");
}

#[test]
fn an_empty_ledger_is_a_damaged_one() {
    let rig = kept();
    File::create(rig.path("state/ledger.redb")).unwrap();
    for line in ["state verify", "state backup new", "sync newsletter"] {
        refused(&rig, line, 1, "all of it is gone");
    }
    assert!(!rig.path("new").exists());
    let restore = format!("state restore {}", rig.path("backup").display());
    refused(&rig, &restore, 3, "every sync is inactive");
    refused(&rig, "sync newsletter", 3, "rosterd activate newsletter");
    assert_nobody(&rig);
}

#[test]
fn an_older_ledger_is_no_present_one() {
    let rig = kept();
    fs::copy(rig.path("old"), rig.path("state/ledger.redb")).unwrap();
    let older = "the ledger is older than the checkpoints";
    refused(&rig, "state verify", 1, older);
    refused(&rig, "state backup new", 1, older);
    refused(&rig, "sync newsletter", 3, "rosterd activate newsletter");
    assert_nobody(&rig);
    // It is noticed once, and what a person decides is kept to.
    rig.done("activate newsletter");
    assert_eq!(rig.import("newsletter")["full"], true);
    assert_eq!(rig.import("newsletter")["full"], false);
    // Had the backup been put back, all would be held as well.
    let rig = kept();
    fs::copy(rig.path("old"), rig.path("state/ledger.redb")).unwrap();
    let restore = format!("state restore {}", rig.path("backup").display());
    refused(&rig, &restore, 3, older);
    refused(&rig, "sync newsletter", 3, "rosterd activate newsletter");
    assert_nobody(&rig);
}

#[test]
fn checkpoints_and_mirror_that_are_both_gone_are_not_begun_anew() {
    let rig = kept();
    rig.done("deactivate newsletter");
    fs::remove_dir_all(rig.path("state/state")).unwrap();
    fs::remove_file(rig.path("state/state.json")).unwrap();
    for line in [
        "state verify",
        "state backup new",
        "sync newsletter",
        "daemon",
    ] {
        refused(&rig, line, 1, "the ledger beside them has seen runs");
    }
    let restore = format!("state restore {}", rig.path("backup").display());
    refused(&rig, &restore, 3, "every sync is inactive");
    refused(&rig, "sync newsletter", 3, "rosterd activate newsletter");
    assert_nobody(&rig);
}

#[test]
fn a_ledger_that_is_gone_is_told_before_anything_is_done() {
    let rig = kept();
    fs::remove_file(rig.path("state/ledger.redb")).unwrap();
    let status = rig.run("status");
    assert!(
        status.stderr.contains("the ledger is missing"),
        "{}",
        status.stderr
    );
    refused(
        &rig,
        "state verify",
        1,
        "every sync is inactive until a person activates it",
    );
    refused(&rig, "state backup new", 1, "nothing was backed up");
    let new = Rig::new(0);
    new.sync("newsletter", &super::newsletter());
    let verified: Value = serde_json::from_str(&new.done("state verify --json")).unwrap();
    assert_eq!(verified["sound"], true, "nothing was ever kept");
}
