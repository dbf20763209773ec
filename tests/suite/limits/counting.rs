//! What counts, and under which limits.

use super::*;
use crate::crash::kill_in;

const ZONE: &str = "Asia/Tokyo";

#[test]
fn a_persons_first_run_is_one_initiation_and_a_full_one_counts_under_all_its_limits() {
    let limits = "resyncs_per_day = 2\nresyncs_per_month = 3";
    let (rig, noon) = rig(ZONE, limits, 12, 0);
    rig.sync("guests", &guests(HOURLY));
    rig.import("guests");
    assert_eq!(used(&rig), [1, 1, 0, 0]);
    rig.import("guests");
    assert_eq!(used(&rig), [2, 2, 0, 0]);
    for resyncs in 1..=2 {
        rig.done("sync guests --full");
        assert_eq!(used(&rig), [2 + resyncs, 2 + resyncs, resyncs, resyncs]);
    }
    let triggers = started(&rig).into_iter().map(|(_, trigger)| trigger);
    let want = ["operator", "operator", "resync", "resync"];
    assert_eq!(triggers.collect::<Vec<_>>(), want);
    let tomorrow = start_of(noon.date().tomorrow().unwrap(), ZONE);
    assert_refused(
        &rig,
        "sync guests --full",
        &refusal("resyncs_per_day", 2, 2, &tomorrow),
    );
    // A run that is no resync has room.
    rig.import("guests");

    pass_to(&rig, &tomorrow);
    rig.done("sync guests --full");
    assert_eq!(used(&rig), [1, 6, 1, 3]);
    let next_month = noon.date().last_of_month().tomorrow().unwrap();
    assert_refused(
        &rig,
        "sync guests --full",
        &refusal("resyncs_per_month", 3, 3, &start_of(next_month, ZONE)),
    );
}

#[test]
fn of_several_limits_that_are_used_up_the_one_that_frees_last_is_told() {
    let (rig, noon) = rig(ZONE, "runs_per_day = 1\ninitiations_per_month = 1", 12, 0);
    rig.sync("guests", &guests(HOURLY));
    rig.import("guests");
    let next_month = noon.date().last_of_month().tomorrow().unwrap();
    let sentence = refusal("initiations_per_month", 1, 1, &start_of(next_month, ZONE));
    assert_refused(&rig, "sync guests", &sentence);
    set(&rig, ZONE, "runs_per_day = 0\ninitiations_per_month = 1");
    let sentence = "runs_per_day: none are allowed; raise `limits.runs_per_day`";
    assert_refused(&rig, "sync guests", sentence);
}

#[test]
fn runs_are_first_runs_until_one_has_completed_and_the_months_initiations_defer_them() {
    let (rig, half_past) = rig(ZONE, "initiations_per_month = 3", 12, 30);
    rig.sync("guests", &guests(HOURLY));
    let fault =
        json!({ "method": "coql", "what": { "status": { "status": 400, "body": "refused" } } });
    rig.fault(&fault);
    let daemon = rig.daemon();
    for (hour, initiations) in [(1, 1), (2, 2), (3, 3), (4, 3)] {
        if hour == 3 {
            rig.drop_faults();
        }
        pass_to(&rig, &full_hour(&half_past, hour));
        let runs = u64::try_from(hour).unwrap();
        until_events(&rig, "run.finished", usize::try_from(hour).unwrap());
        assert_eq!(used(&rig), [runs, initiations, 0, 0]);
    }
    // The month has room for no further first run.
    rig.sync("more", &guests(HOURLY));
    reload(&rig);
    pass_to(&rig, &full_hour(&half_past, 5));
    until_events(&rig, "run.deferred", 1);
    until_events(&rig, "run.finished", 5);
    daemon.stop();
    let next = full_hour(&half_past, 6).timestamp();
    assert_eq!(
        deferral(&rig.events("run.deferred")[0]),
        ("more", "initiations_per_month", next)
    );
    let triggers: Vec<String> = started(&rig).into_iter().map(|run| run.1).collect();
    assert_eq!(
        triggers,
        ["initial", "initial", "initial", "scheduled", "scheduled"]
    );
    let finished = rig.events("run.finished");
    let outcomes: Vec<&str> = finished
        .iter()
        .map(|run| run["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(
        outcomes,
        ["failed", "failed", "completed", "completed", "completed"]
    );
    assert_eq!(used(&rig), [5, 3, 0, 0]);
}

#[test]
fn a_failed_run_counts_and_one_that_gets_no_token_does_not() {
    let (rig, half_past) = rig(ZONE, "runs_per_day = 1", 12, 30);
    rig.sync("guests", &guests(HOURLY));
    let revoked = |is: bool| {
        let body = json!({ "refresh_token_revoked": is, "revoke_access_tokens": is });
        rig.post("/accounts", &body);
    };
    revoked(true);
    assert_eq!(rig.run("sync guests").code, Some(77));
    let daemon = rig.daemon();
    pass_to(&rig, &full_hour(&half_past, 1));
    until("the occurrence got no token", || {
        daemon.stderr().contains("credentials_refused")
    });
    until_events(&rig, "run.skipped", 1);
    daemon.stop();
    let journal = rig.journal();
    assert_eq!(journal.len(), 1, "no run");
    assert_eq!(journal[0]["reason"], "not_started");
    assert_eq!(journal[0]["error"]["kind"], "credentials_refused");
    assert_eq!(used(&rig), [0; 4]);

    revoked(false);
    rig.fault(&json!({ "method": "coql", "what": { "status": { "status": 503 } } }));
    assert_eq!(rig.run("sync guests").code, Some(75));
    rig.drop_faults();
    assert_eq!(rig.events("run.finished")[0]["outcome"], "failed");
    assert_eq!(used(&rig), [1, 1, 0, 0]);
    let midnight = start_of(half_past.date().tomorrow().unwrap(), ZONE);
    assert_refused(
        &rig,
        "sync guests",
        &refusal("runs_per_day", 1, 1, &midnight),
    );
}

#[test]
fn a_resumed_run_is_counted_on_its_first_day_and_on_no_other() {
    let (rig, noon) = rig(ZONE, "runs_per_day = 1", 12, 0);
    rig.sync("guests", &guests(HOURLY));
    let hang = json!({ "method": "listsubscribe", "after": 2, "times": 1, "what": "hang" });
    assert!(kill_in(&rig, "sync guests", &hang));
    assert_eq!(used(&rig), [1, 1, 0, 0]);
    // Killed anew, it is still the same one, which no limit keeps from going on.
    assert!(kill_in(&rig, "sync guests", &hang));
    assert_eq!(used(&rig), [1, 1, 0, 0]);
    let midnight = start_of(noon.date().tomorrow().unwrap(), ZONE);
    pass_to(&rig, &midnight);
    assert_eq!(used(&rig), [0, 1, 0, 0]);
    // It goes on, and then there is room for the one that is asked for.
    rig.done("sync guests");
    assert_eq!(used(&rig), [1, 2, 0, 0]);
    let counted = rig.events("run.started");
    assert_eq!((counted.len(), rig.events("run.finished").len()), (2, 2));
    assert_eq!(rig.events("run.finished")[0]["run"], counted[0]["run"]);
}

#[test]
fn two_accounts_do_not_share_what_they_use() {
    let (rig, half_past) = rig(ZONE, "", 12, 30);
    let main = std::fs::read_to_string(rig.path("rosterd.toml")).unwrap();
    let second = main
        .split_once("[accounts.main]\n")
        .map(|(_, keys)| format!("[accounts.second]\n{keys}"));
    set_with(&rig, ZONE, "runs_per_day = 2", &second.unwrap());
    for id in ["a", "b", "c"] {
        let definition = guests(HOURLY);
        rig.sync(
            &format!("main-{id}"),
            &format!("account = \"main\"\n{definition}"),
        );
        rig.sync(
            &format!("second-{id}"),
            &format!("account = \"second\"\n{definition}"),
        );
    }
    rig.import("main-a");
    assert_eq!(used_of(&rig, "main"), [1, 1, 0, 0]);
    assert_eq!(used_of(&rig, "second"), [0; 4]);
    // Six fall due at once, and three of them find room.
    let daemon = rig.daemon();
    pass_to(&rig, &full_hour(&half_past, 1));
    until_events(&rig, "run.deferred", 3);
    until_events(&rig, "run.finished", 4);
    daemon.stop();
    for (account, initiations) in [("main", 1), ("second", 2)] {
        let of = |event: &str| {
            let events = rig.events(event);
            events.iter().filter(|it| it["account"] == account).count()
        };
        assert_eq!(of("run.started"), 2, "{account}");
        let used = used_of(&rig, account);
        assert_eq!(used[0], 2, "{account}");
        assert!(used[1] >= initiations, "{account}: {used:?}");
    }
    assert_refused(
        &rig,
        "sync second-a",
        &refusal(
            "runs_per_day",
            2,
            2,
            &start_of(half_past.date().tomorrow().unwrap(), ZONE),
        ),
    );
}
