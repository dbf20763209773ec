//! `rosterd login`: a grant code from the API console becomes an account's refresh token.
//!
//! The file is made before the code is asked for, so that no code is wasted on a folder that cannot be written to, and
//! takes its place once the token has been tried; until then what was there stays.

mod code;
mod keep;

use std::path::{Path, PathBuf};

use secrecy::ExposeSecret;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use self::keep::{NewFile, Owner};
use super::args::LoginArgs;
use super::exit::{CliError, Exit};
use super::report::{Report, counted, escape};
use super::{Context, runtime};
use crate::config::{Applicant, ApplicantError, Keeping, load_applicant};
use crate::daemon::{Login, Opened, signals};
use crate::domain::unknown::Unknown;
use crate::zoho::data_center;
use crate::zoho::scopes;

/// What `login --json` prints.
#[derive(Serialize)]
struct Answer<'a> {
    account: &'a str,
    organisation: Named<'a>,
    mailing_lists: usize,
    file: &'a Path,
}

#[derive(Serialize)]
struct Named<'a> {
    id: &'a str,
    name: Option<&'a str>,
}

/// Runs the command.
///
/// # Errors
/// There is no such account, nowhere to keep the token, no code, or the code brings no refresh token that works.
pub(super) fn run(context: &Context, args: &LoginArgs) -> Result<Exit, CliError> {
    let applicant = applicant(context, &args.account)?;
    let path = match &args.to {
        Some(path) => path.clone(),
        None => path(&applicant)?,
    };
    let owner = match &applicant.keeping {
        Keeping::File(_) if args.to.is_none() => Owner::of(&applicant.state_dir),
        // The service does not read it itself.
        Keeping::File(_)
        | Keeping::Credential { .. }
        | Keeping::Variable(_)
        | Keeping::Plain
        | Keeping::Nowhere => None,
    };
    let file = NewFile::create(&path, owner).map_err(|source| cannot_write(&path, source))?;
    let report = &context.report;
    let login = Login::new(applicant.clone(), context.clock.clone())?;
    report.note(&instructions(&applicant));
    let (token, opened) = runtime()?.block_on(async {
        let stop = CancellationToken::new();
        signals::watch(&stop, None).map_err(CliError::signals)?;
        let exchanged = async {
            let code = code::read().await?;
            let exchanged = login.exchange(&code).await;
            exchanged.map_err(|error| CliError::because(Exit::of_run(error.kind()), error))
        };
        tokio::select! {
            done = exchanged => done,
            () = stop.cancelled() => Err(stopped()),
        }
    })?;
    let kept = file.keep(token.expose_secret());
    let is_readable = kept.map_err(|source| cannot_write(&path, source))?;
    tell(report, &applicant, &opened, &path)?;
    if !is_readable {
        report.warn(&format!(
            "{} does not belong to the owner of {}, so the service may not read it: chown it",
            path.display(),
            applicant.state_dir.display()
        ));
    }
    report.note(&what_next(&applicant, args.to.is_some(), &path));
    Ok(Exit::Done)
}

fn applicant(context: &Context, asked: &str) -> Result<Applicant, CliError> {
    let environment = context.environment.iter().cloned();
    load_applicant(&context.config, environment, asked).map_err(|error| match error {
        ApplicantError::Problems(problems) => problems.into(),
        ApplicantError::Unknown(existing) => CliError::Unknown(Unknown {
            what: "account".into(),
            asked: asked.to_owned(),
            existing,
        }),
    })
}

/// The file that the account's refresh token is read from.
fn path(applicant: &Applicant) -> Result<PathBuf, CliError> {
    let account = &applicant.account().name;
    let file = format!("refresh_token = {{ file = \"secrets/{account}.refresh_token\" }}");
    let usage = |message: String| Err(CliError::because(Exit::Usage, message));
    match &applicant.keeping {
        Keeping::File(path) | Keeping::Credential { file: path, .. } => Ok(path.clone()),
        Keeping::Variable(name) => usage(format!(
            "the refresh token of account `{account}` comes from the variable `{name}`, which cannot be written: name a file with --to and set the variable from it, or write {file} into rosterd.toml"
        )),
        Keeping::Plain => usage(format!(
            "the refresh token of account `{account}` stands in rosterd.toml itself, which is left alone: write {file} there, or name a file with --to and copy it from there"
        )),
        Keeping::Nowhere => Err(CliError::because(
            Exit::Config,
            format!(
                "`accounts.{account}.refresh_token` is missing: write {file} into rosterd.toml, or name a file with --to"
            ),
        )),
    }
}

fn instructions(applicant: &Applicant) -> String {
    let account = applicant.account();
    let console = data_center::console(&account.data_center);
    let console = console.map_or_else(String::new, |url| format!(", {url},"));
    format!(
        "In the API console of data centre `{}`{console} open the Self Client {} (or make one), and generate a code for these scopes:\n\n{}\n\nIt lives for minutes and can be used once. Paste it here:",
        account.data_center,
        escape(&account.client_id),
        scopes::needed().join(",")
    )
}

fn tell(
    report: &Report,
    applicant: &Applicant,
    opened: &Opened,
    path: &Path,
) -> Result<(), CliError> {
    let account = applicant.account().name.as_str();
    let organisation = &opened.organisation;
    if report.json {
        report.print_json(&Answer {
            account,
            organisation: Named {
                id: &organisation.id,
                name: organisation.name.as_deref(),
            },
            mailing_lists: opened.lists,
            file: path,
        })?;
        return Ok(());
    }
    let name = organisation.name.as_deref().map(escape);
    let name = name.map(|name| format!("{name}, ")).unwrap_or_default();
    let lists = counted(
        u64::try_from(opened.lists).unwrap_or(u64::MAX),
        "mailing list",
    );
    report.print(&format!(
        "account {account} is that of {name}organisation {}, with {lists} in Campaigns\nits refresh token is in {}, mode 0600",
        escape(&organisation.id),
        path.display()
    ))?;
    Ok(())
}

/// How the service gets to know the token.
fn what_next(applicant: &Applicant, is_elsewhere: bool, path: &Path) -> String {
    let path = path.display();
    match &applicant.keeping {
        Keeping::Credential { name, .. } => format!(
            "systemd gives it to the service if the unit says LoadCredential={name}:{path}; restart the service"
        ),
        Keeping::Variable(name) => {
            format!("set the variable `{name}` of the service from it, and restart the service")
        }
        Keeping::File(_) if !is_elsewhere => {
            "a running daemon takes it over when it is reloaded".to_owned()
        }
        Keeping::File(_) | Keeping::Plain | Keeping::Nowhere => format!(
            "rosterd.toml does not name this file yet: write refresh_token = {{ file = \"{path}\" }} into the account's table"
        ),
    }
}

fn cannot_write(path: &Path, source: std::io::Error) -> CliError {
    CliError::System {
        doing: format!(
            "write {}, so nothing was stored; name another file with --to, or run this as a user who may write there",
            path.display()
        ),
        source,
    }
}

fn stopped() -> CliError {
    CliError::because(Exit::TryAgain, "stopped; nothing was stored")
}
