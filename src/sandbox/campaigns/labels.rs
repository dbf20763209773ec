//! The methods about contact fields and tags.

use serde_json::{Value, json};

use super::answer::{Problem, Success, SuccessCode};
use super::field::{ADDRESS_LABEL, ContactField};
use super::{Call, Campaigns};

/// Length of a custom field when the caller does not say; famously small.
const LENGTH_DEFAULT: usize = 20;

/// `contact/allfields`: every contact field, under `response`.
pub(crate) fn allfields(campaigns: &mut Campaigns, _: &Call) -> Result<Success, Problem> {
    let rows: Vec<Value> = campaigns
        .fields
        .all()
        .iter()
        .zip(1_u32..)
        .map(|(field, number)| field_row(field, number))
        .collect();
    Ok(Success::of(json!({"fieldnames": {"fieldname": rows}})).nested())
}

/// `custom/add`: one more contact field.
pub(crate) fn custom_add(campaigns: &mut Campaigns, call: &Call) -> Result<Success, Problem> {
    let label = call.params.get("fieldname").ok_or(Problem::NO_FIELDS)?;
    let kind = call.params.required("fieldtype")?;
    let is_plain = |letter: char| letter.is_alphanumeric() || letter == ' ';
    if !KINDS.contains(&kind) || !label.chars().all(is_plain) {
        return Err(Problem::WRONG_TYPE);
    }
    let length_max = call.params.number("fieldlength", LENGTH_DEFAULT)?;
    if !campaigns.fields.create(label, kind, length_max) {
        return Err(Problem::DUPLICATE_FIELD);
    }
    Ok(Success::message("Custom field has been added.").nested())
}

/// `tag/add`
pub(crate) fn tag_add(campaigns: &mut Campaigns, call: &Call) -> Result<Success, Problem> {
    let name = call.params.required("tagName")?.to_owned();
    let color = call.params.get("color").unwrap_or("#1e90ff").to_owned();
    if campaigns.tags.contains_key(&name) {
        return Err(Problem::DUPLICATE_TAG);
    }
    campaigns.tags.insert(name, color);
    Ok(Success::message("Tag has been added.").with_code(SuccessCode::Number))
}

/// `tag/delete`
pub(crate) fn tag_delete(campaigns: &mut Campaigns, call: &Call) -> Result<Success, Problem> {
    let name = call.params.required("tagName")?;
    campaigns.tags.remove(name).ok_or(Problem::UNKNOWN_TAG)?;
    campaigns.contacts.forget_tag(name);
    Ok(Success::message("Tag has been deleted.").with_code(SuccessCode::Number))
}

/// `tag/getalltags`
pub(crate) fn tag_getalltags(campaigns: &mut Campaigns, _: &Call) -> Result<Success, Problem> {
    let rows: Vec<Value> = campaigns
        .tags
        .iter()
        .map(|(name, color)| json!({"tagName": name, "tag_color": color}))
        .collect();
    Ok(Success::of(json!({ "tags": rows })).with_code(SuccessCode::Number))
}

/// `tag/associate`: a tag onto one contact.
pub(crate) fn tag_associate(campaigns: &mut Campaigns, call: &Call) -> Result<Success, Problem> {
    let tag = tag_of(campaigns, call)?;
    tagged(campaigns, call)?.insert(tag);
    Ok(Success::message("Tag has been associated.").with_code(SuccessCode::Number))
}

/// `tag/deassociate`: a tag off one contact.
pub(crate) fn tag_deassociate(campaigns: &mut Campaigns, call: &Call) -> Result<Success, Problem> {
    let tag = tag_of(campaigns, call)?;
    tagged(campaigns, call)?.remove(&tag);
    Ok(Success::message("Tag has been taken off.").with_code(SuccessCode::Number))
}

/// The types of custom field that the service documents.
const KINDS: [&str; 15] = [
    "Text",
    "Integer",
    "Phone",
    "Date",
    "Picklist",
    "Email",
    "Checkbox",
    "LongInteger",
    "URL",
    "textarea",
    "RadioOption",
    "Multiselect",
    "DateTime",
    "Decimal",
    "Percent",
];

fn tag_of(campaigns: &Campaigns, call: &Call) -> Result<String, Problem> {
    let name = call.params.required("tagName")?;
    let is_known = campaigns.tags.contains_key(name);
    is_known
        .then(|| name.to_owned())
        .ok_or(Problem::UNKNOWN_TAG)
}

fn tagged<'a>(
    campaigns: &'a mut Campaigns,
    call: &Call,
) -> Result<&'a mut std::collections::BTreeSet<String>, Problem> {
    let address = call.params.required("lead_email")?;
    let id = campaigns
        .contacts
        .id_of(address)
        .ok_or(Problem::NO_CONTACT)?;
    let contact = campaigns.contacts.get_mut(id).ok_or(Problem::NO_CONTACT)?;
    Ok(&mut contact.tags)
}

fn field_row(field: &ContactField, number: u32) -> Value {
    json!({
        "DISPLAY_NAME": &*field.label,
        "FIELD_NAME": field.name,
        "FIELD_ID": format!("{}", 9000 + number),
        "FIELD_TYPE": field.kind,
        "IS_MANDATORY": (&*field.label == ADDRESS_LABEL).to_string(),
        "max_length": field.length_max.to_string(),
        "block_label": "Contact Information",
    })
}
