//! Get Records and the deleted feed over HTTP.

use reqwest::Method;
use serde_json::{Value, json};

use super::super::lock;
use super::{Visit, read};

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
