//! A daemon that ends while somebody waits for it.

use serde_json::{Value, json};

use super::{rig, until_finished, until_held_up};
use crate::rig::Rig;
use crate::scenarios::plain_contacts;

/// A call that never comes back.
fn hang(rig: &Rig, method: &str, after: usize) {
    rig.fault(&json!({"method": method, "after": after, "times": 1, "what": "hang"}));
}

#[test]
fn who_follows_a_run_when_the_daemon_stops_is_told_that_it_goes_on_at_the_next_start() {
    let rig = rig();
    let first_daemon = rig.daemon();
    hang(&rig, "listsubscribe", 5);
    let following = rig.start("following", "sync newsletter");
    until_held_up(&rig);
    let waiting = rig.start("waiting", "sync newsletter");
    first_daemon.until_says("the one that was asked for waits");
    let run = rig.events("run.started")[0]["run"].clone();
    first_daemon.stop();
    let followed = following.end();
    assert_eq!(followed.code, Some(75), "{}", followed.stderr);
    assert!(followed.stderr.contains("goes on"), "{}", followed.stderr);
    let waited = waiting.end();
    assert_eq!(waited.code, Some(75), "{}", waited.stderr);
    assert!(
        waited
            .stderr
            .contains("the daemon is stopping: ask again when it has been started"),
        "{}",
        waited.stderr
    );
    assert_eq!(rig.events("run.finished"), [Value::Null; 0]);
    let second_daemon = rig.daemon();
    until_finished(&rig, 1);
    assert_eq!(rig.events("run.resumed")[0]["run"], run);
    assert_eq!(rig.events("run.finished")[0]["run"], run);
    second_daemon.stop();
    assert_eq!(rig.events("run.started").len(), 1);
}

#[test]
fn a_daemon_that_stops_cuts_what_else_it_was_asked_for_and_asking_again_does_the_rest() {
    let rig = rig();
    let first_daemon = rig.daemon();
    rig.import("newsletter");
    let address = plain_contacts(&rig)[0].1.clone();
    hang(&rig, "listunsubscribe", 0);
    let line = format!("forget {address}");
    let asking = rig.start("asking", &line);
    until_held_up(&rig);
    first_daemon.stop();
    let asked = asking.end();
    assert_eq!(asked.code, Some(75), "{}", asked.stderr);
    let said = "ask again when it has been started";
    assert!(asked.stderr.contains(said), "{}", asked.stderr);
    assert_eq!(rig.events("address.forgotten"), [Value::Null; 0]);
    let second_daemon = rig.daemon();
    rig.done(&line);
    assert_eq!(rig.events("address.forgotten").len(), 1);
    second_daemon.stop();
}

#[test]
fn who_asks_a_daemon_that_dies_is_told_whether_to_ask_again() {
    for (line, method, then) in [
        (
            "sync newsletter",
            "listsubscribe",
            "a run that had begun goes on",
        ),
        ("plan newsletter", "coql", "ask again"),
        ("why never-seen@example.com", "coql", "ask again"),
    ] {
        let rig = rig();
        let daemon = rig.daemon();
        hang(&rig, method, 0);
        let asking = rig.start("asking", line);
        until_held_up(&rig);
        daemon.signal("KILL");
        daemon.end();
        let asked = asking.end();
        assert_eq!(asked.code, Some(75), "{line}: {}", asked.stderr);
        for part in ["stopped answering", then] {
            assert!(asked.stderr.contains(part), "{line}: {}", asked.stderr);
        }
    }
}
