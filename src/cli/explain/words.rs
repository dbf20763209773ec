//! The selection and retrieval of a definition in whole sentences.

use std::time::Duration;

use jiff::tz::TimeZone;

use super::super::report::zone_name;
use crate::domain::criteria::explain::{denies, is_of_deals, of_deals};
use crate::domain::definition::{Retrieved, Selection, SyncDefinition};
use crate::domain::ids::FieldPath;
use crate::domain::schedule::Every;

/// What a selection of everything takes.
pub(super) fn all(definition: &SyncDefinition) -> String {
    let module = &definition.module;
    match module.as_str() {
        "Leads" => "all records of Leads that are not converted".to_owned(),
        _ => format!("all records of {module}"),
    }
}

/// What a selection by a view takes.
pub(super) fn view(definition: &SyncDefinition, view: &str) -> String {
    let module = &definition.module;
    format!("the records of {module} that the CRM shows in its view \"{view}\"")
}

/// What the conditions by themselves do not tell.
pub(super) fn notes(definition: &SyncDefinition) -> Vec<String> {
    let mut notes = Vec::new();
    if let Selection::Criteria {
        conditions,
        pattern,
    } = &definition.selection
    {
        if denies(pattern) {
            let empty = "A condition on an empty field is not true, unless it says \"is empty\".";
            notes.push(empty.to_owned());
        }
        notes.extend(one_deal(&of_deals(conditions)));
    }
    let takes_all = definition.selection == Selection::All;
    if definition.advanced.exclude_converted && !takes_all {
        notes.push("Converted leads among them are ignored.".to_owned());
    }
    notes
}

fn one_deal(numbers: &[usize]) -> Option<String> {
    let which = match numbers {
        [] => return None,
        [only] => format!("Condition {only} looks at a deal"),
        [first @ .., last] => {
            let first: Vec<String> = first.iter().map(ToString::to_string).collect();
            let first = first.join(", ");
            format!("Conditions {first} and {last} look at one and the same deal")
        }
    };
    Some(format!(
        "{which}: a contact belongs if the whole is true with at least one of its deals, or, where it has none, with the deal's fields empty."
    ))
}

/// The key's word for which records are taken up.
pub(super) fn retrieved(records: Retrieved) -> &'static str {
    match records {
        Retrieved::New => "new",
        Retrieved::Modified => "modified",
        Retrieved::NewAndModified => "new_and_modified",
    }
}

/// Which of the selected records runs take up, and when everything is read again; whether the definition
/// `uses_formulas`, only the CRM knows.
pub(super) fn retrieval(
    definition: &SyncDefinition,
    uses_formulas: Option<bool>,
    zone: &TimeZone,
) -> Vec<String> {
    let mut sentences = Vec::new();
    sentences.extend(created(definition, zone));
    if definition.schedule.every == Every::Once {
        sentences.push("It runs once and takes up all of them.".to_owned());
        return sentences;
    }
    let records = match definition.retrieval.records {
        Retrieved::New => "only those created since the run before",
        Retrieved::Modified => "only those changed since the run before and created earlier",
        Retrieved::NewAndModified => "those created or changed since the run before",
    };
    sentences.push(format!(
        "A run takes up {records}; the first one, and the first after a change of the definition, takes up all."
    ));
    sentences.push(reconciling(definition, uses_formulas));
    let over_lookups = |path: &FieldPath| !path.is_own() && !is_of_deals(path);
    if definition.paths().any(over_lookups) {
        let late = "A change of a record that is looked up, such as an account, is noticed then.";
        sentences.push(late.to_owned());
    }
    sentences
}

fn created(definition: &SyncDefinition, zone: &TimeZone) -> Option<String> {
    let retrieval = &definition.retrieval;
    let when = match (retrieval.created_from, retrieval.created_to) {
        (None, None) => return None,
        (Some(from), Some(to)) if from == to => format!("on {from}"),
        (Some(from), Some(to)) => format!("from {from} to {to} (both included)"),
        (Some(from), None) => format!("on {from} or later"),
        (None, Some(to)) => format!("on {to} or earlier"),
    };
    let zone = zone_name(zone);
    Some(format!(
        "Only those created {when} belong; days are those of {zone}."
    ))
}

fn reconciling(definition: &SyncDefinition, uses_formulas: Option<bool>) -> String {
    let usual = definition.reconcile_every(uses_formulas.unwrap_or(false));
    let computed = definition.reconcile_every(uses_formulas.unwrap_or(true));
    let or_sooner = match usual == computed {
        true => String::new(),
        false => format!(", or {} if a field it uses is a formula", every(computed)),
    };
    format!(
        "Everything is read again {}{or_sooner}: not every change in the CRM shows when it happens.",
        every(usual)
    )
}

fn every(span: Duration) -> String {
    const UNITS: [(u64, &str); 3] = [(86_400, "day"), (3600, "hour"), (60, "minute")];
    let seconds = span.as_secs();
    let unit = UNITS
        .into_iter()
        .find(|(length, _)| seconds >= *length && seconds.is_multiple_of(*length));
    let (length, noun) = unit.unwrap_or((1, "second"));
    match seconds / length {
        1 => format!("every {noun}"),
        number => format!("every {number} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_told_in_the_largest_unit_that_is_whole() {
        for (seconds, want) in [
            (604_800, "every 7 days"),
            (86_400, "every day"),
            (129_600, "every 36 hours"),
            (5400, "every 90 minutes"),
            (61, "every 61 seconds"),
            (1, "every second"),
        ] {
            assert_eq!(every(Duration::from_secs(seconds)), want);
        }
    }
}
