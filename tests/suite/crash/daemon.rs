//! A daemon killed at its writes, one after the other: the next one knows what was asked, or it is asked again, does what
//! was due, and the journal tells each of it once.
//!
//! A few of its writes are taken, or all with `ROSTERD_CRASH_EVERY=1`, from `ROSTERD_CRASH_FROM` on.

use super::duties;
use super::stricken::Duty;
use super::*;
use crate::disk::Strike;

/// So many kills a duty in every test run.
const KILLS: usize = 3;

fn killed_at_its_writes(duty: &Duty) {
    let (_, changes) = duty.whole();
    let every = variable("ROSTERD_CRASH_EVERY").unwrap_or(changes.div_ceil(KILLS));
    // Not the same part of each.
    let from = variable("ROSTERD_CRASH_FROM").unwrap_or(1 + duty.name.len() % every);
    let mut kills = 0;
    for at in (from..=*changes).step_by(every) {
        let strike = Strike::KILLS[kills % 3];
        println!("{}: {strike:?} {at} of {changes}", duty.name);
        let struck = duty.struck(strike, at);
        match struck.ran.code {
            None => kills += 1,
            // Sled's own thread may have made a change fewer.
            code => assert_eq!(code, Some(0), "{}", struck.ran.stderr),
        }
        duty.assert_same(duty.over(struck));
    }
    assert!(kills > 0, "{}", duty.name);
}

/// A test for each of the duties.
macro_rules! killed {
    ($($test:ident: $duty:ident;)*) => {
        $(#[test]
        fn $test() {
            killed_at_its_writes(&duties::$duty);
        })*
    };
}

killed! {
    a_daemon_killed_at_any_write_of_a_scheduled_run_ends_it_as_one_that_was_not: SCHEDULED;
    a_daemon_killed_at_any_write_of_a_run_that_was_asked_for_ends_it_as_one_that_was_not: ASKED;
    a_daemon_killed_at_any_write_of_a_deactivation_tells_it_once: DEACTIVATED;
    a_daemon_killed_at_any_write_of_an_activation_or_its_import_tells_each_once: ACTIVATED;
    a_daemon_killed_at_any_write_of_a_reload_goes_by_the_new_files_and_tells_once_what_they_change: RELOADED;
    a_daemon_killed_at_any_write_of_its_start_does_it_all_at_the_next: STARTED;
    a_daemon_killed_at_any_write_of_a_run_that_is_parked_ends_it_as_one_that_was_not: PARKED;
    a_daemon_killed_at_any_write_of_a_rotation_loses_and_doubles_no_line: ROTATED;
    a_daemon_killed_at_any_write_of_a_deferral_tells_it_once: DEFERRED;
    a_daemon_killed_after_times_that_were_missed_tells_of_them_once: MISSED;
}
