//! What can go wrong with a call to the CRM, and what a person can do about it.

mod words;

use jiff::Timestamp;

use self::words::{UNSUITED_TO_BULK, remedy};
use super::Method;
use super::bulk::ArchiveError;
use crate::domain::failure::Failure;
use crate::domain::ids::{IdError, ModuleName, RecordId};
use crate::domain::value::ValueError;
use crate::zoho::channel::{CallError, Lost};
use crate::zoho::pacer::{Pause, Unkept};

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
    /// Records come without a field that was asked for: Get Records passes over what the token's user may not see.
    #[error(
        "the CRM answers without `{field}` of module {module}; give the token's user the right to see it"
    )]
    Hidden {
        /// The module.
        module: String,
        /// The field.
        field: String,
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
    /// Why what is used of the budgets cannot be kept, where it is that which kept the call from being made.
    ///
    /// # Errors
    /// The same error, where it is another one.
    pub fn into_unkept(self) -> Result<Unkept, Self> {
        match self {
            Self::Lost { method, source } => {
                let unkept = source.into_unkept();
                unkept.map_err(|source| Self::Lost { method, source })
            }
            other => Err(other),
        }
    }

    /// The pause, where the call has to wait for its time.
    #[must_use]
    pub fn pause(&self) -> Option<&Pause> {
        if let Self::Lost { source, .. } = self {
            source.pause()
        } else {
            None
        }
    }

    /// What it means for the run.
    #[must_use]
    pub fn failure(&self) -> Failure {
        match self {
            Self::Lost { source, .. } => source.failure(),
            Self::Refused { failure, .. } => failure.clone(),
            Self::Unreadable { source, .. } => source.failure(),
            Self::Hidden { .. } | Self::TooManyColumns { .. } => Failure::Configuration,
        }
    }

    /// Whether the token was not granted for such a call, so that only a new grant helps.
    #[must_use]
    pub fn lacks_scope(&self) -> bool {
        match self {
            Self::Refused { code, .. } => code == "OAUTH_SCOPE_MISMATCH",
            Self::Lost { .. }
            | Self::Unreadable { .. }
            | Self::Hidden { .. }
            | Self::TooManyColumns { .. } => false,
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
        self.is_refused(Method::Coql, &unsuited)
    }

    /// Whether COQL cannot say what the custom view asks, so that only Get Records gives its records.
    #[must_use]
    pub fn view_not_in_coql(&self) -> bool {
        match self {
            Self::Refused {
                method, of_view, ..
            } => *method == Method::Coql && *of_view,
            Self::Lost { .. }
            | Self::Unreadable { .. }
            | Self::Hidden { .. }
            | Self::TooManyColumns { .. } => false,
        }
    }

    /// Whether Bulk Read does not take the module, the view or one of the columns, so that queries may.
    #[must_use]
    pub fn suggests_querying(&self) -> bool {
        self.is_refused(Method::BulkCreate, &UNSUITED_TO_BULK)
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
        self.is_refused(Method::Records, &over)
    }

    /// Whether a call of this method was refused with one of these codes.
    fn is_refused(&self, by: Method, with: &[&str]) -> bool {
        match self {
            Self::Refused { method, code, .. } => *method == by && with.contains(&code.as_str()),
            Self::Lost { .. }
            | Self::Unreadable { .. }
            | Self::Hidden { .. }
            | Self::TooManyColumns { .. } => false,
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

    fn unsure(mut self) -> Self {
        if let Self::Lost { method, source } = self {
            let source = source.unsure();
            self = Self::Lost { method, source };
        }
        self
    }

    fn for_good(mut self) -> Self {
        if let Self::Refused { failure, .. } = &mut self {
            *failure = Failure::CredentialsRefused;
        }
        self
    }
}

/// Reads an instant that the CRM wrote.
pub(super) fn instant(text: &str) -> Result<Timestamp, UnreadableError> {
    text.parse().map_err(|_| UnreadableError::Instant)
}
