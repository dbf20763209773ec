//! Section 2 of the specification once more, in the plainest words, over the JSON of all records.
//!
//! It takes nothing from the code under test but the words of a definition: no folding, no dates, no comparisons.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde_json::Value as Json;

use super::chance::Draw;
use super::day::{number, second_of, written_day, written_second};
use super::organisation::{Kind, Organisation, Path};
use super::tree::Tree;
use crate::domain::definition::{Condition, Literal};
use crate::sandbox::crm::{Crm as Sandbox, MODULES};

/// All records of all modules, by their ids.
pub(super) struct Rows(BTreeMap<&'static str, BTreeMap<String, Json>>);

/// One evaluation.
struct Look<'a> {
    draw: &'a Draw,
    rows: &'a Rows,
    organisation: &'a Organisation,
    /// When it is.
    second: i64,
}

impl Rows {
    pub(super) fn of(sandbox: &Sandbox) -> Self {
        let by_id = |row: Json| (row["id"].as_str().unwrap().to_owned(), row);
        let rows = |module| {
            sandbox
                .all(module)
                .unwrap()
                .into_iter()
                .map(by_id)
                .collect()
        };
        Self(MODULES.map(|module| (module, rows(module))).into())
    }

    /// What the field at the end of a path holds for a record of `module` and one of its deals; null where the path
    /// breaks off.
    pub(super) fn value<'a>(
        &'a self,
        organisation: &Organisation,
        mut module: &'a str,
        path: &str,
        [record, deal]: [&'a Json; 2],
    ) -> &'a Json {
        let mut names: Vec<&str> = path.split('.').collect();
        let mut at = record;
        if ["Deals", "Potentials"].contains(&names[0]) {
            (module, at) = ("Deals", deal);
            names.remove(0);
        }
        let last = names.pop().unwrap();
        for name in names {
            let name = match (name, module) {
                ("Accounts", "Leads") => "Converted_Account",
                ("Accounts", _) => "Account_Name",
                _ => name,
            };
            let field = organisation.field(module, name).unwrap();
            let target = field["lookup"]["module"]["api_name"].as_str().unwrap();
            let id = at[name]["id"].as_str().unwrap_or_default();
            let (name, rows) = self.0.get_key_value(target).unwrap();
            (module, at) = (name, rows.get(id).unwrap_or(&Json::Null));
        }
        &at[last]
    }

    pub(super) fn of_module(&self, module: &str) -> &BTreeMap<String, Json> {
        &self.0[module]
    }
}

/// The ids of the records of the draw's module that are selected at `second`.
pub(super) fn selected(
    draw: &Draw,
    rows: &Rows,
    organisation: &Organisation,
    second: i64,
) -> BTreeSet<u64> {
    let look = Look {
        draw,
        rows,
        organisation,
        second,
    };
    let records = rows.of_module(draw.module).iter();
    records
        .filter(|(id, record)| look.selects(id, record))
        .map(|(id, _)| id.parse().unwrap())
        .collect()
}

impl Look<'_> {
    fn selects(&self, id: &str, record: &Json) -> bool {
        let deals = self.rows.of_module("Deals").values();
        let deals = deals.filter(|deal| deal["Contact_Name"]["id"] == id);
        let deals: Vec<&Json> = deals.filter(|_| self.draw.module == "Contacts").collect();
        match deals.as_slice() {
            [] => self.holds(&self.draw.tree, record, &Json::Null),
            deals => deals
                .iter()
                .any(|deal| self.holds(&self.draw.tree, record, deal)),
        }
    }

    fn holds(&self, tree: &Tree, record: &Json, deal: &Json) -> bool {
        match tree {
            Tree::One(index) => {
                let (path, condition) = &self.draw.asked[*index];
                let value = self.rows.value(
                    self.organisation,
                    self.draw.module,
                    &path.text,
                    [record, deal],
                );
                self.answers(path, condition, value)
            }
            Tree::Not(inner) => !self.holds(inner, record, deal),
            Tree::And(parts) => parts.iter().all(|part| self.holds(part, record, deal)),
            Tree::Or(parts) => parts.iter().any(|part| self.holds(part, record, deal)),
        }
    }

    fn answers(&self, path: &Path, condition: &Condition, value: &Json) -> bool {
        let operator = condition.operator.name();
        let empty = match value {
            Json::Null => true,
            Json::String(text) => folded(text).is_empty(),
            Json::Array(values) => values
                .iter()
                .all(|value| folded(value.as_str().unwrap()).is_empty()),
            _ => false,
        };
        match operator {
            "is_empty" => return empty,
            "is_not_empty" => return !empty,
            "is_not" | "not_in" | "does_not_contain" if empty => return true,
            _ if empty => return false,
            _ => {}
        }
        let positive = match operator {
            "is_not" => "is",
            "not_in" => "in",
            "does_not_contain" => "contains",
            operator => operator,
        };
        let operands = &condition.operands;
        let answer = match path.kind {
            Kind::Text => text(positive, value, operands),
            Kind::Number => {
                let value = decimal(&value.to_string());
                let place = |operand: &Literal| {
                    let operand = decimal(&spelled(operand));
                    [value.cmp(&operand), value.cmp(&operand)]
                };
                ordered(positive, &operands.iter().map(place).collect::<Vec<_>>())
            }
            Kind::Bool => *operands == [Literal::Bool(value.as_bool().unwrap())],
            Kind::Date => {
                let day = written_day(value.as_str().unwrap());
                self.near(positive, day, operands).unwrap_or_else(|| {
                    let place = |operand: &Literal| [day.cmp(&day_of(operand)); 2];
                    ordered(positive, &operands.iter().map(place).collect::<Vec<_>>())
                })
            }
            Kind::DateTime => {
                let second = second_of(value);
                let day = self.draw.zone.day(second);
                self.near(positive, day, operands).unwrap_or_else(|| {
                    let place = |operand: &Literal| match nanosecond(operand) {
                        Some(at) => [(i128::from(second) * 1_000_000_000).cmp(&at); 2],
                        None => [day.cmp(&day_of(operand)); 2],
                    };
                    ordered(positive, &operands.iter().map(place).collect::<Vec<_>>())
                })
            }
            Kind::Picklist => {
                let value = value.as_str().unwrap();
                operands
                    .iter()
                    .any(|operand| same_option(&path.field, value, &spelled(operand)))
            }
            Kind::MultiSelect => {
                let values = value
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|value| value.as_str().unwrap());
                let values: Vec<&str> = values.collect();
                let has = |operand: &Literal| {
                    let wanted = spelled(operand);
                    values
                        .iter()
                        .any(|value| same_option(&path.field, value, &wanted))
                };
                let is_named = |value: &&str| {
                    operands
                        .iter()
                        .any(|operand| same_option(&path.field, value, &spelled(operand)))
                };
                match positive {
                    "is" => operands.iter().all(has) && values.iter().all(is_named),
                    _ => operands.iter().any(has),
                }
            }
            Kind::Lookup => {
                let name = folded(value["name"].as_str().unwrap_or_default());
                let id = value["id"].as_str().unwrap();
                operands.iter().any(|operand| {
                    let wanted = folded(&spelled(operand));
                    wanted == id || wanted == name
                })
            }
        };
        answer == (positive == operator)
    }

    /// Whether a day is near today, where that is asked.
    fn near(&self, operator: &str, day: i64, operands: &[Literal]) -> Option<bool> {
        let today = self.draw.zone.day(self.second);
        let count = || spelled(&operands[0]).parse::<i64>().unwrap();
        match operator {
            "in_last_days" => Some(day <= today && day > today - count()),
            "in_next_days" => Some(day >= today && day < today + count()),
            _ => None,
        }
    }
}

/// A text without case and the blanks around it; both small sigmas are one letter.
fn folded(text: &str) -> String {
    let text = text.trim_matches(char::is_whitespace).chars();
    let small = text.flat_map(char::to_lowercase);
    small
        .map(|letter| if letter == 'ς' { 'σ' } else { letter })
        .collect()
}

fn text(operator: &str, value: &Json, operands: &[Literal]) -> bool {
    let value = folded(value.as_str().unwrap());
    operands.iter().any(|operand| {
        let wanted = folded(&spelled(operand));
        match operator {
            "contains" => value.contains(&wanted),
            "starts_with" => value.starts_with(&wanted),
            "ends_with" => value.ends_with(&wanted),
            _ => value == wanted,
        }
    })
}

/// Where the value lies, seen from the beginning and from the end of each operand.
fn ordered(operator: &str, places: &[[std::cmp::Ordering; 2]]) -> bool {
    let [begin, end] = places[0];
    match operator {
        "<" | "before" => begin.is_lt(),
        "<=" => end.is_le(),
        ">" | "after" => end.is_gt(),
        ">=" => begin.is_ge(),
        "between" => begin.is_ge() && places[1][1].is_le(),
        _ => places
            .iter()
            .any(|[begin, end]| begin.is_ge() && end.is_le()),
    }
}

/// Whether a value and an operand are the same option of a picklist, each by its own name or its label.
fn same_option(field: &Json, value: &str, operand: &str) -> bool {
    let options = field["pick_list_values"].as_array().unwrap().iter();
    let mut names = options.map(|option| {
        ["actual_value", "display_value"].map(|member| folded(option[member].as_str().unwrap()))
    });
    names.any(|names| names.contains(&folded(value)) && names.contains(&folded(operand)))
}

fn spelled(operand: &Literal) -> String {
    match operand {
        Literal::Text(text) => text.clone(),
        Literal::Number(number) => number.to_string(),
        Literal::Bool(truth) => truth.to_string(),
        Literal::Date(day) => day.to_string(),
        Literal::DateTime(at) => at.to_string(),
    }
}

fn decimal(text: &str) -> Decimal {
    text.trim_matches('"').parse().unwrap()
}

fn day_of(operand: &Literal) -> i64 {
    match operand {
        Literal::Date(day) => number(day.year().into(), day.month().into(), day.day().into()),
        other => written_day(&spelled(other)),
    }
}

/// The instant of an operand that has a time.
fn nanosecond(operand: &Literal) -> Option<i128> {
    match operand {
        Literal::DateTime(at) => Some(at.as_nanosecond()),
        Literal::Text(text) if text.contains('T') => {
            Some(i128::from(written_second(text)) * 1_000_000_000)
        }
        _ => None,
    }
}
