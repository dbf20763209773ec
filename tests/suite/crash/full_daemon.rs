//! A daemon on a disk that is full, or fails, at a write and from it on, or once: it goes on, or ends with 1 and says on
//! what and what to do, as does each that is started before the disk is well again. Then everything ends as it would have.
//!
//! `ROSTERD_DISK_STRIKES=50` strikes each duty so often, `ROSTERD_DISK_SEED=7` at other writes.

use super::duties;
use super::stricken::Duty;
use super::*;
use crate::disk::{self, Strike};
use crate::rig::Dice;

/// So many strikes a duty in every test run.
const STRIKES: usize = 2;

const ALL: [Strike; 4] = [
    Strike::Full,
    Strike::BrokenOnce,
    Strike::Broken,
    Strike::FullOnce,
];

/// No daemon says more, whatever it meets.
const LINES_MAX: usize = 60;

/// It has not panicked, ended in time, and has not said it again and again.
fn assert_calm(said: &str) {
    for word in ["panicked", "did not stop in time"] {
        assert!(!said.contains(word), "{said}");
    }
    assert!(said.lines().count() <= LINES_MAX, "{said}");
}

/// It ended by itself, with what failed and what to look after.
fn assert_says_why(code: Option<i32>, said: &str) {
    assert_eq!(code, Some(1), "{said}");
    let remedies = ["check `state_dir`", "in `state_dir`", "check `history_dir`"];
    let last = said.lines().last().unwrap_or_default();
    assert!(remedies.iter().any(|text| last.contains(text)), "{said}");
    // Which is not to move away what is as good as ever.
    assert!(!said.contains("move it away"), "{said}");
}

fn strikes_at_its_writes(duty: &Duty) {
    let (_, changes) = duty.whole();
    let strikes = variable("ROSTERD_DISK_STRIKES").unwrap_or(STRIKES);
    let seed = variable("ROSTERD_DISK_SEED").unwrap_or(1);
    let mut dice = Dice::new(u64::try_from(seed + duty.name.len()).unwrap());
    for nth in 0..strikes {
        let (at, strike) = (
            1 + dice.roll(*changes),
            ALL[(nth + duty.name.len()) % ALL.len()],
        );
        println!("{}: {strike:?} at {at} of {changes}", duty.name);
        let struck = duty.struck(strike, at);
        let (code, said) = (struck.ran.code, &struck.ran.stderr);
        assert_calm(said);
        // One that is told to stop may be about to end by itself.
        if !(struck.was_stopped && code == Some(0)) {
            assert_says_why(code, said);
        }
        if matches!(strike, Strike::Full | Strike::Broken) {
            // As a supervisor does it.
            let again = disk::run(&struck.rig, "daemon", strike, 1);
            assert_calm(&again.stderr);
            assert_says_why(again.code, &again.stderr);
        }
        duty.assert_same(duty.over(struck));
    }
}

/// A test for each of the duties.
macro_rules! struck {
    ($($test:ident: $duty:ident;)*) => {
        $(#[test]
        fn $test() {
            strikes_at_its_writes(&duties::$duty);
        })*
    };
}

struck! {
    a_scheduled_run_on_a_failing_disk_ends_as_one_that_was_not: SCHEDULED;
    a_run_that_was_asked_for_on_a_failing_disk_is_not_called_done: ASKED;
    a_daemon_asked_to_deactivate_on_a_failing_disk_tells_it_once: DEACTIVATED;
    a_daemon_asked_to_activate_on_a_failing_disk_tells_it_and_imports_once: ACTIVATED;
    a_reload_on_a_failing_disk_tells_once_what_the_files_change: RELOADED;
    a_start_on_a_failing_disk_is_done_by_the_next_one: STARTED;
    a_run_that_is_parked_on_a_failing_disk_ends_as_one_that_was_not: PARKED;
    a_rotation_by_a_daemon_on_a_failing_disk_loses_and_doubles_no_line: ROTATED;
    a_deferral_on_a_failing_disk_is_told_once: DEFERRED;
    times_that_were_missed_are_told_once_on_a_failing_disk: MISSED;
}

#[test]
fn a_daemon_that_is_told_to_stop_on_a_failing_disk_stops_in_time_and_calls_nothing_done() {
    let undisturbed = rig(24);
    undisturbed.import("newsletter");
    undisturbed.import("newsletter");
    for strike in [Strike::Full, Strike::Broken] {
        let rig = rig(24);
        rig.fault(&json!({ "method": "listsubscribe", "after": 5, "times": 1, "what": "hang" }));
        let daemon = rig.start_command("daemon", disk::command_from(&rig, "daemon", strike, 1));
        daemon.until_says("rosterd is running");
        let asking = rig.start("asking", "sync newsletter");
        until("a call is kept waiting", || {
            rig.get("/faults")["faults"] == json!([])
        });
        disk::begin(&rig);
        daemon.signal("TERM");
        let ran = daemon.end();
        assert_calm(&ran.stderr);
        if ran.code != Some(0) {
            assert_says_why(ran.code, &ran.stderr);
        }
        let asked = asking.end();
        assert!(matches!(asked.code, Some(1 | 75)), "{asked:?}");
        while rig.events("run.finished").len() < 2 {
            rig.import("newsletter");
        }
        assert_same(&end(&rig), &end(&undisturbed));
    }
}

#[test]
fn budgets_that_cannot_be_kept_end_the_daemon_and_are_no_refusal_of_the_service() {
    // Not once: what fails then may be the keeping of a token, which nothing depends on.
    for strike in [Strike::Full, Strike::Broken] {
        let rig = rig(12);
        rig.settings("", "pace = { listsubscribe = \"4/h\" }\n");
        let daemon = rig.start_command("daemon", disk::command_from(&rig, "daemon", strike, 1));
        daemon.until_says("rosterd is running");
        let asking = rig.start("asking", "sync newsletter");
        until("it is parked", || !rig.events("run.parked").is_empty());
        disk::begin(&rig);
        rig.pass(3700);
        let ran = daemon.end();
        assert_calm(&ran.stderr);
        assert_says_why(ran.code, &ran.stderr);
        let asked = asking.end();
        assert_eq!(asked.code, Some(1), "{}", asked.stderr);
        assert!(asked.stderr.contains("state_dir"), "{}", asked.stderr);
    }
}

/// Too little room to begin with is no failure: the daemon stays, says so, and the next time of the schedule runs.
#[test]
fn without_room_for_a_run_the_daemon_stays_and_runs_once_there_is_some() {
    let rig = rig(20);
    rig.import("newsletter");
    rig.create(
        "Contacts",
        &json!({ "Last_Name": "Late", "Email": "late@example.com" }),
    );
    // A run wants three times the ledger, which is larger than the disk, holds nothing there, and shrinks when it closes.
    let ledger = rig.path("state/ledger.redb");
    let file = fs::File::options().write(true).open(ledger).unwrap();
    file.set_len(1 << 40).unwrap();
    let mut daemon = rig.daemon();
    let refused = rig.run("sync newsletter");
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    assert!(refused.stderr.contains("make room"), "{}", refused.stderr);
    rig.pass(rig.until_past_the_hour(2));
    until("it is told", || !rig.events("run.skipped").is_empty());
    let skipped = &rig.events("run.skipped")[0];
    assert_eq!(skipped["reason"], "not_started");
    let status = rig.done("status");
    assert!(status.contains("make room"), "{status}");
    assert!(daemon.is_running());
    daemon.stop();
    let daemon = rig.daemon();
    rig.pass(rig.until_past_the_hour(2));
    until("it has run", || rig.events("run.finished").len() == 2);
    daemon.stop();
    assert_eq!(rig.events("run.finished")[1]["new"], 1);
}
