//! A daemon whose clock is set, whose machine sleeps, or whose definitions change.

use serde_json::Value;

use crate::rig::{Rig, Running, Setup, ran, until};

/// Half an hour from any full one at the start, so that hours pass between what is looked at and the next occurrence.
const HALF: i64 = 1800;
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// The guests' list, by some schedule.
fn definition(schedule: &str) -> String {
    format!(
        "name = \"Guests\"\nmodule = \"Event_Guests\"\nlist = {{ name = \"Event guests\" }}\n\
         select = {{ all = true }}\n[schedule]\n{schedule}\n"
    )
}

const HOURLY: &str = "every = \"hour\"";

/// A rig whose clock shows half past, and a sync that has run once, by hand.
fn rig(schedule: &str) -> Rig {
    let rig = Rig::with(&Setup {
        people: 20,
        settings: "timezone = \"UTC\"\n[limits]\nruns_per_day = \"unlimited\"\n[retry]\ngive_up_after = \"1s\"\n",
        ..Setup::default()
    });
    rig.pass(rig.until_past_the_hour(HALF));
    rig.sync("guests", &definition(schedule));
    rig.import("guests");
    rig
}

/// Runs that the schedule started and that have ended.
fn scheduled(rig: &Rig) -> Vec<Value> {
    let mut finished = rig.events("run.finished");
    finished.retain(|run| run["trigger"] != "operator");
    finished
}

fn until_runs(rig: &Rig, count: usize) {
    until("the runs have finished", || scheduled(rig).len() >= count);
    assert_eq!(scheduled(rig).len(), count);
}

fn triggers(rig: &Rig) -> Vec<String> {
    let runs = scheduled(rig);
    let trigger = |run: &Value| run["trigger"].as_str().unwrap().to_owned();
    runs.iter().map(trigger).collect()
}

/// Lets the clock step, and waits until the daemon has noticed.
fn step(rig: &Rig, daemon: &Running, seconds: i64) {
    let says = match seconds < 0 {
        true => "the clock was set back",
        false => "the clock was set forward",
    };
    let before = daemon.stderr().matches(says).count();
    rig.pass(seconds);
    until(says, || daemon.stderr().matches(says).count() > before);
}

#[test]
fn a_clock_set_forward_is_caught_up_with_once() {
    let rig = rig(HOURLY);
    let daemon = rig.daemon();
    step(&rig, &daemon, 5 * HOUR);
    until_runs(&rig, 1);
    assert_eq!(triggers(&rig), ["catch_up"]);
    let skipped = rig.events("run.skipped");
    assert_eq!(
        (skipped.len(), &skipped[0]["reason"]),
        (1, &"missed".into())
    );
    // And goes on as before.
    step(&rig, &daemon, rig.until_past_the_hour(5));
    until_runs(&rig, 2);
    assert_eq!(triggers(&rig), ["catch_up", "scheduled"]);
    daemon.stop();
}

#[test]
fn a_clock_set_forward_is_not_caught_up_with_where_the_definition_says_so() {
    let rig = rig(&format!("{HOURLY}\ncatch_up = \"none\""));
    let daemon = rig.daemon();
    step(&rig, &daemon, 5 * HOUR);
    until("they are told as missed", || {
        rig.events("run.skipped").len() == 1
    });
    assert_eq!(rig.events("run.skipped")[0]["reason"], "missed");
    // What is on time runs, so nothing ran before.
    step(&rig, &daemon, rig.until_past_the_hour(5));
    until_runs(&rig, 1);
    assert_eq!(triggers(&rig), ["scheduled"]);
    assert_eq!(rig.events("run.skipped").len(), 1);
    daemon.stop();
}

#[test]
fn a_clock_set_back_runs_nothing_twice_and_does_not_fall_silent() {
    let rig = rig(HOURLY);
    let daemon = rig.daemon();
    step(&rig, &daemon, rig.until_past_the_hour(5));
    until_runs(&rig, 1);
    // Three hours back, and then the same three full hours again.
    step(&rig, &daemon, -3 * HOUR);
    for _ in 0..3 {
        step(&rig, &daemon, HOUR);
    }
    assert_eq!(scheduled(&rig).len(), 1);
    step(&rig, &daemon, HOUR);
    until_runs(&rig, 2);
    assert_eq!(triggers(&rig), ["scheduled", "scheduled"]);
    assert_eq!(rig.events("run.skipped").len(), 0);
    daemon.stop();
}

#[test]
fn a_clock_that_was_days_ahead_does_not_keep_its_syncs_silent_for_days() {
    let rig = rig(HOURLY);
    let daemon = rig.daemon();
    step(&rig, &daemon, 30 * DAY + rig.until_past_the_hour(5));
    until_runs(&rig, 1);
    step(&rig, &daemon, -30 * DAY);
    until("it is put right", || {
        daemon.stderr().contains("it goes on from now")
    });
    step(&rig, &daemon, HOUR);
    until_runs(&rig, 2);
    daemon.stop();
}

#[test]
fn a_machine_that_slept_for_a_long_time_is_caught_up_with_once() {
    let rig = rig("every = \"cron\"\ncron = \"30 15 * * * *\"");
    let daemon = rig.daemon();
    step(&rig, &daemon, 40 * DAY);
    until_runs(&rig, 1);
    assert_eq!(triggers(&rig), ["catch_up"]);
    daemon.stop();
    // The same for one that was off.
    rig.pass(40 * DAY);
    let daemon = rig.daemon();
    until_runs(&rig, 2);
    assert_eq!(triggers(&rig), ["catch_up", "catch_up"]);
    assert_eq!(rig.events("run.skipped").len(), 2);
    daemon.stop();
}

#[test]
fn a_schedule_that_was_edited_counts_at_once_and_not_before() {
    let rig = rig("every = \"day\"\nat = \"00:00\"\ntimezone = \"Pacific/Kiritimati\"");
    let daemon = rig.daemon();
    let edit = |text: &str| {
        let before = rig.events("config.reloaded").len();
        rig.sync("guests", text);
        daemon.signal("HUP");
        until("it is reloaded", || {
            rig.events("config.reloaded").len() > before
        });
    };
    // At a quarter past: that was before it was edited, and is nobody's.
    edit(&definition("every = \"hour\"\nat = \":15\""));
    step(&rig, &daemon, rig.until_past_the_hour(5 * 60));
    assert_eq!(scheduled(&rig).len(), 0);
    step(&rig, &daemon, rig.until_past_the_hour(15 * 60 + 5));
    until_runs(&rig, 1);
    assert_eq!(triggers(&rig), ["scheduled"]);
    // Every second: the next one is its first.
    edit(&definition("every = \"cron\"\ncron = \"* * * * * *\""));
    until("it runs", || scheduled(&rig).len() >= 3);
    // Inactive, and active again: what fell due meanwhile is nobody's.
    edit(&format!("active = false\n{}", definition(HOURLY)));
    until("it is at rest", || {
        rig.events("run.started").len() == rig.events("run.finished").len()
    });
    let (runs, skipped) = (scheduled(&rig).len(), rig.events("run.skipped").len());
    step(&rig, &daemon, 5 * HOUR);
    edit(&definition(HOURLY));
    step(&rig, &daemon, 60);
    assert_eq!(scheduled(&rig).len(), runs);
    step(&rig, &daemon, HOUR);
    until("the next one runs", || scheduled(&rig).len() > runs);
    assert_eq!(rig.events("run.skipped").len(), skipped);
    daemon.stop();
}

#[test]
fn a_sync_that_runs_once_and_cannot_does_not_try_every_second() {
    let rig = Rig::with(&Setup {
        people: 20,
        settings: "[limits]\nruns_per_day = 0\n",
        ..Setup::default()
    });
    rig.sync("guests", &definition("every = \"once\""));
    let daemon = rig.daemon();
    until("it is deferred", || !rig.events("run.deferred").is_empty());
    for _ in 0..3 {
        step(&rig, &daemon, 20 * 60);
    }
    assert_eq!(rig.events("run.deferred").len(), 1);
    step(&rig, &daemon, DAY);
    until("it is deferred anew", || {
        rig.events("run.deferred").len() == 2
    });
    daemon.stop();
}

#[test]
fn a_clock_that_is_not_that_of_the_services_decides_nothing() {
    let rig = Rig::new(20);
    rig.sync("guests", &definition("every = \"once\""));
    rig.advance(6 * 60);
    let refused = ran(rig.command_by_the_system_clock("sync guests"));
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("more than five minutes apart"),
        "{}",
        refused.stderr
    );
    let finished = rig.events("run.finished");
    assert_eq!(
        (finished.len(), &finished[0]["error"]["kind"]),
        (1, &"clock".into())
    );
    assert!(
        !rig.calls()
            .methods("campaigns")
            .contains_key("listsubscribe")
    );
    // Together again, it makes up for it.
    rig.advance(-6 * 60);
    let done = ran(rig.command_by_the_system_clock("sync guests"));
    assert_eq!(done.code, Some(0), "{}", done.stderr);
}
