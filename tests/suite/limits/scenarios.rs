//! The scenarios of the help page, by the limits as they are without any in the file.

use super::*;
use crate::rig::Running;

const TOKYO: &str = "Asia/Tokyo";

#[test]
fn three_daily_syncs_made_on_one_day_and_two_more_on_the_next_all_run() {
    let (rig, nine) = rig(TOKYO, "", 9, 0);
    let daily = guests(AT_TEN);
    let ids = ["one", "two", "three", "four", "five"];
    for id in &ids[..3] {
        rig.sync(id, &daily);
    }
    let daemon = rig.daemon();
    let ten = &nine + 1.hour();
    pass_to(&rig, &ten);
    until_events(&rig, "run.finished", 3);
    assert_eq!(used(&rig), [3, 3, 0, 0]);

    pass_to(&rig, &(&nine + 1.day()));
    for id in &ids[3..] {
        rig.sync(id, &daily);
    }
    reload(&rig);
    assert_eq!(used(&rig), [0, 3, 0, 0]);
    pass_to(&rig, &(&ten + 1.day()));
    until_events(&rig, "run.finished", 3 + 5);
    daemon.stop();
    let limits = limits(&rig, "main");
    let said = ["active_syncs", "runs_per_day", "initiations_per_month"].map(|limit| {
        (
            limits[limit]["used"].clone(),
            limits[limit]["limit"].clone(),
        )
    });
    assert_eq!(
        said,
        [(5, 10), (5, 10), (5, 50)].map(|(used, of)| (json!(used), json!(of)))
    );
    let mut runs = started(&rig);
    runs[..3].sort();
    runs[3..].sort();
    let run = |sync: &str, trigger: &str| (sync.to_owned(), trigger.to_owned());
    assert_eq!(
        runs,
        [
            run("one", "initial"),
            run("three", "initial"),
            run("two", "initial"),
            run("five", "initial"),
            run("four", "initial"),
            run("one", "scheduled"),
            run("three", "scheduled"),
            run("two", "scheduled"),
        ]
    );
    let finished = rig.events("run.finished");
    assert!(finished.iter().all(|run| run["outcome"] == "completed"));
    assert!(rig.events("run.deferred").is_empty() && rig.events("run.skipped").is_empty());
}

/// Daily guests under ten ids.
const TEN: [&str; 10] = ["s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9"];

const AT_TEN: &str = "every = \"day\", at = \"10:00\"";

/// A daemon under which the ten have run for the first time, at ten in Tokyo.
fn ten_have_run() -> (Rig, Running, Zoned) {
    let (rig, nine) = rig(TOKYO, "", 9, 0);
    let daily = guests(AT_TEN);
    TEN.iter().for_each(|id| rig.sync(id, &daily));
    let daemon = rig.daemon();
    let ten = &nine + 1.hour();
    pass_to(&rig, &ten);
    until_events(&rig, "run.finished", 10);
    (rig, daemon, ten)
}

fn states(rig: &Rig) -> Vec<(String, String, Value)> {
    let status: Value = serde_json::from_str(&rig.done("status --json")).unwrap();
    let syncs = status["syncs"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    syncs
        .map(|sync| {
            (
                text(&sync["sync"]),
                text(&sync["state"]),
                sync["reason"].clone(),
            )
        })
        .collect()
}

/// The syncs that are not active, and why.
fn inactive(rig: &Rig) -> Vec<(String, Value)> {
    let mut states = states(rig);
    states.retain(|(_, state, _)| state != "active");
    states
        .into_iter()
        .map(|(sync, _, reason)| (sync, reason))
        .collect()
}

const FULL: &str =
    "active_syncs: 10 of 10 active; deactivate another sync or raise `limits.active_syncs`";

#[test]
fn ten_made_on_one_day_leave_no_room_for_an_eleventh_on_the_next() {
    let (rig, daemon, ten) = ten_have_run();
    pass_to(&rig, &(&ten + 23.hours()));
    rig.sync("a-new-one", &guests(AT_TEN));
    reload(&rig);
    assert_eq!(inactive(&rig), [("a-new-one".to_owned(), json!("limit"))]);
    assert_refused(&rig, "sync a-new-one", FULL);
    let ran = rig.run("activate a-new-one");
    assert_eq!(ran.code, Some(3));
    pass_to(&rig, &(&ten + 1.day()));
    until_events(&rig, "run.finished", 20);
    assert_eq!(limits(&rig, "main")["active_syncs"]["used"], 10);
    daemon.stop();
    assert!(started(&rig).iter().all(|(sync, _)| sync != "a-new-one"));
    assert!(rig.events("run.deferred").is_empty() && rig.events("run.skipped").is_empty());
}

#[test]
fn a_new_one_in_the_place_of_one_that_ran_today_runs_tomorrow_at_its_time() {
    let (rig, daemon, ten) = ten_have_run();
    pass_to(&rig, &(&ten + 1.day()));
    until_events(&rig, "run.finished", 20);
    // On the second day, after all ten have run.
    rig.done("deactivate s3");
    rig.sync("new", &guests("every = \"day\", at = \"11:00\""));
    reload(&rig);
    assert_eq!(inactive(&rig), [("s3".to_owned(), json!("operator"))]);
    let eleven = &ten + 1.hour();
    let second_day_ends = start_of(ten.date().tomorrow().unwrap().tomorrow().unwrap(), TOKYO);
    assert_refused(
        &rig,
        "sync new",
        &refusal("runs_per_day", 10, 10, &second_day_ends),
    );
    pass_to(&rig, &(&eleven + 1.day()));
    until_events(&rig, "run.deferred", 1);
    let tomorrow = (&eleven + 2.days()).timestamp();
    assert_eq!(
        deferral(&rig.events("run.deferred")[0]),
        ("new", "runs_per_day", tomorrow)
    );
    pass_to(&rig, &(&eleven + 2.days()));
    until_events(&rig, "run.finished", 20 + 9 + 1);
    daemon.stop();
    let last = rig.events("run.finished");
    let of_new: Vec<_> = last.iter().filter(|run| run["sync"] == "new").collect();
    assert_eq!(of_new.len(), 1);
    assert_eq!(
        (&of_new[0]["trigger"], &of_new[0]["outcome"]),
        (&json!("initial"), &json!("completed"))
    );
    assert_eq!(used(&rig), [10, 11, 0, 0]);
}

#[test]
fn with_the_months_budget_left_an_eleventh_is_refused_until_one_is_deactivated() {
    let (rig, nine) = rig(TOKYO, "", 9, 0);
    let daily = guests(AT_TEN);
    let weekday = nine.strftime("%A").to_string().to_lowercase();
    let weekly = guests(&format!(
        "every = \"week\", at = \"10:00\", on = \"{weekday}\""
    ));
    for (nth, id) in TEN.iter().enumerate() {
        rig.sync(id, if nth % 2 == 0 { &daily } else { &weekly });
    }
    let daemon = rig.daemon();
    let ten = &nine + 1.hour();
    pass_to(&rig, &ten);
    until_events(&rig, "run.finished", 10);
    // The day after only the daily ones run: five of ten runs are left, and forty of fifty initiations.
    pass_to(&rig, &(&ten + 1.day()));
    until_events(&rig, "run.finished", 15);
    assert_eq!(used(&rig), [5, 10, 0, 0]);
    rig.sync("eleventh", &guests("every = \"day\", at = \"12:00\""));
    reload(&rig);
    assert_eq!(inactive(&rig), [("eleventh".to_owned(), json!("limit"))]);
    assert_refused(&rig, "sync eleventh", FULL);
    pass_to(&rig, &(&nine + 1.day() + 3.hours()));
    rig.done("deactivate s1");
    assert_eq!(inactive(&rig), [("s1".to_owned(), json!("operator"))]);
    rig.done("sync eleventh");
    // And s1 has lost its place.
    let ran = rig.run("activate s1");
    assert_eq!(ran.code, Some(3), "{}", ran.stdout);
    daemon.stop();
    assert_eq!(used(&rig), [6, 11, 0, 0]);
    assert!(rig.events("run.deferred").is_empty() && rig.events("run.skipped").is_empty());
}
