//! Secrets from where the files say they are: a file, a variable, a systemd credential, or the text itself.
//!
//! A secret that others could read or replace is refused. No message shows one, only where it comes from.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::raw::{RawSecret, TextOr};
use super::report::Report;

/// More than any secret has; what is longer is the wrong file.
const LONGEST: u64 = 64 * 1024;

/// Where secrets may be found.
pub(super) struct Secrets<'a> {
    /// The folder that relative paths start from.
    pub(super) base: &'a Path,
    /// Whether others may read `rosterd.toml`.
    pub(super) is_open: bool,
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

fn from_source(
    path: &str,
    source: &RawSecret,
    secrets: &Secrets<'_>,
    report: &mut Report<'_>,
) -> Option<String> {
    match (&source.file, &source.env, &source.credential) {
        (Some(file), None, None) => {
            from_file(&format!("{path}.file"), &secrets.base.join(file), report)
        }
        (None, Some(name), None) => {
            let value = secrets.variables.get(name).cloned();
            if value.is_none() {
                let message = format!("the environment variable `{name}` is not set");
                report.wrong(&format!("{path}.env"), message, None);
            }
            value
        }
        (None, None, Some(name)) => from_credential(path, name, secrets, report),
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
    if name.is_empty() || name.contains('/') || name.starts_with('.') {
        report.wrong(
            &path,
            format!("`{name}` is not the name of a credential"),
            None,
        );
        return None;
    }
    from_file(&path, &PathBuf::from(folder).join(name), report)
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
            let help = if path.contains(".refresh_token") {
                "the service must be able to read it"
            } else {
                "create it, readable by the service alone"
            };
            let help = (error.kind() == io::ErrorKind::NotFound).then(|| help.to_owned());
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
    let file = File::open(path)?;
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
