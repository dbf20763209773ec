//! Who follows a run, who stops to, and who has to wait.

use serde_json::{Value, json};

use super::{hold_up, rig, run_held_up, until_finished, until_held_up};
use crate::rig::{NEWSLETTER, until};
use crate::scenarios::plain_contacts;

#[test]
fn who_stops_following_is_told_that_the_run_goes_on_and_it_does() {
    for signal in ["INT", "TERM", "KILL"] {
        let rig = rig();
        let mut daemon = rig.daemon();
        let (asking, run) = run_held_up(&rig, "asking");
        asking.signal(signal);
        let ran = asking.end();
        if signal == "KILL" {
            assert_eq!(ran.code, None);
        } else {
            assert_eq!(ran.code, Some(75), "{}", ran.stderr);
            let said = "the run of newsletter goes on in the daemon";
            assert!(ran.stderr.contains(said), "{}", ran.stderr);
        }
        assert_eq!(ran.stdout, "");
        assert_eq!(rig.events("run.finished"), [Value::Null; 0]);
        assert!(daemon.is_running());
        rig.drop_faults();
        until_finished(&rig, 1);
        let finished = &rig.events("run.finished")[0];
        assert_eq!(
            (&finished["run"], &finished["outcome"], &finished["trigger"]),
            (&run, &json!("completed"), &json!("operator"))
        );
        daemon.stop();
        assert_eq!(rig.events("run.resumed"), [Value::Null; 0], "{signal}");
    }
}

#[test]
fn a_run_that_is_asked_for_while_one_of_the_sync_is_under_way_follows_it() {
    let rig = rig();
    let daemon = rig.daemon();
    let (first, run) = run_held_up(&rig, "first");
    let second = rig.start("second", "sync newsletter --json");
    daemon.until_says("the one that was asked for waits");
    let others = rig.start("others", "sync leads --json");
    // What only asks does not wait.
    let address = plain_contacts(&rig)[0].1.clone();
    rig.done(&format!("why {address}"));
    let plan: Value = serde_json::from_str(&rig.done("plan leads --json")).unwrap();
    assert_eq!(plan["outcome"], "completed");
    assert_eq!(rig.events("run.started").len(), 1);
    rig.drop_faults();
    let ends = [first, second, others].map(|asking| {
        let ran = asking.end();
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        serde_json::from_str::<Value>(&ran.stdout).unwrap()
    });
    assert_eq!(ends[0]["run"], run);
    assert_ne!(ends[1]["run"], run);
    assert_eq!(
        (&ends[1]["full"], &ends[1]["new"]),
        (&json!(false), &json!(0))
    );
    assert_eq!(ends[2]["sync"], "leads");
    assert_eq!(rig.events("run.started").len(), 3);
    daemon.stop();
}

#[test]
fn who_waits_for_something_else_can_leave_and_it_is_done_all_the_same() {
    for signal in ["INT", "KILL"] {
        let rig = rig();
        let daemon = rig.daemon();
        rig.import("newsletter");
        let gone = plain_contacts(&rig)[..4].to_vec();
        rig.advance(60);
        for (id, _) in &gone {
            rig.delete("Contacts", id);
        }
        rig.advance(60);
        let held = rig.run("sync newsletter --json");
        assert_eq!(held.code, Some(3), "{}", held.stderr);
        let held: Value = serde_json::from_str(&held.stdout).unwrap();
        hold_up(&rig, "listunsubscribe", 2);
        let line = format!("approve {}", held["run"].as_str().unwrap());
        let asking = rig.start("asking", &line);
        until_held_up(&rig);
        asking.signal(signal);
        let ran = asking.end();
        if signal == "INT" {
            assert_eq!(ran.code, Some(75), "{}", ran.stderr);
            let said = "what the daemon was asked for it does all the same";
            assert!(ran.stderr.contains(said), "{}", ran.stderr);
        }
        rig.drop_faults();
        until("all four are taken off", || {
            !rig.events("run.approved").is_empty()
        });
        assert_eq!(rig.events("run.approved")[0]["deleted"], 4, "{signal}");
        let unsubscribed = rig.members(NEWSLETTER, "unsubscribed");
        assert!(gone.iter().all(|(_, it)| unsubscribed.contains_key(it)));
        daemon.stop();
    }
}

#[test]
fn a_run_whose_sync_goes_away_while_it_waits_does_not_begin_and_says_why() {
    let rig = rig();
    let daemon = rig.daemon();
    let (first, _) = run_held_up(&rig, "first");
    let second = rig.start("second", "sync newsletter");
    daemon.until_says("the one that was asked for waits");
    std::fs::remove_file(rig.path("syncs.d/newsletter.toml")).unwrap();
    rig.done("reload");
    rig.drop_faults();
    assert_eq!(first.end().code, Some(0));
    let ran = second.end();
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(ran.stderr.contains("did not begin"), "{}", ran.stderr);
    assert_eq!(rig.events("run.started").len(), 1);
    daemon.stop();
}
