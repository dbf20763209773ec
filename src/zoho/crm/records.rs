//! Reading records by query.
//!
//! A row whose columns do not fit into one query is read by several, one after the other: the first one says which rows
//! there are, the others are asked for the same rows by their keys. A row that one of the others does not give was
//! deleted, or changed so that it comes again, between the two; it is left out, never given half read.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::json;

use super::answer::{self, service_time};
use super::coql::{self, Among, OFFSET_MAX, Part, Place, ROWS_MAX, Scope};
use super::error::{CrmError, UnreadableError};
use super::reader::{Reader, parts};
use super::wire;
use super::{Columns, Crm, Method};
use crate::domain::ids::{ModuleName, RecordId};
use crate::domain::record::Record;
use crate::zoho::http::Request;

/// A page that a query gave.
#[derive(Debug)]
pub struct RecordPage {
    /// The records, in the order of the scope.
    pub records: Vec<Record>,
    /// Where the last row stands, also where its record was left out; `None` for an empty page. The next page's scope
    /// is [`Scope::after`] of it.
    pub last: Option<Place>,
    /// Whether there is a page behind it.
    pub more: bool,
    /// The service's clock when it answered.
    pub service_time: Timestamp,
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
        let parts = parts(columns, scope.filter())?;
        let (first, others) = parts.split_first().expect("a read has a first query");
        let limit = scope.rows(limit);
        let mut page = self.query(columns, first, scope, None, limit).await?;
        let Some(last) = page.last else {
            return Ok(page);
        };
        if page.more && !scope.leads_on(last) {
            return Err(repeats(Method::Coql));
        }
        for part in others {
            // A filter that lets more through gives more rows than were met.
            let same = part.filter == first.filter;
            let rows = u32::try_from(page.records.len()).ok().filter(|_| same);
            let limit = rows.unwrap_or(ROWS_MAX).clamp(1, ROWS_MAX);
            let found = self.rest(columns, part, scope, last, limit).await?;
            complete(&mut page.records, found);
        }
        Ok(page)
    }

    /// Whether there are more than `rows` records (at most [`OFFSET_MAX`]), for the price of one credit.
    ///
    /// # Errors
    /// Any [`CrmError`].
    pub async fn has_more_than(
        &self,
        module: &ModuleName,
        among: &Among,
        rows: u32,
    ) -> Result<bool, CrmError> {
        let method = Method::Coql;
        let text = coql::probe(module.as_str(), among, rows.min(OFFSET_MAX));
        let body = json!({ "select_query": text });
        let read = |answer| {
            let rows = answer::listed(method, &answer, |rows: &wire::Rows| rows.data.len())?;
            Ok(!rows.data.is_empty())
        };
        let request = |base: &str| Request::json(format!("{base}/coql"), body.clone());
        let found = self.get(method, request, read).await;
        found.map_err(|error| error.of_module(module))
    }

    /// What `part` gives of the records of `scope` up to `until`, by as many queries of `limit` rows as that takes.
    pub(super) async fn rest(
        &self,
        columns: &Columns,
        part: &Part<'_>,
        scope: &Scope,
        until: Place,
        limit: u32,
    ) -> Result<Vec<Record>, CrmError> {
        let mut scope = scope.clone();
        let mut found = Vec::new();
        let mut met = BTreeSet::new();
        loop {
            let page = self.query(columns, part, &scope, Some(until), limit);
            let page = page.await?;
            // Or the service would be asked for ever.
            let is_new = page.records.iter().all(|record| met.insert(record.id));
            if !is_new {
                return Err(repeats(Method::Coql));
            }
            found.extend(page.records);
            match page.last.filter(|_| page.more) {
                Some(last) => scope = scope.after(last),
                None => return Ok(found),
            }
        }
    }

    async fn query(
        &self,
        columns: &Columns,
        part: &Part<'_>,
        scope: &Scope,
        until: Option<Place>,
        limit: u32,
    ) -> Result<RecordPage, CrmError> {
        let method = Method::Coql;
        let text = coql::query(columns.module.as_str(), part, scope, until, limit);
        let body = json!({ "select_query": text });
        let reader = Reader {
            method,
            columns,
            fields: &part.fields,
        };
        let read = |answer| {
            let rows = answer::listed(method, &answer, |rows: &wire::Rows| rows.data.len())?;
            let service_time = service_time(method, &answer)?;
            let records = reader.records(&rows.data)?;
            let place = |record: &Record| (record.id, record.modified_at);
            Ok(RecordPage {
                last: records.last().map(place),
                records,
                more: rows.info.more_records,
                service_time,
            })
        };
        let request = |base: &str| Request::json(format!("{base}/coql"), body.clone());
        let page = self.call(method, coql::credits(limit), request, read).await;
        page.map_err(|error| error.of_module(&columns.module))
    }
}

/// What is said of a list whose pages would have no end.
pub(super) fn repeats(method: Method) -> CrmError {
    CrmError::Unreadable {
        method,
        place: "its list".to_owned(),
        source: UnreadableError::Order,
    }
}

/// Adds what another query found to each record, and takes away those that it did not find.
pub(super) fn complete(records: &mut Vec<Record>, found: Vec<Record>) -> Vec<Record> {
    let mut found: BTreeMap<RecordId, _> = found
        .into_iter()
        .map(|record| (record.id, record.values))
        .collect();
    let is_missing = |record: &mut Record| match found.remove(&record.id) {
        Some(values) => {
            record.values.extend(values);
            false
        }
        None => true,
    };
    records.extract_if(.., is_missing).collect()
}
