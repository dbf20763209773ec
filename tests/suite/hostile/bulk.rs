//! A job of Bulk Read whose calls, and whose file, are not what they should be.

use std::collections::BTreeSet;

use serde_json::json;

use super::{SETTINGS, is_everything, meet};
use crate::rig::{NEWSLETTER, Rig, Setup};

/// More than the 30,000 from which on a job is cheaper, and a page.
const CONTACTS: usize = 32_500;

/// Few people out of many, by a word that no query is trusted to compare.
const SYNC: &str = r#"
name = "Bulk"
module = "Contacts"
list = { name = "Newsletter" }
schedule = { every = "hour" }
[select]
pattern = "1 and (2 or 3)"
criteria = [
  { field = "Last_Name", operator = "in", value = ["Quill's", "Łóż"] },
  { field = "Account_Name", operator = "is", value = "Grand Hotel" },
  { field = "Account_Name.Industry", operator = "is_empty" },
]
"#;

/// So many contacts that they are read as a job.
fn crowded() -> Rig {
    let rig = Rig::with(&Setup {
        people: 10,
        settings: SETTINGS,
        ..Setup::default()
    });
    let crowd = json!({"module": "Contacts", "count": CONTACTS});
    rig.post("/crm/generate", &crowd);
    rig.sync("newsletter", SYNC);
    rig
}

#[test]
fn whatever_a_bulk_job_is_answered_the_run_fails_well_and_the_next_one_makes_up_for_it() {
    let rig = crowded();
    let address = |number: usize| format!("guest-{number}@guests.example");
    let guest = |number| json!({"Last_Name": "Łóż", "Email": address(number)});
    let guests: Vec<_> = (0..20).map(guest).collect();
    rig.post("/crm/records/Contacts", &json!(guests));
    meet(&rig, 1, "CRM", ("crm", "bulk_result"));
    if is_everything() {
        meet(&rig, 2, "CRM", ("crm", "bulk_create"));
        meet(&rig, 3, "CRM", ("crm", "bulk_status"));
    }
    rig.forget_calls();
    assert_eq!(rig.import("newsletter")["outcome"], "completed");
    assert_eq!(rig.calls().methods("crm")["bulk_result"], 1);
    let members: BTreeSet<String> = rig.members(NEWSLETTER, "active").into_keys().collect();
    assert_eq!(members, (0..20).map(address).collect());
}

#[test]
fn a_page_of_a_job_that_leads_to_itself_is_not_followed_for_ever() {
    let rig = crowded();
    let rows = rig.records("Contacts").len();
    // The first job of a sandbox.
    let id = "4876876800000000000";
    let found = json!({"data": [{"id": id, "operation": "read", "state": "COMPLETED", "result":
        {"page": 1, "count": rows, "more_records": true, "next_page_token": "again", "per_page": 200_000}}]});
    let made = json!({"data": [{"status": "success", "code": "ADDED_SUCCESSFULLY", "message": "Added successfully.",
        "details": {"id": id, "operation": "read", "state": "ADDED"}}], "info": {}});
    // The job is done by the time it is asked for, and says that there is more.
    rig.post("/crm/settings", &json!({"bulk_polls": 1}));
    let found = json!({"replace": {"body": found.to_string()}});
    rig.fault(&json!({"service": "crm", "method": "bulk_status", "what": found}));
    let made = json!({"status": {"status": 200, "body": made.to_string(), "content_type": "application/json"}});
    rig.fault(&json!({"service": "crm", "method": "bulk_create", "after": 1, "what": made}));
    let ran = rig.run("sync newsletter --json");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stderr.contains("leads to itself"), "{}", ran.stderr);
    // The page, once more by its token, and no further.
    assert_eq!(rig.calls().methods("crm")["bulk_create"], 2);
}
