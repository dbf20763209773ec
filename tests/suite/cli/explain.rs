//! `check --explain`: what a sync selects, in words, without asking anybody.

use serde_json::{Value, json};

use super::{Set, assert_golden};
use crate::rig::Rig;

const HOSPITALITY: &str = include_str!("../../../etc/syncs.d/hospitality.toml");

/// A sync of contacts with these tables, up to the schedule.
fn contacts(tables: &str) -> String {
    format!(
        "name = \"N\"\nmodule = \"Contacts\"\nlist = \"3znews\"\n{tables}\n[schedule]\nevery = \"hour\"\n"
    )
}

fn criteria(pattern: &str, conditions: &[&str]) -> String {
    let conditions = conditions.join(",\n");
    contacts(&format!(
        "select.pattern = \"{pattern}\"\nselect.criteria = [{conditions}]"
    ))
}

fn explained(text: &str) -> String {
    let set = Set::new();
    set.put("syncs.d/example.toml", text);
    let ran = set.run("check --explain example --quiet");
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    ran.stdout
}

#[test]
fn a_selection_is_told_as_a_tree_and_in_one_sentence() {
    let industry = "{ field = \"Industry\", operator = \"is\", value = \"Hotel\" }";
    let city = "{ field = \"Mailing_City\", operator = \"not_in\", value = [\"Rome\", \"Oslo\"] }";
    let birthday = "{ field = \"Date_of_Birth\", operator = \"in_next_days\", value = 7 }";
    let parent = "{ field = \"Account_Name.Parent_Account.Industry\", operator = \"is_empty\" }";
    let account =
        "{ field = \"Accounts.Annual_Revenue\", operator = \"between\", value = [1.5, 2] }";
    let stage = "{ field = \"Deals.Stage\", operator = \"is\", value = \"Closed Won\" }";
    let amount = "{ field = \"Potentials.Amount\", operator = \">\", value = 1000 }";
    let cases = [
        HOSPITALITY.to_owned(),
        criteria("1", &[stage]),
        criteria("1 and 2 and (3 or 4)", &[parent, account, stage, amount]),
        criteria(
            "not (1 or 2) and not (3 and not 1)",
            &[industry, city, birthday],
        ),
        contacts("[select]\nall = true\n[retrieve]\nrecords = \"new\"\ncreated = { from = 2026-01-01, to = 2026-06-30 }"),
        contacts("[select]\nview = \"Guests \u{1b}[2J\\\"2026\\\"\"\n[retrieve]\nrecords = \"modified\"\ncreated = { to = 2026-06-30 }"),
        contacts("[select]\nall = true\n[retrieve]\ncreated = { from = 2026-01-01 }\nreconcile_every = \"36h\"")
            .replace("Contacts", "Leads"),
        contacts("[select]\nview = \"4150868000000088501\"\n[advanced]\nexclude_converted = true")
            .replace("hour", "once")
            .replace("Contacts", "Leads"),
    ];
    let told = cases.map(|text| explained(&text.replace('\u{1b}', "\\u001b")));
    assert_golden("explained.txt", &told.join("\n---\n\n"));
}

#[test]
fn an_explanation_in_json_has_the_promised_shape() {
    let set = Set::new();
    set.put("syncs.d/hospitality.toml", HOSPITALITY);
    let ran = set.run("check --explain hospitality --json --quiet");
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    let condition = |n, field, operator, value: Value, words| json!({"n": n, "field": field, "operator": operator, "value": [value], "words": words});
    let selection = json!({
        "kind": "criteria",
        "pattern": "((1 and 2) and (3 or 4))",
        "conditions": [
            condition(1, "Industry", "is", json!("Hospitality"), "Industry is \"Hospitality\""),
            condition(2, "Lead_Status", "is", json!("Converted"), "Lead_Status is \"Converted\""),
            condition(3, "Annual_Revenue", ">", json!(5_000_000), "Annual_Revenue is more than 5000000"),
            condition(4, "No_of_Employees", ">", json!(2000), "No_of_Employees is more than 2000"),
        ],
        "words": "Industry is \"Hospitality\" and Lead_Status is \"Converted\" and (Annual_Revenue is more than 5000000 or No_of_Employees is more than 2000)",
    });
    assert_eq!(document["sync"], "hospitality");
    assert_eq!(document["module"], "Leads");
    assert_eq!(document["selection"], selection);
    assert_eq!(document["retrieval"]["records"], "new_and_modified");
    assert_eq!(document["problems"], json!([]));

    set.put("syncs.d/guests.toml", &contacts("[select]\nview = \"V\""));
    let ran = set.run("check --explain guests --json --quiet");
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    let words = "the records of Contacts that the CRM shows in its view \"V\"";
    assert_eq!(
        document["selection"],
        json!({"kind": "view", "view": "V", "words": words})
    );
    let ran = set.run("check --explain newsletter --json --quiet");
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        document["selection"],
        json!({"kind": "all", "words": "all records of Contacts"})
    );
}

#[test]
fn an_unknown_sync_and_a_broken_file_are_not_explained() {
    let set = Set::new();
    let ran = set.run("check --explain nosuch");
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
    assert!(
        ran.stderr
            .contains("there is no sync `nosuch`: use one of newsletter")
    );
    set.put(
        "syncs.d/broken.toml",
        &criteria("1 and", &["{ field = \"A\", operator = \"is_empty\" }"]),
    );
    let ran = set.run("check --explain broken");
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(78), ""));
    assert!(ran.stderr.contains("broken.toml:4:24"), "{}", ran.stderr);
    let ran = set.run("check --explain broken --json");
    assert_eq!(ran.code, Some(78));
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(document["problems"][0]["line"], 4);
}

#[test]
fn with_the_services_asked_it_speaks_the_language_of_the_screens() {
    let rig = Rig::new(5);
    rig.sync(
        "hotels",
        &HOSPITALITY.replace("3z1f0c2a9d7be54e8a61", "3zhospitality"),
    );
    let ran = rig.run("check --online --explain hotels");
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    for words in [
        "hotels takes the records of Leads for which\n\n  all of these are true\n    1  Industry is",
        "  Lead Status is \"Converted\"\n",
        "Annual Revenue is more than 5000000 or No. of Employees is more than 2000)\n",
    ] {
        assert!(ran.stdout.contains(words), "{}", ran.stdout);
    }
    rig.sync(
        "hotels",
        &HOSPITALITY.replace("\"Industry\"", "\"Indutry\""),
    );
    let ran = rig.run("check --online --explain hotels");
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(78), ""));
    assert!(ran.stderr.contains("did you mean `Industry`?"));
}
