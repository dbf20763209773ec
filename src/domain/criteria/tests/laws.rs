//! What holds for all values.

use jiff::civil::date;
use proptest::prelude::*;

use super::*;

/// Values of every kind that its fields can have, and that kind's field.
fn values() -> impl Strategy<Value = (&'static str, Value)> {
    let null = |name: &'static str| Just((name, Value::Null));
    let seconds = 1_772_000_000_i64..1_774_000_000;
    let chosen =
        prop::collection::vec(prop::sample::select(vec!["Red", "green", "Blue", ""]), 0..4);
    let related = (1_u64..4, prop::option::of("[ab]{1,2}"));
    prop_oneof![
        prop::sample::select(vec!["Company", "Annual_Revenue", "Tags"]).prop_flat_map(null),
        "[ abAB]{0,4}".prop_map(|text| ("Company", Value::Text(text))),
        (-9_i64..9).prop_map(|number| ("Annual_Revenue", Value::Number(number.into()))),
        (1_i8..29).prop_map(|day| ("Birthday", Value::Date(date(2026, 3, day)))),
        seconds.prop_map(|second| {
            (
                "Created_Time",
                Value::DateTime(Timestamp::from_second(second).unwrap()),
            )
        }),
        prop::sample::select(vec!["Won", "Cold Call", ""])
            .prop_map(|name| ("Lead_Status", txt(name))),
        chosen.prop_map(|chosen| ("Tags", many(&chosen))),
        related.prop_map(|(id, name)| (
            "Account_Name",
            Value::Lookup {
                id: RecordId(id),
                name
            }
        )),
    ]
}

/// Two operands that suit a field, the lesser first.
fn operands(name: &str, low: i8, high: i8) -> Vec<Literal> {
    match name {
        "Annual_Revenue" => vec![Literal::Number(low.into()), Literal::Number(high.into())],
        "Birthday" | "Created_Time" => [low, high]
            .map(|day| Literal::Date(date(2026, 3, day)))
            .to_vec(),
        "Lead_Status" => texts(["won", "kaltakquise"]),
        "Tags" => texts(["red", "blue"]),
        "Account_Name" => texts(["1", "AB"]),
        _ => texts(["a", "B b"]),
    }
}

proptest! {
    #[test]
    fn any_value_is_bound_or_a_problem(
        written in prop_oneof!["(?s).{0,12}", "-?[0-9]{1,6}-[01][0-9]-[0-3][0-9]", "[0-9]{1,40}"],
        (name, value) in values(),
    ) {
        for operator in crate::domain::operator::Operator::ALL {
            for count in 0..3 {
                let condition = condition(name, operator, vec![text(&written); count]);
                if let Ok(criteria) = bind(&[condition]) {
                    for now in [Timestamp::MIN, now(), Timestamp::MAX] {
                        let judgement = criteria.judge(&record(name, value.clone()), now);
                        prop_assert_eq!(judgement.conditions, [judgement.selected]);
                    }
                    prop_assert!(!criteria.explain().is_empty());
                }
            }
        }
    }

    #[test]
    fn a_negative_operator_is_the_opposite_also_for_empty_fields((name, value) in values(), low in 1_i8..9) {
        let operands = operands(name, low, low + 1);
        let one = vec![operands[0].clone()];
        for (positive, negative, operands) in [
            (Operator::Is, Operator::IsNot, one),
            (Operator::In, Operator::NotIn, operands),
            (Operator::IsEmpty, Operator::IsNotEmpty, vec![]),
        ] {
            let yes = judged(name, positive, operands.clone(), value.clone());
            let no = judged(name, negative, operands, value.clone());
            prop_assert_eq!(yes, !no, "{:?}", positive);
            if value.is_blank() {
                prop_assert_eq!(yes, positive == Operator::IsEmpty);
            }
        }
    }

    #[test]
    fn the_ordering_operators_agree_with_each_other(
        (name, value) in values().prop_filter("ordered", |(name, _)| {
            ["Annual_Revenue", "Birthday", "Created_Time"].contains(name)
        }),
        low in 1_i8..15,
        length in 0_i8..9,
    ) {
        let two = operands(name, low, low + length);
        let ask = |operator, index: usize| {
            judged(name, operator, vec![two[index].clone()], value.clone())
        };
        let filled = !value.is_blank();
        prop_assert_eq!(ask(Operator::Less, 0), filled && !ask(Operator::GreaterOrEqual, 0));
        prop_assert_eq!(ask(Operator::Greater, 0), filled && !ask(Operator::LessOrEqual, 0));
        prop_assert_eq!(
            ask(Operator::Is, 0),
            ask(Operator::GreaterOrEqual, 0) && ask(Operator::LessOrEqual, 0)
        );
        prop_assert_eq!(
            judged(name, Operator::Between, two.clone(), value.clone()),
            ask(Operator::GreaterOrEqual, 0) && ask(Operator::LessOrEqual, 1)
        );
    }

    #[test]
    fn a_value_of_another_kind_counts_as_empty((own, value) in values(), (name, _) in values()) {
        prop_assume!(own != name);
        let one = vec![operands(name, 1, 2)[0].clone()];
        prop_assert!(!judged(name, Operator::Is, one.clone(), value.clone()));
        prop_assert!(judged(name, Operator::IsNot, one, value));
    }

    #[test]
    fn the_pattern_decides_over_what_the_conditions_say(
        (pattern, count) in super::super::super::pattern::tests::patterns(),
        (_, value) in values(),
    ) {
        let names = ["Company", "Annual_Revenue", "Tags", "Birthday", "Account_Name"];
        let conditions = names.map(|name| condition(name, Operator::IsEmpty, vec![]));
        let criteria = Criteria::bind(&conditions[..count], &pattern, &module(), &zone()).unwrap();
        let judgement = criteria.judge(&record("Company", value), now());
        prop_assert_eq!(judgement.conditions.len(), count);
        prop_assert_eq!(judgement.selected, pattern.holds(&judgement.conditions));
    }
}
