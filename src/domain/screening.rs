//! First match wins: the outcomes that a record's own fields decide, before its address is looked at.

use super::address::{AddressProblem, EmailAddress, RoleAddresses};
use super::outcome::Reason;
use super::value::Value;

/// How a record with a usable address waits for the decision on that address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Screened {
    /// It may feed a contact.
    Passed,
    /// It is a converted lead and the sync excludes those.
    Converted,
}

/// Screens one selected record by its mapped e-mail field.
///
/// # Errors
/// The reason for which the record is ignored whatever its address's other records say, and the detail for the
/// ignored file.
pub fn screen(
    email: &Value,
    converted_excluded: bool,
    roles: &RoleAddresses,
) -> Result<(EmailAddress, Screened), (Reason, String)> {
    let Value::Text(text) = email else {
        return Err((Reason::EmptyEmail, "no address".to_owned()));
    };
    let address = EmailAddress::parse(text).map_err(|problem| match problem {
        AddressProblem::Empty => (Reason::EmptyEmail, "no address".to_owned()),
        other => (Reason::InvalidPattern, other.to_string()),
    })?;
    if roles.contains(&address) {
        return Err((Reason::GroupEmail, "a role address".to_owned()));
    }
    let screened = if converted_excluded {
        Screened::Converted
    } else {
        Screened::Passed
    };
    Ok((address, screened))
}
