//! Tables of the operators: which are negative, which type of field each suits, how many values it takes.

use std::ops::RangeInclusive;

use super::super::definition::Operator;
use super::super::value::FieldType;

/// Whether the operator is the opposite of another.
pub(super) fn is_negative(operator: Operator) -> bool {
    match operator {
        Operator::IsNot | Operator::NotIn | Operator::DoesNotContain | Operator::IsNotEmpty => true,
        Operator::Is
        | Operator::Contains
        | Operator::StartsWith
        | Operator::EndsWith
        | Operator::In
        | Operator::IsEmpty
        | Operator::Less
        | Operator::LessOrEqual
        | Operator::Greater
        | Operator::GreaterOrEqual
        | Operator::Between
        | Operator::Before
        | Operator::After
        | Operator::On
        | Operator::InLastDays
        | Operator::InNextDays => false,
    }
}

/// Whether the operator can be asked of a field of this type.
pub(super) fn suits(operator: Operator, field_type: FieldType) -> bool {
    let is = |types: &[FieldType]| types.contains(&field_type);
    match operator {
        Operator::Is => !is(&[FieldType::Opaque]),
        Operator::IsNot
        | Operator::In
        | Operator::NotIn
        | Operator::IsEmpty
        | Operator::IsNotEmpty => !is(&[FieldType::Opaque, FieldType::Bool]),
        Operator::Contains | Operator::DoesNotContain => {
            is(&[FieldType::Text, FieldType::MultiSelect])
        }
        Operator::StartsWith | Operator::EndsWith => is(&[FieldType::Text]),
        Operator::Less
        | Operator::LessOrEqual
        | Operator::Greater
        | Operator::GreaterOrEqual
        | Operator::Between => is(&[FieldType::Number, FieldType::Date, FieldType::DateTime]),
        Operator::Before
        | Operator::After
        | Operator::On
        | Operator::InLastDays
        | Operator::InNextDays => is(&[FieldType::Date, FieldType::DateTime]),
    }
}

/// How many values an operator takes.
pub(super) fn operand_count(operator: Operator, field_type: FieldType) -> RangeInclusive<usize> {
    match operator {
        Operator::IsEmpty | Operator::IsNotEmpty => 0..=0,
        Operator::Between => 2..=2,
        Operator::In | Operator::NotIn => 1..=usize::MAX,
        Operator::Is | Operator::IsNot if field_type == FieldType::MultiSelect => 1..=usize::MAX,
        Operator::Is
        | Operator::IsNot
        | Operator::Contains
        | Operator::DoesNotContain
        | Operator::StartsWith
        | Operator::EndsWith
        | Operator::Less
        | Operator::LessOrEqual
        | Operator::Greater
        | Operator::GreaterOrEqual
        | Operator::Before
        | Operator::After
        | Operator::On
        | Operator::InLastDays
        | Operator::InNextDays => 1..=1,
    }
}
