//! The power goes at a write: what was not synced is gone, or some of it, or torn.
//!
//! `ROSTERD_POWER_CUTS=50` cuts each scene so often, `ROSTERD_POWER_SEED=7` at other writes.

use super::scenes::{self, Scene};
use super::*;
use crate::disk::power::{Kept, Loss};
use crate::disk::{self, Strike};
use crate::rig::Dice;

/// So many cuts a scene in every test run.
const CUTS: usize = 2;

fn cut_at_its_writes(scene: &Scene) {
    let (want, changes) = scene.whole();
    let cuts = variable("ROSTERD_POWER_CUTS").unwrap_or(CUTS);
    let seed = variable("ROSTERD_POWER_SEED").unwrap_or(1);
    let mut dice = Dice::new(u64::try_from(seed + scene.name.len()).unwrap());
    for cut in 0..cuts {
        let rig = scene.rig();
        let line = scene.line(&rig);
        let kept = Kept::of(&rig);
        let (at, loss) = (
            1 + dice.roll(*changes),
            Loss::EVERY[(cut + scene.name.len()) % 3],
        );
        disk::run(&rig, &line, Strike::KilledAfter, at);
        println!("{}: {loss:?} at {at} of {changes}", scene.name);
        kept.cut(&rig, loss, &mut dice);
        assert_same(&scene.over(&rig, &line), want);
    }
}

/// A test for each of the scenes.
macro_rules! cut {
    ($($test:ident: $scene:ident;)*) => {
        $(#[test]
        fn $test() {
            cut_at_its_writes(&scenes::$scene);
        })*
    };
}

cut! {
    an_import_cut_by_a_power_loss_ends_as_one_that_was_not: IMPORT;
    an_update_cut_by_a_power_loss_ends_as_one_that_was_not: UPDATE;
    a_run_that_holds_removals_cut_by_a_power_loss_holds_them_once: HOLD;
    an_approval_cut_by_a_power_loss_is_carried_out_and_told_once: APPROVE;
    a_discarding_cut_by_a_power_loss_is_carried_out_and_told_once: DISCARD;
    a_rotation_cut_by_a_power_loss_loses_and_doubles_no_line: ROTATION;
    a_deactivation_cut_by_a_power_loss_is_told_once: DEACTIVATE;
    an_activation_cut_by_a_power_loss_is_told_once: ACTIVATE;
    an_erasure_cut_by_a_power_loss_is_carried_out_and_told_once: FORGET;
    a_release_cut_by_a_power_loss_is_carried_out_and_told_once: RELEASE;
    a_run_cut_by_a_power_loss_counts_under_its_limit_once: LIMIT;
}
