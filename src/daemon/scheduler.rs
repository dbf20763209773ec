//! The daemon's loop: woken by the beat, it starts what is due, reloads when asked, and stops in order.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::beat::Beat;
use super::vigil::{LOOK_EVERY, Vigil};
use super::{Current, Service, ServiceError, planner, signals};
use crate::clock::Clock;
use crate::config::{Loaded, Problems};
use crate::domain::ids::SyncId;
use crate::domain::limits::Limit;
use crate::journal::event::{ConfigReloaded, DeferReason, Event, RunDeferred};
use crate::run::{Ended, Progress, RunError, Ticket, Wish};

/// The longest a stop may take; systemd waits longer.
const STOP_WITHIN: Duration = Duration::from_secs(20);

/// Reads the files anew; given by the command, which knows where they are.
pub type Reload = Box<dyn Fn() -> Result<Loaded, Problems> + Send + Sync>;

/// What ended a run's task: its sync, what it was started for, and its result.
type Task = (SyncId, Wish, Option<Ended>);

/// Runs the service until it is told to stop.
///
/// # Errors
/// [`ServiceError`]: it cannot start, or the stores failed and the process has to start anew.
pub async fn daemon(loaded: Loaded, clock: Clock, reload: Reload) -> Result<(), ServiceError> {
    let stop = CancellationToken::new();
    let (asked, mut reloads) = watch::channel(0);
    signals::watch(&stop, Some(asked)).map_err(ServiceError::Signals)?;
    let (service, interrupted) = Service::open(loaded, clock, stop.clone())?;
    let service = Arc::new(service);
    service.current().base.store.mark_daemon()?;
    planner::note_schedules(&service.current().base)?;

    let wake = Arc::new(Notify::new());
    let mut beat = Beat::start(wake.clone())
        .await
        .map_err(ServiceError::Beat)?;
    let clock = service.current().base.clock.clone();
    let mut vigil = Vigil::new(clock.now(), clock.steady());
    let mut looks = interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut tasks = Tasks::default();
    let interrupted = interrupted.into_iter().map(|sync| (sync, Wish::Resume));
    tasks.start(&service, interrupted.collect());
    notify(&[sd_notify::NotifyState::Ready]);
    tracing::info!(
        syncs = service.current().base.config.syncs.len(),
        "rosterd is running"
    );
    let result = loop {
        tokio::select! {
            () = stop.cancelled() => break Ok(()),
            _ = reloads.changed() => take_over(&service, &reload)?,
            Some(ended) = tasks.set.join_next() => {
                if let Err(error) = tasks.ended(&service.current(), ended) {
                    break Err(error);
                }
            }
            () = wake.notified() => {
                vigil.beaten(clock.steady());
                if let Err(error) = tasks.start_due(&service) {
                    break Err(error);
                }
            }
            _ = looks.tick() => {
                if keep_vigil(&mut vigil, &clock, &mut beat).await?
                    && let Err(error) = tasks.start_due(&service)
                {
                    break Err(error);
                }
            }
        }
    };
    notify(&[sd_notify::NotifyState::Stopping]);
    tracing::info!("rosterd is stopping");
    stop.cancel();
    let drained = tokio::time::timeout(STOP_WITHIN, tasks.drain(&service.current())).await;
    if drained.is_err() {
        tracing::warn!("a run did not stop in time; it goes on at the next start");
    }
    beat.stop().await.map_err(ServiceError::Beat)?;
    result
}

/// Looks after clock and beat; says whether what is due has to be looked at anew.
async fn keep_vigil(
    vigil: &mut Vigil,
    clock: &Clock,
    beat: &mut Beat,
) -> Result<bool, ServiceError> {
    let look = vigil.look(clock.now(), clock.steady());
    if let Some(step) = look.step {
        let way = if step.is_negative() {
            "the clock was set back"
        } else {
            "the clock was set forward, or the machine slept"
        };
        tracing::warn!(
            step_ms = i64::try_from(step.as_millis()).unwrap_or(i64::MAX),
            "{way}: what is due is looked at anew"
        );
    }
    if look.is_silent {
        if look.step.is_none() {
            tracing::warn!("the scheduler's beat fell silent: its job is replaced");
        }
        beat.replace().await.map_err(ServiceError::Beat)?;
    }
    Ok(look.step.is_some() || look.is_silent)
}

/// The runs under way.
#[derive(Default)]
struct Tasks {
    set: JoinSet<Task>,
    busy: BTreeMap<SyncId, Wish>,
}

impl Tasks {
    /// Starts runs that fall due together: each knows of the others before the first one begins.
    fn start(&mut self, service: &Arc<Service>, due: Vec<(SyncId, Wish)>) {
        let current = service.current();
        let ticket = |(sync, wish)| current.ticket(&sync).map(|ticket| (ticket, wish));
        let tickets: Vec<(Ticket, Wish)> = due.into_iter().filter_map(ticket).collect();
        for (ticket, wish) in tickets {
            self.busy.insert(ticket.sync().clone(), wish);
            let (service, current) = (service.clone(), current.clone());
            self.set.spawn(async move {
                let (progress, _) = watch::channel(Progress::default());
                let result = service.run(&current, &ticket, wish, &progress).await;
                (ticket.sync().clone(), wish, result)
            });
        }
    }

    fn start_due(&mut self, service: &Arc<Service>) -> Result<(), ServiceError> {
        let due = planner::due(&service.current().base, &self.busy).map_err(Box::new)?;
        self.start(service, due);
        Ok(())
    }

    fn ended(
        &mut self,
        current: &Current,
        ended: Result<Task, tokio::task::JoinError>,
    ) -> Result<(), ServiceError> {
        let (sync, wish, result) = match ended {
            Ok(ended) => ended,
            // A panicking run leaves state that only a new start can trust.
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        };
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

    async fn drain(&mut self, current: &Current) {
        while let Some(ended) = self.set.join_next().await {
            if let Err(error) = self.ended(current, ended) {
                tracing::error!(error = &error as &dyn std::error::Error, "a run broke off");
            }
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

/// Lets the files take over as they are now; any problem leaves everything as it was.
fn take_over(service: &Service, reload: &Reload) -> Result<(), ServiceError> {
    notify(&[
        sd_notify::NotifyState::Reloading,
        sd_notify::NotifyState::monotonic_usec_now().unwrap_or(sd_notify::NotifyState::Reloading),
    ]);
    match reload() {
        Err(problems) => {
            for problem in &problems.0 {
                tracing::error!(
                    file = problem.file,
                    line = problem.line,
                    column = problem.column,
                    help = problem.help,
                    "not reloaded: {}",
                    problem.message
                );
            }
        }
        Ok(loaded) => {
            let before = service.current();
            if moves(&before, &loaded) {
                tracing::error!("not reloaded: state_dir and history_dir take a restart");
            } else {
                service.replace(loaded)?;
                let current = service.current();
                planner::note_schedules(&current.base)?;
                let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
                current.base.append(&Event::ConfigReloaded(ConfigReloaded {
                    accounts: count(current.base.config.accounts.len()),
                    syncs: count(current.base.config.syncs.len()),
                }))?;
                tracing::info!(syncs = current.base.config.syncs.len(), "reloaded");
            }
        }
    }
    notify(&[sd_notify::NotifyState::Ready]);
    Ok(())
}

/// Whether the new files name other folders than the ones that are open.
fn moves(before: &Current, loaded: &Loaded) -> bool {
    let config = &before.base.config;
    config.state_dir != loaded.config.state_dir || config.history_dir != loaded.config.history_dir
}

/// Tells systemd, where it listens.
fn notify(states: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(
            error = &error as &dyn std::error::Error,
            "systemd was not told"
        );
    }
}
