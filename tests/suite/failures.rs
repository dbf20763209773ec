//! Calls that fail, through the built binary: what becomes of the run, of the contact and of everybody else, how it is
//! told, and how often the call is made.

mod contacts;
mod passing;
mod stops;
mod tokens;

use serde_json::{Value, json};

use crate::rig::{Rig, Setup};
use crate::scenarios::ALL_CONTACTS;

/// A rig of nobody, whose sync has run once; it is patient for so long, and starts as many runs as it is told to.
fn nobody(settings: &'static str, account: &'static str) -> Rig {
    let rig = Rig::with(&Setup {
        people: 0,
        settings,
        account,
        ..Setup::default()
    });
    rig.sync("newsletter", ALL_CONTACTS);
    assert_eq!(rig.import("newsletter")["total"], 0);
    rig
}

const IMPATIENT: &str = r#"
[retry]
give_up_after = "1s"
[limits]
runs_per_day = "unlimited"
initiations_per_month = "unlimited"
"#;

const PATIENT: &str = r#"
[retry]
give_up_after = "1m"
"#;

/// One call after the other, so that none is under way when another one fails.
const ONE_BY_ONE: &str = "pace = \"off\"\ncampaigns_concurrency = 1\n";
const USUAL: &str = "pace = \"off\"\n";

/// Adds contacts that can be mailed; their ids, by number.
fn fresh(rig: &Rig, numbers: std::ops::Range<usize>) -> Vec<String> {
    let record = |number| {
        let email = format!("fresh-{number}@example.com");
        rig.create("Contacts", &json!({"Last_Name": "F", "Email": email}))
    };
    numbers.map(record).collect()
}

/// Campaigns' way to refuse.
fn error(code: &str) -> String {
    json!({"status": "error", "Code": code, "message": "No."}).to_string()
}

/// The CRM's way to refuse.
fn crm_error(code: &str) -> String {
    json!({"code": code, "details": {}, "message": "no", "status": "error"}).to_string()
}

/// Answers calls with a status and a body instead of carrying them out.
fn answer(rig: &Rig, method: &str, times: Value, (status, body): (u16, &str)) {
    let status = json!({"status": status, "body": body});
    let what = json!({ "status": status });
    rig.fault(&json!({"method": method, "times": times, "what": what}));
}
