//! What people fear of a tool that keeps lists, each fear as a test.

use serde_json::{Value, json};

use super::leaving::{contacts, imported, later, standing};
use super::plain_contacts;
use crate::rig::{HOSPITALITY, NEWSLETTER, Rig, Setup};

/// Whoever is gone goes, and the worst a service could do: whoever is sent gets mail again.
const ALL_GO: &str = "deleted = \"unsubscribe\"\nleft = \"unsubscribe\"";

#[test]
fn an_unsubscribed_person_is_not_put_back_by_a_profile_edit_nor_by_a_re_import() {
    let (rig, people) = imported(ALL_GO);
    let (id, address) = &people[0];
    rig.act(&json!({"unsubscribe": {"list": NEWSLETTER, "address": address}}));
    rig.update("Contacts", id, &json!({"Last_Name": "Edited"}));
    assert_eq!(later(&rig)["ignored_by"]["do_not_mail"], 1);
    rig.advance(600);
    rig.done("sync newsletter --full");
    // Nor by a new record, nor when its record goes and comes back.
    rig.create("Contacts", &json!({"Last_Name": "Anew", "Email": address}));
    later(&rig);
    rig.delete("Contacts", id);
    later(&rig);
    rig.restore("Contacts", id);
    later(&rig);
    assert_eq!(standing(&rig, address), "unsubscribed");
    let sent = rig.calls().addresses("listsubscribe");
    let times = sent.iter().filter(|sent| *sent == address).count();
    assert_eq!(times, 1, "by the first import alone");
}

#[test]
fn subscribers_that_rosterd_never_added_are_never_deleted() {
    let rig = Rig::new(60);
    let strangers: Vec<String> = (0..30)
        .map(|n| format!("stranger{n}@example.com"))
        .collect();
    for address in &strangers {
        rig.act(&json!({"subscribe": {"list": NEWSLETTER, "address": address}}));
    }
    let rules = "deleted = \"remove\"\nleft = \"remove\"\nopted_out = \"remove\"";
    rig.sync("newsletter", &contacts(rules));
    rig.import("newsletter");
    for (id, _) in &plain_contacts(&rig)[..5] {
        rig.delete("Contacts", id);
    }
    later(&rig);
    rig.advance(600);
    rig.done("sync newsletter --full");
    let taken_off = rig.calls().addresses("listunsubscribe");
    assert_eq!(taken_off.len(), 5);
    for address in &strangers {
        assert_eq!(standing(&rig, address), "active", "{address}");
    }
}

/// The sync's run is held, and the list is as it was.
fn assert_held(rig: &Rig, line: &str, before: usize) {
    rig.advance(600);
    let ran = rig.run(line);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    let run: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        (&run["outcome"], &run["deleted"]),
        (&json!("held"), &json!(0))
    );
    assert_eq!(rig.members(NEWSLETTER, "active").len(), before);
}

#[test]
fn an_emptied_module_does_not_wipe_a_list() {
    let (rig, _) = imported(ALL_GO);
    let before = rig.members(NEWSLETTER, "active").len();
    for record in rig.records("Contacts") {
        rig.delete("Contacts", record["id"].as_str().unwrap());
    }
    assert_held(&rig, "sync newsletter --json", before);
    assert_held(&rig, "sync newsletter --full --json", before);
}

#[test]
fn an_emptied_view_does_not_wipe_a_list() {
    for full in ["", " --full"] {
        let rig = Rig::with(&Setup {
            people: 300,
            settings: "[safety]\nmin_removals = 5\n",
            ..Setup::default()
        });
        let through = format!(
            "name = \"Gold\"\nmodule = \"Contacts\"\nlist = \"{NEWSLETTER}\"\n\
             select.view = \"Gold customers\"\nschedule = {{ every = \"hour\" }}\n[advanced]\n{ALL_GO}\n"
        );
        rig.sync("gold", &through);
        rig.import("gold");
        let before = rig.members(NEWSLETTER, "active").len();
        assert!(before > 20);
        rig.advance(600);
        for record in rig.records("Contacts") {
            if record["Customer_Tier"] == "Gold" {
                let id = record["id"].as_str().unwrap();
                rig.update("Contacts", id, &json!({"Customer_Tier": "Silver"}));
            }
        }
        assert_held(&rig, &format!("sync gold{full} --json"), before);
    }
}

#[test]
fn an_answer_that_is_spoilt_to_look_empty_does_not_wipe_a_list() {
    let (rig, _) = imported(ALL_GO);
    let before = rig.members(NEWSLETTER, "active").len();
    for body in [
        "{}",
        r#"{"data":[]}"#,
        r#"{"data":[],"info":{"more_records":false}}"#,
        "",
    ] {
        let what = json!({"replace": {"body": body}});
        rig.fault(&json!({"service": "crm", "method": "coql", "times": 1, "what": what}));
        rig.advance(600);
        let run = rig.done("sync newsletter --full --json");
        let run: Value = serde_json::from_str(&run).unwrap();
        assert_eq!(
            (&run["outcome"], &run["deleted"]),
            (&json!("completed"), &json!(0)),
            "{body}"
        );
        assert_eq!(rig.members(NEWSLETTER, "active").len(), before, "{body}");
        rig.drop_faults();
    }
}

#[test]
fn a_run_in_which_every_row_fails_says_so_in_its_counts_and_reasons() {
    let rig = Rig::with(&Setup {
        people: 0,
        ..Setup::default()
    });
    rig.sync("newsletter", &contacts(ALL_GO));
    for number in 0..12 {
        let address = format!("refused{number}@example.com");
        rig.create("Contacts", &json!({"Last_Name": "R", "Email": address}));
    }
    let body = r#"{"status":"error","Code":"2004","message":"Invalid contact"}"#;
    rig.fault(&json!({"service": "campaigns", "method": "listsubscribe",
        "what": {"status": {"status": 200, "body": body}}}));
    let ran = rig.run("sync newsletter");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let said: Vec<&str> = ran.stdout.lines().map(str::trim).collect();
    for line in [
        "new                       0",
        "ignored                  12",
        "invalid_pattern        12",
    ] {
        assert!(
            said.iter().any(|it| it.starts_with(line)),
            "{line}: {}",
            ran.stdout
        );
    }
    let finished = rig.events("run.finished").remove(0);
    assert_eq!(
        (&finished["total"], &finished["ignored"]),
        (&json!(12), &json!(12))
    );
    assert_eq!(
        (&finished["new"], &finished["duplicate"]),
        (&json!(0), &json!(0))
    );
    let rows = rig.ignored(&finished);
    assert_eq!(rows.len(), 12);
    for row in rows {
        assert_eq!(
            (&row["reason"], &row["detail"]),
            (&json!("invalid_pattern"), &json!("2004 Invalid contact"))
        );
    }
    assert_eq!(rig.members(NEWSLETTER, "active").len(), 0);
}

/// Two contacts with one address: the older, and the newer, which wins.
fn twins(advanced: &str) -> (Rig, String, String) {
    let (rig, _) = imported(advanced);
    let twin = |name: &str| {
        let record = json!({"First_Name": name, "Last_Name": "Twin", "Email": "twin@example.net"});
        let id = rig.create("Contacts", &record);
        rig.advance(10);
        id
    };
    let (older, newer) = (twin("Old"), twin("New"));
    assert_eq!(later(&rig)["new"], 1);
    assert_eq!(first_name(&rig), json!("New"));
    rig.advance(600);
    (rig, older, newer)
}

fn first_name(rig: &Rig) -> Value {
    rig.members(NEWSLETTER, "active")["twin@example.net"]["fields"]["First Name"].clone()
}

#[test]
fn when_the_winner_is_deleted_or_edited_away_the_next_record_takes_over_in_the_same_run() {
    let ways = [
        None,
        Some(json!({"Email": "away@example.net"})),
        Some(json!({"Email": null})),
        Some(json!({"Last_Name": "Left"})),
    ];
    for away in ways {
        let (rig, _, newer) = twins(ALL_GO);
        match &away {
            None => rig.delete("Contacts", &newer),
            Some(fields) => rig.update("Contacts", &newer, fields),
        }
        let run = later(&rig);
        assert_eq!(
            (&run["updated"], &run["deleted"]),
            (&json!(1), &json!(0)),
            "{away:?}"
        );
        assert_eq!(first_name(&rig), json!("Old"), "{away:?}");
    }
}

#[test]
fn when_the_winner_opts_out_the_address_goes_whatever_the_next_record_says_and_the_next_one_is_told_why()
 {
    let (rig, older, newer) = twins("opted_in_again = \"add\"\ndeleted = \"unsubscribe\"");
    rig.update("Contacts", &newer, &json!({"Email_Opt_Out": true}));
    rig.update("Contacts", &older, &json!({"First_Name": "Older"}));
    let run = later(&rig);
    assert_eq!(
        (&run["deleted"], &run["ignored_by"]["opted_out"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(standing(&rig, "twin@example.net"), "unsubscribed");
    // The one that opted out opts in and goes: the next record takes over in the same run.
    rig.update(
        "Contacts",
        &newer,
        &json!({"Email_Opt_Out": false, "Last_Name": "Left"}),
    );
    assert_eq!(later(&rig)["re_added"], 1);
    assert_eq!(first_name(&rig), json!("Older"));
}

#[test]
fn an_opt_out_on_any_record_blocks_everywhere_from_that_run_on() {
    let (rig, people) = imported("");
    let leads = format!(
        "name = \"L\"\nmodule = \"Leads\"\nlist = \"{HOSPITALITY}\"\nselect = {{ all = true }}\n\
         schedule = {{ every = \"hour\" }}\n"
    );
    rig.sync("leads", &leads);
    let (_, address) = &people[0];
    let lead = json!({"Last_Name": "L", "Company": "C", "Email": address});
    rig.create("Leads", &lead);
    rig.import("leads");
    assert!(rig.members(HOSPITALITY, "active").contains_key(address));
    // A third record, of neither sync's selection, says no.
    let no = json!({"Last_Name": "Left", "Email": address.to_uppercase(), "Email_Opt_Out": true});
    rig.create("Contacts", &no);
    assert_eq!(later(&rig)["deleted"], 1);
    assert_eq!(standing(&rig, address), "unsubscribed");
    rig.forget_calls();
    rig.advance(600);
    let run = rig.import("leads");
    assert_eq!(run["deleted"], 1);
    assert!(
        rig.members(HOSPITALITY, "unsubscribed")
            .contains_key(address)
    );
    let new = json!({"Last_Name": "New", "Company": "C", "Email": address});
    rig.create("Leads", &new);
    rig.advance(600);
    assert_eq!(rig.import("leads")["ignored_by"]["opted_out"], 1);
    assert_eq!(rig.calls().addresses("listsubscribe"), [""; 0]);
}
