//! One authorised call: its turn, its token, one renewal of a refused token, and trying again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Semaphore;

use super::http::{Answer, Client, Request, TransportError};
use super::meter::{Meter, Price};
use super::oauth::{AccessToken, OauthError, Tokens};
use super::pacer::Pacer;
use super::retry::Retry;
use crate::domain::failure::{Failure, Service};

/// Why a service did not get to say anything, or said something that is not its language.
#[derive(Debug, thiserror::Error)]
pub enum Lost {
    /// No answer.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// No access token to ask with.
    #[error(transparent)]
    Token(#[from] OauthError),
    /// An answer of something in between, or of a service in trouble.
    #[error("answered with {} instead of JSON (HTTP {status})", kind(.media_type))]
    NotJson {
        /// HTTP status.
        status: u16,
        /// Media type of the answer.
        media_type: String,
        /// What it means.
        failure: Failure,
    },
}

fn kind(media_type: &str) -> &str {
    match media_type {
        "" => "nothing readable",
        "application/json" => "broken JSON",
        other => other,
    }
}

impl Lost {
    /// The answer is not JSON.
    pub(super) fn not_json(service: Service, answer: &Answer) -> Self {
        Self::NotJson {
            status: answer.status,
            media_type: answer.media_type.clone(),
            failure: answer.meaning(service, "", None).into_failure(),
        }
    }

    /// What it means for the call.
    #[must_use]
    pub fn failure(&self) -> Failure {
        match self {
            Self::Transport(error) => error.failure(),
            Self::Token(error) => error.failure(),
            Self::NotJson { failure, .. } => failure.clone(),
        }
    }
}

/// What the channel has to know of a service's error.
pub(super) trait CallError: std::error::Error + Sized + 'static {
    /// The service's methods.
    type Method: Copy;

    /// The call of `method` got no answer of the service.
    fn lost(method: Self::Method, lost: Lost) -> Self;

    /// What it means.
    fn failure(&self) -> Failure;

    /// The same error after a new token was refused as well: no further token will help.
    fn for_good(self) -> Self;
}

/// A call: what is sent, and what it costs.
pub(super) struct Call<M> {
    pub(super) method: M,
    /// Name of the method's budget.
    pub(super) pace: &'static str,
    pub(super) price: Price,
}

/// The way to one service for one account; clones share the turns.
#[derive(Debug, Clone)]
pub(super) struct Channel {
    pub(super) client: Client,
    pub(super) tokens: Arc<Tokens>,
    pub(super) turns: Arc<Semaphore>,
    pub(super) retry: Retry,
    pub(super) pacer: Pacer,
    pub(super) meter: Arc<Meter>,
}

impl Channel {
    /// Makes the call; `request` builds it for the host the token belongs to, `read` gives meaning to the answer.
    pub(super) async fn call<T, E: CallError>(
        &self,
        call: Call<E::Method>,
        request: impl Fn(&AccessToken) -> Request,
        read: impl Fn(Answer) -> Result<T, E>,
    ) -> Result<T, E> {
        let (done, _) = self.call_noting(call, request, read).await?;
        Ok(done)
    }

    /// Makes the call, and says whether an earlier attempt at it may have been carried out, its answer being lost.
    pub(super) async fn call_noting<T, E: CallError>(
        &self,
        call: Call<E::Method>,
        request: impl Fn(&AccessToken) -> Request,
        read: impl Fn(Answer) -> Result<T, E>,
    ) -> Result<(T, bool), E> {
        let is_unsure = AtomicBool::new(false);
        let failure = |error: &E| {
            let failure = error.failure();
            if failure == Failure::Unreachable {
                is_unsure.store(true, Ordering::Relaxed);
            }
            failure
        };
        let done = self
            .retry
            .run(|| self.attempt(&call, &request, &read), failure)
            .await?;
        Ok((done, is_unsure.load(Ordering::Relaxed)))
    }

    /// One attempt: two requests at most, the second one under a new token.
    async fn attempt<T, E: CallError>(
        &self,
        call: &Call<E::Method>,
        request: impl Fn(&AccessToken) -> Request,
        read: impl Fn(Answer) -> Result<T, E>,
    ) -> Result<T, E> {
        let lost = |cause: Lost| E::lost(call.method, cause);
        let token = self.tokens.get().await.map_err(|e| lost(e.into()))?;
        let answer = self.send(call, request(&token), &token).await;
        match read(answer.map_err(|e| lost(e.into()))?) {
            Err(error) if error.failure() == Failure::TokenExpired => {}
            settled => return settled,
        }
        let token = self.tokens.replace(&token).await;
        let token = token.map_err(|e| lost(e.into()))?;
        let answer = self.send(call, request(&token), &token).await;
        match read(answer.map_err(|e| lost(e.into()))?) {
            Err(error) if error.failure() == Failure::TokenExpired => Err(error.for_good()),
            settled => settled,
        }
    }

    async fn send<M>(
        &self,
        call: &Call<M>,
        request: Request,
        token: &AccessToken,
    ) -> Result<Answer, TransportError> {
        // Before the turn: a method that has used up its budget must not keep the others waiting.
        self.pacer.take(call.pace).await;
        let turn = self.turns.acquire().await;
        let _turn = turn.expect("the semaphore is never closed");
        self.meter.count(call.pace, call.price);
        self.client.send(&request.authorised(token.secret())).await
    }
}
