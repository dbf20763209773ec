//! What the services say to the files: asked without opening the state, so that it works beside a running daemon.

use super::exit::{CliError, Exit};
use super::{Context, runtime};
use crate::config::{Loaded, Problem};
use crate::daemon;
use crate::run::RunError;

/// Asks the services; the problems they have with the files.
///
/// # Errors
/// When they could not be asked.
pub(super) fn check(_context: &Context, loaded: &Loaded) -> Result<Vec<Problem>, CliError> {
    let found = runtime()?.block_on(daemon::check_online(&loaded.config, &loaded.sources));
    let mut problems = Vec::new();
    for result in found.map_err(CliError::from)? {
        match result {
            Ok(()) => {}
            Err(RunError::Definition {
                problems: found, ..
            }) => problems.extend(found),
            Err(error) => return Err(CliError::because(Exit::of_run(error.kind()), error)),
        }
    }
    Ok(problems)
}
