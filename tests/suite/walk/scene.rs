//! What the CRM and Campaigns hold at a moment, as their screens show it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::syncs::{LISTS, Sync};
use crate::rig::Rig;
use crate::scenarios::oracle;

/// A record.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) module: &'static str,
    /// Plain, or why it is none; role addresses are `group_email`.
    pub(super) address: Result<String, &'static str>,
    pub(super) last_name: String,
    pub(super) is_opted_out: bool,
    pub(super) is_converted: bool,
    pub(super) modified: String,
}

/// All of it.
#[derive(Debug, Clone)]
pub(super) struct Scene {
    pub(super) rows: Vec<Row>,
    /// By list: how each plain address stands that is or was on it.
    pub(super) standings: [BTreeMap<String, String>; 2],
}

impl Scene {
    /// The scene now.
    pub(super) fn of(rig: &Rig) -> Self {
        let rows = ["Contacts", "Leads"].into_iter().flat_map(|module| {
            let records = rig.records(module).into_iter();
            records.map(move |record| row(module, &record))
        });
        Self {
            rows: rows.collect(),
            standings: [0, 1].map(|list| standings(rig, list)),
        }
    }

    /// How an address stands on a list; empty if it was never there.
    pub(super) fn standing(&self, list: usize, address: &str) -> &str {
        self.standings[list].get(address).map_or("", String::as_str)
    }

    pub(super) fn is_active(&self, list: usize, address: &str) -> bool {
        self.standing(list, address) == "active"
    }

    /// Whether the record exists.
    pub(super) fn has(&self, id: &str) -> bool {
        self.rows.iter().any(|row| row.id == id)
    }

    /// The records with an address that a sync wants on its list for it.
    pub(super) fn wanted<'s>(
        &'s self,
        sync: &'s Sync,
        address: &'s str,
    ) -> impl Iterator<Item = &'s Row> {
        let of = move |row: &&Row| sync.wants(row) && row.address.as_deref() == Ok(address);
        self.rows.iter().filter(of)
    }
}

impl Sync {
    /// Whether a record matches its selection.
    pub(super) fn selects(&self, row: &Row) -> bool {
        row.module == self.module && row.last_name != self.hidden
    }

    /// Whether a record is to be on its list, for all that the record says, opt-outs aside.
    pub(super) fn wants(&self, row: &Row) -> bool {
        self.selects(row) && row.address.is_ok() && !(self.excludes_converted && row.is_converted)
    }
}

/// How everybody stands who is or was on a list.
pub(super) fn standings(rig: &Rig, list: usize) -> BTreeMap<String, String> {
    let view = rig.get(&format!("/lists/{}", LISTS[list]));
    let contacts = view["contacts"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_lowercase();
    contacts
        .map(|contact| (text(&contact["address"]), text(&contact["standing"])))
        .collect()
}

fn row(module: &'static str, record: &Value) -> Row {
    let address = oracle::address(record);
    Row {
        id: oracle::id(record),
        module,
        address: match address {
            Ok(address) if oracle::is_role(&address) => Err("group_email"),
            other => other,
        },
        last_name: record["Last_Name"].as_str().unwrap_or("").to_owned(),
        is_opted_out: record["Email_Opt_Out"] == true,
        is_converted: record["Converted__s"] == true,
        modified: record["Modified_Time"].as_str().unwrap().to_owned(),
    }
}
