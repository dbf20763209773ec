//! Text to pattern. A function per level of precedence over the tokens, each of which knows what was open and what came
//! before, so that an error can say it.

use std::ops::Range;

use super::super::nearest::{did_you_mean, nearest};
use super::token::{Token, Word, tokens};
use super::{Pattern, PatternError};

/// Parentheses and `not`s may be nested this deep; far beyond what a person can read, far below the stack.
const DEPTH_MAX: usize = 200;

pub(super) fn parse(text: &str, conditions: usize) -> Result<Pattern, PatternError> {
    let tokens = tokens(text);
    let mut reader = Reader {
        text,
        tokens: &tokens,
        next: 0,
        conditions,
    };
    let pattern = reader.any_of(0)?;
    if let Some(left) = reader.peek() {
        return Err(reader.not_joined(left));
    }
    check_all_used(&pattern, text, conditions)?;
    Ok(pattern)
}

fn check_all_used(pattern: &Pattern, text: &str, conditions: usize) -> Result<(), PatternError> {
    let mut used = vec![false; conditions];
    for number in pattern.numbers() {
        if let Some(slot) = used.get_mut(number - 1) {
            *slot = true;
        }
    }
    let unused: Vec<String> = (1..=conditions)
        .zip(used)
        .filter(|(_, used)| !used)
        .map(|(number, _)| number.to_string())
        .collect();
    let message = match unused.as_slice() {
        [] => return Ok(()),
        [number] => format!("condition {number} does not occur in the pattern"),
        numbers => format!(
            "conditions {} do not occur in the pattern",
            numbers.join(", ")
        ),
    };
    let help = "name every condition in the pattern, or remove it";
    Err(error(trimmed(text), message, Some(help.to_owned())))
}

/// One function per level of precedence, loosest first; each leaves the position behind what it read.
struct Reader<'a> {
    text: &'a str,
    tokens: &'a [Token],
    next: usize,
    conditions: usize,
}

impl<'a> Reader<'a> {
    fn any_of(&mut self, depth: usize) -> Result<Pattern, PatternError> {
        let mut parts = vec![self.all_of(depth)?];
        while self.take(Word::Or) {
            parts.push(self.all_of(depth)?);
        }
        Ok(Pattern::any(parts))
    }

    fn all_of(&mut self, depth: usize) -> Result<Pattern, PatternError> {
        let mut parts = vec![self.one(depth)?];
        while self.take(Word::And) {
            parts.push(self.one(depth)?);
        }
        Ok(Pattern::all(parts))
    }

    fn one(&mut self, depth: usize) -> Result<Pattern, PatternError> {
        let Some(token) = self.peek() else {
            return Err(self.cut_short());
        };
        if depth > DEPTH_MAX {
            let message = format!("the pattern is nested deeper than {DEPTH_MAX} levels");
            return Err(error(token.place.clone(), message, None));
        }
        match token.word {
            Word::Number => {
                self.next += 1;
                self.number(token)
            }
            Word::Not => {
                self.next += 1;
                Ok(Pattern::Not(Box::new(self.one(depth + 1)?)))
            }
            Word::Open => {
                self.next += 1;
                self.group(token, depth + 1)
            }
            Word::And | Word::Or | Word::Close => Err(self.missing_before(token)),
            Word::Unknown => Err(self.unknown(token)),
        }
    }

    fn group(&mut self, open: &Token, depth: usize) -> Result<Pattern, PatternError> {
        if let Some(close) = self.peek().filter(|token| token.word == Word::Close) {
            let help = "put a condition's number between the parentheses, or remove them";
            let place = open.place.start..close.place.end;
            return Err(error(place, "the group is empty", Some(help.to_owned())));
        }
        let pattern = self.any_of(depth)?;
        match self.peek() {
            Some(token) if token.word == Word::Close => {
                self.next += 1;
                Ok(pattern)
            }
            Some(token) => Err(self.not_joined(token)),
            None => Err(error(
                open.place.clone(),
                "this parenthesis is never closed",
                Some("add the missing `)`".to_owned()),
            )),
        }
    }

    fn number(&self, token: &Token) -> Result<Pattern, PatternError> {
        let digits = self.spelling(token);
        match digits.parse::<usize>() {
            Ok(number) if (1..=self.conditions).contains(&number) => Ok(Pattern::Condition(number)),
            Ok(_) | Err(_) => {
                let help = match self.conditions {
                    0 => "the definition has no conditions".to_owned(),
                    1 => "the only condition is number 1".to_owned(),
                    last => format!("the conditions are numbered 1 to {last}"),
                };
                let message = format!("there is no condition {digits}");
                Err(error(token.place.clone(), message, Some(help)))
            }
        }
    }

    /// The error for a token that stands where an expression has ended.
    fn not_joined(&self, token: &Token) -> PatternError {
        let spelling = self.spelling(token);
        match token.word {
            Word::Close => error(
                token.place.clone(),
                "this parenthesis closes nothing",
                Some("remove it, or add the missing `(` before it".to_owned()),
            ),
            Word::Number | Word::Open | Word::Not => error(
                token.place.clone(),
                format!("`and` or `or` is missing before `{spelling}`"),
                None,
            ),
            Word::And | Word::Or | Word::Unknown => self.unknown(token),
        }
    }

    /// The error for a text that ends where a number or group is expected; points at the parenthesis left open, if the
    /// end comes directly behind it.
    fn cut_short(&self) -> PatternError {
        match self.tokens.last() {
            Some(last) if last.word == Word::Open => error(
                last.place.clone(),
                "this parenthesis is never closed",
                Some("add a condition's number and `)` behind it".to_owned()),
            ),
            Some(last) => error(
                last.place.end..last.place.end,
                format!(
                    "a condition's number or a group is missing after `{}`",
                    self.spelling(last)
                ),
                None,
            ),
            None => error(0..self.text.len(), "the pattern is empty", None),
        }
    }

    fn missing_before(&self, token: &Token) -> PatternError {
        error(
            token.place.clone(),
            format!(
                "a condition's number or a group is missing before `{}`",
                self.spelling(token)
            ),
            None,
        )
    }

    fn unknown(&self, token: &Token) -> PatternError {
        let spelling = self.spelling(token);
        let meant = match spelling {
            "&" | "&&" | "," | "+" => Some("and"),
            "|" | "||" => Some("or"),
            "!" => Some("not"),
            "[" | "{" => Some("("),
            "]" | "}" => Some(")"),
            letters => nearest(letters, ["and", "or", "not"]),
        };
        let help = did_you_mean(meant).unwrap_or_else(|| {
            "use the conditions' numbers, `and`, `or`, `not` and parentheses".to_owned()
        });
        error(
            token.place.clone(),
            format!("unknown word `{spelling}`"),
            Some(help),
        )
    }

    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.next)
    }

    fn take(&mut self, word: Word) -> bool {
        let found = self.peek().is_some_and(|token| token.word == word);
        self.next += usize::from(found);
        found
    }

    fn spelling(&self, token: &Token) -> &'a str {
        &self.text[token.place.clone()]
    }
}

fn error(place: Range<usize>, message: impl Into<String>, help: Option<String>) -> PatternError {
    PatternError {
        start: place.start,
        end: place.end,
        message: message.into(),
        help,
    }
}

/// Where the text is without the blanks around it.
fn trimmed(text: &str) -> Range<usize> {
    let start = text.len() - text.trim_start().len();
    start..text.trim_end().len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn not_binds_tightest_then_and_then_or() {
        for (text, conditions, want) in [
            ("1", 1, "1"),
            ("((1 and 2) and (3 or 4))", 4, "(1 and 2 and (3 or 4))"),
            ("((1 and 2) and 3)", 3, "(1 and 2 and 3)"),
            ("1 or 2 and 3", 3, "(1 or (2 and 3))"),
            ("(1 or 2) and 3", 3, "((1 or 2) and 3)"),
            ("not 1 and 2", 2, "(not 1 and 2)"),
            ("not (1 and 2)", 2, "not (1 and 2)"),
            ("not not 1 or not(2)", 2, "(not not 1 or not 2)"),
            ("  1\tAND\n(2 Or nOt 3)  ", 3, "(1 and (2 or not 3))"),
            ("(1)and(2)or 1and2", 2, "((1 and 2) or (1 and 2))"),
            ("((((2))))and 1", 2, "(2 and 1)"),
            ("1 and 1", 1, "(1 and 1)"),
        ] {
            let pattern = parse(text, conditions).map(|pattern| pattern.to_string());
            assert_eq!(pattern.as_deref(), Ok(want), "{text:?}");
        }
    }

    #[test]
    fn an_error_points_at_its_place() {
        for (text, conditions, place, message) in [
            ("", 0, 0..0, "the pattern is empty"),
            ("   ", 2, 0..3, "the pattern is empty"),
            ("(1 and 2", 2, 0..1, "this parenthesis is never closed"),
            ("1 and ((2)", 2, 6..7, "this parenthesis is never closed"),
            ("1 and (", 1, 6..7, "this parenthesis is never closed"),
            ("1 and 2)", 2, 7..8, "this parenthesis closes nothing"),
            ("1 and ( )", 1, 6..9, "the group is empty"),
            ("1 and 3", 2, 6..7, "there is no condition 3"),
            ("1 and 0", 1, 6..7, "there is no condition 0"),
            (
                "1 or 99999999999999999999",
                1,
                5..25,
                "there is no condition 99999999999999999999",
            ),
            (
                "1 and 3",
                3,
                0..7,
                "condition 2 does not occur in the pattern",
            ),
            (
                " 2 ",
                4,
                1..2,
                "conditions 1, 3, 4 do not occur in the pattern",
            ),
            ("1 2", 2, 2..3, "`and` or `or` is missing before `2`"),
            ("1 (2)", 2, 2..3, "`and` or `or` is missing before `(`"),
            (
                "(1 not 2)",
                2,
                3..6,
                "`and` or `or` is missing before `not`",
            ),
            (
                "1 and",
                1,
                5..5,
                "a condition's number or a group is missing after `and`",
            ),
            (
                "not",
                1,
                3..3,
                "a condition's number or a group is missing after `not`",
            ),
            (
                "and 1",
                1,
                0..3,
                "a condition's number or a group is missing before `and`",
            ),
            (
                "(or 1)",
                1,
                1..3,
                "a condition's number or a group is missing before `or`",
            ),
            (
                ") 1",
                1,
                0..1,
                "a condition's number or a group is missing before `)`",
            ),
            ("1 adn 2", 2, 2..5, "unknown word `adn`"),
            ("1 && 2", 2, 2..4, "unknown word `&&`"),
            ("łąka", 1, 0..6, "unknown word `łąka`"),
            ("1 ∧ 2", 2, 2..5, "unknown word `∧`"),
            ("1 and -2", 2, 6..7, "unknown word `-`"),
        ] {
            let error = parse(text, conditions).unwrap_err();
            assert_eq!(error.message, message, "{text:?}");
            assert_eq!(error.start..error.end, place, "{text:?}");
        }
    }

    #[test]
    fn an_error_proposes_what_was_meant() {
        for (text, help) in [
            ("1 adn 2", "did you mean `and`?"),
            ("1 orr 2", "did you mean `or`?"),
            ("1 && 2", "did you mean `and`?"),
            ("1 | 2", "did you mean `or`?"),
            ("!1 or 2", "did you mean `not`?"),
            ("[1 or 2]", "did you mean `(`?"),
            (
                "1 xyz 2",
                "use the conditions' numbers, `and`, `or`, `not` and parentheses",
            ),
            ("1 or 3", "the conditions are numbered 1 to 2"),
            ("1", "name every condition in the pattern, or remove it"),
        ] {
            let error = parse(text, 2).unwrap_err();
            assert_eq!(error.help.as_deref(), Some(help), "{text:?}");
        }
    }

    #[test]
    fn deep_nesting_is_an_error_and_not_a_stack_overflow() {
        let nested = |levels: usize| format!("{}1{}", "(".repeat(levels), ")".repeat(levels));
        assert_eq!(parse(&nested(DEPTH_MAX), 1), Ok(Pattern::Condition(1)));
        for text in [
            nested(DEPTH_MAX + 1),
            nested(100_000),
            "not ".repeat(100_000) + "1",
            "(".repeat(100_000),
        ] {
            let error = parse(&text, 1).unwrap_err();
            assert_eq!(
                error.message,
                "the pattern is nested deeper than 200 levels"
            );
        }
    }

    /// An expression as a person may write it, and what it means, computed on the way.
    fn written() -> impl Strategy<Value = (String, [bool; 8])> {
        let cases: [[bool; 3]; 8] =
            std::array::from_fn(|case| std::array::from_fn(|bit| case >> bit & 1 == 1));
        let leaf = (0_usize..3)
            .prop_map(move |index| ((index + 1).to_string(), cases.map(|case| case[index])));
        let blank = prop::sample::select(vec![" ", "  ", "\n", " \t"]);
        leaf.prop_recursive(6, 40, 2, move |inner| {
            let and = prop::sample::select(vec!["and", "AND", "And"]);
            let or = prop::sample::select(vec!["or", "OR", "oR"]);
            let two = (inner.clone(), inner.clone(), blank.clone());
            prop_oneof![
                (two.clone(), and).prop_map(|((left, right, blank), word)| (
                    format!("({}{blank}{word}{blank}{})", left.0, right.0),
                    std::array::from_fn(|case| left.1[case] && right.1[case]),
                )),
                (two, or).prop_map(|((left, right, blank), word)| (
                    format!("({}{blank}{word}{blank}{})", left.0, right.0),
                    std::array::from_fn(|case| left.1[case] || right.1[case]),
                )),
                (inner.clone(), blank.clone())
                    .prop_map(|(part, blank)| (format!("({blank}{})", part.0), part.1)),
                inner.prop_map(|part| (format!("not {}", part.0), part.1.map(|truth| !truth))),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_pattern_means_what_is_written((text, want) in written()) {
            let text = format!("{text} and (1 or not 1) and (2 or not 2) and (3 or not 3)");
            let pattern = parse(&text, 3).unwrap();
            for (case, want) in want.into_iter().enumerate() {
                let conditions = [case & 1 == 1, case & 2 == 2, case & 4 == 4];
                prop_assert_eq!(pattern.holds(&conditions), want, "{} {}", text, case);
            }
        }

        #[test]
        fn any_text_is_a_pattern_or_an_error_within_it(
            text in prop_oneof!["(?s).{0,60}", "[()0-4 andortANDORT&]{0,40}"],
        ) {
            if let Err(error) = parse(&text, 3) {
                prop_assert!(error.start <= error.end);
                prop_assert!(text.get(error.start..error.end).is_some());
            }
        }
    }
}
