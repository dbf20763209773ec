//! What reading costs, beside the table of the CRM reference's "minimal-call strategy".

use serde_json::{Value, json};

use crate::rig::{Rig, Setup};

/// Reads every contact and selects nobody: a text is asked of the service only for being there.
const NOBODY: &str = r#"
name = "Nobody"
module = "Contacts"
list = { name = "Newsletter" }
select.criteria = [{ field = "Last_Name", operator = "is", value = "Nobody of that name" }]
schedule = { every = "hour" }
"#;

/// The methods by which records of the module are read.
const READING: [&str; 5] = [
    "coql",
    "records",
    "bulk_create",
    "bulk_status",
    "bulk_result",
];

/// Calls and credits for records of the sync's module. The opt-outs of leads are read by one more query, and one call
/// asks for those of converted leads, of which there are none.
fn reading(rig: &Rig) -> (u64, u64) {
    let calls = rig.calls();
    let of = |name: &&str| {
        let key = ("crm".to_owned(), (*name).to_owned());
        calls.totals.get(&key).copied().unwrap_or_default()
    };
    let (calls, credits) = READING
        .iter()
        .map(of)
        .fold((0, 0), |sum, total| (sum.0 + total.0, sum.1 + total.1));
    (calls - 2, credits - 4)
}

fn rig(contacts: usize) -> Rig {
    let rig = Rig::with(&Setup {
        people: 0,
        ..Setup::default()
    });
    rig.post(
        "/crm/generate",
        &json!({"module": "Contacts", "count": contacts}),
    );
    rig.sync("nobody", NOBODY);
    rig
}

fn read_in_full(rig: &Rig) -> (u64, u64) {
    rig.forget_calls();
    let run: Value = serde_json::from_str(&rig.done("sync nobody --full --json")).unwrap();
    assert_eq!((&run["full"], &run["total"]), (&json!(true), &json!(0)));
    reading(rig)
}

#[test]
fn a_read_in_full_costs_no_more_than_the_reference_says() {
    for (contacts, first, later, table) in [
        // The first read does not know how many there are: it asks once, when there is a second page.
        (1_000, (1, 3), (1, 2), (1, 2)),
        (10_000, (6, 16), (5, 15), (5, 15)),
        (50_000, (8, 59), (6, 55), (8, 57)),
        (200_000, (7, 58), (5, 54), (10, 60)),
    ] {
        let rig = rig(contacts);
        let first_read = read_in_full(&rig);
        let later_read = read_in_full(&rig);
        println!(
            "{contacts} contacts: {first_read:?} calls and credits, then {later_read:?}; the reference: {table:?}"
        );
        assert_eq!((first_read, later_read), (first, later), "{contacts}");
        assert!(later.0 <= table.0 && later.1 <= table.1, "{contacts}");
        let read = rig.events("run.finished").pop().unwrap();
        assert_eq!(read["not_selected"], contacts);
    }
}
