//! The rows of a job as CSV, and the CSV in a ZIP, written row by row so that only the ZIP is held.

use std::borrow::Cow;
use std::io::{Cursor, Seek, Write};

use axum::body::Bytes;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::super::Crm;
use super::super::cell::{Cell, render_time};
use super::super::judge::Column;
use super::super::module::Row;

/// The id's column, which is always there, as the service spells it.
const ID: &str = "Id";

/// What was written.
pub(super) struct Written {
    pub(super) zip: Bytes,
    pub(super) count: usize,
    /// The id of the last row, 0 without rows.
    pub(super) last_id: u64,
}

impl Crm {
    /// Writes the `columns` of `rows` for the job with `id`.
    pub(super) fn write<'a>(
        &self,
        id: u64,
        columns: &[(String, Column)],
        rows: impl Iterator<Item = &'a Row>,
    ) -> Written {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        let (count, last_id) = self
            .write_csv(&mut zip, id, columns, rows)
            .expect("memory takes what is written to it");
        let bytes = zip.finish().expect("memory takes what is written to it");
        Written {
            zip: bytes.into_inner().into(),
            count,
            last_id,
        }
    }

    fn write_csv<'a>(
        &self,
        zip: &mut ZipWriter<impl Write + Seek>,
        id: u64,
        columns: &[(String, Column)],
        rows: impl Iterator<Item = &'a Row>,
    ) -> Result<(usize, u64), Box<dyn std::error::Error>> {
        let options = SimpleFileOptions::default().compression_level(Some(1));
        zip.start_file(format!("{id}.csv"), options)?;
        let mut csv = csv::Writer::from_writer(zip);
        let names = columns.iter().map(|(name, _)| name.as_str());
        csv.write_record(std::iter::once(ID).chain(names))?;
        let (mut count, mut last_id) = (0, 0);
        for row in rows {
            count += 1;
            last_id = row.id();
            csv.write_field(last_id.to_string())?;
            for (_, column) in columns {
                csv.write_field(&*text(&self.cell(row, column)))?;
            }
            csv.write_record(None::<&[u8]>)?;
        }
        csv.flush()?;
        Ok((count, last_id))
    }
}

/// A value as the CSV has it: lookups are bare ids, a multi-select is one text, nothing is empty. That the values of a
/// multi-select are joined by semicolons is UNCONFIRMED; COQL writes them so.
fn text(cell: &Cell) -> Cow<'_, str> {
    match cell {
        Cell::Null => Cow::Borrowed(""),
        Cell::Text(text) => Cow::Borrowed(text),
        Cell::Number(number) => Cow::Owned(number.normalize().to_string()),
        Cell::Bool(true) => Cow::Borrowed("true"),
        Cell::Bool(false) => Cow::Borrowed("false"),
        Cell::Date(date) => Cow::Owned(date.to_string()),
        Cell::At(at) => Cow::Owned(render_time(*at)),
        Cell::Ref(id) => Cow::Owned(id.to_string()),
        Cell::Many(values) => Cow::Owned(values.join(";")),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use serde_json::json;

    use super::*;

    #[test]
    fn every_kind_of_value_has_its_text() {
        let mut crm = Crm::empty();
        let account = crm.create("Accounts", &json!({"Account_Name": "Orto, \"Srl\""}));
        let account = account.unwrap();
        let person = json!({
            "Last_Name": "two\nlines", "Account_Name": account, "Languages": ["English", "French"],
            "Date_of_Birth": "1990-05-01", "Modified_Time": "2026-03-04T08:15:27Z", "Email_Opt_Out": true,
        });
        let id = crm.create("Contacts", &person).unwrap();
        let names = [
            "Last_Name",
            "Account_Name",
            "Account_Name.Account_Name",
            "Languages",
            "Date_of_Birth",
            "Modified_Time",
            "Email_Opt_Out",
            "Account_Revenue",
        ];
        let module = crm.module("Contacts").unwrap();
        let columns: Vec<(String, Column)> = names
            .iter()
            .map(|name| ((*name).to_owned(), crm.column(module, name).unwrap().0))
            .collect();
        let written = crm.write(77, &columns, module.rows.values());
        assert_eq!((written.count, written.last_id), (1, id));
        let mut zip = zip::ZipArchive::new(Cursor::new(written.zip)).unwrap();
        let mut csv = String::new();
        zip.by_name("77.csv")
            .unwrap()
            .read_to_string(&mut csv)
            .unwrap();
        let want = format!(
            "Id,{}\n{id},\"two\nlines\",{account},\"Orto, \"\"Srl\"\"\",English;French,1990-05-01,2026-03-04T09:15:27+01:00,true,\n",
            names.join(",")
        );
        assert_eq!(csv, want);
    }
}
