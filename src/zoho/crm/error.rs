//! What can go wrong with a call to the CRM, and what a person can do about it.

use jiff::Timestamp;

use super::Method;
use super::bulk::ArchiveError;
use crate::domain::failure::Failure;
use crate::domain::ids::{IdError, ModuleName, RecordId};
use crate::domain::value::ValueError;
use crate::zoho::channel::{CallError, Lost};

/// A call to the CRM that failed.
#[derive(Debug, thiserror::Error)]
pub enum CrmError {
    /// No answer, no token, or an answer that is not the CRM's.
    #[error("cannot read {method} from the CRM")]
    Lost {
        /// The call.
        method: Method,
        /// What became of it.
        source: Lost,
    },
    /// The CRM refuses.
    #[error("the CRM refuses to give {method}: {}", remedy(*.method, .code, .about.as_deref(), *.of_view))]
    Refused {
        /// The call.
        method: Method,
        /// HTTP status.
        status: u16,
        /// The CRM's code.
        code: String,
        /// The column, module, parameter or right it is about.
        about: Option<String>,
        /// Whether it is the criteria of a custom view that it cannot take.
        of_view: bool,
        /// What it means.
        failure: Failure,
    },
    /// JSON, but not what was asked for.
    #[error("the CRM's answer for {method} cannot be understood: {place}")]
    Unreadable {
        /// The call.
        method: Method,
        /// What was being read.
        place: String,
        /// What is wrong there.
        source: UnreadableError,
    },
    /// More columns than are read of a record.
    #[error(
        "{module}: the criteria and the mapping need {columns} fields, and at most {columns_max} are read; use fewer fields"
    )]
    TooManyColumns {
        /// The module.
        module: String,
        /// Columns needed.
        columns: usize,
        /// Columns possible.
        columns_max: usize,
    },
}

/// What is wrong with a part of an answer; never shows the value.
#[derive(Debug, thiserror::Error)]
pub enum UnreadableError {
    /// Not the shape that is documented.
    #[error("line {line}, column {column} of the answer is not as documented")]
    Shape {
        /// Line.
        line: usize,
        /// Column.
        column: usize,
    },
    /// A list without rows, which the CRM would not send.
    #[error("it is empty, where the CRM would say that there is nothing")]
    Empty,
    /// A row that came before, or is not in its place.
    #[error("its rows repeat")]
    Order,
    /// Missing, or not a number of 64 bits.
    #[error("not a record id")]
    Id,
    /// Missing, or not an instant.
    #[error("not an instant with an offset")]
    Instant,
    /// A name that cannot be asked for.
    #[error(transparent)]
    Name(#[from] IdError),
    /// A value that its field's type does not have.
    #[error("record {record}")]
    Value {
        /// The record.
        record: RecordId,
        /// What is wrong with it.
        source: ValueError,
    },
    /// The service's clock is missing.
    #[error("the answer has no `Date` header")]
    Clock,
    /// A job of Bulk Read without what it must have.
    #[error("not a job as documented")]
    Job,
    /// A file of Bulk Read without a column that was asked for.
    #[error("the file has no such column")]
    Column,
    /// A file of Bulk Read that cannot be read.
    #[error(transparent)]
    Archive(ArchiveError),
    /// The organisation is missing.
    #[error("no organisation is named")]
    Organisation,
}

impl UnreadableError {
    /// An answer of another shape is a service out of order, which passes; a value of another type stays as it is.
    fn failure(&self) -> Failure {
        match self {
            Self::Shape { .. } | Self::Empty | Self::Order | Self::Clock | Self::Job => {
                Failure::Unreachable
            }
            Self::Archive(error) => error.failure(),
            Self::Id
            | Self::Instant
            | Self::Name(_)
            | Self::Value { .. }
            | Self::Column
            | Self::Organisation => Failure::Refused,
        }
    }
}

impl CrmError {
    /// What it means for the run.
    #[must_use]
    pub fn failure(&self) -> Failure {
        match self {
            Self::Lost { source, .. } => source.failure(),
            Self::Refused { failure, .. } => failure.clone(),
            Self::Unreadable { source, .. } => source.failure(),
            Self::TooManyColumns { .. } => Failure::Configuration,
        }
    }

    /// Names the module where the CRM says only that there is none.
    pub(super) fn of_module(mut self, module: &ModuleName) -> Self {
        if let Self::Refused { code, about, .. } = &mut self
            && matches!(
                code.as_str(),
                "INVALID_MODULE" | "INVALID_URL_PATTERN" | "NOT_SUPPORTED"
            )
        {
            about.get_or_insert_with(|| module.to_string());
        }
        self
    }

    /// Whether COQL does not take the module or one of the columns, so that Get Records may.
    #[must_use]
    pub fn suggests_walking(&self) -> bool {
        let unsuited = [
            "INVALID_QUERY",
            "NOT_SUPPORTED",
            "SYNTAX_ERROR",
            "LIMIT_EXCEEDED",
        ];
        match self {
            Self::Refused { method, code, .. } => {
                *method == Method::Coql && unsuited.contains(&code.as_str())
            }
            Self::Lost { .. } | Self::Unreadable { .. } | Self::TooManyColumns { .. } => false,
        }
    }

    /// Whether COQL cannot say what the custom view asks, so that only Get Records gives its records.
    #[must_use]
    pub fn view_not_in_coql(&self) -> bool {
        match self {
            Self::Refused {
                method, of_view, ..
            } => *method == Method::Coql && *of_view,
            Self::Lost { .. } | Self::Unreadable { .. } | Self::TooManyColumns { .. } => false,
        }
    }

    /// Whether Bulk Read does not take the module, the view or one of the columns, so that queries may.
    #[must_use]
    pub fn suggests_querying(&self) -> bool {
        match self {
            Self::Refused { method, code, .. } => {
                *method == Method::BulkCreate && UNSUITED_TO_BULK.contains(&code.as_str())
            }
            Self::Lost { .. } | Self::Unreadable { .. } | Self::TooManyColumns { .. } => false,
        }
    }

    /// Whether a job of Bulk Read, its rows or the token of its next page are not there any more, so that a new job has to
    /// be asked for.
    #[must_use]
    pub fn job_is_gone(&self) -> bool {
        let Self::Refused {
            method,
            code,
            about,
            ..
        } = self
        else {
            return false;
        };
        let of_job = matches!(method, Method::BulkStatus | Method::BulkRows);
        match code.as_str() {
            "RESOURCE_NOT_FOUND" => of_job,
            "EXPIRED_VALUE" => of_job || *method == Method::BulkCreate,
            "INVALID_DATA" => {
                *method == Method::BulkCreate && about.as_deref() == Some("page_token")
            }
            _ => false,
        }
    }

    /// Whether a walk by page token has to begin anew, because its token has ended or gone beyond what the CRM gives.
    #[must_use]
    pub fn restarts_walk(&self) -> bool {
        let over = [
            "EXPIRED_VALUE",
            "TOKEN_BOUND_DATA_MISMATCH",
            "PAGINATION_LIMIT_EXCEEDED",
            "DISCRETE_PAGINATION_LIMIT_EXCEEDED",
        ];
        match self {
            Self::Refused { method, code, .. } => {
                *method == Method::Records && over.contains(&code.as_str())
            }
            Self::Lost { .. } | Self::Unreadable { .. } | Self::TooManyColumns { .. } => false,
        }
    }
}

impl CallError for CrmError {
    type Method = Method;

    fn lost(method: Method, source: Lost) -> Self {
        Self::Lost { method, source }
    }

    fn failure(&self) -> Failure {
        Self::failure(self)
    }

    fn for_good(mut self) -> Self {
        if let Self::Refused { failure, .. } = &mut self {
            *failure = Failure::CredentialsRefused;
        }
        self
    }
}

/// What Bulk Read says where the query is at fault and not the request. Source: the CRM's Bulk Read page for v8, November
/// 2026.
const UNSUITED_TO_BULK: [&str; 10] = [
    "FIELD_NOT_AVAILABLE",
    "MODULE_NOT_SUPPORTED",
    "CVID_NOT_SUPPORTED",
    "CRITERIA_LIMIT_EXCEEDED",
    "JOIN_LIMIT_EXCEEDED",
    "VALUE_LIMIT_EXCEEDED_IN_CRITERIA",
    "FIELD_AND_COMPARATOR_IN_CRITERIA_NOT_COMPATIBLE",
    "AMBIGUOUS_CRITERIA",
    "LIMIT_EXCEEDED",
    "NOT_SUPPORTED",
];

/// What a refusal means. Source: the CRM's v8 error tables, November 2026.
pub(super) fn failure(status: u16, code: &str, used_up: bool) -> Option<Failure> {
    Some(match code {
        "INVALID_TOKEN" => Failure::TokenExpired,
        "AUTHENTICATION_FAILURE"
        | "OAUTH_SCOPE_MISMATCH"
        | "NO_PERMISSION"
        | "AUTHORIZATION_FAILED" => Failure::CredentialsRefused,
        "TOO_MANY_REQUESTS" if used_up => Failure::Throttled {
            wait: Some(super::answer::CREDITS_WAIT),
        },
        "TOO_MANY_REQUESTS" => Failure::Throttled { wait: None },
        "INVALID_MODULE"
        | "INVALID_QUERY"
        | "SYNTAX_ERROR"
        | "NOT_SUPPORTED"
        | "INVALID_URL_PATTERN"
        | "RESOURCE_NOT_FOUND"
        | "REQUIRED_PARAM_MISSING"
        | "EXPECTED_PARAM_MISSING"
        | "LIMIT_EXCEEDED"
        | "INVALID_REQUEST_METHOD"
        | "PATTERN_NOT_MATCHED" => Failure::Configuration,
        _ if UNSUITED_TO_BULK.contains(&code) => Failure::Configuration,
        "INTERNAL_ERROR" | "INTERNAL_SERVER_ERROR" | "BAD_GATEWAY" | "SERVICE_UNAVAILABLE" => {
            Failure::Unreachable
        }
        _ => match status {
            429 | 500.. => return None,
            401 | 403 => Failure::CredentialsRefused,
            _ => Failure::Refused,
        },
    })
}

/// The refusal in words, with what to do about it.
fn remedy(method: Method, code: &str, about: Option<&str>, of_view: bool) -> String {
    let scopes = method.scopes();
    let named = about.map(|name| format!(" `{name}`")).unwrap_or_default();
    match code {
        "INVALID_TOKEN" => "a new access token was refused as well (INVALID_TOKEN); check that `data_center` of the account is that of the organisation".to_owned(),
        "AUTHENTICATION_FAILURE" => "it got no usable token (AUTHENTICATION_FAILURE); check that no proxy strips the `Authorization` header".to_owned(),
        "OAUTH_SCOPE_MISMATCH" => format!("a scope is missing (OAUTH_SCOPE_MISMATCH); it needs {scopes}: make a new refresh token with it"),
        "NO_PERMISSION" | "AUTHORIZATION_FAILED" => format!("the token's user lacks a right{named} ({code}); grant it in the user's CRM profile"),
        "INVALID_MODULE" => format!("there is no such module{named} (INVALID_MODULE); use the API name that `Setup > APIs > API names` shows"),
        "INVALID_QUERY" if of_view => format!("a query cannot ask what the custom view{named} asks (INVALID_QUERY); it is read by Get Records instead"),
        "INVALID_QUERY" => format!("the query names something it does not have{named} (INVALID_QUERY); check the field names of the definition"),
        "FIELD_NOT_AVAILABLE" => format!("it cannot read a field{named} in bulk (FIELD_NOT_AVAILABLE); check the field names of the definition"),
        "MODULE_NOT_SUPPORTED" => format!("it cannot read the module{named} in bulk (MODULE_NOT_SUPPORTED)"),
        "CVID_NOT_SUPPORTED" => "it cannot read the custom view in bulk (CVID_NOT_SUPPORTED); views that are shared or of co-owners are such".to_owned(),
        _ if UNSUITED_TO_BULK.contains(&code) && method == Method::BulkCreate => format!("it cannot be asked for in bulk{named} ({code})"),
        "RESOURCE_NOT_FOUND" | "EXPIRED_VALUE" if matches!(method, Method::BulkStatus | Method::BulkRows) => format!("the job is not there any more ({code}); its rows are kept for a day"),
        "TOO_MANY_REQUESTS" => "too many calls, or the day's credits are used up (TOO_MANY_REQUESTS); it will do later".to_owned(),
        _ => format!("{code}{named}"),
    }
}

/// Reads an instant that the CRM wrote.
pub(super) fn instant(text: &str) -> Result<Timestamp, UnreadableError> {
    text.parse().map_err(|_| UnreadableError::Instant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_its_meaning() {
        let refused = Some(Failure::Refused);
        let credentials = Some(Failure::CredentialsRefused);
        let configuration = Some(Failure::Configuration);
        for (status, code, want) in [
            (401, "INVALID_TOKEN", Some(Failure::TokenExpired)),
            (401, "AUTHENTICATION_FAILURE", credentials.clone()),
            (401, "OAUTH_SCOPE_MISMATCH", credentials.clone()),
            (403, "OAUTH_SCOPE_MISMATCH", credentials.clone()),
            (403, "NO_PERMISSION", credentials.clone()),
            (401, "SOMETHING_NEW", credentials),
            (400, "INVALID_MODULE", configuration.clone()),
            (404, "INVALID_URL_PATTERN", configuration.clone()),
            (400, "LIMIT_EXCEEDED", configuration),
            (400, "EXPIRED_VALUE", refused.clone()),
            (400, "SOMETHING_NEW", refused),
            (500, "INTERNAL_ERROR", Some(Failure::Unreachable)),
            (500, "SOMETHING_NEW", None),
            (
                429,
                "TOO_MANY_REQUESTS",
                Some(Failure::Throttled { wait: None }),
            ),
        ] {
            assert_eq!(failure(status, code, false), want, "{status} {code}");
        }
    }
}
