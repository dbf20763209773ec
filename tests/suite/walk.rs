//! A random walk: people work in the CRM and in Campaigns, definitions are edited, runs are killed, and after every run the
//! promises hold.
//!
//! A walk is a list of steps drawn from a seed: records made, edited, converted, deleted and restored, people who leave a list,
//! come back, bounce and complain, contacts that colleagues add, delete and lift, edited definitions, decisions on held
//! removals, and between them runs of three syncs on two lists, some in full, some killed and started again, some with the
//! suppressions unreadable. After every run
//! - nobody was added who had left, bounced or opted out before,
//! - the list is as an independent model says ([`model`]),
//! - the counts add up, and are those of the model,
//! - nobody whom others put there was taken off, but for opting out in the CRM,
//! - every run stands in the journal exactly once.
//!
//! `ROSTERD_WALK_SEED=7` walks that seed alone, `ROSTERD_WALK_SEEDS=20` so many from there (or from 1) on,
//! `ROSTERD_WALK_STEPS=5000` so many steps of each. A walk that fails says its seed, the number of the step, and what was done
//! before; with `ROSTERD_WALK_SHRINK=100` it is walked again up to a hundred times with fewer and fewer steps first, as long
//! as it fails in the same way.

mod checks;
mod facts;
mod model;
mod run;
mod scene;
mod settle;
mod shrink;
mod steps;
mod syncs;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use steps::Step;
use world::World;

/// Seeds that every test run walks, and how far: 2,100 steps together.
const SEEDS: u64 = 3;
const STEPS: usize = 700;

/// So many of the things done last are told of a walk that failed.
const TOLD: usize = 200;

/// A walk that came to something wrong.
#[derive(Debug)]
struct Failure {
    /// The step, counted from 0, after which it showed.
    step: usize,
    what: String,
    trail: Vec<String>,
}

/// Walks these steps in a new world.
fn walk(steps: &[Step]) -> Result<(), Failure> {
    let mut world = World::new();
    for (number, step) in steps.iter().enumerate() {
        let taken = catch_unwind(AssertUnwindSafe(|| world.take(step)));
        let taken = taken.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            Err(format!("panicked: {}", text.unwrap_or_default()))
        });
        if let Err(what) = taken {
            return Err(Failure {
                step: number,
                what,
                trail: world.trail,
            });
        }
    }
    Ok(())
}

/// Walks a seed; a failure is told in full.
fn walk_seed(seed: u64, count: usize) -> Result<(), String> {
    let steps = steps::drawn(seed, count);
    let Err(mut failure) = walk(&steps) else {
        return Ok(());
    };
    let at = failure.step;
    let mut shrunk = String::new();
    if let Some(tries) = variable("ROSTERD_WALK_SHRINK") {
        let (fewer, again) = shrink::shrunk(steps[..=at].to_vec(), failure, tries);
        shrunk = format!(", shrunk to {} steps", fewer.len());
        failure = again;
    }
    let from = failure.trail.len().saturating_sub(TOLD);
    Err(format!(
        "seed {seed}, step {at}{shrunk}: {}\n  {}\nreplay with ROSTERD_WALK_SEED={seed} ROSTERD_WALK_STEPS={}",
        failure.what,
        failure.trail[from..].join("\n  "),
        at + 1,
    ))
}

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

#[test]
fn after_thousands_of_random_events_and_kills_the_promises_hold() {
    let first = variable("ROSTERD_WALK_SEED");
    let seeds = variable("ROSTERD_WALK_SEEDS").unwrap_or(if first.is_some() { 1 } else { SEEDS });
    let count = variable("ROSTERD_WALK_STEPS").map_or(STEPS, |steps| steps.try_into().unwrap());
    let first = first.unwrap_or(1);
    let next = AtomicU64::new(first);
    let failures: Vec<String> = std::thread::scope(|scope| {
        let walker = || {
            let mut failures = Vec::new();
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= first + seeds {
                    return failures;
                }
                failures.extend(walk_seed(seed, count).err());
            }
        };
        let walkers = [scope.spawn(walker), scope.spawn(walker)];
        let found = walkers.into_iter().map(|walker| walker.join().unwrap());
        found.flatten().collect()
    });
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}
