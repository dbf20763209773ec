//! Role addresses: mailboxes of an office, not of a person.
//!
//! The built-in names are Zoho's published examples, RFC 2142 and the block lists that other mail services publish
//! (Campaigns reference, section 8); Zoho's own list is secret, so what it refuses beyond these is counted by its answer.

use std::collections::HashSet;

use super::EmailAddress;

/// The built-in role names (spec, section 4).
const BUILTIN: [&str; 60] = [
    "abuse",
    "admin",
    "administrator",
    "anonymous",
    "billing",
    "bounce",
    "careers",
    "complaints",
    "compliance",
    "contact",
    "devnull",
    "dns",
    "feedback",
    "ftp",
    "guest",
    "help",
    "hostmaster",
    "hr",
    "info",
    "inoc",
    "ispfeedback",
    "ispsupport",
    "jobs",
    "list",
    "list-request",
    "listserv",
    "mailer-daemon",
    "maildaemon",
    "marketing",
    "news",
    "no-reply",
    "noc",
    "nobody",
    "noreply",
    "null",
    "office",
    "operations",
    "ops",
    "phish",
    "phishing",
    "postmaster",
    "privacy",
    "registrar",
    "root",
    "sales",
    "security",
    "service",
    "spam",
    "spamtrap",
    "subscribe",
    "support",
    "sysadmin",
    "tech",
    "undisclosed-recipients",
    "unsubscribe",
    "usenet",
    "uucp",
    "webmaster",
    "whois",
    "www",
];

/// The local parts that are roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleAddresses(HashSet<String>);

impl RoleAddresses {
    /// The built-in names, if wanted, and further ones, whose case and surrounding blanks do not matter.
    #[must_use]
    pub fn new(builtin: bool, further: &[String]) -> Self {
        let builtin = BUILTIN.iter().filter(|_| builtin).copied();
        let further = further.iter().map(|name| name.trim());
        Self(
            builtin
                .chain(further)
                .filter(|name| !name.is_empty())
                .map(str::to_ascii_lowercase)
                .collect(),
        )
    }

    /// Whether the part before the `@`, cut at its first `+`, is one of the names.
    #[must_use]
    pub fn contains(&self, address: &EmailAddress) -> bool {
        let local = address.local();
        let name = local.split_once('+').map_or(local, |(name, _)| name);
        self.0.contains(name)
    }
}
