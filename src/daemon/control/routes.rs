//! What can be asked through the control socket, and how each question is answered.

use std::fs::File;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::FutureExt;
use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::lines::{bytes, follow};
use super::peer::Peer;
use super::wire::{
    AskAdopt, AskForget, AskHold, AskPlan, AskRelease, AskRun, AskSet, AskWhy, Hello, Line,
    Standing,
};
use super::{Asked, AskedRun, Tell, Wording};
use crate::daemon::answer::{AskError, Planned, RunAnswer};
use crate::daemon::rehearsal::{Folder, Rehearsal, Scope};
use crate::daemon::reload::Fingerprints;
use crate::daemon::{Current, Service, ServiceError};
use crate::domain::address::{EmailAddress, RoleAddresses};
use crate::domain::ids::SyncId;
use crate::domain::written::Written;
use crate::run::standings::Wanted;
use crate::run::why::Subject;
use crate::run::{Progress, RunError, Wish, cut};
use crate::store::backup::CopyOf;
use crate::store::{StoreError, backup};

/// A backup in the folder of its copy.
const PACKED: &str = "backup";

/// What every answer may need.
struct Shared {
    service: Arc<Service>,
    asked: mpsc::Sender<Asked>,
    tell: Tell,
    stop: CancellationToken,
    works: TaskTracker,
}

type At = State<Arc<Shared>>;

pub(super) fn routes(
    service: Arc<Service>,
    asked: mpsc::Sender<Asked>,
    tell: Tell,
    (stop, works): (CancellationToken, TaskTracker),
) -> Router {
    let shared = Arc::new(Shared {
        service,
        asked,
        tell,
        stop,
        works,
    });
    Router::new()
        .route("/hello", get(hello))
        .route("/state", get(state))
        .route("/run", post(run))
        .route("/plan", post(plan))
        .route("/why", post(why))
        .route("/hold", post(hold))
        .route("/adopt", post(adopt))
        .route("/release", post(release))
        .route("/forget", post(forget))
        .route("/activation", post(set))
        .route("/reload", post(reload))
        .route("/verify", post(verify))
        .route("/backup", post(pack))
        .layer(middleware::from_fn_with_state(shared.clone(), admit))
        .with_state(shared)
}

/// Lets through who may ask, and notes who asks for what.
async fn admit(
    State(shared): At,
    ConnectInfo(peer): ConnectInfo<Peer>,
    request: Request,
    next: Next,
) -> Response {
    let socket = shared.service.current().base.config.control.clone();
    let what = known(request.uri().path());
    let uid = peer.uid;
    if !peer.may_ask(&socket) {
        tracing::warn!(
            uid,
            what,
            "a process that may not ask was turned away from the control socket"
        );
        let message =
            "this user may not ask the daemon: use root, the service's user, or one of its group";
        return answer::<()>(Err(AskError::Refused(message.to_owned())));
    }
    match what {
        "hello" | "state" | "plan" | "why" => {
            tracing::debug!(uid, what, "asked through the control socket")
        }
        _ => tracing::info!(uid, what, "asked through the control socket"),
    }
    next.run(request).await
}

/// What is asked for at a path. Of one that is not known nothing is logged: it may say anything.
fn known(path: &str) -> &'static str {
    const KNOWN: [&str; 13] = [
        "hello",
        "state",
        "run",
        "plan",
        "why",
        "hold",
        "adopt",
        "release",
        "forget",
        "activation",
        "reload",
        "verify",
        "backup",
    ];
    let asked = path.trim_start_matches('/');
    let known = KNOWN.into_iter().find(|known| *known == asked);
    known.unwrap_or("something unknown")
}

fn answer<T: Serialize>(result: Result<T, AskError>) -> Response {
    match result {
        Ok(value) => Json(value).into_response(),
        Err(error) => (StatusCode::UNPROCESSABLE_ENTITY, Json(error)).into_response(),
    }
}

impl Shared {
    fn current(&self) -> Current {
        self.service.current()
    }

    /// The answer to what was done; stores that have failed end the daemon.
    async fn done<T>(&self, result: Result<T, RunError>) -> Result<T, AskError> {
        let error = match result {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let told = AskError::of(&error);
        let end = match error {
            RunError::Store(error) => Some(error.into()),
            RunError::Journal(error) => Some(error.into()),
            _ => None,
        };
        if let Some(error) = end {
            // The loop is gone only where the daemon ends anyway.
            let _ = self.asked.send(Asked::End(error)).await;
        }
        Err(told)
    }

    /// Does what is to be done once it is begun, whether or not whoever asked waits for it: a connection that breaks
    /// would cut it anywhere. When the daemon stops it has as long as a run. A panic ends the daemon, as one of a run does.
    async fn undertake<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl Future<Output = Result<T, AskError>> + Send + 'static,
    ) -> Result<T, AskError> {
        let shared = self.clone();
        let task = self.works.spawn(async move {
            let work = AssertUnwindSafe(work).catch_unwind();
            let done = tokio::select! {
                done = work => done,
                () = cut(&shared.stop) => return Err(unfinished()),
            };
            match done {
                Ok(done) => done,
                Err(panic) => {
                    let _ = shared.asked.send(Asked::Panicked(panic)).await;
                    Err(unfinished())
                }
            }
        });
        task.await.unwrap_or_else(|_| Err(unfinished()))
    }

    /// Asks the daemon's loop.
    async fn ask<T>(&self, asked: impl FnOnce(oneshot::Sender<T>) -> Asked) -> Result<T, AskError> {
        let (sender, answer) = oneshot::channel();
        let stopping = || {
            let message = "the daemon is stopping: ask again when it has been started";
            AskError::Later(message.to_owned())
        };
        let sent = self.asked.send(asked(sender)).await;
        sent.map_err(|_| stopping())?;
        answer.await.map_err(|_| stopping())
    }
}

fn unfinished() -> AskError {
    AskError::Later(
        "the daemon ends before this is done: ask again when it has been started".to_owned(),
    )
}

async fn hello(State(shared): At) -> Response {
    let state_dir = shared.current().base.config.state_dir.clone();
    answer(Ok(Hello {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        // Whoever asks may be in another folder than this process.
        state_dir: state_dir.canonicalize().unwrap_or(state_dir),
    }))
}

async fn state(State(shared): At) -> Response {
    let current = shared.current();
    let standing = current.base.store.state.snapshot();
    let standing = standing.map(|kept| Standing {
        kept,
        files: Fingerprints::of(&current.base.config),
    });
    answer(shared.done(standing.map_err(RunError::from)).await)
}

async fn run(State(shared): At, Json(ask): Json<AskRun>) -> Response {
    let sync = match shared.current().base.config.sync_named(&ask.sync) {
        Ok(sync) => sync,
        Err(unknown) => return answer::<()>(Err(unknown.into())),
    };
    tracing::info!(%sync, full = ask.full, "a run of {sync} is asked for");
    let (progress, watched) = watch::channel(Progress::default());
    let wish = Wish::Person { full: ask.full };
    let ended = async move {
        let run = |answer| {
            Asked::Run(AskedRun {
                sync,
                wish,
                progress,
                answer,
            })
        };
        shared.ask(run).await
    };
    follow(watched, |lines: mpsc::Sender<Line<RunAnswer>>| async move {
        let last = match ended.await {
            Ok(ended) => Line::Done(ended),
            Err(error) => Line::Not(error),
        };
        // Whoever went away does not hear it.
        let _ = lines.send(last).await;
    })
}

async fn plan(State(shared): At, Json(ask): Json<AskPlan>) -> Response {
    let current = shared.current();
    let sync = match current.base.config.sync_named(&ask.sync) {
        Ok(sync) => sync,
        Err(unknown) => return answer::<()>(Err(unknown.into())),
    };
    let (progress, watched) = watch::channel(Progress::default());
    follow(watched, |lines: mpsc::Sender<Line<Planned>>| async move {
        let scope = Scope {
            full: ask.full,
            people: ask.people,
        };
        let planned = async {
            let folder = Folder::create().map_err(failed)?;
            let rehearsal = Rehearsal::beside(&current, &sync, scope, &folder).map_err(failed)?;
            let planned = tokio::select! {
                rehearsed = rehearsal.run(&progress) => rehearsal.planned(rehearsed?),
                () = lines.closed() => return Err(AskError::Later("nobody listens any more".to_owned())),
                () = shared.stop.cancelled() => return Err(AskError::Later("the daemon is stopping".to_owned())),
            };
            if scope.people {
                for person in folder.persons().map_err(failed)? {
                    let person = Line::Person(person.map_err(failed)?);
                    let sent = lines.send(person).await;
                    sent.map_err(|_| AskError::Later("nobody listens any more".to_owned()))?;
                }
            }
            Ok(planned)
        };
        let last = match planned.await {
            Ok(planned) => Line::Done(planned),
            Err(error) => Line::Not(error),
        };
        let _ = lines.send(last).await;
    })
}

fn failed(error: impl Into<crate::daemon::ServiceError>) -> AskError {
    let error: crate::daemon::ServiceError = error.into();
    AskError::of_service(&error)
}

async fn why(State(shared): At, Json(ask): Json<AskWhy>) -> Response {
    let current = shared.current();
    let config = &current.base.config;
    let told = async {
        let sync = match &ask.sync {
            Some(asked) => Some(config.sync_named(asked)?),
            None => None,
        };
        let roles = RoleAddresses::new(config.builtin_group_emails, &config.group_emails);
        let subject = Subject::of(&ask.address, &roles);
        let story = current.why(&subject, sync.as_ref());
        let story = shared.done(story.await).await?;
        let wording = Wording {
            zone: &config.timezone,
            json: ask.telling.json,
            colour: ask.telling.colour,
            is_named: sync.is_some(),
        };
        Ok((shared.tell)(&story, &subject, &wording))
    };
    answer(tokio::select! {
        told = told => told,
        () = shared.stop.cancelled() => Err(unfinished()),
    })
}

async fn hold(State(shared): At, Json(ask): Json<AskHold>) -> Response {
    tracing::info!(
        sync = %ask.sync,
        run = %ask.run,
        "a person asks to {} what run {} of {} held",
        ask.verdict.name(),
        ask.run,
        ask.sync
    );
    let work = {
        let shared = shared.clone();
        async move {
            let current = shared.current();
            let sync = current.base.config.sync_named(ask.sync.as_str())?;
            let settled = match current.base.config.syncs.get(&sync) {
                Some(definition) => current.settle_hold(definition, ask.run, ask.verdict).await,
                None => Ok(0),
            };
            shared.done(settled).await
        }
    };
    answer(shared.undertake(work).await)
}

async fn adopt(State(shared): At, Json(ask): Json<AskAdopt>) -> Response {
    let work = {
        let shared = shared.clone();
        async move {
            let current = shared.current();
            let sync = current.base.config.sync_named(&ask.sync)?;
            shared.done(current.adopt(&sync).await).await
        }
    };
    answer(shared.undertake(work).await)
}

async fn release(State(shared): At, Json(ask): Json<AskRelease>) -> Response {
    let work = {
        let shared = shared.clone();
        async move {
            let address = EmailAddress::parse(&ask.address);
            let address = address.map_err(|problem| AskError::Refused(problem.to_string()))?;
            let released = shared.current().release(&address, &ask.reason).await;
            shared.done(released).await
        }
    };
    answer(shared.undertake(work).await)
}

async fn forget(State(shared): At, Json(ask): Json<AskForget>) -> Response {
    let work = {
        let shared = shared.clone();
        async move {
            let whom = Written::of(&ask.address);
            let whom = whom.ok_or_else(|| AskError::Refused("the address is empty".to_owned()))?;
            shared.done(shared.current().forget(&whom).await).await
        }
    };
    answer(shared.undertake(work).await)
}

async fn set(State(shared): At, Json(ask): Json<AskSet>) -> Response {
    let wanted = ask.wanted;
    let set = async {
        let syncs = ask.whom.in_files(&shared.current().base.config)?;
        let named: Vec<&str> = syncs.iter().map(SyncId::as_str).collect();
        let named = named.join(", ");
        let verb = match wanted {
            Wanted::Active | Wanted::Unheld => "activate",
            Wanted::Inactive => "deactivate",
        };
        tracing::info!("a person asks to {verb} {named}");
        let asked = |answer| Asked::Set {
            syncs,
            wanted,
            answer,
        };
        shared.ask(asked).await?
    };
    answer(set.await)
}

async fn reload(State(shared): At) -> Response {
    let reloaded = async {
        let asked = |answer| Asked::Reload { answer };
        shared.ask(asked).await?.map_err(AskError::from)
    };
    answer(reloaded.await)
}

async fn verify(State(shared): At) -> Response {
    answer(
        copied(&shared, backup::verify)
            .await
            .map(|(_, verified)| verified),
    )
}

async fn pack(State(shared): At) -> Response {
    let packed = copied(&shared, |copy, now| {
        let path = copy.folder.join(PACKED);
        let file = File::create_new(&path).map_err(|source| StoreError::Backup {
            attempt: "make",
            path: path.clone(),
            source,
        })?;
        backup::pack(copy, (file, &path), now)
    });
    let (folder, about) = match packed.await {
        Ok(packed) => packed,
        Err(error) => return answer::<()>(Err(error)),
    };
    match tokio::fs::File::open(folder.path().join(PACKED)).await {
        Ok(file) => bytes(&about, file, folder),
        Err(error) => answer::<()>(Err(AskError::unanswered(format!(
            "cannot read the backup that was made: {error}"
        )))),
    }
}

/// Does something with a copy of the stores; the copy is there as long as its folder.
async fn copied<T: Send + 'static>(
    shared: &Arc<Shared>,
    work: impl FnOnce(CopyOf<'_>, Timestamp) -> Result<T, StoreError> + Send + 'static,
) -> Result<(Folder, T), AskError> {
    let base = shared.current().base;
    let done = tokio::task::spawn_blocking(move || {
        let now = base.clock.now();
        let folder = Folder::create()?;
        base.store.copy_to(folder.path(), now)?;
        let copy = CopyOf {
            folder: folder.path(),
            original: base.store.folder(),
        };
        let done = work(copy, now)?;
        Ok::<_, ServiceError>((folder, done))
    });
    match done.await {
        Ok(done) => done.map_err(|error| AskError::of_service(&error)),
        Err(_) => Err(unfinished()),
    }
}
