//! Patterns that are none: `check` points at the place in the file and says what would be right.

use super::{Set, assert_golden};

/// A pattern as TOML, and the number of conditions it is to join.
const BROKEN: &[(&str, usize)] = &[
    ("\"((1 and 2) and (3 or 4)\"", 4),
    ("\"(1 and 2)) and (3 or 4)\"", 4),
    ("\")1 and 2(\"", 2),
    ("\"1 and 5\"", 4),
    ("\"1 and 0\"", 1),
    ("\"(1 and 2) or 4\"", 4),
    ("\"((1 and 2) (3 or 4))\"", 4),
    ("\"1 and not 2 3\"", 3),
    ("\"1 and ( )\"", 1),
    ("\"1 und 2\"", 2),
    ("\"1 adn 2\"", 2),
    ("\"1 && 2\"", 2),
    ("\"1 and łąka\"", 1),
    ("\"1 and 2 or\"", 2),
    ("\"or 1 and 2\"", 2),
    ("\"not\"", 1),
    ("\"1 and or 2\"", 2),
    ("\"  \"", 2),
    ("'1\tand and 2'", 2),
    ("\"\"\"\n(1 and\n 2\n  or 3)\"\"\"", 2),
];

fn with_pattern(pattern: &str, conditions: usize) -> Set {
    let mut text = format!(
        "name = \"Hotels\"\nmodule = \"Leads\"\nlist = \"3zhotels\"\nschedule = {{ every = \"hour\" }}\n\n[select]\npattern = {pattern}\n"
    );
    for number in 1..=conditions {
        text.push_str(&format!(
            "[[select.criteria]]\nfield = \"F{number}\"\noperator = \"is_empty\"\n"
        ));
    }
    let set = Set::new();
    set.put("syncs.d/hotels.toml", &text);
    set
}

#[test]
fn what_is_no_pattern_is_pointed_at() {
    let mut told = String::new();
    for (pattern, conditions) in BROKEN {
        let set = with_pattern(pattern, *conditions);
        let ran = set.run("check");
        assert_eq!(
            (ran.code, ran.stdout.as_str()),
            (Some(78), ""),
            "{pattern}: {}",
            ran.stderr
        );
        let folder = format!("{}/", set.dir.path().display());
        told.push_str(&ran.stderr.replace(&folder, ""));
        told.push('\n');
    }
    assert_golden("pattern-problems.txt", &told);
}

#[test]
fn nesting_without_end_is_refused_and_a_long_pattern_is_not() {
    let deep = format!("\"{}1{}\"", "(".repeat(50_000), ")".repeat(50_000));
    for text in [deep, format!("\"{}1\"", "not ".repeat(50_000))] {
        let ran = with_pattern(&text, 1).run("check --json");
        assert_eq!(ran.code, Some(78));
        assert!(ran.stdout.contains("nested deeper than 200 levels"));
    }
    let numbers: Vec<String> = (1..=500).map(|number| number.to_string()).collect();
    let long = format!("\"{}\"", numbers.join(" OR "));
    let ran = with_pattern(&long, 500).run("check");
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
}
