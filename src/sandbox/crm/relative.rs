//! Relative dates: what `${THISMONTH}` and its like in the criteria of a view mean today.

use jiff::{SignedDuration, Span, Timestamp, Zoned, civil::Weekday, tz};
use serde_json::Value;

use super::cell::Cell;
use super::comparator::Comparator;
use super::field::Class;
use super::judge::{Check, Order};

/// The name of a relative date, e.g. `THISMONTH` of `${THISMONTH}`.
pub(super) fn name(value: &Value) -> Option<&str> {
    let name = value.as_str()?.strip_prefix("${")?.strip_suffix('}')?;
    (name != "EMPTY").then_some(name)
}

/// What `comparator` asks of a date or an instant with the relative date `name`, seen from `now` in the organisation's zone.
pub(super) fn check(
    comparator: Comparator,
    class: Class,
    name: &str,
    now: Timestamp,
) -> Option<Check> {
    let (from, to) = days(name, now)?;
    let (first, last) = match class {
        Class::DateTime => (
            Cell::At(from.timestamp()),
            Cell::At(to.timestamp() - SignedDuration::from_secs(1)),
        ),
        Class::Date => (
            Cell::Date(from.date()),
            Cell::Date(to.yesterday().ok()?.date()),
        ),
        Class::Text
        | Class::LongText
        | Class::Number
        | Class::Id
        | Class::Lookup
        | Class::Boolean => return None,
    };
    Some(match comparator {
        Comparator::Equal => Check::Within(true, first, last),
        Comparator::NotEqual => Check::Within(false, first, last),
        Comparator::Less => Check::Order(Order::Less, first),
        Comparator::LessEqual => Check::Order(Order::LessEqual, last),
        Comparator::Greater => Check::Order(Order::Greater, last),
        Comparator::GreaterEqual => Check::Order(Order::GreaterEqual, first),
        _ => return None,
    })
}

/// From the start of the first day to the end of the last. Weeks begin on Sunday, the service's default.
fn days(name: &str, now: Timestamp) -> Option<(Zoned, Zoned)> {
    let zone = tz::TimeZone::fixed(tz::offset(1));
    let today = now.to_zoned(zone).start_of_day().ok()?;
    let later = |day: &Zoned, span: Span| day.checked_add(span).ok();
    let week = today
        .tomorrow()
        .ok()?
        .nth_weekday(-1, Weekday::Sunday)
        .ok()?;
    let month = today.first_of_month().ok()?;
    let year = today.first_of_year().ok()?;
    let (start, length) = match name {
        "TODAY" => (today, Span::new().days(1)),
        "YESTERDAY" => (today.yesterday().ok()?, Span::new().days(1)),
        "TOMORROW" => (today.tomorrow().ok()?, Span::new().days(1)),
        "THISWEEK" => (week, Span::new().weeks(1)),
        "LASTWEEK" => (later(&week, Span::new().weeks(-1))?, Span::new().weeks(1)),
        "NEXTWEEK" => (later(&week, Span::new().weeks(1))?, Span::new().weeks(1)),
        "THISMONTH" => (month, Span::new().months(1)),
        "LASTMONTH" => (
            later(&month, Span::new().months(-1))?,
            Span::new().months(1),
        ),
        "NEXTMONTH" => (later(&month, Span::new().months(1))?, Span::new().months(1)),
        "THISYEAR" => (year, Span::new().years(1)),
        "LASTYEAR" => (later(&year, Span::new().years(-1))?, Span::new().years(1)),
        _ => return None,
    };
    let end = later(&start, length)?;
    Some((start, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_relative_date_has_its_days() {
        // A Tuesday by UTC, a Wednesday in the organisation's zone.
        let now: Timestamp = "2026-03-03T23:30:00Z".parse().unwrap();
        for (name, from, to) in [
            ("TODAY", "2026-03-04", "2026-03-05"),
            ("YESTERDAY", "2026-03-03", "2026-03-04"),
            ("TOMORROW", "2026-03-05", "2026-03-06"),
            ("THISWEEK", "2026-03-01", "2026-03-08"),
            ("LASTWEEK", "2026-02-22", "2026-03-01"),
            ("NEXTWEEK", "2026-03-08", "2026-03-15"),
            ("THISMONTH", "2026-03-01", "2026-04-01"),
            ("LASTMONTH", "2026-02-01", "2026-03-01"),
            ("NEXTMONTH", "2026-04-01", "2026-05-01"),
            ("THISYEAR", "2026-01-01", "2027-01-01"),
            ("LASTYEAR", "2025-01-01", "2026-01-01"),
        ] {
            let (start, end) = days(name, now).unwrap();
            assert_eq!(start.date().to_string(), from, "{name}");
            assert_eq!(end.date().to_string(), to, "{name}");
        }
        assert_eq!(days("SOMEDAY", now), None);
    }

    #[test]
    fn comparators_look_at_the_near_or_the_far_end() {
        let now: Timestamp = "2026-03-04T12:00:00Z".parse().unwrap();
        let day = |text: &str| Cell::Date(text.parse().unwrap());
        for (comparator, want) in [
            (
                Comparator::Less,
                Some(Check::Order(Order::Less, day("2026-03-01"))),
            ),
            (
                Comparator::Greater,
                Some(Check::Order(Order::Greater, day("2026-03-31"))),
            ),
            (
                Comparator::Equal,
                Some(Check::Within(true, day("2026-03-01"), day("2026-03-31"))),
            ),
            (Comparator::Contains, None),
        ] {
            assert_eq!(check(comparator, Class::Date, "THISMONTH", now), want);
        }
    }
}
