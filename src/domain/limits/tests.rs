use proptest::prelude::*;

use super::*;

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn days_and_months_end_with_the_local_clock() {
    for (name, now, day, day_ends, month_ends, why) in [
        (
            "UTC",
            "2026-11-22T12:00:00Z",
            "2026-11-22",
            "2026-11-23T00:00:00Z",
            "2026-12-01T00:00:00Z",
            "plain",
        ),
        (
            "UTC",
            "2026-11-22T00:00:00Z",
            "2026-11-22",
            "2026-11-23T00:00:00Z",
            "2026-12-01T00:00:00Z",
            "first instant",
        ),
        (
            "UTC",
            "2026-12-31T23:59:59.999Z",
            "2026-12-31",
            "2027-01-01T00:00:00Z",
            "2027-01-01T00:00:00Z",
            "year end",
        ),
        (
            "UTC",
            "2028-02-28T12:00:00Z",
            "2028-02-28",
            "2028-02-29T00:00:00Z",
            "2028-03-01T00:00:00Z",
            "leap year",
        ),
        (
            "UTC",
            "2026-01-31T12:00:00Z",
            "2026-01-31",
            "2026-02-01T00:00:00Z",
            "2026-02-01T00:00:00Z",
            "month of 31",
        ),
        (
            "Europe/Berlin",
            "2026-11-22T23:30:00Z",
            "2026-11-23",
            "2026-11-23T23:00:00Z",
            "2026-11-30T23:00:00Z",
            "tomorrow there",
        ),
        (
            "Europe/Berlin",
            "2026-03-29T00:30:00Z",
            "2026-03-29",
            "2026-03-29T22:00:00Z",
            "2026-03-31T22:00:00Z",
            "23 hours",
        ),
        (
            "Europe/Berlin",
            "2026-10-24T22:00:00Z",
            "2026-10-25",
            "2026-10-25T23:00:00Z",
            "2026-10-31T23:00:00Z",
            "25 hours",
        ),
        (
            "America/Santiago",
            "2026-09-05T12:00:00Z",
            "2026-09-05",
            "2026-09-06T04:00:00Z",
            "2026-10-01T03:00:00Z",
            "next day begins at 01:00",
        ),
        (
            "America/Havana",
            "2026-10-31T12:00:00Z",
            "2026-10-31",
            "2026-11-01T04:00:00Z",
            "2026-11-01T04:00:00Z",
            "midnight comes twice, first one",
        ),
        (
            "Africa/Cairo",
            "2026-10-29T21:30:00Z",
            "2026-10-29",
            "2026-10-29T22:00:00Z",
            "2026-10-31T22:00:00Z",
            "repeated last hour",
        ),
        (
            "Pacific/Apia",
            "2011-12-30T09:00:00Z",
            "2011-12-29",
            "2011-12-30T10:00:00Z",
            "2011-12-31T10:00:00Z",
            "a day left out",
        ),
    ] {
        let periods = Periods::of(at(now), &zone(name));
        assert_eq!(periods.day.to_string(), day, "{name} {why}");
        assert_eq!(
            periods.month,
            (periods.day.year(), periods.day.month()),
            "{name} {why}"
        );
        assert_eq!(periods.day_ends_at, at(day_ends), "{name} {why}: day");
        assert_eq!(periods.month_ends_at, at(month_ends), "{name} {why}: month");
    }
}

#[test]
fn a_run_counts_under_the_limits_of_its_trigger() {
    use Limit::{
        InitiationsPerMonth as I, ResyncsPerDay as D, ResyncsPerMonth as M, RunsPerDay as R,
    };
    for (trigger, first, limits) in [
        (Trigger::Initial, true, vec![R, I]),
        (Trigger::Scheduled, false, vec![R]),
        (Trigger::CatchUp, false, vec![R]),
        (Trigger::CatchUp, true, vec![R, I]),
        (Trigger::Operator, false, vec![R, I]),
        (Trigger::Operator, true, vec![R, I]),
        (Trigger::Resync, false, vec![R, I, D, M]),
        (Trigger::Resync, true, vec![R, I, D, M]),
    ] {
        assert_eq!(counted(trigger, first), limits, "{trigger:?} {first}");
    }
}

#[test]
fn a_refusal_says_which_limit_how_much_and_when_it_frees() {
    let zone = zone("Europe/Berlin");
    let now = at("2026-11-22T12:00:00Z");
    let full = Usage {
        active_syncs: 10,
        runs_per_day: 10,
        initiations_per_month: 50,
        resyncs_per_day: 5,
        resyncs_per_month: 15,
    };
    let none = Usage::default();
    let defaults = LimitValues::default();
    let zero = LimitValues {
        resyncs_per_day: Some(0),
        ..defaults
    };
    let lowered = LimitValues {
        runs_per_day: Some(3),
        ..defaults
    };
    let unlimited = LimitValues {
        runs_per_day: None,
        ..defaults
    };
    let day = Usage {
        runs_per_day: 10,
        ..none
    };
    for (limits, usage, trigger, sentence) in [
        (defaults, none, Trigger::Scheduled, None),
        (
            defaults,
            Usage {
                runs_per_day: 9,
                ..full
            },
            Trigger::Scheduled,
            None,
        ),
        (unlimited, full, Trigger::Scheduled, None),
        (
            defaults,
            full,
            Trigger::Scheduled,
            Some(
                "runs_per_day: 10 of 10 used today; frees at 2026-11-23 00:00 Europe/Berlin, or raise `limits.runs_per_day`",
            ),
        ),
        (
            lowered,
            full,
            Trigger::CatchUp,
            Some(
                "runs_per_day: 10 of 3 used today; frees at 2026-11-23 00:00 Europe/Berlin, or raise `limits.runs_per_day`",
            ),
        ),
        (
            defaults,
            day,
            Trigger::Operator,
            Some(
                "runs_per_day: 10 of 10 used today; frees at 2026-11-23 00:00 Europe/Berlin, or raise `limits.runs_per_day`",
            ),
        ),
        (
            defaults,
            full,
            Trigger::Operator,
            Some(
                "initiations_per_month: 50 of 50 used this month; frees at 2026-12-01 00:00 Europe/Berlin, or raise `limits.initiations_per_month`",
            ),
        ),
        (
            defaults,
            Usage {
                resyncs_per_day: 5,
                ..none
            },
            Trigger::Resync,
            Some(
                "resyncs_per_day: 5 of 5 used today; frees at 2026-11-23 00:00 Europe/Berlin, or raise `limits.resyncs_per_day`",
            ),
        ),
        (
            defaults,
            Usage {
                resyncs_per_month: 15,
                ..day
            },
            Trigger::Resync,
            Some(
                "resyncs_per_month: 15 of 15 used this month; frees at 2026-12-01 00:00 Europe/Berlin, or raise `limits.resyncs_per_month`",
            ),
        ),
        (
            zero,
            full,
            Trigger::Resync,
            Some("resyncs_per_day: none are allowed; raise `limits.resyncs_per_day`"),
        ),
    ] {
        let answer = may_start(&limits, &usage, trigger, false, now, &zone);
        assert_eq!(
            answer
                .map_err(|refused| refused.to_string())
                .err()
                .as_deref(),
            sentence,
            "{trigger:?}"
        );
    }
}

#[test]
fn one_sync_too_many_is_told_to_deactivate_another() {
    assert_eq!(may_activate(Some(10), 9), Ok(()));
    assert_eq!(
        may_activate(Some(10), 10).unwrap_err().to_string(),
        "active_syncs: 10 of 10 active; deactivate another sync or raise `limits.active_syncs`"
    );
    assert_eq!(may_activate(None, 1_000), Ok(()));
}

#[test]
fn the_names_are_those_of_files_and_journal() {
    for trigger in Trigger::ALL {
        assert_eq!(serde_json::to_value(trigger).unwrap(), trigger.name());
    }
    let names = Limit::ALL.map(Limit::name);
    assert_eq!(names[0], "active_syncs");
    assert_eq!(names[4], "resyncs_per_month");
}

proptest! {
    #[test]
    fn every_instant_lies_in_the_period_it_is_counted_in(
        seconds in 1_000_000_000_i64..2_500_000_000,
        name in prop::sample::select(vec!["UTC", "America/New_York", "Africa/Cairo", "America/Santiago", "Australia/Lord_Howe"]),
    ) {
        let zone = zone(name);
        let now = Timestamp::from_second(seconds).unwrap();
        let periods = Periods::of(now, &zone);
        prop_assert!(now < periods.day_ends_at && periods.day_ends_at <= periods.month_ends_at);
        let last = Periods::of(periods.day_ends_at - 1.nanosecond(), &zone);
        prop_assert_eq!(last.day, periods.day);
        prop_assert!(Periods::of(periods.day_ends_at, &zone).day > periods.day);
        prop_assert!(Periods::of(periods.month_ends_at, &zone).month > periods.month);
    }
}
