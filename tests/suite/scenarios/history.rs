//! What is written and printed: the journal line by line, and the commands that show it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::{ALL_CONTACTS, ALL_LEADS, plain_contacts};
use crate::rig::{Rig, Setup};

/// The keys of a line that say when or which, and so differ from run to run.
const MASKED: [&str; 6] = ["at", "run", "from", "to", "elapsed_ms", "next"];

/// A first run, one with changes, one that fails and one that is held.
fn eventful() -> Rig {
    let rig = Rig::with(&Setup {
        settings: "[retry]\ngive_up_after = \"1s\"\n[safety]\nmax_removals = 2\nmin_removals = 0\n",
        ..Setup::default()
    });
    rig.sync("newsletter", ALL_CONTACTS);
    rig.sync("leads", ALL_LEADS);
    let people = plain_contacts(&rig);
    rig.import("newsletter");
    rig.import("leads");
    rig.advance(600);
    rig.update("Contacts", &people[0].0, &json!({"Last_Name": "Changed"}));
    rig.update("Contacts", &people[1].0, &json!({"Email_Opt_Out": true}));
    rig.advance(60);
    rig.import("newsletter");
    let page = json!({"status": {"status": 500, "body": "<html>sorry</html>"}});
    rig.fault(&json!({"service": "campaigns", "method": "getlistsubscribers", "what": page}));
    assert_eq!(rig.run("sync newsletter").code, Some(75));
    rig.drop_faults();
    for (id, _) in &people[2..5] {
        rig.delete("Contacts", id);
    }
    rig.advance(60);
    let held = rig.run("sync newsletter --json");
    assert_eq!(held.code, Some(3), "{}", held.stderr);
    let held: Value = serde_json::from_str(&held.stdout).unwrap();
    assert_eq!(
        (&held["outcome"], &held["deleted"]),
        (&json!("held"), &json!(0))
    );
    rig
}

/// A journal with the same text in place of every instant, id and length of time.
fn masked(journal: &str) -> String {
    let mut lines = String::new();
    for line in journal.lines() {
        let mut text = line.to_owned();
        let value: Value = serde_json::from_str(line).unwrap();
        for key in MASKED {
            let told = match &value[key] {
                Value::Null => continue,
                told => told.to_string(),
            };
            text = text.replace(&format!("\"{key}\":{told}"), &format!("\"{key}\":\"…\""));
        }
        if value["outcome"] == "failed" {
            // How often a call is tried within a second is a matter of chance.
            let calls = format!("\"campaigns\":{}", value["campaigns"]);
            text = text.replace(&calls, "\"campaigns\":{\"calls\":\"…\"}");
        }
        lines.push_str(&text);
        lines.push('\n');
    }
    lines
}

fn number(run: &Value, key: &str) -> u64 {
    run[key].as_u64().unwrap()
}

#[test]
fn the_journal_is_line_by_line_what_was_promised() {
    let rig = eventful();
    let journal = fs::read_to_string(rig.path("history/history.jsonl")).unwrap();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/scenarios/journal.jsonl");
    if std::env::var("ROSTERD_GOLDEN").is_ok_and(|value| value == "write") {
        fs::create_dir_all(golden.parent().unwrap()).unwrap();
        fs::write(&golden, masked(&journal)).unwrap();
    }
    assert_eq!(masked(&journal), fs::read_to_string(&golden).unwrap());
    for run in rig.events("run.finished") {
        let sum = number(&run, "new")
            + number(&run, "re_added")
            + number(&run, "duplicate")
            + number(&run, "ignored");
        assert_eq!(number(&run, "total"), sum, "{run}");
        let reasons = run["ignored_by"].as_object().unwrap().values();
        let ignored = reasons.map(|count| count.as_u64().unwrap());
        assert_eq!(number(&run, "ignored"), ignored.sum::<u64>(), "{run}");
        assert!(
            number(&run, "updated") <= number(&run, "duplicate"),
            "{run}"
        );
        assert_eq!(
            rig.ignored(&run).len(),
            usize::try_from(number(&run, "ignored")).unwrap()
        );
    }
}

#[test]
fn the_keys_of_run_finished_come_in_their_promised_order() {
    let rig = eventful();
    let journal = fs::read_to_string(rig.path("history/history.jsonl")).unwrap();
    let keys = [
        "v",
        "at",
        "event",
        "run",
        "sync",
        "account",
        "trigger",
        "outcome",
        "full",
        "from",
        "to",
        "total",
        "new",
        "re_added",
        "duplicate",
        "updated",
        "ignored",
        "deleted",
        "not_selected",
        "ignored_by",
        "empty_email",
        "invalid_pattern",
        "group_email",
        "opted_out",
        "converted",
        "file_duplicate",
        "not_cleared",
        "do_not_mail",
        "bounced",
        "blocked",
        "other",
        "crm",
        "calls",
        "credits",
        "campaigns",
        "calls",
        "elapsed_ms",
        "error",
    ];
    let finished: Vec<&str> = journal
        .lines()
        .filter(|line| line.contains("\"event\":\"run.finished\""))
        .collect();
    assert_eq!(finished.len(), 5);
    for line in finished {
        let mut rest = line;
        for key in keys {
            let at = rest.find(&format!("\"{key}\":"));
            let at = at.unwrap_or_else(|| panic!("no `{key}` where it belongs in {line}"));
            rest = &rest[at + key.len() + 3..];
        }
    }
}

#[test]
fn history_status_and_sync_print_what_the_journal_says() {
    let rig = eventful();
    let finished = rig.events("run.finished");
    let lines = |text: &str| -> Vec<Value> {
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    assert_eq!(lines(&rig.done("history --json")), finished);
    let of_leads = lines(&rig.done("history leads --json"));
    assert_eq!(of_leads, [finished[1].clone()]);

    let table = rig.done("history");
    for outcome in ["completed", "failed", "held"] {
        assert!(table.contains(outcome), "{table}");
    }
    let first = finished[0]["run"].as_str().unwrap();
    let account = rig.done(&format!("history --run {first}"));
    assert!(
        account.contains(first) && account.contains("newsletter"),
        "{account}"
    );
    let ignored = lines(&rig.done(&format!("history --run {first} --ignored --json")));
    assert_eq!(ignored, rig.ignored(&finished[0]));
    let keys: Vec<&String> = ignored[0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["address", "detail", "reason", "record"]);
    let shown = rig.done(&format!("history --run {first} --ignored"));
    for row in &ignored {
        assert!(shown.contains(row["record"].as_str().unwrap()), "{row}");
    }

    let status: Value = serde_json::from_str(&rig.done("status --json")).unwrap();
    assert_eq!(status["daemon"]["running"], false);
    assert_eq!(status["daemon"]["version"], env!("CARGO_PKG_VERSION"));
    let account = &status["accounts"][0];
    assert_eq!(
        (&account["account"], &account["active_syncs"]),
        (&json!("main"), &json!(2))
    );
    assert_eq!(account["limits"]["runs_per_day"]["used"], 5);
    assert_eq!(account["limits"]["initiations_per_month"]["limit"], 50);
    let syncs: BTreeMap<&str, &Value> = status["syncs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|sync| (sync["sync"].as_str().unwrap(), sync))
        .collect();
    let (newsletter, leads) = (syncs["newsletter"], syncs["leads"]);
    assert_eq!(
        (&newsletter["state"], &leads["state"]),
        (&json!("held"), &json!("active"))
    );
    for (sync, run) in [(newsletter, &finished[4]), (leads, &finished[1])] {
        for (key, told) in sync["last"].as_object().unwrap() {
            assert_eq!(*told, run[key], "{key}");
        }
        assert_eq!(sync["last"]["run"], run["run"]);
    }
    assert_eq!(newsletter["name"], "Newsletter");
    assert!(newsletter["next"].is_string() && newsletter["reason"].is_null());
    assert_eq!(
        newsletter["on_list"],
        rig.members(crate::rig::NEWSLETTER, "active").len()
    );
    let one: Value = serde_json::from_str(&rig.done("status leads --json")).unwrap();
    assert_eq!(one["syncs"].as_array().unwrap().len(), 1);
    assert!(rig.done("status").contains("newsletter"));

    let printed = rig.import("leads");
    assert_eq!(printed, rig.events("run.finished")[5]);
    for (line, code) in [
        ("sync nobody", 2),
        ("status nobody", 2),
        ("history --run 01ARZ3", 2),
    ] {
        let ran = rig.run(line);
        assert_eq!(ran.code, Some(code), "{line}: {}", ran.stderr);
        assert!(ran.stderr.contains("there is no"), "{}", ran.stderr);
    }
}
