//! Reading records by page token, where a query cannot.
//!
//! Get Records gives a module's own fields only, and at most as many as a query; the columns beyond that are read by
//! queries for the ids of the page.

use jiff::Timestamp;

use super::answer::{self, service_time};
use super::coql::{COLUMNS_MAX, IDS_MAX, Scope};
use super::error::CrmError;
use super::reader::{Reader, parts_of};
use super::records::{complete, repeats};
use super::wire;
use super::{Columns, Crm, Method};
use crate::domain::filter::Filter;
use crate::domain::ids::{FieldPath, RecordId};
use crate::domain::record::Record;
use crate::domain::value::Field;
use crate::zoho::http::Request;

/// What a page costs with a custom view and without. Source: the CRM's "API limits" page, November 2026.
const VIEW_CREDITS: u64 = 3;
const CREDITS: u64 = 1;

/// Whether leads that were converted come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Converted {
    /// With all others.
    Both,
    /// Only they.
    Only,
}

/// A page of a walk by token.
#[derive(Debug)]
pub struct TokenPage {
    /// The records, newest id first.
    pub records: Vec<Record>,
    /// Those of which a query did not give the columns that Get Records does not have: deleted meanwhile, or hidden
    /// from queries. What is missing is null here, so they can tell an opt-out and nothing else.
    pub partial: Vec<Record>,
    /// Token of the page behind it; it lasts a day, for the same columns only.
    pub next: Option<String>,
    /// The service's clock when it answered.
    pub service_time: Timestamp,
}

impl Crm {
    /// One page of records by Get Records, for what COQL does not give: all of the module, or those of a custom view,
    /// which says itself whether converted leads come. The token is the page before's; the rest is the same on every
    /// page of a walk.
    ///
    /// # Errors
    /// Any [`CrmError`]; see [`CrmError::restarts_walk`].
    pub async fn walk(
        &self,
        columns: &Columns,
        view: Option<RecordId>,
        converted: Converted,
        token: Option<&str>,
        modified_since: Option<Timestamp>,
    ) -> Result<TokenPage, CrmError> {
        let (own, rest) = split(columns);
        let everything = Filter::EVERYTHING;
        let first = parts_of(columns, &[wire::ID, wire::MODIFIED_TIME], own, &everything)?;
        let first = first.first().expect("a read has a first query");
        let names: Vec<&str> = first.select.iter().map(FieldPath::as_str).collect();
        let names = names.into_iter().filter(|name| *name != wire::ID);
        let mut query = vec![
            ("fields", names.collect::<Vec<_>>().join(",")),
            ("per_page", super::PER_PAGE.to_owned()),
        ];
        match view {
            Some(view) => query.push(("cvid", view.to_string())),
            None if columns.module.as_str() == wire::LEADS => {
                query.push(("converted", converted.word().to_owned()));
            }
            None => {}
        }
        query.extend(token.map(|token| ("page_token", token.to_owned())));
        let credits = view.map_or(CREDITS, |_| VIEW_CREDITS);
        let mut page = self
            .token_page(columns, &first.fields, credits, query, modified_since)
            .await?;
        if token.is_some() && page.next.as_deref() == token {
            return Err(repeats(Method::Records));
        }
        let ids: Vec<RecordId> = page.records.iter().map(|record| record.id).collect();
        if rest.is_empty() || ids.is_empty() {
            return Ok(page);
        }
        for part in parts_of(columns, &[wire::ID], rest, &everything)? {
            let mut found = Vec::new();
            for ids in ids.chunks(IDS_MAX) {
                let scope = Scope::Ids {
                    ids: ids.to_vec(),
                    view: None,
                };
                let last = (ids.iter().copied().max().unwrap_or(RecordId(0)), None);
                let limit = scope.rows(0);
                found.extend(self.rest(columns, &part, &scope, last, limit).await?);
            }
            page.partial.extend(complete(&mut page.records, found));
        }
        Ok(page)
    }

    async fn token_page(
        &self,
        columns: &Columns,
        fields: &[(FieldPath, &Field)],
        credits: u64,
        query: Vec<(&'static str, String)>,
        modified_since: Option<Timestamp>,
    ) -> Result<TokenPage, CrmError> {
        let method = Method::Records;
        let reader = Reader {
            method,
            columns,
            fields,
        };
        let read = |answer| {
            let rows = answer::listed(method, &answer, |rows: &wire::Rows| rows.data.len())?;
            let service_time = service_time(method, &answer)?;
            let next = rows.info.next_page_token;
            let absent = |(path, _): &&(FieldPath, &Field)| {
                let mut rows = rows.data.iter();
                rows.all(|row| !row.contains_key(path.as_str()))
            };
            if let (Some((path, _)), false) = (fields.iter().find(absent), rows.data.is_empty()) {
                return Err(CrmError::Hidden {
                    module: columns.module.to_string(),
                    field: path.to_string(),
                });
            }
            Ok(TokenPage {
                records: reader.records(&rows.data)?,
                partial: Vec::new(),
                next: next.filter(|_| rows.info.more_records),
                service_time,
            })
        };
        let request = |base: &str| {
            let url = format!("{base}/{}", columns.module);
            Request::get(url, query.clone()).modified_since(modified_since)
        };
        let page = self.call(method, credits, request, read).await;
        page.map_err(|error| error.of_module(&columns.module))
    }
}

impl Converted {
    fn word(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::Only => "true",
        }
    }
}

/// The fields that Get Records gives, and those that it does not.
fn split(columns: &Columns) -> (Vec<&Field>, Vec<&Field>) {
    let is_own = |field: &&Field| !field.api_name.contains('.');
    let (mut own, mut rest): (Vec<&Field>, Vec<&Field>) = columns.fields.iter().partition(is_own);
    let beyond = own.split_off(own.len().min(COLUMNS_MAX - 2));
    rest.extend(beyond);
    (own, rest)
}
