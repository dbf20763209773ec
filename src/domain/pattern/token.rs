//! The words of a pattern and their places. Cutting a text into them never fails: what is no word of the grammar is
//! [`Word::Unknown`], for the parser to name.

use std::ops::Range;

use winnow::LocatingSlice;
use winnow::Parser as _;
use winnow::ascii::digit1;
use winnow::combinator::{alt, delimited, repeat, terminated};
use winnow::token::{any, take_while};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    And,
    Or,
    Not,
    Open,
    Close,
    Number,
    Unknown,
}

#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) word: Word,
    pub(super) place: Range<usize>,
}

/// The tokens of a text; what is no word of the grammar becomes [`Word::Unknown`].
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let blank = || take_while(0.., char::is_whitespace).void();
    let word = |input: &mut LocatingSlice<&str>| -> winnow::Result<Word> {
        alt((
            digit1.value(Word::Number),
            take_while(1.., char::is_alphabetic).map(word),
            '('.value(Word::Open),
            ')'.value(Word::Close),
            take_while(1.., ['&', '|', '!']).value(Word::Unknown),
            any.value(Word::Unknown),
        ))
        .parse_next(input)
    };
    let token = word.with_span().map(|(word, place)| Token { word, place });
    let result: Result<Vec<Token>, _> =
        delimited(blank(), repeat(0.., terminated(token, blank())), blank())
            .parse(LocatingSlice::new(text));
    result.expect("every character begins a token, so the whole text is tokens")
}

fn word(letters: &str) -> Word {
    match letters.to_ascii_lowercase().as_str() {
        "and" => Word::And,
        "or" => Word::Or,
        "not" => Word::Not,
        _ => Word::Unknown,
    }
}
