//! One access token per account: renewed by one caller at a time, kept across restarts, never in a loop.
//!
//! Zoho hands out ten access tokens per ten minutes and refresh token, punishes whoever asks on, and silently revokes
//! the oldest of those alive. So a token is kept in a file until shortly before it ends, concurrent callers share one
//! renewal, a service that refuses a token gets one new one, and renewals keep below the limit by themselves: also those
//! of other processes and of earlier ones, which are written down in the same file.

mod answer;
mod budget;
mod error;
mod file;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
pub mod grant;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;

use self::answer::Grant;
use self::budget::WINDOW;
pub use self::error::OauthError;
use self::file::{Keeps, Kept, TokenFile};
use super::data_center::Hosts;
use super::http::{Client, Request, TransportError};
use crate::clock::Clock;
use crate::domain::ids::AccountName;

/// A token is renewed this long before it ends.
const RENEW_EARLY: SignedDuration = SignedDuration::from_mins(5);
/// The least that Zoho leaves whoever asked too often without a token.
const BLOCK: Duration = Duration::from_secs(600);

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
    file: Arc<TokenFile>,
    clock: Clock,
    // Held across a renewal on purpose: whoever comes meanwhile waits for its token instead of asking for another.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    token: Option<AccessToken>,
    file_was_read: bool,
    /// The last one that a service did not take; what the file has from before it is no better.
    refused: Option<AccessToken>,
}

/// How a renewal begins.
enum Begun {
    /// Another process has made a token meanwhile.
    Found(AccessToken),
    /// It is counted, and may be asked for.
    MayAsk,
    /// None may be asked for before then.
    Until(Timestamp),
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

    /// Whether it needs no renewal yet.
    fn is_fresh(&self, now: Timestamp) -> bool {
        now < self.ends_at - RENEW_EARLY
    }
}

impl PartialEq for AccessToken {
    fn eq(&self, other: &Self) -> bool {
        self.is(other)
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
        let file = Arc::new(TokenFile::new(file, &hosts, &credentials));
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

    /// The same tokens, of which none is kept: one that is made is gone with the process. It counts all the same, as
    /// those of all processes together must stay below the limit.
    #[must_use]
    pub fn keeping_no_token(self) -> Self {
        self.keeping(Keeps::Budget)
    }

    /// The same tokens, the file being read and not written to.
    #[must_use]
    pub fn keeping_nothing(self) -> Self {
        self.keeping(Keeps::Nothing)
    }

    fn keeping(self, keeps: Keeps) -> Self {
        Self {
            file: Arc::new(self.file.keeping(keeps)),
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
            state.token = self.file.read(&self.hosts).await.token;
            state.file_was_read = true;
        }
        let now = self.clock.now();
        match state.token.clone() {
            Some(token) if token.is_fresh(now) => Ok(token),
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
                state.refused = Some(refused.clone());
                let now = self.clock.now();
                self.renew(&mut state, now).await
            }
        }
    }

    async fn renew(&self, state: &mut State, now: Timestamp) -> Result<AccessToken, OauthError> {
        let refused = state.refused.clone();
        let begin = move |kept: &mut Kept| begin(kept, refused.as_ref(), now);
        match self.file.change(&self.hosts, begin).await {
            Begun::MayAsk => {}
            Begun::Found(token) => {
                state.token = Some(token.clone());
                return Ok(token);
            }
            Begun::Until(until) => return Err(self.throttled(until, now)),
        }
        let renewed = self.ask(now).await;
        if let Ok(token) = &renewed {
            state.token = Some(token.clone());
        }
        let ended = Ended::of(&renewed);
        let end = move |kept: &mut Kept| ended.note(kept, now);
        self.file.change(&self.hosts, end).await;
        renewed
    }

    /// Asks Zoho Accounts for a token.
    async fn ask(&self, now: Timestamp) -> Result<AccessToken, OauthError> {
        let request = Request::form(
            format!("{}/oauth/v2/token", self.hosts.accounts()),
            answer::refresh_form(&self.credentials),
        );
        let answer = self.client.send(&request).await;
        let answer = answer.map_err(|source| OauthError::Lost { source })?;
        match answer::read(&answer, &self.account) {
            Err(OauthError::Throttled { wait, .. }) => {
                let until = now.checked_add(wait).unwrap_or(now + WINDOW);
                Err(self.throttled(until, now))
            }
            granted => self.accept(granted?, now),
        }
    }

    fn throttled(&self, until: Timestamp, now: Timestamp) -> OauthError {
        OauthError::Throttled {
            account: self.account.clone(),
            wait: Duration::try_from(until.duration_since(now)).unwrap_or(BLOCK),
            until: Some(until),
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

/// Looks at what other processes have done, and counts the renewal before it is asked for.
fn begin(kept: &mut Kept, refused: Option<&AccessToken>, now: Timestamp) -> Begun {
    if let Some(refused) = refused {
        // Nobody shall take it up again.
        kept.token.take_if(|token| token.is(refused));
    }
    let is_newer = |token: &&AccessToken| refused.is_none_or(|it| it.ends_at < token.ends_at);
    let found = kept.token.as_ref().filter(|token| token.is_fresh(now));
    if let Some(token) = found.filter(is_newer) {
        return Begun::Found(token.clone());
    }
    match kept.budget.take(now) {
        Ok(()) => Begun::MayAsk,
        Err(until) => Begun::Until(until),
    }
}

/// How a renewal ended, as far as the file is concerned.
enum Ended {
    /// There is a token.
    Made(AccessToken),
    /// Zoho gives none for a while.
    Blocked,
    /// The request never reached Zoho.
    NotSent,
    /// It was refused, or its answer is lost.
    Failed,
}

impl Ended {
    fn of(renewed: &Result<AccessToken, OauthError>) -> Self {
        match renewed {
            Ok(token) => Self::Made(token.clone()),
            Err(OauthError::Throttled { .. }) => Self::Blocked,
            Err(OauthError::Lost {
                source: TransportError::Connect { .. },
            }) => Self::NotSent,
            Err(
                OauthError::Lost { .. }
                | OauthError::Strange { .. }
                | OauthError::RefreshToken { .. }
                | OauthError::ClientId { .. }
                | OauthError::ClientSecret { .. }
                | OauthError::Refused { .. }
                | OauthError::UnknownHost { .. },
            ) => Self::Failed,
        }
    }

    fn note(self, kept: &mut Kept, began_at: Timestamp) {
        match self {
            Self::Made(token) => kept.token = Some(token),
            Self::Blocked => kept.budget.block(began_at),
            Self::NotSent => kept.budget.give_back(began_at),
            Self::Failed => {}
        }
    }
}

#[cfg(test)]
mod tests;
