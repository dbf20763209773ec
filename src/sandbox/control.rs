//! The control interface of Campaigns, calls, faults and the clock: JSON over HTTP, on the sandbox's own port, without a token.
//!
//! | Request | Does |
//! | --- | --- |
//! | `GET /sandbox/lists` | all lists with their counts |
//! | `GET /sandbox/lists/{key}?status=active` | everybody on a list with fields, tags and standing, sorted by address; `status` is `active`, `unsubscribed`, `bounced`, `suppressed` or left out |
//! | `GET /sandbox/contacts/{address}` | all that is known of an address |
//! | `GET /sandbox/campaigns` | the switches of the policy |
//! | `POST /sandbox/campaigns` | what somebody does there, one [`Action`] or a list of them: `{"unsubscribe":{"list":…,"address":…}}`, `{"subscribe":{"list":…,"address":…,"fields":{…}}}`, `{"bounce":…}`, `{"block":…}`, `{"do_not_mail":…}`, `{"lift":…}`, `{"delete_contact":…}`, `{"create_list":{"name":…}}`, `{"change_list":{"list":…}}`, `{"delete_list":…}`, `{"create_field":{"label":…,"length_max":…}}`, `{"policy":{…}}` |
//! | `GET /sandbox/calls?last=N` | calls and credits by service and method, and the last N calls (none by default) |
//! | `GET /sandbox/calls/count?service=S&method=M` | how often one method was called |
//! | `DELETE /sandbox/calls` | forgets them |
//! | `GET`, `POST`, `DELETE /sandbox/faults` | shows the faults to come, adds one ([`Fault`]) or a list of them, drops all; `{"what":{"meanwhile":{"before":[…],"after":[…]}}}` lets people act around a call instead; `{"what":{"pour":{"first":"[","again":"0,","bytes":1073741824,"announced":true,"gzip":false,"every_millis":null}}}` answers with a body without measure |
//! | `GET`, `POST /sandbox/accounts`, `POST /sandbox/accounts/codes` | credentials and scopes; a grant code |
//! | `GET`, `POST /sandbox/clock` | shows the time; `{"advance_seconds":…}`, `{"set":"…"}`, `{"freeze":true}` or several at once |
//!
//! Whatever cannot be done is answered with HTTP 400 and `{"error":"…"}`; of a list of actions those before it are done.

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::calls::{Calls, Fault, Service};
use super::campaigns::list::Standing;
use super::campaigns::screens::{Action, ScreenError};
use super::campaigns::views::MemberView;
use super::{Shared, lock};

/// The paths described above.
pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/sandbox/lists", get(show_lists))
        .route("/sandbox/lists/{key}", get(show_members))
        .route("/sandbox/contacts/{address}", get(show_contact))
        .route("/sandbox/campaigns", get(show_policy).post(act))
        .route("/sandbox/calls", get(show_calls).delete(forget_calls))
        .route("/sandbox/calls/count", get(count_calls))
        .route(
            "/sandbox/faults",
            get(show_faults).post(add_faults).delete(drop_faults),
        )
        .route("/sandbox/clock", get(show_clock).post(change_clock))
}

/// Why a control request is not carried out.
#[derive(Debug, thiserror::Error)]
enum ControlError {
    #[error("the body is not what this path takes: {0}")]
    Body(#[from] serde_json::Error),
    #[error("the query is not what this path takes: {0}")]
    Query(#[from] QueryRejection),
    #[error(transparent)]
    Screen(#[from] ScreenError),
    #[error("this address was never heard of")]
    UnknownAddress,
    #[error("`{0}` is no HTTP status; take one from 200 to 599")]
    Status(u16),
}

impl IntoResponse for ControlError {
    fn into_response(self) -> Response {
        let body = Json(json!({ "error": self.to_string() }));
        (StatusCode::BAD_REQUEST, body).into_response()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MembersQuery {
    status: Option<Standing>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CallsQuery {
    #[serde(default)]
    last: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CountQuery {
    service: Service,
    method: String,
}

/// What is to happen to the clock, in the order of the fields.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockChange {
    set: Option<Timestamp>,
    advance_seconds: Option<i64>,
    freeze: Option<bool>,
}

async fn show_lists(State(shared): State<Shared>) -> Response {
    let lists = lock(&shared).campaigns.list_views();
    Json(json!({ "lists": lists })).into_response()
}

async fn show_members(
    State(shared): State<Shared>,
    Path(key): Path<String>,
    query: Result<Query<MembersQuery>, QueryRejection>,
) -> Result<Response, ControlError> {
    let Query(query) = query?;
    let members: Option<Vec<MemberView>> = lock(&shared).campaigns.members_of(&key, query.status);
    let members = members.ok_or_else(|| ScreenError::UnknownList(key.clone()))?;
    Ok(Json(json!({ "list": key, "contacts": members })).into_response())
}

async fn show_contact(
    State(shared): State<Shared>,
    Path(address): Path<String>,
) -> Result<Response, ControlError> {
    let contact = lock(&shared).campaigns.view_of(&address);
    let contact = contact.ok_or(ControlError::UnknownAddress)?;
    Ok(Json(contact).into_response())
}

async fn show_policy(State(shared): State<Shared>) -> Response {
    Json(json!({ "policy": lock(&shared).campaigns.policy })).into_response()
}

async fn act(State(shared): State<Shared>, body: Bytes) -> Result<Response, ControlError> {
    let actions: Vec<Action> = one_or_many(&body)?;
    let mut world = lock(&shared);
    let now = world.clock.now();
    for action in actions {
        world.campaigns.act(action, now)?;
    }
    Ok(done())
}

async fn show_calls(
    State(shared): State<Shared>,
    query: Result<Query<CallsQuery>, QueryRejection>,
) -> Result<Response, ControlError> {
    let Query(query) = query?;
    Ok(Json(calls_view(&lock(&shared).calls, query.last)).into_response())
}

async fn count_calls(
    State(shared): State<Shared>,
    query: Result<Query<CountQuery>, QueryRejection>,
) -> Result<Response, ControlError> {
    let Query(query) = query?;
    let count = lock(&shared).calls.count(query.service, &query.method);
    Ok(Json(json!({ "calls": count })).into_response())
}

async fn forget_calls(State(shared): State<Shared>) -> Response {
    lock(&shared).calls.reset();
    done()
}

async fn show_faults(State(shared): State<Shared>) -> Response {
    Json(json!({ "faults": lock(&shared).calls.faults() })).into_response()
}

async fn add_faults(State(shared): State<Shared>, body: Bytes) -> Result<Response, ControlError> {
    let faults: Vec<Fault> = one_or_many(&body)?;
    for status in faults.iter().filter_map(Fault::status) {
        if !(200..=599).contains(&status) {
            return Err(ControlError::Status(status));
        }
    }
    let calls = &mut lock(&shared).calls;
    faults.into_iter().for_each(|fault| calls.add_fault(fault));
    Ok(done())
}

async fn drop_faults(State(shared): State<Shared>) -> Response {
    lock(&shared).calls.clear_faults();
    done()
}

async fn show_clock(State(shared): State<Shared>) -> Response {
    Json(json!({ "now": lock(&shared).clock.now() })).into_response()
}

async fn change_clock(State(shared): State<Shared>, body: Bytes) -> Result<Response, ControlError> {
    let change: ClockChange = serde_json::from_slice(&body)?;
    let now = {
        let world = lock(&shared);
        if let Some(at) = change.set {
            world.clock.set(at);
        }
        if let Some(seconds) = change.advance_seconds {
            world.clock.advance(SignedDuration::from_secs(seconds));
        }
        match change.freeze {
            Some(true) => world.clock.freeze(),
            Some(false) => world.clock.thaw(),
            None => {}
        }
        world.clock.now()
    };
    Ok(Json(json!({ "now": now })).into_response())
}

fn calls_view(calls: &Calls, last: usize) -> Value {
    let totals: Vec<Value> = calls
        .totals()
        .iter()
        .map(|((service, method), total)| {
            json!({"service": service, "method": method, "calls": total.calls, "credits": total.credits})
        })
        .collect();
    let log = calls.log();
    let skip = log.len().saturating_sub(last);
    let log: Vec<_> = log.iter().skip(skip).collect();
    json!({ "totals": totals, "log": log })
}

/// A body that is one thing or a list of such things.
fn one_or_many<T: DeserializeOwned>(body: &[u8]) -> Result<Vec<T>, serde_json::Error> {
    match serde_json::from_slice(body)? {
        many @ Value::Array(_) => serde_json::from_value(many),
        one => Ok(vec![serde_json::from_value(one)?]),
    }
}

fn done() -> Response {
    Json(json!({ "done": true })).into_response()
}
