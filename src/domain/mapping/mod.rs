//! Record to contact by the sync's field rules.
//!
//! A bound mapping names only fields that the module has and labels that Campaigns has. What it renders depends on the
//! record, the zone and `clear_empty` alone, and not on the order of the rules, so a contact whose fields did not
//! change renders the same again. No rendered value is longer than its field, cut inside a character, or carries
//! control characters. The address is not among the rendered fields: it goes its own way through screening.

mod binding;

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use super::definition::MappingRules;
use super::ids::FieldPath;
use super::record::Record;
use super::schema::{Column, Schema};
use super::value::Value;

/// Campaigns' label of the field that holds the address.
pub const CONTACT_EMAIL: &str = "Contact Email";

/// A contact field of Campaigns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelLimit {
    /// Its display label, by which calls name it.
    pub label: String,
    /// Characters that fit in, where Campaigns says so; 0 is taken for unknown.
    pub max_length: Option<usize>,
}

/// Which field of a record feeds which field of its contact.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapping {
    email: Column,
    /// By label.
    rules: Vec<Rule>,
}

#[derive(Debug, Clone, PartialEq)]
struct Rule {
    label: String,
    column: Column,
    max_length: Option<usize>,
}

/// What is wrong with the rule of one label.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("mapping of `{label}`: {message}")]
pub struct MappingProblem {
    /// The label, as the definition spells it.
    pub label: String,
    /// The part of the rule that is wrong.
    pub part: MappingPart,
    /// What is wrong.
    pub message: String,
    /// What to do about it, such as the nearest existing name.
    pub help: Option<String>,
}

/// A part of a mapping rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MappingPart {
    /// The Campaigns label.
    Label,
    /// The CRM field.
    Field,
}

/// The fields of one contact.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rendered {
    /// Label and value, by label; without the address.
    pub fields: Vec<(String, String)>,
    /// Labels whose value was longer than the field and has been cut.
    pub cut: Vec<String>,
}

impl Mapping {
    /// Binds the rules of a definition, with what is pre-mapped, to the fields of `schema` and the `labels` of Campaigns.
    ///
    /// Pre-mapped unless the rules say otherwise: the address from `Email`, or from the only e-mail field of a module
    /// without it; `First Name` and `Last Name` from `First_Name` and `Last_Name` where the module has them, and
    /// `Last Name` from `Name` in a module that has neither.
    ///
    /// # Errors
    /// Every problem: labels and fields that do not exist, a label mapped twice, a field that cannot be mapped, no
    /// address.
    pub fn bind(
        rules: &MappingRules,
        schema: &Schema,
        labels: &[LabelLimit],
    ) -> Result<Self, Vec<MappingProblem>> {
        binding::bind(rules, schema, labels)
    }

    /// The field that holds the address.
    #[must_use]
    pub fn email(&self) -> &FieldPath {
        &self.email.path
    }

    /// The fields that have to be read, each once, by path.
    pub fn columns(&self) -> impl Iterator<Item = &Column> {
        let others = self.rules.iter().map(|rule| &rule.column);
        let columns = others.chain([&self.email]);
        let distinct: BTreeMap<_, _> = columns.map(|column| (&column.path, column)).collect();
        distinct.into_values()
    }

    /// The Campaigns labels that are filled beside the address, with the field each is filled from, by label.
    pub fn labels(&self) -> impl Iterator<Item = (&str, &FieldPath)> {
        let rules = self.rules.iter();
        rules.map(|rule| (rule.label.as_str(), &rule.column.path))
    }

    /// Whether nothing but the address is mapped, so that contacts can be added in bulk.
    #[must_use]
    pub fn only_address(&self) -> bool {
        self.rules.is_empty()
    }

    /// The contact's fields, with times in `zone`. A blank value is left out, or empty with `clear_empty`, so that it
    /// empties the contact's field; a related record whose name was not read is left out in any case.
    #[must_use]
    pub fn render(&self, record: &Record, zone: &TimeZone, clear_empty: bool) -> Rendered {
        let mut rendered = Rendered::default();
        for rule in &self.rules {
            let value = record.get(&rule.column.path);
            let whole = printable(&value.render(zone).unwrap_or_default());
            if whole.is_empty() && !(clear_empty && is_known(value)) {
                continue;
            }
            let fitting = fitting(&whole, rule.max_length);
            if fitting.len() < whole.len() {
                rendered.cut.push(rule.label.clone());
            }
            let value = fitting.to_owned();
            rendered.fields.push((rule.label.clone(), value));
        }
        rendered
    }
}

/// Whether a value that renders as nothing is nothing.
fn is_known(value: &Value) -> bool {
    !matches!(value, Value::Lookup { name: None, .. })
}

/// Control characters become blanks, those at the ends go.
fn printable(text: &str) -> String {
    let blanked: String = text
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect();
    blanked.trim().to_owned()
}

/// The first `max_length` characters.
fn fitting(text: &str, max_length: Option<usize>) -> &str {
    let end = max_length.and_then(|length| text.char_indices().nth(length));
    end.map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::super::ids::RecordId;
    use super::super::value::FieldType;
    use super::super::value::tests::field;
    use super::*;

    const LABELS: [(&str, &str); 4] = [
        ("Since", "Start_Date"),
        ("Company Name", "Company"),
        ("Note", "Description"),
        ("Motto", "Description"),
    ];

    /// `Company Name` takes `max_length` characters, the others any number.
    fn mapping(labels: &[(&str, &str)], max_length: Option<usize>) -> Mapping {
        let fields = ["Email", "Start_Date", "Company", "Description"];
        let fields = fields.map(|name| field(name, FieldType::Text));
        let limits = labels.iter().map(|(label, _)| LabelLimit {
            label: (*label).to_owned(),
            max_length: max_length.filter(|_| *label == "Company Name"),
        });
        let rules = labels
            .iter()
            .map(|(label, path)| ((*label).to_owned(), Some(path.parse().unwrap())));
        let rules = MappingRules {
            rules: rules.collect(),
        };
        let limits: Vec<LabelLimit> = limits.collect();
        let schema = Schema::new("Donors".parse().unwrap(), fields.to_vec());
        Mapping::bind(&rules, &schema, &limits).unwrap()
    }

    fn record(company: &str) -> Record {
        let value = |name: &str, value| (name.parse().unwrap(), value);
        Record {
            id: RecordId(1),
            modified_at: None,
            values: [
                value("Email", Value::Text("ann@example.com".into())),
                value("Start_Date", Value::Date(date(2026, 3, 4))),
                value("Company", Value::Text(company.to_owned())),
                value("Description", Value::Text(" \u{7} ".into())),
            ]
            .into(),
        }
    }

    fn pairs(rendered: &Rendered) -> Vec<(&str, &str)> {
        let fields = rendered.fields.iter();
        fields
            .map(|(label, value)| (label.as_str(), value.as_str()))
            .collect()
    }

    #[test]
    fn blank_values_are_left_out_unless_they_shall_clear() {
        let mapping = mapping(&LABELS, None);
        let kept = mapping.render(&record("Orto"), &TimeZone::UTC, false);
        assert_eq!(
            pairs(&kept),
            [("Company Name", "Orto"), ("Since", "2026-03-04")]
        );
        let cleared = mapping.render(&record("Orto"), &TimeZone::UTC, true);
        assert_eq!(
            pairs(&cleared),
            [
                ("Company Name", "Orto"),
                ("Motto", ""),
                ("Note", ""),
                ("Since", "2026-03-04")
            ]
        );
    }

    #[test]
    fn a_related_record_without_its_name_clears_nothing() {
        let mut record = record("Orto");
        let unnamed = Value::Lookup {
            id: RecordId(7),
            name: None,
        };
        record.values.insert("Company".parse().unwrap(), unnamed);
        let rendered = mapping(&LABELS, None).render(&record, &TimeZone::UTC, true);
        assert_eq!(pairs(&rendered)[0], ("Motto", ""));
    }

    #[test]
    fn what_is_too_long_is_cut_at_a_character() {
        for (company, max_length, want, cut) in [
            ("Łódź", Some(3), "Łód", true),
            ("Łódź", Some(4), "Łódź", false),
            ("Łódź", Some(0), "Łódź", false),
            ("Łódź", None, "Łódź", false),
            ("  ab\r\ncd\t", Some(6), "ab  cd", false),
            ("😀😀😀", Some(2), "😀😀", true),
        ] {
            let rendered =
                mapping(&LABELS, max_length).render(&record(company), &TimeZone::UTC, false);
            assert_eq!(pairs(&rendered)[0], ("Company Name", want), "{company:?}");
            assert_eq!(
                rendered.cut,
                vec!["Company Name"; usize::from(cut)],
                "{company:?}"
            );
        }
    }

    #[test]
    fn every_field_is_read_once() {
        let mapping = mapping(&LABELS, None);
        let columns = mapping.columns();
        let fields: Vec<&str> = columns.map(|column| column.path.as_str()).collect();
        assert_eq!(fields, ["Company", "Description", "Email", "Start_Date"]);
    }

    proptest! {
        #[test]
        fn a_rendered_value_fits_and_begins_as_the_whole_does(company in "(?s).{0,12}", length in 1_usize..8) {
            let whole = mapping(&LABELS, None).render(&record(&company), &TimeZone::UTC, true);
            let cut = mapping(&LABELS, Some(length)).render(&record(&company), &TimeZone::UTC, true);
            let (whole, value) = (&whole.fields[0].1, &cut.fields[0].1);
            prop_assert!(value.chars().count() <= length);
            prop_assert!(whole.starts_with(value.as_str()));
            prop_assert_eq!(cut.cut.is_empty(), whole == value);
            prop_assert!(!value.chars().any(char::is_control));
        }

        #[test]
        fn the_order_of_the_rules_does_not_matter(
            labels in Just(LABELS.to_vec()).prop_shuffle(),
            clear_empty: bool,
        ) {
            let want = mapping(&LABELS, Some(3));
            let shuffled = mapping(&labels, Some(3));
            let record = record("Orto");
            prop_assert_eq!(
                shuffled.render(&record, &TimeZone::UTC, clear_empty),
                want.render(&record, &TimeZone::UTC, clear_empty)
            );
        }
    }
}
