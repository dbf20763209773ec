//! What a definition's names stand for at the services: asked once, kept until the definition changes or all is read.

use super::ask::{Asked, FoundView, ask, find_view};
use super::error::RunError;
use super::plan::{Parts, Plan, Selected, Source};
use super::{Base, Clients};
use crate::config::settings::Config;
use crate::config::{Problem, Sources};
use crate::domain::criteria::{ConditionPart, ConditionProblem, Criteria};
use crate::domain::definition::{Retrieval, Selection, SyncDefinition};
use crate::domain::ids::ListKey;
use crate::domain::mapping::{LabelLimit, Mapping, MappingPart, MappingProblem};
use crate::domain::nearest::{did_you_mean, nearest};
use crate::domain::schema::{OPT_OUT_FIELD, Schema, is_computed};
use crate::domain::value::{Field, FieldType};
use crate::store::StoreError;
use crate::store::ledger::rows::ResolvedRow;
use crate::store::ledger::{Step, SyncNumbers, keys};
use crate::zoho::crm::coql::{Among, Scope};
use crate::zoho::crm::{Columns, Converted, CrmError};

/// What was kept of a definition's names, for exactly this definition.
pub(super) fn kept(
    base: &Base,
    definition: &SyncDefinition,
) -> Result<Option<ResolvedRow>, StoreError> {
    let ledger = &base.store.ledger;
    ledger.step(|step| kept_in(step, &base.config, definition))
}

/// The same within a step.
pub(super) fn kept_in(
    step: &mut Step<'_>,
    config: &Config,
    definition: &SyncDefinition,
) -> Result<Option<ResolvedRow>, StoreError> {
    let digest = definition_digest(config, definition);
    let sync = step.number('s', definition.id.as_str())?;
    let kept = step.resolved.get(&keys::number(sync))?;
    Ok(kept.filter(|row: &ResolvedRow| row.definition == digest))
}

/// The plan of a run, and the numbers its rows are kept under. The services are asked when `fresh`, or where nothing
/// is kept. What they said is kept only if the definition fits it; of a `view`, what it was when all of its members
/// were last read stays, so that a change of it is seen until they have been read again.
pub(super) async fn resolve(
    base: &Base,
    clients: &Clients,
    definition: &SyncDefinition,
    view: Option<FoundView>,
    fresh: bool,
) -> Result<(Plan, SyncNumbers), RunError> {
    let kept = kept(base, definition)?;
    let kept_view = kept.as_ref().and_then(|row| row.view.clone());
    let known_to_hide = kept.as_ref().and_then(|row| row.hides_converted);
    let mut asked = match kept.filter(|_| !fresh) {
        Some(row) => Asked {
            row,
            problems: Vec::new(),
        },
        None => {
            let view = match view.clone() {
                Some(view) => view,
                None => find_view(&base.sources, clients, definition).await?,
            };
            let digest = definition_digest(&base.config, definition);
            ask(&base.sources, clients, definition, digest, view).await?
        }
    };
    asked.row.hides_converted = asked.row.hides_converted.or(known_to_hide);
    let mut row = kept_part(&asked.row, definition);
    if let (Some(now), Some(before)) = (&row.view, kept_view)
        && now.id == before.id
    {
        row.view = Some(before);
    }
    asked.row.view.clone_from(&row.view);
    if let (Some(Some(Ok(now))), Some(found)) = (view, &mut asked.row.view) {
        found.modified_at = now.modified_at;
    }
    let plan = plan(&base.config, &base.sources, definition, asked)?;
    let account = &definition.account;
    let numbers = base.store.ledger.step(|step| -> Result<_, StoreError> {
        let sync = step.number('s', definition.id.as_str())?;
        step.resolved.put(&keys::number(sync), &row)?;
        Ok(SyncNumbers {
            account: step.number('a', account.as_str())?,
            sync,
            list: step.number('l', &format!("{account}/{}", row.list))?,
        })
    })?;
    Ok((plan, numbers))
}

/// What has to be kept: of other modules, the fields that the definition's paths name.
fn kept_part(row: &ResolvedRow, definition: &SyncDefinition) -> ResolvedRow {
    let mut row = row.clone();
    let named = |field: &Field| {
        let mut paths = definition.paths();
        paths.any(|path| path.as_str().split('.').any(|name| name == field.api_name))
    };
    for (_, fields) in &mut row.related {
        fields.retain(named);
    }
    row
}

/// Whether the definition names computed fields, whose values change without a word.
pub(super) fn uses_formulas(row: &ResolvedRow, definition: &SyncDefinition) -> bool {
    let schema = schema(row, definition);
    let mut columns = definition
        .paths()
        .filter_map(|path| schema.resolve(path).ok());
    columns.any(|column| is_computed(&column.field))
}

fn schema(row: &ResolvedRow, definition: &SyncDefinition) -> Schema {
    let mut schema = Schema::new(definition.module.clone(), row.fields.clone());
    for (module, fields) in &row.related {
        if let Ok(module) = module.parse() {
            schema.add(module, fields.clone());
        }
    }
    schema
}

/// What the services say of a definition that fits them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Checked {
    /// What its conditions say, in the words of the CRM's screens.
    pub(crate) phrases: Vec<String>,
    /// Whether it names computed fields.
    pub(crate) uses_formulas: bool,
}

/// Checks a definition against the services, without any store.
pub(crate) async fn check(
    config: &Config,
    sources: &Sources,
    clients: &Clients,
    definition: &SyncDefinition,
) -> Result<Checked, RunError> {
    let view = find_view(sources, clients, definition).await?;
    let digest = definition_digest(config, definition);
    let asked = ask(sources, clients, definition, digest, view).await?;
    let uses_formulas = uses_formulas(&asked.row, definition);
    let plan = plan(config, sources, definition, asked)?;
    look(sources, clients, definition, &plan).await?;
    let phrases = match &plan.selected {
        Selected::Criteria(criteria) => criteria.phrases().map(str::to_owned).collect(),
        Selected::All | Selected::View(_) => Vec::new(),
    };
    Ok(Checked {
        phrases,
        uses_formulas,
    })
}

/// Reads a row of each module that the plan reads, to find fields that the metadata lists and the token's user may not
/// see.
async fn look(
    sources: &Sources,
    clients: &Clients,
    definition: &SyncDefinition,
    plan: &Plan,
) -> Result<(), RunError> {
    for columns in plan_columns(plan) {
        let scope = Scope::ById {
            among: Among::ALL,
            after: None,
        };
        let refused = match clients.crm.page(&columns, &scope, 1).await {
            Err(error) if error.suggests_walking() => error,
            answered => {
                answered?;
                continue;
            }
        };
        // What COQL refuses Get Records may give; what that leaves out is hidden.
        let walked = clients
            .crm
            .walk(&columns, None, Converted::Both, None, None)
            .await;
        if let Err(hidden @ CrmError::Hidden { .. }) = walked {
            let problem = sources.problem(&definition.id, "module", hidden.to_string(), None);
            return Err(RunError::Definition {
                sync: definition.id.clone(),
                problems: vec![problem],
            });
        }
        tracing::debug!(
            error = &refused as &dyn std::error::Error,
            "COQL does not take these columns"
        );
        walked?;
    }
    Ok(())
}

/// The columns of each module that a plan reads.
fn plan_columns(plan: &Plan) -> Vec<Columns> {
    let consent = plan.sources.iter().filter_map(|source| match source {
        Source::Consent(columns) => Some(columns.clone()),
        Source::Deals
        | Source::DeletedDeals
        | Source::Module
        | Source::Converted
        | Source::ConvertedConsent(_)
        | Source::Revisits
        | Source::Deleted => None,
    });
    let own = [plan.columns.clone()].into_iter();
    own.chain(plan.deals.clone()).chain(consent).collect()
}

/// The columns that a sync wants of what changed, by module; none where its names have not been looked up yet, or do
/// not fit any more.
pub(super) fn change_columns(base: &Base, definition: &SyncDefinition) -> Vec<Columns> {
    let Ok(Some(row)) = kept(base, definition) else {
        return Vec::new();
    };
    let bound = plan_of(&base.config, &base.sources, definition, row);
    bound.map_or_else(|_| Vec::new(), |plan| plan_columns(&plan))
}

/// The plan of a definition by what was kept of its names.
///
/// # Errors
/// [`RunError::Definition`]: the definition does not fit it.
pub(super) fn plan_of(
    config: &Config,
    sources: &Sources,
    definition: &SyncDefinition,
    kept: ResolvedRow,
) -> Result<Plan, RunError> {
    let asked = Asked {
        row: kept,
        problems: Vec::new(),
    };
    plan(config, sources, definition, asked)
}

/// The plan of a definition as the services know its names now; nothing is kept of it.
///
/// # Errors
/// [`RunError`]: the definition does not fit, or a call failed.
pub(super) async fn plan_asked(
    config: &Config,
    sources: &Sources,
    clients: &Clients,
    definition: &SyncDefinition,
) -> Result<Plan, RunError> {
    let view = find_view(sources, clients, definition).await?;
    let digest = definition_digest(config, definition);
    let asked = ask(sources, clients, definition, digest, view).await?;
    plan(config, sources, definition, asked)
}

/// A digest of all that decides who is selected, what is sent and where: when it changes, everything is read.
pub(crate) fn definition_digest(config: &Config, definition: &SyncDefinition) -> [u8; 16] {
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
    let mut text = format!("{parts:?}");
    // Behind the rest, and only where it says something: other syncs keep the digest they had.
    if definition.retrieval != Retrieval::default() {
        text.push_str(&format!("{:?}", definition.retrieval));
    }
    let mut digest = [0; 16];
    let hash = blake3::hash(text.as_bytes());
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
    let schema = schema(&row, definition);
    let selected = match (&definition.selection, &row.view) {
        (Selection::All, _) => Some(Selected::All),
        (Selection::View(_), view) => view.clone().map(Selected::View),
        (
            Selection::Criteria {
                conditions,
                pattern,
            },
            _,
        ) => {
            let bound = Criteria::bind(conditions, pattern, &schema, &config.timezone);
            bound
                .map_err(|found| problems.extend(found.into_iter().map(|it| place.condition(it))))
                .map(Selected::Criteria)
                .ok()
        }
    };
    let limit = |(label, length): &(String, Option<u64>)| LabelLimit {
        label: label.clone(),
        max_length: length.and_then(|length| usize::try_from(length).ok()),
    };
    let labels: Vec<LabelLimit> = row.labels.iter().map(limit).collect();
    let mapping = Mapping::bind(&definition.mapping, &schema, &labels)
        .map_err(|found| problems.extend(found.into_iter().map(|it| place.mapping(it))))
        .ok();
    problems.extend(place.opt_out_field(&row));
    match (selected, mapping, row.list.parse::<ListKey>()) {
        (Some(selected), Some(mapping), Ok(list)) if problems.is_empty() => {
            let parts = Parts {
                list,
                selected,
                mapping,
            };
            Ok(Plan::new(config, definition, &row, parts))
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
        let part = match part {
            ConditionPart::Field => "field",
            ConditionPart::Operator => "operator",
            ConditionPart::Value => "value",
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
        let key = "advanced.opt_out_field";
        match row.fields.iter().find(|known| known.api_name == field) {
            Some(known) if known.field_type != FieldType::Bool => {
                let kind = known.field_type.name();
                let message = format!("`{field}` is a {kind} field, and an opt-out is a yes or no");
                let help = Some("name a boolean field".to_owned());
                return Some(
                    self.sources
                        .problem(&self.definition.id, key, message, help),
                );
            }
            Some(_) => return None,
            None if field == OPT_OUT_FIELD => return None,
            None => {}
        }
        let names = row.fields.iter().map(|known| known.api_name.as_str());
        let message = format!(
            "unknown field `{field}` of module {}",
            self.definition.module
        );
        let help = did_you_mean(nearest(field, names));
        Some(
            self.sources
                .problem(&self.definition.id, key, message, help),
        )
    }
}
