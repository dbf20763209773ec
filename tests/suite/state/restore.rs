//! `rosterd state restore`: nobody who is held back comes onto a list by it, nobody is lost, and nothing is done twice.

mod files;
mod kept;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::rig::child::used;
use crate::rig::{NEWSLETTER, Ran, Rig, Setup};

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
    join(rig, "returns");
    let lead = json!({"Last_Name": "Returns", "Company": "Lodge", "Email": "returns@example.com", "Email_Opt_Out": true});
    let lead = rig.create("Leads", &lead);
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
    rig.update("Leads", &lead, &json!({"Email_Opt_Out": false}));
    join(rig, "adopted");
    let late = join(rig, "late");
    // Never on the list, so that the opt-out alone holds it back.
    let never = json!({"Last_Name": "Never", "Email": address("never"), "Email_Opt_Out": true});
    let never = rig.create("Contacts", &never);
    import(rig);
    rig.done("adopt newsletter");
    rig.done("forget erased@example.com");
    // Beyond the five minutes that every run reads once more.
    rig.pass(900);
    // Whose record and contact do not say it any more, and who has another record.
    rig.act(&json!({ "delete_contact": address("forgotten") }));
    rig.delete("Contacts", &ids["opts-out"]);
    rig.delete("Contacts", &never);
    import(rig);
    for name in ["never", "opts-out", "forgotten", "erased", "leaves"] {
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
        "never",
    ] {
        assert!(!is_on(&rig, name), "{name}");
    }
    for name in ["stays", "adopted", "returns"] {
        assert!(is_on(&rig, name), "{name}");
    }
    assert!(rig.done("why erased@example.com").contains("Erased on"));
    rig.done("state verify");
    assert_eq!(import(&rig)["total"], 0, "it is as it should be");
}

#[test]
fn a_backup_that_is_newer_than_the_state_brings_back_what_that_has_lost() {
    let (rig, undisturbed) = (rig(), rig());
    import(&rig);
    import(&undisturbed);
    let (state, copy) = (rig.path("state"), rig.path("copy"));
    used("cp", [Path::new("-a"), &state, &copy]);
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
    assert_eq!(rig.events("sync.deactivated")[0]["reason"], "state_lost");
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
            status["syncs"][0]["reason"], "state_lost",
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
