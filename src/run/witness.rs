//! Who is told of what a run comes to, record by record: one JSON line each, in a file, so that memory does not grow.
//!
//! Outcomes are told where they are counted and nowhere else, so that people and counts are two views of the same. What
//! is told names people; it is for the person who asked for a plan, and is deleted with the plan's folder.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::domain::changes::Removal;
use crate::domain::ids::RecordId;
use crate::domain::outcome::Outcome;
use crate::store::StoreError;
use crate::store::ledger::rows::{AddressKey, Place};
use crate::store::ledger::{Step, keys};

/// Fields by label, as a contact has them.
type Fields = [(String, String)];

/// Writes down what it is told.
#[derive(Debug)]
pub(crate) struct Witness {
    path: PathBuf,
    lines: Mutex<BufWriter<File>>,
}

/// What becomes of one record, or of one contact that is taken off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Person {
    /// The record; of a contact that is taken off, the one that fed it, if any did.
    pub(crate) record: Option<String>,
    /// Its address as far as it has one.
    pub(crate) address: String,
    /// `new`, `re_added`, `duplicate`, the reason it is ignored for, `deleted` or `held`.
    pub(crate) outcome: String,
    /// The fields of the contact, by label; none for those that get or have none.
    pub(crate) fields: BTreeMap<String, String>,
    /// The labels of those that are sent with another value than before.
    pub(crate) changed: Vec<String>,
    /// Why it is ignored or leaves, in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) detail: String,
}

/// A record's outcome, with what a witness wants to know of it.
pub(super) struct Settled<'a> {
    pub(super) record: RecordId,
    pub(super) address: String,
    pub(super) outcome: Outcome,
    /// The reason for an ignored one, in words.
    pub(super) detail: String,
    /// The contact's fields.
    pub(super) fields: &'a Fields,
    /// What the sync last sent of them.
    pub(super) before: Option<&'a Fields>,
}

/// What becomes of a contact whose record is gone or has opted out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaves {
    /// It is taken off the list.
    Deleted,
    /// That waits for a person.
    Held,
}

impl Witness {
    /// A witness that writes to a new file.
    ///
    /// # Errors
    /// [`StoreError::Copy`]: the file cannot be made.
    pub(crate) fn create(path: PathBuf) -> Result<Self, StoreError> {
        let file = File::create_new(&path).map_err(|source| failed("make", &path, source))?;
        let lines = Mutex::new(BufWriter::new(file));
        Ok(Self { path, lines })
    }

    /// Puts all that was told into the file.
    ///
    /// # Errors
    /// [`StoreError::Copy`]: it cannot be written.
    pub(crate) fn flush(&self) -> Result<(), StoreError> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines
            .flush()
            .map_err(|source| failed("write to", &self.path, source))
    }

    /// Tells of a record's outcome.
    pub(super) fn settled(&self, settled: &Settled<'_>) -> Result<(), StoreError> {
        let changed = match settled.outcome {
            Outcome::New | Outcome::ReAdded | Outcome::Duplicate { updated: true } => {
                changed(settled.before, settled.fields)
            }
            Outcome::Duplicate { updated: false } | Outcome::Ignored(_) => Vec::new(),
        };
        let fields = match settled.outcome {
            Outcome::Ignored(_) => BTreeMap::new(),
            Outcome::New | Outcome::ReAdded | Outcome::Duplicate { .. } => {
                settled.fields.iter().cloned().collect()
            }
        };
        self.write(&Person {
            record: Some(settled.record.to_string()),
            address: settled.address.clone(),
            outcome: settled.outcome.name().to_owned(),
            fields,
            changed,
            detail: settled.detail.clone(),
        })
    }

    /// Tells of a contact that leaves, fed by `record`.
    pub(super) fn leaves(
        &self,
        record: Option<u64>,
        address: &str,
        (how, why): (Leaves, &str),
    ) -> Result<(), StoreError> {
        let outcome = match how {
            Leaves::Deleted => "deleted",
            Leaves::Held => "held",
        };
        self.write(&Person {
            record: record.map(|record| RecordId(record).to_string()),
            address: address.to_owned(),
            outcome: outcome.to_owned(),
            fields: BTreeMap::new(),
            changed: Vec::new(),
            detail: why.to_owned(),
        })
    }

    fn write(&self, person: &Person) -> Result<(), StoreError> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let written = serde_json::to_writer(&mut *lines, person)
            .map_err(Into::into)
            .and_then(|()| lines.write_all(b"\n"));
        written.map_err(|source| failed("write to", &self.path, source))
    }
}

/// Why the contact of an address is taken off that `record` fed, as exactly as the ledger knows.
pub(super) fn why_off(
    step: &Step<'_>,
    sync: u32,
    (record, address): (Option<u64>, &AddressKey),
    removal: Removal,
) -> Result<&'static str, StoreError> {
    let row = match record {
        Some(record) => step.records.get(&keys::record(sync, record))?,
        None => None,
    };
    Ok(match (removal, row.map(|row| row.place)) {
        (Removal::Left, Some(Place::Under(now))) if now != *address => {
            "its record has another address now"
        }
        (Removal::Left, Some(Place::Under(_))) => "its record is a converted lead",
        (Removal::Left, Some(Place::Outside)) => {
            "its record is not selected any more, or has no address that mail can reach"
        }
        (Removal::Left | Removal::Gone | Removal::OptedOut, _) => removal.told(),
    })
}

/// The labels whose value is another than was sent before, or that were sent and are no more; all of them where nothing
/// was sent.
fn changed(before: Option<&Fields>, now: &Fields) -> Vec<String> {
    let before: BTreeMap<&String, &String> = before.into_iter().flatten().map(pair).collect();
    let now: BTreeMap<&String, &String> = now.iter().map(pair).collect();
    let mut labels: Vec<&String> = before.keys().chain(now.keys()).copied().collect();
    labels.sort();
    labels.dedup();
    labels.retain(|label| before.get(label) != now.get(label));
    labels.into_iter().cloned().collect()
}

fn pair((label, value): &(String, String)) -> (&String, &String) {
    (label, value)
}

fn failed(attempt: &'static str, path: &Path, source: std::io::Error) -> StoreError {
    StoreError::Copy {
        attempt,
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::outcome::Reason;

    fn fields(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = |(label, value): &(&str, &str)| ((*label).to_owned(), (*value).to_owned());
        pairs.iter().map(owned).collect()
    }

    #[test]
    fn what_changes_is_what_differs_from_what_was_sent() {
        let sent = fields(&[("Last Name", "Lee"), ("City", "Graz")]);
        for (before, now, want) in [
            (None, &[("Last Name", "Lee")][..], &["Last Name"][..]),
            (None, &[], &[]),
            (Some(&sent), &[("City", "Graz"), ("Last Name", "Lee")], &[]),
            (
                Some(&sent),
                &[("Last Name", "Morgan"), ("City", "Graz")],
                &["Last Name"],
            ),
            (Some(&sent), &[("Last Name", "Lee")], &["City"]),
            (
                Some(&sent),
                &[("City", ""), ("Last Name", "Lee")],
                &["City"],
            ),
        ] {
            let got = changed(before.map(Vec::as_slice), &fields(now));
            assert_eq!(got, want, "{before:?} {now:?}");
        }
    }

    #[test]
    fn each_outcome_is_a_line_and_the_ignored_have_no_contact() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("people.jsonl");
        let witness = Witness::create(path.clone()).unwrap();
        let now = fields(&[("Last Name", "Lee")]);
        for outcome in [
            Outcome::New,
            Outcome::Duplicate { updated: false },
            Outcome::Ignored(Reason::OptedOut),
        ] {
            let settled = Settled {
                record: RecordId(7),
                address: "ann@example.com".to_owned(),
                outcome,
                detail: String::new(),
                fields: &now,
                before: None,
            };
            witness.settled(&settled).unwrap();
        }
        witness
            .leaves(
                None,
                "ben@example.com",
                (Leaves::Held, Removal::Gone.told()),
            )
            .unwrap();
        witness.flush().unwrap();
        let lines = std::fs::read_to_string(path).unwrap();
        let want = r#"{"record":"7","address":"ann@example.com","outcome":"new","fields":{"Last Name":"Lee"},"changed":["Last Name"]}
{"record":"7","address":"ann@example.com","outcome":"duplicate","fields":{"Last Name":"Lee"},"changed":[]}
{"record":"7","address":"ann@example.com","outcome":"opted_out","fields":{},"changed":[]}
{"record":null,"address":"ben@example.com","outcome":"held","fields":{},"changed":[],"detail":"its record is gone"}
"#;
        assert_eq!(lines, want);
    }
}
