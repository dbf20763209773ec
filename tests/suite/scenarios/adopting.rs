//! `rosterd adopt`: people whom others put on the list become the sync's own, where it selects them.

use serde_json::{Value, json};

use super::leaving::{contacts, later, standing};
use super::plain_contacts;
use crate::rig::{NEWSLETTER, Rig};

const RULES: &str = "deleted = \"unsubscribe\"\nleft = \"unsubscribe\"";

/// A rig with three selected people and a stranger on the list before rosterd came.
fn rig() -> (Rig, Vec<(String, String)>) {
    let rig = Rig::new(60);
    let people = plain_contacts(&rig);
    let there = people[..3].iter().map(|(_, address)| address.as_str());
    for address in there.chain(["stranger@example.com"]) {
        rig.act(&json!({"subscribe": {"list": NEWSLETTER, "address": address}}));
    }
    rig.sync("newsletter", &contacts(RULES));
    (rig, people)
}

fn adopt(rig: &Rig) -> Value {
    serde_json::from_str(&rig.done("adopt newsletter --json")).unwrap()
}

#[test]
fn contacts_that_were_adopted_go_by_the_rules_and_strangers_are_never_touched() {
    let (rig, people) = rig();
    let first = rig.import("newsletter");
    assert_eq!(first["duplicate"], 3);
    let new = first["new"].as_u64().unwrap();
    let answer = adopt(&rig);
    let want = json!({"sync": "newsletter", "adopted": 3, "already": new, "others": 1});
    assert_eq!(answer, want);
    let said = rig.done("adopt newsletter");
    let again = format!(
        "0 contacts on the list of newsletter adopted; {} were its own before; 1 other on the list stays as it is, as no record of the sync puts it there\n",
        new + 3
    );
    assert_eq!(said, again);
    assert_eq!(rig.journal().len(), 2, "no event of its own");

    rig.advance(600);
    rig.delete("Contacts", &people[0].0);
    rig.update("Contacts", &people[1].0, &json!({"Last_Name": "Left"}));
    assert_eq!(later(&rig)["deleted"], 2);
    for (_, address) in &people[..2] {
        assert_eq!(standing(&rig, address), "unsubscribed");
    }
    for address in [people[2].1.as_str(), "stranger@example.com"] {
        assert_eq!(standing(&rig, address), "active");
    }
    rig.done("sync newsletter --full");
    assert_eq!(standing(&rig, "stranger@example.com"), "active");
}

#[test]
fn what_a_sync_selects_has_to_be_known_before_it_adopts() {
    let (rig, people) = rig();
    let refused = |why: &str| {
        let ran = rig.run("adopt newsletter");
        assert_eq!(ran.code, Some(3), "{}", ran.stderr);
        assert!(ran.stderr.contains(why), "{}", ran.stderr);
    };
    refused("start `rosterd sync newsletter` first");
    rig.import("newsletter");
    let other = contacts(RULES).replace("\"Left\"", "\"Gone\"");
    rig.sync("newsletter", &other);
    refused("has not run as it is defined now");
    rig.sync("newsletter", &format!("active = false\n{other}"));
    refused("inactive");
    assert_eq!(rig.run("adopt nothing").code, Some(2));
    // Without having adopted anybody.
    rig.sync("newsletter", &contacts(RULES));
    rig.advance(600);
    rig.delete("Contacts", &people[0].0);
    assert_eq!(later(&rig)["deleted"], 0);
    assert_eq!(standing(&rig, &people[0].1), "active");
}

#[test]
fn who_left_the_list_is_not_adopted_and_who_opted_out_goes_in_any_case() {
    let (rig, people) = rig();
    rig.import("newsletter");
    rig.act(&json!({"unsubscribe": {"list": NEWSLETTER, "address": people[0].1}}));
    rig.update("Contacts", &people[1].0, &json!({"Email_Opt_Out": true}));
    assert_eq!(adopt(&rig)["adopted"], 2, "the opt-out is not read yet");
    assert_eq!(later(&rig)["deleted"], 1);
    assert_eq!(adopt(&rig)["adopted"], 0);
    rig.delete("Contacts", &people[0].0);
    rig.forget_calls();
    assert_eq!(later(&rig)["deleted"], 0);
    assert_eq!(rig.calls().addresses("listunsubscribe"), [""; 0]);
}
