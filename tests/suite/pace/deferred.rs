//! Runs that have to wait for their very first calls: they are not counted, and begin once they may.

use super::*;

/// What the CRM answers to everything once the credits of a day are used up.
fn no_credits(rig: &Rig) {
    let gone = r#"{"code":"TOO_MANY_REQUESTS","details":{},"message":"You have exceeded the credits of the past 24 hours","status":"error"}"#;
    let what =
        json!({ "status": { "status": 429, "body": gone, "content_type": "application/json" } });
    rig.fault(&json!({ "service": "crm", "what": what }));
}

/// A rig whose daemon meets the time of its schedule without credits, and waits.
fn deferred() -> (Rig, Running, Timestamp) {
    let rig = rig("");
    contacts(&rig, "few", 3);
    let daemon = rig.daemon();
    // An answer that came while the clocks are moved on would show two times.
    until("whose CRM it is, is known", || {
        let kept = fs::read_to_string(rig.path("state/state.json"));
        kept.is_ok_and(|text| text.contains("\"organisation\":\""))
    });
    no_credits(&rig);
    let next: Timestamp = sync_of(&rig)["next"].as_str().unwrap().parse().unwrap();
    pass_to(&rig, next + SignedDuration::from_secs(2));
    until("it is deferred", || !rig.events("run.deferred").is_empty());
    let until_at = rig.events("run.deferred")[0]["next"].clone();
    let until_at = until_at.as_str().unwrap().parse().unwrap();
    (rig, daemon, until_at)
}

fn sync_of(rig: &Rig) -> Value {
    let status: Value = serde_json::from_str(&rig.done("status --json")).unwrap();
    status["syncs"][0].clone()
}

#[test]
fn a_run_of_the_schedule_begins_once_there_are_credits_again() {
    let (rig, daemon, until_at) = deferred();
    let event = &rig.events("run.deferred")[0];
    assert_eq!(
        (&event["reason"], &event["error"]["kind"]),
        (&json!("refused"), &json!("throttled"))
    );
    let minutes = until_at.duration_since(rig.now()).as_mins();
    assert!((50..=60).contains(&minutes), "{minutes}");
    assert_eq!(sync_of(&rig)["not_started"]["kind"], "throttled");
    let shown = rig.done("status");
    assert!(shown.contains("no run could start at"), "{shown}");
    assert!(shown.contains("it is tried again at"), "{shown}");
    assert!(rig.done("history").contains("deferred"));
    assert_eq!(rig.events("run.started").len(), 0, "and it is not counted");
    let asked = rig.run("sync everybody");
    assert_eq!(asked.code, Some(75), "{}", asked.stderr);
    assert!(
        asked.stderr.contains("it begins by itself then"),
        "{}",
        asked.stderr
    );

    rig.drop_faults();
    rig.forget_calls();
    pass_to(&rig, until_at - SignedDuration::from_secs(30));
    assert_eq!(rig.calls().log.len(), 0, "nobody tries before");
    pass_to(&rig, until_at);
    until("it ran", || !rig.events("run.finished").is_empty());
    daemon.stop();
    let run = &rig.events("run.finished")[0];
    assert_eq!(
        (&run["trigger"], &run["new"]),
        (&json!("initial"), &json!(3))
    );
    assert_eq!(rig.events("run.deferred").len(), 1);
    assert_eq!(sync_of(&rig)["not_started"], Value::Null);
}

#[test]
fn a_restart_and_new_files_find_what_is_still_due() {
    let (rig, daemon, until_at) = deferred();
    daemon.signal("KILL");
    daemon.end();
    // The lock outlives the process: the next one waits as well, and calls nothing.
    rig.forget_calls();
    let daemon = rig.daemon();
    until("it is deferred again", || {
        rig.events("run.deferred").len() == 2
    });
    let again: Timestamp = rig.events("run.deferred")[1]["next"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!(again.duration_since(until_at).abs() < SignedDuration::from_mins(1));
    assert_eq!(rig.calls().of("crm").0, 0);
    // What it waits for is given up with its definition, and wished for anew by the one that takes over.
    let renamed = EVERYBODY.replace("\"Contacts\"", "\"Leads\"");
    rig.sync("everybody", &renamed);
    rig.done("reload");
    until("it is deferred under the new one", || {
        rig.events("run.deferred").len() == 3
    });
    let lead = json!({ "Last_Name": "L", "Company": "C", "Email": "lead@example.com" });
    rig.create("Leads", &lead);
    rig.drop_faults();
    pass_to(&rig, again + SignedDuration::from_secs(2));
    until("it ran", || !rig.events("run.finished").is_empty());
    daemon.stop();
    assert_eq!(rig.events("run.started").len(), 1);
    let members = rig.members("3znewsletter", "active");
    assert_eq!(members.keys().collect::<Vec<_>>(), ["lead@example.com"]);
}

#[test]
fn whoever_asks_for_a_run_is_told_at_once_that_it_cannot_begin() {
    let rig = rig("");
    contacts(&rig, "few", 3);
    no_credits(&rig);
    let told = |rig: &Rig, line: &str| {
        let ran = rig.run(line);
        assert_eq!(ran.code, Some(75), "{line}: {}", ran.stderr);
        assert!(
            ran.stderr.contains("not before 20"),
            "{line}: {}",
            ran.stderr
        );
    };
    told(&rig, "sync everybody");
    let daemon = rig.daemon();
    told(&rig, "sync everybody");
    daemon.stop();
    told(&rig, "plan everybody");
    assert_eq!(rig.events("run.deferred").len(), 0);
    assert_eq!(rig.events("run.started").len(), 0);
}

#[test]
fn nobody_is_told_that_a_deactivated_sync_is_tried_again() {
    let (rig, daemon, until_at) = deferred();
    rig.done("deactivate everybody");
    let shown = rig.done("status");
    assert!(shown.contains("a person deactivated it"), "{shown}");
    assert!(!shown.contains("tried again"), "{shown}");
    rig.done("activate everybody");
    rig.drop_faults();
    let shown = rig.done("status");
    assert!(!shown.contains("tried again"), "{shown}");
    // What fell due meanwhile is nobody's; the next time of the schedule is kept.
    pass_to(&rig, until_at + SignedDuration::from_hours(24));
    until("it ran", || !rig.events("run.finished").is_empty());
    daemon.stop();
    assert_eq!(rig.events("run.started").len(), 1);
}
