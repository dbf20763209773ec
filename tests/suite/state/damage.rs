//! Bits that flip and files that are cut, anywhere in what rosterd keeps: found, named, nothing overwritten, nobody added.
//!
//! `ROSTERD_DAMAGE_TRIALS=500` tries so many places of each file, `ROSTERD_DAMAGE_SEED=7` others than usual.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::rig::child::used;
use crate::rig::{Dice, NEWSLETTER, Ran, Rig, Setup};

/// Places that every test run tries in each file.
const TRIALS: usize = 2;

fn number(name: &str, otherwise: usize) -> usize {
    let text = std::env::var(name).ok();
    text.map_or(otherwise, |text| text.parse().unwrap())
}

fn copy(rig: &Rig, from: &str, to: &str) {
    let gone = fs::remove_dir_all(rig.path(to));
    assert!(gone.is_ok() || !rig.path(to).exists());
    used("cp", [Path::new("-a"), &rig.path(from), &rig.path(to)]);
}

/// A rig with some history, and somebody whose opt-out nobody but the ledger knows of, with a record that would be added.
fn kept() -> Rig {
    let rig = Rig::with(&Setup {
        people: 40,
        settings: "[history]\nrotate_mib = 1\n",
        ..Setup::default()
    });
    rig.sync("newsletter", &super::newsletter());
    let record = json!({"Last_Name": "Out", "Email": "out@example.com", "Email_Opt_Out": true});
    let out = rig.create("Contacts", &record);
    rig.import("newsletter");
    // What is rotated is what the next start finds under such a name.
    let history = rig.path("history/history.jsonl");
    fs::rename(&history, rig.path("history/history.jsonl.1")).unwrap();
    rig.delete("Contacts", &out);
    rig.pass(60);
    rig.import("newsletter");
    assert!(rig.path("history/history.jsonl.1.gz").exists());
    rig.create(
        "Contacts",
        &json!({"Last_Name": "Out", "Email": "out@example.com"}),
    );
    rig.pass(60);
    fs::create_dir(rig.path("whole")).unwrap();
    for folder in ["state", "history"] {
        copy(&rig, folder, &format!("whole/{folder}"));
    }
    rig
}

fn files(rig: &Rig) -> Vec<String> {
    let named = |folder: &str, begins: &str| {
        let entries = fs::read_dir(rig.path(folder)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| name.starts_with(begins)).collect();
        names.sort();
        format!("{folder}/{}", names[0])
    };
    let mut files: Vec<String> = [
        "state/ledger.redb",
        "state/state.json",
        "state/state/db",
        "state/state/conf",
        "history/history.jsonl",
        "history/history.jsonl.1.gz",
    ]
    .map(str::to_owned)
    .into();
    files.push(named("state/state", "snap."));
    files.push(named("history/ignored", "01"));
    files
}

/// Flips a bit, or cuts the end off; answers what was done.
fn damage(path: &Path, dice: &mut Dice) -> String {
    let mut bytes = fs::read(path).unwrap();
    let at = dice.roll(bytes.len());
    let what = if dice.roll(4) == 0 {
        bytes.truncate(at);
        format!("cut to {at} bytes")
    } else {
        // Most of a file of the stores is empty.
        let full = (0..bytes.len()).map(|on| (at + on) % bytes.len());
        let at = full.clone().find(|at| bytes[*at] != 0).unwrap_or(at);
        let bit = dice.roll(8);
        bytes[at] ^= 1 << bit;
        format!("bit {bit} of byte {at} flipped")
    };
    fs::write(path, bytes).unwrap();
    what
}

fn sane(ran: &Ran, what: &str) {
    assert!(
        matches!(ran.code, Some(0 | 1)),
        "{what}: {:?} {}",
        ran.code,
        ran.stderr
    );
    assert!(!ran.stderr.contains("panicked"), "{what}: {}", ran.stderr);
}

fn on_list(rig: &Rig) -> Vec<String> {
    rig.members(NEWSLETTER, "active").into_keys().collect()
}

#[test]
fn wherever_a_file_is_damaged_nobody_is_added_who_opted_out_and_nothing_is_overwritten() {
    let rig = kept();
    let members = on_list(&rig);
    assert!(!members.iter().any(|address| address == "out@example.com"));
    let mut dice = Dice::new(u64::try_from(number("ROSTERD_DAMAGE_SEED", 1)).unwrap());
    let (mut refused, mut found) = (0, 0);
    for file in files(&rig) {
        for _ in 0..number("ROSTERD_DAMAGE_TRIALS", TRIALS) {
            for folder in ["state", "history"] {
                copy(&rig, &format!("whole/{folder}"), folder);
            }
            let path = rig.path(&file);
            let what = format!("{file}: {}", damage(&path, &mut dice));
            let damaged = fs::read(&path).unwrap();
            let verified = rig.run("state verify --json");
            sane(&verified, &what);
            assert_eq!(
                fs::read(&path).unwrap(),
                damaged,
                "{what}: verify changed it"
            );
            found += usize::from(verified.code == Some(1));
            for line in ["status", "history"] {
                sane(&rig.run(line), &what);
            }
            let ran = rig.run("sync newsletter --json");
            sane(&ran, &what);
            if ran.code == Some(1) {
                refused += 1;
                assert_eq!(verified.code, Some(1), "{what}: {}", ran.stderr);
                let name = path.file_name().unwrap().to_str().unwrap();
                let is_named = ran.stderr.contains(name) || ran.stderr.contains("state/state");
                assert!(is_named, "{what}: {}", ran.stderr);
                assert!(
                    fs::read(&path).unwrap() == damaged,
                    "{what}: sync changed it"
                );
            } else {
                let run: Value = serde_json::from_str(&ran.stdout).unwrap();
                assert_eq!(run["outcome"], "completed", "{what}");
            }
            assert_eq!(on_list(&rig), members, "{what}");
        }
    }
    println!("{found} found by `state verify`, {refused} refused by `sync`");
    // Which of them a run meets is a matter of chance: a mirror is always found.
    assert!(found > 0 && found >= refused, "{refused} {found}");
}

#[test]
fn a_damaged_file_of_ignored_contacts_stands_in_nobodys_way() {
    let rig = kept();
    let ignored = rig.path(&files(&rig)[7]);
    let text = fs::read_to_string(&ignored).unwrap();
    // A byte that is no text stands in the line of whoever is to be erased.
    let (line, address) = text
        .lines()
        .find_map(|line| {
            let row: Value = serde_json::from_str(line).unwrap();
            let address = row["address"].as_str().unwrap().to_owned();
            let is_address = address.contains('@') && !address.contains(' ');
            is_address.then_some((line, address))
        })
        .unwrap();
    let mut bytes = text.clone().into_bytes();
    let at = text.find(line).unwrap() + line.find("\"detail\"").unwrap();
    bytes[at + 1] = 0xff;
    fs::write(&ignored, bytes).unwrap();
    let verified = rig.run("state verify");
    assert_eq!(verified.code, Some(1));
    assert!(verified.stdout.contains("ignored"), "{}", verified.stdout);
    rig.done(&format!("forget {address}"));
    let left = fs::read(&ignored).unwrap();
    assert!(!String::from_utf8_lossy(&left).contains(&address));
}

#[test]
fn what_cannot_be_read_or_written_is_named_with_its_path_and_stays_as_it_was() {
    let rig = kept();
    for path in [
        "state/ledger.redb",
        "state/state.json",
        "state/lock",
        "history/history.jsonl",
    ] {
        for folder in ["state", "history"] {
            copy(&rig, &format!("whole/{folder}"), folder);
        }
        // A folder in a file's place can be neither read nor written, by nobody.
        let place = rig.path(path);
        fs::remove_file(&place).unwrap();
        fs::create_dir(&place).unwrap();
        rig.forget_calls();
        let ran = rig.run("sync newsletter");
        assert_eq!(ran.code, Some(1), "{path}: {}", ran.stderr);
        let name = path.rsplit('/').next().unwrap();
        assert!(ran.stderr.contains(name), "{path}: {}", ran.stderr);
        assert!(ran.stderr.contains("check `"), "{path}: {}", ran.stderr);
        assert_eq!(rig.calls().of("campaigns"), (0, 0), "{path}");
        assert!(place.is_dir(), "{path}");
        fs::remove_dir(&place).unwrap();
    }
}

#[test]
fn a_torn_line_is_cut_off_and_one_damaged_in_the_middle_is_passed_over_loudly() {
    let rig = kept();
    let path = rig.path("history/history.jsonl");
    let whole = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    let middle = lines[..lines.len() - 1]
        .iter()
        .map(|line| format!("{line}\n"));
    let mut middle: Vec<String> = middle.collect();
    middle[0].replace_range(3..4, "\u{7}");
    let last = lines[lines.len() - 1];
    let torn = format!("{}{}", middle.concat(), &last[..last.len() / 2]);
    fs::write(&path, &torn).unwrap();
    let history = rig.run("history --json");
    assert_eq!(history.code, Some(0), "{}", history.stderr);
    assert!(
        history.stderr.contains("cannot read line 1"),
        "{}",
        history.stderr
    );
    let verified = rig.run("state verify");
    assert!(
        verified.stdout.contains("cannot read line 1"),
        "{}",
        verified.stdout
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), torn);
    let ran = rig.run("sync newsletter");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("the last line of the history was torn"),
        "{}",
        ran.stderr
    );
    let after = fs::read_to_string(&path).unwrap();
    assert!(
        after.starts_with(&middle.concat()),
        "what is damaged stays as it was"
    );
    assert!(
        !after.contains(&last[..last.len() / 2]),
        "the checkpoint has it: it is not told again"
    );
}

/// Checks that are told of the files that the state has, and not of the copy that they were read in.
#[test]
fn what_the_next_start_will_mend_is_no_sound_state_and_is_named_where_it_is() {
    let rig = kept();
    let snapshot = files(&rig)[6].clone();
    let gone = |name: &str| {
        let path = rig.path(name);
        match path.is_dir() {
            true => fs::remove_dir_all(path).unwrap(),
            false => fs::remove_file(path).unwrap(),
        }
    };
    let spoilt = |name: &str| fs::write(rig.path(name), b"no such file as before").unwrap();
    type Harm<'h> = (&'h str, Box<dyn Fn() + 'h>);
    let harms: [Harm<'_>; 4] = [
        (
            "snapshots of the checkpoints",
            Box::new(|| spoilt(&snapshot)),
        ),
        (
            "the checkpoints are damaged",
            Box::new(|| spoilt("state/state/conf")),
        ),
        (
            "the checkpoints are missing",
            Box::new(|| gone("state/state")),
        ),
        (
            "the mirror of the checkpoints cannot be read",
            Box::new(|| spoilt("state/state.json")),
        ),
    ];
    for (nth, (told, harm)) in harms.into_iter().enumerate() {
        copy(&rig, "whole/state", "state");
        harm();
        let verified = rig.run("state verify");
        assert_eq!(verified.code, Some(1), "{told}: {}", verified.stdout);
        assert!(
            verified.stdout.contains(told),
            "{told}: {}",
            verified.stdout
        );
        assert!(
            !verified.stderr.contains("state.damaged"),
            "nothing is moved: {}",
            verified.stderr
        );
        // And the backup of it is whole.
        let backup = rig.path(&format!("backup-{nth}"));
        let made = rig.run(&format!("state backup {}", backup.display()));
        assert_eq!(made.code, Some(0), "{told}: {}", made.stderr);
        let run: Value = serde_json::from_str(&rig.done("sync newsletter --json")).unwrap();
        assert_eq!(run["new"], 0, "{told}");
        assert_eq!(rig.run("state verify").code, Some(0), "{told}");
    }
    // Where nothing can be mended, the file itself is named.
    copy(&rig, "whole/state", "state");
    spoilt("state/state.json");
    spoilt("state/state/conf");
    for line in ["state verify", "state backup never"] {
        let ran = rig.run(line);
        assert_eq!(ran.code, Some(1), "{line}");
        let said = format!("{}{}", ran.stdout, ran.stderr);
        let place = rig.path("state/state").display().to_string();
        assert!(said.contains(&place), "{line}: {said}");
    }
    copy(&rig, "whole/state", "state");
    spoilt("state/ledger.redb");
    for line in ["state verify", "state backup never"] {
        let ran = rig.run(line);
        assert_eq!(ran.code, Some(1), "{line}");
        let said = format!("{}{}", ran.stdout, ran.stderr);
        let place = rig.path("state/ledger.redb").display().to_string();
        assert!(said.contains(&place), "{line}: {said}");
    }
}
