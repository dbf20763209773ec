//! The feed of deleted records, as long as the recycle bin and the permanent list keep them.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Crm;
use super::answer::{Answer, Problem};
use super::cell::render_time;
use super::field::DataType;
use super::module::{Gone, Module};
use super::records::{Parameters, whole};
use super::schema::ORGANISATION;

const PER_PAGE_MAX: usize = 200;
/// Pages without a token end at 2,000 rows elsewhere; here too, lacking a word on it.
const PAGE_MAX: usize = 10;
/// How long deleted records are told of. Source: "Get Deleted Records", 2026.
const RECYCLE: SignedDuration = SignedDuration::from_hours(24 * 60);
const PERMANENT: SignedDuration = SignedDuration::from_hours(24 * 120);

impl Crm {
    /// Answers `GET /{module}/deleted`, latest first.
    pub(super) fn deleted(
        &self,
        module: &Module,
        parameters: &Parameters,
        since: Option<&str>,
    ) -> Result<Answer, Problem> {
        let (recycled, permanent) = match parameters.get("type").map_or("all", String::as_str) {
            "all" => (true, true),
            "recycle" => (true, false),
            "permanent" => (false, true),
            _ => return Err(Problem::invalid_data(json!({"param_name": "type"}))),
        };
        let since = since.map(str::parse::<Timestamp>).transpose();
        let since =
            since.map_err(|_| Problem::invalid_data(json!({"header": "If-Modified-Since"})))?;
        let per_page = whole(parameters, "per_page", PER_PAGE_MAX)?.unwrap_or(PER_PAGE_MAX);
        let page = whole(parameters, "page", usize::MAX)?.unwrap_or(1);
        if page > PAGE_MAX {
            let details = json!({"param_name": "page", "limit": PAGE_MAX});
            let message = "the page limit is exceeded";
            return Err(Problem::new(
                "DISCRETE_PAGINATION_LIMIT_EXCEEDED",
                message,
                details,
            ));
        }
        let now = self.now();
        let told = |gone: &Gone| {
            let in_bin = gone.row.is_some() && now.duration_since(gone.deleted_at) < RECYCLE;
            now.duration_since(gone.deleted_at) < PERMANENT
                && since.is_none_or(|since| gone.deleted_at >= since)
                && if in_bin { recycled } else { permanent }
        };
        let mut all: Vec<(&u64, &Gone)> =
            module.gone.iter().filter(|(_, gone)| told(gone)).collect();
        all.sort_by_key(|(id, gone)| std::cmp::Reverse((gone.deleted_at, **id)));
        let mut rest = all.into_iter().skip((page - 1) * per_page);
        let shown: Vec<Value> = rest
            .by_ref()
            .take(per_page)
            .map(|(id, gone)| entry(module, *id, gone, now))
            .collect();
        if shown.is_empty() {
            return Ok(Answer::nothing());
        }
        let more = rest.next().is_some();
        Ok(Answer::body(json!({
            "info": {"per_page": per_page, "count": shown.len(), "page": page, "more_records": more},
            "data": shown,
        })))
    }
}

/// What is told of a deleted record: of one that is gone for good only id and time.
fn entry(module: &Module, id: u64, gone: &Gone, now: Timestamp) -> Value {
    let by = json!({"name": "Olive Ops", "id": (ORGANISATION + 86_001).to_string()});
    let kept = gone
        .row
        .as_ref()
        .filter(|_| now.duration_since(gone.deleted_at) < RECYCLE);
    json!({
        "id": id.to_string(),
        "display_name": kept.map(|row| row.cell(module.name_position()).render(DataType::Text)),
        "type": if kept.is_some() { "recycle" } else { "permanent" },
        "deleted_time": render_time(gone.deleted_at),
        "deleted_by": kept.map(|_| by.clone()),
        "created_by": kept.map(|_| by),
    })
}
