//! Commands beside a daemon give what they give without one.

use std::fs;

use serde_json::{Value, json};

use super::{SELDOM, rig};
use crate::rig::{HOSPITALITY, NEWSLETTER, Rig, Running, counts};
use crate::scenarios::plain_contacts;

/// What was said and done in a rig, with a daemon or without.
struct Side {
    rig: Rig,
    daemon: Option<Running>,
    /// Lines, exit codes, and what was printed, with what differs from rig to rig taken out.
    told: Vec<(String, Option<i32>, String, String)>,
}

impl Side {
    fn new(with_daemon: bool) -> Self {
        let rig = rig();
        let daemon = with_daemon.then(|| rig.daemon());
        Self {
            rig,
            daemon,
            told: Vec::new(),
        }
    }

    fn run(&mut self, want: i32, line: &str) -> String {
        let ran = self.rig.run(line);
        assert_eq!(ran.code, Some(want), "{line}: {}", ran.stderr);
        // That of a run that failed says how long it took.
        let stdout = match want {
            77 => String::new(),
            _ => self.plain(&ran.stdout),
        };
        // What is noted besides may differ where it is done.
        let stderr = match want {
            0 => String::new(),
            _ => self.plain(&ran.stderr),
        };
        self.told.push((self.plain(line), ran.code, stdout, stderr));
        ran.stdout
    }

    /// New files, which a daemon is told of.
    fn sync(&self, id: &str, text: &str) {
        self.rig.sync(id, text);
        if self.daemon.is_some() {
            self.rig.done("reload");
        }
    }

    fn delete(&self, people: &[(String, String)]) {
        self.rig.advance(60);
        for (id, _) in people {
            self.rig.delete("Contacts", id);
        }
        self.rig.advance(60);
    }

    fn plain(&self, text: &str) -> String {
        let folder = self.rig.path("").display().to_string();
        let text = text.replace(&folder, "/").replace(self.rig.url(), "URL");
        let is_word = |c: char| c.is_ascii_alphanumeric() || ":.-".contains(c);
        let mut plain = String::new();
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let (word, after) = rest.split_at(rest.find(|c| !is_word(c)).unwrap_or(rest.len()));
            plain += of_a_time(word);
            let between = after.find(is_word).unwrap_or(after.len());
            plain += &after[..between];
            rest = &after[between..];
        }
        plain
    }
}

/// A word, unless it is a run's id, a time or how long something took.
fn of_a_time(word: &str) -> &str {
    let is_id = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
    let begins_with_digit = word.starts_with(|c: char| c.is_ascii_digit());
    match word {
        _ if word.len() == 26 && word.chars().all(is_id) => "RUN",
        _ if begins_with_digit && word.contains(':') => "TIME",
        _ => word,
    }
}

fn told(json: &str) -> Value {
    serde_json::from_str(json).unwrap()
}

/// What of a plan does not depend on what was asked of the services before.
fn planned(plan: &str) -> Value {
    let mut plan: Value = serde_json::from_str(plan).unwrap();
    let people = plan["people"].as_array_mut().unwrap();
    assert!(!people.is_empty());
    people.sort_by_key(|person| person["record"].to_string());
    let keys = ["sync", "full", "counts", "outcome", "active", "people"];
    keys.iter().map(|key| (*key, plan[*key].clone())).collect()
}

/// Goes through all that can be asked; what it answers has to be the same with a daemon and without.
fn all_commands(side: &mut Side) -> Vec<Value> {
    let mut runs = Vec::new();
    let people = plain_contacts(&side.rig);
    for line in [
        "sync nothing",
        "plan nothing",
        "why ann@example.com nothing",
        "adopt nothing",
        "activate newsletter nothing",
        "activate --account nobody",
        "deactivate nothing",
        "approve 01NOSUCHRUN",
        "discard 01NOSUCHRUN",
        "release nobody --reason x",
    ] {
        side.run(2, line);
    }
    side.run(3, "adopt newsletter");
    runs.push(planned(&side.rig.done("plan newsletter --people --json")));
    side.rig.done("plan newsletter --people");
    let run = side.rig.done("sync newsletter --json");
    let journal = side.rig.events("run.finished");
    assert_eq!(
        &serde_json::from_str::<Value>(&run).unwrap(),
        journal.last().unwrap()
    );
    runs.push(counts(&told(&run)));
    let text = side.rig.done("sync newsletter");
    let last = side.rig.events("run.finished").pop().unwrap();
    assert!(text.contains(last["run"].as_str().unwrap()), "{text}");
    side.run(0, &format!("why {}", people[0].1));
    side.run(0, &format!("why {} newsletter --json", people[0].1));
    side.run(0, "why never-seen@example.com --json");
    side.run(0, "adopt newsletter");
    side.run(0, "adopt newsletter --json");

    for (verdict, gone) in [("approve", &people[..4]), ("discard", &people[4..8])] {
        side.delete(gone);
        let held = side.rig.run("sync newsletter --json");
        assert_eq!(held.code, Some(3), "{}", held.stderr);
        runs.push(counts(&told(&held.stdout)));
        let run: Value = serde_json::from_str(&held.stdout).unwrap();
        let line = format!("{verdict} {}", run["run"].as_str().unwrap());
        side.run(0, &format!("{line} --json"));
        side.run(2, &line);
    }

    let blocked = "blocked@example.com";
    let lead = json!({"Last_Name": "L", "Company": "C", "Email": blocked, "Email_Opt_Out": true});
    let lead = side.rig.create("Leads", &lead);
    let contact = json!({"Last_Name": "C", "Email": blocked});
    side.rig.create("Contacts", &contact);
    side.rig.advance(600);
    runs.push(counts(&told(&side.rig.done("sync newsletter --json"))));
    let release = format!("release {blocked} --reason merged");
    assert_eq!(side.rig.run(&release).code, Some(3));
    side.rig.delete("Leads", &lead);
    side.rig.advance(600);
    side.rig.done("sync newsletter");
    let down = json!({"status": {"status": 500, "body": "{}"}});
    side.rig.fault(&json!({"service": "crm", "what": down}));
    assert_eq!(side.rig.run(&release).code, Some(75));
    assert_eq!(side.rig.run("sync newsletter").code, Some(75));
    assert_eq!(side.rig.run("plan newsletter").code, Some(75));
    side.rig.drop_faults();
    side.run(0, &release);
    side.run(3, &release);

    side.run(0, "deactivate newsletter");
    side.run(0, "deactivate newsletter --json");
    side.run(3, "sync newsletter");
    side.run(3, "adopt newsletter");
    side.run(0, "activate newsletter leads --json");
    side.run(0, "activate newsletter");
    side.run(0, "deactivate newsletter leads");
    side.run(0, "activate --account main");

    side.run(0, &format!("forget {} --json", people[9].1));
    side.run(0, &format!("forget {}", people[9].1));
    side.run(0, &format!("why {}", people[9].1));

    let misfit = format!(
        "name = \"Misfit\"\nmodule = \"Contacts\"\nlist = \"{HOSPITALITY}\"\nschedule = {SELDOM}\n\
         [[select.criteria]]\nfield = \"Mailing_Citty\"\noperator = \"is\"\nvalue = \"Lisbon\"\n"
    );
    side.sync("misfit", &misfit);
    for line in ["sync misfit", "plan misfit"] {
        side.run(78, line);
        let (.., stderr) = side.told.last().unwrap();
        for part in ["syncs.d/misfit.toml:6:9", "^^^", "`Mailing_City`"] {
            assert!(stderr.contains(part), "{part}: {stderr}");
        }
    }
    let revoked = json!({"refresh_token_revoked": true, "revoke_access_tokens": true});
    side.rig.post("/accounts", &revoked);
    for line in ["sync newsletter", "plan newsletter"] {
        side.run(77, line);
    }
    runs
}

#[test]
fn every_command_gives_beside_a_daemon_what_it_gives_without() {
    let (mut alone, mut beside) = (Side::new(false), Side::new(true));
    let runs = [all_commands(&mut alone), all_commands(&mut beside)];
    assert_eq!(runs[0], runs[1]);
    assert_eq!(alone.told.len(), beside.told.len());
    for (one, other) in alone.told.iter().zip(&beside.told) {
        assert_eq!(one, other);
    }
    for standing in ["active", "unsubscribed"] {
        let members = [&alone, &beside].map(|side| {
            let members = side.rig.members(NEWSLETTER, standing);
            members.into_keys().collect::<Vec<_>>()
        });
        assert_eq!(members[0], members[1], "{standing}");
    }
    let events = [&alone, &beside].map(|side| {
        let mut events = side.rig.journal();
        // Without a daemon there is nothing that reloads.
        events.retain(|event| event["event"] != "config.reloaded");
        let name = |event: &Value| format!("{} {}", event["event"], event["outcome"]);
        events.iter().map(name).collect::<Vec<_>>()
    });
    assert_eq!(events[0], events[1]);
    beside.daemon.take().unwrap().stop();
}

#[test]
fn beside_a_daemon_no_secret_is_needed_and_its_files_count_and_not_those_on_the_disk() {
    let rig = rig();
    let daemon = rig.daemon();
    fs::remove_dir_all(rig.path("secrets")).unwrap();
    rig.sync("newsletter", "name = \"Broken\"\nmodul = 1\n");
    let run = rig.import("newsletter");
    assert_eq!(run["outcome"], "completed");
    let address = plain_contacts(&rig)[0].1.clone();
    for line in [
        "plan newsletter",
        &format!("why {address}"),
        "adopt newsletter",
        &format!("forget {address}"),
        "deactivate newsletter",
        "activate newsletter",
        "sync newsletter",
    ] {
        rig.done(line);
    }
    assert_eq!(rig.run("reload").code, Some(78));
    daemon.stop();
    assert_eq!(rig.run("sync newsletter").code, Some(78));
}

#[test]
fn a_daemon_that_was_started_with_a_relative_path_is_found_from_any_folder() {
    let rig = rig();
    let mut command = rig.command_by_the_system_clock("");
    let mut relative = std::process::Command::new(command.get_program());
    relative.current_dir(rig.path(""));
    relative.args(["--config", "rosterd.toml", "daemon"]);
    for (name, value) in command.get_envs().filter(|(_, value)| value.is_none()) {
        assert!(value.is_none());
        relative.env_remove(name);
    }
    command.arg("reload");
    let daemon = rig.start_command("daemon", relative);
    daemon.until_says("rosterd is running");
    let ran = crate::rig::ran(command);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    daemon.stop();
}

#[test]
fn the_log_says_what_was_asked_and_by_which_user_and_names_nobody() {
    let rig = rig();
    let daemon = rig.daemon();
    rig.import("newsletter");
    let address = plain_contacts(&rig)[0].1.clone();
    for (code, line) in [
        (0, format!("why {address}")),
        (3, format!("release {address} --reason merged")),
        (0, format!("forget {address}")),
        (0, "deactivate leads".to_owned()),
        (2, "adopt who@example.com".to_owned()),
        (2, "sync who@example.com".to_owned()),
        (0, "reload".to_owned()),
    ] {
        assert_eq!(rig.run(&line).code, Some(code), "{line}");
    }
    super::raw::ask(&rig, "GET /forget/ann@example.com HTTP/1.1\r\n", "");
    daemon.signal("TERM");
    let log = daemon.end().stderr;
    let uid = rustix::process::geteuid().as_raw();
    for what in ["run", "release", "forget", "activation", "adopt", "reload"] {
        let asked = log.lines().any(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            let fields = if line["fields"].is_object() {
                &line["fields"]
            } else {
                &line
            };
            fields["what"] == what && fields["uid"] == uid
        });
        assert!(asked, "{what}: {log}");
    }
    assert!(log.contains("something unknown"), "{log}");
    assert!(!log.contains('@'), "{log}");
}
