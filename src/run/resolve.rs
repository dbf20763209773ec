//! What a definition's names stand for at the services: asked once, kept until the definition changes or all is read.

use super::ask::{Asked, OPT_OUT_FIELD, ask};
use super::error::RunError;
use super::plan::Plan;
use super::{Base, Clients};
use crate::config::settings::Config;
use crate::config::{Problem, Sources};
use crate::domain::criteria::{ConditionPart, ConditionProblem, Criteria};
use crate::domain::definition::{Selection, SyncDefinition};
use crate::domain::ids::ListKey;
use crate::domain::mapping::{LabelLimit, Mapping, MappingPart, MappingProblem};
use crate::domain::nearest::{did_you_mean, nearest};
use crate::store::StoreError;
use crate::store::ledger::rows::ResolvedRow;
use crate::store::ledger::{SyncNumbers, keys};

/// The plan of a run, and the numbers its rows are kept under. The services are asked when `fresh`, or when the
/// definition is not the one that was resolved last. What they said is kept only if the definition fits it.
pub(super) async fn resolve(
    base: &Base,
    clients: &Clients,
    definition: &SyncDefinition,
    fresh: bool,
) -> Result<(Plan, SyncNumbers), RunError> {
    let digest = definition_digest(&base.config, definition);
    let ledger = &base.store.ledger;
    let sync = ledger.step(|step| step.number('s', definition.id.as_str()))?;
    let kept: Option<ResolvedRow> =
        ledger.step(|step| -> Result<_, StoreError> { step.resolved.get(&keys::number(sync)) })?;
    let asked = match kept.filter(|row| row.definition == digest && !fresh) {
        Some(row) => Asked {
            row,
            problems: Vec::new(),
        },
        None => ask(&base.sources, clients, definition, digest).await?,
    };
    let row = asked.row.clone();
    let plan = plan(&base.config, &base.sources, definition, asked)?;
    let account = &definition.account;
    let numbers = ledger.step(|step| -> Result<_, StoreError> {
        step.resolved.put(&keys::number(sync), &row)?;
        Ok(SyncNumbers {
            account: step.number('a', account.as_str())?,
            sync,
            list: step.number('l', &format!("{account}/{}", row.list))?,
        })
    })?;
    Ok((plan, numbers))
}

/// Checks a definition against the services, without any store. What its conditions say, in the words of the CRM's
/// screens.
pub(crate) async fn check(
    config: &Config,
    sources: &Sources,
    clients: &Clients,
    definition: &SyncDefinition,
) -> Result<Vec<String>, RunError> {
    let digest = definition_digest(config, definition);
    let asked = ask(sources, clients, definition, digest).await?;
    let plan = plan(config, sources, definition, asked)?;
    let phrases = plan.criteria.iter().flat_map(Criteria::phrases);
    Ok(phrases.map(str::to_owned).collect())
}

/// A digest of all that decides who is selected, what is sent and where: when it changes, everything is read.
pub(super) fn definition_digest(config: &Config, definition: &SyncDefinition) -> [u8; 16] {
    let advanced = &definition.advanced;
    let parts = (
        (
            &definition.account,
            &definition.module,
            &definition.list,
            &definition.selection,
        ),
        (&definition.mapping, &advanced.opt_out_field),
        (advanced.exclude_converted, advanced.clear_empty),
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

/// Binds criteria and mapping to the metadata; all problems at once.
fn plan(
    config: &Config,
    sources: &Sources,
    definition: &SyncDefinition,
    asked: Asked,
) -> Result<Plan, RunError> {
    let Asked { row, mut problems } = asked;
    let place = Place {
        sources,
        definition,
    };
    let criteria = match &definition.selection {
        Selection::All | Selection::View(_) => None,
        Selection::Criteria {
            conditions,
            pattern,
        } => {
            let bound = Criteria::bind(conditions, pattern, &row.fields, &config.timezone);
            bound
                .map_err(|found| problems.extend(found.into_iter().map(|it| place.condition(it))))
                .ok()
        }
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
    )
    .map_err(|found| problems.extend(found.into_iter().map(|it| place.mapping(it))))
    .ok();
    problems.extend(place.opt_out_field(&row));
    match (mapping, row.list.parse::<ListKey>()) {
        (Some(mapping), Ok(list)) if problems.is_empty() => {
            Ok(Plan::new(config, definition, &row, list, criteria, mapping))
        }
        _ => Err(RunError::Definition {
            sync: definition.id.clone(),
            problems,
        }),
    }
}

/// Problems with a definition, at their places in its file.
struct Place<'a> {
    sources: &'a Sources,
    definition: &'a SyncDefinition,
}

impl Place<'_> {
    fn condition(&self, problem: ConditionProblem) -> Problem {
        let ConditionProblem {
            number,
            part,
            message,
            help,
        } = problem;
        let (part, message) = match part {
            ConditionPart::Field => (
                "field",
                format!("{message} of module {}", self.definition.module),
            ),
            ConditionPart::Operator => ("operator", message),
            ConditionPart::Value => ("value", message),
        };
        let key = format!("select.criteria[{}].{part}", number - 1);
        self.sources
            .problem(&self.definition.id, &key, message, help)
    }

    fn mapping(&self, problem: MappingProblem) -> Problem {
        let MappingProblem {
            label,
            part,
            message,
            help,
        } = problem;
        let (key, id) = (format!("map.{label}"), &self.definition.id);
        match part {
            MappingPart::Label => self.sources.problem_with_key(id, &key, message, help),
            MappingPart::Field => self.sources.problem(id, &key, message, help),
        }
    }

    fn opt_out_field(&self, row: &ResolvedRow) -> Option<Problem> {
        let field = self.definition.advanced.opt_out_field.as_str();
        if field == OPT_OUT_FIELD || row.fields.iter().any(|known| known.api_name == field) {
            return None;
        }
        let names = row.fields.iter().map(|known| known.api_name.as_str());
        let message = format!(
            "unknown field `{field}` of module {}",
            self.definition.module
        );
        let help = did_you_mean(nearest(field, names));
        let key = "advanced.opt_out_field";
        Some(
            self.sources
                .problem(&self.definition.id, key, message, help),
        )
    }
}
