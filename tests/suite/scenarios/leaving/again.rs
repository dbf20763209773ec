//! Opting out, and in again.

use serde_json::json;

use super::{imported, later, standing};
use crate::rig::NEWSLETTER;

#[test]
fn who_opts_in_again_is_added_again_only_where_the_definition_says_add() {
    for (advanced, re_added, do_not_mail, want) in [
        ("", 0, 1, "unsubscribed"),
        ("opted_in_again = \"ignore\"", 0, 1, "unsubscribed"),
        ("opted_in_again = \"add\"", 1, 0, "active"),
    ] {
        let (rig, people) = imported(advanced);
        let (id, address) = &people[0];
        rig.update("Contacts", id, &json!({"Email_Opt_Out": true}));
        // Never on the list: it is simply new when it opts in.
        let late = json!({"Last_Name": "Late", "Email": "late@example.com", "Email_Opt_Out": true});
        let late = rig.create("Contacts", &late);
        let out = later(&rig);
        assert_eq!(
            (&out["deleted"], &out["ignored_by"]["opted_out"]),
            (&json!(1), &json!(2))
        );
        // Another record with the address frees nobody.
        let twin = rig.create("Contacts", &json!({"Last_Name": "Twin", "Email": address}));
        assert_eq!(later(&rig)["ignored_by"]["opted_out"], 1);
        rig.delete("Contacts", &twin);
        later(&rig);

        rig.update("Contacts", id, &json!({"Email_Opt_Out": false}));
        rig.update("Contacts", &late, &json!({"Email_Opt_Out": false}));
        let back = later(&rig);
        assert_eq!(
            (
                &back["re_added"],
                &back["ignored_by"]["do_not_mail"],
                &back["new"]
            ),
            (&json!(re_added), &json!(do_not_mail), &json!(1)),
            "{advanced}"
        );
        assert_eq!(standing(&rig, address), want, "{advanced}");
        assert_eq!(standing(&rig, "late@example.com"), "active");
        // And it goes once more when it opts out once more.
        rig.update("Contacts", id, &json!({"Email_Opt_Out": true}));
        assert_eq!(later(&rig)["deleted"], re_added, "{advanced}");
        assert_eq!(standing(&rig, address), "unsubscribed");
    }
}

#[test]
fn opting_in_again_undoes_neither_a_personal_unsubscribe_nor_a_bounce_not_even_one_that_campaigns_forgot()
 {
    let (rig, people) =
        imported("opted_in_again = \"add\"\ndeleted = \"remove\"\nleft = \"remove\"");
    let [left, bounced, banned, forgotten] = [0, 1, 2, 3].map(|index| people[index].clone());
    rig.act(&json!({"unsubscribe": {"list": NEWSLETTER, "address": left.1}}));
    rig.act(&json!({ "bounce": bounced.1 }));
    rig.act(&json!({ "do_not_mail": banned.1 }));
    rig.act(&json!({"unsubscribe": {"list": NEWSLETTER, "address": forgotten.1}}));
    let everybody = [&left, &bounced, &banned, &forgotten];
    for (id, _) in everybody {
        rig.update("Contacts", id, &json!({"Email_Opt_Out": true}));
    }
    assert_eq!(later(&rig)["deleted"], 0, "there is nobody to take off");
    // Campaigns forgets one of them, and the whole list forgets another.
    rig.act(&json!({ "delete_contact": forgotten.1 }));
    rig.act(&json!({"policy": {"unsubscribed": "reinstate", "bounced": "reinstate", "do_not_mail": "reinstate"}}));
    for (id, _) in everybody {
        rig.update("Contacts", id, &json!({"Email_Opt_Out": false}));
    }
    rig.forget_calls();
    let back = later(&rig);
    assert_eq!(back["ignored_by"]["do_not_mail"], 3, "{back}");
    assert_eq!(back["ignored_by"]["bounced"], 1);
    rig.done("sync newsletter --full");
    let sent = rig.calls().addresses("listsubscribe");
    for (_, address) in everybody {
        assert!(!sent.contains(address), "{address}");
    }
}

#[test]
fn an_address_that_campaigns_does_not_take_back_stays_known_as_taken_off_by_rosterd() {
    let (rig, people) = imported("left = \"unsubscribe\"");
    let (id, address) = &people[0];
    rig.update("Contacts", id, &json!({"Last_Name": "Left"}));
    assert_eq!(later(&rig)["deleted"], 1);
    // Accepted without a word, and not on the list afterwards.
    rig.act(&json!({"policy": {"unsubscribed": "silent"}}));
    rig.update("Contacts", id, &json!({"Last_Name": "Back"}));
    let refused = later(&rig);
    assert_eq!(
        (&refused["re_added"], &refused["ignored_by"]["other"]),
        (&json!(0), &json!(1))
    );
    // Not for good: it is not the person who left.
    rig.act(&json!({"policy": {"unsubscribed": "reinstate"}}));
    rig.update("Contacts", id, &json!({"Last_Name": "Once more"}));
    assert_eq!(later(&rig)["re_added"], 1);
    assert_eq!(standing(&rig, address), "active");
}
