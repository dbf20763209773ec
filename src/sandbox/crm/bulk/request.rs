//! What a request for a job asks, with every rule about what may be asked.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::Crm;
use super::super::answer::Problem;
use super::super::judge::{Check, Column, Test};
use super::super::module::Module;
use super::job::{NextPage, Page};
use super::{FIELDS_MAX, PAGE_MAX, RELATIONS_MAX, criteria};

/// Modules that Bulk Read does not know. Source: "Bulk Read", v8, 2026.
const WITHOUT: [&str; 3] = ["Notes", "Attachments", "Emails"];

/// What is asked of a job, made ready.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) module: String,
    /// The columns besides the id, under the names they were asked for by.
    pub(super) columns: Vec<(String, Column)>,
    pub(super) test: Test,
    pub(super) page: Page,
    /// Scopes of the modules that are touched.
    pub(super) scopes: BTreeSet<String>,
    /// The query as the job's status repeats it.
    pub(super) shown: Value,
}

/// A path's column, and the relations that are touched so far.
pub(super) struct Paths<'a> {
    pub(super) crm: &'a Crm,
    pub(super) module: &'a Module,
    relations: BTreeSet<String>,
    scopes: BTreeSet<String>,
}

impl Crm {
    /// What `body` asks of a new job.
    pub(super) fn job_asked(&self, body: &[u8]) -> Result<Asked, Problem> {
        let body: Value = serde_json::from_slice(body).map_err(|_| Problem::unreadable())?;
        let query = body.get("query").filter(|query| query.is_object());
        let query = query.ok_or_else(|| Problem::mandatory("query"))?;
        if body.get("file_type").is_some_and(|kind| kind != "csv") {
            return Err(Problem::invalid_data(json!({"api_name": "file_type"})));
        }
        self.job_query(query)
    }

    /// What `query` asks.
    pub(super) fn job_query(&self, query: &Value) -> Result<Asked, Problem> {
        if let Some(token) = query.get("page_token") {
            return self.next_asked(token, query);
        }
        let module = self.job_module(query)?;
        let mut paths = Paths {
            crm: self,
            module,
            relations: BTreeSet::new(),
            scopes: BTreeSet::from([module.scope()]),
        };
        let columns = paths.columns(query.get("fields"))?;
        let mut tests = Vec::new();
        if let Some(asked) = query.get("criteria") {
            tests.push(criteria::test(&mut paths, asked)?);
        }
        if let Some(id) = query.get("cvid").filter(|id| !id.is_null()) {
            tests.push(self.job_view(module, id)?);
        }
        if self.settings.bulk_hides_converted {
            tests.extend(module.unconverted());
        }
        if self.settings.bulk_omits_parentless {
            let lookups = columns.iter().flat_map(|(_, column)| column.lookups());
            tests.extend(lookups.map(|lookup| Test::Leaf(lookup, Check::Null(false))));
        }
        let mut shown = query.clone();
        shown["module"] = json!({"api_name": module.api_name, "id": module.id.to_string()});
        Ok(Asked {
            module: module.api_name.clone(),
            columns,
            test: Test::All(tests),
            page: Page::Number(page(query)?),
            scopes: paths.scopes,
            shown,
        })
    }

    /// The page to which a job's token leads; nothing else may be said with a token.
    fn next_asked(&self, token: &Value, query: &Value) -> Result<Asked, Problem> {
        let details = json!({"api_name": "page_token"});
        if query.as_object().is_some_and(|query| query.len() > 1) {
            let message = "page_token stands for all of the query";
            return Err(Problem::new(
                "AMBIGUITY_DURING_PROCESSING",
                message,
                details,
            ));
        }
        let leads = |next: &&NextPage| token == next.token.as_str();
        let mut jobs = self.bulk.jobs.values();
        let found = jobs.find_map(|job| Some((job, job.next().filter(leads)?)));
        let Some((job, next)) = found else {
            return Err(Problem::invalid_data(details));
        };
        if next.expires_at <= self.clock.now() {
            let message = "the page token has expired";
            return Err(Problem::new("EXPIRED_VALUE", message, details));
        }
        Ok(Asked {
            page: next.page,
            ..job.asked.clone()
        })
    }

    fn job_module(&self, query: &Value) -> Result<&Module, Problem> {
        let name = query
            .get("module")
            .and_then(|module| module.get("api_name"));
        let name = name.and_then(Value::as_str);
        let name = name.ok_or_else(|| Problem::mandatory("module"))?;
        let refuse = |code, message| {
            Problem::new(code, message, json!({"api_name": "module", "module": name}))
        };
        let module = self.module(name);
        if WITHOUT.contains(&name) || module.is_some_and(|module| !module.api_supported) {
            return Err(refuse(
                "MODULE_NOT_SUPPORTED",
                "the module is not supported",
            ));
        }
        let message = "the module name given seems to be invalid";
        let module = module.ok_or_else(|| refuse("INVALID_MODULE", message))?;
        if !module.visible {
            return Err(Problem::no_permission(name));
        }
        Ok(module)
    }

    fn job_view(&self, module: &Module, id: &Value) -> Result<Test, Problem> {
        let number = id.as_u64().or_else(|| id.as_str()?.parse().ok());
        let view = number.and_then(|number| module.view(number));
        let view = view.ok_or_else(|| Problem::invalid_data(json!({"api_name": "cvid"})))?;
        if !view.bulk {
            let message = "the custom view is not supported";
            return Err(Problem::new(
                "CVID_NOT_SUPPORTED",
                message,
                json!({"cvid": id}),
            ));
        }
        Ok(self.view_test(module, view, self.now()))
    }
}

impl Paths<'_> {
    /// The columns of `fields`, or all that people may see.
    fn columns(&mut self, fields: Option<&Value>) -> Result<Vec<(String, Column)>, Problem> {
        let refuse = || Problem::invalid_data(json!({"api_name": "fields"}));
        let names: Vec<String> = match fields {
            None | Some(Value::Null) => {
                let visible = self.module.fields.iter().filter(|field| field.visible);
                visible.map(|field| field.api_name.clone()).collect()
            }
            Some(fields) => {
                let fields = fields.as_array().ok_or_else(refuse)?;
                let names = fields.iter().map(|name| name.as_str().map(str::to_owned));
                names.collect::<Option<_>>().ok_or_else(refuse)?
            }
        };
        if names.len() > FIELDS_MAX {
            let details = json!({"api_name": "fields", "limit": FIELDS_MAX});
            return Err(Problem::new(
                "LIMIT_EXCEEDED",
                "fields limit exceeded",
                details,
            ));
        }
        let mut columns: Vec<(String, Column)> = Vec::new();
        for name in names {
            if columns.iter().any(|(known, _)| *known == name) {
                let details = json!({"api_name": "fields", "field": name});
                return Err(Problem::new(
                    "DUPLICATE_DATA",
                    "duplicate field found",
                    details,
                ));
            }
            let column = self.column(&name)?;
            // The id comes by itself, under its own spelling.
            if !name.eq_ignore_ascii_case("id") {
                columns.push((name, column));
            }
        }
        Ok(columns)
    }

    /// The column that `path` names.
    pub(super) fn column(&mut self, path: &str) -> Result<Column, Problem> {
        let found = self.crm.column(self.module, self.api_name(path));
        let found = found.filter(|(column, _)| column.steps.len() <= 2);
        let (column, _) = found.ok_or_else(|| unavailable(path))?;
        self.touch(path, &column)?;
        Ok(column)
    }

    /// The path by API names: two fields go by a second name here.
    pub(super) fn api_name<'a>(&self, path: &'a str) -> &'a str {
        match path {
            "Id" => "id",
            "$converted" => "Converted__s",
            other => other,
        }
    }

    /// Counts the relations and notes the scopes of `column`.
    pub(super) fn touch(&mut self, path: &str, column: &Column) -> Result<(), Problem> {
        let names: Vec<&str> = path.split('.').collect();
        let relations = (1..names.len()).map(|depth| names[..depth].join("."));
        self.relations.extend(relations);
        if self.relations.len() > RELATIONS_MAX {
            let details = json!({"limit": RELATIONS_MAX});
            return Err(Problem::new(
                "JOIN_LIMIT_EXCEEDED",
                "join limit exceeded",
                details,
            ));
        }
        let touched = column.steps.iter();
        let scopes = touched.map(|(_, module)| self.crm.modules[*module].scope());
        self.scopes.extend(scopes);
        Ok(())
    }
}

/// There is no such field.
pub(super) fn unavailable(path: &str) -> Problem {
    let message = "the field is not available";
    Problem::new("FIELD_NOT_AVAILABLE", message, json!({"api_name": path}))
}

/// The page asked for, counted from 1.
fn page(query: &Value) -> Result<usize, Problem> {
    let Some(page) = query.get("page") else {
        return Ok(1);
    };
    let number = page.as_u64().and_then(|page| usize::try_from(page).ok());
    match number {
        Some(number) if (1..=PAGE_MAX).contains(&number) => Ok(number),
        Some(_) => {
            let details = json!({"api_name": "page", "limit": PAGE_MAX});
            let message = "the page range is exceeded";
            Err(Problem::new("PAGE_RANGE_EXCEEDED", message, details))
        }
        None => Err(Problem::invalid_data(json!({"api_name": "page"}))),
    }
}
