//! The services asked for all that a definition names, with a problem for each name that they do not know.

use jiff::Timestamp;

use super::Clients;
use super::error::RunError;
use super::plan::LEADS;
use crate::config::{Problem, Sources};
use crate::domain::definition::{ListTarget, Selection, SyncDefinition};
use crate::domain::ids::ModuleName;
use crate::domain::nearest::{did_you_mean, nearest};
use crate::domain::schema::{CONSENT_MODULES, EMAIL_FIELD, OPT_OUT_FIELD, Schema, Unresolved};
use crate::domain::value::Field;
use crate::store::ledger::rows::{ResolvedRow, ViewRow};
use crate::zoho::campaigns::{ContactField, MailingList};
use crate::zoho::crm::coql::Scope;
use crate::zoho::crm::{Columns, Converted, Crm, Module, View};

/// What the services know of a definition's names. The list's key is empty where a problem says why.
pub(super) struct Asked {
    pub(super) row: ResolvedRow,
    pub(super) problems: Vec<Problem>,
}

/// The view that a definition names, as it is now; a problem where there is none. `None` for a definition without one.
pub(super) type FoundView = Option<Result<ViewRow, Problem>>;

/// Looks up the view that the definition names: one call, and none without a view.
pub(super) async fn find_view(
    sources: &Sources,
    clients: &Clients,
    definition: &SyncDefinition,
) -> Result<FoundView, RunError> {
    let Selection::View(wanted) = &definition.selection else {
        return Ok(None);
    };
    let views = clients.crm.views(&definition.module).await?;
    let is_it = |view: &&View| {
        let named = [Some(&view.name), view.display.as_ref()];
        view.id.to_string() == *wanted || named.contains(&Some(wanted))
    };
    let found: Vec<&View> = views.iter().filter(is_it).collect();
    let module = &definition.module;
    let (message, help) = match found.as_slice() {
        [view] => {
            return Ok(Some(Ok(ViewRow {
                id: view.id.0,
                modified_at: view.modified_at.map(Timestamp::as_millisecond),
                read: false,
                listed_only: false,
            })));
        }
        [] => {
            let names: Vec<String> = views
                .iter()
                .map(|view| format!("`{}`", view.name))
                .collect();
            let near = nearest(wanted, views.iter().map(|view| view.name.as_str()));
            let there = format!("the views are {}", names.join(", "));
            let help = match (did_you_mean(near), names.is_empty()) {
                (_, true) => None,
                (Some(near), false) => Some(format!("{near} {there}")),
                (None, false) => Some(there),
            };
            (format!("module {module} has no view `{wanted}`"), help)
        }
        several => {
            let ids: Vec<String> = several.iter().map(|view| view.id.to_string()).collect();
            let message = format!(
                "module {module} has {} views named `{wanted}`",
                several.len()
            );
            (
                message,
                Some(format!("name one by its id: {}", ids.join(", "))),
            )
        }
    };
    let problem = sources.problem(&definition.id, "select.view", message, help);
    Ok(Some(Err(problem)))
}

/// Asks the services for all that the definition names.
pub(super) async fn ask(
    sources: &Sources,
    clients: &Clients,
    definition: &SyncDefinition,
    digest: [u8; 16],
    view: FoundView,
) -> Result<Asked, RunError> {
    let modules = clients.crm.modules().await?;
    let lists = clients.campaigns.lists().await?;
    let mut problems = Vec::new();
    let view = match view {
        Some(Ok(view)) => Some(view),
        Some(Err(problem)) => {
            problems.push(problem);
            None
        }
        None => None,
    };
    let list = match find_list(&lists, definition) {
        Ok(list) => list.key.to_string(),
        Err((message, help)) => {
            problems.push(sources.problem(&definition.id, "list", message, help));
            String::new()
        }
    };
    let module = &definition.module;
    let known = |name: &str| modules.iter().any(|it| it.api_name == name && it.readable);
    if !known(module.as_str()) {
        let message = format!("the CRM has no module `{module}`");
        let help = nearest_module(module, &modules);
        problems.push(sources.problem(&definition.id, "module", message, help));
        return Err(RunError::Definition {
            sync: definition.id.clone(),
            problems,
        });
    }
    let fields = clients.crm.fields(module).await?;
    let related = related(clients, definition, &fields, &modules).await?;
    let mut consent_modules = Vec::new();
    let exists = |name: &&&str| modules.iter().any(|it| it.api_name == **name);
    for name in CONSENT_MODULES.iter().filter(exists) {
        let is_own = *name == module.as_str();
        let hidden = match (known(name), is_own) {
            (false, _) => Some(format!("module {name}")),
            (true, true) => hidden_consent(&fields, &[OPT_OUT_FIELD]),
            (true, false) => {
                let fields = fields_of(clients, name).await?;
                hidden_consent(&fields, &[OPT_OUT_FIELD, EMAIL_FIELD])
            }
        };
        if let Some(hidden) = hidden {
            let of = match known(name) {
                true => format!(" of module {name}"),
                false => String::new(),
            };
            let message = format!(
                "the CRM does not show {hidden}{of}, so that nobody can be told who opted out"
            );
            let help = "give the token's user the right to see it in the CRM";
            let help = Some(help.to_owned());
            problems.push(sources.problem(&definition.id, "module", message, help));
        } else if !is_own {
            consent_modules.push((*name).to_owned());
        }
    }
    let labels = clients.campaigns.contact_fields().await?;
    let labels = labels.into_iter().map(label).collect();
    let row = ResolvedRow {
        definition: digest,
        list,
        fields,
        labels,
        consent_modules,
        related,
        view,
        hides_converted: None,
    };
    Ok(Asked { row, problems })
}

/// Whether COQL leaves converted leads out, which the CRM does not say: told by one that Get Records has. `None` where
/// there is none.
pub(super) async fn hides_converted(crm: &Crm) -> Result<Option<bool>, RunError> {
    let Ok(module) = LEADS.parse() else {
        return Ok(None);
    };
    let columns = Columns {
        module,
        fields: Vec::new(),
    };
    let only = Converted::Only;
    let page = crm.walk(&columns, None, only, None, None).await?;
    let Some(converted) = page.records.first() else {
        return Ok(None);
    };
    let scope = Scope::Ids {
        ids: vec![converted.id],
        view: None,
    };
    let found = crm.page(&columns, &scope, 1).await?;
    Ok(Some(found.records.is_empty()))
}

/// The fields of the modules that the definition's paths lead to, each asked for once. Those of a module that cannot be
/// read stay unknown, and binding says so.
async fn related(
    clients: &Clients,
    definition: &SyncDefinition,
    fields: &[Field],
    modules: &[Module],
) -> Result<Vec<(String, Vec<Field>)>, RunError> {
    let mut schema = Schema::new(definition.module.clone(), fields.to_vec());
    let mut related = Vec::new();
    for path in definition.paths() {
        while let Err(Unresolved::Unknown(module)) = schema.resolve(path) {
            let mut known = modules.iter().filter(|it| it.readable);
            if !known.any(|it| it.api_name == module.as_str()) {
                break;
            }
            let fields = clients.crm.fields(&module).await?;
            related.push((module.to_string(), fields.clone()));
            schema.add(module, fields);
        }
    }
    Ok(related)
}

/// The module's own columns that are not among its fields `now`, where a query named some that may have gone.
pub(super) fn missing_columns<'c>(columns: &'c [Field], now: &[Field]) -> Vec<&'c str> {
    let is_own = |column: &&Field| !column.api_name.contains('.');
    let gone = |column: &&Field| now.iter().all(|field| field.api_name != column.api_name);
    let own = columns.iter().filter(is_own);
    own.filter(gone)
        .map(|column| column.api_name.as_str())
        .collect()
}

async fn fields_of(clients: &Clients, module: &str) -> Result<Vec<Field>, RunError> {
    match module.parse::<ModuleName>() {
        Ok(module) => Ok(clients.crm.fields(&module).await?),
        Err(_) => Ok(Vec::new()),
    }
}

/// The first of the fields needed to tell who opted out that is not there.
fn hidden_consent(fields: &[Field], needed: &[&str]) -> Option<String> {
    let is_missing = |name: &&&str| fields.iter().all(|field| field.api_name != **name);
    let missing = needed.iter().find(is_missing);
    missing.map(|name| format!("`{name}`"))
}

fn nearest_module(module: &ModuleName, modules: &[Module]) -> Option<String> {
    let names = modules
        .iter()
        .filter(|it| it.readable)
        .map(|it| it.api_name.as_str());
    did_you_mean(nearest(module.as_str(), names))
}

fn label(field: ContactField) -> (String, Option<u64>) {
    (
        field.label,
        field
            .max_length
            .and_then(|length| u64::try_from(length).ok()),
    )
}

/// The definition's list, if it can be written to without mailing everyone.
pub(super) fn find_list<'l>(
    lists: &'l [MailingList],
    definition: &SyncDefinition,
) -> Result<&'l MailingList, (String, Option<String>)> {
    let wanted = match &definition.list {
        ListTarget::Key(key) => key.as_str(),
        ListTarget::Name(name) => name.as_str(),
    };
    let is_it = |list: &&MailingList| match &definition.list {
        ListTarget::Key(key) => list.key == *key,
        ListTarget::Name(name) => list.name == *name,
    };
    let matches: Vec<_> = lists.iter().filter(is_it).collect();
    match matches.as_slice() {
        [list] if list.signup_form && !definition.advanced.allow_signup_form => {
            let message = format!(
                "the list `{}` has its sign-up form enabled: Campaigns would mail everyone added and ask them to confirm",
                list.name
            );
            let help = "disable the form in Campaigns, or set `advanced.allow_signup_form = true`";
            Err((message, Some(help.to_owned())))
        }
        [list] => Ok(list),
        [] => {
            let message = format!("Campaigns has no list `{wanted}`");
            Err((message, nearest_list(&definition.list, lists)))
        }
        several => {
            let keys: Vec<_> = several.iter().map(|list| list.key.to_string()).collect();
            let message = format!("Campaigns has {} lists named `{wanted}`", several.len());
            Err((
                message,
                Some(format!("name one by its key: {}", keys.join(", "))),
            ))
        }
    }
}

fn nearest_list(target: &ListTarget, lists: &[MailingList]) -> Option<String> {
    match target {
        ListTarget::Name(name) => {
            did_you_mean(nearest(name, lists.iter().map(|list| list.name.as_str())))
                .or_else(|| all_lists(lists))
        }
        ListTarget::Key(key) if lists.iter().any(|list| list.name == key.as_str()) => Some(
            format!("that is its name: write `list = {{ name = \"{key}\" }}`"),
        ),
        ListTarget::Key(_) => all_lists(lists),
    }
}

fn all_lists(lists: &[MailingList]) -> Option<String> {
    let named = |list: &MailingList| format!("{} ({})", list.name, list.key);
    let names: Vec<_> = lists.iter().map(named).collect();
    (!names.is_empty()).then(|| format!("the lists are: {}", names.join(", ")))
}
