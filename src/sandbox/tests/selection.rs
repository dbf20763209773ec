//! What a selection meets on all paths: formulas, converted and restored records, comparisons.

use reqwest::Method;
use serde_json::{Value, json};

use super::super::crm::Crm;
use super::super::crm::edit::{Deletion, Touch};
use super::super::lock;
use super::Visit;

#[tokio::test]
async fn formulas_show_and_select_on_every_path() {
    let visit = Visit::start(0).await;
    let lead = json!({"Last_Name": "Rossi", "Annual_Revenue": 1000, "No_of_Employees": 3});
    let poor = json!({"Last_Name": "Poor", "Annual_Revenue": 1000});
    let made = visit
        .control(
            Method::POST,
            "/sandbox/crm/records/Leads",
            json!([lead, poor]),
        )
        .await;
    let rossi = made["ids"][0].as_str().unwrap();
    let (_, fields) = visit.get("/crm/v8/settings/fields?module=Leads").await;
    let fields = fields["fields"].as_array().unwrap();
    let field = fields
        .iter()
        .find(|field| field["api_name"] == "Revenue_per_Employee")
        .unwrap();
    assert_eq!(field["data_type"], "formula");
    assert_eq!(field["json_type"], "double");
    assert_eq!(field["formula"]["return_type"], "double");
    let (_, body) = visit
        .get("/crm/v8/Leads?fields=Revenue_per_Employee&sort_by=id&sort_order=asc")
        .await;
    assert_eq!(body["data"][0]["Revenue_per_Employee"], 333.33);
    assert_eq!(body["data"][1]["Revenue_per_Employee"], Value::Null);
    let world = visit.sandbox.world();
    let crm = &lock(&world).crm;
    for (condition, want) in [
        ("Revenue_per_Employee > 300", 1),
        ("Revenue_per_Employee between '333' and '334'", 1),
        ("Revenue_per_Employee is null", 1),
        ("Revenue_per_Employee < 300", 0),
        ("Age_in_Days = 0", 2),
    ] {
        let query = format!(
            "select Revenue_per_Employee from Leads where {condition} order by Revenue_per_Employee"
        );
        assert_eq!(crm.query(&query).unwrap().len(), want, "{condition}");
    }
    let criteria = json!({"field": {"api_name": "Revenue_per_Employee"}, "comparator": "greater_than", "value": 300});
    assert_eq!(
        crm.matching("Leads", &criteria),
        Ok(vec![rossi.parse().unwrap()])
    );
}

#[test]
fn a_parents_change_leaves_the_childs_time_alone() {
    let mut crm = Crm::empty();
    let account = json!({"Account_Name": "Orto", "Industry": "Media"});
    let account = crm.create("Accounts", &account).unwrap();
    let old = "2026-03-04T09:15:27+01:00";
    let contact = json!({"Last_Name": "Rossi", "Account_Name": account, "Modified_Time": old});
    crm.create("Contacts", &contact).unwrap();
    let change = json!({"Industry": "Retail", "Account_Name": "Orto Srl"});
    crm.update("Accounts", account, &change, Touch::Now)
        .unwrap();
    let query =
        "select Modified_Time, Account_Name from Contacts where Account_Name.Industry = 'Retail'";
    let rows = crm.query(query).unwrap();
    assert_eq!(rows[0]["Modified_Time"], old);
    assert_eq!(rows[0]["Account_Name"]["name"], "Orto Srl");
    let since = "select id from Contacts where Modified_Time > '2026-03-04T09:15:27+01:00'";
    assert_eq!(crm.query(since), Ok(vec![]));
}

#[test]
fn a_lookup_of_a_deleted_record_is_empty_until_it_is_restored() {
    let mut crm = Crm::empty();
    let account = crm.create("Accounts", &json!({"Account_Name": "Orto"}));
    let account = account.unwrap();
    let contact = json!({"Last_Name": "Rossi", "Account_Name": account});
    crm.create("Contacts", &contact).unwrap();
    let empty = |crm: &Crm| {
        let query = "select Account_Name from Contacts where Account_Name is null";
        let criteria = json!({"field": {"api_name": "Account_Name"}, "comparator": "equal", "value": "${EMPTY}"});
        let found = (
            crm.query(query).unwrap().len(),
            crm.matching("Contacts", &criteria).unwrap().len(),
        );
        (
            crm.all("Contacts").unwrap()[0]["Account_Name"].is_null(),
            found,
        )
    };
    assert_eq!(empty(&crm), (false, (0, 0)));
    crm.delete("Accounts", account, Deletion::Recycle).unwrap();
    assert_eq!(empty(&crm), (true, (1, 1)));
    crm.restore("Accounts", account, Touch::Leave).unwrap();
    assert_eq!(empty(&crm), (false, (0, 0)));
}

#[test]
fn a_restored_record_keeps_its_time_unless_touched() {
    let mut crm = Crm::empty();
    let old = "2026-03-04T09:15:27+01:00";
    let lead = json!({"Last_Name": "Rossi", "Modified_Time": old});
    let id = crm.create("Leads", &lead).unwrap();
    for (touch, moves) in [(Touch::Leave, false), (Touch::Now, true)] {
        crm.delete("Leads", id, Deletion::Recycle).unwrap();
        crm.restore("Leads", id, touch).unwrap();
        let now = &crm.all("Leads").unwrap()[0]["Modified_Time"];
        assert_eq!(now != old, moves, "{touch:?}");
    }
}

#[tokio::test]
async fn converted_leads_are_hidden_on_each_path_by_its_own_setting() {
    let visit = Visit::start(0).await;
    let world = visit.sandbox.world();
    let hide = |settings: Value| async {
        visit
            .control(Method::POST, "/sandbox/crm/settings", settings)
            .await;
    };
    let found = || {
        let crm = &lock(&world).crm;
        let coql = crm.query("select id from Leads where id is not null");
        let criteria =
            json!({"field": {"api_name": "id"}, "comparator": "not_equal", "value": "1"});
        let bulk = crm.matching("Leads", &criteria);
        (coql.unwrap().len(), bulk.unwrap().len())
    };
    {
        let crm = &mut lock(&world).crm;
        let id = crm.create("Leads", &json!({"Last_Name": "Rossi"})).unwrap();
        crm.create("Leads", &json!({"Last_Name": "Bruni"})).unwrap();
        crm.convert(id).unwrap();
    }
    assert_eq!(found(), (2, 2));
    hide(json!({"coql_hides_converted": true})).await;
    assert_eq!(found(), (1, 2));
    hide(json!({"coql_hides_converted": false, "bulk_hides_converted": true})).await;
    assert_eq!(found(), (2, 1));
}

#[tokio::test]
async fn settings_make_comparisons_mind_case_and_negatives_hold_for_nothing() {
    let visit = Visit::start(0).await;
    let world = visit.sandbox.world();
    let people = json!([{"Last_Name": "Rossi", "City": "Lisbon"}, {"Last_Name": "ROSSI"}]);
    visit
        .control(Method::POST, "/sandbox/crm/records/Leads", people)
        .await;
    let found = |condition: &str| {
        let query = format!("select id from Leads where {condition}");
        lock(&world).crm.query(&query).unwrap().len()
    };
    let matching = |field: &str, comparator: &str, value: Value| {
        let criteria =
            json!({"field": {"api_name": field}, "comparator": comparator, "value": value});
        lock(&world).crm.matching("Leads", &criteria).unwrap().len()
    };
    let counts = || {
        [
            found("Last_Name = 'Rossi'"),
            found("Last_Name like 'Ro%'"),
            matching("Last_Name", "in", json!(["Rossi"])),
            matching("Last_Name", "ends_with", json!("ssi")),
            found("City != 'Milan'"),
            found("City not like '%Mil%'"),
            found("City not in ('Milan')"),
            found("City = 'Lisbon'"),
            found("Converted_Account.Industry != 'Media'"),
            matching("City", "not_equal", json!("Milan")),
            matching("City", "not_contains", json!("Mil")),
        ]
    };
    assert_eq!(counts(), [2, 2, 2, 2, 1, 1, 1, 1, 0, 1, 1]);
    let contrary = json!({"case_sensitive": true, "nulls_match_negatives": true});
    visit
        .control(Method::POST, "/sandbox/crm/settings", contrary)
        .await;
    assert_eq!(counts(), [1, 1, 1, 1, 2, 2, 2, 1, 2, 2, 2]);
}

#[test]
fn a_literal_may_hold_the_other_quote_and_any_letters() {
    let mut crm = Crm::empty();
    let name = |name: &str| json!({ "Last_Name": name });
    for text in ["O'Brien", "Costa \"Zé\"", "50%; (net), 李", "it's \"both\""] {
        crm.create("Leads", &name(text)).unwrap();
    }
    for (condition, want) in [
        (r#"Last_Name = "O'Brien""#, vec!["O'Brien"]),
        (r#"Last_Name = 'Costa "Zé"'"#, vec!["Costa \"Zé\""]),
        ("Last_Name = '50%; (net), 李'", vec!["50%; (net), 李"]),
        (
            "Last_Name in ('50%; (net), 李', \"O'Brien\")",
            vec!["O'Brien", "50%; (net), 李"],
        ),
        ("Last_Name like '%; (net), 李'", vec!["50%; (net), 李"]),
        (r#"Last_Name like "%'%""#, vec!["O'Brien", "it's \"both\""]),
        (r#"Last_Name = 'it\'s "both"'"#, vec!["it's \"both\""]),
    ] {
        let query = format!("select Last_Name from Leads where {condition}");
        let rows = crm.query(&query).unwrap();
        let found: Vec<_> = rows.iter().map(|row| &row["Last_Name"]).collect();
        assert_eq!(found, want, "{condition}");
    }
}

#[test]
fn a_multi_select_is_compared_as_a_whole_and_searched_as_a_text() {
    let mut crm = Crm::empty();
    for languages in [json!(["English", "French"]), json!(["French"]), Value::Null] {
        let lead = json!({"Last_Name": "x", "Languages": languages});
        crm.create("Leads", &lead).unwrap();
    }
    for (condition, want) in [
        ("Languages = 'English;French'", 1),
        ("Languages = 'French'", 1),
        ("Languages like '%French%'", 2),
        ("Languages like '%English;French%'", 1),
        ("Languages in ('French', 'English')", 1),
        ("Languages in ('French', 'English;French')", 2),
        ("Languages is null", 1),
    ] {
        let query = format!("select id from Leads where {condition}");
        assert_eq!(crm.query(&query).unwrap().len(), want, "{condition}");
    }
}

#[test]
fn a_far_offset_finds_its_one_record() {
    let mut crm = Crm::empty();
    for number in 0..3000 {
        crm.create("Leads", &json!({"Last_Name": number.to_string()}))
            .unwrap();
    }
    for (order, want) in [("", "2500"), ("order by id desc", "499")] {
        let query =
            format!("select Last_Name from Leads where id is not null {order} limit 1 offset 2500");
        let rows = crm.query(&query).unwrap();
        assert_eq!(rows[0]["Last_Name"], want);
    }
    let beyond = "select id from Leads where id is not null limit 1 offset 100000";
    assert_eq!(crm.query(beyond), Ok(vec![]));
}
