//! The paths of Accounts, and those by which control changes it.

use std::collections::HashMap;

use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::super::{CLIENT_ID, REFRESH_TOKEN, Shared, lock};
use super::GrantWish;

/// `/oauth/v2/token` and its revocation.
pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/oauth/v2/token", post(answer_token))
        .route("/oauth/v2/token/revoke", post(answer_revoke))
}

/// `/sandbox/accounts`: GET shows, POST changes (see [`AccountsChange`](super::AccountsChange)). A POST to
/// `/sandbox/accounts/codes` makes a grant code, `{"code":"…"}` (see [`GrantWish`]).
pub(crate) fn control_routes() -> Router<Shared> {
    Router::new()
        .route("/sandbox/accounts", get(show).post(change))
        .route("/sandbox/accounts/codes", post(issue))
}

async fn answer_token(State(world): State<Shared>, uri: Uri, body: Bytes) -> Response {
    let asked = parameters(&uri, &body);
    let mut world = lock(&world);
    let now = world.clock.now();
    let (status, body) = world.accounts.token(&asked, now);
    (status, Json(body)).into_response()
}

async fn answer_revoke(State(world): State<Shared>, uri: Uri, body: Bytes) -> Response {
    let asked = parameters(&uri, &body);
    let token = asked.get("token").map_or("", String::as_str);
    if lock(&world).accounts.revoke(token) {
        Json(json!({"status": "success"})).into_response()
    } else {
        let body = json!({"status": "failure", "error": "invalid_token"});
        (StatusCode::BAD_REQUEST, Json(body)).into_response()
    }
}

/// What was asked, in the query or in a form; the form wins.
fn parameters(uri: &Uri, body: &Bytes) -> HashMap<String, String> {
    let mut asked = query(uri);
    let form = std::str::from_utf8(body)
        .ok()
        .and_then(|form| format!("/?{}", form.trim()).parse::<Uri>().ok());
    if let Some(form) = form {
        asked.extend(query(&form));
    }
    asked
}

fn query(uri: &Uri) -> HashMap<String, String> {
    Query::try_from_uri(uri).map_or_else(|_| HashMap::new(), |Query(asked)| asked)
}

async fn show(State(world): State<Shared>) -> Json<Value> {
    let world = lock(&world);
    let accounts = &world.accounts;
    Json(json!({
        "client_id": CLIENT_ID,
        "client_secret": accounts.client_secret,
        "refresh_token": REFRESH_TOKEN,
        "refresh_token_revoked": accounts.refresh_token_revoked,
        "scopes": accounts.scopes,
        "api_domain": accounts.url,
        "access_tokens_given": accounts.given,
    }))
}

async fn change(State(world): State<Shared>, body: Bytes) -> Response {
    match serde_json::from_slice(&body) {
        Ok(change) => {
            lock(&world).accounts.change(change);
            show(State(world)).await.into_response()
        }
        Err(error) => unreadable("the change of accounts", &error),
    }
}

/// Makes a code; an empty body takes everything as the console proposes it.
async fn issue(State(world): State<Shared>, body: Bytes) -> Response {
    let wish = match body.is_empty() {
        true => Ok(GrantWish::default()),
        false => serde_json::from_slice(&body),
    };
    match wish {
        Ok(wish) => {
            let mut world = lock(&world);
            let now = world.clock.now();
            let code = world.accounts.grants.issue(wish, now);
            Json(json!({ "code": code })).into_response()
        }
        Err(error) => unreadable("what the code is to be", &error),
    }
}

fn unreadable(what: &str, error: &serde_json::Error) -> Response {
    let body = json!({"error": format!("reading {what}: {error}")});
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}
