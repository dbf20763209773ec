//! `rosterd schedule`: the coming runs, which of them a limit would defer, and what they are expected to cost.
//!
//! It asks the daemon or reads the mirror of the state, and the history, so it works beside a daemon and without one.

mod cost;
mod text;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use self::cost::{Cost, Costs};
use super::args::ScheduleArgs;
use super::exit::{CliError, Exit};
use super::report::{minute, zone_name};
use super::{Context, history};
use crate::config::settings::Config;
use crate::daemon::outlook::{Outlook, outlook};
use crate::daemon::status::Holder;
use crate::domain::agenda::{Agenda, Coming, Fate, Initiations};
use crate::domain::ids::{AccountName, SyncId};
use crate::domain::limits::Trigger;
use crate::journal::event::RunParked;

/// What `schedule --json` prints.
#[derive(Serialize)]
struct Answer {
    from: Timestamp,
    to: Timestamp,
    timezone: String,
    coming: Vec<Row>,
    accounts: Vec<Account>,
    warnings: Vec<String>,
    /// What comes from here on was left out, as there is too much of it.
    cut_at: Option<Timestamp>,
}

/// An occurrence.
#[derive(Serialize)]
struct Row {
    at: Timestamp,
    sync: SyncId,
    account: AccountName,
    trigger: Trigger,
    full: bool,
    deferred: Option<Deferred>,
    /// Of a run that is not deferred; null where it is not known.
    cost: Option<Cost>,
}

/// Why an occurrence does not run.
#[derive(Serialize)]
struct Deferred {
    reason: &'static str,
    frees: Option<Timestamp>,
    next: Option<Timestamp>,
    /// So many more of the sync are deferred after this one, and are not listed.
    further: u64,
    /// Whether they are more than that.
    further_more: bool,
}

/// What is coming in an account.
#[derive(Serialize)]
struct Account {
    account: AccountName,
    runs: u64,
    deferred: u64,
    cost: Cost,
    /// Runs whose cost is not known, and not in `cost`.
    unknown: u64,
    initiations_per_month: Month,
}

/// The initiations of the present month.
#[derive(Serialize)]
struct Month {
    used: u64,
    coming: u64,
    limit: Option<u64>,
    left: Option<u64>,
    resets: Timestamp,
}

/// Runs the command.
///
/// # Errors
/// The files are not valid, or state or history cannot be read.
pub(super) fn run(context: &Context, args: &ScheduleArgs) -> Result<Exit, CliError> {
    let config = context.load_to_look()?.config;
    let report = &context.report;
    let now = context.clock.now();
    let outlook = outlook(&config, &context.kept(&config)?, now, args.days);
    let runs = history::finished_runs(&config, report)?;
    let parked = history::parked::latest(&config, report)?;
    let costs = Costs::of(runs.iter());
    let mut answer = Answer::of(now, &outlook, (&costs, &parked), &config);
    let notes = history::parked::notes(&config, None, report)?;
    answer
        .warnings
        .extend(notes.into_iter().map(|(_, note)| note));
    if outlook.holder != Holder::Daemon {
        report
            .note("no daemon is running: none of this happens before `rosterd daemon` is started");
    }
    if report.json {
        report.print_json(&answer)?;
    } else {
        report.print(&text::told(&answer, args.days, &config, report))?;
    }
    Ok(Exit::Done)
}

impl Answer {
    fn of(
        now: Timestamp,
        outlook: &Outlook,
        (costs, parked): (&Costs, &BTreeMap<SyncId, RunParked>),
        config: &Config,
    ) -> Self {
        let agenda = &outlook.agenda;
        // What falls due while a run waits is skipped.
        let waits = |it: &&Coming| parked.get(&it.sync).is_some_and(|run| it.at < run.until);
        let coming = agenda.coming.iter().filter(|it| !waits(it));
        let coming: Vec<Row> = coming.map(|it| row(it, costs)).collect();
        let accounts = agenda
            .initiations
            .iter()
            .map(|(account, initiations)| self::account(account, initiations, &coming))
            .collect();
        Self {
            from: now,
            to: outlook.until,
            timezone: zone_name(&config.timezone).to_owned(),
            coming,
            accounts,
            warnings: warnings(agenda, config),
            cut_at: agenda.cut_at,
        }
    }
}

fn row(coming: &Coming, costs: &Costs) -> Row {
    let (deferred, cost) = match &coming.fate {
        // The first run adds everybody; what that costs, `plan` tells.
        Fate::Runs if coming.trigger == Trigger::Initial => (None, None),
        Fate::Runs => (None, costs.expected(&coming.sync, coming.is_full)),
        Fate::Deferred {
            limit,
            frees_at,
            next,
            further,
            further_more,
        } => {
            let deferred = Deferred {
                reason: limit.name(),
                frees: *frees_at,
                next: *next,
                further: *further,
                further_more: *further_more,
            };
            (Some(deferred), None)
        }
    };
    Row {
        at: coming.at,
        sync: coming.sync.clone(),
        account: coming.account.clone(),
        trigger: coming.trigger,
        full: coming.is_full,
        deferred,
        cost,
    }
}

fn account(name: &AccountName, initiations: &Initiations, rows: &[Row]) -> Account {
    let mut account = Account {
        account: name.clone(),
        runs: 0,
        deferred: 0,
        cost: Cost::default(),
        unknown: 0,
        initiations_per_month: Month {
            used: initiations.used,
            coming: initiations.coming,
            limit: initiations.limit,
            left: initiations.left(),
            resets: initiations.resets_at,
        },
    };
    for row in rows.iter().filter(|row| row.account == *name) {
        match (&row.deferred, &row.cost) {
            (Some(deferred), _) => account.deferred += 1 + deferred.further,
            (None, Some(cost)) => {
                account.runs += 1;
                account.cost.crm += cost.crm;
                account.cost.credits += cost.credits;
                account.cost.campaigns += cost.campaigns;
                account.cost.runs += 1;
            }
            (None, None) => {
                account.runs += 1;
                account.unknown += 1;
            }
        }
    }
    account
}

/// What a person should know before it happens.
fn warnings(agenda: &Agenda, config: &Config) -> Vec<String> {
    let zone = &config.timezone;
    let of_account = |(account, initiations): (&AccountName, &Initiations)| {
        let left = initiations.left().filter(|_| initiations.run_low())?;
        let limit = initiations.limit?;
        let coming = match initiations.coming {
            0 => String::new(),
            1 => ", and a first run is coming".to_owned(),
            more => format!(", and {more} first runs are coming"),
        };
        let (used, until) = (initiations.used, minute(initiations.resets_at, zone));
        let left = match left {
            0 => "none is".to_owned(),
            1 => "one is".to_owned(),
            more => format!("{more} are"),
        };
        Some(format!(
            "account {account}: {used} of {limit} initiations_per_month used{coming}: {left} left for first runs and runs by people until {until}"
        ))
    };
    let mut warnings: Vec<String> = agenda.initiations.iter().filter_map(of_account).collect();
    let mut waiting = BTreeMap::new();
    for coming in &agenda.coming {
        if let (Trigger::Initial, Fate::Deferred { limit, .. }) = (coming.trigger, &coming.fate) {
            waiting.entry(&coming.sync).or_insert(*limit);
        }
    }
    warnings.extend(waiting.iter().map(|(sync, limit)| {
        format!(
            "{sync}: its first run is deferred, as the limit {} is used up",
            limit.name()
        )
    }));
    warnings
}
