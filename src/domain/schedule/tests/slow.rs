use std::collections::BTreeSet;

use jiff::ToSpan;

use super::*;

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
    let (from, to) = (at("2026-01-01T11:30:00Z"), at("2027-01-02T11:30:00Z"));
    for (zone, short) in [
        ("America/New_York", "day 02:30"),
        ("America/New_York", "week 01:30 sunday"),
        ("Europe/Berlin", "month 02:00 25 29 32"),
        ("Australia/Lord_Howe", "day 02:10"),
        ("Australia/Lord_Howe", "hour :45"),
        ("Australia/Lord_Howe", "hour :00"),
        ("America/Santiago", "week 00:00 sunday"),
        ("America/Santiago", "hour :30"),
        ("Africa/Cairo", "week 00:30 friday"),
        ("Africa/Cairo", "month 23:15 29 31"),
        ("UTC", "month 00:00 30"),
    ] {
        let schedule = schedule(zone, short);
        let ours: BTreeSet<_> = schedule.occurrences(from, to).collect();
        assert_eq!(
            ours,
            slow(&schedule.every, &schedule.zone, from, to),
            "{zone} {:?}",
            schedule.every
        );
    }
}

#[test]
fn a_cron_line_and_the_schedule_it_spells_out_agree() {
    let (from, to) = (at("2026-01-01T11:30:00Z"), at("2027-01-02T11:30:00Z"));
    for (line, short) in [
        ("cron 30 * * * *", "hour :30"),
        ("cron 0 0 * * * *", "hour :00"),
        ("cron 15 */1 * * *", "hour :15"),
        ("cron 30 2 * * *", "day 02:30"),
        ("cron 0 0 0 * * *", "day 00:00"),
        ("cron 45 1 * * SUN,3", "week 01:45 sunday wednesday"),
        ("cron 15 23 L * *", "month 23:15 32"),
        ("cron 30 1 1,25 * *", "month 01:30 1 25"),
    ] {
        for zone in [
            "America/New_York",
            "Europe/London",
            "Australia/Lord_Howe",
            "America/Santiago",
            "Africa/Cairo",
        ] {
            let all =
                |schedule: Schedule| -> Vec<Timestamp> { schedule.occurrences(from, to).collect() };
            let (cron, plain) = (all(schedule(zone, line)), all(schedule(zone, short)));
            assert_eq!(cron, plain, "{zone} {line}");
        }
    }
}
