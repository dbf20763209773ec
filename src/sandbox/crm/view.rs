//! Custom views: named criteria, in the recursive form that the metadata shows.

use jiff::{SignedDuration, Timestamp, tz};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Crm;
use super::cell::{Cell, render_time};
use super::judge::{Check, Order, Pattern, Test};
use super::module::Module;
use super::schema::ORGANISATION;

/// A custom view of a module; records of a lead that was converted only show in the views for them.
#[derive(Debug, Clone)]
pub(crate) struct View {
    pub(super) name: String,
    /// The name of a view that every organisation has.
    pub(super) system_name: Option<String>,
    pub(super) criteria: Option<Criteria>,
    /// Whether it shows converted leads, and only them.
    pub(super) converted: bool,
    /// When its definition changed.
    pub(super) modified_at: Timestamp,
}

/// Conditions as the metadata tells them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Criteria {
    /// All or any of several.
    Group {
        /// How they are joined.
        group_operator: Joint,
        /// The conditions.
        group: Vec<Criteria>,
    },
    /// A condition on one field.
    Leaf {
        /// E.g. `equal`, `contains`, `greater_than`.
        comparator: String,
        /// The field.
        field: FieldName,
        /// What it is compared to; `${EMPTY}` for nothing.
        value: Value,
    },
}

/// How the conditions of a group are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Joint {
    /// All of them.
    And,
    /// At least one.
    Or,
}

/// A field as criteria name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FieldName {
    /// Its API name.
    pub(super) api_name: String,
}

impl Criteria {
    /// A condition on one field.
    pub(super) fn leaf(field: &str, comparator: &str, value: Value) -> Self {
        Self::Leaf {
            comparator: comparator.to_owned(),
            field: FieldName {
                api_name: field.to_owned(),
            },
            value,
        }
    }

    /// Two conditions that must both hold.
    pub(super) fn both(one: Self, other: Self) -> Self {
        Self::Group {
            group_operator: Joint::And,
            group: vec![one, other],
        }
    }

    /// Whether COQL can express them: relative dates it cannot.
    fn in_coql(&self) -> bool {
        match self {
            Self::Group { group, .. } => group.iter().all(Self::in_coql),
            Self::Leaf { value, .. } => relative(value).is_none(),
        }
    }
}

impl View {
    /// A view without criteria that every organisation has.
    pub(super) fn of_all(name: &str, system_name: &str) -> Self {
        Self {
            name: name.to_owned(),
            system_name: Some(system_name.to_owned()),
            criteria: None,
            converted: false,
            modified_at: Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * 365 * 50),
        }
    }

    /// A view with criteria.
    pub(super) fn matching(name: &str, system_name: Option<&str>, criteria: Criteria) -> Self {
        Self {
            system_name: system_name.map(str::to_owned),
            criteria: Some(criteria),
            ..Self::of_all(name, "")
        }
    }

    /// Whether a COQL query may be restricted to it.
    pub(super) fn in_coql(&self) -> bool {
        self.criteria.as_ref().is_none_or(Criteria::in_coql)
    }

    /// The id of the `index`th view of the module with id `module`.
    pub(super) fn id(module: u64, index: usize) -> u64 {
        module + 5000 + u64::try_from(index).unwrap_or(0)
    }

    /// Its entry in the list of views, without criteria.
    pub(super) fn metadata(&self, module: u64, index: usize) -> Value {
        let owner = json!({"name": "Olive Ops", "id": (ORGANISATION + 86_001).to_string()});
        let system = self.system_name.is_some();
        json!({
            "id": Self::id(module, index).to_string(),
            "name": self.name,
            "display_value": self.name,
            "system_name": self.system_name,
            "system_defined": system,
            "category": if system { "public_views" } else { "created_by_me" },
            "access_type": if system { "public" } else { "only_to_me" },
            "default": index == 0,
            "favorite": null,
            "locked": false,
            "created_time": null,
            "modified_time": if system { json!(null) } else { json!(render_time(self.modified_at)) },
            "created_by": if system { json!(null) } else { owner.clone() },
            "modified_by": if system { json!(null) } else { owner },
            "last_accessed_time": null,
        })
    }
}

impl Crm {
    /// The view with `id` of `module`.
    pub(super) fn view<'a>(&self, module: &'a Module, id: u64) -> Option<&'a View> {
        let mut views = module.views.iter().enumerate();
        views
            .find(|(index, _)| View::id(module.id, *index) == id)
            .map(|(_, view)| view)
    }

    /// The test for membership of `view`, relative dates seen from `now`. A condition on a field that is gone holds for none.
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

    fn criteria_test(&self, module: &Module, criteria: &Criteria, now: Timestamp) -> Test {
        match criteria {
            Criteria::Group {
                group_operator,
                group,
            } => {
                let tests = group
                    .iter()
                    .map(|one| self.criteria_test(module, one, now))
                    .collect();
                match group_operator {
                    Joint::And => Test::All(tests),
                    Joint::Or => Test::Any(tests),
                }
            }
            Criteria::Leaf {
                comparator,
                field,
                value,
            } => {
                let Some(position) = module.position(&field.api_name) else {
                    return Test::Any(Vec::new());
                };
                let cells: Option<Vec<Cell>> = match value {
                    Value::Array(values) => values
                        .iter()
                        .map(|value| Cell::parse(&module.fields[position], value).ok())
                        .collect(),
                    value => Cell::parse(&module.fields[position], value)
                        .ok()
                        .map(|cell| vec![cell]),
                };
                let check = match relative(value) {
                    Some(name) => within(name, now),
                    None if value == "${EMPTY}" => Some(Check::Null(comparator == "equal")),
                    None => cells.and_then(|cells| check(comparator, cells, value)),
                };
                check.map_or(Test::Any(Vec::new()), |check| Test::own(position, check))
            }
        }
    }
}

/// The check of a comparator; `None` for one that views do not have.
fn check(comparator: &str, cells: Vec<Cell>, value: &Value) -> Option<Check> {
    let text = value.as_str().unwrap_or_default();
    let like = |start, end| Pattern::new(text, start, end);
    let mut cells = cells.into_iter();
    Some(match comparator {
        "contains" => Check::Like(true, like(true, true)),
        "not_contains" => Check::Like(false, like(true, true)),
        "starts_with" => Check::Like(true, like(false, true)),
        "ends_with" => Check::Like(true, like(true, false)),
        "in" => Check::Among(true, cells.collect()),
        "not_in" => Check::Among(false, cells.collect()),
        "between" => Check::Within(true, cells.next()?, cells.next()?),
        "equal" => Check::Order(Order::Equal, cells.next()?),
        "not_equal" => Check::Order(Order::NotEqual, cells.next()?),
        "less_than" => Check::Order(Order::Less, cells.next()?),
        "less_equal" => Check::Order(Order::LessEqual, cells.next()?),
        "greater_than" => Check::Order(Order::Greater, cells.next()?),
        "greater_equal" => Check::Order(Order::GreaterEqual, cells.next()?),
        _ => return None,
    })
}

/// The name of a relative date, e.g. `THISMONTH` of `${THISMONTH}`.
fn relative(value: &Value) -> Option<&str> {
    let name = value.as_str()?.strip_prefix("${")?.strip_suffix('}')?;
    (name != "EMPTY").then_some(name)
}

/// Instants within the day or month of `now` in the organisation's zone.
fn within(name: &str, now: Timestamp) -> Option<Check> {
    let today = now
        .to_zoned(tz::TimeZone::fixed(tz::offset(1)))
        .start_of_day()
        .ok()?;
    let (from, to) = match name {
        "TODAY" => (today.clone(), today.tomorrow().ok()?),
        "YESTERDAY" => (today.yesterday().ok()?, today),
        "THISMONTH" => {
            let first = today.first_of_month().ok()?;
            let next = today.last_of_month().ok()?.tomorrow().ok()?;
            (first, next)
        }
        _ => return None,
    };
    let last = to.timestamp() - SignedDuration::from_secs(1);
    Some(Check::Within(
        true,
        Cell::At(from.timestamp()),
        Cell::At(last),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn criteria_read_and_write_as_the_metadata_shows_them() {
        let text = json!({"group_operator": "and", "group": [
            {"comparator": "equal", "field": {"api_name": "Industry"}, "value": "Media"},
            {"group_operator": "or", "group": []},
        ]});
        let criteria: Criteria = serde_json::from_value(text.clone()).unwrap();
        assert_eq!(serde_json::to_value(criteria).unwrap(), text);
    }

    #[test]
    fn only_relative_dates_are_beyond_coql() {
        for (value, want) in [
            (json!("${THISMONTH}"), false),
            (json!("${EMPTY}"), true),
            (json!("x"), true),
        ] {
            assert_eq!(Criteria::leaf("A", "equal", value).in_coql(), want);
        }
    }
}
