//! The clients of each account, from its settings.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::ServiceError;
use crate::clock::Clock;
use crate::config::settings::{Account, Config, Pace};
use crate::domain::ids::AccountName;
use crate::domain::pacing::{CALL_TAKES, Forecast, Lockouts, Pacing, Window, documented};
use crate::run::{Base, Clients, Turns};
use crate::store::StoreError;
use crate::store::ledger::rows::PacingRow;
use crate::zoho::campaigns::Campaigns;
use crate::zoho::crm::{self, Crm};
use crate::zoho::data_center::{Hosts, Overrides};
use crate::zoho::http::{Client, ClientOptions};
use crate::zoho::oauth::{Credentials, Tokens};
use crate::zoho::pacer::{Keep, Pacer};
use crate::zoho::retry::Retry;

/// An account's clients, and the turns that its runs take.
pub(crate) struct AccountClients {
    pub(crate) clients: Clients,
    pub(crate) turns: Arc<Turns>,
    pacers: Pacers,
    pace: Pace,
}

/// The paces of an account's calls.
#[derive(Clone)]
pub(super) struct Pacers {
    crm: Pacer,
    campaigns: Pacer,
}

impl Pacers {
    /// For calls that are few, and asked for by a person; and for an account that is not paced.
    pub(super) fn off() -> Self {
        Self {
            crm: Pacer::off(),
            campaigns: Pacer::off(),
        }
    }

    /// Those of an account, with what it has used already.
    fn of(base: &Base, account: &Account) -> Result<Self, ServiceError> {
        let (name, clock) = (&account.name, &base.clock);
        let Some(pacing) = pacing(base, account)? else {
            return Ok(Self::off());
        };
        let campaigns = Pacer::new(pacing, clock.clone(), keep(base, name.to_string()));
        let row = format!("{name}/crm");
        let mut pacing = Pacing::new(crm::windows(), Lockouts::Together);
        if let Some(used) = base.store.ledger.pacing(&row)? {
            pacing.restore(&used, clock.now());
        }
        let crm = Pacer::new(pacing, clock.clone(), keep(base, row));
        Ok(Self { crm, campaigns })
    }
}

impl AccountClients {
    /// The paces of its calls.
    pub(super) fn pacers(&self) -> Pacers {
        self.pacers.clone()
    }
}

/// The bounds of every request.
pub(crate) fn options() -> ClientOptions {
    ClientOptions::default()
}

/// The clients of all accounts. Those that are `known` keep their turns and, unless the settings change it, their
/// pace, because runs in flight go on with both.
///
/// # Errors
/// [`ServiceError::DataCenter`] or [`ServiceError::Store`].
pub(super) fn build(
    base: &Base,
    http: &Client,
    known: &BTreeMap<AccountName, AccountClients>,
) -> Result<BTreeMap<AccountName, AccountClients>, ServiceError> {
    let mut built = BTreeMap::new();
    for (name, account) in &base.config.accounts {
        let before = known.get(name);
        let pacers = match before {
            Some(before) if before.pace == account.pace => before.pacers(),
            Some(_) | None => Pacers::of(base, account)?,
        };
        let clients = clients(&base.config, account, http, &base.clock, pacers.clone())?;
        let turns = before.map_or_else(Arc::default, |before| before.turns.clone());
        let pace = account.pace.clone();
        built.insert(
            name.clone(),
            AccountClients {
                clients,
                turns,
                pacers,
                pace,
            },
        );
    }
    Ok(built)
}

/// The clients of one account.
///
/// # Errors
/// [`ServiceError::DataCenter`].
pub(crate) fn clients(
    config: &Config,
    account: &Account,
    http: &Client,
    clock: &Clock,
    pacers: Pacers,
) -> Result<Clients, ServiceError> {
    let hosts = hosts(account)?;
    let tokens = tokens(&config.state_dir, account, &hosts, http, clock);
    let patience = config.give_up_after;
    Ok(of_tokens(patience, account, &hosts, tokens, http, pacers))
}

/// The clients of an account whose refresh token is to be tried: they keep nothing.
pub(super) fn trying(
    state_dir: &Path,
    patience: Duration,
    account: &Account,
    hosts: &Hosts,
    http: &Client,
    clock: &Clock,
) -> Clients {
    let tokens = tokens(state_dir, account, hosts, http, clock).keeping_nothing();
    of_tokens(patience, account, hosts, tokens, http, Pacers::off())
}

/// The clients of one account for a rehearsal: they keep no token, only count it, and leave out what would change
/// anything. Tokens are where `config` has them. What they read is read at the pace of `pacers`; without them, what was
/// used of the budgets is in the stores of `base`.
///
/// # Errors
/// [`ServiceError::DataCenter`] or [`ServiceError::Store`].
pub(super) fn rehearsing(
    config: &Config,
    base: &Base,
    account: &Account,
    http: &Client,
    pacers: Option<Pacers>,
) -> Result<Clients, ServiceError> {
    let hosts = hosts(account)?;
    let tokens = tokens(&config.state_dir, account, &hosts, http, &base.clock).keeping_no_token();
    let pacers = match pacers {
        Some(pacers) => pacers,
        None => Pacers::of(base, account)?,
    };
    let patience = config.give_up_after;
    let clients = of_tokens(patience, account, &hosts, tokens, http, pacers);
    let forecast = Forecast::new(
        pacing(base, account)?,
        base.clock.now(),
        account.campaigns_concurrency,
        CALL_TAKES,
    );
    let campaigns = clients.campaigns.rehearsing(forecast);
    Ok(Clients {
        campaigns,
        ..clients
    })
}

/// Where the calls of an account go.
///
/// # Errors
/// [`ServiceError::DataCenter`].
pub(super) fn hosts(account: &Account) -> Result<Hosts, ServiceError> {
    let overrides = Overrides {
        accounts: account.accounts_url.as_deref(),
        crm: account.crm_url.as_deref(),
        campaigns: account.campaigns_url.as_deref(),
    };
    Hosts::of(&account.data_center, overrides)
        .ok_or_else(|| ServiceError::DataCenter(account.name.clone()))
}

fn tokens(
    state_dir: &Path,
    account: &Account,
    hosts: &Hosts,
    http: &Client,
    clock: &Clock,
) -> Tokens {
    let credentials = Credentials {
        client_id: account.client_id.clone(),
        client_secret: account.client_secret.clone(),
        refresh_token: account.refresh_token.clone(),
    };
    let file = state_dir
        .join("tokens")
        .join(format!("{}.json", account.name));
    Tokens::new(
        http.clone(),
        hosts.clone(),
        account.name.clone(),
        credentials,
        file,
        clock.clone(),
    )
}

fn of_tokens(
    patience: Duration,
    account: &Account,
    hosts: &Hosts,
    tokens: Tokens,
    http: &Client,
    pacers: Pacers,
) -> Clients {
    let tokens = Arc::new(tokens);
    let retry = Retry::lasting(patience);
    let crm = Crm::new(
        http.clone(),
        tokens.clone(),
        account.crm_concurrency,
        retry,
        pacers.crm,
    );
    let campaigns = Campaigns::new(
        http.clone(),
        hosts,
        tokens,
        account.campaigns_concurrency,
        retry,
        pacers.campaigns,
    );
    Clients { crm, campaigns }
}

/// Keeps what is used in a row of the ledger.
fn keep(base: &Base, row: String) -> Keep {
    let store = base.store.clone();
    Box::new(move |state| {
        let state = PacingRow(state.clone());
        let kept = store
            .ledger
            .step(|step| step.pacing.put(row.as_bytes(), &state));
        kept.map_err(|error: StoreError| error.into())
    })
}

/// The account's budgets, with what it has used of them; none where it is not paced.
fn pacing(base: &Base, account: &Account) -> Result<Option<Pacing>, ServiceError> {
    let Some(windows) = windows(&account.pace) else {
        return Ok(None);
    };
    let mut pacing = Pacing::new(windows, Lockouts::PerMethod);
    if let Some(used) = base.store.ledger.pacing(account.name.as_str())? {
        pacing.restore(&used, base.clock.now());
    }
    Ok(Some(pacing))
}

fn windows(pace: &Pace) -> Option<BTreeMap<String, Vec<Window>>> {
    match pace {
        Pace::Off => None,
        Pace::Documented => Some(documented()),
        Pace::Table(table) => {
            let mut windows = documented();
            for (method, given) in table {
                let given = given.iter().copied().map(Window::from);
                windows.insert(method.clone(), given.collect());
            }
            Some(windows)
        }
    }
}
