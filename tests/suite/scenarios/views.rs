//! Custom views: members are listed through them, changes are tested against them, and their own changes are seen.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::oracle::{self, Before};
use crate::rig::{HOSPITALITY, NEWSLETTER, Rig};

fn through(view: &str, module: &str, list: &str) -> String {
    format!(
        "name = \"Through a view\"\nmodule = \"{module}\"\nlist = \"{list}\"\nselect.view = \"{view}\"\n\
         schedule = {{ every = \"hour\" }}\n[advanced]\ndeleted = \"unsubscribe\"\n"
    )
}

fn active(rig: &Rig, list: &str) -> BTreeSet<String> {
    let active = rig.members(list, "active").into_keys();
    active.map(|address| address.to_lowercase()).collect()
}

/// Those of a module's records that `selects` picks and that may be mailed, by address.
fn expected(rig: &Rig, module: &str, selects: impl Fn(&Value) -> bool) -> BTreeSet<String> {
    let (contacts, leads) = (rig.records("Contacts"), rig.records("Leads"));
    let opted_out = oracle::opted_out(contacts.iter().chain(&leads));
    let records = rig.records(module);
    let selected = records.iter().filter(|record| selects(record));
    let expected = oracle::expect(selected, &opted_out, &Before::default(), oracle::names);
    expected.sent.into_keys().collect()
}

fn is_gold(contact: &Value) -> bool {
    contact["Customer_Tier"] == "Gold"
}

/// Calls of one method of the CRM, and their credits.
fn of(rig: &Rig, method: &str) -> (u64, u64) {
    let key = ("crm".to_owned(), method.to_owned());
    rig.calls().totals.get(&key).copied().unwrap_or_default()
}

#[test]
fn one_view_serves_two_syncs_by_its_name_and_by_its_id() {
    let rig = Rig::new(300);
    rig.sync(
        "by-name",
        &through("Gold customers", "Contacts", NEWSLETTER),
    );
    rig.import("by-name");
    let gold = expected(&rig, "Contacts", is_gold);
    assert!(gold.len() > 20);
    assert_eq!(active(&rig, NEWSLETTER), gold);
    let problems = rig.run("check --online");
    assert_eq!(problems.code, Some(0), "{}", problems.stderr);
    let id = view_id(&rig, "Gold customers");
    rig.sync("by-id", &through(&id, "Contacts", HOSPITALITY));
    rig.import("by-id");
    assert_eq!(active(&rig, HOSPITALITY), gold);
}

fn view_id(rig: &Rig, name: &str) -> String {
    let views = rig.get("/crm/modules/Contacts");
    let views = views["views"].as_array().unwrap().clone();
    let view = views.iter().find(|view| view["name"] == name).unwrap();
    view["id"].as_str().unwrap().to_owned()
}

#[test]
fn who_comes_into_a_view_or_leaves_it_by_a_change_is_seen_by_the_next_run() {
    let rig = Rig::new(200);
    rig.sync("gold", &through("Gold customers", "Contacts", NEWSLETTER));
    rig.import("gold");
    rig.advance(600);
    let contacts = rig.records("Contacts");
    let before = active(&rig, NEWSLETTER);
    let find = |gold: bool| {
        let found = contacts.iter().find(|contact| {
            let address = oracle::address(contact).unwrap_or_default();
            is_gold(contact) == gold
                && before.contains(&address) == gold
                && contact["Email_Opt_Out"] == false
                && !address.is_empty()
                && !oracle::is_role(&address)
        });
        oracle::id(found.unwrap())
    };
    let (leaves, comes) = (find(true), find(false));
    rig.update("Contacts", &leaves, &json!({"Customer_Tier": "Silver"}));
    rig.update("Contacts", &comes, &json!({"Customer_Tier": "Gold"}));
    rig.advance(60);
    rig.forget_calls();
    let run = rig.import("gold");
    assert_eq!(run["full"], false);
    assert_eq!((&run["new"], &run["not_selected"]), (&json!(1), &json!(1)));
    // Changes, opt-outs elsewhere, those of the changed that are in the view; deletions; the view itself.
    assert_eq!(of(&rig, "coql"), (3, 3));
    assert_eq!(of(&rig, "custom_views"), (1, 1));
    // `left` is to keep whom the view let go.
    assert!(active(&rig, NEWSLETTER).is_superset(&before));
}

#[test]
fn a_view_that_is_edited_takes_effect_on_records_that_nobody_touched() {
    let rig = Rig::new(200);
    rig.sync("gold", &through("Gold customers", "Contacts", NEWSLETTER));
    rig.import("gold");
    rig.advance(600);
    let silver =
        json!({"comparator": "equal", "field": {"api_name": "Customer_Tier"}, "value": "Silver"});
    rig.patch(
        "/crm/modules/Contacts",
        &json!({"change_view": {"name": "Gold customers", "criteria": silver}}),
    );
    rig.advance(60);
    let run = rig.import("gold");
    assert_eq!(run["full"], true);
    let silver = expected(&rig, "Contacts", |it| it["Customer_Tier"] == "Silver");
    assert!(active(&rig, NEWSLETTER).is_superset(&silver));
    assert_eq!(run["new"], silver.len());
    rig.advance(600);
    assert_eq!(rig.import("gold")["full"], false);
}

#[test]
fn a_renamed_or_deleted_view_is_an_error_that_names_the_views_there_are() {
    let rig = Rig::new(60);
    rig.sync("gold", &through("Gold customers", "Contacts", NEWSLETTER));
    rig.import("gold");
    rig.advance(600);
    let renamed = json!({"rename_view": {"from": "Gold customers", "to": "Golden customers"}});
    let deleted = json!({"delete_view": "Golden customers"});
    for (change, there) in [(renamed, true), (deleted, false)] {
        rig.patch("/crm/modules/Contacts", &change);
        rig.forget_calls();
        let ran = rig.run("sync gold");
        assert_eq!(ran.code, Some(78), "{}", ran.stderr);
        for part in [
            "module Contacts has no view `Gold customers`",
            "gold.toml:4",
            "the views are",
            "`All Contacts`",
        ] {
            assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
        }
        assert_eq!(ran.stderr.contains("`Golden customers`"), there);
        // No run began, and nobody was let go.
        assert_eq!(rig.events("run.started").len(), 1);
        assert_eq!(
            rig.calls().methods("campaigns").get("listunsubscribe"),
            None
        );
    }
}

#[test]
fn a_view_that_coql_cannot_express_is_listed_every_time() {
    let rig = Rig::new(120);
    rig.sync("fresh", &through("New this month", "Contacts", NEWSLETTER));
    let now: jiff::Timestamp = serde_json::from_value(rig.get("/clock")["now"].clone()).unwrap();
    let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(1));
    let is_new = |contact: &Value| {
        let created: jiff::Timestamp = contact["Created_Time"].as_str().unwrap().parse().unwrap();
        let month = |at: jiff::Timestamp| at.to_zoned(zone.clone()).date().first_of_month();
        month(created) == month(now)
    };
    let record = json!({"Last_Name": "Fresh", "Email": "fresh@example.com"});
    rig.create("Contacts", &record);
    let run = rig.import("fresh");
    let fresh = expected(&rig, "Contacts", is_new);
    assert!(fresh.contains("fresh@example.com"));
    assert_eq!(active(&rig, NEWSLETTER), fresh);
    assert_eq!(run["new"], fresh.len());
    rig.advance(600);
    rig.forget_calls();
    let run = rig.import("fresh");
    assert_eq!(
        (&run["full"], &run["duplicate"]),
        (&json!(true), &json!(fresh.len()))
    );
    assert_eq!(of(&rig, "records"), (1, 3), "listed through the view");
    // Next month it is in the view no more, though nobody touched it.
    rig.advance(40 * 86_400);
    let run = rig.import("fresh");
    assert_eq!((&run["total"], &run["deleted"]), (&json!(0), &json!(0)));
    assert_eq!(active(&rig, NEWSLETTER), fresh, "`left` is to keep them");
}

#[test]
fn opt_outs_outside_a_view_count_too() {
    let rig = Rig::new(60);
    let shared = "shared@example.com";
    let gold = json!({"Last_Name": "Gold", "Email": shared, "Customer_Tier": "Gold"});
    rig.create("Contacts", &gold);
    let silver = json!({"Last_Name": "Silver", "Email": shared, "Customer_Tier": "Silver", "Email_Opt_Out": true});
    let silver = rig.create("Contacts", &silver);
    rig.sync("gold", &through("Gold customers", "Contacts", NEWSLETTER));
    rig.import("gold");
    assert!(!active(&rig, NEWSLETTER).contains(shared));
    rig.advance(600);
    rig.update("Contacts", &silver, &json!({"Email_Opt_Out": false}));
    rig.advance(60);
    rig.import("gold");
    assert!(active(&rig, NEWSLETTER).contains(shared));
}

#[test]
fn a_view_of_converted_leads_is_read_whatever_queries_show() {
    for hides in [true, false] {
        let rig = Rig::new(60);
        rig.post("/crm/settings", &json!({"coql_hides_converted": hides}));
        rig.sync(
            "converted",
            &through("Converted Leads", "Leads", HOSPITALITY),
        );
        let run = rig.import("converted");
        let is_converted = |lead: &Value| lead["Converted__s"] == true;
        let converted = expected(&rig, "Leads", is_converted);
        assert!(converted.len() > 1);
        assert_eq!(active(&rig, HOSPITALITY), converted, "{hides} {run}");
        rig.advance(600);
        let lead = json!({"Last_Name": "Conny", "Email": "conny@views.example"});
        let lead = rig.create("Leads", &lead);
        rig.convert(&lead);
        rig.advance(60);
        rig.import("converted");
        assert!(
            active(&rig, HOSPITALITY).contains("conny@views.example"),
            "{hides}"
        );
    }
}
