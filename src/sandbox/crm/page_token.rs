//! Page tokens of Get Records: opaque to readers, bound to the request they came with, good for a day.
//!
//! A token holds the place where the next page begins and a mark of the parameters, so that nothing has to be remembered for it.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::answer::Problem;

/// How long a token lives. Source: "Get Records", v8, 2026.
pub(super) const LIFE: SignedDuration = SignedDuration::from_hours(24);

/// Where the next page of a walk begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PageToken {
    /// Rows shown so far.
    pub(super) shown: usize,
    /// The place of the last one in the walk's order.
    pub(super) after: (Timestamp, u64),
    /// When the token ends.
    pub(super) expires_at: Timestamp,
}

impl PageToken {
    /// The token for a request with these `parameters`, which are in any fixed form.
    pub(super) fn render(&self, parameters: &str) -> String {
        let body = format!(
            "{}.{}.{}.{}.{}",
            self.shown,
            self.after.0.as_second(),
            self.after.1,
            self.expires_at.as_second(),
            mark(parameters),
        );
        let seal = mark(&body);
        let hex = body.bytes().map(|byte| format!("{byte:02x}"));
        hex.chain([seal]).collect()
    }

    /// The token that `text` is.
    ///
    /// # Errors
    /// `INVALID_DATA` for none of ours, `TOKEN_BOUND_DATA_MISMATCH` with other parameters, `EXPIRED_VALUE` after a day.
    pub(super) fn parse(text: &str, parameters: &str, now: Timestamp) -> Result<Self, Problem> {
        let details = json!({"param_name": "page_token"});
        let foreign = || Problem::invalid_data(details.clone());
        let (hex, seal) = text
            .split_at_checked(text.len().saturating_sub(16))
            .ok_or_else(foreign)?;
        let body = unhex(hex)
            .filter(|body| mark(body) == seal)
            .ok_or_else(foreign)?;
        let parts: Vec<&str> = body.split('.').collect();
        let [shown, at, id, expires, bound] = parts.as_slice() else {
            return Err(foreign());
        };
        if *bound != mark(parameters) {
            let message =
                "Please provide the same parameters with which the page token was generated";
            return Err(Problem::new("TOKEN_BOUND_DATA_MISMATCH", message, details));
        }
        let instant = |text: &str| Timestamp::from_second(text.parse().ok()?).ok();
        let token = (|| {
            Some(Self {
                shown: shown.parse().ok()?,
                after: (instant(at)?, id.parse().ok()?),
                expires_at: instant(expires)?,
            })
        })();
        let token = token.ok_or_else(foreign)?;
        if token.expires_at <= now {
            return Err(Problem::new(
                "EXPIRED_VALUE",
                "the page token has expired",
                details,
            ));
        }
        Ok(token)
    }
}

/// Sixteen digits that tell one text from another.
fn mark(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex()[..16].to_owned()
}

fn unhex(hex: &str) -> Option<String> {
    let bytes: Option<Vec<u8>> = (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok())
        .collect();
    String::from_utf8(bytes?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_bound_to_its_parameters_and_its_day() {
        let now: Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
        let token = PageToken {
            shown: 200,
            after: (now, 4_876_876_000_000_000_007),
            expires_at: now + LIFE,
        };
        let text = token.render("fields=Email");
        assert_eq!(PageToken::parse(&text, "fields=Email", now), Ok(token));
        for (text, parameters, at, want) in [
            (text.as_str(), "fields=id", now, "TOKEN_BOUND_DATA_MISMATCH"),
            (text.as_str(), "fields=Email", now + LIFE, "EXPIRED_VALUE"),
            ("c8582ee9e7c7", "fields=Email", now, "INVALID_DATA"),
            ("", "fields=Email", now, "INVALID_DATA"),
            (
                "łłłłłłłłłłłłłłłłłłłłłłł",
                "fields=Email",
                now,
                "INVALID_DATA",
            ),
        ] {
            let problem = PageToken::parse(text, parameters, at).unwrap_err();
            assert_eq!(problem.code, want);
        }
    }
}
