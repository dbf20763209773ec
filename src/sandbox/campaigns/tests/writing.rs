//! The methods that write, over HTTP.

use serde_json::json;

use super::with_suppressed;
use crate::sandbox::campaigns::policy::Policy;
use crate::sandbox::control::testing::{Bench, LIST, code};
use crate::sandbox::lock;

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
    let eleven = ["x@example.com"; 11].join(",");
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
