//! Killed at its writes, one after the other: each scene begins anew for each of them.
//!
//! Every so many writes are taken, or all with `ROSTERD_CRASH_EVERY=1`, from `ROSTERD_CRASH_FROM` on.

use super::scenes::{self, Scene};
use super::*;
use crate::disk::{self, Strike};

/// So many kills a scene in every test run.
const KILLS: usize = 3;

fn killed_at_its_writes(scene: &Scene) {
    let (want, changes) = scene.whole();
    let every = variable("ROSTERD_CRASH_EVERY").unwrap_or(changes.div_ceil(KILLS));
    let from = variable("ROSTERD_CRASH_FROM").unwrap_or(every.div_ceil(2));
    let mut kills = 0;
    for at in (from..=*changes).step_by(every) {
        let rig = scene.rig();
        let line = scene.line(&rig);
        let strike = Strike::KILLS[kills % 3];
        let ran = disk::run(&rig, &line, strike, at);
        println!("{}: {strike:?} {at} of {changes}", scene.name);
        // Sled's own thread may have made one change fewer.
        if ran.code.is_none() {
            kills += 1;
        }
        assert_same(&scene.over(&rig, &line), want);
    }
    assert!(kills > 0, "{}", scene.name);
}

/// A test for each of the scenes.
macro_rules! killed {
    ($($test:ident: $scene:ident;)*) => {
        $(#[test]
        fn $test() {
            killed_at_its_writes(&scenes::$scene);
        })*
    };
}

killed! {
    an_import_killed_at_any_write_ends_as_one_that_was_not: IMPORT;
    an_update_killed_at_any_write_ends_as_one_that_was_not: UPDATE;
    a_run_that_holds_removals_killed_at_any_write_holds_them_once: HOLD;
    an_approval_killed_at_any_write_is_carried_out_and_told_once: APPROVE;
    a_discarding_killed_at_any_write_is_carried_out_and_told_once: DISCARD;
    a_rotation_killed_at_any_write_loses_and_doubles_no_line: ROTATION;
    a_deactivation_killed_at_any_write_is_told_once: DEACTIVATE;
    an_activation_killed_at_any_write_is_told_once: ACTIVATE;
    an_erasure_killed_at_any_write_is_carried_out_and_told_once: FORGET;
    a_release_killed_at_any_write_is_carried_out_and_told_once: RELEASE;
    a_run_killed_at_any_write_counts_under_its_limit_once: LIMIT;
}
