//! The token's file: so that restarts and short commands do not each use up one of the few tokens there are.
//!
//! It is a cache. What cannot be read, or belongs to other credentials, is as good as absent; what cannot be written
//! costs a renewal after the next start, and is said in the log.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::{AccessToken, Credentials};
use crate::zoho::data_center::Hosts;

#[derive(Debug)]
pub(super) struct TokenFile {
    path: PathBuf,
    /// Whether the file is left as it is.
    only_read: bool,
    /// Hash of what the token was made from: with other credentials it is another account's.
    made_from: String,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    v: u32,
    made_from: String,
    ends_at: Timestamp,
    api_domain: Option<String>,
    access_token: String,
}

const VERSION: u32 = 1;

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
            only_read: false,
            made_from,
        }
    }

    /// The same file, which is not written to from now on.
    pub(super) fn only_read(self) -> Self {
        Self {
            only_read: true,
            ..self
        }
    }

    /// The token last written for these credentials.
    pub(super) async fn read(&self, hosts: &Hosts) -> Option<AccessToken> {
        let bytes = match tokio::fs::read(&self.path).await {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                let path = self.path.display();
                tracing::warn!(%path, %error, "cannot read the token file; a new token is made");
                return None;
            }
        };
        let Ok(stored) = serde_json::from_slice::<Stored>(&bytes) else {
            // Without the error: it could quote the token.
            let path = self.path.display();
            tracing::warn!(%path, "the token file is damaged; a new token is made");
            return None;
        };
        if stored.v != VERSION || stored.made_from != self.made_from {
            return None;
        }
        Some(AccessToken {
            crm_host: hosts.crm_of(stored.api_domain.as_deref())?,
            secret: SecretString::from(stored.access_token),
            ends_at: stored.ends_at,
            api_domain: stored.api_domain,
        })
    }

    /// Keeps the token, unless the file is only read.
    pub(super) async fn write(&self, token: &AccessToken) {
        if self.only_read {
            return;
        }
        let stored = Stored {
            v: VERSION,
            made_from: self.made_from.clone(),
            ends_at: token.ends_at,
            api_domain: token.api_domain.clone(),
            access_token: token.secret.expose_secret().to_owned(),
        };
        let path = self.path.clone();
        let written = tokio::task::spawn_blocking(move || replace(&path, &stored)).await;
        if let Err(error) = written.map_err(io::Error::other).flatten() {
            let path = self.path.display();
            if error.kind() == io::ErrorKind::NotFound {
                // The state has not been opened yet: `check --online` before the first run.
                tracing::debug!(%path, "there is no folder yet to keep the token in");
                return;
            }
            tracing::warn!(%path, %error, "cannot keep the token; the next start makes a new one");
        }
    }
}

/// Puts a whole new file in place of the old one, readable by the owner alone.
fn replace(path: &Path, stored: &Stored) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    // Not what is above it: a check must not be the one to make the state folder, and own it.
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        Ok(()) | Err(_) => {}
    }
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
            ends_at: Timestamp::UNIX_EPOCH,
            api_domain: None,
            access_token: String::new(),
        };
        replace(&tokens.join("main.json"), &stored).unwrap();
        assert!(!old.exists());
        assert!(new.exists(), "somebody may be writing it");
        assert!(tokens.join("main.json").exists());
    }
}
