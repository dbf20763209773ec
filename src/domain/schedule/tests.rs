use std::collections::BTreeSet;

use jiff::{SignedDuration, ToSpan};
use proptest::prelude::*;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn schedule(every: Every, zone: &str) -> Schedule {
    let zone = TimeZone::get(zone).unwrap();
    Schedule {
        every,
        zone,
        catch_up: CatchUp::Latest,
    }
}

fn clock(text: &str) -> civil::Time {
    text.parse().unwrap()
}

fn day(text: &str) -> Every {
    Every::Day { at: clock(text) }
}

fn week(text: &str, on: &[civil::Weekday]) -> Every {
    Every::Week {
        at: clock(text),
        on: on.to_vec(),
    }
}

fn month(text: &str, on: &[i8]) -> Every {
    Every::Month {
        at: clock(text),
        on: on.to_vec(),
    }
}

fn hour(minute: i8) -> Every {
    Every::Hour { minute }
}

fn cron(line: &str) -> Every {
    Every::Cron(CronLine::parse(line).unwrap())
}

/// The next `n` occurrences, as `MM-DDTHH:MM` in UTC.
fn next(schedule: &Schedule, after: &str, n: usize) -> Vec<String> {
    let mut after = at(after);
    let mut found = Vec::new();
    while found.len() < n {
        after = schedule.next_after(after).unwrap();
        found.push(after.strftime("%m-%dT%H:%M").to_string());
    }
    found
}

#[test]
fn each_occurrence_is_one_instant_whatever_the_clocks_do() {
    const NY: &str = "America/New_York";
    const BERLIN: &str = "Europe/Berlin";
    const LONDON: &str = "Europe/London";
    const HOWE: &str = "Australia/Lord_Howe";
    const SANTIAGO: &str = "America/Santiago";
    const CAIRO: &str = "Africa/Cairo";
    for (zone, every, after, occurrences, why) in [
        (
            "UTC",
            day("02:30"),
            "2026-03-28T02:30:00Z",
            "03-29T02:30 03-30T02:30",
            "plain",
        ),
        (
            "UTC",
            day("02:30"),
            "2026-03-28T02:29:59.999Z",
            "03-28T02:30",
            "the instant before",
        ),
        (
            "UTC",
            day("00:00"),
            "2026-12-30T12:00:00Z",
            "12-31T00:00 01-01T00:00",
            "year end",
        ),
        (
            NY,
            day("09:00"),
            "2026-03-07T12:00:00Z",
            "03-07T14:00 03-08T13:00 03-09T13:00",
            "keeps its local time",
        ),
        (
            NY,
            day("02:30"),
            "2026-03-07T12:00:00Z",
            "03-08T07:00 03-09T06:30",
            "gap: 03:00",
        ),
        (
            NY,
            day("02:00"),
            "2026-03-07T12:00:00Z",
            "03-08T07:00 03-09T06:00",
            "gap begins",
        ),
        (
            NY,
            day("03:00"),
            "2026-03-07T12:00:00Z",
            "03-08T07:00 03-09T07:00",
            "gap ends",
        ),
        (
            NY,
            day("01:30"),
            "2026-10-31T12:00:00Z",
            "11-01T05:30 11-02T06:30",
            "overlap: first pass",
        ),
        (
            NY,
            day("01:00"),
            "2026-10-31T12:00:00Z",
            "11-01T05:00 11-02T06:00",
            "overlap begins",
        ),
        (
            NY,
            day("02:00"),
            "2026-10-31T12:00:00Z",
            "11-01T07:00 11-02T07:00",
            "overlap ends",
        ),
        (
            BERLIN,
            day("02:30"),
            "2026-03-28T12:00:00Z",
            "03-29T01:00 03-30T00:30",
            "gap",
        ),
        (
            BERLIN,
            day("02:30"),
            "2026-10-24T12:00:00Z",
            "10-25T00:30 10-26T01:30",
            "overlap",
        ),
        (
            LONDON,
            day("01:15"),
            "2026-03-28T12:00:00Z",
            "03-29T01:00 03-30T00:15",
            "gap",
        ),
        (
            LONDON,
            day("01:15"),
            "2026-10-24T12:00:00Z",
            "10-25T00:15 10-26T01:15",
            "overlap",
        ),
        (
            HOWE,
            day("02:15"),
            "2026-10-03T00:00:00Z",
            "10-03T15:30 10-04T15:15",
            "gap of half an hour",
        ),
        (
            HOWE,
            day("01:45"),
            "2026-04-04T00:00:00Z",
            "04-04T14:45 04-05T15:15",
            "overlap of half an hour",
        ),
        (
            SANTIAGO,
            day("00:00"),
            "2026-09-05T12:00:00Z",
            "09-06T04:00 09-07T03:00",
            "midnight is skipped",
        ),
        (
            SANTIAGO,
            day("23:30"),
            "2026-04-04T12:00:00Z",
            "04-05T02:30 04-06T03:30",
            "overlap before midnight",
        ),
        (
            CAIRO,
            day("00:30"),
            "2026-04-23T12:00:00Z",
            "04-23T22:00 04-24T21:30",
            "gap after midnight",
        ),
        (
            CAIRO,
            day("23:30"),
            "2026-10-29T12:00:00Z",
            "10-29T20:30 10-30T21:30",
            "overlap before midnight",
        ),
        (
            "Pacific/Apia",
            day("12:00"),
            "2011-12-29T00:00:00Z",
            "12-29T22:00 12-30T10:00 12-30T22:00",
            "a day left out",
        ),
        (
            NY,
            week("02:30", &[civil::Weekday::Sunday]),
            "2026-03-02T00:00:00Z",
            "03-08T07:00 03-15T06:30",
            "weekly, gap",
        ),
        (
            BERLIN,
            week(
                "02:30",
                &[
                    civil::Weekday::Monday,
                    civil::Weekday::Thursday,
                    civil::Weekday::Monday,
                ],
            ),
            "2026-12-28T12:00:00Z",
            "12-31T01:30 01-04T01:30",
            "weekly, year end",
        ),
        (
            "UTC",
            month("06:00", &[31]),
            "2027-12-31T06:00:00Z",
            "01-31T06:00 02-29T06:00 03-31T06:00 04-30T06:00",
            "leap year",
        ),
        (
            "UTC",
            month("06:00", &[29]),
            "2026-02-01T00:00:00Z",
            "02-28T06:00 03-29T06:00",
            "no leap year",
        ),
        (
            "UTC",
            month("06:00", &[31, 32, 30]),
            "2026-02-01T00:00:00Z",
            "02-28T06:00 03-30T06:00 03-31T06:00 04-30T06:00",
            "one day named thrice",
        ),
        (
            NY,
            month("02:30", &[1, 8]),
            "2026-03-02T00:00:00Z",
            "03-08T07:00 04-01T06:30",
            "monthly, gap",
        ),
        (
            NY,
            hour(30),
            "2026-03-08T05:45:00Z",
            "03-08T06:30 03-08T07:30",
            "hourly, gap",
        ),
        (
            NY,
            hour(0),
            "2026-03-08T06:00:00Z",
            "03-08T07:00 03-08T08:00",
            "hourly, gap",
        ),
        (
            NY,
            hour(30),
            "2026-11-01T04:45:00Z",
            "11-01T05:30 11-01T06:30 11-01T07:30",
            "hourly, overlap: both passes",
        ),
        (
            "Asia/Kolkata",
            hour(30),
            "2026-01-01T00:00:00Z",
            "01-01T01:00 01-01T02:00",
            "local minutes",
        ),
        (
            "Asia/Kathmandu",
            hour(0),
            "2026-01-01T00:00:00Z",
            "01-01T00:15 01-01T01:15",
            "local minutes",
        ),
        (
            HOWE,
            hour(15),
            "2026-10-03T14:00:00Z",
            "10-03T14:45 10-03T16:15",
            "local 01:15, then 03:15",
        ),
        (
            HOWE,
            hour(45),
            "2026-04-04T14:00:00Z",
            "04-04T14:45 04-04T15:15 04-04T16:15",
            "local 01:45 twice",
        ),
        (
            NY,
            cron("0 30 2,14 * * *"),
            "2026-03-07T12:00:00Z",
            "03-07T19:30 03-08T07:00 03-08T18:30",
            "a list of hours, gap",
        ),
        (
            NY,
            cron("30 1,13 * * *"),
            "2026-10-31T18:00:00Z",
            "11-01T05:30 11-01T18:30",
            "a list of hours, overlap",
        ),
        (
            NY,
            cron("0 0,30 2-3 * * *"),
            "2026-03-08T00:00:00Z",
            "03-08T07:00 03-08T07:30 03-09T06:00",
            "two times fall together",
        ),
        (
            NY,
            cron("*/20 * * * *"),
            "2026-03-08T06:30:00Z",
            "03-08T06:40 03-08T07:00 03-08T07:20",
            "every 20 minutes, gap",
        ),
        (
            NY,
            cron("*/30 * * * *"),
            "2026-11-01T05:15:00Z",
            "11-01T05:30 11-01T06:00 11-01T06:30 11-01T07:00",
            "every 30 minutes, overlap",
        ),
        (
            NY,
            cron("0 30 2 * * MON-FRI"),
            "2026-03-06T12:00:00Z",
            "03-09T06:30 03-10T06:30",
            "weekdays",
        ),
        (
            "UTC",
            cron("0 0 13 * FRI"),
            "2026-02-01T00:00:00Z",
            "02-06T00:00 02-13T00:00 02-20T00:00",
            "day or weekday",
        ),
        (
            "UTC",
            cron("0 0 13 * +FRI"),
            "2026-02-01T00:00:00Z",
            "02-13T00:00 03-13T00:00 11-13T00:00",
            "day and weekday",
        ),
        (
            "UTC",
            cron("0 0 L * *"),
            "2026-02-01T00:00:00Z",
            "02-28T00:00 03-31T00:00",
            "last day",
        ),
        (
            "UTC",
            cron("0 0 29 2 *"),
            "2026-02-01T00:00:00Z",
            "02-29T00:00 02-29T00:00",
            "leap days only",
        ),
        (
            "UTC",
            cron("0 0 29 2 +SUN"),
            "2026-02-01T00:00:00Z",
            "02-29T00:00 02-29T00:00",
            "leap days that are Sundays",
        ),
    ] {
        let want: Vec<&str> = occurrences.split(' ').collect();
        let schedule = schedule(every, zone);
        assert_eq!(
            next(&schedule, after, want.len()),
            want,
            "{zone} {:?}: {why}",
            schedule.every
        );
    }
}

#[test]
fn a_cron_line_is_checked_field_by_field() {
    for (line, want) in [
        ("0 30 2 * * MON-FRI", Ok("0 30 2 * * MON-FRI")),
        ("  30   2 * * mon ", Ok("30 2 * * mon")),
        ("0 0 1,15 * 1#2", Ok("0 0 1,15 * 1#2")),
        (
            "",
            Err(
                "a cron line has 5 fields (minute hour day month weekday) or 6 with the seconds first, not 0",
            ),
        ),
        (
            "@daily",
            Err(
                "a cron line has 5 fields (minute hour day month weekday) or 6 with the seconds first, not 1",
            ),
        ),
        (
            "0 0 0 1 1 * 2030",
            Err(
                "a cron line has 5 fields (minute hour day month weekday) or 6 with the seconds first, not 7",
            ),
        ),
        (
            "60 2 * * *",
            Err("the minute field `60` of the cron line cannot be read: number out of bounds"),
        ),
        (
            "0 0 24 * * *",
            Err("the hour field `24` of the cron line cannot be read: number out of bounds"),
        ),
        (
            "0 2,,3 * * *",
            Err(
                "the hour field `2,,3` of the cron line cannot be read: a part of the list is empty",
            ),
        ),
        (
            "0 2 * * MO",
            Err(
                "the weekday field `MO` of the cron line cannot be read: cronPattern contains illegal character 'M' in part 'MO'",
            ),
        ),
        (
            "0 2 30 2 *",
            Err("no day ever matches the day, month and weekday fields of the cron line"),
        ),
        (
            "0 2 31 4,6,9,11 *",
            Err("no day ever matches the day, month and weekday fields of the cron line"),
        ),
    ] {
        let parsed = CronLine::parse(line).map_err(|error| error.to_string());
        assert_eq!(
            parsed
                .as_ref()
                .map(CronLine::as_str)
                .map_err(String::as_str),
            want,
            "{line:?}"
        );
    }
}

#[test]
fn an_import_that_is_made_once_has_no_occurrences() {
    let once = schedule(Every::Once, "UTC");
    assert!(once.is_once() && !schedule(hour(0), "UTC").is_once());
    assert_eq!(once.next_after(at("2026-01-01T00:00:00Z")), None);
    assert_eq!(
        once.due(None, at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z")),
        Due::default()
    );
}

#[test]
fn no_schedule_looks_beyond_the_end_of_time() {
    let end = Timestamp::MAX;
    for every in [
        hour(0),
        day("12:00"),
        month("12:00", &[32]),
        cron("0 0 1 1 *"),
        cron("*/5 * * * *"),
    ] {
        assert_eq!(
            schedule(every.clone(), "Pacific/Auckland").next_after(end),
            None,
            "{every:?}"
        );
    }
}

#[test]
fn what_is_on_time_runs_and_what_was_missed_is_caught_up_with_once_or_not_at_all() {
    let seen = "2026-03-01T12:00:00Z";
    // Handled, first seen, now; latest: run, late, missed; none: run, missed.
    for (handled, seen, now, latest, none, why) in [
        (
            None,
            seen,
            "2026-03-02T02:29:59Z",
            ("", false, ""),
            ("", ""),
            "not yet",
        ),
        (
            None,
            seen,
            "2026-03-02T02:30:00Z",
            ("02", false, ""),
            ("02", ""),
            "at the second",
        ),
        (
            None,
            seen,
            "2026-03-02T02:31:00Z",
            ("02", false, ""),
            ("02", ""),
            "a minute old",
        ),
        (
            None,
            seen,
            "2026-03-02T02:31:00.001Z",
            ("02", true, ""),
            ("", "02"),
            "older: missed",
        ),
        (
            None,
            seen,
            "2026-03-04T12:00:00Z",
            ("04", true, "02 03"),
            ("", "02 03 04"),
            "three missed",
        ),
        (
            None,
            seen,
            "2026-03-04T02:30:10Z",
            ("04", false, "02 03"),
            ("04", "02 03"),
            "two missed, one on time",
        ),
        (
            Some("2026-03-02T02:30:00Z"),
            seen,
            "2026-03-02T02:30:40Z",
            ("", false, ""),
            ("", ""),
            "handled already",
        ),
        (
            Some("2026-03-02T02:30:00Z"),
            seen,
            "2026-03-03T02:30:40Z",
            ("03", false, ""),
            ("03", ""),
            "the next day",
        ),
        (
            Some("2026-03-04T02:30:00Z"),
            seen,
            "2026-03-03T02:30:40Z",
            ("", false, ""),
            ("", ""),
            "clock set back",
        ),
        (
            Some("2026-03-02T02:30:00Z"),
            "2026-03-05T12:00:00Z",
            "2026-03-06T02:30:00Z",
            ("06", false, ""),
            ("06", ""),
            "inactive in between",
        ),
        (
            None,
            "2026-03-02T02:30:00Z",
            "2026-03-02T02:30:00Z",
            ("02", false, ""),
            ("02", ""),
            "first seen at the second",
        ),
        (
            None,
            seen,
            "2026-02-01T00:00:00Z",
            ("", false, ""),
            ("", ""),
            "seen in the future",
        ),
    ] {
        let days = |found: &[Timestamp]| -> String {
            found
                .iter()
                .map(|at| at.strftime("%d").to_string())
                .collect::<Vec<_>>()
                .join(" ")
        };
        let mut schedule = schedule(day("02:30"), "UTC");
        let due = schedule.due(handled.map(at), at(seen), at(now));
        assert_eq!(
            (
                days(due.run.as_slice()).as_str(),
                due.late,
                days(&due.missed).as_str()
            ),
            latest,
            "{why}"
        );
        assert_eq!(due.handled, due.run, "{why}");
        schedule.catch_up = CatchUp::None;
        let due = schedule.due(handled.map(at), at(seen), at(now));
        assert_eq!(
            (
                days(due.run.as_slice()).as_str(),
                days(&due.missed).as_str()
            ),
            none,
            "{why}"
        );
        assert_eq!(
            due.handled,
            due.run.max(due.missed.last().copied()),
            "{why}"
        );
    }
}

#[test]
fn a_long_outage_names_the_latest_and_does_not_flood() {
    let seen = at("2016-01-01T00:00:00Z");
    let now = at("2026-01-01T12:00:30Z");
    for every in [
        hour(0),
        day("02:30"),
        cron("* * * * * *"),
        cron("* * 0-23 1 1 *"),
    ] {
        let schedule = schedule(every, "Europe/Berlin");
        let due = schedule.due(None, seen, now);
        let mut named = due.missed.clone();
        named.extend(due.run);
        assert_eq!(
            (due.missed.len(), due.missed_more),
            (MISSED_MAX, true),
            "{:?}",
            schedule.every
        );
        for pair in named.windows(2) {
            assert_eq!(
                schedule.next_after(pair[0]),
                Some(pair[1]),
                "{:?}",
                schedule.every
            );
        }
        assert!(schedule.next_after(due.run.unwrap()).unwrap() > now);
    }
}

/// Occurrences by a slow reading of the same words: every minute of a year is looked at, and a time of day has come when
/// the latest local time seen so far reaches it.
fn slow(every: &Every, zone: &TimeZone, from: Timestamp, to: Timestamp) -> BTreeSet<Timestamp> {
    let targets = |seen: civil::DateTime, now: civil::DateTime| {
        let (time, is_on): (_, &dyn Fn(civil::Date) -> bool) = match every {
            Every::Day { at } => (*at, &|_| true),
            Every::Week { at, on } => (*at, &|date: civil::Date| on.contains(&date.weekday())),
            Every::Month { at, on } => (*at, &|date: civil::Date| {
                let ends = date.month() != date.tomorrow().unwrap().month();
                on.iter()
                    .any(|day| *day == date.day() || (ends && *day > date.day()))
            }),
            Every::Once | Every::Hour { .. } | Every::Cron(_) => unreachable!(),
        };
        let mut dates = seen
            .date()
            .series(1.day())
            .take_while(|date| *date <= now.date());
        dates.any(|date| {
            is_on(date) && seen < date.to_datetime(time) && date.to_datetime(time) <= now
        })
    };
    let mut found = BTreeSet::new();
    let mut seen = zone.to_datetime(from);
    let mut now = from;
    while now < to {
        now += SignedDuration::from_mins(1);
        let local = zone.to_datetime(now);
        if let Every::Hour { minute } = every {
            if local.minute() == *minute {
                found.insert(now);
            }
        } else if local > seen {
            if targets(seen, local) {
                found.insert(now);
            }
            seen = local;
        }
    }
    found
}

#[test]
fn a_slow_independent_reading_of_a_year_agrees() {
    use civil::Weekday::{Friday, Sunday};
    let (from, to) = (at("2026-01-01T11:30:00Z"), at("2027-01-02T11:30:00Z"));
    for (zone, every) in [
        ("America/New_York", day("02:30")),
        ("America/New_York", week("01:30", &[Sunday])),
        ("Europe/Berlin", month("02:00", &[25, 29, 32])),
        ("Australia/Lord_Howe", day("02:10")),
        ("Australia/Lord_Howe", hour(45)),
        ("Australia/Lord_Howe", hour(0)),
        ("America/Santiago", week("00:00", &[Sunday])),
        ("America/Santiago", hour(30)),
        ("Africa/Cairo", week("00:30", &[Friday])),
        ("Africa/Cairo", month("23:15", &[29, 31])),
        ("UTC", month("00:00", &[30])),
    ] {
        let schedule = schedule(every, zone);
        let ours =
            std::iter::successors(schedule.next_after(from), |last| schedule.next_after(*last));
        let ours: BTreeSet<_> = ours.take_while(|at| *at <= to).collect();
        assert_eq!(
            ours,
            slow(&schedule.every, &schedule.zone, from, to),
            "{zone} {:?}",
            schedule.every
        );
    }
}

fn any_schedule() -> impl Strategy<Value = Schedule> {
    let clock = (0_i8..24, 0_i8..60).prop_map(|(hour, minute)| civil::time(hour, minute, 0, 0));
    let weekday = (0_i8..7).prop_map(|n| civil::Weekday::from_monday_zero_offset(n).unwrap());
    let lines = prop::sample::select(vec![
        "*/20 * * * *",
        "0 */7 1-5 * * *",
        "15 */2 * * SAT,SUN",
        "30 2,14 * * *",
        "0 0 0 L * *",
        "* 2 * * SUN",
        "*/45 30 0-23/3 * * *",
        "59 23 * * *",
        "5,35 * 1 * *",
        "0 0 1 1 *",
    ]);
    let every = prop_oneof![
        (0_i8..60).prop_map(hour),
        clock.clone().prop_map(|at| Every::Day { at }),
        (clock.clone(), prop::collection::vec(weekday, 1..4))
            .prop_map(|(at, on)| Every::Week { at, on }),
        (clock, prop::collection::vec(1_i8..33, 1..4)).prop_map(|(at, on)| Every::Month { at, on }),
        lines.prop_map(cron),
    ];
    let zones = prop::sample::select(vec![
        "UTC",
        "America/New_York",
        "Europe/Berlin",
        "Europe/London",
        "Australia/Lord_Howe",
        "America/Santiago",
        "Africa/Cairo",
        "Asia/Kolkata",
    ]);
    (every, zones, any::<bool>()).prop_map(|(every, zone, latest)| Schedule {
        catch_up: if latest {
            CatchUp::Latest
        } else {
            CatchUp::None
        },
        ..schedule(every, zone)
    })
}

/// An instant of the years 2024 to 2028, half of the time near a clock change of 2026.
fn any_instant() -> impl Strategy<Value = Timestamp> {
    let changes = prop::sample::select(vec![
        "2026-03-08T07:00:00Z",
        "2026-11-01T06:00:00Z",
        "2026-03-29T01:00:00Z",
        "2026-10-25T01:00:00Z",
        "2026-04-04T15:00:00Z",
        "2026-10-03T15:30:00Z",
        "2026-04-05T03:00:00Z",
        "2026-09-06T04:00:00Z",
        "2026-04-23T22:00:00Z",
        "2026-10-29T21:00:00Z",
    ]);
    prop_oneof![
        (1_704_067_200_000_i64..1_861_920_000_000)
            .prop_map(|ms| Timestamp::from_millisecond(ms).unwrap()),
        (changes, -7_200_i64..7_200)
            .prop_map(|(change, s)| at(change) + SignedDuration::from_secs(s)),
    ]
}

proptest! {
    #[test]
    fn the_next_occurrence_is_later_and_the_first_one(schedule in any_schedule(), after in any_instant()) {
        let next = schedule.next_after(after).unwrap();
        prop_assert!(next > after);
        // From anywhere between, the same occurrence is the next.
        let between = after + next.duration_since(after) / 2;
        prop_assert_eq!(schedule.next_after(between), Some(next));
        let just_before = next - SignedDuration::from_nanos(1);
        prop_assert_eq!(schedule.next_after(just_before.max(after)), Some(next));
        prop_assert!(schedule.next_after(next).unwrap() > next);
    }

    #[test]
    fn nothing_handled_is_due_again_and_nothing_is_due_ahead_of_its_time(
        schedule in any_schedule(), handled in prop::option::of(any_instant()), seen in any_instant(), now in any_instant(),
    ) {
        let due = schedule.due(handled, seen, now);
        let mut all = due.missed.clone();
        all.extend(due.run);
        prop_assert!(all.is_sorted_by(|a, b| a < b));
        prop_assert_eq!(due.handled, all.last().copied());
        for at in all {
            prop_assert!(at <= now && at >= seen && handled.is_none_or(|handled| at > handled));
        }
        prop_assert_eq!(due.late, due.run.is_some_and(|at| now.duration_since(at) > ON_TIME));
        if let Some(handled) = due.handled {
            prop_assert_eq!(schedule.due(Some(handled), seen, now), Due::default());
        }
    }

    #[test]
    fn asked_every_so_often_each_occurrence_runs_or_is_missed_exactly_once(
        schedule in any_schedule(), start in any_instant(), steps in prop::collection::vec(1_i64..40_000, 1..20),
    ) {
        let (mut now, mut handled, mut got) = (start, None, Vec::new());
        let mut named_all = true;
        for step in steps {
            now += SignedDuration::from_secs(step);
            let due = schedule.due(handled, start, now);
            got.extend(due.missed);
            got.extend(due.run);
            named_all &= !due.missed_more;
            handled = due.handled.or(handled);
        }
        let from = start - SignedDuration::from_nanos(1);
        let want = std::iter::successors(schedule.next_after(from), |last| schedule.next_after(*last));
        let want: Vec<_> = want.take_while(|at| *at <= now).collect();
        if named_all {
            prop_assert_eq!(got, want);
        } else {
            prop_assert!(got.is_sorted_by(|a, b| a < b) && got.len() < want.len());
        }
    }
}
