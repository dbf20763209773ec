//! What rosterd does end to end: from the records of a CRM to a list and a journal, through the built binary.

mod adopting;
mod audit;
mod bulk;
mod changes;
mod cost;
mod doubt;
mod foreign;
mod forgetting;
mod gate;
mod held;
mod history;
mod ignored;
mod import;
mod leaving;

mod meanwhile;
mod neighbours;
pub(crate) mod oracle;
mod orderings;
mod outcomes;
mod pages;
mod plan;
mod promises;
mod related;
mod releasing;
mod retrieval;
mod selection;
mod topics;
mod tried;
mod views;
mod walked;
mod why;

pub(crate) use forgetting::files_with;

use crate::rig::Rig;

/// All contacts onto the newsletter's list.
pub(crate) const ALL_CONTACTS: &str = r#"
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

/// Contacts that are sure to be put on a list, each with an address of its own: id and address.
pub(crate) fn plain_contacts(rig: &Rig) -> Vec<(String, String)> {
    let (contacts, leads) = (rig.records("Contacts"), rig.records("Leads"));
    let opted_out = oracle::opted_out(contacts.iter().chain(&leads));
    import::singles(&contacts, &leads)
        .filter_map(|contact| Some((oracle::id(contact), oracle::address(contact).ok()?)))
        .filter(|(_, address)| !opted_out.contains(address) && !oracle::is_role(address))
        .filter(|(id, address)| {
            // Those written otherwise would be called by another spelling.
            let contact = contacts.iter().find(|contact| contact["id"] == id.as_str());
            contact.is_some_and(|contact| contact["Email"] == address.as_str())
        })
        .collect()
}
