//! Kills, damage and full disks: what was acknowledged is there, and what cannot be opened is made anew.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

use tempfile::TempDir;

use super::*;

/// Tells a process of this test binary that it is the child, and where to write.
const CHILD_FOLDER: &str = "ROSTERD_TEST_STATE_FOLDER";
const COUNTER: &str = "main/runs_per_day/2026-11-22";

fn now() -> Timestamp {
    "2026-11-22T02:30:00Z".parse().unwrap()
}

fn sync() -> SyncId {
    "newsletter".parse().unwrap()
}

fn checkpoint(completed: u64) -> Checkpoint {
    Checkpoint {
        first_seen: 7,
        completed,
        ..Checkpoint::default()
    }
}

fn counted(count: u64) -> Changes {
    Changes {
        checkpoints: vec![(sync(), checkpoint(count))],
        counters: vec![(COUNTER.to_owned(), Counter(count))],
        ..Changes::default()
    }
}

/// A store with something in it, closed.
fn filled() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let state = State::open(folder.path(), now()).unwrap();
    (1..=40).for_each(|count| state.commit(&counted(count)).unwrap());
    drop(state);
    folder
}

fn assert_whole(folder: &Path) {
    let state = State::open(folder, now()).unwrap();
    assert_eq!(state.counter(COUNTER).unwrap(), 40);
    assert_eq!(state.checkpoint(&sync()).unwrap(), Some(checkpoint(40)));
}

fn files(folder: &Path, begins: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy();
            name.starts_with(begins)
        })
        .collect();
    files.sort();
    files
}

/// The child's part: says what it found, then commits and says so, for ever. Does nothing in an ordinary test run.
#[test]
fn as_a_child_it_commits_until_it_is_killed() {
    let Some(folder) = std::env::var_os(CHILD_FOLDER) else {
        return;
    };
    let state = State::open(Path::new(&folder), now()).unwrap();
    let mut count = state.counter(COUNTER).unwrap();
    let found = state.checkpoint(&sync()).unwrap();
    let found = found.map_or(0, |checkpoint| checkpoint.completed);
    println!("\nfound {count} {found}");
    loop {
        count += 1;
        if let Err(error) = state.commit(&counted(count)) {
            println!("refused {error}: {:?}", std::error::Error::source(&error));
            return;
        }
        println!("kept {count}");
    }
}

fn child_command(folder: &Path, before: &str) -> Command {
    let exe = std::env::current_exe().unwrap();
    let name = "store::state::tests::as_a_child_it_commits_until_it_is_killed";
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", &format!("{before}exec \"$0\" \"$@\"")])
        .arg(exe)
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(CHILD_FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

fn start(folder: &Path, before: &str) -> (Child, BufReader<ChildStdout>) {
    let mut child = child_command(folder, before).spawn().unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    (child, out)
}

/// What the child says of itself, until it ends.
fn said(out: &mut impl BufRead) -> impl Iterator<Item = String> {
    out.lines().map_while(Result::ok).filter(|line| {
        let told = ["found ", "kept ", "refused "];
        told.iter().any(|begins| line.starts_with(begins))
    })
}

fn number(line: &str) -> u64 {
    line.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn no_acknowledged_commit_is_missing_after_sixty_kills() {
    let folder = tempfile::tempdir().unwrap();
    let mut kept = 0;
    for round in 0..60_usize {
        let (mut child, mut out) = start(folder.path(), "");
        let found = said(&mut out).next().unwrap();
        let (counter, checkpoint) = found.rsplit_once(' ').unwrap();
        assert_eq!(number(counter).to_string(), checkpoint, "half a commit");
        assert!(number(counter) >= kept, "round {round}: {found} < {kept}");
        // Another place in its work each time; what it says until it is dead is acknowledged too.
        let heard = said(&mut out).nth(round * 7 % 23).unwrap();
        child.kill().unwrap();
        kept = number(&said(&mut out).last().unwrap_or(heard));
        child.wait().unwrap();
        let mirrored = mirror::read(&folder.path().join("state.json")).unwrap();
        let mirrored = mirrored.unwrap().counters[COUNTER].0;
        assert!(mirrored >= kept, "round {round}: {mirrored} < {kept}");
    }
    assert!(kept > 60, "{kept}");
}

#[test]
fn a_file_that_may_not_grow_refuses_a_commit_and_loses_none_before() {
    let folder = tempfile::tempdir().unwrap();
    // 16 KiB. The signal that would end the process is ignored, as systemd has it.
    let limit = "trap '' XFSZ; ulimit -f 32; ";
    let (mut child, mut out) = start(folder.path(), limit);
    let told: Vec<String> = said(&mut out).collect();
    child.wait().unwrap();
    assert!(told.last().unwrap().starts_with("refused "), "{told:?}");
    let kept = told.iter().rfind(|line| line.starts_with("kept "));
    let kept = number(kept.expect("some fit"));
    let (mut child, mut out) = start(folder.path(), "");
    let found = number(&said(&mut out).next().unwrap());
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(found >= kept, "{found} < {kept}");
    assert!(files(folder.path(), "state.damaged").is_empty());
}

#[test]
fn a_snapshot_that_was_being_made_is_swept_away() {
    let folder = filled();
    let planted = folder.path().join("state/snap.00000000000000aa.generating");
    fs::write(&planted, b"half").unwrap();
    assert_whole(folder.path());
    assert!(!planted.exists());
}

#[test]
fn a_damaged_snapshot_is_made_anew_from_the_log() {
    for cut in [0, 1, 2] {
        let folder = filled();
        drop(State::open(folder.path(), now()).unwrap());
        let snapshots = files(&folder.path().join("state"), "snap.");
        assert!(!snapshots.is_empty());
        for snapshot in &snapshots {
            let bytes = fs::read(snapshot).unwrap();
            fs::write(snapshot, &bytes[..bytes.len() * cut / 3]).unwrap();
        }
        assert_whole(folder.path());
        assert!(files(folder.path(), "state.damaged").is_empty(), "{cut}/3");
    }
}

#[test]
fn what_cannot_be_opened_is_moved_aside_and_made_anew_from_the_mirror() {
    let folder = filled();
    fs::write(folder.path().join("state/conf"), b"no configuration").unwrap();
    assert_whole(folder.path());
    assert_eq!(files(folder.path(), "state.damaged").len(), 1);
    // And it stays so.
    assert_whole(folder.path());
    assert_eq!(files(folder.path(), "state.damaged").len(), 1);
}

#[test]
fn a_process_that_died_after_moving_it_aside_leaves_the_mirror_to_the_next() {
    let folder = filled();
    let aside = folder.path().join("state.damaged-1");
    fs::rename(folder.path().join("state"), aside).unwrap();
    assert_whole(folder.path());
}

#[test]
fn a_log_of_zeros_is_made_anew_from_the_mirror() {
    let folder = filled();
    let log = folder.path().join("state/db");
    let bytes = usize::try_from(fs::metadata(&log).unwrap().len()).unwrap();
    fs::write(&log, vec![0; bytes]).unwrap();
    assert_whole(folder.path());
}

#[test]
fn what_the_system_refuses_is_no_damage() {
    let folder = filled();
    let state = folder.path().join("state");
    fs::rename(&state, folder.path().join("elsewhere")).unwrap();
    fs::write(&state, b"a file where a folder should be").unwrap();
    assert!(State::open(folder.path(), now()).is_err());
    assert!(files(folder.path(), "state.damaged").is_empty());
}

#[test]
fn a_mirror_that_is_behind_is_written_anew() {
    let folder = filled();
    let mirror = folder.path().join("state.json");
    let whole = fs::read(&mirror).unwrap();
    for old in [
        &b"{\"checkpoints\":{},\"schedule\":{},\"counters\":{}}"[..],
        b"{",
    ] {
        fs::write(&mirror, old).unwrap();
        assert_whole(folder.path());
        assert_eq!(fs::read(&mirror).unwrap(), whole);
    }
}

#[test]
fn what_lacks_an_acknowledged_commit_is_made_anew_from_the_mirror() {
    let folder = filled();
    let older = tempfile::tempdir().unwrap();
    let state = older.path().join("state");
    let copy = |from: &Path, to: &Path| {
        let copied = Command::new("cp").arg("-a").args([from, to]).status();
        assert!(copied.unwrap().success());
    };
    copy(&folder.path().join("state"), &state);
    let opened = State::open(folder.path(), now()).unwrap();
    opened.commit(&counted(41)).unwrap();
    drop(opened);
    fs::remove_dir_all(folder.path().join("state")).unwrap();
    copy(&state, &folder.path().join("state"));
    let opened = State::open(folder.path(), now()).unwrap();
    assert_eq!(opened.counter(COUNTER).unwrap(), 41);
    assert_eq!(files(folder.path(), "state.damaged").len(), 1);
}

#[test]
fn what_is_damaged_and_cannot_be_made_anew_is_refused_and_left_alone() {
    for mirror in [None, Some("{")] {
        let folder = filled();
        let path = folder.path().join("state.json");
        match mirror {
            Some(text) => fs::write(&path, text).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        fs::write(folder.path().join("state/conf"), b"no configuration").unwrap();
        fs::write(folder.path().join("ledger.redb"), b"").unwrap();
        for _ in 0..2 {
            let error = State::open(folder.path(), now()).err().unwrap().to_string();
            assert!(error.contains("state restore"), "{error}");
        }
        assert!(files(folder.path(), "state.damaged").is_empty());
    }
}

#[test]
fn what_the_very_first_start_left_when_it_was_cut_is_begun_anew() {
    let folder = filled();
    fs::remove_file(folder.path().join("state.json")).unwrap();
    fs::write(folder.path().join("state/conf"), b"no configuration").unwrap();
    let opened = State::open(folder.path(), now()).unwrap();
    assert_eq!(opened.counter(COUNTER).unwrap(), 0);
    assert_eq!(files(folder.path(), "state.damaged").len(), 1);
}

#[test]
fn a_store_of_a_newer_rosterd_is_refused_and_left_alone() {
    let folder = filled();
    let state = State::open(folder.path(), now()).unwrap();
    let newer = stored("meta", VERSION, &Version(LAYOUT + 1)).unwrap();
    state.lock().meta.insert(VERSION, newer).unwrap();
    state.lock().sync().unwrap();
    drop(state);
    let mirror = fs::read(folder.path().join("state.json")).unwrap();
    let error = State::open(folder.path(), now()).err().unwrap();
    let told = error.to_string();
    assert!(
        told.contains("version 2 of meta") && told.contains("newer rosterd"),
        "{told}"
    );
    assert!(files(folder.path(), "state.damaged").is_empty());
    assert_eq!(fs::read(folder.path().join("state.json")).unwrap(), mirror);
}

#[test]
fn a_damaged_value_names_its_tree_and_its_key() {
    let folder = filled();
    let state = State::open(folder.path(), now()).unwrap();
    state
        .lock()
        .counters
        .insert("main", &b"nonsense"[..])
        .unwrap();
    let error = state.counter("main").unwrap_err();
    assert_eq!(error.to_string(), "table counters, key 6d61696e");
}
