//! Days and months are those of the configured zone: midnight, month end, days of 23 and of 25 hours.

use super::*;

#[test]
fn midnight_in_the_zone_frees_the_days_runs_and_not_the_months_initiations() {
    // Fourteen hours ahead: midnight in UTC is at two in the afternoon.
    let zone = "Pacific/Kiritimati";
    let (rig, noon) = rig(zone, "runs_per_day = 2", 12, 0);
    rig.sync("guests", &guests(HOURLY));
    rig.import("guests");
    rig.import("guests");
    let midnight = start_of(noon.date().tomorrow().unwrap(), zone);
    let sentence = refusal("runs_per_day", 2, 2, &midnight);
    assert_refused(&rig, "sync guests", &sentence);
    pass_to(&rig, &(&noon + 150.minutes()));
    assert_refused(&rig, "sync guests", &sentence);
    let resets = limits(&rig, "main")["runs_per_day"]["resets"].clone();
    assert_eq!(resets, midnight.timestamp().to_string());
    pass_to(&rig, &(&midnight - 30.seconds()));
    assert_refused(&rig, "sync guests", &sentence);
    assert_eq!(used_just_before(&rig, &midnight), [2, 2, 0, 0]);
    assert_eq!(used(&rig), [0, 2, 0, 0]);
    rig.import("guests");
    assert_eq!(used(&rig), [1, 3, 0, 0]);
}

#[test]
fn a_daemon_defers_in_the_last_minute_of_the_day_and_runs_in_the_first_of_the_next() {
    let zone = "Pacific/Marquesas";
    let (rig, noon) = rig(zone, "runs_per_day = 2", 12, 30);
    rig.sync("late", &guests("every = \"day\", at = \"23:59\""));
    rig.sync(
        "early",
        &guests("every = \"month\", on = 11, at = \"00:00\""),
    );
    rig.import("late");
    rig.import("late");
    let daemon = rig.daemon();
    let next = noon.date().tomorrow().unwrap();
    let midnight = start_of(next, zone);
    pass_to(&rig, &(&midnight - 59.seconds()));
    until_events(&rig, "run.deferred", 1);
    let next_late = in_zone(next, zone, 23, 59);
    assert_eq!(
        deferral(&rig.events("run.deferred")[0]),
        ("late", "runs_per_day", next_late.timestamp())
    );
    assert_eq!(used(&rig)[0], 2);
    pass_to(&rig, &midnight);
    until_events(&rig, "run.finished", 3);
    // What was deferred runs at its next time, and not before.
    pass_to(&rig, &(&next_late - 60.seconds()));
    assert_eq!(used(&rig)[0], 1);
    pass_to(&rig, &next_late);
    until_events(&rig, "run.finished", 4);
    daemon.stop();
    let by_schedule = &started(&rig)[2..];
    let run = |sync: &str, trigger: &str| (sync.to_owned(), trigger.to_owned());
    assert_eq!(
        by_schedule,
        [run("early", "initial"), run("late", "scheduled")]
    );
    assert_eq!(used(&rig)[0], 2);
    assert_eq!(rig.events("run.deferred").len(), 1);
}

#[test]
fn a_month_ends_in_the_zone_for_initiations_and_resyncs_and_no_day_ends_it() {
    let zone = "America/St_Johns";
    let (rig, _) = rig(
        zone,
        "initiations_per_month = 2\nresyncs_per_month = 1",
        12,
        0,
    );
    rig.sync("guests", &guests(HOURLY));
    let last = next_date(&rig, zone, |date| date == date.last_of_month());
    pass_to(&rig, &in_zone(last.yesterday().unwrap(), zone, 12, 0));
    rig.done("sync guests --full");
    rig.import("guests");
    assert_eq!(used(&rig), [2, 2, 1, 1]);
    let ends = start_of(last.tomorrow().unwrap(), zone);
    let initiations = refusal("initiations_per_month", 2, 2, &ends);
    assert_refused(&rig, "sync guests", &initiations);
    for limit in ["initiations_per_month", "resyncs_per_month"] {
        let resets = limits(&rig, "main")[limit]["resets"].clone();
        assert_eq!(resets, ends.timestamp().to_string(), "{limit}");
    }

    pass_to(&rig, &in_zone(last, zone, 12, 0));
    assert_eq!(used(&rig), [0, 2, 0, 1]);
    assert_refused(&rig, "sync guests", &initiations);
    set(&rig, zone, "resyncs_per_month = 1");
    let resyncs = refusal("resyncs_per_month", 1, 1, &ends);
    assert_refused(&rig, "sync guests --full", &resyncs);

    set(
        &rig,
        zone,
        "initiations_per_month = 2\nresyncs_per_month = 1",
    );
    pass_to(&rig, &(&ends - 30.seconds()));
    assert_refused(&rig, "sync guests", &initiations);
    assert_eq!(used_just_before(&rig, &ends), [0, 2, 0, 1]);
    assert_eq!(used(&rig), [0; 4]);
    rig.done("sync guests --full");
    assert_eq!(used(&rig), [1; 4]);
}

/// The next day in a zone that lasts so long.
fn day_of_hours(rig: &Rig, zone: &str, hours: i64) -> Date {
    next_date(rig, zone, |date| lasts(date, zone).as_hours() == hours)
}

fn lasts(date: Date, zone: &str) -> SignedDuration {
    let next = start_of(date.tomorrow().unwrap(), zone);
    next.duration_since(&start_of(date, zone))
}

#[test]
fn a_day_of_23_or_25_hours_frees_its_runs_when_it_is_over() {
    for (zone, hours) in [
        ("Europe/Berlin", 23),
        ("Europe/Berlin", 25),
        ("America/New_York", 23),
        ("America/New_York", 25),
        // Its clocks are set forward at midnight: the day begins at one.
        ("Africa/Cairo", 23),
    ] {
        println!("{zone}, {hours} hours");
        let (rig, _) = rig(zone, "runs_per_day = 1", 12, 0);
        rig.sync("guests", &guests(HOURLY));
        let day = day_of_hours(&rig, zone, hours);
        let begins = start_of(day, zone);
        let ends = start_of(day.tomorrow().unwrap(), zone);
        pass_to(&rig, &(&begins + 5.minutes()));
        rig.import("guests");
        let sentence = refusal("runs_per_day", 1, 1, &ends);
        assert_refused(&rig, "sync guests", &sentence);
        pass_to(&rig, &(&begins + (hours * 60 - 1).minutes()));
        assert_refused(&rig, "sync guests", &sentence);
        pass_to(&rig, &(&begins + hours.hours()));
        assert_eq!(used(&rig)[0], 0);
        rig.import("guests");
        let ends = start_of(day.tomorrow().unwrap().tomorrow().unwrap(), zone);
        assert_refused(&rig, "sync guests", &refusal("runs_per_day", 1, 1, &ends));
    }
}

#[test]
fn a_day_begins_at_one_where_midnight_is_left_out() {
    let zone = "Africa/Cairo";
    let (rig, _) = rig(zone, "runs_per_day = 1", 12, 0);
    rig.sync("guests", &guests(HOURLY));
    let short = day_of_hours(&rig, zone, 23);
    pass_to(&rig, &in_zone(short.yesterday().unwrap(), zone, 12, 0));
    rig.import("guests");
    let begins = start_of(short, zone);
    assert_eq!(begins.hour(), 1);
    assert_refused(&rig, "sync guests", &refusal("runs_per_day", 1, 1, &begins));
    pass_to(&rig, &begins);
    rig.import("guests");
}
