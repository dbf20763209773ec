//! What the trees hold. Each type is frozen once released; instants are milliseconds since the Unix epoch.

use serde::{Deserialize, Serialize};

use crate::domain::activation::{Holds, Inactivity};
use crate::domain::ids::{AccountName, RunId};
use crate::domain::limits::Trigger;
use crate::domain::outcome::RunOutcome;
use crate::store::format::{FormatError, Stored, payload_of};

/// What is kept of a sync between its runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    /// When the definition was first seen (milliseconds since the epoch, as all instants here).
    pub(crate) first_seen: i64,
    /// Digest of what the last completed or held run selected and mapped.
    pub(crate) definition: [u8; 16],
    /// The service's clock up to which records have been read.
    pub(crate) cursor: Option<i64>,
    /// The service's clock of the last full run.
    pub(crate) last_full: Option<i64>,
    /// How many runs were completed or held.
    pub(crate) completed: u64,
    /// The run under way, or interrupted.
    pub(crate) running: Option<Running>,
    /// The last run that ended.
    pub(crate) last: Option<LastRun>,
    /// Contacts that this sync has on the list.
    pub(crate) on_list: u64,
    /// The ledger's number of the last completed or held run: what it read is settled.
    pub(crate) settled_by: u32,
}

impl Stored for Checkpoint {
    const KIND: u8 = 100;
    const SCHEMA: u8 = 1;
}

/// A run that was started and has not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Running {
    /// Its id.
    pub(crate) run: RunId,
    /// The account of its sync.
    pub(crate) account: AccountName,
    /// Digest of what it selects and maps.
    pub(crate) definition: [u8; 16],
    /// Who or what started it.
    pub(crate) trigger: Trigger,
    /// Whether it reads everything.
    pub(crate) full: bool,
    /// When it started.
    pub(crate) started: i64,
}

impl Running {
    /// A digest that no definition has: the run was under way when a backup was put back, and is given up.
    pub(crate) const RESTORED: [u8; 16] = [0xff; 16];
}

/// How the last run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LastRun {
    /// Its id.
    pub(crate) run: RunId,
    /// How it ended.
    pub(crate) outcome: RunOutcome,
    /// When it ended.
    pub(crate) at: i64,
    /// Its message, if it failed.
    pub(crate) error: Option<String>,
}

/// What is kept of a sync's schedule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Handled {
    /// The last occurrence that was run, deferred or skipped.
    pub(crate) last: Option<i64>,
    /// Since when the schedule is as it is.
    pub(crate) since: i64,
    /// Digest of the schedule.
    pub(crate) schedule: [u8; 16],
}

impl Stored for Handled {
    const KIND: u8 = 101;
    const SCHEMA: u8 = 1;
}

/// How often something was done in a period.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counter(pub(crate) u64);

impl Stored for Counter {
    const KIND: u8 = 102;
    const SCHEMA: u8 = 1;
}

/// The layout of the trees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Version(pub(crate) u32);

impl Stored for Version {
    const KIND: u8 = 103;
    const SCHEMA: u8 = 1;
}

/// Which ledger the checkpoints belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LedgerMark(pub(crate) [u8; 16]);

impl Stored for LedgerMark {
    const KIND: u8 = 104;
    const SCHEMA: u8 = 1;
}

/// Whether a sync is active, as it was last settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Standing {
    /// The account it was of.
    pub(crate) account: AccountName,
    /// When its file was first seen.
    pub(crate) first_seen: i64,
    /// What holds it, until a person activates it.
    pub(crate) held: Holds,
    /// Why it is not active; none where it is.
    pub(crate) inactive: Option<Inactivity>,
}

impl Stored for Standing {
    const KIND: u8 = 105;
    const SCHEMA: u8 = 2;

    fn upgrade(schema: u8, payload: &[u8]) -> Result<Self, FormatError> {
        match schema {
            // It knew neither of the last variants of `AccountHold` and `Inactivity`.
            1 => payload_of(payload),
            other => Err(FormatError::UnknownSchema(other)),
        }
    }
}

/// What is known of an account's credentials; of secrets there are digests only.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Credentials {
    /// The last service key.
    pub(crate) key: Option<[u8; 16]>,
    /// Whether that key is not in the files any more.
    pub(crate) key_gone: bool,
    /// The organisation that was seen last.
    pub(crate) organisation: Option<String>,
    /// The one before, until a person has activated a sync with that one: nothing is done in it before.
    pub(crate) left: Option<String>,
    /// The credentials by which it was asked for.
    pub(crate) asked_by: [u8; 16],
    /// When it was asked for.
    pub(crate) asked_at: Option<i64>,
}

impl Stored for Credentials {
    const KIND: u8 = 106;
    const SCHEMA: u8 = 1;
}

/// An event that the journal may not have yet: stored together with what it tells of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Untold {
    /// When it happened.
    pub(crate) at: i64,
    /// It, as the journal's JSON.
    pub(crate) event: String,
}

impl Stored for Untold {
    const KIND: u8 = 107;
    const SCHEMA: u8 = 1;
}
