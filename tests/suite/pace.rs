//! The services' limits: never called more often than they allow, never slower than that forces, and nobody who opted
//! out waits for those who come.
//!
//! Hours pass by the clocks of rosterd and of the sandbox, which are moved on whenever rosterd says until when it waits.

mod deferred;
mod first_load;
mod locks;
mod parked;

use std::fs;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::rig::{Rig, Running, Setup, until};

/// All contacts, looked after once a day.
const EVERYBODY: &str = r#"
name = "Everybody"
module = "Contacts"
list = { name = "Newsletter" }
select = { all = true }
schedule = { every = "day", at = "03:00" }
"#;

/// A rig without people whose account is paced so.
fn rig(account: &'static str) -> Rig {
    let rig = Rig::with(&Setup {
        people: 0,
        settings: "[retry]\ngive_up_after = \"30s\"\n",
        account,
        ..Setup::default()
    });
    rig.sync("everybody", EVERYBODY);
    rig
}

/// Starts the binary, and lets it say when it waits.
fn start(rig: &Rig, name: &str, line: &str) -> Running {
    let mut command = rig.command(line);
    command.env("ROSTERD_LOG__LEVEL", "info,rosterd::zoho::pacer=debug");
    rig.start_command(name, command)
}

/// So many contacts, each with an address of its own; answers their ids.
fn contacts(rig: &Rig, prefix: &str, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    let numbers: Vec<usize> = (0..count).collect();
    for some in numbers.chunks(500) {
        let records = some.iter().map(|number| {
            let address = format!("{prefix}-{number}@example.com");
            json!({ "Last_Name": format!("Name {number}"), "Email": address })
        });
        let records: Vec<Value> = records.collect();
        let made = rig.post("/crm/records/Contacts", &json!(records));
        let made = made["ids"].as_array().unwrap().clone();
        ids.extend(made.iter().map(|id| id.as_str().unwrap().to_owned()));
    }
    rig.advance(5);
    ids
}

/// The waits that a running rosterd has told of, in order.
fn waits(stderr: &str) -> Vec<Timestamp> {
    let told = |line: &str| {
        let marks = [
            "lets the next call through at ",
            "the run is parked until ",
            "a run cannot begin before ",
        ];
        let told = marks.iter().find_map(|mark| line.split_once(mark))?.1;
        let of_instant = |c: char| c.is_ascii_digit() || "T:.-Z".contains(c);
        let end = told.find(|c| !of_instant(c)).unwrap_or(told.len());
        Some(told[..end].trim_end_matches(':').parse().unwrap())
    };
    stderr.lines().filter_map(told).collect()
}

/// Moves the clocks on to an instant, the services' first: rosterd is not to be ahead of them.
fn pass_to(rig: &Rig, at: Timestamp) {
    let left = at.duration_since(rig.now());
    if left > SignedDuration::ZERO {
        let seconds = left.as_secs() + 1;
        rig.advance(seconds);
        let before = fs::read_to_string(rig.path("clock-offset")).unwrap_or_default();
        let before: i64 = before.parse().unwrap_or_default();
        rig.put("clock-offset.new", &(before + seconds).to_string());
        fs::rename(rig.path("clock-offset.new"), rig.path("clock-offset")).unwrap();
    }
}

/// Lets time pass as fast as a running rosterd waits for it, until it ends.
fn pass_until_it_ends(rig: &Rig, running: &mut Running) {
    let mut handled = 0;
    loop {
        let (mut told, mut is_over) = (Vec::new(), false);
        until("it waits, or ends", || {
            is_over = !running.is_running();
            told = waits(&running.stderr());
            is_over || told.len() > handled
        });
        if is_over {
            return;
        }
        for at in &told[handled..] {
            pass_to(rig, *at);
        }
        handled = told.len();
    }
}
