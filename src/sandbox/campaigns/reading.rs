//! The methods that read lists and their members.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::answer::{Problem, Success, SuccessCode};
use super::contact::{Contact, ContactId};
use super::list::{List, Member, Standing};
use super::params::Params;
use super::policy::{PageTooLong, Policy, ReadingOrder};
use super::{Call, Campaigns};

/// Rows of a page when the caller does not say (clients report 20 or 25).
const ROWS_DEFAULT: usize = 20;

/// Which stretch of the rows a call asks for.
struct Page {
    skip: usize,
    rows: usize,
    is_descending: bool,
}

impl Page {
    fn of(params: &Params, policy: &Policy) -> Result<Self, Problem> {
        let rows_max = policy.page_rows_max;
        let from: usize = params.number("fromindex", 1)?;
        let rows = params.number("range", ROWS_DEFAULT.min(rows_max))?;
        if rows > rows_max && policy.page_too_long == PageTooLong::Refuse {
            return Err(Problem::ABOVE_MAXIMUM);
        }
        let rows = rows.min(rows_max);
        Ok(Self {
            // Rows are counted from 1; some clients start at 0 and mean the same.
            skip: from.saturating_sub(1),
            rows,
            is_descending: params.get("sort") == Some("desc"),
        })
    }

    fn of_slice<'a, T>(&self, all: &'a [T]) -> Vec<&'a T> {
        if self.is_descending {
            all.iter().rev().skip(self.skip).take(self.rows).collect()
        } else {
            all.iter().skip(self.skip).take(self.rows).collect()
        }
    }
}

/// `getmailinglists`: the lists, by name.
pub(crate) fn getmailinglists(campaigns: &mut Campaigns, call: &Call) -> Result<Success, Problem> {
    let page = Page::of(call.params, &campaigns.policy)?;
    let mut lists: Vec<&List> = campaigns.lists.values().collect();
    lists.sort_by(|a, b| a.name.cmp(&b.name));
    let rows = page.of_slice(&lists);
    if rows.is_empty() {
        return Err(Problem::NO_LISTS);
    }
    let rows: Vec<Value> = rows.into_iter().map(|list| list_row(list)).collect();
    Ok(Success::of(json!({ "list_of_details": rows })))
}

/// `getlistsubscribers`: the members under one standing, in the order that the policy says.
pub(crate) fn getlistsubscribers(
    campaigns: &mut Campaigns,
    call: &Call,
) -> Result<Success, Problem> {
    let list_key = call.params.required("listkey")?;
    let list = campaigns.list(list_key).ok_or(Problem::LIST_KEY)?;
    let mut page = Page::of(call.params, &campaigns.policy)?;
    let standing = match call.params.get("status").unwrap_or("active") {
        "active" => Standing::Active,
        "unsub" => Standing::Unsubscribed,
        "bounce" => Standing::Bounced,
        "recent" | "mostrecent" | "most recent" => {
            page.is_descending = true;
            Standing::Active
        }
        _ => return Err(Problem::WRONG_TYPE),
    };
    let row = |(_, id): &(u64, ContactId)| {
        let contact = campaigns.contacts.get(*id)?;
        Some(member_row(*id, contact, list.members.get(*id)?))
    };
    let rows: Vec<Value> = match campaigns.policy.reading_order {
        ReadingOrder::Standing => {
            let rows = page.of_slice(list.members.order(standing));
            rows.into_iter().filter_map(row).collect()
        }
        ReadingOrder::Address => {
            let mut members = list.members.order(standing).to_vec();
            let address = |(_, id): &(u64, ContactId)| {
                let contact = campaigns.contacts.get(*id);
                contact.map(|contact| contact.address.to_lowercase())
            };
            members.sort_by_cached_key(address);
            let rows = page.of_slice(&members);
            rows.into_iter().filter_map(row).collect()
        }
    };
    if rows.is_empty() {
        return Err(Problem::NO_CONTACTS);
    }
    Ok(Success::of(json!({ "list_of_details": rows })))
}

/// `listsubscriberscount`: how many members have one standing.
pub(crate) fn listsubscriberscount(
    campaigns: &mut Campaigns,
    call: &Call,
) -> Result<Success, Problem> {
    let list_key = call.params.required("listkey")?;
    let list = campaigns.list(list_key).ok_or(Problem::COUNT_LIST)?;
    let count = match call.params.get("status").unwrap_or("active") {
        "active" => list.members.count(Standing::Active),
        "unsub" => list.members.count(Standing::Unsubscribed),
        "bounce" => list.members.count(Standing::Bounced),
        // Complaints go to the do-not-mail registry; no list counts them.
        "spam" => 0,
        _ => return Err(Problem::WRONG_TYPE),
    };
    Ok(Success::of(json!({ "no_of_contacts": count })).with_code(SuccessCode::Number))
}

/// `getlistadvanceddetails`: a list and its counts; nothing was ever sent to it.
pub(crate) fn getlistadvanceddetails(
    campaigns: &mut Campaigns,
    call: &Call,
) -> Result<Success, Problem> {
    let list_key = call.params.required("listkey")?;
    call.params.required("filtertype")?;
    let list = campaigns.list(list_key).ok_or(Problem::LIST_KEY)?;
    let mut details = list_row(list);
    for (key, count) in [
        ("no_of_active", list.members.count(Standing::Active)),
        ("no_of_unsub", list.members.count(Standing::Unsubscribed)),
        ("no_of_bounce", list.members.count(Standing::Bounced)),
        ("sent_count", 0),
    ] {
        details[key] = json!(count.to_string());
    }
    Ok(Success::of(details))
}

/// `topics`: the one topic of an account on the topic model.
pub(crate) fn topics(campaigns: &mut Campaigns, _: &Call) -> Result<Success, Problem> {
    if !campaigns.policy.topic_model {
        return Err(Problem::TOPICS_OFF);
    }
    let primary = campaigns
        .lists
        .values()
        .next()
        .map(|list| list.key.as_str());
    let topic = json!({"topicId": "3ztopic", "topicName": "General", "topicDesc": "", "primaryList": primary});
    Ok(Success::of(json!({ "topicDetails": [topic] })).with_code(SuccessCode::Http))
}

/// A list as the service shows it: every value is a string.
fn list_row(list: &List) -> Value {
    let count = |standing| list.members.count(standing).to_string();
    let lock = if list.locked { "locked" } else { "unlocked" };
    json!({
        "listkey": list.key,
        "listname": list.name,
        "listunino": list.number.to_string(),
        "listdesc": list.description,
        "listtype": "0",
        "issmart": "false",
        "is_public": list.is_public.to_string(),
        "noofcontacts": count(Standing::Active),
        "noofunsubcnt": count(Standing::Unsubscribed),
        "noofbouncecnt": count(Standing::Bounced),
        "sentcnt": "0",
        "created_time": millis(list.created_at),
        "created_time_gmt": millis(list.created_at),
        "updated_time_gmt": millis(list.created_at),
        "list_created_date": list.created_at.strftime("%d %b %Y, %I:%M %p").to_string(),
        "lockstatus": lock,
        "owner": list.owner,
        "zuid": "1",
        "editable": "true",
        "deletable": "true",
        "servicetype": "6",
        "segments": {},
        "otherslist": "false",
    })
}

/// A member as the service shows it: no custom fields, no contact id, no time of unsubscribing.
fn member_row(id: ContactId, contact: &Contact, member: &Member) -> Value {
    let field = |label: &str| contact.fields.get(label).map_or("", String::as_str);
    json!({
        "contact_email": contact.address,
        "firstname": field("First Name"),
        "lastname": field("Last Name"),
        "companyname": field("Company Name"),
        "phone": field("Phone"),
        "added_time": millis(member.added_at),
        "zuid": id.0.to_string(),
    })
}

fn millis(at: Timestamp) -> String {
    at.as_millisecond().to_string()
}
