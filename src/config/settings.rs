//! The settings of the daemon, typed and checked.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use jiff::tz::TimeZone;
use secrecy::SecretString;

use crate::domain::definition::SyncDefinition;
use crate::domain::ids::{AccountName, SyncId};
use crate::domain::limits::LimitValues;
use crate::domain::unknown::Unknown;

/// Everything the files and the environment say.
#[derive(Debug, Clone)]
pub struct Config {
    /// The `rosterd.toml` it came from.
    pub path: PathBuf,
    /// Zone of the limits' days and months, and of dates without a time.
    pub timezone: TimeZone,
    /// Folder of the ledger, counters and checkpoints.
    pub state_dir: PathBuf,
    /// Folder of the journal and the ignored contacts.
    pub history_dir: PathBuf,
    /// The control socket of the daemon.
    pub control: PathBuf,
    /// The `[log]` table.
    pub log: Log,
    /// The `[history]` table.
    pub history: History,
    /// The `[limits]` table.
    pub limits: LimitValues,
    /// The `[safety]` table.
    pub safety: Safety,
    /// `retry.give_up_after`: how long calls may fail in a row before the run fails.
    pub give_up_after: Duration,
    /// The `[screening]` table: further role addresses, lower case.
    pub group_emails: Vec<String>,
    /// Whether the built-in role addresses count too.
    pub builtin_group_emails: bool,
    /// The accounts by name; at least one.
    pub accounts: BTreeMap<AccountName, Account>,
    /// The syncs by id.
    pub syncs: BTreeMap<SyncId, SyncDefinition>,
}

impl Config {
    /// The sync of this name.
    ///
    /// # Errors
    /// [`Unknown`], which lists those that exist.
    pub fn sync_named(&self, asked: &str) -> Result<SyncId, Unknown> {
        let mut syncs = self.syncs.keys();
        let found = syncs.find(|sync| sync.as_str() == asked).cloned();
        found.ok_or_else(|| Unknown {
            what: "sync".into(),
            asked: asked.to_owned(),
            existing: self.syncs.keys().map(ToString::to_string).collect(),
        })
    }

    /// The syncs of the account of this name.
    ///
    /// # Errors
    /// [`Unknown`], which lists those that exist.
    pub fn syncs_of(&self, asked: &str) -> Result<Vec<SyncId>, Unknown> {
        if !self.accounts.keys().any(|name| name.as_str() == asked) {
            return Err(Unknown {
                what: "account".into(),
                asked: asked.to_owned(),
                existing: self.accounts.keys().map(ToString::to_string).collect(),
            });
        }
        let syncs = self.syncs.values();
        let of_account = syncs.filter(|it| it.account.as_str() == asked);
        Ok(of_account.map(|it| it.id.clone()).collect())
    }
}

/// The `[log]` table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// A level or filter directives.
    pub level: String,
    /// How lines look.
    pub format: LogFormat,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// journald under systemd, text on a terminal, else JSON.
    Auto,
    /// To the systemd journal.
    Journald,
    /// One JSON object per line.
    Json,
    /// For people.
    Text,
}

/// The `[history]` table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct History {
    /// Size in MiB above which the journal is rotated.
    pub rotate_mib: u64,
    /// How many rotated journals are kept.
    pub keep_rotated: u32,
    /// How many days files of ignored contacts are kept.
    pub keep_ignored_days: u32,
}

/// The `[safety]` table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Safety {
    /// Removals above which a run is held.
    pub max_removals: RemovalBound,
    /// Removals that are never held.
    pub min_removals: u64,
    /// Age at which a suppression snapshot no longer clears anyone.
    pub suppression_max_age: Duration,
}

/// A share of what the sync has on the list, or a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemovalBound {
    /// Hundredths of a per cent: `"10%"` is 1000.
    Share(u32),
    /// Contacts.
    Contacts(u64),
}

/// One account.
#[derive(Debug, Clone)]
pub struct Account {
    /// Its name.
    pub name: AccountName,
    /// Data centre, e.g. `com`, `eu`.
    pub data_center: String,
    /// OAuth client id.
    pub client_id: String,
    /// OAuth client secret.
    pub client_secret: SecretString,
    /// OAuth refresh token.
    pub refresh_token: SecretString,
    /// Zoho's service key; when it changes, the account's syncs have to be activated again.
    pub zsc_key: Option<SecretString>,
    /// Most calls to the CRM at once.
    pub crm_concurrency: usize,
    /// Most calls to Campaigns at once.
    pub campaigns_concurrency: usize,
    /// Whether Campaigns uses the topic model, in which an unsubscribe counts for the whole organisation.
    pub topics: bool,
    /// How calls are paced.
    pub pace: Pace,
    /// Host of Zoho Accounts where it is not the data centre's own.
    pub accounts_url: Option<String>,
    /// Host of the CRM.
    pub crm_url: Option<String>,
    /// Host of Campaigns.
    pub campaigns_url: Option<String>,
}

/// How calls are paced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pace {
    /// The limits the service documents.
    Documented,
    /// Not at all.
    Off,
    /// The documented limits, but for the methods named here: windows of (calls, length).
    Table(BTreeMap<String, Vec<(u32, Duration)>>),
}
