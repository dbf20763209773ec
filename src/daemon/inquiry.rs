//! Questions about one address, put together: settings, stores to be looked at, and clients that only read.
//!
//! Nothing is written but the token's file, which is a cache. A daemon that answers them looks at its own stores.

use std::collections::BTreeMap;

use super::{CHECK_PATIENCE, Current, ServiceError, clients};
use crate::clock::Clock;
use crate::config::settings::Config;
use crate::config::{Loaded, Sources};
use crate::domain::ids::{AccountName, SyncId};
use crate::run::standings::activation;
use crate::run::why::{Inquiry, Story, Subject, why};
use crate::run::{Clients, RunError};
use crate::store::look::Look;
use crate::zoho::http::Client;

/// The parts that answer, put together.
pub(crate) struct Inquirer {
    config: Config,
    sources: Sources,
    look: Look,
    clients: BTreeMap<AccountName, Clients>,
    clock: Clock,
}

impl Inquirer {
    /// Takes hold of the state, without making or mending anything.
    ///
    /// # Errors
    /// [`ServiceError`]: another process holds the state, or it cannot be read.
    pub(crate) fn open(loaded: Loaded, clock: Clock) -> Result<Self, ServiceError> {
        let look = Look::open(&loaded.config.state_dir)?;
        let http = Client::new(clients::options())?;
        let (config, clients) = patient(&loaded.config, &http, &clock)?;
        Ok(Self {
            config,
            sources: loaded.sources,
            look,
            clients,
            clock,
        })
    }

    /// Tells why an address is on the lists or not; of one `sync`, or of all.
    ///
    /// # Errors
    /// [`RunError`]: state or history cannot be read.
    pub(crate) async fn why(
        &self,
        subject: &Subject,
        sync: Option<&SyncId>,
    ) -> Result<Story, RunError> {
        let inquiry = Inquiry {
            config: &self.config,
            sources: &self.sources,
            ledger: &self.look.ledger,
            checkpoints: &self.look.kept.checkpoints,
            activation: &activation(&self.config, &self.look.kept),
            now: self.clock.now(),
        };
        ask(&inquiry, subject, sync, &self.clients).await
    }
}

impl Current {
    /// Tells the same beside the runs of this process.
    ///
    /// # Errors
    /// [`RunError`]: state or history cannot be read.
    pub(crate) async fn why(
        &self,
        subject: &Subject,
        sync: Option<&SyncId>,
    ) -> Result<Story, RunError> {
        let base = &self.base;
        let accounts = self.accounts.iter();
        let clients = accounts.map(|(name, account)| {
            let crm = account.clients.crm.lasting(CHECK_PATIENCE);
            let clients = account.clients.clone();
            (name.clone(), Clients { crm, ..clients })
        });
        let clients = clients.collect();
        let kept = base.store.state.snapshot()?;
        let inquiry = Inquiry {
            config: &base.config,
            sources: &base.sources,
            ledger: &base.store.ledger,
            checkpoints: &kept.checkpoints,
            activation: &base.standings.now(),
            now: base.clock.now(),
        };
        ask(&inquiry, subject, sync, &clients).await
    }
}

async fn ask(
    inquiry: &Inquiry<'_>,
    subject: &Subject,
    sync: Option<&SyncId>,
    clients: &BTreeMap<AccountName, Clients>,
) -> Result<Story, RunError> {
    let syncs = inquiry.config.syncs.values();
    let asked = syncs.filter(|it| sync.is_none_or(|sync| it.id == *sync));
    let asked: Vec<_> = asked.collect();
    why(inquiry, subject, &asked, clients).await
}

/// Settings and clients of a process of its own, for somebody who waits for the answer, and gets what the ledger has without the services.
fn patient(
    config: &Config,
    http: &Client,
    clock: &Clock,
) -> Result<(Config, BTreeMap<AccountName, Clients>), ServiceError> {
    let config = Config {
        give_up_after: config.give_up_after.min(CHECK_PATIENCE),
        ..config.clone()
    };
    let mut by_account = BTreeMap::new();
    for (name, account) in &config.accounts {
        let clients = clients::clients(&config, account, http, clock, clients::Pacers::off())?;
        by_account.insert(name.clone(), clients);
    }
    Ok((config, by_account))
}
