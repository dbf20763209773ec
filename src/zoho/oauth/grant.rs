//! A grant code, as people get it in the API console, exchanged for a refresh token.
//!
//! A code lives for minutes and is good for one exchange, so there is one attempt and no other: whether a lost answer
//! used the code up cannot be known.

use secrecy::{ExposeSecret, SecretString};

use super::{OauthError, answer};
use crate::domain::failure::Failure;
use crate::domain::ids::AccountName;
use crate::zoho::data_center::{self, Hosts};
use crate::zoho::http::{Client, Request, TransportError};

/// Whose code it is.
#[derive(Debug, Clone, Copy)]
pub struct Applicant<'a> {
    /// The account.
    pub account: &'a AccountName,
    /// Its data centre.
    pub data_center: &'a str,
    /// OAuth client id.
    pub client_id: &'a str,
    /// OAuth client secret.
    pub client_secret: &'a SecretString,
}

/// What a code brought.
#[derive(Debug)]
pub struct Granted {
    /// OAuth refresh token.
    pub refresh_token: SecretString,
    /// The scopes it is for, where the answer says so.
    pub scopes: Option<Vec<String>>,
}

/// Exchanges a code.
///
/// # Errors
/// Zoho Accounts refuses the code or the client, gives no refresh token, or does not answer.
pub async fn exchange(
    client: &Client,
    hosts: &Hosts,
    applicant: Applicant<'_>,
    code: &SecretString,
) -> Result<Granted, GrantError> {
    let url = format!("{}/oauth/v2/token", hosts.accounts());
    let of_client = (applicant.client_id, applicant.client_secret);
    let request = Request::form(url, answer::code_form(of_client, code));
    let answer = client.send(&request).await;
    let answer = answer.map_err(|source| GrantError::Lost { source })?;
    let grant = answer::read(&answer, applicant.account);
    let grant = grant.map_err(|error| of_code(error, hosts, applicant))?;
    let refresh_token = grant.refresh_token;
    let refresh_token = refresh_token.filter(|token| !token.expose_secret().trim().is_empty());
    let scopes = grant.scope.map(|scope| {
        let parts = scope.split([' ', ',']).filter(|part| !part.is_empty());
        parts.map(str::to_owned).collect()
    });
    Ok(Granted {
        refresh_token: refresh_token.ok_or(GrantError::NoRefreshToken)?,
        scopes,
    })
}

/// What the refusal of a token means where it was a code that was refused.
fn of_code(error: OauthError, hosts: &Hosts, applicant: Applicant<'_>) -> GrantError {
    match error {
        OauthError::RefreshToken { .. } => GrantError::Code,
        OauthError::ClientId { account } => GrantError::ClientId {
            account,
            host: hosts.accounts().to_owned(),
            data_center: applicant.data_center.to_owned(),
        },
        error @ (OauthError::Lost { .. }
        | OauthError::Strange { .. }
        | OauthError::ClientSecret { .. }
        | OauthError::Throttled { .. }
        | OauthError::Refused { .. }
        | OauthError::UnknownHost { .. }) => GrantError::Refused(error),
    }
}

/// Why a code brought no refresh token.
#[derive(Debug, thiserror::Error)]
pub enum GrantError {
    /// Zoho Accounts did not answer.
    #[error("cannot exchange the code; if it was used up, make a new one")]
    Lost {
        /// What happened to the request.
        source: TransportError,
    },
    /// The code is dead, or another client's.
    #[error(
        "the code is not valid (invalid_code): it has expired, was used before, or was made for another client; codes last minutes and are good for one exchange, so make a new one"
    )]
    Code,
    /// The client id is unknown there.
    #[error(
        "the client id of account `{account}` is not known at {host} (invalid_client); check `accounts.{account}.client_id`, and that `accounts.{account}.data_center` is the one the client was made in: it is `{data_center}`, others are {}", others(.data_center)
    )]
    ClientId {
        /// Account.
        account: AccountName,
        /// Zoho Accounts.
        host: String,
        /// The data centre that was asked.
        data_center: String,
    },
    /// There was an access token alone.
    #[error(
        "the code brought no refresh token, only a token for an hour; make it with a Self Client, or with access_type=offline"
    )]
    NoRefreshToken,
    /// What may happen to any request for a token.
    #[error(transparent)]
    Refused(OauthError),
}

fn others(data_center: &str) -> String {
    let names = data_center::NAMES.into_iter();
    let others: Vec<_> = names.filter(|name| *name != data_center).collect();
    others.join(", ")
}

impl GrantError {
    /// What it means.
    #[must_use]
    pub fn failure(&self) -> Failure {
        match self {
            Self::Lost { source } => source.failure(),
            Self::Code | Self::ClientId { .. } | Self::NoRefreshToken => {
                Failure::CredentialsRefused
            }
            Self::Refused(error) => error.failure(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zoho::testing::{Canned, Server, client};

    async fn exchanged(status: u16, body: &str) -> Result<Granted, GrantError> {
        let server = Server::start(vec![]).await;
        server.token_answers(vec![Canned::json(status, body)]);
        let applicant = Applicant {
            account: &"main".parse().unwrap(),
            data_center: "eu",
            client_id: "1000.ID",
            client_secret: &SecretString::from("s3cret"),
        };
        let code = SecretString::from("1000.c0de");
        exchange(&client(), &server.hosts(), applicant, &code).await
    }

    #[tokio::test]
    async fn a_code_brings_a_refresh_token_and_the_scopes_it_is_for() {
        for (scope, want) in [
            (
                r#","scope":"A.b.READ C.d.ALL""#,
                Some(vec!["A.b.READ", "C.d.ALL"]),
            ),
            (
                r#","scope":"A.b.READ,C.d.ALL""#,
                Some(vec!["A.b.READ", "C.d.ALL"]),
            ),
            ("", None),
        ] {
            let body = format!(r#"{{"access_token":"a","refresh_token":"1000.r"{scope}}}"#);
            let granted = exchanged(200, &body).await.unwrap();
            assert_eq!(granted.refresh_token.expose_secret(), "1000.r");
            let want = want.map(|scopes| scopes.into_iter().map(str::to_owned).collect());
            assert_eq!(granted.scopes, want, "{scope}");
        }
    }

    #[tokio::test]
    async fn each_refusal_says_what_to_do_and_shows_no_secret() {
        let credentials = Failure::CredentialsRefused;
        for (status, body, want, said) in [
            (
                200,
                r#"{"error":"invalid_code"}"#,
                &credentials,
                "make a new one",
            ),
            (
                400,
                r#"{"error":"invalid_client"}"#,
                &credentials,
                "it is `eu`, others are com, in, ",
            ),
            (
                200,
                r#"{"error":"invalid_client_secret"}"#,
                &credentials,
                "the client secret of account `main` is wrong",
            ),
            (
                200,
                r#"{"access_token":"a"}"#,
                &credentials,
                "no refresh token",
            ),
            (
                200,
                r#"{"access_token":"a","refresh_token":" "}"#,
                &credentials,
                "no refresh token",
            ),
            (
                500,
                "<html>1000.c0de</html>",
                &Failure::Unreachable,
                "HTTP 500",
            ),
        ] {
            let error = exchanged(status, body).await.unwrap_err();
            assert_eq!(error.failure(), *want, "{body}");
            let told = format!("{error} {error:?}");
            assert!(told.contains(said), "{told}");
            assert!(!told.contains("c0de") && !told.contains("s3cret"), "{told}");
        }
        let denied = exchanged(400, r#"{"error":"Access Denied"}"#)
            .await
            .unwrap_err();
        assert!(
            matches!(denied.failure(), Failure::Throttled { .. }),
            "{denied}"
        );
    }
}
