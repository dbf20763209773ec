//! From rows to records, by the columns that were asked for.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value as Json;

use super::answer;
use super::coql::{self, Part};
use super::error::{CrmError, UnreadableError, instant};
use super::wire::{self, Row};
use super::{Columns, Method};
use crate::domain::filter::Filter;
use crate::domain::ids::{FieldPath, IdError};
use crate::domain::record::Record;
use crate::domain::value::{Field, Value};

/// Most columns that are read of a record, over however many queries; more than that is a slip in a definition.
const FIELDS_MAX: usize = 200;

/// The queries for all of the columns.
pub(super) fn parts<'a>(columns: &'a Columns, filter: &Filter) -> Result<Vec<Part<'a>>, CrmError> {
    if columns.fields.len() > FIELDS_MAX {
        return Err(CrmError::TooManyColumns {
            module: columns.module.to_string(),
            columns: columns.fields.len(),
            columns_max: FIELDS_MAX,
        });
    }
    parts_of(columns, &coql::HEAD, &columns.fields, filter)
}

/// The columns with their names read.
pub(super) fn named(columns: &Columns) -> Result<Vec<(FieldPath, &Field)>, CrmError> {
    let named = columns.fields.iter().map(|field| {
        let path = field.api_name.parse();
        let path = path.map_err(|error| unnamed(columns, &field.api_name, error))?;
        Ok((path, field))
    });
    named.collect()
}

/// The queries for some of the columns.
pub(super) fn parts_of<'a>(
    columns: &Columns,
    head: &[&'static str],
    fields: impl IntoIterator<Item = &'a Field>,
    filter: &Filter,
) -> Result<Vec<Part<'a>>, CrmError> {
    let parts = coql::parts(head, fields, filter);
    parts.map_err(|(name, error)| unnamed(columns, &name, error))
}

fn unnamed(columns: &Columns, name: &str, error: IdError) -> CrmError {
    CrmError::Unreadable {
        method: Method::Coql,
        place: format!("the field `{name}` of {}", columns.module),
        source: UnreadableError::Name(error),
    }
}

/// Turns rows into records.
pub(super) struct Reader<'a> {
    pub(super) method: Method,
    pub(super) columns: &'a Columns,
    pub(super) fields: &'a [(FieldPath, &'a Field)],
}

impl Reader<'_> {
    pub(super) fn records(&self, rows: &[Row]) -> Result<Vec<Record>, CrmError> {
        rows.iter().map(|row| self.record(row)).collect()
    }

    pub(super) fn record(&self, row: &Row) -> Result<Record, CrmError> {
        let unreadable = |name: &str, source| CrmError::Unreadable {
            method: self.method,
            place: format!("`{name}` of {}", self.columns.module),
            source,
        };
        let id = answer::id(row.get(wire::ID)).map_err(|error| unreadable(wire::ID, error))?;
        let modified_at =
            modified_at(row).map_err(|error| unreadable(wire::MODIFIED_TIME, error))?;
        let mut values = BTreeMap::new();
        for (path, field) in self.fields {
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

fn modified_at(row: &Row) -> Result<Option<Timestamp>, UnreadableError> {
    match row.get(wire::MODIFIED_TIME) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(text)) => instant(text).map(Some),
        Some(_) => Err(UnreadableError::Instant),
    }
}
