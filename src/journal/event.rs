//! What the journal tells, as values: every event has one shape, whose JSON keys come in a fixed order.
//!
//! The shapes are a promise to other programs (interface, section 3): a key is never renamed or moved, new ones may be
//! added. No event carries an address or the name of a person; whoever fills [`RunError::message`] answers for that.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};

use crate::domain::activation::Inactivity;
use crate::domain::failure::Failure;
use crate::domain::ids::{AccountName, RunId, SyncId};
use crate::domain::limits::Trigger;
use crate::domain::outcome::{Counts, RunOutcome};

/// Something that happened to a run, a sync or the configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event")]
pub enum Event {
    /// A run made its first call for records, and counts.
    #[serde(rename = "run.started")]
    RunStarted(RunStarted),
    /// A run ended; a reader meets this once per run.
    #[serde(rename = "run.finished")]
    RunFinished(Box<RunFinished>),
    /// A run left removals for a person to approve or discard.
    #[serde(rename = "run.held")]
    RunHeld(RunHeld),
    /// A person let held removals be carried out.
    #[serde(rename = "run.approved")]
    RunApproved(RunApproved),
    /// A person dropped held removals.
    #[serde(rename = "run.discarded")]
    RunDiscarded(RunDiscarded),
    /// An occurrence did not run, because a limit is used up.
    #[serde(rename = "run.deferred")]
    RunDeferred(RunDeferred),
    /// An occurrence did not run, for another reason.
    #[serde(rename = "run.skipped")]
    RunSkipped(RunSkipped),
    /// An interrupted run goes on.
    #[serde(rename = "run.resumed")]
    RunResumed(RunResumed),
    /// A run waits for so long that others have its turn; it goes on by itself.
    #[serde(rename = "run.parked")]
    RunParked(RunParked),
    /// A person lifted the block of an address whose opted-out record is gone.
    #[serde(rename = "address.released")]
    AddressReleased(AddressReleased),
    /// A person was erased.
    #[serde(rename = "address.forgotten")]
    AddressForgotten(AddressForgotten),
    /// A sync became active.
    #[serde(rename = "sync.activated")]
    SyncActivated(SyncActivated),
    /// A sync became inactive.
    #[serde(rename = "sync.deactivated")]
    SyncDeactivated(SyncDeactivated),
    /// The service key of an account changed or went away.
    #[serde(rename = "account.key_changed")]
    AccountKeyChanged(AccountKeyChanged),
    /// The credentials of an account belong to another organisation than before.
    #[serde(rename = "account.organisation_changed")]
    AccountOrganisationChanged(AccountOrganisationChanged),
    /// A new set of files took over.
    #[serde(rename = "config.reloaded")]
    ConfigReloaded(ConfigReloaded),
    /// A backup was put back.
    #[serde(rename = "state.restored")]
    StateRestored(StateRestored),
}

impl Event {
    /// The names of the events that this version reads in full.
    pub const NAMES: [&str; 17] = [
        "run.started",
        "run.finished",
        "run.held",
        "run.approved",
        "run.discarded",
        "run.deferred",
        "run.skipped",
        "run.resumed",
        "run.parked",
        "address.released",
        "address.forgotten",
        "sync.activated",
        "sync.deactivated",
        "account.key_changed",
        "account.organisation_changed",
        "config.reloaded",
        "state.restored",
    ];
}

/// See [`Event::RunStarted`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunStarted {
    /// The run.
    pub run: RunId,
    /// Its sync.
    pub sync: SyncId,
    /// The sync's account.
    pub account: AccountName,
    /// Why it began.
    pub trigger: Trigger,
    /// Whether it reads everything.
    pub full: bool,
}

/// See [`Event::RunFinished`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunFinished {
    /// The run.
    pub run: RunId,
    /// Its sync.
    pub sync: SyncId,
    /// The sync's account.
    pub account: AccountName,
    /// Why it began.
    pub trigger: Trigger,
    /// How it ended.
    pub outcome: RunOutcome,
    /// Whether it read everything.
    pub full: bool,
    /// Where its window begins; none in a full run.
    #[serde(with = "optional_time")]
    pub from: Option<Timestamp>,
    /// Where its window ends; none if it failed before it knew.
    #[serde(with = "optional_time")]
    pub to: Option<Timestamp>,
    /// What it counted.
    #[serde(flatten)]
    pub counts: Counts,
    /// What it cost in the CRM.
    pub crm: CrmCost,
    /// What it cost in Campaigns.
    pub campaigns: CampaignsCost,
    /// How long it took, in milliseconds, interruptions included.
    pub elapsed_ms: u64,
    /// Why it failed.
    pub error: Option<RunError>,
    /// What its audit found; left out where it found nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<Audit>,
}

/// What the audit of a run found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    /// Contacts that were added and are suppressed.
    pub alarms: u64,
}

/// Requests sent to the CRM, retries included, and the credits they cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrmCost {
    /// Requests.
    pub calls: u64,
    /// Credits.
    pub credits: u64,
}

/// Requests sent to Campaigns, retries included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignsCost {
    /// Requests.
    pub calls: u64,
}

/// Why a run failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunError {
    /// For programs.
    pub kind: ErrorKind,
    /// For people: what was attempted on which thing, and the remedy. Never an address or a secret.
    pub message: String,
}

/// The kinds of failure that programs may want to tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// A service did not answer as itself.
    Unreachable,
    /// A service asked to slow down for too long.
    Throttled,
    /// Credentials or scopes are refused.
    CredentialsRefused,
    /// A file names something that does not exist or is not allowed.
    Configuration,
    /// The account at the provider cannot take more, or is shut.
    AccountClosed,
    /// A call that matters to the whole run was refused.
    Refused,
    /// The suppressions could not be read, so nobody was added.
    NotCleared,
    /// The read ended early or shrank past the safety bound.
    ReadCut,
    /// The counts do not add up.
    SumsDisagree,
    /// Contacts that were added are suppressed.
    Audit,
    /// The clock of the machine is wrong.
    Clock,
    /// The state on disk could not be read or written.
    State,
    /// Anything else, also kinds of later versions.
    #[serde(other)]
    Other,
}

impl ErrorKind {
    /// All kinds.
    const ALL: [Self; 13] = [
        Self::Unreachable,
        Self::Throttled,
        Self::CredentialsRefused,
        Self::Configuration,
        Self::AccountClosed,
        Self::Refused,
        Self::NotCleared,
        Self::ReadCut,
        Self::SumsDisagree,
        Self::Audit,
        Self::Clock,
        Self::State,
        Self::Other,
    ];

    /// The kind of a failed call.
    #[must_use]
    pub fn of(failure: &Failure) -> Self {
        match failure {
            Failure::Unreachable | Failure::Busy => Self::Unreachable,
            Failure::Throttled { .. } => Self::Throttled,
            Failure::TokenExpired | Failure::CredentialsRefused => Self::CredentialsRefused,
            Failure::Configuration => Self::Configuration,
            Failure::AccountClosed => Self::AccountClosed,
            Failure::Refused => Self::Refused,
        }
    }

    /// The kind of this name; `Other` for one that is not known.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == name)
            .unwrap_or(Self::Other)
    }

    /// The name in the journal.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Throttled => "throttled",
            Self::CredentialsRefused => "credentials_refused",
            Self::Configuration => "configuration",
            Self::AccountClosed => "account_closed",
            Self::Refused => "refused",
            Self::NotCleared => "not_cleared",
            Self::ReadCut => "read_cut",
            Self::SumsDisagree => "sums_disagree",
            Self::Audit => "audit",
            Self::Clock => "clock",
            Self::State => "state",
            Self::Other => "other",
        }
    }
}

/// See [`Event::RunHeld`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunHeld {
    /// The run under which they wait.
    pub run: RunId,
    /// Its sync.
    pub sync: SyncId,
    /// The sync's account.
    pub account: AccountName,
    /// Contacts whose removal waits now, under this run.
    pub removals: u64,
    /// The bound they are above.
    pub bound: u64,
    /// The later run whose own removals joined them; left out by the run that held the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined_by: Option<RunId>,
}

impl RunHeld {
    /// The run whose removals these are, or are among them.
    #[must_use]
    pub fn by(&self) -> RunId {
        self.joined_by.unwrap_or(self.run)
    }
}

/// See [`Event::RunApproved`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunApproved {
    /// The run that held them.
    pub run: RunId,
    /// Its sync.
    pub sync: SyncId,
    /// The sync's account.
    pub account: AccountName,
    /// Contacts taken off the list.
    pub deleted: u64,
}

/// See [`Event::RunDiscarded`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunDiscarded {
    /// The run that held them.
    pub run: RunId,
    /// Its sync.
    pub sync: SyncId,
    /// The sync's account.
    pub account: AccountName,
    /// Removals that are dropped until their records change.
    pub removals: u64,
}

/// See [`Event::RunDeferred`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunDeferred {
    /// The sync.
    pub sync: SyncId,
    /// The sync's account.
    pub account: AccountName,
    /// Name of the limit.
    pub reason: DeferReason,
    /// When the sync runs next.
    #[serde(with = "optional_time")]
    pub next: Option<Timestamp>,
    /// What a service said, or rosterd's own pacing; left out where a limit of `rosterd.toml` deferred it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<RunError>,
}

/// What deferred a run: a limit by its name in `rosterd.toml`, or one of the services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeferReason {
    /// Runs started this day.
    RunsPerDay,
    /// First runs, and runs by a person, this month.
    InitiationsPerMonth,
    /// Full re-imports by a person this day.
    ResyncsPerDay,
    /// Full re-imports by a person this month.
    ResyncsPerMonth,
    /// See [`ParkReason::Budget`].
    Budget,
    /// See [`ParkReason::Refused`].
    Refused,
}

impl DeferReason {
    /// The name in journal, JSON and tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RunsPerDay => "runs_per_day",
            Self::InitiationsPerMonth => "initiations_per_month",
            Self::ResyncsPerDay => "resyncs_per_day",
            Self::ResyncsPerMonth => "resyncs_per_month",
            Self::Budget => "budget",
            Self::Refused => "refused",
        }
    }
}

/// See [`Event::RunSkipped`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunSkipped {
    /// The sync.
    pub sync: SyncId,
    /// The sync's account.
    pub account: AccountName,
    /// Why not.
    pub reason: SkipReason,
    /// When the sync runs next.
    #[serde(with = "optional_time")]
    pub next: Option<Timestamp>,
    /// What kept its run from starting; left out where nothing did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<RunError>,
}

/// Why an occurrence did not run, limits apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// The sync's last run had not ended.
    Running,
    /// Nothing ran at its time, and the sync does not catch up.
    Missed,
    /// Its run could not start: no token, or a definition that does not fit.
    NotStarted,
}

impl SkipReason {
    /// The name in journal and JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Missed => "missed",
            Self::NotStarted => "not_started",
        }
    }
}

/// See [`Event::RunResumed`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunResumed {
    /// The run.
    pub run: RunId,
    /// Its sync.
    pub sync: SyncId,
    /// The sync's account.
    pub account: AccountName,
}

/// See [`Event::RunParked`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunParked {
    /// The run.
    pub run: RunId,
    /// Its sync.
    pub sync: SyncId,
    /// The sync's account.
    pub account: AccountName,
    /// Why.
    pub reason: ParkReason,
    /// When it goes on at the latest; it looks after opt-outs at each time of its schedule before.
    pub until: Timestamp,
    /// Records that wait for their outcome; left out before all are read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<u64>,
    /// For people: which call has to wait, and for what.
    pub message: String,
}

/// Why a run waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParkReason {
    /// More calls would go beyond the account's `pace`.
    Budget,
    /// The service refuses further calls for now.
    Refused,
}

impl ParkReason {
    /// The name in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Budget => "budget",
            Self::Refused => "refused",
        }
    }
}

/// See [`Event::AddressReleased`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressReleased {
    /// The account in which it was blocked.
    pub account: AccountName,
    /// What the person said; never with an address.
    pub reason: String,
}

/// See [`Event::AddressForgotten`]. It says nothing of who that was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressForgotten {
    /// Lists of all accounts from which the contact was taken off.
    pub unsubscribed: u64,
}

/// See [`Event::SyncActivated`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SyncActivated {
    /// The sync.
    pub sync: SyncId,
    /// Its account.
    pub account: AccountName,
}

/// See [`Event::SyncDeactivated`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SyncDeactivated {
    /// The sync.
    pub sync: SyncId,
    /// Its account.
    pub account: AccountName,
    /// Why.
    pub reason: Inactivity,
}

/// See [`Event::AccountKeyChanged`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountKeyChanged {
    /// The account.
    pub account: AccountName,
    /// Whether there is no key any more.
    pub gone: bool,
}

/// See [`Event::AccountOrganisationChanged`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountOrganisationChanged {
    /// The account.
    pub account: AccountName,
    /// Id of the organisation that its credentials opened before.
    pub before: String,
    /// Id of the one that they open now.
    pub now: String,
}

/// See [`Event::ConfigReloaded`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConfigReloaded {
    /// Accounts now known.
    pub accounts: u64,
    /// Syncs now known.
    pub syncs: u64,
    /// Syncs that are new.
    #[serde(default)]
    pub added: Vec<SyncId>,
    /// Syncs whose files are gone.
    #[serde(default)]
    pub removed: Vec<SyncId>,
    /// Syncs whose definitions changed.
    #[serde(default)]
    pub changed: Vec<SyncId>,
    /// Accounts that are new, gone or changed.
    #[serde(default)]
    pub accounts_changed: Vec<AccountName>,
    /// Other keys and tables of `rosterd.toml` that changed.
    #[serde(default)]
    pub settings_changed: Vec<String>,
}

/// See [`Event::StateRestored`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateRestored {
    /// When the backup was made.
    #[serde(with = "time")]
    pub made: Timestamp,
    /// The rosterd that made it.
    pub version: String,
    /// Whether something of what was there could not be read, so that every sync is inactive until it is activated.
    pub in_doubt: bool,
}

/// Instants in RFC 3339, UTC, with exactly three decimals.
pub(super) mod time {
    use super::Timestamp;

    pub(in crate::journal) fn serialize<S: serde::Serializer>(
        at: &Timestamp,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{at:.3}"))
    }

    pub(super) fn deserialize<'de, D: super::Deserializer<'de>>(
        from: D,
    ) -> Result<Timestamp, D::Error> {
        super::Deserialize::deserialize(from)
    }
}

/// The same, or null.
mod optional_time {
    use super::{Deserialize, Deserializer, Timestamp};

    pub(super) fn serialize<S: serde::Serializer>(
        at: &Option<Timestamp>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match at {
            Some(at) => super::time::serialize(at, to),
            None => to.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        Option::deserialize(from)
    }
}
