use jiff::civil;

use super::*;
use crate::domain::schedule::{CatchUp, CronLine, Every};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A sync that has run before, read everything at the start of 2026, and is at rest.
fn subject(id: &str, every: Every) -> Subject {
    Subject {
        sync: id.parse().unwrap(),
        account: "main".parse().unwrap(),
        schedule: Schedule {
            every,
            zone: TimeZone::UTC,
            catch_up: CatchUp::Latest,
        },
        handled: Some(at("2026-11-10T12:00:00Z")),
        since: at("2026-01-01T00:00:00Z"),
        is_first: false,
        full_at: Some(at("2026-11-10T00:00:00Z")),
        reconcile_every: SignedDuration::from_hours(7 * 24),
    }
}

fn daily(hour: i8) -> Every {
    Every::Day {
        at: civil::time(hour, 0, 0, 0),
    }
}

fn cron(line: &str) -> Every {
    Every::Cron(CronLine::parse(line).unwrap())
}

/// Plays subjects of the account `main`, and tells each occurrence in a few words.
fn play(
    subjects: &[Subject],
    limits: &LimitValues,
    usage: Usage,
    (now, until): (&str, &str),
    zone: &str,
) -> (Vec<String>, Agenda) {
    let usage = BTreeMap::from([("main".parse().unwrap(), usage)]);
    let zone = TimeZone::get(zone).unwrap();
    let agenda = agenda(subjects, limits, &usage, (at(now), at(until)), &zone);
    let short = |at: Option<Timestamp>| {
        at.map_or_else(
            || "never".to_owned(),
            |at| at.strftime("%dT%H:%M").to_string(),
        )
    };
    let tell = |coming: &Coming| {
        let (at, trigger) = (short(Some(coming.at)), coming.trigger.name());
        let full = if coming.is_full { " full" } else { "" };
        let fate = match &coming.fate {
            Fate::Runs => String::new(),
            Fate::Deferred {
                limit,
                next,
                further,
                ..
            } => {
                let next = short(*next);
                format!(": {} next {next} further {further}", limit.name())
            }
        };
        format!("{at} {} {trigger}{full}{fate}", coming.sync)
    };
    (agenda.coming.iter().map(tell).collect(), agenda)
}

#[test]
fn what_a_limit_defers_runs_at_its_next_time_and_days_and_months_free_what_they_held() {
    let two = LimitValues {
        runs_per_day: Some(2),
        ..LimitValues::default()
    };
    let fifty = Usage {
        initiations_per_month: 50,
        ..Usage::default()
    };
    let two_used = Usage {
        runs_per_day: 2,
        ..Usage::default()
    };
    let first = |subject: Subject| Subject {
        is_first: true,
        full_at: None,
        handled: None,
        since: at("2026-11-10T12:00:00Z"),
        ..subject
    };
    let days = ("2026-11-10T12:00:00Z", "2026-11-12T12:00:00Z");
    let none = Usage::default();
    let default = LimitValues::default();
    for (subjects, limits, usage, (now, until), zone, want, why) in [
        (
            vec![subject("a", daily(2)), subject("b", daily(3))],
            default,
            none,
            days,
            "UTC",
            "11T02:00 a scheduled; 11T03:00 b scheduled; 12T02:00 a scheduled; 12T03:00 b scheduled",
            "nothing is deferred",
        ),
        (
            vec![
                subject("a", daily(2)),
                subject("b", daily(2)),
                subject("c", daily(2)),
            ],
            two,
            none,
            ("2026-11-10T12:00:00Z", "2026-11-11T12:00:00Z"),
            "UTC",
            "11T02:00 a scheduled; 11T02:00 b scheduled; 11T02:00 c scheduled: runs_per_day next 12T02:00 further 0",
            "the third of a day, by id",
        ),
        (
            vec![subject("a", daily(22)), subject("b", daily(23))],
            two,
            two_used,
            days,
            "UTC",
            "10T22:00 a scheduled: runs_per_day next 11T22:00 further 0; 10T23:00 b scheduled: runs_per_day next 11T23:00 further 0; \
             11T22:00 a scheduled; 11T23:00 b scheduled",
            "what was used today is free tomorrow",
        ),
        (
            vec![subject("a", daily(22)), subject("b", daily(23))],
            two,
            two_used,
            ("2026-11-10T12:00:00Z", "2026-11-11T12:00:00Z"),
            "Europe/Athens",
            "10T22:00 a scheduled; 10T23:00 b scheduled",
            "the day ends in the zone of the limits",
        ),
        (
            vec![first(subject("a", daily(2)))],
            default,
            fifty,
            ("2026-11-29T12:00:00Z", "2026-12-02T12:00:00Z"),
            "UTC",
            "29T12:00 a initial full: initiations_per_month next 30T02:00 further 0; \
             30T02:00 a initial full: initiations_per_month next 01T02:00 further 0; 01T02:00 a initial full; 02T02:00 a scheduled",
            "a first run waits for the month's end, and is the first only once",
        ),
        (
            vec![first(subject("a", Every::Once)), subject("b", daily(2))],
            default,
            fifty,
            ("2026-11-29T12:00:00Z", "2026-12-02T12:00:00Z"),
            "UTC",
            "29T12:00 a initial full: initiations_per_month next 01T00:00 further 0; 29T12:00 b catch_up full; 30T02:00 b scheduled; \
             01T00:00 a initial full; 01T02:00 b scheduled; 02T02:00 b scheduled",
            "once: as soon as there is room",
        ),
        (
            vec![subject("a", Every::Once)],
            default,
            none,
            days,
            "UTC",
            "",
            "once, and it has run",
        ),
        (
            vec![Subject {
                handled: Some(at("2026-11-10T23:30:00Z")),
                ..subject("a", Every::Hour { minute: 0 })
            }],
            default,
            none,
            ("2026-11-10T20:30:00Z", "2026-11-11T01:30:00Z"),
            "UTC",
            "11T00:00 a scheduled; 11T01:00 a scheduled",
            "a clock set back: nothing twice",
        ),
        (
            vec![Subject {
                full_at: Some(at("2026-11-04T12:00:00Z")),
                ..subject("a", daily(13))
            }],
            default,
            none,
            ("2026-11-10T12:00:00Z", "2026-11-13T12:00:00Z"),
            "UTC",
            "10T13:00 a scheduled; 11T13:00 a scheduled full; 12T13:00 a scheduled",
            "a read in full after a week, and then not before the next",
        ),
        (
            vec![subject("a", daily(13))],
            LimitValues {
                runs_per_day: Some(0),
                ..default
            },
            none,
            ("2026-11-10T12:00:00Z", "2026-11-10T14:00:00Z"),
            "UTC",
            "10T13:00 a scheduled: runs_per_day next 11T13:00 further 0",
            "a limit of zero",
        ),
    ] {
        let (told, _) = play(&subjects, &limits, usage, (now, until), zone);
        assert_eq!(told.join("; "), want, "{why}");
    }
}

#[test]
fn a_sync_of_every_second_has_a_few_rows_a_day_and_is_cut_where_nothing_limits_it() {
    let subjects = [
        subject("busy", cron("* * * * * *")),
        subject("daily", daily(2)),
    ];
    let days = ("2026-11-10T12:00:00Z", "2026-11-12T12:00:00Z");
    let none = Usage::default();
    let (told, agenda) = play(&subjects, &LimitValues::default(), none, days, "UTC");
    assert_eq!(agenda.cut_at, None);
    let of = |what: &str| told.iter().filter(|row| row.contains(what)).count();
    // Ten runs and the deferred ones of each of three days; the daily sync finds its days used up.
    let deferred = usize::try_from(DEFERRED_LISTED).unwrap();
    assert_eq!(of("busy"), 3 * (10 + deferred), "{told:#?}");
    assert_eq!(of("daily scheduled: runs_per_day"), 2);
    assert_eq!(of("next 11T00:00 further 1000"), 1);

    let (told, agenda) = play(&subjects, &LimitValues::UNLIMITED, none, days, "UTC");
    assert_eq!(told.len(), COMING_MAX);
    assert_eq!(agenda.cut_at, Some(at("2026-11-10T13:23:21Z")));
}

#[test]
fn initiations_run_low_before_they_run_out() {
    let first = |id: &str| Subject {
        is_first: true,
        since: at("2026-11-10T12:00:00Z"),
        ..subject(id, daily(13))
    };
    let subjects = [first("a"), first("b")];
    let days = ("2026-11-10T12:00:00Z", "2026-11-12T12:00:00Z");
    for (used, limit, left, low, why) in [
        (0, Some(50), Some(48), false, "plenty"),
        (42, Some(50), Some(6), false, "more than a tenth"),
        (43, Some(50), Some(5), true, "a tenth"),
        (48, Some(50), Some(0), true, "none left when both have run"),
        (49, Some(50), Some(0), true, "one of them is deferred"),
        (2, Some(3), Some(0), true, "few"),
        (900, None, None, false, "unlimited"),
    ] {
        let limits = LimitValues {
            initiations_per_month: limit,
            ..LimitValues::default()
        };
        let usage = Usage {
            initiations_per_month: used,
            ..Usage::default()
        };
        let (_, agenda) = play(&subjects, &limits, usage, days, "UTC");
        let account: AccountName = "main".parse().unwrap();
        let initiations = agenda.initiations[&account];
        assert_eq!(
            (initiations.left(), initiations.run_low()),
            (left, low),
            "{why}"
        );
        assert_eq!(initiations.resets_at, at("2026-12-01T00:00:00Z"));
    }
}
