//! What is refused, and what an interrupted restore leaves.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};

use serde_json::Value;
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use super::super::contents;
use super::{back_up, import, restore, restored, rig};

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
        assert!(!ran.stderr.contains("interrupted"), "{}", ran.stderr);
        assert!(contents(&rig.path("state")) == before, "{nth}");
    }
}

#[test]
fn a_backup_that_unpacks_without_an_end_is_refused_before_it_fills_the_disk() {
    let rig = rig();
    import(&rig);
    back_up(&rig);
    let mut whole = ZipArchive::new(File::open(rig.path("backup")).unwrap()).unwrap();
    let before = contents(&rig.path("state"));
    // A kibibyte of it is a mebibyte on the disk.
    let mut bomb = ZipWriter::new(File::create(rig.path("bomb")).unwrap());
    for name in ["about.json", "state.json", "ledger.redb"] {
        let options = SimpleFileOptions::default().large_file(true);
        bomb.start_file(name, options).unwrap();
        match name {
            "about.json" => io::copy(&mut whole.by_name(name).unwrap(), &mut bomb).unwrap(),
            _ => io::copy(&mut io::repeat(b' ').take(80 << 20), &mut bomb).unwrap(),
        };
    }
    bomb.finish().unwrap();
    fs::rename(rig.path("bomb"), rig.path("backup")).unwrap();
    let ran = restore(&rig);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(ran.stderr.contains("larger than any"), "{}", ran.stderr);
    assert!(contents(&rig.path("state")) == before);
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
