//! Limits and zone that are changed in the file, for the next command and for a daemon that reads it anew.

use super::*;

const TOKYO: &str = "Asia/Tokyo";
/// At noon here it is seven in the morning of the same day in Tokyo, and eleven of the day before in Pago Pago.
const KIRITIMATI: &str = "Pacific/Kiritimati";
const PAGO_PAGO: &str = "Pacific/Pago_Pago";

#[test]
fn limits_lowered_below_what_is_used_refuse_the_next_run_and_raised_let_it_run() {
    let (rig, noon) = rig(TOKYO, "", 12, 0);
    rig.sync("guests", &guests(HOURLY));
    for _ in 0..4 {
        rig.import("guests");
    }
    let midnight = start_of(noon.date().tomorrow().unwrap(), TOKYO);
    set(&rig, TOKYO, "runs_per_day = 2");
    let told = limits(&rig, "main")["runs_per_day"].clone();
    assert_eq!((&told["used"], &told["limit"]), (&json!(4), &json!(2)));
    assert!(rig.done("status").contains("4 of 2"));
    assert_refused(
        &rig,
        "sync guests",
        &refusal("runs_per_day", 4, 2, &midnight),
    );
    for (limits, runs) in [
        ("runs_per_day = 5", true),
        ("runs_per_day = 5", false),
        ("runs_per_day = \"unlimited\"", true),
        ("runs_per_day = 6", false),
        ("runs_per_day = 7\ninitiations_per_month = 3", false),
        ("runs_per_day = 7\ninitiations_per_month = 7", true),
    ] {
        set(&rig, TOKYO, limits);
        let ran = rig.run("sync guests");
        let code = if runs { 0 } else { 3 };
        assert_eq!(ran.code, Some(code), "{limits}: {}", ran.stderr);
    }
    assert_eq!(used(&rig)[..2], [7, 7]);
}

#[test]
fn unlimited_is_no_number_and_is_counted_all_the_same() {
    let all = "runs_per_day = \"unlimited\"\ninitiations_per_month = \"unlimited\"\n\
               resyncs_per_day = \"unlimited\"\nresyncs_per_month = \"unlimited\"";
    let (rig, noon) = rig(TOKYO, all, 12, 0);
    rig.sync("guests", &guests(HOURLY));
    // One more than the limits allow that hold without the file.
    for _ in 0..6 {
        rig.done("sync guests --full");
    }
    for _ in 0..5 {
        rig.import("guests");
    }
    let told = limits(&rig, "main");
    for limit in [
        "runs_per_day",
        "initiations_per_month",
        "resyncs_per_day",
        "resyncs_per_month",
    ] {
        assert_eq!(told[limit]["limit"], Value::Null, "{limit}");
    }
    assert_eq!(used(&rig), [11, 11, 6, 6]);
    // What was used under no limit is used under one.
    set(&rig, TOKYO, "");
    let midnight = start_of(noon.date().tomorrow().unwrap(), TOKYO);
    assert_refused(
        &rig,
        "sync guests",
        &refusal("runs_per_day", 11, 10, &midnight),
    );
    assert_refused(
        &rig,
        "sync guests --full",
        &refusal("runs_per_day", 11, 10, &midnight),
    );
}

#[test]
fn a_daemon_that_is_told_of_other_limits_goes_by_them_from_its_next_run() {
    let (rig, half_past) = rig(TOKYO, "runs_per_day = 4", 12, 30);
    rig.sync("guests", &guests(HOURLY));
    let daemon = rig.daemon();
    for (hour, limits, finished, deferred) in [
        (1, None, 1, 0),
        (2, Some("runs_per_day = 1"), 1, 1),
        (3, Some("runs_per_day = 2"), 2, 1),
        (4, None, 2, 2),
        (5, Some("runs_per_day = \"unlimited\""), 3, 2),
        (6, Some("initiations_per_month = 0"), 4, 2),
    ] {
        if let Some(limits) = limits {
            set(&rig, TOKYO, limits);
            reload(&rig);
        }
        pass_to(&rig, &full_hour(&half_past, hour));
        until_events(&rig, "run.finished", finished);
        until_events(&rig, "run.deferred", deferred);
    }
    daemon.stop();
    assert_eq!(used(&rig), [4, 1, 0, 0]);
}

#[test]
fn days_are_counted_by_the_zone_of_the_file_and_no_zones_counts_are_forgotten() {
    let limits = "runs_per_day = 2";
    let (rig, noon) = rig(KIRITIMATI, limits, 12, 0);
    rig.sync("guests", &guests(HOURLY));
    rig.import("guests");
    rig.import("guests");
    let ends = |date: Date, zone: &str| start_of(date.tomorrow().unwrap(), zone);
    let today = noon.date();
    for (zone, date) in [(KIRITIMATI, today), (TOKYO, today)] {
        set(&rig, zone, limits);
        let sentence = refusal("runs_per_day", 2, 2, &ends(date, zone));
        assert_refused(&rig, "sync guests", &sentence);
    }
    // There it is the day before, of which nothing is used.
    let yesterday = today.yesterday().unwrap();
    set(&rig, PAGO_PAGO, limits);
    assert_eq!(used(&rig), [0, 2, 0, 0]);
    rig.import("guests");
    rig.import("guests");
    let sentence = refusal("runs_per_day", 2, 2, &ends(yesterday, PAGO_PAGO));
    assert_refused(&rig, "sync guests", &sentence);
    // Back where it is today, what today had is still used, and the month has all of them.
    set(&rig, KIRITIMATI, limits);
    let sentence = refusal("runs_per_day", 2, 2, &ends(today, KIRITIMATI));
    assert_refused(&rig, "sync guests", &sentence);
    assert_eq!(used(&rig), [2, 4, 0, 0]);
    // And the day that began in Pago Pago when its own was over had two runs already.
    set(&rig, PAGO_PAGO, limits);
    pass_to(&rig, &ends(yesterday, PAGO_PAGO));
    assert_eq!(used(&rig), [2, 4, 0, 0]);
    let sentence = refusal("runs_per_day", 2, 2, &ends(today, PAGO_PAGO));
    assert_refused(&rig, "sync guests", &sentence);
}

#[test]
fn a_daemon_that_is_told_of_another_zone_counts_by_its_days_from_then_on() {
    let limits = "runs_per_day = 1";
    let (rig, half_past) = rig(KIRITIMATI, limits, 12, 30);
    rig.sync("guests", &guests(HOURLY));
    let daemon = rig.daemon();
    for (hour, zone, finished, deferred) in [
        (1, KIRITIMATI, 1, 0),
        (2, KIRITIMATI, 1, 1),
        // The same day, and the same count.
        (3, TOKYO, 1, 2),
        // The day before, with a count of its own.
        (4, PAGO_PAGO, 2, 2),
        (5, PAGO_PAGO, 2, 3),
        (6, TOKYO, 2, 4),
    ] {
        println!("{hour} in {zone}");
        set(&rig, zone, limits);
        reload(&rig);
        pass_to(&rig, &full_hour(&half_past, hour));
        until_events(&rig, "run.finished", finished);
        until_events(&rig, "run.deferred", deferred);
    }
    daemon.stop();
    assert_eq!(rig.events("run.skipped").len(), 0);
    assert_eq!(used(&rig), [1, 1, 0, 0]);
}
