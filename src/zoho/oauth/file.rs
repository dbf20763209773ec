//! The token's file: so that restarts and short commands do not each use up one of the few tokens there are, and all
//! processes of an account together ask for no more than Zoho gives.
//!
//! It holds the token, and how it was come by: the renewals of the last minutes, and a block that Zoho pronounced. Each
//! renewal is written down before it is asked for, because it counts also if the process dies over it. Processes take
//! turns over the file by a lock on its folder, which ends with the process that holds it.
//!
//! It is a cache all the same. What cannot be read, or belongs to other credentials, is as good as absent; what cannot
//! be written costs a renewal after the next start, and is said in the log.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::budget::Budget;
use super::{AccessToken, Credentials};
use crate::regular;
use crate::zoho::data_center::Hosts;

/// A process that holds the lock does so for a few milliseconds; one that hangs must not hold up all others.
const LOOK_EVERY: Duration = Duration::from_millis(10);
const LOOKS_MAX: u32 = 200;

#[derive(Debug)]
pub(super) struct TokenFile {
    path: PathBuf,
    keeps: Keeps,
    /// Hash of what the token was made from: with other credentials it is another account's.
    made_from: String,
    /// What the file does not have, because it could not be written or is not to be.
    unwritten: Mutex<Option<Kept>>,
}

/// What is written to the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeps {
    /// The token and the budget.
    All,
    /// The budget alone, where there is a folder.
    Budget,
    /// Nothing.
    Nothing,
}

/// What the file holds. The token is missing where a service has refused it and no other was made; files of the first
/// version have no budget.
#[derive(Serialize, Deserialize)]
struct Stored {
    v: u32,
    made_from: String,
    ends_at: Option<Timestamp>,
    api_domain: Option<String>,
    access_token: Option<String>,
    #[serde(default)]
    budget: Budget,
}

/// What is known from the file.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Kept {
    pub(super) token: Option<AccessToken>,
    pub(super) budget: Budget,
}

const VERSION: u32 = 1;

/// The file has a few hundred bytes.
const BYTES_MAX: u64 = 1 << 20;

/// How the names of files begin that are being written, and so long nobody takes over one.
const UNFINISHED: &str = ".unfinished-";
const UNFINISHED_FOR: Duration = Duration::from_secs(86_400);

impl TokenFile {
    pub(super) fn new(path: PathBuf, hosts: &Hosts, credentials: &Credentials) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("rosterd 2026-11 token file made_from");
        let client_secret = credentials.client_secret.expose_secret();
        let refresh_token = credentials.refresh_token.expose_secret();
        for part in [
            hosts.accounts(),
            &credentials.client_id,
            client_secret,
            refresh_token,
        ] {
            hasher.update(part.as_bytes());
            hasher.update(&[0]);
        }
        let made_from = hasher.finalize().to_hex().to_string();
        Self {
            path,
            keeps: Keeps::All,
            made_from,
            unwritten: Mutex::default(),
        }
    }

    /// The same file, of which from now on so much is kept.
    pub(super) fn keeping(&self, keeps: Keeps) -> Self {
        Self {
            path: self.path.clone(),
            keeps,
            made_from: self.made_from.clone(),
            unwritten: Mutex::default(),
        }
    }

    /// What was last written for these credentials.
    pub(super) async fn read(self: &Arc<Self>, hosts: &Hosts) -> Kept {
        let (file, hosts) = (Arc::clone(self), hosts.clone());
        off_the_runtime(move || file.kept(&hosts)).await
    }

    /// Changes what is kept, alone among all processes, and answers what `change` does. Where the file cannot be written,
    /// or is not to be, the change counts for this process all the same.
    pub(super) async fn change<T: Send + 'static>(
        self: &Arc<Self>,
        hosts: &Hosts,
        change: impl FnOnce(&mut Kept) -> T + Send + 'static,
    ) -> T {
        let (file, hosts) = (Arc::clone(self), hosts.clone());
        off_the_runtime(move || file.change_blocking(&hosts, change)).await
    }

    fn change_blocking<T>(&self, hosts: &Hosts, change: impl FnOnce(&mut Kept) -> T) -> T {
        let lock = self.lock();
        let mut unwritten = self
            .unwritten
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let before = unwritten.take().unwrap_or_else(|| self.kept(hosts));
        let mut kept = before.clone();
        let answer = change(&mut kept);
        if self.keeps == Keeps::Budget {
            kept.token = before.token.clone();
        }
        let is_written = kept == before || lock.is_some() && self.write(&kept);
        *unwritten = (!is_written || lock.is_none()).then_some(kept);
        answer
    }

    /// The lock of all who write here, held until it is dropped; none where nothing can or shall be written.
    fn lock(&self) -> Option<File> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let opened = match self.keeps {
            Keeps::All => made(folder).and_then(|()| open(folder)),
            Keeps::Budget => open(folder),
            Keeps::Nothing => return None,
        };
        match opened {
            Ok(folder) => {
                take_turn(&folder, &self.path);
                Some(folder)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // The state has not been opened yet: `check --online` before the first run.
                let path = self.path.display();
                tracing::debug!(%path, "there is no folder yet to keep the token in");
                None
            }
            Err(error) => {
                self.not_kept(&error);
                None
            }
        }
    }

    fn kept(&self, hosts: &Hosts) -> Kept {
        let bytes = match regular::read_at_most(&self.path, BYTES_MAX) {
            // What is cut off is damaged.
            Ok(bytes) => bytes.unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Kept::default(),
            Err(error) => {
                let path = self.path.display();
                tracing::warn!(%path, %error, "cannot read the token file; a new token is made");
                return Kept::default();
            }
        };
        let Ok(stored) = serde_json::from_slice::<Stored>(&bytes) else {
            // Without the error: it could quote the token.
            let path = self.path.display();
            tracing::warn!(%path, "the token file is damaged; a new token is made");
            return Kept::default();
        };
        if stored.v != VERSION || stored.made_from != self.made_from {
            return Kept::default();
        }
        Kept {
            budget: stored.budget,
            token: token(
                hosts,
                stored.access_token,
                stored.ends_at,
                stored.api_domain,
            ),
        }
    }

    /// Writes the file anew, and answers whether that could be done.
    fn write(&self, kept: &Kept) -> bool {
        let token = kept.token.as_ref();
        let stored = Stored {
            v: VERSION,
            made_from: self.made_from.clone(),
            ends_at: token.map(|token| token.ends_at),
            api_domain: token.and_then(|token| token.api_domain.clone()),
            access_token: token.map(|token| token.secret.expose_secret().to_owned()),
            budget: kept.budget.clone(),
        };
        let replaced = replace(&self.path, &stored);
        if let Err(error) = &replaced {
            self.not_kept(error);
        }
        replaced.is_ok()
    }

    fn not_kept(&self, error: &io::Error) {
        let path = self.path.display();
        tracing::warn!(%path, %error, "cannot keep the token; the next start makes a new one");
    }
}

fn token(
    hosts: &Hosts,
    access_token: Option<String>,
    ends_at: Option<Timestamp>,
    api_domain: Option<String>,
) -> Option<AccessToken> {
    Some(AccessToken {
        crm_host: hosts.crm_of(api_domain.as_deref())?,
        secret: SecretString::from(access_token?),
        ends_at: ends_at?,
        api_domain,
    })
}

async fn off_the_runtime<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is being shut down, and with it whoever waits here.
            Err(_) => std::future::pending().await,
        },
    }
}

/// Makes the folder where only it is missing, and not what is above it: a check must not be the one to make the state
/// folder, and own it.
fn made(folder: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Opens the folder: a pipe in its place would be waited for.
fn open(folder: &Path) -> io::Result<File> {
    match fs::metadata(folder)?.is_dir() {
        true => File::open(folder),
        false => Err(io::ErrorKind::NotADirectory.into()),
    }
}

/// Waits until no other process is at it, or seems to hang.
fn take_turn(folder: &File, path: &Path) {
    for _ in 0..LOOKS_MAX {
        match folder.try_lock() {
            Ok(()) => return,
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOOK_EVERY),
            Err(TryLockError::Error(error)) => {
                let path = path.display();
                tracing::debug!(%path, %error, "the token's folder cannot be locked");
                return;
            }
        }
    }
    let path = path.display();
    tracing::warn!(%path, "another process keeps the token's folder locked; going on without waiting for it");
}

/// Puts a whole new file in place of the old one, readable by the owner alone.
fn replace(path: &Path, stored: &Stored) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    // The crate makes its files with mode 0600.
    let mut new = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .tempfile_in(folder)?;
    prune(folder, new.as_file().metadata()?.modified()?)?;
    new.write_all(&serde_json::to_vec(stored)?)?;
    new.as_file().sync_all()?;
    new.persist(path)?;
    File::open(folder)?.sync_all()
}

/// Removes what processes have left that died while they wrote, more than a day ago: each holds a token.
/// `now` is that of the file system, by which a process that writes at this moment goes as well.
fn prune(folder: &Path, now: SystemTime) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            continue;
        }
        let age = now.duration_since(entry.metadata()?.modified()?);
        if age.is_ok_and(|age| age > UNFINISHED_FOR) {
            match fs::remove_file(entry.path()) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_unfinished_a_day_ago_goes_with_the_next_token() {
        let folder = tempfile::tempdir().unwrap();
        let tokens = folder.path().join("tokens");
        fs::create_dir(&tokens).unwrap();
        let (old, new) = (tokens.join(".unfinished-1"), tokens.join(".unfinished-2"));
        let made = [&old, &new].map(|path| File::create(path).unwrap());
        let modified = made[0].metadata().unwrap().modified().unwrap();
        let ago = modified - UNFINISHED_FOR - Duration::from_secs(1);
        made[0].set_modified(ago).unwrap();
        let stored = Stored {
            v: VERSION,
            made_from: String::new(),
            ends_at: None,
            api_domain: None,
            access_token: None,
            budget: Budget::default(),
        };
        replace(&tokens.join("main.json"), &stored).unwrap();
        assert!(!old.exists());
        assert!(new.exists(), "somebody may be writing it");
        assert!(tokens.join("main.json").exists());
    }
}
