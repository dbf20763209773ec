//! Draws of records, for the fields that a draw of conditions looks at.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json, json};

use super::chance::{Draw, one, spelling};
use super::organisation::Organisation;
use super::pools::{DAYS, INSTANTS, NUMBERS, TEXTS, WHOLE};
use crate::sandbox::crm::Crm as Sandbox;
use crate::sandbox::crm::edit::Deletion;
use crate::sandbox::random::Random;

/// The first ids that lookups may hold; those of users are among them.
pub(super) const IDS: [u64; 6] = [
    ACCOUNT,
    ACCOUNT + 1,
    CONTACT,
    CONTACT + 1,
    4_876_876_000_000_086_001,
    4_876_876_000_000_086_002,
];
const ACCOUNT: u64 = 5_000;
const ACCOUNTS: u64 = 4;
const CONTACT: u64 = 6_000;
const DEAL: u64 = 7_000;
const OTHER: u64 = 8_000;

/// Fills the sandbox with records whose fields are drawn where `draw` looks at them.
pub(super) fn fill(
    random: &mut Random,
    sandbox: &mut Sandbox,
    organisation: &Organisation,
    draw: &Draw,
) {
    sandbox.clear();
    let looked_at: BTreeSet<(&str, &str)> = draw
        .asked
        .iter()
        .map(|(path, _)| (path.module.as_str(), path.name()))
        .collect();
    let contacts = if draw.module == "Contacts" {
        8 + random.below(5)
    } else {
        3
    };
    let deals = match draw.module {
        "Contacts" => random.below(14),
        "Leads" => 2,
        _ => 0,
    };
    let others = if draw.module == "Contacts" {
        0
    } else {
        8 + random.below(5)
    };
    let plan = [
        ("Accounts", ACCOUNT, ACCOUNTS),
        ("Contacts", CONTACT, contacts),
        ("Deals", DEAL, deals),
        (draw.module, OTHER, others),
    ];
    for (module, first, count) in plan {
        let looked_at = looked_at.iter().filter(|(of, _)| *of == module);
        let names: BTreeSet<&str> = looked_at.map(|(_, name)| *name).collect();
        for place in 0..count {
            let mut values = Map::from_iter([("id".to_owned(), json!(first + place))]);
            for name in names.iter().chain(always(module)) {
                let field = organisation.field(module, name).unwrap();
                if let Some(value) = value(random, field) {
                    values.insert((*name).to_owned(), value);
                }
            }
            sandbox.create(module, &Json::Object(values)).unwrap();
        }
    }
    // Lookups may lead to what was deleted.
    if random.chance(200) {
        let account = ACCOUNT + random.below(ACCOUNTS);
        sandbox
            .delete("Accounts", account, Deletion::Recycle)
            .unwrap();
    }
}

/// What ties the records together, their names, and what formulas are made of.
fn always(module: &str) -> &'static [&'static str] {
    match module {
        "Accounts" => &[
            "Account_Name",
            "Parent_Account",
            "Annual_Revenue",
            "Industry",
        ],
        "Contacts" => &["Last_Name", "Account_Name", "Reporting_To"],
        "Deals" => &["Deal_Name", "Account_Name", "Contact_Name"],
        "Leads" => &[
            "Last_Name",
            "Converted_Account",
            "Converted_Contact",
            "Converted_Deal",
            "Annual_Revenue",
            "No_of_Employees",
        ],
        _ => &["Name", "Contact"],
    }
}

/// A value for a field; nothing for one that cannot be set.
fn value(random: &mut Random, field: &Json) -> Option<Json> {
    let name = field["api_name"].as_str().unwrap();
    let data_type = field["data_type"].as_str().unwrap();
    if ["formula", "bigint"].contains(&data_type) {
        return None;
    }
    let needed = ["Created_Time", "Modified_Time"].contains(&name);
    if !needed && random.chance(150) {
        return Some(Json::Null);
    }
    Some(match data_type {
        "integer" => one(random, &WHOLE).parse().unwrap(),
        "double" | "currency" => one(random, &NUMBERS).parse().unwrap(),
        "boolean" => json!(random.chance(500)),
        "date" => json!(one(random, &DAYS)),
        "datetime" => json!(one(random, &INSTANTS)),
        "picklist" => json!(spelling(random, field)),
        "multiselectpicklist" => {
            let count = random.below(4);
            (0..count).map(|_| spelling(random, field)).collect()
        }
        "ownerlookup" => json!(random.pick(&IDS[4..])),
        "lookup" => {
            let target = field["lookup"]["module"]["api_name"].as_str().unwrap();
            let (first, count) = match target {
                "Accounts" => (ACCOUNT, ACCOUNTS),
                "Contacts" => (CONTACT, 3),
                _ => (DEAL, 2),
            };
            json!(first + random.below(count))
        }
        _ => json!(one(random, &TEXTS)),
    })
}
