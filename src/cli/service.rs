//! What commands share that open the state themselves: the service, and what its errors mean for the exit code.

use tokio_util::sync::CancellationToken;

use super::exit::{CliError, Exit};
use crate::clock::Clock;
use crate::config::Loaded;
use crate::daemon::answer::AskError;
use crate::daemon::{Service, ServiceError};
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
        AskError::of(&error).into()
    }
}
