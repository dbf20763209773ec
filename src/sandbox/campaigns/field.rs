//! The account's contact fields, known to callers by label.

use std::sync::Arc;

/// The label of the field that holds the address.
pub(crate) const ADDRESS_LABEL: &str = "Contact Email";

/// One contact field.
#[derive(Debug, Clone)]
pub(crate) struct ContactField {
    pub(crate) label: Arc<str>,
    /// The name the service uses inside.
    pub(crate) name: String,
    pub(crate) kind: String,
    /// In characters.
    pub(crate) length_max: usize,
}

/// All fields, in the order they were made.
#[derive(Debug)]
pub(crate) struct ContactFields(Vec<ContactField>);

impl Default for ContactFields {
    fn default() -> Self {
        let mut fields = Self(Vec::new());
        for (label, name) in [
            (ADDRESS_LABEL, "contact_email"),
            ("First Name", "firstname"),
            ("Last Name", "lastname"),
            ("Phone", "phone"),
            ("Company Name", "companyname"),
        ] {
            fields.push(label, name.to_owned(), "Text", 100);
        }
        for label in ["Industry", "City", "Customer Tier", "Annual Revenue"] {
            fields.create(label, "Text", 100);
        }
        fields
    }
}

impl ContactFields {
    /// The field with this label, spelled exactly so.
    pub(crate) fn get(&self, label: &str) -> Option<&ContactField> {
        self.0.iter().find(|field| &*field.label == label)
    }

    /// Every field.
    pub(crate) fn all(&self) -> &[ContactField] {
        &self.0
    }

    /// Makes a custom field; false if the label is taken.
    pub(crate) fn create(&mut self, label: &str, kind: &str, length_max: usize) -> bool {
        if self
            .0
            .iter()
            .any(|field| field.label.eq_ignore_ascii_case(label))
        {
            return false;
        }
        let name = format!("cf_{}", label.to_lowercase().replace(' ', "_"));
        self.push(label, name, kind, length_max);
        true
    }

    fn push(&mut self, label: &str, name: String, kind: &str, length_max: usize) {
        self.0.push(ContactField {
            label: label.into(),
            name,
            kind: kind.to_owned(),
            length_max,
        });
    }
}
