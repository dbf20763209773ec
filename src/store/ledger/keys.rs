//! Keys of the ledger: numbers big endian, so that the order of bytes is the order of what they stand for.

use super::rows::AddressKey;
use crate::store::StoreError;
use crate::store::format::FormatError;

fn join(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// A sync's or account's or list's own prefix.
pub(crate) fn number(number: u32) -> Vec<u8> {
    number.to_be_bytes().to_vec()
}

/// The place of an event that the journal may not have yet.
pub(crate) fn untold(place: u64) -> Vec<u8> {
    place.to_be_bytes().to_vec()
}

/// The place in such a key.
pub(crate) fn untold_place(key: &[u8]) -> Result<u64, StoreError> {
    let bytes = key.first_chunk();
    let bytes = bytes.ok_or_else(|| StoreError::value("untold", key, FormatError::Short))?;
    Ok(u64::from_be_bytes(*bytes))
}

/// A record of a sync.
pub(crate) fn record(sync: u32, record: u64) -> Vec<u8> {
    join(&[&sync.to_be_bytes(), &record.to_be_bytes()])
}

/// A deal of a contact of a sync; deal 0 comes before all of them.
pub(crate) fn deal(sync: u32, contact: u64, deal: u64) -> Vec<u8> {
    join(&[
        &sync.to_be_bytes(),
        &contact.to_be_bytes(),
        &deal.to_be_bytes(),
    ])
}

/// An address of a sync, or of a list.
pub(crate) fn address(owner: u32, address: &AddressKey) -> Vec<u8> {
    join(&[&owner.to_be_bytes(), address])
}

/// A record under an address of a sync; record 0 is the address itself.
pub(crate) fn under_address(sync: u32, address: &AddressKey, record: u64) -> Vec<u8> {
    join(&[&sync.to_be_bytes(), address, &record.to_be_bytes()])
}

/// An opt-out of an address: by which record of which module.
pub(crate) fn opt_out(account: u32, address: &AddressKey, module: u32, record: u64) -> Vec<u8> {
    join(&[
        &account.to_be_bytes(),
        address,
        &module.to_be_bytes(),
        &record.to_be_bytes(),
    ])
}

/// The module in such a key.
pub(crate) fn opt_out_module(key: &[u8]) -> Result<u32, StoreError> {
    let bytes = key.get(20..).and_then(<[u8]>::first_chunk);
    let bytes = bytes.ok_or_else(|| StoreError::value("opt_outs", key, FormatError::Short))?;
    Ok(u32::from_be_bytes(*bytes))
}

/// A sync's claim on an address for a list.
pub(crate) fn claim(list: u32, address: &AddressKey, sync: u32) -> Vec<u8> {
    join(&[&list.to_be_bytes(), address, &sync.to_be_bytes()])
}

/// A contact of a sync that was kept when this record of it left.
pub(crate) fn kept(sync: u32, record: u64, address: &AddressKey) -> Vec<u8> {
    join(&[&sync.to_be_bytes(), &record.to_be_bytes(), address])
}

/// The address in such a key.
pub(crate) fn kept_address(key: &[u8]) -> Option<AddressKey> {
    key.get(12..28)?.try_into().ok()
}

/// A call for an address of a sync on another list than the sync's own.
pub(crate) fn on_other_list(sync: u32, address: &AddressKey, list: u32) -> Vec<u8> {
    claim(sync, address, list)
}

/// The list in the key of such a call; `None` where it is for the sync's own list.
pub(crate) fn other_list_of(key: &[u8]) -> Option<u32> {
    (key.len() == 24).then(|| last_number(key)).flatten()
}

/// A run.
pub(crate) fn run(run: u128) -> Vec<u8> {
    run.to_be_bytes().to_vec()
}

/// A row of a run, in the order they were written.
pub(crate) fn run_row(run: u128, row: u64) -> Vec<u8> {
    join(&[&run.to_be_bytes(), &row.to_be_bytes()])
}

/// The address in the key of a row kept under an owner and an address.
pub(crate) fn address_of(key: &[u8]) -> Option<AddressKey> {
    key.get(4..20)?.try_into().ok()
}

/// The number in the last eight bytes of a key of a table: a record's id.
///
/// # Errors
/// [`StoreError::Value`] for a key that is too short to have one.
pub(crate) fn last_record(table: &'static str, key: &[u8]) -> Result<u64, StoreError> {
    let bytes = key
        .last_chunk()
        .ok_or_else(|| StoreError::value(table, key, FormatError::Short))?;
    Ok(u64::from_be_bytes(*bytes))
}

/// The number in the last four bytes of a key: a sync's.
pub(crate) fn last_number(key: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(*key.last_chunk()?))
}
