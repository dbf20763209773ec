//! Claims of syncs on addresses; contacts that are kept though no record feeds them any more, or taken off.

use std::collections::BTreeSet;

use super::replied;
use crate::domain::changes::{Membership, Removal};
use crate::domain::definition::WayOff;
use crate::domain::ids::RecordId;
use crate::store::StoreError;
use crate::store::ledger::rows::{AddressKey, ClaimRow, KeptRow, MemberRow};
use crate::store::ledger::{Step, SyncNumbers, keys};

/// Whether one of the `rivals`, which are active syncs with the same list, claims the address with a record of its own.
/// A claim without one is about a contact that was kept or is to go, and keeps nobody on the list.
pub(super) fn claimed_by_another(
    step: &Step<'_>,
    numbers: SyncNumbers,
    rivals: &BTreeSet<u32>,
    address: &AddressKey,
) -> Result<bool, StoreError> {
    let prefix = keys::address(numbers.list, address);
    for (key, _) in step.claims.under(&prefix, None, usize::MAX)? {
        let other = keys::last_number(&key).filter(|sync| *sync != numbers.sync);
        if let Some(other) = other.filter(|sync| rivals.contains(sync))
            && step.candidates.any(&keys::address(other, address))?
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Notes which record feeds an address from now on. Whoever did before, and was kept, has nothing to do with it any more.
pub(super) fn feed(
    step: &mut Step<'_>,
    numbers: SyncNumbers,
    address: &AddressKey,
    winner: RecordId,
) -> Result<(), StoreError> {
    let key = keys::claim(numbers.list, address, numbers.sync);
    let none = ClaimRow {
        winner: 0,
        sent: None,
        refused: None,
    };
    let claim = step.claims.get(&key)?.unwrap_or(none);
    step.kept
        .remove(&keys::kept(numbers.sync, claim.winner, address))?;
    step.claims.put(
        &key,
        &ClaimRow {
            winner: winner.0,
            ..claim
        },
    )
}

/// Notes that the contact of a record stays on the list, though the record does not feed it any more.
pub(super) fn keep(
    step: &mut Step<'_>,
    numbers: SyncNumbers,
    address: &AddressKey,
    by: KeptRow,
) -> Result<(), StoreError> {
    let claim = keys::claim(numbers.list, address, numbers.sync);
    match step.claims.get(&claim)? {
        Some(claim) => {
            let key = keys::kept(numbers.sync, claim.winner, address);
            step.kept.put(&key, &by)
        }
        None => Ok(()),
    }
}

/// Gives a claim up, and with it what was kept.
pub(super) fn give_up(
    step: &mut Step<'_>,
    numbers: SyncNumbers,
    address: &AddressKey,
) -> Result<(), StoreError> {
    let key = keys::claim(numbers.list, address, numbers.sync);
    if let Some(claim) = step.claims.get(&key)? {
        step.kept
            .remove(&keys::kept(numbers.sync, claim.winner, address))?;
    }
    step.claims.remove(&key)
}

/// The addresses whose contacts were kept when a record left them, and that still are its own; they are kept no longer.
/// Only those that `which` names; the others stay kept.
pub(super) fn take_kept(
    step: &mut Step<'_>,
    numbers: SyncNumbers,
    record: RecordId,
    which: impl Fn(KeptRow) -> bool,
) -> Result<Vec<AddressKey>, StoreError> {
    let prefix = keys::record(numbers.sync, record.0);
    let mut kept = Vec::new();
    for (key, row) in step.kept.under(&prefix, None, usize::MAX)? {
        if !which(row) {
            continue;
        }
        step.kept.remove(&key)?;
        let Some(address) = keys::kept_address(&key) else {
            continue;
        };
        let claim = keys::claim(numbers.list, &address, numbers.sync);
        if step
            .claims
            .get(&claim)?
            .is_some_and(|claim| claim.winner == record.0)
        {
            kept.push(address);
        }
    }
    Ok(kept)
}

/// The account's lists on which an address is or was, other than the sync's own, and how it stands there.
pub(super) fn elsewhere(
    step: &Step<'_>,
    numbers: SyncNumbers,
    lists: &[u32],
    address: &AddressKey,
) -> Result<Vec<(Membership, i64)>, StoreError> {
    let mut states = Vec::new();
    for list in lists.iter().filter(|list| **list != numbers.list) {
        let member = step.members.get(&keys::address(*list, address))?;
        states.extend(member.map(|member| (member.state, member.since)));
    }
    Ok(states)
}

/// Whether others have put the address on another list of the account.
pub(super) fn is_theirs_elsewhere(
    step: &Step<'_>,
    numbers: SyncNumbers,
    lists: &[u32],
    address: &AddressKey,
) -> Result<bool, StoreError> {
    for list in lists.iter().filter(|list| **list != numbers.list) {
        let member = step.members.get(&keys::address(*list, address))?;
        if member.is_some_and(|it| it.state == Membership::Active && !it.ours) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The record that fed a contact: the one of the sync's claim, or any that the sync has under its address.
pub(super) fn fed_by(
    step: &Step<'_>,
    numbers: SyncNumbers,
    address: &AddressKey,
) -> Result<Option<u64>, StoreError> {
    let claim = keys::claim(numbers.list, address, numbers.sync);
    if let Some(claim) = step.claims.get(&claim)? {
        return Ok(Some(claim.winner));
    }
    let under = keys::address(numbers.sync, address);
    let candidates = step.candidates.under(&under, None, 1)?;
    let record = |(key, _): &(Vec<u8>, _)| keys::last_record("candidates", key);
    candidates.first().map(record).transpose()
}

/// A contact that was taken off.
pub(super) struct TakenOff<'a> {
    /// Its address as the list has it.
    pub(super) address: &'a str,
    /// Why.
    pub(super) removal: Removal,
    /// How.
    pub(super) way_off: WayOff,
    /// Whether the person may have left before, as far as rosterd can know. Then that is what is taken for true.
    pub(super) in_doubt: bool,
}

/// Notes that a contact was taken off the list, and gives up the sync's claim on it; a removal of it waits for nobody. Of
/// one that was removed, nothing stays but that and why, under the hash of its address. Who is known to have left or
/// bounced since that was decided stays known as that: in doubt, as when a run was killed amid the call, it was the person.
pub(super) fn take_off(
    step: &mut Step<'_>,
    numbers: SyncNumbers,
    address: &AddressKey,
    gone: &TakenOff<'_>,
    now: i64,
) -> Result<(), StoreError> {
    let key = keys::address(numbers.list, address);
    let before = step.members.get(&key)?;
    let spelled = match gone.way_off {
        WayOff::Unsubscribe => step.spelled(address, gone.address)?,
        WayOff::Remove => String::new(),
    };
    let state = match before.as_ref().map(|member| member.state) {
        Some(own @ (Membership::Unsubscribed | Membership::Bounced)) => own,
        _ if gone.in_doubt => Membership::Unsubscribed,
        _ => gone.removal.leaves(),
    };
    let member = MemberRow {
        address: spelled,
        state,
        ours: before.is_some_and(|member| member.ours),
        since: now,
        seen: 0,
    };
    step.members.put(&key, &member)?;
    replied::note_taken_off(step, numbers, address, gone.way_off, now)?;
    step.held.remove(&keys::address(numbers.sync, address))?;
    step.tried.remove(&key)?;
    step.blanked(address)?;
    give_up(step, numbers, address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::ledger::Ledger;

    #[test]
    fn of_a_contact_that_was_removed_nothing_stays_but_that_and_why() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&folder.path().join("ledger.redb")).unwrap();
        let numbers = SyncNumbers {
            account: 1,
            sync: 2,
            list: 3,
        };
        let (address, spelled) = ([4; 16], "ann@example.com");
        let claim = ClaimRow {
            winner: 5,
            sent: Some(vec![("Last Name".to_owned(), "Lee".to_owned())]),
            refused: None,
        };
        for (way_off, removal, want) in [
            (WayOff::Unsubscribe, Removal::Gone, spelled),
            (WayOff::Remove, Removal::Left, ""),
        ] {
            let gone = TakenOff {
                address: spelled,
                removal,
                way_off,
                in_doubt: false,
            };
            let claim_key = keys::claim(numbers.list, &address, numbers.sync);
            ledger
                .step(|step| {
                    step.claims.put(&claim_key, &claim)?;
                    keep(step, numbers, &address, KeptRow(1))?;
                    take_off(step, numbers, &address, &gone, 6)?;
                    assert_eq!(step.claims.get(&claim_key)?, None);
                    assert!(!step.kept.any(b"")?);
                    assert_eq!(step.replies.any(b"")?, way_off == WayOff::Unsubscribe);
                    let member = step.members.get(&keys::address(numbers.list, &address))?;
                    let member = member.unwrap();
                    assert_eq!(
                        (member.address.as_str(), member.state),
                        (want, removal.leaves())
                    );
                    Ok::<_, StoreError>(())
                })
                .unwrap();
        }
    }
}
