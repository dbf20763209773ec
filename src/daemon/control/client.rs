//! A command's end of the control socket.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{Client, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::wire::{
    AskAdopt, AskForget, AskHold, AskPlan, AskRelease, AskRun, AskSet, AskWhy, Hello, Line,
    Standing, Telling, Whom,
};
use super::{PATH_MAX, is_no_socket, is_too_long};
use crate::daemon::HoldVerdict;
use crate::daemon::answer::{AskError, Planned, RunAnswer};
use crate::daemon::reload::Difference;
use crate::daemon::status::{Holder, holder};
use crate::domain::ids::{AccountName, RunId, SyncId};
use crate::run::Progress;
use crate::run::adopt::Adopted;
use crate::run::forget::Forgotten;
use crate::run::standings::{Set, Wanted};
use crate::run::witness::Person;
use crate::store::backup::{About, Verified};

/// How long the daemon may take to say who it is.
const HELLO_WITHIN: Duration = Duration::from_secs(10);

/// No answer of a daemon, and no line of one, is that long; whatever else listens at the socket may send on for ever.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// The running daemon.
pub(crate) struct Remote {
    http: Client,
    path: PathBuf,
    /// Whoever asks is told to stop.
    stop: CancellationToken,
}

impl Remote {
    /// The daemon that holds the state in `state_dir` and serves the socket at `path`; none where no daemon runs.
    ///
    /// # Errors
    /// [`AskError`]: a daemon holds the state, and cannot be asked.
    pub(crate) async fn find(path: &Path, state_dir: &Path) -> Result<Option<Self>, AskError> {
        let unreachable = |why: String| {
            AskError::unanswered(format!(
                "a daemon holds the state in {}, and the control socket {} is no way to it: {why}; its log says more",
                state_dir.display(),
                path.display()
            ))
        };
        let is_held = || holder(state_dir) == Holder::Daemon;
        // The client says only that it cannot connect, and not why.
        match tokio::net::UnixStream::connect(path).await {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                let message = format!(
                    "this user may not use the control socket {}: use root, the service's user, or one of its group",
                    path.display()
                );
                return Err(AskError::unanswered(message));
            }
            Err(error) if is_held() => return Err(unreachable(why_not(path, &error))),
            Err(_) => return Ok(None),
        }
        let client = Client::builder().unix_socket(path).no_proxy().build();
        let http = client.map_err(|error| unreachable(error.to_string()))?;
        let remote = Self {
            http,
            path: path.to_owned(),
            stop: CancellationToken::new(),
        };
        let hello = remote.http.get(url("hello")).timeout(HELLO_WITHIN).send();
        let hello = match hello.await {
            Ok(response) => remote.read::<Hello>("hello", response).await,
            Err(error) => Err(unreachable(cause(&error))),
        };
        let hello = match hello {
            Ok(hello) => hello,
            Err(error) if is_held() => return Err(error),
            // Whatever listens there, nobody holds the state.
            Err(_) => return Ok(None),
        };
        match same(&hello.state_dir, state_dir) {
            true => Ok(Some(remote)),
            // The socket is that of another installation.
            false if is_held() => Err(unreachable(format!(
                "it is that of the daemon with the state in {}",
                hello.state_dir.display()
            ))),
            false => Ok(None),
        }
    }

    /// How things stand.
    pub(crate) async fn state(&self) -> Result<Standing, AskError> {
        let sent = self.http.get(url("state")).send().await;
        let sent = sent.map_err(|error| self.silent("state", &cause(&error)))?;
        self.read("state", sent).await
    }

    /// The same, whose answers are not waited for once `stop` is cancelled.
    pub(crate) fn until(self, stop: CancellationToken) -> Self {
        Self { stop, ..self }
    }

    /// Starts a run and follows it to its end. Once it is begun, `stop` leaves following it to whoever asked.
    pub(crate) async fn run(
        &self,
        sync: &str,
        full: bool,
        progress: &watch::Sender<Progress>,
    ) -> Result<RunAnswer, AskError> {
        let sync = sync.to_owned();
        let ask = AskRun { sync, full };
        self.follow("run", &ask, progress, |_| Ok(())).await
    }

    /// Asks what a run would do; `met` is handed each person that the plan is about.
    pub(crate) async fn plan(
        &self,
        ask: (&str, bool, bool),
        progress: &watch::Sender<Progress>,
        met: impl FnMut(Person) -> io::Result<()>,
    ) -> Result<Planned, AskError> {
        let (sync, full, people) = ask;
        let sync = sync.to_owned();
        let ask = AskPlan { sync, full, people };
        self.follow("plan", &ask, progress, met).await
    }

    /// Asks why an address is on the lists or not; the answer is worded.
    pub(crate) async fn why(
        &self,
        address: &str,
        sync: Option<&str>,
        telling: Telling,
    ) -> Result<String, AskError> {
        let (address, sync) = (address.to_owned(), sync.map(str::to_owned));
        self.ask(
            "why",
            &AskWhy {
                address,
                sync,
                telling,
            },
        )
        .await
    }

    /// Settles what a run held.
    pub(crate) async fn settle_hold(
        &self,
        sync: &SyncId,
        run: RunId,
        verdict: HoldVerdict,
    ) -> Result<u64, AskError> {
        let sync = sync.clone();
        self.ask("hold", &AskHold { sync, run, verdict }).await
    }

    /// Adopts contacts.
    pub(crate) async fn adopt(&self, sync: &str) -> Result<Adopted, AskError> {
        let sync = sync.to_owned();
        self.ask("adopt", &AskAdopt { sync }).await
    }

    /// Releases an address.
    pub(crate) async fn release(
        &self,
        address: &str,
        reason: &str,
    ) -> Result<Vec<(AccountName, u64)>, AskError> {
        let (address, reason) = (address.to_owned(), reason.to_owned());
        self.ask("release", &AskRelease { address, reason }).await
    }

    /// Erases a person.
    pub(crate) async fn forget(&self, address: &str) -> Result<Forgotten, AskError> {
        let address = address.to_owned();
        self.ask("forget", &AskForget { address }).await
    }

    /// Activates or deactivates syncs.
    pub(crate) async fn set(&self, whom: Whom, wanted: Wanted) -> Result<Vec<Set>, AskError> {
        self.ask("activation", &AskSet { whom, wanted }).await
    }

    /// Lets the files take over as they are now.
    pub(crate) async fn reload(&self) -> Result<Difference, AskError> {
        self.ask("reload", &()).await
    }

    /// Has the state verified.
    pub(crate) async fn verify(&self) -> Result<Verified, AskError> {
        self.ask("verify", &()).await
    }

    /// Has a backup made, and hands its bytes to `write`.
    pub(crate) async fn backup(
        &self,
        mut write: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<About, AskError> {
        let kept = |error| AskError::unanswered(format!("cannot write the backup: {error}"));
        let mut response = self.send("backup", &()).await?;
        if !response.status().is_success() {
            return self.read("backup", response).await;
        }
        let (mut head, mut about) = (Vec::new(), None);
        loop {
            let chunk = response.chunk().await;
            let chunk = chunk.map_err(|error| self.silent("backup", &cause(&error)))?;
            match (chunk, about.is_some()) {
                (Some(chunk), true) => write(&chunk).map_err(kept)?,
                (Some(chunk), false) => {
                    self.append("backup", &mut head, &chunk)?;
                    if let Some(end) = head.iter().position(|byte| *byte == b'\n') {
                        about = Some(self.parse(&head[..end])?);
                        write(&head[end + 1..]).map_err(kept)?;
                    }
                }
                (None, _) => break,
            }
        }
        about.ok_or_else(|| self.silent("backup", "it ended"))
    }

    async fn ask<A: Serialize, T: DeserializeOwned>(
        &self,
        what: &str,
        ask: &A,
    ) -> Result<T, AskError> {
        let response = self.send(what, ask).await?;
        self.read(what, response).await
    }

    async fn send<A: Serialize>(&self, what: &str, ask: &A) -> Result<Response, AskError> {
        let sent = self.http.post(url(what)).json(ask).send();
        tokio::select! {
            sent = sent => sent.map_err(|error| self.silent(what, &cause(&error))),
            () = self.stop.cancelled() => Err(AskError::Later(
                "no longer waited for: what the daemon was asked for it does all the same".to_owned(),
            )),
        }
    }

    async fn read<T: DeserializeOwned>(
        &self,
        what: &str,
        response: Response,
    ) -> Result<T, AskError> {
        let is_success = response.status().is_success();
        let mut response = response;
        let mut body = Vec::new();
        let lost = |error| self.silent(what, &cause(&error));
        while let Some(chunk) = response.chunk().await.map_err(lost)? {
            self.append(what, &mut body, &chunk)?;
        }
        match is_success {
            true => self.parse(&body),
            false => Err(self.parse(&body)?),
        }
    }

    async fn follow<A: Serialize, T: DeserializeOwned>(
        &self,
        what: &str,
        ask: &A,
        progress: &watch::Sender<Progress>,
        mut met: impl FnMut(Person) -> io::Result<()>,
    ) -> Result<T, AskError> {
        let mut response = self.send(what, ask).await?;
        if !response.status().is_success() {
            return self.read(what, response).await;
        }
        let mut rest = Vec::new();
        loop {
            let chunk = response.chunk().await;
            let chunk = chunk.map_err(|error| self.silent(what, &cause(&error)))?;
            let Some(chunk) = chunk else {
                return Err(self.silent(what, "it ended"));
            };
            self.append(what, &mut rest, &chunk)?;
            while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = rest.drain(..=end).collect();
                match self.parse(&line)? {
                    Line::Progress(seen) => {
                        progress.send_replace(seen);
                    }
                    Line::Person(person) => met(person).map_err(|error| {
                        AskError::unanswered(format!("cannot keep the answer: {error}"))
                    })?,
                    Line::Done(value) => return Ok(value),
                    Line::Not(error) => return Err(error),
                }
            }
        }
    }

    /// Takes what came, as far as an answer goes.
    fn append(&self, what: &str, to: &mut Vec<u8>, chunk: &[u8]) -> Result<(), AskError> {
        if to.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(self.silent(what, "it sends without an end"));
        }
        to.extend_from_slice(chunk);
        Ok(())
    }

    fn parse<T: DeserializeOwned>(&self, text: &[u8]) -> Result<T, AskError> {
        serde_json::from_slice(text).map_err(|error| {
            AskError::unanswered(format!(
                "the daemon at {} answers in a way that this rosterd does not understand; is it of another version, and not restarted yet? ({error})",
                self.path.display()
            ))
        })
    }

    fn silent(&self, what: &str, why: &str) -> AskError {
        let then = match what {
            "run" => "a run that had begun goes on when it is started again",
            _ => "ask again when it has been started",
        };
        AskError::Later(format!(
            "the daemon at {} stopped answering ({why}); {then}",
            self.path.display()
        ))
    }
}

fn url(what: &str) -> String {
    format!("http://rosterd/{what}")
}

/// Why nobody can be reached at `path`.
fn why_not(path: &Path, error: &io::Error) -> String {
    match error.kind() {
        _ if is_too_long(path) => format!("its path is longer than {PATH_MAX} bytes"),
        _ if is_no_socket(path) => "it is no socket".to_owned(),
        io::ErrorKind::NotFound => "it is not there".to_owned(),
        io::ErrorKind::ConnectionRefused => {
            "nobody serves it, or the daemon is stopping".to_owned()
        }
        _ => error.to_string(),
    }
}

/// The innermost cause, which says most.
fn cause(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

/// Whether two paths are of one folder, however they are written.
fn same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    real(one) == real(other)
}
