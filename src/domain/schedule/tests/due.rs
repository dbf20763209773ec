use super::*;

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
        let mut schedule = schedule("UTC", "day 02:30");
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
        "hour :00",
        "day 02:30",
        "cron * * * * * *",
        "cron * * 0-23 1 1 *",
    ] {
        let schedule = schedule("Europe/Berlin", every);
        let due = schedule.due(None, seen, now);
        let mut named = due.missed.clone();
        named.extend(due.run);
        assert_eq!(
            (due.missed.len(), due.missed_more),
            (MISSED_MAX, true),
            "{every}"
        );
        for pair in named.windows(2) {
            assert_eq!(schedule.next_after(pair[0]), Some(pair[1]), "{every}");
        }
        assert!(schedule.next_after(due.run.unwrap()).unwrap() > now);
    }
}

#[test]
fn what_a_wrong_clock_noted_silences_nothing_and_what_a_right_one_noted_is_not_repeated() {
    let now = at("2026-03-02T12:00:00Z");
    for (noted, taken, settles, why) in [
        (
            "2026-03-02T11:00:00Z",
            "2026-03-02T11:00:00Z",
            "2026-03-02T11:00:00Z",
            "past",
        ),
        (
            "2026-03-02T12:01:00Z",
            "2026-03-02T12:01:00Z",
            "2026-03-02T12:01:00Z",
            "a minute ahead",
        ),
        (
            "2026-03-02T12:01:01Z",
            "2026-03-02T12:01:01Z",
            "2026-03-02T12:01:00Z",
            "more",
        ),
        (
            "2026-03-03T12:00:00Z",
            "2026-03-03T12:00:00Z",
            "2026-03-02T12:01:00Z",
            "a day ahead",
        ),
        (
            "2026-03-03T12:00:01Z",
            "2026-03-02T12:00:00Z",
            "2026-03-02T12:01:00Z",
            "more",
        ),
        (
            "2036-03-02T12:00:00Z",
            "2026-03-02T12:00:00Z",
            "2026-03-02T12:01:00Z",
            "ten years ahead",
        ),
    ] {
        assert_eq!(believed(at(noted), now), at(taken), "{why}");
        assert_eq!(settled(at(noted), None, now), at(settles), "{why}");
    }
    // A later one may have been skipped while this one ran; one that lies ahead of the clock has yet to come.
    for (ran, before, settles) in [
        (
            "2026-03-02T10:00:00Z",
            "2026-03-02T09:00:00Z",
            "2026-03-02T10:00:00Z",
        ),
        (
            "2026-03-02T10:00:00Z",
            "2026-03-02T11:00:00Z",
            "2026-03-02T11:00:00Z",
        ),
        (
            "2026-03-02T10:00:00Z",
            "2026-03-02T13:00:00Z",
            "2026-03-02T10:00:00Z",
        ),
    ] {
        assert_eq!(
            settled(at(ran), Some(at(before)), now),
            at(settles),
            "{before}"
        );
    }
}
