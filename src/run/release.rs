//! Releasing: an address is no longer blocked by the opt-out of a record that is gone for good.
//!
//! Only the record that opted out frees its address, as long as it is there; a person lifts the block when it is not.
//! So the CRM is asked first: a record that still has the address can be asked for its consent, and nothing is lifted.

use std::collections::BTreeMap;

use super::error::RunError;
use super::organisation::admit;
use super::{Base, Clients};
use crate::config::settings::Config;
use crate::domain::address::EmailAddress;
use crate::domain::changes::Membership;
use crate::domain::ids::{AccountName, ModuleName, RecordId};
use crate::domain::record::Record;
use crate::domain::schema::{CONSENT_MODULES, CONVERTED_FIELDS, EMAIL_FIELD};
use crate::domain::value::{Field, Value};
use crate::journal::event::{AddressReleased, Event};
use crate::store::StoreError;
use crate::store::format::FormatError;
use crate::store::ledger::rows::{AddressKey, MemberRow};
use crate::store::ledger::{Step, keys};
use crate::zoho::crm::Columns;
use crate::zoho::crm::coql::{IDS_MAX, Scope};

/// The kinds of field that an address may be in: a sync may take it from any of them.
const ADDRESS_TYPES: [&str; 2] = ["email", "text"];

/// The opt-outs that block an address: records by module.
pub(crate) type Blocks = BTreeMap<String, Vec<RecordId>>;

/// The opt-outs that block an address in an account.
///
/// # Errors
/// [`StoreError`].
pub(crate) fn blocks(
    base: &Base,
    account: &AccountName,
    address: &EmailAddress,
) -> Result<Blocks, StoreError> {
    let address = base.store.ledger.key(address);
    base.store.ledger.step(|step| {
        let account = step.number('a', account.as_str())?;
        let modules = step.named('m', "")?;
        let prefix = keys::address(account, &address);
        let mut blocks = Blocks::new();
        for (key, _) in step.opt_outs.under(&prefix, None, usize::MAX)? {
            let record = RecordId(keys::last_record("opt_outs", &key)?);
            let number = keys::opt_out_module(&key)?;
            let named = modules.iter().find(|(_, known)| *known == number);
            let (module, _) =
                named.ok_or_else(|| StoreError::value("opt_outs", &key, FormatError::Payload))?;
            blocks.entry(module.clone()).or_default().push(record);
        }
        Ok(blocks)
    })
}

/// Makes sure that none of the records that block an address has it any more: they are deleted, converted, or have
/// another one.
///
/// # Errors
/// [`RunError::StillThere`] where one has, [`RunError::OptOutsHidden`] where the CRM does not show whether one has;
/// otherwise the CRM could not be asked.
pub(crate) async fn check_gone(
    base: &Base,
    (account, clients): (&AccountName, &Clients),
    address: &EmailAddress,
    blocks: &Blocks,
) -> Result<(), RunError> {
    admit(base, clients, account).await?;
    let modules = clients.crm.modules().await?;
    for (name, records) in blocks {
        // A module that does not exist has no records either.
        let exists = modules.iter().any(|module| module.api_name == *name);
        let Some(module) = name.parse::<ModuleName>().ok().filter(|_| exists) else {
            continue;
        };
        let fields = clients.crm.fields(&module).await?;
        let columns = Columns {
            fields: fields.into_iter().filter(is_asked).collect(),
            module,
        };
        let shown = |field: &Field| field.api_name == EMAIL_FIELD;
        let is_hidden =
            CONSENT_MODULES.contains(&name.as_str()) && !columns.fields.iter().any(shown);
        if let (true, Ok(field)) = (is_hidden, EMAIL_FIELD.parse()) {
            let module = columns.module;
            return Err(RunError::OptOutsHidden { module, field });
        }
        for ids in records.chunks(IDS_MAX) {
            let scope = Scope::Ids {
                ids: ids.to_vec(),
                view: None,
            };
            let rows = u32::try_from(IDS_MAX).unwrap_or(u32::MAX);
            let found = clients.crm.page(&columns, &scope, rows).await?;
            let mut found = found.records.into_iter();
            if let Some(record) = found.find(|record| has(record, &columns, address)) {
                return Err(RunError::StillThere {
                    module: columns.module,
                    record: record.id,
                });
            }
        }
    }
    Ok(())
}

fn is_asked(field: &Field) -> bool {
    is_address(field) || CONVERTED_FIELDS.contains(&field.api_name.as_str())
}

fn is_address(field: &Field) -> bool {
    ADDRESS_TYPES.contains(&field.data_type.as_str())
}

/// Whether a record that is not converted has the address in any of its fields. Where none of them is shown, it has.
fn has(record: &Record, columns: &Columns, address: &EmailAddress) -> bool {
    let is_hidden = !columns.fields.iter().any(is_address);
    let is_converted = |(path, value): (&crate::domain::ids::FieldPath, &Value)| {
        CONVERTED_FIELDS.contains(&path.as_str())
            && !matches!(value, Value::Null | Value::Bool(false))
    };
    let is_it = |value: &Value| match value {
        Value::Text(text) => EmailAddress::parse(text).is_ok_and(|it| it == *address),
        _ => false,
    };
    !record.values.iter().any(is_converted) && (is_hidden || record.values.values().any(is_it))
}

/// Lifts the opt-outs of an address in an account, and what rosterd did because of them: it may be added again, like one
/// whose record had gone. The syncs that have a record with it decide it in their next runs. The journal is told of it,
/// without the address.
///
/// # Errors
/// [`RunError::Store`] or [`RunError::Journal`].
pub(crate) fn lift(
    base: &Base,
    account: &AccountName,
    address: &EmailAddress,
    reason: &str,
) -> Result<(), RunError> {
    let released = Event::AddressReleased(AddressReleased {
        account: account.clone(),
        reason: reason.to_owned(),
    });
    let address = base.store.ledger.key(address);
    let noted = base.store.ledger.step(|step| {
        let number = step.number('a', account.as_str())?;
        let prefix = keys::address(number, &address);
        for (key, _) in step.opt_outs.under(&prefix, None, usize::MAX)? {
            step.opt_outs.remove(&key)?;
        }
        free_lists(step, account, &address)?;
        decide_again(step, &base.config, account, &address)?;
        base.note(step, &released)
    })?;
    base.tell(noted)?;
    tracing::info!(%account, "an address is released from the opt-out of records that are gone");
    Ok(())
}

fn free_lists(
    step: &mut Step<'_>,
    account: &AccountName,
    address: &AddressKey,
) -> Result<(), StoreError> {
    for (_, list) in step.named('l', &format!("{account}/"))? {
        let key = keys::address(list, address);
        let Some(member) = step.members.get(&key)? else {
            continue;
        };
        let state = match member.state {
            Membership::TakenOffOptedOut => Membership::TakenOffReleased,
            Membership::OptedOutLost => Membership::Lost,
            _ => continue,
        };
        step.members.put(&key, &MemberRow { state, ..member })?;
    }
    Ok(())
}

fn decide_again(
    step: &mut Step<'_>,
    config: &Config,
    account: &AccountName,
    address: &AddressKey,
) -> Result<(), StoreError> {
    let of_account = config.syncs.values();
    for sync in of_account.filter(|sync| sync.account == *account) {
        let number = step.number('s', sync.id.as_str())?;
        if step.candidates.any(&keys::address(number, address))? {
            step.defer(number, address, None)?;
        }
    }
    Ok(())
}
