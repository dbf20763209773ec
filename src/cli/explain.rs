//! What a sync selects, as text and as JSON.

mod words;

use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::Value;

use super::report::{Report, Style, escape};
use crate::domain::criteria::explain::{Line, Says, outline, phrases, sentence};
use crate::domain::definition::{Condition, Literal, Selection, SyncDefinition};
use crate::domain::pattern::Pattern;
use crate::run::Checked;

/// What a sync selects, in words.
#[derive(Debug, Serialize)]
pub(super) struct Explanation {
    sync: String,
    module: String,
    selection: Selected,
    /// What there is to know of the selection beside its conditions.
    notes: Vec<String>,
    retrieval: Retrieval,
    /// What an outline has instead of the selection's words; of criteria only.
    #[serde(skip)]
    lines: Vec<Line>,
}

/// Which records belong.
#[derive(Debug, Serialize)]
struct Selected {
    kind: &'static str,
    /// Name or id of the view.
    #[serde(skip_serializing_if = "Option::is_none")]
    view: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pattern: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    conditions: Option<Vec<Numbered>>,
    words: String,
}

/// A condition of the criteria.
#[derive(Debug, Serialize)]
struct Numbered {
    n: usize,
    field: String,
    operator: &'static str,
    value: Vec<Value>,
    words: String,
}

/// Which of the records a run takes up.
#[derive(Debug, Serialize)]
struct Retrieval {
    records: &'static str,
    created_from: Option<String>,
    created_to: Option<String>,
    words: Vec<String>,
}

impl Explanation {
    /// What `definition` says; `checked` is what the services say of it, where they were asked.
    /// Times are in `zone`.
    pub(super) fn of(
        definition: &SyncDefinition,
        checked: Option<Checked>,
        zone: &TimeZone,
    ) -> Self {
        let uses_formulas = checked.as_ref().map(|checked| checked.uses_formulas);
        let labelled = checked.map(|checked| checked.phrases);
        let (selection, lines) = match &definition.selection {
            Selection::All => (named("all", None, words::all(definition)), Vec::new()),
            Selection::View(view) => {
                let words = words::view(definition, view);
                (named("view", Some(view.clone()), words), Vec::new())
            }
            Selection::Criteria {
                conditions,
                pattern,
            } => {
                let fits = labelled.filter(|phrases| phrases.len() == conditions.len());
                let phrases = fits.unwrap_or_else(|| phrases(conditions, zone));
                let selected = by_criteria(conditions, pattern, phrases);
                (selected, outline(pattern))
            }
        };
        let taken = &definition.retrieval;
        Self {
            sync: definition.id.to_string(),
            module: definition.module.to_string(),
            selection,
            notes: words::notes(definition),
            retrieval: Retrieval {
                records: words::retrieved(taken.records),
                created_from: taken.created_from.map(|day| day.to_string()),
                created_to: taken.created_to.map(|day| day.to_string()),
                words: words::retrieval(definition, uses_formulas, zone),
            },
            lines,
        }
    }

    /// As people read it.
    pub(super) fn text(&self, report: &Report) -> String {
        let sync = report.paint(Style::Bold, &self.sync);
        let words = escape(&self.selection.words);
        let mut text = match &self.selection.conditions {
            None => format!("{sync} takes {words}.\n"),
            Some(conditions) => {
                let module = &self.module;
                let outline = self.outline(conditions);
                format!(
                    "{sync} takes the records of {module} for which\n\n{outline}\nin one sentence: {words}\n"
                )
            }
        };
        for paragraph in [&self.notes, &self.retrieval.words] {
            if !paragraph.is_empty() {
                text.push('\n');
            }
            for sentence in paragraph {
                text.extend([&escape(sentence), "\n"]);
            }
        }
        text
    }

    fn outline(&self, conditions: &[Numbered]) -> String {
        let width = conditions.len().to_string().len();
        let mut text = String::new();
        for Line { depth, says } in &self.lines {
            let line = match says {
                Says::Heading(heading) => (*heading).to_owned(),
                Says::Condition(number) => {
                    let condition = conditions.iter().find(|condition| condition.n == *number);
                    let words = condition.map_or("", |condition| condition.words.as_str());
                    format!("{number:>width$}  {}", escape(words))
                }
            };
            text.extend([&"  ".repeat(depth + 1), line.as_str(), "\n"]);
        }
        text
    }
}

fn named(kind: &'static str, view: Option<String>, words: String) -> Selected {
    Selected {
        kind,
        view,
        pattern: None,
        conditions: None,
        words,
    }
}

fn by_criteria(conditions: &[Condition], pattern: &Pattern, phrases: Vec<String>) -> Selected {
    let words = sentence(pattern, &phrases);
    let numbered = (1..).zip(conditions).zip(phrases);
    let numbered = numbered.map(|((n, condition), words)| Numbered {
        n,
        field: condition.field.to_string(),
        operator: condition.operator.name(),
        value: condition.operands.iter().map(json).collect(),
        words,
    });
    Selected {
        kind: "criteria",
        view: None,
        pattern: Some(pattern.in_pairs()),
        conditions: Some(numbered.collect()),
        words,
    }
}

/// A value as JSON has it; dates and times, which it lacks, as text.
pub(super) fn json(literal: &Literal) -> Value {
    match literal {
        Literal::Text(text) => Value::from(text.as_str()),
        Literal::Bool(truth) => Value::from(*truth),
        Literal::Date(day) => Value::from(day.to_string()),
        Literal::DateTime(at) => Value::from(at.to_string()),
        // A number too long for most readers of JSON stays exact as text.
        Literal::Number(number) => {
            let text = number.normalize().to_string();
            let parsed = text.parse::<serde_json::Number>().ok();
            let exact = parsed.filter(|parsed| parsed.to_string() == text);
            exact.map_or_else(|| Value::from(text), Value::Number)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_exact() {
        for (number, want) in [
            ("5000000", "5000000"),
            ("-1.50", "-1.5"),
            ("0.1", "0.1"),
            (
                "1234567890.12345678901234567",
                "\"1234567890.12345678901234567\"",
            ),
        ] {
            let literal = Literal::Number(number.parse().unwrap());
            assert_eq!(json(&literal).to_string(), want);
        }
    }
}
