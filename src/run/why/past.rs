//! What runs wrote down of the address: whom they ignored stands in files of their own.

use std::collections::{BTreeMap, BTreeSet};

use super::story::{LastIgnored, Story};
use super::{Inquiry, Subject};
use crate::domain::definition::SyncDefinition;
use crate::domain::ids::{RunId, SyncId};
use crate::domain::value::Value;
use crate::journal::ignored::{IgnoredRow, began_at, find_ignored};
use crate::journal::{Event, JournalError, read};

/// Adds to each of `syncs` how the last of its runs that ignored the address did so.
pub(super) fn add(
    inquiry: &Inquiry<'_>,
    subject: &Subject,
    syncs: &[&SyncDefinition],
    story: &mut Story,
) -> Result<(), JournalError> {
    let dir = &inquiry.config.history_dir;
    let wanted = |row: &IgnoredRow| subject.is_in(&Value::Text(row.address.clone()));
    let found = find_ignored(dir, subject.word(), wanted)?;
    if found.is_empty() {
        return Ok(());
    }
    let runs: BTreeSet<RunId> = found.iter().map(|(run, _)| *run).collect();
    let owners = owners(inquiry, &runs)?;
    let mut last: BTreeMap<&SyncId, LastIgnored> = BTreeMap::new();
    for (run, row) in found {
        let Some(sync) = owners.get(&run) else {
            continue;
        };
        story.spellings.insert(row.address.trim().to_owned());
        // The newest comes first.
        last.entry(sync).or_insert(LastIgnored {
            run,
            at: began_at(run),
            record: row.record,
            reason: row.reason,
            detail: row.detail,
        });
    }
    for sync in story.syncs.iter_mut().chain(&mut story.others) {
        sync.ignored = last.remove(&sync.definition.id);
    }
    let (seen, others) = std::mem::take(&mut story.others)
        .into_iter()
        .partition(|sync| sync.is_seen());
    story.others = others;
    story.syncs.extend::<Vec<_>>(seen);
    let place = |sync: &SyncId| syncs.iter().position(|it| it.id == *sync);
    story.syncs.sort_by_key(|sync| place(&sync.definition.id));
    Ok(())
}

/// The syncs whose runs these were, as far as the journal still tells.
fn owners(
    inquiry: &Inquiry<'_>,
    runs: &BTreeSet<RunId>,
) -> Result<BTreeMap<RunId, SyncId>, JournalError> {
    let mut owners = BTreeMap::new();
    for line in read(&inquiry.config.history_dir)? {
        // A line that cannot be read is `history`'s to complain about.
        let Some(Event::RunFinished(run)) = line.ok().and_then(|line| line.event) else {
            continue;
        };
        if runs.contains(&run.run) {
            owners.insert(run.run, run.sync.clone());
        }
    }
    Ok(owners)
}
