//! The fields of a module as its metadata tells them.

use serde_json::{Value, json};

use super::formula::Formula;

/// A field's type by the service's own names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DataType {
    Text,
    TextArea,
    Email,
    Phone,
    Website,
    Picklist,
    MultiSelect,
    Integer,
    BigInt,
    Double,
    Currency,
    Boolean,
    Date,
    DateTime,
    Lookup,
    OwnerLookup,
}

/// What COQL may do with a field. Source: COQL overview, "Supported operators", 2026.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Equality, patterns, lists.
    Text,
    /// Multi-line text: not in `where` at all.
    LongText,
    /// Equality, order, lists.
    Number,
    /// The same over calendar days.
    Date,
    /// The same over instants.
    DateTime,
    /// The same over the record's own id.
    Id,
    /// Equality and lists of ids.
    Lookup,
    /// `=` only.
    Boolean,
}

impl DataType {
    /// The service's name of it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::TextArea => "textarea",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Website => "website",
            Self::Picklist => "picklist",
            Self::MultiSelect => "multiselectpicklist",
            Self::Integer => "integer",
            Self::BigInt => "bigint",
            Self::Double => "double",
            Self::Currency => "currency",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::DateTime => "datetime",
            Self::Lookup => "lookup",
            Self::OwnerLookup => "ownerlookup",
        }
    }

    /// How its values look in JSON, and how long they may be.
    fn json(self) -> (&'static str, u32) {
        match self {
            Self::Text => ("string", 255),
            Self::TextArea => ("string", 32_000),
            Self::Email => ("string", 100),
            Self::Phone => ("string", 30),
            Self::Website => ("string", 450),
            Self::Picklist => ("string", 120),
            Self::MultiSelect => ("jsonarray", 120),
            Self::Integer => ("integer", 9),
            Self::BigInt => ("string", 20),
            Self::Double | Self::Currency => ("double", 16),
            Self::Boolean => ("boolean", 5),
            Self::Date | Self::DateTime => ("string", 20),
            Self::Lookup | Self::OwnerLookup => ("jsonobject", 120),
        }
    }

    /// What COQL may do with it.
    pub(super) fn class(self) -> Class {
        match self {
            Self::Text
            | Self::Email
            | Self::Phone
            | Self::Website
            | Self::Picklist
            | Self::MultiSelect => Class::Text,
            Self::TextArea => Class::LongText,
            Self::Integer | Self::Double | Self::Currency => Class::Number,
            Self::BigInt => Class::Id,
            Self::Boolean => Class::Boolean,
            Self::Date => Class::Date,
            Self::DateTime => Class::DateTime,
            Self::Lookup | Self::OwnerLookup => Class::Lookup,
        }
    }
}

/// A field of a module.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(super) api_name: String,
    pub(super) label: String,
    /// Of a formula, the type of what it results in.
    pub(super) data_type: DataType,
    /// How it is computed, if it is not stored.
    pub(super) formula: Option<Formula>,
    /// The module a lookup points to.
    pub(super) target: Option<&'static str>,
    /// Values of a picklist, actual and displayed.
    pub(super) options: Vec<(&'static str, &'static str)>,
    pub(super) custom: bool,
    pub(super) mandatory: bool,
    /// Whether people may see it; those who may not find it absent.
    pub(super) visible: bool,
}

impl Field {
    /// A standard field, labelled like its API name.
    pub(super) fn new(api_name: &str, data_type: DataType) -> Self {
        Self {
            api_name: api_name.to_owned(),
            label: api_name.trim_end_matches("__s").replace('_', " "),
            data_type,
            formula: None,
            target: None,
            options: Vec::new(),
            custom: false,
            mandatory: false,
            visible: true,
        }
    }

    /// The same under another label.
    pub(super) fn labelled(self, label: &str) -> Self {
        Self {
            label: label.to_owned(),
            ..self
        }
    }

    /// The metadata entry of the field, which is the `position`th of the module with id `module`.
    pub(super) fn metadata(&self, module: u64, position: usize) -> Value {
        let (json_type, length) = self.data_type.json();
        let id = module + 1000 + u64::try_from(position).unwrap_or(0);
        let lookup = match self.target {
            Some(target) => json!({
                "display_label": self.label,
                "api_name": self.api_name,
                "module": {"api_name": target, "id": super::schema::module_id(target).to_string()},
            }),
            None => json!({}),
        };
        let read_only = self.formula.is_some()
            || matches!(
                self.api_name.as_str(),
                "id" | "Created_Time" | "Modified_Time"
            );
        let formula = self.formula.map_or(json!({}), |formula| {
            json!({
                "return_type": self.data_type.name(),
                "expression": formula.expression(),
                "assume_default": false,
                "dynamic": false,
            })
        });
        json!({
            "id": id.to_string(),
            "api_name": self.api_name,
            "field_label": self.label,
            "display_label": self.label,
            "data_type": if self.formula.is_some() { "formula" } else { self.data_type.name() },
            "json_type": json_type,
            "length": length,
            "decimal_place": if self.data_type == DataType::Currency { json!(2) } else { json!(null) },
            "custom_field": self.custom,
            "visible": self.visible,
            "filterable": self.data_type != DataType::TextArea,
            "searchable": true,
            "sortable": self.data_type != DataType::TextArea,
            "system_mandatory": self.mandatory,
            "read_only": read_only,
            "field_read_only": read_only,
            "mass_update": !read_only,
            "type": "used",
            "created_source": if self.custom { "user" } else { "default" },
            "lookup": lookup,
            "multiselectlookup": {},
            "formula": formula,
            "currency": {},
            "unique": {},
            "auto_number": {},
            "crypt": null,
            "private": null,
            "tooltip": null,
            "subform": null,
            "pick_list_values": self.pick_list_values(),
        })
    }

    fn pick_list_values(&self) -> Vec<Value> {
        let numbered = self.options.iter().zip(1_u32..);
        numbered
            .map(|((actual, shown), number)| {
                json!({
                    "id": (super::schema::ORGANISATION + 900_000 + u64::from(number)).to_string(),
                    "actual_value": actual,
                    "display_value": shown,
                    "reference_value": actual,
                    "sequence_number": number,
                    "type": "used",
                })
            })
            .collect()
    }
}
