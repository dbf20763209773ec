//! One authorised call: its turn, its token, one renewal of a refused token, and trying again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Semaphore;

use super::http::{Answer, Client, Request, TransportError};
use super::meter::{Meter, Price};
use super::oauth::{AccessToken, OauthError, Tokens};
use super::outage::Outages;
use super::pacer::{Pacer, Pause, Unkept};
use super::retry::Retry;
use crate::domain::failure::{Failure, Service};
use crate::domain::pacing::Overload;

/// Why a service did not get to say anything, or said something that is not its language.
#[derive(Debug, thiserror::Error)]
pub enum Lost {
    /// No answer.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// No access token to ask with.
    #[error(transparent)]
    Token(#[from] OauthError),
    /// It is not called now, as that would be too often.
    #[error(transparent)]
    Paused(#[from] Pause),
    /// The same, but an earlier attempt may have been carried out, its answer being lost.
    #[error(transparent)]
    PausedUnsure(Pause),
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

    /// The pause, where the call has to wait for its time.
    pub(super) fn pause(&self) -> Option<&Pause> {
        match self {
            Self::Paused(pause) | Self::PausedUnsure(pause) => Some(pause),
            Self::Transport(_) | Self::Token(_) | Self::NotJson { .. } => None,
        }
    }

    /// Why what is used of the budgets cannot be kept, where that is all that is wrong.
    pub(super) fn into_unkept(self) -> Result<Unkept, Self> {
        match self {
            Self::Paused(Pause::Unkept(why)) | Self::PausedUnsure(Pause::Unkept(why)) => Ok(why),
            other => Err(other),
        }
    }

    /// The same error after an attempt that may have been carried out.
    pub(super) fn unsure(self) -> Self {
        match self {
            Self::Paused(pause) => Self::PausedUnsure(pause),
            other => other,
        }
    }

    /// What it means for the call.
    #[must_use]
    pub fn failure(&self) -> Failure {
        match self {
            Self::Transport(error) => error.failure(),
            Self::Token(error) => error.failure(),
            Self::Paused(pause) | Self::PausedUnsure(pause) => pause.failure(),
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

    /// The same error after an attempt that may have been carried out.
    fn unsure(self) -> Self;
}

/// So many credits of the day are left to the organisation's other programs: a little more than a job of Bulk Read.
const CREDITS_KEPT: u64 = 60;

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
    pub(super) outages: Outages,
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
            .await;
        let is_unsure = is_unsure.load(Ordering::Relaxed);
        match done {
            Ok(done) => Ok((done, is_unsure)),
            Err(error) if is_unsure => Err(error.unsure()),
            Err(error) => Err(error),
        }
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
        match self.send(call, &request, &token, &read).await {
            Err(error) if error.failure() == Failure::TokenExpired => {}
            settled => return settled,
        }
        let token = self.tokens.replace(&token).await;
        let token = token.map_err(|e| lost(e.into()))?;
        match self.send(call, &request, &token, &read).await {
            Err(error) if error.failure() == Failure::TokenExpired => Err(error.for_good()),
            settled => settled,
        }
    }

    /// One request, and what all callers learn from its answer.
    async fn send<T, E: CallError>(
        &self,
        call: &Call<E::Method>,
        request: impl Fn(&AccessToken) -> Request,
        token: &AccessToken,
        read: impl Fn(Answer) -> Result<T, E>,
    ) -> Result<T, E> {
        let lost = |cause: Lost| E::lost(call.method, cause);
        let admitted = self.outages.admit(self.retry.give_up_after).await;
        // Before the turn: a method that has used up its budget must not keep the others waiting.
        let permit = self.pacer.take(call.pace).await;
        let permit = permit.map_err(|e| lost(e.into()))?;
        let turn = self.turns.acquire().await;
        let turn = turn.expect("the semaphore is never closed");
        self.meter.count(call.pace, call.price);
        let request = request(token).authorised(token.secret());
        let answer = self.client.send(&request).await;
        drop((turn, permit));
        let credits_left = answer.as_ref().ok().and_then(|answer| answer.credits_left);
        let result = answer.map_err(|e| lost(e.into())).and_then(read);
        let failure = result.as_ref().err().map(CallError::failure);
        let overload = match failure {
            Some(Failure::Throttled { wait }) => Some(Overload::TooMany(wait)),
            Some(Failure::Busy) => Some(Overload::Busy),
            Some(
                Failure::Unreachable
                | Failure::TokenExpired
                | Failure::CredentialsRefused
                | Failure::Configuration
                | Failure::AccountClosed
                | Failure::Refused,
            )
            | None => None,
        };
        match overload {
            Some(overload) => {
                admitted.answered();
                let refused = self.pacer.refused(call.pace, overload);
                refused.map_err(|e| lost(e.into()))?;
            }
            None if failure == Some(Failure::Unreachable) => admitted.failed(),
            None => {
                admitted.answered();
                self.pacer.answered(call.pace);
            }
        }
        if credits_left.is_some_and(|left| left < CREDITS_KEPT) {
            match self.pacer.refused(call.pace, Overload::CreditsGone) {
                // This call was still answered; the next one waits.
                Ok(()) | Err(Pause::Waits { .. }) => {}
                Err(unkept) => return Err(lost(unkept.into())),
            }
        }
        result
    }
}
