//! Reading: lists, their contacts by status, the fields a contact can have.

use std::collections::HashSet;
use std::sync::atomic::Ordering;

use serde_json::Value;

use super::envelope::Envelope;
use super::{Campaigns, CampaignsError, Method, wire};
use crate::domain::failure::{Failure, Meaning};
use crate::domain::ids::ListKey;

/// Rows asked for in a page; what other clients use with success, the true bound is not documented.
pub(super) const RANGE_MAX: u32 = 200;
/// Below this a refusal of the range is believed to be something else.
const RANGE_MIN: u32 = 20;
/// Pages of lists that are read; more lists than an account can have.
const LIST_PAGES_MAX: u32 = 1000;

/// A mailing list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailingList {
    /// Its handle.
    pub key: ListKey,
    /// Its name; several lists may have the same.
    pub name: String,
    /// Whether it has a sign-up form: then whoever is added is asked by mail first.
    pub signup_form: bool,
    /// Contacts on it, where the service says.
    pub active: Option<u64>,
}

/// A field that contacts have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactField {
    /// Its label, which is also its name in calls.
    pub label: String,
    /// Longest value in characters, where the service says.
    pub max_length: Option<usize>,
}

/// How a contact stands to a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Gets its mail.
    Active,
    /// Has opted out, or was taken off.
    Unsubscribed,
    /// Cannot be reached.
    Bounced,
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Unsubscribed => "unsub",
            Self::Bounced => "bounce",
        }
    }
}

/// A page of a list's contacts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscribersPage {
    /// The addresses as Campaigns spells them.
    pub addresses: Vec<String>,
    /// How many there are on this page; the next one begins so much further on.
    pub rows: usize,
    /// Whether this was the last page.
    pub end: bool,
}

impl Campaigns {
    /// All lists; none is an empty answer, not an error.
    ///
    /// # Errors
    /// Any [`CampaignsError`].
    pub async fn lists(&self) -> Result<Vec<MailingList>, CampaignsError> {
        let mut lists = Vec::new();
        let mut seen = HashSet::new();
        let mut from = 1;
        for _ in 0..LIST_PAGES_MAX {
            let page: Page<wire::Lists> = self.rows(Method::Lists, from, &[]).await?;
            let (range, rows) = match page {
                Page::Nothing => return Ok(lists),
                Page::Rows { range, rows } => (range, rows.list_of_details),
            };
            let count = u32::try_from(rows.len()).unwrap_or(u32::MAX);
            let known = lists.len();
            for row in rows {
                let list = mailing_list(row)?;
                if seen.insert(list.key.clone()) {
                    lists.push(list);
                }
            }
            if count < range || lists.len() == known {
                return Ok(lists);
            }
            from += count;
        }
        Err(CampaignsError::Endless)
    }

    /// Rows in a page, as far as it is known.
    #[must_use]
    pub fn page_rows(&self) -> u64 {
        u64::from(self.range.load(Ordering::Relaxed))
    }

    /// One page of a list's contacts, from the row `from` (the first is 1) on. Without rows it is the end only if the
    /// list's count says so too: the code for an empty page also means "try later".
    ///
    /// # Errors
    /// Any [`CampaignsError`]; a list that does not exist is [`Failure::Configuration`].
    pub async fn subscribers(
        &self,
        list: &ListKey,
        status: Status,
        from: u32,
    ) -> Result<SubscribersPage, CampaignsError> {
        // Only the disagreement is new here; every other failure has been tried again where it arose.
        let failure = |error: &CampaignsError| match error {
            CampaignsError::Short { .. } => error.failure(),
            CampaignsError::Lost { .. }
            | CampaignsError::Refused { .. }
            | CampaignsError::Unreadable { .. }
            | CampaignsError::Restless { .. }
            | CampaignsError::Endless
            | CampaignsError::NotBulk => Failure::Refused,
        };
        let attempt = || self.subscribers_once(list, status, from);
        self.channel.retry.run(attempt, failure).await
    }

    async fn subscribers_once(
        &self,
        list: &ListKey,
        status: Status,
        from: u32,
    ) -> Result<SubscribersPage, CampaignsError> {
        let which = [
            (wire::LIST_KEY, list.to_string()),
            (wire::STATUS, status.name().to_owned()),
        ];
        let page: Page<wire::Subscribers> = self.rows(Method::Subscribers, from, &which).await?;
        let (range, rows) = match page {
            Page::Nothing => (u32::MAX, Vec::new()),
            Page::Rows { range, rows } => (range, rows.list_of_details),
        };
        if rows.is_empty() {
            let read = u64::from(from.saturating_sub(1));
            let counted = self.count(list, status).await?;
            if counted > read {
                let list = list.clone();
                return Err(CampaignsError::Short {
                    list,
                    read,
                    counted,
                });
            }
        }
        let addresses = rows.into_iter().map(|row| row.contact_email);
        let addresses: Vec<String> = addresses.collect();
        Ok(SubscribersPage {
            rows: addresses.len(),
            end: u32::try_from(addresses.len()).is_ok_and(|rows| rows < range),
            addresses,
        })
    }

    /// How many contacts of a list have a status.
    ///
    /// # Errors
    /// Any [`CampaignsError`]; a list that does not exist is [`Failure::Configuration`].
    pub async fn count(&self, list: &ListKey, status: Status) -> Result<u64, CampaignsError> {
        let method = Method::Count;
        let query = vec![
            pair(wire::FORMAT),
            (wire::LIST_KEY, list.to_string()),
            (wire::STATUS, status.name().to_owned()),
        ];
        self.get(method, query, |envelope| {
            let count: wire::Count = envelope.decode()?;
            wire::number(&count.no_of_contacts).ok_or(CampaignsError::Unreadable { method })
        })
        .await
    }

    /// The fields that contacts of the account have.
    ///
    /// # Errors
    /// Any [`CampaignsError`].
    pub async fn contact_fields(&self) -> Result<Vec<ContactField>, CampaignsError> {
        let method = Method::ContactFields;
        self.get(method, vec![pair(wire::TYPE)], |envelope| {
            contact_fields(envelope).ok_or(CampaignsError::Unreadable { method })
        })
        .await
    }

    /// A page of rows; asks for fewer at once where the service finds the range too large.
    async fn rows<T: serde::de::DeserializeOwned>(
        &self,
        method: Method,
        from: u32,
        which: &[(&'static str, String)],
    ) -> Result<Page<T>, CampaignsError> {
        loop {
            let range = self.range.load(Ordering::Relaxed);
            let mut query = vec![
                pair(wire::FORMAT),
                pair(wire::SORT),
                (wire::FROM, from.to_string()),
                (wire::RANGE, range.to_string()),
            ];
            query.extend_from_slice(which);
            let page = self
                .get(method, query, |envelope| page(range, envelope))
                .await?;
            match page {
                Some(page) => return Ok(page),
                None if range / 2 >= RANGE_MIN => {
                    self.range.fetch_min(range / 2, Ordering::Relaxed);
                }
                None => return Err(CampaignsError::Unreadable { method }),
            }
        }
    }
}

enum Page<T> {
    /// No rows there.
    Nothing,
    /// As many rows as there are, up to the range.
    Rows { range: u32, rows: T },
}

/// The page, or `None` where the range has to be smaller.
fn page<T: serde::de::DeserializeOwned>(
    range: u32,
    envelope: Envelope,
) -> Result<Option<Page<T>>, CampaignsError> {
    let method = envelope.method;
    match envelope.meaning {
        Meaning::Done => {
            let rows = envelope.decode()?;
            Ok(Some(Page::Rows { range, rows }))
        }
        Meaning::Nothing => Ok(Some(Page::Nothing)),
        Meaning::RangeTooLarge => Ok(None),
        Meaning::AlreadyThere | Meaning::Contact(_) | Meaning::Failed(_) => {
            Err(CampaignsError::Unreadable { method })
        }
    }
}

fn pair((key, value): (&'static str, &'static str)) -> (&'static str, String) {
    (key, value.to_owned())
}

fn mailing_list(list: wire::List) -> Result<MailingList, CampaignsError> {
    let key = list.listkey.parse();
    Ok(MailingList {
        key: key.map_err(|_| CampaignsError::Unreadable {
            method: Method::Lists,
        })?,
        name: list.listname,
        signup_form: list.is_public.as_ref().is_some_and(wire::flag),
        active: list.noofcontacts.as_ref().and_then(wire::number),
    })
}

/// Both shapes that have been seen: `fieldnames.fieldname[]` and `fieldname[]`.
pub(super) fn contact_fields(mut envelope: Envelope) -> Option<Vec<ContactField>> {
    let fields = match envelope.take(wire::FIELDS) {
        Some(Value::Object(mut outer)) => outer.remove(wire::FIELD),
        Some(_) | None => envelope.take(wire::FIELD),
    };
    let Some(Value::Array(fields)) = fields else {
        return None;
    };
    fields.iter().map(contact_field).collect()
}

fn contact_field(json: &Value) -> Option<ContactField> {
    let lengths = wire::FIELD_LENGTH.iter();
    let length = lengths
        .filter_map(|key| json.get(key))
        .find_map(wire::number);
    Some(ContactField {
        label: json.get(wire::FIELD_LABEL)?.as_str()?.to_owned(),
        // Zero has been seen for "no bound".
        max_length: length
            .and_then(|length| usize::try_from(length).ok())
            .filter(|length| *length > 0),
    })
}
