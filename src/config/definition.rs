//! One file of `syncs.d`: from what is written to a definition that can be trusted.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::civil;
use jiff::tz::TimeZone;

use super::document::Content;
use super::raw::{Literal, RawAdvanced, RawListName, RawRetrieve, RawSync, TextOr};
use super::related;
use super::report::Report;
use super::selection::{field, selection};
use super::timetable::schedule;
use crate::domain::definition::{
    Advanced, Departure, ListTarget, MappingRules, OptedInAgain, Retrieval, Retrieved,
    SyncDefinition, WayOff,
};
use crate::domain::ids::{AccountName, FieldPath, ListKey, ModuleName, SyncId};
use crate::domain::nearest::hint;
use crate::domain::schedule::Every;
use crate::domain::schema::OPT_OUT_FIELD;

const DAY: Duration = Duration::from_secs(86_400);

/// What a definition is read against.
pub(super) struct Surroundings {
    /// The accounts of `rosterd.toml`; `None` where that could not be read.
    pub(super) accounts: Option<BTreeSet<AccountName>>,
    /// Those of them that use the topic model.
    pub(super) topics: BTreeSet<AccountName>,
    /// Its time zone.
    pub(super) zone: TimeZone,
}

/// The definition, if nothing is wrong with it.
pub(super) fn definition(
    id: &SyncId,
    raw: &RawSync,
    around: &Surroundings,
    report: &mut Report<'_>,
) -> Option<SyncDefinition> {
    let name = report.required("name", raw.name.as_ref());
    let account = account(raw.account.as_ref(), around, report);
    let module = module(raw.module.as_ref(), report);
    let list = list(raw.list.as_ref(), report);
    let selection = selection(raw.select.as_ref(), &around.zone, report);
    let mapping = mapping(raw, report);
    let schedule = schedule(raw.schedule.as_ref(), &around.zone, report);
    let retrieval = retrieval(&raw.retrieve, report);
    let reconcile_every = reconcile_every(&raw.retrieve, report);
    let advanced = advanced(&raw.advanced, module.as_ref(), report);
    let once = schedule.as_ref().is_some_and(|it| it.every == Every::Once);
    if once
        && advanced
            .as_ref()
            .is_some_and(|it| it.deleted != Departure::Keep)
    {
        let message = "only recurring syncs see what is deleted, and this one runs once";
        let help = "use \"keep\", or another `schedule.every` than \"once\"".to_owned();
        report.wrong("advanced.deleted", message, help);
    }
    if let Some(module) = &module {
        related::deals_of_others(raw, module, report);
    }
    Some(SyncDefinition {
        id: id.clone(),
        name: name?,
        account: account?,
        module: module?,
        list: list?,
        active: raw.active.is_none_or(|flag| flag.0),
        selection: selection?,
        mapping,
        schedule: schedule?,
        retrieval,
        reconcile_every,
        advanced: advanced?,
    })
}

fn account(
    text: Option<&String>,
    around: &Surroundings,
    report: &mut Report<'_>,
) -> Option<AccountName> {
    let known = around.accounts.as_ref();
    let Some(text) = text else {
        let known = known?;
        if known.len() > 1 {
            let names: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
            report.missing("account", format!("use one of {}", names.join(", ")));
        }
        return known.first().cloned();
    };
    let name = text.parse::<AccountName>().ok();
    match (name, known) {
        (Some(name), Some(known)) if known.contains(&name) => Some(name),
        (Some(name), None) => Some(name),
        (Some(_) | None, known) => {
            let names = known.into_iter().flatten().map(AccountName::as_str);
            let help = hint(text, names);
            report.wrong("account", format!("there is no account `{text}`"), help);
            None
        }
    }
}

fn module(text: Option<&String>, report: &mut Report<'_>) -> Option<ModuleName> {
    let text = report.required("module", text)?;
    text.parse()
        .map_err(|error: crate::domain::ids::IdError| {
            let message = format!("`{text}` is not the API name of a module");
            report.wrong("module", message, error.to_string());
        })
        .ok()
}

fn list(raw: Option<&TextOr<RawListName>>, report: &mut Report<'_>) -> Option<ListTarget> {
    match raw {
        None => {
            let help = "give the list's key, or { name = \"…\" }".to_owned();
            report.missing("list", help);
            None
        }
        Some(TextOr::Text(text)) => match text.parse::<ListKey>() {
            Ok(key) => Some(ListTarget::Key(key)),
            Err(error) => {
                let message = format!("`{text}` is not a list key: {error}");
                let help = format!("for a list's name use {{ name = \"{text}\" }}");
                report.wrong("list", message, (!text.is_empty()).then_some(help));
                None
            }
        },
        Some(TextOr::Table(table)) => {
            let name = report.required("list.name", table.name.as_ref())?;
            Some(ListTarget::Name(name))
        }
    }
}

/// The rows of `[map]` in the file's order; the layers know them by name only.
fn mapping(raw: &RawSync, report: &mut Report<'_>) -> MappingRules {
    let mut rules: Vec<(String, Option<FieldPath>)> = Vec::new();
    let rows = report.document().find("map").map(|node| &node.content);
    let Some(Content::Table(rows)) = rows else {
        return MappingRules { rules };
    };
    for (label, _) in rows {
        let Some(text) = raw.map.get(label) else {
            continue;
        };
        let path = format!("map.{label}");
        if label.trim().is_empty() {
            report.wrong_key(&path, "the label of a Campaigns field is missing", None);
        }
        let same = |(other, _): &&(String, _)| other.to_lowercase() == label.to_lowercase();
        if let Some((other, _)) = rules.iter().find(same) {
            let message = format!("the Campaigns field `{other}` is mapped twice");
            report.wrong_key(
                &path,
                message,
                "labels are the same whatever their case".to_owned(),
            );
        }
        let field = match text.trim() {
            "" => {
                if is_address(label) {
                    let message = "the e-mail field cannot be taken out: without an address there is no contact";
                    report.wrong(&path, message, None);
                }
                None
            }
            _ => field(&path, Some(text), report),
        };
        if is_address(label)
            && let Some(field) = &field
        {
            related::address(&path, field, report);
        }
        rules.push((label.clone(), field));
    }
    MappingRules { rules }
}

/// Whether the label is that of the address, which a contact cannot be without.
fn is_address(label: &str) -> bool {
    label.trim().to_lowercase() == "contact email"
}

fn retrieval(raw: &RawRetrieve, report: &mut Report<'_>) -> Retrieval {
    let words = [
        ("new", Retrieved::New),
        ("modified", Retrieved::Modified),
        ("new_and_modified", Retrieved::NewAndModified),
    ];
    let records = raw.records.as_ref();
    let records = report.choice("retrieve.records", records, Retrieved::default(), &words);
    let created = raw.created.as_ref();
    let created_from = created.and_then(|created| created.from.as_ref());
    let created_from = day("retrieve.created.from", created_from, report);
    let created_to = created.and_then(|created| created.to.as_ref());
    let created_to = day("retrieve.created.to", created_to, report);
    if let (Some(from), Some(to)) = (created_from, created_to)
        && from > to
    {
        report.wrong("retrieve.created.to", "this is before `from`", None);
    }
    Retrieval {
        records,
        created_from,
        created_to,
    }
}

fn reconcile_every(raw: &RawRetrieve, report: &mut Report<'_>) -> Option<Duration> {
    let every = raw.reconcile_every.as_ref()?;
    Some(report.duration("retrieve.reconcile_every", Some(every), 7 * DAY))
}

fn day(path: &str, raw: Option<&Literal>, report: &mut Report<'_>) -> Option<civil::Date> {
    let text = match raw? {
        Literal::Text(text) | Literal::Moment(text) => text.as_str(),
        Literal::Whole(_) | Literal::Decimal(_) | Literal::Flag(_) => "",
    };
    let date = (text.len() == 10).then(|| text.parse().ok()).flatten();
    if date.is_none() {
        report.wrong(
            path,
            "this is not a date",
            "use a date, e.g. 2026-01-01".to_owned(),
        );
    }
    date
}

fn advanced(
    raw: &RawAdvanced,
    module: Option<&ModuleName>,
    report: &mut Report<'_>,
) -> Option<Advanced> {
    let departures = [
        ("keep", Departure::Keep),
        ("unsubscribe", Departure::Unsubscribe),
        ("remove", Departure::Remove),
    ];
    let mut departure = |path: &str, text: &Option<String>| {
        report.choice(path, text.as_ref(), Departure::Keep, &departures)
    };
    let deleted = departure("advanced.deleted", &raw.deleted);
    let left = departure("advanced.left", &raw.left);
    let ways = [
        ("unsubscribe", WayOff::Unsubscribe),
        ("remove", WayOff::Remove),
    ];
    let opted_out = raw.opted_out.as_ref();
    let opted_out = report.choice("advanced.opted_out", opted_out, WayOff::Unsubscribe, &ways);
    let choices = [("ignore", OptedInAgain::Ignore), ("add", OptedInAgain::Add)];
    let again = raw.opted_in_again.as_ref();
    let again = report.choice(
        "advanced.opted_in_again",
        again,
        OptedInAgain::Ignore,
        &choices,
    );
    let exclude_converted = raw.exclude_converted.is_some_and(|flag| flag.0);
    if exclude_converted && module.is_some_and(|module| module.as_str() != "Leads") {
        report.wrong(
            "advanced.exclude_converted",
            "only Leads are converted",
            "leave it out".to_owned(),
        );
    }
    Some(Advanced {
        deleted,
        opted_out,
        left,
        opted_in_again: again,
        opt_out_field: opt_out_field(raw.opt_out_field.as_ref(), report)?,
        exclude_converted,
        clear_empty: raw.clear_empty.is_some_and(|flag| flag.0),
        allow_signup_form: raw.allow_signup_form.is_some_and(|flag| flag.0),
    })
}

fn opt_out_field(text: Option<&String>, report: &mut Report<'_>) -> Option<FieldPath> {
    const PATH: &str = "advanced.opt_out_field";
    let default = OPT_OUT_FIELD.to_owned();
    let path = field(PATH, Some(text.unwrap_or(&default)), report)?;
    if !path.is_own() {
        report.wrong(PATH, "an opt-out is a field of the record itself", None);
    }
    Some(path)
}
