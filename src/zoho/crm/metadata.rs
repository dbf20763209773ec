//! Metadata: modules, fields, the organisation.

use serde_json::Value;

use super::answer;
use super::error::{CrmError, UnreadableError};
use super::wire;
use super::{Crm, Method};
use crate::domain::ids::ModuleName;
use crate::domain::value::{Field, FieldType, PicklistOption};
use crate::zoho::http::Request;

/// A module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    /// Its API name.
    pub api_name: String,
    /// Its label in the plural, which may have been renamed or translated.
    pub label: String,
    /// Whether its records can be read by the API and the token's user.
    pub readable: bool,
}

/// The organisation that the credentials belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organisation {
    /// Its id.
    pub id: String,
    /// What it calls itself, where the answer says so: the key is not documented.
    pub name: Option<String>,
    /// The zone it keeps its times in, e.g. `Europe/Berlin`.
    pub time_zone: Option<String>,
}

impl Crm {
    /// All modules.
    ///
    /// # Errors
    /// Any [`CrmError`].
    pub async fn modules(&self) -> Result<Vec<Module>, CrmError> {
        let method = Method::Modules;
        let read = |answer| {
            let listed = answer::listed(method, &answer, |it: &wire::Modules| it.modules.len())?;
            Ok(listed.modules.into_iter().map(module).collect())
        };
        let request = |base: &str| Request::get(format!("{base}/settings/modules"), vec![]);
        self.get(method, request, read).await
    }

    /// The fields of a module; none where it has no metadata.
    ///
    /// # Errors
    /// Any [`CrmError`]; a module that does not exist is [`Failure::Configuration`](crate::domain::failure::Failure).
    pub async fn fields(&self, module: &ModuleName) -> Result<Vec<Field>, CrmError> {
        let method = Method::Fields;
        let read = |answer| {
            let listed = answer::listed(method, &answer, |it: &wire::Fields| it.fields.len())?;
            Ok(listed.fields.into_iter().map(field).collect())
        };
        let request = |base: &str| {
            let query = vec![("module", module.to_string())];
            Request::get(format!("{base}/settings/fields"), query)
        };
        let fields = self.get(method, request, read).await;
        fields.map_err(|error| error.of_module(module))
    }

    /// The organisation behind the credentials.
    ///
    /// # Errors
    /// Any [`CrmError`]; a token from before this was asked for [lacks the scope](CrmError::lacks_scope).
    pub async fn organisation(&self) -> Result<Organisation, CrmError> {
        let method = Method::Organisation;
        let read = |answer| {
            let listed = answer::listed(method, &answer, |it: &wire::Organisations| it.org.len())?;
            let first = listed.org.into_iter().next();
            let named = first.and_then(organisation);
            named.ok_or_else(|| CrmError::Unreadable {
                method,
                place: "its JSON".to_owned(),
                source: UnreadableError::Organisation,
            })
        };
        let request = |base: &str| Request::get(format!("{base}/org"), vec![]);
        self.get(method, request, read).await
    }
}

fn module(module: wire::Module) -> Module {
    Module {
        label: module
            .plural_label
            .unwrap_or_else(|| module.api_name.clone()),
        readable: module.api_supported && module.viewable,
        api_name: module.api_name,
    }
}

pub(super) fn field(field: wire::Field) -> Field {
    let json_type = field.json_type.as_deref().unwrap_or_default();
    let options = field.pick_list_values.unwrap_or_default();
    Field {
        field_type: FieldType::of(&field.data_type, json_type),
        label: field.field_label.unwrap_or_else(|| field.api_name.clone()),
        lookup: field.lookup.and_then(lookup),
        options: options.into_iter().filter_map(option).collect(),
        api_name: field.api_name,
        data_type: field.data_type,
    }
}

/// The module a lookup points to; users and the like are no modules with an API name of their own.
fn lookup(lookup: wire::Lookup) -> Option<ModuleName> {
    let name = match lookup.module? {
        wire::LookupModule::Object { api_name } => api_name?,
        wire::LookupModule::Name(name) => name,
    };
    name.parse().ok()
}

fn option(value: wire::PickListValue) -> Option<PicklistOption> {
    let actual = value.actual_value.or_else(|| value.display_value.clone())?;
    Some(PicklistOption {
        label: value.display_value.unwrap_or_else(|| actual.clone()),
        actual,
    })
}

fn organisation(organisation: wire::Organisation) -> Option<Organisation> {
    let id = match organisation.zgid {
        Value::String(id) => id,
        Value::Number(id) => id.to_string(),
        _ => return None,
    };
    let name = organisation.company_name.map(|name| name.trim().to_owned());
    Some(Organisation {
        id,
        name: name.filter(|name| !name.is_empty()),
        time_zone: organisation.time_zone,
    })
}
