//! The commands through the built binary: help, exit codes, messages, and the history over a written journal.

mod explain;
mod patterns;

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::rig::discretion::assert_history_discreet;
use crate::rig::{Ran, Running, child, ran, until};

const FILES: &str = r#"
timezone = "Europe/Berlin"
state_dir = "state"
history_dir = "history"

[accounts.main]
client_id = "1000.TEST"
client_secret = "invented"
refresh_token = "1000.invented"
"#;

const NEWSLETTER: &str = r#"
name = "Newsletter"
module = "Contacts"
list = "3znewsletter"
select = { all = true }
schedule = { every = "hour" }
"#;

const JOURNAL: &str = include_str!("../golden/history/history.jsonl");
const RUN: &str = "01JD9Z6M3N2E8QW5RTYVB7K4XC";

/// A folder with valid files and a journal that a power cut ended.
struct Set {
    dir: TempDir,
}

impl Set {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let set = Self { dir };
        set.put("rosterd.toml", FILES);
        set.put("syncs.d/newsletter.toml", NEWSLETTER);
        set.put("history/history.jsonl", JOURNAL);
        // It holds secrets.
        let only_mine = Permissions::from_mode(0o600);
        fs::set_permissions(set.path("rosterd.toml"), only_mine).unwrap();
        set
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn put(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn command(&self, line: &str) -> Command {
        rosterd(&self.path("rosterd.toml"), line)
    }

    fn run(&self, line: &str) -> Ran {
        ran(self.command(line))
    }
}

impl Drop for Set {
    fn drop(&mut self) {
        // A test that fails already has more to say than this.
        if !std::thread::panicking() {
            assert_history_discreet(&self.path("history"));
        }
    }
}

fn rosterd(config: &Path, line: &str) -> Command {
    let mut command = child::binary();
    command.env("ROSTERD_CONFIG", config);
    command.args(line.split_whitespace());
    command
}

/// Compares with a file of `tests/golden`, or writes it where `ROSTERD_GOLDEN=write` is set.
fn assert_golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    if std::env::var("ROSTERD_GOLDEN").is_ok_and(|value| value == "write") {
        fs::write(&path, text).unwrap();
    }
    assert_eq!(text, fs::read_to_string(&path).unwrap(), "{name}");
}

#[test]
fn help_lists_the_commands_and_the_exit_codes() {
    let help = Set::new().run("--help");
    assert_eq!(help.code, Some(0));
    for word in [
        "daemon", "check", "status", "sync", "plan", "history", "login", "sandbox", "demo", "75",
        "78",
    ] {
        assert!(help.stdout.contains(word), "{word}");
    }
    for command in [
        "daemon", "check", "status", "sync", "history", "login", "sandbox", "demo",
    ] {
        let help = Set::new().run(&format!("{command} --help"));
        assert_eq!(
            (help.code, help.stderr.as_str()),
            (Some(0), ""),
            "{command}"
        );
    }
}

#[test]
fn what_decides_on_removals_is_told_with_its_consequences() {
    for (command, words) in [
        (
            "approve",
            [
                "rosterd approve 01",
                "what the last run read",
                "Exit code 1 ",
            ],
        ),
        (
            "discard",
            ["rosterd discard 01", "stays on the list", "Exit code 2 "],
        ),
    ] {
        let help = Set::new().run(&format!("{command} --help")).stdout;
        for word in words {
            assert!(help.contains(word), "{word}: {help}");
        }
    }
}

#[test]
fn wrong_usage_names_what_is_missing_and_nothing_besides() {
    let ran = Set::new().run("sync");
    assert!(ran.stderr.contains("<SYNC>"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("--config"), "{}", ran.stderr);
}

#[test]
fn a_sync_that_does_not_exist_is_answered_with_the_nearest_one() {
    let proposal = "there is no sync `newslettr`: did you mean `newsletter`?";
    for line in [
        "sync newslettr",
        "check --explain newslettr",
        "plan newslettr",
    ] {
        let ran = Set::new().run(line);
        assert_eq!(ran.code, Some(2), "{line}");
        assert!(ran.stderr.contains(proposal), "{line}: {}", ran.stderr);
    }
}

#[test]
fn wrong_usage_ends_with_two() {
    for line in [
        "",
        "frobnicate",
        "history --since soon",
        "history --ignored",
        "sync",
        "man frobnicate",
        "completions frobnish",
    ] {
        let ran = Set::new().run(line);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{line}");
        assert!(!ran.stderr.is_empty(), "{line}");
    }
}

#[test]
fn completions_and_pages_are_made_for_packaging() {
    for (line, word) in [
        ("completions bash", "_rosterd"),
        ("completions zsh", "#compdef rosterd"),
        ("man", ".TH rosterd"),
        ("man history", "\\-\\-since"),
    ] {
        let ran = Set::new().run(line);
        assert_eq!(ran.code, Some(0), "{line}");
        assert!(ran.stdout.contains(word), "{line}");
    }
}

#[test]
fn without_a_file_every_command_that_needs_it_names_it_and_the_remedy() {
    for line in ["check", "history", "history --follow"] {
        let path = Path::new("/nowhere/rosterd.toml");
        let ran = ran(rosterd(path, line));
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(78), ""), "{line}");
        for word in ["/nowhere/rosterd.toml", "--config"] {
            assert!(ran.stderr.contains(word), "{line}: {}", ran.stderr);
        }
    }
    let ran = ran(rosterd(Path::new("/nowhere/rosterd.toml"), "check --json"));
    assert_eq!(ran.code, Some(78));
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(document["problems"][0]["file"], "/nowhere/rosterd.toml");
}

#[test]
fn valid_files_are_said_to_be_valid() {
    let set = Set::new();
    let ran = set.run("check");
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    assert_eq!(
        ran.stdout,
        "1 sync in 1 account: all files are valid (whether the services have all that they name, `--online` tells)\n"
    );
    assert_eq!(set.run("check --json").stdout, "{\"problems\":[]}\n");
}

#[test]
fn the_history_is_a_table() {
    let ran = Set::new().run("history");
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    assert_golden("history/table.txt", &ran.stdout);
}

#[test]
fn the_history_can_be_narrowed() {
    for (line, runs) in [
        ("history --json", 4),
        ("history hospitality --json", 2),
        ("history --since 2026-11-22T12:00:01Z --json", 2),
        ("history newsletter --since 2026-11-22 --json", 1),
        ("history --since 2026-11-23 --json", 0),
        ("history --run 01jdb --json", 1),
    ] {
        let ran = Set::new().run(line);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{line}");
        assert_eq!(ran.stdout.lines().count(), runs, "{line}");
        for told in ran.stdout.lines() {
            assert!(
                JOURNAL.contains(told) && told.contains("run.finished"),
                "{told}"
            );
        }
    }
}

#[test]
fn a_run_is_told_in_full() {
    for (line, golden) in [
        ("history --run 01JD9Z6M3N", "history/run.txt"),
        ("history newsletter --run 01JD4", "history/run-resumed.txt"),
        ("history --run 01JDB", "history/run-failed.txt"),
        ("history --run 01JDC", "history/run-held.txt"),
        ("history --run 01JDD", "history/run-unfinished.txt"),
    ] {
        let ran = Set::new().run(line);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{line}");
        assert_golden(golden, &ran.stdout);
    }
}

#[test]
fn whom_a_run_ignored_is_listed_and_cannot_command_the_terminal() {
    let set = Set::new();
    let rows = concat!(
        r#"{"record":"4150868000000376008","address":"jane@aol","reason":"invalid_pattern","detail":"no dot in the domain"}"#,
        "\n",
        r#"{"record":"4150868000000376009","address":"x\u001b[2J@example.com","reason":"bounced","detail":""}"#,
        "\n"
    );
    set.put(&format!("history/ignored/{RUN}.jsonl"), rows);
    let line = format!("history --run {RUN} --ignored");
    let ran = set.run(&line);
    let want = "\
record               address                     reason           detail
4150868000000376008  jane@aol                    invalid_pattern  no dot in the domain
4150868000000376009  x\\u{1b}[2J@example.com      bounced          bounced in Campaigns
";
    let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(squeeze(&ran.stdout), squeeze(want));
    assert_eq!(set.run(&format!("{line} --json")).stdout, rows);
    let none = set.run("history --run 01JDB --ignored");
    assert_eq!((none.code, none.stdout.as_str()), (Some(0), ""));
    assert!(none.stderr.contains("keep_ignored_days"));
}

#[test]
fn what_does_not_exist_is_refused_with_what_does() {
    for (line, words) in [
        (
            "history nosuch",
            vec!["sync `nosuch`", "hospitality", "newsletter"],
        ),
        (
            "history --run 01X",
            vec!["run `01X`", RUN, "01JDD0000000000000000000H1"],
        ),
        ("history --run 01JD", vec!["several", RUN]),
        ("history newsletter --run 01JD9", vec![RUN, "`hospitality`"]),
    ] {
        let ran = Set::new().run(line);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{line}");
        for word in words {
            assert!(ran.stderr.contains(word), "{line}: {}", ran.stderr);
        }
    }
}

#[test]
fn a_sync_that_never_ran_has_an_empty_history() {
    let set = Set::new();
    set.put("history/history.jsonl", "");
    let ran = set.run("history newsletter");
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ""));
    assert!(ran.stderr.contains("no run yet"));
    assert_eq!(set.run("history newsletter --json --quiet").stderr, "");
}

#[test]
fn readers_leave_a_torn_line_alone_and_warn_of_a_bad_one() {
    let set = Set::new();
    let path = set.path("history/history.jsonl");
    set.run("history");
    assert_eq!(fs::read_to_string(&path).unwrap(), JOURNAL);
    set.put("history/history.jsonl", &format!("rubbish\n{JOURNAL}"));
    let ran = set.run("history --json");
    assert_eq!((ran.code, ran.stdout.lines().count()), (Some(0), 4));
    assert!(ran.stderr.contains("line 1 of ") && ran.stderr.contains("history.jsonl"));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let set = Set::new();
    let whole = JOURNAL.rsplit_once('\n').unwrap().0;
    set.put("history/history.jsonl", &format!("{whole}\n").repeat(500));
    let ran = child::unread(set.command("history --json"));
    assert_eq!(ran.code, Some(0));
    assert_eq!(ran.stderr, "");
}

#[test]
fn follow_goes_on_over_a_rotation_until_it_is_asked_to_stop() {
    let set = Set::new();
    let line = JOURNAL.lines().find(|line| line.contains(RUN)).unwrap();
    let path = set.path("history/history.jsonl");
    set.put("history/history.jsonl", &format!("{line}\n"));
    let follower = Running::apart(set.command("history --follow"));
    let mut read = 0;
    let mut next = || {
        let mut told = None;
        until("another line", || {
            let whole = follower.stdout();
            let whole = whole
                .split_inclusive('\n')
                .filter(|line| line.ends_with('\n'));
            told = whole.map(|line| line.trim_end().to_owned()).nth(read);
            told.is_some()
        });
        read += 1;
        told.unwrap()
    };
    assert!(next().starts_with("when (Europe/Berlin)"));
    let row = next();
    assert!(row.contains("hospitality"));
    let mut file = OpenOptions::new().append(true).open(&path).unwrap();
    let (half, rest) = line.split_at(100);
    write!(file, "{half}").unwrap();
    writeln!(file, "{rest}").unwrap();
    assert_eq!(next(), row);
    fs::rename(&path, set.path("history/history.jsonl.1")).unwrap();
    writeln!(file, "{line}").unwrap();
    set.put("history/history.jsonl", &format!("{line}\n"));
    assert_eq!((next(), next()), (row.clone(), row));
    follower.signal("INT");
    assert_eq!(follower.end().code, Some(0));
}
