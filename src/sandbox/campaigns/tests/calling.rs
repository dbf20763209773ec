//! How methods are reached, paged and limited, and those that read, over HTTP.

use reqwest::Method;
use serde_json::json;

use super::NOW;
use crate::sandbox::campaigns::account::Taken;
use crate::sandbox::control::testing::{Bench, LIST, code};
use crate::sandbox::lock;

#[tokio::test]
async fn pages_of_a_list_hold_everybody_once() {
    let bench = Bench::start().await;
    for number in 0..450 {
        let address = format!("p{number}@example.com");
        let taken = lock(&bench.world())
            .campaigns
            .subscribe(LIST, &address, &[], NOW);
        assert_eq!(taken, Ok(Taken::Added));
    }
    let mut read = Vec::new();
    for (from, rows) in [("1", 200), ("201", 200), ("401", 50)] {
        let form = [
            ("resfmt", "JSON"),
            ("listkey", LIST),
            ("status", "active"),
            ("fromindex", from),
            ("range", "200"),
        ];
        let answer = bench.call("getlistsubscribers", &form).await;
        let page = answer["list_of_details"].as_array().unwrap().clone();
        assert_eq!(page.len(), rows);
        read.extend(
            page.iter()
                .map(|row| row["contact_email"].as_str().unwrap().to_owned()),
        );
    }
    let expected: Vec<String> = (0..450)
        .map(|number| format!("p{number}@example.com"))
        .collect();
    assert_eq!(read, expected);
    for (name, value, want) in [
        ("fromindex", "451", "2502"),
        ("range", "201", "6502"),
        ("range", "many", "1005"),
        ("status", "unsub", "2502"),
        ("status", "donotmail", "1005"),
    ] {
        let form = [("resfmt", "JSON"), ("listkey", LIST), (name, value)];
        let answer = bench.call("getlistsubscribers", &form).await;
        assert_eq!(code(&answer), want, "{name}={value}");
    }
}

#[tokio::test]
async fn the_policy_says_in_which_order_a_list_is_read_and_how_long_a_page_is() {
    let bench = Bench::start().await;
    for name in ["cyd", "Ben", "ann"] {
        bench.subscribe(&format!("{name}@example.com")).await;
    }
    let read = async |from: &str| -> Vec<String> {
        let form = [
            ("resfmt", "JSON"),
            ("listkey", LIST),
            ("fromindex", from),
            ("range", "2"),
        ];
        let answer = bench.call("getlistsubscribers", &form).await;
        let rows = answer["list_of_details"].as_array().unwrap().iter();
        rows.map(|row| row["contact_email"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(read("1").await, ["cyd@example.com", "Ben@example.com"]);
    let policy = json!({"policy": {"reading_order": "address", "page_rows_max": 2}});
    bench.post("/sandbox/campaigns", policy).await;
    assert_eq!(read("1").await, ["ann@example.com", "Ben@example.com"]);
    assert_eq!(read("3").await, ["cyd@example.com"]);
    let form = [("resfmt", "JSON"), ("listkey", LIST), ("range", "3")];
    let answer = bench.call("getlistsubscribers", &form).await;
    assert_eq!(code(&answer), "6502");
}

#[tokio::test]
async fn lists_are_read_counted_made_and_deleted() {
    let bench = Bench::start().await;
    bench.subscribe("ann@example.com").await;
    let json_only = ("resfmt", "JSON");
    let lists = bench
        .call("getmailinglists", &[json_only, ("range", "200")])
        .await;
    let names: Vec<_> = lists["list_of_details"]
        .as_array()
        .unwrap()
        .iter()
        .map(|list| {
            (
                list["listname"].as_str().unwrap(),
                list["is_public"].as_str().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("Event guests", "false"),
        ("Hospitality", "false"),
        ("Newsletter", "false"),
        ("Website sign-up", "true"),
    ];
    assert_eq!(names, expected);
    let count = [json_only, ("listkey", LIST), ("status", "active")];
    assert_eq!(
        bench.call("listsubscriberscount", &count).await["no_of_contacts"],
        1
    );
    let details = [
        json_only,
        ("listkey", LIST),
        ("filtertype", "sentcampaigns"),
    ];
    assert_eq!(
        bench.call("getlistadvanceddetails", &details).await["no_of_active"],
        "1"
    );
    let new = [
        json_only,
        ("listname", "Fresh"),
        ("signupform", "private"),
        ("mode", "newlist"),
        ("emailids", "a@example.com"),
    ];
    assert_eq!(
        bench.call("addlistandcontacts", &new).await["listkey"],
        "3zfresh"
    );
    assert_eq!(code(&bench.call("addlistandcontacts", &new).await), "2205");
    for key in [
        "3zfresh",
        LIST,
        "3zhospitality",
        "3zeventguests",
        "3zwebsitesignup",
    ] {
        let gone = [json_only, ("listkey", key), ("deletecontacts", "on")];
        assert_eq!(code(&bench.call("deletemailinglist", &gone).await), "0");
    }
    assert_eq!(
        code(&bench.call("getmailinglists", &[json_only]).await),
        "2401"
    );
    assert!(
        lock(&bench.world())
            .campaigns
            .view_of("ann@example.com")
            .is_none()
    );
}

#[tokio::test]
async fn fields_and_tags_are_made_and_shown() {
    let bench = Bench::start().await;
    bench.subscribe("ann@example.com").await;
    let field = [
        ("type", "json"),
        ("fieldname", "Shoe Size"),
        ("fieldtype", "Integer"),
    ];
    for want in ["0", "916"] {
        assert_eq!(code(&bench.call("custom/add", &field).await), want);
    }
    let fields = bench.call("contact/allfields", &[("type", "json")]).await;
    let rows = fields["response"]["fieldnames"]["fieldname"]
        .as_array()
        .unwrap();
    let last = rows.last().unwrap();
    assert_eq!(
        (&last["DISPLAY_NAME"], &last["max_length"]),
        (&json!("Shoe Size"), &json!("20"))
    );
    for (method, tag, address, want) in [
        ("tag/associate", "VIP", "ann@example.com", "9001"),
        ("tag/add", "VIP", "", "0"),
        ("tag/add", "VIP", "", "9002"),
        ("tag/associate", "VIP", "ann@example.com", "0"),
        ("tag/associate", "VIP", "ben@example.com", "993"),
    ] {
        let form = [
            ("resfmt", "JSON"),
            ("tagName", tag),
            ("lead_email", address),
        ];
        assert_eq!(
            code(&bench.call(method, &form).await),
            want,
            "{method} {address}"
        );
    }
    assert_eq!(
        bench.get("/sandbox/contacts/ann@example.com").await["tags"],
        json!(["VIP"])
    );
    assert_eq!(
        bench.call("tag/getalltags", &[("resfmt", "JSON")]).await["tags"][0]["tagName"],
        "VIP"
    );
    let gone = [("resfmt", "JSON"), ("tagName", "VIP")];
    assert_eq!(code(&bench.call("tag/delete", &gone).await), "0");
    assert_eq!(
        bench.get("/sandbox/contacts/ann@example.com").await["tags"],
        json!([])
    );
    assert_eq!(code(&bench.call("topics", &[]).await), "4016");
}

#[tokio::test]
async fn requests_that_reach_no_method_are_answered_in_the_services_way() {
    let bench = Bench::start().await;
    for (verb, path, body, http, says) in [
        (
            Method::POST,
            "/api/v1.1/json/nosuch",
            "",
            200,
            r#""Code":"1004""#,
        ),
        (
            Method::POST,
            "/api/v1.1/nosuch",
            "",
            200,
            "<Code>1004</Code>",
        ),
        (
            Method::POST,
            "/api/v1.1/xml/listsubscribe",
            "",
            200,
            "<Code>1004</Code>",
        ),
        (
            Method::POST,
            "/api/v1.1/json/ListSubscribe",
            "",
            200,
            "1004",
        ),
        (Method::GET, "/api/v1.1/json/listsubscribe", "", 200, "1004"),
        (
            Method::POST,
            "/api/v1.1/json/listsubscribe",
            r#"{"listkey":"3znewsletter"}"#,
            200,
            "903",
        ),
        (
            Method::GET,
            "/api/v1.1/getmailinglists",
            "",
            200,
            "<listkey>3znewsletter</listkey>",
        ),
        (
            Method::GET,
            "/api/v1.1/getmailinglists?resfmt=JSON",
            "",
            200,
            r#""code":"0""#,
        ),
        (
            Method::GET,
            "/api/v1.1/getmailinglists?resfmt=JSON&resfmt=JSON",
            "",
            200,
            "1006",
        ),
    ] {
        let request = bench
            .request(verb, path)
            .header("content-type", "application/json");
        let answer = request.body(body).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), http, "{path}");
        let text = answer.text().await.unwrap();
        assert!(text.contains(says), "{path}: {text}");
    }
    let dead = bench
        .request(Method::GET, "/api/v1.1/topics")
        .header("authorization", "Bearer x");
    let mut dead = dead.build().unwrap();
    dead.headers_mut()
        .insert("authorization", "Bearer x".parse().unwrap());
    let answer = reqwest::Client::new().execute(dead).await.unwrap();
    assert_eq!(answer.status().as_u16(), 401);
    assert!(answer.text().await.unwrap().contains(r#""Code":"1007""#));
}

#[tokio::test]
async fn rate_limits_lock_a_method_until_the_sandbox_clock_has_moved_on() {
    for (answer, code, status) in [
        (json!({"code": 2101}), "2101", 200),
        (json!("too_many_requests"), "429", 429),
    ] {
        let bench = Bench::start().await;
        let policy = json!({"policy": {"rate_limits": true, "locked_answer": answer}});
        assert_eq!(bench.post("/sandbox/campaigns", policy).await.0, 200);
        bench.post("/sandbox/clock", json!({"freeze": true})).await;
        {
            let world = bench.world();
            let mut world = lock(&world);
            let now = world.clock.now();
            let limiter = &mut world.campaigns.limiter;
            assert!((0..500).all(|_| limiter.allow("listsubscribe", 1, now)));
        }
        assert_eq!(bench.subscribe("ann@example.com").await, code);
        let log = bench.get("/sandbox/calls?last=1").await;
        assert_eq!(log["log"][0]["status"], status);
        bench
            .post("/sandbox/clock", json!({"advance_seconds": 1799}))
            .await;
        assert_eq!(bench.subscribe("ann@example.com").await, code);
        bench
            .post("/sandbox/clock", json!({"advance_seconds": 1}))
            .await;
        assert_eq!(bench.subscribe("ann@example.com").await, "0");
    }
}
