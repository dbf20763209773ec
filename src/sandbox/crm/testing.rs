//! The CRM in memory, for tests of the whole crate: records in, and what COQL and Bulk Read would find, without HTTP or tokens.
//!
//! Settings are changed with [`Crm::change_settings`], records with [`Crm::create`] and [`Crm::update`].

use serde_json::{Value, json};

use super::Crm;
use crate::sandbox::clock::SandboxClock;

impl Crm {
    /// A CRM without records.
    pub(crate) fn empty() -> Self {
        Self::new(SandboxClock::default(), 1)
    }

    /// The rows that the COQL query `text` selects, or the code of the error it is answered with.
    pub(crate) fn query(&self, text: &str) -> Result<Vec<Value>, String> {
        let rows = self.select(text).map_err(|problem| problem.code)?;
        Ok(rows)
    }

    /// The id of the view of that name, which must be there.
    pub(crate) fn view_id(&self, module: &str, name: &str) -> String {
        let mut views = self.module(module).unwrap().views.iter();
        let view = views.find(|view| view.name == name).unwrap();
        view.id.to_string()
    }

    /// The ids of the records of `module`, in their order, that Bulk Read would write for `criteria`; or its error's code.
    pub(crate) fn matching(&self, module: &str, criteria: &Value) -> Result<Vec<u64>, String> {
        let module = json!({ "api_name": module });
        self.written(&json!({"module": module, "fields": ["id"], "criteria": criteria}))
    }

    /// The ids of the records that a job of Bulk Read with this `query` would write, in their order; or its error's code.
    pub(crate) fn written(&self, query: &Value) -> Result<Vec<u64>, String> {
        let ids = self.bulk_matching(query);
        Ok(ids.map_err(|problem| problem.code)?)
    }

    /// What the metadata tells of each field of `module`, which must be there.
    pub(crate) fn fields_of(&self, module: &str) -> Vec<Value> {
        let module = self.module(module).unwrap();
        let fields = module.fields.iter().zip(0..);
        fields
            .map(|(field, position)| field.metadata(module.id, position))
            .collect()
    }
}

mod tests {
    use super::*;

    #[test]
    fn rows_and_ids_come_back_or_the_code_of_the_error() {
        let mut crm = Crm::empty();
        let id = crm.create("Leads", &json!({"Last_Name": "Rossi"})).unwrap();
        let query = "select Last_Name from Leads where Last_Name = 'rossi'";
        let row = json!({"Last_Name": "Rossi", "id": id.to_string()});
        assert_eq!(crm.query(query), Ok(vec![row]));
        let query = "select Last_Name from Leads where Mail = 'rossi'";
        assert_eq!(crm.query(query), Err("INVALID_QUERY".to_owned()));
        let criteria =
            |field| json!({"field": {"api_name": field}, "comparator": "equal", "value": "rossi"});
        assert_eq!(crm.matching("Leads", &criteria("Last_Name")), Ok(vec![id]));
        let refused = crm.matching("Leads", &criteria("Mail"));
        assert_eq!(refused, Err("FIELD_NOT_AVAILABLE".to_owned()));
    }
}
