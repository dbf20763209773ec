//! A service that has had too much: what it locked is left alone, and everything else goes on.

use super::*;

/// Contacts of Leads, onto another list.
const LEADS: &str = r#"
name = "Leads"
module = "Leads"
list = { name = "Hospitality" }
select = { all = true }
schedule = { every = "day", at = "04:00" }
"#;

/// A lock as Campaigns may tell of it.
fn locked(method: &str) -> Value {
    json!({ "service": "campaigns", "method": method, "what": { "status": { "status": 429 } } })
}

fn status_of(rig: &Rig, sync: &str) -> Value {
    let status: Value = serde_json::from_str(&rig.done("status --json")).unwrap();
    let syncs = status["syncs"].as_array().unwrap();
    syncs.iter().find(|it| it["sync"] == sync).unwrap().clone()
}

fn subscribes(rig: &Rig) -> u64 {
    rig.calls().of_method("campaigns", "listsubscribe")
}

#[test]
fn a_locked_method_parks_the_run_and_others_go_on_with_what_is_not_locked() {
    let rig = rig("");
    let ids = contacts(&rig, "old", 12);
    rig.import("everybody");
    contacts(&rig, "new", 6);
    let lead = json!({ "Last_Name": "L", "Company": "C", "Email": "lead@example.com" });
    rig.create("Leads", &lead);
    rig.advance(5);
    rig.sync("leads", LEADS);
    rig.import("leads");
    rig.update(
        "Leads",
        rig.records("Leads")[0]["id"].as_str().unwrap(),
        &json!({ "Email_Opt_Out": true }),
    );
    rig.advance(60);
    let daemon = rig.daemon();
    rig.fault(&locked("listsubscribe"));
    rig.forget_calls();
    let asked = start(&rig, "asked", "sync everybody --json");
    until("it is parked", || !rig.events("run.parked").is_empty());
    let event = &rig.events("run.parked")[0];
    assert_eq!(event["reason"], "refused");
    let status = status_of(&rig, "everybody");
    assert_eq!(
        (&status["state"], &status["reason"]),
        (&json!("running"), &json!("parked"))
    );
    assert_eq!(status["parked"]["until"], event["until"]);
    let until_at: Timestamp = event["until"].as_str().unwrap().parse().unwrap();
    let minutes = until_at.duration_since(rig.now()).as_mins();
    assert!((28..=30).contains(&minutes), "{minutes}");
    let shown = rig.done("status");
    assert!(shown.contains("parked until"), "{shown}");
    assert!(
        shown.contains("the service takes no further calls until then"),
        "{shown}"
    );
    let told = rig.done(&format!("history --run {}", event["run"].as_str().unwrap()));
    assert!(
        told.contains("parked") && told.contains("has not ended"),
        "{told}"
    );
    assert_eq!(status["parked"]["waiting"], 6);
    assert_eq!(status["on_list"], 12);
    for line in ["status", "history", "schedule"] {
        let told = rig.done(line);
        assert!(told.contains("with 6 records to go"), "{line}: {told}");
    }
    let behind = rig.start("behind", "sync everybody");
    behind.until_says("note: waiting for the run before it, which is parked until");
    behind.signal("INT");
    assert_eq!(behind.end().code, Some(75));
    let why = rig.run("why new-1@example.com");
    let note = "note: everybody: its run is parked until";
    assert!(why.stderr.contains(note), "{}", why.stderr);

    // The other sync takes somebody off meanwhile.
    let before = subscribes(&rig);
    let run = rig.import("leads");
    assert_eq!(
        (&run["outcome"], &run["deleted"]),
        (&json!("completed"), &json!(1))
    );

    // Time goes on, the lock does not end, and nobody tries.
    rig.update("Contacts", &ids[0], &json!({ "Email_Opt_Out": true }));
    pass_to(&rig, until_at - SignedDuration::from_mins(1));
    assert_eq!(subscribes(&rig), before, "the locked method is left alone");
    rig.drop_faults();
    pass_to(&rig, until_at);
    let ran = asked.end();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    daemon.stop();
    let run: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(run["new"], 6, "{run}");
    // Whoever opted out while it was parked is off the list, too.
    assert!(
        !rig.members("3znewsletter", "active")
            .contains_key("old-0@example.com")
    );
    assert_eq!(rig.events("run.finished").len(), 4);
}

#[test]
fn three_answers_that_only_say_later_count_as_a_lock() {
    let rig = rig("");
    contacts(&rig, "late", 3);
    let later = r#"{"status":"error","code":"2101","message":"Please try again later"}"#;
    rig.fault(&json!({ "method": "listsubscribe", "what": { "replace": { "body": later } } }));
    let mut running = start(&rig, "sync", "sync everybody");
    until("it is parked", || !rig.events("run.parked").is_empty());
    // Four callers: each of them may have been under way when the third answer came.
    assert!((3..=6).contains(&subscribes(&rig)), "{}", subscribes(&rig));
    rig.drop_faults();
    pass_until_it_ends(&rig, &mut running);
    assert_eq!(running.end().code, Some(0));
    assert_eq!(rig.events("run.finished")[0]["new"], 3);
}

#[test]
fn refusals_without_end_that_say_nothing_known_count_as_a_lock() {
    let rig = rig("campaigns_concurrency = 1\n");
    contacts(&rig, "odd", 60);
    let odd = r#"{"status":"error","code":"4711","message":"No."}"#;
    let what =
        json!({ "status": { "status": 200, "body": odd, "content_type": "application/json" } });
    rig.fault(&json!({ "method": "listsubscribe", "what": what }));
    let mut running = start(&rig, "sync", "sync everybody --json");
    until("it is parked", || !rig.events("run.parked").is_empty());
    assert_eq!(subscribes(&rig), 25);
    rig.drop_faults();
    pass_until_it_ends(&rig, &mut running);
    let ran = running.end();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let run: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        (&run["new"], &run["ignored_by"]["other"]),
        (&json!(35), &json!(25))
    );
    // Those are tried again by the next run, though their records did not change.
    rig.advance(60);
    assert_eq!(rig.import("everybody")["new"], 25);
}

#[test]
fn used_up_credits_of_the_crm_park_every_run_of_the_account_for_an_hour() {
    let rig = rig("");
    contacts(&rig, "one", 3);
    let gone = r#"{"code":"TOO_MANY_REQUESTS","details":{},"message":"You have exceeded the credits of the past 24 hours","status":"error"}"#;
    let what =
        json!({ "status": { "status": 429, "body": gone, "content_type": "application/json" } });
    rig.fault(&json!({ "service": "crm", "method": "coql", "what": what }));
    let mut running = start(&rig, "sync", "sync everybody");
    until("it is parked", || !rig.events("run.parked").is_empty());
    assert_eq!(rig.calls().of_method("crm", "coql"), 1);
    rig.drop_faults();
    let before = rig.now();
    pass_until_it_ends(&rig, &mut running);
    assert_eq!(running.end().code, Some(0));
    let waited = rig.now().duration_since(before).as_mins();
    assert!((58..=62).contains(&waited), "{waited}");
    assert_eq!(rig.events("run.finished")[0]["outcome"], "completed");
}

#[test]
fn a_wait_beyond_measure_is_no_longer_than_a_day() {
    let rig = rig("");
    contacts(&rig, "day", 3);
    let headers = json!({ "retry-after": u64::MAX.to_string() });
    let what = json!({ "status": { "status": 429, "headers": headers } });
    rig.fault(&json!({ "method": "listsubscribe", "times": 1, "what": what }));
    let before = rig.now();
    let mut running = start(&rig, "sync", "sync everybody");
    pass_until_it_ends(&rig, &mut running);
    assert_eq!(running.end().code, Some(0));
    let hours = rig.now().duration_since(before).as_hours();
    assert!((23..=25).contains(&hours), "{hours}");
    assert_eq!(rig.events("run.finished")[0]["new"], 3);
}

#[test]
fn an_outage_is_not_hammered_by_many_callers() {
    let rig = Rig::with(&Setup {
        people: 0,
        settings: "[retry]\ngive_up_after = \"4s\"\n",
        account: "campaigns_concurrency = 40\n",
        ..Setup::default()
    });
    rig.sync("everybody", EVERYBODY);
    contacts(&rig, "down", 80);
    rig.fault(&json!({ "method": "listsubscribe", "what": { "status": { "status": 503 } } }));
    let ran = rig.run("sync everybody");
    assert_eq!(ran.code, Some(75), "{}", ran.stderr);
    // Those that were under way when it began, and after that one caller for all of them.
    let calls = subscribes(&rig);
    assert!((6..=40 + 6).contains(&calls), "{calls}");
    rig.drop_faults();
    assert_eq!(rig.import("everybody")["new"], 80);
}
