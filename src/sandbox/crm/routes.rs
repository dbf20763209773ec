//! The paths of CRM: who may call what, and which part answers.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, Method, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::any;

use super::answer::{Answer, Problem};
use super::caller::Caller;
use super::module::Module;
use super::records::Parameters;
use super::{Crm, bulk};
use crate::sandbox::{Shared, lock};

/// Versions of the API that stand side by side.
pub(super) const VERSIONS: [&str; 8] = ["v2", "v2.1", "v3", "v4", "v5", "v6", "v7", "v8"];

/// All paths below `/crm`.
pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/crm/{version}/{*path}", any(answer))
        .merge(bulk::routes())
}

async fn answer(
    State(world): State<Shared>,
    method: Method,
    Path((version, path)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let world = lock(&world);
    let call = Call {
        crm: &world.crm,
        caller: Caller {
            accounts: &world.accounts,
            method: &method,
            headers: &headers,
            now: world.clock.now(),
        },
        parameters: Query::try_from_uri(&uri)
            .map_or_else(|_| Parameters::new(), |Query(asked)| asked),
        body,
    };
    if !VERSIONS.contains(&version.as_str()) {
        return Problem::url_pattern().into_response();
    }
    let segments: Vec<&str> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .collect();
    match call.answer(&segments) {
        Ok(answer) => answer.into_response(),
        Err(problem) => problem.into_response(),
    }
}

/// A call and the CRM it meets.
struct Call<'a> {
    crm: &'a Crm,
    caller: Caller<'a>,
    parameters: Parameters,
    body: Bytes,
}

impl Call<'_> {
    fn answer(&self, segments: &[&str]) -> Result<Answer, Problem> {
        self.caller.authentic()?;
        let crm = self.crm;
        let caller = &self.caller;
        let parameters = &self.parameters;
        match segments {
            ["coql"] => {
                caller.method(&Method::POST)?;
                caller.allowed("ZohoCRM.coql.READ")?;
                crm.coql(&self.body, &|scope| caller.allowed(scope))
            }
            ["org"] => caller
                .reads("ZohoCRM.org.READ")
                .map(|()| crm.organisation()),
            ["users"] => caller.reads("ZohoCRM.users.READ").map(|()| crm.users()),
            ["settings", what, rest @ ..] => self.settings(what, rest),
            [name] => self.module(name)?.records(),
            [name, "deleted"] => self.module(name)?.deleted(),
            [name, "actions", "count"] => {
                let records = self.module(name)?;
                caller.allowed("ZohoSearch.securesearch.READ")?;
                crm.count_records(records.module, parameters)
            }
            [name, id] => self.module(name)?.record(id),
            _ => Err(Problem::url_pattern()),
        }
    }

    fn settings(&self, what: &str, rest: &[&str]) -> Result<Answer, Problem> {
        let crm = self.crm;
        let parameters = &self.parameters;
        match (what, rest) {
            ("modules" | "fields" | "custom_views" | "related_lists", [] | [_]) => {
                self.caller
                    .reads(&format!("ZohoCRM.settings.{what}.READ"))?;
            }
            _ => return Err(Problem::url_pattern()),
        }
        match (what, rest) {
            ("modules", []) => Ok(crm.modules_metadata()),
            ("modules", [name, ..]) => crm.module_metadata(name),
            ("fields", rest) => crm.fields_metadata(parameters, rest.first().copied()),
            ("custom_views", []) => crm.views_metadata(parameters),
            ("custom_views", [id, ..]) => crm.view_metadata(parameters, id),
            _ => crm.related_lists_metadata(parameters),
        }
    }

    /// The records of the module of that name, if it may be read.
    fn module<'a>(&'a self, api_name: &str) -> Result<Records<'a>, Problem> {
        let crm = self.crm;
        let found = crm.module(api_name).filter(|module| module.api_supported);
        let module = found.ok_or_else(Problem::module)?;
        self.caller.reads(&module.scope())?;
        if !module.visible {
            return Err(Problem::no_permission(api_name));
        }
        Ok(Records {
            crm,
            module,
            parameters: &self.parameters,
            since: self
                .caller
                .headers
                .get("if-modified-since")
                .and_then(|value| value.to_str().ok()),
        })
    }
}

/// A module and what is asked of its records.
struct Records<'a> {
    crm: &'a Crm,
    module: &'a Module,
    parameters: &'a Parameters,
    since: Option<&'a str>,
}

impl Records<'_> {
    fn records(&self) -> Result<Answer, Problem> {
        self.crm
            .get_records(self.module, self.parameters, self.since)
    }

    fn deleted(&self) -> Result<Answer, Problem> {
        self.crm.deleted(self.module, self.parameters, self.since)
    }

    fn record(&self, id: &str) -> Result<Answer, Problem> {
        self.crm.get_record(self.module, id, self.parameters)
    }
}
