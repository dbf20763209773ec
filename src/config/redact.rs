//! What of a `rosterd.toml` line may be shown: never a value that may be a secret, however the line is misspelt.

/// Keys whose values are shown as they are.
const HARMLESS: &[&str] = &[
    "accounts_url",
    "active_syncs",
    "builtin_group_emails",
    "campaigns_concurrency",
    "campaigns_url",
    "client_id",
    "control",
    "crm_concurrency",
    "crm_url",
    "data_center",
    "format",
    "give_up_after",
    "group_emails",
    "history_dir",
    "initiations_per_month",
    "keep_ignored_days",
    "keep_rotated",
    "level",
    "listen",
    "max_removals",
    "min_removals",
    "pace",
    "resyncs_per_day",
    "resyncs_per_month",
    "rotate_mib",
    "runs_per_day",
    "state_dir",
    "suppression_max_age",
    "syncs",
    "timezone",
    "topics",
];

/// `line` with stars over what may be a secret: the value of any key that is not known to be harmless, lines that
/// continue a value, and lines that run into another. Numbers and booleans, headers, prose in comments and the byte
/// length of everything stay.
pub(super) fn line(line: &str) -> String {
    let start = line.trim_start();
    let Some((key, value)) = line.split_once('=') else {
        let is_told = start.is_empty() || start.starts_with(['[', '#']);
        return if is_told {
            line.to_owned()
        } else {
            stars(line)
        };
    };
    let name = key.rsplit('.').next().unwrap_or(key);
    let name = name.trim().trim_matches(['"', '\'']);
    if is_plain(value) || HARMLESS.contains(&name) && !value.contains('=') {
        return line.to_owned();
    }
    if name == "pace" && is_pace(value) {
        return line.to_owned();
    }
    // A key with blanks in it is no key, so it may be a value too.
    let is_key = !key.trim().contains(char::is_whitespace);
    let key = if is_key { key.to_owned() } else { stars(key) };
    format!("{key}={}", stars(value))
}

/// Whether a table has nothing in quotes that is longer than a pace.
fn is_pace(value: &str) -> bool {
    let quoted = value.split(['"', '\'']).skip(1).step_by(2);
    let mut words = quoted.flat_map(str::split_whitespace);
    let is_word = |word: &str| {
        let (calls, span) = word.split_once('/').unwrap_or((word, ""));
        let is_number = |text: &str| text.chars().all(|letter| letter.is_ascii_digit());
        calls.len() < 8 && is_number(calls) && span.len() < 4
    };
    let is_closed = value.matches(['"', '\'']).count().is_multiple_of(2);
    let letters = value.split(['"', '\'']).step_by(2);
    let is_key = |letter: char| letter.is_ascii_lowercase() || " /={},".contains(letter);
    let mut outside = letters.flat_map(str::chars);
    is_closed && words.all(is_word) && outside.all(is_key)
}

fn is_plain(value: &str) -> bool {
    let value = value.trim();
    matches!(value, "true" | "false") || value.len() < 8 && value.parse::<i64>().is_ok()
}

fn stars(text: &str) -> String {
    text.chars()
        .map(|letter| {
            if letter.is_whitespace() || matches!(letter, '"' | '\'' | '{' | '}' | '[' | ']') {
                letter.to_string()
            } else {
                "*".repeat(letter.len_utf8())
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_cannot_be_a_secret_is_shown() {
        for (text, want) in [
            ("client_id = \"1000.A\"", "client_id = \"1000.A\""),
            ("client_secret = \"abc\"", "client_secret = \"***\""),
            ("client_secrt = \"abc\"", "client_secrt = \"***\""),
            ("  client_secret = abc def", "  client_secret = *** ***"),
            (
                "main = { refresh_token = \"ä\" }",
                "main = { ************* * \"**\" }",
            ),
            (
                "accounts.main.refresh_token = 'a'",
                "accounts.main.refresh_token = '*'",
            ),
            ("still secret\"\"\"", "***** ******\"\"\""),
            ("[accounts.main]", "[accounts.main]"),
            ("[client_secret = \"abc\"", "[client_secret = \"***\""),
            (
                "client_id = \"a\" secret = \"b\"",
                "client_id = \"*\" ****** * \"*\"",
            ),
            ("# client_secret = \"abc\"", "* ************* = \"***\""),
            ("# who may read this", "# who may read this"),
            ("unknown = 20", "unknown = 20"),
            (
                "pace = { listsubscribe = \"40/w 5\" }",
                "pace = { listsubscribe = \"40/w 5\" }",
            ),
            (
                "pace = { client_secret = \"abc\" }",
                "pace = { ************* * \"***\" }",
            ),
            ("pace = { a = 1000.ABC }", "pace = { * * ******** }"),
        ] {
            assert_eq!(line(text), want);
            assert_eq!(line(text).len(), text.len());
        }
    }
}
