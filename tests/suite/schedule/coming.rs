//! `rosterd schedule`: what it tells is what comes.

use serde_json::Value;

use crate::rig::{Rig, Setup, until};

fn definition(module: &str, list: &str, schedule: &str) -> String {
    format!(
        "name = \"Coming\"\nmodule = \"{module}\"\nlist = {{ name = \"{list}\" }}\n\
         select = {{ all = true }}\nschedule = {{ {schedule} }}\n"
    )
}

/// A rig in UTC at 12:20, whatever the time is.
fn rig(settings: &'static str) -> Rig {
    let rig = Rig::with(&Setup {
        people: 20,
        settings,
        ..Setup::default()
    });
    let now = rosterd::clock::Clock::system().now().as_second();
    rig.pass(86_400 + 44_400 - now % 86_400);
    rig
}

fn schedule(rig: &Rig, line: &str) -> Value {
    serde_json::from_str(&rig.done(&format!("schedule --json {line}"))).unwrap()
}

/// Time of day, sync, trigger and the limit that defers it, of each coming run.
fn told(answer: &Value) -> Vec<String> {
    let coming = answer["coming"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
    coming
        .map(|row| {
            let at = text(&row["at"]);
            let deferred = text(&row["deferred"]["reason"]);
            let told = [
                &at[11..16],
                &text(&row["sync"]),
                &text(&row["trigger"]),
                &deferred,
            ]
            .join(" ");
            told.trim_end().to_owned()
        })
        .collect()
}

#[test]
fn it_tells_each_run_to_come_what_a_limit_defers_and_what_is_expected_to_be_paid() {
    let rig = rig("timezone = \"UTC\"\n[limits]\nruns_per_day = 3\n");
    rig.sync(
        "guests",
        &definition("Event_Guests", "Event guests", "every = \"hour\""),
    );
    rig.sync(
        "letter",
        &definition("Contacts", "Newsletter", "every = \"day\", at = \"15:30\""),
    );
    rig.sync(
        "off",
        &format!(
            "active = false\n{}",
            definition("Contacts", "Newsletter", "every = \"once\"")
        ),
    );
    let before = schedule(&rig, "--days 1");
    assert_eq!(
        told(&before)[..5],
        [
            "13:00 guests initial",
            "14:00 guests scheduled",
            "15:00 guests scheduled",
            "15:30 letter initial runs_per_day",
            "16:00 guests scheduled runs_per_day",
        ]
    );
    assert_eq!(before["coming"][0]["cost"], Value::Null);
    assert_eq!(before["coming"][0]["full"], true);
    assert_eq!(
        before["accounts"][0]["unknown"],
        before["accounts"][0]["runs"]
    );
    let text = rig.done("schedule --days 1");
    assert!(
        text.contains("unknown") && text.contains("deferred"),
        "{text}"
    );
    assert!(
        text.contains("the limit runs_per_day is used up until"),
        "{text}"
    );
    assert!(text.contains("letter: its first run is deferred"), "{text}");

    let first = rig.import("guests");
    let second = rig.import("guests");
    let answer = schedule(&rig, "--days 1");
    let told = told(&answer);
    // Two of the day's three are used.
    assert_eq!(told[0], "13:00 guests scheduled");
    assert_eq!(told[1], "14:00 guests scheduled runs_per_day");
    let cost = &answer["coming"][0]["cost"];
    assert_eq!(cost["crm"], second["crm"]["calls"]);
    assert_eq!(cost["credits"], second["crm"]["credits"]);
    assert_eq!(cost["campaigns"], second["campaigns"]["calls"]);
    assert_eq!(cost["runs"], 1);
    assert!(first["campaigns"]["calls"].as_u64() > cost["campaigns"].as_u64());
    assert_eq!(answer["accounts"][0]["initiations_per_month"]["used"], 2);

    // What it foretold is what a daemon does, beside which it works as well.
    let daemon = rig.daemon();
    let before = rig.events("run.finished").len();
    rig.pass(rig.until_past_the_hour(5));
    until("it runs", || rig.events("run.finished").len() > before);
    let finished = rig.events("run.finished");
    assert_eq!(finished[before]["trigger"], "scheduled");
    assert_eq!(finished[before]["crm"]["calls"], cost["crm"]);
    rig.pass(rig.until_past_the_hour(5));
    until("it is deferred", || !rig.events("run.deferred").is_empty());
    let deferred = &rig.events("run.deferred")[0];
    // What it goes by is written right behind the journal.
    let mut next = Value::Null;
    until("the deferral is noted", || {
        next = schedule(&rig, "--days 1");
        told_first(&next) == "15:00 guests runs_per_day"
    });
    assert_eq!(
        deferred["next"].as_str().unwrap()[..19],
        next["coming"][0]["at"].as_str().unwrap()[..19]
    );
    daemon.signal("TERM");
    assert_eq!(daemon.end().code, Some(0));
}

fn told_first(answer: &Value) -> String {
    let row = &answer["coming"][0];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    [
        &text(&row["at"])[11..16],
        &text(&row["sync"]),
        &text(&row["deferred"]["reason"]),
    ]
    .join(" ")
}

#[test]
fn it_warns_before_the_months_initiations_run_out() {
    let rig = rig("timezone = \"UTC\"\n[limits]\ninitiations_per_month = 4\n");
    rig.sync(
        "guests",
        &definition(
            "Event_Guests",
            "Event guests",
            "every = \"day\", at = \"12:30\"",
        ),
    );
    assert_eq!(schedule(&rig, "")["warnings"], Value::Array(Vec::new()));
    rig.import("guests");
    rig.import("guests");
    assert_eq!(schedule(&rig, "")["warnings"], Value::Array(Vec::new()));
    rig.sync(
        "letter",
        &definition("Contacts", "Newsletter", "every = \"day\", at = \"12:30\""),
    );
    let warnings = schedule(&rig, "--days 1")["warnings"].to_string();
    assert!(
        warnings.contains("account main: 2 of 4 initiations_per_month used, and a first run is coming: one is left"),
        "{warnings}"
    );
    assert!(
        rig.done("schedule --days 1")
            .contains("warning: account main: 2 of 4")
    );
}

#[test]
fn a_sync_of_every_second_does_not_flood_it() {
    let rig = rig("timezone = \"UTC\"\n");
    rig.sync(
        "guests",
        &definition(
            "Event_Guests",
            "Event guests",
            "every = \"cron\", cron = \"* * * * * *\"",
        ),
    );
    let answer = schedule(&rig, "--days 1");
    let rows = answer["coming"].as_array().unwrap();
    assert!(rows.len() <= 2 * (10 + 24), "{}", rows.len());
    assert_eq!(rows[33]["deferred"]["further"], 1000);
    assert_eq!(rows[33]["deferred"]["further_more"], true);
    assert_eq!(answer["cut_at"], Value::Null);
    rig.settings(
        "timezone = \"UTC\"\n[limits]\nruns_per_day = \"unlimited\"\n",
        "",
    );
    let answer = schedule(&rig, "--days 366");
    assert_eq!(answer["coming"].as_array().unwrap().len(), 5000);
    assert!(answer["cut_at"].is_string());
    assert!(
        rig.done("schedule --days 366")
            .contains("only the first 5,000 are shown")
    );
    for line in [
        "schedule --days 0",
        "schedule --days 367",
        "schedule --days soon",
    ] {
        assert_eq!(rig.run(line).code, Some(2), "{line}");
    }
}
