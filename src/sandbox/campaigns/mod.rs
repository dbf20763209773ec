//! The stand-in's half of Zoho Campaigns, API v1.1.
//!
//! One contact per address in the account, whatever its case; nobody who is suppressed comes back unless a switch of
//! [`policy::Policy`] says so; every answer in the service's own envelope. Methods are plain functions of the account's state, the
//! call's parameters and the time, found through one table, so each can be tried without HTTP. Campaigns themselves (mails,
//! segments, workflows) are left out.

pub(crate) mod account;
pub(crate) mod address;
mod answer;
pub(crate) mod contact;
pub(crate) mod field;
mod labels;
mod limiter;
pub(crate) mod list;
mod methods;
mod params;
pub(crate) mod policy;
mod reading;
pub(crate) mod screens;
pub(crate) mod views;
mod writing;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use axum::Router;
use axum::routing::any;
use jiff::Timestamp;

pub(crate) use methods::Wrote;

use super::Shared;

/// The state of one Campaigns account.
#[derive(Debug)]
pub(crate) struct Campaigns {
    pub(crate) policy: policy::Policy,
    pub(crate) contacts: contact::Contacts,
    pub(crate) registries: contact::Registries,
    /// By their stable number.
    pub(crate) lists: BTreeMap<u64, list::List>,
    pub(crate) fields: field::ContactFields,
    /// Colours by name.
    tags: BTreeMap<String, String>,
    limiter: limiter::Limiter,
}

impl Default for Campaigns {
    /// An account with the usual fields, four lists (the last with a sign-up form) and nobody on them.
    fn default() -> Self {
        let mut campaigns = Self::without_lists();
        for (name, is_public) in [
            ("Newsletter", false),
            ("Hospitality", false),
            ("Event guests", false),
            ("Website sign-up", true),
        ] {
            campaigns.create_list(name, is_public, Timestamp::UNIX_EPOCH);
        }
        campaigns
    }
}

impl Campaigns {
    /// An account with the usual fields and no list.
    pub(crate) fn without_lists() -> Self {
        Self {
            policy: policy::Policy::default(),
            contacts: contact::Contacts::default(),
            registries: contact::Registries::default(),
            lists: BTreeMap::new(),
            fields: field::ContactFields::default(),
            tags: BTreeMap::new(),
            limiter: limiter::Limiter::default(),
        }
    }
}

/// One call of a method, as the method sees it.
struct Call<'a> {
    params: &'a params::Params,
    now: Timestamp,
}

/// Everything under `/api`; an unknown path is answered too, with HTTP 200 and code 1004.
pub(crate) fn routes() -> Router<Shared> {
    Router::new().route("/api/{*path}", any(methods::answer))
}
