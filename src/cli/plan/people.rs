//! Who a plan is about: handed from the plan's file to the reader, a line at a time, so that memory does not grow.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::PathBuf;

use super::{Document, stopped};
use crate::cli::exit::{CliError, Exit};
use crate::cli::report::Report;
use crate::cli::table::{Cell, Column, Table};
use crate::daemon::signals::StopFlag;
use crate::domain::escape::escape_json;
use crate::run::witness::Person;

/// Rows that are laid out at a time.
const BLOCK: usize = 5000;

/// The people of a plan.
pub(super) struct People<'a> {
    path: PathBuf,
    stop: &'a StopFlag,
}

impl<'a> People<'a> {
    pub(super) fn new(path: PathBuf, stop: &'a StopFlag) -> Self {
        Self { path, stop }
    }

    /// Prints a plan with its people as one JSON document.
    pub(super) fn print_json(&self, plan: &Document<'_>) -> Result<(), CliError> {
        let plan = serde_json::to_string(plan).map_err(io::Error::from)?;
        let mut out = BufWriter::new(io::stdout().lock());
        let open = plan.strip_suffix('}').unwrap_or(&plan);
        write!(out, "{},\"people\":[", escape_json(open))?;
        for (nth, line) in self.lines()?.enumerate() {
            if nth > 0 {
                out.write_all(b",")?;
            }
            // A line is a JSON object already.
            out.write_all(escape_json(&line?).as_bytes())?;
        }
        out.write_all(b"]}\n")?;
        Ok(out.flush()?)
    }

    /// Prints them as a table.
    pub(super) fn print_table(&self, report: &Report) -> Result<(), CliError> {
        let mut table = Table::new(vec![
            Column::text("record"),
            Column::text("address"),
            Column::text("outcome"),
            Column::text("fields that change, or why not"),
        ]);
        let mut lines = self.lines()?;
        let mut none = true;
        loop {
            for line in lines.by_ref().take(BLOCK) {
                let person: Person = serde_json::from_str(&line?).map_err(io::Error::from)?;
                table.row(cells(&person), None);
            }
            if table.is_empty() {
                break;
            }
            let text = match none {
                true => format!("\n{}", table.render(report)),
                false => table.render_rows(report),
            };
            report.print(&text)?;
            none = false;
            table.clear();
        }
        if none {
            report.note("nobody is concerned");
        }
        Ok(())
    }

    fn lines(&self) -> Result<impl Iterator<Item = Result<String, CliError>>, CliError> {
        let file = File::open(&self.path).map_err(read_failed)?;
        let lines = BufReader::new(file).lines();
        Ok(lines.map(|line| match self.stop.is_set() {
            true => Err(stopped()),
            false => line.map_err(read_failed),
        }))
    }
}

fn read_failed(source: io::Error) -> CliError {
    let message = format!("cannot read the plan's people: {source}");
    CliError::because(Exit::Failed, message)
}

fn cells(person: &Person) -> Vec<Cell> {
    let what = match person.changed.is_empty() {
        true => person.detail.clone(),
        false => person.changed.join(", "),
    };
    vec![
        Cell::new(person.record.as_deref().unwrap_or("")),
        Cell::new(&person.address),
        Cell::new(&person.outcome),
        Cell::new(&what),
    ]
}
