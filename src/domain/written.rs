//! What a record has where an address belongs: one, or a text that is none. Either is somebody's, who may want it erased.

use super::address::EmailAddress;

/// An address, or a text in its place.
#[derive(Clone, PartialEq, Eq)]
pub enum Written {
    /// An address that mail can reach.
    Address(EmailAddress),
    /// Anything else, trimmed and in lower case.
    Other(String),
}

impl Written {
    /// Reads what is written; `None` where nothing is.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        match EmailAddress::parse(text) {
            Ok(address) => Some(Self::Address(address)),
            Err(_) if text.trim().is_empty() => None,
            Err(_) => Some(Self::Other(text.trim().to_lowercase())),
        }
    }

    /// Whether a text is another spelling of the same.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        Self::of(text).as_ref() == Some(self)
    }

    /// It as it is looked for in texts.
    #[must_use]
    pub fn as_text(&self) -> &str {
        match self {
            Self::Address(address) => address.as_sent(),
            Self::Other(text) => text,
        }
    }

    /// The address, if it is one.
    #[must_use]
    pub fn address(&self) -> Option<&EmailAddress> {
        match self {
            Self::Address(address) => Some(address),
            Self::Other(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_person_are_the_same() {
        for (one, other, same) in [
            ("ann@example.com", " ANN@Example.COM ", true),
            ("ann@bücher.example", "ann@xn--bcher-kva.example", true),
            ("Jane@aol", "jane@AOL ", true),
            ("jürgen@example.com", "JÜRGEN@example.com", true),
            ("jane@aol", "jane@aol.com", false),
            ("", "", false),
        ] {
            let is = Written::of(one).is_some_and(|written| written.is(other));
            assert_eq!(is, same, "{one} {other}");
        }
    }
}
