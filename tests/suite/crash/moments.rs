//! Kills in the middle: of an import, of an update, of removals; and answers that are lost.

use super::*;

/// Runs the sync until it is done, and asserts that it then ended well.
fn go_on(rig: &Rig) {
    let ran = rig.run("sync newsletter");
    assert!(matches!(ran.code, Some(0 | 3)), "{}", ran.stderr);
}

/// Changes that an update run has to find: edits, an opt-out, deletions, someone new, someone who comes back.
fn change(rig: &Rig, deletions: usize) {
    let mut records = rig.records("Contacts");
    records.retain(|record| {
        let address = record["Email"].as_str().unwrap_or_default().to_lowercase();
        rig_has(rig, &address) && record["Email_Opt_Out"] == json!(false)
    });
    let id = |place: usize| records[place]["id"].as_str().unwrap().to_owned();
    for place in 0..40 {
        rig.update(
            "Contacts",
            &id(place),
            &json!({ "Last_Name": format!("Renamed {place}") }),
        );
    }
    rig.update("Contacts", &id(40), &json!({ "Email_Opt_Out": true }));
    rig.update("Contacts", &id(41), &json!({ "Email_Opt_Out": true }));
    for place in 42..42 + deletions {
        rig.delete("Contacts", &id(place));
    }
    let person = json!({ "Last_Name": "Late", "Email": "late@example.net" });
    rig.create("Contacts", &person);
}

fn rig_has(rig: &Rig, address: &str) -> bool {
    !address.is_empty()
        && rig.get(&format!("/lists/{NEWSLETTER}"))["contacts"]
            .as_array()
            .unwrap()
            .iter()
            .any(|contact| contact["address"].as_str().unwrap().to_lowercase() == address)
}

#[test]
fn an_import_killed_twenty_times_ends_as_one_that_was_not() {
    let undisturbed = rig(150);
    go_on(&undisturbed);
    let killed = rig(150);
    let (mut moments, mut kills) = (Moments(20), 0);
    while kills < 20 {
        assert!(
            kill_at_call(&killed, moments.below(30)),
            "it ended after {kills} kills"
        );
        kills += 1;
    }
    go_on(&killed);
    // `sync` completes the interrupted run, and then makes the one that was asked for.
    let runs = killed.events("run.finished");
    assert_eq!(runs.len(), 2);
    go_on(&undisturbed);
    assert_eq!(end(&killed), end(&undisturbed));
}
