//! Fields of related records, as far as the files alone tell what is wrong with them; the rest the metadata tells.

use super::raw::RawSync;
use super::report::Report;
use crate::domain::ids::{FieldPath, ModuleName};

/// How paths name the deals of a contact.
const DEALS: [&str; 2] = ["Deals", "Potentials"];

/// Notes every field of deals, unless the module is Contacts, whose records alone have them.
pub(super) fn deals_of_others(raw: &RawSync, module: &ModuleName, report: &mut Report<'_>) {
    if module.as_str() == "Contacts" {
        return;
    }
    let conditions = raw.select.iter().flat_map(|raw| raw.criteria.iter());
    for (index, condition) in conditions.flatten().enumerate() {
        if let Some(field) = &condition.field {
            let path = format!("select.criteria[{index}].field");
            of_deals(&path, field, module, report);
        }
    }
    for (label, field) in &raw.map {
        of_deals(&format!("map.{label}"), field, module, report);
    }
}

fn of_deals(path: &str, field: &str, module: &ModuleName, report: &mut Report<'_>) {
    let first = field.trim().split_once('.').map(|(first, _)| first);
    if first.is_some_and(|first| DEALS.contains(&first)) {
        let message = format!("records of {module} have no deals, so there is no `{field}`");
        let help = "only those of Contacts have them".to_owned();
        report.wrong(path, message, help);
    }
}

/// Notes an address that is not kept in the record itself.
pub(super) fn address(path: &str, field: &FieldPath, report: &mut Report<'_>) {
    if !field.is_own() {
        let message = format!("`{field}` is a field of a related record");
        let help = "a contact's address is a field of the record itself".to_owned();
        report.wrong(path, message, help);
    }
}
