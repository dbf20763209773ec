//! What people are told of what they asked for, in shapes that another process can be told too.

use serde::{Deserialize, Serialize};

use super::ServiceError;
use crate::config::{Excerpt, Problem, Problems};
use crate::domain::unknown::Unknown;
use crate::journal::event::{ErrorKind, RunFinished};
use crate::run::rehearsal::{Reading, Rehearsed};
use crate::run::{Ended, RunError};
use crate::store::StoreError;

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AskError {
    /// There is no such thing.
    #[error("{0}")]
    Unknown(Unknown),
    /// The files are not valid, or do not fit what the services have.
    #[error("the files are not valid")]
    Problems(Vec<Shown>),
    /// A limit, a safety bound, an inactive sync.
    #[error("{0}")]
    Refused(String),
    /// Nothing is wrong; it has not come to its end.
    #[error("{0}")]
    Later(String),
    /// It failed.
    #[error("{message}")]
    Failed {
        /// What kind of failure it is.
        kind: ErrorKind,
        /// What failed, and the remedy.
        message: String,
    },
}

impl AskError {
    /// What a run's error says to whoever wanted the run.
    pub(crate) fn of(error: &RunError) -> Self {
        let message = error.message();
        match error {
            RunError::Definition { problems, .. } => Problems(problems.clone()).into(),
            RunError::Limit(_)
            | RunError::Inactive { .. }
            | RunError::Organisation { .. }
            | RunError::NotRead(_)
            | RunError::NotBlocked
            | RunError::Decided(_)
            | RunError::StillThere { .. } => Self::Refused(message),
            RunError::Stopped => Self::Later(message),
            RunError::Crm(_)
            | RunError::Campaigns(_)
            | RunError::Oauth(_)
            | RunError::Suppressions(_)
            | RunError::Store(_)
            | RunError::NoRoom(_)
            | RunError::Journal(_)
            | RunError::OptOutsHidden { .. }
            | RunError::Clock(_)
            | RunError::Audit { .. }
            | RunError::Sums { .. }
            | RunError::NotTakenOff { .. } => Self::Failed {
                kind: error.kind(),
                message,
            },
        }
    }

    /// What an error of the parts says.
    pub(crate) fn of_service(error: &ServiceError) -> Self {
        let mut message = error.to_string();
        let mut cause = std::error::Error::source(error);
        while let Some(error) = cause {
            message.push_str(": ");
            message.push_str(&error.to_string());
            cause = error.source();
        }
        let kind = match error {
            ServiceError::DataCenter(_) => ErrorKind::Configuration,
            ServiceError::Store(_) | ServiceError::Journal(_) => ErrorKind::State,
            ServiceError::Client(_)
            | ServiceError::Recovery(_)
            | ServiceError::Beat(_)
            | ServiceError::Signals(_) => ErrorKind::Other,
        };
        Self::Failed { kind, message }
    }

    /// The daemon's answer cannot be had, or not be understood.
    pub(crate) fn unanswered(message: String) -> Self {
        let kind = ErrorKind::Other;
        Self::Failed { kind, message }
    }
}

/// A problem with the line it is on, which its JSON is without.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shown {
    #[serde(flatten)]
    problem: Problem,
    excerpt: Option<Excerpt>,
}

impl From<Problem> for Shown {
    fn from(problem: Problem) -> Self {
        Self {
            excerpt: problem.excerpt.clone(),
            problem,
        }
    }
}

impl From<Shown> for Problem {
    fn from(shown: Shown) -> Self {
        Self {
            excerpt: shown.excerpt,
            ..shown.problem
        }
    }
}

impl From<Problems> for AskError {
    fn from(problems: Problems) -> Self {
        Self::Problems(problems.0.into_iter().map(Shown::from).collect())
    }
}

impl From<RunError> for AskError {
    fn from(error: RunError) -> Self {
        Self::of(&error)
    }
}

impl From<StoreError> for AskError {
    fn from(error: StoreError) -> Self {
        Self::of(&error.into())
    }
}

impl From<Unknown> for AskError {
    fn from(unknown: Unknown) -> Self {
        Self::Unknown(unknown)
    }
}

/// What came of a wish for a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RunAnswer {
    /// The run as the journal has it; none where it did not begin, or goes on at the next start.
    pub(crate) finished: Option<RunFinished>,
    /// What kept it from completing.
    pub(crate) error: Option<AskError>,
}

impl RunAnswer {
    /// The answer to a wish; of one that came to nothing it is that no run began.
    pub(crate) fn of(ended: Option<&Ended>) -> Self {
        match ended {
            Some(Ended {
                finished, error, ..
            }) if finished.is_some() || error.is_some() => Self {
                finished: finished.clone(),
                error: error.as_ref().map(AskError::of),
            },
            Some(_) | None => Self {
                finished: None,
                error: Some(AskError::unanswered(
                    "the run did not begin: the sync's file or its account changed while it waited; ask again"
                        .to_owned(),
                )),
            },
        }
    }
}

/// What a run would come to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Planned {
    /// As the journal would have it, but for what an interrupted run had counted and spent before.
    pub(crate) finished: RunFinished,
    /// What would keep it from adding anyone.
    pub(crate) error: Option<AskError>,
    /// Removals that it would leave to a person, and the bound they are above.
    pub(crate) held: Option<(u64, u64)>,
    /// Whether it is what is left of an interrupted run.
    pub(crate) resumes: bool,
    /// Whether that run is under way.
    pub(crate) is_under_way: bool,
    /// How it read records.
    pub(crate) reading: Option<Reading>,
    /// How long reading and deciding took, in milliseconds.
    pub(crate) read_ms: u64,
    /// How long the calls that were left out would take, in milliseconds.
    pub(crate) write_ms: u64,
    /// Why no run of the sync could start, and what to do about it.
    pub(crate) inactive: Option<(String, String)>,
}

impl Planned {
    /// The answer for what was rehearsed.
    pub(crate) fn of(rehearsed: Rehearsed, inactive: Option<(String, String)>) -> Self {
        let millis =
            |span: std::time::Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        Self {
            finished: rehearsed.finished,
            error: rehearsed.error.as_ref().map(AskError::of),
            held: rehearsed.held,
            resumes: rehearsed.resumes,
            is_under_way: false,
            reading: rehearsed.reading,
            read_ms: millis(rehearsed.read_for),
            write_ms: millis(rehearsed.writes_for),
            inactive,
        }
    }
}
