//! Files as they should be, and as they should not.

use std::io::{Cursor, Write};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;
use crate::zoho::crm::bulk::tests::zipped;

fn kept(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn read(file: &File) -> Result<Vec<Vec<String>>, ArchiveError> {
    let mut read = Vec::new();
    let texts = |row: &StringRecord| row.iter().map(str::to_owned).collect::<Vec<_>>();
    let into = &mut read;
    rows(file, move |names| {
        into.push(texts(names));
        Ok(move |row: &StringRecord| {
            into.push(texts(row));
            Ok::<_, ArchiveError>(true)
        })
    })?;
    Ok(read)
}

#[test]
fn rows_come_as_they_were_written() {
    let csv = "Id,Last_Name\n1,\"two\nlines, \"\"quoted\"\"\"\n2,Łukasz\n";
    let file = kept(&zipped(csv.as_bytes()));
    verify(&file).unwrap();
    assert_eq!(
        read(&file).unwrap(),
        [
            ["Id", "Last_Name"],
            ["1", "two\nlines, \"quoted\""],
            ["2", "Łukasz"]
        ]
    );
    assert_eq!(
        read(&kept(&zipped(b""))).unwrap(),
        Vec::<Vec<String>>::new()
    );
    assert_eq!(
        read(&kept(&zipped(b"Id,Email\n"))).unwrap(),
        [["Id", "Email"]]
    );
}

#[test]
fn a_file_that_was_cut_off_or_changed_is_damaged() {
    let csv: String = (0..2000).map(|n| format!("{n},{}\n", n * 7919)).collect();
    let whole = zipped(csv.as_bytes());
    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 0x55;
    for bytes in [
        &whole[..0],
        &whole[..50],
        &whole[..whole.len() - 10],
        &changed,
    ] {
        let error = verify(&kept(bytes)).unwrap_err();
        assert_eq!(error.failure(), Failure::Unreachable, "{error}");
    }
    for csv in ["Id,Email\n1\n".as_bytes(), b"Id,Email\n1,\xff\n"] {
        let error = read(&kept(&zipped(csv))).unwrap_err();
        assert!(matches!(error, ArchiveError::Damaged), "{error}");
    }
}

#[test]
fn what_is_too_much_is_not_unpacked() {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for name in ["a.csv", "b.csv"] {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
    }
    let two = zip.finish().unwrap().into_inner();
    let error = verify(&kept(&two)).unwrap_err();
    assert!(
        matches!(error, ArchiveError::Entries { entries: 2 }),
        "{error}"
    );

    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for number in 0..20_000 {
        let name = format!("../../{number:060}.csv");
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
    }
    let crowd = zip.finish().unwrap().into_inner();
    let error = verify(&kept(&crowd)).unwrap_err();
    assert!(matches!(error, ArchiveError::Damaged), "{error}");

    let bomb = zipped(&vec![b'x'; 65 << 20]);
    let error = verify(&kept(&bomb)).unwrap_err();
    assert!(
        matches!(error, ArchiveError::TooLarge { mib_max: 64 }),
        "{error}"
    );
    let row = zipped(&vec![b'x'; 17 << 20]);
    let error = read(&kept(&row)).unwrap_err();
    assert!(
        matches!(error, ArchiveError::Row { mib_max: 16 }),
        "{error}"
    );
    assert_eq!(error.failure(), Failure::Refused);
    for (packed, mib_max) in [(0, 64), (1 << 20, 250), (100 << 20, 8192)] {
        assert_eq!(unpacked_max(packed) >> 20, mib_max);
    }
}
