//! The one place that composes: settings, stores, journal and clients, made once and shared by daemon and commands.
//!
//! [`Service`] runs syncs. Runs of one account take turns, so that two of them never decide about one address at the
//! same time and share the account's pacing; accounts run side by side. `scheduler` wakes it, `signals` stops it, and
//! `control` is where commands ask it.

pub(crate) mod answer;
mod asked;
mod beat;
mod clients;
pub(crate) mod control;
pub(crate) mod inquiry;
mod login;
mod notices;
pub mod outlook;
mod parking;
mod planner;
pub(crate) mod rehearsal;
pub(crate) mod reload;
mod scheduler;
pub mod signals;
pub mod status;
mod tasks;
mod vigil;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{OwnedMutexGuard, watch};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::settings::Config;
use crate::config::{Loaded, Sources};
use crate::domain::activation::Activation;
use crate::domain::ids::{AccountName, SyncId};
use crate::journal::event::{Event, StateRestored};
use crate::journal::{Journal, JournalError};
use crate::run::organisation;
use crate::run::recovery::{self, recover};
use crate::run::standings::{self, Standings};
use crate::run::{self, Base, Ended, Progress, RunError, Ticket, Turn, Wish};
use crate::store::backup::About;
use crate::store::restore::{self, Restored};
use crate::store::{Store, StoreError};
use crate::zoho::http::ClientError;
pub(crate) use asked::HoldVerdict;
pub(crate) use clients::AccountClients;
pub(crate) use control::Wording;
pub(crate) use login::{Login, Opened};
pub use reload::Reload;
pub(crate) use scheduler::daemon;

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
        vigil::note_set_back(store.state.snapshot()?.last_written(), clock.now());
        let base = Base {
            standings: Arc::new(Standings::new(config.clone(), Activation::default())),
            config,
            sources: Arc::new(loaded.sources),
            store: Arc::new(store),
            journal: Arc::new(Mutex::new(journal)),
            clock,
            stop,
            witness: None,
        };
        let interrupted = recover(&base).map_err(Box::new)?;
        standings::hold_if_begun_anew(&base).map_err(Box::new)?;
        standings::take_over(&base).map_err(Box::new)?;
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
            standings: before.base.standings.clone(),
            store: before.base.store.clone(),
            journal: before.base.journal.clone(),
            clock: before.base.clock.clone(),
            stop: before.base.stop.clone(),
            witness: None,
        };
        let accounts = clients::build(&base, &self.http, &before.accounts)?;
        standings::take_over(&base).map_err(Box::new)?;
        let after = Current {
            base: Arc::new(base),
            accounts: Arc::new(accounts),
        };
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = after;
        Ok(())
    }

    /// Runs a sync when its account's turn has come, by the settings that are current then: they may have changed while
    /// it waited. None where they leave no run to this ticket; what is still due is wished for anew. `wished` are those
    /// of the wish, by which an interrupted run goes on.
    pub(crate) async fn run(
        &self,
        wished: &Current,
        (ticket, turn): (&Ticket, Turn),
        wish: Wish,
        progress: &watch::Sender<Progress>,
    ) -> Option<Ended> {
        progress.send_replace(Progress::waiting());
        let turn = turn.await;
        progress.send_replace(Progress::default());
        if wish == Wish::Resume {
            // What it staged was selected and mapped by the settings that took it up.
            return wished.run_in_turn((ticket, turn), wish, progress).await;
        }
        let current = self.current();
        let definition = current.base.config.syncs.get(ticket.sync())?;
        let account = current.accounts.get(&definition.account)?;
        let by_schedule = matches!(wish, Wish::Schedule { .. });
        let is_active = current.base.standings.now().admits(ticket.sync());
        if by_schedule && !is_active || !ticket.is_of(&account.turns) {
            return None;
        }
        current.run_in_turn((ticket, turn), wish, progress).await
    }
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
        let turn = ticket.line_up().await;
        self.run_in_turn((ticket, turn), wish, progress).await
    }

    async fn run_in_turn(
        &self,
        (ticket, turn): (&Ticket, OwnedMutexGuard<()>),
        wish: Wish,
        progress: &watch::Sender<Progress>,
    ) -> Option<Ended> {
        let sync = ticket.sync();
        let definition = self.base.config.syncs.get(sync)?;
        let account = self.accounts.get(&definition.account)?;
        if self.base.stop.is_cancelled() {
            return Some(Ended::failed(RunError::Stopped));
        }
        let interrupted = match recovery::is_resumable(&self.base, definition) {
            Ok(interrupted) => interrupted,
            Err(error) => return Some(Ended::failed(error)),
        };
        let mut turn = turn;
        if interrupted {
            let resumed;
            let wished = (ticket, wish);
            (resumed, turn) = self
                .run_parking((account, definition), wished, turn, progress)
                .await;
            if wish == Wish::Resume || resumed.error.is_some() {
                return Some(resumed);
            }
        } else if wish == Wish::Resume {
            return None;
        }
        let wished = (ticket, wish);
        let (ended, _turn) = self
            .run_parking((account, definition), wished, turn, progress)
            .await;
        if definition.schedule.is_once()
            && ended.finished.is_some()
            && let Err(error) = standings::refresh(&self.base)
        {
            return Some(Ended::failed(error));
        }
        Some(ended)
    }

    /// The question whose organisation an account belongs to, where it has to be asked and nobody has the account's turn;
    /// it has the turn then.
    pub(crate) fn asking(
        &self,
        account: &AccountName,
    ) -> Result<Option<impl Future<Output = Result<(), RunError>> + use<>>, StoreError> {
        let settings = self.base.config.accounts.get(account);
        let (Some(settings), Some(known)) = (settings, self.accounts.get(account)) else {
            return Ok(None);
        };
        if !organisation::is_due(&self.base, settings)? {
            return Ok(None);
        }
        let Some(turn) = known.turns.try_take() else {
            return Ok(None);
        };
        let (current, account) = (self.clone(), account.clone());
        Ok(Some(async move {
            let _turn = turn;
            match current.accounts.get(&account) {
                Some(known) => organisation::admit(&current.base, &known.clients, &account).await,
                None => Ok(()),
            }
        }))
    }

    /// A ticket for a run of a sync, which is wished for now; none where the sync does not exist.
    pub(crate) fn ticket(&self, sync: &SyncId) -> Option<Ticket> {
        let definition = self.base.config.syncs.get(sync)?;
        let account = self.accounts.get(&definition.account)?;
        let now = self.base.clock.now();
        Some(account.turns.ticket(sync.clone(), now))
    }
}

/// Writes the ledger's file anew where people were erased since that was done last; so does everybody who opens it next.
///
/// # Errors
/// [`ServiceError::Store`], unless another process holds the state, which has seen to it by then.
pub(crate) fn wipe(state_dir: &Path, now: Timestamp) -> Result<(), ServiceError> {
    match Store::open(state_dir, now) {
        Ok(_) | Err(StoreError::Held(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Puts a backup back, and tells the journal; what the journal cannot be told now, the next start tells it.
///
/// # Errors
/// [`ServiceError::Store`]: another process holds the state, the file is no sound backup of it, or the disk fails.
pub(crate) fn restore(
    config: &Config,
    file: &Path,
    now: Timestamp,
) -> Result<Restored, ServiceError> {
    let event = |about: &About, in_doubt| {
        let event = Event::StateRestored(StateRestored {
            made: about.at,
            version: about.version.clone(),
            in_doubt,
        });
        serde_json::to_string(&event).expect("a time, a text and a truth are JSON")
    };
    let restored = restore::restore(&config.state_dir, file, now, event)?;
    let store = Store::open(&config.state_dir, now)?;
    let told = Journal::open(&config.history_dir, &config.history)
        .map_err(RunError::from)
        .and_then(|mut journal| standings::tell_untold(&store, &mut journal));
    if let Err(error) = told {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "the history does not tell of the restore yet: the next start tells it"
        );
    }
    Ok(restored)
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
    clock: &Clock,
) -> Result<Vec<(SyncId, Result<run::Checked, RunError>)>, ServiceError> {
    let http = crate::zoho::http::Client::new(clients::options())?;
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
                clock,
                clients::Pacers::off(),
            )?),
        };
        let checked = run::check(config, sources, clients, definition).await;
        results.push((definition.id.clone(), checked));
    }
    Ok(results)
}
