//! Rules of a definition, and what is pre-mapped, against the fields of the module and the labels of Campaigns.

use std::collections::BTreeMap;

use super::super::definition::MappingRules;
use super::super::ids::FieldPath;
use super::super::nearest::{did_you_mean, nearest};
use super::super::schema::{Column, EMAIL_FIELD, Schema, Unresolved, unreadable};
use super::super::value::FieldType;
use super::{CONTACT_EMAIL, LabelLimit, Mapping, MappingPart, MappingProblem, Rule};

const FIRST_NAME: &str = "First Name";
const LAST_NAME: &str = "Last Name";

/// Most labels that a message lists.
const LABELS_SHOWN_MAX: usize = 40;

pub(super) fn bind(
    rules: &MappingRules,
    schema: &Schema,
    labels: &[LabelLimit],
) -> Result<Mapping, Vec<MappingProblem>> {
    let mut binder = Binder {
        schema,
        labels,
        problems: Vec::new(),
    };
    let rows = binder.rows(rules);
    let email = binder.email(rows.get(&key(CONTACT_EMAIL)));
    let rules = binder.rules(rows);
    match email {
        Some(email) if binder.problems.is_empty() => Ok(Mapping { email, rules }),
        Some(_) | None => Err(binder.problems),
    }
}

/// A label's spelling in the definition and the field it gets; `None` for not at all.
type Row = (String, Option<FieldPath>);

struct Binder<'a> {
    schema: &'a Schema,
    labels: &'a [LabelLimit],
    problems: Vec<MappingProblem>,
}

impl Binder<'_> {
    /// The rows of the definition and the pre-mapped ones it does not replace, by the label without case.
    fn rows(&mut self, rules: &MappingRules) -> BTreeMap<String, Row> {
        let mut rows: BTreeMap<String, Row> = BTreeMap::new();
        for (label, field) in &rules.rules {
            let row = (label.trim().to_owned(), field.clone());
            if let Some((earlier, _)) = rows.get(&key(label)) {
                let message = format!("the label is mapped already, as `{earlier}`");
                self.problem(label, MappingPart::Label, message, None);
            } else {
                rows.insert(key(label), row);
            }
        }
        for (label, field) in self.pre_mapped_names() {
            let row = || (label.to_owned(), Some(field));
            rows.entry(key(label)).or_insert_with(row);
        }
        rows
    }

    fn pre_mapped_names(&self) -> Vec<(&'static str, FieldPath)> {
        let own = |name: &str| {
            let name = name.parse().ok();
            name.filter(|path| self.schema.resolve(path).is_ok())
        };
        let (first, last) = (own("First_Name"), own("Last_Name"));
        let whole = own("Name").filter(|_| first.is_none() && last.is_none());
        let last = last.or(whole);
        let first = first.map(|field| (FIRST_NAME, field));
        let last = last.map(|field| (LAST_NAME, field));
        first.into_iter().chain(last).collect()
    }

    fn email(&mut self, row: Option<&Row>) -> Option<Column> {
        let Some((label, field)) = row else {
            return self.pre_mapped_email();
        };
        let Some(path) = field else {
            let message = "the address cannot be left out".to_owned();
            let help = "name the field that holds it, or remove the line".to_owned();
            self.problem(label, MappingPart::Field, message, Some(help));
            return None;
        };
        let column = self.checked(label, path)?;
        let field_type = column.field.field_type;
        if field_type == FieldType::Text && path.is_own() {
            return Some(column);
        }
        if !path.is_own() {
            let message = format!("`{path}` is not a field of the record itself");
            let help = "the address is the record's own".to_owned();
            self.problem(label, MappingPart::Field, message, Some(help));
            return None;
        }
        let message = format!("`{path}` is a {} field, not text", field_type.name());
        let help = did_you_mean(self.email_fields().first().copied());
        self.problem(label, MappingPart::Field, message, help);
        None
    }

    fn pre_mapped_email(&mut self) -> Option<Column> {
        let usual: Option<FieldPath> = EMAIL_FIELD.parse().ok();
        // Not every module has it; where it is missing, another one may be meant.
        let usual = usual.and_then(|path| self.schema.resolve(&path).ok());
        if usual.is_some() {
            return usual;
        }
        let candidates = self.email_fields();
        if let [only] = candidates.as_slice()
            && let Ok(path) = only.parse()
        {
            return self.schema.resolve(&path).ok();
        }
        let module = self.schema.module();
        let (message, help) = if candidates.is_empty() {
            let message = format!("module {module} has no e-mail field");
            (message, "name the field that holds the address")
        } else {
            let names = candidates.join("`, `");
            let message = format!("module {module} has several e-mail fields: `{names}`");
            (message, "name one of them")
        };
        let help = format!("{help}: \"{CONTACT_EMAIL}\" = \"…\" under [map]");
        self.problem(CONTACT_EMAIL, MappingPart::Field, message, Some(help));
        None
    }

    fn email_fields(&self) -> Vec<&str> {
        let fields = self.schema.fields().iter();
        let email = fields.filter(|field| field.data_type == "email");
        email.map(|field| field.api_name.as_str()).collect()
    }

    fn rules(&mut self, rows: BTreeMap<String, Row>) -> Vec<Rule> {
        let mut rules = Vec::with_capacity(rows.len());
        for (key, (label, field)) in rows {
            if key == self::key(CONTACT_EMAIL) {
                continue;
            }
            let Some(path) = field else {
                if !is_pre_mapped_name(&key) {
                    self.limit(&label);
                }
                continue;
            };
            let column = self.checked(&label, &path);
            if let (Some(limit), Some(column)) = (self.limit(&label), column) {
                rules.push(Rule {
                    label: limit.label.clone(),
                    column,
                    max_length: limit.max_length.filter(|length| *length > 0),
                });
            }
        }
        rules
    }

    /// The label as Campaigns has it; a problem if it has not.
    fn limit(&mut self, label: &str) -> Option<&LabelLimit> {
        let labels = self.labels;
        let found = labels.iter().find(|limit| key(&limit.label) == key(label));
        if found.is_none() {
            let known = labels.iter().map(|limit| limit.label.as_str());
            let help = did_you_mean(nearest(label, known)).or_else(|| {
                let pre_mapped = is_pre_mapped_name(&key(label));
                let out = || format!("\"{label}\" = \"\" under [map] takes it out");
                pre_mapped.then(out).or_else(|| there_are(labels))
            });
            let message = format!("Campaigns has no contact field `{label}`");
            self.problem(label, MappingPart::Label, message, help);
        }
        found
    }

    /// The column of a path that can be mapped; a problem if there is none.
    fn checked(&mut self, label: &str, path: &FieldPath) -> Option<Column> {
        let (message, help) = match self.schema.resolve(path) {
            Ok(column) if column.field.field_type == FieldType::Opaque => {
                let data_type = &column.field.data_type;
                let message =
                    format!("field `{path}` is of type `{data_type}`, which cannot be mapped");
                (message, None)
            }
            Ok(column) => return Some(column),
            Err(Unresolved::Missing { message, help }) => (message, help),
            Err(Unresolved::Unknown(module)) => {
                let (message, help) = unreadable(&module);
                (message, Some(help))
            }
        };
        self.problem(label, MappingPart::Field, message, help);
        None
    }

    fn problem(&mut self, label: &str, part: MappingPart, message: String, help: Option<String>) {
        self.problems.push(MappingProblem {
            label: label.to_owned(),
            part,
            message,
            help,
        });
    }
}

/// The labels that there are, as far as a message has room for them.
fn there_are(labels: &[LabelLimit]) -> Option<String> {
    let names = labels.iter().take(LABELS_SHOWN_MAX);
    let names: Vec<String> = names.map(|limit| format!("`{}`", limit.label)).collect();
    let more = match labels.len() > LABELS_SHOWN_MAX {
        true => ", …",
        false => "",
    };
    (!names.is_empty()).then(|| format!("its fields are {}{more}", names.join(", ")))
}

fn is_pre_mapped_name(key: &str) -> bool {
    [FIRST_NAME, LAST_NAME]
        .iter()
        .any(|name| self::key(name) == key)
}

/// What tells labels apart.
fn key(label: &str) -> String {
    label.trim().to_lowercase()
}

#[cfg(test)]
mod tests;
