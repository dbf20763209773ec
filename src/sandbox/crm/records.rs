//! Get Records and the single record, with every rule about what may be asked together.

use std::collections::BTreeMap;
use std::ops::Bound;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::Crm;
use super::answer::{Answer, Problem};
use super::cell::{Cell, render_time};
use super::judge::{Check, Order, Test};
use super::module::{Key, Module, Row, Span, Way};
use super::page_token::{LIFE, PageToken};
use super::schema::MODIFIED;

/// Source of all: "Get Records", v8, 2026.
const FIELDS_MAX: usize = 50;
const PER_PAGE_MAX: usize = 200;
const PAGE_MAX: usize = 10;
/// Rows that a walk with page tokens reaches.
const WALK_MAX: usize = 100_000;

/// Query parameters by name.
pub(super) type Parameters = BTreeMap<String, String>;

/// What a request for records asks.
struct Asked {
    fields: Vec<String>,
    per_page: usize,
    /// Page of the first 2,000 rows.
    page: usize,
    token: Option<PageToken>,
    key: Key,
    way: Way,
    tests: Vec<Test>,
    since: Option<Timestamp>,
    /// What a page token is bound to.
    bound: String,
    through_view: bool,
}

impl Crm {
    /// Answers `GET /{module}`; `since` is the header `If-Modified-Since`.
    pub(super) fn get_records(
        &self,
        module: &Module,
        parameters: &Parameters,
        since: Option<&str>,
    ) -> Result<Answer, Problem> {
        let asked = self.asked(module, parameters, since)?;
        let credits = if asked.through_view { 3 } else { 1 };
        let answer = self.page(module, &asked, parameters)?;
        Ok(answer.costing(credits))
    }

    /// Answers `GET /{module}/{id}`.
    pub(super) fn get_record(
        &self,
        module: &Module,
        id: &str,
        parameters: &Parameters,
    ) -> Result<Answer, Problem> {
        let Ok(id) = id.parse::<u64>() else {
            let message = "the id given seems to be invalid";
            return Err(Problem::new(
                "INVALID_DATA",
                message,
                json!({"resource_path_index": 1}),
            ));
        };
        let Some(row) = module.rows.get(&id) else {
            return Ok(Answer::nothing());
        };
        let record = match parameters.get("fields") {
            Some(fields) => self.render_fields(module, row, &split(fields)),
            None => self.render_all(module, row),
        };
        Ok(Answer::body(json!({"data": [record]})))
    }

    fn asked(
        &self,
        module: &Module,
        parameters: &Parameters,
        since: Option<&str>,
    ) -> Result<Asked, Problem> {
        let said = |name: &str| {
            parameters
                .get(name)
                .map(String::as_str)
                .filter(|value| !value.is_empty())
        };
        let fields = fields(said("fields"))?;
        let clash = |one: &str, other: &str| {
            let message = "Please use any one of the parameters";
            Problem::new(
                "AMBIGUITY_DURING_PROCESSING",
                message,
                json!({"param_names": [one, other]}),
            )
        };
        if said("page").is_some() && said("page_token").is_some() {
            return Err(clash("page", "page_token"));
        }
        if said("cvid").is_some() && said("sort_by").is_some() {
            return Err(clash("cvid", "sort_by"));
        }
        let since = since.map(|text| {
            text.parse()
                .map_err(|_| Problem::invalid_data(json!({"header": "If-Modified-Since"})))
        });
        let since = since.transpose()?;
        let per_page = whole(parameters, "per_page", PER_PAGE_MAX)?;
        let per_page = per_page.unwrap_or(PER_PAGE_MAX);
        let page = whole(parameters, "page", usize::MAX)?.unwrap_or(1);
        if page > PAGE_MAX {
            let message = "Please use page_token to fetch the records beyond 2000";
            let details = json!({"param_name": "page", "limit": PAGE_MAX});
            return Err(Problem::new(
                "DISCRETE_PAGINATION_LIMIT_EXCEEDED",
                message,
                details,
            ));
        }
        let bound = bound(module, parameters, since);
        let token = said("page_token").map(|text| PageToken::parse(text, &bound, self.clock.now()));
        let (key, way) = order(said("sort_by"), said("sort_order"))?;
        Ok(Asked {
            fields,
            per_page,
            page,
            token: token.transpose()?,
            key,
            way,
            tests: self.record_tests(module, parameters)?,
            since,
            bound,
            through_view: said("cvid").is_some(),
        })
    }

    /// Which records are asked for: of a view, converted or not, with given ids.
    pub(super) fn record_tests(
        &self,
        module: &Module,
        parameters: &Parameters,
    ) -> Result<Vec<Test>, Problem> {
        let mut tests = Vec::new();
        let refuse = |name: &str| Problem::invalid_data(json!({"param_name": name}));
        if let Some(id) = parameters.get("cvid").filter(|id| !id.is_empty()) {
            let view = id.parse().ok().and_then(|id| module.view(id));
            let view = view.ok_or_else(|| refuse("cvid"))?;
            tests.push(self.view_test(module, view, self.now()));
        } else if let Some(position) = module.position("Converted__s") {
            let converted = match parameters.get("converted").map_or("false", String::as_str) {
                "false" => Some(false),
                "true" => Some(true),
                "both" => None,
                _ => return Err(refuse("converted")),
            };
            let check =
                converted.map(|converted| Check::Order(Order::Equal, Cell::Bool(converted)));
            tests.extend(check.map(|check| Test::own(position, check)));
        }
        if let Some(ids) = parameters.get("ids").filter(|ids| !ids.is_empty()) {
            let ids: Option<Vec<Cell>> = split(ids)
                .iter()
                .map(|id| id.parse().ok().map(Cell::Ref))
                .collect();
            let check = Check::Among(true, ids.ok_or_else(|| refuse("ids"))?);
            tests.push(Test::own(super::schema::ID, check));
        }
        Ok(tests)
    }

    fn page(
        &self,
        module: &Module,
        asked: &Asked,
        parameters: &Parameters,
    ) -> Result<Answer, Problem> {
        let shown = asked
            .token
            .map_or((asked.page - 1) * asked.per_page, |token| token.shown);
        if shown >= WALK_MAX {
            let message = "Records can be fetched only up to 100000 using page_token";
            return Err(Problem::new(
                "PAGINATION_LIMIT_EXCEEDED",
                message,
                json!({"limit": WALK_MAX}),
            ));
        }
        let mut rows = self.walked(module, asked);
        // What page tokens lead past was left behind by the walk itself.
        let skipped = if asked.token.is_some() { 0 } else { shown };
        let mut page: Vec<&Row> = rows.by_ref().skip(skipped).take(asked.per_page).collect();
        page.truncate(WALK_MAX - shown);
        let Some(last) = page.last() else {
            let unchanged = asked.since.is_some() && shown == 0;
            return Ok(if unchanged {
                Answer::unchanged()
            } else {
                Answer::nothing()
            });
        };
        let now = self.clock.now();
        let next = rows.next().is_some().then(|| PageToken {
            shown: shown + page.len(),
            after: Module::place(last, asked.key),
            expires_at: now + LIFE,
        });
        let data: Vec<Value> = page
            .iter()
            .map(|row| self.render_fields(module, row, &asked.fields))
            .collect();
        let said = |name: &str, default: &str| {
            parameters
                .get(name)
                .map_or(default, String::as_str)
                .to_owned()
        };
        Ok(Answer::body(json!({
            "info": {
                "call": false,
                "email": false,
                "per_page": asked.per_page,
                "count": data.len(),
                "page": shown / asked.per_page + 1,
                "sort_by": said("sort_by", "id"),
                "sort_order": said("sort_order", "desc"),
                "more_records": next.is_some(),
                "next_page_token": next.map(|token| token.render(&asked.bound)),
                "previous_page_token": null,
                "page_token_expiry": next.map(|token| render_time(token.expires_at)),
            },
            "data": data,
        })))
    }

    /// The records that match, from where the page token leads, in the order asked for.
    fn walked<'a>(&'a self, module: &'a Module, asked: &'a Asked) -> impl Iterator<Item = &'a Row> {
        let mut span = Span::ALL;
        if let Some(token) = asked.token {
            match asked.way {
                Way::Up => span.low = Bound::Excluded(token.after),
                Way::Down => span.high = Bound::Excluded(token.after),
            }
        }
        if let (Some(since), Key::Modified) = (asked.since, asked.key) {
            span.low = match span.low {
                Bound::Excluded(low) if low.0 >= since => Bound::Excluded(low),
                _ => Bound::Included((since, 0)),
            };
        }
        module.walk(asked.key, asked.way, span).filter(move |row| {
            asked.since.is_none_or(|since| row.time(MODIFIED) >= since)
                && asked.tests.iter().all(|test| self.passes(row, test))
        })
    }

    /// The fields of `row` by name, and its id; names of no field are passed over.
    fn render_fields(&self, module: &Module, row: &Row, fields: &[String]) -> Value {
        let id = std::iter::once("id");
        let names = fields.iter().map(String::as_str).chain(id);
        let found = names.filter_map(|name| Some((name, module.visible_position(name)?)));
        found
            .map(|(name, position)| (name.to_owned(), self.render(module, row, position)))
            .collect::<Map<_, _>>()
            .into()
    }
}

/// The fields asked for; there must be one besides the id.
fn fields(said: Option<&str>) -> Result<Vec<String>, Problem> {
    let fields = split(said.ok_or_else(|| Problem::parameter_missing("fields"))?);
    if fields.len() > FIELDS_MAX {
        let details = json!({"param_name": "fields", "limit": FIELDS_MAX});
        return Err(Problem::new(
            "LIMIT_EXCEEDED",
            "fields limit exceeded",
            details,
        ));
    }
    if fields.iter().all(|field| field == "id") {
        return Err(Problem::invalid_data(json!({"param_name": "fields"})));
    }
    Ok(fields)
}

fn order(by: Option<&str>, way: Option<&str>) -> Result<(Key, Way), Problem> {
    let key = match by {
        None | Some("id") => Key::Id,
        Some("Created_Time") => Key::Created,
        Some("Modified_Time") => Key::Modified,
        Some(_) => return Err(Problem::invalid_data(json!({"param_name": "sort_by"}))),
    };
    let way = match way {
        None | Some("desc") => Way::Down,
        Some("asc") => Way::Up,
        Some(_) => return Err(Problem::invalid_data(json!({"param_name": "sort_order"}))),
    };
    Ok((key, way))
}

/// A number from 1 to `max`, if the parameter is there.
pub(super) fn whole(
    parameters: &Parameters,
    name: &str,
    max: usize,
) -> Result<Option<usize>, Problem> {
    let Some(text) = parameters.get(name) else {
        return Ok(None);
    };
    match text.parse() {
        Ok(number) if (1..=max).contains(&number) => Ok(Some(number)),
        Ok(_) | Err(_) => Err(Problem::invalid_data(json!({"param_name": name}))),
    }
}

/// All that a page token is bound to, in a fixed form.
fn bound(module: &Module, parameters: &Parameters, since: Option<Timestamp>) -> String {
    let others = parameters
        .iter()
        .filter(|(name, _)| *name != "page_token" && *name != "page");
    let others: Vec<_> = others.collect();
    format!("{} {others:?} {since:?}", module.api_name)
}

/// The parts of a comma list.
fn split(list: &str) -> Vec<String> {
    let parts = list
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
}
