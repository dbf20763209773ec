//! Which addresses the stand-in refuses.
//!
//! A judgement of its own, on purpose not the daemon's: the two are meant to be compared.

use std::collections::BTreeSet;
use std::sync::LazyLock;

/// Names before the `@` that stand for a group of people (`spec.md` section 4; the service's own list is secret).
const ROLES: &str = "abuse admin administrator anonymous billing bounce careers complaints compliance contact devnull dns feedback \
    ftp guest help hostmaster hr info inoc ispfeedback ispsupport jobs list list-request listserv mailer-daemon maildaemon marketing \
    news no-reply noc nobody noreply null office operations ops phish phishing postmaster privacy registrar root sales security \
    service spam spamtrap subscribe support sysadmin tech undisclosed-recipients unsubscribe usenet uucp webmaster whois www";

/// Misspelled domains that the service is known to refuse, or like them (section 8, "Invalid pattern").
const TYPOS: [&str; 3] = ["gnail.com", "gmial.com", "hotmial.com"];

static ROLE_NAMES: LazyLock<BTreeSet<&str>> =
    LazyLock::new(|| ROLES.split_ascii_whitespace().collect());

/// Whether the address has the pattern of one that mail can reach.
pub(crate) fn is_valid(address: &str) -> bool {
    let Some((local, domain)) = address.split_once('@') else {
        return false;
    };
    address.len() <= 254
        && is_local_part(local)
        && is_domain(domain)
        && !TYPOS.contains(&domain.to_ascii_lowercase().as_str())
}

/// Whether the address stands for a group rather than a person.
pub(crate) fn is_role(address: &str) -> bool {
    let local = address.split('@').next().unwrap_or_default();
    let name = local.split('+').next().unwrap_or_default();
    ROLE_NAMES.contains(name.to_ascii_lowercase().as_str())
}

/// The form in which addresses are the same contact.
pub(crate) fn key_of(address: &str) -> String {
    address.trim().to_lowercase()
}

fn is_local_part(local: &str) -> bool {
    (1..=64).contains(&local.len())
        && local.split('.').all(|atom| !atom.is_empty())
        && local
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&byte))
}

fn is_domain(domain: &str) -> bool {
    let mut labels = domain.rsplit('.');
    let top = labels.next().unwrap_or_default();
    let top_is_a_name = top.len() >= 2 && top.bytes().any(|byte| byte.is_ascii_alphabetic());
    top_is_a_name && is_label(top) && domain.contains('.') && labels.all(is_label)
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_mail_cannot_reach_are_invalid() {
        for (address, valid) in [
            ("ann.lee@example.com", true),
            ("o'brien+news@sub.example.org", true),
            ("ann@xn--bcher-kva.example", true),
            ("johngmail.com", false),
            ("jane@aol", false),
            ("ted@zylkercom", false),
            ("john@gnail.com", false),
            ("ann lee@example.com", false),
            (" ann@example.com", false),
            ("ann..lee@example.com", false),
            (".ann@example.com", false),
            ("ann@example..com", false),
            ("ann@-example.com", false),
            ("ann@example.1", false),
            ("ann@b@example.com", false),
            ("łukasz@example.com", false),
            ("", false),
        ] {
            assert_eq!(is_valid(address), valid, "{address:?}");
        }
    }

    #[test]
    fn role_addresses_are_known_by_the_name_before_the_first_plus() {
        for (address, role) in [
            ("info@example.com", true),
            ("Support+de@example.com", true),
            ("list-request@example.com", true),
            ("informatics@example.com", false),
            ("ann+info@example.com", false),
        ] {
            assert_eq!(is_role(address), role, "{address}");
        }
    }
}
