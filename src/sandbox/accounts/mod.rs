//! Zoho Accounts: gives access tokens for a refresh token or a grant code, and judges them for the other services.
//!
//! Like the real one it answers most refusals with HTTP 200 and an `error` key, allows ten tokens in ten minutes, and silently
//! revokes the oldest when more than ten of them live. Grant codes are made by control, as people make them in the API
//! console: each lives for minutes, is used once, and brings a refresh token of its own.

use std::collections::{HashMap, VecDeque};

use axum::http::{HeaderMap, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

mod grants;
mod routes;

pub(crate) use grants::GrantWish;
use grants::Grants;
pub(crate) use routes::{control_routes, routes};

use super::{CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN};

/// How long an access token lives.
const TOKEN_SECONDS: i64 = 3600;
/// Tokens given out per window, and tokens alive at once. Source: Zoho Accounts, "Token validity", 2026.
const TOKENS_MAX: usize = 10;
const WINDOW: SignedDuration = SignedDuration::from_mins(10);
/// What the refresh token was granted for.
const SCOPES: [&str; 15] = [
    "ZohoCRM.modules.ALL",
    "ZohoCRM.coql.READ",
    "ZohoCRM.bulk.READ",
    "ZohoCRM.settings.modules.READ",
    "ZohoCRM.settings.fields.READ",
    "ZohoCRM.settings.custom_views.READ",
    "ZohoCRM.settings.related_lists.READ",
    "ZohoCRM.settings.layouts.READ",
    "ZohoCRM.org.READ",
    "ZohoCRM.users.READ",
    "ZohoCRM.notifications.ALL",
    "ZohoCRM.composite_requests.CUSTOM",
    "ZohoSearch.securesearch.READ",
    "ZohoCampaigns.contact.ALL",
    "ZohoCampaigns.campaign.ALL",
];

/// Why a request may not be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenProblem {
    /// No header of the form `Authorization: Zoho-oauthtoken …`.
    Missing,
    /// A token that is unknown, has expired or was revoked.
    Invalid,
    /// A good token without the scope.
    Scope,
}

/// The one client, its grants, and the tokens given out for them.
#[derive(Debug)]
pub(crate) struct Accounts {
    url: String,
    client_secret: String,
    refresh_token_revoked: bool,
    scopes: Vec<String>,
    grants: Grants,
    tokens: VecDeque<Token>,
    given_at: VecDeque<Timestamp>,
    seed: u64,
    given: u64,
}

/// An access token that was given out.
#[derive(Debug)]
struct Token {
    text: String,
    ends_at: Timestamp,
    /// Its scopes, where its grant has its own.
    scopes: Option<Vec<String>>,
}

/// What control can change; what is left out stays.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountsChange {
    /// Whether the refresh token that was there from the start is dead.
    pub(crate) refresh_token_revoked: Option<bool>,
    /// Kills all access tokens given out so far.
    #[serde(default)]
    pub(crate) revoke_access_tokens: bool,
    /// What grants without scopes of their own are for, from now on and for tokens that live.
    pub(crate) scopes: Option<Vec<String>>,
    /// The secret that is accepted.
    pub(crate) client_secret: Option<String>,
    /// The `api_domain` of token answers.
    pub(crate) api_domain: Option<String>,
    /// Forgets how many tokens were given out.
    #[serde(default)]
    pub(crate) reset_throttle: bool,
}

impl Accounts {
    /// Accounts of a sandbox at `url`.
    pub(crate) fn new(url: &str, seed: u64) -> Self {
        Self {
            url: url.to_owned(),
            client_secret: CLIENT_SECRET.to_owned(),
            refresh_token_revoked: false,
            scopes: SCOPES.map(str::to_owned).to_vec(),
            grants: Grants::default(),
            tokens: VecDeque::new(),
            given_at: VecDeque::new(),
            seed,
            given: 0,
        }
    }

    /// Whether the request with these headers may do what `scope`, e.g. `ZohoCRM.modules.leads.READ`, allows.
    ///
    /// # Errors
    /// What is wrong with the header, the token or its scopes.
    pub(crate) fn check(
        &self,
        headers: &HeaderMap,
        scope: &str,
        now: Timestamp,
    ) -> Result<(), TokenProblem> {
        let token = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Zoho-oauthtoken "))
            .map(str::trim)
            .filter(|token| !token.is_empty())
            .ok_or(TokenProblem::Missing)?;
        let lives = |known: &&Token| known.text == token && now < known.ends_at;
        let token = self.tokens.iter().find(lives);
        let token = token.ok_or(TokenProblem::Invalid)?;
        let scopes = token.scopes.as_ref().unwrap_or(&self.scopes);
        if scopes.iter().any(|held| covers(held, scope)) {
            Ok(())
        } else {
            Err(TokenProblem::Scope)
        }
    }

    /// Does what a person does in the API console.
    pub(crate) fn change(&mut self, change: AccountsChange) {
        if let Some(revoked) = change.refresh_token_revoked {
            self.refresh_token_revoked = revoked;
        }
        if let Some(scopes) = change.scopes {
            self.scopes = scopes;
        }
        if let Some(secret) = change.client_secret {
            self.client_secret = secret;
        }
        if let Some(url) = change.api_domain {
            self.url = url;
        }
        if change.revoke_access_tokens {
            self.tokens.clear();
        }
        if change.reset_throttle {
            self.given_at.clear();
        }
    }

    /// Answers a token request.
    fn token(&mut self, asked: &HashMap<String, String>, now: Timestamp) -> (StatusCode, Value) {
        let said = |key: &str| asked.get(key).map_or("", String::as_str);
        let refused = |error: &str| (StatusCode::OK, json!({ "error": error }));
        if said("client_id") != CLIENT_ID {
            return refused("invalid_client");
        }
        if said("client_secret") != self.client_secret {
            return refused("invalid_client_secret");
        }
        let granted = match said("grant_type") {
            "refresh_token" if said("refresh_token") == REFRESH_TOKEN => {
                (!self.refresh_token_revoked).then_some((None, None))
            }
            "refresh_token" => {
                let scopes = self.grants.of(said("refresh_token"));
                scopes.map(|scopes| (scopes, None))
            }
            "authorization_code" => self.grants.exchange(said("code"), now),
            _ => return refused("unsupported_grant_type"),
        };
        let Some((scopes, refresh_token)) = granted else {
            return refused("invalid_code");
        };
        let for_what = scopes.as_ref().unwrap_or(&self.scopes).join(" ");
        let Some(token) = self.give(scopes, now) else {
            let text =
                "You have made too many requests continuously. Please try again after some time.";
            let body =
                json!({"error": "Access Denied", "error_description": text, "status": "failure"});
            return (StatusCode::BAD_REQUEST, body);
        };
        let mut body = json!({
            "access_token": token,
            "scope": for_what,
            "api_domain": self.url,
            "token_type": "Bearer",
            "expires_in": TOKEN_SECONDS,
        });
        if let Some(refresh_token) = refresh_token {
            body["refresh_token"] = json!(refresh_token);
        }
        (StatusCode::OK, body)
    }

    /// A new access token, unless ten were given out in the last ten minutes.
    fn give(&mut self, scopes: Option<Vec<String>>, now: Timestamp) -> Option<String> {
        self.given_at.retain(|at| now.duration_since(*at) < WINDOW);
        if self.given_at.len() >= TOKENS_MAX {
            return None;
        }
        self.given_at.push_back(now);
        self.given += 1;
        let digits = blake3::hash(format!("{}/{}", self.seed, self.given).as_bytes()).to_hex();
        let token = format!("1000.{}.{}", &digits[..32], &digits[32..]);
        self.tokens.push_back(Token {
            text: token.clone(),
            ends_at: now + SignedDuration::from_secs(TOKEN_SECONDS),
            scopes,
        });
        if self.tokens.len() > TOKENS_MAX {
            self.tokens.pop_front();
        }
        Some(token)
    }

    /// Kills an access token, or the refresh token and all that came of it.
    fn revoke(&mut self, token: &str) -> bool {
        if token == REFRESH_TOKEN {
            self.refresh_token_revoked = true;
            self.tokens.clear();
            return true;
        }
        let before = self.tokens.len();
        self.tokens.retain(|known| known.text != token);
        self.grants.revoke(token) || self.tokens.len() < before
    }
}

/// Whether holding the scope `held` allows what `wanted` names: the same scope, its `.ALL`, or either of a wider group.
fn covers(held: &str, wanted: &str) -> bool {
    let (Some((held_group, held_verb)), Some((group, verb))) =
        (held.rsplit_once('.'), wanted.rsplit_once('.'))
    else {
        return false;
    };
    let same = |one: &str, other: &str| one.eq_ignore_ascii_case(other);
    let within = same(held_group, group)
        || group
            .get(..held_group.len() + 1)
            .is_some_and(|start| same(start, &format!("{held_group}.")));
    let does = same(held_verb, verb)
        || same(held_verb, "ALL")
        || (same(held_verb, "WRITE")
            && ["CREATE", "UPDATE", "DELETE"].iter().any(|v| same(v, verb)))
        || (same(held_verb, "CREATE-UPDATE") && ["CREATE", "UPDATE"].iter().any(|v| same(v, verb)));
    within && does
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> Timestamp {
        "2026-03-01T00:00:00Z".parse().unwrap()
    }

    fn refresh() -> HashMap<String, String> {
        [
            ("grant_type", "refresh_token"),
            ("client_id", CLIENT_ID),
            ("client_secret", CLIENT_SECRET),
            ("refresh_token", REFRESH_TOKEN),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
    }

    fn bearing(token: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let value = format!("Zoho-oauthtoken {token}");
        headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        headers
    }

    fn token_of(body: &Value) -> String {
        body["access_token"].as_str().unwrap().to_owned()
    }

    #[test]
    fn a_refresh_is_refused_with_status_200_and_the_reason() {
        for (key, value, want) in [
            ("client_id", "1000.OTHER", "invalid_client"),
            ("client_secret", "wrong", "invalid_client_secret"),
            ("refresh_token", "1000.dead", "invalid_code"),
            ("grant_type", "magic", "unsupported_grant_type"),
        ] {
            let mut asked = refresh();
            asked.insert(key.to_owned(), value.to_owned());
            let answer = Accounts::new("http://x", 1).token(&asked, start());
            assert_eq!(answer, (StatusCode::OK, json!({"error": want})));
        }
    }

    #[test]
    fn an_access_token_lives_an_hour() {
        let mut accounts = Accounts::new("http://x", 1);
        let (_, body) = accounts.token(&refresh(), start());
        let headers = bearing(&token_of(&body));
        let scope = "ZohoCRM.modules.leads.READ";
        let hour = SignedDuration::from_hours(1);
        let just_before = start() + hour - SignedDuration::from_secs(1);
        assert_eq!(accounts.check(&headers, scope, just_before), Ok(()));
        let after = accounts.check(&headers, scope, start() + hour);
        assert_eq!(after, Err(TokenProblem::Invalid));
    }

    #[test]
    fn the_eleventh_token_in_ten_minutes_is_denied() {
        let mut accounts = Accounts::new("http://x", 1);
        for _ in 0..10 {
            assert_eq!(accounts.token(&refresh(), start()).0, StatusCode::OK);
        }
        let (status, body) = accounts.token(&refresh(), start());
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert_eq!(body["error"], "Access Denied");
        let later = start() + WINDOW;
        assert_eq!(accounts.token(&refresh(), later).0, StatusCode::OK);
    }

    fn exchange(code: &str) -> HashMap<String, String> {
        let mut asked = refresh();
        asked.insert("grant_type".into(), "authorization_code".into());
        asked.insert("code".into(), code.into());
        asked
    }

    #[test]
    fn a_grant_code_brings_a_refresh_token_once_and_for_minutes_only() {
        let mut accounts = Accounts::new("http://x", 1);
        let invalid = (StatusCode::OK, json!({"error": "invalid_code"}));
        let code = accounts.grants.issue(GrantWish::default(), start());
        let (_, body) = accounts.token(&exchange(&code), start());
        assert_eq!(body["api_domain"], "http://x");
        let mut asked = refresh();
        let refresh_token = body["refresh_token"].as_str().unwrap();
        asked.insert("refresh_token".into(), refresh_token.into());
        let (_, renewed) = accounts.token(&asked, start());
        assert!(renewed["access_token"].is_string(), "{renewed}");
        assert_eq!(accounts.token(&exchange(&code), start()), invalid);
        assert!(accounts.revoke(refresh_token));
        assert_eq!(accounts.token(&asked, start()), invalid);

        let code = accounts.grants.issue(GrantWish::default(), start());
        let later = start() + SignedDuration::from_mins(3);
        assert_eq!(accounts.token(&exchange(&code), later), invalid);
    }

    #[test]
    fn a_grant_has_the_scopes_that_were_asked_for() {
        let mut accounts = Accounts::new("http://x", 1);
        let wish = GrantWish {
            scopes: Some(vec!["ZohoCRM.org.READ".into()]),
            ..GrantWish::default()
        };
        let code = accounts.grants.issue(wish, start());
        let (_, body) = accounts.token(&exchange(&code), start());
        assert_eq!(body["scope"], "ZohoCRM.org.READ");
        let headers = bearing(&token_of(&body));
        let may = |scope| accounts.check(&headers, scope, start());
        assert_eq!(may("ZohoCRM.org.READ"), Ok(()));
        assert_eq!(may("ZohoCRM.coql.READ"), Err(TokenProblem::Scope));
    }

    #[test]
    fn a_wider_scope_covers_a_narrower_one() {
        for (held, wanted, want) in [
            ("ZohoCRM.modules.READ", "ZohoCRM.modules.leads.READ", true),
            ("ZohoCRM.modules.ALL", "ZohoCRM.modules.leads.READ", true),
            (
                "ZohoCRM.modules.leads.ALL",
                "ZohoCRM.modules.leads.READ",
                true,
            ),
            (
                "ZohoCRM.modules.contacts.READ",
                "ZohoCRM.modules.leads.READ",
                false,
            ),
            ("ZohoCRM.modules.ALL", "ZohoCRM.coql.READ", false),
            (
                "ZohoCRM.modules.CREATE",
                "ZohoCRM.modules.leads.READ",
                false,
            ),
            (
                "ZohoCampaigns.contact.WRITE",
                "ZohoCampaigns.contact.UPDATE",
                true,
            ),
            (
                "ZohoCampaigns.contact.CREATE-UPDATE",
                "ZohoCampaigns.contact.UPDATE",
                true,
            ),
            (
                "ZohoCampaigns.contact.CREATE-UPDATE",
                "ZohoCampaigns.contact.READ",
                false,
            ),
        ] {
            assert_eq!(covers(held, wanted), want, "{held} {wanted}");
        }
    }

    #[test]
    fn a_header_without_the_services_own_scheme_is_no_token() {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, "Bearer 1000.a.b".parse().unwrap());
        let got = Accounts::new("http://x", 1).check(&headers, "ZohoCRM.org.READ", start());
        assert_eq!(got, Err(TokenProblem::Missing));
    }
}
