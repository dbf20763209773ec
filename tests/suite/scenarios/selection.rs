//! Selections by criteria and mapped fields: who is selected and what is sent, against a second reading of the records.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::import::on_list;
use super::oracle::{self, Before};
use crate::rig::{HOSPITALITY, NEWSLETTER, Rig, Setup};

/// The example of the help page.
const LARGE_HOTELS: &str = r#"
name = "Hospitality, converted"
module = "Leads"
list = { name = "Hospitality" }

[select]
pattern = "((1 and 2) and (3 or 4))"
[[select.criteria]]
field = "Industry"
operator = "is"
value = "Hospitality"
[[select.criteria]]
field = "Lead_Status"
operator = "is"
value = "Converted"
[[select.criteria]]
field = "Annual_Revenue"
operator = ">"
value = 5000000
[[select.criteria]]
field = "No_of_Employees"
operator = ">"
value = 2000

[schedule]
every = "hour"
"#;

fn is_large_hotel(lead: &Value) -> bool {
    lead["Industry"] == "Hospitality"
        && lead["Lead_Status"] == "Converted"
        && (lead["Annual_Revenue"]
            .as_f64()
            .is_some_and(|it| it > 5_000_000.0)
            || lead["No_of_Employees"]
                .as_f64()
                .is_some_and(|it| it > 2000.0))
}

/// Runs a sync of a module onto a list, and holds counts and addresses against the records that `selects` picks.
fn assert_selects(
    rig: &Rig,
    sync: &str,
    module: &str,
    list: &str,
    selects: impl Fn(&Value) -> bool,
) {
    let (contacts, leads) = (rig.records("Contacts"), rig.records("Leads"));
    let opted_out = oracle::opted_out(contacts.iter().chain(&leads));
    let records = if module == "Leads" { &leads } else { &contacts };
    let selected = || records.iter().filter(|record| selects(record));
    let expected = oracle::expect(selected(), &opted_out, &Before::default(), oracle::names);
    let run = rig.import(sync);
    let active: BTreeSet<String> = rig.members(list, "active").into_keys().collect();
    let active: BTreeSet<String> = active.iter().map(|it| it.to_lowercase()).collect();
    assert_eq!(active, expected.sent.into_keys().collect(), "{sync}");
    let count = |count: usize| u64::try_from(count).unwrap();
    assert!(
        selected().count() > 0 && selected().count() < records.len(),
        "{sync}"
    );
    assert_eq!(run["total"], count(selected().count()), "{sync}");
    // What is pushed of the selection narrows what is read; the judge has the last word on the rest.
    let not_selected = run["not_selected"].as_u64().unwrap();
    let others = count(records.len() - selected().count());
    assert!(not_selected <= others, "{sync}: {not_selected} of {others}");
}

#[test]
fn the_hospitality_leads_of_the_help_page_are_those_a_second_reading_finds() {
    let rig = Rig::new(1500);
    rig.sync("hospitality", LARGE_HOTELS);
    assert_selects(&rig, "hospitality", "Leads", HOSPITALITY, is_large_hotel);
    let on_list = rig.members(HOSPITALITY, "active");
    for (name, is_in) in [
        ("grand", true),
        ("hostel", true),
        ("palace", true),
        ("corner", false),
    ] {
        let address = format!("{name}@hotels.example");
        assert_eq!(on_list.contains_key(&address), is_in, "{name}");
    }
}

#[test]
fn a_record_that_stops_or_begins_to_match_is_seen_by_the_next_run() {
    let rig = Rig::new(60);
    rig.sync("hospitality", LARGE_HOTELS);
    rig.import("hospitality");
    let leads = rig.records("Leads");
    let lead = |name: &str| {
        let lead = leads.iter().find(|lead| lead["Last_Name"] == name).unwrap();
        oracle::id(lead)
    };
    rig.advance(600);
    rig.update("Leads", &lead("Grand"), &json!({"Industry": "Media"}));
    rig.update("Leads", &lead("Corner"), &json!({"No_of_Employees": 2001}));
    rig.advance(60);
    rig.forget_calls();
    let run = rig.import("hospitality");
    assert_eq!(
        rig.calls().addresses("listsubscribe"),
        ["corner@hotels.example"]
    );
    // `left` is to keep whom the selection let go.
    assert_eq!(rig.calls().addresses("listunsubscribe"), [""; 0]);
    assert_eq!((&run["total"], &run["new"]), (&json!(1), &json!(1)));
    assert_eq!(
        (&run["not_selected"], &run["deleted"]),
        (&json!(1), &json!(0))
    );
}

#[test]
fn conditions_without_a_pattern_are_joined_by_and_and_each_means_what_the_specification_says() {
    type Selects = fn(&Value) -> bool;
    let cases: [(&str, Selects); 8] = [
        (
            r#"{ field = "Mailing_City", operator = "starts_with", value = " l" },
               { field = "Customer_Tier", operator = "in", value = ["Gold", "Silver"] }"#,
            |it| {
                it["Mailing_City"]
                    .as_str()
                    .is_some_and(|city| city.starts_with('L'))
                    && (it["Customer_Tier"] == "Gold" || it["Customer_Tier"] == "Silver")
            },
        ),
        (
            r#"{ field = "Customer_Tier", operator = "is_not", value = "Gold" }"#,
            |it| it["Customer_Tier"] != "Gold",
        ),
        (
            r#"{ field = "Customer_Tier", operator = "is_empty" }"#,
            |it| it["Customer_Tier"].is_null(),
        ),
        (
            r#"{ field = "Lead_Source", operator = "is", value = "Website" }"#,
            |it| it["Lead_Source"] == "Web Site",
        ),
        (
            r#"{ field = "Languages", operator = "contains", value = "French" },
               { field = "First_Name", operator = "does_not_contain", value = "A" }"#,
            |it| {
                let languages = it["Languages"].as_array();
                let name = it["First_Name"].as_str().unwrap_or("").to_lowercase();
                languages.is_some_and(|all| all.contains(&json!("French"))) && !name.contains('a')
            },
        ),
        (
            r#"{ field = "Date_of_Birth", operator = "before", value = 1985-06-01 }"#,
            |it| {
                it["Date_of_Birth"]
                    .as_str()
                    .is_some_and(|day| day < "1985-06-01")
            },
        ),
        (
            r#"{ field = "Last_Name", operator = "is", value = "o'brien" }"#,
            |it| it["Last_Name"] == "O'Brien",
        ),
        (
            r#"{ field = "Email_Opt_Out", operator = "is", value = false },
               { field = "Phone", operator = "is_not_empty" },
               { field = "Last_Name", operator = "not_in", value = ["Smith", "Nowak"] }"#,
            |it| {
                it["Email_Opt_Out"] == false
                    && it["Phone"].is_string()
                    && it["Last_Name"] != "Smith"
                    && it["Last_Name"] != "Nowak"
            },
        ),
    ];
    let rig = Rig::new(400);
    for (number, (criteria, selects)) in cases.into_iter().enumerate() {
        let (sync, list) = (format!("case-{number}"), format!("Case {number}"));
        let names_list = format!("3zcase{number}");
        rig.act(&json!({"create_list": {"name": list}}));
        let definition = format!(
            "name = \"{sync}\"\nmodule = \"Contacts\"\nlist = \"{names_list}\"\n\
             schedule = {{ every = \"hour\" }}\n[select]\ncriteria = [{criteria}]\n"
        );
        rig.sync(&sync, &definition);
        assert_selects(&rig, &sync, "Contacts", &names_list, selects);
    }
}

#[test]
fn an_explicit_pattern_with_not_and_or_selects_what_it_says() {
    let rig = Rig::new(400);
    let definition = r#"
name = "Pattern"
module = "Contacts"
list = "3znewsletter"
schedule = { every = "hour" }
[select]
pattern = "not (1 or 2) and 3 or 1 and not 3"
criteria = [
  { field = "Customer_Tier", operator = "is", value = "Gold" },
  { field = "Customer_Tier", operator = "is", value = "Bronze" },
  { field = "Mailing_City", operator = "contains", value = "LI" },
]
"#;
    rig.sync("pattern", definition);
    assert_selects(&rig, "pattern", "Contacts", NEWSLETTER, |it| {
        let city = it["Mailing_City"].as_str().unwrap_or("").to_lowercase();
        let (gold, bronze) = (
            it["Customer_Tier"] == "Gold",
            it["Customer_Tier"] == "Bronze",
        );
        !(gold || bronze) && city.contains("li") || gold && !city.contains("li")
    });
}

#[test]
fn mapped_fields_of_every_type_arrive_as_the_specification_renders_them() {
    let rig = Rig::with(&Setup {
        people: 20,
        settings: "timezone = \"America/New_York\"\n",
        ..Setup::default()
    });
    for label in [
        "Born",
        "Known since",
        "Speaks",
        "Mails",
        "Revenue",
        "Staff",
        "Works at",
    ] {
        rig.act(&json!({"create_field": {"label": label, "length_max": 30}}));
    }
    let leads = r#"
name = "Leads"
module = "Leads"
list = "3zhospitality"
select = { all = true }
schedule = { every = "hour" }
[map]
"Revenue" = "Annual_Revenue"
"Staff" = "No_of_Employees"
"Speaks" = "Languages"
"Company Name" = "Company"
"Last Name" = ""
"#;
    let contacts = r#"
name = "Contacts"
module = "Contacts"
list = "3znewsletter"
select = { all = true }
schedule = { every = "hour" }
[map]
"Born" = "Date_of_Birth"
"Known since" = "Created_Time"
"Mails" = "Email_Opt_Out"
"Works at" = "Account_Name"
"First Name" = "Last_Name"
"#;
    rig.sync("leads", leads);
    rig.sync("contacts", contacts);
    let account = rig.create("Accounts", &json!({"Account_Name": "Grand Hotels & Søn"}));
    let contact = json!({"First_Name": "Zoë", "Last_Name": "O'Brien", "Email": "zoe@example.com",
        "Date_of_Birth": "1979-12-03", "Account_Name": {"id": account}});
    let contact = rig.create("Contacts", &contact);
    let lead = json!({"First_Name": "Zed", "Last_Name": "Unsent", "Email": "zed@example.com",
        "Company": format!("  {}", "Łódź & Co., ".repeat(20)),
        "Annual_Revenue": 1234567.5, "No_of_Employees": 42, "Languages": ["French", "Polish"]});
    rig.create("Leads", &lead);
    rig.advance(60);
    rig.import("contacts");
    rig.import("leads");
    let fields = |list: &str, address: &str| -> BTreeMap<String, String> {
        let contact = &rig.members(list, "active")[address];
        let mut fields: BTreeMap<_, String> =
            serde_json::from_value(contact["fields"].clone()).unwrap();
        fields.retain(|label, value| label != "Contact Email" && !value.is_empty());
        fields
    };
    let records = rig.records("Contacts");
    let record = records
        .iter()
        .find(|it| it["id"] == contact.as_str())
        .unwrap();
    let created: jiff::Timestamp = record["Created_Time"].as_str().unwrap().parse().unwrap();
    let created = created.in_tz("America/New_York").unwrap();
    let pairs = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        let owned = pairs
            .iter()
            .map(|(label, text)| ((*label).to_owned(), (*text).to_owned()));
        owned.collect()
    };
    let known_since = created.strftime("%Y-%m-%d %H:%M:%S").to_string();
    let of_contact = [
        ("Born", "1979-12-03"),
        ("Known since", known_since.as_str()),
        ("Mails", "false"),
        ("Works at", "Grand Hotels & Søn"),
        ("First Name", "O'Brien"),
        ("Last Name", "O'Brien"),
    ];
    assert_eq!(fields(NEWSLETTER, "zoe@example.com"), pairs(&of_contact));
    let company = format!("{}Łódź", "Łódź & Co., ".repeat(8));
    let of_lead = [
        ("Revenue", "1234567.5"),
        ("Staff", "42"),
        ("Speaks", "French;Polish"),
        ("First Name", "Zed"),
        ("Company Name", company.as_str()),
    ];
    let got = fields(HOSPITALITY, "zed@example.com");
    assert_eq!(got, pairs(&of_lead));
}

#[test]
fn converted_leads_are_ignored_where_the_sync_says_so_and_selected_where_it_does_not() {
    let rig = Rig::new(600);
    let definition = |excluded: bool| {
        format!(
            "name = \"Leads\"\nmodule = \"Leads\"\nlist = \"3zhospitality\"\nschedule = {{ every = \"hour\" }}\n\
             select = {{ criteria = [{{ field = \"Last_Name\", operator = \"is_not_empty\" }}] }}\n\
             [advanced]\nexclude_converted = {excluded}\n"
        )
    };
    let (contacts, leads) = (rig.records("Contacts"), rig.records("Leads"));
    let opted_out = oracle::opted_out(contacts.iter().chain(&leads));
    let expect = |leads: &mut dyn Iterator<Item = &Value>| {
        oracle::expect(leads, &opted_out, &Before::default(), oracle::names)
    };
    let is_converted = |lead: &&Value| lead["Converted__s"] == true;
    let open = expect(&mut leads.iter().filter(|lead| !is_converted(lead)));
    let converted = expect(&mut leads.iter().filter(is_converted));
    let barred: u64 = ["empty_email", "invalid_pattern", "group_email", "opted_out"]
        .map(|reason| converted.count(reason))
        .iter()
        .sum();

    rig.sync("leads", &definition(true));
    let run = rig.import("leads");
    let excluded = u64::try_from(converted.outcomes.len()).unwrap() - barred;
    assert!(excluded > 20);
    assert_eq!(run["ignored_by"]["converted"], excluded);
    assert_eq!(run["total"], leads.len());
    assert_eq!(run["new"], open.sent.len());
    assert_eq!(on_list(&rig, HOSPITALITY), open.sent);

    rig.sync("leads", &definition(false));
    let run = rig.import("leads");
    assert_eq!(
        (&run["full"], &run["total"]),
        (&json!(true), &json!(leads.len()))
    );
    assert_eq!(run["ignored_by"]["converted"], 0);
    let all = expect(&mut leads.iter());
    assert_eq!(on_list(&rig, HOSPITALITY), all.sent);
    assert_eq!(run["new"], all.sent.len() - open.sent.len());
}
