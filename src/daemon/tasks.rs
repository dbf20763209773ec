//! What the daemon has under way: runs, one of a sync at a time, and questions whose organisation an account belongs to.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinError, JoinSet};

use super::answer::{AskError, RunAnswer};
use super::control::AskedRun;
use super::{Current, Service, ServiceError, planner};
use crate::domain::ids::{AccountName, SyncId};
use crate::domain::limits::Limit;
use crate::journal::event::{DeferReason, Event, RunDeferred, RunError as Journalled, SkipReason};
use crate::run::{Ended, Progress, RunError, Ticket, Waits, Wish};
use crate::store::StoreError;

/// How long an organisation that could not be asked for is left alone. A run that starts meanwhile asks for itself.
const ASK_AGAIN_AFTER: SignedDuration = SignedDuration::from_mins(15);

/// How long an interrupted run that could not be taken up is left alone. A run of its sync that starts meanwhile takes it
/// up first.
const RESUME_AGAIN_AFTER: SignedDuration = SignedDuration::from_mins(15);

/// Runs that people asked for and that wait because one of their sync is under way.
const QUEUED_MAX: usize = 16;

/// What has ended.
enum Done {
    /// A run: its sync, what it was started for, its result, and who wants to know it.
    Run(SyncId, Wish, Option<Box<Ended>>, Option<Answer>),
    /// An organisation was asked for.
    Asked(AccountName, Result<(), RunError>),
}

type Answer = oneshot::Sender<RunAnswer>;

/// What is under way.
#[derive(Default)]
pub(super) struct Tasks {
    set: JoinSet<Done>,
    busy: BTreeMap<SyncId, Wish>,
    /// How far they are.
    progress: BTreeMap<SyncId, watch::Receiver<Progress>>,
    /// What people asked for, the oldest first.
    queued: VecDeque<AskedRun>,
    /// When each organisation was last asked for, by this process.
    asked_at: BTreeMap<AccountName, Timestamp>,
    /// Syncs whose interrupted run could not be taken up, and when that was tried: the next occurrence may be a month away.
    waiting: BTreeMap<SyncId, Timestamp>,
}

/// The end of a task, which [`Tasks::ended`] takes.
pub(super) struct Finished(Result<Done, JoinError>);

impl Tasks {
    /// The runs under way, and what for.
    pub(super) fn busy(&self) -> &BTreeMap<SyncId, Wish> {
        &self.busy
    }

    /// Starts runs that fall due together: each knows of the others before the first one begins.
    pub(super) fn start(&mut self, service: &Arc<Service>, due: Vec<(SyncId, Wish)>) {
        let current = service.current();
        let ticket = |(sync, wish)| current.ticket(&sync).map(|ticket| (ticket, wish));
        let tickets: Vec<(Ticket, Wish)> = due.into_iter().filter_map(ticket).collect();
        for (ticket, wish) in tickets {
            let (progress, _) = watch::channel(Progress::default());
            self.spawn(service, ticket, wish, (progress, None));
        }
    }

    /// Takes up interrupted runs, unless something of their syncs is under way.
    pub(super) fn resume(&mut self, service: &Arc<Service>, mut syncs: Vec<SyncId>) {
        syncs.retain(|sync| !self.busy.contains_key(sync));
        let interrupted = syncs.into_iter().map(|sync| (sync, Wish::Resume));
        self.start(service, interrupted.collect());
    }

    /// Starts a run that somebody asked for, or lets it wait until the one of its sync that is under way has ended.
    pub(super) fn start_asked(&mut self, service: &Arc<Service>, asked: AskedRun) {
        if !self.busy.contains_key(&asked.sync) {
            return self.spawn_asked(service, asked);
        }
        let before = self.progress.get(&asked.sync);
        let before = before.map(|seen| seen.borrow().clone()).unwrap_or_default();
        if before.waits == Waits::ToBegin {
            let _ = asked.answer.send(RunAnswer {
                finished: None,
                error: Some(AskError::Later(format!(
                    "a run of {} {}; it begins by itself then",
                    asked.sync, before.doing
                ))),
            });
            return;
        }
        if self.queued.len() < QUEUED_MAX {
            asked.progress.send_replace(before.behind());
            tracing::info!(sync = %asked.sync, "a run of this sync is under way; the one that was asked for waits");
            self.queued.push_back(asked);
            return;
        }
        let refused = AskError::Refused(format!(
            "a run of {} is under way, and {QUEUED_MAX} others wait: ask again later",
            asked.sync
        ));
        let _ = asked.answer.send(RunAnswer {
            finished: None,
            error: Some(refused),
        });
    }

    fn spawn_asked(&mut self, service: &Arc<Service>, asked: AskedRun) {
        let AskedRun {
            sync,
            wish,
            progress,
            answer,
        } = asked;
        match service.current().ticket(&sync) {
            Some(ticket) => self.spawn(service, ticket, wish, (progress, Some(answer))),
            // Its file went away while it waited.
            None => {
                let _ = answer.send(RunAnswer::of(None));
            }
        }
    }

    fn spawn(
        &mut self,
        service: &Arc<Service>,
        ticket: Ticket,
        wish: Wish,
        (progress, answer): (watch::Sender<Progress>, Option<Answer>),
    ) {
        self.busy.insert(ticket.sync().clone(), wish);
        self.progress
            .insert(ticket.sync().clone(), progress.subscribe());
        self.waiting.remove(ticket.sync());
        // Here, as tasks begin in any order.
        let turn = ticket.line_up();
        let (service, wished) = (service.clone(), service.current());
        self.set.spawn(async move {
            let result = service.run(&wished, (&ticket, turn), wish, &progress).await;
            Done::Run(ticket.sync().clone(), wish, result.map(Box::new), answer)
        });
    }

    /// Forgets when organisations were asked for, as credentials may have changed.
    pub(super) fn ask_anew(&mut self) {
        self.asked_at.clear();
    }

    /// Starts what is due now: organisations that have to be asked for, before any other call, then interrupted runs that
    /// wait, then runs.
    pub(super) fn start_due(&mut self, service: &Arc<Service>) -> Result<(), ServiceError> {
        let current = service.current();
        self.ask_organisations(&current)?;
        self.resume_again(service, current.base.clock.now());
        let due = planner::due(&current.base, &self.busy).map_err(Box::new)?;
        self.start(service, due);
        Ok(())
    }

    /// Takes up interrupted runs that could not be taken up a while ago.
    fn resume_again(&mut self, service: &Arc<Service>, now: Timestamp) {
        let due = self.waiting.iter().filter(|(_, tried_at)| {
            let age = now.duration_since(**tried_at);
            age.is_negative() || age >= RESUME_AGAIN_AFTER
        });
        let due: Vec<SyncId> = due.map(|(sync, _)| sync.clone()).collect();
        for sync in &due {
            self.waiting.remove(sync);
        }
        self.resume(service, due);
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
        service: &Arc<Service>,
        finished: Finished,
    ) -> Result<(), ServiceError> {
        let current = &service.current();
        match finished.0 {
            Ok(Done::Run(sync, wish, result, answer)) => {
                self.busy.remove(&sync);
                self.progress.remove(&sync);
                if let Some(answer) = answer {
                    // Whoever went away does not hear it.
                    let _ = answer.send(RunAnswer::of(result.as_deref()));
                }
                let next = self.queued.iter().position(|queued| queued.sync == sync);
                if let Some(next) = next.and_then(|next| self.queued.remove(next)) {
                    self.spawn_asked(service, next);
                }
                match result.map(|ended| *ended) {
                    Some(Ended {
                        finished,
                        error: Some(error),
                        ..
                    }) => {
                        if may_be_taken_up_later(&error) && is_interrupted(current, &sync)? {
                            self.waiting.insert(sync.clone(), current.base.clock.now());
                        }
                        after_failure(current, &sync, wish, finished.is_some(), error)
                    }
                    Some(Ended { error: None, .. }) | None => Ok(()),
                }
            }
            Ok(Done::Asked(account, result)) => after_asking(current, &account, result),
            // A panicking run leaves state that only a new start can trust.
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        }
    }

    /// Waits until everything has ended.
    pub(super) async fn drain(&mut self, service: &Arc<Service>) {
        self.queued.clear();
        while let Some(ended) = self.set.join_next().await {
            if let Err(error) = self.ended(service, Finished(ended)) {
                tracing::error!(error = &error as &dyn std::error::Error, "a run broke off");
            }
        }
    }
}

fn is_interrupted(current: &Current, sync: &SyncId) -> Result<bool, StoreError> {
    let checkpoint = current.base.store.state.checkpoint(sync)?;
    Ok(checkpoint.is_some_and(|checkpoint| checkpoint.running.is_some()))
}

/// Whether trying again may take up an interrupted run. What a person has to activate first is taken up with that.
fn may_be_taken_up_later(error: &RunError) -> bool {
    !matches!(
        error,
        RunError::Stopped
            | RunError::Store(_)
            | RunError::Journal(_)
            | RunError::Inactive { .. }
            | RunError::Organisation { .. }
    )
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
    if let RunError::Organisation { .. } = &error {
        planner::note_schedules(&current.base)?;
    }
    // What became of the occurrence that the run was for.
    let mut event = None;
    match error {
        RunError::Store(error) => return Err(error.into()),
        RunError::Journal(error) => return Err(error.into()),
        RunError::Stopped => return Ok(()),
        RunError::Limit(refused) if matches!(wish, Wish::Person { .. }) => {
            tracing::info!(sync = %sync, "{refused}: the run that was asked for is refused");
        }
        RunError::Limit(refused) => {
            tracing::warn!(sync = %sync, "{refused}: the run is deferred");
            event = deferred(current, sync, refused.limit);
        }
        // The sync became inactive after the run fell due.
        error @ RunError::Inactive { .. } => tracing::warn!(sync = %sync, "{}", error.message()),
        error => {
            let (kind, message) = (error.kind(), error.message());
            tracing::error!(sync = %sync, kind = kind.name(), "{message}");
            let definition = current.base.config.syncs.get(sync);
            // Whoever asked for a run is told; nobody asked for this one.
            let is_untold = matches!(wish, Wish::Schedule { .. }) && !journalled;
            if let Some(definition) = definition.filter(|_| is_untold) {
                let error = Some(Journalled { kind, message });
                let reason = SkipReason::NotStarted;
                event = Some(planner::skipped(&current.base, definition, reason, error));
            }
        }
    }
    if let (Wish::Schedule { at, .. }, false) = (wish, journalled) {
        planner::note_handled(&current.base, sync, at, event.as_slice()).map_err(Box::new)?;
    }
    Ok(())
}

/// The event of a run that waits for its next time, as a limit is reached.
fn deferred(current: &Current, sync: &SyncId, limit: Limit) -> Option<Event> {
    let definition = current.base.config.syncs.get(sync)?;
    let reason = match limit {
        Limit::RunsPerDay => DeferReason::RunsPerDay,
        Limit::InitiationsPerMonth => DeferReason::InitiationsPerMonth,
        Limit::ResyncsPerDay => DeferReason::ResyncsPerDay,
        Limit::ResyncsPerMonth => DeferReason::ResyncsPerMonth,
        Limit::ActiveSyncs => return None,
    };
    let next = definition.schedule.next_after(current.base.clock.now());
    let (sync, account) = (definition.id.clone(), definition.account.clone());
    Some(Event::RunDeferred(RunDeferred {
        sync,
        account,
        reason,
        next,
        error: None,
    }))
}
