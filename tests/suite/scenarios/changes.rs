//! Fifty changes in CRM and Campaigns between two runs: the next run sends those that need it, and nobody else.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::import::{Fields, assert_idle, on_list, singles};
use super::oracle::{self, Before};
use super::{ALL_CONTACTS, ALL_LEADS};
use crate::rig::{NEWSLETTER, Rig};

/// People at work, and what each of their changes has to lead to on the newsletter's list.
struct Script<'r> {
    rig: &'r Rig,
    /// Contacts on the list, each with an address of its own.
    pool: std::vec::IntoIter<Value>,
    changes: usize,
    /// Records by outcome; `same` are duplicates that nothing is sent of.
    outcomes: BTreeMap<&'static str, u64>,
    sent: Vec<String>,
    taken_off: Vec<String>,
    /// Addresses whose record has another one now; `left` is to keep them.
    kept: BTreeSet<String>,
    suppressed: Before,
}

/// What a change leads to.
#[derive(Default)]
struct Effect<'a> {
    outcome: Option<&'static str>,
    send: Option<&'a str>,
    take_off: Option<&'a str>,
}

impl<'r> Script<'r> {
    fn new(rig: &'r Rig, pool: Vec<Value>) -> Self {
        Self {
            rig,
            pool: pool.into_iter(),
            changes: 0,
            outcomes: BTreeMap::new(),
            sent: Vec::new(),
            taken_off: Vec::new(),
            kept: BTreeSet::new(),
            suppressed: Before::default(),
        }
    }

    /// The next contact: its id and its address.
    fn next(&mut self) -> (String, String) {
        let contact = self.pool.next().unwrap();
        (oracle::id(&contact), oracle::address(&contact).unwrap())
    }

    fn expect(&mut self, effect: Effect<'_>) {
        self.changes += 1;
        if let Some(outcome) = effect.outcome {
            *self.outcomes.entry(outcome).or_default() += 1;
        }
        self.sent.extend(effect.send.map(str::to_owned));
        self.taken_off.extend(effect.take_off.map(str::to_owned));
    }

    fn record(&mut self, outcome: &'static str, send: Option<&str>) {
        self.expect(Effect {
            outcome: Some(outcome),
            send,
            take_off: None,
        });
    }

    fn edit(&self, id: &str, fields: Value) {
        self.rig.update("Contacts", id, &fields);
    }

    fn edits(&mut self) {
        for number in 0..8 {
            let (id, address) = self.next();
            self.edit(&id, json!({"Last_Name": format!("Other {number}")}));
            self.record("updated", Some(&address));
        }
        for _ in 0..8 {
            let (id, _) = self.next();
            self.edit(&id, json!({"Description": "called, will call back"}));
            self.record("same", None);
        }
    }

    fn arrivals(&mut self) {
        for number in 0..5 {
            let address = format!("fresh{number}@example.com");
            let record = json!({"First_Name": "Fresh", "Last_Name": "Face", "Email": address});
            self.rig.create("Contacts", &record);
            self.record("new", Some(&address));
        }
    }

    fn departures(&mut self) {
        for _ in 0..4 {
            let (id, address) = self.next();
            self.rig.delete("Contacts", &id);
            self.expect(Effect {
                take_off: Some(&address),
                ..Effect::default()
            });
        }
        let (id, _) = self.next();
        self.rig.delete("Contacts", &id);
        self.rig.restore("Contacts", &id);
        self.record("same", None);
    }

    fn opt_outs(&mut self) {
        for _ in 0..3 {
            let (id, address) = self.next();
            self.edit(&id, json!({"Email_Opt_Out": true}));
            self.expect(Effect {
                outcome: Some("opted_out"),
                take_off: Some(&address),
                ..Effect::default()
            });
        }
        for _ in 0..2 {
            let (_, address) = self.next();
            let lead = json!({"Last_Name": "Elsewhere", "Company": "Orto Srl",
                "Email": address.to_uppercase(), "Email_Opt_Out": true});
            self.rig.create("Leads", &lead);
            self.expect(Effect {
                take_off: Some(&address),
                ..Effect::default()
            });
        }
    }

    fn other_addresses(&mut self) {
        for number in 0..3 {
            let (id, before) = self.next();
            let address = format!("moved{number}@example.org");
            self.edit(&id, json!({ "Email": address }));
            self.record("new", Some(&address));
            self.kept.insert(before);
        }
        for (address, outcome) in [
            (Value::Null, "empty_email"),
            (json!("   "), "empty_email"),
            (json!("jane@aol"), "invalid_pattern"),
            (json!("Info@moved.example"), "group_email"),
        ] {
            let (id, before) = self.next();
            self.edit(&id, json!({ "Email": address }));
            self.record(outcome, None);
            self.kept.insert(before);
        }
    }

    /// People leave and mail bounces at Campaigns; the CRM has news of half of them.
    fn suppressions(&mut self) {
        for outcome in ["do_not_mail", "bounced"] {
            for is_edited in [true, false] {
                let (id, address) = self.next();
                let set = match outcome {
                    "bounced" => {
                        self.rig.act(&json!({ "bounce": address }));
                        &mut self.suppressed.bounced
                    }
                    _ => {
                        let place = json!({"list": NEWSLETTER, "address": address});
                        self.rig.act(&json!({ "unsubscribe": place }));
                        &mut self.suppressed.unsubscribed
                    }
                };
                set.insert(address);
                if is_edited {
                    self.edit(&id, json!({"Last_Name": "Silent"}));
                    self.record(outcome, None);
                } else {
                    self.expect(Effect::default());
                }
            }
        }
    }

    /// Of three pairs the older record is edited twice, and once the newer one is deleted.
    fn twins(&mut self, twins: &[(String, String, String)]) {
        for (place, (older, newer, address)) in twins.iter().enumerate() {
            if place < 2 {
                self.edit(older, json!({"Description": "wins now"}));
            } else {
                self.rig.delete("Contacts", newer);
            }
            self.record("updated", Some(address));
        }
    }

    fn converted_leads(&mut self, leads: &[Value]) {
        for lead in &leads[..2] {
            self.rig.convert(&oracle::id(lead));
            self.record("updated", Some(&oracle::address(lead).unwrap()));
        }
    }
}

/// Pairs of contacts with one address each: the older, the newer (which wins), and the address.
fn make_twins(rig: &Rig) -> Vec<(String, String, String)> {
    let twin = |address: &str, name: &str| {
        let record = json!({"First_Name": name, "Last_Name": "Twin", "Email": address});
        rig.create("Contacts", &record)
    };
    let pairs = (0..3).map(|number| {
        let address = format!("twin{number}@example.net");
        let older = twin(&address, "Old");
        rig.advance(10);
        (older, twin(&address.to_uppercase(), "New"), address)
    });
    pairs.collect()
}

fn assert_counts(run: &Value, outcomes: &BTreeMap<&str, u64>, deleted: usize) {
    let count = |name: &str| outcomes.get(name).copied().unwrap_or(0);
    assert_eq!(run["new"], count("new"));
    assert_eq!(run["updated"], count("updated"));
    assert_eq!(run["duplicate"], count("updated") + count("same"));
    assert_eq!(run["deleted"], u64::try_from(deleted).unwrap());
    assert_eq!(run["total"], outcomes.values().sum::<u64>());
    for (reason, ignored) in run["ignored_by"].as_object().unwrap() {
        assert_eq!(*ignored, count(reason), "{reason}");
    }
}

#[test]
fn after_fifty_changes_the_next_run_sends_those_that_need_it_and_nobody_else() {
    let rig = Rig::new(400);
    rig.sync("newsletter", ALL_CONTACTS);
    rig.sync("leads", ALL_LEADS);
    let twins = make_twins(&rig);
    let binned = json!({"Last_Name": "Binned", "Email": "binned@example.com"});
    let binned = rig.create("Contacts", &binned);
    rig.delete("Contacts", &binned);
    let silent = [0, 1].map(|number| {
        let address = format!("silent{number}@example.com");
        let record = json!({"Last_Name": "Silent", "Email": address, "Email_Opt_Out": true});
        (rig.create("Contacts", &record), address)
    });
    rig.advance(600);
    rig.import("newsletter");
    rig.import("leads");
    assert_idle(&rig, "newsletter");

    let (contacts, leads) = (rig.records("Contacts"), rig.records("Leads"));
    let list = on_list(&rig, NEWSLETTER);
    let pool = singles(&contacts, &leads);
    let pool = pool.filter(|contact| list.contains_key(&oracle::address(contact).unwrap()));
    let mut script = Script::new(&rig, pool.cloned().collect());
    let leads_on_list = on_list(&rig, crate::rig::HOSPITALITY);
    let open: Vec<Value> = singles(&leads, &contacts)
        .filter(|lead| leads_on_list.contains_key(&oracle::address(lead).unwrap()))
        .cloned()
        .collect();
    rig.advance(600);
    script.edits();
    script.arrivals();
    script.departures();
    script.opt_outs();
    script.other_addresses();
    script.suppressions();
    script.twins(&twins);
    script.converted_leads(&open);
    rig.restore("Contacts", &binned);
    script.record("new", Some("binned@example.com"));
    for (id, address) in &silent {
        rig.update("Contacts", id, &json!({"Email_Opt_Out": false}));
        script.record("new", Some(address));
    }
    assert_eq!(script.changes, 50);
    rig.advance(60);

    rig.forget_calls();
    let run = rig.import("newsletter");
    script.sent.sort();
    script.taken_off.sort();
    let calls = rig.calls();
    assert_eq!(lower(calls.addresses("listsubscribe")), script.sent);
    assert_eq!(lower(calls.addresses("listunsubscribe")), script.taken_off);
    assert_eq!(
        calls.methods("campaigns").get("addlistsubscribersinbulk"),
        None
    );
    assert_counts(&run, &script.outcomes, script.taken_off.len());
    assert_eq!(run["full"], false);

    let (contacts, leads) = (rig.records("Contacts"), rig.records("Leads"));
    let opted_out = oracle::opted_out(contacts.iter().chain(&leads));
    let expected = oracle::expect(
        contacts.iter(),
        &opted_out,
        &script.suppressed,
        oracle::names,
    );
    let kept = script.kept.iter().map(|it| (it.clone(), list[it].clone()));
    let mut expected: Fields = expected.sent.into_iter().chain(kept).collect();
    for (address, fields) in &mut expected {
        // Who was not sent has the fields of before, which the other sync may have written.
        if !script.sent.contains(address) {
            fields.clone_from(&list[address]);
        }
    }
    assert_eq!(on_list(&rig, NEWSLETTER), expected);

    rig.forget_calls();
    let run = rig.import("leads");
    assert_eq!(rig.calls().addresses("listsubscribe"), [""; 0]);
    assert_counts(&run, &BTreeMap::from([("opted_out", 2)]), 0);
    assert_idle(&rig, "newsletter");
    assert_idle(&rig, "leads");
    assert_eq!(on_list(&rig, NEWSLETTER), expected);
}

fn lower(addresses: Vec<String>) -> Vec<String> {
    let mut addresses: Vec<_> = addresses.iter().map(|it| it.to_lowercase()).collect();
    addresses.sort();
    addresses
}
