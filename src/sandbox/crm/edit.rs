//! Records as people in the CRM change them.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::Crm;
use super::cell::{Cell, whole_seconds};
use super::field::DataType;
use super::module::{Gone, Module, Row};
use super::schema::{CREATED, ID, MODIFIED, OWNER, USERS};

/// What a change does to `Modified_Time`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Touch {
    /// It moves to now, as in the CRM.
    Now,
    /// It stays: what formulas and imports do.
    Leave,
}

/// Where a deleted record goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deletion {
    /// To the recycle bin, from which it can come back.
    Recycle,
    /// Away.
    Permanent,
}

/// Why a change was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EditError {
    #[error("there is no module {0}: use its API name")]
    Module(String),
    #[error("module {module} has no record {id}")]
    Record { module: String, id: u64 },
    #[error("module {module} has no field {field}: use its API name")]
    Field { module: String, field: String },
    #[error("module {module} has no view {view}")]
    View { module: String, view: String },
    #[error("record {id} of module {module} is not in the recycle bin")]
    NotInBin { module: String, id: u64 },
    #[error("module {module} has a record {id} already")]
    IdTaken { module: String, id: u64 },
    #[error("{0}")]
    Value(String),
    #[error("a record's values must be a JSON object, not {0}")]
    NotAnObject(String),
}

impl Crm {
    /// Adds a record with `values`, a JSON object by API name in which `id` and the times may be set too; returns its id.
    pub(crate) fn create(&mut self, module: &str, values: &Value) -> Result<u64, EditError> {
        let now = self.now();
        let next_id = self.last_id + 1;
        let target = self
            .module_mut(module)
            .ok_or_else(|| EditError::Module(module.to_owned()))?;
        let mut row = blank(target, next_id, now);
        set(target, &mut row, values)?;
        let id = row.id();
        if target.rows.contains_key(&id) || target.gone.contains_key(&id) {
            let module = module.to_owned();
            return Err(EditError::IdTaken { module, id });
        }
        target.put(row);
        self.last_id = self.last_id.max(id);
        Ok(id)
    }

    /// Adds a generated record: faster, and with times of its own.
    pub(crate) fn insert(
        &mut self,
        module: &str,
        cells: Vec<(&str, Cell)>,
        created: Timestamp,
        modified: Timestamp,
    ) -> u64 {
        self.last_id += 1;
        let id = self.last_id;
        if let Some(target) = self.module_mut(module) {
            let mut row = blank(target, id, created);
            row.0[MODIFIED] = Cell::At(modified);
            for (name, cell) in cells {
                if let Some(position) = target.position(name) {
                    row.0[position] = cell;
                }
            }
            name_in_full(target, &mut row);
            target.put(row);
        }
        id
    }

    /// Changes the fields in `values` of a record.
    pub(crate) fn update(
        &mut self,
        module: &str,
        id: u64,
        values: &Value,
        touch: Touch,
    ) -> Result<(), EditError> {
        let now = self.now();
        let target = self
            .module_mut(module)
            .ok_or_else(|| EditError::Module(module.to_owned()))?;
        let missing = || EditError::Record {
            module: module.to_owned(),
            id,
        };
        let mut row = target.rows.get(&id).cloned().ok_or_else(missing)?;
        if touch == Touch::Now {
            row.0[MODIFIED] = Cell::At(now);
        }
        set(target, &mut row, values)?;
        row.0[ID] = Cell::Ref(id);
        target.put(row);
        Ok(())
    }

    /// Deletes a record, or takes one out of the recycle bin for good.
    pub(crate) fn delete(
        &mut self,
        module: &str,
        id: u64,
        deletion: Deletion,
    ) -> Result<(), EditError> {
        let now = self.now();
        let target = self
            .module_mut(module)
            .ok_or_else(|| EditError::Module(module.to_owned()))?;
        let binned = target.gone.get_mut(&id).filter(|gone| gone.row.is_some());
        let row = match (target.rows.contains_key(&id), binned, deletion) {
            (true, _, Deletion::Recycle) => target.take(id),
            (true, _, Deletion::Permanent) => target.take(id).and(None),
            (false, Some(_), Deletion::Permanent) => None,
            (false, Some(_) | None, Deletion::Recycle) | (false, None, Deletion::Permanent) => {
                let module = module.to_owned();
                return Err(EditError::Record { module, id });
            }
        };
        target.gone.insert(
            id,
            Gone {
                deleted_at: now,
                row,
            },
        );
        Ok(())
    }

    /// Brings a record back from the recycle bin.
    pub(crate) fn restore(&mut self, module: &str, id: u64, touch: Touch) -> Result<(), EditError> {
        let now = self.now();
        let target = self
            .module_mut(module)
            .ok_or_else(|| EditError::Module(module.to_owned()))?;
        let Some(mut row) = target.gone.get_mut(&id).and_then(|gone| gone.row.take()) else {
            let module = module.to_owned();
            return Err(EditError::NotInBin { module, id });
        };
        target.gone.remove(&id);
        if touch == Touch::Now {
            row.0[MODIFIED] = Cell::At(now);
        }
        target.put(row);
        Ok(())
    }

    /// Converts a lead: it gets a contact, and an account where it names a company; returns the contact's id.
    pub(crate) fn convert(&mut self, id: u64) -> Result<u64, EditError> {
        let missing = || EditError::Record {
            module: "Leads".to_owned(),
            id,
        };
        let leads = self.module("Leads").ok_or_else(missing)?;
        let row = leads.rows.get(&id).ok_or_else(missing)?;
        let lead = self.render_all(leads, row);
        let mut contact: Map<String, Value> = [
            "First_Name",
            "Last_Name",
            "Email",
            "Secondary_Email",
            "Phone",
            "Email_Opt_Out",
        ]
        .iter()
        .map(|name| ((*name).to_owned(), lead[*name].clone()))
        .collect();
        let mut account = Value::Null;
        if lead["Company"].is_string() {
            let made = self.create(
                "Accounts",
                &json!({"Account_Name": lead["Company"], "Industry": lead["Industry"]}),
            )?;
            account = json!(made);
        }
        contact.insert("Account_Name".to_owned(), account.clone());
        let contact = self.create("Contacts", &contact.into())?;
        let marks = json!({
            "Converted__s": true,
            "Converted_Date_Time": self.now().to_string(),
            "Converted_Contact": contact,
            "Converted_Account": account,
        });
        self.update("Leads", id, &marks, Touch::Now)?;
        Ok(contact)
    }

    /// Forgets all records of all modules.
    pub(crate) fn clear(&mut self) {
        self.modules.iter_mut().for_each(Module::clear);
    }
}

/// A record of `module` with nothing but what every record has.
fn blank(module: &Module, id: u64, at: Timestamp) -> Row {
    let at = whole_seconds(at);
    let user = Cell::Ref(USERS[0].0);
    let cells = module.fields.iter().map(|field| match field.data_type {
        DataType::Boolean => Cell::Bool(false),
        DataType::OwnerLookup => user.clone(),
        DataType::Picklist if field.api_name == "Record_Status__s" => Cell::text("Available"),
        DataType::Text
        | DataType::TextArea
        | DataType::Email
        | DataType::Phone
        | DataType::Website
        | DataType::Picklist
        | DataType::MultiSelect
        | DataType::Integer
        | DataType::BigInt
        | DataType::Double
        | DataType::Currency
        | DataType::Date
        | DataType::DateTime
        | DataType::Lookup => Cell::Null,
    });
    let mut row = Row(cells.collect());
    row.0[ID] = Cell::Ref(id);
    row.0[OWNER] = user;
    row.0[CREATED] = Cell::At(at);
    row.0[MODIFIED] = Cell::At(at);
    row
}

/// Sets the fields in `values`, all or none.
fn set(module: &Module, row: &mut Row, values: &Value) -> Result<(), EditError> {
    let values = values
        .as_object()
        .ok_or_else(|| EditError::NotAnObject(values.to_string()))?;
    for (name, value) in values {
        let position = module.position(name).ok_or_else(|| EditError::Field {
            module: module.api_name.clone(),
            field: name.clone(),
        })?;
        if module.fields[position].formula.is_some() {
            let text = format!("field {name} is a formula: change what it is made of");
            return Err(EditError::Value(text));
        }
        let cell = Cell::parse(&module.fields[position], value).map_err(EditError::Value)?;
        if cell.is_null() && [ID, CREATED, MODIFIED].contains(&position) {
            return Err(EditError::Value(format!("field {name} must hold a value")));
        }
        row.0[position] = cell;
    }
    if !values.contains_key("Full_Name") {
        name_in_full(module, row);
    }
    Ok(())
}

/// Puts first and last name together where a module shows them so.
fn name_in_full(module: &Module, row: &mut Row) {
    let names = ["First_Name", "Last_Name", "Full_Name"].map(|name| module.position(name));
    let [Some(first), Some(last), Some(full)] = names else {
        return;
    };
    let parts = [row.cell(first), row.cell(last)].map(|cell| match cell {
        Cell::Text(text) => &**text,
        _ => "",
    });
    let name = parts.join(" ");
    row.0[full] = Cell::text(name.trim());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::clock::SandboxClock;

    fn crm() -> Crm {
        Crm::new(SandboxClock::default(), 1)
    }

    #[test]
    fn a_record_comes_and_goes_and_comes_back() {
        let mut crm = crm();
        let id = crm
            .create(
                "Contacts",
                &json!({"Last_Name": "Rossi", "First_Name": "Ada"}),
            )
            .unwrap();
        assert_eq!(crm.all("Contacts").unwrap()[0]["Full_Name"], "Ada Rossi");
        crm.delete("Contacts", id, Deletion::Recycle).unwrap();
        assert_eq!(crm.count("Contacts"), 0);
        crm.restore("Contacts", id, Touch::Leave).unwrap();
        assert_eq!(crm.count("Contacts"), 1);
        crm.delete("Contacts", id, Deletion::Permanent).unwrap();
        let again = crm.restore("Contacts", id, Touch::Leave).unwrap_err();
        assert_eq!(
            again.to_string(),
            format!("record {id} of module Contacts is not in the recycle bin")
        );
    }

    #[test]
    fn what_cannot_be_is_refused_with_a_sentence() {
        let mut crm = crm();
        for (module, values, want) in [
            (
                "Persons",
                json!({}),
                "there is no module Persons: use its API name",
            ),
            (
                "Leads",
                json!({"Mail": "x"}),
                "module Leads has no field Mail: use its API name",
            ),
            (
                "Leads",
                json!([]),
                "a record's values must be a JSON object, not []",
            ),
            (
                "Leads",
                json!({"Annual_Revenue": true}),
                "field Annual_Revenue of type currency cannot hold true",
            ),
            (
                "Leads",
                json!({"Modified_Time": null}),
                "field Modified_Time must hold a value",
            ),
            (
                "Leads",
                json!({"Age_in_Days": 5}),
                "field Age_in_Days is a formula: change what it is made of",
            ),
        ] {
            assert_eq!(crm.create(module, &values).unwrap_err().to_string(), want);
        }
        assert_eq!(crm.count("Leads"), 0);
    }

    #[test]
    fn a_converted_lead_leaves_a_contact_with_an_account() {
        let mut crm = crm();
        let lead = json!({"Last_Name": "Rossi", "Email": "a@example.org", "Company": "Orto", "Email_Opt_Out": true});
        let id = crm.create("Leads", &lead).unwrap();
        let contact = crm.convert(id).unwrap();
        let lead = &crm.all("Leads").unwrap()[0];
        assert_eq!(lead["Converted__s"], true);
        assert_eq!(lead["Converted_Contact"]["id"], contact.to_string());
        let contact = &crm.all("Contacts").unwrap()[0];
        assert_eq!(contact["Account_Name"]["name"], "Orto");
        assert_eq!(contact["Email_Opt_Out"], true);
    }
}
