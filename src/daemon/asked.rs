//! What people ask for besides runs: held removals settled, contacts adopted, addresses released,
//! people erased. Each takes its turn among the runs of the account.

use serde::{Deserialize, Serialize};

use super::Current;
use crate::domain::address::EmailAddress;
use crate::domain::definition::SyncDefinition;
use crate::domain::ids::{AccountName, RunId, SyncId};
use crate::domain::written::Written;
use crate::run::adopt::Adopted;
use crate::run::forget::Forgotten;
use crate::run::standings::{Set, Wanted};
use crate::run::{self, RunError};

/// What a person says to held removals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum HoldVerdict {
    /// Carry them out.
    Approve,
    /// Drop them.
    Discard,
}

impl HoldVerdict {
    /// The command that says so.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Discard => "discard",
        }
    }
}

impl Current {
    /// Carries out, or drops, what a run of a sync held; says how many contacts or removals that were.
    ///
    /// # Errors
    /// [`RunError`]; what is left stays held.
    pub(crate) async fn settle_hold(
        &self,
        definition: &SyncDefinition,
        run: RunId,
        verdict: HoldVerdict,
    ) -> Result<u64, RunError> {
        let Some(account) = self.accounts.get(&definition.account) else {
            return Ok(0);
        };
        let _turn = account.turns.take().await;
        match verdict {
            HoldVerdict::Approve => {
                run::held::approve(&self.base, &account.clients, definition, run).await
            }
            HoldVerdict::Discard => {
                run::held::discard(&self.base, &account.clients, definition, run).await
            }
        }
    }

    /// Activates or deactivates syncs; a run under way goes on to its end.
    ///
    /// # Errors
    /// [`RunError`]; nothing is changed then.
    pub(crate) fn set(&self, syncs: &[SyncId], wanted: Wanted) -> Result<Vec<Set>, RunError> {
        run::standings::set(&self.base, syncs, wanted)
    }

    /// Takes over the contacts on a sync's list whose address it selects.
    ///
    /// # Errors
    /// [`RunError`].
    pub(crate) async fn adopt(&self, sync: &SyncId) -> Result<Adopted, RunError> {
        let definition = self.base.config.syncs.get(sync);
        let accounts = &self.accounts;
        let account = definition.and_then(|definition| accounts.get(&definition.account));
        let (Some(definition), Some(account)) = (definition, account) else {
            return Err(RunError::NotRead(sync.clone()));
        };
        let _turn = account.turns.take().await;
        run::adopt::adopt(&self.base, &account.clients, definition).await
    }

    /// Erases a person from all accounts, and keeps them from being added again.
    ///
    /// # Errors
    /// [`RunError`]; nothing adds the address even then, and asking once more does the rest.
    pub(crate) async fn forget(&self, whom: &Written) -> Result<Forgotten, RunError> {
        let mut turns = Vec::new();
        for account in self.accounts.values() {
            turns.push(account.turns.take().await);
        }
        let mut forgotten = run::forget::begin(&self.base, whom)?;
        // What is no address is on no list.
        if let Some(address) = whom.address() {
            for (name, account) in self.accounts.iter() {
                let clients = &account.clients;
                let of_account =
                    run::forget::unsubscribe(&self.base, clients, name, address).await?;
                forgotten.unsubscribed += of_account.unsubscribed;
                forgotten.on_lists_of_others += of_account.on_lists_of_others;
            }
        }
        run::forget::erase(&self.base, whom, forgotten)
    }

    /// Releases an address from the opt-outs of records that are gone for good, in all accounts where such block it, or
    /// in none; the accounts, and how many records that were.
    ///
    /// # Errors
    /// [`RunError`]; nothing is lifted where a record is still there.
    pub(crate) async fn release(
        &self,
        address: &EmailAddress,
        reason: &str,
    ) -> Result<Vec<(AccountName, u64)>, RunError> {
        let mut blocked = Vec::new();
        for (name, account) in self.accounts.iter() {
            let turn = account.turns.take().await;
            let blocks = run::release::blocks(&self.base, name, address)?;
            if !blocks.is_empty() {
                let clients = (name, &account.clients);
                run::release::check_gone(&self.base, clients, address, &blocks).await?;
                let records: usize = blocks.values().map(Vec::len).sum();
                blocked.push((name, u64::try_from(records).unwrap_or(u64::MAX), turn));
            }
        }
        if blocked.is_empty() {
            return Err(RunError::NotBlocked);
        }
        let mut released = Vec::new();
        for (name, records, _turn) in blocked {
            run::release::lift(&self.base, name, address, reason)?;
            released.push((name.clone(), records));
        }
        Ok(released)
    }
}
