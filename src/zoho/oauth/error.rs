//! Why there is no access token, and what a person can do about it.

use std::time::Duration;

use jiff::Timestamp;

use crate::domain::failure::Failure;
use crate::domain::ids::AccountName;
use crate::zoho::http::TransportError;

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
        "Zoho Accounts gives account `{account}` no further token {}; too many were asked for", for_how_long(*.wait, *.until)
    )]
    Throttled {
        /// Account.
        account: AccountName,
        /// How long to leave it alone.
        wait: Duration,
        /// Until when, where it is known by this machine's clock.
        until: Option<Timestamp>,
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

fn for_how_long(wait: Duration, until: Option<Timestamp>) -> String {
    let seconds = wait.as_secs_f64().ceil();
    match until {
        Some(until) => format!(
            "until {} ({seconds} s)",
            until.strftime("%Y-%m-%d %H:%M:%S UTC")
        ),
        None => format!("for {seconds} s"),
    }
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
