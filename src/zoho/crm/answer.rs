//! From an answer's bytes to rows, or to the error it is.

use std::time::Duration;

use jiff::Timestamp;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;

use super::Method;
use super::error::{CrmError, UnreadableError};
use super::wire::Refusal;
use crate::domain::failure::{Failure, Service};
use crate::domain::ids::RecordId;
use crate::zoho::channel::Lost;
use crate::zoho::http::Answer;

/// How long to leave the CRM alone when a day's credits are used up: its window rolls on, a little frees every hour.
pub(super) const CREDITS_WAIT: Duration = Duration::from_secs(3600);

/// The JSON of an answer; `None` for "nothing there" and "nothing changed".
pub(super) fn read<T: DeserializeOwned>(
    method: Method,
    answer: &Answer,
) -> Result<Option<T>, CrmError> {
    match answer.status {
        204 | 304 => Ok(None),
        200..300 => success(method, answer).map(Some),
        _ => Err(refused(method, answer)),
    }
}

/// A list of an answer, whose length `count` tells: empty only where the CRM says "nothing there". A list without
/// rows under a good status is not what it sends, so it is a fault that passes.
pub(super) fn listed<T: DeserializeOwned + Default>(
    method: Method,
    answer: &Answer,
    count: impl Fn(&T) -> usize,
) -> Result<T, CrmError> {
    match read::<T>(method, answer)? {
        None => Ok(T::default()),
        Some(list) if count(&list) > 0 => Ok(list),
        Some(_) => Err(CrmError::Unreadable {
            method,
            place: "its list".to_owned(),
            source: UnreadableError::Empty,
        }),
    }
}

/// Decoded straight from the bytes: a page of rows is not built twice.
fn success<T: DeserializeOwned>(method: Method, answer: &Answer) -> Result<T, CrmError> {
    let shape = match serde_json::from_slice::<T>(&answer.body) {
        // An error under a good status decodes as well where every key is optional.
        Ok(json) if !claims_error(&answer.body) => return Ok(json),
        Ok(_) => return Err(refused(method, answer)),
        Err(shape) => shape,
    };
    let is_json = serde_json::from_slice::<IgnoredAny>(&answer.body).is_ok();
    match is_json && refusal(&answer.body).is_none() {
        true => Err(CrmError::Unreadable {
            method,
            place: "its JSON".to_owned(),
            source: UnreadableError::Shape {
                line: shape.line(),
                column: shape.column(),
            },
        }),
        false => Err(refused(method, answer)),
    }
}

/// Whether the body is an error envelope that says so.
fn claims_error(body: &[u8]) -> bool {
    refusal(body).is_some_and(|refusal| refusal.status.as_deref() == Some("error"))
}

/// The error envelope that a body is. It is short: of what is longer no tree is built, which would be many times as large.
fn refusal(body: &[u8]) -> Option<Refusal> {
    const ENVELOPE_BYTES_MAX: usize = 4096;
    let body = Some(body).filter(|body| body.len() <= ENVELOPE_BYTES_MAX)?;
    Refusal::of(&serde_json::from_slice::<Value>(body).ok()?)
}

/// The error that an answer is.
pub(super) fn refused(method: Method, answer: &Answer) -> CrmError {
    let Some(refusal) = refusal(&answer.body) else {
        let source = Lost::not_json(Service::Crm, answer);
        return CrmError::Lost { method, source };
    };
    let code = word(&refusal.code());
    let named = match refusal.permissions().join(", ") {
        none if none.is_empty() => refusal.about().map(word),
        permissions => Some(word(&permissions)),
    };
    let meaning = answer.meaning(Service::Crm, method.name(), Some(&code));
    let failure = match meaning.into_failure() {
        Failure::Throttled { wait: None } if is_used_up(&refusal) => Failure::Throttled {
            wait: Some(CREDITS_WAIT),
        },
        failure => failure,
    };
    CrmError::Refused {
        method,
        status: answer.status,
        code,
        about: named.filter(|name| !name.is_empty()),
        of_view: refusal.is_of_view(),
        failure,
    }
}

/// Only the wording tells a used-up day from a busy moment.
fn is_used_up(refusal: &Refusal) -> bool {
    let message = refusal.message.as_str().unwrap_or_default().to_lowercase();
    message.contains("24 hour") || message.contains("credit")
}

/// A name out of an answer as it may be shown; whatever is no part of a name is left out.
pub(super) fn word(text: &str) -> String {
    let allowed = |c: &char| c.is_ascii_alphanumeric() || "_. ,".contains(*c);
    text.chars().filter(allowed).take(100).collect()
}

/// A record id: text on the wire, a number where a proxy has been at it.
pub(super) fn id(json: Option<&Value>) -> Result<RecordId, UnreadableError> {
    match json {
        Some(Value::String(text)) => text.parse().map_err(|_| UnreadableError::Id),
        Some(Value::Number(number)) => number.as_u64().map(RecordId).ok_or(UnreadableError::Id),
        _ => Err(UnreadableError::Id),
    }
}

/// The service's clock when it answered.
pub(super) fn service_time(method: Method, answer: &Answer) -> Result<Timestamp, CrmError> {
    answer.service_time.ok_or_else(|| CrmError::Unreadable {
        method,
        place: "its headers".to_owned(),
        source: UnreadableError::Clock,
    })
}
