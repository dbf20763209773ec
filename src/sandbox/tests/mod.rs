//! The sandbox as its clients meet it: over HTTP, one request after another.

mod bulk;
mod coql;
mod records;
mod selection;
mod views;

use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};

use super::{CLIENT_ID, CLIENT_SECRET, Options, REFRESH_TOKEN, Sandbox, lock};

/// A sandbox and a client with a token for it.
struct Visit {
    sandbox: Sandbox,
    client: Client,
    token: String,
}

impl Visit {
    async fn start(people: usize) -> Self {
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
        let options = Options {
            people,
            ..Options::default()
        };
        let sandbox = Sandbox::start(&options).await.unwrap();
        let client = Client::builder().no_proxy().build().unwrap();
        let mut visit = Self {
            sandbox,
            client,
            token: String::new(),
        };
        visit.refresh().await;
        visit
    }

    async fn refresh(&mut self) {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", REFRESH_TOKEN),
            ("client_id", CLIENT_ID),
            ("client_secret", CLIENT_SECRET),
        ];
        let request = self.client.post(self.url("/oauth/v2/token")).form(&form);
        let body: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(body["api_domain"], self.sandbox.url());
        self.token = body["access_token"].as_str().unwrap().to_owned();
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.sandbox.url())
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let bearing = format!("Zoho-oauthtoken {}", self.token);
        self.client
            .request(method, self.url(path))
            .header("Authorization", bearing)
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        read(self.request(Method::GET, path).send().await.unwrap()).await
    }

    async fn coql(&self, query: &str) -> (u16, Value) {
        let request = self.request(Method::POST, "/crm/v8/coql");
        read(
            request
                .json(&json!({"select_query": query}))
                .send()
                .await
                .unwrap(),
        )
        .await
    }

    async fn control(&self, method: Method, path: &str, body: Value) -> Value {
        let request = self.client.request(method, self.url(path)).json(&body);
        request.send().await.unwrap().json().await.unwrap()
    }
}

async fn read(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

#[tokio::test]
async fn a_call_needs_a_good_token_with_its_scope() {
    let mut visit = Visit::start(5).await;
    let url = visit.url("/crm/v8/org");
    let (status, body) = read(visit.client.get(&url).send().await.unwrap()).await;
    assert_eq!(
        (status, &body["code"]),
        (401, &json!("AUTHENTICATION_FAILURE"))
    );
    let only_leads = json!({"scopes": ["ZohoCRM.modules.leads.READ", "ZohoCRM.coql.READ"]});
    visit
        .control(Method::POST, "/sandbox/accounts", only_leads)
        .await;
    for (path, status) in [
        ("/crm/v8/Leads?fields=Email", 200),
        ("/crm/v8/Contacts?fields=Email", 401),
        ("/crm/v8/org", 401),
        ("/crm/v8/Leads/actions/count", 401),
    ] {
        assert_eq!(visit.get(path).await.0, status, "{path}");
    }
    let (status, body) = visit
        .coql("select id from Contacts where id is not null")
        .await;
    assert_eq!(
        (status, &body["code"]),
        (401, &json!("OAUTH_SCOPE_MISMATCH"))
    );
    let joined = "select id, Converted_Contact.Email from Leads where id is not null";
    assert_eq!(visit.coql(joined).await.0, 401);
    lock(&visit.sandbox.world())
        .clock
        .advance(jiff::SignedDuration::from_hours(1));
    let (status, body) = visit.get("/crm/v8/Leads?fields=Email").await;
    assert_eq!((status, &body["code"]), (401, &json!("INVALID_TOKEN")));
    visit.refresh().await;
    assert_eq!(visit.get("/crm/v8/Leads?fields=Email").await.0, 200);
}

#[tokio::test]
async fn metadata_names_what_there_is() {
    let visit = Visit::start(5).await;
    let (_, modules) = visit.get("/crm/v8/settings/modules").await;
    let names: Vec<_> = modules["modules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|module| &module["api_name"])
        .collect();
    assert_eq!(
        names,
        ["Leads", "Contacts", "Accounts", "Deals", "Event_Guests"]
    );
    let (_, fields) = visit.get("/crm/v8/settings/fields?module=Contacts").await;
    let account = fields["fields"]
        .as_array()
        .unwrap()
        .iter()
        .find(|field| field["api_name"] == "Account_Name")
        .unwrap();
    assert_eq!(account["lookup"]["module"]["api_name"], "Accounts");
    let (_, org) = visit.get("/crm/v8/org").await;
    assert_eq!(org["org"][0]["zgid"], "4876876");
    let (_, count) = visit.get("/crm/v8/Contacts/actions/count").await;
    assert_eq!(count["count"], 5);
    let (_, lists) = visit
        .get("/crm/v8/settings/related_lists?module=Contacts")
        .await;
    assert!(
        lists["related_lists"]
            .as_array()
            .unwrap()
            .iter()
            .any(|list| list["api_name"] == "Deals")
    );
    visit
        .control(
            Method::PATCH,
            "/sandbox/crm/modules/Leads",
            json!({"visible": false}),
        )
        .await;
    let (status, body) = visit.get("/crm/v8/Leads?fields=Email").await;
    assert_eq!((status, &body["code"]), (403, &json!("NO_PERMISSION")));
    let change =
        json!({"rename_view": {"from": "Gold customers", "to": "Golden"}, "hide_field": "Mobile"});
    visit
        .control(Method::PATCH, "/sandbox/crm/modules/Contacts", change)
        .await;
    let (_, body) = visit
        .coql("select Mobile from Contacts where id is not null")
        .await;
    assert_eq!(body["details"]["column_name"], "Mobile");
}

#[tokio::test]
async fn the_answer_says_the_sandboxs_time() {
    let visit = Visit::start(1).await;
    let clock = lock(&visit.sandbox.world()).clock.clone();
    clock.freeze();
    clock.set("2027-11-06T08:49:37Z".parse().unwrap());
    let response = visit
        .request(Method::GET, "/crm/v8/org")
        .send()
        .await
        .unwrap();
    let dates: Vec<_> = response.headers().get_all("date").iter().collect();
    assert_eq!(dates, ["Sat, 06 Nov 2027 08:49:37 GMT"]);
}

#[tokio::test]
async fn a_stopped_sandbox_frees_its_port() {
    let visit = Visit::start(1).await;
    let url = visit.url("/crm/v8/org");
    visit.sandbox.stop().await.unwrap();
    assert!(visit.client.get(url).send().await.is_err());
}

#[tokio::test]
async fn every_call_costs_the_credits_of_its_kind() {
    let visit = Visit::start(5).await;
    let (_, views) = visit
        .get("/crm/v8/settings/custom_views?module=Contacts")
        .await;
    let view = views["custom_views"][0]["id"].as_str().unwrap();
    let everyone = "select id from Contacts where id is not null";
    for (query, credits) in [
        (everyone.to_owned(), 1),
        (format!("{everyone} limit 200"), 1),
        (format!("{everyone} limit 201"), 2),
        (format!("{everyone} limit 1001"), 3),
        (
            "select id from Contacts where id is null limit 2000".to_owned(),
            3,
        ),
    ] {
        lock(&visit.sandbox.world()).calls.reset();
        visit.coql(&query).await;
        assert_eq!(credits_used(&visit), credits, "{query}");
    }
    for (path, credits) in [
        ("/crm/v8/Contacts?fields=Email".to_owned(), 1),
        (format!("/crm/v8/Contacts?fields=Email&cvid={view}"), 3),
        ("/crm/v8/Contacts/deleted".to_owned(), 1),
        ("/crm/v8/Contacts".to_owned(), 1),
    ] {
        lock(&visit.sandbox.world()).calls.reset();
        let response = visit.request(Method::GET, &path).send().await.unwrap();
        assert!(response.headers().get("x-sandbox-credits").is_none());
        assert_eq!(credits_used(&visit), credits, "{path}");
    }
}

fn credits_used(visit: &Visit) -> u64 {
    let world = visit.sandbox.world();
    let world = lock(&world);
    world
        .calls
        .totals()
        .values()
        .map(|total| total.credits)
        .sum()
}

#[tokio::test]
async fn control_answers_what_it_cannot_do_with_a_sentence() {
    let visit = Visit::start(5).await;
    for (method, path, body, want) in [
        (
            Method::GET,
            "records/Nope",
            json!({}),
            "there is no module Nope: use its API name",
        ),
        (
            Method::PATCH,
            "records/Leads/x",
            json!({}),
            "x is not the id of a record: ids are numbers",
        ),
        (
            Method::POST,
            "records/Leads/1/convert",
            json!({}),
            "module Leads has no record 1",
        ),
        (
            Method::DELETE,
            "records/Leads/1?type=soft",
            json!({}),
            "type soft is neither recycle nor permanent",
        ),
        (
            Method::PATCH,
            "modules/Leads",
            json!({"hide_field": "Mail"}),
            "module Leads has no field Mail: use its API name",
        ),
        (
            Method::POST,
            "generate",
            json!({"module": "Lead", "count": 1}),
            "there is no module Lead: use its API name",
        ),
    ] {
        let answer = visit
            .control(method, &format!("/sandbox/crm/{path}"), body)
            .await;
        assert_eq!(answer["error"], want, "{path}");
    }
    let more = json!({"module": "Event_Guests", "count": 10});
    let answer = visit
        .control(Method::POST, "/sandbox/crm/generate", more)
        .await;
    assert_eq!(answer["count"], 11);
    visit
        .control(
            Method::POST,
            "/sandbox/crm/reseed",
            json!({"seed": 9, "people": 40}),
        )
        .await;
    let all = visit
        .control(Method::GET, "/sandbox/crm/records/Leads", json!({}))
        .await;
    assert_eq!(all["data"].as_array().unwrap().len(), 40);
}
