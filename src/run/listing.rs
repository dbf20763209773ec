//! A list read in full, page by page, while it changes.

use super::Base;
use super::error::RunError;
use crate::domain::address::EmailAddress;
use crate::domain::ids::ListKey;
use crate::domain::walks::{Next, Walks};
use crate::store::StoreError;
use crate::store::ledger::Ledger;
use crate::store::ledger::rows::AddressKey;
use crate::zoho::campaigns::{Campaigns, Status};

/// A list, and what it takes to read it.
#[derive(Clone, Copy)]
pub(super) struct Listing<'a> {
    pub(super) base: &'a Base,
    pub(super) campaigns: &'a Campaigns,
    pub(super) list: &'a ListKey,
}

/// Who was met under one status.
pub(super) struct Met {
    walks: Walks<AddressKey>,
    /// Whether the list came to rest, so that nobody was missed who was on it throughout.
    pub(super) at_rest: bool,
}

impl Met {
    /// Whether an address was met.
    pub(super) fn has(&self, address: &AddressKey) -> bool {
        self.walks.has_met(address)
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        u64::try_from(self.walks.met()).unwrap_or(u64::MAX)
    }
}

impl Listing<'_> {
    /// Reads everybody under a status. Each page is noted as it comes, so what is noted is the union of all walks.
    ///
    /// # Errors
    /// [`RunError`]: a page could not be read or noted, or rosterd is to stop.
    pub(super) async fn read(
        &self,
        status: Status,
        mut note: impl FnMut(&[String]) -> Result<(), StoreError>,
    ) -> Result<Met, RunError> {
        let mut walks = Walks::new();
        let mut next = Next::Page(1);
        loop {
            if self.base.stop.is_cancelled() {
                return Err(RunError::Stopped);
            }
            next = match next {
                Next::Page(from) => {
                    let list = self.list;
                    let page = self.campaigns.subscribers(list, status, from).await?;
                    note(&page.addresses)?;
                    let rows = page.addresses.iter().map(|text| self.row_of(text));
                    walks.page(rows.collect(), page.end)
                }
                Next::Count => walks.counted(self.campaigns.count(self.list, status).await?),
                end @ (Next::Done | Next::Restless) => {
                    let at_rest = end == Next::Done;
                    return Ok(Met { walks, at_rest });
                }
            };
        }
    }

    /// What a row is known by; also where its address is none.
    fn row_of(&self, text: &str) -> AddressKey {
        key_of(&self.base.store.ledger, text).unwrap_or_else(|| {
            let mut key = AddressKey::default();
            key.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..16]);
            key
        })
    }
}

/// The ledger's key of an address that Campaigns has; `None` for what is no address, which rosterd never adds.
pub(super) fn key_of(ledger: &Ledger, text: &str) -> Option<AddressKey> {
    EmailAddress::parse(text)
        .ok()
        .map(|address| ledger.key(&address))
}
