//! Files to typed settings: either all of them are right, or every problem is told with its place.
//!
//! [`load`] reads `rosterd.toml`, lays the environment over it, and reads the definitions in `syncs.d`, each file on
//! its own, so that a broken one hides nothing in the others. It goes in two steps: `raw` is what is written, with
//! unknown keys and wrong types told and pruned; the rest is what it means. What it gives can be trusted; what only
//! the services know (modules, fields, lists) is for the online check, which points into the files through
//! [`Sources`].
//!
//! The environment is an argument, and [`environment`] its only reader. No output of this module shows a secret.

mod accounts;
mod definition;
mod document;
mod extract;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod general;
mod layers;
mod login;
mod opened;
mod problem;
mod quantities;
mod raw;
mod raw_values;
mod read;
mod redact;
mod related;
mod report;
mod secrets;
mod selection;
pub mod settings;
mod sources;
mod syncs;
mod timetable;
mod unsupported;
mod warnings;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use self::definition::Surroundings;
use self::document::Document;
use self::general::General;
pub use self::login::{Applicant, ApplicantError, load_applicant};
use self::opened::Opened;
pub use self::problem::{Excerpt, Problem, Problems, render, render_warnings};
use self::raw::RawConfig;
use self::report::Report;
pub use self::secrets::Keeping;
use self::settings::{Account, Config};
pub use self::sources::Sources;
use crate::domain::ids::AccountName;

/// Where `rosterd.toml` is unless `--config` or `ROSTERD_CONFIG` says otherwise.
pub const DEFAULT_PATH: &str = "/etc/rosterd/rosterd.toml";

/// A configuration without problems.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// The files they are from.
    pub sources: Sources,
    /// What is allowed but probably not meant.
    pub warnings: Vec<Problem>,
}

/// Where `rosterd.toml` is: as the command line says, or else the variable `ROSTERD_CONFIG`, or else
/// [`DEFAULT_PATH`].
#[must_use]
pub fn path(asked: Option<PathBuf>) -> PathBuf {
    let variable = || std::env::var_os(layers::CONFIG).filter(|it| !it.is_empty());
    let path = asked.or_else(|| variable().map(PathBuf::from));
    path.unwrap_or_else(|| PathBuf::from(DEFAULT_PATH))
}

/// The process's environment; the only place that reads it, beside [`path`].
pub fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().map(|(name, value)| {
        let text = |part: std::ffi::OsString| part.to_string_lossy().into_owned();
        (text(name), text(value))
    })
}

/// Reads and checks everything: the file at `path`, the `ROSTERD_…` variables of `environment`, the definitions.
///
/// # Errors
/// All problems of all files, in the order of files and places.
pub fn load(
    path: &Path,
    environment: impl Iterator<Item = (String, String)>,
) -> Result<Loaded, Problems> {
    let (loaded, of_definitions) = examine(path, environment, true)?;
    match of_definitions.is_empty() {
        true => Ok(loaded),
        false => Err(Problems(of_definitions)),
    }
}

/// Reads everything but the secrets for a look at what has been, or to find the daemon: definitions that are not valid are left out, and their problems are
/// among the warnings, beside files that are passed over. What else there is to warn of matters to those who change
/// something.
///
/// # Errors
/// What is wrong with `rosterd.toml` or the variables; then also what is wrong with the definitions.
pub fn load_to_look(
    path: &Path,
    environment: impl Iterator<Item = (String, String)>,
) -> Result<Loaded, Problems> {
    look(examine(path, environment, false)?)
}

/// The same with the secrets, to ask the services too.
///
/// # Errors
/// As [`load_to_look`], and secrets that cannot be read.
pub fn load_to_ask(
    path: &Path,
    environment: impl Iterator<Item = (String, String)>,
) -> Result<Loaded, Problems> {
    look(examine(path, environment, true)?)
}

fn look((mut loaded, of_definitions): (Loaded, Vec<Problem>)) -> Result<Loaded, Problems> {
    // A file that is passed over has no place in it to point at.
    loaded.warnings.retain(|warning| warning.line.is_none());
    loaded.warnings.extend(of_definitions);
    Ok(loaded)
}

/// What is valid, and the problems of the definitions; problems elsewhere leave nothing to go by.
fn examine(
    path: &Path,
    environment: impl Iterator<Item = (String, String)>,
    needs_secrets: bool,
) -> Result<(Loaded, Vec<Problem>), Problems> {
    let opened = Opened::read(path, environment)?;
    let layers = opened.layers();
    let mut report = Report::new(&opened.main, &layers);
    let raw: RawConfig = extract::extract(&layers, &mut report);
    let general = general::general(&raw, opened.base(), &mut report);
    let secrets = opened.secrets(needs_secrets);
    let accounts = accounts::accounts(&raw, &secrets, &mut report);
    unsupported::config(&raw, &mut report);
    let (files, others) = files(&general, opened.broken.is_empty(), &mut report);
    let around = Surroundings {
        accounts: known_accounts(&raw, &opened.broken),
        topics: accounts
            .values()
            .filter(|account| account.topics)
            .map(|account| account.name.clone())
            .collect(),
        zone: general.timezone.clone(),
    };
    let mut syncs = syncs::syncs(&files, &around);
    syncs.warnings.extend(report.take_warnings());
    syncs
        .warnings
        .extend(others.iter().map(|path| passed_over(path)));
    // What half a file says wrongly is not worth telling.
    let own = if opened.broken.is_empty() {
        report.into_problems()
    } else {
        opened.broken
    };
    let is_usable = own.is_empty();
    let problems = in_order(own, syncs.problems, &opened.main, &files);
    if !is_usable {
        return Err(Problems(problems));
    }
    let loaded = Loaded {
        config: config(path, general, accounts, syncs.definitions),
        warnings: syncs.warnings,
        sources: Sources {
            main: opened.main,
            syncs: syncs.documents,
        },
    };
    Ok((loaded, problems))
}

/// A file among the definitions whose name does not end as theirs do.
fn passed_over(path: &Path) -> Problem {
    let message = "this is no definition, so it is passed over".to_owned();
    let help = "the names of definitions end in `.toml`, in lower case".to_owned();
    Problem::without_place(&path.display().to_string(), message, Some(help))
}

fn files(
    general: &General,
    is_whole: bool,
    report: &mut Report<'_>,
) -> (Vec<PathBuf>, Vec<PathBuf>) {
    match syncs::files(&general.syncs_dir) {
        Ok(files) => files,
        Err(error) => {
            let folder = general.syncs_dir.display();
            let message = format!("cannot read the folder {folder} of the definitions: {error}");
            let help = "create it, or name another with `syncs`".to_owned();
            if is_whole {
                report.wrong("syncs", message, help);
            }
            (Vec::new(), Vec::new())
        }
    }
}

/// The accounts that definitions may name, right or not; unknown where the file or its accounts cannot be read.
fn known_accounts(raw: &RawConfig, broken: &[Problem]) -> Option<BTreeSet<AccountName>> {
    let names: BTreeSet<_> = raw
        .accounts
        .keys()
        .filter_map(|name| name.parse().ok())
        .collect();
    let is_known = broken.is_empty() && !names.is_empty();
    is_known.then_some(names)
}

fn in_order(
    own: Vec<Problem>,
    others: Vec<Problem>,
    main: &Document,
    files: &[PathBuf],
) -> Vec<Problem> {
    let rank = |problem: &Problem| {
        let is_main = problem.file == main.name();
        let file = files
            .iter()
            .position(|file| file.display().to_string() == problem.file);
        // The file, then variables, then the definitions.
        let rank = file.map_or(usize::from(!is_main), |index| index + 2);
        (rank, problem.line, problem.column)
    };
    let mut problems = own;
    problems.extend(others);
    problems.sort_by_key(rank);
    problems
}

fn config(
    path: &Path,
    general: General,
    accounts: BTreeMap<AccountName, Account>,
    syncs: BTreeMap<crate::domain::ids::SyncId, crate::domain::definition::SyncDefinition>,
) -> Config {
    Config {
        path: path.to_owned(),
        timezone: general.timezone,
        state_dir: general.state_dir,
        history_dir: general.history_dir,
        control: general.control,
        log: general.log,
        history: general.history,
        limits: general.limits,
        safety: general.safety,
        give_up_after: general.give_up_after,
        group_emails: general.group_emails,
        builtin_group_emails: general.builtin_group_emails,
        accounts,
        syncs,
    }
}
