//! `rosterd demo` through the built binary: what it tells, that it adds up, and that it needs and leaves nothing.

use std::fs;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::rig::{Running, child, ran};

/// A command that finds no home, no configuration and no network, and a folder that nothing may be left in.
fn demo(options: &[&str]) -> (Command, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = child::binary();
    command
        .env_clear()
        .env("TMPDIR", folder.path())
        .env("ROSTERD_CONFIG", "/nonexistent/rosterd.toml")
        .env("HTTP_PROXY", "http://127.0.0.1:9")
        .env("HTTPS_PROXY", "http://127.0.0.1:9")
        .current_dir(folder.path())
        .arg("demo")
        .args(options);
    (command, folder)
}

fn left(folder: &TempDir) -> Vec<String> {
    fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect()
}

/// What it printed, once it has ended well and left nothing.
fn told(options: &[&str]) -> String {
    let (command, folder) = demo(options);
    let told = ran(command);
    assert_eq!(told.stderr, "");
    assert_eq!(told.code, Some(0));
    assert_eq!(left(&folder), Vec::<String>::new());
    told.stdout
}

/// The numbers of a sync's rows, one row for each import.
fn rows(text: &str, sync: &str) -> Vec<Vec<u64>> {
    text.lines()
        .filter_map(|line| line.trim().strip_prefix(sync))
        .map(|rest| {
            let cells = rest.split_whitespace();
            cells
                .map(|cell| cell.replace(',', "").parse().unwrap())
                .collect()
        })
        .collect()
}

#[test]
fn the_demo_tells_what_became_of_three_people() {
    let text = told(&[]);
    for sentence in [
        "Ann Lee got a new last name in the CRM. Still on Newsletter, as Ann Morgan.",
        "Ben O'Brien opted out in the CRM. Unsubscribed from Newsletter.",
        "Chloe Łukasz was deleted from the CRM. Unsubscribed from Newsletter.",
    ] {
        assert!(text.contains(sentence), "{sentence}\n{text}");
    }
    assert!(text.contains(r#"pattern  = "((1 and 2) and (3 or 4))""#));
    assert!(
        !text.contains('\x1b'),
        "no colour where there is no terminal"
    );
    assert!(text.lines().all(|line| line.chars().count() <= 100));
}

#[test]
fn the_histories_of_the_demo_add_up() {
    let text = told(&["--quiet"]);
    for sync in ["newsletter ", "hospitality ", "event-guests "] {
        let imports = rows(&text, sync);
        assert_eq!(imports.len(), 2, "{sync}\n{text}");
        for row in &imports {
            let [total, new, re_added, duplicate, ignored, updated, ..] = row[..] else {
                panic!("{sync}: {row:?}");
            };
            assert_eq!(total, new + re_added + duplicate + ignored, "{sync}");
            assert!(updated <= duplicate, "{sync}");
        }
        assert!(
            imports[0][0] > imports[1][0],
            "the second reads changes only"
        );
    }
}

#[test]
fn the_demo_in_json_agrees_with_the_lists() {
    let text = told(&["--json"]);
    assert_eq!(text.lines().count(), 1);
    let story: Value = serde_json::from_str(&text).unwrap();
    let number = |value: &Value| value.as_u64().unwrap();
    for import in story["imports"].as_array().unwrap() {
        for run in import["runs"].as_array().unwrap() {
            assert_eq!(run["outcome"], "completed");
            let by = run["ignored_by"].as_object().unwrap().values();
            assert_eq!(by.map(number).sum::<u64>(), number(&run["ignored"]));
        }
    }
    let [first, second] = [0, 1].map(|nth| &story["imports"][nth]);
    let active = |import: &Value| number(&import["lists"]["Newsletter"]["active"]);
    let (added, run) = (&first["runs"][0], &second["runs"][0]);
    assert_eq!(active(first), number(&added["new"]));
    // One contact bounced in Campaigns, which no run did.
    let bounced = number(&second["lists"]["Newsletter"]["bounced"]);
    assert_eq!(bounced, 1);
    assert_eq!(
        active(second) + number(&run["deleted"]) + bounced,
        active(first) + number(&run["new"])
    );
    assert_eq!(number(&run["ignored_by"]["bounced"]), 1);
    assert_eq!(
        story["people"][1]["before"]["lists"]["Newsletter"],
        "active"
    );
    assert_eq!(
        story["people"][1]["after"]["lists"]["Newsletter"],
        "unsubscribed"
    );
}

#[test]
fn a_demo_that_cannot_keep_files_says_so() {
    let (mut command, folder) = demo(&[]);
    let missing = folder.path().join("missing");
    command.env("TMPDIR", &missing);
    let told = ran(command);
    assert_eq!(told.code, Some(1));
    assert!(told.stderr.contains("TMPDIR"), "{}", told.stderr);
    assert_eq!(told.stdout, "");
}

#[test]
fn a_demo_whose_reader_went_away_leaves_nothing_either() {
    let (command, folder) = demo(&[]);
    assert_eq!(child::unread(command).code, Some(0));
    assert_eq!(left(&folder), Vec::<String>::new());
}

#[test]
fn a_demo_that_is_interrupted_leaves_nothing() {
    let (command, folder) = demo(&[]);
    let mut running = Running::apart(command);
    // It has taken the signals over before it makes its folder; the loop ends at the latest when it does.
    while left(&folder).is_empty() && running.is_running() {
        std::thread::yield_now();
    }
    if running.is_running() {
        running.signal("INT");
    }
    let code = running.end().code;
    // 0 if it came too late.
    assert!(matches!(code, Some(75 | 0)), "{code:?}");
    assert_eq!(left(&folder), Vec::<String>::new());
}
