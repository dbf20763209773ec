//! What passes by itself is tried again, and comes out as if it had not been.

use super::*;
use crate::rig::{NEWSLETTER, counts};

/// A run of forty new contacts, while these faults strike: its counts, who is on the list, and the calls by method.
fn run_under(faults: &[Value]) -> (Value, Vec<String>, u64, u64) {
    let rig = nobody(PATIENT, USUAL);
    fresh(&rig, 0..40);
    rig.advance(60);
    rig.forget_calls();
    faults.iter().for_each(|fault| rig.fault(fault));
    let run = rig.import("newsletter");
    assert_eq!(rig.get("/faults")["faults"], json!([]), "all have struck");
    let active = rig.members(NEWSLETTER, "active").into_keys().collect();
    let calls = rig.calls();
    let (crm, campaigns) = (calls.of("crm").0, calls.of("campaigns").0);
    // What is told as the cost is what was asked, repetitions too.
    let told = (&run["crm"]["calls"], &run["campaigns"]["calls"]);
    assert_eq!(told, (&json!(crm), &json!(campaigns)));
    (counts(&run), active, crm, campaigns)
}

fn once(method: &str, status: u16, body: &str, headers: &Value) -> Value {
    let what = json!({"status": {"status": status, "body": body, "headers": headers}});
    json!({"method": method, "times": 1, "what": what})
}

#[test]
fn a_run_in_which_calls_fail_and_pass_ends_like_one_in_which_none_did() {
    let at_once = json!({"Retry-After": "0"});
    let none = json!({});
    let html = "<html>sorry</html>";
    let of_crm = [
        once("coql", 500, &crm_error("INTERNAL_ERROR"), &none),
        once("coql", 429, &crm_error("TOO_MANY_REQUESTS"), &at_once),
        once("coql", 503, &crm_error("SERVICE_UNAVAILABLE"), &at_once),
        once("coql", 502, html, &none),
        once("deleted", 200, html, &none),
    ];
    let of_campaigns = [
        once("getlistsubscribers", 200, &error("2201"), &at_once),
        once("listsubscribe", 200, &error("2101"), &none),
        once("listsubscribe", 200, &error("2502"), &at_once),
        once("listsubscribe", 423, html, &at_once),
        once("listsubscribe", 429, &error("429"), &at_once),
        once("listsubscribe", 500, &error("0"), &none),
        once("listsubscribe", 503, html, &at_once),
        once("listsubscribe", 404, html, &none),
        once("listsubscribe", 200, &error("500"), &none),
        json!({"method": "listsubscribe", "times": 1, "what": "close"}),
        json!({"method": "listsubscribe", "times": 1, "what": {"after_effect": {}}}),
    ];
    let (calm, on_list, crm, campaigns) = run_under(&[]);
    assert_eq!(
        (&calm["outcome"], &calm["new"]),
        (&json!("completed"), &json!(40))
    );
    let faults = [&of_crm[..], &of_campaigns].concat();
    let troubled = run_under(&faults);
    let repeated = |calls: u64, faults: usize| calls + u64::try_from(faults).unwrap();
    let crm = repeated(crm, of_crm.len());
    let campaigns = repeated(campaigns, of_campaigns.len());
    assert_eq!(troubled, (calm, on_list, crm, campaigns));
}

#[test]
fn what_does_not_pass_in_time_ends_the_run_with_75_and_the_next_one_makes_up_for_it() {
    let rig = nobody(IMPATIENT, USUAL);
    for (status, body, kind) in [
        (200, error("2101"), "unreachable"),
        (429, error("429"), "throttled"),
        (502, "<html>".to_owned(), "unreachable"),
    ] {
        fresh(&rig, 0..1);
        answer(&rig, "listsubscribe", Value::Null, (status, &body));
        rig.advance(60);
        let ran = rig.run("sync newsletter --json");
        assert_eq!(ran.code, Some(75), "{body}: {}", ran.stderr);
        let run: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(run["error"]["kind"], kind, "{body}");
        rig.drop_faults();
    }
    rig.advance(60);
    let run = rig.import("newsletter");
    assert_eq!(
        (&run["outcome"], &run["new"]),
        (&json!("completed"), &json!(1))
    );
}
