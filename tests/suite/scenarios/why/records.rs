//! Which of an address's records belong, by which conditions, and which of them wins.

use serde_json::{Value, json};

use super::super::ALL_CONTACTS;
use super::super::leaving::{imported, later};
use super::{HOTELS, assert_answers, document, only, told};
use crate::rig::{HOSPITALITY, Rig};

/// A lead, its fields beside name, company and address.
fn lead(rig: &Rig, address: &str, fields: &Value) -> String {
    let mut lead = json!({"Last_Name": "L", "Company": "C", "Email": address});
    let further = fields.as_object().unwrap().clone();
    lead.as_object_mut().unwrap().extend(further);
    rig.create("Leads", &lead)
}

fn truths(record: &Value) -> Vec<(i64, bool, bool)> {
    let conditions = record["conditions"].as_array().unwrap().iter();
    conditions
        .map(|it| {
            let truth = |key: &str| it[key].as_bool().unwrap();
            (it["n"].as_i64().unwrap(), truth("true"), truth("decides"))
        })
        .collect()
}

#[test]
fn a_record_that_does_not_match_is_told_with_the_condition_that_failed_and_its_own_value() {
    let rig = Rig::new(0);
    rig.sync("hotels", HOTELS);
    let retail = json!({"Industry": "Retail", "Annual_Revenue": 9_000_000});
    let id = lead(&rig, "retail@example.com", &retail);
    rig.import("hotels");
    let why = format!(
        "Not on the list: record {id} of Leads does not match: condition 1 (Industry is \"Hospitality\") is false, the record has \"Retail\"."
    );
    assert_answers(&rig, "retail@example.com", &[&why]);
    let sync = only(&rig, "retail@example.com");
    let record = &sync["records"][0];
    assert_eq!(record["selected"], false);
    assert_eq!(record["outcome"], "not_selected");
    assert_eq!(
        truths(record),
        [(1, false, true), (2, true, false), (3, false, false)]
    );
    let values: Vec<&Value> = record["conditions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["value"])
        .collect();
    assert_eq!(values, [&json!("Retail"), &json!(9_000_000), &json!(null)]);
    assert_eq!(sync["on_list"], false);
}

#[test]
fn of_a_nested_pattern_those_conditions_are_named_that_decide() {
    let rig = Rig::new(0);
    rig.sync("hotels", HOTELS);
    let small =
        json!({"Industry": "Hospitality", "Annual_Revenue": 5_000_000, "No_of_Employees": 2000});
    lead(&rig, "small@example.com", &small);
    let both = "condition 2 (Annual Revenue is more than 5000000) is false, the record has 5000000; condition 3 (No. of Employees is more than 2000) is false, the record has 2000.";
    assert_answers(&rig, "small@example.com", &[both]);
    let record = &only(&rig, "small@example.com")["records"][0];
    assert_eq!(
        truths(record),
        [(1, true, false), (2, false, true), (3, false, true)]
    );
    // What is denied must not be true.
    let denied = HOTELS.replace("1 and (2 or 3)", "1 and not (2 or 3)");
    rig.sync("hotels", &denied);
    rig.sync("other", &HOTELS.replace("Hotels", "Other"));
    let large = json!({"Industry": "Hospitality", "Annual_Revenue": 6_000_000});
    lead(&rig, "large@example.com", &large);
    let hotels = &document(&rig, "large@example.com")["syncs"][0];
    let answer = hotels["answer"].as_str().unwrap();
    let must_not = "condition 2 (Annual Revenue is more than 5000000) is true, and must not be, the record has 6000000.";
    assert!(answer.contains(must_not), "{answer}");
}

#[test]
fn conditions_on_deals_are_told_of_the_deal_that_comes_nearest() {
    let rig = Rig::new(0);
    let won = r#"
name = "Won"
module = "Contacts"
list = { name = "Newsletter" }
schedule = { every = "hour" }
select.criteria = [
    { field = "Deals.Stage", operator = "is", value = "Closed Won" },
    { field = "Deals.Amount", operator = ">", value = 1000 },
]
"#;
    rig.sync("won", won);
    let id = rig.create(
        "Contacts",
        &json!({"Last_Name": "A", "Email": "ann@example.com"}),
    );
    rig.import("won");
    let nothing =
        "condition 1 (Stage of the deal is \"Closed Won\") is false, the record has nothing";
    assert_answers(&rig, "ann@example.com", &[nothing]);
    let deal = |stage: &str, amount: u32| json!({"Deal_Name": "d", "Stage": stage, "Amount": amount, "Contact_Name": id});
    for (stage, amount) in [("Proposal", 5), ("Closed Won", 900), ("Proposal", 6)] {
        rig.create("Deals", &deal(stage, amount));
    }
    let nearest = "does not match: condition 2 (Amount of the deal is more than 1000) is false, the record has 900.";
    assert_answers(&rig, "ann@example.com", &[nearest]);
    rig.create("Deals", &deal("Closed Won", 5000));
    let sync = only(&rig, "ann@example.com");
    assert_eq!(
        (&sync["next"], &sync["records"][0]["selected"]),
        (&json!("new"), &json!(true))
    );
    rig.advance(600);
    assert_eq!(rig.import("won")["new"], 1, "as was told");
}

#[test]
fn fields_of_related_records_are_told_with_what_the_related_record_has() {
    let rig = Rig::new(0);
    let media = r#"
name = "Media"
module = "Contacts"
list = { name = "Newsletter" }
schedule = { every = "hour" }
select.criteria = [{ field = "Accounts.Industry", operator = "is", value = "Media" }]
"#;
    rig.sync("media", media);
    let account = rig.create(
        "Accounts",
        &json!({"Account_Name": "Orto", "Industry": "Retail"}),
    );
    let ann = json!({"Last_Name": "A", "Email": "ann@example.com", "Account_Name": account});
    rig.create("Contacts", &ann);
    rig.advance(3600);
    rig.import("media");
    let retail = "condition 1 (Industry of the Account Name is \"Media\") is false, the record has \"Retail\".";
    assert_answers(&rig, "ann@example.com", &[retail]);
    rig.advance(600);
    rig.update("Accounts", &account, &json!({"Industry": "Media"}));
    // Nothing about the contact itself has changed.
    let later = "matches, and the next run that reads everything adds it.";
    assert_answers(&rig, "ann@example.com", &[later]);
    assert_eq!(rig.import("media")["new"], 0, "as was told");
    let sync = only(&rig, "ann@example.com");
    assert_eq!(sync["next_reads_everything"], true);
    let condition = &sync["records"][0]["conditions"][0];
    assert_eq!(
        (&condition["field"], &condition["value"]),
        (&json!("Accounts.Industry"), &json!("Media"))
    );
}

#[test]
fn of_duplicates_it_is_told_which_wins_and_why() {
    let (rig, people) = imported("");
    let (old, address) = &people[0];
    rig.advance(600);
    let young = rig.create(
        "Contacts",
        &json!({"Last_Name": "Young", "Email": address.to_uppercase()}),
    );
    later(&rig);
    let because = format!("because record {young} of Contacts matches.");
    assert_answers(&rig, address, &[&because]);
    let sync = only(&rig, address);
    let told_of: Vec<_> = sync["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (&it["id"], &it["outcome"], &it["wins"]))
        .collect();
    let [young_id, old_id] = [&young, old].map(|id| json!(id));
    assert_eq!(
        told_of,
        [
            (&young_id, &json!("duplicate"), &json!(true)),
            (&old_id, &json!("file_duplicate"), &json!(false))
        ]
    );
    let text = told(&rig, address);
    let loses = format!(
        "is selected; record {young} has the same address and wins, as it was changed later"
    );
    assert!(
        text.contains(&loses) && text.contains("; it wins"),
        "{text}"
    );
}

#[test]
fn a_record_outside_a_view_a_period_or_open_leads_is_told_as_that() {
    let rig = Rig::new(0);
    let through = |module: &str, select: &str| {
        format!(
            "name = \"V\"\nmodule = \"{module}\"\nlist = \"{HOSPITALITY}\"\nschedule = {{ every = \"hour\" }}\n{select}\n"
        )
    };
    rig.sync(
        "view",
        &through("Contacts", "select.view = \"Gold customers\""),
    );
    let contact = |address: &str, tier: &str| json!({"Last_Name": "A", "Email": address, "Customer_Tier": tier});
    rig.create("Contacts", &contact("silver@example.com", "Silver"));
    rig.create("Contacts", &contact("gold@example.com", "Gold"));
    assert_answers(
        &rig,
        "silver@example.com",
        &["is not in the view \"Gold customers\"."],
    );
    assert_answers(
        &rig,
        "gold@example.com",
        &["is in the view \"Gold customers\", and the next run adds it"],
    );
    rig.sync(
        "view",
        &through(
            "Contacts",
            "select.all = true\nretrieve.created = { to = 2020-01-01 }",
        ),
    );
    assert_answers(&rig, "gold@example.com", &["was created outside the dates"]);
    rig.sync("view", &through("Leads", "select.all = true"));
    let id = lead(&rig, "lead@example.com", &json!({}));
    rig.convert(&id);
    assert_answers(&rig, "lead@example.com", &["is a converted lead"]);
}

#[test]
fn what_retrieval_passes_over_is_told_and_not_promised() {
    let rig = Rig::new(0);
    let only_new = ALL_CONTACTS.replace("[advanced]", "[retrieve]\nrecords = \"new\"\n[advanced]");
    rig.sync("newsletter", &only_new);
    let id = rig.create("Contacts", &json!({"Last_Name": "A"}));
    rig.advance(60);
    rig.import("newsletter");
    rig.advance(3600);
    rig.update("Contacts", &id, &json!({"Email": "late@example.com"}));
    let why = "matches, but this sync takes up only records created since its last run";
    assert_answers(&rig, "late@example.com", &[why]);
    rig.advance(600);
    assert_eq!(rig.import("newsletter")["new"], 0, "as was told");
}
