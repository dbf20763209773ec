//! The modules the sandbox's organisation has, with their fields and views.

use serde_json::json;

use super::criteria::Criteria;
use super::field::{DataType, Field};
use super::formula::Formula;
use super::module::Module;
use super::view::View;

/// All ids of the organisation begin here.
pub(crate) const ORGANISATION: u64 = 4_876_876_000_000_000_000;
/// The names of its modules.
pub(crate) const MODULES: [&str; 5] = ["Leads", "Contacts", "Accounts", "Deals", "Event_Guests"];
/// The owners of records: id, name, address.
pub(crate) const USERS: [(u64, &str, &str); 2] = [
    (ORGANISATION + 86_001, "Olive Ops", "olive.ops@example.com"),
    (ORGANISATION + 86_002, "Sam Sales", "sam.sales@example.com"),
];
/// Where the fields that every module has stand.
pub(crate) const ID: usize = 0;
pub(crate) const OWNER: usize = 1;
pub(crate) const CREATED: usize = 2;
pub(crate) const MODIFIED: usize = 3;

const INDUSTRIES: &[&str] = &[
    "Hospitality",
    "Media",
    "Retail",
    "Technology",
    "Education",
    "Manufacturing",
    "Non-profit",
];
const LEAD_STATUSES: &[&str] = &[
    "Not Contacted",
    "Attempted to Contact",
    "Contacted",
    "Contact in Future",
    "Junk Lead",
    "Pre-Qualified",
    "Converted",
];
const SOURCES: &[&str] = &[
    "Web Site",
    "Trade Show",
    "Referral",
    "Advertisement",
    "Cold Call",
];
const LANGUAGES: &[&str] = &[
    "English", "French", "German", "Italian", "Polish", "Chinese",
];
const STAGES: &[&str] = &[
    "Qualification",
    "Proposal",
    "Negotiation",
    "Closed Won",
    "Closed Lost",
];
const TICKETS: &[&str] = &["Standard", "VIP", "Press", "Speaker"];

/// The id of a module, by which its fields and views are numbered too.
pub(super) fn module_id(api_name: &str) -> u64 {
    let known = MODULES.iter().position(|name| *name == api_name);
    let number = known.map_or(99, |at| u64::try_from(at).unwrap_or(99));
    ORGANISATION + 10_000 * (number + 1)
}

/// The modules, empty.
pub(super) fn modules() -> Vec<Module> {
    vec![leads(), contacts(), accounts(), deals(), event_guests()]
}

fn leads() -> Module {
    use DataType::*;
    let mut fields = person("Company", Text);
    fields.extend([
        Field::new("Website", Website),
        picklist("Lead_Status", LEAD_STATUSES),
        picklist("Industry", INDUSTRIES),
        Field::new("Annual_Revenue", Currency),
        Field::new("No_of_Employees", Integer).labelled("No. of Employees"),
        Field {
            options: same(LANGUAGES),
            custom: true,
            ..Field::new("Languages", MultiSelect)
        },
        Field::new("City", Text),
        Field::new("Country", Text),
        Field::new("Converted__s", Boolean).labelled("Is Converted"),
        Field::new("Converted_Date_Time", DateTime),
        lookup("Converted_Account", "Accounts"),
        lookup("Converted_Contact", "Contacts"),
        lookup("Converted_Deal", "Deals"),
        picklist("Record_Status__s", &["Available", "Draft", "Trash"]),
        formula(
            "Revenue_per_Employee",
            Double,
            Formula::Ratio("Annual_Revenue", "No_of_Employees"),
        ),
        formula("Age_in_Days", Double, Formula::DaysSince("Created_Time")),
    ]);
    let views = vec![
        View::of_all("All Leads", "ALLVIEWS"),
        View::of_all("All Open Leads", "OPENLEADS"),
        View {
            converted: true,
            ..View::of_all("Converted Leads", "CONVERTEDVIEWS")
        },
        View::matching(
            "Unsubscribed Leads",
            Some("UNSUBSCRIBED"),
            equal("Email_Opt_Out", json!(true)),
        ),
        View::matching(
            "Leads of This Month",
            None,
            equal("Created_Time", json!("${THISMONTH}")),
        ),
        View::matching(
            "Hospitality, large",
            None,
            Criteria::both(
                equal("Industry", json!("Hospitality")),
                Criteria::leaf("No_of_Employees", "greater_than", json!(2000)),
            ),
        ),
    ];
    Module::new("Leads", "Leads", "Lead", fields, views)
}

fn contacts() -> Module {
    use DataType::*;
    let mut fields = person("Department", Text);
    fields.extend([
        lookup("Account_Name", "Accounts"),
        Field::new("Date_of_Birth", Date),
        Field::new("Mailing_City", Text),
        Field::new("Mailing_Country", Text),
        Field {
            options: same(LANGUAGES),
            custom: true,
            ..Field::new("Languages", MultiSelect)
        },
        Field {
            custom: true,
            ..picklist("Customer_Tier", &["Gold", "Silver", "Bronze"])
        },
        lookup("Reporting_To", "Contacts"),
        formula(
            "Account_Revenue",
            Double,
            Formula::Parent("Account_Name", "Annual_Revenue"),
        ),
        formula(
            "Account_Sector",
            Text,
            Formula::Parent("Account_Name", "Industry"),
        ),
    ]);
    let views = vec![
        View::of_all("All Contacts", "ALLVIEWS"),
        View::matching(
            "Unsubscribed Contacts",
            Some("UNSUBSCRIBED"),
            equal("Email_Opt_Out", json!(true)),
        ),
        View::matching(
            "Gold customers",
            None,
            equal("Customer_Tier", json!("Gold")),
        ),
        View::matching(
            "New this month",
            None,
            equal("Created_Time", json!("${THISMONTH}")),
        ),
    ];
    Module::new("Contacts", "Contacts", "Contact", fields, views)
}

fn accounts() -> Module {
    use DataType::*;
    let mut fields = vec![
        Field {
            mandatory: true,
            ..Field::new("Account_Name", Text)
        },
        lookup("Parent_Account", "Accounts"),
        picklist("Industry", INDUSTRIES),
        Field::new("Annual_Revenue", Currency),
        Field::new("Employees", Integer),
        Field::new("Website", Website),
        Field::new("Phone", Phone),
        Field::new("Billing_City", Text),
        Field::new("Description", TextArea),
    ];
    fields.extend(change_marks());
    Module::new(
        "Accounts",
        "Accounts",
        "Account",
        fields,
        vec![View::of_all("All Accounts", "ALLVIEWS")],
    )
}

fn deals() -> Module {
    use DataType::*;
    let mut fields = vec![
        Field {
            mandatory: true,
            ..Field::new("Deal_Name", Text)
        },
        picklist("Stage", STAGES),
        Field::new("Amount", Currency),
        Field::new("Probability", Integer),
        Field::new("Closing_Date", Date),
        lookup("Account_Name", "Accounts"),
        lookup("Contact_Name", "Contacts"),
        picklist("Lead_Source", SOURCES),
        Field::new("Description", TextArea),
    ];
    fields.extend(change_marks());
    let views = vec![
        View::of_all("All Deals", "ALLVIEWS"),
        View::matching("Won", None, equal("Stage", json!("Closed Won"))),
    ];
    Module::new("Deals", "Potentials", "Deal", fields, views)
}

/// A custom module: no opt-out field, no first and last name.
fn event_guests() -> Module {
    use DataType::*;
    let mut own = vec![
        Field {
            mandatory: true,
            ..Field::new("Name", Text).labelled("Event Guest Name")
        },
        Field::new("Email", Email),
        Field::new("Company", Text),
        picklist("Ticket", TICKETS),
        Field::new("Attended", Boolean),
        Field::new("Event_Date", Date),
        Field::new("Seats", Integer),
        Field::new("Score", Double),
        lookup("Contact", "Contacts"),
    ];
    for field in &mut own[1..] {
        field.custom = true;
    }
    own.extend(change_marks());
    let views = vec![
        View::of_all("All Event Guests", "ALLVIEWS"),
        View::matching("Attended", None, equal("Attended", json!(true))),
    ];
    Module::new("Event_Guests", "CustomModule1", "Event Guest", own, views)
}

/// What Leads and Contacts share; `own` stands where a lead has its company.
fn person(own: &str, data_type: DataType) -> Vec<Field> {
    use DataType::*;
    let mut fields = vec![
        Field::new("First_Name", Text),
        Field {
            mandatory: true,
            ..Field::new("Last_Name", Text)
        },
        Field::new("Full_Name", Text),
        Field::new("Email", Email),
        Field::new("Secondary_Email", Email),
        Field::new(own, data_type),
        picklist("Salutation", &["Mr.", "Mrs.", "Ms.", "Dr."]),
        Field::new("Phone", Phone),
        Field::new("Mobile", Phone),
        picklist("Lead_Source", SOURCES),
        Field::new("Email_Opt_Out", Boolean),
        picklist(
            "Unsubscribed_Mode",
            &[
                "Consent form",
                "Manual",
                "Unsubscribe link",
                "Zoho campaigns",
            ],
        ),
        Field::new("Unsubscribed_Time", DateTime),
        Field::new("Description", TextArea),
    ];
    fields.extend(change_marks());
    fields
}

/// The fields every module has first; their places are the constants above.
pub(super) fn leading() -> [Field; 4] {
    [
        Field::new("id", DataType::BigInt).labelled("Record Id"),
        Field::new("Owner", DataType::OwnerLookup),
        Field::new("Created_Time", DataType::DateTime),
        Field::new("Modified_Time", DataType::DateTime),
    ]
}

fn change_marks() -> [Field; 2] {
    ["Created_By", "Modified_By"].map(|name| Field::new(name, DataType::OwnerLookup))
}

fn lookup(api_name: &str, target: &'static str) -> Field {
    Field {
        target: Some(target),
        ..Field::new(api_name, DataType::Lookup)
    }
}

/// A field that the organisation made, computed by `formula` into a value of `data_type`.
fn formula(api_name: &str, data_type: DataType, formula: Formula) -> Field {
    Field {
        formula: Some(formula),
        custom: true,
        ..Field::new(api_name, data_type)
    }
}

/// A picklist. The first value of `Lead_Source` shows that what people see may differ from what the API compares.
fn picklist(api_name: &str, values: &'static [&'static str]) -> Field {
    let mut options = same(values);
    if let Some((actual, shown)) = options.first_mut()
        && *actual == "Web Site"
    {
        *shown = "Website";
    }
    Field {
        options,
        ..Field::new(api_name, DataType::Picklist)
    }
}

fn same(values: &[&'static str]) -> Vec<(&'static str, &'static str)> {
    values.iter().map(|value| (*value, *value)).collect()
}

fn equal(field: &str, value: serde_json::Value) -> Criteria {
    Criteria::leaf(field, "equal", value)
}
