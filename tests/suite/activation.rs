//! Which syncs are active: by their files, by a person, by the account's key and organisation, and by the limit.

mod limit;
mod organisation;

use serde_json::{Value, json};

use crate::rig::{Rig, until};

/// Guests onto their list, by a schedule.
fn guests(schedule: &str) -> String {
    format!(
        "name = \"Guests\"\nmodule = \"Event_Guests\"\nlist = {{ name = \"Event guests\" }}\n\
         select = {{ all = true }}\nschedule = {{ {schedule} }}\n"
    )
}

/// Due at no time that a test comes to by itself.
const YEARLY: &str = "every = \"cron\", cron = \"0 0 3 29 2 *\"";

fn rig_with(ids: &[&str]) -> Rig {
    let rig = Rig::new(10);
    for id in ids {
        rig.sync(id, &guests(YEARLY));
    }
    rig
}

/// State and reason of each sync, by its id.
fn standing(rig: &Rig) -> Vec<(String, String, Value)> {
    let status: Value = serde_json::from_str(&rig.done("status --json")).unwrap();
    let syncs = status["syncs"].as_array().unwrap().iter();
    syncs
        .map(|sync| {
            let text = |key: &str| sync[key].as_str().unwrap().to_owned();
            (text("sync"), text("state"), sync["reason"].clone())
        })
        .collect()
}

fn active(id: &str) -> (String, String, Value) {
    (id.to_owned(), "active".to_owned(), Value::Null)
}

fn inactive(id: &str, reason: &str) -> (String, String, Value) {
    (id.to_owned(), "inactive".to_owned(), json!(reason))
}

/// What the journal tells of activation, oldest first: the event, whom it is about, and why.
fn told(rig: &Rig) -> Vec<String> {
    let mut lines = rig.journal();
    lines.retain(|line| {
        let event = line["event"].as_str().unwrap();
        event.starts_with("sync.") || event.starts_with("account.")
    });
    let text = |line: &Value| {
        let field = |key: &str| line[key].as_str().map(|text| format!(" {text}"));
        let event = line["event"].as_str().unwrap().to_owned();
        let whom = field("sync").or_else(|| field("account"));
        event + &whom.unwrap_or_default() + &field("reason").unwrap_or_default()
    };
    lines.iter().map(text).collect()
}

/// A run is refused, and the sentence says this.
fn assert_refused(rig: &Rig, sync: &str, says: &str) {
    let journal = rig.journal();
    let ran = rig.run(&format!("sync {sync}"));
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    assert!(ran.stderr.contains(says), "no `{says}` in: {}", ran.stderr);
    assert_eq!(rig.journal(), journal);
}

#[test]
fn a_file_says_whether_its_sync_is_active_and_what_it_says_anew_is_told() {
    let rig = rig_with(&["one", "two"]);
    rig.sync("two", &format!("active = false\n{}", guests(YEARLY)));
    let daemon = rig.daemon();
    assert_eq!(
        standing(&rig),
        [active("one"), inactive("two", "definition")]
    );
    assert_refused(&rig, "two", "set `active = true` in its file");
    assert!(told(&rig).is_empty(), "nothing has changed yet");
    rig.sync("one", &format!("active = false\n{}", guests(YEARLY)));
    rig.sync("two", &guests(YEARLY));
    rig.done("reload");
    assert_eq!(
        standing(&rig),
        [inactive("one", "definition"), active("two")]
    );
    std::fs::remove_file(rig.path("syncs.d/two.toml")).unwrap();
    rig.done("reload");
    daemon.stop();
    assert_eq!(
        told(&rig),
        [
            "sync.deactivated one definition",
            "sync.activated two",
            "sync.deactivated two removed"
        ]
    );
}

#[test]
fn what_a_person_deactivated_stays_so_until_a_person_activates_it() {
    let rig = rig_with(&["one", "two"]);
    // Without a daemon, and beside one.
    assert_eq!(rig.done("deactivate one"), "one is inactive\n");
    let daemon = rig.daemon();
    assert_eq!(rig.done("deactivate two"), "two is inactive\n");
    assert_eq!(rig.done("deactivate two"), "two is inactive\n");
    rig.sync("one", &format!("active = true\n{}", guests(YEARLY)));
    rig.done("reload");
    daemon.stop();
    let held = [inactive("one", "operator"), inactive("two", "operator")];
    assert_eq!(standing(&rig), held);
    let daemon = rig.daemon();
    assert_eq!(standing(&rig), held);
    assert_refused(&rig, "one", "`rosterd activate one` undoes that");
    let ran = rig.run("activate one --json");
    let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
    let want =
        json!({"sync": "one", "active": true, "reason": null, "changed": true, "running": false});
    assert_eq!((ran.code, &answer["syncs"][0]), (Some(0), &want));
    daemon.stop();
    assert_eq!(rig.done("activate two"), "two is active\n");
    assert_eq!(rig.done("activate two"), "two is active already\n");
    assert_eq!(standing(&rig), [active("one"), active("two")]);
    assert_eq!(
        told(&rig),
        [
            "sync.deactivated one operator",
            "sync.deactivated two operator",
            "sync.activated one",
            "sync.activated two"
        ]
    );
    rig.import("one");
}

#[test]
fn names_that_do_not_exist_change_nothing() {
    let rig = rig_with(&["one", "two"]);
    for line in [
        "activate one too",
        "deactivate one too",
        "activate --account mainn",
    ] {
        let ran = rig.run(line);
        assert_eq!(ran.code, Some(2), "{line}: {}", ran.stderr);
    }
    assert!(!rig.path("state").exists(), "not even the state is made");
    let daemon = rig.daemon();
    for line in [
        "activate one too",
        "deactivate one too",
        "activate --account mainn",
    ] {
        let ran = rig.run(line);
        assert_eq!(ran.code, Some(2), "{line}: {}", ran.stderr);
        assert!(ran.stderr.contains("there is no "), "{}", ran.stderr);
    }
    assert_eq!(standing(&rig), [active("one"), active("two")]);
    daemon.stop();
}

#[test]
fn what_falls_due_while_a_sync_is_inactive_is_nobodys() {
    let rig = Rig::new(10);
    rig.sync("hourly", &guests("every = \"hour\""));
    rig.pass(rig.until_past_the_hour(1800));
    let daemon = rig.daemon();
    rig.done("deactivate hourly");
    rig.pass(5 * 3600);
    rig.done("activate hourly");
    rig.pass(rig.until_past_the_hour(1));
    until("it has run", || rig.events("run.finished").len() == 1);
    daemon.stop();
    // Down meanwhile, and deactivated and activated by commands.
    rig.done("deactivate hourly");
    rig.pass(5 * 3600);
    rig.done("activate hourly");
    let daemon = rig.daemon();
    rig.pass(rig.until_past_the_hour(1));
    until("it has run", || rig.events("run.finished").len() == 2);
    daemon.stop();
    let triggers: Vec<_> = rig.events("run.finished");
    let triggers: Vec<_> = triggers.iter().map(|run| run["trigger"].as_str()).collect();
    assert_eq!(triggers, [Some("initial"), Some("scheduled")]);
    assert!(rig.events("run.skipped").is_empty());
}

#[test]
fn a_run_under_way_goes_on_to_its_end_when_its_sync_is_deactivated() {
    let rig = rig_with(&["one"]);
    rig.fault(&json!({"service": "campaigns", "method": "listsubscribe", "after": 1, "times": 1, "what": "hang"}));
    let daemon = rig.daemon();
    let client = rig.start("client", "sync one");
    until("a call hangs", || {
        rig.calls().log.iter().any(|call| call["faulted"] == true)
    });
    let said = rig.done("deactivate one");
    assert_eq!(
        said,
        "one is inactive; its run under way goes on to its end\n"
    );
    daemon.signal("TERM");
    assert_eq!(daemon.end().code, Some(0));
    assert_eq!(client.end().code, Some(75));
    // Interrupted, it is finished by the next daemon, and none comes after it.
    let daemon = rig.daemon();
    until("it has ended", || rig.events("run.finished").len() == 1);
    assert_eq!(rig.events("run.finished")[0]["outcome"], "completed");
    assert_refused(&rig, "one", "a person deactivated it");
    daemon.stop();
}

const TWO_ACCOUNTS: &str = r#"
[accounts.other]
client_id = "1000.SANDBOX"
client_secret = { file = "secrets/client_secret" }
refresh_token = { file = "secrets/refresh_token" }
accounts_url = "URL"
crm_url = "URL"
campaigns_url = "URL"
pace = "off"
"#;

/// The settings with a service key of `main`; none where it is empty.
fn with_key(rig: &Rig, key: &str) {
    let key = match key {
        // The rig gives one to an account that does not mention it.
        "" => "# zsc_key\n".to_owned(),
        key => format!("zsc_key = \"{key}\"\n"),
    };
    let other = TWO_ACCOUNTS.replace("URL", rig.url());
    rig.settings(
        "[retry]\ngive_up_after = \"1s\"\n",
        &format!("pace = \"off\"\n{key}{other}"),
    );
}

fn of_two_accounts() -> Rig {
    let rig = Rig::new(10);
    for (id, account) in [("one", "main"), ("three", "other"), ("two", "main")] {
        rig.sync(id, &format!("account = \"{account}\"\n{}", guests(YEARLY)));
    }
    rig
}

#[test]
fn a_service_key_that_changes_or_goes_away_holds_the_syncs_of_its_account() {
    let rig = of_two_accounts();
    let held = [
        inactive("one", "key_changed"),
        active("three"),
        inactive("two", "key_changed"),
    ];
    let all = [active("one"), active("three"), active("two")];
    with_key(&rig, "");
    rig.import("one");
    with_key(&rig, "first");
    let daemon = rig.daemon();
    assert_eq!(standing(&rig), all, "a first key is only noted");
    assert!(told(&rig).is_empty());
    // Noticed on reload.
    with_key(&rig, "second");
    rig.done("reload");
    assert_eq!(standing(&rig), held);
    assert_refused(&rig, "two", "`rosterd activate --account main`");
    rig.import("three");
    assert_eq!(rig.done("activate one"), "one is active\n");
    assert_eq!(standing(&rig)[0], active("one"));
    rig.done("reload");
    assert_eq!(
        rig.done("activate --account main"),
        "one is active already\ntwo is active\n"
    );
    daemon.stop();
    // By a command that opens the state itself, whatever it is about.
    with_key(&rig, "third");
    rig.import("three");
    assert_eq!(standing(&rig), held);
    rig.done("activate --account main");
    // At start; that it is gone is a change, and that the same one is back is none.
    with_key(&rig, "");
    let daemon = rig.daemon();
    assert_eq!(standing(&rig), held);
    rig.done("activate --account main");
    with_key(&rig, "third");
    rig.done("reload");
    assert_eq!(standing(&rig), all);
    daemon.stop();
    let held = [
        "account.key_changed main",
        "sync.deactivated one key_changed",
        "sync.deactivated two key_changed",
        "sync.activated one",
        "sync.activated two",
    ];
    assert_eq!(told(&rig), held.repeat(3));
    let gone: Vec<_> = rig.events("account.key_changed");
    let gone: Vec<_> = gone
        .iter()
        .map(|event| event["gone"].as_bool().unwrap())
        .collect();
    assert_eq!(gone, [false, false, true]);
    let keys = ["first", "second", "third"];
    for file in ["state.json", "lock"] {
        let text = std::fs::read_to_string(rig.path(&format!("state/{file}"))).unwrap();
        assert!(
            keys.iter().all(|key| !text.contains(&format!("\"{key}\""))),
            "no key is kept"
        );
    }
}

#[test]
fn a_key_that_changed_stops_what_was_interrupted_until_it_is_activated() {
    let rig = of_two_accounts();
    with_key(&rig, "first");
    interrupted(&rig);
    rig.forget_calls();
    with_key(&rig, "second");
    let daemon = rig.daemon();
    assert_refused(&rig, "one", "the service key of account main changed");
    assert_eq!(rig.calls().of("campaigns"), (0, 0));
    rig.done("activate one");
    let ended = rig.run("sync one");
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let finished = rig.events("run.finished");
    assert_eq!(finished.len(), 2, "the interrupted one, and one of its own");
    assert_eq!(finished[0]["run"], rig.events("run.started")[0]["run"]);
    daemon.stop();
}

/// A run of `one` that was killed while a call hung.
fn interrupted(rig: &Rig) {
    rig.fault(
        &json!({"service": "campaigns", "method": "listsubscribe", "after": 1, "what": "hang"}),
    );
    let first = rig.start("first", "sync one");
    until("a call hangs", || {
        rig.calls().log.iter().any(|call| call["faulted"] == true)
    });
    first.signal("KILL");
    first.end();
    rig.drop_faults();
}

#[test]
fn whatever_else_keeps_a_sync_inactive_a_changed_key_stops_what_was_interrupted() {
    let rig = of_two_accounts();
    with_key(&rig, "first");
    interrupted(&rig);
    with_key(&rig, "second");
    let daemon = rig.daemon();
    assert_eq!(rig.done("deactivate one"), "one is inactive\n");
    daemon.stop();
    let off = format!("active = false\naccount = \"main\"\n{}", guests(YEARLY));
    rig.sync("one", &off);
    rig.forget_calls();
    let daemon = rig.daemon();
    assert_eq!(standing(&rig)[0], inactive("one", "definition"));
    assert_refused(&rig, "one", "set `active = true` in its file");
    assert_eq!(rig.calls().of("campaigns"), (0, 0));
    rig.sync("one", &off.replace("active = false", ""));
    rig.done("reload");
    assert_eq!(standing(&rig)[0], inactive("one", "key_changed"));
    // It goes on by itself as soon as it may.
    rig.done("activate one");
    until("it has ended", || rig.events("run.finished").len() == 1);
    assert_eq!(rig.events("run.resumed").len(), 1);
    daemon.stop();
}

#[test]
fn a_definition_that_was_away_comes_back_to_what_happened_to_its_account() {
    let rig = of_two_accounts();
    with_key(&rig, "first");
    let daemon = rig.daemon();
    let two = std::fs::read_to_string(rig.path("syncs.d/two.toml")).unwrap();
    std::fs::remove_file(rig.path("syncs.d/two.toml")).unwrap();
    rig.done("reload");
    with_key(&rig, "second");
    rig.done("reload");
    rig.done("activate one");
    rig.sync("two", &two);
    rig.done("reload");
    assert_eq!(standing(&rig)[2], inactive("two", "key_changed"));
    assert_refused(&rig, "two", "the service key of account main changed");
    rig.done("activate two");
    rig.import("two");
    daemon.stop();
}

#[test]
fn what_a_person_deactivated_is_not_activated_with_its_account() {
    let rig = of_two_accounts();
    with_key(&rig, "first");
    let daemon = rig.daemon();
    rig.done("deactivate one");
    with_key(&rig, "second");
    let said = rig.done("reload");
    assert_eq!(
        said,
        "reloaded: accounts changed: main; inactive now: two (key_changed)\n"
    );
    assert_eq!(standing(&rig)[0], inactive("one", "key_changed"));
    assert_eq!(
        rig.done("activate --account main"),
        "one stays inactive: a person deactivated it; `rosterd activate one` undoes that\ntwo is active\n"
    );
    // Once more, it is all that people have deactivated.
    assert_eq!(
        rig.done("activate --account main"),
        "one is active\ntwo is active already\n"
    );
    daemon.stop();
    assert_eq!(
        told(&rig),
        [
            "sync.deactivated one operator",
            "account.key_changed main",
            "sync.deactivated one key_changed",
            "sync.deactivated two key_changed",
            "sync.deactivated one operator",
            "sync.activated two",
            "sync.activated one",
        ]
    );
}

#[test]
fn a_sync_that_is_active_again_reads_everything_first() {
    let rig = rig_with(&["one"]);
    rig.import("one");
    rig.pass(60);
    assert_eq!(rig.import("one")["full"], false);
    rig.done("deactivate one");
    let on_list = rig.members("3zeventguests", "active");
    let story = rig.done(&format!("why {}", on_list.keys().next().unwrap()));
    assert!(
        story.contains(
            "The sync is inactive, so no run of it changes that: a person deactivated it"
        ),
        "{story}"
    );
    rig.done("activate one");
    let run = rig.import("one");
    assert_eq!(
        (&run["full"], &run["trigger"]),
        (&json!(true), &json!("operator"))
    );
    assert_eq!(rig.import("one")["full"], false);
}

#[test]
fn a_sync_that_runs_once_is_finished_and_may_be_run_again_by_a_person() {
    let rig = Rig::new(10);
    rig.sync("once", &guests("every = \"once\""));
    let daemon = rig.daemon();
    until("it is finished", || !told(&rig).is_empty());
    assert_eq!(standing(&rig)[0].1, "finished");
    let again = rig.import("once");
    assert_eq!(again["trigger"], "operator");
    assert_eq!(
        rig.done("activate once"),
        "once runs once, and has: `rosterd sync once` runs it again\n"
    );
    daemon.stop();
    assert_eq!(told(&rig), ["sync.deactivated once finished"]);
}
