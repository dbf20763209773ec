//! Against a scripted Campaigns.

mod rehearsal;
mod tags;

use std::time::Duration;

use super::*;
use crate::clock::Clock;
use crate::domain::address::EmailAddress;
use crate::domain::failure::table::methods_named;
use crate::domain::failure::{Failure, Service};
use crate::domain::ids::ListKey;
use crate::domain::suppression::{Cleared, Gate, Standing};
use crate::zoho::testing::{Canned, Server, client, hasty, impatient};

struct Stage {
    server: Server,
    campaigns: Campaigns,
    meter: Arc<Meter>,
    _folder: tempfile::TempDir,
}

async fn stage(answers: &[&str]) -> Stage {
    stage_of(answers.iter().map(|body| Canned::json(200, body)).collect()).await
}

async fn stage_of(answers: Vec<Canned>) -> Stage {
    stage_with(hasty(), answers).await
}

async fn stage_with(retry: Retry, answers: Vec<Canned>) -> Stage {
    let server = Server::start(answers).await;
    let folder = tempfile::tempdir().unwrap();
    let tokens = server.tokens(folder.path().join("t"), Clock::system());
    let meter = Arc::new(Meter::default());
    let hosts = server.hosts();
    let campaigns = Campaigns::new(client(), &hosts, tokens, 2, retry, Pacer::off());
    Stage {
        server,
        campaigns: campaigns.metered(Arc::clone(&meter)),
        meter,
        _folder: folder,
    }
}

fn list() -> ListKey {
    "3zabc".parse().unwrap()
}

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

fn cleared(text: &str, fields: &[(&str, &str)]) -> Cleared {
    let now = "2026-11-22T02:00:00Z".parse().unwrap();
    let owned = |(label, value): &(&str, &str)| ((*label).to_owned(), (*value).to_owned());
    let gate = Gate::open(list(), now, Duration::from_secs(60));
    let fields = fields.iter().map(owned).collect();
    gate.clear(&address(text), fields, &Standing::default(), now)
        .unwrap()
}

#[test]
fn the_table_of_failures_knows_the_methods_by_their_names() {
    let named = methods_named(Service::Campaigns);
    let names: Vec<&str> = Method::ALL.map(Method::name).to_vec();
    assert!(named.iter().all(|name| names.contains(name)), "{named:?}");
    // Those that say something of one contact, or have nothing to list.
    for method in [
        Method::Subscribe,
        Method::Unsubscribe,
        Method::Tag,
        Method::MakeTag,
        Method::Lists,
        Method::Subscribers,
    ] {
        assert!(named.contains(method.name()), "{method}");
    }
}

const DONE: &str = r#"{"status":"success","code":"0","message":"ok","version":"1.1"}"#;

#[tokio::test]
async fn a_contact_is_sent_as_a_form_and_never_in_a_url() {
    let stage = stage(&[DONE]).await;
    let contact = cleared("O'Ada@Example.org", &[("First Name", "Łukasz & \"Co\"")]);
    assert_eq!(
        stage.campaigns.subscribe(&contact).await.unwrap(),
        Reply::Accepted
    );
    let seen = &stage.server.seen()[0];
    assert_eq!(
        (seen.path.as_str(), seen.query.as_str()),
        ("/api/v1.1/json/listsubscribe", "")
    );
    assert_eq!(seen.form("resfmt").as_deref(), Some("JSON"));
    assert_eq!(seen.form("listkey").as_deref(), Some("3zabc"));
    let info: serde_json::Value = serde_json::from_str(&seen.form("contactinfo").unwrap()).unwrap();
    let want = serde_json::json!({"Contact Email": contact.address().as_sent(), "First Name": "Łukasz & \"Co\""});
    assert_eq!(info, want);
    assert_eq!(stage.meter.snapshot().campaigns_calls, 1);
}

#[tokio::test]
async fn what_is_said_of_one_contact_is_a_reply() {
    let refused = |verdict, code: &str, text: &str| Reply::Refused {
        verdict,
        code: code.to_owned(),
        text: text.to_owned(),
    };
    for (body, want) in [
        (r#"{"status":"success","code":0}"#, Reply::Accepted),
        (
            r#"{"status":"error","Code":"2003","message":"there"}"#,
            Reply::AlreadyThere,
        ),
        (
            r#"{"status":"error","code":"2004","message":"bad a@b.cd"}"#,
            refused(Verdict::InvalidAddress, "2004", "bad …"),
        ),
        (
            r#"{"status":"error","Code":2005}"#,
            refused(Verdict::RoleAddress, "2005", ""),
        ),
        (
            r#"{"status":"error","code":"2001"}"#,
            refused(Verdict::Passing, "2001", ""),
        ),
        (
            r#"{"status":"error","code":"4711","message":"blocked"}"#,
            refused(Verdict::Passing, "4711", "blocked"),
        ),
    ] {
        let stage = stage(&[body]).await;
        let reply = stage
            .campaigns
            .subscribe(&cleared("a@example.org", &[]))
            .await;
        assert_eq!(reply.unwrap(), want, "{body}");
    }
}

#[tokio::test]
async fn an_unsubscribe_of_nobody_is_a_reply() {
    let stage = stage(&[DONE, r#"{"status":"error","code":"2103","message":"none"}"#]).await;
    let ada = address("ada@example.org");
    assert_eq!(
        stage.campaigns.unsubscribe(&list(), &ada).await.unwrap(),
        Reply::Accepted
    );
    let reply = stage.campaigns.unsubscribe(&list(), &ada).await.unwrap();
    assert!(matches!(
        reply,
        Reply::Refused {
            verdict: Verdict::NotAContact,
            ..
        }
    ));
    let seen = &stage.server.seen()[0];
    assert_eq!(seen.path, "/api/v1.1/json/listunsubscribe");
    assert_eq!(
        seen.form("contactinfo").as_deref(),
        Some(r#"{"Contact Email":"ada@example.org"}"#)
    );
}

#[tokio::test]
async fn a_bulk_call_answers_for_each_address_in_order() {
    let body = r#"{"status":"success","code":"0","listkey":"3zabc","ignored_contacts":["Info@example.com"],
        "existing_contacts":["bob@EXAMPLE.com"],"readd_contacts":[]}"#;
    let stage = stage(&[body]).await;
    let contacts = ["bob@example.com", "ada@example.com", "info@example.com"];
    let contacts = contacts.map(|text| cleared(text, &[]));
    let replies = stage.campaigns.subscribe_bulk(&contacts).await.unwrap();
    assert_eq!(replies[..2], [Reply::AlreadyThere, Reply::Accepted]);
    assert!(matches!(
        replies[2],
        Reply::Refused {
            verdict: Verdict::Other,
            ..
        }
    ));
    let seen = &stage.server.seen()[0];
    let sent = "bob@example.com,ada@example.com,info@example.com";
    assert_eq!(seen.form("emailids").as_deref(), Some(sent));

    let eleven: Vec<Cleared> = (0..11)
        .map(|n| cleared(&format!("a{n}@example.com"), &[]))
        .collect();
    let with_name = [cleared("a@example.com", &[("First Name", "A")])];
    for unfit in [&eleven[..], &with_name] {
        let error = stage.campaigns.subscribe_bulk(unfit).await.unwrap_err();
        assert!(matches!(error, CampaignsError::NotBulk), "{error}");
    }
    assert_eq!(stage.campaigns.subscribe_bulk(&[]).await.unwrap(), []);
}

#[tokio::test]
async fn a_bulk_call_that_is_refused_for_one_contact_is_made_for_each_by_itself() {
    let role = r#"{"status":"error","code":"2005","message":"a group"}"#;
    let stage = stage(&[role, DONE, role]).await;
    let contacts = ["ada@example.com", "crew@example.com"].map(|text| cleared(text, &[]));
    let replies = stage.campaigns.subscribe_bulk(&contacts).await.unwrap();
    assert_eq!(replies[0], Reply::Accepted);
    let verdict = Verdict::RoleAddress;
    let (code, text) = ("2005".to_owned(), "a group".to_owned());
    let refused = Reply::Refused {
        verdict,
        code,
        text,
    };
    assert_eq!(replies[1], refused);
    let seen = stage.server.seen();
    assert!(seen[1].path.ends_with("listsubscribe"), "{}", seen[1].path);
}

fn rows(keys: impl Iterator<Item = u32>) -> String {
    let row = |n| {
        format!(
            r#"{{"listkey":"3z{n}","listname":"L{n}","is_public":"false","noofcontacts":"{n}"}}"#
        )
    };
    let rows: Vec<String> = keys.map(row).collect();
    format!(
        r#"{{"status":"success","code":"0","list_of_details":[{}]}}"#,
        rows.join(",")
    )
}

#[tokio::test]
async fn lists_are_read_to_the_end() {
    let stage = stage(&[&rows(0..200), &rows(199..230)]).await;
    let lists = stage.campaigns.lists().await.unwrap();
    assert_eq!(lists.len(), 230);
    assert_eq!((lists[7].name.as_str(), lists[7].active), ("L7", Some(7)));
    let from: Vec<_> = stage
        .server
        .seen()
        .iter()
        .map(|seen| seen.parameter("fromindex"))
        .collect();
    assert_eq!(from, [Some("1".to_owned()), Some("201".to_owned())]);
}

#[tokio::test]
async fn an_account_without_lists_and_a_list_with_a_form_are_told_apart() {
    let none = stage(&[r#"{"status":"error","Code":"2401","message":"No list"}"#]).await;
    assert_eq!(none.campaigns.lists().await.unwrap(), []);
    let body =
        r#"{"code":"0","list_of_details":[{"listkey":"3z1","listname":"A","is_public":"true"}]}"#;
    let public = stage(&[body]).await;
    assert!(public.campaigns.lists().await.unwrap()[0].signup_form);
}

fn subscribers(count: usize) -> String {
    let row = |n| format!(r#"{{"contact_email":"a{n}@example.org","zuid":"1"}}"#);
    let rows: Vec<String> = (0..count).map(row).collect();
    format!(
        r#"{{"status":"success","code":"0","list_of_details":[{}]}}"#,
        rows.join(",")
    )
}

const EMPTY: &str = r#"{"status":"error","Code":"2502","message":"no contacts in the list"}"#;

fn counted(count: u64) -> String {
    format!(r#"{{"status":"success","code":"200","no_of_contacts":{count}}}"#)
}

#[tokio::test]
async fn an_empty_page_is_the_end_only_if_the_count_agrees() {
    let answers = [
        &subscribers(200),
        EMPTY,
        &counted(201),
        EMPTY,
        &counted(200),
    ];
    let stage = stage(&answers).await;
    let read = |from| {
        stage
            .campaigns
            .subscribers(&TEST_LIST, Status::Unsubscribed, from)
    };
    let first = read(1).await.unwrap();
    assert_eq!((first.rows, first.end), (200, false));
    let second = read(201).await.unwrap();
    assert_eq!((second.rows, second.end), (0, true));
    let seen = stage.server.seen();
    assert_eq!(seen.len(), 5, "asked again when the count disagreed");
    assert_eq!(seen[0].parameter("status").as_deref(), Some("unsub"));
    assert_eq!(seen[1].parameter("fromindex").as_deref(), Some("201"));
}

#[tokio::test]
async fn a_list_that_ends_early_for_good_is_an_error() {
    let answers = [EMPTY, &counted(3)].map(|body| Canned::json(200, body));
    let stage = stage_with(impatient(), answers.into()).await;
    let page = stage.campaigns.subscribers(&TEST_LIST, Status::Bounced, 1);
    let error = page.await.unwrap_err();
    assert_eq!(error.failure(), Failure::Unreachable);
    assert!(matches!(
        error,
        CampaignsError::Short {
            read: 0,
            counted: 3,
            ..
        }
    ));
}

static TEST_LIST: std::sync::LazyLock<ListKey> = std::sync::LazyLock::new(list);

#[tokio::test]
async fn a_short_page_is_the_end() {
    let stage = stage(&[&subscribers(3)]).await;
    let page = stage
        .campaigns
        .subscribers(&TEST_LIST, Status::Bounced, 1)
        .await
        .unwrap();
    assert_eq!((page.rows, page.end), (3, true));
    assert_eq!(page.addresses[2], "a2@example.org");
}

#[tokio::test]
async fn a_range_that_is_too_large_is_halved_for_good() {
    let too_large = r#"{"status":"error","code":"6502"}"#;
    let stage = stage(&[too_large, &subscribers(100), &subscribers(5)]).await;
    let first = stage
        .campaigns
        .subscribers(&TEST_LIST, Status::Active, 1)
        .await
        .unwrap();
    assert_eq!((first.rows, first.end), (100, false));
    let second = stage
        .campaigns
        .subscribers(&TEST_LIST, Status::Active, 101)
        .await
        .unwrap();
    assert!(second.end);
    let asked: Vec<_> = stage
        .server
        .seen()
        .iter()
        .filter_map(|seen| seen.parameter("range"))
        .collect();
    assert_eq!(asked, ["200", "100", "100"]);
}

#[tokio::test]
async fn fields_are_read_in_both_shapes() {
    let field = r#"{"DISPLAY_NAME":"Customer Tier","FIELD_NAME":"tier","max_length":"20"}"#;
    let nested =
        format!(r#"{{"response":{{"status":"success","fieldnames":{{"fieldname":[{field}]}}}}}}"#);
    let flat = format!(r#"{{"response":{{"code":"0","fieldname":[{field}]}}}}"#);
    for body in [nested, flat] {
        let stage = stage(&[&body]).await;
        let fields = stage.campaigns.contact_fields().await.unwrap();
        let want = ContactField {
            label: "Customer Tier".to_owned(),
            max_length: Some(20),
        };
        assert_eq!(fields, [want], "{body}");
    }
}

#[tokio::test]
async fn a_refused_key_costs_one_new_token() {
    let unauthorised = r#"{"status":"error","Code":"1007","URI":"/x","message":"Unauthorized"}"#;
    let revived = stage_of(vec![
        Canned::json(401, unauthorised),
        Canned::json(200, &counted(7)),
    ])
    .await;
    assert_eq!(
        revived
            .campaigns
            .count(&list(), Status::Active)
            .await
            .unwrap(),
        7
    );
    assert_eq!(revived.server.tokens_made(), 2);

    let dead = stage(&[unauthorised, unauthorised]).await;
    let error = dead
        .campaigns
        .count(&list(), Status::Active)
        .await
        .unwrap_err();
    assert_eq!(error.failure(), Failure::CredentialsRefused);
    assert!(
        error.to_string().contains("ZohoCampaigns.contact.READ"),
        "{error}"
    );
    assert_eq!(dead.server.tokens_made(), 2);
}

#[tokio::test]
async fn what_concerns_the_account_is_an_error_with_its_remedy() {
    for (body, failure, remedy) in [
        (
            r#"{"status":"error","Code":"2501"}"#,
            Failure::Configuration,
            "list key",
        ),
        (
            r#"{"status":"error","code":2302}"#,
            Failure::AccountClosed,
            "plan",
        ),
        (
            r#"{"status":"error","code":"903","message":"x a@b.cd"}"#,
            Failure::Refused,
            "code 903",
        ),
    ] {
        let stage = stage(&[body]).await;
        let error = stage
            .campaigns
            .subscribe(&cleared("a@example.org", &[]))
            .await
            .unwrap_err();
        assert_eq!(error.failure(), failure, "{body}");
        assert!(error.to_string().contains(remedy), "{error}");
        assert!(!format!("{error:?}").contains('@'), "{error:?}");
    }
}

#[tokio::test]
async fn html_under_a_good_status_is_tried_again() {
    let stage = stage_of(vec![Canned::html(200), Canned::json(200, DONE)]).await;
    let reply = stage
        .campaigns
        .subscribe(&cleared("a@example.org", &[]))
        .await;
    assert_eq!(reply.unwrap(), Reply::Accepted);
    assert_eq!(stage.meter.snapshot().campaigns_calls, 2);
}
