//! Kills in the middle: of an import, of an update, of removals; and answers that are lost.

use super::*;

/// Runs the sync, and all that an earlier process left of it, to its end.
fn go_on(rig: &Rig) {
    let ran = rig.run("sync newsletter");
    assert!(matches!(ran.code, Some(0 | 3)), "{}", ran.stderr);
}

/// Two rigs whose people are the same, with a first import done where `imported` says so.
fn pair(people: usize, imported: bool) -> (Rig, Rig) {
    let rigs = (rig(people), rig(people));
    if imported {
        go_on(&rigs.0);
        go_on(&rigs.1);
    }
    rigs
}

/// Kills the sync at other moments until it was killed so often, or is done; says how often it was killed.
fn kill_often(rig: &Rig, seed: u64, kills_max: usize, calls_max: usize) -> usize {
    let mut moments = Moments(seed);
    (0..kills_max)
        .take_while(|_| kill_at_call(rig, moments.below(calls_max)))
        .count()
}

#[test]
fn an_import_killed_twenty_times_ends_as_one_that_was_not() {
    let (undisturbed, killed) = pair(150, false);
    assert_eq!(kill_often(&killed, 20, 20, 30), 20);
    // It is still the same run, counted once.
    only_run(&killed);
    // `sync` completes the interrupted run, and then makes the one that was asked for.
    go_on(&killed);
    go_on(&undisturbed);
    go_on(&undisturbed);
    assert_same(&end(&killed), &end(&undisturbed));
}

#[test]
fn an_import_killed_at_every_kind_of_call_ends_as_one_that_was_not() {
    let (undisturbed, killed) = pair(60, false);
    for method in [
        "fields",
        "getmailinglists",
        "getlistsubscribers",
        "coql",
        "listsubscribe",
    ] {
        let fault = json!({ "method": method, "times": 1, "what": "hang" });
        assert!(kill_at(&killed, &fault), "{method} is never called");
    }
    let counted = json!({ "method": "listsubscriberscount", "times": 1, "what": "hang" });
    assert!(kill_at(&killed, &counted));
    go_on(&killed);
    go_on(&undisturbed);
    go_on(&undisturbed);
    assert_same(&end(&killed), &end(&undisturbed));
}

#[test]
fn an_update_killed_at_many_moments_ends_as_one_that_was_not() {
    let (undisturbed, killed) = pair(150, true);
    change(&undisturbed, 40, 3);
    change(&killed, 40, 3);
    assert!(kill_often(&killed, 5, 12, 14) >= 6);
    go_on(&killed);
    go_on(&undisturbed);
    go_on(&undisturbed);
    let (killed, undisturbed) = (end(&killed), end(&undisturbed));
    assert_same(&killed, &undisturbed);
    assert_eq!(killed.finished[1]["updated"], 40);
    assert_eq!(killed.finished[1]["deleted"], 5);
}

#[test]
fn removals_killed_one_after_the_other_are_counted_once() {
    let (undisturbed, killed) = pair(120, true);
    change(&undisturbed, 40, 3);
    change(&killed, 40, 3);
    for after in [0, 1, 2, 0] {
        let fault =
            json!({ "method": "listunsubscribe", "after": after, "times": 1, "what": "hang" });
        assert!(kill_at(&killed, &fault), "{after}");
    }
    go_on(&killed);
    go_on(&undisturbed);
    go_on(&undisturbed);
    assert_same(&end(&killed), &end(&undisturbed));
}

#[test]
fn who_leaves_the_list_in_person_before_a_killed_removal_is_made_is_not_added_again() {
    let killed = rig(60);
    killed.act(&json!({ "policy": { "unsubscribed": "reinstate", "bounced": "reinstate" } }));
    let people = ["left@example.org", "bounced@example.org"];
    let jo =
        |address: &&str| killed.create("Contacts", &json!({ "Last_Name": "Jo", "Email": address }));
    let records: Vec<String> = people.iter().map(jo).collect();
    killed.import("newsletter");
    killed.advance(600);
    for record in &records {
        killed.delete("Contacts", record);
    }
    killed.advance(600);
    // Both calls are under way at once, and neither comes to anything.
    let fault = json!({ "method": "listunsubscribe", "times": 2, "what": "hang" });
    assert!(kill_at(&killed, &fault));
    let active = || killed.members(NEWSLETTER, "active");
    let all_there = people.iter().all(|address| active().contains_key(*address));
    assert!(all_there, "the calls come to nothing");
    killed.act(&json!({ "unsubscribe": { "list": NEWSLETTER, "address": people[0] } }));
    killed.act(&json!({ "bounce": people[1] }));
    killed.import("newsletter");

    let _: Vec<String> = people.iter().map(jo).collect();
    killed.advance(600);
    let back = killed.import("newsletter");
    assert_eq!(back["re_added"], 0, "{back}");
    // Campaigns shows the one who bounced as unsubscribed, after the removal.
    assert_eq!(back["ignored_by"]["do_not_mail"], 2, "{back}");
    assert!(
        people
            .iter()
            .all(|address| !active().contains_key(*address))
    );
}

#[test]
fn a_run_killed_while_it_holds_removals_is_held_once() {
    let (undisturbed, killed) = pair(120, true);
    change(&undisturbed, 40, 9);
    change(&killed, 40, 9);
    assert!(kill_often(&killed, 9, 4, 12) >= 4);
    // The count is asked for before the first contact is sent (or was, before the kills), and after removals are held.
    let counted = json!({ "method": "listsubscriberscount", "times": 1, "what": "hang" });
    assert!(kill_at(&killed, &counted));
    go_on(&killed);
    go_on(&undisturbed);
    go_on(&undisturbed);
    let (killed, undisturbed) = (end(&killed), end(&undisturbed));
    assert_same(&killed, &undisturbed);
    assert_eq!(killed.finished[1]["outcome"], "held");
    assert_eq!(killed.finished[1]["deleted"], 2);
}

/// The ways in which Campaigns may answer for a contact that is on the list already, and with which the sync sends:
/// single calls, and bulk calls of a sync that maps nothing but the address.
fn answers_and_syncs() -> [(&'static str, String, &'static str); 4] {
    let bulk = format!("{ALL_CONTACTS}\n[map]\n\"First Name\" = \"\"\n\"Last Name\" = \"\"\n");
    [
        ("update", ALL_CONTACTS.to_owned(), "listsubscribe"),
        ("already_there", ALL_CONTACTS.to_owned(), "listsubscribe"),
        ("update", bulk.clone(), "addlistsubscribersinbulk"),
        ("already_there", bulk, "addlistsubscribersinbulk"),
    ]
}

/// A pair of rigs of this kind.
fn pair_of(answer: &str, sync: &str) -> (Rig, Rig) {
    let (one, other) = pair(100, false);
    for rig in [&one, &other] {
        rig.sync("newsletter", sync);
        rig.act(&json!({ "policy": { "existing_active": answer } }));
    }
    (one, other)
}

#[test]
fn calls_whose_answers_are_lost_are_made_again_and_counted_once() {
    for (answer, sync, method) in answers_and_syncs() {
        let (undisturbed, cut) = pair_of(answer, &sync);
        let lost = json!({ "after_effect": {} });
        for (method, after) in [
            (method, 0),
            (method, 4),
            ("coql", 0),
            ("getlistsubscribers", 1),
        ] {
            cut.fault(&json!({ "method": method, "after": after, "times": 1, "what": lost }));
        }
        let refused = json!({ "after_effect": { "status": 503 } });
        cut.fault(&json!({ "method": method, "after": 2, "times": 1, "what": refused }));
        go_on(&cut);
        assert_eq!(cut.get("/faults")["faults"], json!([]));
        go_on(&undisturbed);
        println!("{answer} by {method}");
        assert_same(&end(&cut), &end(&undisturbed));
    }
}

#[test]
fn a_kill_after_the_effect_and_before_its_answer_counts_once() {
    for (answer, sync, method) in answers_and_syncs() {
        let (undisturbed, killed) = pair_of(answer, &sync);
        for after in [1, 2, 3] {
            // While one call of a batch waits, others are carried out, and none of their answers is stored.
            let fault = json!({ "method": method, "after": after, "times": 1, "what": "hang" });
            assert!(kill_at(&killed, &fault), "{after}");
        }
        go_on(&killed);
        go_on(&undisturbed);
        go_on(&undisturbed);
        println!("{answer} by {method}");
        assert_same(&end(&killed), &end(&undisturbed));
    }
}
