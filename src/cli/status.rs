//! `rosterd status`: every sync, its last and its next run, and the limits used.
//!
//! It asks the daemon or reads the mirror of the state, and the history, so it works beside a daemon and without one.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::value::RawValue;

use super::args::StatusArgs;
use super::exit::{CliError, Exit};
use super::history::{Failed, Hold};
use super::report::{Report, Style, counted, escape, minute, zone_name};
use super::state::note_aside;
use super::table::{Cell, Column, Table};
use super::{Context, history};
use crate::config::settings::Config;
use crate::daemon::status::{AccountStatus, Holder, Status, SyncState, SyncStatus, status};
use crate::domain::definition::{ListTarget, SyncDefinition};
use crate::domain::ids::{RunId, SyncId};
use crate::journal::event::{ParkReason, RunError, RunFinished, RunParked};
use crate::store::ledger_is_there;
use crate::store::mirror::Snapshot;
use crate::store::restore::place;

/// What `status --json` prints.
#[derive(Serialize)]
struct Answer {
    daemon: Daemon,
    accounts: Vec<AccountStatus>,
    syncs: Vec<Sync>,
}

#[derive(Serialize)]
struct Daemon {
    running: bool,
    #[serde(skip)]
    holder: Holder,
    version: &'static str,
}

/// A sync's status with its last run.
#[derive(Serialize)]
struct Sync {
    #[serde(flatten)]
    status: SyncStatus,
    last: Option<Box<RawValue>>,
    on_list: u64,
    /// Removals that wait for a person.
    hold: Option<Waiting>,
    /// Why the last occurrence, which came after the last run, started none.
    not_started: Option<NotStarted>,
    /// Until when its run waits, and for what.
    parked: Option<Parked>,
    #[serde(skip)]
    last_run: Option<RunFinished>,
}

/// An occurrence whose run could not start.
#[derive(Serialize)]
struct NotStarted {
    at: Timestamp,
    /// When the same run is tried again by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    again: Option<Timestamp>,
    #[serde(flatten)]
    error: RunError,
}

impl From<Failed> for NotStarted {
    fn from(failed: Failed) -> Self {
        let Failed { at, again, error } = failed;
        Self { at, again, error }
    }
}

/// A run that waits, so that others have its turn.
#[derive(Serialize)]
struct Parked {
    run: RunId,
    until: Timestamp,
    reason: ParkReason,
    /// Records that wait for their outcome; null before all are read.
    waiting: Option<u64>,
    message: String,
    #[serde(skip)]
    told: String,
}

impl Parked {
    fn of(parked: RunParked, zone: &TimeZone) -> Self {
        Self {
            told: history::parked::told(&parked, zone),
            run: parked.run,
            until: parked.until,
            reason: parked.reason,
            waiting: parked.waiting,
            message: parked.message,
        }
    }
}

/// Removals that wait for a person, and the run under which they do.
#[derive(Serialize)]
struct Waiting {
    run: RunId,
    removals: u64,
    #[serde(skip)]
    told: String,
}

impl From<Hold> for Waiting {
    fn from(hold: Hold) -> Self {
        Self {
            run: hold.run,
            removals: hold.removals,
            told: hold.told(),
        }
    }
}

/// Runs the command.
///
/// # Errors
/// The files are not valid, the sync does not exist, or the state cannot be read.
pub(super) fn run(context: &Context, args: &StatusArgs) -> Result<Exit, CliError> {
    let config = context.load_to_look()?.config;
    let wanted = match &args.sync {
        Some(asked) => Some(config.sync_named(asked)?),
        None => None,
    };
    let report = &context.report;
    let remains = place::remains(&config.state_dir);
    for left in &remains.interrupted {
        let left = left.display();
        report.note(&format!(
            "note: an interrupted restore left {left}, which names people: the next start sees to it"
        ));
    }
    note_aside(report, &remains);
    let kept = context.kept(&config)?;
    let (holder, snapshot) = &kept;
    if *holder == Holder::Nobody {
        note_lost(report, snapshot, &config);
    }
    let Status {
        holder,
        accounts,
        syncs,
    } = status(&config, &kept, context.clock.now());
    let mut last = history::last_runs(&config, report)?;
    let mut holds = history::waiting(&config, report)?;
    let mut failed = history::not_started(&config, report)?;
    let mut parked = history::parked::latest(&config, report)?;
    let syncs = syncs
        .into_iter()
        .filter(|status| wanted.as_ref().is_none_or(|wanted| status.sync == *wanted))
        .map(|mut status| {
            let on_list = status.on_list;
            let (last_run, line) = last.remove(&status.sync).unzip();
            // The journal's lines were read as JSON just now.
            let last = line.and_then(|line| RawValue::from_string(line).ok());
            let hold = holds.remove(&status.sync).map(Waiting::from);
            let not_started = failed.remove(&status.sync).map(NotStarted::from);
            let parked = parked.remove(&status.sync);
            let parked = parked.map(|run| Parked::of(run, &config.timezone));
            if parked.is_some() && status.state == SyncState::Running {
                status.reason = Some("parked");
            }
            Sync {
                status,
                not_started,
                parked,
                hold,
                last,
                on_list,
                last_run,
            }
        })
        .collect();
    let daemon = Daemon {
        running: holder == Holder::Daemon,
        holder,
        version: env!("CARGO_PKG_VERSION"),
    };
    let answer = Answer {
        daemon,
        accounts,
        syncs,
    };
    if report.json {
        report.print_json(&answer)?;
    } else {
        report.print(&text(&answer, &config, report, wanted.as_ref()))?;
    }
    Ok(Exit::Done)
}

/// Says which of the stores is gone, as far as that shows without opening them.
fn note_lost(report: &Report, snapshot: &Snapshot, config: &Config) {
    match (&snapshot.ledger, ledger_is_there(&config.state_dir)) {
        (None, true) => report.note(
            "note: the mirror of the checkpoints is missing, and what is told here may not be so: `rosterd state verify` says more",
        ),
        (Some(_), false) => report.note(
            "note: the ledger is missing: every sync is inactive from the next start on, until `rosterd state restore` a backup, or a person activates it",
        ),
        (None, false) | (Some(_), true) => {}
    }
}

fn text(answer: &Answer, config: &Config, report: &Report, wanted: Option<&SyncId>) -> String {
    let mut table = Table::new(vec![
        Column::text("sync"),
        Column::text("state"),
        Column::text("last run"),
        Column::text("outcome"),
        Column::number("on list"),
        Column::text("next run"),
    ]);
    let zone = &config.timezone;
    let at = |at: Option<Timestamp>| at.map_or_else(|| "-".to_owned(), |at| minute(at, zone));
    for sync in &answer.syncs {
        let status = &sync.status;
        let failed = sync.last_run.as_ref().and_then(|last| last.error.as_ref());
        table.row(
            vec![
                Cell::new(status.sync.as_str()),
                Cell::styled(style(status.state), status.state.name()),
                Cell::new(&at(status.last_at)),
                Cell::new(
                    sync.last_run
                        .as_ref()
                        .map_or("-", |last| last.outcome.name()),
                ),
                Cell::number(sync.on_list),
                Cell::new(&at(status.next)),
            ],
            match (failed, &sync.hold) {
                _ if status.barred.is_some() => status.barred.and_then(|why| {
                    let account = &config.syncs.get(&status.sync)?.account;
                    let remedy = why.remedy(&status.sync, account);
                    Some(Cell::styled(Style::Dim, &format!("inactive: {remedy}")))
                }),
                _ if sync.not_started.is_some() => sync.not_started.as_ref().map(|it| {
                    let (at, why) = (minute(it.at, zone), &it.error.message);
                    let again = it.again.map_or_else(String::new, |again| {
                        format!("; it is tried again at {}", minute(again, zone))
                    });
                    let told = format!("no run could start at {at}: {why}{again}");
                    Cell::styled(Style::Red, &told)
                }),
                _ if is_parked(sync) => sync.parked.as_ref().map(|it| {
                    let goes_on = match status.reason {
                        Some("interrupted") => "; it goes on once rosterd runs again",
                        Some(_) | None => "",
                    };
                    Cell::styled(Style::Yellow, &format!("{}{goes_on}", it.told))
                }),
                (Some(error), _) => Some(Cell::styled(Style::Red, &error.message)),
                (None, Some(hold)) => Some(Cell::styled(Style::Yellow, &hold.told)),
                (None, None) if status.reason == Some("interrupted") => {
                    let told = "a run was interrupted, and goes on at the next start";
                    Some(Cell::styled(Style::Yellow, told))
                }
                (None, None) => None,
            },
        );
    }
    let mut out = table.render(report);
    out.push_str(match answer.daemon.holder {
        Holder::Daemon => "\ndaemon: running\n",
        Holder::Command => "\ndaemon: not running; a command is at work\n",
        Holder::Nobody => "\ndaemon: not running\n",
    });
    match wanted.and_then(|wanted| config.syncs.get(wanted)) {
        Some(definition) => out.push_str(&detail(definition, &answer.syncs, config)),
        None => out.extend(answer.accounts.iter().map(limits)),
    }
    out
}

/// Whether a run of the sync waits, or would if rosterd ran.
fn is_parked(sync: &Sync) -> bool {
    sync.parked.is_some() && matches!(sync.status.reason, Some("parked" | "interrupted"))
}

/// What a sync's file says, and what its last run counted.
fn detail(definition: &SyncDefinition, syncs: &[Sync], config: &Config) -> String {
    let list = match &definition.list {
        ListTarget::Key(key) => key.to_string(),
        ListTarget::Name(name) => name.clone(),
    };
    let fact = |name: &str, text: &str| format!("  {name:<14}{}\n", escape(text));
    let mut out = String::from("\n");
    out += &fact("name", &definition.name);
    out += &fact("account", definition.account.as_str());
    out += &fact("from", &format!("module {}", definition.module));
    out += &fact("to", &format!("list {list}"));
    out += &fact("times in", zone_name(&config.timezone));
    for sync in syncs {
        if let Some(reason) = sync.status.reason {
            out += &fact("because", reason);
        }
        if let Some(last) = &sync.last_run {
            let counts = &last.counts;
            let counted = format!(
                "{}: {} new, {} re-added, {} duplicate ({} updated), {} ignored; {} taken off",
                counted(counts.total, "record"),
                counts.new,
                counts.re_added,
                counts.duplicate,
                counts.updated,
                counts.ignored,
                counts.deleted
            );
            out += &fact("last run", &counted);
            out += &fact("", &format!("rosterd history --run {}", last.run));
        }
    }
    out
}

fn limits(account: &AccountStatus) -> String {
    let used: Vec<String> = account
        .limits
        .iter()
        .map(|(name, limit)| match limit.limit {
            Some(most) => format!("{name} {} of {most}", limit.used),
            None => format!("{name} {} (unlimited)", limit.used),
        })
        .collect();
    format!("account {}: {}\n", account.account, used.join(", "))
}

fn style(state: SyncState) -> Style {
    match state {
        SyncState::Active | SyncState::Running => Style::Green,
        SyncState::Inactive | SyncState::Finished => Style::Dim,
        SyncState::Held => Style::Yellow,
    }
}
