//! Plans that cannot be made or are of runs that could not start, and what is said then.

use super::*;
use crate::rig::{NEWSLETTER, until};

/// Campaigns does not say who left.
fn without_suppressions(rig: &Rig) {
    rig.fault(&json!({
        "service": "campaigns",
        "method": "getlistsubscribers",
        "what": {"status": {"status": 500, "body": "<html>sorry</html>"}},
    }));
}

#[test]
fn without_the_suppressions_the_plan_says_that_nobody_would_be_added() {
    let rig = Rig::new(30);
    rig.sync("newsletter", ALL_CONTACTS);
    without_suppressions(&rig);
    let ran = untouched(&rig, "plan newsletter --people --json");
    assert_eq!(ran.code, Some(75), "{}", ran.stderr);
    let planned: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_sums(&planned);
    assert_eq!(planned["counts"]["new"], 0);
    assert!(number(&planned["counts"]["ignored_by"]["not_cleared"]) > 0);
    assert_eq!(planned["error"]["kind"], "not_cleared");
    let text = untouched(&rig, "plan newsletter");
    let said = "nobody would be added or updated, and the run would fail";
    assert!(text.stdout.contains(said), "{}", text.stdout);
}

#[test]
fn an_inactive_sync_is_planned_and_so_is_one_beyond_its_limits() {
    let rig = Rig::with(&Setup {
        settings: "[limits]\nruns_per_day = 1\nresyncs_per_day = 0\n",
        ..Setup::default()
    });
    rig.sync("newsletter", ALL_CONTACTS);
    rig.import("newsletter");
    assert_eq!(rig.run("sync newsletter").code, Some(3));
    assert_eq!(plan(&rig, "newsletter --full")["active"], true);
    let inactive = format!("active = false\n{ALL_CONTACTS}");
    rig.sync("newsletter", &inactive);
    rig.create(
        "Contacts",
        &json!({"Last_Name": "Lee", "Email": "lee@example.com"}),
    );
    rig.advance(60);
    let planned = plan(&rig, "newsletter");
    assert_eq!(
        (&planned["active"], &planned["counts"]["new"]),
        (&json!(false), &json!(1))
    );
    let text = untouched(&rig, "plan newsletter").stdout;
    assert!(
        text.contains("no run starts: set `active = true` in its file"),
        "{text}"
    );
}

#[test]
fn what_keeps_a_run_from_starting_keeps_a_plan_from_being_made() {
    let rig = Rig::new(10);
    rig.sync("newsletter", ALL_CONTACTS);
    let unknown = untouched(&rig, "plan newsleter");
    assert_eq!(unknown.code, Some(2));
    assert!(
        unknown.stderr.contains("did you mean `newsletter`?"),
        "{}",
        unknown.stderr
    );
    rig.sync(
        "newsletter",
        &ALL_CONTACTS.replace("{ name = \"Newsletter\" }", "\"3znone\""),
    );
    let unfit = untouched(&rig, "plan newsletter");
    assert_eq!(unfit.code, Some(78));
    assert!(
        unfit.stderr.contains("syncs.d/newsletter.toml:4"),
        "{}",
        unfit.stderr
    );
    rig.sync("newsletter", ALL_CONTACTS);
    rig.put("secrets/refresh_token", "1000.none");
    assert_eq!(untouched(&rig, "plan newsletter").code, Some(77));
    rig.put("rosterd.toml", "");
    assert_eq!(untouched(&rig, "plan newsletter").code, Some(78));
}

#[test]
fn beside_a_daemon_a_plan_is_the_same_and_leaves_as_little_behind() {
    let rig = Rig::new(10);
    rig.sync(
        "newsletter",
        &ALL_CONTACTS.replace("\"hour\"", "\"day\", at = \"03:00\""),
    );
    let line = "plan newsletter --people --json";
    // Whom it takes up first is a matter of chance before there is a ledger.
    let planned = || {
        let mut planned: Value = serde_json::from_str(&rig.done(line)).unwrap();
        let people = planned["people"].as_array_mut().unwrap();
        people.sort_by_key(ToString::to_string);
        planned
    };
    let alone = planned();
    let daemon = rig.daemon();
    let mut beside = planned();
    // How long it takes is of no concern, and the daemon has asked for the organisation.
    for key in ["seconds", "calls"] {
        beside[key] = alone[key].clone();
    }
    assert_eq!(beside, alone);
    assert!(!beside["people"].as_array().unwrap().is_empty());
    assert_eq!(rig.journal(), [Value::Null; 0]);
    assert_eq!(rig.members(NEWSLETTER, "active").len(), 0);
    assert!(!daemon.stderr().contains("run started"));
    let unknown = rig.run("plan newsleter");
    assert_eq!(unknown.code, Some(2));
    daemon.signal("TERM");
    assert_eq!(daemon.end().code, Some(0));
    // What a run does then is what was planned.
    assert_eq!(rig.import("newsletter")["new"], alone["counts"]["new"]);
}

#[test]
fn an_interrupted_plan_leaves_nothing_behind() {
    let rig = Rig::new(30);
    rig.sync("newsletter", ALL_CONTACTS);
    rig.import("newsletter");
    let temporary = rig.path("temporary");
    fs::create_dir_all(&temporary).unwrap();
    let before = files(&rig);
    let coql = json!({"service": "crm", "method": "coql", "times": 1, "what": "hang"});
    rig.fault(&coql);
    let running = rig.start_in("planned", "plan newsletter --people", &temporary);
    until("the plan waits for the CRM", || {
        rig.get("/faults")["faults"] == json!([])
    });
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 1);
    running.signal("INT");
    let ended = running.end();
    assert_eq!(ended.code, Some(75), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("nothing was changed"),
        "{}",
        ended.stderr
    );
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0);
    assert_eq!(files(&rig), before);
}

#[test]
fn of_an_interrupted_run_the_rest_is_planned() {
    let rig = Rig::new(60);
    rig.sync("newsletter", ALL_CONTACTS);
    rig.fault(&json!({"method": "listsubscribe", "after": 20, "times": 1, "what": "hang"}));
    let killed = rig.start("killed", "sync newsletter");
    until("the run writes", || {
        rig.get("/faults")["faults"] == json!([])
    });
    killed.signal("KILL");
    killed.end();
    let planned = plan(&rig, "newsletter");
    assert_sums(&planned);
    let resumed = planned["resumes"].as_str().unwrap();
    let text = untouched(&rig, "plan newsletter").stdout;
    assert!(text.contains("what is left of it"), "{text}");
    rig.forget_calls();
    rig.done("sync newsletter");
    let runs = rig.events("run.finished");
    assert_eq!(runs[0]["run"], resumed);
    let (rest, all) = (number(&planned["counts"]["new"]), number(&runs[0]["new"]));
    assert!(0 < rest && rest < all, "{rest} of {all}");
    assert_eq!(rig.calls().methods("campaigns")["listsubscribe"], rest);
}
