//! `rosterd state restore`: nobody who is held back comes onto a list by it, nobody is lost, and nothing is done twice.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::contents;
use crate::rig::{NEWSLETTER, Ran, Rig, Setup, counts};

const DEFINITION: &str = r#"
name = "Newsletter"
module = "Contacts"
list = { name = "Newsletter" }
select = { all = true }
schedule = { every = "day", at = "03:00" }

[advanced]
deleted = "unsubscribe"
"#;

fn rig() -> Rig {
    let rig = Rig::with(&Setup {
        people: 30,
        settings: "[limits]\nruns_per_day = 20\n\n[safety]\nmin_removals = 25\n",
        ..Setup::default()
    });
    rig.sync("newsletter", DEFINITION);
    rig
}

/// Adds somebody who can be mailed, and answers the record's id.
fn join(rig: &Rig, name: &str) -> String {
    let address = format!("{name}@example.com");
    rig.create("Contacts", &json!({"Last_Name": name, "Email": address}))
}

fn import(rig: &Rig) -> Value {
    rig.pass(60);
    rig.import("newsletter")
}

fn back_up(rig: &Rig) {
    rig.done(&format!("state backup {}", rig.path("backup").display()));
}

fn restore(rig: &Rig) -> Ran {
    rig.run(&format!(
        "state restore {} --json",
        rig.path("backup").display()
    ))
}

/// What a restore says that went well.
fn restored(rig: &Rig) -> Value {
    let ran = restore(rig);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    serde_json::from_str(&ran.stdout).unwrap()
}

/// Everybody on the list, by standing.
fn list(rig: &Rig) -> BTreeMap<String, Vec<String>> {
    let of = |standing: &str| {
        let members = rig.members(NEWSLETTER, standing);
        (standing.to_owned(), members.into_keys().collect())
    };
    ["active", "unsubscribed", "bounced"]
        .into_iter()
        .map(of)
        .collect()
}

fn is_on(rig: &Rig, name: &str) -> bool {
    let members = rig.members(NEWSLETTER, "active");
    members.contains_key(&format!("{name}@example.com"))
}

/// What happens to people after the backup: those of whom Campaigns and the CRM do not say any more that they left are
/// the ones that a backup would bring back.
fn life(rig: &Rig) {
    let names = [
        "stays",
        "leaves",
        "forgotten",
        "opts-out",
        "erased",
        "goes",
        "bounces",
    ];
    let ids: BTreeMap<&str, String> = names.map(|name| (name, join(rig, name))).into();
    import(rig);
    back_up(rig);
    let address = |name: &str| format!("{name}@example.com");
    for name in ["leaves", "forgotten"] {
        rig.act(&json!({"unsubscribe": {"list": NEWSLETTER, "address": address(name)}}));
    }
    rig.act(&json!({ "bounce": address("bounces") }));
    rig.act(&json!({"subscribe": {"list": NEWSLETTER, "address": address("adopted")}}));
    rig.update(
        "Contacts",
        &ids["opts-out"],
        &json!({"Email_Opt_Out": true}),
    );
    rig.update("Contacts", &ids["stays"], &json!({"Last_Name": "Long"}));
    rig.delete("Contacts", &ids["goes"]);
    join(rig, "adopted");
    let late = join(rig, "late");
    import(rig);
    rig.done("adopt newsletter");
    rig.done("forget erased@example.com");
    // Whose record and contact do not say it any more, and who has another record.
    rig.act(&json!({ "delete_contact": address("forgotten") }));
    rig.delete("Contacts", &ids["opts-out"]);
    import(rig);
    for name in ["opts-out", "forgotten", "erased", "leaves"] {
        join(rig, name);
    }
    rig.update("Contacts", &ids["stays"], &json!({"Last_Name": "stays"}));
    rig.delete("Contacts", &late);
}

#[test]
fn nobody_who_is_held_back_is_on_a_list_and_nobody_is_lost() {
    let (rig, undisturbed) = (rig(), rig());
    for rig in [&rig, &undisturbed] {
        life(rig);
    }
    let restored = restored(&rig);
    assert_eq!(
        (&restored["syncs"], &restored["unread"]),
        (&json!(1), &json!([]))
    );
    assert_eq!(restored["aside"], Value::Null);
    let mended = import(&rig);
    assert_eq!(mended["full"], true);
    import(&undisturbed);
    assert_eq!(list(&rig), list(&undisturbed));
    for name in [
        "leaves",
        "forgotten",
        "opts-out",
        "erased",
        "goes",
        "bounces",
        "late",
    ] {
        assert!(!is_on(&rig, name), "{name}");
    }
    assert!(is_on(&rig, "stays") && is_on(&rig, "adopted"));
    assert!(rig.done("why erased@example.com").contains("Erased on"));
    rig.done("state verify");
    assert_eq!(import(&rig)["total"], 0, "it is as it should be");
}

#[test]
fn a_backup_that_is_newer_than_the_state_brings_back_what_that_has_lost() {
    let (rig, undisturbed) = (rig(), rig());
    import(&rig);
    import(&undisturbed);
    let copied = std::process::Command::new("cp")
        .arg("-a")
        .args([rig.path("state"), rig.path("copy")])
        .status();
    assert!(copied.unwrap().success());
    for rig in [&rig, &undisturbed] {
        life(rig);
        fs::remove_file(rig.path("backup")).unwrap();
    }
    back_up(&rig);
    fs::remove_dir_all(rig.path("state")).unwrap();
    fs::rename(rig.path("copy"), rig.path("state")).unwrap();
    let restored = restored(&rig);
    assert_eq!(restored["kept_ledger"], false);
    import(&rig);
    import(&undisturbed);
    assert_eq!(list(&rig), list(&undisturbed));
    assert!(rig.done("why erased@example.com").contains("Erased on"));
}

/// Flips a bit wherever a text stands in the ledger, so that those rows, and the pages they are in, are damaged.
fn damage(rig: &Rig, text: &str) {
    let path = rig.path("state/ledger.redb");
    let mut bytes = fs::read(&path).unwrap();
    let mut met = 0;
    for at in 0..bytes.len() - text.len() {
        if &bytes[at..at + text.len()] == text.as_bytes() {
            bytes[at] ^= 1;
            met += 1;
        }
    }
    assert!(met > 0, "{text}");
    fs::write(path, bytes).unwrap();
}

#[test]
fn what_can_be_read_of_a_damaged_ledger_is_carried_over_and_a_person_has_the_word() {
    let (rig, undisturbed) = (rig(), rig());
    for rig in [&rig, &undisturbed] {
        life(rig);
    }
    damage(&rig, "stays@example.com");
    let refused = rig.run("sync newsletter");
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("state restore"),
        "{}",
        refused.stderr
    );
    assert!(!refused.stderr.contains("panicked"), "{}", refused.stderr);
    let ran = restore(&rig);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    let said: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        (&said["inactive"], &said["kept_ledger"]),
        (&json!(true), &json!(false))
    );
    assert!(
        ran.stderr.contains("the ledger is damaged"),
        "{}",
        ran.stderr
    );
    let aside = said["aside"].as_str().unwrap();
    assert!(Path::new(aside).join("ledger.redb").exists());
    assert!(rig.run("status").stderr.contains(aside));
    assert_eq!(rig.run("sync newsletter").code, Some(3), "inactive");
    assert_eq!(rig.events("sync.deactivated")[0]["reason"], "operator");
    rig.done("activate newsletter");
    assert_eq!(import(&rig)["full"], true);
    import(&undisturbed);
    assert_eq!(list(&rig), list(&undisturbed));
    assert!(rig.done("why erased@example.com").contains("Erased on"));
}

#[test]
fn without_the_present_ledger_no_sync_runs_before_a_person_activates_it() {
    for damage in ["cut", "gone"] {
        let rig = rig();
        life(&rig);
        let before = list(&rig);
        let ledger = rig.path("state/ledger.redb");
        match damage {
            "cut" => fs::write(&ledger, &fs::read(&ledger).unwrap()[..5000]).unwrap(),
            _ => fs::remove_file(&ledger).unwrap(),
        }
        let ran = restore(&rig);
        assert_eq!(ran.code, Some(3), "{damage}: {}", ran.stderr);
        let status: Value = serde_json::from_str(&rig.done("status --json")).unwrap();
        assert_eq!(
            status["syncs"][0]["reason"], "operator",
            "{damage}: {status}"
        );
        rig.pass(24 * 3600);
        let daemon = rig.daemon();
        assert_eq!(rig.run("sync newsletter").code, Some(3), "{damage}");
        daemon.stop();
        assert_eq!(list(&rig), before, "{damage}");
        rig.done("activate newsletter");
        assert_eq!(import(&rig)["full"], true);
        for name in ["leaves", "goes", "bounces"] {
            assert!(!is_on(&rig, name), "{damage}: {name}");
        }
        rig.done("state verify");
    }
}

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
    restored(&rig);
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
    restored(&rig);
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

#[test]
fn a_backup_of_another_installation_is_refused_unless_nobody_is_there() {
    let (rig, other) = (rig(), rig());
    import(&rig);
    import(&other);
    back_up(&other);
    fs::copy(other.path("backup"), rig.path("backup")).unwrap();
    let before = contents(&rig.path("state"));
    let ran = restore(&rig);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(ran.stderr.contains("another rosterd"), "{}", ran.stderr);
    assert!(contents(&rig.path("state")) == before);
    fs::rename(rig.path("state"), rig.path("moved-away")).unwrap();
    restored(&rig);
    assert_eq!(import(&rig)["full"], true);
    rig.done("state verify");
}

#[test]
fn it_is_refused_beside_a_daemon_and_for_what_is_no_sound_backup() {
    let rig = rig();
    import(&rig);
    back_up(&rig);
    let daemon = rig.daemon();
    let ran = restore(&rig);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(ran.stderr.contains("stop that one first"), "{}", ran.stderr);
    daemon.stop();
    let whole = fs::read(rig.path("backup")).unwrap();
    let mut before = contents(&rig.path("state"));
    let mut damages: Vec<Vec<u8>> = vec![Vec::new(), b"no backup".to_vec()];
    damages.extend((1..4).map(|quarter| whole[..whole.len() * quarter / 4].to_vec()));
    damages.extend((0..12).map(|nth| {
        let mut bytes = whole.clone();
        let at = bytes.len() * nth / 12 + 7;
        bytes[at] ^= 0x20;
        bytes
    }));
    for (nth, bytes) in damages.iter().enumerate() {
        fs::write(rig.path("backup"), bytes).unwrap();
        let ran = restore(&rig);
        if ran.code == Some(0) {
            // What of the file says nothing, such as its times, may be otherwise.
            before = contents(&rig.path("state"));
            continue;
        }
        assert_eq!(ran.code, Some(1), "{nth}: {}", ran.stderr);
        assert!(ran.stderr.contains("backup"), "{nth}: {}", ran.stderr);
        assert!(!ran.stderr.contains("panicked"), "{nth}: {}", ran.stderr);
        assert!(contents(&rig.path("state")) == before, "{nth}");
    }
}

#[test]
fn what_an_interrupted_restore_left_is_named_and_swept_or_finished() {
    let rig = rig();
    import(&rig);
    back_up(&rig);
    let path = |name: &str| rig.path(&format!("state/{name}"));
    // Killed before the moment that counts.
    fs::create_dir(path("restoring")).unwrap();
    fs::copy(path("ledger.redb"), path("restoring/ledger.redb")).unwrap();
    assert!(rig.run("status").stderr.contains("interrupted restore"));
    assert_eq!(rig.run("state verify").code, Some(1));
    import(&rig);
    assert!(!path("restoring").exists());
    // Killed after it: the new stores wait to be put in place.
    let mut old = BTreeMap::new();
    for name in ["ledger.redb", "state.json"] {
        old.insert(name, fs::read(path(name)).unwrap());
    }
    restored(&rig);
    fs::create_dir(path("restored")).unwrap();
    for name in ["ledger.redb", "state.json", "state"] {
        fs::rename(path(name), path("restored").join(name)).unwrap();
    }
    for (name, bytes) in old {
        fs::write(path(name), bytes).unwrap();
    }
    assert!(rig.run("status").stderr.contains("interrupted restore"));
    let planned: Value = serde_json::from_str(&rig.done("plan newsletter --json")).unwrap();
    assert_eq!(planned["full"], true);
    assert!(!path("restored").exists());
    assert_eq!(import(&rig)["full"], true);
    rig.done("state verify");
}

#[test]
fn killed_at_any_moment_it_leaves_the_old_state_or_the_new_one() {
    let rig = rig();
    import(&rig);
    back_up(&rig);
    let line = format!("state restore {}", rig.path("backup").display());
    // What is seen of its work from outside says where it is.
    for seen in [
        "restoring",
        "restoring/present",
        "restoring/state.json",
        "restored",
    ] {
        let mut restoring = rig.start("restoring", &line);
        crate::rig::until("it comes that far, or ends", || {
            rig.path("state").join(seen).exists() || !restoring.is_running()
        });
        drop(restoring);
        assert_eq!(import(&rig)["outcome"], "completed", "{seen}");
        for left in ["restoring", "restored"] {
            assert!(!rig.path("state").join(left).exists(), "{seen}");
        }
        rig.done("state verify");
    }
}
