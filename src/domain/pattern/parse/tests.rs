//! What texts mean, and where those that mean nothing go wrong.

use proptest::prelude::*;

use super::*;

#[test]
fn not_binds_tightest_then_and_then_or() {
    for (text, conditions, want) in [
        ("1", 1, "1"),
        ("((1 and 2) and (3 or 4))", 4, "(1 and 2 and (3 or 4))"),
        ("((1 and 2) and 3)", 3, "(1 and 2 and 3)"),
        ("1 or 2 and 3", 3, "(1 or (2 and 3))"),
        ("(1 or 2) and 3", 3, "((1 or 2) and 3)"),
        ("not 1 and 2", 2, "(not 1 and 2)"),
        ("not (1 and 2)", 2, "not (1 and 2)"),
        ("not not 1 or not(2)", 2, "(not not 1 or not 2)"),
        ("  1\tAND\n(2 Or nOt 3)  ", 3, "(1 and (2 or not 3))"),
        ("(1)and(2)or 1and2", 2, "((1 and 2) or (1 and 2))"),
        ("((((2))))and 1", 2, "(2 and 1)"),
        ("1 and 1", 1, "(1 and 1)"),
    ] {
        let pattern = parse(text, conditions).map(|pattern| pattern.to_string());
        assert_eq!(pattern.as_deref(), Ok(want), "{text:?}");
    }
}

#[test]
fn an_error_points_at_its_place() {
    for (text, conditions, place, message) in [
        ("", 0, 0..0, "the pattern is empty"),
        ("   ", 2, 0..3, "the pattern is empty"),
        ("(1 and 2", 2, 0..1, "this parenthesis is never closed"),
        ("1 and ((2)", 2, 6..7, "this parenthesis is never closed"),
        ("1 and (", 1, 6..7, "this parenthesis is never closed"),
        ("1 and 2)", 2, 7..8, "this parenthesis closes nothing"),
        ("1 and ( )", 1, 6..9, "the group is empty"),
        ("1 and 3", 2, 6..7, "there is no condition 3"),
        ("1 and 0", 1, 6..7, "there is no condition 0"),
        (
            "1 or 99999999999999999999",
            1,
            5..25,
            "there is no condition 99999999999999999999",
        ),
        (
            "1 and 3",
            3,
            0..7,
            "condition 2 does not occur in the pattern",
        ),
        (
            " 2 ",
            4,
            1..2,
            "conditions 1, 3, 4 do not occur in the pattern",
        ),
        ("1 2", 2, 2..3, "`and` or `or` is missing before `2`"),
        ("1 (2)", 2, 2..3, "`and` or `or` is missing before `(`"),
        (
            "(1 not 2)",
            2,
            3..6,
            "`and` or `or` is missing before `not`",
        ),
        (
            "1 and",
            1,
            5..5,
            "a condition's number or a group is missing after `and`",
        ),
        (
            "not",
            1,
            3..3,
            "a condition's number or a group is missing after `not`",
        ),
        (
            "and 1",
            1,
            0..3,
            "a condition's number or a group is missing before `and`",
        ),
        (
            "(or 1)",
            1,
            1..3,
            "a condition's number or a group is missing before `or`",
        ),
        (
            ") 1",
            1,
            0..1,
            "a condition's number or a group is missing before `)`",
        ),
        ("1 adn 2", 2, 2..5, "unknown word `adn`"),
        ("1 && 2", 2, 2..4, "unknown word `&&`"),
        ("łąka", 1, 0..6, "unknown word `łąka`"),
        ("1 ∧ 2", 2, 2..5, "unknown word `∧`"),
        ("1 and -2", 2, 6..7, "unknown word `-`"),
        ("1 and 1.5", 1, 7..8, "unknown word `.`"),
        ("(1 or 2))", 2, 8..9, "this parenthesis closes nothing"),
        ("()", 1, 0..2, "the group is empty"),
        ("1 and not ()", 1, 10..12, "the group is empty"),
        (
            "1 and or 2",
            2,
            6..8,
            "a condition's number or a group is missing before `or`",
        ),
        (
            "1 and (2 or)",
            2,
            11..12,
            "a condition's number or a group is missing before `)`",
        ),
        ("(1)(2)", 2, 3..4, "`and` or `or` is missing before `(`"),
        (
            "1",
            20,
            0..1,
            "conditions 2, 3, 4, 5, 6, 7, 8, 9 and 11 more do not occur in the pattern",
        ),
    ] {
        let error = parse(text, conditions).unwrap_err();
        assert_eq!(error.message, message, "{text:?}");
        assert_eq!(error.start..error.end, place, "{text:?}");
    }
}

#[test]
fn an_error_proposes_what_was_meant() {
    for (text, help) in [
        ("1 adn 2", "did you mean `and`?"),
        ("1 orr 2", "did you mean `or`?"),
        ("1 && 2", "did you mean `and`?"),
        ("1 | 2", "did you mean `or`?"),
        ("!1 or 2", "did you mean `not`?"),
        ("[1 or 2]", "did you mean `(`?"),
        (
            "1 xyz 2",
            "use the conditions' numbers, `and`, `or`, `not` and parentheses",
        ),
        ("1 or 3", "the conditions are numbered 1 to 2"),
        ("1", "name every condition in the pattern, or remove it"),
    ] {
        let error = parse(text, 2).unwrap_err();
        assert_eq!(error.help.as_deref(), Some(help), "{text:?}");
    }
}

#[test]
fn deep_nesting_is_an_error_and_not_a_stack_overflow() {
    let nested = |levels: usize| format!("{}1{}", "(".repeat(levels), ")".repeat(levels));
    assert_eq!(parse(&nested(DEPTH_MAX), 1), Ok(Pattern::Condition(1)));
    for text in [
        nested(DEPTH_MAX + 1),
        nested(100_000),
        "not ".repeat(100_000) + "1",
        "(".repeat(100_000),
    ] {
        let error = parse(&text, 1).unwrap_err();
        assert_eq!(
            error.message,
            "the pattern is nested deeper than 200 levels"
        );
    }
}

#[test]
fn length_alone_is_no_error_and_keeps_messages_short() {
    let numbers: Vec<String> = (1..=20_000).map(|number| number.to_string()).collect();
    let long = numbers.join(" or ");
    assert!(parse(&long, 20_000).is_ok());
    for text in [
        long + " and",
        "9".repeat(100_000),
        format!("1 {}", "9".repeat(100_000)),
        "ź".repeat(100_000),
        "1 or ".repeat(100_000),
    ] {
        let error = parse(&text, 20_000).unwrap_err();
        assert!(error.message.len() < 200, "{}", error.message);
    }
}

/// An expression as a person may write it, and what it means, computed on the way.
fn written() -> impl Strategy<Value = (String, [bool; 8])> {
    let cases: [[bool; 3]; 8] =
        std::array::from_fn(|case| std::array::from_fn(|bit| case >> bit & 1 == 1));
    let leaf = (0_usize..3)
        .prop_map(move |index| ((index + 1).to_string(), cases.map(|case| case[index])));
    let blank = prop::sample::select(vec![" ", "  ", "\n", " \t"]);
    leaf.prop_recursive(6, 40, 2, move |inner| {
        let and = prop::sample::select(vec!["and", "AND", "And"]);
        let or = prop::sample::select(vec!["or", "OR", "oR"]);
        let two = (inner.clone(), inner.clone(), blank.clone());
        prop_oneof![
            (two.clone(), and).prop_map(|((left, right, blank), word)| (
                format!("({}{blank}{word}{blank}{})", left.0, right.0),
                std::array::from_fn(|case| left.1[case] && right.1[case]),
            )),
            (two, or).prop_map(|((left, right, blank), word)| (
                format!("({}{blank}{word}{blank}{})", left.0, right.0),
                std::array::from_fn(|case| left.1[case] || right.1[case]),
            )),
            (inner.clone(), blank.clone())
                .prop_map(|(part, blank)| (format!("({blank}{})", part.0), part.1)),
            inner.prop_map(|part| (format!("not {}", part.0), part.1.map(|truth| !truth))),
        ]
    })
}

proptest! {
    #[test]
    fn a_pattern_means_what_is_written((text, want) in written()) {
        let text = format!("{text} and (1 or not 1) and (2 or not 2) and (3 or not 3)");
        let pattern = parse(&text, 3).unwrap();
        for (case, want) in want.into_iter().enumerate() {
            let conditions = [case & 1 == 1, case & 2 == 2, case & 4 == 4];
            prop_assert_eq!(pattern.holds(&conditions), want, "{} {}", text, case);
        }
    }

    #[test]
    fn any_text_is_a_pattern_or_an_error_within_it(
        text in prop_oneof!["(?s).{0,60}", "[()0-4 andortANDORT&]{0,40}"],
    ) {
        match parse(&text, 3) {
            Ok(pattern) => prop_assert_eq!(parse(&pattern.to_string(), 3), Ok(pattern)),
            Err(error) => {
                prop_assert!(error.start <= error.end);
                prop_assert!(text.get(error.start..error.end).is_some());
            }
        }
    }
}
