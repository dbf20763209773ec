//! What of the files `login` needs: one account that has no refresh token yet, or not the right one.
//!
//! Whatever is wrong elsewhere, in other accounts or definitions, is not told: it does not keep a token from being made.

use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;

use super::opened::Opened;
use super::problem::Problems;
use super::raw::RawConfig;
use super::report::Report;
use super::secrets::Keeping;
use super::settings::Account;
use super::{accounts, extract, general};
use crate::domain::ids::AccountName;

/// An account that is about to be given a refresh token.
#[derive(Debug, Clone)]
pub struct Applicant {
    account: Account,
    /// Where its refresh token is kept.
    pub keeping: Keeping,
    /// Folder of the service's state, which belongs to whom the service runs as.
    pub state_dir: PathBuf,
    /// `retry.give_up_after`.
    pub give_up_after: Duration,
}

impl Applicant {
    /// The account; its refresh token is empty.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// The account with this refresh token.
    #[must_use]
    pub fn with(&self, refresh_token: SecretString) -> Account {
        Account {
            refresh_token,
            ..self.account.clone()
        }
    }
}

/// Why there is no such account to go by.
#[derive(Debug, thiserror::Error)]
pub enum ApplicantError {
    /// What is wrong with `rosterd.toml` as a whole, or with the account.
    #[error(transparent)]
    Problems(#[from] Problems),
    /// No account has this name; these are there.
    #[error("there is no such account")]
    Unknown(Vec<String>),
}

/// Reads what `rosterd.toml` and the variables say of the account called `name`.
///
/// # Errors
/// [`ApplicantError`].
pub fn load_applicant(
    path: &Path,
    environment: impl Iterator<Item = (String, String)>,
    name: &str,
) -> Result<Applicant, ApplicantError> {
    let opened = Opened::read(path, environment)?;
    if !opened.broken.is_empty() {
        return Err(Problems(opened.broken).into());
    }
    let layers = opened.layers();
    let mut report = Report::new(&opened.main, &layers);
    let raw: RawConfig = extract::extract(&layers, &mut report);
    let general = general::general(&raw, opened.base(), &mut report);
    let secrets = opened.secrets(true);
    let named = name.parse::<AccountName>().ok();
    let found = named.and_then(|id| Some((raw.accounts.get(name)?, id)));
    let is_known = found.is_some();
    let found = found.and_then(|(raw, id)| accounts::applicant(&id, raw, &secrets, &mut report));
    let problems = report.into_problems_at(&format!("accounts.{name}"));
    match found {
        Some((account, keeping)) if problems.is_empty() => Ok(Applicant {
            account,
            keeping,
            state_dir: general.state_dir,
            give_up_after: general.give_up_after,
        }),
        None if problems.is_empty() && !is_known => {
            Err(ApplicantError::Unknown(raw.accounts.into_keys().collect()))
        }
        Some(_) | None => Err(Problems(problems).into()),
    }
}
