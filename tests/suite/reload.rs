//! Reloads: all files take over or none do, and whoever asked is told what is otherwise now.

use std::fs;

use serde_json::{Value, json};

use crate::control::{hold_up, leads, newsletter, rig, run_held_up, until_finished};
use crate::rig::child::used;
use crate::rig::{HOSPITALITY, NEWSLETTER, Rig, until};

/// Whether the daemon knows a sync by a reload.
fn reloads(rig: &Rig) -> Vec<Value> {
    rig.events("config.reloaded")
}

#[test]
fn a_reload_says_and_journals_what_changed() {
    let rig = rig();
    let daemon = rig.daemon();
    assert_eq!(rig.done("reload"), "reloaded: nothing changed\n");
    rig.sync("more", &leads());
    fs::remove_file(rig.path("syncs.d/leads.toml")).unwrap();
    rig.sync(
        "newsletter",
        &newsletter().replace("\"Newsletter\"\nmodule", "\"News\"\nmodule"),
    );
    let said = rig.done("reload");
    assert_eq!(
        said,
        "reloaded: added: more; removed: leads; changed: newsletter\n"
    );
    let event = reloads(&rig).pop().unwrap();
    assert_eq!(
        (&event["added"], &event["removed"], &event["changed"]),
        (&json!(["more"]), &json!(["leads"]), &json!(["newsletter"]))
    );
    assert_eq!(event["syncs"], 2);
    let gone = rig.events("sync.deactivated");
    assert_eq!(gone.len(), 1, "{gone:?}");
    assert_eq!(
        (&gone[0]["sync"], &gone[0]["reason"]),
        (&json!("leads"), &json!("removed"))
    );
    let unknown = rig.run("sync leads");
    assert_eq!(unknown.code, Some(2), "{}", unknown.stderr);
    assert!(unknown.stderr.contains("more"), "{}", unknown.stderr);
    rig.done("sync more");

    rig.settings(
        "[limits]\nruns_per_day = 7\n",
        "pace = \"off\"\ntopics = true\n",
    );
    let said: Value = serde_json::from_str(&rig.done("reload --json")).unwrap();
    assert_eq!(said["accounts"], json!(["main"]));
    assert_eq!(said["added"], json!([]));
    let settings = said["settings"].as_array().unwrap();
    assert!(settings.contains(&json!("limits")), "{said}");
    daemon.stop();
}

#[test]
fn files_with_problems_leave_the_old_ones_in_force_and_whoever_asked_sees_where() {
    let rig = rig();
    let daemon = rig.daemon();
    rig.sync("more", &leads());
    rig.sync("newsletter", &newsletter().replace("module", "modul"));
    rig.sync("leads", &leads().replace("\"unsubscribe\"", "\"vanish\""));
    let refused = rig.run("reload");
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(78), ""));
    for part in [
        "syncs.d/newsletter.toml:2:1",
        "^^^^^",
        "`module`",
        "syncs.d/leads.toml:7:",
    ] {
        assert!(refused.stderr.contains(part), "{part}: {}", refused.stderr);
    }
    assert_eq!(reloads(&rig), [Value::Null; 0]);
    assert_eq!(
        rig.run("sync more").code,
        Some(2),
        "nothing of it is in force"
    );
    rig.done("sync newsletter");
    daemon.stop();
}

#[test]
fn places_that_are_in_use_cannot_move() {
    let rig = rig();
    let daemon = rig.daemon();
    let text = fs::read_to_string(rig.path("rosterd.toml")).unwrap();
    let moved = text.replace("\"history\"", "\"elsewhere\"");
    rig.put("rosterd.toml", &moved);
    let refused = rig.run("reload");
    assert_eq!(refused.code, Some(78), "{}", refused.stderr);
    for part in [
        "rosterd.toml:2:",
        "`history_dir` cannot change while the daemon runs",
    ] {
        assert!(refused.stderr.contains(part), "{part}: {}", refused.stderr);
    }
    // A command goes by these files, too, so it takes a signal to ask.
    let moved = moved.replace("\"state\"", "\"other\"");
    rig.put("rosterd.toml", &moved.replace("control.sock", "other.sock"));
    daemon.signal("HUP");
    for key in ["state_dir", "control"] {
        daemon.until_says(&format!("`{key}` cannot change"));
    }
    rig.put("rosterd.toml", &text);
    assert_eq!(rig.done("reload"), "reloaded: nothing changed\n");
    assert!(!rig.path("other").exists() && !rig.path("elsewhere").exists());
    daemon.stop();
}

#[test]
fn without_a_daemon_there_is_nothing_to_reload() {
    let rig = rig();
    let refused = rig.run("reload");
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.stderr.contains("no daemon of these files runs"),
        "{}",
        refused.stderr
    );
    assert!(!rig.path("state").exists());
}

/// Sends so many HUPs in a row.
fn hang_up(rig: &Rig, times: usize) {
    // The lock's holder is the daemon; one shell sends them faster than a process each would.
    let daemon = fs::read_to_string(rig.path("daemon.pid")).unwrap();
    let line = format!("for _ in $(seq {times}); do kill -s HUP {daemon}; done");
    used("sh", ["-c", &line]);
}

#[test]
fn of_a_burst_of_signals_none_is_lost_and_few_reloads_come_of_it() {
    let rig = rig();
    let daemon = rig.daemon();
    rig.put("daemon.pid", &daemon.id().to_string());
    hang_up(&rig, 100);
    rig.sync("more", &leads());
    hang_up(&rig, 99);
    rig.sync("last", &leads());
    hang_up(&rig, 1);
    until("the last edit is in force", || {
        rig.journal()
            .iter()
            .any(|event| event["added"].to_string().contains("last"))
    });
    // What is still pending is done before this.
    rig.done("reload");
    let reloads = reloads(&rig);
    assert!(reloads.len() < 150, "{}", reloads.len());
    let added: Vec<&Value> = reloads.iter().map(|event| &event["added"]).collect();
    let all = json!(added).to_string();
    assert_eq!(
        (all.matches("more").count(), all.matches("last").count()),
        (1, 1)
    );
    daemon.stop();
}

#[test]
fn signals_and_commands_together_leave_the_newest_files_in_force() {
    let rig = rig();
    let daemon = rig.daemon();
    rig.put("daemon.pid", &daemon.id().to_string());
    let asking: Vec<_> = (0..6)
        .map(|number| {
            rig.sync(&format!("more-{number}"), &leads());
            hang_up(&rig, 5);
            rig.start(&format!("reload-{number}"), "reload --json")
        })
        .collect();
    for asking in asking {
        let ran = asking.end();
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    }
    assert_eq!(reloads(&rig).pop().unwrap()["syncs"], 8);
    daemon.stop();
}

#[test]
fn a_run_in_flight_keeps_its_definition_and_the_next_one_reads_in_full_by_the_new_one() {
    let rig = rig();
    let daemon = rig.daemon();
    let (first, run) = run_held_up(&rig, "first");
    let mapped = newsletter().replace(
        "[advanced]",
        "[map]\n\"City\" = \"Mailing_City\"\n[advanced]",
    );
    rig.sync("newsletter", &mapped);
    assert_eq!(rig.done("reload"), "reloaded: changed: newsletter\n");
    let second = rig.start("second", "sync newsletter --json");
    daemon.until_says("the one that was asked for waits");
    rig.drop_faults();
    let ran = first.end();
    let ended: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        (&ended["run"], &ended["outcome"]),
        (&run, &json!("completed"))
    );
    let new = ended["new"].as_u64().unwrap();
    let ran = second.end();
    let ended: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&ended["full"], &ended["new"]), (&json!(true), &json!(0)));
    // Whoever was added by the first was added without a city.
    assert!(ended["updated"].as_u64().unwrap() > new / 2, "{ended}");
    let with_city = |contact: &&Value| contact["fields"]["City"].is_string();
    let members = rig.members(NEWSLETTER, "active");
    assert!(members.values().filter(with_city).count() > 0);
    daemon.stop();
}

#[test]
fn a_definition_that_goes_away_in_mid_run_lets_it_end_and_comes_to_rest() {
    let rig = rig();
    let daemon = rig.daemon();
    let (asking, run) = run_held_up(&rig, "asking");
    fs::remove_file(rig.path("syncs.d/newsletter.toml")).unwrap();
    assert_eq!(rig.done("reload"), "reloaded: removed: newsletter\n");
    rig.drop_faults();
    let ran = asking.end();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(rig.events("run.finished")[0]["run"], run);
    assert_eq!(rig.events("sync.deactivated")[0]["reason"], "removed");
    // It comes back with all that it knows.
    rig.sync("newsletter", &newsletter());
    rig.done("reload");
    let again = rig.import("newsletter");
    assert_eq!(
        (&again["full"], &again["new"]),
        (&json!(true), &json!(0)),
        "{again}"
    );
    daemon.stop();
}

#[test]
fn a_schedule_that_changed_fires_by_the_new_one_and_a_new_sync_by_its_own() {
    let rig = rig();
    let daemon = rig.daemon();
    assert_eq!(rig.events("run.started"), [Value::Null; 0]);
    let soon = "0 0 0 1 1 *";
    rig.sync("newsletter", &newsletter().replace(soon, "* * * * * *"));
    let guests = format!(
        "name = \"Guests\"\nmodule = \"Event_Guests\"\nlist = \"{HOSPITALITY}\"\n\
         select = {{ all = true }}\nschedule = {{ every = \"once\" }}\n"
    );
    rig.sync("guests", &guests);
    rig.done("reload");
    let ran = |sync: &str| {
        let finished = rig.events("run.finished");
        finished.iter().filter(|run| run["sync"] == sync).count()
    };
    until("both have run", || {
        ran("newsletter") >= 2 && ran("guests") == 1
    });
    rig.sync("newsletter", &newsletter());
    rig.done("reload");
    // A run that had begun before may still end.
    rig.done("sync newsletter");
    let runs = ran("newsletter");
    rig.done("sync leads");
    until_finished(&rig, runs + 2);
    assert_eq!(ran("newsletter"), runs);
    daemon.stop();
}

#[test]
fn a_reload_is_answered_while_a_run_waits_for_a_service() {
    let rig = rig();
    let daemon = rig.daemon();
    hold_up(&rig, "coql", 0);
    let asking = rig.start("asking", "sync newsletter");
    crate::control::until_held_up(&rig);
    assert_eq!(rig.done("reload"), "reloaded: nothing changed\n");
    let set: Value = serde_json::from_str(&rig.done("deactivate newsletter --json")).unwrap();
    assert_eq!(set["syncs"][0]["running"], true, "{set}");
    rig.drop_faults();
    assert_eq!(asking.end().code, Some(0));
    daemon.stop();
}

#[test]
fn the_log_goes_by_files_that_took_over_and_not_by_those_that_were_refused() {
    let rig = rig();
    let daemon = rig.daemon();
    // Logged at level debug.
    let asked = "\"what\":\"why\"";
    let before = fs::read_to_string(rig.path("rosterd.toml")).unwrap();
    let debug = before.replace("[retry]", "[log]\nlevel = \"debug\"\n[retry]");
    rig.put(
        "rosterd.toml",
        &debug.replace("\"history\"", "\"elsewhere\""),
    );
    assert_eq!(rig.run("reload").code, Some(78));
    rig.put("rosterd.toml", &before);
    rig.done("why never-seen@example.com");
    rig.put("rosterd.toml", &debug);
    assert!(!daemon.stderr().contains(asked), "{}", daemon.stderr());
    assert_eq!(rig.done("reload"), "reloaded: settings changed: log\n");
    rig.done("why never-seen@example.com");
    daemon.until_says(asked);
    daemon.stop();
}
