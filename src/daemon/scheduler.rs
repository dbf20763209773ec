//! The daemon's loop: woken by the beat, it starts what is due, reloads when asked, and stops in order.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::beat::Beat;
use super::tasks::Tasks;
use super::vigil::{LOOK_EVERY, Vigil};
use super::{Current, Service, ServiceError, planner, signals};
use crate::clock::Clock;
use crate::config::{Loaded, Problems};
use crate::journal::event::{ConfigReloaded, Event};
use crate::run::Wish;

/// The longest a stop may take; systemd waits longer.
const STOP_WITHIN: Duration = Duration::from_secs(20);

/// Reads the files anew; given by the command, which knows where they are.
pub type Reload = Box<dyn Fn() -> Result<Loaded, Problems> + Send + Sync>;

/// Runs the service until it is told to stop.
///
/// # Errors
/// [`ServiceError`]: it cannot start, or the stores failed and the process has to start anew.
pub async fn daemon(loaded: Loaded, clock: Clock, reload: Reload) -> Result<(), ServiceError> {
    let stop = CancellationToken::new();
    let (asked, mut reloads) = watch::channel(0);
    signals::watch(&stop, Some(asked)).map_err(ServiceError::Signals)?;
    let (service, interrupted) = Service::open(loaded, clock, stop.clone())?;
    let base = service.current().base;
    base.store.mark_daemon()?;
    base.standings.ask_organisations_anew(base.clock.now());
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
    // Before any other call.
    tasks.ask_organisations(&service.current())?;
    let interrupted = interrupted.into_iter().map(|sync| (sync, Wish::Resume));
    tasks.start(&service.current(), interrupted.collect());
    notify(&[sd_notify::NotifyState::Ready]);
    tracing::info!(
        syncs = service.current().base.config.syncs.len(),
        "rosterd is running"
    );
    let result = loop {
        tokio::select! {
            () = stop.cancelled() => break Ok(()),
            _ = reloads.changed() => take_over(&service, &reload)?,
            ended = tasks.next() => {
                if let Err(error) = tasks.ended(&service.current(), ended) {
                    break Err(error);
                }
            }
            () = wake.notified() => {
                vigil.beaten(clock.steady());
                if let Err(error) = tasks.start_due(&service.current()) {
                    break Err(error);
                }
            }
            _ = looks.tick() => {
                if keep_vigil(&mut vigil, &clock, &mut beat).await?
                    && let Err(error) = tasks.start_due(&service.current())
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
