//! What Zoho Accounts says. Success is the presence of an access token; the HTTP status says nothing.

use std::time::Duration;

use jiff::SignedDuration;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{BLOCK, Credentials, OauthError};
use crate::domain::ids::AccountName;
use crate::zoho::http::Answer;

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

#[derive(Deserialize)]
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
    let status = answer.status;
    let Ok(wire) = serde_json::from_slice::<Wire>(&answer.body) else {
        return Err(match status {
            429 => throttled(answer, account),
            _ => OauthError::Strange { status },
        });
    };
    if let Some(access_token) = wire.access_token {
        // It becomes part of a header, and one that cannot be sent would look like a broken connection.
        if access_token.is_empty() || !access_token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(OauthError::Strange { status });
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
    let account = account.clone();
    Err(match wire.error.as_deref() {
        Some("invalid_code") => OauthError::RefreshToken { account },
        Some("invalid_client") => OauthError::ClientId { account },
        Some("invalid_client_secret") => OauthError::ClientSecret { account },
        Some("Access Denied") => throttled(answer, &account),
        _ if status == 429 => throttled(answer, &account),
        _ if status >= 500 => OauthError::Strange { status },
        Some(code) => OauthError::Refused {
            account,
            code: word(code),
        },
        None => OauthError::Strange { status },
    })
}

fn throttled(answer: &Answer, account: &AccountName) -> OauthError {
    OauthError::Throttled {
        account: account.clone(),
        wait: answer.retry_after.unwrap_or(Duration::ZERO).max(BLOCK),
    }
}

/// A code as it may be shown: whatever else stood there is left out.
fn word(code: &str) -> String {
    let allowed = |c: &char| c.is_ascii_alphanumeric() || "_- ".contains(*c);
    code.chars().filter(allowed).take(60).collect()
}
