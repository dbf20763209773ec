//! Answers that come in lines, as long as the work takes.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use serde::Serialize;
use tokio::fs::File;
use tokio::io::AsyncReadExt;
use tokio::sync::{mpsc, watch};

use super::wire::Line;
use crate::run::Progress;

/// How often progress is told; what comes faster is told together.
const TELL_EVERY: Duration = Duration::from_millis(100);
/// Bytes of a file that are sent at a time.
const CHUNK_BYTES: usize = 256 << 10;
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

/// An answer that is a line of JSON, and behind it a file; `keeps` it until it is sent.
pub(super) fn bytes<K: Send + 'static>(head: &impl Serialize, file: File, keeps: K) -> Response {
    let mut head = serde_json::to_vec(head).unwrap_or_default();
    head.push(b'\n');
    let rest = stream::try_unfold((file, keeps), |(mut file, keeps)| async {
        let mut chunk = vec![0; CHUNK_BYTES];
        let read = file.read(&mut chunk).await?;
        chunk.truncate(read);
        Ok::<_, io::Error>((read > 0).then(|| (Bytes::from(chunk), (file, keeps))))
    });
    let head = stream::once(async move { Ok(Bytes::from(head)) });
    Body::from_stream(head.chain(rest)).into_response()
}
