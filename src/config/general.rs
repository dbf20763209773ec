//! The tables of `rosterd.toml` but for the accounts, with their defaults.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::tz::TimeZone;

use super::quantities::share;
use super::raw::{Number, RawConfig, RawHistory, RawLimits, RawLog, RawSafety, RawScreening};
use super::report::Report;
use super::settings::{History, Log, LogFormat, RemovalBound, Safety};
use crate::domain::limits::LimitValues;
use crate::domain::nearest::nearest;

/// Where the control socket is unless the file says otherwise.
const CONTROL: &str = "/run/rosterd/control.sock";

/// What `rosterd.toml` says beside its accounts.
pub(super) struct General {
    pub(super) timezone: TimeZone,
    pub(super) syncs_dir: PathBuf,
    pub(super) state_dir: PathBuf,
    pub(super) history_dir: PathBuf,
    pub(super) control: PathBuf,
    pub(super) log: Log,
    pub(super) history: History,
    pub(super) limits: LimitValues,
    pub(super) safety: Safety,
    pub(super) give_up_after: Duration,
    pub(super) group_emails: Vec<String>,
    pub(super) builtin_group_emails: bool,
}

/// Reads the tables; `base` is the folder of `rosterd.toml`, from which relative paths start.
pub(super) fn general(raw: &RawConfig, base: &Path, report: &mut Report<'_>) -> General {
    let folder = |path: &str, value: &Option<String>, default: &str, report: &mut Report<'_>| {
        let value = value.as_deref().unwrap_or(default).trim();
        if value.is_empty() {
            report.wrong(path, "this path is empty", None);
        }
        base.join(value)
    };
    let zone = raw.timezone.as_deref().unwrap_or("UTC");
    listen(raw.http.listen.as_deref().unwrap_or(""), report);
    General {
        timezone: report.zone("timezone", zone).unwrap_or(TimeZone::UTC),
        syncs_dir: folder("syncs", &raw.syncs, "syncs.d", report),
        state_dir: folder("state_dir", &raw.state_dir, "/var/lib/rosterd", report),
        history_dir: folder("history_dir", &raw.history_dir, "/var/log/rosterd", report),
        control: folder("control", &raw.control, CONTROL, report),
        log: log(&raw.log, report),
        history: history(&raw.history, report),
        limits: limits(&raw.limits, report),
        safety: safety(&raw.safety, report),
        give_up_after: report.duration(
            "retry.give_up_after",
            raw.retry.give_up_after.as_ref(),
            Duration::from_secs(15 * 60),
        ),
        group_emails: group_emails(&raw.screening, report),
        builtin_group_emails: raw.screening.builtin_group_emails.is_none_or(|flag| flag.0),
    }
}

fn listen(text: &str, report: &mut Report<'_>) {
    if !text.is_empty() && text.parse::<SocketAddr>().is_err() {
        let help = "use an address and port, e.g. \"127.0.0.1:9464\"".to_owned();
        report.wrong(
            "http.listen",
            format!("`{text}` is not an address to listen on"),
            help,
        );
    }
}

fn log(raw: &RawLog, report: &mut Report<'_>) -> Log {
    let level = raw.level.clone().unwrap_or_else(|| "info".to_owned());
    log_level(&level, report);
    let formats = [
        ("auto", LogFormat::Auto),
        ("journald", LogFormat::Journald),
        ("json", LogFormat::Json),
        ("text", LogFormat::Text),
    ];
    let format = report.choice("log.format", raw.format.as_ref(), LogFormat::Auto, &formats);
    Log { level, format }
}

fn log_level(level: &str, report: &mut Report<'_>) {
    const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];
    if LEVELS.contains(&level) {
        return;
    }
    // A single word that is no level would be taken for the name of a module, and silence everything else.
    let is_word = !level.contains(['=', ',']);
    if is_word || tracing_subscriber::EnvFilter::try_new(level).is_err() {
        let help = nearest(level, LEVELS).map_or_else(
            || "use error, warn, info, debug or trace, or directives such as `info,rosterd::run=debug`".to_owned(),
            |name| format!("did you mean `{name}`?"),
        );
        report.wrong("log.level", format!("`{level}` is not a log level"), help);
    }
}

fn history(raw: &RawHistory, report: &mut Report<'_>) -> History {
    let mut count = |key: &str, number: Option<&Number>, default: u32, least: u64| {
        let path = format!("history.{key}");
        let number = report.number(&path, number, default.into(), (least, 1_000_000));
        u32::try_from(number).unwrap_or(default)
    };
    History {
        rotate_mib: count("rotate_mib", raw.rotate_mib.as_ref(), 64, 1).into(),
        keep_rotated: count("keep_rotated", raw.keep_rotated.as_ref(), 12, 0),
        keep_ignored_days: count("keep_ignored_days", raw.keep_ignored_days.as_ref(), 90, 0),
    }
}

fn limits(raw: &RawLimits, report: &mut Report<'_>) -> LimitValues {
    let mut limit = |key: &str, number: &Option<Number>, default: u64| {
        report.limit(&format!("limits.{key}"), number.as_ref(), default)
    };
    LimitValues {
        active_syncs: limit("active_syncs", &raw.active_syncs, 10),
        runs_per_day: limit("runs_per_day", &raw.runs_per_day, 10),
        initiations_per_month: limit("initiations_per_month", &raw.initiations_per_month, 50),
        resyncs_per_day: limit("resyncs_per_day", &raw.resyncs_per_day, 5),
        resyncs_per_month: limit("resyncs_per_month", &raw.resyncs_per_month, 15),
    }
}

fn safety(raw: &RawSafety, report: &mut Report<'_>) -> Safety {
    const DEFAULT: RemovalBound = RemovalBound::Share(1000);
    const PATH: &str = "safety.max_removals";
    let most = u64::from(u32::MAX);
    let max_removals = match &raw.max_removals {
        None => DEFAULT,
        Some(Number::Text(text)) => share(text).map(RemovalBound::Share).unwrap_or_else(|| {
            let help = "use a share such as \"10%\", or a number".to_owned();
            report.wrong(PATH, format!("`{text}` is not a bound"), help);
            DEFAULT
        }),
        number @ Some(Number::Whole(_)) => {
            RemovalBound::Contacts(report.number(PATH, number.as_ref(), 0, (0, most)))
        }
    };
    let min_removals = raw.min_removals.as_ref();
    Safety {
        max_removals,
        min_removals: report.number("safety.min_removals", min_removals, 25, (0, most)),
        suppression_max_age: report.duration(
            "safety.suppression_max_age",
            raw.suppression_max_age.as_ref(),
            Duration::from_secs(3600),
        ),
    }
}

fn group_emails(raw: &RawScreening, report: &mut Report<'_>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (index, text) in raw
        .group_emails
        .iter()
        .flat_map(|texts| &texts.0)
        .enumerate()
    {
        let path = format!("screening.group_emails[{index}]");
        let name = text.trim().to_lowercase();
        if name.is_empty() || name.contains(['@', '+']) || name.contains(char::is_whitespace) {
            let help = "name only what stands before the `@`, e.g. \"team\"".to_owned();
            report.wrong(&path, "this is not the name of a role address", help);
        } else if names.contains(&name) {
            report.wrong(&path, format!("`{name}` is listed twice"), None);
        } else {
            names.push(name);
        }
    }
    names
}
