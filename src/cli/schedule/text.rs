//! The coming runs for people.

use jiff::Timestamp;

use super::{Account, Answer, Deferred, Row};
use crate::cli::report::{Report, Style, counted, grouped, minute, time, zone_name};
use crate::cli::table::{Cell, Column, Table};
use crate::config::settings::Config;

/// All that is coming, and what it comes to.
pub(super) fn told(answer: &Answer, days: u16, config: &Config, report: &Report) -> String {
    let zone = &config.timezone;
    let mut table = Table::new(vec![
        Column::text(&format!("when ({})", zone_name(zone))),
        Column::text("sync"),
        Column::text("run"),
        Column::text("reads").rank(2),
        Column::number("CRM calls").rank(1),
        Column::number("credits").rank(1),
        Column::number("Campaigns calls").rank(1),
    ]);
    // Where runs are seconds apart, seconds tell them apart.
    let minutes = answer
        .coming
        .iter()
        .all(|row| row.at.as_second() % 60 == 0 || row.at == answer.from);
    let when = |at: Timestamp| {
        if minutes {
            minute(at, zone)
        } else {
            time(at, zone)
        }
    };
    for row in &answer.coming {
        let note = row.deferred.as_ref().map(|deferred| why(deferred, when));
        table.row(
            cells(row, when),
            note.map(|note| Cell::styled(Style::Yellow, &note)),
        );
    }
    let mut out = String::new();
    if table.is_empty() {
        out += "no run is coming\n";
    } else {
        out += &table.render(report);
    }
    out.push('\n');
    if let Some(cut_at) = answer.cut_at {
        let text = format!(
            "only the first {} are shown: what comes from {} on is left out",
            grouped(u64::try_from(answer.coming.len()).unwrap_or(u64::MAX)),
            time(cut_at, zone)
        );
        out += &report.paint(Style::Yellow, &text);
        out.push('\n');
    }
    let span = counted(u64::from(days), "day");
    out += &format!("{span}, until {}\n", minute(answer.to, zone));
    for account in &answer.accounts {
        out += &sum(account);
    }
    for warning in &answer.warnings {
        out += &report.paint(Style::Yellow, &format!("warning: {warning}"));
        out.push('\n');
    }
    out
}

fn cells(row: &Row, when: impl Fn(Timestamp) -> String) -> Vec<Cell> {
    let figure = |figure: Option<u64>| match figure {
        Some(figure) => Cell::number(figure),
        None if row.deferred.is_some() => Cell::new(""),
        None => Cell::styled(Style::Dim, "unknown"),
    };
    let run = match row.deferred {
        Some(_) => Cell::styled(Style::Yellow, "deferred"),
        None => Cell::new(row.trigger.name()),
    };
    let reads = match (&row.deferred, row.full) {
        (Some(_), _) => "",
        (None, true) => "everything",
        (None, false) => "changes",
    };
    let cost = row.cost.as_ref();
    vec![
        Cell::new(&when(row.at)),
        Cell::new(row.sync.as_str()),
        run,
        Cell::new(reads),
        figure(cost.map(|cost| cost.crm)),
        figure(cost.map(|cost| cost.credits)),
        figure(cost.map(|cost| cost.campaigns)),
    ]
}

fn why(deferred: &Deferred, when: impl Fn(Timestamp) -> String) -> String {
    let mut text = format!("the limit {} is used up", deferred.reason);
    if let Some(frees) = deferred.frees {
        text += &format!(" until {}", when(frees));
    }
    if deferred.further > 0 {
        let over = if deferred.further_more {
            "more than "
        } else {
            ""
        };
        text += &format!(
            "; {over}{} behind it are deferred too",
            grouped(deferred.further)
        );
    }
    match deferred.next {
        Some(next) => text + &format!("; next time {}", when(next)),
        None => text,
    }
}

/// What the days come to in an account.
fn sum(account: &Account) -> String {
    let mut text = format!(
        "account {}: {}, {} deferred; expected are {} to the CRM ({}) and {} to Campaigns",
        account.account,
        counted(account.runs, "run"),
        grouped(account.deferred),
        counted(account.cost.crm, "call"),
        counted(account.cost.credits, "credit"),
        counted(account.cost.campaigns, "call"),
    );
    if account.unknown > 0 {
        text += &format!(
            ", and what {} cost, which is unknown",
            counted(account.unknown, "run")
        );
    }
    text.push('\n');
    text
}
