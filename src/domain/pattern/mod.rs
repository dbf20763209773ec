//! Criteria patterns: text to tree and back, with columns for errors.
//!
//! A parsed pattern names every condition at least once and none that does not exist. Its normal form: chains of the
//! same word are flat (`((1 and 2) and 3)` is `(1 and 2 and 3)`, which means the same), so that a pattern of any length
//! stays shallow; everything else stays as written, `not not 1` included. Rendering puts parentheses around every
//! chain, so the precedence of the words need not be known to read it, and parsing the rendering gives the same tree.
//! The CRM joins two at a time; a pattern is spelled its way by [`Pattern::in_pairs`].

mod parse;
mod token;

use std::fmt;

/// How conditions are joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pattern {
    /// The condition of this number; the first is 1.
    Condition(usize),
    /// The opposite.
    Not(Box<Pattern>),
    /// All of them; at least two.
    And(Vec<Pattern>),
    /// Any of them; at least two.
    Or(Vec<Pattern>),
}

/// Why a text is not a pattern, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PatternError {
    /// Where the place begins, in bytes of the text.
    pub start: usize,
    /// Where it ends; the same as `start` where something is missing.
    pub end: usize,
    /// What is wrong there.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Pattern {
    /// Reads a pattern over conditions 1 to `conditions`.
    ///
    /// # Errors
    /// The first place at which `text` is not a pattern; if it is one, a condition that it does not name.
    pub fn parse(text: &str, conditions: usize) -> Result<Self, PatternError> {
        parse::parse(text, conditions)
    }

    /// The pattern of a definition that gives none: all conditions, `((1 and 2) and 3)`. Without any condition it
    /// holds for nothing.
    #[must_use]
    pub fn nested(conditions: usize) -> Self {
        let all: Vec<Self> = (1..=conditions).map(Self::Condition).collect();
        if all.is_empty() {
            Self::Or(all)
        } else {
            Self::all(all)
        }
    }

    /// All of `parts`, of which there is at least one, in normal form.
    #[must_use]
    pub fn all(parts: Vec<Self>) -> Self {
        let mut flat = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Self::And(inner) => flat.extend(inner),
                Self::Condition(_) | Self::Not(_) | Self::Or(_) => flat.push(part),
            }
        }
        if flat.len() == 1 {
            flat.remove(0)
        } else {
            Self::And(flat)
        }
    }

    /// Any of `parts`, of which there is at least one, in normal form.
    #[must_use]
    pub fn any(parts: Vec<Self>) -> Self {
        let mut flat = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Self::Or(inner) => flat.extend(inner),
                Self::Condition(_) | Self::Not(_) | Self::And(_) => flat.push(part),
            }
        }
        if flat.len() == 1 {
            flat.remove(0)
        } else {
            Self::Or(flat)
        }
    }

    /// Whether the pattern is true when each condition is what `conditions` says of it; the first is number 1, and
    /// those beyond the end are false.
    #[must_use]
    pub fn holds(&self, conditions: &[bool]) -> bool {
        match self {
            Self::Condition(number) => number
                .checked_sub(1)
                .and_then(|index| conditions.get(index))
                .copied()
                .unwrap_or(false),
            Self::Not(inner) => !inner.holds(conditions),
            Self::And(parts) => parts.iter().all(|part| part.holds(conditions)),
            Self::Or(parts) => parts.iter().any(|part| part.holds(conditions)),
        }
    }

    /// The pattern as the CRM spells it, each word joining two, nested to the left: `((1 and 2) and (3 or 4))`.
    #[must_use]
    pub fn in_pairs(&self) -> String {
        match self {
            Self::Condition(number) => number.to_string(),
            Self::Not(inner) => format!("not {}", inner.in_pairs()),
            Self::And(parts) => pairs(parts, "and"),
            Self::Or(parts) => pairs(parts, "or"),
        }
    }

    /// The numbers of the conditions it names, in reading order, repetitions included.
    #[must_use]
    pub fn numbers(&self) -> Vec<usize> {
        match self {
            Self::Condition(number) => vec![*number],
            Self::Not(inner) => inner.numbers(),
            Self::And(parts) | Self::Or(parts) => parts.iter().flat_map(Self::numbers).collect(),
        }
    }
}

fn pairs(parts: &[Pattern], word: &str) -> String {
    let mut text = "(".repeat(parts.len().saturating_sub(1));
    for (index, part) in parts.iter().enumerate() {
        let part = part.in_pairs();
        match index {
            0 => text.push_str(&part),
            _ => text.extend([" ", word, " ", &part, ")"]),
        }
    }
    text
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (parts, word) = match self {
            Self::Condition(number) => return number.fmt(f),
            Self::Not(inner) => return write!(f, "not {inner}"),
            Self::And(parts) => (parts, " and "),
            Self::Or(parts) => (parts, " or "),
        };
        f.write_str("(")?;
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                f.write_str(word)?;
            }
            part.fmt(f)?;
        }
        f.write_str(")")
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// Patterns in normal form over conditions 1 to n, each of which occurs, with that n.
    pub(in super::super) fn patterns() -> impl Strategy<Value = (Pattern, usize)> {
        let leaf = (1_usize..6).prop_map(Pattern::Condition);
        let tree = leaf.prop_recursive(5, 24, 4, |inner| {
            let parts = prop::collection::vec(inner.clone(), 2..4);
            prop_oneof![
                inner.prop_map(|part| Pattern::Not(Box::new(part))),
                parts.clone().prop_map(Pattern::all),
                parts.prop_map(Pattern::any),
            ]
        });
        tree.prop_map(|pattern| {
            let used: BTreeSet<usize> = pattern.numbers().into_iter().collect();
            let used: Vec<usize> = used.into_iter().collect();
            (renumbered(pattern, &used), used.len())
        })
    }

    fn renumbered(pattern: Pattern, used: &[usize]) -> Pattern {
        let all = |parts: Vec<Pattern>| -> Vec<Pattern> {
            let parts = parts.into_iter();
            parts.map(|part| renumbered(part, used)).collect()
        };
        match pattern {
            Pattern::Condition(number) => {
                Pattern::Condition(used.binary_search(&number).unwrap() + 1)
            }
            Pattern::Not(inner) => Pattern::Not(Box::new(renumbered(*inner, used))),
            Pattern::And(parts) => Pattern::And(all(parts)),
            Pattern::Or(parts) => Pattern::Or(all(parts)),
        }
    }

    #[test]
    fn the_default_pattern_joins_all_conditions_with_and() {
        assert_eq!(Pattern::nested(1), Pattern::Condition(1));
        assert_eq!(
            Pattern::nested(3),
            Pattern::parse("((1 and 2) and 3)", 3).unwrap()
        );
        let long = Pattern::nested(5_000);
        assert_eq!(Pattern::parse(&long.to_string(), 5_000), Ok(long.clone()));
        assert!(long.holds(&[true; 5_000]));
        assert!(!long.holds(&[true; 4_999]));
    }

    #[test]
    fn a_pattern_without_conditions_holds_for_nothing() {
        assert!(!Pattern::nested(0).holds(&[]));
    }

    /// A rendering as another hand may have written it: other blanks, other case, parentheses around numbers.
    fn rewritten(text: &str, choices: &[u8]) -> String {
        const BLANKS: [&str; 5] = ["", " ", "  ", "\t", "\n \u{a0}"];
        let spaced = text.replace('(', " ( ").replace(')', " ) ");
        let mut rewritten = String::new();
        for (word, choice) in spaced.split_whitespace().zip(choices.iter().cycle()) {
            let letters = word.chars().enumerate();
            let letters = letters.map(|(place, letter)| match choice >> (place % 3) & 1 {
                1 => letter.to_ascii_uppercase(),
                _ => letter,
            });
            let word = match word.parse::<usize>() {
                Ok(_) if choice % 7 == 0 => format!("( {word})"),
                Ok(_) | Err(_) => letters.collect(),
            };
            let touches = |text: &str, end: fn(&str) -> Option<char>| {
                end(text).is_some_and(char::is_alphabetic)
            };
            let joined = touches(&rewritten, |text| text.chars().last())
                && touches(&word, |text| text.chars().next());
            let blank = BLANKS[usize::from(*choice) % BLANKS.len()];
            rewritten.push_str(if joined && blank.is_empty() {
                " "
            } else {
                blank
            });
            rewritten.push_str(&word);
        }
        rewritten
    }

    #[test]
    fn the_crm_joins_two_at_a_time() {
        for (text, conditions, want) in [
            ("1", 1, "1"),
            ("1 and 2 and (3 or 4)", 4, "((1 and 2) and (3 or 4))"),
            ("((1 and 2) and (3 or 4))", 4, "((1 and 2) and (3 or 4))"),
            ("not (1 or 2 or not 3)", 3, "not ((1 or 2) or not 3)"),
            ("1 or 2 and 3 and 4", 4, "(1 or ((2 and 3) and 4))"),
        ] {
            let pattern = Pattern::parse(text, conditions).unwrap();
            assert_eq!(pattern.in_pairs(), want, "{text}");
        }
        assert_eq!(Pattern::nested(4).in_pairs(), "(((1 and 2) and 3) and 4)");
    }

    proptest! {
        #[test]
        fn parsing_a_rendering_gives_the_same_pattern((pattern, conditions) in patterns()) {
            prop_assert_eq!(Pattern::parse(&pattern.to_string(), conditions), Ok(pattern.clone()));
            prop_assert_eq!(Pattern::parse(&pattern.in_pairs(), conditions), Ok(pattern));
        }

        #[test]
        fn spacing_case_and_needless_parentheses_change_nothing(
            (pattern, conditions) in patterns(),
            choices in prop::collection::vec(any::<u8>(), 1..20),
        ) {
            let text = rewritten(&pattern.to_string(), &choices);
            prop_assert_eq!(Pattern::parse(&text, conditions), Ok(pattern), "{}", text);
        }

        #[test]
        fn what_is_joined_by_and_or_or_is_in_normal_form((pattern, _) in patterns()) {
            let doubled = Pattern::all(vec![pattern.clone(), pattern.clone()]);
            let Pattern::And(parts) = doubled else { panic!("two parts are a chain") };
            prop_assert!(parts.iter().all(|part| !matches!(part, Pattern::And(_))));
            prop_assert_eq!(Pattern::any(vec![pattern.clone()]), pattern);
        }
    }
}
