//! Which addresses stand for an office, by the built-in names and by configured ones.

use super::super::*;

/// The names of the specification, section 4, as they stand there.
const NAMES: &str = "abuse admin administrator anonymous billing bounce careers complaints compliance contact devnull dns \
    feedback ftp guest help hostmaster hr info inoc ispfeedback ispsupport jobs list list-request listserv mailer-daemon \
    maildaemon marketing news no-reply noc nobody noreply null office operations ops phish phishing postmaster privacy \
    registrar root sales security service spam spamtrap subscribe support sysadmin tech undisclosed-recipients unsubscribe \
    usenet uucp webmaster whois www";

fn is_role(roles: &RoleAddresses, address: &str) -> bool {
    roles.contains(&EmailAddress::parse(address).unwrap())
}

#[test]
fn every_built_in_name_is_a_role_in_any_case_and_with_any_tag() {
    let builtin = RoleAddresses::new(true, &[]);
    let off = RoleAddresses::new(false, &[]);
    assert_eq!(NAMES.split_whitespace().count(), 60);
    for name in NAMES.split_whitespace() {
        let capital = name[..1].to_uppercase() + &name[1..];
        for local in [
            name.to_owned(),
            name.to_uppercase(),
            capital,
            format!("{name}+crm"),
            format!("{name}+"),
            format!("{}+a+b", name.to_uppercase()),
        ] {
            let address = format!("{local}@mail.example.com");
            assert!(is_role(&builtin, &address), "{address}");
            assert!(!is_role(&off, &address), "{address} without the names");
        }
    }
}

#[test]
fn a_name_that_only_begins_or_ends_like_a_role_is_a_person() {
    let builtin = RoleAddresses::new(true, &[]);
    for name in NAMES.split_whitespace() {
        for local in [
            format!("{name}x"),
            format!("x{name}"),
            format!("{name}1"),
            format!("{name}.desk"),
            format!("the.{name}"),
            format!("{name}-2"),
            format!("jane+{name}"),
            format!("+{name}"),
        ] {
            let address = format!("{local}@example.com");
            assert!(!is_role(&builtin, &address), "{address}");
        }
        let domain = format!("jane@{name}.example.com");
        assert!(!is_role(&builtin, &domain), "{domain}");
    }
    for local in [
        "information",
        "informatics",
        "infos",
        "administration",
        "supporter",
        "salesman",
        "helpdesk",
        "friends-request",
        "listen",
        "noreplies",
        "no_reply",
        "web.master",
        "roots",
        "techno",
    ] {
        let address = format!("{local}@example.com");
        assert!(!is_role(&builtin, &address), "{address}");
    }
}

#[test]
fn configured_names_count_beside_the_built_in_ones_or_alone() {
    let further = [" Presse ".to_owned(), "VORSTAND".to_owned(), String::new()];
    let both = RoleAddresses::new(true, &further);
    let own = RoleAddresses::new(false, &further);
    for (address, in_both, in_own) in [
        ("presse@example.com", true, true),
        ("Presse+2@example.com", true, true),
        ("vorstand@example.com", true, true),
        ("VORSTAND+@example.com", true, true),
        ("pressestelle@example.com", false, false),
        ("jane+presse@example.com", false, false),
        ("info@example.com", true, false),
        ("INFO+crm@example.com", true, false),
        ("jane@example.com", false, false),
        // An empty name is none, though this local part is empty before its plus.
        ("+presse@example.com", false, false),
    ] {
        assert_eq!(is_role(&both, address), in_both, "{address}");
        assert_eq!(is_role(&own, address), in_own, "{address}");
    }
}
