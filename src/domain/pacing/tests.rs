use proptest::prelude::*;

use super::*;

const NOON_MS: i64 = 1_795_348_800_123;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(NOON_MS + ms).unwrap()
}

fn pacing(windows: &[(u32, u64)]) -> Pacing {
    let windows = windows
        .iter()
        .map(|(calls, ms)| Window {
            calls: *calls,
            span: Duration::from_millis(*ms),
        })
        .collect();
    let windows = BTreeMap::from([("m".to_owned(), windows)]);
    Pacing::new(windows, Lockouts::PerMethod)
}

/// Reserves a call that is answered at once.
fn call(pacing: &mut Pacing, method: &str, now: Timestamp) -> Result<(), Duration> {
    pacing.reserve(method, now)?;
    pacing.settle(method, now);
    Ok(())
}

fn documented_pacing() -> Pacing {
    Pacing::new(documented(), Lockouts::PerMethod)
}

/// What is used, with nothing in flight.
fn state(pacing: &Pacing) -> PacingState {
    pacing.state(|_| None)
}

/// Calls at `from` and every `step` ms after it, `tries` times; how many were granted.
fn granted(pacing: &mut Pacing, from: i64, step: i64, tries: i64) -> i64 {
    let times = (0..tries).map(|n| at(from + n * step));
    let oks = times.filter(|now| call(pacing, "m", *now).is_ok()).count();
    i64::try_from(oks).unwrap()
}

fn as_ms(wait: Duration) -> i64 {
    i64::try_from(wait.as_millis()).unwrap()
}

#[test]
fn a_method_has_its_own_windows_or_those_of_all_others_counted_for_itself() {
    let mut pacing = documented_pacing();
    for (method, calls) in [
        ("listsubscribe", 500),
        ("addlistsubscribersinbulk", 2_000),
        ("contact/allfields", 100),
        ("custom/add", 100),
        ("getmailinglists", 500),
        ("listunsubscribe", 500),
    ] {
        for number in 0..calls {
            let called = call(&mut pacing, method, at(0));
            assert_eq!(called, Ok(()), "{method} {number}");
        }
        assert!(pacing.reserve(method, at(0)).is_err(), "{method}");
    }
}

#[test]
fn every_window_of_a_method_is_kept() {
    let mut pacing = pacing(&[(3, 1_000), (5, 10_000)]);
    assert_eq!(granted(&mut pacing, 0, 1, 5), 3);
    assert_eq!(
        granted(&mut pacing, 2_000, 1, 5),
        2,
        "the longer window is full"
    );
    let wait = pacing.reserve("m", at(3_000)).unwrap_err();
    assert!((7_000..=7_200).contains(&as_ms(wait)), "{wait:?}");
    assert_eq!(granted(&mut pacing, 10_300, 1, 5), 3);
}

#[test]
fn a_refused_call_uses_nothing_of_the_other_windows() {
    let mut pacing = pacing(&[(1, 1_000), (2, 10_000)]);
    assert_eq!(granted(&mut pacing, 0, 1, 50), 1);
    assert_eq!(granted(&mut pacing, 2_000, 1, 50), 1);
}

#[test]
fn a_method_without_windows_is_not_paced_and_one_without_calls_always_waits() {
    let mut free = Pacing::new(BTreeMap::new(), Lockouts::PerMethod);
    assert_eq!(granted(&mut free, 0, 0, 10_000), 10_000);
    let mut shut = pacing(&[(0, 60_000)]);
    assert_eq!(shut.reserve("m", at(0)), Err(Duration::from_secs(60)));
}

#[test]
fn a_clock_set_back_frees_nothing_early_and_delays_by_one_span_at_most() {
    let mut pacing = pacing(&[(10, 60_000)]);
    assert_eq!(granted(&mut pacing, 0, 100, 20), 10);
    for back in [-1_000, -3_600_000, -400 * 86_400_000] {
        let wait = pacing.reserve("m", at(back)).unwrap_err();
        assert!((59_000..=61_000).contains(&as_ms(wait)), "{back}: {wait:?}");
        assert_eq!(granted(&mut pacing, back, 1_000, 59), 0, "{back}");
        assert_eq!(granted(&mut pacing, back + 61_000, 1, 20), 10, "{back}");
    }
}

#[test]
fn what_was_used_outlives_a_restart() {
    let mut before = documented_pacing();
    for _ in 0..500 {
        call(&mut before, "listsubscribe", at(0)).unwrap();
    }
    let json = serde_json::to_string(&state(&before)).unwrap();
    let stored: PacingState = serde_json::from_str(&json).unwrap();
    let mut after = documented_pacing();
    after.restore(&stored, at(10));
    assert_eq!(state(&after), state(&before));
    assert!(after.reserve("listsubscribe", at(20)).is_err());
    assert!(after.reserve("custom/add", at(20)).is_ok());
}

#[test]
fn what_was_used_counts_in_windows_configured_otherwise() {
    // Old windows, new windows, calls made at 0, when asked again, how many of 100 fit.
    for (old, new, used, asked, fits) in [
        (&[(100, 60_000)][..], &[(50, 60_000)][..], 30, 1_000, 20),
        (&[(100, 60_000)], &[(20, 60_000)], 30, 1_000, 0),
        (&[(100, 60_000)], &[(50, 30_000)], 30, 1_000, 20),
        (&[(100, 60_000)], &[(50, 30_000)], 30, 33_000, 50),
        (&[(100, 60_000)], &[(50, 300_000)], 30, 1_000, 20),
        (
            &[(100, 60_000), (200, 3_600_000)],
            &[(50, 120_000)],
            30,
            1_000,
            20,
        ),
        (
            &[(100, 3_600_000), (90, 60_000)],
            &[(50, 60_000), (60, 60_000)],
            30,
            62_000,
            50,
        ),
        (&[(100, 60_000)], &[], 30, 1_000, 100),
        (&[], &[(50, 60_000)], 30, 1_000, 50),
    ] {
        let mut before = pacing(old);
        assert_eq!(granted(&mut before, 0, 0, used), used);
        let mut after = pacing(new);
        after.restore(&state(&before), at(1_000));
        assert_eq!(
            granted(&mut after, asked, 0, 100),
            fits,
            "{old:?} {new:?} {asked}"
        );
    }
}

#[test]
fn a_call_counts_until_a_span_after_its_answer() {
    let mut pacing = pacing(&[(2, 60_000)]);
    assert_eq!(pacing.reserve("m", at(0)), Ok(()));
    assert_eq!(pacing.reserve("m", at(0)), Ok(()));
    // Nobody knows when they arrive, as long as they are in flight.
    for later in [1, 60_000, 3_600_000] {
        assert!(pacing.reserve("m", at(later)).is_err(), "{later}");
    }
    pacing.settle("m", at(3_600_000));
    let wait = pacing.reserve("m", at(3_600_000)).unwrap_err();
    assert_eq!(as_ms(wait), 60_001);
    pacing.settle("m", at(3_630_000));
    assert!(pacing.reserve("m", at(3_660_000)).is_err());
    assert_eq!(pacing.reserve("m", at(3_660_001)), Ok(()));
    assert!(pacing.reserve("m", at(3_660_001)).is_err());
}

#[test]
fn what_a_killed_process_had_in_flight_counts_as_late_as_it_can_have_been() {
    let mut before = pacing(&[(10, 60_000)]);
    for _ in 0..3 {
        before.reserve("m", at(0)).unwrap();
    }
    let ahead = Ahead {
        calls: 2,
        until: at(40_000),
    };
    let stored = before.state(|_| Some(ahead));
    // Started again at once, and after that.
    for (restart, asked, fits) in [
        (10_000, 10_000, 5),
        (10_000, 70_000, 5),
        (10_000, 70_001, 10),
        (50_000, 50_000, 5),
        (50_000, 100_000, 5),
        (50_000, 100_001, 10),
    ] {
        let mut after = pacing(&[(10, 60_000)]);
        after.restore(&stored, at(restart));
        let got = granted(&mut after, asked, 0, 20);
        assert_eq!(got, fits, "{restart} {asked}");
    }
}

#[test]
fn a_lock_stops_one_method_or_all_and_ends_by_itself() {
    let minutes = |wait: Duration| wait.as_secs() / 60;
    let busy = Overload::Busy;
    let many = Overload::TooMany(None);
    // Whose it is, what is said in a row, for how many minutes the method is locked, and another one.
    for (lockouts, method, said, own, other) in [
        (
            Lockouts::PerMethod,
            "listsubscribe",
            vec![many],
            Some(30),
            None,
        ),
        (
            Lockouts::PerMethod,
            "addlistsubscribersinbulk",
            vec![many],
            Some(10),
            None,
        ),
        (
            Lockouts::PerMethod,
            "listsubscribe",
            vec![busy; 2],
            None,
            None,
        ),
        (
            Lockouts::PerMethod,
            "listsubscribe",
            vec![busy; 3],
            Some(30),
            None,
        ),
        (
            Lockouts::PerMethod,
            "listsubscribe",
            vec![Overload::TooMany(Some(Duration::from_secs(120)))],
            Some(2),
            None,
        ),
        (Lockouts::Together, "coql", vec![many; 5], None, None),
        (
            Lockouts::Together,
            "coql",
            vec![many; 6],
            Some(60),
            Some(60),
        ),
        (
            Lockouts::Together,
            "coql",
            vec![Overload::TooMany(Some(Duration::from_secs(3_600)))],
            Some(60),
            Some(60),
        ),
    ] {
        let mut pacing = Pacing::new(BTreeMap::new(), lockouts);
        for overload in &said {
            pacing.refused(method, *overload, at(0));
        }
        let locked = |pacing: &mut Pacing, method| pacing.reserve(method, at(0)).err();
        assert_eq!(locked(&mut pacing, method).map(minutes), own, "{said:?}");
        assert_eq!(locked(&mut pacing, "other").map(minutes), other, "{said:?}");
        // It outlives a restart, and a clock set back by a year.
        let stored = state(&pacing);
        let back = at(-365 * 86_400_000);
        for now in [at(0), back] {
            let mut after = Pacing::new(BTreeMap::new(), lockouts);
            after.restore(&stored, now);
            let wait = after.reserve(method, now).err();
            assert_eq!(wait.map(minutes), own, "{said:?} {now}");
            let over = now + jiff::SignedDuration::from_mins(60);
            assert_eq!(after.reserve(method, over), Ok(()), "{said:?} {now}");
        }
    }
}

#[test]
fn an_answer_in_between_is_no_lock() {
    let mut pacing = documented_pacing();
    for _ in 0..10 {
        assert_eq!(pacing.refused("listsubscribe", Overload::Busy, at(0)), None);
        assert_eq!(pacing.refused("listsubscribe", Overload::Busy, at(0)), None);
        pacing.answered("listsubscribe");
    }
    assert_eq!(pacing.reserve("listsubscribe", at(0)), Ok(()));
}

#[test]
fn a_method_s_state_stays_small() {
    let mut pacing = pacing(&[(1_000_000, 60_000), (1_000_000, 86_400_000)]);
    assert_eq!(granted(&mut pacing, 0, 997, 200_000), 200_000);
    for window in &state(&pacing).methods[0].windows {
        assert!(window.slots.len() <= 242, "{}", window.slots.len());
    }
}

proptest! {
    #[test]
    fn no_stretch_of_a_window_ever_holds_more_calls_than_allowed(
        windows in prop::collection::vec((1_u32..20, 1_u64..5_000), 1..4),
        steps in prop::collection::vec(prop_oneof![Just(0_i64), 0_i64..50, 0_i64..3_000], 1..300),
        restart in 0_usize..300,
    ) {
        let mut budget = pacing(&windows);
        let mut now = 0;
        let mut calls = Vec::new();
        for (n, step) in steps.into_iter().enumerate() {
            now += step;
            if n == restart {
                let stored = state(&budget);
                budget = pacing(&windows);
                budget.restore(&stored, at(now));
            }
            if call(&mut budget, "m", at(now)).is_ok() {
                calls.push(now);
            }
        }
        for (allowed, span) in windows {
            let (allowed, span) = (usize::try_from(allowed).unwrap(), i64::try_from(span).unwrap());
            for ends in calls.windows(allowed + 1) {
                prop_assert!(ends[allowed] - ends[0] > span, "{} calls in {span} ms", allowed + 1);
            }
        }
    }

    #[test]
    fn a_wait_is_enough_and_at_most_one_slot_too_long(
        calls in 1_u32..20,
        span in 1_u64..100_000,
        steps in prop::collection::vec(0_i64..4_000, 1..100),
    ) {
        let mut budget = pacing(&[(calls, span)]);
        let (allowed, span_ms) = (usize::try_from(calls).unwrap(), i64::try_from(span).unwrap());
        let mut now = 0;
        let mut made: Vec<i64> = Vec::new();
        for step in steps {
            now += step;
            match call(&mut budget, "m", at(now)) {
                Ok(()) => made.push(now),
                Err(wait) => {
                    let needed = made[made.len() - allowed] + span_ms - now;
                    prop_assert!(as_ms(wait) <= needed.max(0) + span_ms / 240 + 2);
                    now += as_ms(wait);
                    prop_assert_eq!(call(&mut budget, "m", at(now)), Ok(()));
                    made.push(now);
                }
            }
        }
    }

    #[test]
    fn whatever_the_clock_does_a_reservation_comes_within_a_span_of_standing_still(
        clocks in prop::collection::vec(-10_000_000_i64..10_000_000, 1..50),
        calls in 1_u32..5,
    ) {
        let mut budget = pacing(&[(calls, 60_000)]);
        for now in clocks {
            if let Err(wait) = call(&mut budget, "m", at(now)) {
                prop_assert!(as_ms(wait) <= 61_000);
                prop_assert_eq!(call(&mut budget, "m", at(now + as_ms(wait))), Ok(()));
            }
        }
    }
}
