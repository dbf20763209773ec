//! The CRM half of the sandbox: modules with records, read as CRM v8 has them read.
//!
//! Every rule of the documentation that a reader can run into is here, with its error: what a page may ask for, how long a page
//! token lives, what COQL allows. Records are changed through [`Crm`]'s own methods and through `/sandbox/crm`, never through the
//! CRM's writing calls, which the daemon does not make.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

pub(crate) mod answer;
mod bulk;
mod caller;
mod cell;
mod change;
mod comparator;
pub(crate) mod control;
mod coql;
mod criteria;
mod deleted;
pub(crate) mod edit;
mod field;
mod formula;
mod judge;
mod metadata;
mod module;
mod page_token;
mod records;
mod relative;
mod routes;
mod schema;
pub(crate) mod settings;
#[cfg(test)]
mod testing;
pub(crate) mod view;

use bulk::Bulk;
pub(crate) use cell::{Cell, whole_seconds};
pub(crate) use control::control_routes;
use field::DataType;
use module::{Module, Row};
pub(crate) use routes::routes;
pub(crate) use schema::MODULES;
use settings::Settings;

use super::clock::SandboxClock;

/// Ids of records begin here, behind those of modules, fields and views.
const FIRST_ID: u64 = 1_000_000;

/// The organisation's CRM.
#[derive(Debug)]
pub(crate) struct Crm {
    clock: SandboxClock,
    seed: u64,
    modules: Vec<Module>,
    last_id: u64,
    /// How many times people were generated, so that each time brings others.
    generations: u64,
    /// What the organisation is known by; another one here is another organisation behind the same credentials.
    organisation: String,
    settings: Settings,
    bulk: Bulk,
}

impl Crm {
    /// A CRM with its modules and no record.
    pub(crate) fn new(clock: SandboxClock, seed: u64) -> Self {
        Self {
            clock,
            seed,
            modules: schema::modules(),
            last_id: schema::ORGANISATION + FIRST_ID,
            generations: 0,
            organisation: "4876876".to_owned(),
            settings: Settings::default(),
            bulk: Bulk::default(),
        }
    }

    /// The time now, as records carry it.
    pub(crate) fn now(&self) -> Timestamp {
        whole_seconds(self.clock.now())
    }

    /// A number for the next people to be generated; no two calls get the same.
    pub(crate) fn next_generation(&mut self) -> u64 {
        self.generations += 1;
        self.seed.wrapping_mul(1000).wrapping_add(self.generations)
    }

    /// How many records were ever added, deleted ones included.
    pub(crate) fn ever_added(&self) -> u64 {
        self.last_id - schema::ORGANISATION - FIRST_ID
    }

    /// The ids of a module's records.
    pub(crate) fn ids(&self, module: &str) -> Vec<u64> {
        self.module(module)
            .map_or_else(Vec::new, |module| module.rows.keys().copied().collect())
    }

    fn module(&self, api_name: &str) -> Option<&Module> {
        self.modules
            .iter()
            .find(|module| module.api_name == api_name)
    }

    fn module_mut(&mut self, api_name: &str) -> Option<&mut Module> {
        self.modules
            .iter_mut()
            .find(|module| module.api_name == api_name)
    }

    /// What `row` of `module` holds at `position`, as CRM sends it: lookups with their name.
    fn render(&self, module: &Module, row: &Row, position: usize) -> Value {
        let field = &module.fields[position];
        let computed;
        let cell = match field.formula {
            Some(formula) => {
                computed = self.compute(module, row, formula);
                &computed
            }
            None => row.cell(position),
        };
        match (field.data_type, cell) {
            (DataType::OwnerLookup, Cell::Ref(id)) => {
                let owner = schema::USERS.iter().find(|(user, ..)| user == id);
                owner.map_or(
                    Value::Null,
                    |(id, name, email)| json!({"name": name, "id": id.to_string(), "email": email}),
                )
            }
            (DataType::Lookup, Cell::Ref(id)) => {
                let target = field.target.and_then(|target| self.module(target));
                let found = target.and_then(|target| Some((target, target.rows.get(id)?)));
                found.map_or(Value::Null, |(target, row)| {
                    let name = row.cell(target.name_position()).render(DataType::Text);
                    json!({"name": name, "id": id.to_string()})
                })
            }
            (data_type, cell) => cell.render(data_type),
        }
    }

    /// All fields of `row` that people may see.
    fn render_all(&self, module: &Module, row: &Row) -> Value {
        let fields = module.fields.iter().enumerate();
        let shown = fields.filter(|(_, field)| field.visible);
        shown
            .map(|(position, field)| (field.api_name.clone(), self.render(module, row, position)))
            .collect::<Map<_, _>>()
            .into()
    }

    /// Every record of a module with all its fields, by id; `None` for a module there is not.
    pub(crate) fn all(&self, module: &str) -> Option<Vec<Value>> {
        let module = self.module(module)?;
        Some(
            module
                .rows
                .values()
                .map(|row| self.render_all(module, row))
                .collect(),
        )
    }

    /// How many records a module has.
    pub(crate) fn count(&self, module: &str) -> usize {
        self.module(module).map_or(0, |module| module.rows.len())
    }
}
