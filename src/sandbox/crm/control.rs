//! `/sandbox/crm`: people at work in the CRM, over HTTP and JSON, for tests and the curious.
//!
//! | Request | What it does |
//! | --- | --- |
//! | `GET /sandbox/crm/records/{module}` | `{"data":[…]}`: every record with every field, converted leads too |
//! | `POST /sandbox/crm/records/{module}` | adds the record that the body is, or the records of an array; `{"ids":[…]}` |
//! | `PATCH /sandbox/crm/records/{module}/{id}[?touch=false]` | changes fields; `Modified_Time` moves unless told not to |
//! | `DELETE /sandbox/crm/records/{module}/{id}[?type=permanent]` | to the recycle bin, or away |
//! | `POST …/{id}/restore[?touch=true]` | back from the recycle bin |
//! | `POST …/{id}/convert` | converts a lead; `{"contact":"…"}` |
//! | `POST /sandbox/crm/generate` | `{"module":"Leads","count":1000}`: more invented people |
//! | `POST /sandbox/crm/reseed` | `{"seed":7,"people":3000}`: all records anew |
//! | `POST /sandbox/crm/settings` | what is said of `coql_hides_converted`, `bulk_hides_converted`, `bulk_omits_parentless`, `bulk_page_rows`, `bulk_polls`, `bulk_failures`, `case_sensitive`, `nulls_match_negatives`, `organisation`; see [`SettingsChange`] |
//! | `GET /sandbox/crm/modules/{module}` | its custom views: `{"views":[{"id":"…","name":"…"}]}` |
//! | `PATCH /sandbox/crm/modules/{module}` | changes metadata: `visible`, `api_supported`, `plural_label`, `rename_view`, `change_view`, `add_view`, `delete_view`, `mark_view`, `rename_field`, `hide_field`, `show_field`; see [`ModuleChange`] |
//!
//! What cannot be done gets HTTP 400 with `{"error":"…"}`.

use std::collections::HashMap;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::criteria::Criteria;
use super::edit::{Deletion, EditError, Touch};
use super::settings::SettingsChange;

use crate::sandbox::{Shared, lock, people};

/// A change of a module's metadata; what is left out stays.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModuleChange {
    /// Whether the token's user may see the module.
    pub(crate) visible: Option<bool>,
    /// Whether the API serves it.
    pub(crate) api_supported: Option<bool>,
    /// Its label.
    pub(crate) plural_label: Option<String>,
    /// Gives a view another name.
    pub(crate) rename_view: Option<Renamed>,
    /// Gives a view other criteria.
    pub(crate) change_view: Option<NamedCriteria>,
    /// Adds a view.
    pub(crate) add_view: Option<NamedCriteria>,
    /// Takes the view of this name away; the ids of the others stay.
    pub(crate) delete_view: Option<String>,
    /// Says where a view may be read through.
    pub(crate) mark_view: Option<MarkedView>,
    /// Gives a field another API name.
    pub(crate) rename_field: Option<Renamed>,
    /// Hides the field of this API name from people and API.
    pub(crate) hide_field: Option<String>,
    /// Shows it again.
    pub(crate) show_field: Option<String>,
}

/// A name and what it becomes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Renamed {
    /// What it is called.
    pub(crate) from: String,
    /// What it is to be called.
    pub(crate) to: String,
}

/// A view's name and criteria, as the metadata shows them; `null` for every record.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NamedCriteria {
    /// The view.
    pub(crate) name: String,
    /// What its records have in common.
    pub(crate) criteria: Option<Criteria>,
}

/// Where a view may be read through besides Get Records; what is left out stays.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MarkedView {
    /// The view.
    pub(crate) name: String,
    /// COQL; never with relative dates.
    pub(crate) coql: Option<bool>,
    /// Bulk Read.
    pub(crate) bulk: Option<bool>,
}

/// More people for a module.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Generate {
    module: String,
    count: usize,
}

/// Other people for all modules.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reseed {
    seed: u64,
    people: usize,
}

/// What is said to a request that cannot be carried out.
struct Refusal(String);

impl From<EditError> for Refusal {
    fn from(error: EditError) -> Self {
        Self(error.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, Json(json!({ "error": self.0 }))).into_response()
    }
}

type Told = Result<Json<Value>, Refusal>;
type Said = Query<HashMap<String, String>>;

/// The control interface of the CRM.
pub(crate) fn control_routes() -> Router<Shared> {
    Router::new()
        .route("/sandbox/crm/records/{module}", get(list).post(create))
        .route(
            "/sandbox/crm/records/{module}/{id}",
            patch(update).delete(delete),
        )
        .route("/sandbox/crm/records/{module}/{id}/restore", post(restore))
        .route("/sandbox/crm/records/Leads/{id}/convert", post(convert))
        .route(
            "/sandbox/crm/modules/{module}",
            get(show_module).patch(change_module),
        )
        .route("/sandbox/crm/generate", post(generate))
        .route("/sandbox/crm/reseed", post(reseed))
        .route("/sandbox/crm/settings", post(settings))
}

async fn list(State(world): State<Shared>, Path(module): Path<String>) -> Told {
    let records = lock(&world)
        .crm
        .all(&module)
        .ok_or(EditError::Module(module))?;
    Ok(Json(json!({ "data": records })))
}

async fn create(State(world): State<Shared>, Path(module): Path<String>, body: Bytes) -> Told {
    let records = match read(&body)? {
        Value::Array(records) => records,
        record => vec![record],
    };
    let crm = &mut lock(&world).crm;
    let mut ids = Vec::new();
    for record in &records {
        ids.push(crm.create(&module, record)?.to_string());
    }
    Ok(Json(json!({ "ids": ids })))
}

async fn update(
    State(world): State<Shared>,
    Path((module, id)): Path<(String, String)>,
    Query(said): Said,
    body: Bytes,
) -> Told {
    let touch = touch(&said, Touch::Now)?;
    lock(&world)
        .crm
        .update(&module, number(&id)?, &read(&body)?, touch)?;
    Ok(done())
}

async fn delete(
    State(world): State<Shared>,
    Path((module, id)): Path<(String, String)>,
    Query(said): Said,
) -> Told {
    let deletion = match said.get("type").map_or("recycle", String::as_str) {
        "recycle" => Deletion::Recycle,
        "permanent" => Deletion::Permanent,
        other => {
            return Err(Refusal(format!(
                "type {other} is neither recycle nor permanent"
            )));
        }
    };
    lock(&world).crm.delete(&module, number(&id)?, deletion)?;
    Ok(done())
}

async fn restore(
    State(world): State<Shared>,
    Path((module, id)): Path<(String, String)>,
    Query(said): Said,
) -> Told {
    let touch = touch(&said, Touch::Leave)?;
    lock(&world).crm.restore(&module, number(&id)?, touch)?;
    Ok(done())
}

async fn convert(State(world): State<Shared>, Path(id): Path<String>) -> Told {
    let contact = lock(&world).crm.convert(number(&id)?)?;
    Ok(Json(json!({"contact": contact.to_string()})))
}

async fn show_module(State(world): State<Shared>, Path(name): Path<String>) -> Told {
    let crm = &lock(&world).crm;
    let module = crm.module(&name).ok_or(EditError::Module(name))?;
    let views = module.views.iter();
    let views: Vec<Value> = views
        .map(|view| json!({"id": view.id.to_string(), "name": view.name}))
        .collect();
    Ok(Json(json!({ "views": views })))
}

async fn change_module(
    State(world): State<Shared>,
    Path(module): Path<String>,
    body: Bytes,
) -> Told {
    lock(&world).crm.change_module(&module, read(&body)?)?;
    Ok(done())
}

async fn generate(State(world): State<Shared>, body: Bytes) -> Told {
    let Generate { module, count } = read(&body)?;
    let crm = &mut lock(&world).crm;
    if !people::more(crm, &module, count) {
        return Err(EditError::Module(module).into());
    }
    Ok(Json(json!({"count": crm.count(&module)})))
}

async fn reseed(State(world): State<Shared>, body: Bytes) -> Told {
    let Reseed { seed, people } = read(&body)?;
    let crm = &mut lock(&world).crm;
    crm.clear();
    people::fill(crm, people, seed);
    Ok(done())
}

async fn settings(State(world): State<Shared>, body: Bytes) -> Told {
    let change: SettingsChange = read(&body)?;
    lock(&world).crm.change_settings(change);
    Ok(done())
}

fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal(format!("reading the body: {error}")))
}

fn touch(said: &HashMap<String, String>, otherwise: Touch) -> Result<Touch, Refusal> {
    match said.get("touch").map(String::as_str) {
        None => Ok(otherwise),
        Some("true") => Ok(Touch::Now),
        Some("false") => Ok(Touch::Leave),
        Some(other) => Err(Refusal(format!("touch {other} is neither true nor false"))),
    }
}

fn number(id: &str) -> Result<u64, Refusal> {
    id.parse()
        .map_err(|_| Refusal(format!("{id} is not the id of a record: ids are numbers")))
}

fn done() -> Json<Value> {
    Json(json!({"done": true}))
}
