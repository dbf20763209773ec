//! Drawing what people do: what can happen to whom, as they are.

use std::collections::BTreeSet;

use super::super::people::{ACCOUNTS, CONTACT, LEAD, People, Person, Place, TWIN};
use super::super::syncs::LISTS;
use super::{Act, Kind, MASS, REMOVALS_MAX, Standings};
use crate::rig::Dice;

/// Somebody whom the CRM did not have before.
pub(super) fn make(people: &mut People, dice: &mut Dice) -> Act {
    let number = people.people.len();
    let mut person = Person {
        is_gold: dice.roll(2) == 0,
        ..Person::default()
    };
    let records: Vec<usize> = match dice.roll(10) {
        0..5 => vec![CONTACT],
        5..7 => vec![LEAD],
        7..9 => vec![CONTACT, LEAD],
        _ => vec![CONTACT, TWIN],
    };
    if records.contains(&CONTACT) {
        person.account = (dice.roll(2) == 0).then(|| dice.roll(ACCOUNTS));
        person.deal = (dice.roll(3) == 0).then(|| dice.roll(2) == 0);
    }
    person.opted_out = (dice.roll(9) == 0).then(|| records[dice.roll(records.len())]);
    for record in &records {
        person.records[*record] = Place::Live;
    }
    // Known to be on a list already since a day before.
    if dice.roll(4) == 0 {
        person.address = people.outsiders.pop();
    }
    let act = Act::Make {
        person: number,
        address: person.address(number),
        opted_out: person.opted_out,
        is_gold: person.is_gold,
        industry: ["Hospitality", "Media"][dice.roll(2)],
        account: person.account,
        deal: person.deal,
        records,
    };
    people.people.push(person);
    act
}

/// Draws what happens to whom nothing has happened on this day.
pub(super) struct Drawer<'d> {
    people: &'d mut People,
    dice: &'d mut Dice,
    kind: Kind,
    standings: &'d Standings,
    touched: BTreeSet<usize>,
    outsiders: Vec<String>,
}

impl<'d> Drawer<'d> {
    /// At the start of a day.
    pub(super) fn new(
        people: &'d mut People,
        dice: &'d mut Dice,
        kind: Kind,
        standings: &'d Standings,
    ) -> Self {
        Self {
            people,
            dice,
            kind,
            standings,
            touched: BTreeSet::new(),
            outsiders: Vec::new(),
        }
    }

    /// At its end: whom colleagues have added may get a record from now on, as the evening's runs see them on their lists.
    pub(super) fn end(self) {
        self.people.outsiders.extend(self.outsiders);
    }

    pub(super) fn roll(&mut self, sides: usize) -> usize {
        self.dice.roll(sides)
    }

    /// Somebody new.
    pub(super) fn make(&mut self) -> Act {
        self.touched.insert(self.people.people.len());
        make(self.people, self.dice)
    }

    /// Something, if it can happen to whoever it fell upon.
    pub(super) fn draw(&mut self) -> Option<Act> {
        let roll = self.dice.roll(100);
        let is_hidden = self.kind == Kind::Hidden;
        match roll {
            0..12 => return Some(self.make()),
            12..20 if is_hidden => return self.account(),
            20..26 if is_hidden => return self.outsider(),
            _ => {}
        }
        let number = self.dice.roll(self.people.people.len());
        if self.touched.contains(&number) {
            return None;
        }
        let act = match roll {
            26..40 if is_hidden => self.hidden(number),
            // The day's other removals would join those that wait.
            _ if matches!(self.kind, Kind::Mass { .. }) => self.edit(number),
            _ => match roll % 3 {
                0 => self.edit(number),
                1 => self.campaigns(number),
                _ => self.comes_or_goes(number),
            },
        };
        if act.is_some() {
            self.touched.insert(number);
        }
        act
    }

    fn edit(&mut self, person: usize) -> Option<Act> {
        let value = format!("X{}", self.dice.roll(1000));
        let is_split = |place: &Place| matches!(place, Place::Binned | Place::Converted);
        let is_split = self.people.people[person].records.iter().any(is_split);
        let live: Vec<usize> = self.people.people[person].live().collect();
        let first = *live.first()?;
        let fields: &[&str] = match first {
            LEAD => &["Last_Name", "First_Name", "Phone", "Company", "Description"],
            _ => &[
                "Last_Name",
                "First_Name",
                "Phone",
                "Mailing_City",
                "Description",
            ],
        };
        let field = match is_split {
            true => "Description",
            false => fields[self.dice.roll(fields.len())],
        };
        // A person's records have the same names and numbers, as the syncs that share a list would overwrite each other's.
        let records = match field {
            "Company" | "Mailing_City" | "Description" => vec![first],
            _ => live,
        };
        Some(Act::Edit {
            person,
            records,
            field,
            value,
        })
    }

    fn comes_or_goes(&mut self, number: usize) -> Option<Act> {
        let roll = self.dice.roll(6);
        let person = &mut self.people.people[number];
        let live: Vec<usize> = person.live().collect();
        let first = live.first().copied();
        match roll {
            0 if person.opted_out.is_none() => {
                let record = live.get(self.dice.roll(live.len().max(1))).copied()?;
                person.opted_out = Some(record);
                Some(Act::OptOut {
                    person: number,
                    record,
                    is_out: true,
                })
            }
            0 | 1 => {
                let record = person.opted_out?;
                if !person.has(record, Place::Live) {
                    return None;
                }
                person.opted_out = None;
                Some(Act::OptOut {
                    person: number,
                    record,
                    is_out: false,
                })
            }
            2 => {
                let binned = (0..3).find(|record| person.has(*record, Place::Binned));
                if let Some(record) = binned {
                    person.records[record] = Place::Live;
                    return Some(Act::Restore {
                        person: number,
                        record,
                    });
                }
                let records = match self.dice.roll(2) {
                    0 => live,
                    _ => vec![first?],
                };
                for record in &records {
                    person.records[*record] = Place::Binned;
                }
                (!records.is_empty()).then_some(Act::Delete {
                    person: number,
                    records,
                })
            }
            // What has opted out keeps its address, and what is in the bin keeps its old one.
            3 if person.opted_out.is_none()
                && !person.records.contains(&Place::Binned)
                && !person.records.contains(&Place::Converted)
                && !live.is_empty() =>
            {
                person.moves += 1;
                person.is_unreachable = false;
                let value = person.address(number);
                Some(Act::Edit {
                    person: number,
                    records: live,
                    field: "Email",
                    value,
                })
            }
            4 if person.has(CONTACT, Place::Live) => {
                let is_won = !person.deal.unwrap_or(false);
                person.deal = Some(is_won);
                Some(Act::Deal {
                    person: number,
                    is_won,
                })
            }
            _ => {
                person.is_gold = !person.is_gold;
                let records: Vec<usize> = live.into_iter().filter(|it| *it != LEAD).collect();
                let value = if person.is_gold { "Gold" } else { "Silver" }.to_owned();
                (!records.is_empty()).then_some(Act::Edit {
                    person: number,
                    records,
                    field: "Customer_Tier",
                    value,
                })
            }
        }
    }

    /// The lists an address stands on in this way.
    fn on(&self, address: &str, standing: &str) -> Vec<&'static str> {
        let lists = LISTS.iter().copied();
        lists
            .filter(|list| {
                self.standings[list]
                    .get(address)
                    .is_some_and(|it| it == standing)
            })
            .collect()
    }

    fn campaigns(&mut self, number: usize) -> Option<Act> {
        let person = &self.people.people[number];
        let address = person.address(number);
        if person.is_unreachable {
            return None;
        }
        let act = |what, list, address| {
            Some(Act::Campaigns {
                what,
                list,
                address,
            })
        };
        let active = self.on(&address, "active");
        let gone: Vec<&'static str> = LISTS
            .into_iter()
            .filter(|list| {
                let place = ((*list).to_owned(), address.clone());
                self.people.gone.contains(&place)
            })
            .collect();
        match self.dice.roll(8) {
            // Who is back is seen by reads in full.
            0..3 if !gone.is_empty() && self.kind == Kind::Hidden && person.opted_out.is_none() => {
                let list = gone[self.dice.roll(gone.len())];
                let place = (list.to_owned(), address.clone());
                self.people.gone.remove(&place);
                act("subscribe", Some(list), address)
            }
            _ if active.is_empty() => None,
            what @ (6 | 7) => {
                for list in &active {
                    let place = ((*list).to_owned(), address.clone());
                    self.people.gone.insert(place);
                }
                self.people.people[number].is_unreachable = true;
                let what = if what == 6 { "bounce" } else { "do_not_mail" };
                act(what, None, address)
            }
            _ => {
                let list = active[self.dice.roll(active.len())];
                let place = (list.to_owned(), address.clone());
                self.people.gone.insert(place);
                act("unsubscribe", Some(list), address)
            }
        }
    }

    /// What changes do not show: a lead is converted, a colleague deletes a contact.
    fn hidden(&mut self, number: usize) -> Option<Act> {
        let person = &mut self.people.people[number];
        let can_convert = person.has(LEAD, Place::Live)
            && person.has(CONTACT, Place::Nowhere)
            && person.opted_out.is_none();
        if can_convert {
            person.records[LEAD] = Place::Converted;
            person.records[CONTACT] = Place::Live;
            return Some(Act::Convert { person: number });
        }
        // Where two syncs feed a contact with fields of their own, the one that finds it lost first sends its own alone.
        if person.has(LEAD, Place::Live) && person.has(CONTACT, Place::Live) {
            return None;
        }
        let address = person.address(number);
        let is_known = LISTS
            .iter()
            .any(|list| self.standings[list].contains_key(&address));
        is_known.then_some(Act::Campaigns {
            what: "delete_contact",
            list: None,
            address,
        })
    }

    /// An account changes, and with it all its contacts.
    fn account(&mut self) -> Option<Act> {
        let account = self.dice.roll(ACCOUNTS);
        let people = self.people.people.iter().enumerate();
        let of: Vec<usize> = people
            .filter(|(_, person)| person.account == Some(account))
            .map(|(number, _)| number)
            .collect();
        if of.len() > REMOVALS_MAX || of.iter().any(|number| self.touched.contains(number)) {
            return None;
        }
        self.touched.extend(of);
        let is_hospitable = !self.people.is_hospitable[account];
        self.people.is_hospitable[account] = is_hospitable;
        Some(Act::Industry {
            account,
            is_hospitable,
        })
    }

    /// A colleague puts somebody on a list whom no record has.
    fn outsider(&mut self) -> Option<Act> {
        let address = format!("o{}@soak.example", self.people.outsiders_made);
        self.people.outsiders_made += 1;
        self.outsiders.push(address.clone());
        Some(Act::Campaigns {
            what: "subscribe",
            list: Some(LISTS[self.dice.roll(5)]),
            address,
        })
    }

    /// Many contacts are deleted at once.
    pub(super) fn mass(&mut self) -> Vec<Act> {
        let candidates: Vec<usize> = (0..self.people.people.len())
            .filter(|number| {
                let person = &self.people.people[*number];
                person.live().eq([CONTACT]) && !self.touched.contains(number)
            })
            .take(MASS)
            .collect();
        let delete = |number: usize| {
            self.touched.insert(number);
            self.people.people[number].records[CONTACT] = Place::Binned;
            Act::Delete {
                person: number,
                records: vec![CONTACT],
            }
        };
        candidates.into_iter().map(delete).collect()
    }
}
