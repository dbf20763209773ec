//! One condition against the metadata: is there such a field, and do operator and values suit its type.

use jiff::tz::TimeZone;

use super::super::definition::{Condition, Literal, Operator};
use super::super::schema::{Column, Schema, Unresolved, unreadable};
use super::super::value::{Field, FieldType};
use super::comparison::Comparison;
use super::operators::{is_negative, operand_count, suits};
use super::span::{Span, exactly, is_reversed, spans};
use super::{Bound, ConditionPart, ConditionProblem, operand, wording};

/// A problem of a condition whose number its finder does not know.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Complaint {
    pub(super) part: ConditionPart,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

impl Complaint {
    pub(super) fn value(message: &str, help: &str) -> Self {
        Self {
            part: ConditionPart::Value,
            message: message.to_owned(),
            help: Some(help.to_owned()),
        }
    }

    pub(super) fn numbered(self, number: usize) -> ConditionProblem {
        ConditionProblem {
            number,
            part: self.part,
            message: self.message,
            help: self.help,
        }
    }
}

pub(super) fn bind(
    condition: &Condition,
    schema: &Schema,
    zone: &TimeZone,
) -> Result<Bound, Vec<Complaint>> {
    let Column { path, field } = column(condition, schema).map_err(|complaint| vec![complaint])?;
    check_form(condition, &field).map_err(|complaint| vec![complaint])?;
    Ok(Bound {
        comparison: comparison(condition.operator, &condition.operands, &field, zone)?,
        negated: is_negative(condition.operator),
        phrase: wording::phrase(condition, &field, zone),
        path,
        field,
    })
}

fn column(condition: &Condition, schema: &Schema) -> Result<Column, Complaint> {
    let complaint = |message, help| Complaint {
        part: ConditionPart::Field,
        message,
        help,
    };
    match schema.resolve(&condition.field) {
        Ok(column) if column.field.field_type == FieldType::Opaque => Err(complaint(
            format!(
                "field `{}` is of type `{}`, which cannot be compared",
                condition.field, column.field.data_type
            ),
            None,
        )),
        Ok(column) => Ok(column),
        Err(Unresolved::Missing { message, help }) => Err(complaint(message, help)),
        Err(Unresolved::Unknown(module)) => {
            let (message, help) = unreadable(&module);
            Err(complaint(message, Some(help)))
        }
    }
}

/// Whether the operator suits the field, and the number of values the operator.
fn check_form(condition: &Condition, field: &Field) -> Result<(), Complaint> {
    let (operator, field_type) = (condition.operator, field.field_type);
    let spelling = operator.name();
    if !suits(operator, field_type) {
        let others = Operator::ALL
            .into_iter()
            .filter(|other| suits(*other, field_type));
        let mut others: Vec<&str> = others.map(Operator::name).collect();
        if let FieldType::Number | FieldType::Date | FieldType::DateTime = field_type {
            others.insert(0, Operator::EQUALS);
        }
        return Err(Complaint {
            part: ConditionPart::Operator,
            message: format!(
                "`{spelling}` cannot be asked of the {} field `{}`",
                field_type.name(),
                field.api_name
            ),
            help: Some(format!("it can be asked: {}", others.join(", "))),
        });
    }
    let expected = operand_count(operator, field_type);
    let count = condition.operands.len();
    if expected.contains(&count) {
        return Ok(());
    }
    let takes = match (expected.start(), expected.end()) {
        (0, _) => "no value",
        (1, 1) => "one value",
        (1, _) => "one value or more",
        (_, _) => "two values, the lower and the upper one",
    };
    let message = format!("`{spelling}` takes {takes}, not {count}");
    Err(Complaint {
        help: None,
        ..Complaint::value(&message, "")
    })
}

fn comparison(
    operator: Operator,
    operands: &[Literal],
    field: &Field,
    zone: &TimeZone,
) -> Result<Comparison, Vec<Complaint>> {
    match operator {
        Operator::IsEmpty | Operator::IsNotEmpty => Ok(Comparison::Blank),
        Operator::InLastDays | Operator::InNextDays => days_from_today(operator, operands),
        Operator::Is
        | Operator::IsNot
        | Operator::Contains
        | Operator::DoesNotContain
        | Operator::StartsWith
        | Operator::EndsWith
        | Operator::In
        | Operator::NotIn
        | Operator::Less
        | Operator::LessOrEqual
        | Operator::Greater
        | Operator::GreaterOrEqual
        | Operator::Between
        | Operator::Before
        | Operator::After
        | Operator::On => by_type(operator, operands, field, zone),
    }
}

fn by_type(
    operator: Operator,
    operands: &[Literal],
    field: &Field,
    zone: &TimeZone,
) -> Result<Comparison, Vec<Complaint>> {
    match field.field_type {
        FieldType::Text => Ok(text(operator, operand::each(operands, operand::text)?)),
        FieldType::Number => {
            let numbers = operand::each(operands, operand::number)?;
            let numbers: Vec<_> = numbers.into_iter().map(exactly).collect();
            ordered(operator, &numbers).map(Comparison::Numbers)
        }
        FieldType::Bool => {
            let truths = operand::each(operands, operand::boolean)?;
            Ok(Comparison::Bool(truths == [true]))
        }
        FieldType::Date => {
            let days = operand::each(operands, |one| operand::day(one, zone))?;
            ordered(operator, &days).map(Comparison::Days)
        }
        FieldType::DateTime => {
            let instants = operand::each(operands, |one| operand::instants(one, zone))?;
            ordered(operator, &instants).map(Comparison::Instants)
        }
        FieldType::Picklist => {
            let options = operand::each(operands, |one| operand::option(one, field))?;
            Ok(Comparison::OneOf(options.into_iter().flatten().collect()))
        }
        FieldType::MultiSelect => {
            let options = operand::each(operands, |one| operand::option(one, field))?;
            if matches!(operator, Operator::Is | Operator::IsNot) {
                Ok(Comparison::SameChoices(options))
            } else {
                Ok(Comparison::AnyChoice(options))
            }
        }
        FieldType::Lookup | FieldType::Opaque => {
            let wanted = operand::each(operands, operand::text)?;
            Ok(Comparison::Related(wanted.into_iter().collect()))
        }
    }
}

fn text(operator: Operator, operands: Vec<String>) -> Comparison {
    let make: fn(String) -> Comparison = match operator {
        Operator::Contains | Operator::DoesNotContain => Comparison::Contains,
        Operator::StartsWith => Comparison::StartsWith,
        Operator::EndsWith => Comparison::EndsWith,
        Operator::Is
        | Operator::IsNot
        | Operator::In
        | Operator::NotIn
        | Operator::IsEmpty
        | Operator::IsNotEmpty
        | Operator::Less
        | Operator::LessOrEqual
        | Operator::Greater
        | Operator::GreaterOrEqual
        | Operator::Between
        | Operator::Before
        | Operator::After
        | Operator::On
        | Operator::InLastDays
        | Operator::InNextDays => return Comparison::OneOf(operands.into_iter().collect()),
    };
    // These operators take one value, as the check of the form has seen to.
    make(operands.concat())
}

fn ordered<T: Clone + PartialOrd>(
    operator: Operator,
    operands: &[Span<T>],
) -> Result<Vec<Span<T>>, Vec<Complaint>> {
    let spans = spans(operator, operands);
    if operator == Operator::Between && spans.iter().any(is_reversed) {
        let message = "the first value is greater than the second, so nothing is between them";
        return Err(vec![Complaint::value(message, "exchange the two")]);
    }
    Ok(spans)
}

fn days_from_today(operator: Operator, operands: &[Literal]) -> Result<Comparison, Vec<Complaint>> {
    // One value, as the check of the form has seen to; today is one of the days.
    let days: i32 = operand::each(operands, operand::day_count)?.iter().sum();
    Ok(if operator == Operator::InLastDays {
        Comparison::DaysFromToday {
            first: 1 - days,
            last: 0,
        }
    } else {
        Comparison::DaysFromToday {
            first: 0,
            last: days - 1,
        }
    })
}
