//! A request before it is sent, and an answer once it is here: headers read, meaning not yet given.

use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::Method;
use reqwest::header::{self, HeaderMap};
use secrecy::SecretString;

use crate::domain::failure::{self, Failure, Meaning, Service};

/// The form in which the services read instants: ISO 8601 with an offset, whole seconds.
pub(in crate::zoho) fn iso_8601(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}

/// The header in which the CRM says how many credits are left, once half of the day's are used. Source: its "API limits"
/// page, November 2026.
const CREDITS_LEFT: &str = "x-api-credits-remaining";

/// One request.
#[derive(Debug, Clone)]
pub(in crate::zoho) struct Request {
    pub(super) method: Method,
    pub(super) url: String,
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) modified_since: Option<Timestamp>,
    pub(super) token: Option<SecretString>,
    pub(super) body: Body,
    pub(super) download: Option<Download>,
}

/// Where the body of an answer goes that is too large for memory.
#[derive(Debug, Clone)]
pub(super) struct Download {
    /// Emptied before it is written to.
    pub(super) file: Arc<File>,
    pub(super) bytes_max: u64,
}

#[derive(Debug, Clone)]
pub(super) enum Body {
    None,
    Form(Vec<(&'static str, String)>),
    Json(serde_json::Value),
}

impl Request {
    fn new(method: Method, url: String, body: Body) -> Self {
        Self {
            method,
            url,
            query: Vec::new(),
            modified_since: None,
            token: None,
            body,
            download: None,
        }
    }

    /// Reads; the parameters are part of the URL and so may hold neither secrets nor addresses.
    pub(in crate::zoho) fn get(url: String, query: Vec<(&'static str, String)>) -> Self {
        let mut request = Self::new(Method::GET, url, Body::None);
        request.query = query;
        request
    }

    /// Sends a form in the body.
    pub(in crate::zoho) fn form(url: String, pairs: Vec<(&'static str, String)>) -> Self {
        Self::new(Method::POST, url, Body::Form(pairs))
    }

    /// Sends JSON in the body.
    pub(in crate::zoho) fn json(url: String, json: serde_json::Value) -> Self {
        Self::new(Method::POST, url, Body::Json(json))
    }

    /// Asks only for what changed at or after an instant.
    pub(in crate::zoho) fn modified_since(mut self, since: Option<Timestamp>) -> Self {
        self.modified_since = since;
        self
    }

    /// Puts the body of a good answer into `file`, from its start, and not into the answer; it may be larger and take
    /// longer than others. What JSON or text says instead stays in the answer.
    pub(in crate::zoho) fn into_file(mut self, file: Arc<File>, bytes_max: u64) -> Self {
        self.download = Some(Download { file, bytes_max });
        self
    }

    /// The same request under an access token.
    pub(in crate::zoho) fn authorised(&self, token: &SecretString) -> Self {
        let token = Some(token.clone());
        Self {
            token,
            ..self.clone()
        }
    }
}

/// What came back.
#[derive(Debug, Default)]
pub(in crate::zoho) struct Answer {
    pub(in crate::zoho) status: u16,
    /// The media type, without parameters; empty if none was named.
    pub(in crate::zoho) media_type: String,
    /// The service's clock, from the `Date` header.
    pub(in crate::zoho) service_time: Option<Timestamp>,
    /// How long the service asks to wait.
    pub(in crate::zoho) retry_after: Option<Duration>,
    /// How many of the day's credits are left, where the service says so.
    pub(in crate::zoho) credits_left: Option<u64>,
    pub(in crate::zoho) body: Vec<u8>,
    /// Whether the body went into the request's file.
    pub(in crate::zoho) in_file: bool,
}

impl Answer {
    pub(super) fn of(status: u16, headers: &HeaderMap) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let service_time = text(header::DATE).and_then(http_date);
        Self {
            status,
            media_type: media_type(text(header::CONTENT_TYPE).unwrap_or_default()),
            service_time,
            credits_left: headers
                .get(CREDITS_LEFT)
                .and_then(|left| left.to_str().ok()?.trim().parse().ok()),
            retry_after: text(header::RETRY_AFTER).and_then(|text| wait(text, service_time)),
            body: Vec::new(),
            in_file: false,
        }
    }

    /// Whether the body is what was asked for, to be kept in a file, and not words about why it is not.
    pub(super) fn is_download(&self) -> bool {
        let words = self.media_type.starts_with("text/") || self.media_type == "application/json";
        self.status == 200 && !words
    }

    /// What the answer to a method means, by the table and the wait that the service asks for; `code` is its own, and
    /// `None` where the answer is not in its language.
    pub(in crate::zoho) fn meaning(
        &self,
        service: Service,
        method: &str,
        code: Option<&str>,
    ) -> Meaning {
        match failure::meaning(service, method, self.status, code) {
            Meaning::Failed(failure) => Meaning::Failed(self.at_its_wish(failure)),
            meaning => meaning,
        }
    }

    /// A failure, with the wait: an overload, or a lock, that names one is a throttling.
    fn at_its_wish(&self, failure: Failure) -> Failure {
        match (failure, self.retry_after) {
            (Failure::Throttled { .. } | Failure::Busy, Some(wait)) => {
                Failure::Throttled { wait: Some(wait) }
            }
            (Failure::Unreachable, Some(wait)) if self.status == 503 => {
                Failure::Throttled { wait: Some(wait) }
            }
            (failure, _) => failure,
        }
    }
}

/// Only the characters of a media type, as it is shown to people.
fn media_type(text: &str) -> String {
    let allowed = |c: &char| c.is_ascii_alphanumeric() || "/+-.".contains(*c);
    text.chars().take_while(allowed).take(60).collect()
}

fn http_date(text: &str) -> Option<Timestamp> {
    Some(rfc2822::parse(text).ok()?.timestamp())
}

/// The shortest wait that is taken for meant; anything below is as good as none that was named.
const WAIT_MIN: Duration = Duration::from_secs(1);

/// The longest wait that is taken for meant: the services' longest window is a day.
const WAIT_MAX: Duration = Duration::from_secs(86_400);

/// `Retry-After`: seconds, or an instant by the service's own clock.
fn wait(text: &str, service_time: Option<Timestamp>) -> Option<Duration> {
    let wait = match text.trim().parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let until = http_date(text)?.duration_since(service_time?);
            Duration::try_from(until).unwrap_or(Duration::ZERO)
        }
    };
    // "At once" is no answer to having been called too often.
    Some(wait.min(WAIT_MAX)).filter(|wait| *wait >= WAIT_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_read_in_seconds_or_as_an_instant() {
        let now = Some("2026-11-22T02:30:00Z".parse().unwrap());
        for (text, now, want) in [
            ("7", None, Some(7)),
            ("Sun, 22 Nov 2026 02:30:30 GMT", now, Some(30)),
            ("Sun, 22 Nov 2026 02:29:00 GMT", now, None),
            ("0", None, None),
            ("18446744073709551615", None, Some(86_400)),
            ("Sun, 22 Nov 2026 02:30:30 GMT", None, None),
            ("soon", now, None),
        ] {
            let seconds = wait(text, now).map(|wait| wait.as_secs());
            assert_eq!(seconds, want, "{text}");
        }
    }
}
