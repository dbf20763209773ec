//! The control socket: how commands reach the running daemon, as HTTP over a Unix socket.
//!
//! Whoever may write to the socket may ask for everything; so its file is for the service's user and group (mode 0660),
//! and each peer is looked at. What only reads or calls services is done where it is asked for, in turn with the runs of
//! the account; runs, activation and reloads are the daemon's loop's, which is asked through [`Asked`].

mod client;
mod lines;
mod peer;
mod routes;
mod wire;

use std::any::Any;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::tz::TimeZone;
use tokio::net::UnixListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) use client::Remote;
pub(crate) use wire::{Telling, Whom};

use self::peer::Peer;
use super::answer::{AskError, RunAnswer};
use super::reload::{Difference, NotReloaded};
use super::{Service, ServiceError};
use crate::domain::ids::SyncId;
use crate::run::standings::{Set, Wanted};
use crate::run::why::{Story, Subject};
use crate::run::{Progress, Wish};

/// Questions that wait for the daemon's loop; whoever asks more has to wait before that.
pub(super) const ASKED_MAX: usize = 16;

/// The longest path of a socket, in bytes: unix(7), `sun_path`, without the zero at its end.
const PATH_MAX: usize = 107;

/// What the daemon's loop is asked for.
pub(super) enum Asked {
    /// A run, when the one of the same sync that is under way has ended.
    Run(AskedRun),
    /// Syncs to be active or not.
    Set {
        syncs: Vec<SyncId>,
        wanted: Wanted,
        answer: oneshot::Sender<Result<Vec<Set>, AskError>>,
    },
    /// New files to take over.
    Reload {
        answer: oneshot::Sender<Result<Difference, NotReloaded>>,
    },
    /// To end, as the stores have failed.
    End(ServiceError),
    /// To end, as something panicked with this.
    Panicked(Box<dyn Any + Send>),
}

/// A run that somebody asked for and may be following.
pub(super) struct AskedRun {
    pub(super) sync: SyncId,
    pub(super) wish: Wish,
    pub(super) progress: watch::Sender<Progress>,
    pub(super) answer: oneshot::Sender<RunAnswer>,
}

/// Words the story of an address; given by the command, which knows how.
pub(crate) type Tell = Box<dyn Fn(&Story, &Subject, &Wording<'_>) -> String + Send + Sync>;

/// How a story is to be worded.
pub(crate) struct Wording<'a> {
    /// The zone of all times.
    pub(crate) zone: &'a TimeZone,
    /// As a JSON document.
    pub(crate) json: bool,
    /// With colours of a terminal.
    pub(crate) colour: bool,
    /// Whether one sync was asked about.
    pub(crate) is_named: bool,
}

/// Why the socket cannot be served.
#[derive(Debug, thiserror::Error)]
pub(super) enum ControlError {
    /// Another process serves it.
    #[error("the control socket {} is served by another rosterd: name another file with `control`", .0.display())]
    Taken(PathBuf),
    /// Something else is in its place.
    #[error("{} is no socket, and is left as it is: name another file with `control`, or move it away", .0.display())]
    NoSocket(PathBuf),
    /// No socket can be there.
    #[error("the path {} is longer than the {PATH_MAX} bytes that a socket's may have: name a shorter one with `control`", .0.display())]
    TooLong(PathBuf),
    /// The system refuses.
    #[error("cannot {attempt} the control socket {}: name a file with `control` whose folder this user may write to", path.display())]
    Socket {
        /// What was attempted.
        attempt: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// The control socket, bound; its file goes when this is dropped.
pub(super) struct Control {
    listener: UnixListener,
    file: SocketFile,
}

struct SocketFile {
    path: PathBuf,
    /// Which file it is: another daemon may have put its own in its place since.
    made: (u64, u64),
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let found = std::fs::symlink_metadata(&self.path);
        if found.is_ok_and(|found| identity(&found) == self.made) {
            // The next daemon sees that nobody serves it, and makes it anew.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn identity(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

fn is_too_long(path: &Path) -> bool {
    path.as_os_str().len() > PATH_MAX
}

/// Whether something else than a socket is there.
fn is_no_socket(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| !found.file_type().is_socket())
}

impl Control {
    /// Binds the socket at `path`; one that a process left behind which died makes room.
    pub(super) fn bind(path: &Path) -> Result<Self, ControlError> {
        let failed = |attempt| {
            let path = path.to_owned();
            move |source| ControlError::Socket {
                attempt,
                path,
                source,
            }
        };
        if is_too_long(path) {
            return Err(ControlError::TooLong(path.to_owned()));
        }
        // Connecting to another file is refused as is connecting to a socket that nobody serves.
        if is_no_socket(path) {
            return Err(ControlError::NoSocket(path.to_owned()));
        }
        match UnixStream::connect(path) {
            Ok(_) => return Err(ControlError::Taken(path.to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                std::fs::remove_file(path).map_err(failed("replace"))?;
            }
            Err(error) => return Err(failed("make")(error)),
        }
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(failed("make the folder of"))?;
        }
        let listener = UnixListener::bind(path).map_err(failed("make"))?;
        let made = std::fs::symlink_metadata(path).map_err(failed("look at"))?;
        let file = SocketFile {
            path: path.to_owned(),
            made: identity(&made),
        };
        let mode = std::fs::Permissions::from_mode(0o660);
        std::fs::set_permissions(path, mode).map_err(failed("set the mode of"))?;
        Ok(Self { listener, file })
    }

    /// Serves it until `stop`, and then what is being answered. What has to come to its end even if nobody waits for
    /// the answer is among the `works`.
    pub(super) async fn serve(
        self,
        service: Arc<Service>,
        asked: mpsc::Sender<Asked>,
        tell: Tell,
        (stop, works): (CancellationToken, TaskTracker),
    ) -> io::Result<()> {
        let Self { listener, file } = self;
        let routes = routes::routes(service, asked, tell, (stop.clone(), works));
        let routes = routes.into_make_service_with_connect_info::<Peer>();
        let served = axum::serve(listener, routes);
        let served = served.with_graceful_shutdown(stop.cancelled_owned()).await;
        drop(file);
        served
    }
}
