//! The socket's file: who makes it, who takes it away, and what stands in its place.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::Command;
use std::thread;

use serde_json::Value;

use super::rig;
use crate::rig::{Ran, Rig, Running, ran, until};

/// The binary with another control socket than that of the files.
fn with_socket(rig: &Rig, path: &str, line: &str) -> Command {
    let mut command = rig.command(line);
    command.env("ROSTERD_CONTROL", path);
    command
}

fn started(rig: &Rig, command: Command) -> Running {
    let daemon = rig.start_command("daemon", command);
    daemon.until_says("rosterd is running");
    daemon
}

fn assert_refused(ran: &Ran, why: &str) {
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(ran.stderr.contains(why), "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
}

#[test]
fn the_socket_is_for_user_and_group_and_goes_with_the_daemon() {
    let rig = rig();
    let socket = rig.path("control.sock");
    let first = rig.daemon();
    let found = fs::metadata(&socket).unwrap();
    assert!(found.file_type().is_socket());
    assert_eq!(found.permissions().mode() & 0o777, 0o660);
    first.stop();
    assert!(!socket.exists());
    let second = rig.daemon();
    second.signal("KILL");
    second.end();
    assert!(socket.exists(), "nobody could take it away");
    // Without a daemon it keeps nobody from the state.
    rig.done("sync newsletter");
    let third = rig.daemon();
    rig.done("sync newsletter");
    assert_eq!(
        fs::metadata(&socket).unwrap().permissions().mode() & 0o777,
        0o660
    );
    third.stop();
    assert!(!socket.exists());
}

#[test]
fn what_is_no_socket_is_left_alone_and_commands_say_that_there_is_none() {
    for is_folder in [false, true] {
        let rig = rig();
        let path = rig.path("control.sock");
        if is_folder {
            fs::create_dir(&path).unwrap();
        } else {
            fs::write(&path, "precious").unwrap();
        }
        let daemon = rig.daemon();
        let log = daemon.stderr();
        assert!(log.contains("no command can reach this daemon"), "{log}");
        assert!(log.contains("is no socket"), "{log}");
        for line in ["sync newsletter", "reload", "why ann@example.com"] {
            assert_refused(&rig.run(line), "it is no socket");
        }
        daemon.stop();
        match is_folder {
            true => assert!(path.is_dir()),
            false => assert_eq!(fs::read_to_string(&path).unwrap(), "precious"),
        }
        rig.done("sync newsletter");
    }
}

#[test]
fn a_path_that_is_too_long_for_a_socket_is_told_by_daemon_and_commands() {
    let rig = rig();
    let path = format!("{}.sock", "x".repeat(110));
    let daemon = started(&rig, with_socket(&rig, &path, "daemon"));
    let log = daemon.stderr();
    assert!(log.contains("longer than the 107 bytes"), "{log}");
    let asked = ran(with_socket(&rig, &path, "sync newsletter"));
    assert_refused(&asked, "its path is longer than 107 bytes");
    daemon.stop();
    let alone = ran(with_socket(&rig, &path, "sync newsletter"));
    assert_eq!(alone.code, Some(0), "{}", alone.stderr);
}

#[test]
fn commands_never_talk_to_the_daemon_of_another_state() {
    let (first, second) = (rig(), rig());
    let socket = first.path("control.sock").display().to_string();
    let first_daemon = first.daemon();
    // Nobody holds the second state yet.
    let alone = ran(with_socket(&second, &socket, "sync newsletter --json"));
    assert_eq!(alone.code, Some(0), "{}", alone.stderr);
    let reload = ran(with_socket(&second, &socket, "reload"));
    assert_refused(&reload, "no daemon of these files runs");
    let second_daemon = started(&second, with_socket(&second, &socket, "daemon"));
    let log = second_daemon.stderr();
    assert!(log.contains("is served by another rosterd"), "{log}");
    for line in ["sync newsletter", "reload", "deactivate newsletter"] {
        let refused = ran(with_socket(&second, &socket, line));
        assert_refused(&refused, "it is that of the daemon with the state in");
    }
    second_daemon.stop();
    assert_eq!(second.events("run.finished").len(), 1);
    // It has not taken the other's away.
    first.done("sync newsletter");
    assert_eq!(first.events("run.finished").len(), 1);
    assert_eq!(first.events("sync.deactivated"), [Value::Null; 0]);
    first_daemon.stop();
}

/// Listens at a path and says this to whoever comes, and the end again and again.
fn listen(path: &Path, says: &'static str, again: &'static str) {
    let listener = UnixListener::bind(path).unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || {
                let mut stream = stream.unwrap();
                let mut asked = [0; 1024];
                let mut goes_on = stream.read(&mut asked).is_ok();
                goes_on &= stream.write_all(says.as_bytes()).is_ok();
                while goes_on && !again.is_empty() {
                    goes_on = stream.write_all(again.as_bytes()).is_ok();
                }
            });
        }
    });
}

#[test]
fn what_else_listens_at_the_socket_is_taken_for_nobody_and_harms_nobody() {
    const OK: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n";
    let endless = "x".repeat(1 << 20).leak();
    let deep = "{\"state_dir\":".repeat(80_000).leak();
    for (says, again) in [
        ("", ""),
        ("\u{1b}[2J no HTTP\r\n", ""),
        ("HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\n{}", ""),
        (
            "HTTP/1.1 302 Found\r\nlocation: http://localhost:9/\r\ncontent-length: 0\r\n\r\n",
            "",
        ),
        (OK, deep),
        (OK, endless),
    ] {
        let rig = rig();
        listen(&rig.path("control.sock"), says, again);
        // Nobody holds the state.
        let mut alone = rig.start("alone", "sync newsletter");
        let mut peak = 0;
        until("the command ends", || {
            peak = alone.peak_kib().max(peak);
            !alone.is_running()
        });
        let alone = alone.end();
        assert_eq!(alone.code, Some(0), "{says:?}: {}", alone.stderr);
        assert!(peak < 512 << 10, "{says:?} took {peak} KiB");
        let daemon = rig.daemon();
        let log = daemon.stderr();
        assert!(log.contains("no command can reach this daemon"), "{log}");
        let asked = rig.run("sync newsletter");
        assert!(
            [1, 75].contains(&asked.code.unwrap()),
            "{says:?}: {}",
            asked.stderr
        );
        assert!(!asked.stderr.contains('\u{1b}'), "{:?}", asked.stderr);
        daemon.stop();
        rig.done("sync newsletter");
    }
}

#[test]
fn a_socket_that_another_daemon_has_put_in_its_place_is_left_to_it() {
    let (first, second) = (rig(), rig());
    let path = first.path("control.sock");
    let first_daemon = first.daemon();
    // Somebody cleans up.
    fs::remove_file(&path).unwrap();
    assert_refused(&first.run("sync newsletter"), "it is not there");
    let socket = path.display().to_string();
    let second_daemon = started(&second, with_socket(&second, &socket, "daemon"));
    first_daemon.stop();
    UnixStream::connect(&path).unwrap();
    let asked = ran(with_socket(&second, &socket, "sync newsletter"));
    assert_eq!(asked.code, Some(0), "{}", asked.stderr);
    second_daemon.stop();
    assert!(!path.exists());
}

#[test]
fn a_second_daemon_on_the_same_state_is_refused_and_the_first_is_still_reached() {
    let rig = rig();
    let daemon = rig.daemon();
    let second = rig.run("daemon");
    assert_eq!(second.code, Some(1));
    assert!(
        second.stderr.contains("held by another rosterd"),
        "{}",
        second.stderr
    );
    rig.done("sync newsletter");
    daemon.stop();
}
