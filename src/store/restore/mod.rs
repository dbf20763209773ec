//! Putting a backup back: nobody whom the present state holds back comes onto a list by it, and no run trusts it.
//!
//! Lists and CRM have gone on since the backup was made, and nothing brings them back. So a restore mends, and does not
//! rewind. Where the present ledger is as it was written, and no older than the backup's, it stays, and takes from the
//! backup whom that holds back besides. Where it is damaged or lost, the backup's ledger takes its place, and takes over
//! whatever can still be read of opt-outs, suppressions, erasures and lists; what cannot is said, and every sync is
//! inactive until a person activates it. Either way the next run of every sync reads everything, suppressions first.
//!
//! All of that is done on copies, in a folder of its own, which takes the place of the stores in one moment (`place`).
//! Both ledgers have to be of one installation: addresses, and above all those of people who were erased, are known by
//! hashes that only its secret can make.

mod carry;
mod kept;
mod merge;
pub(crate) mod place;
mod present;
mod unpack;

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::backup::{About, CopyOf};
use super::ledger::{Ledger, erase};
use super::state::{Counter, State};
use super::{LEDGER_AGE, LEDGER_FILE, StoreError, UNCHECKED};
use super::{check_room, copy, lock, make_folder, room_wanted};
use crate::domain::activation::AccountHold;
use crate::domain::ids::SyncId;
use carry::{Tells, begin_anew, carry};
use present::{Present, PresentLedger};

/// Where in the folder of a restore the copy of the present stores is.
const PRESENT: &str = "present";

/// What a restore has brought back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Restored {
    /// The backup.
    pub(crate) about: About,
    /// Syncs whose next run reads everything.
    pub(crate) syncs: usize,
    /// Whether syncs are inactive since something was lost before.
    pub(crate) held: bool,
    /// Syncs whose run was under way, by either: it goes on no more.
    pub(crate) given_up: Vec<SyncId>,
    /// Whether the present ledger was whole, so that it stays.
    pub(crate) kept_ledger: bool,
    /// What of the present state could not be read. If anything, every sync is inactive.
    pub(crate) unread: Vec<String>,
    /// Where that is now.
    pub(crate) aside: Option<PathBuf>,
}

/// Puts a backup in the place of the stores in `folder`; `event` makes what the journal is to be told of it, from the
/// backup and whether something could not be read.
///
/// # Errors
/// [`StoreError`]: another process holds the stores, the file is no sound backup or one of another installation, or the
/// disk fails. The stores are as they were then, or will be as the backup says as soon as they are opened.
pub(crate) fn restore(
    folder: &Path,
    file: &Path,
    now: Timestamp,
    event: impl FnOnce(&About, bool) -> String,
) -> Result<Restored, StoreError> {
    make_folder(folder)?;
    let _lock = lock(folder)?;
    place::settle(folder)?;
    let making = place::begin(folder)?;
    let made = make(folder, &making, file, now, event);
    if made.is_err() {
        // Nothing has changed. What the disk does not let go of now is swept by the next start.
        place::sweep(folder)?;
    }
    let mut restored = made?;
    let aside = (!restored.unread.is_empty()).then(|| now.as_millisecond());
    restored.aside = place::commit(folder, aside)?;
    Ok(restored)
}

fn make(
    folder: &Path,
    making: &Path,
    file: &Path,
    now: Timestamp,
    event: impl FnOnce(&About, bool) -> String,
) -> Result<Restored, StoreError> {
    let bytes = |path: &Path| fs::metadata(path).map_or(0, |found| found.len());
    let present = bytes(&folder.join(LEDGER_FILE));
    let wanted = bytes(file).saturating_mul(3).saturating_add(present);
    check_room(folder, room_wanted(0).saturating_add(wanted))?;
    let (about, backup) = unpack::unpack(file, making)?;
    let copied = making.join(PRESENT);
    copy::copy_held(folder, &copied)?;
    let path = making.join(LEDGER_FILE);
    let ledger = Ledger::open(&path)?;
    let copy = CopyOf {
        folder: &copied,
        original: folder,
    };
    let Present {
        kept,
        ledger: present,
        mut unread,
    } = Present::read(copy, ledger.mark(), now)?;
    let mut kept_ledger = false;
    let ledger = match present {
        PresentLedger::Whole(present) if present.last_run()? >= ledger.last_run()? => {
            carry(&ledger, &present, Tells::TheOlder)?;
            kept_ledger = true;
            drop(present);
            drop(ledger);
            let taken = fs::rename(copied.join(LEDGER_FILE), &path);
            taken.map_err(|source| StoreError::file("take", &path, source))?;
            Ledger::open(&path)?
        }
        PresentLedger::Whole(present) | PresentLedger::Damaged(present) => {
            if !carry(&present, &ledger, Tells::TheNewer)? && unread.is_empty() {
                unread.push("not all of the ledger can be read".to_owned());
            }
            begin_anew(&ledger)?;
            ledger
        }
        PresentLedger::Unreadable | PresentLedger::Empty => {
            begin_anew(&ledger)?;
            ledger
        }
    };
    let (mark, runs) = (ledger.mark(), ledger.last_run()?);
    drop(ledger);
    // Whatever was in the file, and is not any more.
    erase::wipe(&path)?;
    unread.dedup();
    let in_doubt = !unread.is_empty();
    let sides = kept::Sides {
        backup,
        present: kept,
        by_backup: !kept_ledger,
        in_doubt,
    };
    let mut kept = kept::merged(sides, now, event(&about, in_doubt));
    kept.ledger = Some(mark);
    kept.counters
        .insert(LEDGER_AGE.to_owned(), Counter(runs.into()));
    kept.counters.remove(UNCHECKED);
    for checkpoint in kept.checkpoints.values_mut() {
        checkpoint.settled_by = checkpoint.settled_by.min(runs);
    }
    let syncs = kept.checkpoints.len();
    let lost = Some(AccountHold::StateLost);
    let held = kept.standings.values().any(|it| it.held.by_account == lost);
    let under_way = kept.checkpoints.iter();
    let under_way = under_way.filter(|(_, checkpoint)| checkpoint.running.is_some());
    let given_up = under_way.map(|(sync, _)| sync.clone()).collect();
    State::create(making, kept, now)?;
    let deleted = fs::remove_dir_all(&copied);
    deleted.map_err(|source| StoreError::file("delete", &copied, source))?;
    Ok(Restored {
        about,
        syncs,
        held,
        given_up,
        kept_ledger,
        unread,
        aside: None,
    })
}
