//! Stores of which one is gone, emptied or put back alone: told by every command, and nobody is added by what is left.

use std::fs::{self, File};

use serde_json::{Value, json};

use crate::rig::{NEWSLETTER, Rig, until};

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

/// Who is on no list now, and would be by a ledger that does not know why.
fn would_be_added(rig: &Rig, name: &str) {
    let email = format!("{name}@example.com");
    rig.create("Contacts", &json!({"Last_Name": name, "Email": email}));
    rig.advance(5);
}

#[test]
fn an_older_ledger_is_known_after_an_erasure_and_after_a_run_that_was_cut_or_failed() {
    for between in ["erased", "cut", "failed"] {
        let rig = Rig::new(20);
        rig.sync("newsletter", &super::newsletter());
        rig.import("newsletter");
        fs::copy(rig.path("state/ledger.redb"), rig.path("old")).unwrap();
        rig.pass(60);
        match between {
            "erased" => drop(rig.done("forget late@example.com")),
            _ => {
                let out = json!({"Last_Name": "Out", "Company": "C", "Email": "late@example.com", "Email_Opt_Out": true});
                let out = rig.create("Leads", &out);
                would_be_added(&rig, "other");
                let what = match between {
                    "cut" => json!("hang"),
                    _ => json!({"status": {"status": 500}}),
                };
                rig.fault(&json!({"method": "listsubscribe", "what": what}));
                rig.forget_calls();
                if between == "cut" {
                    let running = rig.start("cut", "sync newsletter");
                    until("it adds", || {
                        rig.calls().of_method("campaigns", "listsubscribe") > 0
                    });
                    running.signal("KILL");
                    running.end();
                } else {
                    assert_eq!(rig.run("sync newsletter").code, Some(75));
                }
                rig.drop_faults();
                rig.delete("Leads", &out);
            }
        }
        would_be_added(&rig, "late");
        fs::copy(rig.path("old"), rig.path("state/ledger.redb")).unwrap();
        refused(
            &rig,
            "state verify",
            1,
            "the ledger is older than the checkpoints",
        );
        refused(&rig, "sync newsletter", 3, "rosterd activate newsletter");
        let members = rig.members(NEWSLETTER, "active");
        assert!(!members.contains_key("late@example.com"), "{between}");
    }
}

#[test]
fn with_nothing_kept_of_what_the_history_tells_every_sync_waits_for_a_person() {
    let rig = kept();
    rig.sync(
        "second",
        &super::newsletter().replace("Newsletter", "Second"),
    );
    fs::remove_dir_all(rig.path("state")).unwrap();
    let daemon = rig.daemon();
    for sync in ["newsletter", "second"] {
        refused(&rig, &format!("sync {sync}"), 3, "rosterd activate");
    }
    daemon.stop();
    assert_nobody(&rig);
    rig.done("activate newsletter");
    assert_eq!(rig.import("newsletter")["outcome"], "completed");
    // And it is not asked for again.
    assert_eq!(rig.import("newsletter")["full"], false);
    refused(&rig, "sync second", 3, "rosterd activate");
}

#[test]
fn a_first_start_that_was_cut_has_lost_nothing() {
    let rig = kept();
    let fresh = Rig::new(0);
    fresh.sync("newsletter", &super::newsletter());
    // What it makes first, and no more.
    fs::create_dir_all(fresh.path("state/state")).unwrap();
    File::create(fresh.path("state/lock")).unwrap();
    let verified = fresh.run("state verify");
    assert_eq!(verified.code, Some(0), "{}", verified.stdout);
    let restore = format!("state restore {}", rig.path("backup").display());
    let restored = fresh.run(&restore);
    assert_eq!(restored.code, Some(0), "{}", restored.stderr);
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
