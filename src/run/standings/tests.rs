//! What is stored and told of standings, and what a process that died between the two leaves.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::clock::Clock;
use crate::config::load;
use crate::journal::{Journal, read};
use crate::store::Store;

const DEFINITION: &str = "name = \"N\"\nmodule = \"Contacts\"\nlist = \"3z1\"\nselect.all = true\n\
                          schedule = { every = \"hour\" }\n";

/// The files of two syncs.
fn files() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let main = folder.path().join("rosterd.toml");
    let account =
        "[accounts.main]\nclient_id = \"1\"\nclient_secret = \"s\"\nrefresh_token = \"t\"\n";
    let places = "state_dir = \"state\"\nhistory_dir = \"history\"\n";
    std::fs::write(&main, format!("{places}{account}")).unwrap();
    std::fs::set_permissions(&main, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::create_dir(folder.path().join("syncs.d")).unwrap();
    for sync in ["one", "two"] {
        let file = folder.path().join(format!("syncs.d/{sync}.toml"));
        std::fs::write(file, DEFINITION).unwrap();
    }
    folder
}

fn open(folder: &Path) -> Base {
    let loaded = load(&folder.join("rosterd.toml"), std::iter::empty()).unwrap();
    let config = Arc::new(loaded.config);
    let clock = Clock::standing_at("2026-11-22T02:30:00Z".parse().unwrap());
    let journal = Journal::open(&config.history_dir, &config.history).unwrap();
    let base = Base {
        standings: Arc::new(Standings::new(config.clone(), Activation::default())),
        store: Arc::new(Store::open(&config.state_dir, clock.now()).unwrap()),
        config,
        sources: Arc::new(loaded.sources),
        journal: Arc::new(Mutex::new(journal)),
        clock,
        stop: tokio_util::sync::CancellationToken::new(),
        witness: None,
    };
    tell_what_is_left(&base).unwrap();
    take_over(&base).unwrap();
    base
}

fn events(folder: &Path) -> Vec<Event> {
    let lines = read(&folder.join("history"))
        .unwrap()
        .filter_map(Result::ok);
    lines.filter_map(|line| line.event).collect()
}

fn deactivated(sync: &str) -> Event {
    Event::SyncDeactivated(SyncDeactivated {
        sync: sync.parse().unwrap(),
        account: "main".parse().unwrap(),
        reason: Inactivity::Operator,
    })
}

#[test]
fn what_was_stored_and_not_told_is_told_by_the_next_process_and_told_once() {
    let folder = files();
    let base = open(folder.path());
    let at = base.clock.now();
    let untold = |sync: &str| Untold {
        at: at.as_millisecond(),
        event: serde_json::to_string(&deactivated(sync)).unwrap(),
    };
    // One that the journal has already, and one that it has not: the process died before it took them off.
    base.store
        .state
        .commit(&Changes {
            untold: vec![
                ("000000".to_owned(), untold("one")),
                ("000001".to_owned(), untold("two")),
            ],
            ..Changes::default()
        })
        .unwrap();
    base.journal().append(at, &deactivated("one")).unwrap();
    drop(base);
    for _ in 0..2 {
        let base = open(folder.path());
        assert!(base.store.state.snapshot().unwrap().untold.is_empty());
        assert_eq!(
            events(folder.path()),
            [deactivated("one"), deactivated("two")]
        );
    }
}

#[test]
fn a_hold_is_stored_and_told_with_it_and_nothing_is_left_to_tell() {
    let folder = files();
    let base = open(folder.path());
    let one: SyncId = "one".parse().unwrap();
    let done = set(&base, std::slice::from_ref(&one), Wanted::Inactive).unwrap();
    assert_eq!(
        (done[0].before, done[0].after),
        (None, Some(Inactivity::Operator))
    );
    assert!(!base.standings.now().admits(&one));
    drop(base);
    let base = open(folder.path());
    assert!(!base.standings.now().admits(&one), "as it was stored");
    assert!(base.store.state.snapshot().unwrap().untold.is_empty());
    assert_eq!(events(folder.path()), [deactivated("one")]);
}
