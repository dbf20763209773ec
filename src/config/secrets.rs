//! Secrets from where the files say they are: a file, a variable, a systemd credential, or the text itself.
//!
//! A secret that others could read or replace is refused. No message shows one, only where it comes from.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::layers;
use super::raw::{RawSecret, TextOr};
use super::report::Report;
use crate::regular;

/// More than any secret has; what is longer is the wrong file.
const LONGEST: u64 = 64 * 1024;

/// Where secrets may be found.
pub(super) struct Secrets<'a> {
    /// The folder that relative paths start from.
    pub(super) base: &'a Path,
    /// Whether others may read `rosterd.toml`.
    pub(super) is_open: bool,
    /// Whether they are needed; who only looks need not be able to read them.
    pub(super) are_needed: bool,
    /// The environment.
    pub(super) variables: &'a BTreeMap<String, String>,
}

/// The secret at `path`; a missing one is a problem too.
pub(super) fn secret(
    path: &str,
    raw: Option<&TextOr<RawSecret>>,
    secrets: &Secrets<'_>,
    report: &mut Report<'_>,
) -> Option<SecretString> {
    let Some(raw) = raw else {
        let help = "give it as { file = \"…\" }, { env = \"…\" } or { credential = \"…\" }";
        report.missing(path, help.to_owned());
        return None;
    };
    if !secrets.are_needed {
        return Some(SecretString::default());
    }
    let text = match raw {
        TextOr::Text(text) => plain(path, text, secrets, report),
        TextOr::Table(source) => from_source(path, source, secrets, report),
    }?;
    let text = text.trim();
    if text.is_empty() {
        report.wrong(path, "the secret is empty", None);
        return None;
    }
    Some(SecretString::from(text))
}

/// A secret written into `rosterd.toml` or given by a variable.
fn plain(path: &str, text: &str, secrets: &Secrets<'_>, report: &mut Report<'_>) -> Option<String> {
    if secrets.is_open && !report.is_from_environment(path) {
        let help = "chmod o-r the file, or move the secret to a file of its own: { file = \"…\" }";
        report.wrong(
            path,
            "others may read this secret with the file it is in",
            help.to_owned(),
        );
        return None;
    }
    Some(text.to_owned())
}

/// The one place that a table names.
enum Source<'r> {
    File(&'r str),
    Variable(&'r str),
    Credential(&'r str),
}

fn from_source(
    path: &str,
    raw: &RawSecret,
    secrets: &Secrets<'_>,
    report: &mut Report<'_>,
) -> Option<String> {
    match source(path, raw, report)? {
        Source::File(file) => from_file(&format!("{path}.file"), &secrets.base.join(file), report),
        Source::Variable(name) => {
            let value = secrets.variables.get(name).cloned();
            if value.is_none() {
                let message = format!("the environment variable `{name}` is not set");
                report.wrong(&format!("{path}.env"), message, None);
            }
            value
        }
        Source::Credential(name) => from_credential(path, name, secrets, report),
    }
}

fn source<'r>(path: &str, raw: &'r RawSecret, report: &mut Report<'_>) -> Option<Source<'r>> {
    match (&raw.file, &raw.env, &raw.credential) {
        (Some(file), None, None) => Some(Source::File(file)),
        (None, Some(name), None) => Some(Source::Variable(name)),
        (None, None, Some(name)) => Some(Source::Credential(name)),
        (file, env, credential) => {
            if !report.is_told(path) {
                let none = file.is_none() && env.is_none() && credential.is_none();
                let message = if none {
                    "this does not say where the secret is"
                } else {
                    "this names more than one place for the secret"
                };
                let help = "use exactly one of `file`, `env` and `credential`".to_owned();
                report.wrong(path, message, help);
            }
            None
        }
    }
}

fn from_credential(
    path: &str,
    name: &str,
    secrets: &Secrets<'_>,
    report: &mut Report<'_>,
) -> Option<String> {
    let path = format!("{path}.credential");
    let Some(folder) = secrets.variables.get("CREDENTIALS_DIRECTORY") else {
        let help = format!(
            "run as a systemd service with LoadCredential={name}:…, or use {{ file = \"…\" }}"
        );
        let message = format!("no credential `{name}`: CREDENTIALS_DIRECTORY is not set");
        report.wrong(&path, message, help);
        return None;
    };
    let name = credential(&path, name, report)?;
    from_file(&path, &PathBuf::from(folder).join(name), report)
}

fn credential<'n>(path: &str, name: &'n str, report: &mut Report<'_>) -> Option<&'n str> {
    if name.is_empty() || name.contains('/') || name.starts_with('.') {
        let message = format!("`{name}` is not the name of a credential");
        report.wrong(path, message, None);
        return None;
    }
    Some(name)
}

/// Where a secret is kept, whether it is there or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keeping {
    /// In a file.
    File(PathBuf),
    /// In a file that systemd reads when it starts the service: the one that the shipped unit names.
    Credential {
        /// The credential's name.
        name: String,
        /// The file.
        file: PathBuf,
    },
    /// In a variable of this name.
    Variable(String),
    /// In `rosterd.toml` itself.
    Plain,
    /// Nobody has said where.
    Nowhere,
}

/// Where the secret at `path` is kept; `None` if that is not said well.
pub(super) fn keeping(
    path: &str,
    raw: Option<&TextOr<RawSecret>>,
    base: &Path,
    report: &mut Report<'_>,
) -> Option<Keeping> {
    let raw = match raw {
        None => return Some(Keeping::Nowhere),
        Some(TextOr::Text(_)) if report.is_from_environment(path) => {
            return Some(Keeping::Variable(layers::variable(path)));
        }
        Some(TextOr::Text(_)) => return Some(Keeping::Plain),
        Some(TextOr::Table(raw)) => raw,
    };
    Some(match source(path, raw, report)? {
        Source::File(file) => Keeping::File(base.join(file)),
        Source::Variable(name) => Keeping::Variable(name.to_owned()),
        Source::Credential(name) => {
            let name = credential(&format!("{path}.credential"), name, report)?;
            Keeping::Credential {
                name: name.to_owned(),
                file: base.join("secrets").join(name),
            }
        }
    })
}

fn from_file(path: &str, file: &Path, report: &mut Report<'_>) -> Option<String> {
    let shown = file.display();
    match read(file) {
        Ok(Ok(text)) => Some(text),
        Ok(Err(fault)) => {
            let (what, help) = match fault {
                Fault::Writable => (
                    "may be written by others than its owner",
                    format!("chmod go-w,o-rwx {shown}"),
                ),
                Fault::Readable => ("may be read by others", format!("chmod o-rwx {shown}")),
                Fault::NotText => (
                    "is not a text of at most 64 KiB",
                    "name the file that holds nothing but the secret".to_owned(),
                ),
            };
            report.wrong(path, format!("the secret file {shown} {what}"), help);
            None
        }
        Err(error) => {
            let account = path.strip_prefix("accounts.").unwrap_or_default();
            let help = match account.split_once(".refresh_token") {
                Some((account, _)) => format!("`rosterd login {account}` makes it"),
                None => "create it, readable by the service alone".to_owned(),
            };
            let help = (error.kind() == io::ErrorKind::NotFound).then_some(help);
            report.wrong(
                path,
                format!("cannot read the secret file {shown}: {error}"),
                help,
            );
            None
        }
    }
}

enum Fault {
    Writable,
    Readable,
    NotText,
}

/// Looks at the permissions of the file that was opened, so that nobody can swap it in between.
fn read(path: &Path) -> io::Result<Result<String, Fault>> {
    let file = regular::open(path)?;
    let metadata = file.metadata()?;
    let mode = metadata.permissions().mode();
    if mode & 0o022 != 0 {
        return Ok(Err(Fault::Writable));
    }
    if mode & 0o004 != 0 {
        return Ok(Err(Fault::Readable));
    }
    let mut bytes = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut bytes)?;
    let text = String::from_utf8(bytes).ok();
    let text = text.filter(|text| u64::try_from(text.len()).is_ok_and(|length| length <= LONGEST));
    Ok(text.ok_or(Fault::NotText))
}
