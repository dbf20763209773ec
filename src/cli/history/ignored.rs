//! The contacts that a run ignored, as a table or as they stand in their file.

use std::path::Path;

use crate::cli::exit::{CliError, Exit};
use crate::cli::report::Report;
use crate::cli::table::{Cell, Column, Table};
use crate::cli::tally::meaning;
use crate::domain::ids::RunId;
use crate::journal::ignored::{IgnoredRow, read_ignored};

/// Rows that are laid out at a time, so that memory does not grow with the run.
const BLOCK: usize = 5000;

/// Prints the contacts that a run ignored.
pub(super) fn print(dir: &Path, run: RunId, report: &Report) -> Result<Exit, CliError> {
    let Some(mut rows) = read_ignored(dir, run)? else {
        report.note(&format!(
            "run {run} has no file of ignored contacts: it has not ended, or its days (`history.keep_ignored_days`) are over"
        ));
        return Ok(Exit::Done);
    };
    let mut table = Table::new(vec![
        Column::text("record"),
        Column::text("address"),
        Column::text("reason"),
        Column::text("detail"),
    ]);
    let mut none = true;
    loop {
        for row in rows.by_ref().take(BLOCK) {
            match row {
                Ok(row) if report.json => report.print_json(&row)?,
                Ok(row) => table.row(cells(&row), None),
                Err(error) => report.warn(&CliError::from(error).message()),
            }
        }
        if table.is_empty() {
            break;
        }
        let text = if none {
            table.render(report)
        } else {
            table.render_rows(report)
        };
        report.print(&text)?;
        none = false;
        table.clear();
    }
    if none && !report.json {
        report.note(&format!("run {run} ignored nobody"));
    }
    Ok(Exit::Done)
}

fn cells(row: &IgnoredRow) -> Vec<Cell> {
    let detail = match row.detail.as_str() {
        "" => meaning(row.reason),
        detail => detail,
    };
    vec![
        Cell::new(&row.record.to_string()),
        Cell::new(&row.address),
        Cell::new(row.reason.name()),
        Cell::new(detail),
    ]
}
