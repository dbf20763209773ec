//! Counting and starting are one step: neither two starts at once nor a crash passes a limit, or loses a run.

use std::fs;

use super::*;
use crate::crash::kill_in;

const ZONE: &str = "Asia/Tokyo";

#[test]
fn of_commands_that_start_at_once_no_more_run_than_the_limit_leaves() {
    let (rig, noon) = rig(ZONE, "runs_per_day = 3", 12, 0);
    let ids = ["one", "two", "three", "four"];
    for id in ids {
        rig.sync(id, &guests(HOURLY));
    }
    rig.import("one");
    rig.import("one");
    let commands = ids.map(|id| rig.start(id, &format!("sync {id}")));
    let mut codes: Vec<i32> = Vec::new();
    for command in commands {
        let ran = command.end();
        // The others found it held, or came after it and found no room.
        assert!(matches!(ran.code, Some(0 | 1 | 3)), "{}", ran.stderr);
        codes.extend(ran.code);
    }
    assert_eq!(
        codes.iter().filter(|code| **code == 0).count(),
        1,
        "{codes:?}"
    );
    assert_eq!(started(&rig).len(), 3);
    assert_eq!(rig.events("run.finished").len(), 3);
    assert_eq!(used(&rig), [3, 3, 0, 0]);
    let midnight = start_of(noon.date().tomorrow().unwrap(), ZONE);
    for id in ids {
        let sentence = refusal("runs_per_day", 3, 3, &midnight);
        assert_refused(&rig, &format!("sync {id}"), &sentence);
    }
}

#[test]
fn of_syncs_that_fall_due_at_once_no_more_run_than_the_limit_leaves() {
    let (rig, half_past) = rig(ZONE, "runs_per_day = 3", 12, 30);
    let ids = ["a", "b", "c", "d", "e", "f"];
    for id in ids {
        rig.sync(id, &guests(HOURLY));
    }
    rig.import("a");
    let daemon = rig.daemon();
    pass_to(&rig, &full_hour(&half_past, 1));
    until_events(&rig, "run.deferred", 4);
    until_events(&rig, "run.finished", 3);
    daemon.stop();
    let mut told: Vec<String> = started(&rig).into_iter().skip(1).map(|it| it.0).collect();
    let next = full_hour(&half_past, 2).timestamp();
    for event in rig.events("run.deferred") {
        let (sync, reason, at) = deferral(&event);
        assert_eq!((reason, at), ("runs_per_day", next), "{sync}");
        told.push(sync.to_owned());
    }
    told.sort();
    assert_eq!(told, ids, "each of them runs or is deferred");
    assert_eq!(used(&rig)[0], 3);
}

/// A run of which so much was written down when its process was killed.
#[derive(Debug, Clone, Copy)]
enum Cut {
    /// It asked what names stand for, and was not counted yet.
    Uncounted,
    /// It was counted, and nothing else.
    Counted,
    /// It had its row in the ledger, and nobody was told.
    InTheLedger,
    /// It was told, and was about to make its first call.
    Told,
}

/// A rig with room for one run a day, which was cut so; the instant of its midnight.
fn cut(cut: Cut) -> (Rig, Zoned) {
    let (rig, noon) = rig(ZONE, "runs_per_day = 1", 12, 0);
    rig.sync("guests", &guests(HOURLY));
    let kill_at = |method: &str| {
        let fault = json!({ "method": method, "times": 1, "what": "hang" });
        assert!(kill_in(&rig, "sync guests", &fault), "{method}");
    };
    match cut {
        Cut::Uncounted => kill_at("getmailinglists"),
        Cut::Counted => end_after_the_count(&rig),
        Cut::InTheLedger => {
            kill_at("getlistsubscribers");
            fs::write(rig.path("history/history.jsonl"), "").unwrap();
        }
        Cut::Told => kill_at("getlistsubscribers"),
    }
    let told = matches!(cut, Cut::Told);
    assert_eq!(rig.journal().len(), usize::from(told));
    (rig, start_of(noon.date().tomorrow().unwrap(), ZONE))
}

/// Lets a run count and its process end by that: the mirror, which is written right behind, cannot be.
fn end_after_the_count(rig: &Rig) {
    rig.fault(&json!({ "method": "getmailinglists", "times": 1, "what": "wait" }));
    let asking = rig.start("asking", "sync guests");
    until("it asks", || rig.get("/faults")["faults"] == json!([]));
    let mirror = rig.path("state/state.json");
    fs::remove_file(&mirror).unwrap();
    fs::create_dir(&mirror).unwrap();
    rig.drop_faults();
    let ran = asking.end();
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(ran.stderr.contains("write the mirror"), "{}", ran.stderr);
    fs::remove_dir(&mirror).unwrap();
}

#[test]
fn a_run_killed_between_its_count_and_its_start_is_counted_once_and_not_lost() {
    for (moment, counted) in [
        (Cut::Uncounted, 0),
        (Cut::Counted, 1),
        (Cut::InTheLedger, 1),
        (Cut::Told, 1),
    ] {
        println!("{moment:?}");
        let (rig, midnight) = cut(moment);
        // The interrupted run goes on whatever is used; there is room for no other.
        let ran = rig.run("sync guests");
        let code = if counted == 1 { 3 } else { 0 };
        assert_eq!(ran.code, Some(code), "{moment:?}: {}", ran.stderr);
        let sentence = refusal("runs_per_day", 1, 1, &midnight);
        assert_eq!(
            ran.stderr.contains(&sentence),
            counted == 1,
            "{}",
            ran.stderr
        );
        assert_eq!(used(&rig), [1, 1, 0, 0], "{moment:?}");
        let (begun, ended) = (rig.events("run.started"), rig.events("run.finished"));
        assert_eq!((begun.len(), ended.len()), (1, 1), "{moment:?}");
        assert_eq!(begun[0]["run"], ended[0]["run"], "{moment:?}");
        assert_eq!(ended[0]["outcome"], "completed", "{moment:?}");
        assert_refused(&rig, "sync guests", &sentence);
    }
}

#[test]
fn a_daemon_goes_on_with_a_run_killed_after_its_count_without_counting_it() {
    let (rig, midnight) = cut(Cut::Counted);
    let daemon = rig.daemon();
    until_events(&rig, "run.finished", 1);
    // What it was counted for is used up, and free on the next day.
    pass_to(&rig, &(&midnight - 1.hour()));
    until_events(&rig, "run.deferred", 1);
    assert_eq!(used(&rig), [1, 1, 0, 0]);
    pass_to(&rig, &midnight);
    until_events(&rig, "run.finished", 2);
    daemon.stop();
    let triggers: Vec<String> = started(&rig).into_iter().map(|run| run.1).collect();
    assert_eq!(triggers, ["operator", "scheduled"]);
    assert_eq!(used(&rig), [1, 1, 0, 0]);
}

#[test]
fn a_run_counts_on_the_day_of_its_first_call_for_records() {
    let (rig, noon) = rig(ZONE, "runs_per_day = 1", 12, 0);
    rig.sync("guests", &guests(HOURLY));
    let midnight = start_of(noon.date().tomorrow().unwrap(), ZONE);
    pass_to(&rig, &(&midnight - 1.minute()));
    // It asks what names stand for until the next day has come.
    rig.fault(&json!({ "method": "getmailinglists", "times": 1, "what": "wait" }));
    let asking = rig.start("asking", "sync guests");
    until("it asks", || rig.get("/faults")["faults"] == json!([]));
    pass_to(&rig, &(&midnight + 1.minute()));
    rig.drop_faults();
    let ran = asking.end();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(used(&rig), [1, 1, 0, 0]);
    let begun: Timestamp = rig.events("run.started")[0]["at"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!(begun > midnight.timestamp());
    let next = start_of(midnight.date().tomorrow().unwrap(), ZONE);
    assert_refused(&rig, "sync guests", &refusal("runs_per_day", 1, 1, &next));
}

#[test]
fn a_run_killed_after_its_count_that_cannot_go_on_is_told_from_its_start() {
    for moment in [Cut::Counted, Cut::InTheLedger, Cut::Told] {
        let (rig, midnight) = cut(moment);
        rig.sync(
            "guests",
            &guests(HOURLY).replace("\"Event guests\"", "\"Newsletter\""),
        );
        let sentence = refusal("runs_per_day", 1, 1, &midnight);
        let ran = rig.run("sync guests");
        assert_eq!(ran.code, Some(3), "{moment:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(&sentence), "{}", ran.stderr);
        let told: Vec<Value> = rig.journal().iter().map(|it| it["event"].clone()).collect();
        assert_eq!(told, ["run.started", "run.finished"], "{moment:?}");
        let (begun, ended) = (rig.events("run.started"), rig.events("run.finished"));
        assert_eq!(begun[0]["run"], ended[0]["run"], "{moment:?}");
        assert_eq!(ended[0]["outcome"], "failed", "{moment:?}");
        assert_eq!(used(&rig), [1, 1, 0, 0], "{moment:?}");
    }
}

#[test]
fn runs_that_wait_for_their_turn_go_by_the_limits_that_were_reloaded_meanwhile() {
    let (rig, half_past) = rig(ZONE, "runs_per_day = 3", 12, 30);
    for id in ["a", "b", "c"] {
        rig.sync(id, &guests(HOURLY));
    }
    let daemon = rig.daemon();
    rig.fault(&json!({ "method": "getlistsubscribers", "times": 1, "what": "wait" }));
    pass_to(&rig, &full_hour(&half_past, 1));
    until("the first run is under way", || {
        rig.get("/faults")["faults"] == json!([])
    });
    set(&rig, ZONE, "runs_per_day = 1");
    reload(&rig);
    rig.drop_faults();
    until("all have been", || {
        rig.events("run.finished").len() + rig.events("run.deferred").len() == 3
    });
    daemon.stop();
    assert_eq!(
        (
            rig.events("run.started").len(),
            rig.events("run.deferred").len()
        ),
        (1, 2)
    );
}

#[test]
fn of_syncs_that_fall_due_at_once_the_first_by_id_run_whatever_they_wait_for() {
    let (rig, nine) = rig(ZONE, "runs_per_day = 2", 9, 0);
    let daily = guests("every = \"day\", at = \"10:00\"");
    for id in ["d", "b", "a", "c"] {
        rig.sync(id, &daily);
    }
    // Each day they need a new token first.
    let daemon = rig.daemon();
    for day in 0..6 {
        pass_to(&rig, &(&nine + 1.hour() + day.days()));
        until_events(
            &rig,
            "run.deferred",
            usize::try_from(2 * (day + 1)).unwrap(),
        );
        until_events(
            &rig,
            "run.finished",
            usize::try_from(2 * (day + 1)).unwrap(),
        );
    }
    daemon.stop();
    let ran: Vec<String> = started(&rig).into_iter().map(|run| run.0).collect();
    assert_eq!(ran, ["a", "b"].repeat(6));
}
