//! Whom a run ignored: the file, who may read it and for how long, and the command that shows it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rosterd::domain::ids::RunId;
use serde_json::{Value, json};

use super::ALL_CONTACTS;
use crate::rig::{Rig, Setup};

const DAY_MS: u64 = 86_400_000;

/// A run that ignored everybody with an address of `addresses`.
fn ignoring(addresses: &[&str]) -> (Rig, Value) {
    let rig = Rig::new(0);
    rig.sync("newsletter", ALL_CONTACTS);
    for address in addresses {
        rig.create("Contacts", &json!({"Last_Name": "A", "Email": address}));
    }
    let run = rig.import("newsletter");
    assert_eq!(run["ignored"], addresses.len(), "{run}");
    (rig, run)
}

fn id(run: &Value) -> &str {
    run["run"].as_str().unwrap()
}

#[test]
fn each_ignored_record_is_a_line_of_four_keys_in_their_promised_order() {
    let (rig, run) = ignoring(&["jane@aol", "Info@Example.com", " "]);
    let line = format!("history --run {} --ignored --json", id(&run));
    let printed = rig.done(&line);
    let mut lines: Vec<&str> = printed.lines().collect();
    lines.sort_unstable();
    let records = rig.records("Contacts");
    let record = |place: usize| records[place]["id"].as_str().unwrap();
    let mut want = [
        format!(
            r#"{{"record":"{}","address":"jane@aol","reason":"invalid_pattern","detail":"no dot in the domain"}}"#,
            record(0)
        ),
        format!(
            r#"{{"record":"{}","address":"Info@Example.com","reason":"group_email","detail":"a role address"}}"#,
            record(1)
        ),
        format!(
            r#"{{"record":"{}","address":"","reason":"empty_email","detail":"no address"}}"#,
            record(2)
        ),
    ];
    want.sort_unstable();
    assert_eq!(lines, want);
    // What is printed is the file.
    let file = rig.path(&format!("history/ignored/{}.jsonl", id(&run)));
    assert_eq!(printed, fs::read_to_string(file).unwrap());
    // The beginning of an id will do, and a run without a file is told from one that ignored nobody.
    let short = &id(&run)[..20];
    assert_eq!(
        rig.done(&format!("history --run {short} --ignored --json")),
        printed
    );
    rig.advance(60);
    let idle = rig.import("newsletter");
    let none = rig.run(&format!("history --run {} --ignored", id(&idle)));
    assert_eq!((none.code, none.stdout.as_str()), (Some(0), ""));
    assert!(none.stderr.contains("ignored nobody"), "{}", none.stderr);
}

#[test]
fn only_the_service_and_its_group_may_read_whom_a_run_ignored() {
    let (rig, run) = ignoring(&["jane@aol"]);
    let mode = |path: &str| {
        let metadata = fs::metadata(rig.path(path)).unwrap();
        metadata.permissions().mode() & 0o7777
    };
    assert_eq!(mode(&format!("history/ignored/{}.jsonl", id(&run))), 0o640);
    assert_eq!(mode("history/ignored"), 0o750);
    assert_eq!(mode("history/history.jsonl"), 0o640);
    assert_eq!(mode("history"), 0o750);
}

#[test]
fn a_file_is_kept_for_its_days_and_gone_with_the_next_run() {
    let rig = Rig::with(&Setup {
        people: 0,
        settings: "[history]\nkeep_ignored_days = 30\n",
        ..Setup::default()
    });
    rig.sync("newsletter", ALL_CONTACTS);
    let first = rig.import("newsletter");
    let now = u64::try_from(rosterd::clock::Clock::system().now().as_millisecond()).unwrap();
    let of_days = |days: u64| {
        let run = RunId::new(now - days * DAY_MS, 7);
        let name = format!("history/ignored/{run}.jsonl");
        rig.put(&name, "");
        name
    };
    let (old, older, recent) = (of_days(31), of_days(400), of_days(29));
    rig.put("history/ignored/notes.txt", "somebody's own");
    rig.advance(60);
    let second = rig.import("newsletter");
    for gone in [old, older] {
        assert!(!rig.path(&gone).exists(), "{gone}");
    }
    let own = |run: &Value| format!("history/ignored/{}.jsonl", id(run));
    for kept in [
        recent,
        own(&first),
        own(&second),
        "history/ignored/notes.txt".to_owned(),
    ] {
        assert!(rig.path(&kept).exists(), "{kept}");
    }
    // The run itself is told for longer than whom it ignored.
    fs::remove_file(rig.path(&own(&first))).unwrap();
    let ran = rig.run(&format!("history --run {} --ignored", id(&first)));
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ""));
    assert!(ran.stderr.contains("keep_ignored_days"), "{}", ran.stderr);
}

#[test]
fn an_address_cannot_speak_to_the_terminal_it_is_shown_on() {
    let (rig, run) = ignoring(&[
        "\u{1b}[2J\u{1b}]0;owned\u{7}jane@example.com",
        "jane\u{9b}31m@example.com",
        "jane\r\n@example.com",
        "\u{202e}moc.elpmaxe@enaj",
        "jane@exam\u{200b}ple.com",
        "jane@example.com\u{feff}",
        "jane\u{ad}@example.com",
    ]);
    let shown = rig.done(&format!("history --run {} --ignored", id(&run)));
    assert_eq!(shown.lines().count(), 1 + 7, "each is one line: {shown:?}");
    let harmful = |c: &char| {
        let invisible = ['\u{9b}', '\u{202e}', '\u{200b}', '\u{feff}', '\u{ad}'];
        (c.is_control() && *c != '\n') || invisible.contains(c)
    };
    assert_eq!(shown.chars().find(harmful), None, "{shown:?}");
    for spelled in [
        r"\u{1b}[2J\u{1b}]0;owned\u{7}jane@example.com",
        r"jane\u{9b}31m@example.com",
        r"jane\r\n@example.com",
        r"\u{202e}moc.elpmaxe@enaj",
        r"jane@exam\u{200b}ple.com",
        r"jane@example.com\u{feff}",
        r"jane\u{ad}@example.com",
    ] {
        assert!(shown.contains(spelled), "{spelled} in {shown:?}");
    }
    // JSON keeps the address as it is, and escapes what a line cannot hold.
    let json = rig.done(&format!("history --run {} --ignored --json", id(&run)));
    assert_eq!(json.lines().count(), 7);
    assert!(json.contains(r"\u001b[2J"), "{json:?}");
}
