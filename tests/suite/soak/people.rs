//! The people of a soak, as far as it has to be known what can happen to them.

use std::collections::BTreeSet;

/// The records that a person can have: a contact, another one with the same address, a lead.
pub(super) const CONTACT: usize = 0;
pub(super) const TWIN: usize = 1;
pub(super) const LEAD: usize = 2;

/// How many accounts there are; contacts of one come and go with its industry.
pub(super) const ACCOUNTS: usize = 3;

/// The module of a record.
pub(super) fn module(record: usize) -> &'static str {
    match record {
        LEAD => "Leads",
        _ => "Contacts",
    }
}

/// Where a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Place {
    #[default]
    Nowhere,
    Live,
    Binned,
    /// A lead that was converted is left alone from then on.
    Converted,
}

/// A person.
#[derive(Debug, Clone, Default)]
pub(super) struct Person {
    pub(super) records: [Place; 3],
    /// The record that has opted out.
    pub(super) opted_out: Option<usize>,
    pub(super) is_gold: bool,
    pub(super) account: Option<usize>,
    /// Whether there is a deal, and it is won.
    pub(super) deal: Option<bool>,
    /// How often the address has changed.
    pub(super) moves: usize,
    /// Mail bounced, or the person complained: nothing more happens to them in Campaigns.
    pub(super) is_unreachable: bool,
    /// An address of its own: of a contact that colleagues had on a list before.
    pub(super) address: Option<String>,
}

impl Person {
    /// The address now, the person having this number.
    pub(super) fn address(&self, number: usize) -> String {
        let own = self.address.clone().filter(|_| self.moves == 0);
        own.unwrap_or_else(|| format!("p{number}v{}@soak.example", self.moves))
    }

    pub(super) fn live(&self) -> impl Iterator<Item = usize> {
        (0..3).filter(|record| self.records[*record] == Place::Live)
    }

    pub(super) fn has(&self, record: usize, place: Place) -> bool {
        self.records[record] == place
    }
}

/// Everybody, and what is remembered about addresses.
#[derive(Debug, Clone, Default)]
pub(super) struct People {
    pub(super) people: Vec<Person>,
    /// The industry of each account is the one that is asked for.
    pub(super) is_hospitable: [bool; ACCOUNTS],
    /// Lists and the addresses that left or bounced there of themselves, and did not come back.
    pub(super) gone: BTreeSet<(String, String)>,
    /// Addresses that colleagues have put on a list, and that no record has.
    pub(super) outsiders: Vec<String>,
    /// So many outsiders there were.
    pub(super) outsiders_made: usize,
}
