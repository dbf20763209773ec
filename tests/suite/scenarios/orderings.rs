//! However a tree of conditions is written down, it selects the same people.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::oracle::{self, Before};
use crate::rig::{Dice, Rig, Setup};

/// A tree of conditions, by their places in a list.
enum Tree {
    Leaf(usize),
    Not(Box<Tree>),
    Joined(&'static str, Vec<Tree>),
}

impl Tree {
    /// A tree that has each of the conditions once.
    fn grown(conditions: &[usize], dice: &mut Dice) -> Self {
        let tree = match conditions {
            [one] => Self::Leaf(*one),
            several => {
                let cut = 1 + dice.roll(several.len() - 1);
                let word = ["and", "or"][dice.roll(2)];
                let parts = [&several[..cut], &several[cut..]];
                Self::Joined(word, parts.map(|part| Self::grown(part, dice)).into())
            }
        };
        match dice.roll(5) {
            0 => Self::Not(tree.into()),
            _ => tree,
        }
    }

    fn holds(&self, conditions: &[bool]) -> bool {
        match self {
            Self::Leaf(condition) => conditions[*condition],
            Self::Not(inner) => !inner.holds(conditions),
            Self::Joined("and", parts) => parts.iter().all(|part| part.holds(conditions)),
            Self::Joined(_, parts) => parts.iter().any(|part| part.holds(conditions)),
        }
    }

    /// The tree as a pattern, its joined parts in any order, each condition by the number it has in the file.
    fn spelled(&self, numbers: &[usize], dice: &mut Dice) -> String {
        match self {
            Self::Leaf(condition) => numbers[*condition].to_string(),
            Self::Not(inner) => format!("not ({})", inner.spelled(numbers, dice)),
            Self::Joined(word, parts) => {
                let mut order: Vec<usize> = (0..parts.len()).collect();
                dice.shuffle(&mut order);
                let parts = order.iter().map(|part| parts[*part].spelled(numbers, dice));
                format!("({})", parts.collect::<Vec<_>>().join(&format!(" {word} ")))
            }
        }
    }
}

#[test]
fn a_hundred_orderings_of_a_random_tree_give_the_same_list() {
    type Holds = fn(&Value) -> bool;
    let conditions: [(&str, Holds); 6] = [
        (
            r#"{ field = "Customer_Tier", operator = "is", value = "Gold" }"#,
            |it| it["Customer_Tier"] == "Gold",
        ),
        (
            r#"{ field = "Mailing_City", operator = "contains", value = "O" }"#,
            |it| {
                it["Mailing_City"]
                    .as_str()
                    .is_some_and(|city| city.to_lowercase().contains('o'))
            },
        ),
        (
            r#"{ field = "Lead_Source", operator = "not_in", value = ["Website", "Referral"] }"#,
            |it| it["Lead_Source"] != "Web Site" && it["Lead_Source"] != "Referral",
        ),
        (
            r#"{ field = "Date_of_Birth", operator = "after", value = 1980-01-01 }"#,
            |it| {
                it["Date_of_Birth"]
                    .as_str()
                    .is_some_and(|day| day > "1980-01-01")
            },
        ),
        (
            r#"{ field = "Languages", operator = "contains", value = "French" }"#,
            |it| {
                it["Languages"]
                    .as_array()
                    .is_some_and(|all| all.contains(&json!("French")))
            },
        ),
        (r#"{ field = "Phone", operator = "is_empty" }"#, |it| {
            it["Phone"].is_null()
        }),
    ];
    let rig = Rig::with(&Setup {
        people: 60,
        settings: "[limits]\nruns_per_day = \"unlimited\"\ninitiations_per_month = \"unlimited\"\n",
        ..Setup::default()
    });
    let mut dice = Dice::new(7);
    let tree = Tree::grown(&[0, 1, 2, 3, 4, 5], &mut dice);
    let (contacts, leads) = (rig.records("Contacts"), rig.records("Leads"));
    let opted_out = oracle::opted_out(contacts.iter().chain(&leads));
    let selected = contacts.iter().filter(|contact| {
        let truths: Vec<bool> = conditions.iter().map(|(_, holds)| holds(contact)).collect();
        tree.holds(&truths)
    });
    let expected = oracle::expect(selected, &opted_out, &Before::default(), oracle::names);
    let expected: BTreeSet<String> = expected.sent.into_keys().collect();
    assert!(
        expected.len() > 5 && expected.len() < 50,
        "{}",
        expected.len()
    );
    let mut patterns = BTreeSet::new();
    for ordering in 0..100 {
        let mut order: Vec<usize> = (0..conditions.len()).collect();
        dice.shuffle(&mut order);
        let number = |condition| order.iter().position(|it| *it == condition).unwrap() + 1;
        let numbers: Vec<usize> = (0..conditions.len()).map(number).collect();
        let pattern = tree.spelled(&numbers, &mut dice);
        let criteria: Vec<&str> = order.iter().map(|it| conditions[*it].0).collect();
        let list = format!("ordering{ordering}");
        rig.act(&json!({"create_list": {"name": list}}));
        let definition = format!(
            "name = \"Ordering\"\nmodule = \"Contacts\"\nlist = \"3z{list}\"\nschedule = {{ every = \"hour\" }}\n\
             map = {{ \"First Name\" = \"\", \"Last Name\" = \"\" }}\n\
             [select]\npattern = \"{pattern}\"\ncriteria = [\n{}\n]\n",
            criteria.join(",\n")
        );
        rig.sync("ordering", &definition);
        rig.import("ordering");
        let members = rig.members(&format!("3z{list}"), "active").into_keys();
        let active: BTreeSet<String> = members.map(|it| it.to_lowercase()).collect();
        assert_eq!(active, expected, "{definition}");
        patterns.insert(format!("{pattern} {order:?}"));
    }
    assert!(patterns.len() > 90, "{}", patterns.len());
}
