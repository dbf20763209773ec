//! `--since`: a time, a day or a span back from now.

use std::str::FromStr;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, civil};

/// From when on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// This instant.
    At(Timestamp),
    /// The beginning of this day in the configured zone.
    Day(civil::Date),
    /// This long ago.
    Ago(SignedDuration),
}

/// A text that is none of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "use a time like 2026-11-22T02:30:00Z, a day like 2026-11-22, or a span like 7d, 12h or 30m"
)]
pub struct NoSince;

impl FromStr for Since {
    type Err = NoSince;

    fn from_str(text: &str) -> Result<Self, NoSince> {
        if let Some(span) = span(text) {
            return Ok(Self::Ago(span));
        }
        if let Ok(at) = text.parse() {
            return Ok(Self::At(at));
        }
        // A date alone: jiff would also take the date of a longer text.
        let date = (text.len() == "2026-11-22".len()).then(|| text.parse().ok());
        date.flatten().map(Self::Day).ok_or(NoSince)
    }
}

fn span(text: &str) -> Option<SignedDuration> {
    let unit = text.chars().next_back()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return None,
    };
    let number: u32 = text.strip_suffix(unit)?.parse().ok()?;
    Some(SignedDuration::from_secs(i64::from(number) * seconds))
}

impl Since {
    /// The instant it means; what lies before all time is its beginning.
    #[must_use]
    pub fn resolve(self, now: Timestamp, zone: &TimeZone) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Day(day) => day
                .to_zoned(zone.clone())
                .map_or(Timestamp::MIN, |start| start.timestamp()),
            Self::Ago(span) => now.checked_sub(span).unwrap_or(Timestamp::MIN),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_days_and_spans_are_understood() {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        for (text, want) in [
            ("2026-11-22T02:30:00Z", Some("2026-11-22T02:30:00Z")),
            ("2026-11-22T02:30:00+02:00", Some("2026-11-22T00:30:00Z")),
            ("2026-11-22", Some("2026-11-21T23:00:00Z")),
            ("7d", Some("2026-11-15T12:00:00Z")),
            ("2w", Some("2026-11-08T12:00:00Z")),
            ("90m", Some("2026-11-22T10:30:00Z")),
            ("0s", Some("2026-11-22T12:00:00Z")),
            ("", None),
            ("d", None),
            ("-7d", None),
            ("7", None),
            ("7y", None),
            ("7\u{e9}", None),
            ("yesterday", None),
            ("2026-13-01", None),
            ("2026-11-22T02:30", None),
        ] {
            let since = text.parse::<Since>().map(|since| since.resolve(now, &zone));
            assert_eq!(since.ok(), want.map(|want| want.parse().unwrap()), "{text}");
        }
        let long_ago: Since = "4294967295w".parse().unwrap();
        assert_eq!(long_ago.resolve(now, &zone), Timestamp::MIN);
    }
}
