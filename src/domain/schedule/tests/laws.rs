use proptest::prelude::*;

use super::*;

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
        (0_i8..60).prop_map(|minute| Every::Hour { minute }),
        clock.clone().prop_map(|at| Every::Day { at }),
        (clock.clone(), prop::collection::vec(weekday, 1..4))
            .prop_map(|(at, on)| Every::Week { at, on }),
        (clock, prop::collection::vec(1_i8..33, 1..4)).prop_map(|(at, on)| Every::Month { at, on }),
        lines.prop_map(|line| Every::Cron(CronLine::parse(line).unwrap())),
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
    let catch_up = prop::sample::select(vec![CatchUp::Latest, CatchUp::None]);
    (every, zones, catch_up).prop_map(|(every, zone, catch_up)| Schedule {
        every,
        zone: TimeZone::get(zone).unwrap(),
        catch_up,
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
