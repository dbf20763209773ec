use jiff::SignedDuration;

use super::*;

mod due;
mod laws;
mod oracle;
mod slow;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A schedule in short: `day 02:30`, `week 02:30 monday`, `month 06:00 1 32`, `hour :30`, `cron 0 0 * * *`.
fn schedule(zone: &str, short: &str) -> Schedule {
    let (kind, rest) = short.split_once(' ').unwrap();
    let (time, on) = rest.split_once(' ').unwrap_or((rest, ""));
    let at = || time.parse().unwrap();
    let on = on.split_whitespace();
    let every = match kind {
        "day" => Every::Day { at: at() },
        "week" => Every::Week {
            at: at(),
            on: on.map(weekday).collect(),
        },
        "month" => Every::Month {
            at: at(),
            on: on.map(|day| day.parse().unwrap()).collect(),
        },
        "hour" => Every::Hour {
            minute: time[1..].parse().unwrap(),
        },
        "cron" => Every::Cron(CronLine::parse(rest).unwrap()),
        other => panic!("{other}"),
    };
    Schedule {
        every,
        zone: TimeZone::get(zone).unwrap(),
        catch_up: CatchUp::Latest,
    }
}

fn weekday(name: &str) -> civil::Weekday {
    let names = [
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
    ];
    let n = names.iter().position(|known| *known == name).unwrap();
    civil::Weekday::from_monday_zero_offset(i8::try_from(n).unwrap()).unwrap()
}

/// Zone, schedule, an instant, the occurrences after it in UTC, what the row is about.
const OCCURRENCES: &str = "
    UTC                 | day 02:30                         | 2026-03-28T02:30:00Z     | 03-29T02:30 03-30T02:30                         | plain
    UTC                 | day 02:30                         | 2026-03-28T02:29:59.999Z | 03-28T02:30                                     | the instant before
    UTC                 | day 00:00                         | 2026-12-30T12:00:00Z     | 12-31T00:00 01-01T00:00                         | year end
    America/New_York    | day 09:00                         | 2026-03-07T12:00:00Z     | 03-07T14:00 03-08T13:00 03-09T13:00             | keeps its local time
    America/New_York    | day 02:30                         | 2026-03-07T12:00:00Z     | 03-08T07:00 03-09T06:30                         | gap: 03:00
    America/New_York    | day 02:00                         | 2026-03-07T12:00:00Z     | 03-08T07:00 03-09T06:00                         | gap begins
    America/New_York    | day 03:00                         | 2026-03-07T12:00:00Z     | 03-08T07:00 03-09T07:00                         | gap ends
    America/New_York    | day 01:30                         | 2026-10-31T12:00:00Z     | 11-01T05:30 11-02T06:30                         | overlap: first pass
    America/New_York    | day 01:00                         | 2026-10-31T12:00:00Z     | 11-01T05:00 11-02T06:00                         | overlap begins
    America/New_York    | day 02:00                         | 2026-10-31T12:00:00Z     | 11-01T07:00 11-02T07:00                         | overlap ends
    Europe/Berlin       | day 02:30                         | 2026-03-28T12:00:00Z     | 03-29T01:00 03-30T00:30                         | gap
    Europe/Berlin       | day 02:30                         | 2026-10-24T12:00:00Z     | 10-25T00:30 10-26T01:30                         | overlap
    Europe/London       | day 01:15                         | 2026-03-28T12:00:00Z     | 03-29T01:00 03-30T00:15                         | gap
    Europe/London       | day 01:15                         | 2026-10-24T12:00:00Z     | 10-25T00:15 10-26T01:15                         | overlap
    Australia/Lord_Howe | day 02:15                         | 2026-10-03T00:00:00Z     | 10-03T15:30 10-04T15:15                         | gap of half an hour
    Australia/Lord_Howe | day 01:45                         | 2026-04-04T00:00:00Z     | 04-04T14:45 04-05T15:15                         | overlap of half an hour
    America/Santiago    | day 00:00                         | 2026-09-05T12:00:00Z     | 09-06T04:00 09-07T03:00                         | midnight is skipped
    America/Santiago    | day 23:30                         | 2026-04-04T12:00:00Z     | 04-05T02:30 04-06T03:30                         | overlap before midnight
    Africa/Cairo        | day 00:30                         | 2026-04-23T12:00:00Z     | 04-23T22:00 04-24T21:30                         | gap after midnight
    Africa/Cairo        | day 23:30                         | 2026-10-29T12:00:00Z     | 10-29T20:30 10-30T21:30                         | overlap before midnight
    Pacific/Apia        | day 12:00                         | 2011-12-29T00:00:00Z     | 12-29T22:00 12-30T10:00 12-30T22:00             | a day left out
    America/New_York    | week 02:30 sunday                 | 2026-03-02T00:00:00Z     | 03-08T07:00 03-15T06:30                         | weekly, gap
    Europe/Berlin       | week 02:30 monday thursday monday | 2026-12-28T12:00:00Z     | 12-31T01:30 01-04T01:30                         | weekly, year end
    UTC                 | month 06:00 31                    | 2027-12-31T06:00:00Z     | 01-31T06:00 02-29T06:00 03-31T06:00 04-30T06:00 | leap year
    UTC                 | month 06:00 29                    | 2026-02-01T00:00:00Z     | 02-28T06:00 03-29T06:00                         | no leap year
    UTC                 | month 06:00 31 32 30              | 2026-02-01T00:00:00Z     | 02-28T06:00 03-30T06:00 03-31T06:00 04-30T06:00 | one day named thrice
    America/New_York    | month 02:30 1 8                   | 2026-03-02T00:00:00Z     | 03-08T07:00 04-01T06:30                         | monthly, gap
    America/New_York    | hour :30                          | 2026-03-08T05:45:00Z     | 03-08T06:30 03-08T07:30                         | hourly, gap
    America/New_York    | hour :00                          | 2026-03-08T06:00:00Z     | 03-08T07:00 03-08T08:00                         | hourly, gap
    America/New_York    | hour :30                          | 2026-11-01T04:45:00Z     | 11-01T05:30 11-01T06:30 11-01T07:30             | hourly, overlap: both passes
    Asia/Kolkata        | hour :30                          | 2026-01-01T00:00:00Z     | 01-01T01:00 01-01T02:00                         | local minutes
    Asia/Kathmandu      | hour :00                          | 2026-01-01T00:00:00Z     | 01-01T00:15 01-01T01:15                         | local minutes
    Australia/Lord_Howe | hour :15                          | 2026-10-03T14:00:00Z     | 10-03T14:45 10-03T16:15                         | local 01:15, then 03:15
    Australia/Lord_Howe | hour :45                          | 2026-04-04T14:00:00Z     | 04-04T14:45 04-04T15:15 04-04T16:15             | local 01:45 twice
    America/New_York    | cron 0 30 2,14 * * *              | 2026-03-07T12:00:00Z     | 03-07T19:30 03-08T07:00 03-08T18:30             | a list of hours, gap
    America/New_York    | cron 30 1,13 * * *                | 2026-10-31T18:00:00Z     | 11-01T05:30 11-01T18:30                         | a list of hours, overlap
    America/New_York    | cron 0 0,30 2-3 * * *             | 2026-03-08T00:00:00Z     | 03-08T07:00 03-08T07:30 03-09T06:00             | two times fall together
    America/New_York    | cron */20 * * * *                 | 2026-03-08T06:30:00Z     | 03-08T06:40 03-08T07:00 03-08T07:20             | every 20 minutes, gap
    America/New_York    | cron */30 * * * *                 | 2026-11-01T05:15:00Z     | 11-01T05:30 11-01T06:00 11-01T06:30 11-01T07:00 | every 30 minutes, overlap
    America/New_York    | cron 0 30 2 * * MON-FRI           | 2026-03-06T12:00:00Z     | 03-09T06:30 03-10T06:30                         | weekdays
    UTC                 | cron 0 0 13 * FRI                 | 2026-02-01T00:00:00Z     | 02-06T00:00 02-13T00:00 02-20T00:00             | day or weekday
    UTC                 | cron 0 0 13 * +FRI                | 2026-02-01T00:00:00Z     | 02-13T00:00 03-13T00:00 11-13T00:00             | day and weekday
    UTC                 | cron 0 0 L * *                    | 2026-02-01T00:00:00Z     | 02-28T00:00 03-31T00:00                         | last day
    UTC                 | cron 0 0 29 2 *                   | 2026-02-01T00:00:00Z     | 02-29T00:00 02-29T00:00                         | leap days only
    UTC                 | cron 0 0 29 2 +SUN                | 2026-02-01T00:00:00Z     | 02-29T00:00 02-29T00:00                         | leap days that are Sundays
";

#[test]
fn each_occurrence_is_one_instant_whatever_the_clocks_do() {
    for row in OCCURRENCES.trim().lines() {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let mut after = at(cells[2]);
        let schedule = schedule(cells[0], cells[1]);
        for want in cells[3].split(' ') {
            after = schedule.next_after(after).unwrap();
            assert_eq!(after.strftime("%m-%dT%H:%M").to_string(), want, "{row}");
        }
    }
}

#[test]
fn a_cron_line_is_checked_field_by_field() {
    for (line, want) in [
        ("0 30 2 * * MON-FRI", Ok("0 30 2 * * MON-FRI")),
        ("  30   2 * * mon ", Ok("30 2 * * mon")),
        ("0 0 1,15 * 1#2", Ok("0 0 1,15 * 1#2")),
        (
            "",
            Err(
                "a cron line has 5 fields (minute hour day month weekday) or 6 with the seconds first, not 0",
            ),
        ),
        (
            "@daily",
            Err(
                "a cron line has 5 fields (minute hour day month weekday) or 6 with the seconds first, not 1",
            ),
        ),
        (
            "0 0 0 1 1 * 2030",
            Err(
                "a cron line has 5 fields (minute hour day month weekday) or 6 with the seconds first, not 7",
            ),
        ),
        (
            "60 2 * * *",
            Err("the minute field `60` of the cron line cannot be read: number out of bounds"),
        ),
        (
            "0 0 24 * * *",
            Err("the hour field `24` of the cron line cannot be read: number out of bounds"),
        ),
        (
            "0 2,,3 * * *",
            Err(
                "the hour field `2,,3` of the cron line cannot be read: a part of the list is empty",
            ),
        ),
        (
            "0 2 * * MO",
            Err(
                "the weekday field `MO` of the cron line cannot be read: illegal character 'M' in part 'MO'",
            ),
        ),
        (
            "0 2 30 2 *",
            Err("no day ever matches the day, month and weekday fields of the cron line"),
        ),
        (
            "0 2 31 4,6,9,11 *",
            Err("no day ever matches the day, month and weekday fields of the cron line"),
        ),
    ] {
        let parsed = CronLine::parse(line).map_err(|error| error.to_string());
        assert_eq!(
            parsed
                .as_ref()
                .map(CronLine::as_str)
                .map_err(String::as_str),
            want,
            "{line:?}"
        );
    }
}

#[test]
fn a_cron_line_shows_as_its_text_whatever_croner_makes_of_it() {
    let every = schedule("UTC", "cron 0  30 2 * * MON-FRI").every;
    assert_eq!(
        format!("{every:?}"),
        r#"Cron(CronLine("0 30 2 * * MON-FRI"))"#
    );
}

#[test]
fn an_import_that_is_made_once_has_no_occurrences() {
    let once = Schedule {
        every: Every::Once,
        ..schedule("UTC", "hour :00")
    };
    assert!(once.is_once() && !schedule("UTC", "hour :00").is_once());
    assert_eq!(once.next_after(at("2026-01-01T00:00:00Z")), None);
    assert_eq!(
        once.due(None, at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z")),
        Due::default()
    );
}

#[test]
fn no_schedule_looks_beyond_the_end_of_time() {
    let end = Timestamp::MAX;
    for every in [
        "hour :00",
        "day 12:00",
        "month 12:00 32",
        "cron 0 0 1 1 *",
        "cron */5 * * * *",
    ] {
        assert_eq!(
            schedule("Pacific/Auckland", every).next_after(end),
            None,
            "{every}"
        );
    }
}
