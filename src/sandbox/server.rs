//! The sandbox's server: one port, one task, gone when it is stopped or dropped.

use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use jiff::fmt::rfc2822::DateTimePrinter;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::crm::answer::Problem;
use super::{Options, Shared, World, accounts, calls, campaigns, control, crm, lock};

/// How long answers under way may take when the sandbox is stopped.
const STOP_GRACE: Duration = Duration::from_secs(1);
/// Control may create many records in one request.
const BODY_BYTES_MAX: usize = 64 << 20;

/// A running sandbox; dropping it stops it.
pub struct Sandbox {
    url: String,
    world: Shared,
    stopping: CancellationToken,
    task: Option<JoinHandle<io::Result<()>>>,
}

impl Sandbox {
    /// Fills a world as `options` say and serves it until stopped.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn start(options: &Options) -> io::Result<Self> {
        let listener = TcpListener::bind(options.listen).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let world: Shared = Arc::new(Mutex::new(World::new(options, &url)));
        let stopping = CancellationToken::new();
        let stop = stopping.clone().cancelled_owned();
        let app = app(&world);
        let task = tokio::spawn(async move {
            axum::serve(listener, app)
                .with_graceful_shutdown(stop)
                .await
        });
        Ok(Self {
            url,
            world,
            stopping,
            task: Some(task),
        })
    }

    /// Where it is, e.g. `http://127.0.0.1:49152`, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What it knows, for those in the same process.
    pub(crate) fn world(&self) -> Shared {
        Arc::clone(&self.world)
    }

    /// Stops it: answers under way are given a second, then the port is free.
    ///
    /// # Errors
    /// When serving had failed before.
    pub async fn stop(mut self) -> io::Result<()> {
        self.stopping.cancel();
        let Some(mut task) = self.task.take() else {
            return Ok(());
        };
        match tokio::time::timeout(STOP_GRACE, &mut task).await {
            Ok(ended) => ended.map_err(io::Error::other)?,
            Err(_) => {
                task.abort();
                Ok(())
            }
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stopping.cancel();
    }
}

/// Runs a sandbox until `shutdown` is done; `started` is called once with its URL.
///
/// # Errors
/// When the address cannot be listened on, or serving failed.
pub async fn serve(
    options: &Options,
    started: impl FnOnce(&str),
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let sandbox = Sandbox::start(options).await?;
    started(sandbox.url());
    shutdown.await;
    sandbox.stop().await
}

/// The routes of all services and of control.
fn app(world: &Shared) -> Router {
    let services = accounts::routes()
        .merge(crm::routes())
        .merge(campaigns::routes());
    calls::layer(services, Arc::clone(world))
        .merge(accounts::control_routes())
        .merge(crm::control_routes())
        .merge(control::routes())
        .fallback(|| async { Problem::url_pattern().into_response() })
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(Arc::clone(world), dated))
        .with_state(Arc::clone(world))
}

/// Says in every answer what time the sandbox has. Taken before the request is handled: a reader that makes this instant its
/// cursor must not miss what changes while the answer is put together.
async fn dated(State(world): State<Shared>, request: Request, next: Next) -> Response {
    let now = lock(&world).clock.now();
    let mut response = next.run(request).await;
    let date = DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&now)
        .ok()
        .and_then(|text| HeaderValue::from_str(&text).ok());
    if let Some(date) = date {
        response.headers_mut().insert(header::DATE, date);
    }
    response
}
