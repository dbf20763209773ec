//! What cannot be bound, and what bound criteria say of themselves.

use super::*;

#[test]
fn every_problem_is_reported_with_its_number_part_and_remedy() {
    use ConditionPart as Part;
    use Operator as Op;
    let date_text = "write it like 2026-01-31 or 2026-01-31T09:00:00Z";
    let number = |number: i64| Literal::Number(number.into());
    let cases = [
        (
            "Compny",
            Op::Is,
            texts(["x"]),
            Part::Field,
            "unknown field `Compny` of module Leads",
            "did you mean `Company`?",
        ),
        (
            "Files",
            Op::IsEmpty,
            vec![],
            Part::Field,
            "field `Files` is of type `fileupload`, which cannot be compared",
            "",
        ),
        (
            "Account_Name.Industry",
            Op::IsEmpty,
            vec![],
            Part::Field,
            "`Account_Name` of module Leads is a lookup field, which leads to no other record",
            "",
        ),
        (
            "Email_Opt_Out",
            Op::IsNot,
            vec![Literal::Bool(true)],
            Part::Operator,
            "`is_not` cannot be asked of the boolean field `Email_Opt_Out`",
            "it can be asked: is",
        ),
        (
            "Lead_Status",
            Op::Contains,
            texts(["x"]),
            Part::Operator,
            "`contains` cannot be asked of the picklist field `Lead_Status`",
            "it can be asked: is, is_not, in, not_in, is_empty, is_not_empty",
        ),
        (
            "Company",
            Op::Is,
            texts([" "]),
            Part::Value,
            "the value is empty",
            "`is_empty` and `is_not_empty` ask for empty fields",
        ),
        (
            "Company",
            Op::Is,
            vec![Literal::Bool(true)],
            Part::Value,
            "the value is not text",
            "put it in quotes",
        ),
        (
            "Company",
            Op::IsEmpty,
            texts(["x"]),
            Part::Value,
            "`is_empty` takes no value, not 1",
            "",
        ),
        (
            "Company",
            Op::In,
            vec![],
            Part::Value,
            "`in` takes one value or more, not 0",
            "",
        ),
        (
            "Company",
            Op::Is,
            texts(["x", "y"]),
            Part::Value,
            "`is` takes one value, not 2",
            "",
        ),
        (
            "Annual_Revenue",
            Op::Between,
            vec![number(1)],
            Part::Value,
            "`between` takes two values, the lower and the upper one, not 1",
            "",
        ),
        (
            "Annual_Revenue",
            Op::Between,
            vec![number(2), number(1)],
            Part::Value,
            "the first value is greater than the second, so nothing is between them",
            "exchange the two",
        ),
        (
            "Annual_Revenue",
            Op::Is,
            texts(["much"]),
            Part::Value,
            "the value is not a number",
            "write it like 5000000 or 0.5",
        ),
        (
            "Birthday",
            Op::Is,
            texts(["yesterday"]),
            Part::Value,
            "the value is not a date",
            date_text,
        ),
        (
            "Birthday",
            Op::Is,
            texts(["2026-02-30"]),
            Part::Value,
            "the value is not a date",
            date_text,
        ),
        (
            "Birthday",
            Op::After,
            texts(["2026-01-01T03:00:00Z"]),
            Part::Value,
            "the field holds days, but the value has a time",
            "write it like 2025-12-31",
        ),
        (
            "Birthday",
            Op::InLastDays,
            vec![number(0)],
            Part::Value,
            "the value is not a number of days",
            "use a whole number from 1 (today) to 36525",
        ),
        (
            "Birthday",
            Op::InNextDays,
            texts(["1.5"]),
            Part::Value,
            "the value is not a number of days",
            "use a whole number from 1 (today) to 36525",
        ),
        (
            "Created_Time",
            Op::Between,
            texts(["2026-01-02", "2026-01-01"]),
            Part::Value,
            "the first value is greater than the second, so nothing is between them",
            "exchange the two",
        ),
        (
            "Email_Opt_Out",
            Op::Is,
            texts(["maybe"]),
            Part::Value,
            "the value is not a boolean",
            "use true or false",
        ),
        (
            "Lead_Status",
            Op::Is,
            texts(["Kaltaquise"]),
            Part::Value,
            "the picklist `Lead_Status` has no value `Kaltaquise`",
            "did you mean `Kaltakquise`?",
        ),
        (
            "Tags",
            Op::In,
            texts(["Red", "Grene"]),
            Part::Value,
            "the picklist `Tags` has no value `Grene`",
            "did you mean `Green`?",
        ),
    ];
    let conditions: Vec<Condition> = cases
        .iter()
        .map(|(name, operator, operands, ..)| condition(name, *operator, operands.clone()))
        .collect();
    let problems = bind(&conditions).unwrap_err();
    assert_eq!(problems.len(), cases.len());
    for ((index, case), problem) in cases.into_iter().enumerate().zip(problems) {
        let (.., part, message, help) = case;
        let help = (!help.is_empty()).then(|| help.to_owned());
        let message = message.to_owned();
        assert_eq!(
            problem,
            ConditionProblem {
                number: index + 1,
                part,
                message,
                help
            }
        );
    }
}

#[test]
fn a_pattern_of_other_conditions_is_refused() {
    let conditions = [condition("Company", Operator::IsEmpty, vec![])];
    let problems = Criteria::bind(&conditions, &Pattern::nested(2), &module(), &zone());
    assert_eq!(problems.unwrap_err()[0].number, 2);
    let nothing = bind(&[]).unwrap();
    assert!(
        !nothing
            .judge(&record("Company", Value::Null), now())
            .selected
    );
    assert_eq!(nothing.explain(), "no record");
}

#[test]
fn criteria_explain_themselves_and_name_what_they_read() {
    let conditions = [
        condition("Lead_Status", Operator::Is, texts(["Won"])),
        condition(
            "Annual_Revenue",
            Operator::Greater,
            vec![Literal::Number(5_000_000.into())],
        ),
        condition("Company", Operator::NotIn, texts(["Orto", "Zylker", "Ex"])),
        condition("Birthday", Operator::InLastDays, texts(["3"])),
        condition(
            "Created_Time",
            Operator::Between,
            vec![
                text("2026-01-01"),
                Literal::DateTime(at("2026-03-08T12:00:00Z")),
            ],
        ),
        condition("Tags", Operator::Is, texts(["Red", "Blue"])),
    ];
    let pattern = Pattern::parse("(1 or not 2) and not (3 and 4) and 5 and 6", 6).unwrap();
    let criteria = Criteria::bind(&conditions, &pattern, &module(), &zone()).unwrap();
    assert_eq!(
        criteria.explain(),
        "(Lead Status is \"Won\" or not (Annual Revenue is more than 5000000)) and \
         not (Company is none of \"Orto\", \"Zylker\", \"Ex\" (or is empty) and \
         Birthday is in the last 3 days (today included)) and \
         Created Time is from 2026-01-01 to 2026-03-08 08:00:00 and \
         Tags is exactly \"Red\" and \"Blue\""
    );
    assert!(criteria.uses_relative_dates());
    let columns: BTreeSet<_> = criteria.columns().map(|column| column.path).collect();
    assert_eq!(columns.len(), 6);
    assert!(!bind(&conditions[..3]).unwrap().uses_relative_dates());
}
