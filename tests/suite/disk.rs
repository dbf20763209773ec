//! A disk that fails when it is told to, under the binary: it dies at a change, or finds no room, or loses what was not
//! synced.
//!
//! A small library in C (`shim.c`) stands between the binary and the system's file calls. It counts the changes below
//! the folders of state and history, strikes at one of them, and writes all of them down, so that what a power cut
//! leaves can be made from what was there before ([`power`]).

mod entries;
pub(crate) mod power;
mod tests;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::{env, fs, process};

use crate::rig::{Ran, Rig, child, ran};

/// What happens at a change, and from it on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strike {
    /// The process dies before it.
    KilledBefore,
    /// It dies with half of the bytes written.
    KilledAmid,
    /// It dies right after it.
    KilledAfter,
    /// There is no room, from then on.
    Full,
    /// There is no room once.
    FullOnce,
    /// Nothing can be written or synced, from then on.
    Broken,
    /// It cannot be written or synced, once.
    BrokenOnce,
}

impl Strike {
    /// All ways to die.
    pub(crate) const KILLS: [Self; 3] = [Self::KilledBefore, Self::KilledAmid, Self::KilledAfter];

    fn name(self) -> &'static str {
        match self {
            Self::KilledBefore => "kill-before",
            Self::KilledAmid => "kill-amid",
            Self::KilledAfter => "kill-after",
            Self::Full => "full",
            Self::FullOnce => "full-once",
            Self::Broken => "broken",
            Self::BrokenOnce => "broken-once",
        }
    }
}

/// The folders of a rig that are on the disk, its log, and the file with which its counting begins.
const FOLDERS: [&str; 4] = ["state", "history", "temporary", "backups"];
const LOG: &str = "disk.log";
const FROM: &str = "disk.from";

/// The binary on such a disk, which strikes at a change, the first being 1; 0 for one that only writes down.
pub(crate) fn command(rig: &Rig, line: &str, strike: Strike, at: usize) -> Command {
    on_disk(rig, rig.command(line), strike, at)
}

/// Any command on such a disk.
fn on_disk(rig: &Rig, mut command: Command, strike: Strike, at: usize) -> Command {
    let under: Vec<String> = folders(rig)
        .iter()
        .map(|folder| folder.display().to_string())
        .collect();
    command.env("LD_PRELOAD", shim());
    command.env("DISK_UNDER", under.join(":"));
    command.env("DISK_LOG", rig.path(LOG));
    command.env("DISK_AT", at.to_string());
    command.env("DISK_DO", strike.name());
    command
}

/// The same, which counts from the moment that [`begin`] is called.
pub(crate) fn command_from(rig: &Rig, line: &str, strike: Strike, at: usize) -> Command {
    let mut command = command(rig, line, strike, at);
    fs::remove_file(rig.path(FROM)).ok();
    command.env("DISK_FROM", rig.path(FROM));
    command
}

/// From now on changes are counted.
pub(crate) fn begin(rig: &Rig) {
    rig.put(FROM, "");
}

/// Runs the binary on such a disk to its end.
pub(crate) fn run(rig: &Rig, line: &str, strike: Strike, at: usize) -> Ran {
    ran(command(rig, line, strike, at))
}

/// How many changes have been written down since the last power cut.
pub(crate) fn changes(rig: &Rig) -> usize {
    entries::read(&rig.path(LOG)).len()
}

/// The folders on the disk.
fn folders(rig: &Rig) -> [PathBuf; 4] {
    FOLDERS.map(|name| rig.path(name))
}

/// The library, compiled once for all tests of the process.
fn shim() -> &'static Path {
    static SHIM: OnceLock<PathBuf> = OnceLock::new();
    SHIM.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/disk/shim.c");
        let made = folder.join(format!("disk-{}.so", process::id()));
        let options = ["-shared", "-fPIC", "-O1", "-pthread", "-o"].map(OsStr::new);
        let files = [made.as_os_str(), source.as_os_str()];
        child::used("cc", options.into_iter().chain(files));
        // At one stroke: another process of tests may be about to load it.
        let library = folder.join("disk.so");
        fs::rename(&made, &library).unwrap();
        library
    })
}
