//! The power goes: what a disk holds afterwards, as far as it was promised to.
//!
//! What a file was synced with is there. Of what was written to it since, there may be all, nothing, or some of the
//! writes, the last of them torn at a sector. Names are kept as file systems with a journal keep them: what was made,
//! renamed and removed in a folder is there up to some moment, and at least up to the folder's last sync; and where not
//! all is gone, the sync of a file covers that it was made. That sled asks for parts of a file to be written
//! (`sync_file_range`) promises nothing.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::entries::{self, Entry};
use super::{LOG, folders};
use crate::rig::{Dice, Rig};

/// A disk writes so many bytes whole or not at all.
const SECTOR_BYTES: usize = 512;

/// What becomes of that which was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// It is gone; and so is a file whose folder was not synced.
    All,
    /// Some of it is gone, whatever its order.
    Some,
    /// The same, and of each file the last write that is left is torn.
    Torn,
}

impl Loss {
    pub(crate) const EVERY: [Self; 3] = [Self::All, Self::Some, Self::Torn];
}

/// What the disk holds for sure.
pub(crate) struct Kept {
    files: Vec<Content>,
    /// The newest file of an inode: a number is used again when its file is gone.
    by_inode: BTreeMap<u64, usize>,
    names: BTreeMap<PathBuf, Node>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    Folder,
    File(usize),
}

#[derive(Debug, Default)]
struct Content {
    synced: Vec<u8>,
    since: Vec<Change>,
    mode: u32,
}

#[derive(Debug)]
enum Change {
    Written(usize, Vec<u8>),
    Length(usize),
}

/// A change of names, in these folders.
struct Renaming {
    what: Naming,
    folders: Vec<PathBuf>,
    is_synced: bool,
}

enum Naming {
    Is(PathBuf, Node),
    Becomes(PathBuf, PathBuf),
    Goes(PathBuf),
}

impl Kept {
    /// All that is there now is there for sure, and what the disk has written down is forgotten.
    pub(crate) fn of(rig: &Rig) -> Self {
        let mut kept = Self {
            files: Vec::new(),
            by_inode: BTreeMap::new(),
            names: BTreeMap::new(),
        };
        for folder in folders(rig) {
            kept.take(&folder);
        }
        fs::remove_file(rig.path(LOG)).ok();
        kept
    }

    fn take(&mut self, path: &Path) {
        let Ok(found) = fs::symlink_metadata(path) else {
            return;
        };
        if found.is_dir() {
            self.names.insert(path.to_owned(), Node::Folder);
            for entry in fs::read_dir(path).unwrap() {
                self.take(&entry.unwrap().path());
            }
        } else {
            let file = self.file(found.ino());
            self.files[file].synced = fs::read(path).unwrap();
            self.files[file].mode = found.mode();
            self.names.insert(path.to_owned(), Node::File(file));
        }
    }

    /// A new file of an inode.
    fn file(&mut self, inode: u64) -> usize {
        let mode = 0o600;
        self.files.push(Content {
            mode,
            ..Content::default()
        });
        self.by_inode.insert(inode, self.files.len() - 1);
        self.files.len() - 1
    }

    /// Takes from the folders of a rig, whose processes are dead, what a power cut would take.
    pub(crate) fn cut(mut self, rig: &Rig, loss: Loss, dice: &mut Dice) {
        let renamings = self.happened(&entries::read(&rig.path(LOG)), loss);
        self.rename(rig, renamings, loss, dice);
        let mut contents = Vec::new();
        for file in &mut self.files {
            contents.push((left(file, loss, dice), file.mode));
        }
        for folder in folders(rig).iter().filter(|folder| folder.exists()) {
            fs::remove_dir_all(folder).unwrap();
        }
        // In the order of their names, so that a folder comes before what is in it.
        for (path, node) in &self.names {
            match node {
                Node::Folder => {
                    fs::create_dir_all(path).unwrap();
                    fs::set_permissions(path, Permissions::from_mode(0o750)).unwrap();
                }
                Node::File(file) => {
                    let (bytes, mode) = &contents[*file];
                    fs::write(path, bytes).unwrap();
                    fs::set_permissions(path, Permissions::from_mode(*mode)).unwrap();
                }
            }
        }
        fs::remove_file(rig.path(LOG)).ok();
    }

    /// Takes in what happened to the files, and answers what happened to their names.
    fn happened(&mut self, entries: &[Entry], loss: Loss) -> Vec<Renaming> {
        let mut renamings: Vec<Renaming> = Vec::new();
        let within = |path: &Path| path.parent().unwrap().to_owned();
        for entry in entries {
            let (what, folders) = match entry {
                Entry::Written {
                    inode,
                    offset,
                    bytes,
                } => {
                    let change = Change::Written(*offset, bytes.clone());
                    self.newest(*inode).since.push(change);
                    continue;
                }
                Entry::Length { inode, length } => {
                    self.newest(*inode).since.push(Change::Length(*length));
                    continue;
                }
                Entry::Synced { inode, path } => {
                    self.synced(*inode, path, loss, &mut renamings);
                    continue;
                }
                Entry::Made { inode, path } => {
                    let node = Node::File(self.file(*inode));
                    (Naming::Is(path.clone(), node), vec![within(path)])
                }
                Entry::Linked { inode, path } => {
                    let node = Node::File(self.by_inode[inode]);
                    (Naming::Is(path.clone(), node), vec![within(path)])
                }
                Entry::Folder { path } => {
                    (Naming::Is(path.clone(), Node::Folder), vec![within(path)])
                }
                Entry::Removed { path } => (Naming::Goes(path.clone()), vec![within(path)]),
                Entry::Renamed { from, to } => (
                    Naming::Becomes(from.clone(), to.clone()),
                    vec![within(from), within(to)],
                ),
            };
            renamings.push(Renaming {
                what,
                folders,
                is_synced: false,
            });
        }
        renamings
    }

    fn newest(&mut self, inode: u64) -> &mut Content {
        let file = self.by_inode[&inode];
        &mut self.files[file]
    }

    fn synced(&mut self, inode: u64, path: &Path, loss: Loss, renamings: &mut [Renaming]) {
        let is_made =
            |it: &Renaming| matches!(&it.what, Naming::Is(made, Node::Folder) if made == path);
        if self.names.get(path) == Some(&Node::Folder) || renamings.iter().any(is_made) {
            let within = |it: &&mut Renaming| it.folders.iter().any(|it| it == path);
            for renaming in renamings.iter_mut().filter(within) {
                renaming.is_synced = true;
            }
            return;
        }
        let file = self.by_inode[&inode];
        let content = &mut self.files[file];
        for change in content.since.drain(..) {
            change.apply(&mut content.synced);
        }
        if loss == Loss::All {
            return;
        }
        for renaming in renamings {
            renaming.is_synced |= match &renaming.what {
                Naming::Is(_, Node::File(made)) => *made == file,
                Naming::Is(made, Node::Folder) => path.starts_with(made),
                Naming::Becomes(..) | Naming::Goes(_) => false,
            };
        }
    }

    /// Makes the names those that are left.
    fn rename(&mut self, rig: &Rig, renamings: Vec<Renaming>, loss: Loss, dice: &mut Dice) {
        // How many of the changes that are not synced are left, folder by folder.
        let mut left: BTreeMap<PathBuf, usize> = BTreeMap::new();
        let unsynced = |renaming: &&Renaming| !renaming.is_synced;
        for renaming in renamings.iter().filter(unsynced) {
            *left.entry(renaming.folders[0].clone()).or_default() += 1;
        }
        for count in left.values_mut() {
            *count = match loss {
                Loss::All => 0,
                Loss::Some | Loss::Torn => dice.roll(*count + 1),
            };
        }
        let roots = folders(rig);
        for renaming in renamings {
            // The folders themselves are made by whoever installs it.
            let is_root = matches!(&renaming.what, Naming::Is(path, _) if roots.contains(path));
            if !renaming.is_synced && !is_root {
                let left = left.get_mut(&renaming.folders[0]).unwrap();
                if *left == 0 {
                    continue;
                }
                *left -= 1;
            }
            self.name(renaming.what);
        }
    }

    fn name(&mut self, what: Naming) {
        match what {
            Naming::Is(path, node) => {
                self.names.insert(path, node);
            }
            Naming::Goes(path) => {
                self.names.remove(&path);
            }
            Naming::Becomes(from, to) => {
                let moved: Vec<PathBuf> = self
                    .names
                    .keys()
                    .filter(|it| it.starts_with(&from))
                    .cloned()
                    .collect();
                for path in moved {
                    let node = self.names.remove(&path).unwrap();
                    let rest = path.strip_prefix(&from).unwrap();
                    let path = if rest == Path::new("") {
                        to.clone()
                    } else {
                        to.join(rest)
                    };
                    self.names.insert(path, node);
                }
            }
        }
    }
}

/// What is left of a file.
fn left(file: &mut Content, loss: Loss, dice: &mut Dice) -> Vec<u8> {
    let mut bytes = std::mem::take(&mut file.synced);
    let mut since: Vec<Change> = match loss {
        Loss::All => Vec::new(),
        Loss::Some | Loss::Torn => file.since.drain(..).filter(|_| dice.roll(2) == 0).collect(),
    };
    if loss == Loss::Torn
        && let Some(Change::Written(offset, written)) = since.last_mut()
    {
        let sectors = (*offset % SECTOR_BYTES + written.len()).div_ceil(SECTOR_BYTES);
        let end = (*offset / SECTOR_BYTES + dice.roll(sectors)) * SECTOR_BYTES;
        written.truncate(end.saturating_sub(*offset));
    }
    for change in since {
        change.apply(&mut bytes);
    }
    bytes
}

impl Change {
    fn apply(self, to: &mut Vec<u8>) {
        match self {
            Self::Length(length) => to.resize(length, 0),
            Self::Written(offset, bytes) => {
                let end = offset + bytes.len();
                if to.len() < end {
                    to.resize(end, 0);
                }
                to[offset..end].copy_from_slice(&bytes);
            }
        }
    }
}
