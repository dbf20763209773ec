//! The turns that the runs of an account take, and what those that wait get from the one that is under way.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use jiff::Timestamp;
use tokio::sync::OwnedMutexGuard;

use super::recent::Recent;
use crate::domain::ids::SyncId;

/// The turns of one account.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    /// Held by the run that is under way.
    under_way: Arc<tokio::sync::Mutex<()>>,
    /// The syncs whose runs are under way or wait.
    wished: Mutex<BTreeSet<SyncId>>,
    recent: Recent,
}

/// A turn that comes when those before it are over.
pub(crate) type Turn = Pin<Box<dyn Future<Output = OwnedMutexGuard<()>> + Send>>;

/// The wish for a turn, from the moment it came up until its run is over.
#[derive(Debug)]
pub(crate) struct Ticket {
    turns: Arc<Turns>,
    sync: SyncId,
    wished_at: Timestamp,
}

impl Turns {
    /// A ticket for a sync, wished for at `wished_at`.
    pub(crate) fn ticket(self: &Arc<Self>, sync: SyncId, wished_at: Timestamp) -> Ticket {
        self.wished().insert(sync.clone());
        Ticket {
            turns: self.clone(),
            sync,
            wished_at,
        }
    }

    /// Waits for the turn; it lasts until the guard is dropped.
    pub(crate) async fn take(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.under_way.lock().await
    }

    /// The turn, if nobody has it.
    pub(crate) fn try_take(&self) -> Option<OwnedMutexGuard<()>> {
        self.under_way.clone().try_lock_owned().ok()
    }

    fn wished(&self) -> MutexGuard<'_, BTreeSet<SyncId>> {
        self.wished.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket {
    /// The sync it is for.
    pub(crate) fn sync(&self) -> &SyncId {
        &self.sync
    }

    /// Whether it is for one of these turns; a sync may have gone over to another account since.
    pub(crate) fn is_of(&self, turns: &Arc<Turns>) -> bool {
        Arc::ptr_eq(&self.turns, turns)
    }

    /// Stands in line for its turn from now on: whoever does so first has the turn first, whenever they come to wait.
    pub(crate) fn line_up(&self) -> Turn {
        let mut turn: Turn = Box::pin(self.turns.under_way.clone().lock_owned());
        // Asked once, it has its place. It is asked again by whoever awaits it.
        match turn.as_mut().now_or_never() {
            Some(taken) => Box::pin(std::future::ready(taken)),
            None => turn,
        }
    }

    /// When the run was wished for: what was read since is news to it.
    pub(super) fn wished_at(&self) -> Timestamp {
        self.wished_at
    }

    /// What the account's runs read lately.
    pub(super) fn recent(&self) -> &Recent {
        &self.turns.recent
    }

    /// The other syncs that wait for their turns.
    pub(super) fn others(&self) -> Vec<SyncId> {
        let wished = self.turns.wished();
        wished
            .iter()
            .filter(|sync| **sync != self.sync)
            .cloned()
            .collect()
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.turns.wished().remove(&self.sync);
    }
}
