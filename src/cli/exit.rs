//! How a command ends: one exit code per meaning, decided here and nowhere else.

use std::error::Error;
use std::fmt;
use std::io;
use std::process::ExitCode;

use crate::config::Problems;
use crate::domain::nearest::{did_you_mean, nearest};
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

/// Something that was named and does not exist, and what does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// What kind of thing, e.g. `sync`.
    pub what: &'static str,
    /// The name.
    pub asked: String,
    /// The names there are; the last are the newest.
    pub existing: Vec<String>,
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN_MAX: usize = 20;
        let asked = super::report::escape(&self.asked);
        write!(f, "there is no {} `{asked}`", self.what)?;
        let names = self.existing.iter().map(String::as_str);
        // Ids of runs look alike without being meant.
        let slip = nearest(&self.asked, names).filter(|_| self.what == "sync");
        if let Some(proposal) = did_you_mean(slip) {
            return write!(f, ": {proposal}");
        }
        let older = self.existing.len().saturating_sub(SHOWN_MAX);
        match &self.existing[older..] {
            [] => write!(f, ": there is none yet"),
            shown if older == 0 => write!(f, ": use one of {}", shown.join(", ")),
            shown => write!(
                f,
                ": use one of {} or of {older} before them",
                shown.join(", ")
            ),
        }
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
    fn the_message_of_an_unknown_name_lists_those_that_exist() {
        let many = || (0..25).map(|number| format!("r{number}"));
        for (existing, want) in [
            (vec![], "there is no run `x\\n`: there is none yet"),
            (
                vec!["a".to_owned(), "b".to_owned()],
                "there is no run `x\\n`: use one of a, b",
            ),
        ] {
            let unknown = Unknown {
                what: "run",
                asked: "x\n".to_owned(),
                existing,
            };
            assert_eq!(unknown.to_string(), want);
        }
        let unknown = Unknown {
            what: "sync",
            asked: "newslettr".to_owned(),
            existing: vec!["hotels".to_owned(), "newsletter".to_owned()],
        };
        assert_eq!(
            unknown.to_string(),
            "there is no sync `newslettr`: did you mean `newsletter`?"
        );
        let unknown = Unknown {
            what: "run",
            asked: "x".to_owned(),
            existing: many().collect(),
        };
        let text = unknown.to_string();
        assert!(text.contains("use one of r5, ") && text.ends_with("r24 or of 5 before them"));
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
