//! `rosterd demo`: sandbox and daemon in one process.

use super::Context;
use super::exit::{CliError, Exit};

/// Runs the command.
///
/// # Errors
/// When it fails.
pub(super) fn run(_context: &Context) -> Result<Exit, CliError> {
    Err(CliError::because(Exit::Failed, "not built yet"))
}
