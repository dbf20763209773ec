//! The methods that put contacts on lists and take them off.

use serde_json::json;

use super::account::Taken;
use super::answer::{Problem, Success};
use super::contact::Registry;
use super::{Call, Campaigns};

/// `listsubscribe`: one contact with its fields.
pub(crate) fn listsubscribe(campaigns: &mut Campaigns, call: &Call) -> Result<Success, Problem> {
    let list_key = call.params.required("listkey")?;
    let (address, values) = call.params.contact()?;
    let text = match campaigns.subscribe(list_key, &address, &values, call.now)? {
        Taken::AwaitsConfirmation => "A confirmation mail has been sent to the contact.",
        Taken::Added | Taken::ReAdded | Taken::Updated | Taken::Ignored => {
            "Contact has been subscribed."
        }
    };
    Ok(Success::message(text))
}

/// `addlistsubscribersinbulk`: a few addresses without fields.
pub(crate) fn bulk(campaigns: &mut Campaigns, call: &Call) -> Result<Success, Problem> {
    let list_key = call.params.required("listkey")?;
    call.params.required("emailids")?;
    let list = campaigns.list(list_key).ok_or(Problem::LIST_KEY)?;
    let name = list.name.clone();
    let (mut ignored, mut existing, mut readded) = (Vec::new(), Vec::new(), Vec::new());
    let addresses = call.params.addresses();
    check_bulk(campaigns, &addresses)?;
    for address in addresses {
        match campaigns.subscribe(list_key, &address, &[], call.now) {
            Ok(Taken::Added | Taken::AwaitsConfirmation) => {}
            Ok(Taken::ReAdded) => readded.push(address),
            Ok(Taken::Updated) | Err(Problem::ALREADY_THERE) => existing.push(address),
            Err(problem @ (Problem::LIST_DENIED | Problem::CONTACTS_MAX)) => return Err(problem),
            Ok(Taken::Ignored) | Err(_) => ignored.push(address),
        }
    }
    Ok(Success::of(json!({
        "listkey": list_key,
        "listname": name,
        "ignored_contacts": ignored,
        "existing_contacts": existing,
        "readd_contacts": readded,
    })))
}

/// `addlistandcontacts`: a new list with its first addresses.
pub(crate) fn addlistandcontacts(
    campaigns: &mut Campaigns,
    call: &Call,
) -> Result<Success, Problem> {
    let name = call.params.required("listname")?;
    let is_public = match call.params.required("signupform")? {
        "public" => true,
        "private" => false,
        _ => return Err(Problem::WRONG_TYPE),
    };
    if call.params.required("mode")? != "newlist" {
        return Err(Problem::WRONG_TYPE);
    }
    call.params.required("emailids")?;
    let addresses = call.params.addresses();
    check_bulk(campaigns, &addresses)?;
    if campaigns.lists.values().any(|list| list.name == name) {
        return Err(Problem::DUPLICATE_LIST);
    }
    let key = campaigns.create_list(name, is_public, call.now);
    if let (Some(list), Some(text)) = (campaigns.list_mut(&key), call.params.get("listdescription"))
    {
        list.description = text.to_owned();
    }
    for address in addresses {
        // As in the bulk call, an address that is refused does not stop the others.
        if campaigns.subscribe(&key, &address, &[], call.now) == Err(Problem::CONTACTS_MAX) {
            return Err(Problem::CONTACTS_MAX);
        }
    }
    Ok(Success::of(
        json!({"listkey": key, "listname": name, "message": "List has been created."}),
    ))
}

/// `listunsubscribe`: one contact off one list, or off all in the topic model.
pub(crate) fn listunsubscribe(campaigns: &mut Campaigns, call: &Call) -> Result<Success, Problem> {
    let list_key = call.params.required("listkey")?;
    let (address, _) = call.params.contact()?;
    campaigns.unsubscribe(list_key, &address, call.now)?;
    Ok(Success::message("Contact has been unsubscribed."))
}

/// `contactdonotmail`: no mail to this address, whatever the list.
pub(crate) fn contactdonotmail(campaigns: &mut Campaigns, call: &Call) -> Result<Success, Problem> {
    let (address, _) = call.params.contact()?;
    if !super::address::is_valid(&address) {
        return Err(Problem::INVALID_ADDRESS);
    }
    campaigns.register(Registry::DoNotMail, &address, call.now);
    Ok(Success::message("Contact has been moved to do-not-mail."))
}

/// `deletemailinglist`: a list, and with `deletecontacts=on` the people on it.
pub(crate) fn deletemailinglist(
    campaigns: &mut Campaigns,
    call: &Call,
) -> Result<Success, Problem> {
    let list_key = call.params.required("listkey")?;
    let list = campaigns.list(list_key).ok_or(Problem::LIST_DELETED)?;
    let number = list.number;
    let members: Vec<_> = list.members.all().map(|(id, _)| id).collect();
    if call.params.get("deletecontacts") == Some("on") {
        for id in members {
            let address = campaigns
                .contacts
                .get(id)
                .map(|contact| contact.address.clone());
            address.map(|address| campaigns.delete_contact(&address));
        }
    }
    campaigns.lists.remove(&number);
    Ok(Success::message("List has been deleted."))
}

fn check_bulk(campaigns: &Campaigns, addresses: &[String]) -> Result<(), Problem> {
    if addresses.len() > campaigns.policy.bulk_addresses_max {
        return Err(Problem::ABOVE_MAXIMUM);
    }
    Ok(())
}
