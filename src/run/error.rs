//! Why a run did not start, or did not complete.

use crate::clock::ClockError;
use crate::config::Problem;
use crate::domain::activation::Inactivity;
use crate::domain::ids::{AccountName, FieldPath, ModuleName, RecordId, RunId, SyncId};
use crate::domain::limits::Refused;
use crate::journal::JournalError;
use crate::journal::event::ErrorKind;
use crate::store::StoreError;
use crate::zoho::campaigns::CampaignsError;
use crate::zoho::crm::CrmError;
use crate::zoho::oauth::OauthError;
use crate::zoho::pacer::Unkept;

/// Why a run did not start, or did not complete.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The CRM could not be read.
    #[error(transparent)]
    Crm(CrmError),
    /// Campaigns could not be read or written.
    #[error(transparent)]
    Campaigns(CampaignsError),
    /// The account's credentials give no token.
    #[error(transparent)]
    Oauth(#[from] OauthError),
    /// The list's suppressions could not be read, so nobody was added or updated.
    #[error(
        "the suppressions of the list could not be read, so nobody was added or updated; the next run makes up for it"
    )]
    Suppressions(#[source] Option<CampaignsError>),
    /// The stores failed; the process has to start anew.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is too little room on the disk to start a run; nothing has failed.
    #[error(transparent)]
    NoRoom(StoreError),
    /// The journal failed.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The definition does not fit what the services have.
    #[error(
        "the definition of {sync} does not fit what the services have: {}",
        told(problems)
    )]
    Definition {
        /// The sync.
        sync: SyncId,
        /// Each problem, with its place in the file.
        problems: Vec<Problem>,
    },
    /// The CRM answers without the field that says who opted out.
    #[error(
        "the CRM answers without `{field}` of module {module}, so that nobody can be told who opted out; give the token's user the right to see it"
    )]
    OptOutsHidden {
        /// The module.
        module: ModuleName,
        /// The field.
        field: FieldPath,
    },
    /// This machine's clock is wrong.
    #[error(transparent)]
    Clock(#[from] ClockError),
    /// A limit is reached.
    #[error(transparent)]
    Limit(#[from] Refused),
    /// The sync is not active.
    #[error("sync {sync} is inactive: {}", why.remedy(sync, account))]
    Inactive {
        /// The sync.
        sync: SyncId,
        /// Its account.
        account: AccountName,
        /// Why it is not.
        why: Inactivity,
    },
    /// The credentials of an account belong to another organisation than before.
    #[error(
        "the credentials of account {account} open organisation {now} and no longer {before}, so its syncs are inactive: mend `refresh_token`, or, if that is meant, `rosterd activate --account {account}`"
    )]
    Organisation {
        /// The account.
        account: AccountName,
        /// Id of the organisation that they opened before.
        before: String,
        /// Id of the one that they open now.
        now: String,
    },
    /// Contacts that were added are suppressed.
    #[error(
        "{}, which Campaigns does not tell; nobody of them is added again; see `rosterd history --run {run} --ignored` and the log",
        alarm(*.alarms)
    )]
    Audit {
        /// How many.
        alarms: u64,
        /// The run that found them.
        run: RunId,
    },
    /// What a sync selects is not known, as no run has read it.
    #[error(
        "sync {0} has not run as it is defined now, so what it selects is not known: start `rosterd sync {0}` first"
    )]
    NotRead(SyncId),
    /// No opted-out record blocks the address.
    #[error(
        "no record that opted out blocks this address; unsubscribes and bounces in Campaigns cannot be lifted, and whoever opts in again in the CRM is added where the sync says `opted_in_again = \"add\"`"
    )]
    NotBlocked,
    /// Somebody decided on a hold before, or a process that died right after it.
    #[error("run {0} holds nothing any more: `rosterd history --run {0}` says what was decided")]
    Decided(RunId),
    /// The record that opted out is still there.
    #[error(
        "record {record} of {module} still has this address: take its opt-out back in the CRM, and the next run frees the address"
    )]
    StillThere {
        /// Its module.
        module: ModuleName,
        /// The record.
        record: RecordId,
    },
    /// The counts of the run do not add up.
    #[error(
        "the counts of the run do not add up: {total} records taken up, {settled} with an outcome; please report this"
    )]
    Sums {
        /// Records taken up.
        total: u64,
        /// Records with an outcome.
        settled: u64,
    },
    /// Contacts could not be unsubscribed; the next run tries again.
    #[error(
        "{refused} {} could not be unsubscribed ({detail}); the next run tries again",
        if *.refused == 1 { "contact" } else { "contacts" }
    )]
    NotTakenOff {
        /// How many.
        refused: u64,
        /// The last refusal's code and text.
        detail: String,
    },
    /// rosterd is being stopped; the run goes on at the next start.
    #[error(
        "stopped before the end; the run goes on at the next start of rosterd, with `sync` or as a daemon"
    )]
    Stopped,
}

/// Budgets that cannot be kept say nothing of the service: the stores failed.
impl From<CrmError> for RunError {
    fn from(error: CrmError) -> Self {
        error.into_unkept().map_or_else(Self::Crm, Self::unkept)
    }
}

/// The same.
impl From<CampaignsError> for RunError {
    fn from(error: CampaignsError) -> Self {
        error
            .into_unkept()
            .map_or_else(Self::Campaigns, Self::unkept)
    }
}

impl RunError {
    fn unkept(why: Unkept) -> Self {
        let why = why.downcast::<StoreError>();
        Self::Store(*why.expect("the ledger keeps what is used of the budgets, and nothing else"))
    }

    /// The kind that the journal carries.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Crm(error) => ErrorKind::of(&error.failure()),
            Self::Campaigns(error) => ErrorKind::of(&error.failure()),
            Self::Oauth(error) => ErrorKind::of(&error.failure()),
            Self::Suppressions(_) => ErrorKind::NotCleared,
            Self::Store(_) | Self::NoRoom(_) | Self::Journal(_) => ErrorKind::State,
            Self::Definition { .. } | Self::OptOutsHidden { .. } => ErrorKind::Configuration,
            Self::Clock(_) => ErrorKind::Clock,
            Self::Audit { .. } => ErrorKind::Audit,
            Self::Sums { .. } => ErrorKind::SumsDisagree,
            Self::NotTakenOff { .. } => ErrorKind::Refused,
            Self::Limit(_)
            | Self::Inactive { .. }
            | Self::Organisation { .. }
            | Self::NotRead(_)
            | Self::NotBlocked
            | Self::Decided(_)
            | Self::StillThere { .. }
            | Self::Stopped => ErrorKind::Other,
        }
    }

    /// The message for the journal and for people: what failed, and what lies beneath.
    #[must_use]
    pub fn message(&self) -> String {
        let mut message = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(cause) = source {
            let cause_text = cause.to_string();
            if !message.ends_with(&cause_text) {
                message.push_str(": ");
                message.push_str(&cause_text);
            }
            source = cause.source();
        }
        message
    }

    /// Whether the run can be written down as failed; otherwise the process has to start anew, or the run goes on.
    #[must_use]
    pub(crate) fn ends_the_run(&self) -> bool {
        match self {
            Self::Crm(_)
            | Self::Campaigns(_)
            | Self::Oauth(_)
            | Self::Suppressions(_)
            | Self::Definition { .. }
            | Self::OptOutsHidden { .. }
            | Self::Clock(_)
            | Self::Audit { .. }
            | Self::Sums { .. }
            | Self::NotTakenOff { .. } => true,
            Self::Store(_)
            | Self::NoRoom(_)
            | Self::Journal(_)
            | Self::Limit(_)
            | Self::Inactive { .. }
            | Self::Organisation { .. }
            | Self::NotRead(_)
            | Self::NotBlocked
            | Self::Decided(_)
            | Self::StillThere { .. }
            | Self::Stopped => false,
        }
    }
}

/// How many of those added are suppressed, and what that may mean.
fn alarm(alarms: u64) -> String {
    match alarms {
        1 => "1 contact that was added is unsubscribed or bounced in Campaigns now: it was when it was added, or has left since".to_owned(),
        _ => format!(
            "{alarms} contacts that were added are unsubscribed or bounced in Campaigns now: they were when they were added, or have left since"
        ),
    }
}

/// The problems in one line each, for logs and the journal.
fn told(problems: &[Problem]) -> String {
    let one = |problem: &Problem| {
        let place = match problem.line {
            Some(line) => format!("{}:{line}: ", problem.file),
            None => String::new(),
        };
        let help = problem
            .help
            .as_ref()
            .map(|help| format!(" ({help})"))
            .unwrap_or_default();
        format!("{place}{}{help}", problem.message)
    };
    problems.iter().map(one).collect::<Vec<_>>().join("; ")
}
