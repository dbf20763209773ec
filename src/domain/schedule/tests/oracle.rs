//! 400 days of random schedules in twelve zones, against a reading that shares nothing with the implementation but the
//! zones' offsets: it walks every minute, with a calendar of its own.

use std::collections::BTreeSet;

use super::*;

const DAYS: i64 = 400;
const SCHEDULES: usize = 200;
const DAY: i64 = 86_400;

/// Clocks that change by one hour, by half of one and by two, at midnight, at odd offsets, backwards in Ramadan, or never.
const ZONES: [&str; 12] = [
    "America/New_York",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Africa/Cairo",
    "UTC",
    "Asia/Kathmandu",
    "Pacific/Chatham",
    "Africa/Casablanca",
    "Antarctica/Troll",
    "Asia/Beirut",
    "America/St_Johns",
];

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: i64) -> i64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(self.0 >> 33).unwrap() % sides
    }

    fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.roll(high - low + 1)
    }

    /// A few numbers, ascending.
    fn some(&mut self, low: i64, high: i64) -> BTreeSet<i64> {
        (0..=self.roll(3))
            .map(|_| self.between(low, high))
            .collect()
    }
}

/// A schedule as it was drawn: its words, and what they mean.
struct Drawn {
    words: String,
    /// Whether it follows the hands of the clock; else each civil time is one instant.
    follows: bool,
    seconds: BTreeSet<i64>,
    minutes: BTreeSet<i64>,
    hours: BTreeSet<i64>,
    days: Days,
}

enum Days {
    All,
    /// 0 is Sunday.
    Week(BTreeSet<i64>),
    /// Days that a month lacks, and 32, are its last.
    Month(BTreeSet<i64>),
    Cron {
        /// 32 is the last.
        days: Option<BTreeSet<i64>>,
        months: BTreeSet<i64>,
        weekdays: Option<BTreeSet<i64>>,
        both: bool,
    },
}

fn joined(numbers: &BTreeSet<i64>, by: &str) -> String {
    let texts: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    texts.join(by)
}

fn plain(dice: &mut Dice, words: impl Fn(&str) -> String, days: Days) -> Drawn {
    // Half of the times lie where clocks are changed.
    let hour = if dice.roll(2) == 0 {
        dice.roll(4)
    } else {
        dice.roll(24)
    };
    let minute = dice.roll(12) * 5;
    Drawn {
        words: words(&format!("{hour:02}:{minute:02}")),
        follows: false,
        seconds: [0].into(),
        minutes: [minute].into(),
        hours: [hour].into(),
        days,
    }
}

fn draw(dice: &mut Dice) -> Drawn {
    match dice.roll(11) {
        0 | 10 => {
            let minute = dice.roll(60);
            Drawn {
                words: format!("hour :{minute:02}"),
                follows: true,
                seconds: [0].into(),
                minutes: [minute].into(),
                hours: (0..24).collect(),
                days: Days::All,
            }
        }
        1 => plain(dice, |at| format!("day {at}"), Days::All),
        2 => {
            let on = dice.some(0, 6);
            let names = [
                "sunday",
                "monday",
                "tuesday",
                "wednesday",
                "thursday",
                "friday",
                "saturday",
            ];
            let named = on.iter().map(|day| names[usize::try_from(*day).unwrap()]);
            let named = named.collect::<Vec<_>>().join(" ");
            plain(dice, |at| format!("week {at} {named}"), Days::Week(on))
        }
        3 | 4 => {
            let mut on = dice.some(1, 31);
            if dice.roll(2) == 0 {
                on.insert(dice.between(28, 32));
            }
            let named = joined(&on, " ");
            plain(dice, |at| format!("month {at} {named}"), Days::Month(on))
        }
        _ => loop {
            let drawn = cron(dice);
            let of_a_day = drawn.seconds.len() * drawn.minutes.len() * drawn.hours.len();
            if of_a_day <= 48 {
                break drawn;
            }
        },
    }
}

/// A field of a cron line.
fn field(dice: &mut Dice, low: i64, high: i64) -> (String, BTreeSet<i64>) {
    match dice.roll(5) {
        0 => ("*".to_owned(), (low..=high).collect()),
        1 => {
            let step = dice.between(2, (high - low) / 2);
            let steps = (low..=high).filter(|n| (n - low) % step == 0);
            (format!("*/{step}"), steps.collect())
        }
        2 => {
            let (one, other) = (dice.between(low, high), dice.between(low, high));
            let (from, to) = (one.min(other), one.max(other));
            (format!("{from}-{to}"), (from..=to).collect())
        }
        _ => {
            let some = dice.some(low, high);
            (joined(&some, ","), some)
        }
    }
}

fn cron(dice: &mut Dice) -> Drawn {
    let (of_seconds, seconds) = match dice.roll(3) {
        0 => field(dice, 0, 59),
        _ => ("0".to_owned(), [0].into()),
    };
    let (of_minutes, minutes) = field(dice, 0, 59);
    let (of_hours, hours) = match dice.roll(2) {
        0 => {
            let some = dice.some(0, 3);
            (joined(&some, ","), some)
        }
        _ => field(dice, 0, 23),
    };
    let (of_days, days) = match dice.roll(4) {
        0 => {
            let some = dice.some(1, 31);
            (joined(&some, ","), Some(some))
        }
        1 => ("L".to_owned(), Some([32].into())),
        _ => ("*".to_owned(), None),
    };
    let (of_months, months) = match dice.roll(4) {
        // January has all days, so that some day always matches.
        0 => {
            let mut some = dice.some(1, 12);
            some.insert(1);
            (joined(&some, ","), some)
        }
        _ => ("*".to_owned(), (1..=12).collect()),
    };
    let both = days.is_some() && dice.roll(3) == 0;
    let (of_weekdays, weekdays) = match dice.roll(3) {
        0 => {
            let some = dice.some(0, 6);
            let and = if both { "+" } else { "" };
            (format!("{and}{}", joined(&some, ",")), Some(some))
        }
        _ => ("*".to_owned(), None),
    };
    Drawn {
        words: format!(
            "cron {of_seconds} {of_minutes} {of_hours} {of_days} {of_months} {of_weekdays}"
        ),
        follows: of_hours.contains(['*', '/']),
        seconds,
        minutes,
        hours,
        days: Days::Cron {
            days,
            months,
            weekdays,
            both,
        },
    }
}

/// Year, month and day of a day counted from 1970-01-01.
fn civil(day: i64) -> (i64, i64, i64) {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, of_month)
}

impl Days {
    fn has(&self, day: i64) -> bool {
        let (_, month, of_month) = civil(day);
        let is_last = civil(day + 1).2 == 1;
        let weekday = (day + 4).rem_euclid(7);
        match self {
            Self::All => true,
            Self::Week(on) => on.contains(&weekday),
            Self::Month(on) => {
                on.contains(&of_month) || is_last && on.iter().any(|named| *named > of_month)
            }
            Self::Cron {
                days,
                months,
                weekdays,
                both,
            } => {
                let by_day =
                    |on: &BTreeSet<i64>| on.contains(&of_month) || is_last && on.contains(&32);
                let fits = match (days, weekdays) {
                    (None, None) => true,
                    (Some(on), None) => by_day(on),
                    (None, Some(on)) => on.contains(&weekday),
                    (Some(days), Some(on)) if *both => by_day(days) && on.contains(&weekday),
                    (Some(days), Some(on)) => by_day(days) || on.contains(&weekday),
                };
                months.contains(&month) && fits
            }
        }
    }
}

/// What the clocks of a zone show at every minute of the days, as seconds.
struct Walk {
    from: i64,
    shown: Vec<i64>,
}

impl Walk {
    fn new(zone: &TimeZone, from: i64) -> Self {
        let mut offset = 0;
        let shown = (0..DAYS * 1_440).map(|minute| {
            let at = from + minute * 60;
            // Clocks are changed at the quarters of an hour.
            if at % 900 == 0 {
                let at = Timestamp::from_second(at).unwrap();
                offset = i64::from(zone.to_offset(at).seconds());
            }
            at + offset
        });
        Self {
            from,
            shown: shown.collect(),
        }
    }

    /// The occurrences of a schedule. One that does not follow the clock comes when its civil time is first reached, or
    /// passed over.
    fn occurrences(&self, drawn: &Drawn) -> Vec<i64> {
        let in_day: Vec<bool> = (0..1_440)
            .map(|minute| {
                drawn.minutes.contains(&(minute % 60)) && drawn.hours.contains(&(minute / 60))
            })
            .collect();
        let (mut day, mut is_on) = (i64::MIN, false);
        let mut matches = |civil: i64| {
            if civil.div_euclid(DAY) != day {
                day = civil.div_euclid(DAY);
                is_on = drawn.days.has(day);
            }
            is_on && in_day[usize::try_from(civil.rem_euclid(DAY) / 60).unwrap()]
        };
        let mut found = BTreeSet::new();
        let mut reached = self.shown[0];
        for (nth, shown) in self.shown.iter().enumerate() {
            let at = self.from + i64::try_from(nth).unwrap() * 60;
            if drawn.follows {
                if matches(*shown) {
                    found.extend(drawn.seconds.iter().map(|second| at + second));
                }
                continue;
            }
            let mut skipped = reached;
            while skipped < *shown {
                if matches(skipped) {
                    found.insert(at);
                }
                skipped += 60;
            }
            if *shown >= reached {
                if matches(*shown) {
                    found.extend(drawn.seconds.iter().map(|second| at + second));
                }
                reached = shown + 60;
            }
        }
        found.into_iter().collect()
    }
}

/// Each schedule is looked at in one of the zones; built with `ROSTERD_ALL_ZONES=1`, which takes minutes, in all of them. The
/// walk's days begin a little later in each zone, so that all of four years are walked, a leap day among them.
#[test]
fn four_hundred_days_of_random_schedules_in_twelve_zones_are_as_a_walk_through_every_minute_has_them()
 {
    let mut dice = Dice(20_261_126);
    let drawn: Vec<Drawn> = (0..SCHEDULES).map(|_| draw(&mut dice)).collect();
    let all = option_env!("ROSTERD_ALL_ZONES").is_some();
    let (mut pairs, mut compared, mut following) = (0, 0, 0);
    for (nth, name) in ZONES.iter().enumerate() {
        let begins = at("2026-01-01T00:00:00Z").as_second();
        let begins = begins + i64::try_from(nth).unwrap() * 83 * DAY;
        let zone = TimeZone::get(name).unwrap();
        let walk = Walk::new(&zone, begins);
        for (which, drawn) in drawn.iter().enumerate() {
            if !all && which % ZONES.len() != nth {
                continue;
            }
            let schedule = schedule(name, &drawn.words);
            let from = Timestamp::from_second(begins - 1).unwrap();
            let to = Timestamp::from_second(begins + DAYS * DAY - 1).unwrap();
            let ours = schedule.occurrences(from, to).map(Timestamp::as_second);
            let ours: Vec<i64> = ours.collect();
            let theirs = walk.occurrences(drawn);
            let first = ours
                .iter()
                .zip(&theirs)
                .find(|(ours, theirs)| ours != theirs);
            let told = |at: &i64| Timestamp::from_second(*at).unwrap().to_zoned(zone.clone());
            assert!(
                ours == theirs,
                "{name} {}: {} and {}, first {:?}",
                drawn.words,
                ours.len(),
                theirs.len(),
                first.map(|(ours, theirs)| (told(ours), told(theirs)))
            );
            pairs += 1;
            compared += ours.len();
            following += usize::from(drawn.follows);
        }
    }
    println!(
        "{pairs} schedules in their zones, {following} following the clock: {compared} occurrences"
    );
    assert!(pairs >= SCHEDULES && following > SCHEDULES / 6 && compared > 100_000);
}
