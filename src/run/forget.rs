//! Erasing a person: off every list where rosterd put them, out of everything that rosterd keeps, and never added again.
//!
//! The mark that keeps the address off every list comes first, so that nothing adds it from then on; the addresses go
//! last, as they are needed for the calls. What was interrupted is done to its end by asking for it once more.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::error::RunError;
use super::organisation::admit;
use super::{Base, Clients};
use crate::domain::address::{EmailAddress, without};
use crate::domain::changes::Membership;
use crate::domain::ids::{AccountName, ListKey};
use crate::domain::written::Written;
use crate::journal::event::{AddressForgotten, Event};
use crate::journal::ignored::erase_ignored;
use crate::store::StoreError;
use crate::store::ledger::rows::{AddressKey, ErasedRow, MemberRow};
use crate::store::ledger::{Step, keys};
use crate::zoho::campaigns::{Reply, Verdict};

/// What came of erasing a person.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Forgotten {
    /// Lists from which the contact was taken off.
    pub(crate) unsubscribed: u64,
    /// Lists on which the contact is because others put it there.
    pub(crate) on_lists_of_others: u64,
    /// Files of ignored contacts that named the address.
    pub(crate) files: u64,
    /// Whether the ledger knew the address.
    pub(crate) known: bool,
    /// When the person had been erased before, to the end.
    pub(crate) before: Option<Timestamp>,
}

/// From now on nothing adds the address; answers what was known of it before.
///
/// # Errors
/// [`StoreError`].
pub(crate) fn begin(base: &Base, whom: &Written) -> Result<Forgotten, StoreError> {
    let key = base.store.ledger.key_of(whom);
    let since = base.clock.now().as_millisecond();
    base.store.ledger.step(|step| {
        let before = step.erased.get(&key)?;
        if before.is_none() {
            let row = ErasedRow {
                since,
                done: false,
                wiped: false,
            };
            step.erased.put(&key, &row)?;
        }
        let before = before.filter(|row| row.done);
        Ok(Forgotten {
            known: step.knows(&key)?,
            before: before.and_then(|row| Timestamp::from_millisecond(row.since).ok()),
            ..Forgotten::default()
        })
    })
}

/// Takes the contact off the lists of an account on which rosterd put it.
///
/// # Errors
/// [`RunError`]: a call failed, or Campaigns refuses to unsubscribe it.
pub(crate) async fn unsubscribe(
    base: &Base,
    clients: &Clients,
    account: &AccountName,
    address: &EmailAddress,
) -> Result<Forgotten, RunError> {
    let key = base.store.ledger.key(address);
    let on_lists = base.store.ledger.step(|step| {
        let mut on_lists = Vec::new();
        for (list, number) in step.named('l', &format!("{account}/"))? {
            let on_list = keys::address(number, &key);
            let member = step.members.get(&on_list)?;
            let member = member.filter(|member| member.state == Membership::Active);
            let tried = step.tried.get(&on_list)?.map(|tried| MemberRow {
                address: tried.address,
                state: Membership::Active,
                ours: true,
                since: 0,
                seen: 0,
            });
            on_lists.extend(tried.or(member).map(|member| (list, number, member)));
        }
        Ok::<_, StoreError>(on_lists)
    })?;
    let mut forgotten = Forgotten::default();
    if on_lists.iter().any(|(_, _, member)| member.ours) {
        admit(base, clients, account).await?;
    }
    for (list, number, member) in on_lists {
        let list: Option<ListKey> = list.parse().ok().filter(|_| member.ours);
        let Some(list) = list else {
            forgotten.on_lists_of_others += 1;
            continue;
        };
        // As the list spells it.
        let spelled = EmailAddress::parse(&member.address).unwrap_or_else(|_| address.clone());
        let since = match clients.campaigns.unsubscribe(&list, &spelled).await? {
            Reply::Accepted | Reply::AlreadyThere => base.clock.now().as_millisecond(),
            // It was gone before.
            Reply::Refused {
                verdict: Verdict::NotAContact,
                ..
            } => member.since,
            Reply::Refused { code, text, .. } => {
                let detail = without(&format!("{code} {text}"), spelled.as_sent());
                return Err(RunError::NotTakenOff { refused: 1, detail });
            }
        };
        base.store.ledger.step(|step| {
            let gone = MemberRow {
                address: String::new(),
                state: Membership::TakenOffGone,
                since,
                ..member
            };
            let on_list = keys::address(number, &key);
            step.tried.remove(&on_list)?;
            step.members.put(&on_list, &gone)
        })?;
    }
    Ok(forgotten)
}

/// Takes the address out of everything that rosterd keeps, and tells the journal, which learns nothing of who it was;
/// answers what has come of it all, given what has come of it by this process. The journal is told once.
///
/// # Errors
/// [`RunError::Store`] or [`RunError::Journal`]; asking once more does the rest.
pub(crate) fn erase(
    base: &Base,
    whom: &Written,
    mut forgotten: Forgotten,
) -> Result<Forgotten, RunError> {
    let ledger = &base.store.ledger;
    let key = ledger.key_of(whom);
    ledger.step(|step| step.erase(&key))?;
    ledger.blank_ignored(whom)?;
    // A ledger from before this would bring the address back: it is known as older from now on.
    ledger.step(|step| step.next_number())?;
    base.store.note_age()?;
    forgotten.files = erase_ignored(&base.config.history_dir, whom)?;
    let noted = ledger.step(|step| {
        let Some(row) = step.erased.get(&key)? else {
            return Ok(None);
        };
        let erased = ErasedRow {
            done: true,
            wiped: false,
            ..row
        };
        step.erased.put(&key, &erased)?;
        if row.done {
            return Ok(None);
        }
        forgotten.unsubscribed = unsubscribed_since(step, &key, row.since)?;
        let unsubscribed = forgotten.unsubscribed;
        let told = Event::AddressForgotten(AddressForgotten { unsubscribed });
        base.note(step, &told).map(Some)
    })?;
    if let Some(noted) = noted {
        base.tell(noted)?;
    }
    Ok(forgotten)
}

/// The lists that an address was taken off since it is being erased, by a process that died meanwhile, too.
fn unsubscribed_since(
    step: &Step<'_>,
    address: &AddressKey,
    since: i64,
) -> Result<u64, StoreError> {
    let mut count = 0;
    for (_, list) in step.named('l', "")? {
        let member = step.members.get(&keys::address(list, address))?;
        let is_taken_off =
            member.is_some_and(|it| it.state == Membership::TakenOffGone && it.since >= since);
        count += u64::from(is_taken_off);
    }
    Ok(count)
}
