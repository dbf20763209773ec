//! What goes over the control socket: JSON in both directions, a line each where an answer comes in parts.
//!
//! Both ends are of one package, so the shapes are no promise; a daemon of another version says so in its [`Hello`].

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::config::settings::Config;
use crate::daemon::HoldVerdict;
use crate::daemon::reload::Fingerprints;
use crate::domain::ids::{RunId, SyncId};
use crate::domain::unknown::Unknown;
use crate::run::Progress;
use crate::run::standings::Wanted;
use crate::run::witness::Person;
use crate::store::mirror::Snapshot;

/// Who answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Hello {
    /// The daemon's version.
    pub(crate) version: String,
    /// The state that it holds.
    pub(crate) state_dir: PathBuf,
}

/// How things stand.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Standing {
    /// All that is kept of runs, schedules and limits.
    pub(crate) kept: Snapshot,
    /// The files that the daemon goes by.
    pub(crate) files: Fingerprints,
}

/// Asks for a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AskRun {
    pub(crate) sync: String,
    pub(crate) full: bool,
}

/// Asks what a run would do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AskPlan {
    pub(crate) sync: String,
    pub(crate) full: bool,
    pub(crate) people: bool,
}

/// Asks why an address is on the lists or not.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AskWhy {
    pub(crate) address: String,
    pub(crate) sync: Option<String>,
    pub(crate) telling: Telling,
}

/// How an answer for people is to be worded.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Telling {
    /// As a JSON document.
    pub(crate) json: bool,
    /// With colours of a terminal.
    pub(crate) colour: bool,
}

/// Settles what a run held.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AskHold {
    pub(crate) sync: SyncId,
    pub(crate) run: RunId,
    pub(crate) verdict: HoldVerdict,
}

/// Adopts contacts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AskAdopt {
    pub(crate) sync: String,
}

/// Releases an address.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AskRelease {
    pub(crate) address: String,
    pub(crate) reason: String,
}

/// Erases a person.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AskForget {
    pub(crate) address: String,
}

/// Activates or deactivates.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AskSet {
    pub(crate) whom: Whom,
    pub(crate) wanted: Wanted,
}

/// Syncs that are meant.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Whom {
    /// These.
    Syncs(Vec<String>),
    /// All of an account.
    Account(String),
}

impl Whom {
    /// The syncs, as the files have them.
    ///
    /// # Errors
    /// [`Unknown`]: a name that they do not have.
    pub(crate) fn in_files(&self, config: &Config) -> Result<Vec<SyncId>, Unknown> {
        match self {
            Self::Account(account) => config.syncs_of(account),
            Self::Syncs(named) => {
                let mut syncs = Vec::new();
                for named in named {
                    let sync = config.sync_named(named)?;
                    if !syncs.contains(&sync) {
                        syncs.push(sync);
                    }
                }
                Ok(syncs)
            }
        }
    }
}

/// A line of an answer that comes in parts.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Line<T> {
    /// How far it is.
    Progress(Progress),
    /// A person that a plan is about.
    Person(Person),
    /// It is done.
    Done(T),
    /// It is not going to be.
    Not(crate::daemon::answer::AskError),
}
