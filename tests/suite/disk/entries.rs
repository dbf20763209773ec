//! What the disk has written down: every change and every sync, oldest first.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// One of them. Files are told apart by their inodes, as they go by several names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    Made {
        inode: u64,
        path: PathBuf,
    },
    Linked {
        inode: u64,
        path: PathBuf,
    },
    Folder {
        path: PathBuf,
    },
    Written {
        inode: u64,
        offset: usize,
        bytes: Vec<u8>,
    },
    Length {
        inode: u64,
        length: usize,
    },
    Renamed {
        from: PathBuf,
        to: PathBuf,
    },
    Removed {
        path: PathBuf,
    },
    Synced {
        inode: u64,
        path: PathBuf,
    },
}

/// The entries of a log; none where there is none. A last one that is not whole was never answered, and is left out.
pub(super) fn read(path: &Path) -> Vec<Entry> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        Err(error) => panic!("{}: {error}", path.display()),
    };
    let mut rest = bytes.as_slice();
    let mut entries = Vec::new();
    while let Some((entry, behind)) = parse(rest) {
        entries.push(entry);
        rest = behind;
    }
    entries
}

fn parse(bytes: &[u8]) -> Option<(Entry, &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let head = std::str::from_utf8(&bytes[..end]).unwrap();
    let mut words = head.split(' ');
    let kind = words.next().unwrap();
    let mut number = || words.next().unwrap().parse::<u64>().unwrap();
    let (inode, offset, length) = (number(), number(), number());
    let place = |number: u64| usize::try_from(number).unwrap();
    let body = &bytes[end + 1..];
    if body.len() < place(length) {
        return None;
    }
    let (body, rest) = body.split_at(place(length));
    let path = |bytes: &[u8]| PathBuf::from(std::str::from_utf8(bytes).unwrap());
    let entry = match kind {
        "c" => Entry::Made {
            inode,
            path: path(body),
        },
        "h" => Entry::Linked {
            inode,
            path: path(body),
        },
        "d" => Entry::Folder { path: path(body) },
        "w" => Entry::Written {
            inode,
            offset: place(offset),
            bytes: body.to_vec(),
        },
        "t" => Entry::Length {
            inode,
            length: place(offset),
        },
        "r" => {
            let zero = body.iter().position(|byte| *byte == 0).unwrap();
            Entry::Renamed {
                from: path(&body[..zero]),
                to: path(&body[zero + 1..]),
            }
        }
        "u" => Entry::Removed { path: path(body) },
        "s" => Entry::Synced {
            inode,
            path: path(body),
        },
        other => panic!("an entry {other:?}"),
    };
    Some((entry, rest))
}
