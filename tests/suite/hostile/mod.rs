//! Answers and people that mean harm: nothing gets out of bounds, nobody is lost, nothing commands a terminal.
//!
//! Every kind of call meets every kind of answer where `ROSTERD_HOSTILE=all` is set; otherwise each call meets its share of
//! them, and each answer several calls.

mod answers;
mod bulk;
mod extremes;
mod files;
mod logs;
mod others;
mod own;
mod people;
mod tls;
mod wire;

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::json;

use self::answers::Answer;
use crate::rig::{NEWSLETTER, Ran, Rig, Setup, until};
use crate::scenarios::ALL_CONTACTS;

/// The most memory that rosterd may ever have had, whatever it was sent: a body of 64 MiB, as much again twice while it
/// grows, and two million values of a hundred bytes, beside some 50 MiB that it has of itself.
const PEAK_KIB_MAX: u64 = 512 << 10;

/// No bounds on how often; a call is given up soon.
const SETTINGS: &str = r#"
retry.give_up_after = "1s"
[limits]
runs_per_day = "unlimited"
initiations_per_month = "unlimited"
resyncs_per_day = "unlimited"
resyncs_per_month = "unlimited"
"#;

/// One in so many answers is tried with each call.
const SHARE: usize = 4;

fn rig() -> Rig {
    let rig = Rig::with(&Setup {
        people: 30,
        settings: SETTINGS,
        ..Setup::default()
    });
    rig.sync("newsletter", ALL_CONTACTS);
    rig
}

/// Whom a run puts on the list that nobody disturbed.
fn undisturbed(rig: &Rig) -> BTreeSet<String> {
    rig.import("newsletter");
    rig.members(NEWSLETTER, "active").into_keys().collect()
}

/// What a command did, and the most memory it had.
fn watched(rig: &Rig, line: &str) -> Ran {
    watched_command(rig.command(line), rig)
}

/// The same of a command as it is.
fn watched_command(command: Command, rig: &Rig) -> Ran {
    let line = format!("{:?}", command.get_args());
    let mut running = rig.start_command("watched", command);
    let mut peak = 0;
    until("the command ends", || {
        peak = running.peak_kib().max(peak);
        !running.is_running()
    });
    assert!(peak < PEAK_KIB_MAX, "{line} had {peak} KiB");
    running.end()
}

/// A run that met an answer: it ended by itself, in words that name the service, and is a failed one if it began.
fn assert_fails_well(rig: &Rig, answer: &Answer, service: &str, ran: &Ran) {
    let name = answer.name;
    let code = ran.code.unwrap_or(-1);
    // A service that says it has nothing has no module and no list either: then the definition is wrong.
    let is_denied = answer.is_nothing && code == 78;
    let is_failure = [1, 75, 77].contains(&code) || is_denied;
    assert!(is_failure, "{name}: {code} {}", ran.stderr);
    let is_told = is_denied || ran.stderr.contains(service);
    assert!(is_told, "{name}: {}", ran.stderr);
    assert!(!ran.stderr.contains("panicked"), "{name}: {}", ran.stderr);
    let (started, finished) = (rig.events("run.started"), rig.events("run.finished"));
    assert_eq!(started.len(), finished.len(), "{name}");
    for (started, finished) in started.iter().zip(&finished) {
        assert_eq!(started["run"], finished["run"], "{name}");
    }
}

/// Whether each call is to meet each answer.
fn is_everything() -> bool {
    std::env::var("ROSTERD_HOSTILE").is_ok_and(|value| value == "all")
}

/// Whether the call with this number meets the answer with that one.
fn meets(of: usize, number: usize) -> bool {
    is_everything() || number % SHARE == of % SHARE
}

/// Meets a call with its share of the answers, and answers how many that were. `of` is the number of the call.
fn meet(rig: &Rig, of: usize, service: &str, call: (&str, &str)) -> usize {
    meet_after(rig, of, service, call, (0, &|_| {}))
}

/// The same where so many of these calls pass first, and something has to be done each time so that they are made.
fn meet_after(
    rig: &Rig,
    of: usize,
    service: &str,
    (api, method): (&str, &str),
    (after, prepare): (u32, &dyn Fn(usize)),
) -> usize {
    let answers = answers::answers();
    let mut met = 0;
    for (number, answer) in answers.iter().enumerate() {
        if !meets(of, number) {
            continue;
        }
        prepare(number);
        // Whoever asks for what is there, or what has changed, cannot tell an honest "nothing" from a lie; a read in full
        // makes up for it.
        let asks_for_changes = method == "deleted";
        let lists = ["coql", "deleted", "records"].contains(&method);
        if answer.is_nothing && lists && (asks_for_changes || answer.name == "nothing there") {
            continue;
        }
        if method == "token" {
            // Ten of them are all that there are in ten minutes.
            rig.pass(601);
        }
        let finished = rig.events("run.finished").len();
        rig.fault(&json!({"service": api, "method": method, "after": after, "what": answer.what}));
        rig.forget_calls();
        let ran = watched(rig, "sync newsletter --json");
        let struck = rig.calls().log.iter().any(|call| call["faulted"] == true);
        let (name, calls) = (answer.name, rig.calls());
        let met_at_all = calls.methods(api);
        assert!(
            struck,
            "{name} never met {method}, but {met_at_all:?}: {}",
            ran.stderr
        );
        rig.drop_faults();
        if answer.is_nothing && ran.code == Some(0) {
            met += 1;
            continue;
        }
        assert_fails_well(rig, answer, service, &ran);
        for run in &rig.events("run.finished")[finished..] {
            assert_eq!(run["outcome"], "failed", "{}: {run}", answer.name);
        }
        met += 1;
    }
    assert!(met > 2, "{method}");
    answers.iter().for_each(Answer::assert_not_followed);
    met
}

/// Once all is well again, the next run completes and the list is as if nothing had been.
fn assert_recovers(rig: &Rig, wanted: &BTreeSet<String>) {
    rig.pass(60);
    let run = rig.import("newsletter");
    assert_eq!(run["outcome"], "completed");
    let members: BTreeSet<String> = rig.members(NEWSLETTER, "active").into_keys().collect();
    assert_eq!(&members, wanted);
}

#[test]
fn whatever_the_first_calls_of_a_run_are_answered_it_fails_well_and_the_next_one_makes_up_for_it() {
    let rig = rig();
    let calls = [
        ("token", ("accounts", "token")),
        ("CRM", ("crm", "org")),
        ("CRM", ("crm", "modules")),
        ("CRM", ("crm", "fields")),
        ("CRM", ("crm", "coql")),
        ("Campaigns", ("campaigns", "getmailinglists")),
        ("Campaigns", ("campaigns", "contact/allfields")),
        ("Campaigns", ("campaigns", "getlistsubscribers")),
    ];
    for (number, (service, call)) in calls.into_iter().enumerate() {
        // Otherwise no token is asked for.
        if call.1 == "token" {
            rig.post("/accounts", &json!({"revoke_access_tokens": true}));
        }
        meet(&rig, number, service, call);
    }
    assert_eq!(rig.calls().addresses("listsubscribe"), [""; 0]);
    let wanted = undisturbed(&self::rig());
    assert_recovers(&rig, &wanted);
}

#[test]
fn whatever_the_feed_of_deletions_is_answered_the_deleted_go_with_the_next_run() {
    let rig = rig();
    let mut wanted = undisturbed(&rig);
    let (id, address) = crate::scenarios::plain_contacts(&rig).remove(0);
    rig.delete("Contacts", &id);
    rig.pass(600);
    meet(&rig, 3, "CRM", ("crm", "deleted"));
    assert!(wanted.remove(&address));
    assert_recovers(&rig, &wanted);
}

#[test]
fn whatever_a_view_is_answered_nobody_leaves_the_list() {
    let rig = rig();
    let view = ALL_CONTACTS.replace(
        "select = { all = true }",
        "select = { view = \"All Contacts\" }",
    );
    rig.sync("newsletter", &view);
    let wanted = undisturbed(&rig);
    assert!(wanted.len() > 10);
    rig.pass(600);
    meet(&rig, 1, "CRM", ("crm", "custom_views"));
    assert_recovers(&rig, &wanted);
}

#[test]
fn whatever_writing_calls_are_answered_everybody_is_on_the_list_in_the_end() {
    for (number, call, map) in [
        (0, ("campaigns", "listsubscribe"), ""),
        (
            2,
            ("campaigns", "addlistsubscribersinbulk"),
            "map = { \"First Name\" = \"\", \"Last Name\" = \"\" }\n",
        ),
    ] {
        let mapped = |rig: &Rig| {
            rig.sync(
                "newsletter",
                &ALL_CONTACTS.replace("[advanced]", &format!("{map}[advanced]")),
            );
        };
        let (rig, other) = (rig(), rig());
        mapped(&rig);
        mapped(&other);
        let wanted = undisturbed(&other);
        meet(&rig, number, "Campaigns", call);
        assert_recovers(&rig, &wanted);
    }
}

#[test]
fn whatever_an_unsubscription_is_answered_who_opted_out_is_off_the_list_in_the_end() {
    let rig = rig();
    let mut wanted = undisturbed(&rig);
    let (id, address) = crate::scenarios::plain_contacts(&rig).remove(0);
    rig.update("Contacts", &id, &json!({"Email_Opt_Out": true}));
    rig.pass(600);
    meet(&rig, 1, "Campaigns", ("campaigns", "listunsubscribe"));
    assert!(wanted.remove(&address));
    assert_recovers(&rig, &wanted);
}
