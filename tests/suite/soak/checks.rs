//! What has to hold in the evening, in each world and between the two.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Verdict;
use super::people::People;
use super::side::Side;
use super::syncs::{LISTS, Sync};

/// The kinds of failure that outages, throttling, refused tokens and spoilt answers come to.
const PASSING: [&str; 5] = [
    "unreachable",
    "refused",
    "throttled",
    "credentials_refused",
    "not_cleared",
];

/// Everything that has to hold in one world on its own.
pub(super) fn in_itself(side: &Side, people: &People) -> Verdict {
    every_run_ended_once(&side.journal)?;
    for line in &side.journal {
        if line["event"] == "run.finished" {
            sums_agree(line)?;
            failed_for_a_reason(line, side.weather.is_some())?;
        }
    }
    limits_count_what_was_started(side)?;
    nobody_is_on_a_list_against_their_will(side, people)
}

fn every_run_ended_once(journal: &[Value]) -> Verdict {
    let ids = |event: &str| {
        let lines = journal.iter().filter(|line| line["event"] == event);
        let mut ids: Vec<&str> = lines.map(|line| line["run"].as_str().unwrap()).collect();
        ids.sort_unstable();
        ids
    };
    let (started, finished) = (ids("run.started"), ids("run.finished"));
    match finished.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(format!("run {} ended twice", pair[0])),
        None if started == finished => Ok(()),
        None => Err(format!(
            "{} runs were started and {} ended",
            started.len(),
            finished.len()
        )),
    }
}

fn sums_agree(run: &Value) -> Verdict {
    let of = |key: &str| run[key].as_u64().unwrap();
    let reasons = run["ignored_by"].as_object().unwrap().values();
    let reasons: u64 = reasons.map(|count| count.as_u64().unwrap()).sum();
    let agree = of("total") == of("new") + of("re_added") + of("duplicate") + of("ignored")
        && of("ignored") == reasons
        && of("updated") <= of("duplicate");
    match agree {
        true => Ok(()),
        false => Err(format!("the sums do not agree: {run}")),
    }
}

/// In the undisturbed world nothing fails; in the other one, nothing but what passes.
fn failed_for_a_reason(run: &Value, is_disturbed: bool) -> Verdict {
    if run["audit"]["alarms"].is_u64() {
        return Err(format!("an alarm of the audit: {run}"));
    }
    match run["error"]["kind"].as_str() {
        None => Ok(()),
        Some(kind) if is_disturbed && PASSING.contains(&kind) => Ok(()),
        Some(_) => Err(format!("a run failed: {run}")),
    }
}

fn limits_count_what_was_started(side: &Side) -> Verdict {
    let status = side.status();
    let used = &status["accounts"][0]["limits"];
    let now = side.rig.now().to_string();
    let during = |part: usize, is_counted: &dyn Fn(&str) -> bool| {
        let started = side
            .journal
            .iter()
            .filter(|line| line["event"] == "run.started");
        let of = |line: &&Value| {
            line["at"].as_str().unwrap()[..part] == now[..part]
                && is_counted(line["trigger"].as_str().unwrap())
        };
        started.filter(of).count()
    };
    let is_initiation = |trigger: &str| matches!(trigger, "initial" | "operator" | "resync");
    for (limit, count) in [
        ("runs_per_day", during(10, &|_| true)),
        ("initiations_per_month", during(7, &is_initiation)),
        (
            "resyncs_per_day",
            during(10, &|trigger| trigger == "resync"),
        ),
    ] {
        if used[limit]["used"] != count {
            return Err(format!(
                "{limit}: {} used, and {count} were started",
                used[limit]["used"]
            ));
        }
    }
    Ok(())
}

/// Nobody who opted out or went of themselves is on a list.
fn nobody_is_on_a_list_against_their_will(side: &Side, people: &People) -> Verdict {
    let records = ["Contacts", "Leads"].into_iter();
    let opted_out: BTreeSet<String> = records
        .flat_map(|module| side.rig.records(module))
        .filter(|record| record["Email_Opt_Out"] == true)
        .map(|record| record["Email"].as_str().unwrap().to_owned())
        .collect();
    for (list, standings) in side.standings() {
        for (address, standing) in standings {
            if standing != "active" {
                continue;
            }
            if opted_out.contains(&address) {
                return Err(format!("{address} has opted out and is on {list}"));
            }
            if people.gone.contains(&(list.to_owned(), address.clone())) {
                return Err(format!("{address} has left {list} and is on it"));
            }
        }
    }
    Ok(())
}

/// Both worlds have come to the same.
pub(super) fn between(calm: &Side, stormy: &Side, has_read_in_full: bool) -> Verdict {
    let mut differences = Vec::new();
    for list in LISTS {
        let (calm, stormy) = (members(calm, list), members(stormy, list));
        let addresses: BTreeSet<&String> = calm.keys().chain(stormy.keys()).collect();
        for address in addresses {
            let (one, other) = (calm.get(address), stormy.get(address));
            if one != other {
                differences.push(format!(
                    "{list} {address}: undisturbed {one:?}, disturbed {other:?}"
                ));
            }
        }
    }
    let (one, other) = (on_list(calm), on_list(stormy));
    for sync in calm.syncs.iter().filter(|sync| is_alone(calm, sync)) {
        let (one, other) = (one[sync.id], other[sync.id]);
        // What others have done to its list meanwhile, a sync knows after a read in full.
        if has_read_in_full && one != other {
            differences.push(format!(
                "{} says that it has {one} on its list, disturbed {other}",
                sync.id
            ));
        }
    }
    match differences.is_empty() {
        true => Ok(()),
        false => Err(differences.join("\n  ")),
    }
}

/// At rest, another read of everything finds the same in both worlds, and nothing to do.
pub(super) fn at_rest(worlds: &[Side; 2]) -> Verdict {
    let [calm, stormy] = worlds;
    let (ones, others) = std::thread::scope(|scope| {
        let ones = scope.spawn(|| calm.read_all_again());
        let others = stormy.read_all_again();
        (ones.join().unwrap(), others)
    });
    for (one, other) in ones?.iter().zip(&others?) {
        if one != other {
            return Err(format!("undisturbed {one}\n  disturbed {other}"));
        }
        let does = ["new", "re_added", "updated", "deleted"];
        if does.iter().any(|count| one[*count] != 0) {
            return Err(format!("at rest there was something to do: {one}"));
        }
    }
    between(calm, stormy, true)
}

/// Whether no other sync has its list: of two, the one that came later has whom the other one let go.
fn is_alone(side: &Side, sync: &Sync) -> bool {
    let same = side.syncs.iter().filter(|other| other.list == sync.list);
    same.count() == 1
}

/// Standing and fields of everybody who is or was on a list. Tags are left out: one that cannot be set fails nothing.
fn members(side: &Side, list: &str) -> BTreeMap<String, (Value, Value)> {
    let view = side.rig.get(&format!("/lists/{list}"));
    let contacts = view["contacts"].as_array().unwrap().iter();
    contacts
        .map(|contact| {
            let address = contact["address"].as_str().unwrap().to_owned();
            (
                address,
                (contact["standing"].clone(), contact["fields"].clone()),
            )
        })
        .collect()
}

/// How many each sync has on its list, as it knows itself.
fn on_list(side: &Side) -> BTreeMap<String, u64> {
    let status = side.status();
    let syncs = status["syncs"].as_array().unwrap().iter();
    syncs
        .map(|sync| {
            let count = sync["on_list"].as_u64().unwrap();
            (sync["sync"].as_str().unwrap().to_owned(), count)
        })
        .collect()
}
