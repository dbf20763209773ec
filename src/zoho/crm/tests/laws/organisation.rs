//! What the sandbox's metadata says, twice: as the service's JSON, and as the schemas that it is read into.

use std::collections::BTreeMap;

use serde::Deserialize as _;
use serde_json::Value as Json;

use crate::domain::schema::Schema;
use crate::domain::value::Field;
use crate::sandbox::crm::{Crm as Sandbox, MODULES};
use crate::zoho::crm::{metadata, wire};

/// The modules whose records are chosen.
pub(super) const CHOSEN: [&str; 3] = ["Leads", "Contacts", "Event_Guests"];

/// A kind of value, as the tests see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Text,
    Number,
    Bool,
    Date,
    DateTime,
    Picklist,
    MultiSelect,
    Lookup,
}

impl Kind {
    pub(super) const ALL: [Self; 8] = [
        Self::Text,
        Self::Number,
        Self::Bool,
        Self::Date,
        Self::DateTime,
        Self::Picklist,
        Self::MultiSelect,
        Self::Lookup,
    ];
}

/// A path of a definition, and the field at its end.
#[derive(Debug, Clone)]
pub(super) struct Path {
    pub(super) text: String,
    /// The module that the field is of, and its metadata there.
    pub(super) module: String,
    pub(super) field: Json,
    pub(super) kind: Kind,
}

impl Path {
    /// The type of the field by the service's name.
    pub(super) fn data_type(&self) -> &str {
        self.field["data_type"].as_str().unwrap()
    }

    /// The name of the field in its module.
    pub(super) fn name(&self) -> &str {
        self.field["api_name"].as_str().unwrap()
    }
}

/// The metadata of all modules.
pub(super) struct Organisation {
    fields: BTreeMap<String, Vec<Json>>,
    paths: BTreeMap<&'static str, Vec<Path>>,
    schemas: BTreeMap<&'static str, Schema>,
}

impl Organisation {
    pub(super) fn of(sandbox: &Sandbox) -> Self {
        let fields = MODULES.map(|module| (module.to_owned(), sandbox.fields_of(module)));
        let mut organisation = Self {
            fields: fields.into(),
            paths: BTreeMap::new(),
            schemas: BTreeMap::new(),
        };
        organisation.paths = CHOSEN
            .map(|module| (module, organisation.all_paths(module)))
            .into();
        organisation.schemas = CHOSEN
            .map(|module| (module, organisation.read(module)))
            .into();
        organisation
    }

    /// The fields that definitions for `module` can name.
    pub(super) fn paths(&self, module: &str) -> &[Path] {
        &self.paths[module]
    }

    /// The schema of `module` and of all that its paths lead to.
    pub(super) fn schema(&self, module: &str) -> &Schema {
        &self.schemas[module]
    }

    /// The metadata of a field, if the module has it.
    pub(super) fn field(&self, module: &str, name: &str) -> Option<&Json> {
        self.fields[module]
            .iter()
            .find(|field| field["api_name"] == name)
    }

    fn all_paths(&self, module: &str) -> Vec<Path> {
        let ways: &[(&str, &str)] = match module {
            "Leads" => &[
                ("", "Leads"),
                ("Converted_Account.", "Accounts"),
                ("Accounts.", "Accounts"),
                ("Accounts.Parent_Account.", "Accounts"),
                ("Converted_Contact.", "Contacts"),
                ("Converted_Contact.Account_Name.", "Accounts"),
                ("Converted_Deal.", "Deals"),
            ],
            "Contacts" => &[
                ("", "Contacts"),
                ("Account_Name.", "Accounts"),
                ("Accounts.", "Accounts"),
                ("Account_Name.Parent_Account.", "Accounts"),
                ("Accounts.Parent_Account.", "Accounts"),
                ("Reporting_To.", "Contacts"),
                ("Deals.", "Deals"),
                ("Potentials.", "Deals"),
                ("Deals.Account_Name.", "Accounts"),
                ("Deals.Accounts.", "Accounts"),
            ],
            _ => &[
                ("", "Event_Guests"),
                ("Contact.", "Contacts"),
                ("Contact.Account_Name.", "Accounts"),
            ],
        };
        let fields = |(way, module): &(&str, &str)| {
            let path = |field: &Json| Path {
                text: format!("{way}{}", field["api_name"].as_str().unwrap()),
                module: (*module).to_owned(),
                field: field.clone(),
                kind: kind(field),
            };
            self.fields[*module].iter().map(path).collect::<Vec<_>>()
        };
        ways.iter().flat_map(fields).collect()
    }

    fn read(&self, module: &str) -> Schema {
        let read = |name: &str| -> Vec<Field> {
            let fields = self.fields[name].iter();
            fields
                .map(|field| metadata::field(wire::Field::deserialize(field).unwrap()))
                .collect()
        };
        let mut schema = Schema::new(module.parse().unwrap(), read(module));
        for other in MODULES {
            schema.add(other.parse().unwrap(), read(other));
        }
        schema
    }
}

fn kind(field: &Json) -> Kind {
    match field["data_type"].as_str().unwrap() {
        "integer" | "bigint" | "double" | "currency" => Kind::Number,
        "boolean" => Kind::Bool,
        "date" => Kind::Date,
        "datetime" => Kind::DateTime,
        "picklist" => Kind::Picklist,
        "multiselectpicklist" => Kind::MultiSelect,
        "lookup" | "ownerlookup" => Kind::Lookup,
        "formula" if field["json_type"] == "double" => Kind::Number,
        _ => Kind::Text,
    }
}
