//! Accounts on the topic model: an unsubscribe counts for the whole organisation, and rosterd knows its own.

use serde_json::{Value, json};

use crate::rig::{HOSPITALITY, NEWSLETTER, Rig, Setup};

const ADDRESS: &str = "both@example.com";

fn sync(module: &str, list: &str, advanced: &str) -> String {
    format!(
        "name = \"{module} {list}\"\nmodule = \"{module}\"\nlist = \"{list}\"\nselect = {{ all = true }}\n\
         schedule = {{ every = \"hour\" }}\n[advanced]\n{advanced}\n"
    )
}

/// A person who is a contact on one list and a lead on another: the ids of both. Whoever was unsubscribed may come back.
fn twofold(account: &'static str, advanced: &str) -> (Rig, String, String) {
    let rig = Rig::with(&Setup {
        people: 30,
        account,
        ..Setup::default()
    });
    rig.act(&json!({"policy": {"topic_model": true, "unsubscribed": "reinstate"}}));
    rig.sync("contacts", &sync("Contacts", NEWSLETTER, advanced));
    rig.sync("leads", &sync("Leads", HOSPITALITY, advanced));
    let contact = json!({"First_Name": "Con", "Last_Name": "Tact", "Email": ADDRESS});
    let contact = rig.create("Contacts", &contact);
    let lead = json!({"First_Name": "Lea", "Last_Name": "D", "Company": "B", "Email": ADDRESS});
    let lead = rig.create("Leads", &lead);
    rig.advance(600);
    rig.import("contacts");
    rig.import("leads");
    for list in [NEWSLETTER, HOSPITALITY] {
        assert!(is_active(&rig, list), "{list}");
    }
    rig.advance(600);
    (rig, contact, lead)
}

fn is_active(rig: &Rig, list: &str) -> bool {
    rig.members(list, "active").contains_key(ADDRESS)
}

fn later(rig: &Rig, sync: &str) -> Value {
    rig.advance(600);
    rig.import(sync)
}

const TOPICS: &str = "pace = \"off\"\ntopics = true\n";
const NO_TOPICS: &str = "pace = \"off\"\n";

#[test]
fn an_unsubscribe_that_rosterd_made_for_one_list_is_known_as_its_own_on_another() {
    for (account, re_added) in [(TOPICS, 1), (NO_TOPICS, 0)] {
        let (rig, contact, lead) = twofold(account, "deleted = \"unsubscribe\"");
        rig.delete("Contacts", &contact);
        assert_eq!(later(&rig, "contacts")["deleted"], 1);
        assert!(!is_active(&rig, HOSPITALITY), "it counts for all lists");
        let run = later(&rig, "leads");
        assert_eq!(
            (&run["re_added"], &run["total"]),
            (&json!(re_added), &json!(re_added)),
            "{account}"
        );
        assert_eq!(is_active(&rig, HOSPITALITY), re_added == 1);
        // What the person does afterwards is the person's own, and counts for good.
        if re_added == 1 {
            rig.act(&json!({"unsubscribe": {"list": HOSPITALITY, "address": ADDRESS}}));
        }
        rig.update("Leads", &lead, &json!({"Last_Name": "Different"}));
        rig.forget_calls();
        let run = later(&rig, "leads");
        assert_eq!(run["ignored_by"]["do_not_mail"], 1, "{account}");
        assert_eq!(rig.calls().addresses("listsubscribe"), [""; 0]);
    }
}

#[test]
fn a_personal_unsubscribe_from_one_list_keeps_the_person_off_all_others() {
    let (rig, _, lead) = twofold(TOPICS, "deleted = \"unsubscribe\"");
    rig.act(&json!({"unsubscribe": {"list": NEWSLETTER, "address": ADDRESS}}));
    later(&rig, "contacts");
    // A list that the person was never on shows nothing of it.
    rig.sync("guests", &sync("Leads", "3zeventguests", ""));
    rig.update("Leads", &lead, &json!({"Last_Name": "Different"}));
    rig.forget_calls();
    for id in ["guests", "leads"] {
        let run = later(&rig, id);
        assert_eq!(run["ignored_by"]["do_not_mail"], 1, "{id}: {run}");
    }
    let sent = rig.calls().addresses("listsubscribe");
    assert!(!sent.contains(&ADDRESS.to_owned()), "{sent:?}");
}

#[test]
fn who_opts_in_again_comes_back_on_every_list_that_rosterd_took_it_off() {
    let (rig, contact, _) = twofold(TOPICS, "opted_in_again = \"add\"");
    rig.update("Contacts", &contact, &json!({"Email_Opt_Out": true}));
    for id in ["contacts", "leads"] {
        later(&rig, id);
    }
    for list in [NEWSLETTER, HOSPITALITY] {
        assert!(!is_active(&rig, list), "{list}");
    }
    rig.update("Contacts", &contact, &json!({"Email_Opt_Out": false}));
    for (id, list) in [("contacts", NEWSLETTER), ("leads", HOSPITALITY)] {
        let run = later(&rig, id);
        assert_eq!(run["re_added"], 1, "{id}: {run}");
        assert!(is_active(&rig, list), "{list}");
    }
}

#[test]
fn nobody_is_taken_off_for_a_record_whom_others_put_on_another_list() {
    for (account, active) in [(TOPICS, true), (NO_TOPICS, false)] {
        let (rig, contact, lead) = twofold(account, "deleted = \"unsubscribe\"");
        rig.delete("Leads", &lead);
        later(&rig, "leads");
        later(&rig, "contacts");
        // They are put on the leads' list by hand, and rosterd reads that.
        rig.act(&json!({"subscribe": {"list": HOSPITALITY, "address": ADDRESS}}));
        rig.advance(600);
        rig.done("sync leads --full");
        rig.done("sync contacts --full");
        rig.delete("Contacts", &contact);
        later(&rig, "contacts");
        assert!(is_active(&rig, HOSPITALITY) || !active, "{account}");
        assert_eq!(is_active(&rig, NEWSLETTER), active, "{account}");
    }
}
