//! COQL: the query language, read and carried out as documented.
//!
//! `lexer` makes words of the text, `parser` a query of the words, `resolve` finds the query's columns and types its values, and
//! `run` walks the records. Each knows only the one before it, and each has its own errors of the service's.

mod lexer;
mod parser;
mod resolve;
mod run;

use serde_json::{Value, json};

use super::Crm;
use super::answer::{Answer, Problem};
use super::judge::Order;
use super::module::Way;

/// Rows of one answer, and rows that an offset reaches. Source: COQL "Limitations", v8, 2026.
const LIMIT_MAX: usize = 2000;
const LIMIT_DEFAULT: usize = 200;
const OFFSET_MAX: usize = 100_000;
/// Conditions, values of a list, columns, relations and sort columns of one query; from the same page.
const CONDITIONS_MAX: usize = 25;
const VALUES_MAX: usize = 100;
const COLUMNS_MAX: usize = 50;
const RELATIONS_MAX: usize = 2;
const ORDER_MAX: usize = 10;

/// A query as written.
#[derive(Debug, Clone, PartialEq)]
struct Query {
    columns: Vec<String>,
    module: String,
    view: Option<String>,
    filter: Filter,
    order: Vec<(String, Way)>,
    limit: usize,
    offset: usize,
}

/// The `where` of a query: a binary tree.
#[derive(Debug, Clone, PartialEq)]
enum Filter {
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
    Leaf(String, Operator, Vec<Literal>),
}

/// An operator; a leading `bool` is false for the form with `not`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Order(Order),
    Like(bool),
    In(bool),
    Between(bool),
    Null(bool),
}

/// A value as written.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Literal {
    text: String,
    quoted: bool,
}

impl Crm {
    /// Answers `POST /coql` with `body`; `allowed` judges the scopes of the modules that are touched.
    pub(super) fn coql(
        &self,
        body: &[u8],
        allowed: &dyn Fn(&str) -> Result<(), Problem>,
    ) -> Result<Answer, Problem> {
        let body: Value = serde_json::from_slice(body).map_err(|_| Problem::unreadable())?;
        let text = body.get("select_query").and_then(Value::as_str);
        let text = text.ok_or_else(|| Problem::mandatory("select_query"))?;
        let query = parser::parse(text)?;
        let plan = self.resolve(&query)?;
        for scope in &plan.scopes {
            allowed(scope)?;
        }
        let fields = body
            .get("include_meta")
            .is_some_and(|meta| meta == &json!(["fields"]));
        if fields {
            allowed("ZohoCRM.settings.fields.READ")?;
        }
        let answer = match self.carry_out(&plan) {
            (rows, _) if rows.is_empty() => Answer::nothing(),
            (rows, more) => {
                let mut body = json!({"info": {"count": rows.len(), "more_records": more}});
                body["data"] = Value::Array(rows);
                if fields {
                    body["fields"] = self.columns_metadata(&plan);
                }
                Answer::body(body)
            }
        };
        Ok(answer.costing(match query.limit {
            ..=200 => 1,
            201..=1000 => 2,
            _ => 3,
        }))
    }
}

#[cfg(test)]
impl Crm {
    /// The rows that a query selects, whoever asks.
    pub(super) fn select(&self, text: &str) -> Result<Vec<Value>, Problem> {
        let query = parser::parse(text)?;
        Ok(self.carry_out(&self.resolve(&query)?).0)
    }
}

/// `SYNTAX_ERROR` with details.
fn syntax(details: Value) -> Problem {
    Problem::new(
        "SYNTAX_ERROR",
        "error occured while parsing the query",
        details,
    )
}

/// `INVALID_QUERY` with details.
fn invalid(message: &'static str, details: Value) -> Problem {
    Problem::new("INVALID_QUERY", message, details)
}

/// `LIMIT_EXCEEDED` for something of which a query may have `limit`.
fn exceeded(message: &'static str, clause: &str, limit: usize) -> Problem {
    Problem::new(
        "LIMIT_EXCEEDED",
        message,
        json!({"clause": clause, "limit": limit}),
    )
}
