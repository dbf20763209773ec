//! A disk that is full, or fails, at a write and from it on, or once: what failed is said, on which path and what to do,
//! and with a sound disk again everything ends as it would have.
//!
//! `ROSTERD_DISK_STRIKES=50` strikes each scene so often, `ROSTERD_DISK_SEED=7` at other writes.

use super::scenes::{self, Scene};
use super::*;
use crate::disk::{self, Strike};
use crate::rig::{Dice, Ran};

/// So many strikes a scene in every test run.
const STRIKES: usize = 2;

const ALL: [Strike; 4] = [
    Strike::Full,
    Strike::Broken,
    Strike::FullOnce,
    Strike::BrokenOnce,
];

/// A command that ended with 1 says on what it failed, and what to look after.
fn assert_says_why(ran: &Ran) {
    let said = &ran.stderr;
    assert!(!said.contains("panicked"), "{said}");
    let remedies = ["check `state_dir`", "in `state_dir`", "check `history_dir`"];
    assert!(remedies.iter().any(|text| said.contains(text)), "{said}");
    // Which is not to move away what is as good as ever.
    assert!(!said.contains("move it away"), "{said}");
}

fn strikes_at_its_writes(scene: &Scene) {
    let (want, changes) = scene.whole();
    let strikes = variable("ROSTERD_DISK_STRIKES").unwrap_or(STRIKES);
    let seed = variable("ROSTERD_DISK_SEED").unwrap_or(1);
    let mut dice = Dice::new(u64::try_from(seed + scene.name.len()).unwrap());
    for nth in 0..strikes {
        let rig = scene.rig();
        let line = scene.line(&rig);
        let (at, strike) = (
            1 + dice.roll(*changes),
            ALL[(nth + scene.name.len()) % ALL.len()],
        );
        let ran = disk::run(&rig, &line, strike, at);
        println!(
            "{}: {strike:?} at {at} of {changes}: {:?}\n{}",
            scene.name, ran.code, ran.stderr
        );
        match ran.code {
            // What failed was not needed, such as the place of a token.
            Some(0 | 3) => {}
            Some(1) => assert_says_why(&ran),
            code => panic!("{code:?}"),
        }
        assert_same(&scene.over(&rig, &line), want);
    }
}

/// A test for each of the scenes.
macro_rules! struck {
    ($($test:ident: $scene:ident;)*) => {
        $(#[test]
        fn $test() {
            strikes_at_its_writes(&scenes::$scene);
        })*
    };
}

struck! {
    an_import_on_a_failing_disk_ends_as_one_that_was_not: IMPORT;
    an_update_on_a_failing_disk_ends_as_one_that_was_not: UPDATE;
    a_run_that_holds_removals_on_a_failing_disk_holds_them_once: HOLD;
    an_approval_on_a_failing_disk_is_carried_out_and_told_once: APPROVE;
    a_discarding_on_a_failing_disk_is_carried_out_and_told_once: DISCARD;
    a_rotation_on_a_failing_disk_loses_and_doubles_no_line: ROTATION;
    a_deactivation_on_a_failing_disk_is_told_once: DEACTIVATE;
    an_activation_on_a_failing_disk_is_told_once: ACTIVATE;
    an_erasure_on_a_failing_disk_is_carried_out_and_told_once: FORGET;
    a_release_on_a_failing_disk_is_carried_out_and_told_once: RELEASE;
    a_run_on_a_failing_disk_counts_under_its_limit_once: LIMIT;
}
