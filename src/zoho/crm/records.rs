//! Reading records: by query, by page token, and those that were deleted.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::answer::{self, service_time};
use super::coql::{self, COLUMNS_MAX, ROWS_MAX, Scope};
use super::error::{CrmError, UnreadableError, instant};
use super::wire::{self, Row};
use super::{Columns, Crm, Method};
use crate::domain::ids::{FieldPath, ModuleName, RecordId};
use crate::domain::record::Record;
use crate::domain::value::{Field, Value};
use crate::zoho::http::Request;

/// Rows of a page of Get Records and of deleted records.
const PER_PAGE: &str = "200";

/// A page that a query gave.
#[derive(Debug)]
pub struct RecordPage {
    /// The records, in the order of the scope.
    pub records: Vec<Record>,
    /// Whether there is a page behind it; it begins after the last record of this one.
    pub more: bool,
    /// The service's clock when it answered.
    pub service_time: Timestamp,
}

/// A page of a walk by token.
#[derive(Debug)]
pub struct TokenPage {
    /// The records, newest id first.
    pub records: Vec<Record>,
    /// Token of the page behind it; it lasts a day, for the same columns only.
    pub next: Option<String>,
    /// The service's clock when it answered.
    pub service_time: Timestamp,
}

/// A page of deleted records.
#[derive(Debug)]
pub struct DeletedPage {
    /// Record and time of deletion.
    pub records: Vec<(RecordId, Timestamp)>,
    /// Whether there is a page behind it.
    pub more: bool,
}

impl Crm {
    /// One page of records by COQL, of at most `limit` (1 to [`ROWS_MAX`]) rows.
    ///
    /// # Errors
    /// Any [`CrmError`]; a module or field that does not exist is [`Failure::Configuration`](crate::domain::failure::Failure).
    pub async fn page(
        &self,
        columns: &Columns,
        scope: &Scope,
        limit: u32,
    ) -> Result<RecordPage, CrmError> {
        let method = Method::Coql;
        let limit = limit.clamp(1, ROWS_MAX);
        let reader = Reader::new(method, columns)?;
        let text = coql::query(columns.module.as_str(), &reader.select, scope, limit);
        let body = json!({ "select_query": text });
        let read = |answer| {
            let rows = answer::listed(method, &answer, |rows: &wire::Rows| rows.data.len())?;
            let service_time = service_time(method, &answer)?;
            Ok(RecordPage {
                records: reader.records(&rows.data)?,
                more: rows.info.more_records,
                service_time,
            })
        };
        let request = |base: &str| Request::json(format!("{base}/coql"), body.clone());
        let page = self.call(method, coql::credits(limit), request, read).await;
        page.map_err(|error| error.of_module(&columns.module))
    }

    /// One page of all records by Get Records, for what COQL does not give; leads come converted or not. The token is
    /// the page before's, and `modified_since` the same on every page of a walk.
    ///
    /// # Errors
    /// Any [`CrmError`]; see [`CrmError::restarts_walk`].
    pub async fn walk(
        &self,
        columns: &Columns,
        token: Option<&str>,
        modified_since: Option<Timestamp>,
    ) -> Result<TokenPage, CrmError> {
        let method = Method::Records;
        let reader = Reader::new(method, columns)?;
        let names: Vec<&str> = reader.select.iter().map(FieldPath::as_str).collect();
        let names = names.into_iter().filter(|name| *name != wire::ID);
        let mut query = vec![
            ("fields", names.collect::<Vec<_>>().join(",")),
            ("per_page", PER_PAGE.to_owned()),
        ];
        if columns.module.as_str() == "Leads" {
            query.push(("converted", "both".to_owned()));
        }
        query.extend(token.map(|token| ("page_token", token.to_owned())));
        let read = |answer| {
            let rows = answer::listed(method, &answer, |rows: &wire::Rows| rows.data.len())?;
            let service_time = service_time(method, &answer)?;
            let next = rows.info.next_page_token;
            Ok(TokenPage {
                records: reader.records(&rows.data)?,
                next: next.filter(|_| rows.info.more_records),
                service_time,
            })
        };
        let request = |base: &str| {
            let url = format!("{base}/{}", columns.module);
            Request::get(url, query.clone()).modified_since(modified_since)
        };
        let page = self.get(method, request, read).await;
        page.map_err(|error| error.of_module(&columns.module))
    }

    /// One page (from 1 on) of the records deleted since; the CRM may list older ones too. It remembers deletions for
    /// 60 days in the recycle bin, 120 for good.
    ///
    /// # Errors
    /// Any [`CrmError`].
    pub async fn deleted(
        &self,
        module: &ModuleName,
        since: Option<Timestamp>,
        page: u32,
    ) -> Result<DeletedPage, CrmError> {
        let method = Method::Deleted;
        let query = vec![
            ("type", "all".to_owned()),
            ("page", page.to_string()),
            ("per_page", PER_PAGE.to_owned()),
        ];
        let read = |answer| {
            let rows = answer::listed(method, &answer, |rows: &wire::DeletedRows| rows.data.len())?;
            let records = rows.data.iter().map(deleted).collect::<Result<_, _>>();
            Ok(DeletedPage {
                records: records.map_err(|source| CrmError::Unreadable {
                    method,
                    place: format!("a deleted record of {module}"),
                    source,
                })?,
                more: rows.info.more_records,
            })
        };
        let request = |base: &str| {
            let url = format!("{base}/{module}/deleted");
            Request::get(url, query.clone()).modified_since(since)
        };
        let page = self.get(method, request, read).await;
        page.map_err(|error| error.of_module(module))
    }
}

fn deleted(row: &wire::DeletedRow) -> Result<(RecordId, Timestamp), UnreadableError> {
    Ok((answer::id(Some(&row.id))?, instant(&row.deleted_time)?))
}

fn modified_at(row: &Row) -> Result<Option<Timestamp>, UnreadableError> {
    match row.get(wire::MODIFIED_TIME) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(text)) => instant(text).map(Some),
        Some(_) => Err(UnreadableError::Instant),
    }
}

/// Turns rows into records, by the columns that were asked for.
struct Reader<'a> {
    method: Method,
    columns: &'a Columns,
    select: Vec<FieldPath>,
    fields: Vec<(FieldPath, &'a Field)>,
}

impl<'a> Reader<'a> {
    fn new(method: Method, columns: &'a Columns) -> Result<Self, CrmError> {
        let unreadable = |(name, error): (String, _)| CrmError::Unreadable {
            method,
            place: format!("the field `{name}` of {}", columns.module),
            source: UnreadableError::Name(error),
        };
        let select = coql::selected(columns).map_err(unreadable)?;
        // The id comes unasked and takes no place.
        if select.len() - 1 > COLUMNS_MAX {
            return Err(CrmError::TooManyColumns {
                module: columns.module.to_string(),
                columns: select.len() - 1,
                columns_max: COLUMNS_MAX,
            });
        }
        let path = |field: &'a Field| Some((field.api_name.parse().ok()?, field));
        Ok(Self {
            method,
            columns,
            select,
            // Every name has just been parsed.
            fields: columns.fields.iter().filter_map(path).collect(),
        })
    }

    fn records(&self, rows: &[Row]) -> Result<Vec<Record>, CrmError> {
        rows.iter().map(|row| self.record(row)).collect()
    }

    fn record(&self, row: &Row) -> Result<Record, CrmError> {
        let unreadable = |name: &str, source| CrmError::Unreadable {
            method: self.method,
            place: format!("`{name}` of {}", self.columns.module),
            source,
        };
        let id = answer::id(row.get(wire::ID)).map_err(|error| unreadable(wire::ID, error))?;
        let modified_at =
            modified_at(row).map_err(|error| unreadable(wire::MODIFIED_TIME, error))?;
        let mut values = BTreeMap::new();
        for (path, field) in &self.fields {
            let json = row.get(path.as_str()).unwrap_or(&Json::Null);
            let value = Value::from_json(field, json).map_err(|source| {
                let source = UnreadableError::Value { record: id, source };
                unreadable(path.as_str(), source)
            })?;
            values.insert(path.clone(), value);
        }
        Ok(Record {
            id,
            modified_at,
            values,
        })
    }
}
