//! Service keys: one that changes or goes away holds the syncs of its account. What is kept of a key is a digest.

use secrecy::ExposeSecret;

use super::standings::{Shift, hold_all};
use crate::config::settings::Config;
use crate::domain::activation::AccountHold;
use crate::journal::event::{AccountKeyChanged, Event};
use crate::store::mirror::Snapshot;
use crate::store::state::Credentials;

/// The service keys that are not those of before, and the syncs that this holds.
pub(super) fn keys_changed(config: &Config, kept: &Snapshot) -> Shift {
    let mut shift = Shift::default();
    for (name, account) in &config.accounts {
        let before = kept.credentials.get(name).cloned().unwrap_or_default();
        let key = account
            .zsc_key
            .as_ref()
            .map(|key| digest("service key", &[name.as_str(), key.expose_secret()]));
        let has_changed = match (before.key, key) {
            (Some(_), None) => !before.key_gone,
            (Some(before), Some(key)) => before != key,
            (None, _) => false,
        };
        let after = Credentials {
            key: key.or(before.key),
            key_gone: before.key.is_some() && key.is_none(),
            ..before.clone()
        };
        if has_changed {
            hold_all((config, kept), name, AccountHold::KeyChanged, &mut shift);
            shift
                .events
                .push(Event::AccountKeyChanged(AccountKeyChanged {
                    account: name.clone(),
                    gone: key.is_none(),
                }));
        }
        if after != before {
            shift.credentials.push((name.clone(), after));
        }
    }
    shift
}

/// Tells a secret from another, and nothing else.
pub(super) fn digest(what: &str, parts: &[&str]) -> [u8; 16] {
    let context = format!("rosterd 2026-11-26 {what}");
    let mut hasher = blake3::Hasher::new_derive_key(&context);
    for part in parts {
        hasher.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    let mut digest = [0; 16];
    digest.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    digest
}
