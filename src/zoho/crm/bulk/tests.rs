//! Jobs against a scripted CRM.

use std::io::{Cursor, Write};

use serde_json::json;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;
use crate::domain::failure::Failure;
use crate::domain::filter::{Filter, Leaf, Test};
use crate::domain::ids::RecordId;
use crate::domain::value::{FieldType, Value as Held};
use crate::zoho::crm::tests::{DATE, Stage, chain, columns, stage, stage_with};
use crate::zoho::testing::{Canned, impatient};

/// A ZIP with one file.
pub(super) fn zipped(csv: &[u8]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("77.csv", SimpleFileOptions::default())
        .unwrap();
    zip.write_all(csv).unwrap();
    zip.finish().unwrap().into_inner()
}

fn refused(status: u16, code: &str, details: &str) -> Canned {
    let body = format!(
        r#"{{"code":"{code}","details":{details},"message":"ada@example.org","status":"error"}}"#
    );
    Canned::json(status, &body)
}

fn state(body: &str) -> Canned {
    Canned::json(
        200,
        &format!(r#"{{"data":[{{"id":"77","operation":"read",{body}}}]}}"#),
    )
}

const ADDED: &str = r#"{"data":[{"status":"success","code":"ADDED_SUCCESSFULLY","message":"Added successfully.",
    "details":{"id":"77","operation":"read","state":"ADDED"}}],"info":{}}"#;

#[test]
fn polls_slow_down() {
    let seconds: Vec<u64> = (0..7).map(|n| poll_delay(n).as_secs()).collect();
    assert_eq!(seconds, [1, 2, 4, 8, 16, 30, 30]);
    assert_eq!(poll_delay(u32::MAX).as_secs(), 30);
}

#[tokio::test]
async fn a_job_is_asked_for_with_its_records_or_its_token() {
    let added = || Canned::json(201, ADDED).header(DATE.0, DATE.1);
    let stage = stage(vec![added(), added()]).await;
    let filter = Filter::Leaf(Leaf {
        field: "Email".parse().unwrap(),
        field_type: FieldType::Text,
        test: Test::NotNull,
    });
    let among = Among {
        view: Some(RecordId(5)),
        filter,
    };
    let columns = &columns(&["Email", "Account_Name.Industry"]);
    let among = &among;
    let job = stage
        .crm
        .bulk_create(BulkQuery::First { columns, among })
        .await;
    let want = BulkJob {
        id: "77".to_owned(),
        service_time: "2026-11-22T02:30:08Z".parse().unwrap(),
    };
    assert_eq!(job.unwrap(), want);
    let page_token = "c85";
    stage
        .crm
        .bulk_create(BulkQuery::Next { page_token })
        .await
        .unwrap();
    let seen = stage.server.seen();
    assert_eq!(
        (seen[0].method.as_str(), seen[0].path.as_str()),
        ("POST", "/crm/bulk/v8/read")
    );
    let body = |n: usize| serde_json::from_str::<Value>(&seen[n].body).unwrap();
    assert_eq!(
        body(0),
        json!({"query": {"module": {"api_name": "Leads"},
            "fields": ["Modified_Time", "Email", "Account_Name.Industry"], "cvid": "5",
            "criteria": {"field": {"api_name": "Email"}, "comparator": "not_equal", "value": "${EMPTY}"}}})
    );
    assert_eq!(body(1), json!({"query": {"page_token": "c85"}}));
    assert_eq!(stage.meter.snapshot().crm_credits, 100);
}

#[tokio::test]
async fn a_job_goes_from_state_to_state() {
    let waiting = BulkStatus::Waiting;
    let done = |rows, next: Option<&str>| BulkStatus::Done {
        rows,
        next_page_token: next.map(str::to_owned),
    };
    let failed = |code: &str| BulkStatus::Failed {
        code: code.to_owned(),
    };
    for (body, want) in [
        (r#""state":"ADDED""#, waiting.clone()),
        (r#""state":"IN PROGRESS","result":null"#, waiting.clone()),
        (r#""state":"UNHEARD OF""#, waiting),
        (
            r#""state":"COMPLETED","result":{"page":1,"count":127,"more_records":false,"next_page_token":"x"}"#,
            done(127, None),
        ),
        (
            r#""state":"COMPLETED","result":{"count":200000,"more_records":true,"next_page_token":"x"}"#,
            done(200_000, Some("x")),
        ),
        (
            r#""state":"FAILURE","result":{"error_message":{"code":"INTERNAL_ERROR","message":"ada@example.org"}}"#,
            failed("INTERNAL_ERROR"),
        ),
        (r#""state":"FAILURE""#, failed("UNKNOWN")),
    ] {
        let stage = stage(vec![state(body)]).await;
        assert_eq!(stage.crm.bulk_status("77").await.unwrap(), want, "{body}");
        assert_eq!(stage.server.seen()[0].path, "/crm/bulk/v8/read/77");
        assert_eq!(stage.meter.snapshot().crm_credits, 1);
    }
    for body in [
        r#""state":"COMPLETED""#,
        r#""state":"COMPLETED","result":{"count":9,"more_records":true}"#,
        r#""state":"COMPLETED","result":{"more_records":false}"#,
    ] {
        let stage = stage_with(impatient(), vec![state(body)]).await;
        let error = stage.crm.bulk_status("77").await.unwrap_err();
        assert_eq!(error.failure(), Failure::Unreachable, "{body}");
    }
}

async fn all(stage: &Stage, columns: &Columns) -> Result<Vec<usize>, CrmError> {
    let folder = tempfile::tempdir().unwrap();
    let mut pieces = stage.crm.bulk_rows("77", columns, folder.path()).await?;
    let mut sizes = Vec::new();
    while let Some(piece) = pieces.recv().await {
        sizes.push(piece?.len());
    }
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 0, "the file has no name");
    Ok(sizes)
}

#[tokio::test]
async fn rows_are_downloaded_anew_until_they_are_whole_and_come_in_pieces() {
    let rows: String = (1..=4500)
        .map(|n| format!("{n},2026-03-04T09:15:27+01:00,a\n"))
        .collect();
    let zip = zipped(format!("Id,Modified_Time,Email\n{rows}").as_bytes());
    let stage = stage(vec![
        Canned::zip(zip[..zip.len() / 2].to_vec()),
        refused(429, "TOO_MANY_REQUESTS", "{}").header("retry-after", "0"),
        Canned::html(200),
        Canned::zip(zip),
    ])
    .await;
    let sizes = all(&stage, &columns(&["Email"])).await.unwrap();
    assert_eq!(sizes, [2000, 2000, 500]);
    assert_eq!(stage.server.seen()[3].path, "/crm/bulk/v8/read/77/result");
    assert_eq!(stage.meter.snapshot().crm_credits, 4);
}

#[tokio::test]
async fn a_row_reads_as_a_query_would_give_it() {
    let csv = "Id,Modified_Time,Account_Name,Account_Name.Account_Name,Rating\n\
               77,2026-03-04T09:15:27+01:00,5,Orto,12.50\n78,,,,\n";
    let stage = stage(vec![Canned::zip(zipped(csv.as_bytes()))]).await;
    let mut columns = columns(&["Account_Name", "Rating"]);
    columns.fields[0].field_type = FieldType::Lookup;
    columns.fields[0].lookup = Some("Accounts".parse().unwrap());
    columns.fields[1].field_type = FieldType::Number;
    let folder = tempfile::tempdir().unwrap();
    let mut pieces = stage
        .crm
        .bulk_rows("77", &columns, folder.path())
        .await
        .unwrap();
    let piece = pieces.recv().await.unwrap().unwrap();
    let account = Held::Lookup {
        id: RecordId(5),
        name: Some("Orto".to_owned()),
    };
    assert_eq!(piece[0].get(&"Account_Name".parse().unwrap()), &account);
    assert_eq!(
        piece[0].get(&"Rating".parse().unwrap()),
        &Held::Number("12.5".parse().unwrap())
    );
    assert_eq!(
        piece[0].modified_at,
        Some("2026-03-04T08:15:27Z".parse().unwrap())
    );
    assert_eq!((piece[1].id, piece[1].modified_at), (RecordId(78), None));
    assert!(piece[1].values.values().all(|value| *value == Held::Null));
    assert!(pieces.recv().await.is_none());
}

#[tokio::test]
async fn a_column_that_is_not_there_and_a_value_of_another_type_are_named_and_not_shown() {
    for (csv, said) in [
        ("Id,Modified_Time\n1,\n", "the column `Email` of Leads"),
        (
            "Id,Modified_Time,Email\nada@example.org,,\n",
            "`id` of Leads",
        ),
        (
            "Id,Modified_Time,Email\n1,ada@example.org,\n",
            "`Modified_Time` of Leads",
        ),
    ] {
        let stage = stage(vec![Canned::zip(zipped(csv.as_bytes()))]).await;
        let error = all(&stage, &columns(&["Email"])).await.unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
        assert_eq!(error.failure(), Failure::Refused);
        assert!(
            !format!("{error:?} {}", chain(&error)).contains('@'),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_job_that_is_gone_is_told_from_one_that_cannot_be() {
    let gone = stage(vec![
        refused(404, "RESOURCE_NOT_FOUND", "{}"),
        refused(404, "RESOURCE_NOT_FOUND", "{}"),
        refused(400, "EXPIRED_VALUE", "{}"),
        refused(400, "INVALID_DATA", r#"{"api_name":"page_token"}"#),
    ])
    .await;
    let next = BulkQuery::Next { page_token: "c85" };
    let errors = [
        gone.crm.bulk_status("77").await.unwrap_err(),
        all(&gone, &columns(&["Email"])).await.unwrap_err(),
        gone.crm.bulk_create(next).await.unwrap_err(),
        gone.crm.bulk_create(next).await.unwrap_err(),
    ];
    for error in errors {
        assert!(error.job_is_gone() && !error.suggests_querying(), "{error}");
        assert!(!format!("{error:?} {error}").contains('@'));
    }
    for (code, details, said) in [
        ("FIELD_NOT_AVAILABLE", r#"{"api_name":"Emial"}"#, "`Emial`"),
        ("MODULE_NOT_SUPPORTED", r#"{"module":"Notes"}"#, "`Notes`"),
        ("CVID_NOT_SUPPORTED", "{}", "custom view"),
        ("JOIN_LIMIT_EXCEEDED", "{}", "JOIN_LIMIT_EXCEEDED"),
    ] {
        let stage = stage(vec![refused(400, code, details)]).await;
        let columns = &columns(&["Email"]);
        let among = &Among::ALL;
        let error = stage
            .crm
            .bulk_create(BulkQuery::First { columns, among })
            .await;
        let error = error.unwrap_err();
        assert!(error.suggests_querying() && !error.job_is_gone(), "{error}");
        assert_eq!(error.failure(), Failure::Configuration);
        assert!(error.to_string().contains(said), "{error}");
    }
    let scope = stage(vec![refused(401, "OAUTH_SCOPE_MISMATCH", "{}")]).await;
    let columns = &columns(&["Email"]);
    let among = &Among::ALL;
    let first = BulkQuery::First { columns, among };
    let error = scope.crm.bulk_create(first).await.unwrap_err();
    assert!(error.suggests_querying(), "{error}");
    let scope = stage(vec![refused(401, "OAUTH_SCOPE_MISMATCH", "{}")]).await;
    let error = scope.crm.bulk_status("77").await.unwrap_err();
    assert!(error.to_string().contains("ZohoCRM.bulk.READ"), "{error}");
}

#[tokio::test]
async fn an_id_that_is_no_word_never_gets_into_a_url() {
    let body = ADDED.replace("\"77\"", "\"../77\"");
    let stage = stage_with(
        impatient(),
        vec![Canned::json(201, &body).header(DATE.0, DATE.1)],
    )
    .await;
    let next = BulkQuery::Next { page_token: "c85" };
    assert!(stage.crm.bulk_create(next).await.is_err());
}
