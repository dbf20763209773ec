//! A run rehearsed: the parts put together as for a run, on a copy of the state in a folder of its own.
//!
//! Nothing outside that folder is written to: not the state, not the history, not the token's file, and at the services
//! nothing is changed. The folder goes with [`Folder`], however the rehearsal ends; only a kill leaves it behind.

use std::fs::{self, Permissions};
use std::io::{self, BufRead};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use tracing::instrument::WithSubscriber;
use tracing::subscriber::NoSubscriber;

use super::answer::Planned;
use super::clients::{self, AccountClients, Pacers};
use super::{Current, ServiceError};
use crate::clock::Clock;
use crate::config::settings::Config;
use crate::config::{Loaded, Sources};
use crate::domain::activation::Inactivity;
use crate::domain::definition::SyncDefinition;
use crate::domain::ids::SyncId;
use crate::domain::limits::LimitValues;
use crate::journal::Journal;
use crate::run::recovery::recover;
use crate::run::rehearsal::{Rehearsed, rehearse};
use crate::run::standings::{Standings, activation};
use crate::run::witness::{Person, Witness};
use crate::run::{Base, Clients, Progress, RunError, Turns};
use crate::store::{Store, StoreError, copy};

/// How often, and how many times, the folder is tried to be deleted: a store's own threads may still write to it.
const DELETE_EVERY: Duration = Duration::from_millis(20);
const DELETES_MAX: u32 = 50;

/// A folder for one rehearsal, which only its owner may read. It is deleted when this is dropped.
pub(crate) struct Folder(TempDir);

impl Folder {
    /// Makes one where temporary files belong.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub(crate) fn create() -> Result<Self, ServiceError> {
        let made = tempfile::Builder::new()
            .prefix("rosterd-plan-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir();
        let folder = made.map_err(|source| StoreError::Copy {
            attempt: "make a folder in",
            path: tempfile::env::temp_dir(),
            source,
        })?;
        Ok(Self(folder))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// The people that were written down.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub(crate) fn persons(
        &self,
    ) -> Result<impl Iterator<Item = Result<Person, StoreError>>, StoreError> {
        let path = self.people();
        let failed = move |source| StoreError::Copy {
            attempt: "read",
            path: path.clone(),
            source,
        };
        let file = fs::File::open(self.people()).map_err(&failed)?;
        let lines = io::BufReader::new(file).lines();
        Ok(lines.map(move |line| {
            let person = line.and_then(|line| Ok(serde_json::from_str(&line)?));
            person.map_err(&failed)
        }))
    }

    /// The file with a line for each person, where that is asked for.
    pub(crate) fn people(&self) -> PathBuf {
        self.0.path().join("people.jsonl")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let mut deleted = fs::remove_dir_all(self.0.path());
        for _ in 0..DELETES_MAX {
            if deleted.is_ok() {
                return;
            }
            std::thread::sleep(DELETE_EVERY);
            deleted = fs::remove_dir_all(self.0.path());
        }
        if let Err(error) = deleted {
            let path = self.0.path().display();
            tracing::warn!(%path, %error, "the plan's folder cannot be deleted: delete it by hand, as it names people");
        }
    }
}

/// What is rehearsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scope {
    /// Everything is imported again.
    pub(crate) full: bool,
    /// Each person is written down.
    pub(crate) people: bool,
}

/// The parts of a rehearsal, put together.
pub(crate) struct Rehearsal {
    base: Base,
    clients: Clients,
    definition: SyncDefinition,
    full: bool,
    inactive: Option<Inactivity>,
    /// Whether runs take place in this process, so that its log is theirs.
    is_beside: bool,
}

impl Rehearsal {
    /// Copies the state into `folder`, and opens the copy.
    ///
    /// # Errors
    /// [`ServiceError`]: another process holds the state, it cannot be copied or opened.
    pub(crate) fn open(
        loaded: Loaded,
        definition: SyncDefinition,
        scope: Scope,
        folder: &Folder,
        (clock, stop): (Clock, CancellationToken),
    ) -> Result<Self, ServiceError> {
        copy::copy(&loaded.config.state_dir, folder.0.path(), &stop)?;
        let (config, sources) = (loaded.config, Arc::new(loaded.sources));
        let settings = (&config, sources, None);
        Self::of_copy(settings, definition, scope, folder, (clock, stop))
    }

    /// The same beside the runs of this process.
    ///
    /// # Errors
    /// [`ServiceError`]: the state cannot be copied, or the copy not be opened.
    pub(crate) fn beside(
        current: &Current,
        sync: &SyncId,
        scope: Scope,
        folder: &Folder,
    ) -> Result<Self, ServiceError> {
        let base = &current.base;
        base.store.copy_to(folder.0.path(), base.clock.now())?;
        let definition = base.config.syncs.get(sync).cloned();
        let definition = definition.ok_or_else(|| Box::new(RunError::NotRead(sync.clone())))?;
        let times = (base.clock.clone(), base.stop.clone());
        let account = current.accounts.get(&definition.account);
        let pacers = account.map(AccountClients::pacers);
        let settings = (&*base.config, base.sources.clone(), pacers);
        let rehearsal = Self::of_copy(settings, definition, scope, folder, times)?;
        Ok(Self {
            is_beside: true,
            ..rehearsal
        })
    }

    fn of_copy(
        (original, sources, pacers): (&Config, Arc<Sources>, Option<Pacers>),
        definition: SyncDefinition,
        scope: Scope,
        folder: &Folder,
        (clock, stop): (Clock, CancellationToken),
    ) -> Result<Self, ServiceError> {
        let place = folder.0.path();
        let config = rehearsed(original, place);
        let witness = match scope.people {
            true => Some(Witness::create(folder.people())?),
            false => None,
        };
        let store = Store::open(place, clock.now())?;
        let journal = Journal::open(&config.history_dir, &config.history)?;
        // One that is not active can be planned too.
        let activation = activation(original, &store.state.snapshot()?);
        let inactive = activation.why_not(&definition.id);
        let activation = activation.with(&definition.id);
        let config = Arc::new(config);
        let base = Base {
            standings: Arc::new(Standings::new(config.clone(), activation)),
            config,
            sources,
            store: Arc::new(store),
            journal: Arc::new(Mutex::new(journal)),
            clock,
            stop,
            witness,
        };
        recover(&base).map_err(Box::new)?;
        let account = original.accounts.get(&definition.account);
        let account = account.ok_or_else(|| {
            // Settings that are valid name the accounts of all syncs.
            ServiceError::DataCenter(definition.account.clone())
        })?;
        let http = crate::zoho::http::Client::new(clients::options())?;
        let clients = clients::rehearsing(original, &base, account, &http, pacers)?;
        Ok(Self {
            base,
            clients,
            definition,
            full: scope.full,
            inactive,
            is_beside: false,
        })
    }

    /// What came of it, as people are told.
    pub(crate) fn planned(&self, rehearsed: Rehearsed) -> Planned {
        let barred = self.inactive.filter(|why| *why != Inactivity::Finished);
        let barred = barred.map(|why| {
            let remedy = why.remedy(&self.definition.id, &self.definition.account);
            (why.name().to_owned(), remedy)
        });
        let planned = Planned::of(rehearsed, barred);
        Planned {
            // A daemon leaves no run lying.
            is_under_way: planned.resumes && self.is_beside,
            ..planned
        }
    }

    /// Rehearses the run.
    ///
    /// # Errors
    /// [`RunError`]: the run cannot be planned.
    pub(crate) async fn run(
        &self,
        progress: &watch::Sender<Progress>,
    ) -> Result<Rehearsed, RunError> {
        let (base, definition) = (&self.base, &self.definition);
        let turns: Arc<Turns> = Arc::default();
        let ticket = turns.ticket(definition.id.clone(), base.clock.now());
        let rehearsal = rehearse(
            base,
            &self.clients,
            definition,
            self.full,
            &ticket,
            progress,
        );
        // What is logged of the run is not to be taken for one that takes place.
        let rehearsed = match self.is_beside {
            true => rehearsal.with_subscriber(NoSubscriber::default()).await?,
            false => rehearsal.instrument(tracing::warn_span!("plan")).await?,
        };
        let reading = rehearsed.reading.as_ref();
        tracing::info!(
            sync = %definition.id,
            way = reading.map(|reading| reading.way.name()),
            rows = reading.map(|reading| reading.rows),
            credits = reading.map(|reading| reading.credits),
            "a run is planned"
        );
        Ok(rehearsed)
    }
}

/// The settings for a rehearsal in `folder`: no limit counts.
fn rehearsed(config: &Config, folder: &Path) -> Config {
    Config {
        state_dir: folder.to_owned(),
        history_dir: folder.join("history"),
        limits: LimitValues::UNLIMITED,
        ..config.clone()
    }
}
