//! Refusals, trouble on the way, and answers that make no sense.

use super::*;

const DEAD: &str =
    r#"{"code":"INVALID_TOKEN","details":{},"message":"invalid oauth token","status":"error"}"#;

#[tokio::test]
async fn a_dead_token_is_replaced_once_and_then_given_up() {
    let org = r#"{"org":[{"zgid":1}]}"#;
    let revived = stage(vec![Canned::json(401, DEAD), Canned::json(200, org)]).await;
    revived.crm.organisation().await.unwrap();
    assert_eq!(revived.server.tokens_made(), 2);
    let used: Vec<String> = revived
        .server
        .seen()
        .iter()
        .map(|it| it.header("authorization"))
        .collect();
    assert_eq!(
        used,
        [
            "Zoho-oauthtoken 1000.access.1",
            "Zoho-oauthtoken 1000.access.2"
        ]
    );
    assert_eq!(revived.meter.snapshot().crm_calls, 2);

    let dead = stage(vec![Canned::json(401, DEAD), Canned::json(401, DEAD)]).await;
    let error = dead.crm.organisation().await.unwrap_err();
    assert_eq!(error.failure(), Failure::CredentialsRefused, "{error}");
    assert_eq!(dead.server.tokens_made(), 2);
}

#[tokio::test]
async fn trouble_that_passes_is_waited_out() {
    let org = r#"{"org":[{"zgid":1}]}"#;
    let busy = r#"{"code":"TOO_MANY_REQUESTS","details":{},"message":"x","status":"error"}"#;
    let old = r#"{"code":429,"error":"TOO_MANY_REQUESTS","error_info":"x","details":[]}"#;
    let stage = stage(vec![
        Canned::html(502),
        Canned::html(200),
        Canned::json(
            500,
            r#"{"code":"INTERNAL_ERROR","details":{},"message":"x","status":"error"}"#,
        ),
        Canned::json(429, busy).header("retry-after", "0"),
        Canned::json(429, old),
        Canned::json(200, org),
    ])
    .await;
    stage.crm.organisation().await.unwrap();
    assert_eq!(stage.meter.snapshot().crm_calls, 6, "repeats are counted");
}

#[tokio::test]
async fn each_refusal_names_its_remedy() {
    let with = |code: &str, details: &str| {
        format!(
            r#"{{"code":"{code}","details":{details},"message":"no ada@example.org","status":"error"}}"#
        )
    };
    let wrapped = format!(r#"{{"data":[{}]}}"#, with("INVALID_MODULE", "{}"));
    for (status, body, failure, remedy) in [
        (
            401,
            with("OAUTH_SCOPE_MISMATCH", "{}"),
            Failure::CredentialsRefused,
            "ZohoCRM.coql.READ",
        ),
        (
            400,
            with("INVALID_QUERY", r#"{"column_name":"Emial"}"#),
            Failure::Configuration,
            "`Emial`",
        ),
        (
            400,
            with("INVALID_MODULE", "[]"),
            Failure::Configuration,
            "no such module `Leads`",
        ),
        (
            400,
            wrapped.clone(),
            Failure::Configuration,
            "no such module `Leads`",
        ),
        (
            200,
            wrapped,
            Failure::Configuration,
            "no such module `Leads`",
        ),
        (
            403,
            with(
                "NO_PERMISSION",
                r#"{"permissions":["Crm_Implied_View_Leads"]}"#,
            ),
            Failure::CredentialsRefused,
            "`Crm_Implied_View_Leads`",
        ),
    ] {
        let stage = stage(vec![Canned::json(status, &body)]).await;
        let error = stage
            .crm
            .page(&columns(&["Email"]), &ALL, 200)
            .await
            .unwrap_err();
        assert_eq!(error.failure(), failure, "{body}");
        assert!(error.to_string().contains(remedy), "{error}");
        assert!(!format!("{error:?} {error}").contains('@'), "{error:?}");
    }
}

#[tokio::test]
async fn html_instead_of_json_is_named_and_not_shown() {
    let stage = stage_with(impatient(), vec![Canned::html(200)]).await;
    let error = stage.crm.modules().await.unwrap_err();
    assert_eq!(error.failure(), Failure::Unreachable);
    assert!(
        chain(&error).contains("answered with text/html instead of JSON"),
        "{}",
        chain(&error)
    );
    assert!(!format!("{error:?}").contains("sorry"));
}

#[tokio::test]
async fn used_up_credits_are_not_waited_for_here() {
    let body = r#"{"code":"TOO_MANY_REQUESTS","details":{},"message":"You have used up your API credits","status":"error"}"#;
    let stage = stage(vec![Canned::json(429, body)]).await;
    let error = stage.crm.modules().await.unwrap_err();
    let wait = Some(answer::CREDITS_WAIT);
    assert_eq!(error.failure(), Failure::Throttled { wait });
}

#[tokio::test]
async fn an_ended_page_token_asks_for_a_new_walk() {
    let body = r#"{"code":"EXPIRED_VALUE","details":{},"message":"x","status":"error"}"#;
    let stage = stage(vec![Canned::json(400, body)]).await;
    let error = stage
        .crm
        .walk(
            &columns(&["Email"]),
            None,
            Converted::Both,
            Some("old"),
            None,
        )
        .await
        .unwrap_err();
    assert!(error.restarts_walk());
}

#[tokio::test]
async fn what_cannot_be_read_is_an_error_without_the_value() {
    let (lasting, passing) = (Failure::Refused, Failure::Unreachable);
    let info = r#""info":{"more_records":false}"#;
    for (data, failure) in [
        (r#"[{"id":"ada@example.org"}]"#, &lasting),
        (
            r#"[{"id":"1","Modified_Time":"ada@example.org"}]"#,
            &lasting,
        ),
        (r#"[{"id":"1","Email":{"ada@example.org":1}}]"#, &lasting),
        (r#"[{"id":"1","Modified_Time":7}]"#, &lasting),
        (r#""ada@example.org""#, &passing),
        ("[]", &passing),
    ] {
        let body = &format!(r#"{{"data":{data},{info}}}"#);
        let stage = stage_with(impatient(), vec![Canned::json(200, body)]).await;
        let error = stage
            .crm
            .page(&columns(&["Email"]), &ALL, 200)
            .await
            .unwrap_err();
        assert_eq!(error.failure(), *failure, "{body}");
        assert!(
            !format!("{error:?} {}", chain(&error)).contains('@'),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn more_columns_than_a_read_gives_are_refused_before_the_call() {
    let stage = stage(vec![]).await;
    let names: Vec<String> = (0..=200).map(|n| format!("F{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let error = stage
        .crm
        .page(&columns(&names), &ALL, 200)
        .await
        .unwrap_err();
    assert_eq!(error.failure(), Failure::Configuration);
    assert!(stage.server.seen().is_empty());
}
