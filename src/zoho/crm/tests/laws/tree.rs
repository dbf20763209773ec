//! Patterns as the tests understand them: drawn, written, put in other orders.

use super::chance::{number, shuffle};
use crate::sandbox::random::Random;

/// A pattern, as the tests understand it.
#[derive(Debug, Clone)]
pub(super) enum Tree {
    /// A condition, counted from 0.
    One(usize),
    Not(Box<Tree>),
    And(Vec<Tree>),
    Or(Vec<Tree>),
}

impl Tree {
    /// Joins leaves at random, each once.
    pub(super) fn of(random: &mut Random, mut leaves: Vec<Self>) -> Self {
        let joined = if leaves.len() == 1 {
            leaves.remove(0)
        } else {
            let mut parts = Vec::new();
            while !leaves.is_empty() {
                let count = 1 + number(random, leaves.len().min(4));
                let rest = leaves.split_off(count);
                let part = std::mem::replace(&mut leaves, rest);
                // All in one would join nothing.
                if parts.is_empty() && leaves.is_empty() {
                    parts.extend(part);
                } else {
                    parts.push(Self::of(random, part));
                }
            }
            if random.chance(500) {
                Self::And(parts)
            } else {
                Self::Or(parts)
            }
        };
        if random.chance(200) {
            Self::Not(Box::new(joined))
        } else {
            joined
        }
    }

    /// The pattern as a definition writes it; `spare` leaves out the parentheses that are not needed.
    pub(super) fn written(&self, spare: bool) -> String {
        let joined = |parts: &[Self], word: &str| {
            let inner = |part: &Self| match (part, word) {
                (Self::Or(_), " and ") | (Self::And(_) | Self::Or(_), _)
                    if !spare || word == " and " =>
                {
                    format!("({})", part.written(spare))
                }
                _ => part.written(spare),
            };
            parts.iter().map(inner).collect::<Vec<_>>().join(word)
        };
        match self {
            Self::One(index) => (index + 1).to_string(),
            Self::Not(inner) => match **inner {
                Self::And(_) | Self::Or(_) => format!("not ({})", inner.written(spare)),
                Self::One(_) | Self::Not(_) => format!("not {}", inner.written(spare)),
            },
            Self::And(parts) => joined(parts, " and "),
            Self::Or(parts) => joined(parts, " or "),
        }
    }

    /// The same, its commutative parts in any order and its conditions numbered as `places` says.
    pub(super) fn reordered(&self, random: &mut Random, places: &[usize]) -> Self {
        let each = |random: &mut Random, parts: &[Self]| {
            let mut parts: Vec<Self> = parts
                .iter()
                .map(|part| part.reordered(random, places))
                .collect();
            shuffle(random, &mut parts);
            parts
        };
        match self {
            Self::One(index) => Self::One(places[*index]),
            Self::Not(inner) => Self::Not(Box::new(inner.reordered(random, places))),
            Self::And(parts) => Self::And(each(random, parts)),
            Self::Or(parts) => Self::Or(each(random, parts)),
        }
    }
}
