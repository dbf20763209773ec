//! The envelopes of answers, odd casing included.
//!
//! Errors come with capitalised or with lower-case keys, their codes as strings or as numbers, for no reason that shows. Here
//! it goes by the code, so that a client meets every form and a test meets the same one each time.

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

/// A refusal: the service's code, and a text for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) code: u32,
    text: &'static str,
}

impl Problem {
    pub(crate) const PARAMETER_MISSING: Self = Self::new(903, "Mandatory parameter is missing.");
    pub(crate) const NO_CONTACT: Self = Self::new(993, "No such contact exists.");
    pub(crate) const WRONG_URL: Self = Self::new(1004, "The URL you have requested is wrong.");
    pub(crate) const WRONG_TYPE: Self = Self::new(1005, "Parameter is of the wrong type.");
    pub(crate) const REPEATED_KEY: Self = Self::new(1006, "A key occurs more than once.");
    pub(crate) const UNAUTHORIZED: Self = Self::new(1007, "Unauthorized request.");
    pub(crate) const MALFORMED: Self = Self::new(2001, "The contact information is malformed.");
    pub(crate) const ALREADY_THERE: Self = Self::new(2003, "Contact is already in this list.");
    pub(crate) const INVALID_ADDRESS: Self = Self::new(2004, "Contact email address is invalid.");
    pub(crate) const ROLE_ADDRESS: Self =
        Self::new(2005, "Contact email address is a group address.");
    pub(crate) const UNSUBSCRIBE_LIST: Self = Self::new(2102, "List key is empty or invalid.");
    pub(crate) const UNSUBSCRIBE_STRANGER: Self = Self::new(2103, "Contact does not exist.");
    pub(crate) const COUNT_LIST: Self = Self::new(2202, "List key is empty or invalid.");
    pub(crate) const DUPLICATE_LIST: Self = Self::new(2205, "A list of this name exists already.");
    pub(crate) const LIST_DELETED: Self = Self::new(2206, "List does not exist.");
    pub(crate) const CONTACTS_MAX: Self =
        Self::new(2302, "Your plan's limit of contacts is reached.");
    pub(crate) const NO_LISTS: Self = Self::new(2401, "There is no list in your account.");
    pub(crate) const LIST_KEY: Self = Self::new(2501, "List key is empty or invalid.");
    pub(crate) const NO_CONTACTS: Self = Self::new(2502, "There are no contacts in this list.");
    pub(crate) const LIST_DENIED: Self = Self::new(2706, "You cannot change this list.");
    pub(crate) const TOPICS_OFF: Self = Self::new(4016, "Topics are not enabled for your account.");
    pub(crate) const ABOVE_MAXIMUM: Self = Self::new(6502, "The limit is above its maximum.");
    pub(crate) const UNKNOWN_TAG: Self = Self::new(9001, "Tag does not exist.");
    pub(crate) const DUPLICATE_TAG: Self = Self::new(9002, "Tag exists already.");
    pub(crate) const NO_FIELDS: Self = Self::new(910, "No field is given.");
    pub(crate) const DUPLICATE_FIELD: Self = Self::new(916, "A field of this name exists already.");

    const fn new(code: u32, text: &'static str) -> Self {
        Self { code, text }
    }

    /// A suppressed contact, refused with the code that the policy gives.
    pub(crate) const fn suppressed(code: u32) -> Self {
        Self::new(code, "This contact cannot be added.")
    }

    /// A blocked address, refused with the code that the policy gives; the text is what tells.
    pub(crate) const fn blocked(code: u32) -> Self {
        Self::new(code, "This email address is blocked.")
    }

    /// A locked method, with the code that the policy gives.
    pub(crate) const fn locked(code: u32) -> Self {
        Self::new(code, "You have crossed the limit. Please try again later.")
    }

    fn envelope(self, uri: &str) -> Value {
        match self.code {
            2000..2200 => {
                json!({"status": "error", "code": self.code.to_string(), "uri": uri, "message": self.text, "version": "1.1"})
            }
            9000.. => {
                json!({"status": "error", "code": self.code, "uri": uri, "message": self.text})
            }
            _ => {
                json!({"status": "error", "Code": self.code.to_string(), "URI": uri, "message": self.text})
            }
        }
    }
}

/// How a method writes the code of success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SuccessCode {
    /// `"0"`
    Text,
    /// `0`
    Number,
    /// `"200"`
    Http,
}

/// Where a method puts its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nesting {
    /// At the top.
    Flat,
    /// Under `response`.
    Response,
}

/// What a method says when it worked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Success {
    code: SuccessCode,
    nesting: Nesting,
    payload: Map<String, Value>,
}

impl Success {
    /// Code `"0"` and these keys, at the top.
    pub(crate) fn of(payload: Value) -> Self {
        let payload = match payload {
            Value::Object(payload) => payload,
            other => Map::from_iter([("result".to_owned(), other)]),
        };
        Self {
            code: SuccessCode::Text,
            nesting: Nesting::Flat,
            payload,
        }
    }

    /// Code `"0"` and a sentence.
    pub(crate) fn message(text: &str) -> Self {
        Self::of(json!({ "message": text }))
    }

    /// The same with another form of the code.
    pub(crate) fn with_code(self, code: SuccessCode) -> Self {
        Self { code, ..self }
    }

    /// The same under `response`.
    pub(crate) fn nested(self) -> Self {
        Self {
            nesting: Nesting::Response,
            ..self
        }
    }

    fn envelope(self, uri: &str) -> Value {
        let mut keys = self.payload;
        let code = match self.code {
            SuccessCode::Text => json!("0"),
            SuccessCode::Number => json!(0),
            SuccessCode::Http => json!("200"),
        };
        keys.insert("status".to_owned(), json!("success"));
        keys.insert("code".to_owned(), code);
        keys.insert("uri".to_owned(), json!(uri));
        keys.insert("version".to_owned(), json!("1.1"));
        match self.nesting {
            Nesting::Flat => Value::Object(keys),
            Nesting::Response => json!({ "response": keys }),
        }
    }
}

/// The format an answer is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Xml,
}

/// Writes an answer; almost every refusal is an HTTP 200.
pub(crate) fn respond(
    outcome: Result<Success, Problem>,
    status: StatusCode,
    uri: &str,
    format: Format,
) -> Response {
    let envelope = match outcome {
        Ok(success) => success.envelope(uri),
        Err(problem) => problem.envelope(uri),
    };
    let (content_type, text) = match format {
        Format::Json => ("application/json;charset=UTF-8", envelope.to_string()),
        Format::Xml => (
            "text/xml;charset=UTF-8",
            format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>{}",
                xml("response", &envelope)
            ),
        ),
    };
    (
        status,
        [(header::CONTENT_TYPE, content_type)],
        Body::from(text),
    )
        .into_response()
}

fn xml(name: &str, value: &Value) -> String {
    match value {
        Value::Array(rows) => rows.iter().map(|row| xml(name, row)).collect(),
        Value::Object(keys) => {
            let inner: String = keys.iter().map(|(key, value)| xml(key, value)).collect();
            format!("<{name}>{inner}</{name}>")
        }
        Value::String(text) => format!("<{name}>{}</{name}>", escaped(text)),
        Value::Null | Value::Bool(_) | Value::Number(_) => format!("<{name}>{value}</{name}>"),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_come_in_every_casing() {
        let uri = "/api/v1.1/x";
        for (problem, key, code) in [
            (Problem::UNAUTHORIZED, "Code", json!("1007")),
            (Problem::INVALID_ADDRESS, "code", json!("2004")),
            (Problem::LIST_KEY, "Code", json!("2501")),
            (Problem::UNKNOWN_TAG, "code", json!(9001)),
        ] {
            assert_eq!(problem.envelope(uri)[key], code);
        }
    }

    #[test]
    fn success_carries_its_code_in_the_form_of_the_method() {
        for (code, want) in [
            (SuccessCode::Text, json!("0")),
            (SuccessCode::Number, json!(0)),
            (SuccessCode::Http, json!("200")),
        ] {
            let success = Success::message("done").with_code(code);
            assert_eq!(success.clone().envelope("/x")["code"], want);
            assert_eq!(success.nested().envelope("/x")["response"]["code"], want);
        }
    }

    #[test]
    fn xml_says_the_same() {
        let value = json!({"rows": [{"a": "1 < 2"}, {"a": 3}]});
        assert_eq!(
            xml("response", &value),
            "<response><rows><a>1 &lt; 2</a></rows><rows><a>3</a></rows></response>"
        );
    }
}
