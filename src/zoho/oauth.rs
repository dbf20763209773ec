//! One access token per account: renewed by one caller at a time, kept across restarts, never in a loop.
//!
//! Zoho hands out ten access tokens per ten minutes and refresh token, punishes whoever asks on, and silently revokes
//! the oldest of those alive. So a token is kept in a file until shortly before it ends, concurrent callers share one
//! renewal, a service that refuses a token gets one new one, and renewals keep below the limit by themselves.

mod answer;
mod file;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
pub mod grant;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;

use self::answer::Grant;
use self::file::TokenFile;
use super::data_center::Hosts;
use super::http::{Client, Request, TransportError};
use crate::clock::Clock;
use crate::domain::failure::Failure;
use crate::domain::ids::AccountName;

/// A token is renewed this long before it ends.
const RENEW_EARLY: SignedDuration = SignedDuration::from_mins(5);
/// Zoho's window for counting new tokens, and its block on whoever asks too often.
const WINDOW: SignedDuration = SignedDuration::from_mins(10);
const BLOCK: Duration = Duration::from_secs(600);
/// One below the ten that Zoho allows in a window.
const RENEWALS_MAX: usize = 9;

/// What an account proves itself with.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// OAuth client id.
    pub client_id: String,
    /// OAuth client secret.
    pub client_secret: SecretString,
    /// OAuth refresh token.
    pub refresh_token: SecretString,
}

/// The access token of one account, made and renewed as needed.
#[derive(Debug)]
pub struct Tokens {
    client: Client,
    hosts: Hosts,
    account: AccountName,
    credentials: Credentials,
    file: TokenFile,
    clock: Clock,
    // Held across a renewal on purpose: whoever comes meanwhile waits for its token instead of asking for another.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    token: Option<AccessToken>,
    file_was_read: bool,
    renewed_at: VecDeque<Timestamp>,
    blocked_until: Option<Timestamp>,
}

/// A token, until when it lasts, and the CRM host it is for.
#[derive(Debug, Clone)]
pub(super) struct AccessToken {
    secret: SecretString,
    ends_at: Timestamp,
    crm_host: String,
    api_domain: Option<String>,
}

impl AccessToken {
    pub(super) fn secret(&self) -> &SecretString {
        &self.secret
    }

    /// Scheme and host of the CRM this token is for.
    pub(super) fn crm_host(&self) -> &str {
        &self.crm_host
    }

    fn is(&self, other: &Self) -> bool {
        self.secret.expose_secret() == other.secret.expose_secret()
    }
}

impl Tokens {
    /// The token of `account`, kept in `file`; nothing is read or asked yet.
    #[must_use]
    pub fn new(
        client: Client,
        hosts: Hosts,
        account: AccountName,
        credentials: Credentials,
        file: PathBuf,
        clock: Clock,
    ) -> Self {
        let file = TokenFile::new(file, &hosts, &credentials);
        Self {
            client,
            hosts,
            account,
            credentials,
            file,
            clock,
            state: Mutex::default(),
        }
    }

    /// The same tokens, the file being read and not written to: one that is made is gone with the process.
    #[must_use]
    pub fn keeping_nothing(self) -> Self {
        Self {
            file: self.file.only_read(),
            ..self
        }
    }

    /// Makes sure that there is a token, asking for one if need be: the way to test an account's credentials.
    ///
    /// # Errors
    /// Zoho Accounts refuses the credentials or cannot be reached.
    pub async fn check(&self) -> Result<(), OauthError> {
        self.get().await.map(drop)
    }

    /// A token with some life left.
    pub(super) async fn get(&self) -> Result<AccessToken, OauthError> {
        let mut state = self.state.lock().await;
        if !state.file_was_read {
            state.token = self.file.read(&self.hosts).await;
            state.file_was_read = true;
        }
        let now = self.clock.now();
        match state.token.clone() {
            Some(token) if now < token.ends_at - RENEW_EARLY => Ok(token),
            // In its last minutes an old token is better than none.
            Some(token) if now < token.ends_at => match self.renew(&mut state, now).await {
                Err(error) if error.failure().is_passing() => Ok(token),
                renewed => renewed,
            },
            Some(_) | None => self.renew(&mut state, now).await,
        }
    }

    /// The token after `refused`, which a service did not take: a new one, unless another caller has made it already.
    pub(super) async fn replace(&self, refused: &AccessToken) -> Result<AccessToken, OauthError> {
        let mut state = self.state.lock().await;
        match &state.token {
            Some(token) if !token.is(refused) => Ok(token.clone()),
            Some(_) | None => {
                // Dropped first: should the renewal fail, the dead token must not be handed out again.
                state.token = None;
                let now = self.clock.now();
                self.renew(&mut state, now).await
            }
        }
    }

    async fn renew(&self, state: &mut State, now: Timestamp) -> Result<AccessToken, OauthError> {
        self.may_renew(state, now)?;
        state.renewed_at.push_back(now);
        let request = Request::form(
            format!("{}/oauth/v2/token", self.hosts.accounts()),
            answer::refresh_form(&self.credentials),
        );
        let renewed = match self.client.send(&request).await {
            Ok(answer) => answer::read(&answer, &self.account),
            Err(source) => Err(OauthError::Lost { source }),
        };
        if let Err(OauthError::Throttled { .. }) = &renewed {
            state.blocked_until = Some(now + WINDOW);
        }
        let token = self.accept(renewed?, now)?;
        self.file.write(&token).await;
        state.token = Some(token.clone());
        Ok(token)
    }

    /// Whether another token may be asked for without being blocked for it.
    fn may_renew(&self, state: &mut State, now: Timestamp) -> Result<(), OauthError> {
        // An instant beyond `now` is from before the clock was set back, and would block for ever.
        let counts = |at: &Timestamp| *at <= now && now < *at + WINDOW;
        state.renewed_at.retain(counts);
        let full = state.renewed_at.len() >= RENEWALS_MAX;
        let free_at = state.renewed_at.front().filter(|_| full);
        let free_at = free_at.map(|at| *at + WINDOW);
        let blocked_until = state
            .blocked_until
            .filter(|until| counts(&(*until - WINDOW)));
        match free_at.max(blocked_until) {
            None => Ok(()),
            Some(until) => Err(OauthError::Throttled {
                account: self.account.clone(),
                wait: Duration::try_from(until.duration_since(now)).unwrap_or(BLOCK),
            }),
        }
    }

    fn accept(&self, grant: Grant, now: Timestamp) -> Result<AccessToken, OauthError> {
        let crm_host = self.hosts.crm_of(grant.api_domain.as_deref());
        let crm_host = crm_host.ok_or_else(|| OauthError::UnknownHost {
            account: self.account.clone(),
        })?;
        Ok(AccessToken {
            secret: grant.access_token,
            ends_at: now.saturating_add(grant.lasts).unwrap_or(now),
            crm_host,
            api_domain: grant.api_domain,
        })
    }
}

/// Why there is no access token.
#[derive(Debug, thiserror::Error)]
pub enum OauthError {
    /// Zoho Accounts did not answer.
    #[error("cannot renew the access token")]
    Lost {
        /// What happened to the request.
        source: TransportError,
    },
    /// Something answered that is not Zoho Accounts.
    #[error(
        "Zoho Accounts answered with something that is no token (HTTP {status}); try again later, and check `accounts_url` if that is set"
    )]
    Strange {
        /// HTTP status.
        status: u16,
    },
    /// The refresh token is dead.
    #[error(
        "the refresh token of account `{account}` is not valid (invalid_code); make a new refresh token and put it where `accounts.{account}.refresh_token` points: `rosterd login {account}` does both"
    )]
    RefreshToken {
        /// Account.
        account: AccountName,
    },
    /// The client id is unknown there.
    #[error(
        "the client id of account `{account}` is not known (invalid_client); check `accounts.{account}.client_id`, and that `accounts.{account}.data_center` is the one the client was made in"
    )]
    ClientId {
        /// Account.
        account: AccountName,
    },
    /// The client secret is wrong.
    #[error(
        "the client secret of account `{account}` is wrong (invalid_client_secret); put the right one where `accounts.{account}.client_secret` points"
    )]
    ClientSecret {
        /// Account.
        account: AccountName,
    },
    /// Too many tokens were asked for.
    #[error(
        "Zoho Accounts gives account `{account}` no further token for {} s; too many were asked for", .wait.as_secs()
    )]
    Throttled {
        /// Account.
        account: AccountName,
        /// How long to leave it alone.
        wait: Duration,
    },
    /// Refused for a reason that has no remedy here.
    #[error(
        "Zoho Accounts refuses the credentials of account `{account}` ({code}); check `client_id`, `client_secret`, `refresh_token` and `data_center` of `accounts.{account}`"
    )]
    Refused {
        /// Account.
        account: AccountName,
        /// The service's code.
        code: String,
    },
    /// The token is for a host that is not in the table.
    #[error(
        "the token of account `{account}` names an API host that is not known; check `accounts.{account}.data_center`, or give the host as `accounts.{account}.crm_url`"
    )]
    UnknownHost {
        /// Account.
        account: AccountName,
    },
}

impl OauthError {
    /// What it means for the call that needed the token.
    #[must_use]
    pub fn failure(&self) -> Failure {
        match self {
            Self::Lost { source } => source.failure(),
            Self::Strange { .. } => Failure::Unreachable,
            Self::Throttled { wait, .. } => Failure::Throttled { wait: Some(*wait) },
            Self::RefreshToken { .. }
            | Self::ClientId { .. }
            | Self::ClientSecret { .. }
            | Self::Refused { .. } => Failure::CredentialsRefused,
            Self::UnknownHost { .. } => Failure::Configuration,
        }
    }
}

#[cfg(test)]
mod tests;
