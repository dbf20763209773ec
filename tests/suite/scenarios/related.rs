//! Fields of related records: accounts, their parents, deals, in criteria and in mappings.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::oracle::{self, Before};
use crate::rig::{NEWSLETTER, Rig};

fn sync(criteria: &str, pattern: &str, map: &str) -> String {
    format!(
        "name = \"Related\"\nmodule = \"Contacts\"\nlist = \"{NEWSLETTER}\"\n\
         schedule = {{ every = \"hour\" }}\n[select]\n{pattern}\ncriteria = [\n{criteria}\n]\n[map]\n{map}\n"
    )
}

fn active(rig: &Rig) -> BTreeSet<String> {
    let active = rig.members(NEWSLETTER, "active").into_keys();
    active.map(|address| address.to_lowercase()).collect()
}

/// A CRM's records by module and id.
struct World(BTreeMap<&'static str, BTreeMap<String, Value>>);

impl World {
    fn of(rig: &Rig) -> Self {
        let modules = ["Contacts", "Leads", "Accounts", "Deals"].map(|module| {
            let records = rig.records(module).into_iter();
            let by_id = records.map(|record| (oracle::id(&record), record));
            (module, by_id.collect())
        });
        Self(modules.into())
    }

    fn all(&self, module: &str) -> impl Iterator<Item = &Value> {
        self.0[module].values()
    }

    /// The record that a lookup leads to.
    fn follow(&self, module: &str, lookup: &Value) -> Option<&Value> {
        self.0[module].get(lookup["id"].as_str()?)
    }

    fn deals<'w>(&'w self, contact: &'w Value) -> impl Iterator<Item = &'w Value> {
        self.all("Deals")
            .filter(|deal| deal["Contact_Name"]["id"] == contact["id"])
    }

    /// Who of the contacts that `selects` picks may be mailed, by address.
    fn expected(&self, selects: impl Fn(&Value) -> bool) -> BTreeSet<String> {
        let opted_out = oracle::opted_out(self.all("Contacts").chain(self.all("Leads")));
        let selected = self.all("Contacts").filter(|contact| selects(contact));
        let expected = oracle::expect(selected, &opted_out, &Before::default(), oracle::names);
        expected.sent.into_keys().collect()
    }
}

#[test]
fn accounts_and_their_parents_select_and_are_mapped() {
    let rig = Rig::new(400);
    for label in ["Sector", "Group"] {
        rig.act(&json!({"create_field": {"label": label, "length_max": 60}}));
    }
    let criteria = r#"
{ field = "Accounts.Industry", operator = "in", value = ["Media", "Retail"] },
{ field = "Account_Name.Parent_Account.Industry", operator = "is_not", value = "Education" },
{ field = "Account_Name.Employees", operator = ">=", value = 100 },
{ field = "Customer_Tier", operator = "is", value = "Gold" },
"#;
    let map = "\"Sector\" = \"Accounts.Industry\"\n\"Group\" = \"Accounts.Parent_Account.Account_Name\"\n";
    let pattern = "pattern = \"(1 and 2) or (3 and 4)\"";
    rig.sync("related", &sync(criteria, pattern, map));
    rig.import("related");
    let world = World::of(&rig);
    let account = |contact: &Value| world.follow("Accounts", &contact["Account_Name"]);
    let parent = |account: &Value| world.follow("Accounts", &account["Parent_Account"]);
    let expected = world.expected(|contact| {
        let Some(account) = account(contact) else {
            return false;
        };
        let sector = account["Industry"] == "Media" || account["Industry"] == "Retail";
        let schools = parent(account).is_some_and(|it| it["Industry"] == "Education");
        let large = account["Employees"].as_i64().is_some_and(|it| it >= 100);
        (sector && !schools) || (large && contact["Customer_Tier"] == "Gold")
    });
    assert!(expected.len() > 20, "{}", expected.len());
    assert_eq!(active(&rig), expected);
    // What came with each contact is its account's, and its account's parent's.
    let members = rig.members(NEWSLETTER, "active");
    let address = |contact: &Value| oracle::address(contact).ok();
    let is_only = |contact: &&Value| {
        let same = world
            .all("Contacts")
            .filter(|it| address(it) == address(contact));
        same.count() == 1
    };
    let mut parents = 0;
    for contact in world.all("Contacts").filter(is_only) {
        let Some(member) = contact["Email"].as_str().and_then(|it| members.get(it)) else {
            continue;
        };
        let account = account(contact);
        let name = account.and_then(parent).map(|it| &it["Account_Name"]);
        let sector = account.map(|it| it["Industry"].as_str().unwrap_or(""));
        assert_eq!(member["fields"]["Sector"].as_str(), sector);
        if let Some(name) = name {
            assert_eq!(&member["fields"]["Group"], name);
            parents += 1;
        }
    }
    assert!(parents > 0);
}

/// Closed deals of some size, seen from the contact.
const LARGE_WON: &str = r#"
{ field = "Deals.Stage", operator = "is", value = "Closed Won" },
{ field = "Potentials.Amount", operator = ">", value = 20000 },
"#;

fn is_large_won(deal: &Value) -> bool {
    deal["Stage"] == "Closed Won" && deal["Amount"].as_f64().is_some_and(|it| it > 20000.0)
}

#[test]
fn conditions_on_deals_look_at_one_and_the_same_deal() {
    let rig = Rig::new(400);
    rig.sync("related", &sync(LARGE_WON, "", ""));
    // One deal is won, another one large: neither is both.
    let torn = json!({"Last_Name": "Torn", "Email": "torn@example.com"});
    let torn = rig.create("Contacts", &torn);
    for deal in [
        json!({"Deal_Name": "a", "Stage": "Closed Won", "Amount": 5, "Contact_Name": torn}),
        json!({"Deal_Name": "b", "Stage": "Proposal", "Amount": 90000, "Contact_Name": torn}),
    ] {
        rig.create("Deals", &deal);
    }
    rig.import("related");
    let world = World::of(&rig);
    let expected = world.expected(|contact| world.deals(contact).any(is_large_won));
    assert!(expected.len() > 5, "{}", expected.len());
    assert!(!expected.contains("torn@example.com"));
    assert_eq!(active(&rig), expected);
}

#[test]
fn a_contact_without_deals_is_judged_once_with_their_fields_empty() {
    let rig = Rig::new(200);
    let criteria = r#"
{ field = "Deals.Stage", operator = "is_not", value = "Closed Lost" },
{ field = "Deals.Amount", operator = "is_empty" },
"#;
    rig.sync("related", &sync(criteria, "pattern = \"1 and 2\"", ""));
    rig.import("related");
    let world = World::of(&rig);
    let expected = world.expected(|contact| {
        let mut deals = world.deals(contact).peekable();
        deals.peek().is_none()
            || deals.any(|deal| deal["Stage"] != "Closed Lost" && deal["Amount"].is_null())
    });
    assert!(expected.len() > 10, "{}", expected.len());
    assert_eq!(active(&rig), expected);
}

#[test]
fn a_deal_that_comes_changes_moves_or_goes_is_seen_with_contacts_nobody_touched() {
    let rig = Rig::new(60);
    rig.act(&json!({"create_field": {"label": "Last deal", "length_max": 60}}));
    rig.sync(
        "related",
        &sync(LARGE_WON, "", "\"Last deal\" = \"Deals.Deal_Name\""),
    );
    let mut contacts = ["ann", "ben", "cleo", "dora"].map(|name| {
        let address = format!("{name}@deals.example");
        let contact = json!({"Last_Name": name, "Email": address});
        (rig.create("Contacts", &contact), address)
    });
    let deal = |contact: &str, amount: u32, name: &str| json!({"Deal_Name": name, "Stage": "Closed Won", "Amount": amount, "Contact_Name": contact});
    let [ann, ben, cleo, dora] = &mut contacts;
    let small = rig.create("Deals", &deal(&ann.0, 1, "small"));
    let moves = rig.create("Deals", &deal(&ben.0, 30_000, "moves"));
    let goes = rig.create("Deals", &deal(&dora.0, 30_000, "goes"));
    rig.import("related");
    let is_on = |address: &str| active(&rig).contains(address);
    assert!(!is_on(&ann.1) && is_on(&ben.1) && !is_on(&cleo.1) && is_on(&dora.1));
    rig.advance(600);

    rig.update("Deals", &small, &json!({"Amount": 20_001}));
    rig.update("Deals", &moves, &json!({"Contact_Name": cleo.0}));
    rig.delete("Deals", &goes);
    rig.advance(60);
    rig.forget_calls();
    let run = rig.import("related");
    assert_eq!(run["full"], false);
    assert_eq!(
        (&run["new"], &run["not_selected"]),
        (&json!(2), &json!(2)),
        "{run}"
    );
    assert_eq!(
        rig.calls().addresses("listsubscribe"),
        [ann.1.clone(), cleo.1.clone()]
    );
    let members = rig.members(NEWSLETTER, "active");
    assert_eq!(members[&ann.1]["fields"]["Last deal"], "small");
    assert_eq!(members[&cleo.1]["fields"]["Last deal"], "moves");
    rig.advance(600);
    rig.forget_calls();
    rig.import("related");
    // Changed deals, deleted deals, changed contacts, opt-outs of leads, deleted contacts.
    assert_eq!(rig.calls().of("crm"), (5, 5));
}

#[test]
fn a_parent_that_changes_is_found_by_the_daily_read_in_full() {
    let rig = Rig::new(60);
    let account = rig.create(
        "Accounts",
        &json!({"Account_Name": "Orto", "Industry": "Media"}),
    );
    let contact =
        json!({"Last_Name": "Ann", "Email": "ann@parents.example", "Account_Name": account});
    rig.create("Contacts", &contact);
    rig.advance(600);
    let criteria = "{ field = \"Accounts.Industry\", operator = \"is\", value = \"Education\" },\n\
                    { field = \"Last_Name\", operator = \"is\", value = \"Ann\" }";
    rig.sync("related", &sync(criteria, "", ""));
    rig.import("related");
    rig.update("Accounts", &account, &json!({"Industry": "Education"}));
    rig.advance(600);
    let run = rig.import("related");
    assert_eq!((&run["full"], &run["new"]), (&json!(false), &json!(0)));
    let problems = rig.run("check --explain related");
    assert!(problems.stdout.contains("every day"), "{}", problems.stdout);
    // By the clock of this machine a day has not passed; a resync reads what the daily one would.
    let run: Value = serde_json::from_str(&rig.done("sync related --full --json")).unwrap();
    assert_eq!((&run["full"], &run["new"]), (&json!(true), &json!(1)));
}

#[test]
fn what_a_path_does_not_lead_to_is_told_with_its_place_and_what_there_is() {
    let rig = Rig::new(10);
    for (field, told) in [
        (
            "Accounts.Industri",
            "unknown field `Industri` of module Accounts",
        ),
        ("Acount_Name.Industry", "did you mean `Account_Name`?"),
        ("Email.Industry", "leads to no other record"),
        ("Deals.Stag", "did you mean `Stage`?"),
    ] {
        let criteria = format!("{{ field = \"{field}\", operator = \"is\", value = \"x\" }}");
        rig.sync("related", &sync(&criteria, "", ""));
        for line in ["check --online", "sync related"] {
            let ran = rig.run(line);
            assert_eq!(ran.code, Some(78), "{line}: {}", ran.stderr);
            assert!(ran.stderr.contains(told), "{field}: {}", ran.stderr);
            assert!(ran.stderr.contains("related.toml:8"), "{}", ran.stderr);
        }
    }
    rig.patch("/crm/modules/Accounts", &json!({"visible": false}));
    let criteria = "{ field = \"Accounts.Industry\", operator = \"is\", value = \"Media\" }";
    rig.sync("related", &sync(criteria, "", ""));
    let ran = rig.run("check --online");
    assert_eq!(ran.code, Some(78));
    let told = "the CRM does not show module Accounts";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    assert_eq!(rig.journal().len(), 0);
}

#[test]
fn a_field_of_a_related_record_that_is_renamed_is_named_by_the_next_run() {
    let rig = Rig::new(30);
    let criteria = "{ field = \"Accounts.Industry\", operator = \"is\", value = \"Media\" },\n\
                    { field = \"Deals.Stage\", operator = \"is\", value = \"Closed Won\" }";
    for (module, from) in [("Accounts", "Industry"), ("Deals", "Stage")] {
        rig.sync("related", &sync(criteria, "pattern = \"1 or 2\"", ""));
        rig.import("related");
        rig.advance(600);
        let renamed = |from: &str, to: &str| json!({"rename_field": {"from": from, "to": to}});
        let module_path = format!("/crm/modules/{module}");
        rig.patch(&module_path, &renamed(from, "Branch"));
        rig.create(
            "Contacts",
            &json!({"Last_Name": "New", "Email": "new@related.example"}),
        );
        let ran = rig.run("sync related");
        assert_eq!(ran.code, Some(78), "{}", ran.stderr);
        let told = format!("unknown field `{from}` of module {module}");
        assert!(ran.stderr.contains(&told), "{}", ran.stderr);
        rig.patch(&module_path, &renamed("Branch", from));
        rig.advance(600);
        rig.import("related");
    }
}
