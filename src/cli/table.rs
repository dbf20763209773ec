//! Tables as wide as what is in them: columns that line up, a heading, and notes that run beneath a row.
//!
//! On a terminal too narrow for all columns, those of least interest are left out rather than wrapped.

use unicode_width::UnicodeWidthStr;

use super::report::{Report, Style, escape};

const GAP: &str = "  ";
const NOTE: &str = "    ";

/// Which side a column's cells keep to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Texts.
    Left,
    /// Numbers.
    Right,
}

/// A column.
#[derive(Debug, Clone)]
pub struct Column {
    heading: String,
    align: Align,
    /// Those with the highest go first where there is no room; 0 never goes.
    rank: u8,
}

impl Column {
    /// A column of texts.
    #[must_use]
    pub fn text(heading: &str) -> Self {
        Self {
            heading: heading.to_owned(),
            align: Align::Left,
            rank: 0,
        }
    }

    /// A column of numbers.
    #[must_use]
    pub fn number(heading: &str) -> Self {
        Self {
            align: Align::Right,
            ..Self::text(heading)
        }
    }

    /// The same column, left out where there is no room; the highest rank first.
    #[must_use]
    pub fn rank(self, rank: u8) -> Self {
        Self { rank, ..self }
    }
}

/// A cell.
#[derive(Debug, Clone)]
pub struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// Text from anywhere, which is escaped.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self::styled(Style::Plain, text)
    }

    /// The same, standing out.
    #[must_use]
    pub fn styled(style: Style, text: &str) -> Self {
        Self {
            text: escape(text).into_owned(),
            style,
        }
    }

    /// A number; nought is of less interest.
    #[must_use]
    pub fn number(number: u64) -> Self {
        let style = if number == 0 {
            Style::Dim
        } else {
            Style::Plain
        };
        Self::styled(style, &super::report::grouped(number))
    }
}

#[derive(Debug, Clone)]
struct Row {
    cells: Vec<Cell>,
    note: Option<Cell>,
}

/// A table that is filled row by row.
#[derive(Debug, Clone)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Row>,
    /// Widths that were fixed by an earlier rendering, for rows that follow it.
    widths: Vec<usize>,
}

impl Table {
    /// A table without rows.
    #[must_use]
    pub fn new(columns: Vec<Column>) -> Self {
        let widths = columns
            .iter()
            .map(|column| column.heading.width())
            .collect();
        Self {
            columns,
            rows: Vec::new(),
            widths,
        }
    }

    /// Adds a row, of as many cells as there are columns, and a line that runs beneath it.
    pub fn row(&mut self, cells: Vec<Cell>, note: Option<Cell>) {
        for (width, cell) in self.widths.iter_mut().zip(&cells) {
            *width = cell.text.width().max(*width);
        }
        self.rows.push(Row { cells, note });
    }

    /// How many cells a row has.
    #[must_use]
    pub fn column_count(&self) -> usize {
        self.columns.len()
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The heading and the rows.
    #[must_use]
    pub fn render(&self, report: &Report) -> String {
        let shown = self.shown(report.width);
        let headings = self
            .columns
            .iter()
            .map(|column| Cell::styled(Style::Bold, &column.heading));
        let mut text = self.line(report, &shown, &headings.collect::<Vec<_>>());
        text.push_str(&self.render_rows(report));
        text
    }

    /// The rows alone.
    #[must_use]
    pub fn render_rows(&self, report: &Report) -> String {
        let shown = self.shown(report.width);
        let mut text = String::new();
        for row in &self.rows {
            text.push_str(&self.line(report, &shown, &row.cells));
            if let Some(note) = &row.note {
                text.push_str(NOTE);
                text.push_str(&report.paint(note.style, &note.text));
                text.push('\n');
            }
        }
        text
    }

    /// Forgets the rows, so that those that come next line up with those rendered before.
    pub fn clear(&mut self) {
        self.rows.clear();
    }

    /// Whether there is room for each column.
    fn shown(&self, room: Option<usize>) -> Vec<bool> {
        let mut shown = vec![true; self.columns.len()];
        let Some(room) = room else { return shown };
        loop {
            let of_shown = || (0..shown.len()).filter(|place| shown[*place]);
            let needed: usize = of_shown().map(|place| self.widths[place] + GAP.len()).sum();
            let last = of_shown().max_by_key(|place| self.columns[*place].rank);
            match last {
                Some(place) if needed > room + GAP.len() && self.columns[place].rank > 0 => {
                    shown[place] = false;
                }
                Some(_) | None => return shown,
            }
        }
    }

    fn line(&self, report: &Report, shown: &[bool], cells: &[Cell]) -> String {
        let mut line = String::new();
        let places = (0..cells.len()).filter(|place| shown[*place]);
        for (nth, place) in places.enumerate() {
            let cell = &cells[place];
            if nth > 0 {
                line.push_str(GAP);
            }
            let padding = " ".repeat(self.widths[place].saturating_sub(cell.text.width()));
            let text = report.paint(cell.style, &cell.text);
            match self.columns[place].align {
                Align::Left => line.extend([text, padding]),
                Align::Right => line.extend([padding, text]),
            }
        }
        line.truncate(line.trim_end().len());
        line.push('\n');
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(width: Option<usize>) -> Report {
        Report {
            json: false,
            quiet: false,
            colour: false,
            colour_errors: false,
            width,
        }
    }

    fn table() -> Table {
        let mut table = Table::new(vec![
            Column::text("who"),
            Column::number("much"),
            Column::text("why").rank(1),
        ]);
        let row = |who, much, why| vec![Cell::new(who), Cell::number(much), Cell::new(why)];
        table.row(row("李", 1200, "wide"), None);
        table.row(row("Łukasz", 0, "a\nb"), Some(Cell::new("beneath")));
        table
    }

    #[test]
    fn columns_line_up_and_notes_run_beneath() {
        let want = "\
who      much  why
李      1,200  wide
Łukasz      0  a\\nb
    beneath
";
        assert_eq!(table().render(&report(None)), want);
    }

    #[test]
    fn columns_of_least_interest_go_where_there_is_no_room() {
        let table = table();
        assert_eq!(table.shown(Some(19)), [true, true, true]);
        assert_eq!(table.shown(Some(18)), [true, true, false]);
        assert_eq!(table.shown(Some(1)), [true, true, false]);
    }

    #[test]
    fn rows_that_follow_line_up_with_those_before() {
        let mut table = table();
        table.clear();
        table.row(vec![Cell::new("x"), Cell::number(1), Cell::new("y")], None);
        assert_eq!(table.render_rows(&report(None)), "x           1  y\n");
    }
}
