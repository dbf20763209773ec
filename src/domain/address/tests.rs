use proptest::prelude::*;

use super::AddressProblem as P;
use super::*;

/// Text, as it is sent, normal form.
const GOOD: [(&str, &str, &str); 37] = [
    ("jane@example.com", "jane@example.com", "jane@example.com"),
    (
        "Jane.Doe@Example.COM",
        "Jane.Doe@Example.COM",
        "jane.doe@example.com",
    ),
    (
        "  jane@example.com ",
        "jane@example.com",
        "jane@example.com",
    ),
    (
        "\tjane@example.com\r\n",
        "jane@example.com",
        "jane@example.com",
    ),
    (
        "\u{a0}jane@example.com\u{3000}",
        "jane@example.com",
        "jane@example.com",
    ),
    (
        "o'brien@example.ie",
        "o'brien@example.ie",
        "o'brien@example.ie",
    ),
    (
        "O'Brien@example.ie",
        "O'Brien@example.ie",
        "o'brien@example.ie",
    ),
    (
        "jane+crm@example.com",
        "jane+crm@example.com",
        "jane+crm@example.com",
    ),
    ("+@example.com", "+@example.com", "+@example.com"),
    ("j@e.co", "j@e.co", "j@e.co"),
    ("1@2.com", "1@2.com", "1@2.com"),
    ("jane@gnail.com", "jane@gnail.com", "jane@gnail.com"),
    (
        "jane-doe@ex-ample.com",
        "jane-doe@ex-ample.com",
        "jane-doe@ex-ample.com",
    ),
    (
        "-jane-@example.com",
        "-jane-@example.com",
        "-jane-@example.com",
    ),
    (
        "_jane_@example.com",
        "_jane_@example.com",
        "_jane_@example.com",
    ),
    (
        "jane_doe@mail.sub.example.co.uk",
        "jane_doe@mail.sub.example.co.uk",
        "jane_doe@mail.sub.example.co.uk",
    ),
    (
        "a!b#c$d%e&f@example.com",
        "a!b#c$d%e&f@example.com",
        "a!b#c$d%e&f@example.com",
    ),
    (
        "a*b/c=d?e^f@example.com",
        "a*b/c=d?e^f@example.com",
        "a*b/c=d?e^f@example.com",
    ),
    (
        "a`b{c|d}e~f@example.com",
        "a`b{c|d}e~f@example.com",
        "a`b{c|d}e~f@example.com",
    ),
    (
        "12345@example.com",
        "12345@example.com",
        "12345@example.com",
    ),
    ("jane@3com.com", "jane@3com.com", "jane@3com.com"),
    ("jane@123.com", "jane@123.com", "jane@123.com"),
    (
        "jane@example.museum",
        "jane@example.museum",
        "jane@example.museum",
    ),
    ("jane@example.x1", "jane@example.x1", "jane@example.x1"),
    (
        "jane@bücher.de",
        "jane@xn--bcher-kva.de",
        "jane@xn--bcher-kva.de",
    ),
    (
        "Jane@BÜCHER.de",
        "Jane@xn--bcher-kva.de",
        "jane@xn--bcher-kva.de",
    ),
    (
        "jane@bu\u{308}cher.de",
        "jane@xn--bcher-kva.de",
        "jane@xn--bcher-kva.de",
    ),
    (
        "jane@xn--bcher-kva.de",
        "jane@xn--bcher-kva.de",
        "jane@xn--bcher-kva.de",
    ),
    (
        "jane@XN--BCHER-KVA.de",
        "jane@XN--BCHER-KVA.de",
        "jane@xn--bcher-kva.de",
    ),
    (
        "jane@straße.de",
        "jane@xn--strae-oqa.de",
        "jane@xn--strae-oqa.de",
    ),
    (
        "jane@łódź.pl",
        "jane@xn--d-uga0v4h.pl",
        "jane@xn--d-uga0v4h.pl",
    ),
    ("jane@例え.jp", "jane@xn--r8jz45g.jp", "jane@xn--r8jz45g.jp"),
    (
        "jane@例え。jp",
        "jane@xn--r8jz45g.jp",
        "jane@xn--r8jz45g.jp",
    ),
    (
        "jane@пример.рф",
        "jane@xn--e1afmkfd.xn--p1ai",
        "jane@xn--e1afmkfd.xn--p1ai",
    ),
    (
        "jane@παράδειγμα.ελ",
        "jane@xn--hxajbheg2az3al.xn--qxam",
        "jane@xn--hxajbheg2az3al.xn--qxam",
    ),
    (
        "jane@مثال.إختبار",
        "jane@xn--mgbh0fb.xn--kgbechtv",
        "jane@xn--mgbh0fb.xn--kgbechtv",
    ),
    ("info@example.com", "info@example.com", "info@example.com"),
];

const BAD: [(&str, AddressProblem); 76] = [
    ("", P::Empty),
    ("   ", P::Empty),
    ("\t\r\n", P::Empty),
    ("\u{a0}\u{3000}", P::Empty),
    ("johngmail.com", P::NoAt),
    ("john", P::NoAt),
    ("n/a", P::NoAt),
    ("-", P::NoAt),
    ("john at gmail.com", P::NoAt),
    ("https://example.com", P::NoAt),
    ("jane＠example.com", P::NoAt),
    ("jane@@example.com", P::SeveralAts),
    ("jane@doe@example.com", P::SeveralAts),
    ("a@example.com;b@example.com", P::SeveralAts),
    ("a@example.com, b@example.com", P::SeveralAts),
    ("\"jane\"@example.com", P::QuotedLocal),
    ("\"jane doe\"@example.com", P::QuotedLocal),
    ("\"a@b\"@example.com", P::QuotedLocal),
    ("\"\"@example.com", P::QuotedLocal),
    ("jane doe@example.com", P::Space),
    ("jane @example.com", P::Space),
    ("jane@ example.com", P::Space),
    ("jane@example .com", P::Space),
    ("jane@example.com (work)", P::Space),
    ("Jane Doe <jane@example.com>", P::Space),
    ("jane\u{a0}doe@example.com", P::Space),
    ("jane\u{3000}doe@example.com", P::Space),
    ("jane\tdoe@example.com", P::Control),
    ("jane@example.com\nBcc:x", P::Control),
    ("jane\0@example.com", P::Control),
    ("jane@exam\u{7f}ple.com", P::Control),
    ("jane\u{85}doe@example.com", P::Control),
    ("jane@exam\u{ad}ple.com", P::Control),
    ("jane@exam\u{200b}ple.com", P::Control),
    ("jane@example.com\u{200b}", P::Control),
    ("\u{feff}jane@example.com", P::Control),
    ("\u{202e}jane@example.com", P::Control),
    ("@example.com", P::NoLocal),
    ("@", P::NoLocal),
    ("jane@", P::NoDomain),
    ("jane@aol", P::NoDot),
    ("ted@zylkercom", P::NoDot),
    ("root@localhost", P::NoDot),
    ("jane@bücher", P::NoDot),
    ("jane@.", P::DomainDots),
    ("jane@.example.com", P::DomainDots),
    ("jane@example.com.", P::DomainDots),
    ("jane@example..com", P::DomainDots),
    ("jane@例え。", P::DomainDots),
    (".jane@example.com", P::LocalDots),
    ("jane.@example.com", P::LocalDots),
    ("jane..doe@example.com", P::LocalDots),
    (".@example.com", P::LocalDots),
    ("jäne@example.com", P::LocalNotAscii),
    ("łukasz@example.com", P::LocalNotAscii),
    ("ｊane@example.com", P::LocalNotAscii),
    ("\u{212a}ate@example.com", P::LocalNotAscii),
    ("jane’s@example.com", P::LocalNotAscii),
    ("<jane@example.com>", P::LocalCharacter),
    ("mailto:jane@example.com", P::LocalCharacter),
    ("jane,doe@example.com", P::LocalCharacter),
    ("jane(doe)@example.com", P::LocalCharacter),
    ("jane\\doe@example.com", P::LocalCharacter),
    ("jane\"doe@example.com", P::LocalCharacter),
    ("jane@[192.0.2.1]", P::IpLiteral),
    ("jane@[IPv6:2001:db8::1]", P::IpLiteral),
    ("jane@192.0.2.1", P::IpLiteral),
    ("jane@example.123", P::NumericTld),
    ("jane@ｅxample.com", P::LookAlike),
    ("jane@example．com", P::LookAlike),
    ("jane@ﬁsh.com", P::LookAlike),
    ("jane@-example.com", P::DomainHyphen),
    ("jane@example-.com", P::DomainHyphen),
    ("jane@exam_ple.com", P::BadDomain),
    ("jane@example.com>", P::BadDomain),
    ("jane@xn--zzzzzz99999.com", P::BadDomain),
];

#[test]
fn an_address_that_mail_can_reach_parses_and_has_one_normal_form() {
    for (text, sent, normal) in GOOD {
        let address = EmailAddress::parse(text).unwrap_or_else(|why| panic!("{text:?}: {why}"));
        assert_eq!(address.as_sent(), sent, "{text:?}");
        assert_eq!(address.normal(), normal, "{text:?}");
        assert_eq!(format!("{}@{}", address.local(), address.domain()), normal);
    }
}

#[test]
fn what_is_not_an_address_is_refused_with_its_reason() {
    for (text, problem) in BAD {
        assert_eq!(EmailAddress::parse(text).err(), Some(problem), "{text:?}");
    }
}

#[test]
fn each_length_is_bounded_to_the_byte() {
    let label = "a".repeat(63);
    let fits = format!("{}@{label}.{label}.{}.com", "b".repeat(64), "c".repeat(57));
    for (text, problem) in [
        (fits.clone(), None),
        (fits.replace("c.com", "cc.com"), Some(P::TooLong)),
        (fits.replace("b@", "bb@"), Some(P::TooLong)),
        (format!("{}@example.com", "b".repeat(64)), None),
        (
            format!("{}@example.com", "b".repeat(65)),
            Some(P::LocalTooLong),
        ),
        (format!("b@{label}.com"), None),
        (format!("b@{label}a.com"), Some(P::LabelTooLong)),
        (format!("b@{}.com", "ü".repeat(63)), Some(P::BadDomain)),
        ("b".repeat(100_000), Some(P::TooLong)),
        (format!("b@{}.com", "ü".repeat(100_000)), Some(P::TooLong)),
    ] {
        assert_eq!(EmailAddress::parse(&text).err(), problem, "{text:.80}");
    }
}

#[test]
fn spellings_of_one_mailbox_are_one_address() {
    let parse = |text| EmailAddress::parse(text).unwrap();
    assert_eq!(parse("Jane@BÜCHER.de"), parse(" jane@xn--bcher-kva.DE"));
    assert_ne!(parse("jane@example.com"), parse("jane+x@example.com"));
}

#[test]
fn an_address_never_shows_itself() {
    let address = EmailAddress::parse("jane@example.com").unwrap();
    for shown in [
        format!("{address}"),
        format!("{address:?}"),
        format!("{address:#?}"),
    ] {
        assert!(
            !shown.contains("jane") && !shown.contains("example"),
            "{shown}"
        );
    }
}

#[test]
fn role_names_are_compared_on_the_local_part_before_a_plus() {
    let further = [" Presse ".to_owned(), String::new()];
    let both = RoleAddresses::new(true, &further);
    let own = RoleAddresses::new(false, &further);
    for (text, in_both, in_own) in [
        ("info@example.com", true, false),
        ("INFO@example.com", true, false),
        ("info+crm@example.com", true, false),
        ("no-reply@example.com", true, false),
        ("list-request@example.com", true, false),
        ("friends-request@example.com", false, false),
        ("www@example.com", true, false),
        ("informatics@example.com", false, false),
        ("info.desk@example.com", false, false),
        ("jane+info@example.com", false, false),
        ("+info@example.com", false, false),
        ("presse@example.com", true, true),
        ("Presse+2@example.com", true, true),
    ] {
        let address = EmailAddress::parse(text).unwrap();
        assert_eq!(both.contains(&address), in_both, "{text}");
        assert_eq!(own.contains(&address), in_own, "{text}");
    }
}

proptest! {
    #[test]
    fn the_sent_and_the_normal_form_read_back_as_the_same_address(
        text in "[ ]?[A-Za-z0-9.+'-]{1,12}@[A-Za-zäöüßéłж0-9-]{1,8}(\\.[A-Za-zéж0-9]{1,6}){1,3}[ ]?"
    ) {
        if let Ok(address) = EmailAddress::parse(&text) {
            let sent = EmailAddress::parse(address.as_sent()).unwrap();
            let normal = EmailAddress::parse(address.normal()).unwrap();
            prop_assert_eq!(&sent, &address);
            prop_assert_eq!(&normal, &address);
            prop_assert_eq!(sent.as_sent(), address.as_sent());
            prop_assert_eq!(normal.as_sent(), address.normal());
            prop_assert!(address.as_sent().is_ascii());
        }
    }

    #[test]
    fn no_text_makes_parsing_panic(text in any::<String>(), domain in any::<String>()) {
        let _ = EmailAddress::parse(&text);
        let _ = EmailAddress::parse(&format!("a@{domain}.com"));
    }
}
