//! Grant codes and the refresh tokens they brought.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

/// How long a code lives unless its maker says otherwise. Source: Zoho Accounts, "Self Client", 2026.
const CODE_MINUTES: i64 = 3;

/// What somebody chooses in the API console when making a code.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct GrantWish {
    /// What it is for; left out, it is for what the grant from the start is for.
    pub(crate) scopes: Option<Vec<String>>,
    /// How long the code lives.
    pub(crate) minutes: i64,
    /// Whether a refresh token comes with the access token; not so for a client that asked for online access.
    pub(crate) refresh_token: bool,
}

impl Default for GrantWish {
    fn default() -> Self {
        Self {
            scopes: None,
            minutes: CODE_MINUTES,
            refresh_token: true,
        }
    }
}

/// The codes that wait, and the refresh tokens that live.
#[derive(Debug, Default)]
pub(super) struct Grants {
    codes: Vec<Code>,
    refresh_tokens: Vec<(String, Option<Vec<String>>)>,
    issued: u64,
    granted: u64,
}

#[derive(Debug)]
struct Code {
    text: String,
    ends_at: Timestamp,
    wish: GrantWish,
}

/// Scopes of its own, and the refresh token, of what was granted.
pub(super) type Granted = (Option<Vec<String>>, Option<String>);

impl Grants {
    /// Makes a code.
    pub(super) fn issue(&mut self, wish: GrantWish, now: Timestamp) -> String {
        self.issued += 1;
        let text = format!("1000.sandbox.code.{}", self.issued);
        self.codes.push(Code {
            text: text.clone(),
            ends_at: now + SignedDuration::from_mins(wish.minutes.clamp(0, 10)),
            wish,
        });
        text
    }

    /// Uses a code up; nothing comes of one that is unknown, used or too old.
    pub(super) fn exchange(&mut self, code: &str, now: Timestamp) -> Option<Granted> {
        let place = self.codes.iter().position(|known| known.text == code)?;
        let code = self.codes.remove(place);
        if now >= code.ends_at {
            return None;
        }
        let scopes = code.wish.scopes;
        let refresh_token = code.wish.refresh_token.then(|| {
            self.granted += 1;
            let text = format!("1000.sandbox.refresh.{}", self.granted);
            self.refresh_tokens.push((text.clone(), scopes.clone()));
            text
        });
        Some((scopes, refresh_token))
    }

    /// The scopes of a refresh token that lives.
    pub(super) fn of(&self, refresh_token: &str) -> Option<Option<Vec<String>>> {
        let mut known = self.refresh_tokens.iter();
        let (_, scopes) = known.find(|(text, _)| text == refresh_token)?;
        Some(scopes.clone())
    }

    /// Kills a refresh token.
    pub(super) fn revoke(&mut self, refresh_token: &str) -> bool {
        let before = self.refresh_tokens.len();
        self.refresh_tokens
            .retain(|(known, _)| known != refresh_token);
        self.refresh_tokens.len() < before
    }
}
