//! The binary while it runs, and waiting for what it does.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use tempfile::TempDir;

use super::child::{self, Ran};
use super::discretion::{Audience, Typed, assert_discreet};

/// What is waited for is looked at this often, and so many times before the test fails: a minute and more.
const LOOK_EVERY: Duration = Duration::from_millis(10);
const LOOKS_MAX: usize = 6000;

/// The binary, running; it is killed where the test ends before it does.
pub(crate) struct Running {
    child: Child,
    typed: Typed,
    out: PathBuf,
    err: PathBuf,
    /// Where these two are, if that is no rig.
    _apart: Option<TempDir>,
}

impl Running {
    /// Starts a command whose output goes to these files.
    pub(super) fn of(command: Command, out: PathBuf, err: PathBuf) -> Self {
        Self::of_apart(command, out, err, None)
    }

    /// Starts a command that has no rig.
    pub(crate) fn apart(command: Command) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (out, err) = (folder.path().join("out"), folder.path().join("err"));
        Self::of_apart(command, out, err, Some(folder))
    }

    fn of_apart(mut command: Command, out: PathBuf, err: PathBuf, apart: Option<TempDir>) -> Self {
        let child = child::started(&mut command, &out, &err);
        let typed = Typed::of(&command);
        Self {
            child,
            typed,
            out,
            err,
            _apart: apart,
        }
    }

    /// Sends a signal by its name, e.g. `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        child::used("kill", ["-s", name, &self.child.id().to_string()]);
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has written to stdout up to now.
    pub(crate) fn stdout(&self) -> String {
        fs::read_to_string(&self.out).unwrap()
    }

    /// What it has written to stderr up to now.
    pub(crate) fn stderr(&self) -> String {
        fs::read_to_string(&self.err).unwrap()
    }

    /// Waits until it has written something to stderr.
    pub(crate) fn until_says(&self, text: &str) {
        until(text, || self.stderr().contains(text));
    }

    /// Stops a daemon, which has to end well and to wait for nobody.
    pub(crate) fn stop(self) {
        self.signal("TERM");
        let ended = self.end();
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert!(
            !ended.stderr.contains("did not stop in time"),
            "{}",
            ended.stderr
        );
    }

    /// Whether it still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// The most memory it has had, in KiB; 0 once it has ended.
    pub(crate) fn peak_kib(&self) -> u64 {
        let status = format!("/proc/{}/status", self.child.id());
        let status = fs::read_to_string(status).unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.map(|text| text.trim().trim_end_matches(" kB"));
        peak.map_or(0, |kib| kib.parse().unwrap())
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Ran {
        let mut ended: Option<ExitStatus> = None;
        until("the binary ends", || {
            ended = self.child.try_wait().unwrap();
            ended.is_some()
        });
        let (stdout, stderr) = (self.stdout(), self.stderr());
        Ran::of(&self.typed, ended.unwrap().code(), stdout, stderr)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // An error here means that it has ended already.
        self.child.kill().ok();
        self.child.wait().ok();
        // A test that fails already has more to say than this.
        if !std::thread::panicking() {
            assert_discreet(Audience::WhoAsked, &self.typed, &self.stdout());
            assert_discreet(Audience::Anybody, &self.typed, &self.stderr());
        }
    }
}

/// Waits until something holds, with a bound.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..LOOKS_MAX {
        if holds() {
            return;
        }
        std::thread::sleep(LOOK_EVERY);
    }
    panic!("waited in vain until {what}");
}
