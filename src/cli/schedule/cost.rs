//! What a run is expected to cost: the median of what the sync's last runs of its kind cost.
//!
//! A run that reads everything costs the CRM more than one that reads changes. In Campaigns the first run, which adds
//! everybody, is like no other, and is only gone by where there is nothing else.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::domain::ids::SyncId;
use crate::domain::outcome::RunOutcome;
use crate::journal::event::RunFinished;

/// So many runs are gone by.
const RUNS: usize = 5;

/// What a run is expected to cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(super) struct Cost {
    /// Calls to the CRM.
    pub(super) crm: u64,
    /// Credits of the CRM.
    pub(super) credits: u64,
    /// Calls to Campaigns.
    pub(super) campaigns: u64,
    /// From how many runs this is known.
    pub(super) runs: usize,
}

/// What a run did cost.
#[derive(Debug, Clone, Copy)]
struct Past {
    is_full: bool,
    is_first: bool,
    cost: Cost,
}

/// What past runs cost, by sync, the latest last.
#[derive(Debug, Default)]
pub(super) struct Costs(BTreeMap<SyncId, Vec<Past>>);

impl Costs {
    /// Goes by runs in the order in which they ended; failed ones are not gone by.
    pub(super) fn of<'a>(runs: impl Iterator<Item = &'a RunFinished>) -> Self {
        let mut costs = BTreeMap::<SyncId, Vec<Past>>::new();
        for run in runs.filter(|run| run.outcome != RunOutcome::Failed) {
            let past = costs.entry(run.sync.clone()).or_default();
            past.push(Past {
                is_full: run.full,
                is_first: past.is_empty(),
                cost: Cost {
                    crm: run.crm.calls,
                    credits: run.crm.credits,
                    campaigns: run.campaigns.calls,
                    runs: 1,
                },
            });
        }
        Self(costs)
    }

    /// What a run of a sync is expected to cost; `None` before its first one.
    pub(super) fn expected(&self, sync: &SyncId, is_full: bool) -> Option<Cost> {
        let past = self.0.get(sync)?;
        let kind = |past: &Past| past.is_full == is_full;
        let reading = some_of(past, &[&kind, &|_| true]);
        let writing = some_of(
            past,
            &[
                &|past| kind(past) && !past.is_first,
                &|past| !past.is_first,
                &|_| true,
            ],
        );
        Some(Cost {
            crm: median(&reading, |cost| cost.crm),
            credits: median(&reading, |cost| cost.credits),
            campaigns: median(&writing, |cost| cost.campaigns),
            runs: reading.len(),
        })
    }
}

/// The last runs that the first of the wishes takes which takes any.
fn some_of(past: &[Past], wishes: &[&dyn Fn(&Past) -> bool]) -> Vec<Cost> {
    let taken = |wish: &&dyn Fn(&Past) -> bool| {
        let taken = past.iter().rev().filter(|past| wish(past)).take(RUNS);
        taken.map(|past| past.cost).collect::<Vec<_>>()
    };
    let mut taken = wishes.iter().map(taken);
    taken.find(|taken| !taken.is_empty()).unwrap_or_default()
}

/// The one in the middle; of two, the higher.
fn median(costs: &[Cost], figure: impl Fn(&Cost) -> u64) -> u64 {
    let mut figures: Vec<u64> = costs.iter().map(figure).collect();
    figures.sort_unstable();
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Event, samples};

    #[test]
    fn the_median_of_the_last_five_runs_of_the_kind_is_expected() {
        let Event::RunFinished(sample) = samples::finished() else {
            panic!("another event");
        };
        let sample = *sample;
        // Whether it read everything, whether it failed, calls to the CRM, calls to Campaigns.
        type Run = (bool, bool, u64, u64);
        let first: Run = (true, false, 7, 480);
        for (runs, full, changes, why) in [
            (vec![], None, None, "before the first run"),
            (vec![(true, true, 9, 9)], None, None, "it failed"),
            (
                vec![first],
                Some((7, 480, 1)),
                Some((7, 480, 1)),
                "nothing but the first",
            ),
            (
                vec![first, (false, false, 3, 14)],
                Some((7, 14, 1)),
                Some((3, 14, 1)),
                "the first tells what reading everything costs, and not what is written",
            ),
            (
                vec![
                    first,
                    (false, false, 3, 14),
                    (true, false, 8, 20),
                    (false, true, 99, 99),
                ],
                Some((8, 20, 2)),
                Some((3, 14, 1)),
                "each its kind",
            ),
            (
                vec![
                    first,
                    (false, false, 90, 90),
                    (false, false, 90, 90),
                    (false, false, 90, 90),
                    (false, false, 5, 1),
                    (false, false, 3, 2),
                    (false, false, 4, 900),
                    (false, false, 3, 4),
                    (false, false, 3, 3),
                ],
                Some((7, 3, 1)),
                Some((3, 3, 5)),
                "the last five, whatever one of them was like",
            ),
        ] {
            let runs: Vec<RunFinished> = runs
                .into_iter()
                .map(|(full, failed, crm, campaigns)| {
                    let mut run = sample.clone();
                    run.full = full;
                    run.outcome = if failed {
                        RunOutcome::Failed
                    } else {
                        RunOutcome::Completed
                    };
                    (run.crm.calls, run.campaigns.calls) = (crm, campaigns);
                    run
                })
                .collect();
            let costs = Costs::of(runs.iter());
            let told = |is_full| {
                let cost = costs.expected(&sample.sync, is_full);
                cost.map(|cost| (cost.crm, cost.campaigns, cost.runs))
            };
            assert_eq!((told(true), told(false)), (full, changes), "{why}");
        }
    }
}
