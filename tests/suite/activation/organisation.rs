//! The organisation behind an account's credentials.

use super::*;

const BEFORE: &str = "4876876";

fn becomes(rig: &Rig, organisation: &str) {
    rig.post("/crm/settings", &json!({ "organisation": organisation }));
}

/// The methods that the CRM and Campaigns were called by, tokens apart.
fn called(rig: &Rig) -> Vec<String> {
    let calls = rig.calls();
    let names = calls.totals.keys();
    let names = names.filter(|(service, _)| service != "accounts");
    names.map(|(_, method)| method.clone()).collect()
}

#[test]
fn another_organisation_deactivates_all_syncs_of_the_account_before_any_other_call() {
    let rig = rig_with(&["one", "two"]);
    rig.import("one");
    becomes(&rig, "30014");
    rig.forget_calls();
    let daemon = rig.daemon();
    until("it is noticed", || told(&rig).len() == 3);
    assert_eq!(
        told(&rig),
        [
            "account.organisation_changed main",
            "sync.deactivated one organisation_changed",
            "sync.deactivated two organisation_changed",
        ]
    );
    let event = &rig.events("account.organisation_changed")[0];
    assert_eq!(event["now"], "30014");
    assert!(event["before"].as_str().unwrap().starts_with(BEFORE));
    assert_refused(&rig, "one", "another organisation than before");
    assert_eq!(called(&rig), ["org"]);
    let held = [
        inactive("one", "organisation_changed"),
        inactive("two", "organisation_changed"),
    ];
    assert_eq!(standing(&rig), held);
    daemon.stop();
    let daemon = rig.daemon();
    assert_eq!(standing(&rig), held, "and after a restart too");
    rig.done("activate --account main");
    let run = rig.import("one");
    assert_eq!(
        run["full"], true,
        "what was read of the other one says nothing"
    );
    rig.import("two");
    daemon.stop();
}

#[test]
fn a_run_that_a_command_starts_asks_too_and_does_not_count() {
    let rig = rig_with(&["one"]);
    rig.import("one");
    rig.forget_calls();
    rig.import("one");
    assert!(
        !called(&rig).contains(&"org".to_owned()),
        "a day has not passed"
    );
    rig.pass(86_400);
    rig.forget_calls();
    rig.import("one");
    assert_eq!(rig.calls().methods("crm")["org"], 1);
    becomes(&rig, "30014");
    rig.import("one");
    rig.pass(86_400);
    rig.forget_calls();
    let ran = rig.run("sync one");
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    assert!(
        ran.stderr
            .contains("open organisation 30014 and no longer 4876876"),
        "{}",
        ran.stderr
    );
    assert_eq!(called(&rig), ["org"]);
    let status: Value = serde_json::from_str(&rig.done("status --json")).unwrap();
    let used = &status["accounts"][0]["limits"]["runs_per_day"]["used"];
    assert_eq!(used, 0, "of a day on which nothing ran");
}

#[test]
fn a_daemon_asks_daily_and_when_credentials_change_and_not_otherwise() {
    let rig = rig_with(&["one"]);
    let asked = || {
        rig.calls()
            .totals
            .get(&("crm".to_owned(), "org".to_owned()))
            .map_or(0, |calls| calls.0)
    };
    let daemon = rig.daemon();
    until("it asks at its start", || asked() == 1);
    rig.done("reload");
    rig.done("sync one");
    rig.pass(23 * 3600);
    rig.done("sync one");
    assert_eq!(asked(), 1);
    rig.pass(3600);
    until("it asks daily", || asked() == 2);
    // The same, by a name of its own.
    let url = rig.url().replace("127.0.0.1", "localhost");
    let settings = std::fs::read_to_string(rig.path("rosterd.toml")).unwrap();
    let crm = format!("crm_url = \"{}\"", rig.url());
    rig.put(
        "rosterd.toml",
        &settings.replace(&crm, &format!("crm_url = \"{url}\"")),
    );
    rig.done("reload");
    until("it asks when they change", || asked() == 3);
    daemon.stop();
    let daemon = rig.daemon();
    until("it asks at its next start", || asked() == 4);
    daemon.stop();
    assert!(told(&rig).is_empty());
}

#[test]
fn a_run_that_was_interrupted_in_another_organisation_ends_there() {
    let rig = rig_with(&["one"]);
    rig.import("one");
    rig.create(
        "Event_Guests",
        &json!({"Name": "Late", "Email": "late@example.com"}),
    );
    // What changes in the second in which a run begins is left to the next one.
    rig.pass(60);
    rig.fault(&json!({"service": "campaigns", "method": "listsubscribe", "what": "hang"}));
    let first = rig.start("first", "sync one");
    until("a call hangs", || {
        rig.calls().log.iter().any(|call| call["faulted"] == true)
    });
    first.signal("KILL");
    first.end();
    rig.drop_faults();
    becomes(&rig, "30014");
    rig.forget_calls();
    let daemon = rig.daemon();
    until("it is noticed", || told(&rig).len() == 2);
    daemon.stop();
    assert_eq!(called(&rig), ["org"]);
    let finished = rig.events("run.finished");
    assert_eq!(finished.len(), 2);
    assert_eq!(finished[1]["outcome"], "failed");
    assert_eq!(finished[1]["run"], rig.events("run.started")[1]["run"]);
    rig.done("activate one");
    assert_eq!(rig.import("one")["full"], true);
}

#[test]
fn a_service_that_cannot_be_asked_keeps_runs_from_starting_and_changes_nothing() {
    let rig = rig_with(&["one"]);
    rig.fault(&json!({"service": "crm", "method": "org", "what": {"status": {"status": 503, "body": ""}}}));
    let daemon = rig.daemon();
    until("it is told", || {
        daemon
            .stderr()
            .contains("the organisation of account main could not be asked for")
    });
    let ran = rig.run("sync one");
    assert_eq!(ran.code, Some(75), "{}", ran.stderr);
    assert_eq!(rig.journal(), [Value::Null; 0]);
    rig.drop_faults();
    rig.import("one");
    daemon.stop();
    assert_eq!(standing(&rig), [active("one")]);
}

#[test]
fn nothing_is_done_in_another_organisation_before_a_person_has_accepted_it() {
    let rig = Rig::new(10);
    rig.settings(
        "[safety]\nmin_removals = 0\nmax_removals = 0\n[retry]\ngive_up_after = \"1s\"\n",
        "pace = \"off\"\n",
    );
    rig.sync(
        "one",
        &format!("{}[advanced]\ndeleted = \"unsubscribe\"\n", guests(YEARLY)),
    );
    rig.import("one");
    let on_list = rig.members("3zeventguests", "active");
    let gone = rig.records("Event_Guests").into_iter().find(|guest| {
        let address = guest["Email"].as_str().unwrap_or_default().to_lowercase();
        on_list.contains_key(&address)
    });
    rig.delete("Event_Guests", gone.unwrap()["id"].as_str().unwrap());
    rig.pass(60);
    assert_eq!(rig.run("sync one").code, Some(3), "held");
    let held = rig.events("run.held")[0]["run"]
        .as_str()
        .unwrap()
        .to_owned();
    becomes(&rig, "30014");
    rig.forget_calls();
    let daemon = rig.daemon();
    until("it is noticed", || told(&rig).len() == 2);
    let address = on_list.keys().next().unwrap();
    for line in [
        format!("approve {held}"),
        format!("discard {held}"),
        format!("forget {address}"),
        "adopt one".to_owned(),
    ] {
        let ran = rig.run(&line);
        assert_eq!(ran.code, Some(3), "{line}: {}", ran.stderr);
        assert!(
            ran.stderr.contains("organisation"),
            "{line}: {}",
            ran.stderr
        );
    }
    assert_eq!(called(&rig), ["org"]);
    assert!(
        rig.done("status")
            .contains("another organisation than before")
    );
    daemon.stop();
    let ran = rig.run(&format!("approve {held}"));
    assert_eq!(ran.code, Some(3), "alone too: {}", ran.stderr);
    assert_eq!(called(&rig), ["org"]);
    rig.done("activate one");
    assert_eq!(rig.run(&format!("approve {held}")).code, Some(0));
}

#[test]
fn a_new_definition_does_not_go_around_an_organisation_that_nobody_has_accepted() {
    let rig = rig_with(&["one"]);
    rig.import("one");
    becomes(&rig, "30014");
    let daemon = rig.daemon();
    until("it is noticed", || told(&rig).len() == 2);
    std::fs::remove_file(rig.path("syncs.d/one.toml")).unwrap();
    rig.sync("another", &guests(YEARLY));
    rig.done("reload");
    rig.forget_calls();
    let ran = rig.run("sync another");
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("`rosterd activate --account main`"),
        "{}",
        ran.stderr
    );
    assert!(called(&rig).is_empty());
    rig.done("activate --account main");
    rig.import("another");
    daemon.stop();
}
