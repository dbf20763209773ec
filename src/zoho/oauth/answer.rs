//! What Zoho Accounts says. Success is the presence of an access token; the HTTP status says nothing.

use jiff::SignedDuration;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{BLOCK, Credentials, OauthError};
use crate::domain::failure::{Failure, Service};
use crate::domain::ids::AccountName;
use crate::zoho::http::Answer;

/// The one method, as the table of failures names it.
pub(super) const METHOD: &str = "token";

/// A token as it was granted.
pub(super) struct Grant {
    pub(super) access_token: SecretString,
    pub(super) api_domain: Option<String>,
    pub(super) lasts: SignedDuration,
    /// Comes for a grant code alone.
    pub(super) refresh_token: Option<SecretString>,
    /// What it was granted for.
    pub(super) scope: Option<String>,
}

#[derive(Default, Deserialize)]
struct Wire {
    access_token: Option<String>,
    api_domain: Option<String>,
    expires_in: Option<i64>,
    expires_in_sec: Option<i64>,
    refresh_token: Option<String>,
    scope: Option<String>,
    error: Option<String>,
}

/// The form that asks for a token; in the body, for a URL ends up in logs.
pub(super) fn refresh_form(credentials: &Credentials) -> Vec<(&'static str, String)> {
    let refresh_token = ("refresh_token", &credentials.refresh_token);
    let client = (credentials.client_id.as_str(), &credentials.client_secret);
    form("refresh_token", client, refresh_token)
}

/// The form that exchanges a grant code.
pub(super) fn code_form(
    client: (&str, &SecretString),
    code: &SecretString,
) -> Vec<(&'static str, String)> {
    form("authorization_code", client, ("code", code))
}

fn form(
    grant_type: &str,
    (client_id, client_secret): (&str, &SecretString),
    (key, proof): (&'static str, &SecretString),
) -> Vec<(&'static str, String)> {
    vec![
        ("grant_type", grant_type.to_owned()),
        ("client_id", client_id.to_owned()),
        ("client_secret", client_secret.expose_secret().to_owned()),
        (key, proof.expose_secret().to_owned()),
    ]
}

/// The grant, or why there is none.
pub(super) fn read(answer: &Answer, account: &AccountName) -> Result<Grant, OauthError> {
    // What is no JSON is an answer without a token and without a code.
    let wire = serde_json::from_slice::<Wire>(&answer.body).unwrap_or_default();
    if let Some(access_token) = wire.access_token {
        // It becomes part of a header, and one that cannot be sent would look like a broken connection.
        if access_token.is_empty() || !access_token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(OauthError::Strange {
                status: answer.status,
            });
        }
        // Where `expires_in_sec` is present, `expires_in` is in milliseconds.
        let seconds = wire.expires_in_sec.or(wire.expires_in).unwrap_or(3600);
        return Ok(Grant {
            access_token: SecretString::from(access_token),
            api_domain: wire.api_domain,
            lasts: SignedDuration::from_secs(seconds.clamp(0, 86_400)),
            refresh_token: wire.refresh_token.map(SecretString::from),
            scope: wire.scope,
        });
    }
    Err(refused(answer, wire.error.as_deref(), account))
}

/// The refusal: what it means is the table's, which words are for it is the code's.
fn refused(answer: &Answer, code: Option<&str>, account: &AccountName) -> OauthError {
    let account = account.clone();
    let meaning = answer.meaning(Service::Accounts, METHOD, code);
    match (meaning.into_failure(), code) {
        (Failure::Throttled { wait }, _) => OauthError::Throttled {
            account,
            wait: wait.unwrap_or_default().max(BLOCK),
            until: None,
        },
        (Failure::Unreachable, _) | (_, None) => OauthError::Strange {
            status: answer.status,
        },
        (_, Some("invalid_code")) => OauthError::RefreshToken { account },
        (_, Some("invalid_client")) => OauthError::ClientId { account },
        (_, Some("invalid_client_secret")) => OauthError::ClientSecret { account },
        (_, Some(code)) => OauthError::Refused {
            account,
            code: word(code),
        },
    }
}

/// A code as it may be shown: whatever else stood there is left out.
fn word(code: &str) -> String {
    let allowed = |c: &char| c.is_ascii_alphanumeric() || "_- ".contains(*c);
    code.chars().filter(allowed).take(60).collect()
}
