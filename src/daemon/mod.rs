//! The one place that composes: settings, stores, journal and clients, made once and shared by daemon and commands.
//!
//! [`Service`] runs syncs. Runs of one account take turns, so that two of them never decide about one address at the
//! same time and share the account's pacing; accounts run side by side. `scheduler` wakes it, `signals` stops it.

mod beat;
mod clients;
mod planner;
pub(crate) mod rehearsal;
mod scheduler;
pub mod signals;
pub mod status;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::settings::Config;
use crate::config::{Loaded, Sources};
use crate::domain::address::EmailAddress;
use crate::domain::definition::SyncDefinition;
use crate::domain::ids::{AccountName, RunId, SyncId};
use crate::journal::{Journal, JournalError};
use crate::run::adopt::Adopted;
use crate::run::recovery::recover;
use crate::run::{self, Base, Ended, Progress, RunError, Ticket, Wish};
use crate::store::{Store, StoreError};
use crate::zoho::http::ClientError;
use crate::zoho::pacer::Pacer;
pub(crate) use clients::AccountClients;
pub use scheduler::{Reload, daemon};

/// Why the parts cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The stores cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The journal cannot be opened.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The HTTP client cannot be made.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// What an earlier process left cannot be completed.
    #[error(transparent)]
    Recovery(#[from] Box<RunError>),
    /// The data centre of an account is not known; `check` says so before.
    #[error("account {0}: unknown data centre")]
    DataCenter(AccountName),
    /// The scheduler's beat cannot be started.
    #[error("the scheduler cannot be started")]
    Beat(#[source] tokio_cron_scheduler::JobSchedulerError),
    /// Signals cannot be watched.
    #[error("signals cannot be watched")]
    Signals(#[source] std::io::Error),
}

/// The parts of rosterd, put together.
pub struct Service {
    /// What is current; a reload replaces it, and runs keep the one they started with.
    current: RwLock<Current>,
    http: crate::zoho::http::Client,
}

/// A set of settings and what is built from it.
#[derive(Clone)]
pub(crate) struct Current {
    pub(crate) base: Arc<Base>,
    accounts: Arc<BTreeMap<AccountName, AccountClients>>,
}

impl Service {
    /// Opens stores and journal, and completes what an earlier process left half written. The syncs whose interrupted
    /// runs have to go on come with it.
    ///
    /// # Errors
    /// [`ServiceError`]: another process holds the state, the disk fails, the files are damaged.
    pub fn open(
        loaded: Loaded,
        clock: Clock,
        stop: CancellationToken,
    ) -> Result<(Self, Vec<SyncId>), ServiceError> {
        let config = Arc::new(loaded.config);
        let store = Store::open(&config.state_dir, clock.now())?;
        let journal = Journal::open(&config.history_dir, &config.history)?;
        let base = Base {
            config,
            sources: Arc::new(loaded.sources),
            store: Arc::new(store),
            journal: Arc::new(Mutex::new(journal)),
            clock,
            stop,
            witness: None,
        };
        let interrupted = recover(&base).map_err(Box::new)?;
        let http = crate::zoho::http::Client::new(clients::options())?;
        let accounts = clients::build(&base, &http, &BTreeMap::new())?;
        let current = Current {
            base: Arc::new(base),
            accounts: Arc::new(accounts),
        };
        Ok((
            Self {
                current: RwLock::new(current),
                http,
            },
            interrupted,
        ))
    }

    /// What is current now.
    pub(crate) fn current(&self) -> Current {
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Lets new settings take over; runs in flight go on with theirs.
    ///
    /// # Errors
    /// [`ServiceError::DataCenter`]; nothing has changed then.
    pub(crate) fn replace(&self, loaded: Loaded) -> Result<(), ServiceError> {
        let before = self.current();
        let base = Base {
            config: Arc::new(loaded.config),
            sources: Arc::new(loaded.sources),
            store: before.base.store.clone(),
            journal: before.base.journal.clone(),
            clock: before.base.clock.clone(),
            stop: before.base.stop.clone(),
            witness: None,
        };
        let accounts = clients::build(&base, &self.http, &before.accounts)?;
        let after = Current {
            base: Arc::new(base),
            accounts: Arc::new(accounts),
        };
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = after;
        Ok(())
    }
}

/// What a person says to held removals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HoldVerdict {
    /// Carry them out.
    Approve,
    /// Drop them.
    Discard,
}

impl Current {
    /// Runs a sync when its account's turn has come: the interrupted run first, and then, unless that is all that was
    /// wished for, a run of its own. Answers for the later of the two.
    pub(crate) async fn run(
        &self,
        ticket: &Ticket,
        wish: Wish,
        progress: &watch::Sender<Progress>,
    ) -> Option<Ended> {
        let sync = ticket.sync();
        let definition = self.base.config.syncs.get(sync)?;
        let account = self.accounts.get(&definition.account)?;
        let _turn = ticket.turn().await;
        if self.base.stop.is_cancelled() {
            return Some(Ended::failed(RunError::Stopped));
        }
        let clients = &account.clients;
        let interrupted = match self.interrupted(sync) {
            Ok(interrupted) => interrupted,
            Err(error) => return Some(Ended::failed(error)),
        };
        if interrupted {
            let resume = Wish::Resume;
            let resumed = run::run(&self.base, clients, definition, resume, ticket, progress);
            let resumed = resumed.await;
            if wish == Wish::Resume || resumed.error.is_some() {
                return Some(resumed);
            }
        } else if wish == Wish::Resume {
            return None;
        }
        Some(run::run(&self.base, clients, definition, wish, ticket, progress).await)
    }

    /// A ticket for a run of a sync, which is wished for now; none where the sync does not exist.
    pub(crate) fn ticket(&self, sync: &SyncId) -> Option<Ticket> {
        let definition = self.base.config.syncs.get(sync)?;
        let account = self.accounts.get(&definition.account)?;
        let now = self.base.clock.now();
        Some(account.turns.ticket(sync.clone(), now))
    }

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
                run::release::check_gone(&account.clients, address, &blocks).await?;
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

    fn interrupted(&self, sync: &SyncId) -> Result<bool, StoreError> {
        let checkpoint = self.base.store.state.checkpoint(sync)?;
        Ok(checkpoint.is_some_and(|checkpoint| checkpoint.running.is_some()))
    }
}

/// How long `check --online` tries again while a service cannot be reached.
const CHECK_PATIENCE: Duration = Duration::from_secs(10);

/// Asks the services what they say to each definition: one result a sync, in the order of their ids. Of those that the
/// services agree with, it is what the conditions say in the words of the CRM's screens.
///
/// # Errors
/// [`ServiceError`]: no client can be made.
pub(crate) async fn check_online(
    config: &Config,
    sources: &Sources,
) -> Result<Vec<(SyncId, Result<Vec<String>, RunError>)>, ServiceError> {
    let http = crate::zoho::http::Client::new(clients::options())?;
    let clock = Clock::system();
    // A person waits for the answer, and will ask again.
    let give_up_after = config.give_up_after.min(CHECK_PATIENCE);
    let config = &Config {
        give_up_after,
        ..config.clone()
    };
    let mut accounts = BTreeMap::new();
    let mut results = Vec::new();
    for definition in config.syncs.values() {
        let Some(account) = config.accounts.get(&definition.account) else {
            continue;
        };
        // One set of clients an account, so that all its syncs use one token.
        let clients = match accounts.entry(&definition.account) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(clients::clients(
                config,
                account,
                &http,
                &clock,
                Pacer::off(),
            )?),
        };
        let checked = run::check(config, sources, clients, definition).await;
        results.push((definition.id.clone(), checked));
    }
    Ok(results)
}
