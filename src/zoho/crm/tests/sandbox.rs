//! Against the sandbox, which knows the services' rules: what is asked is allowed, and each way of reading gives the same.

use std::collections::BTreeMap;

use super::*;
use crate::domain::filter::{Filter, Leaf, Test};
use crate::sandbox::{CLIENT_ID, CLIENT_SECRET, Options, REFRESH_TOKEN, Sandbox};
use crate::zoho::crm::bulk::{BulkQuery, BulkStatus, can_bulk};
use crate::zoho::crm::coql::{ROWS_MAX, pushable};
use crate::zoho::data_center::{Hosts, Overrides};
use crate::zoho::oauth::{Credentials, Tokens};

struct Visit {
    sandbox: Sandbox,
    crm: Crm,
    folder: tempfile::TempDir,
}

impl Visit {
    async fn start() -> Self {
        let client = client();
        let options = Options {
            people: 150,
            ..Options::default()
        };
        let sandbox = Sandbox::start(&options).await.unwrap();
        let url = Some(sandbox.url());
        let overrides = Overrides {
            accounts: url,
            crm: url,
            campaigns: url,
        };
        let folder = tempfile::tempdir().unwrap();
        let tokens = Tokens::new(
            client.clone(),
            Hosts::of("com", overrides).unwrap(),
            "main".parse().unwrap(),
            Credentials {
                client_id: CLIENT_ID.into(),
                client_secret: CLIENT_SECRET.to_owned().into(),
                refresh_token: REFRESH_TOKEN.to_owned().into(),
            },
            folder.path().join("t"),
            Clock::system(),
        );
        let crm = Crm::new(client, Arc::new(tokens), 2, impatient(), Pacer::off());
        Self {
            sandbox,
            crm,
            folder,
        }
    }

    async fn set(&self, settings: serde_json::Value) {
        let url = format!("{}/sandbox/crm/settings", self.sandbox.url());
        let request = reqwest::Client::new().post(url).json(&settings);
        request.send().await.unwrap().error_for_status().unwrap();
    }

    /// Columns of contacts, of every kind and over several relations.
    async fn columns(&self) -> Columns {
        let module = "Contacts".parse().unwrap();
        let own = self.crm.fields(&module).await.unwrap();
        let mut fields: Vec<Field> = own
            .into_iter()
            .filter(|field| field.field_type != FieldType::Opaque)
            .filter(|field| field.field_type != FieldType::Lookup || field.lookup.is_some())
            .collect();
        let accounts = self.crm.fields(&"Accounts".parse().unwrap()).await.unwrap();
        for (name, api_name) in [
            ("Industry", "Account_Name.Industry"),
            ("Annual_Revenue", "Account_Name.Annual_Revenue"),
            ("Industry", "Account_Name.Parent_Account.Industry"),
        ] {
            let field = accounts.iter().find(|field| field.api_name == name);
            let mut field = field.unwrap().clone();
            field.api_name = api_name.to_owned();
            fields.push(field);
        }
        let mut other = columns(&["Reporting_To.Last_Name"]).fields;
        fields.append(&mut other);
        Columns { module, fields }
    }

    async fn by_query(&self, columns: &Columns, among: &Among, limit: u32) -> Vec<Record> {
        let mut scope = Scope::ById {
            among: among.clone(),
            after: None,
        };
        let mut read = Vec::new();
        loop {
            let page = self.crm.page(columns, &scope, limit).await.unwrap();
            read.extend(page.records);
            match page.last.filter(|_| page.more) {
                Some(last) => scope = scope.after(last),
                None => return read,
            }
        }
    }

    async fn in_bulk(&self, columns: &Columns, among: &Among) -> Vec<Record> {
        let mut read = Vec::new();
        let mut query = Some(None::<String>);
        while let Some(token) = query.take() {
            let asked = match &token {
                None => BulkQuery::First { columns, among },
                Some(page_token) => BulkQuery::Next { page_token },
            };
            let job = self.crm.bulk_create(asked).await.unwrap();
            let (rows, next) = loop {
                match self.crm.bulk_status(&job.id).await.unwrap() {
                    BulkStatus::Waiting => {}
                    BulkStatus::Done {
                        rows,
                        next_page_token,
                    } => break (rows, next_page_token),
                    BulkStatus::Failed { code } => panic!("{code}"),
                }
            };
            let folder = self.folder.path();
            let mut pieces = self.crm.bulk_rows(&job.id, columns, folder).await.unwrap();
            let known = read.len();
            while let Some(piece) = pieces.recv().await {
                read.extend(piece.unwrap());
            }
            assert_eq!((read.len() - known) as u64, rows);
            query = next.map(Some);
        }
        read.sort_by_key(|record: &Record| record.id);
        read
    }

    async fn by_walking(&self, columns: &Columns) -> Vec<Record> {
        let mut read = Vec::new();
        let mut token = None;
        loop {
            let page = self
                .crm
                .walk(columns, None, Converted::Both, token.as_deref(), None);
            let page = page.await.unwrap();
            assert!(page.partial.is_empty());
            read.extend(page.records);
            token = page.next;
            if token.is_none() {
                break;
            }
        }
        read.sort_by_key(|record: &Record| record.id);
        read
    }
}

fn leaf(columns: &Columns, name: &str, test: Test) -> Filter {
    let field = columns.fields.iter().find(|field| field.api_name == name);
    Filter::Leaf(Leaf {
        field: name.parse().unwrap(),
        field_type: field.unwrap().field_type,
        test,
    })
}

#[tokio::test]
async fn each_way_of_reading_gives_the_same_records() {
    let visit = Visit::start().await;
    visit
        .set(serde_json::json!({"bulk_page_rows": 60, "bulk_polls": 1}))
        .await;
    let columns = visit.columns().await;
    assert!(can_bulk(&columns), "{columns:?}");
    let all = visit.by_query(&columns, &Among::ALL, ROWS_MAX).await;
    assert_eq!(all.len(), 150);
    let filled: BTreeMap<_, _> = all
        .iter()
        .flat_map(|record| &record.values)
        .filter(|(_, value)| **value != Value::Null)
        .collect();
    assert!(
        filled
            .keys()
            .any(|path| path.as_str() == "Account_Name.Industry")
    );
    assert_eq!(visit.by_query(&columns, &Among::ALL, 40).await, all);
    assert_eq!(visit.in_bulk(&columns, &Among::ALL).await, all);
    assert_eq!(visit.by_walking(&columns).await, all);
}

/// Ten of them: more downloads would have to wait a minute.
#[tokio::test]
async fn every_filter_is_taken_and_lets_the_same_records_through() {
    let visit = Visit::start().await;
    let columns = visit.columns().await;
    let texts = |values: &[&str]| values.iter().map(ToString::to_string).collect();
    let of = |name, test| leaf(&columns, name, test);
    let modified = |low: &str| {
        Test::Instants(
            Some(low.parse().unwrap()),
            "2026-12-31T00:00:00Z".parse().ok(),
        )
    };
    for filter in [
        of("Email", Test::NotNull),
        of("Email_Opt_Out", Test::Truth(false)),
        of("Last_Name", Test::Contains(texts(&["a", "o"]))),
        of(
            "Account_Name.Industry",
            Test::NoneOf(texts(&["Media", "Retail"])),
        ),
        of(
            "Account_Name.Annual_Revenue",
            Test::Numbers(Some(1_000_000.into()), Some(5_000_000.into())),
        ),
        of(
            "Account_Name.Annual_Revenue",
            Test::NotNumbers(vec![1.into(), 2.into()]),
        ),
        of("Account_Name.Parent_Account.Industry", Test::NotNull),
        of("Modified_Time", modified("2020-01-01T00:00:00Z")),
        of("Date_of_Birth", Test::Days("1980-01-01".parse().ok(), None)),
        Filter::all([
            Filter::any([
                of("Email", Test::Null),
                of("Last_Name", Test::NoneOf(texts(&["O'Brien"]))),
            ]),
            of("Reporting_To.Last_Name", Test::NotNull),
        ]),
    ] {
        assert_eq!(pushable(&filter, &columns), filter);
        let among = Among { view: None, filter };
        let queried = visit.by_query(&columns, &among, ROWS_MAX).await;
        let rows = u32::try_from(queried.len()).unwrap();
        let module = &columns.module;
        assert!(!visit.crm.has_more_than(module, &among, rows).await.unwrap());
        if let Some(fewer) = rows.checked_sub(1) {
            assert!(
                visit
                    .crm
                    .has_more_than(module, &among, fewer)
                    .await
                    .unwrap()
            );
        }
        let ids = |records: Vec<Record>| records.iter().map(|record| record.id).collect::<Vec<_>>();
        assert_eq!(
            ids(visit.in_bulk(&columns, &among).await),
            ids(queried),
            "{among:?}"
        );
    }
}

#[tokio::test]
async fn the_views_of_a_module_are_there_to_be_read() {
    let visit = Visit::start().await;
    let columns = columns(&["Last_Name"]);
    let views = visit.crm.views(&columns.module).await.unwrap();
    assert!(!views.is_empty());
    for view in views {
        let among = Among {
            view: Some(view.id),
            filter: Filter::EVERYTHING,
        };
        let scope = Scope::ById { among, after: None };
        let walked = visit
            .crm
            .walk(&columns, Some(view.id), Converted::Both, None, None);
        let walked = walked.await.unwrap();
        match visit.crm.page(&columns, &scope, 200).await {
            Ok(page) => assert_eq!(page.records.len(), walked.records.len(), "{view:?}"),
            Err(error) => assert!(error.view_not_in_coql(), "{error}"),
        }
    }
}
