//! How the columns of a row are laid out over queries, and how much of a filter each of them can ask.
//!
//! A query has room for 50 columns and joins two relations, a relation of a relation counting as two. What does not fit
//! into the first query is asked by further ones for the same rows. The first one joins the relations that the filter
//! needs before any other: what it lets through decides how many rows all of them read.

use std::collections::BTreeSet;

use super::super::Columns;
use super::super::wire::{ID, MODIFIED_TIME};
use super::dialect;
use crate::domain::filter::Filter;
use crate::domain::ids::{FieldPath, IdError};
use crate::domain::value::Field;

/// Most columns of a query and of Get Records, `id` and `Modified_Time` included. Source: the CRM's "COQL limitations"
/// page for v8, November 2026.
pub const COLUMNS_MAX: usize = 50;
/// Most relations that one query joins. Source: as above.
const RELATIONS_MAX: usize = 2;
/// Most conditions of a query. Source: as above.
const CONDITIONS_MAX: usize = 25;
/// Conditions kept for the bounds of a page, of both ends together.
const BOUNDS: usize = 2;

/// One of the queries that a row takes.
#[derive(Debug, Clone)]
pub(in super::super) struct Part<'a> {
    /// What is asked for, `id` first.
    pub(in super::super) select: Vec<FieldPath>,
    /// The fields that it gives.
    pub(in super::super) fields: Vec<(FieldPath, &'a Field)>,
    /// What it asks of the rows.
    pub(in super::super) filter: Filter,
    joined: BTreeSet<String>,
}

/// What queries for these columns ask of their rows.
#[must_use]
pub fn pushable(filter: &Filter, columns: &Columns) -> Filter {
    let names = columns.fields.iter().map(|field| field.api_name.as_str());
    asked(filter, &joins(None, filter, &available(names)))
}

/// Whether one query gives all of these columns.
#[must_use]
pub fn fits_one_query(columns: &Columns) -> bool {
    let parts = parts(&HEAD, &columns.fields, &Filter::EVERYTHING);
    parts.is_ok_and(|parts| parts.len() == 1)
}

/// What a query for ids alone asks of its rows.
pub(in super::super) fn pushable_alone(filter: &Filter) -> Filter {
    let filter = said(filter);
    let names = filter.fields().into_iter().map(FieldPath::as_str);
    asked(&filter, &joins(None, &filter, &available(names)))
}

/// The queries for `fields`, at least one; each has `head` before all else, by which its rows are put in order.
///
/// # Errors
/// The first field whose name is not an API name: it would become part of a query's text.
pub(in super::super) fn parts<'a>(
    head: &[&'static str],
    fields: impl IntoIterator<Item = &'a Field>,
    filter: &Filter,
) -> Result<Vec<Part<'a>>, (String, IdError)> {
    let fields: Vec<&Field> = fields.into_iter().collect();
    let filter = said(filter);
    let available = available(fields.iter().map(|field| field.api_name.as_str()));
    let mut parts = vec![Part::new(head, joins(None, &filter, &available))?];
    for field in fields {
        let path = path(&field.api_name)?;
        if let Some(part) = parts.iter_mut().find(|part| part.takes(&path)) {
            part.add(path, field);
            continue;
        }
        let mut part = Part::new(head, joins(Some(&path), &filter, &available))?;
        part.add(path, field);
        parts.push(part);
    }
    for part in &mut parts {
        part.filter = asked(&filter, &part.joined);
    }
    Ok(parts)
}

impl Part<'_> {
    fn new(head: &[&str], joined: BTreeSet<String>) -> Result<Self, (String, IdError)> {
        Ok(Self {
            select: head
                .iter()
                .map(|name| path(name))
                .collect::<Result<_, _>>()?,
            fields: Vec::new(),
            filter: Filter::EVERYTHING,
            joined,
        })
    }

    fn takes(&self, path: &FieldPath) -> bool {
        let known = self.select.contains(path);
        known || (self.select.len() < COLUMNS_MAX && fits(&self.joined, path.as_str()))
    }
}

impl<'a> Part<'a> {
    fn add(&mut self, path: FieldPath, field: &'a Field) {
        self.joined
            .extend(relations(path.as_str()).map(str::to_owned));
        if !self.select.contains(&path) {
            self.select.push(path.clone());
        }
        self.fields.push((path, field));
    }
}

/// The columns that come with every query for a page.
pub(in super::super) const HEAD: [&str; 2] = [ID, MODIFIED_TIME];

fn path(name: &str) -> Result<FieldPath, (String, IdError)> {
    name.parse().map_err(|error| (name.to_owned(), error))
}

/// The relations on the way to a field: of `A.B.C` these are `A` and `A.B`.
pub(in super::super) fn relations(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('.').map(|(dot, _)| &path[..dot])
}

fn available<'a>(names: impl Iterator<Item = &'a str>) -> BTreeSet<&'a str> {
    names.flat_map(relations).collect()
}

fn fits(joined: &BTreeSet<String>, path: &str) -> bool {
    let new = relations(path).filter(|relation| !joined.contains(*relation));
    joined.len() + new.count() <= RELATIONS_MAX
}

/// The relations that a query joins: those of the column it begins with, then as many of the filter's as fit.
fn joins(
    first: Option<&FieldPath>,
    filter: &Filter,
    available: &BTreeSet<&str>,
) -> BTreeSet<String> {
    let first = first.map(FieldPath::as_str).unwrap_or_default();
    let mut joined: BTreeSet<String> = relations(first).map(str::to_owned).collect();
    for field in filter.fields() {
        let field = field.as_str();
        if relations(field).all(|relation| available.contains(relation)) && fits(&joined, field) {
            joined.extend(relations(field).map(str::to_owned));
        }
    }
    joined
}

fn said(filter: &Filter) -> Filter {
    filter.weakened(&dialect::can_say)
}

fn asked(filter: &Filter, joined: &BTreeSet<String>) -> Filter {
    let can_ask = |leaf: &_| {
        dialect::can_say(leaf) && relations(leaf.field.as_str()).all(|it| joined.contains(it))
    };
    let asked = filter.weakened(&can_ask);
    asked.within(CONDITIONS_MAX - BOUNDS, &dialect::weight)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::filter::{Leaf, Test};
    use crate::domain::value::FieldType;
    use crate::zoho::crm::tests::columns;

    fn leaf(name: &str) -> Filter {
        Filter::Leaf(Leaf {
            field: name.parse().unwrap(),
            field_type: FieldType::Text,
            test: Test::NotNull,
        })
    }

    fn laid_out(names: &[&str], filter: &Filter) -> Vec<String> {
        let columns = columns(names);
        let parts = parts(&HEAD, &columns.fields, filter).unwrap();
        let text = |part: &Part<'_>| {
            let select: Vec<&str> = part.select.iter().map(FieldPath::as_str).collect();
            let filter = dialect::text(&part.filter).unwrap_or_default();
            format!("{} where {filter}", select.join(" "))
        };
        parts.iter().map(text).collect()
    }

    #[test]
    fn a_query_joins_two_relations_and_the_filters_come_first() {
        let everything = Filter::EVERYTHING;
        assert_eq!(
            laid_out(
                &["Email", "A.x", "Modified_Time", "B.x", "A.y"],
                &everything
            ),
            ["id Modified_Time Email A.x B.x A.y where "]
        );
        assert_eq!(
            laid_out(&["A.x", "B.x", "C.x", "Email"], &everything),
            [
                "id Modified_Time A.x B.x Email where ",
                "id Modified_Time C.x where "
            ]
        );
        assert_eq!(
            laid_out(&["A.B.x", "C.x", "A.y"], &everything),
            [
                "id Modified_Time A.B.x A.y where ",
                "id Modified_Time C.x where "
            ]
        );
        let filter = Filter::all([leaf("C.x"), leaf("Email")]);
        assert_eq!(
            laid_out(&["A.x", "B.x", "C.x", "Email"], &filter),
            [
                "id Modified_Time A.x C.x Email where (C.x is not null and Email is not null)",
                "id Modified_Time B.x where (C.x is not null and Email is not null)",
            ]
        );
    }

    #[test]
    fn a_leaf_on_a_relation_that_is_not_joined_is_left_out() {
        let filter = Filter::all([leaf("A.x"), leaf("B.x"), leaf("C.x")]);
        let names = ["A.x", "B.x", "C.x"];
        assert_eq!(
            laid_out(&names, &filter),
            [
                "id Modified_Time A.x B.x where (A.x is not null and B.x is not null)",
                "id Modified_Time C.x where (A.x is not null and C.x is not null)",
            ]
        );
        let first = Filter::all([leaf("A.x"), leaf("B.x")]);
        assert_eq!(pushable(&filter, &columns(&names)), first);
        assert_eq!(pushable_alone(&filter), first);
        assert_eq!(pushable(&filter, &columns(&["Email"])), Filter::EVERYTHING);
    }

    #[test]
    fn columns_beyond_a_query_go_into_the_next() {
        let names: Vec<String> = (0..150).map(|n| format!("F{n}")).collect();
        let columns = columns(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let parts = parts(&HEAD, &columns.fields, &Filter::EVERYTHING).unwrap();
        let sizes: Vec<usize> = parts.iter().map(|part| part.select.len()).collect();
        assert_eq!(sizes, [50, 50, 50, 8]);
        let fields: usize = parts.iter().map(|part| part.fields.len()).sum();
        assert_eq!(fields, 150);
    }

    #[test]
    fn a_filter_keeps_within_the_conditions_of_a_query() {
        let each: Vec<Filter> = (10..40).map(|n| leaf(&format!("F{n}"))).collect();
        let pushed = pushable(&Filter::All(each.clone()), &columns(&["Email"]));
        assert_eq!(pushed, Filter::All(each[..23].to_vec()));
        let pushed = pushable(&Filter::Any(each), &columns(&["Email"]));
        assert_eq!(pushed, Filter::EVERYTHING);
    }

    #[test]
    fn a_name_that_is_no_api_name_never_gets_into_a_query() {
        for name in ["Email' or 'a' = 'a", "$approval", "a b", "", "A.B.C.D"] {
            let columns = columns(&[name]);
            let refused = parts(&HEAD, &columns.fields, &Filter::EVERYTHING).unwrap_err();
            assert_eq!(refused.0, name);
        }
    }
}
