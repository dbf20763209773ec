//! The commands, one file each: what was asked, done by the parts below, and printed.
//!
//! Results go to stdout, everything else to stderr, and every command ends in one [`Exit`].

mod activate;
mod adopt;
pub mod args;
mod check;
mod daemon;
mod demo;
pub mod exit;
mod explain;
mod forget;
mod history;
mod hold;
mod login;
mod online;
mod pages;
mod plan;
mod reach;
mod release;
mod reload;
pub mod report;
mod sandbox;
mod schedule;
mod service;
mod state;
mod status;
mod sync;
pub mod table;
mod tally;
mod why;

use std::path::PathBuf;

use tokio::runtime::Runtime;

use crate::clock::Clock;
use crate::config::{self, Loaded, load, load_to_ask, load_to_look, render, render_warnings};
use crate::daemon::HoldVerdict;
use crate::logging;
use args::{Cli, Command};
use exit::{CliError, Exit};
use report::Report;

/// What every command is given.
#[derive(Debug, Clone)]
pub struct Context {
    /// The `rosterd.toml` to read.
    pub config: PathBuf,
    /// The `ROSTERD_…` variables.
    pub environment: Vec<(String, String)>,
    /// How to print.
    pub report: Report,
    /// The time.
    pub clock: Clock,
}

impl Context {
    /// Reads all files.
    ///
    /// # Errors
    /// When anything in them is not valid.
    pub fn load(&self) -> Result<Loaded, CliError> {
        Ok(load(&self.config, self.environment.iter().cloned())?)
    }

    /// Reads all files to look at what has been; definitions that are not valid are left out, and that is said.
    ///
    /// # Errors
    /// When `rosterd.toml` or a variable is not valid.
    pub fn load_to_look(&self) -> Result<Loaded, CliError> {
        let loaded = load_to_look(&self.config, self.environment.iter().cloned())?;
        self.note_warnings(&loaded);
        Ok(loaded)
    }

    /// The same with the secrets, to ask the services too.
    ///
    /// # Errors
    /// As [`Self::load_to_look`], and secrets that cannot be read.
    pub fn load_to_ask(&self) -> Result<Loaded, CliError> {
        let loaded = load_to_ask(&self.config, self.environment.iter().cloned())?;
        self.note_warnings(&loaded);
        Ok(loaded)
    }

    /// Reads all files for what they make rosterd do, and says what in them is allowed and probably not meant.
    ///
    /// # Errors
    /// When anything in them is not valid.
    pub fn load_with_warnings(&self) -> Result<Loaded, CliError> {
        let loaded = self.load()?;
        self.note_warnings(&loaded);
        Ok(loaded)
    }

    fn note_warnings(&self, loaded: &Loaded) {
        if !loaded.warnings.is_empty() {
            let colour = self.report.colour_errors;
            self.report
                .note(render_warnings(&loaded.warnings, colour).trim_end());
        }
    }
}

/// Does what was asked, says on stderr what stood in the way, and returns how it ended.
#[must_use]
pub fn run(cli: Cli, environment: Vec<(String, String)>, no_color: bool) -> Exit {
    let context = Context {
        report: Report::new(&cli.options, no_color),
        config: config::path(cli.options.config),
        environment,
        clock: cli
            .options
            .clock_offset
            .map_or_else(Clock::system, Clock::moved_by),
    };
    match dispatch(&context, &cli.command) {
        Ok(exit) => exit,
        Err(error) => {
            say(&context.report, &error);
            error.exit()
        }
    }
}

fn dispatch(context: &Context, command: &Command) -> Result<Exit, CliError> {
    // The daemon logs as its settings say, which it has yet to read.
    if !matches!(command, Command::Daemon) {
        logging::init(&logging::for_command(&context.environment))
            .map_err(|error| CliError::because(Exit::Config, error))?;
    }
    match command {
        Command::Daemon => daemon::run(context),
        Command::Check(args) => check::run(context, args),
        Command::Status(args) => status::run(context, args),
        Command::Schedule(args) => schedule::run(context, args),
        Command::Sync(args) => sync::run(context, args),
        Command::Plan(args) => plan::run(context, args),
        Command::History(args) => history::run(context, args),
        Command::Activate(args) => activate::activate(context, args),
        Command::Deactivate(args) => activate::deactivate(context, args),
        Command::Approve(args) => hold::run(context, args, HoldVerdict::Approve),
        Command::Discard(args) => hold::run(context, args, HoldVerdict::Discard),
        Command::Adopt(args) => adopt::run(context, args),
        Command::Release(args) => release::run(context, args),
        Command::Forget(args) => forget::run(context, args),
        Command::Why(args) => why::run(context, args),
        Command::State(args) => state::run(context, args),
        Command::Reload => reload::run(context),
        Command::Login(args) => login::run(context, args),
        Command::Sandbox(args) => sandbox::run(context, args),
        Command::Demo => demo::run(context),
        Command::Completions { shell } => pages::completions(*shell, &context.report),
        Command::Man { command } => pages::man(command.as_deref(), &context.report),
    }
}

fn say(report: &Report, error: &CliError) {
    match error {
        CliError::Problems(problems) => {
            let text = render(problems, report.colour_errors);
            report.problems(text.trim_end());
        }
        // A reader that went away wants to hear no more.
        CliError::Output(_) if error.exit() == Exit::Done => {}
        CliError::Unknown(_)
        | CliError::SeveralRuns { .. }
        | CliError::OtherSync { .. }
        | CliError::Journal(_)
        | CliError::Output(_)
        | CliError::System { .. }
        | CliError::Because { .. } => report.error(&error.message()),
    }
}

/// The runtime of a command that talks to services.
///
/// # Errors
/// When the system gives no threads.
pub fn runtime() -> Result<Runtime, CliError> {
    Runtime::new().map_err(|source| CliError::System {
        doing: "start the runtime".to_owned(),
        source,
    })
}
