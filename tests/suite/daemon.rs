//! The daemon: its schedule, its signals, what works beside it, and what it logs.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use crate::rig::{NEWSLETTER, Rig, Setup, until};

/// All contacts onto the newsletter's list, every second.
const EVERY_SECOND: &str = r#"
name = "Newsletter"
module = "Contacts"
list = { name = "Newsletter" }
select = { all = true }
schedule = { every = "cron", cron = "* * * * * *" }
"#;

/// Guests, once.
const GUESTS_ONCE: &str = r#"
name = "Guests"
module = "Event_Guests"
list = { name = "Event guests" }
select = { all = true }
schedule = { every = "once" }
"#;

fn rig_with(settings: &'static str) -> Rig {
    let rig = Rig::with(&Setup {
        people: 40,
        settings,
        ..Setup::default()
    });
    rig.sync("newsletter", EVERY_SECOND);
    rig
}

fn rig() -> Rig {
    rig_with(
        r#"
[limits]
runs_per_day = "unlimited"
[retry]
give_up_after = "1s"
[log]
level = "trace"
"#,
    )
}

fn finished_of(rig: &Rig, sync: &str) -> usize {
    let finished = rig.events("run.finished");
    finished.iter().filter(|run| run["sync"] == sync).count()
}

/// Waits until so many more runs have finished.
fn until_more(rig: &Rig, sync: &str, more: usize) {
    let before = finished_of(rig, sync);
    until("further runs have finished", || {
        finished_of(rig, sync) >= before + more
    });
}

fn until_hangs(rig: &Rig) {
    until("a call hangs", || {
        rig.calls().log.iter().any(|call| call["faulted"] == true)
    });
}

#[test]
fn a_schedule_of_every_second_runs_until_the_daemon_is_asked_to_stop() {
    let rig = rig();
    let daemon = rig.start("daemon", "daemon");
    until_more(&rig, "newsletter", 3);
    let address = "late@example.com";
    rig.create("Contacts", &json!({"Last_Name": "Late", "Email": address}));
    until("a new contact is on the list", || {
        rig.members(NEWSLETTER, "active").contains_key(address)
    });
    daemon.signal("TERM");
    let ended = daemon.end();
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""));
    let finished = rig.events("run.finished");
    assert_eq!(finished[0]["trigger"], "initial");
    assert_eq!(finished[0]["full"], true);
    for run in &finished[1..] {
        assert!(
            run["trigger"] == "scheduled" || run["trigger"] == "catch_up",
            "{run}"
        );
        assert_eq!(run["full"], false);
    }
    let ids = finished.iter().map(|run| run["run"].as_str().unwrap());
    assert_eq!(ids.collect::<BTreeSet<_>>().len(), finished.len());
    rig.done("sync newsletter");
}

#[test]
fn an_interrupt_ends_an_idle_daemon_with_zero_too() {
    let rig = rig();
    rig.sync(
        "newsletter",
        &EVERY_SECOND.replace("* * * * * *", "0 0 0 1 1 *"),
    );
    let daemon = rig.daemon();
    daemon.signal("INT");
    assert_eq!(daemon.end().code, Some(0));
    assert_eq!(rig.journal(), [Value::Null; 0]);
}

#[test]
fn a_reload_takes_over_what_is_valid_and_keeps_the_old_set_otherwise() {
    let rig = rig();
    let daemon = rig.start("daemon", "daemon");
    until_more(&rig, "newsletter", 1);
    rig.sync("guests", GUESTS_ONCE);
    daemon.signal("HUP");
    until("the new sync has run", || finished_of(&rig, "guests") == 1);
    let reloaded = rig.events("config.reloaded");
    assert_eq!(reloaded.len(), 1);
    assert_eq!(reloaded[0]["syncs"], 2);

    rig.sync("guests", &GUESTS_ONCE.replace("module", "modul"));
    daemon.signal("HUP");
    daemon.until_says("not reloaded");
    assert!(daemon.stderr().contains("modul"));
    until_more(&rig, "newsletter", 2);
    assert_eq!(rig.events("config.reloaded").len(), 1);

    rig.sync("guests", GUESTS_ONCE);
    rig.sync(
        "newsletter",
        &EVERY_SECOND.replace("\"Contacts\"", "\"Leads\""),
    );
    daemon.signal("HUP");
    until("the second valid set is taken over", || {
        rig.events("config.reloaded").len() == 2
    });
    until("the edited sync has read in full", || {
        let finished = rig.events("run.finished");
        let full = finished.iter().filter(|run| run["full"] == true);
        full.filter(|run| run["sync"] == "newsletter").count() == 2
    });
    daemon.signal("TERM");
    assert_eq!(daemon.end().code, Some(0));
    assert_eq!(finished_of(&rig, "guests"), 1);
}

#[test]
fn status_and_history_work_beside_the_daemon_and_a_second_holder_of_the_state_is_refused() {
    let rig = rig();
    let daemon = rig.start("daemon", "daemon");
    until_more(&rig, "newsletter", 1);
    // What `status` reads is written right behind the journal.
    let mut status = Value::Null;
    until("the run shows", || {
        status = serde_json::from_str(&rig.done("status --json")).unwrap();
        status["syncs"][0]["on_list"] == rig.members(NEWSLETTER, "active").len()
    });
    assert_eq!(status["daemon"]["running"], true);
    assert_eq!(status["syncs"][0]["sync"], "newsletter");
    assert!(rig.done("history").contains("newsletter"));
    let refused = rig.run("daemon");
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.stderr.contains("held by another rosterd"),
        "{}",
        refused.stderr
    );
    until_more(&rig, "newsletter", 1);
    daemon.signal("TERM");
    assert_eq!(daemon.end().code, Some(0));
    let status: Value = serde_json::from_str(&rig.done("status --json")).unwrap();
    assert_eq!(status["daemon"]["running"], false);
}

#[test]
fn a_run_that_hangs_is_cut_when_the_daemon_stops_and_resumed_when_it_starts() {
    let rig = rig();
    rig.fault(
        &json!({"service": "campaigns", "method": "listsubscribe", "after": 5, "what": "hang"}),
    );
    let daemon = rig.start("daemon", "daemon");
    until_hangs(&rig);
    daemon.signal("TERM");
    assert_eq!(daemon.end().code, Some(0));
    let started = rig.events("run.started");
    assert_eq!(started.len(), 1);
    assert_eq!(rig.events("run.finished"), [Value::Null; 0]);
    rig.drop_faults();
    let daemon = rig.start("daemon", "daemon");
    until_more(&rig, "newsletter", 2);
    daemon.signal("TERM");
    assert_eq!(daemon.end().code, Some(0));
    assert_eq!(rig.events("run.resumed")[0]["run"], started[0]["run"]);
    let finished = rig.events("run.finished");
    assert_eq!(finished[0]["run"], started[0]["run"]);
    assert_eq!(finished[0]["trigger"], "initial");
    assert_eq!(finished[0]["new"], rig.members(NEWSLETTER, "active").len());
}

#[test]
fn a_second_signal_ends_the_daemon_at_once_and_loses_nothing() {
    let rig = rig();
    rig.fault(&json!({"service": "crm", "method": "coql", "what": "hang"}));
    let daemon = rig.start("daemon", "daemon");
    until_hangs(&rig);
    daemon.signal("TERM");
    daemon.until_says("rosterd is stopping");
    daemon.signal("TERM");
    assert_eq!(daemon.end().code, Some(143));
    rig.drop_faults();
    rig.done("sync newsletter");
    let finished = rig.events("run.finished");
    assert_eq!(finished[0]["run"], rig.events("run.started")[0]["run"]);
    assert_eq!(finished[0]["new"], rig.members(NEWSLETTER, "active").len());
}

#[test]
fn a_run_over_the_limit_is_deferred_and_journalled_and_the_daemon_goes_on() {
    let rig = rig_with("[limits]\nruns_per_day = 2\n");
    let daemon = rig.start("daemon", "daemon");
    until("two runs are deferred", || {
        rig.events("run.deferred").len() >= 2
    });
    daemon.signal("TERM");
    assert_eq!(daemon.end().code, Some(0));
    assert_eq!(rig.events("run.started").len(), 2);
    let deferred = &rig.events("run.deferred")[0];
    assert_eq!(deferred["reason"], "runs_per_day");
    assert!(deferred["next"].is_string());
    let refused = rig.run("sync newsletter");
    assert_eq!(refused.code, Some(3));
    assert!(refused.stderr.contains("2 of 2"), "{}", refused.stderr);
}

#[test]
fn no_address_and_no_token_is_in_any_log_line_even_at_level_trace() {
    let rig = rig();
    let mut secrets: BTreeSet<String> = ["sandbox-secret", "1000.sandbox.refresh"]
        .map(str::to_owned)
        .into();
    let mut keep_token = || {
        let file = fs::read_to_string(rig.path("state/tokens/main.json")).unwrap();
        let file: Value = serde_json::from_str(&file).unwrap();
        secrets.insert(file["access_token"].as_str().unwrap().to_owned());
    };
    rig.act(&json!({"policy": {"do_not_mail": {"refuse": 2004}}}));
    rig.act(&json!({"do_not_mail": "ann.lee@example.com"}));
    let daemon = rig.start("daemon", "daemon");
    until_more(&rig, "newsletter", 1);
    keep_token();
    let contacts = rig.records("Contacts");
    for contact in &contacts[..6] {
        let id = contact["id"].as_str().unwrap();
        rig.update("Contacts", id, &json!({"Last_Name": "Edited"}));
    }
    rig.delete("Contacts", contacts[7]["id"].as_str().unwrap());
    rig.post("/accounts", &json!({"revoke_access_tokens": true}));
    until_more(&rig, "newsletter", 2);
    keep_token();
    for what in [
        json!({"status": {"status": 200, "body": "<html>ann.lee@example.com</html>"}}),
        json!({"status": {"status": 400, "content_type": "application/json",
            "body": "{\"code\":\"INVALID_QUERY\",\"message\":\"ben.obrien@example.org\"}"}}),
        json!("close"),
        json!("truncate"),
    ] {
        for service in ["crm", "campaigns"] {
            rig.fault(&json!({"service": service, "times": 3, "what": what}));
            until_more(&rig, "newsletter", 1);
        }
    }
    rig.drop_faults();
    until_more(&rig, "newsletter", 2);
    daemon.signal("TERM");
    let ended = daemon.end();
    assert_eq!(ended.code, Some(0));
    let journal = fs::read_to_string(rig.path("history/history.jsonl")).unwrap();
    let written = format!("{}{}{journal}", ended.stdout, ended.stderr).to_lowercase();
    assert!(written.contains("\"level\":\"error\"") && written.contains("newsletter"));
    for record in rig.records("Contacts").iter().chain(&rig.records("Leads")) {
        let address = record["Email"].as_str().unwrap_or("").trim().to_lowercase();
        assert!(
            address.is_empty() || !written.contains(&address),
            "{address}"
        );
    }
    for secret in secrets {
        assert!(!written.contains(&secret.to_lowercase()), "{secret}");
    }
    assert!(!written.contains("@example."));
}

#[test]
fn syncs_that_fall_due_together_share_what_they_read() {
    let rig = Rig::with(&Setup {
        people: 40,
        settings: "[limits]\nruns_per_day = \"unlimited\"\n",
        ..Setup::default()
    });
    let definition = |module: &str, list: &str, select: &str, map: &str| {
        format!(
            "name = \"Together\"\nmodule = \"{module}\"\nlist = \"{list}\"\n{select}\n{map}\n\
             schedule = {{ every = \"cron\", cron = \"*/2 * * * * *\" }}\n"
        )
    };
    let gold =
        "select.criteria = [{ field = \"Customer_Tier\", operator = \"is\", value = \"Gold\" }]";
    let all = "select.all = true";
    for name in ["Gold", "Cities", "Open leads"] {
        rig.act(&json!({"create_list": {"name": name}}));
    }
    let syncs = ["all", "cities", "gold", "leads"];
    rig.sync("all", &definition("Contacts", NEWSLETTER, all, ""));
    rig.sync("gold", &definition("Contacts", "3zgold", gold, ""));
    let city = "map = { \"City\" = \"Mailing_City\" }";
    rig.sync("cities", &definition("Contacts", "3zcities", all, city));
    rig.sync("leads", &definition("Leads", "3zopenleads", all, ""));
    // First reads that take their time leave the syncs with cursors of different seconds.
    let slow = json!({"delay": {"millis": 150}});
    rig.fault(&json!({"method": "coql", "times": 8, "what": slow}));
    let daemon = rig.start("daemon", "daemon");
    // Four runs of one tick, none of them in full: their windows end together. One that begins earlier than those of
    // others asks for itself, so they have to begin together as well.
    let together = || -> Vec<u64> {
        let mut finished = rig.events("run.finished");
        finished.retain(|run| run["full"] == false);
        let window = |run: &Value| (run["from"].clone(), run["to"].clone());
        let ticks = finished.windows(4).filter(|runs| {
            let ran: BTreeSet<&str> = runs.iter().filter_map(|run| run["sync"].as_str()).collect();
            ran == BTreeSet::from(syncs) && runs.iter().all(|run| window(run) == window(&runs[0]))
        });
        let calls = |run: &Value| run["crm"]["calls"].as_u64().unwrap();
        ticks.map(|runs| runs.iter().map(calls).sum()).collect()
    };
    until("three ticks of four runs", || together().len() >= 3);
    // Changes and deletions of Contacts and of Leads, for all four.
    assert!(
        together().iter().all(|calls| *calls == 4),
        "{:?}",
        together()
    );

    let contact = json!({"Last_Name": "Ann", "Email": "ann@together.example", "Customer_Tier": "Gold", "Mailing_City": "Lisbon"});
    rig.create("Contacts", &contact);
    let has = |list: &str, address: &str| rig.members(list, "active").contains_key(address);
    let address = "ann@together.example";
    until("all three lists have her", || {
        [NEWSLETTER, "3zgold", "3zcities"]
            .iter()
            .all(|list| has(list, address))
    });
    let members = rig.members("3zcities", "active");
    assert_eq!(members[address]["fields"]["City"], "Lisbon");
    // An opt-out on a lead takes her off all of them.
    let lead = json!({"Last_Name": "Ann", "Email": address, "Email_Opt_Out": true});
    rig.create("Leads", &lead);
    until("no list has her", || {
        [NEWSLETTER, "3zgold", "3zcities"]
            .iter()
            .all(|list| !has(list, address))
    });
    daemon.signal("TERM");
    assert_eq!(daemon.end().code, Some(0));
}
