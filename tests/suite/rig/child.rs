//! The one place where a child is made, and where what it printed is read.
//!
//! A test gets the binary by [`binary`] (mostly through its rig), and what that prints by [`ran`], [`given`], [`unread`]
//! or [`Running`](super::Running), all of which look through it for what may not be let out. That no test goes another
//! way is tested here, so that the search cannot be forgotten. What is no child of ours is a [`tool`].

use std::ffi::OsStr;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use super::discretion::{Audience, Typed, assert_discreet};

/// The binary under test, for who has to name it.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_rosterd");

/// What a command did.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// What a child did that has ended, looked through for what it may not let out.
    pub(super) fn of(typed: &Typed, code: Option<i32>, stdout: String, stderr: String) -> Self {
        assert_discreet(Audience::WhoAsked, typed, &stdout);
        assert_discreet(Audience::Anybody, typed, &stderr);
        Self {
            code,
            stdout,
            stderr,
        }
    }

    fn of_output(typed: &Typed, output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        Self::of(typed, output.status.code(), stdout, stderr)
    }
}

/// The binary, not started yet, with nothing of what the tests' own environment says of rosterd.
pub(crate) fn binary() -> Command {
    let mut command = Command::new(BINARY);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("ROSTERD_")) {
        command.env_remove(name);
    }
    // Those of a service that runs the tests say nothing about their children.
    for name in ["JOURNAL_STREAM", "NOTIFY_SOCKET", "WATCHDOG_USEC"] {
        command.env_remove(name);
    }
    command
}

/// The same command in a shell that sets a bound to the size of files it may write, in KiB.
pub(crate) fn bounded(command: &Command, kib: u64) -> Command {
    // POSIX has blocks of 512 bytes.
    let script = format!("ulimit -f {}; exec \"$@\"", kib * 2);
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", &script, "sh"]).arg(command.get_program());
    shell.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell
}

/// Runs a command to its end.
pub(crate) fn ran(mut command: Command) -> Ran {
    let output = command.output().unwrap();
    Ran::of_output(&Typed::of(&command), output)
}

/// The same, with this on its standard input.
pub(crate) fn given(mut command: Command, input: &str) -> Ran {
    command.stdin(Stdio::piped());
    let mut child = piped(&mut command);
    let mut stdin = child.stdin.take().unwrap();
    // A command that refuses to begin reads nothing.
    stdin.write_all(input.as_bytes()).ok();
    drop(stdin);
    Ran::of_output(&Typed::of(&command), child.wait_with_output().unwrap())
}

/// The same, of a command whose reader goes away before it has read anything.
pub(crate) fn unread(mut command: Command) -> Ran {
    let mut child = piped(&mut command);
    drop(child.stdout.take());
    Ran::of_output(&Typed::of(&command), child.wait_with_output().unwrap())
}

fn piped(command: &mut Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Starts a command that prints into two files.
pub(super) fn started(command: &mut Command, out: &Path, err: &Path) -> Child {
    command.stdout(File::create(out).unwrap());
    command.stderr(File::create(err).unwrap());
    command.spawn().unwrap()
}

/// Runs what is not ours, e.g. a compiler, to its end. What it prints is its own affair.
pub(crate) fn tool<A: AsRef<OsStr>>(
    name: &str,
    arguments: impl IntoIterator<Item = A>,
) -> (ExitStatus, String) {
    assert_ne!(name, BINARY, "the binary is no tool");
    let mut command = Command::new(name);
    let output = command.args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("`{name}`: {error}"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status, said)
}

/// The same, of a tool that has to end well.
pub(crate) fn used<A: AsRef<OsStr>>(name: &str, arguments: impl IntoIterator<Item = A>) {
    let (status, said) = tool(name, arguments);
    assert!(status.success(), "`{name}`: {said}");
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// What makes a child of the binary, or reads what a child prints. In two parts, so that it is not found here.
    fn ways() -> [String; 8] {
        [
            ["CARGO_BIN", "_EXE"],
            ["cargo", "_bin("],
            [".out", "put()"],
            [".sp", "awn()"],
            [".exe", "c()"],
            ["wait_with", "_output"],
            ["Std", "io::"],
            ["Command", "Ext"],
        ]
        .map(|parts| parts.concat())
    }

    /// The files of a folder in which any of the ways is gone.
    fn strays(folder: &Path, into: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                strays(&path, into);
            } else if path.extension() == Some(OsStr::new("rs")) {
                let text = fs::read_to_string(&path).unwrap();
                let gone = ways().into_iter().filter(|way| text.contains(way));
                into.extend(gone.map(|way| format!("{}: {way}", path.display())));
            }
        }
    }

    #[test]
    fn no_other_file_makes_a_child_or_reads_what_it_prints() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
        let mut found = Vec::new();
        strays(&folder, &mut found);
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/rig/child.rs");
        let (here, elsewhere): (Vec<String>, Vec<String>) = found
            .into_iter()
            .partition(|way| way.starts_with(&format!("{}: ", own.display())));
        assert!(here.len() > 4, "the search finds them: {here:?}");
        assert_eq!(elsewhere, [""; 0], "use what `rig::child` offers");
    }

    /// A child that prints this on stdout and on stderr.
    fn printing(stdout: &str, stderr: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "cat; printf %s \"$OUT\"; printf %s \"$ERR\" >&2"]);
        command.env("OUT", stdout).env("ERR", stderr);
        command.stdin(Stdio::null());
        command
    }

    /// Whether a way to run a child lets it pass.
    fn passes(way: fn(Command), stdout: &str, stderr: &str) -> bool {
        let child = printing(stdout, stderr);
        // The test's own thread goes on, and is told what became of this one.
        std::thread::spawn(move || way(child)).join().is_ok()
    }

    #[test]
    fn whichever_way_a_child_is_run_what_it_lets_out_is_found() {
        let secret = rosterd::sandbox::CLIENT_SECRET;
        let ways: [fn(Command); 4] = [
            |child| drop(ran(child)),
            |child| drop(given(child, "")),
            |child| drop(super::super::Running::apart(child).end()),
            // Whoever reads nothing loses what is on stdout, and what is on stderr is read all the same.
            |child| drop(unread(child)),
        ];
        for (number, way) in ways.into_iter().enumerate() {
            assert!(passes(way, "", "all is well"), "{number}");
            assert!(!passes(way, "", secret), "{number}");
            assert!(!passes(way, "", "ann.lee@example.com"), "{number}");
            if number < 3 {
                assert!(passes(way, "ann.lee@example.com", ""), "{number}");
                assert!(!passes(way, secret, ""), "{number}");
            }
        }
    }
}
