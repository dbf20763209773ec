//! What one ledger tells another: whom the one holds back, the other holds back too.
//!
//! Both have the same secret, so that an address has one key. Their numbers of names may differ, and are translated.

use std::collections::{BTreeMap, BTreeSet};

use super::merge;
use crate::domain::changes::Departed;
use crate::store::StoreError;
use crate::store::ledger::rows::{AddressKey, ClaimRow, IntentRow, Place, TriedRow};
use crate::store::ledger::{Ledger, Step, keys};

/// Rows looked at in one go.
const ROWS: usize = 500;

/// Which of two ledgers is the older one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tells {
    /// The one that tells.
    TheOlder,
    /// The one that is told.
    TheNewer,
}

/// Takes over from one ledger what must hold in the other; says whether all of it could be read.
///
/// # Errors
/// [`StoreError`]: the other cannot be written.
pub(super) fn carry(from: &Ledger, to: &Ledger, tells: Tells) -> Result<bool, StoreError> {
    from.look(|from| {
        to.step(|to| {
            let mut whole = number_runs(from, to)?;
            let mut numbers = Numbers::default();
            whole &= numbers.read(from, to)?;
            whole &= opt_outs(from, to, &mut numbers)?;
            whole &= members(from, to, &mut numbers, tells)?;
            if tells == Tells::TheNewer {
                whole &= newest(from, to, &mut numbers)?;
            }
            whole &= erasures(from, to)?;
            Ok(whole && numbers.whole)
        })
    })
}

/// Whether a ledger holds anything of people.
///
/// # Errors
/// [`StoreError`].
pub(super) fn holds_people(ledger: &Ledger) -> Result<bool, StoreError> {
    ledger.look(|step| {
        Ok(step.members.any(b"")?
            || step.candidates.any(b"")?
            || step.records.any(b"")?
            || step.opt_outs.any(b"")?
            || step.claims.any(b"")?
            || step.ignored.any(b"")?
            || step.erased.any(b"")?)
    })
}

/// No number of a run is given twice.
fn number_runs(from: &Step<'_>, to: &mut Step<'_>) -> Result<bool, StoreError> {
    let mut last = 0;
    let whole = from.ledger.salvage(|_, row| {
        last = row.last_run;
        Ok(())
    })?;
    if let Some(mut row) = to.ledger.get(b"")?.filter(|row| row.last_run < last) {
        row.last_run = last;
        to.ledger.put(b"", &row)?;
    }
    Ok(whole)
}

/// What the numbers of one ledger are in the other.
#[derive(Default)]
struct Numbers {
    known: BTreeMap<u32, u32>,
    /// Whether every number that was asked for is known.
    whole: bool,
}

impl Numbers {
    fn read(&mut self, from: &Step<'_>, to: &mut Step<'_>) -> Result<bool, StoreError> {
        self.whole = true;
        from.names.salvage(|key, row| {
            let name = std::str::from_utf8(key).ok();
            if let Some((kind, name)) = name.and_then(|name| name.split_once(':')) {
                for kind in kind.chars() {
                    self.known.insert(row.0, to.number(kind, name)?);
                }
            }
            Ok(())
        })
    }

    /// A key with the numbers that stand at these places translated; none where one is not known.
    fn translate(&mut self, key: &[u8], places: &[usize]) -> Option<Vec<u8>> {
        let mut key = key.to_vec();
        for place in places {
            let here = key.get_mut(*place..*place + 4)?;
            let number = u32::from_be_bytes(here.try_into().ok()?);
            match self.known.get(&number) {
                Some(number) => here.copy_from_slice(&number.to_be_bytes()),
                None => {
                    self.whole = false;
                    return None;
                }
            }
        }
        Some(key)
    }
}

/// Where the module stands in the key of an opt-out.
const MODULE_AT: usize = 20;
/// Where the sync stands in the key of a claim.
const SYNC_AT: usize = 20;

fn opt_outs(from: &Step<'_>, to: &mut Step<'_>, numbers: &mut Numbers) -> Result<bool, StoreError> {
    from.opt_outs.salvage(|key, mut row| {
        let Some(key) = numbers.translate(key, &[0, MODULE_AT]) else {
            return Ok(());
        };
        let known = to.opt_outs.get(&key)?;
        row.since = merge::since(known.map(|row| row.since), row.since);
        to.opt_outs.put(&key, &row)
    })
}

fn members(
    from: &Step<'_>,
    to: &mut Step<'_>,
    numbers: &mut Numbers,
    tells: Tells,
) -> Result<bool, StoreError> {
    from.members.salvage(|key, row| {
        let Some(key) = numbers.translate(key, &[0]) else {
            return Ok(());
        };
        let known = to.members.get(&key)?;
        let merged = match tells {
            Tells::TheOlder => merge::member(Some(&row), known.as_ref()),
            Tells::TheNewer => merge::member(known.as_ref(), Some(&row)),
        };
        let Some(merged) = merged.filter(|merged| Some(&merged.row) != known.as_ref()) else {
            return Ok(());
        };
        if merged.may_be_ours {
            // Where the list shows it, a run takes it for rosterd's own by that.
            let address = merged.row.address.clone();
            to.tried.put(&key, &TriedRow { address })?;
        }
        to.members.put(&key, &merged.row)
    })
}

/// What only the newer ledger knows: calls whose answers did not come, what a person wants kept, the pace, and events that
/// are to be told.
fn newest(from: &Step<'_>, to: &mut Step<'_>, numbers: &mut Numbers) -> Result<bool, StoreError> {
    let mut whole = from
        .tried
        .salvage(|key, row| match numbers.translate(key, &[0]) {
            Some(key) => to.tried.put(&key, &row),
            None => Ok(()),
        })?;
    whole &= from.kept.salvage(|key, row| {
        match numbers.translate(key, &[0]).filter(|_| row.is_discarded()) {
            Some(key) => to.kept.put(&key, &row),
            None => Ok(()),
        }
    })?;
    whole &= from.pacing.salvage(|key, row| to.pacing.put(key, &row))?;
    whole &= untold(from, to)?;
    whole &= later_records(from, to, numbers)?;
    Ok(whole)
}

/// Events that the journal may not have: the next start looks there before it tells them.
fn untold(from: &Step<'_>, to: &mut Step<'_>) -> Result<bool, StoreError> {
    let last = to.untold.under(b"", None, usize::MAX)?.pop();
    let last = last.map(|(key, _)| keys::untold_place(&key)).transpose()?;
    let mut place = last.unwrap_or_default();
    from.untold.salvage(|_, row| {
        place += 1;
        to.untold.put(&keys::untold(place), &row)
    })
}

/// Records that only the newer ledger knows, with the contacts they feed: if they are deleted before a run reads them, their
/// contacts are to go.
fn later_records(
    from: &Step<'_>,
    to: &mut Step<'_>,
    numbers: &mut Numbers,
) -> Result<bool, StoreError> {
    let mut whole = from
        .records
        .salvage(|key, row| match numbers.translate(key, &[0]) {
            Some(key) if to.records.get(&key)?.is_none() => to.records.put(&key, &row),
            Some(_) | None => Ok(()),
        })?;
    whole &= from.candidates.salvage(|key, row| {
        let Some(key) = numbers.translate(key, &[0]) else {
            return Ok(());
        };
        let (Some(sync), Some(address)) = (sync_of(&key), keys::address_of(&key)) else {
            return Ok(());
        };
        let record = keys::record(sync, keys::last_record("candidates", &key)?);
        let place = to.records.get(&record)?.map(|row| row.place);
        if place == Some(Place::Under(address)) && to.candidates.get(&key)?.is_none() {
            to.candidates.put(&key, &row)?;
        }
        Ok(())
    })?;
    whole &= from
        .claims
        .salvage(|key, row| match numbers.translate(key, &[0, SYNC_AT]) {
            Some(key) if to.claims.get(&key)?.is_none() => to.claims.put(&key, &row),
            Some(_) | None => Ok(()),
        })?;
    Ok(whole)
}

fn erasures(from: &Step<'_>, to: &mut Step<'_>) -> Result<bool, StoreError> {
    let whole = from.erased.salvage(|key, row| {
        let row = merge::erased(to.erased.get(key)?, row);
        to.erased.put(key, &row)
    })?;
    for (key, row) in to.erased.under(b"", None, usize::MAX)? {
        if let (true, Ok(address)) = (row.done, AddressKey::try_from(key.as_slice())) {
            to.erase(&address)?;
        }
    }
    Ok(whole)
}

/// Makes a backup's ledger one that no run is under way in. What it held, or was about to take off, is weighed anew by the
/// next run, unless a person has said since that it is to stay; what was said to Campaigns since is not known, so that
/// everything is said once more.
///
/// # Errors
/// [`StoreError`].
pub(super) fn begin_anew(ledger: &Ledger) -> Result<(), StoreError> {
    ledger.step(|step| {
        let mut stays = BTreeSet::new();
        for (key, row) in step.kept.under(b"", None, usize::MAX)? {
            if let (true, Some(address), Some(sync)) =
                (row.is_discarded(), keys::kept_address(&key), sync_of(&key))
            {
                stays.insert((sync, address));
            }
        }
        let mut goes: Vec<(Vec<u8>, Option<Departed>)> = Vec::new();
        for (key, row) in step.held.under(b"", None, usize::MAX)? {
            step.held.remove(&key)?;
            goes.push((key, Some(row.removal.departed())));
        }
        for (key, intent) in step.removals.under(b"", None, usize::MAX)? {
            step.removals.remove(&key)?;
            goes.extend(departing(key, &intent));
        }
        for (key, intent) in step.intents.under(b"", None, usize::MAX)? {
            step.intents.remove(&key)?;
            goes.extend(departing(key, &intent));
        }
        for (key, departed) in goes {
            let (Some(sync), Some(address)) = (sync_of(&key), keys::address_of(&key)) else {
                continue;
            };
            if !stays.contains(&(sync, address)) {
                step.touch(sync, &address, departed)?;
            }
        }
        for (key, _) in step.runs.under(b"", None, usize::MAX)? {
            step.runs.remove(&key)?;
            step.audits.remove(&key)?;
        }
        for (key, _) in step.approved.under(b"", None, usize::MAX)? {
            step.approved.remove(&key)?;
        }
        Ok::<_, StoreError>(())
    })?;
    while ledger.step(|step| {
        let rows = step.ignored.under(b"", None, ROWS)?;
        for (key, _) in &rows {
            step.ignored.remove(key)?;
        }
        Ok::<_, StoreError>(!rows.is_empty())
    })? {}
    let mut after: Option<Vec<u8>> = None;
    loop {
        after = ledger.step(|step| {
            let rows = step.claims.under(b"", after.as_deref(), ROWS)?;
            for (key, row) in &rows {
                let claim = ClaimRow {
                    winner: row.winner,
                    sent: None,
                    refused: None,
                };
                step.claims.put(key, &claim)?;
            }
            Ok::<_, StoreError>(rows.last().map(|(key, _)| key.clone()))
        })?;
        if after.is_none() {
            return Ok(());
        }
    }
}

/// The call that was to take somebody off, as something that makes the sync decide the address.
fn departing(key: Vec<u8>, intent: &IntentRow) -> Option<(Vec<u8>, Option<Departed>)> {
    match intent {
        IntentRow::TakeOff { removal, .. } => Some((key, Some(removal.departed()))),
        // Its record is read again.
        IntentRow::Send { .. } => None,
    }
}

/// The number at the beginning of a key.
fn sync_of(key: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(*key.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::changes::Membership;
    use crate::store::ledger::rows::{ErasedRow, MemberRow, OptOutRow};

    /// Two ledgers of one installation that have numbered names in another order.
    fn two(folder: &tempfile::TempDir) -> [Ledger; 2] {
        let [one, other] = ["one.redb", "other.redb"].map(|name| folder.path().join(name));
        drop(Ledger::open(&one).unwrap());
        std::fs::copy(&one, &other).unwrap();
        let names = [
            ('a', "main"),
            ('m', "Leads"),
            ('l', "main/news"),
            ('s', "newsletter"),
        ];
        let open = |path, names: Vec<(char, &str)>| {
            let ledger = Ledger::open(path).unwrap();
            let number = |step: &mut Step<'_>| {
                names
                    .iter()
                    .try_for_each(|(kind, name)| step.number(*kind, name).map(drop))
            };
            ledger.step(number).unwrap();
            ledger
        };
        let turned = names.iter().rev().copied().collect();
        [open(&one, names.into()), open(&other, turned)]
    }

    fn numbers(step: &mut Step<'_>) -> [u32; 3] {
        [('a', "main"), ('m', "Leads"), ('l', "main/news")]
            .map(|(kind, name)| step.number(kind, name).unwrap())
    }

    fn member(state: Membership) -> MemberRow {
        MemberRow {
            address: "ann@example.com".to_owned(),
            state,
            ours: true,
            since: 5,
            seen: 0,
        }
    }

    #[test]
    fn what_is_told_is_kept_under_the_numbers_of_whoever_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let [from, to] = two(&folder);
        let [out, gone, erased] = [[1; 16], [2; 16], [3; 16]];
        from.step(|step| {
            let [account, module, list] = numbers(step);
            let key = keys::opt_out(account, &out, module, 7);
            step.opt_outs.put(&key, &OptOutRow { since: 5 })?;
            for address in [gone, erased] {
                let row = member(Membership::Unsubscribed);
                step.members.put(&keys::address(list, &address), &row)?;
            }
            let row = ErasedRow {
                since: 5,
                done: true,
                wiped: true,
            };
            step.erased.put(&erased, &row)
        })
        .unwrap();
        to.step(|step| {
            let [_, _, list] = numbers(step);
            step.members
                .put(&keys::address(list, &gone), &member(Membership::Active))
        })
        .unwrap();
        assert!(carry(&from, &to, Tells::TheNewer).unwrap());
        to.look(|step| {
            let [account, module, list] = numbers(step);
            let key = keys::opt_out(account, &out, module, 7);
            assert_eq!(step.opt_outs.get(&key)?, Some(OptOutRow { since: 5 }));
            let members = step.members.under(&keys::number(list), None, 9)?;
            assert_eq!(members.len(), 2);
            assert!(
                members
                    .iter()
                    .all(|(_, row)| row.state == Membership::Unsubscribed)
            );
            let blank = step.members.get(&keys::address(list, &erased))?.unwrap();
            assert_eq!(blank.address, "", "the person was erased");
            assert!(!step.erased.get(&erased)?.unwrap().wiped);
            Ok::<_, StoreError>(())
        })
        .unwrap();
    }
}
