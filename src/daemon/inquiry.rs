//! Questions about one address, put together: settings, stores to be looked at, and clients that only read.
//!
//! Nothing is written but the token's file, which is a cache. A daemon that answers them gives [`Inquiry`] its own
//! ledger, checkpoints and clients instead of these.

use std::collections::BTreeMap;

use super::{CHECK_PATIENCE, ServiceError, clients};
use crate::clock::Clock;
use crate::config::settings::Config;
use crate::config::{Loaded, Sources};
use crate::domain::ids::{AccountName, SyncId};
use crate::run::standings::activation;
use crate::run::why::{Inquiry, Story, Subject, why};
use crate::run::{Clients, RunError};
use crate::store::look::Look;
use crate::zoho::pacer::Pacer;

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
        let http = crate::zoho::http::Client::new(clients::options())?;
        // A person waits for the answer, and gets what the ledger has without the services.
        let give_up_after = loaded.config.give_up_after.min(CHECK_PATIENCE);
        let config = Config {
            give_up_after,
            ..loaded.config
        };
        let mut by_account = BTreeMap::new();
        for (name, account) in &config.accounts {
            let clients = clients::clients(&config, account, &http, &clock, Pacer::off())?;
            by_account.insert(name.clone(), clients);
        }
        Ok(Self {
            config,
            sources: loaded.sources,
            look,
            clients: by_account,
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
        let activation = activation(&self.config, &self.look.kept);
        let inquiry = Inquiry {
            config: &self.config,
            sources: &self.sources,
            ledger: &self.look.ledger,
            checkpoints: &self.look.kept.checkpoints,
            activation: &activation,
            now: self.clock.now(),
        };
        let syncs = self.config.syncs.values();
        let asked = syncs.filter(|it| sync.is_none_or(|sync| it.id == *sync));
        let asked: Vec<_> = asked.collect();
        why(&inquiry, subject, &asked, &self.clients).await
    }
}
