//! Adopting: contacts that others put on the list become the sync's own, where a record of it has their address.
//!
//! Which addresses the sync selects is what its last run read; so there has to have been one, of the definition as it is.
//! Adopting by an older one would make contacts rosterd's that the next run finds no record for, and takes off.

use serde::{Deserialize, Serialize};

use super::claims;
use super::decide::candidates;
use super::error::RunError;
use super::organisation::admit;
use super::remove::on_list;
use super::resolve::{definition_digest, resolve};
use super::start::check_active;
use super::{Base, Clients};
use crate::domain::address::EmailAddress;
use crate::domain::changes::{Membership, winner};
use crate::domain::definition::SyncDefinition;
use crate::store::StoreError;
use crate::store::ledger::rows::MemberRow;
use crate::store::ledger::{Step, SyncNumbers, keys};
use crate::store::state::{Changes, Checkpoint};
use crate::zoho::campaigns::Status;

/// What came of adopting.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Adopted {
    /// Contacts that are rosterd's own from now on.
    pub(crate) adopted: u64,
    /// Contacts with a record of the sync that were its own before.
    pub(crate) already: u64,
    /// Contacts without one, which are left alone.
    pub(crate) others: u64,
}

/// Takes over the contacts on a sync's list whose address it selects.
///
/// # Errors
/// [`RunError`]: the sync is inactive or has not run as it is defined now, a call failed, or the stores did. What is
/// adopted by then stays so; doing it again does the rest.
pub(crate) async fn adopt(
    base: &Base,
    clients: &Clients,
    definition: &SyncDefinition,
) -> Result<Adopted, RunError> {
    let sync = &definition.id;
    check_active(base, definition, false)?;
    let checkpoint = base.store.state.checkpoint(sync)?.unwrap_or_default();
    let is_read = checkpoint.completed > 0
        && checkpoint.running.is_none()
        && checkpoint.definition == definition_digest(&base.config, definition);
    if !is_read {
        return Err(RunError::NotRead(sync.clone()));
    }
    admit(base, clients, &definition.account).await?;
    let (plan, numbers) = resolve(base, clients, definition, None, false).await?;
    let (mut from, mut adopted) = (1, Adopted::default());
    loop {
        if base.stop.is_cancelled() {
            return Err(RunError::Stopped);
        }
        let page = clients
            .campaigns
            .subscribers(&plan.list, Status::Active, from)
            .await?;
        let now = base.clock.now().as_millisecond();
        adopted = base.store.ledger.step(|step| {
            let mut adopted = adopted;
            for text in &page.addresses {
                match EmailAddress::parse(text) {
                    Ok(address) => {
                        let address = (base.store.ledger.key(&address), text.as_str());
                        one(step, numbers, address, now, &mut adopted)?;
                    }
                    Err(_) => adopted.others += 1,
                }
            }
            Ok::<_, StoreError>(adopted)
        })?;
        if page.end {
            break;
        }
        from += u32::try_from(page.rows).unwrap_or(u32::MAX);
    }
    let on_list = on_list(&base.store.ledger, numbers.list, numbers.sync)?;
    let checkpoint = Checkpoint {
        on_list,
        ..checkpoint
    };
    base.store.state.commit(&Changes {
        checkpoints: vec![(sync.clone(), checkpoint)],
        ..Changes::default()
    })?;
    let Adopted {
        adopted: contacts,
        already,
        others,
    } = adopted;
    tracing::info!(%sync, contacts, already, others, "contacts on the list adopted");
    Ok(adopted)
}

/// Takes over one contact that is on the list. One that has opted out is not worth it: the next run takes it off. Of
/// somebody who was erased nothing is kept.
fn one(
    step: &mut Step<'_>,
    numbers: SyncNumbers,
    (address, spelled): (crate::store::ledger::rows::AddressKey, &str),
    now: i64,
    adopted: &mut Adopted,
) -> Result<(), StoreError> {
    let candidates = candidates(step, numbers.sync, &address)?;
    let opted_out = step
        .opt_outs
        .any(&keys::address(numbers.account, &address))?;
    let barred = opted_out || step.is_erased(&address)?;
    let Some(winner) = winner(&candidates).filter(|_| !barred) else {
        adopted.others += 1;
        return Ok(());
    };
    let key = keys::address(numbers.list, &address);
    let before = step.members.get(&key)?;
    let was_active = before
        .as_ref()
        .filter(|member| member.state == Membership::Active);
    if was_active.is_some_and(|member| member.ours) {
        adopted.already += 1;
    } else {
        adopted.adopted += 1;
        let member = MemberRow {
            address: spelled.to_owned(),
            state: Membership::Active,
            ours: true,
            since: was_active.map_or(now, |member| member.since),
            seen: before.map_or(0, |member| member.seen),
        };
        step.members.put(&key, &member)?;
    }
    claims::feed(step, numbers, &address, winner.record)
}
