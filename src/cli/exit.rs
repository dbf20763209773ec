//! How a command ends: one exit code per meaning, decided here and nowhere else.

use std::error::Error;
use std::io;
use std::process::ExitCode;

use crate::config::Problems;
use crate::domain::unknown::Unknown;
use crate::journal::JournalError;
use crate::journal::event::ErrorKind;

/// What the exit code says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done; contacts refused one by one are outcomes, not failures.
    Done = 0,
    /// Failed; the message says what, and what to do.
    Failed = 1,
    /// Wrong usage, or something that does not exist.
    Usage = 2,
    /// Refused or held: a limit, a safety bound, an inactive sync.
    Refused = 3,
    /// The service cannot be reached or is throttling.
    TryAgain = 75,
    /// Credentials refused.
    Credentials = 77,
    /// Configuration not valid.
    Config = 78,
}

impl Exit {
    /// The code.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }

    /// What a run's error means to whoever started it.
    #[must_use]
    pub fn of_run(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Unreachable | ErrorKind::Throttled | ErrorKind::NotCleared => Self::TryAgain,
            ErrorKind::CredentialsRefused => Self::Credentials,
            ErrorKind::Configuration => Self::Config,
            ErrorKind::AccountClosed
            | ErrorKind::Refused
            | ErrorKind::ReadCut
            | ErrorKind::SumsDisagree
            | ErrorKind::Audit
            | ErrorKind::Clock
            | ErrorKind::State
            | ErrorKind::Other => Self::Failed,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command ended early.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The files are not valid.
    #[error(transparent)]
    Problems(#[from] Problems),
    /// A name that does not exist.
    #[error("{0}")]
    Unknown(Unknown),
    /// The beginning of a run's id that fits several.
    #[error("`{asked}` is the beginning of several runs: {}", .runs.join(", "))]
    SeveralRuns {
        /// The beginning.
        asked: String,
        /// Those it fits.
        runs: Vec<String>,
    },
    /// A run that belongs to another sync than the one named beside it.
    #[error("run {run} is not one of `{asked}`, but of `{sync}`")]
    OtherSync {
        /// The run.
        run: String,
        /// The sync that was named.
        asked: String,
        /// The run's sync.
        sync: String,
    },
    /// The history could not be read or written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Results could not be printed.
    #[error("cannot print the result")]
    Output(#[from] io::Error),
    /// The process could not be set up.
    #[error("cannot {doing}")]
    System {
        /// What was attempted, with its remedy.
        doing: String,
        /// What the system said.
        source: io::Error,
    },
    /// Anything else, by the command that knows what it means.
    #[error("{source}")]
    Because {
        /// How the command ends.
        exit: Exit,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl CliError {
    /// An error that ends a command with this exit code.
    pub fn because(exit: Exit, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Because {
            exit,
            source: source.into(),
        }
    }

    /// The system does not let the process watch for signals.
    #[must_use]
    pub fn signals(source: io::Error) -> Self {
        let doing = "watch for signals".to_owned();
        Self::System { doing, source }
    }

    /// The exit code. A reader of ours that went away (`rosterd history | head`) is content, so that is no failure.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Problems(_) => Exit::Config,
            Self::Unknown(_) | Self::SeveralRuns { .. } | Self::OtherSync { .. } => Exit::Usage,
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Done,
            Self::Journal(_) | Self::Output(_) | Self::System { .. } => Exit::Failed,
            Self::Because { exit, .. } => *exit,
        }
    }

    /// The message with its causes, on one line.
    #[must_use]
    pub fn message(&self) -> String {
        let mut message = self.to_string();
        let mut cause = match self {
            // Its `Display` is the source's.
            Self::Because { source, .. } => source.source(),
            Self::Problems(_)
            | Self::Unknown(_)
            | Self::SeveralRuns { .. }
            | Self::OtherSync { .. }
            | Self::Journal(_)
            | Self::Output(_)
            | Self::System { .. } => self.source(),
        };
        while let Some(error) = cause {
            message.push_str(": ");
            message.push_str(&error.to_string());
            cause = error.source();
        }
        super::report::escape(&message).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_pipe_is_no_failure() {
        let closed = CliError::Output(io::ErrorKind::BrokenPipe.into());
        assert_eq!(closed.exit(), Exit::Done);
        let full = CliError::Output(io::ErrorKind::StorageFull.into());
        assert_eq!(full.exit(), Exit::Failed);
    }

    #[test]
    fn a_message_names_its_causes_once() {
        let error = CliError::because(Exit::TryAgain, io::Error::other("no answer"));
        assert_eq!(
            (error.message().as_str(), error.exit()),
            ("no answer", Exit::TryAgain)
        );
        let error = CliError::System {
            doing: "listen on 127.0.0.1:1".to_owned(),
            source: io::Error::other("taken"),
        };
        assert_eq!(error.message(), "cannot listen on 127.0.0.1:1: taken");
    }
}
