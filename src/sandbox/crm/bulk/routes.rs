//! The paths of Bulk Read.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;

use super::super::answer::{Answer, Problem};
use super::super::caller::Caller;
use super::super::routes::VERSIONS;
use crate::sandbox::{Shared, World, lock};

/// All paths below `/crm/bulk`.
pub(in crate::sandbox::crm) fn routes() -> Router<Shared> {
    Router::new().route("/crm/bulk/{version}/{*path}", any(answer))
}

async fn answer(
    State(world): State<Shared>,
    method: Method,
    Path((version, path)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut world = lock(&world);
    let World {
        clock,
        accounts,
        crm,
        ..
    } = &mut *world;
    let caller = Caller {
        accounts,
        method: &method,
        headers: &headers,
        now: clock.now(),
    };
    let segments: Vec<&str> = path.split('/').collect();
    let answer = caller.authentic().and_then(|()| match segments.as_slice() {
        _ if !VERSIONS.contains(&version.as_str()) => Err(Problem::url_pattern()),
        ["read"] => create(&caller, crm, &body),
        ["read", id] => reads(&caller).and_then(|()| crm.job_status(id)),
        ["read", id, "result"] => reads(&caller).and_then(|()| crm.job_result(id)),
        _ => Err(Problem::url_pattern()),
    });
    match answer {
        Ok(answer) => answer.into_response(),
        Err(problem) => problem.into_response(),
    }
}

fn create(caller: &Caller<'_>, crm: &mut super::Crm, body: &[u8]) -> Result<Answer, Problem> {
    caller.method(&Method::POST)?;
    caller.allowed("ZohoCRM.bulk.READ")?;
    if !caller.headers.contains_key(header::CONTENT_TYPE) {
        return Err(Problem::media_type());
    }
    crm.create_job(body, &|scope| caller.allowed(scope))
}

fn reads(caller: &Caller<'_>) -> Result<(), Problem> {
    caller.reads("ZohoCRM.bulk.READ")
}
