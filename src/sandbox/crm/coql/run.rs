//! Carries a query out, touching as few records as its conditions and order let it.
//!
//! Records are ordered by id and by `Modified_Time` already. A query in one of these orders walks from where its conditions let it
//! begin to where its page is full; only other orders collect what matches and sort it.

use std::cmp::Ordering;
use std::ops::Bound;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::super::Crm;
use super::super::cell::{Case, Cell};
use super::super::judge::{Check, Column, Order, Test};
use super::super::module::{Key, Row, Span, Walk, Way};
use super::super::schema::{CREATED, ID, MODIFIED};
use super::resolve::Plan;

/// A time range with no more records than this is collected and sorted by id rather than looked for along the ids.
const COLLECTED_MAX: usize = 4000;

impl Crm {
    /// The rows of the page that `plan` asks for, and whether there are more behind it.
    pub(super) fn carry_out(&self, plan: &Plan<'_>) -> (Vec<Value>, bool) {
        let matching = |row: &&Row| self.passes(row, &plan.test);
        let page = plan.limit + 1;
        let mut rows: Vec<&Row> = match walk(plan) {
            Some(walk) => walk.filter(matching).skip(plan.offset).take(page).collect(),
            None => {
                let mut rows: Vec<&Row> = by_id(plan, Way::Up).filter(matching).collect();
                rows.sort_by(|one, other| self.compare(one, other, &plan.order));
                rows.into_iter().skip(plan.offset).take(page).collect()
            }
        };
        let more = rows.len() > plan.limit;
        rows.truncate(plan.limit);
        (
            rows.into_iter().map(|row| self.show(plan, row)).collect(),
            more,
        )
    }

    /// The columns of `row` that are asked for, under their dotted names.
    fn show(&self, plan: &Plan<'_>, row: &Row) -> Value {
        let columns = plan.columns.iter().map(|(path, column)| {
            let module = match column.steps.last() {
                Some((_, module)) => &self.modules[*module],
                None => plan.module,
            };
            let found = self.follow(row, column);
            let value = found.map_or(Value::Null, |row| self.render(module, row, column.position));
            (path.clone(), value)
        });
        columns.collect::<Map<_, _>>().into()
    }

    /// The metadata of the columns that are asked for.
    pub(super) fn columns_metadata(&self, plan: &Plan<'_>) -> Value {
        let columns = plan.columns.iter().filter_map(|(path, column)| {
            let module = match column.steps.last() {
                Some((_, module)) => &self.modules[*module],
                None => plan.module,
            };
            let field = module.fields.get(column.position)?;
            Some((path.clone(), field.metadata(module.id, column.position)))
        });
        columns.collect::<Map<_, _>>().into()
    }

    /// The order of two rows by `order`, then by id; nothing comes before something.
    fn compare(&self, one: &Row, other: &Row, order: &[(Column, Way)]) -> Ordering {
        for (column, way) in order {
            let (first, second) = (self.cell(one, column), self.cell(other, column));
            let found = first
                .compare(&second, Case::Ignored)
                .unwrap_or_else(|| second.is_null().cmp(&first.is_null()));
            let found = match way {
                Way::Up => found,
                Way::Down => found.reverse(),
            };
            if found.is_ne() {
                return found;
            }
        }
        one.id().cmp(&other.id())
    }
}

/// Records in the order asked for, without sorting all; `None` where they have to be sorted.
fn walk<'a>(plan: &Plan<'a>) -> Option<Walk<'a>> {
    let mut order = Vec::new();
    for (column, way) in &plan.order {
        order.push((column.own_position()?, *way));
    }
    match order.as_slice() {
        [] => Some(by_id(plan, Way::Up)),
        [(ID, way), ..] => Some(by_id(plan, *way)),
        [(position @ (CREATED | MODIFIED), Way::Up)] => by_time(plan, *position, Way::Up),
        [(position @ (CREATED | MODIFIED), way), (ID, id_way), ..] if way == id_way => {
            by_time(plan, *position, *way)
        }
        _ => None,
    }
}

/// Records by id: those named, those of a short time range, or those between two ids.
fn by_id<'a>(plan: &Plan<'a>, way: Way) -> Walk<'a> {
    let module = plan.module;
    let directed = |mut rows: Vec<&'a Row>| -> Walk<'a> {
        rows.sort_unstable_by_key(|row| row.id());
        rows.dedup_by_key(|row| row.id());
        if way == Way::Down {
            rows.reverse();
        }
        Box::new(rows.into_iter())
    };
    if let Some(ids) = named(&plan.test) {
        return directed(ids.iter().filter_map(|id| module.rows.get(id)).collect());
    }
    let times = span(&plan.test, MODIFIED);
    if times.low != Bound::Unbounded || times.high != Bound::Unbounded {
        let walk = module.walk(Key::Modified, Way::Down, times);
        let rows: Vec<&Row> = walk.take(COLLECTED_MAX + 1).collect();
        if rows.len() <= COLLECTED_MAX {
            return directed(rows);
        }
    }
    module.walk(Key::Id, way, span(&plan.test, ID))
}

fn by_time<'a>(plan: &Plan<'a>, position: usize, way: Way) -> Option<Walk<'a>> {
    if named(&plan.test).is_some() {
        return None;
    }
    let key = if position == CREATED {
        Key::Created
    } else {
        Key::Modified
    };
    Some(plan.module.walk(key, way, span(&plan.test, position)))
}

/// The ids outside of which nothing passes, where `test` names them.
fn named(test: &Test) -> Option<Vec<u64>> {
    match test {
        Test::All(tests) => tests.iter().find_map(named),
        Test::Any(_) => None,
        Test::Leaf(column, check) if column.own_position() == Some(ID) => match check {
            Check::Order(Order::Equal, Cell::Ref(id)) => Some(vec![*id]),
            Check::Among(true, cells) => Some(
                cells
                    .iter()
                    .filter_map(|cell| {
                        if let Cell::Ref(id) = cell {
                            Some(*id)
                        } else {
                            None
                        }
                    })
                    .collect(),
            ),
            Check::Null(_)
            | Check::Order(..)
            | Check::Among(..)
            | Check::Within(..)
            | Check::Like(..) => None,
        },
        Test::Leaf(..) => None,
    }
}

/// The stretch outside of which nothing passes `test`, as its conditions on the field at `position` tell.
fn span(test: &Test, position: usize) -> Span {
    let mut span = Span::ALL;
    narrow(test, position, &mut span);
    span
}

fn narrow(test: &Test, position: usize, span: &mut Span) {
    match test {
        Test::All(tests) => tests.iter().for_each(|test| narrow(test, position, span)),
        Test::Any(_) => {}
        Test::Leaf(column, check) => {
            if column.own_position() != Some(position) {
                return;
            }
            match check {
                Check::Order(order, cell) => {
                    if matches!(order, Order::Equal | Order::Greater | Order::GreaterEqual) {
                        raise(span, cell, *order == Order::Greater);
                    }
                    if matches!(order, Order::Equal | Order::Less | Order::LessEqual) {
                        lower(span, cell, *order == Order::Less);
                    }
                }
                Check::Within(true, low, high) => {
                    raise(span, low, false);
                    lower(span, high, false);
                }
                Check::Null(_) | Check::Among(..) | Check::Within(..) | Check::Like(..) => {}
            }
        }
    }
}

/// Lets `span` begin at `cell`, or after it, unless it begins later already.
fn raise(span: &mut Span, cell: &Cell, after: bool) {
    let place = if after { last_at(cell) } else { first_at(cell) };
    let Some(place) = place else { return };
    let tighter = match span.low {
        Bound::Unbounded => true,
        Bound::Included(low) | Bound::Excluded(low) => place >= low,
    };
    if tighter {
        span.low = if after {
            Bound::Excluded(place)
        } else {
            Bound::Included(place)
        };
    }
}

/// Lets `span` end at `cell`, or before it, unless it ends earlier already.
fn lower(span: &mut Span, cell: &Cell, before: bool) {
    let place = if before {
        first_at(cell)
    } else {
        last_at(cell)
    };
    let Some(place) = place else { return };
    let tighter = match span.high {
        Bound::Unbounded => true,
        Bound::Included(high) | Bound::Excluded(high) => place <= high,
    };
    if tighter {
        span.high = if before {
            Bound::Excluded(place)
        } else {
            Bound::Included(place)
        };
    }
}

/// The first place of an order that `cell` has.
fn first_at(cell: &Cell) -> Option<(Timestamp, u64)> {
    place(cell, 0)
}

/// The last one.
fn last_at(cell: &Cell) -> Option<(Timestamp, u64)> {
    place(cell, u64::MAX)
}

fn place(cell: &Cell, id: u64) -> Option<(Timestamp, u64)> {
    match cell {
        Cell::At(at) => Some((*at, id)),
        Cell::Ref(id) => Some((Timestamp::UNIX_EPOCH, *id)),
        Cell::Null
        | Cell::Text(_)
        | Cell::Number(_)
        | Cell::Bool(_)
        | Cell::Date(_)
        | Cell::Many(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sandbox::clock::SandboxClock;
    use crate::sandbox::crm::coql::parser;
    use crate::sandbox::people;

    fn filled() -> Crm {
        let mut crm = Crm::new(SandboxClock::default(), 1);
        people::fill(&mut crm, 120, 1);
        crm
    }

    /// A condition on the id or a time of one of the records, or on something else.
    fn condition(crm: &Crm) -> impl Strategy<Value = String> + use<> {
        let rows: Vec<(String, String)> = crm
            .all("Contacts")
            .unwrap()
            .iter()
            .map(|row| {
                let text = |name: &str| row[name].as_str().unwrap().to_owned();
                (text("id"), text("Modified_Time"))
            })
            .collect();
        let operator = prop::sample::select(vec!["=", "!=", "<", "<=", ">", ">="]);
        (prop::sample::select(rows), operator, 0..4_u8).prop_map(|((id, at), operator, kind)| {
            match kind {
                0 => format!("id {operator} '{id}'"),
                1 => format!("Modified_Time {operator} '{at}'"),
                2 => format!("id in ('{id}', '{id}', '1')"),
                _ => "Mailing_City = 'Lisbon'".to_owned(),
            }
        })
    }

    proptest! {
        #[test]
        fn a_walk_finds_what_looking_at_every_record_finds(
            one in condition(&filled()),
            other in condition(&filled()),
            third in condition(&filled()),
            joints in prop::sample::select(vec![("and", "and"), ("and", "or"), ("or", "and")]),
            order in prop::sample::select(vec![
                "", "order by id desc", "order by Modified_Time", "order by Modified_Time desc, id desc",
                "order by Modified_Time desc, id asc", "order by Created_Time, id", "order by Last_Name, id",
            ]),
            (limit, offset) in (1..50_usize, 0..5_usize),
        ) {
            let crm = filled();
            let text = format!(
                "select id from Contacts where (({one} {} {other}) {} {third}) {order} limit {limit} offset {offset}",
                joints.0, joints.1,
            );
            let query = parser::parse(&text).unwrap();
            let plan = crm.resolve(&query).unwrap();
            let mut want: Vec<&Row> = plan.module.rows.values().filter(|row| crm.passes(row, &plan.test)).collect();
            want.sort_by(|one, other| crm.compare(one, other, &plan.order));
            let more = want.len() > offset + limit;
            let want: Vec<String> =
                want.iter().skip(offset).take(limit).map(|row| row.id().to_string()).collect();
            let (rows, found_more) = crm.carry_out(&plan);
            let rows: Vec<&str> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
            prop_assert_eq!(rows, want, "{}", text);
            prop_assert_eq!(found_more, more);
        }
    }
}
