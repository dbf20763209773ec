//! One draw after the other, held against the laws, and what was met on the way.

use std::collections::BTreeSet;

use jiff::{Timestamp, ToSpan, tz::TimeZone};
use serde_json::Value as Json;

use super::chance::Draw;
use super::met::Met;
use super::naive::{self, Rows};
use super::organisation::Organisation;
use super::reading::{Needed, ids, members, read};
use super::records::fill;
use crate::domain::criteria::Criteria;
use crate::domain::filter::Filter;
use crate::domain::pattern::Pattern;
use crate::domain::record::Record;
use crate::domain::value::Field;
use crate::sandbox::clock::SandboxClock;
use crate::sandbox::crm::Crm as Sandbox;
use crate::sandbox::crm::settings::SettingsChange;
use crate::sandbox::random::Random;
use crate::zoho::crm::bulk::{self, BulkQuery, can_bulk};
use crate::zoho::crm::coql::{self, Among};

/// Records come and go; the metadata stays.
pub(super) struct World {
    clock: SandboxClock,
    sandbox: Sandbox,
    organisation: Organisation,
    deal_contact: Field,
}

impl World {
    pub(super) fn new() -> Self {
        let clock = SandboxClock::default();
        clock.freeze();
        let sandbox = Sandbox::new(clock.clone(), 1);
        let organisation = Organisation::of(&sandbox);
        let deals = organisation.schema("Contacts");
        let deal_contact = deals.resolve(&"Deals.Contact_Name".parse().unwrap());
        Self {
            deal_contact: Field {
                api_name: "Contact_Name".to_owned(),
                ..deal_contact.unwrap().field
            },
            clock,
            sandbox,
            organisation,
        }
    }

    /// Draws criteria, and fills the sandbox with records for them.
    fn draw(&mut self, seed: u64) -> (Draw, Random) {
        let mut random = Random::new(seed);
        let draw = Draw::new(&mut random, &self.organisation);
        self.clock.set(draw.now.parse().unwrap());
        fill(&mut random, &mut self.sandbox, &self.organisation, &draw);
        (draw, random)
    }

    fn bind(&self, draw: &Draw, spare: bool) -> Criteria {
        let written = draw.tree.written(spare);
        let pattern = Pattern::parse(&written, draw.asked.len()).unwrap();
        let zone = TimeZone::posix(draw.zone.posix).unwrap();
        let schema = self.organisation.schema(draw.module);
        Criteria::bind(&draw.conditions(), &pattern, schema, &zone).unwrap()
    }

    fn manner(&mut self, contrary: bool, omits_parentless: bool) {
        self.sandbox.change_settings(SettingsChange {
            case_sensitive: Some(contrary),
            nulls_match_negatives: Some(contrary),
            bulk_omits_parentless: Some(omits_parentless),
            ..SettingsChange::default()
        });
    }

    /// Holds the laws against one draw.
    pub(super) fn check(&mut self, seed: u64, met: &mut Met) {
        let (draw, mut random) = self.draw(seed);
        let _told = Told { seed, draw: &draw };
        let criteria = self.bind(&draw, random.chance(500));
        let needed = Needed::of(&criteria, draw.module, &self.deal_contact);
        let now: Timestamp = draw.now.parse().unwrap();
        let rows = Rows::of(&self.sandbox);
        let told = |ids: &BTreeSet<u64>| -> Vec<String> {
            let rows = rows.of_module(draw.module);
            ids.iter()
                .map(|id| rows[&id.to_string()].to_string())
                .collect()
        };

        let (all, deals) = self.read_all(&needed);
        let selected = members(&criteria, &all, &deals, now);
        let wanted = naive::selected(&draw, &rows, &self.organisation, now.as_second());
        let different: BTreeSet<u64> = selected.symmetric_difference(&wanted).copied().collect();
        assert!(
            different.is_empty(),
            "judged differently: {:#?}",
            told(&different)
        );

        // The filter is good until the end of the next day, which may have 23 hours only.
        let mut due = selected.clone();
        due.extend(members(&criteria, &all, &deals, now + 22.hours()));
        let filter = criteria.filter(now);
        let by_job = can_bulk(&needed.own);
        for contrary in [false, true] {
            self.manner(contrary, false);
            let found = read(&self.sandbox, &needed.own, &filter);
            let lost: BTreeSet<u64> = due.difference(&ids(&found)).copied().collect();
            assert!(
                lost.is_empty(),
                "lost by {filter:?}, contrary {contrary}: {:#?}",
                told(&lost)
            );
            assert_eq!(members(&criteria, &found, &deals, now), selected);
            met.narrowed += usize::from(!contrary && found.len() < all.len());
            if by_job {
                let (found, _) = job(&self.sandbox, &needed, &filter);
                let lost: BTreeSet<u64> = due.difference(&found).copied().collect();
                assert!(
                    lost.is_empty(),
                    "lost by a job, {filter:?}, contrary {contrary}: {:#?}",
                    told(&lost)
                );
                met.narrowed_jobs += usize::from(!contrary && found.len() < all.len());
            }
        }
        if by_job {
            // A job may leave out records that lack a parent of what it is asked for, whatever its criteria are. Those of
            // them that feed a contact already are asked for by their ids, and for the others' sake a query counts the
            // records, to see whether the job gave as many. No other member may be lost.
            self.manner(false, true);
            let (found, fields) = job(&self.sandbox, &needed, &filter);
            let lost: BTreeSet<u64> = due.difference(&found).copied().collect();
            let (module, organisation) = (draw.module, &self.organisation);
            let lacks_parent = |id: &u64| {
                let record = &rows.of_module(module)[&id.to_string()];
                let ways = fields.iter().filter_map(|field| field.rsplit_once('.'));
                let mut ways = ways.map(|(way, _)| way);
                ways.any(|way| {
                    rows.value(organisation, module, way, [record, &Json::Null])
                        .is_null()
                })
            };
            assert!(
                lost.iter().all(lacks_parent),
                "lost with all parents: {:#?}",
                told(&lost)
            );
            let noticed = outnumbers(&self.sandbox, draw.module, &filter, found.len());
            assert!(lost.is_empty() || noticed, "{filter:?}: {:#?}", told(&lost));
            met.parentless += usize::from(!lost.is_empty());
        }
        self.manner(false, false);
        met.note(&draw, (selected.len(), all.len()), by_job);
    }

    /// The members of a draw, found by a narrowed read, each time with its conditions and its pattern in another order.
    pub(super) fn orders(&mut self, seed: u64, orders: usize) -> BTreeSet<BTreeSet<u64>> {
        let (draw, mut random) = self.draw(seed);
        let _told = Told { seed, draw: &draw };
        let order = |_| {
            let draw = draw.reordered(&mut random);
            let criteria = self.bind(&draw, random.chance(500));
            let needed = Needed::of(&criteria, draw.module, &self.deal_contact);
            let now: Timestamp = draw.now.parse().unwrap();
            let (_, deals) = self.read_all(&needed);
            let found = read(&self.sandbox, &needed.own, &criteria.filter(now));
            members(&criteria, &found, &deals, now)
        };
        (0..orders).map(order).collect()
    }

    /// All records, and all deals where they are asked for.
    fn read_all(&self, needed: &Needed) -> (Vec<Record>, Vec<Record>) {
        let all = |columns| read(&self.sandbox, columns, &Filter::EVERYTHING);
        let deals = needed.deals.as_ref().map(all);
        (all(&needed.own), deals.unwrap_or_default())
    }
}

/// Whether a query narrowed by `filter` would find more than so many records.
fn outnumbers(sandbox: &Sandbox, module: &str, filter: &Filter, records: usize) -> bool {
    let among = Among {
        view: None,
        filter: filter.clone(),
    };
    let text = coql::probe(module, &among, u32::try_from(records).unwrap());
    !sandbox.query(&text).unwrap().is_empty()
}

/// The ids that a job narrowed by `filter` would give, and the fields that it is asked for.
fn job(sandbox: &Sandbox, needed: &Needed, filter: &Filter) -> (BTreeSet<u64>, Vec<String>) {
    let among = Among {
        view: None,
        filter: filter.clone(),
    };
    let body = bulk::body(&BulkQuery::First {
        columns: &needed.own,
        among: &among,
    });
    let written = sandbox.written(&body["query"]);
    let written = written.unwrap_or_else(|code| panic!("{code}: {body}"));
    let fields = serde_json::from_value(body["query"]["fields"].clone());
    (written.into_iter().collect(), fields.unwrap())
}

/// Says which draw it was when a law does not hold.
struct Told<'a> {
    seed: u64,
    draw: &'a Draw,
}

impl Drop for Told<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Draw {
                module,
                zone,
                now,
                asked,
                tree,
            } = self.draw;
            eprintln!("seed {}: {module} at {now} in {}", self.seed, zone.posix);
            for (number, (_, condition)) in (1..).zip(asked) {
                eprintln!(
                    "  {number}: {} {} {:?}",
                    condition.field,
                    condition.operator.name(),
                    condition.operands
                );
            }
            eprintln!("  {}", tree.written(false));
        }
    }
}
