//! A full import of five thousand contacts and five thousand leads, and the run right after it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::oracle::{self, Before, Expected};
use super::{ALL_CONTACTS, ALL_LEADS};
use crate::rig::{HOSPITALITY, NEWSLETTER, Rig};

/// Fields by label, by address.
pub(super) type Fields = BTreeMap<String, BTreeMap<String, String>>;

/// Those `records` whose address nothing else of them and of the `others` has, in the order of their ids.
pub(super) fn singles<'r>(
    records: &'r [Value],
    others: &'r [Value],
) -> impl Iterator<Item = &'r Value> {
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    for address in records.iter().chain(others).filter_map(plain) {
        *count.entry(address).or_default() += 1;
    }
    let is_single = move |record: &&Value| plain(record).is_some_and(|it| count[&it] == 1);
    records.iter().filter(is_single)
}

fn plain(record: &Value) -> Option<String> {
    oracle::address(record).ok()
}

/// Lets some addresses be on the newsletter's list before rosterd comes: a third stays, a third leaves, a third bounces.
fn people_of_others(rig: &Rig, addresses: &[String]) -> Before {
    let mut before = Before::default();
    for (number, address) in addresses.iter().enumerate() {
        let place = json!({"list": NEWSLETTER, "address": address});
        rig.act(&json!({ "subscribe": place }));
        let set = match number % 3 {
            0 => &mut before.known,
            1 => {
                rig.act(&json!({ "unsubscribe": place }));
                &mut before.unsubscribed
            }
            _ => {
                rig.act(&json!({ "bounce": address }));
                &mut before.bounced
            }
        };
        set.insert(address.clone());
    }
    before
}

/// The fields of everybody on a list, by plain address.
pub(super) fn on_list(rig: &Rig, list: &str) -> Fields {
    let members = rig.members(list, "active").into_iter();
    let filled = |contact: Value| {
        let mut fields: BTreeMap<String, String> =
            serde_json::from_value(contact["fields"].clone()).unwrap();
        fields.retain(|label, value| label != "Contact Email" && !value.is_empty());
        fields
    };
    let plain = |(address, contact): (String, Value)| (address.to_lowercase(), filled(contact));
    members.map(plain).collect()
}

fn assert_counts(run: &Value, expected: &Expected) {
    let total = u64::try_from(expected.outcomes.len()).unwrap();
    assert_eq!(run["total"], total);
    assert_eq!(run["new"], expected.count("new"));
    assert_eq!(run["duplicate"], expected.count("duplicate"));
    assert_eq!(run["updated"], expected.count("duplicate"));
    assert_eq!(run["re_added"], 0);
    assert_eq!(run["deleted"], 0);
    let mut ignored = 0;
    for (reason, count) in run["ignored_by"].as_object().unwrap() {
        assert_eq!(*count, expected.count(reason), "{reason}");
        ignored += count.as_u64().unwrap();
    }
    assert_eq!(run["ignored"], ignored);
}

/// The ignored file names each ignored record with its reason and the address it has in the CRM, and no other.
fn assert_ignored(rig: &Rig, run: &Value, expected: &Expected, records: &[Value]) {
    let addresses: BTreeMap<String, String> = records
        .iter()
        .map(|record| {
            let address = record["Email"].as_str().unwrap_or("");
            let ascii = address.replace("bücher", "xn--bcher-kva");
            (oracle::id(record), ascii.trim().to_lowercase())
        })
        .collect();
    let mut written = BTreeMap::new();
    for row in rig.ignored(run) {
        let record = row["record"].as_str().unwrap().to_owned();
        let address = row["address"].as_str().unwrap();
        assert_eq!(address.trim().to_lowercase(), addresses[&record], "{row}");
        let reason = row["reason"].as_str().unwrap().to_owned();
        assert_eq!(written.insert(record, reason), None, "{row}");
    }
    let ignored = expected
        .outcomes
        .iter()
        .filter(|(_, outcome)| !matches!(**outcome, "new" | "duplicate"));
    let ignored: BTreeMap<String, String> = ignored
        .map(|(record, outcome)| (record.clone(), (*outcome).to_owned()))
        .collect();
    assert_eq!(written, ignored);
}

/// A run with nothing to do: three questions to the CRM, and who left or bounced at Campaigns.
pub(super) fn assert_idle(rig: &Rig, sync: &str) {
    rig.advance(60);
    rig.forget_calls();
    let run = rig.import(sync);
    for key in ["total", "not_selected", "deleted"] {
        assert_eq!(run[key], 0, "{key}");
    }
    let calls = rig.calls();
    assert_eq!(run["crm"], json!({"calls": 3, "credits": 3}));
    assert_eq!(calls.of("crm"), (3, 3));
    assert_eq!(
        calls.methods("crm"),
        BTreeMap::from([("coql", 2), ("deleted", 1)])
    );
    assert_eq!(run["campaigns"]["calls"], calls.of("campaigns").0);
    let suppressions: BTreeSet<&str> = ["getlistsubscribers", "listsubscriberscount"].into();
    let asked: BTreeSet<&str> = calls.methods("campaigns").into_keys().collect();
    assert!(asked.is_subset(&suppressions), "{asked:?}");
    assert!(calls.of("campaigns").0 <= 4, "{calls:?}");
}

#[test]
fn ten_thousand_records_make_two_lists_that_an_independent_computation_agrees_with() {
    let rig = Rig::new(5000);
    rig.sync("newsletter", ALL_CONTACTS);
    rig.sync("leads", ALL_LEADS);
    let (contacts, leads) = (rig.records("Contacts"), rig.records("Leads"));
    assert!(contacts.len() >= 5000 && leads.len() >= 5000);
    let opted_out = oracle::opted_out(contacts.iter().chain(&leads));
    let mut others: Vec<String> = singles(&contacts, &leads).filter_map(plain).collect();
    others.retain(|address| !opted_out.contains(address) && !oracle::is_role(address));
    others.truncate(30);
    let before = people_of_others(&rig, &others);

    let expected = oracle::expect(contacts.iter(), &opted_out, &before, oracle::names);
    rig.forget_calls();
    let run = rig.import("newsletter");
    assert_counts(&run, &expected);
    assert_eq!(run["not_selected"], 0);
    assert_ignored(&rig, &run, &expected, &contacts);
    assert_eq!(on_list(&rig, NEWSLETTER), expected.sent);
    let calls = rig.calls();
    let (crm_calls, credits) = calls.of("crm");
    assert_eq!(run["crm"], json!({"calls": crm_calls, "credits": credits}));
    assert_eq!(run["campaigns"]["calls"], calls.of("campaigns").0);
    let reasons = [
        "empty_email",
        "invalid_pattern",
        "group_email",
        "opted_out",
        "file_duplicate",
        "do_not_mail",
        "bounced",
        "new",
        "duplicate",
    ];
    for reason in reasons {
        assert!(
            expected.count(reason) > 0,
            "{reason} is not put to the test"
        );
    }

    // An address is one contact of the account: whoever is on the newsletter's list is there already.
    let known = expected.sent.keys().cloned().collect();
    let before = Before {
        known,
        bounced: before.bounced,
        ..Before::default()
    };
    let open = || leads.iter().filter(|lead| lead["Converted__s"] != true);
    let of_leads = oracle::expect(open(), &opted_out, &before, oracle::names);
    let run = rig.import("leads");
    assert_counts(&run, &of_leads);
    let converted = leads.len() - open().count();
    assert_eq!(run["not_selected"], u64::try_from(converted).unwrap());
    assert_ignored(&rig, &run, &of_leads, &leads);
    let mut fields = expected.sent.clone();
    for (address, sent) in &of_leads.sent {
        fields
            .entry(address.clone())
            .or_default()
            .extend(sent.clone());
    }
    let of_list = |list: &Expected| -> Fields {
        let addresses = list.sent.keys();
        addresses
            .map(|address| (address.clone(), fields[address].clone()))
            .collect()
    };
    assert_eq!(on_list(&rig, HOSPITALITY), of_list(&of_leads));
    assert_eq!(on_list(&rig, NEWSLETTER), of_list(&expected));
    assert_eq!(rig.members(NEWSLETTER, "unsubscribed").len(), 10);

    assert_idle(&rig, "newsletter");
    assert_idle(&rig, "leads");
    assert_eq!(on_list(&rig, HOSPITALITY), of_list(&of_leads));
    assert_eq!(on_list(&rig, NEWSLETTER), of_list(&expected));
}
