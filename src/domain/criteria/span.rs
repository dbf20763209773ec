//! Stretches of numbers, days or instants: what the ordering operators make of their operands. An operand is a stretch
//! itself (a day is one of instants), so that one table serves exact values and whole days alike.

use std::ops::Bound::{self, Excluded, Included, Unbounded};

use super::super::definition::Operator;

/// From the first bound to the second.
pub(super) type Span<T> = (Bound<T>, Bound<T>);

/// One value.
pub(super) fn exactly<T: Clone>(value: T) -> Span<T> {
    (Included(value.clone()), Included(value))
}

/// The stretches in which an operator is true, its negation aside.
pub(super) fn spans<T: Clone>(operator: Operator, operands: &[Span<T>]) -> Vec<Span<T>> {
    let each = |make: fn(&Span<T>) -> Span<T>| operands.iter().map(make).collect();
    match operator {
        Operator::Less | Operator::Before => each(|(low, _)| (Unbounded, other_side(low))),
        Operator::LessOrEqual => each(|(_, high)| (Unbounded, high.clone())),
        Operator::Greater | Operator::After => each(|(_, high)| (other_side(high), Unbounded)),
        Operator::GreaterOrEqual => each(|(low, _)| (low.clone(), Unbounded)),
        Operator::Between => match operands {
            [(low, _), .., (_, high)] => vec![(low.clone(), high.clone())],
            [] | [_] => operands.to_vec(),
        },
        Operator::Is
        | Operator::IsNot
        | Operator::In
        | Operator::NotIn
        | Operator::On
        | Operator::Contains
        | Operator::DoesNotContain
        | Operator::StartsWith
        | Operator::EndsWith
        | Operator::IsEmpty
        | Operator::IsNotEmpty
        | Operator::InLastDays
        | Operator::InNextDays => operands.to_vec(),
    }
}

/// Whether the second bound comes before the first, so that nothing lies between.
pub(super) fn is_reversed<T: PartialOrd>(span: &Span<T>) -> bool {
    match span {
        (Included(low), Included(high)) => low > high,
        (Included(low) | Excluded(low), Included(high) | Excluded(high)) => low >= high,
        (Unbounded, _) | (_, Unbounded) => false,
    }
}

fn other_side<T: Clone>(bound: &Bound<T>) -> Bound<T> {
    match bound {
        Included(value) => Excluded(value.clone()),
        Excluded(value) => Included(value.clone()),
        Unbounded => Unbounded,
    }
}
