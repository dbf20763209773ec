//! A walk on its way: the rig, the people at work in it, and what each step does.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::checks::{self, Verdict};
use super::facts::{Facts, Last, Link};
use super::model::{Asked, Fate};
use super::scene::{Scene, standings};
use super::steps::{Act, CONTACTS, Edit, JUNK, PEOPLE, SLOTS, Step};
use super::syncs::{self, LISTS, Sync};
use crate::rig::{Rig, Setup};

/// Nothing waits for a person up to two removals, and limits are off.
const SETTINGS: &str = "[retry]\ngive_up_after = \"1s\"\n\
    [safety]\nmax_removals = 2\nmin_removals = 2\n\
    [limits]\nruns_per_day = \"unlimited\"\ninitiations_per_month = \"unlimited\"\n\
    resyncs_per_day = \"unlimited\"\nresyncs_per_month = \"unlimited\"\n";

/// A record's place.
#[derive(Debug, Clone, Default)]
enum Slot {
    #[default]
    Empty,
    Live(String),
    Binned(String),
}

/// The world of a walk.
pub(super) struct World {
    pub(super) rig: Rig,
    pub(super) syncs: Vec<Sync>,
    pub(super) facts: Facts,
    slots: Vec<Slot>,
    /// What was done, in words.
    pub(super) trail: Vec<String>,
}

/// The plain address of a person.
fn person(number: usize) -> String {
    format!("p{number}@walk.example")
}

/// What a record's e-mail field is given: an address, not always spelled in the same way, or what is none.
fn spelled(with: usize) -> String {
    match with % (PEOPLE + JUNK.len()) {
        number if number >= PEOPLE => JUNK[number - PEOPLE].to_owned(),
        number if (with / 100).is_multiple_of(4) => format!(" P{number}@Walk.Example "),
        number => person(number),
    }
}

fn module(slot: usize) -> &'static str {
    match slot < CONTACTS {
        true => "Contacts",
        false => "Leads",
    }
}

impl World {
    /// An empty CRM, two lists that let who was unsubscribed come back, and the syncs.
    pub(super) fn new() -> Self {
        let rig = Rig::with(&Setup {
            people: 0,
            settings: SETTINGS,
            ..Setup::default()
        });
        rig.act(&json!({"policy": {"unsubscribed": "reinstate"}}));
        let syncs = syncs::all();
        for sync in &syncs {
            rig.sync(sync.id, &sync.text());
        }
        Self {
            rig,
            syncs,
            facts: Facts::default(),
            slots: vec![Slot::default(); SLOTS],
            trail: Vec::new(),
        }
    }

    /// Takes a step; an error is a sentence about what is wrong after it.
    pub(super) fn take(&mut self, step: &Step) -> Verdict {
        self.rig.advance(1);
        match step {
            Step::Record { slot, edit, with } => {
                self.work(*slot, *edit, *with);
                Ok(())
            }
            Step::Act { act, person, list } => {
                self.act(*act, *person, *list);
                Ok(())
            }
            Step::Define { sync, rule, value } => {
                self.syncs[*sync].edit(*rule, *value);
                let text = self.syncs[*sync].text();
                self.rig.sync(self.syncs[*sync].id, &text);
                self.trail
                    .push(format!("define {}", text.replace('\n', "; ")));
                Ok(())
            }
            Step::Decide { sync, is_approved } => self.decide(*sync, *is_approved),
            Step::Adopt { sync } => self.adopt(*sync),
            Step::Run {
                sync,
                is_full,
                wait,
                trouble,
            } => {
                self.rig.advance(*wait);
                self.run(*sync, *is_full, trouble)
            }
        }
    }

    fn work(&mut self, place: usize, edit: Edit, with: usize) {
        let module = module(place);
        let (slot, told) = match self.slots[place].clone() {
            Slot::Binned(id) if !with.is_multiple_of(3) => {
                self.rig.restore(module, &id);
                (Slot::Live(id.clone()), format!("restore {id}"))
            }
            Slot::Empty | Slot::Binned(_) => {
                let mut record = json!({"First_Name": "New", "Last_Name": "Walker", "Email": spelled(with),
                    "Email_Opt_Out": with.is_multiple_of(13)});
                if module == "Leads" {
                    record["Company"] = json!("C");
                }
                let id = self.rig.create(module, &record);
                (Slot::Live(id.clone()), format!("create {id} {record}"))
            }
            Slot::Live(id) => self.edit(module, id, edit, with),
        };
        self.slots[place] = slot;
        self.trail.push(format!("{module}: {told}"));
    }

    fn edit(&self, module: &str, id: String, edit: Edit, with: usize) -> (Slot, String) {
        let fields = match edit {
            Edit::Address => json!({ "Email": spelled(with) }),
            Edit::FirstName => json!({ "First_Name": format!("N{with}") }),
            Edit::LastName => json!({ "Last_Name": (["Left", "Gone", "Walker"][with % 3]) }),
            Edit::OptOut => json!({ "Email_Opt_Out": true }),
            Edit::OptIn => json!({ "Email_Opt_Out": false }),
            Edit::Unmapped => json!({ "Description": format!("D{with}") }),
            Edit::Convert if module == "Leads" => {
                // The contact that it becomes is left alone from then on, as is the lead.
                let contact = self.rig.convert(&id);
                return (Slot::Empty, format!("convert {id} to {contact}"));
            }
            Edit::Delete | Edit::Convert => {
                self.rig.delete(module, &id);
                return (Slot::Binned(id.clone()), format!("delete {id}"));
            }
        };
        self.rig.update(module, &id, &fields);
        (Slot::Live(id.clone()), format!("update {id} {fields}"))
    }

    /// Something happens in Campaigns, if it can; says to whom.
    pub(super) fn act(&mut self, act: Act, number: usize, list: usize) -> Option<String> {
        let address = person(number);
        let on = [0, 1].map(|list| standings(&self.rig, list).remove(&address));
        let is_active = |list: usize| on[list].as_deref() == Some("active");
        let place = json!({"list": LISTS[list], "address": address});
        let facts = &mut self.facts;
        let action = match act {
            Act::Unsubscribe if is_active(list) => {
                facts.leave(list, &address);
                json!({ "unsubscribe": place })
            }
            Act::Subscribe if !is_active(list) && !facts.bounced.contains(&address) => {
                facts.join(list, &address);
                json!({ "subscribe": place })
            }
            Act::Bounce => {
                facts.bounced.insert(address.clone());
                json!({ "bounce": address })
            }
            Act::DoNotMail => {
                facts.do_not_mail.insert(address.clone());
                for list in (0..LISTS.len()).filter(|list| is_active(*list)) {
                    facts.leave(list, &address);
                }
                json!({ "do_not_mail": address })
            }
            Act::Lift if facts.is_held_back(&address) => {
                facts.lift(&address);
                json!({ "lift": address })
            }
            Act::DeleteContact if on.iter().any(Option::is_some) => {
                facts.lose(&address);
                json!({ "delete_contact": address })
            }
            Act::Unsubscribe | Act::Subscribe | Act::Lift | Act::DeleteContact => return None,
        };
        self.rig.act(&action);
        self.trail.push(format!("campaigns: {action}"));
        Some(address)
    }

    fn adopt(&mut self, number: usize) -> Verdict {
        if self.facts.seen[number].rows.is_empty() {
            return Ok(());
        }
        let line = format!("adopt {}", self.syncs[number].id);
        self.trail.push(line.clone());
        let ran = self.rig.run(&line);
        match ran.code {
            Some(0) => {}
            // Its definition was edited since its last run.
            Some(3) if ran.stderr.contains("has not run as it is defined now") => return Ok(()),
            code => return Err(format!("{line}: {code:?} {}", ran.stderr)),
        }
        let scene = Scene::of(&self.rig);
        self.facts.adopt(&self.syncs, number, &scene);
        Ok(())
    }

    fn decide(&mut self, number: usize, is_approved: bool) -> Verdict {
        let Some((run, definition)) = self.facts.seen[number].hold.clone() else {
            return Ok(());
        };
        let word = match is_approved {
            true => "approve",
            false => "discard",
        };
        let scene = Scene::of(&self.rig);
        let (sync, list) = (self.syncs[number].clone(), self.syncs[number].list);
        let line = format!("{word} {run}");
        self.trail.push(format!("{line} of {}", sync.id));
        let ran = self.rig.run(&line);
        if ran.code != Some(0) {
            return Err(format!("{line}: {:?} {}", ran.code, ran.stderr));
        }
        if is_approved {
            self.facts.read_suppressions(list, &scene);
        }
        let after = standings(&self.rig, list);
        let is_as_then = definition.text() == sync.text();
        let fates = self.decided(number, is_approved, is_as_then, &scene);
        checks::the_list_is_as_it_should_be(list, &fates, &scene, &after)?;
        self.facts
            .decide(&self.syncs, number, is_approved, &scene, &after);
        Ok(())
    }

    /// What may become of everybody when a hold is decided on.
    fn decided(
        &self,
        number: usize,
        is_approved: bool,
        is_as_then: bool,
        scene: &Scene,
    ) -> BTreeMap<String, Fate> {
        let asked = self.asked(number, scene, false);
        let list = self.syncs[number].list;
        let links = &self.facts.seen[number].links;
        let has = |address: &str, wanted: &Link| {
            let mut of = links.iter().filter(|((of, _), _)| of == address);
            of.any(|(_, link)| link == wanted)
        };
        let fate = |address: &String| {
            let place = self.facts.place(list, address);
            let may_go = is_approved
                && has(address, &Link::Held)
                && !has(address, &Link::Wanted)
                && scene.is_active(list, address)
                && !asked.is_claimed_by_another(address)
                && asked.removal_is_ours(place);
            let is_sure = may_go
                && is_as_then
                && place.last == Last::Rosterd
                && !place.is_doubtful
                && self.facts.block(address).is_none()
                && scene.wanted(&self.syncs[number], address).next().is_none();
            Fate {
                stay: !is_sure,
                come: false,
                go: may_go,
                is_holdable: false,
            }
        };
        let all = self.facts.addresses(scene).into_iter();
        all.map(|address| (address.clone(), fate(&address)))
            .collect()
    }

    /// The model's question about a run.
    pub(super) fn asked<'w>(&'w self, number: usize, scene: &'w Scene, is_full: bool) -> Asked<'w> {
        Asked {
            facts: &self.facts,
            syncs: &self.syncs,
            number,
            scene,
            is_full,
        }
    }

    /// The addresses of all calls to a list by one of these methods, since the calls were forgotten.
    pub(super) fn called(&self, list: usize, methods: &[&str]) -> Vec<(u64, String)> {
        let is_asked = |call: &&Value| {
            let method = call["method"].as_str().unwrap();
            methods.contains(&method) && call["list"] == LISTS[list]
        };
        let calls = self.rig.calls().log;
        let calls = calls.iter().filter(is_asked);
        calls
            .flat_map(|call| {
                let number = call["number"].as_u64().unwrap();
                let addresses = call["addresses"].as_array().cloned().unwrap_or_default();
                addresses
                    .into_iter()
                    .map(move |address| (number, address.as_str().unwrap().to_lowercase()))
            })
            .collect()
    }
}

/// The addresses of calls, each once.
pub(super) fn once(called: &[(u64, String)]) -> BTreeSet<String> {
    called.iter().map(|(_, address)| address.clone()).collect()
}
