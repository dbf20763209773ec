//! Targets of the domain: patterns and addresses.

use super::choice;
use crate::domain::address::EmailAddress;
use crate::domain::pattern::Pattern;

/// A number of conditions, and a text over them.
pub(super) fn pattern(bytes: &[u8]) {
    let (conditions, text) = choice(bytes);
    let conditions = usize::from(conditions % 24);
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    match Pattern::parse(text, conditions) {
        Ok(pattern) => {
            let numbers = pattern.numbers();
            assert!((1..=conditions).all(|number| numbers.contains(&number)));
            assert!(
                numbers
                    .iter()
                    .all(|number| (1..=conditions).contains(number))
            );
            for spelled in [pattern.to_string(), pattern.in_pairs()] {
                assert_eq!(Pattern::parse(&spelled, conditions).as_ref(), Ok(&pattern));
            }
            let all = vec![true; conditions];
            let opposite = Pattern::Not(Box::new(pattern.clone()));
            assert_ne!(pattern.holds(&all), opposite.holds(&all));
        }
        Err(error) => {
            assert!(text.get(error.start..error.end).is_some(), "{error:?}");
            assert!(!error.message.is_empty());
        }
    }
}

/// An address as a record may have it.
pub(super) fn address(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let Ok(address) = EmailAddress::parse(text) else {
        return;
    };
    let normal = address.normal();
    assert!(normal.is_ascii() && normal.len() <= 254, "{normal}");
    assert!(!normal.contains(|c: char| c.is_control() || c.is_ascii_uppercase() || c == ' '));
    assert_eq!(format!("{}@{}", address.local(), address.domain()), normal);
    assert!(address.as_sent().is_ascii() && address.as_sent().eq_ignore_ascii_case(normal));
    for again in [normal, address.as_sent()] {
        let again = EmailAddress::parse(again).expect("what was an address stays one");
        assert_eq!(again.normal(), normal);
    }
    // It is shown masked.
    assert!(!format!("{address:?}").contains(normal));
}
