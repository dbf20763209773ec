//! Calls that only some runs make: counts, tags, walks by page token. And whether any call is left out.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use rosterd::zoho::{campaigns, crm};
use serde_json::json;

use super::answers::{self, Answer};
use super::{SETTINGS, assert_recovers, meet, meet_after, meets, rig, undisturbed, watched};
use crate::rig::{NEWSLETTER, Rig, Setup};
use crate::scenarios::{ALL_CONTACTS, plain_contacts};

/// Somebody who has not been there.
fn create(rig: &Rig, name: &str) -> String {
    let address = format!("{name}@guests.example");
    rig.create("Contacts", &json!({"Last_Name": name, "Email": address}));
    rig.pass(600);
    address
}

#[test]
fn whatever_a_count_is_answered_nobody_is_added_before_it_and_everybody_in_the_end() {
    let rig = rig();
    let mut wanted = undisturbed(&rig);
    wanted.insert(create(&rig, "before"));
    let count = ("campaigns", "listsubscriberscount");
    meet(&rig, 1, "Campaigns", count);
    assert_eq!(rig.calls().addresses("listsubscribe"), [""; 0]);
    // And at the end, when somebody has been added.
    let prepare = |number| {
        create(&rig, &format!("end-{number}"));
    };
    meet_after(&rig, 3, "Campaigns", count, (1, &prepare));
    let ends = (0..answers::answers().len()).filter(|number| meets(3, *number));
    wanted.extend(ends.map(|number| format!("end-{number}@guests.example")));
    assert_recovers(&rig, &wanted);
}

#[test]
fn whatever_a_walk_by_page_token_is_answered_nobody_leaves_the_list() {
    let rig = rig();
    let mark = json!({"mark_view": {"name": "All Contacts", "coql": false, "bulk": false}});
    rig.patch("/crm/modules/Contacts", &mark);
    let view = "select = { view = \"All Contacts\" }";
    let view = ALL_CONTACTS.replace("select = { all = true }", view);
    rig.sync(
        "newsletter",
        &view.replace("\"unsubscribe\"", "\"unsubscribe\"\nleft = \"unsubscribe\""),
    );
    let wanted = undisturbed(&rig);
    assert!(wanted.len() > 10);
    rig.pass(600);
    meet(&rig, 2, "CRM", ("crm", "records"));
    assert_recovers(&rig, &wanted);
}

#[test]
fn whatever_a_tag_is_answered_who_is_removed_is_off_the_list_and_the_run_completes() {
    for (of, (api, method)) in [
        (0, ("campaigns", "tag/associate")),
        (1, ("campaigns", "tag/add")),
    ] {
        let rig = Rig::with(&Setup {
            people: 80,
            settings: SETTINGS,
            ..Setup::default()
        });
        rig.sync(
            "newsletter",
            &ALL_CONTACTS.replace("\"unsubscribe\"", "\"remove\""),
        );
        let mut wanted = undisturbed(&rig);
        let mut people = plain_contacts(&rig).into_iter();
        for (number, answer) in answers::answers().iter().enumerate() {
            if !meets(of, number) {
                continue;
            }
            let (id, address) = people.next().unwrap();
            rig.delete("Contacts", &id);
            rig.pass(600);
            rig.fault(&json!({"service": api, "method": method, "what": answer.what}));
            rig.forget_calls();
            let ran = watched(&rig, "sync newsletter --json");
            let name = answer.name;
            assert_eq!(ran.code, Some(0), "{name}: {}", ran.stderr);
            assert!(
                ran.stderr.contains("cannot be tagged"),
                "{name}: {}",
                ran.stderr
            );
            let struck = rig.calls().log.iter().any(|call| call["faulted"] == true);
            assert!(struck, "{name} never met {method}");
            rig.drop_faults();
            assert!(wanted.remove(&address));
            let members: BTreeSet<String> = rig.members(NEWSLETTER, "active").into_keys().collect();
            assert_eq!(members, wanted, "{name}");
            answer.assert_not_followed();
        }
        assert_recovers(&rig, &wanted);
    }
}

#[test]
fn whatever_a_login_is_answered_no_token_is_stored_and_none_is_shown() {
    let rig = rig();
    let before = fs::read_to_string(rig.path("secrets/refresh_token")).unwrap();
    let calls = [
        ("accounts", "token"),
        ("crm", "org"),
        ("campaigns", "getmailinglists"),
    ];
    for (of, (api, method)) in calls.into_iter().enumerate() {
        for (number, answer) in answers::answers().iter().enumerate() {
            // Who has no list has an empty answer.
            if !meets(of, number) || answer.is_nothing && method == "getmailinglists" {
                continue;
            }
            rig.post("/accounts", &json!({"reset_throttle": true}));
            let code = rig.post("/accounts/codes", &json!({}))["code"].take();
            rig.fault(&json!({"service": api, "method": method, "what": answer.what}));
            let ran = crate::rig::child::given(
                rig.command("login main"),
                &format!("{}\n", code.as_str().unwrap()),
            );
            rig.drop_faults();
            let name = answer.name;
            assert!(
                [1, 75, 77].contains(&ran.code.unwrap()),
                "{method} {name}: {}",
                ran.stderr
            );
            assert!(!ran.stderr.contains("panicked"), "{name}: {}", ran.stderr);
            let kept = fs::read_to_string(rig.path("secrets/refresh_token")).unwrap();
            assert_eq!(kept, before, "{method} {name}");
            Answer::assert_not_followed(answer);
        }
    }
}

/// Every call that the clients make, as the sandbox counts it.
fn every_call() -> BTreeSet<(&'static str, &'static str)> {
    let crm = crm::Method::ALL.map(|method| match method {
        crm::Method::Coql => "coql",
        crm::Method::Records => "records",
        crm::Method::Deleted => "deleted",
        crm::Method::Modules => "modules",
        crm::Method::Fields => "fields",
        crm::Method::Views => "custom_views",
        crm::Method::Organisation => "org",
        crm::Method::BulkCreate => "bulk_create",
        crm::Method::BulkStatus => "bulk_status",
        crm::Method::BulkRows => "bulk_result",
    });
    let campaigns = campaigns::Method::ALL.map(campaigns::Method::name);
    let crm = crm.into_iter().map(|method| ("crm", method));
    let campaigns = campaigns.into_iter().map(|method| ("campaigns", method));
    crm.chain(campaigns)
        .chain([("accounts", "token")])
        .collect()
}

#[test]
fn every_call_of_the_clients_meets_these_answers() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/hostile");
    let files = fs::read_dir(folder).unwrap();
    let files = files.map(|entry| entry.unwrap().path());
    let sources: String = files
        .filter(|path| path.is_file())
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let is_met =
        |(api, method): &(&str, &str)| sources.contains(&format!("(\"{api}\", \"{method}\")"));
    let left_out: Vec<_> = every_call()
        .into_iter()
        .filter(|call| !is_met(call))
        .collect();
    assert_eq!(left_out, [("", ""); 0]);
}
