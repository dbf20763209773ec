//! Keys whose effect is not built yet: refused when they say something else than the default, never ignored.
//!
//! Runs after the values were checked, so a wrong value is told as such. As effects are built, lines go from here.

use super::general::CONTROL;
use super::raw::{Number, RawConfig};
use super::report::Report;

/// Looks through `rosterd.toml`.
pub(super) fn config(raw: &RawConfig, report: &mut Report<'_>) {
    let says = |text: &Option<String>, default: &str| text.as_ref().is_some_and(|t| t != default);
    refuse("control", says(&raw.control, CONTROL), report);
    refuse("http.listen", says(&raw.http.listen, ""), report);
    let active = raw.limits.active_syncs.as_ref();
    let active = active.is_some_and(|number| *number != Number::Whole(10));
    refuse("limits.active_syncs", active, report);
    for (name, account) in &raw.accounts {
        let path = |key: &str| format!("accounts.{name}.{key}");
        refuse(&path("zsc_key"), account.zsc_key.is_some(), report);
    }
}

fn refuse(path: &str, is_said: bool, report: &mut Report<'_>) {
    if is_said {
        let key = path.rsplit('.').next().unwrap_or(path);
        let help = "leave it out".to_owned();
        report.wrong(
            path,
            format!("`{key}` with this value is not supported yet"),
            help,
        );
    }
}
