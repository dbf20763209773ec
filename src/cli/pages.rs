//! Completions and manual pages, made from the definition of the command line; used by packaging.

use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::Man;

use super::args::Cli;
use super::exit::{CliError, Exit};
use super::report::Report;
use crate::domain::unknown::Unknown;

/// Prints the completions of a shell.
///
/// # Errors
/// When stdout takes no more.
pub(super) fn completions(shell: Shell, report: &Report) -> Result<Exit, CliError> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "rosterd", &mut text);
    report.print(&String::from_utf8_lossy(&text))?;
    Ok(Exit::Done)
}

/// Prints the manual page of a command, or of rosterd itself.
///
/// # Errors
/// When there is no such command, or stdout takes no more.
pub(super) fn man(command: Option<&str>, report: &Report) -> Result<Exit, CliError> {
    let mut rosterd = Cli::command();
    rosterd.build();
    let page = match command {
        None => rosterd,
        Some(asked) => named(&rosterd, asked)?,
    };
    let mut text = Vec::new();
    Man::new(page).manual("rosterd").render(&mut text)?;
    report.print(&String::from_utf8_lossy(&text))?;
    Ok(Exit::Done)
}

fn named(rosterd: &clap::Command, asked: &str) -> Result<clap::Command, CliError> {
    let shown = rosterd
        .get_subcommands()
        .filter(|command| !command.is_hide_set());
    let found = rosterd.find_subcommand(asked).cloned();
    let found = found.map(|command| command.display_name(format!("rosterd-{asked}")));
    found.ok_or_else(|| {
        CliError::Unknown(Unknown {
            what: "command".into(),
            asked: asked.to_owned(),
            existing: shown.map(|command| command.get_name().to_owned()).collect(),
        })
    })
}
