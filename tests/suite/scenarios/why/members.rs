//! Who is on a list, and why.

use serde_json::json;

use super::super::leaving::{contacts, imported, later};
use super::super::{ALL_CONTACTS, plain_contacts};
use super::{assert_answers, document, only, told};
use crate::rig::{NEWSLETTER, Rig, Setup};

#[test]
fn a_member_is_on_the_list_because_of_a_record_and_all_that_was_sent_is_told() {
    let (rig, people) = imported("");
    let (id, address) = &people[0];
    let because = format!("because record {id} of Contacts matches.");
    assert_answers(&rig, address, &["On the list since ", &because]);
    let document = document(&rig, address);
    assert_eq!(document["address"], json!(address.to_lowercase()));
    assert_eq!(document["suppressed"], json!(null));
    let sync = &document["syncs"][0];
    assert_eq!(sync["sync"], "newsletter");
    assert_eq!(
        (&sync["on_list"], &sync["ours"]),
        (&json!(true), &json!(true))
    );
    let record = &sync["records"][0];
    for (key, want) in [
        ("id", json!(id)),
        ("selected", json!(true)),
        ("outcome", json!("duplicate")),
        ("wins", json!(true)),
    ] {
        assert_eq!(record[key], want, "{key}");
    }
    let condition = &record["conditions"][0];
    assert_eq!(condition["n"], 1);
    assert_eq!(condition["field"], "Last_Name");
    assert_eq!(condition["true"], true);
    assert_eq!(condition["value"], sync["last_sent"]["Last Name"]);
    let reply = &sync["last_reply"];
    assert_eq!(
        (&reply["asked"], &reply["said"]),
        (&json!("subscribe"), &json!("accepted"))
    );
    let text = told(&rig, address);
    let last = sync["last_sent"]["Last Name"].as_str().unwrap();
    for part in [
        format!("Last Name \"{last}\""),
        format!("Last Name is not \"Left\" (or is empty): true, it has \"{last}\""),
        "Campaigns was last asked to add or update it on ".to_owned(),
    ] {
        assert!(text.contains(&part), "{part}: {text}");
    }
}

#[test]
fn asking_why_costs_a_call_a_module_and_changes_nothing() {
    let (rig, people) = imported("");
    let before = (rig.journal().len(), rig.done("status --json"));
    rig.forget_calls();
    told(&rig, &people[0].1);
    let calls = rig.calls();
    assert_eq!(calls.of("campaigns"), (0, 0));
    assert_eq!(calls.of("crm"), (2, 2), "{:?}", calls.totals);
    assert_eq!((rig.journal().len(), rig.done("status --json")), before);
    // What it looked up for itself is not there for the next run either.
    rig.create(
        "Contacts",
        &json!({"Last_Name": "N", "Email": "new@example.org"}),
    );
    told(&rig, "new@example.org");
    let run = later(&rig);
    assert_eq!((&run["new"], &run["total"]), (&json!(1), &json!(1)));
}

#[test]
fn before_anything_ran_nothing_is_made_and_the_services_are_asked_for_the_names() {
    let rig = Rig::new(60);
    rig.sync("newsletter", ALL_CONTACTS);
    let (id, address) = &plain_contacts(&rig)[0];
    let answer = only(&rig, address)["answer"].clone();
    let want = format!(
        "Not on the list yet: record {id} of Contacts has this address, and the sync takes all, and the next run adds it."
    );
    assert_eq!(answer, json!(want));
    assert!(!rig.path("state").exists() && !rig.path("history").exists());
}

#[test]
fn who_is_new_since_the_last_run_is_added_by_the_next_one() {
    let (rig, _) = imported("");
    let id = rig.create(
        "Contacts",
        &json!({"Last_Name": "N", "Email": "new@example.org"}),
    );
    let yet =
        format!("Not on the list yet: record {id} of Contacts matches, and the next run adds it.");
    assert_answers(&rig, "new@example.org", &[&yet]);
    let sync = only(&rig, "new@example.org");
    assert_eq!(
        (
            &sync["next"],
            &sync["records"][0]["outcome"],
            &sync["last_sent"],
            &sync["last_reply"]
        ),
        (&json!("new"), &json!("new"), &json!(null), &json!(null))
    );
    later(&rig);
    assert_answers(&rig, "new@example.org", &["On the list since "]);
}

#[test]
fn a_contact_that_others_put_there_is_left_alone() {
    let rig = Rig::new(60);
    let people = plain_contacts(&rig);
    for address in ["stranger@example.com", &people[0].1] {
        rig.act(&json!({"subscribe": {"list": NEWSLETTER, "address": address}}));
    }
    rig.sync("newsletter", ALL_CONTACTS);
    rig.import("newsletter");
    let stranger =
        "put there by others: no record of Contacts has this address. rosterd leaves it alone";
    assert_answers(
        &rig,
        "stranger@example.com",
        &["On the list, seen there since ", stranger],
    );
    let sync = only(&rig, "stranger@example.com");
    assert_eq!(
        (&sync["on_list"], &sync["ours"], &sync["records"]),
        (&json!(true), &json!(false), &json!([]))
    );
    let updated = "where others put it; as record ";
    assert_answers(&rig, &people[0].1, &[updated, "rosterd adopt newsletter"]);
}

#[test]
fn a_value_that_is_longer_than_its_field_is_cut_and_that_is_told() {
    let rig = Rig::new(0);
    rig.act(&json!({"create_field": {"label": "Motto", "length_max": 5}}));
    let sync = ALL_CONTACTS.replace(
        "[advanced]",
        "[map]\n\"Motto\" = \"Department\"\n[advanced]",
    );
    rig.sync("newsletter", &sync);
    let contact = |address: &str, motto: &str| json!({"Last_Name": "A", "Email": address, "Department": motto});
    rig.create("Contacts", &contact("long@example.com", "Łódź 2026"));
    rig.create("Contacts", &contact("short@example.com", "Łódź"));
    rig.import("newsletter");
    let long = only(&rig, "long@example.com");
    assert_eq!(long["last_sent"]["Motto"], "Łódź ");
    assert_eq!(long["cut"], json!(["Motto"]));
    let text = told(&rig, "long@example.com");
    assert!(
        text.contains("`Motto` is longer than the field in Campaigns, and is cut"),
        "{text}"
    );
    assert_eq!(only(&rig, "short@example.com")["cut"], json!([]));
}

#[test]
fn a_removal_that_waits_for_a_person_is_told_with_its_run() {
    let rig = Rig::with(&Setup {
        settings: "[safety]\nmax_removals = 0\nmin_removals = 0\n",
        ..Setup::default()
    });
    rig.sync("newsletter", ALL_CONTACTS);
    rig.import("newsletter");
    let (id, address) = plain_contacts(&rig)[0].clone();
    rig.advance(60);
    rig.delete("Contacts", &id);
    assert_answers(
        &rig,
        &address,
        &["the next run takes it off, because its record is gone"],
    );
    rig.advance(60);
    assert_eq!(rig.run("sync newsletter").code, Some(3));
    let run = rig.events("run.held")[0]["run"].clone();
    let waits = format!(
        "waits for a person (`rosterd approve {}`",
        run.as_str().unwrap()
    );
    assert_answers(
        &rig,
        &address,
        &["On the list since ", "its record is gone", &waits],
    );
    let sync = only(&rig, &address);
    assert_eq!((&sync["held"], &sync["on_list"]), (&run, &json!(true)));
}

#[test]
fn a_removal_that_waits_is_taken_back_by_the_next_run_and_until_then_can_be_approved() {
    let setup = Setup {
        settings: "[safety]\nmax_removals = 0\nmin_removals = 0\n",
        ..Setup::default()
    };
    for is_approved in [false, true] {
        let rig = Rig::with(&setup);
        rig.sync("newsletter", ALL_CONTACTS);
        rig.import("newsletter");
        let (id, address) = plain_contacts(&rig)[0].clone();
        rig.advance(600);
        rig.delete("Contacts", &id);
        rig.advance(60);
        assert_eq!(rig.run("sync newsletter").code, Some(3));
        let run = rig.events("run.held")[0]["run"].clone();
        let run = run.as_str().unwrap();
        rig.advance(60);
        let back = json!({"Last_Name": "Back", "Email": address});
        let back = rig.create("Contacts", &back);
        let because = format!("because record {back} of Contacts has this address");
        let takes_back =
            format!("the next run takes back the removal that waits for a person in run {run}.");
        let approve = format!(
            "`rosterd approve {run}` before that would still carry it out, as it goes by what the last run read."
        );
        let parts = ["On the list since ", &because, &takes_back, &approve];
        assert_answers(&rig, &address, &parts);
        if is_approved {
            rig.done(&format!("approve {run}"));
            assert!(!rig.members(NEWSLETTER, "active").contains_key(&address));
        } else {
            rig.advance(600);
            rig.import("newsletter");
            assert_eq!(only(&rig, &address)["held"], json!(null));
            assert!(rig.members(NEWSLETTER, "active").contains_key(&address));
        }
    }
}

#[test]
fn who_stays_as_the_removal_was_discarded_is_told_that_it_may_be_so() {
    let rig = Rig::with(&Setup {
        settings: "[safety]\nmax_removals = 0\nmin_removals = 0\n",
        ..Setup::default()
    });
    rig.sync(
        "newsletter",
        &contacts("left = \"unsubscribe\"\ndeleted = \"unsubscribe\""),
    );
    rig.import("newsletter");
    let people = plain_contacts(&rig);
    rig.advance(600);
    rig.delete("Contacts", &people[0].0);
    rig.update("Contacts", &people[1].0, &json!({"Last_Name": "Left"}));
    rig.advance(60);
    assert_eq!(rig.run("sync newsletter").code, Some(3));
    let run = rig.events("run.held")[0]["run"].clone();
    rig.done(&format!("discard {}", run.as_str().unwrap()));
    let may_be = "or for a record that is gone, or whose removal was discarded.";
    assert_answers(&rig, &people[0].1, &["On the list since ", may_be]);
    let was = "does not match: condition 1 ";
    assert_answers(&rig, &people[1].1, &[was, ": its removal was discarded."]);
}

#[test]
fn how_it_stands_is_told_as_of_the_run_that_found_it_and_in_which_zone() {
    let rig = Rig::new(60);
    rig.sync("newsletter", ALL_CONTACTS);
    let address = &plain_contacts(&rig)[0].1;
    let before = told(&rig, address);
    assert!(!before.contains("found it"), "there was no run: {before}");
    rig.import("newsletter");
    let as_of = only(&rig, address)["as_of"].clone();
    let ended = rig.events("run.finished")[0]["at"].clone();
    assert_eq!(
        as_of.as_str().unwrap()[..19],
        ended.as_str().unwrap()[..19],
        "{as_of} {ended}"
    );
    let text = told(&rig, address);
    let found = text.matches("  As the run that ended on ").count();
    let zones = text.matches("\nAll times are those of ").count();
    assert_eq!((found, zones), (1, 1), "{text}");
    rig.advance(600);
    rig.create(
        "Contacts",
        &json!({"Last_Name": "N", "Email": "new@example.org"}),
    );
    rig.act(&json!({"subscribe": {"list": NEWSLETTER, "address": "new@example.org"}}));
    let text = told(&rig, "new@example.org");
    let others = "found it; whom others put on the list after ";
    assert!(
        text.contains("Not on the list yet") && text.contains(others),
        "{text}"
    );
}

#[test]
fn what_the_next_run_sends_is_told_without_naming_a_change_that_was_none() {
    let (rig, people) = imported("");
    let (id, address) = &people[0];
    // Another record wins, and neither has changed.
    let other = rig.create("Contacts", &json!({"Last_Name": "Other", "Email": address}));
    let text = told(&rig, address);
    let differs = format!(
        "That is not what the fields of record {other} are now; the next run sends what differs."
    );
    assert!(text.contains(&differs), "{text}");
    assert!(!text.contains("has changed since"), "{id}: {text}");
}

#[test]
fn a_list_that_no_sync_fills_any_more_is_told_of_as_well() {
    let (rig, people) = imported("");
    let address = &people[0].1;
    let elsewhere = ALL_CONTACTS.replace("\"Newsletter\" }", "\"Event guests\" }");
    rig.sync("newsletter", &elsewhere);
    let text = told(&rig, address);
    assert!(
        text.contains("\nnewsletter\n  Not on the list yet"),
        "{text}"
    );
    let also = format!("\nAlso on the list {NEWSLETTER} of account main since ");
    assert!(text.contains(&also), "{text}");
    assert_eq!(
        document(&rig, address)["other_lists"][0]["list"],
        NEWSLETTER
    );
}

#[test]
fn two_syncs_each_tell_their_own() {
    let (rig, people) = imported("");
    let second = ALL_CONTACTS.replace("\"Newsletter\" }", "\"Event guests\" }");
    rig.sync("guests", &second);
    let (id, address) = &people[0];
    let document = document(&rig, address);
    let syncs = document["syncs"].as_array().unwrap();
    let answers: Vec<_> = syncs
        .iter()
        .map(|sync| (&sync["sync"], &sync["on_list"]))
        .collect();
    let [guests, newsletter] = ["guests", "newsletter"].map(|id| json!(id));
    assert_eq!(
        answers,
        [(&guests, &json!(false)), (&newsletter, &json!(true))]
    );
    let text = told(&rig, address);
    let order = [
        text.find("\nguests\n  Not on the list yet"),
        text.find("\nnewsletter\n  On the list"),
    ];
    assert!(order[0].is_some() && order[0] < order[1], "{text}");
    let one = told(&rig, &format!("{address} newsletter"));
    assert!(
        !one.contains("guests") && one.contains(id.as_str()),
        "{one}"
    );
    let unknown = rig.run(&format!("why {address} nothing"));
    assert_eq!(unknown.code, Some(2));
    assert!(
        unknown.stderr.contains("use one of guests, newsletter"),
        "{}",
        unknown.stderr
    );
}
