//! Text to pattern. A function per level of precedence over the tokens, each of which knows what was open and what came
//! before, so that an error can say it.

use std::borrow::Cow;
use std::ops::Range;

use super::super::nearest::{did_you_mean, nearest};
use super::token::{Token, Word, tokens};
use super::{Pattern, PatternError};

/// Parentheses and `not`s may be nested this deep; far beyond what a person can read, far below the stack.
const DEPTH_MAX: usize = 200;
/// A message lists this many unused conditions, and counts the rest.
const LISTED_MAX: usize = 8;
/// A message repeats this many characters of a word.
const SPELLED_MAX: usize = 40;

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
        numbers => {
            let listed = &numbers[..numbers.len().min(LISTED_MAX)];
            let more = match numbers.len() - listed.len() {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let listed = listed.join(", ");
            format!("conditions {listed}{more} do not occur in the pattern")
        }
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
            let help = "leave out parentheses around what the same word joins: `1 and 2 and 3`";
            return Err(error(token.place.clone(), message, Some(help.to_owned())));
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
                let message = format!("there is no condition {}", shortened(digits));
                Err(error(token.place.clone(), message, Some(help)))
            }
        }
    }

    /// The error for a token that stands where an expression has ended.
    fn not_joined(&self, token: &Token) -> PatternError {
        let spelling = shortened(self.spelling(token));
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
            None => error(
                0..self.text.len(),
                "the pattern is empty",
                Some("leave it out to join all conditions by `and`".to_owned()),
            ),
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
            format!("unknown word `{}`", shortened(spelling)),
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

/// A word for a message, which is one line.
fn shortened(spelling: &str) -> Cow<'_, str> {
    match spelling.char_indices().nth(SPELLED_MAX) {
        None => Cow::Borrowed(spelling),
        Some((end, _)) => Cow::Owned(format!("{}…", &spelling[..end])),
    }
}

/// Where the text is without the blanks around it.
fn trimmed(text: &str) -> Range<usize> {
    let start = text.len() - text.trim_start().len();
    start..text.trim_end().len()
}

#[cfg(test)]
mod tests;
