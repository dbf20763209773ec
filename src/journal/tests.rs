use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

fn open(dir: &Path) -> Journal {
    Journal::open(dir, &samples::small()).unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn folder_and_files_are_for_the_service_and_its_group() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("history");
    let mut journal = open(&dir);
    for number in 0..7 {
        journal
            .append(samples::at(number), &samples::big(number))
            .unwrap();
    }
    assert_eq!(mode(&dir), 0o750);
    let names: Vec<_> = fs::read_dir(&dir).unwrap().map(Result::unwrap).collect();
    assert!(names.len() > 1);
    for entry in names {
        assert_eq!(mode(&entry.path()), 0o640, "{entry:?}");
    }
}

#[test]
fn a_torn_last_line_is_cut_off_wherever_it_was_torn() {
    let line = samples::line(1);
    for torn in [1, 20, 70_000, line.len() - 1] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history.jsonl");
        let rest = line.as_bytes().iter().copied().cycle().take(torn);
        let mut bytes = format!("{line}\n").into_bytes();
        bytes.extend(rest);
        fs::write(&path, bytes).unwrap();
        let mut journal = open(dir.path());
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{line}\n"));
        journal
            .append(samples::at(2), &samples::finished())
            .unwrap();
        assert!(read(dir.path()).unwrap().all(|line| line.is_ok()));
    }
}

#[test]
fn a_last_line_that_lacks_only_its_newline_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("history.jsonl");
    fs::write(&path, samples::line(1)).unwrap();
    let journal = open(dir.path());
    assert!(journal.contains_finished(samples::run(1)).unwrap());
    assert!(fs::read_to_string(&path).unwrap().ends_with("}\n"));
}

#[test]
fn a_run_that_finished_is_found_in_every_file_and_others_are_not() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    for number in 0..12 {
        journal
            .append(samples::at(number), &samples::big(number))
            .unwrap();
    }
    let started = samples::every_event().remove(0);
    journal.append(samples::at(12), &started).unwrap();
    journal.sync().unwrap();
    for number in 0..14 {
        let found = journal.contains_finished(samples::run(number)).unwrap();
        assert_eq!(found, number < 12, "{number}");
    }
    drop(journal);
    assert!(open(dir.path()).contains_finished(samples::run(0)).unwrap());
}

#[test]
fn only_the_newest_rotated_files_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let history = History {
        keep_rotated: 2,
        ..samples::small()
    };
    let mut journal = Journal::open(dir.path(), &history).unwrap();
    for number in 0..40 {
        journal
            .append(samples::at(number), &samples::big(number))
            .unwrap();
    }
    let numbers: Vec<_> = files::rotated(dir.path()).unwrap().into_iter().collect();
    assert_eq!(numbers.len(), 2);
    assert!(numbers[0] > 2);
    let times: Vec<_> = read(dir.path())
        .unwrap()
        .map(|line| line.unwrap().at)
        .collect();
    assert_eq!(times.last(), Some(&samples::at(39)));
    assert!(times.windows(2).all(|pair| pair[0] < pair[1]));
}

#[test]
fn a_crash_between_rename_and_the_new_file_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    journal
        .append(samples::at(1), &samples::finished())
        .unwrap();
    files::set_aside(dir.path()).unwrap();
    drop(journal);
    assert_eq!(read(dir.path()).unwrap().count(), 1);
    open(dir.path());
    assert_eq!(read(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_damaged_rotated_file_does_not_stop_the_search() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("history.jsonl.1"), samples::line(1) + "\n").unwrap();
    fs::write(dir.path().join("history.jsonl.2.gz"), b"no gzip").unwrap();
    let journal = open(dir.path());
    assert!(journal.contains_finished(samples::run(1)).unwrap());
    assert!(!journal.contains_finished(samples::run(2)).unwrap());
}
