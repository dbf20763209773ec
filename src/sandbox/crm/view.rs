//! Custom views: named criteria.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Crm;
use super::cell::{Cell, render_time};
use super::criteria::Criteria;
use super::judge::{Check, Order, Test};
use super::module::Module;
use super::schema::ORGANISATION;

/// A custom view of a module; records of a lead that was converted only show in the views for them.
#[derive(Debug, Clone)]
pub(crate) struct View {
    /// Its id, given by its module.
    pub(super) id: u64,
    pub(super) name: String,
    /// The name of a view that every organisation has.
    pub(super) system_name: Option<String>,
    pub(super) criteria: Option<Criteria>,
    /// Whether it shows converted leads, and only them.
    pub(super) converted: bool,
    /// Whether COQL may be restricted to it, if its criteria can be expressed there.
    pub(super) coql: bool,
    /// Whether Bulk Read may be.
    pub(super) bulk: bool,
    /// When its definition changed; `None` for one that came with the organisation and was left as it was.
    pub(super) modified_at: Option<Timestamp>,
}

impl View {
    /// A view without criteria that every organisation has.
    pub(super) fn of_all(name: &str, system_name: &str) -> Self {
        Self {
            id: 0,
            name: name.to_owned(),
            system_name: Some(system_name.to_owned()),
            criteria: None,
            converted: false,
            coql: true,
            bulk: true,
            modified_at: None,
        }
    }

    /// A view with criteria.
    pub(super) fn matching(name: &str, system_name: Option<&str>, criteria: Criteria) -> Self {
        let made_at = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * 365 * 50);
        Self {
            system_name: system_name.map(str::to_owned),
            criteria: Some(criteria),
            modified_at: system_name.is_none().then_some(made_at),
            ..Self::of_all(name, "")
        }
    }

    /// Whether a COQL query may be restricted to it.
    pub(super) fn in_coql(&self) -> bool {
        self.coql && self.criteria.as_ref().is_none_or(Criteria::in_coql)
    }

    /// Its entry in the list of views, without criteria; the first one of a module is the `default`.
    pub(super) fn metadata(&self, default: Option<u64>) -> Value {
        let owner = json!({"name": "Olive Ops", "id": (ORGANISATION + 86_001).to_string()});
        let system = self.system_name.is_some();
        json!({
            "id": self.id.to_string(),
            "name": self.name,
            "display_value": self.name,
            "system_name": self.system_name,
            "system_defined": system,
            "category": if system { "public_views" } else { "created_by_me" },
            "access_type": if system { "public" } else { "only_to_me" },
            "default": default == Some(self.id),
            "favorite": null,
            "locked": false,
            "created_time": null,
            "modified_time": self.modified_at.map(render_time),
            "created_by": if system { json!(null) } else { owner.clone() },
            "modified_by": self.modified_at.map(|_| owner),
            "last_accessed_time": null,
        })
    }
}

impl Crm {
    /// The test for membership of `view`, relative dates seen from `now`.
    pub(super) fn view_test(&self, module: &Module, view: &View, now: Timestamp) -> Test {
        let mut tests = Vec::new();
        if let Some(position) = module.position("Converted__s") {
            tests.push(Test::own(
                position,
                Check::Order(Order::Equal, Cell::Bool(view.converted)),
            ));
        }
        if let Some(criteria) = &view.criteria {
            tests.push(self.criteria_test(module, criteria, now));
        }
        Test::All(tests)
    }
}
