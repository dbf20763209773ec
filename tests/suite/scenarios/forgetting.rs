//! `rosterd forget`: a person is erased, and no sync ever adds them again.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::leaving::{contacts, imported, imported_with, later, standing};
use crate::crash::kill_at;
use crate::rig::{HOSPITALITY, NEWSLETTER, Rig, ran};

fn forget(rig: &Rig, address: &str) -> Value {
    serde_json::from_str(&rig.done(&format!("forget {address} --json"))).unwrap()
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let below = entries.flat_map(|path| match path.is_dir() {
        true => files(&path),
        false => vec![path],
    });
    below.collect()
}

/// The files of state and history in which any of these texts stands.
pub(crate) fn files_with(rig: &Rig, texts: &[&str]) -> Vec<String> {
    let all = ["state", "history"].map(|folder| files(&rig.path(folder)));
    let has = |path: &std::path::PathBuf| {
        let bytes = fs::read(path).unwrap();
        let found = |text: &&str| {
            let sought = text.as_bytes();
            bytes
                .windows(sought.len())
                .any(|window| window.eq_ignore_ascii_case(sought))
        };
        texts.iter().any(found)
    };
    let found = all.into_iter().flatten().filter(has);
    found.map(|path| path.display().to_string()).collect()
}

#[test]
fn of_a_person_who_was_erased_nothing_is_left_and_nobody_adds_them_again() {
    let (rig, people) = imported("deleted = \"unsubscribe\"");
    let (id, address) = &people[0];
    let names = json!({"First_Name": "Zebulonia", "Last_Name": "Quackenbosh"});
    rig.update("Contacts", id, &names);
    later(&rig);
    let traces = [address.as_str(), "Zebulonia", "Quackenbosh"];
    assert_ne!(files_with(&rig, &traces), [""; 0]);

    // However it is spelled.
    let said = forget(&rig, &address.to_ascii_uppercase());
    let want = json!({"unsubscribed": 1, "on_lists_of_others": 0, "files": 0, "known": true, "before": null});
    assert_eq!(said, want);
    assert_eq!(standing(&rig, address), "unsubscribed");
    assert_eq!(files_with(&rig, &traces), [""; 0]);
    assert_eq!(rig.events("address.forgotten").len(), 1);
    assert_eq!(rig.events("address.forgotten")[0]["unsubscribed"], 1);

    // The record is still in the CRM, changes, is imported anew, and gets a twin; and the ledger learns nothing of it.
    rig.update("Contacts", id, &json!({"Last_Name": "Quackenbosh-Lee"}));
    rig.forget_calls();
    let run = later(&rig);
    assert_eq!(
        (&run["total"], &run["ignored_by"]["do_not_mail"]),
        (&json!(1), &json!(1))
    );
    let ignored = rig.ignored(&run);
    assert_eq!(ignored[0]["record"], *id);
    assert_eq!(ignored[0]["address"], "");
    assert_eq!(ignored[0]["detail"], "erased, and never added again");
    rig.create(
        "Contacts",
        &json!({"Last_Name": "Quackenbosh", "Email": address}),
    );
    rig.done("sync newsletter --full");
    rig.sync(
        "others",
        &contacts("").replace("{ name = \"Newsletter\" }", &format!("\"{HOSPITALITY}\"")),
    );
    rig.import("others");
    assert_eq!(files_with(&rig, &traces), [""; 0]);
    let calls = rig.calls();
    for method in [
        "listsubscribe",
        "addlistsubscribersinbulk",
        "listunsubscribe",
    ] {
        assert!(!calls.addresses(method).contains(address), "{method}");
    }
    // Not even where Campaigns forgets the person, too, or they are put on the list by others.
    rig.act(&json!({ "delete_contact": address }));
    rig.done("sync newsletter --full");
    rig.act(&json!({"subscribe": {"list": NEWSLETTER, "address": address}}));
    rig.done("sync newsletter --full");
    assert_eq!(files_with(&rig, &traces), [""; 0]);
    assert!(!rig.calls().addresses("listsubscribe").contains(address));
    assert_eq!(standing(&rig, address), "active", "it is theirs");
}

#[test]
fn an_address_goes_from_the_files_of_ignored_contacts_and_the_rows_stay() {
    let (rig, _) = imported("");
    let support = "support@forgetting.example";
    rig.create("Contacts", &json!({"Last_Name": "Desk", "Email": support}));
    let run = later(&rig);
    assert_eq!(run["ignored_by"]["group_email"], 1);
    assert_eq!(rig.ignored(&run)[0]["address"], support);
    assert_eq!(forget(&rig, support)["files"], 1);
    let row = &rig.ignored(&run)[0];
    assert_eq!(
        (&row["address"], &row["reason"]),
        (&json!(""), &json!("group_email"))
    );
    // Nor does it come back with the next run.
    rig.done("sync newsletter --full");
    assert_eq!(files_with(&rig, &[support]), [""; 0]);
}

#[test]
fn who_was_never_seen_is_not_added_either_once_erased() {
    let (rig, _) = imported("");
    let never = "never-seen@example.com";
    let said = rig.done(&format!("forget {never}"));
    assert!(said.contains("nobody here knew this address"), "{said}");
    rig.create("Contacts", &json!({"Last_Name": "Never", "Email": never}));
    assert_eq!(later(&rig)["ignored_by"]["do_not_mail"], 1);
    assert_eq!(standing(&rig, never), "");
    // Asking twice does no harm, and is told once.
    let said = rig.done(&format!("forget {never}"));
    assert!(said.starts_with("erased already on "), "{said}");
    assert_eq!(rig.events("address.forgotten").len(), 1);
    let mut empty = rig.command("forget");
    empty.arg(" ");
    assert_eq!(ran(empty).code, Some(2));
}

#[test]
fn only_where_rosterd_put_them_are_people_taken_off_and_elsewhere_by_an_opt_out() {
    let (rig, people) = imported("");
    let (id, address) = &people[0];
    let stranger = "stranger@example.com";
    rig.act(&json!({"subscribe": {"list": NEWSLETTER, "address": stranger}}));
    let theirs = rig.create(
        "Contacts",
        &json!({"Last_Name": "Theirs", "Email": stranger}),
    );
    assert_eq!(later(&rig)["duplicate"], 1);
    let ran = rig.run(&format!("forget {stranger}"));
    assert!(
        ran.stderr
            .contains("stays on 1 list on which others put it"),
        "{}",
        ran.stderr
    );
    assert_eq!(standing(&rig, stranger), "active");
    assert_eq!(files_with(&rig, &[stranger]), [""; 0]);
    // The opt-out's own record says what the address is, until it has gone.
    rig.update("Contacts", &theirs, &json!({"Email_Opt_Out": true}));
    assert_eq!(later(&rig)["deleted"], 1);
    assert_eq!(standing(&rig, stranger), "unsubscribed");
    later(&rig);
    assert_eq!(files_with(&rig, &[stranger]), [""; 0]);
    // Others are not concerned.
    rig.update("Contacts", id, &json!({"Last_Name": "Other"}));
    assert_eq!(later(&rig)["updated"], 1);
    assert_eq!(standing(&rig, address), "active");
}

#[test]
fn an_erasure_that_campaigns_interrupts_keeps_the_person_off_and_is_done_by_asking_again() {
    let (rig, people) = imported_with("[retry]\ngive_up_after = \"1s\"\n", "");
    let address = &people[0].1;
    let down = json!({"status": {"status": 500, "body": "<html>sorry</html>"}});
    rig.fault(&json!({"method": "listunsubscribe", "what": down}));
    let ran = rig.run(&format!("forget {address}"));
    assert_eq!(ran.code, Some(75), "{}", ran.stderr);
    assert!(!ran.stderr.contains(address.as_str()), "{}", ran.stderr);
    assert_eq!(rig.events("address.forgotten").len(), 0);
    rig.forget_calls();
    rig.update("Contacts", &people[0].0, &json!({"Last_Name": "Changed"}));
    assert_eq!(later(&rig)["ignored_by"]["do_not_mail"], 1);
    assert_eq!(rig.calls().addresses("listsubscribe"), [""; 0]);
    rig.drop_faults();
    assert_eq!(forget(&rig, address)["unsubscribed"], 1);
    assert_eq!(files_with(&rig, &[address]), [""; 0]);
    assert_eq!(rig.events("address.forgotten").len(), 1);
}

#[test]
fn who_is_erased_while_a_run_is_interrupted_is_counted_and_not_added_when_it_goes_on() {
    let (rig, _) = imported("");
    let fresh = |number| format!("fresh-{number}@example.com");
    let records: Vec<Value> = (0..4)
        .map(|number| json!({"Last_Name": "F", "Email": fresh(number)}))
        .collect();
    rig.post("/crm/records/Contacts", &json!(records));
    rig.advance(600);
    rig.forget_calls();
    assert!(kill_at(
        &rig,
        &json!({"method": "listsubscriberscount", "after": 2, "times": 1, "what": "hang"})
    ));
    rig.drop_faults();
    forget(&rig, &fresh(2));
    rig.forget_calls();
    rig.done("sync newsletter");
    let finished = rig.events("run.finished");
    let resumed = &finished[1];
    assert_eq!(
        (&resumed["outcome"], &resumed["total"]),
        (&json!("completed"), &json!(4)),
        "{resumed}"
    );
    assert_eq!(
        (&resumed["new"], &resumed["ignored_by"]["do_not_mail"]),
        (&json!(3), &json!(1))
    );
    assert!(!rig.calls().addresses("listsubscribe").contains(&fresh(2)));
    assert_eq!(files_with(&rig, &[&fresh(2)]), [""; 0]);
}

#[test]
fn what_is_no_address_can_be_erased_too() {
    let (rig, _) = imported("");
    let written = ["jürgen@forgetting.example", "jane@forgettinghost"];
    for text in written {
        rig.create("Contacts", &json!({"Last_Name": "W", "Email": text}));
    }
    assert_eq!(later(&rig)["ignored_by"]["invalid_pattern"], 2);
    assert_ne!(files_with(&rig, &written), [""; 0]);
    assert_eq!(forget(&rig, "JÜRGEN@forgetting.example")["files"], 1);
    assert_eq!(forget(&rig, "Jane@ForgettingHost")["files"], 1);
    rig.done("sync newsletter --full");
    assert_eq!(files_with(&rig, &written), [""; 0]);
    for text in written {
        let told = rig.done(&format!("why {text}"));
        assert!(
            told.lines().nth(1).unwrap().starts_with("Erased on "),
            "{told}"
        );
    }
}

#[test]
fn an_erased_person_who_is_put_back_by_others_and_opts_out_goes_in_the_run_that_reads_it() {
    let (rig, people) = imported("");
    let (id, address) = &people[0];
    forget(&rig, address);
    rig.act(&json!({"policy": {"unsubscribed": "reinstate"}}));
    rig.act(&json!({"subscribe": {"list": NEWSLETTER, "address": address}}));
    rig.update("Contacts", id, &json!({"Email_Opt_Out": true}));
    let run = later(&rig);
    assert_eq!(
        (&run["full"], &run["deleted"]),
        (&json!(false), &json!(1)),
        "{run}"
    );
    assert_eq!(standing(&rig, address), "unsubscribed");
    later(&rig);
    assert_eq!(files_with(&rig, &[address]), [""; 0]);
}
