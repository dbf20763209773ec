//! Every condition as it is sent.

use super::*;

fn leaf(field: &str, field_type: FieldType, test: Test) -> Filter {
    Filter::Leaf(Leaf {
        field: field.parse().unwrap(),
        field_type,
        test,
    })
}

fn texts(values: &[&str]) -> Vec<String> {
    values.iter().map(ToString::to_string).collect()
}

fn json_of(filter: &Filter) -> Value {
    let relations = BTreeSet::from(["A"]);
    criteria(filter, &relations).map_or(Value::Null, |criteria| json!(criteria))
}

#[test]
fn each_test_has_its_comparator() {
    use FieldType::{Bool, Date, DateTime, MultiSelect, Number, Text};
    let number = |text: &str| Some(text.parse().unwrap());
    let day = |text: &str| Some(text.parse().unwrap());
    let at = |text: &str| Some(text.parse().unwrap());
    for (field_type, test, comparator, value) in [
        (Text, Test::Null, "equal", json!("${EMPTY}")),
        (MultiSelect, Test::NotNull, "not_equal", json!("${EMPTY}")),
        (Bool, Test::Truth(true), "equal", json!(true)),
        (
            Text,
            Test::Contains(texts(&["a'\"\\"])),
            "contains",
            json!("a'\"\\"),
        ),
        (
            Text,
            Test::Contains(texts(&["50 %"])),
            "contains",
            json!("50 %"),
        ),
        (
            Number,
            Test::Numbers(number("5.50"), None),
            "greater_equal",
            json!(5.5),
        ),
        (
            Number,
            Test::Numbers(None, number("-12345678901234567890.5")),
            "less_equal",
            json!("-12345678901234567890.5"),
        ),
        (
            Number,
            Test::Numbers(None, None),
            "not_equal",
            json!("${EMPTY}"),
        ),
        (
            Number,
            Test::NotNumbers(vec![Decimal::ONE, Decimal::TEN]),
            "not_in",
            json!([1, 10]),
        ),
        (
            Date,
            Test::Days(day("2026-01-01"), None),
            "greater_equal",
            json!("2026-01-01"),
        ),
        (
            Date,
            Test::Days(day("2026-01-01"), day("2026-01-31")),
            "between",
            json!(["2026-01-01", "2026-01-31"]),
        ),
        (
            DateTime,
            Test::Instants(at("2026-01-01T00:00:00.9Z"), at("2026-01-01T23:59:59.1Z")),
            "between",
            json!(["2026-01-01T00:00:00+00:00", "2026-01-02T00:00:00+00:00"]),
        ),
    ] {
        let want = json!({"field": {"api_name": "F"}, "comparator": comparator, "value": value});
        assert_eq!(json_of(&leaf("F", field_type, test)), want);
    }
}

#[test]
fn what_cannot_be_said_is_left_out() {
    use FieldType::{Bool, Lookup, MultiSelect, Number, Opaque, Text};
    for (field, field_type, test) in [
        ("F", Text, Test::NoneOf(texts(&["", "${EMPTY}"]))),
        ("F", Text, Test::Contains(texts(&["a", "${EMPTY}"]))),
        ("F", Text, Test::Contains(texts(&[""]))),
        ("F", Text, Test::NoneOf(vec![])),
        ("F", Lookup, Test::NoneOf(texts(&["77"]))),
        ("F", MultiSelect, Test::NoneOf(texts(&["a"]))),
        ("F", MultiSelect, Test::Contains(texts(&["a"]))),
        ("F", Bool, Test::Null),
        ("F", Opaque, Test::NotNull),
        ("F", Number, Test::NotNumbers(vec![])),
        ("F", Text, Test::Truth(true)),
        ("B.F", Text, Test::NotNull),
        ("A.B.F", Text, Test::NotNull),
    ] {
        let unsaid = leaf(field, field_type, test);
        assert_eq!(json_of(&unsaid), Value::Null, "{unsaid:?}");
        let said = leaf("A.F", Text, Test::NotNull);
        assert_eq!(
            json_of(&Filter::all([said.clone(), unsaid])),
            json_of(&said)
        );
    }
    assert_eq!(json_of(&Filter::EVERYTHING), Value::Null);
}

#[test]
fn a_tree_is_nested_groups_within_the_limits() {
    let null = |field: &str| leaf(field, FieldType::Text, Test::Null);
    let said = |field: &str| json_of(&null(field));
    let tree = Filter::all([null("F"), Filter::any([null("G"), null("H")])]);
    assert_eq!(
        json_of(&tree),
        json!({"group_operator": "and", "group": [
            said("F"), {"group_operator": "or", "group": [said("G"), said("H")]}]})
    );
    let listed = |count: usize| {
        let values: Vec<String> = (0..count).map(|n| n.to_string()).collect();
        json_of(&leaf("F", FieldType::Picklist, Test::NoneOf(values)))
    };
    let of_f = |comparator: &str, value: Value| json!({"field": {"api_name": "F"}, "comparator": comparator, "value": value});
    assert_eq!(
        listed(2),
        json!({"group_operator": "and", "group": [
            of_f("not_equal", json!("${EMPTY}")), of_f("not_in", json!(["0", "1"]))]})
    );
    let lists = listed(41);
    let lists: Vec<usize> = lists["group"]
        .as_array()
        .unwrap()
        .iter()
        .map(|list| list["value"].as_array().map_or(1, Vec::len))
        .collect();
    assert_eq!(lists, [1, 20, 20, 1]);
    let both = Test::Numbers(Some(Decimal::ONE), Some(Decimal::TEN));
    let both = json_of(&leaf("F", FieldType::Number, both));
    assert_eq!(both["group_operator"], "and");
    assert_eq!(both["group"][1]["comparator"], "less_equal");
    let each: Vec<Filter> = (10..50).map(|n| null(&format!("F{n}"))).collect();
    let kept = json_of(&Filter::All(each.clone()));
    assert_eq!(kept["group"].as_array().unwrap().len(), 25);
    assert_eq!(json_of(&Filter::Any(each)), Value::Null);
}
