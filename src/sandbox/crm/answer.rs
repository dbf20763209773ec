//! What CRM answers: bodies, empty answers, and refusals in the service's envelope, each with the credits it cost.

use axum::Json;
use axum::body::Bytes;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::sandbox::accounts::TokenProblem;

/// Tells the call recorder what the call cost; it takes the header away.
const CREDITS_HEADER: &str = "x-sandbox-credits";

/// An answer that is not a refusal.
#[derive(Debug)]
pub(crate) struct Answer {
    status: StatusCode,
    body: Body,
    credits: u8,
}

/// What an answer holds.
#[derive(Debug)]
enum Body {
    Nothing,
    Json(Value),
    /// A ZIP of that name.
    Zip(String, Bytes),
}

impl Answer {
    /// 200 with a body.
    pub(super) fn body(body: Value) -> Self {
        Self {
            status: StatusCode::OK,
            body: Body::Json(body),
            credits: 1,
        }
    }

    /// 201 with a body.
    pub(super) fn created(body: Value) -> Self {
        Self {
            status: StatusCode::CREATED,
            ..Self::body(body)
        }
    }

    /// 200 with a ZIP to be saved as `name`.
    pub(super) fn zip(name: String, bytes: Bytes) -> Self {
        Self {
            status: StatusCode::OK,
            body: Body::Zip(name, bytes),
            credits: 1,
        }
    }

    /// 204: nothing found.
    pub(super) fn nothing() -> Self {
        Self {
            status: StatusCode::NO_CONTENT,
            body: Body::Nothing,
            credits: 1,
        }
    }

    /// 304: nothing newer.
    pub(super) fn unchanged() -> Self {
        Self {
            status: StatusCode::NOT_MODIFIED,
            ..Self::nothing()
        }
    }

    /// The same answer at another price.
    pub(super) fn costing(self, credits: u8) -> Self {
        Self { credits, ..self }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = match self.body {
            Body::Json(body) => (self.status, Json(body)).into_response(),
            Body::Nothing => self.status.into_response(),
            Body::Zip(name, bytes) => {
                let disposition = format!("attachment;filename=\"{name}\"");
                let headers = [
                    (header::CONTENT_TYPE, "application/zip".to_owned()),
                    (header::CONTENT_DISPOSITION, disposition),
                ];
                (self.status, headers, bytes).into_response()
            }
        };
        let credits = HeaderValue::from(u16::from(self.credits));
        response.headers_mut().insert(CREDITS_HEADER, credits);
        response
    }
}

/// A refusal.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Problem {
    status: StatusCode,
    pub(super) code: &'static str,
    message: &'static str,
    pub(super) details: Value,
}

impl Problem {
    /// 400 with `code`.
    pub(super) fn new(code: &'static str, message: &'static str, details: Value) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code,
            message,
            details,
        }
    }

    fn with(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// The path names nothing there is.
    pub(crate) fn url_pattern() -> Self {
        let message = "Please check if the URL trying to access is a correct one";
        Self::new("INVALID_URL_PATTERN", message, json!({})).with(StatusCode::NOT_FOUND)
    }

    /// The path takes another method.
    pub(super) fn method() -> Self {
        let message = "The http request method type is not a valid one";
        Self::new("INVALID_REQUEST_METHOD", message, json!({}))
    }

    /// A module in the path that does not exist.
    pub(super) fn module() -> Self {
        let message = "the module name given seems to be invalid";
        Self::new("INVALID_MODULE", message, json!({"resource_path_index": 0}))
    }

    /// The token's user may not see the module `api_name`.
    pub(super) fn no_permission(api_name: &str) -> Self {
        let permissions = json!({"permissions": [format!("Crm_Implied_View_{api_name}")]});
        Self::new("NO_PERMISSION", "permission denied", permissions).with(StatusCode::FORBIDDEN)
    }

    /// A module the API does not serve.
    pub(super) fn not_supported(details: Value) -> Self {
        Self::new("NOT_SUPPORTED", "the operation is not supported", details)
    }

    /// A parameter that must be there.
    pub(super) fn parameter_missing(name: &str) -> Self {
        let message = "One of the expected parameter is missing";
        Self::new(
            "REQUIRED_PARAM_MISSING",
            message,
            json!({"param_name": name}),
        )
    }

    /// A parameter, or another place named in `details`, with a value it does not take.
    pub(super) fn invalid_data(details: Value) -> Self {
        Self::new("INVALID_DATA", "invalid data", details)
    }

    /// A body without a word on what it is.
    pub(super) fn media_type() -> Self {
        let message = "the content type of the request is not supported";
        Self::new("MEDIA_TYPE_NOT_SUPPORTED", message, json!({}))
            .with(StatusCode::UNSUPPORTED_MEDIA_TYPE)
    }

    /// More of something than a while allows.
    pub(super) fn too_many(message: &'static str) -> Self {
        Self::new("TOO_MANY_REQUESTS", message, json!({})).with(StatusCode::TOO_MANY_REQUESTS)
    }

    /// A body that is not JSON.
    pub(super) fn unreadable() -> Self {
        let message = "unable to process the request body";
        Self::new("INVALID_REQUEST", message, json!({}))
    }

    /// A key of the body that must be there.
    pub(super) fn mandatory(api_name: &str) -> Self {
        let details = json!({ "api_name": api_name });
        Self::new("MANDATORY_NOT_FOUND", "required field not found", details)
    }

    /// Something looked up by id that is not there.
    pub(super) fn not_found() -> Self {
        let message = "the requested resource is not found";
        Self::new("RESOURCE_NOT_FOUND", message, json!({})).with(StatusCode::NOT_FOUND)
    }
}

impl From<TokenProblem> for Problem {
    fn from(problem: TokenProblem) -> Self {
        let (code, message) = match problem {
            TokenProblem::Missing => ("AUTHENTICATION_FAILURE", "Authentication failed"),
            TokenProblem::Invalid => ("INVALID_TOKEN", "invalid oauth token"),
            TokenProblem::Scope => ("OAUTH_SCOPE_MISMATCH", "Unauthorized"),
        };
        Self::new(code, message, json!({})).with(StatusCode::UNAUTHORIZED)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = json!({
            "code": self.code,
            "details": self.details,
            "message": self.message,
            "status": "error",
        });
        Answer {
            status: self.status,
            body: Body::Json(body),
            credits: 1,
        }
        .into_response()
    }
}
