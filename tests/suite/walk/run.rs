//! A run in the middle of a walk, disturbed or not, and everything that has to hold after it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::checks::{self, Verdict};
use super::facts::Last;
use super::model::Fate;
use super::scene::{Scene, standings};
use super::settle::{Ended, Over};
use super::steps::Trouble;
use super::world::{World, once};
use crate::rig::{Ran, until};

const ADDS: [&str; 2] = ["listsubscribe", "addlistsubscribersinbulk"];

/// What happened while a killed run waited to be started again.
#[derive(Default)]
struct Meanwhile {
    /// Whether it was killed at all.
    is_killed: bool,
    touched: BTreeSet<String>,
    /// The calls made before.
    calls: u64,
}

impl World {
    /// Runs a sync and checks everything.
    pub(super) fn run(&mut self, number: usize, is_full: bool, trouble: &Trouble) -> Verdict {
        let full = if is_full { " --full" } else { "" };
        let line = format!("sync {} --json{full}", self.syncs[number].id);
        self.trail.push(format!("run {line}, {trouble:?}"));
        let list = self.syncs[number].list;
        let scene = Scene::of(&self.rig);
        let told = self.rig.events("run.finished").len();
        self.rig.forget_calls();
        let (ran, meanwhile) = self.disturbed(&line, list, trouble);
        let journal = self.rig.journal();
        let is_new = |line: &&Value| line["event"] == "run.finished";
        let lines: Vec<&Value> = journal.iter().filter(is_new).skip(told).collect();
        let ended = ended(&ran, &lines, trouble, &meanwhile)?;
        checks::every_run_is_told_once(&journal)?;
        for line in &lines {
            checks::sums_agree(line)?;
        }
        let has_failed = ended == Ended::Failed;
        let was_full = !has_failed && lines.iter().any(|line| line["full"] == true);
        checks_full(is_full, has_failed, was_full, &lines)?;
        self.facts.read_opt_outs(&scene, has_failed);
        if !has_failed {
            self.facts.read_suppressions(list, &scene);
        }
        let after = standings(&self.rig, list);
        let called = self.called(list, &ADDS);
        self.check_touched(list, &meanwhile, &called, &after)?;
        let untouched = |address: &String| !meanwhile.touched.contains(address);
        let sent: BTreeSet<String> = once(&called).into_iter().filter(untouched).collect();
        let taken_off = once(&self.called(list, &["listunsubscribe"]));
        let taken_off = taken_off.into_iter().filter(untouched).collect();
        let asked = self.asked(number, &scene, was_full);
        checks::nobody_suppressed_is_added(&asked, &sent)?;
        checks::nothing_foreign_is_touched(&asked, &taken_off)?;
        let all = self.facts.addresses(&scene).into_iter().filter(untouched);
        let mut fates: BTreeMap<String, Fate> = all
            .map(|address| {
                let fate = asked.fate(&address);
                (address, if has_failed { fate.gated() } else { fate })
            })
            .collect();
        let is_undisturbed = meanwhile.touched.is_empty();
        if !has_failed {
            let has_hold = self.facts.seen[number].hold.is_some();
            checks::holds_are_right(
                has_hold,
                is_undisturbed,
                self.facts.lost(list),
                &mut fates,
                &ended,
            )?;
        }
        let after_untouched: BTreeMap<String, String> = after
            .iter()
            .filter(|(address, _)| untouched(address))
            .map(|(address, standing)| (address.clone(), standing.clone()))
            .collect();
        checks::the_list_is_as_it_should_be(list, &fates, &scene, &after_untouched)?;
        if meanwhile.touched.is_empty() {
            checks_other(1 - list, &scene, &standings(&self.rig, 1 - list))?;
        }
        let are_counts_known =
            !has_failed && meanwhile.touched.is_empty() && !(meanwhile.is_killed && was_full);
        if are_counts_known {
            checks::counts_are_right(&asked, &lines, meanwhile.is_killed, &after)?;
        }
        self.facts.settle(&Over {
            syncs: &self.syncs,
            number,
            scene: &scene,
            after: &after,
            sent: &sent,
            is_full: was_full,
            ended,
        });
        Ok(())
    }

    fn disturbed(&mut self, line: &str, list: usize, trouble: &Trouble) -> (Ran, Meanwhile) {
        let mut meanwhile = Meanwhile::default();
        match trouble {
            Trouble::None => (self.rig.run(line), meanwhile),
            Trouble::GateClosed => {
                let what = json!({"status": {"status": 503}});
                self.rig
                    .fault(&json!({"method": "getlistsubscribers", "what": what}));
                let ran = self.rig.run(line);
                self.rig.drop_faults();
                (ran, meanwhile)
            }
            Trouble::Killed {
                after,
                meanwhile: acts,
            } => {
                if let Some(ran) = self.killed(line, *after) {
                    return (ran, meanwhile);
                }
                meanwhile.is_killed = true;
                let calls = self.rig.calls().log;
                meanwhile.calls = u64::try_from(calls.len()).unwrap();
                for (act, person) in acts {
                    self.rig.advance(1);
                    if let Some(address) = self.act(*act, *person, list) {
                        for list in 0..2 {
                            self.facts.place_mut(list, &address).is_doubtful = true;
                        }
                        meanwhile.touched.insert(address);
                    }
                }
                self.rig.advance(5);
                (self.rig.run(line), meanwhile)
            }
        }
    }

    /// Kills a run while it waits for the call after so many; where it does not come to that, what it did.
    fn killed(&mut self, line: &str, after: usize) -> Option<Ran> {
        self.rig
            .fault(&json!({ "after": after, "times": 1, "what": "hang" }));
        let mut running = self.rig.start("killed", line);
        let mut is_struck = false;
        until("the call comes, or the run ends", || {
            is_struck = self.rig.get("/faults")["faults"] == json!([]);
            is_struck || !running.is_running()
        });
        if is_struck {
            running.signal("KILL");
        }
        let ran = running.end();
        self.rig.drop_faults();
        (!is_struck).then_some(ran)
    }

    /// Whoever left or bounced while a killed run waited is not added when it goes on.
    fn check_touched(
        &self,
        list: usize,
        meanwhile: &Meanwhile,
        called: &[(u64, String)],
        after: &BTreeMap<String, String>,
    ) -> Verdict {
        for address in &meanwhile.touched {
            let has_left = self.facts.place(list, address).last == Last::Person;
            let has_bounced = self.facts.bounced.contains(address)
                && after.get(address).is_some_and(|it| it == "bounced");
            let is_added = called
                .iter()
                .any(|(call, to)| *call >= meanwhile.calls && to == address);
            if (has_left || has_bounced) && is_added {
                return Err(format!(
                    "{address} left or bounced while the run was interrupted, and was added by it"
                ));
            }
        }
        Ok(())
    }
}

/// How a run ended, if it may end so.
fn ended(
    ran: &Ran,
    lines: &[&Value],
    trouble: &Trouble,
    meanwhile: &Meanwhile,
) -> Result<Ended, String> {
    let Some(last) = lines.last() else {
        return Err(format!("no run has ended: {:?} {}", ran.code, ran.stderr));
    };
    let outcome = last["outcome"].as_str().unwrap();
    let held = lines.iter().find(|line| line["outcome"] == "held");
    let is_closed = matches!(trouble, Trouble::GateClosed);
    let is_odd = |line: &&&Value| line["outcome"] == "failed";
    if !is_closed && meanwhile.touched.is_empty() && lines.iter().any(|line| is_odd(&line)) {
        return Err(format!("a run failed: {lines:?} {}", ran.stderr));
    }
    match (outcome, ran.code) {
        ("completed", Some(0)) => Ok(Ended::Completed),
        ("held", Some(3)) => {
            let run = held.unwrap_or(last)["run"].as_str().unwrap();
            Ok(Ended::Held(run.to_owned()))
        }
        ("failed", Some(75)) if is_closed => Ok(Ended::Failed),
        (outcome, code) => Err(format!("{outcome}, exit code {code:?}: {}", ran.stderr)),
    }
}

fn checks_full(asked: bool, has_failed: bool, was_full: bool, lines: &[&Value]) -> Verdict {
    match asked && !has_failed && !was_full {
        true => Err(format!("it was to read in full and did not: {lines:?}")),
        false => Ok(()),
    }
}

/// A run touches no list but its own.
fn checks_other(other: usize, scene: &Scene, after: &BTreeMap<String, String>) -> Verdict {
    match scene.standings[other] == *after {
        true => Ok(()),
        false => Err(format!(
            "list {other} changed: {:?}, {after:?}",
            scene.standings[other]
        )),
    }
}
