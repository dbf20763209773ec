//! A grant code becomes the refresh token of an account, which is tried before anybody keeps it.

use secrecy::SecretString;

use super::{CHECK_PATIENCE, ServiceError, clients};
use crate::clock::Clock;
use crate::config::Applicant;
use crate::journal::event::ErrorKind;
use crate::zoho::campaigns::CampaignsError;
use crate::zoho::crm::{CrmError, Organisation};
use crate::zoho::data_center::Hosts;
use crate::zoho::http::Client;
use crate::zoho::oauth::grant::{self, GrantError};
use crate::zoho::scopes;

/// The way from a code to a refresh token that works.
pub(crate) struct Login {
    applicant: Applicant,
    hosts: Hosts,
    http: Client,
    clock: Clock,
}

/// What a refresh token opens.
#[derive(Debug)]
pub(crate) struct Opened {
    /// The organisation whose CRM it is.
    pub(crate) organisation: Organisation,
    /// How many lists its Campaigns has.
    pub(crate) lists: usize,
}

/// Why there is no refresh token that works.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoginError {
    /// The code brought none.
    #[error(transparent)]
    Grant(#[from] GrantError),
    /// It does not open all that rosterd needs.
    #[error(
        "the code was made without {}; make a new one for all scopes: {}", .missing.join(", "), scopes::needed().join(",")
    )]
    Scopes {
        /// What it does not open.
        missing: Vec<&'static str>,
    },
    /// It does not open the CRM.
    #[error("the new refresh token was tried on the CRM and is not stored")]
    Crm(#[from] CrmError),
    /// It does not open Campaigns.
    #[error("the new refresh token was tried on Campaigns and is not stored")]
    Campaigns(#[from] CampaignsError),
}

impl LoginError {
    /// What it means.
    pub(crate) fn kind(&self) -> ErrorKind {
        ErrorKind::of(&match self {
            Self::Grant(error) => error.failure(),
            Self::Scopes { .. } => return ErrorKind::CredentialsRefused,
            Self::Crm(error) => error.failure(),
            Self::Campaigns(error) => error.failure(),
        })
    }
}

impl Login {
    /// Nothing is asked yet.
    ///
    /// # Errors
    /// [`ServiceError`]: no client can be made.
    pub(crate) fn new(applicant: Applicant, clock: Clock) -> Result<Self, ServiceError> {
        Ok(Self {
            hosts: clients::hosts(applicant.account())?,
            http: Client::new(clients::options())?,
            applicant,
            clock,
        })
    }

    /// Exchanges the code, and tries what it brings.
    ///
    /// # Errors
    /// [`LoginError`]; whatever it was, the code is used up.
    pub(crate) async fn exchange(
        &self,
        code: &SecretString,
    ) -> Result<(SecretString, Opened), LoginError> {
        let account = self.applicant.account();
        let applicant = grant::Applicant {
            account: &account.name,
            data_center: &account.data_center,
            client_id: &account.client_id,
            client_secret: &account.client_secret,
        };
        let granted = grant::exchange(&self.http, &self.hosts, applicant, code).await?;
        let missing = granted.scopes.as_deref().map(scopes::missing);
        if let Some(missing) = missing.filter(|missing| !missing.is_empty()) {
            return Err(LoginError::Scopes { missing });
        }
        let opened = self.open(granted.refresh_token.clone()).await?;
        Ok((granted.refresh_token, opened))
    }

    /// By an access token made of the refresh token, not by the one that came with it: what is kept has to work.
    async fn open(&self, refresh_token: SecretString) -> Result<Opened, LoginError> {
        let clients = clients::trying(
            &self.applicant.state_dir,
            self.applicant.give_up_after.min(CHECK_PATIENCE),
            &self.applicant.with(refresh_token),
            &self.hosts,
            &self.http,
            &self.clock,
        );
        Ok(Opened {
            organisation: clients.crm.organisation().await?,
            lists: clients.campaigns.lists().await?.len(),
        })
    }
}
