//! What people do, done in a world: each thing a second after the one before, so that it is known which record was changed
//! last.

use serde_json::{Value, json};

use super::super::people::{CONTACT, LEAD, module};
use super::super::script::Act;
use super::Side;

impl Side {
    /// Somebody does something, a second after the thing before.
    pub(in super::super) fn act(&mut self, act: &Act) {
        match act {
            Act::Make { .. } => self.make(act),
            Act::Edit {
                person,
                records,
                field,
                value,
            } => {
                for record in records {
                    self.update(*person, *record, &json!({ *field: value }));
                }
            }
            Act::OptOut {
                person,
                record,
                is_out,
            } => self.update(*person, *record, &json!({ "Email_Opt_Out": is_out })),
            Act::Delete { person, records } => {
                for record in records {
                    self.rig.advance(1);
                    let id = &self.records[&(*person, *record)];
                    self.rig.delete(module(*record), id);
                }
            }
            Act::Restore { person, record } => {
                self.rig.advance(1);
                let id = &self.records[&(*person, *record)];
                self.rig.restore(module(*record), id);
            }
            Act::Convert { person } => {
                self.rig.advance(1);
                let contact = self.rig.convert(&self.records[&(*person, LEAD)]);
                self.records.insert((*person, CONTACT), contact);
            }
            Act::Deal { person, is_won } => self.deal(*person, *is_won),
            Act::Industry {
                account,
                is_hospitable,
            } => {
                self.rig.advance(1);
                let industry = ["Media", "Hospitality"][usize::from(*is_hospitable)];
                let id = &self.accounts[*account];
                self.rig
                    .update("Accounts", id, &json!({ "Industry": industry }));
            }
            Act::Campaigns {
                what,
                list,
                address,
            } => {
                self.rig.advance(1);
                let whom = match list {
                    Some(list) => json!({"list": list, "address": address}),
                    None => json!(address),
                };
                self.rig.act(&json!({ *what: whom }));
            }
        }
    }

    fn update(&self, person: usize, record: usize, fields: &Value) {
        self.rig.advance(1);
        let id = &self.records[&(person, record)];
        self.rig.update(module(record), id, fields);
    }

    fn make(&mut self, act: &Act) {
        let Act::Make {
            person,
            address,
            records,
            opted_out,
            is_gold,
            industry,
            account,
            deal,
        } = act
        else {
            unreachable!("nothing else is made");
        };
        for record in records {
            self.rig.advance(1);
            let mut fields = json!({"First_Name": format!("F{person}"), "Last_Name": format!("L{person}"),
                "Email": address, "Email_Opt_Out": *opted_out == Some(*record)});
            match *record {
                LEAD => {
                    fields["Company"] = json!(format!("C{person}"));
                    fields["Industry"] = json!(industry);
                }
                _ => {
                    fields["Customer_Tier"] = json!(["Silver", "Gold"][usize::from(*is_gold)]);
                    fields["Mailing_City"] = json!(format!("City {person}-{record}"));
                    if let Some(account) = account {
                        fields["Account_Name"] = json!(self.accounts[*account]);
                    }
                }
            }
            let id = self.rig.create(module(*record), &fields);
            self.records.insert((*person, *record), id);
        }
        if let Some(is_won) = deal {
            self.deal(*person, *is_won);
        }
    }

    fn deal(&mut self, person: usize, is_won: bool) {
        self.rig.advance(1);
        let stage = ["Proposal", "Closed Won"][usize::from(is_won)];
        if let Some(deal) = self.deals.get(&person) {
            self.rig.update("Deals", deal, &json!({ "Stage": stage }));
            return;
        }
        let contact = &self.records[&(person, CONTACT)];
        let deal =
            json!({"Deal_Name": format!("Deal {person}"), "Stage": stage, "Contact_Name": contact});
        self.deals.insert(person, self.rig.create("Deals", &deal));
    }
}
