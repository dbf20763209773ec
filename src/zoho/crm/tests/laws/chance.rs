//! Draws of conditions and of the pattern that joins them.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::day::{ZONES, Zone};
use super::organisation::{CHOSEN, Kind, Organisation, Path};
use super::pools::{DAYS, INSTANTS, NOWS, NUMBERS, PARTS, TEXTS};
use super::records::IDS;
use super::tree::Tree;
use crate::domain::definition::{Condition, Literal, Operator};
use crate::sandbox::random::Random;

/// What one draw asks: everything but the records.
#[derive(Debug, Clone)]
pub(super) struct Draw {
    pub(super) module: &'static str,
    pub(super) zone: Zone,
    pub(super) now: &'static str,
    /// Each with the field that its path leads to.
    pub(super) asked: Vec<(Path, Condition)>,
    pub(super) tree: Tree,
}

impl Draw {
    pub(super) fn new(random: &mut Random, organisation: &Organisation) -> Self {
        let module = *random.pick(&["Contacts", "Contacts", CHOSEN[0], CHOSEN[2]]);
        let count = 1 + number(random, 8).min(number(random, 8));
        let paths = organisation.paths(module);
        let asked = (0..count).map(|_| {
            let path = path(random, paths).clone();
            let condition = condition(random, &path);
            (path, condition)
        });
        let asked: Vec<_> = asked.collect();
        let mut leaves: Vec<Tree> = (0..count).map(Tree::One).collect();
        for _ in 0..number(random, 4) {
            leaves.push(Tree::One(number(random, count)));
        }
        shuffle(random, &mut leaves);
        Self {
            module,
            zone: *random.pick(&ZONES),
            now: one(random, &NOWS),
            asked,
            tree: Tree::of(random, leaves),
        }
    }

    /// The same, its conditions in another order.
    pub(super) fn reordered(&self, random: &mut Random) -> Self {
        let mut order: Vec<usize> = (0..self.asked.len()).collect();
        shuffle(random, &mut order);
        let place = |old: usize| order.iter().position(|one| *one == old).unwrap();
        let places: Vec<usize> = (0..order.len()).map(place).collect();
        Self {
            asked: order.iter().map(|old| self.asked[*old].clone()).collect(),
            tree: self.tree.reordered(random, &places),
            ..*self
        }
    }

    pub(super) fn conditions(&self) -> Vec<Condition> {
        let conditions = self.asked.iter().map(|(_, condition)| condition.clone());
        conditions.collect()
    }
}

pub(super) fn shuffle<T>(random: &mut Random, all: &mut [T]) {
    for last in (1..all.len()).rev() {
        all.swap(last, number(random, last + 1));
    }
}

pub(super) fn one<'a>(random: &mut Random, pool: &[&'a str]) -> &'a str {
    let one: &&str = random.pick(pool);
    one
}

pub(super) fn number(random: &mut Random, bound: usize) -> usize {
    usize::try_from(random.below(bound.try_into().unwrap())).unwrap()
}

/// A path to a field of any type, related or not, one as likely as the other.
fn path<'a>(random: &mut Random, paths: &'a [Path]) -> &'a Path {
    let steps = *random.pick(&[0, 0, 0, 1, 1, 2]);
    let near: Vec<&Path> = paths
        .iter()
        .filter(|path| path.text.matches('.').count() == steps)
        .collect();
    let types: BTreeSet<&str> = near.iter().map(|path| path.data_type()).collect();
    let types: Vec<&str> = types.into_iter().collect();
    let wanted = random.pick(&types);
    let of_type: Vec<&&Path> = near
        .iter()
        .filter(|path| path.data_type() == *wanted)
        .collect();
    random.pick::<&&Path>(&of_type)
}

/// The operators that section 2 of the specification gives to a kind of field.
pub(super) fn operators(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => {
            "is is_not contains does_not_contain starts_with ends_with in not_in is_empty is_not_empty"
        }
        Kind::Number => "= is is_not < <= > >= between in not_in is_empty is_not_empty",
        Kind::Date | Kind::DateTime => {
            "= is is_not < <= > >= between in not_in is_empty is_not_empty before after on in_last_days in_next_days"
        }
        Kind::Picklist | Kind::Lookup => "is is_not in not_in is_empty is_not_empty",
        Kind::MultiSelect => "is is_not in not_in is_empty is_not_empty contains does_not_contain",
        Kind::Bool => "is",
    }
}

fn condition(random: &mut Random, path: &Path) -> Condition {
    let names: Vec<&str> = operators(path.kind).split(' ').collect();
    let operator = Operator::named(one(random, &names)).unwrap();
    let many = 1 + number(random, 5);
    let count = match operator.name() {
        "is_empty" | "is_not_empty" => 0,
        "between" => 2,
        "in" | "not_in" => many,
        "is" | "is_not" if path.kind == Kind::MultiSelect => many.min(3),
        _ => 1,
    };
    let operands = match operator.name() {
        "in_last_days" | "in_next_days" => vec![Literal::Number((1 + random.below(4)).into())],
        "between" => ends(random, path),
        _ => (0..count).map(|_| operand(random, path)).collect(),
    };
    Condition {
        field: path.text.parse().unwrap(),
        operator,
        operands,
    }
}

/// Two operands of one form, the lesser first.
fn ends(random: &mut Random, path: &Path) -> Vec<Literal> {
    let pool: Vec<&str> = match path.kind {
        Kind::Number => NUMBERS.to_vec(),
        Kind::DateTime if random.chance(500) => INSTANTS.to_vec(),
        _ => DAYS.to_vec(),
    };
    let mut two = [one(random, &pool), one(random, &pool)];
    match path.kind {
        Kind::Number => two.sort_by_key(|text| text.parse::<rust_decimal::Decimal>().unwrap()),
        _ => two.sort_unstable(),
    }
    let text = |text: &str| Literal::Text(text.to_owned());
    two.map(text).to_vec()
}

fn operand(random: &mut Random, path: &Path) -> Literal {
    let text = |text: &str| Literal::Text(text.to_owned());
    match path.kind {
        Kind::Text => match random.below(10) {
            0..4 => text(one(random, &PARTS)),
            4 => Literal::Number(one(random, &["12", "4711"]).parse().unwrap()),
            _ => loop {
                let chosen = one(random, &TEXTS);
                if !chosen.trim().is_empty() {
                    break text(chosen);
                }
            },
        },
        Kind::Number if random.chance(500) => {
            Literal::Number(one(random, &NUMBERS).parse().unwrap())
        }
        Kind::Number => text(one(random, &NUMBERS)),
        Kind::Bool => Literal::Bool(random.chance(500)),
        Kind::DateTime if random.chance(300) => {
            let instant: jiff::Timestamp = one(random, &INSTANTS).parse().unwrap();
            let fraction = jiff::SignedDuration::from_millis(*random.pick(&[0, 0, 500, -1]));
            Literal::DateTime(instant + fraction)
        }
        Kind::DateTime if random.chance(400) => text(one(random, &INSTANTS)),
        Kind::Date | Kind::DateTime if random.chance(500) => {
            Literal::Date(one(random, &DAYS).parse().unwrap())
        }
        Kind::Date | Kind::DateTime => text(one(random, &DAYS)),
        Kind::Picklist | Kind::MultiSelect => text(&spelling(random, &path.field)),
        Kind::Lookup => match random.below(3) {
            0 => text(&random.pick(&IDS).to_string()),
            1 => text(one(
                random,
                &[
                    "Olive Ops",
                    " sam sales",
                    "rossi",
                    "東京",
                    "12",
                    "o'brien",
                    "łódź",
                ],
            )),
            _ => Literal::Number((*random.pick(&IDS)).into()),
        },
    }
}

/// A value of a picklist, by its own name or its label; more often than not as the metadata spells it.
pub(super) fn spelling(random: &mut Random, field: &Json) -> String {
    let options = field["pick_list_values"].as_array().unwrap();
    // Few of them, so that they meet each other.
    let option = random.pick(&options[..options.len().min(4)]);
    let member = *random.pick(&["actual_value", "actual_value", "display_value"]);
    let text = option[member].as_str().unwrap();
    match random.below(6) {
        0 => text.to_uppercase(),
        1 => text.to_lowercase(),
        2 => format!(" {text} "),
        _ => text.to_owned(),
    }
}
