//! Opt-outs as they are read: what they say of an address counts for every sync of the account, whichever reads them.

use std::sync::atomic::Ordering;

use super::stage::Staging;
use crate::domain::address::EmailAddress;
use crate::domain::changes::Membership;
use crate::domain::record::Record;
use crate::domain::value::Value;
use crate::store::StoreError;
use crate::store::ledger::rows::{AddressKey, MemberRow, OptOutRow};
use crate::store::ledger::{Step, keys};

impl Staging<'_> {
    /// Notes the opt-outs of a record of any module, and makes the sync decide the addresses that this may concern:
    /// those opted out, those freed, and those that a record of the sync waits under (another sync's run may have
    /// freed them). What is news is left to the next runs of the account's other syncs as well: the record may read
    /// otherwise, or be gone, by the time they look.
    pub(super) fn opt_outs(
        &self,
        step: &mut Step<'_>,
        record: &Record,
        fields: &[crate::domain::ids::FieldPath],
    ) -> Result<(), StoreError> {
        let says = |truth| move |field| *record.get(field) == Value::Bool(truth);
        let opted_out = fields.iter().any(says(true));
        // A field that came without a value, as hidden ones do, frees nobody.
        let opted_in = fields.iter().all(says(false));
        for field in &self.plan.address_fields {
            let Value::Text(text) = record.get(field) else {
                continue;
            };
            let Ok(address) = EmailAddress::parse(text) else {
                continue;
            };
            let spelled = address.as_sent().to_owned();
            let address = self.ledger.key(&address);
            let (account, id) = (self.numbers.account, record.id.0);
            let key = keys::opt_out(account, &address, self.module, id);
            let known = step.opt_outs.get(&key)?.is_some();
            if (opted_out && !known) || (opted_in && known) {
                self.tell_peers(step, &address)?;
            }
            let on_list = keys::address(self.numbers.list, &address);
            let member = step.members.get(&on_list)?;
            let is_active = member.is_some_and(|it| it.state == Membership::Active);
            if opted_out && !known && !is_active {
                self.unknown_opt_outs.store(true, Ordering::Relaxed);
            }
            if opted_out && step.is_erased(&address)? {
                self.name_members(step, &address, &spelled)?;
            }
            if opted_out && !known {
                let since = self.now.as_millisecond();
                step.opt_outs.put(&key, &OptOutRow { since })?;
            } else if opted_in && known {
                step.opt_outs.remove(&key)?;
            }
            let sync = self.numbers.sync;
            if opted_out || known || step.candidates.any(&keys::address(sync, &address))? {
                step.touch(sync, &address, None)?;
            }
        }
        Ok(())
    }

    /// Tells the lists on which others have put an erased person what the address is, until they are taken off: only an
    /// opt-out does that, and it is not known here any more.
    fn name_members(
        &self,
        step: &mut Step<'_>,
        address: &AddressKey,
        spelled: &str,
    ) -> Result<(), StoreError> {
        let peers = self.peers.iter().map(|(_, list)| *list);
        for list in peers.chain([self.numbers.list]) {
            let key = keys::address(list, address);
            let member = step.members.get(&key)?;
            if let Some(member) = member.filter(|member| member.state == Membership::Active) {
                let address = spelled.to_owned();
                step.members.put(&key, &MemberRow { address, ..member })?;
            }
        }
        Ok(())
    }

    /// Leaves an address to the next runs of the syncs that have it on their lists, or a record that waits under it.
    fn tell_peers(&self, step: &mut Step<'_>, address: &AddressKey) -> Result<(), StoreError> {
        for (sync, list) in self.peers {
            let is_member = step.members.get(&keys::address(*list, address))?.is_some();
            if is_member || step.candidates.any(&keys::address(*sync, address))? {
                step.defer(*sync, address, None)?;
            }
        }
        Ok(())
    }
}
