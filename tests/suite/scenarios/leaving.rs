//! What becomes of contacts whose records are deleted, leave the selection or their address, opt out and in again.

mod again;
mod kept;
mod removed;

use serde_json::{Value, json};

use super::plain_contacts;
use crate::rig::{HOSPITALITY, NEWSLETTER, Rig, Setup};

/// Contacts but those called "Left" onto the newsletter's list, with an `[advanced]` table.
pub(crate) fn contacts(advanced: &str) -> String {
    format!(
        "name = \"Newsletter\"\nmodule = \"Contacts\"\nlist = {{ name = \"Newsletter\" }}\n\
         schedule = {{ every = \"hour\" }}\n[[select.criteria]]\nfield = \"Last_Name\"\n\
         operator = \"is_not\"\nvalue = \"Left\"\n[advanced]\n{advanced}\n"
    )
}

/// A rig whose sync has run once, and contacts that are on the list. Who was unsubscribed may come back.
pub(crate) fn imported(advanced: &str) -> (Rig, Vec<(String, String)>) {
    imported_with(Setup::default().settings, advanced)
}

pub(crate) fn imported_with(
    settings: &'static str,
    advanced: &str,
) -> (Rig, Vec<(String, String)>) {
    let rig = Rig::with(&Setup {
        settings,
        ..Setup::default()
    });
    rig.act(&json!({"policy": {"unsubscribed": "reinstate"}}));
    rig.sync("newsletter", &contacts(advanced));
    rig.import("newsletter");
    let people = plain_contacts(&rig);
    rig.advance(600);
    (rig, people)
}

/// Runs the sync a while later.
pub(crate) fn later(rig: &Rig) -> Value {
    rig.advance(600);
    rig.import("newsletter")
}

/// How an address stands on the newsletter's list: `active`, `unsubscribed`, or nothing.
pub(crate) fn standing(rig: &Rig, address: &str) -> &'static str {
    let on = |standing| rig.members(NEWSLETTER, standing).contains_key(address);
    match (on("active"), on("unsubscribed")) {
        (true, _) => "active",
        (false, true) => "unsubscribed",
        (false, false) => "",
    }
}

fn tags(rig: &Rig, address: &str) -> Value {
    rig.get(&format!("/contacts/{address}"))["tags"].clone()
}

/// Makes records leave in every way there is; their addresses, which the records do not have any more or not selected.
fn leave(rig: &Rig, people: &[(String, String)]) -> Vec<String> {
    let ways = [
        json!({"Last_Name": "Left"}),
        json!({"Email": "elsewhere@example.org"}),
        json!({"Email": null}),
        json!({"Email": "jane@aol"}),
        json!({"Email": "info@left.example"}),
    ];
    let left = people.iter().zip(ways).map(|((id, address), fields)| {
        rig.update("Contacts", id, &fields);
        address.clone()
    });
    left.collect()
}

#[test]
fn a_record_that_leaves_the_selection_or_its_address_goes_by_left_and_by_default_stays() {
    for (advanced, want, deleted) in [
        ("", "active", 0),
        ("left = \"keep\"", "active", 0),
        ("left = \"unsubscribe\"", "unsubscribed", 5),
        ("left = \"remove\"", "unsubscribed", 5),
        ("deleted = \"unsubscribe\"", "active", 0),
    ] {
        let (rig, people) = imported(advanced);
        let left = leave(&rig, &people);
        let run = later(&rig);
        for address in &left {
            assert_eq!(standing(&rig, address), want, "{advanced}: {address}");
        }
        assert_eq!(run["deleted"], deleted, "{advanced}");
        assert_eq!((&run["new"], &run["total"]), (&json!(1), &json!(4)));
        assert_eq!(run["not_selected"], 1);
        assert_eq!(standing(&rig, "elsewhere@example.org"), "active");
        rig.forget_calls();
        assert_eq!(later(&rig)["deleted"], 0, "{advanced}: it is done");
        assert_eq!(rig.calls().addresses("listunsubscribe"), [""; 0]);
    }
}

#[test]
fn a_filter_change_does_not_unsubscribe_people_for_ever() {
    let (rig, people) = imported("left = \"unsubscribe\"");
    let (id, address) = &people[0];
    rig.update("Contacts", id, &json!({"First_Name": "Nobody"}));
    later(&rig);
    let old = contacts("left = \"unsubscribe\"");
    let filter = old
        .replace("\"Last_Name\"", "\"First_Name\"")
        .replace("\"Left\"", "\"Nobody\"");
    rig.sync("newsletter", &filter);
    assert_eq!(later(&rig)["deleted"], 1);
    assert_eq!(standing(&rig, address), "unsubscribed");
    rig.sync("newsletter", &old);
    let back = later(&rig);
    assert_eq!((&back["re_added"], &back["new"]), (&json!(1), &json!(0)));
    assert_eq!(standing(&rig, address), "active");
}

#[test]
fn a_converted_lead_that_is_excluded_goes_by_left() {
    let rig = Rig::new(60);
    let leads = |advanced: &str| {
        format!(
            "name = \"L\"\nmodule = \"Leads\"\nlist = \"{HOSPITALITY}\"\nschedule = {{ every = \"hour\" }}\n\
             [[select.criteria]]\nfield = \"Last_Name\"\noperator = \"is_not_empty\"\n\
             [advanced]\nexclude_converted = true\n{advanced}\n"
        )
    };
    let ids = ["keeper@example.com", "goer@example.com"].map(|address| {
        let lead = json!({"Last_Name": "C", "Company": "C", "Email": address});
        rig.create("Leads", &lead)
    });
    rig.sync("leads", &leads(""));
    rig.import("leads");
    rig.advance(600);
    rig.convert(&ids[0]);
    rig.advance(60);
    let kept = rig.import("leads");
    assert_eq!(
        (&kept["deleted"], &kept["ignored_by"]["converted"]),
        (&json!(0), &json!(1))
    );
    rig.sync("leads", &leads("left = \"unsubscribe\""));
    rig.advance(600);
    rig.convert(&ids[1]);
    rig.advance(60);
    let gone = rig.import("leads");
    assert_eq!(
        (&gone["deleted"], &gone["ignored_by"]["converted"]),
        (&json!(1), &json!(1))
    );
    let active = rig.members(HOSPITALITY, "active");
    assert!(
        active.contains_key("keeper@example.com"),
        "left before the rule"
    );
    assert!(!active.contains_key("goer@example.com"));
}

#[test]
fn a_contact_that_others_put_there_is_never_taken_off_for_a_record_that_left_or_was_deleted() {
    let rig = Rig::new(60);
    let people = plain_contacts(&rig);
    for (_, address) in &people[..2] {
        rig.act(&json!({"subscribe": {"list": NEWSLETTER, "address": address}}));
    }
    rig.act(&json!({"subscribe": {"list": NEWSLETTER, "address": "stranger@example.com"}}));
    rig.sync(
        "newsletter",
        &contacts("deleted = \"remove\"\nleft = \"remove\""),
    );
    let first = rig.import("newsletter");
    assert_eq!(first["duplicate"], 2);
    rig.advance(600);
    rig.update("Contacts", &people[0].0, &json!({"Last_Name": "Left"}));
    rig.delete("Contacts", &people[1].0);
    let run = later(&rig);
    assert_eq!(run["deleted"], 0);
    rig.done("sync newsletter --full");
    for address in [&people[0].1, &people[1].1, "stranger@example.com"] {
        assert_eq!(standing(&rig, address), "active", "{address}");
    }
}

#[test]
fn a_person_whom_another_sync_wants_on_the_list_stays_whatever_left_says() {
    let (rig, people) = imported("left = \"unsubscribe\"\ndeleted = \"unsubscribe\"");
    let second = contacts("left = \"unsubscribe\"").replace("\"Left\"", "\"Gone\"");
    rig.sync(
        "second",
        &second.replace("name = \"Newsletter\"\nmodule", "name = \"2\"\nmodule"),
    );
    rig.import("second");
    let (id, address) = &people[0];
    rig.advance(600);
    rig.update("Contacts", id, &json!({"Last_Name": "Left"}));
    assert_eq!(later(&rig)["deleted"], 0);
    assert_eq!(standing(&rig, address), "active");
    rig.import("second");
    rig.advance(600);
    rig.update("Contacts", id, &json!({"Last_Name": "Gone"}));
    // The first one wants the person again, and the second one does not.
    later(&rig);
    rig.import("second");
    assert_eq!(standing(&rig, address), "active");
    rig.advance(600);
    rig.delete("Contacts", id);
    assert_eq!(later(&rig)["deleted"], 1);
    assert_eq!(standing(&rig, address), "unsubscribed");
}

#[test]
fn another_list_in_the_definition_moves_nobody_off_the_old_one() {
    let advanced = "left = \"unsubscribe\"\ndeleted = \"unsubscribe\"";
    let (rig, people) = imported(advanced);
    let before = rig.members(NEWSLETTER, "active").len();
    let elsewhere =
        contacts(advanced).replace("{ name = \"Newsletter\" }", "{ name = \"Event guests\" }");
    rig.sync("newsletter", &elsewhere);
    assert_eq!(later(&rig)["deleted"], 0);
    assert_eq!(rig.members(NEWSLETTER, "active").len(), before);
    rig.delete("Contacts", &people[0].0);
    rig.update("Contacts", &people[1].0, &json!({"Last_Name": "Left"}));
    assert_eq!(later(&rig)["deleted"], 2, "off the new list");
    for (_, address) in &people[..2] {
        assert_eq!(standing(&rig, address), "active", "nobody said so");
        let guests = rig.members("3zeventguests", "unsubscribed");
        assert!(guests.contains_key(address));
    }
    // Another sync of the old list does not keep anybody there for the sake of this one.
    rig.update("Contacts", &people[2].0, &json!({"Email_Opt_Out": true}));
    assert_eq!(later(&rig)["deleted"], 2, "an opt-out counts on both");
    assert_eq!(standing(&rig, &people[2].1), "unsubscribed");
}
