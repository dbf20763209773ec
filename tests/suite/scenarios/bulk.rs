//! Large reads as bulk jobs: the same people as by queries, whatever becomes of a job.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::oracle::{self, Before};
use crate::rig::{NEWSLETTER, Rig, Setup, until};

/// More than the 30,000 from which on a job is cheaper, and a page.
const CONTACTS: usize = 32_500;

/// Few people out of many; a related record by its name, and fields of it.
const SYNC: &str = r#"
name = "Bulk"
module = "Contacts"
list = { name = "Newsletter" }
schedule = { every = "hour" }
[select]
pattern = "1 and (2 or 3)"
criteria = [
  { field = "Last_Name", operator = "in", value = ["O'Brien", "Łukasz"] },
  { field = "Account_Name", operator = "is", value = "Grand Hotel" },
  { field = "Account_Name.Industry", operator = "is_empty" },
]
[map]
"Company Name" = "Account_Name"
"City" = "Account_Name.Billing_City"
"#;

fn rig() -> Rig {
    let rig = Rig::with(&Setup {
        people: 100,
        ..Setup::default()
    });
    rig.post(
        "/crm/generate",
        &json!({"module": "Contacts", "count": CONTACTS}),
    );
    let hotel =
        json!({"Account_Name": "Grand Hotel", "Billing_City": "Łódź; \"Centre\",\nOld Town"});
    let hotel = rig.create("Accounts", &hotel);
    let guests: Vec<Value> = (0..30)
        .map(|number| {
            let email = format!("guest-{number}@hotel.example");
            json!({"Last_Name": "O'Brien", "Email": email, "Account_Name": hotel})
        })
        .collect();
    rig.post("/crm/records/Contacts", &json!(guests));
    rig.sync("bulk", SYNC);
    rig
}

fn assert_right(rig: &Rig) {
    let (contacts, leads) = (rig.records("Contacts"), rig.records("Leads"));
    let opted_out = oracle::opted_out(contacts.iter().chain(&leads));
    let accounts = rig.records("Accounts");
    let sector = |contact: &Value| {
        let id = contact["Account_Name"]["id"].as_str()?;
        let account = accounts.iter().find(|account| account["id"] == id)?;
        account["Industry"].as_str()
    };
    let selected = contacts.iter().filter(|contact| {
        let named = ["O'Brien", "Łukasz"].contains(&contact["Last_Name"].as_str().unwrap());
        named && (contact["Account_Name"]["name"] == "Grand Hotel" || sector(contact).is_none())
    });
    let expected = oracle::expect(selected, &opted_out, &Before::default(), oracle::names);
    let expected: BTreeSet<String> = expected.sent.into_keys().collect();
    assert!(expected.len() > 40, "{}", expected.len());
    let members = rig.members(NEWSLETTER, "active");
    let active: BTreeSet<String> = members.keys().map(|it| it.to_lowercase()).collect();
    assert_eq!(active, expected);
    let guest = &members["guest-7@hotel.example"]["fields"];
    assert_eq!(guest["Company Name"], "Grand Hotel");
    assert_eq!(guest["City"], "Łódź; \"Centre\", Old Town");
}

fn of(rig: &Rig, method: &str) -> u64 {
    rig.calls().methods("crm").get(method).copied().unwrap_or(0)
}

/// Reads everything once more and sees to it that nothing is sent: what a job gives renders as what a query gives.
fn assert_quiet(rig: &Rig) {
    rig.forget_calls();
    let run: Value = serde_json::from_str(&rig.done("sync bulk --full --json")).unwrap();
    assert_eq!(
        (&run["new"], &run["updated"]),
        (&json!(0), &json!(0)),
        "{run}"
    );
    assert_eq!(of(rig, "bulk_create"), 1);
    assert_eq!(rig.calls().methods("campaigns").get("listsubscribe"), None);
}

#[test]
fn a_job_gives_the_same_people_and_fields_as_queries() {
    let rig = rig();
    let run = rig.import("bulk");
    // A page by query told that there is more, one call that there is much more.
    assert_eq!((of(&rig, "bulk_create"), of(&rig, "bulk_result")), (1, 1));
    assert_eq!(
        run["not_selected"].as_u64().unwrap() + run["total"].as_u64().unwrap(),
        32_630
    );
    assert_right(&rig);
    assert_quiet(&rig);
    assert_right(&rig);
    // Nothing is left of what was downloaded.
    let files = std::fs::read_dir(rig.path("state")).unwrap();
    let names: BTreeSet<String> = files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    let known = ["ledger.redb", "lock", "state", "state.json", "tokens"];
    assert_eq!(names, known.map(str::to_owned).into());
}

#[test]
fn jobs_of_several_pages_follow_each_other() {
    let rig = rig();
    rig.post(
        "/crm/settings",
        &json!({"bulk_page_rows": 10_000, "bulk_polls": 1}),
    );
    rig.import("bulk");
    assert_eq!((of(&rig, "bulk_create"), of(&rig, "bulk_result")), (4, 4));
    assert_right(&rig);
}

#[test]
fn a_job_that_fails_or_leaves_records_out_is_read_by_queries_instead() {
    for settings in [
        json!({"bulk_failures": 1, "bulk_polls": 1}),
        json!({"bulk_omits_parentless": true, "bulk_polls": 1}),
    ] {
        let rig = rig();
        rig.post("/crm/settings", &settings);
        rig.forget_calls();
        let ran = rig.run("sync bulk --json");
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert!(
            ran.stderr.contains("reading page by page instead"),
            "{}",
            ran.stderr
        );
        assert_eq!(of(&rig, "bulk_create"), 1);
        let run: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(
            run["not_selected"].as_u64().unwrap() + run["total"].as_u64().unwrap(),
            32_630
        );
        assert_right(&rig);
    }
}

#[test]
fn a_damaged_result_is_downloaded_again() {
    let rig = rig();
    rig.post("/crm/settings", &json!({"bulk_polls": 1}));
    rig.fault(&json!({"method": "bulk_result", "times": 1, "what": "truncate"}));
    rig.import("bulk");
    assert_eq!((of(&rig, "bulk_create"), of(&rig, "bulk_result")), (1, 2));
    assert_right(&rig);
}

#[test]
fn a_run_that_is_killed_goes_on_with_the_job_it_paid_for() {
    let rig = rig();
    rig.post("/crm/settings", &json!({"bulk_polls": 1}));
    rig.fault(&json!({"method": "bulk_result", "times": 1, "what": "hang"}));
    let running = rig.start("sync", "sync bulk");
    until("the result is asked for", || of(&rig, "bulk_result") == 1);
    running.signal("KILL");
    running.end();
    let ran = rig.run("sync bulk");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(of(&rig, "bulk_create"), 1);
    let finished = rig.events("run.finished");
    let counted =
        |run: &Value| run["not_selected"].as_u64().unwrap() + run["total"].as_u64().unwrap();
    assert_eq!(counted(&finished[0]), 32_630);
    assert_right(&rig);
}

#[test]
fn a_token_without_the_scope_for_jobs_reads_by_queries() {
    let rig = rig();
    let scopes = [
        "ZohoCRM.modules.READ",
        "ZohoCRM.coql.READ",
        "ZohoCRM.settings.modules.READ",
        "ZohoCRM.settings.fields.READ",
        "ZohoCRM.org.READ",
        "ZohoCampaigns.contact.ALL",
    ];
    rig.post("/accounts", &json!({ "scopes": scopes }));
    let ran = rig.run("sync bulk");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stderr.contains("ZohoCRM.bulk.READ"), "{}", ran.stderr);
    assert_right(&rig);
}
