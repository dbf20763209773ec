//! What a service is asked of records beforehand, so that fewer are read: never more than every selected record fulfils.
//!
//! A filter says nothing that depends on how a service treats empty fields, case or blanks: each of its tests is true
//! for every record for which the judge's condition is, whatever the service makes of the rest. The judge still decides
//! on every record that comes. What a dialect cannot say is left out by [`Filter::weakened`], which only ever lets more
//! records through.

use std::collections::BTreeSet;

use jiff::{Timestamp, civil::Date};
use rust_decimal::Decimal;

use super::ids::FieldPath;
use super::value::FieldType;

/// A condition on records. `All` of nothing lets every record through, `Any` of nothing none.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// Every part is true.
    All(Vec<Filter>),
    /// At least one part is true.
    Any(Vec<Filter>),
    /// A test of one field.
    Leaf(Leaf),
}

/// A test of one field.
#[derive(Debug, Clone, PartialEq)]
pub struct Leaf {
    /// The field; dotted where it belongs to a related record.
    pub field: FieldPath,
    /// Its type.
    pub field_type: FieldType,
    /// What is asked.
    pub test: Test,
}

/// What a leaf asks of its field. Bounds are included; a missing one is open.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// The field is null.
    Null,
    /// The field is not null.
    NotNull,
    /// It has this answer.
    Truth(bool),
    /// It is something, and none of these values in this spelling.
    NoneOf(Vec<String>),
    /// It has one of these texts somewhere, in this spelling.
    Contains(Vec<String>),
    /// A number from the first to the second.
    Numbers(Option<Decimal>, Option<Decimal>),
    /// None of these numbers; nothing is said of null.
    NotNumbers(Vec<Decimal>),
    /// A day from the first to the second.
    Days(Option<Date>, Option<Date>),
    /// An instant from the first to the second, in whole seconds.
    Instants(Option<Timestamp>, Option<Timestamp>),
}

impl Filter {
    /// Lets every record through.
    pub const EVERYTHING: Self = Self::All(Vec::new());

    /// Whether it lets every record through.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        *self == Self::EVERYTHING
    }

    /// All of these, with what says nothing left out.
    #[must_use]
    pub fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut flat = Vec::new();
        for part in parts {
            match part {
                Self::All(inner) => flat.extend(inner),
                Self::Any(inner) if inner.is_empty() => return Self::Any(inner),
                other => flat.push(other),
            }
        }
        match flat.len() {
            1 => flat.remove(0),
            _ => Self::All(flat),
        }
    }

    /// Any of these; everything, if one of them is.
    #[must_use]
    pub fn any(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut flat = Vec::new();
        for part in parts {
            match part {
                Self::Any(inner) => flat.extend(inner),
                everything if everything.is_everything() => return Self::EVERYTHING,
                other => flat.push(other),
            }
        }
        match flat.len() {
            1 => flat.remove(0),
            _ => Self::Any(flat),
        }
    }

    /// The number of tests in it.
    #[must_use]
    pub fn leaves(&self) -> usize {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().map(Self::leaves).sum(),
            Self::Leaf(_) => 1,
        }
    }

    /// The fields it names.
    #[must_use]
    pub fn fields(&self) -> BTreeSet<&FieldPath> {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::fields).collect(),
            Self::Leaf(leaf) => BTreeSet::from([&leaf.field]),
        }
    }

    /// The filter without the leaves that `can_say` refuses: each is taken for true.
    #[must_use]
    pub fn weakened(&self, can_say: &impl Fn(&Leaf) -> bool) -> Self {
        let each = |part: &Self| part.weakened(can_say);
        match self {
            Self::All(parts) => Self::all(parts.iter().map(each)),
            Self::Any(parts) => Self::any(parts.iter().map(each)),
            Self::Leaf(leaf) if can_say(leaf) => self.clone(),
            Self::Leaf(_) => Self::EVERYTHING,
        }
    }

    /// The filter cut down to at most `leaves_max` tests, weighed by `weight`: of a conjunction the parts that fit, the
    /// smallest first; anything else only as a whole.
    #[must_use]
    pub fn within(&self, leaves_max: usize, weight: &impl Fn(&Leaf) -> usize) -> Self {
        let weigh = |part: &Self| part.weight(weight);
        if weigh(self) <= leaves_max {
            return self.clone();
        }
        let Self::All(parts) = self else {
            return Self::EVERYTHING;
        };
        let mut by_weight: Vec<&Self> = parts.iter().collect();
        by_weight.sort_by_key(|part| weigh(part));
        let (mut left, mut kept) = (leaves_max, Vec::new());
        for part in by_weight {
            if weigh(part) > left {
                break;
            }
            left -= weigh(part);
            kept.push(part.clone());
        }
        Self::all(kept)
    }

    fn weight(&self, weight: &impl Fn(&Leaf) -> usize) -> usize {
        match self {
            Self::All(parts) | Self::Any(parts) => {
                parts.iter().map(|part| part.weight(weight)).sum()
            }
            Self::Leaf(leaf) => weight(leaf),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(name: &str) -> Filter {
        Filter::Leaf(Leaf {
            field: name.parse().unwrap(),
            field_type: FieldType::Text,
            test: Test::NotNull,
        })
    }

    #[test]
    fn what_says_nothing_is_left_out_and_takes_an_alternative_with_it() {
        let (a, b) = (leaf("A"), leaf("B"));
        let everything = Filter::EVERYTHING;
        let nothing = Filter::Any(Vec::new());
        assert_eq!(Filter::all([a.clone(), everything.clone()]), a);
        assert_eq!(Filter::all([a.clone(), nothing.clone()]), nothing);
        assert_eq!(Filter::any([a.clone(), everything.clone()]), everything);
        assert_eq!(Filter::any([a.clone(), nothing]), a);
        let nested = Filter::all([a.clone(), Filter::all([b.clone(), a.clone()])]);
        assert_eq!(nested, Filter::All(vec![a.clone(), b, a]));
    }

    #[test]
    fn a_leaf_that_cannot_be_said_is_taken_for_true() {
        let (a, b, c) = (leaf("A"), leaf("B"), leaf("C"));
        let not_b = |leaf: &Leaf| leaf.field.as_str() != "B";
        let and = Filter::all([a.clone(), b.clone()]);
        assert_eq!(and.weakened(&not_b), a);
        let or = Filter::all([Filter::any([a, b]), c.clone()]);
        assert_eq!(or.weakened(&not_b), c);
    }

    #[test]
    fn too_large_a_filter_keeps_what_fits_of_a_conjunction_only() {
        let leaves: Vec<Filter> = ["A", "B", "C", "D"].map(leaf).to_vec();
        let one = |_: &Leaf| 1;
        let either = Filter::Any(leaves[1..].to_vec());
        let and = Filter::All(vec![either.clone(), leaves[0].clone()]);
        assert_eq!(and.within(4, &one), and);
        assert_eq!(and.within(3, &one), leaves[0]);
        assert_eq!(either.within(2, &one), Filter::EVERYTHING);
        assert_eq!(and.within(0, &one), Filter::EVERYTHING);
    }
}
