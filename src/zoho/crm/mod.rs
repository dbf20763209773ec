//! Zoho CRM, version 8: records by COQL, page token or bulk file, deleted records, metadata. Only ever reads.
//!
//! Pages are asked for one at a time and nothing is kept between them, so that memory does not grow with the module;
//! every page carries the service's clock, by which callers move their cursors. The query text is made in [`coql`], what
//! is on the wire stands in `wire`.

mod answer;
pub mod bulk;
pub mod coql;
mod deleted;
mod error;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod metadata;
mod reader;
mod records;
#[cfg(test)]
pub(crate) mod tests;
mod views;
mod walk;
mod wire;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

pub use self::deleted::DeletedPage;
pub use self::error::{CrmError, UnreadableError};
pub use self::metadata::{Module, Organisation};
pub use self::records::RecordPage;
pub use self::views::View;
pub use self::walk::{Converted, TokenPage};
use super::channel::{Call, Channel};
use super::http::{Answer, Client, Request};
use super::meter::{Meter, Price};
use super::oauth::{OauthError, Tokens};
use super::outage::Outages;
use super::pacer::{Pacer, Pause};
use super::retry::Retry;
use crate::domain::ids::ModuleName;
use crate::domain::pacing::Window;
use crate::domain::value::Field;

/// Rows of a page of Get Records and of deleted records.
const PER_PAGE: &str = "200";

/// The CRM of one account; clones are cheap and share turns and token. The host is the token's.
#[derive(Debug, Clone)]
pub struct Crm {
    channel: Channel,
}

/// What is read of every record of a module. Its id and `Modified_Time` come in any case.
#[derive(Debug, Clone, PartialEq)]
pub struct Columns {
    /// The module.
    pub module: ModuleName,
    /// The fields, also those of related records; what does not fit into one query is read by several.
    pub fields: Vec<Field>,
}

/// The calls that are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// A query in COQL.
    Coql,
    /// Get Records, by page token.
    Records,
    /// Deleted records.
    Deleted,
    /// The modules.
    Modules,
    /// The fields of a module.
    Fields,
    /// The custom views of a module.
    Views,
    /// The organisation.
    Organisation,
    /// A new job of Bulk Read.
    BulkCreate,
    /// How far a job is.
    BulkStatus,
    /// The rows of a job.
    BulkRows,
}

impl Method {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Records,
        Self::Coql,
        Self::BulkCreate,
        Self::BulkStatus,
        Self::BulkRows,
        Self::Deleted,
        Self::Modules,
        Self::Fields,
        Self::Views,
        Self::Organisation,
    ];

    /// What the call wants, for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Coql => "coql",
            Self::Records => "records",
            Self::Deleted => "deleted records",
            Self::Modules => "modules",
            Self::Fields => "fields",
            Self::Views => "custom views",
            Self::Organisation => "organisation",
            Self::BulkCreate => "a bulk job",
            Self::BulkStatus => "the status of a bulk job",
            Self::BulkRows => "the rows of a bulk job",
        }
    }

    /// The OAuth scopes it needs. Source: the scope lines of the CRM's v8 pages.
    #[must_use]
    pub fn scopes(self) -> &'static [&'static str] {
        match self {
            Self::Coql => &["ZohoCRM.coql.READ", "ZohoCRM.modules.READ"],
            Self::Records | Self::Deleted => &["ZohoCRM.modules.READ"],
            Self::Modules => &["ZohoCRM.settings.modules.READ"],
            Self::Fields => &["ZohoCRM.settings.fields.READ"],
            Self::Views => &["ZohoCRM.settings.custom_views.READ"],
            Self::Organisation => &["ZohoCRM.org.READ"],
            Self::BulkCreate | Self::BulkStatus | Self::BulkRows => {
                &["ZohoCRM.bulk.READ", "ZohoCRM.modules.READ"]
            }
        }
    }

    /// The path that those of its calls follow.
    fn base(self) -> &'static str {
        match self {
            Self::Coql
            | Self::Records
            | Self::Deleted
            | Self::Modules
            | Self::Fields
            | Self::Views
            | Self::Organisation => "/crm/v8",
            Self::BulkCreate | Self::BulkStatus | Self::BulkRows => "/crm/bulk/v8/read",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The CRM counts credits a day; calls a minute only of downloads. Source: its "Bulk Read limitations" page for v8,
/// November 2026.
#[must_use]
pub fn windows() -> BTreeMap<String, Vec<Window>> {
    let downloads = Window {
        calls: 10,
        span: Duration::from_secs(60),
    };
    [(Method::BulkRows.name().to_owned(), vec![downloads])].into()
}

impl Crm {
    /// The CRM that `tokens` open; at most `concurrency` requests at once, of all its clones together, at
    /// `pacer`'s pace, whose windows are [`windows`].
    #[must_use]
    pub fn new(
        client: Client,
        tokens: Arc<Tokens>,
        concurrency: usize,
        retry: Retry,
        pacer: Pacer,
    ) -> Self {
        Self {
            channel: Channel {
                client,
                tokens,
                turns: Arc::new(Semaphore::new(concurrency.max(1))),
                retry,
                pacer,
                outages: Outages::default(),
                meter: Arc::default(),
            },
        }
    }

    /// The same CRM, its requests counted in `meter`.
    #[must_use]
    pub fn metered(&self, meter: Arc<Meter>) -> Self {
        let mut metered = self.clone();
        metered.channel.meter = meter;
        metered
    }

    /// Stores what was really used of the call budgets, now that no further call is about to be made.
    ///
    /// # Errors
    /// [`Pause::Unkept`].
    pub fn settle(&self) -> Result<(), Pause> {
        self.channel.pacer.settle()
    }

    /// The same CRM, whose calls are given up after failing for so long, if not before.
    #[must_use]
    pub fn lasting(&self, patience: Duration) -> Self {
        let mut lasting = self.clone();
        let retry = &mut lasting.channel.retry;
        retry.give_up_after = retry.give_up_after.min(patience);
        lasting
    }

    /// Makes sure that there is a token, and tries again while Zoho Accounts cannot be reached.
    ///
    /// # Errors
    /// The credentials are refused, or Zoho Accounts did not answer for as long as a call may fail.
    pub async fn authorise(&self) -> Result<(), OauthError> {
        let check = || self.channel.tokens.check();
        self.channel.retry.run(check, OauthError::failure).await
    }

    /// Makes a call for the price of one credit.
    async fn get<T>(
        &self,
        method: Method,
        request: impl Fn(&str) -> Request,
        read: impl Fn(Answer) -> Result<T, CrmError>,
    ) -> Result<T, CrmError> {
        self.call(method, 1, request, read).await
    }

    /// Makes a call; `request` is given the URL that the method's paths follow.
    async fn call<T>(
        &self,
        method: Method,
        credits: u64,
        request: impl Fn(&str) -> Request,
        read: impl Fn(Answer) -> Result<T, CrmError>,
    ) -> Result<T, CrmError> {
        let call = Call {
            method,
            pace: method.name(),
            price: Price::Crm { credits },
        };
        self.channel
            .call(
                call,
                |token| request(&format!("{}{}", token.crm_host(), method.base())),
                read,
            )
            .await
    }
}
