//! `rosterd daemon`: runs the service in the foreground.

use super::exit::{CliError, Exit};
use super::{Context, runtime};
use crate::config::load;
use crate::{daemon, logging};

/// Runs the command until it is asked to stop.
///
/// # Errors
/// The files are not valid, another process holds the state, or it fails.
pub(super) fn run(context: &Context) -> Result<Exit, CliError> {
    let loaded = context.load()?;
    let log = logging::init(&loaded.config.log)
        .map_err(|error| CliError::because(Exit::Config, error))?;
    for warning in &loaded.warnings {
        tracing::warn!(
            file = warning.file,
            line = warning.line,
            "{}",
            warning.message
        );
    }
    let (path, environment) = (context.config.clone(), context.environment.clone());
    let reload = daemon::Reload {
        read: Box::new(move || load(&path, environment.iter().cloned())),
        log: Box::new(move |settings| {
            if let Err(error) = log.reload(settings) {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the log level stays"
                );
            }
        }),
    };
    let ended = runtime()?.block_on(daemon::daemon(
        loaded,
        context.clock.clone(),
        reload,
        Box::new(super::why::worded),
    ));
    ended?;
    Ok(Exit::Done)
}
