//! Against a scripted Zoho Accounts.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use super::budget::RENEWALS_MAX;
use super::*;
use crate::domain::failure::Failure;
use crate::zoho::testing::{Canned, Server, client, credentials};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn grant(token: &str, rest: &str) -> Canned {
    Canned::json(200, &format!(r#"{{"access_token":"{token}"{rest}}}"#))
}

fn shown(token: &AccessToken) -> &str {
    token.secret().expose_secret()
}

struct Stage {
    server: Server,
    clock: Clock,
    folder: tempfile::TempDir,
    tokens: Arc<Tokens>,
}

async fn stage(answers: Vec<Canned>) -> Stage {
    let server = Server::start(vec![]).await;
    server.token_answers(answers);
    let clock = Clock::standing_at(at("2026-11-22T02:00:00Z"));
    let folder = tempfile::tempdir().unwrap();
    let tokens = server.tokens(folder.path().join("main.token"), clock.clone());
    Stage {
        server,
        clock,
        folder,
        tokens,
    }
}

#[tokio::test]
async fn callers_share_one_renewal() {
    let stage = stage(vec![]).await;
    let asked = (0..20).map(|_| stage.tokens.get());
    for token in futures_util::future::join_all(asked).await {
        assert_eq!(shown(&token.unwrap()), "1000.access.1");
    }
    assert_eq!(stage.server.tokens_made(), 1);
}

#[tokio::test]
async fn a_token_is_renewed_five_minutes_early() {
    let stage = stage(vec![]).await;
    for (now, want) in [
        ("2026-11-22T02:00:00Z", 1),
        ("2026-11-22T02:54:59Z", 1),
        ("2026-11-22T02:55:00Z", 2),
    ] {
        stage.clock.set(at(now));
        stage.tokens.get().await.unwrap();
        assert_eq!(stage.server.tokens_made(), want, "{now}");
    }
}

#[tokio::test]
async fn milliseconds_are_told_from_seconds() {
    for (rest, want) in [
        (r#","expires_in":3600"#, "2026-11-22T03:00:00Z"),
        (
            r#","expires_in":3600000,"expires_in_sec":1800"#,
            "2026-11-22T02:30:00Z",
        ),
        ("", "2026-11-22T03:00:00Z"),
    ] {
        let stage = stage(vec![grant("t", rest)]).await;
        assert_eq!(
            stage.tokens.get().await.unwrap().ends_at,
            at(want),
            "{rest}"
        );
    }
}

#[tokio::test]
async fn a_token_outlives_the_process_but_not_its_credentials() {
    let stage = stage(vec![]).await;
    stage.tokens.get().await.unwrap();
    let file = stage.folder.path().join("main.token");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let again = stage.server.tokens(file.clone(), stage.clock.clone());
    assert_eq!(shown(&again.get().await.unwrap()), "1000.access.1");
    let other = Tokens::new(
        client(),
        stage.server.hosts(),
        "main".parse().unwrap(),
        credentials("1000.another"),
        file.clone(),
        stage.clock.clone(),
    );
    assert_eq!(shown(&other.get().await.unwrap()), "1000.access.2");
    std::fs::write(&file, "{torn").unwrap();
    let torn = stage.server.tokens(file, stage.clock.clone());
    assert_eq!(shown(&torn.get().await.unwrap()), "1000.access.3");
}

#[tokio::test]
async fn a_file_that_is_only_read_gives_its_token_and_gets_none() {
    let stage = stage(vec![]).await;
    stage.tokens.get().await.unwrap();
    let file = stage.folder.path().join("main.token");
    let before = std::fs::read(&file).unwrap();
    let tokens = stage.server.tokens(file.clone(), stage.clock.clone());
    let tokens = Arc::into_inner(tokens).unwrap().keeping_nothing();
    let kept = tokens.get().await.unwrap();
    assert_eq!(shown(&kept), "1000.access.1");
    let mut made = tokens.replace(&kept).await.unwrap();
    assert_eq!(shown(&made), "1000.access.2");
    assert_eq!(std::fs::read(&file).unwrap(), before);
    // What it has used of the budget it knows all the same.
    for _ in 2..RENEWALS_MAX {
        made = tokens.replace(&made).await.unwrap();
    }
    tokens.replace(&made).await.unwrap_err();
}

#[tokio::test]
async fn a_token_that_is_not_kept_counts_all_the_same() {
    let stage = stage(vec![]).await;
    let file = stage.folder.path().join("main.token");
    for made in 1..=RENEWALS_MAX {
        let tokens = stage.server.tokens(file.clone(), stage.clock.clone());
        let tokens = Arc::into_inner(tokens).unwrap().keeping_no_token();
        let token = tokens.get().await.unwrap();
        assert_eq!(shown(&token), format!("1000.access.{made}"));
    }
    stage.tokens.get().await.unwrap_err();
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(!text.contains("1000.access"), "{text}");
}

#[tokio::test]
async fn a_refused_token_is_replaced_once_for_all_callers() {
    let stage = stage(vec![]).await;
    let dead = stage.tokens.get().await.unwrap();
    let asked = (0..5).map(|_| stage.tokens.replace(&dead));
    for token in futures_util::future::join_all(asked).await {
        assert_eq!(shown(&token.unwrap()), "1000.access.2");
    }
    assert_eq!(stage.server.tokens_made(), 2);
}

#[tokio::test]
async fn renewals_keep_below_the_limit_by_themselves() {
    let stage = stage(vec![]).await;
    let mut token = stage.tokens.get().await.unwrap();
    for _ in 1..RENEWALS_MAX {
        token = stage.tokens.replace(&token).await.unwrap();
    }
    let error = stage.tokens.replace(&token).await.unwrap_err();
    assert!(matches!(error, OauthError::Throttled { .. }), "{error}");
    assert_eq!(stage.server.tokens_made(), RENEWALS_MAX);
    stage.clock.set(at("2026-11-22T02:10:00Z"));
    stage.tokens.get().await.unwrap();
}

/// What another process sees: the file, and nothing else.
fn another(stage: &Stage) -> Arc<Tokens> {
    let file = stage.folder.path().join("main.token");
    stage.server.tokens(file, stage.clock.clone())
}

#[tokio::test]
async fn processes_keep_below_the_limit_together_and_over_restarts() {
    let stage = stage(vec![]).await;
    let mut token = stage.tokens.get().await.unwrap();
    for _ in 1..RENEWALS_MAX {
        // Each finds the token that the last one has made, and that a service does not take.
        let process = another(&stage);
        let found = process.get().await.unwrap();
        assert_eq!(shown(&found), shown(&token));
        token = process.replace(&found).await.unwrap();
    }
    for clock in ["2026-11-22T02:09:59Z", "2026-11-22T01:00:00Z"] {
        let error = another(&stage).replace(&token).await.unwrap_err();
        assert!(matches!(error, OauthError::Throttled { .. }), "{error}");
        assert_eq!(stage.server.tokens_made(), RENEWALS_MAX);
        stage.clock.set(at(clock));
    }
    // Ten minutes by the clock that was set back an hour.
    let error = another(&stage).get().await.unwrap_err();
    let said = "no further token until 2026-11-22 01:10:00 UTC (600 s)";
    assert!(error.to_string().contains(said), "{error}");
    stage.clock.set(at("2026-11-22T01:10:00Z"));
    another(&stage).get().await.unwrap();
}

#[tokio::test]
async fn a_token_that_another_process_made_is_taken_instead_of_a_new_one() {
    let stage = stage(vec![]).await;
    let (one, other) = (another(&stage), another(&stage));
    let dead = one.get().await.unwrap();
    assert_eq!(shown(&other.get().await.unwrap()), shown(&dead));
    stage.clock.set(at("2026-11-22T02:01:00Z"));
    let new = one.replace(&dead).await.unwrap();
    assert_eq!(shown(&other.replace(&dead).await.unwrap()), shown(&new));
    assert_eq!(stage.server.tokens_made(), 2);
}

#[tokio::test]
async fn a_renewal_counts_though_the_process_dies_over_it() {
    let stage = stage(vec![]).await;
    let dead = stage.tokens.get().await.unwrap();
    let hosts = stage.server.hosts();
    for _ in 1..RENEWALS_MAX {
        // As far as it gets before the request.
        let (refused, now) = (dead.clone(), stage.clock.now());
        let begin = move |kept: &mut Kept| begin(kept, Some(&refused), now);
        let begun = stage.tokens.file.change(&hosts, begin);
        assert!(matches!(begun.await, Begun::MayAsk));
    }
    let error = another(&stage).get().await.unwrap_err();
    assert!(matches!(error, OauthError::Throttled { .. }), "{error}");
    assert_eq!(stage.server.tokens_made(), 1);
}

#[tokio::test]
async fn a_block_outlives_the_process() {
    let stage = stage(vec![Canned::json(400, DENIED)]).await;
    stage.tokens.get().await.unwrap_err();
    let error = another(&stage).get().await.unwrap_err();
    assert!(matches!(error, OauthError::Throttled { .. }), "{error}");
    assert_eq!(stage.server.tokens_made(), 1);
}

#[tokio::test]
async fn an_outage_of_the_network_uses_up_no_tokens() {
    let stage = stage(vec![]).await;
    let nowhere = Some("http://127.0.0.1:9");
    let overrides = crate::zoho::data_center::Overrides {
        accounts: nowhere,
        crm: nowhere,
        campaigns: nowhere,
    };
    let tokens = Tokens::new(
        client(),
        Hosts::of("com", overrides).unwrap(),
        "main".parse().unwrap(),
        credentials("1000.refresh"),
        stage.folder.path().join("main.token"),
        stage.clock.clone(),
    );
    for _ in 0..=RENEWALS_MAX {
        let error = tokens.get().await.unwrap_err();
        assert_eq!(error.failure(), Failure::Unreachable, "{error}");
    }
}

#[tokio::test]
async fn a_file_of_the_first_version_is_understood() {
    let stage = stage(vec![]).await;
    stage.tokens.get().await.unwrap();
    let file = stage.folder.path().join("main.token");
    let text = std::fs::read_to_string(&file).unwrap();
    let mut old: serde_json::Value = serde_json::from_str(&text).unwrap();
    let keys = old.as_object_mut().unwrap();
    keys.remove("budget").unwrap();
    let before = ["access_token", "api_domain", "ends_at", "made_from", "v"];
    assert!(keys.keys().eq(before), "{keys:?}");
    std::fs::write(&file, old.to_string()).unwrap();
    let found = another(&stage).get().await.unwrap();
    assert_eq!(shown(&found), "1000.access.1");
}

const DENIED: &str = r#"{"error":"Access Denied","error_description":"You have made too many requests continuously","status":"failure"}"#;

#[tokio::test]
async fn a_throttled_renewal_keeps_the_old_token_while_it_lives() {
    let first = grant("old", r#","expires_in":3600"#);
    let stage = stage(vec![first, Canned::json(400, DENIED)]).await;
    stage.tokens.get().await.unwrap();
    stage.clock.set(at("2026-11-22T02:56:00Z"));
    for _ in 0..3 {
        assert_eq!(shown(&stage.tokens.get().await.unwrap()), "old");
    }
    assert_eq!(
        stage.server.tokens_made(),
        2,
        "asking on prolongs the block"
    );
    stage.clock.set(at("2026-11-22T03:01:00Z"));
    let error = stage.tokens.get().await.unwrap_err();
    let wait = Some(Duration::from_secs(300));
    assert_eq!(error.failure(), Failure::Throttled { wait });
    stage.clock.set(at("2026-11-22T03:06:00Z"));
    assert_eq!(shown(&stage.tokens.get().await.unwrap()), "1000.access.3");
}

#[tokio::test]
async fn each_refusal_names_its_remedy() {
    for (status, body, remedy) in [
        (
            200,
            r#"{"error":"invalid_code"}"#,
            "make a new refresh token",
        ),
        (
            200,
            r#"{"error":"invalid_client"}"#,
            "accounts.main.data_center",
        ),
        (
            400,
            r#"{"error":"invalid_client_secret"}"#,
            "accounts.main.client_secret",
        ),
        (200, r#"{"error":"invalid_scope"}"#, "(invalid_scope)"),
    ] {
        let stage = stage(vec![Canned::json(status, body)]).await;
        let error = stage.tokens.check().await.unwrap_err();
        assert_eq!(error.failure(), Failure::CredentialsRefused, "{body}");
        assert!(error.to_string().contains(remedy), "{error}");
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
}

#[tokio::test]
async fn a_host_in_trouble_is_no_verdict_on_the_credentials() {
    for answer in [
        Canned::html(200),
        Canned::html(502),
        Canned::json(500, "{}"),
    ] {
        let stage = stage(vec![answer]).await;
        let error = stage.tokens.check().await.unwrap_err();
        assert_eq!(error.failure(), Failure::Unreachable, "{error}");
    }
}

#[tokio::test]
async fn a_token_for_an_unknown_host_is_not_used() {
    let server = Server::start(vec![]).await;
    let evil = r#","api_domain":"https://www.zohoapis.example.org""#;
    server.token_answers(vec![grant("t", evil)]);
    let overrides = crate::zoho::data_center::Overrides {
        accounts: Some(server.url()),
        ..Default::default()
    };
    let folder = tempfile::tempdir().unwrap();
    let tokens = Tokens::new(
        client(),
        Hosts::of("com", overrides).unwrap(),
        "main".parse().unwrap(),
        credentials("r"),
        folder.path().join("t"),
        Clock::system(),
    );
    let error = tokens.check().await.unwrap_err();
    assert_eq!(error.failure(), Failure::Configuration);
}
