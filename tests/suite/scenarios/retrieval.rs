//! Which records a run takes up: by when they came to be, and what change tracking alone would miss or double.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::rig::{NEWSLETTER, Rig};

fn sync(retrieve: &str, criteria: &str) -> String {
    format!(
        "name = \"Retrieval\"\nmodule = \"Contacts\"\nlist = \"{NEWSLETTER}\"\n\
         schedule = {{ every = \"hour\" }}\nretrieve = {{ {retrieve} }}\n\
         advanced = {{ deleted = \"unsubscribe\" }}\n{criteria}\n"
    )
}

const ALL: &str = "select = { all = true }";

fn gold() -> &'static str {
    "select.criteria = [{ field = \"Customer_Tier\", operator = \"is\", value = \"Gold\" }]"
}

fn active(rig: &Rig) -> BTreeSet<String> {
    rig.members(NEWSLETTER, "active").into_keys().collect()
}

fn create(rig: &Rig, name: &str, more: &Value) -> String {
    let mut contact = json!({"Last_Name": name, "Email": format!("{name}@retrieved.example")});
    for (field, value) in more.as_object().unwrap() {
        contact[field] = value.clone();
    }
    rig.create("Contacts", &contact)
}

fn is_on(rig: &Rig, name: &str) -> bool {
    active(rig).contains(&format!("{name}@retrieved.example"))
}

#[test]
fn new_takes_up_who_was_created_in_the_window_and_still_sees_people_go_and_opt_out() {
    let rig = Rig::new(20);
    let old = create(&rig, "old", &json!({"Customer_Tier": "Silver"}));
    let leaves = create(&rig, "leaves", &json!({"Customer_Tier": "Gold"}));
    let opts_out = create(&rig, "opts-out", &json!({"Customer_Tier": "Gold"}));
    let goes = create(&rig, "goes", &json!({"Customer_Tier": "Gold"}));
    let renamed = create(&rig, "renamed", &json!({"Customer_Tier": "Gold"}));
    rig.advance(60);
    rig.sync("new", &sync("records = \"new\"", gold()));
    // The first run imports everybody, whatever the retrieval.
    let run = rig.import("new");
    assert!(run["new"].as_u64().unwrap() >= 4);
    rig.advance(600);

    rig.update("Contacts", &old, &json!({"Customer_Tier": "Gold"}));
    rig.update("Contacts", &leaves, &json!({"Customer_Tier": "Silver"}));
    rig.update("Contacts", &opts_out, &json!({"Email_Opt_Out": true}));
    rig.update("Contacts", &renamed, &json!({"First_Name": "Re"}));
    rig.delete("Contacts", &goes);
    create(&rig, "fresh", &json!({"Customer_Tier": "Gold"}));
    rig.advance(60);
    rig.forget_calls();
    let run = rig.import("new");
    assert_eq!(
        rig.calls().addresses("listsubscribe"),
        ["fresh@retrieved.example"]
    );
    let mut taken_off = rig.calls().addresses("listunsubscribe");
    taken_off.sort();
    assert_eq!(
        taken_off,
        ["goes@retrieved.example", "opts-out@retrieved.example"]
    );
    assert_eq!(
        (&run["new"], &run["total"]),
        (&json!(1), &json!(1)),
        "{run}"
    );
    // Modified, and created before: not retrieved. One of them left, and `left` keeps it.
    assert_eq!(run["not_selected"], 4);
    assert!(is_on(&rig, "renamed") && is_on(&rig, "leaves") && !is_on(&rig, "old"));
}

#[test]
fn modified_takes_up_who_was_there_before_and_not_who_is_new() {
    let rig = Rig::new(20);
    let old = create(&rig, "old", &json!({"Customer_Tier": "Silver"}));
    rig.advance(60);
    rig.sync("modified", &sync("records = \"modified\"", gold()));
    rig.import("modified");
    rig.advance(600);
    rig.update("Contacts", &old, &json!({"Customer_Tier": "Gold"}));
    let fresh = create(&rig, "fresh", &json!({"Customer_Tier": "Gold"}));
    rig.advance(60);
    let run = rig.import("modified");
    assert_eq!(
        (&run["new"], &run["not_selected"]),
        (&json!(1), &json!(1)),
        "{run}"
    );
    assert!(is_on(&rig, "old") && !is_on(&rig, "fresh"));
    rig.advance(600);
    rig.update("Contacts", &fresh, &json!({"First_Name": "Now"}));
    rig.advance(60);
    rig.import("modified");
    assert!(is_on(&rig, "fresh"));
}

#[test]
fn a_date_range_belongs_to_the_selection_and_its_change_reads_everything() {
    let rig = Rig::new(10);
    for (name, created) in [
        ("before", "2026-03-06T23:59:59+00:00"),
        ("first", "2026-03-07T00:00:00+00:00"),
        ("last", "2026-03-08T23:59:59+00:00"),
        ("after", "2026-03-09T00:00:00+00:00"),
    ] {
        create(
            &rig,
            name,
            &json!({"Created_Time": created, "Modified_Time": created}),
        );
    }
    rig.settings("timezone = \"UTC\"\n", "pace = \"off\"\n");
    let range = |from: &str, to: &str| {
        rig.sync("range", &sync(&format!("created = {{ {from}{to} }}"), ALL));
        rig.import("range")
    };
    let on = || ["before", "first", "last", "after"].map(|name| is_on(&rig, name));
    range("from = 2026-03-07, ", "to = 2026-03-08");
    assert_eq!(on(), [false, true, true, false]);
    let run = range("from = 2026-03-07", "");
    assert_eq!(run["full"], true);
    assert_eq!(on(), [false, true, true, true]);
    range("", "to = 2026-03-08");
    assert_eq!(on(), [true; 4]);
}

#[test]
fn once_imports_everything_once_and_is_finished() {
    let rig = Rig::new(30);
    let once = sync("", ALL).replace("every = \"hour\"", "every = \"once\"");
    rig.sync(
        "once",
        &once.replace("advanced = { deleted = \"unsubscribe\" }\n", ""),
    );
    rig.import("once");
    let status: Value = serde_json::from_str(&rig.done("status --json")).unwrap();
    assert_eq!(status["syncs"][0]["state"], "finished");
    assert_eq!(status["syncs"][0]["next"], Value::Null);
}

#[test]
fn an_edited_pattern_or_mapping_takes_effect_on_records_that_nobody_touched() {
    let rig = Rig::new(20);
    create(
        &rig,
        "gold",
        &json!({"Customer_Tier": "Gold", "Mailing_City": "Lisbon"}),
    );
    create(
        &rig,
        "silver",
        &json!({"Customer_Tier": "Silver", "Mailing_City": "Lisbon"}),
    );
    let tiers = "[select]\nPATTERN\ncriteria = [\n{ field = \"Mailing_City\", operator = \"is\", value = \"Lisbon\" },\n\
                 { field = \"Customer_Tier\", operator = \"is\", value = \"Gold\" },\n]\n[map]\nMAP\n";
    let write = |pattern: &str, map: &str| {
        let select = tiers
            .replace("PATTERN", &format!("pattern = \"{pattern}\""))
            .replace("MAP", map);
        rig.sync("edited", &sync("", &select));
    };
    write("1 and 2", "");
    rig.import("edited");
    assert!(is_on(&rig, "gold") && !is_on(&rig, "silver"));
    rig.advance(600);
    write("1 and not 2", "");
    let run = rig.import("edited");
    assert_eq!(run["full"], true);
    assert!(is_on(&rig, "silver"));
    rig.advance(600);
    write("1 and not 2", "\"City\" = \"Mailing_City\"");
    rig.forget_calls();
    let run = rig.import("edited");
    assert_eq!(run["full"], true);
    assert!(
        rig.calls()
            .addresses("listsubscribe")
            .contains(&"silver@retrieved.example".to_owned())
    );
    let member = &rig.members(NEWSLETTER, "active")["silver@retrieved.example"];
    assert_eq!(member["fields"]["City"], "Lisbon");
    rig.advance(600);
    assert_eq!(rig.import("edited")["full"], false);
}

#[test]
fn records_of_one_second_at_the_borders_of_pages_and_windows_are_neither_lost_nor_doubled() {
    let rig = Rig::new(0);
    create(&rig, "first", &json!({}));
    rig.sync("all", &sync("", ALL));
    rig.import("all");
    rig.advance(600);
    // More than a page of 200 and than one of 1000, all of the very same second.
    let many: Vec<Value> = (0..1300)
        .map(|number| json!({"Last_Name": "Many", "Email": format!("many-{number}@retrieved.example")}))
        .collect();
    rig.post("/clock", &json!({"freeze": true}));
    rig.post("/crm/records/Contacts", &json!(many));
    // The window ends in that second too: what is read now is left to the next run, and not lost there.
    let now = rig.import("all");
    assert_eq!((&now["total"], &now["new"]), (&json!(0), &json!(0)));
    rig.post("/clock", &json!({"freeze": false, "advance_seconds": 1}));
    rig.forget_calls();
    let next = rig.import("all");
    assert_eq!(
        (&next["total"], &next["new"]),
        (&json!(1300), &json!(1300)),
        "{next}"
    );
    assert_eq!(rig.calls().addresses("listsubscribe").len(), 1300);
    rig.advance(1);
    let again = rig.import("all");
    assert_eq!(
        (&again["total"], &again["not_selected"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(active(&rig).len(), 1301);
}

#[test]
fn a_record_deleted_and_restored_between_runs_is_neither_lost_nor_doubled() {
    let rig = Rig::new(10);
    // Whether Campaigns takes back whom rosterd unsubscribed is not documented; here it does.
    rig.act(&json!({"policy": {"unsubscribed": "reinstate"}}));
    let there = create(&rig, "there", &json!({}));
    let gone = create(&rig, "gone", &json!({}));
    rig.sync("all", &sync("", ALL));
    rig.import("all");
    rig.advance(600);
    let restore = |id: &str| {
        rig.post(
            &format!("/crm/records/Contacts/{id}/restore?touch=false"),
            &json!({}),
        )
    };
    // Between two runs: nothing happened.
    rig.delete("Contacts", &there);
    rig.advance(5);
    restore(&there);
    // Across a run: taken off, and found again by the next read in full though its `Modified_Time` did not move.
    rig.delete("Contacts", &gone);
    rig.advance(60);
    let run = rig.import("all");
    assert_eq!(
        (&run["deleted"], &run["total"]),
        (&json!(1), &json!(0)),
        "{run}"
    );
    assert!(is_on(&rig, "there") && !is_on(&rig, "gone"));
    restore(&gone);
    rig.advance(600);
    let run = rig.import("all");
    assert_eq!((&run["full"], &run["total"]), (&json!(false), &json!(0)));
    let run: Value = serde_json::from_str(&rig.done("sync all --full --json")).unwrap();
    assert_eq!(run["re_added"], 1, "{run}");
    assert!(is_on(&rig, "gone"));
}

#[test]
fn a_record_edited_while_pages_are_read_is_counted_once_and_its_edit_is_not_lost() {
    let rig = Rig::new(0);
    let ids: Vec<String> = (0..2100)
        .map(|number| json!({"Last_Name": "Many", "Email": format!("many-{number}@retrieved.example")}))
        .collect::<Vec<_>>()
        .chunks(2100)
        .flat_map(|records| {
            let made = rig.post("/crm/records/Contacts", &json!(records));
            let ids = made["ids"].as_array().unwrap().clone();
            ids.into_iter().map(|id| id.as_str().unwrap().to_owned()).collect::<Vec<_>>()
        })
        .collect();
    rig.advance(600);
    rig.sync("all", &sync("", ALL));
    // The second page takes its time, and meanwhile somebody edits a record of the first and one of the second.
    rig.fault(&json!({"service": "crm", "method": "coql", "after": 1, "times": 1, "what": {"delay": {"millis": 1500}}}));
    let running = rig.start("sync", "sync all --json");
    crate::rig::until("the second page is asked for", || {
        rig.calls().methods("crm").get("coql").copied().unwrap_or(0) >= 1
    });
    rig.update("Contacts", &ids[0], &json!({"First_Name": "Early"}));
    rig.update("Contacts", &ids[2050], &json!({"First_Name": "Late"}));
    let ran = running.end();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let first: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        (&first["total"], &first["new"]),
        (&json!(2100), &json!(2100))
    );
    rig.advance(60);
    rig.import("all");
    let members = rig.members(NEWSLETTER, "active");
    assert_eq!(members.len(), 2100);
    for (number, name) in [(0, "Early"), (2050, "Late")] {
        let member = &members[&format!("many-{number}@retrieved.example")];
        assert_eq!(member["fields"]["First Name"], name);
    }
}

#[test]
fn converted_leads_are_caught_also_where_queries_leave_them_out() {
    let leads = |select: &str, excluded: bool| {
        format!(
            "name = \"Leads\"\nmodule = \"Leads\"\nlist = \"{NEWSLETTER}\"\nschedule = {{ every = \"hour\" }}\n\
             {select}\n[advanced]\nexclude_converted = {excluded}\n"
        )
    };
    let named =
        "select.criteria = [{ field = \"Last_Name\", operator = \"is\", value = \"Conny\" }]";
    for hides in [true, false] {
        let rig = Rig::new(30);
        rig.post("/crm/settings", &json!({"coql_hides_converted": hides}));
        let lead = |name: &str| {
            let lead = json!({"Last_Name": "Conny", "Email": format!("{name}@retrieved.example")});
            rig.create("Leads", &lead)
        };
        let [was, becomes, stays] = ["was", "becomes", "stays"].map(lead);
        rig.convert(&was);
        rig.advance(60);
        rig.sync("leads", &leads(named, false));
        // Converted leads belong unless the sync says otherwise, whatever queries show.
        let run = rig.import("leads");
        assert_eq!(
            (&run["total"], &run["new"]),
            (&json!(3), &json!(3)),
            "{hides} {run}"
        );
        rig.advance(600);
        rig.convert(&becomes);
        rig.update("Leads", &was, &json!({"First_Name": "Still"}));
        rig.advance(60);
        let run = rig.import("leads");
        assert_eq!(
            (&run["duplicate"], &run["updated"]),
            (&json!(2), &json!(1)),
            "{hides} {run}"
        );
        // Excluded, they are ignored from then on.
        rig.advance(600);
        rig.sync("leads", &leads(named, true));
        let run = rig.import("leads");
        assert_eq!(run["ignored_by"]["converted"], 2, "{hides} {run}");
        rig.advance(600);
        rig.convert(&stays);
        rig.advance(60);
        let run = rig.import("leads");
        assert_eq!(
            (&run["full"], &run["ignored_by"]["converted"]),
            (&json!(false), &json!(1))
        );
        // "All open leads" sees at once who is open no more.
        rig.advance(600);
        rig.sync("leads", &leads("select.all = true", false));
        rig.import("leads");
        rig.advance(600);
        let open = rig
            .records("Leads")
            .into_iter()
            .find(|lead| lead["Converted__s"] == false);
        rig.convert(open.unwrap()["id"].as_str().unwrap());
        rig.advance(60);
        let run = rig.import("leads");
        assert_eq!(
            (&run["full"], &run["not_selected"]),
            (&json!(false), &json!(1)),
            "{hides} {run}"
        );
    }
}
