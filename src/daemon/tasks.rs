//! What the daemon has under way: runs, one of a sync at a time, and questions whose organisation an account belongs to.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

use super::{Current, ServiceError, planner};
use crate::domain::ids::{AccountName, SyncId};
use crate::domain::limits::Limit;
use crate::journal::event::{DeferReason, Event, RunDeferred};
use crate::run::{Ended, Progress, RunError, Ticket, Wish};

/// How long an organisation that could not be asked for is left alone. A run that starts meanwhile asks for itself.
const ASK_AGAIN_AFTER: SignedDuration = SignedDuration::from_mins(15);

/// What has ended.
enum Done {
    /// A run: its sync, what it was started for, and its result.
    Run(SyncId, Wish, Option<Ended>),
    /// An organisation was asked for.
    Asked(AccountName, Result<(), RunError>),
}

/// What is under way.
#[derive(Default)]
pub(super) struct Tasks {
    set: JoinSet<Done>,
    busy: BTreeMap<SyncId, Wish>,
    /// When each organisation was last asked for, by this process.
    asked_at: BTreeMap<AccountName, Timestamp>,
}

/// The end of a task, which [`Tasks::ended`] takes.
pub(super) struct Finished(Result<Done, JoinError>);

impl Tasks {
    /// Starts runs that fall due together: each knows of the others before the first one begins.
    pub(super) fn start(&mut self, current: &Current, due: Vec<(SyncId, Wish)>) {
        let ticket = |(sync, wish)| current.ticket(&sync).map(|ticket| (ticket, wish));
        let tickets: Vec<(Ticket, Wish)> = due.into_iter().filter_map(ticket).collect();
        for (ticket, wish) in tickets {
            self.busy.insert(ticket.sync().clone(), wish);
            let current = current.clone();
            self.set.spawn(async move {
                let (progress, _) = watch::channel(Progress::default());
                let result = current.run(&ticket, wish, &progress).await;
                Done::Run(ticket.sync().clone(), wish, result)
            });
        }
    }

    /// Starts what is due now: organisations that have to be asked for, before any other call, then runs.
    pub(super) fn start_due(&mut self, current: &Current) -> Result<(), ServiceError> {
        self.ask_organisations(current)?;
        let due = planner::due(&current.base, &self.busy).map_err(Box::new)?;
        self.start(current, due);
        Ok(())
    }

    /// Asks for the organisations that have to be asked for.
    pub(super) fn ask_organisations(&mut self, current: &Current) -> Result<(), ServiceError> {
        let now = current.base.clock.now();
        for account in current.base.config.accounts.keys() {
            let is_recent = |at: &Timestamp| {
                let age = now.duration_since(*at);
                !age.is_negative() && age < ASK_AGAIN_AFTER
            };
            if self.asked_at.get(account).is_some_and(is_recent) {
                continue;
            }
            // A run under way has asked, or asks.
            let Some(asking) = current.asking(account)? else {
                continue;
            };
            self.asked_at.insert(account.clone(), now);
            let account = account.clone();
            self.set
                .spawn(async move { Done::Asked(account, asking.await) });
        }
        Ok(())
    }

    /// Waits for something to end; for ever, where nothing is under way.
    pub(super) async fn next(&mut self) -> Finished {
        match self.set.join_next().await {
            Some(ended) => Finished(ended),
            None => std::future::pending().await,
        }
    }

    /// Sees to what has ended.
    pub(super) fn ended(
        &mut self,
        current: &Current,
        finished: Finished,
    ) -> Result<(), ServiceError> {
        match finished.0 {
            Ok(Done::Run(sync, wish, result)) => {
                self.busy.remove(&sync);
                match result {
                    Some(Ended {
                        finished,
                        error: Some(error),
                        ..
                    }) => after_failure(current, &sync, wish, finished.is_some(), error),
                    Some(Ended { error: None, .. }) | None => Ok(()),
                }
            }
            Ok(Done::Asked(account, result)) => after_asking(current, &account, result),
            // A panicking run leaves state that only a new start can trust.
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        }
    }

    /// Waits until everything has ended.
    pub(super) async fn drain(&mut self, current: &Current) {
        while let Some(ended) = self.set.join_next().await {
            if let Err(error) = self.ended(current, Finished(ended)) {
                tracing::error!(error = &error as &dyn std::error::Error, "a run broke off");
            }
        }
    }
}

fn after_asking(
    current: &Current,
    account: &AccountName,
    result: Result<(), RunError>,
) -> Result<(), ServiceError> {
    match result {
        Ok(()) | Err(RunError::Stopped) => Ok(()),
        Err(RunError::Store(error)) => Err(error.into()),
        Err(RunError::Journal(error)) => Err(error.into()),
        // Told already, when it was noted.
        Err(RunError::Organisation { .. }) => Ok(planner::note_schedules(&current.base)?),
        Err(error) => {
            tracing::warn!(
                %account,
                kind = error.kind().name(),
                "the organisation of account {account} could not be asked for, so none of its runs can start: {}",
                error.message()
            );
            Ok(())
        }
    }
}

/// What a run that did not complete asks of the daemon.
fn after_failure(
    current: &Current,
    sync: &SyncId,
    wish: Wish,
    journalled: bool,
    error: RunError,
) -> Result<(), ServiceError> {
    match error {
        RunError::Store(error) => return Err(error.into()),
        RunError::Journal(error) => return Err(error.into()),
        RunError::Stopped => return Ok(()),
        RunError::Limit(refused) => {
            tracing::warn!(sync = %sync, "{refused}: the run is deferred");
            defer(current, sync, refused.limit)?;
        }
        RunError::Organisation { .. } => planner::note_schedules(&current.base)?,
        // The sync became inactive after the run fell due.
        error @ RunError::Inactive { .. } => tracing::warn!(sync = %sync, "{}", error.message()),
        error => tracing::error!(sync = %sync, kind = error.kind().name(), "{}", error.message()),
    }
    if let (Wish::Schedule { at, .. }, false) = (wish, journalled) {
        planner::note_handled(&current.base, sync, at)?;
    }
    Ok(())
}

fn defer(current: &Current, sync: &SyncId, limit: Limit) -> Result<(), ServiceError> {
    let Some(definition) = current.base.config.syncs.get(sync) else {
        return Ok(());
    };
    let reason = match limit {
        Limit::RunsPerDay => DeferReason::RunsPerDay,
        Limit::InitiationsPerMonth => DeferReason::InitiationsPerMonth,
        Limit::ResyncsPerDay => DeferReason::ResyncsPerDay,
        Limit::ResyncsPerMonth => DeferReason::ResyncsPerMonth,
        Limit::ActiveSyncs => return Ok(()),
    };
    let next = definition.schedule.next_after(current.base.clock.now());
    let (sync, account) = (definition.id.clone(), definition.account.clone());
    current.base.append(&Event::RunDeferred(RunDeferred {
        sync,
        account,
        reason,
        next,
    }))?;
    Ok(())
}
