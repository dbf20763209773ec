//! What Campaigns last said of each contact, kept for whoever asks why.

use crate::domain::definition::WayOff;
use crate::store::StoreError;
use crate::store::ledger::rows::{AddressKey, Asked, ReplyRow, Said};
use crate::store::ledger::{Step, SyncNumbers, keys};
use crate::zoho::campaigns::Reply;

/// Notes what Campaigns said, in place of what it said before.
pub(super) fn note(
    step: &mut Step<'_>,
    numbers: SyncNumbers,
    address: &AddressKey,
    (asked, reply): (Asked, &Reply),
    now: i64,
) -> Result<(), StoreError> {
    let said = match reply {
        Reply::Accepted => Said::Accepted,
        Reply::AlreadyThere => Said::AlreadyThere,
        Reply::Refused { code, text, .. } => Said::Refused {
            code: code.clone(),
            text: text.clone(),
        },
    };
    let key = keys::claim(numbers.list, address, numbers.sync);
    let at = now;
    step.replies.put(&key, &ReplyRow { at, asked, said })
}

/// Notes that a contact was taken off; of one that was removed nothing is kept.
pub(super) fn note_taken_off(
    step: &mut Step<'_>,
    numbers: SyncNumbers,
    address: &AddressKey,
    way_off: WayOff,
    now: i64,
) -> Result<(), StoreError> {
    match way_off {
        WayOff::Unsubscribe => {
            let done = (Asked::Unsubscribe, &Reply::Accepted);
            note(step, numbers, address, done, now)
        }
        WayOff::Remove => {
            let key = keys::claim(numbers.list, address, numbers.sync);
            step.replies.remove(&key)
        }
    }
}
