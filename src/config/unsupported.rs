//! Keys whose effect is not built yet: refused when they say something else than the default, never ignored.
//!
//! Runs after the values were checked, so a wrong value is told as such. As effects are built, lines go from here.

use super::raw::RawConfig;
use super::report::Report;

/// Looks through `rosterd.toml`.
pub(super) fn config(raw: &RawConfig, report: &mut Report<'_>) {
    let says = |text: &Option<String>, default: &str| text.as_ref().is_some_and(|t| t != default);
    refuse("http.listen", says(&raw.http.listen, ""), report);
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
