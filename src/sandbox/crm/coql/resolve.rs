//! From names to columns and from written values to typed ones: what the metadata has to say to a query.

use std::collections::BTreeSet;

use serde_json::json;

use super::super::Crm;
use super::super::answer::Problem;
use super::super::cell::{Cell, parse_date, parse_number, parse_time, split_many};
use super::super::field::{Class, DataType, Field};
use super::super::judge::{Check, Column, Order, Pattern, Test};
use super::super::module::{Module, Way};
use super::{Filter, Literal, Operator, Query, RELATIONS_MAX, exceeded, invalid};

/// A query made ready.
pub(super) struct Plan<'a> {
    pub(super) module: &'a Module,
    /// What is shown, under the names it was asked for by.
    pub(super) columns: Vec<(String, Column)>,
    pub(super) test: Test,
    pub(super) order: Vec<(Column, Way)>,
    pub(super) limit: usize,
    pub(super) offset: usize,
    /// Scopes of the modules it touches.
    pub(super) scopes: BTreeSet<String>,
}

impl Crm {
    /// Finds everything that `query` names.
    pub(super) fn resolve<'a>(&'a self, query: &Query) -> Result<Plan<'a>, Problem> {
        let module = self
            .module(&query.module)
            .filter(|module| module.api_supported)
            .ok_or_else(|| {
                let message = "the module name given seems to be invalid";
                invalid(message, json!({"module": query.module}))
            })?;
        if !module.visible {
            return Err(Problem::no_permission(&module.api_name));
        }
        let mut resolver = Resolver {
            crm: self,
            module,
            relations: BTreeSet::new(),
            scopes: BTreeSet::from([module.scope()]),
        };
        let columns = resolver.columns(&query.columns)?;
        let mut tests = vec![resolver.filter(&query.filter)?];
        if let Some(view) = &query.view {
            tests.push(self.view_filter(module, view)?);
        }
        if self.settings.coql_hides_converted {
            tests.extend(module.unconverted());
        }
        let mut order = Vec::new();
        for (path, way) in &query.order {
            order.push((resolver.sortable(path)?, *way));
        }
        Ok(Plan {
            module,
            columns,
            test: Test::All(tests),
            order,
            limit: query.limit,
            offset: query.offset,
            scopes: resolver.scopes,
        })
    }

    fn view_filter(&self, module: &Module, id: &str) -> Result<Test, Problem> {
        let number = id.parse().ok();
        let Some(view) = number.and_then(|number| module.view(number)) else {
            return Err(invalid(
                "the cvid given seems to be invalid",
                json!({"cvid": id}),
            ));
        };
        if !view.in_coql() {
            let details = json!({"cvid": id, "cv_criteria": true});
            return Err(invalid("custom view criteria is not supported", details));
        }
        Ok(self.view_test(module, view, self.now()))
    }
}

struct Resolver<'a> {
    crm: &'a Crm,
    module: &'a Module,
    relations: BTreeSet<String>,
    scopes: BTreeSet<String>,
}

impl<'a> Resolver<'a> {
    /// What is selected, and the id, which always comes.
    fn columns(&mut self, paths: &[String]) -> Result<Vec<(String, Column)>, Problem> {
        let mut columns: Vec<(String, Column)> = Vec::new();
        for path in paths {
            if columns.iter().any(|(known, _)| known == path) {
                let details = json!({"column_name": path});
                return Err(Problem::new(
                    "DUPLICATE_DATA",
                    "duplicate column found",
                    details,
                ));
            }
            columns.push((path.clone(), self.column(path)?.0));
        }
        if paths.iter().all(|path| path != "id") {
            columns.push(("id".to_owned(), self.column("id")?.0));
        }
        Ok(columns)
    }

    fn column(&mut self, path: &str) -> Result<(Column, &'a Field), Problem> {
        let found = self.crm.column(self.module, path);
        let Some((column, field)) = found.filter(|(column, _)| column.steps.len() <= 2) else {
            let message = "column given seems to be invalid";
            return Err(invalid(message, json!({"column_name": path})));
        };
        let names: Vec<&str> = path.split('.').collect();
        for depth in 1..names.len() {
            self.relations.insert(names[..depth].join("."));
        }
        if self.relations.len() > RELATIONS_MAX {
            let message = "only two relations are allowed in a query";
            return Err(exceeded(message, "relation", RELATIONS_MAX));
        }
        let touched = column
            .steps
            .iter()
            .map(|(_, module)| self.crm.modules[*module].scope());
        self.scopes.extend(touched);
        Ok((column, field))
    }

    fn sortable(&mut self, path: &str) -> Result<Column, Problem> {
        let (column, field) = self.column(path)?;
        if field.data_type.class() == Class::LongText {
            let message = "column given seems to be invalid in the order by clause";
            return Err(invalid(message, json!({"column_name": path})));
        }
        Ok(column)
    }

    fn filter(&mut self, filter: &Filter) -> Result<Test, Problem> {
        Ok(match filter {
            Filter::And(one, other) => Test::All(vec![self.filter(one)?, self.filter(other)?]),
            Filter::Or(one, other) => Test::Any(vec![self.filter(one)?, self.filter(other)?]),
            Filter::Leaf(path, operator, literals) => {
                let (column, field) = self.column(path)?;
                Test::Leaf(column, check(path, field, *operator, literals)?)
            }
        })
    }
}

/// What `operator` asks of `field`, if the field's type knows the operator and the values.
fn check(
    path: &str,
    field: &Field,
    operator: Operator,
    literals: &[Literal],
) -> Result<Check, Problem> {
    let class = field.data_type.class();
    if !allows(class, operator) {
        let reason = "operator is not supported for the column";
        let details = json!({"column_name": path, "operator": name(operator), "reason": reason});
        return Err(invalid("invalid operator found", details));
    }
    let refused = |literal: &Literal| {
        let reason = "value given seems to be invalid for the column";
        let details = json!({"column_name": path, "value": literal.text, "reason": reason});
        invalid("invalid value found", details)
    };
    if let (Operator::Like(wanted), [literal]) = (operator, literals) {
        let pattern = pattern(wanted, literal).ok_or_else(|| refused(literal))?;
        return Ok(Check::Like(wanted, pattern));
    }
    let mut values = Vec::new();
    for literal in literals {
        values.push(value(field, literal).ok_or_else(|| refused(literal))?);
    }
    let mut values = values.into_iter();
    let mut next = || values.next().unwrap_or(Cell::Null);
    Ok(match operator {
        Operator::Null(wanted) => Check::Null(wanted),
        Operator::Order(order) => Check::Order(order, next()),
        Operator::Between(wanted) => Check::Within(wanted, next(), next()),
        Operator::In(wanted) | Operator::Like(wanted) => Check::Among(wanted, values.collect()),
    })
}

/// Source: COQL "Supported operators", v7, 2025.
fn allows(class: Class, operator: Operator) -> bool {
    let equality = matches!(operator, Operator::Order(Order::Equal | Order::NotEqual));
    match class {
        Class::Text => {
            equality
                || matches!(
                    operator,
                    Operator::Like(_) | Operator::In(_) | Operator::Null(_)
                )
        }
        Class::LongText => false,
        Class::Number | Class::Date | Class::DateTime | Class::Id => {
            !matches!(operator, Operator::Like(_))
        }
        Class::Lookup => equality || matches!(operator, Operator::In(_) | Operator::Null(_)),
        Class::Boolean => operator == Operator::Order(Order::Equal),
    }
}

/// The operator as it is written.
fn name(operator: Operator) -> &'static str {
    match operator {
        Operator::Order(Order::Equal) => "=",
        Operator::Order(Order::NotEqual) => "!=",
        Operator::Order(Order::Less) => "<",
        Operator::Order(Order::LessEqual) => "<=",
        Operator::Order(Order::Greater) => ">",
        Operator::Order(Order::GreaterEqual) => ">=",
        Operator::Like(true) => "like",
        Operator::Like(false) => "not like",
        Operator::In(true) => "in",
        Operator::In(false) => "not in",
        Operator::Between(true) => "between",
        Operator::Between(false) => "not between",
        Operator::Null(true) => "is null",
        Operator::Null(false) => "is not null",
    }
}

/// The value of `literal` as `field` has it; `None` where the field cannot have it. For a multi-select every literal is a whole
/// selection, `A;B`, in lists too: UNCONFIRMED, but the documentation knows no other way to write one.
fn value(field: &Field, literal: &Literal) -> Option<Cell> {
    let text = literal.text.as_str();
    match field.data_type.class() {
        Class::Text | Class::LongText => {
            let value = match field.data_type {
                DataType::MultiSelect => Cell::Many(split_many(text)),
                _ => Cell::Text(text.into()),
            };
            literal.quoted.then_some(value)
        }
        Class::Number => parse_number(text).map(Cell::Number),
        Class::Date => parse_date(text).map(Cell::Date),
        Class::DateTime => parse_time(text).map(Cell::At),
        Class::Id | Class::Lookup => text.parse().ok().map(Cell::Ref),
        Class::Boolean => match text {
            "true" => Some(Cell::Bool(true)),
            "false" => Some(Cell::Bool(false)),
            _ => None,
        },
    }
}

/// `'x%'`, `'%x'`, `'%x%'`; the negative form knows only the last.
fn pattern(wanted: bool, literal: &Literal) -> Option<Pattern> {
    let (before, rest) = match literal.text.strip_prefix('%') {
        Some(rest) => (true, rest),
        None => (false, literal.text.as_str()),
    };
    let (after, text) = match rest.strip_suffix('%') {
        Some(text) => (true, text),
        None => (false, rest),
    };
    let good =
        literal.quoted && !text.is_empty() && !text.contains('%') && (wanted || (before && after));
    good.then(|| Pattern::new(text, before, after))
}
