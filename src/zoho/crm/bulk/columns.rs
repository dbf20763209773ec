//! Which columns a job gives, and how its cells become what a query would have sent.
//!
//! A file has bare ids where a query has a related record with its name. So the name is asked for beside it, as a field
//! of the related record, and the two are put together again: the same record reads the same whichever way it came.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json, json};

use super::wire::ID;
use crate::domain::ids::{FieldPath, ModuleName};
use crate::domain::value::{Field, FieldType};
use crate::zoho::crm::Columns;
use crate::zoho::crm::coql::relations;
use crate::zoho::crm::wire::{self, Row};

/// Most columns of a job. Source: the CRM's "Bulk Read limitations" page for v8, November 2026.
const FIELDS_MAX: usize = 200;
/// Most relations that a job joins. UNCONFIRMED: the page names an error and no number; COQL's speaks of five.
const RELATIONS_MAX: usize = 5;

/// Whether Bulk Read gives these columns as a query would: not where the name of a related record could not be asked
/// for (owners and other users among them), and not beyond what one job gives.
#[must_use]
pub fn can_bulk(columns: &Columns) -> bool {
    let nameable =
        |field: &Field| field.field_type != FieldType::Lookup || name_of(field).is_some();
    let asked = asked(columns);
    columns.fields.iter().all(nameable)
        && asked.len() <= FIELDS_MAX
        && joined(&asked).len() <= RELATIONS_MAX
}

/// What a job is asked for, besides the id.
pub(super) fn asked(columns: &Columns) -> Vec<String> {
    let mut asked = vec![wire::MODIFIED_TIME.to_owned()];
    for field in &columns.fields {
        let each = [Some(field.api_name.clone()), name_of(field)];
        for name in each.into_iter().flatten() {
            if name != wire::ID && !asked.contains(&name) {
                asked.push(name);
            }
        }
    }
    asked
}

/// The relations that a job for these columns joins.
pub(super) fn joined(asked: &[String]) -> BTreeSet<&str> {
    asked.iter().flat_map(|name| relations(name)).collect()
}

/// The column with the name of the record that a lookup leads to.
fn name_of(field: &Field) -> Option<String> {
    let module = field.lookup.as_ref()?;
    let name = name_field(module)?;
    let name = format!("{}.{name}", field.api_name);
    let is_lookup = field.field_type == FieldType::Lookup;
    (is_lookup && name.parse::<FieldPath>().is_ok()).then_some(name)
}

/// The field that holds a module's names; all modules that an organisation made itself have the same. Source: the CRM's
/// list of standard modules and fields.
fn name_field(module: &ModuleName) -> Option<&'static str> {
    Some(match module.as_str() {
        "Accounts" => "Account_Name",
        "Contacts" | "Leads" => "Full_Name",
        "Deals" => "Deal_Name",
        "Vendors" => "Vendor_Name",
        "Products" => "Product_Name",
        "Campaigns" => "Campaign_Name",
        "Users" | "users" | "Tasks" | "Events" | "Calls" | "Activities" | "Notes"
        | "Attachments" | "Cases" | "Solutions" | "Quotes" | "Sales_Orders" | "Purchase_Orders"
        | "Invoices" | "Price_Books" | "Forecasts" => return None,
        _ => "Name",
    })
}

/// Where the cells of a file's rows belong.
#[derive(Debug)]
pub(super) struct Header {
    id: usize,
    modified_at: usize,
    cells: Vec<Cell>,
}

#[derive(Debug)]
struct Cell {
    column: String,
    place: usize,
    /// Of a lookup, where the name is.
    name: Option<usize>,
}

impl Header {
    /// The places of the columns in a file with these names.
    ///
    /// # Errors
    /// The first column that is not there.
    pub(super) fn of(columns: &Columns, names: &csv::StringRecord) -> Result<Self, String> {
        let place = |wanted: &str| {
            let plain = |name: &str| name.trim().trim_start_matches('\u{feff}').to_owned();
            let mut places = names.iter().map(plain);
            let exact = places.position(|name| name == wanted);
            let alike = || {
                names
                    .iter()
                    .map(plain)
                    .position(|name| name.eq_ignore_ascii_case(wanted))
            };
            exact.or_else(alike).ok_or_else(|| wanted.to_owned())
        };
        let cell = |field: &Field| {
            Ok(Cell {
                place: place(&field.api_name)?,
                name: name_of(field).map(|name| place(&name)).transpose()?,
                column: field.api_name.clone(),
            })
        };
        Ok(Self {
            id: place(ID)?,
            modified_at: place(wire::MODIFIED_TIME)?,
            cells: columns
                .fields
                .iter()
                .map(cell)
                .collect::<Result<_, String>>()?,
        })
    }

    /// The row as a query would have sent it.
    pub(super) fn row(&self, cells: &csv::StringRecord) -> Row {
        let cell = |place: usize| match cells.get(place) {
            None | Some("") => Json::Null,
            Some(text) => json!(text),
        };
        let mut row = Map::new();
        for column in &self.cells {
            let json = match (cell(column.place), column.name) {
                (Json::Null, _) => Json::Null,
                (id, Some(name)) => json!({"id": id, "name": cell(name)}),
                (value, None) => value,
            };
            row.insert(column.column.clone(), json);
        }
        row.insert(wire::ID.to_owned(), cell(self.id));
        row.insert(wire::MODIFIED_TIME.to_owned(), cell(self.modified_at));
        row
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zoho::crm::tests::columns;

    fn lookup(name: &str, module: Option<&str>) -> Field {
        Field {
            field_type: FieldType::Lookup,
            lookup: module.map(|module| module.parse().unwrap()),
            ..columns(&[name]).fields.remove(0)
        }
    }

    fn with(lookups: Vec<Field>) -> Columns {
        let mut columns = columns(&["Email"]);
        columns.fields.extend(lookups);
        columns
    }

    #[test]
    fn a_lookup_is_asked_for_with_its_name_or_not_at_all() {
        for (field, want) in [
            (
                lookup("Account_Name", Some("Accounts")),
                Some("Account_Name.Account_Name"),
            ),
            (
                lookup("Contact", Some("Contacts")),
                Some("Contact.Full_Name"),
            ),
            (lookup("Lead", Some("Leads")), Some("Lead.Full_Name")),
            (lookup("A.Deal", Some("Deals")), Some("A.Deal.Deal_Name")),
            (
                lookup("Vendor", Some("Vendors")),
                Some("Vendor.Vendor_Name"),
            ),
            (
                lookup("Product", Some("Products")),
                Some("Product.Product_Name"),
            ),
            (
                lookup("Source", Some("Campaigns")),
                Some("Source.Campaign_Name"),
            ),
            (lookup("Hotel", Some("Hotels")), Some("Hotel.Name")),
            (lookup("A.B.Account", Some("Accounts")), None),
            (lookup("Task", Some("Tasks")), None),
            (lookup("Owner", None), None),
        ] {
            let columns = with(vec![field]);
            assert_eq!(can_bulk(&columns), want.is_some(), "{columns:?}");
            assert_eq!(asked(&columns).get(3).map(String::as_str), want);
        }
    }

    #[test]
    fn a_job_has_its_limits() {
        let names: Vec<String> = (0..199).map(|n| format!("F{n}")).collect();
        let mut many = columns(&names.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(can_bulk(&many));
        many.fields.extend(columns(&["G"]).fields);
        assert!(!can_bulk(&many));
        assert!(can_bulk(&columns(&["A.x", "A.B.x", "C.x", "D.x", "E.x"])));
        assert!(!can_bulk(&columns(&[
            "A.x", "A.B.x", "C.x", "D.x", "E.x", "F.x"
        ])));
    }

    #[test]
    fn cells_find_their_columns_whatever_their_order() {
        let columns = with(vec![lookup("Account_Name", Some("Accounts"))]);
        let names = [
            "\u{feff}Account_Name.Account_Name",
            "Email",
            "id",
            "Modified_Time",
            "Account_Name",
        ];
        let header = Header::of(&columns, &names.to_vec().into()).unwrap();
        let row = header.row(&vec!["Orto", "", "77", "2026-03-04T09:15:27+01:00", "5"].into());
        assert_eq!(
            Json::Object(row),
            json!({"id": "77", "Modified_Time": "2026-03-04T09:15:27+01:00", "Email": null,
                "Account_Name": {"id": "5", "name": "Orto"}})
        );
        let row = header.row(&vec!["", "a", "77", "", ""].into());
        assert_eq!(row["Account_Name"], Json::Null);
        let missing = Header::of(&columns, &vec!["Id", "Modified_Time", "Email"].into());
        assert_eq!(missing.unwrap_err(), "Account_Name");
    }
}
