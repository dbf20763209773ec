//! Every leaf as it is written, and every one that is not.

use proptest::prelude::*;

use super::*;

fn leaf(field_type: FieldType, test: Test) -> Leaf {
    let field = "F".parse().unwrap();
    Leaf {
        field,
        field_type,
        test,
    }
}

fn none_of(values: &[&str]) -> Test {
    Test::NoneOf(values.iter().map(ToString::to_string).collect())
}

fn contains(values: &[&str]) -> Test {
    Test::Contains(values.iter().map(ToString::to_string).collect())
}

fn number(text: &str) -> Decimal {
    text.parse().unwrap()
}

#[test]
fn each_test_has_its_words() {
    use FieldType::{Bool, Date, DateTime, Lookup, MultiSelect, Number, Picklist, Text};
    let day = |text: &str| Some(text.parse().unwrap());
    let at = |text: &str| Some(text.parse().unwrap());
    for (field_type, test, want) in [
        (Text, Test::Null, "F is null"),
        (Lookup, Test::NotNull, "F is not null"),
        (Bool, Test::Truth(true), "F = 'true'"),
        (Bool, Test::Truth(false), "F = 'false'"),
        (
            Text,
            none_of(&["Media"]),
            "(F is not null and F != 'Media')",
        ),
        (
            Text,
            none_of(&["L'Oréal"]),
            "(F is not null and F != \"L'Oréal\")",
        ),
        (
            Text,
            none_of(&["the \"Inn\""]),
            "(F is not null and F != 'the \"Inn\"')",
        ),
        (
            Picklist,
            none_of(&["a", "b'"]),
            "(F is not null and F not in ('a', \"b'\"))",
        ),
        (
            Picklist,
            none_of(&["a", "'\"", ""]),
            "(F is not null and F != 'a')",
        ),
        (Text, contains(&["o_o"]), "F like '%o_o%'"),
        (
            MultiSelect,
            contains(&["a", "b", "c"]),
            "((F like '%a%' or F like '%b%') or F like '%c%')",
        ),
        (
            Number,
            Test::Numbers(Some(number("5.50")), None),
            "F >= '5.5'",
        ),
        (Number, Test::Numbers(None, Some(number("-1"))), "F <= '-1'"),
        (
            Number,
            Test::Numbers(Some(number("1")), Some(number("100"))),
            "F between '1' and '100'",
        ),
        (Number, Test::Numbers(None, None), "F is not null"),
        (Number, Test::NotNumbers(vec![number("3")]), "F != '3'"),
        (
            Number,
            Test::NotNumbers(vec![number("3"), number("4.0")]),
            "F not in ('3', '4')",
        ),
        (
            Date,
            Test::Days(day("2026-01-01"), None),
            "F >= '2026-01-01'",
        ),
        (
            DateTime,
            Test::Instants(at("2026-01-01T00:00:00.9Z"), at("2026-01-01T23:59:59.1Z")),
            "F between '2026-01-01T00:00:00+00:00' and '2026-01-02T00:00:00+00:00'",
        ),
        (
            DateTime,
            Test::Instants(None, at("2026-01-01T01:00:00+01:00")),
            "F <= '2026-01-01T00:00:00+00:00'",
        ),
    ] {
        let leaf = leaf(field_type, test);
        assert!(can_say(&leaf), "{leaf:?}");
        assert_eq!(text(&Filter::Leaf(leaf)).as_deref(), Some(want));
    }
}

#[test]
fn what_has_no_words_is_not_said() {
    use FieldType::{Bool, Date, DateTime, Lookup, MultiSelect, Number, Opaque, Text};
    for (field_type, test) in [
        (Text, none_of(&["'\""])),
        (Text, none_of(&["a\\b"])),
        (Text, none_of(&["a\nb"])),
        (Text, none_of(&[""])),
        (Text, none_of(&[])),
        (Text, contains(&["50 %"])),
        (Text, contains(&["\\"])),
        (Text, contains(&[""])),
        (Text, contains(&[])),
        (Text, Test::Truth(true)),
        (Text, Test::Numbers(None, None)),
        (Lookup, none_of(&["77"])),
        (Lookup, contains(&["Orto"])),
        (MultiSelect, none_of(&["a"])),
        (Number, none_of(&["1"])),
        (Number, Test::NotNumbers(vec![])),
        (Bool, Test::Null),
        (Bool, Test::NotNull),
        (DateTime, Test::Days(None, None)),
        (Date, Test::Instants(None, None)),
        (Opaque, Test::Null),
        (Opaque, none_of(&["a"])),
    ] {
        let leaf = leaf(field_type, test);
        assert!(!can_say(&leaf), "{leaf:?}");
    }
}

#[test]
fn a_tree_is_written_in_pairs() {
    let word = |value: &str| Filter::Leaf(leaf(FieldType::Text, contains(&[value])));
    let (a, b, c) = (word("a"), word("b"), word("c"));
    for (filter, want) in [
        (Filter::EVERYTHING, None),
        (Filter::Any(vec![]), Some("id is null")),
        (
            Filter::All(vec![a.clone(), b.clone(), c.clone()]),
            Some("((F like '%a%' and F like '%b%') and F like '%c%')"),
        ),
        (
            Filter::All(vec![a.clone(), Filter::Any(vec![b.clone(), c.clone()])]),
            Some("(F like '%a%' and (F like '%b%' or F like '%c%'))"),
        ),
        (Filter::Any(vec![a, Filter::EVERYTHING]), None),
    ] {
        assert_eq!(text(&filter).as_deref(), want, "{filter:?}");
    }
}

#[test]
fn a_long_list_is_several_conditions() {
    let values: Vec<String> = (0..250).map(|n| n.to_string()).collect();
    let listed = leaf(FieldType::Text, Test::NoneOf(values.clone()));
    assert_eq!(weight(&listed), 4);
    let words = text(&Filter::Leaf(listed)).unwrap();
    assert!(
        words.starts_with("(((F is not null and F not in ('0', '1'")
            && words.contains(" and F not in ('200'"),
        "{words}"
    );
    assert_eq!(weight(&leaf(FieldType::Text, Test::Contains(values))), 250);
    let numbers = (0..101).map(Decimal::from).collect();
    let none = text(&Filter::Leaf(leaf(
        FieldType::Number,
        Test::NotNumbers(numbers),
    )));
    let none = none.unwrap();
    assert!(
        none.starts_with("(F not in ('0'") && none.ends_with(" and F != '100')"),
        "{none}"
    );
    assert_eq!(among("id", &[]), "id is null");
    assert_eq!(among("id", &[RecordId(7)]), "id = '7'");
}

proptest! {
    #[test]
    fn a_value_never_gets_out_of_its_quotes(value in "(?s).{0,8}|['\"\\\\%a]{0,6}") {
        let leaf = leaf(FieldType::Text, none_of(&[&value]));
        if can_say(&leaf) {
            let words = text(&Filter::Leaf(leaf)).unwrap();
            let literal = words.strip_prefix("(F is not null and F != ").unwrap();
            let literal = literal.strip_suffix(')').unwrap();
            let quote = literal.chars().next().unwrap();
            prop_assert!(quote == '\'' || quote == '"');
            prop_assert_eq!(literal, format!("{quote}{value}{quote}"));
            prop_assert!(!value.contains(quote) && !value.contains('\\'));
        }
    }
}
