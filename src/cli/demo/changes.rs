//! What people do between the two imports, in the CRM and in Campaigns.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::files::{HOSPITALITY, NEWSLETTER};
use super::people::{ANN, BEN, CHLOE, NAMED};
use crate::cli::exit::{CliError, Exit};
use crate::sandbox::World;
use crate::sandbox::campaigns::list::Standing;
use crate::sandbox::campaigns::screens::Action;
use crate::sandbox::crm::edit::{Deletion, Touch};

/// How far the stand-ins' clock goes before the changes and again behind them. A run reads up to the second in which it
/// began, so what happens in that second would be left to the next one.
const LATER: SignedDuration = SignedDuration::from_mins(10);
/// Contacts that move to another city.
const MOVED: usize = 9;
/// Contacts that get another phone, which no definition maps.
const PHONED: usize = 5;
/// A lead that the sandbox always has, with 5,000,000 of revenue and 2,000 employees: just too small.
const CORNER: &str = "corner@hotels.example";

/// Makes the changes and tells them, one sentence each.
///
/// # Errors
/// A record is not there or cannot be changed.
pub(super) fn make(world: &mut World) -> Result<Vec<String>, CliError> {
    world.clock.advance(LATER);
    let id = |address| id_of(world, "Contacts", address);
    let (ann, ben, chloe) = (id(ANN.address)?, id(BEN.address)?, id(CHLOE.address)?);
    let corner = id_of(world, "Leads", CORNER)?;
    let others = others(world)?;
    let (moved, rest) = others.split_at(MOVED.min(others.len()));
    let (phoned, rest) = rest.split_at(PHONED.min(rest.len()));
    let Some((bounced, bouncing)) = rest.first() else {
        return Err(missing("has too few contacts"));
    };
    let contact = "Contacts";
    edit(world, contact, ann, json!({"Last_Name": "Morgan"}))?;
    edit(world, contact, ben, json!({"Email_Opt_Out": true}))?;
    let deleted = world.crm.delete(contact, chloe, Deletion::Recycle);
    deleted.map_err(failed)?;
    let dana =
        json!({"First_Name": "Dana", "Last_Name": "Silva", "Email": "dana.silva@example.com"});
    world.crm.create(contact, &dana).map_err(failed)?;
    for (id, _) in moved {
        edit(world, contact, *id, json!({"Mailing_City": "Porto"}))?;
    }
    for (id, _) in phoned {
        edit(world, contact, *id, json!({"Phone": "+44 1632 960999"}))?;
    }
    let now = world.clock.now();
    let bounce = world.campaigns.act(Action::Bounce(bouncing.clone()), now);
    bounce.map_err(failed)?;
    edit(world, contact, *bounced, json!({"Mailing_City": "Porto"}))?;
    edit(world, "Leads", corner, json!({"No_of_Employees": 2001}))?;
    world.clock.advance(LATER);
    Ok(vec![
        format!(
            "{} gets a new last name, and {} contacts another city.",
            ANN.name,
            moved.len()
        ),
        format!(
            "{} contacts get another phone number, which no file maps.",
            phoned.len()
        ),
        format!(
            "{} opts out of mail. {} is deleted. Dana Silva is added.",
            BEN.name, CHLOE.name
        ),
        "Mail to one contact bounces in Campaigns, and the CRM edits that contact later."
            .to_owned(),
        format!(
            "A lead grows from 2,000 to 2,001 employees and so belongs on {}.",
            HOSPITALITY.list
        ),
    ])
}

fn edit(world: &mut World, module: &str, id: u64, values: Value) -> Result<(), CliError> {
    let edited = world.crm.update(module, id, &values, Touch::Now);
    edited.map_err(failed)
}

/// The key of the list with this name.
pub(super) fn list_key(world: &World, name: &str) -> Result<String, CliError> {
    let lists = world.campaigns.list_views().into_iter();
    let found = lists.into_iter().find(|list| list.name == name);
    found
        .map(|list| list.key)
        .ok_or_else(|| missing("lacks a list"))
}

fn id_of(world: &World, module: &str, address: &str) -> Result<u64, CliError> {
    let records = world.crm.all(module).unwrap_or_default();
    let found = records.iter().find(|record| record["Email"] == address);
    found.and_then(id).ok_or_else(|| missing("lacks somebody"))
}

fn id(record: &Value) -> Option<u64> {
    record["id"].as_str()?.parse().ok()
}

/// Contacts on the newsletter that nobody else shares an address with, the three left out: id and address.
fn others(world: &World) -> Result<Vec<(u64, String)>, CliError> {
    let key = list_key(world, NEWSLETTER.list)?;
    let members = world.campaigns.members_of(&key, Some(Standing::Active));
    let on_list: BTreeSet<String> = members
        .unwrap_or_default()
        .into_iter()
        .map(|member| member.address.to_lowercase())
        .collect();
    let mut records: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for record in world.crm.all("Contacts").unwrap_or_default() {
        if let (Some(address), Some(id)) = (record["Email"].as_str(), id(&record)) {
            let address = address.trim().to_lowercase();
            records.entry(address).or_default().push(id);
        }
    }
    let is_other = |address: &str| NAMED.iter().all(|named| named.address != address);
    Ok(records
        .into_iter()
        .filter(|(address, ids)| ids.len() == 1 && on_list.contains(address) && is_other(address))
        .map(|(address, ids)| (ids[0], address))
        .collect())
}

fn missing(what: &str) -> CliError {
    CliError::because(
        Exit::Failed,
        format!("the sandbox {what}; please report this"),
    )
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> CliError {
    CliError::because(Exit::Failed, error)
}
