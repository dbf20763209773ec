//! Kills between the writes at the end of a run: ledger, ignored file, journal, checkpoint, and the ledger once more.
//!
//! Nothing is called between them that could be kept waiting, so the states are made: a file where the folder of the
//! ignored contacts should be stops the run right after its first write, and what the others would have left is put
//! there from a run that made them.

use std::path::Path;

use super::*;

/// What is put over the state of a run that stopped after its first write.
type Further = fn(&Rig);

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::copy(from, to).unwrap();
    }
}

fn take(rig: &Rig, from: &str, to: &str) {
    if rig.path(to).is_dir() {
        fs::remove_dir_all(rig.path(to)).unwrap();
    }
    copy(&rig.path(from), &rig.path(to));
}

/// A rig whose first run is finished in the ledger and nowhere else, kept as `cut`; and, as `whole`, all files as
/// they are once it is written down everywhere.
fn cut_after_the_ledger() -> Rig {
    let rig = rig(60);
    rig.put("history/ignored", "a file where a folder should be");
    let ran = rig.run("sync newsletter");
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(ran.stderr.contains("ignored"), "{}", ran.stderr);
    fs::remove_file(rig.path("history/ignored")).unwrap();
    assert_eq!(rig.events("run.finished").len(), 0);
    for folder in ["state", "history"] {
        take(&rig, folder, &format!("cut/{folder}"));
    }
    // A daemon writes down what is left, and starts nothing before the next full hour.
    let daemon = rig.start("daemon", "daemon");
    until("the run is written down", || {
        rig.events("run.finished").len() == 1 && status(&rig)["syncs"][0]["state"] == "active"
    });
    daemon.signal("TERM");
    assert_eq!(daemon.end().code, Some(0));
    for folder in ["state", "history"] {
        take(&rig, folder, &format!("whole/{folder}"));
    }
    rig
}

fn ignored_file(rig: &Rig) {
    take(rig, "whole/history/ignored", "history/ignored");
}

fn half_an_ignored_file(rig: &Rig) {
    rig.put("history/ignored/.unfinished-x", "{\"record\":");
}

fn journal(rig: &Rig) {
    ignored_file(rig);
    take(rig, "whole/history/history.jsonl", "history/history.jsonl");
}

fn half_a_line(rig: &Rig) {
    ignored_file(rig);
    let whole = fs::read(rig.path("whole/history/history.jsonl")).unwrap();
    let cut = fs::read(rig.path("cut/history/history.jsonl")).unwrap();
    let torn = cut.len() + (whole.len() - cut.len()) / 2;
    fs::write(rig.path("history/history.jsonl"), &whole[..torn]).unwrap();
}

fn checkpoint(rig: &Rig) {
    journal(rig);
    take(rig, "whole/state/state", "state/state");
    take(rig, "whole/state/state.json", "state/state.json");
}

#[test]
fn a_run_that_had_ended_is_written_down_once_whatever_was_missing() {
    let undisturbed = rig(60);
    undisturbed.import("newsletter");
    undisturbed.import("newsletter");
    let want = end(&undisturbed);
    let rig = cut_after_the_ledger();
    let cases: [(&str, Further); 6] = [
        ("nothing", |_| {}),
        ("half an ignored file", half_an_ignored_file),
        ("the ignored file", ignored_file),
        ("half a line of the journal", half_a_line),
        ("the journal", journal),
        ("the checkpoint", checkpoint),
    ];
    for (what, further) in cases {
        for folder in ["state", "history"] {
            take(&rig, &format!("cut/{folder}"), folder);
        }
        further(&rig);
        rig.import("newsletter");
        println!("with {what}");
        let on_list = rig.members(NEWSLETTER, "active").len();
        assert_eq!(status(&rig)["syncs"][0]["on_list"], on_list);
        assert_same(&end(&rig), &want);
    }
}

#[test]
fn a_run_that_was_counted_and_had_not_begun_is_begun_under_its_id() {
    let rig = rig(60);
    assert!(kill_at(
        &rig,
        &json!({ "method": "getlistsubscribers", "times": 1, "what": "hang" })
    ));
    let run = only_run(&rig);
    fs::remove_file(rig.path("state/ledger.redb")).unwrap();
    fs::remove_dir_all(rig.path("history")).unwrap();
    // Without its ledger a sync waits for a person.
    rig.done("activate newsletter");
    rig.import("newsletter");
    let finished = rig.events("run.finished");
    assert_eq!(finished[0]["run"], run);
    assert_eq!(finished.len(), 2);
    assert_eq!(rig.events("run.started")[0]["run"], run);
    let limits = &status(&rig)["accounts"][0]["limits"];
    assert_eq!(
        limits["runs_per_day"]["used"], 2,
        "one for each, none for the kill"
    );
}

#[test]
fn a_run_that_the_checkpoints_do_not_know_leaves_nothing_behind() {
    let undisturbed = rig(60);
    undisturbed.import("newsletter");
    let rig = rig(60);
    // So that there are checkpoints from before the run.
    rig.put(
        "syncs.d/newsletter.toml",
        &ALL_CONTACTS.replace("\"Contacts\"", "\"Nothing\""),
    );
    assert_eq!(rig.run("sync newsletter").code, Some(78));
    rig.sync("newsletter", ALL_CONTACTS);
    for name in ["state", "state.json"] {
        take(&rig, &format!("state/{name}"), &format!("before/{name}"));
    }
    let fault = json!({ "method": "listsubscribe", "after": 9, "times": 1, "what": "hang" });
    assert!(kill_at(&rig, &fault));
    let lost = only_run(&rig);
    for name in ["state", "state.json"] {
        take(&rig, &format!("before/{name}"), &format!("state/{name}"));
    }
    let finished = rig.import("newsletter");
    assert_ne!(finished["run"], lost);
    let (end, want) = (end(&rig), end(&undisturbed));
    assert_eq!(end.members, want.members);
    assert_eq!(end.ignored, want.ignored);
    assert_eq!(end.status, want.status);
    assert_eq!(end.finished[0]["total"], want.finished[0]["total"]);
    assert_eq!(end.finished.len(), 1);
}

#[test]
fn a_run_whose_definition_changed_meanwhile_ends_as_failed_and_the_next_reads_everything() {
    let rig = rig(60);
    rig.import("newsletter");
    rig.sync(
        "newsletter",
        &ALL_CONTACTS.replace("\"Newsletter\" }", "\"Hospitality\" }"),
    );
    let fault = json!({ "method": "listsubscribe", "after": 9, "times": 1, "what": "hang" });
    assert!(kill_at(&rig, &fault));
    // Back to what it was: what is staged was meant for the other list.
    rig.sync("newsletter", ALL_CONTACTS);
    rig.import("newsletter");
    let finished = rig.events("run.finished");
    assert_eq!(finished[1]["outcome"], "failed");
    assert_eq!(finished[1]["error"]["kind"], "configuration");
    assert_eq!(finished[2]["full"], true);
    assert_eq!(finished[2]["outcome"], "completed");
    assert_eq!(finished[2]["new"], 0, "all of them are on this list");
}

#[test]
fn a_run_whose_definition_was_taken_away_ends_as_failed() {
    let rig = rig(60);
    let fault = json!({ "method": "listsubscribe", "after": 9, "times": 1, "what": "hang" });
    assert!(kill_at(&rig, &fault));
    let run = only_run(&rig);
    fs::remove_file(rig.path("syncs.d/newsletter.toml")).unwrap();
    rig.sync("other", ALL_CONTACTS);
    rig.import("other");
    let finished = rig.events("run.finished");
    assert_eq!(finished[0]["run"], run);
    assert_eq!(finished[0]["outcome"], "failed");
    assert_eq!(finished.len(), 2);
}
