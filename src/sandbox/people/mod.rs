//! Invented people, with the defects of real data.
//!
//! The same seed invents the same people. Their addresses are under names reserved for examples, so that nobody is ever written
//! to. Three contacts are always there, each with an address that no other record has: Ann Lee <ann.lee@example.com>, Ben
//! O'Brien <ben.obrien@example.org> and Chloe Łukasz <chloe.lukasz@example.net>; and four hospitality leads on both sides of
//! 5,000,000 of revenue and 2,000 employees.

mod address;
mod names;

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use address::Addresses;
use names::{CITIES, COMPANIES, FIRST_NAMES, LAST_NAMES};

use super::crm::{Cell, Crm, MODULES};
use super::random::Random;

/// How far back records were created, and how long they have been left alone at least.
const CREATED_WITHIN_HOURS: u64 = 2 * 365 * 24;
const LEFT_ALONE: SignedDuration = SignedDuration::from_hours(1);

const INDUSTRIES: [&str; 7] = [
    "Hospitality",
    "Media",
    "Retail",
    "Technology",
    "Education",
    "Manufacturing",
    "Non-profit",
];
const LANGUAGES: [&str; 6] = [
    "English", "French", "German", "Italian", "Polish", "Chinese",
];
const SOURCES: [&str; 5] = [
    "Web Site",
    "Trade Show",
    "Referral",
    "Advertisement",
    "Cold Call",
];
const STATUSES: [&str; 7] = [
    "Not Contacted",
    "Attempted to Contact",
    "Contacted",
    "Contact in Future",
    "Junk Lead",
    "Pre-Qualified",
    "Converted",
];
const STAGES: [&str; 5] = [
    "Qualification",
    "Proposal",
    "Negotiation",
    "Closed Won",
    "Closed Lost",
];
const TICKETS: [&str; 4] = ["Standard", "VIP", "Press", "Speaker"];
const TIERS: [&str; 3] = ["Gold", "Silver", "Bronze"];

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
    addresses: Addresses,
    accounts: Vec<u64>,
    contacts: Vec<u64>,
    now: Timestamp,
}

impl<'a> Inventor<'a> {
    fn new(crm: &'a mut Crm, seed: u64) -> Self {
        Self {
            random: Random::new(seed),
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

    /// What a lead and a contact have in common.
    fn person(&mut self) -> Draft {
        let number = self.crm.ever_added() + 1;
        let (first, first_plain) = *self.random.pick(&FIRST_NAMES);
        let (last, last_plain) = *self.random.pick(&LAST_NAMES);
        let email = self
            .addresses
            .next(&mut self.random, first_plain, last_plain, number);
        let last = if number.is_multiple_of(997) {
            last.repeat(300 / last.len() + 1)
        } else {
            last.to_owned()
        };
        let mut draft = vec![
            ("Last_Name", Cell::text(&last)),
            ("Email", Cell::text(&email)),
            ("Lead_Source", text_of(&mut self.random, &SOURCES)),
        ];
        if !self.random.chance(30) {
            draft.push(("First_Name", Cell::text(first)));
        }
        if self.random.chance(300) {
            draft.push((
                "Phone",
                Cell::text(&format!("+44 1632 960{:03}", self.random.below(1000))),
            ));
        }
        if self.random.chance(80) {
            let second = format!("{first_plain}{number}@private.example");
            draft.push(("Secondary_Email", Cell::text(&second)));
        }
        if self.random.chance(50) {
            draft.push(("Email_Opt_Out", Cell::Bool(true)));
            draft.push(("Unsubscribed_Mode", Cell::text("Unsubscribe link")));
        }
        if self.random.chance(400) {
            draft.push(("Languages", self.languages()));
        }
        draft
    }

    fn lead(&mut self) -> Draft {
        let mut draft = self.person();
        draft.extend([
            ("Company", text_of(&mut self.random, &COMPANIES)),
            ("City", text_of(&mut self.random, &CITIES)),
            ("Lead_Status", text_of(&mut self.random, &STATUSES)),
        ]);
        if !self.random.chance(100) {
            draft.push(("Industry", text_of(&mut self.random, &INDUSTRIES)));
        }
        if !self.random.chance(150) {
            draft.push(("Annual_Revenue", money(self.random.below(1_200_000_000))));
            draft.push((
                "No_of_Employees",
                Cell::Number(Decimal::from(self.random.below(5000))),
            ));
        }
        if self.random.chance(80) {
            draft.push(("Converted__s", Cell::Bool(true)));
            draft.push(("Converted_Date_Time", Cell::At(self.now - LEFT_ALONE)));
            draft.push((
                "Converted_Contact",
                one_of(&mut self.random, &self.contacts),
            ));
            draft.push((
                "Converted_Account",
                one_of(&mut self.random, &self.accounts),
            ));
        }
        draft
    }

    fn contact(&mut self) -> Draft {
        let mut draft = self.person();
        draft.push(("Mailing_City", text_of(&mut self.random, &CITIES)));
        if self.random.chance(800) {
            draft.push(("Account_Name", one_of(&mut self.random, &self.accounts)));
        }
        if self.random.chance(600) {
            draft.push(("Customer_Tier", text_of(&mut self.random, &TIERS)));
        }
        if self.random.chance(300) {
            draft.push(("Date_of_Birth", self.day(70 * 365, 18 * 365)));
        }
        draft
    }

    fn account(&mut self) -> Draft {
        let number = self.crm.ever_added() + 1;
        let name = format!("{} {number}", self.random.pick(&COMPANIES));
        let mut draft = vec![
            ("Account_Name", Cell::text(&name)),
            ("Industry", text_of(&mut self.random, &INDUSTRIES)),
            ("Annual_Revenue", money(self.random.below(2_000_000_000))),
            (
                "Employees",
                Cell::Number(Decimal::from(self.random.below(8000))),
            ),
            ("Billing_City", text_of(&mut self.random, &CITIES)),
        ];
        if self.random.chance(200) {
            draft.push(("Parent_Account", one_of(&mut self.random, &self.accounts)));
        }
        draft
    }

    fn deal(&mut self) -> Draft {
        let number = self.crm.ever_added() + 1;
        vec![
            ("Deal_Name", Cell::text(&format!("Deal {number}"))),
            ("Stage", text_of(&mut self.random, &STAGES)),
            ("Amount", money(self.random.below(50_000_000))),
            ("Closing_Date", self.day(365, 0)),
            ("Account_Name", one_of(&mut self.random, &self.accounts)),
            ("Contact_Name", one_of(&mut self.random, &self.contacts)),
        ]
    }

    fn event_guest(&mut self) -> Draft {
        let number = self.crm.ever_added() + 1;
        let (first, first_plain) = *self.random.pick(&FIRST_NAMES);
        let (last, last_plain) = *self.random.pick(&LAST_NAMES);
        let email = self
            .addresses
            .next(&mut self.random, first_plain, last_plain, number);
        let mut draft = vec![
            ("Name", Cell::text(&format!("{first} {last}"))),
            ("Email", Cell::text(&email)),
            ("Company", text_of(&mut self.random, &COMPANIES)),
            ("Ticket", text_of(&mut self.random, &TICKETS)),
            ("Attended", Cell::Bool(self.random.chance(600))),
            ("Event_Date", self.day(200, 10)),
            (
                "Seats",
                Cell::Number(Decimal::from(1 + self.random.below(4))),
            ),
        ];
        if self.random.chance(300) {
            draft.push(("Contact", one_of(&mut self.random, &self.contacts)));
        }
        draft
    }

    fn languages(&mut self) -> Cell {
        let from = self.random.below(5);
        let from = usize::try_from(from).unwrap_or(0);
        let count = if self.random.chance(500) { 1 } else { 2 };
        Cell::Many(
            LANGUAGES[from..from + count]
                .iter()
                .map(|name| (*name).into())
                .collect(),
        )
    }

    /// A day between `oldest` and `newest` days ago.
    fn day(&mut self, oldest: u64, newest: u64) -> Cell {
        let ago = newest + self.random.below(oldest - newest);
        let day = (self.now - hours(24 * ago))
            .to_zoned(jiff::tz::TimeZone::UTC)
            .date();
        Cell::Date(day)
    }
}

fn hours(count: u64) -> SignedDuration {
    SignedDuration::from_hours(i64::try_from(count).unwrap_or(0))
}

fn seconds(random: &mut Random) -> i64 {
    i64::try_from(random.below(3600)).unwrap_or(0)
}

fn money(cents: u64) -> Cell {
    Cell::Number(Decimal::from(cents) / Decimal::ONE_HUNDRED)
}

fn text_of(random: &mut Random, choices: &[&str]) -> Cell {
    Cell::text(random.pick::<&str>(choices))
}

/// A lookup to one of `ids`, nothing where there are none.
fn one_of(random: &mut Random, ids: &[u64]) -> Cell {
    if ids.is_empty() {
        return Cell::Null;
    }
    Cell::Ref(*random.pick(ids))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

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
    fn more_people_are_other_people() {
        let mut crm = filled(10, 1);
        assert!(more(&mut crm, "Contacts", 40));
        assert!(!more(&mut crm, "Persons", 40));
        assert_eq!(crm.count("Contacts"), 50);
    }
}
