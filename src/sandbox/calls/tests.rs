//! Recording and faults over HTTP.

use serde_json::{Value, json};

use super::{Fault, Service, What};
use crate::sandbox::control::testing::{Bench, LIST};
use crate::sandbox::lock;

fn once(what: What) -> Fault {
    Fault {
        service: Some(Service::Campaigns),
        method: Some("listsubscribe".to_owned()),
        after: 0,
        times: Some(1),
        what,
    }
}

/// What a caller sees of a subscription: the status, and the body if it came whole.
async fn outcome(bench: &Bench, address: &str) -> (Option<u16>, Option<String>) {
    let contact = json!({ "Contact Email": address }).to_string();
    let answer = bench
        .request(reqwest::Method::POST, "/api/v1.1/json/listsubscribe")
        .form(&[("listkey", LIST), ("contactinfo", &contact)])
        .send()
        .await;
    match answer {
        Err(_) => (None, None),
        Ok(answer) => (Some(answer.status().as_u16()), answer.text().await.ok()),
    }
}

fn is_on_list(bench: &Bench, address: &str) -> bool {
    lock(&bench.world())
        .campaigns
        .standing(LIST, address)
        .is_some()
}

#[tokio::test]
async fn calls_are_counted_and_logged_with_whom_they_were_about() {
    let bench = Bench::start().await;
    bench.subscribe("ann@example.com").await;
    bench.subscribe("info@example.com").await;
    let form = [
        ("resfmt", "JSON"),
        ("listkey", LIST),
        ("emailids", "b@example.com, c@example.com"),
    ];
    bench.call("addlistsubscribersinbulk", &form).await;
    let world = bench.world();
    {
        let calls = &lock(&world).calls;
        assert_eq!(calls.count(Service::Campaigns, "listsubscribe"), 2);
        assert_eq!(calls.count(Service::Crm, "coql"), 0);
        let log: Vec<_> = calls
            .log()
            .iter()
            .map(|entry| {
                (
                    entry.list.as_deref(),
                    entry.addresses.join(" "),
                    entry.status,
                )
            })
            .collect();
        let expected = [
            "ann@example.com",
            "info@example.com",
            "b@example.com c@example.com",
        ]
        .map(|addresses| (Some(LIST), addresses.to_owned(), Some(200)));
        assert_eq!(log, expected);
    }
    let shown = bench.get("/sandbox/calls?last=1").await;
    assert_eq!(shown["totals"][0]["method"], "addlistsubscribersinbulk");
    assert_eq!(shown["log"].as_array().unwrap().len(), 1);
    let count = "/sandbox/calls/count?service=campaigns&method=listsubscribe";
    assert_eq!(bench.get(count).await, json!({"calls": 2}));
    bench.delete("/sandbox/calls").await;
    assert_eq!(
        bench.get("/sandbox/calls?last=9").await,
        json!({"totals": [], "log": []})
    );
}

#[tokio::test]
async fn faults_strike_before_or_after_the_effect() {
    let html = "<html>502</html>".to_owned();
    let status = |status| What::Status {
        status,
        body: html.clone(),
        content_type: "text/html".to_owned(),
        headers: [("Retry-After".to_owned(), "7".to_owned())].into(),
    };
    for (what, status, body_says, takes_effect) in [
        (status(502), Some(502), Some("<html>"), false),
        (status(429), Some(429), Some("<html>"), false),
        (What::Close, None, None, false),
        (What::AfterEffect { status: None }, None, None, true),
        (
            What::AfterEffect { status: Some(504) },
            Some(504),
            Some(""),
            true,
        ),
        (
            What::Replace {
                body: "{}".to_owned(),
            },
            Some(200),
            Some("{}"),
            true,
        ),
        (What::Truncate, Some(200), Some("{"), true),
        (What::Delay { millis: 1 }, Some(200), Some("success"), true),
    ] {
        let bench = Bench::start().await;
        lock(&bench.world()).calls.add_fault(once(what.clone()));
        let (seen, body) = outcome(&bench, "ann@example.com").await;
        // A cut connection may show before or after the head of the answer.
        let is_cut = status.is_none() && body.is_none();
        assert!(is_cut || seen == status, "{what:?}: {seen:?}");
        match body_says {
            Some(says) => assert!(
                body.as_deref().unwrap().contains(says),
                "{what:?}: {body:?}"
            ),
            None => assert_eq!(body, None, "{what:?}"),
        }
        assert_eq!(
            is_on_list(&bench, "ann@example.com"),
            takes_effect,
            "{what:?}"
        );
        assert_eq!(
            lock(&bench.world()).calls.log()[0].status,
            status,
            "{what:?}"
        );
        assert!(lock(&bench.world()).calls.log()[0].faulted);
        assert_eq!(bench.subscribe("ben@example.com").await, "0", "{what:?}");
    }
}

#[tokio::test]
async fn a_truncated_answer_is_no_json() {
    let bench = Bench::start().await;
    lock(&bench.world()).calls.add_fault(once(What::Truncate));
    let (_, body) = outcome(&bench, "ann@example.com").await;
    assert!(serde_json::from_str::<Value>(&body.unwrap()).is_err());
}

#[tokio::test]
async fn a_call_that_hangs_is_counted_and_does_nothing() {
    let bench = Bench::start().await;
    lock(&bench.world()).calls.add_fault(once(What::Hang));
    let world = bench.world();
    let hanging = outcome(&bench, "ann@example.com");
    let counted = async {
        while lock(&world)
            .calls
            .count(Service::Campaigns, "listsubscribe")
            == 0
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        answer = hanging => panic!("it should hang, and answered {answer:?}"),
        () = counted => {}
    }
    assert!(!is_on_list(&bench, "ann@example.com"));
    assert_eq!(lock(&world).calls.log()[0].status, None);
}

#[tokio::test]
async fn a_call_waits_until_faults_are_dropped() {
    let bench = Bench::start().await;
    lock(&bench.world()).calls.add_fault(once(What::Wait));
    let world = bench.world();
    let dropped = async {
        while lock(&world)
            .calls
            .count(Service::Campaigns, "listsubscribe")
            == 0
        {
            tokio::task::yield_now().await;
        }
        assert!(!is_on_list(&bench, "ann@example.com"));
        lock(&world).calls.clear_faults();
    };
    let (answer, ()) = tokio::join!(outcome(&bench, "ann@example.com"), dropped);
    assert_eq!(answer.0, Some(200));
    assert!(is_on_list(&bench, "ann@example.com"));
}

#[tokio::test]
async fn people_act_right_before_a_call_and_right_after_it() {
    let bench = Bench::start().await;
    let leave = json!({"unsubscribe": {"list": LIST, "address": "ann@example.com"}});
    let joined = json!({"subscribe": {"list": LIST, "address": "ben@example.com"}});
    let meanwhile = json!({"meanwhile": {"before": [joined], "after": [leave]}});
    let fault = json!({"method": "listsubscribe", "times": 1, "what": meanwhile});
    assert_eq!(bench.post("/sandbox/faults", fault).await.0, 200);
    assert_eq!(bench.subscribe("ann@example.com").await, "0");
    assert!(is_on_list(&bench, "ben@example.com"));
    let ann = bench.get("/sandbox/contacts/ann@example.com").await;
    assert_eq!(ann["lists"][LIST], "unsubscribed", "{ann}");
    // What cannot be done is told, so that no test relies on it.
    let stranger = json!({"unsubscribe": {"list": LIST, "address": "cyd@example.com"}});
    let fault = json!({"method": "listsubscribe", "what": {"meanwhile": {"after": [stranger]}}});
    bench.post("/sandbox/faults", fault).await;
    assert_eq!(outcome(&bench, "ann@example.com").await.0, Some(500));
}

#[tokio::test]
async fn faults_are_scripted_by_control() {
    let bench = Bench::start().await;
    let faults = json!([
        {"service": "campaigns", "after": 1, "times": 1, "what": {"status": {"status": 503}}},
        {"method": "tag/add", "what": "hang"},
    ]);
    assert_eq!(bench.post("/sandbox/faults", faults).await.0, 200);
    assert_eq!(bench.subscribe("ann@example.com").await, "0");
    assert_eq!(outcome(&bench, "ben@example.com").await.0, Some(503));
    assert_eq!(bench.subscribe("ben@example.com").await, "0");
    let left = bench.get("/sandbox/faults").await;
    assert_eq!(left["faults"].as_array().unwrap().len(), 1, "{left}");
    assert_eq!(left["faults"][0]["what"], "hang");
    bench.delete("/sandbox/faults").await;
    assert_eq!(bench.get("/sandbox/faults").await, json!({"faults": []}));
}
