//! The scenarios of the help page, by the limits as they are without any in the file.

use super::*;

#[test]
fn three_daily_syncs_made_on_one_day_and_two_more_on_the_next_all_run() {
    let zone = "Asia/Tokyo";
    let (rig, nine) = rig(zone, "", 9, 0);
    let daily = guests("every = \"day\", at = \"10:00\"");
    let ids = ["one", "two", "three", "four", "five"];
    for id in &ids[..3] {
        rig.sync(id, &daily);
    }
    let daemon = start(&rig);
    let ten = &nine + 1.hour();
    pass_to(&rig, &ten);
    until_events(&rig, "run.finished", 3);
    assert_eq!(used(&rig), [3, 3, 0, 0]);

    pass_to(&rig, &(&nine + 1.day()));
    for id in &ids[3..] {
        rig.sync(id, &daily);
    }
    reload(&rig);
    assert_eq!(used(&rig), [0, 3, 0, 0]);
    pass_to(&rig, &(&ten + 1.day()));
    until_events(&rig, "run.finished", 3 + 5);
    stop(daemon);
    let limits = limits(&rig, "main");
    let said = ["active_syncs", "runs_per_day", "initiations_per_month"].map(|limit| {
        (
            limits[limit]["used"].clone(),
            limits[limit]["limit"].clone(),
        )
    });
    assert_eq!(
        said,
        [(5, 10), (5, 10), (5, 50)].map(|(used, of)| (json!(used), json!(of)))
    );
    let mut runs = started(&rig);
    runs[..3].sort();
    runs[3..].sort();
    let run = |sync: &str, trigger: &str| (sync.to_owned(), trigger.to_owned());
    assert_eq!(
        runs,
        [
            run("one", "initial"),
            run("three", "initial"),
            run("two", "initial"),
            run("five", "initial"),
            run("four", "initial"),
            run("one", "scheduled"),
            run("three", "scheduled"),
            run("two", "scheduled"),
        ]
    );
    let finished = rig.events("run.finished");
    assert!(finished.iter().all(|run| run["outcome"] == "completed"));
    assert!(rig.events("run.deferred").is_empty() && rig.events("run.skipped").is_empty());
}
