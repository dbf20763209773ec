//! Past runs as rows of a table: when, what, how it ended, what it counted and what it cost.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::cli::report::Style;
use crate::cli::report::{before, minute, took, zone_name};
use crate::cli::table::{Cell, Column, Table};
use crate::domain::ids::SyncId;
use crate::domain::outcome::RunOutcome;
use crate::journal::event::{
    Event, RunDeferred, RunFinished, RunHeld, RunSkipped, RunStarted, SkipReason,
};

/// Builds the table of past runs.
pub(super) struct Rows {
    /// What was built.
    pub(super) table: Table,
    zone: TimeZone,
    /// Characters of a run's id that are shown.
    id_length: usize,
    /// Removals that wait, as the last `run.held` told; its run's end comes next.
    held: Option<RunHeld>,
}

impl Rows {
    pub(super) fn new(zone: TimeZone, id_length: usize) -> Self {
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
            held: None,
        }
    }

    /// Adds what an event has to show.
    pub(super) fn event(&mut self, at: Timestamp, event: &Event) {
        match event {
            Event::RunFinished(run) => self.finished(at, run),
            Event::RunDeferred(run) => self.deferred(at, run),
            Event::RunSkipped(run) => self.skipped(at, run),
            Event::RunHeld(run) => self.held = Some(run.clone()),
            Event::RunStarted(_)
            | Event::RunResumed(_)
            | Event::RunApproved(_)
            | Event::RunDiscarded(_)
            | Event::AddressReleased(_)
            | Event::AddressForgotten(_)
            | Event::SyncActivated(_)
            | Event::SyncDeactivated(_)
            | Event::ConfigReloaded(_) => {}
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
        let held = self.held.take().filter(|held| held.run == run.run);
        let note = match (&run.error, held) {
            (Some(error), _) => Some(error.message.clone()),
            (None, Some(held)) => Some(waiting(&held)),
            (None, None) => None,
        };
        self.table
            .row(cells, note.map(|note| Cell::styled(outcome, &note)));
    }

    /// A run that began and is not told to have ended.
    pub(super) fn unfinished(&mut self, at: Timestamp, run: &RunStarted) {
        let mut cells = self.blank(at, &run.sync, "unfinished");
        let mut id = run.run.to_string();
        id.truncate(self.id_length);
        cells[2] = Cell::new(run.trigger.name());
        cells.pop();
        cells.push(Cell::styled(Style::Dim, &id));
        self.table.row(cells, None);
    }

    fn deferred(&mut self, at: Timestamp, run: &RunDeferred) {
        let cells = self.blank(at, &run.sync, "deferred");
        let note = format!(
            "the limit {} is used up{}",
            run.reason.name(),
            self.next(run.next)
        );
        self.table
            .row(cells, Some(Cell::styled(Style::Yellow, &note)));
    }

    fn skipped(&mut self, at: Timestamp, run: &RunSkipped) {
        let cells = self.blank(at, &run.sync, "skipped");
        let why = match run.reason {
            SkipReason::Running => "its last run had not ended",
            SkipReason::Missed => "rosterd was not there at its time",
        };
        let note = format!("{why}{}", self.next(run.next));
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

/// What a held run waits for.
pub(super) fn waiting(held: &RunHeld) -> String {
    format!(
        "{} removals wait for a person, more than the bound of {}: `rosterd approve {}` or `rosterd discard {}`",
        held.removals, held.bound, held.run, held.run
    )
}

/// How an outcome stands out.
pub(super) fn outcome(outcome: RunOutcome) -> Style {
    match outcome {
        RunOutcome::Completed => Style::Green,
        RunOutcome::Failed => Style::Red,
        RunOutcome::Held => Style::Yellow,
    }
}
