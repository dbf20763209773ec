//! The words of conditions without metadata, and outlines.

use super::*;

fn condition(field: &str, operator: Operator, operands: Vec<Literal>) -> Condition {
    Condition {
        field: field.parse().unwrap(),
        operator,
        operands,
    }
}

fn text(text: &str) -> Literal {
    Literal::Text(text.to_owned())
}

fn laid_out(text: &str, conditions: usize) -> String {
    let pattern = Pattern::parse(text, conditions).unwrap();
    let lines = outline(&pattern);
    let lines = lines.iter().map(|line| {
        let says = match line.says {
            Says::Heading(heading) => heading.to_owned(),
            Says::Condition(number) => number.to_string(),
        };
        format!("{}{says}", " ".repeat(line.depth))
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_field_goes_by_its_api_name_and_whose_it_is() {
    for (path, want) in [
        ("Industry", "Industry"),
        ("Accounts.Industry", "Industry of the record's account"),
        ("Account_Name.Industry", "Industry of the record's account"),
        ("Hotel.City", "City of the record's Hotel"),
        (
            "Account_Name.Parent_Account.Industry",
            "Industry of the Parent_Account of the record's account",
        ),
        ("Deals.Stage", "Stage of the deal"),
        ("Potentials.Stage", "Stage of the deal"),
        (
            "Deals.Account_Name.Industry",
            "Industry of the deal's account",
        ),
    ] {
        assert_eq!(label(&path.parse().unwrap()), want);
    }
}

#[test]
fn the_kind_of_field_is_guessed_from_operator_and_value() {
    let (number, day) = (
        Literal::Number(5.into()),
        Literal::Date(civil::date(2026, 3, 4)),
    );
    let at = Literal::DateTime("2026-03-04T09:15:27Z".parse().unwrap());
    for (operator, operands, want) in [
        (Operator::Is, vec![text(" x ")], "F is \"x\""),
        (Operator::Is, vec![number.clone()], "F is 5"),
        (Operator::Is, vec![Literal::Bool(true)], "F is true"),
        (Operator::Is, vec![day.clone()], "F is 2026-03-04"),
        (
            Operator::IsNot,
            vec![text("x")],
            "F is not \"x\" (or is empty)",
        ),
        (
            Operator::Is,
            vec![text("x"), text("y")],
            "F is exactly \"x\" and \"y\"",
        ),
        (
            Operator::In,
            vec![text("x"), text("y")],
            "F is one of \"x\", \"y\"",
        ),
        (
            Operator::NotIn,
            vec![text("x"), text("y")],
            "F is none of \"x\", \"y\" (or is empty)",
        ),
        (Operator::Greater, vec![number.clone()], "F is more than 5"),
        (Operator::Greater, vec![text("5")], "F is more than 5"),
        (
            Operator::Greater,
            vec![day.clone()],
            "F is after 2026-03-04",
        ),
        (
            Operator::LessOrEqual,
            vec![text("2026-03-04")],
            "F is not after 2026-03-04",
        ),
        (
            Operator::Between,
            vec![day, at],
            "F is from 2026-03-04 to 2026-03-04 09:15:27",
        ),
        (
            Operator::InLastDays,
            vec![number],
            "F is in the last 5 days (today included)",
        ),
        (Operator::IsEmpty, vec![], "F is empty"),
        (
            Operator::DoesNotContain,
            vec![text("x")],
            "F does not contain \"x\" (or is empty)",
        ),
    ] {
        let condition = condition("F", operator, operands);
        assert_eq!(phrases(&[condition], &TimeZone::UTC), [want]);
    }
}

#[test]
fn an_outline_follows_the_groups_of_the_pattern() {
    for (text, conditions, want) in [
        ("1", 1, "1"),
        (
            "((1 and 2) and (3 or 4))",
            4,
            "all of these are true\n 1\n 2\n any of these is true\n  3\n  4",
        ),
        ("not 1", 1, "this is not true\n 1"),
        ("not not 1", 1, "1"),
        (
            "not (1 or 2) or not (1 and not 2)",
            2,
            "any of these is true\n none of these is true\n  1\n  2\n not all of these are true\n  1\n  this is not true\n   2",
        ),
    ] {
        assert_eq!(laid_out(text, conditions), want, "{text}");
    }
}

#[test]
fn conditions_on_deals_are_known_by_their_number() {
    let fields = ["Industry", "Deals.Stage", "Deals", "Potentials.Amount"];
    let conditions = fields.map(|field| condition(field, Operator::IsEmpty, Vec::new()));
    assert_eq!(of_deals(&conditions), [2, 4]);
}

#[test]
fn those_conditions_decide_that_make_a_pattern_come_out_as_it_does() {
    for (pattern, truths, want) in [
        ("1 and 2", [true, false, false, false], &[2][..]),
        ("1 and 2", [false, false, false, false], &[1, 2]),
        ("1 and 2", [true, true, false, false], &[1, 2]),
        ("1 or 2", [true, false, false, false], &[1]),
        ("1 or 2", [false, false, false, false], &[1, 2]),
        ("1 and (2 or 3)", [true, false, false, false], &[2, 3]),
        (
            "(1 and 2) or (3 and 4)",
            [true, false, false, true],
            &[2, 3],
        ),
        ("1 and not 2", [true, true, false, false], &[2]),
        ("1 and not (2 or 3)", [true, false, true, false], &[3]),
    ] {
        let named = pattern.chars().filter_map(|letter| letter.to_digit(10));
        let conditions = usize::try_from(named.max().unwrap()).unwrap();
        let parsed = Pattern::parse(pattern, conditions).unwrap();
        let decisive: Vec<usize> = decisive(&parsed, &truths).into_iter().collect();
        assert_eq!(decisive, want, "{pattern} {truths:?}");
    }
}

proptest::proptest! {
    #[test]
    fn whatever_the_others_are_the_deciding_conditions_decide_alike(
        (pattern, conditions) in crate::domain::pattern::tests::patterns(),
        truths: [bool; 5],
        others: [bool; 5],
    ) {
        let truths = &truths[..conditions];
        let decisive = decisive(&pattern, truths);
        let number = |index: usize| index + 1;
        let mixed: Vec<bool> = (0..conditions)
            .map(|index| match decisive.contains(&number(index)) {
                true => truths[index],
                false => others[index],
            })
            .collect();
        proptest::prop_assert_eq!(pattern.holds(&mixed), pattern.holds(truths));
    }
}
