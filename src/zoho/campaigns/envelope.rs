//! The wrapping of every answer: sometimes nested, keys with and without a capital, codes as text or number.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::Method;
use super::error::CampaignsError;
use super::wire;
use super::words::with_text;
use crate::domain::failure::{Meaning, Service};
use crate::zoho::channel::Lost;
use crate::zoho::http::Answer;

/// An answer that is Campaigns' own and does not fail the call.
#[derive(Debug)]
pub(super) struct Envelope {
    pub(super) method: Method,
    pub(super) code: String,
    /// What it says to people, without anything that looks like an address.
    pub(super) text: String,
    pub(super) meaning: Meaning,
    object: Map<String, Value>,
}

impl Envelope {
    /// Opens the answer to a method.
    pub(super) fn open(method: Method, answer: &Answer) -> Result<Self, CampaignsError> {
        let not_json = || CampaignsError::Lost {
            method,
            source: Lost::not_json(Service::Campaigns, answer),
        };
        let json = serde_json::from_slice(&answer.body);
        let Ok(Value::Object(mut object)) = json else {
            return Self::of_contact(method, answer).ok_or_else(not_json);
        };
        if let Some(Value::Object(nested)) = object.remove(wire::NEST) {
            object = nested;
        }
        let code = code(&object, answer.status).ok_or_else(not_json)?;
        let text = wire::text(&object, &wire::MESSAGE).unwrap_or_default();
        let text = without_addresses(&text);
        let meaning = answer.meaning(Service::Campaigns, method.name(), Some(&code));
        match with_text(meaning, &text) {
            Meaning::Failed(failure) => Err(CampaignsError::Refused {
                method,
                code,
                text,
                failure,
            }),
            meaning => Ok(Self {
                method,
                code,
                text,
                meaning,
                object,
            }),
        }
    }

    /// What the status alone says of one contact.
    fn of_contact(method: Method, answer: &Answer) -> Option<Self> {
        let meaning = answer.meaning(Service::Campaigns, method.name(), None);
        let of_contact = matches!(meaning, Meaning::Contact(_));
        of_contact.then(|| Self {
            method,
            code: format!("HTTP {}", answer.status),
            text: String::new(),
            meaning,
            object: Map::new(),
        })
    }

    /// What the method gives.
    pub(super) fn decode<T: DeserializeOwned>(self) -> Result<T, CampaignsError> {
        let method = self.method;
        // Without serde's words: they could quote a value.
        serde_json::from_value(Value::Object(self.object))
            .map_err(|_| CampaignsError::Unreadable { method })
    }

    /// One key of what the method gives.
    pub(super) fn take(&mut self, key: &str) -> Option<Value> {
        self.object.remove(key)
    }
}

/// The code; where a success has none its status stands in for it, and anything else is no answer of Campaigns.
fn code(object: &Map<String, Value>, http_status: u16) -> Option<String> {
    if let Some(code) = wire::text(object, &wire::CODE) {
        let code = code.trim();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let is_one = (1..=40).contains(&code.len()) && code.bytes().all(allowed);
        // Something in between that repeats us, or worse: it must not stand for a refusal of the contact.
        return is_one.then(|| code.to_owned());
    }
    let status = object.get(wire::STATUS).and_then(Value::as_str);
    match status {
        Some(wire::STATUS_SUCCESS) => Some("0".to_owned()),
        Some(wire::STATUS_ERROR) => Some(http_status.to_string()),
        // `contact/allfields` has been seen without either.
        _ => object.contains_key(wire::FIELDS).then(|| "0".to_owned()),
    }
}

/// A message as it may be kept: whatever holds an `@` is left out, and it ends somewhere.
fn without_addresses(text: &str) -> String {
    let mask = |word: &str| if word.contains('@') { "…" } else { word }.to_owned();
    let words: Vec<String> = text.split_whitespace().map(mask).collect();
    let plain = |c: &char| !c.is_control();
    words.join(" ").chars().filter(plain).take(200).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::failure::{Failure, Verdict};

    fn open(status: u16, body: &str) -> Result<(String, Meaning), Failure> {
        let answer = Answer {
            status,
            body: body.into(),
            ..Answer::default()
        };
        match Envelope::open(Method::Subscribe, &answer) {
            Ok(envelope) => Ok((envelope.code, envelope.meaning)),
            Err(error) => Err(error.failure()),
        }
    }

    #[test]
    fn an_answer_is_understood_in_every_spelling() {
        let done = |code: &str| Ok((code.to_owned(), Meaning::Done));
        for (status, body, want) in [
            (200, r#"{"status":"success","code":"0"}"#, done("0")),
            (200, r#"{"status":"success","code":0}"#, done("0")),
            (200, r#"{"code":"200"}"#, done("200")),
            (200, r#"{"status":"success"}"#, done("0")),
            (
                200,
                r#"{"response":{"code":"0","fieldnames":{}}}"#,
                done("0"),
            ),
            (200, r#"{"response":{"fieldnames":{}}}"#, done("0")),
            (
                200,
                r#"{"status":"error","Code":"1007"}"#,
                Err(Failure::TokenExpired),
            ),
            (
                401,
                r#"{"status":"error","code":1007}"#,
                Err(Failure::TokenExpired),
            ),
            (401, r#"{"status":"error"}"#, Err(Failure::TokenExpired)),
            (
                200,
                r#"{"status":"error","Code":2501}"#,
                Err(Failure::Configuration),
            ),
            (200, "<html>", Err(Failure::Unreachable)),
            (200, "[]", Err(Failure::Unreachable)),
            (200, "{}", Err(Failure::Unreachable)),
            (200, r#"{"code":" 0 "}"#, done("0")),
            (200, r#"{"code":""}"#, Err(Failure::Unreachable)),
            (200, r#"{"code":"\r\n"}"#, Err(Failure::Unreachable)),
            (200, r#"{"code":"\u001b[2J"}"#, Err(Failure::Unreachable)),
            (404, r#"{"code":"0"}"#, Err(Failure::Unreachable)),
            (500, r#"{"code":"0"}"#, Err(Failure::Unreachable)),
            (
                413,
                "<html>",
                Ok(("HTTP 413".to_owned(), Meaning::Contact(Verdict::Passing))),
            ),
            (423, "<html>", Err(Failure::Busy)),
            (
                429,
                r#"{"code":"0"}"#,
                Err(Failure::Throttled { wait: None }),
            ),
        ] {
            assert_eq!(open(status, body), want, "{status} {body}");
        }
    }

    proptest! {
        #[test]
        fn nothing_like_an_address_is_ever_kept(text in "[a-z@ \\PC]{0,300}") {
            let kept = without_addresses(&text);
            prop_assert!(!kept.contains('@') && kept.chars().count() <= 200);
        }
    }

    #[test]
    fn a_message_is_kept_without_addresses() {
        let text = "Contact  ada@example.org\nis (bob@example.org) blocked";
        assert_eq!(without_addresses(text), "Contact … is … blocked");
        assert_eq!(without_addresses(&"x".repeat(900)).len(), 200);
    }
}
