//! A definition together with what its names stand for: everything a run needs to know before its first record.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;

use crate::config::settings::Config;
use crate::domain::address::RoleAddresses;
use crate::domain::changes::Rules;
use crate::domain::criteria::Criteria;
use crate::domain::definition::{Departure, SyncDefinition};
use crate::domain::ids::{FieldPath, ListKey, ModuleName};
use crate::domain::mapping::Mapping;
use crate::domain::value::{Field, FieldType};
use crate::store::ledger::rows::ResolvedRow;
use crate::zoho::crm::Columns;

/// The field that says so in every organisation.
const OPT_OUT_FIELD: &str = "Email_Opt_Out";
/// The standard e-mail field.
const EMAIL_FIELD: &str = "Email";
/// What tells a converted lead, best first.
const CONVERTED_FIELDS: [&str; 2] = ["Converted__s", "Converted_Date_Time"];

/// Where a run reads records from.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// The sync's module.
    Module,
    /// Another module whose opt-outs count.
    Consent(Columns),
    /// The deleted records of the sync's module.
    Deleted,
}

/// All that a run knows beforehand.
pub(crate) struct Plan {
    /// The list.
    pub(crate) list: ListKey,
    /// The judge; `None` takes everything (of Leads, what is not converted).
    pub(crate) criteria: Option<Criteria>,
    /// Record to contact.
    pub(crate) mapping: Mapping,
    /// Columns that are read of the sync's module.
    pub(crate) columns: Columns,
    /// Where records are read from, in this order.
    pub(crate) sources: Vec<Source>,
    /// Fields whose address an opt-out blocks.
    pub(crate) address_fields: BTreeSet<FieldPath>,
    /// Fields that say a person opted out.
    pub(crate) opt_out_fields: Vec<FieldPath>,
    /// The same for other modules.
    pub(crate) consent_fields: Vec<FieldPath>,
    /// The field that tells a converted lead.
    pub(crate) converted_field: Option<FieldPath>,
    /// Whether converted leads are ignored.
    pub(crate) exclude_converted: bool,
    /// Role addresses.
    pub(crate) roles: RoleAddresses,
    /// Zone of dates and times.
    pub(crate) zone: TimeZone,
    /// Whether emptied fields are sent.
    pub(crate) clear_empty: bool,
    /// What happens to contacts whose record is gone.
    pub(crate) rules: Rules,
}

impl Plan {
    /// Puts a definition and what it was resolved to together.
    pub(crate) fn new(
        config: &Config,
        definition: &SyncDefinition,
        resolved: &ResolvedRow,
        list: ListKey,
        criteria: Option<Criteria>,
        mapping: Mapping,
    ) -> Self {
        let has = |name: &str| resolved.fields.iter().any(|field| field.api_name == name);
        let own = |name: &str| has(name).then(|| name.parse().ok()).flatten();
        let mut opt_out_fields: Vec<FieldPath> = own(OPT_OUT_FIELD).into_iter().collect();
        let further = &definition.advanced.opt_out_field;
        if further.as_str() != OPT_OUT_FIELD && has(further.as_str()) {
            opt_out_fields.push(further.clone());
        }
        let converted_field = CONVERTED_FIELDS.iter().find_map(|name| own(name));
        let mut address_fields = BTreeSet::from([mapping.email().clone()]);
        address_fields.extend(own(EMAIL_FIELD));

        let mut wanted: BTreeSet<FieldPath> = mapping.fields().cloned().collect();
        wanted.extend(address_fields.iter().cloned());
        wanted.extend(opt_out_fields.iter().cloned());
        wanted.extend(converted_field.iter().cloned());
        wanted.extend(criteria.iter().flat_map(Criteria::fields));
        let named = |field: &&Field| wanted.iter().any(|path| path.as_str() == field.api_name);
        let fields = resolved.fields.iter().filter(named).cloned().collect();

        let mut sources = vec![Source::Module];
        sources.extend(
            resolved
                .consent_modules
                .iter()
                .filter_map(|name| consent(name))
                .map(Source::Consent),
        );
        sources.push(Source::Deleted);
        Self {
            list,
            criteria,
            mapping,
            columns: Columns {
                module: definition.module.clone(),
                fields,
            },
            sources,
            address_fields,
            opt_out_fields,
            consent_fields: OPT_OUT_FIELD.parse().into_iter().collect(),
            converted_field,
            exclude_converted: definition.advanced.exclude_converted,
            roles: RoleAddresses::new(config.builtin_group_emails, &config.group_emails),
            zone: config.timezone.clone(),
            clear_empty: definition.advanced.clear_empty,
            rules: Rules {
                deleted: definition.advanced.deleted,
                left: Departure::Keep,
            },
        }
    }
}

/// What is read of another module to see its opt-outs.
fn consent(module: &str) -> Option<Columns> {
    let module: ModuleName = module.parse().ok()?;
    let field = |name: &str, field_type, data_type: &str| Field {
        api_name: name.to_owned(),
        label: name.to_owned(),
        field_type,
        data_type: data_type.to_owned(),
        lookup: None,
        options: Vec::new(),
    };
    let fields = vec![
        field(EMAIL_FIELD, FieldType::Text, "email"),
        field(OPT_OUT_FIELD, FieldType::Bool, "boolean"),
    ];
    Some(Columns { module, fields })
}
