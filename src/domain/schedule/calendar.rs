//! Civil times to instants: the first instant of given times on given days, and of a minute of every hour.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp, ToSpan};

/// Days that are looked at for an occurrence: some weekdays have no 29 February for 40 years.
pub(super) const DAYS_SEARCHED: usize = 41 * 366;

/// Times of the day: every combination of hour, minute and second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Times {
    /// Ascending.
    pub(super) hours: Vec<i8>,
    /// Ascending.
    pub(super) minutes: Vec<i8>,
    /// Ascending.
    pub(super) seconds: Vec<i8>,
}

impl Times {
    /// A single time, to the second.
    pub(super) fn one(at: Time) -> Self {
        Self {
            hours: vec![at.hour()],
            minutes: vec![at.minute()],
            seconds: vec![at.second()],
        }
    }

    fn len(&self) -> usize {
        self.hours.len() * self.minutes.len() * self.seconds.len()
    }

    /// The `n`th of the times in order.
    fn on(&self, date: Date, n: usize) -> DateTime {
        let (of_hours, second) = (n / self.seconds.len(), n % self.seconds.len());
        let (hour, minute) = (of_hours / self.minutes.len(), of_hours % self.minutes.len());
        let (hour, minute) = (self.hours[hour], self.minutes[minute]);
        date.at(hour, minute, self.seconds[second], 0)
    }

    /// The first of a date's times whose instant is after `after`. Instants never go back from one civil time to the
    /// next, so halving finds it.
    fn first_after(&self, date: Date, zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
        let instant = |n| instant(self.on(date, n), zone);
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if instant(middle)? > after {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        if low < self.len() { instant(low) } else { None }
    }
}

/// The first instant after `after` that is one of `times` on a day that `is_on` takes.
pub(super) fn next_on_days(
    is_on: impl Fn(Date) -> bool,
    times: &Times,
    zone: &TimeZone,
    after: Timestamp,
) -> Option<Timestamp> {
    // A gap may carry a time over to the next date, or over a date that a zone left out.
    let here = zone.to_datetime(after).date();
    let from = here.checked_sub(2.days()).unwrap_or(Date::MIN);
    from.series(1.day())
        .take(DAYS_SEARCHED)
        .filter(|date| is_on(*date))
        .find_map(|date| times.first_after(date, zone, after))
}

/// The first instant after `after` at which the zone's clocks show `minute` and no seconds.
pub(super) fn next_at_minute(minute: i8, zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
    let mut after = after;
    // One pass for each clock change on the way, and two changes within hours are rare.
    for _ in 0..8 {
        let offset = zone.to_offset(after);
        let local = offset.to_datetime(after);
        let this_hour = local.date().at(local.hour(), minute, 0, 0);
        let candidate = if this_hour > local {
            this_hour
        } else {
            this_hour.checked_add(1.hour()).ok()?
        };
        let at = offset.to_timestamp(candidate).ok()?;
        // The clocks may change before that; then the search goes on from the change, itself included.
        let change = zone
            .following(after)
            .map(|change| change.timestamp())
            .take_while(|change| *change <= at)
            .find(|change| zone.to_offset(*change) != offset);
        let Some(change) = change else {
            return Some(at);
        };
        let shown = zone.to_datetime(change);
        if (shown.minute(), shown.second()) == (minute, 0) {
            return Some(change);
        }
        after = change;
    }
    None
}

/// The instant of a civil time: after a gap the first one, of two the earlier; `None` beyond the end of time.
pub(super) fn instant(civil: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    match zone.to_ambiguous_timestamp(civil).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(civil).ok(),
        AmbiguousOffset::Fold { before, .. } => before.to_timestamp(civil).ok(),
        AmbiguousOffset::Gap { before, after } => {
            // The change lies between the readings with the new and the old offset.
            let early = after.to_timestamp(civil).ok()?;
            let late = before.to_timestamp(civil).ok()?;
            let just_before = early
                .checked_sub(SignedDuration::from_nanos(1))
                .unwrap_or(early);
            zone.following(just_before)
                .map(|change| change.timestamp())
                .take_while(|change| *change <= late)
                .find(|change| zone.to_offset(*change) == after)
                .or(Some(late))
        }
    }
}
