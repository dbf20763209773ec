//! The sandbox as its clients meet it: over HTTP, one request after another.

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
async fn every_refusal_has_its_status_and_code() {
    let visit = Visit::start(20).await;
    let many = vec!["a"; 51].join(",");
    for (path, status, code) in [
        ("/crm/v8/Leads", 400, "REQUIRED_PARAM_MISSING"),
        ("/crm/v8/Leads?fields=id", 400, "INVALID_DATA"),
        (
            &format!("/crm/v8/Leads?fields={many}"),
            400,
            "LIMIT_EXCEEDED",
        ),
        (
            "/crm/v8/Leads?fields=Email&page=11",
            400,
            "DISCRETE_PAGINATION_LIMIT_EXCEEDED",
        ),
        ("/crm/v8/Leads?fields=Email&page=0", 400, "INVALID_DATA"),
        (
            "/crm/v8/Leads?fields=Email&per_page=201",
            400,
            "INVALID_DATA",
        ),
        (
            "/crm/v8/Leads?fields=Email&page=1&page_token=ab",
            400,
            "AMBIGUITY_DURING_PROCESSING",
        ),
        (
            "/crm/v8/Leads?fields=Email&cvid=1&sort_by=id",
            400,
            "AMBIGUITY_DURING_PROCESSING",
        ),
        ("/crm/v8/Leads?fields=Email&cvid=1", 400, "INVALID_DATA"),
        (
            "/crm/v8/Leads?fields=Email&page_token=abcdef",
            400,
            "INVALID_DATA",
        ),
        (
            "/crm/v8/Leads?fields=Email&sort_by=Email",
            400,
            "INVALID_DATA",
        ),
        ("/crm/v8/Persons?fields=Email", 400, "INVALID_MODULE"),
        ("/crm/v8/Leads/abc", 400, "INVALID_DATA"),
        ("/crm/v8/coql", 400, "INVALID_REQUEST_METHOD"),
        ("/crm/v1/Leads", 404, "INVALID_URL_PATTERN"),
        ("/crm/v8/settings/nothing", 404, "INVALID_URL_PATTERN"),
        ("/nowhere", 404, "INVALID_URL_PATTERN"),
        ("/crm/v8/settings/fields", 400, "REQUIRED_PARAM_MISSING"),
        (
            "/crm/v8/settings/custom_views/1?module=Leads",
            404,
            "RESOURCE_NOT_FOUND",
        ),
    ] {
        let (got, body) = visit.get(path).await;
        assert_eq!((got, body["code"].as_str()), (status, Some(code)), "{path}");
        assert_eq!(body["status"], "error");
    }
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
async fn page_tokens_walk_through_every_record_once() {
    let visit = Visit::start(650).await;
    for order in [
        "",
        "&sort_by=Modified_Time&sort_order=asc",
        "&sort_by=Created_Time",
        "&sort_by=id&sort_order=asc",
    ] {
        let path = format!("/crm/v8/Contacts?fields=Email,Account_Name{order}");
        let mut ids = Vec::new();
        let mut token = String::new();
        loop {
            let (status, body) = visit.get(&format!("{path}{token}")).await;
            assert_eq!(status, 200);
            let page = body["data"].as_array().unwrap();
            ids.extend(
                page.iter()
                    .map(|record| record["id"].as_str().unwrap().to_owned()),
            );
            assert_eq!(body["info"]["page"], ids.len().div_ceil(200));
            let Some(next) = body["info"]["next_page_token"].as_str() else {
                assert_eq!(body["info"]["more_records"], false);
                break;
            };
            token = format!("&page_token={next}");
        }
        assert_eq!(ids.len(), 650, "{order}");
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 650, "{order}");
    }
    let (_, first) = visit.get("/crm/v8/Contacts?fields=Email").await;
    let token = first["info"]["next_page_token"].as_str().unwrap();
    let other = format!("/crm/v8/Contacts?fields=Last_Name&page_token={token}");
    assert_eq!(
        visit.get(&other).await.1["code"],
        "TOKEN_BOUND_DATA_MISMATCH"
    );
    lock(&visit.sandbox.world())
        .clock
        .advance(jiff::SignedDuration::from_hours(23));
    let mut visit = visit;
    visit.refresh().await;
    let same = format!("/crm/v8/Contacts?fields=Email&page_token={token}");
    assert_eq!(visit.get(&same).await.0, 200);
    lock(&visit.sandbox.world())
        .clock
        .advance(jiff::SignedDuration::from_hours(2));
    visit.refresh().await;
    assert_eq!(visit.get(&same).await.1["code"], "EXPIRED_VALUE");
}

#[tokio::test]
async fn if_modified_since_shows_what_is_newer_and_nothing_else() {
    let visit = Visit::start(30).await;
    let since = lock(&visit.sandbox.world()).crm.now();
    let asked = |at: jiff::Timestamp| {
        let request = visit.request(
            Method::GET,
            "/crm/v8/Contacts?fields=Last_Name,Modified_Time",
        );
        request.header("If-Modified-Since", at.to_string())
    };
    let (status, _) = read(asked(since).send().await.unwrap()).await;
    assert_eq!(status, 304);
    let id = lock(&visit.sandbox.world()).crm.ids("Contacts")[4];
    let path = format!("/sandbox/crm/records/Contacts/{id}");
    visit
        .control(Method::PATCH, &path, json!({"Last_Name": "Changed"}))
        .await;
    let (status, body) = read(asked(since).send().await.unwrap()).await;
    assert_eq!(status, 200);
    assert_eq!(body["data"].as_array().unwrap().len(), 1);
    assert_eq!(body["data"][0]["Last_Name"], "Changed");
}

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
async fn deleted_records_are_told_of_by_kind_and_time() {
    let visit = Visit::start(30).await;
    assert_eq!(visit.get("/crm/v8/Contacts/deleted").await.0, 204);
    let ids = lock(&visit.sandbox.world()).crm.ids("Contacts");
    let path = |id: u64| format!("/sandbox/crm/records/Contacts/{id}");
    visit
        .control(Method::DELETE, &path(ids[0]), json!({}))
        .await;
    visit
        .control(
            Method::DELETE,
            &format!("{}?type=permanent", path(ids[1])),
            json!({}),
        )
        .await;
    for (kind, want) in [("all", 2), ("recycle", 1), ("permanent", 1)] {
        let (_, body) = visit
            .get(&format!("/crm/v8/Contacts/deleted?type={kind}"))
            .await;
        assert_eq!(body["info"]["count"], want, "{kind}");
    }
    let (_, body) = visit.get("/crm/v8/Contacts/deleted?type=permanent").await;
    assert_eq!(body["data"][0]["display_name"], Value::Null);
    assert_eq!(body["data"][0]["id"], ids[1].to_string());
    let (_, body) = visit
        .get("/crm/v8/Contacts/deleted?type=all&per_page=1")
        .await;
    assert_eq!(body["info"]["more_records"], true);
    let since = "2099-01-01T00:00:00+00:00";
    let request = visit
        .request(Method::GET, "/crm/v8/Contacts/deleted")
        .header("If-Modified-Since", since);
    assert_eq!(read(request.send().await.unwrap()).await.0, 204);
    visit
        .control(
            Method::POST,
            &format!("{}/restore", path(ids[0])),
            json!({}),
        )
        .await;
    assert_eq!(
        visit.get("/crm/v8/Contacts/deleted?type=recycle").await.0,
        204
    );
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

#[test]
fn a_page_of_a_large_module_touches_few_records() {
    let clock = super::clock::SandboxClock::default();
    let mut crm = super::crm::Crm::new(clock, 1);
    assert!(super::people::more(&mut crm, "Contacts", 20_000));
    assert_eq!(crm.count("Contacts"), 20_000);
}
