//! Which records a definition selects and takes up, as it is read.

use std::time::Duration;

use jiff::civil::date;
use rosterd::domain::definition::{Retrieval, Retrieved, Selection};

use super::{SCHEDULE, SELECT, SYNC, sync_of};

#[test]
fn a_view_is_named_by_its_name_or_id() {
    for (written, name) in [
        ("\"Hotels, \\\"large\\\"\"", "Hotels, \"large\""),
        ("\" 4150868000000088501 \"", "4150868000000088501"),
    ] {
        let sync = sync_of("", &format!("{SYNC}[select]\nview = {written}\n{SCHEDULE}"));
        assert_eq!(sync.selection, Selection::View(name.into()));
        assert_eq!(sync.retrieval, Retrieval::default());
        assert_eq!(sync.reconcile_every(false), Duration::from_secs(86_400));
    }
}

#[test]
fn fields_of_related_records_are_paths_of_up_to_three_parts() {
    let fields = [
        "Accounts.Industry",
        "Account_Name.Parent_Account.Industry",
        "Deals.Stage",
        "Potentials.Account_Name.Industry",
    ];
    let criteria = fields.map(|field| {
        format!("[[select.criteria]]\nfield = \"{field}\"\noperator = \"is_not_empty\"\n")
    });
    let map =
        "[map]\n\"Company Name\" = \"Account_Name.Account_Name\"\n\"Stage\" = \"Deals.Stage\"\n";
    let sync = sync_of("", &format!("{SYNC}{}{map}{SCHEDULE}", criteria.concat()));
    let Selection::Criteria { conditions, .. } = &sync.selection else {
        panic!("criteria were given");
    };
    let read = conditions.iter().map(|condition| condition.field.as_str());
    assert_eq!(read.collect::<Vec<_>>(), fields);
    let mapped = [
        (
            "Company Name".to_owned(),
            "Account_Name.Account_Name".parse().ok(),
        ),
        ("Stage".to_owned(), "Deals.Stage".parse().ok()),
    ];
    assert_eq!(sync.mapping.rules, mapped);
    assert_eq!(sync.reconcile_every(false), Duration::from_secs(86_400));
}

#[test]
fn retrieval_takes_what_is_written_and_leaves_the_rest_open() {
    let (first, last) = (date(2026, 1, 1), date(2026, 6, 30));
    for (written, records, created_from, created_to) in [
        ("", Retrieved::NewAndModified, None, None),
        ("records = \"new\"", Retrieved::New, None, None),
        ("records = \"modified\"", Retrieved::Modified, None, None),
        (
            "created = { from = 2026-01-01 }",
            Retrieved::NewAndModified,
            Some(first),
            None,
        ),
        (
            "records = \"new\"\ncreated.to = \"2026-06-30\"",
            Retrieved::New,
            None,
            Some(last),
        ),
        (
            "created = { from = 2026-01-01, to = 2026-01-01 }",
            Retrieved::NewAndModified,
            Some(first),
            Some(first),
        ),
    ] {
        let text = format!("{SYNC}{SELECT}[retrieve]\n{written}\n{SCHEDULE}");
        let retrieval = Retrieval {
            records,
            created_from,
            created_to,
        };
        assert_eq!(sync_of("", &text).retrieval, retrieval, "{written}");
    }
}
