//! Bad input and trouble: each ends with a sentence that names the remedy, with the right exit code, and nothing lost.

use std::fs;

use serde_json::{Value, json};

use crate::rig::{NEWSLETTER, Ran, Rig, ran, until};

/// All contacts onto the newsletter's list.
const NEWSLETTER_SYNC: &str = r#"
name = "Newsletter"
module = "Contacts"
list = { name = "Newsletter" }
select = { all = true }
schedule = { every = "hour" }
"#;

fn rig() -> Rig {
    let rig = Rig::new(40);
    rig.sync("newsletter", NEWSLETTER_SYNC);
    rig
}

/// A rig whose only sync has this in place of that.
fn rig_with(that: &str, this: &str) -> Rig {
    let rig = Rig::new(40);
    assert!(NEWSLETTER_SYNC.contains(that), "{that}");
    rig.sync("newsletter", &NEWSLETTER_SYNC.replace(that, this));
    rig
}

/// It ended so, and said all of this.
fn assert_said(ran: &Ran, code: i32, said: &[&str]) {
    assert_eq!(ran.code, Some(code), "{}", ran.stderr);
    for part in said {
        assert!(ran.stderr.contains(part), "no `{part}` in: {}", ran.stderr);
    }
}

/// No run was started or counted, nobody was written to; and once all is well again, a first run goes through.
fn assert_untouched(rig: &Rig) {
    assert_eq!(rig.journal(), [Value::Null; 0]);
    assert_eq!(rig.calls().addresses("listsubscribe"), [""; 0]);
    rig.drop_faults();
    rig.sync("newsletter", NEWSLETTER_SYNC);
    let status: Value = serde_json::from_str(&rig.done("status --json")).unwrap();
    for limit in ["runs_per_day", "initiations_per_month"] {
        assert_eq!(status["accounts"][0]["limits"][limit]["used"], 0, "{limit}");
    }
    assert_imports(rig);
}

/// A run goes through, and whoever it says is new is on the list.
fn assert_imports(rig: &Rig) {
    let run = rig.import("newsletter");
    assert_eq!(run["outcome"], "completed");
    assert!(run["new"].as_u64().unwrap() > 20, "{run}");
    assert_eq!(run["new"], rig.members(NEWSLETTER, "active").len());
}

#[test]
fn without_a_config_file_it_says_where_one_is_looked_for() {
    let rig = rig();
    fs::rename(rig.path("rosterd.toml"), rig.path("elsewhere.toml")).unwrap();
    let said = ["rosterd.toml", "No such file", "--config"];
    for line in ["check", "sync newsletter", "daemon", "status", "history"] {
        assert_said(&rig.run(line), 78, &said);
    }
    fs::rename(rig.path("elsewhere.toml"), rig.path("rosterd.toml")).unwrap();
    assert_untouched(&rig);
}

#[test]
fn a_folder_of_definitions_that_cannot_be_read_is_named_with_its_key() {
    let rig = rig();
    fs::remove_dir_all(rig.path("syncs.d")).unwrap();
    let said = ["syncs.d", "`syncs`"];
    assert_said(&rig.run("sync newsletter"), 78, &said);
    rig.put("syncs.d", "not a folder");
    assert_said(&rig.run("sync newsletter"), 78, &said);
    fs::remove_file(rig.path("syncs.d")).unwrap();
    assert_untouched(&rig);
}

#[test]
fn folders_of_state_and_history_that_cannot_be_made_are_named_with_their_keys() {
    for (name, key) in [("state", "state_dir"), ("history", "history_dir")] {
        let rig = rig();
        rig.put(name, "not a folder");
        assert_said(&rig.run("sync newsletter"), 1, &[name, key]);
        fs::remove_file(rig.path(name)).unwrap();
        assert_untouched(&rig);
    }
}

#[test]
fn a_wrong_client_secret_is_refused_with_the_key_that_holds_it() {
    let rig = rig();
    let url = "/accounts";
    rig.post(url, &json!({"client_secret": "another"}));
    let said = ["client secret", "`accounts.main.client_secret`"];
    assert_said(&rig.run("sync newsletter"), 77, &said);
    assert_said(&rig.run("check --online"), 77, &said);
    rig.post(url, &json!({"client_secret": "sandbox-secret"}));
    assert_untouched(&rig);
}

#[test]
fn a_revoked_refresh_token_is_told_although_the_service_answers_200() {
    let rig = rig();
    rig.post("/accounts", &json!({"refresh_token_revoked": true}));
    let said = [
        "refresh token",
        "invalid_code",
        "`accounts.main.refresh_token`",
    ];
    assert_said(&rig.run("sync newsletter"), 77, &said);
    rig.post("/accounts", &json!({"refresh_token_revoked": false}));
    assert_untouched(&rig);
}

#[test]
fn a_token_that_dies_between_two_runs_is_replaced_without_a_word() {
    let rig = rig();
    assert_imports(&rig);
    rig.post("/accounts", &json!({"revoke_access_tokens": true}));
    assert_eq!(rig.import("newsletter")["total"], 0);
}

#[test]
fn commands_share_the_access_token_they_keep() {
    let rig = rig();
    for _ in 0..3 {
        let ran = rig.run("sync newsletter");
        assert_eq!(ran.stderr, "");
    }
    assert_eq!(rig.calls().methods("accounts")["token"], 1);
}

#[test]
fn a_missing_scope_is_refused_and_named() {
    for (missing, said) in [
        ("ZohoCRM.coql.READ", "ZohoCRM"),
        ("ZohoCampaigns.contact.ALL", "ZohoCampaigns"),
    ] {
        let rig = rig();
        let granted = rig.get("/accounts")["scopes"].clone();
        let mut scopes: Vec<String> = serde_json::from_value(granted.clone()).unwrap();
        scopes.retain(|scope| scope != missing);
        rig.post("/accounts", &json!({ "scopes": scopes }));
        let ran = rig.run("sync newsletter");
        assert_said(&ran, 77, &["scope", said]);
        assert_eq!(rig.calls().addresses("listsubscribe"), [""; 0]);
        rig.post("/accounts", &json!({ "scopes": granted }));
        assert_imports(&rig);
    }
}

#[test]
fn names_that_the_services_do_not_know_are_shown_in_their_line_with_the_nearest_that_exists() {
    let field =
        r#"select = { criteria = [{ field = "Departmnt", operator = "is", value = "Press" }] }"#;
    let mapped = "select = { all = true }\nmap = { \"Company Name\" = \"Departmnt\" }";
    let label = "select = { all = true }\nmap = { \"Compny Name\" = \"Department\" }";
    for (that, this, said) in [
        ("\"Contacts\"", "\"Contacs\"", "did you mean `Contacts`?"),
        (
            "\"Newsletter\" }",
            "\"Newsleter\" }",
            "did you mean `Newsletter`?",
        ),
        ("{ name = \"Newsletter\" }", "\"3zother\"", "3znewsletter"),
        (
            "select = { all = true }",
            field,
            "did you mean `Department`?",
        ),
        (
            "select = { all = true }",
            mapped,
            "did you mean `Department`?",
        ),
        (
            "select = { all = true }",
            label,
            "did you mean `Company Name`?",
        ),
    ] {
        let rig = rig_with(that, this);
        let place = ["syncs.d/newsletter.toml:", "^", said];
        assert_said(&rig.run("sync newsletter"), 78, &place);
        assert_said(&rig.run("check --online"), 78, &place);
        assert_untouched(&rig);
    }
}

#[test]
fn a_list_with_a_sign_up_form_is_refused_unless_the_file_says_otherwise() {
    let rig = rig_with("name = \"Newsletter\" }", "name = \"Website sign-up\" }");
    let said = ["sign-up form", "allow_signup_form = true"];
    assert_said(&rig.run("sync newsletter"), 78, &said);
    assert_untouched(&rig);
}

#[test]
fn a_name_of_three_hundred_characters_arrives_cut_to_the_length_of_its_field() {
    let rig = rig();
    let name = "Łu".repeat(150);
    let record = json!({"First_Name": name, "Last_Name": name, "Email": "long@example.com"});
    rig.create("Contacts", &record);
    rig.act(&json!({"policy": {"too_long": "refuse"}}));
    rig.advance(60);
    assert_imports(&rig);
    let sent = &rig.members(NEWSLETTER, "active")["long@example.com"]["fields"];
    assert_eq!(sent["First Name"], "Łu".repeat(50));
    assert_eq!(sent["Last Name"], "Łu".repeat(50));
    rig.advance(60);
    assert_eq!(rig.import("newsletter")["total"], 0);
}

#[test]
fn html_instead_of_json_is_an_unreachable_service_and_tried_again_later() {
    let page = json!({"status": {"status": 200, "body": "<html>maintenance</html>"}});
    for service in ["accounts", "crm", "campaigns"] {
        let rig = rig();
        rig.fault(&json!({"service": service, "what": page}));
        let ran = rig.run("sync newsletter");
        assert_said(&ran, 75, &[]);
        assert!(!ran.stderr.contains("maintenance"), "{}", ran.stderr);
        assert_untouched(&rig);
    }
}

#[test]
fn html_in_the_middle_of_a_read_fails_the_run_and_the_next_one_makes_up_for_it() {
    let rig = rig();
    let page = json!({"status": {"status": 502, "body": "<html>bad gateway</html>"}});
    rig.fault(&json!({"service": "crm", "method": "coql", "what": page}));
    let ran = rig.run("sync newsletter --json");
    assert_said(&ran, 75, &["CRM"]);
    let failed: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(failed["outcome"], "failed");
    assert_eq!(failed["error"]["kind"], "unreachable");
    assert_eq!(rig.calls().addresses("listsubscribe"), [""; 0]);
    rig.drop_faults();
    assert_imports(&rig);
}

#[test]
fn an_empty_module_makes_a_run_of_nothing() {
    let rig = Rig::new(0);
    rig.sync("newsletter", NEWSLETTER_SYNC);
    for contact in rig.records("Contacts") {
        rig.delete("Contacts", contact["id"].as_str().unwrap());
    }
    let run = rig.import("newsletter");
    assert_eq!(
        (&run["outcome"], &run["total"]),
        (&json!("completed"), &json!(0))
    );
    assert_eq!(rig.members(NEWSLETTER, "active").len(), 0);
    rig.advance(60);
    assert_eq!(rig.import("newsletter")["full"], false);
}

#[test]
fn a_service_that_hangs_does_not_keep_a_run_from_ending_and_going_on_later() {
    for (service, method) in [("crm", "coql"), ("campaigns", "listsubscribe")] {
        let rig = rig();
        rig.fault(&json!({"service": service, "method": method, "after": 1, "what": "hang"}));
        let running = rig.start("hanging", "sync newsletter");
        until("a call hangs", || {
            rig.calls().log.iter().any(|call| call["faulted"] == true)
        });
        running.signal("TERM");
        let ended = running.end();
        assert_said(&ended, 75, &["the run goes on at the next start"]);
        let started = rig.events("run.started");
        assert_eq!(started.len(), 1);
        assert_eq!(rig.events("run.finished"), [Value::Null; 0]);
        rig.drop_faults();
        rig.done("sync newsletter");
        let finished = rig.events("run.finished");
        assert_eq!(finished[0]["run"], started[0]["run"]);
        let on_list = rig.members(NEWSLETTER, "active").len();
        let news = finished.iter().map(|run| run["new"].as_u64().unwrap());
        assert_eq!(news.sum::<u64>(), u64::try_from(on_list).unwrap());
    }
}

#[test]
fn a_service_that_is_not_there_ends_the_command_with_75() {
    let rig = rig();
    let mut command = rig.command("sync newsletter");
    command.env("ROSTERD_ACCOUNTS__MAIN__ACCOUNTS_URL", "http://127.0.0.1:9");
    assert_said(&ran(command), 75, &["token"]);
    assert_untouched(&rig);
}

#[test]
fn one_broken_definition_does_not_take_away_the_view_of_the_others() {
    let rig = Rig::new(20);
    rig.sync("newsletter", crate::scenarios::ALL_CONTACTS);
    rig.import("newsletter");
    rig.sync("broken", "x = 1\n");
    rig.put("syncs.d/backup.TOML", "");
    for line in ["history", "status"] {
        let ran = rig.run(line);
        assert_eq!(ran.code, Some(0), "{line}: {}", ran.stderr);
        assert!(ran.stdout.contains("newsletter"), "{line}");
        assert!(
            ran.stderr.contains("unknown key `x`"),
            "{line}: {}",
            ran.stderr
        );
        assert!(
            ran.stderr.contains("this is no definition"),
            "{line}: {}",
            ran.stderr
        );
    }
    assert_eq!(rig.run("sync newsletter").code, Some(78));
}

#[test]
fn an_online_check_of_several_syncs_uses_one_token() {
    let rig = Rig::new(20);
    for id in ["one", "two", "three"] {
        rig.sync(
            id,
            &crate::scenarios::ALL_CONTACTS.replace("Newsletter\"\nm", &format!("{id}\"\nm")),
        );
    }
    let ran = rig.run("check --online");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(rig.calls().methods("accounts")["token"], 1);
}
