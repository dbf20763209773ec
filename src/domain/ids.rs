//! Names and ids, parsed once at the edge and valid ever after.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a text is not the id it should be; `Display` is a clause that fits behind "… is not a valid …: ".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Not `[a-z0-9][a-z0-9-]*` of at most 63 characters.
    #[error("use 1 to 63 of a-z, 0-9 and `-`, beginning with a letter or digit")]
    Slug,
    /// Not a record id: digits of an unsigned 64-bit number.
    #[error("a record id is a number")]
    Record,
    /// Not an API name: letters, digits and `_`, beginning with a letter.
    #[error("an API name consists of letters, digits and `_`, and begins with a letter")]
    ApiName,
    /// More than two steps to a related record.
    #[error("a field path has at most two steps to a related record")]
    TooDeep,
    /// Not a ULID.
    #[error("a run id is a ULID of 26 letters and digits")]
    Run,
    /// A list key that is empty or has blanks in it.
    #[error("a list key has no blanks and is not empty")]
    ListKey,
}

fn is_slug(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len()) && text.bytes().all(allowed) && !text.starts_with('-')
}

fn is_api_name(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= 100
        && text.bytes().all(word)
        && text
            .bytes()
            .next()
            .is_some_and(|first| first.is_ascii_alphabetic())
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $valid:expr, $error:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                if $valid(text) { Ok(Self(text.to_owned())) } else { Err($error) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// A sync's id: the stem of its definition file.
    SyncId, is_slug, IdError::Slug
);
text_id!(
    /// An account's name in `rosterd.toml`.
    AccountName, is_slug, IdError::Slug
);
text_id!(
    /// The API name of a CRM module, e.g. `Leads`.
    ModuleName, is_api_name, IdError::ApiName
);
text_id!(
    /// The opaque handle of a mailing list in Campaigns, e.g. `3z1f…`.
    ListKey, |text: &str| !text.is_empty() && !text.contains(char::is_whitespace), IdError::ListKey
);

/// A field of a record or, over one or two lookups, of a related one: `Industry`, `Account_Name.Industry`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FieldPath(String);

impl FieldPath {
    /// The path as the services write it, steps joined by dots.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the field belongs to the record itself, not to a related one.
    #[must_use]
    pub fn is_own(&self) -> bool {
        !self.0.contains('.')
    }
}

impl FromStr for FieldPath {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let steps: Vec<&str> = text.split('.').collect();
        if steps.len() > 3 {
            return Err(IdError::TooDeep);
        }
        if !steps.iter().all(|step| is_api_name(step)) {
            return Err(IdError::ApiName);
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for FieldPath {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<FieldPath> for String {
    fn from(path: FieldPath) -> Self {
        path.0
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A CRM record's id: 64 bits, text on the wire, unique over all modules of an organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RecordId(pub u64);

impl FromStr for RecordId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        text.parse().map(Self).map_err(|_| IdError::Record)
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A run's id: a ULID, so that ids sort by the time their runs began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(ulid::Ulid);

impl RunId {
    /// The id of a run that begins at `millis` since the Unix epoch; `random` keeps two of one millisecond apart.
    #[must_use]
    pub fn new(millis: u64, random: u128) -> Self {
        Self(ulid::Ulid::from_parts(millis, random))
    }

    /// The id as a number, for storage.
    #[must_use]
    pub fn to_u128(self) -> u128 {
        self.0.0
    }

    /// The id that [`RunId::to_u128`] gave.
    #[must_use]
    pub fn from_u128(number: u128) -> Self {
        Self(ulid::Ulid(number))
    }
}

impl FromStr for RunId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        text.parse().map(Self).map_err(|_| IdError::Run)
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for RunId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RunId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sync_id_is_a_slug() {
        for (text, valid) in [
            ("hospitality", true),
            ("9-lives", true),
            ("", false),
            ("-x", false),
            ("Upper", false),
            ("under_score", false),
            ("a/b", false),
        ] {
            assert_eq!(text.parse::<SyncId>().is_ok(), valid, "{text:?}");
        }
        assert!("a".repeat(63).parse::<SyncId>().is_ok());
        assert!("a".repeat(64).parse::<SyncId>().is_err());
    }

    #[test]
    fn a_field_path_has_at_most_two_steps() {
        assert!(
            "Account_Name.Parent_Account.Industry"
                .parse::<FieldPath>()
                .is_ok()
        );
        assert_eq!("A.B.C.D".parse::<FieldPath>(), Err(IdError::TooDeep));
        assert_eq!("A..B".parse::<FieldPath>(), Err(IdError::ApiName));
        assert_eq!("Email' or".parse::<FieldPath>(), Err(IdError::ApiName));
    }

    #[test]
    fn a_run_id_reads_back_from_its_text() {
        let id = RunId::new(1_763_778_608_412, 77);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.to_string().len(), 26);
    }
}
