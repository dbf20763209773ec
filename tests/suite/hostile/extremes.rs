//! Answers in good form that say what cannot be: numbers and times at the edge of their types, and pages without an end.

use serde_json::{Value, json};

use super::{assert_recovers, is_everything, rig, undisturbed, watched};
use crate::rig::{NEWSLETTER, Ran, Rig};
use crate::scenarios::ALL_CONTACTS;

/// The largest number.
const MOST: &str = "18446744073709551615";

fn row(id: &str, modified: &str, email: &str) -> Value {
    json!({"id": id, "Modified_Time": modified, "Created_Time": modified, "Email": email, "First_Name": "A",
        "Last_Name": "B", "Email_Opt_Out": false, "Converted__s": false})
}

fn rows(rows: &[Value], more: bool) -> Value {
    json!({"data": rows, "info": {"more_records": more, "count": rows.len(), "per_page": 200, "page": 1,
        "next_page_token": "again"}})
}

/// What is wrong, with the call it is said to, how many of them pass first, and the body.
fn bodies() -> Vec<(&'static str, (&'static str, &'static str), u32, Value)> {
    let far = "far@guests.example";
    let many: Vec<Value> = (1..=2000)
        .map(|n| row(&n.to_string(), "2026-11-01T00:00:00+00:00", far))
        .collect();
    let listed = json!([{"listkey": "3znewsletter", "listname": "Newsletter", "noofcontacts": MOST,
        "is_public": "false"}]);
    let subscribers: Vec<Value> = (0..500)
        .map(|n| json!({"contact_email": format!("{n}@guests.example")}))
        .collect();
    let deleted = |at: &str, more: bool| {
        json!({"data": [{"id": MOST, "deleted_time": at, "type": "recycle"}],
            "info": {"more_records": more, "count": 1, "page": 1, "per_page": 200}})
    };
    let campaigns = |key: &str, value: Value| json!({"status": "success", "code": "0", key: value});
    let counted = |count: &str| campaigns("no_of_contacts", json!(count));
    let (count, coql) = (("campaigns", "listsubscriberscount"), ("crm", "coql"));
    let coql_row = |id: &str, at: &str, more: bool| rows(&[row(id, at, far)], more);
    let (end, beginning) = ("9999-12-30T22:00:00+00:00", "-009999-01-02T01:59:59Z");
    let now = "2026-11-01T00:00:00+00:00";
    vec![
        ("a count beyond measure", count, 0, counted(MOST)),
        // Behind those of the suppressions.
        ("a list's count beyond measure", count, 2, counted(MOST)),
        ("a count of nobody", count, 2, counted("0")),
        (
            "a list beyond measure",
            ("campaigns", "getmailinglists"),
            0,
            campaigns("list_of_details", listed),
        ),
        (
            "subscribers without an end",
            ("campaigns", "getlistsubscribers"),
            0,
            campaigns("list_of_details", json!(subscribers)),
        ),
        ("an id beyond measure", coql, 0, coql_row(MOST, now, false)),
        (
            "an id beyond measure, and more",
            coql,
            0,
            coql_row(MOST, now, true),
        ),
        (
            "behind the end of time",
            coql,
            0,
            coql_row("5", "9999-12-31T23:59:59+00:00", false),
        ),
        ("the end of time", coql, 0, coql_row("5", end, false)),
        (
            "the end of time, and more",
            coql,
            0,
            coql_row("5", end, true),
        ),
        (
            "the beginning of time",
            coql,
            0,
            coql_row("5", beginning, false),
        ),
        ("rows without an end", coql, 0, rows(&many, true)),
        (
            "deleted when time ends",
            ("crm", "deleted"),
            0,
            deleted(end, false),
        ),
        (
            "deleted when time began",
            ("crm", "deleted"),
            0,
            deleted(beginning, false),
        ),
        (
            "deleted without an end",
            ("crm", "deleted"),
            0,
            deleted(now, true),
        ),
    ]
}

/// A run that is told such things ends by itself, without a panic, and takes nobody off the list.
fn meet(rig: &Rig, name: &str, line: &str) -> Ran {
    let ran = watched(rig, line);
    let code = ran.code.unwrap_or(-1);
    let told = &ran.stderr;
    assert!([0, 1, 75].contains(&code), "{name} {line}: {code} {told}");
    assert!(!told.contains("panicked"), "{name} {line}: {told}");
    assert_eq!(rig.calls().addresses("listunsubscribe"), [""; 0], "{name}");
    let runs = [rig.events("run.started"), rig.events("run.finished")];
    assert_eq!(runs[0].len(), runs[1].len(), "{name} {line}");
    ran
}

/// Says a body instead of what a method would answer, once so many calls have passed.
fn say(rig: &Rig, (api, method): (&str, &str), after: u32, body: &Value) {
    // The feed of deletions says "nothing" without a body, and its clock is not asked for.
    let what = match method {
        "deleted" => {
            json!({"status": {"status": 200, "content_type": "application/json", "body": body.to_string()}})
        }
        _ => json!({"replace": {"body": body.to_string()}}),
    };
    rig.fault(&json!({"service": api, "method": method, "after": after, "what": what}));
}

#[test]
fn numbers_and_times_at_the_edge_and_pages_without_an_end_harm_nobody() {
    let rig = rig();
    let mut wanted = undisturbed(&rig);
    rig.forget_calls();
    for (number, (name, call, after, body)) in bodies().into_iter().enumerate() {
        if name == "deleted without an end" && !is_everything() {
            continue;
        }
        let address = format!("guest-{number}@guests.example");
        let guest = json!({"Last_Name": "Guest", "Email": address});
        rig.create("Contacts", &guest);
        wanted.insert(address);
        rig.pass(600);
        for line in [
            "plan newsletter",
            "sync newsletter",
            "sync newsletter --full",
        ] {
            say(&rig, call, after, &body);
            let ran = meet(&rig, name, line);
            // A read in full may get all that there is by a job instead, and what was modified when time ends belongs to
            // another run, with all that may come behind it.
            let is_endless =
                name.ends_with("without an end") || name == "an id beyond measure, and more";
            let fails = is_endless && line == "sync newsletter";
            assert!(!fails || ran.code == Some(75), "{name}: {}", ran.stdout);
            rig.drop_faults();
        }
    }
    rig.pass(600);
    rig.done("sync newsletter --full");
    // Whom an answer in good form has made up, nobody can tell from a contact.
    let made_up = "far@guests.example".to_owned();
    if rig.members(NEWSLETTER, "active").contains_key(&made_up) {
        wanted.insert(made_up);
    }
    assert_recovers(&rig, &wanted);
}

#[test]
fn a_page_token_that_leads_to_itself_ends_the_walk() {
    let rig = rig();
    let mark = json!({"mark_view": {"name": "All Contacts", "coql": false, "bulk": false}});
    rig.patch("/crm/modules/Contacts", &mark);
    let view = "select = { view = \"All Contacts\" }";
    rig.sync(
        "newsletter",
        &ALL_CONTACTS.replace("select = { all = true }", view),
    );
    let wanted = undisturbed(&rig);
    let row = row("5", "2026-11-01T00:00:00+00:00", "far@guests.example");
    let body = rows(&[row], true).to_string();
    // The sandbox itself takes no such token.
    let what = json!({"status": {"status": 200, "content_type": "application/json", "body": body}});
    rig.fault(&json!({"service": "crm", "method": "records", "what": what}));
    let ran = meet(&rig, "again", "sync newsletter");
    assert_eq!(ran.code, Some(75), "{}", ran.stderr);
    assert!(ran.stderr.contains("its rows repeat"), "{}", ran.stderr);
    rig.drop_faults();
    assert_recovers(&rig, &wanted);
}
