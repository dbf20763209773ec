//! Reading, as rosterd reads: queries laid out and rendered by the code under test, run by the sandbox.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value as Json;

use crate::domain::criteria::Criteria;
use crate::domain::filter::Filter;
use crate::domain::ids::{FieldPath, RecordId};
use crate::domain::record::Record;
use crate::domain::schema::{DEAL_CONTACT, within_deals};
use crate::domain::value::{Field, Value};
use crate::sandbox::crm::Crm as Sandbox;
use crate::zoho::crm::coql::{self, Among, Part, Place, ROWS_MAX, Scope};
use crate::zoho::crm::reader::{Reader, parts};
use crate::zoho::crm::records::complete;
use crate::zoho::crm::wire::Row;
use crate::zoho::crm::{Columns, Method};

/// What has to be read for criteria: of the module, and of deals.
pub(super) struct Needed {
    pub(super) own: Columns,
    pub(super) deals: Option<Columns>,
}

impl Needed {
    pub(super) fn of(criteria: &Criteria, module: &str, deal_contact: &Field) -> Self {
        let (mut own, mut deals) = (BTreeMap::new(), BTreeMap::new());
        for column in criteria.columns() {
            match within_deals(&column.path) {
                Some(path) => {
                    let api_name = path.to_string();
                    deals.insert(
                        path,
                        Field {
                            api_name,
                            ..column.field
                        },
                    )
                }
                None => own.insert(column.path, column.field),
            };
        }
        if !deals.is_empty() {
            deals.insert(DEAL_CONTACT.parse().unwrap(), deal_contact.clone());
        }
        let columns = |module: &str, fields: BTreeMap<FieldPath, Field>| Columns {
            module: module.parse().unwrap(),
            fields: fields.into_values().collect(),
        };
        Self {
            own: columns(module, own),
            deals: (!deals.is_empty()).then(|| columns("Deals", deals)),
        }
    }
}

/// The records that `filter` lets through, by as many queries as a row takes.
pub(super) fn read(sandbox: &Sandbox, columns: &Columns, filter: &Filter) -> Vec<Record> {
    let parts = parts(columns, filter).unwrap();
    let (first, others) = parts.split_first().unwrap();
    let mut records = query(sandbox, columns, first, filter, None);
    let Some(last) = records.last() else {
        return records;
    };
    let until = Some((last.id, last.modified_at));
    for part in others {
        let found = query(sandbox, columns, part, filter, until);
        complete(&mut records, found);
    }
    records
}

fn query(
    sandbox: &Sandbox,
    columns: &Columns,
    part: &Part<'_>,
    filter: &Filter,
    until: Option<Place>,
) -> Vec<Record> {
    let among = Among {
        view: None,
        filter: filter.clone(),
    };
    let scope = Scope::ById { among, after: None };
    let text = coql::query(columns.module.as_str(), part, &scope, until, ROWS_MAX);
    let rows = sandbox.query(&text);
    let rows = rows.unwrap_or_else(|code| panic!("{code}: {text}"));
    let row = |row: Json| match row {
        Json::Object(row) => row,
        other => panic!("{other}"),
    };
    let rows: Vec<Row> = rows.into_iter().map(row).collect();
    let reader = Reader {
        method: Method::Coql,
        columns,
        fields: &part.fields,
    };
    reader.records(&rows).unwrap()
}

/// The members among `records`, each joined with one of its deals at a time.
pub(super) fn members(
    criteria: &Criteria,
    records: &[Record],
    deals: &[Record],
    now: Timestamp,
) -> BTreeSet<u64> {
    let contact: FieldPath = DEAL_CONTACT.parse().unwrap();
    let mut by_contact: BTreeMap<RecordId, Vec<Record>> = BTreeMap::new();
    for deal in deals {
        if let Value::Lookup { id, .. } = deal.get(&contact) {
            by_contact.entry(*id).or_default().push(deal.clone());
        }
    }
    let is_member = |record: &&Record| {
        let deals = by_contact.get(&record.id).cloned().unwrap_or_default();
        let joined = (*record).clone().joined(deals);
        joined
            .iter()
            .any(|record| criteria.judge(record, now).selected)
    };
    records
        .iter()
        .filter(is_member)
        .map(|record| record.id.0)
        .collect()
}

pub(super) fn ids(records: &[Record]) -> BTreeSet<u64> {
    records.iter().map(|record| record.id.0).collect()
}
