//! The journal as a person asks about it: by sync, by run, since when.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::cli::exit::CliError;
use crate::cli::report::{Report, counted};
use crate::domain::unknown::Unknown;
use jiff::Timestamp;

use crate::domain::ids::{RunId, SyncId};
use crate::journal::event::{RunHeld, RunParked, RunStarted};
use crate::journal::{Event, Line, Reader, read};

/// Characters of a run's id that are shown at least.
const SHORT_MIN: usize = 10;

/// What the journal tells so far.
pub(super) struct Past {
    /// The events that concern runs and syncs, oldest first.
    pub(super) lines: Vec<Line>,
    /// Whoever asks it again gets what was appended since.
    pub(super) reader: Reader,
}

impl Past {
    /// Reads all there is, warning of lines that cannot be read.
    pub(super) fn read(dir: &Path, report: &Report) -> Result<Self, CliError> {
        let mut past = Self {
            lines: Vec::new(),
            reader: read(dir)?,
        };
        past.lines = past.more(report);
        Ok(past)
    }

    /// What was appended since it was last read.
    pub(super) fn more(&mut self, report: &Report) -> Vec<Line> {
        let mut lines = Vec::new();
        for line in &mut self.reader {
            match line {
                Ok(line) => lines.push(line),
                Err(error) => report.warn(&CliError::from(error).message()),
            }
        }
        lines
    }

    /// Every run that is told of, the newest last.
    pub(super) fn runs(&self) -> BTreeSet<RunId> {
        let runs = self.lines.iter().filter_map(|line| line.event.as_ref());
        runs.filter_map(run_of).collect()
    }

    /// The runs that began and are not told to have ended.
    /// The runs that wait, by sync, as they were parked last.
    pub(super) fn parked(&self) -> BTreeMap<&SyncId, &RunParked> {
        let mut parked = BTreeMap::new();
        for line in &self.lines {
            match &line.event {
                Some(Event::RunParked(run)) => drop(parked.insert(&run.sync, run)),
                Some(Event::RunResumed(run)) => drop(parked.remove(&run.sync)),
                Some(Event::RunFinished(run)) => drop(parked.remove(&run.sync)),
                Some(_) | None => {}
            }
        }
        parked
    }

    pub(super) fn unfinished(&self) -> Vec<(&Line, &RunStarted)> {
        let mut open = BTreeMap::new();
        for line in &self.lines {
            match &line.event {
                Some(Event::RunStarted(run)) => {
                    open.insert(run.run, (line, run));
                }
                Some(Event::RunFinished(run)) => {
                    open.remove(&run.run);
                }
                Some(_) | None => {}
            }
        }
        open.into_values().collect()
    }

    /// What waits for a person, or waited, oldest first.
    pub(super) fn holds(&self) -> Vec<Hold> {
        let mut holds: Vec<Hold> = Vec::new();
        for line in &self.lines {
            let of = |run| move |hold: &&mut Hold| hold.run == run && hold.settled.is_none();
            match &line.event {
                // All that a sync holds, it holds under one run.
                Some(Event::RunHeld(held)) => match holds
                    .iter_mut()
                    .find(|hold| hold.sync == held.sync && hold.settled.is_none())
                {
                    Some(hold) => hold.removals = held.removals,
                    None => holds.push(Hold::opened(held)),
                },
                Some(Event::RunApproved(done)) => {
                    let text = format!("approved: {} taken off", counted(done.deleted, "contact"));
                    if let Some(hold) = holds.iter_mut().find(of(done.run)) {
                        hold.settled = Some((line.at, text));
                    }
                }
                Some(Event::RunDiscarded(done)) => {
                    let text = format!("discarded: {} dropped", counted(done.removals, "removal"));
                    if let Some(hold) = holds.iter_mut().find(of(done.run)) {
                        hold.settled = Some((line.at, text));
                    }
                }
                Some(_) | None => {}
            }
        }
        holds
    }

    /// Refuses a sync that neither the journal nor the configuration knows.
    pub(super) fn check_sync<'p>(
        &'p self,
        asked: &str,
        configured: impl Iterator<Item = &'p SyncId>,
    ) -> Result<SyncId, CliError> {
        let told = self.lines.iter().filter_map(|line| line.event.as_ref());
        let mut known: BTreeSet<&SyncId> = told.filter_map(sync_of).collect();
        known.extend(configured);
        let found = known.iter().find(|sync| sync.as_str() == asked);
        found.map(|sync| SyncId::clone(sync)).ok_or_else(|| {
            CliError::Unknown(Unknown {
                what: "sync".into(),
                asked: asked.to_owned(),
                existing: known.iter().map(ToString::to_string).collect(),
            })
        })
    }

    /// The run whose id begins like this.
    pub(super) fn check_run(&self, asked: &str, sync: Option<&SyncId>) -> Result<RunId, CliError> {
        let runs = self.runs();
        let beginning = asked.to_ascii_uppercase();
        let fits = |run: &&RunId| !beginning.is_empty() && run.to_string().starts_with(&beginning);
        let found: Vec<RunId> = runs.iter().filter(fits).copied().collect();
        let run = match found.as_slice() {
            [] => {
                return Err(CliError::Unknown(Unknown {
                    what: "run".into(),
                    asked: asked.to_owned(),
                    existing: runs.iter().map(ToString::to_string).collect(),
                }));
            }
            [run] => *run,
            [_, _, ..] => {
                return Err(CliError::SeveralRuns {
                    asked: beginning,
                    runs: found.iter().map(ToString::to_string).collect(),
                });
            }
        };
        match sync {
            Some(asked) => self.check_belongs(run, asked),
            None => Ok(run),
        }
    }

    fn check_belongs(&self, run: RunId, asked: &SyncId) -> Result<RunId, CliError> {
        let owner = self.events_of(run).find_map(|(_, event)| sync_of(event));
        match owner {
            Some(sync) if sync != asked => Err(CliError::OtherSync {
                run: run.to_string(),
                asked: asked.to_string(),
                sync: sync.to_string(),
            }),
            Some(_) | None => Ok(run),
        }
    }

    /// What is told of one run, oldest first.
    pub(super) fn events_of(&self, run: RunId) -> impl Iterator<Item = (&Line, &Event)> {
        let told = self
            .lines
            .iter()
            .filter_map(|line| Some((line, line.event.as_ref()?)));
        told.filter(move |(_, event)| run_of(event) == Some(run))
    }
}

/// Removals that a person was or is to decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Hold {
    /// The run under which they wait.
    pub(in crate::cli) run: RunId,
    /// Its sync.
    pub(in crate::cli) sync: SyncId,
    /// How many they were, the last time one joined them.
    pub(in crate::cli) removals: u64,
    /// The bound that they were above.
    bound: u64,
    /// When they were decided, and how.
    pub(super) settled: Option<(Timestamp, String)>,
}

impl Hold {
    /// As it is told when it begins.
    pub(super) fn opened(held: &RunHeld) -> Self {
        Self {
            run: held.run,
            sync: held.sync.clone(),
            removals: held.removals,
            bound: held.bound,
            settled: None,
        }
    }

    /// What becomes of them, in words.
    pub(in crate::cli) fn told(&self) -> String {
        let Self { run, removals, .. } = self;
        if let Some((_, text)) = &self.settled {
            return format!("{} held, {text}", counted(*removals, "removal"));
        }
        let wait = if *removals == 1 { "waits" } else { "wait" };
        let above = match *removals > self.bound {
            true => format!(", more than the bound of {}", self.bound),
            false => String::new(),
        };
        format!(
            "{} {wait} for a person{above}: `rosterd approve {run}` or `rosterd discard {run}`",
            counted(*removals, "removal")
        )
    }
}

/// How many characters tell all these ids apart.
pub(super) fn short_length(runs: &BTreeSet<RunId>) -> usize {
    let names: Vec<String> = runs.iter().map(ToString::to_string).collect();
    // Sorted, so the closest are neighbours.
    let alike = names.windows(2).map(|pair| {
        let both = pair[0].bytes().zip(pair[1].bytes());
        both.take_while(|(one, other)| one == other).count() + 1
    });
    alike.max().unwrap_or(0).max(SHORT_MIN)
}

/// The run an event is about.
pub(super) fn run_of(event: &Event) -> Option<RunId> {
    match event {
        Event::RunStarted(run) => Some(run.run),
        Event::RunFinished(run) => Some(run.run),
        Event::RunHeld(run) => Some(run.by()),
        Event::RunApproved(run) => Some(run.run),
        Event::RunDiscarded(run) => Some(run.run),
        Event::RunResumed(run) => Some(run.run),
        Event::RunParked(run) => Some(run.run),
        Event::RunDeferred(_)
        | Event::RunSkipped(_)
        | Event::AddressReleased(_)
        | Event::AddressForgotten(_)
        | Event::SyncActivated(_)
        | Event::SyncDeactivated(_)
        | Event::AccountKeyChanged(_)
        | Event::AccountOrganisationChanged(_)
        | Event::ConfigReloaded(_)
        | Event::StateRestored(_) => None,
    }
}

/// The sync an event is about.
pub(super) fn sync_of(event: &Event) -> Option<&SyncId> {
    match event {
        Event::RunStarted(run) => Some(&run.sync),
        Event::RunFinished(run) => Some(&run.sync),
        Event::RunHeld(run) => Some(&run.sync),
        Event::RunApproved(run) => Some(&run.sync),
        Event::RunDiscarded(run) => Some(&run.sync),
        Event::RunDeferred(run) => Some(&run.sync),
        Event::RunSkipped(run) => Some(&run.sync),
        Event::RunResumed(run) => Some(&run.sync),
        Event::RunParked(run) => Some(&run.sync),
        Event::SyncActivated(sync) => Some(&sync.sync),
        Event::SyncDeactivated(sync) => Some(&sync.sync),
        Event::AddressReleased(_)
        | Event::AddressForgotten(_)
        | Event::AccountKeyChanged(_)
        | Event::AccountOrganisationChanged(_)
        | Event::ConfigReloaded(_)
        | Event::StateRestored(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_much_of_an_id_is_shown_as_tells_all_apart() {
        let run = |millis, random| RunId::new(millis, random);
        for (runs, want) in [
            (vec![], 10),
            (vec![run(1, 1)], 10),
            (vec![run(1, 1), run(2, 1)], 10),
            (vec![run(1, 1), run(1, 2)], 26),
            (vec![run(1, 0), run(1, 1 << 79)], 11),
        ] {
            assert_eq!(short_length(&runs.into_iter().collect()), want);
        }
    }
}
