//! What the services say to the files: asked without opening the state, so that it works beside a running daemon.

use std::collections::BTreeMap;

use super::exit::{CliError, Exit};
use super::runtime;
use crate::clock::Clock;
use crate::config::{Loaded, Problem};
use crate::daemon;
use crate::domain::ids::SyncId;
use crate::run::{Checked, RunError};

/// What the services said.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// The problems they have with the files.
    pub(super) problems: Vec<Problem>,
    /// What they say of each sync that has none.
    pub(super) checked: BTreeMap<SyncId, Checked>,
}

/// Asks the services.
///
/// # Errors
/// When they could not be asked.
pub(super) fn check(loaded: &Loaded, clock: &Clock) -> Result<Answers, CliError> {
    let found = runtime()?.block_on(daemon::check_online(&loaded.config, &loaded.sources, clock));
    let mut answers = Answers::default();
    for (sync, result) in found.map_err(CliError::from)? {
        match result {
            Ok(checked) => {
                answers.checked.insert(sync, checked);
            }
            Err(RunError::Definition { problems, .. }) => answers.problems.extend(problems),
            Err(error) => return Err(CliError::because(Exit::of_run(error.kind()), error)),
        }
    }
    Ok(answers)
}
