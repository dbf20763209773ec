//! Invented people, with the defects of real data.
//!
//! The same seed invents the same people. Their addresses are under names reserved for examples, so that nobody is ever written
//! to. Three contacts are always there, each with an address that no other record has: Ann Lee <ann.lee@example.com>, Ben
//! O'Brien <ben.obrien@example.org> and Chloe Łukasz <chloe.lukasz@example.net>; and four hospitality leads on both sides of
//! 5,000,000 of revenue and 2,000 employees.

mod address;
mod drafts;
mod names;

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use address::Addresses;
use drafts::{hours, one_of};

use super::crm::{Cell, Crm, MODULES};
use super::random::Random;

/// How far back records were created, and how long they have been left alone at least.
const CREATED_WITHIN_HOURS: u64 = 2 * 365 * 24;
const LEFT_ALONE: SignedDuration = SignedDuration::from_hours(1);

/// Added to a seed for the numbers that relations are drawn by.
const RELATIONS: u64 = 0x52_45_4C;

/// Fills an empty CRM: `people` contacts and as many leads, the other modules in proportion.
pub(crate) fn fill(crm: &mut Crm, people: usize, seed: u64) {
    if people == 0 {
        return;
    }
    let mut inventor = Inventor::new(crm, seed);
    inventor.many("Accounts", people.div_ceil(10));
    inventor.named_contacts();
    inventor.many("Contacts", people.saturating_sub(3));
    inventor.hospitality_leads();
    inventor.many("Leads", people.saturating_sub(4));
    inventor.many("Deals", people.div_ceil(5));
    inventor.many("Event_Guests", people.div_ceil(5));
}

/// Adds `count` more records to a module; false for a module there is not.
pub(crate) fn more(crm: &mut Crm, module: &str, count: usize) -> bool {
    if !MODULES.contains(&module) {
        return false;
    }
    let seed = crm.next_generation();
    Inventor::new(crm, seed).many(module, count);
    true
}

/// The fields of a record to be.
type Draft = Vec<(&'static str, Cell)>;

struct Inventor<'a> {
    crm: &'a mut Crm,
    random: Random,
    /// For what relations there are, apart from `random` so that the people stay who they are.
    relations: Random,
    addresses: Addresses,
    accounts: Vec<u64>,
    contacts: Vec<u64>,
    /// Whom the last deal was with.
    partner: Cell,
    now: Timestamp,
}

impl<'a> Inventor<'a> {
    fn new(crm: &'a mut Crm, seed: u64) -> Self {
        Self {
            random: Random::new(seed),
            relations: Random::new(seed.wrapping_add(RELATIONS)),
            partner: Cell::Null,
            addresses: Addresses::default(),
            accounts: crm.ids("Accounts"),
            contacts: crm.ids("Contacts"),
            now: crm.now(),
            crm,
        }
    }

    fn many(&mut self, module: &str, count: usize) {
        for _ in 0..count {
            let draft = match module {
                "Leads" => self.lead(),
                "Contacts" => self.contact(),
                "Accounts" => self.account(),
                "Deals" => self.deal(),
                _ => self.event_guest(),
            };
            self.add(module, draft);
        }
    }

    /// Adds a record, created and last modified some time ago.
    fn add(&mut self, module: &str, draft: Draft) {
        let created_ago = LEFT_ALONE + hours(1 + self.random.below(CREATED_WITHIN_HOURS));
        let created_at =
            self.now - created_ago - SignedDuration::from_secs(seconds(&mut self.random));
        let since = (self.now.duration_since(created_at) - LEFT_ALONE).as_secs();
        let after = self.random.below(u64::try_from(since).unwrap_or(0));
        let modified_at = created_at + SignedDuration::from_secs(i64::try_from(after).unwrap_or(0));
        let id = self.crm.insert(module, draft, created_at, modified_at);
        match module {
            "Accounts" => self.accounts.push(id),
            "Contacts" => self.contacts.push(id),
            _ => {}
        }
    }

    fn named_contacts(&mut self) {
        for (first, last, email) in [
            ("Ann", "Lee", "ann.lee@example.com"),
            ("Ben", "O'Brien", "ben.obrien@example.org"),
            ("Chloe", "Łukasz", "chloe.lukasz@example.net"),
        ] {
            let draft = vec![
                ("First_Name", Cell::text(first)),
                ("Last_Name", Cell::text(last)),
                ("Email", Cell::text(email)),
                ("Mailing_City", Cell::text("Lisbon")),
                ("Customer_Tier", Cell::text("Gold")),
                ("Account_Name", one_of(&mut self.random, &self.accounts)),
            ];
            self.add("Contacts", draft);
        }
    }

    /// Leads for the example of the help page: revenue over 5,000,000 or more than 2,000 employees, in all combinations.
    fn hospitality_leads(&mut self) {
        for (last, revenue, employees) in [
            ("Grand", 9_500_000, 300),
            ("Hostel", 800_000, 2600),
            ("Palace", 12_000_000, 4100),
            ("Corner", 5_000_000, 2000),
        ] {
            let email = format!("{}@hotels.example", last.to_lowercase());
            let draft = vec![
                ("First_Name", Cell::text("Hotel")),
                ("Last_Name", Cell::text(last)),
                ("Email", Cell::text(&email)),
                ("Company", Cell::text(&format!("{last} Hotel"))),
                ("Industry", Cell::text("Hospitality")),
                ("Lead_Status", Cell::text("Converted")),
                ("Annual_Revenue", Cell::Number(Decimal::from(revenue))),
                ("No_of_Employees", Cell::Number(Decimal::from(employees))),
            ];
            self.add("Leads", draft);
        }
    }
}

fn seconds(random: &mut Random) -> i64 {
    i64::try_from(random.below(3600)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::Value;

    use super::*;
    use crate::sandbox::clock::SandboxClock;

    fn filled(people: usize, seed: u64) -> Crm {
        let clock = SandboxClock::default();
        clock.freeze();
        clock.set("2026-03-01T00:00:00Z".parse().unwrap());
        let mut crm = Crm::new(clock, seed);
        fill(&mut crm, people, seed);
        crm
    }

    #[test]
    fn the_same_seed_invents_the_same_people() {
        assert_eq!(filled(50, 7).all("Leads"), filled(50, 7).all("Leads"));
        assert_ne!(filled(50, 7).all("Leads"), filled(50, 8).all("Leads"));
    }

    #[test]
    fn every_defect_of_real_data_is_there() {
        let crm = filled(3000, 1);
        let mut people = crm.all("Contacts").unwrap();
        assert_eq!(people.len(), 3000);
        people.extend(crm.all("Leads").unwrap());
        assert_eq!(people.len(), 6000);
        let emails: Vec<&str> = people
            .iter()
            .filter_map(|person| person["Email"].as_str())
            .collect();
        let some = |what: &str, test: &dyn Fn(&str) -> bool| {
            let count = emails.iter().filter(|email| test(email)).count();
            assert!((10..1000).contains(&count), "{what}: {count}");
        };
        assert!(emails.len() < 5950, "some have no address");
        some("no dot in the domain", &|email| {
            !email.rsplit('@').next().unwrap().contains('.')
        });
        some("role", &|email| {
            email.starts_with("info@") || email.starts_with("support@")
        });
        some("upper case", &|email| email.contains(char::is_uppercase));
        some("spaces", &|email| email.trim() != email);
        let mut seen = BTreeMap::new();
        for email in &emails {
            *seen.entry(email.trim().to_lowercase()).or_insert(0) += 1;
        }
        assert!(
            seen.values().filter(|count| **count > 1).count() > 50,
            "the same person twice"
        );
        for name in [
            "ann.lee@example.com",
            "ben.obrien@example.org",
            "chloe.lukasz@example.net",
        ] {
            assert_eq!(seen[name], 1);
        }
        assert!(
            people
                .iter()
                .any(|person| person["Last_Name"].as_str().unwrap().len() >= 300)
        );
        assert!(people.iter().any(|person| person["Email_Opt_Out"] == true));
        assert!(people.iter().any(|person| person["Converted__s"] == true));
    }

    #[test]
    fn nobody_was_modified_within_the_last_hour_or_before_being_created() {
        let crm = filled(500, 3);
        let latest: Timestamp = "2026-02-28T23:00:00Z".parse().unwrap();
        for module in MODULES {
            for record in crm.all(module).unwrap() {
                let time =
                    |name: &str| record[name].as_str().unwrap().parse::<Timestamp>().unwrap();
                assert!(time("Created_Time") <= time("Modified_Time"));
                assert!(time("Modified_Time") <= latest);
            }
        }
    }

    #[test]
    fn relations_are_many_and_have_gaps() {
        let crm = filled(1000, 1);
        let count = |module: &str, holds: &dyn Fn(&Value) -> bool| {
            let records = crm.all(module).unwrap();
            records.iter().filter(|record| holds(record)).count()
        };
        let lacks = |field: &'static str| move |record: &Value| record[field].is_null();
        assert!((100..300).contains(&count("Contacts", &lacks("Account_Name"))));
        assert!((50..95).contains(&count("Accounts", &lacks("Parent_Account"))));
        assert!((5..50).contains(&count("Deals", &lacks("Contact_Name"))));
        let query = "select id from Accounts where Parent_Account.Parent_Account is not null";
        assert!(!crm.query(query).unwrap().is_empty());
        let mut deals = BTreeMap::new();
        for deal in crm.all("Deals").unwrap() {
            *deals
                .entry(deal["Contact_Name"]["id"].to_string())
                .or_insert(0) += 1;
        }
        let several = deals.values().filter(|count| **count > 1).count();
        assert!((20..100).contains(&several), "{several}");
        assert!(deals.values().any(|count| *count > 3));
    }

    #[test]
    fn more_people_are_other_people() {
        let mut crm = filled(10, 1);
        assert!(more(&mut crm, "Contacts", 40));
        assert!(!more(&mut crm, "Persons", 40));
        assert_eq!(crm.count("Contacts"), 50);
    }
}
