//! What commands share that open the state themselves: the service, and what its errors mean for the exit code.

use tokio_util::sync::CancellationToken;

use super::exit::{CliError, Exit, Unknown};
use crate::clock::Clock;
use crate::config::Loaded;
use crate::config::Problems;
use crate::config::settings::Config;
use crate::daemon::{Service, ServiceError};
use crate::domain::ids::SyncId;
use crate::run::RunError;

/// Opens the service for one command.
///
/// # Errors
/// Another process holds the state, or it cannot be opened.
pub(super) fn open(
    loaded: Loaded,
    clock: &Clock,
    stop: CancellationToken,
) -> Result<Service, CliError> {
    let (service, interrupted) = Service::open(loaded, clock.clone(), stop)?;
    for sync in interrupted {
        tracing::info!(%sync, "a run of this sync was interrupted and waits to go on");
    }
    Ok(service)
}

/// The sync of this name.
///
/// # Errors
/// [`CliError::Unknown`], which lists those that exist.
pub(super) fn sync_named(config: &Config, asked: &str) -> Result<SyncId, CliError> {
    match config.syncs.keys().find(|sync| sync.as_str() == asked) {
        Some(sync) => Ok(sync.clone()),
        None => Err(CliError::Unknown(Unknown {
            what: "sync",
            asked: asked.to_owned(),
            existing: config.syncs.keys().map(ToString::to_string).collect(),
        })),
    }
}

impl From<ServiceError> for CliError {
    fn from(error: ServiceError) -> Self {
        let exit = match &error {
            ServiceError::DataCenter(_) => Exit::Config,
            ServiceError::Store(_)
            | ServiceError::Journal(_)
            | ServiceError::Client(_)
            | ServiceError::Recovery(_)
            | ServiceError::Beat(_)
            | ServiceError::Signals(_) => Exit::Failed,
        };
        Self::because(exit, error)
    }
}

impl From<RunError> for CliError {
    fn from(error: RunError) -> Self {
        let exit = match &error {
            RunError::Limit(_)
            | RunError::Inactive { .. }
            | RunError::Organisation { .. }
            | RunError::NotRead(_)
            | RunError::NotBlocked
            | RunError::StillThere { .. } => Exit::Refused,
            RunError::Stopped => Exit::TryAgain,
            RunError::Crm(_)
            | RunError::Campaigns(_)
            | RunError::Oauth(_)
            | RunError::Suppressions(_)
            | RunError::Store(_)
            | RunError::Journal(_)
            | RunError::Definition { .. }
            | RunError::OptOutsHidden { .. }
            | RunError::Clock(_)
            | RunError::Audit { .. }
            | RunError::Sums { .. }
            | RunError::NotTakenOff { .. } => Exit::of_run(error.kind()),
        };
        match error {
            RunError::Definition { problems, .. } => Self::Problems(Problems(problems)),
            error => Self::because(exit, error),
        }
    }
}
