//! The middleware that records a request and lets a scripted fault strike.

use std::collections::BTreeMap;
use std::future::pending;
use std::io;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use futures_util::stream;

use super::{Effect, Ticket, What, naming};
use crate::sandbox::campaigns::Wrote;
use crate::sandbox::campaigns::screens::{Action, ScreenError};
use crate::sandbox::{Shared, lock};

/// How often a call that waits looks whether it may go on.
const WAIT: Duration = Duration::from_millis(5);
/// With this header a handler says what its call costs; it goes no further than here.
const CREDITS: HeaderName = HeaderName::from_static("x-sandbox-credits");

/// Records every request to the services of `router`, and applies the scripted faults.
pub(crate) fn layer(router: Router<Shared>, shared: Shared) -> Router<Shared> {
    router.layer(from_fn_with_state(shared, record))
}

async fn record(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let Some((service, method)) = naming::name(request.uri().path()) else {
        return next.run(request).await;
    };
    let (ticket, what) = {
        let mut world = lock(&shared);
        let now = world.clock.now();
        world.calls.arrive(service, method, now)
    };
    let call = Recorded { shared, ticket };
    match what {
        None => {
            let response = call.carry_out(request, next).await;
            call.answered(response)
        }
        Some(what) => call.struck(what, request, next).await,
    }
}

/// A request that is in the log.
struct Recorded {
    shared: Shared,
    ticket: Ticket,
}

impl Recorded {
    /// Answers as a fault wants it.
    async fn struck(&self, what: What, request: Request, next: Next) -> Response {
        let response = match what {
            What::Status {
                status,
                body,
                content_type,
                headers,
            } => scripted(status, body, &content_type, &headers),
            What::Hang => pending().await,
            What::Wait => {
                let dropped = || lock(&self.shared).calls.faults_dropped();
                let before = dropped();
                while dropped() == before {
                    tokio::time::sleep(WAIT).await;
                }
                self.carry_out(request, next).await
            }
            What::Close => return broken(),
            What::Delay { millis } => {
                tokio::time::sleep(Duration::from_millis(millis)).await;
                self.carry_out(request, next).await
            }
            What::AfterEffect { status } => {
                self.carry_out(request, next).await;
                let Some(status) = status else {
                    return broken();
                };
                scripted(status, String::new(), "text/html", &BTreeMap::new())
            }
            What::Meanwhile { before, after } => {
                let acted = self.act(before);
                let response = self.carry_out(request, next).await;
                match acted.and_then(|()| self.act(after)) {
                    Ok(()) => response,
                    Err(error) => scripted(500, error.to_string(), "text/plain", &BTreeMap::new()),
                }
            }
            What::Pour(pour) => pour.answer().unwrap_or_else(|error| {
                scripted(500, error.to_string(), "text/plain", &BTreeMap::new())
            }),
            What::Truncate => halved(self.carry_out(request, next).await).await,
            What::Replace { body } => {
                let response = self.carry_out(request, next).await;
                response.map(|_| Body::from(body))
            }
        };
        self.answered(response)
    }

    /// Lets the service answer, and writes down the effect.
    async fn carry_out(&self, request: Request, next: Next) -> Response {
        let mut response = next.run(request).await;
        let credits = response
            .headers_mut()
            .remove(CREDITS)
            .and_then(|credits| credits.to_str().ok()?.parse().ok())
            .unwrap_or(0);
        let wrote = response.extensions_mut().remove::<Wrote>();
        let effect = Effect { credits, wrote };
        lock(&self.shared).calls.note_effect(&self.ticket, effect);
        response
    }

    /// Lets people act in Campaigns.
    fn act(&self, actions: Vec<Action>) -> Result<(), ScreenError> {
        let mut world = lock(&self.shared);
        let now = world.clock.now();
        let campaigns = &mut world.campaigns;
        actions
            .into_iter()
            .try_for_each(|action| campaigns.act(action, now))
    }

    /// Writes down the status that goes out.
    fn answered(&self, response: Response) -> Response {
        let status = response.status().as_u16();
        lock(&self.shared).calls.note_status(&self.ticket, status);
        response
    }
}

fn scripted(
    status: u16,
    body: String,
    content_type: &str,
    headers: &BTreeMap<String, String>,
) -> Response {
    // Control and `add_fault` take any number; what HTTP has no word for becomes a plain server error.
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, body).into_response();
    let own = [("content-type", content_type)];
    let more = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in own.into_iter().chain(more) {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// An answer whose body fails at once, so that the connection is cut before the answer is whole.
fn broken() -> Response {
    let cut = io::Error::new(io::ErrorKind::ConnectionReset, "cut by a scripted fault");
    let failing = stream::once(async { Err::<Vec<u8>, io::Error>(cut) });
    Response::new(Body::from_stream(failing))
}

/// The same answer with the first half of its body.
async fn halved(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    match to_bytes(body, usize::MAX).await {
        Ok(whole) => Response::from_parts(parts, Body::from(whole.slice(..whole.len() / 2))),
        Err(_) => broken(),
    }
}
