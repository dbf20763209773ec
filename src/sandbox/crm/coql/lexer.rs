//! The words of a query, each with its place for errors.

use serde_json::json;

use super::super::answer::Problem;
use super::syntax;

/// A word of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// As written, without quotes.
    pub(super) text: String,
    /// Counted from 1.
    pub(super) line: usize,
    /// Counted from 1, in characters.
    pub(super) column: usize,
}

/// What a word is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A keyword or a dotted name.
    Name,
    /// Text in quotes of either kind.
    Quoted,
    Number,
    /// Punctuation or an operator.
    Symbol,
    /// After the last word.
    End,
}

impl Token {
    /// The error for a word that does not belong where it stands.
    pub(super) fn unexpected(&self) -> Problem {
        syntax(json!({"line": self.line, "column": self.column, "near": self.text}))
    }

    /// Whether it is `keyword`, in capitals or not.
    pub(super) fn is(&self, keyword: &str) -> bool {
        matches!(self.kind, Kind::Name | Kind::Symbol) && self.text.eq_ignore_ascii_case(keyword)
    }
}

/// Splits `text` into words; the last one is the end.
///
/// # Errors
/// `SYNTAX_ERROR` at a quote that is not closed or a character that no query has.
pub(super) fn words(text: &str) -> Result<Vec<Token>, Problem> {
    let characters: Vec<char> = text.chars().collect();
    let mut lexer = Lexer {
        characters: &characters,
        at: 0,
        line: 1,
        line_start: 0,
    };
    let mut words = Vec::new();
    while let Some(word) = lexer.word()? {
        words.push(word);
    }
    words.push(lexer.token(Kind::End, lexer.at, String::new()));
    Ok(words)
}

struct Lexer<'a> {
    characters: &'a [char],
    at: usize,
    line: usize,
    line_start: usize,
}

impl Lexer<'_> {
    fn word(&mut self) -> Result<Option<Token>, Problem> {
        self.skip_blanks();
        let start = self.at;
        let Some(first) = self.peek() else {
            return Ok(None);
        };
        let kind = match first {
            '\'' | '"' => return self.quoted(first).map(Some),
            '0'..='9' | '-' => Kind::Number,
            first if first.is_alphabetic() || "_$!".contains(first) => Kind::Name,
            '<' | '>' | '!' | '=' | '(' | ')' | ',' | '#' | '*' => Kind::Symbol,
            other => {
                return Err(self
                    .token(Kind::Symbol, start, other.to_string())
                    .unexpected());
            }
        };
        self.at += 1;
        match kind {
            Kind::Number => self.skip_while(|c| c.is_ascii_digit() || c == '.'),
            Kind::Name if first == '!' && self.peek() == Some('=') => {
                self.at += 1;
                return Ok(Some(self.token(Kind::Symbol, start, "!=".to_owned())));
            }
            Kind::Name => self.skip_while(|c| c.is_alphanumeric() || "_$.".contains(c)),
            Kind::Symbol if "<>".contains(first) => self.skip_one("=>"),
            Kind::Symbol | Kind::Quoted | Kind::End => {}
        }
        let text: String = self.characters[start..self.at].iter().collect();
        let text = if text == "<>" { "!=".to_owned() } else { text };
        Ok(Some(self.token(kind, start, text)))
    }

    /// Text up to the same quote again; a backslash takes its meaning from a quote or backslash behind it.
    fn quoted(&mut self, quote: char) -> Result<Token, Problem> {
        let start = self.at;
        self.at += 1;
        let mut text = String::new();
        while let Some(character) = self.peek() {
            self.at += 1;
            match (character, self.peek()) {
                ('\\', Some(next @ ('\'' | '"' | '\\'))) => {
                    text.push(next);
                    self.at += 1;
                }
                (character, _) if character == quote => {
                    return Ok(self.token(Kind::Quoted, start, text));
                }
                (character, _) => text.push(character),
            }
        }
        Err(self.token(Kind::Quoted, start, text).unexpected())
    }

    fn skip_blanks(&mut self) {
        while let Some(character) = self.peek().filter(|c| c.is_whitespace()) {
            self.at += 1;
            if character == '\n' {
                self.line += 1;
                self.line_start = self.at;
            }
        }
    }

    fn skip_while(&mut self, belongs: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&belongs) {
            self.at += 1;
        }
    }

    fn skip_one(&mut self, of: &str) {
        if self.peek().is_some_and(|c| of.contains(c)) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<char> {
        self.characters.get(self.at).copied()
    }

    fn token(&self, kind: Kind, start: usize, text: String) -> Token {
        Token {
            kind,
            text,
            line: self.line,
            column: start - self.line_start.min(start) + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_their_text_and_place() {
        let words = words("select id\nfrom Leads#12 where a!='it\\'s' and b <= -1.5").unwrap();
        let texts: Vec<_> = words.iter().map(|word| word.text.as_str()).collect();
        let want = [
            "select", "id", "from", "Leads", "#", "12", "where", "a", "!=", "it's", "and", "b",
            "<=", "-1.5", "",
        ];
        assert_eq!(texts, want);
        assert_eq!((words[2].line, words[2].column), (2, 1));
    }

    #[test]
    fn either_quote_keeps_the_other() {
        let words = words(r#"'a"b' "O'Brien" 'c\d'"#).unwrap();
        let texts: Vec<_> = words.iter().map(|word| word.text.as_str()).collect();
        assert_eq!(texts, [r#"a"b"#, "O'Brien", r"c\d", ""]);
    }

    #[test]
    fn an_open_quote_or_a_strange_character_is_a_syntax_error() {
        for text in ["where a = 'x", "select ; from", "a = \u{2018}x\u{2019}"] {
            assert_eq!(words(text).unwrap_err().code, "SYNTAX_ERROR", "{text}");
        }
    }
}
