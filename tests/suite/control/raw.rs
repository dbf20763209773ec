//! What is written to the socket by others than rosterd's own commands.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;

use serde_json::{Value, json};

use super::{hold_up, rig, run_held_up, until_finished, until_held_up};
use crate::rig::{Rig, until};

/// A connection that has sent this.
fn connection(rig: &Rig, sent: &str) -> UnixStream {
    let mut stream = UnixStream::connect(rig.path("control.sock")).unwrap();
    stream.write_all(sent.as_bytes()).unwrap();
    stream
}

fn request(head: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "{head}Host: rosterd\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    )
}

/// Asks, and reads the answer to its end: its status, and all of it.
pub(super) fn ask(rig: &Rig, head: &str, body: &str) -> (u16, String) {
    let mut stream = connection(rig, "");
    // An answer may come before all is read.
    stream.write_all(request(head, body).as_bytes()).ok();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok();
    let answer = String::from_utf8(answer).unwrap();
    let status = answer.split(' ').nth(1).map(|status| status.parse());
    (status.map_or(0, Result::unwrap), answer)
}

#[test]
fn a_run_tells_how_far_it_is_before_its_end() {
    let rig = rig();
    let daemon = rig.daemon();
    hold_up(&rig, "listsubscribe", 5);
    let body = json!({"sync": "newsletter", "full": false}).to_string();
    let stream = connection(&rig, &request("POST /run HTTP/1.1\r\n", &body));
    let lines = BufReader::new(stream).lines().map(Result::unwrap);
    // Between them stand the sizes of the answer's parts.
    let mut lines = lines.filter_map(|line| serde_json::from_str::<Value>(&line).ok());
    let mut lines = lines.by_ref().filter(Value::is_object);
    let first = lines.next().unwrap();
    assert!(first["progress"].is_object(), "{first}");
    until_held_up(&rig);
    assert_eq!(rig.events("run.finished"), [Value::Null; 0]);
    rig.drop_faults();
    let last = lines.last().unwrap();
    assert_eq!(last["done"]["finished"]["outcome"], "completed", "{last}");
    daemon.stop();
}

#[test]
fn requests_that_make_no_sense_are_refused_and_harm_nobody() {
    let rig = rig();
    let daemon = rig.daemon();
    let huge = format!("{{\"sync\": \"{}\"}}", "x".repeat(20_000_000));
    for (head, body, want) in [
        ("POST /run HTTP/1.1\r\n", "{\"sync\": ", 400),
        ("POST /run HTTP/1.1\r\n", "{}", 422),
        ("POST /run HTTP/1.1\r\n", "", 400),
        ("GET /run HTTP/1.1\r\n", "", 405),
        ("POST /nowhere HTTP/1.1\r\n", "{}", 404),
        ("GET / HTTP/1.1\r\n", "", 404),
        ("POST /../run HTTP/1.1\r\n", "{}", 404),
        ("nonsense\r\n", "", 400),
    ] {
        assert_eq!(ask(&rig, head, body).0, want, "{head:?} {body:?}");
    }
    // The answer may be lost, as the connection is closed with most of this unread.
    let (status, _) = ask(&rig, "POST /run HTTP/1.1\r\n", &huge);
    assert!([0, 413].contains(&status), "{status}");
    for beginning in [
        "",
        "POST /run HT",
        "POST /run HTTP/1.1\r\nContent-Length: 100\r\n\r\n{",
        "\0\u{1}\u{2}\r\n\r\n",
    ] {
        drop(connection(&rig, beginning));
    }
    let idle: Vec<_> = (0..200).map(|_| connection(&rig, "")).collect();
    assert_eq!(rig.import("newsletter")["outcome"], "completed");
    drop(idle);
    daemon.stop();
}

#[test]
fn who_neither_asks_nor_listens_keeps_the_daemon_from_nothing() {
    let rig = rig();
    let daemon = rig.daemon();
    let plan = json!({"sync": "newsletter", "full": true, "people": true}).to_string();
    let run = json!({"sync": "newsletter", "full": false}).to_string();
    let hellos = "GET /hello HTTP/1.1\r\nHost: rosterd\r\n\r\n".repeat(3000);
    let deaf = [
        // More answers than the socket keeps.
        connection(&rig, &hellos),
        connection(&rig, ""),
        connection(&rig, "POST /run HTTP/1.1\r\nContent-Le"),
        connection(&rig, "POST /why HTTP/1.1\r\nContent-Length: 100\r\n\r\n{"),
        connection(&rig, &request("POST /plan HTTP/1.1\r\n", &plan)),
        connection(&rig, &request("POST /run HTTP/1.1\r\n", &run)),
    ];
    until_finished(&rig, 1);
    rig.done("sync newsletter");
    daemon.signal("TERM");
    let ended = daemon.end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(!ended.stderr.contains("did not stop in time"));
    let cut = "a connection to the control socket stayed open, and is cut";
    assert!(ended.stderr.contains(cut), "{}", ended.stderr);
    drop(deaf);
}

#[test]
fn so_many_runs_may_wait_and_who_asks_for_another_is_refused() {
    let rig = rig();
    let daemon = rig.daemon();
    let (first, _) = run_held_up(&rig, "first");
    let run = json!({"sync": "newsletter", "full": false}).to_string();
    let run = request("POST /run HTTP/1.1\r\n", &run);
    let waiting: Vec<_> = (0..16).map(|_| connection(&rig, &run)).collect();
    let waits = "the one that was asked for waits";
    until("all of them wait", || {
        daemon.stderr().matches(waits).count() == 16
    });
    let refused = rig.run("sync newsletter");
    assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("16 others wait"),
        "{}",
        refused.stderr
    );
    // Nobody listens to those, and the first ends all the same.
    drop(waiting);
    rig.drop_faults();
    assert_eq!(first.end().code, Some(0));
    daemon.stop();
}
