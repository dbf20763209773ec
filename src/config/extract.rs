//! Layers to raw settings, with every unknown key and wrong type told: note it, prune it, try again.

use figment::Figment;
use figment::error::{Error, Kind};
use figment::value::Value;
use serde::de::DeserializeOwned;

use super::layers::variable;
use super::raw::MOMENT;
use super::report::Report;
use crate::domain::nearest::{hint, nearest};

/// Nobody reads on behind so many, and each costs another look at all of the file.
const PROBLEMS_MAX: usize = 50;

/// What the layers say, without what was wrong in them; that is in the report.
pub(super) fn extract<T: DeserializeOwned + Default>(
    layers: &Figment,
    report: &mut Report<'_>,
) -> T {
    let mut value = match layers.find_value("") {
        Ok(value) => value,
        Err(error) => {
            report.wrong("", error.to_string(), None);
            return T::default();
        }
    };
    for _ in 0..PROBLEMS_MAX {
        match value.deserialize::<T>() {
            Ok(raw) => return raw,
            Err(error) => {
                tell(&error, report);
                if !prune(&mut value, &error.path) {
                    return T::default();
                }
            }
        }
    }
    T::default()
}

fn tell(error: &Error, report: &mut Report<'_>) {
    let path = report.document().path_of(&error.path);
    match &error.kind {
        Kind::UnknownField(name, known) if name != MOMENT => unknown(&path, name, known, report),
        Kind::UnknownField(..) => {
            let around = error
                .path
                .split_last()
                .map_or(&[][..], |(_, around)| around);
            wrong_type(&report.document().path_of(around), "a table", report);
        }
        Kind::InvalidType(_, expected) | Kind::InvalidValue(_, expected) => {
            wrong_type(&path, expected, report);
        }
        Kind::Message(message) => report.wrong(&path, message.clone(), None),
        // None of our types asks for these; the kind says enough, and never holds a value.
        Kind::InvalidLength(..)
        | Kind::UnknownVariant(..)
        | Kind::MissingField(_)
        | Kind::DuplicateField(_)
        | Kind::ISizeOutOfRange(_)
        | Kind::USizeOutOfRange(_)
        | Kind::Unsupported(_)
        | Kind::UnsupportedKey(..) => report.wrong(&path, "this value is not understood", None),
    }
}

fn unknown(path: &str, name: &str, known: &[&str], report: &mut Report<'_>) {
    let table = path.strip_suffix(name).unwrap_or("").trim_end_matches('.');
    if report.is_from_environment(path) {
        let sibling = |key: &&str| match table {
            "" => variable(key),
            table => variable(&format!("{table}.{key}")),
        };
        let known: Vec<_> = known.iter().map(sibling).collect();
        let help = hint(&variable(path), known.iter().map(String::as_str));
        report.wrong_key(path, "no setting has this name", help);
    } else {
        let place = match table {
            "" => String::new(),
            table => format!(" in `{table}`"),
        };
        let help = hint(name, known.iter().copied());
        report.wrong_key(path, format!("unknown key `{name}`{place}"), help);
        // What was meant is not missing, only misspelt.
        if let Some(meant) = nearest(name, known.iter().copied()) {
            let dot = if table.is_empty() { "" } else { "." };
            report.excuse(format!("{table}{dot}{meant}"));
        }
    }
}

fn wrong_type(path: &str, expected: &str, report: &mut Report<'_>) {
    let key = path.rsplit('.').next().unwrap_or(path);
    let found = match report.document().find(path) {
        Some(node) if !report.is_from_environment(path) => node.content.kind(),
        Some(_) | None => "this text",
    };
    // A text that cannot be read as a boolean is the one string that comes here from a key for strings.
    report.wrong(
        path,
        format!("`{key}` must be {expected}, not {found}"),
        None,
    );
}

/// Takes out the innermost entry of a table that `path` leads through; arrays go as a whole, as removing an element
/// would move those behind it.
fn prune(value: &mut Value, path: &[String]) -> bool {
    let Value::Dict(_, dict) = value else {
        return false;
    };
    let Some((first, rest)) = path.split_first() else {
        return false;
    };
    let pruned = match dict.get_mut(first) {
        None => return false,
        Some(Value::Array(_, items)) => {
            let inside = rest.split_first().and_then(|(index, rest)| {
                let item = items.get_mut(index.parse::<usize>().ok()?)?;
                Some((item, rest))
            });
            inside.is_some_and(|(item, rest)| prune(item, rest))
        }
        Some(inner) => prune(inner, rest),
    };
    pruned || dict.remove(first).is_some()
}
