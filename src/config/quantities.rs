//! Quantities with units: lengths of time, shares, call windows, times of day.

use std::time::Duration;

use jiff::civil;

/// The longest time that makes sense anywhere: ten years.
const LONGEST: u64 = 3653 * 86_400;

/// `"90s"`, `"15m"`, `"1h"`, `"7d"`: from a second to ten years.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = whole(number)?.checked_mul(unit_seconds(unit)?)?;
    (1..=LONGEST)
        .contains(&seconds)
        .then(|| Duration::from_secs(seconds))
}

/// `"12.5%"` in hundredths of a per cent, up to 100 %.
pub(super) fn share(text: &str) -> Option<u32> {
    let number = text.trim().strip_suffix('%')?.trim();
    let (whole_part, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if fraction.len() > 2 {
        return None;
    }
    let hundredths = whole(whole_part)?
        .checked_mul(100)?
        .checked_add(whole(&format!("{fraction:0<2}"))?)?;
    u32::try_from(hundredths)
        .ok()
        .filter(|share| *share <= 10_000)
}

/// `"500/m 12500/h 100/5m"`: calls and the length of the window they are counted in.
pub(super) fn windows(text: &str) -> Option<Vec<(u32, Duration)>> {
    let windows: Option<Vec<_>> = text.split_whitespace().map(window).collect();
    windows.filter(|windows| !windows.is_empty())
}

fn window(text: &str) -> Option<(u32, Duration)> {
    let (calls, length) = text.split_once('/')?;
    let calls = u32::try_from(whole(calls)?)
        .ok()
        .filter(|calls| *calls > 0)?;
    let length = match unit_seconds(length) {
        Some(seconds) => Duration::from_secs(seconds),
        None => duration(length)?,
    };
    Some((calls, length))
}

/// `"02:30"`, also with seconds.
pub(super) fn time_of_day(text: &str) -> Option<civil::Time> {
    let parts: Vec<_> = text.split(':').collect();
    let two = |part: &str| (part.len() == 2).then(|| whole(part)).flatten();
    let small = |part: &str| i8::try_from(two(part)?).ok();
    match parts.as_slice() {
        [hour, minute] => civil::Time::new(small(hour)?, small(minute)?, 0, 0).ok(),
        [hour, minute, second] => {
            civil::Time::new(small(hour)?, small(minute)?, small(second)?, 0).ok()
        }
        _ => None,
    }
}

/// `":30"`, the minute of an hour.
pub(super) fn minute(text: &str) -> Option<i8> {
    let text = text.strip_prefix(':')?;
    let minute = (text.len() == 2).then(|| whole(text)).flatten()?;
    i8::try_from(minute).ok().filter(|minute| *minute < 60)
}

fn unit_seconds(unit: &str) -> Option<u64> {
    match unit {
        "s" => Some(1),
        "m" => Some(60),
        "h" => Some(3600),
        "d" => Some(86_400),
        _ => None,
    }
}

fn whole(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_have_one_unit() {
        for (text, want) in [
            ("90s", Some(90)),
            ("15m", Some(900)),
            ("1h", Some(3600)),
            ("7d", Some(604_800)),
            ("0m", None),
            ("15", None),
            ("m", None),
            ("", None),
            ("-1h", None),
            ("+1h", None),
            ("1.5h", None),
            ("9999d", None),
            ("5ü", None),
        ] {
            assert_eq!(duration(text).map(|d| d.as_secs()), want, "{text:?}");
        }
    }

    #[test]
    fn shares_are_hundredths_of_a_per_cent() {
        for (text, want) in [
            ("10%", Some(1000)),
            ("12.5%", Some(1250)),
            ("0.05 %", Some(5)),
            ("100%", Some(10_000)),
            ("100.01%", None),
            ("0.001%", None),
            ("10", None),
            ("-1%", None),
            ("%", None),
        ] {
            assert_eq!(share(text), want, "{text:?}");
        }
    }

    #[test]
    fn call_windows_are_calls_per_length() {
        let seconds = |text| {
            windows(text).map(|windows| {
                windows
                    .iter()
                    .map(|(calls, length)| (*calls, length.as_secs()))
                    .collect::<Vec<_>>()
            })
        };
        assert_eq!(
            seconds("500/m 12500/h 100/5m"),
            Some(vec![(500, 60), (12500, 3600), (100, 300)])
        );
        for text in ["", "500", "0/m", "500/w", "a/m"] {
            assert_eq!(seconds(text), None, "{text:?}");
        }
    }

    #[test]
    fn times_have_two_digits_each() {
        for (text, want) in [
            ("02:30", Some(civil::time(2, 30, 0, 0))),
            ("23:59:59", Some(civil::time(23, 59, 59, 0))),
            ("24:00", None),
            ("2:30", None),
            (":30", None),
            ("02:60", None),
        ] {
            assert_eq!(time_of_day(text), want, "{text:?}");
        }
        for (text, want) in [
            (":30", Some(30)),
            (":00", Some(0)),
            (":60", None),
            ("30", None),
        ] {
            assert_eq!(minute(text), want, "{text:?}");
        }
    }
}
