//! What stands in the place of rosterd's own files and is none, or has no end: named, never waited for, in little room.

use std::fs;
use std::path::Path;

use super::files::put;
use super::{rig, watched_command};
use crate::rig::Rig;
use crate::rig::child::{bounded, used};

/// What no copy and no file that is made anew may be larger than, in KiB: the bound of a mirror, and one more.
const FILE_KIB_MAX: u64 = 65 << 10;

/// A rig with something in each of its files, and all of it a second time.
fn kept() -> Rig {
    let rig = rig();
    rig.import("newsletter");
    rig.done(&format!(
        "state backup {}",
        rig.path("whole.backup").display()
    ));
    fs::create_dir(rig.path("whole")).unwrap();
    for folder in ["state", "history"] {
        let to = rig.path("whole").join(folder);
        used("cp", [Path::new("-a"), &rig.path(folder), &to]);
    }
    fs::create_dir(rig.path("tmp")).unwrap();
    rig
}

fn as_before(rig: &Rig) {
    for folder in ["state", "history"] {
        fs::remove_dir_all(rig.path(folder)).unwrap();
        let from = rig.path("whole").join(folder);
        used("cp", [Path::new("-a"), &from, &rig.path(folder)]);
    }
}

/// The one file of ignored contacts.
fn ignored(rig: &Rig) -> String {
    let entry = fs::read_dir(rig.path("history/ignored")).unwrap().next();
    let name = entry.unwrap().unwrap().file_name();
    format!("history/ignored/{}", name.to_str().unwrap())
}

/// A command ends soon, in little memory, with small files, and leaves none of them in the folder for temporary ones.
fn ended(rig: &Rig, line: &str) -> (Option<i32>, String) {
    let mut command = rig.command(line);
    command.env("TMPDIR", rig.path("tmp"));
    let ran = watched_command(bounded(&command, FILE_KIB_MAX), rig);
    assert!(!ran.stderr.contains("panicked"), "{line}: {}", ran.stderr);
    let left = fs::read_dir(rig.path("tmp")).unwrap().count();
    assert_eq!(left, 0, "{line}: {}", ran.stderr);
    (ran.code, format!("{}{}", ran.stdout, ran.stderr))
}

/// The commands that open a file, and those that can do without it.
struct Own {
    file: String,
    needed_by: &'static [&'static str],
    done_without_by: &'static [&'static str],
}

fn owned(rig: &Rig) -> Vec<Own> {
    let own = |file: &str, needed_by, done_without_by| Own {
        file: file.to_owned(),
        needed_by,
        done_without_by,
    };
    let stores: &[&str] = &[
        "state verify",
        "state backup BACKUP",
        "plan newsletter",
        "state restore WHOLE",
        "sync newsletter",
    ];
    let few: &[&str] = &["status", "history"];
    vec![
        own("state/lock", stores, few),
        own("state/ledger.redb", stores, few),
        own("state/state/conf", stores, few),
        own("state/state/db", stores, few),
        own(
            "history/history.jsonl",
            &["state verify", "status", "history", "sync newsletter"],
            &["state backup BACKUP"],
        ),
        own(
            &ignored(rig),
            &["state verify"],
            &[
                "status",
                "history",
                "state restore WHOLE",
                "sync newsletter",
            ],
        ),
        own(
            "state/tokens/main.json",
            &[],
            &["state verify", "status", "sync newsletter"],
        ),
        // A run makes it anew.
        own(
            "state/state.json",
            &stores[..4],
            &["history", "sync newsletter"],
        ),
    ]
}

#[test]
fn what_is_no_file_among_rosterds_own_is_named_and_never_waited_for() {
    let rig = kept();
    let backup = rig.path("backup");
    let (to, whole) = (
        backup.display().to_string(),
        rig.path("whole.backup").display().to_string(),
    );
    let whole_line = |line: &str| line.replace("BACKUP", &to).replace("WHOLE", &whole);
    for own in owned(&rig) {
        for kind in ["pipe", "device", "folder"] {
            as_before(&rig);
            let path = rig.path(&own.file);
            put(kind, &path);
            for line in own.needed_by {
                let (code, told) = ended(&rig, &whole_line(line));
                let what = format!("{line}: {kind} as {}: {told}", own.file);
                assert_eq!(code, Some(1), "{what}");
                assert!(told.contains(&path.display().to_string()), "{what}");
                let said = format!("it is a {kind}, and no regular file");
                assert!(told.contains(&said), "{what}");
                assert!(!told.contains("TMPDIR"), "{what}");
                assert!(!backup.exists(), "{what}");
            }
            for line in own.done_without_by {
                // A new mirror takes the place of whatever is there, but for a folder.
                if kind == "folder" && own.file == "state/state.json" && line.starts_with("sync") {
                    continue;
                }
                let (code, told) = ended(&rig, &whole_line(line));
                assert_eq!(code, Some(0), "{line}: {kind} as {}: {told}", own.file);
                if backup.exists() {
                    fs::remove_file(&backup).unwrap();
                }
            }
        }
    }
    as_before(&rig);
    assert_eq!(rig.import("newsletter")["full"], false);
}

/// Makes a file as long as a disk is large; nothing of that is on the disk.
fn lengthen(path: &Path) {
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_len(256 << 20).unwrap();
}

#[test]
fn a_mirror_that_is_longer_than_any_is_no_mirror_and_fills_no_disk() {
    let rig = kept();
    lengthen(&rig.path("state/state.json"));
    let (code, told) = ended(&rig, "state verify");
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("the mirror of the checkpoints"), "{told}");
    let (code, told) = ended(&rig, "status");
    assert_eq!(code, Some(1), "{told}");
    assert!(
        told.contains("state.json") && told.contains("longer than any"),
        "{told}"
    );
    let backup = rig.path("backup").display().to_string();
    for line in [
        format!("state backup {backup}"),
        format!("state restore {backup}"),
    ] {
        let (code, told) = ended(&rig, &line);
        assert_eq!(code, Some(0), "{line}: {told}");
    }
    lengthen(&rig.path("state/state.json"));
    let (code, told) = ended(&rig, "sync newsletter");
    assert_eq!(code, Some(0), "{told}");
    assert!(rig.done("state verify").starts_with("sound"));
}

#[test]
fn a_line_without_an_end_is_named_and_all_others_are_read() {
    let rig = kept();
    for file in ["history/history.jsonl".to_owned(), ignored(&rig)] {
        as_before(&rig);
        let lines = fs::read_to_string(rig.path(&file)).unwrap().lines().count();
        lengthen(&rig.path(&file));
        let (code, told) = ended(&rig, "state verify");
        assert_eq!(code, Some(1), "{file}: {told}");
        let bad = format!("cannot read line {} of ", lines + 1);
        assert!(told.contains(&bad) && told.contains(&file), "{told}");
        assert!(told.contains("longer than any line"), "{told}");
        for line in [
            "status",
            "history",
            "history --json",
            "why ann.lee@example.com",
        ] {
            let (code, told) = ended(&rig, line);
            assert_eq!(code, Some(0), "{file}: {line}: {told}");
        }
    }
    as_before(&rig);
}

#[test]
fn a_pipe_where_a_file_is_made_or_a_folder_belongs_is_not_waited_for() {
    let rig = kept();
    for (path, lines, code) in [
        (
            "state/state.json.unfinished",
            ["sync newsletter", "activate newsletter"],
            1,
        ),
        ("state/tokens", ["sync newsletter", "check --online"], 0),
        ("state/state", ["sync newsletter", "state verify"], 1),
        (
            "history/history.jsonl.gz.unfinished",
            ["sync newsletter", "activate newsletter"],
            1,
        ),
        ("history/ignored", ["sync newsletter", "state verify"], 1),
    ] {
        as_before(&rig);
        // Something to compress at the next start.
        let history = rig.path("history/history.jsonl");
        fs::copy(history, rig.path("history/history.jsonl.1")).unwrap();
        used("rm", [Path::new("-rf"), &rig.path(path)]);
        put("pipe", &rig.path(path));
        for line in lines {
            let (ended, told) = ended(&rig, line);
            assert_eq!(ended, Some(code), "{line}: {path}: {told}");
            let named = rig.path(path).display().to_string();
            assert!(code == 0 || told.contains(&named), "{line}: {path}: {told}");
        }
    }
    as_before(&rig);
}
