//! COQL over HTTP.

use reqwest::Method;
use serde_json::{Value, json};

use super::super::lock;
use super::{Visit, read};

#[tokio::test]
async fn converted_leads_show_where_they_are_asked_for() {
    let visit = Visit::start(300).await;
    let count = |body: &Value| body["data"].as_array().map_or(0, Vec::len);
    let (_, open) = visit.get("/crm/v8/Leads?fields=Email&per_page=200").await;
    assert_eq!(count(&open), 200);
    let (_, converted) = visit
        .get("/crm/v8/Leads?fields=Converted__s&converted=true")
        .await;
    let converted = count(&converted);
    assert!((5..60).contains(&converted), "{converted}");
    let query = "select id, Converted__s from Leads where Converted__s = 'true' limit 2000";
    assert_eq!(count(&visit.coql(query).await.1), converted);
    let (_, views) = visit
        .get("/crm/v8/settings/custom_views?module=Leads")
        .await;
    let view = |name: &str| {
        let views = views["custom_views"].as_array().unwrap();
        let view = views.iter().find(|view| view["name"] == name).unwrap();
        view["id"].as_str().unwrap().to_owned()
    };
    let through = format!(
        "select id from Leads#{} where id is not null limit 2000",
        view("Converted Leads")
    );
    assert_eq!(count(&visit.coql(&through).await.1), converted);
    let relative = format!(
        "select id from Leads#{} where id is not null",
        view("Leads of This Month")
    );
    let (_, body) = visit.coql(&relative).await;
    assert_eq!(
        (&body["code"], &body["details"]["cv_criteria"]),
        (&json!("INVALID_QUERY"), &json!(true))
    );
    let hide = json!({"coql_hides_converted": true});
    visit
        .control(Method::POST, "/sandbox/crm/settings", hide)
        .await;
    assert_eq!(visit.coql(query).await.0, 204);
}

#[tokio::test]
async fn coql_finds_what_plain_code_finds() {
    let visit = Visit::start(400).await;
    let leads = lock(&visit.sandbox.world()).crm.all("Leads").unwrap();
    let text = |lead: &Value, field: &str| lead[field].as_str().unwrap_or_default().to_lowercase();
    let number = |lead: &Value, field: &str| lead[field].as_f64().unwrap_or(-1.0);
    type Plain<'a> = &'a dyn Fn(&Value) -> bool;
    let cases: [(&str, Plain<'_>); 9] = [
        ("Industry = 'hospitality'", &|lead| {
            text(lead, "Industry") == "hospitality"
        }),
        ("Industry != 'Media'", &|lead| {
            !["", "media"].contains(&text(lead, "Industry").as_str())
        }),
        (
            "((Industry = 'Hospitality' and Lead_Status = 'Converted') and (Annual_Revenue > 5000000 or No_of_Employees > '2000'))",
            &|lead| {
                text(lead, "Industry") == "hospitality"
                    && text(lead, "Lead_Status") == "converted"
                    && (number(lead, "Annual_Revenue") > 5e6
                        || number(lead, "No_of_Employees") > 2000.0)
            },
        ),
        ("Email is null", &|lead| lead["Email"].is_null()),
        ("Last_Name = \"O'Brien\"", &|lead| {
            lead["Last_Name"] == "O'Brien"
        }),
        ("Email like '%@EXAMPLE.com'", &|lead| {
            text(lead, "Email").ends_with("@example.com")
        }),
        ("Email not like '%example%'", &|lead| {
            !lead["Email"].is_null() && !text(lead, "Email").contains("example")
        }),
        ("No_of_Employees between 100 and 200", &|lead| {
            (100.0..=200.0).contains(&number(lead, "No_of_Employees"))
        }),
        ("Languages = 'French;English'", &|lead| {
            lead["Languages"] == json!(["English", "French"])
        }),
    ];
    for (filter, plain) in cases {
        let (_, body) = visit
            .coql(&format!(
                "select Email from Leads where {filter} limit 2000"
            ))
            .await;
        let got: Vec<_> = body["data"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|row| row["id"].clone())
            .collect();
        let want: Vec<_> = leads
            .iter()
            .filter(|lead| plain(lead))
            .map(|lead| lead["id"].clone())
            .collect();
        assert_eq!(got, want, "{filter}");
    }
}

#[tokio::test]
async fn keyset_pages_read_every_record_once_in_order() {
    let visit = Visit::start(700).await;
    let mut last = "0".to_owned();
    let mut ids = Vec::new();
    loop {
        let query =
            format!("select Email from Contacts where id > '{last}' order by id asc limit 150");
        let (_, body) = visit.coql(&query).await;
        ids.extend(
            body["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|row| row["id"].as_str().unwrap().to_owned()),
        );
        last.clone_from(ids.last().unwrap());
        if body["info"]["more_records"] == false {
            break;
        }
    }
    assert_eq!(ids.len(), 700);
    assert!(ids.is_sorted());
    let changes = "select Modified_Time from Contacts where ((Modified_Time >= '2000-01-01T00:00:00+00:00' and Modified_Time \
        < '2099-01-01T00:00:00+00:00') and (Modified_Time > '2000-01-01T00:00:00+00:00' or id > '0')) \
        order by Modified_Time asc, id asc limit 2000";
    let (_, body) = visit.coql(changes).await;
    let times: Vec<_> = body["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["Modified_Time"].as_str().unwrap())
        .collect();
    assert_eq!(times.len(), 700);
    assert!(times.is_sorted());
}

#[tokio::test]
async fn coql_refuses_what_its_documentation_refuses() {
    let visit = Visit::start(5).await;
    for (query, code) in [
        (
            "select Nothing from Leads where id is not null",
            "INVALID_QUERY",
        ),
        (
            "select id from Persons where id is not null",
            "INVALID_QUERY",
        ),
        (
            "select id from Leads#1 where id is not null",
            "INVALID_QUERY",
        ),
        (
            "select id from Leads where Annual_Revenue like '%5%'",
            "INVALID_QUERY",
        ),
        (
            "select id from Leads where Last_Name > 'a'",
            "INVALID_QUERY",
        ),
        (
            "select id from Leads where Email_Opt_Out != 'true'",
            "INVALID_QUERY",
        ),
        (
            "select id from Leads where Email_Opt_Out = 'yes'",
            "INVALID_QUERY",
        ),
        (
            "select id from Leads where Description is null",
            "INVALID_QUERY",
        ),
        (
            "select id from Leads where Modified_Time > '2026-01-01T00:00:00.000+00:00'",
            "INVALID_QUERY",
        ),
        (
            "select id from Leads where Last_Name not like 'x%'",
            "INVALID_QUERY",
        ),
        ("select id from Leads where Owner.id = '1'", "INVALID_QUERY"),
        (
            "select Email, Email from Leads where id is not null",
            "DUPLICATE_DATA",
        ),
        (
            "select Account_Name.Phone, Contact_Name.Email, Contact_Name.Account_Name.Phone from Deals where id is not null",
            "LIMIT_EXCEEDED",
        ),
        ("select id from Leads", "SYNTAX_ERROR"),
    ] {
        let (status, body) = visit.coql(query).await;
        assert_eq!(
            (status, body["code"].as_str()),
            (400, Some(code)),
            "{query}"
        );
    }
    let (_, body) = read(
        visit
            .request(Method::POST, "/crm/v8/coql")
            .json(&json!({}))
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(body["code"], "MANDATORY_NOT_FOUND");
}

#[tokio::test]
async fn lookups_lead_to_related_records() {
    let visit = Visit::start(5).await;
    let parent = visit
        .control(
            Method::POST,
            "/sandbox/crm/records/Accounts",
            json!({"Account_Name": "Top", "Industry": "Media"}),
        )
        .await;
    let child = json!({"Account_Name": "Sub", "Parent_Account": parent["ids"][0]});
    let child = visit
        .control(Method::POST, "/sandbox/crm/records/Accounts", child)
        .await;
    let person = json!({"Last_Name": "Joined", "Account_Name": child["ids"][0]});
    visit
        .control(Method::POST, "/sandbox/crm/records/Contacts", person)
        .await;
    let query = "select Last_Name, Account_Name, Account_Name.Parent_Account.Industry from Contacts \
        where Account_Name.Parent_Account.Industry = 'Media' and Last_Name = 'joined'";
    let (_, body) = visit.coql(query).await;
    assert_eq!(body["info"]["count"], 1);
    assert_eq!(
        body["data"][0]["Account_Name"],
        json!({"name": "Sub", "id": child["ids"][0]})
    );
    assert_eq!(
        body["data"][0]["Account_Name.Parent_Account.Industry"],
        "Media"
    );
}
