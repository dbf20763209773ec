//! The audit: whoever was added and is suppressed afterwards is told, and nothing keeps the audit from looking.

use serde_json::{Value, json};

use super::ALL_CONTACTS;
use crate::rig::{NEWSLETTER, Ran, Rig, until};

/// The address that all of this is about.
const WHO: &str = "audited@example.com";

fn place() -> Value {
    json!({"list": NEWSLETTER, "address": WHO})
}

/// A rig whose sync has run, and a new contact for its next run: its record's id.
fn imported() -> (Rig, String) {
    let rig = Rig::new(20);
    rig.sync("newsletter", ALL_CONTACTS);
    rig.import("newsletter");
    let id = rig.create("Contacts", &json!({"Last_Name": "A", "Email": WHO}));
    rig.advance(60);
    rig.forget_calls();
    (rig, id)
}

/// Lets people act right after the contact was added.
fn after_it_is_added(rig: &Rig, actions: &Value) {
    rig.fault(
        &json!({"service": "campaigns", "method": "listsubscribe", "times": 1,
            "what": {"meanwhile": {"after": actions}}}),
    );
}

/// A run that alarms for one contact: it failed, says so everywhere, and counts the contact for what it is.
fn assert_alarm(rig: &Rig, ran: &Ran, id: &str, reason: &str) -> Value {
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    let run: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(run["outcome"], "failed");
    assert_eq!(run["error"]["kind"], "audit");
    assert_eq!(run["audit"], json!({"alarms": 1}));
    let message = run["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("or has left since, which Campaigns does not tell"),
        "{message}"
    );
    let record = format!("alarms=1 records=\"{id}\"");
    assert!(
        ran.stderr.contains(&record) && ran.stderr.contains("ERROR"),
        "{}",
        ran.stderr
    );
    assert!(!ran.stderr.contains(WHO), "no address in a log");
    assert_eq!((&run["total"], &run["new"]), (&json!(1), &json!(0)));
    assert_eq!(run["ignored_by"][reason], 1, "{run}");
    let ignored = rig.ignored(&run);
    assert_eq!(
        (&ignored[0]["record"], &ignored[0]["address"]),
        (&json!(id), &json!(WHO))
    );
    let detail = ignored[0]["detail"].as_str().unwrap();
    assert!(
        detail.ends_with("after it was added in this run"),
        "{detail}"
    );
    run
}

#[test]
fn who_left_before_the_call_that_added_them_is_an_alarm() {
    for after_wards in ["silent", "reinstate"] {
        let (rig, id) = imported();
        // Once the gate is open: somebody joins by the form, and leaves again.
        let joined_and_left = json!([{"subscribe": place()}, {"unsubscribe": place()}]);
        rig.fault(&json!({"service": "crm", "method": "coql", "times": 1,
            "what": {"meanwhile": {"before": joined_and_left}}}));
        let ran = rig.run("sync newsletter --json");
        assert_alarm(&rig, &ran, &id, "do_not_mail");
        assert_eq!(rig.calls().addresses("listsubscribe"), [WHO]);
        // From now on the gate knows, whatever Campaigns would do.
        rig.act(&json!({"policy": {"unsubscribed": after_wards}}));
        rig.update("Contacts", &id, &json!({"Last_Name": "B"}));
        rig.advance(60);
        rig.forget_calls();
        let run = rig.import("newsletter");
        assert_eq!(
            (&run["total"], &run["ignored_by"]["do_not_mail"]),
            (&json!(1), &json!(1))
        );
        assert_eq!(run.get("audit"), None);
        assert_eq!(rig.calls().addresses("listsubscribe"), [""; 0]);
    }
}

#[test]
fn who_leaves_or_bounces_after_being_added_is_an_alarm_that_says_it_may_be_so() {
    let unsubscribed = json!([{"unsubscribe": place()}]);
    let bounced = json!([{ "bounce": WHO }]);
    for (actions, reason) in [(unsubscribed, "do_not_mail"), (bounced, "bounced")] {
        let (rig, id) = imported();
        after_it_is_added(&rig, &actions);
        let ran = rig.run("sync newsletter --json");
        let run = assert_alarm(&rig, &ran, &id, reason);
        let shown = rig.done(&format!("history --run {}", run["run"].as_str().unwrap()));
        assert!(
            shown.contains("unsubscribed or bounced in Campaigns now"),
            "{shown}"
        );
        // What stands after the promised keys does not keep anybody from reading the line.
        let journal = rig.events("run.finished");
        assert_eq!(journal.last(), Some(&run));
        let table = rig.done("history");
        assert!(table.contains("failed"), "{table}");
    }
}

#[test]
fn a_run_that_added_someone_reads_the_suppressions_once_more_and_an_idle_one_does_not() {
    let (rig, _) = imported();
    let run = rig.import("newsletter");
    assert_eq!((&run["new"], run.get("audit")), (&json!(1), None));
    let calls = rig.calls();
    // Nobody left and nobody bounced, which the count has to confirm each time; and the list before and after.
    let want = [
        ("getlistsubscribers", 4),
        ("getmailinglists", 1),
        ("listsubscribe", 1),
        ("listsubscriberscount", 4 + 2),
    ];
    assert_eq!(calls.methods("campaigns"), want.into());
    rig.advance(60);
    rig.forget_calls();
    rig.import("newsletter");
    let want = [("getlistsubscribers", 2), ("listsubscriberscount", 2)];
    assert_eq!(rig.calls().methods("campaigns"), want.into());
}

#[test]
fn a_kill_between_the_addition_and_the_audit_does_not_hide_the_alarm() {
    let (rig, id) = imported();
    after_it_is_added(&rig, &json!([{"unsubscribe": place()}]));
    rig.fault(
        &json!({"service": "campaigns", "method": "getlistsubscribers", "after": 2,
        "what": "hang"}),
    );
    let running = rig.start("killed", "sync newsletter");
    until("the audit has begun", || {
        rig.calls().methods("campaigns").get("getlistsubscribers") == Some(&3)
    });
    running.signal("KILL");
    assert_eq!(running.end().code, None);
    rig.drop_faults();
    assert_eq!(rig.run("sync newsletter").code, Some(1));
    let finished = rig.events("run.finished");
    let resumed = finished.last().unwrap();
    assert_eq!(rig.events("run.resumed").len(), 1);
    assert_eq!(resumed["audit"], json!({"alarms": 1}), "{resumed}");
    assert_eq!(resumed["error"]["kind"], "audit");
    assert_eq!(
        (&resumed["new"], &resumed["ignored_by"]["do_not_mail"]),
        (&json!(0), &json!(1))
    );
    assert_eq!(rig.ignored(resumed)[0]["record"], json!(id));
    rig.advance(60);
    assert_eq!(rig.import("newsletter").get("audit"), None);
}

#[test]
fn what_a_failed_run_added_is_audited_by_the_next_one() {
    let rig = Rig::new(20);
    rig.sync("newsletter", ALL_CONTACTS);
    rig.import("newsletter");
    let fresh: Vec<Value> = (0..30)
        .map(|number| json!({"Last_Name": "F", "Email": format!("fresh-{number}@example.com")}))
        .collect();
    rig.post("/crm/records/Contacts", &json!(fresh));
    rig.advance(60);
    let page = json!({"status": {"status": 500, "body": "<html>sorry</html>"}});
    rig.fault(
        &json!({"service": "campaigns", "method": "listsubscribe", "after": 16, "what": page}),
    );
    assert_eq!(rig.run("sync newsletter").code, Some(75));
    rig.drop_faults();
    let added = rig.members(NEWSLETTER, "active").into_keys();
    let mut added = added.filter(|address| address.starts_with("fresh-"));
    let left = added.next().unwrap();
    rig.act(&json!({"unsubscribe": {"list": NEWSLETTER, "address": left}}));
    rig.advance(60);
    let ran = rig.run("sync newsletter --json");
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    let run: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(run["audit"], json!({"alarms": 1}), "{run}");
    let sum: u64 = ["new", "re_added", "duplicate", "ignored"]
        .iter()
        .map(|key| run[key].as_u64().unwrap())
        .sum();
    assert_eq!(run["total"], sum);
    rig.advance(60);
    assert_eq!(
        rig.import("newsletter").get("audit"),
        None,
        "it is told once"
    );
}

#[test]
fn whom_rosterd_unsubscribed_itself_and_campaigns_keeps_so_is_no_alarm() {
    let (rig, id) = imported();
    rig.import("newsletter");
    rig.delete("Contacts", &id);
    rig.advance(60);
    assert_eq!(rig.import("newsletter")["deleted"], 1);
    // It comes back, and Campaigns takes the call and does nothing.
    rig.restore("Contacts", &id);
    rig.advance(60);
    let run = rig.import("newsletter");
    assert_eq!(
        (&run["re_added"], &run["ignored_by"]["other"]),
        (&json!(0), &json!(1)),
        "{run}"
    );
    assert_eq!(run.get("audit"), None);
    let detail = rig.ignored(&run)[0]["detail"].clone();
    assert_eq!(
        detail,
        "accepted by Campaigns, but unsubscribed there as rosterd had left it"
    );
    // It is tried again when its fields change, and by then Campaigns may think otherwise.
    rig.act(&json!({"policy": {"unsubscribed": "reinstate"}}));
    rig.advance(60);
    assert_eq!(rig.import("newsletter")["total"], 0);
    rig.update("Contacts", &id, &json!({"Last_Name": "B"}));
    rig.advance(60);
    let run = rig.import("newsletter");
    assert_eq!(run["re_added"], 1, "{run}");
    assert!(rig.members(NEWSLETTER, "active").contains_key(WHO));
}
