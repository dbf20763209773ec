//! Stores that are lost, damaged or may not grow: nobody is added wrongly, and a person is told what to do.

use super::*;

/// Gives somebody who opted out long ago a second record, which would be added if the opt-out were forgotten.
fn second_record_of_one_who_opted_out(rig: &Rig) -> String {
    let records = rig.records("Contacts");
    let is_out = |record: &&Value| {
        record["Email_Opt_Out"] == json!(true)
            && record["Email"].as_str().is_some_and(|it| it.contains('@'))
    };
    let address = records.iter().find(is_out).unwrap()["Email"]
        .as_str()
        .unwrap();
    rig.create(
        "Contacts",
        &json!({ "Last_Name": "Again", "Email": address }),
    );
    rig.advance(5);
    address.trim().to_lowercase()
}

fn is_on_the_list(rig: &Rig, address: &str) -> bool {
    let members = rig.members(NEWSLETTER, "active");
    members
        .keys()
        .any(|member| member.to_lowercase() == address)
}

#[test]
fn a_lost_ledger_forgets_no_opt_out_and_makes_the_next_run_read_everything() {
    let rig = rig(60);
    let first = rig.import("newsletter");
    let before = rig.members(NEWSLETTER, "active");
    let address = second_record_of_one_who_opted_out(&rig);
    fs::remove_file(rig.path("state/ledger.redb")).unwrap();
    // Nobody knows any more who was erased, or opted out under a record that is gone: a person has the word.
    let refused = rig.run("sync newsletter");
    assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("state restore"),
        "{}",
        refused.stderr
    );
    let status = rig.done("status");
    assert!(status.contains("as the state was lost"), "{status}");
    rig.done("activate newsletter");
    let second = rig.import("newsletter");
    assert_eq!(second["full"], true);
    assert_eq!(second["new"], 0);
    assert_eq!(second["duplicate"], first["new"]);
    assert!(!is_on_the_list(&rig, &address));
    assert_eq!(rig.members(NEWSLETTER, "active").len(), before.len());
    // And it is known from then on.
    assert_eq!(rig.import("newsletter")["full"], false);
}

#[test]
fn with_a_lost_ledger_neither_an_interrupted_run_nor_a_new_file_adds_anybody() {
    let rig = rig(60);
    rig.fault(&json!({ "method": "listsubscribe", "after": 5, "what": "hang" }));
    let running = rig.start("killed", "sync newsletter");
    until("some are added", || {
        rig.calls().of_method("campaigns", "listsubscribe") > 5
    });
    running.signal("KILL");
    running.end();
    rig.drop_faults();
    let before = rig.members(NEWSLETTER, "active");
    assert!(!before.is_empty());
    fs::remove_file(rig.path("state/ledger.redb")).unwrap();
    rig.sync("new", ALL_CONTACTS);
    let daemon = rig.daemon();
    for sync in ["newsletter", "new"] {
        let refused = rig.run(&format!("sync {sync}"));
        assert_eq!(refused.code, Some(3), "{sync}: {}", refused.stderr);
    }
    rig.pass(7200);
    let status: Value = serde_json::from_str(&rig.done("status --json")).unwrap();
    for sync in status["syncs"].as_array().unwrap() {
        assert_eq!(sync["reason"], "state_lost", "{sync}");
    }
    assert_eq!(rig.members(NEWSLETTER, "active"), before);
    // A person may let it go on to its end.
    rig.done("activate newsletter");
    let run = rig.import("newsletter");
    assert_eq!(run["outcome"], "completed");
    daemon.stop();
    assert!(rig.members(NEWSLETTER, "active").len() > before.len());
}

#[test]
fn a_damaged_ledger_is_told_with_the_remedy_and_the_remedy_works() {
    let rig = rig(60);
    rig.import("newsletter");
    let ledger = rig.path("state/ledger.redb");
    let whole = fs::read(&ledger).unwrap();
    let address = second_record_of_one_who_opted_out(&rig);
    let damages: [(&str, Vec<u8>); 3] = [
        ("a stranger", b"this is no ledger at all".to_vec()),
        ("a half", whole[..whole.len() / 2].to_vec()),
        ("zeros", vec![0; whole.len()]),
    ];
    for (what, bytes) in damages {
        fs::write(&ledger, bytes).unwrap();
        let ran = rig.run("sync newsletter");
        assert_eq!(ran.code, Some(1), "{what}: {}", ran.stderr);
        for told in ["ledger.redb", "move it away"] {
            assert!(ran.stderr.contains(told), "{what}: {}", ran.stderr);
        }
    }
    fs::rename(&ledger, rig.path("state/moved-away")).unwrap();
    assert_eq!(rig.run("sync newsletter").code, Some(3));
    rig.done("activate newsletter");
    assert_eq!(rig.import("newsletter")["full"], true);
    assert!(!is_on_the_list(&rig, &address));
}

#[test]
fn a_damaged_checkpoint_store_keeps_limits_and_cursor() {
    let rig = rig(60);
    rig.import("newsletter");
    fs::write(rig.path("state/state/conf"), "no configuration").unwrap();
    let ran = rig.run("sync newsletter --json");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stderr.contains("moved aside"), "{}", ran.stderr);
    let finished: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(finished["full"], false);
    assert_eq!(
        status(&rig)["accounts"][0]["limits"]["runs_per_day"]["used"],
        2
    );
    assert_eq!(state_files(&rig, "state.damaged").len(), 1);
}

#[test]
fn files_that_may_not_grow_end_the_process_and_lose_nothing() {
    let undisturbed = rig(150);
    undisturbed.import("newsletter");
    undisturbed.import("newsletter");
    let rig = rig(150);
    let mut refused = 0;
    // In blocks of 512 bytes: too small for anything, for a ledger, for a run; and then large enough.
    for blocks in [0, 1, 8, 64, 512, 2048, 2560, 3072, 3584, 4096, 5120] {
        let limits = format!("trap '' XFSZ; ulimit -f {blocks}");
        // Its output goes through pipes, which no limit applies to.
        let ran = crate::rig::ran(limited(&rig, &limits, "sync newsletter"));
        if ran.code == Some(0) {
            break;
        }
        assert_eq!(ran.code, Some(1), "{blocks}: {}", ran.stderr);
        refused += 1;
    }
    assert!(refused >= 4, "{refused}");
    while rig.events("run.finished").len() < 2 {
        rig.import("newsletter");
    }
    assert_same(&end(&rig), &end(&undisturbed));
}
