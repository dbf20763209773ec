//! What CRM tells about itself: modules, fields, custom views, related lists, the organisation, counts.

use serde_json::{Value, json};

use super::Crm;
use super::answer::{Answer, Problem};
use super::module::Module;
use super::records::Parameters;
use super::schema::{ORGANISATION, USERS};

impl Crm {
    /// Answers `GET /settings/modules`.
    pub(super) fn modules_metadata(&self) -> Answer {
        let modules: Vec<Value> = self.modules.iter().map(module_metadata).collect();
        Answer::body(json!({ "modules": modules }))
    }

    /// Answers `GET /settings/modules/{api_name}`.
    pub(super) fn module_metadata(&self, api_name: &str) -> Result<Answer, Problem> {
        let module = self.module(api_name).ok_or_else(Problem::module)?;
        Ok(Answer::body(json!({"modules": [module_metadata(module)]})))
    }

    /// Answers `GET /settings/fields?module=…`, and with an id for one field.
    pub(super) fn fields_metadata(
        &self,
        parameters: &Parameters,
        id: Option<&str>,
    ) -> Result<Answer, Problem> {
        let module = self.named(parameters)?;
        let fields = module.fields.iter().enumerate();
        let mut fields: Vec<Value> = fields
            .map(|(position, field)| field.metadata(module.id, position))
            .collect();
        if let Some(id) = id {
            fields.retain(|field| field["id"] == id);
        }
        Ok(found("fields", fields, json!(null)))
    }

    /// Answers `GET /settings/custom_views?module=…`.
    pub(super) fn views_metadata(&self, parameters: &Parameters) -> Result<Answer, Problem> {
        let module = self.named(parameters)?;
        let default = module.views.first().map(|view| view.id);
        let views = module.views.iter().map(|view| view.metadata(default));
        let views: Vec<Value> = views.collect();
        let info = json!({
            "per_page": 200,
            "count": views.len(),
            "page": 1,
            "more_records": false,
            "default": default.map(|id| id.to_string()),
            "translation": {},
        });
        Ok(found("custom_views", views, info))
    }

    /// Answers `GET /settings/custom_views/{id}?module=…`, with criteria and columns.
    pub(super) fn view_metadata(
        &self,
        parameters: &Parameters,
        id: &str,
    ) -> Result<Answer, Problem> {
        let module = self.named(parameters)?;
        let default = module.views.first().map(|view| view.id);
        let views = module.views.iter();
        let views = views.filter(|view| view.id.to_string() == id);
        let views = views.map(|view| {
            let mut entry = view.metadata(default);
            entry["criteria"] = json!(view.criteria);
            entry["fields"] = [
                module.name_position(),
                super::schema::OWNER,
                super::schema::MODIFIED,
            ]
            .iter()
            .map(|position| json!({"api_name": module.fields[*position].api_name, "_pin": false}))
            .collect();
            entry["sort_by"] = json!(null);
            entry["sort_order"] = json!(null);
            entry["shared_to"] = json!(null);
            entry
        });
        match views.collect::<Vec<_>>() {
            views if views.is_empty() => Err(Problem::not_found()),
            views => Ok(Answer::body(json!({ "custom_views": views }))),
        }
    }

    /// Answers `GET /settings/related_lists?module=…`: the modules whose lookups lead here.
    pub(super) fn related_lists_metadata(
        &self,
        parameters: &Parameters,
    ) -> Result<Answer, Problem> {
        let module = self.named(parameters)?;
        let referring = self.modules.iter().filter(|other| {
            let mut fields = other.fields.iter();
            fields.any(|field| field.target == Some(module.api_name.as_str()))
        });
        let lists = referring.map(|other| {
            json!({
                "id": (module.id + (other.id - ORGANISATION) / 10_000 + 8000).to_string(),
                "api_name": other.api_name,
                "name": other.internal_name,
                "display_label": other.plural,
                "module": {"api_name": other.api_name, "id": other.id.to_string()},
                "href": format!("{}/{{ENTITYID}}/{}", module.api_name, other.api_name),
                "type": "default",
                "action": null,
                "connectedmodule": null,
            })
        });
        Ok(found("related_lists", lists.collect(), json!(null)))
    }

    /// Answers `GET /org`.
    pub(super) fn organisation(&self) -> Answer {
        Answer::body(json!({"org": [{
            "id": (ORGANISATION + 1).to_string(),
            "zgid": self.organisation,
            "company_name": "Sandbox Ltd",
            "domain_name": "org4876876",
            "primary_email": USERS[0].2,
            "country_code": "IT",
            "time_zone": "Africa/Lagos",
            "iso_code": "EUR",
            "currency": "Euro",
            "currency_locale": "it_IT",
            "type": "production",
            "license_details": {
                "paid": true,
                "paid_type": "enterprise",
                "paid_expiry": null,
                "trial_type": null,
                "trial_expiry": null,
                "users_license_purchased": 5,
            },
        }]}))
    }

    /// Answers `GET /users`: the owners of records.
    pub(super) fn users(&self) -> Answer {
        let users: Vec<Value> = USERS
            .iter()
            .map(|(id, name, email)| {
                let (first, last) = name.split_once(' ').unwrap_or(("", name));
                json!({
                    "id": id.to_string(), "full_name": name, "first_name": first, "last_name": last,
                    "email": email, "status": "active", "confirm": true,
                })
            })
            .collect();
        let info = json!({"per_page": 200, "count": users.len(), "page": 1, "more_records": false});
        Answer::body(json!({"users": users, "info": info}))
    }

    /// Answers `GET /{module}/actions/count`: what Get Records would list.
    pub(super) fn count_records(
        &self,
        module: &Module,
        parameters: &Parameters,
    ) -> Result<Answer, Problem> {
        let tests = self.record_tests(module, parameters)?;
        let rows = module.rows.values();
        let count = rows
            .filter(|row| tests.iter().all(|test| self.passes(row, test)))
            .count();
        Ok(Answer::body(json!({ "count": count })))
    }

    /// The module that the parameter `module` names.
    fn named(&self, parameters: &Parameters) -> Result<&Module, Problem> {
        let name = parameters
            .get("module")
            .ok_or_else(|| Problem::parameter_missing("module"))?;
        self.module(name).ok_or_else(Problem::module)
    }
}

/// A list under its name, or nothing where it is empty.
fn found(name: &str, entries: Vec<Value>, info: Value) -> Answer {
    if entries.is_empty() {
        return Answer::nothing();
    }
    let mut body = json!({ name: entries });
    if !info.is_null() {
        body["info"] = info;
    }
    Answer::body(body)
}

fn module_metadata(module: &Module) -> Value {
    json!({
        "id": module.id.to_string(),
        "api_name": module.api_name,
        "module_name": module.internal_name,
        "singular_label": module.singular,
        "plural_label": module.plural,
        "actual_singular_label": module.singular,
        "actual_plural_label": module.plural,
        "generated_type": if module.is_custom() { "custom" } else { "default" },
        "status": if module.visible { "visible" } else { "user_hidden" },
        "api_supported": module.api_supported,
        "viewable": module.visible,
        "visible": module.visible,
        "visibility": u8::from(module.visible),
        "show_as_tab": module.visible,
        "creatable": true,
        "editable": true,
        "deletable": true,
        "convertable": module.api_name == "Leads",
        "quick_create": true,
        "isBlueprintSupported": true,
        "sequence_number": (module.id - ORGANISATION) / 10_000,
        "profiles": [{"name": "Administrator", "id": (ORGANISATION + 26_011).to_string()}],
        "parent_module": {},
        "modified_by": null,
        "modified_time": null,
        "web_link": null,
        "arguments": [],
        "global_search_supported": true,
        "has_more_profiles": false,
    })
}
