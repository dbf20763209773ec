//! The nearest existing name to one that does not exist: what error messages propose. Proposes nothing rather than
//! something far-fetched.

use super::value::Field;

/// Names less alike than this are not proposed; 1 is the same name, 0 has nothing in common.
const LIKENESS_MIN: f64 = 0.6;

/// The same in tenths.
const LIKENESS_TENTHS_MIN: usize = 6;

/// The name in `known` that is most like `wanted`, case, blanks, `_` and `-` aside.
#[must_use]
pub fn nearest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    best(wanted, known.into_iter().map(|name| (name, name)))
}

/// The API name of the field whose API name or label is most like `wanted`.
#[must_use]
pub fn nearest_field<'a>(
    wanted: &str,
    fields: impl IntoIterator<Item = &'a Field>,
) -> Option<&'a str> {
    let spellings = fields.into_iter().flat_map(|field| {
        let name = field.api_name.as_str();
        [(name, name), (field.label.as_str(), name)]
    });
    best(wanted, spellings)
}

/// The proposal as error messages word it.
#[must_use]
pub fn did_you_mean(name: Option<&str>) -> Option<String> {
    name.map(|name| format!("did you mean `{name}`?"))
}

/// ``did you mean `X`?``, or the names that exist where nothing is close; nothing if there are none.
#[must_use]
pub fn hint<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> Option<String> {
    if let Some(proposal) = did_you_mean(nearest(wanted, known.clone())) {
        return Some(proposal);
    }
    let names: Vec<_> = known.into_iter().map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [] => None,
        [only] => Some(format!("use {only}")),
        [first @ .., last] => Some(format!("use one of {} and {last}", first.join(", "))),
    }
}

/// The second half of the pair whose first half is most like `wanted`; the first of several equally good ones.
fn best<'a>(wanted: &str, spellings: impl Iterator<Item = (&'a str, &'a str)>) -> Option<&'a str> {
    let wanted = bare(wanted);
    let mut found: Option<(f64, &str)> = None;
    for (spelling, name) in spellings {
        let likeness = likeness(&wanted, &bare(spelling));
        if likeness >= LIKENESS_MIN && found.is_none_or(|(most, _)| likeness > most) {
            found = Some((likeness, name));
        }
    }
    found.map(|(_, name)| name)
}

/// Part of a longer name counts as half alike at least, so that `Revenue` finds `Annual_Revenue`.
fn likeness(wanted: &str, known: &str) -> f64 {
    let spelled = match may_be_alike(wanted, known) {
        true => strsim::normalized_damerau_levenshtein(wanted, known),
        false => 0.0,
    };
    let part = wanted.chars().count() >= 3 && known.contains(wanted);
    if part {
        spelled.max(LIKENESS_MIN)
    } else {
        spelled
    }
}

/// Whether two names are near enough in length to be alike: what one has more is missing from the other. A name of a
/// million letters is not worth comparing.
fn may_be_alike(wanted: &str, known: &str) -> bool {
    let (wanted, known) = (wanted.chars().count(), known.chars().count());
    let (shorter, longer) = (wanted.min(known), wanted.max(known));
    shorter * 10 >= longer * LIKENESS_TENTHS_MIN
}

fn bare(name: &str) -> String {
    name.chars()
        .filter(|letter| !letter.is_whitespace() && !matches!(letter, '_' | '-'))
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_proposed_and_nothing_far_fetched() {
        let known = ["Industry", "Lead_Status", "Annual_Revenue", "Email"];
        for (wanted, want) in [
            ("Indutry", Some("Industry")),
            ("industry", Some("Industry")),
            ("lead status", Some("Lead_Status")),
            ("Revenue", Some("Annual_Revenue")),
            ("Mail", Some("Email")),
            ("Shoe_Size", None),
            ("", None),
        ] {
            assert_eq!(nearest(wanted, known), want, "{wanted:?}");
        }
        assert_eq!(nearest("Email", []), None);
    }

    #[test]
    fn a_slip_is_guessed_and_anything_else_gets_the_list() {
        let names = ["keep", "unsubscribe", "remove"];
        for (text, want) in [
            ("kepp", Some("did you mean `keep`?")),
            ("UNSUBSCRIBE", Some("did you mean `unsubscribe`?")),
            ("zzz", Some("use one of `keep`, `unsubscribe` and `remove`")),
        ] {
            assert_eq!(hint(text, names).as_deref(), want, "{text}");
        }
        assert_eq!(hint("x", []), None);
        assert_eq!(hint("x", ["main"]).as_deref(), Some("use `main`"));
    }
}
