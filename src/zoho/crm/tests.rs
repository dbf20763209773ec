//! Against a scripted CRM.

mod failures;
mod laws;
mod pages;
mod sandbox;

use std::error::Error;
use std::sync::Arc;

use super::coql::{Among, Scope};
use super::*;
use crate::clock::Clock;
use crate::domain::failure::table::methods_named;
use crate::domain::failure::{Failure, Service};
use crate::domain::ids::RecordId;
use crate::domain::record::Record;
use crate::domain::value::{FieldType, Value};
use crate::zoho::meter::Cost;
use crate::zoho::testing::{Canned, Server, client, hasty, impatient};

pub(crate) fn columns(names: &[&str]) -> Columns {
    let field = |name: &&str| Field {
        api_name: (*name).to_owned(),
        label: (*name).to_owned(),
        field_type: FieldType::Text,
        data_type: "text".to_owned(),
        lookup: None,
        options: Vec::new(),
    };
    Columns {
        module: "Leads".parse().unwrap(),
        fields: names.iter().map(field).collect(),
    }
}

pub(super) struct Stage {
    pub(super) server: Server,
    pub(super) crm: Crm,
    pub(super) meter: Arc<Meter>,
    _folder: tempfile::TempDir,
}

pub(super) async fn stage(answers: Vec<Canned>) -> Stage {
    stage_with(hasty(), answers).await
}

pub(super) async fn stage_with(retry: Retry, answers: Vec<Canned>) -> Stage {
    let server = Server::start(answers).await;
    let folder = tempfile::tempdir().unwrap();
    let tokens = server.tokens(folder.path().join("t"), Clock::system());
    let meter = Arc::new(Meter::default());
    let crm = Crm::new(client(), tokens, 2, retry, Pacer::off()).metered(Arc::clone(&meter));
    Stage {
        server,
        crm,
        meter,
        _folder: folder,
    }
}

const ALL: Scope = Scope::ById {
    among: Among::ALL,
    after: None,
};
pub(super) const DATE: (&str, &str) = ("date", "Sun, 22 Nov 2026 02:30:08 GMT");

pub(super) fn chain(error: &CrmError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[tokio::test]
async fn a_page_is_queried_and_read() {
    let body = r#"{"data":[
        {"id":"77","Modified_Time":"2026-03-04T09:15:27+01:00","Email":"Ada@example.org"},
        {"id":78,"Modified_Time":null,"Email":null}],"info":{"count":2,"more_records":true}}"#;
    let stage = stage(vec![Canned::json(200, body).header(DATE.0, DATE.1)]).await;
    let page = stage
        .crm
        .page(&columns(&["Email"]), &ALL, 2000)
        .await
        .unwrap();
    assert!(page.more);
    assert_eq!(page.service_time, "2026-11-22T02:30:08Z".parse().unwrap());
    let email = "Email".parse().unwrap();
    let [ada, none] = page.records.as_slice() else {
        panic!("{page:?}")
    };
    assert_eq!(ada.id, RecordId(77));
    assert_eq!(
        ada.modified_at,
        Some("2026-03-04T08:15:27Z".parse().unwrap())
    );
    assert_eq!(ada.get(&email), &Value::Text("Ada@example.org".to_owned()));
    assert_eq!((none.id, none.modified_at), (RecordId(78), None));
    assert_eq!(none.get(&email), &Value::Null);

    let seen = &stage.server.seen()[0];
    assert_eq!(
        (seen.method.as_str(), seen.path.as_str()),
        ("POST", "/crm/v8/coql")
    );
    assert_eq!(
        seen.header("authorization"),
        "Zoho-oauthtoken 1000.access.1"
    );
    let query = "select id, Modified_Time, Email from Leads where id is not null order by id asc limit 2000";
    assert_eq!(seen.body, json_text(query));
    let cost = Cost {
        crm_calls: 1,
        crm_credits: 3,
        campaigns_calls: 0,
    };
    assert_eq!(stage.meter.snapshot(), cost);
}

fn json_text(query: &str) -> String {
    serde_json::json!({ "select_query": query }).to_string()
}

#[tokio::test]
async fn nothing_there_and_nothing_changed_are_empty_pages() {
    let stage = stage(vec![
        Canned::json(204, ""),
        Canned::json(304, ""),
        Canned::json(304, ""),
        Canned::json(204, ""),
    ])
    .await;
    let columns = columns(&["Email"]);
    let since = Some("2026-11-22T02:30:08Z".parse().unwrap());
    let page = stage.crm.page(&columns, &ALL, 200).await.unwrap();
    assert!(page.records.is_empty() && !page.more);
    let page = stage
        .crm
        .walk(&columns, None, Converted::Both, None, since)
        .await
        .unwrap();
    assert!(page.records.is_empty() && page.next.is_none());
    let page = stage.crm.deleted(&columns.module, since, 1).await.unwrap();
    assert!(page.records.is_empty() && !page.more);
    let fields = stage.crm.fields(&columns.module).await.unwrap();
    assert!(fields.is_empty());
}

#[tokio::test]
async fn nothing_changed_is_no_answer_to_who_did_not_ask_for_changes() {
    // Taken for "nothing there" it would empty a list, whoever it comes from.
    let stage = stage_with(impatient(), (0..3).map(|_| Canned::json(304, "")).collect()).await;
    let columns = columns(&["Email"]);
    let walked = stage.crm.walk(&columns, None, Converted::Both, None, None);
    let error = walked.await.unwrap_err();
    assert_eq!(error.failure(), Failure::Unreachable, "{error}");
}

#[tokio::test]
async fn pages_that_lead_to_themselves_are_not_followed() {
    let page = r#"{"data":[{"id":"2","Email":null,"Modified_Time":"2026-11-01T00:00:00Z"}],
        "info":{"more_records":true,"next_page_token":"again"}}"#;
    let stage = stage((0..3).map(|_| Canned::json(200, page)).collect()).await;
    let columns = columns(&["Email"]);
    let again = Scope::ById {
        among: Among::ALL,
        after: Some(RecordId(2)),
    };
    assert!(stage.crm.page(&columns, &ALL, 200).await.unwrap().more);
    let repeated = stage.crm.page(&columns, &again, 200).await.unwrap_err();
    let token = Some("again");
    let walked = stage.crm.walk(&columns, None, Converted::Both, token, None);
    for error in [repeated, walked.await.unwrap_err()] {
        let source = std::error::Error::source(&error).unwrap();
        assert_eq!(source.to_string(), "its rows repeat");
    }
}

#[tokio::test]
async fn a_walk_without_a_field_that_was_asked_for_is_an_error() {
    let without = r#"{"data":[{"id":"2"},{"id":"3"}],"info":{"more_records":false}}"#;
    let stage = stage(vec![Canned::json(200, without)]).await;
    let columns = columns(&["Email"]);
    let walked = stage.crm.walk(&columns, None, Converted::Both, None, None);
    let error = walked.await.unwrap_err();
    assert_eq!(error.failure(), Failure::Configuration);
    assert!(
        error
            .to_string()
            .contains("without `Email` of module Leads"),
        "{error}"
    );
}

#[tokio::test]
async fn a_walk_follows_its_token_with_the_same_parameters() {
    let first = r#"{"data":[{"id":"2","Email":null}],"info":{"more_records":true,"next_page_token":"c85"}}"#;
    let last =
        r#"{"data":[{"id":"1","Email":null}],"info":{"more_records":false,"next_page_token":"x"}}"#;
    let stage = stage(vec![Canned::json(200, first), Canned::json(200, last)]).await;
    let columns = columns(&["Email"]);
    let since = Some("2026-03-04T08:15:27Z".parse().unwrap());
    let page = stage
        .crm
        .walk(&columns, None, Converted::Both, None, since)
        .await
        .unwrap();
    assert_eq!(page.next.as_deref(), Some("c85"));
    let page = stage
        .crm
        .walk(&columns, None, Converted::Both, Some("c85"), since)
        .await
        .unwrap();
    assert_eq!(page.next, None);
    for (seen, token) in stage.server.seen().iter().zip([None, Some("c85")]) {
        assert_eq!(seen.path, "/crm/v8/Leads");
        assert_eq!(
            seen.parameter("fields").as_deref(),
            Some("Modified_Time,Email")
        );
        assert_eq!(seen.parameter("converted").as_deref(), Some("both"));
        assert_eq!(seen.parameter("page_token").as_deref(), token);
        assert_eq!(
            seen.header("if-modified-since"),
            "2026-03-04T08:15:27+00:00"
        );
    }
}

#[tokio::test]
async fn deleted_records_are_read_with_their_time() {
    let body = r#"{"data":[{"id":"41","display_name":"Ada","type":"recycle","deleted_time":"2026-03-04T08:00:00+01:00"},
        {"id":"42","display_name":null,"type":"permanent","deleted_time":"2026-03-01T10:00:00+00:00","deleted_by":null}],
        "info":{"more_records":true}}"#;
    let stage = stage(vec![Canned::json(200, body)]).await;
    let module = "Leads".parse().unwrap();
    let page = stage.crm.deleted(&module, None, 3).await.unwrap();
    let ids: Vec<u64> = page.records.iter().map(|(id, _)| id.0).collect();
    assert_eq!((ids, page.more), (vec![41, 42], true));
    assert_eq!(page.records[0].1, "2026-03-04T07:00:00Z".parse().unwrap());
    assert_eq!(stage.server.seen()[0].query, "type=all&page=3&per_page=200");
}

#[tokio::test]
async fn metadata_is_read() {
    let modules = r#"{"modules":[{"api_name":"Leads","plural_label":"Contactos","api_supported":true,"viewable":true},
        {"api_name":"Home","plural_label":"Home","api_supported":false,"viewable":true}]}"#;
    let fields = r#"{"fields":[
        {"api_name":"Lead_Status","field_label":"Status","data_type":"picklist","json_type":"string","lookup":{},
         "pick_list_values":[{"display_value":"Neu","actual_value":"New"}]},
        {"api_name":"Account_Name","field_label":"Account","data_type":"lookup","json_type":"jsonobject",
         "lookup":{"module":{"id":"1","api_name":"Accounts"},"display_label":"Leads"},"pick_list_values":[]}]}"#;
    let org = r#"{"org":[{"zgid":"30014","time_zone":"Europe/Berlin"}]}"#;
    let answers = [modules, fields, org].map(|body| Canned::json(200, body));
    let stage = stage(answers.into()).await;
    let modules = stage.crm.modules().await.unwrap();
    let readable: Vec<bool> = modules.iter().map(|module| module.readable).collect();
    assert_eq!(
        (modules[0].label.as_str(), readable),
        ("Contactos", vec![true, false])
    );
    let fields = stage.crm.fields(&"Leads".parse().unwrap()).await.unwrap();
    assert_eq!(fields[0].field_type, FieldType::Picklist);
    assert_eq!(fields[0].options[0].actual, "New");
    assert_eq!(fields[1].lookup, Some("Accounts".parse().unwrap()));
    let organisation = stage.crm.organisation().await.unwrap();
    assert_eq!(
        (organisation.id.as_str(), organisation.name),
        ("30014", None)
    );
    assert_eq!(stage.meter.snapshot().crm_credits, 3);
}

#[tokio::test]
async fn views_are_read_over_all_their_pages() {
    let first = r#"{"custom_views":[
        {"id":"5","name":"All Leads","display_value":"Alle Leads","modified_time":null,"system_defined":true},
        {"name":"without an id"},{"id":6}],"info":{"more_records":true}}"#;
    let last = r#"{"custom_views":[{"id":"7","name":"Hot","modified_time":"2026-03-04T09:15:27+01:00"}],
        "info":{"more_records":false}}"#;
    let stage = stage(vec![Canned::json(200, first), Canned::json(200, last)]).await;
    let views = stage.crm.views(&"Leads".parse().unwrap()).await.unwrap();
    let [all, hot] = views.as_slice() else {
        panic!("{views:?}")
    };
    assert_eq!(
        (all.id, all.display.as_deref()),
        (RecordId(5), Some("Alle Leads"))
    );
    assert_eq!((all.name.as_str(), all.modified_at), ("All Leads", None));
    assert_eq!(
        hot.modified_at,
        Some("2026-03-04T08:15:27Z".parse().unwrap())
    );
    let seen = stage.server.seen();
    let queries: Vec<&str> = seen.iter().map(|it| it.query.as_str()).collect();
    assert_eq!(queries, ["module=Leads", "module=Leads&page=2"]);
    assert_eq!(seen[0].path, "/crm/v8/settings/custom_views");
}

#[tokio::test]
async fn the_organisation_is_read_however_it_is_written() {
    for (org, want) in [
        (
            r#"{"zgid":"30014","company_name":" Lodge Ltd "}"#,
            Some(("30014", Some("Lodge Ltd"))),
        ),
        (r#"{"zgid":30014,"company_name":""}"#, Some(("30014", None))),
        (
            r#"{"zgid":"30014","company_name":null}"#,
            Some(("30014", None)),
        ),
        (r#"{"zgid":null,"company_name":"Lodge Ltd"}"#, None),
    ] {
        let stage = stage(vec![Canned::json(200, &format!(r#"{{"org":[{org}]}}"#))]).await;
        let read = stage.crm.organisation().await.ok();
        let read = read.as_ref().map(|it| (it.id.as_str(), it.name.as_deref()));
        assert_eq!(read, want, "{org}");
        assert_eq!(stage.server.seen()[0].path, "/crm/v8/org");
    }
}

#[tokio::test]
async fn an_organisation_that_the_token_may_not_read_is_told_from_other_refusals() {
    for (status, code, lacks_scope) in [
        (401, "OAUTH_SCOPE_MISMATCH", true),
        (403, "OAUTH_SCOPE_MISMATCH", true),
        (403, "NO_PERMISSION", false),
        (400, "INVALID_DATA", false),
    ] {
        let body = format!(r#"{{"code":"{code}","details":{{}},"message":"no","status":"error"}}"#);
        let stage = stage(vec![Canned::json(status, &body)]).await;
        let error = stage.crm.organisation().await.unwrap_err();
        assert_eq!(error.lacks_scope(), lacks_scope, "{status} {code}");
        if lacks_scope {
            assert_eq!(error.failure(), Failure::CredentialsRefused);
            assert!(
                error.to_string().contains("it needs ZohoCRM.org.READ"),
                "{error}"
            );
        }
    }
}

#[test]
fn the_table_of_failures_names_no_method_that_there_is_not() {
    let named = methods_named(Service::Crm);
    let names: Vec<&str> = Method::ALL.map(Method::name).to_vec();
    assert!(named.iter().all(|name| names.contains(name)), "{named:?}");
}
