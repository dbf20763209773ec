//! E-mail addresses: parsing, normal form, role addresses.

/// An address that mail can reach; shows itself masked.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct EmailAddress {
    sent: String,
    normal: String,
}
