//! What the CRM has now of an address: one query a module, and few more where the ledger or the definition asks for it.

use std::collections::{BTreeMap, BTreeSet};

use super::Planned;
use super::known::KnownRecords;
use super::story::Unasked;
use super::subject::Subject;
use crate::domain::filter::{Filter, Leaf, Test};
use crate::domain::ids::{FieldPath, ModuleName, RecordId, SyncId};
use crate::domain::record::Record;
use crate::domain::schema::{DEAL_CONTACT, EMAIL_FIELD};
use crate::domain::value::{Field, FieldType};
use crate::run::plan::{Plan, Selected, Source};
use crate::zoho::crm::coql::{Among, IDS_MAX, Scope, pushable};
use crate::zoho::crm::{Columns, Crm, CrmError};

/// Rows of a page, for one credit. Source: CRM, COQL limits (v8), read November 2026.
const PAGE_ROWS: u32 = 200;
/// Pages that are read of one question. A whole address is in few records; a text that is none may be a part of many.
const PAGES_MAX: u32 = 5;
/// Spellings that are asked for in one query, over all of a module's fields; a query takes 25 conditions.
const SPELLINGS_MAX: usize = 20;

/// What the CRM has now.
#[derive(Default)]
pub(super) struct Live {
    /// The records that have the address, and those that the ledger knows under it, by module.
    pub(super) modules: BTreeMap<ModuleName, BTreeMap<RecordId, Record>>,
    /// The modules that could not be asked for all records with the address, and why.
    pub(super) unasked: BTreeMap<ModuleName, Unasked>,
    /// The deals of those that are contacts, for syncs that ask for deals.
    pub(super) deals: BTreeMap<SyncId, Vec<Record>>,
    /// Those in the view of a sync that names one; no entry where that cannot be asked.
    pub(super) members: BTreeMap<SyncId, BTreeSet<RecordId>>,
}

/// What is asked of one module.
#[derive(Default)]
pub(super) struct OfModule {
    columns: BTreeMap<String, Field>,
    address_fields: BTreeSet<FieldPath>,
    known: BTreeSet<RecordId>,
}

/// What is asked of an account's CRM, by module.
pub(super) struct Wanted(BTreeMap<ModuleName, OfModule>);

impl Wanted {
    /// What the syncs read of their modules, and what of the others tells who has opted out.
    pub(super) fn of(planned: &[Planned<'_>], known: &KnownRecords) -> Self {
        let mut modules: BTreeMap<ModuleName, OfModule> = BTreeMap::new();
        for plan in planned.iter().filter_map(|it| it.plan.as_ref()) {
            let own = modules.entry(plan.columns.module.clone()).or_default();
            own.add(&plan.columns);
            own.address_fields
                .extend(plan.address_fields.iter().cloned());
            for source in &plan.sources {
                if let Source::Consent(columns) = source
                    && columns.module != plan.columns.module
                {
                    let other = modules.entry(columns.module.clone()).or_default();
                    other.add(columns);
                    other.address_fields.extend(EMAIL_FIELD.parse().ok());
                }
            }
        }
        for (module, wanted) in &mut modules {
            let records = known.0.get(module.as_str()).into_iter().flatten();
            wanted.known.extend(records);
        }
        Self(modules)
    }
}

impl OfModule {
    fn add(&mut self, columns: &Columns) {
        let named = columns.fields.iter();
        self.columns
            .extend(named.map(|field| (field.api_name.clone(), field.clone())));
    }
}

/// Reads what there is.
///
/// # Errors
/// Any [`CrmError`].
pub(super) async fn read(
    crm: &Crm,
    subject: &Subject,
    planned: &[Planned<'_>],
    Wanted(wanted): Wanted,
) -> Result<Live, CrmError> {
    let mut live = Live::default();
    for (module, wanted) in wanted {
        let (records, unasked) = read_module(crm, subject, module.clone(), wanted).await?;
        if let Some(why) = unasked {
            live.unasked.insert(module.clone(), why);
        }
        live.modules.insert(module, records);
    }
    for Planned {
        definition, plan, ..
    } in planned
    {
        let Some(plan) = plan else { continue };
        let records = live.modules.get(&plan.columns.module);
        let ids: Vec<RecordId> = records
            .into_iter()
            .flat_map(BTreeMap::keys)
            .copied()
            .collect();
        if ids.is_empty() {
            continue;
        }
        let sync = &definition.id;
        if let Some(columns) = &plan.deals {
            let deals = deals_of(crm, columns, &ids).await?;
            live.deals.insert(sync.clone(), deals);
        }
        if let Some(members) = members_of(crm, plan, &ids).await? {
            live.members.insert(sync.clone(), members);
        }
    }
    Ok(live)
}

/// The records of a module that have the address, verified here whatever the service takes for equal, and those that
/// the ledger knows by their ids; says why these may not be all.
async fn read_module(
    crm: &Crm,
    subject: &Subject,
    module: ModuleName,
    wanted: OfModule,
) -> Result<(BTreeMap<RecordId, Record>, Option<Unasked>), CrmError> {
    let OfModule {
        columns,
        address_fields,
        known,
    } = wanted;
    let columns = Columns {
        module,
        fields: columns.into_values().collect(),
    };
    let (mut found, mut unasked) = (BTreeMap::new(), Some(Unasked::Unsayable));
    if let Some(filter) = having(subject, &columns, &address_fields) {
        let scope = Scope::ById {
            among: Among { view: None, filter },
            after: None,
        };
        let (mut records, all) = pages(crm, &columns, scope).await?;
        unasked = (!all).then_some(Unasked::TooMany);
        let has = |record: &Record| {
            let mut fields = address_fields.iter();
            fields.any(|field| subject.is_in(record.get(field)))
        };
        records.retain(has);
        found.extend(records.into_iter().map(|record| (record.id, record)));
    }
    let missing = known.into_iter().filter(|id| !found.contains_key(id));
    let missing: Vec<RecordId> = missing.collect();
    for ids in missing.chunks(IDS_MAX) {
        let scope = Scope::Ids {
            ids: ids.to_vec(),
            view: None,
        };
        let page = crm.page(&columns, &scope, PAGE_ROWS).await?;
        let records = page.records.into_iter();
        found.extend(records.map(|record| (record.id, record)));
    }
    Ok((found, unasked))
}

/// A filter that records with the address pass; none where there is no way to ask for it.
fn having(subject: &Subject, columns: &Columns, fields: &BTreeSet<FieldPath>) -> Option<Filter> {
    let asks = |field: &FieldPath, texts: Vec<String>| {
        Filter::Leaf(Leaf {
            field: field.clone(),
            field_type: FieldType::Text,
            test: Test::Contains(texts),
        })
    };
    let mut parts = Vec::new();
    for field in fields {
        let mut spellings = subject.spellings();
        spellings.retain(|text| {
            let asked = asks(field, vec![text.clone()]);
            !pushable(&asked, columns).is_everything()
        });
        spellings.truncate((SPELLINGS_MAX / fields.len()).max(1));
        if !spellings.is_empty() {
            parts.push(asks(field, spellings));
        }
    }
    let filter = Filter::any(parts);
    (!pushable(&filter, columns).is_everything() && filter.leaves() > 0).then_some(filter)
}

/// The records of a scope, and whether these are all.
async fn pages(
    crm: &Crm,
    columns: &Columns,
    mut scope: Scope,
) -> Result<(Vec<Record>, bool), CrmError> {
    let mut records = Vec::new();
    for _ in 0..PAGES_MAX {
        let page = crm.page(columns, &scope, PAGE_ROWS).await?;
        records.extend(page.records);
        match page.last.filter(|_| page.more) {
            Some(last) => scope = scope.after(last),
            None => return Ok((records, true)),
        }
    }
    Ok((records, false))
}

async fn deals_of(
    crm: &Crm,
    columns: &Columns,
    contacts: &[RecordId],
) -> Result<Vec<Record>, CrmError> {
    let Ok(lookup) = DEAL_CONTACT.parse::<FieldPath>() else {
        return Ok(Vec::new());
    };
    let mut deals = Vec::new();
    for ids in contacts.chunks(IDS_MAX) {
        let scope = Scope::Of {
            lookup: lookup.clone(),
            ids: ids.to_vec(),
            after: None,
        };
        deals.extend(pages(crm, columns, scope).await?.0);
    }
    Ok(deals)
}

/// Those of some records that are in the plan's view; none without a view, or where COQL does not take it.
async fn members_of(
    crm: &Crm,
    plan: &Plan,
    records: &[RecordId],
) -> Result<Option<BTreeSet<RecordId>>, CrmError> {
    let Selected::View(view) = &plan.selected else {
        return Ok(None);
    };
    if view.listed_only {
        return Ok(None);
    }
    let columns = Columns {
        module: plan.columns.module.clone(),
        fields: Vec::new(),
    };
    let mut members = BTreeSet::new();
    for ids in records.chunks(IDS_MAX) {
        let scope = Scope::Ids {
            ids: ids.to_vec(),
            view: Some(RecordId(view.id)),
        };
        match crm.page(&columns, &scope, PAGE_ROWS).await {
            Ok(page) => members.extend(page.records.iter().map(|record| record.id)),
            Err(error) if error.view_not_in_coql() => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    Ok(Some(members))
}
