//! A daemon killed at its writes while somebody asks it for something: the next one knows what was asked, or it is asked
//! again, and the journal tells it once.

use super::*;
use crate::disk::{self, Strike};
use crate::rig::Running;

/// So many writes lie between two kills, of which each is one of a daemon of its own.
const EVERY: usize = 6;

/// A daemon on a disk that strikes at a write after it has started.
fn daemon(rig: &Rig, strike: Strike, at: usize) -> Running {
    let daemon = rig.start_command("daemon", disk::command_from(rig, "daemon", strike, at));
    daemon.until_says("rosterd is running");
    disk::begin(rig);
    daemon
}

/// A rig that has imported, with a second sync.
fn imported() -> Rig {
    let rig = rig(24);
    rig.sync("leads", &ALL_CONTACTS.replace("\"Contacts\"", "\"Leads\""));
    rig.import("newsletter");
    rig
}

/// Asks a daemon, kills it at each of its writes after that in turn, and asks the next one again.
fn killed(before: fn(&Rig), line: &str, told: &[&str]) {
    let want = {
        let rig = imported();
        let daemon = rig.daemon();
        before(&rig);
        rig.done(line);
        daemon.stop();
        end(&rig)
    };
    let every = variable("ROSTERD_CRASH_EVERY").unwrap_or(EVERY);
    for (nth, at) in (1..).step_by(every).enumerate() {
        let rig = imported();
        let mut struck = daemon(&rig, Strike::KILLS[nth % 3], at);
        before(&rig);
        let asked = rig.run(line);
        if asked.code == Some(0) && struck.is_running() {
            assert!(nth > 0, "it writes nothing");
            // What it writes on its way out may strike yet.
            struck.signal("TERM");
            struck.end();
            return;
        }
        assert_eq!(struck.end().code, None, "{line} at {at}");
        let next = rig.daemon();
        rig.done(line);
        next.stop();
        println!("{line}: killed at {at}");
        let mut own = end(&rig);
        for event in told {
            // The one that a person asked for, and perhaps the one that was killed.
            let count = own.told.get_mut(*event).unwrap();
            assert!((1..=2).contains(count), "{event} {count}");
            *count = want.told[*event];
        }
        assert_same(&own, &want);
    }
}

#[test]
fn a_daemon_killed_at_any_write_of_a_deactivation_tells_it_once() {
    killed(|_| {}, "deactivate newsletter", &[]);
}

#[test]
fn a_daemon_killed_at_any_write_of_a_reload_goes_by_the_new_files_and_tells_once_what_they_change()
{
    let before = |rig: &Rig| {
        fs::remove_file(rig.path("syncs.d/leads.toml")).unwrap();
        rig.sync(
            "other",
            &ALL_CONTACTS.replace("every = \"hour\"", "every = \"day\", at = \"00:00\""),
        );
    };
    killed(before, "reload", &["config.reloaded"]);
}
