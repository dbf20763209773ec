//! The file of the refresh token: made beside the one that is there, and put in its place once there is a token.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, chown, fchown};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::regular;

/// Whom a file belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owner {
    user: u32,
    group: u32,
}

impl Owner {
    /// The owner of what is at `path`, if that can be seen.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        Some(Self {
            user: metadata.uid(),
            group: metadata.gid(),
        })
    }
}

/// A file that waits for its content, mode 0600; dropped, it is gone.
pub(super) struct NewFile {
    path: PathBuf,
    file: NamedTempFile,
    is_owned: bool,
}

impl NewFile {
    /// Makes a file that will replace the one at `path`, in folders that are made, mode 0700, where they are missing.
    /// All of it is given to `owner`, if this process may do so: only root gives files away.
    ///
    /// # Errors
    /// There may be no new file in that folder.
    pub(super) fn create(path: &Path, owner: Option<Owner>) -> io::Result<Self> {
        // What a link leads to is replaced, and not the link.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        // What is no file would be replaced by one, a device included.
        regular::check(&path)?;
        let folder = folder(&path);
        make(folder, owner)?;
        // The crate makes its files with mode 0600.
        let file = NamedTempFile::new_in(folder)?;
        let mine = Owner::of(file.path());
        let is_owned = match owner {
            Some(owner) if mine.is_none_or(|mine| mine.user != owner.user) => {
                fchown(file.as_file(), Some(owner.user), Some(owner.group)).is_ok()
            }
            Some(_) | None => true,
        };
        Ok(Self {
            path,
            file,
            is_owned,
        })
    }

    /// Fills it and puts it in its place, whole. Says whether it belongs to whom it was meant for.
    ///
    /// # Errors
    /// The disk is full or broken; then the old file is still there.
    pub(super) fn keep(mut self, secret: &str) -> io::Result<bool> {
        writeln!(self.file, "{secret}")?;
        self.file.as_file().sync_all()?;
        self.file.persist(&self.path)?;
        File::open(folder(&self.path))?.sync_all()?;
        Ok(self.is_owned)
    }
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    }
}

/// Makes the folder and those above it, where they are missing.
fn make(folder: &Path, owner: Option<Owner>) -> io::Result<()> {
    let above = folder.ancestors();
    let missing: Vec<_> = above
        .take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists())
        .collect();
    for folder in missing.into_iter().rev() {
        match DirBuilder::new().mode(0o700).create(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            Ok(()) | Err(_) => {}
        }
        if let Some(owner) = owner {
            // Only root may; whether the file could be given away is what is told.
            let _ = chown(folder, Some(owner.user), Some(owner.group));
        }
    }
    Ok(())
}
