//! The daemon's loop: woken by the beat, it starts what is due, reloads when asked, and stops in order.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::beat::Beat;
use super::control::{ASKED_MAX, Asked, Control, Tell};
use super::notices::Notices;
use super::reload::{self, Difference, NotReloaded, Reload};
use super::tasks::Tasks;
use super::vigil::{LOOK_EVERY, Vigil};
use super::{Service, ServiceError, planner, signals};
use crate::clock::Clock;
use crate::config::Loaded;
use crate::run::Wish;

/// The longest that what is under way may take to stop.
const STOP_WITHIN: Duration = Duration::from_secs(18);

/// How long whoever asked something may take then to hear of it; with that a stop takes 20 s at most, and systemd waits
/// longer.
const HEAR_WITHIN: Duration = Duration::from_secs(2);

/// Runs the service until it is told to stop.
///
/// # Errors
/// [`ServiceError`]: it cannot start, or the stores failed and the process has to start anew.
pub(crate) async fn daemon(
    loaded: Loaded,
    clock: Clock,
    reload: Reload,
    tell: Tell,
) -> Result<(), ServiceError> {
    let stop = CancellationToken::new();
    let (asked, mut reloads) = watch::channel(0);
    signals::watch(&stop, Some(asked)).map_err(ServiceError::Signals)?;
    let (service, interrupted) = Service::open(loaded, clock, stop.clone())?;
    let service = Arc::new(service);
    let base = service.current().base;
    // Before it is known that this is a daemon, so that whoever knows finds the socket.
    let control = bind(&base.config.control);
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
    let (asking, mut asked) = mpsc::channel(ASKED_MAX);
    let works = TaskTracker::new();
    let control = serve(control, &service, asking, tell, (&stop, &works));
    // Before any other call.
    tasks.ask_organisations(&service.current())?;
    let interrupted = interrupted.into_iter().map(|sync| (sync, Wish::Resume));
    tasks.start(&service, interrupted.collect());
    let mut notices = Notices::new();
    notices.ready();
    tracing::info!(
        syncs = service.current().base.config.syncs.len(),
        "rosterd is running"
    );
    let result = loop {
        notices.doing(&service.current().base, tasks.busy());
        tokio::select! {
            () = stop.cancelled() => break Ok(()),
            Ok(()) = reloads.changed() => {
                if let Err(error) = take_over(&service, &mut tasks, &mut notices, &reload) {
                    break Err(error);
                }
            }
            Some(asked) = asked.recv() => {
                if let Err(error) = answer(asked, &service, (&mut tasks, &mut notices), &reload) {
                    break Err(error);
                }
            }
            ended = tasks.next() => {
                if let Err(error) = tasks.ended(&service, ended) {
                    break Err(error);
                }
            }
            () = wake.notified() => {
                vigil.beaten(clock.steady());
                if let Err(error) = tasks.start_due(&service) {
                    break Err(error);
                }
                notices.alive(clock.steady());
            }
            _ = looks.tick() => {
                let looked = match keep_vigil(&mut vigil, &clock, &mut beat).await {
                    Ok(true) => tasks.start_due(&service),
                    Ok(false) => Ok(()),
                    Err(error) => Err(error),
                };
                if let Err(error) = looked {
                    break Err(error);
                }
            }
        }
    };
    notices.stopping(tasks.busy().len());
    tracing::info!("rosterd is stopping");
    stop.cancel();
    // What was asked for and has not begun is not begun any more.
    drop(asked);
    works.close();
    let ending = async {
        tasks.drain(&service).await;
        works.wait().await;
    };
    if tokio::time::timeout(STOP_WITHIN, ending).await.is_err() {
        tracing::warn!("a run did not stop in time; it goes on at the next start");
    }
    if tokio::time::timeout(HEAR_WITHIN, control).await.is_err() {
        tracing::info!("a connection to the control socket stayed open, and is cut");
    }
    beat.stop().await.map_err(ServiceError::Beat)?;
    result
}

/// The control socket. A daemon that cannot be asked does its work all the same.
fn bind(path: &Path) -> Option<Control> {
    match Control::bind(path) {
        Ok(control) => Some(control),
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "no command can reach this daemon: {error}"
            );
            None
        }
    }
}

/// Serves the control socket until it ends.
fn serve(
    control: Option<Control>,
    service: &Arc<Service>,
    asking: mpsc::Sender<Asked>,
    tell: Tell,
    (stop, works): (&CancellationToken, &TaskTracker),
) -> impl Future<Output = ()> + use<> {
    let control = control.map(|control| {
        let ends = (stop.clone(), works.clone());
        let served = control.serve(service.clone(), asking, tell, ends);
        tokio::spawn(served)
    });
    async move {
        if let Some(control) = control
            && let Ok(Err(error)) | Err(error) = control.await.map_err(std::io::Error::other)
        {
            tracing::error!(%error, "the control socket broke off");
        }
    }
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

/// Lets the files take over as they are now, and tells systemd meanwhile.
fn take_over(
    service: &Service,
    tasks: &mut Tasks,
    notices: &mut Notices,
    reload: &Reload,
) -> Result<Result<Difference, NotReloaded>, ServiceError> {
    notices.reloading();
    let taken = reload::take_over(service, reload)?;
    tasks.ask_anew();
    let refused = taken.as_ref().err().map(|problems| match problems.0.len() {
        1 => "1 problem, see the log".to_owned(),
        count => format!("{count} problems, see the log"),
    });
    notices.reloaded(refused);
    Ok(taken)
}

/// Does what was asked through the control socket.
fn answer(
    asked: Asked,
    service: &Arc<Service>,
    (tasks, notices): (&mut Tasks, &mut Notices),
    reload: &Reload,
) -> Result<(), ServiceError> {
    // Whoever asked may be gone; what was asked is done all the same.
    match asked {
        Asked::Run(run) => tasks.start_asked(service, run),
        Asked::Set {
            syncs,
            wanted,
            answer,
        } => {
            let set = service.current().set(&syncs, wanted).map_err(Box::new)?;
            planner::note_schedules(&service.current().base)?;
            // What was interrupted and had to wait for this goes on.
            let waits = set
                .iter()
                .filter(|set| set.is_interrupted && set.after.is_none());
            let waits = waits.map(|set| set.sync.clone());
            tasks.resume(service, waits.collect());
            let _ = answer.send(Ok(set));
        }
        Asked::Reload { answer } => {
            let _ = answer.send(take_over(service, tasks, notices, reload)?);
        }
        Asked::End(error) => return Err(error),
        Asked::Panicked(panic) => std::panic::resume_unwind(panic),
    }
    Ok(())
}
