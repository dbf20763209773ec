//! Limits through the built binary: what counts, in whose days and months, what is said, and when it frees.
//!
//! The clock is sent to instants that are computed from the zone, so that a test is the same at any hour and on any day
//! of the year. What has to be so "in the last second" is looked at again where the clock went past it meanwhile.

mod calendar;
mod counting;
mod scenarios;
mod settings;
mod starts;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan, Zoned};
use serde_json::{Value, json};

use crate::rig::{Rig, until};

/// Guests onto their list, by a schedule and under further keys.
fn guests(schedule: &str) -> String {
    format!(
        "name = \"Guests\"\nmodule = \"Event_Guests\"\nlist = {{ name = \"Event guests\" }}\n\
         select = {{ all = true }}\nschedule = {{ {schedule} }}\n"
    )
}

const HOURLY: &str = "every = \"hour\"";

/// A rig in a zone and with such limits, at a time of the next 10th of a month there: no month ends within two weeks.
fn rig(zone: &str, limits: &str, hour: i8, minute: i8) -> (Rig, Zoned) {
    let rig = Rig::new(20);
    set(&rig, zone, limits);
    let tenth = next_date(&rig, zone, |date| date.day() == 10);
    let at = in_zone(tenth, zone, hour, minute);
    pass_to(&rig, &at);
    (rig, at)
}

/// Writes zone and limits into the file.
fn set(rig: &Rig, zone: &str, limits: &str) {
    set_with(rig, zone, limits, "");
}

/// The same, with further accounts.
fn set_with(rig: &Rig, zone: &str, limits: &str, further: &str) {
    let settings =
        format!("timezone = \"{zone}\"\n[limits]\n{limits}\n[retry]\ngive_up_after = \"1s\"\n");
    rig.settings(&settings, &format!("pace = \"off\"\n{further}"));
}

/// The first day after today in a zone for which something holds.
fn next_date(rig: &Rig, zone: &str, holds: impl Fn(Date) -> bool) -> Date {
    let today = rig.now().to_zoned(TimeZone::get(zone).unwrap()).date();
    let mut days = today.series(1.day()).skip(1).take(400);
    days.find(|day| holds(*day)).unwrap()
}

fn in_zone(date: Date, zone: &str, hour: i8, minute: i8) -> Zoned {
    date.at(hour, minute, 0, 0).in_tz(zone).unwrap()
}

/// The first instant of a day; in a zone whose clocks are set forward at midnight, that is later than 00:00.
fn start_of(date: Date, zone: &str) -> Zoned {
    let noon = in_zone(date, zone, 12, 0);
    noon.start_of_day().unwrap()
}

/// A full hour after half past, 1 being the next one.
fn full_hour(half_past: &Zoned, number: i64) -> Zoned {
    half_past + (60 * number - 30).minutes()
}

/// Lets the clock go on to an instant, or in the second after it.
fn pass_to(rig: &Rig, at: &Zoned) {
    let left = at.timestamp().duration_since(rig.now());
    let seconds = left.as_millis().div_euclid(1000) + i128::from(left.as_millis() % 1000 != 0);
    rig.pass(i64::try_from(seconds).unwrap());
}

/// What `status` says of each limit of an account.
fn limits(rig: &Rig, account: &str) -> Value {
    let status: Value = serde_json::from_str(&rig.done("status --json")).unwrap();
    let accounts = status["accounts"].as_array().unwrap();
    let account = accounts.iter().find(|it| it["account"] == account);
    account.unwrap()["limits"].clone()
}

/// How much is used, in the order of the specification: runs, initiations, resyncs of the day and of the month.
fn used(rig: &Rig) -> [u64; 4] {
    used_of(rig, "main")
}

fn used_of(rig: &Rig, account: &str) -> [u64; 4] {
    let limits = limits(rig, account);
    [
        "runs_per_day",
        "initiations_per_month",
        "resyncs_per_day",
        "resyncs_per_month",
    ]
    .map(|limit| limits[limit]["used"].as_u64().unwrap())
}

/// What is used in the second before an instant, at which the clock stands a moment later.
fn used_just_before(rig: &Rig, at: &Zoned) -> [u64; 4] {
    let before = at - 1.second();
    let mut seen = None;
    until("it is seen in time", || {
        pass_to(rig, &before);
        seen = Some(used(rig));
        rig.now() < at.timestamp()
    });
    pass_to(rig, at);
    seen.unwrap()
}

/// A person's run is refused with a sentence, and neither told in the journal nor counted.
fn assert_refused(rig: &Rig, line: &str, sentence: &str) {
    let (journal, before) = (rig.journal(), used(rig));
    let ran = rig.run(line);
    assert_eq!(ran.code, Some(3), "{line}: {}", ran.stderr);
    assert!(
        ran.stderr.contains(sentence),
        "no `{sentence}` in: {}",
        ran.stderr
    );
    assert_eq!(ran.stdout, "", "{line}");
    assert_eq!(rig.journal(), journal, "{line}");
    assert_eq!(used(rig), before, "{line}");
}

/// A limit of the day or the month that is used up, in a zone, until its first instant free.
fn refusal(limit: &str, used: u64, of: u64, frees: &Zoned) -> String {
    let during = match limit.ends_with("day") {
        true => "today",
        false => "this month",
    };
    let frees = frees.strftime("%Y-%m-%d %H:%M %Q");
    format!("{limit}: {used} of {of} used {during}; frees at {frees}, or raise `limits.{limit}`")
}

/// Lets the files take over in a running daemon.
fn reload(rig: &Rig) {
    rig.done("reload");
}

/// Waits until there are so many events of a kind, and makes sure that there are no more.
fn until_events(rig: &Rig, event: &str, count: usize) {
    until(event, || rig.events(event).len() >= count);
    assert_eq!(rig.events(event).len(), count, "{event}");
}

/// Sync and trigger of all runs that were started.
fn started(rig: &Rig) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let started = rig.events("run.started").into_iter();
    started
        .map(|run| (text(&run["sync"]), text(&run["trigger"])))
        .collect()
}

/// An event's sync, reason and next occurrence.
fn deferral(event: &Value) -> (&str, &str, Timestamp) {
    let text = |name: &str| event[name].as_str().unwrap();
    (text("sync"), text("reason"), text("next").parse().unwrap())
}
