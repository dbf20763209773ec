//! What each operator means, by type of field.

use jiff::civil::date;

use super::*;

#[test]
fn text_compares_without_case_after_trimming() {
    for (operator, operands, value, want) in [
        (Operator::Is, texts(["Hospitality "]), "  HOSPITALITY", true),
        (Operator::Is, texts(["Łódź"]), "łÓDŹ", true),
        (Operator::Is, texts(["ΟΔΟΣ"]), "οδος", true),
        (Operator::Contains, texts(["ΟΔΟΣ"]), "ΟΔΟΣ ΟΔΟΣΑ", true),
        (Operator::Is, texts(["a"]), "ab", false),
        (Operator::Is, vec![Literal::Number(42.into())], "42", true),
        (Operator::IsNot, texts(["a"]), "A", false),
        (Operator::IsNot, texts(["a"]), " ", true),
        (Operator::Contains, texts(["O'Br"]), "Pat o'brien", true),
        (Operator::DoesNotContain, texts(["x"]), "abc", true),
        (Operator::StartsWith, texts(["ab"]), " Abc", true),
        (Operator::EndsWith, texts(["bc"]), "ABC ", true),
        (Operator::EndsWith, texts(["ab"]), "abc", false),
        (Operator::In, texts(["x", "ABC"]), "abc", true),
        (Operator::NotIn, texts(["x", "ABC"]), "abc", false),
        (Operator::IsEmpty, vec![], " \t ", true),
        (Operator::IsNotEmpty, vec![], " \t ", false),
        (Operator::IsNotEmpty, vec![], "x", true),
    ] {
        let shown = format!("{value:?} {operator:?} {operands:?}");
        assert_eq!(
            judged("Company", operator, operands, txt(value)),
            want,
            "{shown}"
        );
    }
}

#[test]
fn numbers_compare_as_decimals() {
    let number = |text: &str| Literal::Number(text.parse().unwrap());
    for (operator, operands, value, want) in [
        (Operator::Is, vec![number("0.30")], "0.3", true),
        (Operator::Is, texts(["5000000"]), "5000000.00", true),
        (Operator::Less, vec![number("5")], "5", false),
        (Operator::LessOrEqual, vec![number("5")], "5", true),
        (
            Operator::Greater,
            vec![number("5000000")],
            "5000000.01",
            true,
        ),
        (Operator::Greater, vec![number("5000000")], "5000000", false),
        (Operator::GreaterOrEqual, vec![number("5")], "5", true),
        (Operator::Between, vec![number("1"), number("2")], "2", true),
        (
            Operator::Between,
            vec![number("1"), number("2")],
            "2.1",
            false,
        ),
        (Operator::In, vec![number("1"), number("3")], "3", true),
        (Operator::NotIn, vec![number("1"), number("3")], "2", true),
        (Operator::IsNot, vec![number("1")], "1.0", false),
    ] {
        let shown = format!("{value} {operator:?} {operands:?}");
        let value = Value::Number(value.parse().unwrap());
        assert_eq!(
            judged("Annual_Revenue", operator, operands, value),
            want,
            "{shown}"
        );
    }
}

#[test]
fn a_day_is_a_calendar_day_of_the_zone() {
    // Clocks go forward on 2026-03-08: the day begins at 05:00 UTC and the next one at 04:00 UTC.
    let day = || vec![Literal::Date(date(2026, 3, 8))];
    let two = |first, last| vec![Literal::Date(first), Literal::Date(last)];
    let (before, start) = ("2026-03-08T04:59:59Z", "2026-03-08T05:00:00Z");
    let (last, end) = ("2026-03-09T03:59:59Z", "2026-03-09T04:00:00Z");
    for (operator, operands, want) in [
        (Operator::Is, day(), [false, true, true, false]),
        (Operator::On, day(), [false, true, true, false]),
        (Operator::IsNot, day(), [true, false, false, true]),
        (Operator::Before, day(), [true, false, false, false]),
        (Operator::Less, day(), [true, false, false, false]),
        (Operator::LessOrEqual, day(), [true, true, true, false]),
        (Operator::After, day(), [false, false, false, true]),
        (Operator::Greater, day(), [false, false, false, true]),
        (Operator::GreaterOrEqual, day(), [false, true, true, true]),
        (
            Operator::Between,
            two(date(2026, 3, 7), date(2026, 3, 8)),
            [true, true, true, false],
        ),
        (
            Operator::In,
            two(date(2026, 3, 7), date(2026, 3, 9)),
            [true, false, false, true],
        ),
        (
            Operator::NotIn,
            two(date(2026, 3, 7), date(2026, 3, 9)),
            [false, true, true, false],
        ),
        (
            Operator::Is,
            texts(["2026-03-08"]),
            [false, true, true, false],
        ),
        (
            Operator::After,
            texts(["2026-03-08 00:00:00"]),
            [false, false, true, true],
        ),
        (
            Operator::GreaterOrEqual,
            texts([start]),
            [false, true, true, true],
        ),
        (
            Operator::Before,
            vec![Literal::DateTime(at(last))],
            [true, true, false, false],
        ),
        (
            Operator::On,
            vec![Literal::DateTime(at(last))],
            [false, false, true, false],
        ),
        (
            Operator::Between,
            texts([start, "2026-03-08"]),
            [false, true, true, false],
        ),
    ] {
        for (moment, want) in [before, start, last, end].into_iter().zip(want) {
            let shown = format!("{moment} {operator:?} {operands:?}");
            let value = Value::DateTime(at(moment));
            assert_eq!(
                judged("Created_Time", operator, operands.clone(), value),
                want,
                "{shown}"
            );
        }
    }
}

#[test]
fn relative_days_count_today() {
    let three = || vec![Literal::Number(3.into())];
    for (operator, operands, want) in [
        (
            Operator::InLastDays,
            three(),
            [false, true, true, false, false],
        ),
        (
            Operator::InNextDays,
            three(),
            [false, false, true, true, false],
        ),
        (
            Operator::InLastDays,
            texts(["1"]),
            [false, false, true, false, false],
        ),
        (
            Operator::InNextDays,
            texts(["36525"]),
            [false, false, true, true, true],
        ),
    ] {
        for (offset, want) in [-3, -2, 0, 2, 3].into_iter().zip(want) {
            let day = date(2026, 3, 10).saturating_add(jiff::Span::new().days(offset));
            let shown = format!("{day} {operator:?} {operands:?}");
            assert_eq!(
                judged("Birthday", operator, operands.clone(), Value::Date(day)),
                want,
                "{shown}"
            );
            for time in [
                jiff::civil::time(0, 0, 0, 0),
                jiff::civil::time(23, 59, 59, 0),
            ] {
                let moment = day.to_datetime(time).to_zoned(zone()).unwrap().timestamp();
                let value = Value::DateTime(moment);
                assert_eq!(
                    judged("Created_Time", operator, operands.clone(), value),
                    want,
                    "{shown}"
                );
            }
        }
    }
}

#[test]
fn picklists_match_actual_value_or_label_and_lookups_id_or_name() {
    let account = || Value::Lookup {
        id: RecordId(4_876_876_000_000_623_001),
        name: Some("Orto Srl".to_owned()),
    };
    for (name, operator, operands, value, want) in [
        (
            "Lead_Status",
            Operator::Is,
            texts(["kaltakquise"]),
            txt("Cold Call"),
            true,
        ),
        (
            "Lead_Status",
            Operator::Is,
            texts(["Cold call"]),
            txt("Cold Call"),
            true,
        ),
        (
            "Lead_Status",
            Operator::Is,
            texts(["Cold Call"]),
            txt("Kaltakquise"),
            true,
        ),
        (
            "Lead_Status",
            Operator::Is,
            texts(["Won"]),
            txt("Cold Call"),
            false,
        ),
        (
            "Lead_Status",
            Operator::IsNot,
            texts(["Gewonnen"]),
            txt("Won"),
            false,
        ),
        (
            "Lead_Status",
            Operator::In,
            texts(["Won", "Cold Call"]),
            txt("Won"),
            true,
        ),
        (
            "Lead_Status",
            Operator::NotIn,
            texts(["Won"]),
            txt("Lost"),
            true,
        ),
        (
            "Account_Name",
            Operator::Is,
            texts(["orto srl "]),
            account(),
            true,
        ),
        (
            "Account_Name",
            Operator::Is,
            texts(["4876876000000623001"]),
            account(),
            true,
        ),
        (
            "Account_Name",
            Operator::In,
            texts(["Orto", "Srl"]),
            account(),
            false,
        ),
        (
            "Account_Name",
            Operator::IsNot,
            texts(["Orto"]),
            account(),
            true,
        ),
        (
            "Account_Name",
            Operator::IsNotEmpty,
            vec![],
            account(),
            true,
        ),
    ] {
        let shown = format!("{value:?} {operator:?} {operands:?}");
        assert_eq!(judged(name, operator, operands, value), want, "{shown}");
    }
}

#[test]
fn a_multi_select_is_a_set() {
    for (operator, operands, value, want) in [
        (
            Operator::Is,
            texts(["green", "RED"]),
            many(&["Red", "Green"]),
            true,
        ),
        (Operator::Is, texts(["Red"]), many(&["Red", "Green"]), false),
        (Operator::Is, texts(["Red", "Green"]), many(&["Red"]), false),
        (
            Operator::IsNot,
            texts(["Red"]),
            many(&["Red", "Green"]),
            true,
        ),
        (
            Operator::Contains,
            texts(["Red"]),
            many(&["Red", "Green"]),
            true,
        ),
        (
            Operator::DoesNotContain,
            texts(["Red"]),
            many(&["Red", "Green"]),
            false,
        ),
        (Operator::DoesNotContain, texts(["Red"]), many(&[]), true),
        (
            Operator::In,
            texts(["Blue", "Red"]),
            many(&["Red", "Green"]),
            true,
        ),
        (
            Operator::NotIn,
            texts(["Blue", "Red"]),
            many(&["Green"]),
            true,
        ),
        (Operator::IsEmpty, vec![], many(&["", " "]), true),
    ] {
        let shown = format!("{value:?} {operator:?} {operands:?}");
        assert_eq!(judged("Tags", operator, operands, value), want, "{shown}");
    }
}

#[test]
fn an_empty_boolean_is_neither_true_nor_false() {
    for (operand, value, want) in [
        (Literal::Bool(true), Value::Bool(true), true),
        (Literal::Bool(false), Value::Bool(false), true),
        (Literal::Bool(false), Value::Null, false),
        (text("True"), Value::Bool(true), true),
    ] {
        assert_eq!(
            judged("Email_Opt_Out", Operator::Is, vec![operand], value),
            want
        );
    }
}

#[test]
fn every_condition_is_judged_even_when_the_first_decides() {
    let conditions = [
        condition("Company", Operator::Is, texts(["Orto"])),
        condition("Annual_Revenue", Operator::IsEmpty, vec![]),
        condition("Company", Operator::StartsWith, texts(["z"])),
    ];
    let judgement = bind(&conditions)
        .unwrap()
        .judge(&record("Company", txt("Zylker")), now());
    assert_eq!(judgement.conditions, [false, true, true]);
    assert!(!judgement.selected);
}
