//! What is there when a backup is to be put back, as far as it can be read. It is a copy, which may be mended.

use jiff::Timestamp;

use super::carry;
use crate::store::backup::CopyOf;
use crate::store::ledger::Ledger;
use crate::store::mirror::Snapshot;
use crate::store::state::LedgerMark;
use crate::store::{LEDGER_FILE, MIRROR_FILE, STATE_FOLDER, StoreError, strange_ledger};

/// The present stores.
pub(super) struct Present {
    /// Checkpoints and counters; none where there are none, or where they cannot be read.
    pub(super) kept: Option<Snapshot>,
    /// The ledger.
    pub(super) ledger: PresentLedger,
    /// What cannot be read.
    pub(super) unread: Vec<String>,
}

/// The present ledger, against the one of the backup.
pub(super) enum PresentLedger {
    /// There is none, or it holds nobody.
    Empty,
    /// It cannot be read at all.
    Unreadable,
    /// It is damaged, and this is what can be read of it.
    Damaged(Ledger),
    /// It is as it was written.
    Whole(Ledger),
}

impl Present {
    /// Reads the copy.
    ///
    /// # Errors
    /// [`StoreError::Stranger`]: it has people, and another secret than the backup's. [`StoreError::Newer`].
    pub(super) fn read(
        copy: CopyOf<'_>,
        backup: LedgerMark,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let has = |name: &str| copy.folder.join(name).exists();
        let has_state = has(STATE_FOLDER) || has(MIRROR_FILE);
        let mut unread = Vec::new();
        let kept = match has_state {
            true => read_state(copy, now, &mut unread)?,
            false => {
                if has(LEDGER_FILE) {
                    unread.push("the checkpoints are missing".to_owned());
                }
                None
            }
        };
        // The first start may have been cut before it made one.
        let had_ledger = match &kept {
            Some(kept) => kept.ledger.is_some(),
            None => has_state,
        };
        let ledger = read_ledger(copy, backup, had_ledger, &mut unread)?;
        if let (Some(kept), PresentLedger::Whole(ledger)) = (&kept, &ledger) {
            unread.extend(strange_ledger(kept, ledger)?.map(str::to_owned));
        }
        Ok(Self {
            kept,
            ledger,
            unread,
        })
    }
}

/// What is wrong, of the files that whoever asked knows, and without what the damage calls for: that is being done.
fn said(copy: CopyOf<'_>, error: StoreError) -> String {
    match copy.of_the_original(error) {
        StoreError::Opening { path, source } => format!("{}: {source}", path.display()),
        StoreError::Mirror { path, why } | StoreError::Checkpoints { path, why } => {
            format!("{}: {why}", path.display())
        }
        error => error.whole(),
    }
}

fn read_state(
    copy: CopyOf<'_>,
    now: Timestamp,
    unread: &mut Vec<String>,
) -> Result<Option<Snapshot>, StoreError> {
    let had_mirror = copy.folder.join(MIRROR_FILE).exists();
    let opened = copy.state(now);
    let read = opened.and_then(|state| Ok((state.snapshot()?, state.mended())));
    match read {
        Ok((kept, mended)) if had_mirror || kept.ledger.is_some() || mended.is_none() => {
            Ok(Some(kept))
        }
        Ok(_) => {
            unread.push("the checkpoints are damaged, and their mirror is missing".to_owned());
            Ok(None)
        }
        Err(newer) if newer.is_newer() => Err(newer),
        Err(error) => {
            let said = said(copy, error);
            unread.push(format!("the checkpoints cannot be read: {said}"));
            Ok(None)
        }
    }
}

fn read_ledger(
    copy: CopyOf<'_>,
    backup: LedgerMark,
    had_ledger: bool,
    unread: &mut Vec<String>,
) -> Result<PresentLedger, StoreError> {
    let path = &copy.folder.join(LEDGER_FILE);
    if !path.exists() {
        if had_ledger {
            unread.push("the ledger is missing".to_owned());
            return Ok(PresentLedger::Unreadable);
        }
        return Ok(PresentLedger::Empty);
    }
    let damage = match Ledger::open(path) {
        Ok(_) => None,
        Err(newer) if newer.is_newer() => return Err(copy.of_the_original(newer)),
        Err(error) => Some(format!("the ledger is damaged: {}", said(copy, error))),
    };
    let bad = match Ledger::read_all(path) {
        Ok(checked) if checked.bad > 0 => Some(format!(
            "{} of {} rows of the ledger cannot be read",
            checked.bad, checked.rows
        )),
        Ok(_) => None,
        Err(error) => Some(format!("the ledger cannot be read: {}", said(copy, error))),
    };
    let Ok(ledger) = Ledger::open_damaged(path) else {
        unread.extend(damage.or(bad));
        return Ok(PresentLedger::Unreadable);
    };
    if ledger.mark() != backup {
        return match carry::holds_people(&ledger) {
            Ok(false) if damage.is_none() && bad.is_none() => Ok(PresentLedger::Empty),
            Ok(_) | Err(_) => Err(StoreError::Stranger),
        };
    }
    if damage.is_none() && bad.is_none() {
        return Ok(PresentLedger::Whole(ledger));
    }
    unread.extend(damage);
    unread.extend(bad);
    Ok(PresentLedger::Damaged(ledger))
}
