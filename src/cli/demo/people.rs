//! The three people of the story, and what Campaigns has of them.
//!
//! What is said about them is put together from what Campaigns had before and has now, never from what was intended.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::sandbox::World;
use crate::sandbox::campaigns::list::Standing;

/// One of the three.
pub(super) struct Named {
    /// The name at the beginning.
    pub(super) name: &'static str,
    /// The address, which no other record has.
    pub(super) address: &'static str,
    /// What happens to the record, as the story tells it.
    pub(super) change: &'static str,
}

/// Contacts that the sandbox always has.
pub(super) const ANN: Named = Named {
    name: "Ann Lee",
    address: "ann.lee@example.com",
    change: "got a new last name in the CRM",
};
/// See [`ANN`].
pub(super) const BEN: Named = Named {
    name: "Ben O'Brien",
    address: "ben.obrien@example.org",
    change: "opted out in the CRM",
};
/// See [`ANN`].
pub(super) const CHLOE: Named = Named {
    name: "Chloe Łukasz",
    address: "chloe.lukasz@example.net",
    change: "was deleted from the CRM",
};

/// The three.
pub(super) const NAMED: [Named; 3] = [ANN, BEN, CHLOE];

/// What Campaigns has of an address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Known {
    /// First and last name.
    pub(super) name: String,
    /// The standing on each list, by the list's name.
    pub(super) lists: BTreeMap<String, Standing>,
}

/// What happened to one of the three.
#[derive(Debug, Serialize)]
pub(super) struct Person {
    name: &'static str,
    address: &'static str,
    before: Known,
    after: Known,
    /// The same for people.
    pub(super) sentence: String,
}

impl Person {
    /// Of a person whom Campaigns knew and knows like this.
    pub(super) fn new(named: &Named, before: Known, after: Known) -> Self {
        let fate = fate(&before, &after);
        Self {
            name: named.name,
            address: named.address,
            sentence: format!("{} {}. {fate}.", named.name, named.change),
            before,
            after,
        }
    }
}

/// Asks Campaigns about an address.
pub(super) fn look(world: &World, address: &str) -> Known {
    let Some(view) = world.campaigns.view_of(address) else {
        return Known::default();
    };
    let part = |label: &str| view.fields.get(label).map(String::as_str);
    let parts = [part("First Name"), part("Last Name")];
    let lists = world.campaigns.list_views().into_iter();
    Known {
        name: parts.into_iter().flatten().collect::<Vec<_>>().join(" "),
        lists: lists
            .filter_map(|list| Some((list.name, *view.lists.get(&list.key)?)))
            .collect(),
    }
}

/// How the person stands now, and what is new about it.
fn fate(before: &Known, after: &Known) -> String {
    let lists: BTreeSet<&String> = before.lists.keys().chain(after.lists.keys()).collect();
    let mut parts: Vec<String> = lists
        .into_iter()
        .map(|list| stands(before.lists.get(list), after.lists.get(list), list))
        .collect();
    if parts.is_empty() {
        return "On no list".to_owned();
    }
    let is_mailed = after.lists.values().any(|is| *is == Standing::Active);
    if is_mailed && before.name != after.name {
        parts.push(format!("as {}", after.name));
    }
    let mut text = parts.join(", ");
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

fn stands(before: Option<&Standing>, after: Option<&Standing>, list: &str) -> String {
    match (before, after) {
        (Some(Standing::Active), Some(Standing::Active)) => format!("still on {list}"),
        (_, Some(Standing::Active)) => format!("now on {list}"),
        (_, Some(Standing::Unsubscribed)) => format!("unsubscribed from {list}"),
        (_, Some(Standing::Bounced)) => format!("bounced, so no mail from {list}"),
        (_, Some(Standing::Suppressed)) => format!("no mail from {list}"),
        (_, None) => format!("no longer on {list}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(name: &str, lists: &[(&str, Standing)]) -> Known {
        Known {
            name: name.to_owned(),
            lists: lists
                .iter()
                .map(|(list, is)| ((*list).to_owned(), *is))
                .collect(),
        }
    }

    #[test]
    fn what_is_said_follows_from_what_campaigns_has() {
        use Standing::{Active, Bounced, Unsubscribed};
        let before = known("Ann Lee", &[("News", Active)]);
        for (after, want) in [
            (known("Ann Lee", &[("News", Active)]), "Still on News"),
            (
                known("Ann Ray", &[("News", Active)]),
                "Still on News, as Ann Ray",
            ),
            (
                known("Ann Ray", &[("News", Unsubscribed)]),
                "Unsubscribed from News",
            ),
            (
                known("Ann Lee", &[("News", Bounced)]),
                "Bounced, so no mail from News",
            ),
            (
                known("Ann Lee", &[("Guests", Active), ("News", Active)]),
                "Now on Guests, still on News",
            ),
            (known("", &[]), "No longer on News"),
        ] {
            assert_eq!(fate(&before, &after), want);
        }
        assert_eq!(fate(&Known::default(), &Known::default()), "On no list");
    }
}
