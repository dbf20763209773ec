//! The layers of settings as figment providers: a TOML document, and over it the environment.
//!
//! The environment gives plain strings, never guessed numbers: `007` stays `007`. `ROSTERD_LIMITS__RUNS_PER_DAY` is
//! the key `limits.runs_per_day`; names of accounts are written in upper case with `_` for `-`, so that
//! `ROSTERD_ACCOUNTS__EU_SHOP__CLIENT_ID` belongs to the account `eu-shop`.

use figment::value::{Dict, Map, Num, Tag, Value};
use figment::{Error, Metadata, Profile, Provider};

use super::document::{Content, Document, Node};

/// What begins the name of every variable that is ours.
const PREFIX: &str = "ROSTERD_";
/// The variable that names `rosterd.toml`; not a setting.
pub(super) const CONFIG: &str = "ROSTERD_CONFIG";
/// The name of the environment's layer in figment's metadata.
const ENVIRONMENT: &str = "environment";

impl Provider for Document {
    fn metadata(&self) -> Metadata {
        Metadata::named("file").source(figment::Source::File(self.name().into()))
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        let dict = match &self.root().content {
            Content::Table(entries) => dict(entries),
            Content::Text(_)
            | Content::Whole(_)
            | Content::Decimal(_)
            | Content::Flag(_)
            | Content::Moment(_)
            | Content::List(_) => Dict::new(),
        };
        Ok(Profile::Default.collect(dict))
    }
}

fn dict(entries: &[(String, Node)]) -> Dict {
    entries
        .iter()
        .map(|(key, node)| (key.clone(), value(&node.content)))
        .collect()
}

fn value(content: &Content) -> Value {
    match content {
        Content::Text(text) => Value::from(text.as_str()),
        Content::Whole(number) => {
            let number = i64::try_from(*number).map_or(Num::I128(*number), Num::I64);
            Value::Num(Tag::Default, number)
        }
        Content::Decimal(number) => Value::from(*number),
        Content::Flag(flag) => Value::from(*flag),
        // Figment has no dates; `raw::Literal` knows this mark.
        Content::Moment(text) => {
            let marked = Dict::from([(super::raw::MOMENT.to_owned(), Value::from(text.as_str()))]);
            Value::from(marked)
        }
        Content::List(items) => Value::from(
            items
                .iter()
                .map(|item| value(&item.content))
                .collect::<Vec<_>>(),
        ),
        Content::Table(entries) => Value::from(dict(entries)),
    }
}

/// The `ROSTERD_…` variables as a layer.
pub(super) struct Environment(Dict);

impl Environment {
    /// Takes what is ours of `variables`.
    pub(super) fn new<'v>(variables: impl IntoIterator<Item = (&'v String, &'v String)>) -> Self {
        let mut dict = Dict::new();
        for (name, text) in variables {
            if let Some(key) = name.strip_prefix(PREFIX).filter(|_| name != CONFIG) {
                let steps: Vec<_> = key.split("__").map(str::to_ascii_lowercase).collect();
                put(&mut dict, &with_account_name(steps), text);
            }
        }
        Self(dict)
    }
}

/// Only an account's name may have a `-` in it, and it may not have a `_`.
fn with_account_name(mut steps: Vec<String>) -> Vec<String> {
    if let [first, account, ..] = steps.as_mut_slice()
        && first == "accounts"
    {
        *account = account.replace('_', "-");
    }
    steps
}

/// A variable that is both a value and a table (`X` and `X__Y`) becomes the table.
fn put(dict: &mut Dict, steps: &[String], text: &str) {
    match steps {
        [] => {}
        [last] => {
            dict.entry(last.clone())
                .or_insert_with(|| Value::from(text));
        }
        [first, rest @ ..] => {
            let slot = dict
                .entry(first.clone())
                .or_insert_with(|| Value::from(Dict::new()));
            if let Value::Dict(_, inner) = slot {
                put(inner, rest, text);
            } else {
                let mut inner = Dict::new();
                put(&mut inner, rest, text);
                *slot = Value::from(inner);
            }
        }
    }
}

impl Provider for Environment {
    fn metadata(&self) -> Metadata {
        Metadata::named(ENVIRONMENT)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        Ok(Profile::Default.collect(self.0.clone()))
    }
}

/// The variable that a key path belongs to, e.g. of `limits.runs_per_day`.
pub(super) fn variable(path: &str) -> String {
    let name = path.replace('.', "__").replace('-', "_");
    format!("{PREFIX}{}", name.to_ascii_uppercase())
}

/// Whether the value comes from the environment.
pub(super) fn is_environment(metadata: &Metadata) -> bool {
    metadata.name == ENVIRONMENT
}

#[cfg(test)]
mod tests {
    use figment::Figment;

    use super::*;

    #[test]
    fn variables_are_strings_at_their_key_path() {
        let variables = [
            ("ROSTERD_LIMITS__RUNS_PER_DAY", "007"),
            ("ROSTERD_ACCOUNTS__EU_SHOP__CLIENT_ID", "1000.A"),
            ("ROSTERD_CONFIG", "/x"),
            ("PATH", "/bin"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let figment = Figment::from(Environment::new(variables.iter().map(|(n, v)| (n, v))));
        let text = |path: &str| {
            let value = figment.find_value(path).ok()?;
            value.as_str().map(str::to_owned)
        };
        assert_eq!(text("limits.runs_per_day").as_deref(), Some("007"));
        assert_eq!(
            text("accounts.eu-shop.client_id").as_deref(),
            Some("1000.A")
        );
        assert_eq!(text("config"), None);
        assert_eq!(
            variable("accounts.eu-shop.client_id"),
            "ROSTERD_ACCOUNTS__EU_SHOP__CLIENT_ID"
        );
    }
}
