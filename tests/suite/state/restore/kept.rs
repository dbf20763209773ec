//! What is counted, finished, held and told stays so through a restore.

use std::fs;

use serde_json::{Value, json};

use super::{DEFINITION, back_up, import, is_on, join, list, restore, restored, rig};
use crate::rig::{Rig, Setup, counts};

#[test]
fn what_was_counted_finished_and_deactivated_since_stays_so() {
    let rig = rig();
    let once = DEFINITION.replace("every = \"day\", at = \"03:00\"", "every = \"once\"");
    let once = once.replace("deleted = \"unsubscribe\"\n", "");
    rig.sync("once", &once);
    import(&rig);
    back_up(&rig);
    rig.import("once");
    import(&rig);
    rig.done("deactivate newsletter");
    let used = || {
        let status: Value = serde_json::from_str(&rig.done("status --json")).unwrap();
        status["accounts"][0]["limits"].clone()
    };
    let before = used();
    restored(&rig);
    assert_eq!(used(), before);
    assert_eq!(rig.run("sync newsletter").code, Some(3));
    let status: Value = serde_json::from_str(&rig.done("status --json")).unwrap();
    assert_eq!(status["syncs"][1]["state"], "finished", "{status}");
    // And what the backup has deactivated, though a person has activated it since.
    fs::remove_file(rig.path("backup")).unwrap();
    back_up(&rig);
    rig.done("activate newsletter");
    restored(&rig);
    assert_eq!(rig.run("sync newsletter").code, Some(3));
}

#[test]
fn it_is_told_once_and_no_run_ends_twice() {
    let rig = rig();
    join(&rig, "ann");
    crate::crash::kill_at(&rig, &json!({ "after": 12, "times": 1, "what": "hang" }));
    back_up(&rig);
    let ended = import(&rig);
    let finished = rig.events("run.finished");
    assert_eq!(restored(&rig)["given_up"], json!([]), "it has ended since");
    import(&rig);
    let told = rig.events("state.restored");
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["in_doubt"], false);
    let after = rig.events("run.finished");
    assert_eq!(after.len(), finished.len() + 1);
    assert_eq!(after[..finished.len()], finished);
    rig.done("history");
    // One that is under way now, and of which the backup knows nothing, ends as failed, and once.
    rig.pass(60);
    join(&rig, "ben");
    crate::crash::kill_at(&rig, &json!({ "after": 4, "times": 1, "what": "hang" }));
    assert_eq!(restored(&rig)["given_up"], json!(["newsletter"]));
    let last = import(&rig);
    assert_eq!(last["outcome"], "completed");
    let failed: Vec<Value> = rig.events("run.finished").split_off(after.len());
    assert_eq!(failed.len(), 2, "{failed:?}");
    assert_eq!(failed[0]["outcome"], "failed");
    assert_eq!(counts(&ended)["outcome"], "completed");
    assert!(is_on(&rig, "ben"));
}

#[test]
fn what_a_run_held_is_weighed_anew_and_what_a_person_decided_stays_decided() {
    for decided in ["approve", "discard"] {
        let rig = Rig::with(&Setup {
            people: 30,
            settings: "[safety]\nmin_removals = 0\nmax_removals = 1\n",
            ..Setup::default()
        });
        rig.sync("newsletter", DEFINITION);
        let ids: Vec<String> = (0..3).map(|n| join(&rig, &format!("held{n}"))).collect();
        import(&rig);
        ids.iter().for_each(|id| rig.delete("Contacts", id));
        rig.pass(60);
        let ran = rig.run("sync newsletter --json");
        assert_eq!(ran.code, Some(3), "{}", ran.stderr);
        let held: Value = serde_json::from_str(&ran.stdout).unwrap();
        back_up(&rig);
        rig.done(&format!("{decided} {}", held["run"].as_str().unwrap()));
        let before = list(&rig);
        restored(&rig);
        let run = import(&rig);
        assert_eq!(run["outcome"], "completed", "{decided}");
        assert_eq!(list(&rig), before, "{decided}");
        // Without the present ledger it is weighed once more, and not stuck.
        fs::remove_file(rig.path("state/ledger.redb")).unwrap();
        assert_eq!(restore(&rig).code, Some(3));
        rig.done("activate newsletter");
        rig.pass(60);
        let ran = rig.run("sync newsletter --json");
        let again: Value = serde_json::from_str(&ran.stdout).unwrap();
        let want = if decided == "approve" {
            "completed"
        } else {
            "held"
        };
        assert_eq!(again["outcome"], want, "{decided}: {}", ran.stderr);
        assert_eq!(list(&rig), before, "{decided}");
    }
}
