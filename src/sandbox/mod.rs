//! A local stand-in for Zoho Accounts, CRM v8 and Campaigns v1.1.
//!
//! All services listen on one loopback port and are told apart by path: `/oauth/v2/…`, `/crm/v8/…`, `/api/v1.1/…`, and
//! `/sandbox/…` for the control interface that no real service has. The answers follow the services' documentation to the
//! letter, odd parts included, so that a client which works here has met the rules it will meet there. All people are invented
//! from a seed, all instants come from the sandbox's own clock, and nothing is kept when it stops.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(crate) mod accounts;
pub(crate) mod calls;
pub(crate) mod campaigns;
pub(crate) mod clock;
pub(crate) mod control;
pub(crate) mod crm;
pub(crate) mod people;
pub(crate) mod random;
mod server;
#[cfg(test)]
mod tests;

pub use server::{Sandbox, serve};

/// The client id that the sandbox accepts.
pub const CLIENT_ID: &str = "1000.SANDBOX";
/// The client secret that the sandbox accepts until control changes it.
pub const CLIENT_SECRET: &str = "sandbox-secret";
/// The refresh token that the sandbox accepts.
pub const REFRESH_TOKEN: &str = "1000.sandbox.refresh";

/// How a sandbox starts.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen; port 0 lets the system pick one.
    pub listen: SocketAddr,
    /// This many Contacts and this many Leads; the other modules in proportion.
    pub people: usize,
    /// The same seed invents the same people.
    pub seed: u64,
    /// Modules without a record.
    pub empty: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            people: 3000,
            seed: 1,
            empty: false,
        }
    }
}

/// Everything the sandbox knows.
pub(crate) struct World {
    /// The time of all services.
    pub(crate) clock: clock::SandboxClock,
    /// Zoho Accounts.
    pub(crate) accounts: accounts::Accounts,
    /// Zoho CRM.
    pub(crate) crm: crm::Crm,
    /// Zoho Campaigns.
    pub(crate) campaigns: campaigns::Campaigns,
    /// What was called, and the faults to come.
    pub(crate) calls: calls::Calls,
}

/// The world as its services share it; locked for a few lines, never across an await.
pub(crate) type Shared = Arc<Mutex<World>>;

/// Locks the world. A handler that panicked has failed its own request only, so what it left is used on.
pub(crate) fn lock(shared: &Shared) -> MutexGuard<'_, World> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    /// A world as `options` want it, whose services say they live at `url`.
    fn new(options: &Options, url: &str) -> Self {
        let clock = clock::SandboxClock::default();
        let mut crm = crm::Crm::new(clock.clone(), options.seed);
        if !options.empty {
            people::fill(&mut crm, options.people, options.seed);
        }
        Self {
            accounts: accounts::Accounts::new(url, options.seed),
            crm,
            campaigns: campaigns::Campaigns::default(),
            calls: calls::Calls::default(),
            clock,
        }
    }
}
