//! One run of one sync: read, decide, write, record; resumable after any step.
//!
//! A run is a walk through the phases of its row in the ledger. Each phase is a loop of steps, a step is one
//! transaction, and what a step decided is neither decided nor counted again: its staged rows are gone with it. First
//! run, retry and resume are therefore one path: look at the row, go on.
//!
//! 1. `start` asks `standings` whether the sync is active, weighs the limits, asks whose `organisation` it is where that
//!    is due, and counts the run, before its first call for records.
//! 2. `suppressions` reads who must not be mailed and opens the gate; in full runs also who is on the list.
//! 3. `read` stages records page by page (`stage`), notes opt-outs and deletions, and lets go of what vanished. Pages come
//!    from `fetch`: what changed (`changes`), or all that `push` lets through, by queries, as a `bulk` job or by `walk`;
//!    `deals` are kept beside their contacts. What waiting runs can use of it too is kept for them (`recent`, `turns`).
//! 4. `decide` turns staged addresses into outcomes and intents until nothing is staged; `remove` takes off whoever goes,
//!    within the safety bound; `write` carries out what is left; `audit` and `verify` check the list. `claims` tells whose
//!    a contact on the list is, `replied` what Campaigns last said of it. A run that would have to wait for hours in all
//!    this is parked (`park`), and resumed later.
//! 5. `finish` checks the sums and writes the ignored file, the journal and the checkpoint, in this order.
//!
//! What a person decides between runs (`held`, `release`, `forget`) is noted in the ledger with what it changes, and told
//! to the journal from there (`telling`).
//!
//! What is left undecided by a failed run stays staged, and the next run of the sync begins with it.

pub(crate) mod adopt;
mod ask;
mod audit;
mod bulk;
mod carry;
mod changes;
mod claims;
mod deals;
mod decide;
mod error;
mod fetch;
mod finish;
pub(crate) mod forget;
pub(crate) mod held;
mod listing;
mod members;
mod opt_outs;
pub(crate) mod organisation;
pub(crate) mod park;
mod plan;
mod progress;
mod push;
mod read;
mod recent;
pub(crate) mod recovery;
pub(crate) mod rehearsal;
pub(crate) mod release;
mod remove;
mod replied;
mod replies;
mod resolve;
mod resumed;
mod service_key;
mod stage;
pub(crate) mod standings;
mod start;
mod suppressions;
mod tagging;
mod telling;
mod turns;
mod usage;
mod verify;
mod walk;
pub(crate) mod why;
pub(crate) mod witness;
mod write;

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub use error::RunError;
use jiff::Timestamp;
pub(crate) use park::Parked;
use plan::Plan;
pub use progress::Progress;
pub(crate) use progress::Waits;
use progress::Way;
pub(crate) use resolve::{Checked, check, definition_digest};
use standings::Standings;
pub use start::Wish;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
pub(crate) use turns::{Ticket, Turn, Turns};
pub(crate) use usage::usage_of;
use witness::Witness;
use write::Which;

use crate::clock::Clock;
use crate::config::Sources;
use crate::config::settings::Config;
use crate::domain::definition::SyncDefinition;
use crate::domain::ids::{ListKey, RunId};
use crate::domain::outcome::RunOutcome;
use crate::domain::suppression::Gate;
use crate::journal::Journal;
use crate::journal::event::{ErrorKind, RunFinished};
use crate::store::ledger::SyncNumbers;
use crate::store::ledger::rows::{CostRow, Phase, Position, RunRow};
use crate::store::state::Running;
use crate::store::{Store, StoreError};
use crate::zoho::campaigns::{Campaigns, CampaignsError};
use crate::zoho::crm::Crm;
use crate::zoho::meter::Meter;

/// How long the calls in flight may take once rosterd is to stop.
const CUT_AFTER: Duration = Duration::from_secs(5);

/// What all runs of a process share.
pub(crate) struct Base {
    /// The settings, and where in the files they stand.
    pub(crate) config: Arc<Config>,
    /// Places in the files, for problems that only the services can tell.
    pub(crate) sources: Arc<Sources>,
    /// The stores.
    pub(crate) store: Arc<Store>,
    /// The import history.
    pub(crate) journal: Arc<Mutex<Journal>>,
    /// The time.
    pub(crate) clock: Clock,
    /// Which syncs are active.
    pub(crate) standings: Arc<Standings>,
    /// Set when rosterd is to stop.
    pub(crate) stop: CancellationToken,
    /// Who is told what becomes of each record; nobody, but in a rehearsal.
    pub(crate) witness: Option<Witness>,
}

/// The clients of one account.
#[derive(Clone)]
pub(crate) struct Clients {
    /// Its CRM.
    pub(crate) crm: Crm,
    /// Its Campaigns.
    pub(crate) campaigns: Campaigns,
}

/// A run under way.
struct Run<'a> {
    config: &'a Config,
    sources: &'a Sources,
    definition: &'a SyncDefinition,
    store: &'a Store,
    clock: &'a Clock,
    stop: &'a CancellationToken,
    base: &'a Base,
    ticket: &'a Ticket,
    crm: Crm,
    campaigns: Campaigns,
    meter: Arc<Meter>,
    concurrency: usize,
    progress: &'a watch::Sender<Progress>,
    plan: Plan,
    numbers: SyncNumbers,
    lists: Vec<u32>,
    /// Lists that no active sync looks after any more.
    orphans: Vec<(u32, ListKey)>,
    /// Whether the list was looked at since the run began.
    list_checked: bool,
    /// Active syncs with the same list.
    rivals: BTreeSet<u32>,
    /// The account's other syncs, and their lists.
    peers: Vec<(u32, u32)>,
    /// Whether an unsubscribe counts for the whole organisation.
    topics: bool,
    /// Whether the run has read an opt-out of which it is not known whether it is on the list.
    unknown_opt_outs: AtomicBool,
    /// Whether tags are given up for this run.
    untagged: AtomicBool,
    /// The cursor that the last completed run left.
    cursor: Option<Timestamp>,
    /// Rows that a read in full is expected to meet; none before the first.
    expected: Option<u64>,
    /// Whether it was asked already if there are many more.
    probed: AtomicBool,
    /// Whether COQL has refused what can be pushed of the selection.
    unpushed: AtomicBool,
    /// Whether COQL has refused the view in this run.
    listed_only: AtomicBool,
    /// By which way the module is read; one that leads elsewhere half-way is the one that is told.
    way: Mutex<Option<Way>>,
    /// Whether it was told in this run if COQL leaves converted leads out.
    converted_told: bool,
    /// Whether a converted lead was met in this run.
    met_converted: AtomicBool,
    /// Whether bulk jobs are given up for this run.
    bulk_refused: AtomicBool,
    id: RunId,
    running: Running,
    /// Whether everything is imported, whatever the definition retrieves otherwise.
    imports: bool,
    row: RunRow,
    /// What the run cost before this process took it up.
    cost_before: CostRow,
    /// Whether an earlier process began it.
    resumed: bool,
    /// Intents whose calls may have been made by a process that died before it stored their answers.
    asks_again: BTreeSet<Vec<u8>>,
    gate: Gate,
    /// How many had left and how many had bounced when it was opened.
    suppressed_rows: [u64; 2],
    /// Where a rehearsal's clock stood when it was last opened.
    gate_rehearsed: Duration,
    suppressions_unread: Option<CampaignsError>,
}

/// What came of a wish for a run.
#[derive(Debug, Default)]
pub struct Ended {
    /// The run as the journal has it; none where it did not begin, or goes on at the next start.
    pub finished: Option<RunFinished>,
    /// What kept it from completing; neither this nor a run where there is nothing to do by the files any more.
    pub error: Option<RunError>,
    /// The removals that it leaves to a person, and the bound that they are above.
    pub held: Option<(u64, u64)>,
    /// Why it waits, where it does: it goes on by itself. With an error, whoever asked may be told that instead.
    pub(crate) parked: Option<Parked>,
}

impl Ended {
    /// No run, or one that goes on at the next start.
    pub(crate) fn failed(error: impl Into<RunError>) -> Self {
        Self {
            error: Some(error.into()),
            ..Self::default()
        }
    }

    /// A run that was brought to an end while it waited.
    pub(crate) fn given_up(finished: RunFinished) -> Self {
        Self {
            finished: Some(finished),
            ..Self::default()
        }
    }

    /// No run, as the files that it was wished for by have changed before it could begin.
    pub(crate) fn superseded() -> Self {
        Self::default()
    }

    fn parked(parked: Parked) -> Self {
        Self {
            parked: Some(parked),
            ..Self::default()
        }
    }
}

/// Starts a run of a sync, or takes up the one that was interrupted, and follows it to its end.
pub(crate) async fn run(
    base: &Base,
    clients: &Clients,
    definition: &SyncDefinition,
    wish: Wish,
    ticket: &Ticket,
    progress: &watch::Sender<Progress>,
) -> Ended {
    let meter = Arc::new(Meter::default());
    run_metered(base, clients, definition, (wish, ticket), &meter, progress).await
}

/// The same, with its cost in a meter that the caller may read afterwards.
async fn run_metered(
    base: &Base,
    clients: &Clients,
    definition: &SyncDefinition,
    wished: (Wish, &Ticket),
    meter: &Arc<Meter>,
    progress: &watch::Sender<Progress>,
) -> Ended {
    let started = start::start(base, clients, definition, wished, meter, progress).await;
    let ended = match started {
        Ok(run) => follow(base, run).await,
        Err(error) => match Parked::before_it_begins(&error, base.clock.now()) {
            Some(parked) if clients.campaigns.rehearsed().is_none() => Ended {
                error: Some(error),
                ..Ended::parked(parked)
            },
            Some(_) | None => Ended::failed(error),
        },
    };
    for settled in [clients.crm.settle(), clients.campaigns.settle()] {
        if let Err(error) = settled {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(
                error,
                "more counts as used of the call budgets than is: some calls may have to wait"
            );
        }
    }
    ended
}

/// Follows a run that has started to its end, or until it is parked.
async fn follow(base: &Base, mut run: Run<'_>) -> Ended {
    let ended = tokio::select! {
        biased;
        ended = run.go_to_the_end() => ended,
        () = cut(&base.stop) => Err(RunError::Stopped),
    };
    match ended {
        Ok(outcome) => run.finish(base, outcome, None),
        Err(error) => match run.park(&error) {
            Ok(Some(parked)) => Ended::parked(parked),
            Ok(None) if error.ends_the_run() => {
                let error = run.explained(base, error).await;
                run.audit_before_failing(&error).await;
                run.finish(base, RunOutcome::Failed, Some(error))
            }
            Ok(None) => Ended::failed(error),
            Err(worse) => Ended::failed(worse),
        },
    }
}

/// Returns a while after rosterd was told to stop: a call that hangs is cut, and made again by the resumed run.
pub(crate) async fn cut(stop: &CancellationToken) {
    stop.cancelled().await;
    tokio::time::sleep(CUT_AFTER).await;
}

impl Run<'_> {
    /// Goes through the phases that are left.
    async fn go_to_the_end(&mut self) -> Result<RunOutcome, RunError> {
        let mut outcome = RunOutcome::Completed;
        self.note_asked_again()?;
        self.open_gate().await?;
        self.learn_opt_outs().await?;
        self.audit_earlier()?;
        loop {
            self.go_on()?;
            match self.row.phase {
                Phase::CarryOver => {
                    self.carry_over()?;
                    self.enter(if self.row.full {
                        Phase::Members
                    } else {
                        Phase::Reading {
                            source: 0,
                            position: Position::Start,
                        }
                    })?;
                }
                Phase::Members => {
                    if self.suppressions_unread.is_none() {
                        self.look_at_members().await?;
                    }
                    self.enter(Phase::Reading {
                        source: 0,
                        position: Position::Start,
                    })?;
                }
                Phase::Reading { .. } => self.read_sources().await?,
                Phase::Vanished { .. } => self.let_vanished_go()?,
                Phase::Deciding => {
                    self.look_for_opted_out().await?;
                    self.decide_all()?;
                    self.enter(Phase::Removing)?;
                }
                Phase::Removing => {
                    // What was learned since, where the run was interrupted.
                    self.decide_all()?;
                    outcome = self.remove().await?;
                    self.enter(Phase::Writing)?;
                }
                Phase::Writing => {
                    self.decide_all()?;
                    self.carry_out_intents(Which::TakeOffs).await?;
                    self.carry_out_intents(Which::All).await?;
                    self.enter(Phase::Verifying)?;
                }
                Phase::Verifying => {
                    self.audit().await?;
                    self.verify_arrivals().await?;
                    self.enter(Phase::Closing)?;
                }
                Phase::Closing => break,
            }
        }
        if self.has_held()? {
            outcome = RunOutcome::Held;
        }
        self.conclude(outcome)
    }

    /// A refusal of the CRM that the definition may be the reason for, as the problem that it is.
    async fn explained(&self, base: &Base, error: RunError) -> RunError {
        let by_names =
            matches!(&error, RunError::Crm(_)) && error.kind() == ErrorKind::Configuration;
        if !by_names {
            return error;
        }
        let clients = Clients {
            crm: self.crm.clone(),
            campaigns: self.campaigns.clone(),
        };
        match check(&base.config, &base.sources, &clients, self.definition).await {
            Err(problems @ RunError::Definition { .. }) => problems,
            Ok(_) | Err(_) => error,
        }
    }

    /// What speaks against calling the run completed, now that everything is done.
    fn conclude(&mut self, outcome: RunOutcome) -> Result<RunOutcome, RunError> {
        if let Some(error) = self.suppressions_unread.take() {
            return Err(RunError::Suppressions(Some(error)));
        }
        if self.row.counts.ignored_by.not_cleared > 0 {
            // The gate was closed before the run was interrupted, and is open now.
            return Err(RunError::Suppressions(None));
        }
        if let Some((refused, detail)) = self.row.not_taken_off.clone() {
            return Err(RunError::NotTakenOff { refused, detail });
        }
        let counts = self.row.counts;
        if !counts.agree() {
            return Err(RunError::Sums {
                total: counts.total,
                settled: counts.settled(),
            });
        }
        Ok(outcome)
    }

    /// Decides all that is staged. Nothing is called meanwhile: whoever is to go shall not wait for whoever is to come.
    fn decide_all(&mut self) -> Result<(), RunError> {
        while self.decide_next()? {
            self.go_on()?;
        }
        Ok(())
    }

    fn decide_next(&mut self) -> Result<bool, StoreError> {
        let deciding = decide::Deciding {
            numbers: self.numbers,
            lists: &self.lists,
            orphans: &self.orphans,
            rivals: &self.rivals,
            topics: self.topics,
            rules: self.plan.rules,
            gate_open: self.suppressions_unread.is_none(),
            witness: self.witness(),
        };
        let mut row = self.row_with_cost();
        let (row, more) = self.store.ledger.step(|step| {
            let more = deciding.next(step, &mut row)?;
            step.save_run(&row)?;
            Ok::<_, StoreError>((row, more))
        })?;
        self.row = row;
        self.report();
        Ok(more)
    }

    fn witness(&self) -> Option<&Witness> {
        self.base.witness.as_ref()
    }

    fn enter(&mut self, phase: Phase) -> Result<(), StoreError> {
        let row = RunRow {
            phase,
            ..self.row_with_cost()
        };
        self.store.ledger.step(|step| step.save_run(&row))?;
        self.row = row;
        self.report();
        Ok(())
    }

    /// Stops between two steps when rosterd is to stop.
    fn go_on(&self) -> Result<(), RunError> {
        if self.stop.is_cancelled() {
            Err(RunError::Stopped)
        } else {
            Ok(())
        }
    }

    /// The run's row with what it has cost up to now.
    fn row_with_cost(&self) -> RunRow {
        let cost = self.meter.snapshot();
        let before = self.cost_before;
        let cost = CostRow {
            crm_calls: before.crm_calls + cost.crm_calls,
            crm_credits: before.crm_credits + cost.crm_credits,
            campaigns_calls: before.campaigns_calls + cost.campaigns_calls,
        };
        RunRow {
            cost,
            ..self.row.clone()
        }
    }
}
