//! What invented people, companies, deals and guests have in their fields.

use jiff::SignedDuration;
use rust_decimal::Decimal;

use super::super::crm::Cell;
use super::super::random::Random;
use super::names::{CITIES, COMPANIES, FIRST_NAMES, LAST_NAMES};
use super::{Draft, Inventor, LEFT_ALONE};

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

impl Inventor<'_> {
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

    pub(super) fn lead(&mut self) -> Draft {
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

    pub(super) fn contact(&mut self) -> Draft {
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

    pub(super) fn account(&mut self) -> Draft {
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

    pub(super) fn deal(&mut self) -> Draft {
        let number = self.crm.ever_added() + 1;
        let mut draft = vec![
            ("Deal_Name", Cell::text(&format!("Deal {number}"))),
            ("Stage", text_of(&mut self.random, &STAGES)),
            ("Amount", money(self.random.below(50_000_000))),
            ("Closing_Date", self.day(365, 0)),
            ("Account_Name", one_of(&mut self.random, &self.accounts)),
        ];
        let someone = one_of(&mut self.random, &self.contacts);
        draft.push(("Contact_Name", self.partner(someone)));
        draft
    }

    /// Whom a deal is with: nobody, the contact of the deal before, or `someone`.
    fn partner(&mut self, someone: Cell) -> Cell {
        match self.relations.below(1000) {
            0..100 => return Cell::Null,
            100..500 => {}
            _ => self.partner = someone,
        }
        self.partner.clone()
    }

    pub(super) fn event_guest(&mut self) -> Draft {
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

pub(super) fn hours(count: u64) -> SignedDuration {
    SignedDuration::from_hours(i64::try_from(count).unwrap_or(0))
}

fn money(cents: u64) -> Cell {
    Cell::Number(Decimal::from(cents) / Decimal::ONE_HUNDRED)
}

fn text_of(random: &mut Random, choices: &[&str]) -> Cell {
    Cell::text(random.pick::<&str>(choices))
}

/// A lookup to one of `ids`, nothing where there are none.
pub(super) fn one_of(random: &mut Random, ids: &[u64]) -> Cell {
    if ids.is_empty() {
        return Cell::Null;
    }
    Cell::Ref(*random.pick(ids))
}
