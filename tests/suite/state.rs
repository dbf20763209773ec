//! `rosterd state`: what is damaged is found, and a backup has all that is kept.

mod clocks;
mod damage;
mod links;
mod lost;
mod newer;
mod restore;

use std::fs;
use std::os::unix::fs::PermissionsExt;
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
    let daemon = rig.daemon();
    let beside: Value = serde_json::from_str(&rig.done("state verify --json")).unwrap();
    assert_eq!(
        (&beside["sound"], &beside["faults"]),
        (&json!(true), &json!([]))
    );
    assert!(beside["rows"].as_u64().unwrap() > 30);
    daemon.stop();
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
fn a_backup_is_one_new_file_with_all_that_is_kept_beside_a_daemon_too() {
    let rig = imported();
    let backup = |name: &str| format!("state backup {}", rig.path(name).display());
    assert!(rig.done(&backup("alone")).contains("it names people"));
    let daemon = rig.daemon();
    rig.done(&backup("beside"));
    let missing = rig.run("state backup /nowhere/backup");
    assert_eq!(missing.code, Some(1), "{}", missing.stderr);
    daemon.stop();
    for name in ["alone", "beside"] {
        let path = rig.path(name);
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let mut zip = zip::ZipArchive::new(fs::File::open(&path).unwrap()).unwrap();
        let mut unpacked = |entry: &str| {
            let mut bytes = Vec::new();
            let mut entry = zip.by_name(entry).unwrap();
            std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
            bytes
        };
        let about: Value = serde_json::from_slice(&unpacked("about.json")).unwrap();
        for (entry, sum) in [("state.json", "kept"), ("ledger.redb", "ledger")] {
            let hash = blake3::hash(&unpacked(entry)).to_hex().to_string();
            assert_eq!(about[sum], hash, "{name} {entry}");
        }
        let kept: Value = serde_json::from_slice(&unpacked("state.json")).unwrap();
        assert_eq!(kept["checkpoints"]["newsletter"]["completed"], 1);
        // What exists already is left alone, by whoever comes second.
        let before = fs::read(&path).unwrap();
        let again = rig.run(&backup(name));
        assert_eq!(again.code, Some(2), "{}", again.stderr);
        assert_eq!(fs::read(&path).unwrap(), before);
    }
}

#[test]
fn a_backup_that_is_killed_has_no_name() {
    let rig = imported();
    let path = rig.path("kept/backup");
    fs::create_dir(rig.path("kept")).unwrap();
    let line = format!("state backup {}", path.display());
    for _ in 0..5 {
        let running = rig.start("killed", &line);
        let is_begun = || fs::read_dir(rig.path("kept")).unwrap().next().is_some();
        until("it has begun", is_begun);
        running.signal("KILL");
        running.end();
        if path.exists() {
            // The kill came after the last write.
            let whole = zip::ZipArchive::new(fs::File::open(&path).unwrap()).unwrap();
            assert_eq!(whole.len(), 3);
        }
        for left in fs::read_dir(rig.path("kept")).unwrap() {
            fs::remove_file(left.unwrap().path()).unwrap();
        }
    }
    rig.done(&line);
    assert_eq!(fs::read_dir(rig.path("kept")).unwrap().count(), 1);
}

#[test]
fn of_two_backups_at_once_to_one_name_one_is_made_and_the_other_refused() {
    let rig = imported();
    let line = format!("state backup {}", rig.path("backup").display());
    let (one, other) = (rig.start("one", &line), rig.start("other", &line));
    let mut codes = [one.end().code, other.end().code];
    codes.sort();
    assert_eq!(codes, [Some(0), Some(2)]);
    assert!(fs::metadata(rig.path("backup")).unwrap().len() > 0);
}
