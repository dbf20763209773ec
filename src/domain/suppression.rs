//! The gate before a list: the call that adds a contact takes a [`Cleared`], and only this file can make one.

use super::address::EmailAddress;
use super::ids::ListKey;

/// A contact that may be added to or updated on a list, made only by the gate.
#[derive(Debug, Clone)]
pub struct Cleared {
    list: ListKey,
    address: EmailAddress,
    fields: Vec<(String, String)>,
}

impl Cleared {
    /// The list it may go on.
    #[must_use]
    pub fn list(&self) -> &ListKey {
        &self.list
    }

    /// The address it may be added under.
    #[must_use]
    pub fn address(&self) -> &EmailAddress {
        &self.address
    }

    /// The other fields, by Campaigns label; without the address.
    #[must_use]
    pub fn fields(&self) -> &[(String, String)] {
        &self.fields
    }
}
