//! What has to hold after every run.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::facts::{Block, Facts, Join, Last};
use super::model::{Asked, Fate};
use super::scene::{Row, Scene};
use super::settle::Ended;

/// Removals that no person is asked about, as the walk's settings have it.
pub(super) const REMOVALS_MAX: usize = 2;

/// What is wrong, in a sentence.
pub(super) type Verdict = Result<(), String>;

/// Fails with a sentence unless something holds.
fn hold(holds: bool, otherwise: impl FnOnce() -> String) -> Verdict {
    match holds {
        true => Ok(()),
        false => Err(otherwise()),
    }
}

/// Nobody was sent to Campaigns to be added who must not be.
pub(super) fn nobody_suppressed_is_added(asked: &Asked<'_>, sent: &BTreeSet<String>) -> Verdict {
    let sync = &asked.syncs[asked.number];
    for address in sent {
        let place = asked.facts.place(sync.list, address);
        let standing = asked.scene.standing(sync.list, address);
        let why = if asked.facts.block(address) == Some(Block::Sure) {
            "it had opted out in the CRM"
        } else if place.is_doubtful || standing == "active" {
            // Who is on the list is not added, but updated.
            continue;
        } else if standing == "bounced" || place.bounce_is_seen && !place.came_back {
            "it had bounced"
        } else if standing == "unsubscribed" && place.last == Last::Person {
            "the person had left"
        } else if standing.is_empty() && place.left_is_seen && !place.came_back {
            "the person had left, and Campaigns forgot that"
        } else if standing == "unsubscribed"
            && place.last == Last::OptedOut
            && sync.opted_in_again == "ignore"
        {
            "rosterd had taken it off for opting out, which is to stay so"
        } else {
            continue;
        };
        return Err(format!("{address} was added to list {}: {why}", sync.list));
    }
    Ok(())
}

/// Nobody whom others put there was taken off, unless the address opted out.
pub(super) fn nothing_foreign_is_touched(
    asked: &Asked<'_>,
    taken_off: &BTreeSet<String>,
) -> Verdict {
    let list = asked.syncs[asked.number].list;
    for address in taken_off {
        let place = asked.facts.place(list, address);
        let is_foreign = place.last == Last::Others && place.join != Join::Unnoticed;
        let is_blocked = asked.facts.block(address).is_some();
        hold(!is_foreign || is_blocked, || {
            format!("{address} was taken off list {list}, and others had put it there")
        })?;
    }
    Ok(())
}

/// Every address of a list ended as the model says.
pub(super) fn the_list_is_as_it_should_be(
    list: usize,
    fates: &BTreeMap<String, Fate>,
    scene: &Scene,
    after: &BTreeMap<String, String>,
) -> Verdict {
    for (address, fate) in fates {
        let was = scene.standing(list, address);
        let is = after.get(address).map_or("", String::as_str);
        let is_right = match (was, is) {
            (was, is) if was == is => fate.stay,
            (_, "active") => fate.come,
            ("active", "unsubscribed") => fate.go,
            _ => false,
        };
        hold(is_right, || {
            format!("{address} on list {list} was `{was}` and is `{is}`, but {fate:?}")
        })?;
    }
    let strange = after.keys().find(|address| !fates.contains_key(*address));
    hold(strange.is_none(), || {
        format!("nobody knows {strange:?}, which is on list {list}")
    })
}

/// A run is held if it has to be, and then takes nobody off but opt-outs. Only the latter is known where other things happened
/// while it was interrupted.
pub(super) fn holds_are_right(
    has_hold: bool,
    is_checked: bool,
    lost: usize,
    fates: &mut BTreeMap<String, Fate>,
    ended: &Ended,
) -> Verdict {
    let going = |all: &BTreeMap<String, Fate>, surely: bool| {
        let going = all.values().filter(|fate| fate.is_holdable);
        going.filter(|fate| !(surely && fate.stay)).count()
    };
    // Whom Campaigns lost may be among those that a run takes for being on the list.
    let (least, most) = (going(fates, true), going(fates, false) + lost);
    let is_held = matches!(ended, Ended::Held(_));
    if is_held {
        for fate in fates.values_mut().filter(|fate| fate.is_holdable) {
            (fate.stay, fate.go) = (true, false);
        }
    }
    if !is_checked {
        return Ok(());
    }
    hold(!is_held || has_hold || most > REMOVALS_MAX, || {
        format!("it is held for {most} removals at most")
    })?;
    let must = least > REMOVALS_MAX || has_hold && least > 0;
    hold(is_held || !must, || {
        format!("it is not held for {least} removals at least")
    })
}

/// A number of a run's line, `ignored_by` included.
fn number(finished: &Value, key: &str) -> usize {
    let value = match &finished[key] {
        Value::Null => &finished["ignored_by"][key],
        value => value,
    };
    usize::try_from(value.as_u64().unwrap()).unwrap()
}

/// The sums of a run's line agree.
pub(super) fn sums_agree(finished: &Value) -> Verdict {
    let of = |key| number(finished, key);
    let reasons = finished["ignored_by"].as_object().unwrap().values();
    let reasons: u64 = reasons.map(|count| count.as_u64().unwrap()).sum();
    let is_right = of("total") == of("new") + of("re_added") + of("duplicate") + of("ignored")
        && of("ignored") == usize::try_from(reasons).unwrap()
        && of("updated") <= of("duplicate");
    hold(is_right, || format!("the sums do not agree: {finished}"))
}

/// The counts of a run, `lines` being one or, where it was killed, the lines of all it came to.
pub(super) fn counts_are_right(
    asked: &Asked<'_>,
    lines: &[&Value],
    is_killed: bool,
    after: &BTreeMap<String, String>,
) -> Verdict {
    let of = |key: &str| lines.iter().map(|line| number(line, key)).sum::<usize>();
    let check = |key: &str, least: usize, most: usize| {
        hold((least..=most).contains(&of(key)), || {
            format!("{key} is {} and not {least} to {most}", of(key))
        })
    };
    let list = asked.syncs[asked.number].list;
    let all = asked.facts.addresses(asked.scene);
    let is_active = |address: &String| after.get(address).is_some_and(|it| it == "active");
    let was_active = |address: &String| asked.scene.is_active(list, address);
    let came: Vec<&String> = all
        .iter()
        .filter(|it| !was_active(it) && is_active(it))
        .collect();
    let went = all
        .iter()
        .filter(|it| was_active(it) && !is_active(it))
        .count();
    let last = |address: &String| asked.facts.place(list, address).last;
    // Of a call that is made again it is not known whether the first one found the contact there.
    let lost = all.iter().filter(|it| is_killed && last(it) == Last::Lost);
    check("deleted", went, went + lost.count())?;
    let is_back = |address: &String| matches!(last(address), Last::Gone | Last::OptedOut);
    let back = came.iter().filter(|it| is_back(it)).count();
    check("re_added", back, came.len())?;
    let unknown = came.iter().filter(|it| !asked.facts.known.contains(**it));
    let is_misread = |address: &&String| {
        let place = asked.facts.place(list, address);
        place.join != Join::Known && was_active(address)
    };
    let misread = all.iter().filter(is_misread).count();
    check("new", unknown.count(), came.len() - back + misread)?;
    outcomes_are_right(asked, check)
}

/// The outcome of every selected record that needs no call, as a range: at least those that the run must have read, at most
/// all.
fn outcomes_are_right(asked: &Asked<'_>, check: impl Fn(&str, usize, usize) -> Verdict) -> Verdict {
    let sync = &asked.syncs[asked.number];
    let rows = asked.scene.rows.iter().filter(|row| sync.selects(row));
    let mut outcomes: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut wanted: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    let mut add = |outcome, least: bool| {
        let range = outcomes.entry(outcome).or_default();
        *range = (range.0 + usize::from(least), range.1 + 1);
    };
    for row in rows {
        let is_shown = asked.shows(row);
        add("total", is_shown);
        match &row.address {
            Err(reason) => add(reason, is_shown),
            Ok(address) => match asked.facts.block(address) {
                Some(Block::Sure) => add("opted_out", is_shown),
                Some(Block::Doubtful) => add("opted_out", false),
                None if sync.wants(row) => wanted.entry(address).or_default().push(row),
                None => add("converted", is_shown),
            },
        }
    }
    for (address, rows) in wanted {
        let shown = rows.iter().filter(|row| asked.shows(row)).count();
        for loser in 1..rows.len() {
            add("file_duplicate", loser < shown);
        }
        match asked.scene.standing(sync.list, address) {
            "unsubscribed" if is_kept_off(asked.facts, sync, address) => {
                add("do_not_mail", shown > 0);
            }
            "bounced" if !asked.facts.place(sync.list, address).left_is_seen => {
                add("bounced", shown > 0);
            }
            // Whoever left or bounced and came back may still count as that.
            _ => {
                add("do_not_mail", false);
                add("bounced", false);
            }
        }
    }
    for key in [
        "total",
        "empty_email",
        "invalid_pattern",
        "group_email",
        "opted_out",
        "converted",
        "file_duplicate",
        "do_not_mail",
        "bounced",
    ] {
        let (least, most) = outcomes.get(key).copied().unwrap_or_default();
        check(key, least, most)?;
    }
    Ok(())
}

fn is_kept_off(facts: &Facts, sync: &super::syncs::Sync, address: &str) -> bool {
    let place = facts.place(sync.list, address);
    match place.last {
        Last::Person => !place.is_doubtful && !place.bounce_is_seen,
        Last::OptedOut => sync.opted_in_again == "ignore",
        _ => false,
    }
}

/// Every run of the journal was started once and has ended once.
pub(super) fn every_run_is_told_once(journal: &[Value]) -> Verdict {
    let ids = |event: &str| {
        let lines = journal.iter().filter(|line| line["event"] == event);
        let mut ids: Vec<&str> = lines.map(|line| line["run"].as_str().unwrap()).collect();
        ids.sort_unstable();
        ids
    };
    let (started, finished) = (ids("run.started"), ids("run.finished"));
    let twice = started.windows(2).any(|pair| pair[0] == pair[1]);
    hold(!twice && started == finished, || {
        format!("started {started:?}, finished {finished:?}")
    })
}
