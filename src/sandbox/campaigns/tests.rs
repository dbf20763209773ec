//! The methods over HTTP, and the account's laws.

use std::collections::BTreeSet;

use jiff::Timestamp;
use proptest::prelude::*;
use reqwest::Method;
use serde_json::{Value, json};

use super::Campaigns;
use super::account::Taken;
use super::answer::Problem;
use super::list::Standing;
use super::policy::{Policy, Suppressed};
use super::screens::Action;
use crate::sandbox::control::testing::{Bench, LIST, code};
use crate::sandbox::lock;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn act(campaigns: &mut Campaigns, action: Value) {
    let action: Action = serde_json::from_value(action).unwrap();
    campaigns.act(action, NOW).unwrap();
}

/// An account with one suppressed contact of each kind, who all were on the list.
fn with_suppressed(policy: Policy) -> Campaigns {
    let mut campaigns = Campaigns::default();
    campaigns.policy = policy;
    for (name, action) in [
        (
            "left",
            json!({"unsubscribe": {"list": LIST, "address": "left@example.com"}}),
        ),
        ("bounced", json!({"bounce": "bounced@example.com"})),
        ("blocked", json!({"block": "blocked@example.com"})),
        ("silent", json!({"do_not_mail": "silent@example.com"})),
    ] {
        let address = format!("{name}@example.com");
        act(
            &mut campaigns,
            json!({"subscribe": {"list": LIST, "address": address}}),
        );
        act(&mut campaigns, action);
    }
    campaigns
}

#[test]
fn who_is_suppressed_comes_back_only_if_the_policy_says_so() {
    let all = |suppressed| Policy {
        unsubscribed: suppressed,
        do_not_mail: suppressed,
        bounced: suppressed,
        blocked: suppressed,
        ..Policy::default()
    };
    let refused = Err(Problem::suppressed(2002));
    for (suppressed, want, is_back) in [
        (Suppressed::Silent, Ok(Taken::Ignored), false),
        (Suppressed::Refuse(2002), refused, false),
        (Suppressed::Reinstate, Ok(Taken::ReAdded), true),
    ] {
        for name in ["left", "bounced", "blocked", "silent"] {
            let mut campaigns = with_suppressed(all(suppressed));
            let address = format!("{name}@EXAMPLE.com");
            let values = [("City".to_owned(), "Rome".to_owned())];
            assert_eq!(
                campaigns.subscribe(LIST, &address, &values, NOW),
                want,
                "{name}"
            );
            let is_active = campaigns.standing(LIST, &address) == Some(Standing::Active);
            assert_eq!(is_active, is_back, "{name} {suppressed:?}");
            let shown = campaigns.view_of(&address).unwrap();
            assert_eq!(shown.fields.is_empty(), !is_back, "{name} {suppressed:?}");
        }
    }
}

#[test]
fn an_unsubscribe_counts_for_one_list_or_in_the_topic_model_for_all() {
    for (topic_model, elsewhere) in [(false, Taken::Updated), (true, Taken::Ignored)] {
        let mut campaigns = Campaigns::default();
        campaigns.policy.topic_model = topic_model;
        for list in [LIST, "3zhospitality"] {
            campaigns
                .subscribe(list, "ann@example.com", &[], NOW)
                .unwrap();
        }
        campaigns.unsubscribe(LIST, "ann@example.com", NOW).unwrap();
        let taken = campaigns.subscribe("3zhospitality", "ann@example.com", &[], NOW);
        assert_eq!(taken, Ok(elsewhere), "{topic_model}");
    }
}

#[test]
fn a_deleted_contact_is_forgotten_and_counts_as_re_added() {
    let mut campaigns = Campaigns::default();
    campaigns
        .subscribe(LIST, "ann@example.com", &[], NOW)
        .unwrap();
    campaigns.unsubscribe(LIST, "ann@example.com", NOW).unwrap();
    act(&mut campaigns, json!({"delete_contact": "ANN@example.com"}));
    assert!(campaigns.view_of("ann@example.com").is_none());
    let taken = campaigns.subscribe(LIST, "ann@example.com", &[], NOW);
    assert_eq!(taken, Ok(Taken::ReAdded));
}

#[test]
fn the_plan_takes_so_many_contacts_and_no_more() {
    let mut campaigns = Campaigns::default();
    campaigns.policy.contacts_max = Some(1);
    campaigns
        .subscribe(LIST, "ann@example.com", &[], NOW)
        .unwrap();
    let over = campaigns.subscribe(LIST, "ben@example.com", &[], NOW);
    assert_eq!(over, Err(Problem::CONTACTS_MAX));
    let again = campaigns.subscribe("3zhospitality", "ann@example.com", &[], NOW);
    assert_eq!(again, Ok(Taken::Added));
}

proptest! {
    #[test]
    fn no_call_of_the_api_brings_back_who_left(
        steps in proptest::collection::vec((0_u8..4, 0_u8..4, 0_u8..2), 0..60)
    ) {
        let mut campaigns = Campaigns::default();
        let mut gone = BTreeSet::new();
        for (step, person, list) in steps {
            let address = format!("p{person}@example.com");
            let list = [LIST, "3zhospitality"][usize::from(list)];
            match step {
                0 | 1 => {
                    let taken = campaigns.subscribe(list, &address, &[], NOW);
                    let is_gone = gone.contains(&(list, address.clone()));
                    prop_assert_eq!(taken == Ok(Taken::Ignored), is_gone);
                }
                2 if campaigns.unsubscribe(list, &address, NOW).is_ok() => {
                    gone.insert((list, address));
                }
                _ => {
                    act(&mut campaigns, json!({"bounce": address}));
                    gone.extend([LIST, "3zhospitality"].map(|list| (list, address.clone())));
                }
            }
            for (list, address) in &gone {
                prop_assert_ne!(campaigns.standing(list, address), Some(Standing::Active));
            }
        }
    }
}

#[tokio::test]
async fn listsubscribe_answers_as_documented() {
    let bench = Bench::start().await;
    let long = format!(
        r#"{{"Contact Email":"long@example.com","City":"{}"}}"#,
        "ł".repeat(150)
    );
    for (list, contact, want) in [
        (
            LIST,
            r#"{"Contact Email":"ann@example.com","First Name":"Ann","Shoe":"7"}"#,
            "0",
        ),
        (
            LIST,
            r#"{"Contact Email":"ANN@example.com","First Name":"","City":"Rome"}"#,
            "0",
        ),
        (LIST, long.as_str(), "0"),
        (LIST, r#"{"Contact Email":"jane@aol"}"#, "2004"),
        (LIST, r#"{"Contact Email":"Support@example.com"}"#, "2005"),
        (LIST, r#"{Contact Email:ann@example.com}"#, "2001"),
        (LIST, "", "903"),
        ("", r#"{"Contact Email":"ann@example.com"}"#, "903"),
        ("3znone", r#"{"Contact Email":"ann@example.com"}"#, "2501"),
        (
            "3zwebsitesignup",
            r#"{"Contact Email":"web@example.com"}"#,
            "0",
        ),
    ] {
        let form = [("listkey", list), ("contactinfo", contact)];
        let answer = bench.call("json/listsubscribe", &form).await;
        assert_eq!(code(&answer), want, "{contact}: {answer}");
    }
    let world = bench.world();
    let campaigns = &lock(&world).campaigns;
    let ann = campaigns.view_of("ann@example.com").unwrap();
    assert_eq!(json!(ann.fields), json!({"City": "Rome"}));
    let long = campaigns.view_of("long@example.com").unwrap();
    assert_eq!(long.fields["City"], "ł".repeat(100));
    assert!(campaigns.view_of("web@example.com").is_none());
    assert_eq!(
        campaigns
            .list("3zwebsitesignup")
            .unwrap()
            .confirmation_mails,
        1
    );
}

#[tokio::test]
async fn every_switch_of_listsubscribe_can_be_turned() {
    let bench = Bench::start().await;
    bench.subscribe("ann@example.com").await;
    for (policy, contact, want) in [
        (
            json!({"existing_active": "already_there"}),
            json!({"Contact Email": "ann@example.com"}),
            "2003",
        ),
        (
            json!({"too_long": "refuse"}),
            json!({"Contact Email": "b@example.com", "City": "x".repeat(101)}),
            "2001",
        ),
        (
            json!({"unknown_label": "refuse"}),
            json!({"Contact Email": "b@example.com", "Shoe": "7"}),
            "2001",
        ),
        (
            json!({"role_addresses": "accept"}),
            json!({"Contact Email": "info@example.com"}),
            "0",
        ),
    ] {
        let (status, _) = bench
            .post("/sandbox/campaigns", json!({"policy": policy}))
            .await;
        assert_eq!(status, 200, "{policy}");
        let form = [("listkey", LIST), ("contactinfo", &contact.to_string())];
        let answer = bench.call("json/listsubscribe", &form).await;
        assert_eq!(code(&answer), want, "{policy}");
    }
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
async fn a_bulk_call_sorts_its_addresses() {
    let bench = Bench::start().await;
    lock(&bench.world()).campaigns = with_suppressed(Policy::default());
    bench.subscribe("here@example.com").await;
    let emails = "new@example.com,here@example.com,left@example.com,jane@aol,info@example.com";
    let form = [("resfmt", "JSON"), ("listkey", LIST), ("emailids", emails)];
    let answer = bench.call("addlistsubscribersinbulk", &form).await;
    assert_eq!(answer["existing_contacts"], json!(["here@example.com"]));
    let ignored = json!(["left@example.com", "jane@aol", "info@example.com"]);
    assert_eq!(answer["ignored_contacts"], ignored);
    assert_eq!(answer["listname"], "Newsletter");
    let eleven = vec!["x@example.com"; 11].join(",");
    let form = [
        ("resfmt", "JSON"),
        ("listkey", LIST),
        ("emailids", eleven.as_str()),
    ];
    assert_eq!(
        code(&bench.call("addlistsubscribersinbulk", &form).await),
        "6502"
    );
}

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
async fn unsubscribing_and_do_not_mail_answer_as_documented() {
    let bench = Bench::start().await;
    bench.subscribe("ann@example.com").await;
    let contact = |address: &str| json!({ "Contact Email": address }).to_string();
    for (method, list, address, want) in [
        ("json/listunsubscribe", LIST, "ann@example.com", "0"),
        ("json/listunsubscribe", LIST, "ann@example.com", "0"),
        ("json/listunsubscribe", LIST, "stranger@example.com", "2103"),
        (
            "json/listunsubscribe",
            "3zhospitality",
            "ann@example.com",
            "2103",
        ),
        ("json/listunsubscribe", "3znone", "ann@example.com", "2102"),
        ("json/contactdonotmail", LIST, "ann@example.com", "0"),
        ("json/contactdonotmail", LIST, "ann@example.com", "0"),
        ("json/contactdonotmail", LIST, "jane@aol", "2004"),
    ] {
        let contact = contact(address);
        let form = [("listkey", list), ("contactinfo", contact.as_str())];
        assert_eq!(
            code(&bench.call(method, &form).await),
            want,
            "{method} {list} {address}"
        );
    }
    let unsub = [("resfmt", "JSON"), ("listkey", LIST), ("status", "unsub")];
    let unsub = bench.call("getlistsubscribers", &unsub).await;
    assert_eq!(
        unsub["list_of_details"][0]["contact_email"],
        "ann@example.com"
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
            assert!((0..500).all(|_| limiter.allow("listsubscribe", now)));
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
