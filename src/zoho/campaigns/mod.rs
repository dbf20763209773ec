//! Zoho Campaigns, version 1.1: contacts, lists, suppressions.
//!
//! The call that adds or updates a contact takes a [`Cleared`], which only the suppression gate makes. What the service
//! says of one contact is a [`Reply`] and never an error; what concerns the account or the connection is a
//! [`CampaignsError`]. Which is which stands in one [table]. Addresses travel in form bodies, never in URLs.
//!
//! [`Cleared`]: crate::domain::suppression::Cleared
//! [table]: crate::domain::failure::table

mod contacts;
mod envelope;
mod error;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod lists;
mod rehearsal;
mod tags;
#[cfg(test)]
mod tests;
mod wire;
mod words;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use tokio::sync::Semaphore;

pub use self::contacts::{BULK_CONTACTS_MAX, Reply};
use self::envelope::Envelope;
pub use self::error::CampaignsError;
pub use self::lists::{ContactField, MailingList, Status, SubscribersPage};
use self::rehearsal::Rehearsal;
pub use self::tags::Tagged;
use super::channel::{Call, Channel};
use super::data_center::Hosts;
use super::http::{Client, Request};
use super::meter::{Meter, Price};
use super::oauth::Tokens;
use super::outage::Outages;
use super::pacer::{Pacer, Pause};
use super::retry::Retry;
pub use crate::domain::failure::Verdict;

/// Campaigns of one account; clones are cheap and share turns, token and pace.
#[derive(Debug, Clone)]
pub struct Campaigns {
    channel: Channel,
    base: Arc<str>,
    /// Rows asked for in a page; smaller once the service has refused that many.
    range: Arc<AtomicU32>,
    /// Set where nothing is to be changed.
    rehearsal: Option<Rehearsal>,
}

/// The calls that are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Adds or updates one contact.
    Subscribe,
    /// Adds up to ten addresses.
    SubscribeBulk,
    /// Takes one contact off a list.
    Unsubscribe,
    /// The lists.
    Lists,
    /// The contacts of a list in one status.
    Subscribers,
    /// Their number.
    Count,
    /// The fields a contact can have.
    ContactFields,
    /// Puts a tag on one contact.
    Tag,
    /// Makes a tag.
    MakeTag,
}

impl Method {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Subscribers,
        Self::Count,
        Self::Lists,
        Self::ContactFields,
        Self::Subscribe,
        Self::SubscribeBulk,
        Self::Unsubscribe,
        Self::Tag,
        Self::MakeTag,
    ];

    /// The OAuth scope it needs. Source: the scope lines of the "Campaigns API" pages, November 2026; the writing calls
    /// ask for one of CREATE and UPDATE each, which have a common name.
    #[must_use]
    pub fn scope(self) -> &'static str {
        match self {
            Self::Lists | Self::Subscribers | Self::Count | Self::ContactFields => {
                "ZohoCampaigns.contact.READ"
            }
            Self::Subscribe
            | Self::SubscribeBulk
            | Self::Unsubscribe
            | Self::Tag
            | Self::MakeTag => "ZohoCampaigns.contact.CREATE-UPDATE",
        }
    }

    /// The service's name, under which it limits calls; see [`crate::domain::pacing`].
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Subscribe => "listsubscribe",
            Self::SubscribeBulk => "addlistsubscribersinbulk",
            Self::Unsubscribe => "listunsubscribe",
            Self::Lists => "getmailinglists",
            Self::Subscribers => "getlistsubscribers",
            Self::Count => "listsubscriberscount",
            Self::ContactFields => "contact/allfields",
            Self::Tag => "tag/associate",
            Self::MakeTag => "tag/add",
        }
    }

    /// The path under `/api/v1.1`; few methods name the format in it.
    fn path(self) -> &'static str {
        match self {
            Self::Subscribe => "json/listsubscribe",
            Self::Unsubscribe => "json/listunsubscribe",
            Self::SubscribeBulk
            | Self::Lists
            | Self::Subscribers
            | Self::Count
            | Self::ContactFields
            | Self::Tag
            | Self::MakeTag => self.name(),
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Campaigns {
    /// Campaigns at `hosts`; at most `concurrency` requests at once, of all its clones together, at `pacer`'s pace.
    #[must_use]
    pub fn new(
        client: Client,
        hosts: &Hosts,
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
            base: format!("{}/api/v1.1", hosts.campaigns()).into(),
            range: Arc::new(AtomicU32::new(lists::RANGE_MAX)),
            rehearsal: None,
        }
    }

    /// The same Campaigns, its requests counted in `meter`.
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

    /// Reads; the parameters are in the URL.
    async fn get<T>(
        &self,
        method: Method,
        query: Vec<(&'static str, String)>,
        read: impl Fn(Envelope) -> Result<T, CampaignsError>,
    ) -> Result<T, CampaignsError> {
        self.call(method, |url| Request::get(url, query.clone()), read)
            .await
    }

    /// Writes; the parameters are in the body. Says also whether an earlier attempt may have been carried out, its
    /// answer being lost. All that changes anything goes this way; a rehearsal ends here, with `taken` for an answer.
    async fn post<T>(
        &self,
        method: Method,
        form: Vec<(&'static str, String)>,
        taken: T,
        read: impl Fn(Envelope) -> Result<T, CampaignsError>,
    ) -> Result<(T, bool), CampaignsError> {
        if self.rehearse(method) {
            return Ok((taken, false));
        }
        self.call_noting(method, |url| Request::form(url, form.clone()), read)
            .await
    }

    async fn call<T>(
        &self,
        method: Method,
        request: impl Fn(String) -> Request,
        read: impl Fn(Envelope) -> Result<T, CampaignsError>,
    ) -> Result<T, CampaignsError> {
        let (done, _) = self.call_noting(method, request, read).await?;
        Ok(done)
    }

    async fn call_noting<T>(
        &self,
        method: Method,
        request: impl Fn(String) -> Request,
        read: impl Fn(Envelope) -> Result<T, CampaignsError>,
    ) -> Result<(T, bool), CampaignsError> {
        let call = Call {
            method,
            pace: method.name(),
            price: Price::Campaigns,
        };
        let url = format!("{}/{}", self.base, method.path());
        self.channel
            .call_noting(
                call,
                |_| request(url.clone()),
                |answer| read(Envelope::open(method, &answer)?),
            )
            .await
    }
}
