//! The story as text: short paragraphs and tables, within a hundred columns or those of a narrower terminal.

use unicode_width::UnicodeWidthStr;

use super::files::{DEFINITIONS, HOSPITALITY, NEWSLETTER, place};
use super::story::{Import, Story};
use crate::cli::report::{Report, Style, counted, grouped};
use crate::cli::table::{Cell, Column, Table};
use crate::cli::tally::meaning;
use crate::domain::outcome::Reason;
use crate::journal::event::RunFinished;

/// Lines are no longer, however wide the terminal is.
const COLUMNS_MAX: usize = 100;
const INDENT: &str = "  ";

/// The whole story.
pub(super) fn tell(story: &Story, report: &Report) -> String {
    let mut page = Page::new(report);
    beginning(&mut page, story);
    let [first, second] = &story.imports;
    page.heading("The first import reads everything");
    page.import(first);
    page.paragraph(
        "So total = new + re-added + duplicate + ignored. A duplicate is in Campaigns already, by \
         another record or list; `updated` is the part of them that was sent.",
    );
    page.heading("Then people go on working, and 20 minutes pass for the stand-ins");
    story.changes.iter().for_each(|change| page.item(change));
    page.heading("The second import reads what changed, and sends what differs");
    page.import(second);
    page.paragraph(&came_and_went(first, second));
    page.heading("What became of three people, as Campaigns has it now");
    for person in &story.people {
        page.item(&person.sentence);
    }
    page.paragraph(
        "Every number is from the history that rosterd wrote, or from the lists themselves. The \
         folder is removed again. Next: `rosterd sandbox` serves the same stand-ins for files of \
         your own.",
    );
    page.text
}

fn beginning(page: &mut Page<'_>, story: &Story) {
    page.paragraph(
        "rosterd keeps mailing lists true to a CRM. Here it does so for stand-ins of Zoho CRM and \
         Zoho Campaigns on this machine: real HTTP, invented people, and no waiting for Zoho's \
         call limits.",
    );
    let count = |module: &str| grouped(wide(story.records.get(module).copied().unwrap_or(0)));
    page.paragraph(&format!(
        "The CRM has {} contacts, {} leads and {} event guests; the lists are empty. {} files say \
         who belongs on which list. This is {}:",
        count("Contacts"),
        count("Leads"),
        count("Event_Guests"),
        DEFINITIONS.len(),
        place(&HOSPITALITY),
    ));
    page.block(HOSPITALITY.text);
}

/// The newsletter's people before and now, why there are more or fewer, and what it cost.
fn came_and_went(first: &Import, second: &Import) -> String {
    let list = NEWSLETTER.list;
    let (before, now) = (first.on_list(list), second.on_list(list));
    let mut runs = second.runs.iter();
    let run = runs.find(|run| run.sync.as_str() == NEWSLETTER.id);
    let counts = run.map(|run| run.counts).unwrap_or_default();
    format!(
        "{list}: {} people before, {} came, {} taken off, {} bounced, {} now. The first import \
         took {}, the second {}.",
        grouped(wide(before.active)),
        grouped(counts.new + counts.re_added),
        grouped(counts.deleted),
        grouped(wide(now.bounced.saturating_sub(before.bounced))),
        grouped(wide(now.active)),
        counted(calls(first), "call"),
        counted(calls(second), "call"),
    )
}

fn calls(import: &Import) -> u64 {
    import.runs.iter().map(calls_of).sum()
}

fn calls_of(run: &RunFinished) -> u64 {
    run.crm.calls + run.campaigns.calls
}

fn wide(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// Text that grows downwards.
struct Page<'r> {
    report: &'r Report,
    columns: usize,
    text: String,
}

impl<'r> Page<'r> {
    fn new(report: &'r Report) -> Self {
        Self {
            report,
            columns: report.width.unwrap_or(COLUMNS_MAX).min(COLUMNS_MAX),
            text: String::new(),
        }
    }

    fn heading(&mut self, text: &str) {
        self.gap();
        self.text.push_str(&self.report.paint(Style::Bold, text));
        self.text.push_str("\n\n");
    }

    fn paragraph(&mut self, text: &str) {
        self.gap();
        self.lines("", "", text);
    }

    fn item(&mut self, text: &str) {
        self.lines("  - ", "    ", text);
    }

    fn block(&mut self, text: &str) {
        self.gap();
        for line in text.lines() {
            if !line.is_empty() {
                let line = self.report.paint(Style::Dim, line);
                self.text.extend([INDENT, INDENT, &line]);
            }
            self.text.push('\n');
        }
    }

    /// The runs, and why they ignored whom they ignored.
    fn import(&mut self, import: &Import) {
        self.table(&runs(import));
        let ignored: u64 = import.runs.iter().map(|run| run.counts.ignored).sum();
        let total: u64 = import.runs.iter().map(|run| run.counts.total).sum();
        self.paragraph(&format!(
            "Of {} records {} were ignored, each for one reason:",
            grouped(total),
            grouped(ignored)
        ));
        self.gap();
        self.table(&reasons(import));
    }

    fn table(&mut self, table: &Table) {
        let report = Report {
            width: Some(self.columns.saturating_sub(INDENT.len())),
            ..*self.report
        };
        for line in table.render(&report).lines() {
            self.text.extend([INDENT, line, "\n"]);
        }
    }

    fn gap(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    /// Words, as many as fit on each line.
    fn lines(&mut self, first: &str, others: &str, text: &str) {
        let mut line = first.to_owned();
        let mut is_empty = true;
        for word in text.split_whitespace() {
            if !is_empty && line.width() + 1 + word.width() > self.columns {
                self.text.extend([line.as_str(), "\n"]);
                others.clone_into(&mut line);
                is_empty = true;
            }
            if !is_empty {
                line.push(' ');
            }
            line.push_str(word);
            is_empty = false;
        }
        self.text.extend([line.as_str(), "\n"]);
    }
}

fn runs(import: &Import) -> Table {
    let mut table = Table::new(vec![
        Column::text("sync"),
        Column::number("total"),
        Column::number("new"),
        Column::number("re-added"),
        Column::number("duplicate"),
        Column::number("ignored"),
        Column::number("updated").rank(1),
        Column::number("deleted"),
        Column::number("calls").rank(2),
        Column::number("on list"),
    ]);
    for (run, definition) in import.runs.iter().zip(&DEFINITIONS) {
        let counts = &run.counts;
        let numbers = [
            counts.total,
            counts.new,
            counts.re_added,
            counts.duplicate,
            counts.ignored,
            counts.updated,
            counts.deleted,
            calls_of(run),
            wide(import.on_list(definition.list).active),
        ];
        let mut cells = vec![Cell::new(run.sync.as_str())];
        cells.extend(numbers.map(Cell::number));
        table.row(cells, None);
    }
    table
}

/// One row for each reason there was.
fn reasons(import: &Import) -> Table {
    let mut columns = vec![Column::text("reason")];
    let of_run = |run: &RunFinished| Column::number(run.sync.as_str());
    columns.extend(import.runs.iter().map(of_run));
    columns.push(Column::text("meaning").rank(1));
    let mut table = Table::new(columns);
    for reason in Reason::ALL {
        let by = |run: &RunFinished| run.counts.ignored_by.get(reason);
        let numbers: Vec<u64> = import.runs.iter().map(by).collect();
        if numbers.iter().any(|number| *number > 0) {
            let mut cells = vec![Cell::new(reason.name())];
            cells.extend(numbers.into_iter().map(Cell::number));
            cells.push(Cell::new(meaning(reason)));
            table.row(cells, None);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::people::{ANN, Known, Person};
    use super::*;
    use crate::journal::event::Event;
    use crate::journal::samples;

    fn story() -> Story {
        let run = |sync: &str| {
            let Event::RunFinished(mut run) = samples::finished() else {
                unreachable!("it is one")
            };
            run.sync = sync.parse().unwrap();
            run.counts.total = 1_234_567;
            *run
        };
        let import = || Import {
            runs: DEFINITIONS.iter().map(|one| run(one.id)).collect(),
            lists: BTreeMap::new(),
        };
        Story {
            records: BTreeMap::new(),
            definitions: BTreeMap::new(),
            imports: [import(), import()],
            changes: vec!["Somebody changes ".repeat(9)],
            people: vec![Person::new(&ANN, Known::default(), Known::default())],
        }
    }

    #[test]
    fn no_line_is_longer_than_the_terminal_or_a_hundred_columns() {
        for (width, columns) in [(None, 100), (Some(200), 100), (Some(80), 80)] {
            let report = Report {
                json: false,
                quiet: false,
                colour: false,
                colour_errors: false,
                width,
            };
            let text = tell(&story(), &report);
            for line in text.lines() {
                assert!(line.width() <= columns, "{columns}: {line}");
            }
            assert!(text.contains("1,234,567") && text.contains("Ann Lee"));
        }
    }
}
