//! Conditions on records, made ready: columns found, values typed. Views, COQL and Bulk Read are all judged here.
//!
//! Unless the settings say otherwise, nothing compares with an empty field: every check but the tests for emptiness is false for
//! one, the negative ones included.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::Crm;
use super::cell::{Case, Cell};
use super::field::Field;
use super::formula::Formula;
use super::module::{Module, Row};

/// A column: a field of a record, or of one that lookups lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    /// Lookups on the way: where each stands, and the module it leads to.
    pub(super) steps: Vec<(usize, usize)>,
    /// Where the field stands in the module that is reached.
    pub(super) position: usize,
    /// The module that it leads to itself, if it is a lookup.
    target: Option<usize>,
    /// How it is computed, with the module that is reached; `None` for a field that is stored.
    formula: Option<(usize, Formula)>,
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
    folded: String,
    before: bool,
    after: bool,
}

/// How the organisation compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Manner {
    pub(super) case: Case,
    /// Whether negative checks hold for an empty field.
    pub(super) nulls_match_negatives: bool,
}

/// A tree of conditions.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Test {
    All(Vec<Test>),
    Any(Vec<Test>),
    Leaf(Column, Check),
}

impl Test {
    /// A condition on the record's own stored field at `position`.
    pub(super) fn own(position: usize, check: Check) -> Self {
        Self::Leaf(Column::own(position), check)
    }
}

impl Column {
    /// The record's own stored field at `position`.
    pub(super) fn own(position: usize) -> Self {
        Self {
            steps: Vec::new(),
            position,
            target: None,
            formula: None,
        }
    }

    /// The lookups on the way, each as a column of its own.
    pub(super) fn lookups(&self) -> impl Iterator<Item = Self> {
        let steps = self.steps.iter().enumerate();
        steps.map(|(depth, (position, module))| Self {
            steps: self.steps[..depth].to_vec(),
            target: Some(*module),
            ..Self::own(*position)
        })
    }

    /// Where it stands, if it is the record's own.
    pub(super) fn own_position(&self) -> Option<usize> {
        self.steps.is_empty().then_some(self.position)
    }
}

impl Pattern {
    /// Text that matches `text` with anything `before` or `after` it.
    pub(super) fn new(text: &str, before: bool, after: bool) -> Self {
        Self {
            text: text.to_owned(),
            folded: text.to_lowercase(),
            before,
            after,
        }
    }

    fn matches(&self, text: &str, case: Case) -> bool {
        match case {
            Case::Minded => self.holds(text, &self.text),
            Case::Ignored => self.holds(&text.to_lowercase(), &self.folded),
        }
    }

    fn holds(&self, text: &str, part: &str) -> bool {
        match (self.before, self.after) {
            (true, true) => text.contains(part),
            (true, false) => text.ends_with(part),
            (false, true) => text.starts_with(part),
            (false, false) => text == part,
        }
    }
}

impl Check {
    /// Whether `cell` passes.
    pub(super) fn holds(&self, cell: &Cell, manner: Manner) -> bool {
        if let Self::Null(wanted) = self {
            return cell.is_null() == *wanted;
        }
        if cell.is_null() {
            return manner.nulls_match_negatives && self.is_negative();
        }
        let compare = |value: &Cell| cell.compare(value, manner.case);
        match self {
            Self::Null(wanted) => !wanted,
            Self::Order(order, value) => compare(value).is_some_and(|found| order.holds(found)),
            Self::Among(wanted, values) => {
                let mut values = values.iter();
                values.any(|value| compare(value) == Some(Ordering::Equal)) == *wanted
            }
            Self::Within(wanted, low, high) => {
                let within = compare(low).is_some_and(Ordering::is_ge)
                    && compare(high).is_some_and(Ordering::is_le);
                within == *wanted
            }
            Self::Like(wanted, pattern) => match cell {
                Cell::Text(text) => pattern.matches(text, manner.case) == *wanted,
                Cell::Many(values) => pattern.matches(&values.join(";"), manner.case) == *wanted,
                Cell::Null
                | Cell::Number(_)
                | Cell::Bool(_)
                | Cell::Date(_)
                | Cell::At(_)
                | Cell::Ref(_) => false,
            },
        }
    }

    fn is_negative(&self) -> bool {
        match self {
            Self::Null(_) => false,
            Self::Order(order, _) => *order == Order::NotEqual,
            Self::Among(wanted, _) | Self::Within(wanted, ..) | Self::Like(wanted, _) => !wanted,
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
        let mut steps: Vec<(usize, usize)> = Vec::new();
        for name in lookups {
            let position = reached.visible_position(name)?;
            let index = self.target(&reached.fields[position])?;
            steps.push((position, index));
            reached = &self.modules[index];
        }
        let position = reached.visible_position(last)?;
        let (column, field) = self.own_column(reached, position);
        Some((Column { steps, ..column }, field))
    }

    /// The column of the field at `position` of a record of `module` itself.
    pub(super) fn own_column<'a>(
        &self,
        module: &'a Module,
        position: usize,
    ) -> (Column, &'a Field) {
        let field = &module.fields[position];
        let mut modules = self.modules.iter();
        let index = modules.position(|other| other.id == module.id);
        let column = Column {
            target: self.target(field),
            formula: index.zip(field.formula),
            ..Column::own(position)
        };
        (column, field)
    }

    /// Where the module stands that a lookup leads to.
    fn target(&self, field: &Field) -> Option<usize> {
        let target = field.target?;
        let mut modules = self.modules.iter();
        modules.position(|module| module.api_name == target)
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

    /// What `row` holds in `column`; nothing in a lookup of a record that is gone, as it is shown.
    pub(super) fn cell<'a>(&'a self, row: &'a Row, column: &Column) -> Cow<'a, Cell> {
        match (self.follow(row, column), column.formula) {
            (None, _) => Cow::Owned(Cell::Null),
            (Some(row), None) => match (row.cell(column.position), column.target) {
                (Cell::Ref(id), Some(module)) if !self.modules[module].rows.contains_key(id) => {
                    Cow::Owned(Cell::Null)
                }
                (cell, _) => Cow::Borrowed(cell),
            },
            (Some(row), Some((module, formula))) => {
                Cow::Owned(self.compute(&self.modules[module], row, formula))
            }
        }
    }

    /// Whether `row` passes `test`.
    pub(super) fn passes(&self, row: &Row, test: &Test) -> bool {
        match test {
            Test::All(tests) => tests.iter().all(|test| self.passes(row, test)),
            Test::Any(tests) => tests.iter().any(|test| self.passes(row, test)),
            Test::Leaf(column, check) => check.holds(&self.cell(row, column), self.manner()),
        }
    }

    fn manner(&self) -> Manner {
        Manner {
            case: if self.settings.case_sensitive {
                Case::Minded
            } else {
                Case::Ignored
            },
            nulls_match_negatives: self.settings.nulls_match_negatives,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: Manner = Manner {
        case: Case::Ignored,
        nulls_match_negatives: false,
    };
    const CONTRARY: Manner = Manner {
        case: Case::Minded,
        nulls_match_negatives: true,
    };

    #[test]
    fn an_empty_field_passes_tests_for_emptiness_and_negative_ones_if_set() {
        let x = Cell::text("x");
        for (check, usual, contrary) in [
            (Check::Null(true), true, true),
            (Check::Null(false), false, false),
            (Check::Order(Order::Equal, x.clone()), false, false),
            (Check::Order(Order::Less, x.clone()), false, false),
            (Check::Order(Order::NotEqual, x.clone()), false, true),
            (Check::Among(true, vec![x.clone()]), false, false),
            (Check::Among(false, vec![x.clone()]), false, true),
            (Check::Within(false, x.clone(), x), false, true),
            (
                Check::Like(true, Pattern::new("x", true, true)),
                false,
                false,
            ),
            (
                Check::Like(false, Pattern::new("x", true, true)),
                false,
                true,
            ),
        ] {
            assert_eq!(check.holds(&Cell::Null, USUAL), usual, "{check:?}");
            assert_eq!(check.holds(&Cell::Null, CONTRARY), contrary, "{check:?}");
        }
    }

    #[test]
    fn patterns_hold_at_their_end_and_mind_case_if_set() {
        for (before, after, text, usual, contrary) in [
            (true, true, "xROSSIx", true, false),
            (false, true, "Rossini", true, true),
            (false, true, "a Rossi", false, false),
            (true, false, "a Rossi", true, true),
            (true, false, "Rossini", false, false),
            (false, false, "rossi", true, false),
        ] {
            let check = Check::Like(true, Pattern::new("Rossi", before, after));
            assert_eq!(check.holds(&Cell::text(text), USUAL), usual, "{text}");
            assert_eq!(check.holds(&Cell::text(text), CONTRARY), contrary, "{text}");
        }
    }

    #[test]
    fn equality_minds_case_if_set() {
        let media = Check::Among(true, vec![Cell::text("Media")]);
        for (text, usual, contrary) in [("Media", true, true), ("MEDIA", true, false)] {
            assert_eq!(media.holds(&Cell::text(text), USUAL), usual, "{text}");
            assert_eq!(media.holds(&Cell::text(text), CONTRARY), contrary, "{text}");
        }
    }
}
