//! What a definition's names stand for at the services: asked once, kept until the definition changes or all is read.

use super::Base;
use super::Clients;
use super::error::RunError;
use super::plan::Plan;
use crate::config::settings::Config;
use crate::config::{Problem, Sources};
use crate::domain::criteria::{ConditionPart, Criteria};
use crate::domain::definition::{ListTarget, Selection, SyncDefinition};
use crate::domain::ids::{ListKey, ModuleName};
use crate::domain::mapping::{LabelLimit, Mapping, MappingPart};
use crate::domain::nearest::{did_you_mean, nearest};
use crate::store::StoreError;
use crate::store::ledger::rows::ResolvedRow;
use crate::store::ledger::{SyncNumbers, keys};
use crate::zoho::campaigns::MailingList;

/// Modules whose opt-outs count in every sync, and the field that says so.
const CONSENT_MODULES: [&str; 2] = ["Leads", "Contacts"];
const OPT_OUT_FIELD: &str = "Email_Opt_Out";

/// The plan of a run, and the numbers its rows are kept under. The services are asked when `fresh`, or when the
/// definition is not the one that was resolved last.
pub(super) async fn resolve(
    base: &Base,
    clients: &Clients,
    definition: &SyncDefinition,
    fresh: bool,
) -> Result<(Plan, SyncNumbers), RunError> {
    let digest = definition_digest(&base.config, definition);
    let sync = base
        .store
        .ledger
        .step(|step| step.number('s', definition.id.as_str()))?;
    let kept = base
        .store
        .ledger
        .look(|step| -> Result<_, StoreError> { step.resolved.get(&keys::number(sync)) })?;
    let row = match kept.filter(|row| row.definition == digest && !fresh) {
        Some(row) => row,
        None => {
            let row = ask(&base.sources, clients, definition, digest).await?;
            base.store
                .ledger
                .step(|step| step.resolved.put(&keys::number(sync), &row))?;
            row
        }
    };
    let plan = plan(&base.config, &base.sources, definition, &row)?;
    let account = &definition.account;
    let numbers = base.store.ledger.step(|step| -> Result<_, StoreError> {
        Ok(SyncNumbers {
            account: step.number('a', account.as_str())?,
            sync,
            list: step.number('l', &format!("{account}/{}", row.list))?,
        })
    })?;
    Ok((plan, numbers))
}

/// Checks a definition against the services, without any store.
pub(crate) async fn check(
    config: &Config,
    sources: &Sources,
    clients: &Clients,
    definition: &SyncDefinition,
) -> Result<(), RunError> {
    let digest = definition_digest(config, definition);
    let row = ask(sources, clients, definition, digest).await?;
    plan(config, sources, definition, &row).map(drop)
}

/// A digest of all that decides who is selected, what is sent and where: when it changes, everything is read.
pub(super) fn definition_digest(config: &Config, definition: &SyncDefinition) -> [u8; 16] {
    let parts = (
        (
            &definition.account,
            &definition.module,
            &definition.list,
            &definition.selection,
        ),
        (&definition.mapping, &definition.advanced),
        (
            config.timezone.iana_name(),
            &config.group_emails,
            config.builtin_group_emails,
        ),
    );
    let mut digest = [0; 16];
    let hash = blake3::hash(format!("{parts:?}").as_bytes());
    digest.copy_from_slice(&hash.as_bytes()[..16]);
    digest
}

/// Asks the services for all that the definition names.
async fn ask(
    sources: &Sources,
    clients: &Clients,
    definition: &SyncDefinition,
    digest: [u8; 16],
) -> Result<ResolvedRow, RunError> {
    let problem = |key: &str, message: String, help: Option<String>| RunError::Definition {
        sync: definition.id.clone(),
        problems: vec![sources.problem(&definition.id, key, message, help)],
    };
    let modules = clients.crm.modules().await?;
    let module = &definition.module;
    if !modules
        .iter()
        .any(|known| known.api_name == module.as_str() && known.readable)
    {
        let names = modules
            .iter()
            .filter(|it| it.readable)
            .map(|it| it.api_name.as_str());
        let message = format!("the CRM has no module `{module}`");
        return Err(problem(
            "module",
            message,
            did_you_mean(nearest(module.as_str(), names)),
        ));
    }
    let fields = clients.crm.fields(module).await?;
    let mut consent_modules = Vec::new();
    for name in CONSENT_MODULES {
        let there = modules
            .iter()
            .any(|known| known.api_name == name && known.readable);
        if name == module.as_str() || !there {
            continue;
        }
        let other: ModuleName = match name.parse() {
            Ok(other) => other,
            Err(_) => continue,
        };
        let known = clients.crm.fields(&other).await?;
        if known.iter().any(|field| field.api_name == OPT_OUT_FIELD) {
            consent_modules.push(name.to_owned());
        }
    }
    let lists = clients.campaigns.lists().await?;
    let list = find_list(&lists, &definition.list)
        .map_err(|(message, help)| problem("list", message, help))?;
    if list.signup_form && !definition.advanced.allow_signup_form {
        let message = format!(
            "the list `{}` has its sign-up form enabled: Campaigns would mail everyone added and ask them to confirm",
            list.name
        );
        let help = "disable the form in Campaigns, or set `advanced.allow_signup_form = true`";
        return Err(problem("list", message, Some(help.to_owned())));
    }
    let labels = clients.campaigns.contact_fields().await?;
    let label = |field: crate::zoho::campaigns::ContactField| {
        (
            field.label,
            field
                .max_length
                .and_then(|length| u64::try_from(length).ok()),
        )
    };
    Ok(ResolvedRow {
        definition: digest,
        list: list.key.to_string(),
        fields,
        labels: labels.into_iter().map(label).collect(),
        consent_modules,
    })
}

fn find_list<'l>(
    lists: &'l [MailingList],
    target: &ListTarget,
) -> Result<&'l MailingList, (String, Option<String>)> {
    let (matches, wanted): (Vec<_>, &str) = match target {
        ListTarget::Key(key) => (
            lists.iter().filter(|list| list.key == *key).collect(),
            key.as_str(),
        ),
        ListTarget::Name(name) => (
            lists.iter().filter(|list| list.name == *name).collect(),
            name.as_str(),
        ),
    };
    match matches.as_slice() {
        [list] => Ok(list),
        [] => {
            let names = lists.iter().map(|list| list.name.as_str());
            let help = match target {
                ListTarget::Name(name) => did_you_mean(nearest(name, names)),
                ListTarget::Key(_) => Some(format!(
                    "the lists are: {}",
                    lists
                        .iter()
                        .map(|list| format!("{} ({})", list.key, list.name))
                        .collect::<Vec<_>>()
                        .join(", ")
                )),
            };
            Err((format!("Campaigns has no list `{wanted}`"), help))
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

/// Binds criteria and mapping to the metadata; all problems at once.
fn plan(
    config: &Config,
    sources: &Sources,
    definition: &SyncDefinition,
    row: &ResolvedRow,
) -> Result<Plan, RunError> {
    let mut problems: Vec<Problem> = Vec::new();
    let id = &definition.id;
    let criteria = match &definition.selection {
        Selection::All => None,
        Selection::Criteria {
            conditions,
            pattern,
        } => match Criteria::bind(conditions, pattern, &row.fields, &config.timezone) {
            Ok(criteria) => Some(criteria),
            Err(found) => {
                problems.extend(found.into_iter().map(|it| {
                    let part = match it.part {
                        ConditionPart::Field => "field",
                        ConditionPart::Operator => "operator",
                        ConditionPart::Value => "value",
                    };
                    let key = format!("select.criteria[{}].{part}", it.number - 1);
                    sources.problem(id, &key, it.message, it.help)
                }));
                None
            }
        },
    };
    let limit = |(label, length): &(String, Option<u64>)| LabelLimit {
        label: label.clone(),
        max_length: length.and_then(|length| usize::try_from(length).ok()),
    };
    let labels: Vec<LabelLimit> = row.labels.iter().map(limit).collect();
    let mapping = Mapping::bind(
        &definition.mapping,
        &definition.module,
        &row.fields,
        &labels,
    );
    let mapping = match mapping {
        Ok(mapping) => Some(mapping),
        Err(found) => {
            problems.extend(found.into_iter().map(|it| {
                let key = format!("map.{}", it.label);
                match it.part {
                    MappingPart::Label => sources.problem_with_key(id, &key, it.message, it.help),
                    MappingPart::Field => sources.problem(id, &key, it.message, it.help),
                }
            }));
            None
        }
    };
    let further = &definition.advanced.opt_out_field;
    let known = |name: &str| row.fields.iter().any(|field| field.api_name == name);
    if further.as_str() != OPT_OUT_FIELD && !known(further.as_str()) {
        let names = row.fields.iter().map(|field| field.api_name.as_str());
        let message = format!("unknown field `{further}` of module {}", definition.module);
        let help = did_you_mean(nearest(further.as_str(), names));
        problems.push(sources.problem(id, "advanced.opt_out_field", message, help));
    }
    match (mapping, row.list.parse::<ListKey>()) {
        (Some(mapping), Ok(list)) if problems.is_empty() => {
            Ok(Plan::new(config, definition, row, list, criteria, mapping))
        }
        _ => Err(RunError::Definition {
            sync: id.clone(),
            problems,
        }),
    }
}
