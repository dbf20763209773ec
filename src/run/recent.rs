//! What the runs of an account read lately, for those that waited meanwhile.
//!
//! Runs of an account take turns. One that was wished for before another asked the CRM may take that answer for its own:
//! it is no older than what it would have got itself, had its turn come at once. So syncs that fall due together cost the
//! CRM one read of changes and one of deletions a module, however many they are. Nothing is kept beyond what a few pages
//! hold, and nothing beyond the process.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::domain::ids::{ModuleName, RecordId};
use crate::domain::record::Record;
use crate::zoho::crm::Columns;

/// Most records of one read that are kept.
const KEPT_RECORDS_MAX: usize = 2000;

/// What was read lately, by module.
#[derive(Debug, Default)]
pub(crate) struct Recent(Mutex<Answers>);

#[derive(Debug, Default)]
struct Answers {
    changes: BTreeMap<ModuleName, Answer<Record>>,
    deleted: BTreeMap<ModuleName, Answer<(RecordId, Timestamp)>>,
    /// Reads that have not come to their end.
    pending: BTreeMap<ModuleName, Answer<Record>>,
}

/// A read that came to its end: all that there was since an instant.
#[derive(Debug, Clone)]
pub(super) struct Answer<T> {
    /// Since when, at the service's clock; `None` for everything.
    pub(super) since: Option<Timestamp>,
    /// When it was asked for, at ours.
    pub(super) asked_at: Timestamp,
    /// The service's clock then, or before.
    pub(super) service_time: Timestamp,
    /// The columns that were read.
    pub(super) columns: Columns,
    pub(super) found: Vec<T>,
}

impl<T> Answer<T> {
    fn serves(&self, columns: &Columns, since: Option<Timestamp>, wished_at: Timestamp) -> bool {
        let has = |field| self.columns.fields.contains(field);
        let reaches = match (self.since, since) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(from), Some(since)) => from <= since,
        };
        self.asked_at >= wished_at && reaches && columns.fields.iter().all(has)
    }
}

impl Recent {
    /// What changed in a module since an instant, if that was asked since the run was wished for.
    pub(super) fn changes(
        &self,
        columns: &Columns,
        since: Timestamp,
        wished_at: Timestamp,
    ) -> Option<Answer<Record>> {
        let answers = self.answers();
        let answer = answers.changes.get(&columns.module)?;
        let serves = answer.serves(columns, Some(since), wished_at);
        serves.then(|| answer.clone())
    }

    /// The same for what was deleted.
    pub(super) fn deleted(
        &self,
        columns: &Columns,
        since: Option<Timestamp>,
        wished_at: Timestamp,
    ) -> Option<Answer<(RecordId, Timestamp)>> {
        let answers = self.answers();
        let answer = answers.deleted.get(&columns.module)?;
        let serves = answer.serves(columns, since, wished_at);
        serves.then(|| answer.clone())
    }

    /// Begins a read of changes; what was known of the module before is forgotten.
    pub(super) fn begin(&self, answer: Answer<Record>) {
        let module = answer.columns.module.clone();
        let mut answers = self.answers();
        answers.changes.remove(&module);
        answers.pending.insert(module, answer);
    }

    /// Adds a page to the read that has begun; with the last one it is complete.
    pub(super) fn page(&self, module: &ModuleName, records: &[Record], last: bool) {
        let mut answers = self.answers();
        let Some(mut answer) = answers.pending.remove(module) else {
            return;
        };
        answer.found.extend_from_slice(records);
        if answer.found.len() > KEPT_RECORDS_MAX {
            return;
        }
        let to = if last {
            &mut answers.changes
        } else {
            &mut answers.pending
        };
        to.insert(module.clone(), answer);
    }

    /// Keeps a read of deletions that came to its end with its first page.
    pub(super) fn keep_deleted(&self, answer: Answer<(RecordId, Timestamp)>) {
        let module = answer.columns.module.clone();
        self.answers().deleted.insert(module, answer);
    }

    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zoho::crm::tests::columns;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn answer(names: &[&str]) -> Answer<Record> {
        Answer {
            since: Some(at(100)),
            asked_at: at(500),
            service_time: at(501),
            columns: columns(names),
            found: Vec::new(),
        }
    }

    fn record(id: u64) -> Record {
        Record {
            id: RecordId(id),
            modified_at: None,
            values: BTreeMap::new(),
        }
    }

    #[test]
    fn an_answer_serves_who_waited_for_as_much_of_it_or_less() {
        let recent = Recent::default();
        recent.begin(answer(&["Email", "Company"]));
        let asked = |names: &[&str], since, wished| {
            recent
                .changes(&columns(names), at(since), at(wished))
                .map(|answer| answer.found.len())
        };
        recent.page(&"Leads".parse().unwrap(), &[record(1)], false);
        assert_eq!(asked(&["Email"], 100, 500), None, "not at its end yet");
        recent.page(&"Leads".parse().unwrap(), &[record(2)], true);
        for (names, since, wished, want) in [
            (&["Email"][..], 100, 500, Some(2)),
            (&["Email", "Company"], 200, 400, Some(2)),
            (&["Email"], 99, 500, None),
            (&["Email"], 100, 501, None),
            (&["City"], 100, 500, None),
        ] {
            assert_eq!(
                asked(names, since, wished),
                want,
                "{names:?} {since} {wished}"
            );
        }
    }

    #[test]
    fn a_read_that_is_too_large_is_not_kept() {
        let recent = Recent::default();
        recent.begin(answer(&["Email"]));
        let many: Vec<Record> = (0..=2000).map(record).collect();
        let leads = "Leads".parse().unwrap();
        recent.page(&leads, &many, false);
        recent.page(&leads, &[], true);
        assert!(
            recent
                .changes(&columns(&["Email"]), at(100), at(500))
                .is_none()
        );
    }
}
