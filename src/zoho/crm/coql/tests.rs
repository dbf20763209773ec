//! Every query that is sent, word for word.

use super::*;
use crate::domain::filter::{Leaf, Test};
use crate::domain::value::FieldType;
use crate::zoho::crm::tests::columns;

fn text(scope: &Scope, until: Option<Place>) -> String {
    let columns = columns(&["Email", "Modified_Time", "Account_Name.Industry"]);
    let parts = parts(&HEAD, &columns.fields, scope.filter()).unwrap();
    let [part] = parts.as_slice() else {
        panic!("{parts:?}")
    };
    query("Leads", part, scope, until, 2000)
}

fn leaf(name: &str, field_type: FieldType, test: Test) -> Filter {
    Filter::Leaf(Leaf {
        field: name.parse().unwrap(),
        field_type,
        test,
    })
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn opted_out_or_changed() -> Filter {
    let since = Some(at("2026-03-04T08:15:27.9Z"));
    Filter::any([
        leaf("Email_Opt_Out", FieldType::Bool, Test::Truth(true)),
        leaf(
            "Modified_Time",
            FieldType::DateTime,
            Test::Instants(since, None),
        ),
    ])
}

#[test]
fn a_query_reads_as_documented() {
    let since = at("2026-03-04T08:15:27.9Z");
    let later = at("2026-03-05T00:00:00Z");
    let (id, last) = (RecordId(77), RecordId(99));
    let by_id = |filter, after| Scope::ById {
        among: Among { view: None, filter },
        after,
    };
    let everything = || Filter::EVERYTHING;
    let industry = leaf("Account_Name.Industry", FieldType::Text, Test::NotNull);
    let place = |at| Some((last, at));
    for (scope, until, want) in [
        (
            by_id(everything(), None),
            None,
            "id is not null order by id asc",
        ),
        (
            by_id(everything(), Some(id)),
            None,
            "id > '77' order by id asc",
        ),
        (
            by_id(everything(), None),
            place(Some(later)),
            "id <= '99' order by id asc",
        ),
        (
            by_id(industry.clone(), Some(id)),
            place(None),
            "((Account_Name.Industry is not null and id > '77') and id <= '99') order by id asc",
        ),
        (
            by_id(opted_out_or_changed(), Some(id)),
            None,
            "((Email_Opt_Out = 'true' or Modified_Time >= '2026-03-04T08:15:27+00:00') and id > '77') order by id asc",
        ),
        (
            Scope::Changed { since, after: None },
            None,
            "Modified_Time >= '2026-03-04T08:15:27+00:00' order by Modified_Time asc, id asc",
        ),
        (
            Scope::Changed {
                since,
                after: Some((later, id)),
            },
            None,
            "(Modified_Time >= '2026-03-05T00:00:00+00:00' and (Modified_Time > '2026-03-05T00:00:00+00:00' or id > '77')) \
             order by Modified_Time asc, id asc",
        ),
        (
            Scope::Changed { since, after: None },
            place(Some(later)),
            "(Modified_Time >= '2026-03-04T08:15:27+00:00' and (Modified_Time < '2026-03-05T00:00:00+00:00' \
             or (Modified_Time = '2026-03-05T00:00:00+00:00' and id <= '99'))) order by Modified_Time asc, id asc",
        ),
        (
            Scope::Ids {
                ids: vec![id, last],
                view: None,
            },
            place(None),
            "id in ('77', '99') order by id asc",
        ),
    ] {
        let head = "select id, Modified_Time, Email, Account_Name.Industry from Leads where";
        assert_eq!(text(&scope, until), format!("{head} {want} limit 2000"));
    }
}

#[test]
fn a_view_is_part_of_the_source() {
    let among = Among {
        view: Some(RecordId(55)),
        filter: Filter::EVERYTHING,
    };
    let scope = Scope::ById {
        among: among.clone(),
        after: None,
    };
    assert!(text(&scope, None).contains(" from Leads#55 where id is not null "));
    let ids = Scope::Ids {
        ids: vec![RecordId(1)],
        view: among.view,
    };
    assert!(text(&ids, None).contains(" from Leads#55 where id = '1' "));
    let filter = opted_out_or_changed();
    assert_eq!(
        probe("Leads", &Among { filter, ..among }, 30_000),
        "select id from Leads#55 where (Email_Opt_Out = 'true' or Modified_Time >= '2026-03-04T08:15:27+00:00') \
         order by id asc limit 1 offset 30000"
    );
    assert_eq!(
        probe("Leads", &Among::ALL, 0),
        "select id from Leads where id is not null order by id asc limit 1 offset 0"
    );
}

#[test]
fn the_next_page_begins_behind_the_last_record() {
    let since = at("2026-03-04T08:15:27Z");
    let later = at("2026-03-05T00:00:00Z");
    let (id, last) = (RecordId(77), RecordId(99));
    let changed = |after| Scope::Changed { since, after };
    let by_id = |after| Scope::ById {
        among: Among::ALL,
        after,
    };
    let ids = |ids: &[u64]| Scope::Ids {
        ids: ids.iter().copied().map(RecordId).collect(),
        view: None,
    };
    for (scope, place, want) in [
        (by_id(Some(id)), (last, None), by_id(Some(last))),
        (
            changed(None),
            (last, Some(later)),
            changed(Some((later, last))),
        ),
        (changed(None), (last, None), changed(Some((since, last)))),
        (
            changed(Some((later, id))),
            (last, None),
            changed(Some((later, last))),
        ),
        (ids(&[98, 99, 100]), (last, None), ids(&[100])),
    ] {
        assert_eq!(scope.after(place), want);
    }
}

#[test]
fn the_price_follows_the_limit() {
    for (limit, want) in [(1, 1), (200, 1), (201, 2), (1000, 2), (1001, 3), (2000, 3)] {
        assert_eq!(credits(limit), want, "{limit}");
    }
    let ids = Scope::Ids {
        ids: vec![RecordId(1); 100],
        view: None,
    };
    assert_eq!(ids.rows(2000), 100);
    let changed = Scope::Changed {
        since: at("2026-03-04T08:15:27Z"),
        after: None,
    };
    assert_eq!(
        [0, 200, 9999].map(|limit| changed.rows(limit)),
        [1, 200, 2000]
    );
}

#[test]
fn what_belongs_to_records_is_asked_for_by_the_lookup() {
    let of = |ids: &[u64], after| Scope::Of {
        lookup: "Contact_Name".parse().unwrap(),
        ids: ids.iter().copied().map(RecordId).collect(),
        after,
    };
    let one = of(&[7], None);
    assert!(text(&one, None).ends_with("where Contact_Name = '7' order by id asc limit 2000"));
    let next = of(&[7, 8], None).after((RecordId(9), None));
    assert_eq!(next, of(&[7, 8], Some(RecordId(9))));
    let asked = "where (Contact_Name in ('7', '8') and id > '9') order by id asc limit 2000";
    assert!(text(&next, None).ends_with(asked));
}
