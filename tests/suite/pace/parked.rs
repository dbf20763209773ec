//! What is used of the budgets outlives the process, and who opted out does not wait for those who come.

use super::*;

fn subscribed(rig: &Rig) -> u64 {
    rig.calls().of_method("campaigns", "listsubscribe")
}

#[test]
fn budgets_survive_kills_and_restarts() {
    let rig = rig("campaigns_concurrency = 1\npace = { listsubscribe = \"10/h\" }\n");
    contacts(&rig, "ten", 25);
    rig.forget_calls();
    // Killed at its seventh call, then while it is parked, and started again at once each time.
    rig.fault(&json!({ "method": "listsubscribe", "after": 6, "times": 1, "what": "hang" }));
    let running = start(&rig, "killed", "sync everybody");
    until("its seventh call", || {
        rig.get("/faults")["faults"] == json!([])
    });
    running.signal("KILL");
    running.end();
    for (parked, name) in ["a", "b"].iter().enumerate() {
        let running = start(&rig, name, "sync everybody");
        until("it is parked", || {
            rig.events("run.parked").len() == parked + 1
        });
        running.signal("KILL");
        running.end();
        let calls = subscribed(&rig);
        assert!((9..=10).contains(&calls), "{calls} in the first hour");
    }
    let mut running = start(&rig, "last", "sync everybody --json");
    pass_until_it_ends(&rig, &mut running);
    let ran = running.end();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    // The interrupted run was finished, and the one that was asked for found nothing to do.
    let finished = rig.events("run.finished");
    assert_eq!(finished.len(), 2);
    assert_eq!(finished[0]["new"], 25);
    let log = rig.calls().log;
    let at: Vec<Timestamp> = log
        .iter()
        .filter(|call| call["method"] == "listsubscribe")
        .map(|call| call["at"].as_str().unwrap().parse().unwrap())
        .collect();
    for eleven in at.windows(11) {
        let span = eleven[10].duration_since(eleven[0]);
        assert!(span >= SignedDuration::from_hours(1), "{span:#}");
    }
}

#[test]
fn opt_outs_and_removals_go_before_anyone_is_added() {
    let rig = rig("pace = { listsubscribe = \"20/h\" }\n");
    rig.sync(
        "everybody",
        &format!("{EVERYBODY}\n[advanced]\ndeleted = \"unsubscribe\"\n"),
    );
    let ids = contacts(&rig, "old", 10);
    rig.import("everybody");
    contacts(&rig, "new", 30);
    rig.update("Contacts", &ids[0], &json!({ "Email_Opt_Out": true }));
    rig.update("Contacts", &ids[1], &json!({ "Email_Opt_Out": true }));
    rig.delete("Contacts", &ids[2]);
    rig.advance(60);
    rig.forget_calls();
    let mut running = start(&rig, "sync", "sync everybody --json");
    until("it is parked", || !rig.events("run.parked").is_empty());
    let writes = |rig: &Rig| -> Vec<String> {
        let log = rig.calls().log;
        let methods = log
            .iter()
            .map(|call| call["method"].as_str().unwrap().to_owned());
        methods
            .filter(|it| it == "listsubscribe" || it == "listunsubscribe")
            .collect()
    };
    let made = writes(&rig);
    assert_eq!(made[..3], ["listunsubscribe"; 3]);
    assert_eq!(made[3..], ["listsubscribe"; 10]);

    // Somebody opts out while it waits, and is off the list at the next time of the schedule.
    rig.update("Contacts", &ids[3], &json!({ "Email_Opt_Out": true }));
    // Of those who wait, too.
    let waiting = rig.records("Contacts");
    let waiting = waiting.iter().find(|it| {
        let address = it["Email"].as_str().unwrap_or_default();
        address.starts_with("new-") && !rig.members("3znewsletter", "active").contains_key(address)
    });
    let waiting = waiting.unwrap();
    rig.update(
        "Contacts",
        waiting["id"].as_str().unwrap(),
        &json!({ "Email_Opt_Out": true }),
    );
    pass_until_it_ends(&rig, &mut running);
    let ran = running.end();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let run: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(run["deleted"], 4, "{run}");
    assert_eq!(
        (&run["new"], &run["ignored_by"]["opted_out"]),
        (&json!(29), &json!(3))
    );
    let members = rig.members("3znewsletter", "active");
    assert!(!members.contains_key("old-3@example.com"));
    assert!(!members.contains_key(waiting["Email"].as_str().unwrap()));
    assert_eq!(members.len(), 10 - 4 + 29);
}

#[test]
fn a_parked_run_is_looked_after_at_the_times_of_its_schedule() {
    let rig = rig("pace = { listsubscribe = \"5/d\" }\n");
    let hourly = EVERYBODY.replace("every = \"day\", at = \"03:00\"", "every = \"hour\"");
    rig.sync("everybody", &hourly);
    let ids = contacts(&rig, "day", 3);
    rig.import("everybody");
    contacts(&rig, "more", 6);
    let daemon = rig.daemon();
    let asked = start(&rig, "asked", "sync everybody");
    until("it is parked", || !rig.events("run.parked").is_empty());
    rig.update("Contacts", &ids[0], &json!({ "Email_Opt_Out": true }));
    rig.forget_calls();
    let on_list = |rig: &Rig| rig.members("3znewsletter", "active").len();
    assert_eq!(on_list(&rig), 5);
    pass_to(
        &rig,
        rig.now() + SignedDuration::from_secs(rig.until_past_the_hour(2)),
    );
    until("the opt-out is off the list", || on_list(&rig) == 4);
    until("it is parked again", || rig.events("run.parked").len() == 2);
    assert_eq!(subscribed(&rig), 0);
    daemon.stop();
    // Who followed it is told that it goes on.
    let ran = asked.end();
    assert_ne!(ran.code, Some(0), "{}", ran.stderr);
    let status: Value = serde_json::from_str(&rig.done("status --json")).unwrap();
    assert_eq!(status["syncs"][0]["reason"], "interrupted");
}

#[test]
fn nobody_is_added_whose_record_opted_out_went_or_got_another_address_while_they_waited() {
    let rig = rig("campaigns_concurrency = 1\npace = { listsubscribe = \"20/h\" }\n");
    contacts(&rig, "wait", 40);
    let mut running = start(&rig, "sync", "sync everybody --json");
    until("it is parked", || !rig.events("run.parked").is_empty());
    let members = rig.members("3znewsletter", "active");
    let records = rig.records("Contacts");
    let address = |record: &Value| record["Email"].as_str().unwrap().to_owned();
    let id = |record: &Value| record["id"].as_str().unwrap().to_owned();
    let (added, waiting): (Vec<Value>, Vec<Value>) = records
        .into_iter()
        .partition(|record| members.contains_key(&address(record)));
    assert_eq!((added.len(), waiting.len()), (20, 20));
    let out = json!({ "Email_Opt_Out": true });
    let other = |name: &str| json!({ "Email": format!("{name}@example.com") });
    // Opted out before, after, and together with another address, or with none; on the list already, too.
    rig.update("Contacts", &id(&waiting[0]), &other("a"));
    rig.update("Contacts", &id(&waiting[0]), &out);
    rig.update("Contacts", &id(&waiting[1]), &out);
    rig.update("Contacts", &id(&waiting[1]), &other("b"));
    let both = json!({ "Email": "c@example.com", "Email_Opt_Out": true });
    rig.update("Contacts", &id(&waiting[2]), &both);
    let none = json!({ "Email": "", "Email_Opt_Out": true });
    rig.update("Contacts", &id(&waiting[3]), &none);
    rig.update("Contacts", &id(&added[0]), &both);
    // Another address, one that is none, and a record that is gone.
    rig.update("Contacts", &id(&waiting[4]), &other("d"));
    rig.update("Contacts", &id(&waiting[5]), &json!({ "Email": "bad@aol" }));
    rig.delete("Contacts", &id(&waiting[6]));
    rig.advance(5);
    pass_until_it_ends(&rig, &mut running);
    let ran = running.end();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let run: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        (&run["new"], &run["total"]),
        (&json!(33), &json!(40)),
        "{run}"
    );
    let ignored = &run["ignored_by"];
    assert_eq!(
        (&ignored["opted_out"], &ignored["other"]),
        (&json!(4), &json!(3)),
        "{run}"
    );
    assert_eq!(run["deleted"], 1, "{run}");
    let members = rig.members("3znewsletter", "active");
    for record in waiting[..7].iter().chain(&added[..1]) {
        assert!(!members.contains_key(&address(record)), "{record}");
    }
    // Whoever has another address now comes under that one.
    rig.advance(60);
    assert_eq!(rig.import("everybody")["new"], 1);
    assert!(
        rig.members("3znewsletter", "active")
            .contains_key("d@example.com")
    );
}

#[test]
fn who_leaves_in_person_while_a_run_is_parked_is_no_alarm_once_they_were_met_clean() {
    let rig = rig("campaigns_concurrency = 1\npace = { listsubscribe = \"10/h\" }\n");
    contacts(&rig, "stay", 25);
    let mut running = start(&rig, "sync", "sync everybody --json");
    until("it is parked", || !rig.events("run.parked").is_empty());
    let first: Vec<String> = rig.members("3znewsletter", "active").into_keys().collect();
    assert_eq!(first.len(), 10);
    let told = waits(&running.stderr());
    pass_to(&rig, *told.last().unwrap());
    // By now the suppressions have been read again.
    until("it is parked again", || rig.events("run.parked").len() == 2);
    rig.act(&json!({ "unsubscribe": { "list": "3znewsletter", "address": first[0] } }));
    rig.act(&json!({ "bounce": first[1] }));
    pass_until_it_ends(&rig, &mut running);
    let ran = running.end();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let run: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        (&run["outcome"], &run["new"]),
        (&json!("completed"), &json!(25)),
        "{run}"
    );
    assert_eq!(run["audit"], Value::Null);
    // And nobody takes them back.
    rig.advance(60);
    let full = rig.done("sync everybody --full --json");
    let full: Value = serde_json::from_str(&full).unwrap();
    let ignored = &full["ignored_by"];
    assert_eq!(
        (&ignored["do_not_mail"], &ignored["bounced"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(rig.members("3znewsletter", "active").len(), 23);
}

#[test]
fn a_parked_run_that_was_interrupted_ends_as_well_when_its_sync_is_deactivated() {
    let rig = rig("pace = { listsubscribe = \"5/h\" }\n");
    contacts(&rig, "end", 9);
    let running = start(&rig, "killed", "sync everybody");
    until("it is parked", || !rig.events("run.parked").is_empty());
    running.signal("KILL");
    running.end();
    let status: Value = serde_json::from_str(&rig.done("status --json")).unwrap();
    assert_eq!(status["syncs"][0]["on_list"], 5);
    let told = rig.done("deactivate everybody");
    assert!(told.contains("goes on no more"), "{told}");
    pass_to(&rig, rig.now() + SignedDuration::from_hours(2));
    let daemon = rig.daemon();
    until("it has ended", || !rig.events("run.finished").is_empty());
    daemon.stop();
    let run = &rig.events("run.finished")[0];
    assert_eq!(
        (&run["outcome"], &run["new"]),
        (&json!("failed"), &json!(5))
    );
    assert_eq!(subscribed(&rig), 5);
    // Once it is active again, the next run does the rest.
    rig.done("activate everybody");
    assert_eq!(rig.import("everybody")["new"], 4);
}

#[test]
fn a_definition_that_is_taken_away_changed_or_deactivated_ends_its_parked_run() {
    for change in ["taken away", "changed", "deactivated", "was deactivated"] {
        let rig = rig("pace = { listsubscribe = \"5/h\" }\n");
        contacts(&rig, "end", 9);
        let daemon = rig.daemon();
        let asked = rig.start("asked", "sync everybody --json");
        until("it is parked", || !rig.events("run.parked").is_empty());
        match change {
            "changed" => {
                let narrowed = EVERYBODY.replace(
                    "select = { all = true }",
                    "select.criteria = [{ field = \"Last_Name\", operator = \"is\", value = \"Name 1\" }]",
                );
                rig.sync("everybody", &narrowed);
            }
            // However short: nobody has to look meanwhile.
            "deactivated" => {
                rig.done("deactivate everybody");
                rig.done("activate everybody");
            }
            "was deactivated" => rig.sync("everybody", &format!("active = false\n{EVERYBODY}")),
            _ => fs::remove_file(rig.path("syncs.d/everybody.toml")).unwrap(),
        }
        rig.done("reload");
        let ran = asked.end();
        assert_eq!(ran.code, Some(1), "{change}: {}", ran.stderr);
        let run: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(
            (&run["outcome"], &run["new"]),
            (&json!("failed"), &json!(5)),
            "{change}: {run}"
        );
        let told = run["error"]["message"].as_str().unwrap();
        assert!(told.contains(change), "{told}");
        daemon.stop();
        assert_eq!(subscribed(&rig), 5, "{change}");
        let status: Value = serde_json::from_str(&rig.done("status --json")).unwrap();
        for sync in status["syncs"].as_array().unwrap() {
            assert_eq!(sync["parked"], Value::Null, "{change}");
        }
    }
}
