//! Text from elsewhere made harmless for a terminal: one place, which whatever shows such text goes through.

use std::borrow::Cow;

/// Makes text from elsewhere harmless: what could move a terminal's cursor or turn its writing round is spelled out.
#[must_use]
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_harmful(character) {
            escaped.extend(character.escape_default());
        } else {
            escaped.push(character);
        }
    }
    Cow::Owned(escaped)
}

/// The same for JSON, whose texts hold what they held before once they are read. Beside texts there is nothing harmful in
/// JSON but the ends of lines, which stay.
#[must_use]
pub fn escape_json(json: &str) -> Cow<'_, str> {
    let is_spelled_out = |character: char| character != '\n' && is_harmful(character);
    if !json.contains(is_spelled_out) {
        return Cow::Borrowed(json);
    }
    let mut escaped = String::with_capacity(json.len() + 8);
    for character in json.chars() {
        if is_spelled_out(character) {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                escaped.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            escaped.push(character);
        }
    }
    Cow::Owned(escaped)
}

/// Whether a character has to be spelled out. Control characters speak to the terminal, marks of direction make a text read as another, and of what does not show
/// at all nobody could tell that it is there.
#[must_use]
pub fn is_harmful(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_from_elsewhere_cannot_command_a_terminal() {
        for (text, want) in [
            ("Łukasz O'Brien 李", "Łukasz O'Brien 李"),
            ("a\x1b[2Jb", "a\\u{1b}[2Jb"),
            ("a\r\nb\tc", "a\\r\\nb\\tc"),
            ("x\u{202e}y\u{9b}z", "x\\u{202e}y\\u{9b}z"),
            ("a\u{200b}b\u{feff}c\u{ad}", "a\\u{200b}b\\u{feff}c\\u{ad}"),
        ] {
            assert_eq!(escape(text), want);
        }
    }

    proptest! {
        #[test]
        fn nothing_harmful_is_left(text in any::<String>()) {
            prop_assert!(!escape(&text).contains(is_harmful));
        }

        #[test]
        fn json_is_harmless_and_means_the_same(text in any::<String>()) {
            let json = serde_json::to_string(&text).unwrap();
            let escaped = escape_json(&json);
            prop_assert!(!escaped.contains(is_harmful));
            prop_assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), text);
        }
    }
}
