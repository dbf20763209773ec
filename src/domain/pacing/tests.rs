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
    Pacing::new(BTreeMap::from([("m".to_owned(), windows)]))
}

/// Reserves at `from` and every `step` ms after it, `tries` times; how many were granted.
fn granted(pacing: &mut Pacing, from: i64, step: i64, tries: i64) -> i64 {
    let times = (0..tries).map(|n| at(from + n * step));
    let oks = times
        .filter(|now| pacing.reserve("m", *now).is_ok())
        .count();
    i64::try_from(oks).unwrap()
}

fn as_ms(wait: Duration) -> i64 {
    i64::try_from(wait.as_millis()).unwrap()
}

#[test]
fn a_method_has_its_own_windows_or_those_of_all_others_counted_for_itself() {
    let mut pacing = Pacing::new(documented());
    for (method, calls) in [
        ("listsubscribe", 500),
        ("addlistsubscribersinbulk", 2_000),
        ("contact/allfields", 100),
        ("custom/add", 100),
        ("getmailinglists", 500),
        ("listunsubscribe", 500),
    ] {
        for call in 0..calls {
            assert_eq!(pacing.reserve(method, at(0)), Ok(()), "{method} {call}");
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
    let mut free = Pacing::new(BTreeMap::new());
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
    let mut before = Pacing::new(documented());
    for _ in 0..500 {
        before.reserve("listsubscribe", at(0)).unwrap();
    }
    let json = serde_json::to_string(&before.state()).unwrap();
    let state: PacingState = serde_json::from_str(&json).unwrap();
    let mut after = Pacing::new(documented());
    after.restore(&state, at(10));
    assert_eq!(after.state(), before.state());
    assert!(after.reserve("listsubscribe", at(20)).is_err());
    assert!(after.reserve("custom/add", at(20)).is_ok());
    assert_eq!(
        after.state_of("listsubscribe"),
        before.state_of("listsubscribe")
    );
    assert_eq!(after.state_of("tag/add"), None);
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
        after.restore(&before.state(), at(1_000));
        assert_eq!(
            granted(&mut after, asked, 0, 100),
            fits,
            "{old:?} {new:?} {asked}"
        );
    }
}

#[test]
fn a_method_s_state_stays_small() {
    let mut pacing = pacing(&[(1_000_000, 60_000), (1_000_000, 86_400_000)]);
    assert_eq!(granted(&mut pacing, 0, 997, 200_000), 200_000);
    for window in &pacing.state().methods[0].windows {
        assert!(window.slots.len() <= 62, "{}", window.slots.len());
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
                let state = budget.state();
                budget = pacing(&windows);
                budget.restore(&state, at(now));
            }
            if budget.reserve("m", at(now)).is_ok() {
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
            match budget.reserve("m", at(now)) {
                Ok(()) => made.push(now),
                Err(wait) => {
                    let needed = made[made.len() - allowed] + span_ms - now;
                    prop_assert!(as_ms(wait) <= needed.max(0) + span_ms / 60 + 1);
                    now += as_ms(wait);
                    prop_assert_eq!(budget.reserve("m", at(now)), Ok(()));
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
            if let Err(wait) = budget.reserve("m", at(now)) {
                prop_assert!(as_ms(wait) <= 61_000);
                prop_assert_eq!(budget.reserve("m", at(now + as_ms(wait))), Ok(()));
            }
        }
    }
}
