//! What the stand-in does where nobody knows what Campaigns does.
//!
//! Everything the public record leaves open is decided here and nowhere else, each decision a switch that tests can turn, so that
//! the daemon is tried against every answer the real service may give. The defaults are what the documentation hints at, and where
//! it hints at nothing, what is hardest on a client.

use serde::{Deserialize, Serialize};

/// The open questions of `reference/zoho-campaigns-api.md` sections 2, 3, 4, 6 and 10, answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Policy {
    /// Subscribing a contact that is active on the list.
    pub(crate) existing_active: ExistingActive,
    /// Subscribing somebody who unsubscribed from the list.
    pub(crate) unsubscribed: Suppressed,
    /// Subscribing an address in the do-not-mail registry.
    pub(crate) do_not_mail: Suppressed,
    /// Subscribing an address that hard-bounced.
    pub(crate) bounced: Suppressed,
    /// Subscribing an address that Zoho blocked. Where it is refused, the text says that it is blocked, whatever the code.
    pub(crate) blocked: Suppressed,
    /// A value longer than its field.
    pub(crate) too_long: TooLong,
    /// A label that no field has.
    pub(crate) unknown_label: UnknownLabel,
    /// An empty string as a value.
    pub(crate) empty_value: EmptyValue,
    /// Role addresses: support lifts the check for some accounts.
    pub(crate) role_addresses: RoleAddresses,
    /// Where a list shows a member that went to the do-not-mail registry.
    pub(crate) do_not_mail_shows: Shows,
    /// In which order a list's members are read.
    pub(crate) reading_order: ReadingOrder,
    /// The most rows of one page.
    pub(crate) page_rows_max: usize,
    /// Asking for more rows than that.
    pub(crate) page_too_long: PageTooLong,
    /// Unsubscribing a contact that the account knows but the list does not.
    pub(crate) unsubscribe_of_non_member: NonMember,
    /// Whether an unsubscribe counts for every list, and topics exist.
    pub(crate) topic_model: bool,
    /// The plan's limit of contacts.
    pub(crate) contacts_max: Option<usize>,
    /// The most addresses one bulk call may carry.
    pub(crate) bulk_addresses_max: usize,
    /// Whether the documented calls per window are enforced.
    pub(crate) rate_limits: bool,
    /// Of `listsubscribe`, only every so manieth of the documented calls: a large import in small.
    pub(crate) subscribes_share: usize,
    /// What a locked method answers.
    pub(crate) locked_answer: LockedAnswer,
}

/// What happens to an active contact that is subscribed once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ExistingActive {
    /// Its fields are updated, code 0.
    Update,
    /// Nothing changes, code 2003.
    AlreadyThere,
}

/// What happens when an address is subscribed that must not get mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Suppressed {
    /// Code 0, and nothing changes.
    Silent,
    /// This code, and nothing changes.
    Refuse(u32),
    /// Code 0, and the address gets mail again: the worst a service could do.
    Reinstate,
}

/// What happens to a value longer than its field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TooLong {
    /// It is cut at the length.
    Cut,
    /// The call is refused with 2001.
    Refuse,
}

/// What happens to a value under a label that no field has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum UnknownLabel {
    /// It is left out.
    Drop,
    /// The call is refused with 2001.
    Refuse,
}

/// What an empty string does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EmptyValue {
    /// It clears the field.
    Clear,
    /// It changes nothing.
    Keep,
}

/// What happens to role addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RoleAddresses {
    /// Refused with 2005.
    Refuse,
    /// Taken like any other.
    Accept,
}

/// Where a list shows a member that is in the do-not-mail registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Shows {
    /// Among the unsubscribed.
    Unsubscribed,
    /// In none of the list's readings.
    Nowhere,
}

/// In which order a list's members are read: it decides where in the pages a change shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReadingOrder {
    /// As they came to their standing.
    Standing,
    /// By address.
    Address,
}

/// What happens when more rows are asked for than a page has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PageTooLong {
    /// Refused with 6502.
    Refuse,
    /// As many rows come as a page has.
    Cut,
}

/// What unsubscribing a contact does that is not on the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NonMember {
    /// Refused with 2103.
    Refuse,
    /// Code 0, and nothing changes.
    Accept,
}

/// What a method answers while it is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LockedAnswer {
    /// HTTP 200 with this code and a text that says to try again later.
    Code(u32),
    /// HTTP 429, and the same text.
    TooManyRequests,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            existing_active: ExistingActive::Update,
            unsubscribed: Suppressed::Silent,
            do_not_mail: Suppressed::Silent,
            bounced: Suppressed::Silent,
            // No page lists a code for it, and this one stands in no table.
            blocked: Suppressed::Refuse(2007),
            too_long: TooLong::Cut,
            unknown_label: UnknownLabel::Drop,
            empty_value: EmptyValue::Clear,
            role_addresses: RoleAddresses::Refuse,
            do_not_mail_shows: Shows::Unsubscribed,
            reading_order: ReadingOrder::Standing,
            // The largest page known to work in practice.
            page_rows_max: 200,
            page_too_long: PageTooLong::Refuse,
            unsubscribe_of_non_member: NonMember::Refuse,
            topic_model: false,
            contacts_max: None,
            bulk_addresses_max: 10,
            rate_limits: false,
            subscribes_share: 1,
            // 2101 is documented as "try again later" for one method; no page says what a lock answers.
            locked_answer: LockedAnswer::Code(2101),
        }
    }
}

impl Policy {
    /// This policy with the switches named in `changes` turned.
    ///
    /// # Errors
    /// When `changes` is no object, names an unknown switch, or gives one a value it does not have.
    pub(crate) fn with(&self, changes: serde_json::Value) -> Result<Self, serde_json::Error> {
        let serde_json::Value::Object(changes) = changes else {
            return serde_json::from_value(changes);
        };
        let mut merged = serde_json::to_value(self)?;
        if let Some(switches) = merged.as_object_mut() {
            switches.extend(changes);
        }
        serde_json::from_value(merged)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_the_switches_that_are_named_turn() {
        let policy = Policy::default()
            .with(
                json!({"unsubscribed": {"refuse": 2002}, "contacts_max": 5, "too_long": "refuse"}),
            )
            .unwrap();
        let expected = Policy {
            unsubscribed: Suppressed::Refuse(2002),
            contacts_max: Some(5),
            too_long: TooLong::Refuse,
            ..Policy::default()
        };
        assert_eq!(policy, expected);
    }

    #[test]
    fn an_unknown_switch_or_value_is_refused() {
        for changes in [
            json!({"unsubscribd": "silent"}),
            json!({"unsubscribed": "maybe"}),
            json!(["silent"]),
        ] {
            assert!(
                Policy::default().with(changes.clone()).is_err(),
                "{changes}"
            );
        }
    }
}
