//! What rosterd does end to end: from the records of a CRM to a list and a journal, through the built binary.

mod changes;
mod import;
mod oracle;

/// All contacts onto the newsletter's list.
const ALL_CONTACTS: &str = r#"
name = "Newsletter"
module = "Contacts"
list = { name = "Newsletter" }
select = { all = true }
schedule = { every = "hour" }

[advanced]
deleted = "unsubscribe"
"#;

/// All open leads onto a list of their own.
const ALL_LEADS: &str = r#"
name = "Leads"
module = "Leads"
list = { name = "Hospitality" }
select = { all = true }
schedule = { every = "hour" }
"#;
