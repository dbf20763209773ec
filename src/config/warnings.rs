//! What a definition says that is allowed and probably not meant, or does more than its words say.

use std::collections::{BTreeMap, BTreeSet};

use super::document::{Aim, Document};
use super::problem::Problem;
use crate::domain::definition::{Departure, SyncDefinition, WayOff};
use crate::domain::ids::{AccountName, SyncId};

/// The warnings about definitions, in the order of their ids; `topics` are the accounts that use the topic model.
pub(super) fn warnings(
    definitions: &BTreeMap<SyncId, SyncDefinition>,
    documents: &BTreeMap<SyncId, Document>,
    topics: &BTreeSet<AccountName>,
) -> Vec<Problem> {
    let mut warnings = Vec::new();
    let mut earlier: Vec<&SyncDefinition> = Vec::new();
    for definition in definitions.values() {
        let Some(document) = documents.get(&definition.id) else {
            continue;
        };
        let mut warn = |path: &str, message: String, help: &str| {
            let span = document.locate(path, Aim::Value);
            warnings.push(document.problem_in(span, message, Some(help.to_owned())));
        };
        twins(definition, &earlier, &mut warn);
        goings(definition, topics.contains(&definition.account), &mut warn);
        earlier.push(definition);
    }
    warnings
}

/// Definitions of an account that are taken for each other, or do each other's work.
fn twins(
    definition: &SyncDefinition,
    earlier: &[&SyncDefinition],
    warn: &mut impl FnMut(&str, String, &str),
) {
    let same_account = earlier
        .iter()
        .filter(|other| other.account == definition.account);
    for other in same_account {
        if other.name == definition.name {
            let message = format!("sync `{}` of this account has the same name", other.id);
            warn("name", message, "people will mistake one for the other");
        }
        if other.list == definition.list
            && other.module == definition.module
            && other.selection == definition.selection
            && other.retrieval == definition.retrieval
        {
            let message = format!("sync `{}` puts the same records on the same list", other.id);
            warn("list", message, "remove one of the two files");
        }
    }
}

/// What taking contacts off does besides. An opt-out has to take its contact off in any case, so that there is nothing
/// to warn of where it is only unsubscribed.
fn goings(definition: &SyncDefinition, topics: bool, warn: &mut impl FnMut(&str, String, &str)) {
    let advanced = &definition.advanced;
    for (key, departure) in [("deleted", advanced.deleted), ("left", advanced.left)] {
        let path = format!("advanced.{key}");
        if topics && departure != Departure::Keep {
            let message = format!(
                "account `{}` uses the topic model: this unsubscribes a contact from everything the organisation sends, not from this list alone",
                definition.account
            );
            warn(&path, message, "use \"keep\" unless that is meant");
        }
        if departure == Departure::Remove {
            removes(&path, warn);
        }
    }
    if advanced.opted_out == WayOff::Remove {
        removes("advanced.opted_out", warn);
    }
}

fn removes(path: &str, warn: &mut impl FnMut(&str, String, &str)) {
    let message = "Campaigns cannot take one contact off a list: `remove` unsubscribes it, tags it `Removed by CRM sync`, and forgets it";
    let help = "delete the contacts with that tag in Campaigns, if they are to be gone there";
    warn(path, message.to_owned(), help);
}
