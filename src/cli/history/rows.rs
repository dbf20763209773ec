//! Past runs as rows of a table: when, what, how it ended, what it counted and what it cost.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::parked;
use super::past::Hold;
use crate::cli::report::Style;
use crate::cli::report::{before, minute, took, zone_name};
use crate::cli::table::{Cell, Column, Table};
use crate::domain::ids::{RunId, SyncId};
use crate::domain::outcome::RunOutcome;
use crate::journal::event::{
    Event, RunDeferred, RunFinished, RunParked, RunSkipped, RunStarted, SkipReason,
};

/// Builds the table of past runs.
pub(super) struct Rows {
    /// What was built.
    pub(super) table: Table,
    zone: TimeZone,
    /// Characters of a run's id that are shown.
    id_length: usize,
    /// What waits for a person, or waited.
    holds: Vec<Hold>,
    /// What is open at the moment that is looked at, by sync.
    open: BTreeMap<SyncId, RunId>,
}

impl Rows {
    pub(super) fn new(zone: TimeZone, id_length: usize, holds: Vec<Hold>) -> Self {
        let table = Table::new(vec![
            Column::text(&format!("when ({})", zone_name(&zone))),
            Column::text("sync"),
            Column::text("trigger").rank(3),
            Column::text("outcome"),
            Column::number("total"),
            Column::number("new"),
            Column::number("re-added").rank(4),
            Column::number("duplicate").rank(2),
            Column::number("updated").rank(4),
            Column::number("ignored"),
            Column::number("deleted"),
            Column::number("took").rank(3),
            Column::number("calls").rank(4),
            Column::number("credits").rank(4),
            Column::text("run"),
        ]);
        Self {
            table,
            zone,
            id_length,
            holds,
            open: BTreeMap::new(),
        }
    }

    /// Adds what an event has to show.
    pub(super) fn event(&mut self, at: Timestamp, event: &Event) {
        match event {
            Event::RunFinished(run) => self.finished(at, run),
            Event::RunDeferred(run) => self.deferred(at, run),
            Event::RunSkipped(run) => self.skipped(at, run),
            Event::RunHeld(held) => {
                self.open.insert(held.sync.clone(), held.run);
                // One that came while the history is followed.
                if !self.holds.iter().any(|hold| hold.run == held.run) {
                    self.holds.push(Hold::opened(held));
                }
            }
            Event::RunApproved(run) => self.settled(run.run),
            Event::RunDiscarded(run) => self.settled(run.run),
            Event::RunStarted(_)
            | Event::RunResumed(_)
            | Event::RunParked(_)
            | Event::AddressReleased(_)
            | Event::AddressForgotten(_)
            | Event::SyncActivated(_)
            | Event::SyncDeactivated(_)
            | Event::AccountKeyChanged(_)
            | Event::AccountOrganisationChanged(_)
            | Event::ConfigReloaded(_)
            | Event::StateRestored(_) => {}
        }
    }

    fn finished(&mut self, at: Timestamp, run: &RunFinished) {
        let (counts, outcome) = (&run.counts, outcome(run.outcome));
        let mut id = run.run.to_string();
        id.truncate(self.id_length);
        let cells = vec![
            Cell::new(&minute(before(at, run.elapsed_ms), &self.zone)),
            Cell::new(run.sync.as_str()),
            Cell::new(run.trigger.name()),
            Cell::styled(outcome, run.outcome.name()),
            Cell::number(counts.total),
            Cell::number(counts.new),
            Cell::number(counts.re_added),
            Cell::number(counts.duplicate),
            Cell::number(counts.updated),
            Cell::number(counts.ignored),
            Cell::number(counts.deleted),
            Cell::new(&took(run.elapsed_ms)),
            Cell::number(run.crm.calls + run.campaigns.calls),
            Cell::number(run.crm.credits),
            Cell::styled(Style::Dim, &id),
        ];
        let note = match &run.error {
            Some(error) => Some(error.message.clone()),
            None if run.outcome == RunOutcome::Held => self.held(&run.sync),
            None => None,
        };
        self.table
            .row(cells, note.map(|note| Cell::styled(outcome, &note)));
    }

    /// What a run of this sync that ended as held waits for.
    fn held(&self, sync: &SyncId) -> Option<String> {
        let under = self.open.get(sync)?;
        let hold = self.holds.iter().find(|hold| hold.run == *under)?;
        Some(hold.told())
    }

    fn settled(&mut self, run: RunId) {
        self.open.retain(|_, open| *open != run);
    }

    /// A run that began and is not told to have ended.
    pub(super) fn unfinished(
        &mut self,
        at: Timestamp,
        run: &RunStarted,
        parked: Option<&RunParked>,
    ) {
        let outcome = if parked.is_some() {
            "parked"
        } else {
            "unfinished"
        };
        let mut cells = self.blank(at, &run.sync, outcome);
        let mut id = run.run.to_string();
        id.truncate(self.id_length);
        cells[2] = Cell::new(run.trigger.name());
        cells.pop();
        cells.push(Cell::styled(Style::Dim, &id));
        let note = parked.map(|parked| parked::told(parked, &self.zone));
        let note = note.map(|note| Cell::styled(Style::Yellow, &note));
        self.table.row(cells, note);
    }

    fn deferred(&mut self, at: Timestamp, run: &RunDeferred) {
        let cells = self.blank(at, &run.sync, "deferred");
        let why = match &run.error {
            Some(error) => error.message.clone(),
            None => format!("the limit {} is used up", run.reason.name()),
        };
        let note = format!("{why}{}", self.next(run.next));
        self.table
            .row(cells, Some(Cell::styled(Style::Yellow, &note)));
    }

    fn skipped(&mut self, at: Timestamp, run: &RunSkipped) {
        let cells = self.blank(at, &run.sync, "skipped");
        let why = match run.reason {
            SkipReason::Running => "its last run had not ended",
            SkipReason::Missed => "nothing ran at its time",
            SkipReason::NotStarted => "its run could not start",
        };
        let error = run
            .error
            .as_ref()
            .map(|error| format!(": {}", error.message));
        let note = format!("{why}{}{}", error.unwrap_or_default(), self.next(run.next));
        self.table
            .row(cells, Some(Cell::styled(Style::Yellow, &note)));
    }

    fn blank(&self, at: Timestamp, sync: &SyncId, outcome: &str) -> Vec<Cell> {
        let mut cells = vec![
            Cell::new(&minute(at, &self.zone)),
            Cell::new(sync.as_str()),
            Cell::new(""),
            Cell::styled(Style::Yellow, outcome),
        ];
        cells.resize(self.table.column_count(), Cell::new(""));
        cells
    }

    fn next(&self, next: Option<Timestamp>) -> String {
        next.map_or_else(String::new, |next| {
            format!("; next run {}", minute(next, &self.zone))
        })
    }
}

/// How an outcome stands out.
pub(super) fn outcome(outcome: RunOutcome) -> Style {
    match outcome {
        RunOutcome::Completed => Style::Green,
        RunOutcome::Failed => Style::Red,
        RunOutcome::Held => Style::Yellow,
    }
}
