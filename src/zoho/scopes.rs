//! The OAuth scopes of all calls that are made, and which of them a grant lacks.

use super::{campaigns, crm};

/// All scopes that an account's refresh token needs: those of each call, each once.
#[must_use]
pub fn needed() -> Vec<&'static str> {
    let of_crm = crm::Method::ALL.iter().flat_map(|method| method.scopes());
    let of_campaigns = campaigns::Method::ALL.map(campaigns::Method::scope);
    let mut scopes = Vec::new();
    for scope in of_crm.copied().chain(of_campaigns) {
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    scopes
}

/// The needed scopes that none of the `granted` ones covers.
#[must_use]
pub fn missing(granted: &[String]) -> Vec<&'static str> {
    let mut missing = needed();
    missing.retain(|scope| !is_granted(granted, scope));
    missing
}

/// Whether a scope is granted, be it by a wider name, or in parts.
fn is_granted(granted: &[String], scope: &str) -> bool {
    let Some((group, verb)) = scope.rsplit_once('.') else {
        return false;
    };
    let verbs = granted.iter().filter_map(|held| {
        let (held_group, held_verb) = held.rsplit_once('.')?;
        is_within(group, held_group).then_some(held_verb)
    });
    let verbs: Vec<&str> = verbs.collect();
    verb.split('-').all(|part| {
        let allows = |held: &&str| {
            held.eq_ignore_ascii_case("ALL")
                || (held.eq_ignore_ascii_case("WRITE") && part != "READ")
                || held.split('-').any(|held| held.eq_ignore_ascii_case(part))
        };
        verbs.iter().any(allows)
    })
}

/// Whether a group is the `wider` one or inside it.
fn is_within(group: &str, wider: &str) -> bool {
    let (start, rest) = match (group.get(..wider.len()), group.get(wider.len()..)) {
        (Some(start), Some(rest)) => (start, rest),
        _ => return false,
    };
    start.eq_ignore_ascii_case(wider) && (rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_is_in_the_list_once() {
        // One that `ALL` forgets leaves its number out, unless it is the last of its enum.
        let of_crm: Vec<usize> = crm::Method::ALL.iter().map(|it| *it as usize).collect();
        let of_campaigns = campaigns::Method::ALL.iter().map(|it| *it as usize);
        for mut numbers in [of_crm, of_campaigns.collect()] {
            numbers.sort_unstable();
            let all: Vec<usize> = (0..numbers.len()).collect();
            assert_eq!(numbers, all);
        }
    }

    #[test]
    fn the_readme_lists_what_the_calls_need() {
        let readme = include_str!("../../README.md");
        let list = needed().join(",");
        assert!(readme.lines().any(|line| line == list), "{list}");
    }

    #[test]
    fn a_grant_may_name_its_scopes_wider_or_in_parts() {
        let list = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let exact: Vec<String> = needed().into_iter().map(str::to_owned).collect();
        assert_eq!(missing(&exact), [""; 0]);
        let wide = "ZohoCRM.modules.ALL ZohoCRM.coql.READ ZohoCRM.bulk.ALL ZohoCRM.settings.ALL zohocrm.org.read";
        for (campaigns, want) in [
            ("ZohoCampaigns.contact.ALL", vec![]),
            (
                "ZohoCampaigns.contact.CREATE ZohoCampaigns.contact.UPDATE ZohoCampaigns.contact.READ",
                vec![],
            ),
            (
                "ZohoCampaigns.contact.WRITE ZohoCampaigns.contact.READ",
                vec![],
            ),
            (
                "ZohoCampaigns.contact.WRITE",
                vec!["ZohoCampaigns.contact.READ"],
            ),
            (
                "ZohoCampaigns.contact.READ-CREATE",
                vec!["ZohoCampaigns.contact.CREATE-UPDATE"],
            ),
            (
                "ZohoCampaigns.contacts.ALL",
                vec![
                    "ZohoCampaigns.contact.READ",
                    "ZohoCampaigns.contact.CREATE-UPDATE",
                ],
            ),
            (
                "",
                vec![
                    "ZohoCampaigns.contact.READ",
                    "ZohoCampaigns.contact.CREATE-UPDATE",
                ],
            ),
        ] {
            assert_eq!(
                missing(&list(&format!("{wide} {campaigns}"))),
                want,
                "{campaigns}"
            );
        }
        let narrow = list("ZohoCRM.modules.leads.READ ZohoCRM.settings.modules.CREATE");
        for scope in ["ZohoCRM.modules.READ", "ZohoCRM.settings.modules.READ"] {
            assert!(missing(&narrow).contains(&scope), "{scope}");
        }
    }
}
