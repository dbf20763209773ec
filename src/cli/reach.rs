//! How commands come by what they ask: the running daemon does it, or else the command itself, with the state in its hands.

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::exit::{CliError, Exit};
use super::{Context, runtime, service};
use crate::clock::Clock;
use crate::config::settings::Config;
use crate::config::{Loaded, load_to_look};
use crate::daemon::HoldVerdict;
use crate::daemon::answer::{AskError, RunAnswer};
use crate::daemon::control::{Remote, Whom};
use crate::daemon::reload::Fingerprints;
use crate::daemon::status::{Holder, mirrored};
use crate::domain::address::EmailAddress;
use crate::domain::ids::{AccountName, RunId, SyncId};
use crate::domain::written::Written;
use crate::run::adopt::Adopted;
use crate::run::forget::Forgotten;
use crate::run::standings::{Set, Wanted};
use crate::run::{Progress, Wish};
use crate::store::mirror::Snapshot;

/// Who does what a command asks.
pub(super) enum Reach {
    /// The running daemon; with it what the files say, without secrets.
    Daemon(Remote, Box<Config>),
    /// The command itself.
    Own(Box<Own>),
}

/// What a command needs to do it itself.
pub(super) struct Own {
    pub(super) loaded: Loaded,
    clock: Clock,
    stop: CancellationToken,
}

impl Context {
    /// Finds the running daemon of these files; where none runs, reads all that it takes to do without.
    ///
    /// # Errors
    /// The files are not valid, or a daemon holds the state and cannot be asked.
    pub(super) async fn reach(&self, stop: &CancellationToken) -> Result<Reach, CliError> {
        if let Some((remote, config)) = self.daemon().await? {
            return Ok(Reach::Daemon(remote.until(stop.clone()), config));
        }
        Ok(Reach::Own(Box::new(Own {
            loaded: self.load_with_warnings()?,
            clock: self.clock.clone(),
            stop: stop.clone(),
        })))
    }

    /// The running daemon of these files, and what they say.
    ///
    /// # Errors
    /// `rosterd.toml` is not valid, or a daemon holds the state and cannot be asked.
    pub(super) async fn daemon(&self) -> Result<Option<(Remote, Box<Config>)>, CliError> {
        let config = load_to_look(&self.config, self.environment.iter().cloned())?.config;
        let remote = Remote::find(&config.control, &config.state_dir).await?;
        Ok(remote.map(|remote| (remote, Box::new(config))))
    }
}

impl Context {
    /// Who holds the state, and what is kept in it: as the daemon says, or else by the mirror. Where the files are others
    /// than those that the daemon goes by, that is said.
    ///
    /// # Errors
    /// The mirror cannot be read.
    pub(super) fn kept(&self, config: &Config) -> Result<(Holder, Snapshot), CliError> {
        let asked = runtime()?.block_on(async {
            let remote = Remote::find(&config.control, &config.state_dir).await;
            // What stands in the way there, the mirror does not need.
            remote.ok().flatten()?.state().await.ok()
        });
        let Some(standing) = asked else {
            let kept = mirrored(config);
            return kept.map_err(|error| CliError::because(Exit::Failed, error));
        };
        if let Some(difference) = standing.files.difference(&Fingerprints::of(config)) {
            self.report.note(&format!(
                "note: the files are others than those the daemon goes by ({difference}): `rosterd reload` lets them take over"
            ));
        }
        Ok((Holder::Daemon, standing.kept))
    }
}

impl Own {
    fn open(&self) -> Result<crate::daemon::Current, CliError> {
        let loaded = self.loaded.clone();
        Ok(service::open(loaded, &self.clock, self.stop.clone())?.current())
    }
}

impl Reach {
    /// What the files say.
    pub(super) fn config(&self) -> &Config {
        match self {
            Self::Daemon(_, config) => config,
            Self::Own(own) => &own.loaded.config,
        }
    }

    /// Runs a sync to its end.
    pub(super) async fn run(
        &self,
        sync: &str,
        full: bool,
        progress: &watch::Sender<Progress>,
    ) -> Result<RunAnswer, CliError> {
        let own = match self {
            Self::Daemon(remote, _) => return Ok(remote.run(sync, full, progress).await?),
            Self::Own(own) => own,
        };
        let sync = own.loaded.config.sync_named(sync)?;
        let current = own.open()?;
        let Some(ticket) = current.ticket(&sync) else {
            return Ok(RunAnswer::of(None));
        };
        let wish = Wish::Person { full };
        let ended = current.run(&ticket, wish, progress).await;
        Ok(RunAnswer::of(ended.as_ref()))
    }

    /// Carries out, or drops, what a run held.
    pub(super) async fn settle_hold(
        &self,
        sync: &SyncId,
        run: RunId,
        verdict: HoldVerdict,
    ) -> Result<u64, CliError> {
        let own = match self {
            Self::Daemon(remote, _) => return Ok(remote.settle_hold(sync, run, verdict).await?),
            Self::Own(own) => own,
        };
        let config = &own.loaded.config;
        let sync = config.sync_named(sync.as_str())?;
        let Some(definition) = config.syncs.get(&sync) else {
            return Ok(0);
        };
        Ok(own.open()?.settle_hold(definition, run, verdict).await?)
    }

    /// Takes over the contacts on a sync's list whose address it selects.
    pub(super) async fn adopt(&self, sync: &str) -> Result<Adopted, CliError> {
        let own = match self {
            Self::Daemon(remote, _) => return Ok(remote.adopt(sync).await?),
            Self::Own(own) => own,
        };
        let sync = own.loaded.config.sync_named(sync)?;
        Ok(own.open()?.adopt(&sync).await?)
    }

    /// Releases an address.
    pub(super) async fn release(
        &self,
        address: &EmailAddress,
        reason: &str,
    ) -> Result<Vec<(AccountName, u64)>, CliError> {
        match self {
            Self::Daemon(remote, _) => Ok(remote.release(address.as_sent(), reason).await?),
            Self::Own(own) => Ok(own.open()?.release(address, reason).await?),
        }
    }

    /// Erases a person.
    pub(super) async fn forget(&self, whom: &Written, text: &str) -> Result<Forgotten, CliError> {
        match self {
            Self::Daemon(remote, _) => Ok(remote.forget(text).await?),
            Self::Own(own) => Ok(own.open()?.forget(whom).await?),
        }
    }

    /// Activates or deactivates syncs.
    pub(super) async fn set(&self, whom: Whom, wanted: Wanted) -> Result<Vec<Set>, CliError> {
        let own = match self {
            Self::Daemon(remote, _) => return Ok(remote.set(whom, wanted).await?),
            Self::Own(own) => own,
        };
        let syncs = whom.in_files(&own.loaded.config)?;
        Ok(own.open()?.set(&syncs, wanted)?)
    }
}

impl From<AskError> for CliError {
    fn from(error: AskError) -> Self {
        match error {
            AskError::Unknown(unknown) => Self::Unknown(unknown),
            AskError::Problems(problems) => Self::Problems(crate::config::Problems(
                problems.into_iter().map(Into::into).collect(),
            )),
            AskError::Refused(message) => Self::because(Exit::Refused, message),
            AskError::Later(message) => Self::because(Exit::TryAgain, message),
            AskError::Failed { kind, message } => Self::because(Exit::of_run(kind), message),
        }
    }
}

impl From<crate::domain::unknown::Unknown> for CliError {
    fn from(unknown: crate::domain::unknown::Unknown) -> Self {
        Self::Unknown(unknown)
    }
}
