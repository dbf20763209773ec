//! Runs that wait: until when, and for what.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use super::past::Past;
use crate::cli::exit::CliError;
use crate::cli::report::{Report, counted, minute};
use crate::config::settings::Config;
use crate::domain::ids::SyncId;
use crate::journal::event::RunParked;

/// The syncs whose run waits, as it was parked last.
///
/// # Errors
/// When the history cannot be read.
pub(in crate::cli) fn latest(
    config: &Config,
    report: &Report,
) -> Result<BTreeMap<SyncId, RunParked>, CliError> {
    let past = Past::read(&config.history_dir, report)?;
    let parked = past.parked().into_iter();
    Ok(parked
        .map(|(sync, run)| (sync.clone(), run.clone()))
        .collect())
}

/// That a run waits, until when and for what, and for how many.
pub(in crate::cli) fn told(parked: &RunParked, zone: &TimeZone) -> String {
    let (until, why) = (minute(parked.until, zone), &parked.message);
    let waiting = waiting(parked);
    format!("parked until {until}{waiting}: {why}")
}

/// For how many it waits, in words that follow until when.
pub(super) fn waiting(parked: &RunParked) -> String {
    let waiting = parked.waiting;
    let told = waiting.map(|waiting| format!(", with {} to go", counted(waiting, "record")));
    told.unwrap_or_default()
}

/// What there is to say about runs that wait beside what is said of their syncs; of one sync or all.
///
/// # Errors
/// When the history cannot be read.
pub(in crate::cli) fn notes(
    config: &Config,
    only: Option<&SyncId>,
    report: &Report,
) -> Result<Vec<(SyncId, String)>, CliError> {
    let latest = latest(config, report)?;
    let mut of_asked: Vec<_> = latest.iter().collect();
    of_asked.retain(|(sync, _)| only.is_none_or(|only| only == *sync));
    let notes = of_asked.into_iter().map(|(sync, parked)| {
        let told = told(parked, &config.timezone);
        let note = format!(
            "{sync}: its run is {told}; nobody is added before, and whoever opts out goes off the list at the times of the schedule, as far as the CRM can be read"
        );
        (sync.clone(), note)
    });
    Ok(notes.collect())
}
