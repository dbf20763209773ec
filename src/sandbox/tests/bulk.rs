//! Bulk Read over HTTP.

use std::io::{Cursor, Read};

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};

use super::super::calls::Service;
use super::super::lock;
use super::{Visit, read};

const READ: &str = "/crm/bulk/v8/read";

impl Visit {
    async fn job(&self, query: Value) -> (u16, Value) {
        let request = self.request(Method::POST, READ);
        read(request.json(&json!({"query": query})).send().await.unwrap()).await
    }

    /// The id of a new job.
    async fn job_id(&self, query: Value) -> String {
        let (status, body) = self.job(query).await;
        assert_eq!(status, 201, "{body}");
        let id = &body["data"][0]["details"]["id"];
        id.as_str().unwrap().to_owned()
    }

    /// The last status of a new job.
    pub(super) async fn finished(&self, query: Value) -> Value {
        let id = self.job_id(query).await;
        loop {
            let (_, body) = self.get(&format!("{READ}/{id}")).await;
            let state = body["data"][0]["state"].as_str().unwrap();
            if ["COMPLETED", "FAILURE"].contains(&state) {
                return body["data"][0].clone();
            }
        }
    }

    /// The rows of a finished job, the header first.
    async fn rows(&self, job: &Value) -> Vec<Vec<String>> {
        let path = job["result"]["download_url"].as_str().unwrap();
        let response = self.request(Method::GET, path).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let bytes = response.bytes().await.unwrap();
        let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        let mut text = String::new();
        let name = format!("{}.csv", job["id"].as_str().unwrap());
        zip.by_name(&name)
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        let mut csv = csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(text.as_bytes());
        let rows = csv.records();
        rows.map(|row| row.unwrap().iter().map(str::to_owned).collect())
            .collect()
    }

    async fn set(&self, settings: Value) {
        let answer = self.control(Method::POST, "/sandbox/crm/settings", settings);
        assert_eq!(answer.await["done"], true);
    }
}

fn leads(fields: &[&str]) -> Value {
    json!({"module": {"api_name": "Leads"}, "fields": fields})
}

#[tokio::test]
async fn a_job_goes_from_state_to_state_and_its_calls_are_named_and_paid() {
    let visit = Visit::start(20).await;
    lock(&visit.sandbox.world()).calls.reset();
    let id = visit.job_id(leads(&["Email", "Converted__s"])).await;
    let mut states = Vec::new();
    for _ in 0..4 {
        let (_, body) = visit.get(&format!("{READ}/{id}")).await;
        states.push(body["data"][0]["state"].as_str().unwrap().to_owned());
    }
    assert_eq!(states, ["QUEUED", "IN PROGRESS", "COMPLETED", "COMPLETED"]);
    let (_, body) = visit.get(&format!("{READ}/{id}")).await;
    let job = &body["data"][0];
    assert_eq!(job["result"]["count"], 20);
    assert_eq!(job["result"]["per_page"], 200_000);
    assert_eq!(job["result"]["more_records"], false);
    assert_eq!(job["query"]["module"]["api_name"], "Leads");
    let rows = visit.rows(job).await;
    assert_eq!(rows[0], ["Id", "Email", "Converted__s"]);
    assert_eq!(rows.len(), 21);
    let used: Vec<_> = lock(&visit.sandbox.world())
        .calls
        .totals()
        .iter()
        .map(|((service, method), total)| (*service, method.clone(), total.calls, total.credits))
        .collect();
    let crm = |method: &str, calls, credits| (Service::Crm, method.to_owned(), calls, credits);
    assert_eq!(
        used,
        [
            crm("bulk_create", 1, 50),
            crm("bulk_result", 1, 1),
            crm("bulk_status", 5, 5)
        ]
    );
}

#[tokio::test]
async fn a_long_answer_comes_in_pages_by_number_or_by_token() {
    let visit = Visit::start(25).await;
    visit
        .set(json!({"bulk_page_rows": 10, "bulk_polls": 1}))
        .await;
    let mut ids = Vec::new();
    let mut query = leads(&["Email"]);
    let first = loop {
        let job = visit.finished(query).await;
        let rows = visit.rows(&job).await;
        ids.extend(rows[1..].iter().map(|row| row[0].clone()));
        assert_eq!(job["result"]["page"], ids.len().div_ceil(10));
        match job["result"]["next_page_token"].as_str() {
            Some(token) => query = json!({"page_token": token}),
            None => break job,
        }
    };
    assert_eq!(first["result"]["more_records"], false);
    assert_eq!(ids.len(), 25);
    assert!(ids.is_sorted());
    let mut second = leads(&["Email"]);
    second["page"] = json!(2);
    let job = visit.finished(second).await;
    let rows = visit.rows(&job).await;
    assert!(rows[1..].iter().map(|row| &row[0]).eq(&ids[10..20]));
    let token = job["result"]["next_page_token"].clone();
    let both = json!({"page_token": token, "page": 3});
    assert_eq!(
        visit.job(both).await.1["code"],
        "AMBIGUITY_DURING_PROCESSING"
    );
    let mut visit = visit;
    let day = SignedDuration::from_hours(25);
    lock(&visit.sandbox.world()).clock.advance(day);
    visit.refresh().await;
    let late = visit.job(json!({"page_token": token})).await;
    assert_eq!((late.0, &late.1["code"]), (400, &json!("EXPIRED_VALUE")));
    let path = job["result"]["download_url"].as_str().unwrap();
    assert_eq!(visit.get(path).await.1["code"], "RESOURCE_NOT_FOUND");
}

#[tokio::test]
async fn rows_are_those_that_match_when_the_job_completes() {
    let visit = Visit::start(5).await;
    visit.set(json!({"bulk_polls": 2})).await;
    let id = visit.job_id(leads(&["Email"])).await;
    let path = format!("{READ}/{id}");
    let poll = || visit.get(&path);
    assert_eq!(poll().await.1["data"][0]["state"], "IN PROGRESS");
    let add = || {
        visit.control(
            Method::POST,
            "/sandbox/crm/records/Leads",
            json!({"Last_Name": "Late"}),
        )
    };
    add().await;
    let (_, body) = poll().await;
    assert_eq!(body["data"][0]["result"]["count"], 6);
    add().await;
    assert_eq!(visit.rows(&body["data"][0]).await.len(), 7);
}

#[tokio::test]
async fn downloads_are_ten_a_minute() {
    let visit = Visit::start(5).await;
    lock(&visit.sandbox.world()).clock.freeze();
    let job = visit.finished(leads(&["Email"])).await;
    for _ in 0..10 {
        visit.rows(&job).await;
    }
    let path = job["result"]["download_url"].as_str().unwrap();
    let (status, body) = visit.get(path).await;
    assert_eq!((status, &body["code"]), (429, &json!("TOO_MANY_REQUESTS")));
    let minute = SignedDuration::from_mins(1);
    lock(&visit.sandbox.world()).clock.advance(minute);
    visit.rows(&job).await;
}

#[tokio::test]
async fn jobs_fail_where_control_says_so_and_faults_strike_their_calls() {
    let visit = Visit::start(5).await;
    visit
        .set(json!({"bulk_failures": 1, "bulk_polls": 1}))
        .await;
    let job = visit.finished(leads(&["Email"])).await;
    assert_eq!(job["state"], "FAILURE");
    assert_eq!(job["result"]["error_message"]["status"], "error");
    let path = format!("{READ}/{}/result", job["id"].as_str().unwrap());
    assert_eq!(visit.get(&path).await.0, 404);
    let job = visit.finished(leads(&["Email"])).await;
    assert_eq!(job["state"], "COMPLETED");
    let fault = json!({"method": "bulk_result", "times": 1, "what": {"status": {"status": 503}}});
    visit.control(Method::POST, "/sandbox/faults", fault).await;
    let path = job["result"]["download_url"].as_str().unwrap();
    assert_eq!(visit.get(path).await.0, 503);
    visit.rows(&job).await;
}

#[tokio::test]
async fn bulk_read_refuses_what_its_documentation_refuses() {
    let visit = Visit::start(5).await;
    let many: Vec<String> = (0..201).map(|number| format!("F{number}")).collect();
    let view = lock(&visit.sandbox.world())
        .crm
        .view_id("Leads", "All Leads");
    let mark = json!({"mark_view": {"name": "All Leads", "bulk": false}});
    visit
        .control(Method::PATCH, "/sandbox/crm/modules/Leads", mark)
        .await;
    let of = |module: &str| json!({"module": {"api_name": module}});
    for (query, code) in [
        (json!({}), "MANDATORY_NOT_FOUND"),
        (of("Persons"), "INVALID_MODULE"),
        (of("Notes"), "MODULE_NOT_SUPPORTED"),
        (leads(&["Mail"]), "FIELD_NOT_AVAILABLE"),
        (leads(&["Email", "Email"]), "DUPLICATE_DATA"),
        (
            json!({"module": {"api_name": "Leads"}, "fields": many}),
            "LIMIT_EXCEEDED",
        ),
        (
            json!({"module": {"api_name": "Leads"}, "page": 501}),
            "PAGE_RANGE_EXCEEDED",
        ),
        (
            json!({"module": {"api_name": "Leads"}, "cvid": view}),
            "CVID_NOT_SUPPORTED",
        ),
        (
            json!({"module": {"api_name": "Leads"}, "cvid": "7"}),
            "INVALID_DATA",
        ),
        (json!({"page_token": "c8582ee9"}), "INVALID_DATA"),
        (
            json!({"module": {"api_name": "Deals"}, "fields": [
                "Account_Name.Phone", "Account_Name.Parent_Account.Phone", "Contact_Name.Email",
                "Contact_Name.Account_Name.Phone", "Contact_Name.Reporting_To.Email", "Owner",
            ]}),
            "",
        ),
        (
            json!({"module": {"api_name": "Leads"}, "fields": [
                "Converted_Account.Phone", "Converted_Account.Parent_Account.Phone",
                "Converted_Contact.Email", "Converted_Contact.Account_Name.Phone",
                "Converted_Contact.Reporting_To.Email", "Converted_Deal.Stage",
            ]}),
            "JOIN_LIMIT_EXCEEDED",
        ),
    ] {
        let (_, body) = visit.job(query.clone()).await;
        assert_eq!(body["code"].as_str().unwrap_or_default(), code, "{query}");
    }
    let request = visit.request(Method::POST, READ);
    let bare = read(request.body("{}").send().await.unwrap()).await;
    assert_eq!(
        (bare.0, &bare.1["code"]),
        (415, &json!("MEDIA_TYPE_NOT_SUPPORTED"))
    );
    for (path, status) in [
        (format!("{READ}/1"), 404),
        (format!("{READ}/x/result"), 404),
        ("/crm/bulk/v8/write".to_owned(), 404),
        (READ.to_owned(), 400),
    ] {
        assert_eq!(visit.get(&path).await.0, status, "{path}");
    }
    for scopes in [
        ["ZohoCRM.bulk.READ", "ZohoCRM.modules.contacts.READ"],
        ["ZohoCRM.coql.READ", "ZohoCRM.modules.ALL"],
    ] {
        let change = json!({ "scopes": scopes });
        visit
            .control(Method::POST, "/sandbox/accounts", change)
            .await;
        let (status, body) = visit.job(leads(&["Email"])).await;
        assert_eq!(
            (status, &body["code"]),
            (401, &json!("OAUTH_SCOPE_MISMATCH"))
        );
    }
}

#[tokio::test]
async fn rows_without_the_parent_that_is_asked_for_are_left_out_if_set() {
    let visit = Visit::start(200).await;
    let query = || json!({"module": {"api_name": "Contacts"}, "fields": ["Account_Name.Industry"]});
    let all = visit.finished(query()).await["result"]["count"].clone();
    assert_eq!(all, 200);
    visit.set(json!({"bulk_omits_parentless": true})).await;
    let some = visit.finished(query()).await["result"]["count"]
        .as_u64()
        .unwrap();
    assert!((100..190).contains(&some), "{some}");
    let plain = json!({"module": {"api_name": "Contacts"}, "fields": ["Account_Name"]});
    assert_eq!(visit.finished(plain).await["result"]["count"], 200);
}

#[tokio::test]
async fn without_fields_every_field_comes() {
    let visit = Visit::start(5).await;
    let job = visit
        .finished(json!({"module": {"api_name": "Leads"}}))
        .await;
    let rows = visit.rows(&job).await;
    let count = lock(&visit.sandbox.world()).crm.all("Leads").unwrap()[0]
        .as_object()
        .unwrap()
        .len();
    assert_eq!(rows[0].len(), count);
    assert_eq!(rows[0][0], "Id");
}
