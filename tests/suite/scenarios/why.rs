//! `rosterd why`: why an address is on the lists or not, in sentences and as JSON.

mod agreement;
mod gone;
mod held_back;
mod members;
mod records;
mod spelling;
mod unread;

use serde_json::Value;

use crate::rig::Rig;

/// Leads of hospitality with some people or some money onto a list.
const HOTELS: &str = r#"
name = "Hotels"
module = "Leads"
list = { name = "Hospitality" }
schedule = { every = "hour" }
select.pattern = "1 and (2 or 3)"
select.criteria = [
    { field = "Industry", operator = "is", value = "Hospitality" },
    { field = "Annual_Revenue", operator = ">", value = 5000000 },
    { field = "No_of_Employees", operator = ">", value = 2000 },
]
"#;

/// What `why` prints for people.
fn told(rig: &Rig, asked: &str) -> String {
    rig.done(&format!("why {asked}"))
}

/// What it prints for programs.
fn document(rig: &Rig, asked: &str) -> Value {
    let printed = rig.done(&format!("why {asked} --json"));
    serde_json::from_str(&printed).unwrap()
}

/// The answer of the only sync that has seen an address.
fn only(rig: &Rig, asked: &str) -> Value {
    let mut document = document(rig, asked);
    let syncs = document["syncs"].as_array_mut().unwrap();
    assert_eq!(syncs.len(), 1, "{syncs:?}");
    syncs.remove(0)
}

/// That a sync's first line holds all of these.
fn assert_answers(rig: &Rig, asked: &str, parts: &[&str]) {
    let sync = only(rig, asked);
    let answer = sync["answer"].as_str().unwrap();
    let text = told(rig, asked);
    assert!(text.contains(&format!("\n  {answer}\n")), "{text}");
    for part in parts {
        assert!(answer.contains(part), "{part}: {answer}");
    }
}
