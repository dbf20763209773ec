//! Targets of the CRM's answers: a page of rows is records with every column, or an error that repeats no value.

use std::io::{Seek, Write};

use super::answer::{self, listed};
use super::bulk;
use super::reader::{Reader, named};
use super::wire;
use super::{Columns, CrmError, Method};
use crate::domain::value::{Field, FieldType};
use crate::fuzz::choice;
use crate::zoho::http::Answer;

/// A column of every type.
fn columns() -> Columns {
    let types = [
        ("Email", FieldType::Text),
        ("Annual_Revenue", FieldType::Number),
        ("Email_Opt_Out", FieldType::Bool),
        ("Date_of_Birth", FieldType::Date),
        ("Created_Time", FieldType::DateTime),
        ("Industry", FieldType::Picklist),
        ("Interests", FieldType::MultiSelect),
        ("Account_Name", FieldType::Lookup),
    ];
    let field = |(name, field_type): (&str, FieldType)| Field {
        api_name: name.to_owned(),
        label: name.to_owned(),
        field_type,
        data_type: String::new(),
        lookup: (field_type == FieldType::Lookup).then(|| "Accounts".parse().expect("a name")),
        options: Vec::new(),
    };
    Columns {
        module: "Contacts".parse().expect("a name"),
        fields: types.into_iter().map(field).collect(),
    }
}

fn good(body: &[u8]) -> Answer {
    Answer {
        status: 200,
        body: body.to_vec(),
        ..Answer::default()
    }
}

fn assert_silent(error: &CrmError) {
    let said = error.to_string();
    assert!(
        !said.contains(|c: char| c == '@' || c.is_control()),
        "{said}"
    );
    // It decides whether the call is made again, so it must be there for any error.
    drop(error.failure());
}

/// A page of a query.
pub(crate) fn coql_page(bytes: &[u8]) {
    let rows = listed(Method::Coql, &good(bytes), |rows: &wire::Rows| {
        rows.data.len()
    });
    let rows = match rows {
        Ok(rows) => rows,
        Err(error) => return assert_silent(&error),
    };
    let columns = columns();
    let fields = named(&columns).expect("names of fields");
    let reader = Reader {
        method: Method::Coql,
        columns: &columns,
        fields: &fields,
    };
    match reader.records(&rows.data) {
        Ok(records) => {
            assert_eq!(records.len(), rows.data.len());
            assert!(
                records
                    .iter()
                    .all(|record| record.values.len() == columns.fields.len())
            );
        }
        Err(error) => assert_silent(&error),
    }
}

/// Any other answer: a kind of list, a status and a body.
pub(crate) fn answer(bytes: &[u8]) {
    let (which, rest) = choice(bytes);
    let (status, body) = choice(rest);
    let answer = Answer {
        status: [200, 200, 200, 204, 304, 400, 401, 429, 500][usize::from(status) % 9],
        media_type: "application/json".to_owned(),
        body: body.to_vec(),
        ..Answer::default()
    };
    let read = match which % 7 {
        0 => answer::read::<wire::DeletedRows>(Method::Deleted, &answer).map(drop),
        1 => answer::read::<wire::Modules>(Method::Modules, &answer).map(drop),
        2 => answer::read::<wire::Fields>(Method::Fields, &answer).map(drop),
        3 => answer::read::<wire::Views>(Method::Views, &answer).map(drop),
        4 => answer::read::<wire::Organisations>(Method::Organisation, &answer).map(drop),
        5 => answer::read::<wire::Rows>(Method::Records, &answer).map(drop),
        _ => bulk::fuzz::state(&answer).map(drop),
    };
    if let Err(error) = read {
        assert_silent(&error);
    }
}

/// A downloaded file: by the first byte an archive as it came, or a CSV that is put into one.
pub(crate) fn bulk_rows(bytes: &[u8]) {
    let (which, rest) = choice(bytes);
    let mut file = tempfile::tempfile().expect("a temporary file");
    match which % 2 {
        0 => file.write_all(rest).expect("a temporary file"),
        _ => {
            let mut archive = zip::ZipWriter::new(&mut file);
            let options = zip::write::SimpleFileOptions::default();
            let put = archive
                .start_file("rows.csv", options)
                .map(|()| archive.write_all(rest));
            put.expect("an archive").expect("a temporary file");
            archive.finish().expect("an archive");
        }
    }
    file.rewind().expect("a temporary file");
    if let Err(error) = bulk::fuzz::read(&file, &columns()) {
        assert_silent(&error);
    }
}
