//! Two processes at once, and being asked to stop.

use super::*;
use crate::rig::Running;

const HANG: &str = r#"{ "method": "listsubscribe", "after": 12, "times": 1, "what": "hang" }"#;

/// Starts a command and returns when its call number thirteen for a contact is kept waiting.
fn waiting(rig: &Rig, line: &str) -> Running {
    let fault: Value = serde_json::from_str(HANG).unwrap();
    rig.fault(&fault);
    let mut running = rig.start("first", line);
    until("it is kept waiting", || {
        assert!(running.is_running(), "{}", running.stderr());
        rig.get("/faults")["faults"] == json!([])
    });
    running
}

fn assert_refused(rig: &Rig, line: &str) {
    let ran = rig.run(line);
    assert_eq!(ran.code, Some(1), "{line}: {}", ran.stderr);
    assert!(
        ran.stderr.contains("held by another rosterd"),
        "{line}: {}",
        ran.stderr
    );
    assert_eq!(ran.stdout, "", "{line}");
}

#[test]
fn a_second_process_is_refused_and_damages_nothing() {
    let undisturbed = rig(60);
    undisturbed.import("newsletter");
    undisturbed.import("newsletter");
    let rig = rig(60);
    let first = waiting(&rig, "sync newsletter");
    let journal = rig.journal();
    assert_refused(&rig, "sync newsletter");
    assert_refused(&rig, "daemon");
    assert_eq!(rig.journal(), journal);
    assert_eq!(status(&rig)["syncs"][0]["state"], "running");
    first.signal("KILL");
    first.end();
    rig.import("newsletter");
    assert_same(&end(&rig), &end(&undisturbed));
}

#[test]
fn a_daemon_that_dies_leaves_who_asked_with_a_sentence_and_its_run_to_the_next() {
    let rig = rig(60);
    let first = waiting(&rig, "sync newsletter");
    first.signal("KILL");
    first.end();
    let run = only_run(&rig);
    let daemon = waiting(&rig, "daemon");
    assert_refused(&rig, "daemon");
    let asking = rig.start("asking", "sync newsletter");
    until("what was asked for waits", || {
        daemon.stderr().contains("the one that was asked for waits")
    });
    daemon.signal("KILL");
    daemon.end();
    let asked = asking.end();
    assert_eq!(asked.code, Some(75), "{}", asked.stderr);
    assert!(
        asked.stderr.contains("stopped answering"),
        "{}",
        asked.stderr
    );
    let daemon = rig.start("daemon", "daemon");
    until("the daemon has ended the run", || {
        !rig.events("run.finished").is_empty()
    });
    let own = rig.import("newsletter");
    daemon.signal("TERM");
    assert_eq!(daemon.end().code, Some(0));
    let finished = rig.events("run.finished");
    assert_eq!(finished.len(), 2);
    assert_eq!(
        (&finished[0]["run"], &finished[0]["outcome"]),
        (&json!(run), &json!("completed"))
    );
    assert_eq!(
        (&finished[1]["run"], &finished[1]["trigger"]),
        (&own["run"], &json!("operator"))
    );
}

#[test]
fn asked_to_stop_it_ends_in_time_and_the_next_start_goes_on_under_the_same_id() {
    let undisturbed = rig(60);
    undisturbed.import("newsletter");
    undisturbed.import("newsletter");
    for name in ["TERM", "INT"] {
        let rig = rig(60);
        let first = waiting(&rig, "sync newsletter");
        first.signal(name);
        let ran = first.end();
        assert_eq!(ran.code, Some(75), "{name}: {}", ran.stderr);
        assert!(ran.stderr.contains("goes on"), "{name}: {}", ran.stderr);
        let run = only_run(&rig);
        assert_eq!(rig.events("run.finished").len(), 0);
        rig.import("newsletter");
        assert_eq!(rig.events("run.resumed")[0]["run"], run);
        assert_eq!(rig.events("run.finished")[0]["run"], run);
        assert_same(&end(&rig), &end(&undisturbed));
    }
}

#[test]
fn asked_again_it_ends_at_once() {
    let rig = rig(60);
    let mut first = waiting(&rig, "sync newsletter");
    // Signals that come together are one, so it is asked until it has understood.
    until("it ends", || {
        first.signal("TERM");
        !first.is_running()
    });
    assert_eq!(first.end().code, Some(128 + 15));
}

#[test]
fn an_interrupted_run_that_cannot_be_taken_up_at_the_start_is_taken_up_once_it_can_be() {
    let rig = Rig::new(30);
    // Its next occurrence is a year away.
    let yearly = ALL_CONTACTS.replace(
        "every = \"hour\"",
        "every = \"cron\", cron = \"0 0 0 1 1 *\"",
    );
    assert_ne!(yearly, ALL_CONTACTS);
    rig.sync("newsletter", &yearly);
    let first = waiting(&rig, "sync newsletter");
    first.signal("KILL");
    first.end();
    // The network is not up yet.
    rig.fault(&json!({"what": {"status": {"status": 503}}}));
    let daemon = rig.daemon();
    daemon.until_says("\"level\":\"ERROR\"");
    rig.drop_faults();
    assert_eq!(rig.events("run.resumed").len(), 0);
    rig.pass(15 * 60);
    until("it is taken up", || rig.events("run.finished").len() == 1);
    let (started, finished) = (rig.events("run.started"), rig.events("run.finished"));
    assert_eq!(finished[0]["run"], started[0]["run"]);
    assert_eq!(finished[0]["outcome"], "completed");
    daemon.stop();
}
