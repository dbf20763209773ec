//! Answers that come in lines, as long as the work takes.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Serialize;
use tokio::sync::{mpsc, watch};

use super::wire::Line;
use crate::run::Progress;

/// How often progress is told; what comes faster is told together.
const TELL_EVERY: Duration = Duration::from_millis(100);
/// Lines that wait to be written to whoever follows.
const LINES_MAX: usize = 64;

/// An answer in lines: how far it is, as often as that is worth telling, and whatever `work` sends.
pub(super) fn follow<T, F>(
    mut watched: watch::Receiver<Progress>,
    work: impl FnOnce(mpsc::Sender<Line<T>>) -> F,
) -> Response
where
    T: Serialize + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let (lines, told) = mpsc::channel(LINES_MAX);
    let progress = lines.downgrade();
    tokio::spawn(work(lines));
    tokio::spawn(async move {
        while watched.changed().await.is_ok() {
            let seen = watched.borrow_and_update().clone();
            let Some(lines) = progress.upgrade() else {
                return;
            };
            if lines.send(Line::Progress(seen)).await.is_err() {
                return;
            }
            drop(lines);
            tokio::time::sleep(TELL_EVERY).await;
        }
    });
    let lines = stream::unfold(told, |mut told| async {
        let line = told.recv().await?;
        // What cannot be put as JSON would be a defect of the types; an empty line says nothing.
        let mut text = serde_json::to_vec(&line).unwrap_or_default();
        text.push(b'\n');
        Some((Ok::<_, Infallible>(Bytes::from(text)), told))
    });
    Body::from_stream(lines).into_response()
}
