//! A definition together with what its names stand for: everything a run needs to know before its first record.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;

use crate::config::settings::Config;
use crate::domain::address::RoleAddresses;
use crate::domain::changes::Rules;
use crate::domain::criteria::Criteria;
use crate::domain::definition::SyncDefinition;
use crate::domain::ids::{FieldPath, ListKey, ModuleName};
use crate::domain::mapping::Mapping;
use crate::domain::period::Period;
use crate::domain::record::Record;
use crate::domain::schema::{
    CONVERTED_FIELDS, DEAL_CONTACT, EMAIL_FIELD, OPT_OUT_FIELD, within_deals,
};
use crate::domain::value::{Field, FieldType, Value};
use crate::store::ledger::rows::{ResolvedRow, ViewRow};
use crate::zoho::crm::Columns;

/// The field that says when a record came to be.
const CREATED_FIELD: &str = "Created_Time";
/// The modules that deals are read of, and that they belong to.
const DEALS: &str = "Deals";
const CONTACTS: &str = "Contacts";
/// The only module whose records are converted.
pub(super) const LEADS: &str = "Leads";

/// Where a run reads records from.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// The deals of contacts, where criteria or mapping ask for them.
    Deals,
    /// The deals that were deleted.
    DeletedDeals,
    /// The sync's module.
    Module,
    /// Converted leads, where COQL leaves them out.
    Converted,
    /// Records of the module that have to be looked at again, by their ids.
    Revisits,
    /// The opt-outs of a module whose records are not all read otherwise.
    Consent(Columns),
    /// Those of converted leads, where COQL leaves them out.
    ConvertedConsent(Columns),
    /// The deleted records of the sync's module.
    Deleted,
}

/// Which records belong, with names looked up.
pub(crate) enum Selected {
    /// Everything in the module; of Leads, what is not converted.
    All,
    /// The members of a view.
    View(ViewRow),
    /// Those of which the criteria are true.
    Criteria(Criteria),
}

/// All that a run knows beforehand.
pub(crate) struct Plan {
    /// The list.
    pub(crate) list: ListKey,
    /// Which records belong.
    pub(crate) selected: Selected,
    /// Which of them are taken up, by when they came to be.
    pub(crate) period: Period,
    /// Record to contact.
    pub(crate) mapping: Mapping,
    /// Columns that are read of the sync's module.
    pub(crate) columns: Columns,
    /// Columns that are read of deals.
    pub(crate) deals: Option<Columns>,
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
    /// Whether COQL leaves converted leads out; `None` where that is not known yet.
    pub(crate) hides_converted: Option<bool>,
    /// Role addresses.
    pub(crate) roles: RoleAddresses,
    /// Zone of dates and times.
    pub(crate) zone: TimeZone,
    /// Whether emptied fields are sent.
    pub(crate) clear_empty: bool,
    /// What happens to contacts whose record is gone.
    pub(crate) rules: Rules,
}

/// What a definition's names were bound to.
pub(crate) struct Parts {
    /// The list.
    pub(crate) list: ListKey,
    /// Which records belong.
    pub(crate) selected: Selected,
    /// Record to contact.
    pub(crate) mapping: Mapping,
}

impl Plan {
    /// Puts a definition and what it was resolved to together.
    pub(crate) fn new(
        config: &Config,
        definition: &SyncDefinition,
        resolved: &ResolvedRow,
        parts: Parts,
    ) -> Self {
        let Parts {
            list,
            selected,
            mapping,
        } = parts;
        let known = |name: &str| {
            let mut fields = resolved.fields.iter();
            fields.find(|field| field.api_name == name)
        };
        let own = |name: &str| known(name).and_then(|_| name.parse::<FieldPath>().ok());
        let mut opt_out_fields: Vec<FieldPath> = own(OPT_OUT_FIELD).into_iter().collect();
        let further = &definition.advanced.opt_out_field;
        if further.as_str() != OPT_OUT_FIELD {
            opt_out_fields.extend(own(further.as_str()));
        }
        let converted_field = CONVERTED_FIELDS.iter().find_map(|name| own(name));
        let mut address_fields = BTreeSet::from([mapping.email().clone()]);
        address_fields.extend(own(EMAIL_FIELD));
        let period = Period::of(definition.retrieval, &config.timezone, own(CREATED_FIELD));

        let criteria = match &selected {
            Selected::Criteria(criteria) => Some(criteria),
            Selected::All | Selected::View(_) => None,
        };
        let asked = mapping.columns().cloned();
        let asked = asked.chain(criteria.into_iter().flat_map(Criteria::columns));
        let mut columns: BTreeMap<FieldPath, Field> = BTreeMap::new();
        let mut of_deals: BTreeMap<FieldPath, Field> = BTreeMap::new();
        for column in asked {
            match within_deals(&column.path) {
                Some(path) => of_deals.insert(path, column.field),
                None => columns.insert(column.path, column.field),
            };
        }
        let fixed = address_fields
            .iter()
            .chain(&opt_out_fields)
            .chain(&converted_field)
            .chain(&period.field);
        for path in fixed {
            if let Some(field) = known(path.as_str()) {
                columns.insert(path.clone(), field.clone());
            }
        }
        let deals = deal_columns(of_deals);
        let module = definition.module.clone();
        let own_consent = matches!(selected, Selected::View(_)).then(|| {
            let fields = address_fields.iter().chain(&opt_out_fields);
            let fields = fields.filter_map(|path| known(path.as_str()).cloned());
            Columns {
                module: module.clone(),
                fields: fields.collect(),
            }
        });
        let elsewhere = resolved.consent_modules.iter();
        let elsewhere = elsewhere.filter_map(|name| consent(name));
        let is_leads = definition.module.as_str() == LEADS;
        let has_deals = deals.is_some();
        let deal_sources = [Source::Deals, Source::DeletedDeals];
        let sources = deal_sources
            .into_iter()
            .filter(|_| has_deals)
            .chain([Source::Module])
            .chain(is_leads.then_some(Source::Converted))
            .chain([Source::Revisits])
            .chain(own_consent.into_iter().map(Source::Consent))
            .chain(elsewhere.flat_map(consent_sources))
            .chain([Source::Deleted]);
        Self {
            list,
            selected,
            period,
            mapping,
            columns: Columns {
                module,
                fields: columns.into_values().collect(),
            },
            deals,
            sources: sources.collect(),
            address_fields,
            opt_out_fields,
            consent_fields: OPT_OUT_FIELD.parse().into_iter().collect(),
            converted_field,
            exclude_converted: definition.advanced.exclude_converted,
            hides_converted: resolved.hides_converted,
            roles: RoleAddresses::new(config.builtin_group_emails, &config.group_emails),
            zone: config.timezone.clone(),
            clear_empty: definition.advanced.clear_empty,
            rules: rules(definition),
        }
    }
}

impl Plan {
    /// Whether a record is a converted lead.
    pub(crate) fn is_converted(&self, record: &Record) -> bool {
        self.converted_field
            .as_ref()
            .is_some_and(|field| !matches!(record.get(field), Value::Null | Value::Bool(false)))
    }
}

/// What a definition wants done in the cases that it decides.
pub(super) fn rules(definition: &SyncDefinition) -> Rules {
    Rules {
        deleted: definition.advanced.deleted,
        opted_out: definition.advanced.opted_out,
        left: definition.advanced.left,
        opted_in_again: definition.advanced.opted_in_again,
    }
}

/// Where the opt-outs of another module are read from.
fn consent_sources(columns: Columns) -> Vec<Source> {
    let converted = (columns.module.as_str() == LEADS).then(|| columns.clone());
    [Source::Consent(columns)]
        .into_iter()
        .chain(converted.map(Source::ConvertedConsent))
        .collect()
}

/// What is read of deals besides their contact; nothing where nobody asks for deals.
fn deal_columns(of_deals: BTreeMap<FieldPath, Field>) -> Option<Columns> {
    if of_deals.is_empty() {
        return None;
    }
    let within = |(path, field): (FieldPath, Field)| Field {
        api_name: path.to_string(),
        ..field
    };
    let contact = Field {
        lookup: CONTACTS.parse().ok(),
        ..named(DEAL_CONTACT, FieldType::Lookup, "lookup")
    };
    let mut fields: Vec<Field> = of_deals.into_iter().map(within).collect();
    fields.retain(|field| field.api_name != DEAL_CONTACT);
    fields.push(contact);
    let module = DEALS.parse().ok()?;
    Some(Columns { module, fields })
}

fn named(name: &str, field_type: FieldType, data_type: &str) -> Field {
    Field {
        api_name: name.to_owned(),
        label: name.to_owned(),
        field_type,
        data_type: data_type.to_owned(),
        lookup: None,
        options: Vec::new(),
    }
}

/// What is read of another module to see its opt-outs.
fn consent(module: &str) -> Option<Columns> {
    let module: ModuleName = module.parse().ok()?;
    let fields = vec![
        named(EMAIL_FIELD, FieldType::Text, "email"),
        named(OPT_OUT_FIELD, FieldType::Bool, "boolean"),
    ];
    Some(Columns { module, fields })
}
