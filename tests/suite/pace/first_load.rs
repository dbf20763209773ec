//! A first load of 100,000 contacts at the documented limits: as fast as they allow, and never beyond them.
//!
//! Every test run loads a hundredth of the contacts at a hundredth of the limits; `ROSTERD_FIRST_LOAD=1` loads all of them.

use super::*;

/// Contacts of the load, and calls of `listsubscribe` in a minute, an hour and a day (Campaigns reference, section 6).
const CONTACTS: usize = 100_000;
const WINDOWS: [(usize, i64); 3] = [(500, 60), (12_500, 3_600), (75_000, 86_400)];

/// When the last of so many calls can be made at the earliest, in seconds after the first.
fn forced(calls: usize, share: usize) -> i64 {
    let mut at = vec![0; calls];
    for call in 1..calls {
        let freed = WINDOWS.iter().filter_map(|(allowed, span)| {
            let before = call.checked_sub(allowed / share)?;
            Some(at[before] + span)
        });
        at[call] = freed.fold(at[call - 1], i64::max);
    }
    at[calls - 1]
}

#[test]
fn the_time_that_the_limits_force_is_that_of_a_day_and_two_hours() {
    let hours = |calls| forced(calls, 1) / 3600;
    assert_eq!([hours(500), hours(12_501), hours(75_000)], [0, 1, 5]);
    assert_eq!(hours(CONTACTS), 25);
    // In small it is the same.
    assert_eq!(forced(CONTACTS, 1), forced(CONTACTS / 100, 100));
}

#[test]
fn a_first_load_takes_no_longer_than_the_limits_force_and_never_trips_one() {
    let share = match std::env::var("ROSTERD_FIRST_LOAD") {
        Ok(all) if all == "1" => 1,
        Ok(_) | Err(_) => 100,
    };
    let count = CONTACTS / share;
    let rig = match share {
        // One call at a time, so that no time passes while another is under way.
        1 => rig("campaigns_concurrency = 1\n"),
        _ => rig("campaigns_concurrency = 1\npace = { listsubscribe = \"5/m 125/h 750/d\" }\n"),
    };
    rig.act(&json!({ "policy": { "rate_limits": true, "subscribes_share": share } }));
    contacts(&rig, "first", count);
    rig.forget_calls();
    let mut running = start(&rig, "sync", "sync everybody --json");
    pass_until_it_ends(&rig, &mut running);
    let ran = running.end();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let run: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(run["new"], count, "{run}");
    // Each was called for once: none was refused as too many.
    let calls = rig.calls();
    assert_eq!(
        calls.of_method("campaigns", "listsubscribe"),
        u64::try_from(count).unwrap()
    );
    assert!(
        !ran.stderr.contains("nobody calls it before"),
        "{}",
        ran.stderr
    );
    let subscribes = calls
        .log
        .iter()
        .filter(|call| call["method"] == "listsubscribe");
    let at: Vec<Timestamp> = subscribes
        .map(|call| call["at"].as_str().unwrap().parse().unwrap())
        .collect();
    let took = at[count - 1].duration_since(at[0]).as_secs();
    let forced = forced(count, share);
    println!("{count} contacts took {took} s, and the limits force {forced} s");
    assert!(took >= forced, "{took} s, {forced} s");
    assert!(took * 100 <= forced * 101, "{took} s, {forced} s");
    // It was parked while it waited for an hour's or the day's calls, and told of that each time.
    let parked = rig.events("run.parked");
    assert!((6..12).contains(&parked.len()), "{}", parked.len());
    assert!(parked.iter().all(|event| event["reason"] == "budget"));
    assert_eq!(rig.events("run.resumed").len(), parked.len());
    assert_eq!(rig.events("run.finished").len(), 1);
}
