//! A clock that is set between two starts: said, and nothing is lost, run twice or deleted by it.

use std::fs;

use serde_json::{Value, json};

use super::imported;
use crate::rig::{NEWSLETTER, ran};

const YEAR: i64 = 365 * 24 * 3600;

#[test]
fn a_clock_set_back_by_a_year_between_two_starts_is_said_and_all_goes_on() {
    let rig = imported();
    rig.pass(YEAR);
    rig.create(
        "Contacts",
        &json!({"Last_Name": "Lee", "Email": "later@example.com"}),
    );
    assert_eq!(rig.import("newsletter")["full"], true, "it is long ago");
    let members = rig.members(NEWSLETTER, "active").len();
    rig.pass(-YEAR);
    rig.create(
        "Contacts",
        &json!({"Last_Name": "Lee", "Email": "earlier@example.com"}),
    );
    let daemon = rig.daemon();
    daemon.until_says("the state was last written to at");
    let ran = rig.run("sync newsletter --json");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let status: Value = serde_json::from_str(&rig.done("status --json")).unwrap();
    assert_eq!(status["syncs"][0]["state"], "active", "{status}");
    daemon.stop();
    // Put right, it is not said any more, and nobody is missing.
    rig.pass(YEAR + 60);
    let run = rig.run("sync newsletter --full --json");
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(!run.stderr.contains("last written to"), "{}", run.stderr);
    assert_eq!(rig.members(NEWSLETTER, "active").len(), members + 1);
}

#[test]
fn a_clock_that_is_not_that_of_the_services_deletes_nothing_that_only_it_takes_for_old() {
    let rig = imported();
    // From half a year ago by the services' clock, as this machine's shows it.
    let old = rig.path("history/ignored/01D00000000000000000000000.jsonl");
    fs::write(&old, "").unwrap();
    rig.advance(-YEAR);
    let refused = ran(rig.command_by_the_system_clock("sync newsletter"));
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("more than five minutes apart"),
        "{}",
        refused.stderr
    );
    assert!(old.exists());
    rig.advance(YEAR);
    let done = ran(rig.command_by_the_system_clock("sync newsletter"));
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(!old.exists(), "it is old");
}
