//! The control interface over HTTP.

use serde_json::json;

use super::testing::{Bench, LIST};

#[tokio::test]
async fn what_people_do_in_campaigns_shows_on_the_list() {
    let bench = Bench::start().await;
    let actions = json!([
        {"subscribe": {"list": LIST, "address": "Ann@example.com", "fields": {"First Name": "Ann"}}},
        {"subscribe": {"list": LIST, "address": "ben@example.com"}},
        {"subscribe": {"list": LIST, "address": "cleo@example.com"}},
        {"subscribe": {"list": LIST, "address": "dan@example.com"}},
        {"unsubscribe": {"list": LIST, "address": "BEN@example.com"}},
        {"bounce": "cleo@example.com"},
        {"block": "dan@example.com"},
        {"do_not_mail": "stranger@example.com"},
    ]);
    assert_eq!(bench.post("/sandbox/campaigns", actions).await.0, 200);
    let list = bench.get(&format!("/sandbox/lists/{LIST}")).await;
    let shown: Vec<_> = list["contacts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            (
                row["address"].as_str().unwrap(),
                row["standing"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("Ann@example.com", "active"),
            ("ben@example.com", "unsubscribed"),
            ("cleo@example.com", "bounced"),
            ("dan@example.com", "suppressed"),
        ]
    );
    assert_eq!(list["contacts"][0]["fields"], json!({"First Name": "Ann"}));
    let active = bench
        .get(&format!("/sandbox/lists/{LIST}?status=active"))
        .await;
    assert_eq!(active["contacts"].as_array().unwrap().len(), 1);
    let cleo = bench.get("/sandbox/contacts/CLEO@example.com").await;
    assert!(cleo["registries"]["bounced"].is_string());
    assert_eq!(cleo["lists"], json!({LIST: "bounced"}));
    let stranger = bench.get("/sandbox/contacts/stranger@example.com").await;
    assert!(stranger["registries"]["do_not_mail"].is_string());
    let lists = bench.get("/sandbox/lists").await;
    assert_eq!(lists["lists"][0]["unsubscribed"], json!(1));
}

#[tokio::test]
async fn a_person_may_come_back_but_not_one_who_bounced() {
    let bench = Bench::start().await;
    let join = json!({"subscribe": {"list": LIST, "address": "ann@example.com"}});
    let leave = json!({"unsubscribe": {"list": LIST, "address": "ann@example.com"}});
    let twice = json!([join, leave, join]);
    assert_eq!(bench.post("/sandbox/campaigns", twice).await.0, 200);
    let shown = bench.get("/sandbox/contacts/ann@example.com").await;
    assert_eq!(shown["lists"], json!({LIST: "active"}));
    let bounced = json!([{"bounce": "ann@example.com"}, join]);
    assert_eq!(bench.post("/sandbox/campaigns", bounced).await.0, 400);
    let lifted = json!([{"lift": "ann@example.com"}, join]);
    assert_eq!(bench.post("/sandbox/campaigns", lifted).await.0, 200);
    let shown = bench.get("/sandbox/contacts/ann@example.com").await;
    assert_eq!(shown["lists"], json!({LIST: "active"}));
}

#[tokio::test]
async fn bad_input_gets_a_sentence() {
    let bench = Bench::start().await;
    for (path, body, says) in [
        (
            "/sandbox/campaigns",
            json!({"fly": "away"}),
            "unknown variant `fly`",
        ),
        (
            "/sandbox/campaigns",
            json!({"delete_contact": "x@example.com"}),
            "no contact has this address",
        ),
        (
            "/sandbox/campaigns",
            json!({"delete_list": "3zx"}),
            "no list has the key `3zx`",
        ),
        (
            "/sandbox/campaigns",
            json!({"unsubscribe": {"list": "3zx", "address": "a@example.com"}}),
            "no list has the key",
        ),
        (
            "/sandbox/campaigns",
            json!({"unsubscribe": {"list": LIST, "address": "a@example.com"}}),
            "was never on list",
        ),
        (
            "/sandbox/campaigns",
            json!({"subscribe": {"list": LIST, "address": "info@example.com"}}),
            "code 2005",
        ),
        (
            "/sandbox/campaigns",
            json!({"create_field": {"label": "city", "length_max": 5}}),
            "exists already",
        ),
        (
            "/sandbox/campaigns",
            json!({"policy": {"x": 1}}),
            "unknown field `x`",
        ),
        (
            "/sandbox/faults",
            json!({"what": "explode"}),
            "unknown variant `explode`",
        ),
        (
            "/sandbox/faults",
            json!({"what": {"status": {"status": 9}}}),
            "no HTTP status",
        ),
        (
            "/sandbox/clock",
            json!({"advance_seconds": "soon"}),
            "invalid type",
        ),
        (
            "/sandbox/clock",
            json!({"forward": 1}),
            "unknown field `forward`",
        ),
    ] {
        let (status, answer) = bench.post(path, body.clone()).await;
        let error = answer["error"].as_str().unwrap_or_default();
        assert!(
            status == 400 && error.contains(says),
            "{body}: {status} {answer}"
        );
    }
    for path in [
        "/sandbox/lists/3zx",
        "/sandbox/contacts/x@example.com",
        "/sandbox/calls?last=all",
    ] {
        assert!(bench.get(path).await["error"].is_string(), "{path}");
    }
}

#[tokio::test]
async fn the_clock_goes_where_it_is_sent() {
    let bench = Bench::start().await;
    let change = json!({"set": "2030-01-01T00:00:00Z", "advance_seconds": 90, "freeze": true});
    let (status, answer) = bench.post("/sandbox/clock", change).await;
    assert_eq!(status, 200, "{answer}");
    let first = bench.get("/sandbox/clock").await;
    assert!(
        first["now"]
            .as_str()
            .unwrap()
            .starts_with("2030-01-01T00:01:30")
    );
    assert_eq!(bench.get("/sandbox/clock").await, first);
}

#[tokio::test]
async fn lists_and_fields_are_made_and_changed() {
    let bench = Bench::start().await;
    let actions = json!([
        {"create_list": {"name": "Spa & Wellness"}},
        {"change_list": {"list": "3zspawellness", "is_public": true, "owner": "Eve"}},
        {"create_field": {"label": "Shoe Size", "length_max": 3}},
        {"subscribe": {"list": "3zspawellness", "address": "ann@example.com", "fields": {"Shoe Size": "12345"}}},
    ]);
    let (status, answer) = bench.post("/sandbox/campaigns", actions).await;
    assert_eq!(status, 200, "{answer}");
    let contact = bench.get("/sandbox/contacts/ann@example.com").await;
    assert_eq!(contact["fields"], json!({"Shoe Size": "123"}));
    let delete = json!([{"delete_list": "3zspawellness"}, {"delete_contact": "ann@example.com"}]);
    assert_eq!(bench.post("/sandbox/campaigns", delete).await.0, 200);
    assert!(bench.get("/sandbox/lists/3zspawellness").await["error"].is_string());
}
