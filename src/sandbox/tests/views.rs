//! Custom views: their ids, when they changed, and through what they may be read.

use reqwest::Method;
use serde_json::{Value, json};

use super::super::lock;
use super::Visit;

fn equal(field: &str, value: &str) -> Value {
    json!({"field": {"api_name": field}, "comparator": "equal", "value": value})
}

#[tokio::test]
async fn views_keep_their_ids_and_tell_when_they_changed() {
    let visit = Visit::start(5).await;
    let list = || async {
        let path = "/crm/v8/settings/custom_views?module=Contacts";
        visit.get(path).await.1["custom_views"].clone()
    };
    let find = |views: &Value, name: &str| {
        let views = views.as_array().unwrap();
        views.iter().find(|view| view["name"] == name).cloned()
    };
    let change =
        |change: Value| visit.control(Method::PATCH, "/sandbox/crm/modules/Contacts", change);
    let before = list().await;
    let gold = find(&before, "Gold customers").unwrap();
    assert!(gold["modified_time"].is_string());
    let system = find(&before, "Unsubscribed Contacts").unwrap();
    assert_eq!(system["modified_time"], Value::Null);
    change(json!({"delete_view": "Unsubscribed Contacts"})).await;
    change(json!({"add_view": {"name": "Lisbon", "criteria": equal("Mailing_City", "Lisbon")}}))
        .await;
    let after = list().await;
    assert_eq!(find(&after, "Unsubscribed Contacts"), None);
    assert_eq!(find(&after, "Gold customers").unwrap(), gold);
    let lisbon = find(&after, "Lisbon").unwrap();
    let known = before.as_array().unwrap();
    assert!(known.iter().all(|view| view["id"] != lisbon["id"]));
    for name in ["Gold customers", "All Contacts"] {
        change(
            json!({"change_view": {"name": name, "criteria": equal("Customer_Tier", "Silver")}}),
        )
        .await;
        let earlier = find(&before, name).unwrap();
        let changed = find(&list().await, name).unwrap();
        assert_eq!(changed["id"], earlier["id"]);
        assert_ne!(changed["modified_time"], earlier["modified_time"], "{name}");
    }
    let nonsense = json!({"change_view": {"name": "Lisbon", "criteria": equal("Town", "Lisbon")}});
    let says = "module Contacts has no field Town: use its API name";
    assert_eq!(change(nonsense).await["error"], says);
    let deleted = system["id"].as_str().unwrap();
    let query = format!("select id from Contacts#{deleted} where id is not null");
    assert_eq!(visit.coql(&query).await.1["code"], "INVALID_QUERY");
}

#[tokio::test]
async fn a_view_marked_out_of_coql_is_refused_there_and_read_elsewhere() {
    let visit = Visit::start(50).await;
    let mark = json!({"mark_view": {"name": "Gold customers", "coql": false}});
    visit
        .control(Method::PATCH, "/sandbox/crm/modules/Contacts", mark)
        .await;
    let view = lock(&visit.sandbox.world())
        .crm
        .view_id("Contacts", "Gold customers");
    let query = format!("select id from Contacts#{view} where id is not null");
    let (_, body) = visit.coql(&query).await;
    assert_eq!(body["details"]["cv_criteria"], true, "{body}");
    let path = format!("/crm/v8/Contacts?fields=Customer_Tier&cvid={view}");
    let (_, body) = visit.get(&path).await;
    let rows = body["data"].as_array().unwrap();
    assert!(!rows.is_empty() && rows.iter().all(|row| row["Customer_Tier"] == "Gold"));
}

#[tokio::test]
async fn every_path_that_reads_through_a_view_finds_the_same() {
    let visit = Visit::start(100).await;
    let criteria = json!({"group_operator": "or", "group": [
        {"field": {"api_name": "Modified_Time"}, "comparator": "less_than", "value": "${THISYEAR}"},
        equal("Account_Name.Industry", "Media"),
    ]});
    let add = json!({"add_view": {"name": "Left alone", "criteria": criteria}});
    visit
        .control(Method::PATCH, "/sandbox/crm/modules/Contacts", add)
        .await;
    let view = lock(&visit.sandbox.world())
        .crm
        .view_id("Contacts", "Left alone");
    let path = format!("/crm/v8/Contacts?fields=Email,Last_Name&cvid={view}");
    let (_, body) = visit.get(&path).await;
    let members = body["data"].as_array().unwrap();
    assert!(!members.is_empty());
    let job = |criteria: Value| {
        let query = json!({"module": {"api_name": "Contacts"}, "fields": ["Email"], "cvid": view, "criteria": criteria});
        visit.finished(query)
    };
    let named =
        json!({"field": {"api_name": "Last_Name"}, "comparator": "not_equal", "value": "Rossi"});
    let want = members
        .iter()
        .filter(|member| member["Last_Name"] != "Rossi");
    assert_eq!(job(named).await["result"]["count"], want.count());
    let everyone = json!({"field": {"api_name": "id"}, "comparator": "not_equal", "value": "1"});
    assert_eq!(job(everyone).await["result"]["count"], members.len());
}
