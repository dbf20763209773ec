//! Whose CRM it is: before any other call, the organisation behind an account's credentials has to be the one seen before.
//!
//! It is asked for when the daemon starts, when the credentials change, and once a day. Records, lists and consent of
//! another organisation have nothing to do with what is kept of this one: its syncs are deactivated, interrupted runs
//! end, and the first run after a person has activated a sync reads everything.

use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret;

use super::error::RunError;
use super::recovery::give_up;
use super::service_key::digest;
use super::standings::{Shift, hold_all, settle};
use super::{Base, Clients};
use crate::config::settings::Account;
use crate::domain::activation::AccountHold;
use crate::domain::ids::AccountName;
use crate::journal::event::{AccountOrganisationChanged, Event};
use crate::store::StoreError;
use crate::store::state::{Checkpoint, Credentials, Running};

/// How long an answer counts.
const ASK_EVERY: SignedDuration = SignedDuration::from_hours(24);
/// What was noted by a clock that was ahead by more is not believed.
const AHEAD_MAX: SignedDuration = SignedDuration::from_mins(1);

const CHANGED: &str =
    "the credentials belong to another organisation than the one the run began in";

/// Whether the organisation of an account has to be asked for.
///
/// # Errors
/// [`StoreError`].
pub(crate) fn is_due(base: &Base, account: &Account) -> Result<bool, StoreError> {
    let known = base.store.state.credentials(&account.name)?;
    let asked_at = known
        .asked_at
        .filter(|_| known.asked_by == digest_of(account));
    let asked_at = asked_at.filter(|at| *at >= base.standings.asked_since());
    let Some(asked_at) = asked_at.and_then(|at| Timestamp::from_millisecond(at).ok()) else {
        return Ok(true);
    };
    let age = base.clock.now().duration_since(asked_at);
    Ok(age >= ASK_EVERY || age < -AHEAD_MAX)
}

/// Lets calls begin: there is a token, and the organisation is the one that was seen before. Whoever calls this has the
/// account's turn.
///
/// # Errors
/// [`RunError::Organisation`] where it is another; its syncs are inactive then. Otherwise a call or the stores failed.
pub(crate) async fn admit(
    base: &Base,
    clients: &Clients,
    account: &AccountName,
) -> Result<(), RunError> {
    clients.crm.authorise().await?;
    let Some(account) = base.config.accounts.get(account) else {
        return Ok(());
    };
    if !is_due(base, account)? {
        let known = base.store.state.credentials(&account.name)?;
        return match (known.left, known.organisation) {
            // Nobody has said that it is the right one.
            (Some(before), Some(now)) => Err(RunError::Organisation {
                account: account.name.clone(),
                before,
                now,
            }),
            (_, _) => Ok(()),
        };
    }
    let organisation = clients.crm.organisation().await?;
    note(base, account, organisation.id)
}

fn note(base: &Base, account: &Account, now: String) -> Result<(), RunError> {
    let name = &account.name;
    let known = base.store.state.credentials(name)?;
    let before = known.organisation.clone().filter(|before| *before != now);
    let known = Credentials {
        organisation: Some(now.clone()),
        asked_by: digest_of(account),
        asked_at: Some(base.clock.now().as_millisecond()),
        ..known
    };
    let Some(before) = before else {
        let left = known.left.clone();
        settle(base, |_, _| Shift {
            credentials: vec![(name.clone(), known)],
            ..Shift::default()
        })?;
        return match left {
            Some(before) => Err(RunError::Organisation {
                account: name.clone(),
                before,
                now,
            }),
            None => Ok(()),
        };
    };
    let known = Credentials {
        // That the first one is back needs nobody's word, but its syncs do.
        left: Some(before.clone()).filter(|_| known.left.as_ref() != Some(&now)),
        ..known
    };
    tracing::error!(
        account = %name,
        before,
        now,
        "the credentials of account {name} belong to another organisation than before: its syncs are inactive until they are activated"
    );
    let mut cut = Vec::new();
    settle(base, |config, kept| {
        let mut shift = Shift {
            credentials: vec![(name.clone(), known)],
            events: vec![Event::AccountOrganisationChanged(
                AccountOrganisationChanged {
                    account: name.clone(),
                    before: before.clone(),
                    now: now.clone(),
                },
            )],
            ..Shift::default()
        };
        let hold = AccountHold::OrganisationChanged;
        hold_all((config, kept), name, hold, &mut shift);
        for (sync, checkpoint) in &kept.checkpoints {
            let running = checkpoint.running.as_ref();
            let is_cut = running.is_some_and(|running| running.account == *name);
            let definition = config.syncs.get(sync);
            if !is_cut && definition.is_none_or(|definition| definition.account != *name) {
                continue;
            }
            let anew = Checkpoint {
                definition: [0; 16],
                cursor: None,
                last_full: None,
                // No definition has this digest: if this process dies, the next one gives the run up.
                running: running.map(|running| Running {
                    definition: [0; 16],
                    ..running.clone()
                }),
                ..checkpoint.clone()
            };
            if is_cut {
                cut.push((sync.clone(), anew.clone()));
            }
            shift.checkpoints.push((sync.clone(), anew));
        }
        shift
    })?;
    for (sync, checkpoint) in cut {
        if let Some(running) = checkpoint.running.clone() {
            give_up(base, &sync, &checkpoint, &running, CHANGED)?;
        }
    }
    Err(RunError::Organisation {
        account: name.clone(),
        before,
        now,
    })
}

/// Tells these credentials from others.
fn digest_of(account: &Account) -> [u8; 16] {
    let url = |url: &Option<String>| url.clone().unwrap_or_default();
    digest(
        "credentials",
        &[
            &account.data_center,
            &account.client_id,
            account.client_secret.expose_secret(),
            account.refresh_token.expose_secret(),
            &url(&account.accounts_url),
            &url(&account.crm_url),
        ],
    )
}
