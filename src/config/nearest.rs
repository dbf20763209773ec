//! What somebody probably meant: the nearest of the names that exist, else all of them.

use strsim::jaro_winkler;

/// How near a name must be to be worth naming.
const NEAR: f64 = 0.8;

/// The name nearest to `text`, case aside, if it is near enough.
#[must_use]
pub fn nearest<'n>(text: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let text = text.to_lowercase();
    names
        .into_iter()
        .map(|name| (jaro_winkler(&text, &name.to_lowercase()), name))
        .filter(|(near, _)| *near > NEAR)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}

/// ``did you mean `X`?``, or the names that exist; nothing if there are none.
#[must_use]
pub fn hint<'n>(text: &str, names: impl IntoIterator<Item = &'n str> + Clone) -> Option<String> {
    if let Some(name) = nearest(text, names.clone()) {
        return Some(format!("did you mean `{name}`?"));
    }
    let names: Vec<_> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [] => None,
        [only] => Some(format!("use {only}")),
        [first @ .., last] => Some(format!("use one of {} and {last}", first.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
