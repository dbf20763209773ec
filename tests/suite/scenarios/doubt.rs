//! When in doubt, nobody is added: spoilt answers, hidden fields, lists that change under rosterd's hands.

use serde_json::{Value, json};

use super::{ALL_CONTACTS, plain_contacts};
use crate::rig::{NEWSLETTER, Rig, Setup, until};

/// Answers that carry no rows and are not the CRM's way to say that there are none.
const SPOILT: [&str; 6] = [
    "{}",
    "[]",
    r#"{"data":[]}"#,
    r#"{"info":{"more_records":false}}"#,
    r#"{"data":[],"info":{"more_records":true}}"#,
    r#"{"status":"error"}"#,
];

#[test]
fn an_answer_without_rows_is_asked_again_and_never_taken_for_an_empty_one() {
    let rig = Rig::with(&Setup {
        people: 30,
        settings: "[limits]\nresyncs_per_day = \"unlimited\"\n",
        ..Setup::default()
    });
    rig.sync("newsletter", ALL_CONTACTS);
    let lead = json!({"Last_Name": "V", "Company": "V", "Email": "victim@t.example",
        "Email_Opt_Out": true});
    rig.create("Leads", &lead);
    rig.create(
        "Contacts",
        &json!({"Last_Name": "V", "Email": "victim@t.example"}),
    );
    for (after, body) in SPOILT.iter().enumerate() {
        let what = json!({"replace": {"body": body}});
        let fault = json!({"service": "crm", "method": "coql", "after": after % 2, "times": 1,
            "what": what});
        rig.fault(&fault);
        let run = rig.done("sync newsletter --full --json");
        let run: Value = serde_json::from_str(&run).unwrap();
        assert_eq!(run["total"], rig.records("Contacts").len(), "{body}");
        assert!(
            !rig.members(NEWSLETTER, "active")
                .contains_key("victim@t.example"),
            "{body}"
        );
        rig.drop_faults();
    }
}

#[test]
fn a_hidden_opt_out_field_stops_the_run_instead_of_opting_everybody_in() {
    let rig = Rig::new(30);
    rig.sync("newsletter", ALL_CONTACTS);
    for module in ["Leads", "Contacts"] {
        let path = format!("/crm/modules/{module}");
        rig.patch(&path, &json!({"hide_field": "Email_Opt_Out"}));
        let refused = rig.run("sync newsletter");
        assert_eq!(refused.code, Some(78), "{}", refused.stderr);
        assert!(
            refused.stderr.contains("`Email_Opt_Out` of module"),
            "{}",
            refused.stderr
        );
        assert!(
            refused.stderr.contains("the right to see"),
            "{}",
            refused.stderr
        );
        rig.patch(&path, &json!({"show_field": "Email_Opt_Out"}));
    }
    rig.import("newsletter");
    // Hidden after the first run, when nobody asks for the fields any more.
    rig.patch(
        "/crm/modules/Contacts",
        &json!({"hide_field": "Email_Opt_Out"}),
    );
    let before = rig.members(NEWSLETTER, "active").len();
    let new = json!({"Last_Name": "N", "Email": "new@t.example", "Email_Opt_Out": true});
    rig.create("Contacts", &new);
    rig.advance(60);
    assert_eq!(rig.run("sync newsletter").code, Some(78));
    assert_eq!(rig.members(NEWSLETTER, "active").len(), before);
}

#[test]
fn an_opt_out_also_counts_on_the_list_that_a_definition_named_before() {
    let rig = Rig::new(30);
    rig.sync("newsletter", ALL_CONTACTS);
    rig.import("newsletter");
    let (id, address) = plain_contacts(&rig)[0].clone();
    let elsewhere =
        ALL_CONTACTS.replace("{ name = \"Newsletter\" }", "{ name = \"Event guests\" }");
    rig.sync("newsletter", &elsewhere);
    rig.advance(60);
    rig.import("newsletter");
    assert!(
        rig.members(NEWSLETTER, "active").contains_key(&address),
        "nobody is moved off"
    );
    rig.update("Contacts", &id, &json!({"Email_Opt_Out": true}));
    rig.advance(60);
    assert_eq!(rig.import("newsletter")["deleted"], 2);
    for list in [NEWSLETTER, "3zeventguests"] {
        assert!(
            rig.members(list, "unsubscribed").contains_key(&address),
            "{list}"
        );
    }
}

#[test]
fn a_sign_up_form_that_is_enabled_later_keeps_rosterd_from_mailing_anyone() {
    let rig = Rig::new(30);
    rig.sync("newsletter", ALL_CONTACTS);
    rig.import("newsletter");
    rig.act(&json!({"change_list": {"list": NEWSLETTER, "is_public": true}}));
    rig.create(
        "Contacts",
        &json!({"Last_Name": "N", "Email": "new@t.example"}),
    );
    rig.advance(60);
    rig.forget_calls();
    let refused = rig.run("sync newsletter");
    assert_eq!(refused.code, Some(78), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("sign-up form"),
        "{}",
        refused.stderr
    );
    assert_eq!(rig.calls().addresses("listsubscribe"), [""; 0]);
    rig.act(&json!({"change_list": {"list": NEWSLETTER, "is_public": false}}));
    assert_eq!(rig.import("newsletter")["new"], 1);
}

#[test]
fn a_field_that_vanishes_is_named_by_the_first_run_that_misses_it() {
    let rig = Rig::new(30);
    let mapped = format!("{ALL_CONTACTS}\n[map]\n\"City\" = \"Mailing_City\"\n");
    rig.sync("newsletter", &mapped);
    rig.import("newsletter");
    let renamed = json!({"rename_field": {"from": "Mailing_City", "to": "Town"}});
    rig.patch("/crm/modules/Contacts", &renamed);
    rig.advance(60);
    let refused = rig.run("sync newsletter");
    assert_eq!(refused.code, Some(78), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("syncs.d/newsletter.toml"),
        "{}",
        refused.stderr
    );
    assert!(
        refused.stderr.contains("`Mailing_City`"),
        "{}",
        refused.stderr
    );
}

#[test]
fn a_history_that_is_taken_away_during_a_run_is_begun_anew() {
    let rig = Rig::with(&Setup {
        people: 30,
        ..Setup::default()
    });
    rig.sync("newsletter", ALL_CONTACTS);
    rig.fault(&json!({"service": "crm", "method": "coql", "times": 1, "what": "hang"}));
    let running = rig.start("sync", "sync newsletter --json");
    until("the run has begun", || {
        rig.path("history/history.jsonl").exists() && rig.events("run.started").len() == 1
    });
    std::fs::remove_dir_all(rig.path("history")).unwrap();
    running.signal("TERM");
    assert_eq!(running.end().code, Some(75));
    rig.drop_faults();
    assert_eq!(rig.done("sync newsletter --json").lines().count(), 1);
    assert_eq!(
        rig.events("run.finished").len(),
        2,
        "the interrupted run and its own"
    );
}

#[test]
fn what_a_full_read_met_in_its_own_second_is_not_counted_by_the_next_run_again() {
    let rig = Rig::new(30);
    rig.sync("newsletter", ALL_CONTACTS);
    rig.post("/clock", &json!({"freeze": true}));
    rig.create(
        "Contacts",
        &json!({"Last_Name": "N", "Email": "new@t.example"}),
    );
    assert_eq!(rig.import("newsletter")["total"], 31);
    rig.post("/clock", &json!({"freeze": false}));
    rig.advance(60);
    assert_eq!(rig.import("newsletter")["total"], 0);
}

#[test]
fn opt_outs_of_converted_leads_count_where_queries_leave_those_out() {
    let rig = Rig::new(20);
    rig.post("/crm/settings", &json!({"coql_hides_converted": true}));
    let contact = |name: &str| {
        let contact = json!({"Last_Name": name, "Email": format!("{name}@doubt.example")});
        rig.create("Contacts", &contact)
    };
    let lead = |name: &str| {
        let lead = json!({"Last_Name": name, "Email": format!("{name}@doubt.example")});
        let lead = rig.create("Leads", &lead);
        rig.convert(&lead);
        lead
    };
    let opted_out = lead("before");
    rig.update("Leads", &opted_out, &json!({"Email_Opt_Out": true}));
    let later = lead("later");
    contact("before");
    contact("fresh");
    rig.sync("newsletter", ALL_CONTACTS);
    rig.import("newsletter");
    let is_on = |name: &str| {
        let address = format!("{name}@doubt.example");
        rig.members(NEWSLETTER, "active").contains_key(&address)
    };
    assert!(!is_on("before") && is_on("later") && is_on("fresh"));
    rig.advance(600);
    rig.update("Leads", &later, &json!({"Email_Opt_Out": true}));
    rig.advance(60);
    rig.import("newsletter");
    assert!(!is_on("later"));
}

#[test]
fn a_module_or_field_that_tells_opt_outs_and_is_hidden_lets_nobody_be_added() {
    for (module, change) in [
        ("Leads", json!({"visible": false})),
        ("Leads", json!({"api_supported": false})),
        ("Leads", json!({"hide_field": "Email"})),
        ("Leads", json!({"hide_field": "Email_Opt_Out"})),
        ("Contacts", json!({"hide_field": "Email"})),
    ] {
        let rig = Rig::new(20);
        let path = format!("/crm/modules/{module}");
        let person = json!({"Last_Name": "Two", "Email": "two@doubt.example"});
        let lead = json!({"Last_Name": "Two", "Email": "two@doubt.example", "Email_Opt_Out": true});
        rig.create("Contacts", &person);
        rig.create("Leads", &lead);
        rig.sync("newsletter", ALL_CONTACTS);
        rig.patch(&path, &change);
        for line in ["check --online", "sync newsletter"] {
            let ran = rig.run(line);
            assert_eq!(ran.code, Some(78), "{change} {line}: {}", ran.stderr);
            assert!(
                ran.stderr.contains("right to see"),
                "{change}: {}",
                ran.stderr
            );
        }
        assert_eq!(rig.members(NEWSLETTER, "active").len(), 0);
    }
}

#[test]
fn a_field_of_the_criteria_that_is_hidden_selects_nobody() {
    let gold = r#"
name = "Not gold"
module = "Contacts"
list = { name = "Newsletter" }
schedule = { every = "hour" }
select.pattern = "1 and 2"
select.criteria = [
  { field = "Customer_Tier", operator = "is_not", value = "Gold" },
  { field = "Deals.Stage", operator = "is_not", value = "Closed Won" },
]
"#;
    for (module, field) in [
        ("Contacts", "Customer_Tier"),
        ("Deals", "Stage"),
        ("Deals", "Contact_Name"),
    ] {
        let rig = Rig::new(20);
        rig.sync("not-gold", gold);
        rig.import("not-gold");
        let before = rig.members(NEWSLETTER, "active");
        rig.advance(600);
        let path = format!("/crm/modules/{module}");
        rig.patch(&path, &json!({ "hide_field": field }));
        let person =
            json!({"Last_Name": "Gold", "Email": "gold@doubt.example", "Customer_Tier": "Gold"});
        let person = rig.create("Contacts", &person);
        let deal = json!({"Deal_Name": "won", "Stage": "Closed Won", "Contact_Name": person});
        rig.create("Deals", &deal);
        for line in ["sync not-gold", "sync not-gold --full", "check --online"] {
            let ran = rig.run(line);
            assert_eq!(ran.code, Some(78), "{field} {line}: {}", ran.stderr);
            assert!(ran.stderr.contains(field), "{field}: {}", ran.stderr);
        }
        assert_eq!(rig.members(NEWSLETTER, "active"), before);
        // What came meanwhile is not lost once the field shows again.
        rig.patch(&path, &json!({ "show_field": field }));
        rig.update("Contacts", &person, &json!({"Customer_Tier": "Silver"}));
        rig.update(
            "Deals",
            &deals_of(&rig, &person),
            &json!({"Stage": "Proposal"}),
        );
        rig.advance(600);
        rig.import("not-gold");
        assert!(
            rig.members(NEWSLETTER, "active")
                .contains_key("gold@doubt.example")
        );
    }
}

/// The id of a contact's only deal.
fn deals_of(rig: &Rig, contact: &str) -> String {
    let deals = rig.records("Deals");
    let deal = deals
        .iter()
        .find(|deal| deal["Contact_Name"]["id"] == contact);
    deal.unwrap()["id"].as_str().unwrap().to_owned()
}
