//! The account's laws, and below the methods over HTTP.

mod calling;
mod writing;

use std::collections::BTreeSet;

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::Campaigns;
use super::account::Taken;
use super::answer::Problem;
use super::list::Standing;
use super::policy::{Policy, Suppressed};
use super::screens::Action;
use crate::sandbox::control::testing::LIST;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn act(campaigns: &mut Campaigns, action: Value) {
    let action: Action = serde_json::from_value(action).unwrap();
    campaigns.act(action, NOW).unwrap();
}

/// An account with one suppressed contact of each kind, who all were on the list.
fn with_suppressed(policy: Policy) -> Campaigns {
    let mut campaigns = Campaigns {
        policy,
        ..Campaigns::default()
    };
    for (name, action) in [
        (
            "left",
            json!({"unsubscribe": {"list": LIST, "address": "left@example.com"}}),
        ),
        ("bounced", json!({"bounce": "bounced@example.com"})),
        ("blocked", json!({"block": "blocked@example.com"})),
        ("silent", json!({"do_not_mail": "silent@example.com"})),
    ] {
        let address = format!("{name}@example.com");
        act(
            &mut campaigns,
            json!({"subscribe": {"list": LIST, "address": address}}),
        );
        act(&mut campaigns, action);
    }
    campaigns
}

#[test]
fn who_is_suppressed_comes_back_only_if_the_policy_says_so() {
    let all = |suppressed| Policy {
        unsubscribed: suppressed,
        do_not_mail: suppressed,
        bounced: suppressed,
        blocked: suppressed,
        ..Policy::default()
    };
    let refused = Err(Problem::suppressed(2002));
    let blocked = Err(Problem::blocked(2002));
    for (suppressed, want, is_back) in [
        (Suppressed::Silent, Ok(Taken::Ignored), false),
        (Suppressed::Refuse(2002), refused, false),
        (Suppressed::Reinstate, Ok(Taken::ReAdded), true),
    ] {
        for name in ["left", "bounced", "blocked", "silent"] {
            let mut campaigns = with_suppressed(all(suppressed));
            let address = format!("{name}@EXAMPLE.com");
            let values = [("City".to_owned(), "Rome".to_owned())];
            let want = match name {
                "blocked" if want == refused => blocked,
                _ => want,
            };
            assert_eq!(
                campaigns.subscribe(LIST, &address, &values, NOW),
                want,
                "{name}"
            );
            let is_active = campaigns.standing(LIST, &address) == Some(Standing::Active);
            assert_eq!(is_active, is_back, "{name} {suppressed:?}");
            let shown = campaigns.view_of(&address).unwrap();
            assert_eq!(shown.fields.is_empty(), !is_back, "{name} {suppressed:?}");
        }
    }
}

#[test]
fn an_unsubscribe_counts_for_one_list_or_in_the_topic_model_for_all() {
    for (topic_model, elsewhere) in [(false, Taken::Updated), (true, Taken::Ignored)] {
        let mut campaigns = Campaigns::default();
        campaigns.policy.topic_model = topic_model;
        for list in [LIST, "3zhospitality"] {
            campaigns
                .subscribe(list, "ann@example.com", &[], NOW)
                .unwrap();
        }
        campaigns.unsubscribe(LIST, "ann@example.com", NOW).unwrap();
        let taken = campaigns.subscribe("3zhospitality", "ann@example.com", &[], NOW);
        assert_eq!(taken, Ok(elsewhere), "{topic_model}");
    }
}

#[test]
fn a_deleted_contact_is_forgotten_and_counts_as_re_added() {
    let mut campaigns = Campaigns::default();
    campaigns
        .subscribe(LIST, "ann@example.com", &[], NOW)
        .unwrap();
    campaigns.unsubscribe(LIST, "ann@example.com", NOW).unwrap();
    act(&mut campaigns, json!({"delete_contact": "ANN@example.com"}));
    assert!(campaigns.view_of("ann@example.com").is_none());
    let taken = campaigns.subscribe(LIST, "ann@example.com", &[], NOW);
    assert_eq!(taken, Ok(Taken::ReAdded));
}

#[test]
fn the_plan_takes_so_many_contacts_and_no_more() {
    let mut campaigns = Campaigns::default();
    campaigns.policy.contacts_max = Some(1);
    campaigns
        .subscribe(LIST, "ann@example.com", &[], NOW)
        .unwrap();
    let over = campaigns.subscribe(LIST, "ben@example.com", &[], NOW);
    assert_eq!(over, Err(Problem::CONTACTS_MAX));
    let again = campaigns.subscribe("3zhospitality", "ann@example.com", &[], NOW);
    assert_eq!(again, Ok(Taken::Added));
}

proptest! {
    #[test]
    fn no_call_of_the_api_brings_back_who_left(
        steps in proptest::collection::vec((0_u8..4, 0_u8..4, 0_u8..2), 0..60)
    ) {
        let mut campaigns = Campaigns::default();
        let mut gone = BTreeSet::new();
        for (step, person, list) in steps {
            let address = format!("p{person}@example.com");
            let list = [LIST, "3zhospitality"][usize::from(list)];
            match step {
                0 | 1 => {
                    let taken = campaigns.subscribe(list, &address, &[], NOW);
                    let is_gone = gone.contains(&(list, address.clone()));
                    prop_assert_eq!(taken == Ok(Taken::Ignored), is_gone);
                }
                2 if campaigns.unsubscribe(list, &address, NOW).is_ok() => {
                    gone.insert((list, address));
                }
                _ => {
                    act(&mut campaigns, json!({"bounce": address}));
                    gone.extend([LIST, "3zhospitality"].map(|list| (list, address.clone())));
                }
            }
            for (list, address) in &gone {
                prop_assert_ne!(campaigns.standing(list, address), Some(Standing::Active));
            }
        }
    }
}
