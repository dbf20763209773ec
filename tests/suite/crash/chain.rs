//! Random kills and power cuts, one after the other on the same files, beside a twin that nothing happens to.
//!
//! In each round somebody works in the CRM and then asks rosterd for something; the twin does it once, and here it is
//! struck up to a few times before it is done. After each round both are the same. `ROSTERD_KILLS=1000` strikes so
//! often, in chains of fifty, `ROSTERD_KILLS_SEED=7` begins with that seed.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::disk::power::{Kept, Loss};
use crate::disk::{self, Strike};
use crate::rig::Dice;

/// So many strikes in every test run, and in a chain.
const KILLS: usize = 12;
const CHAIN_KILLS: usize = 50;

/// A command is struck so often in a row at most.
const IN_A_ROW: usize = 4;

/// Seconds that pass between what people do and what rosterd is asked for.
const LATER: i64 = 5;

/// What has been struck, by kind and command.
type Tally = BTreeMap<(&'static str, &'static str), (usize, usize)>;

/// The rig that is struck, and the one that is not.
struct Twins {
    struck: Rig,
    sound: Rig,
    dice: Dice,
    /// People who were made up to now.
    made: usize,
    /// Strikes by kind and command: how many, and how many changes the disk had made before them.
    tally: Tally,
}

impl Twins {
    fn new(seed: usize) -> Self {
        let rig = || {
            let rig = Rig::with(&Setup {
                people: 24,
                settings: "[safety]\nmin_removals = 3\nmax_removals = 3\n[limits]\nruns_per_day = \"unlimited\"\n\
                           initiations_per_month = \"unlimited\"\nresyncs_per_day = \"unlimited\"\n\
                           resyncs_per_month = \"unlimited\"\n",
                ..Setup::default()
            });
            rig.sync("newsletter", ALL_CONTACTS);
            rig
        };
        Self {
            struck: rig(),
            sound: rig(),
            dice: Dice::new(u64::try_from(seed).unwrap()),
            made: 0,
            tally: Tally::new(),
        }
    }

    /// Does the same at both.
    fn both(&self, act: impl Fn(&Rig)) {
        act(&self.struck);
        act(&self.sound);
    }

    /// Somebody works in the CRM.
    fn work(&mut self) {
        for _ in 0..=self.dice.roll(3) {
            let records = self.sound.records("Contacts");
            let id = |at: usize| records[at]["id"].as_str().unwrap().to_owned();
            let one = id(self.dice.roll(records.len()));
            match self.dice.roll(8) {
                0..=2 => {
                    let name = json!({ "Last_Name": format!("Named {}", self.dice.roll(1000)) });
                    self.both(|rig| rig.update("Contacts", &one, &name));
                }
                3 => self.both(|rig| {
                    rig.update("Contacts", &one, &json!({ "Email_Opt_Out": true }));
                }),
                4 => self.both(|rig| rig.delete("Contacts", &one)),
                5 if records.len() > 20 => {
                    let from = self.dice.roll(records.len() - 5);
                    self.both(|rig| {
                        (from..from + 5).for_each(|at| rig.delete("Contacts", &id(at)))
                    });
                }
                _ => {
                    self.made += 1;
                    let address = person(self.made);
                    let record = json!({ "Last_Name": "Made", "Email": address });
                    self.both(|rig| drop(rig.create("Contacts", &record)));
                }
            }
        }
        self.both(|rig| rig.pass(LATER));
    }

    /// What rosterd is asked for next.
    fn asked(&mut self) -> Vec<(&'static str, String)> {
        let held = self.sound.events("run.held");
        let settled = ["run.approved", "run.discarded"].map(|event| self.sound.events(event));
        let is_open = |run: &&Value| !settled.iter().flatten().any(|it| it["run"] == run["run"]);
        let open = held.iter().find(is_open).map(|run| run["run"].clone());
        let sync = ("sync", "sync newsletter".to_owned());
        match (self.dice.roll(12), open) {
            (0..=3, Some(_)) => vec![("approve", "approve".to_owned())],
            (4..=5, Some(_)) => vec![("discard", "discard".to_owned())],
            (6, _) => vec![("sync --full", "sync newsletter --full".to_owned())],
            (7, _) => vec![
                ("deactivate", "deactivate newsletter".to_owned()),
                ("activate", "activate newsletter".to_owned()),
            ],
            (8, _) if self.made > 0 => {
                let whom = person(1 + self.dice.roll(self.made));
                vec![("forget", format!("forget {whom}")), sync]
            }
            _ => vec![sync],
        }
    }

    /// Strikes a command a few times, and then lets it be done; says how many strikes that were.
    fn struck(&mut self, (kind, line): &(&'static str, String), most: usize) -> usize {
        let own = line_of(&self.struck, line);
        let span = if kind.starts_with("sync") { 220 } else { 90 };
        let mut kills = 0;
        while kills < most.min(IN_A_ROW) {
            let (way, at) = (self.dice.roll(10), 1 + self.dice.roll(span));
            let strike = Strike::KILLS[self.dice.roll(3)];
            let kept = Kept::of(&self.struck);
            let (name, was_killed) = match way {
                0..=5 => {
                    let ran = disk::run(&self.struck, &own, strike, at);
                    ("killed at a write", ran.code.is_none())
                }
                6..=7 => {
                    let fault = json!({ "after": at % 14, "times": 1, "what": "hang" });
                    ("killed at a call", kill_in(&self.struck, &own, &fault))
                }
                _ => {
                    let ran = disk::run(&self.struck, &own, strike, at);
                    let loss = Loss::EVERY[self.dice.roll(3)];
                    if ran.code.is_none() {
                        kept.cut(&self.struck, loss, &mut self.dice);
                    }
                    ("power lost at a write", ran.code.is_none())
                }
            };
            if !was_killed {
                break;
            }
            kills += 1;
            let tally = self.tally.entry((name, *kind)).or_default();
            *tally = (
                tally.0 + 1,
                tally.1 + if way == 6 || way == 7 { 0 } else { at },
            );
        }
        done(&self.struck, &own);
        kills
    }

    /// One round; says how many strikes it was.
    fn round(&mut self, most: usize) -> usize {
        self.work();
        let mut kills = 0;
        for asked in self.asked() {
            kills += self.struck(&asked, most - kills);
            let own = line_of(&self.sound, &asked.1);
            done(&self.sound, &own);
            // One that was interrupted is ended, and then its own run made.
            let finished = |rig: &Rig| rig.events("run.finished").len();
            while asked.0.starts_with("sync") && finished(&self.sound) < finished(&self.struck) {
                done(&self.sound, &own);
            }
            while asked.0.starts_with("sync") && finished(&self.struck) < finished(&self.sound) {
                done(&self.struck, &own);
            }
        }
        assert_same(&end(&self.struck), &end(&self.sound));
        kills
    }
}

/// The address of a person who is made.
fn person(number: usize) -> String {
    format!("made-{number}@chain.example")
}

/// The line for a rig, whose runs have ids of their own.
fn line_of(rig: &Rig, line: &str) -> String {
    match line {
        "approve" | "discard" => {
            let held = rig.events("run.held").pop().unwrap();
            format!("{line} {}", held["run"].as_str().unwrap())
        }
        line => line.to_owned(),
    }
}

/// Runs a command that is done, refused since it has been done, or holds removals.
fn done(rig: &Rig, line: &str) {
    let ran = rig.run(line);
    assert!(
        matches!(ran.code, Some(0 | 2 | 3)),
        "{line}: {:?} {}",
        ran.code,
        ran.stderr
    );
}

fn chain(seed: usize, kills: usize) -> Tally {
    let mut twins = Twins::new(seed);
    let mut done = 0;
    while done < kills {
        let before = done;
        done += twins.round(kills - done);
        println!("seed {seed}: {before} to {done} of {kills}");
    }
    twins.tally
}

#[test]
fn random_kills_and_power_cuts_in_a_row_lose_and_double_nothing() {
    let kills = variable("ROSTERD_KILLS").unwrap_or(KILLS);
    let seed = variable("ROSTERD_KILLS_SEED").unwrap_or(1);
    let chains = kills.div_ceil(CHAIN_KILLS).max(2);
    let next = AtomicUsize::new(0);
    let tally = Mutex::new(Tally::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let nth = next.fetch_add(1, Ordering::Relaxed);
                    if nth >= chains {
                        return;
                    }
                    // As many in each, and those that are left over in the first ones.
                    let own = kills / chains + usize::from(nth < kills % chains);
                    for (key, (count, writes)) in chain(seed + nth, own) {
                        let mut tally = tally.lock().unwrap();
                        let sum = tally.entry(key).or_default();
                        *sum = (sum.0 + count, sum.1 + writes);
                    }
                }
            });
        }
    });
    let tally = tally.into_inner().unwrap();
    for ((way, command), (count, writes)) in &tally {
        println!("{way}, {command}: {count} times, after {writes} writes");
    }
    assert_eq!(tally.values().map(|(count, _)| count).sum::<usize>(), kills);
}
