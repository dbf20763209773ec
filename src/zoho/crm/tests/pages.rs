//! Pages whose columns take more than one query, the probe, and walks that queries complete.

use super::*;
use crate::domain::filter::Filter;

const MORE: &str = r#""info":{"more_records":true}"#;
const LAST: &str = r#""info":{"more_records":false}"#;

fn rows(rows: &str, info: &str) -> Canned {
    Canned::json(200, &format!(r#"{{"data":[{rows}],{info}}}"#)).header(DATE.0, DATE.1)
}

fn queries(stage: &Stage) -> Vec<String> {
    let query = |body: &str| {
        let json: serde_json::Value = serde_json::from_str(body).unwrap();
        json["select_query"].as_str().unwrap_or_default().to_owned()
    };
    let seen = stage.server.seen();
    seen.iter()
        .filter(|it| !it.body.is_empty())
        .map(|it| query(&it.body))
        .collect()
}

fn text(record: &Record, name: &str) -> String {
    match record.get(&name.parse().unwrap()) {
        Value::Text(text) => text.clone(),
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn further_queries_complete_the_rows_of_the_first() {
    let stage = stage(vec![
        rows(
            r#"{"id":"77","A.x":"a","B.x":"b"},{"id":"78","A.x":"c","B.x":"d"},{"id":"79","A.x":null,"B.x":null}"#,
            MORE,
        ),
        rows(
            r#"{"id":"77","C.x":"1"},{"id":"78","C.x":"2"}"#,
            LAST,
        ),
    ])
    .await;
    let scope = Scope::ById {
        among: Among::ALL,
        after: Some(RecordId(7)),
    };
    let page = stage
        .crm
        .page(&columns(&["A.x", "B.x", "C.x"]), &scope, 2000)
        .await
        .unwrap();
    // 79 was deleted between the two, and the next page begins behind it all the same.
    let read: Vec<String> = page
        .records
        .iter()
        .map(|record| text(record, "A.x") + &text(record, "C.x"))
        .collect();
    assert_eq!(read, ["a1", "c2"]);
    assert_eq!((page.last, page.more), (Some((RecordId(79), None)), true));
    assert_eq!(
        queries(&stage),
        [
            "select id, Modified_Time, A.x, B.x from Leads where id > '7' order by id asc limit 2000",
            "select id, Modified_Time, C.x from Leads where (id > '7' and id <= '79') order by id asc limit 3",
        ]
    );
    assert_eq!(stage.meter.snapshot().crm_credits, 4);
}

#[tokio::test]
async fn a_further_query_is_followed_to_its_end_and_no_further() {
    let first = || rows(r#"{"id":"77","A.x":"a"},{"id":"79","A.x":"b"}"#, LAST);
    let one = |id: &str| rows(&format!(r#"{{"id":"{id}","C.x":"c"}}"#), MORE);
    let wanted = columns(&["A.x", "B.x", "C.x"]);
    let followed = stage(vec![
        first(),
        one("77"),
        one("78"),
        rows(r#"{"id":"79","C.x":"d"}"#, LAST),
    ])
    .await;
    let page = followed.crm.page(&wanted, &ALL, 200).await.unwrap();
    let ids: Vec<u64> = page.records.iter().map(|record| record.id.0).collect();
    assert_eq!(ids, [77, 79]);
    assert!(queries(&followed)[3].contains("(id > '78' and id <= '79')"));

    let looping = stage_with(impatient(), vec![first(), one("77"), one("77")]).await;
    let error = looping.crm.page(&wanted, &ALL, 200).await.unwrap_err();
    assert_eq!(error.failure(), Failure::Unreachable);
    assert!(chain(&error).contains("repeat"), "{}", chain(&error));
}

#[tokio::test]
async fn changes_are_completed_up_to_the_last_one() {
    let stage = stage(vec![
        rows(
            r#"{"id":"77","Modified_Time":"2026-03-05T00:00:00Z","A.x":"a"}"#,
            LAST,
        ),
        Canned::json(204, "").header(DATE.0, DATE.1),
    ])
    .await;
    let scope = Scope::Changed {
        since: "2026-03-04T08:00:00Z".parse().unwrap(),
        after: None,
    };
    let page = stage
        .crm
        .page(&columns(&["A.x", "B.x", "C.x"]), &scope, 200)
        .await
        .unwrap();
    let at = "2026-03-05T00:00:00Z".parse().unwrap();
    assert!(page.records.is_empty(), "it moved on and comes again later");
    assert_eq!(page.last, Some((RecordId(77), Some(at))));
    assert!(queries(&stage)[1].contains(
        "and (Modified_Time < '2026-03-05T00:00:00+00:00' or (Modified_Time = '2026-03-05T00:00:00+00:00' and id <= '77')))"
    ));
}

#[tokio::test]
async fn a_probe_costs_one_credit() {
    let stage = stage(vec![rows(r#"{"id":"1"}"#, LAST), Canned::json(204, "")]).await;
    let module = "Leads".parse().unwrap();
    let among = Among {
        view: Some(RecordId(5)),
        filter: Filter::EVERYTHING,
    };
    assert!(
        stage
            .crm
            .has_more_than(&module, &among, 30_000)
            .await
            .unwrap()
    );
    assert!(
        !stage
            .crm
            .has_more_than(&module, &Among::ALL, 200_000)
            .await
            .unwrap()
    );
    assert_eq!(
        queries(&stage),
        [
            "select id from Leads#5 where id is not null order by id asc limit 1 offset 30000",
            "select id from Leads where id is not null order by id asc limit 1 offset 100000",
        ]
    );
    assert_eq!(stage.meter.snapshot().crm_credits, 2);
}

#[tokio::test]
async fn a_walk_is_completed_by_queries_for_its_ids() {
    let stage = stage(vec![
        rows(
            r#"{"id":"9","Email":"a"},{"id":"8","Email":"b"}"#,
            r#""info":{"more_records":true,"next_page_token":"t"}"#,
        ),
        rows(r#"{"id":"9","Account_Name.Industry":"Media"}"#, LAST),
    ])
    .await;
    let wanted = columns(&["Email", "Account_Name.Industry"]);
    let page = stage
        .crm
        .walk(&wanted, Some(RecordId(5)), Converted::Only, None, None)
        .await
        .unwrap();
    let [whole] = page.records.as_slice() else {
        panic!("{page:?}")
    };
    assert_eq!(text(whole, "Account_Name.Industry"), "Media");
    assert_eq!(page.partial[0].id, RecordId(8));
    assert_eq!(page.next.as_deref(), Some("t"));
    let seen = &stage.server.seen()[0];
    assert_eq!(seen.parameter("cvid").as_deref(), Some("5"));
    assert_eq!(
        seen.parameter("fields").as_deref(),
        Some("Modified_Time,Email")
    );
    assert_eq!(seen.parameter("converted"), None);
    assert_eq!(
        queries(&stage),
        [
            "select id, Account_Name.Industry from Leads where id in ('9', '8') order by id asc limit 2"
        ]
    );
    assert_eq!(stage.meter.snapshot().crm_credits, 3 + 1);
}

#[tokio::test]
async fn a_view_that_coql_cannot_say_is_told_apart() {
    let refused = |details: &str| {
        Canned::json(
            400,
            &format!(
                r#"{{"code":"INVALID_QUERY","details":{details},"message":"x","status":"error"}}"#
            ),
        )
    };
    for (details, want) in [
        (r#"{"cvid":"5","cv_criteria":true}"#, true),
        (r#"{"cvid":"5"}"#, false),
        (r#"{"column_name":"Emial"}"#, false),
    ] {
        let stage = stage(vec![refused(details)]).await;
        let error = stage.crm.page(&columns(&["Email"]), &ALL, 200).await;
        let error = error.unwrap_err();
        assert_eq!(error.view_not_in_coql(), want, "{error}");
        assert!(error.suggests_walking());
    }
}
