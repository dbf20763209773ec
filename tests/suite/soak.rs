//! A soak: ten syncs live through days of people's work twice, once left alone and once with everything going wrong, and
//! come to the same.
//!
//! Two rigs have the same people, the same definitions and the same script: records made, edited, opted out and in, deleted,
//! restored, converted and given other addresses; people who leave a list, come back, bounce and complain; contacts that
//! colleagues add and delete; deals and accounts that change; edited definitions, removals that are held and decided on. In
//! one of them nothing ever fails. In the other one answers are lost, spoilt and late, tokens die, the daemon is killed,
//! stopped and away for hours, its clock jumps, its files are broken ([`trouble`]). Every evening, when the faults are over,
//! both have the same people on the same lists with the same fields, and in each of them nobody is on a list against their
//! will, every run has ended once, and its sums agree ([`checks`]).
//!
//! `ROSTERD_SOAK_DAYS=24` lives so many days, `ROSTERD_SOAK_SEED=7` draws others. A soak that fails says its seed and day, what
//! went wrong last, and what differs, person by person.

mod checks;
mod people;
mod script;
mod side;
mod syncs;
mod trouble;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rosterd::clock::Clock;

use crate::rig::Dice;
use people::People;
use script::{Day, Kind};
use side::Side;
use trouble::Weather;

/// How long a soak is.
#[derive(Debug, Clone, Copy)]
struct Length {
    days: usize,
    /// The moments of [`MOMENTS`] at which a daemon is there.
    moments: &'static [usize],
}

impl Length {
    /// What has to be said beside the seed, to live through it again.
    fn told(self) -> String {
        match self.moments == SHORT.moments {
            true => String::new(),
            false => format!(" ROSTERD_SOAK_DAYS={}", self.days),
        }
    }
}

/// What every test run lives through, with two seeds; all faults come to pass in one of them at least.
const SHORT: Length = Length {
    days: 3,
    moments: &[0, 2, 4],
};
const SEEDS: [u64; 2] = [1, 2];

/// So many people there are at the start.
const PEOPLE: usize = 30;
/// So many of the things that went wrong last are told of a soak that failed.
const TOLD: usize = 25;

/// Limits are off, and a person is asked beyond [`script::REMOVALS_MAX`] removals.
const SETTINGS: &str = "timezone = \"UTC\"\n[retry]\ngive_up_after = \"1s\"\n\
    [safety]\nmax_removals = 6\nmin_removals = 6\n\
    [limits]\nruns_per_day = \"unlimited\"\ninitiations_per_month = \"unlimited\"\n\
    resyncs_per_day = \"unlimited\"\nresyncs_per_month = \"unlimited\"\n";

/// What is wrong, in a sentence.
type Verdict = Result<(), String>;

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

/// The same, where a panic is a failure like others.
fn caught(what: impl FnOnce() -> Verdict) -> Verdict {
    catch_unwind(AssertUnwindSafe(what)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        Err(format!("panicked: {}", text.unwrap_or_default()))
    })
}

/// Both worlds live through a day, at the same time.
fn live(worlds: &mut [Side; 2], date: Date, day: &Day, length: Length) -> Verdict {
    let [calm, stormy] = worlds;
    let (one, other) = std::thread::scope(|scope| {
        let calm = scope.spawn(|| caught(|| calm.live(date, day, length)));
        let stormy = scope.spawn(|| caught(|| stormy.live(date, day, length)));
        (calm.join().unwrap(), stormy.join().unwrap())
    });
    one.map_err(|what| format!("in the undisturbed world: {what}"))?;
    other.map_err(|what| format!("in the disturbed world: {what}"))
}

fn evening(worlds: &[Side; 2], people: &People, kind: Kind) -> Verdict {
    let [calm, stormy] = worlds;
    checks::in_itself(calm, people).map_err(|what| format!("in the undisturbed world: {what}"))?;
    checks::in_itself(stormy, people).map_err(|what| format!("in the disturbed world: {what}"))?;
    checks::between(calm, stormy, kind == Kind::Hidden)
}

/// Lives through a soak; answers what went wrong in it and how often, or what came of it that must not.
fn soak(seed: u64, length: Length) -> Result<BTreeMap<String, u64>, String> {
    let mut dice = Dice::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let today = Clock::system().now().to_zoned(TimeZone::UTC).date();
    let began = today.tomorrow().unwrap();
    let mut people = People::default();
    let mut worlds = [
        Side::new(began, None),
        Side::new(began, Some(Weather::new(seed))),
    ];
    for act in script::newcomers(&mut people, &mut dice, PEOPLE) {
        for world in &mut worlds {
            world.act(&act);
        }
    }
    for number in 0..length.days {
        let date = began + i32::try_from(number).unwrap().days();
        let standings = worlds[0].standings();
        let syncs = worlds[0].syncs.clone();
        let day = script::day(&mut people, &mut dice, number, &syncs, &standings);
        let lived = live(&mut worlds, date, &day, length)
            .and_then(|()| caught(|| evening(&worlds, &people, day.kind)))
            .and_then(|()| match number + 1 == length.days {
                true => caught(|| checks::at_rest(&worlds)),
                false => Ok(()),
            });
        if let Err(what) = lived {
            let told = &worlds[1].weather.as_ref().unwrap().told;
            let told = &told[told.len().saturating_sub(TOLD)..];
            return Err(format!(
                "seed {seed}, day {number} ({:?}, edit {:?}):\n  {what}\nwhat people did:\n  {:?}\n\
                 what went wrong last:\n  {}\nthe disturbed world:\n  {}\n\
                 replay with ROSTERD_SOAK_SEED={seed}{}",
                day.kind,
                day.edit,
                day.acts,
                told.join("\n  "),
                worlds[1].told(),
                length.told(),
            ));
        }
    }
    let runs = worlds.each_ref().map(|world| {
        let started = world.journal.iter();
        started
            .filter(|line| line["event"] == "run.started")
            .count()
    });
    worlds.iter_mut().for_each(Side::stop);
    let struck = worlds[1].weather.take().unwrap().struck;
    println!(
        "seed {seed}, {} days: {} runs undisturbed, {} disturbed by {struck:?}",
        length.days, runs[0], runs[1]
    );
    Ok(struck)
}

#[test]
fn after_days_of_every_fault_there_is_the_lists_are_those_of_a_world_without_any() {
    let length = variable("ROSTERD_SOAK_DAYS").map_or(SHORT, |days| Length {
        days: days.try_into().unwrap(),
        moments: &[0, 1, 2, 3, 4],
    });
    let one = variable("ROSTERD_SOAK_SEED");
    let seeds = one.map_or(SEEDS.to_vec(), |seed| vec![seed]);
    let soaked: Vec<Result<BTreeMap<String, u64>, String>> = std::thread::scope(|scope| {
        let soaks = seeds
            .iter()
            .map(|seed| scope.spawn(|| soak(*seed, length)))
            .collect::<Vec<_>>();
        let soaked = soaks.into_iter().map(|soak| soak.join().unwrap());
        soaked.collect()
    });
    let mut struck = BTreeSet::new();
    let mut failures = Vec::new();
    for soaked in soaked {
        match soaked {
            Ok(kinds) => struck.extend(kinds.into_keys()),
            Err(what) => failures.push(what),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    let missed = trouble::missed(&struck);
    // One seed of three days has not room for all.
    let is_all = missed.is_empty() || one.is_some();
    assert!(is_all, "{missed:?} never came");
}
