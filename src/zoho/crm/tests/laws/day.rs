//! Days, instants and a zone, computed from their definitions and with no calendar of others.

use serde_json::Value as Json;

/// A zone with daylight saving time from the second Sunday of March to the first of November.
#[derive(Debug, Clone, Copy)]
pub(super) struct Zone {
    /// What the code under test is given for it.
    pub(super) posix: &'static str,
    /// Seconds to add to UTC in winter; an hour more in summer.
    winter: i64,
    /// When summer begins, in seconds after midnight of winter time.
    begins: i64,
    /// When it ends, in seconds after midnight of summer time.
    ends: i64,
}

/// In the first zone the clock is changed in the night, in the second one at midnight: a day begins at one, and one
/// begins twice.
pub(super) const ZONES: [Zone; 2] = [
    Zone {
        posix: "EST5EDT,M3.2.0,M11.1.0",
        winter: -5 * HOUR,
        begins: 2 * HOUR,
        ends: 2 * HOUR,
    },
    Zone {
        posix: "CST5CDT,M3.2.0/0,M11.1.0/1",
        winter: -5 * HOUR,
        begins: 0,
        ends: HOUR,
    },
];

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
/// A Sunday, counted from the first of January 1970.
const SUNDAY: i64 = 3;

impl Zone {
    /// The day in which an instant lies, both counted from the beginning of 1970.
    pub(super) fn day(&self, second: i64) -> i64 {
        let summer = self.winter + HOUR;
        let year = year(second.div_euclid(DAY));
        let begins = sunday(number(year, 3, 8)) * DAY + self.begins - self.winter;
        let ends = sunday(number(year, 11, 1)) * DAY + self.ends - summer;
        let is_summer = (begins..ends).contains(&second);
        (second + if is_summer { summer } else { self.winter }).div_euclid(DAY)
    }
}

/// The first Sunday from `day` on.
fn sunday(day: i64) -> i64 {
    day + (SUNDAY - day).rem_euclid(7)
}

/// The number of a day, 0 being the first of January 1970.
pub(super) fn number(year: i64, month: i64, day: i64) -> i64 {
    const BEFORE: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let month = usize::try_from(month - 1).unwrap();
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let leap_day = i64::from(leap && month > 1);
    first(year) + BEFORE[month] + leap_day + day - 1
}

/// The number of the first day of a year.
fn first(year: i64) -> i64 {
    let past = year - 1;
    let leaps = past.div_euclid(4) - past.div_euclid(100) + past.div_euclid(400);
    365 * year + leaps - (365 * 1970 + 492 - 19 + 4)
}

fn year(day: i64) -> i64 {
    let early = 1970 + day.div_euclid(365).min(day.div_euclid(366));
    (early..).find(|year| first(year + 1) > day).unwrap()
}

/// The day that `2026-03-04` writes; a time behind it is passed over.
pub(super) fn written_day(text: &str) -> i64 {
    let part = |range: std::ops::Range<usize>| text[range].parse().unwrap();
    number(part(0..4), part(5..7), part(8..10))
}

/// The second that `2026-03-04T09:15:27+01:00` or `2026-03-04T08:15:27Z` writes.
pub(super) fn written_second(text: &str) -> i64 {
    let part = |range: std::ops::Range<usize>| text[range].parse::<i64>().unwrap();
    let time = part(11..13) * HOUR + part(14..16) * 60 + part(17..19);
    let offset = match &text[19..20] {
        "Z" => 0,
        sign => {
            let east = part(20..22) * HOUR + part(23..25) * 60;
            if sign == "+" { east } else { -east }
        }
    };
    written_day(text) * DAY + time - offset
}

/// The same of what a row has.
pub(super) fn second_of(json: &Json) -> i64 {
    written_second(json.as_str().unwrap())
}

#[test]
fn days_are_counted_as_calendars_have_them() {
    for (text, want) in [
        ("1970-01-01", 0),
        ("1969-12-31", -1),
        ("2000-03-01", 11_017),
        ("2024-02-29", 19_782),
        ("2026-11-26", 20_783),
        ("0001-01-01", -719_162),
    ] {
        assert_eq!(written_day(text), want, "{text}");
        assert_eq!(
            year(want).to_string(),
            text[..4].trim_start_matches('0'),
            "{text}"
        );
    }
    let at = |text: &str| ZONES.map(|zone| zone.day(written_second(text)) - written_day(text));
    for (text, want) in [
        ("2026-03-08T04:59:59Z", [-1, -1]),
        ("2026-03-08T05:00:00Z", [0, 0]),
        ("2026-03-09T03:59:59Z", [-1, -1]),
        ("2026-03-09T04:00:00Z", [0, 0]),
        ("2026-11-01T04:00:00Z", [0, 0]),
        ("2026-11-01T05:00:00Z", [0, 0]),
        ("2026-11-02T04:59:59Z", [-1, -1]),
        ("2026-11-02T06:00:00+01:00", [0, 0]),
    ] {
        assert_eq!(at(text), want, "{text}");
    }
}
