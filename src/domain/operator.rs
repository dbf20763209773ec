//! The operators of criteria, and how definitions spell them.

/// What a condition asks (spec, section 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operator {
    /// `is`, for numbers and dates also `=`.
    Is,
    /// `is_not`.
    IsNot,
    /// `contains`.
    Contains,
    /// `does_not_contain`.
    DoesNotContain,
    /// `starts_with`.
    StartsWith,
    /// `ends_with`.
    EndsWith,
    /// `in`.
    In,
    /// `not_in`.
    NotIn,
    /// `is_empty`.
    IsEmpty,
    /// `is_not_empty`.
    IsNotEmpty,
    /// `<`.
    Less,
    /// `<=`.
    LessOrEqual,
    /// `>`.
    Greater,
    /// `>=`.
    GreaterOrEqual,
    /// `between`, both ends included.
    Between,
    /// `before`: before the day's start.
    Before,
    /// `after`: after the day's end.
    After,
    /// `on`: within the day.
    On,
    /// `in_last_days`.
    InLastDays,
    /// `in_next_days`.
    InNextDays,
}

impl Operator {
    /// All operators, in the order in which messages list them.
    pub const ALL: [Self; 20] = [
        Self::Is,
        Self::IsNot,
        Self::Contains,
        Self::DoesNotContain,
        Self::StartsWith,
        Self::EndsWith,
        Self::Less,
        Self::LessOrEqual,
        Self::Greater,
        Self::GreaterOrEqual,
        Self::Between,
        Self::Before,
        Self::After,
        Self::On,
        Self::InLastDays,
        Self::InNextDays,
        Self::In,
        Self::NotIn,
        Self::IsEmpty,
        Self::IsNotEmpty,
    ];

    /// The operator as definitions spell it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Is => "is",
            Self::IsNot => "is_not",
            Self::Contains => "contains",
            Self::DoesNotContain => "does_not_contain",
            Self::StartsWith => "starts_with",
            Self::EndsWith => "ends_with",
            Self::In => "in",
            Self::NotIn => "not_in",
            Self::IsEmpty => "is_empty",
            Self::IsNotEmpty => "is_not_empty",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Between => "between",
            Self::Before => "before",
            Self::After => "after",
            Self::On => "on",
            Self::InLastDays => "in_last_days",
            Self::InNextDays => "in_next_days",
        }
    }

    /// Every spelling that [`Self::named`] knows, in the order in which messages list them.
    pub fn spellings() -> impl Iterator<Item = &'static str> + Clone {
        Self::ALL.into_iter().flat_map(Self::own_spellings)
    }

    /// The operator's name, and what it can be spelled besides.
    fn own_spellings(self) -> impl Iterator<Item = &'static str> + Clone {
        let other = (self == Self::Is).then_some(Self::EQUALS);
        std::iter::once(self.name()).chain(other)
    }

    /// What `is` can be spelled, as is usual for numbers and dates.
    pub const EQUALS: &'static str = "=";

    /// The operator of this spelling; `=` is `is`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let name = if name == Self::EQUALS { "is" } else { name };
        Self::ALL
            .into_iter()
            .find(|operator| operator.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operator_is_found_by_its_name() {
        for operator in Operator::ALL {
            assert_eq!(Operator::named(operator.name()), Some(operator));
        }
        assert_eq!(Operator::named("="), Some(Operator::Is));
        assert_eq!(Operator::spellings().count(), Operator::ALL.len() + 1);
        assert!(Operator::spellings().all(|it| Operator::named(it).is_some()));
        assert_eq!(Operator::named("IS"), None);
    }
}
