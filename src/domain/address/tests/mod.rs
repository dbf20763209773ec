//! What is an address and what is not, by tables, with the reason for each.

mod bad;
mod good;
mod roles;

use proptest::prelude::*;

use super::AddressProblem as P;
use super::*;

#[test]
fn an_address_that_mail_can_reach_parses_and_has_one_normal_form() {
    let plain = good::PLAIN.iter().flat_map(|(why, texts)| {
        let same = move |text: &&'static str| (*why, *text, *text, *text);
        texts.iter().map(same)
    });
    let respelled = good::RESPELLED.iter().flat_map(|(why, cases)| {
        let case = move |(text, sent, normal): &(&'static str, &'static str, &'static str)| {
            (*why, *text, *sent, *normal)
        };
        cases.iter().map(case)
    });
    for (why, text, sent, normal) in plain.chain(respelled) {
        let address =
            EmailAddress::parse(text).unwrap_or_else(|wrong| panic!("{text:?}, {why}: {wrong}"));
        assert_eq!(address.as_sent(), sent, "{text:?}, {why}");
        assert_eq!(address.normal(), normal, "{text:?}, {why}");
        assert_eq!(format!("{}@{}", address.local(), address.domain()), normal);
    }
}

#[test]
fn what_is_not_an_address_is_refused_with_its_reason() {
    let mut wrong = Vec::new();
    for (problem, texts) in bad::BAD {
        for text in *texts {
            let told = EmailAddress::parse(text).err();
            if told != Some(*problem) {
                wrong.push((text, problem, told));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn each_case_stands_in_the_tables_once() {
    let plain = good::PLAIN.iter().flat_map(|(_, texts)| texts.iter());
    let respelled = good::RESPELLED.iter();
    let respelled = respelled.flat_map(|(_, cases)| cases.iter().map(|case| &case.0));
    let bad = bad::BAD.iter().flat_map(|(_, texts)| texts.iter());
    let all: Vec<&&str> = plain.chain(respelled).chain(bad).collect();
    let once: std::collections::HashSet<_> = all.iter().collect();
    assert_eq!(once.len(), all.len());
    assert!(all.len() >= 150, "{}", all.len());
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
        // In ASCII an international label takes more room: here 63 bytes, and one more.
        (format!("b@{}.com", "ü".repeat(57)), None),
        (format!("b@{}.com", "ü".repeat(58)), Some(P::LabelTooLong)),
        (format!("b@{}.com", "ü".repeat(63)), Some(P::LabelTooLong)),
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
