//! What is planned is what the next run does, call by call and address by address.

use super::*;
use crate::rig::NEWSLETTER;

/// Runs a sync after its plan, and answers both.
fn run(rig: &Rig, sync: &str, further: &str) -> (Value, Value) {
    let planned = plan(rig, &format!("{sync} {further}"));
    rig.forget_calls();
    let ran = rig.run(&format!("sync {sync} {further} --json"));
    let run = serde_json::from_str(&ran.stdout).unwrap();
    assert_agree(rig, &planned, &run);
    (planned, run)
}

/// The people of a plan whose outcome is one of these, by address.
fn by_address<'p>(plan: &'p Value, outcomes: &[&str]) -> BTreeMap<&'p str, &'p Value> {
    let named = |person: &'p Value| (person["address"].as_str().unwrap(), person);
    let fits = |person: &&Value| outcomes.contains(&person["outcome"].as_str().unwrap());
    people(plan).iter().filter(fits).map(named).collect()
}

#[test]
fn a_first_run_does_what_was_planned_person_by_person() {
    let rig = Rig::new(120);
    rig.sync("newsletter", ALL_CONTACTS);
    for (_, address) in &plain_contacts(&rig)[..4] {
        rig.act(&json!({"subscribe": {"list": NEWSLETTER, "address": address}}));
    }
    for (_, address) in &plain_contacts(&rig)[..2] {
        rig.act(&json!({"unsubscribe": {"list": NEWSLETTER, "address": address}}));
    }
    let planned = plan(&rig, "newsletter");
    assert!(!rig.path("state").exists() && !rig.path("history").exists());
    assert_eq!(planned["full"], true);
    let counts = &planned["counts"];
    assert_eq!(
        (&counts["duplicate"], &counts["ignored_by"]["do_not_mail"]),
        (&json!(2), &json!(2))
    );
    let reading = &planned["reading"];
    assert_eq!(
        (&reading["way"], &reading["rows"]),
        (&json!("coql"), &counts["total"])
    );

    let (planned, _) = run(&rig, "newsletter", "");
    let members = rig.members(NEWSLETTER, "active");
    let sent = by_address(&planned, &["new", "duplicate"]);
    assert_eq!(members.len(), sent.len());
    for (address, person) in sent {
        let mut fields = members[address]["fields"].clone();
        fields.as_object_mut().unwrap().remove("Contact Email");
        assert_eq!(person["fields"], fields, "{address}");
        let labels: Vec<&String> = fields.as_object().unwrap().keys().collect();
        assert_eq!(person["changed"], json!(labels), "{address}");
    }
}

#[test]
fn a_later_run_does_what_was_planned_and_only_what_changed_is_planned() {
    let rig = Rig::new(60);
    rig.sync("newsletter", ALL_CONTACTS);
    rig.import("newsletter");
    rig.advance(600);
    let plain = plain_contacts(&rig);
    let [renamed, opted_out, gone, moved, ..] = plain.as_slice() else {
        panic!("{plain:?}");
    };
    rig.update("Contacts", &renamed.0, &json!({"Last_Name": "Morgan"}));
    rig.update("Contacts", &opted_out.0, &json!({"Email_Opt_Out": true}));
    rig.delete("Contacts", &gone.0);
    rig.update(
        "Contacts",
        &moved.0,
        &json!({"Email": "elsewhere@example.com"}),
    );
    rig.create(
        "Contacts",
        &json!({"Last_Name": "Bad", "Email": "jane@aol"}),
    );
    rig.advance(600);

    let (planned, run) = run(&rig, "newsletter", "");
    assert_eq!((&run["full"], &run["deleted"]), (&json!(false), &json!(2)));
    let person = |address: &str| {
        let mut of = people(&planned)
            .iter()
            .filter(|it| it["address"] == address);
        of.next().cloned().unwrap()
    };
    let morgan = person(&renamed.1);
    assert_eq!(morgan["changed"], json!(["Last Name"]));
    assert_eq!(morgan["fields"]["Last Name"], "Morgan");
    assert_eq!(person("elsewhere@example.com")["outcome"], "new");
    assert_eq!(person("jane@aol")["detail"], "no dot in the domain");
    let deleted = by_address(&planned, &["deleted"]);
    assert_eq!(deleted[gone.1.as_str()]["record"], gone.0.as_str());
    assert_eq!(
        deleted[opted_out.1.as_str()]["record"],
        opted_out.0.as_str()
    );
    assert_eq!(plan(&rig, "newsletter")["counts"]["total"], 0);
}

#[test]
fn importing_everything_again_is_planned_with_those_that_campaigns_lost() {
    let rig = Rig::new(60);
    rig.sync("newsletter", ALL_CONTACTS);
    rig.import("newsletter");
    rig.advance(600);
    let (_, lost) = plain_contacts(&rig).swap_remove(0);
    rig.act(&json!({ "delete_contact": lost }));
    assert_eq!(plan(&rig, "newsletter")["full"], false);
    let (planned, run) = run(&rig, "newsletter", "--full");
    assert_eq!(run["trigger"], "resync");
    assert_eq!(by_address(&planned, &["re_added"]).len(), 1);
    assert!(by_address(&planned, &["re_added"]).contains_key(lost.as_str()));
}

#[test]
fn a_sync_of_addresses_alone_is_planned_ten_at_a_time() {
    let rig = Rig::new(60);
    let only = "[map]\n\"First Name\" = \"\"\n\"Last Name\" = \"\"\n";
    rig.sync(
        "newsletter",
        &ALL_CONTACTS.replace("[advanced]", &format!("{only}[advanced]")),
    );
    let (planned, run) = run(&rig, "newsletter", "");
    assert!(number(&planned["calls"]["campaigns"]) < number(&run["new"]));
}

#[test]
fn syncs_that_share_a_list_are_planned_as_they_run_round_after_round() {
    let rig = Rig::new(40);
    rig.sync("contacts", ALL_CONTACTS);
    rig.sync("leads", &ALL_CONTACTS.replace("Contacts", "Leads"));
    run(&rig, "contacts", "");
    run(&rig, "leads", "");
    for round in 0..3_usize {
        rig.advance(600);
        let people = plain_contacts(&rig);
        let [gone, renamed, opted_out, shared] = &people[4 * round..4 * round + 4] else {
            panic!("{people:?}");
        };
        rig.delete("Contacts", &gone.0);
        rig.update("Contacts", &renamed.0, &json!({"Last_Name": "Other"}));
        let lead = json!({"Last_Name": "Lee", "Company": "Own", "Email": opted_out.1, "Email_Opt_Out": true});
        rig.create("Leads", &lead);
        rig.create(
            "Leads",
            &json!({"Last_Name": "Two", "Company": "Own", "Email": shared.1}),
        );
        rig.advance(600);
        let (_, of_contacts) = run(&rig, "contacts", "");
        let (_, of_leads) = run(&rig, "leads", "");
        assert_eq!(
            (&of_contacts["deleted"], &of_leads["updated"]),
            (&json!(2), &json!(1))
        );
    }
    // The list that was left behind has nobody to look after it: an opt-out counts there too.
    rig.sync(
        "contacts",
        &ALL_CONTACTS.replace("\"Newsletter\" }", "\"Hospitality\" }"),
    );
    fs::remove_file(rig.path("syncs.d/leads.toml")).unwrap();
    let (_, address) = plain_contacts(&rig).swap_remove(0);
    let lead =
        json!({"Last_Name": "Off", "Company": "Own", "Email": address, "Email_Opt_Out": true});
    rig.create("Leads", &lead);
    rig.advance(600);
    let (_, moved) = run(&rig, "contacts", "");
    assert_eq!(moved["deleted"], 1, "{moved}");
}

#[test]
fn the_time_is_that_of_the_pace_and_old_suppressions_are_read_again() {
    let rig = Rig::new(60);
    rig.sync("newsletter", ALL_CONTACTS);
    let unpaced = plan(&rig, "newsletter");
    rig.settings(
        "[safety]\nsuppression_max_age = \"1m\"\n",
        "pace = { listsubscribe = \"10/m\" }\n",
    );
    let paced = plan(&rig, "newsletter");
    assert_eq!(paced["counts"], unpaced["counts"]);
    let minutes = (number(&paced["counts"]["new"]) - 1) / 10;
    let seconds = number(&paced["seconds"]);
    assert!(
        (60 * minutes..70 * (minutes + 1)).contains(&seconds),
        "{seconds} s"
    );
    assert!(number(&unpaced["seconds"]) < 30, "{unpaced}");
    let more = number(&paced["calls"]["campaigns"]) - number(&unpaced["calls"]["campaigns"]);
    assert!(
        (minutes..=5 * (minutes + 1)).contains(&more),
        "{more} calls"
    );
}

#[test]
fn removals_beyond_the_bound_are_planned_as_held() {
    let rig = Rig::with(&Setup {
        settings: "[safety]\nmax_removals = 2\nmin_removals = 0\n",
        ..Setup::default()
    });
    rig.sync("newsletter", ALL_CONTACTS);
    rig.import("newsletter");
    rig.advance(60);
    let gone = &plain_contacts(&rig)[..4];
    for (id, _) in gone {
        rig.delete("Contacts", id);
    }
    rig.advance(60);
    let text = untouched(&rig, "plan newsletter");
    assert_eq!(text.code, Some(0), "{}", text.stderr);
    let said = "4 removals would wait for a person, more than the bound of 2";
    assert!(text.stdout.contains(said), "{}", text.stdout);
    let (planned, run) = run(&rig, "newsletter", "");
    assert_eq!(run["outcome"], "held");
    assert_eq!(planned["held"], json!({"removals": 4, "bound": 2}));
    let held = by_address(&planned, &["held"]);
    assert_eq!(held.len(), 4);
    for (id, address) in gone {
        assert_eq!(held[address.as_str()]["record"], id.as_str());
    }
    // They wait still, and who decides can see whom that concerns.
    let later = plan(&rig, "newsletter");
    assert_eq!(
        (&later["outcome"], &later["held"]),
        (&json!("held"), &Value::Null)
    );
    assert_eq!(by_address(&later, &["held"]), held);
    let text = untouched(&rig, "plan newsletter --people").stdout;
    assert!(
        text.contains("`--people` names them") && text.contains(&gone[0].1),
        "{text}"
    );
    rig.done(&format!("approve {}", run["run"].as_str().unwrap()));
    let decided = plan(&rig, "newsletter");
    assert!(by_address(&decided, &["held"]).is_empty());
}

#[test]
fn a_large_read_is_planned_with_its_way_and_its_price() {
    let rig = Rig::with(&Setup {
        people: 0,
        ..Setup::default()
    });
    let many = json!({"module": "Contacts", "count": 36_000});
    rig.post("/crm/generate", &many);
    let nobody =
        r#"select.criteria = [{ field = "Last_Name", operator = "is", value = "Nobody" }]"#;
    rig.sync(
        "newsletter",
        &ALL_CONTACTS.replace("select = { all = true }", nobody),
    );
    let planned = plan(&rig, "newsletter");
    let reading = &planned["reading"];
    assert_eq!(
        (&reading["way"], &reading["rows"]),
        (&json!("bulk"), &json!(36_000))
    );
    assert!((50..60).contains(&number(&reading["credits"])), "{reading}");
    let text = untouched(&rig, "plan newsletter").stdout;
    assert!(
        text.contains("36,000 records by a bulk job, for 5"),
        "{text}"
    );
}
