//! The limit of active syncs.

use super::*;

fn limited(rig: &Rig, limit: &str) {
    let settings = format!("[limits]\nactive_syncs = {limit}\n[retry]\ngive_up_after = \"1s\"\n");
    rig.settings(&settings, "pace = \"off\"\n");
}

const NO_ROOM: &str =
    "active_syncs: 2 of 2 active; deactivate another sync or raise `limits.active_syncs`";

#[test]
fn those_first_seen_last_stay_inactive_until_another_is_deactivated() {
    let rig = rig_with(&["b", "c"]);
    limited(&rig, "2");
    let daemon = rig.daemon();
    rig.sync("a", &guests(YEARLY));
    rig.sync("d", &guests(YEARLY));
    rig.done("reload");
    let full = [
        inactive("a", "limit"),
        active("b"),
        active("c"),
        inactive("d", "limit"),
    ];
    assert_eq!(standing(&rig), full, "a and d were seen last");
    assert!(
        rig.done("status")
            .contains("the limit active_syncs leaves no room for it")
    );
    assert!(daemon.stderr().contains(NO_ROOM));
    assert_refused(&rig, "a", NO_ROOM);
    // Activating is refused too, and changes nothing.
    let ran = rig.run("activate d");
    assert_eq!(ran.code, Some(3));
    assert_eq!(ran.stdout, format!("d stays inactive: {NO_ROOM}\n"));
    assert_eq!(standing(&rig), full);
    rig.done("deactivate b");
    let after = [
        active("a"),
        inactive("b", "operator"),
        active("c"),
        inactive("d", "limit"),
    ];
    assert_eq!(standing(&rig), after, "of two seen at once, by id");
    let ran = rig.run("activate b c");
    assert_eq!(ran.code, Some(3), "{}", ran.stdout);
    let said = format!("b stays inactive: {NO_ROOM}\nc is active already\n");
    assert_eq!(ran.stdout, said);
    assert_eq!(standing(&rig), after, "b has lost its place");
    daemon.stop();
    let daemon = rig.daemon();
    assert_eq!(standing(&rig), after, "and after a restart too");
    limited(&rig, "\"unlimited\"");
    rig.done("reload");
    let said = rig.done("activate --account main");
    assert!(said.contains("b is active\n"), "{said}");
    daemon.stop();
    assert_eq!(
        told(&rig),
        [
            "sync.deactivated a limit",
            "sync.deactivated d limit",
            "sync.activated a",
            "sync.deactivated b operator",
            "sync.activated d",
            "sync.activated b"
        ]
    );
}

#[test]
fn a_limit_that_is_lowered_leaves_those_seen_first() {
    let rig = rig_with(&["c"]);
    rig.done("deactivate c");
    rig.done("activate c");
    rig.sync("a", &guests(YEARLY));
    rig.sync("b", &guests(YEARLY));
    let daemon = rig.daemon();
    limited(&rig, "1");
    rig.done("reload");
    assert_eq!(
        standing(&rig),
        [inactive("a", "limit"), inactive("b", "limit"), active("c")]
    );
    let status: Value = serde_json::from_str(&rig.done("status --json")).unwrap();
    assert_eq!(status["accounts"][0]["active_syncs"], 1);
    limited(&rig, "0");
    rig.done("reload");
    assert_eq!(standing(&rig)[2], inactive("c", "limit"));
    limited(&rig, "3");
    rig.done("reload");
    assert_eq!(standing(&rig), [active("a"), active("b"), active("c")]);
    daemon.stop();
}

#[test]
fn what_is_finished_or_held_takes_no_place_and_accounts_do_not_share_theirs() {
    let rig = Rig::new(10);
    limited(&rig, "1");
    rig.sync("a", &guests("every = \"once\""));
    rig.sync("b", &guests(YEARLY));
    let daemon = rig.daemon();
    until("a has run, and b has its place", || {
        standing(&rig)[1] == active("b")
    });
    assert_eq!(standing(&rig)[0].1, "finished");
    daemon.stop();
    assert_eq!(
        told(&rig),
        [
            "sync.deactivated b limit",
            "sync.deactivated a finished",
            "sync.activated b"
        ]
    );
}
