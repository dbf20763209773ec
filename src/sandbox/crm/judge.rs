//! Conditions on records, made ready: columns found, values typed. Views and COQL are both judged here.
//!
//! Nothing compares with an empty field: every check but the tests for emptiness is false for one, the negative ones included.

use std::cmp::Ordering;

use super::Crm;
use super::cell::Cell;
use super::field::Field;
use super::module::{Module, Row};

/// A column: a field of a record, or of one that lookups lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    /// Lookups on the way: where each stands, and the module it leads to.
    pub(super) steps: Vec<(usize, usize)>,
    /// Where the field stands in the module that is reached.
    pub(super) position: usize,
}

/// The comparisons that ask for one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

/// What is asked of a cell; a leading `bool` is false for the negative form.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Check {
    Null(bool),
    Order(Order, Cell),
    Among(bool, Vec<Cell>),
    Within(bool, Cell, Cell),
    Like(bool, Pattern),
}

/// A text with something before it, after it, or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    text: String,
    before: bool,
    after: bool,
}

/// A tree of conditions.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Test {
    All(Vec<Test>),
    Any(Vec<Test>),
    Leaf(Column, Check),
}

impl Test {
    /// A condition on the record's own field at `position`.
    pub(super) fn own(position: usize, check: Check) -> Self {
        Self::Leaf(Column::own(position), check)
    }
}

impl Column {
    /// The record's own field at `position`.
    pub(super) fn own(position: usize) -> Self {
        Self {
            steps: Vec::new(),
            position,
        }
    }

    /// Where it stands, if it is the record's own.
    pub(super) fn own_position(&self) -> Option<usize> {
        self.steps.is_empty().then_some(self.position)
    }
}

impl Pattern {
    /// Text that matches `text` without case, with anything `before` or `after` it.
    pub(super) fn new(text: &str, before: bool, after: bool) -> Self {
        Self {
            text: text.to_lowercase(),
            before,
            after,
        }
    }

    fn matches(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        match (self.before, self.after) {
            (true, true) => text.contains(&self.text),
            (true, false) => text.ends_with(&self.text),
            (false, true) => text.starts_with(&self.text),
            (false, false) => text == self.text,
        }
    }
}

impl Check {
    /// Whether `cell` passes.
    pub(super) fn holds(&self, cell: &Cell) -> bool {
        if let Self::Null(wanted) = self {
            return cell.is_null() == *wanted;
        }
        if cell.is_null() {
            return false;
        }
        match self {
            Self::Null(wanted) => !wanted,
            Self::Order(order, value) => {
                cell.compare(value).is_some_and(|found| order.holds(found))
            }
            Self::Among(wanted, values) => {
                let among = values
                    .iter()
                    .any(|value| cell.compare(value) == Some(Ordering::Equal));
                among == *wanted
            }
            Self::Within(wanted, low, high) => {
                let within = cell.compare(low).is_some_and(Ordering::is_ge)
                    && cell.compare(high).is_some_and(Ordering::is_le);
                within == *wanted
            }
            Self::Like(wanted, pattern) => match cell {
                Cell::Text(text) => pattern.matches(text) == *wanted,
                Cell::Many(values) => pattern.matches(&values.join(";")) == *wanted,
                Cell::Null
                | Cell::Number(_)
                | Cell::Bool(_)
                | Cell::Date(_)
                | Cell::At(_)
                | Cell::Ref(_) => false,
            },
        }
    }
}

impl Order {
    fn holds(self, found: Ordering) -> bool {
        match self {
            Self::Equal => found.is_eq(),
            Self::NotEqual => found.is_ne(),
            Self::Less => found.is_lt(),
            Self::LessEqual => found.is_le(),
            Self::Greater => found.is_gt(),
            Self::GreaterEqual => found.is_ge(),
        }
    }
}

impl Crm {
    /// The column of `module` that a dotted path names, with its field; `None` where the path leads nowhere.
    pub(super) fn column<'a>(
        &'a self,
        module: &'a Module,
        path: &str,
    ) -> Option<(Column, &'a Field)> {
        let (lookups, last) = match path.rsplit_once('.') {
            Some((lookups, last)) => (lookups.split('.').collect(), last),
            None => (Vec::new(), path),
        };
        let mut reached = module;
        let mut steps = Vec::new();
        for name in lookups {
            let position = reached.visible_position(name)?;
            let target = reached.fields[position].target?;
            let index = self
                .modules
                .iter()
                .position(|module| module.api_name == target)?;
            steps.push((position, index));
            reached = &self.modules[index];
        }
        let position = reached.visible_position(last)?;
        Some((Column { steps, position }, &reached.fields[position]))
    }

    /// The record in which `column` of `row` stands, if its lookups lead to one.
    pub(super) fn follow<'a>(&'a self, row: &'a Row, column: &Column) -> Option<&'a Row> {
        let mut reached = row;
        for (position, module) in &column.steps {
            let Cell::Ref(id) = reached.cell(*position) else {
                return None;
            };
            reached = self.modules[*module].rows.get(id)?;
        }
        Some(reached)
    }

    /// What `row` holds in `column`.
    pub(super) fn cell<'a>(&'a self, row: &'a Row, column: &Column) -> &'a Cell {
        self.follow(row, column)
            .map_or(&Cell::Null, |row| row.cell(column.position))
    }

    /// Whether `row` passes `test`.
    pub(super) fn passes(&self, row: &Row, test: &Test) -> bool {
        match test {
            Test::All(tests) => tests.iter().all(|test| self.passes(row, test)),
            Test::Any(tests) => tests.iter().any(|test| self.passes(row, test)),
            Test::Leaf(column, check) => check.holds(self.cell(row, column)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_tests_for_emptiness_holds_for_an_empty_field() {
        let x = Cell::text("x");
        for (check, want) in [
            (Check::Null(true), true),
            (Check::Null(false), false),
            (Check::Order(Order::Equal, x.clone()), false),
            (Check::Order(Order::NotEqual, x.clone()), false),
            (Check::Among(false, vec![x.clone()]), false),
            (Check::Within(false, x.clone(), x), false),
            (Check::Like(false, Pattern::new("x", true, true)), false),
        ] {
            assert_eq!(check.holds(&Cell::Null), want, "{check:?}");
        }
    }

    #[test]
    fn patterns_hold_at_their_end_without_case() {
        for (before, after, text, want) in [
            (true, true, "xROSSIx", true),
            (false, true, "Rossini", true),
            (false, true, "a Rossi", false),
            (true, false, "a Rossi", true),
            (true, false, "Rossini", false),
            (false, false, "rossi", true),
        ] {
            let check = Check::Like(true, Pattern::new("Rossi", before, after));
            assert_eq!(check.holds(&Cell::text(text)), want, "{text}");
        }
    }
}
