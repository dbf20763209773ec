//! What is asked about: a text that is an address, or none that mail can reach.

use crate::domain::address::{AddressProblem, EmailAddress, RoleAddresses, bare, spellings};
use crate::domain::outcome::Reason;
use crate::domain::screening::screen;
use crate::domain::value::Value;
use crate::store::ledger::Ledger;
use crate::store::ledger::rows::AddressKey;

/// A text that a person takes for an address.
#[derive(Clone)]
pub(crate) struct Subject {
    /// As it was asked, without blanks around it.
    pub(crate) text: String,
    /// The address that it is.
    pub(crate) address: Result<EmailAddress, AddressProblem>,
    /// Why rosterd never sends to it, and in words.
    pub(crate) refused: Option<(Reason, String)>,
}

impl Subject {
    /// Reads an address, or one behind a name: `Ann Lee <ann@example.com>`.
    pub(crate) fn of(asked: &str, roles: &RoleAddresses) -> Self {
        let text = bare(asked);
        let refused = screen(&Value::Text(text.to_owned()), false, roles).err();
        Self {
            text: text.to_owned(),
            address: EmailAddress::parse(text),
            refused,
        }
    }

    /// The key of its rows; none for what is no address.
    pub(crate) fn key(&self, ledger: &Ledger) -> Option<AddressKey> {
        let address = self.address.as_ref().ok()?;
        Some(ledger.key(address))
    }

    /// Whether a field has it, in whatever spelling; what is no address is compared without blanks around it and case.
    pub(crate) fn is_in(&self, value: &Value) -> bool {
        let Value::Text(text) = value else {
            return false;
        };
        match &self.address {
            Ok(address) => EmailAddress::parse(text).is_ok_and(|it| it == *address),
            Err(_) => text.trim().to_lowercase() == self.text.to_lowercase(),
        }
    }

    /// The spellings by which a service is asked for it, the likeliest first.
    pub(super) fn spellings(&self) -> Vec<String> {
        match &self.address {
            Ok(address) => {
                let mut all = vec![self.text.clone()];
                all.extend(address.spellings());
                all.dedup();
                all
            }
            Err(_) => spellings(&self.text),
        }
    }

    /// The longest run of letters and digits before its `@`, or in all of it if it is none: by that lines are found that
    /// may have it, in whatever spelling.
    pub(super) fn word(&self) -> &str {
        let text = self
            .address
            .as_ref()
            .map_or(self.text.as_str(), EmailAddress::local);
        let words = text.split(|c: char| !c.is_ascii_alphanumeric());
        words.max_by_key(|word| word.len()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(asked: &str) -> Subject {
        Subject::of(asked, &RoleAddresses::new(true, &[]))
    }

    #[test]
    fn an_address_is_read_with_or_without_a_name_before_it() {
        for asked in [
            "ann@example.com",
            "  Ann@Example.com ",
            "Ann Lee <ann@example.com>",
            "<ann@EXAMPLE.com>",
        ] {
            let address = subject(asked).address.unwrap();
            assert_eq!(address.normal(), "ann@example.com", "{asked}");
        }
        for (asked, text, reason) in [
            ("jane@aol ", "jane@aol", Reason::InvalidPattern),
            ("Jane <jane>", "jane", Reason::InvalidPattern),
            ("INFO@example.com", "INFO@example.com", Reason::GroupEmail),
            (" ", "", Reason::EmptyEmail),
        ] {
            let subject = subject(asked);
            assert_eq!(subject.text, text);
            assert_eq!(subject.refused.map(|(reason, _)| reason), Some(reason));
        }
    }

    #[test]
    fn a_field_has_it_whatever_the_spelling() {
        let text = |text: &str| Value::Text(text.to_owned());
        for (asked, value, want) in [
            ("ann@example.com", text(" ANN@Example.com"), true),
            (
                "zoe@b\u{fc}cher.example",
                text("zoe@xn--bcher-kva.example"),
                true,
            ),
            ("ann@example.com", text("joann@example.com"), false),
            ("ann+x@example.com", text("ann@example.com"), false),
            ("jane@aol", text(" Jane@AOL "), true),
            ("jane@aol", text("jane@aol.com"), false),
            ("jane@aol", Value::Null, false),
        ] {
            assert_eq!(subject(asked).is_in(&value), want, "{asked} {value:?}");
        }
    }

    #[test]
    fn lines_are_found_by_the_longest_word() {
        for (asked, want) in [
            ("ann.vanderberg104@example.com", "vanderberg104"),
            ("zoe@xn--bcher-kva.example", "zoe"),
            ("a@bc", "bc"),
            ("@", ""),
        ] {
            assert_eq!(subject(asked).word(), want);
        }
    }
}
