//! What rosterd does end to end: from the records of a CRM to a list and a journal.

use crate::rig::{NEWSLETTER, Rig};

/// All contacts onto the newsletter's list.
const ALL_CONTACTS: &str = r#"
name = "Newsletter"
module = "Contacts"
list = { name = "Newsletter" }
select = { all = true }
schedule = { every = "hour" }
"#;

#[test]
fn a_first_import_ends_well_and_its_numbers_are_those_of_the_service() {
    let rig = Rig::new(60);
    rig.sync("newsletter", ALL_CONTACTS);
    let finished = rig.import("newsletter");
    assert_eq!(finished["outcome"], "completed");
    let calls = rig.calls();
    let (crm_calls, crm_credits) = calls.of("crm");
    assert_eq!(finished["crm"]["calls"], crm_calls);
    assert_eq!(finished["crm"]["credits"], crm_credits);
    assert_eq!(finished["campaigns"]["calls"], calls.of("campaigns").0);
    let on_list = rig.members(NEWSLETTER, "active").len();
    assert_eq!(finished["new"], on_list);
    assert_eq!(rig.events("run.finished"), [finished]);
}
