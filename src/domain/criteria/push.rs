//! What of a selection a service can be asked beforehand: a filter that every selected record passes.
//!
//! A condition is pushed only where its being true in the CRM follows from its being true here, however the service
//! treats case, blanks and empty fields. Text is therefore asked for by what has no case in it, and otherwise only for
//! being there; a picklist, since imports bring spellings that the metadata does not list, is asked not to be another of
//! its options; ranges are asked for with their ends; days relative to today with one more on either side, since
//! midnight may pass while a page is on its way. What is true for empty fields is not asked of related records, where a
//! service may drop those that have none, and what is an alternative is not asked of them at all. Computed fields, ids,
//! long texts and deals are left to the judge.

use std::collections::BTreeSet;
use std::ops::Bound::{self, Excluded, Included, Unbounded};

use jiff::civil::Date;
use jiff::{Span as Days, Timestamp};
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::super::filter::{Filter, Leaf, Test};
use super::super::ids::FieldPath;
use super::super::pattern::Pattern;
use super::super::schema::{is_computed, is_of_deals};
use super::super::value::{FieldType, PicklistOption};
use super::comparison::{Comparison, fold};
use super::span::Span;
use super::{Bound as Condition, Criteria};

impl Criteria {
    /// A filter that every record passes which is selected within the day of `now` or the one after.
    #[must_use]
    pub fn filter(&self, now: Timestamp) -> Filter {
        let today = now.to_zoned(self.zone.clone()).date();
        let pushed = Pushed {
            criteria: self,
            today,
        };
        pushed.pattern(&self.pattern, true, false)
    }
}

struct Pushed<'a> {
    criteria: &'a Criteria,
    today: Date,
}

impl Pushed<'_> {
    /// What follows from the pattern being `truth`. An `alternative` need not be true for the record to be selected.
    fn pattern(&self, pattern: &Pattern, truth: bool, alternative: bool) -> Filter {
        let each = |parts: &[Pattern], alternative| -> Vec<Filter> {
            let parts = parts.iter();
            parts
                .map(|part| self.pattern(part, truth, alternative))
                .collect()
        };
        match (pattern, truth) {
            (Pattern::Condition(number), _) => {
                let condition = number
                    .checked_sub(1)
                    .and_then(|index| self.criteria.conditions.get(index));
                condition.map_or(Filter::EVERYTHING, |condition| {
                    self.condition(condition, truth, alternative)
                })
            }
            (Pattern::Not(inner), _) => self.pattern(inner, !truth, alternative),
            (Pattern::And(parts), true) | (Pattern::Or(parts), false) => {
                Filter::all(each(parts, alternative))
            }
            (Pattern::Or(parts), true) | (Pattern::And(parts), false) => {
                Filter::any(each(parts, true))
            }
        }
    }

    fn condition(&self, condition: &Condition, truth: bool, alternative: bool) -> Filter {
        let own = condition.path.is_own();
        let long = condition.field.data_type == "textarea";
        if is_of_deals(&condition.path)
            || is_computed(&condition.field)
            || is_id(&condition.path)
            || long
            || (!own && alternative)
        {
            return Filter::EVERYTHING;
        }
        let holds = truth != condition.negated;
        let tests = match (holds, own) {
            (true, _) => self.asks(condition),
            (false, _) if condition.comparison == Comparison::Blank => Some(vec![Test::NotNull]),
            (false, true) => self.asks_not(condition),
            (false, false) => None,
        };
        let leaf = |test| {
            Filter::Leaf(Leaf {
                field: condition.path.clone(),
                field_type: condition.field.field_type,
                test,
            })
        };
        tests.map_or(Filter::EVERYTHING, |tests| {
            Filter::any(tests.into_iter().map(leaf))
        })
    }

    /// Tests of which one is true where the comparison holds; `None` where nothing follows.
    fn asks(&self, condition: &Condition) -> Option<Vec<Test>> {
        let field_type = condition.field.field_type;
        Some(match &condition.comparison {
            Comparison::Blank => match field_type {
                FieldType::Number | FieldType::Date | FieldType::DateTime | FieldType::Lookup
                    if condition.path.is_own() =>
                {
                    vec![Test::Null]
                }
                // Blanks are something to a service.
                FieldType::Picklist if condition.path.is_own() => {
                    vec![Test::Null, unlisted(condition, &BTreeSet::new())]
                }
                _ => return None,
            },
            Comparison::OneOf(texts) if field_type == FieldType::Picklist => {
                vec![unlisted(condition, texts)]
            }
            Comparison::OneOf(texts) => vec![containing(texts.iter())],
            Comparison::Contains(text)
            | Comparison::StartsWith(text)
            | Comparison::EndsWith(text) => vec![containing([text].into_iter())],
            Comparison::Bool(truth) => vec![Test::Truth(*truth)],
            Comparison::Numbers(spans) => {
                let spans = spans.iter().map(ends);
                spans.map(|(low, high)| Test::Numbers(low, high)).collect()
            }
            Comparison::Days(spans) => {
                let spans = spans.iter().map(ends);
                spans.map(|(low, high)| Test::Days(low, high)).collect()
            }
            Comparison::Instants(spans) => {
                let spans = spans.iter().map(ends);
                spans.map(|(low, high)| Test::Instants(low, high)).collect()
            }
            Comparison::DaysFromToday { first, last } => {
                vec![self.days(field_type, Some(first - 1), Some(last + 1))?]
            }
            Comparison::Related(_) => vec![Test::NotNull],
            Comparison::AnyChoice(sets) => vec![containing(sets.iter().flatten())],
            Comparison::SameChoices(sets) => vec![containing(sets.iter().take(1).flatten())],
        })
    }

    /// The same where the comparison does not hold, for a field of the record itself.
    fn asks_not(&self, condition: &Condition) -> Option<Vec<Test>> {
        let field_type = condition.field.field_type;
        let mut tests = match &condition.comparison {
            Comparison::Numbers(spans) => match (points(spans), spans.as_slice()) {
                (Some(points), _) => vec![Test::NotNumbers(points)],
                (None, [span]) => beside(span, Test::Numbers),
                (None, _) => return None,
            },
            Comparison::Days(spans) => match spans.as_slice() {
                [span] => beside(span, Test::Days),
                _ => return None,
            },
            Comparison::Instants(spans) => match spans.as_slice() {
                [span] => beside(span, Test::Instants),
                _ => return None,
            },
            Comparison::DaysFromToday { first, last } => vec![
                self.days(field_type, None, Some(first + 1))?,
                self.days(field_type, Some(last - 1), None)?,
            ],
            Comparison::Blank
            | Comparison::OneOf(_)
            | Comparison::Contains(_)
            | Comparison::StartsWith(_)
            | Comparison::EndsWith(_)
            | Comparison::Bool(_)
            | Comparison::Related(_)
            | Comparison::AnyChoice(_)
            | Comparison::SameChoices(_) => return None,
        };
        tests.push(Test::Null);
        Some(tests)
    }

    /// The days from `first` to `last` after today; for instants, their beginning and their end.
    fn days(&self, field_type: FieldType, first: Option<i32>, last: Option<i32>) -> Option<Test> {
        let day = |count: i32| self.today.saturating_add(Days::new().days(count));
        if field_type == FieldType::Date {
            return Some(Test::Days(first.map(day), last.map(day)));
        }
        let start = |day: Date| {
            let start = day.to_zoned(self.criteria.zone.clone()).ok()?;
            Some(start.timestamp())
        };
        let low = match first {
            Some(first) => Some(start(day(first))?),
            None => None,
        };
        let high = match last {
            Some(last) => Some(start(day(last).tomorrow().ok()?)?),
            None => None,
        };
        Some(Test::Instants(low, high))
    }
}

/// Whether it is the id of a record, which services compare with ids alone: any other number is refused.
fn is_id(path: &FieldPath) -> bool {
    path.as_str().rsplit('.').next() == Some("id")
}

/// Both ends of a span, taken in.
fn ends<T: Clone>((low, high): &Span<T>) -> (Option<T>, Option<T>) {
    (end(low), end(high))
}

fn end<T: Clone>(bound: &Bound<T>) -> Option<T> {
    match bound {
        Included(value) | Excluded(value) => Some(value.clone()),
        Unbounded => None,
    }
}

/// What lies on either side of a span, its ends taken in.
fn beside<T: Clone>(span: &Span<T>, test: fn(Option<T>, Option<T>) -> Test) -> Vec<Test> {
    let (low, high) = ends(span);
    let below = low.map(|low| test(None, Some(low)));
    let above = high.map(|high| test(Some(high), None));
    below.into_iter().chain(above).collect()
}

/// The values of spans that are one value each.
fn points<T: Clone + PartialEq>(spans: &[Span<T>]) -> Option<Vec<T>> {
    let point = |span: &Span<T>| match span {
        (Included(low), Included(high)) if low == high => Some(low.clone()),
        _ => None,
    };
    spans.iter().map(point).collect()
}

/// That the field is something but none of its other options: those of which neither the actual value nor the label is
/// one of these folded texts. A record may carry an option in a spelling that the metadata does not know, but not in
/// that of another option. An option that differs from a meant one by accents alone is not asked about: a service may
/// take the two for one.
fn unlisted(condition: &Condition, texts: &BTreeSet<String>) -> Test {
    let spellings = |option: &PicklistOption| [fold(&option.actual), fold(&option.label)];
    let options = &condition.field.options;
    let meant = options
        .iter()
        .map(spellings)
        .filter(|both| both.iter().any(|text| texts.contains(text)));
    let meant: BTreeSet<String> = meant.flatten().chain(texts.iter().cloned()).collect();
    let plainly_meant: BTreeSet<String> = meant.iter().map(|text| plain(text)).collect();
    let others = options.iter().map(|option| &option.actual);
    let others: BTreeSet<&String> = others
        .filter(|actual| !actual.trim().is_empty() && !plainly_meant.contains(&plain(actual)))
        .collect();
    if others.is_empty() {
        Test::NotNull
    } else {
        Test::NoneOf(others.into_iter().cloned().collect())
    }
}

/// A text without case, accents and blanks around it.
fn plain(text: &str) -> String {
    let letters = fold(text);
    letters.nfkd().filter(|c| !is_combining_mark(*c)).collect()
}

/// That one of these folded texts is somewhere in the field, or where case has a say, that anything is.
fn containing<'a>(texts: impl Iterator<Item = &'a String>) -> Test {
    let texts: Vec<String> = texts.cloned().collect();
    if texts.iter().all(|text| is_caseless(text)) {
        Test::Contains(texts)
    } else {
        Test::NotNull
    }
}

/// Whether the text is the same in either case, and no part of what lower-casing makes of another letter (the dot
/// above that it splits off the Turkish capital İ).
fn is_caseless(text: &str) -> bool {
    text.chars().all(|letter| {
        letter != '\u{307}'
            && letter.to_lowercase().eq([letter])
            && letter.to_uppercase().eq([letter])
    })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use rust_decimal::Decimal;

    use super::super::super::definition::{Literal, Operator};
    use super::super::super::schema::Schema;
    use super::super::super::value::tests::field;
    use super::super::tests::{condition, module, now, text, texts, zone};
    use super::*;

    fn shown(filter: &Filter) -> String {
        let join = |parts: &[Filter], word: &str| {
            let parts: Vec<String> = parts.iter().map(shown).collect();
            format!("({})", parts.join(word))
        };
        match filter {
            Filter::All(parts) if parts.is_empty() => "everything".to_owned(),
            Filter::All(parts) => join(parts, " and "),
            Filter::Any(parts) => join(parts, " or "),
            Filter::Leaf(leaf) => format!("{} {}", leaf.field, asked(&leaf.test)),
        }
    }

    fn asked(test: &Test) -> String {
        fn range<T: ToString>(low: &Option<T>, high: &Option<T>) -> String {
            let end = |end: &Option<T>| end.as_ref().map_or("…".to_owned(), T::to_string);
            format!("{}..{}", end(low), end(high))
        }
        match test {
            Test::Numbers(low, high) => range(low, high),
            Test::Days(low, high) => range(low, high),
            Test::Instants(low, high) => range(low, high),
            other => format!("{other:?}"),
        }
    }

    fn pushed(pattern: &str, conditions: &[super::super::super::definition::Condition]) -> String {
        let pattern = Pattern::parse(pattern, conditions.len()).unwrap();
        let criteria = Criteria::bind(conditions, &pattern, &module(), &zone()).unwrap();
        shown(&criteria.filter(now()))
    }

    #[test]
    fn a_condition_is_asked_as_far_as_every_service_understands_it_alike() {
        let number = |value: i64| Literal::Number(Decimal::from(value));
        let day = Literal::Date(date(2026, 3, 4));
        for (field, operator, operands, want) in [
            ("Company", Operator::Is, texts(["Orto"]), "Company NotNull"),
            (
                "Company",
                Operator::Is,
                texts(["4 711"]),
                "Company Contains([\"4 711\"])",
            ),
            (
                "Company",
                Operator::StartsWith,
                texts(["東京"]),
                "Company Contains([\"東京\"])",
            ),
            ("Company", Operator::IsNot, texts(["1"]), "everything"),
            ("Company", Operator::IsEmpty, vec![], "everything"),
            ("Company", Operator::IsNotEmpty, vec![], "Company NotNull"),
            (
                "Annual_Revenue",
                Operator::Greater,
                vec![number(5)],
                "Annual_Revenue 5..…",
            ),
            (
                "Annual_Revenue",
                Operator::In,
                vec![number(5), number(7)],
                "(Annual_Revenue 5..5 or Annual_Revenue 7..7)",
            ),
            (
                "Annual_Revenue",
                Operator::NotIn,
                vec![number(5), number(7)],
                "(Annual_Revenue NotNumbers([5, 7]) or Annual_Revenue Null)",
            ),
            (
                "Annual_Revenue",
                Operator::IsEmpty,
                vec![],
                "Annual_Revenue Null",
            ),
            ("id", Operator::Greater, vec![number(5)], "everything"),
            (
                "Email_Opt_Out",
                Operator::Is,
                vec![Literal::Bool(false)],
                "Email_Opt_Out Truth(false)",
            ),
            (
                "Lead_Status",
                Operator::Is,
                texts(["kaltakquise"]),
                "Lead_Status NoneOf([\"Won\"])",
            ),
            (
                "Lead_Status",
                Operator::In,
                texts(["won", "Cold Call"]),
                "Lead_Status NotNull",
            ),
            (
                "Lead_Status",
                Operator::IsEmpty,
                vec![],
                "(Lead_Status Null or Lead_Status NoneOf([\"Cold Call\", \"Won\"]))",
            ),
            ("Lead_Status", Operator::IsNot, texts(["Won"]), "everything"),
            ("Tags", Operator::Contains, texts(["red"]), "Tags NotNull"),
            ("Tags", Operator::In, texts(["red", "BLUE"]), "Tags NotNull"),
            (
                "Account_Name",
                Operator::Is,
                texts(["7"]),
                "Account_Name NotNull",
            ),
            (
                "Birthday",
                Operator::Before,
                vec![day.clone()],
                "Birthday …..2026-03-04",
            ),
            (
                "Created_Time",
                Operator::On,
                vec![day],
                "Created_Time 2026-03-04T05:00:00Z..2026-03-05T05:00:00Z",
            ),
            (
                "Birthday",
                Operator::InLastDays,
                vec![number(3)],
                "Birthday 2026-03-07..2026-03-11",
            ),
        ] {
            let condition = condition(field, operator, operands);
            assert_eq!(pushed("1", &[condition]), want, "{field} {operator:?}");
        }
    }

    #[test]
    fn an_option_that_differs_by_accents_alone_is_not_excluded() {
        let option = |name: &str| PicklistOption {
            actual: name.to_owned(),
            label: name.to_owned(),
        };
        let mut status = field("Sector", FieldType::Picklist);
        status.options = ["Media", "Média", "Retail"].map(option).to_vec();
        let schema = Schema::new("Leads".parse().unwrap(), vec![status]);
        let condition = [condition("Sector", Operator::Is, texts(["media"]))];
        let criteria = Criteria::bind(&condition, &Pattern::nested(1), &schema, &zone()).unwrap();
        let filter = shown(&criteria.filter(now()));
        assert_eq!(filter, "Sector NoneOf([\"Retail\"])");
    }

    #[test]
    fn a_negation_is_asked_for_the_opposite_and_for_empty_fields() {
        let more = condition(
            "Annual_Revenue",
            Operator::Greater,
            vec![Literal::Number(Decimal::from(5))],
        );
        let won = condition("Lead_Status", Operator::Is, vec![text("Won")]);
        assert_eq!(
            pushed("not 1", std::slice::from_ref(&more)),
            "(Annual_Revenue …..5 or Annual_Revenue Null)"
        );
        let both = [more, won];
        assert_eq!(
            pushed("1 or 2", &both),
            "(Annual_Revenue 5..… or Lead_Status NoneOf([\"Cold Call\"]))"
        );
        // What follows from "not won" is nothing, so that the alternative says nothing either.
        assert_eq!(pushed("1 or not 2", &both), "everything");
        assert_eq!(pushed("1 and not 2", &both), "Annual_Revenue 5..…");
    }
}
