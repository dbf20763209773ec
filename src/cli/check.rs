//! `rosterd check`: are all files valid, and with `--online`, do the services agree?

use serde::Serialize;

use super::args::CheckArgs;
use super::exit::{CliError, Exit};
use super::report::counted;
use super::{Context, online};
use crate::config::{Problem, Problems, render_warnings};

/// What `check --json` prints.
#[derive(Serialize)]
struct Answer<'p> {
    problems: &'p [Problem],
}

/// Runs the command.
///
/// # Errors
/// When the files are not valid, or a service could not be asked.
pub(super) fn run(context: &Context, args: &CheckArgs) -> Result<Exit, CliError> {
    match examine(context, args) {
        Ok(sentence) if context.report.json => {
            tracing::debug!(%sentence, "checked");
            context.report.print_json(&Answer { problems: &[] })?;
        }
        Ok(sentence) => context.report.print(&sentence)?,
        Err(CliError::Problems(problems)) if context.report.json => {
            context.report.print_json(&Answer {
                problems: &problems.0,
            })?;
            return Err(problems.into());
        }
        Err(error) => return Err(error),
    }
    Ok(Exit::Done)
}

/// The sentence that says that all is well.
fn examine(context: &Context, args: &CheckArgs) -> Result<String, CliError> {
    let loaded = context.load()?;
    if !loaded.warnings.is_empty() {
        let warnings = render_warnings(&loaded.warnings, context.report.colour_errors);
        context.report.note(warnings.trim_end());
    }
    let count = |number: usize, noun| counted(u64::try_from(number).unwrap_or(u64::MAX), noun);
    let what = format!(
        "{} in {}",
        count(loaded.config.syncs.len(), "sync"),
        count(loaded.config.accounts.len(), "account")
    );
    if !args.online {
        return Ok(format!("{what}: all files are valid"));
    }
    let problems = online::check(context, &loaded)?;
    match problems.is_empty() {
        true => Ok(format!(
            "{what}: all files are valid, and the services agree"
        )),
        false => Err(Problems(problems).into()),
    }
}
