//! `rosterd state`: what is damaged is found, and what was backed up comes back without undoing what must not be undone.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::rig::{Rig, until};

fn newsletter() -> String {
    "name = \"Newsletter\"\nmodule = \"Contacts\"\nlist = { name = \"Newsletter\" }\n\
     select = { all = true }\nschedule = { every = \"day\", at = \"03:00\" }\n"
        .to_owned()
}

fn imported() -> Rig {
    let rig = Rig::new(30);
    rig.sync("newsletter", &newsletter());
    rig.import("newsletter");
    rig
}

/// Adds somebody who can be mailed, and answers the record's id.
fn join(rig: &Rig, address: &str) -> String {
    rig.create("Contacts", &json!({"Last_Name": "Lee", "Email": address}))
}

fn has(rig: &Rig, address: &str) -> bool {
    rig.members(crate::rig::NEWSLETTER, "active")
        .contains_key(address)
}

/// Names and contents of all that is in the state folder, but for the lock.
fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(within) = folders.pop() {
        for entry in fs::read_dir(within).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false if path.ends_with("lock") => {}
                false => found.push((path.display().to_string(), fs::read(&path).unwrap())),
            }
        }
    }
    found.sort();
    found
}

#[test]
fn a_sound_state_is_told_so_beside_a_daemon_too_and_nothing_is_written() {
    let rig = imported();
    let before = contents(&rig.path("state"));
    let alone = rig.done("state verify");
    assert!(
        alone.starts_with("sound: ") && alone.contains("1 sync with a checkpoint"),
        "{alone}"
    );
    assert_eq!(contents(&rig.path("state")), before);
    let daemon = rig.start("daemon", "daemon");
    until("the daemon runs", || {
        daemon.stderr().contains("rosterd is running")
    });
    let beside: Value = serde_json::from_str(&rig.done("state verify --json")).unwrap();
    assert_eq!(
        (&beside["sound"], &beside["faults"]),
        (&json!(true), &json!([]))
    );
    assert!(beside["rows"].as_u64().unwrap() > 30);
    daemon.signal("TERM");
    assert_eq!(daemon.end().code, Some(0));
}

#[test]
fn each_kind_of_damage_is_named_and_nothing_is_overwritten() {
    let rig = imported();
    let path = |name: &str| rig.path(&format!("state/{name}"));
    for (file, damage, named) in [
        ("ledger.redb", "flip", "ledger"),
        ("ledger.redb", "cut", "ledger"),
        ("ledger.redb", "gone", "the ledger is missing"),
        ("state.json", "cut", "mirror"),
        ("state/conf", "flip", "the checkpoints are damaged"),
    ] {
        let whole = fs::read(path(file)).unwrap();
        match damage {
            "flip" => {
                let mut bytes = whole.clone();
                // Some of a file's pages are free.
                let at = (0..bytes.len())
                    .filter(|at| *at >= bytes.len().min(8192) / 2 && at % 1024 == 99);
                let at: Vec<usize> = at.collect();
                at.into_iter().for_each(|at| bytes[at] ^= 0x55);
                if bytes.len() < 2048 {
                    bytes.iter_mut().for_each(|byte| *byte ^= 0x55);
                }
                fs::write(path(file), bytes).unwrap();
            }
            "cut" => fs::write(path(file), &whole[..whole.len() / 3]).unwrap(),
            _ => fs::remove_file(path(file)).unwrap(),
        }
        let damaged = contents(&rig.path("state"));
        let ran = rig.run("state verify");
        assert_eq!(
            ran.code,
            Some(1),
            "{file} {damage}: {}{}",
            ran.stdout,
            ran.stderr
        );
        assert!(
            ran.stdout.contains(named),
            "{file} {damage}: {}",
            ran.stdout
        );
        assert_eq!(contents(&rig.path("state")), damaged, "{file} {damage}");
        fs::write(path(file), whole).unwrap();
    }
    rig.done("state verify");
}

#[test]
fn a_backup_that_comes_back_is_trusted_in_nothing_and_undoes_nothing_that_must_stay() {
    let rig = imported();
    let (stays, leaves) = (
        join(&rig, "stays@example.com"),
        join(&rig, "leaves@example.com"),
    );
    join(&rig, "erased@example.com");
    rig.pass(60);
    rig.import("newsletter");
    let said = rig.done(
        "state backup backup.zip"
            .replace("backup.zip", rig.path("backup.zip").to_str().unwrap())
            .as_str(),
    );
    assert!(said.contains("it names people"), "{said}");
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &fs::metadata(rig.path("backup.zip")).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
    // What happens after it.
    join(&rig, "new@example.com");
    rig.update("Contacts", &leaves, &json!({"Email_Opt_Out": true}));
    rig.update("Contacts", &stays, &json!({"Last_Name": "Long"}));
    rig.pass(60);
    rig.import("newsletter");
    rig.done("forget erased@example.com");
    rig.done("deactivate newsletter");
    let used = |rig: &Rig| {
        let status: Value = serde_json::from_str(&rig.done("status --json")).unwrap();
        status["accounts"][0]["limits"]["runs_per_day"]["used"].clone()
    };
    let before = used(&rig);
    let restore = format!("state restore {}", rig.path("backup.zip").display());
    let restored: Value = serde_json::from_str(&rig.done(&format!("{restore} --json"))).unwrap();
    assert_eq!(restored["syncs"], 1);
    let aside = restored["aside"].as_str().unwrap().to_owned();
    assert!(Path::new(&aside).join("ledger.redb").exists());
    // Counted, deactivated and erased since: that stays.
    assert_eq!(used(&rig), before);
    assert_eq!(rig.run("sync newsletter").code, Some(3));
    assert!(rig.done("why erased@example.com").contains("Erased on"));
    rig.done("state verify");
    rig.done("activate newsletter");
    let run = rig.import("newsletter");
    assert_eq!(run["full"], true);
    assert!(has(&rig, "stays@example.com") && has(&rig, "new@example.com"));
    assert!(!has(&rig, "leaves@example.com") && !has(&rig, "erased@example.com"));
    assert_eq!(
        rig.import("newsletter")["total"],
        0,
        "it is as it should be"
    );
}

#[test]
fn what_is_no_sound_backup_changes_nothing() {
    let rig = imported();
    let file = rig.path("backup");
    let backup = format!("state backup {}", file.display());
    rig.done(&backup);
    let again = rig.run(&backup);
    assert_eq!(again.code, Some(2), "{}", again.stderr);
    let whole = fs::read(&file).unwrap();
    let before = contents(&rig.path("state"));
    let restore = format!("state restore {}", file.display());
    let middle = whole.len() / 2;
    let mut flipped = whole.clone();
    flipped[middle] ^= 0x10;
    for (bytes, why) in [
        (whole[..middle].to_vec(), "it is no backup"),
        (b"no backup at all".to_vec(), "it is no backup"),
        (flipped, "damaged"),
    ] {
        fs::write(&file, bytes).unwrap();
        let ran = rig.run(&restore);
        assert_eq!(ran.code, Some(1), "{}", ran.stderr);
        assert!(
            ran.stderr.contains("cannot be restored") && ran.stderr.contains(why),
            "{}",
            ran.stderr
        );
        assert_eq!(contents(&rig.path("state")), before);
    }
    let ran = rig.run("state restore /nowhere/backup");
    assert_eq!(ran.code, Some(1));
    fs::write(&file, whole).unwrap();
    let daemon = rig.start("daemon", "daemon");
    until("the daemon runs", || {
        daemon.stderr().contains("rosterd is running")
    });
    let ran = rig.run(&restore);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.stderr.contains("held by another rosterd"),
        "{}",
        ran.stderr
    );
    // One that a daemon makes comes back as well, over whatever is left.
    let other = rig.path("other");
    rig.done(&format!("state backup {}", other.display()));
    daemon.signal("TERM");
    assert_eq!(daemon.end().code, Some(0));
    let ledger = rig.path("state/ledger.redb");
    let mut bytes = fs::read(&ledger).unwrap();
    let damaged = bytes.iter_mut().skip(4096).step_by(512);
    damaged.for_each(|byte| *byte ^= 0x55);
    fs::write(&ledger, bytes).unwrap();
    let ran = rig.run("sync newsletter");
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("restore a backup"), "{}", ran.stderr);
    rig.done(&format!("state restore {}", other.display()));
    assert_eq!(rig.import("newsletter")["new"], 0);
}

#[test]
fn a_restore_that_was_interrupted_is_said_and_done_to_its_end_by_the_next() {
    let rig = imported();
    let file = rig.path("backup");
    rig.done(&format!("state backup {}", file.display()));
    // Where it may die: all is moved aside, and nothing is in its place.
    fs::write(rig.path("state/restoring"), file.display().to_string()).unwrap();
    fs::remove_file(rig.path("state/ledger.redb")).unwrap();
    for line in ["sync newsletter", "daemon"] {
        let ran = rig.run(line);
        assert_eq!(ran.code, Some(1), "{line}");
        assert!(ran.stderr.contains("was interrupted"), "{}", ran.stderr);
        assert!(
            ran.stderr.contains("rosterd state restore"),
            "{}",
            ran.stderr
        );
    }
    assert!(!rig.path("state/ledger.redb").exists());
    rig.done(&format!("state restore {}", file.display()));
    let run = rig.import("newsletter");
    assert_eq!((&run["full"], &run["new"]), (&json!(true), &json!(0)));
}
